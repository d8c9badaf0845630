"""The database file: its tables, its marks of identity, and how it is opened for writing or reading.

``store`` opens for writing, ``report`` for reading. A file that is not a journal, or one from a newer version, is
refused with one line and not touched.
"""

import os
import sqlite3
from pathlib import Path

from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.ids import base36

APPLICATION_ID = 0x4A4B4254
"""``JKBT``: marks the file as ours (SQLite header field application_id)."""

SCHEMA_VERSION = 1
"""Kept in the header field user_version."""

BUSY_TIMEOUT_MS = 2_000
"""How long a write waits for a stranger who holds the file (a backup tool, a curious shell)."""

STATEMENT_CACHE = 256
DAMAGED = (sqlite3.Error, UnicodeDecodeError)
"""What a file that SQLite cannot work with raises: where the damage is in a name, not even the complaint is text."""

PAGE_CACHE_KB = 512
"""What the writer keeps of the database in memory: it appends, and reads next to nothing again."""

LEFTOVER_WAL_BYTES = 16 * 1024 * 1024
"""The write-ahead log is cut back to this after a checkpoint."""

LOG_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TRIGGER log_keeps_rows BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_keeps_text BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""

PROJECTION_TABLES = """
CREATE TABLE orders (
    client_id TEXT PRIMARY KEY, number INTEGER NOT NULL, key TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
    type TEXT NOT NULL, price TEXT, tif TEXT NOT NULL, post_only INTEGER NOT NULL, reduce_only INTEGER NOT NULL,
    owner TEXT NOT NULL, source TEXT NOT NULL, parent_id TEXT NOT NULL, tag TEXT NOT NULL,
    created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL, status TEXT NOT NULL, venue_order_id TEXT NOT NULL,
    filled TEXT NOT NULL, average_price TEXT NOT NULL, fees TEXT NOT NULL, reason TEXT NOT NULL,
    is_open INTEGER NOT NULL, trigger_price TEXT, trigger_by TEXT NOT NULL DEFAULT 'last',
    take_profit INTEGER NOT NULL DEFAULT 0, triggered_ns INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX orders_by_number ON orders (number);
CREATE INDEX orders_open ON orders (number) WHERE is_open = 1;
CREATE TABLE fills (
    seq INTEGER PRIMARY KEY, client_id TEXT NOT NULL, trade_id TEXT NOT NULL, number INTEGER NOT NULL,
    key TEXT NOT NULL, side TEXT NOT NULL, ts INTEGER NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL,
    liquidity TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL, fee_quote TEXT NOT NULL,
    realized TEXT NOT NULL, position TEXT NOT NULL
);
CREATE UNIQUE INDEX fills_once ON fills (client_id, trade_id);
CREATE TABLE funding (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, key TEXT NOT NULL, rate TEXT NOT NULL, mark TEXT NOT NULL,
    quantity TEXT NOT NULL, amount TEXT NOT NULL
);
CREATE TABLE positions (
    key TEXT PRIMARY KEY, quantity TEXT NOT NULL, average_entry TEXT NOT NULL, realized TEXT NOT NULL,
    fees TEXT NOT NULL, funding TEXT NOT NULL, bought TEXT NOT NULL, sold TEXT NOT NULL, updated_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE daily (
    day TEXT NOT NULL, key TEXT NOT NULL, fills INTEGER NOT NULL, trades INTEGER NOT NULL, volume TEXT NOT NULL,
    realized TEXT NOT NULL, fees TEXT NOT NULL, funding TEXT NOT NULL, other_fees TEXT NOT NULL, quantity TEXT NOT NULL,
    average_entry TEXT NOT NULL, mark TEXT, PRIMARY KEY (key, day)
) WITHOUT ROWID;
CREATE TABLE margins (key TEXT PRIMARY KEY, mode TEXT NOT NULL, leverage TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE parents (
    parent_id TEXT PRIMARY KEY, number INTEGER NOT NULL, started TEXT NOT NULL, moved TEXT, is_open INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX parents_open ON parents (number) WHERE is_open = 1;
CREATE TABLE settled (
    kind TEXT NOT NULL, subject TEXT NOT NULL, seq INTEGER NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
CREATE TABLE skipped (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL);
CREATE TABLE switches (
    only INTEGER PRIMARY KEY CHECK (only = 1), projected_seq INTEGER NOT NULL, next_number INTEGER NOT NULL,
    session INTEGER NOT NULL, killed INTEGER NOT NULL
);
INSERT INTO switches VALUES (1, 0, 1, 0, 0);
"""

PROJECTIONS = (
    "orders", "fills", "funding", "positions", "daily", "margins", "parents", "settled", "skipped", "switches",
)  # fmt: skip
"""Tables that follow from the log and can be built again from it."""

