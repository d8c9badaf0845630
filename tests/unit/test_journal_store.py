"""The journal on disk: what is durable, in which order, and what a failing disk or a foreign file does."""

import asyncio
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.journal import store
from jackbot_tui.journal.projection import day_of
from jackbot_tui.journal.rebuild import differences
from jackbot_tui.journal.schema import open_to_read
from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.orders import OrderUnknown
from jackbot_tui.model.records import CommandReceived, KillSwitch, MarginSet, MarkSampled, Note, SessionStarted
from tests.journal_world import (
    BTC,
    DAY,
    ETH,
    NOON,
    accepted,
    client_id,
    eventually,
    filled,
    open_journal,
    story,
    submitted,
    traded,
    write_journal,
)

MIDNIGHT = (NOON // DAY + 1) * DAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def kept(path: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("SELECT seq, kind FROM log ORDER BY seq").fetchall()


# ---------------------------------------------------------------- what comes back


async def test_a_new_journal_starts_at_one(path: Path) -> None:
    journal = await open_journal(path)
    assert (journal.session, journal.durable_seq, journal.recovered.next_number) == (1, 0, 1)
    assert re.fullmatch("[0-9a-z]{4}", journal.journal_id)
    assert [journal.append(Note(NOON, "a", "b")) for _ in range(3)] == [1, 2, 3]
    await journal.flush()
    assert journal.durable_seq == 3
    await journal.close()


async def test_reopening_gives_back_orders_positions_fills_and_numbers(path: Path) -> None:
    first = await open_journal(path)
    for record in [
        submitted(1, quantity="2"),
        accepted(1),
        filled(1, "100", "0.5", "a"),
        *traded(2, Side.SELL, "1", "110", NOON, key=ETH),
        submitted(3),
        OrderUnknown(client_id(3), NOON, "no answer"),
        KillSwitch(NOON, True, "ui"),
    ]:
        first.append(record)
    await first.close()

    second = await open_journal(path)
    found = second.recovered
    await second.close()
    assert second.journal_id == first.journal_id
    assert second.session == 2
    assert {order.number: order.status for order in found.orders.values()} == {
        1: OrderStatus.PARTIALLY_FILLED,
        2: OrderStatus.FILLED,
        3: OrderStatus.PENDING_UNKNOWN,
    }
    assert [order.number for order in found.unknown] == [3]
    assert {key: position.quantity for key, position in found.positions.items()} == {BTC: Decimal("0.5"), ETH: -1}
    assert found.fill_ids == {(client_id(1), "a"), (client_id(2), "t2")}
    assert (found.next_number, found.killed) == (4, True)


async def test_closed_orders_beyond_the_newest_do_not_come_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jackbot_tui.journal.recovery.RECENT_CLOSED", 2)
    records = [record for n in range(2, 7) for record in traded(n, Side.BUY, "1", "100", NOON)]
    await write_journal(path, [submitted(1), *records])
    journal = await open_journal(path)
    await journal.close()
    assert [order.number for order in journal.recovered.orders.values()] == [1, 5, 6]


async def test_session_number_counts_openings_even_when_nothing_was_written(path: Path) -> None:
    sessions = []
    for _ in range(3):
        journal = await open_journal(path)
        sessions.append((journal.session, journal.recovered.last_session))
        journal.append(SessionStarted(NOON, journal.session, "paper", "binance", [BTC], 7, "1"))
        await journal.close()
    assert sessions == [(1, 0), (2, 1), (3, 2)]


async def test_opening_positions_are_those_of_the_last_midnight(path: Path) -> None:
    await write_journal(
        path,
        [
            *traded(1, Side.BUY, "2", "100", NOON, fee="1"),
            MarkSampled(MIDNIGHT + 5, BTC, Decimal(120)),
            *traded(2, Side.SELL, "1", "130", MIDNIGHT + 10, fee="3"),
            *traded(3, Side.BUY, "1", "50", NOON, key=ETH),
        ],
    )
    journal = await open_journal(path, MIDNIGHT + DAY // 2)
    await journal.close()
    opening = {position.key: (position, mark) for position, mark in journal.recovered.opening}
    btc, mark = opening[BTC]
    assert (btc.quantity, btc.average_entry, btc.realized, btc.fees, mark) == (2, 100, 0, 1, 120)
    eth, unknown_price = opening[ETH]
    assert (eth.quantity, unknown_price) == (1, 50), "without a sampled price the entry price stands in"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE switches SET projected_seq = 3",
        "DELETE FROM switches",
        "DROP TABLE orders",
        "DROP TABLE switches",
    ],
)
async def test_tables_that_do_not_match_the_log_are_built_again(path: Path, damage: str) -> None:
    await write_journal(path, story(1, 300))
    before = await open_journal(path)
    await before.close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(damage)
        if damage.startswith("DROP TABLE orders"):
            raw.execute("UPDATE switches SET projected_seq = -1")
        raw.commit()
    after = await open_journal(path)
    assert await after.verify() == []
    await after.close()
    assert after.recovered == before.recovered


