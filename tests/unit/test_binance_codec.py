"""Binance's frames and requests: the samples of the wire notes, both envelopes, and everything that is no event."""

import msgspec
import pytest

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import ConfigError, WireError
from jackbot_tui.model.instrument import Instrument
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
from jackbot_tui.venues import VENUES, load_venue
from jackbot_tui.venues.base import Channel, Codec, HttpRequest
from tests.binance_world import depth, depth_reply

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
NOW = 1_795_000_000_500 * MS

LISTED_SPOT = r"""{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT",
"orderTypes":["LIMIT","LIMIT_MAKER","MARKET"],"isSpotTradingAllowed":true,"permissions":[],"permissionSets":[["SPOT"]],
"filters":[{"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000.00","tickSize":"0.01"},
{"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000.0","stepSize":"0.00001"},
{"filterType":"MARKET_LOT_SIZE","minQty":"0.00000000","maxQty":"110.5","stepSize":"0.00000000"},
{"filterType":"MAX_NUM_ORDERS","maxNumOrders":200},
{"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"5","bidMultiplierDown":"0.2","askMultiplierUp":"4",
"askMultiplierDown":"0.3","avgPriceMins":5},
{"filterType":"NOTIONAL","minNotional":"5.0","applyMinToMarket":true,"maxNotional":"9000000.0","avgPriceMins":5}]},
{"symbol":"OLDUSDT","status":"BREAK","baseAsset":"OLD","quoteAsset":"USDT","filters":[]},
{"symbol":"NOSPOTUSDT","status":"TRADING","isSpotTradingAllowed":false,"baseAsset":"NOSPOT","quoteAsset":"USDT",
"filters":[]},
{"symbol":"ODDUSDT","status":"TRADING","baseAsset":"ODD","quoteAsset":"USDT","filters":[{"filterType":7}]}]}"""

LISTED_LINEAR = r"""{"symbols":[{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING",
"baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,"quantityPrecision":3,
"filters":[{"filterType":"PRICE_FILTER","minPrice":"261.10","maxPrice":"809484","tickSize":"0.10"},
{"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},
{"filterType":"MARKET_LOT_SIZE","minQty":"0.001","maxQty":"120","stepSize":"0.001"},
{"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MIN_NOTIONAL","notional":"50"},
{"filterType":"PERCENT_PRICE","multiplierUp":"1.0500","multiplierDown":"0.9500","multiplierDecimal":"4"}]},
{"symbol":"1000PEPEUSDT","contractType":"PERPETUAL","status":"TRADING","baseAsset":"1000PEPE","quoteAsset":"USDT",
"marginAsset":"USDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.0000001"},
{"filterType":"LOT_SIZE","stepSize":"1"}]},
{"symbol":"BTCUSDC","contractType":"PERPETUAL","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDC",
"marginAsset":"USDC","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.1"},
{"filterType":"LOT_SIZE","stepSize":"0.001"}]},
{"symbol":"BTCUSDT_270326","contractType":"CURRENT_QUARTER","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT",
"marginAsset":"USDT","filters":[]},
{"symbol":"TSLAUSDT","contractType":"TRADIFI_PERPETUAL","status":"TRADING","baseAsset":"TSLA","quoteAsset":"USDT",
"marginAsset":"USDT","filters":[]},
{"symbol":"SETUSDT","contractType":"PERPETUAL","status":"SETTLING","baseAsset":"SET","quoteAsset":"USDT",
"marginAsset":"USDT","filters":[]}]}"""


def listed(codec: Codec, kind: MarketKind) -> dict[str, Instrument]:
    body = LISTED_SPOT if kind is SPOT else LISTED_LINEAR
    return {instrument.symbol: instrument for instrument in codec.decode_instruments(kind, body.encode())}


@pytest.fixture
def codec() -> Codec:
    made = load_venue("binance")
    for kind in (SPOT, LINEAR):
        made.register(list(listed(made, kind).values()))
    return made


