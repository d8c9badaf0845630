"""The venue's price band as it is now: which prices it takes, from the instrument's rule and the market's references.

One truth for the gate, paper matching and parent orders that wait for a price to become acceptable. Pure.
"""

from decimal import Decimal

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down, round_up


def reference_price(market: InstrumentMarket, reference: str, side: Side, now: int) -> Decimal | None:
    """The price around which a band lies (``PriceBand.reference``); None where the market tells none.

    The venue's own average is not streamed: the last trade stands for it. A mark or index that is too old is replaced
    by what positions are valued at.
    """
    match reference:
        case "mark":
            return market.value_price(now)
        case "index":
            mark = market.mark
            fresh = mark is not None and mark.index and market.fresh_mark(now) is not None
            return decimal_of(mark.index) if mark is not None and fresh else market.value_price(now)
        case "best":
            best = market.book.best_ask() if side is Side.BUY else market.book.best_bid()
            return decimal_of(best[0]) if best is not None and market.live else market.value_price(now)
        case _:
            last = market.trades.last_price
            return market.value_price(now) if last is None else decimal_of(last)


def band_limits(market: InstrumentMarket, side: Side, now: int) -> tuple[Decimal, Decimal, Decimal]:
    """Lowest and highest price of the band, on the tick, and its reference; 0 = not limited, or not known."""
    instrument, band = market.instrument, market.instrument.band
    reference = None if band is None else reference_price(market, band.reference, side, now)
    if band is None or reference is None:
        return ZERO, ZERO, ZERO
    low, high = band.limits(side, reference)
    return round_up(low, instrument.tick), round_down(high, instrument.tick), reference
