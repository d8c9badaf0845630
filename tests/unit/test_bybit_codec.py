"""Bybit's frames and requests: the samples of the wire notes, its quirks, listings, and everything that is no event."""

from decimal import Decimal

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
KEY = "bybit:BTC/USDT:USDT"

LISTED_SPOT = r"""{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"BTCUSDT","baseCoin":"BTC",
"quoteCoin":"USDT","innovation":"0","status":"Trading","marginTrading":"both","stTag":"0","lotSizeFilter":{
"basePrecision":"0.000001","quotePrecision":"0.0000001","minOrderQty":"0.000001","maxOrderQty":"17000",
"minOrderAmt":"5","maxOrderAmt":"7000000","maxLimitOrderQty":"83","maxMarketOrderQty":"41.5",
"postOnlyMaxLimitOrderSize":"60000"},"priceFilter":{"tickSize":"0.1"},"riskParameters":{"priceLimitRatioX":"0.005",
"priceLimitRatioY":"0.01"}},
{"symbol":"ODDUSDT","baseCoin":"ODD","quoteCoin":"USDT","status":"Trading","lotSizeFilter":{"basePrecision":"x"},
"priceFilter":{"tickSize":"0.1"}}]}}"""

LISTED_LINEAR = r"""{"retCode":0,"retMsg":"OK","result":{"category":"linear","nextPageCursor":"","list":[
{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT",
"launchTime":"1585526400000","leverageFilter":{"minLeverage":"1","maxLeverage":"100.00","leverageStep":"0.01"},
"priceFilter":{"minPrice":"0.10","maxPrice":"1999999.80","tickSize":"0.10"},"lotSizeFilter":{"maxOrderQty":"1190.000",
"minOrderQty":"0.001","qtyStep":"0.001","maxMktOrderQty":"119.000","minNotionalValue":"5"},"fundingInterval":240,
"settleCoin":"USDT","riskParameters":{"priceLimitRatioX":"0.01","priceLimitRatioY":"0.02"}},
{"symbol":"BTCPERP","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":"USDC",
"settleCoin":"USDC","priceFilter":{"tickSize":"0.10"},"lotSizeFilter":{"qtyStep":"0.001"},"fundingInterval":480},
{"symbol":"BTCUSDT-25DEC26","contractType":"LinearFutures","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT",
"settleCoin":"USDT","priceFilter":{"tickSize":"0.10"},"lotSizeFilter":{"qtyStep":"0.001"}},
{"symbol":"NEWUSDT","contractType":"LinearPerpetual","status":"PreLaunch","baseCoin":"NEW","quoteCoin":"USDT",
"settleCoin":"USDT","priceFilter":{"tickSize":"0.10"},"lotSizeFilter":{"qtyStep":"0.001"}},
{"symbol":"SHIB1000USDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"SHIB1000","quoteCoin":"USDT",
"settleCoin":"USDT","priceFilter":{"tickSize":"0.000001"},"lotSizeFilter":{"qtyStep":"10"},"fundingInterval":0}]}}"""

SNAPSHOT = (
    '{"topic":"orderbook.200.BTCUSDT","type":"snapshot","ts":1795000000000,"data":{"s":"BTCUSDT","b":[["64000.50",'
    '"0.120"],["64000.10","3.500"]],"a":[["64000.60","0.030"]],"u":8801,"seq":70011},"cts":1794999999998}'
)
DELTA = (
    '{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1795000000100,"data":{"s":"BTCUSDT","b":[["64000.50","0"]],'
    '"a":[["64000.60","0.045"]],"u":8802,"seq":70019},"cts":1795000000098}'
)
TRADE = (
    '{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1795000000052,"data":[{"T":1795000000050,"s":"BTCUSDT",'
    '"S":"Buy","v":"0.025","p":"64000.60","L":"PlusTick","i":"5f0e0001-aaaa-5bbb-8ccc-000000000001","BT":false,'
    '"RPI":false,"seq":70015}]}'
)
TICKER = (
    '{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","lastPrice":"64000.6","markPrice":'
    '"64005.50","indexPrice":"64001.00","fundingRate":"-0.0001","nextFundingTime":"1795017600000","bid1Price":'
    '"64000.50","bid1Size":"0.12","ask1Price":"64000.60","ask1Size":"0.03","preQty":""},"cs":7,"ts":1795000000060}'
)