LATER_TABLES = """
CREATE TABLE IF NOT EXISTS margins (key TEXT PRIMARY KEY, mode TEXT NOT NULL, leverage TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parents (
    parent_id TEXT PRIMARY KEY, number INTEGER NOT NULL, started TEXT NOT NULL, moved TEXT, is_open INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parents_open ON parents (number) WHERE is_open = 1;
CREATE TABLE IF NOT EXISTS settled (
    kind TEXT NOT NULL, subject TEXT NOT NULL, seq INTEGER NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
"""
"""Tables that journals of the first releases lack. Such a journal has no record that would fill them."""

LATER_COLUMNS = {
    "trigger_price": ("TEXT", "NULL"),
    "trigger_by": ("TEXT NOT NULL DEFAULT 'last'", "'last'"),
    "take_profit": ("INTEGER NOT NULL DEFAULT 0", "0"),
    "triggered_ns": ("INTEGER NOT NULL DEFAULT 0", "0"),
}
"""Columns of ``orders`` that earlier journals lack: how each is declared, and what it is where it is missing."""


def prepare_file(path: Path) -> Path:
    """Make what is missing, directory (0700) and file (0600); returns the real path. JournalError if impossible."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return path.resolve()
    except (OSError, ValueError) as error:
        raise JournalError(f"cannot open the journal {path}: {one_line(error)}; choose another path") from error


def prepare_database(connection: sqlite3.Connection, path: Path) -> None:
    """Set the connection up for durable writing and create the tables of a new journal.

    JournalError when the file is something else, newer than this program, damaged, or on a file system without WAL.
    """
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        fresh = _identify(connection, path)
        path.chmod(0o600)  # before the write-ahead log is made, which takes over the mode
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise JournalError(f"{path} is on a file system that has no write-ahead log: keep it on a local disk")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KB}")
        connection.execute(f"PRAGMA journal_size_limit = {LEFTOVER_WAL_BYTES}")
        if fresh:
            _create(connection)
        else:
            connection.executescript(LATER_TABLES)
            for name in _missing_columns(connection):
                connection.execute(f"ALTER TABLE orders ADD COLUMN {name} {LATER_COLUMNS[name][0]}")
    except (*DAMAGED, OSError) as error:
        raise unreadable(path, error) from error


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write and sees one state of the journal until it is closed; engines may go on beside it.

    JournalError when there is no readable journal.
    """
    try:
        if not path.is_file():
            raise JournalError(f"there is no journal at {path}: give the path with --journal, or start the engine once")
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, cached_statements=STATEMENT_CACHE
        )
    except (*DAMAGED, OSError) as error:
        raise unreadable(path, error) from error
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if _identify(connection, path):
            raise JournalError(f"{path} is empty: nothing has been journaled there yet")
        missing = [f"{LATER_COLUMNS[name][1]} AS {name}" for name in _missing_columns(connection)]
        if missing:  # an earlier journal is read as it would be after its next opening, and is not touched
            connection.execute(f"CREATE TEMP VIEW orders AS SELECT *, {', '.join(missing)} FROM main.orders")
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
    except DAMAGED as error:
        connection.close()
        raise unreadable(path, error) from error
    except JournalError:
        connection.close()
        raise
    return connection


def unreadable(path: Path, error: Exception) -> JournalError:
    """The one line for a file that SQLite cannot work with."""
    return JournalError(
        f"{path} cannot be used as a journal ({one_line(error)}): restore a backup or give another path"
    )


def one_line(error: Exception) -> str:
    """What a database or file error says, without line breaks."""
    return " ".join(((error.strerror if isinstance(error, OSError) else None) or str(error)).split())


def _identify(connection: sqlite3.Connection, path: Path) -> bool:
    """True for a file without content, False for a journal of this version; JournalError otherwise."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == 0 and version == 0 and tables == 0:
        return True
    if application != APPLICATION_ID:
        raise JournalError(f"{path} is a database of another program, not a Jackbot journal: give another path")
    if version != SCHEMA_VERSION:
        age = "a newer" if version > SCHEMA_VERSION else "an unknown"
        raise JournalError(
            f"{path} was written by {age} version of Jackbot (schema {version}, this one reads {SCHEMA_VERSION}):"
            " use that version or give another path"
        )
    return False


def _missing_columns(connection: sqlite3.Connection) -> list[str]:
    """Columns that ``orders`` lacks; none where the whole table is gone, which is built again from the log."""
    there = {name for _, name, *_ in connection.execute("PRAGMA main.table_info(orders)")}
    return [name for name in LATER_COLUMNS if name not in there] if there else []


def _create(connection: sqlite3.Connection) -> None:
    journal_id = base36(int.from_bytes(os.urandom(8)) % 36**4, 4)
    connection.executescript(
        f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
        f"{LOG_TABLES}{PROJECTION_TABLES}"
        f"INSERT INTO meta VALUES ('journal_id', '{journal_id}'), ('session', '0'); COMMIT;"
    )
