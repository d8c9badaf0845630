"""The Bybit gateway: frames as bybit.md writes them, requests taken or refused as a whole, numbers, limits, pages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.bybit.front import KEEP_ALIVE_MS, BybitFront
from jackbot_tui.sim.bybit.listings import LISTINGS
from jackbot_tui.sim.bybit.texts import book_text, changed_fields, direction_text, ticker_of, trades_text
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.timeline import Timeline
from jackbot_tui.venues import load_venue

TIMEOUT_S = 10.0
NOW_MS = 1_795_000_000_000
SPOT, LINEAR = "spot.public", "linear.public"
BOOK = "orderbook.200.BTCUSDT"


class Client:
    """A WebSocket client; a ping is answered after all frames that are queued before it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.fences = 0

    async def ask(self, request: Any) -> dict[str, Any]:
        text = request if isinstance(request, str) else json.dumps(request)
        await self.socket.send_str(text)
        answer: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=TIMEOUT_S))
        return answer

    async def join(self, *topics: str) -> None:
        answer = await self.ask({"op": "subscribe", "req_id": "j", "args": topics})
        assert answer["success"], answer

    async def frames(self) -> list[dict[str, Any]]:
        """Everything that has arrived until now."""
        self.fences += 1
        await self.socket.send_json({"op": "ping", "req_id": f"fence {self.fences}"})
        found: list[dict[str, Any]] = []
        while True:
            frame = json.loads(await self.socket.receive_str(timeout=TIMEOUT_S))
            if frame.get("req_id") == f"fence {self.fences}":
                return found
            found.append(frame)


@asynccontextmanager
async def exchange(
    symbols: tuple[str, ...] = ("BTC/USDT:USDT", "BTC/USDT"), **options: Any
) -> AsyncIterator[tuple[SimExchange, aiohttp.ClientSession]]:
    sim = SimExchange(symbols, venue="bybit", seed=7, manual=True, **options)
    async with sim, aiohttp.ClientSession() as session:
        yield sim, session


async def connect(sim: SimExchange, session: aiohttp.ClientSession, name: str, *topics: str) -> Client:
    client = Client(await session.ws_connect(sim.endpoints[name]))
    if topics:
        await client.join(*topics)
    return client


