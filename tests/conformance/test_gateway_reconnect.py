"""Every gateway: reconnecting again and again, and planned rotation without losing a book."""

import asyncio

import pytest

from jackbot_tui.model.enums import MarketKind
from tests.conformance.test_gateway_books import MARKETS
from tests.gateway_world import followed, symbols_of

CUTS = 3
YEAR_S = 365 * 24 * 3600
pytestmark = pytest.mark.parametrize(("venue", "kind"), MARKETS)


async def test_books_come_back_after_every_cut(venue: str, kind: MarketKind) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        for _ in range(CUTS):
            follow.sim.faults.trigger("close", 1006)
            await follow.until(lambda: not follow.all_live())
            await follow.until(follow.all_live)
            await follow.run(200)
        assert all(session.metrics.reconnects >= CUTS for session in follow.sessions)


async def test_a_planned_rotation_loses_no_book(venue: str, kind: MarketKind) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        if follow.runtime.codec.spec.markets[kind].max_connection_s > YEAR_S:
            pytest.skip("the venue names no longest life, and its numbering forbids two connections at once")
        sessions = follow.sessions
        resyncs = [market.sequencer.stats.resyncs for market in follow.markets.values()]
        for session in sessions:
            session.request_rotation()
        await follow.until(lambda: all(session.metrics.rotations > 0 for session in sessions))
        for _ in range(10):
            await follow.sim.step(0.1)
            await asyncio.sleep(0.01)
        assert [market.sequencer.stats.resyncs for market in follow.markets.values()] == resyncs
        await follow.settle()
        follow.compare()
