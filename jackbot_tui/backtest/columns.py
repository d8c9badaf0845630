"""Sessions as columns (.parquet, .npz): what the rows mean, and the player that puts them into the kernel's engine.

One row per changed level, trade, mark price and change of a book's state, in the order of arrival. The columns are
hftbacktest's, so its own .npz files can be read and ours be given to it; rows that it does not know carry neither of
its two flags, and it passes over them. Files are read in pieces: memory does not grow with their length. ``convert``
writes them. docs/BACKTEST.md describes the schema for other programs.
"""

import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import CaptureError, InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookDelta, BookSnapshot, Level, MarkPrice, Trade
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import ConnectionPlan

SUFFIXES = (".parquet", ".npz")
FORMAT = 1
METADATA = b"jackbot"
"""Key of the Parquet schema's metadata, and name of the .npz array, that hold a ``Heading`` as JSON."""

ROWS_AT_ONCE = 50_000

DEPTH, TRADE, CLEAR, SNAPSHOT = 1, 2, 3, 4
"""hftbacktest's kinds of rows: a level's new size, a trade, levels gone up to a price, a level of a whole book."""

MARK, STATE, EDGE = 101, 102, 103
"""Ours: a mark price; a book's state (``ival``: a code below); the first and the last moment of the recording."""

DOWN, STALE, LIVE = 0, 1, 2

KIND_MASK = 0xFF
EXCHANGE, LOCAL, BUY, SELL = 1 << 31, 1 << 30, 1 << 29, 1 << 28
SEEN = EXCHANGE | LOCAL

FIELDS = (
    ("ev", "<u8"),
    ("exch_ts", "<i8"),
    ("local_ts", "<i8"),
    ("px", "<f8"),
    ("qty", "<f8"),
    ("order_id", "<u8"),
    ("ival", "<i8"),
    ("fval", "<f8"),
)
"""hftbacktest's event, field by field."""


class Row(NamedTuple):
    """``market`` counts the heading's instruments. Times are nanoseconds, ``exch_ts`` 0 where the venue sends none.

    Depth rows of one message share ``ival``. A trade's ``order_id`` is the venue's own trade number, 0 where that is
    none; Parquet has its text as well. A mark price has the index in ``qty``, the funding rate in ``fval`` and the next
    funding time in ``ival``.
    """

    market: int
    ev: int
    exch_ts: int
    local_ts: int
    px: float
    qty: float
    order_id: int
    ival: int
    fval: float
    trade_id: str


class Heading(Struct, frozen=True):
    format: int
    instruments: tuple[Instrument, ...]


class ColumnFile(Struct, frozen=True):
    """``heading`` is None in files of others."""

    path: Path
    heading: Heading | None
    rows: Iterator[Row]


def is_columns(path: Path) -> bool:
    return path.suffix in SUFFIXES


def read_columns(path: Path) -> ColumnFile:
    """Open a file of columns; CaptureError says what is wrong with it, here or while its rows are taken."""
    try:
        found = _open_parquet(path) if path.suffix == ".parquet" else _open_npz(path)
    except (OSError, ValueError, zipfile.BadZipFile, KeyError) as error:
        raise CaptureError(f"{path}: cannot be read as columns: {error}") from error
    if found.heading is not None and found.heading.format != FORMAT:
        raise CaptureError(
            f"{path}: columns of format {found.heading.format}, this version reads {FORMAT}: convert it anew"
        )
    return found


def heading_of(text: bytes | None, path: Path) -> Heading | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Heading)
    except msgspec.DecodeError as error:
        raise CaptureError(f"{path}: its description cannot be read ({error}): convert it anew") from error


def _open_parquet(path: Path) -> ColumnFile:
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(path)
    metadata = file.metadata.metadata or {}
    missing = sorted(set(Row._fields) - set(file.schema_arrow.names))
    if missing:
        raise CaptureError(f"{path}: no column {missing[0]!r}: convert the capture with jackbot backtest convert")

    def rows() -> Iterator[Row]:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(Row._fields)):
            columns = [batch.column(name).to_pylist() for name in Row._fields]
            yield from map(Row._make, zip(*columns, strict=True))

    return ColumnFile(path, heading_of(metadata.get(METADATA), path), rows())


