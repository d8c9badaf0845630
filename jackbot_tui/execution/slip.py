"""A market order with a bound on its slippage: an IOC limit at the touch plus some ticks.

The engine turns a request with ``limit_slip_ticks`` into this before the risk gate sees it, so that what is checked,
journaled and sent is one and the same order.
"""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.model.orders import Order, OrderRequest


def with_bounded_slip(request: OrderRequest, market: InstrumentMarket) -> OrderRequest:
    """The request as an IOC limit ``limit_slip_ticks`` beyond the opposite touch; unchanged where it sets no bound.

    One that waits for a trigger becomes a stop-limit, as many ticks beyond its trigger: today's touch says nothing.
    Unchanged as well when there is no opposite touch: the gate refuses what it cannot price. ``limit_slip_ticks`` stays
    in the request, as the mark that the price came from the touch and not from a person.
    """
    if request.trigger_price is not None:
        return _beyond_trigger(request, request.trigger_price, market)
    best = market.book.best_ask() if request.side is Side.BUY else market.book.best_bid()
    if request.type is not OrderType.MARKET or request.limit_slip_ticks <= 0 or best is None:
        return request
    tick = market.instrument.tick
    price = decimal_of(best[0]) + request.side.sign * request.limit_slip_ticks * tick
    return replace(request, type=OrderType.LIMIT, tif=TimeInForce.IOC, price=max(price, tick))


def why_limit(asked: OrderRequest, sent: OrderRequest | Order) -> str:
    """Why a limit order goes out for a market order without a bound, in words; "" where none does."""
    if asked.limit_slip_ticks or asked.type is sent.type:
        return ""
    venue = sent.key.partition(":")[0]
    return f"sent as a limit order: {venue} counts market buys in money, and this buys what was asked for"


def _beyond_trigger(request: OrderRequest, trigger: Decimal, market: InstrumentMarket) -> OrderRequest:
    if request.type is not OrderType.MARKET or request.limit_slip_ticks <= 0:
        return request
    tick = market.instrument.tick
    price = max(trigger + request.side.sign * request.limit_slip_ticks * tick, tick)
    return replace(request, type=OrderType.LIMIT, tif=TimeInForce.GTC, price=price)
