"""Public trades of one instrument: a numbered ring of recent ones, exact totals, volume and delta at price.

Written by the market data pipeline, read by views. Totals are exact Decimals of the venue's own texts; figures per
price are floats for drawing. Everything is bounded, and what is kept per price is small: an engine runs for weeks.
"""

from array import array
from collections import deque
from collections.abc import Iterable
from decimal import Context, Decimal
from itertools import islice

from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Trade
from jackbot_tui.model.numbers import ZERO

RING = 400
"""Recent trades kept: twice what one picture brings, so no screen could ask for more."""

PAGE = 32
"""Neighbouring ticks whose figures lie in one array: 16 bytes a tick instead of some 200 in objects of their own."""

MAX_PAGES = 1024
"""Pages kept (32,768 ticks, 0.7 MB, all there from the beginning so that memory does not grow with the market's walk);
beyond it the one farthest from the last price is forgotten."""

MINUTE_NS = 60 * NS_PER_S
MARKS = 25 * 60
"""Minutes whose volume is remembered: a day, so that it tells what comes at this time of day, and an hour."""

OPENS = 61
"""Minutes whose first price is remembered: an hour of moves from minute to minute."""

_EMPTY = array("d", [0.0] * (PAGE + 1))

_EXACT = Context(prec=60)


class VolumeProfile:
    """What traded at each price, base units: bought and sold by the aggressor. Bounded by ``MAX_PAGES``."""

    __slots__ = ("_bought", "_sold", "_spare")

    def __init__(self) -> None:
        # By tick // PAGE: the figures of PAGE ticks, then their sum.
        self._bought: dict[int, array[float]] = {}
        self._sold: dict[int, array[float]] = {}
        self._spare = [(_EMPTY[:], _EMPTY[:]) for _ in range(MAX_PAGES)]

    def add(self, tick: int, side: Side, size: float) -> None:
        number, place = divmod(tick, PAGE)
        if number not in self._bought:
            self._make_room(number)
            self._bought[number], self._sold[number] = self._spare.pop()
        page = (self._bought if side is Side.BUY else self._sold)[number]
        page[place] += size
        page[PAGE] += size

    def rows(self, indices: Iterable[int], group: int) -> dict[int, tuple[float, float]]:
        """``(volume, delta)`` of the rows of ``group`` ticks that traded.

        A trade belongs to the row that showed the size it took: a buy took from an ask, and asks round up to their
        row; a sell took from a bid, and bids round down. So a trade is in one row only.
        """
        wanted = set(indices)
        if not wanted:
            return {}
        bought: dict[int, float] = {}
        sold: dict[int, float] = {}
        first = ((min(wanted) - 1) * group + 1) // PAGE
        last = ((max(wanted) + 1) * group - 1) // PAGE
        numbers: Iterable[int] = range(first, last + 1)
        if last - first >= len(self._bought):
            numbers = [number for number in self._bought if first <= number <= last]
        for number in numbers:
            if number in self._bought:
                _collect(self._bought[number], number * PAGE, group, group - 1, wanted, bought)
                _collect(self._sold[number], number * PAGE, group, 0, wanted, sold)
        return {
            row: (bought.get(row, 0.0) + sold.get(row, 0.0), bought.get(row, 0.0) - sold.get(row, 0.0))
            for row in bought.keys() | sold.keys()
        }

    def _make_room(self, number: int) -> None:
        if not self._spare:
            farthest = max(self._bought, key=lambda each: abs(each - number))
            pages = self._bought.pop(farthest), self._sold.pop(farthest)
            for page in pages:
                page[:] = _EMPTY
            self._spare.append(pages)


def _collect(page: "array[float]", base: int, group: int, up: int, wanted: set[int], out: dict[int, float]) -> None:
    """Add a page that begins at tick ``base`` to its rows; tick ``t`` is in row ``(t + up) // group``."""
    if not page[PAGE]:
        return
    begin = 0
    while begin < PAGE:
        row = (base + begin + up) // group
        end = min(PAGE, (row + 1) * group - up - base)
        if row in wanted:
            size = page[PAGE] if end - begin == PAGE else page[begin] if end - begin == 1 else sum(page[begin:end])
            if size:
                out[row] = out.get(row, 0.0) + size
        begin = end


class TradeTape:
    """See the module's paragraph. ``tick`` is the price step in quote currency; ``seq`` numbers trades 1, 2, … ."""

    __slots__ = (
        "_minute",
        "_profile",
        "_tick",
        "buy_volume",
        "cvd",
        "first_price",
        "last",
        "marks",
        "opens",
        "recent",
        "sell_volume",
        "seq",
        "volume",
    )

    def __init__(self, tick: Decimal, ring: int = RING) -> None:
        self.recent: deque[Trade] = deque(maxlen=ring)
        """Recent trades, oldest first; the newest has number ``seq``."""
        self.seq = 0
        """Number of the newest trade, equal to the count of trades seen."""
        self.volume = ZERO
        self.buy_volume = ZERO
        """Exact volume, base units, of trades whose aggressor bought."""
        self.sell_volume = ZERO
        self.cvd = 0.0
        """Cumulative volume delta: bought minus sold by aggressors, base units."""
        self.first_price: float | None = None
        self.last: Trade | None = None
        self.marks: deque[tuple[int, Decimal]] = deque(maxlen=MARKS)
        """``(local time in ns, volume before it)`` at the first trade and at the begin of each minute that traded."""
        self.opens: deque[tuple[int, float]] = deque(maxlen=OPENS)
        """``(local time in ns, price)`` of the first trade of each minute that traded."""
        self._minute = 0
        self._tick = float(tick)
        self._profile = VolumeProfile()

    @property
    def last_price(self) -> float | None:
        return None if self.last is None else self.last.price

    def add(self, trade: Trade) -> None:
        size = Decimal(trade.size_text)
        if trade.ts_recv // MINUTE_NS != self._minute:
            self._minute = trade.ts_recv // MINUTE_NS
            self.marks.append((self._minute * MINUTE_NS if self.marks else trade.ts_recv, self.volume))
            self.opens.append((trade.ts_recv, trade.price))
        self.volume = _EXACT.add(self.volume, size)
        if trade.side is Side.BUY:
            self.buy_volume = _EXACT.add(self.buy_volume, size)
            self.cvd += trade.size
        else:
            self.sell_volume = _EXACT.add(self.sell_volume, size)
            self.cvd -= trade.size
        if self.first_price is None:
            self.first_price = trade.price
        self.last = trade
        self.seq += 1
        self.recent.append(trade)
        self._profile.add(round(trade.price / self._tick), trade.side, trade.size)

    def after(self, seq: int, limit: int) -> list[tuple[int, Trade]]:
        """``(number, trade)`` of trades after number ``seq``, oldest first, at most the newest ``limit`` of them."""
        count = max(0, min(self.seq - seq, limit, len(self.recent)))
        first = self.seq - count + 1
        return list(enumerate(islice(self.recent, len(self.recent) - count, None), first))

    def rows(self, indices: Iterable[int], group: int = 1) -> dict[int, tuple[float, float]]:
        """``(volume, delta)`` of the ladder rows that traded; see ``VolumeProfile.rows``."""
        return self._profile.rows(indices, group)
