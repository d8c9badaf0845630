"""Every kind of parent order on paper over every gateway: totals exact, limits held, nothing left at work."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.algos.state import Kind
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.venues import VENUES
from tests.gateway_world import POLL_S, followed, symbols_of
from tests.parent_runs import KINDS, Run, all_over, places, problems, rotation
from tests.turns import in_turns

AT_ONCE = 3
PATIENCE_S = 60.0


async def run_them(venue: str, wanted: Sequence[tuple[Kind, str, Side]], directory: Path) -> list[str]:
    """Run all of them side by side, each on its own symbol; what was wrong."""
    path = directory / "paper.sqlite3"
    async with followed(venue, [symbol for _, symbol, _ in wanted], volatility=4.0, journal=path) as follow:
        engine = follow.runtime.engine
        runs = [Run(engine, kind, f"{venue}:{symbol}", side) for kind, symbol, side in wanted]
        for run in runs:
            run.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not all_over(runs):
                    await follow.sim.step(0.02)
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise AssertionError([str(run) for run in runs]) from None
        pictures = [run.picture for run in runs]
        assert not engine.oms.open_orders()
        assert engine.oms.counters.overfills == 0
    return await problems(path, runs, pictures)


@pytest.mark.parametrize("venue", in_turns(VENUES, 2))
async def test_short_parents_end_exactly(venue: str, tmp_path: Path) -> None:
    turn = VENUES.index(venue)
    wanted = places(venue, rotation(turn, 0, AT_ONCE), turn)
    assert await run_them(venue, wanted, tmp_path) == []


WITH_PERPETUALS = [venue for venue in VENUES if symbols_of(venue, MarketKind.LINEAR)]


@pytest.mark.parametrize(
    "venue", [pytest.param(v, marks=[] if n % 3 == 0 else pytest.mark.soak) for n, v in enumerate(WITH_PERPETUALS)]
)
async def test_jackpots_end_flat_and_lose_no_more_than_their_ticket(venue: str, tmp_path: Path) -> None:
    """A long and a short one, each on a perpetual of its own, closed by hand where nothing else closes them."""
    symbols, path = symbols_of(venue, MarketKind.LINEAR)[:2], tmp_path / "paper.sqlite3"
    async with followed(venue, symbols, volatility=4.0, journal=path) as follow:
        engine, markets = follow.runtime.engine, follow.runtime.engine.data.markets
        runs = [
            Run(engine, Kind.JACKPOT, f"{venue}:{symbol}", side) for symbol, side in zip(symbols, Side, strict=True)
        ]
        await follow.until(lambda: all(markets[run.key].fresh_mark(engine.clock.now_ns()) for run in runs))
        for run in runs:
            run.start()
        async with asyncio.timeout(PATIENCE_S):
            while not all_over(runs):
                await follow.sim.step(0.02)
                await asyncio.sleep(POLL_S)
        pictures = [run.picture for run in runs]
        assert not engine.oms.open_orders()
        for run in runs:
            position = engine.portfolio.position(run.key)
            assert position.quantity == 0
            lost = position.fees - position.realized
            assert lost <= Decimal(run.picture.values["ticket"]), f"{run} lost {lost}"
    assert await problems(path, runs, pictures) == []


@pytest.mark.soak
@pytest.mark.parametrize("venue", VENUES)
async def test_short_parents_of_every_kind_end_exactly_on_spot_and_perpetuals(venue: str, tmp_path: Path) -> None:
    ended = 0
    for turn in range(4):
        for first in range(0, len(KINDS), AT_ONCE):
            (place := tmp_path / f"{turn}-{first}").mkdir()
            wanted = places(venue, KINDS[first : first + AT_ONCE], turn)
            if wanted:
                assert await run_them(venue, wanted, place) == [], (turn, wanted)
            ended += len(wanted)
    print(f"\n{venue}: {ended} parent orders on paper, all exact")
