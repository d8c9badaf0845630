"""Rows: how projected state is written into the tables and read back, exactly.

``store`` writes and recovers through this, ``rebuild`` replays through it, ``report`` reads through it. Decimals are
kept as their own text, so what is read back equals what was written, digit for digit.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from jackbot_tui.journal.projection import (
    Changes,
    DayResult,
    FundingPayment,
    JournalFill,
    KnownOrder,
    Projection,
    Switches,
)
from jackbot_tui.model.margin import MarginSetting
from jackbot_tui.model.orders import Order, Position
from jackbot_tui.model.records import ParentMoved, ParentStarted

Row = tuple[Any, ...]

LARGEST_CHUNK = 256
"""Rows per statement at most: 256 rows of 27 columns stay well below SQLite's 32,766 variables."""

ORDER_FIELDS = Order.__struct_fields__
FILL_FIELDS = JournalFill.__struct_fields__
FUNDING_FIELDS = FundingPayment.__struct_fields__
POSITION_FIELDS = Position.__struct_fields__
DAY_FIELDS = DayResult.__struct_fields__

ORDER_COLUMNS = ", ".join(ORDER_FIELDS)
FILL_COLUMNS = ", ".join(FILL_FIELDS)
FUNDING_COLUMNS = ", ".join(FUNDING_FIELDS)
POSITION_COLUMNS = ", ".join(POSITION_FIELDS)
DAY_COLUMNS = ", ".join(DAY_FIELDS)

_AMENDABLE = (
    "quantity", "price", "updated_ns", "status", "venue_order_id", "filled", "average_price", "fees", "reason",
    "is_open", "triggered_ns",
)  # fmt: skip


