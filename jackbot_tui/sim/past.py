"""Books as they were a moment ago: what a REST depth page answers under the ``stale_snapshot`` fault.

Owned by a front, which calls ``remember`` with every beat while the fault may strike. Pure; it knows no protocol.
"""

from collections.abc import Iterable

from jackbot_tui.model.enums import Side
from jackbot_tui.sim.market import Levels, SimMarket

APART_MS = 1000
DEPTH = 1000
"""Levels a side that are kept: no venue's depth page gives more."""


class PastBooks:
    """``of`` gives pictures between one and two times ``APART_MS`` old."""

    def __init__(self) -> None:
        self._due_ms = 0
        self._newer: dict[str, tuple[Levels, Levels]] = {}
        self._older: dict[str, tuple[Levels, Levels]] = {}

    def remember(self, markets: Iterable[SimMarket], elapsed_ms: int) -> None:
        """Take a picture of each book when one is due."""
        if elapsed_ms < self._due_ms:
            return
        self._due_ms = elapsed_ms + APART_MS
        self._older = self._newer
        self._newer = {
            market.listing.key: (market.engine.depth(Side.BUY, DEPTH), market.engine.depth(Side.SELL, DEPTH))
            for market in markets
        }

    def of(self, market: SimMarket) -> tuple[Levels, Levels] | None:
        """Bids and asks, best first; None while there is no picture so old."""
        return self._older.get(market.listing.key)
