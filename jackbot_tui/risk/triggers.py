"""Orders that wait for a trigger, as the gate sees them: by the price at which they will act, not by today's book.

Pure: request and market in, a refusal or None out. A trigger must lie on the side from which its price can still come,
on the tick and within the venue's range; a stop-limit's price is held to our collar and far limit around the trigger,
where the touch will be when it is woken. The venue's price band moves with the market: the venue judges by it then.
"""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import OrderType, TimeInForce, TriggerBy
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down, round_up, text_of
from jackbot_tui.model.orders import OrderRequest, trigger_reached, trigger_rises
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.refusal import Refusal, RefusalCode
from jackbot_tui.risk.venue_filters import LARGEST, check_tick_and_range, priced

_HUNDRED = Decimal(100)


def check_trigger(request: OrderRequest, market: InstrumentMarket, limits: RiskLimits, now: int) -> Refusal | None:
    """Why an order with a trigger may not wait at ``now``; None when it may, and for one that has none."""
    trigger = request.trigger_price
    if trigger is None:
        return None
    return (
        _check_shape(request, trigger)
        or _on_tick(replace(request, price=trigger), market, "trigger")
        or _check_side(request, trigger, market, now)
        or (_on_tick(request, market, "price") if request.price is not None else None)
        or _check_reach(request, trigger, market, limits)
    )


def reference_of(by: TriggerBy, market: InstrumentMarket, now: int) -> Decimal | None:
    """The price that wakes orders, as it is now; before the first trade the middle of a LIVE book."""
    if by is TriggerBy.MARK:
        return market.fresh_mark(now)
    last = market.trades.last_price
    return market.value_price(now) if last is None else decimal_of(last)


def _check_shape(request: OrderRequest, trigger: Decimal) -> Refusal | None:
    problem = ""
    if not trigger.is_finite() or trigger <= ZERO:
        problem = f"trigger {trigger} is not above zero"
    elif trigger > LARGEST:
        problem = f"trigger {trigger:.3g} is beyond anything traded: check the figure"
    elif request.post_only:
        problem = "an order that waits for a trigger cannot be post-only: leave it out"
    elif request.type is OrderType.LIMIT and request.tif is not TimeInForce.GTC:
        problem = f"an order that waits for a trigger cannot be {request.tif.value.upper()}: leave it out"
    return Refusal(RefusalCode.MALFORMED, problem) if problem else None


def _on_tick(request: OrderRequest, market: InstrumentMarket, word: str) -> Refusal | None:
    refusal = check_tick_and_range(request, market.instrument)
    if refusal is None or word == "price":
        return refusal
    return Refusal(
        refusal.code, refusal.message.replace("price", word, 1), refusal.figure, refusal.limit, refusal.nearest
    )


def _check_side(request: OrderRequest, trigger: Decimal, market: InstrumentMarket, now: int) -> Refusal | None:
    """A trigger that is reached already would act at once, which is not what anybody who types one means."""
    instrument, by = market.instrument, request.trigger_by
    price = reference_of(by, market, now)
    word = "mark price" if by is TriggerBy.MARK else "last price"
    if price is None:
        message = f"no {word} of {instrument.symbol} is known now: a trigger cannot be checked against it"
        return Refusal(RefusalCode.TRIGGER, message)
    if not trigger_reached(request.side, request.take_profit, trigger, price):
        return None
    rises = trigger_rises(request.side, request.take_profit)
    tick = instrument.tick_at(price)
    near = round_down(price, tick) + tick if rises else round_up(price, tick) - tick
    figure, limit = priced(trigger, instrument), priced(near, instrument)
    kind = "take-profit" if request.take_profit else "stop"
    side = "above" if rises else "below"
    message = (
        f"the {kind} at {figure} would trigger at once, the {word} is {priced(price, instrument)}:"
        f" one that {request.side.value}s needs a trigger {side} it, try {limit}"
    )
    return Refusal(RefusalCode.TRIGGER, message, figure, limit, limit)


def _check_reach(
    request: OrderRequest, trigger: Decimal, market: InstrumentMarket, limits: RiskLimits
) -> Refusal | None:
    """Collar and far limit of a stop-limit's price, around its trigger."""
    price, sign, instrument = request.price, request.side.sign, market.instrument
    if price is None:
        return None
    tick = instrument.tick
    through = [trigger * limits.collar_pct / _HUNDRED] if limits.collar_pct else []
    through += [limits.collar_ticks * tick] if limits.collar_ticks else []
    bounds: list[tuple[Decimal, RefusalCode, str]] = []
    if through and (price - trigger) * sign > min(through):
        bounds.append((trigger + sign * min(through), RefusalCode.COLLAR, "through"))
    far = trigger * limits.far_limit_pct / _HUNDRED
    if limits.far_limit_pct and (trigger - price) * sign > far:
        bounds.append((trigger - sign * far, RefusalCode.FAR, "behind"))
    for bound, code, word in bounds:
        inward = round_down(bound, tick) if bound > trigger else round_up(bound, tick)
        figure, limit = priced(price, instrument), priced(inward, instrument)
        away = f"{abs(price - trigger) / trigger * _HUNDRED:.2f}%"
        message = f"price {figure} is {away} {word} the trigger {text_of(trigger)}: try {limit}"
        return Refusal(code, message, figure, limit, limit)
    return None
