"""The kill switch as the engine throws it: lock, cancel, perhaps flatten, and remember what was set in motion."""

from typing import TYPE_CHECKING

from jackbot_tui.engine.answers import KillReport
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.records import KillSwitch

if TYPE_CHECKING:
    from jackbot_tui.engine.core import Engine


def throw(engine: "Engine", source: str, flatten: bool) -> KillReport:
    """Needs neither arming nor fresh data. The report is what was asked for; what came of it, the orders tell."""
    now = engine.clock.now_ns()
    engine.gate.kill()
    seq = engine.append(KillSwitch(ts=now, engaged=True, source=source))
    cancels = engine.cancel_all(source="kill")
    flattens = engine.flatten(None, "kill") if flatten else []
    unknown = [order for order in engine.oms.open_orders() if order.status is OrderStatus.PENDING_UNKNOWN]
    by = "" if source == "kill" else f" by {source}"  # the kill key's own connection has no better name
    text = f"KILL{by}: {len(cancels)} cancels sent, new orders locked until 'kill reset'"
    engine.publish_durable(seq, now, "kill", "bad", text)
    return KillReport(cancels, flattens, unknown, seq, now)