def _open_npz(path: Path) -> ColumnFile:
    import numpy as np

    codec: Any = np.lib.format
    archive = zipfile.ZipFile(path)
    names = archive.namelist()
    if "data.npy" not in names:
        raise CaptureError(f"{path}: no array 'data' in it: is it a file of events?")
    heading = None
    described = f"{METADATA.decode()}.npy"
    if described in names:
        with archive.open(described) as member:
            heading = heading_of(codec.read_array(member, allow_pickle=False).tobytes(), path)
    member = archive.open("data.npy")
    version = codec.read_magic(member)
    header = codec.read_array_header_1_0 if version == (1, 0) else codec.read_array_header_2_0
    shape, _, dtype = header(member)
    if dtype.names != tuple(name for name, _ in FIELDS) or len(shape) != 1:
        raise CaptureError(f"{path}: its array 'data' is no list of events (fields {dtype.names})")

    def rows() -> Iterator[Row]:
        with archive, member:
            left = shape[0]
            while left:
                count = min(left, ROWS_AT_ONCE)
                piece = np.frombuffer(_exactly(member, count * dtype.itemsize, path), dtype)
                left -= count
                for row in piece.tolist():
                    yield Row._make((0, *row, str(row[5]) if row[5] else ""))

    return ColumnFile(path, heading, rows())


def _exactly(member: IO[bytes], wanted: int, path: Path) -> bytes:
    pieces: list[bytes] = []
    while wanted:
        piece = member.read(wanted)
        if not piece:
            raise CaptureError(f"{path}: cut short: fewer events than it announces")
        pieces.append(piece)
        wanted -= len(piece)
    return b"".join(pieces)


class ColumnMarketData(MarketData):
    """A pipeline whose events are decoded already, and whose books are believed exactly when the rows say so."""

    def __init__(self, venue: str) -> None:
        super().__init__(load_venue(venue))

    def add(self, instrument: Instrument) -> InstrumentMarket:
        market = self.markets.get(instrument.key)
        if market is None:
            most = self.codec.spec.markets[instrument.kind].max_levels
            market = InstrumentMarket(self.terms(instrument), "unsequenced", max_levels=most, in_stream=True)
            self.markets[instrument.key] = market
        return market

    def take(self, event: BookSnapshot | BookDelta | Trade | MarkPrice, now: int) -> None:
        self.frames += 1
        self._on_event(event, now)

    def go_stale(self, market: InstrumentMarket, now: int) -> None:
        old = market.state
        market.sequencer.on_stale("as it was recorded")
        self._tell_state(market, old, now)

    def wake(self, market: InstrumentMarket, now: int) -> None:
        """A STALE book was seen to be right."""
        old = market.state
        self._after(market, old, market.sequencer.on_confirmed(), now)


