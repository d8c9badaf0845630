"""Books as Gate streams them: one window of the book for each depth and cadence (gateio.md §4). No sockets here.

Ids are those of the matching engine, one count per market: each update begins with the id after the last one's end.
Now and then an update is a whole book, as the venue sends them unasked.
"""

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.gateio.texts import PREFIXES, book_update, book_v2
from jackbot_tui.sim.market import BookView, Levels, SimMarket

V2_PERIODS_MS = {400: 100, 50: 20}
UPDATES = {
    MarketKind.SPOT: ((100, 100), (20, 20)),
    MarketKind.LINEAR: ((100, 100), (100, 50), (100, 20), (20, 20)),
}
"""Cadence in ms and levels of each stream of ``order_book_update``."""

FULL_EVERY_MS = 30_000
"""How often a stream sends its whole book unasked."""


class BookStream:
    """``payload`` is what a client subscribes with, ``name`` the stream's own within its channel."""

    def __init__(self, market: SimMarket, levels: int, period_ms: int, *, is_v2: bool) -> None:
        channel = "obu" if is_v2 else "order_book_update"
        self.market = market
        self.levels = levels
        self.is_v2 = is_v2
        self.channel = f"{PREFIXES[market.kind]}.{channel}"
        self.name = f"ob.{market.native}.{levels}" if is_v2 else f"{market.native}:{period_ms}ms:{levels}"
        self.view: BookView = market.view(period_ms, levels)
        self._full_due_ms = FULL_EVERY_MS

    @property
    def topic(self) -> str:
        return f"{self.channel}:{self.name}"

    def take(self, now_ms: int, elapsed_ms: int) -> "BookChange | None":
        """What is new; None when nothing is."""
        first = self.view.last_id + 1
        changes = self.view.take()
        if changes is None:
            return None
        full = elapsed_ms >= self._full_due_ms
        if full:
            self._full_due_ms = elapsed_ms + FULL_EVERY_MS
            changes = self.view.levels()
        return BookChange(self, changes, first, self.view.last_id, full, now_ms)

    def whole(self, now_ms: int) -> "BookChange":
        """The book as its updates have left it: for who joins."""
        return BookChange(self, self.view.levels(), 0, self.view.last_id, True, now_ms)


class BookChange(Struct, frozen=True):
    """Changed levels, or all of them when ``full``."""

    stream: BookStream
    sides: tuple[Levels, Levels]
    first: int
    last: int
    full: bool
    now_ms: int

    def text(self, *, whole: bool) -> str:
        """``whole``: sizes with their fractions."""
        stream, market = self.stream, self.stream.market
        if stream.is_v2:
            first = 0 if self.full else self.first
            return book_v2(market, stream.name, self.sides, first, self.last, self.now_ms, whole=whole)
        numbers = self.first, self.last
        return book_update(market, stream.levels, self.sides, numbers, self.now_ms, whole=whole, full=self.full)


def streams_of(market: SimMarket) -> list[BookStream]:
    v2 = [BookStream(market, levels, period_ms, is_v2=True) for levels, period_ms in V2_PERIODS_MS.items()]
    updates = [BookStream(market, levels, period_ms, is_v2=False) for period_ms, levels in UPDATES[market.kind]]
    return v2 + updates
