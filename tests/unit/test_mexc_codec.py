"""MEXC's frames and requests: the samples of the wire notes, its quirks, listings, and everything that is no event."""

import gzip
import random
import subprocess
import sys
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.limiter import Lane, RateLimiter
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
from jackbot_tui.venues.base import Channel, Codec, HttpRequest
from jackbot_tui.venues.mexc.codec import make_codec
from jackbot_tui.venues.mexc.messages import WRAPPER, Wrapper

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
NOW = 1_700_000_000_500 * MS
SPOT_KEY, KEY = "mexc:BTC/USDT", "mexc:BTC/USDT:USDT"

LISTED_SPOT = r"""{"timezone":"CST","serverTime":1700000000000,"rateLimits":[],"symbols":[{"symbol":"BTCUSDT",
"status":"1","baseAsset":"BTC","baseAssetPrecision":8,"quoteAsset":"USDT","quotePrecision":2,"quoteAssetPrecision":2,"orderTypes":[
"LIMIT","MARKET","LIMIT_MAKER"],"isSpotTradingAllowed":true,"quoteAmountPrecision":"1.000000000000000000",
"baseSizePrecision":"0.000001","maxQuoteAmount":"4000000.000000000000000000","makerCommission":"0","takerCommission":
"0.0005","quoteAmountPrecisionMarket":"1","tradeSideType":1,"st":false,"filters":[{"filterType":"PERCENT_PRICE_BY_SIDE",
"bidMultiplierUp":"1.15","askMultiplierDown":"0.85"}]},
{"symbol":"ETHBTC","status":"1","baseAsset":"ETH","baseAssetPrecision":"5","quoteAsset":"BTC","quoteAssetPrecision":"6",
"isSpotTradingAllowed":true,"baseSizePrecision":"0","quoteAmountPrecision":"0.00001","filters":[]},
{"symbol":"NOAPIUSDT","status":"1","baseAsset":"NOAPI","baseAssetPrecision":2,"quoteAsset":"USDT","quoteAssetPrecision":
4,"isSpotTradingAllowed":false},
{"symbol":"OFFUSDT","status":"2","baseAsset":"OFF","baseAssetPrecision":2,"quoteAsset":"USDT","quoteAssetPrecision":4,
"isSpotTradingAllowed":true},
{"symbol":"BUYUSDT","status":"1","baseAsset":"BUY","baseAssetPrecision":2,"quoteAsset":"USDT","quoteAssetPrecision":4,
"isSpotTradingAllowed":true,"tradeSideType":2},
{"symbol":"ODDUSDT","status":"1","baseAsset":"ODD","baseAssetPrecision":"x","quoteAsset":"USDT","quoteAssetPrecision":4,
"isSpotTradingAllowed":true}]}"""

LISTED_LINEAR = r"""{"success":true,"code":0,"data":[{"symbol":"BTC_USDT","displayName":"BTC_USDT永续","baseCoin":"BTC",
"quoteCoin":"USDT","futureType":1,"settleCoin":"USDT","contractSize":0.0001,"minLeverage":1,"maxLeverage":500,
"priceScale":1,"volScale":0,"priceUnit":0.1,"volUnit":1,"minVol":1,"maxVol":400000,"bidLimitPriceRate":0.1,
"askLimitPriceRate":0.1,"takerFeeRate":0.0006,"makerFeeRate":0,"state":0,"isHidden":false,"maxNumOrders":[200,50],
"apiAllowed":false},
{"symbol":"LOT_USDT","baseCoin":"LOT","quoteCoin":"USDT","settleCoin":"USDT","contractSize":9.6,"priceUnit":0.0001,
"volUnit":2,"minVol":4,"maxVol":100,"maxLeverage":20,"state":0},
{"symbol":"SUI_USDC","baseCoin":"SUI","quoteCoin":"USDC","settleCoin":"USDC","contractSize":1,"priceUnit":1e-4,
"state":0},
{"symbol":"BTC_USD","baseCoin":"BTC","quoteCoin":"USD","settleCoin":"BTC","contractSize":100,"priceUnit":0.5,"state":0},
{"symbol":"OFF_USDT","baseCoin":"OFF","quoteCoin":"USDT","settleCoin":"USDT","contractSize":1,"priceUnit":1,"state":3},
{"symbol":"HID_USDT","baseCoin":"HID","quoteCoin":"USDT","settleCoin":"USDT","contractSize":1,"priceUnit":1,"state":0,
"isHidden":true},
{"symbol":"ODD_USDT","baseCoin":"ODD","quoteCoin":"USDT","settleCoin":"USDT","contractSize":-1,"priceUnit":1,"state":0
}]}"""

