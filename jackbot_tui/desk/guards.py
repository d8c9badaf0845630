"""Why a line must be asked back before it is carried out: the guards that belong to the engine. Pure questions.

The gate refuses what is not allowed; these only make a person look again.
"""

from decimal import Decimal

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.arming import Arming
from jackbot_tui.desk.planning import MoveStep, OrderStep, PlainStep, Plan, PositionStep, Step, touch_of
from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.desk.views import Context
from jackbot_tui.model.enums import OrderType
from jackbot_tui.risk.refusal import RefusalCode

TYPED_IN_FULL = {c.Flatten: "flatten all", c.KillReset: "kill reset"}


def not_typed_in_full(words: str, command: c.Command) -> str:
    """The words that a command of this weight must be typed in, "" when they were or are not needed."""
    if isinstance(command, c.KillReset) or (isinstance(command, c.Flatten) and command.everything):
        wanted = TYPED_IN_FULL[type(command)]
        return "" if words.lower().split() == wanted.split() else wanted
    return ""


def takes_market(plan: Plan) -> bool:
    """Whether the line has something that market arming is needed for."""
    return any(
        isinstance(step, PositionStep) or (isinstance(step, OrderStep) and step.request.type is OrderType.MARKET)
        for step in plan.steps
    )


def arming_question(plan: Plan, arming: Arming, client_id: int) -> str:
    """``DISARMED``… when the line carries risk and the client is not armed for it."""
    if not plan.carries_risk or _all_typed_in_full(plan):
        return ""
    if not arming.is_armed(client_id, market=False):
        return "DISARMED: Enter sends, Esc drops"
    if takes_market(plan) and not arming.is_armed(client_id, market=True):
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
    for step in plan.steps:
        if isinstance(step, OrderStep):
            key, allowed = step.request.key, market_ticks if step.request.type is OrderType.MARKET else limit_ticks
        elif isinstance(step, MoveStep):
            key, allowed = step.order.key, limit_ticks
        elif isinstance(step, PositionStep):
            key, allowed = step.key, market_ticks
        else:
            continue
        if key == context.key:
            moved = _ticks_moved(key, seen.bid, seen.ask, engine)
            if moved > allowed:
                return f"moved {moved} ticks since you looked: Enter sends, Esc drops"
    return ""


def _ticks_moved(key: str, bid: str, ask: str, engine: EnginePort) -> int:
    market = engine.data.markets.get(key)
    if market is None:
        return 0
    touch = touch_of(market)
    moves = [
        abs(now - then) / market.instrument.tick
        for now, then in ((touch.bid, _number(bid)), (touch.ask, _number(ask)))
        if now is not None and then is not None
    ]
    return int(max(moves, default=Decimal(0)))


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    return value if value.is_finite() else None


def repeat_question(step: Step, engine: EnginePort) -> str:
    """``the same order was sent 4.2 s ago``."""
    if isinstance(step, OrderStep):
        refusal = engine.refusal_of(step.request)
        if refusal is not None and refusal.code is RefusalCode.DUPLICATE_RECENT:
            return refusal.message
    return ""


def quit_question(plan: Plan, engine: EnginePort) -> str:
    """Ending the engine from a screen is asked back, with what is still open."""
    if not any(isinstance(step, PlainStep) and isinstance(step.command, c.Quit) for step in plan.steps):
        return ""
    working = len(engine.oms.open_orders())
    held = sum(1 for position in engine.portfolio.positions if position.quantity)
    return f"ends the engine with {working} working orders and {held} open positions: Enter ends, Esc stays"
