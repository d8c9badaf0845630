"""The market data pipeline from frames to subscribers: becoming LIVE, breaking, snapshots, silence, connections."""

from decimal import Decimal

import pytest

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import (
    AWAITED_NS,
    LINE_BURST,
    MUTE_BOOK_NS,
    QUEUED_NS,
    SNAPSHOT_BURST,
    SNAPSHOT_WINDOW_NS,
    MarketData,
)
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, ConnectionPlan, HttpRequest
from tests.binance_world import depth, depth_reply, frame

SPOT = MarketKind.SPOT
KEY = "binance:BTC/USDT"
BIDS, ASKS = [(99.0, 1.0), (98.0, 2.0)], [(101.0, 1.0), (102.0, 2.0)]


class Ear:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        assert market.live, "only a LIVE book is published"
        self.heard.append(f"book {market.book.bid_price:g}/{market.book.ask_price:g}")

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        self.heard.append(f"trade {trade.size_text}@{trade.price_text}")

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None:
        self.heard.append(f"mark {mark.mark:g}")

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        self.heard.append(f"{old.value}->{new.value}")

    def on_notice(self, notice: VenueNotice, now: int) -> None:
        self.heard.append(f"{notice.kind} {notice.message}")

    def take(self) -> list[str]:
        heard, self.heard = self.heard, []
        return heard


class Bench:
    """One followed spot instrument and an ear."""

    def __init__(self) -> None:
        self.data = MarketData(load_venue("binance"))
        (inferred,) = self.data.codec.infer(SPOT, [depth("BTCUSDT", 1, 1, BIDS, ASKS)])
        self.market = self.data.add(inferred.instrument)
        (self.plan,) = self.data.codec.plan([inferred.instrument], [Channel.BOOK, Channel.TRADES])
        self.ear = Ear()
        self.data.subscribe(self.ear)
        self.now = 1_000_000_000

    def depth(self, first: int, last: int, bids: list[tuple[float, float]] | None = None) -> None:
        self.data.on_frame(SPOT, depth("BTCUSDT", first, last, bids or [(98.5, float(last))], []), self.now)

    def wanted(self) -> HttpRequest:
        (request,) = self.data.wanted_snapshots()
        return request

    def live(self) -> "Bench":
        self.depth(101, 101)
        self.data.on_http(self.wanted(), depth_reply(100, BIDS, ASKS), self.now)
        assert self.market.live
        self.ear.take()
        return self


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_from_the_first_frame_to_a_live_book(bench: Bench) -> None:
    bench.data.on_connect(bench.plan, bench.now)
    bench.depth(101, 101)
    request = bench.wanted()
    assert (request.key, request.purpose) == (KEY, "snapshot")
    bench.depth(102, 103)
    assert bench.data.wanted_snapshots() == [], "one is on its way"
    bench.data.on_http(request, depth_reply(100, BIDS, ASKS), bench.now)
    bench.depth(104, 104, [(99.5, 1.0)])
    assert bench.ear.take() == ["empty->syncing", "syncing->live", "book 99/101", "book 99.5/101"]
    assert bench.market.last_book_ns == bench.market.last_frame_ns == bench.now
    assert (bench.market.sequencer.last_id, bench.data.frames, bench.data.unknown_frames) == (104, 3, 0)


def test_trades_marks_tickers_and_notices_reach_their_places(bench: Bench) -> None:
    trade = {"e": "trade", "E": 3, "s": "BTCUSDT", "t": 1, "p": "101.00", "q": "0.50", "T": 2, "m": False}
    bench.data.on_frame(SPOT, frame("btcusdt@trade", **trade), 7)
    bench.data.on_frame(SPOT, frame("btcusdt@trade", **(trade | {"q": "0.25", "m": True})), 8)
    bench.data.on_frame(SPOT, frame("btcusdt@bookTicker", u=5, s="BTCUSDT", b="99", B="1", a="101", A="2"), 9)
    bench.data.on_frame(SPOT, '{"code":2,"msg":"no","id":3}', 10)
    bench.data.on_frame(SPOT, '{"result":null,"id":4}', 11)
    assert bench.ear.take() == ["trade 0.50@101.00", "trade 0.25@101.00", "error no"]
    tape = bench.market.trades
    assert [str(x) for x in (tape.volume, tape.buy_volume, tape.sell_volume)] == ["0.75", "0.50", "0.25"]
    assert (tape.cvd, tape.last_price, tape.first_price, tape.seq) == (0.25, 101.0, 101.0, 2)
    assert bench.market.ticker is not None and bench.market.ticker.update_id == 5
    assert bench.market.last_frame_ns == 9 and bench.market.last_book_ns == 0
    mark = frame("btcusdt@markPrice@1s", e="markPriceUpdate", E=1, s="BTCUSDT", p="100.5", i="100", r="0.0001", T=9)
    bench.data.on_frame(SPOT, mark, 12)
    assert bench.ear.take() == ["mark 100.5"] and bench.market.mark is not None


