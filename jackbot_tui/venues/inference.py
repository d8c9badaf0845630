"""Instruments guessed from recorded traffic: ticks and lots by the decimals of the texts, for replay only.

A guess from few texts takes their full padded decimals, so a tick may come out too fine but never too coarse; from many
texts trailing zeros tell padding from precision. Venue folders feed the texts; nothing here knows a protocol. Contract
sizes cannot be told from traffic and count as 1.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.texts import is_decimal

MANY_TEXTS = 40
"""Prices needed before trailing zeros are taken for padding."""


class Seen:
    """Decimals met in one instrument's texts. ``last_price`` is the newest price, 0.0 before the first."""

    __slots__ = ("_padded", "_significant", "last_price", "prices")

    def __init__(self) -> None:
        self.prices = 0
        self.last_price = 0.0
        self._padded = [0, 0]  # of prices, of sizes
        self._significant = [0, 0]

    def add(self, price: object, size: object) -> None:
        """Take a price and a size; a pair that is not plain decimal text is left out."""
        if not (is_decimal(price) and is_decimal(size)):
            return
        for place, text in enumerate((price, size)):
            decimals = text.partition(".")[2]
            self._padded[place] = max(self._padded[place], len(decimals))
            self._significant[place] = max(self._significant[place], len(decimals.rstrip("0")))
        self.prices += 1
        self.last_price = float(price)

    def steps(self) -> tuple[Decimal, Decimal]:
        """Tick and lot."""
        places = self._significant if self.prices >= MANY_TEXTS else self._padded
        return Decimal(1).scaleb(-places[0]), Decimal(1).scaleb(-places[1])


def symbol_of(kind: MarketKind, base: str, quote: str) -> str:
    """ccxt's unified symbol of a spot pair or of a perpetual settled in its quote currency."""
    return f"{base}/{quote}" if kind is MarketKind.SPOT else f"{base}/{quote}:{quote}"


def provisional(
    venue: str, market: MarketSpec, native: str, base: str, quote: str, seen: Seen, funding_interval_h: int
) -> Instrument:
    """An instrument of which only its name and ``seen`` are known; ``funding_interval_h`` is for perpetuals only."""
    tick, lot = seen.steps()
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, quote),
        native=native,
        kind=market.kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=tick,
        lot=lot,
        min_qty=lot,
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=Decimal(market.max_leverage),
        funding_interval_h=funding_interval_h if market.kind is MarketKind.LINEAR else 0,
    )
