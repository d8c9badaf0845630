"""The Bitget gateway: frames as bitget.md writes them, an answer for each argument, linked updates, limits, pages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.bitget.front import SUBSCRIBES_PER_HOUR, BitgetFront
from jackbot_tui.sim.bitget.listings import LISTINGS
from jackbot_tui.sim.bitget.texts import FIRST_EXECUTION, snapshot_text, trades_text, update_text
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.timeline import Timeline
from jackbot_tui.venues import load_venue
from tests.gateway_world import relaxed

TIMEOUT_S = 10.0
NOW_MS = 1_795_000_000_000
FUTURES, SPOT = "usdt-futures", "spot"
ARG = '{"instType":"usdt-futures","topic":"%s","symbol":"BTCUSDT"}'


def arg(topic: str, symbol: str = "BTCUSDT", of_type: str = FUTURES) -> dict[str, str]:
    return {"instType": of_type, "topic": topic, "symbol": symbol}


class Client:
    """A WebSocket client; a ping is answered after all frames that are queued before it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, operation: str, *args: dict[str, str]) -> None:
        await self.socket.send_json({"op": operation, "args": args, "uta": True})

    async def frames(self) -> list[dict[str, Any]]:
        """Everything that has arrived until now."""
        await self.socket.send_str("ping")
        found: list[dict[str, Any]] = []
        while True:
            text = await self.socket.receive_str(timeout=TIMEOUT_S)
            if text == "pong":
                return found
            found.append(json.loads(text))

    async def join(self, *args: dict[str, str]) -> list[dict[str, Any]]:
        """What comes with a subscription, without the answers."""
        await self.send("subscribe", *args)
        frames = await self.frames()
        assert [frame["arg"] for frame in frames if "event" in frame] == list(args)
        return [frame for frame in frames if "event" not in frame]

    async def close_code(self) -> int | None:
        while True:
            message = await self.socket.receive(timeout=TIMEOUT_S)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return self.socket.close_code


@asynccontextmanager
async def exchange(
    symbols: tuple[str, ...] = ("BTC/USDT:USDT", "BTC/USDT"), **options: Any
) -> AsyncIterator[tuple[SimExchange, aiohttp.ClientSession]]:
    options = {"limits": relaxed(BitgetFront), **options}
    sim = SimExchange(symbols, venue="bitget", seed=7, manual=True, **options)
    async with sim, aiohttp.ClientSession() as session:
        yield sim, session


async def connect(sim: SimExchange, session: aiohttp.ClientSession) -> Client:
    return Client(await session.ws_connect(sim.endpoints["linear.public"]))


