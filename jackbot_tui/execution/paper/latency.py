"""How long messages travel between us and the paper venue: constant, drawn per venue, or as measured in this session.

The executor asks once per message; a draw depends on nothing but the seed and what was measured so far. Requests, their
answers and market data each travel on their own: ``entry`` from here to the matching, ``response`` back, ``feed`` from
the venue to our book. Our book is late by ``feed``, so an order that needs ``entry`` meets what we will see only
``entry + feed`` from now, and news of what happens then comes ``response - feed`` after we saw it; a real venue's books
show an order that late, and without the correction paper orders would jump the queue by the time market data takes.
"""

import math
import random
from collections import deque
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.errors import InputError

HISTORY = 512
"""Round trips kept for the measured model, newest last."""

LEAST_MEASURED = 8
"""Before so many round trips were measured the measured model uses the venue's distribution."""

_Z99 = 2.3263478740408408
"""99th percentile of the standard normal distribution."""


class LatencyKind(StrEnum):
    CONSTANT = "constant"
    VENUE = "venue"  # drawn from the venue's distribution
    MEASURED = "measured"  # round trips of this session, replayed


class Spread(Struct, frozen=True):
    """A log-normal round trip: half of all messages take longer than ``median_ms``, one in a hundred ``p99_ms``."""

    median_ms: float
    p99_ms: float

    def draw_ns(self, rng: random.Random) -> int:
        sigma = math.log(self.p99_ms / self.median_ms) / _Z99
        return round(self.median_ms * math.exp(sigma * rng.gauss(0.0, 1.0)) * NS_PER_MS)


VENUES: dict[str, Spread] = {
    "binance": Spread(25.0, 120.0),
    "bitget": Spread(45.0, 220.0),
    "bybit": Spread(35.0, 160.0),
    "coinbase": Spread(40.0, 200.0),
    "cryptocom": Spread(45.0, 220.0),
    "gateio": Spread(50.0, 250.0),
    "hyperliquid": Spread(220.0, 900.0),
    "kraken": Spread(45.0, 220.0),
    "kucoin": Spread(50.0, 250.0),
    "mexc": Spread(50.0, 250.0),
    "okx": Spread(35.0, 180.0),
}
"""Order round trips from a server on the venue's continent, without co-location. Assumptions of ours, not measurements:
no venue publishes such figures. Hyperliquid answers after a block of its chain. Measure your own line where you can."""

ELSEWHERE = Spread(50.0, 250.0)


class LatencySettings(Struct, frozen=True, kw_only=True):
    """Nanoseconds. ``entry``, ``response`` and ``jitter`` (uniform, on either) are for the constant kind.

    With probability ``spike_chance`` a message takes up to ``spike_ns`` more (uniform), whatever the kind: venues stall
    in bursts, and the worst messages come when the market moves. ``feed`` as in the module's paragraph.
    """

    kind: LatencyKind = LatencyKind.CONSTANT
    entry_ns: int = 20 * NS_PER_MS
    response_ns: int = 20 * NS_PER_MS
    jitter_ns: int = 0
    feed_ns: int = 0
    spike_chance: float = 0.0
    spike_ns: int = 0


class Latency:
    """Draws for one session. ``measure`` feeds the measured kind."""

    def __init__(self, settings: LatencySettings, venue: str, rng: random.Random) -> None:
        if not 0.0 <= settings.spike_chance <= 1.0:
            raise InputError(f"the chance of a latency spike is {settings.spike_chance}: give it between 0 and 1")
        self._settings = settings
        self._spread = VENUES.get(venue, ELSEWHERE)
        self._rng = rng
        self._measured: deque[int] = deque(maxlen=HISTORY)

    @property
    def measured(self) -> int:
        """How many round trips the measured kind has to draw from."""
        return len(self._measured)

    @property
    def words(self) -> str:
        """What is drawn from now, for people; a venue's distribution is called what it is, an assumption."""
        settings, spread = self._settings, self._spread
        match settings.kind:
            case LatencyKind.CONSTANT:
                text = f"{_ms(settings.entry_ns)}+{_ms(settings.response_ns)} ms"
                text += f" (+0-{_ms(settings.jitter_ns)})" if settings.jitter_ns else ""
            case LatencyKind.MEASURED if len(self._measured) >= LEAST_MEASURED:
                text = f"measured, {len(self._measured)} round trips"
            case _:
                text = f"assumed {spread.median_ms:g} ms, p99 {spread.p99_ms:g}, there and back"
        text += f", feed {_ms(settings.feed_ns)} ms" if settings.feed_ns else ""
        return text + (f", spikes {settings.spike_chance:.2%}" if settings.spike_chance else "")

    def measure(self, round_trip_ns: int) -> None:
        """An answer of the real venue took so long from here and back."""
        if round_trip_ns > 0:
            self._measured.append(round_trip_ns)

    def request_ns(self) -> int:
        """From here until the request meets the book as it will then be seen here."""
        return self._one_way(self._settings.entry_ns) + self._settings.feed_ns

    def answer_ns(self) -> int:
        """From that moment until its answer is here."""
        return max(0, self._one_way(self._settings.response_ns) - self._settings.feed_ns)

    def _one_way(self, constant: int) -> int:
        settings, rng = self._settings, self._rng
        match settings.kind:
            case LatencyKind.CONSTANT:
                taken = constant + (rng.randint(0, settings.jitter_ns) if settings.jitter_ns else 0)
            case LatencyKind.MEASURED if len(self._measured) >= LEAST_MEASURED:
                taken = self._measured[rng.randrange(len(self._measured))] // 2
            case _:
                taken = self._spread.draw_ns(rng) // 2
        if settings.spike_chance and rng.random() < settings.spike_chance:
            taken += rng.randint(0, settings.spike_ns)
        return taken


def _ms(ns: int) -> str:
    return f"{ns / NS_PER_MS:g}"
