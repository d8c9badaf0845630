"""OKX's codec: golden frames, the worked book sequence, contracts into base units, instruments, garbage."""

import json
import random
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from jackbot_tui.engine.market_data import RESUBSCRIBE_BURST, RESUBSCRIBE_EVERY_NS, MarketData
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    MarkPrice,
    SubscriptionAck,
    Trade,
    UnknownFrame,
    VenueNotice,
)
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SPOT_ROW = {
    "instId": "BTC-USDT", "instType": "SPOT", "state": "live", "baseCcy": "BTC", "quoteCcy": "USDT", "tickSz": "0.1",
    "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999", "maxMktSz": "1000000", "ctVal": "",
    "ctMult": "", "ctType": "", "settleCcy": "", "lever": "10", "instCategory": "1",
}  # fmt: skip
SWAP_ROW = {
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "state": "live", "baseCcy": "", "quoteCcy": "", "uly": "BTC-USDT",
    "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "maxLmtSz": "100000000", "maxMktSz": "30000", "ctVal": "0.01",
    "ctMult": "1", "ctType": "linear", "ctValCcy": "BTC", "settleCcy": "USDT", "lever": "100", "instCategory": "1",
}  # fmt: skip


def reply(*rows: object) -> str:
    return json.dumps({"code": "0", "msg": "", "data": rows})


def codec_with(kind: MarketKind) -> tuple[Codec, Instrument]:
    codec = load_venue("okx")
    (instrument,) = codec.decode_instruments(kind, reply(SPOT_ROW if kind is SPOT else SWAP_ROW))
    codec.register([instrument])
    return codec, instrument


def book(action: str, previous: int, seq: int, bids: list[Any], asks: list[Any], **more: object) -> str:
    """A frame of the books channel in the venue's order of fields."""
    row = {"asks": asks, "bids": bids, "ts": "1795000000000", "checksum": 0, "prevSeqId": previous, "seqId": seq}
    arg = {"channel": "books", "instId": "BTC-USDT-SWAP"}
    return json.dumps({"arg": arg, "action": action, "data": [row | more]})


SNAPSHOT = book(
    "snapshot", -1, 9100,
    [["64000.5", "12", "0", "3"], ["64000.1", "3.5", "0", "1"]],
    [["64000.6", "7", "0", "2"], ["64000.9", "0.2", "0", "1"]],
)  # fmt: skip


def test_a_swap_book_comes_in_base_units() -> None:
    codec, instrument = codec_with(LINEAR)
    (snapshot,) = codec.decode(LINEAR, SNAPSHOT, 5)
    assert snapshot == BookSnapshot(
        instrument.key, 1_795_000_000_000_000_000, 5, 9100,
        [(64000.5, 0.12), (64000.1, 0.035)], [(64000.6, 0.07), (64000.9, 0.002)], 1, -1,
    )  # fmt: skip
    update = book("update", 9100, 9107, [["64000.5", "11", "0", "3"]], [["64000.6", "0", "0", "0"]])
    (delta,) = codec.decode(LINEAR, update.encode(), 6)
    assert delta == BookDelta(
        instrument.key, 1_795_000_000_000_000_000, 6, -1, 9107, 9100, [(64000.5, 0.11)], [(64000.6, 0.0)]
    )


def test_a_spot_book_keeps_its_decimals_and_a_checksum_brings_the_texts() -> None:
    codec, _ = codec_with(SPOT)
    frame = json.loads(book("snapshot", -1, 1, [["64000.5", "0.10", "0", "1"]], [["64000.6", "0.20", "0", "1"]]))
    frame["arg"]["instId"] = "BTC-USDT"
    (snapshot,) = codec.decode(SPOT, json.dumps(frame), 0)
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.key, snapshot.price_decimals, snapshot.size_decimals) == ("okx:BTC/USDT", 1, 2)
    assert (snapshot.checksum, snapshot.texts) == (None, None), "0 is no checksum any more"
    frame["data"][0]["checksum"] = -997002951
    (snapshot,) = codec.decode(SPOT, json.dumps(frame), 0)
    assert isinstance(snapshot, BookSnapshot) and snapshot.checksum == -997002951
    assert snapshot.texts == ([("64000.5", "0.10")], [("64000.6", "0.20")])


