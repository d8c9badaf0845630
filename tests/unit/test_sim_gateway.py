"""The Binance gateway over real loopback sockets: books rebuilt by the documented algorithms, protocol, limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.sim.binance.limits import LIMITS
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.limits import SocketLimits

SYMBOLS = ["BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"]
CHATTY = SocketLimits(ping_interval_s=20, pong_timeout_s=60, messages_per_s=1000)
RELAXED = replace(LIMITS, spot_socket=CHATTY, linear_socket=CHATTY)
TIMEOUT_S = 10.0


@asynccontextmanager
async def exchange(**options: Any) -> AsyncIterator[tuple[SimExchange, aiohttp.ClientSession]]:
    options = {"symbols": SYMBOLS, "seed": 7, "manual": True, "limits": RELAXED, **options}
    async with SimExchange(**options) as sim, aiohttp.ClientSession() as session:
        yield sim, session


class Client:
    """A WebSocket client that keeps every frame it has read."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.next_id = 1000

    async def request(self, method: str, params: Any = None, request_id: Any = 1) -> dict[str, Any]:
        request = {"method": method, "id": request_id} | ({} if params is None else {"params": params})
        await self.socket.send_json(request)
        return await self.receive()

    async def receive(self) -> Any:
        return json.loads(await self.socket.receive_str(timeout=TIMEOUT_S))

    async def texts(self) -> list[str]:
        """Everything that arrived until now: a request is answered after the frames that are queued before it."""
        self.next_id += 1
        await self.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": self.next_id})
        found: list[str] = []
        while True:
            text = await self.socket.receive_str(timeout=TIMEOUT_S)
            if text.endswith(f'"id":{self.next_id}}}'):
                return found
            found.append(text)

    async def frames(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in await self.texts()]


async def connect(session: aiohttp.ClientSession, url: str, *names: str) -> Client:
    client = Client(await session.ws_connect(url))
    if names:
        assert await client.request("SUBSCRIBE", list(names)) == {"result": None, "id": 1}
    return client


async def fetch(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


class NaiveBook:
    """A book kept by the algorithms of binance.md §4, word for word, on decimal text."""

    def __init__(self, snapshot: dict[str, Any], *, linear: bool) -> None:
        self.linear = linear
        self.last = snapshot["lastUpdateId"]
        self.bridged = False
        self.sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}

    def apply(self, event: dict[str, Any]) -> None:
        if event["u"] < self.last or (event["u"] == self.last and not self.linear):
            return
        if self.linear and self.bridged:
            assert event["pu"] == self.last, "gap"
        elif self.linear:
            assert event["U"] <= self.last <= event["u"], "snapshot does not bridge"
        else:
            assert event["U"] <= self.last + 1, "gap"
            assert not self.bridged or event["U"] == self.last + 1
        self.bridged = True
        self.last = event["u"]
        for side, levels in self.sides.items():
            for price, size in event[side]:
                if float(size) == 0:
                    levels.pop(price, None)
                else:
                    levels[price] = size

    def top(self, side: str, count: int) -> list[tuple[str, str]]:
        return sorted(self.sides[side].items(), key=lambda level: float(level[0]), reverse=side == "b")[:count]


def truth(sim: SimExchange, symbol: str, side: Side, count: int) -> list[tuple[str, str]]:
    """The engine's own levels, written with Decimal arithmetic."""
    listing = sim.listing(symbol)
    instrument = listing.instrument
    return [
        (f"{price * instrument.tick:.{listing.price_places}f}", f"{size * instrument.lot:.{listing.qty_places}f}")
        for price, size in sim.engine(symbol).depth(side, count)
    ]


