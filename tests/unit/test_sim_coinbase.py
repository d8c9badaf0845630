"""The Coinbase gateway over loopback sockets: recorded shapes word for word, the count of a connection, deep books."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.websocket import MAX_MESSAGE
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.coinbase.front import CoinbaseFront
from jackbot_tui.sim.coinbase.listings import LISTINGS
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.orders import CROWD
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, HttpRequest
from tests.ccxt_venues import coinbase as ccxt_coinbase

SPOT = MarketKind.SPOT
START = "2026-11-18T11:06:40"
TIMEOUT_S = 10.0
QUIET = replace(
    CoinbaseFront.LIMITS, spot_socket=replace(CoinbaseFront.LIMITS.spot_socket, messages_per_s=1000), spot_weight=1000
)


@asynccontextmanager
async def exchange(**options: Any) -> AsyncIterator[tuple[SimExchange, aiohttp.ClientSession]]:
    options = {"venue": "coinbase", "seed": 3, "manual": True, "limits": QUIET, **options}
    async with SimExchange(**options) as sim, aiohttp.ClientSession() as session:
        yield sim, session


class Client:
    """Reads frames; an unknown request is answered after everything that is queued before it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, action: str, channel: str, *products: str) -> None:
        await self.socket.send_json({"type": action, "channel": channel, "product_ids": products})

    async def texts(self) -> list[str]:
        await self.socket.send_str('{"type":"mark","channel":""}')
        found: list[str] = []
        while "not mark" not in (text := await self.socket.receive_str(timeout=TIMEOUT_S)):
            found.append(text)
        return found

    async def frames(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in await self.texts()]

    async def subscribe(self, channel: str, *products: str) -> list[dict[str, Any]]:
        await self.say("subscribe", channel, *products)
        return await self.frames()


async def connect(sim: SimExchange, session: aiohttp.ClientSession) -> Client:
    return Client(await session.ws_connect(sim.endpoints["spot.public"], max_msg_size=MAX_MESSAGE))


