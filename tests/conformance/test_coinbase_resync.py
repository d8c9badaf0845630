"""Coinbase over a real socket: a number left out takes both books out of LIVE, and both come back on new snapshots."""

import asyncio
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.stream import StreamSession
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, ConnectionPlan
from tests.conformance.test_feeds_stream import QUICK, eventually, running, venue
from tests.unit import test_coinbase_codec as coinbase

SPOT = MarketKind.SPOT


class Exchange:
    """Answers as the venue does: a snapshot, then the list of subscriptions, each frame with the next number."""

    def __init__(self) -> None:
        self.number = 0
        self.subscribed: dict[str, list[str]] = {}
        self.snapshots = 0
        self.skip = asyncio.Event()

    async def serve(self, socket: ServerConnection) -> None:
        self.number, self.subscribed = 0, {}
        skipping = asyncio.create_task(self._leave_one_out(socket))
        try:
            async for frame in socket:
                await self._answer(socket, msgspec.json.decode(frame))
        finally:
            skipping.cancel()

    async def _answer(self, socket: ServerConnection, asked: dict[str, Any]) -> None:
        names = self.subscribed.setdefault(asked["channel"], [])
        for name in asked.get("product_ids", [asked["channel"]]):
            if asked["type"] == "unsubscribe":
                names.remove(name)
                continue
            names.append(name)
            if asked["channel"] == "level2":
                self.snapshots += 1
                bid = f"bid 100 {self.snapshots}"
                await socket.send(coinbase.book(self._next(), "snapshot", bid, "offer 101 1", native=name))
        listed = msgspec.json.encode(self.subscribed).decode()[1:-1]
        await socket.send(coinbase.held(self._next(), listed))

    async def _leave_one_out(self, socket: ServerConnection) -> None:
        await self.skip.wait()
        self._next()
        await socket.send(coinbase.beat(self._next()))

    def _next(self) -> int:
        self.number += 1
        return self.number - 1


class Follower:
    """What the engine's runtime does with a session's frames."""

    def __init__(self, data: MarketData) -> None:
        self.data = data
        self.session: StreamSession | None = None
        self.lost_at: list[list[bool]] = []

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        self.data.on_connect(plan, now)

    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        self.data.on_disconnect(plan, reason, now)

    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None:
        self.data.on_frame(plan.kind, raw, ts_recv)
        wanted = self.data.wanted_resubscriptions()
        if wanted:
            self.lost_at.append([market.live for market in self.data.markets.values()])
        for instrument in wanted:
            assert self.session is not None and self.session.resubscribe(instrument)


async def test_a_hole_brings_both_books_down_and_new_snapshots_bring_them_back() -> None:
    exchange = Exchange()
    async with venue(exchange.serve) as url:
        codec = load_venue("coinbase", {"spot.public": url})
        data = MarketData(codec)
        instruments = [each for each in codec.decode_instruments(SPOT, coinbase.LISTED) if each.quote == "USD"]
        for instrument in instruments:
            data.add(instrument)
        (plan,) = codec.plan(instruments, [Channel.BOOK, Channel.TRADES])
        follower = Follower(data)
        spec = msgspec.structs.replace(codec.spec.markets[SPOT], max_messages_per_s=1e3)
        session = follower.session = StreamSession(plan, spec, codec, follower, SystemClock(), policy=QUICK)
        markets = list(data.markets.values())
        async with running(session):
            await eventually(lambda: all(market.live for market in markets) and session.metrics.subscriptions == 5)
            exchange.skip.set()
            await eventually(lambda: exchange.snapshots == 4 and all(market.live for market in markets))
        assert follower.lost_at == [[False, False]]
        assert [market.sequencer.stats.gaps for market in markets] == [1, 1]
        assert sorted(market.book.bid_size for market in markets) == [3.0, 4.0]
        assert (session.metrics.reconnects, session.metrics.refused) == (0, 0)
