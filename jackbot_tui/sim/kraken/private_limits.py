"""Kraken's counters of private requests: what a call adds, and how fast it is forgotten (kraken.md §9).

Sans-I/O; figures are those of the Intermediate tier. A counter is of one key, on spot's trading engine
of one account and pair.
"""

from fractions import Fraction

from msgspec import Struct


class Decay(Struct, frozen=True):
    """At most ``most`` points, of which ``per_s`` are forgotten a second."""

    most: int
    per_s: Fraction


REST = Decay(20, Fraction(1, 2))
TRADING = Decay(125, Fraction(234, 100))
HISTORY_COST = 2
ADD_COST = 1
CANCEL_COSTS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
"""``(age of the order in seconds, points)``: what canceling an order younger than that adds."""

AMEND_COSTS = ((5, 3), (10, 2), (15, 1))


def cost_at(age_ms: int, costs: tuple[tuple[int, int], ...]) -> int:
    return next((points for seconds, points in costs if age_ms < seconds * 1000), 0)


class DecayingCounters:
    """``scale`` is what tests multiply the limits with."""

    def __init__(self, decay: Decay, scale: int = 1) -> None:
        self._decay = decay
        self._scale = scale
        self._points: dict[tuple[str | int, ...], tuple[Fraction, int]] = {}

    def admit(self, who: tuple[str | int, ...], points: int, now_ms: int) -> bool:
        """Count ``points``; False, and nothing counted, when they are too many."""
        held, then_ms = self._points.get(who, (Fraction(0), now_ms))
        left = max(Fraction(0), held - self._decay.per_s * max(0, now_ms - then_ms) / 1000)
        if left + points > self._decay.most * self._scale:
            self._points[who] = left, now_ms
            return False
        self._points[who] = left + points, now_ms
        return True

    def add(self, who: tuple[str | int, ...], points: int, now_ms: int) -> None:
        """Count ``points`` that are taken however many there are: cancels are never refused."""
        self.admit(who, 0, now_ms)
        held, _ = self._points[who]
        self._points[who] = held + points, now_ms