@pytest.mark.parametrize("channel", ["books50-l2-tbt", "books-l2-tbt", "books-elp", "books5", "bbo-tbt"])
def test_another_book_channel_of_the_same_instrument_never_mixes_in(channel: str) -> None:
    """Their numbers count apart, and their levels are others."""
    codec, _ = codec_with(LINEAR)
    assert isinstance(codec.decode(LINEAR, SNAPSHOT, 0)[0], BookSnapshot)
    update = book("update", 9100, 9107, [["64000.5", "11", "0", "3"]], [])
    other = codec.decode(LINEAR, update.replace('"books"', f'"{channel}"'), 1)
    assert not [event for event in other if isinstance(event, BookSnapshot | BookDelta)]
    assert isinstance(codec.decode(LINEAR, update, 2)[0], BookDelta)


def test_a_book_crossed_in_a_call_auction_is_not_live_until_a_sound_snapshot() -> None:
    codec, instrument = codec_with(LINEAR)
    data = MarketData(codec)
    market = data.add(instrument)
    data.on_frame(LINEAR, SNAPSHOT, 0)
    data.on_frame(LINEAR, book("update", 9100, 9101, [["64000.7", "1", "0", "1"]], []), 1)
    assert (market.state, market.sequencer.stats.crossed) == (BookState.SYNCING, 1)
    crossed = book("snapshot", -1, 9102, [["101", "1", "0", "1"]], [["100", "1", "0", "1"]])
    data.on_frame(LINEAR, crossed, 2)
    assert market.state is BookState.SYNCING
    data.on_frame(LINEAR, SNAPSHOT, 3)
    assert market.live and market.sequencer.stats.gaps == 0


WORKED = [  # prevSeqId, seqId, state after, gaps so far, last id after: okx.md §4
    (-1, 10, BookState.LIVE, 0, 10),
    (10, 15, BookState.LIVE, 0, 15),
    (15, 15, BookState.LIVE, 0, 15),
    (15, 3, BookState.LIVE, 0, 3),
    (3, 5, BookState.LIVE, 0, 5),
    (7, 9, BookState.SYNCING, 1, 5),
    (9, 12, BookState.SYNCING, 1, 5),
    (-1, 21, BookState.LIVE, 1, 21),
]


def test_the_worked_sequence_with_keep_alive_numbering_reset_and_gap() -> None:
    codec, instrument = codec_with(LINEAR)
    data = MarketData(codec)
    market = data.add(instrument)
    for previous, seq, state, gaps, last_id in WORKED:
        if previous < 0:
            raw = book("snapshot", previous, seq, [["100", "1", "0", "1"]], [["101", "1", "0", "1"]])
        else:
            bids = [] if previous == seq else [["99", str(seq), "0", "1"]]
            raw = book("update", previous, seq, bids, [])
        data.on_frame(LINEAR, raw, seq)
        stats = market.sequencer.stats
        assert (market.state, stats.gaps, market.sequencer.last_id) == (state, gaps, last_id), (previous, seq)
        wanted = data.wanted_resubscriptions()
        assert wanted == ([instrument] if (previous, seq) == (7, 9) else [])
    assert (market.book.bids, market.sequencer.stats.resyncs) == ({100.0: 0.01}, 1)


def test_a_keep_alive_wakes_a_silent_book() -> None:
    codec, instrument = codec_with(LINEAR)
    data = MarketData(codec)
    market = data.add(instrument)
    data.on_frame(LINEAR, SNAPSHOT, NS_PER_S)
    data.check_silence(62 * NS_PER_S)
    assert market.state is BookState.STALE
    data.on_frame(LINEAR, book("update", 9100, 9100, [], []), 62 * NS_PER_S)
    assert market.live


def test_a_missing_snapshot_is_asked_for_again_but_not_without_end() -> None:
    codec, instrument = codec_with(LINEAR)
    data = MarketData(codec)
    data.add(instrument)
    (plan,) = codec.plan([instrument], [Channel.BOOK])
    data.on_connect(plan, 0)
    data.on_frame(LINEAR, book("update", 5, 6, [], []), 1)
    assert data.wanted_resubscriptions() == [], "the venue sends one of itself after the subscription"
    asked, second = [], 0
    while second < 70:
        second += 1
        data.check_silence(second * NS_PER_S)
        for wanted in data.wanted_resubscriptions():
            asked.append(second)
            data.on_resubscribed(wanted.key, second * NS_PER_S)
    assert asked == [11, 22, 33, 44, 55, 66], "one that brings nothing is missed after ten seconds"
    data.on_disconnect(plan, "lost", 80 * NS_PER_S)
    data.check_silence(200 * NS_PER_S)
    assert data.wanted_resubscriptions() == [], "the next connection brings a snapshot"


