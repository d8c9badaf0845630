"""Smart trade: an entry or an existing position with take-profits, stops, trailing, break-even and a time stop.

All exits watch the same quantity and one takes away what another would have taken. Targets rest at the venue (or are
watched), everything else is watched here. Whatever triggers sets a goal: how much may be left. While there is a goal
every other order is canceled, then bounded orders bring the position down to it; a gap through several levels makes one
goal. What hands from outside take off is noticed and never taken off again. Prices and sizes: ``smart_plan``; words:
``smart_words``.
"""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.algos.algorithm import (
    BASIS_POINTS,
    Algorithm,
    Holding,
    passive_price,
    smallest,
    taking_price,
)
from jackbot_tui.algos.guard import SLACK, guard_want, kept, safety_of, safety_price
from jackbot_tui.algos.parameters import Terms
from jackbot_tui.algos.smart_plan import (
    exits_of,
    held_of,
    on_position,
    part_now,
    taken_off,
    watched_price,
    whole_of,
)
from jackbot_tui.algos.smart_table import DIAGRAM, NOTES, TABLE
from jackbot_tui.algos.smart_trade import SmartMemory, Trade, fee_tolerance, slot_of
from jackbot_tui.algos.smart_words import preview, standing
from jackbot_tui.algos.state import (
    GUARD,
    Child,
    Decision,
    Finish,
    Kind,
    Outcome,
    ParentRequest,
    Preview,
    Seen,
    Want,
)
from jackbot_tui.model.enums import Side, TimeInForce
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import ZERO, round_down, text_of

ENTRY, OUT = "entry", "out"
GROWN_PART = 10
"""While the entry fills, a target is placed anew for each such part of its size."""


