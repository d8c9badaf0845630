"""When something is due again on the simulated timeline. Used by fronts; plain arithmetic, no clock of its own."""


class Cadence:
    """Due once per ``period_ms`` from ``first_ms`` on; beats that were missed are not made up for."""

    __slots__ = ("_due_ms", "_period_ms")

    def __init__(self, period_ms: int, first_ms: int = 0) -> None:
        self._period_ms = period_ms
        self._due_ms = first_ms

    def is_due(self, elapsed_ms: int) -> bool:
        if elapsed_ms < self._due_ms:
            return False
        self._due_ms += self._period_ms * (1 + (elapsed_ms - self._due_ms) // self._period_ms)
        return True