def one(codec: Codec, kind: MarketKind, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(kind, raw, NOW)
    return event


def wrapped(stream: str, data: str) -> str:
    return f'{{"stream":"{stream}","data":{data}}}'


# ---------------------------------------------------------------------- frames

DEPTH_SPOT = (
    '{"e":"depthUpdate","E":1795000000105,"s":"BTCUSDT","U":9001,"u":9004,'
    '"b":[["64000.10","0.52000000"],["63999.00","0.00000000"]],"a":[["64000.20","1.10000000"]]}'
)
DEPTH_LINEAR = (
    '{"e":"depthUpdate","E":1795000000105,"T":1795000000104,"s":"BTCUSDT","ps":"BTCUSDT","st":1,"U":9001,"u":9004,'
    '"pu":8990,"b":[["64000.1","0.520"],["63999.0","0.000"]],"a":[["64000.2","1.100"]]}'
)
LEVELS = ([(64000.1, 0.52), (63999.0, 0.0)], [(64000.2, 1.1)])


@pytest.mark.parametrize(
    ("kind", "data", "key", "previous"),
    [
        (SPOT, DEPTH_SPOT, "binance:BTC/USDT", 9000),  # spot has no previous id: one below the first is the same fact
        (LINEAR, DEPTH_LINEAR, "binance:BTC/USDT:USDT", 8990),
    ],
)
@pytest.mark.parametrize("envelope", ["combined", "raw", "spaced"])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_depth_update(
    codec: Codec, kind: MarketKind, data: str, key: str, previous: int, envelope: str, as_bytes: bool
) -> None:
    text = data if envelope == "raw" else wrapped("btcusdt@depth@100ms", data)
    if envelope == "spaced":
        text = text.replace('":', '" : ').replace(",", ", ")
    event = one(codec, kind, text.encode() if as_bytes else text)
    assert event == BookDelta(key, 1795000000105 * MS, NOW, 9001, 9004, previous, *LEVELS)


TRADE = (
    '{"e":"trade","E":1795000000210,"s":"BTCUSDT","t":4711,"p":"64000.20","q":"0.01000000","T":1795000000209,'
    '"m":true,"M":true}'
)
AGG_TRADE = (
    '{"e":"aggTrade","E":1795000000310,"s":"BTCUSDT","a":812,"p":"64000.2","q":"0.150","nq":"0.150","f":9911,"l":9913,'
    '"T":1795000000302,"m":false,"st":1}'
)


@pytest.mark.parametrize("bare", [False, True])
def test_trades_keep_the_texts_and_name_the_aggressor(codec: Codec, bare: bool) -> None:
    trade = one(codec, SPOT, TRADE if bare else wrapped("btcusdt@trade", TRADE))
    assert trade == Trade(
        "binance:BTC/USDT", 1795000000209 * MS, NOW, "4711", Side.SELL, 64000.2, 0.01, "64000.20", "0.01000000"
    )
    aggregate = one(codec, LINEAR, AGG_TRADE if bare else wrapped("btcusdt@aggTrade", AGG_TRADE))
    assert aggregate == Trade(
        "binance:BTC/USDT:USDT", 1795000000302 * MS, NOW, "812", Side.BUY, 64000.2, 0.15, "64000.2", "0.150"
    )


@pytest.mark.parametrize(("kind_of_match", "events"), [("MARKET", 1), ("INSURANCE_FUND", 0), ("ADL", 0), ("NA", 0)])
def test_only_market_trades_of_usdm_are_trades(codec: Codec, kind_of_match: str, events: int) -> None:
    raw = wrapped("btcusdt@trade", TRADE.replace('"M":true', f'"X":"{kind_of_match}"'))
    assert len(codec.decode(LINEAR, raw, NOW)) == events


def test_book_tickers_of_both_markets(codec: Codec) -> None:
    body = '"u":77,"s":"BTCUSDT","b":"64000.10","B":"3.78826000","a":"64000.20","A":"1.5"'
    spot = BookTicker("binance:BTC/USDT", 0, NOW, 77, 64000.1, 3.78826, 64000.2, 1.5)
    assert one(codec, SPOT, wrapped("btcusdt@bookTicker", f"{{{body}}}")) == spot
    assert one(codec, SPOT, f"{{{body}}}") == spot
    linear = one(codec, LINEAR, wrapped("btcusdt@bookTicker", f'{{"e":"bookTicker",{body},"T":5,"E":6}}'))
    assert linear == BookTicker("binance:BTC/USDT:USDT", 5 * MS, NOW, 77, 64000.1, 3.78826, 64000.2, 1.5)


@pytest.mark.parametrize(("rate", "value"), [("0.00010000", 0.0001), ("-0.00375", -0.00375), ("", 0.0)])
def test_mark_price(codec: Codec, rate: str, value: float) -> None:
    data = (
        '{"e":"markPriceUpdate","E":1795000000000,"s":"BTCUSDT","p":"64001.2","ap":"64000.9","i":"63998.0",'
        f'"P":"63999.1","r":"{rate}","T":1795008000000,"st":1}}'
    )
    assert one(codec, LINEAR, wrapped("btcusdt@markPrice@1s", data)) == MarkPrice(
        "binance:BTC/USDT:USDT", 1795000000000 * MS, NOW, 64001.2, 63998.0, value, 1795008000000 * MS
    )


@pytest.mark.parametrize("rate", ["-", "--0.1", "1.5", "0.0001e9", "nan"])
def test_a_funding_rate_that_is_no_figure_makes_the_frame_unknown(codec: Codec, rate: str) -> None:
    data = f'{{"e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"64001.2","i":"63998.0","r":"{rate}","T":9}}'
    assert isinstance(one(codec, LINEAR, wrapped("btcusdt@markPrice@1s", data)), UnknownFrame)


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        ('{"result":null,"id":7}', SubscriptionAck(7)),
        ('{"result":["btcusdt@depth@100ms"],"id":9}', SubscriptionAck(9)),
        ('{"id":"12","result":null}', SubscriptionAck(12)),
        ('{"code":2,"msg":"Invalid request: x","id":7}', VenueNotice("error", "2", "Invalid request: x", 7)),
        ('{"error":{"code":3,"msg":"Invalid JSON"},"id":8}', VenueNotice("error", "3", "Invalid JSON", 8)),
        ('{"error":{"code":3,"msg":"Invalid JSON"},"id":null}', VenueNotice("error", "3", "Invalid JSON", -1)),
        (
            '{"e":"serverShutdown","E":1795000000000}',
            VenueNotice("shutdown", "serverShutdown", "the server will close this connection soon"),
        ),
        (
            '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
            VenueNotice("shutdown", "serverShutdown", "the server will close this connection soon"),
        ),
    ],
)
def test_answers_and_service_messages(codec: Codec, raw: str, event: FeedEvent) -> None:
    assert one(codec, SPOT, raw) == event


