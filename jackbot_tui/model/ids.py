"""Client order ids: ours, unique, and legal on all eleven venues (at most 18 letters and digits: Kraken's limit).

Shape: ``j`` + owner letter + 4 characters of the journal's own id + order number in base 36, padded to 8; a child order
has 4 more characters, the mark of its parent. The number is the one shown to people, so an id seen at the venue names
the order here, who asked for it, and which orders belong together.
"""

import zlib

from jackbot_tui.model.errors import InputError

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
NUMBER_WIDTH = 8
MARK_WIDTH = 4
OWN_WIDTH = 6 + NUMBER_WIDTH


def base36(number: int, width: int = 0) -> str:
    """``number`` (>= 0) in base 36, left padded with zeros to ``width``."""
    if number < 0:
        raise InputError(f"base36 takes a number >= 0, got {number}")
    out = ""
    while True:
        number, digit = divmod(number, 36)
        out = _DIGITS[digit] + out
        if number == 0:
            return out.rjust(width, "0")


def client_order_id(owner: str, journal_id: str, number: int, parent_id: str = "") -> str:
    """Client id of order ``number`` of the journal with the 4 character ``journal_id``."""
    letter = owner[:1].lower() if owner[:1].isalnum() and owner[:1].isascii() else "x"
    return f"j{letter}{journal_id:0>4.4}{base36(number, NUMBER_WIDTH)}{parent_mark(parent_id)}"


def parent_mark(parent_id: str) -> str:
    """4 characters that stand for a parent order, "" for none: equal for equal parents, hardly ever for others."""
    return base36(zlib.crc32(parent_id.encode()) % 36**MARK_WIDTH, MARK_WIDTH) if parent_id else ""


def is_client_order_id(text: str) -> bool:
    """True for an id of the shape made here, of whatever journal."""
    return len(text) in (OWN_WIDTH, OWN_WIDTH + MARK_WIDTH) and text[0] == "j" and all(c in _DIGITS for c in text)


def journal_of(client_id: str) -> str:
    """The 4 character id of the journal that the order was made in; InputError for a foreign id."""
    _demand_own(client_id)
    return client_id[2:6]


def number_of(client_id: str) -> int:
    """The order number inside a client id of ours; InputError for a foreign one."""
    _demand_own(client_id)
    return int(client_id[6:OWN_WIDTH], 36)


def _demand_own(client_id: str) -> None:
    if not is_client_order_id(client_id):
        raise InputError(f"{client_id!r} is not one of our client order ids (14 or 18 characters starting with j)")
