"""The pictures that Hyperliquid sends of one book, merged by time into the best that is known (hyperliquid.md §4).

There are no updates, only pictures: the deep one (20 levels, about every 5 s), the fast one (5 levels, about every
0.5 s) and the best prices (each block that changes them). The newest deep one is the ground; a newer fast one replaces
everything down to its worst price, newer best prices replace the top; what is too old is no longer shown. Used by the
codec only; plain and synchronous.
"""

from collections.abc import Iterable, Sequence

from jackbot_tui.model.market import Level
from jackbot_tui.venues.hyperliquid.spec import FAST_LEVELS, PICTURE_LIFE_MS
from jackbot_tui.venues.hyperliquid.wire import WireBest, WireLevel, WireSides

RESTART_MS = 60_000

Sides = tuple[list[Level], list[Level]]


class Pictures:
    """The newest picture of each kind; times are the venue's block times in ms, 0 before the first.

    Each ``on_…`` returns False for a picture older than the one that is held, which changes nothing; the same one again
    is taken again. One that is older by more than a minute begins everything anew, lest a single wrong time freeze the
    book.
    """

    __slots__ = ("_best", "_best_ms", "_deep", "_deep_ms", "_fast", "_fast_ms", "places")

    def __init__(self) -> None:
        self._deep: Sides = ([], [])
        self._fast: Sides = ([], [])
        self._best: Sides = ([], [])
        self._deep_ms = self._fast_ms = self._best_ms = 0
        self.places = (-1, -1)
        """Decimals that prices and sizes are written with, judged by the newest deep or fast picture."""

    @property
    def time_ms(self) -> int:
        return max(self._deep_ms, self._fast_ms, self._best_ms)

    @property
    def known(self) -> bool:
        """Whether there is more than best prices: those alone would pass a single level off as the book.

        After an outage they may come first, and what was behind them then is not the market of now.
        """
        newest_ms = max(self._deep_ms, self._fast_ms)
        return newest_ms > 0 and self.time_ms - newest_ms <= PICTURE_LIFE_MS

    def on_deep(self, time_ms: int, levels: WireSides) -> bool:
        self._restart_before(time_ms)
        if time_ms < self._deep_ms:
            return False
        self._deep_ms, self._deep = time_ms, _sides(levels)
        self.places = _places(self._deep)
        return True

    def on_fast(self, time_ms: int, levels: WireSides) -> bool:
        self._restart_before(time_ms)
        if time_ms < self._fast_ms:
            return False
        self._fast_ms, self._fast = time_ms, _sides(levels)
        if not self._deep_ms:
            self.places = _places(self._fast)
        return True

    def on_best(self, time_ms: int, best: WireBest) -> bool:
        self._restart_before(time_ms)
        if time_ms < self._best_ms:
            return False
        self._best_ms, self._best = time_ms, _sides(tuple([] if level is None else [level] for level in best))
        return True

    def _restart_before(self, time_ms: int) -> None:
        if self.time_ms - time_ms > RESTART_MS:
            self._deep_ms = self._fast_ms = self._best_ms = 0
            self._deep = self._fast = self._best = ([], [])

    def merged(self) -> Sides:
        """Bids and asks, best first."""
        oldest_ms = self.time_ms - PICTURE_LIFE_MS
        bids, asks = self._deep if self._deep_ms >= oldest_ms else ([], [])
        if self._fast_ms >= max(self._deep_ms, oldest_ms):
            bids, asks = _over(self._fast[0], bids, FAST_LEVELS, 1), _over(self._fast[1], asks, FAST_LEVELS, -1)
        if self._best_ms >= max(self._deep_ms, self._fast_ms):
            bids, asks = _over(self._best[0], bids, 1, 1), _over(self._best[1], asks, 1, -1)
        return bids, asks


def _sides(levels: Sequence[Sequence[WireLevel]]) -> Sides:
    bids, asks = levels
    return [(level.px, level.sz) for level in bids], [(level.px, level.sz) for level in asks]


def _over(near: list[Level], far: list[Level], depth: int, sign: int) -> list[Level]:
    """``near`` and behind it what ``far`` has beyond its worst price; ``near`` alone when it ends before ``depth``."""
    if len(near) < depth:
        return near
    worst = near[-1][0] * sign
    return near + [level for level in far if level[0] * sign < worst]


def _places(sides: Sides) -> tuple[int, int]:
    """The venue writes the shortest text that has a decimal: 1 where all figures have at most one, else not fixed."""
    levels = sides[0] + sides[1]
    return _one_decimal(price for price, _ in levels), _one_decimal(size for _, size in levels)


def _one_decimal(values: Iterable[float]) -> int:
    return 1 if all(float(f"{value:.1f}") == value for value in values) else -1