def test_a_gap_is_told_and_a_new_snapshot_is_wanted_and_heals(bench: Bench) -> None:
    bench.live()
    bench.depth(110, 111)
    bench.depth(112, 112)
    assert bench.ear.take() == ["live->syncing"]
    bench.data.on_http(bench.wanted(), depth_reply(111, BIDS, ASKS), bench.now)
    assert bench.ear.take() == ["syncing->live", "book 99/101"]
    assert (bench.market.sequencer.stats.gaps, bench.market.sequencer.stats.resyncs) == (1, 1)


def test_a_hole_while_a_snapshot_is_on_its_way_waits_for_that_one_first(bench: Bench) -> None:
    bench.depth(101, 101)
    request = bench.wanted()
    bench.depth(105, 105)
    assert bench.data.wanted_snapshots() == []
    bench.data.on_http(request, depth_reply(100, BIDS, ASKS), bench.now)
    assert not bench.market.live, "the reply is from before the hole"
    bench.data.on_http(bench.wanted(), depth_reply(104, BIDS, ASKS), bench.now)
    assert bench.market.live


def test_a_snapshot_older_than_the_stream_is_asked_for_again(bench: Bench) -> None:
    bench.depth(101, 101)
    bench.data.on_http(bench.wanted(), depth_reply(90, BIDS, ASKS), bench.now)
    assert not bench.market.live and "older" in bench.market.sequencer.reason
    bench.data.on_http(bench.wanted(), depth_reply(100, BIDS, ASKS), bench.now)
    assert bench.market.live


@pytest.mark.parametrize("body", ['{"code":-1003,"msg":"slow down"}', "<html>"])
def test_an_unreadable_reply_is_counted_and_asked_for_again(bench: Bench, body: str) -> None:
    bench.depth(101, 101)
    bench.data.on_http(bench.wanted(), body, bench.now)
    assert bench.data.unknown_frames == 1 and bench.data.recent_unknown[0].raw == body
    assert bench.wanted().key == KEY


def test_a_failed_request_is_wanted_again_and_says_why(bench: Bench) -> None:
    bench.depth(101, 101)
    bench.data.on_http_failed(bench.wanted(), "time-out after 10 s", bench.now)
    assert bench.market.sequencer.reason == "snapshot failed: time-out after 10 s"
    assert bench.wanted().key == KEY


def test_a_late_failure_does_not_disturb_a_live_book(bench: Bench) -> None:
    bench.depth(101, 101)
    request = bench.wanted()
    bench.data.on_http(request, depth_reply(100, BIDS, ASKS), bench.now)
    bench.data.on_http_failed(request, "too late", bench.now)
    assert bench.market.live and bench.data.wanted_snapshots() == []


def test_a_book_that_breaks_over_and_over_asks_for_few_snapshots(bench: Bench) -> None:
    bench.depth(101, 101)
    asked = 0
    for _ in range(50):
        for request in bench.data.wanted_snapshots():
            asked += 1
            bench.data.on_http(request, depth_reply(5, BIDS, ASKS), bench.now)
    assert asked == SNAPSHOT_BURST
    bench.data.check_silence(bench.now + SNAPSHOT_WINDOW_NS)
    assert len(bench.data.wanted_snapshots()) == 1