def test_a_book_that_breaks_over_and_over_is_resubscribed_at_once_a_few_times_and_then_at_a_pace() -> None:
    codec, instrument = codec_with(LINEAR)
    data = MarketData(codec)
    market = data.add(instrument)
    data.on_connect(codec.plan([instrument], [Channel.BOOK])[0], 0)
    asked: list[int] = []
    for tick in range(600):  # tenths of a second: a snapshot comes, the next update leaves a gap
        now = tick * NS_PER_S // 10
        data.on_frame(LINEAR, SNAPSHOT, now)
        data.on_frame(LINEAR, book("update", 9200, 9300, [], []), now)
        assert not market.live
        for wanted in data.wanted_resubscriptions():
            asked.append(now)
            data.on_resubscribed(wanted.key, now)
    burst, later = asked[:RESUBSCRIBE_BURST], asked[RESUBSCRIBE_BURST:]
    assert burst[-1] < NS_PER_S
    waits = [after - before for before, after in pairwise(later)]
    assert waits and set(waits) == {RESUBSCRIBE_EVERY_NS}


def test_levels_that_fall_out_of_the_venues_depth_are_dropped() -> None:
    codec, instrument = codec_with(LINEAR)
    data = MarketData(codec)
    market = data.add(instrument)
    bids = [[str(1000 - n), "1", "0", "1"] for n in range(400)]
    data.on_frame(LINEAR, book("snapshot", -1, 1, bids, [["1001.5", "1", "0", "1"]]), 0)
    data.on_frame(LINEAR, book("update", 1, 2, [["1001", "1", "0", "1"]], []), 0)
    assert len(market.book.bids) == 400 and min(market.book.bids) == 602.0 and market.book.bid_price == 1001.0


def test_trades_tell_the_takers_side_and_base_units() -> None:
    codec, instrument = codec_with(LINEAR)
    row = {
        "instId": "BTC-USDT-SWAP", "tradeId": "700123", "px": "64000.6", "sz": "2.5", "side": "buy",
        "ts": "1795000000050", "count": "3", "source": "0", "seqId": 9103,
    }  # fmt: skip
    raw = json.dumps({"arg": {"channel": "trades", "instId": "BTC-USDT-SWAP"}, "data": [row, row | {"side": "sell"}]})
    buy, sell = codec.decode(LINEAR, raw, 9)
    assert buy == Trade(
        instrument.key, 1_795_000_000_050_000_000, 9, "700123", Side.BUY, 64000.6, 0.025, "64000.6", "0.025"
    )
    assert isinstance(sell, Trade) and sell.side is Side.SELL


def test_mark_index_and_funding_are_merged() -> None:
    codec, instrument = codec_with(LINEAR)

    def push(channel: str, native: str, **row: object) -> list[object]:
        raw = {"arg": {"channel": channel, "instId": native}, "data": [{"instId": native, "instType": "SWAP", **row}]}
        return list(codec.decode(LINEAR, json.dumps(raw), 3))

    swap = "BTC-USDT-SWAP"
    assert push("funding-rate", swap, fundingRate="-0.00015", fundingTime="1795003200000") == [], "no mark yet"
    assert push("index-tickers", "BTC-USDT", idxPx="64001", ts="1795000000000") == []
    (mark,) = push("mark-price", swap, markPx="64000.7", ts="1795000000100")
    assert mark == MarkPrice(
        instrument.key, 1_795_000_000_100_000_000, 3, 64000.7, 64001.0, -0.00015, 1_795_003_200_000_000_000
    )
    (later,) = push("funding-rate", swap, fundingRate="0.0001", fundingTime="1795003200000")
    assert isinstance(later, MarkPrice) and (later.mark, later.funding_rate) == (64000.7, 0.0001)
    for bad in ("nan", "2", "1e-4", ""):
        (unknown,) = push("funding-rate", swap, fundingRate=bad, fundingTime="1")
        assert isinstance(unknown, UnknownFrame)