async def fetch(sim: SimExchange, session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(sim.endpoints["linear.rest"] + path) as reply:
        assert reply.status == 200
        return await reply.json()


def stand_still(sim: SimExchange, milliseconds: int) -> None:
    """Let time pass without a market: nothing is submitted, only beats go by."""
    for _ in range(milliseconds // 10):
        sim.timeline.advance_to(sim.timeline.elapsed_ns + 10_000_000)
        sim.gateway.pump()


def market_of(symbol: str, *orders: tuple[Side, int, int]) -> SimMarket:
    """A market with resting orders (side, lots, ticks)."""
    (listing,) = [listing for listing in LISTINGS if listing.instrument.symbol == symbol]
    engine = MatchingEngine()
    market = SimMarket(listing, engine, Timeline(NOW_MS * 1_000_000), 0)
    for side, lots, ticks in orders:
        engine.submit(side, lots, ticks, now=0)
    return market


# ---------------------------------------------------------------------- frames of the page


def test_book_frames_are_those_of_the_page() -> None:
    levels = ((Side.BUY, 120, 640005), (Side.BUY, 3500, 640001), (Side.SELL, 30, 640006))
    market = market_of("BTC/USDT:USDT", *levels)
    whole = [(640005, 120), (640001, 3500)], [(640006, 30)]
    assert book_text(market, BOOK, "snapshot", whole, (8801, 70011), NOW_MS) == (
        '{"topic":"orderbook.200.BTCUSDT","type":"snapshot","ts":1795000000000,"data":{"s":"BTCUSDT",'
        '"b":[["64000.50","0.120"],["64000.10","3.500"]],"a":[["64000.60","0.030"]],"u":8801,"seq":70011},'
        '"cts":1795000000000}'
    )
    change = [(640005, 0)], [(640006, 45)]
    assert book_text(market, BOOK, "delta", change, (8802, 70019), NOW_MS + 100) == (
        '{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1795000000100,"data":{"s":"BTCUSDT",'
        '"b":[["64000.50","0"]],"a":[["64000.60","0.045"]],"u":8802,"seq":70019},"cts":1795000000100}'
    )


def test_spot_and_level_1_tell_the_time_before_the_type_and_spot_pads_nothing() -> None:
    spot = market_of("BTC/USDT", (Side.BUY, 14_000, 651_400))
    assert book_text(spot, BOOK, "delta", ([(651_400, 14_000)], []), (5, 6), NOW_MS).startswith(
        '{"topic":"orderbook.200.BTCUSDT","ts":1795000000000,"type":"delta","data":{"s":"BTCUSDT","b":[["65140","0.014"]]'
    )
    linear = market_of("BTC/USDT:USDT")
    level1 = book_text(linear, "orderbook.1.BTCUSDT", "snapshot", ([], []), (5, 6), NOW_MS)
    assert level1.startswith('{"topic":"orderbook.1.BTCUSDT","ts":1795000000000,"type":"snapshot"')


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "BTC/USDT"])
def test_trades_name_the_takers_side_and_what_their_market_tells(symbol: str) -> None:
    market = market_of(symbol, (Side.SELL, 25, 640006), (Side.BUY, 25, 640005))
    market.engine.submit(Side.BUY, 25, 640006, now=0)
    market.engine.submit(Side.SELL, 10, 640005, now=0)
    frame = json.loads(trades_text(market, market.fresh_trades, ["PlusTick", "MinusTick"], NOW_MS))
    assert (frame["topic"], frame["type"], frame["ts"]) == ("publicTrade.BTCUSDT", "snapshot", NOW_MS)
    assert [(row["S"], float(row["p"]), row["s"], row["BT"], row["RPI"]) for row in frame["data"]] == [
        ("Buy", 64000.6, "BTCUSDT", False, False),
        ("Sell", 64000.5, "BTCUSDT", False, False),
    ]
    numbers = [row["i"] for row in frame["data"]]
    assert len(set(numbers)) == 2
    if symbol == "BTC/USDT":
        assert all(number.isdigit() for number in numbers) and "L" not in frame["data"][0]
        assert [row["v"] for row in frame["data"]] == ["0.000025", "0.00001"]
    else:
        assert all(len(number) == 36 for number in numbers)
        assert [(row["L"], row["v"]) for row in frame["data"]] == [("PlusTick", "0.025"), ("MinusTick", "0.010")]


def test_tick_directions_remember_the_last_move() -> None:
    directions = []
    before, previous = "ZeroPlusTick", 100
    for price in (100, 101, 101, 99, 99, 99, 100):
        before = direction_text(previous, price, before)
        previous = price
        directions.append(before)
    assert directions == [
        "ZeroPlusTick", "PlusTick", "ZeroPlusTick", "MinusTick", "ZeroMinusTick", "ZeroMinusTick", "PlusTick",
    ]  # fmt: skip


def test_a_tickers_delta_names_a_best_price_together_with_its_size() -> None:
    market = market_of("BTC/USDT:USDT", (Side.BUY, 5, 640000), (Side.SELL, 7, 640010))
    known = ticker_of(market, 64000.0, "ZeroPlusTick", NOW_MS)
    market.engine.submit(Side.BUY, 4, 640000, now=0)
    assert changed_fields(known, ticker_of(market, 64000.0, "ZeroPlusTick", NOW_MS)) == {
        "bid1Price": "64000.00", "bid1Size": "0.009",
    }  # fmt: skip


