"""What the exits of a smart trade are worth in a market: prices, sizes, what has triggered. Pure; used by ``smart``.

Everything is said for the side of the exits: a long position is left by selling. A level's size is a part of the whole
(what was entered, or the position at the start). What stops, trailing or hands from outside have taken off is taken off
the open levels in proportion, so that together they never want more than is left.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

from jackbot_tui.algos.algorithm import smallest
from jackbot_tui.algos.levels import ONE_WHOLE, Distance, Level, Lock, distance, levels, lock, shares
from jackbot_tui.algos.parameters import Terms
from jackbot_tui.algos.state import Leg, MarketView, Seen
from jackbot_tui.model.enums import Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ONE, ZERO, round_down, round_up


class Rung(Struct, frozen=True):
    """A level with its price and its exact part of the whole."""

    price: Decimal
    share: Fraction


class Exits(Struct, frozen=True, kw_only=True):
    """The exits of one set of terms, nearest level first. ``lock_from`` None: no trailing take-profit."""

    side: Side
    leg: Leg
    reduce_only: bool
    takes: tuple[Rung, ...] = ()
    stops: tuple[Rung, ...] = ()
    trail: Distance | None = None
    lock_from: Decimal | None = None
    giveback: Distance | None = None

    def beyond(self, price: Decimal, level: Decimal) -> bool:
        """Whether ``price`` has reached ``level`` on the profitable side."""
        return (level - price) * self.side.sign >= ZERO

    def behind(self, price: Decimal, level: Decimal) -> bool:
        """Whether ``price`` has reached ``level`` on the losing side."""
        return (price - level) * self.side.sign >= ZERO

    def back(self, price: Decimal, away: Decimal) -> Decimal:
        """``away`` from ``price`` towards the loss."""
        return price + away * self.side.sign


def on_position(terms: Terms) -> bool:
    """Whether the trade takes over an existing position instead of entering."""
    return terms.word("on") == "position"


def exit_side(seen: Seen, terms: Terms) -> Side:
    """The parent's own side where it takes a position off, the other where it enters first."""
    return seen.side if on_position(terms) else seen.side.opposite


def exits_of(seen: Seen, terms: Terms, reference: Decimal, for_takes: Decimal, for_stops: Decimal) -> Exits:
    """The terms with prices; ``reference`` is what relative levels count from.

    ``for_takes`` and ``for_stops`` are the wholes that sizes in base units are parts of. InputError: more than that.
    """
    side, instrument = exit_side(seen, terms), seen.instrument
    locked: Lock | None = lock(terms.word("trailtp")) if terms.word("trailtp") else None
    trail = terms.word("trail")
    return Exits(
        side=side,
        leg=Leg.ENTRY if on_position(terms) else Leg.EXIT,
        reduce_only=instrument.is_perpetual,
        takes=_rungs(terms.word("tp"), for_takes, instrument, reference, side, ONE),
        stops=_rungs(terms.word("sl"), for_stops, instrument, reference, side, -ONE),
        trail=distance(trail) if trail else None,
        lock_from=None if locked is None else _placed(locked.place, reference, instrument, side, ONE),
        giveback=None if locked is None else locked.giveback,
    )


def _rungs(
    text: str, whole: Decimal, instrument: Instrument, reference: Decimal, side: Side, way: Decimal
) -> tuple[Rung, ...]:
    """``way`` 1: towards profit, -1: towards loss. Nearest to the entry first."""
    if not text or whole <= ZERO:
        return ()
    rungs = [Rung(_placed(level.place, reference, instrument, side, way), part) for level, part in _read(text, whole)]
    return tuple(sorted(rungs, key=lambda rung: -rung.price * side.sign * way))


@lru_cache(maxsize=1024)
def _read(text: str, whole: Decimal) -> tuple[tuple[Level, Fraction], ...]:
    """Levels with their parts of ``whole``; asked at every event for the same words."""
    found = levels(text)
    return tuple(zip(found, shares(found, whole), strict=True))


def _placed(place: Distance, reference: Decimal, instrument: Instrument, side: Side, way: Decimal) -> Decimal:
    """A price as it was said, or on the tick at its distance, rounded away from the market."""
    if not place.unit:
        return place.number
    price = reference - place.at(reference, instrument.tick_at(reference)) * side.sign * way
    tick = instrument.tick_at(price)
    return round_up(price, tick) if side.sign * way < ZERO else round_down(price, tick)


