"""Orders, positions and money in one line each, for people, and the same as data for programs."""

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from jackbot_tui.desk.estimate import (
    Estimate,
    NextFunding,
    estimate,
    liquidation_text,
    next_funding,
    order_outlook,
    value_of,
)
from jackbot_tui.desk.language.explain import price_text, size_text
from jackbot_tui.desk.parent_words import preview_parent, preview_steer
from jackbot_tui.desk.planning import (
    CancelStep,
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
from jackbot_tui.desk.settling import preview_settling
from jackbot_tui.execution.slip import why_limit
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.orders import Order, OrderRequest
from jackbot_tui.model.transitions import EXACT

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket
    from jackbot_tui.execution.paper.account import MarginView, Outlook

_CENT = Decimal("0.01")

AVERAGE_PLACES = 2
"""Decimals of average prices beyond those of the instrument's prices."""


def money(value: Decimal, places: int = 2) -> str:
    """``30499.25`` -> ``30 499.25``; fewer decimals are not shown."""
    return f"{value:,.{places}f}".replace(",", " ")


def at_precision(value: Decimal, places: int) -> str:
    """Decimal text with at least ``places`` decimals and no digit lost."""
    exponent = value.normalize().as_tuple().exponent
    own = -exponent if isinstance(exponent, int) else 0
    return f"{value:.{max(places, own, 0)}f}"


def average_text(value: Decimal, places: int) -> str:
    """A price that is a quotient: ``AVERAGE_PLACES`` decimals more than a price has where it needs them."""
    rounded = value.quantize(Decimal(1).scaleb(-places - AVERAGE_PLACES), context=EXACT)
    return at_precision(rounded, places)


def price_words(price: Decimal | None, instrument: Instrument) -> str:
    return "mkt" if price is None else f"@ {at_precision(price, instrument.price_places)}"


def flags_of(request: OrderRequest | Order) -> str:
    """``POST REDUCE IOC`` as shown on ladders and in lists."""
    words = []
    if request.post_only:
        words.append("POST")
    if request.reduce_only:
        words.append("REDUCE")
    if request.tif is not TimeInForce.GTC and request.type is OrderType.LIMIT:
        words.append(request.tif.value.upper())
    return " ".join(words)


def trigger_words(request: OrderRequest | Order, instrument: Instrument | None) -> str:
    """``STOP 60000.0 mark``: what it waits for; "" for an order without a trigger."""
    if request.trigger_price is None:
        return ""
    places = 0 if instrument is None else instrument.price_places
    word = "TAKE" if request.take_profit else "STOP"
    return f"{word} {at_precision(request.trigger_price, places)} {request.trigger_by.value}"


def position_words(quantity: Decimal, instrument: Instrument) -> str:
    if not quantity:
        return "flat"
    return f"{'LONG' if quantity > 0 else 'SHORT'} {text_of(abs(quantity))} {instrument.base}"


def order_words(request: OrderRequest, instrument: Instrument) -> str:
    """``BUY 0.5 BTC/USDT:USDT @ 60998.5 POST``."""
    words = [
        request.side.value.upper(),
        text_of(request.quantity),
        instrument.symbol,
        trigger_words(request, instrument),
        price_words(request.price, instrument),
        flags_of(request),
        f"slip {request.limit_slip_ticks}t" if request.limit_slip_ticks else "",
    ]
    return " ".join(word for word in words if word)


def working_words(order: Order, instrument: Instrument | None) -> str:
    """A working order in one line: ``#41 SELL 0.5 BTC/USDT @ 61001.0 POST 20% filled``."""
    price = "mkt"
    if order.price is not None:
        places = 0 if instrument is None else instrument.price_places
        price = f"@ {at_precision(order.price, places)}"
    if order.is_waiting:
        price = f"{trigger_words(order, instrument)} {price}"
    symbol = order.key.partition(":")[2]
    flags = f" {flags_of(order)}" if flags_of(order) else ""
    filled = f" {order.filled / order.quantity * 100:.0f}% filled" if order.filled else ""
    return f"#{order.number} {order.side.value.upper()} {text_of(order.quantity)} {symbol} {price}{flags}{filled}"


class Preview(Struct, frozen=True):
    """One step as it would go out now: a line for people, data for programs."""

    line: str
    data: dict[str, object]


def preview_plan(plan: Plan, engine: EnginePort) -> list[Preview]:
    """What the steps would do, each from the book and the positions as they are before the line."""
    previews: list[Preview] = []
    changed: set[str] = set()
    for step in plan.steps:
        preview = _preview_step(step, engine)
        if isinstance(step, OrderStep | PositionStep):
            key = step.request.key if isinstance(step, OrderStep) else step.key
            if key and changed & {key, ""}:
                preview = _counted_before(preview, key, engine)
            changed.add(key)
        previews.append(preview)
    return previews


def _counted_before(preview: Preview, key: str, engine: EnginePort) -> Preview:
    """Say that sizes and the position after were counted without what stands before it in the line."""
    market, held = engine.data.markets.get(key), engine.portfolio.position(key).quantity
    words = text_of(held) if market is None else position_words(held, market.instrument)
    return Preview(
        f"{preview.line}  counted from the position before this line: {words}",
        {**preview.data, "position_before": text_of(held)},
    )


def _preview_step(step: Step, engine: EnginePort) -> Preview:
    match step:
        case OrderStep():
            return _preview_order(step, engine)
        case MoveStep():
            return _preview_move(step, engine)
        case CancelStep():
            orders = step.orders if step.orders is not None else matching(engine, step)
            numbers = " ".join(f"#{order.number}" for order in orders) or "nothing"
            return Preview(f"CANCEL {numbers}", {"cancel": [order.number for order in orders]})
        case PositionStep():
            return _preview_position(step, engine)
        case ParentStep():
            return Preview(*preview_parent(step, engine))
        case SteerStep():
            return Preview(*preview_steer(step, engine))
        case SettleStep():
            return Preview(*preview_settling(step))
        case PlainStep():
            return Preview(step.canonical, {"command": step.canonical})


def matching(engine: EnginePort, step: CancelStep) -> list[Order]:
    """Working orders that a cancel by scope means now."""
    wanted = {"buys": Side.BUY, "sells": Side.SELL}.get(step.scope.value)
    return [order for order in engine.oms.open_orders(step.key or None) if wanted is None or order.side is wanted]


def _said(step: OrderStep, request: OrderRequest, instrument: Instrument) -> str:
    """``bid+1t -> 60998.5``: only what was turned into something else."""
    command = step.parsed.command
    told = []
    size = getattr(command, "size", None)
    price = getattr(command, "price", None)
    if size is not None and size_text(size) != text_of(request.quantity):
        told.append(f"{size_text(size)} -> {text_of(request.quantity)} {instrument.base}")
    trigger = getattr(command, "trigger", None)
    if trigger is not None and request.trigger_price is not None:
        exact = at_precision(request.trigger_price, instrument.price_places)
        if price_text(trigger) != text_of(request.trigger_price):
            told.append(f"{price_text(trigger)} -> {exact}")
    if price is not None and request.price is not None and price_text(price) != text_of(request.price):
        told.append(f"{price_text(price)} -> {at_precision(request.price, instrument.price_places)}")
    return ", ".join(told)


def _preview_order(step: OrderStep, engine: EnginePort) -> Preview:
    request, why = _as_sent(step.request, engine)
    market = engine.data.markets[request.key]
    instrument = market.instrument
    held = engine.portfolio.position(request.key).quantity
    estimated = estimate(request, market, held)
    value = value_of(request, instrument, estimated, touch_of(market, engine.clock.now_ns()).far(request.side))
    typed = _said(step, request, instrument)
    now = engine.clock.now_ns()
    outlook = order_outlook(request, estimated, engine, now) if instrument.is_perpetual else None
    funding = next_funding(market, estimated.position_after, now)
    words = [
        order_words(request, instrument),
        why,
        f"~{money(value)} {instrument.quote}",
        _fee_words(request, estimated, instrument),
        _market_words(request, estimated, instrument),
        f"after: {position_words(estimated.position_after, instrument)}",
        *_margin_words(outlook, engine.executor.margin(request.key, now), estimated, instrument),
        _funding_words(funding, instrument),
        f"typed {typed}" if typed else "",
    ]
    data = _order_data(request, estimated, value, typed, market)
    if outlook is not None:
        data["margin"] = text_of(outlook.needed.quantize(_CENT, context=EXACT))
        data["free"] = text_of(outlook.free.quantize(_CENT, context=EXACT))
        data["liquidation"] = liquidation_text(outlook, instrument, long=estimated.position_after > 0) or None
    if funding is not None:
        data["next_funding"] = text_of(funding.amount.quantize(_CENT, context=EXACT))
        data["next_funding_ns"] = funding.at_ns
    return Preview("  ".join(word for word in words if word), data)


def _as_sent(asked: OrderRequest, engine: EnginePort) -> tuple[OrderRequest, str]:
    """What goes out where it is another kind of order than was asked for, and why; else what was asked for."""
    sent = engine.as_sent(asked)
    why = why_limit(asked, sent)
    return (sent, why) if why else (asked, "")


def _margin_words(
    outlook: "Outlook | None", view: "MarginView | None", estimated: Estimate, instrument: Instrument
) -> list[str]:
    """What an order that adds to a position posts, and the mark that would end the position after it."""
    if outlook is None or view is None:
        return []
    chosen = view.setting
    words = []
    if outlook.needed:
        short = "NOT COVERED: " if outlook.needed + estimated.fee > outlook.free else ""
        words.append(
            f"{short}margin ~{money(outlook.needed)} of {money(outlook.free)} free"
            f" ({chosen.mode.value} {text_of(chosen.leverage)}x)"
        )
    liquidation = liquidation_text(outlook, instrument, long=estimated.position_after > 0)
    if estimated.position_after and liquidation:
        words.append(f"liq ~{liquidation}")
    return words


def _funding_words(funding: NextFunding | None, instrument: Instrument) -> str:
    """What the next funding would cost, or bring, the position after the order."""
    if funding is None or not funding.amount:
        return ""
    seconds = funding.left_ns // NS_PER_S
    left = f"{seconds // 3600}h{seconds % 3600 // 60:02d}" if seconds >= 3600 else f"{seconds // 60}m{seconds % 60:02d}"
    rate = text_of((funding.rate * 100).normalize())
    return f"funding ~{signed_money(funding.amount)} {instrument.settle} in {left} at {rate}%"


def _fee_words(request: OrderRequest, estimated: Estimate, instrument: Instrument) -> str:
    if request.trigger_price is not None:
        return f"fee ~{money(estimated.fee)} taker"
    if estimated.taken and estimated.rests:
        return f"fee ~{money(estimated.fee)} taker+maker"
    if estimated.taken:
        return f"fee ~{money(estimated.fee)} taker"
    if estimated.rests:
        return f"fee ~{money(estimated.fee)} maker"
    return ""


def _market_words(request: OrderRequest, estimated: Estimate, instrument: Instrument) -> str:
    """What a taker gets, and the warnings that belong to the state of the book."""
    walk, places = estimated.walk, instrument.price_places
    if request.trigger_price is not None:
        return "waits at the venue; the price may be worse when it comes" if request.price is None else "waits"
    if request.post_only:
        return "CROSSES: post-only will be refused by the venue" if estimated.crosses else ""
    if request.tif is TimeInForce.FOK and not estimated.taken:
        return f"only {text_of(walk.filled)} there now: fok would do nothing"
    if not walk.filled:
        rests = request.type is OrderType.LIMIT and request.tif is TimeInForce.GTC
        return "" if rests else "nothing to take now"
    average = average_text(walk.average, places)
    words = f"takes {text_of(walk.filled)} avg ~{average} worst {at_precision(walk.worst, places)}"
    if request.type is OrderType.MARKET and walk.filled < request.quantity:
        words += f"  only {text_of(walk.filled)} of {text_of(request.quantity)} within reach"
    return words


def _order_data(
    request: OrderRequest, estimated: Estimate, value: Decimal, typed: str, market: "InstrumentMarket"
) -> dict[str, object]:
    walk = estimated.walk
    return {
        "key": request.key,
        "symbol": market.instrument.symbol,
        "side": request.side.value,
        "type": request.type.value,
        "quantity": text_of(request.quantity),
        "price": None if request.price is None else text_of(request.price),
        "trigger": None if request.trigger_price is None else text_of(request.trigger_price),
        "trigger_by": None if request.trigger_price is None else request.trigger_by.value,
        "take_profit": request.take_profit,
        "tif": request.tif.value,
        "post_only": request.post_only,
        "reduce_only": request.reduce_only,
        "slip_ticks": request.limit_slip_ticks,
        "notional": text_of(value.quantize(_CENT, context=EXACT)),
        "fee": text_of(estimated.fee),
        "takes": text_of(estimated.taken),
        "rests": text_of(estimated.rests),
        "average": average_text(walk.average, market.instrument.price_places) if walk.filled else None,
        "worst": text_of(walk.worst) if walk.filled else None,
        "levels": walk.levels,
        "position_after": text_of(estimated.position_after),
        "typed": typed,
    }


def _preview_move(step: MoveStep, engine: EnginePort) -> Preview:
    order = step.order
    instrument = engine.data.markets[order.key].instrument
    price = order.price if step.price is None else step.price
    quantity = order.quantity if step.quantity is None else step.quantity
    before = f"{text_of(order.quantity)} {price_words(order.price, instrument)}"
    line = f"MOVE #{order.number} {order.side.value.upper()} {before} to {text_of(quantity)} "
    return Preview(
        line + price_words(price, instrument),
        {"move": order.number, "price": None if price is None else text_of(price), "quantity": text_of(quantity)},
    )


def _preview_position(step: PositionStep, engine: EnginePort) -> Preview:
    markets = engine.data.markets
    keys = [step.key] if step.key else [p.key for p in engine.portfolio.positions if p.quantity]
    parts = []
    for key in keys:
        market = markets.get(key)
        quantity = engine.portfolio.position(key).quantity
        held = text_of(quantity) if market is None else position_words(quantity, market.instrument)
        parts.append(f"{key.partition(':')[2]} {held}")
    verb = "REVERSE" if step.reverse else "FLATTEN"
    working = len(engine.oms.open_orders(step.key or None))
    line = f"{verb} {', '.join(parts) or 'nothing open'}, cancel {working} orders first"
    held_now = {key: text_of(engine.portfolio.position(key).quantity) for key in keys}
    return Preview(line, {verb.lower(): held_now, "cancels": working})


def data_of_order(order: Order) -> dict[str, object]:
    """A working order for programs: decimal text, nanoseconds."""
    return {
        "number": order.number,
        "client_id": order.client_id,
        "key": order.key,
        "symbol": order.key.partition(":")[2],
        "side": order.side.value,
        "type": order.type.value,
        "quantity": text_of(order.quantity),
        "price": None if order.price is None else text_of(order.price),
        "filled": text_of(order.filled),
        "remaining": text_of(order.remaining),
        "average_price": text_of(order.average_price) if order.average_price else None,
        "status": order.status.value,
        "tif": order.tif.value,
        "post_only": order.post_only,
        "reduce_only": order.reduce_only,
        "owner": order.owner,
        "created_ns": order.created_ns,
        "updated_ns": order.updated_ns,
        "reason": order.reason,
    }


def signed_money(value: Decimal) -> str:
    """Profit with its sign: ``+9.25``."""
    return f"{value:+,.2f}".replace(",", " ") if value else money(ZERO)
