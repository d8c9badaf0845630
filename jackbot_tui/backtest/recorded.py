"""Captures as a list of market changes: what the venue's book and tape did, each with the venue's time and ours.

Read through the same pipeline as live, so that what cannot be believed is not here: levels come in only while the book
is LIVE, and a snapshot (the first or one after a gap) is told as the levels it changed. Used by engines that replay a
session many times; a capture that is played once needs none of this (see ``kernel``).
"""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import ReplayPlayer
from jackbot_tui.feeds.capture import read_capture
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import Level, MarkPrice, Trade, VenueNotice
from jackbot_tui.venues import load_venue


class MarketChange(Struct, frozen=True, gc=False):
    """Levels that changed (absolute sizes, 0 deletes), or one trade.

    ``venue_ns`` is the exchange's own time, ``local_ns`` when it was received by the recorder's clock.
    """

    venue_ns: int
    local_ns: int
    bids: list[Level]
    asks: list[Level]
    trade: Trade | None = None


class RecordedMarket(Struct, frozen=True):
    """One instrument's session. ``changes`` in the order of arrival; ``levels`` counts the changed levels in them."""

    instrument: Instrument
    changes: list[MarketChange]

    @property
    def events(self) -> int:
        """Normalised events: one for every changed level and one for every trade."""
        return sum(1 if each.trade is not None else len(each.bids) + len(each.asks) for each in self.changes)

    @property
    def clock_error_ns(self) -> int:
        """How far the recorder's clock was behind the venue's at least: nothing arrives before it happened."""
        return max(0, max((each.venue_ns - each.local_ns for each in self.changes), default=0))


def record_market(paths: Sequence[Path], venue: str, kind: MarketKind, symbol: str | None = None) -> RecordedMarket:
    """The session of one instrument in captures that continue one another.

    ``symbol`` (unified) may be left out when the captures hold just one. CaptureError and InputError say what is wrong.
    """
    codec = load_venue(venue)
    data = MarketData(codec, adopt_unknown=True)
    player = ReplayPlayer(
        read_capture(paths), data, ManualClock(), codec, kind, symbols=() if symbol is None else (symbol,)
    )
    listeners = {key: _Listener(key) for key in data.markets}
    if len(listeners) != 1:
        there = ", ".join(sorted(market.instrument.symbol for market in data.markets.values())) or "none"
        raise InputError(f"name one symbol of the capture: it holds {there}")
    for listener in listeners.values():
        data.subscribe(listener)
    player.speed = 0.0
    while not player.done:
        player.advance(0)
    ((key, listener),) = listeners.items()
    return RecordedMarket(data.markets[key].instrument, listener.changes)


class _Listener:
    """Notes what one market does."""

    def __init__(self, key: str) -> None:
        self.changes: list[MarketChange] = []
        self._key = key
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._anew = True

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        if market.key != self._key:
            return
        book = market.book
        if self._anew or not (book.sent_bids or book.sent_asks):
            bids, asks = _difference(self._bids, book.bids), _difference(self._asks, book.asks)
            self._anew = False
        else:
            bids, asks = list(book.sent_bids), list(book.sent_asks)
        _remember(self._bids, bids)
        _remember(self._asks, asks)
        self.changes.append(MarketChange(market.book_event_ns or now, now, bids, asks))

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        if market.key == self._key and market.live:
            self.changes.append(MarketChange(trade.ts_event or now, now, [], [], trade))

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None:
        return None

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        if market.key == self._key and new is BookState.LIVE:
            self._anew = True

    def on_notice(self, notice: VenueNotice, now: int) -> None:
        return None


def _difference(old: dict[float, float], new: dict[float, float]) -> list[Level]:
    changed = [(price, size) for price, size in new.items() if old.get(price) != size]
    return [(price, 0.0) for price in old if price not in new] + changed


def _remember(levels: dict[float, float], changed: list[Level]) -> None:
    for price, size in changed:
        if size:
            levels[price] = size
        else:
            levels.pop(price, None)