async def fetch(sim: SimExchange, session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(sim.endpoints["linear.rest"] + path) as reply:
        assert reply.status == 200
        body = await reply.json()
        assert (body["code"], body["msg"]) == ("00000", "success")
        return body["data"]


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
    market = market_of("BTC/USDT:USDT")
    whole = [(640005, 1200), (640000, 15000)], [(640006, 300), (640010, 20000)]
    assert snapshot_text(market, "books", whole, 1304314508780744705, NOW_MS) == (
        '{"action":"snapshot","arg":' + ARG % "books" + ',"data":[{"a":[["64000.6","0.0300"],["64001.0","2.0000"]],'
        '"b":[["64000.5","0.1200"],["64000.0","1.5000"]],"checksum":0,"pseq":0,"seq":1304314508780744705,'
        '"ts":"1795000000000"}],"ts":1795000000000}'
    )
    change = [(640005, 1100)], [(640006, 0)]
    assert update_text(market, change, 1304314508780744701, 1304314508780744712, NOW_MS + 150) == (
        '{"action":"update","arg":' + ARG % "books" + ',"data":[{"a":[["64000.6","0"]],"b":[["64000.5","0.1100"]],'
        '"pseq":1304314508780744701,"seq":1304314508780744712,"ts":"1795000000150"}],"ts":1795000000150}'
    )


def test_trades_come_newest_first_with_the_takers_side() -> None:
    market = market_of("BTC/USDT:USDT", (Side.SELL, 13, 640006), (Side.BUY, 20, 640005))
    market.engine.submit(Side.BUY, 13, 640006, now=0)
    market.engine.submit(Side.SELL, 20, 640005, now=0)
    frame = json.loads(trades_text(market, "update", market.fresh_trades, NOW_MS))
    assert (frame["action"], frame["arg"], frame["ts"]) == ("update", arg("publicTrade"), NOW_MS)
    assert [(row["p"], row["v"], row["S"], row["T"]) for row in frame["data"]] == [
        ("64000.5", "0.0020", "sell", str(NOW_MS)),
        ("64000.6", "0.0013", "buy", str(NOW_MS)),
    ]
    assert [(int(row["i"]) - FIRST_EXECUTION, int(row["L"]) - int(row["i"])) for row in frame["data"]] == [
        (4, 1),
        (2, 1),
    ]


# ---------------------------------------------------------------------- requests


async def test_every_argument_has_its_answer_and_a_bad_one_takes_no_other_along() -> None:
    symbols = ("BTC/USDT:USDT", "ETH/USDT:USDT")
    async with exchange(symbols, faults="reject=ETH/USDT:USDT") as (sim, session):
        client = await connect(sim, session)
        bad = (arg("books", "ETHUSDT"), arg("nope"), arg("books", "NOPEUSDT"), arg("books", of_type="spot"))
        args = (arg("books"), *bad)
        await client.send("subscribe", *args, arg("ticker"))
        answers = [frame for frame in await client.frames() if "event" in frame]
        assert [(answer["event"], answer["arg"]) for answer in answers] == [
            ("subscribe", args[0]),
            *(("error", refused) for refused in bad),
            ("subscribe", arg("ticker")),
        ]
        assert answers[1] == {
            "event": "error",
            "arg": bad[0],
            "code": 30001,
            "msg": "instType:usdt-futures,topic:books,symbol:ETHUSDT doesn't exist",
            "op": "subscribe",
        }
        await sim.step(1)
        assert {frame["arg"]["topic"] for frame in await client.frames()} == {"books", "ticker"}
        await client.send("unsubscribe", arg("books"), arg("ticker"))
        await client.frames()
        await sim.step(1)
        assert await client.frames() == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 30002),
        ("[]", 30002),
        ('{"op":"subscribe","args":["books"]}', 30002),
        (json.dumps({"op": "subscribe", "args": [arg("x" * 500)] * 9}), 30002),
        ('{"op":"jump","args":[]}', 30003),
    ],
)
async def test_what_cannot_be_understood_is_an_error_and_the_socket_stays(text: str, code: int) -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session)
        await client.socket.send_str(text)
        (answer,) = await client.frames()
        assert (answer["event"], answer["code"]) == ("error", code)


async def test_an_acknowledgement_may_be_lost_while_the_data_flows() -> None:
    async with exchange(faults="noack=1") as (sim, session):
        client = await connect(sim, session)
        await client.send("subscribe", arg("books"))
        (frame,) = await client.frames()
        assert frame["action"] == "snapshot"


async def test_more_than_ten_messages_a_second_end_the_connection() -> None:
    async with exchange(limits=None) as (sim, session):
        client = await connect(sim, session)
        for _ in range(11):
            await client.socket.send_str("ping")
        assert await client.close_code() == 1008


@pytest.mark.parametrize("streams", [1, 1000])
async def test_too_many_subscriptions_end_the_connection(streams: int) -> None:
    limits = relaxed(BitgetFront)
    limits = replace(limits, spot_socket=replace(limits.spot_socket, streams=streams))
    async with exchange(limits=limits) as (sim, session):
        client = await connect(sim, session)
        requests = SUBSCRIBES_PER_HOUR if streams > 1 else 1
        for _ in range(requests):
            await client.send("subscribe", arg("ticker"))
        assert len(await client.frames()) == 2 * requests
        await client.send("subscribe", arg("books"))
        assert await client.close_code() == 1008


# ---------------------------------------------------------------------- streams


