"""The journal on disk: SQLite with a write-ahead log, fsync at every commit, and group commit.

The engine appends and goes on; one writer task takes everything that is waiting, writes log and projections in one
transaction on a thread of its own, and then runs the call-backs of what became durable, in order. While one batch is
being written the next gathers, so a slow disk makes batches larger, not the engine slower. Nothing is ever retried
blindly: before a batch is written again the log is asked what it holds.

When the disk fails the journal turns unhealthy and says why: intents are refused, facts are kept in memory up to a
bound and written as soon as the disk takes them again.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import islice
from pathlib import Path
from typing import TypeVar

import aiosqlite
from msgspec import Struct

from jackbot_tui.journal.base import Recovered
from jackbot_tui.journal.encoding import checked_text, kind_of, subject_of
from jackbot_tui.journal.lock import JournalLock
from jackbot_tui.journal.projection import JournalFill, Projection
from jackbot_tui.journal.rebuild import differences
from jackbot_tui.journal.recovery import open_session, recover
from jackbot_tui.journal.schema import (
    DAMAGED,
    STATEMENT_CACHE,
    one_line,
    open_to_read,
    prepare_database,
    prepare_file,
    unreadable,
)
from jackbot_tui.journal.tables import (
    FILL_COLUMNS,
    LOG,
    ORDER_COLUMNS,
    Row,
    StoredTables,
    fill_of,
    order_of,
    write_changes,
)
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.orders import Order
from jackbot_tui.model.records import OrderSubmitted, Record

Result = TypeVar("Result")

BATCH_LIMIT = 512
"""Records per transaction at most: keeps one commit, and so the wait of the next, in the order of 10 ms of work."""

CROWDED_AT = 10_000
"""Records waiting at which no new intent is taken. Facts about orders that already left still are."""

PENDING_LIMIT = 100_000
"""Records waiting at which nothing more is taken (about 100 MB)."""

RETRY_S = 0.5
"""Pause before a failed batch is tried again."""

PAGES_PER_COMMIT = 8
"""Pages of 4 KiB that a commit of one record touches at most; every further record touches about one."""

CHECKPOINT_IDLE = 2_000
CHECKPOINT_BUSY = 16_000
"""Pages after which the write-ahead log is folded into the database: when nothing waits, and in any case."""

MOST_PAGES = 1_073_741_823
"""SQLite's own limit."""


class Pending(Struct, frozen=True):
    """A record on its way to the disk, with its text."""

    seq: int
    record: Record
    text: str


class WriterConnection(aiosqlite.Connection):
    """aiosqlite, plus a whole transaction in one trip to its thread, which never keeps a dying process alive."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run ``work`` on the connection's thread and return what it returns."""
        result: Result = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result


class LogWriter:
    """Everything that happens on the connection's thread: the projection and its transactions."""

    def __init__(self) -> None:
        self._projection: Projection | None = None
        self._written = 0

    def commit(self, connection: sqlite3.Connection, batch: list[Pending]) -> None:
        """Make ``batch`` durable, or raise and leave everything as it was.

        Records that are durable already are skipped, so a batch may be given again whatever became of it. After a
        failure what is in memory is no longer believed: the next call starts from the tables.
        """
        try:
            connection.execute("BEGIN IMMEDIATE")
            if self._projection is None:
                stored = StoredTables(connection)
                self._projection = Projection(stored, stored.switches()[0])
                self._written = _written_of(connection, batch)
            new = [item for item in batch if item.seq > self._written]
            if new:
                LOG.write(connection, [_log_row(item) for item in new])
                for item in new:
                    self._projection.apply(item.seq, item.record)
                write_changes(connection, self._projection, new[-1].seq)
            connection.execute("COMMIT")
        except BaseException:
            self._projection = None
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._projection.forget_history()
        self._written = max(self._written, batch[-1].seq)


def _log_row(item: Pending) -> Row:
    return item.seq, item.record.ts, kind_of(item.record), subject_of(item.record), item.text