def bad_depth(price: str, size: str) -> str:
    return wrapped("btcusdt@depth@100ms", DEPTH_SPOT.replace("64000.20", price).replace("1.10000000", size))


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "ping",
        "[]",
        "7",
        "null",
        "{}",
        b"\xff\xfe",
        '{"stream":"btcusdt@depth"}',
        '{"stream":"btcusdt@depth","data":7}',
        '{"stream":"btcusdt@depth","data":null}',
        '{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1,"s":"BTCUSDT"}}',
        '{"e":"24hrTicker","s":"BTCUSDT"}',
        wrapped("btcusdt@depth@100ms", DEPTH_SPOT[:-30]),
        wrapped("btcusdt@depth@100ms", DEPTH_SPOT).replace('"u":9004', '"u":"many"'),
        bad_depth("NaN", "1"),
        bad_depth("inf", "1"),
        bad_depth("0", "1"),
        bad_depth("-5", "1"),
        bad_depth("64000.2", "nan"),
        bad_depth("64000.2", "-1"),
        bad_depth("64000.2", "Infinity"),
        wrapped("btcusdt@trade", TRADE.replace("64000.20", "nan")),
        wrapped("btcusdt@trade", TRADE.replace("64000.20", "1_0")),
        wrapped("btcusdt@trade", TRADE.replace("64000.20", " 1")),
        wrapped("btcusdt@trade", TRADE.replace("64000.20", "0.00")),
        wrapped("btcusdt@trade", TRADE.replace("0.01000000", "-1")),
        wrapped("btcusdt@trade", TRADE.replace("0.01000000", "1e3")),
        wrapped("btcusdt@trade", TRADE.replace("0.01000000", "1" * 50)),
        wrapped("btcusdt@trade", TRADE.replace("0.01000000", "")),
        wrapped("nobodyusdt@trade", TRADE.replace("BTCUSDT", "NOBODYUSDT")),
        wrapped("nobodyusdt@depth@100ms", DEPTH_SPOT.replace("BTCUSDT", "NOBODYUSDT")),
        '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}',
        "[" * 5000,
    ],
)
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    event = one(codec, SPOT, raw)
    assert isinstance(event, UnknownFrame) and event.reason
    assert len(event.raw) <= 2000 and len(event.reason) <= 200