SPOT_DELTA = bytes.fromhex(
    "0a2f73706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d7340425443555344541a0742544355534454"
    "30fdd095ffbc31ca135d0a0d0a0839303030302e313012013012100a0838393939392e39301204312e32351a2773706f74407075626c69632e61"
    "676772652e64657074682e76332e6170692e7062403130306d732204313030312a043130303430fbd095ffbc31"
)
"""The test vector of the wire notes."""
SPOT_SNAPSHOT = (
    '{"lastUpdateId":1000,"bids":[["89999.90","1"],["89999.00","2"]],"asks":[["90000.10","2"],["90000.20","3"]],'
    '"timestamp":1700000000000}'
)
SNAPSHOT = (
    '{"success":true,"code":0,"data":{"asks":[[90000.1,121,4]],"bids":[[89999.9,50,1]],"version":1000,'
    '"timestamp":1700000000000}}'
)
DELTA = (
    '{"channel":"push.depth","symbol":"BTC_USDT","ts":1700000000100,"data":{"asks":[[90000.1,0,0],[90000.2,7,1]],'
    '"bids":[[89999.9,60,2]],"begin":1001,"end":1003,"version":1003}}'
)
TRADE = (
    '{"channel":"push.deal","symbol":"BTC_USDT","data":[{"p":90000.1,"v":4,"T":1,"O":1,"M":2,"t":1700000000120}],'
    '"ts":1700000000123}'
)
TICKER = (
    '{"channel":"push.ticker","data":{"ask1":90000.1,"bid1":89999.9,"contractId":10,"fairPrice":90001.1,'
    '"fundingRate":-0.000072,"holdVol":12357864,"indexPrice":90026.9,"lastPrice":90000.1,"symbol":"BTC_USDT",'
    '"timestamp":1700000000014},"symbol":"BTC_USDT","ts":1700000000015}'
)
FUNDING = (
    '{"symbol":"BTC_USDT","data":{"symbol":"BTC_USDT","rate":-0.000021,"nextSettleTime":1700006400000},'
    '"channel":"push.funding.rate","ts":1700000000506}'
)
BEST = (
    '{"symbol":"BTC_USDT","data":{"cts":1700000000834,"asks":[[90000.2,398,1],[90000.1,143,1]],"bids":[[89999.9,489,6],'
    '[89999.8,14,4]],"version":1004},"channel":"push.depth.full","ts":1700000000838}'
)
ACK = '{"channel":"rs.sub.depth","data":"success","ts":1700000000000}'
REFUSED = '{"channel":"rs.error","data":"Contract doesn\'t exist!","ts":1700000000000}'


def wrapper(purpose: str, native: str = "BTCUSDT", frequency: str = "100ms") -> Wrapper:
    frame = WRAPPER()
    frame.channel = f"spot@public.{purpose}.v3.api.pb@{frequency}@{native}"
    frame.symbol, frame.sendTime = native, 1_700_000_000_125
    return frame


def spot_delta(
    first: str, last: str, *, price: str = "89999.90", size: str = "1.25", frequency: str = "100ms"
) -> bytes:
    frame = wrapper("aggre.depth", frequency=frequency)
    frame.publicAggreDepths.fromVersion, frame.publicAggreDepths.toVersion = first, last
    frame.publicAggreDepths.bids.add(price=price, quantity=size)  # type: ignore[attr-defined]
    return frame.SerializeToString()


def spot_deals(*deals: tuple[str, str, int, str], frequency: str = "100ms") -> bytes:
    frame = wrapper("aggre.deals", frequency=frequency)
    for price, size, taker, trade_id in deals:
        frame.publicAggreDeals.deals.add(  # type: ignore[attr-defined]
            price=price, quantity=size, tradeType=taker, time=1_700_000_000_120, tradeId=trade_id
        )
    return frame.SerializeToString()


def spot_best(bid: str, bid_size: str, ask: str, ask_size: str, version: str = "1005") -> bytes:
    frame = wrapper("aggre.bookTicker")
    best = frame.publicAggreBookTicker
    best.bidPrice, best.bidQuantity, best.askPrice, best.askQuantity, best.version = (
        bid,
        bid_size,
        ask,
        ask_size,
        version,
    )
    return frame.SerializeToString()


def listed(codec: Codec, kind: MarketKind) -> dict[str, Instrument]:
    body = LISTED_SPOT if kind is SPOT else LISTED_LINEAR
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


# ---------------------------------------------------------------------- spot frames


def test_the_documented_binary_frame_is_an_update_that_spans_its_versions(codec: Codec) -> None:
    assert one(codec, SPOT, SPOT_DELTA) == BookDelta(
        SPOT_KEY, 1_700_000_000_125 * MS, NOW, 1001, 1004, 1000, [(89999.9, 1.25)], [(90000.1, 0.0)]
    )


def test_fields_that_nobody_reads_are_skipped(codec: Codec) -> None:
    later = SPOT_DELTA + b"\xba\x3e\x03new" + b"\x38\x05"
    assert one(codec, SPOT, later) == one(codec, SPOT, SPOT_DELTA)


def test_versions_are_compared_as_numbers_not_as_text(codec: Codec) -> None:
    event = one(codec, SPOT, spot_delta("9", "10"))
    assert isinstance(event, BookDelta) and (event.first_id, event.last_id) == (9, 10)


