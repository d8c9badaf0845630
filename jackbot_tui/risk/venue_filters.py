"""The venue's own trading rules, checked here so that nobody waits for the venue to say no.

Used by the gate. Pure: request and market in, a refusal or None out. Source of the rules for Binance: exchangeInfo's
filters (PRICE_FILTER, LOT_SIZE, MARKET_LOT_SIZE, MIN_NOTIONAL, NOTIONAL, PERCENT_PRICE, PERCENT_PRICE_BY_SIDE).
"""

from collections.abc import Callable
from decimal import Decimal

from jackbot_tui.book.bands import band_limits
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO, is_multiple, round_down, round_up, text_of
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.risk.refusal import Refusal, RefusalCode

LARGEST = Decimal(10) ** 15
"""No price or quantity of any venue comes near; beyond it Decimal arithmetic would have to round."""


def check_shape(request: OrderRequest, instrument: Instrument) -> Refusal | None:
    """The request makes sense by itself: type, price and flags fit together, numbers are positive and finite."""
    problem = ""
    price = request.price
    if request.type is OrderType.LIMIT and price is None:
        problem = "a limit order needs a price: add @ PRICE, or use mkt"
    elif request.type is OrderType.MARKET and price is not None:
        problem = "a market order has no price: leave the price out, or send a limit"
    elif request.post_only and (request.type is OrderType.MARKET or request.tif is not TimeInForce.GTC):
        problem = "post-only rests or is refused: it cannot be a market, IOC or FOK order"
    elif not request.quantity.is_finite() or request.quantity <= ZERO:
        problem = f"quantity {request.quantity} is not above zero: try {text_of(smallest_quantity(instrument))}"
    elif request.quantity > LARGEST:
        problem = f"quantity {request.quantity:.3g} is beyond anything traded: check the figure"
    elif price is not None and (not price.is_finite() or price <= ZERO):
        problem = f"price {price} is not above zero: try {priced(instrument.tick, instrument)}"
    elif price is not None and price > LARGEST:
        problem = f"price {price:.3g} is beyond anything traded: check the figure"
    if problem:
        return Refusal(RefusalCode.MALFORMED, problem)
    if request.reduce_only and not instrument.is_perpetual:
        return Refusal(RefusalCode.REDUCE_ONLY, f"{instrument.symbol} is spot, which has no reduce-only: leave it out")
    return None


def check_quantity(request: OrderRequest, instrument: Instrument) -> Refusal | None:
    quantity, lot = request.quantity, instrument.lot
    figure = text_of(quantity)
    least = smallest_quantity(instrument)
    if quantity < least:
        message = f"quantity {figure} is below the minimum {text_of(least)}"
        return Refusal(RefusalCode.MIN_QTY, message, figure, text_of(least), text_of(least))
    if not is_multiple(quantity, lot):
        near = _either(round_down(quantity, lot), round_up(quantity, lot), text_of)
        message = f"quantity {figure} is not a multiple of lot {text_of(lot)}: try {near}"
        return Refusal(RefusalCode.LOT, message, figure, text_of(lot), near)
    most = instrument.max_qty
    if request.type is OrderType.MARKET and instrument.market_max_qty:
        most = instrument.market_max_qty
    if most and quantity > most:
        near = text_of(round_down(most, lot))
        message = f"quantity {figure} is above the venue's maximum {text_of(most)} for a {request.type.value} order"
        return Refusal(RefusalCode.MAX_QTY, message, figure, text_of(most), near)
    return None


def check_price(request: OrderRequest, market: InstrumentMarket, now: int) -> Refusal | None:
    """Tick, absolute range and band of a limit price."""
    if request.price is None:
        return None
    refusal = check_tick_and_range(request, market.instrument)
    return _check_band(request.side, request.price, market, now) if refusal is None else refusal


def check_tick_and_range(request: OrderRequest, instrument: Instrument) -> Refusal | None:
    """Tick and absolute range of a limit price."""
    price = request.price
    if price is None:
        return None
    tick, figure = instrument.tick_at(price), priced(price, instrument)
    if not is_multiple(price, tick):
        near = _either(round_down(price, tick), round_up(price, tick), lambda each: priced(each, instrument))
        why = f" ({instrument.price_figures} significant figures)" if tick != instrument.tick else ""
        message = f"price {text_of(price)} is not a multiple of tick {priced(tick, instrument)}{why}: try {near}"
        return Refusal(RefusalCode.TICK, message, text_of(price), priced(tick, instrument), near)
    low, high = instrument.min_price, instrument.max_price
    if (low and price < low) or (high and price > high):
        limit = priced(low if price < low else high, instrument)
        word = "below the venue's lowest" if price < low else "above the venue's highest"
        return Refusal(
            RefusalCode.PRICE_RANGE, f"price {figure} is {word} price {limit}: try {limit}", figure, limit, limit
        )
    return None


def _check_band(side: Side, price: Decimal, market: InstrumentMarket, now: int) -> Refusal | None:
    instrument, band = market.instrument, market.instrument.band
    low, high, reference = band_limits(market, side, now)
    if band is None:
        return None
    too_high = bool(high) and price > high
    if too_high or price < low:
        figure, limit = priced(price, instrument), priced(high if too_high else low, instrument)
        word = "above" if too_high else "below"
        message = (
            f"price {figure} is {word} the venue's band around the {band.reference} price"
            f" {priced(reference, instrument)}: try {limit}"
        )
        return Refusal(RefusalCode.BAND, message, figure, limit, limit)
    return None


def check_notional(request: OrderRequest, instrument: Instrument, price: Decimal) -> Refusal | None:
    """Value of the order at ``price``. Reduce-only on perpetuals is exempt from the minimum, as at the venue."""
    notional = request.quantity * price
    figure = money(notional)
    least, most = instrument.min_notional, instrument.max_notional
    if least and notional < least and not request.reduce_only:
        near = text_of(round_up(least / price, instrument.lot))
        message = (
            f"value {figure} {instrument.quote} is below the venue's minimum {text_of(least)}: try quantity {near}"
        )
        return Refusal(RefusalCode.MIN_NOTIONAL, message, figure, text_of(least), near)
    if most and notional > most and request.type is OrderType.LIMIT:
        near = text_of(round_down(most / price, instrument.lot))
        message = f"value {figure} {instrument.quote} is above the maximum {text_of(most)}: try quantity {near}"
        return Refusal(RefusalCode.MAX_NOTIONAL, message, figure, text_of(most), near)
    return None


def smallest_quantity(instrument: Instrument) -> Decimal:
    return max(round_up(instrument.min_qty, instrument.lot), instrument.lot)


def priced(price: Decimal, instrument: Instrument) -> str:
    """A price as this instrument's prices are written: padded to the tick's decimals."""
    places = max(instrument.price_places, -int(instrument.tick.as_tuple().exponent))
    return f"{price:.{places}f}"


def money(value: Decimal) -> str:
    """Money in a message: two decimals, more only for amounts that would vanish."""
    return f"{value:.2f}" if abs(value) >= Decimal("0.01") or not value else text_of(value)


def _either(low: Decimal, high: Decimal, text: Callable[[Decimal], str]) -> str:
    return f"{text(low)} or {text(high)}" if ZERO < low < high else text(high)
