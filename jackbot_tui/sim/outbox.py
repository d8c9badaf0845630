"""Events of accounts on their way to private streams, and what faults do to them there.

Owned by a front: what ``sim.accounts`` told goes in, what clients are to hear comes out. Without faults both are the
same. A repeated fill is the same event twice; a late ``new`` waits for what happens to its order next.
"""

from collections.abc import Sequence

from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.requests import AccountEvent, OrderChange, OrderEvent
from jackbot_tui.sim.timeline import Timeline

LATEST_NS = 2_000_000_000
"""So long at most a ``new`` is held back, in simulated time."""


class Outbox:
    def __init__(self, faults: Faults, timeline: Timeline) -> None:
        self._faults = faults
        self._timeline = timeline
        self._held: dict[tuple[str, int], tuple[int, OrderEvent]] = {}

    def pass_on(self, events: Sequence[AccountEvent]) -> list[AccountEvent]:
        """``events`` as they are told now, oldest first."""
        told: list[AccountEvent] = []
        for event in events:
            if not isinstance(event, OrderEvent):
                told.append(event)
                continue
            place = event.order.key, event.order.order_id
            if event.change is OrderChange.NEW and self._faults.strikes(Chance.LATE_NEW):
                self._held[place] = self._timeline.elapsed_ns + LATEST_NS, event
                continue
            told.append(event)
            if event.change is OrderChange.FILL and self._faults.strikes(Chance.REPEAT_FILL):
                told.append(event)
            if place in self._held:
                told.append(self._held.pop(place)[1])
        for place, (due_ns, event) in list(self._held.items()):
            if due_ns <= self._timeline.elapsed_ns:
                del self._held[place]
                told.append(event)
        return told