def watched_price(view: MarketView, trigger: str, side: Side) -> Decimal:
    """The price that has to reach a level of exits on ``side``; 0 when it is not known now."""
    match trigger:
        case "last":
            return view.last
        case "mark":
            return view.mark
        case "index":
            return view.index
        case _:
            return view.far(side)


def held_of(seen: Seen, terms: Terms) -> Decimal:
    """What the account holds that exits of this trade could take off; 0 when it is flat or on the other side."""
    return max(ZERO, -seen.view.position * exit_side(seen, terms).sign)


def whole_of(seen: Seen, terms: Terms) -> Decimal:
    """What there was to take off so far: the position at the start, or what has been entered."""
    return seen.quantity if on_position(terms) else seen.state.entry.filled


def taken_off(seen: Seen, terms: Terms) -> Decimal:
    return seen.state.entry.filled if on_position(terms) else seen.state.exit.filled


def break_even(seen: Seen, terms: Terms, entry: Decimal) -> Decimal:
    """Price at which taking the exit leaves nothing lost: mean entry, its fees, and the taker fee of the exit.

    ``entry`` is the mean price of a position that was taken over, whose fees are assumed as taker fees. On the tick,
    rounded to the better side. Profit taken before is not counted.
    """
    side, fee, ledger = exit_side(seen, terms), seen.instrument.taker_fee, seen.state.entry
    if on_position(terms) or not ledger.filled:
        mean, paid = entry, entry * fee
    else:
        mean, paid = ledger.average, ledger.fees / ledger.filled
    price = (mean - paid * side.sign) / (ONE + fee * side.sign)
    tick = seen.instrument.tick_at(price)
    return round_up(price, tick) if side is Side.SELL else round_down(price, tick)


def part_now(rungs: tuple[Rung, ...], done: tuple[int, ...], reached: tuple[int, ...], left: Decimal) -> Decimal:
    """What the ``reached`` levels take of ``left``: their part of all that the levels not yet ``done`` stand for."""
    open_share = ONE_WHOLE - sum((rungs[n].share for n in done if n < len(rungs)), Fraction(0))
    part = sum((rungs[n].share for n in reached), Fraction(0))
    return left if part >= open_share else _exact(left, part / open_share)


def sizes(
    exits: Exits,
    *,
    whole: Decimal,
    filled: tuple[Decimal, ...],
    left: Decimal,
    instrument: Instrument,
    fold: bool,
) -> list[Decimal]:
    """What each target should still take: multiples of the lot, together no more than ``left``.

    ``filled`` is what each has taken of ``whole``. When the targets stand for all of it, what rounding leaves goes to
    the last open one. ``fold``: a size below the venue's minimum goes there too.
    """
    rungs, lot = exits.takes, instrument.lot
    complete = sum((rung.share for rung in rungs), Fraction(0)) == ONE_WHOLE
    open_now = [max(ZERO, _exact(whole, rung.share) - done) for rung, done in zip(rungs, filled, strict=True)]
    base = whole - sum(filled, ZERO)
    if ZERO < left < base:
        scale = Fraction(left) / Fraction(base)
        wanted = [round_down(_exact(size, scale), lot) for size in open_now]
    else:
        wanted = [round_down(size, lot) if left > ZERO else ZERO for size in open_now]
    last = max((n for n, size in enumerate(open_now) if size > ZERO), default=-1)
    if last < 0:
        return wanted
    if complete:
        wanted[last] = max(ZERO, round_down(left, lot) - sum(wanted[:last], ZERO) - sum(wanted[last + 1 :], ZERO))
    if fold:
        _fold(wanted, last, [smallest(instrument, rung.price, exits.reduce_only) for rung in rungs])
    return wanted


def _fold(wanted: list[Decimal], last: int, least: list[Decimal]) -> None:
    """Put sizes that no venue would take into the last level, and a last one that is too small into the one before."""
    for n in range(last):
        if wanted[n] < least[n]:
            wanted[last] += wanted[n]
            wanted[n] = ZERO
    if wanted[last] < least[last]:
        before = max((n for n in range(last) if wanted[n]), default=-1)
        if before >= 0:
            wanted[before] += wanted[last]
            wanted[last] = ZERO


def _exact(quantity: Decimal, part: Fraction) -> Decimal:
    """``quantity`` times ``part``; exact where the result has a finite text, else to 28 digits."""
    product = Fraction(quantity) * part
    return Decimal(product.numerator) / Decimal(product.denominator)
