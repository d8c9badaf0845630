"""Bitget's frames and requests: the samples of the wire notes, its quirks, listings, and all that is no event."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import ConfigError, WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    FeedEvent,
    MarkPrice,
    SubscriptionAck,
    Trade,
    UnknownFrame,
    VenueNotice,
)
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
NOW = 1_795_000_000_500 * MS
KEY = "bitget:BTC/USDT:USDT"

SPOT_ROW = {
    "symbol": "BTCUSDT", "category": "SPOT", "baseCoin": "BTC", "quoteCoin": "USDT", "buyLimitPriceRatio": "0.05",
    "sellLimitPriceRatio": "0.05", "minOrderQty": "0.000001", "maxOrderQty": "", "pricePrecision": "2",
    "quantityPrecision": "6", "quotePrecision": "8", "minOrderAmount": "1", "status": "online",
}  # fmt: skip
LINEAR_ROW = {
    "symbol": "BTCUSDT", "category": "USDT-FUTURES", "baseCoin": "BTC", "quoteCoin": "USDT",
    "buyLimitPriceRatio": "0.05", "sellLimitPriceRatio": "0.9", "makerFeeRate": "0.0002", "takerFeeRate": "0.0006",
    "minOrderQty": "0.0001", "maxOrderQty": "1200", "maxMarketOrderQty": "220", "pricePrecision": "1",
    "quantityPrecision": "4", "priceMultiplier": "0.5", "quantityMultiplier": "0.0001", "type": "perpetual",
    "minOrderAmount": "5", "status": "online", "fundInterval": "4", "minLeverage": "1", "maxLeverage": "150",
}  # fmt: skip


def reply(*rows: object) -> str:
    return json.dumps({"code": "00000", "msg": "success", "requestTime": 1, "data": rows}, separators=(",", ":"))


LISTED_SPOT, LISTED_LINEAR = reply(SPOT_ROW), reply(LINEAR_ROW)

SNAPSHOT = (
    '{"action":"snapshot","arg":{"instType":"usdt-futures","topic":"books","symbol":"BTCUSDT"},"data":[{"a":[["64000.6",'
    '"0.0300"],["64001.0","2.0000"]],"b":[["64000.5","0.1200"],["64000.0","1.5000"]],"checksum":0,"pseq":0,'
    '"seq":1304314508780744705,"ts":"1795000000000"}],"ts":1795000000001}'
)
DELTA = (
    '{"action":"update","arg":{"instType":"usdt-futures","topic":"books","symbol":"BTCUSDT"},"data":[{"a":[["64000.6",'
    '"0"]],"b":[["64000.5","0.1100"]],"pseq":1304314508780744701,"seq":1304314508780744712,"ts":"1795000000150"}],'
    '"ts":1795000000151}'
)
TRADE = (
    '{"action":"update","arg":{"instType":"usdt-futures","topic":"publicTrade","symbol":"BTCUSDT"},"data":[{"p":'
    '"64000.6","v":"0.0013","S":"buy","T":"1795000000050","i":"1260903622036942849","L":"1260903622036942850"}],'
    '"ts":1795000000061}'
)
TICKER = (
    '{"action":"snapshot","arg":{"instType":"usdt-futures","topic":"ticker","symbol":"BTCUSDT"},"data":[{"lastPrice":'
    '"64000.6","bid1Price":"64000.5","bid1Size":"0.12","ask1Price":"64000.6","ask1Size":"0.03","markPrice":"64005.5",'
    '"indexPrice":"64001","fundingRate":"-0.0001","nextFundingTime":"1795017600000","openInterest":"9"}],'
    '"ts":1795000000060}'
)


def listed(codec: Codec, kind: MarketKind) -> Instrument:
    (instrument,) = codec.decode_instruments(kind, LISTED_SPOT if kind is SPOT else LISTED_LINEAR)
    return instrument


@pytest.fixture
def codec() -> Codec:
    made = load_venue("bitget")
    made.register([listed(made, SPOT), listed(made, LINEAR)])
    return made


def one(codec: Codec, kind: MarketKind, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(kind, raw, NOW)
    return event


def as_spot(raw: str) -> str:
    return raw.replace('"usdt-futures"', '"spot"')


# ---------------------------------------------------------------------- frames


def test_the_stream_brings_its_own_snapshot_and_updates_name_the_one_before(codec: Codec) -> None:
    event = one(codec, LINEAR, SNAPSHOT)
    assert isinstance(event, BookSnapshot)
    assert (event.key, event.ts_event, event.last_id) == (KEY, 1_795_000_000_000 * MS, 1304314508780744705)
    assert event.bids == [(64000.5, 0.12), (64000.0, 1.5)] and event.asks == [(64000.6, 0.03), (64001.0, 2.0)]
    assert (event.price_decimals, event.size_decimals, event.checksum) == (1, 4, None)
    first, last = 1304314508780744701, 1304314508780744712
    assert one(codec, LINEAR, DELTA.encode()) == BookDelta(
        KEY, 1_795_000_000_150 * MS, NOW, first, last, first, [(64000.5, 0.11)], [(64000.6, 0.0)]
    )


def test_sequence_numbers_may_be_text(codec: Codec) -> None:
    text = DELTA.replace("1304314508780744701", '"1304314508780744701"').replace(
        "1304314508780744712", '"1304314508780744712"'
    )
    assert one(codec, LINEAR, text) == one(codec, LINEAR, DELTA)


def test_spot_and_perpetual_share_a_name_but_not_a_key(codec: Codec) -> None:
    events = [one(codec, SPOT, as_spot(TRADE)), one(codec, LINEAR, TRADE)]
    assert [event.key for event in events if isinstance(event, Trade)] == ["bitget:BTC/USDT", KEY]
    assert isinstance(one(codec, SPOT, TRADE), UnknownFrame)


def test_trade_side_is_the_takers(codec: Codec) -> None:
    assert one(codec, LINEAR, TRADE) == Trade(
        KEY, 1_795_000_000_050 * MS, NOW, "1260903622036942849", Side.BUY, 64000.6, 0.0013, "64000.6", "0.0013"
    )
    sold = one(codec, LINEAR, TRADE.replace('"buy"', '"sell"'))
    assert isinstance(sold, Trade) and sold.side is Side.SELL


def trades(action: str, *numbers: int) -> str:
    rows = [{"p": "1", "v": "2", "S": "buy", "T": "5", "i": str(number)} for number in numbers]
    arg = {"instType": "usdt-futures", "topic": "publicTrade", "symbol": "BTCUSDT"}
    return json.dumps({"action": action, "arg": arg, "data": rows, "ts": 6})


def test_trades_come_newest_first_and_a_repeated_history_counts_once(codec: Codec) -> None:
    def ids(raw: str, when: int) -> list[str]:
        return [event.trade_id for event in codec.decode(LINEAR, raw, when) if isinstance(event, Trade)]

    assert ids(trades("snapshot", 7, 5), 1) == ids(trades("snapshot", 7, 5), 1) == ["5", "7"]
    assert ids(trades("update", 12, 9), 2) == ["9", "12"]
    assert ids(trades("snapshot", 20, 15, 12, 9), 3) == ids(trades("snapshot", 20, 15, 12, 9), 3) == ["15", "20"]
    codec.register([listed(codec, LINEAR)])
    assert ids(trades("snapshot", 20, 15), 4) == []


def test_one_odd_trade_takes_no_other_along(codec: Codec) -> None:
    raw = trades("update", 9, 8).replace('"buy"', '"left"', 1)
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [Trade, UnknownFrame]


def test_one_ticker_gives_mark_and_best_prices_and_spot_has_no_mark(codec: Codec) -> None:
    ts = 1_795_000_000_060 * MS
    mark, best = codec.decode(LINEAR, TICKER, NOW)
    assert mark == MarkPrice(KEY, ts, NOW, 64005.5, 64001.0, -0.0001, 1_795_017_600_000 * MS)
    assert best == BookTicker(KEY, ts, NOW, -1, 64000.5, 0.12, 64000.6, 0.03)
    assert one(codec, SPOT, as_spot(TICKER)) == msgspec.structs.replace(best, key="bitget:BTC/USDT")


@pytest.mark.parametrize("field", ["bid1Price", "bid1Size", "ask1Price", "ask1Size"])
def test_without_both_best_prices_and_sizes_a_ticker_gives_its_mark_only(codec: Codec, field: str) -> None:
    frame = json.loads(TICKER)
    frame["data"][0][field] = ""
    assert [type(event) for event in codec.decode(LINEAR, json.dumps(frame), NOW)] == [MarkPrice]


@pytest.mark.parametrize(
    "raw", ["pong", b"pong", SNAPSHOT.replace('"books"', '"books1"'), TICKER.replace("ticker", "kline")]
)
def test_heartbeats_and_topics_of_others_say_nothing(codec: Codec, raw: str | bytes) -> None:
    assert list(codec.decode(LINEAR, raw, NOW)) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe", "", "[]", "null", "{}", '{"op":"subscribe"}', '{"arg":7}', "[" * 5000,
        DELTA.replace("BTCUSDT", "NONEUSDT"), DELTA.replace('"seq":', '"seq":-'), DELTA.replace('"seq"', '"sq"'),
        DELTA.replace('"update"', '"other"'), DELTA.replace('"64000.6"', '"-1"'), DELTA.replace('"0.1100"', '"NaN"'),
        DELTA.replace('"64000.6"', '"0"'), DELTA.replace('"0.1100"', '"1e400"'), DELTA.replace('"books"', '"odd"'),
        TRADE.replace('"buy"', '"left"'), TRADE.replace('"0.0013"', '"-1"'), TRADE.replace('"64000.6"', '"1e999"'),
        TICKER.replace('"64005.5"', '"x"'), TICKER.replace('"-0.0001"', '"--1"'), TRADE.replace('"T":"17', '"T":"-17'),
        DELTA.replace("usdt-futures", "usdc-futures"), SNAPSHOT.replace('"data":[', '"data":[{},'),
        '{"event":"login","code":"0","msg":""}', '{"code":"00000","msg":"success","data":{}}',
    ],
    ids=lambda raw: str(raw)[:60],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    events = [event for event in codec.decode(LINEAR, raw, NOW) if not isinstance(event, BookTicker)]
    assert [type(event) for event in events] == [UnknownFrame]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from((SPOT, LINEAR)))
def test_garbage_never_raises(raw: str | bytes, kind: MarketKind) -> None:
    for event in load_venue("bitget").decode(kind, raw, NOW):
        assert isinstance(event, UnknownFrame)


@given(st.data())
def test_damaged_frames_never_raise(data: st.DataObject) -> None:
    made = load_venue("bitget")
    made.register([listed(made, LINEAR)])
    raw = data.draw(st.sampled_from((SNAPSHOT, DELTA, TRADE, TICKER)))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.text(max_size=3)) + raw[at + data.draw(st.integers(0, 6)) :]
    for event in made.decode(LINEAR, damaged, NOW):
        if isinstance(event, BookSnapshot | BookDelta):
            assert all(price > 0 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)


def test_unregistered_symbols_are_adopted_when_told_to() -> None:
    made = load_venue("bitget")
    made.adopt_unknown = True
    event = one(made, SPOT, as_spot(SNAPSHOT).replace("BTCUSDT", "ETHBTC"))
    assert isinstance(event, BookSnapshot) and event.key == "bitget:ETH/BTC"
    adopted = made.adopted(event.key)
    assert adopted is not None and (adopted.tick, adopted.lot) == (Decimal("0.1"), Decimal("0.0001"))
    assert isinstance(one(made, LINEAR, SNAPSHOT.replace("BTCUSDT", "BTCUSDZ24")), UnknownFrame)


# ---------------------------------------------------------------------- requests


def test_plan_is_one_socket_a_market_and_one_ticker_topic_for_mark_and_best_prices(codec: Codec) -> None:
    linear, spot = codec.plan([listed(codec, LINEAR), listed(codec, SPOT)], list(Channel))
    assert (linear.conn, linear.url) == ("bitget.linear.public", "wss://ws.bitget.com/v3/ws/public")
    assert linear.topics == tuple(f"usdt-futures:{topic}:BTCUSDT" for topic in ("books", "publicTrade", "ticker"))
    assert linear.book_keys == (KEY,)
    assert (spot.conn, spot.book_keys) == ("bitget.spot.public", ("bitget:BTC/USDT",))
    assert spot.topics == tuple(f"spot:{topic}:BTCUSDT" for topic in ("books", "publicTrade", "ticker"))
    assert codec.plan([listed(codec, SPOT)], [Channel.MARK]) == []


def many(codec: Codec, count: int) -> list[Instrument]:
    """With names as long as the venue's longest."""
    perpetual = listed(codec, LINEAR)
    names = [f"1000000BABYDOGE{number}" for number in range(count)]
    return [msgspec.structs.replace(perpetual, symbol=f"{name}/USDT:USDT", native=f"{name}USDT") for name in names]


