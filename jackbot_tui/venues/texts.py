"""Numbers as venues write them, and frames that nobody understands: small questions that several codecs ask alike.

Imported by venue folders only. Pure.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeGuard

from jackbot_tui.model.market import UnknownFrame

KEPT_TEXT = 2000
"""Characters kept of a frame that nobody knows."""

MAX_PRICE = 1e15
MAX_SIZE = 1e18
"""Anything above is no market's figure: the frame is unreadable instead of poisoning a book."""

MAX_RATE = 1.0
"""Largest believable funding rate of one interval, as a fraction."""


def is_decimal(text: object) -> TypeGuard[str]:
    """Plain decimal text: digits with at most one point, at most 40 characters."""
    return isinstance(text, str) and len(text) <= 40 and text.isascii() and text.replace(".", "", 1).isdigit()


def is_number(text: str, limit: float) -> bool:
    """Plain decimal text of a value from 0 to ``limit``."""
    return is_decimal(text) and Decimal(text) <= limit


def is_price(text: str) -> bool:
    """Whether the text is a price above 0 and within reason."""
    return is_number(text, MAX_PRICE) and float(text) > 0.0


def is_rate(text: str) -> bool:
    """Whether the text is a funding rate, signed and within reason."""
    return is_number(text.removeprefix("-"), MAX_RATE)


def is_trade(price: str, size: str) -> bool:
    """Whether the texts are a price above 0 and a size from 0 on, both within reason."""
    return is_price(price) and is_number(size, MAX_SIZE)


def padding(texts: Iterable[str]) -> int:
    """Decimal places if all texts have the same number of them, else -1."""
    places = {len(text.partition(".")[2]) for text in texts}
    return places.pop() if len(places) == 1 else -1


def unknown_frame(raw: str | bytes, reason: str) -> UnknownFrame:
    kept = raw[:KEPT_TEXT]
    return UnknownFrame(kept if isinstance(kept, str) else kept.decode(errors="replace"), reason[:200])