async def fetch(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as reply:
        return await reply.json()


def truth(sim: SimExchange, symbol: str) -> dict[str, dict[Decimal, Decimal]]:
    instrument, engine = sim.listing(symbol).instrument, sim.engine(symbol)
    return {
        name: {price * instrument.tick: size * instrument.lot for price, size in engine.depth(side)}
        for name, side in (("bid", Side.BUY), ("offer", Side.SELL))
    }


def apply(book: dict[str, dict[Decimal, Decimal]], event: dict[str, Any]) -> None:
    """As coinbase.md §4 says, on decimal texts."""
    if event["type"] == "snapshot":
        book.update(bid={}, offer={})
    for row in event["updates"]:
        side, price, size = book[row["side"]], Decimal(row["price_level"]), Decimal(row["new_quantity"])
        side[price] = size
        if not size:
            del side[price]


async def test_answers_list_all_that_a_connection_has_and_share_one_count_with_all_channels() -> None:
    async with exchange() as (sim, session):
        await sim.step(2)
        client = await connect(sim, session)
        await client.say("subscribe", "market_trades", "BTC-USD", "ETH-USD")
        await client.say("subscribe", "ticker", "ETH-USD")
        await client.say("subscribe", "heartbeats")
        await client.say("unsubscribe", "market_trades", "BTC-USD")
        frames = await client.frames()
        assert [frame["sequence_num"] for frame in frames] == list(range(7))
        assert [frame["channel"] for frame in frames] == [
            "market_trades", "market_trades", "subscriptions", "ticker", "subscriptions", "subscriptions",
            "subscriptions",
        ]  # fmt: skip
        answers = [frame["events"][0]["subscriptions"] for frame in frames if frame["channel"] == "subscriptions"]
        both, ticker, beats = ["BTC-USD", "ETH-USD"], {"ticker": ["ETH-USD"]}, {"heartbeats": ["heartbeats"]}
        assert answers == [
            {"market_trades": both},
            {"market_trades": both, **ticker},
            {**beats, "market_trades": both, **ticker},
            {**beats, "market_trades": ["ETH-USD"], **ticker},
        ]
        await sim.step(3)
        later = await client.frames()
        numbers = [frame["sequence_num"] for frame in (*frames, *later)]
        assert numbers == list(range(len(numbers))) and len({frame["channel"] for frame in later}) == 3
        second = await connect(sim, session)
        assert (await second.subscribe("heartbeats"))[0]["sequence_num"] == 0, "a count for each connection"


async def test_frames_are_written_as_in_the_recorded_session() -> None:
    async with exchange(symbols=["BTC/USD"]) as (sim, session):
        client, engine = await connect(sim, session), sim.engine("BTC/USD")
        for order in list(engine.open_orders(CROWD)):
            engine.cancel(order.order_id, now=0)
        engine.submit(Side.BUY, 583_000, 6_506_250, now=0)
        engine.submit(Side.SELL, 100_000_000, 6_506_301, now=0)
        await client.say("subscribe", "level2", "BTC-USD")
        await client.texts()
        engine.cancel(engine.queue_at(Side.BUY, 6_506_250)[0].order_id, now=0)
        engine.submit(Side.BUY, 36_903_292, 6_503_485, now=0)
        sim.front.publish_books()
        when = f"{START}.000000"
        assert await client.texts() == [
            f'{{"channel":"l2_data","timestamp":"{when}000Z","sequence_num":2,"events":[{{"type":"update",'
            f'"product_id":"BTC-USD","updates":['
            f'{{"side":"bid","event_time":"{when}Z","price_level":"65062.5","new_quantity":"0"}},'
            f'{{"side":"bid","event_time":"{when}Z","price_level":"65034.85","new_quantity":"0.36903292"}}]}}]}}'
        ]
        await client.say("unsubscribe", "level2", "BTC-USD")
        assert await client.texts() == [
            f'{{"channel":"subscriptions","timestamp":"{when}000Z","sequence_num":3,"events":[{{"subscriptions":{{}}}}]}}'
        ]
        await client.say("subscribe", "heartbeats")
        await client.texts()
        await sim.step(1)
        (beat,) = [text for text in await client.texts() if "current_time" in text][-1:]
        assert beat.endswith(
            '"events":[{"current_time":"2026-11-18 11:06:41.000000000 +0000 UTC m=+1.000000000",'
            '"heartbeat_counter":2}]}'
        )


async def test_a_book_kept_by_the_pages_recipe_is_the_engines() -> None:
    async with exchange(rate=10.0, volatility=4.0) as (sim, session):
        client = await connect(sim, session)
        book: dict[str, dict[Decimal, Decimal]] = {}
        await client.say("subscribe", "level2", "BTC-USD")
        updates = 0
        for _ in range(8):
            for frame in await client.frames():
                if frame["channel"] == "l2_data":
                    (event,) = frame["events"]
                    apply(book, event)
                    updates += 1
            assert book == truth(sim, "BTC/USD")
            await sim.step(0.5)
            sim.front.publish_books()
            await sim.gateway.drained()
        assert updates > 50


async def test_trades_are_newest_first_number_by_number_and_tell_the_makers_side() -> None:
    async with exchange(rate=5.0) as (sim, session):
        await sim.step(3)
        client = await connect(sim, session)
        greeting = await client.subscribe("market_trades", "BTC-USD")
        await sim.step(5)
        frames = [*greeting, *await client.frames()]
        events = [frame["events"][0] for frame in frames if frame["channel"] == "market_trades"]
        assert events[0]["type"] == "snapshot" and {event["type"] for event in events[1:]} == {"update"}
        assert any(len(event["trades"]) > 1 for event in events[1:]), "collected for a quarter of a second"
        rows = [row for event in events for row in reversed(event["trades"])]
        assert all(int(later["trade_id"]) == int(earlier["trade_id"]) + 1 for earlier, later in pairwise(rows))
        told = {trade.trade_id: trade for trade in sim.market("BTC/USD").history.trades}
        for row in rows:
            trade = told[int(row["trade_id"])]
            assert row["side"] == ("BUY" if trade.buyer_is_maker else "SELL")
            assert (int(Decimal(row["price"]) * 100), int(Decimal(row["size"]) * 10**8)) == (
                trade.price,
                trade.quantity,
            )


async def test_ccxt_sees_the_trades_with_sides_exchanged() -> None:
    async with exchange(rate=3.0) as (sim, _), asyncio.timeout(20):
        await sim.step(3)
        client = ccxt_coinbase.client(sim)
        try:
            await client.load_markets()
            watching = asyncio.ensure_future(client.watch_trades("BTC/USD"))
            while not watching.done() or len(client.trades["BTC/USD"]) <= 10:
                await sim.step(0.3)
                await asyncio.sleep(0.01)
            await watching
            told = {str(trade.trade_id): trade for trade in sim.market("BTC/USD").history.trades}
            for seen in client.trades["BTC/USD"]:
                trade = told[seen["id"]]
                assert seen["price"] == pytest.approx(trade.price / 100)
                assert seen["amount"] == pytest.approx(trade.quantity / 10**8)
                assert seen["side"] == ("buy" if trade.buyer_is_maker else "sell"), "the maker's: ccxt's own fault"
        finally:
            await client.close()


async def test_a_usdc_product_is_answered_under_the_name_of_its_twin() -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session)
        snapshot, answer = await client.subscribe("level2", "BTC-USDC")
        assert snapshot["events"][0]["product_id"] == "BTC-USD"
        assert answer["events"] == [{"subscriptions": {"level2": ["BTC-USD"]}}]
        url = sim.endpoints["spot.rest"] + "/market/products"
        rows = {row["product_id"]: row for row in (await fetch(session, url))["products"]}
        assert (rows["BTC-USDC"]["alias"], rows["BTC-USD"]["alias_to"]) == ("BTC-USD", ["BTC-USDC"])


