"""How far the venue's clock is from ours, estimated from request times and the server time in the reply.

Sans-I/O. Whoever fetches a server time feeds it; signing and latency figures read it.
"""

from collections import deque

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S

BEST_OF = 8
"""Samples kept; the one with the shortest round trip bounds the error best."""

FRESH_NS = 600 * NS_PER_S
"""Older samples are forgotten: ordinary clocks drift some 20 ms within this time."""


class SkewSample(Struct, frozen=True):
    """``offset_ns`` = venue's clock minus ours. The truth lies within ``error_ns`` of it (half the round trip)."""

    offset_ns: int
    error_ns: int
    at_ns: int


class ClockSkew:
    """Keeps the best of the last ``BEST_OF`` samples (Cristian's algorithm)."""

    def __init__(self) -> None:
        self._samples: deque[SkewSample] = deque(maxlen=BEST_OF)

    def sample(self, sent_ns: int, received_ns: int, server_ns: int, *, resolution_ns: int = NS_PER_MS) -> bool:
        """Add a reply; ``server_ns`` is cut down to ``resolution_ns``. False, unused, if it came before its request."""
        if received_ns < sent_ns:
            return False
        middle = (sent_ns + received_ns) // 2
        error = (received_ns - sent_ns) // 2 + resolution_ns // 2
        self._samples.append(SkewSample(server_ns + resolution_ns // 2 - middle, error, received_ns))
        return True

    def best(self, now: int) -> SkewSample | None:
        """The fresh sample with the smallest possible error, None without one."""
        fresh = [sample for sample in self._samples if now - sample.at_ns <= FRESH_NS]
        return min(fresh, key=lambda sample: sample.error_ns, default=None)

    def venue_time_ns(self, now: int) -> int:
        """The venue's clock at local time ``now``; ``now`` itself while nothing is known."""
        best = self.best(now)
        return now + best.offset_ns if best is not None else now
