"""One venue's gateway on loopback and the product's own engine runtime following it: the ground of all conformance."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.feeds.backoff import BackoffPolicy, ReconnectPolicy
from jackbot_tui.feeds.line import StreamPolicy
from jackbot_tui.feeds.stream import StreamSession
from jackbot_tui.model.enums import MarketKind, Mode, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.front import Front
from jackbot_tui.sim.limits import Limits
from jackbot_tui.sim.orders import BookOrder, Execution
from jackbot_tui.venues.base import VenueSpec

DEADLINE_S = 20.0
QUICK = StreamPolicy(
    reconnect=ReconnectPolicy(backoff=BackoffPolicy(first_s=0.02, cap_s=0.2, floor_s=0.01), flaps=1000),
    ack_timeout_s=1.0,
    watch_every_s=0.05,
    probe_after_s=0.3,
    probe_every_s=1.0,
    probe_timeout_s=0.5,
    refused_retry=BackoffPolicy(first_s=0.1, cap_s=0.5, floor_s=0.05),
    rotation_retry_s=0.5,
    overlap_s=0.1,
)
"""Time-outs for tests: what takes seconds or minutes in earnest takes moments."""

POLL_S = 0.005
STILL_ROUNDS = 6
LEAST_KNOWN = 10
"""Levels a side that a book must know where its snapshots end at a depth."""


def symbols_of(venue: str, kind: MarketKind) -> list[str]:
    """Unified symbols of one kind that the venue's gateway lists."""
    return [listing.instrument.symbol for listing in front_of(venue).LISTINGS if listing.instrument.kind is kind]


def relaxed(front: type[Front]) -> Limits:
    """The venue's limits without those that a test on fast-forward would break: rates and handshakes."""
    sockets = {
        name: replace(getattr(front.LIMITS, name), messages_per_s=10_000, connections_per_5min=100_000)
        for name in ("spot_socket", "linear_socket")
    }
    return replace(front.LIMITS, **sockets, spot_weight=10**9, linear_weight=10**9)


class Updates:
    """Counts the level changes of a matching engine."""

    def __init__(self) -> None:
        self.count = 0

    def on_execution(self, execution: Execution) -> None:
        pass

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        self.count += 1

    def on_order(self, order: BookOrder, now: int) -> None:
        pass


class Follow:
    """A manual exchange and a runtime that follows all its symbols."""

    def __init__(self, sim: SimExchange, runtime: EngineRuntime) -> None:
        self.sim = sim
        self.runtime = runtime
        self.updates = Updates()
        for engine in sim.engines.values():
            engine.listen(self.updates)

    @property
    def markets(self) -> dict[str, InstrumentMarket]:
        return self.runtime.data.markets

    @property
    def sessions(self) -> list[StreamSession]:
        assert self.runtime.feed is not None
        return self.runtime.feed.sessions

    async def until(self, condition: Callable[[], bool], *, step_s: float = 0.02) -> None:
        """Let the market run until ``condition`` holds; fails after ``DEADLINE_S`` of wall time."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self.sim.step(step_s)
                await asyncio.sleep(POLL_S)

    def all_live(self) -> bool:
        return len(self.markets) == len(self.sim.listings) and all(market.live for market in self.markets.values())

    async def settle(self) -> None:
        """Publish every pending change, then wait, the market standing still, until it has been taken in."""
        self.sim.front.publish_books()
        await self.sim.gateway.drained()
        frames, still = -1, 0
        async with asyncio.timeout(DEADLINE_S):
            while still < STILL_ROUNDS:  # one look may come before what has arrived meanwhile on a busy machine
                await asyncio.sleep(2 * POLL_S)
                still = still + 1 if frames == self.runtime.data.frames else 0
                frames = self.runtime.data.frames

    def difference(self, symbol: str) -> str:
        """How the followed book differs from the matching engine's, to the depth that the venue shows; '' when not."""
        listing = self.sim.listing(symbol)
        instrument, engine = listing.instrument, self.sim.engine(symbol)
        market = self.markets[listing.key]
        spec = self.runtime.codec.spec.markets[instrument.kind]
        depth = spec.book_depth or engine.level_count(Side.BUY) + engine.level_count(Side.SELL)
        shown = market.book.top(depth)
        for side, levels in zip((Side.BUY, Side.SELL), shown, strict=True):
            found = [(_multiple(price, instrument.tick), _multiple(size, instrument.lot)) for price, size in levels]
            known = max(len(found), LEAST_KNOWN) if spec.partial_snapshot else depth
            truth = engine.depth(side, known)
            if found != truth:
                place = next((n for n, pair in enumerate(zip(found, truth, strict=False)) if pair[0] != pair[1]), -1)
                sizes = f"{len(found)} levels for {len(truth)}"
                return f"{symbol} {side.value}: {sizes}, first difference at {place}: {found[place]} {truth[place]}"
        return ""

    async def run(self, updates: int, *, step_s: float = 0.1) -> int:
        """Run until the matching engines made so many more level changes, comparing all books after every step."""
        target, checkpoints = self.updates.count + updates, 0
        while self.updates.count < target:
            await self.sim.step(step_s)
            await self.settle()
            self.compare()
            checkpoints += 1
        return checkpoints

    def compare(self) -> None:
        for listing in self.sim.listings:
            market = self.markets[listing.key]
            assert market.live, f"{listing.key} is {market.state.value}: {market.sequencer.reason}"
            assert not (difference := self.difference(listing.instrument.symbol)), difference