@pytest.mark.parametrize(
    "raw",
    [
        spot_delta("11", "10"), spot_delta("", "10"), spot_delta("-1", "10"), spot_delta("1_0", "10"),
        spot_delta("1", "9" * 30), spot_delta("1", "2", price="nan"), spot_delta("1", "2", price="0"),
        spot_delta("1", "2", price="inf"), spot_delta("1", "2", size="-1"), spot_delta("1", "2", size=""),
        spot_delta("1", "2", size="1e300"), SPOT_DELTA[:-9], b"", b"\x00", b"\xff" * 40, SPOT_DELTA[3:],
    ],
)  # fmt: skip
def test_a_damaged_binary_frame_is_unknown_and_never_a_level(codec: Codec, raw: bytes) -> None:
    assert isinstance(one(codec, SPOT, raw), UnknownFrame)


def test_the_other_frequency_of_a_pair_never_mixes_into_its_book_or_tape(codec: Codec) -> None:
    assert isinstance(one(codec, SPOT, SPOT_DELTA), BookDelta)
    assert isinstance(one(codec, SPOT, spot_delta("1005", "1006", frequency="10ms")), UnknownFrame)
    assert isinstance(one(codec, SPOT, spot_delta("1005", "1006")), BookDelta)
    deal = ("90000.10", "0.5", 1, "a")
    assert isinstance(one(codec, SPOT, spot_deals(deal)), Trade)
    assert isinstance(one(codec, SPOT, spot_deals(deal, frequency="10ms")), UnknownFrame)


def test_spot_trades_bring_the_takers_side_and_an_id_of_their_own_where_the_venue_sends_none(codec: Codec) -> None:
    raw = spot_deals(("90000.10", "0.5", 1, "X1"), ("90000.10", "0.5", 2, ""), ("90000.10", "0.5", 2, ""))
    ts = 1_700_000_000_120
    events = list(codec.decode(SPOT, raw, NOW))
    bought = Trade(SPOT_KEY, ts * MS, NOW, "X1", Side.BUY, 90000.1, 0.5, "90000.10", "0.5")
    ids = [event.trade_id for event in events if isinstance(event, Trade)]
    assert events[0] == bought and isinstance(events[1], Trade) and events[1].side is Side.SELL
    assert ids == ["X1", f"{ts}:90000.10:0.5:1", f"{ts}:90000.10:0.5:2"]
    assert list(codec.decode(SPOT, raw, NOW)) == events


def test_one_odd_trade_takes_no_other_along(codec: Codec) -> None:
    raw = spot_deals(("0", "1", 1, ""), ("1", "1", 3, ""), ("1", "1", 1, ""))
    assert [type(event) for event in codec.decode(SPOT, raw, NOW)] == [UnknownFrame, UnknownFrame, Trade]
    row = '{"p":90000.1,"v":4,"T":1,"t":1700000000120}'
    rows = ",".join([row.replace("90000.1", "0"), row.replace('T":1', 'T":3'), row])
    odd = TRADE[: TRADE.index("[")] + "[" + rows + '],"ts":1}'
    assert [type(event) for event in codec.decode(LINEAR, odd, NOW)] == [UnknownFrame, UnknownFrame, Trade]


def test_best_prices_of_spot(codec: Codec) -> None:
    best = BookTicker(SPOT_KEY, 1_700_000_000_125 * MS, NOW, 1005, 89999.9, 1.5, 90000.1, 0.25)
    assert one(codec, SPOT, spot_best("89999.90", "1.5", "90000.10", "0.25")) == best
    older = one(codec, SPOT, spot_best("89999.90", "1.5", "90000.10", "0.25", ""))
    assert isinstance(older, BookTicker) and older.update_id == -1
    assert list(codec.decode(SPOT, spot_best("", "", "90000.10", "0.25"), NOW)) == []
    assert isinstance(one(codec, SPOT, spot_best("x", "1", "2", "1")), UnknownFrame)


@pytest.mark.parametrize(
    ("purpose", "native", "unknown"),
    [("kline", "BTCUSDT", 0), ("limit.depth", "5", 0), ("aggre.depth", "NEWUSDT", 1), ("", "", 0)],
)
def test_other_channels_are_left_out_and_pairs_that_nobody_follows_are_told(
    codec: Codec, purpose: str, native: str, unknown: int
) -> None:
    events = codec.decode(SPOT, wrapper(purpose, native).SerializeToString(), NOW)
    assert [type(event) for event in events] == [UnknownFrame] * unknown


# ---------------------------------------------------------------------- frames of perpetuals


def test_contracts_become_base_units_without_binary_dust(codec: Codec) -> None:
    assert one(codec, LINEAR, DELTA) == BookDelta(
        KEY, 1_700_000_000_100 * MS, NOW, 1001, 1003, 1000, [(89999.9, 0.006)], [(90000.1, 0.0), (90000.2, 0.0007)]
    )
    event = one(codec, LINEAR, DELTA.replace("BTC_USDT", "LOT_USDT").replace("90000.2,7", "90000.2,3").encode())
    assert isinstance(event, BookDelta) and event.asks[1] == (90000.2, 28.8)


