"""What went wrong with a private call, in one line without a secret, and what it means for what was asked."""

import re
import traceback
from collections.abc import Iterable
from pathlib import PurePath

from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.secrets import HIDDEN, Concealer
from jackbot_tui.venues.errors import ErrorKind


class VenueFailure(JackbotError):
    """A private call failed. ``sent`` is False when it never left this machine."""

    def __init__(self, kind: ErrorKind, code: str, reason: str, *, sent: bool = True) -> None:
        super().__init__(reason)
        self.kind = kind
        self.code = code
        self.reason = reason
        self.sent = sent

    @property
    def done(self) -> bool | None:
        """Whether the venue did what was asked: False = surely not, None = nobody knows."""
        return None if self.sent and self.kind in (ErrorKind.UNKNOWN, ErrorKind.RESYNC) else False


def place_of(error: BaseException) -> str:
    """Name and place of the exception at the heart of a group, without its text."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + where


class Redactor:
    """Takes keys, and the queries of addresses (which carry signatures), out of a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._conceal = Concealer(secrets)

    def __call__(self, text: str) -> str:
        text = self._conceal(text)
        text = re.sub(r"(https?|wss?)://\S+", lambda match: match.group(0).split("?")[0], text)
        return re.sub(r"(?i)\b(signature|apikey|api_key|listenkey|token)=[^&\s\"']+", rf"\1={HIDDEN}", text)