def test_many_topics_are_spread_over_connections_with_one_frame_a_symbol(codec: Codec) -> None:
    plans = codec.plan(many(codec, 40), list(Channel))
    assert [plan.conn for plan in plans] == [f"bitget.linear.public{part}" for part in ("", ".2", ".3")]
    assert [len(plan.topics) for plan in plans] == [50, 50, 20]
    assert sum(len(plan.book_keys) for plan in plans) == 40
    frames = codec.subscribe(plans[0], 5)
    assert [number for number, _ in frames] == list(range(5, 22))
    assert all(len(frame) <= 4096 for _, frame in frames)
    decoded = [msgspec.json.decode(frame) for _, frame in frames]
    assert all(frame["op"] == "subscribe" and len({arg["symbol"] for arg in frame["args"]}) == 1 for frame in decoded)
    assert ":".join(decoded[0]["args"][1].values()) == plans[0].topics[1]


def test_a_book_is_resynchronised_by_leaving_and_joining_its_topic_alone(codec: Codec) -> None:
    arg = {"instType": "usdt-futures", "topic": "books", "symbol": "BTCUSDT"}
    frames = codec.resubscribe(listed(codec, LINEAR), 40)
    assert [(number, msgspec.json.decode(frame)) for number, frame in frames] == [
        (40, {"op": "unsubscribe", "args": [arg]}),
        (41, {"op": "subscribe", "args": [arg]}),
    ]
    assert codec.snapshot_request(listed(codec, LINEAR)) is None
    assert codec.heartbeat(SPOT) == "ping"