@pytest.mark.parametrize(
    ("change", "first", "last"),
    [
        ((',"begin":1001,"end":1003', ""), 1003, 1003),
        (('"begin":1001,"end":1003', '"begin":1003,"end":1003'), 1003, 1003),
    ],
)
def test_unmerged_updates_are_of_one_version(codec: Codec, change: tuple[str, str], first: int, last: int) -> None:
    event = one(codec, LINEAR, DELTA.replace(*change))
    assert isinstance(event, BookDelta) and (event.first_id, event.last_id, event.prev_id) == (first, last, first - 1)


@pytest.mark.parametrize("side", ['"asks":[],', '"asks":null,', ""])
def test_a_missing_or_empty_side_is_unchanged(codec: Codec, side: str) -> None:
    event = one(codec, LINEAR, DELTA.replace('"asks":[[90000.1,0,0],[90000.2,7,1]],', side))
    assert isinstance(event, BookDelta) and (event.asks, len(event.bids)) == ([], 1)


@pytest.mark.parametrize("data", ["[{}]", "{}"])
def test_trades_come_as_a_list_or_alone_and_their_numbers_are_exact(codec: Codec, data: str) -> None:
    row = '{"p":90000.10,"v":12345678901,"T":2,"O":1,"M":2,"t":1700000000120}'
    raw = f'{{"channel":"push.deal","symbol":"BTC_USDT","data":{data.replace("{}", row)},"ts":1700000000123}}'
    event = one(codec, LINEAR, raw)
    trade_id = "1700000000120:90000.10:12345678901:0"
    ts, size = 1_700_000_000_120 * MS, "1234567.8901"
    assert event == Trade(KEY, ts, NOW, trade_id, Side.SELL, 90000.1, float(size), "90000.10", size)
    bought = one(codec, LINEAR, TRADE)
    assert isinstance(bought, Trade) and (bought.side, bought.size_text) == (Side.BUY, "0.0004")


def test_marks_are_merged_from_two_channels_and_the_same_frame_again_gives_the_same(codec: Codec) -> None:
    assert list(codec.decode(LINEAR, FUNDING, NOW)) == []  # no price yet to go with it
    due = 1_700_006_400_000 * MS
    mark = MarkPrice(KEY, 1_700_000_000_014 * MS, NOW, 90001.1, 90026.9, -0.000072, due)
    assert [one(codec, LINEAR, TICKER) for _ in range(2)] == [mark, mark]
    again = MarkPrice(KEY, 1_700_000_000_506 * MS, NOW, 90001.1, 90026.9, -0.000021, due)
    assert [one(codec, LINEAR, FUNDING) for _ in range(2)] == [again, again]


def test_best_prices_of_a_perpetual_are_the_best_levels_in_whatever_order(codec: Codec) -> None:
    best = BookTicker(KEY, 1_700_000_000_838 * MS, NOW, 1004, 89999.9, 0.0489, 90000.1, 0.0143)
    assert one(codec, LINEAR, BEST) == best
    assert list(codec.decode(LINEAR, BEST.replace('"asks":', '"x":'), NOW)) == []


def test_a_gzip_frame_is_unpacked_and_a_broken_or_huge_one_is_unknown(codec: Codec) -> None:
    packed = gzip.compress(DELTA.encode())
    assert one(codec, LINEAR, packed) == one(codec, LINEAR, DELTA)
    for odd in (packed[:-9], packed[:3], b"\x1f\x8b" + b"\x00" * 20, gzip.compress(b" " * (5 * 1024 * 1024))):
        assert isinstance(one(codec, LINEAR, odd), UnknownFrame)


@pytest.mark.parametrize(
    ("raw", "unknown"),
    [
        (DELTA.replace("push.depth", "push.kline"), 0),
        (DELTA.replace("push.depth", "push.personal.order"), 0),
        (DELTA.replace("push.depth", "push.new"), 1),
        (DELTA.replace("BTC_USDT", "NEW_USDT"), 1),
        (DELTA.replace('"begin":1001', '"begin":1004'), 1),
        (DELTA.replace("89999.9,", "0,"), 1),
        (DELTA.replace("60,2", "-60,2"), 1),
        (DELTA.replace('"version":1003', '"version":null'), 1),
        ('{"channel":"new"}', 1),
        ("{}", 1),
        ("[]", 1),
        ("", 1),
    ],
)
def test_frames_that_are_no_event(codec: Codec, raw: str, unknown: int) -> None:
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [UnknownFrame] * unknown


# ---------------------------------------------------------------------- subscriptions and answers


def test_pairs_share_sockets_of_thirty_streams_and_every_perpetual_has_its_own(codec: Codec) -> None:
    pairs = [msgspec.structs.replace(listed(codec, SPOT)["BTC/USDT"], symbol=f"P{n}/USDT", native=f"P{n}USDT")
             for n in range(20)]  # fmt: skip
    contracts = list(listed(codec, LINEAR).values())[:2]
    plans = codec.plan([*pairs, *contracts], [Channel.BOOK, Channel.TRADES, Channel.MARK])
    names = ["spot.public", "spot.public.2", "linear.public.BTC_USDT", "linear.public.LOT_USDT"]
    assert [plan.conn for plan in plans] == [f"mexc.{name}" for name in names]
    assert [len(plan.topics) for plan in plans] == [30, 10, 4, 4]
    assert sum((plan.book_keys for plan in plans), ()) == tuple(each.key for each in [*pairs, *contracts])
    assert plans[2].topics == ("depth:BTC_USDT", "deal:BTC_USDT", "ticker:BTC_USDT", "funding.rate:BTC_USDT")
    assert {plan.url for plan in plans} == {"wss://wbs-api.mexc.com/ws", "wss://contract.mexc.com/edge"}


