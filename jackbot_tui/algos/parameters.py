"""Parameters of parent orders: one table per kind, from which language, ticket, help and docs are generated.

A value is canonical text (``3s``, ``60500``, ``on``): that is what the journal keeps and what a person may type again.
``read`` checks a set of them against a table, ``Terms`` gives them out typed. Pure; called by algorithms, desk, docs.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.algos.levels import distance, levels, levels_text, lock, plain
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import ZERO, text_of

TIME_UNITS_NS = {"h": 3600 * NS_PER_S, "m": 60 * NS_PER_S, "s": NS_PER_S, "ms": NS_PER_MS}


class Unit(StrEnum):
    """How a value is written and what it measures."""

    PRICE = "price"  # quote currency per base unit
    SIZE = "size"  # base units
    TICKS = "ticks"
    TIME = "time"  # 250ms, 3s, 20m, 1h
    COUNT = "count"
    PERCENT = "percent"
    BASIS_POINTS = "bp"
    WORD = "word"  # one of a few
    SWITCH = "switch"  # on or off
    DISTANCE = "distance"  # 0.5%, 25bp, 50t or quote currency
    LEVELS = "levels"  # 62000:50%,63000:50%, see ``levels``
    LOCK = "from and give-back"  # 63000:0.5%
    MONEY = "money"  # quote currency
    LEVERAGE = "leverage"  # 100x


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter. ``default``, ``low`` and ``high`` are canonical text, "" = none; a bound belongs to the range.

    ``bare``: may also be said without ``=`` (``over 20m``). ``fixed``: cannot be edited once the order runs.
    ``hidden``: follows from other words of the line and is never said by its name.
    """

    name: str
    unit: Unit
    meaning: str
    default: str = ""
    low: str = ""
    high: str = ""
    words: tuple[str, ...] = ()
    required: bool = False
    bare: bool = False
    fixed: bool = False
    hidden: bool = False

    @property
    def range_text(self) -> str:
        """What may be given, for people."""
        if self.unit is Unit.WORD:
            return ", ".join(self.words)
        if self.unit is Unit.SWITCH:
            return "on, off"
        if self.unit in _SHAPES:
            return _SHAPES[self.unit]
        if self.low and self.high:
            return f"{self.low} to {self.high}"
        return f"from {self.low}" if self.low else "above 0"


_SHAPES = {
    Unit.DISTANCE: "0.5%, 25bp, 50t or a number in quote currency",
    Unit.LEVELS: "up to 10 of PRICE:SIZE, such as 62000:50%,63000 or 2%:0.25",
    Unit.LOCK: "PRICE:DISTANCE, such as 63000:0.5%",
}

Table = tuple[Parameter, ...]


def time_ns(text: str) -> int:
    """``3s`` in nanoseconds; InputError when it is no time."""
    for unit in ("ms", "h", "m", "s"):
        if text.endswith(unit):
            return int(plain(text.removesuffix(unit), text) * TIME_UNITS_NS[unit])
    raise InputError(f"{text} has no time unit: write 250ms, 3s, 20m or 1h")


def time_text(span_ns: int) -> str:
    """Nanoseconds in the largest unit that writes them whole; below a millisecond they are rounded down."""
    for unit, size in TIME_UNITS_NS.items():
        if span_ns >= size and span_ns % size == 0:
            return f"{span_ns // size}{unit}"
    return f"{span_ns // NS_PER_MS}ms"


def canonical(parameter: Parameter, text: str) -> str:
    """``text`` as the journal keeps it. InputError, in one line, when it is not a value of ``parameter``."""
    word = text.strip().lower()
    try:
        return _canonical(parameter, word)
    except InputError as error:
        raise InputError(f"{parameter.name}: {error}") from None


