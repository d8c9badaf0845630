"""The one place where float market data and Decimal money meet: ticks, lots and decimal text.

Prices and sizes from an exchange are float64 parsed from decimal text; equal text gives an equal float, so floats
serve as book keys. Orders, fills and money are Decimal. ``decimal_of`` turns a market float back into the shortest
Decimal that parses to it (exact for every price text of up to 15 significant digits).
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)


def decimal_of(value: float | int | str | Decimal) -> Decimal:
    """Decimal with the digits a person would write for ``value`` (``0.1`` -> ``Decimal('0.1')``)."""
    if isinstance(value, Decimal):
        return value
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def text_of(value: Decimal) -> str:
    """Plain decimal text without exponent and without trailing zeros (``1E+3`` -> ``1000``)."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def float_text(value: float, decimals: int = -1) -> str:
    """Decimal text of a market float: ``decimals`` places where the venue pads, else the shortest exact text."""
    if decimals >= 0:
        return f"{value:.{decimals}f}"
    return text_of(Decimal(repr(value)))


def places_of(step: Decimal) -> int:
    """Number of decimals needed to write a multiple of ``step`` (``0.10`` -> 1, ``5`` -> 0)."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of ``step`` that is not above ``value``."""
    return (value / step).to_integral_value(rounding=ROUND_FLOOR) * step


def round_up(value: Decimal, step: Decimal) -> Decimal:
    """Smallest multiple of ``step`` that is not below ``value``."""
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step


def round_nearest(value: Decimal, step: Decimal) -> Decimal:
    """Nearest multiple of ``step`` (ties to even)."""
    return (value / step).to_integral_value(rounding=ROUND_HALF_EVEN) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    return value % step == 0
