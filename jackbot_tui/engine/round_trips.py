"""Round trips of this session's sockets, handed to the paper venue for orders that shall take as long as real ones.

The runtime lets it look at the connections a few times a second; every new answer to a ping is told once. A ping needs
no matching, so a real order takes somewhat longer: what is measured is the line, not the exchange.
"""

from collections.abc import Callable, Iterable

from jackbot_tui.feeds.metrics import ConnectionMetrics
from jackbot_tui.model.clock import NS_PER_MS


class RoundTrips:
    """See the module's paragraph. ``measure`` takes nanoseconds."""

    def __init__(self, measure: Callable[[int], None]) -> None:
        self._measure = measure
        self._seen: dict[str, float] = {}

    def look(self, connections: Iterable[ConnectionMetrics]) -> None:
        """Tell the round trips that are new since the last look; none has been measured where it is below 0."""
        for metrics in connections:
            rtt_ms = metrics.rtt_ms
            if rtt_ms > 0 and rtt_ms != self._seen.get(metrics.conn):
                self._seen[metrics.conn] = rtt_ms
                self._measure(round(rtt_ms * NS_PER_MS))