@pytest.mark.parametrize(("of_type", "period_ms"), [(FUTURES, 150), (SPOT, 200)])
async def test_updates_are_linked_from_the_snapshot_on(of_type: str, period_ms: int) -> None:
    async with exchange(rate=5.0) as (sim, session):
        await sim.step(1)
        client = await connect(sim, session)
        (snapshot,) = await client.join(arg("books", of_type=of_type))
        await sim.step(3)
        updates = [frame["data"][0] for frame in await client.frames()]
        first = snapshot["data"][0]
        assert (snapshot["action"], first["checksum"], first["pseq"]) == ("snapshot", 0, 0)
        assert updates[0]["pseq"] <= first["seq"] <= updates[0]["seq"]
        assert all(later["pseq"] == earlier["seq"] for earlier, later in pairwise(updates))
        assert not any("checksum" in update for update in updates)
        times = [int(update["ts"]) for update in updates]
        assert all((later - earlier) % period_ms == 0 for earlier, later in pairwise(times[1:]))


async def test_a_snapshot_in_the_middle_of_a_period_is_bridged_by_the_next_update() -> None:
    async with exchange(rate=5.0) as (sim, session):
        early = await connect(sim, session)
        await early.join(arg("books"))
        market, bridged = sim.market("BTC/USDT:USDT"), 0
        for _ in range(5):
            await sim.step(0.22)
            late = await connect(sim, session)
            (snapshot,) = await late.join(arg("books"))
            book = snapshot["data"][0]
            assert book["seq"] == market.engine.last_update_id
            await sim.step(0.4)
            update = (await late.frames())[0]["data"][0]
            assert update["pseq"] <= book["seq"] <= update["seq"]
            bridged += update["pseq"] < book["seq"]
        assert bridged > 0


@pytest.mark.parametrize(("topic", "levels"), [("books1", 1), ("books5", 5), ("books50", 50)])
async def test_partial_books_are_whole_in_every_push(topic: str, levels: int) -> None:
    async with exchange(rate=5.0) as (sim, session):
        client = await connect(sim, session)
        (first,) = await client.join(arg(topic))
        await sim.step(2)
        frames = [first, *await client.frames()]
        assert len(frames) > 5 and {frame["action"] for frame in frames} == {"snapshot"}
        assert {(len(frame["data"][0]["b"]), len(frame["data"][0]["a"])) for frame in frames} == {(levels, levels)}
        sequences = [frame["data"][0]["seq"] for frame in frames]
        assert all(later > earlier for earlier, later in pairwise(sequences[1:]))


async def test_trades_begin_with_history_and_go_on_without_it() -> None:
    async with exchange(rate=5.0) as (sim, session):
        await sim.step(3)
        market = sim.market("BTC/USDT:USDT")
        before = len(market.history.trades)
        client = await connect(sim, session)
        (history,) = await client.join(arg("publicTrade"))
        assert history["action"] == "snapshot" and len(history["data"]) == min(50, before)
        await sim.step(3)
        updates = await client.frames()
        assert updates and {frame["action"] for frame in updates} == {"update"}
        numbers = [int(row["i"]) for frame in (history, *updates) for row in reversed(frame["data"])]
        assert all(later == earlier + 2 for earlier, later in pairwise(numbers))
        page = await fetch(sim, session, "/api/v3/market/fills?category=USDT-FUTURES&symbol=BTCUSDT")
        assert [int(row["execId"]) for row in reversed(page)][-len(numbers) :] == numbers[-len(page) :]


async def test_tickers_are_whole_and_those_of_perpetuals_tell_mark_and_funding() -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session)
        await client.join(arg("ticker"), arg("ticker", of_type=SPOT))
        await sim.step(5)
        frames = await client.frames()
        assert {frame["action"] for frame in frames} == {"snapshot"}
        rows = {frame["arg"]["instType"]: frame["data"][0] for frame in frames}
        marks = {"markPrice", "indexPrice", "fundingRate", "nextFundingTime"}
        assert marks <= rows[FUTURES].keys() and marks.isdisjoint(rows[SPOT])
        assert abs(float(rows[FUTURES]["markPrice"]) / float(rows[FUTURES]["lastPrice"]) - 1) < 0.01


# ---------------------------------------------------------------------- pages, limits, faults


