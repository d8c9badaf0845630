"""Calls to the engine that run beside the screen: owned here, bounded, and ended with the screen."""

import asyncio
from collections.abc import Callable, Coroutine

MOST_CALLS = 64
"""Calls in flight; beyond that the engine is plainly not answering and a further one is refused."""


class Calls:
    """Starts coroutines in order and owns them until they end. ``failed`` takes the error of one that went wrong."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()

    def start(self, call: Coroutine[object, object, None]) -> bool:
        """False, and the call is not made, when too many are under way."""
        if len(self._running) >= MOST_CALLS:
            call.close()
            return False
        task = asyncio.get_running_loop().create_task(call)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return True

    async def settle(self) -> None:
        """Wait until nothing runs: for tests and for an orderly end."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def close(self) -> None:
        running = set(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=2.0)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._failed(error)
