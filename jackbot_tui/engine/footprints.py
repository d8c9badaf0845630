"""Footprints of the parent orders that leave one: what they placed, what others traded meanwhile, and the verdict.

Told by ``parents`` of children and trades; kept in memory only, so a restart begins anew. Measuring costs some 20 ms:
it is done when an order ends, and for one running order at a time when somebody looks: at once for a single look, in
steps for a screen that looks all the time. Nothing acts on it.
"""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.algos.footprint import Footprint, Measuring, Trail
from jackbot_tui.algos.machine import Parent
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.clock import NS_PER_S

AGAIN_NS = 5 * NS_PER_S
"""A running order is measured again when it has placed more, at most this often."""

A_SCREEN_NS = NS_PER_S
"""Looks closer than this are a screen's."""

MOST_AT_ONCE = 50
"""Trades taken over at once; more between two looks are left out."""


class _Watched(Struct):
    """``placed`` children were there when its measuring began, ``measured_ns``."""

    key: str
    trail: Trail
    found: Footprint | None = None
    placed: int = 0
    measured_ns: int = 0


class Footprints:
    """See the module's paragraph."""

    def __init__(self) -> None:
        self._open: dict[str, _Watched] = {}
        self._ended: dict[str, Footprint] = {}
        self._seqs: dict[str, int] = {}  # the newest trade that was taken over, by market
        self._under_way: tuple[_Watched, Measuring] | None = None
        self._looked_ns = 0

    def placed(self, parent: Parent, market: InstrumentMarket, quantity: Decimal, now: int) -> None:
        """A child is on its way to the venue."""
        if not parent.algorithm.leaves_footprint:
            return
        watched = self._open.get(parent.parent_id)
        if watched is None:
            trail = Trail(parent.seed, float(market.instrument.lot))
            watched = self._open[parent.parent_id] = _Watched(parent.key, trail)
        watched.trail.child(now, float(quantity))

    def traded(self, market: InstrumentMarket) -> None:
        """Somebody may have traded."""
        trails = [watched.trail for watched in self._open.values() if watched.key == market.key]
        if not trails:
            self._seqs.pop(market.key, None)
            return
        seq = self._seqs.get(market.key, market.trades.seq - 1)
        self._seqs[market.key] = market.trades.seq
        for _, trade in market.trades.after(seq, MOST_AT_ONCE):
            for trail in trails:
                trail.trade(trade.ts_recv, trade.size)

    def ended(self, parent_id: str, kept: int) -> None:
        """It has ended: the last measure. The newest ``kept`` are remembered."""
        watched = self._open.pop(parent_id, None)
        if watched is not None:
            self._ended[parent_id] = watched.trail.footprint()
            while len(self._ended) > kept:
                del self._ended[next(iter(self._ended))]

    def look(self, now: int) -> None:
        """Somebody looks: measure the one that was not for the longest time, or go on with it."""
        screen, self._looked_ns = now - self._looked_ns < A_SCREEN_NS, now
        if self._under_way is None:
            due = [
                each
                for each in self._open.values()
                if each.placed != each.trail.placed and (not each.placed or now - each.measured_ns >= AGAIN_NS)
            ]
            if not due:
                return
            oldest = min(due, key=_measured)
            oldest.placed, oldest.measured_ns = oldest.trail.placed, now
            self._under_way = oldest, oldest.trail.measuring()
        watched, measuring = self._under_way
        try:
            next(measuring)
            while not screen:
                next(measuring)
        except StopIteration as stop:
            watched.found, self._under_way = stop.value, None

    def of(self, parent_id: str) -> Footprint | None:
        """What was measured last, None when nothing was."""
        watched = self._open.get(parent_id)
        return self._ended.get(parent_id) if watched is None else watched.found


def _measured(watched: _Watched) -> int:
    return watched.measured_ns
