"""Working orders of an earlier session, handed to the executor again. Places and cancels nothing.

An executor whose orders end with the process gets them as soon as their instrument is followed; one whose orders live
at a venue gets them at once, whatever is followed, since they are there.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from jackbot_tui.execution.base import ExecutorEvent, VenueExecutor
from jackbot_tui.execution.oms import Oms
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.orders import Order


class TakeoverPort(Protocol):
    """What taking over orders needs of the engine."""

    @property
    def clock(self) -> Clock: ...

    @property
    def oms(self) -> Oms: ...

    @property
    def executor(self) -> VenueExecutor: ...

    def apply_all(self, events: Sequence[ExecutorEvent]) -> None: ...


class Takeover:
    """The orders that wait for their instrument, by key."""

    def __init__(self, engine: TakeoverPort) -> None:
        self._engine = engine
        self._waiting: dict[str, list[str]] = {}

    def begin(self, orders: Iterable[Order]) -> None:
        """All orders that the journal still knows; call once everything else has been loaded."""
        known = list(orders)
        for order in known:
            if order.is_open:
                self._waiting.setdefault(order.key, []).append(order.client_id)
        executor = self._engine.executor
        executor.remember(known)
        if executor.remote:
            for key in list(self._waiting):
                self.restore(key)

    def restore(self, key: str) -> None:
        """Hand over the working orders of one instrument."""
        engine = self._engine
        orders = [engine.oms.orders[client_id] for client_id in self._waiting.pop(key, [])]
        if not orders:
            return
        now = engine.clock.now_ns()
        resting = []
        for order in orders:
            if order.status is OrderStatus.PENDING_NEW:
                engine.apply_all(engine.executor.reconcile(order, now))
            elif order.is_open:
                resting.append(order)
        engine.apply_all(engine.executor.restore(resting, now))

    def waits(self, order: Order) -> bool:
        """True while the executor does not have ``order`` yet."""
        return order.client_id in self._waiting.get(order.key, ())