@pytest.mark.parametrize("channel", ["depth5", "depth10@100ms", "depth20@500ms", "rpiDepth@500ms"])
def test_a_partial_book_never_passes_for_an_update(codec: Codec, channel: str) -> None:
    assert isinstance(one(codec, LINEAR, wrapped(f"btcusdt@{channel}", DEPTH_LINEAR)), UnknownFrame)


@pytest.mark.parametrize("channel", ["depth", "depth@100ms", "depth@0ms", "depth@500ms"])
def test_any_diff_depth_speed_is_an_update(codec: Codec, channel: str) -> None:
    assert isinstance(one(codec, LINEAR, wrapped(f"btcusdt@{channel}", DEPTH_LINEAR)), BookDelta)


def test_unregistered_symbols_are_adopted_when_told_to() -> None:
    codec = load_venue("binance")
    raw = depth("ETHUSDT", 1, 2, [(3000.25, 1.5)], [], previous=0)
    assert isinstance(one(codec, LINEAR, raw), UnknownFrame)
    codec.adopt_unknown = True
    event = one(codec, LINEAR, raw)
    assert isinstance(event, BookDelta) and event.key == "binance:ETH/USDT:USDT"
    adopted = codec.adopted(event.key)
    assert adopted is not None and (adopted.native, str(adopted.tick), str(adopted.lot)) == ("ETHUSDT", "0.01", "0.001")
    assert isinstance(one(codec, LINEAR, depth("BTCUSDT_270326", 1, 2, [(1.0, 1.0)], [])), UnknownFrame)


@pytest.mark.parametrize("native", ["BTCUSD_PERP", "BTCUSD_270326"])
def test_coin_margined_contracts_are_nobody_here_even_when_unknown_ones_are_adopted(native: str) -> None:
    codec = load_venue("binance")
    codec.adopt_unknown = True
    raw = wrapped(f"{native.lower()}@depth@100ms", DEPTH_LINEAR.replace("BTCUSDT", native).replace('"st":1', '"st":2'))
    assert isinstance(one(codec, LINEAR, raw), UnknownFrame)


# ---------------------------------------------------------------------- requests


def test_plan_of_both_markets_uses_one_trade_stream_and_the_routes_of_usdm(codec: Codec) -> None:
    instruments = [listed(codec, SPOT)["BTC/USDT"], *listed(codec, LINEAR).values()][:3]
    plans = codec.plan(instruments, list(Channel))
    assert [(plan.conn, plan.url) for plan in plans] == [
        ("binance.spot.public", "wss://stream.binance.com:9443/stream"),
        ("binance.linear.public", "wss://fstream.binance.com/public/stream"),
        ("binance.linear.market", "wss://fstream.binance.com/market/stream"),
    ]
    spot, public, market = plans
    assert spot.topics == ("btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@bookTicker")
    assert public.topics == (
        "btcusdt@depth@100ms",
        "btcusdt@bookTicker",
        "1000pepeusdt@depth@100ms",
        "1000pepeusdt@bookTicker",
    )
    assert market.topics == (
        "btcusdt@aggTrade",
        "btcusdt@markPrice@1s",
        "1000pepeusdt@aggTrade",
        "1000pepeusdt@markPrice@1s",
    )
    assert spot.book_keys == ("binance:BTC/USDT",)
    assert public.book_keys == ("binance:BTC/USDT:USDT", "binance:1000PEPE/USDT:USDT")
    assert market.book_keys == ()


def many(codec: Codec, count: int) -> list[Instrument]:
    model = listed(codec, SPOT)["BTC/USDT"]
    return [msgspec.structs.replace(model, native=f"C{at}USDT", symbol=f"C{at}/USDT") for at in range(count)]


def test_subscribe_frames_name_at_most_200_streams_and_count_their_ids(codec: Codec) -> None:
    (plan,) = codec.plan(many(codec, 250), [Channel.BOOK, Channel.TRADES])
    frames = [(request_id, msgspec.json.decode(raw)) for request_id, raw in codec.subscribe(plan, 41)]
    assert [request_id for request_id, _ in frames] == [41, 42, 43]
    assert [(body["method"], body["id"], len(body["params"])) for _, body in frames] == [
        ("SUBSCRIBE", 41, 200), ("SUBSCRIBE", 42, 200), ("SUBSCRIBE", 43, 100),
    ]  # fmt: skip
    assert [name for _, body in frames for name in body["params"]] == list(plan.topics)