class Smart(Algorithm[SmartMemory]):
    """See the module's paragraph."""

    kind = Kind.SMART
    title = "enter or take over the position, then take-profits, stops, trailing, break-even: one takes from the other"
    example = "smart buy 0.5 @ 61000 tp 62000:50% 63000:50% trail 0.5% sl 60000"
    memory_type = SmartMemory
    on_hold = Holding.LEAVE
    works_paused = True
    watches_trades = True
    watches_position = True
    watches_reach = True
    finishes_with_exit = True
    table = TABLE
    diagram = DIAGRAM
    notes = NOTES

    # ------------------------------------------------------------------ face

    def begin(self, seen: Seen, terms: Terms) -> SmartMemory:
        return _referred(seen, terms, self.memory_type(tp=terms.word("tp"), sl=terms.word("sl")))

    def limit(self, terms: Terms) -> Decimal | None:
        return terms.price("price")

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        try:
            trade = self.look(seen, terms, seen.state.memory)
        except InputError as error:
            return Preview(lines=(), problem=str(error))
        return preview(trade)

    def reach_side(self, request: ParentRequest) -> Side:
        return request.side if request.values.get("on") == "position" else request.side.opposite

    def to_finish(self, seen: Seen, terms: Terms, memory: SmartMemory) -> Finish:
        trade = self.look(seen, terms, memory)
        return Finish(leg=trade.exits.leg, quantity=trade.left, reduce_only=trade.exits.reduce_only)

    def look(self, seen: Seen, terms: Terms, memory: SmartMemory) -> Trade:
        """The trade as it stands, after edits and hands from outside have been taken into ``memory``. InputError."""
        memory = _edited(seen, terms, _outside(seen, terms, _referred(seen, terms, memory)))
        reference = terms.price("price") or memory.reference
        exits = exits_of(seen, terms, reference, seen.quantity - memory.takes_gone, seen.quantity - memory.stops_gone)
        side = exits.side
        return Trade(
            seen=seen,
            terms=terms,
            memory=memory,
            exits=exits,
            price=watched_price(seen.view, terms.word("trigger"), side),
            left=_left(seen, terms, memory),
            least=smallest(seen.instrument, seen.view.far(side), exits.reduce_only),
        )

    # ------------------------------------------------------------------ what other kinds of it do otherwise

    def entry(self, trade: Trade) -> list[Want]:
        """The entry as it should be now."""
        return _entry(trade)

    def guard(self, trade: Trade) -> Want | None:
        """The stop at the venue as it should be now."""
        away = safety_of(trade)
        if away is None:
            return None
        stop = safety_price(trade, away)
        return guard_want(trade, stop, away.at(stop, trade.seen.instrument.tick_at(stop)) / SLACK)

    def endangered(self, trade: Trade) -> SmartMemory:
        """Lower the goal for reasons of its own; see ``aim``."""
        return trade.memory

    def worst_exit(self, trade: Trade) -> Decimal | None:
        """No exit at the market is worse than this; None: it follows the market."""
        return trade.memory.bound if trade.terms.word("exit") == "limit" else None

    def refused(self, want: Want, message: str, memory: SmartMemory) -> SmartMemory | None:
        return (
            replace(memory, unguarded=message, unguarded_at=want.trigger_price or ZERO) if want.slot == GUARD else None
        )

    def expects(self, seen: Seen, child: Child, outcome: Outcome) -> bool:
        return child.slot == GUARD

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: SmartMemory) -> SmartMemory:
        if child.slot != GUARD:
            return memory
        if outcome is Outcome.REJECTED:
            return replace(memory, unguarded=child.reason or "refused by the venue", unguarded_at=child.price)
        return replace(memory, unguarded="", unguarded_at=ZERO)

    # ------------------------------------------------------------------ deciding

    def decide(self, seen: Seen, terms: Terms, memory: SmartMemory, paused: bool) -> Decision[SmartMemory]:
        trade = self.look(seen, terms, memory)
        said = _outside_words(memory, trade)
        if trade.left >= trade.least:
            trade = _with(trade, _watched(trade))
            trade = _with(trade, self.endangered(trade))
        trade = _with(trade, _timed(trade))
        afresh = trade.memory.goal is not None and trade.memory.goal != memory.goal
        decision = self._down(trade) if trade.memory.goal is not None else None
        if decision is None:
            trade = _with(trade, replace(trade.memory, goal=None, cause="", bound=ZERO))
            decision = self._onward(trade, paused)
        alert = "; ".join(text for text in (said, decision.alert) if text)
        return replace(decision, alert=alert, afresh=afresh)

    def _down(self, trade: Trade) -> Decision[SmartMemory] | None:
        """On the way to a goal; None when it is reached."""
        memory, seen, exits = trade.memory, trade.seen, trade.exits
        assert memory.goal is not None
        amount = round_down(trade.left - memory.goal, seen.instrument.lot)
        alone = held_of(seen, trade.terms) <= trade.left  # else the venue would let both take off what is beside
        guards = tuple(kept(trade, child) for child in seen.open_children if child.slot == GUARD and alone)
        others = [child for child in seen.open_children if child.slot != OUT and not (child.slot == GUARD and alone)]
        if others:
            why = f"{memory.cause}: cancels the rest first"
            return Decision(memory=memory, wants=guards, why=why, alert=memory.cause)
        resting = seen.child(OUT)
        if amount < trade.least and resting is None:
            if memory.goal:
                return None
            rest = f", {text_of(trade.left)} left is below the venue's minimum" if trade.left else ""
            if memory.lost > fee_tolerance(seen):
                rest += f", {text_of(memory.lost)} was closed from outside"
            return Decision(memory=memory, why=memory.cause, ended=f"out: {memory.cause}{rest}")
        worst = self.worst_exit(trade)
        price, tif = taking_price(seen, trade.terms.number("slip"), worst, exits.side), TimeInForce.IOC
        if price is None:
            assert worst is not None  # the book is LIVE, so only a bound can be in the way
            price, tif = worst, TimeInForce.GTC
        if resting is not None and resting.remaining != amount and not resting.immediate:
            why = f"{memory.cause}: its exit gets another size"
            return Decision(memory=memory, wants=guards, why=why, alert=memory.cause)
        want = Want(
            slot=OUT, quantity=amount, price=price, leg=exits.leg, tif=tif, reduce_only=exits.reduce_only, urgent=True
        )
        why = f"{memory.cause}: takes {text_of(amount)} off, {_worst_word(exits.side)} {text_of(price)}"
        return Decision(memory=memory, wants=(want, *guards), why=why, alert=memory.cause)

    def _onward(self, trade: Trade, paused: bool) -> Decision[SmartMemory]:
        """Nothing has triggered: the entry, and targets for what has been entered."""
        memory, seen = trade.memory, trade.seen
        others = [child for child in seen.open_children if child.slot != GUARD]
        if trade.left < trade.least and not trade.may_enter and not others:
            return Decision(memory=memory, why="complete", ended=_end_words(trade))
        wants = [] if paused else self.entry(trade)
        targets, more = _targets(trade, paused)
        wants += targets
        watched = trade.open_stops or trade.exits.trail or trade.exits.giveback or memory.even
        nothing = not (wants or watched or others or more or trade.terms.word("time"))
        if nothing and not trade.may_enter:
            rest = f"no exit is left for {text_of(trade.left)}: it stays open"
            return Decision(memory=memory, why=rest, ended=rest, alert=rest)
        blind = "" if trade.price or trade.left < trade.least else f"no {trade.terms.word('trigger')} price now"
        alert = f"{blind}: the stops are not watched" if blind and watched else ""
        guard = self.guard(trade)
        wants = [*wants, guard] if guard is not None else wants
        if memory.unguarded and not alert:
            alert = f"no stop at the venue ({memory.unguarded}): the stops are watched here only"
        wake = seen.state.started_ns + trade.terms.time("time") if trade.terms.word("time") else 0
        quiet = 0.0 if more else trade.quiet
        return Decision(memory=memory, wants=tuple(wants), why=standing(trade), wake_ns=wake, alert=alert, quiet=quiet)


