"""Client order ids: ours, unique, and legal on all eleven venues (at most 18 letters and digits: Kraken's limit).

Shape: ``j`` + owner letter + 4 characters of the journal's own id + order number in base 36, padded to 8. The number is
the one shown to people, so an id seen at the venue names the order here.
"""

from jackbot_tui.model.errors import InputError

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


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


def client_order_id(owner: str, journal_id: str, number: int) -> str:
    """Client id of order ``number`` of the journal with the 4 character ``journal_id``."""
    letter = owner[:1].lower() if owner[:1].isalnum() and owner[:1].isascii() else "x"
    return f"j{letter}{journal_id:0>4.4}{base36(number, 8)}"


def number_of(client_id: str) -> int:
    """The order number inside a client id of ours; InputError for a foreign one."""
    if len(client_id) != 14 or client_id[0] != "j":
        raise InputError(f"{client_id!r} is not one of our client order ids (14 characters starting with j)")
    return int(client_id[6:], 36)
