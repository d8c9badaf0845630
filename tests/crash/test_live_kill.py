"""kill -9 on a live account: the exchange goes on, the restart asks, does nothing, and comes to hold the truth."""

import os
from itertools import count
from pathlib import Path

import pytest

from jackbot_tui.execution.live.dialects import open_venues
from tests.crash.live_drill import kill_at_record, random_kills


async def test_a_killed_live_engine_finds_the_truth_and_places_nothing(tmp_path: Path) -> None:
    drill = await random_kills(tmp_path, "binance", kills=3, seed=5)
    assert drill.placed_by_restarts == 0
    assert drill.orders


@pytest.mark.parametrize("record", [9, 14])
async def test_a_kill_at_a_record_of_the_journal_loses_nothing(tmp_path: Path, record: int) -> None:
    assert await kill_at_record(tmp_path, "binance", record, seed=2), "the script has more records than that"


@pytest.mark.soak
@pytest.mark.parametrize("venue", open_venues())
async def test_live_engines_killed_at_random_moments_find_the_truth(tmp_path: Path, venue: str) -> None:
    drill = await random_kills(tmp_path, venue, kills=int(os.environ.get("JACKBOT_LIVE_KILLS", "10")), seed=17)
    print(f"\n{venue}: {drill.kills} kills, {drill.orders} orders, {drill.placed_by_restarts} placed by restarts")
    assert drill.placed_by_restarts == 0


@pytest.mark.soak
async def test_live_engines_killed_at_every_record_find_the_truth(tmp_path: Path) -> None:
    died = 0
    for record in count(1):
        (place := tmp_path / str(record)).mkdir()
        if not await kill_at_record(place, "binance", record, seed=2):
            break
        died += 1
    print(f"\nkilled at each of {died} records of the script")
    assert died > 10