def answer(topic: str, event: str = "subscribe", symbol: str = "BTCUSDT") -> str:
    more: dict[str, object] = {"code": 30001, "msg": "doesn't exist", "op": "subscribe"} if event == "error" else {}
    arg = {"instType": "usdt-futures", "topic": topic, "symbol": symbol}
    return json.dumps({"event": event, "arg": arg} | more)


def test_a_frame_is_acknowledged_by_the_answer_to_its_last_argument(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, LINEAR), *many(codec, 1)], [Channel.BOOK, Channel.TRADES])
    codec.subscribe(plan, 7)
    assert list(codec.decode(LINEAR, answer("books"), NOW)) == []
    assert list(codec.decode(LINEAR, answer("books", symbol="1000000BABYDOGE0USDT"), NOW)) == []
    for _ in range(2):  # a session and the engine read the same frame
        assert list(codec.decode(LINEAR, answer("publicTrade"), NOW)) == [SubscriptionAck(7)]
    assert list(codec.decode(LINEAR, answer("books", "unsubscribe"), NOW)) == []


def test_an_error_refuses_the_request_of_its_argument_until_it_is_acknowledged(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, LINEAR)], [Channel.BOOK, Channel.TRADES])
    codec.subscribe(plan, 7)
    assert list(codec.decode(LINEAR, answer("publicTrade"), NOW)) == []
    refused = VenueNotice("error", "30001", "doesn't exist", 7)
    assert list(codec.decode(LINEAR, answer("books", "error"), NOW)) == [refused]
    assert list(codec.decode(LINEAR, answer("publicTrade"), NOW)) == []
    assert list(codec.decode(LINEAR, answer("books"), NOW)) == [SubscriptionAck(7)]


