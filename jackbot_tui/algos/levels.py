"""Prices of exits as words: a row of levels with sizes, a distance, a place from which something is given back.

``62000:50%,63000`` are two levels, ``2%:0.25`` is one at two percent from the entry that takes 0.25 base units;
``0.5%``, ``25bp``, ``50t`` and ``300`` (quote currency) are distances. Here text becomes values and canonical text;
what a level is worth in a market is said by ``smart_plan``. Pure.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from msgspec import Struct

from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import ZERO, text_of

MOST_LEVELS = 10
MOST_DIGITS = 30
HUNDRED = Decimal(100)
BASIS_POINTS = Decimal(10_000)
ONE_WHOLE = Fraction(1)
UNITS = ("%", "bp", "t")
"""Of a distance: percent and basis points of a price, ticks; none is quote currency."""


class Distance(Struct, frozen=True):
    """How far from something. ``unit`` "" is quote currency, else one of ``UNITS``."""

    number: Decimal
    unit: str = ""

    @property
    def text(self) -> str:
        return f"{text_of(self.number)}{self.unit}"

    def at(self, price: Decimal, tick: Decimal) -> Decimal:
        """In quote currency, from ``price``."""
        match self.unit:
            case "%":
                return price * self.number / HUNDRED
            case "bp":
                return price * self.number / BASIS_POINTS
            case "t":
                return tick * self.number
            case _:
                return self.number


class Level(Struct, frozen=True):
    """One exit. ``place`` without unit is a price, else a distance from the entry.

    ``percent`` of the whole or ``size`` in base units, both None: an equal part of what the others leave.
    """

    place: Distance
    percent: Decimal | None = None
    size: Decimal | None = None

    @property
    def text(self) -> str:
        if self.percent is not None:
            return f"{self.place.text}:{text_of(self.percent)}%"
        return self.place.text if self.size is None else f"{self.place.text}:{text_of(self.size)}"


class Lock(Struct, frozen=True):
    """A profit that is locked: from ``place`` on, what is given back from the best price may be ``giveback``."""

    place: Distance
    giveback: Distance

    @property
    def text(self) -> str:
        return f"{self.place.text}:{self.giveback.text}"


def plain(digits: str, shown: str) -> Decimal:
    """A plain decimal number; InputError names ``shown``."""
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise InputError(f"{shown!r} is not a number") from None
    if not number.is_finite() or "e" in digits.lower() or len(digits) > MOST_DIGITS:
        raise InputError(f"{shown!r} is not a plain number")
    return number


def distance(text: str) -> Distance:
    """``0.5%``; InputError when it is no distance above 0, or one of 100% and more."""
    unit = next((each for each in UNITS if text.endswith(each)), "")
    number = plain(text.removesuffix(unit) if unit else text, text)
    if number <= ZERO:
        raise InputError(f"{text} is not above 0")
    if unit == "t" and number != number.to_integral_value():
        raise InputError(f"{text}: ticks are whole numbers")
    if (unit == "%" and number >= HUNDRED) or (unit == "bp" and number >= BASIS_POINTS):
        raise InputError(f"{text} is all of the price: less than 100% is the most")
    return Distance(number, unit)


def levels(text: str) -> tuple[Level, ...]:
    """``62000:50%,63000:50%``; InputError when a level cannot be read or the sizes are more than the whole."""
    parts = [part for part in text.replace(",", " ").split() if part]
    if not parts:
        raise InputError("a level is a price like 62000 or a distance like 2%, with its size behind it: 62000:50%")
    if len(parts) > MOST_LEVELS:
        raise InputError(f"{len(parts)} levels are too many: {MOST_LEVELS} are the most")
    found = tuple(_level(part) for part in parts)
    total = sum((level.percent for level in found if level.percent is not None), ZERO)
    if total > HUNDRED:
        raise InputError(f"the sizes of {text} add up to {text_of(total)}%: 100% is the most")
    if total == HUNDRED and any(level.percent is None for level in found):
        raise InputError(f"the sizes of {text} add up to 100% and leave nothing for the level without one")
    return found


def _level(text: str) -> Level:
    place, colon, share = text.partition(":")
    try:
        where = distance(place)
    except InputError:
        raise InputError(f"{place!r} is neither a price like 62000 nor a distance like 2%, 25bp or 50t") from None
    if not colon:
        return Level(where)
    digits = share.removesuffix("%")
    if not digits:
        raise InputError(f"{text!r} has no size behind the colon: write {place}:50% or {place}:0.25")
    number = plain(digits, share)
    if number <= ZERO:
        raise InputError(f"{text}: a size is above 0")
    return Level(where, percent=number) if share.endswith("%") else Level(where, size=number)


def lock(text: str) -> Lock:
    """``63000:0.5%``: from 63000 on, out when half a percent is given back. InputError otherwise."""
    place, colon, giveback = text.partition(":")
    if not colon or not place or not giveback:
        raise InputError(f"{text!r} has to say from where and how much is given back: 63000:0.5%")
    return Lock(distance(place), distance(giveback))


def levels_text(found: tuple[Level, ...]) -> str:
    """Canonical text: ``levels`` reads it again."""
    return ",".join(level.text for level in found)


def shares(found: tuple[Level, ...], quantity: Decimal) -> tuple[Fraction, ...]:
    """The part of the whole that each level takes, exact. InputError when they are more than ``quantity``."""
    known = [_share(level, quantity) for level in found]
    rest = ONE_WHOLE - sum((part for part in known if part is not None), Fraction(0))
    even = sum(part is None for part in known)
    if rest < 0 or (even and rest == 0):
        raise InputError(f"the sizes of {levels_text(found)} are more than {text_of(quantity)}")
    return tuple(rest / even if part is None else part for part in known)


def _share(level: Level, quantity: Decimal) -> Fraction | None:
    if level.percent is not None:
        return Fraction(level.percent) / 100
    return None if level.size is None else Fraction(level.size) / Fraction(quantity)