def _multiple(value: float, step: Decimal) -> int:
    """``value`` in whole steps; it must be one to within float noise."""
    count = round(value / float(step))
    assert abs(value - count * float(step)) <= 1e-9 * max(1.0, abs(value)), f"{value} is no multiple of {step}"
    return count


def with_silence(spec: VenueSpec, share: float) -> VenueSpec:
    """``spec`` with its times of silence cut to ``share`` of them."""
    markets = {
        kind: replace(market, silence_s=market.silence_s * share, unchanged_s=market.unchanged_s * share)
        for kind, market in spec.markets.items()
    }
    return replace(spec, markets=markets)


def purses(symbols: Sequence[str]) -> dict[str, Decimal]:
    """Money on paper in every currency that ``symbols`` are paid in."""
    return {symbol.partition("/")[2].rpartition(":")[2]: Decimal(100_000) for symbol in symbols}


@asynccontextmanager
async def followed(
    venue: str,
    symbols: Sequence[str],
    *,
    seed: int = 5,
    rate: float = 20.0,
    volatility: float = 2.0,
    stream: StreamPolicy | None = None,
    silence_share: float = 1.0,
    change: Callable[[VenueSpec], VenueSpec] = lambda spec: spec,
    journal: Path | None = None,
) -> AsyncIterator[Follow]:
    """The gateway of ``venue`` with these symbols, in manual time, and the runtime following them over loopback.

    ``silence_share`` shortens the times after which silent books are no longer believed; ``change`` alters the spec.
    ``journal``: the file to keep it in, None = in memory.
    """
    sim = SimExchange(
        symbols, venue=venue, seed=seed, rate=rate, volatility=volatility, manual=True, limits=relaxed(front_of(venue))
    )
    async with sim:
        runtime = EngineRuntime(
            EngineOptions(
                mode=Mode.PAPER,
                venue=venue,
                symbols=list(symbols),
                endpoints=sim.endpoints,
                journal_path=journal,
                seed=seed,
                paper=PaperConfig(start_balances=purses(symbols)),
                stream=stream or QUICK,
            )
        )
        runtime.codec.spec = change(with_silence(runtime.codec.spec, silence_share))
        await runtime.open()
        task = asyncio.create_task(runtime.run(), name="followed runtime")
        try:
            follow = Follow(sim, runtime)
            await follow.until(lambda: task.done() or follow.all_live())
            if task.done():
                task.result()
            yield follow
        finally:
            runtime.stop("test over")
            await asyncio.gather(task, return_exceptions=True)
            await runtime.close()
