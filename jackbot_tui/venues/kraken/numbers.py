"""Kraken's JSON numbers as plain decimal texts with the decimals that its checksums need. Pure."""

from decimal import Decimal, InvalidOperation

MOST_DIGITS = 40
"""No market's figure has its first digit further from the point: writing it out would only cost memory."""


def exact(number: Decimal) -> str:
    """Plain decimal text; "" for what is no figure of a market."""
    return format(number, "f") if number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS else ""


def plain(number: object) -> str:
    """A number as it was written, without an exponent; "" for anything else."""
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    if not isinstance(number, str):
        return ""
    if "e" in number or "E" in number:
        try:
            return exact(Decimal(number))
        except InvalidOperation:
            return ""
    return number


def padded(number: object, places: int) -> str:
    """``plain`` with at least ``places`` decimals: the venue pads, but who wrote a recording anew may not have."""
    if type(number) is str and len(number) > places > 0 and number[-places - 1] == "." and "e" not in number:
        return number
    text = plain(number)
    missing = places - len(text.partition(".")[2])
    if missing <= 0 or not text:
        return text
    return f"{text}{'' if '.' in text else '.'}{'0' * missing}"


def places_of(numbers: list[object]) -> int:
    """The most decimals that any of them was written with."""
    return max((len(plain(number).partition(".")[2]) for number in numbers), default=0)
