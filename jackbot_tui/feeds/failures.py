"""Why a connection or request failed, in a closed set of kinds and one line of words.

Sessions and the REST client raise and report these; screens and the journal show ``reason``. Never carries a secret.
"""

import errno
import os
import re
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.errors import JackbotError


class FailureKind(StrEnum):
    """``NETWORK``: no path to the venue. ``RATE_LIMIT``: we are asked to wait. ``MAINTENANCE``: the venue is down.
    ``AUTH``: we are not let in. ``PROTOCOL``: an answer that makes no sense here, or a request the venue does not take.
    """

    NETWORK = "network"
    PROTOCOL = "protocol"
    AUTH = "auth"
    RATE_LIMIT = "rate_limit"
    MAINTENANCE = "maintenance"


class Failure(Struct, frozen=True):
    """``reason`` is one line for a trader; ``retry_after_s`` is the venue's own wish, None where it has none."""

    kind: FailureKind
    reason: str
    retry_after_s: float | None = None


class FeedError(JackbotError):
    """A connection could not be opened, or was lost."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def kind_of_status(status: int) -> FailureKind:
    """Kind of a refusing HTTP status. 403 is a web firewall's no at the venues we know, 418 Binance's address ban."""
    if status in (418, 429):
        return FailureKind.RATE_LIMIT
    if status in (401, 403, 407, 451):
        return FailureKind.AUTH
    if status >= 500:
        return FailureKind.MAINTENANCE
    return FailureKind.PROTOCOL


def words_of_network_error(error: BaseException) -> str:
    """The operating system's complaint without numbers, files or layers, in one line."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError):
            number = inner.errno or _errno_in(str(inner))
            # Numbers of name resolution (negative, or not an errno at all) come with words of their own.
            words = os.strerror(number) if number in errno.errorcode else inner.strerror or str(inner)
            return _one_line(words).lower()
        inner = inner.__cause__ or inner.__context__
    return _one_line(str(error)) or type(error).__name__


def _errno_in(text: str) -> int:
    """asyncio joins the complaints about several addresses of one host into one text; the first stands for all."""
    found = re.search(r"\[Errno (\d+)\]", text)
    return int(found[1]) if found else 0


def seconds_of_retry_after(text: str | None) -> float | None:
    """``Retry-After`` in seconds; None when it is absent or no count of seconds (a date is not used by any venue)."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _one_line(text: str) -> str:
    return " ".join(text.split())
