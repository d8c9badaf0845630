"""What fills were worth afterwards: the mid of the market 1 s, 5 s, 30 s and 5 min after each, and which look toxic.

Owned by the engine core, which shows it every fill and the time; it keeps what is still watched, journals one record
per fill when its last horizon has passed (or the session ends), and can be asked for the newest. A maker's fill is
*toxic* when it was filled from far back in its queue, so that most of the level was eaten at once, or when the price
went on against it: both say that whoever traded with us knew more.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from heapq import heappop, heappush

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import Liquidity
from jackbot_tui.model.numbers import ZERO, decimal_of
from jackbot_tui.model.orders import Order, OrderFilled
from jackbot_tui.model.records import MARKOUT_HORIZONS_NS, FillMarkout, Record

JUDGED = 1
"""The horizon that decides about toxicity: 5 s."""

TOXIC_MARKOUT = Decimal("-0.0001")
"""As a fraction of the price: worse than one basis point after 5 s."""

TOXIC_DEPTH = Decimal("0.5")
"""Part of the displayed level that still stood ahead when the fill came."""

WATCHED = 1000
"""Fills watched at a time; beyond it the oldest is journaled as far as it is known."""

KEPT = 500
"""Finished markouts kept for questions."""


class _Watch:
    __slots__ = ("deep", "fill", "key", "number", "sign", "values")

    def __init__(self, order: Order, fill: OrderFilled, number: int) -> None:
        self.key = order.key
        self.sign = order.side.sign
        self.fill = fill
        self.number = number
        self.values: list[Decimal | None] = []
        cause = fill.cause
        self.deep = (
            cause is not None
            and fill.liquidity is Liquidity.MAKER
            and cause.shown > ZERO
            and cause.ahead / cause.shown >= TOXIC_DEPTH
        )

    def result(self, now: int) -> FillMarkout:
        judged = self.values[JUDGED] if len(self.values) > JUDGED else None
        reasons = ["filled from far back in the queue"] if self.deep else []
        if judged is not None and self.fill.liquidity is Liquidity.MAKER and judged < TOXIC_MARKOUT * self.fill.price:
            reasons.append("the price went on against it")
        missing: list[Decimal | None] = [None] * (len(MARKOUT_HORIZONS_NS) - len(self.values))
        return FillMarkout(now, self.fill.client_id, self.fill.trade_id, self.values + missing, "; ".join(reasons))


class Markouts:
    """See the module's paragraph. ``append`` journals a record."""

    def __init__(self, markets: Mapping[str, InstrumentMarket], append: Callable[[Record], int]) -> None:
        self._markets = markets
        self._append = append
        self._due: list[tuple[int, int]] = []  # when, and the watch's number: a heap
        self._watched: dict[int, _Watch] = {}  # by number, the oldest first
        self._watched_ids: dict[str, _Watch] = {}
        self._finished: dict[str, FillMarkout] = {}  # by trade id, the oldest first
        self._next_number = 1
        self.changes = 0
        """Counts up with everything that becomes known, so that who shows it knows when to look again."""

    def watch(self, order: Order, fill: OrderFilled) -> None:
        """A fill has become known; its horizons count from the venue's time of it."""
        if len(self._watched) >= WATCHED:
            self._finish(next(iter(self._watched.values())), fill.ts)
        watch = _Watch(order, fill, self._next_number)
        self._next_number += 1
        self._watched[watch.number] = self._watched_ids[fill.trade_id] = watch
        heappush(self._due, (fill.ts + MARKOUT_HORIZONS_NS[0], watch.number))

    def advance(self, now: int) -> None:
        """Take the mids that are due."""
        while self._due and self._due[0][0] <= now:
            _, number = heappop(self._due)
            watch = self._watched.get(number)
            if watch is None:
                continue
            self.changes += 1
            mid = self._mid(watch.key)
            watch.values.append(None if mid is None else (mid - watch.fill.price) * watch.sign)
            if len(watch.values) == len(MARKOUT_HORIZONS_NS):
                self._finish(watch, now)
            else:
                heappush(self._due, (watch.fill.ts + MARKOUT_HORIZONS_NS[len(watch.values)], number))

    def finish(self, now: int) -> None:
        """The session ends: journal what is known of the fills still watched."""
        for watch in list(self._watched.values()):
            self._finish(watch, now)

    def of(self, trade_id: str) -> FillMarkout | None:
        """What is known of a fill of this session so far; None for one that is too long ago."""
        watch = self._watched_ids.get(trade_id)
        return self._finished.get(trade_id) if watch is None else watch.result(watch.fill.ts)

    def _finish(self, watch: _Watch, now: int) -> None:
        del self._watched[watch.number]
        self._watched_ids.pop(watch.fill.trade_id, None)
        markout = watch.result(now)
        if len(self._finished) >= KEPT:
            del self._finished[next(iter(self._finished))]
        self._finished[markout.trade_id] = markout
        self.changes += 1
        self._append(markout)

    def _mid(self, key: str) -> Decimal | None:
        market = self._markets.get(key)
        if market is None or not market.live:
            return None
        bid, ask = market.book.best_bid(), market.book.best_ask()
        return None if bid is None or ask is None else (decimal_of(bid[0]) + decimal_of(ask[0])) / 2
