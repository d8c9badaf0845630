"""The ladder's price axis: which price stands in which row, and when the axis may jump.

A pure object driven by the frame clock. Prices stay where they are while the inside stays in the middle of the window;
the axis jumps only after a dwell or close to an edge, and never while somebody is about to act on a row (UI.md 2.4).
"""

NS_PER_MS = 1_000_000
DWELL_NS = 400 * NS_PER_MS
"""Time the inside must be outside the middle before the axis follows."""

MIDDLE = 0.6
"""Share of the rows, around the centre, in which the inside may wander."""

EDGE_ROWS = 2
"""Closer than this to an edge the axis follows at once."""

CLICK_GUARD_NS = 300 * NS_PER_MS
"""After a jump a click may have been meant for another price."""


class LadderAxis:
    """Rows of the ladder, top (highest price) first. An index is a ``LadderLevel.index`` of the book view."""

    def __init__(self, rows: int = 0) -> None:
        self.rows = rows
        self.centre: int | None = None
        self.held = False
        self._outside_since: int | None = None
        self._jumped_at: int | None = None

    @property
    def top(self) -> int:
        return (self.centre or 0) + self.rows // 2

    @property
    def bottom(self) -> int:
        return self.top - self.rows + 1

    def index_at(self, row: int) -> int:
        return self.top - row

    def row_of(self, index: int) -> int:
        """Row of ``index``; outside 0..rows-1 when it is not in the window."""
        return self.top - index

    def shows(self, index: int) -> bool:
        return self.bottom <= index <= self.top

    def resize(self, rows: int) -> None:
        self.rows = rows

    def reset(self) -> None:
        """Forget the position: another instrument or another grouping."""
        self.centre = None
        self.held = False
        self._outside_since = None

    def follow(self, inside: int, now: int, pinned: bool) -> bool:
        """Tell where the inside is. True when the axis jumped. ``pinned``: somebody is about to act, stay."""
        if self.centre is None:
            self._jump(inside, now)
            return True
        if self.held or pinned:
            self._outside_since = None
            return False
        row = self.row_of(inside)
        if row < EDGE_ROWS or row >= self.rows - EDGE_ROWS:
            self._jump(inside, now)
            return True
        margin = self.rows * (1 - MIDDLE) / 2
        if margin <= row < self.rows - margin:
            self._outside_since = None
            return False
        if self._outside_since is None:
            self._outside_since = now
        if now - self._outside_since < DWELL_NS:
            return False
        self._jump(inside, now)
        return True

    def centre_on(self, inside: int, now: int) -> None:
        """By hand: centre and release the hold."""
        self.held = False
        self._jump(inside, now)

    def scroll(self, rows: int) -> None:
        """By hand: move the window up (positive) or down, and hold it there."""
        if self.centre is not None:
            self.centre += rows
            self.held = True

    def reveal(self, index: int) -> None:
        """Scroll just so far that ``index`` is in the window; holds when that moved it."""
        if self.centre is None:
            return
        if index > self.top:
            self.scroll(index - self.top)
        elif index < self.bottom:
            self.scroll(index - self.bottom)

    def click_allowed(self, now: int) -> bool:
        return self._jumped_at is None or now - self._jumped_at >= CLICK_GUARD_NS

    def _jump(self, inside: int, now: int) -> None:
        if self.centre != inside:
            self._jumped_at = now
        self.centre = inside
        self._outside_since = None
