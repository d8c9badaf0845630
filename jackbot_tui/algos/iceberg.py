"""Iceberg: a limit order of which only a part is shown; the next part is placed when the one before has filled."""

import random
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import REDUCE, Algorithm, Holding, folded, size_problem, smallest
from jackbot_tui.algos.parameters import Parameter, Terms, Unit
from jackbot_tui.algos.state import Child, Decision, Kind, Outcome, Preview, Seen, Want
from jackbot_tui.model.numbers import text_of

SLOT = "i"
HUNDRED = Decimal(100)


class IcebergMemory(Struct, frozen=True):
    """``parts`` that have ended, whichever way: the part's number draws its size."""

    parts: int = 0


class Iceberg(Algorithm[IcebergMemory]):
    """See the module's paragraph."""

    kind = Kind.ICEBERG
    title = "a limit order that shows only a part of its size"
    example = "iceberg buy 5 limit=60000 show=0.5"
    short = ("ice",)
    notes = (
        "The size of part n follows from the order's seed and n: a restart draws the same.",
        "A rest that would be below the venue's minimum is folded into the part before it.",
    )
    memory_type = IcebergMemory
    on_hold = Holding.LEAVE
    table = (
        Parameter(name="limit", unit=Unit.PRICE, meaning="the price it rests at", required=True),
        Parameter(name="show", unit=Unit.SIZE, meaning="size of the part that is shown", required=True),
        Parameter(
            name="vary",
            unit=Unit.PERCENT,
            meaning="draw each part's size this much around show, from the order's own seed",
            default="20",
            low="0",
            high="90",
        ),
        Parameter(name="post", unit=Unit.SWITCH, meaning="post-only: no part of it takes", default="on"),
        REDUCE,
    )

    def begin(self, seen: Seen, terms: Terms) -> IcebergMemory:
        return IcebergMemory()

    def decide(self, seen: Seen, terms: Terms, memory: IcebergMemory, paused: bool) -> Decision[IcebergMemory]:
        price = Decimal(terms.values["limit"])
        child = seen.child(SLOT)
        if child is None and seen.remaining < smallest(seen.instrument, price, terms.on("reduce")):
            rest = f", {text_of(seen.remaining)} left is below the venue's minimum" if seen.remaining else ""
            return Decision(memory=memory, why="complete", ended=f"complete{rest}")
        if child is not None and child.price != price:
            return Decision(memory=memory, why=f"moves from {text_of(child.price)} to {text_of(price)}")
        size = child.remaining if child is not None else self._part(seen, terms, memory.parts)
        want = Want(slot=SLOT, quantity=size, price=price, post_only=terms.on("post"), reduce_only=terms.on("reduce"))
        hidden = max(seen.remaining - size, Decimal(0))
        why = f"shows {text_of(size)} at {text_of(price)}, {text_of(hidden)} hidden, part {memory.parts + 1}"
        return Decision(memory=memory, wants=(want,), why=why)

    def _part(self, seen: Seen, terms: Terms, part: int) -> Decimal:
        """Size of part number ``part``: drawn from seed and number, so a restart draws the same."""
        price, vary = Decimal(terms.values["limit"]), float(terms.number("vary"))
        drawn = random.Random(seen.seed * 1_000_003 + part).uniform(-vary, vary)
        size = terms.number("show") * (1 + Decimal(repr(round(drawn, 6))) / HUNDRED)
        return folded(size, seen.remaining, seen.instrument, price)

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: IcebergMemory) -> IcebergMemory:
        return replace(memory, parts=memory.parts + 1)

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        price, show = Decimal(terms.values["limit"]), terms.number("show")
        parts = max(1, round(seen.quantity / show))
        lines = (f"about {parts} parts of {text_of(show)} ± {terms.values['vary']} % at {text_of(price)}",)
        warnings = ["every part begins at the end of the queue"]
        crosses = (price - seen.view.far(seen.side)) * seen.side.sign >= 0
        problem = size_problem(seen, price, reduce_only=terms.on("reduce"))
        if show > seen.quantity:
            problem = problem or f"show {text_of(show)} is more than the quantity {text_of(seen.quantity)}"
        least = smallest(seen.instrument, price, terms.on("reduce"))
        if show < least:
            problem = problem or f"show {text_of(show)} is too small: the venue takes at least {text_of(least)}"
        if crosses and terms.on("post"):
            warnings.append("the price crosses the book now: a post-only part waits until it does not")
        elif crosses:
            warnings.append("the price crosses the book now: the first parts take")
        return Preview(lines=lines, warnings=tuple(warnings), problem=problem)
