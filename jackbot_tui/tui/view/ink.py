"""Rows of text cells and the closed set of inks they are drawn in; how an ink looks is the theme's business.

Every panel is a list of rows, so panels are compared, tested and cached as plain tuples. Text from outside is cleaned
here: nothing that a venue or a file wrote can reach the terminal as a control sequence.
"""

from collections.abc import Iterable
from enum import Enum, auto

from rich.cells import cell_len, set_cell_size


class Ink(Enum):
    """What a piece of text means. Themes give each a colour; none relies on colour alone."""

    TEXT = auto()
    DIM = auto()
    STRONG = auto()
    TITLE = auto()
    FRAME = auto()
    KEY = auto()
    BID = auto()
    BID_FLASH = auto()
    BID_BAR = auto()
    BID_BAR_FLASH = auto()
    ASK = auto()
    ASK_FLASH = auto()
    ASK_BAR = auto()
    ASK_BAR_FLASH = auto()
    PRICE = auto()
    INSIDE = auto()
    LAST_UP = auto()
    LAST_DOWN = auto()
    CURSOR = auto()
    OWN_BUY = auto()
    OWN_SELL = auto()
    OWN_PARENT = auto()
    OWN_KEPT = auto()
    FLASH = auto()
    LARGE = auto()
    BUY = auto()
    SELL = auto()
    PROFIT = auto()
    LOSS = auto()
    GOOD = auto()
    WARN = auto()
    BAD = auto()
    STALE = auto()
    SELECTED = auto()
    ASK_FOR = auto()
    BADGE_PAPER = auto()
    BADGE_SIM = auto()
    BADGE_REPLAY = auto()
    BADGE_LIVE = auto()
    BADGE_ARMED = auto()
    BADGE_KILLED = auto()
    BANNER = auto()

    __hash__ = object.__hash__  # members are singletons: rows are hashed often


Cell = tuple[str, Ink]
Row = tuple[Cell, ...]
EMPTY: Row = ()


def clean(text: str) -> str:
    """``text`` with everything that is not printable replaced, so that it is safe to write to a terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def width_of(text: str) -> int:
    """Terminal columns that ``text`` takes."""
    return len(text) if text.isascii() else cell_len(text)


def left(text: str, width: int) -> str:
    """``text`` in exactly ``width`` columns, cut or padded at its end."""
    if text.isascii() and text.isprintable():
        return text[:width].ljust(width)
    return set_cell_size(clean(text), max(0, width))


def right(text: str, width: int) -> str:
    """``text`` in exactly ``width`` columns, padded at its start (and cut at its end)."""
    if text.isascii() and text.isprintable():
        return text[:width].rjust(width)
    text = clean(text)
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else set_cell_size(text, max(0, width))


def row_width(row: Row) -> int:
    return sum(width_of(text) for text, _ in row)


def fit(row: Iterable[Cell], width: int, fill: Ink = Ink.TEXT) -> Row:
    """The row in exactly ``width`` columns: cut at the end or filled with blanks."""
    cells: list[Cell] = []
    free = width
    for text, ink in row:
        size = width_of(text)
        if size > free or not text.isprintable():
            text = left(text, min(size, free))
            size = width_of(text)
        if size:
            cells.append((text, ink))
            free -= size
    if free > 0:
        cells.append((" " * free, fill))
    return tuple(cells)


def spread(begin: Iterable[Cell], end: Iterable[Cell], width: int, fill: Ink = Ink.TEXT) -> Row:
    """``begin`` at the left and ``end`` at the right edge. Cells of ``begin`` that do not fit are left out.

    They go whole, since half a number would be another number; only the first one is cut.
    """
    tail = tuple(end)
    free = width - row_width(tail)
    if free <= 0:
        return fit(tail, width, fill)
    kept: list[Cell] = []
    room = free
    for cell in begin:
        room -= width_of(cell[0])
        if kept and room < 0:
            break
        kept.append(cell)
    return fit(kept, free, fill) + tail


def whole_groups(groups: Iterable[list[Cell]], width: int) -> list[Cell]:
    """The cells of as many groups, from the first on, as have room in ``width`` columns: no label without its value."""
    kept: list[Cell] = []
    for group in groups:
        width -= row_width(tuple(group))
        if width < 0:
            break
        kept += group
    return kept


def text_row(row: Row) -> str:
    """The row as plain text."""
    return "".join(text for text, _ in row)


def changed_width(old: Row, new: Row) -> int:
    """Columns from the left edge up to the last one that differs: 0 when the rows look the same."""
    if old == new:
        return 0
    end = row_width(new)
    if row_width(old) != end:
        return max(end, row_width(old))
    for before, after in zip(reversed(old), reversed(new), strict=False):
        if before != after:
            break
        end -= width_of(after[0])
    return end
