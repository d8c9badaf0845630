"""Captures into columns: what the live pipeline makes of a recording, written row by row (``columns`` has the schema).

Only what may be believed is written as a book's level: levels appear when the book is LIVE, a whole book each time it
becomes so, and every state in between is a row, so that an engine that plays the columns trusts a book exactly when one
that plays the capture does. Rows leave memory every ``ROWS_AT_ONCE``.
"""

import contextlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from jackbot_tui.backtest.columns import (
    BUY,
    DEPTH,
    DOWN,
    EDGE,
    FIELDS,
    FORMAT,
    LIVE,
    MARK,
    METADATA,
    ROWS_AT_ONCE,
    SEEN,
    SELL,
    SNAPSHOT,
    STALE,
    STATE,
    SUFFIXES,
    TRADE,
    Heading,
    Row,
)
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import ReplayPlayer
from jackbot_tui.feeds.capture import read_capture
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import Level, MarkPrice, Trade, VenueNotice
from jackbot_tui.venues import load_venue

LONGEST_NUMBER = 18
"""Digits of a trade's id up to which it is written as a number."""


class Written(Struct, frozen=True):
    rows: int
    symbols: tuple[str, ...]


class Sink(Protocol):
    """Where rows go; ``heading`` is known at the end only, when every instrument has been seen."""

    def write(self, rows: Sequence[Row]) -> None: ...

    def finish(self, heading: Heading) -> None: ...

    def abandon(self) -> None: ...


def convert(paths: Sequence[Path], venue: str, kind: MarketKind, out: Path, symbols: Sequence[str] = ()) -> Written:
    """Write captures that continue one another to ``out``. Nothing is overwritten, and nothing half is left behind.

    InputError: ``out`` exists or ends otherwise, or an .npz would hold several instruments. CaptureError as in reading.
    """
    if out.suffix not in SUFFIXES:
        raise InputError(f"{out}: say what to write by its ending, one of {', '.join(SUFFIXES)}")
    if out.exists():
        raise InputError(f"{out} exists already: nothing was overwritten; choose another name")
    codec = load_venue(venue)
    data = MarketData(codec, adopt_unknown=True)
    player = ReplayPlayer(read_capture(paths), data, ManualClock(), codec, kind, symbols=symbols)
    if not data.markets:
        raise InputError(f"{paths[0]}: nothing of {venue} {kind.value} in it: check --venue and --market")
    sink: Sink = _Parquet(out) if out.suffix == ".parquet" else _Npz(out)
    try:
        writer = _Writer(sink, data)
        writer.edge(player.first_ts)
        while not player.done:
            player.step()
        writer.edge(player.last_ts)
        if out.suffix == ".npz" and len(writer.instruments) > 1:
            there = ", ".join(each.symbol for each in writer.instruments)
            raise InputError(f"{out}: an .npz holds one instrument, the capture has {there}: name one with --symbol")
        writer.flush()
        sink.finish(Heading(FORMAT, tuple(writer.instruments)))
    except BaseException:
        sink.abandon()
        raise
    return Written(writer.rows, tuple(each.symbol for each in writer.instruments))


class _Writer:
    """A subscriber that writes down what it hears."""

    def __init__(self, sink: Sink, data: MarketData) -> None:
        self.rows = 0
        self.instruments: list[Instrument] = []
        self._sink = sink
        self._data = data
        self._held: list[Row] = []
        self._message = 0
        self._books: dict[str, _Mirror] = {}
        data.subscribe(self)
        for market in data.markets.values():
            self._mirror(market)

    def edge(self, now: int) -> None:
        """The recording begins or ends."""
        self._put(Row(0, EDGE, 0, now, 0.0, 0.0, 0, 0, 0.0, ""))

    def flush(self) -> None:
        self._sink.write(self._held)
        self._held = []

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        mirror, book = self._mirror(market), market.book
        self._message += 1
        event_ns = market.book_event_ns
        if mirror.anew or not (book.sent_bids or book.sent_asks):
            if mirror.anew or mirror.differs(book.bids, book.asks):
                self._whole(market, mirror, event_ns, now)
            else:
                self._levels(mirror, DEPTH, event_ns, now, *mirror.unchanged(market))
            return
        bids = mirror.bids.changes(book.bids, book.sent_bids)
        asks = mirror.asks.changes(book.asks, book.sent_asks)
        if not bids and not asks:
            bids, asks = mirror.unchanged(market)
        self._levels(mirror, DEPTH, event_ns, now, bids, asks)

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        number = trade.trade_id
        plain = number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER
        side = BUY if trade.side is Side.BUY else SELL
        self._put(
            Row(
                self._mirror(market).number,
                TRADE | SEEN | side,
                trade.ts_event,
                now,
                trade.price,
                trade.size,
                int(number) if plain else 0,
                0,
                0.0,
                number,
            )
        )

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None:
        place = self._mirror(market).number
        self._put(
            Row(place, MARK, mark.ts_event, now, mark.mark, mark.index, 0, mark.next_funding_ns, mark.funding_rate, "")
        )

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        mirror = self._mirror(market)
        code = LIVE if new is BookState.LIVE else STALE if new is BookState.STALE else DOWN
        if new is BookState.LIVE and old is not BookState.STALE:
            mirror.anew = True
        self._put(Row(mirror.number, STATE, 0, now, 0.0, 0.0, 0, code, 0.0, ""))

    def on_notice(self, notice: VenueNotice, now: int) -> None:
        """Words of the venue are no market data."""

    def _whole(self, market: InstrumentMarket, mirror: "_Mirror", event_ns: int, now: int) -> None:
        """Levels that are gone as sizes of 0, for readers that know no whole books, then the book."""
        book = market.book
        gone = mirror.bids.gone(book.bids), mirror.asks.gone(book.asks)
        self._levels(mirror, DEPTH, event_ns, now, *gone)
        bids, asks = list(book.bids.items()), list(book.asks.items())
        self._levels(mirror, SNAPSHOT, event_ns, now, bids, asks)
        mirror.become(bids, asks)

    def _levels(
        self, mirror: "_Mirror", kind: int, event_ns: int, now: int, bids: Sequence[Level], asks: Sequence[Level]
    ) -> None:
        for side, levels in ((BUY, bids), (SELL, asks)):
            ev = kind | SEEN | side
            for price, size in levels:
                self._put(Row(mirror.number, ev, event_ns, now, price, size, 0, self._message, 0.0, ""))

    def _put(self, row: Row) -> None:
        self._held.append(row)
        self.rows += 1
        if len(self._held) >= ROWS_AT_ONCE:
            self.flush()

    def _mirror(self, market: InstrumentMarket) -> "_Mirror":
        mirror = self._books.get(market.key)
        if mirror is None:
            mirror = self._books[market.key] = _Mirror(len(self.instruments))
            self.instruments.append(market.instrument)
        return mirror