def test_a_ticker_with_an_empty_side_is_left_out() -> None:
    codec, instrument = codec_with(LINEAR)
    row = {"instId": "BTC-USDT-SWAP", "bidPx": "9.5", "bidSz": "300", "askPx": "9.6", "askSz": "1", "ts": "7"}
    frame = {"arg": {"channel": "tickers", "instId": "BTC-USDT-SWAP"}, "data": [row]}
    (ticker,) = codec.decode(LINEAR, json.dumps(frame), 0)
    assert ticker == BookTicker(instrument.key, 7_000_000, 0, -1, 9.5, 3.0, 9.6, 0.01)
    frame["data"] = [row | {"askPx": "", "askSz": ""}]
    assert codec.decode(LINEAR, json.dumps(frame), 0) == []


CONTROL = [
    ("pong", ()),
    (b"pong", ()),
    ('{"id":"7","event":"subscribe","arg":{"channel":"books","instId":"X"},"connId":"a4"}', (SubscriptionAck(7),)),
    ('{"event":"subscribe","arg":{"channel":"books","instId":"X"}}', ()),
    ('{"id":"8","event":"unsubscribe","arg":{"channel":"books","instId":"X"}}', ()),
    (
        '{"id":"9","event":"error","code":"60018","msg":"Wrong URL or channel","connId":"a4"}',
        (VenueNotice("error", "60018", "Wrong URL or channel", 9),),
    ),
    (
        '{"event":"notice","code":"64008","msg":"The connection will soon be closed","connId":"a4"}',
        (VenueNotice("shutdown", "64008", "The connection will soon be closed"),),
    ),
    ('{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a"}', ()),
    ('{"arg":{"channel":"books5","instId":"BTC-USDT-SWAP"},"data":[{"asks":[],"bids":[]}]}', ()),
]


@pytest.mark.parametrize(("raw", "events"), CONTROL)
def test_answers_notices_and_heartbeats(raw: str | bytes, events: tuple[object, ...]) -> None:
    codec, _ = codec_with(LINEAR)
    for _ in range(2):
        assert tuple(codec.decode(LINEAR, raw, 0)) == events


def test_subscribe_frames_batch_all_topics_of_a_connection() -> None:
    codec, instrument = codec_with(LINEAR)
    (plan,) = codec.plan([instrument], [Channel.BOOK, Channel.TRADES, Channel.MARK])
    assert (plan.conn, plan.url) == ("okx.linear.public", "wss://ws.okx.com/ws/v5/public")
    assert plan.book_keys == ("okx:BTC/USDT:USDT",)
    ((number, frame),) = codec.subscribe(plan, 4)
    said = json.loads(frame)
    assert (number, said["id"], said["op"]) == (4, "4", "subscribe")
    assert [f"{arg['channel']} {arg['instId']}" for arg in said["args"]] == [
        "books BTC-USDT-SWAP", "trades BTC-USDT-SWAP", "mark-price BTC-USDT-SWAP", "funding-rate BTC-USDT-SWAP",
        "index-tickers BTC-USDT",
    ]  # fmt: skip
    again = codec.resubscribe(instrument, 9)
    assert [(n, json.loads(text)["op"], json.loads(text)["args"]) for n, text in again] == [
        (9, "unsubscribe", [{"channel": "books", "instId": "BTC-USDT-SWAP"}]),
        (10, "subscribe", [{"channel": "books", "instId": "BTC-USDT-SWAP"}]),
    ]
    assert codec.heartbeat(SPOT) == "ping" and codec.snapshot_request(instrument) is None


def test_many_instruments_are_spread_over_connections() -> None:
    rows = [SWAP_ROW | {"instId": f"C{n}-USDT-SWAP", "ctValCcy": f"C{n}"} for n in range(60)]
    codec = load_venue("okx")
    plans = codec.plan(codec.decode_instruments(LINEAR, reply(*rows)), [Channel.BOOK, Channel.MARK])
    assert [len(plan.book_keys) for plan in plans] == [25, 25, 10]
    assert [plan.conn for plan in plans] == ["okx.linear.public", "okx.linear.public.2", "okx.linear.public.3"]
    assert all(len(plan.topics) <= codec.spec.markets[LINEAR].max_streams for plan in plans)