async def test_a_rejected_product_is_refused_without_a_number_and_others_are_taken() -> None:
    async with exchange(faults="reject=ETH/USD") as (sim, session):
        client = await connect(sim, session)
        snapshot, refusal, answer = await client.subscribe("level2", "BTC-USD", "ETH-USD")
        assert refusal == {"type": "error", "message": "Failed to subscribe: ETH-USD is not a valid product"}
        assert (snapshot["sequence_num"], answer["sequence_num"]) == (0, 1)
        assert answer["events"] == [{"subscriptions": {"level2": ["BTC-USD"]}}]
        for text in ("{", '{"type":"subscribe","channel":"level3"}', '{"type":"subscribe","channel":"level2"}'):
            await client.socket.send_str(text)
            (error,) = await client.frames()
            assert set(error) == {"type", "message"}


async def test_a_lost_frame_leaves_a_hole_in_the_count() -> None:
    async with exchange() as (sim, session):
        client = await connect(sim, session)
        await client.subscribe("level2", "BTC-USD")
        await sim.step(1)
        sim.faults.trigger("gap", 2)
        await sim.step(2)
        numbers = [frame["sequence_num"] for frame in await client.frames()]
        assert [later - earlier for earlier, later in pairwise(numbers) if later != earlier + 1] == [3]


async def test_silence_holds_everything_back_and_keeps_the_count_whole() -> None:
    async with exchange(rate=5.0) as (sim, session):
        client, late = await connect(sim, session), await connect(sim, session)
        seen = [*await client.subscribe("heartbeats"), *await client.subscribe("level2", "BTC-USD")]
        await sim.step(1)
        sim.faults.trigger("silence", 3_000_000_000)
        seen += await client.frames()
        await sim.step(2.5)
        assert await client.frames() == [], "a heartbeat in sequence would prove the book"
        newcomer = await late.subscribe("level2", "BTC-USD")
        await sim.step(1)
        sim.front.publish_books()
        await sim.gateway.drained()
        for frames in ([*seen, *await client.frames()], [*newcomer, *await late.frames()]):
            assert [frame["sequence_num"] for frame in frames] == list(range(len(frames)))
            book: dict[str, dict[Decimal, Decimal]] = {}
            for frame in frames:
                if frame["channel"] == "l2_data":
                    apply(book, frame["events"][0])
            assert book == truth(sim, "BTC/USD")