# ---------------------------------------------------------------------- what has changed


def _left(seen: Seen, terms: Terms, memory: SmartMemory) -> Decimal:
    """What this trade still has to take off."""
    return max(ZERO, whole_of(seen, terms) - taken_off(seen, terms) - memory.lost)


def _referred(seen: Seen, terms: Terms, memory: SmartMemory) -> SmartMemory:
    """What relative levels count from, once there is a market: right after a crash it may begin without one."""
    if memory.reference or not seen.view.live:
        return memory
    entry = seen.view.entry if on_position(terms) else ZERO
    beside = max(ZERO, held_of(seen, terms) - seen.quantity) if on_position(terms) else ZERO
    return replace(memory, reference=entry or seen.view.far(seen.side), entry=entry, beside=beside)


def _outside(seen: Seen, terms: Terms, memory: SmartMemory) -> SmartMemory:
    """Compare with what the account holds: less than this trade thinks is lost, more is beside it."""
    left, held = _left(seen, terms, memory), held_of(seen, terms)
    if held < left:
        return replace(memory, lost=memory.lost + left - held, beside=ZERO)
    return replace(memory, beside=held - left) if on_position(terms) else memory


def _outside_words(before: SmartMemory, trade: Trade) -> str:
    """What to tell of a position that was changed from outside, "" when it was not."""
    seen, memory, left = trade.seen, trade.memory, text_of(trade.left)
    lost = memory.lost - before.lost
    if lost > ZERO and memory.lost > fee_tolerance(seen):
        return f"the position was made smaller from outside by {text_of(lost)}: {left} is left to exit"
    grown = memory.beside - before.beside
    if grown > ZERO and (not before.beside or grown >= trade.left):  # once, not at every fill of somebody's orders
        more = text_of(grown)
        total = text_of(seen.quantity + memory.beside)
        return f"the position grew from outside by {more}: {left} is covered, qty={total} covers all of it"
    return ""


def _edited(seen: Seen, terms: Terms, memory: SmartMemory) -> SmartMemory:
    """New rows of levels are for what is left when they come."""
    gone = taken_off(seen, terms) + memory.lost
    if terms.word("tp") != memory.tp:
        memory = replace(memory, tp=terms.word("tp"), row=memory.row + 1, takes_done=(), takes_gone=gone, even=False)
    if terms.word("sl") != memory.sl:
        memory = replace(memory, sl=terms.word("sl"), stops_done=(), stops_gone=gone)
    if not terms.word("be"):
        memory = replace(memory, even=False)
    if not terms.word("trail"):
        memory = replace(memory, peak=ZERO)
    return memory if terms.word("trailtp") else replace(memory, lock_peak=ZERO)


