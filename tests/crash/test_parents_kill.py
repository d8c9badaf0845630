"""Parent orders of every kind survive kill -9: all there again, none doubled, totals right, under every policy."""

from pathlib import Path

import pytest

from tests.crash.parents_drill import canceled, jackpots, wait_then_resume


async def test_parents_wait_after_a_kill_and_go_on_to_their_end_when_resumed(tmp_path: Path) -> None:
    report = await wait_then_resume(tmp_path, each=2, seed=3)
    assert report.open_at_kills > 20, report


async def test_parents_are_canceled_by_the_restart_where_that_is_the_policy(tmp_path: Path) -> None:
    report = await canceled(tmp_path, each=1, seed=4)
    assert report.open_at_kills > 5, report


@pytest.mark.soak
async def test_jackpots_are_watched_again_after_a_kill(tmp_path: Path) -> None:
    report = await jackpots(tmp_path, seed=9)
    print(f"\njackpots: {report}")
    assert report.open_at_kills, report


@pytest.mark.soak
async def test_ten_of_each_kind_wait_and_resume(tmp_path: Path) -> None:
    print(f"\nwait, then resume: {await wait_then_resume(tmp_path, each=10, seed=5)}")


@pytest.mark.soak
async def test_ten_of_each_kind_are_canceled_by_the_restart(tmp_path: Path) -> None:
    print(f"\ncancel: {await canceled(tmp_path, each=10, seed=6)}")


@pytest.mark.soak
async def test_parents_on_a_live_account_wait_and_resume(tmp_path: Path) -> None:
    print(f"\nlive, wait, then resume: {await wait_then_resume(tmp_path, each=3, seed=7, live=True)}")


@pytest.mark.soak
async def test_parents_on_a_live_account_are_canceled_by_the_restart(tmp_path: Path) -> None:
    print(f"\nlive, cancel: {await canceled(tmp_path, each=3, seed=8, live=True)}")
