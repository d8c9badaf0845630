"""The order state machine: one pure function that merges one event into an order.

Whoever holds orders (order state machine, journal projection, tests) calls ``apply_event``; nobody else may change an
order. It never does I/O, never asks for the time and keeps nothing: telling a fill seen twice from a new one, by trade
id, is the caller's business.

Facts reach us late, twice and swapped, so the rules are written for that: a fill counts whenever it comes; a closed
order never opens again; a request of ours changes the state only where the venue has not settled the matter; the fate
called unknown ends with the venue's next word on the order. An order that waits for a trigger is NEW; a fill tells that
it was triggered, whatever came of the event that says so. While an amend is under way, or the fate of a request is
unknown (it may have been an amend), fills do not change the state and a complete one does not close the order, since
only the venue's word tells against which total it was complete.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from msgspec.structs import replace

from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.errors import IllegalTransition
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmended,
    OrderAmendRejected,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    OrderUnknown,
)

_S = OrderStatus
_WORKING = frozenset({_S.NEW, _S.PARTIALLY_FILLED})
_OPEN = frozenset(status for status in OrderStatus if status.is_open)
_CLOSED = frozenset(OrderStatus) - _OPEN

LEGAL: dict[type, frozenset[OrderStatus]] = {
    OrderAccepted: _OPEN | _CLOSED - {_S.REJECTED},
    OrderTriggered: _OPEN | _CLOSED - {_S.REJECTED},
    OrderRejected: frozenset({_S.PENDING_NEW, _S.PENDING_CANCEL, _S.PENDING_UNKNOWN, _S.REJECTED}),
    OrderFilled: _OPEN | {_S.CANCELED, _S.EXPIRED},
    OrderCanceled: _OPEN | {_S.CANCELED},
    OrderExpired: _OPEN | {_S.EXPIRED},
    OrderCancelRequested: _OPEN,
    OrderCancelRejected: _CLOSED | {_S.PENDING_CANCEL, _S.PENDING_UNKNOWN},
    OrderAmendRequested: _WORKING,
    OrderAmended: _WORKING | {_S.PENDING_REPLACE, _S.PENDING_CANCEL, _S.PENDING_UNKNOWN},
    OrderAmendRejected: _CLOSED | {_S.PENDING_REPLACE, _S.PENDING_CANCEL, _S.PENDING_UNKNOWN},
    OrderUnknown: _OPEN,
}
"""States in which an event is expected. Elsewhere it raises in strict mode, or is merged as far as it is harmless."""

PRICE_PLACES = Decimal("1e-18")
"""Average prices are rounded to this, far below any tick."""

EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
"""Wide enough that sums and products of prices, quantities and averages are never rounded."""


def apply_event(order: Order, event: OrderEvent, *, strict: bool = False) -> Order:
    """The order after ``event``; an equal one when the event changes nothing.

    With ``strict`` an event that the order's state does not expect, a fill beyond the order's quantity and a fill that
    is not positive raise IllegalTransition. Without it a fill beyond the quantity is still counted, since the money
    moved. The event must belong to the order.
    """
    if strict and (problem := problem_of(order, event)):
        raise IllegalTransition(problem)
    match event:
        case OrderFilled():
            return _fill(order, event)
        case OrderAccepted():
            return _accept(order, event)
        case OrderTriggered():
            return _trigger(order, event)
        case OrderCanceled():
            return _close(order, _S.CANCELED, event.ts, event.reason)
        case OrderExpired():
            return _close(order, _S.EXPIRED, event.ts, event.reason)
        case OrderRejected():
            # A rejected order has no fills; one that has was cut short, whatever the venue calls it.
            return _close(order, _S.CANCELED if order.filled else _S.REJECTED, event.ts, event.reason)
        case OrderCancelRequested():
            if not order.is_open:
                return order
            status = order.status if order.status is _S.PENDING_UNKNOWN else _S.PENDING_CANCEL
            return _moved(order, status, event.ts)
        case OrderAmendRequested():
            return _moved(order, _S.PENDING_REPLACE, event.ts) if order.status in _WORKING else order
        case OrderAmended():
            return _amend(order, event)
        case OrderCancelRejected():
            return _resume(order, _S.PENDING_CANCEL, event.ts, event.reason)
        case OrderAmendRejected():
            return _resume(order, _S.PENDING_REPLACE, event.ts, event.reason)
        case OrderUnknown():
            return _moved(order, _S.PENDING_UNKNOWN, event.ts, event.reason) if order.is_open else order


def problem_of(order: Order, event: OrderEvent) -> str:
    """What is unexpected about ``event`` in the order's state, in one line; "" when it is a legal move."""
    if order.status not in LEGAL[type(event)]:
        return f"order #{order.number} is {order.status.value}: {type(event).__name__} is not expected there"
    if isinstance(event, OrderTriggered) and order.trigger_price is None:
        return f"order #{order.number} waits for no trigger: OrderTriggered is not expected there"
    if isinstance(event, OrderFilled):
        quantity = text_of(event.quantity)
        if event.quantity <= ZERO:
            return f"order #{order.number}: a fill of {quantity} is not positive"
        undecided = order.status in (_S.PENDING_REPLACE, _S.PENDING_UNKNOWN)
        if not undecided and event.quantity > order.remaining:
            return f"order #{order.number}: a fill of {quantity} exceeds the remaining {text_of(order.remaining)}"
    return ""


