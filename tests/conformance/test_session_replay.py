"""The determinism gate: a demo session with orders, everything real, gives its very journal again when it is replayed.

Short here; ``make soak`` runs it long. What is recorded is all that may decide: a test takes single inputs away and
wants the difference to be found.
"""

import asyncio
import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jackbot_tui.backtest.session import Comparison, Verdict, replay_sessions
from jackbot_tui.engine.replay import replay_totals
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture, write_capture
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import CaptureError
from tests.session_world import Session, traded

SECONDS = 4.0
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return asyncio.run(traded(tmp_path_factory.mktemp("session"), SECONDS, faults=("close", "gap")))


def test_a_recorded_session_gives_its_very_journal_again(session: Session) -> None:
    (report,) = replay_sessions([session.capture])
    assert (report.verdict, report.why) == (Verdict.EQUAL, "")
    assert report.digest == report.recorded == session.digest
    assert report.fills == session.fills > 5
    assert sum(reply.ok for reply in session.replies) > len(session.replies) / 2
    assert any(not reply.ok for reply in session.replies)


def test_the_hash_is_that_of_the_journal_on_disk(session: Session) -> None:
    connection = sqlite3.connect(session.journal)
    rows = connection.execute("SELECT seq, body FROM log ORDER BY seq").fetchall()
    connection.close()
    comparison = Comparison(iter(rows))
    (report,) = replay_sessions([session.capture], comparison)
    assert comparison.difference is None
    assert comparison.compared == report.records == len(rows)
    kinds = {json.loads(body)["type"] for _, body in rows}
    assert kinds >= {"submitted", "filled", "canceled", "refused", "command", "kill", "markout", "note", "margin"}
    assert kinds >= {"parent_started", "parent_moved"}


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_other_processes_come_to_the_same_hash(session: Session, hash_seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jackbot_tui", "backtest", "check", str(session.capture), "--json"],
        capture_output=True, text=True, timeout=60, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Pacific/Auckland", "LC_ALL": "C"},
    )  # fmt: skip
    (report,) = map(json.loads, done.stdout.splitlines())
    assert (report["verdict"], report["digest"]) == ("equal", session.digest)


def _without(kind: str) -> Callable[[CaptureRecord], bool]:
    return lambda record: record.kind is CaptureKind.INPUT and f'"type":"{kind}"' in str(record.raw)


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(_without("submit"), id="an order"),
        pytest.param(_without("committed"), id="a commit"),
        pytest.param(_without("kill"), id="the kill"),
        pytest.param(_without("measured"), id="measured latency"),
        pytest.param(_without("command"), id="a command line"),
        pytest.param(_without("begin_parent"), id="a parent order"),
        pytest.param(lambda record: record.kind is CaptureKind.RECV, id="a frame"),
    ],
)
def test_an_input_that_is_missing_is_found(
    session: Session, tmp_path: Path, gone: Callable[[CaptureRecord], bool]
) -> None:
    """Of every such input the first half is kept."""
    records = list(read_capture([session.capture]))
    found = [index for index, record in enumerate(records) if gone(record)]
    assert found
    left_out = set(found[len(found) // 2 :])
    path = tmp_path / "less.jsonl.gz"
    write_capture(path, (record for index, record in enumerate(records) if index not in left_out))
    (report,) = replay_sessions([path])
    assert report.verdict is Verdict.DIFFERENT
    assert "journal records" in report.why


def test_an_order_that_came_a_nanosecond_later_is_found(session: Session, tmp_path: Path) -> None:
    records = list(read_capture([session.capture]))
    index = next(i for i, each in enumerate(records) if _without("submit")(each))
    late = records[index]
    records[index] = CaptureRecord(late.ts_ns + 1, late.kind, late.conn, late.url, late.raw)
    path = tmp_path / "late.jsonl.gz"
    write_capture(path, records)
    assert replay_sessions([path])[0].verdict is Verdict.DIFFERENT


def test_a_session_that_was_cut_off_says_so_and_still_replays(session: Session, tmp_path: Path) -> None:
    records = list(read_capture([session.capture]))
    path = tmp_path / "cut.jsonl.gz"
    write_capture(path, records[: len(records) // 2])
    (report,) = replay_sessions([path])
    assert report.verdict is Verdict.UNKNOWN
    assert "did not end in order" in report.why
    assert report.records > 0


def test_a_capture_without_the_beginning_of_a_session_is_refused_in_words(session: Session, tmp_path: Path) -> None:
    records = list(read_capture([session.capture]))
    path = tmp_path / "tail.jsonl.gz"
    write_capture(path, records[1:])
    with pytest.raises(CaptureError, match=r"no session begins in this capture.*--record"):
        replay_sessions([path])


def test_the_same_capture_is_still_market_data_for_whoever_wants_only_that(session: Session) -> None:
    totals = replay_totals([session.capture], "binance", MarketKind.LINEAR)
    books = totals["books"]
    assert isinstance(books, dict)
    assert books["BTC/USDT:USDT"]["state"] == "live"
    assert totals["unknown_frames"] == 0


def test_two_sessions_of_one_journal_and_one_file_each_give_their_own(tmp_path: Path) -> None:
    """The second begins with what the first left: positions, numbers, margin settings."""
    first = asyncio.run(traded(tmp_path, 1.0, capture=tmp_path / "a.jsonl.gz"))
    second = asyncio.run(traded(tmp_path, 1.0, seed=8, capture=tmp_path / "b.jsonl.gz"))
    whole = tmp_path / "whole.jsonl.gz"
    with gzip.open(whole, "wb") as out:
        for each in (first, second):
            out.write(gzip.decompress(each.capture.read_bytes()))
    reports = replay_sessions([whole])
    assert [report.verdict for report in reports] == [Verdict.EQUAL, Verdict.EQUAL]
    assert [report.journal_session for report in reports] == [1, 2]
    assert [report.digest for report in reports] == [first.digest, second.digest]