def test_an_error_about_the_connection_is_a_notice(codec: Codec) -> None:
    raw = '{"event":"error","code":"30006","msg":"request too many"}'
    assert list(codec.decode(LINEAR, raw, NOW)) == [VenueNotice("error", "30006", "request too many")]


def test_an_acknowledgement_of_nothing_that_was_asked_confirms_nothing(codec: Codec) -> None:
    assert list(codec.decode(LINEAR, answer("books"), NOW)) == []


def test_endpoints_can_be_overridden_and_a_wrong_name_is_told() -> None:
    made = load_venue("bitget", {"linear.rest": "http://127.0.0.1:9", "linear.public": "ws://127.0.0.1:9/l"})
    assert made.instruments_request(LINEAR).url == (
        "http://127.0.0.1:9/api/v3/market/instruments?category=USDT-FUTURES"
    )
    with pytest.raises(ConfigError, match=r"linear\.public"):
        load_venue("bitget", {"linear.pubic": "x"})


# ---------------------------------------------------------------------- listings


def test_a_perpetual(codec: Codec) -> None:
    """The tick is the multiplier, not what the decimals would allow."""
    assert listed(codec, LINEAR) == Instrument(
        venue="bitget", symbol="BTC/USDT:USDT", native="BTCUSDT", kind=LINEAR, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.5"), lot=Decimal("0.0001"), min_qty=Decimal("0.0001"), max_qty=Decimal("1200"),
        market_max_qty=Decimal("220"), min_notional=Decimal("5"), maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0006"), max_leverage=Decimal("150"),
        band=PriceBand("last", buy_up=Decimal("1.05"), sell_down=Decimal("0.1")), funding_interval_h=4,
    )  # fmt: skip


