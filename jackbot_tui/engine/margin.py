"""A person chooses margin mode and leverage of a perpetual: asked of the venue, journaled, then in force.

Called by the engine core. The venue's account answers at once: the request's way there and back is not modelled.
"""

from decimal import Decimal
from typing import Protocol

from jackbot_tui.engine.answers import Asked
from jackbot_tui.execution.base import VenueExecutor
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.records import MarginSet, Record


class MarginPort(Protocol):
    """What choosing a margin needs of the engine."""

    @property
    def clock(self) -> Clock: ...

    @property
    def executor(self) -> VenueExecutor: ...

    def append(self, record: Record) -> int: ...


def choose_margin(
    engine: MarginPort, key: str, mode: MarginMode | None, leverage: Decimal | None, source: str
) -> Asked:
    """Set what is not None for the perpetual in ``key``; the problem in words when it is refused."""
    now = engine.clock.now_ns()
    view = engine.executor.margin(key, now)
    if view is None:
        return Asked(f"{key} is no perpetual: leverage and margin mode are for those", 0)
    before = view.setting
    wanted = MarginSetting(before.mode if mode is None else mode, before.leverage if leverage is None else leverage)
    problem = engine.executor.setting_problem(key, wanted, now)
    if problem:
        return Asked(problem, 0)
    seq = engine.append(MarginSet(ts=now, key=key, mode=wanted.mode, leverage=wanted.leverage, source=source))
    if not seq:
        return Asked("the journal did not take the change: nothing was changed", 0)
    engine.executor.set_margin(key, wanted)
    return Asked("", seq)
