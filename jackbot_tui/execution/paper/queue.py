"""The queue at one price: who is ahead of our orders, and what a trade leaves for them.

The matching of one instrument owns these. At arrival everything displayed is ahead; a trade at the price shortens the
queue from the front; what any other shrinking of the level means is said by the session's queue model. Beyond what the
published models do, own orders at one price stand in one line and share every trade: no traded unit fills two of them,
and the later one never gets ahead of the earlier.
"""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.execution.paper.queue_models import QueueModel
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down
from jackbot_tui.model.orders import Order

Share = tuple["RestingOrder", Decimal]
"""An own order and what it gets of a trade."""


PLACES = 12
"""Decimal places of an estimate: finer than any venue's lot, short enough for people and the journal."""


class QueueView(Struct, frozen=True):
    """Estimated place of an order, base units: ``ahead`` (own earlier orders included) and the market's ``behind``."""

    ahead: Decimal
    behind: Decimal


class RestingOrder:
    """An order as the paper venue holds it.

    ``ahead`` is the market's quantity before it at its price, base units. ``seen_ns`` is the exchange's own time of the
    newest event its market had shown when it began to rest: it queued behind what the trades until then had left.
    ``traded`` is what traded at its price since the level's last update, ``cut`` how far that update moved the order
    forward: a trade that is told only afterwards was part of it. For its own account of itself it keeps how
    long its request travelled (``request_ns``), since when it rests (``since_ns``, local time, 0 = it does not), what
    was ``first_ahead`` of it then, and how much of that trades (``eaten``) and shrinking levels (``vanished``) took.
    """

    __slots__ = (
        "ahead",
        "cut",
        "eaten",
        "filled",
        "first_ahead",
        "order",
        "price",
        "quantity",
        "request_ns",
        "seen_ns",
        "since_ns",
        "traded",
        "vanished",
    )

    def __init__(self, order: Order, request_ns: int = 0) -> None:
        self.order = order
        self.request_ns = request_ns
        self.since_ns = 0
        self.price = order.price
        self.quantity = order.quantity
        self.filled = order.filled
        self.seen_ns = 0
        self.queue_behind(ZERO)

    def queue_behind(self, ahead: Decimal) -> None:
        """Begin to rest behind ``ahead``."""
        self.ahead = self.first_ahead = ahead
        self.traded = self.cut = self.eaten = self.vanished = ZERO

    def hears_of(self, event_ns: int) -> bool:
        """Whether a trade of this exchange time (0 = unknown) was made after the order began to rest."""
        return not 0 < event_ns <= self.seen_ns

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled


