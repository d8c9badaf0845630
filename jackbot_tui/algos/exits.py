"""Bracket and OCO: a target that rests at the venue, a stop that is watched here, and one cancels the other.

A bracket enters first and protects what has filled from its first fill on. The stop is local: it is watched while the
engine runs and the book is LIVE, never at the venue. When it triggers, target and entry are canceled first, then the
position is taken off with bounded orders until nothing is left.
"""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import (
    REDUCE,
    SLIP,
    Algorithm,
    Holding,
    money_text,
    size_problem,
    smallest,
    taking_price,
)
from jackbot_tui.algos.parameters import Parameter, Terms, Unit
from jackbot_tui.algos.state import Decision, Kind, Leg, Preview, Seen, Want
from jackbot_tui.model.enums import Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of

ENTRY, TARGET, STOP = "entry", "target", "stop"

_TARGET = Parameter(name="target", unit=Unit.PRICE, meaning="limit price of the profitable exit", required=True)
_STOP = Parameter(name="stop", unit=Unit.PRICE, meaning="price that triggers the losing exit", required=True)
TRIGGER = Parameter(
    name="trigger",
    unit=Unit.WORD,
    meaning="what has to reach the stop: the price one would get (touch), the last trade, the mark or the index",
    default="touch",
    words=("touch", "last", "mark", "index"),
)


class ExitMemory(Struct, frozen=True):
    """``stopped_at``: the price that triggered the stop, None = it has not; once triggered it stays so."""

    stopped_at: Decimal | None = None


class _Exits(Algorithm[ExitMemory]):
    """What bracket and OCO share. ``leg`` and ``side`` are those of the exits."""

    memory_type = ExitMemory
    on_hold = Holding.LEAVE
    works_paused = True
    watches_trades = True

    def begin(self, seen: Seen, terms: Terms) -> ExitMemory:
        return ExitMemory()

    def limit(self, terms: Terms) -> Decimal | None:
        return None

    def _triggered(self, seen: Seen, terms: Terms, side: Side) -> Decimal | None:
        """The price that has reached the stop of exits on ``side``, None while none has."""
        stop, view = Decimal(terms.values["stop"]), seen.view
        price = {"touch": view.far(side), "last": view.last, "mark": view.mark, "index": view.index}[
            terms.word("trigger")
        ]
        reached = price and (price - stop) * side.sign >= ZERO
        return price if reached else None

    def _stop_out(
        self, seen: Seen, terms: Terms, memory: ExitMemory, leg: Leg, side: Side, left: Decimal
    ) -> Decision[ExitMemory]:
        """Everything else goes, then what is left is taken off."""
        if any(child.slot != STOP for child in seen.open_children):
            why = f"STOP at {text_of(memory.stopped_at or ZERO)}: cancels the rest first"
            return Decision(memory=memory, why=why, alert=why)
        reduce_only = leg is Leg.EXIT and seen.instrument.is_perpetual
        if left < smallest(seen.instrument, seen.view.far(side), reduce_only) and not seen.open_children:
            rest = f", {text_of(left)} left is below the venue's minimum" if left else ""
            return Decision(memory=memory, why="stopped", ended=f"stopped at {memory.stopped_at}{rest}")
        price = taking_price(seen, terms.number("slip"), None, side)
        assert price is not None  # the book is LIVE and there is no limit
        want = Want(
            slot=STOP,
            quantity=left,
            price=price,
            leg=leg,
            tif=TimeInForce.IOC,
            reduce_only=reduce_only or (leg is Leg.ENTRY and terms.on("reduce")),
        )
        why = f"STOP at {text_of(memory.stopped_at or ZERO)}: takes {text_of(left)} off, up to {text_of(price)}"
        return Decision(memory=memory, wants=(want,), why=why)

    def _order_problem(self, terms: Terms, side: Side, between: Decimal, what: str) -> str:
        """Target and stop must lie on their sides of ``between``. ``side`` is that of the exits."""
        target, stop = Decimal(terms.values["target"]), Decimal(terms.values["stop"])
        if (target - between) * side.sign >= ZERO:
            return f"target {text_of(target)} must be {_beyond(side)} {what} {text_of(between)}"
        if (stop - between) * side.sign <= ZERO:
            return f"stop {text_of(stop)} must be {_beyond(side.opposite)} {what} {text_of(between)}"
        return ""


