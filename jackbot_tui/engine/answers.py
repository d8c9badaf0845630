"""What the engine answers at once to a request: the order or refusal, and the journal record to wait for."""

from msgspec import Struct

from jackbot_tui.model.orders import Order, OrderFilled
from jackbot_tui.risk.refusal import Refusal


class Submitted(Struct, frozen=True):
    """What became of a request: an order on its way, or a refusal. ``seq`` is the journal record to wait for."""

    order: Order | None
    refusal: Refusal | None
    seq: int


class Asked(Struct, frozen=True):
    """Answer to a cancel or amend: ``problem`` "" when it was requested. ``seq`` is the journal record to wait for."""

    problem: str
    seq: int
    order: Order | None = None
    refusal: Refusal | None = None


class FillRow(Struct, frozen=True):
    """A fill with its order, as screens list it."""

    order: Order
    fill: OrderFilled


class KillReport(Struct, frozen=True):
    """What the kill switch set in motion: cancels asked for, flattening orders sent, orders whose fate is unknown."""

    cancels: list[Order]
    flattens: list[Submitted]
    unknown: list[Order]
    seq: int
    ts: int