def listed(codec: Codec, kind: MarketKind) -> dict[str, Instrument]:
    body = LISTED_SPOT if kind is SPOT else LISTED_LINEAR
    return {instrument.symbol: instrument for instrument in codec.decode_instruments(kind, body.encode())}


@pytest.fixture
def codec() -> Codec:
    made = load_venue("bybit")
    for kind in (SPOT, LINEAR):
        made.register(list(listed(made, kind).values()))
    return made


def one(codec: Codec, kind: MarketKind, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(kind, raw, NOW)
    return event


# ---------------------------------------------------------------------- frames


def test_the_stream_brings_its_own_snapshot_and_then_updates_that_count_by_one(codec: Codec) -> None:
    assert one(codec, LINEAR, SNAPSHOT) == BookSnapshot(
        KEY, 1_794_999_999_998 * MS, NOW, 8801, [(64000.5, 0.12), (64000.1, 3.5)], [(64000.6, 0.03)], 2, 3
    )
    assert one(codec, LINEAR, DELTA.encode()) == BookDelta(
        KEY, 1_795_000_000_098 * MS, NOW, 8802, 8802, 8801, [(64000.5, 0.0)], [(64000.6, 0.045)]
    )


def test_spot_and_perpetual_share_a_name_but_not_a_key(codec: Codec) -> None:
    events = [one(codec, kind, TRADE) for kind in (SPOT, LINEAR)]
    assert [event.key for event in events if isinstance(event, Trade)] == ["bybit:BTC/USDT", KEY]


@pytest.mark.parametrize("kind", ["delta", "snapshot"])
def test_update_id_1_is_a_whole_book_whatever_its_type_says(codec: Codec, kind: str) -> None:
    """The venue restarted its book service."""
    assert isinstance(one(codec, LINEAR, SNAPSHOT), BookSnapshot)
    raw = DELTA.replace('"u":8802', '"u":1').replace('"type":"delta"', f'"type":"{kind}"')
    event = one(codec, LINEAR, raw)
    assert isinstance(event, BookSnapshot) and event.last_id == 1


def test_time_may_stand_before_the_type(codec: Codec) -> None:
    raw = '{"topic":"orderbook.200.BTCUSDT","ts":5,"type":"delta","data":{"u":9,"a":[],"b":[["1","2"]],"s":"BTCUSDT"}}'
    assert one(codec, SPOT, raw) == BookDelta("bybit:BTC/USDT", 5 * MS, NOW, 9, 9, 8, [(1.0, 2.0)], [])


def test_texts_of_unequal_length_have_no_fixed_decimals(codec: Codec) -> None:
    event = one(codec, SPOT, SNAPSHOT.replace('"3.500"', '"3.5"'))
    assert isinstance(event, BookSnapshot) and (event.price_decimals, event.size_decimals) == (2, -1)


def test_a_second_depth_of_the_same_symbol_never_mixes_into_its_book(codec: Codec) -> None:
    assert isinstance(one(codec, LINEAR, SNAPSHOT), BookSnapshot)
    assert isinstance(one(codec, LINEAR, DELTA.replace("orderbook.200", "orderbook.50")), UnknownFrame)
    assert isinstance(one(codec, LINEAR, DELTA), BookDelta)


@pytest.mark.parametrize("topic", ["orderbook.rpi.BTCUSDT", "orderbook.full.BTCUSDT"])
def test_the_book_with_retail_orders_and_the_full_one_never_mix_in(codec: Codec, topic: str) -> None:
    assert isinstance(one(codec, LINEAR, SNAPSHOT), BookSnapshot)
    assert isinstance(one(codec, LINEAR, DELTA.replace("orderbook.200.BTCUSDT", topic)), UnknownFrame)


def test_a_retail_trade_inside_the_spread_is_a_trade(codec: Codec) -> None:
    """Its order was in no book that we see, but it was a trade of the market all the same."""
    assert one(codec, LINEAR, TRADE.replace('"RPI":false', '"RPI":true')) == one(codec, LINEAR, TRADE)


def test_level_1_is_a_ticker(codec: Codec) -> None:
    raw = SNAPSHOT.replace("orderbook.200", "orderbook.1").replace(',["64000.10","3.500"]', "")
    assert one(codec, SPOT, raw) == BookTicker(
        "bybit:BTC/USDT", 1_795_000_000_000 * MS, NOW, 8801, 64000.5, 0.12, 64000.6, 0.03
    )
    assert codec.decode(SPOT, raw.replace('["64000.60","0.030"]', ""), NOW) == ()


def test_trade_side_is_the_takers(codec: Codec) -> None:
    number = "5f0e0001-aaaa-5bbb-8ccc-000000000001"
    trade = Trade(KEY, 1_795_000_000_050 * MS, NOW, number, Side.BUY, 64000.6, 0.025, "64000.60", "0.025")
    assert one(codec, LINEAR, TRADE) == trade
    sold = one(codec, LINEAR, TRADE.replace('"Buy"', '"Sell"'))
    assert isinstance(sold, Trade) and sold.side is Side.SELL


def test_a_block_trade_did_not_go_through_the_book(codec: Codec) -> None:
    assert list(codec.decode(LINEAR, TRADE.replace('"BT":false', '"BT":true'), NOW)) == []


def test_one_odd_trade_takes_no_other_along(codec: Codec) -> None:
    row = TRADE[TRADE.index("[") + 1 : -2]
    raw = TRADE.replace(row, row.replace('"64000.60"', '"0"') + "," + row)
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [UnknownFrame, Trade]


def test_a_field_that_a_tickers_delta_leaves_out_is_unchanged_not_zero(codec: Codec) -> None:
    mark, best = codec.decode(LINEAR, TICKER, NOW)
    ts = 1_795_000_000_060 * MS
    assert mark == MarkPrice(KEY, ts, NOW, 64005.5, 64001.0, -0.0001, 1_795_017_600_000 * MS)
    assert best == BookTicker(KEY, ts, NOW, -1, 64000.5, 0.12, 64000.6, 0.03)
    delta = '{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","markPrice":"64006.00"},"ts":9}'
    assert one(codec, LINEAR, delta) == MarkPrice(KEY, 9 * MS, NOW, 64006, 64001, -0.0001, 1_795_017_600_000 * MS)
    delta = '{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","ask1Size":"7"},"ts":10}'
    assert one(codec, LINEAR, delta) == BookTicker(KEY, 10 * MS, NOW, -1, 64000.5, 0.12, 64000.6, 7.0)


def test_a_tickers_delta_before_its_snapshot_says_nothing_yet(codec: Codec) -> None:
    delta = '{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","markPrice":"64006.00"},"ts":9}'
    assert list(codec.decode(LINEAR, delta, NOW)) == []


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        ('{"success":true,"ret_msg":"","conn_id":"c1","req_id":"7","op":"subscribe"}', [SubscriptionAck(7)]),
        ('{"success":true,"ret_msg":"subscribe","conn_id":"c1","req_id":7,"op":"subscribe"}', [SubscriptionAck(7)]),
        ('{"success":true,"ret_msg":"subscribe","conn_id":"c1","op":"subscribe"}', []),
        (
            '{"success":false,"ret_msg":"error:handler not found","conn_id":"c1","req_id":"8","op":"subscribe"}',
            [VenueNotice("error", "subscribe", "error:handler not found", 8)],
        ),
        ('{"success":true,"ret_msg":"pong","conn_id":"c1","req_id":"1","op":"ping"}', []),
        ('{"req_id":"1","op":"pong","args":["1795000000000"],"conn_id":"c1"}', []),
        ('{"topic":"kline.1.BTCUSDT","data":[{"start":1,"open":"1"}],"ts":1,"type":"snapshot"}', []),
    ],
)
def test_answers_heartbeats_and_topics_of_others(codec: Codec, raw: str, events: list[FeedEvent]) -> None:
    assert list(codec.decode(LINEAR, raw, NOW)) == events


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe", "", "[]", "null", "{}", '{"op":"subscribe"}', '{"topic":7}', "[" * 5000,
        DELTA.replace("BTCUSDT", "NONEUSDT"), DELTA.replace('"u":8802', '"u":-5'), DELTA.replace('"u":8802,', ""),
        DELTA.replace('"delta"', '"other"'), DELTA.replace('"64000.60"', '"-1"'), DELTA.replace('"0.045"', '"NaN"'),
        DELTA.replace('"64000.60"', '"0"'), DELTA.replace('"0.045"', '"1e400"'), DELTA.replace("orderbook.200", "odd"),
        TRADE.replace('"Buy"', '"Left"'), TRADE.replace('"0.025"', '"-1"'), TRADE.replace('"64000.60"', '"1e999"'),
        TICKER.replace('"64005.50"', '"x"'), TICKER.replace('"-0.0001"', '"--1"'), TRADE.replace("publicTrade", "odd"),
    ],
    ids=lambda raw: str(raw)[:60],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    events = [event for event in codec.decode(LINEAR, raw, NOW) if not isinstance(event, BookTicker)]
    assert [type(event) for event in events] == [UnknownFrame]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from((SPOT, LINEAR)))
