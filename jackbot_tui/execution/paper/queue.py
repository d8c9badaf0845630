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
    """An order as the paper venue holds it. ``ahead`` is the market's quantity before it at its price, base units."""

    __slots__ = ("ahead", "filled", "order", "price", "quantity")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.price = order.price
        self.quantity = order.quantity
        self.filled = order.filled
        self.ahead = ZERO

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled


class PriceQueue:
    """Own orders of one side at one price, in order of arrival. ``ahead`` never falls from one to the next."""

    __slots__ = ("orders", "shown")

    def __init__(self, shown: float) -> None:
        self.orders: list[RestingOrder] = []
        self.shown = shown

    def join(self, resting: RestingOrder, shown: float) -> None:
        """Stand at the back of the ``shown`` displayed quantity."""
        self.resize(shown)
        resting.ahead = decimal_of(shown)
        self.orders.append(resting)

    def resize(self, shown: float) -> None:
        """The level displays ``shown`` now; nobody moves forward unless the level is too small to hold them."""
        if shown < self.shown:
            size = decimal_of(shown)
            for resting in self.orders:
                if resting.ahead > size:
                    resting.ahead = size
        self.shown = shown

    def share(self, volume: Decimal, lot: Decimal) -> list[tuple[RestingOrder, Decimal]]:
        """Let a trade of ``volume`` eat the queue from the front: what of it each own order gets, whole lots only."""
        left = volume
        eaten = ZERO
        gets: list[tuple[RestingOrder, Decimal]] = []
        for resting in self.orders:
            strangers = min(left, resting.ahead - eaten)
            eaten += strangers
            left -= strangers
            size = round_down(min(left, resting.remaining), lot)
            if size > ZERO:
                gets.append((resting, size))
                left -= size
        for resting in self.orders:
            resting.ahead = max(ZERO, resting.ahead - eaten)
        return gets

    def clear_ahead(self) -> None:
        """The market traded through this price: nobody is ahead any more."""
        for resting in self.orders:
            resting.ahead = ZERO

    def view(self, resting: RestingOrder) -> QueueView:
        own = ZERO
        for earlier in self.orders:
            if earlier is resting:
                break
            own += earlier.remaining
        return QueueView(resting.ahead + own, max(ZERO, decimal_of(self.shown) - resting.ahead))