def test_endpoints_are_replaced_by_name() -> None:
    codec = load_venue("mexc", {"linear.public": "ws://127.0.0.1:1/edge", "spot.rest": "http://127.0.0.1:2"})
    (plan,) = codec.plan([listed(codec, LINEAR)["BTC/USDT:USDT"]], [Channel.BOOK])
    assert plan.url == "ws://127.0.0.1:1/edge"
    assert codec.instruments_request(SPOT).url == "http://127.0.0.1:2/api/v3/exchangeInfo"
    with pytest.raises(ConfigError, match=r"spot\.public"):
        load_venue("mexc", {"spot.pubic": "x"})


def test_spot_asks_for_one_name_a_frame_and_an_answer_that_repeats_it_confirms_it(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, SPOT)["BTC/USDT"]], list(Channel))
    frames = codec.subscribe(plan, 7)
    assert [number for number, _ in frames] == [7, 8, 9]
    depth, deals, _ = plan.topics
    assert msgspec.json.decode(frames[0][1]) == {"method": "SUBSCRIPTION", "params": [depth]}
    for _ in range(2):
        assert one(codec, SPOT, f'{{"id":0,"code":0,"msg":"{deals}"}}') == SubscriptionAck(8)
    both = codec.decode(SPOT, f'{{"id":0,"code":0,"msg":"{depth},{deals}"}}'.encode(), NOW)
    assert list(both) == [SubscriptionAck(7), SubscriptionAck(8)]
    assert list(codec.decode(SPOT, '{"id":0,"code":0,"msg":"spot@public.somebody.else"}', NOW)) == []


def test_a_refused_name_is_a_refusal_although_its_code_is_0(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, SPOT)["BTC/USDT"]], [Channel.BOOK])
    codec.subscribe(plan, 3)
    words = f"Not Subscribed successfully! [{plan.topics[0]}].  Reason： Blocked! "
    assert one(codec, SPOT, msgspec.json.encode({"id": 0, "code": 0, "msg": words})) == VenueNotice(
        "error", "0", words, 3
    )
    assert one(codec, SPOT, '{"id":0,"code":1,"msg":"too many"}') == VenueNotice("error", "1", "too many")
    for raw in ('{"id":0,"code":0,"msg":""}', '{"id":0}', "{", "x"):
        assert isinstance(one(codec, SPOT, raw), UnknownFrame)


def test_heartbeats_differ_by_market_and_their_answers_are_no_event(codec: Codec) -> None:
    assert (codec.heartbeat(SPOT), codec.heartbeat(LINEAR)) == ('{"method":"PING"}', '{"method":"ping"}')
    assert list(codec.decode(SPOT, '{"id":0,"code":0,"msg":"PONG"}', NOW)) == []
    assert list(codec.decode(LINEAR, '{"channel":"pong","data":1700000000000}', NOW)) == []


def test_a_perpetual_is_asked_for_frame_by_frame_with_numbers_that_tell_channels_apart(codec: Codec) -> None:
    contracts = listed(codec, LINEAR)
    (plan,) = codec.plan([contracts["BTC/USDT:USDT"]], list(Channel))
    first = codec.subscribe(plan, 1)
    assert [msgspec.json.decode(frame) for _, frame in first] == [
        {"method": "sub.depth", "param": {"symbol": "BTC_USDT", "compress": False}, "gzip": False},
        {"method": "sub.deal", "param": {"symbol": "BTC_USDT"}, "gzip": False},
        {"method": "sub.depth.full", "param": {"symbol": "BTC_USDT", "limit": 5}, "gzip": False},
        {"method": "sub.ticker", "param": {"symbol": "BTC_USDT"}, "gzip": False},
        {"method": "sub.funding.rate", "param": {"symbol": "BTC_USDT"}, "gzip": False},
    ]
    numbers = [number for number, _ in first]
    assert numbers == sorted(set(numbers)) and numbers[0] >= 1
    for round_ in range(1, 30):
        again = [number for number, _ in codec.subscribe(plan, round_)]
        assert [number % 8 for number in again] == [number % 8 for number in numbers]
        assert again == sorted(set(again)) and again[0] >= round_


