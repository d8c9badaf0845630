"""TWAP: slices over time, along a curve, irregular by its own seed; maker first, taking what is overdue.

How slices are posted, taken and hidden is in ``slicing``; here is when how much of it is due.
"""

from collections.abc import Iterable
from decimal import Decimal

from jackbot_tui.algos.algorithm import LIMIT, REDUCE, SLIP
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, time_text
from jackbot_tui.algos.schedule import CURVES, Slice, schedule
from jackbot_tui.algos.slicing import (
    CAP,
    HUNDRED,
    OVER,
    RANDOM,
    SLICED_NOTES,
    SLICES,
    STYLE,
    Due,
    Sliced,
    SliceMemory,
    share_done,
)
from jackbot_tui.algos.state import Kind, Seen
from jackbot_tui.model.numbers import ZERO, text_of


class Twap(Sliced):
    """See the module's paragraph."""

    kind = Kind.TWAP
    title = "slices over a time along a curve; each rests first, what is overdue is taken"
    example = "twap sell 2 over 20m curve=s limit=60500"
    short = ("tw",)
    notes = (
        "The schedule follows from the terms and the order's own seed: a restart finds the same one.",
        *SLICED_NOTES,
    )
    table = (
        OVER,
        SLICES,
        Parameter(
            name="curve", unit=Unit.WORD, meaning="how the size spreads over the time", default="even", words=CURVES
        ),
        RANDOM,
        STYLE,
        LIMIT,
        CAP,
        SLIP,
        REDUCE,
    )

    def plan(self, seen: Seen, terms: Terms, memory: SliceMemory) -> tuple[Slice, ...]:
        count, irregular = self.slice_count(seen, terms), float(terms.number("random") / HUNDRED)
        return schedule(terms.time("over"), count, terms.word("curve"), irregular, seen.seed)

    def due(self, seen: Seen, terms: Terms, memory: SliceMemory, plan: tuple[Slice, ...], place: int) -> Due:
        now = share_done(seen, plan[place].until)
        before = share_done(seen, plan[place - 1].until) if place else ZERO
        filled = text_of(seen.state.entry.filled)
        return Due(now, before, f"slice {place + 1} of {len(plan)}, {filled} of {text_of(now)} due is done")

    def plan_lines(self, seen: Seen, terms: Terms, memory: SliceMemory, count: int, usual: Decimal) -> Iterable[str]:
        yield (
            f"{count} slices of about {text_of(usual)} over {time_text(terms.time('over'))},"
            f" curve {terms.word('curve')}, irregular by {terms.values['random']} %"
        )
