"""The queue at one price, seen risk-averse: who is ahead of our orders, and what a trade leaves for them.

The matching of one instrument owns these. The rules are the ones published with hftbacktest as its risk-averse queue,
widened to several own orders: at arrival everything displayed is ahead; a trade at the price shortens the queue from
the front; when the level shrinks for any other reason the cancel is taken to be behind us, so only ``min(ahead, size)``
is sure. Own orders at one price stand in one line and share every trade: no traded unit fills two of them.
"""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.numbers import ZERO, decimal_of, round_down
from jackbot_tui.model.orders import Order


class QueueView(Struct, frozen=True):
    """Estimated place of an order, base units: ``ahead`` (own earlier orders included) and the market's ``behind``."""

    ahead: Decimal
    behind: Decimal


class RestingOrder:
    """An order as the paper venue holds it.

    ``ahead`` is the market's quantity before it at its price, base units. ``seen_ns`` is the exchange's own time of the
    newest event its market had shown when it began to rest: it queued behind what the trades until then had left.
    """

    __slots__ = ("ahead", "filled", "order", "price", "quantity", "seen_ns")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.price = order.price
        self.quantity = order.quantity
        self.filled = order.filled
        self.ahead = ZERO
        self.seen_ns = 0

    def hears_of(self, event_ns: int) -> bool:
        """Whether a trade of this exchange time (0 = unknown) was made after the order began to rest."""
        return not 0 < event_ns <= self.seen_ns

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled


class PriceQueue:
    """Own orders of one side at one price, in order of arrival. ``ahead`` never falls from one to the next."""

    __slots__ = ("orders", "shown")

    def __init__(self, shown: float) -> None:
        self.orders: list[RestingOrder] = []
        self.shown = shown

    def join(self, resting: RestingOrder, shown: float, seen_ns: int) -> None:
        """Stand at the back of the ``shown`` displayed quantity; ``seen_ns`` as in ``RestingOrder``."""
        self.resize(shown)
        resting.ahead = decimal_of(shown)
        resting.seen_ns = seen_ns
        self.orders.append(resting)

    def resize(self, shown: float) -> None:
        """The level displays ``shown`` now; nobody moves forward unless the level is too small to hold them."""
        if shown < self.shown:
            size = decimal_of(shown)
            for resting in self.orders:
                if resting.ahead > size:
                    resting.ahead = size
        self.shown = shown

    def share(self, volume: Decimal, lot: Decimal, event_ns: int) -> list[tuple[RestingOrder, Decimal]]:
        """Let a trade of ``volume`` eat the queue from the front: what of it each own order gets, whole lots only.

        Orders that came after the trade (``event_ns``, the exchange's time of it) have no part in it.
        """
        left = volume
        eaten = ZERO
        gets: list[tuple[RestingOrder, Decimal]] = []
        present = [resting for resting in self.orders if resting.hears_of(event_ns)]
        for resting in present:
            strangers = min(left, resting.ahead - eaten)
            eaten += strangers
            left -= strangers
            size = round_down(min(left, resting.remaining), lot)
            if size > ZERO:
                gets.append((resting, size))
                left -= size
        for resting in present:
            resting.ahead = max(ZERO, resting.ahead - eaten)
        return gets

    def clear_ahead(self, event_ns: int) -> None:
        """The market traded through this price: nobody is ahead any more of the orders that were there then."""
        for resting in self.orders:
            if resting.hears_of(event_ns):
                resting.ahead = ZERO

    def view(self, resting: RestingOrder) -> QueueView:
        own = ZERO
        for earlier in self.orders:
            if earlier is resting:
                break
            own += earlier.remaining
        return QueueView(resting.ahead + own, max(ZERO, decimal_of(self.shown) - resting.ahead))
