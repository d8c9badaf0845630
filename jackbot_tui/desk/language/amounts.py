"""Numbers, sizes, prices, offsets and times as words: text in, values out, SyntaxProblem with the column otherwise.

Numbers are plain decimals of at most 15 digits before and 12 after the point; no exponents, no separators.
"""

from decimal import Decimal

from jackbot_tui.desk.commands import OffsetUnit, Price, PriceRef, Size, SizeUnit
from jackbot_tui.desk.language.errors import SyntaxProblem
from jackbot_tui.desk.language.grammar import PRESETS, REFERENCE_WORDS, TIME_UNITS_NS

_DIGITS = frozenset("0123456789")
_WHOLE_DIGITS = 15
_FRACTION_DIGITS = 12
_THOUSAND = Decimal(1000)
_MOST_THOUSANDS = Decimal(10) ** (_WHOLE_DIGITS - 3)
SIZE_EXAMPLE = "0.5, 1000$, 10%, $pos, half, #2"
PRICE_EXAMPLE = "61000, bid+1t, mid, -0.5%"
MS_NS = TIME_UNITS_NS["ms"]


def starts_number(text: str) -> bool:
    return text[:1] in _DIGITS or (text[:1] == "." and text[1:2] in _DIGITS)


def _number_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and (text[end] in _DIGITS or text[end] == "."):
        end += 1
    return end


def take_number(text: str, caret: int, what: str, example: str, start: int = 0) -> tuple[Decimal, str, int]:
    """``(number, rest, column of the rest)`` of ``text[start:]``, where ``caret`` is the column of ``text``."""
    end = _number_end(text, start)
    digits = text[start:end]
    whole, point, fraction = digits.partition(".")
    if not digits or digits == ".":
        raise SyntaxProblem(f'{what} expected, not "{text}"', caret, example)
    if text[end : end + 1] == ",":
        raise SyntaxProblem("numbers have a point and no separators", caret + end, example)
    if "." in fraction or (point and not fraction):
        raise SyntaxProblem(f'"{digits}" is not a number', caret + start, example)
    if len(whole) > _WHOLE_DIGITS or len(fraction) > _FRACTION_DIGITS:
        message = f"too many digits: at most {_WHOLE_DIGITS} before and {_FRACTION_DIGITS} after the point"
        raise SyntaxProblem(message, caret + start, example)
    return Decimal(digits), text[end:], caret + end


def plain_number(text: str, caret: int, what: str, example: str) -> Decimal:
    """A positive number and nothing else."""
    number, rest, rest_caret = take_number(text, caret, what, example)
    if rest:
        raise SyntaxProblem(f'"{rest}" cannot follow a number here', rest_caret, example)
    if not number:
        raise SyntaxProblem(f"{what} must be above 0", caret, example)
    return number


def whole_number(text: str, caret: int, what: str, low: int, high: int, example: str) -> int:
    """A whole number between ``low`` and ``high``."""
    number, rest, rest_caret = take_number(text, caret, what, example)
    if rest:
        raise SyntaxProblem(f'"{rest}" cannot follow a number here', rest_caret, example)
    if number != number.to_integral_value() or not low <= number <= high:
        raise SyntaxProblem(f"{what} is a whole number from {low} to {high}", caret, example)
    return int(number)


def tick_count(text: str, caret: int, what: str, high: int, example: str) -> int:
    """Ticks with or without the unit: ``5`` or ``5t``."""
    bare = text[:-1] if text.endswith("t") and len(text) > 1 else text
    return whole_number(bare, caret, what, 0, high, example)


def size(text: str, caret: int, example: str = SIZE_EXAMPLE) -> Size:
    """A SIZE word."""
    if text == "$pos":
        return Size(SizeUnit.POSITION)
    if text == "half":
        return Size(SizeUnit.HALF)
    if text.startswith("#"):
        preset = whole_number(text[1:], caret + 1, "a preset", 1, PRESETS, "buy #2 @ bid")
        return Size(SizeUnit.PRESET, Decimal(preset))
    number, suffix, suffix_caret = take_number(text, caret, "a size", example)
    if not number:
        raise SyntaxProblem("a size must be above 0", caret, example)
    match suffix:
        case "":
            return Size(SizeUnit.BASE, number)
        case "k":
            return Size(SizeUnit.BASE, _thousands(number, caret, example))
        case "$":
            return Size(SizeUnit.QUOTE, number)
        case "k$":
            return Size(SizeUnit.QUOTE, _thousands(number, caret, example))
        case "%":
            return Size(SizeUnit.PERCENT, number)
        case _:
            raise SyntaxProblem(f'size unit "{suffix}": use k, $, k$, % or none', suffix_caret, example)


def _thousands(number: Decimal, caret: int, example: str) -> Decimal:
    if number >= _MOST_THOUSANDS:
        raise SyntaxProblem(f"too many digits: at most {_WHOLE_DIGITS} before the point", caret, example)
    return number * _THOUSAND


def _offset(text: str, caret: int, ref: PriceRef, start: int) -> Price:
    sign = -1 if text[start] == "-" else 1
    number, suffix, suffix_caret = take_number(text, caret, "an offset", PRICE_EXAMPLE, start + 1)
    try:
        unit = OffsetUnit(suffix)
    except ValueError:
        message = f'offset unit "{suffix}": use t (ticks), %, bp or none (price)'
        raise SyntaxProblem(message, suffix_caret, PRICE_EXAMPLE) from None
    if unit is OffsetUnit.TICKS and number != number.to_integral_value():
        raise SyntaxProblem("ticks are whole numbers", caret + start + 1, PRICE_EXAMPLE)
    return Price(ref, number * sign, unit) if number else Price(ref)


def price(text: str, caret: int, bare: PriceRef = PriceRef.NEAR) -> Price:
    """A PRICE word; ``bare`` is what an offset without a reference counts from."""
    if text[:1] in ("+", "-"):
        return _offset(text, caret, bare, 0)
    if starts_number(text):
        return Price(PriceRef.NONE, plain_number(text, caret, "a price", PRICE_EXAMPLE))
    cut = next((at for at, char in enumerate(text) if char in "+-"), len(text))
    ref = REFERENCE_WORDS.get(text[:cut])
    if ref is None:
        known = " ".join(REFERENCE_WORDS)
        raise SyntaxProblem(f'"{text[:cut]}" is not a price: a number or one of {known}', caret, PRICE_EXAMPLE)
    return Price(ref) if cut == len(text) else _offset(text, caret, ref, cut)


def duration_ns(text: str, caret: int, example: str) -> int:
    """A TIME word in nanoseconds, whole milliseconds, above 0."""
    number, unit, unit_caret = take_number(text, caret, "a time", example)
    if unit not in TIME_UNITS_NS:
        shown = f'time unit "{unit}"' if unit else "the time unit is missing"
        raise SyntaxProblem(f"{shown}: use ms, s, m or h", unit_caret, example)
    span = number * TIME_UNITS_NS[unit]
    if not span or span % MS_NS:
        raise SyntaxProblem("a time is at least 1 ms and whole milliseconds", caret, example)
    return int(span)
