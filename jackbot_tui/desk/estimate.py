"""What an order would do if it left now: average and worst price by walking the book, value, fee, position after.

And what a position costs while it stands: the next funding, and the mark that liquidates it. Estimates for people, from
the book and the rates as they are; the executor decides what really happens. Decimal throughout.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.execution.slip import with_bounded_slip
from jackbot_tui.model.accounting import funding_amount
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import Level
from jackbot_tui.model.numbers import ZERO, decimal_of
from jackbot_tui.model.orders import OrderRequest

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket
    from jackbot_tui.execution.paper.account import MarginView, Outlook

MAX_WALK = 5_000
"""Levels looked at before the walk gives up and counts the rest as not there."""


class NextFunding(Struct, frozen=True):
    """The next funding of a position: ``amount`` quote currency at the rate announced now (negative: it pays), at
    exchange time ``at_ns``, in ``left_ns``.
    """

    amount: Decimal
    rate: Decimal
    at_ns: int
    left_ns: int


class Walk(Struct, frozen=True):
    """Taking ``filled`` from a book: ``average`` and ``worst`` price (0 when nothing), ``levels`` touched."""

    filled: Decimal
    average: Decimal
    worst: Decimal
    levels: int


class Estimate(Struct, frozen=True):
    """``taken`` fills at once as taker, ``rests`` stays in the book as maker, the remainder is not done at all.

    ``notional`` and ``fee`` are quote currency: of what is taken at its average price and what rests at its own.
    """

    walk: Walk
    taken: Decimal
    rests: Decimal
    notional: Decimal
    fee: Decimal
    position_after: Decimal
    crosses: bool


def walk(levels: Iterable[Level], quantity: Decimal, side: Side, limit: Decimal | None) -> Walk:
    """Take ``quantity`` from ``levels`` (best first) of the side opposite to ``side``, no worse than ``limit``."""
    filled = cost = worst = ZERO
    count = 0
    for price_float, size in levels:
        if filled >= quantity or count == MAX_WALK:
            break
        price = decimal_of(price_float)
        if limit is not None and (price > limit if side is Side.BUY else price < limit):
            break
        part = min(decimal_of(size), quantity - filled)
        filled += part
        cost += part * price
        worst = price
        count += 1
    return Walk(filled, cost / filled if filled else ZERO, worst, count)


def estimate(request: OrderRequest, market: "InstrumentMarket", position: Decimal) -> Estimate:
    """What ``request`` would do against the book of ``market`` now; ``position`` is signed base units."""
    instrument = market.instrument
    if request.trigger_price is not None:
        return _when_triggered(request, request.trigger_price, market, position)
    limit = with_bounded_slip(request, market).price
    taking = walk(market.book.iter_from_best(request.side.opposite), request.quantity, request.side, limit)
    crosses = bool(taking.filled)
    taken = ZERO if request.post_only else taking.filled
    if request.tif is TimeInForce.FOK and taken < request.quantity:
        taken = ZERO
    stays = request.type is OrderType.LIMIT and request.tif is TimeInForce.GTC and not (request.post_only and crosses)
    rests = request.quantity - taken if stays else ZERO
    resting_value = rests * request.price if request.price is not None else ZERO
    taken_value = taken * taking.average
    after = position + (taken + rests) * request.side.sign
    return Estimate(
        walk=taking,
        taken=taken,
        rests=rests,
        notional=taken_value + resting_value,
        fee=taken_value * instrument.taker_fee + resting_value * instrument.maker_fee,
        position_after=_reduced(after, position) if request.reduce_only else after,
        crosses=crosses,
    )


def _when_triggered(request: OrderRequest, trigger: Decimal, market: "InstrumentMarket", position: Decimal) -> Estimate:
    """An order that waits: it rests now, and once woken it is counted as taking at its price, else at its trigger."""
    bounded = with_bounded_slip(request, market)
    notional = request.quantity * (bounded.price or trigger)
    after = position + request.quantity * request.side.sign
    return Estimate(
        walk=Walk(ZERO, ZERO, ZERO, 0),
        taken=ZERO,
        rests=request.quantity,
        notional=notional,
        fee=notional * market.instrument.taker_fee,
        position_after=_reduced(after, position) if request.reduce_only else after,
        crosses=False,
    )


def _reduced(after: Decimal, before: Decimal) -> Decimal:
    """Reduce-only never turns a position around."""
    return ZERO if after * before < 0 else after


def value_of(request: OrderRequest, instrument: Instrument, estimated: Estimate, reference: Decimal | None) -> Decimal:
    """Value of the whole order in quote currency, whether or not it would fill now."""
    if request.price is not None:
        return request.quantity * request.price
    if request.trigger_price is not None:
        return request.quantity * request.trigger_price
    price = estimated.walk.average or reference or ZERO
    return request.quantity * price


def next_funding(market: "InstrumentMarket", quantity: Decimal, now: int) -> NextFunding | None:
    """What the next funding would bring a position of ``quantity``; None without a fresh mark or a known time."""
    mark, price = market.mark, market.fresh_mark(now)
    if mark is None or price is None or mark.next_funding_ns <= now or not market.instrument.is_perpetual:
        return None
    rate = decimal_of(mark.funding_rate)
    return NextFunding(funding_amount(quantity, price, rate), rate, mark.next_funding_ns, mark.next_funding_ns - now)


def liquidation_text(view: "MarginView | Outlook", instrument: Instrument, *, long: bool) -> str:
    """The liquidation price on the grid of prices, on the side that comes first; "" when there is none."""
    if view.liquidation is None:
        return ""
    ticks = (view.liquidation / instrument.tick).to_integral_value(ROUND_CEILING if long else ROUND_FLOOR)
    return f"{ticks * instrument.tick:.{instrument.price_places}f}"


def order_outlook(request: OrderRequest, estimated: Estimate, engine: EnginePort, now: int) -> "Outlook":
    """Margin and liquidation if all of ``request`` that can fill, now or later, were filled."""
    quantity = abs(estimated.position_after - engine.portfolio.position(request.key).quantity)
    whole = estimated.taken + estimated.rests
    cost = estimated.notional * quantity / whole if whole else ZERO
    return engine.executor.outlook(request.key, request.side, quantity, cost, estimated.fee, now)
