"""Figures read off a book: mid, spread, microprice, imbalance, what an order would pay, rows of a grouped ladder.

Pure functions of a book; floats in, floats out, in quote currency and base units. They do not ask whether the book is
LIVE: that is the caller's duty.
"""

from math import ceil, floor

from msgspec import Struct

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Level

TICK_SLACK = 1e-6
FLOAT_SLACK = 1e-15
"""A price this near to a multiple of the tick (in ticks, and relative to their number) is that multiple: float division
is not exact."""


class FillEstimate(Struct, frozen=True):
    """What taking ``quantity`` (base units) from the displayed book would give.

    ``notional`` in quote currency before fees, ``average`` and ``worst`` price (0 when nothing is there), ``levels``
    touched; ``complete`` is False when the known book does not hold the wanted quantity.
    """

    quantity: float
    notional: float
    average: float
    worst: float
    levels: int
    complete: bool


def mid(book: OrderBook) -> float | None:
    """Halfway between best bid and best ask, None unless both are there."""
    bid, ask = book.best_bid(), book.best_ask()
    return None if bid is None or ask is None else (bid[0] + ask[0]) / 2


def spread(book: OrderBook) -> float | None:
    """Best ask minus best bid."""
    bid, ask = book.best_bid(), book.best_ask()
    return None if bid is None or ask is None else ask[0] - bid[0]


def microprice(book: OrderBook) -> float | None:
    """Mid weighted by the opposite best sizes: leans towards the thinner side."""
    bid, ask = book.best_bid(), book.best_ask()
    if bid is None or ask is None:
        return None
    return (bid[0] * ask[1] + ask[0] * bid[1]) / (bid[1] + ask[1])


def imbalance(book: OrderBook, n: int) -> float:
    """``(bids - asks) / (bids + asks)`` of the best ``n`` sizes a side: from -1, all asks, to +1; 0 if empty."""
    bids, asks = book.top(n)
    bought, sold = sum(size for _, size in bids), sum(size for _, size in asks)
    return (bought - sold) / (bought + sold) if bought + sold else 0.0


def depth_to_fill(book: OrderBook, side: Side, quantity: float) -> FillEstimate:
    """What an order on ``side`` for ``quantity`` would take from the opposite side of the book, best level first."""
    left = quantity
    notional = worst = 0.0
    levels = 0
    if left > 0:
        for price, size in book.iter_from_best(side.opposite):
            taken = min(left, size)
            notional += taken * price
            worst = price
            levels += 1
            left -= taken
            if left <= 0:
                break
    filled = quantity - left
    return FillEstimate(filled, notional, notional / filled if filled else 0.0, worst, levels, left <= 0)


def levels_between(book: OrderBook, side: Side, low: float, high: float) -> list[Level]:
    """Levels of ``side`` (BUY = bids) with ``low <= price <= high``, best first."""
    found = []
    for price, size in book.iter_from_best(side):
        if price < low if side is Side.BUY else price > high:
            break
        if low <= price <= high:
            found.append((price, size))
    return found


def row_of(price: float, tick: float, group: int, side: Side) -> int:
    """Index of the ladder row that shows ``price``: ``price / (tick * group)``, bids rounded down and asks rounded up.

    So a grouped bid never shows above its price, a grouped ask never below, and the two sides do not overlap.
    """
    ticks = price / tick
    nearest = round(ticks)
    if abs(ticks - nearest) <= TICK_SLACK + FLOAT_SLACK * nearest:
        return nearest // group if side is Side.BUY else -(-nearest // group)
    return floor(ticks / group) if side is Side.BUY else ceil(ticks / group)


def grouped(
    book: OrderBook, side: Side, tick: float, group: int, rows: int, anchor: float | None = None
) -> list[tuple[int, float]]:
    """``(row index, size)`` of at most ``rows`` occupied ladder rows of ``side``, best first.

    ``anchor`` None starts at the best price; otherwise only rows at or beyond it count (for a scrolled ladder): at or
    below it for bids, at or above it for asks.
    """
    out: list[tuple[int, float]] = []
    start = None if anchor is None else row_of(anchor, tick, group, side)
    current: int | None = None
    total = 0.0
    for price, size in book.iter_from_best(side):
        index = row_of(price, tick, group, side)
        if start is not None and (index > start if side is Side.BUY else index < start):
            continue
        if index != current:
            if current is not None:
                out.append((current, total))
                if len(out) == rows:
                    return out
            current, total = index, 0.0
        total += size
    if current is not None:
        out.append((current, total))
    return out