def test_a_silent_book_turns_stale_and_wakes_with_the_next_update(bench: Bench) -> None:
    bench.live()
    limit = int(bench.data.codec.spec.markets[SPOT].silence_s * NS_PER_S)
    bench.data.check_silence(bench.now + limit)
    assert bench.ear.take() == []
    bench.data.check_silence(bench.now + limit + NS_PER_S)
    assert bench.ear.take() == ["live->stale"] and "no update for 11.0 s" in bench.market.sequencer.reason
    bench.depth(102, 102)
    assert bench.ear.take() == ["stale->live", "book 99/101"]


def test_a_repeated_update_does_not_keep_a_silent_book_alive(bench: Bench) -> None:
    bench.live()
    begun = bench.now
    while bench.now < begun + 20 * NS_PER_S:
        bench.now += NS_PER_S
        bench.depth(101, 101)
    bench.data.check_silence(bench.now)
    assert bench.market.state is BookState.STALE


def test_trades_do_not_keep_a_silent_book_alive(bench: Bench) -> None:
    bench.live()
    later = bench.now + 20 * NS_PER_S
    trade = {"e": "trade", "E": 3, "s": "BTCUSDT", "t": 1, "p": "101.00", "q": "0.50", "T": 2, "m": False}
    bench.data.on_frame(SPOT, frame("btcusdt@trade", **trade), later)
    bench.data.check_silence(later)
    assert bench.market.state is BookState.STALE


def test_a_lost_connection_takes_its_books_down_until_they_are_synced_again(bench: Bench) -> None:
    bench.data.on_connect(bench.plan, bench.now)
    bench.live()
    bench.data.on_disconnect(bench.plan, "reset by peer", bench.now)
    assert bench.ear.take() == ["live->down"]
    assert bench.market.sequencer.reason == "connection lost: reset by peer"
    bench.data.on_connect(bench.plan, bench.now)
    bench.depth(201, 201)
    bench.data.on_http(bench.wanted(), depth_reply(200, BIDS, ASKS), bench.now)
    assert bench.ear.take() == ["down->syncing", "syncing->live", "book 99/101"]


def test_a_connection_without_books_takes_none_down(bench: Bench) -> None:
    bench.live()
    other = ConnectionPlan("binance.linear.market", MarketKind.LINEAR, "wss://x", ("btcusdt@aggTrade",))
    bench.data.on_connect(other, bench.now)
    bench.data.on_disconnect(other, "bye", bench.now)
    assert bench.market.live and bench.ear.take() == []


def test_a_socket_replaced_by_a_second_one_keeps_the_book_live(bench: Bench) -> None:
    bench.data.on_connect(bench.plan, bench.now)
    bench.live()
    bench.data.on_connect(bench.plan, bench.now)
    bench.depth(102, 102)
    bench.depth(102, 102)
    bench.data.on_disconnect(bench.plan, "rotation", bench.now)
    bench.depth(103, 103)
    assert bench.market.live and bench.market.sequencer.stats.gaps == 0
    bench.data.on_disconnect(bench.plan, "gone", bench.now)
    assert bench.market.state is BookState.DOWN


def test_a_reply_that_arrives_after_the_connection_was_lost_changes_nothing(bench: Bench) -> None:
    bench.data.on_connect(bench.plan, bench.now)
    bench.depth(101, 101)
    request = bench.wanted()
    bench.data.on_disconnect(bench.plan, "reset", bench.now)
    bench.data.on_http(request, depth_reply(100, BIDS, ASKS), bench.now)
    assert bench.market.state is BookState.DOWN and bench.data.wanted_snapshots() == []


def test_unknown_frames_are_counted_and_the_newest_kept(bench: Bench) -> None:
    for number in range(60):
        bench.data.on_frame(SPOT, f"garbage {number}", bench.now)
    assert (bench.data.frames, bench.data.unknown_frames, len(bench.data.recent_unknown)) == (60, 60, 50)
    assert bench.data.recent_unknown[-1].raw == "garbage 59"


