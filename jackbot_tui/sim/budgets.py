"""Request budgets that many venues state per page and user: at most so many in a window of time. Pure counting.

Used by private pages of fronts. A window begins with its first request and ends by the timeline's clock; requests that
are refused are not counted.
"""

from collections.abc import Hashable

from msgspec import Struct


class Budget(Struct, frozen=True):
    """At most ``limit`` requests in ``window_ms``."""

    limit: int
    window_ms: int = 2_000


class Budgets:
    """``scale`` stretches every limit: tests that run on fast-forward relax them all alike."""

    def __init__(self, scale: int = 1) -> None:
        self._scale = max(1, scale)
        self._used: dict[Hashable, tuple[int, int]] = {}
        self.most_used: dict[Hashable, int] = {}
        """The fullest window of each place so far: what a client's own limiter is judged by."""

        self.refused = 0

    def admit(self, place: Hashable, budget: Budget, now_ms: int, requests: int = 1) -> bool:
        """Count ``requests`` at ``place`` (a page, and whose it is); False, nothing counted, when used up."""
        began, used = self._used.get(place, (now_ms, 0))
        if not began <= now_ms < began + budget.window_ms:
            began, used = now_ms, 0
        if used + requests > budget.limit * self._scale:
            self.refused += 1
            return False
        self._used[place] = began, used + requests
        self.most_used[place] = max(self.most_used.get(place, 0), used + requests)
        return True