class _Side(dict[float, float]):
    """One side of a book as a reader of the rows has it."""

    def changes(self, book: dict[float, float], sent: Sequence[Level]) -> list[Level]:
        """Rows for an update that sent these levels, after which the book is ``book``; they are taken over."""
        rows = [(price, book.get(price, 0.0)) for price, _ in sent if price in book or price in self]
        self._take(rows)
        if len(self) != len(book):  # the venue's depth cut levels off, or let them in again
            more = [*self.gone(book), *((price, size) for price, size in book.items() if price not in self)]
            self._take(more)
            rows += more
        return rows

    def gone(self, book: dict[float, float]) -> list[Level]:
        return [(price, 0.0) for price in self if price not in book]

    def _take(self, rows: Sequence[Level]) -> None:
        for price, size in rows:
            if size:
                self[price] = size
            else:
                self.pop(price, None)


class _Mirror:
    """One instrument: its number in the rows, and the book that they make."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.anew = True
        self.bids = _Side()
        self.asks = _Side()

    def differs(self, bids: dict[float, float], asks: dict[float, float]) -> bool:
        return self.bids != bids or self.asks != asks

    def become(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        self.anew = False
        self.bids, self.asks = _Side(bids), _Side(asks)

    def unchanged(self, market: InstrumentMarket) -> tuple[list[Level], list[Level]]:
        """A row that says nothing new, for an update that changed nothing here: it is an event all the same."""
        bid, ask = market.book.best_bid(), market.book.best_ask()
        return ([bid], []) if bid is not None else ([], [ask] if ask is not None else [])


# ---------------------------------------------------------------------- files


class _Parquet:
    """Written beside its name, so that a half file never looks like a whole one."""

    def __init__(self, out: Path) -> None:
        import pyarrow
        import pyarrow.parquet as parquet

        self._out = out
        self._half = out.with_name(f"{out.name}.{os.getpid()}.part")
        integer, real = pyarrow.int64(), pyarrow.float64()
        kinds = {"market": pyarrow.uint16(), "ev": pyarrow.uint64(), "px": real, "qty": real, "fval": real}
        kinds |= {"order_id": pyarrow.uint64(), "trade_id": pyarrow.string()}
        self._schema = pyarrow.schema([(name, kinds.get(name, integer)) for name in Row._fields])
        self._arrow = pyarrow
        self._writer: Any = parquet.ParquetWriter(self._half, self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        if rows:
            columns = [
                self._arrow.array(column, field.type)
                for column, field in zip(zip(*rows, strict=True), self._schema, strict=True)
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))

    def finish(self, heading: Heading) -> None:
        self._writer.add_key_value_metadata({METADATA: msgspec.json.encode(heading)})
        self._writer.close()
        self._half.replace(self._out)

    def abandon(self) -> None:
        self._writer.close()
        self._half.unlink(missing_ok=True)


class _Npz:
    """The events are gathered in a file of their own: their number comes first in an .npz."""

    def __init__(self, out: Path) -> None:
        import numpy as np

        self._np = np
        self._dtype = np.dtype(list(FIELDS), align=True)
        self._out = out
        self._half = out.with_name(f"{out.name}.{os.getpid()}.part")
        self._raw = out.with_name(f"{out.name}.{os.getpid()}.raw")
        self._file = self._raw.open("wb")
        self._count = 0

    def write(self, rows: Sequence[Row]) -> None:
        self._file.write(self._np.array([row[1:9] for row in rows], self._dtype).tobytes())
        self._count += len(rows)

    def finish(self, heading: Heading) -> None:
        np = self._np
        self._file.close()
        described = np.frombuffer(msgspec.json.encode(heading), np.uint8)
        with zipfile.ZipFile(self._half, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            with archive.open("data.npy", "w", force_zip64=True) as member:
                about = {
                    "descr": np.lib.format.dtype_to_descr(self._dtype),
                    "fortran_order": False,
                    "shape": (self._count,),
                }
                np.lib.format.write_array_header_1_0(member, about)
                with self._raw.open("rb") as raw:
                    while piece := raw.read(1 << 20):
                        member.write(piece)
            with archive.open(f"{METADATA.decode()}.npy", "w") as member:
                np.lib.format.write_array(member, described)
        self._raw.unlink()
        self._half.replace(self._out)

    def abandon(self) -> None:
        self._file.close()
        for path in (self._raw, self._half):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
