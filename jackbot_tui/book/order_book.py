"""The order book of one instrument: two dictionaries of float levels and a small sorted window at each inside.

Only the sequencer writes to a book; everybody may read. It knows nothing of update ids, time or venues, and it does
not judge whether it may be believed: that is the sequencer's state. Levels outside the depth of the venue's snapshot
are unknown until they change, so a book is complete near the inside and patchy far away from it.

How it is fast (figures: ``python -m bench book_path``): applying a level costs one dictionary write and one comparison;
nothing is kept in order meanwhile. When a best price is deleted the next one is looked for in a *window*, the sorted
prices nearest to the inside, brought up to date from the youngest keys of the dictionary: dictionaries keep insertion
order, so whatever was added since the last look is among their last ``touched`` keys. Each touched level is looked at
once, hence O(1) amortised. A side is scanned only when its window ran dry or is asked for more than it holds.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import inf

from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Level

WINDOW = 32
"""Prices a side kept in order for finding the next best; a deeper ``top`` keeps a window of its own."""

SAMPLE = 256
"""Prices looked at to guess where the nearest ones of a whole side begin."""


class _Window:
    """The prices nearest to the inside of one side, worst first, complete from its first price to the inside."""

    __slots__ = ("_of_bids", "prices", "seen")

    def __init__(self, of_bids: bool) -> None:
        self._of_bids = of_bids
        self.prices: list[float] = []
        self.seen = 0
        """How many levels of the side had been touched when the window was last brought up to date."""

    def reset(self) -> None:
        """Forget all; the next look scans the whole side."""
        self.prices = []
        self.seen = 0

    def nearest(self, levels: dict[float, float], touched: int, n: int) -> list[float]:
        """Bring the window up to date with ``levels``; at least ``n`` prices if there are so many. Best price last."""
        prices = self.prices
        if touched != self.seen and prices:
            floor = prices[0]
            young = islice(reversed(levels), touched - self.seen)
            fresh = {p for p in young if p > floor} if self._of_bids else {p for p in young if p < floor}
            prices = (
                [p for p in prices if p in levels and p not in fresh] if fresh else [p for p in prices if p in levels]
            )
            prices += sorted(fresh)
            prices.sort(reverse=not self._of_bids)
        if len(prices) < n and len(prices) < len(levels):
            prices = self._select(levels, n + n // 2 + WINDOW)
        elif len(prices) > 3 * n + 6 * WINDOW:
            del prices[: -2 * n - 2 * WINDOW]
        self.prices = prices
        self.seen = touched
        return prices

    def _select(self, levels: dict[float, float], n: int) -> list[float]:
        """The ``n`` nearest prices of a whole side or some more, in order: by a cut guessed from a sample."""
        total = len(levels)
        sample = sorted(islice(levels, None, None, total // SAMPLE + 1), reverse=self._of_bids)
        at = n * len(sample) // total + 1
        while 2 * at < len(sample):
            cut = sample[2 * at]
            near = [p for p in levels if p >= cut] if self._of_bids else [p for p in levels if p <= cut]
            if len(near) >= n:
                return sorted(near, reverse=not self._of_bids)
            at *= 2
        return sorted(levels, reverse=not self._of_bids)


class OrderBook:
    """See the module's paragraph. ``max_levels`` bounds each side: beyond it (and an eighth) far ones are dropped."""

    __slots__ = (
        "_ask_touched",
        "_ask_trim_at",
        "_asks_deep",
        "_asks_near",
        "_bid_touched",
        "_bid_trim_at",
        "_bids_deep",
        "_bids_near",
        "_max_levels",
        "ask_price",
        "ask_size",
        "asks",
        "bid_price",
        "bid_size",
        "bids",
        "sent_asks",
        "sent_bids",
    )

    def __init__(self, max_levels: int = 20_000) -> None:
        self.bids: dict[float, float] = {}
        """Price -> size of all known bids, in no order. For reading only, and only until the next update."""
        self.asks: dict[float, float] = {}
        self.bid_price = -inf
        """Best bid price, ``-inf`` when there is none."""
        self.ask_price = inf
        """Best ask price, ``inf`` when there is none."""
        self._max_levels = max_levels
        self.bid_size = 0.0
        self.ask_size = 0.0
        self.sent_bids: list[Level] = []
        """Bids of the newest update as they were sent; empty after a snapshot. For reading only."""
        self.sent_asks: list[Level] = []
        self._bid_touched = 0
        self._ask_touched = 0
        self._bid_trim_at = 0
        self._ask_trim_at = 0
        self._bids_near = _Window(of_bids=True)
        self._bids_deep = _Window(of_bids=True)
        self._asks_near = _Window(of_bids=False)
        self._asks_deep = _Window(of_bids=False)

    # ------------------------------------------------------------------ writing

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Forget everything and take over a snapshot; levels of size 0 are left out."""
        self.bids = {price: size for price, size in bids if size}
        self.asks = {price: size for price, size in asks if size}
        self.bid_price = max(self.bids, default=-inf)
        self.bid_size = self.bids.get(self.bid_price, 0.0)
        self.ask_price = min(self.asks, default=inf)
        self.ask_size = self.asks.get(self.ask_price, 0.0)
        self.sent_bids = self.sent_asks = []
        for window in (self._bids_near, self._bids_deep, self._asks_near, self._asks_deep):
            window.reset()
        self._bid_touched = len(self.bids)
        self._ask_touched = len(self.asks)
        self._trim()

    def apply(self, bids: list[Level], asks: list[Level]) -> None:
        """Take over changed levels. Sizes are absolute, 0 deletes, deleting an unknown level is normal."""
        self.sent_bids = bids
        self.sent_asks = asks
        if bids:
            side = self.bids
            best = self.bid_price
            for price, size in bids:
                if size:
                    side[price] = size
                    if price > best:
                        best = price
                else:
                    side.pop(price, None)
            self._bid_touched = touched = self._bid_touched + len(bids)
            held = side.get(best)
            if held is None:
                prices = self._bids_near.nearest(side, touched, 1)
                best = prices[-1] if prices else -inf
                held = side.get(best, 0.0)
            self.bid_price = best
            self.bid_size = held
            if touched > self._bid_trim_at:
                self._trim()
        if asks:
            side = self.asks
            best = self.ask_price
            for price, size in asks:
                if size:
                    side[price] = size
                    if price < best:
                        best = price
                else:
                    side.pop(price, None)
            self._ask_touched = touched = self._ask_touched + len(asks)
            held = side.get(best)
            if held is None:
                prices = self._asks_near.nearest(side, touched, 1)
                best = prices[-1] if prices else inf
                held = side.get(best, 0.0)
            self.ask_price = best
            self.ask_size = held
            if touched > self._ask_trim_at:
                self._trim()

    def clear(self) -> None:
        self.replace((), ())

    # ------------------------------------------------------------------ reading

    def best_bid(self) -> Level | None:
        price = self.bid_price
        return None if price == -inf else (price, self.bid_size)

    def best_ask(self) -> Level | None:
        price = self.ask_price
        return None if price == inf else (price, self.ask_size)

    def crossed(self) -> bool:
        """True when the best bid is not below the best ask: no venue's book, so an update was missed."""
        return self.bid_price >= self.ask_price

    def size_at(self, side: Side, price: float) -> float:
        """Displayed size at ``price`` on ``side`` (BUY = bids), 0.0 when there is none."""
        return (self.bids if side is Side.BUY else self.asks).get(price, 0.0)

    def was_sent(self, side: Side, price: float) -> bool:
        """Whether the newest update named this level, be it with the size it had before; False after a snapshot."""
        return any(level[0] == price for level in (self.sent_bids if side is Side.BUY else self.sent_asks))

    def top(self, n: int) -> tuple[list[Level], list[Level]]:
        """The best ``n`` bids and asks, best first."""
        if n == 1:
            bid, ask = self.best_bid(), self.best_ask()
            return [] if bid is None else [bid], [] if ask is None else [ask]
        bids, asks = self.bids, self.asks
        return (
            [(price, bids[price]) for price in self._best_prices(Side.BUY, n)],
            [(price, asks[price]) for price in self._best_prices(Side.SELL, n)],
        )

    def iter_from_best(self, side: Side) -> Iterator[Level]:
        """Levels of ``side`` (BUY = bids), best first. The book must not change while this is walked."""
        levels = self.bids if side is Side.BUY else self.asks
        done = 0
        while done < len(levels):
            prices = self._best_prices(side, max(WINDOW, 4 * done))
            for price in prices[done:]:
                yield price, levels[price]
            done = len(prices)

    def _best_prices(self, side: Side, n: int) -> list[float]:
        """The best ``n`` prices of ``side`` (fewer when it has fewer), best first."""
        if n <= 0:
            return []
        if side is Side.BUY:
            window = self._bids_near if n <= WINDOW else self._bids_deep
            prices = window.nearest(self.bids, self._bid_touched, n)
        else:
            window = self._asks_near if n <= WINDOW else self._asks_deep
            prices = window.nearest(self.asks, self._ask_touched, n)
        return prices[: -n - 1 : -1]

    def _trim(self) -> None:
        """Drop far levels of a side that outgrew its bound, and say at what number of touched levels to look again."""
        keep = self._max_levels
        slack = keep // 8
        if len(self.bids) > keep + slack:
            self.bids = {price: self.bids[price] for price in sorted(self.bids)[-keep:]}
            self._bids_near.reset()
            self._bids_deep.reset()
        if len(self.asks) > keep + slack:
            self.asks = {price: self.asks[price] for price in sorted(self.asks)[:keep]}
            self._asks_near.reset()
            self._asks_deep.reset()
        self._bid_trim_at = self._bid_touched + keep + slack - len(self.bids)
        self._ask_trim_at = self._ask_touched + keep + slack - len(self.asks)
