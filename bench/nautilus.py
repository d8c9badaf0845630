"""The parity gate's orders through nautilus_trader's BacktestEngine; run in an environment of its own.

Its pandas is older than ours, so it lives apart: ``python -m venv var/nautilus``, then
``var/nautilus/bin/pip install nautilus_trader==1.221.0 sortedcontainers``. ``bench.backtests`` starts it there.

The market is the same list of changes that every engine of the bench reads: one batch of level deltas per update, one
tick per trade, both at the time of their arrival. The engine has one clock for the venue and for us, so an order takes
twice the one-way latency to get there and its answer none. It knows no queue: a resting order is filled once the market
has gone through its price. So its fills cannot equal those under a queue model; that it did the same work shows in the
orders it took, and in about as many fills as the rule "traded through" gives here.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.config import RiskEngineConfig, StrategyConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    RecordFlag,
)
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from jackbot_tui.backtest.honesty import LATENCY_NS, Step, schedule
from jackbot_tui.backtest.recorded import MarketChange, RecordedMarket
from jackbot_tui.model.enums import Side

VENUE = Venue("BINANCE")


class Session:
    """A recorded session as nautilus_trader's own objects; ``run`` plays it once."""

    def __init__(self, recorded: RecordedMarket) -> None:
        self.instrument = _instrument(recorded)
        self.first_ns = recorded.changes[0].local_ns + recorded.clock_error_ns
        self.last_ns = recorded.changes[-1].local_ns + recorded.clock_error_ns
        self.data = list(_data(recorded, self.instrument))

    def run(self) -> tuple[int, int]:
        """Orders accepted or refused by the venue, and filled."""
        engine = BacktestEngine(
            BacktestEngineConfig(
                logging=LoggingConfig(bypass_logging=True),
                risk_engine=RiskEngineConfig(bypass=True),
                run_analysis=False,
            )
        )
        engine.add_venue(
            venue=VENUE,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            starting_balances=[Money(10**9, USDT)],
            book_type=BookType.L2_MBP,
            latency_model=LatencyModel(base_latency_nanos=0, insert_latency_nanos=2 * LATENCY_NS,
                                       cancel_latency_nanos=2 * LATENCY_NS),
            trade_execution=True,
            bar_execution=False,
        )  # fmt: skip
        engine.add_instrument(self.instrument)
        engine.add_data(self.data, sort=False)
        strategy = JoinTheTouch(self.instrument, self.first_ns, schedule(self.first_ns, self.last_ns))
        engine.add_strategy(strategy)
        engine.run()
        filled = sum(order.filled_qty > 0 for order in engine.cache.orders())
        sent = strategy.sent
        engine.dispose()
        return sent, filled


class JoinTheTouch(Strategy):
    """One post-only lot at each side of the touch every 0.4 s, canceled after 3 s."""

    def __init__(self, instrument: Any, first_ns: int, steps: list[Step]) -> None:
        super().__init__(StrategyConfig())
        self.sent = 0
        self._instrument = instrument
        self._steps = steps
        self._next = 0
        self._open: dict[int, list[Any]] = {}

    def on_start(self) -> None:
        self.subscribe_order_book_deltas(self._instrument.id, book_type=BookType.L2_MBP, managed=True)
        self._wait()

    def _wait(self) -> None:
        if self._next < len(self._steps):
            at = self._steps[self._next].at
            self.clock.set_time_alert_ns(f"step {self._next}", at, self._step, allow_past=True)

    def _step(self, event: Any) -> None:
        step = self._steps[self._next]
        self._next += 1
        if step.cancel:
            for order in self._open.pop(step.number):
                if order.is_open:
                    self.cancel_order(order)
        else:
            book = self.cache.order_book(self._instrument.id)
            self._open[step.number] = []
            for side, price in ((OrderSide.BUY, book.best_bid_price()), (OrderSide.SELL, book.best_ask_price())):
                if price is not None:
                    order = self.order_factory.limit(
                        self._instrument.id, side, self._instrument.min_quantity, price, post_only=True
                    )
                    self._open[step.number].append(order)
                    self.submit_order(order)
                    self.sent += 1
        self._wait()


def _instrument(recorded: RecordedMarket) -> CryptoPerpetual:
    ours = recorded.instrument
    symbol = Symbol(f"{ours.native}-PERP")
    free = Decimal(0)
    return CryptoPerpetual(
        instrument_id=InstrumentId(symbol, VENUE), raw_symbol=symbol, base_currency=BTC, quote_currency=USDT,
        settlement_currency=USDT, is_inverse=False, price_precision=ours.price_places, size_precision=ours.qty_places,
        price_increment=Price(ours.tick, ours.price_places), size_increment=Quantity(ours.lot, ours.qty_places),
        min_quantity=Quantity(ours.lot, ours.qty_places), margin_init=free, margin_maint=free, maker_fee=free,
        taker_fee=free, ts_event=0, ts_init=0,
    )  # fmt: skip


def _data(recorded: RecordedMarket, instrument: CryptoPerpetual) -> Iterator[OrderBookDeltas | TradeTick]:
    shift = recorded.clock_error_ns
    for number, change in enumerate(recorded.changes):
        local = change.local_ns + shift
        trade = change.trade
        if trade is not None:
            yield TradeTick(
                instrument.id,
                instrument.make_price(trade.price),
                instrument.make_qty(trade.size),
                AggressorSide.BUYER if trade.side is Side.BUY else AggressorSide.SELLER,
                TradeId(trade.trade_id),
                local,
                local,
            )
        else:
            deltas = list(_deltas(change, instrument, number, local))
            if deltas:
                yield OrderBookDeltas(instrument.id, deltas)


def _deltas(change: MarketChange, instrument: CryptoPerpetual, number: int, local: int) -> Iterator[OrderBookDelta]:
    left = len(change.bids) + len(change.asks)
    for levels, side in ((change.bids, OrderSide.BUY), (change.asks, OrderSide.SELL)):
        for price, size in levels:
            left -= 1
            yield OrderBookDelta(
                instrument.id,
                BookAction.UPDATE if size else BookAction.DELETE,
                BookOrder(side, instrument.make_price(price), instrument.make_qty(size), 0),
                0 if left else RecordFlag.F_LAST,
                number,
                local,
                local,
            )
