"""Decimal text as venues write it, from integer ticks and lots: exact, no floats.

Some venues pad to a fixed number of decimals, others write no trailing zeros; a listing says which. Sizes are written
in the wire's own unit: base units, or contracts where the listing says so.
"""

from datetime import UTC, datetime
from decimal import Decimal

from jackbot_tui.model.numbers import places_of
from jackbot_tui.sim.instruments import UNPADDED, Listing


def fixed(units: int, places: int) -> str:
    """``units`` of 10^-places as text: ``fixed(6400010, 2)`` is ``64000.10``."""
    if places == 0:
        return str(units)
    sign, digits = ("-", str(-units)) if units < 0 else ("", str(units))
    if len(digits) <= places:
        digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def trimmed(units: int, places: int) -> str:
    """The same without zeros at the end: ``trimmed(6400010, 2)`` is ``64000.1``."""
    text = fixed(units, places)
    return text.rstrip("0").rstrip(".") if places else text


def decimals(value: float, places: int) -> str:
    """A float with so many decimals, for figures that are only published (mark prices, funding rates)."""
    return fixed(round(value * 10**places), places)


def instant(ns: int, places: int = 6) -> str:
    """A moment since 1970 UTC as RFC 3339 writes it: ``2026-11-21T00:00:00.000001Z``; ``places`` decimals, 1 to 9."""
    seconds, part = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{part:09d}"[: 20 + places] + "Z"


class _Scale:
    """Multiples of a decimal step as text; ``places`` UNPADDED writes no zeros at the end."""

    __slots__ = ("factor", "places", "write")

    def __init__(self, step: Decimal, places: int) -> None:
        self.write = trimmed if places == UNPADDED else fixed
        self.places = places_of(step) if places == UNPADDED else places
        if places_of(step) > self.places:
            raise ValueError(f"{places} decimals cannot write multiples of {step}")
        self.factor = int(step * 10**self.places)

    def text(self, count: int) -> str:
        return self.write(count * self.factor, self.places)


class MarketText:
    """Texts of one market: prices from ticks, quantities from lots, values from ticks times lots."""

    def __init__(self, listing: Listing) -> None:
        instrument = listing.instrument
        self._price = _Scale(instrument.tick, listing.price_places)
        self._quantity = _Scale(instrument.lot / listing.wire_unit, listing.qty_places)
        self._base = _Scale(instrument.lot, UNPADDED)
        self._value = _Scale(instrument.tick * instrument.lot, self._price.places + places_of(instrument.lot))
        self._value_cut = max(0, self._value.places - 8)

    def price(self, ticks: int) -> str:
        return self._price.text(ticks)

    def quantity(self, lots: int) -> str:
        """In the wire's unit."""
        return self._quantity.text(lots)

    def base(self, lots: int) -> str:
        """In base units, whatever the wire counts."""
        return self._base.text(lots)

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
