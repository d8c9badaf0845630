"""Silence against a book's own rhythm: quiet markets stay LIVE while proven, dead subscriptions end in bounded time."""

import pytest

from jackbot_tui.engine.market_data import AWAITED_NS, CONTRADICTED_NS, MarketData
from jackbot_tui.engine.silence import LINE_PROOF_NS, QUIET_CAP_S, TIMES_UNCHANGED
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookDelta, BookSnapshot, Trade
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, HttpRequest
from tests.binance_world import depth, depth_reply, frame

SPOT = MarketKind.SPOT
START = 1_000 * NS_PER_S
BIDS, ASKS = [(99.0, 1.0), (98.0, 2.0)], [(101.0, 1.0), (102.0, 2.0)]
FLOOR_S = 10.0
"""Binance spot's ``silence_s``."""


class Quiet:
    """One book of Binance spot over a line that is heard, beside the venue's own book.

    ``heard`` False: the line is half-open. ``subscribed`` False: the venue changes without telling us. ``proves``
    False: it does not answer for snapshots.
    """

    def __init__(self, symbol: str = "BTCUSDT") -> None:
        self.data = MarketData(load_venue("binance"))
        (inferred,) = self.data.codec.infer(SPOT, [depth(symbol, 1, 1, BIDS, ASKS)])
        self.instrument: Instrument = inferred.instrument
        self.market = self.data.add(self.instrument)
        (self.plan,) = self.data.codec.plan([self.instrument], [Channel.BOOK, Channel.TRADES])
        self.symbol = symbol
        self.now = START
        self.venue_id = 100
        self.heard = self.subscribed = self.proves = True
        self.asked: list[int] = []
        self.stale: list[int] = []
        self.data.on_connect(self.plan, self.now)
        self.update()
        self.answer()
        assert self.market.live
        self.asked.clear()

    def update(self) -> None:
        self.venue_id += 1
        if self.subscribed:
            raw = depth(self.symbol, self.venue_id, self.venue_id, [(98.5, float(self.venue_id))], [])
            self.data.on_frame(SPOT, raw, self.now)

    def trade(self) -> None:
        trade = {"e": "trade", "E": 3, "s": self.symbol, "t": 1, "p": "101.00", "q": "0.50", "T": 2, "m": False}
        self.data.on_frame(SPOT, frame(f"{self.symbol.lower()}@trade", **trade), self.now)

    def answer(self) -> None:
        for request in self.data.wanted_snapshots():
            self.asked.append(self.now)
            if self.proves:
                self.data.on_http(request, depth_reply(self.venue_id, BIDS, ASKS), self.now)

    def wait(self, seconds: float) -> None:
        """Let time go by, looked at four times a second."""
        for _ in range(int(seconds * 4)):
            self.now += NS_PER_S // 4
            if self.heard:
                self.data.on_heard(self.plan.conn, self.now)
            before = self.market.state
            self.data.check_silence(self.now)
            if self.market.state is BookState.STALE and before is BookState.LIVE:
                self.stale.append(self.now)
            self.answer()

    def silent_s(self) -> float:
        return (self.stale[0] - self.market.last_book_ns) / NS_PER_S


@pytest.mark.parametrize("pause_s", [15, 60, 200, 3000])
def test_a_market_that_is_just_quiet_never_turns_stale_and_is_asked_for_proof_ever_more_seldom(pause_s: int) -> None:
    quiet = Quiet()
    while quiet.now < START + 12_000 * NS_PER_S:
        quiet.wait(pause_s)
        quiet.update()
    assert quiet.stale == []
    assert len(quiet.asked) < 12_000 / (QUIET_CAP_S / 2) + 10


def test_without_proof_a_quiet_market_turns_stale_and_once_it_spoke_its_own_rhythm_is_known() -> None:
    quiet = Quiet()
    quiet.proves = False
    quiet.wait(25)
    assert quiet.silent_s() == pytest.approx(FLOOR_S, abs=0.5)
    quiet.update()
    quiet.stale.clear()
    for _ in range(20):
        quiet.wait(25)
        quiet.update()
    assert quiet.stale == []
    assert 75 <= quiet.data.silence.limit_s(quiet.market, quiet.now) <= 150


def test_bursts_between_long_pauses_do_not_make_it_forget_the_pauses() -> None:
    quiet = Quiet()
    quiet.proves = False
    for _ in range(10):
        quiet.wait(40)
        quiet.update()
        quiet.stale.clear() if quiet.now < START + 60 * NS_PER_S else None
        for _ in range(100):
            quiet.wait(0.25)
            quiet.update()
    assert quiet.stale == []


