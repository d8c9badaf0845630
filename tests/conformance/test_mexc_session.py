"""MEXC over real sockets: binary data beside text answers, and acknowledgements that name their channel only."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from jackbot_tui.feeds.stream import ConnectionState, StreamPolicy, StreamSession
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookDelta, VenueNotice
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec, ConnectionPlan
from tests.conformance.test_feeds_stream import QUICK, Sink, eventually, running, venue
from tests.unit import test_mexc_codec as samples

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR


def answer_of_spot(asked: dict[str, Any]) -> str:
    said = "PONG" if asked["method"] == "PING" else ",".join(asked["params"])
    return msgspec.json.encode({"id": 0, "code": 0, "msg": said}).decode()


def answer_of_perpetuals(asked: dict[str, Any]) -> str:
    if asked["method"] == "ping":
        return '{"channel":"pong","data":1700000000000}'
    return f'{{"channel":"rs.{asked["method"]}","data":"success","ts":1700000000000}}'


def session_of(codec: Codec, plan: ConnectionPlan, sink: Sink, policy: StreamPolicy = QUICK) -> StreamSession:
    quick = msgspec.structs.replace(codec.spec.markets[plan.kind], heartbeat_s=0.05, max_messages_per_s=1e3)
    return StreamSession(plan, quick, codec, sink, SystemClock(), policy=policy)


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
async def test_sessions_come_up_get_updates_and_keep_themselves_alive(kind: MarketKind) -> None:
    """All followed instruments at once: on perpetuals each has a socket of its own."""
    answer_of = answer_of_spot if kind is SPOT else answer_of_perpetuals
    beats = 0

    async def exchange(socket: ServerConnection) -> None:
        nonlocal beats
        await socket.send(samples.SPOT_DELTA if kind is SPOT else samples.DELTA)
        async for frame in socket:
            asked = msgspec.json.decode(frame)
            beats += asked["method"].lower() == "ping"
            await socket.send(answer_of(asked))

    async with venue(exchange) as url, AsyncExitStack() as stack:
        codec = load_venue("mexc", {f"{kind.value}.public": url})
        instruments = codec.decode_instruments(kind, samples.LISTED_SPOT if kind is SPOT else samples.LISTED_LINEAR)
        codec.register(instruments)
        plans, sinks = codec.plan(instruments, list(Channel)), []
        assert len(plans) == (1 if kind is SPOT else len(instruments))
        sessions = []
        for plan in plans:
            sinks.append(Sink())
            sessions.append(await stack.enter_async_context(running(session_of(codec, plan, sinks[-1]))))
        await eventually(lambda: all(each.metrics.state is ConnectionState.UP for each in sessions))
        await eventually(lambda: beats >= 3 * len(plans))
        for session, plan in zip(sessions, plans, strict=True):
            assert session.metrics.subscriptions == len(plan.topics)
            assert (session.metrics.refused, session.metrics.unconfirmed, session.metrics.reconnects) == (0, 0, 0)
    for sink in sinks:
        events = [event for raw in sink.frames for event in codec.decode(kind, raw, 1)]
        assert len([event for event in events if isinstance(event, BookDelta)]) == 1


async def test_a_perpetual_that_is_not_confirmed_is_asked_for_again_while_the_other_stays_up() -> None:
    """An error names no request: the connection that misses its answer is made anew, no other one is."""
    refusals = 1

    async def exchange(socket: ServerConnection) -> None:
        nonlocal refusals
        async for frame in socket:
            asked = msgspec.json.decode(frame)
            if asked.get("param", {}).get("symbol") == "LOT_USDT" and refusals:
                refusals -= 1
                await socket.send(samples.REFUSED)
            else:
                await socket.send(answer_of_perpetuals(asked))

    async with venue(exchange) as url, AsyncExitStack() as stack:
        codec = load_venue("mexc", {"linear.public": url})
        instruments = codec.decode_instruments(LINEAR, samples.LISTED_LINEAR)[:2]
        codec.register(instruments)
        sinks = [Sink(), Sink()]
        policy = msgspec.structs.replace(QUICK, ack_timeout_s=2.0)
        good, poor = [
            await stack.enter_async_context(running(session_of(codec, plan, sink, policy)))
            for plan, sink in zip(codec.plan(instruments, [Channel.BOOK]), sinks, strict=True)
        ]
        await eventually(lambda: good.metrics.state is poor.metrics.state is ConnectionState.UP and not refusals)
        assert (good.metrics.connects, good.metrics.unconfirmed) == (1, 0)
        assert (poor.metrics.connects, poor.metrics.unconfirmed) == (2, 1)
    told = [event for raw in sinks[1].frames for event in codec.decode(LINEAR, raw, 1)]
    assert [type(event) for event in told if not isinstance(event, BookDelta)].count(VenueNotice) == 1


async def test_a_pair_that_spot_refuses_is_asked_for_again_alone() -> None:
    refused = asyncio.Event()

    async def exchange(socket: ServerConnection) -> None:
        async for frame in socket:
            asked = msgspec.json.decode(frame)
            if "ETHBTC" in str(frame) and not refused.is_set():
                refused.set()
                words = f"Not Subscribed successfully! [{asked['params'][0]}].  Reason： Blocked!"
                await socket.send(msgspec.json.encode({"id": 0, "code": 0, "msg": words}).decode())
            else:
                await socket.send(answer_of_spot(asked))

    async with venue(exchange) as url:
        codec, sink = load_venue("mexc", {"spot.public": url}), Sink()
        instruments = codec.decode_instruments(SPOT, samples.LISTED_SPOT)
        (plan,) = codec.plan(instruments, [Channel.BOOK])
        async with running(session_of(codec, plan, sink)) as session:
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
            metrics = session.metrics
            assert (metrics.refused, metrics.subscriptions, metrics.connects) == (1, 2, 1)
