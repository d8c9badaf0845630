"""Keeps secrets out of anything a person or a file may see: log lines, ``config show``, error messages.

Text in, text out. What the process holds as a secret is taken out wherever it stands, other secrets by their look and
by the names before them. Called for every line of the engine's log; it never decides what is logged.
"""

import re
from decimal import Decimal

from jackbot_tui.model.secrets import conceal

MASK = "***"

_NAME = "|".join(
    (
        r"api[_-]?key",
        r"x-mbx-apikey",
        r"api[_-]?secret",
        r"secret(?:[_-]?key)?",
        r"pass(?:word|phrase|wd)?",
        r"(?:[a-z]+[_-]?)?token",
        r"sign(?:ature)?",
        r"listen[_-]?key",
        r"private[_-]?key",
        r"authorization",
        r"cookie",
    )
)
_SECRET_FIELD = re.compile(rf"(?:^|[_.\-])(?:{_NAME})$", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"""(?P<name>(?<![A-Za-z0-9])(?:{_NAME})["']?\s*[=:]\s*["']?(?:bearer\s+|basic\s+)?)(?P<value>[^\s"'&,;}}\])]+)""",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)
_OPAQUE = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]{64}(?![A-Za-z0-9]))(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{64}"
)
"""A Binance API key or secret: exactly 64 letters and digits of both cases (a SHA-256 in hex has one case)."""


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret. ``key`` alone does not: it is an instrument's key here."""
    return _SECRET_FIELD.search(name) is not None


def redact_text(text: str) -> str:
    """``text`` with every secret replaced by ``***``."""
    text = _USER_INFO.sub(rf"\g<scheme>{MASK}@", conceal(text))
    text = _ASSIGNED.sub(rf"\g<name>{MASK}", text)
    return _OPAQUE.sub(MASK, text)


def redact_value(name: str, value: object) -> object:
    """``value`` of field ``name``, whole when harmless; containers are searched through."""
    if is_secret_name(name):
        return MASK
    match value:
        case str():
            return redact_text(value)
        case dict():
            return {str(key): redact_value(str(key), inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redact_value(name, inner) for inner in value]
        case bool() | int() | float() | Decimal() | None:
            return value
        case _:
            return redact_text(str(value))
