"""What ``why`` and ``honesty`` answer: how fills came about, and what other rules of filling would have made of them.

Lines for people and data for programs; both only look. The facts are the paper venue's and the engine's markouts'.
"""

from typing import TYPE_CHECKING

from msgspec import to_builtins

from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.desk.views import FillView
from jackbot_tui.desk.words import at_precision
from jackbot_tui.execution.paper.queue_models import RISK_AVERSE
from jackbot_tui.journal.explain import fill_lines
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.records import MARKOUT_HORIZONS_NS

if TYPE_CHECKING:
    from jackbot_tui.engine.answers import FillRow
    from jackbot_tui.execution.paper.shadows import HonestyView

BASIS_POINTS = 10_000

UNKNOWN = "?"
"""A markout that is not known and will not be: the book was not LIVE at its moment."""


def fill_view(row: "FillRow", engine: EnginePort) -> FillView:
    """One fill as screens list it, with what it was worth so far."""
    fill = row.fill
    market = engine.data.markets.get(row.order.key)
    markout = engine.markouts.of(fill.trade_id)
    age_ns = engine.clock.now_ns() - fill.ts
    texts: list[str] = []
    for place, after_ns in enumerate(MARKOUT_HORIZONS_NS):
        value = None if markout is None else markout.values[place]
        if value is not None:
            texts.append(f"{value / fill.price * BASIS_POINTS:+.1f}")
        else:
            texts.append(UNKNOWN if age_ns > after_ns else "")
    return FillView(
        ts=fill.ts,
        number=row.order.number,
        key=row.order.key,
        side=row.order.side.value,
        quantity=text_of(fill.quantity),
        price=text_of(fill.price) if market is None else at_precision(fill.price, market.instrument.price_places),
        liquidity=fill.liquidity.value,
        fee=text_of(fill.fee),
        fee_currency=fill.fee_currency,
        trade_id=fill.trade_id,
        markouts=texts,
        toxic="" if markout is None else markout.toxic,
    )


def why(engine: EnginePort, wanted: str) -> tuple[list[str], dict[str, object]]:
    """Why a fill came, by its trade id, all fills of an order by its number, the newest fill for "".

    InputError when the session has none of that name, or no more.
    """
    rows = _fills_of(engine, wanted)
    lines: list[str] = []
    told: list[dict[str, object]] = []
    now = engine.clock.now_ns()
    for row in rows:
        fill, view = row.fill, fill_view(row, engine)
        lines.append(
            f"#{view.number} {view.side.upper()} {view.quantity} {view.key.partition(':')[2]} @ {view.price}"
            f" {view.liquidity}, fee {view.fee} {view.fee_currency}"
        )
        markout = engine.markouts.of(fill.trade_id)
        lines += [f"  {line}" for line in fill_lines(fill, markout, now - fill.ts)]
        lines.append(f"  id       {fill.trade_id}")
        told.append({"fill": to_builtins(view), "cause": to_builtins(fill.cause), "markout": to_builtins(markout)})
    return lines, {"why": told}


def _fills_of(engine: EnginePort, wanted: str) -> "list[FillRow]":
    fills = list(engine.fills)
    if not wanted:
        found = fills[-1:]
    elif wanted.isascii() and wanted.isdigit():
        found = [row for row in fills if row.order.number == int(wanted)]
    else:
        found = [row for row in fills if row.fill.trade_id == wanted]
    if found:
        return found
    if not fills:
        raise InputError("no fills in this session yet")
    raise InputError(
        f"no fill of {wanted[:60]} among the newest {len(fills)} of this session: 'fills' lists them,"
        " 'jackbot journal explain' knows older ones"
    )


def honesty(engine: EnginePort, active: str) -> tuple[list[str], dict[str, object]]:
    """This session's resting orders under every rule of filling, and what its own fills rest on."""
    view = engine.executor.honesty()
    if view is None:
        raise InputError("orders here are not filled on paper: there is nothing to compare them with")
    assumed = assumptions(engine, active)
    data: dict[str, object] = {"honesty": to_builtins(view), "assumptions": assumed}
    return [*honesty_lines(view), *(f"assumed: {each}" for each in assumed)], data


def honesty_lines(view: "HonestyView") -> list[str]:
    """The table of the honesty meter."""
    lines = [f"{view.orders} orders rested; this session filled {view.really} of them, at least in part"]
    if view.beyond:
        lines.append(f"{view.beyond} more came while as many as can be were followed: they are not in the table")
    lines.append(f"{'filled when':<14}{'filled':>8}{'working':>9}{'missed':>8}{'against risk_averse':>21}")
    known = any(each.filled for each in view.rules if each.rule == RISK_AVERSE)
    for each in view.rules:
        over = f"{each.over:+.1%}" if known else "-"
        lines.append(f"{each.rule:<14}{each.filled:>8}{each.working:>9}{each.missed:>8}{over:>21}")
    return lines


def assumptions(engine: EnginePort, key: str) -> list[str]:
    """What fills of an instrument rest on, in words; nothing for an unknown instrument or where the venue fills."""
    market = engine.data.markets.get(key)
    return [] if market is None else engine.executor.assumptions(market.instrument)
