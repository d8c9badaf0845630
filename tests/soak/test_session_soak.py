"""The determinism gate for long: sessions of several minutes on one journal, under faults, replayed to their hashes.

``make soak`` runs it whole; ``JACKBOT_SESSION_MINUTES`` sets the length of each of the three sessions.
"""

import os
from pathlib import Path

import pytest

from jackbot_tui.backtest.session import Verdict, replay_sessions
from tests.session_world import traded

MINUTES = 5.0


@pytest.mark.soak
async def test_long_sessions_replay_to_their_very_journals(tmp_path: Path) -> None:
    seconds = float(os.environ.get("JACKBOT_SESSION_MINUTES", MINUTES)) * 60
    for seed in (1, 2, 3):
        capture = tmp_path / f"session-{seed}.jsonl.gz"
        session = await traded(tmp_path, seconds, seed=seed, faults=("gap", "close", "gap"), capture=capture)
        (report,) = replay_sessions([capture])
        print(
            f"\nseed {seed}: {report.frames:,} frames, {report.orders:,} orders, {report.fills:,} fills,"
            f" {report.records:,} journal records, capture {capture.stat().st_size / 1e6:.1f} MB: {report.verdict}"
        )
        assert (report.verdict, report.why) == (Verdict.EQUAL, "")
        assert report.digest == session.digest