def test_an_instrument_nobody_added_is_adopted_only_when_told_to(bench: Bench) -> None:
    bench.data.on_frame(SPOT, depth("ETHUSDT", 1, 2, BIDS, ASKS), bench.now)
    assert list(bench.data.markets) == [KEY] and bench.data.unknown_frames == 1
    open_minded = MarketData(load_venue("binance"), adopt_unknown=True)
    open_minded.on_frame(SPOT, depth("ETHUSDT", 1, 2, BIDS, ASKS), bench.now)
    assert list(open_minded.markets) == ["binance:ETH/USDT"] and open_minded.unknown_frames == 0


def test_adding_an_instrument_twice_keeps_its_market(bench: Bench) -> None:
    assert bench.data.add(bench.market.instrument) is bench.market


def test_a_confirmed_stream_that_stays_mute_while_the_venues_book_goes_on_has_its_line_replaced(bench: Bench) -> None:
    data = bench.data
    data.on_connect(bench.plan, bench.now)
    assert data.wanted_snapshots() == []
    for number in (100, 140):
        bench.now += MUTE_BOOK_NS + NS_PER_S
        data.check_silence(bench.now)
        assert data.cut_off_connections() == []
        data.on_http(bench.wanted(), depth_reply(number, BIDS, ASKS), bench.now)
    assert data.cut_off_connections() == [bench.plan.conn]
    assert not bench.market.live


def test_a_market_that_does_nothing_keeps_its_line_however_long(bench: Bench) -> None:
    data = bench.data
    data.on_connect(bench.plan, bench.now)
    for _ in range(4):
        bench.now += MUTE_BOOK_NS + NS_PER_S
        data.check_silence(bench.now)
        data.on_http(bench.wanted(), depth_reply(100, BIDS, ASKS), bench.now)
    assert data.cut_off_connections() == []
    bench.depth(101, 101)
    assert bench.market.live
    bench.now += MUTE_BOOK_NS + NS_PER_S
    data.check_silence(bench.now)
    assert data.cut_off_connections() == []


def test_a_resubscription_is_not_wanted_twice_while_its_request_waits_to_leave() -> None:
    data = MarketData(load_venue("okx"))
    instrument = Instrument(
        venue="okx", symbol="BTC/USDT", native="BTC-USDT", kind=SPOT, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.1"), lot=Decimal("0.01"),
    )  # fmt: skip
    data.add(instrument)
    (plan,) = data.codec.plan([instrument], [Channel.BOOK])
    key, now = instrument.key, NS_PER_S
    data.on_connect(plan, now)
    now += AWAITED_NS + 1
    data.check_silence(now)
    assert data.wanted_resubscriptions() == [instrument] and data.awaits(key)
    data.check_silence(now + AWAITED_NS + 1)
    assert data.wanted_resubscriptions() == []  # it has not even left
    data.on_resubscribed(key, now := now + AWAITED_NS + 2)
    data.check_silence(now + AWAITED_NS + 1)
    assert data.wanted_resubscriptions() == [instrument]
    data.check_silence(now := now + AWAITED_NS + QUEUED_NS + 2)
    assert data.wanted_resubscriptions() == [instrument]  # it was lost with its connection
    text = (
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["101","1","0","1"]],'
        '"bids":[["100","1","0","1"]],"ts":"1","checksum":0,"prevSeqId":-1,"seqId":5}]}'
    )
    data.on_frame(SPOT, text, now)
    assert data.markets[key].live and not data.awaits(key)


def test_a_connection_whose_books_break_too_often_for_the_venues_count_is_replaced() -> None:
    data = MarketData(load_venue("okx"))
    instrument = Instrument(
        venue="okx", symbol="BTC/USDT", native="BTC-USDT", kind=SPOT, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.1"), lot=Decimal("0.01"),
    )  # fmt: skip
    data.add(instrument)
    (plan,) = data.codec.plan([instrument], [Channel.BOOK])
    now = NS_PER_S
    data.on_connect(plan, now)
    asked = 0
    for _ in range(4 * LINE_BURST):
        now += AWAITED_NS + NS_PER_S
        data.check_silence(now)
        for each in data.wanted_resubscriptions():
            asked += 1
            data.on_resubscribed(each.key, now)
        if data.cut_off_connections():
            break
    assert asked == LINE_BURST
    now += AWAITED_NS + NS_PER_S
    data.check_silence(now)
    assert data.wanted_resubscriptions() == [instrument], "the new connection has a count of its own"