class Inserter:
    """Writes many rows of one table with few statements.

    Every statement gives up Python's interpreter lock and has to win it back from a busy event loop: 32 rows were
    durable in half the time in one statement. Chunks are powers of two: few texts to prepare, all of them cached by
    the connection.
    """

    def __init__(self, table: str, columns: Sequence[str], conflict: str = "") -> None:
        self._head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
        self._row = f"({', '.join('?' * len(columns))})"
        self._tail = f" {conflict}" if conflict else ""
        self._statements: dict[int, str] = {}

    def write(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        start, left = 0, len(rows)
        while left:
            size = min(LARGEST_CHUNK, 1 << (left.bit_length() - 1))
            values = [value for row in rows[start : start + size] for value in row]
            connection.execute(self._statement(size), values)
            start += size
            left -= size

    def _statement(self, size: int) -> str:
        statement = self._statements.get(size)
        if statement is None:
            statement = self._statements[size] = self._head + ", ".join([self._row] * size) + self._tail
        return statement


def _newest(fields: Iterable[str]) -> str:
    return "UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in fields)


LOG = Inserter("log", ("seq", "ts", "kind", "subject", "body"))
_ORDERS = Inserter("orders", (*ORDER_FIELDS, "is_open"), f"ON CONFLICT (client_id) DO {_newest(_AMENDABLE)}")
_FILLS = Inserter("fills", FILL_FIELDS)
_FUNDING = Inserter("funding", FUNDING_FIELDS)
_POSITIONS = Inserter("positions", POSITION_FIELDS, f"ON CONFLICT (key) DO {_newest(POSITION_FIELDS[1:])}")
_DAILY = Inserter("daily", DAY_FIELDS, f"ON CONFLICT (key, day) DO {_newest(DAY_FIELDS[2:])}")
_MARGINS = Inserter("margins", ("key", "mode", "leverage"), f"ON CONFLICT (key) DO {_newest(('mode', 'leverage'))}")
_PARENTS = Inserter("parents", ("parent_id", "number", "started", "is_open"), "ON CONFLICT (parent_id) DO NOTHING")
_SETTLED = Inserter(
    "settled", ("kind", "subject", "seq", "amount"), f"ON CONFLICT (kind, subject) DO {_newest(('seq', 'amount'))}"
)
_SKIPPED = Inserter("skipped", ("seq", "reason"))


def write_changes(connection: sqlite3.Connection, projection: Projection, seq: int) -> None:
    """Bring the tables to the state of ``projection``, which has seen the log up to record ``seq``."""
    changes: Changes = projection.take_changes()
    _ORDERS.write(connection, [(*_row_with(order, "fees"), int(order.is_open)) for order in changes.orders.values()])
    _FILLS.write(connection, [_row(fill) for fill in changes.fills])
    _FUNDING.write(connection, [_row(payment) for payment in changes.funding])
    _POSITIONS.write(connection, [_row(position) for position in changes.positions.values()])
    _DAILY.write(connection, [_row_with(day, "other_fees") for day in changes.days.values()])
    _MARGINS.write(
        connection, [(key, chosen.mode.value, str(chosen.leverage)) for key, chosen in changes.margins.items()]
    )
    _PARENTS.write(connection, [(each.parent_id, each.number, _json(each), 1) for each in changes.parents_started])
    for moved in changes.parents_moved.values():
        connection.execute(
            "UPDATE parents SET moved = ?, is_open = ? WHERE parent_id = ?",
            (_json(moved), int(moved.is_open), moved.parent_id),
        )
    _SETTLED.write(connection, [(*place, settled.seq, settled.amount) for place, settled in changes.settled.items()])
    _SKIPPED.write(connection, [(skipped.seq, skipped.reason) for skipped in changes.skipped])
    switches = projection.switches
    connection.execute(
        "UPDATE switches SET projected_seq = ?, next_number = ?, session = ?, killed = ?",
        (seq, switches.next_number, switches.session, int(switches.killed)),
    )


class StoredTables:
    """``projection.Stored`` on the tables of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def order(self, client_id: str) -> KnownOrder | None:
        row = self._connection.execute(
            f"SELECT {ORDER_COLUMNS} FROM orders WHERE client_id = ?", (client_id,)
        ).fetchone()
        return None if row is None else KnownOrder(order_of(row), self.trade_ids(client_id))

    def trade_ids(self, client_id: str) -> set[str]:
        rows = self._connection.execute("SELECT trade_id FROM fills WHERE client_id = ?", (client_id,))
        return {trade_id for (trade_id,) in rows}

    def position(self, key: str) -> Position | None:
        row = self._connection.execute(f"SELECT {POSITION_COLUMNS} FROM positions WHERE key = ?", (key,)).fetchone()
        return None if row is None else position_of(row)

    def day(self, day: str, key: str) -> DayResult | None:
        row = self._connection.execute(
            f"SELECT {DAY_COLUMNS} FROM daily WHERE key = ? AND day = ?", (key, day)
        ).fetchone()
        return None if row is None else day_result_of(row)

    def last_day(self, key: str) -> str:
        (day,) = self._connection.execute("SELECT max(day) FROM daily WHERE key = ?", (key,)).fetchone()
        return day or ""

    def last_day_before(self, key: str, day: str) -> DayResult | None:
        """The newest result of ``key`` before ``day``."""
        row = self._connection.execute(
            f"SELECT {DAY_COLUMNS} FROM daily WHERE key = ? AND day < ? ORDER BY day DESC LIMIT 1", (key, day)
        ).fetchone()
        return None if row is None else day_result_of(row)

    def positions(self) -> Iterator[Position]:
        return map(position_of, self._connection.execute(f"SELECT {POSITION_COLUMNS} FROM positions ORDER BY key"))

    def margins(self) -> dict[str, MarginSetting]:
        """Margin mode and leverage by instrument, where they were chosen."""
        rows = self._connection.execute("SELECT key, mode, leverage FROM margins ORDER BY key")
        return {
            key: msgspec.convert({"mode": mode, "leverage": leverage}, MarginSetting) for key, mode, leverage in rows
        }

    def settled(self, most: int) -> tuple[tuple[str, str, str], ...]:
        """What was settled and how (see ``projection.Settled``): the newest ``most``, oldest first."""
        rows = self._connection.execute(
            "SELECT kind, subject, amount FROM (SELECT * FROM settled ORDER BY seq DESC LIMIT ?) ORDER BY seq", (most,)
        )
        return tuple((kind, subject, amount) for kind, subject, amount in rows)

    def parents(self) -> tuple[tuple[ParentStarted, ParentMoved | None], ...]:
        """Open parent orders with their newest state, by number."""
        rows = self._connection.execute("SELECT started, moved FROM parents WHERE is_open = 1 ORDER BY number")
        return tuple(
            (
                msgspec.json.decode(started, type=ParentStarted),
                None if moved is None else msgspec.json.decode(moved, type=ParentMoved),
            )
            for started, moved in rows
        )

    def next_parent(self) -> int:
        """The number after the highest that a parent order ever had."""
        (highest,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM parents").fetchone()
        return int(highest) + 1

    def switches(self) -> tuple[Switches, int]:
        """The journal's switches and the last record the tables have seen."""
        seq, next_number, session, killed = self._connection.execute(
            "SELECT projected_seq, next_number, session, killed FROM switches"
        ).fetchone()
        return Switches(next_number=next_number, session=session, killed=bool(killed)), seq


def order_of(row: Sequence[object]) -> Order:
    """The order in a row of ``ORDER_COLUMNS``."""
    values = dict(zip(ORDER_FIELDS, row, strict=True))
    values["fees"] = msgspec.json.decode(str(values["fees"]))
    return msgspec.convert(values, Order, strict=False)


def fill_of(row: Sequence[object]) -> JournalFill:
    """The fill in a row of ``FILL_COLUMNS``."""
    return msgspec.convert(dict(zip(FILL_FIELDS, row, strict=True)), JournalFill, strict=False)


def payment_of(row: Sequence[object]) -> FundingPayment:
    """The funding payment in a row of ``FUNDING_COLUMNS``."""
    return msgspec.convert(dict(zip(FUNDING_FIELDS, row, strict=True)), FundingPayment, strict=False)


def position_of(row: Sequence[object]) -> Position:
    """The position in a row of ``POSITION_COLUMNS``."""
    return msgspec.convert(dict(zip(POSITION_FIELDS, row, strict=True)), Position, strict=False)


def day_result_of(row: Sequence[object]) -> DayResult:
    """The day in a row of ``DAY_COLUMNS``."""
    values = dict(zip(DAY_FIELDS, row, strict=True))
    values["other_fees"] = msgspec.json.decode(str(values["other_fees"]))
    return msgspec.convert(values, DayResult, strict=False)


def _json(record: ParentStarted | ParentMoved) -> str:
    return msgspec.json.encode(record).decode()


def _row(struct: msgspec.Struct) -> Row:
    """The struct's fields as SQLite takes them: decimals and words as text."""
    return tuple(msgspec.to_builtins(struct).values())


def _row_with(struct: Order | DayResult, amounts: str) -> Row:
    """The same, with the dictionary in field ``amounts`` as JSON."""
    values = msgspec.to_builtins(struct)
    values[amounts] = msgspec.json.encode(values[amounts]).decode() if values[amounts] else "{}"
    return tuple(values.values())
