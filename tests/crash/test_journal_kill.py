"""kill -9 at random moments: every acknowledged record stays, once, in order, and the tables follow the log.

The child's story is seeded, so the log is not only searched for what was acknowledged: whatever it holds must be
exactly a beginning of what the child appended. The long version is part of ``make soak``; JACKBOT_JOURNAL_KILLS sets
its length.
"""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from threading import Timer

import pytest

from jackbot_tui.journal.encoding import checked_text
from jackbot_tui.journal.report import JournalReader
from jackbot_tui.model.errors import JournalError
from tests.crash.journal_child import READY, chapter, run
from tests.journal_world import open_journal, story, write_journal

SHORT_KILLS = 60
VERIFY_EVERY = 10
NEW_JOURNAL_EVERY = 20


PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.crash.journal_child"])


def run_until_killed(path: Path, seed: int, rng: random.Random) -> list[int]:
    """Start a child and kill it at a random moment; the numbers of the records it acknowledged.

    Half of the moments lie around the opening of the file, half after a record was acknowledged.
    """
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=run, args=(path, seed, theirs), daemon=True)
    child.start()
    theirs.close()
    acknowledged: list[int] = []
    with ours:
        assert int.from_bytes(ours.recv_bytes()) == READY
        if rng.random() < 0.5:
            acknowledged.append(int.from_bytes(ours.recv_bytes()))
        killer = Timer(rng.uniform(0, 0.06), child.kill)
        killer.start()
        with suppress(EOFError, OSError):  # the end of the pipe, or of a message cut in the middle
            while True:
                acknowledged.append(int.from_bytes(ours.recv_bytes()))
    killer.join()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    return acknowledged


def texts_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as raw:
        return [body for (body,) in raw.execute("SELECT body FROM log ORDER BY seq")]


async def drill(directory: Path, kills: int, seed: int) -> tuple[int, int]:
    """Kill ``kills`` children; returns how many records were acknowledged and how many kills came after the first."""
    rng = random.Random(seed)
    acknowledged_in_all = after_first = 0
    path, expected, first = directory, list[str](), 1
    for kill in range(kills):
        if kill % NEW_JOURNAL_EVERY == 0:
            path, expected, first = directory / f"journal-{kill}.sqlite3", [], 1
        acknowledged = run_until_killed(path, seed + kill, rng)
        assert acknowledged == list(range(len(expected) + 1, len(expected) + 1 + len(acknowledged)))
        acknowledged_in_all += len(acknowledged)
        after_first += bool(acknowledged)

        journal = await open_journal(path)
        kept = texts_in(path)
        appended = [checked_text(record) for record in chapter(seed + kill, first, journal.session - 1)]
        assert kept == expected + appended[: len(kept) - len(expected)]
        assert len(kept) >= len(expected) + len(acknowledged)
        if kill % VERIFY_EVERY == 0 or kill == kills - 1:
            assert await journal.verify() == []
        await journal.close()
        expected, first = kept, journal.recovered.next_number
    return acknowledged_in_all, after_first


async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    acknowledged, after_first = await drill(tmp_path, SHORT_KILLS, 1)
    assert acknowledged > 1_000
    assert after_first > SHORT_KILLS // 3


@pytest.mark.soak
async def test_nothing_acknowledged_is_lost_or_doubled_in_a_thousand_kills(tmp_path: Path) -> None:
    kills = int(os.environ.get("JACKBOT_JOURNAL_KILLS", "1000"))
    acknowledged, after_first = await drill(tmp_path, kills, 1_000_000)
    print(
        f"\n{kills} kills, {after_first} of them after the first acknowledgement, {acknowledged} records acknowledged"
    )
    assert acknowledged > 10 * kills


async def test_a_torn_write_ahead_log_leaves_a_beginning(tmp_path: Path) -> None:
    """What a power cut can do to a disk that lies about fsync: the tail is gone, what is left is whole."""
    rng = random.Random(5)
    journal = await open_journal(tmp_path / "journal.sqlite3")
    records = story(9, 600)
    for record in records:
        journal.append(record)
        if rng.random() < 0.2:
            await journal.flush()
    await journal.flush()
    texts = [checked_text(record) for record in records]
    wal_size = (tmp_path / "journal.sqlite3-wal").stat().st_size
    lengths = set()
    for trial in range(25):
        copy = tmp_path / f"torn-{trial}" / "journal.sqlite3"
        copy.parent.mkdir()
        shutil.copy(tmp_path / "journal.sqlite3", copy)
        wal = bytearray((tmp_path / "journal.sqlite3-wal").read_bytes())
        cut = rng.randrange(wal_size // 8, wal_size)
        torn = wal[:cut] if trial % 3 else wal[:cut] + bytes(wal_size - cut)
        copy.with_name("journal.sqlite3-wal").write_bytes(torn)
        again = await open_journal(copy)
        kept = texts_in(copy)
        assert kept == texts[: len(kept)]
        assert await again.verify() == []
        again.append(records[0])
        await again.close()
        lengths.add(len(kept))
    await journal.close()
    assert len(lengths) > 5


async def test_damaged_files_get_one_line_or_a_finding_never_a_traceback(tmp_path: Path) -> None:
    rng = random.Random(6)
    path = tmp_path / "journal.sqlite3"
    await write_journal(path, story(10, 500))
    whole = path.read_bytes()
    seen = {"refused": 0, "found": 0, "harmless": 0}
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 4, 64])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        try:
            with JournalReader(path) as reader:
                found = reader.verify()
                for question in (reader.orders, reader.fills, reader.days, reader.round_trips, reader.log):
                    list(question())
            outcome = "found" if found else "harmless"
            journal = await open_journal(path)
            await journal.close()
        except JournalError as error:
            assert "\n" not in str(error)
            outcome = "refused"
        seen[outcome] += 1
    assert seen["refused"] > 5
    assert seen["found"] > 5
