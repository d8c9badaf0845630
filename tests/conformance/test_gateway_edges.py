"""Snapshots that end at a depth, in a market that walks away from them: fetched anew in time, nothing untrue shown."""

import asyncio

import pytest
from msgspec.structs import replace

from jackbot_tui.engine import market_data
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.venues.base import VenueSpec
from tests.gateway_world import Follow, followed, symbols_of

SHALLOW = 50


def shallow(spec: VenueSpec) -> VenueSpec:
    """Snapshots of so few levels that a lively market leaves them behind."""
    markets = {kind: replace(market, snapshot_depth=SHALLOW) for kind, market in spec.markets.items()}
    return replace(spec, markets=markets)


def wrong_levels(follow: Follow, symbol: str) -> list[str]:
    """Levels of the known range in which our book and the matching engine's differ."""
    listing, engine = follow.sim.listing(symbol), follow.sim.engine(symbol)
    market = follow.markets[listing.key]
    low, high = market.sequencer.known_range
    found = []
    for side, levels in ((Side.BUY, market.book.bids), (Side.SELL, market.book.asks)):
        truth = {
            round(float(price * listing.instrument.tick), 9): float(size * listing.instrument.lot)
            for price, size in engine.depth(side)
        }
        for price, size in truth.items():
            if low <= price <= high and levels.get(price) != pytest.approx(size):
                found.append(f"{side.value} {price}: {levels.get(price)} for {size}")
        found += [f"{side.value} {price}: not at the venue" for price in levels if round(price, 9) not in truth]
    return found


@pytest.mark.parametrize("kind", list(MarketKind))
async def test_a_book_is_seeded_anew_before_the_market_leaves_its_snapshot(
    kind: MarketKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_data, "SNAPSHOT_WINDOW_NS", NS_PER_S // 10)  # the market runs faster than the clock
    symbol = symbols_of("binance", kind)[0]
    async with followed("binance", [symbol], change=shallow, rate=5.0, volatility=5.0) as follow:
        (market,) = follow.markets.values()
        ranges = {market.sequencer.known_range}
        for _ in range(60):
            await follow.sim.step(0.2)
            await asyncio.sleep(0.02)
            ranges.add(market.sequencer.known_range)
        await follow.settle()
        assert len(ranges) > 3, "the market walked, and snapshots followed it"
        assert market.live and market.sequencer.stats.resyncs == 0
        low, high = market.sequencer.known_range
        assert low <= market.book.bid_price and market.book.ask_price <= high
        assert wrong_levels(follow, symbol) == []