def test_more_streams_than_a_connection_carries_are_split(codec: Codec) -> None:
    plans = codec.plan(many(codec, 1100), [Channel.BOOK])
    assert [(plan.conn, len(plan.topics)) for plan in plans] == [
        ("binance.spot.public", 1024), ("binance.spot.public.2", 76),
    ]  # fmt: skip
    assert sum(len(plan.book_keys) for plan in plans) == 1100


@pytest.mark.parametrize(
    ("kind", "symbol", "url", "weight"),
    [
        (SPOT, "BTC/USDT", "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000", 50),
        (LINEAR, "1000PEPE/USDT:USDT", "https://fapi.binance.com/fapi/v1/depth?symbol=1000PEPEUSDT&limit=1000", 20),
    ],
)
def test_snapshot_request(codec: Codec, kind: MarketKind, symbol: str, url: str, weight: int) -> None:
    request = codec.snapshot_request(listed(codec, kind)[symbol])
    assert request == HttpRequest("snapshot", kind, "GET", url, weight, f"binance:{symbol}")
    assert codec.spec.markets[kind].snapshot_weight == weight


def test_endpoints_can_be_overridden_and_a_wrong_name_is_told() -> None:
    codec = load_venue("binance", {"spot.public": "ws://127.0.0.1:9/stream-spot", "linear.rest": "http://127.0.0.1:9/"})
    assert codec.spec.markets[SPOT].ws_urls["public"] == "ws://127.0.0.1:9/stream-spot"
    assert codec.instruments_request(LINEAR).url == "http://127.0.0.1:9/fapi/v1/exchangeInfo"
    (plan,) = codec.plan(many(codec, 1), [Channel.BOOK])
    assert plan.url == "ws://127.0.0.1:9/stream-spot/stream"
    assert load_venue("binance").spec.markets[SPOT].rest_url == "https://api.binance.com"
    with pytest.raises(ConfigError, match=r"no endpoint 'linear\.pubic': did you mean linear\.public\?"):
        load_venue("binance", {"linear.pubic": "ws://x"})


def test_every_venue_loads_and_an_unknown_one_names_the_nearest() -> None:
    for name in VENUES:
        assert load_venue(name).spec.name == name
    with pytest.raises(ConfigError, match="did you mean binance"):
        load_venue("binanse")


# ---------------------------------------------------------------------- replies


def test_spot_instruments(codec: Codec) -> None:
    found = listed(codec, SPOT)
    assert list(found) == ["BTC/USDT"], "halted, not spot, and unreadable listings are left out"
    btc = found["BTC/USDT"]
    texts = [str(value) for value in (btc.tick, btc.lot, btc.min_qty, btc.max_qty, btc.market_max_qty)]
    assert texts == ["0.01", "0.00001", "0.00001", "9000", "110.5"]
    assert (str(btc.min_notional), str(btc.max_notional), btc.max_orders) == ("5", "9000000", 200)
    assert (str(btc.min_price), str(btc.max_price)) == ("0.01", "1000000")
    assert btc.band is not None
    band = btc.band
    assert [str(x) for x in (band.reference, band.buy_up, band.buy_down, band.sell_up, band.sell_down)] == [
        "average", "5", "0.2", "4", "0.3",
    ]  # fmt: skip
    assert (btc.key, btc.settle, btc.price_places, btc.qty_places, btc.funding_interval_h) == (
        "binance:BTC/USDT", "USDT", 2, 5, 0,
    )  # fmt: skip
    assert (str(btc.maker_fee), str(btc.taker_fee)) == ("0.001", "0.001")