def test_a_spot_pair_without_multipliers_takes_its_decimals(codec: Codec) -> None:
    found = listed(codec, SPOT)
    assert (found.symbol, found.tick, found.lot) == ("BTC/USDT", Decimal("0.01"), Decimal("0.000001"))
    assert (found.min_notional, found.max_qty, found.max_leverage) == (Decimal(1), Decimal(0), Decimal(1))
    assert (found.maker_fee, found.funding_interval_h) == (Decimal("0.001"), 0)
    assert found.band == PriceBand("last", buy_up=Decimal("1.05"), sell_down=Decimal("0.95"))


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "limit_open"}, {"type": "delivery"}, {"category": "USDC-FUTURES"}, {"quoteCoin": "USD"},
        {"isRwa": "YES"}, {"isReality": True}, {"pricePrecision": "x", "priceMultiplier": ""}, {"minOrderQty": "-1"},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_traded_here_is_left_out(codec: Codec, odd: dict[str, Any]) -> None:
    body = reply(LINEAR_ROW | {"symbol": "ODDUSDT", "baseCoin": "ODD"} | odd, LINEAR_ROW)
    assert [each.native for each in codec.decode_instruments(LINEAR, body)] == ["BTCUSDT"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "check the REST URL"),
        (b'{"code":"429","msg":"Too Many Requests"}', "'429' 'Too Many Requests'"),
        (b'{"code":"00000","data":[]}', "holds no listing"),
        (b'{"code":"00000","data":[{"symbol":7}]}', "none can be read"),
    ],
)
def test_a_reply_that_is_no_listing_is_a_wire_error(codec: Codec, body: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        codec.decode_instruments(LINEAR, body)


def test_a_recorded_listing_is_recognised_with_and_without_its_address(codec: Codec) -> None:
    for url, raw in ((codec.instruments_request(LINEAR).url, "{}"), ("", LISTED_LINEAR)):
        request = codec.recognise_http(LINEAR, url, raw, ())
        assert request is not None and request.purpose == "instruments"
    assert codec.recognise_http(LINEAR, "https://api.bitget.com/api/v3/market/tickers", LISTED_LINEAR, ()) is None
    assert codec.recognise_http(SPOT, "", LISTED_LINEAR, ()) is None
    assert codec.recognise_http(SPOT, codec.instruments_request(LINEAR).url, "{}", ()) is None
    assert [type(e) for e in codec.decode_http(codec.instruments_request(SPOT), b"{}", NOW)] == [UnknownFrame]


# ---------------------------------------------------------------------- the book behind it


def book(action: str, pseq: int | None, seq: int, bids: str = "", asks: str = "", checksum: int | None = None) -> str:
    """Levels as ``price/size, price/size``."""
    sides = [[level.strip().split("/") for level in side.split(",") if level] for side in (bids, asks)]
    row: dict[str, object] = {"b": sides[0], "a": sides[1], "seq": seq, "ts": "1"}
    row |= ({} if pseq is None else {"pseq": pseq}) | ({} if checksum is None else {"checksum": checksum})
    arg = {"instType": "usdt-futures", "topic": "books", "symbol": "BTCUSDT"}
    return json.dumps({"action": action, "arg": arg, "data": [row], "ts": 2})


BIDS, ASKS = "64000.5/0.1200, 64000.0/1.5000", "64000.6/0.0300, 64001.0/2.0000, 64002.5/0.5000"
LIVE, SYNCING = BookState.LIVE, BookState.SYNCING


class Desk:
    """One followed perpetual, connected."""

    def __init__(self, codec: Codec) -> None:
        self.instrument = listed(codec, LINEAR)
        self.data = MarketData(codec)
        self.market = self.data.add(self.instrument)
        (plan,) = codec.plan([self.instrument], [Channel.BOOK])
        self.data.on_connect(plan, NOW)

    def play(self, raw: str) -> tuple[BookState, int]:
        self.data.on_frame(LINEAR, raw, NOW)
        return self.market.state, self.market.sequencer.last_id


def test_worked_sequence_of_the_wire_notes(codec: Codec) -> None:
    """bitget.md §4."""
    desk = Desk(codec)
    steps = [
        (book("update", 90, 97, "64000.5/9"), SYNCING, -1),
        (book("snapshot", 0, 100, BIDS, ASKS), LIVE, 100),
        (book("update", 97, 105, "64000.5/0"), LIVE, 105),
        (book("update", 105, 111, "64000.0/7"), LIVE, 111),
        (book("update", 113, 120, "64000.0/8"), SYNCING, 111),
        (book("snapshot", 0, 111, BIDS, ASKS), LIVE, 111),
        (book("update", 0, 4), SYNCING, 111),
        (book("snapshot", 0, 130, "63000/1", "63001/2"), LIVE, 130),
    ]
    for number, (raw, state, last_id) in enumerate(steps):
        assert desk.play(raw) == (state, last_id), raw
        if number == 3:
            assert desk.market.book.bids == {64000.0: 7.0}
        if number == 4:
            assert desk.data.wanted_resubscriptions() == [desk.instrument]
    assert (desk.market.book.bids, desk.market.book.asks) == ({63000.0: 1.0}, {63001.0: 2.0})
    assert desk.market.sequencer.stats.gaps == 2


def test_a_second_snapshot_replaces_the_book_and_is_never_merged(codec: Codec) -> None:
    desk = Desk(codec)
    desk.play(book("snapshot", 0, 100, BIDS, ASKS))
    assert desk.play(book("snapshot", 0, 90, "63000/1", "63001/2")) == (LIVE, 90)
    assert desk.market.book.bids == {63000.0: 1.0}
    assert desk.play(book("update", 90, 91, "62999/1")) == (LIVE, 91)


@pytest.mark.parametrize("pseq", [0, None])
def test_an_update_without_a_predecessor_starts_the_book_anew_even_right_after_a_snapshot(
    codec: Codec, pseq: int | None
) -> None:
    desk = Desk(codec)
    desk.play(book("snapshot", 0, 100, BIDS, ASKS))
    assert desk.play(book("update", pseq, 200, "64000.0/7")) == (SYNCING, 100)


@pytest.mark.parametrize(
    ("bids", "asks", "checksum"),
    [(BIDS, ASKS, 1284300595), ("64000.50/0.1200, 64000.00/1.5000", "64000.60/0.0300", -308886911)],
)
def test_checksum_vectors_of_the_wire_notes_prove_the_venues_own_texts(
    codec: Codec, bids: str, asks: str, checksum: int
) -> None:
    """The snapshot may carry 0, the update may not: it is verified after it was applied."""
    for told, state, counts in ((checksum, LIVE, (1, 0)), (checksum + 1, SYNCING, (0, 1))):
        desk = Desk(codec)
        last_bid = bids.rpartition(", ")[2]
        assert desk.play(book("snapshot", 0, 5, bids.partition(", ")[0], asks, checksum=0)) == (LIVE, 5)
        assert desk.play(book("update", 5, 6, last_bid, checksum=told)) == (state, 6)
        stats = desk.market.sequencer.stats
        assert (stats.checksums_ok, stats.checksums_bad) == counts


@pytest.mark.parametrize("checksum", [0, None])
def test_updates_without_a_checksum_or_with_0_are_taken_and_later_checksums_prove_nothing_until_a_snapshot(
    codec: Codec, checksum: int | None
) -> None:
    desk = Desk(codec)
    desk.play(book("snapshot", 0, 5, "64000.5/0.1200", ASKS))
    assert desk.play(book("update", 5, 6, "64000.0/1.50", checksum=checksum)) == (LIVE, 6)
    assert desk.play(book("update", 6, 7, "64000.0/1.5000", checksum=99)) == (LIVE, 7)
    stats = desk.market.sequencer.stats
    assert (stats.checksums_ok, stats.checksums_bad) == (0, 0)
    assert desk.play(book("snapshot", 0, 8, BIDS, ASKS)) == (LIVE, 8)
    assert desk.play(book("update", 8, 9, "64000.0/1.5000", checksum=99)) == (SYNCING, 9)
