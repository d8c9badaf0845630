"""Minute bars made from the trades that this screen has seen, and their picture. Nothing is fetched or guessed."""

from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import Struct

from jackbot_tui.desk.views import TapeLine
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, right
from jackbot_tui.tui.view.text import clock_text

NS_PER_MINUTE = 60_000_000_000
BARS_KEPT = 480


class Bar(Struct):
    """One minute. ``start`` is nanoseconds; ``volume`` base units."""

    start: int
    opened: float
    high: float
    low: float
    close: float
    volume: float


class MinuteBars:
    """The last ``BARS_KEPT`` minutes; the oldest go. A minute without trades has no bar."""

    def __init__(self) -> None:
        self.bars: deque[Bar] = deque(maxlen=BARS_KEPT)

    def clear(self) -> None:
        self.bars.clear()

    def add(self, lines: Iterable[TapeLine]) -> None:
        for line in lines:
            start = line.ts - line.ts % NS_PER_MINUTE
            price = float(line.price)
            bar = self.bars[-1] if self.bars else None
            if bar is None or start > bar.start:
                self.bars.append(Bar(start, price, price, price, price, line.value))
                continue
            bar.high = max(bar.high, price)
            bar.low = min(bar.low, price)
            bar.close = price
            bar.volume += line.value


def chart_rows(bars: Sequence[Bar], width: int, height: int, places: int) -> list[Row]:
    """Bars as columns, newest at the right; prices at the left. The last of ``height`` lines has the minutes."""
    lines = height - 1
    if not bars or lines < 2:
        waiting = [fit([(" no trades seen yet", Ink.DIM)], width)]
        return (waiting + [fit([], width)] * height)[:height]
    label = max(len(f"{bar.high:.{places}f}") for bar in list(bars)[-width:])
    space = max(1, width - label - 2)
    shown = list(bars)[-space:]
    high, low = max(bar.high for bar in shown), min(bar.low for bar in shown)
    step = (high - low) / lines or abs(high) * 1e-6 or 1.0
    rows: list[Row] = []
    for line in range(lines):
        top = high - line * step
        bottom = top - step
        mark = f"{(top + bottom) / 2:.{places}f}" if line % 2 == 0 else ""
        cells: list[Cell] = [(f" {right(mark, label)} ", Ink.DIM)]
        for bar in shown:
            cells.append(_piece(bar, top, bottom, last=line == lines - 1))
        rows.append(fit(_merged(cells), width))
    rows.append(fit([(_minutes(shown, label, space), Ink.DIM)], width))
    return rows


def _piece(bar: Bar, top: float, bottom: float, last: bool) -> Cell:
    ink = Ink.PROFIT if bar.close >= bar.opened else Ink.LOSS
    body_top, body_bottom = max(bar.opened, bar.close), min(bar.opened, bar.close)
    if body_top > bottom and body_bottom < top:
        return ("█", ink)
    if bar.high > bottom and bar.low < top:
        return ("│", ink)
    if bar.high == bar.low and bottom <= bar.high <= top and (bar.high > bottom or last):
        return ("─", ink)
    return (" ", Ink.TEXT)


def _merged(cells: Sequence[Cell]) -> list[Cell]:
    merged: list[Cell] = []
    for text, ink in cells:
        if merged and merged[-1][1] is ink:
            merged[-1] = (merged[-1][0] + text, ink)
        else:
            merged.append((text, ink))
    return merged


def _minutes(bars: Sequence[Bar], label: int, space: int) -> str:
    line = [" "] * (label + 2 + space)
    for column, bar in enumerate(bars):
        minute = bar.start // NS_PER_MINUTE
        if minute % 10 and not (column == 0 and len(bars) < 10):
            continue
        text = clock_text(bar.start)[:5]
        at = label + 2 + column
        if at + len(text) <= len(line) and all(letter == " " for letter in line[max(0, at - 1) : at]):
            line[at : at + len(text)] = text
    return "".join(line)