def test_garbage_never_raises(raw: str | bytes, kind: MarketKind) -> None:
    for event in load_venue("bybit").decode(kind, raw, NOW):
        assert isinstance(event, UnknownFrame)


@given(st.data())
def test_damaged_frames_never_raise(data: st.DataObject) -> None:
    made = load_venue("bybit")
    made.register(list(listed(made, LINEAR).values()))
    raw = data.draw(st.sampled_from((SNAPSHOT, DELTA, TRADE, TICKER)))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.text(max_size=3)) + raw[at + data.draw(st.integers(0, 6)) :]
    for event in made.decode(LINEAR, damaged, NOW):
        if isinstance(event, BookSnapshot | BookDelta):
            assert all(price > 0 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)


def test_unregistered_symbols_are_adopted_when_told_to() -> None:
    made = load_venue("bybit")
    made.adopt_unknown = True
    event = one(made, LINEAR, SNAPSHOT.replace("BTCUSDT", "BTCPERP"))
    assert isinstance(event, BookSnapshot) and event.key == "bybit:BTC/USDC:USDC"
    adopted = made.adopted(event.key)
    assert adopted is not None and (adopted.tick, adopted.lot) == (Decimal("0.01"), Decimal("0.001"))
    assert isinstance(one(made, LINEAR, SNAPSHOT.replace("BTCUSDT", "BTCUSDT-25DEC26")), UnknownFrame)


