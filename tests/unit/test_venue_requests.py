"""What venues are asked besides market data: their clocks, further pages and categories of instruments, headers."""

import msgspec
import pytest

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.venues import VENUES, load_venue
from jackbot_tui.venues.base import Channel

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
NOW_MS = 1_795_219_200_123

CLOCKS = [
    ("binance", SPOT, "GET", "/api/v3/time", "", f'{{"serverTime":{NOW_MS}}}', NOW_MS * MS),
    ("binance", LINEAR, "GET", "/fapi/v1/time", "", f'{{"serverTime":{NOW_MS}}}', NOW_MS * MS),
    ("okx", SPOT, "GET", "/api/v5/public/time", "", f'{{"code":"0","data":[{{"ts":"{NOW_MS}"}}]}}', NOW_MS * MS),
    (
        "bybit",
        LINEAR,
        "GET",
        "/v5/market/time",
        "",
        '{"retCode":0,"result":{"timeSecond":"1795219200","timeNano":"1795219200123456789"},"time":1795219200123}',
        1_795_219_200_123_456_789,
    ),
    (
        "bitget",
        LINEAR,
        "GET",
        "/api/v2/public/time",
        "",
        f'{{"code":"00000","data":{{"serverTime":"{NOW_MS}"}}}}',
        NOW_MS * MS,
    ),
    (
        "kraken",
        SPOT,
        "GET",
        "/0/public/Time",
        "",
        '{"error":[],"result":{"unixtime":1795219200,"rfc1123":"Sat"}}',
        1_795_219_200_000 * MS,
    ),
    ("gateio", LINEAR, "GET", "/spot/time", "", f'{{"server_time":{NOW_MS}}}', NOW_MS * MS),
    (
        "hyperliquid",
        SPOT,
        "POST",
        "/info",
        '{"type":"exchangeStatus"}',
        f'{{"time":{NOW_MS},"specialStatuses":null}}',
        NOW_MS * MS,
    ),
]


@pytest.mark.parametrize(("name", "kind", "method", "path", "asked", "reply", "time_ns"), CLOCKS)
def test_a_venue_is_asked_for_its_clock_and_its_answer_is_read(
    name: str, kind: MarketKind, method: str, path: str, asked: str, reply: str, time_ns: int
) -> None:
    codec = load_venue(name)
    request = codec.time_request(kind)
    assert request is not None
    assert (request.purpose, request.method, request.body) == ("time", method, asked)
    assert request.url == codec.spec.markets[kind].rest_url + path
    assert codec.decode_time(kind, reply.encode()) == time_ns


@pytest.mark.parametrize(
    "reply", ["", "null", "[]", "{}", "<html>", '{"serverTime":"soon"}', '{"serverTime":1}', '{"serverTime":-1}']
)
@pytest.mark.parametrize("name", ["binance", "okx", "bybit", "bitget", "kraken", "gateio", "hyperliquid"])
def test_a_reply_without_a_time_of_this_century_says_where_and_what_to_do(name: str, reply: str) -> None:
    with pytest.raises(WireError, match=rf"^{name} spot time: .*check the REST URL"):
        load_venue(name).decode_time(SPOT, reply)


@pytest.mark.parametrize(("name", "kind"), [("cryptocom", SPOT), ("cryptocom", LINEAR), ("kraken", LINEAR)])
def test_venues_without_a_page_for_their_clock_are_not_asked(name: str, kind: MarketKind) -> None:
    assert load_venue(name).time_request(kind) is None


# ---------------------------------------------------------------------- instruments


def test_bybit_lists_go_on_where_the_cursor_says_and_end_without_one() -> None:
    codec = load_venue("bybit")
    first = codec.instruments_request(LINEAR)
    second = codec.next_page(first, '{"retCode":0,"result":{"list":[],"nextPageCursor":"a%3D1&b"}}')
    assert second is not None
    assert second.url == first.url + "&cursor=a%253D1%26b"
    third = codec.next_page(second, '{"retCode":0,"result":{"list":[],"nextPageCursor":"c"}}')
    assert third is not None
    assert third.url == first.url + "&cursor=c"
    for last in ('{"retCode":0,"result":{"list":[],"nextPageCursor":""}}', '{"retCode":10001}', "<html>"):
        assert codec.next_page(third, last) is None


def bitget_listing(symbol: str, base: str, quote: str, category: str) -> dict[str, str]:
    return {
        "symbol": symbol,
        "category": category,
        "baseCoin": base,
        "quoteCoin": quote,
        "type": "perpetual",
        "status": "online",
        "pricePrecision": "1",
        "quantityPrecision": "4",
        "minOrderQty": "0.0001",
    }


