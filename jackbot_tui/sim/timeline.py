"""Simulated time: nanoseconds elapsed since the exchange opened, and what the exchange calls the time of day.

Owned by ``sim.exchange``, read by the gateways. Elapsed time only goes forward. When the machine cannot keep up,
``slip`` moves the origin, so that the time of day stays right and the market merely missed a moment.
"""

from jackbot_tui.model.clock import NS_PER_MS


class Timeline:
    """Clock of the exchange (``model.clock.Clock``). ``skew_ns`` is a fault: how far its clock is off."""

    __slots__ = ("elapsed_ns", "origin_ns", "skew_ns")

    def __init__(self, origin_ns: int) -> None:
        self.origin_ns = origin_ns
        self.elapsed_ns = 0
        self.skew_ns = 0

    def advance_to(self, elapsed_ns: int) -> None:
        self.elapsed_ns = max(self.elapsed_ns, elapsed_ns)

    def slip(self, ns: int) -> None:
        self.origin_ns += ns

    def now_ns(self) -> int:
        return self.origin_ns + self.elapsed_ns + self.skew_ns

    def now_ms(self) -> int:
        return self.now_ns() // NS_PER_MS

    def ms_of(self, elapsed_ns: int) -> int:
        """Time of day in milliseconds of a moment on the simulated timeline."""
        return (self.origin_ns + elapsed_ns + self.skew_ns) // NS_PER_MS