# ---------------------------------------------------------------------- requests


def test_plan_is_one_socket_a_market_and_one_ticker_topic_for_mark_and_best_prices(codec: Codec) -> None:
    perpetual, pair = listed(codec, LINEAR)["BTC/USDT:USDT"], listed(codec, SPOT)["BTC/USDT"]
    linear, spot = codec.plan([perpetual, pair], list(Channel))
    assert (linear.conn, linear.url) == ("bybit.linear.public", "wss://stream.bybit.com/v5/public/linear")
    assert linear.topics == ("orderbook.200.BTCUSDT", "publicTrade.BTCUSDT", "tickers.BTCUSDT")
    assert linear.book_keys == (KEY,)
    assert (spot.conn, spot.url) == ("bybit.spot.public", "wss://stream.bybit.com/v5/public/spot")
    assert spot.topics == ("orderbook.200.BTCUSDT", "publicTrade.BTCUSDT", "orderbook.1.BTCUSDT")


LINEAR_TOPICS = ("orderbook.200.", "publicTrade.", "tickers.")


def test_a_subscribe_frame_is_of_one_symbol_because_it_is_refused_as_a_whole(codec: Codec) -> None:
    first = listed(codec, LINEAR)["BTC/USDT:USDT"]
    second = msgspec.structs.replace(first, symbol="ETH/USDT:USDT", native="ETHUSDT")
    (plan,) = codec.plan([first, second], list(Channel))
    frames = codec.subscribe(plan, 5)
    assert [(number, msgspec.json.decode(frame)) for number, frame in frames] == [
        (5, {"req_id": "5", "op": "subscribe", "args": [f"{name}BTCUSDT" for name in LINEAR_TOPICS]}),
        (6, {"req_id": "6", "op": "subscribe", "args": [f"{name}ETHUSDT" for name in LINEAR_TOPICS]}),
    ]


