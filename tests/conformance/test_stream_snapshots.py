"""Snapshots in the stream, over real sockets on loopback: gaps heal, rotations do not break, pings go out.

The server speaks as much of OKX as that takes: instrument list, subscriptions with a snapshot each, heartbeats.
"""

# ruff: noqa: ASYNC110 - a test polls with a deadline

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable

import msgspec
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.feeds.backoff import BackoffPolicy, ReconnectPolicy
from jackbot_tui.feeds.stream import ConnectionState, StreamPolicy, StreamSession
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, Mode
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, ConnectionPlan

WAIT_S = 15.0
SPOT = MarketKind.SPOT
LISTING = {
    "instId": "BTC-USDT", "instType": "SPOT", "state": "live", "baseCcy": "BTC", "quoteCcy": "USDT", "tickSz": "0.1",
    "lotSz": "0.0001", "minSz": "0.0001", "maxLmtSz": "999", "ctVal": "", "ctType": "", "settleCcy": "", "lever": "",
}  # fmt: skip
QUICK = StreamPolicy(
    reconnect=ReconnectPolicy(backoff=BackoffPolicy(first_s=0.02, cap_s=0.05, floor_s=0.01), flaps=1000),
    close_timeout_s=0.5,
    watch_every_s=0.02,
    overlap_s=0.1,
)


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


class Okx:
    """One book whose best bid is its update id, sent to everyone who subscribed."""

    def __init__(self) -> None:
        self.seq = 100
        self.said: list[str] = []
        self.subscribers: set[ServerConnection] = set()
        self.url = ""
        self.rest = ""

    def _book(self, action: str, previous: int) -> str:
        bids = [[str(self.seq), "1", "0", "1"]]
        if action == "update":
            bids.append([str(previous), "0", "0", "0"])
        asks = [["99999", "1", "0", "1"]] if action == "snapshot" else []
        row = {"asks": asks, "bids": bids, "ts": "1795000000000", "checksum": 0}
        row |= {"prevSeqId": previous if action == "update" else -1, "seqId": self.seq}
        return json.dumps({"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": action, "data": [row]})

    async def update(self, *, lost: bool = False) -> None:
        previous, self.seq = self.seq, self.seq + 1
        frame = self._book("update", previous)
        for socket in () if lost else tuple(self.subscribers):
            with contextlib.suppress(ConnectionClosed):
                await socket.send(frame)

    async def _serve(self, socket: ServerConnection) -> None:
        try:
            async for raw in socket:
                text = str(raw)
                self.said.append(text)
                if text == "ping":
                    await socket.send("pong")
                    continue
                request = json.loads(text)
                for arg in request["args"]:
                    answer = {"id": request["id"], "event": request["op"], "arg": arg, "connId": "a"}
                    await socket.send(json.dumps(answer))
                    if arg["channel"] != "books":
                        continue
                    if request["op"] == "subscribe":
                        self.subscribers.add(socket)
                        await socket.send(self._book("snapshot", -1))
                    else:
                        self.subscribers.discard(socket)
        finally:
            self.subscribers.discard(socket)

    @staticmethod
    def _http(connection: ServerConnection, request: Request) -> Response | None:
        if not request.path.startswith("/api/"):
            return None
        body = json.dumps({"code": "0", "msg": "", "data": [LISTING]}).encode()
        return Response(200, "OK", Headers({"Content-Length": str(len(body)), "Connection": "close"}), body)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Okx"]:
        async with serve(
            self._serve, "127.0.0.1", 0, process_request=self._http, ping_interval=None, close_timeout=0.2
        ) as server:
            place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self.url, self.rest = f"ws://{place}/ws/v5/public", f"http://{place}"
            yield self

    def ops(self) -> list[str]:
        return [json.loads(text)["op"] for text in self.said if text != "ping"]


class Bench:
    """A session that feeds a pipeline, as the engine does."""

    def __init__(self, venue: Okx, *, heartbeat_s: float = 0.0, policy: StreamPolicy = QUICK) -> None:
        codec = load_venue("okx", {"spot.public": venue.url})
        (instrument,) = codec.decode_instruments(SPOT, json.dumps({"code": "0", "msg": "", "data": [LISTING]}))
        self.data = MarketData(codec)
        self.market: InstrumentMarket = self.data.add(instrument)
        (plan,) = codec.plan([instrument], [Channel.BOOK])
        spec = msgspec.structs.replace(codec.spec.markets[SPOT], heartbeat_s=heartbeat_s, max_messages_per_s=1000.0)
        self.session = StreamSession(plan, spec, codec, self, SystemClock(), policy=policy, rng=random.Random(1))
        self.reasons: list[str] = []

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        self.data.on_connect(plan, now)

    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None:
        self.data.on_frame(plan.kind, raw, ts_recv)
        for instrument in self.data.wanted_resubscriptions():
            assert self.session.resubscribe(instrument)

    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        self.data.on_disconnect(plan, reason, now)
        self.reasons.append(reason)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.session.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def test_the_engine_heals_a_gap_by_subscribing_anew() -> None:
    venue = Okx()
    async with venue.listening():
        endpoints = {"spot.public": venue.url, "spot.rest": venue.rest}
        runtime = EngineRuntime(EngineOptions(mode=Mode.PAPER, venue="okx", symbols=["BTC/USDT"], endpoints=endpoints))
        await runtime.open()
        task = asyncio.create_task(runtime.run())
        try:
            await eventually(lambda: "okx:BTC/USDT" in runtime.data.markets)
            market = runtime.data.markets["okx:BTC/USDT"]
            await eventually(lambda: market.live)
            await venue.update()
            await eventually(lambda: market.book.bid_price == 101.0)
            await venue.update(lost=True)
            await venue.update()
            await eventually(lambda: market.sequencer.stats.resyncs == 1)
            assert (market.live, market.book.bids, market.sequencer.stats.gaps) == (True, {103.0: 1.0}, 1)
            assert venue.ops() == ["subscribe", "unsubscribe", "subscribe"]
        finally:
            runtime.stop("test over")
            await task
            await runtime.close()


async def test_a_rotation_leaves_the_book_live_and_in_sequence() -> None:
    venue = Okx()
    async with venue.listening():
        bench = Bench(venue)
        async with bench.running():
            await eventually(lambda: bench.market.live)
            async with asyncio.timeout(WAIT_S):
                while bench.session.metrics.rotations < 3:
                    if bench.session.metrics.state is ConnectionState.UP:
                        bench.session.request_rotation()
                    await venue.update()
                    await asyncio.sleep(0.002)
            await venue.update()
            await eventually(lambda: bench.market.book.bid_price == venue.seq)
        stats = bench.market.sequencer.stats
        assert (stats.gaps, stats.resyncs, stats.crossed, bench.reasons) == (0, 0, 0, [])
        assert bench.session.metrics.repeated > 0 and "unsubscribe" not in venue.ops()


async def test_heartbeats_go_out_and_their_answers_are_no_market_data() -> None:
    venue = Okx()
    async with venue.listening():
        policy = msgspec.structs.replace(QUICK, mute_s=0.3)
        bench = Bench(venue, heartbeat_s=0.02, policy=policy)
        async with bench.running():
            await eventually(lambda: bench.reasons)
        assert venue.said.count("ping") >= 3
        assert bench.reasons[0].startswith("connected, but no market data for 0 s")
        assert bench.data.unknown_frames == 0
