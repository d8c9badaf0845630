"""Parent orders in words and as data: what one would do, what each does now and why, what a steering line did."""

from decimal import Decimal

from jackbot_tui.algos.footprint import Footprint, Verdict
from jackbot_tui.algos.parameters import given_words, time_text
from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Action, ParentPicture
from jackbot_tui.desk.planning import ParentStep, SteerStep
from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.desk.views import ParentView
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.numbers import text_of

FIGURES = Decimal("0.01")


PIECES = ";  "
"""Between what is said of a parent order: screens break a long line at two blanks."""


def parent_title(step: ParentStep) -> str:
    """``MAKER BUY 0.5 BTC/USDT:USDT interval=2s``."""
    request = step.request
    words = given_words(ALGORITHMS[request.kind].table, request.values)
    head = f"{request.kind.value.upper()} {request.side.value.upper()} {text_of(request.quantity)}"
    return " ".join((head, request.key.partition(":")[2], *words))


def preview_parent(step: ParentStep, engine: EnginePort) -> tuple[str, dict[str, object]]:
    """What it would do, with its warnings."""
    shown = engine.parents.preview(step.request)
    lines = [parent_title(step), *shown.lines, *(f"note: {warning}" for warning in shown.warnings)]
    data: dict[str, object] = {
        "parent": step.request.kind.value,
        "key": step.request.key,
        "side": step.request.side.value,
        "quantity": text_of(step.request.quantity),
        "values": step.request.values,
        "lines": list(shown.lines),
        "warnings": list(shown.warnings),
    }
    return PIECES.join(lines), data


def parent_problem(step: ParentStep, engine: EnginePort) -> tuple[str, str]:
    """Why it could not be started now, "" when it could, and a code for programs: ``card`` has to be read first."""
    shown = engine.parents.preview(step.request)
    return shown.problem, "card" if shown.card else "parent"


def has_card(step: ParentStep, engine: EnginePort) -> bool:
    """Whether a card has to be read, and something typed, before it may be started."""
    return engine.parents.preview(step.request).card


def preview_steer(step: SteerStep, engine: EnginePort) -> tuple[str, dict[str, object]]:
    """Which parent order it is about, and what will be said to it."""
    which = "all parent orders" if not step.number else f"p{step.number}"
    picture = engine.parents.picture(step.number) if step.number else None
    if picture is not None:
        which = f"{which} {picture.kind.value} {picture.side.value.upper()} {_progress(picture)}"
    words = [f"qty={text_of(step.quantity)}"] if step.quantity is not None else []
    words += [f"{name}={text}" for name, text in step.changes.items()]
    return " ".join((step.action.value.upper(), which, *words)), {
        "action": step.action.value,
        "parent": step.number,
        "changes": step.changes,
    }


def steered_words(action: Action, picture: ParentPicture) -> str:
    """What was done, and what it does now."""
    done = {
        Action.PAUSE: "paused",
        Action.RESUME: "resumed",
        Action.CANCEL: "is being canceled",
        Action.FINISH: "finishes at the market",
        Action.EDIT: "changed",
    }[action]
    return f"p{picture.number} {done}: {_progress(picture)}, {picture.why}"


def parent_view(picture: ParentPicture, now: int) -> ParentView:
    """The row of a panel."""
    average = text_of(picture.average.quantize(Decimal("1e-8"))) if picture.filled else ""
    return ParentView(
        number=picture.number,
        kind=picture.kind.value,
        key=picture.key,
        side=picture.side.value,
        quantity=text_of(picture.quantity),
        filled=text_of(picture.filled),
        exited=text_of(picture.exited),
        fraction=float(picture.filled / picture.quantity),
        average=average,
        status=picture.status.value,
        is_open=picture.status.is_open,
        why=picture.why,
        slippage_bp="" if picture.slippage_bp is None else f"{picture.slippage_bp.quantize(FIGURES):+}",
        saved=text_of(picture.saved.quantize(Decimal("0.0001"))),
        maker_pct="" if picture.maker_share is None else f"{picture.maker_share * 100:.0f}",
        races=picture.races,
        orders=list(picture.orders),
        values=picture.values,
        started_ns=picture.started_ns,
        ended_ns=picture.ended_ns,
        wakes_in_ms=max(0, picture.wake_ns - now) // NS_PER_MS if picture.wake_ns else -1,
        footprint=footprint_words(picture.footprint),
        traced=picture.footprint is not None and picture.footprint.verdict is Verdict.STANDS_OUT,
        trace=_trace(picture.footprint),
    )


def footprint_words(found: Footprint | None) -> str:
    """``like the tape, p 0.44``; ``stands out by its rhythm of 5.0 s, p 0.04``; "" when nothing was measured."""
    match None if found is None else found.verdict:
        case None:
            return ""
        case Verdict.FEW:
            return "too few to tell"
        case Verdict.LIKE_THE_TAPE:
            assert found is not None
            return f"like the tape, p {found.p:.2f}"
        case Verdict.STANDS_OUT:
            assert found is not None
            by = {
                "rhythm": f"its rhythm of {found.period_s:.1f} s",
                "evenness": "its even distances",
                "repeats": f"{found.repeats:.0%} repeated sizes",
                "round": f"{found.round:.0%} round sizes",
            }
            return f"stands out by {by[found.by]}, p {found.p:.2f}"


def _trace(found: Footprint | None) -> dict[str, str]:
    """Its figures, each beside the tape's."""
    if found is None or found.verdict is Verdict.FEW:
        return {}
    pairs = {
        "rhythm": (found.rhythm, found.tape_rhythm),
        "evenness": (found.evenness, found.tape_evenness),
        "repeats": (found.repeats, found.tape_repeats),
        "round": (found.round, found.tape_round),
    }
    return {name: f"{own:.2f} (tape {tape:.2f})" for name, (own, tape) in pairs.items()}


def parents_report(engine: EnginePort) -> tuple[list[str], dict[str, object]]:
    """``parents``: one line each with progress, one with what it does and why."""
    now = engine.clock.now_ns()
    views = [parent_view(picture, now) for picture in engine.parents.pictures()]
    lines: list[str] = []
    for view in views:
        symbol = view.key.partition(":")[2]
        head = f"p{view.number} {view.kind} {view.side.upper()} {symbol} {view.filled} of {view.quantity}"
        figures = [f"{view.fraction * 100:.0f}%"]
        figures += [f"at {view.average}"] if view.average else []
        figures += [f"{view.slippage_bp} bp to the start"] if view.slippage_bp else []
        figures += [f"{view.maker_pct}% maker, fees saved {view.saved}"] if view.maker_pct else []
        figures += [f"taken off {view.exited}"] if view.exited != "0" else []
        lines += [f"{head}, {', '.join(figures)}  {view.status.upper()}", f"    {view.why}"]
        if view.footprint:
            figures = [f"{name} {text}" for name, text in view.trace.items()]
            lines.insert(-1, f"    footprint: {', '.join((view.footprint, *figures))}")
        if view.wakes_in_ms >= 0:
            lines[-1] += f" (next look in {time_text(view.wakes_in_ms * NS_PER_MS)})"
    return lines or ["no parent orders"], {"parents": [_data(view) for view in views]}


def _data(view: ParentView) -> dict[str, object]:
    return {name: getattr(view, name) for name in view.__struct_fields__}


def _progress(picture: ParentPicture) -> str:
    return f"{text_of(picture.filled)} of {text_of(picture.quantity)} filled"
