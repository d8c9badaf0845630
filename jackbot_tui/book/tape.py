"""Public trades of one instrument: a numbered ring of recent ones, exact totals, volume and delta at price.

Written by the market data pipeline, read by paper matching and views. Totals are exact Decimals of the venue's own
texts; figures per price are floats for drawing. Everything is bounded.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Context, Decimal
from itertools import islice

from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Trade
from jackbot_tui.model.numbers import ZERO

RING = 2000
"""Recent trades kept."""

MAX_TICKS = 20_000
"""Distinct prices kept with their volume; beyond it the half that is farthest from the last price is forgotten."""

_EXACT = Context(prec=60)


class TradeTape:
    """See the module's paragraph. ``tick`` is the price step in quote currency; ``seq`` numbers trades 1, 2, … ."""

    __slots__ = (
        "_at_tick",
        "_tick",
        "buy_volume",
        "cvd",
        "first_price",
        "last",
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
        self._tick = float(tick)
        self._at_tick: dict[int, tuple[float, float]] = {}

    @property
    def last_price(self) -> float | None:
        return None if self.last is None else self.last.price

    def add(self, trade: Trade) -> None:
        size = Decimal(trade.size_text)
        self.volume = _EXACT.add(self.volume, size)
        if trade.side is Side.BUY:
            self.buy_volume = _EXACT.add(self.buy_volume, size)
            delta = trade.size
        else:
            self.sell_volume = _EXACT.add(self.sell_volume, size)
            delta = -trade.size
        self.cvd += delta
        if self.first_price is None:
            self.first_price = trade.price
        self.last = trade
        self.seq += 1
        self.recent.append(trade)
        index = round(trade.price / self._tick)
        traded, net = self._at_tick.get(index, (0.0, 0.0))
        self._at_tick[index] = (traded + trade.size, net + delta)
        if len(self._at_tick) > MAX_TICKS:
            near = sorted(self._at_tick, key=lambda at: abs(at - index))[: MAX_TICKS // 2]
            self._at_tick = {at: self._at_tick[at] for at in near}

    def after(self, seq: int, limit: int) -> list[tuple[int, Trade]]:
        """``(number, trade)`` of trades after number ``seq``, oldest first, at most the newest ``limit`` of them."""
        count = max(0, min(self.seq - seq, limit, len(self.recent)))
        first = self.seq - count + 1
        return list(enumerate(islice(self.recent, len(self.recent) - count, None), first))

    def rows(self, indices: Iterable[int], group: int = 1) -> dict[int, tuple[float, float]]:
        """``(volume, delta)`` of the rows that traded; row ``i`` spans ticks ``i * group`` to before the next."""
        wanted = set(indices)
        out: dict[int, tuple[float, float]] = {}
        if len(wanted) * group <= len(self._at_tick):
            ticks: Iterable[int] = (row * group + offset for row in wanted for offset in range(group))
        else:
            ticks = [at for at in self._at_tick if at // group in wanted]
        for at in ticks:
            found = self._at_tick.get(at)
            if found is not None:
                volume, delta = out.get(at // group, (0.0, 0.0))
                out[at // group] = (volume + found[0], delta + found[1])
        return out
