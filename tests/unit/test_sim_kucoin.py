"""The KuCoin gateway: frames as kucoin.md writes them, tokens, books joined by its algorithm, errors, limits, pages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.kucoin.books import Change, NumberedBook
from jackbot_tui.sim.kucoin.front import FAREWELL_MS, LIMITS
from jackbot_tui.sim.kucoin.listings import LISTINGS
from jackbot_tui.sim.kucoin.texts import contract_update, depth_frame, spot_update, trade_row
from jackbot_tui.sim.kucoin.tokens import EXPIRED, INVALID, LIFETIME_MS, Tokens
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.timeline import Timeline
from jackbot_tui.venues import load_venue
from tests.gateway_world import followed

TIMEOUT_S = 10.0
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SYMBOLS = ("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT")
SPOT_BOOK, BOOK = "/market/level2:BTC-USDT", "/contractMarket/level2:XBTUSDTM"
TICK = 0.1


class Client:
    """A WebSocket client; a ping is answered after all frames that are queued before it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.fences = 0

    async def ask(self, request: Any) -> dict[str, Any]:
        await self.socket.send_str(request if isinstance(request, str) else json.dumps(request))
        return await self.receive()

    async def receive(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=TIMEOUT_S))
        return answer

    async def join(self, topic: str) -> dict[str, Any]:
        return await self.ask({"id": "7", "type": "subscribe", "topic": topic, "response": True})

    async def frames(self) -> list[dict[str, Any]]:
        """Everything that has arrived until now."""
        self.fences += 1
        await self.socket.send_json({"id": f"fence {self.fences}", "type": "ping"})
        found: list[dict[str, Any]] = []
        while True:
            frame = await self.receive()
            if frame.get("id") == f"fence {self.fences}":
                assert frame["type"] == "pong"
                return found
            found.append(frame)

    async def data(self, subject: str) -> list[dict[str, Any]]:
        return [frame["data"] for frame in await self.frames() if frame["subject"] == subject]


@asynccontextmanager
async def exchange(symbols: tuple[str, ...] = SYMBOLS, **options: Any) -> AsyncIterator["World"]:
    async with (
        SimExchange(symbols, venue="kucoin", **{"seed": 7, "manual": True, **options}) as sim,
        aiohttp.ClientSession() as session,
    ):
        yield World(sim, session)