@pytest.mark.parametrize(
    ("symbol", "speed"),
    [
        ("BTC/USDT", "@100ms"),
        ("ETH/USDT", ""),
        ("BTC/USDT:USDT", "@0ms"),
        ("BTC/USDT:USDT", ""),
        ("ETH/USDT:USDT", "@100ms"),
    ],
)
async def test_a_naive_client_rebuilds_the_engines_book_exactly(symbol: str, speed: str) -> None:
    linear = symbol.endswith(":USDT")
    native = symbol.split(":")[0].replace("/", "")
    async with exchange(volatility=3.0) as (sim, session):
        points = sim.endpoints
        ws, rest = (
            (points["linear.public"], points["linear.rest"] + "/fapi/v1")
            if linear
            else (points["spot.public"], points["spot.rest"] + "/api/v3")
        )
        client = await connect(session, ws + "/ws", f"{native.lower()}@depth{speed}")
        await sim.step(1.27)
        buffered = await client.frames()
        assert len(buffered) > 0
        book = NaiveBook(await fetch(session, f"{rest}/depth?symbol={native}&limit=1000"), linear=linear)
        await sim.step(2.0)
        for event in buffered + await client.frames():
            book.apply(event)
        for _ in range(5):
            await sim.step(1.0)  # the beat of the slowest stream
            for event in await client.frames():
                book.apply(event)
            await catch_up(sim, client, book, symbol)
            for side, name in ((Side.BUY, "b"), (Side.SELL, "a")):
                assert book.top(name, 300) == truth(sim, symbol, side, 300)


async def catch_up(sim: SimExchange, client: Client, book: NaiveBook, symbol: str) -> None:
    """Step beat by beat until the book has the engine's last update."""
    for _ in range(200):
        if book.last == sim.engine(symbol).last_update_id:
            return
        await sim.step(0.01)
        for event in await client.frames():
            book.apply(event)
    raise AssertionError("the stream never caught up with the engine")


async def test_spot_ids_are_contiguous_and_usdm_ids_jump_but_chain_by_pu() -> None:
    async with exchange() as (sim, session):
        spot = await connect(session, sim.endpoints["spot.public"] + "/ws", "btcusdt@depth@100ms")
        linear = await connect(session, sim.endpoints["linear.public"] + "/ws", "btcusdt@depth@100ms")
        await sim.step(3)
        events = await spot.frames()
        assert len(events) > 10
        assert all(later["U"] == earlier["u"] + 1 for earlier, later in pairwise(events))
        events = await linear.frames()
        assert all(later["pu"] == earlier["u"] for earlier, later in pairwise(events))
        assert all(event["pu"] < event["U"] <= event["u"] for event in events)
        assert any(event["U"] > event["pu"] + 1 for event in events)


