"""What a line is answered that ended in an error or met a bug: the same words over a socket and in one process."""

import traceback
from pathlib import Path

from jackbot_tui.desk.views import Reply
from jackbot_tui.model.errors import JackbotError

BUG_WORDS = "internal error, see the engine's log: the line may be done in part, look at orders before you repeat it"

TRACE_FRAMES = 4
"""Places told of a bug: where it is and who called."""


def answer_to(error: Exception) -> Reply:
    """The reply to a line that raised: its own words when it is an error for people, code ``internal`` for a bug."""
    if isinstance(error, JackbotError):
        return Reply(ok=False, lines=[str(error)], code="error")
    return Reply(ok=False, lines=[BUG_WORDS], code="internal")


def told(error: Exception) -> str:
    """One line about a bug for the log: ``… at words.py:186 < desk.py:90``, the innermost place first."""
    frames = traceback.extract_tb(error.__traceback__)[: -TRACE_FRAMES - 1 : -1]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"a line ended in an internal error: {error!r} at {places}"
