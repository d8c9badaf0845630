"""Questions to a journal: orders, fills, positions, days, round trips, the log itself.

Opens the database for reading only, beside a running engine or after it was killed, and sees one state of it for as
long as it is open: open, ask, close. Used by the ``journal`` command and the journal screen; an answer may take
milliseconds to seconds, so an event loop asks through a thread. Rows are typed; text for people is made in ``sheets``.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from heapq import merge
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from msgspec import Struct

from jackbot_tui.journal.encoding import decode
from jackbot_tui.journal.projection import DayResult, FundingPayment, Skipped, day_of
from jackbot_tui.journal.rebuild import differences
from jackbot_tui.journal.schema import DAMAGED, open_to_read, unreadable
from jackbot_tui.journal.tables import (
    DAY_COLUMNS,
    FILL_COLUMNS,
    FUNDING_COLUMNS,
    ORDER_COLUMNS,
    POSITION_COLUMNS,
    Row,
    day_result_of,
    fill_of,
    order_of,
    payment_of,
    position_of,
)
from jackbot_tui.journal.trips import AdoptedAt, Event, RoundTrip, TagNote, TradedFill, round_trips
from jackbot_tui.model.accounting import currencies_of, unrealized
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.errors import InputError, JournalError
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import Order, Position
from jackbot_tui.model.records import Note, PositionAdopted
from jackbot_tui.model.transitions import EXACT

Made = TypeVar("Made")

STATUS_WORDS = ("open", "closed", *(status.value for status in OrderStatus))
"""What a filter on orders' states may say."""

TRADED_FILL_COLUMNS = ", ".join(
    [FILL_COLUMNS]
    + [
        f"(SELECT {name} FROM orders WHERE orders.client_id = fills.client_id) AS order_{name}"
        for name in ("type", "tag", "owner")
    ]
)

TAG_TOPIC = "tag"
"""Topic of the notes that tag a trade."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which rows. Every field left empty lets all through.

    ``since_ns`` <= time < ``until_ns``, nanoseconds UTC. ``symbol`` is a key, a unified symbol or a base currency, in
    any case. ``status`` is one of ``STATUS_WORDS``; ``kind`` a record kind of the log; ``number`` an order's. ``limit``
    keeps the newest rows (0 = all). Rows come oldest first.
    """

    since_ns: int = 0
    until_ns: int = 0
    symbol: str = ""
    status: str = ""
    kind: str = ""
    number: int = 0
    limit: int = 0


EVERYTHING = Filter()


class LogEntry(Struct, frozen=True):
    """One record as it stands in the log; ``body`` is its JSON text."""

    seq: int
    ts: int
    kind: str
    subject: str
    body: str


class DayTotal(Struct, frozen=True, kw_only=True):
    """A UTC day over all instruments of one quote ``currency``.

    ``unrealized`` is the profit of what was open at the end of the day at its sampled price, None when a price is
    missing. ``other_fees`` are fees in third currencies.
    """

    day: str
    currency: str
    fills: int = 0
    trades: int = 0
    volume: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    net: Decimal = ZERO
    unrealized: Decimal | None = ZERO
    other_fees: dict[str, Decimal] = {}