def test_the_memory_of_a_long_pause_fades_so_that_a_busy_book_is_watched_closely_again() -> None:
    quiet = Quiet()
    quiet.wait(60)
    quiet.update()
    assert quiet.data.silence.limit_s(quiet.market, quiet.now) > 100
    for _ in range(3600 * 2):
        quiet.wait(0.5)
        quiet.update()
    assert quiet.data.silence.limit_s(quiet.market, quiet.now) == FLOOR_S


def test_a_subscription_that_died_unnoticed_is_found_out_before_the_floor_and_has_its_line_replaced() -> None:
    quiet = Quiet()
    for _ in range(100):
        quiet.wait(0.25)
        quiet.update()
    quiet.subscribed = False
    for _ in range(60):
        quiet.wait(0.5)
        quiet.update()
        if quiet.stale:
            break
    assert quiet.silent_s() == pytest.approx(FLOOR_S / 2 + CONTRADICTED_NS / NS_PER_S, abs=1)
    assert quiet.market.sequencer.reason == "the venue's own book is ahead, and no update came"
    assert quiet.data.cut_off_connections() == [quiet.plan.conn]
    quiet.wait(60)
    assert quiet.data.cut_off_connections() == [], "once is enough for a while"
    quiet.wait(90)
    assert quiet.data.cut_off_connections() == [quiet.plan.conn], "but not for ever"


@pytest.mark.parametrize(
    ("proves", "found_s"), [(False, QUIET_CAP_S), (True, QUIET_CAP_S / 2 + CONTRADICTED_NS / NS_PER_S)]
)
def test_however_quiet_it_was_a_dead_subscription_ends_stale_within_the_cap(proves: bool, found_s: float) -> None:
    quiet = Quiet()
    for _ in range(6):
        quiet.wait(400)
        quiet.update()
    assert quiet.stale == []
    quiet.subscribed = False
    quiet.update()
    quiet.proves = proves
    quiet.wait(2 * QUIET_CAP_S)
    assert quiet.silent_s() == pytest.approx(found_s, abs=1)


def test_a_mute_line_leaves_only_the_floor_however_quiet_the_book_was() -> None:
    quiet = Quiet()
    for _ in range(4):
        quiet.wait(100)
        quiet.update()
    quiet.heard = quiet.proves = False
    quiet.wait(60)
    assert quiet.silent_s() == pytest.approx(LINE_PROOF_NS / NS_PER_S, abs=0.5)
    assert "nor anything else over its connection" in quiet.market.sequencer.reason


def test_trades_without_updates_leave_only_the_floor() -> None:
    quiet = Quiet()
    for _ in range(4):
        quiet.wait(100)
        quiet.update()
    quiet.proves = False
    quiet.wait(20)
    assert quiet.market.live
    quiet.trade()
    quiet.wait(0.5)
    assert quiet.market.state is BookState.STALE
    assert quiet.market.sequencer.reason.endswith("but trades came")


def test_a_proof_wakes_a_stale_book_and_an_older_or_newer_snapshot_does_not() -> None:
    quiet = Quiet()
    quiet.proves = False
    quiet.wait(11)
    assert quiet.market.state is BookState.STALE
    at = quiet.market.last_book_ns
    request = quiet.data.codec.snapshot_request(quiet.instrument)
    assert request is not None
    for last_id in (quiet.venue_id - 1, quiet.venue_id + 1):
        quiet.data.on_http(request, depth_reply(last_id, BIDS, ASKS), quiet.now)
        assert (quiet.market.state, quiet.market.last_book_ns) == (BookState.STALE, at)
    quiet.data.on_http(request, depth_reply(quiet.venue_id, BIDS, ASKS), quiet.now)
    assert quiet.market.live
    assert quiet.market.last_book_ns == quiet.now


def test_a_snapshot_ahead_of_a_stream_that_goes_on_proves_nothing_against_it() -> None:
    quiet = Quiet()
    request = quiet.data.codec.snapshot_request(quiet.instrument)
    assert request is not None
    for _ in range(40):
        quiet.data.on_http(request, depth_reply(quiet.venue_id + 1, BIDS, ASKS), quiet.now)
        quiet.wait(1)
        quiet.update()
    assert quiet.stale == []
    assert quiet.data.cut_off_connections() == []


def test_a_snapshot_that_proves_nothing_does_not_make_a_live_book_younger() -> None:
    quiet = Quiet()
    at = quiet.market.last_book_ns
    request = quiet.data.codec.snapshot_request(quiet.instrument)
    assert request is not None
    quiet.data.on_http(request, depth_reply(quiet.venue_id + 5, BIDS, ASKS), quiet.now + NS_PER_S)
    assert quiet.market.live
    assert quiet.market.last_book_ns == at