def _with(trade: Trade, memory: SmartMemory) -> Trade:
    return trade if memory is trade.memory else replace(trade, memory=memory)


# ---------------------------------------------------------------------- what has triggered


def _watched(trade: Trade) -> SmartMemory:
    """Follow the best price, then see which exits it has reached. Whatever triggers lowers the goal."""
    price = trade.price
    if not price:
        return trade.memory
    trade = _with(trade, _followed(trade, price))
    memory, exits = trade.memory, trade.exits
    whole_stops = (
        ("the trailing stop", trade.trail_stop),
        ("the trailing take-profit", trade.lock_stop),
        ("break-even", trade.even_price if memory.even else ZERO),
    )
    hit = [(what, stop) for what, stop in whole_stops if stop and exits.behind(price, stop)]
    if hit:
        what, stop = hit[0]
        return aim(trade, ZERO, f"STOP: {text_of(price)} reached {what} at {text_of(stop)}", stop)
    reached = tuple(n for n in trade.open_stops if exits.behind(price, exits.stops[n].price))
    if reached:
        return _level_hit(trade, reached)
    if trade.terms.word("take") == "cross":
        takes = tuple(
            n
            for n in range(len(exits.takes))
            if n not in memory.takes_done and exits.beyond(price, exits.takes[n].price)
        )
        if takes:
            return _take_hit(trade, takes)
    return memory


def _followed(trade: Trade, price: Decimal) -> SmartMemory:
    """Best prices, and whether break-even holds from now on."""
    memory, exits = trade.memory, trade.exits
    if exits.trail is not None and (
        not memory.peak or exits.beyond(price, exits.back(memory.peak, -trade.step(exits.trail)))
    ):
        memory = replace(memory, peak=price)
    if exits.lock_from is not None and exits.giveback is not None:
        next_peak = exits.back(memory.lock_peak, -trade.step(exits.giveback)) if memory.lock_peak else exits.lock_from
        if exits.beyond(price, next_peak):
            memory = replace(memory, lock_peak=price)
    after = trade.terms.count("be")
    if after and not memory.even and _is_done(trade, after - 1):
        memory = replace(memory, even=not exits.behind(price, trade.even_price))
    return memory


def _is_done(trade: Trade, level: int) -> bool:
    """Whether a take-profit level, or one behind it, has been taken."""
    if any(n >= level for n in trade.memory.takes_done):
        return True
    wanted = trade.target_sizes
    return any(
        n >= level and filled and wanted[n] < trade.least and trade.seen.child(slot_of(trade.memory, n)) is None
        for n, filled in enumerate(trade.filled_takes)
    )


def _level_hit(trade: Trade, reached: tuple[int, ...]) -> SmartMemory:
    """One goal for all stop levels that the price has gone through."""
    memory, exits = trade.memory, trade.exits
    basis = trade.left if memory.goal is None else min(trade.left, memory.goal)
    amount = part_now(exits.stops, memory.stops_done, reached, basis)
    worst = exits.stops[reached[-1]].price
    names = " and ".join(text_of(exits.stops[n].price) for n in reached)
    done = replace(memory, stops_done=(*memory.stops_done, *reached))
    return aim(_with(trade, done), basis - amount, f"STOP: {text_of(trade.price)} reached {names}", worst)


def _take_hit(trade: Trade, reached: tuple[int, ...]) -> SmartMemory:
    memory, exits = trade.memory, trade.exits
    basis = trade.left if memory.goal is None else min(trade.left, memory.goal)
    amount = part_now(exits.takes, memory.takes_done, reached, basis)
    names = " and ".join(text_of(exits.takes[n].price) for n in reached)
    done = replace(memory, takes_done=(*memory.takes_done, *reached))
    first = exits.takes[reached[0]].price
    return aim(_with(trade, done), basis - amount, f"TARGET: {text_of(trade.price)} reached {names}", first)


