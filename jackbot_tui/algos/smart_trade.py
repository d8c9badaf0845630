"""A smart trade at one moment: what it remembers, its exits in this market, what is left. Values; see ``smart``."""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.algos.algorithm import passive_price, smallest
from jackbot_tui.algos.levels import Distance
from jackbot_tui.algos.parameters import Terms
from jackbot_tui.algos.smart_plan import Exits, break_even, on_position, sizes, whole_of
from jackbot_tui.algos.state import Seen
from jackbot_tui.model.numbers import ZERO, round_nearest

TRAIL_PARTS = 50
"""The trailing stop follows in steps of this part of its distance, so that the journal does not grow by every tick."""
QUIETEST = Decimal("0.0001")
QUIET_SHARE = Decimal("0.9")
"""It is not asked again before a price has moved by a basis point, or by most of the way to what could trigger."""


class SmartMemory(Struct, frozen=True, kw_only=True):
    """What a smart trade has to remember. Everything is for its exits.

    ``reference``: relative levels count from it (0 = no market was seen yet); ``entry``: mean entry of a position that
    was taken over.
    ``lost`` was taken off from outside, ``beside`` is what the account held beyond this trade when it was looked last.
    ``peak`` and ``lock_peak``: best price since the trailing stop began, and since the trailing take-profit was reached
    (0 = not yet). ``even``: the stop stands at break-even. ``stops_done`` and ``takes_done``: levels that have
    triggered. ``goal``: how much may be left, None = nothing is under way; ``cause`` says why, ``bound`` is the worst
    price of a limit exit. ``row``: counts rows of targets, which an edit begins anew; ``takes_gone`` and ``stops_gone``
    are what was gone already when the present rows began. ``shut``: nothing more is entered. ``unguarded``: why the
    stop at the venue was refused, "" = it was not, when it should have stood ``unguarded_at``.
    """

    reference: Decimal = ZERO
    entry: Decimal = ZERO
    lost: Decimal = ZERO
    beside: Decimal = ZERO
    peak: Decimal = ZERO
    lock_peak: Decimal = ZERO
    even: bool = False
    stops_done: tuple[int, ...] = ()
    takes_done: tuple[int, ...] = ()
    goal: Decimal | None = None
    cause: str = ""
    bound: Decimal = ZERO
    row: int = 0
    tp: str = ""
    sl: str = ""
    takes_gone: Decimal = ZERO
    stops_gone: Decimal = ZERO
    shut: bool = False
    unguarded: str = ""
    unguarded_at: Decimal = ZERO


class Trade(Struct, frozen=True, kw_only=True):
    """One look at a smart trade: its terms in this market, and what is left to be taken off."""

    seen: Seen
    terms: Terms
    memory: SmartMemory
    exits: Exits
    price: Decimal
    """That the exits watch; 0 when it is not known now."""
    left: Decimal
    least: Decimal
    """The smallest exit that the venue takes now."""

    @property
    def begun(self) -> bool:
        """Whether an exit has begun, by its own or by others' hands: nothing more is entered then."""
        memory, seen = self.memory, self.seen
        fired = memory.shut or memory.stops_done or memory.takes_done or memory.goal is not None
        return bool(fired or memory.lost > fee_tolerance(seen) or seen.state.exit.filled)

    @property
    def may_enter(self) -> bool:
        """Whether there is still something to be entered; a pause only holds it back."""
        if on_position(self.terms) or self.begun:
            return False
        price = self.terms.price("price") or self.seen.view.far(self.seen.side)
        return self.seen.remaining >= smallest(self.seen.instrument, price)

    @property
    def filled_takes(self) -> tuple[Decimal, ...]:
        slots = self.seen.state.in_slot
        return tuple(slots.get(slot_of(self.memory, n), ZERO) for n in range(len(self.exits.takes)))

    @property
    def quiet(self) -> float:
        """Share of itself that a price may move before anything here could change; 0 where every event may matter.

        Entries, targets to be placed and an index ask for every event. What is shown of prices is as old as that.
        """
        price, exits, memory = self.price, self.exits, self.memory
        if self.may_enter or not price or self.terms.word("trigger") == "index":
            return 0.0
        levels = [exits.stops[n].price for n in self.open_stops]
        levels += [rung.price for n, rung in enumerate(exits.takes) if n not in memory.takes_done]
        levels += [exits.lock_from] if exits.lock_from is not None and not memory.lock_peak else []
        levels += [self.even_price] if self.terms.word("be") else []
        levels += [level for level in (self.trail_stop, self.lock_stop) if level]
        levels += [
            exits.back(peak, -self.step(away))
            for peak, away in ((memory.peak, exits.trail), (memory.lock_peak, exits.giveback))
            if peak and away is not None
        ]
        nearest = min((abs(level - price) for level in levels), default=price)
        return float(min(QUIETEST, nearest / price * QUIET_SHARE))

    def step(self, away: Distance) -> Decimal:
        """How far the best price must move before what trails by ``away`` follows: a part of it, a tick at least."""
        tick = self.seen.instrument.tick_at(self.price)
        return max(round_nearest(away.at(self.price, tick) / TRAIL_PARTS, tick), tick)

    @property
    def target_sizes(self) -> list[Decimal]:
        """What each resting target should still take."""
        return sizes(
            self.exits,
            whole=whole_of(self.seen, self.terms) - self.memory.takes_gone,
            filled=self.filled_takes,
            left=self.left,
            instrument=self.seen.instrument,
            fold=not self.may_enter,
        )

    def is_kept_here(self, price: Decimal) -> bool:
        """Whether a target is too far away to rest at the venue now."""
        reach, far = self.seen.view.reach, self.seen.view.far(self.exits.side)
        return reach is not None and not self.exits.beyond(far, price) and not reach.takes(price)

    @property
    def trail_stop(self) -> Decimal:
        """Where the trailing stop stands, 0 while it has not begun."""
        return self.behind(self.exits.trail, self.memory.peak)

    @property
    def lock_stop(self) -> Decimal:
        """Where the trailing take-profit stands, 0 before it was reached."""
        return self.behind(self.exits.giveback, self.memory.lock_peak)

    def behind(self, away: Distance | None, peak: Decimal) -> Decimal:
        """``away`` behind ``peak``, on the tick and never nearer; 0 where either is not there."""
        if away is None or not peak:
            return ZERO
        instrument, side = self.seen.instrument, self.exits.side
        stop = self.exits.back(peak, away.at(peak, instrument.tick_at(peak)))
        return passive_price(stop, instrument, side.opposite)

    @property
    def even_price(self) -> Decimal:
        return break_even(self.seen, self.terms, self.memory.entry)

    @property
    def open_stops(self) -> list[int]:
        return [n for n in range(len(self.exits.stops)) if n not in self.memory.stops_done]


def slot_of(memory: SmartMemory, level: int) -> str:
    """Slot of a resting target."""
    return f"t{memory.row}.{level}"


def fee_tolerance(seen: Seen) -> Decimal:
    """What a spot account may hold less than was bought because the venue took its fee in base units."""
    if seen.instrument.is_perpetual:
        return ZERO
    return seen.state.entry.filled * seen.instrument.taker_fee + seen.instrument.lot