def _beyond(side: Side) -> str:
    """Where profit lies for exits on ``side``."""
    return "above" if side is Side.SELL else "below"


class Bracket(_Exits):
    """See the module's paragraph."""

    kind = Kind.BRACKET
    title = "enter at a limit, then target and stop on what has filled; one cancels the other"
    example = "bracket buy 0.5 entry=60000 target=60600 stop=59700"
    notes = (
        "The stop protects what has filled from the first fill on; the target rests for the same quantity, in as many"
        " orders as the entry filled in.",
        "While it is paused the entry is pulled; target and stop go on.",
        "Once the target has begun to fill, nothing more is entered.",
        "Finishing takes the position off; cancelling ends the bracket and leaves the position without a stop.",
        "On spot, what fees took out of the base currency is not there any more: target and stop are for the rest.",
        "The stop is watched here and is not at the venue: while the engine is down, or the book is not LIVE, nothing"
        " watches it. A gap is filled where the market is.",
    )
    finishes_with_exit = True
    table = (
        Parameter(name="entry", unit=Unit.PRICE, meaning="limit price of the entry", required=True),
        _TARGET,
        _STOP,
        TRIGGER,
        Parameter(name="post", unit=Unit.SWITCH, meaning="post-only entry and target", default="off", fixed=True),
        SLIP,
    )

    def limit(self, terms: Terms) -> Decimal | None:
        return terms.price("entry")

    def decide(self, seen: Seen, terms: Terms, memory: ExitMemory, paused: bool) -> Decision[ExitMemory]:
        side, instrument = seen.side.opposite, seen.instrument
        if memory.stopped_at is None and seen.entered > ZERO:
            reached = self._triggered(seen, terms, side)
            if reached is not None:
                memory = replace(memory, stopped_at=reached)
        if memory.stopped_at is not None:
            return self._stop_out(seen, terms, memory, Leg.EXIT, side, seen.entered)
        wants: list[Want] = []
        entry, target = Decimal(terms.values["entry"]), Decimal(terms.values["target"])
        resting = seen.child(ENTRY)
        started_out = seen.state.exit.filled > ZERO  # the target has begun to fill: no more is entered
        entering = not paused and not started_out and seen.remaining >= smallest(instrument, entry)
        if entering and (resting is None or resting.price == entry):
            wants.append(Want(slot=ENTRY, quantity=seen.remaining, price=entry, post_only=terms.on("post")))
        wants += self._targets(seen, terms, target)
        if not wants and not seen.open_children and (not entering or started_out):
            least = smallest(instrument, target, instrument.is_perpetual)
            if seen.state.entry.filled and seen.entered < least:
                rest = f", {text_of(seen.entered)} left is below the venue's minimum" if seen.entered else ""
                return Decision(memory=memory, why="complete", ended=f"out at the target{rest}")
        what = f"in for {text_of(seen.entered)}" if seen.entered else f"waits to enter at {text_of(entry)}"
        why = f"{what}, target {text_of(target)} rests, stop {terms.values['stop']} is watched here"
        return Decision(memory=memory, wants=tuple(wants), why=why)

    def _targets(self, seen: Seen, terms: Terms, target: Decimal) -> list[Want]:
        """Orders at the target for all that has been entered: those that rest, and one more for what is uncovered."""
        reduce_only = seen.instrument.is_perpetual
        open_targets = [child for child in seen.open_children if child.slot.startswith(TARGET)]
        fitting = [child for child in open_targets if child.price == target]
        wants = [
            Want(slot=child.slot, quantity=child.remaining, price=target, leg=Leg.EXIT, reduce_only=reduce_only)
            for child in fitting
        ]
        covered = sum((child.remaining for child in open_targets), ZERO)
        uncovered = seen.entered - covered
        if uncovered >= smallest(seen.instrument, target, reduce_only):
            used = {child.slot for child in open_targets}
            slot = next(name for n in range(len(used) + 1) if (name := f"{TARGET}{n}") not in used)
            wants.append(
                Want(
                    slot=slot,
                    quantity=uncovered,
                    price=target,
                    leg=Leg.EXIT,
                    post_only=terms.on("post"),
                    reduce_only=reduce_only,
                )
            )
        return wants

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        entry, quantity = Decimal(terms.values["entry"]), seen.quantity
        target, stop = Decimal(terms.values["target"]), Decimal(terms.values["stop"])
        fees = (entry * seen.instrument.taker_fee + stop * seen.instrument.taker_fee) * quantity
        gain, loss = abs(target - entry) * quantity, abs(entry - stop) * quantity
        ratio = f", {gain / loss:.2f} to 1" if loss else ""
        lines = (
            f"enters {text_of(quantity)} at {text_of(entry)}",
            f"target {text_of(target)}: +{money_text(gain)} {seen.instrument.quote} before fees{ratio}",
            f"stop {text_of(stop)} on {terms.word('trigger')}: -{money_text(loss)}, fees up to {money_text(fees)}",
        )
        problem = size_problem(seen, entry) or self._order_problem(terms, seen.side.opposite, entry, "the entry")
        return Preview(lines=lines, warnings=STOP_WARNINGS, problem=problem)


