"""The Gate gateway: frames as gateio.md writes them, books of both channels, decimal sizes, refusals, limits, pages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.gateio.front import FIRST_SPOT_TRADE, GateioFront
from jackbot_tui.sim.gateio.listings import LISTINGS
from jackbot_tui.sim.gateio.streams import FULL_EVERY_MS
from jackbot_tui.sim.gateio.texts import best, book_update, book_v2, contract_trades, spot_trade
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.timeline import Timeline
from jackbot_tui.venues import load_venue

TIMEOUT_S = 10.0
NOW_MS = 1_700_000_000_201
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
PREFIXES = {SPOT: "spot", LINEAR: "futures"}
SYMBOLS = ("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT")
WHOLE = {"X-Gate-Size-Decimal": "1"}
V2 = "ob.BTC_USDT.400"


class Client:
    """A WebSocket client. ``kept`` are the updates that came before an answer."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, kind: MarketKind) -> None:
        self.socket = socket
        self.prefix = PREFIXES[kind]
        self.kept: list[dict[str, Any]] = []

    async def ask(self, request: Any) -> dict[str, Any]:
        await self.socket.send_str(request if isinstance(request, str) else json.dumps(request))
        return await self.receive()

    async def receive(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=TIMEOUT_S))
        return answer

    async def send(self, event: str, channel: str, *payload: str) -> dict[str, Any]:
        request = {"time": 1_700_000_000, "id": 7, "channel": f"{self.prefix}.{channel}", "event": event}
        answer = await self.ask({**request, "payload": payload})
        while "id" not in answer:
            self.kept.append(answer)
            answer = await self.receive()
        return answer

    async def join(self, channel: str, *payload: str) -> None:
        answer = await self.send("subscribe", channel, *payload)
        assert (answer["id"], answer["event"], answer["result"]) == (7, "subscribe", {"status": "success"}), answer

    async def frames(self) -> list[dict[str, Any]]:
        """Everything that has arrived until now: a ping is answered after all frames that are queued before it."""
        await self.socket.send_json({"time": 1, "channel": f"{self.prefix}.ping"})
        found, self.kept = self.kept, []
        while (frame := await self.receive())["channel"] != f"{self.prefix}.pong":
            found.append(frame)
        return found

    async def results(self, channel: str) -> list[Any]:
        return [frame["result"] for frame in await self.frames() if frame["channel"] == f"{self.prefix}.{channel}"]


