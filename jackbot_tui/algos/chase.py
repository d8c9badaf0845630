"""Chase: one order that follows the touch as it moves, and takes the rest when its patience has run out."""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import (
    LIMIT,
    REDUCE,
    SLIP,
    Algorithm,
    capped,
    is_worse,
    money_text,
    passive_price,
    size_problem,
    smallest,
    taking_price,
)
from jackbot_tui.algos.maker import IMPROVE, best_price
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, time_text
from jackbot_tui.algos.state import Child, Decision, Kind, Outcome, Preview, Seen, Want
from jackbot_tui.model.enums import TimeInForce
from jackbot_tui.model.numbers import text_of

REST, TAKE = "c", "t"


class ChaseMemory(Struct, frozen=True):
    """``moves`` so far; ``began_ns`` is when patience began to run."""

    began_ns: int
    moves: int = 0


class Chase(Algorithm[ChaseMemory]):
    """See the module's paragraph."""

    kind = Kind.CHASE
    title = "follow the touch with one post-only order at every move; take the rest when the time is up"
    example = "chase sell 0.5 patience=30s"
    notes = (
        "It moves when the best price is `distance` ticks away, at most once per `every`; it does not move back when"
        " the market comes towards it.",
        "When `patience` has run out it cancels first, then takes the rest within `slip` of the touch and the limit;"
        " beyond the limit it waits and says so.",
    )
    memory_type = ChaseMemory
    table = (
        LIMIT,
        Parameter(
            name="distance",
            unit=Unit.TICKS,
            meaning="move when the best price is this far away",
            default="1",
            low="1",
            high="1000",
        ),
        Parameter(
            name="every",
            unit=Unit.TIME,
            meaning="move at most this often",
            default="250ms",
            low="50ms",
            high="1h",
        ),
        IMPROVE,
        Parameter(
            name="patience",
            unit=Unit.TIME,
            meaning="take what is left after this time; without it, it only ever rests",
            low="1s",
            high="24h",
        ),
        SLIP,
        REDUCE,
    )

    def begin(self, seen: Seen, terms: Terms) -> ChaseMemory:
        return ChaseMemory(seen.view.now)

    def decide(self, seen: Seen, terms: Terms, memory: ChaseMemory, paused: bool) -> Decision[ChaseMemory]:
        view, patience, reduce = seen.view, terms.time("patience"), terms.on("reduce")
        limit = self.limit(terms)
        if seen.remaining < smallest(seen.instrument, view.near(seen.side), reduce) and not seen.open_children:
            rest = f", {text_of(seen.remaining)} left is below the venue's minimum" if seen.remaining else ""
            return Decision(memory=memory, why="complete", ended=f"complete{rest}")
        deadline = memory.began_ns + patience if patience else 0
        if deadline and view.now >= deadline:
            return self._take(seen, terms, memory, limit)
        target = passive_price(
            capped(best_price(seen, terms.count("improve")), limit, seen.side), seen.instrument, seen.side
        )
        child = seen.child(REST)
        if child is None:
            want = Want(slot=REST, quantity=seen.remaining, price=target, post_only=True, reduce_only=reduce)
            why = f"posts {text_of(seen.remaining)} at {text_of(target)}, moved {memory.moves} times"
            return Decision(memory=memory, wants=(want,), wake_ns=deadline, why=why)
        place = f"#{child.number} rests at {text_of(child.price)}"
        if child.cancel_ns:
            return Decision(memory=memory, wake_ns=deadline, why=f"waits for the cancel of #{child.number}")
        away = abs(target - child.price) / seen.instrument.tick_at(child.price)
        keep = (Want(slot=REST, quantity=child.remaining, price=child.price, post_only=True, reduce_only=reduce),)
        if is_worse(child.price, target, seen.side) and child.price != best_price(seen, 0) and limit == target:
            return Decision(memory=memory, wake_ns=deadline, why=f"{place}: the limit is {text_of(target)} now")
        if away < terms.count("distance") or not is_worse(target, child.price, seen.side):
            return Decision(memory=memory, wants=keep, wake_ns=deadline, why=f"{place}, {away:f} ticks away")
        due = child.placed_ns + terms.time("every")
        if view.now < due:
            wake = min(due, deadline) if deadline else due
            return Decision(memory=memory, wants=keep, wake_ns=wake, why=f"{place}, {away:f} ticks away, moves soon")
        return Decision(memory=memory, wake_ns=deadline, why=f"{place}: moves to {text_of(target)}")

    def _take(self, seen: Seen, terms: Terms, memory: ChaseMemory, limit: Decimal | None) -> Decision[ChaseMemory]:
        if any(child.slot != TAKE for child in seen.open_children):
            return Decision(memory=memory, why="the time is up: cancels what rests, then takes")
        price = taking_price(seen, terms.number("slip"), limit, seen.side)
        if price is None:
            why = f"the time is up, but {text_of(seen.view.far(seen.side))} is beyond its limit: waits"
            return Decision(memory=memory, why=why, alert=why)
        want = Want(
            slot=TAKE,
            quantity=seen.remaining,
            price=price,
            tif=TimeInForce.IOC,
            reduce_only=terms.on("reduce"),
        )
        return Decision(memory=memory, wants=(want,), why=f"the time is up: takes up to {text_of(price)}")

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: ChaseMemory) -> ChaseMemory:
        moved = outcome is Outcome.CANCELED and child.slot == REST and child.cancel_ns
        return replace(memory, moves=memory.moves + 1) if moved else memory

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        price = best_price(seen, terms.count("improve"))
        patience = terms.time("patience")
        taker = seen.view.far(seen.side) * seen.quantity * seen.instrument.taker_fee
        lines = [
            f"posts {text_of(seen.quantity)} at {text_of(price)} and follows every {terms.count('distance')} ticks"
        ]
        if patience:
            lines.append(
                f"after {time_text(patience)} it takes the rest, at most {text_of(terms.number('slip'))} bp through the"
                f" touch; worst fee {money_text(taker)} {seen.instrument.quote}"
            )
        warnings = ["every move gives the place in the queue up"]
        if terms.price("limit") is None:
            warnings.append("no limit: it follows the price wherever it goes")
        if not patience:
            warnings.append("no patience given: it may never fill")
        problem = size_problem(seen, price, reduce_only=terms.on("reduce"))
        return Preview(lines=tuple(lines), warnings=tuple(warnings), problem=problem)
