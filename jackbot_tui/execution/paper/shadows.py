"""Shadows of this session's resting orders: when each rule of filling would have filled them, side by side and live.

The executor owns one and tells it which orders begin to rest at the venue, which are filled or end there, and how the
market moves; it changes nothing and is never journaled. The rules are those of ``comparison`` (whole fills, a queue per
order), so what is counted here is what ``jackbot paper report`` counts on a recording; a test plays both.

An order that was really filled is followed for ``AFTERLIFE_NS`` more under the rules that did not fill it yet. At most
``FOLLOWED`` orders are followed at a time; what rests beyond is counted and not followed.
"""

from collections.abc import Sequence

from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.paper.comparison import THROUGH, TOUCH
from jackbot_tui.execution.paper.queue import RestingOrder
from jackbot_tui.execution.paper.queue_models import RISK_AVERSE, SETTINGS, QueueModel, queue_model
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Trade

RULES = (TOUCH, THROUGH, *SETTINGS)

FOLLOWED = 64

AFTERLIFE_NS = 60 * NS_PER_S


class RuleCount(Struct, frozen=True):
    """One rule: orders it ``filled``, those it still holds (``working``), those that ended without (``missed``).

    ``over`` is how much more it filled than the risk-averse queue, as a fraction of that; 0 while that filled none.
    """

    rule: str
    filled: int
    working: int
    missed: int
    over: float


class HonestyView(Struct, frozen=True):
    """``orders`` began to rest since the session began (a moved order counts anew), ``really`` were filled at least in
    part, ``beyond`` came while as many as can be were followed and are in no other figure.
    """

    orders: int
    really: int
    beyond: int
    rules: list[RuleCount]


class _Shadow:
    """One order. Per rule what stands ahead; a rule that has filled it is out of ``open``."""

    __slots__ = (
        "ahead",
        "client_id",
        "key",
        "left_ns",
        "lot",
        "open",
        "price",
        "really",
        "shown",
        "side",
        "touched",
        "traded",
    )

    def __init__(self, resting: RestingOrder, shown: float, lot: float) -> None:
        self.client_id = resting.order.client_id
        self.key = resting.order.key
        self.side = resting.order.side
        self.price = float(resting.price or 0)
        self.lot = lot
        self.shown = shown
        self.ahead = [shown] * len(RULES)
        self.traded = [0.0] * len(RULES)
        self.open = list(range(len(RULES)))
        self.touched = False  # something traded here since the level's last update
        self.really = False
        self.left_ns = 0  # when it was really filled whole; 0 while it rests


