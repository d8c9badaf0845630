"""The order state machine as a diagram, found by trying: every legal event on an order in every state. Pure.

Read by the page generator for docs/LIVE.md; ``model.transitions`` is the machine itself.
"""

from collections.abc import Iterator
from decimal import Decimal

from jackbot_tui.model.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
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
from jackbot_tui.model.transitions import apply_event, problem_of

WHOLE, PART = Decimal(3), Decimal(1)
PRICE = Decimal(100)
_S = OrderStatus

WORDS: dict[type, str] = {
    OrderAccepted: "accepted",
    OrderTriggered: "triggered",
    OrderRejected: "refused",
    OrderFilled: "fill",
    OrderCanceled: "canceled",
    OrderExpired: "expired",
    OrderCancelRequested: "cancel asked",
    OrderCancelRejected: "cancel refused",
    OrderAmendRequested: "amend asked",
    OrderAmended: "amended",
    OrderAmendRejected: "amend refused",
    OrderUnknown: "answer lost",
}
"""What each event is called in the diagram; a fill that completes the order is ``last fill``."""


def moves() -> dict[tuple[OrderStatus, OrderStatus], list[str]]:
    """The words of all events that lead from one state to another, in the order of ``WORDS``."""
    found: dict[tuple[OrderStatus, OrderStatus], set[str]] = {}
    for order in _orders():
        for event in _events(order):
            if problem_of(order, event):
                continue
            after = apply_event(order, event, strict=True)
            if after.status is not order.status:
                last = isinstance(event, OrderFilled) and event.quantity == order.remaining
                word = "last fill" if last else WORDS[type(event)]
                found.setdefault((order.status, after.status), set()).add(word)
    order_of = [*WORDS.values(), "last fill"]
    ranks = list(OrderStatus)
    places = sorted(found, key=lambda place: (ranks.index(place[0]), ranks.index(place[1])))
    return {place: sorted(found[place], key=order_of.index) for place in places}


def state_diagram() -> str:
    """A Mermaid diagram in a fenced block, one line a move: readable as a list, too."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> PENDING_NEW: written to the journal, then sent"]
    for (before, after), words in moves().items():
        lines.append(f"    {before.name} --> {after.name}: {', '.join(words)}")
    lines += [f"    {status.name} --> [*]" for status in OrderStatus if not status.is_open]
    return "\n".join([*lines, "```"])


def _orders() -> Iterator[Order]:
    """An order in every state that it can be in, by what is known of it: unnamed, unfilled, filled in part or whole."""
    for status in OrderStatus:
        for named, filled in ((False, ZERO), (True, ZERO), (True, PART), (True, WHOLE)):
            if status in _kinds_of(named, filled):
                yield _order(status, "v" if named else "", filled)


def _kinds_of(named: bool, filled: Decimal) -> frozenset[OrderStatus]:
    """States in which an order with so much known of it may be."""
    doubtful = {_S.PENDING_CANCEL, _S.PENDING_UNKNOWN}
    if not named:
        return frozenset({_S.PENDING_NEW, _S.REJECTED, _S.CANCELED, _S.EXPIRED} | doubtful)
    if not filled:
        return frozenset({_S.NEW, _S.PENDING_REPLACE, _S.CANCELED, _S.EXPIRED} | doubtful)
    if filled < WHOLE:
        return frozenset({_S.PARTIALLY_FILLED, _S.PENDING_REPLACE, _S.CANCELED, _S.EXPIRED} | doubtful)
    # the total is being amended, or nobody knows: a complete fill does not close it yet
    return frozenset({_S.FILLED, _S.PENDING_REPLACE, _S.PENDING_UNKNOWN})


def _order(status: OrderStatus, venue_id: str, filled: Decimal) -> Order:
    return Order(
        number=1, client_id="c", key="venue:BTC/USDT", side=Side.BUY, quantity=WHOLE, type=OrderType.LIMIT, price=PRICE,
        tif=TimeInForce.GTC, post_only=False, reduce_only=False, owner="manual", source="ui", parent_id="", tag="",
        created_ns=0, updated_ns=0, status=status, venue_order_id=venue_id, filled=filled,
        average_price=PRICE if filled else ZERO, trigger_price=PRICE,
    )  # fmt: skip


def _events(order: Order) -> Iterator[OrderEvent]:
    yield OrderAccepted("c", 1, "v")
    yield OrderTriggered("c", 1)
    yield OrderRejected("c", 1, "code", "reason")
    for quantity in dict.fromkeys((PART, order.remaining)):
        if quantity > 0:
            yield OrderFilled("c", 1, "t", PRICE, quantity, Liquidity.MAKER, ZERO, "USDT")
    yield OrderCanceled("c", 1, "reason")
    yield OrderExpired("c", 1, "reason")
    yield OrderCancelRequested("c", 1)
    yield OrderCancelRejected("c", 1, "reason")
    yield OrderAmendRequested("c", 1, PRICE, WHOLE + 1)
    for total in (WHOLE + 1, order.filled):
        if total > 0:
            yield OrderAmended("c", 1, PRICE, total)
    yield OrderAmendRejected("c", 1, "reason")
    yield OrderUnknown("c", 1, "reason")