# ---------------------------------------------------------------- durable, in order


async def test_callbacks_wait_for_the_commit_and_run_in_order(path: Path) -> None:
    journal = await open_journal(path)
    told: list[tuple[int, bool]] = []

    def tell(seq: int) -> None:
        told.append((seq, journal.durable_seq >= seq))

    for _ in range(50):
        journal.append(Note(NOON, "a", "b"))
    for seq in [50, 3, 17, 3, 1]:
        journal.when_durable(seq, lambda seq=seq: tell(seq))  # type: ignore[misc]
    assert told == []
    await journal.flush()
    assert told == [(1, True), (3, True), (3, True), (17, True), (50, True)]
    await journal.close()


async def test_callback_for_what_is_durable_runs_at_once(path: Path) -> None:
    journal = await open_journal(path)
    seq = journal.append(Note(NOON, "a", "b"))
    await journal.flush()
    told: list[str] = []
    journal.when_durable(seq, lambda: told.append("now"))
    assert told == ["now"]
    await journal.close()


async def test_callback_registered_by_a_callback_does_not_overtake(path: Path) -> None:
    journal = await open_journal(path)
    told: list[str] = []
    first, second = journal.append(Note(NOON, "a", "b")), journal.append(Note(NOON, "a", "b"))
    journal.when_durable(first, lambda: journal.when_durable(second, lambda: told.append("later")))
    journal.when_durable(second, lambda: told.append("earlier"))
    await journal.flush()
    await journal.close()
    assert told == ["earlier", "later"]


async def test_callback_that_raises_is_reported_and_stops_nobody(path: Path) -> None:
    journal = await open_journal(path)
    reported: list[BaseException] = []
    told: list[int] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fail() -> None:
        raise ValueError("a fault of the engine")

    for _ in range(3):
        journal.append(Note(NOON, "a", "b"))
    journal.when_durable(1, fail)
    journal.when_durable(2, lambda: told.append(2))
    journal.when_durable(3, lambda: told.append(3))
    journal.when_durable(3, fail)
    await journal.flush()
    await journal.close()
    assert told == [2, 3]
    assert [str(error) for error in reported] == ["a fault of the engine"] * 2


async def test_a_record_never_appended_cannot_be_waited_for(path: Path) -> None:
    journal = await open_journal(path)
    with pytest.raises(JournalError, match="never appended"):
        journal.when_durable(1, lambda: None)
    await journal.close()


async def test_everything_waiting_is_written_in_few_transactions(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    commit = store.LogWriter.commit

    def counting(self: store.LogWriter, raw: sqlite3.Connection, batch: list[store.Pending]) -> None:
        sizes.append(len(batch))
        commit(self, raw, batch)

    monkeypatch.setattr(store.LogWriter, "commit", counting)
    journal = await open_journal(path)
    for record in story(2, 1_500):
        journal.append(record)
    await journal.flush()
    assert sum(sizes) == 1_500
    assert max(sizes) <= store.BATCH_LIMIT
    assert len(sizes) <= 4
    assert await journal.verify() == []
    await journal.close()


async def test_close_writes_what_waits_even_when_the_writer_was_cancelled(path: Path) -> None:
    journal = await open_journal(path)
    for record in story(3, 700):
        journal.append(record)
    for task in asyncio.all_tasks():
        if task.get_name() == "journal writer":
            task.cancel()
    with pytest.raises(JournalError, match="writer has ended"):
        await journal.flush()
    assert not journal.healthy
    await journal.close()
    assert [seq for seq, _ in kept(path)] == list(range(1, 701))


async def test_a_writer_cancelled_in_the_middle_of_a_commit_loses_and_doubles_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = store.LogWriter.commit
    entered, go_on = threading.Event(), threading.Event()

    def slow(self: store.LogWriter, raw: sqlite3.Connection, batch: list[store.Pending]) -> None:
        entered.set()
        assert go_on.wait(10)
        commit(self, raw, batch)

    monkeypatch.setattr(store.LogWriter, "commit", slow)
    monkeypatch.setattr(store, "BATCH_LIMIT", 64)
    journal = await open_journal(path)
    told: list[int] = []
    for record in story(11, 200):
        seq = journal.append(record)
        journal.when_durable(seq, lambda seq=seq: told.append(seq))  # type: ignore[misc]
    await eventually(entered.is_set)
    for task in asyncio.all_tasks():
        if task.get_name() == "journal writer":
            task.cancel()
    await eventually(lambda: not journal.healthy)
    closing = asyncio.create_task(journal.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert told == list(range(1, 201))
    assert [seq for seq, _ in kept(path)] == told


async def test_a_journal_whose_writer_ended_stays_unhealthy(path: Path) -> None:
    journal = await open_journal(path)
    journal.append(Note(NOON, "a", "b"))
    for _ in range(2):
        await asyncio.sleep(0)  # the commit is on its way
    for task in asyncio.all_tasks():
        if task.get_name() == "journal writer":
            task.cancel()
    await eventually(lambda: journal.durable_seq == 1)
    assert "writer has ended" in journal.problem
    with pytest.raises(JournalError, match="writer has ended"):
        journal.append(submitted(1))
    await journal.close()


async def test_a_closed_journal_takes_nothing(path: Path) -> None:
    journal = await open_journal(path)
    await journal.close()
    await journal.close()
    assert not journal.healthy
    with pytest.raises(JournalError, match="closed"):
        journal.append(Note(NOON, "a", "b"))


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (CommandReceived(NOON, "ui", "buy \udcff"), "cannot be written as text"),
        (Note(-1, "a", "b"), "out of range"),
        (Note(2**63, "a", "b"), "out of range"),
        (Note(NOON, "a", "b" * 300_000), "exceeds"),
    ],
)
async def test_a_record_that_cannot_be_stored_is_refused_and_changes_nothing(
    path: Path, record: Note | CommandReceived, why: str
) -> None:
    journal = await open_journal(path)
    with pytest.raises(JournalError, match=why):
        journal.append(record)
    assert journal.append(Note(NOON, "a", "b")) == 1
    await journal.close()
    assert kept(path) == [(1, "note")]


