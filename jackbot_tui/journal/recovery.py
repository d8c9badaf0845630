"""What is read when a journal is opened for writing: the tables if they match the log, the log itself if they do not.

Reading the tables takes milliseconds however long the log is: open orders, the newest closed ones, positions and the
day so far. Called by ``store`` on the connection's thread.
"""

import sqlite3
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.journal.base import Recovered
from jackbot_tui.journal.projection import DayResult, day_of
from jackbot_tui.journal.rebuild import rebuild_tables
from jackbot_tui.journal.tables import ORDER_COLUMNS, StoredTables, order_of
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.orders import Order, Position
from jackbot_tui.model.transitions import EXACT

RECENT_CLOSED = 1_000
"""Closed orders that come back, so that what a venue tells late about them still finds them."""


RECENT_SETTLED = 1_000
"""Differences that a person settled, as many as come back."""


def open_session(connection: sqlite3.Connection) -> int:
    """Count the session up, durably, so that no number is ever used by two openings; returns the new one."""
    connection.execute("BEGIN IMMEDIATE")
    text = _meta(connection, "session")
    if not text.isdecimal():
        raise JournalError(f"the journal's session number {text!r} is damaged: restore a backup")
    session = int(text) + 1
    connection.execute("UPDATE meta SET value = ? WHERE name = 'session'", (str(session),))
    connection.execute("COMMIT")
    return session


def recover(connection: sqlite3.Connection, now: int) -> tuple[Recovered, str, int]:
    """State of the journal, its id, and the number of its last record. JournalError when the log is damaged.

    Tables that do not match the log, or cannot be read, are built again from it.
    """
    (last_seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
    journal_id = _meta(connection, "journal_id")
    if _projected_seq(connection) != last_seq:
        rebuild_tables(connection)
    try:
        return _recovered(connection, now), journal_id, last_seq
    except ValueError:  # a row is not what this program writes
        rebuild_tables(connection)
        return _recovered(connection, now), journal_id, last_seq


def _recovered(connection: sqlite3.Connection, now: int) -> Recovered:
    tables = StoredTables(connection)
    orders = _orders(connection)
    positions = {position.key: position for position in tables.positions()}
    switches, _ = tables.switches()
    return Recovered(
        orders=orders,
        positions=positions,
        fill_ids=frozenset(
            (order.client_id, trade_id)
            for order in orders.values()
            if order.filled
            for trade_id in tables.trade_ids(order.client_id)
        ),
        opening=_opening(tables, positions.values(), day_of(now)),
        margins=tables.margins(),
        settled=tables.settled(RECENT_SETTLED),
        parents=tables.parents(),
        next_parent=tables.next_parent(),
        next_number=switches.next_number,
        killed=switches.killed,
        last_session=switches.session,
    )


def _meta(connection: sqlite3.Connection, name: str) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise JournalError(f"the journal has lost its {name}: restore a backup")
    return str(row[0])


def _projected_seq(connection: sqlite3.Connection) -> int:
    """The last record the tables have seen, -1 when they are not there."""
    try:
        return StoredTables(connection).switches()[1]
    except (sqlite3.OperationalError, TypeError):  # no such table, no such row
        return -1


def _orders(connection: sqlite3.Connection) -> dict[str, Order]:
    open_rows = connection.execute(f"SELECT {ORDER_COLUMNS} FROM orders WHERE is_open = 1 ORDER BY number").fetchall()
    closed_rows = connection.execute(
        f"SELECT {ORDER_COLUMNS} FROM orders WHERE is_open = 0 ORDER BY number DESC LIMIT {RECENT_CLOSED}"
    ).fetchall()
    orders = [order_of(row) for row in [*closed_rows, *open_rows]]
    return {order.client_id: order for order in sorted(orders, key=lambda order: order.number)}


def _opening(tables: StoredTables, positions: Iterable[Position], today: str) -> tuple[tuple[Position, Decimal], ...]:
    """Positions as the day before ``today`` left them, with their closing price.

    A position whose price was not sampled is taken at its entry price: nobody knows what it was worth.
    """
    opening = []
    for position in positions:
        so_far = tables.day(today, position.key) or DayResult(day=today, key=position.key)
        before = tables.last_day_before(position.key, today) or DayResult(day="", key=position.key)
        then = replace(
            position,
            quantity=before.quantity,
            average_entry=before.average_entry,
            realized=EXACT.subtract(position.realized, so_far.realized),
            fees=EXACT.subtract(position.fees, so_far.fees),
            funding=EXACT.subtract(position.funding, so_far.funding),
        )
        opening.append((then, before.average_entry if before.mark is None else before.mark))
    return tuple(opening)