# ---------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("name", "request_text", "answer"),
    [
        (LINEAR, '{"req_id":"7","op":"subscribe","args":["publicTrade.BTCUSDT"]}', (True, "", "7", "subscribe")),
        (SPOT, '{"req_id":"7","op":"subscribe","args":["publicTrade.BTCUSDT"]}', (True, "subscribe", "7", "subscribe")),
        (LINEAR, '{"op":"subscribe","args":["tickers.BTCUSDT"]}', (True, "", "", "subscribe")),
        (SPOT, '{"op":"subscribe","args":["tickers.BTCUSDT"]}', (True, "subscribe", None, "subscribe")),
        (LINEAR, '{"req_id":"1","op":"ping"}', (True, "pong", "1", "ping")),
        (SPOT, '{"op":"ping"}', (True, "pong", None, "ping")),
        (LINEAR, '{"req_id":"2","op":"unsubscribe","args":["tickers.BTCUSDT"]}', (True, "", "2", "unsubscribe")),
        (LINEAR, '{"op":"nope"}', (False, "error:invalid op", "", "nope")),
        (
            LINEAR,
            '{"req_id":"e","op":"subscribe","args":["publicTrade.BTCUSDT","orderbook.50.NOPEUSDT"]}',
            (False, "error:handler not found,topic:orderbook.50.NOPEUSDT", "e", "subscribe"),
        ),
        (
            LINEAR,
            '{"op":"subscribe","args":["orderbook.500.BTCUSDT"]}',
            (False, "error:handler not found,topic:orderbook.500.BTCUSDT", "", "subscribe"),
        ),
        (
            LINEAR,
            '{"op":"subscribe","args":["orderbook.50.btcusdt"]}',
            (False, "error:handler not found,topic:orderbook.50.btcusdt", "", "subscribe"),
        ),
        (
            LINEAR,
            '{"op":"subscribe","args":["tickers.BTCUSDT","tickers.BTCUSDT"]}',
            (False, "error:already subscribed,topic:tickers.BTCUSDT", "", "subscribe"),
        ),
        (SPOT, json.dumps({"op": "subscribe", "args": ["x"] * 11}), (False, "args size >10", None, "subscribe")),
        (
            LINEAR,
            json.dumps({"op": "subscribe", "args": ["x" * 97] * 211}),
            (False, "error:args length >21000", "", "subscribe"),
        ),
    ],
)
async def test_requests_are_answered_in_the_words_of_their_market(
    name: str, request_text: str, answer: tuple[bool, str, str | None, str]
) -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session, name)
        reply = await client.ask(request_text)
        assert (reply["success"], reply["ret_msg"], reply.get("req_id"), reply["op"]) == answer
        assert reply["conn_id"]


async def test_what_cannot_be_read_is_answered_and_the_socket_stays() -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session, LINEAR)
        reply = await client.ask("hello")
        assert not reply["success"] and reply["ret_msg"].startswith("Failed to decode incoming data:")
        assert (await client.ask({"op": "ping"}))["success"]


async def test_a_refused_symbol_takes_its_request_along_and_no_other() -> None:
    symbols = ("BTC/USDT:USDT", "ETH/USDT:USDT")
    async with exchange(symbols, faults="reject=ETH/USDT:USDT") as (sim, session):
        client = await connect(sim, session, LINEAR)
        mixed = await client.ask({"op": "subscribe", "req_id": "m", "args": [BOOK, "orderbook.200.ETHUSDT"]})
        assert mixed["ret_msg"] == "error:handler not found,topic:orderbook.200.ETHUSDT"
        await client.join(BOOK)
        await sim.step(1)
        assert {frame["topic"] for frame in await client.frames()} == {BOOK}


async def test_an_acknowledgement_may_be_lost_while_the_data_flows() -> None:
    async with exchange(faults="noack=1") as (sim, session):
        client = await connect(sim, session, LINEAR)
        frame = await client.ask({"op": "subscribe", "req_id": "1", "args": [BOOK]})
        assert (frame["topic"], frame["type"]) == (BOOK, "snapshot")


# ---------------------------------------------------------------------- streams


