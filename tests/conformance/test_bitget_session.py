"""Bitget over a real socket: one answer an argument without ids, and a heartbeat of plain text, suit a session."""

from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection

from jackbot_tui.feeds.stream import ConnectionState, StreamSession
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookSnapshot
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel
from tests.conformance.test_feeds_stream import QUICK, Sink, eventually, running, venue
from tests.unit import test_bitget_codec as bitget

LINEAR = MarketKind.LINEAR


async def test_a_session_comes_up_asks_again_for_what_was_refused_and_keeps_itself_alive() -> None:
    """The ticker is refused once: its symbol's frame is asked for again, and only then is it confirmed."""
    heard: list[str] = []

    def answers(frame: str) -> list[str]:
        if frame == "ping":
            return ["pong"]
        args: list[dict[str, Any]] = msgspec.json.decode(frame)["args"]
        first = heard.count(frame) == 1
        return [
            bitget.answer(arg["topic"], "error" if first and arg["topic"] == "ticker" else "subscribe") for arg in args
        ]

    async def exchange(socket: ServerConnection) -> None:
        await socket.send(bitget.SNAPSHOT)  # data may come before any acknowledgement
        async for frame in socket:
            heard.append(str(frame))
            for text in answers(str(frame)):
                await socket.send(text)

    async with venue(exchange) as url:
        codec, sink = load_venue("bitget", {"linear.public": url}), Sink()
        instrument = bitget.listed(codec, LINEAR)
        codec.register([instrument])
        (plan,) = codec.plan([instrument], list(Channel))
        quick = msgspec.structs.replace(codec.spec.markets[LINEAR], heartbeat_s=0.05, max_messages_per_s=1e3)
        async with running(StreamSession(plan, quick, codec, sink, SystemClock(), policy=QUICK)) as session:
            await eventually(lambda: session.metrics.subscriptions == 1)
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
            await eventually(lambda: heard.count("ping") >= 3)
        assert (session.metrics.refused, session.metrics.unconfirmed, session.metrics.reconnects) == (1, 0, 0)
    asked = [frame for frame in heard if frame != "ping"]
    assert len(asked) == 2 and asked[0] == asked[1]
    events = [event for raw in sink.frames for event in codec.decode(LINEAR, raw, 1)]
    assert [event.key for event in events if isinstance(event, BookSnapshot)] == [instrument.key]