class Oco(_Exits):
    """See the module's paragraph; the side and quantity of the parent are those of its exits."""

    kind = Kind.OCO
    title = "a resting target and a watched stop for the same quantity; one cancels the other"
    notes = (
        "Side and quantity are those of the exits: `oco sell` closes a long position, `reduce=on` holds it to that.",
        "While it is paused the target stays and the stop is not watched.",
        "When the stop triggers, the target is canceled first and what it filled meanwhile is counted.",
    )
    example = "oco sell 0.5 target=60600 stop=59700"
    table = (_TARGET, _STOP, TRIGGER, SLIP, REDUCE)

    def decide(self, seen: Seen, terms: Terms, memory: ExitMemory, paused: bool) -> Decision[ExitMemory]:
        if memory.stopped_at is None and not paused:
            reached = self._triggered(seen, terms, seen.side)
            if reached is not None:
                memory = replace(memory, stopped_at=reached)
        if memory.stopped_at is not None:
            return self._stop_out(seen, terms, memory, Leg.ENTRY, seen.side, seen.remaining)
        target, reduce = Decimal(terms.values["target"]), terms.on("reduce")
        child = seen.child(TARGET)
        if child is None and seen.remaining < smallest(seen.instrument, target, reduce):
            rest = f", {text_of(seen.remaining)} left is below the venue's minimum" if seen.remaining else ""
            return Decision(memory=memory, why="complete", ended=f"filled at the target{rest}")
        if child is not None and child.price != target:
            return Decision(memory=memory, why=f"moves the target to {text_of(target)}")
        want = Want(slot=TARGET, quantity=seen.remaining, price=target, reduce_only=reduce)
        why = f"target {text_of(target)} rests, stop {terms.values['stop']} is watched here"
        return Decision(memory=memory, wants=(want,), why=why)

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        far = seen.view.far(seen.side)
        target, stop = Decimal(terms.values["target"]), Decimal(terms.values["stop"])
        verb = seen.side.value
        lines = (
            f"{verb} {text_of(seen.quantity)} at {text_of(target)} rests",
            f"or at the market once the {terms.word('trigger')} price reaches {text_of(stop)}",
        )
        problem = size_problem(seen, target, reduce_only=terms.on("reduce"))
        problem = problem or self._order_problem(terms, seen.side, far, "the market")
        return Preview(lines=lines, warnings=STOP_WARNINGS, problem=problem)


STOP_WARNINGS = (
    "the stop lives in this engine: nothing watches it while the engine is down or the book is not LIVE",
    "a gap through the stop is filled where the market is, not at the stop",
)
