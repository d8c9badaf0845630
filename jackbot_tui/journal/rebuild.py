"""Replaying the log: building the projection tables again, and proving that they equal what the log says.

Used when a journal is opened whose tables do not match its log, and by ``verify``. The log is only ever read here.
"""

import sqlite3
from itertools import zip_longest

from jackbot_tui.journal.encoding import decode, kind_of, subject_of
from jackbot_tui.journal.projection import Projection
from jackbot_tui.journal.schema import DAMAGED, PROJECTION_TABLES, PROJECTIONS, one_line
from jackbot_tui.journal.tables import StoredTables, write_changes
from jackbot_tui.model.errors import JournalError

REPLAY_BATCH = 4_000
"""Records folded before their changes are written; bounds memory, not correctness."""

MAX_PROBLEMS = 20
"""Problems listed before ``differences`` stops looking."""


def replay_log(log: sqlite3.Connection, target: sqlite3.Connection) -> int:
    """Fold the whole log into empty projection tables of ``target``; returns the last record's number.

    JournalError when the log has a hole, or a record that cannot be read or is not what its columns say.
    """
    projection = Projection(StoredTables(target))
    last = 0
    for seq, ts, kind, subject, body in log.execute("SELECT seq, ts, kind, subject, body FROM log ORDER BY seq"):
        if seq != last + 1:
            raise JournalError(f"the log goes from record {last} to {seq}: restore a backup")
        record = decode(seq, body)
        if (record.ts, kind_of(record), subject_of(record)) != (ts, kind, subject):
            raise JournalError(f"record {seq} of the log is not what its columns say: restore a backup")
        projection.apply(seq, record)
        last = seq
        if seq % REPLAY_BATCH == 0:
            write_changes(target, projection, seq)
            projection.forget_history()
    write_changes(target, projection, last)
    return last


def rebuild_tables(connection: sqlite3.Connection) -> None:
    """Drop the projection tables and build them from the log, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in PROJECTIONS:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        _create_tables(connection)
        replay_log(connection, connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def differences(connection: sqlite3.Connection) -> list[str]:
    """What is wrong with a journal, one line each: damage, holes in the log, tables that differ from a replay.

    ``connection`` comes from ``schema.open_to_read``. Needs temporary disk space of the size of the tables.
    """
    try:
        damage = [
            " ".join(text.split())
            for (text,) in connection.execute(f"PRAGMA integrity_check({MAX_PROBLEMS})")
            if text != "ok"
        ]
        if damage:
            return damage
        replayed = sqlite3.connect("", isolation_level=None)
        try:
            replayed.execute("BEGIN")
            _create_tables(replayed)
            try:
                replay_log(connection, replayed)
            except JournalError as error:
                return [str(error)]
            problems: list[str] = []
            for table in PROJECTIONS:
                problems += _table_differences(table, connection, replayed, MAX_PROBLEMS - len(problems))
            return problems
        finally:
            replayed.close()
    except DAMAGED as error:
        return [f"the file cannot be read: {one_line(error)}"]


def _create_tables(connection: sqlite3.Connection) -> None:
    for statement in PROJECTION_TABLES.split(";"):
        connection.execute(statement)


def _table_differences(table: str, kept: sqlite3.Connection, replayed: sqlite3.Connection, most: int) -> list[str]:
    query = f"SELECT * FROM {table} ORDER BY 1, 2"
    problems: list[str] = []
    # A table that an older program did not know is as good as empty.
    known = kept.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    for ours, told in zip_longest(kept.execute(query) if known else (), replayed.execute(query)):
        if len(problems) >= most:
            break
        if ours != told:
            problems.append(f"{table}: the table has {ours}, the log says {told}")
    return problems
