"""The venue's clock out of a reply that tells it: one reader for the many shapes that hold the same number.

For codecs' ``decode_time``. Pure.
"""

import msgspec

from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.errors import WireError

_ANY = msgspec.json.Decoder()

EARLIEST_NS = 1_577_836_800 * NS_PER_S
"""2020-01-01: a clock before is none of an exchange."""

LATEST_NS = 4_102_444_800 * NS_PER_S
"""2100-01-01."""


def time_in(where: str, body: str | bytes, *path: str | int, unit_ns: int) -> int:
    """The time at ``path`` (names and places) of a JSON reply, in ns since 1970 UTC; it counts units of ``unit_ns``.

    A whole number, as number or text. WireError naming ``where`` when there is none, or none of this century.
    """
    try:
        value: object = _ANY.decode(body)
        for step in path:
            value = _part(value, step)
    except (msgspec.DecodeError, UnicodeError, RecursionError, LookupError) as error:
        raise WireError(f"{where}: the reply holds no time ({error}): check the REST URL") from error
    text = str(value)
    now = int(text) * unit_ns if text.isascii() and text.isdigit() and len(text) <= 20 else 0
    if not EARLIEST_NS <= now < LATEST_NS:
        raise WireError(f"{where}: {text[:40]!r} is no time: check the REST URL")
    return now


def _part(value: object, step: str | int) -> object:
    """What ``value`` holds at ``step``; LookupError when it is no such collection or has nothing there."""
    match value, step:
        case dict(), str():
            return value[step]
        case list(), int():
            return value[step]
    raise LookupError(step)