@pytest.mark.parametrize(("name", "depth"), [(SPOT, 50), (LINEAR, 200), (LINEAR, 1000)])
async def test_a_book_begins_with_its_snapshot_and_its_numbers_rise_by_one(name: str, depth: int) -> None:
    topic = f"orderbook.{depth}.BTCUSDT"
    async with exchange(rate=5.0) as (sim, session):
        await sim.step(1)
        client = await connect(sim, session, name, topic)
        await sim.step(5)
        first, *updates = await client.frames()
        assert first["type"] == "snapshot" and first["data"]["u"] > 1
        assert 0 < len(first["data"]["b"]) <= depth
        assert len(updates) > 10 and {frame["type"] for frame in updates} == {"delta"}
        numbers = [frame["data"]["u"] for frame in (first, *updates)]
        assert all(later == earlier + 1 for earlier, later in pairwise(numbers))
        assert all(frame["data"]["b"] or frame["data"]["a"] for frame in updates)
        sequences = [frame["data"]["seq"] for frame in (first, *updates)]
        assert sequences == sorted(sequences)


async def test_a_second_client_begins_where_the_stream_of_the_first_stands() -> None:
    async with exchange() as (sim, session):
        early = await connect(sim, session, LINEAR, BOOK)
        await sim.step(1.03)
        late = await connect(sim, session, LINEAR, BOOK)
        await sim.step(2)
        seen = {frame["data"]["u"]: frame for frame in await early.frames()}
        snapshot, *updates = await late.frames()
        assert snapshot["data"]["u"] == updates[0]["data"]["u"] - 1
        assert [seen[frame["data"]["u"]] for frame in updates] == updates


async def test_level_1_is_a_snapshot_each_time_and_repeats_itself_when_nothing_changes() -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session, LINEAR, "orderbook.1.BTCUSDT")
        await sim.step(2)
        frames = await client.frames()
        assert len(frames) > 3 and {frame["type"] for frame in frames} == {"snapshot"}
        assert all(later["data"]["u"] == earlier["data"]["u"] + 1 for earlier, later in pairwise(frames))
        stand_still(sim, 2 * KEEP_ALIVE_MS + 100)
        again = await client.frames()
        assert [frame["data"] for frame in again] == [frames[-1]["data"]] * 2


async def test_linear_tickers_merge_to_what_rest_says_and_spots_are_whole_each_time() -> None:
    async with exchange() as (sim, session):
        linear = await connect(sim, session, LINEAR, "tickers.BTCUSDT")
        spot = await connect(sim, session, SPOT, "tickers.BTCUSDT")
        await sim.step(3)
        first, *deltas = await linear.frames()
        assert first["type"] == "snapshot" and len(deltas) > 5 and {frame["type"] for frame in deltas} == {"delta"}
        merged = first["data"]
        for frame in deltas:
            assert len(frame["data"]) < len(first["data"])
            merged |= frame["data"]
        stand_still(sim, 100)
        for frame in await linear.frames():
            merged |= frame["data"]
        page = await fetch(sim, session, "/v5/market/tickers?category=linear&symbol=BTCUSDT")
        assert page["result"]["list"] == [merged]
        assert {"markPrice", "indexPrice", "fundingRate", "nextFundingTime"} <= merged.keys()
        whole = await spot.frames()
        assert {frame["type"] for frame in whole} == {"snapshot"}
        assert all("lastPrice" in frame["data"] and "bid1Price" not in frame["data"] for frame in whole)


async def test_trades_of_the_stream_are_those_of_the_page() -> None:
    async with exchange(rate=5.0) as (sim, session):
        client = await connect(sim, session, SPOT, "publicTrade.BTCUSDT")
        await sim.step(5)
        streamed = [row for frame in await client.frames() for row in frame["data"]]
        page = await fetch(sim, session, "/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60")
        rows = page["result"]["list"]
        assert len(streamed) > 5
        assert [(row["execId"], row["price"], row["size"], row["side"], row["time"]) for row in reversed(rows)] == [
            (row["i"], row["p"], row["v"], row["S"], str(row["T"])) for row in streamed[-60:]
        ]


# ---------------------------------------------------------------------- pages, limits, faults


async def test_rest_depth_bears_the_number_of_the_1000_level_topic() -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session, LINEAR, "orderbook.1000.BTCUSDT")
        await sim.step(1.05)
        page = (await fetch(sim, session, "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=3"))["result"]
        assert page["u"] == (await client.frames())[-1]["data"]["u"]
        market = sim.market("BTC/USDT:USDT")
        truth = [
            [market.text.price(price), market.text.quantity(size)] for price, size in market.engine.depth(Side.BUY, 3)
        ]
        assert page["b"] == truth


