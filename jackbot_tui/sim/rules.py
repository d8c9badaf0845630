"""What an order must keep to at its market: tick, lot, sizes, value, price band. Pure checks, called by order desks.

``Refused`` says which rule is broken; fronts have the venue's code for it. Funds are no business of this module.
"""

from decimal import Decimal

from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO, is_multiple, round_down, round_up
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.requests import Refusal, Refused


def check_price(listing: Listing, price: Decimal) -> int:
    """``price`` in ticks."""
    instrument = listing.instrument
    if price <= ZERO or price < instrument.min_price:
        raise Refused(Refusal.PRICE_TOO_LOW, instrument.min_price)
    if instrument.max_price and price > instrument.max_price:
        raise Refused(Refusal.PRICE_TOO_HIGH, instrument.max_price)
    if not is_multiple(price, instrument.tick):
        raise Refused(Refusal.BAD_TICK, instrument.tick)
    return int(price / instrument.tick)


def check_quantity(listing: Listing, quantity: Decimal, *, at_market: bool) -> int:
    """``quantity`` (base units) in lots."""
    instrument = listing.instrument
    if quantity <= ZERO or quantity < instrument.min_qty:
        raise Refused(Refusal.QUANTITY_TOO_SMALL, instrument.min_qty)
    if instrument.max_qty and quantity > instrument.max_qty:
        raise Refused(Refusal.QUANTITY_TOO_LARGE, instrument.max_qty)
    if at_market and instrument.market_max_qty and quantity > instrument.market_max_qty:
        raise Refused(Refusal.MARKET_QUANTITY_TOO_LARGE, instrument.market_max_qty)
    if not is_multiple(quantity, instrument.lot):
        raise Refused(Refusal.BAD_LOT, instrument.lot)
    return int(quantity / instrument.lot)


def check_value(listing: Listing, value: Decimal, *, reduces: bool) -> None:
    """``value`` in quote units; orders that only reduce a position may be as small as a lot."""
    instrument = listing.instrument
    if not reduces and value < instrument.min_notional:
        raise Refused(Refusal.NOTIONAL_TOO_SMALL, instrument.min_notional)
    if instrument.max_notional and value > instrument.max_notional:
        raise Refused(Refusal.NOTIONAL_TOO_LARGE, instrument.max_notional)


def moved_to_band(listing: Listing, side: Side, price: Decimal, reference: Decimal) -> Decimal:
    """``price``, or the outermost tick of the band when it lies beyond."""
    band, tick = listing.instrument.band, listing.instrument.tick
    if band is None:
        return price
    low, high = band.limits(side, reference)
    return max(round_up(low, tick), min(price, round_down(high, tick) if high else price))


def check_band(listing: Listing, side: Side, price: Decimal, reference: Decimal) -> None:
    """``price`` against the instrument's band around ``reference``."""
    band = listing.instrument.band
    if band is None:
        return
    low, high = band.limits(side, reference)
    if high and price > high:
        raise Refused(Refusal.BAND_TOO_HIGH, high)
    if price < low:
        raise Refused(Refusal.BAND_TOO_LOW, low)