async def test_a_very_deep_book_comes_in_one_frame_that_the_products_socket_and_codec_take() -> None:
    async with exchange(symbols=["BTC/USD"]) as (sim, session):
        engine = sim.engine("BTC/USD")
        for rank in range(23_000):
            engine.submit(Side.BUY, 1000 + rank, 5_500_000 - 7 * rank, now=0, account=1)
            engine.submit(Side.SELL, 1000 + rank, 7_500_000 + 90 * rank, now=0, account=1)
        codec = load_venue("coinbase", sim.endpoints)
        async with session.get(codec.instruments_request(SPOT).url) as reply:
            instruments = codec.decode_instruments(SPOT, await reply.text())
        assert [each for each in instruments if each.quote == "USD"] == [LISTINGS[0].instrument]
        data = MarketData(codec)
        market = data.add(instruments[0])
        (plan,) = codec.plan(instruments[:1], [Channel.BOOK])
        client = await connect(sim, session)
        data.on_connect(plan, 1)
        for _, text in codec.subscribe(plan, 1):
            await client.socket.send_str(text)
        texts = await client.texts()
        assert max(map(len, texts)) > 4_000_000
        for text in texts:
            data.on_frame(SPOT, text, 2)
        assert market.state is BookState.LIVE
        for side, levels in ((Side.BUY, market.book.bids), (Side.SELL, market.book.asks)):
            found = {round(price * 100): round(size * 10**8) for price, size in levels.items()}
            assert found == dict(engine.depth(side)) and len(found) > 23_000


async def test_a_connection_that_asks_for_nothing_is_closed_after_five_seconds() -> None:
    async with exchange() as (sim, session):
        idle, busy = await connect(sim, session), await connect(sim, session)
        await busy.subscribe("heartbeats")
        await sim.step(6.5)
        message = await idle.socket.receive(timeout=TIMEOUT_S)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
        beats = [frame for frame in await busy.frames() if frame["channel"] == "heartbeats"]
        counters = [frame["events"][0]["heartbeat_counter"] for frame in beats]
        assert counters == list(range(counters[0], counters[0] + len(counters))) and len(counters) >= 6


async def test_tickers_come_with_trades_and_their_batch_without_best_prices() -> None:
    async with exchange(rate=5.0) as (sim, session):
        client = await connect(sim, session)
        frames = [*await client.subscribe("ticker", "BTC-USD"), *await client.subscribe("ticker_batch", "BTC-USD")]
        await sim.step(11)
        frames += await client.frames()
        rows = {name: [f["events"][0] for f in frames if f["channel"] == name] for name in ("ticker", "ticker_batch")}
        assert len(rows["ticker"]) > 3 and [event["type"] for event in rows["ticker_batch"]][:2] == [
            "snapshot",
            "update",
        ]
        last = rows["ticker"][-1]["tickers"][0]
        assert Decimal(last["best_bid"]) < Decimal(last["best_ask"]) and Decimal(last["best_bid_quantity"]) > 0
        assert "best_bid" not in rows["ticker_batch"][-1]["tickers"][0]


