"""Which prices a limit order may have now: the venue's rules and the gate's own bounds, as one range a side.

The gate asks its bounds here one by one; a parent order that waits for its price to become acceptable asks for all of
them together. Pure: nothing changes by asking.
"""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.book.bands import band_limits
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down, round_up
from jackbot_tui.risk.limits import RiskLimits

_HUNDRED = Decimal(100)
BAND, RANGE = "the venue's band", "the venue's price range"
COLLAR, MARK_COLLAR, FAR = "our collar", "our mark_collar_pct", "our far_limit_pct"


class Reach(Struct, frozen=True, kw_only=True):
    """Lowest and highest price that passes now, 0 = not limited; ``low_by`` and ``high_by`` name the rule that binds.

    ``reference`` is the price that the venue's band lies around, or, where no band is known, what positions are valued
    at; 0 when the market tells nothing. ``band`` says whether a band is known.
    """

    low: Decimal = ZERO
    high: Decimal = ZERO
    low_by: str = ""
    high_by: str = ""
    reference: Decimal = ZERO
    reference_name: str = "market"
    band: bool = False

    def takes(self, price: Decimal) -> bool:
        return price >= self.low and not (self.high and price > self.high)


def reach_of(side: Side, market: InstrumentMarket, limits: RiskLimits, now: int) -> Reach:
    """All bounds on the price of a limit order of ``side`` together."""
    instrument, band = market.instrument, market.instrument.band
    low, high, reference = band_limits(market, side, now)
    lows, highs = [(low, BAND), (instrument.min_price, RANGE)], [(high, BAND), (instrument.max_price, RANGE)]
    through, mark = collar_bound(side, market, limits), mark_bound(side, market, limits, now)
    far = far_bound(side, market, limits)
    near = lows if side is Side.SELL else highs
    near += [(through[1], COLLAR)] if through is not None else []
    near += [(mark[1], MARK_COLLAR)] if mark is not None else []
    (highs if side is Side.SELL else lows).extend([(far[1], FAR)] if far is not None else [])
    low, low_by = max(lows)
    high, high_by = min((each for each in highs if each[0]), default=(ZERO, ""))
    known = band is not None and bool(reference)
    return Reach(
        low=low,
        high=high,
        low_by=low_by if low else "",
        high_by=high_by,
        reference=reference if known else market.value_price(now) or ZERO,
        reference_name=band.reference if band is not None and known else "market",
        band=known,
    )


def collar_bound(side: Side, market: InstrumentMarket, limits: RiskLimits) -> tuple[Decimal, Decimal] | None:
    """``(opposite touch, furthest price through it that the collar allows)``; None without a touch or a collar."""
    best = market.book.best_ask() if side is Side.BUY else market.book.best_bid()
    if best is None or not (limits.collar_pct or limits.collar_ticks):
        return None
    touch = decimal_of(best[0])
    tick = market.instrument.tick
    bounds = []
    if limits.collar_pct:
        bounds.append(touch * limits.collar_pct / _HUNDRED)
    if limits.collar_ticks:
        bounds.append(limits.collar_ticks * tick)
    furthest = touch + side.sign * min(bounds)
    return touch, round_down(furthest, tick) if side is Side.BUY else round_up(furthest, tick)


def mark_bound(side: Side, market: InstrumentMarket, limits: RiskLimits, now: int) -> tuple[Decimal, Decimal] | None:
    """``(mark, furthest price on its bad side)``; None without a fresh mark or a limit."""
    mark, tick = market.fresh_mark(now), market.instrument.tick
    if not limits.mark_collar_pct or mark is None:
        return None
    bound = mark + side.sign * mark * limits.mark_collar_pct / _HUNDRED
    return mark, round_down(bound, tick) if side is Side.BUY else round_up(bound, tick)


def far_bound(side: Side, market: InstrumentMarket, limits: RiskLimits) -> tuple[Decimal, Decimal] | None:
    """``(own touch, furthest price behind it)``; None without a touch or a limit."""
    best = market.book.best_bid() if side is Side.BUY else market.book.best_ask()
    if not limits.far_limit_pct or best is None:
        return None
    touch, tick = decimal_of(best[0]), market.instrument.tick
    bound = touch - side.sign * touch * limits.far_limit_pct / _HUNDRED
    return touch, round_up(bound, tick) if side is Side.BUY else round_down(bound, tick)
