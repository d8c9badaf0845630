"""Measures how late the engine's event loop runs: the gap between when a timer asked to be called and when it was."""

import asyncio
import time
from collections import deque

SAMPLE_S = 0.02
WINDOW = 3000
REFRESH = 50
"""Samples between two looks at the window: the quantile is at most a second old."""


class LoopLag:
    """Samples loop lag every 20 ms. Figures in milliseconds; ``p99_ms`` is over the last minute, ``worst_ms`` ever.

    Loops round timers to a millisecond, so up to one of it is no lag at all.
    """

    def __init__(self) -> None:
        self.last_ms = 0.0
        self.p99_ms = 0.0
        self.worst_ms = 0.0
        self._samples: deque[float] = deque(maxlen=WINDOW)
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._until_refresh = REFRESH

    def start(self) -> None:
        self._ask()

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _ask(self) -> None:
        self._due = time.perf_counter() + SAMPLE_S
        self._handle = asyncio.get_running_loop().call_later(SAMPLE_S, self._tick)

    def _tick(self) -> None:
        self.last_ms = max(0.0, (time.perf_counter() - self._due) * 1e3)
        self._samples.append(self.last_ms)
        self.worst_ms = max(self.worst_ms, self.last_ms)
        self._until_refresh -= 1
        if self._until_refresh <= 0:
            self._until_refresh = REFRESH
            self.p99_ms = sorted(self._samples)[int(0.99 * len(self._samples))]
        self._ask()
