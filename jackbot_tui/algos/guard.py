"""The stop of a smart trade that waits at the venue: where it should stand, and whether the one that is there may stay.

It is reduce-only and for all that is left, so it never competes with the exits that are watched here: whichever comes
first takes the position off, and the venue holds the other to what is left. Pure; used by ``smart`` and ``jackpot``.
"""

from decimal import Decimal
from fractions import Fraction

from jackbot_tui.algos.algorithm import passive_price
from jackbot_tui.algos.levels import Distance, distance
from jackbot_tui.algos.smart_trade import Trade
from jackbot_tui.algos.state import GUARD, Child, Want
from jackbot_tui.model.enums import TriggerBy
from jackbot_tui.model.numbers import ZERO, round_down

SLACK = 4
"""A guard stays while it is within this part of its distance from where it should be: each move takes it away for a
moment, and a trailing stop moves often."""

GROWN_PART = 10
"""While the entry fills, it is placed anew for each such part of its size."""


def last_stop(trade: Trade) -> Decimal:
    """The stop that takes off all that is left when the market falls steadily; 0 when none stands."""
    exits, memory = trade.exits, trade.memory
    whole = [trade.trail_stop, trade.lock_stop, trade.even_price if memory.even else ZERO]
    whole = [price for price in whole if price]
    levels = [exits.stops[n].price for n in trade.open_stops]
    if levels and (sum((rung.share for rung in exits.stops), Fraction(0)) >= 1 or not whole):
        whole.append(_extreme(trade, levels, nearest=False))
    return _extreme(trade, whole, nearest=True) if whole else ZERO


def _extreme(trade: Trade, prices: list[Decimal], *, nearest: bool) -> Decimal:
    """The price that the market reaches first, or last, on its way to the loss."""
    sign = trade.exits.side.sign
    return (min if nearest else max)(prices, key=lambda price: price * sign)


def safety_of(trade: Trade) -> Distance | None:
    text = trade.terms.values.get("safety", "")
    return distance(text) if text else None


def safety_price(trade: Trade, away: Distance) -> Decimal:
    """``away`` behind the last stop, on the tick; 0 while none stands."""
    stop = last_stop(trade)
    if not stop:
        return ZERO
    tick = trade.seen.instrument.tick_at(stop)
    price = trade.exits.back(stop, max(away.at(stop, tick), tick))
    return max(passive_price(price, trade.seen.instrument, trade.exits.side.opposite), tick)


def trigger_of(trade: Trade) -> TriggerBy | None:
    """What wakes it at the venue: the watched price where the venue knows it, else the last trade; None: no stops."""
    known = trade.seen.view.triggers
    wanted = TriggerBy.MARK if trade.terms.word("trigger") == "mark" else TriggerBy.LAST
    return wanted if wanted in known else next(iter(known), None)


def guard_want(trade: Trade, price: Decimal, slack: Decimal, worst: Decimal | None = None) -> Want | None:
    """The guard as it should be at ``price``; None: there is nothing to guard, or the present one must go first.

    It is a market order once it is woken, with ``worst`` a limit order at that price.
    """
    by, child = trigger_of(trade), trade.seen.child(GUARD)
    quantity = round_down(trade.left, trade.seen.instrument.lot)
    if by is None or not price or quantity < trade.least:
        return None
    if child is not None:
        return kept(trade, child) if _fits(trade, child, price, quantity, slack) else None
    if trade.memory.unguarded and price == trade.memory.unguarded_at:
        return None  # refused there: not before it stands elsewhere
    return Want(
        slot=GUARD,
        quantity=quantity,
        price=price if worst is None else worst,
        leg=trade.exits.leg,
        reduce_only=True,
        urgent=True,
        trigger_price=price,
        trigger_by=by,
    )


def kept(trade: Trade, child: Child) -> Want:
    """The guard that is there, as it is."""
    return Want(slot=GUARD, quantity=child.remaining, price=child.price, leg=trade.exits.leg, reduce_only=True)


def _fits(trade: Trade, child: Child, price: Decimal, quantity: Decimal, slack: Decimal) -> bool:
    if abs(child.price - price) > slack or child.remaining > quantity:
        return False
    missing = quantity - child.remaining
    return not missing or (trade.may_enter and missing < child.quantity / GROWN_PART)
