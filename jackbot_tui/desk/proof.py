"""What became of the last kill: which orders are proven over, which are not, and what is still held.

An order is proven over when the venue said so (canceled, filled, expired, rejected): a cancel that was sent proves
nothing yet.
"""

from collections.abc import Iterable

from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.orders import Order

Proof = tuple[list[str], dict[str, object]]


def proof_of_kill(engine: EnginePort) -> Proof:
    """Lines for a person and the same as data: ``proven`` is True when every order is over and nothing is unknown."""
    report = engine.last_kill
    if report is None:
        return ["the kill switch was not thrown in this session"], {"killed": False, "proven": None}
    closing = [each.order for each in report.flattens if each.order is not None]
    asked = {order.client_id: order for order in (*report.cancels, *report.unknown, *closing)}
    now_known = [engine.oms.orders.get(client_id, order) for client_id, order in asked.items()]
    over = [order for order in now_known if not order.is_open]
    pending = [order for order in now_known if order.is_open]
    held = [position for position in engine.portfolio.positions if position.quantity]
    age = (engine.clock.now_ns() - report.ts) / NS_PER_S
    proven = not pending
    lines = [
        f"killed {age:.0f} s ago: {len(over)} of {len(now_known)} orders proven over ({_how(over) or 'none'})",
        *(f"NOT proven: {_named(order, engine.clock.now_ns())}" for order in pending),
        *(f"still held: {position.key} {text_of(position.quantity)}" for position in held),
        *(f"not closed: {each.refusal.message}" for each in report.flattens if each.refusal is not None),
    ]
    if proven and not held:
        lines.append("nothing is open and nothing is held")
    data: dict[str, object] = {
        "killed": True,
        "proven": proven,
        "over": [order.number for order in over],
        "pending": [order.number for order in pending],
        "held": {position.key: text_of(position.quantity) for position in held},
    }
    return lines, data


def _how(orders: Iterable[Order]) -> str:
    counts: dict[OrderStatus, int] = {}
    for order in orders:
        counts[order.status] = counts.get(order.status, 0) + 1
    return ", ".join(f"{count} {status.value}" for status, count in counts.items())


def _named(order: Order, now_ns: int) -> str:
    since = (now_ns - order.updated_ns) / NS_PER_S
    what = f"#{order.number} {order.side.value} {text_of(order.remaining)} {order.key}"
    return f"{what}: {order.status.value} for {since:.0f} s"