def _canonical(parameter: Parameter, word: str) -> str:
    match parameter.unit:
        case Unit.WORD | Unit.SWITCH:
            words = parameter.words if parameter.unit is Unit.WORD else ("on", "off")
            if word not in words:
                raise InputError(f"{word!r} is none of {', '.join(words)}")
            return word
        case Unit.TIME:
            span = time_ns(word)
            _demand_range(parameter, Decimal(span), word)
            if span % NS_PER_MS:
                raise InputError(f"{word} is not whole milliseconds")
            return time_text(span) if span else "0s"
        case Unit.DISTANCE:
            return distance(word).text
        case Unit.LEVELS:
            return levels_text(levels(word))
        case Unit.LOCK:
            return lock(word).text
    number = plain(_without_unit(parameter.unit, word), word)
    if parameter.unit in (Unit.COUNT, Unit.TICKS) and number != number.to_integral_value():
        raise InputError(f"{word} is not a whole number")
    _demand_range(parameter, number, word)
    return text_of(number)


def _without_unit(unit: Unit, word: str) -> str:
    suffix = {Unit.TICKS: "t", Unit.PERCENT: "%", Unit.BASIS_POINTS: "bp", Unit.LEVERAGE: "x"}.get(unit, "")
    return word.removesuffix(suffix) if suffix else word


def _demand_range(parameter: Parameter, number: Decimal, shown: str) -> None:
    low, high = _bound(parameter, parameter.low), _bound(parameter, parameter.high)
    if low is None and number <= ZERO:
        raise InputError(f"{shown} is not above 0")
    if (low is not None and number < low) or (high is not None and number > high):
        raise InputError(f"{shown} is outside {parameter.range_text}")


def _bound(parameter: Parameter, text: str) -> Decimal | None:
    if not text:
        return None
    return Decimal(time_ns(text)) if parameter.unit is Unit.TIME else Decimal(text)


class Terms:
    """Checked values of one parent order. A name that its table lacks is a bug here and raises KeyError."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    def price(self, name: str) -> Decimal | None:
        """A price or size, None when it was not given."""
        text = self.values[name]
        return Decimal(text) if text else None

    def number(self, name: str) -> Decimal:
        """A number; 0 when it was not given."""
        return Decimal(self.values[name] or 0)

    def count(self, name: str) -> int:
        return int(self.values[name] or 0)

    def time(self, name: str) -> int:
        """Nanoseconds; 0 when it was not given."""
        text = self.values[name]
        return time_ns(text) if text else 0

    def word(self, name: str) -> str:
        return self.values[name]

    def on(self, name: str) -> bool:
        return self.values[name] == "on"


def read(table: Table, given: Mapping[str, str]) -> Terms:
    """Terms of ``given`` with defaults for the rest. InputError names the first value that cannot be taken."""
    known = {parameter.name: parameter for parameter in table}
    for name in given:
        if name not in known:
            raise InputError(f"no parameter {name!r} here: {', '.join(known)}")
    values: dict[str, str] = {}
    for parameter in table:
        text = given.get(parameter.name, "")
        values[parameter.name] = canonical(parameter, text) if text else parameter.default
        if parameter.required and not values[parameter.name]:
            raise InputError(f"{parameter.name} is missing: {parameter.meaning}")
    return Terms(values)


def changed(table: Table, terms: Terms, changes: Mapping[str, str]) -> Terms:
    """``terms`` with ``changes`` of a running order; "" or ``none`` takes an optional value away."""
    known = {parameter.name: parameter for parameter in table}
    values = dict(terms.values)
    for name, text in changes.items():
        parameter = known.get(name)
        if parameter is None or parameter.fixed:
            may = ", ".join(each.name for each in table if not each.fixed)
            raise InputError(f"{name} cannot be changed while it runs: {may} can")
        if text in ("", "none"):
            if parameter.required or parameter.default:
                raise InputError(f"{name} needs a value: {parameter.range_text}")
            values[name] = ""
        else:
            values[name] = canonical(parameter, text)
    return Terms(values)


def given_words(table: Table, values: Mapping[str, str]) -> Iterable[str]:
    """``name=value`` of what is not the default, in the table's order: the canonical words of a line."""
    for parameter in table:
        text = values.get(parameter.name, "")
        if text and text != parameter.default:
            yield f"{parameter.name}={text}"
