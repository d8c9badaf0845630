"""Parent orders as rows: two lines each, progress and figures, then what it does and why. Pure."""

from collections.abc import Sequence

from jackbot_tui.desk.views import ParentView
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right
from jackbot_tui.tui.view.text import symbol_of

ROWS_EACH = 2
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


def parent_rows(listed: Sequence[ParentView], chosen: int, width: int) -> list[Row]:
    """All of them; ``chosen`` is the place of the one that the keys are for."""
    if not listed:
        return [fit([("  no parent orders: twap, vwap, maker, chase, scale, bracket… start one", Ink.DIM)], width)]
    rows: list[Row] = []
    for place, view in enumerate(listed):
        rows += [_figures(view, place == chosen, width), _why(view, width)]
    return rows


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


def _why(view: ParentView, width: int) -> Row:
    cells: list[Cell] = [("        ", Ink.TEXT)]
    if view.footprint and width >= WIDE:
        cells.append((f"footprint {view.footprint.partition(', p ')[0]}  ", Ink.WARN if view.traced else Ink.DIM))
    elif view.traced:
        cells.append(("stands out  ", Ink.WARN))
    cells.append((view.why, Ink.TEXT if view.is_open else Ink.DIM))
    if view.wakes_in_ms >= 0:
        cells.append((f"  next look in {view.wakes_in_ms / 1000:.1f} s", Ink.DIM))
    return fit(cells, width)