async def test_rest_depth_is_the_engines_in_numbers_and_the_stale_one_that_of_the_opening() -> None:
    path = "/api/v3/market/orderbook?category=USDT-FUTURES&symbol=BTCUSDT&limit=200"
    async with exchange() as (sim, session):
        opening = await fetch(sim, session, path)
        await sim.step(3)
        fresh = await fetch(sim, session, path)
        market = sim.market("BTC/USDT:USDT")
        truth = [
            [float(market.text.price(price)), float(market.text.quantity(size))]
            for price, size in market.engine.depth(Side.BUY, 200)
        ]
        assert fresh["b"] == truth and fresh["b"] != opening["b"]
        sim.faults.set("stale_snapshot", 1)
        stale = await fetch(sim, session, path)
        assert (stale["b"], stale["a"]) == (opening["b"], opening["a"])


@pytest.mark.parametrize(
    "path",
    [
        "/api/v3/market/orderbook?category=USDT-FUTURES&symbol=NOPE",
        "/api/v3/market/orderbook?category=SPOT&symbol=ETHUSDT",
        "/api/v3/market/instruments",
        "/api/v3/market/instruments?category=SPOT&symbol=NOPE",
        "/api/v3/market/tickers?category=NOPE",
        "/api/v3/market/current-fund-rate?symbol=NOPE",
    ],
)
async def test_bad_parameters_are_refused_with_http_400(path: str) -> None:
    async with exchange() as (sim, session), session.get(sim.endpoints["spot.rest"] + path) as reply:
        assert (reply.status, (await reply.json())["code"]) == (400, "400172")


@pytest.mark.parametrize("kind", [MarketKind.SPOT, MarketKind.LINEAR])
async def test_the_products_codec_reads_the_rules_of_the_listings(kind: MarketKind) -> None:
    symbols = tuple(each.instrument.symbol for each in LISTINGS)
    async with exchange(symbols) as (sim, session):
        assert await listed(sim, session, kind) == [
            each.instrument for each in LISTINGS if each.instrument.kind is kind
        ]


async def listed(sim: SimExchange, session: aiohttp.ClientSession, kind: MarketKind) -> list[Instrument]:
    """What the product's codec finds, category by category; it raises when one is empty."""
    codec, found = load_venue("bitget", sim.endpoints), list[Instrument]()
    for request in codec.instruments_requests(kind):
        async with session.get(request.url) as reply:
            found += codec.decode_instruments(kind, await reply.read())
    return found


async def test_listings_that_do_not_run_are_offline_so_that_no_category_is_empty() -> None:
    async with exchange() as (sim, session):
        assert await listed(sim, session, MarketKind.LINEAR) == [sim.listing("BTC/USDT:USDT").instrument]
        rows = await fetch(sim, session, "/api/v3/market/instruments?category=USDC-FUTURES")
        assert [(row["symbol"], row["status"]) for row in rows] == [("BTCPERP", "offline")]


async def test_a_page_may_be_asked_twenty_times_a_second_and_says_what_is_left() -> None:
    async with exchange(limits=None) as (sim, session):
        answers = []
        for _ in range(21):
            async with session.get(sim.endpoints["spot.rest"] + "/api/v2/public/time") as reply:
                answers.append((reply.status, reply.headers["x-mbx-used-remain-limit"]))
        assert answers == [(200, str(left)) for left in range(19, -1, -1)] + [(429, "0")]
        await fetch(sim, session, "/api/v3/market/instruments?category=SPOT")
        await sim.step(1)
        data = await fetch(sim, session, "/api/v2/public/time")
        assert data == {"serverTime": str(sim.timeline.now_ms())}


@pytest.mark.parametrize(("spec", "status", "code"), [("rest429=1", 429, "429"), ("rest5xx=1", 503, "45001")])
async def test_rest_failures_have_the_venues_codes(spec: str, status: int, code: str) -> None:
    async with (
        exchange(faults=spec) as (sim, session),
        session.get(sim.endpoints["linear.rest"] + "/api/v2/public/time") as reply,
    ):
        assert (reply.status, (await reply.json())["code"]) == (status, code)