def aim(trade: Trade, goal: Decimal, cause: str, stop: Decimal) -> SmartMemory:
    """Lower the goal. What could not be sent is left to the levels that follow; a rest too small for them goes too."""
    memory, instrument, side = trade.memory, trade.seen.instrument, trade.exits.side
    if memory.goal is not None and goal >= memory.goal:
        return memory
    if goal < trade.least:
        goal = ZERO
    if round_down(trade.left - goal, instrument.lot) < trade.least:
        return memory
    slip = trade.terms.number("slip")
    bound = passive_price(stop + stop * side.sign * slip / BASIS_POINTS, instrument, side)
    return replace(memory, goal=goal, cause=cause, bound=bound)


def _timed(trade: Trade) -> SmartMemory:
    """The time stop: nothing may be left, and nothing is entered any more."""
    memory, span = trade.memory, trade.terms.time("time")
    if not span or trade.seen.view.now < trade.seen.state.started_ns + span or memory.goal == ZERO:
        return memory
    near = trade.seen.view.far(trade.exits.side)
    slip = near * trade.exits.side.sign * trade.terms.number("slip") / BASIS_POINTS
    bound = passive_price(near + slip, trade.seen.instrument, trade.exits.side)
    return replace(memory, goal=ZERO, cause=f"the time of {trade.terms.word('time')} is up", bound=bound)


# ---------------------------------------------------------------------- what should rest


def _entry(trade: Trade) -> list[Want]:
    """The entry while nothing has been taken off."""
    seen, terms = trade.seen, trade.terms
    if not trade.may_enter:
        return []
    at, post = terms.price("price"), terms.on("post")
    resting = seen.child(ENTRY)
    if at is None:
        price = taking_price(seen, terms.number("slip"), None, seen.side)
        assert price is not None
        return [Want(slot=ENTRY, quantity=seen.remaining, price=price, tif=TimeInForce.IOC)]
    crosses = (at - seen.view.far(seen.side)) * seen.side.sign >= ZERO
    if (resting is not None and resting.price != at) or (resting is None and post and crosses):
        return []
    return [Want(slot=ENTRY, quantity=seen.remaining, price=at, post_only=post)]


def _targets(trade: Trade, paused: bool) -> tuple[list[Want], bool]:
    """Resting targets as they should be, and whether there are more of them to come.

    No new one is placed before those that are too large have gone. One that the market has gone through takes what is
    there; one that is further away than the venue or the gate takes orders is kept here until it comes near.
    """
    if trade.terms.word("take") != "rest" or not trade.exits.takes:
        return [], False
    wanted = trade.target_sizes
    far = trade.seen.view.far(trade.exits.side)
    keep: list[Want] = []
    place: list[Want] = []
    more = False
    for n, (rung, size) in enumerate(zip(trade.exits.takes, wanted, strict=True)):
        slot = slot_of(trade.memory, n)
        child = trade.seen.child(slot)
        least = smallest(trade.seen.instrument, rung.price, trade.exits.reduce_only)
        through = trade.exits.beyond(far, rung.price)
        want = Want(
            slot=slot,
            quantity=size,
            price=rung.price,
            leg=trade.exits.leg,
            post_only=trade.terms.on("post") and not through,
            tif=TimeInForce.IOC if through else TimeInForce.GTC,
            reduce_only=trade.exits.reduce_only,
            urgent=through,
        )
        if child is None:
            more |= size >= least
            place += [want] if size >= least and not paused and not trade.is_kept_here(rung.price) else []
        elif _fits(trade, child, rung.price, size, least):
            keep.append(want)
    stale = {child.slot for child in trade.seen.open_children} - {want.slot for want in keep} - {ENTRY, GUARD}
    return (keep, True) if stale else (keep + place, more)


def _fits(trade: Trade, child: Child, price: Decimal, size: Decimal, least: Decimal) -> bool:
    """Whether a resting target may stay as it is."""
    missing = size - child.remaining
    if child.immediate:
        return True
    if child.price != price or missing < ZERO:
        return False
    enough = max(least, child.quantity / GROWN_PART) if trade.may_enter else least
    return missing < enough


def _end_words(trade: Trade) -> str:
    rest = f", {text_of(trade.left)} left is below the venue's minimum" if trade.left else ""
    if trade.memory.lost > fee_tolerance(trade.seen) and not trade.left:
        return "the position was closed from outside"
    return f"out{rest}"


def _worst_word(side: Side) -> str:
    return "down to" if side is Side.SELL else "up to"