def _written_of(connection: sqlite3.Connection, batch: list[Pending]) -> int:
    """The last record of the log. JournalError when it holds something else where a record of ``batch`` belongs."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
    for item in batch:
        if item.seq <= last:
            (text,) = connection.execute("SELECT body FROM log WHERE seq = ?", (item.seq,)).fetchone()
            if text != item.text:
                raise JournalError(f"record {item.seq} of the log was written by somebody else")
    return int(last)


class SqliteJournal:
    """See the module's paragraph. Made by ``open``; used from one event loop; ended by ``close``."""

    def __init__(
        self,
        path: Path,
        connection: WriterConnection,
        lock: JournalLock,
        *,
        journal_id: str,
        session: int,
        recovered: Recovered,
        last_seq: int,
    ) -> None:
        self.path = path
        self.journal_id = journal_id
        self.session = session
        self.recovered = recovered
        self._connection = connection
        self._lock = lock
        self._writer = LogWriter()
        self._last_seq = last_seq
        self._durable_seq = last_seq
        self._pending: deque[Pending] = deque()
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._tickets = 0
        self._flushers: list[tuple[int, asyncio.Future[None]]] = []
        self._disk_problem = ""
        self._writer_problem = ""
        self._wal_pages = 0
        self._closing = False
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._write_for_ever(), name="journal writer")
        self._task.add_done_callback(self._on_writer_end)

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "SqliteJournal":
        """Open the journal at ``path``, or make a new one, for this process alone, and begin a session.

        JournalError in one line when the file is no journal, is damaged, newer, in use, or cannot be written.
        """
        path = prepare_file(path)
        lock = JournalLock.acquire(path)
        try:
            connection = await _connect(path)
            try:
                await connection.run(lambda raw: prepare_database(raw, path))
                session = await connection.run(open_session)
                now = clock.now_ns()
                recovered, journal_id, last_seq = await connection.run(lambda raw: recover(raw, now))
            except DAMAGED as error:
                await connection.close()
                raise unreadable(path, error) from error
            except BaseException:
                await connection.close()
                raise
        except BaseException:
            lock.release()
            raise
        return cls(
            path,
            connection,
            lock,
            journal_id=journal_id,
            session=session,
            recovered=recovered,
            last_seq=last_seq,
        )

    # ------------------------------------------------------------------ the journal's face

    @property
    def durable_seq(self) -> int:
        return self._durable_seq

    @property
    def healthy(self) -> bool:
        return not self.problem

    @property
    def problem(self) -> str:
        if self._closing:
            return "the journal is closed"
        if self._writer_problem or self._disk_problem:
            return self._writer_problem or self._disk_problem
        if len(self._pending) >= CROWDED_AT:
            return f"{len(self._pending)} records wait for the disk"
        return ""

    def append(self, record: Record) -> int:
        if self._closing:
            raise JournalError("the journal is closed: nothing can be added")
        if len(self._pending) >= PENDING_LIMIT:
            raise JournalError(f"{PENDING_LIMIT} records wait for the disk: free space on the disk of {self.path}")
        if isinstance(record, OrderSubmitted) and not self.healthy:
            raise JournalError(f"the order was not journaled: {self.problem}")
        pending = Pending(self._last_seq + 1, record, checked_text(record))
        self._last_seq = pending.seq
        self._pending.append(pending)
        self._wake.set()
        return pending.seq

    def when_durable(self, seq: int, callback: Callable[[], None]) -> None:
        if seq > self._last_seq:
            raise JournalError(f"record {seq} was never appended: the last one is {self._last_seq}")
        if seq <= self._durable_seq and not self._is_due(seq):
            callback()
            return
        self._tickets += 1
        heappush(self._waiting, (seq, self._tickets, callback))

    async def flush(self) -> None:
        if self._durable_seq >= self._last_seq and not self._is_due(self._durable_seq):
            return
        if self._task.done():
            raise JournalError(self.problem)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushers.append((self._last_seq, done))
        await done

    async def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._wake.set()
        try:
            await asyncio.gather(self._task, return_exceptions=True)
            while self._pending and await self._write_batch():
                pass  # the writer failed or was cancelled: one last attempt at what it left
            if not self._pending:
                with contextlib.suppress(sqlite3.Error):  # the write-ahead log is as durable as the database
                    await self._connection.run(_checkpoint)
        finally:
            await self._connection.close()
            self._lock.release()
        if self._pending:
            raise JournalError(f"{len(self._pending)} records could not be written: {self._disk_problem}")

    # ------------------------------------------------------------------ questions

    async def verify(self) -> list[str]:
        """What is wrong, one line each; empty when the tables equal a replay of the log. Takes seconds per million."""
        return await self._read(differences)

    async def all_orders(self) -> list[Order]:
        """Every order ever, by number."""
        query = f"SELECT {ORDER_COLUMNS} FROM orders ORDER BY number"
        return await self._read(lambda raw: [order_of(row) for row in raw.execute(query)])

    async def all_fills(self) -> list[JournalFill]:
        """Every fill ever, in the order in which they were learned."""
        query = f"SELECT {FILL_COLUMNS} FROM fills ORDER BY seq"
        return await self._read(lambda raw: [fill_of(row) for row in raw.execute(query)])

    async def limit_pages(self, pages: int) -> None:
        """Let the database have at most ``pages`` pages of 4 KiB, so that it cannot eat a small card; 0 = no limit."""
        pragma = f"PRAGMA max_page_count = {pages or MOST_PAGES}"
        await self._connection.run(lambda raw: raw.execute(pragma).fetchone())

    async def _read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run ``work`` on a reading connection of its own, so that no commit waits for it."""

        def on_thread() -> Result:
            with contextlib.closing(open_to_read(self.path)) as raw:
                return work(raw)

        await self.flush()
        return await asyncio.to_thread(on_thread)

    # ------------------------------------------------------------------ the writer

    async def _write_for_ever(self) -> None:
        """Until closed: write what waits; after a failure pause and try again."""
        while not (self._closing and not self._pending):
            if not self._pending:
                if self._wal_pages >= CHECKPOINT_IDLE:
                    await self._fold_wal()
                if not self._pending and not self._closing:
                    self._wake.clear()
                    await self._wake.wait()
            elif not await self._write_batch():
                if self._closing:
                    return
                await self._pause()
            elif self._wal_pages >= CHECKPOINT_BUSY:
                await self._fold_wal()

    def _on_writer_end(self, task: asyncio.Task[None]) -> None:
        """However the writer ended: nothing is written any more, and nobody may wait for it."""
        error = None if task.cancelled() else task.exception()
        if error is not None or not self._closing:
            self._writer_problem = f"the journal's writer has ended ({error or 'cancelled'}): restart the engine"
            self._refuse_flushes(self._writer_problem)

    async def _write_batch(self) -> bool:
        """One transaction of what waits. False when the disk refused it; everything is then still waiting."""
        batch = list(islice(self._pending, BATCH_LIMIT))
        loop = asyncio.get_running_loop()

        def on_thread(raw: sqlite3.Connection) -> None:
            self._writer.commit(raw, batch)
            # Straight to the loop: waking the writer task first would cost two more turns, milliseconds each when busy.
            loop.call_soon_threadsafe(self._committed, batch)

        try:
            await self._connection.run(on_thread)
        except sqlite3.Error as error:
            self._disk_problem = f"{self.path}: {one_line(error)}: free space, or stop the engine and check the disk"
            self._refuse_flushes(self._disk_problem)
            return False
        return True

    def _committed(self, batch: list[Pending]) -> None:
        self._durable_seq = batch[-1].seq
        while self._pending and self._pending[0].seq <= self._durable_seq:
            self._pending.popleft()
        self._wal_pages += PAGES_PER_COMMIT + len(batch)
        self._disk_problem = ""
        self._tell()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_S):
                while not self._closing:
                    self._wake.clear()
                    await self._wake.wait()

    async def _fold_wal(self) -> None:
        """Bounds the write-ahead log. A reader in the way only postpones it."""
        self._wal_pages = 0
        with contextlib.suppress(sqlite3.OperationalError):
            await self._connection.run(_checkpoint)

    def _refuse_flushes(self, problem: str) -> None:
        flushers, self._flushers = self._flushers, []
        for _, done in flushers:
            if not done.done():
                done.set_exception(JournalError(problem))

    def _tell(self) -> None:
        """Run the call-backs that are due, then let those go on who wait for a flush.

        A call-back that raises is a fault of its owner: the loop reports it and the others still run.
        """
        try:
            while self._is_due(self._durable_seq):
                heappop(self._waiting)[2]()
        except BaseException:
            asyncio.get_running_loop().call_soon(self._tell)
            raise
        while self._flushers and self._flushers[0][0] <= self._durable_seq:
            _, done = self._flushers.pop(0)
            if not done.done():
                done.set_result(None)

    def _is_due(self, seq: int) -> bool:
        """True while a call-back waits for ``seq`` or an earlier record."""
        return bool(self._waiting) and self._waiting[0][0] <= seq


async def _connect(path: Path) -> WriterConnection:
    def connector() -> sqlite3.Connection:
        return sqlite3.connect(str(path), isolation_level=None, cached_statements=STATEMENT_CACHE)

    connection = WriterConnection(connector)
    try:
        await connection
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    return connection


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
