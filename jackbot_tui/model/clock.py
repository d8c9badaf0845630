"""Time is integer nanoseconds since 1970 UTC and always comes from a Clock that is handed in."""

import time
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        ...


class SystemClock:
    """Wall time anchored once and advanced by the monotonic clock, so that it never runs backwards."""

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return self._offset + time.monotonic_ns()


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
