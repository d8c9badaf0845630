"""The Kraken gateway over loopback sockets: the page's frames word for word, checksums, refusals, heartbeats, pages."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zlib import crc32

import aiohttp
import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.kraken.front import KrakenFront
from jackbot_tui.sim.kraken.listings import LISTINGS
from jackbot_tui.sim.kraken.spot import checksum
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import CROWD
from jackbot_tui.sim.timeline import Timeline
from jackbot_tui.venues import load_venue
from tests.unit.test_kraken_codec import ASKS, BIDS

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
START = "2026-11-18T11:06:40.000000Z"
TIMEOUT_S = 10.0


@asynccontextmanager
async def exchange(**options: Any) -> AsyncIterator[tuple[SimExchange, aiohttp.ClientSession]]:
    options = {"venue": "kraken", "seed": 3, "manual": True, **options}
    async with SimExchange(**options) as sim, aiohttp.ClientSession() as session:
        yield sim, session


class Client:
    """Reads frames; a ping is answered after everything that is queued before it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, ping: str) -> None:
        self.socket = socket
        self._ping = ping

    async def say(self, **content: Any) -> None:
        await self.socket.send_json(content)

    async def texts(self) -> list[str]:
        await self.socket.send_str(self._ping)
        found: list[str] = []
        while '"pong"' not in (text := await self.socket.receive_str(timeout=TIMEOUT_S)):
            found.append(text)
        return found

    async def frames(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in await self.texts()]


async def spot_client(sim: SimExchange, session: aiohttp.ClientSession) -> Client:
    """Connected and greeted."""
    client = Client(await session.ws_connect(sim.endpoints["spot.public"], max_msg_size=0), '{"method":"ping"}')
    await client.texts()
    return client


async def futures_client(sim: SimExchange, session: aiohttp.ClientSession) -> Client:
    client = Client(await session.ws_connect(sim.endpoints["linear.public"], max_msg_size=0), '{"event":"ping"}')
    assert await client.frames() == [{"event": "info", "version": 1}]
    return client


async def subscribe(client: Client, channel: str, *symbols: str, **params: Any) -> list[dict[str, Any]]:
    return [json.loads(text) for text in await subscribe_texts(client, channel, *symbols, **params)]


async def subscribe_texts(client: Client, channel: str, *symbols: str, **params: Any) -> list[str]:
    await client.say(method="subscribe", params={"channel": channel, "symbol": symbols, **params}, req_id=1)
    return await client.texts()


