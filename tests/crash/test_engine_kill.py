"""Whatever was acknowledged survives kill -9, once. The long version is the soak (``make soak``)."""

import os
from pathlib import Path

import pytest

from tests.crash.drill import Ledger, run_drill


def report(ledger: Ledger) -> str:
    return (
        f"{ledger.kills} kills, {ledger.lines} lines answered, {len(ledger.answered)} orders acknowledged,"
        f" {sum(ledger.fills.values())} fills told, {len(ledger.problems)} problems"
    )


async def test_nothing_acknowledged_is_lost_or_doubled_by_kill(tmp_path: Path) -> None:
    ledger = await run_drill(tmp_path, kills=8, seed=7)
    assert ledger.problems == []
    assert ledger.answered, report(ledger)
    assert ledger.fills, report(ledger)


@pytest.mark.soak
async def test_nothing_acknowledged_is_lost_or_doubled_by_many_kills(tmp_path: Path) -> None:
    ledger = await run_drill(tmp_path, kills=int(os.environ.get("JACKBOT_KILLS", "200")), seed=11)
    print(report(ledger))
    assert ledger.problems == []
    assert ledger.answered and ledger.fills, report(ledger)