class World:
    def __init__(self, sim: SimExchange, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def connect(self, kind: MarketKind, headers: dict[str, str] | None = None) -> Client:
        url = self.sim.endpoints[f"{kind.value}.public"]
        return Client(await self.session.ws_connect(url, headers=WHOLE if headers is None else headers), kind)

    async def reply(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
        url = self.sim.endpoints["spot.rest"] + path
        async with self.session.get(url, headers=WHOLE if headers is None else headers) as reply:
            return reply.status, json.loads(await reply.text()), reply.headers

    async def fetch(self, path: str, headers: dict[str, str] | None = None) -> Any:
        status, body, _ = await self.reply(path, headers)
        assert status == 200, body
        return body


@asynccontextmanager
async def exchange(symbols: tuple[str, ...] = SYMBOLS, **options: Any) -> AsyncIterator[World]:
    async with (
        SimExchange(symbols, venue="gateio", **{"seed": 7, "manual": True, **options}) as sim,
        aiohttp.ClientSession() as session,
    ):
        yield World(sim, session)


def market_of(symbol: str, *orders: tuple[Side, int, int]) -> SimMarket:
    """A market after orders (side, lots, ticks)."""
    (listing,) = [listing for listing in LISTINGS if listing.instrument.symbol == symbol]
    market = SimMarket(listing, MatchingEngine(), Timeline(NOW_MS * 1_000_000), 0)
    for side, lots, ticks in orders:
        market.engine.submit(side, lots, ticks, now=0)
    return market


# ---------------------------------------------------------------------- frames of the page


def test_order_book_v2_is_that_of_the_page() -> None:
    market = market_of("BTC/USDT")
    whole = [(900_001, 500_000)], [(900_002, 700_000)]
    assert book_v2(market, V2, whole, 0, 5000, 1_700_000_000_101, whole=True) == (
        '{"channel":"spot.obu","time_ms":1700000000101,"event":"update","result":{"t":1700000000101,"full":true,'
        '"s":"ob.BTC_USDT.400","u":5000,"b":[["90000.1","0.5"]],"a":[["90000.2","0.7"]]}}'
    )
    assert book_v2(market, V2, ([(900_001, 0)], []), 5001, 5004, NOW_MS, whole=True) == (
        '{"channel":"spot.obu","time_ms":1700000000201,"event":"update","result":{"t":1700000000201,'
        '"s":"ob.BTC_USDT.400","U":5001,"u":5004,"b":[["90000.1","0"]],"a":[]}}'
    )


def test_the_older_updates_are_those_of_the_page() -> None:
    market, sides = market_of("BTC/USDT:USDT"), ([(900_001, 0)], [(900_004, 120)])
    assert book_update(market, 100, sides, (5001, 5004), NOW_MS, whole=True, full=False) == (
        '{"time":1700000000,"time_ms":1700000000201,"channel":"futures.order_book_update","event":"update",'
        '"result":{"t":1700000000201,"s":"BTC_USDT","U":5001,"u":5004,"b":[{"p":"90000.1","s":"0"}],'
        '"a":[{"p":"90000.4","s":"120"}],"l":"100"}}'
    )
    assert '"b":[{"p":"90000.1","s":0}],"a":[{"p":"90000.4","s":120}]' in book_update(
        market, 100, sides, (5001, 5004), NOW_MS, whole=False, full=False
    )
    spot = book_update(market_of("BTC/USDT"), 100, ([(900_001, 500_000)], []), (1, 2), NOW_MS, whole=True, full=True)
    assert '"result":{"t":1700000000201,"e":"depthUpdate","E":1700000000,"full":true,"s":"BTC_USDT","U":1' in spot
    assert '"b":[["90000.1","0.5"]]' in spot


def test_the_sign_of_a_contracts_trade_is_the_takers_side_and_spot_names_it() -> None:
    orders = ((Side.BUY, 250, 900_001), (Side.SELL, 108, 900_001))
    market = market_of("BTC/USDT:USDT", *orders)
    assert contract_trades(market, market.fresh_trades, whole=True) == (
        '[{"size":"-108","id":1,"create_time":1700000000,"create_time_ms":1700000000201,"price":"90000.1",'
        '"contract":"BTC_USDT"}]'
    )
    assert '"size":-108,' in contract_trades(market, market.fresh_trades, whole=False)
    spot = market_of("BTC/USDT", *orders)
    assert spot_trade(spot, spot.fresh_trades[0], 309_143_071) == {
        "id": 309_143_071,
        "id_market": 1,
        "create_time": 1_700_000_000,
        "create_time_ms": "1700000000201.0000",
        "side": "sell",
        "currency_pair": "BTC_USDT",
        "amount": "0.000108",
        "price": "90000.1",
        "range": "1-1",
    }


def test_fractions_of_contracts_are_cut_off_for_who_does_not_ask_for_them() -> None:
    market = market_of("ETH/USDT:USDT", (Side.BUY, 25, 310_000), (Side.SELL, 9, 310_001))
    assert '"b":"3100","B":"2.5","a":"3100.01","A":"0.9"' in best(market, NOW_MS, whole=True)
    assert '"b":"3100","B":2,"a":"3100.01","A":0' in best(market, NOW_MS, whole=False)


# ---------------------------------------------------------------------- requests


async def test_an_answer_repeats_the_request_and_pings_are_answered() -> None:
    async with exchange() as world:
        client = await world.connect(SPOT)
        answer = await client.send("subscribe", "trades", "BTC_USDT", "ETH_USDT")
        expected = {"id": 7, "channel": "spot.trades", "event": "subscribe", "payload": ["BTC_USDT", "ETH_USDT"]}
        assert {**expected, "result": {"status": "success"}}.items() <= answer.items()
        assert len(answer["conn_id"]) == 16 and "error" not in answer
        pong = await client.ask({"time": 1_700_000_000, "channel": "spot.ping"})
        assert (pong["channel"], pong["event"], pong["error"], pong["result"]) == ("spot.pong", "", None, None)


@pytest.mark.parametrize(
    ("kind", "event", "channel", "payload", "words"),
    [
        (SPOT, "subscribe", "trades", ("BTC_USDT", "X_USDT"), "unknown currency pair: X_USDT"),
        (LINEAR, "subscribe", "trades", ("X_USDT",), "unknown contract: X_USDT"),
        (SPOT, "subscribe", "obu", ("ob.X_USDT.400",), "unknown currency pair: X_USDT"),
        (SPOT, "subscribe", "obu", ("ob.BTC_USDT.7",), "invalid argument: ob.BTC_USDT.7"),
        (LINEAR, "subscribe", "order_book_update", ("BTC_USDT", "20ms", "100"), "invalid argument: 20ms 100"),
        (SPOT, "subscribe", "nonsense", ("BTC_USDT",), "unknown channel: spot.nonsense"),
        (SPOT, "subscribe", "trades", (), "invalid argument: payload is empty"),
        (SPOT, "jump", "trades", ("BTC_USDT",), "unknown event: jump"),
    ],
)
async def test_a_request_is_refused_as_a_whole_in_the_venues_form(
    kind: MarketKind, event: str, channel: str, payload: tuple[str, ...], words: str
) -> None:
    async with exchange() as world:
        client = await world.connect(kind)
        answer = await client.send(event, channel, *payload)
        assert (answer["id"], answer["error"]) == (7, {"code": 2, "message": words})
        assert answer["result"] == {"status": "fail"}
        await world.sim.step(0.5)
        assert await client.frames() == []


async def test_a_frame_that_cannot_be_read_is_answered_and_the_connection_stays() -> None:
    async with exchange() as world:
        client = await world.connect(LINEAR)
        for frame in ("{", "[]", '{"event":"subscribe"}', '{"channel":"futures.obu","payload":5}'):
            assert (await client.ask(frame))["error"]["code"] == 1
        assert await client.frames() == []


async def test_a_second_subscription_to_a_book_is_refused_until_the_first_is_left() -> None:
    async with exchange() as world:
        client = await world.connect(SPOT)
        await client.join("obu", V2)
        first = await client.receive()
        assert first["result"]["full"] is True
        again = await client.send("subscribe", "obu", V2)
        assert again["error"] == {"code": 2, "message": "Alert sub ob.BTC_USDT.400"}
        await client.join("obu", "ob.BTC_USDT.50")
        assert len((await client.receive())["result"]["b"]) == 50
        assert (await client.send("unsubscribe", "obu", V2))["result"] == {"status": "success"}
        await world.sim.step(0.2)
        assert {result["s"] for result in await client.results("obu")} == {"ob.BTC_USDT.50"}
        await client.join("obu", V2)
        (full,) = [result for result in await client.results("obu") if result["s"] == V2]
        assert full["full"] is True and full["u"] > first["result"]["u"]


async def test_a_refused_symbol_and_an_answer_that_never_comes() -> None:
    async with exchange(faults="reject=ETH/USDT") as world:
        client = await world.connect(SPOT)
        refused = await client.send("subscribe", "obu", "ob.ETH_USDT.400")
        assert refused["error"] == {"code": 2, "message": "unknown currency pair: ETH_USDT"}
        await client.join("trades", "BTC_USDT")
        world.sim.faults.clear()
        world.sim.faults.set("noack", 1)
        subscribe = {"id": 8, "channel": "spot.obu", "event": "subscribe", "payload": ["ob.ETH_USDT.400"]}
        answer = await client.ask(subscribe)
        assert answer["event"] == "update" and answer["result"]["full"] is True


async def test_clients_are_asked_to_move_before_the_server_goes() -> None:
    async with exchange() as world:
        client = await world.connect(LINEAR)
        assert await client.frames() == []
        world.sim.faults.trigger("shutdown", 1_000_000_000)
        assert (await client.receive())["event"] == "upgrade"
        await world.sim.step(1.1)
        closed = await client.socket.receive(timeout=TIMEOUT_S)
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1001)


# ---------------------------------------------------------------------- books


def truth(sim: SimExchange, symbol: str, side: Side, count: int) -> list[tuple[float, float]]:
    listing = sim.listing(symbol)
    instrument = listing.instrument
    return [
        (float(price * instrument.tick), float(size * (instrument.lot / listing.wire_unit)))
        for price, size in sim.engine(symbol).depth(side, count)
    ]


class Book:
    """A book kept by the algorithms of gateio.md §4."""

    def __init__(self) -> None:
        self.last = 0
        self.sides: dict[str, dict[float, float]] = {"b": {}, "a": {}}

    def replace(self, bids: list[Any], asks: list[Any], last: int) -> None:
        self.sides, self.last = {"b": dict(map(pair, bids)), "a": dict(map(pair, asks))}, last

    def apply(self, result: dict[str, Any]) -> None:
        for name in ("b", "a"):
            for price, size in map(pair, result[name]):
                self.sides[name].pop(price, None)
                if size:
                    self.sides[name][price] = size
        self.last = result["u"]

    def top(self, name: str, count: int) -> list[tuple[float, float]]:
        return sorted(self.sides[name].items(), reverse=name == "b")[:count]


def pair(level: Any) -> tuple[float, float]:
    price, size = (level["p"], level["s"]) if isinstance(level, dict) else level
    assert isinstance(size, str)
    return float(price), float(size)


def must_agree(book: Book, sim: SimExchange, symbol: str, count: int) -> None:
    for side, name in ((Side.BUY, "b"), (Side.SELL, "a")):
        assert book.top(name, count) == truth(sim, symbol, side, count)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("levels", [50, 400])
async def test_order_book_v2_follows_the_engine_without_a_hole(symbol: str, levels: int) -> None:
    async with exchange(rate=5.0) as world:
        instrument = world.sim.listing(symbol).instrument
        client, book = await world.connect(instrument.kind), Book()
        await client.join("obu", f"ob.{instrument.native}.{levels}")
        fulls = 0
        for _ in range(4):
            await world.sim.step(0.3)
            world.sim.front.publish_books()
            for result in await client.results("obu"):
                if result.get("full"):
                    book.replace(result["b"], result["a"], result["u"])
                    fulls += 1
                else:
                    assert result["U"] == book.last + 1 <= result["u"]
                    book.apply(result)
            must_agree(book, world.sim, symbol, levels)
        assert fulls == 1 and book.last > 0


@pytest.mark.parametrize(
    ("symbol", "payload", "levels", "page"),
    [
        ("BTC/USDT", ("BTC_USDT", "100ms"), 100, "/spot/order_book?currency_pair=BTC_USDT"),
        ("BTC/USDT", ("BTC_USDT", "20ms"), 20, "/spot/order_book?currency_pair=BTC_USDT"),
        ("ETH/USDT:USDT", ("ETH_USDT", "100ms", "50"), 50, "/futures/usdt/order_book?contract=ETH_USDT"),
        ("ETH/USDT:USDT", ("ETH_USDT", "20ms", "20"), 20, "/futures/usdt/order_book?contract=ETH_USDT"),
    ],
)
async def test_the_older_updates_join_a_page_with_as_many_levels(
    symbol: str, payload: tuple[str, ...], levels: int, page: str
) -> None:
    async with exchange(rate=5.0) as world:
        client, book = await world.connect(world.sim.listing(symbol).instrument.kind), Book()
        await client.join("order_book_update", *payload)
        await world.sim.step(0.3)
        snapshot = await world.fetch(f"{page}&limit={levels}&with_id=true")
        book.replace(snapshot["bids"], snapshot["asks"], snapshot["id"])
        assert len(snapshot["bids"]) == levels
        joined = False
        for _ in range(4):
            await world.sim.step(0.3)
            world.sim.front.publish_books()
            for result in await client.results("order_book_update"):
                assert result["l"] == str(levels)
                if result["u"] < book.last + 1:
                    assert not joined
                    continue
                assert result["U"] == book.last + 1 if joined else result["U"] <= book.last + 1
                book.apply(result)
                joined = True
            must_agree(book, world.sim, symbol, levels)
        assert joined


async def test_a_whole_book_comes_unasked_now_and_then() -> None:
    async with exchange(("BTC/USDT",), rate=0.3) as world:
        client, book = await world.connect(SPOT), Book()
        await client.join("obu", "ob.BTC_USDT.50")
        await world.sim.step(2 * FULL_EVERY_MS / 1000 + 5)
        world.sim.front.publish_books()
        results = await client.results("obu")
        assert [index > 0 for index, result in enumerate(results) if result.get("full")] == [False, True, True]
        for before, result in pairwise(results):
            assert result.get("full") or result["U"] == before["u"] + 1
        for result in results:
            if result.get("full"):
                book.replace(result["b"], result["a"], result["u"])
            else:
                book.apply(result)
        must_agree(book, world.sim, "BTC/USDT", 50)


async def test_a_stale_page_lies_before_the_updates() -> None:
    async with exchange(rate=5.0, faults="stale_snapshot=1") as world:
        await world.sim.step(0.5)
        client = await world.connect(LINEAR)
        await client.join("order_book_update", "BTC_USDT", "100ms", "100")
        await world.sim.step(0.5)
        first = (await client.results("order_book_update"))[0]
        path = "/futures/usdt/order_book?contract=BTC_USDT&limit=100&with_id=true"
        stale = await world.fetch(path)
        assert stale["id"] + 1 < first["U"] and len(stale["bids"]) == 100
        world.sim.faults.clear()
        assert (await world.fetch(path))["id"] >= first["u"]


# ---------------------------------------------------------------------- decimal sizes


async def test_without_the_header_sizes_of_perpetuals_are_integers_everywhere() -> None:
    async with exchange(rate=10.0) as world:
        clients = [await world.connect(LINEAR, headers) for headers in (WHOLE, {})]
        for client in clients:
            await client.join("obu", "ob.ETH_USDT.50")
            for channel in ("trades", "book_ticker", "tickers"):
                await client.join(channel, "ETH_USDT")
        await world.sim.step(2)
        exact, cut = [await client.frames() for client in clients]
        assert [frame["channel"] for frame in exact] == [frame["channel"] for frame in cut]
        fractions = 0
        for left, right in zip(exact, cut, strict=True):
            match left["channel"]:
                case "futures.obu":
                    levels = zip(left["result"]["b"], right["result"]["b"], strict=True)
                    sizes = [(a[1], int(b[1])) for a, b in levels]
                case "futures.trades":
                    sizes = [(a["size"], b["size"]) for a, b in zip(left["result"], right["result"], strict=True)]
                case "futures.book_ticker":
                    sizes = [(left["result"][name], right["result"][name]) for name in ("B", "A")]
                case _:
                    sizes = [(left["result"][0]["volume_24h"], right["result"][0]["volume_24h"])]
            for text, number in sizes:
                assert isinstance(text, str) and isinstance(number, int) and int(float(text)) == number
                fractions += "." in text
        assert fractions > 10


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
async def test_the_product_reads_the_listings_as_they_are_meant(kind: MarketKind) -> None:
    async with exchange() as world:
        codec = load_venue("gateio", world.sim.endpoints)
        request = codec.instruments_request(kind)
        async with world.session.get(request.url, headers=dict(request.headers)) as reply:
            read = codec.decode_instruments(kind, await reply.read())
        assert read == [listing.instrument for listing in world.sim.listings if listing.instrument.kind is kind]


async def test_a_contract_in_fractions_says_so_and_its_least_order_needs_the_header() -> None:
    async with exchange() as world:
        path = "/futures/usdt/contracts/ETH_USDT"
        exact, cut = await world.fetch(path), await world.fetch(path, {})
        assert (exact["enable_decimal"], exact["order_size_min"], cut["order_size_min"]) == (True, "0.1", 0)
        assert (await world.fetch("/futures/usdt/contracts/BTC_USDT"))["enable_decimal"] is False


# ---------------------------------------------------------------------- trades, marks, pages


async def test_spot_trades_are_counted_over_all_markets_and_in_each() -> None:
    async with exchange(rate=5.0) as world:
        client = await world.connect(SPOT)
        await client.join("trades", "BTC_USDT", "ETH_USDT")
        await world.sim.step(3)
        trades = await client.results("trades")
        assert [trade["id"] for trade in trades] == list(
            range(FIRST_SPOT_TRADE + 1, FIRST_SPOT_TRADE + 1 + len(trades))
        )
        for native in ("BTC_USDT", "ETH_USDT"):
            numbers = [trade["id_market"] for trade in trades if trade["currency_pair"] == native]
            assert len(numbers) > 3 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_marks_and_funding_come_every_second() -> None:
    async with exchange(("BTC/USDT:USDT",)) as world:
        client = await world.connect(LINEAR)
        await client.join("tickers", "BTC_USDT")
        await world.sim.step(5)
        rows = [result[0] for result in await client.results("tickers")]
        assert len(rows) == 6
        assert all(abs(float(row["mark_price"]) / float(row["index_price"]) - 1) < 0.01 for row in rows)
        contract = await world.fetch("/futures/usdt/contracts/BTC_USDT")
        assert contract["funding_interval"] == 28_800 and contract["funding_next_apply"] % 28_800 == 0
        assert (await world.fetch("/futures/usdt/tickers?contract=BTC_USDT"))[0]["contract"] == "BTC_USDT"


async def test_times_are_milliseconds_on_spot_and_seconds_with_a_fraction_on_perpetuals() -> None:
    async with exchange() as world:
        await world.sim.step(0.12)
        spot = await world.fetch("/spot/order_book?currency_pair=BTC_USDT")
        linear = await world.fetch("/futures/usdt/order_book?contract=BTC_USDT")
        now = (await world.fetch("/spot/time"))["server_time"]
        assert (spot["current"], linear["current"]) == (now, now / 1000)
        assert "id" not in spot and len(spot["bids"]) == len(linear["asks"]) == 10
        assert set(linear["asks"][0]) == {"s", "p"}


async def test_every_endpoint_has_a_limit_of_its_own() -> None:
    async with exchange(limits=replace(GateioFront.LIMITS, spot_weight=2)) as world:
        replies = [await world.reply("/spot/time") for _ in range(3)]
        assert [(status, headers["X-Gate-RateLimit-Requests-Remain"]) for status, _, headers in replies] == [
            (200, "1"), (200, "0"), (429, "0"),
        ]  # fmt: skip
        assert replies[2][1]["label"] == "TOO_MANY_REQUESTS"
        now_s = world.sim.timeline.now_ms() / 1000
        assert 0 < int(replies[2][2]["X-Gate-RateLimit-Reset-Timestamp"]) - now_s <= 10
        assert (await world.reply("/spot/currency_pairs"))[0] == 200
        await world.sim.step(10)
        assert (await world.reply("/spot/time"))[0] == 200


async def test_refusals_of_pages_have_a_label() -> None:
    async with exchange() as world:
        for path, label in (
            ("/spot/order_book?currency_pair=X_USDT", "INVALID_CURRENCY_PAIR"),
            ("/futures/usdt/order_book?contract=X_USDT", "CONTRACT_NOT_FOUND"),
        ):
            status, body, _ = await world.reply(path)
            assert (status, body["label"]) == (400, label)
        world.sim.faults.set("rest429", 1)
        assert (await world.reply("/spot/time"))[0] == 429
        world.sim.faults.clear()
        world.sim.faults.set("rest5xx", 1)
        assert (await world.reply("/spot/time"))[:2] == (
            503, {"label": "SERVER_ERROR", "message": "Internal server error"},
        )  # fmt: skip