def test_an_acknowledgement_without_a_name_confirms_on_each_connection_its_own_request_only(codec: Codec) -> None:
    contracts = listed(codec, LINEAR)
    (whole,) = codec.plan([contracts["BTC/USDT:USDT"]], [Channel.BOOK, Channel.TRADES, Channel.MARK])
    (less,) = codec.plan([contracts["LOT/USDT:USDT"]], [Channel.TRADES])
    asked_whole, asked_less = dict(codec.subscribe(whole, 1)), dict(codec.subscribe(less, 1))
    asked_whole = dict(codec.subscribe(whole, max(asked_whole) + 1))  # it was lost and came back
    confirmed: dict[str, list[int]] = {}
    for channel in ("depth", "deal", "ticker", "funding.rate"):
        for _ in range(2):
            events = codec.decode(LINEAR, ACK.replace("depth", channel), NOW)
            confirmed[channel] = [event.request_id for event in events if isinstance(event, SubscriptionAck)]
    for asked in (asked_whole, asked_less):
        for number, frame in asked.items():
            channel = msgspec.json.decode(frame)["method"].removeprefix("sub.")
            assert [name for name, numbers in confirmed.items() if number in numbers] == [channel]


def test_an_error_of_perpetuals_is_told_in_words_and_confirms_nothing(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, LINEAR)["BTC/USDT:USDT"]], [Channel.BOOK])
    codec.subscribe(plan, 1)
    assert one(codec, LINEAR, REFUSED) == VenueNotice("error", "rs.error", "Contract doesn't exist!")
    assert one(codec, LINEAR, ACK.replace('"success"', '{"code":1}')) == VenueNotice(
        "error", "rs.sub.depth", '{"code":1}'
    )
    assert isinstance(one(codec, LINEAR, '{"channel":"rs.sub.depth"}'), UnknownFrame)


# ---------------------------------------------------------------------- replies


def test_spot_listing_gives_what_can_be_traded_by_api(codec: Codec) -> None:
    found = listed(codec, SPOT)
    assert sorted(found) == ["BTC/USDT", "ETH/BTC"]
    bitcoin, ether = found["BTC/USDT"], found["ETH/BTC"]
    assert bitcoin == Instrument(
        venue="mexc", symbol="BTC/USDT", native="BTCUSDT", kind=SPOT, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.01"), lot=Decimal("1e-8"), min_qty=Decimal("0.000001"), min_notional=Decimal(1),
        max_notional=Decimal(4_000_000), maker_fee=Decimal(0), taker_fee=Decimal("0.0005"),
        band=PriceBand("last", buy_up=Decimal("1.15"), sell_down=Decimal("0.85")),
    )  # fmt: skip
    assert (ether.native, ether.tick, ether.min_qty) == ("ETHBTC", Decimal("1e-6"), Decimal("1e-5"))
    assert (ether.taker_fee, ether.band) == (Decimal("0.0005"), None)


def test_perpetuals_listing_is_in_base_units_and_knows_no_fee_free_promotion(codec: Codec) -> None:
    found = listed(codec, LINEAR)
    assert sorted(found) == ["BTC/USDT:USDT", "LOT/USDT:USDT", "SUI/USDC:USDC"]
    assert found["BTC/USDT:USDT"] == Instrument(
        venue="mexc", symbol="BTC/USDT:USDT", native="BTC_USDT", kind=LINEAR, base="BTC", quote="USDT", settle="USDT",
        tick=Decimal("0.1"), lot=Decimal("0.0001"), min_qty=Decimal("0.0001"), max_qty=Decimal(40),
        contract_size=Decimal("0.0001"), maker_fee=Decimal("0.0001"), taker_fee=Decimal("0.0006"),
        max_leverage=Decimal(500), band=PriceBand("mark", buy_up=Decimal("1.1"), sell_down=Decimal("0.9")),
        funding_interval_h=8,
    )  # fmt: skip
    lot = found["LOT/USDT:USDT"]
    assert (lot.lot, lot.min_qty, lot.max_qty) == (Decimal("19.2"), Decimal("38.4"), Decimal(960))
    assert found["SUI/USDC:USDC"].tick == Decimal("0.0001")


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (SPOT, "<html>", "mexc spot exchangeInfo cannot be read"),
        (SPOT, '{"code":429,"msg":"Too Many\\nRequests"}', "refused: 429 Too Many Requests"),
        (SPOT, '{"symbols":[]}', "holds no listing"),
        (SPOT, '{"symbols":[{}]}', "1 listings and none can be read"),
        (LINEAR, '{"success":false,"code":510,"message":"Requests are too frequent"}', "refused: 510 Requests are too"),
        (LINEAR, '{"success":true,"code":0,"data":[]}', "mexc linear contract/detail holds no listing"),
        (LINEAR, "[]", "cannot be read"),
    ],
)
def test_a_reply_that_is_no_listing_is_told_in_one_line(codec: Codec, kind: MarketKind, body: str, words: str) -> None:
    with pytest.raises(WireError) as caught:
        codec.decode_instruments(kind, body)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_requests(codec: Codec) -> None:
    bitcoin, contract = listed(codec, SPOT)["BTC/USDT"], listed(codec, LINEAR)["BTC/USDT:USDT"]
    assert codec.snapshot_request(bitcoin) == HttpRequest(
        "snapshot", SPOT, "GET", "https://api.mexc.com/api/v3/depth?symbol=BTCUSDT&limit=5000", 1, SPOT_KEY
    )
    assert codec.snapshot_request(contract) == HttpRequest(
        "snapshot", LINEAR, "GET", "https://api.mexc.com/api/v1/contract/depth/BTC_USDT", 1, KEY
    )
    urls = [codec.instruments_request(kind).url for kind in (SPOT, LINEAR)]
    assert urls == ["https://api.mexc.com/api/v3/exchangeInfo", "https://api.mexc.com/api/v1/contract/detail"]