class JournalReader:
    """See the module's paragraph. A context manager; JournalError when the file is no journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_to_read(path)

    def __enter__(self) -> "JournalReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def orders(self, chosen: Filter = EVERYTHING) -> Iterator[Order]:
        """Orders by number; the time is that of their submission."""
        where = _Where(chosen).time("created_ns").symbol().status().number()
        return self._rows(order_of, ORDER_COLUMNS, "orders", where, "number", chosen.limit)

    def fills(self, chosen: Filter = EVERYTHING) -> Iterator[TradedFill]:
        """Fills in the order in which they were learned."""
        where = _Where(chosen).time("ts").symbol().number()
        return self._rows(_traded_fill_of, TRADED_FILL_COLUMNS, "fills", where, "seq", chosen.limit)

    def funding(self, chosen: Filter = EVERYTHING) -> Iterator[FundingPayment]:
        """Funding payments."""
        where = _Where(chosen).time("ts").symbol()
        return self._rows(payment_of, FUNDING_COLUMNS, "funding", where, "seq", chosen.limit)

    def positions(self, chosen: Filter = EVERYTHING) -> Iterator[Position]:
        """Positions as of now, flat ones included, by key; only the filter's symbol counts."""
        return self._rows(position_of, POSITION_COLUMNS, "positions", _Where(chosen).symbol(), "key", 0)

    def days(self, chosen: Filter = EVERYTHING) -> Iterator[DayResult]:
        """Results by UTC day and instrument."""
        where = _Where(chosen).days().symbol()
        return self._rows(day_result_of, DAY_COLUMNS, "daily", where, "day, key", chosen.limit)

    def day_totals(self, chosen: Filter = EVERYTHING) -> list[DayTotal]:
        """Results by UTC day and quote currency."""
        found: dict[tuple[str, str], DayTotal] = {}
        where = _Where(chosen).days().symbol()
        for day in self._rows(day_result_of, DAY_COLUMNS, "daily", where, "day, key", 0):
            place = (day.day, currencies_of(day.key).quote)
            found[place] = _with_day(found.get(place) or DayTotal(day=place[0], currency=place[1]), day)
        totals = [found[place] for place in sorted(found)]
        return totals[-chosen.limit :] if chosen.limit else totals

    def log(self, chosen: Filter = EVERYTHING) -> Iterator[LogEntry]:
        """The log; ``symbol`` and ``number`` choose the records of those orders and instruments."""
        where = _Where(chosen).time("ts").kind().subject()
        columns = "seq, ts, kind, subject, body"
        return self._rows(lambda row: LogEntry(*row), columns, "log", where, "seq", chosen.limit)

    def notes(self, chosen: Filter = EVERYTHING) -> Iterator[Note]:
        """Notes of the trader and of the engine."""
        where = _Where(chosen).time("ts").add("kind = 'note'")
        records = self._rows(lambda row: decode(*row), "seq, body", "log", where, "seq", chosen.limit)
        return (record for record in records if isinstance(record, Note))

    def round_trips(self, chosen: Filter = EVERYTHING) -> Iterator[RoundTrip]:
        """Trades from flat to flat that were open in the filter's time, in the order of their end; open ones last.

        What happened after ``until_ns`` is not looked at: a trade closed later is shown as open.
        """
        until = Filter(until_ns=chosen.until_ns, symbol=chosen.symbol)
        events: list[Iterator[Event]] = []
        for key, start in self._flat_points(chosen):
            after = _Where(until).time("ts").add("key = ?", key).add("seq > ?", start)
            events.append(self._rows(_traded_fill_of, TRADED_FILL_COLUMNS, "fills", after, "seq", 0))
            adoptions = _Where(until).time("ts").add("kind = 'adopted' AND subject = ?", key).add("seq > ?", start)
            events.append(self._rows(_adopted_at, "seq, body", "log", adoptions, "seq", 0))
            events.append(self._rows(payment_of, FUNDING_COLUMNS, "funding", after, "seq", 0))
        tags = [TagNote(note.ts, note.text) for note in self.notes(until) if note.topic == TAG_TOPIC]
        trips = (
            trip
            for trip in round_trips(merge(*events, key=_seq_of), tags)
            if trip.closed_ns is None or trip.closed_ns >= chosen.since_ns
        )
        return iter(deque(trips, maxlen=chosen.limit)) if chosen.limit else trips

    def verify(self) -> list[str]:
        """What is wrong with the journal, one line each; empty when its tables equal a replay of its log."""
        return differences(self._connection)

    def skipped(self) -> list[Skipped]:
        """Records that could not be applied, with the reason."""
        return list(self._rows(lambda row: Skipped(*row), "seq, reason", "skipped", _Where(EVERYTHING), "seq", 0))

    def last_seq(self) -> int:
        """Number of records in the log."""
        (seq,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
        return int(seq)

    # ------------------------------------------------------------------ inside

    def _flat_points(self, chosen: Filter) -> list[tuple[str, int]]:
        """Per instrument, a record after which it was flat and which lies before the filter's time (0 = the start)."""
        where = _Where(chosen).symbol()
        rows = self._connection.execute(
            "SELECT key, max(CASE WHEN ts < ? AND CAST(position AS REAL) = 0 THEN seq ELSE 0 END) FROM fills"
            f"{where.text} GROUP BY key",
            [chosen.since_ns, *where.values],
        )
        return rows.fetchall()

    def _rows(
        self, make: Callable[[Row], Made], columns: str, table: str, where: "_Where", order: str, limit: int
    ) -> Iterator[Made]:
        query = f"SELECT {columns} FROM {table}{where.text}"
        if limit:
            downwards = ", ".join(f"{name} DESC" for name in order.split(", "))
            query = f"SELECT * FROM ({query} ORDER BY {downwards} LIMIT {limit:d}) ORDER BY {order}"
        else:
            query = f"{query} ORDER BY {order}"
        try:
            yield from map(make, self._connection.execute(query, where.values))
        except DAMAGED as error:
            raise unreadable(self.path, error) from error
        except ValueError as error:
            raise JournalError(
                f"{self.path}: a row of {table} cannot be read ({error}): run 'journal verify'"
            ) from error


class _Where:
    """Conditions of one query, gathered."""

    def __init__(self, chosen: Filter) -> None:
        self._chosen = chosen
        self._conditions: list[str] = []
        self.values: list[object] = []

    @property
    def text(self) -> str:
        return f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""

    def add(self, condition: str, *values: object) -> "_Where":
        self._conditions.append(condition)
        self.values += values
        return self

    def time(self, column: str) -> "_Where":
        if self._chosen.since_ns:
            self.add(f"{column} >= ?", self._chosen.since_ns)
        if self._chosen.until_ns:
            self.add(f"{column} < ?", self._chosen.until_ns)
        return self

    def days(self) -> "_Where":
        """Every day that the filter's time touches."""
        if self._chosen.since_ns:
            self.add("day >= ?", day_of(self._chosen.since_ns))
        if self._chosen.until_ns:
            self.add("day <= ?", day_of(self._chosen.until_ns - 1))
        return self

    def symbol(self) -> "_Where":
        if self._chosen.symbol:
            self.add(*_symbol_condition(self._chosen.symbol))
        return self

    def number(self) -> "_Where":
        return self.add("number = ?", self._chosen.number) if self._chosen.number else self

    def kind(self) -> "_Where":
        return self.add("kind = ?", self._chosen.kind) if self._chosen.kind else self

    def status(self) -> "_Where":
        status = self._chosen.status.lower()
        if status and status not in STATUS_WORDS:
            raise InputError(
                f"{self._chosen.status!r} is not a state of an order: use one of {', '.join(STATUS_WORDS)}"
            )
        if status in ("open", "closed"):
            return self.add("is_open = ?", int(status == "open"))
        return self.add("status = ?", status) if status else self

    def subject(self) -> "_Where":
        """Records of the chosen orders and instruments."""
        if self._chosen.number:
            self.add("subject IN (SELECT client_id FROM orders WHERE number = ?)", self._chosen.number)
        if self._chosen.symbol:
            condition, *values = _symbol_condition(self._chosen.symbol)
            of_key, *_ = _symbol_condition(self._chosen.symbol, "subject")
            self.add(f"(subject IN (SELECT client_id FROM orders WHERE {condition}) OR {of_key})", *values, *values)
        return self


def _symbol_condition(symbol: str, column: str = "key") -> tuple[str, str, str, str]:
    of_venue = f"substr({column}, instr({column}, ':') + 1)"
    escaped = symbol.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    base = escaped if "/" in symbol else f"{escaped}/%"
    condition = f"({column} = ? COLLATE NOCASE OR {of_venue} = ? COLLATE NOCASE OR {of_venue} LIKE ? ESCAPE '\\')"
    return condition, symbol, symbol, base


def _traded_fill_of(row: Row) -> TradedFill:
    *fill, kind, tag, owner = row
    return TradedFill(fill_of(fill), str(kind), str(tag), str(owner))


def _adopted_at(row: Row) -> AdoptedAt:
    seq, body = row
    record = decode(seq, body)
    assert isinstance(record, PositionAdopted)
    return AdoptedAt(seq, record.ts, record.key, record.quantity)


def _seq_of(event: Event) -> int:
    return event.fill.seq if isinstance(event, TradedFill) else event.seq


def _with_day(total: DayTotal, day: DayResult) -> DayTotal:
    open_profit: Decimal | None = ZERO
    if day.quantity:
        position = Position(key=day.key, quantity=day.quantity, average_entry=day.average_entry)
        open_profit = None if day.mark is None else unrealized(position, day.mark)
    return DayTotal(
        day=total.day,
        currency=total.currency,
        fills=total.fills + day.fills,
        trades=total.trades + day.trades,
        volume=EXACT.add(total.volume, day.volume),
        realized=EXACT.add(total.realized, day.realized),
        fees=EXACT.add(total.fees, day.fees),
        funding=EXACT.add(total.funding, day.funding),
        net=EXACT.add(total.net, day.net),
        unrealized=None
        if total.unrealized is None or open_profit is None
        else EXACT.add(total.unrealized, open_profit),
        other_fees=_merged(total.other_fees, day.other_fees.items()),
    )


def _merged(fees: dict[str, Decimal], more: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    merged = dict(fees)
    for currency, amount in more:
        merged[currency] = EXACT.add(merged.get(currency, ZERO), amount)
    return merged