class World:
    def __init__(self, sim: SimExchange, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def reply(self, kind: MarketKind, path: str, method: str = "GET") -> tuple[int, Any, Any]:
        async with self.session.request(method, self.sim.endpoints[f"{kind.value}.rest"] + path) as reply:
            return reply.status, json.loads(await reply.text()), reply.headers

    async def fetch(self, kind: MarketKind, path: str, method: str = "GET") -> Any:
        status, body, _ = await self.reply(kind, path, method)
        assert (status, body["code"]) == (200, "200000"), body
        return body["data"]

    async def knock(self, kind: MarketKind, token: str) -> Client:
        query = urlencode({"token": token, "privateChannel": "false", "connectId": "me"})
        return Client(await self.session.ws_connect(f"{self.sim.endpoints[f'{kind.value}.public']}?{query}"))

    async def connect(self, kind: MarketKind, *topics: str) -> Client:
        bullet = await self.fetch(kind, "/api/v1/bullet-public", "POST")
        (server,) = bullet["instanceServers"]
        assert server["endpoint"] == self.sim.endpoints[f"{kind.value}.public"]
        client = await self.knock(kind, bullet["token"])
        assert await client.receive() == {"id": "me", "type": "welcome"}
        for topic in topics:
            assert await client.join(topic) == {"id": "7", "type": "ack"}
        return client


def market_of(symbol: str) -> SimMarket:
    (listing,) = [listing for listing in LISTINGS if listing.instrument.symbol == symbol]
    return SimMarket(listing, MatchingEngine(), Timeline(1_700_000_000_000_000_000), 0)


# ---------------------------------------------------------------------- frames of the page


def test_updates_are_those_of_the_page() -> None:
    changes = [
        Change(5001, Side.SELL, 900_002, 0),
        Change(5002, Side.BUY, 0, 0),
        Change(5003, Side.SELL, 900_004, 110_000_000),
    ]
    assert json.loads(spot_update(market_of("BTC/USDT"), changes, 1_700_000_000_150)) == json.loads(
        '{"type":"message","topic":"/market/level2:BTC-USDT","subject":"trade.l2update","data":{"symbol":"BTC-USDT",'
        '"sequenceStart":5001,"sequenceEnd":5003,"time":1700000000150,"changes":{"asks":[["90000.2","0","5001"],'
        '["90000.4","1.1","5003"]],"bids":[["0","0","5002"]]}}}'
    )
    market = market_of("BTC/USDT:USDT")
    assert json.loads(contract_update(market, Change(701, Side.SELL, 900_001, 0), 1_700_000_000_160)) == json.loads(
        '{"type":"message","topic":"/contractMarket/level2:XBTUSDTM","subject":"level2","sn":701,'
        '"data":{"sequence":701,"change":"90000.1,sell,0","timestamp":1700000000160}}'
    )
    assert json.loads(contract_update(market, Change(702, Side.BUY, 900_000, 120), 1))["data"]["change"] == (
        "90000,buy,120"
    )


def test_books_of_few_levels_share_their_subject_with_the_increments_of_perpetuals() -> None:
    market, sides = market_of("BTC/USDT:USDT"), ([(639_221, 2240)], [(639_222, 197)])
    assert json.loads(depth_frame(market, "/contractMarket/level2Depth5:XBTUSDTM", sides, 9, 1_786_541_277_620)) == {
        "topic": "/contractMarket/level2Depth5:XBTUSDTM",
        "type": "message",
        "subject": "level2",
        "sn": 9,
        "data": {
            "sequence": 9,
            "asks": [["63922.2", 197]],
            "bids": [["63922.1", 2240]],
            "timestamp": 1_786_541_277_620,
            "ts": 1_786_541_277_620,
        },
    }


def test_a_trade_names_the_takers_side_in_the_types_of_its_market() -> None:
    for symbol, size, time in (
        ("BTC/USDT", "0.0000003", {"time": "1700000000000000000"}),
        ("BTC/USDT:USDT", 30, {"ts": 1_700_000_000_000_000_000}),
    ):
        market = market_of(symbol)
        market.engine.submit(Side.SELL, 30, 900_002, now=0)
        market.engine.submit(Side.BUY, 30, 900_002, now=0)
        row = trade_row(market, market.fresh_trades[0])
        expected = {"symbol": market.native, "side": "buy", "price": "90000.2", "size": size, "tradeId": "1", **time}
        assert expected.items() <= row.items()


def test_every_third_number_of_spot_is_no_level_and_perpetuals_have_none() -> None:
    for symbol, least, most in (("BTC/USDT", 0.28, 0.38), ("BTC/USDT:USDT", 0.0, 0.0)):
        market = market_of(symbol)
        book = NumberedBook(market, 1, has_placeholders=market.kind is SPOT)
        first = book.number
        for price in range(1, 3001):
            market.engine.submit(Side.BUY, 5, price, now=0)
        changes = book.take()
        assert [change.number for change in changes] == list(range(first + 1, book.number + 1))
        assert [change.price for change in changes if change.price] == list(range(1, 3001))
        assert least <= sum(not change.price for change in changes) / len(changes) <= most
        assert book.take() == []


# ---------------------------------------------------------------------- tokens


def test_a_token_opens_one_market_for_a_day() -> None:
    tokens = Tokens(7)
    token, other = tokens.give(SPOT, 1000), Tokens(8).give(SPOT, 1000)
    assert token != tokens.give(SPOT, 1000)
    assert tokens.problem(token, SPOT, 999 + LIFETIME_MS) == ""
    assert tokens.problem(token, SPOT, 1000 + LIFETIME_MS) == EXPIRED
    assert tokens.problem(token, LINEAR, 1000) == INVALID
    assert {tokens.problem(text, SPOT, 1000) for text in (other, "", "x", "é", token[:-8], "AAAA" + token)} == {INVALID}


@pytest.mark.parametrize("token", ["", "wrong", "of the other market"])
async def test_a_wrong_token_is_told_of_and_the_connection_closed(token: str) -> None:
    async with exchange() as world:
        if token.startswith("of"):
            token = (await world.fetch(SPOT, "/api/v1/bullet-public", "POST"))["token"]
        client = await world.knock(LINEAR, token)
        assert await client.receive() == {"type": "error", "code": 401, "data": INVALID}
        await client.socket.send_json({"id": "1", "type": "subscribe", "topic": BOOK, "response": True})
        await world.sim.step(FAREWELL_MS / 1000 + 0.01)
        closed = await client.socket.receive(timeout=TIMEOUT_S)
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1000)


