"""Why a line must be asked back before it is carried out: the guards that belong to the engine. Pure questions.

The gate refuses what is not allowed; these only make a person look again.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from jackbot_tui.algos.state import Action
from jackbot_tui.desk import commands as c
from jackbot_tui.desk.arming import Arming
from jackbot_tui.desk.planning import (
    STOPPING,
    MoveStep,
    OrderStep,
    ParentStep,
    PlainStep,
    Plan,
    PositionStep,
    SettleStep,
    SteerStep,
    Step,
    touch_of,
)
from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.desk.pricing import Touch, number_seen
from jackbot_tui.desk.views import Context
from jackbot_tui.model.enums import OrderType
from jackbot_tui.risk.gate import CLOSING_TAGS
from jackbot_tui.risk.refusal import RefusalCode

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket

TYPED_IN_FULL = {c.Flatten: "flatten all", c.KillReset: "kill reset"}


def not_typed_in_full(words: str, command: c.Command) -> str:
    """The words that a command of this weight must be typed in, "" when they were or are not needed."""
    if isinstance(command, c.KillReset) or (isinstance(command, c.Flatten) and command.everything):
        wanted = TYPED_IN_FULL[type(command)]
        return "" if words.lower().split() == wanted.split() else wanted
    return ""


def _takes_market(step: Step) -> bool:
    """Whether a step fills at whatever the market is: what market arming is needed for."""
    if isinstance(step, SteerStep):
        return step.action is Action.FINISH
    if isinstance(step, OrderStep):
        return step.request.type is OrderType.MARKET and step.request.trigger_price is None
    return isinstance(step, PositionStep)


def _risk_key(step: Step) -> str:
    """Instrument that a step puts at risk; "" for steps that carry none and for ``flatten all``."""
    match step:
        case OrderStep() | ParentStep():
            return step.request.key
        case SteerStep():
            return "" if step.action in STOPPING else step.key
        case MoveStep():
            return step.order.key
        case PositionStep():
            return step.key
        case _:
            return ""


CONFIRM_DRIFT = Decimal("0.0003")
"""Fraction of the price: 3 basis points, less than what a market order pays in fees."""


def arming_question(plan: Plan, arming: Arming, client_id: int) -> str:
    """``DISARMED``… when the line carries risk and the client is not armed for it."""
    if not plan.carries_risk or _all_typed_in_full(plan):
        return ""
    if not arming.is_armed(client_id, market=False):
        return "DISARMED: Enter sends, Esc drops"
    if any(_risk_key(step) not in ("", arming.key) for step in plan.steps):
        return f"armed for {arming.key.partition(':')[2]} only: Enter sends, Esc drops"
    if any(map(_takes_market, plan.steps)) and not arming.is_armed(client_id, market=True):
        return "armed for limit orders only: Enter sends, Esc drops (arm market sends at once)"
    return ""


def _all_typed_in_full(plan: Plan) -> bool:
    """``flatten all`` typed in full is its own confirmation."""
    return all(isinstance(step, PositionStep) and not step.key for step in plan.steps)


def drift_question(plan: Plan, context: Context, engine: EnginePort, market_ticks: int, limit_ticks: int) -> str:
    """``moved 7 ticks since you looked`` when the touch is not what was on the glass."""
    seen = context.seen
    if seen is None:
        return ""
    market = engine.data.markets.get(context.key)
    if market is None:
        return ""
    now = touch_of(market, engine.clock.now_ns())
    moved = _ticks_moved(market, now, number_seen(seen.bid), number_seen(seen.ask))
    for step in plan.steps:
        if _risk_key(step) == context.key and moved > (market_ticks if _takes_market(step) else limit_ticks):
            return f"moved {moved} ticks since you looked: Enter sends, Esc drops"
    return ""


def touches_shown(plan: Plan, engine: EnginePort) -> dict[str, Touch]:
    """Touch of every instrument that the plan trades at market: what a confirm of the plan relies on.

    A step that only closes is left out: the way out must not be asked about again and again while the price runs.
    """
    keys = {_risk_key(step) for step in plan.steps if _takes_market(step) and not _only_closes(step)}
    markets = engine.data.markets
    return {key: touch_of(markets[key], engine.clock.now_ns()) for key in keys if key in markets}


def _only_closes(step: Step) -> bool:
    match step:
        case PositionStep():
            return not step.reverse
        case OrderStep():
            return step.request.reduce_only or step.request.tag in CLOSING_TAGS
    return False


def moved_question(shown: dict[str, Touch], engine: EnginePort, market_ticks: int) -> str:
    """``moved 700 ticks since you were asked`` when a touch of ``shown`` is not where a confirm expects it.

    A confirm takes seconds, and where a tick is a millionth of the price a few of them are nothing: the touch may move
    ``CONFIRM_DRIFT`` of the price where that is more than ``market_ticks``.
    """
    for key, touch in shown.items():
        market = engine.data.markets[key]
        now = touch_of(market, engine.clock.now_ns())
        moved = _ticks_moved(market, now, touch.bid, touch.ask)
        price = now.ask or now.bid or Decimal(0)
        if moved > max(market_ticks, int(price * CONFIRM_DRIFT / market.instrument.tick)):
            return f"moved {moved} ticks since you were asked: Enter sends, Esc drops"
    return ""


def _ticks_moved(market: "InstrumentMarket", touch: Touch, bid: Decimal | None, ask: Decimal | None) -> int:
    """Ticks from ``bid`` and ``ask`` to ``touch``, the larger of the two; an unknown price did not move."""
    moves = [
        abs(now - then) / market.instrument.tick
        for now, then in ((touch.bid, bid), (touch.ask, ask))
        if now is not None and then is not None
    ]
    return int(max(moves, default=Decimal(0)))


def repeat_question(step: Step, engine: EnginePort) -> str:
    """``the same order was sent 4.2 s ago``."""
    if isinstance(step, OrderStep):
        refusal = engine.refusal_of(step.request)
        if refusal is not None and refusal.code is RefusalCode.DUPLICATE_RECENT:
            return refusal.message
    return ""


def settling_question(plan: Plan) -> str:
    """What becomes of differences is always looked at first, armed or not: it may touch what is not ours."""
    return "Enter does it, Esc drops" if any(isinstance(step, SettleStep) for step in plan.steps) else ""


def quit_question(plan: Plan, engine: EnginePort) -> str:
    """Ending the engine from a screen is asked back, with what is still open."""
    if not any(isinstance(step, PlainStep) and isinstance(step.command, c.Quit) for step in plan.steps):
        return ""
    working = len(engine.oms.open_orders())
    held = sum(1 for position in engine.portfolio.positions if position.quantity)
    return f"ends the engine with {working} working orders and {held} open positions: Enter ends, Esc stays"