def test_linear_instruments(codec: Codec) -> None:
    found = listed(codec, LINEAR)
    assert list(found) == ["BTC/USDT:USDT", "1000PEPE/USDT:USDT", "BTC/USDC:USDC"]
    btc = found["BTC/USDT:USDT"]
    assert [str(x) for x in (btc.tick, btc.lot, btc.market_max_qty, btc.min_notional, btc.max_leverage)] == [
        "0.1", "0.001", "120", "50", "125",
    ]  # fmt: skip
    assert btc.band is not None and btc.band.reference == "mark"
    assert [str(x) for x in (btc.band.buy_up, btc.band.buy_down, btc.band.sell_up, btc.band.sell_down)] == [
        "1.05", "0", "0", "0.95",
    ]  # fmt: skip
    assert (btc.max_orders, btc.funding_interval_h, btc.is_perpetual) == (200, 8, True)
    assert found["1000PEPE/USDT:USDT"].base == "1000PEPE" and found["BTC/USDC:USDC"].settle == "USDC"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":-1003,"msg":"way too much"}', b"\xff"])
def test_a_reply_that_is_no_exchange_info_is_a_wire_error(codec: Codec, body: bytes) -> None:
    with pytest.raises(WireError, match="binance spot exchangeInfo cannot be read"):
        codec.decode_instruments(SPOT, body)


def test_an_exchange_info_without_a_readable_listing_is_a_wire_error(codec: Codec) -> None:
    with pytest.raises(WireError, match="2 listings and none can be read"):
        codec.decode_instruments(SPOT, b'{"symbols":[{"a":1},{"b":2}]}')


def snapshot_event(codec: Codec, body: str) -> FeedEvent:
    request = codec.snapshot_request(listed(codec, SPOT)["BTC/USDT"])
    assert request is not None
    (event,) = codec.decode_http(request, body, NOW)
    return event


def test_depth_reply(codec: Codec) -> None:
    body = '{"lastUpdateId":9002,"E":5,"T":4,"bids":[["64000.10","0.50000000"]],"asks":[["64000.20","1.10000000"]]}'
    assert snapshot_event(codec, body) == BookSnapshot(
        "binance:BTC/USDT", 5 * MS, NOW, 9002, [(64000.1, 0.5)], [(64000.2, 1.1)], 2, 8
    )


def test_a_depth_reply_without_padding_has_no_fixed_decimals(codec: Codec) -> None:
    event = snapshot_event(codec, '{"lastUpdateId":1,"bids":[["64000.1","0.5"]],"asks":[["64001","1.25"]]}')
    assert isinstance(event, BookSnapshot) and (event.price_decimals, event.size_decimals) == (-1, -1)


@pytest.mark.parametrize(
    "body",
    [
        '{"code":-1121,"msg":"Invalid symbol."}',
        "<html>",
        '{"lastUpdateId":1,"bids":[["nan","1"]],"asks":[]}',
        '{"lastUpdateId":1,"bids":[["0.0","1"]],"asks":[]}',
        '{"lastUpdateId":1,"bids":[["1","-1"]],"asks":[]}',
        '{"lastUpdateId":1,"bids":[["1"]],"asks":[]}',
        '{"lastUpdateId":"x","bids":[],"asks":[]}',
    ],
)
def test_an_unreadable_depth_reply_is_unknown(codec: Codec, body: str) -> None:
    event = snapshot_event(codec, body)
    assert isinstance(event, UnknownFrame) and "BTC/USDT" in event.reason


@pytest.mark.parametrize(
    ("url", "raw", "keys", "expected"),
    [
        ("https://h/api/v3/depth?symbol=BTCUSDT&limit=1000", "", (), ("snapshot", "binance:BTC/USDT")),
        ("https://h/api/v3/exchangeInfo", "", (), ("instruments", "")),
        ("https://h/api/v3/depth?symbol=NOBODYUSDT", "", (), None),
        ("https://h/fapi/v1/depth?symbol=BTCUSDT", "", (), None),
        ("https://h/api/v3/time", '{"serverTime":1}', ("a",), None),
        ("https://[", '{"lastUpdateId":1}', ("a",), None),
        ("", depth_reply(1, [(1.0, 1.0)], []), ("a",), ("snapshot", "a")),
        ("", depth_reply(1, [(1.0, 1.0)], []), ("a", "b"), None),
        ("", LISTED_SPOT, (), ("instruments", "")),
        ("", '{"serverTime":1}', ("a",), None),
    ],
)
def test_recorded_replies_are_recognised(
    codec: Codec, url: str, raw: str, keys: tuple[str, ...], expected: tuple[str, str] | None
) -> None:
    request = codec.recognise_http(SPOT, url, raw, keys)
    assert (None if request is None else (request.purpose, request.key)) == expected