class Shadows:
    """See the module's paragraph. Times are those of the venue's matching, nanoseconds."""

    def __init__(self, most: int = FOLLOWED) -> None:
        """``most`` orders are followed at a time; with 0 nothing is, and it costs nothing."""
        self._most = most
        self._models: list[QueueModel | None] = [
            None if rule in (TOUCH, THROUGH) else queue_model(rule) for rule in RULES
        ]
        self._touch = RULES.index(TOUCH)
        self._through = RULES.index(THROUGH)
        self._by_id: dict[str, _Shadow] = {}
        self._by_key: dict[str, list[_Shadow]] = {}
        self._orders = 0
        self._really = 0
        self._beyond = 0
        self._filled = [0] * len(RULES)
        self._missed = [0] * len(RULES)

    # ------------------------------------------------------------------ what becomes of the orders

    def begin(self, market: InstrumentMarket, resting: RestingOrder) -> None:
        """An order begins to rest, or rests anew at the back of another queue."""
        self.end(resting.order.client_id)
        if len(self._by_id) >= self._most:
            self._beyond += 1
            return
        self._orders += 1
        shown = market.book.size_at(resting.order.side, float(resting.price or 0))
        shadow = _Shadow(resting, shown, float(market.instrument.lot))
        self._by_id[shadow.client_id] = shadow
        self._by_key.setdefault(market.key, []).append(shadow)

    def on_real_fill(self, client_id: str, whole: bool, ts: int) -> None:
        """The order was filled as a maker, ``whole`` when nothing of it rests any more."""
        shadow = self._by_id.get(client_id)
        if shadow is None:
            return
        self._really += not shadow.really
        shadow.really = True
        if whole:
            shadow.left_ns = ts

    def end(self, client_id: str) -> None:
        """The order was canceled, expired or moved: rules that have not filled it miss it."""
        shadow = self._by_id.pop(client_id, None)
        if shadow is not None:
            self._by_key[shadow.key].remove(shadow)
            for rule in shadow.open:
                self._missed[rule] += 1

    # ------------------------------------------------------------------ the market moves

    def on_book(self, market: InstrumentMarket, ts: int) -> None:
        """The LIVE book changed."""
        shadows = self._by_key.get(market.key)
        if not shadows:
            return
        book = market.book
        for shadow in list(shadows):
            side, price = shadow.side, shadow.price
            shown = book.size_at(side, price)
            if shown != shadow.shown or (shadow.touched and book.was_sent(side, price)):
                self._resize(shadow, shown)
            if price >= book.ask_price if side is Side.BUY else price <= book.bid_price:
                self._fill(shadow, shadow.open)
            self._tidy(shadow, ts)

    def on_resync(self, market: InstrumentMarket, ts: int) -> None:
        """The book is LIVE again after a gap: nobody is promoted by what was not seen."""
        for shadow in self._by_key.get(market.key, ()):
            shadow.shown = market.book.size_at(shadow.side, shadow.price)
            shadow.ahead = [min(ahead, shadow.shown) for ahead in shadow.ahead]
            shadow.traded = [0.0] * len(RULES)
            shadow.touched = False
        self.on_book(market, ts)

    def on_trade(self, market: InstrumentMarket, trade: Trade, ts: int) -> None:
        """A public trade while the book is LIVE."""
        shadows = self._by_key.get(market.key)
        if not shadows:
            return
        hit = trade.side.opposite
        for shadow in list(shadows):
            if shadow.side is not hit:
                continue
            price = shadow.price
            if price == trade.price:
                self._eat(shadow, trade.size)
            elif price > trade.price if hit is Side.BUY else price < trade.price:
                self._fill(shadow, shadow.open)
            self._tidy(shadow, ts)

    # ------------------------------------------------------------------ what is known

    def view(self) -> HonestyView:
        working = [0] * len(RULES)
        for shadow in self._by_id.values():
            for rule in shadow.open:
                working[rule] += 1
        sure = self._filled[RULES.index(RISK_AVERSE)]
        counts = [
            RuleCount(name, filled, working[rule], self._missed[rule], filled / sure - 1.0 if sure else 0.0)
            for rule, (name, filled) in enumerate(zip(RULES, self._filled, strict=True))
        ]
        return HonestyView(self._orders, self._really, self._beyond, counts)

    # ------------------------------------------------------------------ inside

    def _resize(self, shadow: _Shadow, shown: float) -> None:
        before = shadow.shown
        for rule in shadow.open:
            model = self._models[rule]
            if model is not None:
                shadow.ahead[rule] = model.ahead_after(shadow.ahead[rule], before, shown, shadow.traded[rule])
                shadow.traded[rule] = 0.0
        shadow.shown = shown
        shadow.touched = False

    def _eat(self, shadow: _Shadow, size: float) -> None:
        """A trade at the price: half a lot beyond what was ahead fills, as hftbacktest rounds."""
        done: list[int] = []
        for rule in shadow.open:
            if rule == self._touch:
                done.append(rule)
            elif rule != self._through:
                shadow.ahead[rule] -= size
                shadow.traded[rule] += size
                if -shadow.ahead[rule] / shadow.lot >= 0.5:
                    done.append(rule)
        shadow.touched = True
        self._fill(shadow, done)

    def _fill(self, shadow: _Shadow, rules: Sequence[int]) -> None:
        if not rules:
            return
        for rule in rules:
            self._filled[rule] += 1
        shadow.open = [rule for rule in shadow.open if rule not in rules]

    def _tidy(self, shadow: _Shadow, ts: int) -> None:
        """Nothing is left to learn of an order that is filled under every rule, or was really filled long ago."""
        if shadow.left_ns and (not shadow.open or ts - shadow.left_ns > AFTERLIFE_NS):
            self.end(shadow.client_id)
