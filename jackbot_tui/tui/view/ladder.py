"""The ladder as rows of text: a book view, own orders and an axis in, rows out, with every row built once and kept.

Rows are kept by what they show, so a price level that did not change costs one lookup, and rows that come back after a
scroll are the same objects. Slow figures (cumulative depth, bar scale, the size called large) move four times a second.
"""

from collections.abc import Sequence
from enum import Enum
from statistics import median
from typing import NamedTuple

from msgspec import Struct

from jackbot_tui.desk.views import BookView, KeptView, LadderLevel, OwnOrderView
from jackbot_tui.tui.view.axis import LadderAxis
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right, spread
from jackbot_tui.tui.view.text import PriceScale, grouped_digits, queue_text, short_text, size_text

FLASH_NS = 400_000_000
SLOW_FIGURES_NS = 250_000_000
LARGE_TIMES = 5.0
BAR_CELLS = 8
ROWS_KEPT = 1024
FULL_WIDTH = 64
"""From this width on the cumulative columns fit."""


class VolumeMode(Enum):
    """What the last column shows: traded at the price this session, bought minus sold, or nothing."""

    VOLUME = "VOL"
    DELTA = "DELTA"
    OFF = ""

    def following(self) -> "VolumeMode":
        modes = list(VolumeMode)
        return modes[(modes.index(self) + 1) % len(modes)]


class LadderLook(Struct, frozen=True):
    """What the trader has chosen to see."""

    cumulative: bool = True
    volume: VolumeMode = VolumeMode.VOLUME
    bars: bool = True
    flash: bool = True
    large_times: float = LARGE_TIMES


class Columns(Struct, frozen=True):
    """Widths of the ladder's columns, left to right; 0 = not shown. The fast columns come first (fewer bytes)."""

    own_buy: int
    bid: int
    bid_total: int
    price: int
    ask_total: int
    ask: int
    own_sell: int
    volume: int