async def test_the_ticker_agrees_with_the_book_at_the_same_id() -> None:
    async with exchange() as (sim, session):
        url = sim.endpoints["linear.public"]
        client = await connect(session, url + "/ws", "btcusdt@depth@0ms", "btcusdt@bookTicker")
        await sim.step(0.5)
        snapshot = await fetch(session, sim.endpoints["linear.rest"] + "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
        book = NaiveBook(snapshot, linear=True)
        await sim.step(10)
        compared = 0
        tickers: dict[int, dict[str, Any]] = {}
        for event in await client.frames():
            if event["e"] == "bookTicker":
                tickers[event["u"]] = event
                continue
            book.apply(event)
            ticker = tickers.get(book.last)
            if ticker is not None and book.bridged:
                compared += 1
                assert (ticker["b"], ticker["B"]) == book.top("b", 1)[0]
                assert (ticker["a"], ticker["A"]) == book.top("a", 1)[0]
        assert compared > 20


async def test_trades_aggregates_and_history_tell_the_same_story() -> None:
    async with exchange() as (sim, session):
        points = sim.endpoints
        spot = await connect(session, points["spot.public"] + "/ws", "btcusdt@trade", "btcusdt@aggTrade")
        await sim.step(10)
        frames = await spot.frames()
        trades = [frame for frame in frames if frame["e"] == "trade"]
        aggregates = [frame for frame in frames if frame["e"] == "aggTrade"]
        assert [trade["t"] for trade in trades] == list(range(1, len(trades) + 1))
        assert [aggregate["a"] for aggregate in aggregates] == list(range(1, len(aggregates) + 1))
        assert aggregates[0]["f"] == 1
        assert all(b["f"] == a["l"] + 1 for a, b in pairwise(aggregates))
        by_id = {trade["t"]: trade for trade in trades}
        for aggregate in aggregates:
            parts = [by_id[number] for number in range(aggregate["f"], aggregate["l"] + 1)]
            assert {(part["p"], part["m"]) for part in parts} == {(aggregate["p"], aggregate["m"])}
            assert sum(float(part["q"]) for part in parts) == pytest.approx(float(aggregate["q"]))
        rest = await fetch(session, points["spot.rest"] + "/api/v3/trades?symbol=BTCUSDT&limit=1000")
        assert [(row["id"], row["price"], row["qty"], row["time"]) for row in rest] == [
            (trade["t"], trade["p"], trade["q"], trade["T"]) for trade in trades
        ]
        pages = await fetch(session, points["spot.rest"] + "/api/v3/aggTrades?symbol=BTCUSDT&fromId=3&limit=2")
        assert [row["a"] for row in pages] == [3, 4]


async def test_the_same_seed_sends_the_same_texts() -> None:
    runs = []
    for _ in range(2):
        async with exchange(symbols=["BTC/USDT:USDT"]) as (sim, session):
            url = sim.endpoints["linear.public"]
            client = await connect(session, url + "/ws", "btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@bookTicker")
            await sim.step(3)
            runs.append(await client.texts())
    assert len(runs[0]) > 100
    assert runs[0] == runs[1]


async def test_usdm_streams_live_on_their_route_and_are_mute_on_the_other() -> None:
    names = ("btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@aggTrade", "btcusdt@markPrice@1s", "nope@depth")
    async with exchange() as (sim, session):
        points = sim.endpoints
        legacy = points["linear.public"].removesuffix("/public")
        clients = {
            url: await connect(session, url + "/stream", *names)
            for url in (points["linear.public"], points["linear.market"], legacy)
        }
        await sim.step(5)
        seen = {url: {frame["stream"] for frame in await client.frames()} for url, client in clients.items()}
        assert seen[points["linear.public"]] == seen[legacy] == {"btcusdt@depth@100ms", "btcusdt@bookTicker"}
        assert seen[points["linear.market"]] == {"btcusdt@aggTrade", "btcusdt@markPrice@1s"}


async def test_streams_in_the_url_are_subscribed_raw_and_combined() -> None:
    async with exchange() as (sim, session):
        url = sim.endpoints["spot.public"]
        raw = await connect(session, url + "/ws/btcusdt@depth@100ms/ethusdt@bookTicker")
        numbered = await connect(session, url + "/ws/3", "btcusdt@depth@100ms")
        combined = await connect(session, url + "/stream?streams=btcusdt@depth5@100ms/ethusdt@depth20")
        assert (await raw.request("LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@depth@100ms", "ethusdt@bookTicker"]
        await sim.step(3)
        assert {frame["s"] for frame in await raw.frames()} == {"BTCUSDT", "ETHUSDT"}
        assert {frame["e"] for frame in await numbered.frames()} == {"depthUpdate"}
        partial = await combined.frames()
        assert {frame["stream"]: len(frame["data"]["bids"]) for frame in partial} == {
            "btcusdt@depth5@100ms": 5,
            "ethusdt@depth20": 20,
        }
        assert await combined.request("SET_PROPERTY", ["combined", False]) == {"result": None, "id": 1}
        assert await combined.request("GET_PROPERTY", ["combined"], 2) == {"result": False, "id": 2}
        await combined.request("UNSUBSCRIBE", ["ethusdt@depth20"])
        await sim.step(2)
        assert {len(frame["bids"]) for frame in await combined.frames()} == {5}


@pytest.mark.parametrize(
    ("text", "code", "words", "request_id"),
    [
        ("{", 3, "Invalid JSON", None),
        ("[1]", 3, "Invalid JSON", None),
        ('{"id":1}', 2, "missing field `method`", 1),
        ('{"method":"JUMP","id":"x"}', 2, "unknown variant `JUMP`", "x"),
        ('{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}', 2, "params must be a list", 1),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2, "must be a string", 1),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":{}}', 2, "request ID", None),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":true}', 2, "request ID", None),
        ('{"method":"GET_PROPERTY","params":["speed"],"id":1}', 0, "Unknown property", 1),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "expected Boolean", 1),
    ],
)
async def test_bad_requests_get_binances_errors(text: str, code: int, words: str, request_id: Any) -> None:
    async with exchange(symbols=["BTC/USDT"]) as (sim, session):
        client = await connect(session, sim.endpoints["spot.public"] + "/ws")
        await client.socket.send_str(text)
        reply = await client.receive()
        assert reply["code"] == code
        assert words in reply["msg"]
        assert reply.get("id") == request_id
        assert await client.request("LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}


async def closing_code(client: Client) -> int | None:
    """Read to the end and tell how the server closed."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            message = await client.socket.receive()
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return client.socket.close_code


async def test_too_many_messages_end_the_connection() -> None:
    async with exchange(symbols=["BTC/USDT"], limits=LIMITS) as (sim, session):
        client = await connect(session, sim.endpoints["spot.public"] + "/ws")
        for number in range(6):
            await client.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        assert await closing_code(client) == 1008


async def test_pings_are_sent_and_a_client_that_never_answers_is_cut_off() -> None:
    quick = replace(LIMITS, spot_socket=SocketLimits(ping_interval_s=0.05, pong_timeout_s=0.12, messages_per_s=1000))
    async with exchange(symbols=["BTC/USDT"], limits=quick) as (sim, session):
        deaf = Client(await session.ws_connect(sim.endpoints["spot.public"] + "/ws", autoping=False))
        ping = await deaf.socket.receive(timeout=TIMEOUT_S)
        assert ping.type is aiohttp.WSMsgType.PING
        assert ping.data.isdigit()
        assert await closing_code(deaf) == 1006


async def test_a_connection_ends_after_its_lifetime() -> None:
    short = replace(LIMITS, linear_socket=SocketLimits(messages_per_s=9, lifetime_s=0.1))
    async with exchange(symbols=["BTC/USDT:USDT"], limits=short) as (sim, session):
        client = await connect(session, sim.endpoints["linear.public"] + "/ws")
        assert await closing_code(client) == 1001


async def test_a_client_that_does_not_keep_up_is_cut_off_and_the_others_are_not_kept_waiting() -> None:
    async with exchange(symbols=["BTC/USDT"], rate=5.0) as (sim, session):
        slow = await connect(session, sim.endpoints["spot.public"] + "/ws", "btcusdt@trade", "btcusdt@bookTicker")
        patient = await connect(session, sim.endpoints["spot.public"] + "/ws", "btcusdt@depth@100ms")
        sim.advance(120_000_000_000)  # two minutes at once: no client is served in between
        assert await closing_code(slow) == 1006
        assert len(await patient.frames()) > 1000


async def test_streams_per_connection_and_handshakes_are_limited() -> None:
    few = replace(LIMITS, spot_socket=SocketLimits(messages_per_s=99, streams=2, connections_per_5min=2))
    async with exchange(symbols=["BTC/USDT"], limits=few) as (sim, session):
        client = await connect(session, sim.endpoints["spot.public"] + "/ws", "a@trade", "b@trade")
        assert (await client.request("SUBSCRIBE", ["c@trade"]))["code"] == 2
        await connect(session, sim.endpoints["spot.public"] + "/ws")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(sim.endpoints["spot.public"] + "/ws")
        assert refused.value.status == 429


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v3/depth", 400, -1102),
        ("/api/v3/depth?symbol=NOPE", 400, -1121),
        ("/api/v3/depth?symbol=BTCUSDT&limit=x", 400, -1100),
        ("/api/v3/depth?symbol=BTCUSDT&limit=0", 400, -1130),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=7", 400, -4021),
        ("/api/v3/klines?symbol=BTCUSDT&interval=9m", 400, -1120),
        ("/api/v3/exchangeInfo?symbol=NOPE", 400, -1121),
    ],
)
async def test_rest_refusals_have_binances_bodies(path: str, status: int, code: int) -> None:
    async with exchange() as (sim, session), session.get(sim.endpoints["spot.rest"] + path) as reply:
        assert reply.status == status
        assert (await reply.json())["code"] == code


async def test_weights_are_counted_told_and_enforced() -> None:
    async with exchange(limits=replace(LIMITS, spot_weight=100, refusals_before_ban=1)) as (sim, session):
        depth = sim.endpoints["spot.rest"] + "/api/v3/depth?symbol=BTCUSDT&limit="
        statuses = []
        for limit in (100, 500, 1000, 500, 100):
            async with session.get(depth + str(limit)) as reply:
                statuses.append((reply.status, reply.headers["X-MBX-USED-WEIGHT-1M"], reply.headers.get("Retry-After")))
        assert statuses[:3] == [(200, "5", None), (200, "30", None), (200, "80", None)]
        assert statuses[3][0] == 429
        assert statuses[4] == (418, "110", "120")
        async with session.get(sim.endpoints["linear.rest"] + "/fapi/v1/ping") as other:
            assert (other.status, other.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "1")


async def test_steps_are_for_manual_exchanges_and_options_are_checked() -> None:
    async with SimExchange(["BTC/USDT"]) as running:
        with pytest.raises(InputError, match="manual=True"):
            await running.step(1)
        with pytest.raises(InputError, match="does not run"):
            running.engine("ETH/USDT")
    for options in ({"rate": 0.0}, {"volatility": float("nan")}, {"rate": 1e9}):
        with pytest.raises(InputError, match="out of range"):
            SimExchange(["BTC/USDT"], **options)
    with pytest.raises(InputError, match="not started"):
        _ = SimExchange(["BTC/USDT"]).endpoints


async def test_a_free_running_exchange_keeps_pace_with_the_clock() -> None:
    async with SimExchange(["BTC/USDT"], seed=3) as sim, aiohttp.ClientSession() as session:
        client = await connect(session, sim.endpoints["spot.public"] + "/ws", "btcusdt@depth@100ms")
        first, second = await client.receive(), await client.receive()
        assert second["E"] > first["E"]
        assert second["U"] == first["u"] + 1
        server = await fetch(session, sim.endpoints["spot.rest"] + "/api/v3/time")
        assert server["serverTime"] >= second["E"]


async def test_an_exchange_that_falls_far_behind_skips_the_moment_and_keeps_the_time_of_day() -> None:
    clock = ManualClock(1_795_000_000_000_000_000)
    async with SimExchange(["BTC/USDT"], clock=clock) as sim, asyncio.timeout(TIMEOUT_S):
        clock.advance(60_000_000_000)
        await level(sim, clock)
        assert sim.skipped_ns == 60_000_000_000
        assert sim.timeline.elapsed_ns == 0
        clock.advance(1_000_000_000)
        await level(sim, clock)
        assert sim.timeline.elapsed_ns == 1_000_000_000, "a short delay is caught up"


async def level(sim: SimExchange, clock: ManualClock) -> None:
    """Let the pacer run until it is level with the clock."""
    while sim.timeline.now_ns() < clock.now_ns():  # noqa: ASYNC110 (the pacer has no event)
        await asyncio.sleep(0)
