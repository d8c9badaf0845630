"""When a silent book is no longer to be believed: judged against its own usual rhythm, never for ever. Sans-I/O.

Used by ``engine.market_data`` only. Many venues send a book when it changes and at no other time, so the silence of a
quiet market is no fault; a subscription that died unnoticed is silent as well. The rule:

- A book is STALE after three times the longest silence that it has lately broken itself (that memory halves in ten
  minutes), at least ``silence_s`` of its market, at most ``QUIET_CAP_S``; where the venue repeats unchanged books,
  at most two and a half times that interval.
- At half of that time the venue is asked for proof: a snapshot. One that shows the book as we have it begins the
  silence anew, and as twice such a silence is then held for usual a quiet market is asked ever more seldom.
- The longer time is for a connection that proves alive (frames, pings, pongs) and a book without evidence against it.
  A mute line, or trades that no update of the book followed, leave only ``silence_s``.

A new connection forgets everything: it may serve another rhythm.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState
from jackbot_tui.venues.base import MarketSpec

TIMES_USUAL = 3.0
"""Silences up to so many times the longest usual one are nothing to act upon."""

HALF_LIFE_NS = 600 * NS_PER_S
"""The memory of a long silence halves within this time."""

QUIET_CAP_S = 300.0
"""Longest silence of any book that is believed without proof."""

TIMES_UNCHANGED = 2.5
"""So many of the intervals at which a venue repeats an unchanged book: the first may be late, the second may not."""

LINE_PROOF_NS = 30 * NS_PER_S
"""A connection counts as alive for so long after anything came over it: it is pinged every 20 s, for 5 s."""

TRADED_NS = NS_PER_S
"""A trade so long after the book's newest update changed the book without our being told."""

ASK_AGAIN_NS = 20 * NS_PER_S
"""A book whose proof did not come is asked for it again after this time."""

PROVEN_TIMES = 2.0
"""A silence that was asked about and ended well counts so many times: the next question comes three times as late."""

PROOF_BURST = 6
"""Proofs asked of one connection without a pause between them."""

REST_PROOF_NS = 2 * NS_PER_S
STREAM_PROOF_NS = 20 * NS_PER_S
"""After a burst one proof in this time, of one connection. Where proofs cost subscriptions that is 180 an hour: Bitget
takes 240, OKX 480 of subscribing and unsubscribing together. REST snapshots wait for the limiter as well."""


class _Rhythm(Struct):
    """One book's: its newest update, the longest usual silence before it (ns), and when it was last to be proven."""

    newest_ns: int = 0
    longest_ns: float = 0.0
    asked_ns: int = 0

    def learn(self, newest_ns: int) -> None:
        """The book was updated at ``newest_ns``, or seen to be right as it is."""
        if self.newest_ns:
            silence = float(newest_ns - self.newest_ns)
            if self.asked_ns > self.newest_ns:
                silence *= PROVEN_TIMES
            faded = self.longest_ns * 0.5 ** ((newest_ns - self.newest_ns) / HALF_LIFE_NS)
            self.longest_ns = max(silence, faded)
        self.newest_ns = newest_ns


class _Allowance(Struct):
    """Questions that one connection may still be asked at ``at_ns``."""

    left: float
    at_ns: int

    def take(self, every_ns: int, now: int) -> bool:
        self.left = min(PROOF_BURST, self.left + (now - self.at_ns) / every_ns)
        self.at_ns = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Silent(Struct, frozen=True):
    """A book that was silent for too long; ``why`` says what else speaks against it, "" for nothing."""

    market: InstrumentMarket
    silent_s: float
    why: str


class SilenceWatch:
    """Asked a few times a second with all markets; remembers each one's rhythm."""

    def __init__(self, spec_of: Callable[[InstrumentMarket], MarketSpec]) -> None:
        self._spec_of = spec_of
        self._rhythms: dict[str, _Rhythm] = {}
        self._connections: dict[str, str] = {}  # of each book
        self._heard: dict[str, int] = {}  # when a connection last brought anything
        self._allowances: dict[str, _Allowance] = {}  # by connection

    def on_connect(self, conn: str, keys: Iterable[str], now: int) -> None:
        """A new stream of these books begins."""
        self._heard[conn] = now
        for key in keys:
            self._rhythms.pop(key, None)
            self._connections[key] = conn

    def on_heard(self, conn: str, at: int) -> None:
        """Anything at all came over ``conn`` at ``at``."""
        self._heard[conn] = max(at, self._heard.get(conn, 0))

    def connection_of(self, key: str) -> str:
        """The connection that carries a book, "" while none does."""
        return self._connections.get(key, "")

    def look(self, markets: Iterable[InstrumentMarket], now: int) -> tuple[list[Silent], list[InstrumentMarket]]:
        """``(stale, unproven)``: books silent for too long, and those of which the venue should be asked for proof."""
        stale: list[Silent] = []
        due: list[InstrumentMarket] = []
        for market in markets:
            if market.state is not BookState.LIVE and market.state is not BookState.STALE:
                self._rhythms.pop(market.key, None)
                continue
            rhythm = self._rhythms.setdefault(market.key, _Rhythm())
            if market.last_book_ns != rhythm.newest_ns:
                rhythm.learn(market.last_book_ns)
            silent_ns = now - rhythm.newest_ns
            limit_s, why = self._limit(market, rhythm, now)
            if silent_ns <= limit_s * NS_PER_S / 2:
                continue
            if market.live and silent_ns > limit_s * NS_PER_S:
                stale.append(Silent(market, silent_ns / NS_PER_S, why))
            if now - rhythm.asked_ns > ASK_AGAIN_NS:
                due.append(market)
        due.sort(key=lambda market: self._rhythms[market.key].asked_ns)
        return stale, [market for market in due if self._may_ask(market, now)]

    def limit_s(self, market: InstrumentMarket, now: int) -> float:
        """Seconds of silence after which ``market`` is STALE as things are now."""
        return self._limit(market, self._rhythms.get(market.key) or _Rhythm(), now)[0]

    def _limit(self, market: InstrumentMarket, rhythm: _Rhythm, now: int) -> tuple[float, str]:
        spec = self._spec_of(market)
        heard = self._heard.get(self.connection_of(market.key), now)  # a replay knows no lines
        if now - heard > LINE_PROOF_NS:
            return spec.silence_s, "nor anything else over its connection"
        last = market.trades.last
        if last is not None and last.ts_recv > rhythm.newest_ns + TRADED_NS:
            return spec.silence_s, "but trades came"
        cap_s = spec.unchanged_s * TIMES_UNCHANGED if spec.unchanged_s else QUIET_CAP_S
        usual_s = TIMES_USUAL * rhythm.longest_ns / NS_PER_S
        return max(spec.silence_s, min(usual_s, cap_s)), ""

    def _may_ask(self, market: InstrumentMarket, now: int) -> bool:
        conn = self.connection_of(market.key)
        every_ns = STREAM_PROOF_NS if market.sequencer.in_stream else REST_PROOF_NS
        allowed = self._allowances.setdefault(conn, _Allowance(PROOF_BURST, now)).take(every_ns, now)
        if allowed:
            self._rhythms[market.key].asked_ns = now
        return allowed