# ---------------------------------------------------------------------- requests


async def test_answers_repeat_ids_as_text_and_only_who_asks_for_an_answer_gets_one() -> None:
    async with exchange() as world:
        client = await world.connect(SPOT)
        assert await client.ask({"id": 12, "type": "ping"}) == {"id": "12", "type": "pong"}
        topics = "/market/level2:BTC-USDT,ETH-USDT"
        await client.socket.send_json({"id": "1", "type": "subscribe", "topic": topics, "response": False})
        assert await client.frames() == []
        await world.sim.step(0.5)
        assert {frame["topic"] for frame in await client.frames()} == {SPOT_BOOK, "/market/level2:ETH-USDT"}
        leave = {"id": "2", "type": "unsubscribe", "topic": "/market/level2:ETH-USDT", "response": True}
        assert await client.ask(leave) == {"id": "2", "type": "ack"}
        await world.sim.step(0.5)
        assert {frame["topic"] for frame in await client.frames()} == {SPOT_BOOK}


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ({"type": "subscribe", "topic": ""}, 406, "topic is required"),
        ({"type": "subscribe", "topic": "/market/level2:XXX-USDT"}, 404, "topic does not exist"),
        ({"type": "subscribe", "topic": "/market/level2:BTC-USDT,XXX-USDT"}, 404, "topic does not exist"),
        ({"type": "subscribe", "topic": "/market/level2:XBTUSDTM"}, 404, "topic does not exist"),
        ({"type": "subscribe", "topic": "/contractMarket/level2:BTC-USDT"}, 404, "topic does not exist"),
        ({"type": "subscribe", "topic": "/market/level2: BTC-USDT"}, 404, "topic does not exist"),
        ({"type": "subscribe", "topic": "/market/level2"}, 404, "topic does not exist"),
        ({"type": "subscribe", "topic": SPOT_BOOK, "privateChannel": True}, 403, "login is required"),
        ({"type": "jump"}, 415, "command type is invalid"),
        (
            {"type": "subscribe", "topic": "/market/match:" + ",".join(["BTC-USDT"] * 101)},
            509,
            "exceed max subscription count limitation of 100 per time",
        ),
    ],
)
async def test_refusals_have_the_venues_code_words_and_id(request_: dict[str, Any], code: int, words: str) -> None:
    async with exchange() as world:
        client = await world.connect(SPOT)
        answer = await client.ask({"id": "9", "response": True, **request_})
        assert answer == {"id": "9", "type": "error", "code": code, "data": words}
        await world.sim.step(0.3)
        assert await client.frames() == []


async def test_a_frame_that_cannot_be_read_is_answered_and_the_connection_stays() -> None:
    async with exchange() as world:
        client = await world.connect(SPOT)
        for frame in ("{", "[]", '{"id":{}}'):
            assert (await client.ask(frame))["type"] == "error"
        assert await client.frames() == []


async def test_spot_has_a_limit_of_topics_per_connection() -> None:
    narrow = replace(LIMITS, spot_socket=replace(LIMITS.spot_socket, streams=2))
    async with exchange(limits=narrow) as world:
        client = await world.connect(SPOT, "/market/level2:BTC-USDT,ETH-USDT", SPOT_BOOK)
        refused = await client.join("/market/match:BTC-USDT")
        assert (refused["code"], refused["data"]) == (
            509, "exceed max subscription count limitation of 2 per session",
        )  # fmt: skip


