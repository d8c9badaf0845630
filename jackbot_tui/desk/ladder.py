"""The part of a book that a ladder shows: rows by integer index with size, traded volume and delta.

A row is ``group`` ticks; bids round down and asks round up, so a row never promises a better price than it holds.
Traded volume is in the row that showed the size it took. Costs O(rows), not O(book); floats, for display only.
"""

from typing import TYPE_CHECKING

from jackbot_tui.book.analytics import grouped
from jackbot_tui.desk.views import LadderLevel
from jackbot_tui.model.enums import Side

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket
    from jackbot_tui.book.tape import TradeTape

MAX_LEVELS = 500
"""Rows a side that one picture may ask for."""

MAX_GROUP = 10_000
EMPTY_ROWS = 4
"""Rows without size are looked at for volume while the window spans at most this many times the rows asked for."""


def ladder_rows(
    market: "InstrumentMarket", levels: int, group: int, anchor: float | None
) -> tuple[list[LadderLevel], list[LadderLevel]]:
    """``(bids, asks)``, best first: the ``levels`` best occupied rows a side, or those within ``levels`` of ``anchor``.

    Rows between them that hold nothing now but were traded at are there as well, with size 0.
    """
    levels, group = max(1, min(levels, MAX_LEVELS)), max(1, min(group, MAX_GROUP))
    return _side(market, Side.BUY, levels, group, anchor), _side(market, Side.SELL, levels, group, anchor)


def _side(market: "InstrumentMarket", side: Side, levels: int, group: int, anchor: float | None) -> list[LadderLevel]:
    tick = float(market.instrument.tick)
    if anchor is None:
        sizes = grouped(market.book, side, tick, group, levels)
    else:
        reach = levels * group * tick
        nearest, middle = anchor + side.sign * reach, round(anchor / tick) // group
        occupied = grouped(market.book, side, tick, group, 2 * levels + 1, nearest)
        sizes = [row for row in occupied if abs(row[0] - middle) <= levels]
    return _with_volumes(sizes, market.trades, -side.sign, levels, group)


def _with_volumes(
    sizes: list[tuple[int, float]], tape: "TradeTape", step: int, levels: int, group: int
) -> list[LadderLevel]:
    if not sizes:
        return []
    first, last = sizes[0][0], sizes[-1][0]
    if abs(last - first) > EMPTY_ROWS * levels:
        traded = tape.rows([index for index, _ in sizes], group)
        return [LadderLevel(index, size, *traded.get(index, (0.0, 0.0))) for index, size in sizes]
    traded = tape.rows(range(min(first, last), max(first, last) + 1), group)
    rows: list[LadderLevel] = []
    expected = first
    for index, size in sizes:
        rows += [LadderLevel(empty, 0.0, *traded[empty]) for empty in range(expected, index, step) if empty in traded]
        rows.append(LadderLevel(index, size, *traded.get(index, (0.0, 0.0))))
        expected = index + step
    return rows