def test_a_listing_of_perpetuals_may_be_asked_for_once_in_five_seconds_and_holds_up_no_book(codec: Codec) -> None:
    limits = RateLimiter(codec.spec.markets[LINEAR].rate_limits, random.Random(1))
    listing, book = codec.instruments_request(LINEAR), codec.snapshot_request(listed(codec, LINEAR)["BTC/USDT:USDT"])
    assert book is not None

    def wait_s(request: HttpRequest, now_s: float) -> float:
        return limits.reserve(request.weight, Lane.QUERY, int(now_s * 1e9), purpose=request.purpose) / 1e9

    assert wait_s(listing, 100) == 0
    assert 3.9 < wait_s(listing, 101) <= 4
    assert [wait_s(book, 101) for _ in range(15)] == [0] * 15
    assert wait_s(listing, 105) == 0


@pytest.mark.parametrize(
    ("kind", "body", "path"),
    [
        (SPOT, '{"serverTime":1700000000123}', "/api/v3/time"),
        (LINEAR, '{"success":true,"code":0,"data":1700000000123}', "/api/v1/contract/ping"),
    ],
)
def test_the_venue_tells_its_time(codec: Codec, kind: MarketKind, body: str, path: str) -> None:
    request = codec.time_request(kind)
    assert request is not None and (request.purpose, request.url) == ("time", f"https://api.mexc.com{path}")
    assert codec.decode_time(kind, body) == 1_700_000_000_123 * MS
    for odd in ("{}", "x", '{"serverTime":-1,"data":-1}'):
        with pytest.raises(WireError, match=f"mexc {kind.value} time"):
            codec.decode_time(kind, odd)


def test_rest_books_are_snapshots(codec: Codec) -> None:
    bitcoin = codec.snapshot_request(listed(codec, SPOT)["BTC/USDT"])
    contract = codec.snapshot_request(listed(codec, LINEAR)["BTC/USDT:USDT"])
    assert bitcoin is not None and contract is not None
    assert list(codec.decode_http(bitcoin, SPOT_SNAPSHOT, NOW)) == [
        BookSnapshot(SPOT_KEY, 1_700_000_000_000 * MS, NOW, 1000, [(89999.9, 1.0), (89999.0, 2.0)],
                     [(90000.1, 2.0), (90000.2, 3.0)], 2, 0)
    ]  # fmt: skip
    assert list(codec.decode_http(contract, SNAPSHOT.encode(), NOW)) == [
        BookSnapshot(KEY, 1_700_000_000_000 * MS, NOW, 1000, [(89999.9, 0.005)], [(90000.1, 0.0121)])
    ]
    refused = '{"success":false,"code":510,"message":"x"}'
    odd = [(contract, refused), (contract, SNAPSHOT.replace("50,", "-50,")), (bitcoin, refused), (bitcoin, "[]")]
    for request, body in [*odd, (msgspec.structs.replace(contract, key="mexc:NEW/USDT:USDT"), SNAPSHOT)]:
        (event,) = codec.decode_http(request, body, NOW)
        assert isinstance(event, UnknownFrame)
    (event,) = codec.decode_http(codec.instruments_request(SPOT), "{}", NOW)
    assert isinstance(event, UnknownFrame)


def test_recorded_replies_are_recognised_by_address_or_shape(codec: Codec) -> None:
    def key(kind: MarketKind, url: str, raw: str, keys: tuple[str, ...] = ()) -> str | None:
        request = codec.recognise_http(kind, url, raw, keys)
        return None if request is None else request.key or request.purpose

    base = "https://api.mexc.com"
    assert key(SPOT, f"{base}/api/v3/exchangeInfo", "") == key(SPOT, "", LISTED_SPOT) == "instruments"
    assert key(LINEAR, f"{base}/api/v1/contract/detail", "") == key(LINEAR, "", LISTED_LINEAR) == "instruments"
    assert key(SPOT, f"{base}/api/v3/depth?symbol=BTCUSDT&limit=5000", "") == SPOT_KEY
    assert key(LINEAR, f"{base}/api/v1/contract/depth/BTC_USDT", "") == KEY
    assert key(SPOT, "", SPOT_SNAPSHOT, (SPOT_KEY,)) == SPOT_KEY
    assert key(LINEAR, "", SNAPSHOT, (KEY,)) == KEY
    assert key(LINEAR, "", SNAPSHOT, (KEY, "x")) is key(SPOT, f"{base}/api/v3/depth?symbol=NEWUSDT", "") is None
    assert key(LINEAR, f"{base}/api/v3/depth?symbol=BTCUSDT", "") is key(SPOT, f"{base}/other", "") is None
    codec.adopt_unknown = True
    assert key(SPOT, f"{base}/api/v3/depth?symbol=NEWUSDT", "") == "mexc:NEW/USDT"


