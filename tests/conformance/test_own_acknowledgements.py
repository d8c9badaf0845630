"""Venues over a real socket: how they acknowledge and stay alive suits a session."""

from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from jackbot_tui.feeds.stream import ConnectionState, StreamSession
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookSnapshot
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel
from tests.conformance.test_feeds_stream import QUICK, Sink, eventually, running, venue
from tests.unit import test_bybit_codec as bybit
from tests.unit import test_coinbase_codec as coinbase
from tests.unit import test_cryptocom_codec as cryptocom
from tests.unit import test_gateio_codec as gateio
from tests.unit import test_hyperliquid_codec as hyperliquid

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR


def answer_of_bybit(asked: dict[str, Any]) -> str:
    if asked["op"] == "ping":
        return '{"success":true,"ret_msg":"pong","conn_id":"c1","op":"ping"}'
    return f'{{"success":true,"ret_msg":"","conn_id":"c1","req_id":"{asked["req_id"]}","op":"subscribe"}}'


def answers_of_coinbase() -> Callable[[dict[str, Any]], str]:
    """The whole list each time, with the connection's next number."""
    numbers = count(1)
    subscribed: dict[str, list[str]] = {}

    def answer(asked: dict[str, Any]) -> str:
        subscribed.setdefault(asked["channel"], []).extend(asked.get("product_ids", [asked["channel"]]))
        return coinbase.held(next(numbers), msgspec.json.encode(subscribed).decode()[1:-1])

    return answer


def answer_of_cryptocom(asked: dict[str, Any]) -> str:
    return f'{{"id":{asked["id"]},"method":"subscribe","code":0,"channel":"{asked["params"]["channels"][0]}"}}'


def answer_of_gateio(asked: dict[str, Any]) -> str:
    answer = {**asked, "time_ms": asked["time"] * 1000, "conn_id": "c1", "result": {"status": "success"}}
    return msgspec.json.encode(answer).decode()


def answer_of_hyperliquid(asked: dict[str, Any]) -> str:
    if asked["method"] == "ping":
        return '{"channel":"pong"}'
    full = {"nSigFigs": None, "mantissa": None, **asked["subscription"]}
    return msgspec.json.encode(
        {"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": full}}
    ).decode()


@pytest.mark.parametrize(
    ("name", "kind", "listing", "answer_of", "snapshot", "beats"),
    [
        ("bybit", LINEAR, bybit.LISTED_LINEAR, answer_of_bybit, bybit.SNAPSHOT, '"ping"'),
        ("coinbase", SPOT, coinbase.LISTED, answers_of_coinbase(), coinbase.SNAPSHOT, '"subscribe"'),
        ("cryptocom", LINEAR, cryptocom.LISTED, answer_of_cryptocom, cryptocom.SNAPSHOT, '"subscribe"'),
        ("gateio", LINEAR, gateio.LISTED_LINEAR, answer_of_gateio, gateio.SNAPSHOT, '"subscribe"'),
        ("hyperliquid", LINEAR, hyperliquid.LISTED_LINEAR, answer_of_hyperliquid, hyperliquid.DEEP, '"ping"'),
    ],
    ids=["bybit", "coinbase", "cryptocom", "gateio", "hyperliquid"],
)
async def test_a_session_comes_up_gets_its_book_and_keeps_itself_alive(
    name: str, kind: MarketKind, listing: str, answer_of: Callable[[dict[str, Any]], str], snapshot: str, beats: str
) -> None:
    heard: list[str] = []

    async def exchange(socket: ServerConnection) -> None:
        await socket.send(snapshot)  # data may come before any acknowledgement
        async for frame in socket:
            heard.append(str(frame))
            await socket.send(answer_of(msgspec.json.decode(frame)))

    async with venue(exchange) as url:
        codec, sink = load_venue(name, {f"{kind.value}.public": url}), Sink()
        instruments = codec.decode_instruments(kind, listing)[:1]
        codec.register(instruments)
        (plan,) = codec.plan(instruments, list(Channel))
        market = codec.spec.markets[kind]
        quick = msgspec.structs.replace(market, heartbeat_s=0.05 if market.heartbeat_s else 0.0, max_messages_per_s=1e3)
        async with running(StreamSession(plan, quick, codec, sink, SystemClock(), policy=QUICK)) as session:
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
            await eventually(lambda: sum(beats in frame for frame in heard) >= 3)
        assert session.metrics.subscriptions == len(codec.subscribe(plan, 1))
        assert (session.metrics.refused, session.metrics.unconfirmed, session.metrics.reconnects) == (0, 0, 0)
    events = [event for raw in sink.frames for event in codec.decode(kind, raw, 1)]
    assert [event.key for event in events if isinstance(event, BookSnapshot)] == [instruments[0].key]


async def test_a_heartbeat_that_wants_an_answer_gets_it_on_its_own_connection() -> None:
    heard: list[dict[str, Any]] = []

    async def exchange(socket: ServerConnection) -> None:
        await socket.send('{"id":1587523073344,"method":"public/heartbeat","code":0}')
        async for frame in socket:
            asked = msgspec.json.decode(frame)
            heard.append(asked)
            if asked["method"] == "subscribe":
                await socket.send(answer_of_cryptocom(asked))

    async with venue(exchange) as url:
        codec, sink = load_venue("cryptocom", {"linear.public": url}), Sink()
        instruments = codec.decode_instruments(LINEAR, cryptocom.LISTED)[:1]
        codec.register(instruments)
        (plan,) = codec.plan(instruments, [Channel.BOOK])
        spec = msgspec.structs.replace(codec.spec.markets[LINEAR], max_messages_per_s=1e3)
        async with running(StreamSession(plan, spec, codec, sink, SystemClock(), policy=QUICK)) as session:
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
            await eventually(lambda: {"id": 1587523073344, "method": "public/respond-heartbeat"} in heard)
    assert not any("public/heartbeat" in str(raw) for raw in sink.frames)