async def test_more_messages_than_allowed_are_refused_one_by_one() -> None:
    few = replace(LIMITS, spot_socket=replace(LIMITS.spot_socket, messages_per_s=1, message_window_s=3.0))
    async with exchange(limits=few) as world:
        client = await world.connect(SPOT)
        answers = [(await client.ask({"id": str(number), "type": "ping"})).get("code", 0) for number in range(5)]
        assert answers == [0, 0, 0, 509, 509]


async def test_who_says_nothing_is_cut_off_whatever_it_is_sent() -> None:
    hasty = replace(LIMITS, spot_socket=replace(LIMITS.spot_socket, idle_s=0.2))
    async with exchange(limits=hasty) as world:
        client = await world.connect(SPOT, SPOT_BOOK)
        await world.sim.step(0.2)
        kinds = set()
        while not client.socket.closed:
            kinds.add((await client.socket.receive(timeout=TIMEOUT_S)).type)
        assert aiohttp.WSMsgType.TEXT in kinds and kinds & {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert LIMITS.spot_socket.idle_s == 28.0


# ---------------------------------------------------------------------- books


class Book:
    """A book kept by the algorithm of kucoin.md §4, word for word, on text."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.last = int(snapshot["sequence"])
        self.sides = {side: {str(price): float(size) for price, size in snapshot[side]} for side in ("bids", "asks")}
        self.joined = False

    def apply(self, data: dict[str, Any]) -> None:
        first, end = data.get("sequenceStart", data.get("sequence")), data.get("sequenceEnd", data.get("sequence"))
        if end <= self.last:
            assert not self.joined
            return
        assert first <= self.last + 1 if not self.joined else first == self.last + 1, "gap"
        if "change" in data:
            price, word, size = data["change"].split(",")
            rows = {"bids" if word == "buy" else "asks": [(price, size, str(end))]}
        else:
            rows = data["changes"]
        for side, levels in rows.items():
            for price, size, number in levels:
                if price == "0" or int(number) <= self.last:
                    continue
                self.sides[side].pop(price, None)
                if float(size):
                    self.sides[side][price] = float(size)
        self.last, self.joined = end, True

    def top(self, side: str, count: int) -> list[tuple[float, float]]:
        rows = sorted(((float(price), size) for price, size in self.sides[side].items()), reverse=side == "bids")
        return rows[:count]


def truth(sim: SimExchange, symbol: str, side: Side, count: int) -> list[tuple[float, float]]:
    listing = sim.listing(symbol)
    instrument = listing.instrument
    return [
        (float(price * instrument.tick), float(size * (instrument.lot / listing.wire_unit)))
        for price, size in sim.engine(symbol).depth(side, count)
    ]


@pytest.mark.parametrize(
    ("kind", "symbol", "topic", "page", "subject"),
    [
        (SPOT, "BTC/USDT", SPOT_BOOK, "/api/v1/market/orderbook/level2_100?symbol=BTC-USDT", "trade.l2update"),
        (LINEAR, "BTC/USDT:USDT", BOOK, "/api/v1/level2/snapshot?symbol=XBTUSDTM", "level2"),
    ],
)
async def test_updates_join_a_snapshot_that_is_asked_for_after_them(
    kind: MarketKind, symbol: str, topic: str, page: str, subject: str
) -> None:
    async with exchange(rate=5.0, volatility=0.1) as world:  # so calm that it stays within the 100 levels
        client = await world.connect(kind, topic)
        await world.sim.step(0.3)
        snapshot = await world.fetch(kind, page)
        if kind is SPOT:
            assert isinstance(snapshot["sequence"], str) and 10**12 < snapshot["time"] < 10**13
            assert {len(snapshot[side]) for side in ("bids", "asks")} == {100}
            assert world.sim.engine(symbol).level_count(Side.BUY) > 100
        else:
            assert isinstance(snapshot["sequence"], int) and snapshot["ts"] > 10**18
            assert len(snapshot["bids"]) == world.sim.engine(symbol).level_count(Side.BUY)
            assert all(isinstance(size, int) for _, size in snapshot["bids"])
        book = Book(snapshot)
        placeholders = 0
        for _ in range(4):
            await world.sim.step(0.25)
            world.sim.front.publish_books()
            for data in await client.data(subject):
                book.apply(data)
                placeholders += sum(row[0] == "0" for row in data.get("changes", {}).get("bids", []))
            for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
                assert book.top(name, 40) == truth(world.sim, symbol, side, 40)
        assert book.joined and (placeholders > 0) == (kind is SPOT)


async def test_a_stale_snapshot_lies_before_the_updates() -> None:
    async with exchange(rate=5.0, faults="stale_snapshot=1") as world:
        await world.sim.step(0.5)
        client = await world.connect(SPOT, SPOT_BOOK)
        await world.sim.step(0.5)
        (first, *_) = await client.data("trade.l2update")
        path = "/api/v1/market/orderbook/level2_100?symbol=BTC-USDT"
        stale = await world.fetch(SPOT, path)
        assert int(stale["sequence"]) + 1 < first["sequenceStart"] and len(stale["bids"]) == 100
        assert world.sim.faults.counts["stale_snapshot"] == 1
        world.sim.faults.clear()
        assert int((await world.fetch(SPOT, path))["sequence"]) >= first["sequenceStart"]


async def test_best_prices_are_those_of_the_book_at_their_number() -> None:
    async with exchange(rate=5.0) as world:
        client = await world.connect(LINEAR, BOOK, "/contractMarket/tickerV2:XBTUSDTM")
        book = Book(await world.fetch(LINEAR, "/api/v1/level2/snapshot?symbol=XBTUSDTM"))
        await world.sim.step(1.0)
        seen = 0
        for frame in await client.frames():
            data = frame["data"]
            if frame["subject"] == "level2":
                book.apply(data)
                continue
            assert frame["sn"] == data["sequence"] == book.last
            assert book.top("bids", 1) == [(float(data["bestBidPrice"]), data["bestBidSize"])]
            assert book.top("asks", 1) == [(float(data["bestAskPrice"]), data["bestAskSize"])]
            seen += 1
        assert seen > 5


async def test_the_product_stays_right_when_the_market_leaves_the_100_levels_it_began_with() -> None:
    async with followed("kucoin", ["BTC/USDT"], rate=20.0, volatility=20.0) as follow:
        engine = follow.sim.engine("BTC/USDT")
        low, high = engine.price_at(Side.BUY, 99), engine.price_at(Side.SELL, 99)

        def has_left() -> bool:
            return engine.best_bid is not None and not low < engine.best_bid < high

        for _ in range(400):
            if has_left():
                break
            await follow.run(1)
        assert has_left()
        await follow.until(follow.all_live)
        await follow.settle()
        follow.compare()


# ---------------------------------------------------------------------- marks, pages, faults


async def test_marks_come_every_second_and_the_coming_funding_every_minute() -> None:
    async with exchange(("BTC/USDT:USDT",), rate=0.1) as world:
        client = await world.connect(LINEAR, "/contract/instrument:XBTUSDTM")
        await world.sim.step(62)
        frames = await client.frames()
        marks = [frame["data"] for frame in frames if frame["subject"] == "mark.index.price"]
        rates = [frame["data"] for frame in frames if frame["subject"] == "funding.rate"]
        assert (len(marks), len(rates)) == (63, 2)  # the first with the first beat
        assert {b["timestamp"] - a["timestamp"] for a, b in pairwise(marks[1:])} == {1000}
        assert abs(marks[-1]["markPrice"] / marks[-1]["indexPrice"] - 1) < 0.01
        assert {(rate["granularity"], abs(rate["fundingRate"]) < 0.003) for rate in rates} == {(60_000, True)}
        current = await world.fetch(LINEAR, "/api/v1/funding-rate/XBTUSDTM/current")
        assert current["granularity"] == 28_800_000 and current["fundingTime"] % 28_800_000 == 0


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
async def test_the_product_reads_the_listings_as_they_are_meant(kind: MarketKind) -> None:
    async with exchange() as world:
        codec = load_venue("kucoin", world.sim.endpoints)
        async with world.session.get(codec.instruments_request(kind).url) as reply:
            read = codec.decode_instruments(kind, await reply.read())
        meant = [listing.instrument for listing in world.sim.listings if listing.instrument.kind is kind]
        assert [replace(each, band=None) for each in read] == [replace(each, band=None) for each in meant]
        for instrument in read if kind is LINEAR else ():
            assert instrument.band is not None
            assert float(instrument.band.buy_up) == pytest.approx(1.05, abs=2e-4)
            assert float(instrument.band.sell_down) == pytest.approx(0.95, abs=2e-4)


async def test_one_refused_symbol_takes_only_its_own_frame_along() -> None:
    async with exchange(faults="reject=ETH/USDT") as world:
        client = await world.connect(SPOT, SPOT_BOOK)
        assert (await client.join("/market/level2:ETH-USDT"))["code"] == 404
        assert (await client.join("/market/match:BTC-USDT,ETH-USDT"))["code"] == 404
        world.sim.faults.clear()
        assert (await client.join("/market/level2:ETH-USDT"))["type"] == "ack"


async def test_without_an_answer_the_subscription_counts_all_the_same() -> None:
    async with exchange(faults="noack=1") as world:
        client = await world.connect(SPOT)
        await client.socket.send_json({"id": "1", "type": "subscribe", "topic": SPOT_BOOK, "response": True})
        assert await client.frames() == []
        await world.sim.step(0.5)
        assert await client.data("trade.l2update")


async def test_the_pool_of_public_pages_is_told_of_and_enforced() -> None:
    async with exchange(limits=replace(LIMITS, spot_weight=12)) as world:
        status, _, headers = await world.reply(SPOT, "/api/v1/bullet-public", "POST")
        assert (status, headers["gw-ratelimit-limit"], headers["gw-ratelimit-remaining"]) == (200, "12", "2")
        assert 0 < int(headers["gw-ratelimit-reset"]) <= 30_000
        status, body, headers = await world.reply(LINEAR, "/api/v1/contracts/active")
        assert (status, body["code"], headers["gw-ratelimit-remaining"]) == (429, "429000", "0")
        await world.sim.step(30)
        assert (await world.reply(LINEAR, "/api/v1/contracts/active"))[0] == 200


async def test_throttling_names_a_time_and_overload_does_not() -> None:
    async with exchange(faults="rest429=1") as world:
        replies = [await world.reply(SPOT, "/api/v1/timestamp") for _ in range(2)]
        assert [(status, body["code"]) for status, body, _ in replies] == [(429, "429000")] * 2
        assert ["gw-ratelimit-reset" in headers for _, _, headers in replies] == [True, False]
        world.sim.faults.clear()
        world.sim.faults.set("rest5xx", 1)
        assert (await world.reply(SPOT, "/api/v1/timestamp"))[:2] == (
            503, {"code": "503000", "msg": "Server is busy. Please retry later."},
        )  # fmt: skip


async def test_errors_of_business_come_with_http_200() -> None:
    async with exchange() as world:
        for kind, path in (
            (SPOT, "/api/v1/market/orderbook/level2_100?symbol=XBTUSDTM"),
            (LINEAR, "/api/v1/level2/snapshot"),
            (LINEAR, "/api/v1/contracts/NOSUCH"),
        ):
            status, body, _ = await world.reply(kind, path)
            assert (status, body["code"]) == (200, "400100")


async def test_pages_of_trades_and_tickers_tell_what_happened() -> None:
    async with exchange(rate=5.0) as world:
        await world.sim.step(2)
        newest = world.sim.market("BTC/USDT").history.trades[-1]
        trades = await world.fetch(SPOT, "/api/v1/market/histories?symbol=BTC-USDT")
        assert (trades[0]["sequence"], float(trades[0]["price"])) == (
            str(newest.trade_id), pytest.approx(newest.price * TICK),
        )  # fmt: skip
        futures = await world.fetch(LINEAR, "/api/v1/trade/history?symbol=XBTUSDTM")
        assert futures[0]["ts"] > futures[-1]["ts"] > 10**18 and isinstance(futures[0]["size"], int)
        tickers = await world.fetch(SPOT, "/api/v1/market/allTickers")
        assert [row["symbol"] for row in tickers["ticker"]] == ["BTC-USDT", "ETH-USDT"]
        best = await world.fetch(SPOT, "/api/v1/market/orderbook/level1?symbol=BTC-USDT")
        assert float(best["bestBid"]) == truth(world.sim, "BTC/USDT", Side.BUY, 1)[0][0]
