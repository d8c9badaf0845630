"""Time is integer nanoseconds since 1970 UTC and always comes from a Clock that is handed in."""

import time
from collections.abc import Callable
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        ...


LOOK_NS = NS_PER_S
"""How often the wall clock is looked at."""

CLEAN_READ_NS = NS_PER_MS
"""Reading both clocks may take so long; when it took longer the process was held up and the reading says nothing."""

CATCH_UP = 8
"""A clock that was put back is waited for: until then this one loses an eighth of the time that passes."""


class SystemClock:
    """Wall time, advanced by the monotonic clock between looks at the wall; it never runs backwards.

    A wall clock put forward, and the time a machine slept, are followed at the next look. One put back is followed
    slowly, see ``CATCH_UP``: what happened later must have the later time.
    """

    __slots__ = ("_look_at", "_monotonic", "_offset", "_seen", "_target", "_wall")

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._seen = monotonic()
        self._offset = self._target = wall() - self._seen
        self._look_at = self._seen + LOOK_NS

    def now_ns(self) -> int:
        now = self._monotonic()
        if now >= self._look_at:
            self._look(now)
        if self._target < self._offset:
            self._offset = max(self._target, self._offset - (now - self._seen) // CATCH_UP)
        self._seen = now
        return self._offset + now

    def _look(self, now: int) -> None:
        wall = self._wall()
        if self._monotonic() - now > CLEAN_READ_NS:
            return
        self._target = wall - now
        self._offset = max(self._offset, self._target)
        self._look_at = now + LOOK_NS


class ManualClock:
    """A clock moved by its owner: replay sets it from the data, tests set it by hand."""

    __slots__ = ("_now",)

    def __init__(self, now_ns: int = 0) -> None:
        self._now = now_ns

    def now_ns(self) -> int:
        return self._now

    def set(self, now_ns: int) -> None:
        """Move to ``now_ns``; a time in the past is ignored, since time never runs backwards."""
        if now_ns > self._now:
            self._now = now_ns

    def advance(self, ns: int) -> None:
        self._now += ns