def test_a_new_connection_forgets_the_rhythm_of_the_old() -> None:
    quiet = Quiet()
    quiet.wait(100)
    quiet.update()
    assert quiet.data.silence.limit_s(quiet.market, quiet.now) > 100
    quiet.data.on_disconnect(quiet.plan, "lost", quiet.now)
    quiet.wait(30)
    quiet.data.on_connect(quiet.plan, quiet.now)
    quiet.update()
    quiet.answer()
    quiet.wait(1)
    assert quiet.market.live
    assert quiet.data.silence.limit_s(quiet.market, quiet.now) == FLOOR_S


# ---------------------------------------------------------------------- snapshots in the stream


class InStream:
    """A book whose snapshots come in the stream, fed with events as a codec would make them."""

    def __init__(self, venue: str) -> None:
        self.data = MarketData(load_venue(venue))
        self.spec = self.data.codec.spec.markets[SPOT]
        binance = load_venue("binance").infer(SPOT, [depth("BTCUSDT", 1, 1, BIDS, ASKS)])[0].instrument
        self.instrument = Instrument(
            venue, "BTC/USDT", "BTCUSDT", SPOT, "BTC", "USDT", "USDT", binance.tick, binance.lot
        )
        self.market = self.data.add(self.instrument)
        (self.plan,) = self.data.codec.plan([self.instrument], [Channel.BOOK])
        self.now = START
        self.data.on_connect(self.plan, self.now)
        self.events: list[object] = []
        self.data._decode = lambda kind, raw, ts: self.events  # type: ignore[assignment]  # no frames of five venues
        self.last = 0
        self.snapshot()

    def snapshot(self) -> None:
        self.last += 1
        self.feed(BookSnapshot(self.market.key, 0, self.now, self.last, BIDS, ASKS))

    def update(self) -> None:
        self.last += 1
        self.feed(BookDelta(self.market.key, 0, self.now, self.last, self.last, self.last - 1, BIDS[:1], []))

    def feed(self, event: BookSnapshot | BookDelta | Trade) -> None:
        self.events = [event]
        self.data.on_frame(SPOT, "", self.now)

    def wait(self, seconds: float, answers: bool) -> tuple[int, float]:
        """``(proofs asked, first silence in seconds that ended STALE, 0 = none)``."""
        asked, stale_s = 0, 0.0
        for _ in range(int(seconds * 10)):
            self.now += 100 * NS_PER_MS
            self.data.on_heard(self.plan.conn, self.now)
            self.data.check_silence(self.now)
            if self.market.state is BookState.STALE and not stale_s:
                stale_s = (self.now - self.market.last_book_ns) / NS_PER_S
            for _ in self.data.wanted_resubscriptions():
                asked += 1
                if answers:
                    self.snapshot()
        return asked, stale_s


@pytest.mark.parametrize("venue", ["bybit", "gateio", "bitget"])
def test_where_proofs_cost_subscriptions_a_quiet_book_stays_live_on_few_of_them(venue: str) -> None:
    book = InStream(venue)
    asked, stale_s = book.wait(3600, answers=True)
    assert stale_s == 0.0
    assert asked <= 3600 / (QUIET_CAP_S / 2) + 8


@pytest.mark.parametrize("venue", ["bybit", "gateio", "bitget"])
def test_a_book_that_no_longer_answers_turns_stale_within_the_cap_and_is_asked_for_on_and_on(venue: str) -> None:
    book = InStream(venue)
    book.wait(1800, answers=True)
    asked, stale_s = book.wait(900, answers=False)
    assert book.market.state is BookState.STALE
    assert 0 < stale_s <= QUIET_CAP_S + 0.2
    assert asked >= 2
    book.wait(AWAITED_NS / NS_PER_S * 4, answers=True)
    assert book.market.live


@pytest.mark.parametrize(("venue", "most_s"), [("okx", 150.0), ("cryptocom", 12.5), ("hyperliquid", 12.5)])
def test_where_unchanged_books_are_repeated_two_missing_repeats_are_the_longest_silence(
    venue: str, most_s: float
) -> None:
    book = InStream(venue)
    assert most_s == book.spec.unchanged_s * TIMES_UNCHANGED
    for _ in range(8):
        book.wait(book.spec.unchanged_s, answers=True)
        book.snapshot() if venue == "hyperliquid" else book.update()
    _, stale_s = book.wait(3 * most_s, answers=False)
    assert stale_s == pytest.approx(max(most_s, book.spec.silence_s), abs=0.2)


def test_requests_for_proof_are_those_of_snapshots() -> None:
    quiet = Quiet()
    quiet.proves = False
    seen: list[HttpRequest] = []
    for _ in range(24):
        quiet.now += NS_PER_S // 4
        quiet.data.on_heard(quiet.plan.conn, quiet.now)
        quiet.data.check_silence(quiet.now)
        seen += quiet.data.wanted_snapshots()
    assert [(request.purpose, request.key) for request in seen] == [("snapshot", quiet.market.key)]