class ColumnPlayer:
    """Plays files of columns that continue one another into ``data``; the kernel's counterpart of ``ReplayPlayer``.

    ``symbols`` empty = all. ``instruments`` stand in for a heading that files of others lack: exactly one then.
    InputError names what is not there.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        data: ColumnMarketData,
        clock: ManualClock,
        kind: MarketKind,
        *,
        symbols: Sequence[str] = (),
        instruments: Sequence[Instrument] = (),
        shift_ns: int = 0,
    ) -> None:
        self.frames = 0
        """Messages played: updates of books, trades, mark prices."""
        self._data = data
        self._clock = clock
        self._shift_ns = shift_ns
        files = [read_columns(path) for path in paths]
        self._keys: list[list[str]] = [self._add(file, kind, set(symbols), instruments) for file in files]
        self._messages = chain.from_iterable(map(self._of_file, range(len(files)), files))
        self._position = 0
        self._next = next(self._messages, None)

    @property
    def next_ns(self) -> int | None:
        """The data's time of the next message, never before the one that has been reached; None at the end."""
        return None if self._next is None else max(self._position, self._next[1][0].local_ts + self._shift_ns)

    def play_until(self, until_ns: int) -> int:
        """Play every message due by ``until_ns``; returns their number."""
        played = 0
        while self._next is not None and (at := self.next_ns or 0) <= until_ns:
            key, rows = self._next
            self._position = at
            self._clock.set(at)
            if key in self._data.markets:
                self._play(self._data.markets[key], rows, at)
            played += 1
            self._next = next(self._messages, None)
        self.frames += played
        return played

    def _add(
        self, file: ColumnFile, kind: MarketKind, symbols: set[str], instruments: Sequence[Instrument]
    ) -> list[str]:
        """Follow what the file holds; keys by the number of the market in its rows."""
        held = tuple(instruments) if file.heading is None else file.heading.instruments
        if not held or (file.heading is None and len(held) > 1):
            raise InputError(f"{file.path}: it names no instrument: say which one it is, with its tick and lot")
        strange = [each.symbol for each in held if each.kind is not kind]
        missing = sorted(symbols - {each.symbol for each in held})
        if strange or missing:
            there = ", ".join(f"{each.symbol} ({each.kind.value})" for each in held)
            raise InputError(f"{file.path}: {(missing or [kind.value])[0]} is not in it, it holds {there}")
        for instrument in held:
            if not symbols or instrument.symbol in symbols:
                self._data.add(instrument)
        return [each.key for each in held]

    def _of_file(self, number: int, file: ColumnFile) -> Iterator[tuple[str, list[Row]]]:
        """Key and rows of each message."""
        message: list[Row] = []
        keys = self._keys[number]
        for row in file.rows:
            if not row.ev & LOCAL and row.ev & EXCHANGE:
                continue  # hftbacktest's mark for what only its exchange sees
            if message and not _same_message(message[0], row):
                yield keys[message[0].market], message
                message = []
            message.append(row)
        if message:
            yield keys[message[0].market], message

    def _play(self, market: InstrumentMarket, rows: list[Row], now: int) -> None:
        first = rows[0]
        match first.ev & KIND_MASK:
            case 1 | 3 | 4:
                self._play_book(market, rows, now)
            case 2:
                self._data.take(_trade(market.key, first, now), now)
            case 101:
                mark = MarkPrice(market.key, first.exch_ts, now, first.px, first.qty, first.fval, first.ival)
                self._data.take(mark, now)
            case 102:
                self._go(market, first.ival, now)
            case _:
                pass  # edges of the recording, and rows of others that are no news of the market

    def _play_book(self, market: InstrumentMarket, rows: list[Row], now: int) -> None:
        whole = [row for row in rows if row.ev & KIND_MASK == SNAPSHOT]
        event_ns = rows[0].exch_ts
        if market.state in (BookState.EMPTY, BookState.DOWN):
            self._data.on_connect(_plan(market), now)
        if whole or market.state is BookState.SYNCING:
            bids, asks = _levels(market, [row for row in whole or rows if row.qty > 0.0])
            self._data.take(BookSnapshot(market.key, event_ns, now, 0, bids, asks), now)
        else:
            bids, asks = _levels(market, rows)
            self._data.take(BookDelta(market.key, event_ns, now, -1, -1, -1, bids, asks), now)

    def _go(self, market: InstrumentMarket, state: int, now: int) -> None:
        if state == STALE:
            self._data.go_stale(market, now)
        elif state == LIVE and market.state is BookState.STALE:
            self._data.wake(market, now)
        elif state == DOWN and market.state in (BookState.LIVE, BookState.STALE):
            self._data.on_disconnect(_plan(market), "as it was recorded", now)


_BOOK_KINDS = (DEPTH, CLEAR, SNAPSHOT)


def _same_message(first: Row, row: Row) -> bool:
    return (
        first.ev & KIND_MASK in _BOOK_KINDS
        and row.ev & KIND_MASK in _BOOK_KINDS
        and (first.market, first.local_ts, first.exch_ts, first.ival)
        == (row.market, row.local_ts, row.exch_ts, row.ival)
    )


def _levels(market: InstrumentMarket, rows: Sequence[Row]) -> tuple[list[Level], list[Level]]:
    bids: list[Level] = []
    asks: list[Level] = []
    for row in rows:
        buying = bool(row.ev & BUY)
        if row.ev & KIND_MASK == CLEAR:
            if buying:
                bids += [(price, 0.0) for price in market.book.bids if price >= row.px]
            else:
                asks += [(price, 0.0) for price in market.book.asks if price <= row.px]
        else:
            (bids if buying else asks).append((row.px, row.qty))
    return bids, asks


def _trade(key: str, row: Row, now: int) -> Trade:
    side = Side.BUY if row.ev & BUY else Side.SELL
    return Trade(key, row.exch_ts, now, row.trade_id, side, row.px, row.qty, _text(row.px), _text(row.qty))


def _text(number: float) -> str:
    return format(Decimal(repr(number)), "f")


def _plan(market: InstrumentMarket) -> ConnectionPlan:
    return ConnectionPlan(f"columns of {market.key}", market.instrument.kind, "", (), (market.key,))