def _working_state(order: Order) -> OrderStatus:
    """State of an open order that has no request under way."""
    if order.filled >= order.quantity:
        return _S.FILLED
    if order.filled:
        return _S.PARTIALLY_FILLED
    return _S.NEW if order.venue_order_id else _S.PENDING_NEW


def _moved(order: Order, status: OrderStatus, ts: int, reason: str | None = None) -> Order:
    return replace(
        order,
        status=status,
        updated_ns=max(order.updated_ns, ts),
        reason=order.reason if reason is None else reason,
    )


def _accept(order: Order, event: OrderAccepted) -> Order:
    # A venue that names orders by our own id sends none; something must tell an accepted order from one that is not.
    accepted = replace(
        order,
        venue_order_id=order.venue_order_id or event.venue_order_id or order.client_id,
        updated_ns=max(order.updated_ns, event.ts),
    )
    if order.status in (_S.PENDING_NEW, _S.PENDING_UNKNOWN):
        return _moved(accepted, _working_state(accepted), event.ts, "")
    return accepted


def _trigger(order: Order, event: OrderTriggered) -> Order:
    """The trigger tells as well that the venue has the order."""
    if order.trigger_price is None:
        return order
    known = _accept(order, OrderAccepted(event.client_id, event.ts)) if order.is_open else order
    if known.triggered_ns:
        return known
    return replace(known, triggered_ns=max(1, event.ts), updated_ns=max(known.updated_ns, event.ts))


def _fill(order: Order, event: OrderFilled) -> Order:
    if event.quantity <= ZERO:
        return order
    filled = EXACT.add(order.filled, event.quantity)
    paid = EXACT.fma(event.price, event.quantity, EXACT.multiply(order.average_price, order.filled))
    fees = dict(order.fees)
    fees[event.fee_currency] = EXACT.add(fees.get(event.fee_currency, ZERO), event.fee)
    counted = replace(
        order,
        filled=filled,
        average_price=EXACT.divide(paid, filled).quantize(PRICE_PLACES, context=EXACT),
        fees=fees,
        updated_ns=max(order.updated_ns, event.ts),
        triggered_ns=max(1, event.ts) if order.is_waiting else order.triggered_ns,
    )
    return replace(counted, status=_state_after_fill(counted))


def _state_after_fill(order: Order) -> OrderStatus:
    """``order`` has the fill counted but still its old state."""
    complete = order.filled >= order.quantity
    match order.status:
        case _S.PENDING_REPLACE | _S.PENDING_UNKNOWN:
            return order.status
        case _S.REJECTED:
            return _S.FILLED if complete else _S.CANCELED
        case _S.PENDING_CANCEL | _S.CANCELED | _S.EXPIRED | _S.FILLED:
            return _S.FILLED if complete else order.status
        case _:
            return _S.FILLED if complete else _S.PARTIALLY_FILLED


def _close(order: Order, status: OrderStatus, ts: int, reason: str) -> Order:
    if not order.is_open:
        return order
    return _moved(order, status, ts, reason)


def _amend(order: Order, event: OrderAmended) -> Order:
    """A total at or below what is already filled leaves nothing to work: the order is complete."""
    if not order.is_open:
        return order
    amended = replace(
        order,
        price=event.price,
        quantity=event.quantity,
        venue_order_id=order.venue_order_id or order.client_id,
        updated_ns=max(order.updated_ns, event.ts),
    )
    state = _working_state(amended)
    if order.status is _S.PENDING_CANCEL and state is not _S.FILLED:
        return amended
    return _moved(amended, state, event.ts, "")


def _resume(order: Order, pending: OrderStatus, ts: int, reason: str) -> Order:
    """The venue refused our last request: the order goes on as before it, if it still goes on."""
    state = _working_state(order)
    if order.status is _S.PENDING_UNKNOWN and state is not _S.PENDING_NEW:
        return _moved(order, state, ts, reason)
    if order.status is pending:
        return _moved(order, state, ts, reason)
    return order
