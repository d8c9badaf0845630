"""KuCoin's frames and requests: the samples of the wire notes, quirks, listings, and all that is no event."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import WireError
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
from jackbot_tui.venues.kucoin.codec import make_codec

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
NOW = 1_795_000_000_500 * MS
KEY, SPOT_KEY = "kucoin:BTC/USDT:USDT", "kucoin:BTC/USDT"

LISTED_SPOT = r"""{"code":"200000","data":[{"symbol":"BTC-USDT","name":"BTC-USDT","baseCurrency":"BTC","quoteCurrency":
"USDT","feeCurrency":"USDT","market":"USDS","baseMinSize":"0.00001","quoteMinSize":"0.1","baseMaxSize":"10000000000",
"quoteMaxSize":"99999999","baseIncrement":"0.00000001","quoteIncrement":"0.000001","priceIncrement":"0.1",
"priceLimitRate":"0.1","minFunds":"0.1","isMarginEnabled":true,"enableTrading":true,"feeCategory":1,
"makerFeeCoefficient":"1.00","takerFeeCoefficient":"1.00","st":false,"callauctionIsEnabled":false},
{"symbol":"BCHSV-USDT","name":"BSV-USDT","quoteCurrency":"USDT","baseIncrement":"0.0001","priceIncrement":"0.01",
"baseMinSize":"0.001","minFunds":null,"enableTrading":true,"makerFeeCoefficient":"3","takerFeeCoefficient":"3"},
{"symbol":"OFF-USDT","quoteCurrency":"USDT","baseIncrement":"1","priceIncrement":"1","enableTrading":false},
{"symbol":"AUC-USDT","quoteCurrency":"USDT","baseIncrement":"1","priceIncrement":"1","enableTrading":true,
"callauctionIsEnabled":true},
{"symbol":"ODD-USDT","quoteCurrency":"USDT","baseIncrement":"x","priceIncrement":"1","enableTrading":true}]}"""

LISTED = r"""{"code":"200000","data":[{"symbol":"XBTUSDTM","rootSymbol":"USDT","type":"FFWCSX","expireDate":null,
"baseCurrency":"XBT","quoteCurrency":"USDT","settleCurrency":"USDT","maxOrderQty":1000000,"maxPrice":1000000.0,
"lotSize":1,"tickSize":0.1,"multiplier":0.001,"makerFeeRate":0.0002,"takerFeeRate":0.0006,"isInverse":false,
"status":"Open","fundingRateGranularity":28800000,"markPrice":90000.0,"buyLimit":94500.0,"sellLimit":85500.0,
"nextFundingRateTime":20022985,"maxLeverage":125},
{"symbol":"ETHUSDTM","baseCurrency":"ETH","quoteCurrency":"USDT","settleCurrency":"USDT","status":"Open","lotSize":1,
"tickSize":0.01,"multiplier":0.01,"fundingRateGranularity":28800000,"currentFundingRateGranularity":14400000},
{"symbol":"XBTUSDM","baseCurrency":"XBT","quoteCurrency":"USD","settleCurrency":"XBT","status":"Open","lotSize":1,
"tickSize":0.1,"multiplier":-1.0,"isInverse":true},
{"symbol":"XBTMH27","baseCurrency":"XBT","quoteCurrency":"USDT","settleCurrency":"USDT","status":"Open","lotSize":1,
"tickSize":0.1,"multiplier":0.001,"expireDate":1806000000000},
{"symbol":"OLDUSDTM","baseCurrency":"OLD","quoteCurrency":"USDT","settleCurrency":"USDT","status":"BeingSettled",
"lotSize":1,"tickSize":0.1,"multiplier":1}]}"""


def push(topic: str, subject: str, data: str) -> str:
    return f'{{"type":"message","topic":"{topic}","subject":"{subject}","data":{data}}}'


SPOT_UPDATE = push(
    "/market/level2:BTC-USDT",
    "trade.l2update",
    '{"symbol":"BTC-USDT","sequenceStart":5001,"sequenceEnd":5003,"time":1700000000150,"changes":{"asks":'
    '[["90000.2","0","5001"],["90000.4","1.1","5003"]],"bids":[["0","0","5002"]]}}',
)
UPDATE = push(
    "/contractMarket/level2:XBTUSDTM",
    "level2",
    '{"sequence":701,"change":"90000.1,sell,30","timestamp":1700000000160}',
)
SPOT_TRADE = push(
    "/market/match:BTC-USDT",
    "trade.l3match",
    '{"symbol":"BTC-USDT","type":"match","sequence":"11067","tradeId":"11067","side":"buy","price":"90000.2",'
    '"size":"0.003","makerOrderId":"67aa","takerOrderId":"67bb","time":"1700000000200000000"}',
)
TRADE = push(
    "/contractMarket/execution:XBTUSDTM",
    "match",
    '{"symbol":"XBTUSDTM","sequence":1794,"tradeId":"1794","side":"sell","price":"90000.1","size":2,"makerOrderId":'
    '"24a","takerOrderId":"24b","ts":1700000000200000000}',
)
SPOT_BEST = push(
    "/market/ticker:BTC-USDT",
    "trade.ticker",
    '{"sequence":"5003","bestAsk":"90000.4","size":"0.1","bestBidSize":"0.5","price":"90000.1","time":1700000000160,'
    '"bestAskSize":"1.1","bestBid":"90000.1"}',
)
BEST = push(
    "/contractMarket/tickerV2:XBTUSDTM",
    "tickerV2",
    '{"symbol":"XBTUSDTM","sequence":702,"bestBidSize":260,"bestBidPrice":"90000","bestAskPrice":90000.1,'
    '"bestAskSize":250,"ts":1705708800078000000}',
)
MARK = push(
    "/contract/instrument:XBTUSDTM",
    "mark.index.price",
    '{"markPrice":90445.02,"indexPrice":90440.135,"granularity":1000,"timestamp":1731899129000}',
)
FUNDING = push(
    "/contract/instrument:XBTUSDTM",
    "funding.rate",
    '{"granularity":60000,"fundingRate":-0.002966,"timestamp":1731899100000}',
)
ACK, REFUSED = '{"id":"7","type":"ack"}', '{"id":"8","type":"error","code":415,"data":"type is not supported"}'
SPOT_DEPTH = (
    '{"code":"200000","data":{"time":1700000000100,"sequence":"5000","bids":[["90000.1","0.5"]],"asks":'
    '[["90000.2","0.7"],["90000.3","2"]]}}'
)
DEPTH = (
    '{"code":"200000","data":{"symbol":"XBTUSDTM","sequence":700,"bids":[[90000.0,120]],"asks":[["90000.1",80]],'
    '"ts":1700000000100000000}}'
)
BULLET = (
    '{"code":"200000","data":{"token":"2neA+/=","instanceServers":[{"endpoint":"wss://ws-api-spot.kucoin.com/",'
    '"encrypt":true,"protocol":"websocket","pingInterval":17000,"pingTimeout":10000}]}}'
)


def listed(codec: Codec, kind: MarketKind) -> dict[str, Instrument]:
    body = LISTED_SPOT if kind is SPOT else LISTED
    return {instrument.symbol: instrument for instrument in codec.decode_instruments(kind, body.encode())}


@pytest.fixture
def codec() -> Codec:
    made = make_codec({})
    for kind in (SPOT, LINEAR):
        made.register(list(listed(made, kind).values()))
    return made


def one(codec: Codec, kind: MarketKind, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(kind, raw, NOW)
    return event


# ---------------------------------------------------------------------- frames


def test_a_placeholder_at_price_0_is_no_level_but_its_number_counts(codec: Codec) -> None:
    levels = [(90000.2, 0.0), (90000.4, 1.1)]
    delta = BookDelta(SPOT_KEY, 1_700_000_000_150 * MS, NOW, 5001, 5003, 5000, [], levels)
    assert one(codec, SPOT, SPOT_UPDATE) == delta
    assert one(codec, SPOT, SPOT_UPDATE.encode()) == delta


def test_changes_of_a_range_are_taken_in_the_order_of_their_numbers(codec: Codec) -> None:
    raw = SPOT_UPDATE.replace(
        '[["90000.2","0","5001"],["90000.4","1.1","5003"]]', '[["90000.2","9","5003"],["90000.2","0","5001"]]'
    )
    event = one(codec, SPOT, raw)
    assert isinstance(event, BookDelta) and event.asks == [(90000.2, 0.0), (90000.2, 9.0)]


@pytest.mark.parametrize(
    ("change", "bids", "asks"),
    [
        ("90000.1,sell,30", [], [(90000.1, 0.03)]),
        ("90000.1,buy,7", [(90000.1, 0.007)], []),
        ("90000.1,sell,0", [], [(90000.1, 0.0)]),
        ("0,buy,0", [], []),
    ],
)
def test_a_change_of_a_perpetual_is_one_text_in_contracts(
    codec: Codec, change: str, bids: list[tuple[float, float]], asks: list[tuple[float, float]]
) -> None:
    event = one(codec, LINEAR, UPDATE.replace("90000.1,sell,30", change))
    assert event == BookDelta(KEY, 1_700_000_000_160 * MS, NOW, 701, 701, 700, bids, asks)


def test_whole_books_of_few_levels_share_a_subject_with_increments_and_are_told_apart_by_topic(codec: Codec) -> None:
    whole = push("/contractMarket/level2Depth5:XBTUSDTM", "level2", '{"sequence":1,"asks":[[1,2]],"bids":[],"ts":5}')
    assert list(codec.decode(LINEAR, whole, NOW)) == []
    assert isinstance(one(codec, LINEAR, UPDATE), BookDelta)
    assert isinstance(one(codec, SPOT, UPDATE), UnknownFrame)


def test_trades_have_the_takers_side_and_times_in_nanoseconds(codec: Codec) -> None:
    ts = 1_700_000_000_200 * MS
    spot = Trade(SPOT_KEY, ts, NOW, "11067", Side.BUY, 90000.2, 0.003, "90000.2", "0.003")
    assert one(codec, SPOT, SPOT_TRADE) == spot
    perpetual = Trade(KEY, ts, NOW, "1794", Side.SELL, 90000.1, 0.002, "90000.1", "0.002")
    assert one(codec, LINEAR, TRADE) == perpetual
    assert one(codec, LINEAR, TRADE.replace('"90000.1"', "90000.1")) == perpetual


def test_best_prices_and_a_side_that_is_empty(codec: Codec) -> None:
    assert one(codec, SPOT, SPOT_BEST) == BookTicker(
        SPOT_KEY, 1_700_000_000_160 * MS, NOW, 5003, 90000.1, 0.5, 90000.4, 1.1
    )
    assert one(codec, LINEAR, BEST) == BookTicker(KEY, 1_705_708_800_078 * MS, NOW, 702, 90000.0, 0.26, 90000.1, 0.25)
    assert list(codec.decode(SPOT, SPOT_BEST.replace('"bestBid":"90000.1"', '"bestBid":null'), NOW)) == []


def test_a_mark_carries_the_coming_funding_rate_and_not_the_one_that_was_paid(codec: Codec) -> None:
    ts, due = 1_731_899_129_000 * MS, 1_731_916_800_000 * MS
    assert one(codec, LINEAR, MARK) == MarkPrice(KEY, ts, NOW, 90445.02, 90440.135, 0.0, due)
    paid = FUNDING.replace("60000", "28800000").replace("-0.002966", "0.5")
    for _ in range(2):  # a session may decode a frame twice
        assert list(codec.decode(LINEAR, FUNDING, NOW)) == list(codec.decode(LINEAR, paid, NOW)) == []
        assert one(codec, LINEAR, MARK) == MarkPrice(KEY, ts, NOW, 90445.02, 90440.135, -0.002966, due)


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        ('{"id":"jackbot1","type":"welcome"}', []),
        ('{"id":"ping","type":"pong"}', []),
        (ACK, [SubscriptionAck(7)]),
        (REFUSED, [VenueNotice("error", "415", "type is not supported", 8)]),
        (
            REFUSED.replace("type is not supported", "token is expired"),
            [VenueNotice("shutdown", "415", "token is expired: a new connection is needed")],
        ),
        (
            '{"type":"error","code":401,"data":"token is invalid"}',
            [VenueNotice("shutdown", "401", "token is invalid: a new connection is needed")],
        ),
        (push("/contract/announcement", "funding.begin", '{"symbol":"XBTUSDTM"}'), []),
        (push("/contractMarket/snapshot:XBTUSDTM", "snapshot.24h", '{"volume":1}'), []),
    ],
)
def test_answers_notices_and_topics_of_others(codec: Codec, raw: str, events: list[FeedEvent]) -> None:
    assert list(codec.decode(LINEAR, raw, NOW)) == events


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe", "", "[]", "null", "{}", '{"type":"message"}', "[" * 5000, '{"type":"command","id":"1"}',
        '{"type":"error","data":7}', UPDATE.replace("XBTUSDTM", "NONEUSDTM"), UPDATE.replace("sell", "left"),
        UPDATE.replace("90000.1,", "nan,"), UPDATE.replace("90000.1,", "-1,"), UPDATE.replace(",30", ",inf"),
        UPDATE.replace(",30", ",1_0"), UPDATE.replace(",30", ""), UPDATE.replace("701", "-701"),
        UPDATE.replace("level2:", "level9:"), TRADE.replace("sell", "left"), TRADE.replace('"90000.1"', '"0"'),
        TRADE.replace('"size":2', '"size":-2'), BEST.replace("260", "-260"), MARK.replace("90445.02", "0"),
        MARK.replace("mark.index.price", "x"), FUNDING.replace("-0.002966", "-7"), SPOT_UPDATE,
    ],
    ids=lambda raw: str(raw)[:60],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [UnknownFrame]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from((SPOT, LINEAR)))
def test_garbage_never_raises(raw: str | bytes, kind: MarketKind) -> None:
    for event in make_codec({}).decode(kind, raw, NOW):
        assert isinstance(event, UnknownFrame)


@given(st.data())
def test_damaged_spot_frames_never_raise_nor_give_unsound_levels(data: st.DataObject) -> None:
    made = make_codec({})
    made.register(list(listed(made, SPOT).values()))
    raw = data.draw(st.sampled_from((SPOT_UPDATE, SPOT_TRADE, SPOT_BEST, ACK, REFUSED)))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.text(max_size=3)) + raw[at + data.draw(st.integers(0, 6)) :]
    for event in made.decode(SPOT, damaged, NOW):
        if isinstance(event, BookDelta):
            assert all(price > 0 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)


# ---------------------------------------------------------------------- requests


def test_every_name_is_asked_for_alone_since_a_frame_is_refused_as_a_whole(codec: Codec) -> None:
    (plan,) = codec.plan(list(listed(codec, LINEAR).values()), list(Channel))
    assert plan.book_keys == (KEY, "kucoin:ETH/USDT:USDT")
    frames = [(number, msgspec.json.decode(frame)) for number, frame in codec.subscribe(plan, 5)]
    channels = (
        "/contractMarket/level2", "/contractMarket/execution", "/contractMarket/tickerV2", "/contract/instrument",
    )  # fmt: skip
    assert [(number, frame["id"]) for number, frame in frames] == [(n, str(n)) for n in range(5, 13)]
    assert {frame["topic"] for _, frame in frames} == {
        f"{channel}:{native}" for channel in channels for native in ("XBTUSDTM", "ETHUSDTM")
    }
    assert all(frame["type"] == "subscribe" and frame["response"] is True for _, frame in frames)
    assert codec.heartbeat(SPOT) == '{"id":"ping","type":"ping"}'


def test_every_connection_asks_for_a_token_and_gets_an_id_of_its_own(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, SPOT)["BTC/USDT"]], [Channel.BOOK])
    request = codec.address_request(plan)
    assert request is not None
    assert (request.method, request.url, request.weight, request.purpose) == (
        "POST", "https://api.kucoin.com/api/v1/bullet-public", 10, "address",
    )  # fmt: skip
    urls = [codec.addressed(plan, BULLET).url for _ in range(2)]
    assert urls[0] == "wss://ws-api-spot.kucoin.com/?token=2neA%2B%2F%3D&connectId=jackbot1"
    assert urls[1].endswith("connectId=jackbot2")
    assert codec.addressed(plan, BULLET).heartbeat_s == 17.0
    assert codec.addressed(plan, BULLET).topics == plan.topics


def test_spots_400_topics_a_connection_are_split_and_each_connection_has_a_token_of_its_own(codec: Codec) -> None:
    pair = listed(codec, SPOT)["BTC/USDT"]
    many = [msgspec.structs.replace(pair, symbol=f"X{n}/USDT", native=f"X{n}-USDT") for n in range(201)]
    plans = codec.plan(many, [Channel.BOOK, Channel.TRADES])
    assert [(plan.conn, len(plan.topics)) for plan in plans] == [
        ("kucoin.spot.public", 400),
        ("kucoin.spot.public.2", 2),
    ]
    assert all(codec.address_request(plan) is not None for plan in plans)
    assert len({codec.addressed(plan, BULLET).url for plan in plans}) == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html>", "cannot be read"),
        ('{"code":"429000","msg":"too many requests"}', "429000 too many requests"),
        ('{"code":"200000"}', "holds no data"),
        ('{"code":"200000","data":{"token":"","instanceServers":[]}}', "names no address"),
        (BULLET.replace("17000", "0"), "names no address"),
        (BULLET.replace("wss://", "ftp://"), "names no WebSocket server"),
    ],
)
def test_a_reply_without_an_address_is_a_wire_error(codec: Codec, body: str, words: str) -> None:
    (plan,) = codec.plan([listed(codec, SPOT)["BTC/USDT"]], [Channel.BOOK])
    with pytest.raises(WireError, match=words):
        codec.addressed(plan, body)


def test_the_venue_tells_its_time_in_milliseconds(codec: Codec) -> None:
    request = codec.time_request(LINEAR)
    assert request is not None and request.url == "https://api-futures.kucoin.com/api/v1/timestamp"
    assert codec.decode_time(LINEAR, '{"code":"200000","data":1637385119302}') == 1_637_385_119_302 * MS
    with pytest.raises(WireError, match="holds no time"):
        codec.decode_time(LINEAR, '{"code":"200000","data":"x"}')


# ---------------------------------------------------------------------- listings and replies


def test_bitcoin_is_xbt_on_perpetuals_which_count_contracts(codec: Codec) -> None:
    found = listed(codec, LINEAR)
    assert list(found) == ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    assert found["BTC/USDT:USDT"] == Instrument(
        venue="kucoin", symbol="BTC/USDT:USDT", native="XBTUSDTM", kind=LINEAR, base="BTC", quote="USDT",
        settle="USDT", tick=Decimal("0.1"), lot=Decimal("0.001"), min_qty=Decimal("0.001"), max_qty=Decimal(1000),
        max_price=Decimal(1_000_000), contract_size=Decimal("0.001"), maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0006"), max_leverage=Decimal(125),
        band=PriceBand("mark", buy_up=Decimal("1.05"), sell_down=Decimal("0.95")), funding_interval_h=8,
    )  # fmt: skip
    assert (found["ETH/USDT:USDT"].band, found["ETH/USDT:USDT"].funding_interval_h) == (None, 4)


def test_spot_pairs_go_by_symbol_and_their_fees_by_coefficient(codec: Codec) -> None:
    found = listed(codec, SPOT)
    assert list(found) == ["BTC/USDT", "BSV/USDT"]
    bitcoin, renamed = found["BTC/USDT"], found["BSV/USDT"]
    assert (bitcoin.tick, bitcoin.lot, bitcoin.min_qty) == (Decimal("0.1"), Decimal("1E-8"), Decimal("0.00001"))
    assert (bitcoin.min_notional, bitcoin.taker_fee) == (Decimal("0.1"), Decimal("0.001"))
    assert (renamed.native, renamed.maker_fee) == ("BCHSV-USDT", Decimal("0.003"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html>", "check the REST URL"),
        ('{"code":"400100","msg":"bad\\nparameter"}', "400100 bad parameter"),
        ('{"code":"200000","data":[]}', "holds no listing"),
        ('{"code":"200000","data":[{"symbol":7}]}', "none can be read"),
    ],
)
def test_a_reply_that_is_no_listing_is_a_wire_error(codec: Codec, body: str, words: str) -> None:
    with pytest.raises(WireError, match=words):
        codec.decode_instruments(SPOT, body)


def test_snapshots_number_by_text_and_milliseconds_on_spot_by_integer_and_nanoseconds_on_perpetuals(
    codec: Codec,
) -> None:
    spot = codec.snapshot_request(listed(codec, SPOT)["BTC/USDT"])
    linear = codec.snapshot_request(listed(codec, LINEAR)["BTC/USDT:USDT"])
    assert spot is not None and linear is not None
    assert spot.url == "https://api.kucoin.com/api/v1/market/orderbook/level2_100?symbol=BTC-USDT"
    assert linear.url == "https://api-futures.kucoin.com/api/v1/level2/snapshot?symbol=XBTUSDTM"
    ts = 1_700_000_000_100 * MS
    assert list(codec.decode_http(spot, SPOT_DEPTH, NOW)) == [
        BookSnapshot(SPOT_KEY, ts, NOW, 5000, [(90000.1, 0.5)], [(90000.2, 0.7), (90000.3, 2.0)])
    ]
    assert list(codec.decode_http(linear, DEPTH, NOW)) == [
        BookSnapshot(KEY, ts, NOW, 700, [(90000.0, 0.12)], [(90000.1, 0.08)])
    ]
    for odd in ('{"code":"429000"}', "x", SPOT_DEPTH.replace('"5000"', '"x"')):
        assert [type(event) for event in codec.decode_http(spot, odd, NOW)] == [UnknownFrame]
    assert codec.recognise_http(LINEAR, linear.url, DEPTH, ()) == linear
    assert codec.recognise_http(SPOT, spot.url, SPOT_DEPTH, ()) == spot


def test_a_book_waits_for_its_first_update_before_it_asks_and_skips_what_the_snapshot_holds(codec: Codec) -> None:
    data = MarketData(codec)
    instrument = listed(codec, SPOT)["BTC/USDT"]
    market = data.add(instrument)
    (plan,) = codec.plan([instrument], [Channel.BOOK])
    data.on_connect(plan, NOW)
    assert data.wanted_snapshots() == []
    data.on_frame(SPOT, SPOT_UPDATE, NOW)
    (request,) = data.wanted_snapshots()
    data.on_http(request, SPOT_DEPTH.replace('"5000"', '"5002"'), NOW)
    assert (market.state, market.sequencer.last_id) == (BookState.LIVE, 5003)
    assert market.book.asks == {90000.3: 2.0, 90000.4: 1.1}
    later = SPOT_UPDATE.replace("5001", "5005").replace("5003", "5006").replace("5002", "5005")
    data.on_frame(SPOT, later, NOW)
    assert (market.state, market.sequencer.stats.gaps) == (BookState.SYNCING, 1)


def test_spots_public_book_is_seeded_anew_before_the_market_leaves_its_100_levels(codec: Codec) -> None:
    data = MarketData(codec)
    market = data.add(listed(codec, SPOT)["BTC/USDT"])

    def book(number: int, best_ask: int) -> str:
        bids = [[f"{best_ask - 1 - n}", "1"] for n in range(100)]
        asks = [[f"{best_ask + n}", "1"] for n in range(100)]
        reply = {"code": "200000", "data": {"sequence": str(number), "time": 1, "bids": bids, "asks": asks}}
        return msgspec.json.encode(reply).decode()

    def update(number: int, price: int, size: int) -> str:
        changes = f'{{"asks":[["{price}","{size}","{number}"]],"bids":[]}}'
        data_text = f'{{"sequenceStart":{number},"sequenceEnd":{number},"changes":{changes}}}'
        return push("/market/level2:BTC-USDT", "trade.l2update", data_text)

    data.on_frame(SPOT, update(1, 1500, 7), NOW)
    data.on_http(data.wanted_snapshots()[0], book(1, 1000), NOW)
    data.on_frame(SPOT, update(2, 1200, 5), NOW)
    assert market.live and 1200.0 not in market.book.asks
    for taken in range(71):
        data.on_frame(SPOT, update(3 + taken, 1000 + taken, 0), NOW)
    (request,) = data.wanted_snapshots()
    assert market.live and len(market.book.asks) == 29
    data.on_frame(SPOT, update(74, 1071, 4), NOW)
    data.on_http(request, book(73, 1071), NOW)
    assert market.live and (len(market.book.asks), market.book.asks[1071.0]) == (100, 4.0)
    assert (market.sequencer.last_id, data.wanted_snapshots()) == (74, [])


def test_unregistered_markets_are_adopted_when_told_to() -> None:
    made = load_venue("kucoin")
    made.adopt_unknown = True
    event = one(made, LINEAR, UPDATE)
    assert isinstance(event, BookDelta) and (event.key, event.asks) == (KEY, [(90000.1, 30.0)])
    adopted = made.adopted(KEY)
    assert adopted is not None and (adopted.tick, adopted.lot) == (Decimal("0.1"), Decimal(1))
    assert isinstance(one(made, LINEAR, UPDATE.replace("XBTUSDTM", "XBTUSDM")), UnknownFrame)
