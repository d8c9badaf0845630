"""Every venue's published limits hold: a live engine starts cold and reconnects as a whole, and nothing is refused.

The gateways count with their venues' own figures, nothing relaxed: requests, messages on sockets, connections. What a
client's own limiter was told ("slow down") counts as well, since some venues refuse without a status of their own.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.dialects import open_venues
from jackbot_tui.model.enums import MarketKind, Mode
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.gateway_world import symbols_of
from tests.turns import in_turns

RECONNECTS = int(os.environ.get("JACKBOT_RECONNECTS", "1"))
PATIENCE_S = 60.0


def venue_symbols(venue: str) -> list[str]:
    """Two of each kind of market that the venue has."""
    return [symbol for kind in MarketKind for symbol in symbols_of(venue, kind)[:2]]


def live_runtime(exchange: SimExchange, venue: str, place: Path) -> EngineRuntime:
    credentials = exchange.front.credentials(exchange.accounts.keys.of(1))
    return EngineRuntime(
        EngineOptions(
            mode=Mode.LIVE,
            venue=venue,
            symbols=venue_symbols(venue),
            endpoints=exchange.endpoints,
            journal_path=place / "live.sqlite3",
            live=LiveOptions(account=venue, keys=place, addresses=exchange.ccxt_urls, given=credentials, poll_s=15.0),
        )
    )


def refusals(exchange: SimExchange, runtime: EngineRuntime) -> dict[str, int]:
    """What was beyond a limit, by the gateway's count and by what our own limiters heard."""
    assert runtime.feed is not None
    limits = runtime.feed.rest.limits
    heard = sum(limits.requests(kind).limiter.refused for kind in MarketKind)
    return {name: count for name, count in {**exchange.front.over_limit, "heard": heard}.items() if count}


async def until(condition: Callable[[], bool], work: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            assert not work.done(), work.exception()
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("venue", in_turns(open_venues(), 4))
async def test_a_cold_start_and_reconnects_of_everything_stay_within_the_venues_limits(
    venue: str, tmp_path: Path
) -> None:
    exchange = SimExchange(venue_symbols(venue), venue=venue, accounts=1, seed=3, rate=0.3)
    assert exchange.front.world.limits == front_of(venue).LIMITS, "nothing is relaxed"
    async with exchange:
        runtime = live_runtime(exchange, venue, tmp_path)
        await runtime.open()
        work = asyncio.create_task(runtime.run())

        def up() -> bool:
            markets = runtime.data.markets
            followed = len(markets) == len(exchange.listings) and all(market.live for market in markets.values())
            return followed and not runtime.engine.executor.trouble

        try:
            await until(up, work)
            for _ in range(RECONNECTS):
                exchange.faults.trigger("close", 1006)
                await until(lambda: not up(), work)
                await until(up, work)
            assert refusals(exchange, runtime) == {}
        finally:
            runtime.stop("test is over")
            await asyncio.gather(work, return_exceptions=True)
            await runtime.close()