async def test_the_products_codec_reads_the_very_listings_page_by_page_and_the_clock() -> None:
    symbols = [listing.instrument.symbol for listing in LISTINGS]
    async with exchange(symbols=symbols) as (sim, session):
        codec = load_venue("coinbase", sim.endpoints)
        request = codec.instruments_request(SPOT)
        following: HttpRequest | None = replace(request, url=request.url + "&limit=3")
        found, pages = list[Instrument](), 0
        while following is not None:
            async with session.get(following.url) as reply:
                body = await reply.text()
            found += codec.decode_instruments(SPOT, body)
            pages, following = pages + 1, codec.next_page(following, body)
        assert pages == 3
        assert [each for each in found if each.quote == "USD"] == [listing.instrument for listing in LISTINGS]
        assert [each.native for each in found if each.quote == "USDC"] == [f"{x.instrument.native}C" for x in LISTINGS]
        clock = codec.time_request(SPOT)
        assert clock is not None
        async with session.get(clock.url) as reply:
            assert codec.decode_time(SPOT, await reply.text()) == sim.timeline.now_ns()


async def test_rest_pages_tell_the_book_the_trades_and_what_is_wrong() -> None:
    async with exchange() as (sim, session):
        await sim.step(3)
        market = sim.endpoints["spot.rest"] + "/market"
        book = await fetch(session, f"{market}/product_book?product_id=BTC-USD&limit=5")
        expected = truth(sim, "BTC/USD")
        for name, side in (("bids", "bid"), ("asks", "offer")):
            rows = [(Decimal(row["price"]), Decimal(row["size"])) for row in book["pricebook"][name]]
            assert rows == list(expected[side].items())[:5]
        bid, ask = (Decimal(book["pricebook"][name][0]["price"]) for name in ("bids", "asks"))
        assert (Decimal(book["mid_market"]), Decimal(book["spread_absolute"])) == ((bid + ask) / 2, ask - bid)
        trades = (await fetch(session, f"{market}/products/BTC-USDC/ticker?limit=2"))["trades"]
        assert [int(row["trade_id"]) for row in trades] == [
            trade.trade_id for trade in list(sim.market("BTC/USD").history.trades)[:-3:-1]
        ]
        async with session.get(f"{market}/product_book?product_id=FOO-USD") as reply:
            assert (reply.status, (await reply.json())["error"]) == (404, "NOT_FOUND")
        assert (await fetch(session, f"{market}/products?product_type=FUTURE"))["products"] == []


async def test_a_stale_book_page_is_a_second_old_or_more() -> None:
    async with exchange(faults="stale_snapshot=1", rate=10.0) as (sim, session):
        await sim.step(3)
        url = sim.endpoints["spot.rest"] + "/market/product_book?product_id=BTC-USD"
        rows = (await fetch(session, url))["pricebook"]["bids"]
        found = {Decimal(row["price"]): Decimal(row["size"]) for row in rows}
        assert found != truth(sim, "BTC/USD")["bid"] and len(found) > 100
        assert sim.faults.counts["stale_snapshot"] == 1


async def test_limits_and_outages_are_told_in_the_venues_words() -> None:
    strict = replace(QUIET, spot_weight=1, spot_socket=replace(QUIET.spot_socket, messages_per_s=2))
    async with exchange(limits=strict) as (sim, session):
        url = sim.endpoints["spot.rest"] + "/time"
        assert (await fetch(session, url))["epochMillis"] == "1795000000000"
        async with session.get(url) as reply:
            assert (reply.status, reply.headers["x-ratelimit-remaining"]) == (429, "0")
            assert (await reply.json())["errors"][0]["id"] == "rate_limit_exceeded"
        sim.faults.set("rest5xx", 1)
        async with session.get(url) as reply:
            assert (reply.status, (await reply.json())["error"]) == (503, "UNAVAILABLE")
        client = await connect(sim, session)
        for _ in range(3):
            await client.say("subscribe", "heartbeats")
        texts = [await client.socket.receive_str(timeout=TIMEOUT_S) for _ in range(3)]
        assert json.loads(texts[-1]) == {"type": "error", "message": "rate limit exceeded"}


async def test_an_unconfirmed_subscription_still_takes_effect() -> None:
    async with exchange(faults="noack=1") as (sim, session):
        client = await connect(sim, session)
        (snapshot,) = await client.subscribe("level2", "BTC-USD")
        assert snapshot["channel"] == "l2_data" and sim.faults.counts["noack"] == 1
