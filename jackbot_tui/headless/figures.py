"""Rates from counters: how many frames a second came, measured at the host's own ticks. Pure; time comes in."""

from collections import deque

WINDOW_S = 1.0


class RateMeter:
    """Events per second over the last ``WINDOW_S``, from a counter that only grows."""

    def __init__(self) -> None:
        self.per_second = 0.0
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, now_s: float, count: int) -> None:
        """Note the counter at ``now_s`` (seconds of any steady clock)."""
        samples = self._samples
        if samples and count < samples[-1][1]:  # a new connection counts from zero again
            samples.clear()
        samples.append((now_s, count))
        while len(samples) > 2 and samples[1][0] <= now_s - WINDOW_S:
            samples.popleft()
        first_s, first = samples[0]
        elapsed = now_s - first_s
        self.per_second = (count - first) / elapsed if elapsed > 0 else 0.0


class RateTable:
    """One meter per name; names that are no longer sampled are forgotten."""

    def __init__(self) -> None:
        self._meters: dict[str, RateMeter] = {}

    def sample(self, now_s: float, counts: dict[str, int]) -> None:
        """Note every counter at ``now_s``."""
        self._meters = {name: self._meters.get(name) or RateMeter() for name in counts}
        for name, count in counts.items():
            self._meters[name].sample(now_s, count)

    def per_second(self, name: str) -> float:
        """Rate of ``name``, 0 when it is unknown."""
        meter = self._meters.get(name)
        return 0.0 if meter is None else meter.per_second
