"""What TWAP and VWAP share: slices that rest first and are taken when overdue, and that look like their surroundings.

A kind says what is due; this posts it at the touch, takes what the slice before left open within slip and limit, keeps
the participation cap, and hides: sizes follow what is displayed and what traded lately and are no round numbers, waits
are drawn from the order's own seed. ``random=0`` hides nothing.
"""

from abc import abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import (
    Algorithm,
    capped,
    folded,
    is_worse,
    money_text,
    passive_price,
    size_problem,
    smallest,
    taking_price,
)
from jackbot_tui.algos.footprint import Mark, Verdict, of_plan
from jackbot_tui.algos.maker import best_price
from jackbot_tui.algos.parameters import Parameter, Terms, Unit
from jackbot_tui.algos.schedule import Slice, draw, drawn_wait, slice_at
from jackbot_tui.algos.state import Child, Decision, Outcome, Preview, Seen, Want
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import TimeInForce
from jackbot_tui.model.numbers import ZERO, round_down, text_of

REST, TAKE = "m", "t"
USUAL_SLICE_NS = 30 * NS_PER_S
MOST_SLICES = 500
MOVE_NS = 2 * NS_PER_S
"""How long a resting slice keeps a price that is not the best any more; drawn around it when hiding."""

LONGEST_WAIT_NS = 1500 * NS_PER_MS
"""How long it waits at most after a child before the next, when hiding; never more than a tenth of a slice."""

LEAST_GRACE_NS = 30 * NS_PER_S
CATCH_UP = 3
"""What is taken at once is at most so many usual slices; the next follows a quarter of a slice later."""

PIECES = 4
"""When hiding, a usual slice is taken in so many pieces at most, more or less, and twice as fast as it comes due: else
it would fall behind."""

HUNDRED = Decimal(100)
ROUND = 10
"""A multiple of so many lots is a round number."""

OVER = Parameter(
    name="over", unit=Unit.TIME, meaning="how long it may take", low="5s", high="24h", required=True, bare=True
)
SLICES = Parameter(
    name="slices", unit=Unit.COUNT, meaning="number of slices; without it one in 30 s", low="2", high="500"
)
RANDOM = Parameter(
    name="random",
    unit=Unit.PERCENT,
    meaning="how irregular sizes and beginnings are; 0 is the naive schedule, 100 as random as the tape",
    default="100",
    low="0",
    high="100",
)
STYLE = Parameter(
    name="style",
    unit=Unit.WORD,
    meaning="rest and take what is overdue, rest until the end, or take every slice",
    default="both",
    words=("both", "rest", "take"),
)
CAP = Parameter(name="cap", unit=Unit.PERCENT, meaning="at most this share of the traded volume", low="0.1", high="100")

SLICED_NOTES = (
    "`random=0` is the naive schedule with equal intervals and sizes, which a pattern finder sees at once. From there"
    " on beginnings, sizes, moves and waits are drawn from the order's own seed; at 100 the beginnings are as bursty as"
    " trades are.",
    "A slice rests post-only at the touch, never larger than the size displayed there (when hiding, than a drawn part"
    " of it or a usual trade); when the next one begins, what is still open of it is taken within `slip` and `limit`"
    " (`style=rest` never takes before the end). When hiding, a take is no larger than the larger ones of the last 400"
    " trades. Sizes that are multiples of ten lots are made a little smaller.",
    "After a pause it catches up in steps of at most three usual slices.",
    "With `cap` it never has more than that share of what the market traded since the start; what cannot be done"
    " for that reason is left over.",
    "At the end what is left is taken; where the limit or the cap forbids it, it waits a tenth of the time (30 s at"
    " least) and ends FAILED with what is left.",
    "Its footprint, how far its children stand out from the tape, is shown with it; [footprint](parents/footprint.md)"
    " has the test and figures of recorded sessions.",
)


