"""What a running parent order looks like from outside, and its sum in words when it ends. Called by ``machine``."""

from typing import TYPE_CHECKING

from jackbot_tui.algos.algorithm import BASIS_POINTS
from jackbot_tui.algos.state import ParentPicture
from jackbot_tui.model.numbers import text_of

if TYPE_CHECKING:
    from jackbot_tui.algos.machine import Parent


def picture_of(parent: "Parent") -> ParentPicture:
    """The parent for panels and programs."""
    state = parent.state
    entry, total = state.entry, state.entry.filled + state.exit.filled
    slippage = None
    if entry.filled and state.arrival.mid:
        slippage = (entry.average - state.arrival.mid) / state.arrival.mid * BASIS_POINTS * parent.side.sign
    return ParentPicture(
        number=parent.number,
        parent_id=parent.parent_id,
        kind=parent.request.kind,
        key=parent.key,
        side=parent.side,
        quantity=state.quantity,
        filled=entry.filled,
        average=entry.average,
        exited=state.exit.filled,
        status=state.status,
        why=state.reason if not parent.is_open else parent.why,
        slippage_bp=slippage,
        saved=entry.taker_fees + state.exit.taker_fees - entry.fees - state.exit.fees,
        maker_share=(entry.by_maker + state.exit.by_maker) / total if total else None,
        races=state.races,
        orders=tuple(child.number for child in state.children if child.open),
        values=dict(state.values),
        started_ns=state.started_ns,
        ended_ns=state.ended_ns,
        wake_ns=parent.wake_ns,
    )


def sum_text(parent: "Parent") -> str:
    """What it came to, for the notice of its end."""
    picture = parent.picture()
    text = f"{text_of(picture.filled)} of {text_of(picture.quantity)} filled"
    if picture.filled > picture.quantity:
        text += " (before the smaller total reached the venue)"
    if picture.filled:
        text += f" at {text_of(round(picture.average, parent.instrument.price_places + 2))}"
    if picture.exited:
        text += f", {text_of(picture.exited)} taken off again"
    if picture.slippage_bp is not None:
        text += f", {picture.slippage_bp:+.2f} bp to the start"
    return text
