"""The face of an executor: where orders go once the risk gate has passed them and the journal holds them.

The engine calls it; an executor answers with order events, at once or later, and never changes an order itself.
"""

from decimal import Decimal
from typing import Protocol

from jackbot_tui.model.orders import Order, OrderEvent


class Executor(Protocol):
    """Takes requests, gives back the order events that are known by ``now`` (nanoseconds)."""

    def submit(self, order: Order, now: int) -> list[OrderEvent]: ...

    def cancel(self, order: Order, now: int) -> list[OrderEvent]: ...

    def amend(self, order: Order, price: Decimal, quantity: Decimal, now: int) -> list[OrderEvent]:
        """Ask for a new price and total quantity."""
        ...