def test_bitget_perpetuals_of_both_settlements_are_listed_named_and_subscribed_apart() -> None:
    codec = load_venue("bitget")
    urls = [request.url for request in codec.instruments_requests(LINEAR)]
    assert [url.rpartition("=")[2] for url in urls] == ["USDT-FUTURES", "USDC-FUTURES"]
    assert [request.url.rpartition("=")[2] for request in codec.instruments_requests(SPOT)] == ["SPOT"]
    listed = []
    for row in (
        bitget_listing("BTCUSDT", "BTC", "USDT", "USDT-FUTURES"),
        bitget_listing("BTCPERP", "BTC", "USDC", "USDC-FUTURES"),
        bitget_listing("ETHUSDT", "ETH", "USDT", "USDC-FUTURES"),  # listed under what it does not settle in: left out
    ):
        body = msgspec.json.encode({"code": "00000", "msg": "success", "data": [row]})
        listed += codec.decode_instruments(LINEAR, body)
    assert [(each.symbol, each.native) for each in listed] == [
        ("BTC/USDT:USDT", "BTCUSDT"),
        ("BTC/USDC:USDC", "BTCPERP"),
    ]
    (plan,) = codec.plan(listed, [Channel.BOOK])
    assert plan.topics == ("usdt-futures:books:BTCUSDT", "usdc-futures:books:BTCPERP")
    codec.register(listed)
    frame = (
        '{"action":"snapshot","arg":{"instType":"usdc-futures","topic":"books","symbol":"BTCPERP"},'
        '"data":[{"a":[["60001.0","1"]],"b":[["60000.0","2"]],"seq":7,"pseq":0,"ts":"1795219200123"}],"ts":1795219200124}'
    )
    assert [type(event).__name__ for event in codec.decode(LINEAR, frame, 1)] == ["BookSnapshot"]
    assert [event.key for event in codec.decode(LINEAR, frame, 1)] == ["bitget:BTC/USDC:USDC"]  # type: ignore[union-attr]


# ---------------------------------------------------------------------- Gate's decimal sizes


def test_gate_sends_whole_sizes_of_fractional_contracts_only_to_who_asks_so_we_ask() -> None:
    codec = load_venue("gateio")
    wanted = (("X-Gate-Size-Decimal", "1"),)
    assert codec.instruments_request(LINEAR).headers == wanted
    assert codec.instruments_request(SPOT).headers == ()
    contract = {
        "name": "BTC_USDT",
        "quanto_multiplier": "0.0001",
        "order_price_round": "0.1",
        "enable_decimal": True,
        "order_size_min": "0.1",
        "order_size_max": "1000000",
    }
    (instrument,) = codec.decode_instruments(LINEAR, msgspec.json.encode([contract]))
    assert (str(instrument.lot), str(instrument.min_qty)) == ("0.00001", "0.00001")
    (plan,) = codec.plan([instrument], [Channel.BOOK, Channel.TRADES])
    assert plan.headers == wanted
    codec.register([instrument])
    trade = (
        '{"time_ms":1795219200123,"channel":"futures.trades","event":"update","result":[{"id":5,"contract":"BTC_USDT",'
        '"size":%s,"price":"60000.1","create_time_ms":1795219200123}]}'
    )
    for text, size in (('"-12.5"', 0.00125), ("-12", 0.0012)):
        (event,) = codec.decode(LINEAR, trade % text, 1)
        assert event.size == pytest.approx(size)  # type: ignore[union-attr]
        assert event.side.value == "sell"  # type: ignore[union-attr]
    book = (
        '{"channel":"futures.obu","event":"update","time_ms":1,"result":{"t":1795219200123,"full":true,"s":"ob.BTC_USDT.400",'
        '"u":9,"b":[["60000.0","0.5"]],"a":[["60000.1",3]]}}'
    )
    (snapshot,) = codec.decode(LINEAR, book, 1)
    assert (snapshot.bids[0][1], snapshot.asks[0][1]) == (0.00005, 0.0003)  # type: ignore[union-attr]


# ---------------------------------------------------------------------- specs


@pytest.mark.parametrize("name", VENUES)
def test_what_headers_tell_belongs_to_a_limit_of_the_venue(name: str) -> None:
    spec = load_venue(name).spec
    limits = {(limit.name, limit.interval_s) for market in spec.markets.values() for limit in market.rate_limits}
    assert {(usage.limit, usage.interval_s) for usage in spec.usage_headers} <= limits
    purposes = {purpose for market in spec.markets.values() for each in market.rate_limits for purpose in each.purposes}
    assert purposes <= {"instruments", "snapshot", "time", "address", "private"}


WITHOUT_LIFETIME = ("coinbase",)
"""Numbers its messages by connection, states no lifetime, and so is never moved to a new one without need."""


@pytest.mark.parametrize("name", VENUES)
def test_every_connection_is_planned_to_end_before_a_day_and_every_silence_has_a_limit(name: str) -> None:
    for market in load_venue(name).spec.markets.values():
        assert 0 < market.max_connection_s < 24 * 3600 or name in WITHOUT_LIFETIME
        assert 0 < market.silence_s <= 60
        assert market.unchanged_s >= 0
        assert market.ping_timeout_s > 0


@pytest.mark.parametrize("name", VENUES)
def test_no_request_is_heavier_than_what_queries_may_use_of_a_limit(name: str) -> None:
    codec = load_venue(name)
    for kind, market in codec.spec.markets.items():
        asked = [*codec.instruments_requests(kind), codec.time_request(kind)]
        for request in [each for each in asked if each is not None]:
            for limit in market.rate_limits:
                if limit.name != "CONNECTIONS" and (not limit.purposes or request.purpose in limit.purposes):
                    assert request.weight <= limit.limit
        assert all(market.snapshot_weight <= each.limit for each in market.rate_limits if "WEIGHT" in each.name)