# ---------------------------------------------------------------- the disk fails


async def test_full_disk_refuses_intents_keeps_facts_and_recovers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RETRY_S", 0.01)
    journal = await open_journal(path)
    journal.append(submitted(1, quantity="1000"))
    await journal.flush()
    await journal.limit_pages(1)  # SQLite takes the present size instead
    for n in range(300):
        journal.append(filled(1, "100", "0.1", f"t{n}"))
    told: list[int] = []
    journal.when_durable(301, lambda: told.append(301))
    await eventually(lambda: not journal.healthy)
    assert "full" in journal.problem
    assert str(path) in journal.problem
    with pytest.raises(JournalError, match="not journaled"):
        journal.append(submitted(2))
    with pytest.raises(JournalError, match="full"):
        await journal.flush()
    assert journal.append(filled(1, "100", "0.1", "last")) == 302
    assert (told, journal.durable_seq) == ([], 1)

    await journal.limit_pages(0)
    await eventually(lambda: journal.healthy)
    await journal.flush()
    assert told == [301]
    assert journal.append(submitted(2)) == 303
    await journal.flush()
    assert await journal.verify() == []
    assert [fill.trade_id for fill in await journal.all_fills()] == [*(f"t{n}" for n in range(300)), "last"]
    await journal.close()


