"""VWAP: slices over time along the volume that is expected, corrected by the volume that comes; or a share of it.

The curve is a time-of-day profile: from the settings, else what was seen at this time yesterday, else even. With
``pov`` there is no curve: it follows the traded volume at that share. ``slicing`` has how slices are posted and hidden.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.algos.algorithm import LIMIT, REDUCE, SLIP
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, time_text
from jackbot_tui.algos.schedule import Slice, drawn_wait, schedule
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
from jackbot_tui.algos.state import Decision, Kind, Seen
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.numbers import ZERO, round_down, text_of

LOOK_NS = NS_PER_S
"""How often it looks at the traded volume at least."""

BELIEF = 0.5
"""How much of what is still to come follows what came so far; the rest keeps to the profile. At 1 live volume would
only stretch the profile and change no share, at 0 one burst would be taken for the day's volume."""

LEAST_CHANCE, MOST_CHANCE = 0.1, 4.0
"""Bounds of the factor by which a part of a share of the volume may differ from a usual one."""

LARGE_SHARE = 0.2
"""Share of the expected volume above which one moves the market that one measures against."""


class Vwap(Sliced):
    """See the module's paragraph."""

    kind = Kind.VWAP
    title = "slices over a time along the volume, or a share of it; each rests first, what is overdue is taken"
    example = "vwap buy 2 over 1h cap=10"
    short = ("vw",)
    notes = (
        "The volume curve comes from `[parents] profile` of the settings, a file of a usual day's volume; without it"
        " from what this engine saw at the same time yesterday; else it is even. The preview says which.",
        "What is due follows the volume that comes: the traded volume stands against itself and what is still expected,"
        " which is half as the curve says and half in proportion to what came so far.",
        "`pov` follows the traded volume at that share in place of a curve; `over` is then the longest it may take."
        " It never has more than its share; a larger `cap` lets the end be completed up to the cap.",
        *SLICED_NOTES,
    )
    table = (
        OVER,
        SLICES,
        Parameter(
            name="profile",
            unit=Unit.WORD,
            meaning="the volume curve: the best that is known, or even",
            default="known",
            words=("known", "even"),
        ),
        Parameter(
            name="pov",
            unit=Unit.PERCENT,
            meaning="follow the traded volume at this share, in place of the curve",
            low="0.1",
            high="50",
        ),
        RANDOM,
        STYLE,
        LIMIT,
        CAP,
        SLIP,
        REDUCE,
    )

    def begin(self, seen: Seen, terms: Terms) -> SliceMemory:
        return self.refreshed(seen, terms, super().begin(seen, terms))

    def refreshed(self, seen: Seen, terms: Terms, memory: SliceMemory) -> SliceMemory:
        over, flow = terms.time("over"), seen.view.flow
        if memory.over_ns == over:
            return memory
        if flow is None:
            return replace(memory, over_ns=over, weights=(), expected=0.0, source="nothing is known: evenly")
        forecast = flow.forecast(seen.view.now, memory.began_ns, over)
        weights = tuple(round(each, 9) for each in forecast.weights)
        expected = round(forecast.volume, 9)
        return replace(memory, over_ns=over, weights=weights, expected=expected, source=forecast.source)

    def largest_share(self, terms: Terms) -> Decimal | None:
        return terms.price("cap") or terms.price("pov")

    def plan(self, seen: Seen, terms: Terms, memory: SliceMemory) -> tuple[Slice, ...]:
        count, irregular = self.slice_count(seen, terms), float(terms.number("random") / HUNDRED)
        weights = () if terms.word("profile") == "even" else memory.weights
        return schedule(terms.time("over"), count, "even", irregular, seen.seed, weights)

    def due(self, seen: Seen, terms: Terms, memory: SliceMemory, plan: tuple[Slice, ...], place: int) -> Due:
        share, traded = terms.price("pov"), self.traded(seen, memory)
        filled = text_of(seen.state.entry.filled)
        if share is not None:
            return self._share_due(seen, terms, memory, traded * share / HUNDRED, seen.quantity / len(plan))
        until = plan[place].until
        own = until - (plan[place - 1].until if place else 0.0)
        elapsed, begins = seen.view.now - memory.began_ns, plan[place].begins_ns
        ends = plan[place + 1].begins_ns if place + 1 < len(plan) else terms.time("over")
        gone = until - own + own * min(1.0, max(0.0, (elapsed - begins) / max(1, ends - begins)))
        corrected = live_share(until, gone, float(traded), memory.expected)
        now, before = share_done(seen, corrected), share_done(seen, corrected - own)
        head = f"slice {place + 1} of {len(plan)}, {filled} of {text_of(now)} due is done"
        if abs(corrected - until) >= 0.01:
            head += f", {'ahead of' if corrected > until else 'behind'} the curve with the volume"
        return Due(now, before, head)

    def _share_due(self, seen: Seen, terms: Terms, memory: SliceMemory, share: Decimal, usual: Decimal) -> Due:
        """What a share of the volume so far comes to; children wait until it is worth one."""
        now = min(seen.quantity, round_down(share, seen.instrument.lot))
        piece = min(usual * _chance(seen, terms, memory), seen.remaining)
        head = f"{text_of(seen.state.entry.filled)} of {text_of(now)} due at {terms.values['pov']} % of the volume"
        return Due(now, max(ZERO, now - piece), f"{head} is done", piece)

    def decide(self, seen: Seen, terms: Terms, memory: SliceMemory, paused: bool) -> Decision[SliceMemory]:
        decision = super().decide(seen, terms, memory, paused)
        look = seen.view.now + round(LOOK_NS * float(_chance(seen, terms, memory)))
        return replace(decision, wake_ns=min(decision.wake_ns, look) if decision.wake_ns else look)

    def plan_lines(self, seen: Seen, terms: Terms, memory: SliceMemory, count: int, usual: Decimal) -> Iterable[str]:
        irregular = f"irregular by {terms.values['random']} %"
        if share := terms.price("pov"):
            yield (
                f"{text_of(share)} % of what trades, in parts of about {text_of(usual)}, {irregular}; at most"
                f" {time_text(terms.time('over'))}"
            )
        else:
            yield f"{count} slices of about {text_of(usual)} over {time_text(terms.time('over'))}, {irregular}"
            yield f"volume curve: {'evenly, as asked' if terms.word('profile') == 'even' else memory.source}"
        if memory.expected:
            of_it = float(seen.quantity) / memory.expected * 100
            yield f"{memory.expected:.6g} {seen.instrument.base} expected to trade in that time, this is {of_it:.2g} %"

    def warnings(self, seen: Seen, terms: Terms, memory: SliceMemory) -> Iterable[str]:
        if not memory.expected:
            return
        share = float(seen.quantity) / memory.expected
        most = self.largest_share(terms)
        if most is not None and share * 100 > float(most):
            yield f"at {text_of(most)} % of the expected volume it will not be complete in that time"
        elif share > LARGE_SHARE:
            yield f"{share * 100:.0f} % of the expected volume moves the price that it is measured against"

    def terms_problem(self, terms: Terms) -> str:
        cap, share = terms.price("cap"), terms.price("pov")
        if cap is not None and share is not None and cap < share:
            return f"cap {text_of(cap)} is below pov {text_of(share)}: make it at least as large, or leave it out"
        return ""


def _chance(seen: Seen, terms: Terms, memory: SliceMemory) -> Decimal:
    """A factor around 1, drawn anew after each child: 1 when nothing is to be hidden."""
    irregular = terms.number("random") / HUNDRED
    drawn = min(MOST_CHANCE, max(LEAST_CHANCE, drawn_wait(seen.seed, memory.parts)))
    return 1 + irregular * (Decimal(repr(round(drawn, 6))) - 1)


def live_share(until: float, gone: float, traded: float, expected: float) -> float:
    """Share of the whole that should be done when a slice ends.

    ``until`` of the curve lies before its end, ``gone`` of it lies behind us; ``traded`` so far and ``expected`` in the
    whole time are volumes. The remaining volume is expected half as the curve had it, half in proportion to what came.
    """
    if expected <= 0 or until >= 1.0:
        return until
    to_come = expected * (1 - gone)
    if gone > 0:
        to_come *= 1 - BELIEF + BELIEF * traded / (expected * gone)
    total = traded + to_come
    return (traded + to_come * (until - gone) / (1 - gone)) / total if total > 0 and gone < 1 else until