class PriceQueue:
    """Own orders of one side at one price, in order of arrival. ``ahead`` never falls from one to the next."""

    __slots__ = ("_model", "orders", "shown", "traded", "updated_ns")

    def __init__(self, model: QueueModel, shown: float) -> None:
        self._model = model
        self.orders: list[RestingOrder] = []
        self.shown = shown
        self.traded = False
        """Whether something traded here since the level's last update: an update to the same size is news then."""
        self.updated_ns = 0
        """The exchange's own time of the level's last update while orders rest here, 0 = none or unknown."""

    def join(self, resting: RestingOrder, shown: float, seen_ns: int) -> None:
        """Stand at the back of the ``shown`` displayed quantity; ``seen_ns`` as in ``RestingOrder``."""
        if shown != self.shown:
            self.resize(shown, seen_ns)
        resting.queue_behind(decimal_of(shown))
        resting.seen_ns = seen_ns
        self.orders.append(resting)

    def resize(self, shown: float, event_ns: int) -> None:
        """The level was updated and displays ``shown`` now, by the exchange's time of it ``event_ns`` (0 = unknown)."""
        before, size = decimal_of(self.shown), decimal_of(shown)
        floor = ZERO
        for resting in self.orders:
            ahead = max(floor, _short(self._ahead_after(resting, before, size)))
            resting.cut = resting.ahead - ahead
            resting.vanished += resting.cut
            resting.ahead = floor = ahead
        self.shown = shown
        self.traded = False
        self.updated_ns = event_ns

    def resync(self, shown: float) -> None:
        """The level displays ``shown`` after a gap: what happened meanwhile is unknown, so nobody is promoted."""
        size = decimal_of(shown)
        for resting in self.orders:
            ahead = min(resting.ahead, size)
            resting.vanished += resting.ahead - ahead
            resting.ahead = ahead
            resting.traded = resting.cut = ZERO
        self.shown = shown
        self.traded = False
        self.updated_ns = 0

    def share(self, volume: Decimal, printed: Decimal, lot: Decimal, event_ns: int) -> list[Share]:
        """Let ``volume`` of a trade eat the queue from the front: what of it each own order gets, whole lots only.

        ``printed`` is what the tape says was traded at this very price, better own orders included. Orders that came
        after the trade (``event_ns``, the exchange's time of it) have no part in it. A trade that is no newer than the
        level's last update was part of that update: what the update moved an order forward is not moved again.
        """
        left = volume
        eaten = ZERO
        gets: list[Share] = []
        present = [resting for resting in self.orders if resting.hears_of(event_ns)]
        late = 0 < event_ns <= self.updated_ns
        stood = {id(resting): resting.ahead + (resting.cut if late else ZERO) for resting in present}
        for resting in present:
            strangers = max(ZERO, min(left, stood[id(resting)] - eaten))
            eaten += strangers
            left -= strangers
            size = round_down(min(left, resting.remaining), lot)
            if size > ZERO:
                gets.append((resting, size))
                left -= size
        for resting in present:
            ahead = min(resting.ahead, max(ZERO, stood[id(resting)] - eaten))
            resting.eaten += resting.ahead - ahead
            resting.ahead = ahead
            if late:
                resting.cut = max(ZERO, resting.cut - eaten)
            else:
                resting.traded += printed
        self.traded = self.traded or bool(present and printed and not late)
        return gets

    def clear_ahead(self, event_ns: int) -> None:
        """The market traded through this price: nobody is ahead any more of the orders that were there then."""
        for resting in self.orders:
            if resting.hears_of(event_ns):
                resting.eaten += resting.ahead
                resting.ahead = resting.cut = ZERO

    def view(self, resting: RestingOrder) -> QueueView:
        own = ZERO
        for earlier in self.orders:
            if earlier is resting:
                break
            own += earlier.remaining
        return QueueView(resting.ahead + own, max(ZERO, decimal_of(self.shown) - resting.ahead))

    def _ahead_after(self, resting: RestingOrder, before: Decimal, shown: Decimal) -> Decimal:
        """What the model makes of an update; the trades it accounts for are done with."""
        traded, resting.traded = resting.traded, ZERO
        return self._model.ahead_after(resting.ahead, before, shown, traded)


def _short(estimate: Decimal) -> Decimal:
    exponent = estimate.as_tuple().exponent
    return round(estimate, PLACES) if isinstance(exponent, int) and exponent < -PLACES else estimate


class SeparateQueue(PriceQueue):
    """Every own order in a queue of its own and filled whole, each by the whole of every trade: for comparisons only.

    This is what hftbacktest's exchange model without partial fills does, to the rounding: it computes in floats, and an
    order is filled when what was ahead of it is overdrawn by half a lot or more.
    """

    __slots__ = ("_places",)

    def __init__(self, model: QueueModel, shown: float) -> None:
        super().__init__(model, shown)
        self._places: dict[str, _Place] = {}

    def join(self, resting: RestingOrder, shown: float, seen_ns: int) -> None:
        super().join(resting, shown, seen_ns)
        self._places[resting.order.client_id] = _Place(shown)

    def resize(self, shown: float, event_ns: int) -> None:
        for resting in self.orders:
            place = self._places[resting.order.client_id]
            place.ahead = self._model.ahead_after(place.ahead, self.shown, shown, place.traded)
            place.traded = 0.0
        self.shown = shown
        self.traded = False

    def share(self, volume: Decimal, printed: Decimal, lot: Decimal, event_ns: int) -> list[Share]:
        gets: list[Share] = []
        size = float(printed)
        for resting in self.orders:
            place = self._places[resting.order.client_id]
            place.ahead -= size
            place.traded += size
            if -place.ahead / float(lot) >= 0.5:
                gets.append((resting, resting.remaining))
        self.traded = bool(printed)
        return gets


class _Place(Struct):
    """An order's place in a queue of its own, base units."""

    ahead: float
    traded: float = 0.0
