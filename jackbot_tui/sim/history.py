"""What has traded in one market: recent trades, aggregate trades, candles, day statistics. All bounded.

Fed by a gateway's feed with every execution; read by its REST pages and streams. Prices in ticks, quantities in lots,
times in milliseconds since 1970 UTC. The history begins when the market opens: nothing before is made up.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from jackbot_tui.sim.orders import Execution

TRADES_KEPT = 1000
MINUTES_KEPT = 1500
MINUTE_MS = 60_000
DAY_MS = 86_400_000
AVERAGE_MINUTES = 5


class Print(Struct, frozen=True, gc=False):
    """One public trade. ``taker`` is the id of the order that took."""

    trade_id: int
    ms: int
    price: int
    quantity: int
    buyer_is_maker: bool
    taker: int


class Aggregate(Struct, gc=False):
    """Trades shown as one: same aggressor side and price."""

    aggregate_id: int
    ms: int
    price: int
    quantity: int
    first_trade: int
    last_trade: int
    buyer_is_maker: bool
    taker: int


class Candle(Struct, gc=False):
    """One candle; ``value`` is ticks times lots, ``bought*`` the part where the aggressor bought."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    quantity: int
    value: int
    trades: int
    bought: int
    bought_value: int

    def absorb(self, later: "Candle") -> None:
        """Extend this candle by the one that follows it."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.quantity += later.quantity
        self.value += later.value
        self.trades += later.trades
        self.bought += later.bought
        self.bought_value += later.bought_value


class TradeHistory:
    """``window_ms`` 0: an aggregate is one taker order at one price (Binance spot). Else trades of one side at one
    price within one window of that length are one aggregate, whoever took (Binance USD-M: 100 ms)."""

    def __init__(self, opening: int, window_ms: int = 0) -> None:
        self._opening = opening
        self._window_ms = window_ms
        self._next_aggregate = 1
        self.trades: deque[Print] = deque(maxlen=TRADES_KEPT)
        self.aggregates: deque[Aggregate] = deque(maxlen=TRADES_KEPT)
        self.minutes: deque[Candle] = deque(maxlen=MINUTES_KEPT)

    @property
    def last_price(self) -> int:
        """Price of the last trade, the opening price before the first."""
        return self.trades[-1].price if self.trades else self._opening

    def add(self, execution: Execution, ms: int) -> Print:
        """Record a trade."""
        trade = Print(
            execution.trade_id, ms, execution.price, execution.quantity,
            execution.buyer_is_maker, execution.taker_order_id,
        )  # fmt: skip
        self.trades.append(trade)
        self._aggregate(trade)
        self._chart(trade)
        return trade

    def _aggregate(self, trade: Print) -> None:
        last = self.aggregates[-1] if self.aggregates else None
        if last is not None and self._belongs(last, trade):
            last.quantity += trade.quantity
            last.last_trade = trade.trade_id
            return
        self.aggregates.append(
            Aggregate(
                self._next_aggregate, trade.ms, trade.price, trade.quantity,
                trade.trade_id, trade.trade_id, trade.buyer_is_maker, trade.taker,
            )
        )  # fmt: skip
        self._next_aggregate += 1

    def _belongs(self, last: Aggregate, trade: Print) -> bool:
        if last.price != trade.price or last.buyer_is_maker != trade.buyer_is_maker:
            return False
        if self._window_ms:
            return last.ms // self._window_ms == trade.ms // self._window_ms
        return last.taker == trade.taker

    def _chart(self, trade: Print) -> None:
        open_ms = trade.ms // MINUTE_MS * MINUTE_MS
        value = trade.price * trade.quantity
        bought = 0 if trade.buyer_is_maker else trade.quantity
        price = trade.price
        tick = Candle(open_ms, price, price, price, price, trade.quantity, value, 1, bought, bought * price)
        if self.minutes and self.minutes[-1].open_ms == open_ms:
            self.minutes[-1].absorb(tick)
        else:
            self.minutes.append(tick)

    def candles(self, interval_ms: int, limit: int, start_ms: int, end_ms: int) -> list[Candle]:
        """Candles of whole multiples of a minute that open within [start, end]: from ``start_ms`` on when it is given,
        else the last ones; minutes without a trade leave no candle of their own."""
        merged: list[Candle] = []
        for minute in self.minutes:
            open_ms = minute.open_ms // interval_ms * interval_ms
            if merged and merged[-1].open_ms == open_ms:
                merged[-1].absorb(minute)
            else:
                merged.append(_copy(minute, open_ms))
        chosen = [candle for candle in merged if start_ms <= candle.open_ms <= end_ms]
        return chosen[:limit] if start_ms else chosen[-limit:]

    def day(self, now_ms: int) -> Candle:
        """The last 24 hours as one candle (flat at the last price when nothing traded)."""
        recent = [minute for minute in self.minutes if minute.open_ms > now_ms - DAY_MS]
        return _merged(recent) or Candle(now_ms, *(self.last_price,) * 4, 0, 0, 0, 0, 0)

    def average(self, now_ms: int) -> tuple[int, int]:
        """``(value, quantity)`` of the last five minutes: their quotient is the average price in ticks."""
        recent = [minute for minute in self.minutes if minute.open_ms > now_ms - AVERAGE_MINUTES * MINUTE_MS]
        whole = _merged(recent)
        return (whole.value, whole.quantity) if whole else (self.last_price, 1)


def _copy(candle: Candle, open_ms: int) -> Candle:
    return Candle(
        open_ms, candle.open, candle.high, candle.low, candle.close,
        candle.quantity, candle.value, candle.trades, candle.bought, candle.bought_value,
    )  # fmt: skip


def _merged(candles: Sequence[Candle]) -> Candle | None:
    if not candles:
        return None
    whole = _copy(candles[0], candles[0].open_ms)
    for candle in candles[1:]:
        whole.absorb(candle)
    return whole