async def fetch(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as reply:
        return await reply.json()


def digits(levels: list[tuple[str, str]]) -> str:
    return "".join(text.replace(".", "").lstrip("0") for level in levels for text in level)


class TextBook:
    """A spot book kept by kraken.md §4.1 word for word, on the texts of the frames."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.bids: dict[Decimal, tuple[str, str]] = {}
        self.asks: dict[Decimal, tuple[str, str]] = {}

    def take(self, raw: str) -> int:
        """Apply a frame and check its sum; gives back the sum."""
        frame = json.loads(raw, parse_float=lambda text: text, parse_int=lambda text: text)
        (data,) = frame["data"]
        if frame["type"] == "snapshot":
            self.bids, self.asks = {}, {}
        for side, rows in ((self.bids, data["bids"]), (self.asks, data["asks"])):
            for row in rows:
                side[Decimal(row["price"])] = (row["price"], row["qty"])
                if not Decimal(row["qty"]):
                    del side[Decimal(row["price"])]
        bids, asks = self.top()
        self.bids, self.asks = ({Decimal(level[0]): level for level in side} for side in (bids, asks))
        assert crc32((digits(asks[:10]) + digits(bids[:10])).encode()) == int(data["checksum"]), raw
        return int(data["checksum"])

    def top(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        bids = [self.bids[price] for price in sorted(self.bids, reverse=True)]
        asks = [self.asks[price] for price in sorted(self.asks)]
        return bids[: self.depth], asks[: self.depth]


def truth(sim: SimExchange, symbol: str, depth: int) -> tuple[list[tuple[str, str]], ...]:
    listing = sim.listing(symbol)
    tick, lot = listing.instrument.tick, listing.instrument.lot
    return tuple(
        [
            (f"{price * tick:.{listing.price_places}f}", f"{size * lot:.{listing.qty_places}f}")
            for price, size in sim.engine(symbol).depth(side, depth)
        ]
        for side in (Side.BUY, Side.SELL)
    )


def test_the_checksum_is_that_of_the_venues_worked_example() -> None:
    listing: Listing = LISTINGS[0]
    engine = MatchingEngine()
    market = SimMarket(listing, engine, Timeline(0), 0)

    def place(side: Side, level: str, size: str = "") -> None:
        price, _, quantity = level.partition("/")
        engine.submit(side, int(Decimal(size or quantity) * 10**8), int(Decimal(price) * 10), now=0)

    for side, text in ((Side.BUY, BIDS), (Side.SELL, ASKS)):
        for level in text.split():
            place(side, level)

    def computed() -> int:
        return checksum(market, engine.depth(Side.BUY, 10), engine.depth(Side.SELL, 10))

    assert computed() == 3310070434
    engine.cancel(engine.queue_at(Side.BUY, 452835)[0].order_id, now=0)
    place(Side.BUY, "45275.0/2.00000000")
    assert computed() == 2616427980


async def test_the_greeting_and_one_answer_per_symbol() -> None:
    async with exchange() as (sim, session):
        socket = await session.ws_connect(sim.endpoints["spot.public"])
        greeting = json.loads(await socket.receive_str(timeout=TIMEOUT_S))
        (row,) = greeting.pop("data")
        assert greeting == {"channel": "status", "type": "update"}
        assert (row["system"], row["api_version"], row["version"]) == ("online", "v2", "2.0.10")
        client = Client(socket, '{"method":"ping","req_id":9}')
        frames = await subscribe(client, "book", "BTC/USD", "FOO/BAR", "ETH/USD")
        ends = {"time_in": START, "time_out": START}
        assert [frame for frame in frames if "method" in frame] == [
            {
                "method": "subscribe",
                "req_id": 1,
                "result": {"channel": "book", "depth": 10, "snapshot": True, "symbol": "BTC/USD"},
                "success": True,
                **ends,
            },
            {
                "error": "Currency pair not supported FOO/BAR",
                "method": "subscribe",
                "req_id": 1,
                "success": False,
                "symbol": "FOO/BAR",
                **ends,
            },
            {
                "method": "subscribe",
                "req_id": 1,
                "result": {"channel": "book", "depth": 10, "snapshot": True, "symbol": "ETH/USD"},
                "success": True,
                **ends,
            },
        ]
        assert [frame["data"][0]["symbol"] for frame in frames if frame.get("type") == "snapshot"] == [
            "BTC/USD",
            "ETH/USD",
        ]
        await client.say(method="ping", req_id=7)
        assert json.loads(await socket.receive_str(timeout=TIMEOUT_S)) == {"method": "pong", "req_id": 7, **ends}


@pytest.mark.parametrize("depth", [10, 100, 500])
async def test_a_book_kept_by_the_pages_recipe_is_the_engines_and_every_checksum_holds(depth: int) -> None:
    async with exchange(rate=10.0, volatility=4.0) as (sim, session):
        client = await spot_client(sim, session)
        frames = await subscribe(client, "book", "BTC/USD", depth=depth)
        assert frames[0]["result"]["depth"] == depth and frames[1]["type"] == "snapshot"
        await client.say(method="unsubscribe", params={"channel": "book", "symbol": ["BTC/USD"], "depth": depth})
        assert (await client.frames())[-1]["result"] == {"channel": "book", "depth": depth, "symbol": "BTC/USD"}
        await client.say(method="subscribe", params={"channel": "book", "symbol": ["BTC/USD"], "depth": depth})
        book, updates = TextBook(depth), 0
        for _ in range(12):
            for raw in await client.texts():
                if '"type"' in raw:
                    book.take(raw)
                    updates += 1
            assert book.top() == truth(sim, "BTC/USD", depth)
            await sim.step(0.5)
            sim.front.publish_books()
            await sim.gateway.drained()
        assert updates > 100


async def test_what_leaves_the_depth_is_not_told_and_what_comes_back_is() -> None:
    async with exchange(symbols=["DOGE/USD"]) as (sim, session):
        client, engine = await spot_client(sim, session), sim.engine("DOGE/USD")
        await subscribe(client, "book", "DOGE/USD")
        best, tenth = engine.price_at(Side.BUY, 0), engine.price_at(Side.BUY, 9)
        free = next(price for price in range(best, tenth, -1) if not engine.size_at(Side.BUY, price))
        order = engine.submit(Side.BUY, 7, free, now=0)
        sim.front.publish_books()
        (pushed,) = await client.frames()
        assert pushed["data"][0]["bids"] == [{"price": free / 10**7, "qty": 7e-8}]
        engine.cancel(order.order_id, now=0)
        sim.front.publish_books()
        (back,) = await client.frames()
        assert back["data"][0]["bids"] == [
            {"price": free / 10**7, "qty": 0},
            {"price": tenth / 10**7, "qty": engine.size_at(Side.BUY, tenth) / 10**8},
        ]


async def test_subscriptions_that_make_no_sense_are_refused_in_the_venues_words() -> None:
    async with exchange() as (sim, session):
        client = await spot_client(sim, session)

        async def refusal(content: str) -> tuple[str, str]:
            await client.socket.send_str(content)
            (frame,) = await client.frames()
            assert frame["success"] is False
            return frame["method"], frame["error"]

        def request(method: str, **params: Any) -> str:
            return json.dumps({"method": method, "params": params, "req_id": 2})

        book = {"channel": "book", "symbol": ["BTC/USD"]}
        assert await refusal(request("subscribe", **book, depth=20)) == (
            "subscribe",
            "Subscription depth not supported",
        )
        assert (await refusal("{nonsense"))[1] == "Malformed request"
        assert (await refusal('{"method":"dance"}'))[1] == "Malformed request"
        await subscribe(client, "book", "BTC/USD", depth=100)
        assert await refusal(request("subscribe", **book, depth=100)) == ("subscribe", "Already subscribed")
        assert await refusal(request("unsubscribe", **book)) == ("unsubscribe", "Subscription Not Found")


async def test_a_rejected_symbol_is_refused_alone_in_both_markets() -> None:
    async with exchange(faults="reject=ETH/USD,reject=ETH/USD:USD") as (sim, session):
        client = await spot_client(sim, session)
        frames = await subscribe(client, "trade", "BTC/USD", "ETH/USD")
        assert [frame["success"] for frame in frames] == [True, False]
        futures = await futures_client(sim, session)
        await futures.say(event="subscribe", feed="ticker_lite", product_ids=["pf_ethusd", "pf_xbtusd"])
        refused, taken, ticker = await futures.frames()
        assert refused == {"event": "error", "message": "Invalid product id"}
        assert taken == {"event": "subscribed", "feed": "ticker_lite", "product_ids": ["PF_XBTUSD"]}
        assert (ticker["feed"], ticker["pair"]) == ("ticker_lite", "XBT:USD")


async def test_a_heartbeat_comes_each_second_in_which_nothing_else_does_and_silence_keeps_the_book_whole() -> None:
    async with exchange() as (sim, session):
        client, idle = await spot_client(sim, session), await spot_client(sim, session)
        book = TextBook(10)
        book.take((await subscribe_texts(client, "book", "BTC/USD"))[1])
        await sim.step(2)
        for raw in await client.texts():
            book.take(raw)  # busy: no heartbeat among them
        sim.faults.trigger("silence", 5_000_000_000)
        await sim.step(0.01)
        late = await spot_client(sim, session)
        assert len(await subscribe(late, "book", "BTC/USD")) == 1, "no snapshot while the venue is silent"
        await sim.step(4.5)
        assert await client.texts() == ['{"channel":"heartbeat"}'] * 4
        assert await idle.texts() == [], "nothing before the first subscription"
        await sim.step(1)
        for follower, kept in ((client, book), (late, TextBook(10))):
            for raw in await follower.texts():
                if "heartbeat" not in raw:
                    kept.take(raw)
            assert kept.top() == truth(sim, "BTC/USD", 10)


async def test_the_checksum_fault_sends_a_wrong_sum_and_noack_no_answer() -> None:
    async with exchange(faults="checksum=1,noack=1") as (sim, session):
        client = await spot_client(sim, session)
        (snapshot,) = await subscribe(client, "book", "BTC/USD")
        bids, asks = truth(sim, "BTC/USD", 10)
        assert snapshot["data"][0]["checksum"] == crc32((digits(asks) + digits(bids)).encode()) ^ 1
        assert sim.faults.counts["checksum"] == 1 and sim.faults.counts["noack"] == 1


async def test_spot_trades_come_by_taker_and_count_up_by_one() -> None:
    async with exchange(rate=5.0) as (sim, session):
        await sim.step(3)
        client = await spot_client(sim, session)
        ack, snapshot = await subscribe(client, "trade", "BTC/USD", snapshot=True)
        assert ack["result"] == {"channel": "trade", "snapshot": True, "symbol": "BTC/USD"}
        await sim.step(6)
        frames = [snapshot, *(frame for frame in await client.frames() if frame["channel"] == "trade")]
        rows = [row for frame in frames for row in frame["data"]]
        assert snapshot["type"] == "snapshot" and 0 < len(snapshot["data"]) <= 50 and len(frames) > 3
        assert all(later["trade_id"] == earlier["trade_id"] + 1 for earlier, later in pairwise(rows))
        told = {trade.trade_id: trade for trade in sim.market("BTC/USD").history.trades}
        for row in rows:
            trade = told[row["trade_id"]]
            assert row["side"] == ("sell" if trade.buyer_is_maker else "buy")
            assert round(row["price"] * 10) == trade.price and round(row["qty"] * 10**8) == trade.quantity


async def test_a_bbo_ticker_follows_the_best_prices_and_the_plain_one_trades() -> None:
    async with exchange(rate=5.0) as (sim, session):
        client = await spot_client(sim, session)
        ack, first = await subscribe(client, "ticker", "BTC/USD", event_trigger="bbo")
        assert ack["result"]["event_trigger"] == "bbo" and first["type"] == "snapshot"
        await sim.step(3)
        (row,) = [frame for frame in await client.frames() if frame["channel"] == "ticker"][-1]["data"]
        bids, asks = truth(sim, "BTC/USD", 1)
        assert [(f"{row['bid']:.1f}", f"{row['bid_qty']:.8f}"), (f"{row['ask']:.1f}", f"{row['ask_qty']:.8f}")] == [
            bids[0],
            asks[0],
        ]
        assert row["low"] <= row["vwap"] <= row["high"]


async def test_a_derivatives_level_is_written_as_the_venue_wrote_it() -> None:
    """The frame that Kraken sent on 6 August 2026, made from the same figures; only its number is our own."""
    async with exchange(symbols=["BTC/USD:USD"], start_ns=1_786_046_338_116_000_000) as (sim, session):
        client, engine = await futures_client(sim, session), sim.engine("BTC/USD:USD")
        await client.say(event="subscribe", feed="book", product_ids=["PF_XBTUSD"])
        await client.frames()
        for order in list(engine.open_orders(CROWD)):
            engine.cancel(order.order_id, now=0)
        sim.front.publish_books()
        number = (await client.frames())[-1]["seq"]
        engine.submit(Side.SELL, 568, 64_416, now=0)
        sim.front.publish_books()
        assert await client.texts() == [
            f'{{"feed":"book","product_id":"PF_XBTUSD","side":"sell","seq":{number + 1},"price":64416.0,"qty":0.0568,'
            '"timestamp":1786046338116}'
        ]


async def test_derivatives_books_are_numbered_without_a_hole_and_asking_again_brings_a_snapshot() -> None:
    async with exchange(rate=10.0, volatility=4.0) as (sim, session):
        client = await futures_client(sim, session)
        await client.say(event="subscribe", feed="book", product_ids=["PF_XBTUSD"])
        ack, snapshot = await client.frames()
        assert ack == {"event": "subscribed", "feed": "book", "product_ids": ["PF_XBTUSD"]}
        await sim.step(3)
        await client.say(event="subscribe", feed="book", product_ids=["pf_xbtusd"])
        sides = {name: {row["price"]: row["qty"] for row in snapshot[f"{name}s"]} for name in ("bid", "ask")}
        frames = await client.frames()
        assert {"event": "alert", "message": "Already subscribed to feed, re-requesting"} in frames
        number = snapshot["seq"]
        for frame in frames:
            if frame.get("feed") != "book":
                continue
            number += 1
            assert frame["seq"] == number
            levels = sides["bid" if frame["side"] == "buy" else "ask"]
            levels[frame["price"]] = frame["qty"]
            if not frame["qty"]:
                del levels[frame["price"]]
            assert max(sides["bid"]) < min(sides["ask"]), "crossed between two frames"
        again = frames[-1]
        assert (again["feed"], again["seq"]) == ("book_snapshot", number)
        assert {row["price"]: row["qty"] for row in again["bids"]} == sides["bid"]
        assert {row["price"]: row["qty"] for row in again["asks"]} == sides["ask"]


async def test_derivatives_trades_tickers_and_heartbeats() -> None:
    async with exchange(rate=5.0) as (sim, session):
        await sim.step(3)
        client = await futures_client(sim, session)
        for feed in ("trade", "ticker"):
            await client.say(event="subscribe", feed=feed, product_ids=["PF_XBTUSD"])
        await client.say(event="subscribe", feed="heartbeat")
        greeting = await client.frames()
        history = next(frame for frame in greeting if frame.get("feed") == "trade_snapshot")["trades"]
        assert all(later["seq"] == earlier["seq"] - 1 for earlier, later in pairwise(history)), "newest first"
        await sim.step(3)
        frames = await client.frames()
        kinds = [frame["feed"] for frame in frames]
        assert (kinds.count("ticker"), kinds.count("heartbeat")) == (3, 3) and kinds.count("trade") > 0
        ticker = [frame for frame in frames if frame["feed"] == "ticker"][-1]
        marks = sim.market("BTC/USD:USD").marks
        assert marks is not None and ticker["markPrice"] == pytest.approx(marks.mark, rel=1e-3)
        assert ticker["funding_rate"] == pytest.approx(ticker["relative_funding_rate"] * ticker["index"])
        assert ticker["relative_funding_rate"] == 0.0001 / 8, "an eighth of 8 hours' interest"
        assert ticker["next_funding_rate_time"] % 3_600_000 == 0
        assert 0 < ticker["next_funding_rate_time"] - ticker["time"] <= 3_600_000


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        ("{", {"event": "alert", "message": "Bad request"}),
        ('{"event":"subscribe","feed":"book"}', {"event": "alert", "message": "Bad request"}),
        (
            '{"event":"subscribe","feed":"candles","product_ids":["PF_XBTUSD"]}',
            {"event": "error", "message": "Invalid feed"},
        ),
        (
            '{"event":"subscribe","feed":"fills"}',
            {"event": "alert", "message": "Failed to subscribe to authenticated feed"},
        ),
        (
            '{"event":"unsubscribe","feed":"book","product_ids":["PF_XBTUSD"]}',
            {"event": "unsubscribed", "feed": "book", "product_ids": ["PF_XBTUSD"]},
        ),
    ],
)
async def test_derivatives_answer_odd_requests_as_the_venue_does(request_text: str, answer: dict[str, Any]) -> None:
    async with exchange() as (sim, session):
        client = await futures_client(sim, session)
        await client.socket.send_str(request_text)
        assert await client.frames() == [answer]


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
async def test_the_products_codec_reads_the_very_listings(kind: MarketKind) -> None:
    symbols = [listing.instrument.symbol for listing in LISTINGS]
    async with exchange(symbols=symbols) as (sim, session):
        codec = load_venue("kraken", sim.endpoints)
        async with session.get(codec.instruments_request(kind).url) as reply:
            found = codec.decode_instruments(kind, await reply.text())
        assert found == [listing.instrument for listing in LISTINGS if listing.instrument.kind is kind]


async def test_rest_pages_tell_the_time_the_book_and_the_trades() -> None:
    async with exchange() as (sim, session):
        await sim.step(3)
        spot, linear = sim.endpoints["spot.rest"] + "/0/public", sim.endpoints["linear.rest"] + "/derivatives/api/v3"
        time = (await fetch(session, f"{spot}/Time"))["result"]
        assert time == {"unixtime": 1_795_000_003, "rfc1123": "Wed, 18 Nov 26 11:06:43 +0000"}
        depth = (await fetch(session, f"{spot}/Depth?pair=XBTUSD&count=5"))["result"]["XXBTZUSD"]
        bids, asks = truth(sim, "BTC/USD", 5)
        assert [(price, size) for price, size, _ in depth["bids"]] == bids
        assert [(price, size) for price, size, _ in depth["asks"]] == asks
        trades = (await fetch(session, f"{spot}/Trades?pair=XXBTZUSD&count=3"))["result"]["XXBTZUSD"]
        assert [row[-1] for row in trades] == [t.trade_id for t in sim.market("BTC/USD").history.trades][-3:]
        ticker = (await fetch(session, f"{spot}/Ticker?pair=XBT/USD"))["result"]["XXBTZUSD"]
        assert (ticker["b"][0], ticker["a"][0]) == (bids[0][0], asks[0][0])
        assert await fetch(session, f"{spot}/Depth?pair=FOOBAR") == {"error": ["EQuery:Unknown asset pair"]}
        book = (await fetch(session, f"{linear}/orderbook?symbol=pf_xbtusd"))["orderBook"]
        engine = sim.engine("BTC/USD:USD")
        assert [round(price) for price, _ in book["asks"]] == [price for price, _ in engine.depth(Side.SELL)]
        assert (await fetch(session, f"{linear}/orderbook?symbol=PF_FOO"))["error"] == "contractNotFound"
        (row,) = [row for row in (await fetch(session, f"{linear}/tickers"))["tickers"] if row["symbol"] == "PF_XBTUSD"]
        assert row["markPrice"] > 0 and row["tag"] == "perpetual"
        history = (await fetch(session, f"{linear}/history?symbol=PF_XBTUSD"))["history"]
        assert history[0]["trade_id"] == sim.market("BTC/USD:USD").history.trades[-1].trade_id


async def test_a_stale_depth_page_is_a_second_old_or_more() -> None:
    async with exchange(faults="stale_snapshot=1", rate=10.0) as (sim, session):
        url = sim.endpoints["spot.rest"] + "/0/public/Depth?pair=XXBTZUSD&count=10"
        await sim.step(1.5)
        then = truth(sim, "BTC/USD", 10)[0]
        await sim.step(1.5)
        rows = (await fetch(session, url))["result"]["XXBTZUSD"]["bids"]
        assert [(price, size) for price, size, _ in rows] not in (then, truth(sim, "BTC/USD", 10)[0])
        assert sim.faults.counts["stale_snapshot"] == 1


async def test_requests_beyond_the_limit_and_an_overloaded_venue_are_told_in_its_words() -> None:
    limits = replace(KrakenFront.LIMITS, spot_weight=2, linear_weight=1)
    async with exchange(limits=limits) as (sim, session):
        spot, linear = sim.endpoints["spot.rest"], sim.endpoints["linear.rest"] + "/derivatives/api/v3"
        answers = [await fetch(session, f"{spot}/0/public/Time") for _ in range(3)]
        assert [answer["error"] for answer in answers] == [[], [], ["EAPI:Rate limit exceeded"]]
        assert [(await fetch(session, f"{linear}/tickers"))["result"] for _ in range(2)] == ["success", "error"]
        sim.faults.set("rest5xx", 1)
        async with session.get(f"{spot}/0/public/Time") as reply:
            assert (reply.status, await reply.json()) == (503, {"error": ["EService:Unavailable"]})


async def test_messages_beyond_the_rate_are_refused_on_spot_and_silent_clients_are_cut_off() -> None:
    limits = replace(
        KrakenFront.LIMITS,
        spot_socket=replace(KrakenFront.LIMITS.spot_socket, messages_per_s=2),
        linear_socket=replace(KrakenFront.LIMITS.linear_socket, idle_s=0.05),
    )
    async with exchange(limits=limits) as (sim, session):
        socket = await session.ws_connect(sim.endpoints["spot.public"])
        for _ in range(3):
            await socket.send_str('{"method":"ping"}')
        texts = [await socket.receive_str(timeout=TIMEOUT_S) for _ in range(4)]
        assert json.loads(texts[-1])["error"] == "Exceeded msg rate"
        silent = await session.ws_connect(sim.endpoints["linear.public"])
        assert json.loads(await silent.receive_str(timeout=TIMEOUT_S))["event"] == "info"
        async with asyncio.timeout(TIMEOUT_S):
            assert (await silent.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_shutdown_is_announced_by_the_status_channel_on_spot_only() -> None:
    async with exchange() as (sim, session):
        client, futures = await spot_client(sim, session), await futures_client(sim, session)
        sim.faults.trigger("shutdown", 1_000_000_000)
        (frame,) = await client.frames()
        assert (frame["channel"], frame["data"][0]["system"]) == ("status", "maintenance")
        await sim.step(1.1)
        message = await client.socket.receive(timeout=TIMEOUT_S)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        assert await futures.frames() == []


async def test_the_instrument_channel_has_the_precisions_that_checksums_need() -> None:
    async with exchange() as (sim, session):
        client = await spot_client(sim, session)
        await client.say(method="subscribe", params={"channel": "instrument"}, req_id=4)
        ack, snapshot = await client.frames()
        assert ack["result"] == {"channel": "instrument", "snapshot": True} and ack["req_id"] == 4
        rows = {row["symbol"]: (row["price_precision"], row["qty_precision"]) for row in snapshot["data"]["pairs"]}
        assert rows == {"BTC/USD": (1, 8), "ETH/USD": (2, 8)}
