"""The Crypto.com gateway over loopback: frames of the documents, heartbeats, refusals, empty updates, whole books."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import Side
from jackbot_tui.sim.cryptocom.front import CryptocomFront
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.limits import Limits, SocketLimits

TIMEOUT_S = 10.0
LINKED = {"book_subscription_type": "SNAPSHOT_AND_UPDATE", "book_update_frequency": 10}
Socket = aiohttp.ClientWebSocketResponse


async def heard(socket: Socket) -> dict[str, Any]:
    frame: dict[str, Any] = msgspec.json.decode(await socket.receive_str(timeout=TIMEOUT_S))
    return frame


async def subscribe(socket: Socket, request_id: int, *channels: str, **options: Any) -> None:
    params = {"channels": list(channels), **options}
    await socket.send_json({"id": request_id, "method": "subscribe", "params": params})


@asynccontextmanager
async def market_socket(limits: Limits | None = None) -> AsyncIterator[tuple[SimExchange, Socket]]:
    async with (
        exchange(limits) as sim,
        aiohttp.ClientSession() as session,
        session.ws_connect(sim.endpoints["spot.public"]) as socket,
    ):
        yield sim, socket


def exchange(limits: Limits | None = None) -> SimExchange:
    return SimExchange(venue="cryptocom", seed=4, manual=True, limits=limits)


async def test_a_heartbeat_comes_at_once_and_an_answer_with_its_id_keeps_the_connection() -> None:
    quick = SocketLimits(messages_per_s=100, asks_every_s=0.05, answer_within_s=0.2)
    limits = replace(CryptocomFront.LIMITS, spot_socket=quick)
    async with market_socket(limits) as (_, socket):
        for _ in range(3):
            asked = await heard(socket)
            assert (asked["method"], asked["code"]) == ("public/heartbeat", 0)
            await socket.send_json({"id": asked["id"], "method": "public/respond-heartbeat"})
        asked = await heard(socket)
        await socket.send_json({"id": asked["id"] + 1, "method": "public/respond-heartbeat"})
        message = await socket.receive(timeout=TIMEOUT_S)
        assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1000)


async def test_updates_link_to_the_snapshot_and_an_empty_one_comes_after_five_quiet_seconds() -> None:
    async with market_socket() as (sim, socket):
        await heard(socket)
        await subscribe(socket, 7, "book.BTCUSD-PERP.50", **LINKED)
        assert await heard(socket) == {"id": 7, "method": "subscribe", "code": 0}
        snapshot = (await heard(socket))["result"]
        assert (snapshot["channel"], snapshot["depth"], snapshot["instrument_name"]) == ("book", 50, "BTCUSD-PERP")
        (book,) = snapshot["data"]
        assert len(book["bids"]) == len(book["asks"]) == 50 and book["bids"][0][0].count(".") == 1
        engine = sim.engine("BTC/USD:USD")
        assert book["u"] == engine.last_update_id
        last = book["u"]
        await sim.step(0.2)
        for _ in range(3):
            result = (await heard(socket))["result"]
            assert result["channel"] == "book.update"
            (row,) = result["data"]
            assert row["pu"] == last and row["u"] > last
            last = row["u"]


async def test_a_quiet_book_says_so_every_five_seconds() -> None:
    async with market_socket() as (sim, socket):
        await heard(socket)
        await subscribe(socket, 1, "book.SOLUSD-PERP.10", **LINKED)
        refusal = await heard(socket)
        assert refusal["code"] == 40003  # not listed in this run
        await subscribe(socket, 2, "book.ETHUSD-PERP.10", **LINKED)
        await heard(socket)
        number = (await heard(socket))["result"]["data"][0]["u"]
        for elapsed_ms in range(10, 5100, 10):
            sim.timeline.advance_to(elapsed_ms * 1_000_000)
            sim.gateway.pump()  # time goes by, the crowd does nothing
        update = (await heard(socket))["result"]["data"][0]
        assert (update["update"], update["u"], update["pu"]) == ({"asks": [], "bids": []}, number, number)


async def test_without_the_documented_type_books_come_whole_every_half_second() -> None:
    async with market_socket() as (sim, socket):
        await heard(socket)
        await subscribe(socket, 1, "book.BTC_USDT.10", bookSubscriptionType="SNAPSHOT_AND_UPDATE")
        await heard(socket)
        await sim.step(1.2)
        whole = [(await heard(socket))["result"] for _ in range(3)]
        assert {frame["channel"] for frame in whole} == {"book"}
        assert all(len(frame["data"][0]["bids"]) == 10 for frame in whole)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", 40003),
        ("[1]", 40003),
        ('{"id":1,"method":"subscribe"}', 40004),
        ('{"id":1,"method":"subscribe","params":{"channels":["book.BTC_USDT.37"]}}', 40004),
        ('{"id":1,"method":"subscribe","params":{"channels":["candles.BTC_USDT"]}}', 40004),
        ('{"id":1,"method":"subscribe","params":{"channels":["trade.BTC_USDT","trade.NO_USDT"]}}', 40003),
        ('{"id":1,"method":"dance","params":{"channels":["trade.BTC_USDT"]}}', 40003),
    ],
)
async def test_bad_requests_are_refused_with_code_and_the_request_itself(message: str, code: int) -> None:
    async with market_socket() as (_, socket):
        await heard(socket)
        await socket.send_str(message)
        answer = await heard(socket)
        assert (answer["code"], answer["original"]) == (code, message)
        await subscribe(socket, 3, "ticker.BTC_USDT")
        assert (await heard(socket))["code"] == 0


async def test_pages_give_the_rules_the_book_and_refusals() -> None:
    async with exchange() as sim, aiohttp.ClientSession() as session:
        await sim.step(1.0)
        root = sim.endpoints["spot.rest"] + "/public/"
        async with session.get(root + "get-instruments") as reply:
            rows = {row["symbol"]: row for row in (await reply.json())["result"]["data"]}
        assert rows["BTCUSD-PERP"]["inst_type"] == "PERPETUAL_SWAP" and rows["BTC_USDT"]["price_tick_size"] == "0.01"
        async with session.get(root + "get-book?instrument_name=BTC_USDT&depth=50") as reply:
            (book,) = (await reply.json())["result"]["data"]
        (best,), text = sim.engine("BTC/USDT").depth(Side.BUY, 1), sim.market("BTC/USDT").text
        assert book["bids"][0][:2] == [text.price(best[0]), text.quantity(best[1])]
        async with session.get(root + "get-book?instrument_name=NO") as reply:
            assert reply.status == 400 and (await reply.json())["code"] == 40003


async def test_the_channel_beyond_the_limit_is_refused() -> None:
    few = SocketLimits(messages_per_s=100, streams=1, asks_every_s=30.0)
    async with market_socket(replace(CryptocomFront.LIMITS, spot_socket=few)) as (_, socket):
        await heard(socket)
        await subscribe(socket, 1, "ticker.BTC_USDT")
        assert (await heard(socket))["code"] == 0
        await subscribe(socket, 2, "trade.BTC_USDT")
        assert (await heard(socket))["code"] == 40107