# ---------------------------------------------------------------------- together with the book


def live(codec: Codec, kind: MarketKind, early: list[str | bytes], snapshot: str) -> MarketData:
    data = MarketData(codec)
    data.add(listed(codec, kind)["BTC/USDT" if kind is SPOT else "BTC/USDT:USDT"])
    for raw in early:
        data.on_frame(kind, raw, NOW)
    (request,) = data.wanted_snapshots()
    data.on_http(request, snapshot, NOW)
    return data


@pytest.mark.parametrize(
    ("lower", "higher", "state"),
    [(990, 999, "syncing"), (995, 1000, "live"), (995, 1001, "live"), (1001, 1004, "live"), (1002, 1004, "syncing")],
)
def test_a_snapshot_goes_live_only_with_an_update_that_bridges_it(
    codec: Codec, lower: int, higher: int, state: str
) -> None:
    data = live(codec, SPOT, [spot_delta(str(lower), str(higher))], SPOT_SNAPSHOT)
    assert data.markets[SPOT_KEY].state == state
    assert bool(data.wanted_snapshots()) == (lower > 1001)


def test_a_version_that_is_missing_takes_either_book_out_of_live_and_a_new_snapshot_heals_it(codec: Codec) -> None:
    data = live(codec, SPOT, [SPOT_DELTA], SPOT_SNAPSHOT)
    assert (data.markets[SPOT_KEY].state, data.markets[SPOT_KEY].book.best_bid()) == (BookState.LIVE, (89999.9, 1.25))
    data.on_frame(SPOT, spot_delta("1006", "1008"), NOW)
    market = data.markets[SPOT_KEY]
    assert (market.state, market.sequencer.stats.gaps) == (BookState.SYNCING, 1)
    (request,) = data.wanted_snapshots()
    data.on_http(request, SPOT_SNAPSHOT.replace("1000,", "1007,"), NOW)
    assert data.markets[SPOT_KEY].state is BookState.LIVE

    data = live(codec, LINEAR, [DELTA], SNAPSHOT)
    market = data.markets[KEY]
    assert (market.state, market.book.best_bid(), market.book.best_ask()) == (
        BookState.LIVE, (89999.9, 0.006), (90000.2, 0.0007)
    )  # fmt: skip
    data.on_frame(LINEAR, DELTA.replace("1001", "1005").replace("1003", "1006"), NOW)
    assert (data.markets[KEY].state, market.sequencer.stats.gaps) == (BookState.SYNCING, 1)
    (request,) = data.wanted_snapshots()
    data.on_http(request, SNAPSHOT.replace("1000,", "1005,"), NOW)
    assert data.markets[KEY].state is BookState.LIVE


# ---------------------------------------------------------------------- robustness


@given(st.binary(max_size=400), st.sampled_from([SPOT, LINEAR]), st.booleans())
def test_no_bytes_make_it_raise(raw: bytes, kind: MarketKind, adopting: bool) -> None:
    codec = make_codec({})
    codec.adopt_unknown = adopting
    codec.register(codec.decode_instruments(kind, LISTED_SPOT if kind is SPOT else LISTED_LINEAR))
    for frame in (raw, raw.decode(errors="replace"), b"\x1f\x8b" + raw):
        codec.decode(kind, frame, NOW)
        codec.recognise_http(kind, "", frame, ("k",))
        assert all(found.instrument.tick > 0 for found in codec.infer(kind, [frame]))


@given(st.integers(0, len(SPOT_DELTA) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_byte_of_a_binary_frame_gives_an_event_or_words_and_never_an_unsound_level(
    place: int, value: int, adopting: bool
) -> None:
    codec = make_codec({})
    codec.adopt_unknown = adopting
    codec.register(codec.decode_instruments(SPOT, LISTED_SPOT))
    raw = bytearray(SPOT_DELTA)
    raw[place] = value
    for event in codec.decode(SPOT, bytes(raw), NOW):
        if isinstance(event, BookDelta):
            assert all(0 < price <= 1e15 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)
            assert 0 <= event.first_id <= event.last_id


def test_only_this_venue_loads_protobuf_and_ccxts_own_messages_do_not_get_in_its_way() -> None:
    program = (
        "import sys; from jackbot_tui.venues import VENUES, load_venue\n"
        "[load_venue(name) for name in VENUES if name != 'mexc']\n"
        "assert not [name for name in sys.modules if name.startswith('google')]\n"
        "import ccxt.protobuf.mexc.PushDataV3ApiWrapper_pb2 as theirs; from jackbot_tui.venues.mexc import messages\n"
        f"raw = bytes.fromhex('{SPOT_DELTA.hex()}')\n"
        "other = theirs.PushDataV3ApiWrapper.FromString(raw)\n"
        "assert other.publicAggreDepths.toVersion == messages.read(raw).publicAggreDepths.toVersion == '1004'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
