"""What the engine answers at once to a request: the order or refusal, and the journal record to wait for."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from jackbot_tui.model.enums import DifferenceRule
from jackbot_tui.model.orders import Order, OrderFilled, Position
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


class ListedDifference(Struct, frozen=True, kw_only=True):
    """A difference to the venue as people see it: ``number`` stays while it lasts. ``rule`` is what the settings say
    of its kind, None for a kind that settles itself. ``apart``: how far, signed base units, "" for orders. ``busy``: a
    rule is being applied to it.
    """

    number: int
    kind: str
    subject: str
    ours: str
    venue: str
    apart: str
    rule: DifferenceRule | None
    since_ns: int
    ignored: bool = False
    busy: bool = False


class Settlement(Struct, frozen=True):
    """What a person wants done about a difference, as it was shown."""

    shown: ListedDifference
    rule: DifferenceRule


class Settling(Protocol):
    """Who settles differences to a real account, when a person says so (``engine.settling``)."""

    def listed(self) -> list[ListedDifference]:
        """Every difference that lasts, by number."""
        ...

    def problem_of(self, wanted: Settlement) -> str:
        """Why the rule cannot be applied to that difference now, "" when it can be."""
        ...

    def settle(self, wanted: Sequence[Settlement], source: str) -> list[Asked]:
        """Journal each and begin; what comes of it is told. An answer for each, in order."""
        ...

    def after_fill(self, order: Order, fill: OrderFilled, before: Position) -> None:
        """A fill was counted and journaled; ``before`` is the position it found."""
        ...


class KillReport(Struct, frozen=True):
    """What the kill switch set in motion: cancels asked for, flattening orders sent, orders whose fate is unknown."""

    cancels: list[Order]
    flattens: list[Submitted]
    unknown: list[Order]
    seq: int
    ts: int
