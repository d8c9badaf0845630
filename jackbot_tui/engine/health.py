"""How well the feeds do: how old data is on arrival, and how long broken books take to be whole again. Sans-I/O.

Looked at from a timer and told of book states; the hot path does nothing for it. Figures are per connection and made
when somebody asks.
"""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain

from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import BookState, MarketKind

KEPT = 250
"""Newest measurements of one book that quantiles are taken of: half a minute of latencies."""

_BROKEN = (BookState.SYNCING, BookState.DOWN)


class Quantiles(Struct, frozen=True):
    """Of ``count`` measurements, in milliseconds; -1 without any."""

    count: int
    half: float  # half of them were not longer
    p99: float
    worst: float


def quantiles_of(values: Iterable[float]) -> Quantiles:
    """Each quantile is the smallest value that so many do not exceed, so it is one that was measured."""
    found = sorted(values)
    count = len(found)
    if not count:
        return Quantiles(0, -1.0, -1.0, -1.0)
    return Quantiles(count, found[(count - 1) // 2], found[-(-99 * count // 100) - 1], found[-1])


class ConnectionHealth(Struct, frozen=True):
    """Books of one connection. Times in milliseconds, -1 = nothing measured yet.

    ``latency``: from the venue's time of a book event to its arrival here, by the venue's clock where that is known.
    ``latency`` is that of the slowest book.
    ``resync``: from a book's leaving LIVE (a gap, a lost connection) until it was LIVE again, outage included.
    """

    books: int
    live: int
    gaps: int
    resyncs: int
    latency: Quantiles
    resync: Quantiles


class FeedHealth:
    """``skew_of`` gives the venue's clock minus ours in ns, 0 while it is unknown."""

    def __init__(self, data: MarketData, skew_of: Callable[[MarketKind], int]) -> None:
        self._data = data
        self._skew_of = skew_of
        self._seen: dict[str, int] = {}  # the venue's time of each book's newest event
        self._broken_ns: dict[str, int] = {}
        self._latencies: dict[str, deque[float]] = {}
        self._resyncs: dict[str, deque[float]] = {}
        data.on_state_change(self._on_state)

    def sample(self) -> None:
        """Measure the newest book events; call a few times a second."""
        for key, market in self._data.markets.items():
            event_ns = market.book_event_ns
            if event_ns and market.live and event_ns != self._seen.get(key):
                self._seen[key] = event_ns
                late_ns = market.last_book_ns + self._skew_of(market.instrument.kind) - event_ns
                _kept(self._latencies, key).append(max(0.0, late_ns / NS_PER_MS))

    def of(self, keys: Iterable[str]) -> ConnectionHealth:
        """The figures of the books ``keys``."""
        markets = [self._data.markets[key] for key in keys if key in self._data.markets]
        latencies = [quantiles_of(self._latencies.get(market.key, ())) for market in markets]
        return ConnectionHealth(
            books=len(markets),
            live=sum(market.live for market in markets),
            gaps=sum(market.sequencer.stats.gaps for market in markets),
            resyncs=sum(market.sequencer.stats.resyncs for market in markets),
            latency=max(latencies, key=lambda each: each.half, default=quantiles_of(())),
            resync=quantiles_of(chain.from_iterable(self._resyncs.get(market.key, ()) for market in markets)),
        )

    def _on_state(self, market: InstrumentMarket, old: BookState, new: BookState, now: int) -> None:
        if new in _BROKEN and (old is BookState.LIVE or old is BookState.STALE):
            self._broken_ns.setdefault(market.key, now)
        elif new is BookState.LIVE and market.key in self._broken_ns:
            took_ms = (now - self._broken_ns.pop(market.key)) / NS_PER_MS
            _kept(self._resyncs, market.key).append(took_ms)


def _kept(measured: dict[str, deque[float]], key: str) -> deque[float]:
    values = measured.get(key)
    return measured.setdefault(key, deque(maxlen=KEPT)) if values is None else values
