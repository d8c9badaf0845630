"""The market as parent orders see it: views of an instrument now, and the market that one finds when it begins.

Pure: built by ``parents`` from the books and tapes of the pipeline, read by the machines in ``algos``.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from math import inf

from msgspec.structs import replace

from jackbot_tui.algos.intents import Place
from jackbot_tui.algos.state import Arrival, MarketView
from jackbot_tui.book.analytics import depth_to_fill
from jackbot_tui.book.flow import Flow
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO, decimal_of
from jackbot_tui.model.orders import Order, OrderEvent, OrderFilled
from jackbot_tui.risk.refusal import Refusal, RefusalCode

TOO_FAR = frozenset({RefusalCode.COLLAR, RefusalCode.MARK_COLLAR, RefusalCode.BAND})
"""Refusals that name the nearest price which would pass."""

Prices = tuple[float, float, float, float]
"""Best bid and ask, last trade and mark; 0 where there is none."""


def view_of(
    market: InstrumentMarket, now: int, ahead: dict[str, Decimal] | None = None, day: Sequence[float] = ()
) -> MarketView:
    """The market as a parent may see it; a book that is not LIVE has no prices. ``day``: its usual volume by time."""
    bid = market.book.best_bid() if market.live else None
    ask = market.book.best_ask() if market.live else None
    last, mark = market.trades.last_price, market.fresh_mark(now)
    live = bid is not None and ask is not None
    trouble = "" if live else f"the {market.instrument.symbol} book is {market.state.value.upper()}"
    if market.live and not live:
        trouble = f"the {market.instrument.symbol} book has one side only"
    elif not live and market.sequencer.reason:
        trouble += f", {market.sequencer.reason}"
    return MarketView(
        now=now,
        live=live,
        trouble=trouble,
        bid=ZERO if bid is None else decimal_of(bid[0]),
        bid_size=ZERO if bid is None else decimal_of(bid[1]),
        ask=ZERO if ask is None else decimal_of(ask[0]),
        ask_size=ZERO if ask is None else decimal_of(ask[1]),
        last=ZERO if last is None else decimal_of(last),
        mark=ZERO if mark is None else mark,
        index=index_of(market, now),
        volume=market.trades.volume,
        ahead=ahead or {},
        flow=Flow(market.trades, day),
    )


def index_of(market: InstrumentMarket, now: int) -> Decimal:
    """The index behind a fresh mark price, 0 where there is none."""
    mark = market.mark
    fresh = mark is not None and market.fresh_mark(now) is not None
    return decimal_of(mark.index) if mark is not None and fresh and mark.index > 0 else ZERO


def prices_of(market: InstrumentMarket) -> Prices:
    """What a parent may decide on, as it moves."""
    book, mark = market.book, market.mark
    return book.bid_price, book.ask_price, market.trades.last_price or 0.0, 0.0 if mark is None else mark.mark


def within_reach(place: Place, refusal: Refusal | None) -> Place | None:
    """An urgent order that reaches too far for the gate or the venue, at the nearest price that they take.

    None where that would not help. A price only ever becomes better for us.
    """
    request = place.request
    if refusal is None or refusal.code not in TOO_FAR or request.price is None or not place.want.urgent:
        return None
    try:
        price = Decimal(refusal.nearest)
    except InvalidOperation:
        return None  # it names none, or several
    if (request.price - price) * request.side.sign <= ZERO:
        return None
    return Place(replace(place.want, price=price), replace(request, price=price))


def signed_fill(order: Order, event: OrderEvent) -> Decimal:
    """What ``event`` added to the position, negative when sold; 0 when it is no fill."""
    return event.quantity * order.side.sign if isinstance(event, OrderFilled) else ZERO


def stirs(quiet: float, before: Prices, now: Prices) -> bool:
    """Whether any price has moved by more than the share ``quiet`` of what it was."""
    for old, new in zip(before, now, strict=True):
        if old != new and not (0.0 < old < inf and abs(new - old) <= quiet * old):
            return True
    return False


def arrival_of(market: InstrumentMarket, side: Side, quantity: Decimal) -> Arrival:
    """The market as a parent finds it when it begins."""
    bid, ask = market.book.best_bid(), market.book.best_ask()
    if not market.live or bid is None or ask is None:
        return Arrival()
    estimate = depth_to_fill(market.book, side, float(quantity))
    far = decimal_of((ask if side is Side.BUY else bid)[0])
    return Arrival(
        mid=(decimal_of(bid[0]) + decimal_of(ask[0])) / 2,
        touch=far,
        take=decimal_of(round(estimate.average, 12)) if estimate.quantity else ZERO,
        complete=estimate.complete,
    )