async def test_a_stale_snapshot_is_that_of_the_opening() -> None:
    path = "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=1000"
    async with exchange() as (sim, session):
        opening = (await fetch(sim, session, path))["result"]
        await sim.step(3)
        fresh = (await fetch(sim, session, path))["result"]
        sim.faults.set("stale_snapshot", 1)
        stale = (await fetch(sim, session, path))["result"]
        assert (stale["u"], stale["seq"], stale["b"]) == (opening["u"], opening["seq"], opening["b"])
        assert stale["u"] < fresh["u"] and stale["seq"] < fresh["seq"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v5/market/orderbook?category=linear&symbol=NOPE", 10001),
        ("/v5/market/orderbook?category=nope&symbol=BTCUSDT", 10001),
        ("/v5/market/instruments-info", 10001),
        ("/v5/market/funding/history?category=spot&symbol=BTCUSDT", 10001),
        ("/v5/market/funding/history?category=linear&symbol=BTCUSDT", 0),
        ("/v5/market/instruments-info?category=option&baseCoin=BTC", 0),
        ("/v5/market/time", 0),
    ],
)
async def test_refusals_have_a_code_and_http_says_200(path: str, code: int) -> None:
    async with exchange() as (sim, session):
        body = await fetch(sim, session, path)
        assert body["retCode"] == code
        assert set(body) == {"retCode", "retMsg", "result", "retExtInfo", "time"}


@pytest.mark.parametrize("kind", [MarketKind.SPOT, MarketKind.LINEAR])
async def test_the_products_codec_reads_the_rules_of_the_listings(kind: MarketKind) -> None:
    symbols = tuple(each.instrument.symbol for each in LISTINGS)
    async with exchange(symbols) as (sim, session):
        codec = load_venue("bybit", sim.endpoints)
        async with session.get(codec.instruments_request(kind).url) as reply:
            found = codec.decode_instruments(kind, await reply.read())
        assert found == [each.instrument for each in LISTINGS if each.instrument.kind is kind]


async def test_linear_listings_come_in_pages_behind_a_cursor() -> None:
    async with exchange(("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")) as (sim, session):
        names, cursor = [], ""
        while True:
            query = f"?category=linear&limit=2&cursor={cursor}"
            result = (await fetch(sim, session, "/v5/market/instruments-info" + query))["result"]
            names.append([row["symbol"] for row in result["list"]])
            cursor = result["nextPageCursor"]
            if not cursor:
                break
        assert names == [["BTCUSDT", "ETHUSDT"], ["SOLUSDT"]]
        assert result["list"][0]["priceFilter"]["tickSize"] == "0.010"
        assert (await fetch(sim, session, "/v5/market/instruments-info?category=linear&status=PreLaunch"))["result"][
            "list"
        ] == []


async def test_an_address_that_asks_too_often_is_banned_for_ten_minutes() -> None:
    limits = replace(BybitFront.LIMITS, spot_weight=3)
    async with exchange(limits=limits) as (sim, session):
        statuses = []
        for wait_s in (0, 0, 0, 0, 590, 20):
            sim.timeline.advance_to(sim.timeline.elapsed_ns + wait_s * 1_000_000_000)
            async with session.get(sim.endpoints["spot.rest"] + "/v5/market/time") as reply:
                statuses.append(reply.status)
        assert statuses == [200, 200, 200, 403, 403, 200]


@pytest.mark.parametrize(("spec", "status", "code"), [("rest429=1", 429, 10006), ("rest5xx=1", 503, 10016)])
async def test_rest_failures_have_the_venues_codes(spec: str, status: int, code: int) -> None:
    async with (
        exchange(faults=spec) as (sim, session),
        session.get(sim.endpoints["linear.rest"] + "/v5/market/time") as reply,
    ):
        assert (reply.status, (await reply.json())["retCode"]) == (status, code)
        reset = reply.headers.get("X-Bapi-Limit-Reset-Timestamp")
        assert (reset == str(sim.timeline.now_ms() + 1000)) == (status == 429)