class SliceMemory(Struct, frozen=True, kw_only=True):
    """``volume``: traded up to ``volume_mark`` of the session's counter; ``took_ns``: last take; ``parts`` ended.

    ``weights`` of equal parts of the time, ``expected`` volume in it (base units, 0 = unknown) and ``source``, where
    that comes from: for a volume curve, of the duration ``over_ns``.
    """

    began_ns: int
    volume: Decimal = ZERO
    volume_mark: Decimal = ZERO
    took_ns: int = 0
    parts: int = 0
    ended_ns: int = 0
    weights: tuple[float, ...] = ()
    expected: float = 0.0
    source: str = ""
    over_ns: int = 0


class Due(Struct, frozen=True):
    """What should be done by the end of the slice that runs, what was due before it, and how a person reads that.

    Nothing new is placed for less than ``ready``.
    """

    now: Decimal
    before: Decimal
    head: str
    ready: Decimal = ZERO


class Sliced(Algorithm[SliceMemory]):
    """See the module's paragraph."""

    memory_type = SliceMemory
    leaves_footprint = True

    def begin(self, seen: Seen, terms: Terms) -> SliceMemory:
        return SliceMemory(began_ns=seen.view.now, volume_mark=seen.view.volume)

    @abstractmethod
    def plan(self, seen: Seen, terms: Terms, memory: SliceMemory) -> tuple[Slice, ...]:
        """The slices of the whole time."""

    @abstractmethod
    def due(self, seen: Seen, terms: Terms, memory: SliceMemory, plan: tuple[Slice, ...], place: int) -> Due:
        """What should be done while slice ``place`` runs. Not asked after the end."""

    def refreshed(self, seen: Seen, terms: Terms, memory: SliceMemory) -> SliceMemory:
        """``memory`` made right for the terms, which may have been edited."""
        return memory

    def largest_share(self, terms: Terms) -> Decimal | None:
        """Percent of the traded volume that it may never exceed."""
        return terms.price("cap")

    def decide(self, seen: Seen, terms: Terms, memory: SliceMemory, paused: bool) -> Decision[SliceMemory]:
        view, instrument, reduce = seen.view, seen.instrument, terms.on("reduce")
        least = smallest(instrument, view.near(seen.side), reduce)
        if seen.remaining < least and not seen.open_children:
            rest = f", {text_of(seen.remaining)} left is below the venue's minimum" if seen.remaining else ""
            return Decision(memory=memory, why="complete", ended=f"complete{rest}")
        memory = self.refreshed(seen, terms, memory)
        if view.volume < memory.volume_mark:  # a new session counts from 0
            memory = replace(memory, volume_mark=view.volume)
        plan, over = self.plan(seen, terms, memory), terms.time("over")
        elapsed = view.now - memory.began_ns
        place = slice_at(plan, elapsed)
        allowed = self._allowed(seen, terms, memory)
        ends = elapsed >= over
        if elapsed >= over + max(LEAST_GRACE_NS, over // 10):
            why = f"the time is up, {text_of(seen.remaining)} left"
            return Decision(memory=memory, why=why, ended=why, failed=True)
        filled = seen.state.entry.filled
        due = self.due(seen, terms, memory, plan, place)
        if ends:
            due = Due(seen.quantity, seen.quantity, f"the end, {text_of(filled)} of {text_of(seen.quantity)} is done")
        elif terms.word("style") == "take":
            due = replace(due, before=due.now)
        elif terms.word("style") == "rest":
            due = replace(due, before=ZERO)
        wake = memory.began_ns + _next_ns(plan, place, elapsed, over)
        overdue = min(due.before - filled, allowed)
        usual = seen.quantity / len(plan)
        if overdue >= (least if ends else max(least, usual / 4, due.ready)):  # crumbs go with the next slice
            return self._take(seen, terms, memory, overdue, allowed, usual, due.head, wake, ends)
        behind = min(due.now - filled, allowed)
        if hides(terms):  # a crumb would be one of many alike: it goes with the next slice
            piece = usual * _decimal(0.1 + 0.4 * draw(seen.seed, memory.parts))
            due = replace(due, ready=max(due.ready, min(piece, seen.remaining)))
        return self._rest(seen, terms, memory, behind, allowed, due, wake)

    def _take(
        self,
        seen: Seen,
        terms: Terms,
        memory: SliceMemory,
        overdue: Decimal,
        allowed: Decimal,
        usual: Decimal,
        head: str,
        wake: int,
        ends: bool,
    ) -> Decision[SliceMemory]:
        now, step = seen.view.now, int(terms.time("over") * usual / seen.quantity)
        if any(child.slot == REST for child in seen.open_children):
            return Decision(memory=memory, wake_ns=wake, why=f"{head}; {text_of(overdue)} overdue: cancels what rests")
        between = max(NS_PER_S // 2, step // 4)
        if hides(terms):
            between = round(step / (2 * PIECES) * drawn_wait(seen.seed, memory.parts))
            between = min(between, LEAST_GRACE_NS // 20) if ends else between
        next_ns = max(memory.took_ns + between if memory.took_ns else 0, self._waits_until(seen, terms, memory, step))
        keep = _kept(seen, TAKE)
        if keep or now < next_ns:
            soonest = wake if keep else min(wake, next_ns)
            return Decision(memory=memory, wants=keep, wake_ns=soonest, why=f"{head}; takes {text_of(overdue)}")
        price = taking_price(seen, terms.number("slip"), self.limit(terms), seen.side)
        if price is None:
            why = f"{head}; {text_of(overdue)} overdue, but the market is beyond its limit: waits"
            return Decision(memory=memory, wake_ns=wake, why=why, alert="behind its schedule: beyond its limit")
        wanted = min(overdue, usual * CATCH_UP)
        if hides(terms) and seen.view.flow is not None:
            usual_trade = seen.view.flow.size_at(0.8 + 0.19 * draw(seen.seed, memory.parts + MOST_SLICES))
            usual_trade *= _decimal(0.6 + 0.4 * draw(seen.seed, memory.parts + 1))  # popular sizes are so, too
            least_piece = usual / PIECES * _decimal(0.5 + draw(seen.seed, memory.parts + 3))
            wanted = min(wanted, max(usual_trade, least_piece, seen.remaining / PIECES if ends else ZERO))
            wanted *= _decimal(1 - 0.4 * draw(seen.seed, memory.parts + 4))
        size = _sized(seen, terms, memory, wanted, allowed, price)
        if not size:
            return Decision(memory=memory, wake_ns=wake, why=f"{head}: waits, its share of the volume is used up")
        want = Want(slot=TAKE, quantity=size, price=price, tif=TimeInForce.IOC, reduce_only=terms.on("reduce"))
        return Decision(
            memory=memory, wants=(want,), wake_ns=wake, why=f"{head}; takes {text_of(size)} that is overdue"
        )

    def _rest(
        self,
        seen: Seen,
        terms: Terms,
        memory: SliceMemory,
        behind: Decimal,
        allowed: Decimal,
        due: Due,
        wake: int,
    ) -> Decision[SliceMemory]:
        limit, side, now, head = self.limit(terms), seen.side, seen.view.now, due.head
        price = passive_price(capped(best_price(seen, 0), limit, side), seen.instrument, side)
        child = seen.child(REST)
        if child is not None:
            keeps = MOVE_NS if not hides(terms) else round(MOVE_NS * (0.1 + drawn_wait(seen.seed, child.number)))
            stale = is_worse(price, child.price, side) and now - child.placed_ns >= keeps
            if child.cancel_ns or stale or is_worse(child.price, price, side):
                return Decision(memory=memory, wake_ns=wake, why=f"{head}; moves from {text_of(child.price)}")
            soon = child.placed_ns + keeps
            wake = min(wake, soon) if soon > now else wake
            why = f"{head}; #{child.number} rests at {text_of(child.price)}"
            return Decision(memory=memory, wants=_kept(seen, REST), wake_ns=wake, why=why)
        least = smallest(seen.instrument, price, terms.on("reduce"))
        taking = _kept(seen, TAKE)
        if behind < max(least, due.ready) or taking:
            why = f"{head}: waits for {'the answer' if taking else 'the next'}"
            return Decision(memory=memory, wants=taking, wake_ns=wake, why=why)
        until = self._waits_until(seen, terms, memory, wake - now)
        if now < until:
            return Decision(memory=memory, wake_ns=min(wake, until), why=f"{head}: waits a moment")
        displayed = seen.view.bid_size if side.sign > 0 else seen.view.ask_size
        if hides(terms):
            chance = draw(seen.seed, memory.parts + 1)
            behind = max(least, min(behind, due.ready), behind * _decimal(1 - 0.5 * chance))
            part = _decimal(0.3 + 0.6 * draw(seen.seed, memory.parts))
            traded = ZERO if seen.view.flow is None else seen.view.flow.size_at(0.5 + 0.45 * chance)
            displayed = part * max(traded, displayed)
        size = _sized(seen, terms, memory, min(behind, max(displayed, least)), allowed, price)
        if not size:
            return Decision(memory=memory, wake_ns=wake, why=f"{head}: waits, its share of the volume is used up")
        want = Want(slot=REST, quantity=size, price=price, post_only=True, reduce_only=terms.on("reduce"))
        why = f"{head}; posts {text_of(size)} at {text_of(price)}"
        return Decision(memory=memory, wants=(want,), wake_ns=wake, why=why)

    def _waits_until(self, seen: Seen, terms: Terms, memory: SliceMemory, step_ns: int) -> int:
        """When the next child may come at the earliest, so that it does not follow the last one at once."""
        if not hides(terms) or not memory.ended_ns:
            return 0
        longest = max(0, min(LONGEST_WAIT_NS, step_ns // 10))
        return memory.ended_ns + round(longest * draw(seen.seed, memory.parts + 2 * MOST_SLICES))

    def slice_count(self, seen: Seen, terms: Terms) -> int:
        """How many slices there are: as many as were asked for, and the venue takes."""
        over = terms.time("over")
        count = terms.count("slices") or min(MOST_SLICES, max(2, round(over / USUAL_SLICE_NS)))
        price = seen.state.arrival.mid or seen.view.mid
        most = int(seen.quantity / smallest(seen.instrument, price, terms.on("reduce")))
        return max(1, min(count, most))

    def traded(self, seen: Seen, memory: SliceMemory) -> Decimal:
        """What the market has traded since the start, as far as it was seen."""
        return memory.volume + max(ZERO, seen.view.volume - memory.volume_mark)

    def _allowed(self, seen: Seen, terms: Terms, memory: SliceMemory) -> Decimal:
        """How much more may be filled under the participation cap."""
        cap = self.largest_share(terms)
        if cap is None:
            return seen.remaining
        return max(ZERO, min(seen.remaining, self.traded(seen, memory) * cap / HUNDRED - seen.state.entry.filled))

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: SliceMemory) -> SliceMemory:
        memory = replace(
            memory,
            parts=memory.parts + 1,
            volume=self.traded(seen, memory),
            volume_mark=max(seen.view.volume, ZERO),
            ended_ns=seen.view.now,
        )
        return replace(memory, took_ns=seen.view.now) if child.slot == TAKE else memory

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        memory = self.refreshed(seen, terms, self.begin(seen, terms))
        plan = self.plan(seen, terms, memory)
        value = seen.view.mid * seen.quantity
        usual = round_down(seen.quantity / len(plan), seen.instrument.lot)
        fees = (
            f"fees {money_text(value * seen.instrument.maker_fee)} {seen.instrument.quote} when all of it rests,"
            f" {money_text(value * seen.instrument.taker_fee)} when all of it is taken"
        )
        warnings = []
        if terms.price("limit") is None:
            warnings.append("no limit: it goes with the price wherever it goes")
        if not hides(terms):
            warnings.append("random=0 is a pattern that others can see")
        sizes = pairwise([ZERO, *(share_done(seen, each.until) for each in plan)])
        marks = [Mark(each.begins_ns, float(b - a)) for each, (a, b) in zip(plan, sizes, strict=True)]
        trace = of_plan(marks, float(seen.instrument.lot))
        said = (
            f"footprint of such a plan: rhythm {trace.rhythm:.2f} (a clock has 1), {trace.repeats:.0%} sizes repeated"
        )
        if trace.verdict is Verdict.FEW:
            said = "footprint: too few slices to tell"
        elif trace.verdict is Verdict.STANDS_OUT and hides(terms):
            warnings.append(f"its rhythm of {trace.period_s:.1f} s can be found: more random hides it")
        wanted = terms.count("slices")
        if wanted > len(plan):
            warnings.append(f"{len(plan)} slices in place of {wanted}: the venue takes no smaller orders")
        lines = (*self.plan_lines(seen, terms, memory, len(plan), usual), said, fees)
        problem = size_problem(seen, seen.view.mid) or self.terms_problem(terms)
        return Preview(lines=lines, warnings=(*warnings, *self.warnings(seen, terms, memory)), problem=problem)

    @abstractmethod
    def plan_lines(self, seen: Seen, terms: Terms, memory: SliceMemory, count: int, usual: Decimal) -> Iterable[str]:
        """What the plan is, for the preview."""

    def warnings(self, seen: Seen, terms: Terms, memory: SliceMemory) -> Iterable[str]:
        """What a person should think about besides the usual."""
        return ()

    def terms_problem(self, terms: Terms) -> str:
        """Why these terms do not go together, "" when they do."""
        return ""


def hides(terms: Terms) -> bool:
    """Whether it is to look like its surroundings."""
    return terms.number("random") > ZERO


def share_done(seen: Seen, share: float) -> Decimal:
    """A share of the whole, on the lot; all of it from 1 on."""
    if share >= 1.0:
        return seen.quantity
    return round_down(seen.quantity * Decimal(repr(round(max(0.0, share), 9))), seen.instrument.lot)


def _decimal(factor: float) -> Decimal:
    return Decimal(repr(round(factor, 6)))


def _next_ns(plan: tuple[Slice, ...], place: int, elapsed: int, over: int) -> int:
    """When, after the start, the schedule wants to be looked at again."""
    if elapsed >= over:
        return over + max(LEAST_GRACE_NS, over // 10)
    return plan[place + 1].begins_ns if place + 1 < len(plan) else over


def _kept(seen: Seen, slot: str) -> tuple[Want, ...]:
    """The open child of ``slot`` as it is."""
    child = seen.child(slot)
    if child is None:
        return ()
    post = slot == REST
    tif = TimeInForce.GTC if post else TimeInForce.IOC
    return (Want(slot=slot, quantity=child.remaining, price=child.price, post_only=post, tif=tif),)


def _sized(seen: Seen, terms: Terms, memory: SliceMemory, wanted: Decimal, allowed: Decimal, price: Decimal) -> Decimal:
    """``wanted`` as it can be sent: no round number, no rest below the minimum, no more than ``allowed``; 0 = not."""
    size = folded(_unround(wanted, seen, memory), seen.remaining, seen.instrument, price)
    if size <= allowed:
        return size
    least = smallest(seen.instrument, price, terms.on("reduce"))  # the rest could not follow: leave enough for it
    size = min(round_down(allowed, seen.instrument.lot), seen.remaining - least)
    return size if size >= least else ZERO


def _unround(size: Decimal, seen: Seen, memory: SliceMemory) -> Decimal:
    """A little less where the size would be a round number of lots."""
    lot = seen.instrument.lot
    size = round_down(size, lot)
    if size > ROUND * lot and not size % (ROUND * lot):
        size -= lot * (1 + (seen.seed + memory.parts) % (ROUND // 2))
    return size
