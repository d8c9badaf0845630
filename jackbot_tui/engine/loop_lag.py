"""Measures how late the engine's event loop runs: the gap between when a timer asked to be called and when it was."""

import asyncio
from collections import deque

SAMPLE_S = 0.02
WINDOW = 3000


class LoopLag:
    """Samples loop lag every 20 ms over the last minute. All figures in milliseconds."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=WINDOW)
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.worst_ms = 0.0
        self.last_ms = 0.0

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + SAMPLE_S
        self._handle = loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self.last_ms = (loop.time() - self._due) * 1e3
        self._samples.append(self.last_ms)
        self.worst_ms = max(self.worst_ms, self.last_ms)
        self._due = loop.time() + SAMPLE_S
        self._handle = loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def quantile(self, fraction: float) -> float:
        """Quantile of the window, 0 when nothing has been measured."""
        if not self._samples:
            return 0.0
        ordered = sorted(self._samples)
        return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]