def test_subscribe_frames_have_at_most_ten_topics(codec: Codec) -> None:
    (plan,) = codec.plan(list(listed(codec, LINEAR).values()), list(Channel))
    wide = msgspec.structs.replace(plan, topics=tuple(f"kline.{minutes}.BTCUSDT" for minutes in range(23)))
    frames = codec.subscribe(wide, 5)
    assert [number for number, _ in frames] == [5, 6, 7]
    assert [len(msgspec.json.decode(frame)["args"]) for _, frame in frames] == [10, 10, 3]


def test_a_book_is_resynchronised_by_leaving_and_joining_its_topic_alone(codec: Codec) -> None:
    frames = codec.resubscribe(listed(codec, LINEAR)["BTC/USDT:USDT"], 40)
    assert [(number, msgspec.json.decode(frame)) for number, frame in frames] == [
        (40, {"req_id": "40", "op": "unsubscribe", "args": ["orderbook.200.BTCUSDT"]}),
        (41, {"req_id": "41", "op": "subscribe", "args": ["orderbook.200.BTCUSDT"]}),
    ]
    assert codec.snapshot_request(listed(codec, LINEAR)["BTC/USDT:USDT"]) is None
    assert codec.heartbeat(SPOT) == '{"op":"ping"}'


def test_topics_beyond_a_connections_text_limit_are_split(codec: Codec) -> None:
    many = [
        msgspec.structs.replace(listed(codec, LINEAR)["BTC/USDT:USDT"], symbol=f"X{n}/USDT:USDT", native=f"X{n}USDT")
        for n in range(400)
    ]
    plans = codec.plan(many, list(Channel))
    assert [plan.conn for plan in plans] == [f"bybit.linear.public{part}" for part in ("", ".2", ".3")]
    assert all(sum(len(topic) + 3 for topic in plan.topics) <= 21_000 for plan in plans)


def test_endpoints_can_be_overridden_and_a_wrong_name_is_told() -> None:
    made = load_venue("bybit", {"linear.rest": "http://127.0.0.1:9", "linear.public": "ws://127.0.0.1:9/l"})
    assert made.instruments_request(LINEAR).url.startswith("http://127.0.0.1:9/v5/market/instruments-info?")
    with pytest.raises(ConfigError, match=r"linear\.public"):
        load_venue("bybit", {"linear.pubic": "x"})


# ---------------------------------------------------------------------- listings


def test_linear_instruments(codec: Codec) -> None:
    found = listed(codec, LINEAR)
    assert list(found) == ["BTC/USDT:USDT", "BTC/USDC:USDC", "SHIB1000/USDT:USDT"]
    assert found["BTC/USDT:USDT"] == Instrument(
        venue="bybit", symbol="BTC/USDT:USDT", native="BTCUSDT", kind=LINEAR, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.1"), lot=Decimal("0.001"), min_qty=Decimal("0.001"), max_qty=Decimal("1190"),
        market_max_qty=Decimal("119"), min_notional=Decimal("5"), min_price=Decimal("0.1"),
        max_price=Decimal("1999999.8"), maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.00055"),
        max_leverage=Decimal("100"), band=PriceBand("mark", buy_up=Decimal("1.01"), sell_down=Decimal("0.99")),
        funding_interval_h=4,
    )  # fmt: skip
    assert (found["BTC/USDC:USDC"].native, found["BTC/USDC:USDC"].settle) == ("BTCPERP", "USDC")
    assert found["SHIB1000/USDT:USDT"].funding_interval_h == 8


