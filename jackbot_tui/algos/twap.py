"""TWAP: slices over time, along a curve, irregular by its own seed; maker first, taking what is overdue.

In each slice what is due rests post-only at the touch; what the slice before left open is taken within slip and limit.
A child is never larger than what its touch displays, nor a round number, so that it looks like its surroundings.
"""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import (
    LIMIT,
    REDUCE,
    SLIP,
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
from jackbot_tui.algos.maker import best_price
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, time_text
from jackbot_tui.algos.schedule import CURVES, Slice, schedule, slice_at
from jackbot_tui.algos.state import Child, Decision, Kind, Outcome, Preview, Seen, Want
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import TimeInForce
from jackbot_tui.model.numbers import ZERO, round_down, text_of

REST, TAKE = "m", "t"
USUAL_SLICE_NS = 30 * NS_PER_S
MOST_SLICES = 500
MOVE_NS = 2 * NS_PER_S
"""How long a resting slice keeps a price that is not the best any more."""

LEAST_GRACE_NS = 30 * NS_PER_S
CATCH_UP = 3
"""What is taken at once is at most so many usual slices; the next follows a quarter of a slice later."""

HUNDRED = Decimal(100)
ROUND = 10
"""A multiple of so many lots is a round number."""


class TwapMemory(Struct, frozen=True, kw_only=True):
    """``volume``: traded up to ``volume_mark`` of the session's counter; ``took_ns``: last take; ``parts`` ended."""

    began_ns: int
    volume: Decimal = ZERO
    volume_mark: Decimal = ZERO
    took_ns: int = 0
    parts: int = 0


class Twap(Algorithm[TwapMemory]):
    """See the module's paragraph."""

    kind = Kind.TWAP
    title = "slices over a time along a curve; each rests first, what is overdue is taken"
    example = "twap sell 2 over 20m curve=s limit=60500"
    short = ("tw",)
    notes = (
        "The schedule follows from the terms and the order's own seed: a restart finds the same one. `random=0` is the"
        " naive one with equal intervals, which a pattern finder sees at once.",
        "A slice rests post-only at the touch, never larger than the size displayed there; when the next one begins,"
        " what is still open of it is taken within `slip` and `limit` (`style=rest` never takes before the end).",
        "After a pause it catches up in steps of at most three usual slices.",
        "With `cap` it never has more than that share of what the market traded since the start; what cannot be done"
        " for that reason is left over.",
        "At the end what is left is taken; where the limit or the cap forbids it, it waits a tenth of the time (30 s at"
        " least) and ends FAILED with what is left.",
    )
    memory_type = TwapMemory
    table = (
        Parameter(
            name="over", unit=Unit.TIME, meaning="how long it may take", low="5s", high="24h", required=True, bare=True
        ),
        Parameter(
            name="slices", unit=Unit.COUNT, meaning="number of slices; without it one in 30 s", low="2", high="500"
        ),
        Parameter(
            name="curve", unit=Unit.WORD, meaning="how the size spreads over the time", default="even", words=CURVES
        ),
        Parameter(
            name="random",
            unit=Unit.PERCENT,
            meaning="how irregular sizes and beginnings are; 0 is the naive schedule",
            default="40",
            low="0",
            high="90",
        ),
        Parameter(
            name="style",
            unit=Unit.WORD,
            meaning="rest and take what is overdue, rest until the end, or take every slice",
            default="both",
            words=("both", "rest", "take"),
        ),
        LIMIT,
        Parameter(
            name="cap", unit=Unit.PERCENT, meaning="at most this share of the traded volume", low="0.1", high="100"
        ),
        SLIP,
        REDUCE,
    )

    def begin(self, seen: Seen, terms: Terms) -> TwapMemory:
        return TwapMemory(began_ns=seen.view.now, volume_mark=seen.view.volume)

    def decide(self, seen: Seen, terms: Terms, memory: TwapMemory, paused: bool) -> Decision[TwapMemory]:
        view, instrument, reduce = seen.view, seen.instrument, terms.on("reduce")
        least = smallest(instrument, view.near(seen.side), reduce)
        if seen.remaining < least and not seen.open_children:
            rest = f", {text_of(seen.remaining)} left is below the venue's minimum" if seen.remaining else ""
            return Decision(memory=memory, why="complete", ended=f"complete{rest}")
        plan, over = self._plan(seen, terms), terms.time("over")
        elapsed = view.now - memory.began_ns
        place = slice_at(plan, elapsed)
        if view.volume < memory.volume_mark:  # a new session counts from 0
            memory = replace(memory, volume_mark=view.volume)
        allowed = self._allowed(seen, terms, memory)
        ends = elapsed >= over
        if elapsed >= over + max(LEAST_GRACE_NS, over // 10):
            why = f"the time is up, {text_of(seen.remaining)} left"
            return Decision(memory=memory, why=why, ended=why, failed=True)
        due = seen.quantity if ends else _share(seen, plan[place])
        before = seen.quantity if ends else (_share(seen, plan[place - 1]) if place else ZERO)
        if terms.word("style") == "take":
            before = due
        elif terms.word("style") == "rest" and not ends:
            before = ZERO
        filled = seen.state.entry.filled
        wake = memory.began_ns + self._next_ns(plan, place, elapsed, over)
        head = f"slice {place + 1} of {len(plan)}, {text_of(filled)} of {text_of(due)} due is done"
        overdue = min(before - filled, allowed)
        if overdue >= (least if ends else max(least, seen.quantity / len(plan) / 4)):  # crumbs go with the next slice
            return self._take(seen, terms, memory, overdue, head, wake)
        return self._rest(seen, terms, memory, min(due - filled, allowed), plan[place], head, wake)

    def _next_ns(self, plan: tuple[Slice, ...], place: int, elapsed: int, over: int) -> int:
        """When, after the start, the schedule wants to be looked at again."""
        if elapsed >= over:
            return over + max(LEAST_GRACE_NS, over // 10)
        return plan[place + 1].begins_ns if place + 1 < len(plan) else over

    def _take(
        self, seen: Seen, terms: Terms, memory: TwapMemory, overdue: Decimal, head: str, wake: int
    ) -> Decision[TwapMemory]:
        now, step = seen.view.now, terms.time("over") // len(self._plan(seen, terms))
        if any(child.slot == REST for child in seen.open_children):
            return Decision(memory=memory, wake_ns=wake, why=f"{head}; {text_of(overdue)} overdue: cancels what rests")
        next_ns = memory.took_ns + max(NS_PER_S // 2, step // 4) if memory.took_ns else 0
        keep = self._kept(seen, terms, TAKE)
        if keep or now < next_ns:
            soonest = wake if keep else min(wake, next_ns)
            return Decision(memory=memory, wants=keep, wake_ns=soonest, why=f"{head}; takes {text_of(overdue)}")
        price = taking_price(seen, terms.number("slip"), self.limit(terms), seen.side)
        if price is None:
            why = f"{head}; {text_of(overdue)} overdue, but the market is beyond its limit: waits"
            return Decision(memory=memory, wake_ns=wake, why=why, alert="behind its schedule: beyond its limit")
        usual = seen.quantity / len(self._plan(seen, terms)) * CATCH_UP
        size = folded(min(overdue, usual), seen.remaining, seen.instrument, price)
        want = Want(slot=TAKE, quantity=size, price=price, tif=TimeInForce.IOC, reduce_only=terms.on("reduce"))
        return Decision(
            memory=memory, wants=(want,), wake_ns=wake, why=f"{head}; takes {text_of(size)} that is overdue"
        )

    def _rest(
        self, seen: Seen, terms: Terms, memory: TwapMemory, behind: Decimal, part: Slice, head: str, wake: int
    ) -> Decision[TwapMemory]:
        limit, side, now = self.limit(terms), seen.side, seen.view.now
        price = passive_price(capped(best_price(seen, 0), limit, side), seen.instrument, side)
        child = seen.child(REST)
        if child is not None:
            stale = is_worse(price, child.price, side) and now - child.placed_ns >= MOVE_NS
            if child.cancel_ns or stale or is_worse(child.price, price, side):
                return Decision(memory=memory, wake_ns=wake, why=f"{head}; moves from {text_of(child.price)}")
            soon = child.placed_ns + MOVE_NS
            wake = min(wake, soon) if soon > now else wake
            why = f"{head}; #{child.number} rests at {text_of(child.price)}"
            return Decision(memory=memory, wants=self._kept(seen, terms, REST), wake_ns=wake, why=why)
        least = smallest(seen.instrument, price, terms.on("reduce"))
        taking = self._kept(seen, terms, TAKE)
        if behind < least or taking:
            why = f"{head}: waits for {'the answer' if taking else 'the next'}"
            return Decision(memory=memory, wants=taking, wake_ns=wake, why=why)
        displayed = seen.view.bid_size if side.sign > 0 else seen.view.ask_size
        wanted = _unround(min(behind, max(displayed, least)), seen, memory)
        size = folded(wanted, seen.remaining, seen.instrument, price)
        want = Want(slot=REST, quantity=size, price=price, post_only=True, reduce_only=terms.on("reduce"))
        why = f"{head}; posts {text_of(size)} at {text_of(price)}"
        return Decision(memory=memory, wants=(want,), wake_ns=wake, why=why)

    def _kept(self, seen: Seen, terms: Terms, slot: str) -> tuple[Want, ...]:
        """The open child of ``slot`` as it is."""
        child = seen.child(slot)
        if child is None:
            return ()
        post = slot == REST
        tif = TimeInForce.GTC if post else TimeInForce.IOC
        return (Want(slot=slot, quantity=child.remaining, price=child.price, post_only=post, tif=tif),)

    def _plan(self, seen: Seen, terms: Terms) -> tuple[Slice, ...]:
        over = terms.time("over")
        count = terms.count("slices") or min(MOST_SLICES, max(2, round(over / USUAL_SLICE_NS)))
        price = seen.state.arrival.mid or seen.view.mid
        most = int(seen.quantity / smallest(seen.instrument, price, terms.on("reduce")))
        count = max(1, min(count, most))
        return schedule(over, count, terms.word("curve"), float(terms.number("random") / HUNDRED), seen.seed)

    def _allowed(self, seen: Seen, terms: Terms, memory: TwapMemory) -> Decimal:
        """How much more may be filled under the participation cap."""
        cap = terms.price("cap")
        if cap is None:
            return seen.remaining
        traded = memory.volume + seen.view.volume - memory.volume_mark
        return max(ZERO, min(seen.remaining, traded * cap / HUNDRED - seen.state.entry.filled))

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: TwapMemory) -> TwapMemory:
        traded = max(ZERO, seen.view.volume - memory.volume_mark)
        memory = replace(
            memory, parts=memory.parts + 1, volume=memory.volume + traded, volume_mark=max(seen.view.volume, ZERO)
        )
        return replace(memory, took_ns=seen.view.now) if child.slot == TAKE else memory

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        plan = self._plan(seen, terms)
        over, view, instrument = terms.time("over"), seen.view, seen.instrument
        value = view.mid * seen.quantity
        usual = round_down(seen.quantity / len(plan), instrument.lot)
        lines = (
            f"{len(plan)} slices of about {text_of(usual)} over {time_text(over)}, curve {terms.word('curve')},"
            f" irregular by {terms.values['random']} %",
            f"fees {money_text(value * instrument.maker_fee)} {instrument.quote} when all of it rests,"
            f" {money_text(value * instrument.taker_fee)} when all of it is taken",
        )
        warnings = []
        if terms.price("limit") is None:
            warnings.append("no limit: it goes with the price wherever it goes")
        if terms.number("random") == ZERO:
            warnings.append("random=0 is a pattern that others can see")
        wanted = terms.count("slices")
        if wanted > len(plan):
            warnings.append(f"{len(plan)} slices in place of {wanted}: the venue takes no smaller orders")
        return Preview(lines=lines, warnings=tuple(warnings), problem=size_problem(seen, view.mid))


def _share(seen: Seen, part: Slice) -> Decimal:
    """What should be done when ``part`` ends, on the lot."""
    if part.until >= 1.0:
        return seen.quantity
    return round_down(seen.quantity * Decimal(repr(round(part.until, 9))), seen.instrument.lot)


def _unround(size: Decimal, seen: Seen, memory: TwapMemory) -> Decimal:
    """A little less where the size would be a round number of lots."""
    lot = seen.instrument.lot
    size = round_down(size, lot)
    if size > ROUND * lot and not size % (ROUND * lot):
        size -= lot * (1 + (seen.seed + memory.parts) % (ROUND // 2))
    return size
