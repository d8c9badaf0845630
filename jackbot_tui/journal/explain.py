"""Why a fill came: ``jackbot journal explain FILL``, from what the paper venue wrote into the fill itself.

FILL is a fill's trade id, or an order's number for all of its fills. Reads only; a fill of a real venue has no cause
and says so.
"""

from collections.abc import Iterator

from jackbot_tui.journal.encoding import decode
from jackbot_tui.journal.projection import JournalFill
from jackbot_tui.journal.report import Filter, JournalReader
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.orders import FillCause, FillReason, OrderFilled
from jackbot_tui.model.records import MARKOUT_HORIZONS_NS, FillMarkout

HORIZONS = ("1 s", "5 s", "30 s", "5 min")


def explain(reader: JournalReader, wanted: str) -> Iterator[str]:
    """Lines for people. InputError when there is no such fill."""
    for row in _rows(reader, wanted):
        fill, markout = _records(reader, row)
        yield (
            f"fill {fill.trade_id} of order #{row.number}: {row.side.value.upper()} {text_of(fill.quantity)} {row.key}"
            f" @ {text_of(fill.price)} as {fill.liquidity.value}, fee {text_of(fill.fee)} {fill.fee_currency}"
        )
        yield from (f"  {line}" for line in fill_lines(fill, markout))


def fill_lines(fill: OrderFilled, markout: FillMarkout | None, age_ns: int | None = None) -> Iterator[str]:
    """A paper fill and what it was worth so far, a fact per line. ``age_ns``: how old it is, None = long past."""
    if fill.cause is None:
        yield "why      no cause was written: it is not a paper fill, or of an older version"
    else:
        yield from cause_lines(fill.cause)
    if markout is not None:
        yield markout_line(markout, age_ns)
        if markout.toxic:
            yield f"TOXIC    {markout.toxic}"


def cause_lines(cause: FillCause) -> Iterator[str]:
    """A cause in words."""
    size, price = text_of(cause.size), text_of(cause.price)
    match cause.reason:
        case FillReason.TRADE:
            yield f"why      {size} traded at its price {price} and got past the queue (trade {cause.event_id})"
        case FillReason.THROUGH:
            yield f"why      {size} traded beyond its price, at {price} (trade {cause.event_id})"
        case FillReason.REACHED:
            yield f"why      the other side's best came to its price: {size} displayed at {price}"
        case FillReason.TOOK:
            yield f"why      it took from {size} displayed at {price}"
    if cause.rested_ns or cause.first_ahead > ZERO:
        yield f"queue    {text_of(cause.first_ahead)} ahead when it began to rest, {_seconds(cause.rested_ns)} before"
        yield f"         {text_of(cause.eaten)} eaten by trades, {text_of(cause.vanished)} gone as the level shrank"
        yield f"         {text_of(cause.ahead)} of {text_of(cause.shown)} displayed still ahead right before the fill"
    yield f"latency  {_milliseconds(cause.request_ns)} there, {_milliseconds(cause.answer_ns)} back, as drawn"


def markout_line(markout: FillMarkout, age_ns: int | None = None) -> str:
    """Markouts in quote currency per unit; a horizon that lies ahead is said to."""
    values = []
    for name, after_ns, value in zip(HORIZONS, MARKOUT_HORIZONS_NS, markout.values, strict=True):
        open_yet = value is None and age_ns is not None and age_ns < after_ns
        values.append(f"{name} {'to come' if open_yet else 'unknown' if value is None else format(value, '+f')}")
    return f"markout  {', '.join(values)} (quote per unit)"


def _rows(reader: JournalReader, wanted: str) -> list[JournalFill]:
    number = wanted.removeprefix("#")
    if number.isascii() and number.isdigit():
        rows = [row.fill for row in reader.fills(Filter(number=int(number)))]
        if rows:
            return rows
    rows = [row.fill for row in reader.fills() if row.fill.trade_id == wanted]
    if not rows:
        raise InputError(
            f"no fill and no filled order {wanted!r} in this journal: 'jackbot journal fills' lists the orders,"
            " 'jackbot journal log --kind filled' the trade ids"
        )
    return rows


def _records(reader: JournalReader, row: JournalFill) -> tuple[OrderFilled, FillMarkout | None]:
    fill: OrderFilled | None = None
    markout: FillMarkout | None = None
    for entry in reader.log(Filter(number=row.number)):
        if entry.kind in ("filled", "markout"):
            record = decode(entry.seq, entry.body)
            if isinstance(record, OrderFilled) and record.trade_id == row.trade_id:
                fill = record
            elif isinstance(record, FillMarkout) and record.trade_id == row.trade_id:
                markout = record
    if fill is None:
        raise InputError(f"the log has no record of fill {row.trade_id}: run 'jackbot journal verify'")
    return fill, markout


def _milliseconds(ns: int) -> str:
    return f"{ns / 1e6:.1f} ms"


def _seconds(ns: int) -> str:
    return f"{ns / 1e9:.3f} s"