def test_spot_instruments(codec: Codec) -> None:
    (found,) = listed(codec, SPOT).values()
    assert (found.symbol, found.tick, found.lot) == ("BTC/USDT", Decimal("0.1"), Decimal("0.000001"))
    assert (found.min_notional, found.max_notional) == (Decimal(5), Decimal(7_000_000))
    assert (found.max_qty, found.market_max_qty, found.max_leverage) == (Decimal(83), Decimal("41.5"), Decimal(1))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "check the REST URL"),
        (b'{"retCode":10006,"retMsg":"Too many visits!"}', "10006 Too many visits!"),
        (b'{"retCode":0,"result":{"list":[]}}', "holds no listing"),
        (b'{"retCode":0,"result":{"list":[{"symbol":7}]}}', "none can be read"),
    ],
)
def test_a_reply_that_is_no_listing_is_a_wire_error(codec: Codec, body: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        codec.decode_instruments(LINEAR, body)


def test_a_recorded_listing_is_recognised_with_and_without_its_address(codec: Codec) -> None:
    for url, raw in (("https://api.bybit.com/v5/market/instruments-info?category=linear", "{}"), ("", LISTED_LINEAR)):
        request = codec.recognise_http(LINEAR, url, raw, ())
        assert request is not None and request.purpose == "instruments"
    assert codec.recognise_http(LINEAR, "https://api.bybit.com/v5/market/time", LISTED_LINEAR, ()) is None
    assert codec.recognise_http(SPOT, "", LISTED_LINEAR, ()) is None
    assert codec.recognise_http(SPOT, codec.instruments_request(LINEAR).url, "{}", ()) is None
    assert [type(e) for e in codec.decode_http(codec.instruments_request(SPOT), b"{}", NOW)] == [UnknownFrame]


# ---------------------------------------------------------------------- the book behind it


def message(kind: str, number: int, bids: str = "", asks: str = "") -> str:
    return (
        f'{{"topic":"orderbook.200.BTCUSDT","type":"{kind}","ts":1,"data":{{"s":"BTCUSDT","b":[{bids}],"a":[{asks}],'
        f'"u":{number},"seq":1}},"cts":1}}'
    )


def test_worked_sequence_of_the_wire_notes(codec: Codec) -> None:
    """No snapshot yet, snapshot, update, repeat, gap, snapshot, restart of the venue, update (bybit.md §4)."""
    instrument = listed(codec, LINEAR)["BTC/USDT:USDT"]
    data = MarketData(codec)
    market = data.add(instrument)
    (plan,) = codec.plan([instrument], [Channel.BOOK])
    data.on_connect(plan, NOW)
    whole = '["64000.50","0.120"],["64000.10","3.500"]', '["64000.60","0.030"]'
    restarted = [(64001.0, 1.0)], [(64002.0, 2.0)]
    live, syncing = BookState.LIVE, BookState.SYNCING
    steps = [
        (message("delta", 8801, '["64000.50","9"]'), syncing, -1),
        (message("snapshot", 8801, *whole), live, 8801),
        (message("delta", 8802, '["64000.50","0"]'), live, 8802),
        (message("delta", 8802, '["64000.10","9"]'), live, 8802),
        (message("delta", 8804), syncing, 8802),
        (message("snapshot", 8810, *whole), live, 8810),
        (message("delta", 1, '["64001.00","1"]', '["64002.00","2"]'), live, 1),
        (message("delta", 2, '["64000.00","5"]'), live, 2),
    ]
    for number, (raw, state, last_id) in enumerate(steps):
        data.on_frame(LINEAR, raw, NOW + number)
        assert (market.state, market.sequencer.last_id) == (state, last_id), raw
        if number == 3:
            assert market.book.bids == {64000.1: 3.5}
        if number == 4:
            assert data.wanted_resubscriptions() == [instrument]
        if number == 6:
            assert (list(market.book.bids.items()), list(market.book.asks.items())) == restarted
    stats = market.sequencer.stats
    assert (stats.gaps, stats.resyncs, stats.crossed) == (1, 1, 0)


def test_levels_beyond_the_depth_of_the_topic_are_cut(codec: Codec) -> None:
    data = MarketData(codec)
    market = data.add(listed(codec, LINEAR)["BTC/USDT:USDT"])
    bids = ",".join(f'["{64000 - n}.00","1.000"]' for n in range(200))
    data.on_frame(LINEAR, message("snapshot", 5, bids, '["64001.00","1.000"]'), NOW)
    data.on_frame(LINEAR, message("delta", 6, '["64000.50","1.000"]'), NOW)
    assert len(market.book.bids) == 200
    assert (min(market.book.bids), max(market.book.bids)) == (63802.0, 64000.5)