def plan_columns(width: int, price_width: int, look: LadderLook) -> Columns:
    """Columns for a ladder ``width`` wide whose prices take ``price_width`` digits."""
    total = 7 if look.cumulative and width >= FULL_WIDTH else 0
    roomy = width >= FULL_WIDTH + 4
    size = 9 if roomy else 8
    price = price_width + 3
    own = 10 if roomy else 9
    free = width - 2 * own - 2 * size - 2 * total - price
    if free < 0:
        own = max(4, own + (free - 1) // 2)
        free = max(0, width - 2 * own - 2 * size - 2 * total - price)
    volume = min(free, 9) if look.volume is not VolumeMode.OFF and free >= 4 else 0
    return Columns(own, size, total, price, total, size, own, volume)


Levels = dict[int, LadderLevel]


class OwnAtRow(Struct, frozen=True):
    """Own working orders of one side at one row: how much, the least queue ahead, and what is behind that order.

    -1 = unknown. ``waits``: ``stop`` or ``take`` where only orders that wait for a trigger are there. ``parent``:
    ``p3`` whose children all of them are, ``p+`` for those of several; "" = a person's are among them. ``kept``:
    nothing is at the venue, a parent order watches the price here: ``armed`` or ``stop``.
    """

    size: float
    ahead: float
    behind: float
    unsure: bool
    waits: str = ""
    parent: str = ""
    kept: str = ""

    @property
    def ink(self) -> Ink:
        return Ink.OWN_KEPT if self.kept else Ink.OWN_PARENT if self.parent else Ink.OWN_BUY


class RowLook(NamedTuple):
    """Everything that one row of the ladder shows; equal looks are equal rows."""

    place: int
    bid: LadderLevel | None
    ask: LadderLevel | None
    bid_total: str
    ask_total: str
    own_buy: OwnAtRow | None
    own_sell: OwnAtRow | None
    cursor: bool
    last: str
    bid_new: bool
    ask_new: bool
    filled: bool
    inside: bool
    stale: bool
    grabbed: bool
    bar_full: float
    large_from: float


class LadderModel:
    """Builds the ladder's rows. Holds what must outlive a picture: flashes, slow figures, rows already built."""

    def __init__(self) -> None:
        self.look = LadderLook()
        self.scale: PriceScale | None = None
        self._key = ""
        self._group = 0
        self._rows: dict[RowLook, Row] = {}
        self._seen: tuple[Levels, Levels] | None = None
        self._flashes: dict[tuple[bool, int], int] = {}
        self._fills: dict[int, int] = {}
        self._slow_at: int | None = None
        self._slow_window = (0, 0)
        self._totals: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self._bar_full = 0.0
        self._large_from = 0.0

    def forget(self) -> None:
        """Another theme of numbers (width, look): build every row anew."""
        self._rows.clear()
        self._slow_at = None

    def mark_fill(self, index: int, now: int) -> None:
        """Show the row of a fill in reverse video for a moment."""
        self._fills[index] = now + FLASH_NS

    def build(
        self,
        book: BookView,
        orders: Sequence[OwnOrderView],
        axis: LadderAxis,
        width: int,
        cursor: int | None,
        stale: bool,
        grabbed: int,
        now: int,
        kept: Sequence[KeptView] = (),
    ) -> list[Row]:
        """Rows of the axis, top first. ``cursor`` is an index of the book view, ``grabbed`` an order's number or 0."""
        scale = self._scale_of(book)
        top, bottom = axis.top, axis.bottom
        bids = {level.index: level for level in book.bids if bottom <= level.index <= top}
        asks = {level.index: level for level in book.asks if bottom <= level.index <= top}
        self._note_changes(bids, asks, now)
        self._slow_figures(book, bids, asks, (top, bottom), now)
        columns = plan_columns(width, len(scale.text(axis.top * book.group)), self.look)
        own = own_by_row(orders, book.key, kept)
        last = self._last_index(book, scale)
        best_bid, best_ask = inside_of(book)
        bid_totals, ask_totals = self._totals
        rows: list[Row] = []
        for index in range(top, bottom - 1, -1):
            bid, ask = bids.get(index), asks.get(index)
            key = RowLook(
                index,
                bid,
                ask,
                bid_totals.get(index, "") if bid is not None and bid.size > 0 else "",
                ask_totals.get(index, "") if ask is not None and ask.size > 0 else "",
                own.get((True, index)),
                own.get((False, index)),
                index == cursor,
                book.last_side if index == last else "",
                (True, index) in self._flashes,
                (False, index) in self._flashes,
                index in self._fills,
                best_bid is not None and best_ask is not None and best_bid < index < best_ask,
                stale,
                bool(grabbed) and index == cursor,
                self._bar_full,
                self._large_from,
            )
            row = self._rows.get(key)
            if row is None:
                if len(self._rows) >= ROWS_KEPT:
                    self._rows.clear()
                row = self._rows[key] = self._row(key, columns, scale, book, width)
            rows.append(row)
        return rows

    def head(self, book: BookView | None, axis: LadderAxis, width: int) -> Row:
        """Column heads."""
        scale = self.scale
        digits = len(scale.text(axis.top * book.group)) if scale is not None and book is not None else 8
        columns = plan_columns(width, digits, self.look)
        names = (
            (right("OWN ", columns.own_buy), columns.own_buy),
            (right("BID", columns.bid - 1) + " ", columns.bid),
            (right("CUM ", columns.bid_total), columns.bid_total),
            (right("PRICE ", columns.price), columns.price),
            (right("CUM ", columns.ask_total), columns.ask_total),
            (right("ASK", columns.ask - 1) + " ", columns.ask),
            (left(" OWN", columns.own_sell), columns.own_sell),
            (right(self.look.volume.value, columns.volume), columns.volume),
        )
        return fit(((text, Ink.DIM) for text, size in names if size), width)

    def foot(
        self,
        book: BookView,
        axis: LadderAxis,
        orders: Sequence[OwnOrderView],
        cursor: int | None,
        width: int,
        kept: Sequence[KeptView] = (),
    ) -> Row:
        """Sums, imbalance, spread, grouping, hold, and what is out of the window."""
        roomy = width >= FULL_WIDTH
        begin: list[Cell] = [
            (f" {'sum ' if roomy else ''}{short_text(book.sum_bid, 7)}", Ink.BID),
            (f"  {book.imbalance:+.0%}  ", Ink.PROFIT if book.imbalance >= 0 else Ink.LOSS),
            (f"{short_text(book.sum_ask, 7)} ", Ink.ASK),
            (f"  {'spread' if roomy else 'spr'} {book.spread_ticks}t ", Ink.DIM),
        ]
        end: list[Cell] = []
        places = [order.index for order in orders if order.key == book.key and order.price]
        places += [each.index for each in kept if each.key == book.key]
        above = sum(1 for index in places if index > axis.top)
        below = sum(1 for index in places if index < axis.bottom)
        if above:
            end.append((f" ^ {above} above", Ink.WARN))
        if below:
            end.append((f" v {below} below", Ink.WARN))
        if cursor is not None and self.scale is not None and not axis.shows(cursor):
            arrow = "^" if cursor > axis.top else "v"
            end.append((f" cur {arrow} {grouped_digits(self.scale.text(cursor * book.group))}", Ink.CURSOR))
        if axis.held:
            end.append((" HOLD", Ink.WARN))
        end.append((f" x{book.group} ", Ink.STRONG))
        return spread(begin, end, width)

    # ------------------------------------------------------------------ inside

    def _scale_of(self, book: BookView) -> PriceScale:
        if self.scale is None or book.key != self._key:
            self.scale = PriceScale(book.tick, book.price_places)
        if book.key != self._key or book.group != self._group:
            self._key, self._group = book.key, book.group
            self._seen = None
            self._flashes.clear()
            self._fills.clear()
            self.forget()
        return self.scale

    def _last_index(self, book: BookView, scale: PriceScale) -> int | None:
        if not book.last:
            return None
        ticks = scale.ticks(book.last)
        best_bid, best_ask = inside_of(book)
        index = ticks // book.group
        if best_bid is not None and index <= best_bid:
            return index
        return -(-ticks // book.group) if best_ask is not None else index

    def _note_changes(self, bids: Levels, asks: Levels, now: int) -> None:
        """Remember which sizes in the window are not what they were in the picture before."""
        if self.look.flash and self._seen is not None:
            for is_bid, levels, before in ((True, bids, self._seen[0]), (False, asks, self._seen[1])):
                for index, level in levels.items():
                    old = before.get(index)
                    if old is not level and (old is None or old.size != level.size):
                        self._flashes[(is_bid, index)] = now + FLASH_NS
        self._seen = (bids, asks)
        self._flashes = {place: until for place, until in self._flashes.items() if until > now}
        self._fills = {index: until for index, until in self._fills.items() if until > now}

    def _slow_figures(self, book: BookView, bids: Levels, asks: Levels, window: tuple[int, int], now: int) -> None:
        rested = self._slow_at is not None and now - self._slow_at < SLOW_FIGURES_NS and window == self._slow_window
        if rested and not self._total_missing(bids, asks):
            return
        self._slow_at, self._slow_window = now, window
        sizes = [level.size for level in (*bids.values(), *asks.values()) if level.size > 0]
        if sizes:
            self._large_from = round_figure(median(sizes) * self.look.large_times)
            self._bar_full = round_figure(max(sizes))
        self._totals = ({}, {})
        if not self.look.cumulative or not self._from_inside(book):
            return
        for totals, levels in zip(self._totals, (book.bids, book.asks), strict=True):
            total = 0.0
            for level in levels:
                total += level.size
                totals[level.index] = cumulative_text(total)

    def _from_inside(self, book: BookView) -> bool:
        """Whether the view starts at the best prices: a scrolled window does not, and has no totals to show."""
        if self.scale is None or not book.best_bid or not book.best_ask:
            return False
        bid, ask = inside_of(book)
        best = (self.scale.ticks(book.best_bid) // book.group, -(-self.scale.ticks(book.best_ask) // book.group))
        return (bid, ask) == best

    def _total_missing(self, bids: Levels, asks: Levels) -> bool:
        """Whether a level came into the window that has no total yet."""
        bid_totals, ask_totals = self._totals
        return bool(bid_totals) and not (bid_totals.keys() >= bids.keys() and ask_totals.keys() >= asks.keys())

    def _row(self, look: RowLook, columns: Columns, scale: PriceScale, book: BookView, width: int) -> Row:
        cells: list[Cell] = []
        pointer = ">" if look.cursor else " "
        pointer_ink = Ink.CURSOR if look.cursor else Ink.TEXT
        own = "" if look.own_buy is None else own_text(look.own_buy, "+", columns.own_buy - 2)
        cells.append((pointer, pointer_ink))
        cells.append((left(own, columns.own_buy - 1), Ink.TEXT if look.own_buy is None else look.own_buy.ink))
        cells += self._size_cells(look.bid, True, look.bid_new, look.stale, columns.bid, book.qty_places)
        if columns.bid_total:
            cells.append((right(f"{look.bid_total} ", columns.bid_total), Ink.DIM))
        cells += price_cells(scale.text(look.place * book.group), columns.price, look)
        if columns.ask_total:
            cells.append((right(f"{look.ask_total} ", columns.ask_total), Ink.DIM))
        cells += self._size_cells(look.ask, False, look.ask_new, look.stale, columns.ask, book.qty_places)
        if look.own_sell is not None:
            text = own_text(look.own_sell, "-", columns.own_sell - 2)
            ink = Ink.OWN_SELL if look.own_sell.ink is Ink.OWN_BUY else look.own_sell.ink
            cells.append((left(f" {text}", columns.own_sell), ink))
        else:
            cells.append((" " * columns.own_sell, Ink.TEXT))
        if columns.volume:
            cells.append(self._volume_cell(look.bid or look.ask, columns.volume))
        if look.filled:
            cells = [(text, Ink.FLASH) for text, _ in cells]
        elif look.stale:
            cells = [(text, ink if ink in KEPT_WHEN_STALE else Ink.STALE) for text, ink in cells]
        return fit(cells, width)

    def _size_cells(
        self, level: LadderLevel | None, is_bid: bool, flash: bool, stale: bool, width: int, places: int
    ) -> list[Cell]:
        if level is None or level.size <= 0:
            return [(" " * width, Ink.TEXT)]
        text = size_text(level.size, places, width - 2)
        if stale:
            text = f"~{text}"[: width - 1]
        large = not stale and self._large_from > 0 and level.size >= self._large_from
        text = right(text, width - 1) + ("#" if large else " ")
        plain, bar = INKS_OF[(is_bid, flash or large)]
        cells = 0
        if self.look.bars and not stale and self._bar_full > 0:
            cells = min(width, round(level.size / self._bar_full * min(width, BAR_CELLS)))
        if not cells:
            return [(text, plain)]
        if is_bid:
            return [cell for cell in ((text[: width - cells], plain), (text[width - cells :], bar)) if cell[0]]
        return [cell for cell in ((text[:cells], bar), (text[cells:], plain)) if cell[0]]

    def _volume_cell(self, level: LadderLevel | None, width: int) -> Cell:
        if level is None or not level.volume:
            return (" " * width, Ink.TEXT)
        if self.look.volume is VolumeMode.DELTA:
            ink = Ink.PROFIT if level.delta >= 0 else Ink.LOSS
            sign = "+" if level.delta > 0 else ""
            return (right(sign + short_text(level.delta, width - 2), width), ink)
        return (right(short_text(level.volume, width - 1), width), Ink.DIM)


INKS_OF = {
    (True, False): (Ink.BID, Ink.BID_BAR),
    (True, True): (Ink.BID_FLASH, Ink.BID_BAR_FLASH),
    (False, False): (Ink.ASK, Ink.ASK_BAR),
    (False, True): (Ink.ASK_FLASH, Ink.ASK_BAR_FLASH),
}
KEPT_WHEN_STALE = frozenset({Ink.OWN_BUY, Ink.OWN_SELL, Ink.OWN_PARENT, Ink.OWN_KEPT, Ink.CURSOR})


def inside_of(book: BookView) -> tuple[int | None, int | None]:
    """Row indices of the best bid and the best ask that are in the view."""
    bid = next((level.index for level in book.bids if level.size > 0), None)
    ask = next((level.index for level in book.asks if level.size > 0), None)
    return bid, ask


def own_by_row(
    orders: Sequence[OwnOrderView], key: str, kept: Sequence[KeptView] = ()
) -> dict[tuple[bool, int], OwnAtRow]:
    """Own resting orders of ``key`` per side (True = buy) and row; where there are none, what parents keep here."""
    found: dict[tuple[bool, int], OwnAtRow] = {}
    for each in kept:
        if each.key == key:
            mark = OwnAtRow(float(each.quantity), -1.0, -1.0, False, parent=f"p{each.number}", kept=each.what)
            found[each.side == "buy", each.index] = mark
    for order in orders:
        if order.key != key or not order.price:
            continue
        place = (order.side == "buy", order.index)
        size = float(order.remaining)
        unsure = order.status.startswith("pending")
        waits = order.trigger.partition(" ")[0]
        parent = order.parent.rpartition(" ")[2]
        before = found.get(place)
        if before is not None and not before.kept:
            places = ((before.ahead, before.behind), (order.queue_ahead, order.queue_behind))
            ahead, behind = min((each for each in places if each[0] >= 0), default=(-1.0, -1.0))
            waits = before.waits if before.waits == waits else ""
            if parent != before.parent:
                parent = "p+" if parent and before.parent else ""
            found[place] = OwnAtRow(before.size + size, ahead, behind, before.unsure or unsure, waits, parent)
        else:
            found[place] = OwnAtRow(size, order.queue_ahead, order.queue_behind, unsure, waits, parent)
    return found


def own_text(own: OwnAtRow, sign: str, width: int) -> str:
    """``+0.5 q12/30``: size, estimated queue ahead and, with room, behind; ``?`` while its fate is being asked for.

    ``-0.5 stop``, or ``-0.5 S`` where that is too long: it waits for its trigger there. ``+0.5 p3 q12``: a child of
    p3. ``(-.5 Sp3)``, ``(.5Ap4)``: p3 watches a stop there, p4 is armed there, and nothing is at the venue.
    """
    size = f"{own.size:.4f}".rstrip("0").rstrip(".") if own.size < 1000 else short_text(own.size, 5)
    size = size[1:] if size.startswith("0.") else size
    if own.kept:
        size, what = size if own.size else "", own.kept[0].upper()
        texts = (
            f"({sign}{size} {own.kept} {own.parent})",
            f"({sign}{size} {what}{own.parent})",
            f"({sign}{size}{what}{own.parent})",
            f"({size}{what}{own.parent})",
            f"({what}{own.parent})",
        )
        return next((text for text in texts if len(text) <= width), texts[-1][:width])
    if own.parent:
        size = f"{size} {own.parent}" if width > len(own.parent) + 4 else f"{size}{own.parent}"
    if own.waits and not own.unsure:
        text = f"{sign}{size} {own.waits}"
        return text if len(text) <= width else f"{sign}{size} {own.waits[0].upper()}"[:width]
    queue = "?" if own.unsure else f"q{queue_text(own.ahead)}"
    text = f"{sign}{size} {queue}"
    whole = f"{text}/{queue_text(own.behind)}"
    if not own.unsure and own.behind >= 0 and len(whole) <= width:
        return whole
    return text if len(text) <= width else f"{sign}{size}{queue}"[:width]


def cumulative_text(total: float) -> str:
    """Three to four figures: enough for a glance, and steady enough not to redraw every row."""
    if total >= 1000:
        return short_text(total, 5)
    return f"{total:.1f}" if total >= 100 else f"{total:.2f}"


def price_cells(text: str, width: int, look: RowLook) -> list[Cell]:
    """``[61000.5]`` under the cursor, ``{…}`` while an order is grabbed, ``*61000.5`` where the last trade was."""
    mark = "{" if look.grabbed else "[" if look.cursor else "*" if look.last else " "
    close = "}" if look.grabbed else "]" if look.cursor else " "
    body = f"{mark}{text}{close}"
    if look.cursor:
        return [(" " * (width - len(body)), Ink.TEXT), (body, Ink.CURSOR)]
    ink = Ink.INSIDE if look.inside else Ink.PRICE
    if look.last:
        ink = Ink.LAST_UP if look.last == "buy" else Ink.LAST_DOWN
    return [(right(body, width), ink)]


def round_figure(value: float) -> float:
    """``value`` up to the next of 1, 2, 5 times a power of ten, so that scales stay put while sizes breathe."""
    if value <= 0:
        return 0.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    for step in (1.0, 2.0, 5.0, 10.0):
        if value <= step * power:
            return step * power
    return 10 * power
