"""Rows of a journal as columns with names: what the ``journal`` command prints and exports.

A sheet knows its columns and where its rows come from. Exports hold every column with exact values; the table for
people shows the columns that fit a terminal. Pure, but for reading rows.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from jackbot_tui.journal.report import Filter, JournalReader
from jackbot_tui.journal.trips import RoundTrip, Statistics, statistics
from jackbot_tui.model.accounting import currencies_of, net_realized
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.orders import Order

Value = str | int | float | bool | Decimal | None


class Column(Struct, frozen=True):
    """``name`` in exports and headings; ``value`` of a row; ``shown`` in the table for people."""

    name: str
    value: Callable[[Any], Value]
    shown: bool = True


class Sheet(Struct, frozen=True):
    """One kind of rows. ``rows`` reads them from a journal, oldest first."""

    name: str
    help: str
    columns: tuple[Column, ...]
    rows: Callable[[JournalReader, Filter], Iterable[Any]]


def _field(name: str, shown: bool = True) -> Column:
    return Column(name, lambda row: getattr(row, name), shown)


def _hidden(*names: str) -> tuple[Column, ...]:
    return tuple(_field(name, shown=False) for name in names)


def _of_fill(name: str, shown: bool = True) -> Column:
    return Column(name, lambda row: getattr(row.fill, name), shown)


def time_text(ts: int) -> str:
    """``ts`` (nanoseconds) as UTC text with milliseconds, such as ``2026-11-21T14:03:22.418Z``."""
    return f"{datetime.fromtimestamp(ts // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%S}.{ts % NS_PER_S // 1_000_000:03d}Z"


def duration_text(ns: int) -> str:
    """A length of time for people: its two largest units, such as ``1h02m`` or ``41s``."""
    seconds = ns // NS_PER_S
    for unit, size, below, lesser in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= size:
            return f"{seconds // size}{unit}{seconds % size // lesser:02d}{below}"
    return f"{seconds}s"


def _time(name: str, of: Callable[[Any], int | None]) -> Column:
    def text(row: Any) -> Value:
        ts = of(row)
        return None if ts is None else time_text(ts)

    return Column(name, text)


def _amounts(fees: dict[str, Decimal]) -> str:
    return " ".join(f"{currency} {text_of(amount)}" for currency, amount in fees.items())


def _flags(order: Order) -> str:
    marks = [("post", order.post_only), ("reduce", order.reduce_only)]
    waited = [order.trigger_text] if order.trigger_text else []
    return " ".join([order.tif.value, *(word for word, on in marks if on), *waited])


def _direction(trip: RoundTrip) -> str:
    return "long" if trip.side is Side.BUY else "short"


def _statistics(reader: JournalReader, chosen: Filter) -> list[Statistics]:
    return statistics(reader.round_trips(chosen))


ORDERS = Sheet(
    "orders",
    "orders with their state, fills and fees",
    (
        _field("number"),
        _time("time", lambda order: order.created_ns),
        _field("key"),
        _field("side"),
        _field("type"),
        _field("quantity"),
        _field("price"),
        Column("flags", _flags),
        _field("status"),
        _field("filled"),
        _field("average_price"),
        Column("fees", lambda order: _amounts(order.fees)),
        _field("owner"),
        _field("tag"),
        _field("reason"),
        *_hidden("tif", "post_only", "reduce_only", "source", "parent_id", "client_id", "venue_order_id"),
        *_hidden("created_ns", "updated_ns", "trigger_price", "trigger_by", "take_profit", "triggered_ns"),
    ),
    lambda reader, chosen: reader.orders(chosen),
)

FILLS = Sheet(
    "fills",
    "executions with fee, realized profit and the position after them",
    (
        _time("time", lambda row: row.fill.ts),
        _of_fill("number"),
        _of_fill("key"),
        _of_fill("side"),
        _of_fill("quantity"),
        _of_fill("price"),
        _of_fill("value", shown=False),
        _of_fill("liquidity"),
        _of_fill("fee"),
        _of_fill("fee_currency"),
        _of_fill("fee_quote", shown=False),
        _of_fill("realized"),
        _of_fill("position"),
        _of_fill("trade_id", shown=False),
        _of_fill("client_id", shown=False),
        *_hidden("type", "tag", "owner"),
        _of_fill("ts", shown=False),
        _of_fill("seq", shown=False),
    ),
    lambda reader, chosen: reader.fills(chosen),
)

FUNDING = Sheet(
    "funding",
    "funding paid (-) and received (+) on perpetuals",
    (
        _time("time", lambda row: row.ts),
        _field("key"),
        _field("quantity"),
        _field("mark"),
        _field("rate"),
        _field("amount"),
        *_hidden("ts", "seq"),
    ),
    lambda reader, chosen: reader.funding(chosen),
)

POSITIONS = Sheet(
    "positions",
    "positions as of now; closed ones show what they earned",
    (
        _field("key"),
        _field("quantity"),
        _field("average_entry"),
        _field("realized"),
        _field("fees"),
        _field("funding"),
        Column("net", net_realized),
        Column("currency", lambda position: currencies_of(position.key).quote),
        _field("bought"),
        _field("sold"),
        _time("updated", lambda position: position.updated_ns),
        *_hidden("updated_ns"),
    ),
    lambda reader, chosen: reader.positions(chosen),
)

DAILY = Sheet(
    "daily",
    "results by UTC day and quote currency",
    (
        _field("day"),
        _field("currency"),
        _field("fills"),
        _field("trades"),
        _field("volume"),
        _field("realized"),
        _field("fees"),
        _field("funding"),
        _field("net"),
        _field("unrealized"),
        Column("other_fees", lambda day: _amounts(day.other_fees)),
    ),
    lambda reader, chosen: reader.day_totals(chosen),
)

DAILY_BY_SYMBOL = Sheet(
    "daily",
    "results by UTC day and instrument",
    (
        _field("day"),
        _field("key"),
        _field("fills"),
        _field("trades"),
        _field("volume"),
        _field("realized"),
        _field("fees"),
        _field("funding"),
        _field("net"),
        _field("quantity"),
        _field("average_entry"),
        _field("mark"),
        Column("other_fees", lambda day: _amounts(day.other_fees)),
    ),
    lambda reader, chosen: reader.days(chosen),
)

TRADES = Sheet(
    "trades",
    "round trips, from flat to flat",
    (
        _time("opened", lambda trip: trip.opened_ns),
        _field("key"),
        Column("side", _direction),
        _field("quantity"),
        Column("in", lambda trip: trip.entry),
        Column("out", lambda trip: trip.exit),
        Column("open", lambda trip: trip.open_quantity or None),
        _field("realized"),
        _field("fees"),
        _field("funding"),
        _field("net"),
        Column("held", lambda trip: None if trip.closed_ns is None else duration_text(trip.held_ns(0))),
        _field("kind"),
        Column("tags", lambda trip: " ".join(trip.tags)),
        Column("orders", lambda trip: " ".join(f"#{number}" for number in trip.orders), shown=False),
        *_hidden("entry_liquidity", "exit_liquidity", "owner", "fills", "currency", "opened_ns", "closed_ns"),
    ),
    lambda reader, chosen: reader.round_trips(chosen),
)

STATS = Sheet(
    "stats",
    "statistics over closed round trips",
    (
        _field("currency"),
        _field("trades"),
        Column("win_rate", lambda row: f"{row.win_rate:.1%}"),
        _field("net"),
        _field("profit_factor"),
        _field("average"),
        _field("average_win"),
        _field("average_loss"),
        _field("best"),
        _field("worst"),
        _field("max_drawdown"),
        Column("held", lambda row: duration_text(row.average_held_ns)),
        *_hidden("wins", "losses", "gross_profit", "gross_loss", "average_held_ns"),
    ),
    _statistics,
)

LOG = Sheet(
    "log",
    "the log itself, record by record",
    (
        _field("seq"),
        _time("time", lambda entry: entry.ts),
        _field("kind"),
        _field("subject"),
        _field("body"),
        *_hidden("ts"),
    ),
    lambda reader, chosen: reader.log(chosen),
)

SHEETS = {sheet.name: sheet for sheet in (ORDERS, FILLS, FUNDING, POSITIONS, DAILY, TRADES, STATS, LOG)}
