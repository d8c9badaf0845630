"""KuCoin over real sockets: a token, the welcome, acknowledgements, a book, and pings that keep the line up."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web
from websockets.asyncio.server import ServerConnection

from jackbot_tui.feeds.rest import RestClient
from jackbot_tui.feeds.stream import ConnectionState, StreamSession
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookDelta
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel
from tests.conformance.test_feeds_stream import QUICK, Sink, eventually, venue
from tests.unit import test_kucoin_codec as kucoin

LINEAR = MarketKind.LINEAR


async def test_a_session_asks_for_its_token_comes_up_and_keeps_itself_alive() -> None:
    heard: list[dict[str, Any]] = []
    paths: list[str] = []

    async def exchange(socket: ServerConnection) -> None:
        assert socket.request is not None
        paths.append(socket.request.path)
        await socket.send('{"id":"jackbot1","type":"welcome"}')
        async for frame in socket:
            asked = msgspec.json.decode(frame)
            heard.append(asked)
            answer = "pong" if asked["type"] == "ping" else "ack"
            await socket.send(f'{{"id":"{asked["id"]}","type":"{answer}"}}')
            if "/level2:" in asked.get("topic", ""):
                await socket.send(kucoin.UPDATE)

    async with venue(exchange) as url:

        async def bullet(request: web.BaseRequest) -> web.Response:
            assert (request.method, request.path) == ("POST", "/api/v1/bullet-public")
            return web.Response(
                text=kucoin.BULLET.replace("wss://ws-api-spot.kucoin.com/", url).replace("17000", "1000")
            )

        runner = web.ServerRunner(web.Server(bullet), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        codec, sink = load_venue("kucoin", {"linear.rest": f"http://127.0.0.1:{runner.addresses[0][1]}"}), Sink()
        instruments = codec.decode_instruments(LINEAR, kucoin.LISTED)[:1]
        codec.register(instruments)
        (plan,) = codec.plan(instruments, list(Channel))
        spec = msgspec.structs.replace(codec.spec.markets[LINEAR], max_messages_per_s=1e3)
        rest = RestClient(SystemClock(), codec.spec)
        session = StreamSession(plan, spec, codec, sink, SystemClock(), policy=QUICK, rest=rest)
        task = asyncio.create_task(session.run())
        try:
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
            await eventually(lambda: {"id": "ping", "type": "ping"} in heard)
        finally:
            task.cancel()
            await asyncio.wait({task})
            await rest.close()
            await runner.cleanup()
    assert [path.partition("?")[2] for path in paths] == ["token=2neA%2B%2F%3D&connectId=jackbot1"]
    assert (session.metrics.refused, session.metrics.unconfirmed, session.metrics.reconnects) == (0, 0, 0)
    events = [event for raw in sink.frames for event in codec.decode(LINEAR, raw, 1)]
    assert [event.key for event in events if isinstance(event, BookDelta)] == [kucoin.KEY]
