"""Every gateway under faults: a book is right or it is not LIVE, and it comes back by itself when the fault is over.

The cases; ``test_gateway_faults_*`` run them, each on a part of the markets, so that they can run side by side.
"""

import asyncio
import os
from collections.abc import Iterator

import pytest

from jackbot_tui.engine import market_data
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.faults import Chance
from tests.conformance.test_gateway_books import MARKETS
from tests.gateway_world import Follow, followed, symbols_of

FRAME_FAULTS = {
    Chance.DROP: 0.05,
    Chance.REPEAT: 0.1,
    Chance.REORDER: 0.1,
    Chance.GARBAGE: 0.1,
    Chance.TRUNCATE: 0.05,
    Chance.CORRUPT: 0.05,
    Chance.CHECKSUM: 0.1,
}
TRIES = 10
"""Time-outs are moments here: on a busy machine a book that is well may be asked about once more."""

THOROUGH = "JACKBOT_CONFORMANCE_UPDATES" in os.environ
"""``make conformance`` takes its time; the suite tries every fault as well, but not as often."""

ROUNDS = 4 if THOROUGH else 2
STEPS = 8 if THOROUGH else 6
CLOSE_CODES = (1000, 1001, 1006, 1008, 1011, 1012, 1013, 4000) if THOROUGH else (1006, 1012)


def share(number: int, of: int) -> list[tuple[str, MarketKind]]:
    """The markets of one part. In the suite a venue is tried in one market only, by turns spot and perpetual."""
    venues = list(dict.fromkeys(venue for venue, _ in MARKETS))[number::of]
    if THOROUGH:
        return [market for market in MARKETS if market[0] in venues]
    kinds = {venue: [kind for other, kind in MARKETS if other == venue] for venue in venues}
    return [(venue, kinds[venue][place % len(kinds[venue])]) for place, venue in enumerate(venues)]


@pytest.fixture(autouse=True)
def quick_resubscriptions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A book that breaks over and over waits a minute in earnest; here it is moments."""
    monkeypatch.setattr(market_data, "RESUBSCRIBE_EVERY_NS", NS_PER_S // 30)
    monkeypatch.setattr(market_data, "SNAPSHOT_WINDOW_NS", NS_PER_S // 5)
    monkeypatch.setattr(market_data, "AWAITED_NS", NS_PER_S)
    monkeypatch.setattr(market_data, "MUTE_BOOK_NS", NS_PER_S)
    yield


async def run_for(follow: Follow, steps: int) -> None:
    for _ in range(steps):
        await follow.sim.step(0.1)
        await asyncio.sleep(0.01)


async def must_be_right_where_live(follow: Follow) -> None:
    """After clean frames for every book: one that says LIVE is the matching engine's."""
    follow.sim.faults.clear()
    await run_for(follow, 2)
    await follow.settle()
    for listing in follow.sim.listings:
        if follow.markets[listing.key].live:
            assert not (difference := follow.difference(listing.instrument.symbol)), difference


async def must_recover(follow: Follow) -> None:
    """Without faults all books are LIVE again, and right."""
    follow.sim.faults.clear()
    for _ in range(TRIES):
        await follow.until(follow.all_live)
        await run_for(follow, 2)
        await follow.settle()
        if follow.all_live():
            break
    follow.compare()


@pytest.mark.parametrize("fault", list(FRAME_FAULTS), ids=lambda fault: fault.value)
async def test_spoilt_frames_never_make_a_wrong_live_book(venue: str, kind: MarketKind, fault: Chance) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        market = follow.runtime.codec.spec.markets[kind]
        if fault is Chance.CHECKSUM and not market.checksum:
            pytest.skip("the venue sends no checksum")
        struck = 0
        for _ in range(ROUNDS):
            follow.sim.faults.set(fault.value, FRAME_FAULTS[fault])
            await run_for(follow, STEPS)
            struck = follow.sim.faults.counts[fault.value]
            await must_be_right_where_live(follow)
        if fault is Chance.CHECKSUM:
            bad = sum(each.sequencer.stats.checksums_bad for each in follow.markets.values())
            assert (bad > 0) == (struck > 0)
        else:
            assert struck > 0
        await must_recover(follow)


@pytest.mark.parametrize("frames", [1, 7] if THOROUGH else [7])
async def test_a_gap_is_noticed_and_only_books_are_concerned(venue: str, kind: MarketKind, frames: int) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        follow.sim.faults.trigger("gap", frames)
        await run_for(follow, STEPS)
        await must_recover(follow)


@pytest.mark.parametrize("code", CLOSE_CODES)
async def test_a_closed_connection_is_opened_anew_with_all_its_subscriptions(
    venue: str, kind: MarketKind, code: int
) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        follow.sim.faults.trigger("close", code)
        await follow.until(lambda: not follow.all_live())
        await must_recover(follow)


async def test_a_half_open_connection_is_noticed(venue: str, kind: MarketKind) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        await follow.until(lambda: all(session.metrics.rtt_ms >= 0 for session in follow.sessions))
        follow.sim.faults.trigger("halfopen")
        await follow.until(lambda: not follow.all_live())
        await must_recover(follow)


async def test_maintenance_is_waited_out(venue: str, kind: MarketKind) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        follow.sim.faults.trigger("maintenance", 3 * NS_PER_S)
        await follow.until(lambda: not follow.all_live())
        await must_recover(follow)


async def test_one_refused_symbol_leaves_the_others_alone(venue: str, kind: MarketKind) -> None:
    symbols = symbols_of(venue, kind)[:2]
    async with followed(venue, symbols) as follow:
        good, bad = (follow.markets[follow.sim.listing(symbol).key] for symbol in symbols)
        follow.sim.faults.rejected.add(symbols[1])
        follow.sim.faults.trigger("close", 1006)
        await follow.until(lambda: not follow.all_live())
        await follow.until(lambda: good.live)
        await run_for(follow, STEPS)
        assert not bad.live
        await follow.until(lambda: good.live)
        await follow.settle()
        assert not (difference := follow.difference(symbols[0])), difference
        await must_recover(follow)


@pytest.mark.parametrize("fault", ["noack", "refuse", "rest5xx", "rest429", "stale_snapshot"])
async def test_what_the_venue_does_not_answer_is_asked_again(venue: str, kind: MarketKind, fault: str) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        follow.sim.faults.set(fault, 1.0)
        follow.sim.faults.trigger("close", 1006)
        await follow.until(lambda: not follow.all_live())
        await run_for(follow, STEPS)
        if fault == "stale_snapshot":
            for market in follow.markets.values():
                in_stream = follow.runtime.codec.spec.markets[kind].in_stream_snapshot
                assert market.live == in_stream or not market.live
        await must_be_right_where_live(follow)
        await must_recover(follow)


async def test_a_feed_that_falls_silent_makes_its_books_stale(venue: str, kind: MarketKind) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2], silence_share=0.03) as follow:
        await run_for(follow, 3 * STEPS)
        follow.sim.faults.trigger("silence", 3600 * NS_PER_S)
        await follow.until(lambda: not any(market.live for market in follow.markets.values()))
        await must_recover(follow)