def test_instruments_count_base_units() -> None:
    _, swap = codec_with(LINEAR)
    assert (swap.symbol, swap.native, swap.key) == ("BTC/USDT:USDT", "BTC-USDT-SWAP", "okx:BTC/USDT:USDT")
    assert (swap.tick, swap.lot, swap.min_qty) == (Decimal("0.1"), Decimal("0.0001"), Decimal("0.0001"))
    assert (swap.contract_size, swap.max_leverage, swap.market_max_qty) == (Decimal("0.01"), 100, 300)
    assert (swap.funding_interval_h, swap.settle) == (8, "USDT")
    _, spot = codec_with(SPOT)
    assert (spot.symbol, spot.lot, spot.min_qty) == ("BTC/USDT", Decimal("0.00000001"), Decimal("0.00001"))
    assert (spot.contract_size, spot.market_max_qty, spot.max_leverage, spot.funding_interval_h) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    "odd",
    [
        {"state": "suspend"},
        {"state": "preopen"},
        {"state": "test"},
        {"state": "rebase"},
        {"state": "post_only"},
        {"ctType": "inverse", "settleCcy": "BTC", "instId": "BTC-USD-SWAP"},
        {"instId": "BTC-USD_UM-SWAP", "settleCcy": "USD_UM"},
        {"instCategory": "3"},
        {"tickSz": ""},
        {"ctVal": "0"},
        {"lotSz": "NaN"},
    ],
)
def test_what_cannot_be_traded_here_is_left_out(odd: dict[str, str]) -> None:
    codec = load_venue("okx")
    listed = codec.decode_instruments(
        LINEAR, reply(SWAP_ROW | odd, SWAP_ROW | {"instId": "ETH-USDT-SWAP", "ctValCcy": ""})
    )
    assert [instrument.symbol for instrument in listed] == ["ETH/USDT:USDT"]


@pytest.mark.parametrize("body", ["<html>", '{"code":"50011","msg":"Too Many Requests","data":[]}', reply({"a": 1})])
def test_a_reply_that_lists_nothing_readable_is_refused(body: str) -> None:
    with pytest.raises(WireError, match="okx linear instruments"):
        load_venue("okx").decode_instruments(LINEAR, body)


def test_requests_and_replies_are_recognised() -> None:
    codec = load_venue("okx", {"linear.rest": "http://127.0.0.1:9"})
    request = codec.instruments_request(LINEAR)
    assert request.url == "http://127.0.0.1:9/api/v5/public/instruments?instType=SWAP"
    for url, raw in ((request.url, ""), ("", reply(SWAP_ROW).replace('": "', '":"'))):
        found = codec.recognise_http(LINEAR, url, raw, ())
        assert found is not None and found.purpose == "instruments"
    assert codec.recognise_http(LINEAR, "", reply(SPOT_ROW), ()) is None
    assert isinstance(codec.decode_http(request, "{}", 0)[0], UnknownFrame)


def test_garbage_never_raises_and_never_becomes_a_level() -> None:
    rng = random.Random(5)
    codec, _ = codec_with(LINEAR)
    trade = '{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","tradeId":"1",'
    trade += '"px":"1","sz":"1","side":"buy","ts":"1"}]}'
    seeds = [SNAPSHOT, book("update", 1, 2, [["1", "2", "0", "1"]], []), trade, *(str(raw) for raw, _ in CONTROL)]
    for _ in range(6000):
        text = list(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randint(0, 3)] = rng.choice(['"', "-", "9", "", "null", "NaN", "1e999", "[", "}", "é"])
        raw = "".join(text)
        for event in codec.decode(rng.choice([SPOT, LINEAR]), raw if rng.random() < 0.5 else raw.encode(), 0):
            if isinstance(event, BookSnapshot | BookDelta):
                assert all(0 < p <= 1e15 and 0 <= s <= 1e18 for p, s in (*event.bids, *event.asks))
    for raw_bytes in (b"\xff\xfe", b"", b"null", b"[]", b'{"data":1}', b"[" * 3000):
        assert isinstance(codec.decode(LINEAR, raw_bytes, 0)[0], UnknownFrame)
