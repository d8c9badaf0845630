"""Parent orders as rows: progress and figures, then what it does and why in as many lines as it takes. Pure."""

from collections.abc import Sequence
from textwrap import wrap

from jackbot_tui.desk.views import ParentView
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right
from jackbot_tui.tui.view.text import symbol_of

INDENT = 8
BAR = 10
WIDE = 110
"""From here on there is room for the footprint before the reason."""

STATUS_INKS = {
    "running": Ink.GOOD,
    "done": Ink.GOOD,
    "paused": Ink.WARN,
    "waiting": Ink.WARN,
    "finishing": Ink.WARN,
    "stopping": Ink.WARN,
    "failed": Ink.BAD,
}


def parent_rows(listed: Sequence[ParentView] | None, chosen: int, width: int) -> list[list[Row]]:
    """The rows of each; ``chosen`` is the place of the one that the keys are for. None: they are on the way."""
    if listed is None:
        return [[fit([("  asking the engine for its parent orders", Ink.DIM)], width)]]
    if not listed:
        text = "  no parent orders: t opens a ticket for one; twap, vwap, maker, chase… in the bar"
        return [[fit([(text, Ink.DIM)], width)]]
    return [[_figures(view, place == chosen, width), *_why(view, width)] for place, view in enumerate(listed)]


def _figures(view: ParentView, chosen: bool, width: int) -> Row:
    full = round(min(1.0, view.fraction) * BAR)
    cells: list[Cell] = [
        (f" {'>' if chosen else ' '}p{view.number:<4}", Ink.SELECTED if chosen else Ink.STRONG),
        (f" {left(view.kind, 8)}", Ink.STRONG),
        (f" {left(view.side.upper(), 4)}", Ink.BUY if view.side == "buy" else Ink.SELL),
        (f" {left(symbol_of(view.key), 14)}", Ink.TEXT),
        (f" {left(view.status.upper(), 9)}", STATUS_INKS.get(view.status, Ink.DIM)),
        (f" {'#' * full}{'.' * (BAR - full)} {view.fraction * 100:3.0f}%", Ink.TEXT),
        (right(f" {view.filled}/{view.quantity}", 16), Ink.TEXT),
    ]
    cells += [(f"  at {view.average}", Ink.TEXT)] if view.average else []
    cells += [(f"  {view.slippage_bp} bp", Ink.DIM)] if view.slippage_bp else []
    cells += [(f"  {view.maker_pct}% maker, saved {view.saved}", Ink.DIM)] if view.maker_pct else []
    cells += [(f"  {view.races} races", Ink.DIM)] if view.races else []
    return fit(cells, width)


def _why(view: ParentView, width: int) -> list[Row]:
    said = view.why
    if view.wakes_in_ms >= 0:
        said += f"  next look in {view.wakes_in_ms / 1000:.1f} s"
    mark = ""
    if view.footprint and width >= WIDE:
        mark = f"footprint {view.footprint.partition(', p ')[0]}  "
    elif view.traced:
        mark = "stands out  "
    margin: Cell = (" " * INDENT, Ink.TEXT)
    first, *more = wrap(mark + said, max(1, width - INDENT)) or [""]
    ink = Ink.TEXT if view.is_open else Ink.DIM
    marked = len(mark) if first.startswith(mark) else len(first)
    mark_ink = (Ink.WARN if view.traced else Ink.DIM) if mark else ink
    head = fit([margin, (first[:marked], mark_ink), (first[marked:], ink)], width)
    return [head, *(fit([margin, (line, ink)], width) for line in more)]
