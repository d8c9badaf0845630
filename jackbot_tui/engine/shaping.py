"""What is really sent for a request: a market order may have to go out as a limit order. Pure; changes nothing.

The engine asks here before its gate does, so that what is checked, journaled and sent is one and the same order.
"""

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.slip import with_bounded_slip
from jackbot_tui.model.enums import OrderType, Side
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.reach import reach_of

USUAL_COLLAR_PCT = RiskLimits().collar_pct
"""Holds where the settings switch our collar off: such an order needs a bound."""


def as_sent(
    request: OrderRequest, market: InstrumentMarket, limits: RiskLimits, now: int, *, by_cost: bool
) -> OrderRequest:
    """``request`` as the venue gets it.

    One with a bound on its slip becomes an IOC limit order (see ``with_bounded_slip``). ``by_cost``: the venue counts
    market buys there in money, so that one of an exact quantity becomes an IOC limit order too, as far through the
    touch as our collar, the mark's and the venue's band let it. Unchanged while the book is not LIVE: the gate refuses
    it then.
    """
    if by_cost and _counted_in_money(request) and not request.limit_slip_ticks and market.live:
        request = replace(request, limit_slip_ticks=_reach_ticks(market, limits, now))
    return with_bounded_slip(request, market)


def _counted_in_money(request: OrderRequest) -> bool:
    return request.type is OrderType.MARKET and request.side is Side.BUY and request.trigger_price is None


def _reach_ticks(market: InstrumentMarket, limits: RiskLimits, now: int) -> int:
    """Ticks from the best ask to the furthest price that passes, one at least; 0 when nothing is offered."""
    best = market.book.best_ask()
    if best is None:
        return 0
    if not (limits.collar_pct or limits.collar_ticks):
        limits = replace(limits, collar_pct=USUAL_COLLAR_PCT)
    furthest = reach_of(Side.BUY, market, limits, now).high
    return max(1, int((furthest - decimal_of(best[0])) // market.instrument.tick))