async def test_batch_that_was_written_before_the_error_is_not_written_twice(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RETRY_S", 0.01)
    commit = store.LogWriter.commit
    faults = ["after", "before", "after"]

    def flaky(self: store.LogWriter, raw: sqlite3.Connection, batch: list[store.Pending]) -> None:
        fault = faults.pop() if faults else ""
        if fault == "before":
            raise sqlite3.OperationalError("disk I/O error")
        commit(self, raw, batch)
        if fault == "after":
            self.__init__()  # type: ignore[misc]
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(store.LogWriter, "commit", flaky)
    monkeypatch.setattr(store, "BATCH_LIMIT", 64)
    journal = await open_journal(path)
    for record in story(4, 200):
        journal.append(record)
    await eventually(lambda: not journal.healthy)
    await eventually(lambda: journal.durable_seq == 200)
    assert faults == []
    assert await journal.verify() == []
    await journal.close()
    assert [seq for seq, _ in kept(path)] == list(range(1, 201))


async def test_a_stranger_in_the_log_stops_the_journal_instead_of_swallowing_records(path: Path) -> None:
    journal = await open_journal(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("INSERT INTO log VALUES (1, 1, 'note', '', '{}')")
        raw.commit()
    journal.append(Note(NOON, "a", "b"))
    with pytest.raises(JournalError, match="record 1 of the log was written by somebody else"):
        await journal.flush()
    assert not journal.healthy
    with pytest.raises(JournalError, match="somebody else"):
        await journal.close()
    assert kept(path) == [(1, "note")]


async def test_too_many_waiting_records_stop_intents_first_and_facts_last(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CROWDED_AT", 5)
    monkeypatch.setattr(store, "PENDING_LIMIT", 8)
    journal = await open_journal(path)
    for _ in range(5):
        journal.append(Note(NOON, "a", "b"))
    assert "5 records wait" in journal.problem
    with pytest.raises(JournalError, match="5 records wait"):
        journal.append(submitted(1))
    for _ in range(3):
        journal.append(Note(NOON, "a", "b"))
    with pytest.raises(JournalError, match="8 records wait"):
        journal.append(Note(NOON, "a", "b"))
    await journal.flush()
    assert journal.healthy
    await journal.close()
    assert len(kept(path)) == 8


async def test_close_on_a_full_disk_says_what_is_lost_and_frees_the_journal(path: Path) -> None:
    journal = await open_journal(path)
    journal.append(Note(NOON, "a", "b"))
    await journal.flush()
    await journal.limit_pages(1)
    for _ in range(200):
        journal.append(Note(NOON, "a", "b" * 1_000))
    with pytest.raises(JournalError, match=r"200 records could not be written: .*full"):
        await journal.close()
    again = await open_journal(path)
    assert again.durable_seq == 1
    await again.close()


# ---------------------------------------------------------------- one writer, own file


async def test_a_journal_in_use_names_the_process_that_has_it(path: Path) -> None:
    journal = await open_journal(path)
    with pytest.raises(JournalError, match=f"in use by process {os.getpid()}"):
        await open_journal(path)
    link = path.with_name("link.sqlite3")
    link.symlink_to(path)
    with pytest.raises(JournalError, match=f"in use by process {os.getpid()}"):
        await open_journal(link)
    code = (
        "import asyncio, sys; from pathlib import Path; from jackbot_tui.journal.store import SqliteJournal;"
        "from jackbot_tui.model.clock import SystemClock;"
        "asyncio.run(SqliteJournal.open(Path(sys.argv[1]), SystemClock()))"
    )
    command = [sys.executable, "-c", code, str(path)]
    other = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
    assert f"in use by process {os.getpid()}" in other.stderr
    await journal.close()
    await (await open_journal(path)).close()


async def test_only_the_owner_may_read_the_files(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.sqlite3"
    journal = await open_journal(path)
    journal.append(Note(NOON, "a", "b"))
    await journal.flush()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await journal.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == {f"journal.sqlite3{suffix}": 0o600 for suffix in ("", "-wal", "-shm", ".lock")}


async def test_the_log_cannot_be_changed_by_sql(path: Path) -> None:
    await write_journal(path, [Note(NOON, "a", "b")])
    with closing(sqlite3.connect(path)) as raw:
        for statement in ("UPDATE log SET body = ''", "DELETE FROM log"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE photos (name TEXT)")
        raw.commit()


def newer_journal(path: Path) -> None:
    asyncio.run(write_journal(path, [Note(NOON, "a", "b")]))
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")


def torn_journal(path: Path) -> None:
    asyncio.run(write_journal(path, story(5, 400)))
    data = path.read_bytes()
    path.write_bytes(data[:5_000])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_text("time,side\n" * 2_000), "not a database"),
        (lambda path: path.write_bytes(bytes(range(256)) * 64), "not a database"),
        (other_database, "another program"),
        (newer_journal, "newer version"),
        (torn_journal, "malformed"),
        (lambda path: path.mkdir(), "directory"),
        (lambda path: path.parent.chmod(0o500) if os.getuid() else path.symlink_to(path), "cannot open"),
    ],
    ids=["text", "noise", "other", "newer", "torn", "directory", "no-access"],
)
def test_a_file_that_is_no_journal_is_refused_in_one_line_and_left_alone(tmp_path: Path, make, why: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "journal.sqlite3"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(JournalError, match=why) as caught:
        asyncio.run(open_journal(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else b"") == before
    tmp_path.chmod(0o700)


def test_days_are_utc() -> None:
    assert (day_of(0), day_of(NOON), day_of(MIDNIGHT)) == ("1970-01-01", "2024-10-04", "2024-10-05")


# ---------------------------------------------------------------- margin settings


async def test_the_newest_margin_setting_of_each_instrument_comes_back(path: Path) -> None:
    await write_journal(
        path,
        [
            MarginSet(NOON, BTC, MarginMode.ISOLATED, Decimal(20), "ui"),
            MarginSet(NOON + 1, BTC, MarginMode.CROSS, Decimal("12.5"), "ctl"),
        ],
    )
    journal = await open_journal(path)
    assert journal.recovered.margins == {BTC: MarginSetting(MarginMode.CROSS, Decimal("12.5"))}
    assert await journal.verify() == []
    await journal.close()


async def test_a_journal_from_before_margin_settings_opens_and_verifies(path: Path) -> None:
    await write_journal(path, traded(1, Side.BUY, "2", "100", NOON))
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TABLE margins")
    with closing(open_to_read(path)) as older:
        assert differences(older) == []
    journal = await open_journal(path)
    assert journal.recovered.margins == {} and journal.recovered.positions[BTC].quantity == 2
    assert await journal.verify() == []
    await journal.close()
