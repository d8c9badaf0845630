"""All orders of the engine: the only place where an order's state is kept and changed.

The engine hands in every order event; ``model.transitions`` says what it does. The Oms adds what a single order
cannot know: which trade ids were counted already, which orders are open, and how much history to keep. It sends
nothing.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.model.errors import IllegalTransition
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import Order, OrderEvent, OrderFilled, OrderRequest
from jackbot_tui.model.transitions import apply_event, problem_of

CLOSED_HISTORY = 1_000
"""Closed orders kept; the oldest are forgotten first (the journal has them all)."""


class OmsUpdate(Struct, frozen=True):
    """What one event changed. ``overfill`` is the quantity filled beyond the order's total, 0 in a sane world."""

    order: Order
    previous: Order
    fill: OrderFilled | None
    overfill: Decimal = ZERO


class OmsCounters(Struct):
    """Events that were not plain sailing.

    ``duplicates``: fills seen before. ``unknown``: events of orders we do not hold. ``unchanged``: events that told
    nothing new. ``unexpected``: events the state does not expect, merged all the same. ``overfills``: fills beyond
    the order's quantity, counted since the money moved.
    """

    duplicates: int = 0
    unknown: int = 0
    unchanged: int = 0
    unexpected: int = 0
    overfills: int = 0


class Oms:
    """See the module's paragraph. ``orders`` holds every open order and the newest closed ones, by client id."""

    def __init__(self, *, strict: bool = False, closed_history: int = CLOSED_HISTORY) -> None:
        """With ``strict`` an unexpected event raises IllegalTransition instead of being merged and counted."""
        self.orders: dict[str, Order] = {}
        self.counters = OmsCounters()
        self._strict = strict
        self._closed_history = closed_history
        self._open: dict[str, None] = {}
        self._closed: deque[str] = deque()
        self._by_number: dict[int, str] = {}
        self._trade_ids: dict[str, set[str]] = {}

    def create(self, request: OrderRequest, number: int, client_id: str, now: int) -> Order:
        """A new order in PENDING_NEW. IllegalTransition when the id or the number is taken."""
        if client_id in self.orders or number in self._by_number:
            raise IllegalTransition(f"order {client_id} (#{number}) exists already: every order needs a new number")
        order = Order(
            number=number,
            client_id=client_id,
            key=request.key,
            side=request.side,
            quantity=request.quantity,
            type=request.type,
            price=request.price,
            tif=request.tif,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            owner=request.owner,
            source=request.source,
            parent_id=request.parent_id,
            tag=request.tag,
            trigger_price=request.trigger_price,
            trigger_by=request.trigger_by,
            take_profit=request.take_profit,
            created_ns=now,
            updated_ns=now,
        )
        self._adopt(order)
        return order

    def take_in(self, order: Order) -> None:
        """An order that the venue placed by itself. IllegalTransition when its id or number is taken."""
        if order.client_id in self.orders or order.number in self._by_number:
            raise IllegalTransition(f"order {order.client_id} (#{order.number}) exists already")
        self._adopt(order)

    def discard(self, client_id: str) -> None:
        """Forget an order whose intent could not be journaled; nothing of it ever left."""
        order = self.orders.pop(client_id, None)
        if order is not None:
            self._open.pop(client_id, None)
            self._by_number.pop(order.number, None)

    def load(self, orders: Iterable[Order], fill_ids: Iterable[tuple[str, str]]) -> None:
        """Take over orders of earlier sessions and the ``(client id, trade id)`` pairs already counted in them."""
        loaded = sorted(orders, key=lambda order: order.number)
        closed = sorted((order for order in loaded if not order.is_open), key=lambda order: order.updated_ns)
        for order in [*closed, *(order for order in loaded if order.is_open)]:
            self._adopt(order)
        for client_id, trade_id in fill_ids:
            if client_id in self.orders:
                self._trade_ids.setdefault(client_id, set()).add(trade_id)

    def apply(self, event: OrderEvent) -> OmsUpdate | None:
        """Merge one event. None when it is a duplicate, of an unknown order, or tells nothing new (all counted)."""
        previous = self.orders.get(event.client_id)
        if previous is None:
            self.counters.unknown += 1
            return None
        fill = event if isinstance(event, OrderFilled) else None
        if fill is not None and fill.trade_id in self._trade_ids.get(previous.client_id, ()):
            self.counters.duplicates += 1
            return None
        unexpected = bool(problem_of(previous, event))
        order = apply_event(previous, event, strict=self._strict)
        if replace(order, updated_ns=previous.updated_ns) == previous:
            self.counters.unchanged += 1
            return None
        self.counters.unexpected += unexpected
        overfill = ZERO
        if fill is not None:
            self._trade_ids.setdefault(order.client_id, set()).add(fill.trade_id)
            if unexpected and order.filled > order.quantity:
                overfill = min(fill.quantity, order.filled - order.quantity)
                self.counters.overfills += 1
        self.orders[order.client_id] = order
        if previous.is_open and not order.is_open:
            self._close(order)
        return OmsUpdate(order, previous, fill, overfill)

    def open_orders(self, key: str | None = None) -> list[Order]:
        """Open orders, oldest first; only those of one instrument when ``key`` is given."""
        orders = [self.orders[client_id] for client_id in self._open]
        return orders if key is None else [order for order in orders if order.key == key]

    def trade_ids(self, client_id: str) -> frozenset[str]:
        """The venue's ids of the fills that were counted in this order."""
        return frozenset(self._trade_ids.get(client_id, ()))

    def by_number(self, number: int) -> Order | None:
        """The order with this short number, if it is still held."""
        client_id = self._by_number.get(number)
        return None if client_id is None else self.orders[client_id]

    def _adopt(self, order: Order) -> None:
        self.orders[order.client_id] = order
        self._by_number[order.number] = order.client_id
        if order.is_open:
            self._open[order.client_id] = None
        else:
            self._close(order)

    def _close(self, order: Order) -> None:
        self._open.pop(order.client_id, None)
        self._closed.append(order.client_id)
        while len(self._closed) > self._closed_history:
            oldest = self._closed.popleft()
            self._by_number.pop(self.orders.pop(oldest).number, None)
            self._trade_ids.pop(oldest, None)
