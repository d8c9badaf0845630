"""Decimal text as Binance writes it, from integer ticks and lots: padded, exact, no floats.

Spot pads prices and sizes to 8 decimals; USD-M pads to pricePrecision and quantityPrecision in books and trades, to 8
in mark prices (both seen in the recordings of 2024-08-08).
"""

from decimal import Decimal

from jackbot_tui.model.numbers import places_of
from jackbot_tui.sim.instruments import Listing


def fixed(units: int, places: int) -> str:
    """``units`` of 10^-places as text: ``fixed(6400010, 2)`` is ``64000.10``."""
    if places == 0:
        return str(units)
    sign, digits = ("-", str(-units)) if units < 0 else ("", str(units))
    if len(digits) <= places:
        digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


class _Scale:
    """Multiples of a decimal step as padded text."""

    __slots__ = ("factor", "places")

    def __init__(self, step: Decimal, places: int) -> None:
        if places_of(step) > places:
            raise ValueError(f"{places} decimals cannot write multiples of {step}")
        self.factor = int(step * 10**places)
        self.places = places

    def text(self, count: int) -> str:
        return fixed(count * self.factor, self.places)


class MarketText:
    """Texts of one market: prices from ticks, quantities from lots, values from ticks times lots."""

    def __init__(self, listing: Listing) -> None:
        instrument = listing.instrument
        self._price = _Scale(instrument.tick, listing.price_places)
        self._quantity = _Scale(instrument.lot, listing.qty_places)
        value_places = listing.price_places + listing.qty_places
        self._value = _Scale(instrument.tick * instrument.lot, value_places)
        self._value_cut = max(0, value_places - 8)

    def price(self, ticks: int) -> str:
        return self._price.text(ticks)

    def quantity(self, lots: int) -> str:
        return self._quantity.text(lots)

    def value(self, ticks_lots: int) -> str:
        """Quote value, to 8 decimals at most, cut."""
        text = self._value.text(ticks_lots)
        return text[: -self._value_cut] if self._value_cut else text

    def average(self, ticks_lots: int, lots: int) -> str:
        """Mean price to 8 decimals, cut."""
        scale = 10 ** (8 - self._price.places) if self._price.places <= 8 else 1
        return fixed(ticks_lots * self._price.factor * scale // lots, 8)

    def level(self, price: int, quantity: int) -> str:
        """``["64000.10","0.520"]``"""
        return f'["{self._price.text(price)}","{self._quantity.text(quantity)}"]'

    def levels(self, levels: list[tuple[int, int]]) -> str:
        level = self.level
        return "[" + ",".join([level(price, quantity) for price, quantity in levels]) + "]"
