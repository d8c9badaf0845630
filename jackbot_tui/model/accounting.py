"""The arithmetic of positions: fills and funding in, a new position out, exact in Decimal.

Portfolio and journal projection call these, so there is one definition of profit. They are pure: no prices are
looked up, nothing is kept. Exactness: an average price is a quotient and must be rounded somewhere (18 decimals here);
what the rounding gains or loses is booked to ``realized`` at once, so that ``realized - average_entry * quantity``
equals the cash that went in and out, to the last digit, after any sequence of fills.
"""

from decimal import Decimal, localcontext
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.model.orders import OrderFilled, Position
from jackbot_tui.model.transitions import EXACT, PRICE_PLACES


class Currencies(Struct, frozen=True):
    """Currencies of an instrument. ``settle`` receives profit, fees and funding; on spot it is the quote."""

    base: str
    quote: str
    settle: str
    is_perpetual: bool


@lru_cache(maxsize=4096)
def currencies_of(key: str) -> Currencies:
    """Currencies named by an instrument's key: ``venue:BASE/QUOTE`` or ``venue:BASE/QUOTE:SETTLE`` (a perpetual).

    InputError when the key has neither shape.
    """
    _, _, symbol = key.partition(":")
    pair, _, settle = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    if not (base and slash and quote):
        raise InputError(f"instrument key {key!r} is not venue:BASE/QUOTE or venue:BASE/QUOTE:SETTLE")
    return Currencies(base, quote, settle or quote, bool(settle))


def fee_in_quote(key: str, fill: OrderFilled) -> Decimal:
    """The fill's fee in the instrument's quote currency.

    A fee in the base currency is valued at the fill's price; one in a third currency cannot be valued from the fill and
    counts 0 here (it stays visible in the order's ``fees``).
    """
    currencies = currencies_of(key)
    if fill.fee_currency in (currencies.quote, currencies.settle):
        return fill.fee
    return EXACT.multiply(fill.fee, fill.price) if fill.fee_currency == currencies.base else ZERO


def fee_in_base(key: str, fill: OrderFilled) -> Decimal:
    """What a spot fill's fee took out of the base currency itself: spot buys pay so at many venues. Else 0."""
    currencies = currencies_of(key)
    return fill.fee if fill.fee_currency == currencies.base and not currencies.is_perpetual else ZERO


def apply_fill(
    position: Position, side: Side, fill: OrderFilled, fee_in_quote: Decimal, fee_in_base: Decimal = ZERO
) -> Position:
    """The position after ``fill`` of an order on ``side``.

    ``fee_in_quote`` is the fill's fee in the quote currency (positive = paid), whatever currency it was charged in.
    A fill beyond what is open closes the old position and opens the rest on the other side at the fill's price.

    ``fee_in_base`` is the part that was kept back in base units: it leaves the position as if sold at the fill's price,
    which pays the fee, so that quantity and cash are those of the wallets, to the last digit.
    """
    with localcontext(EXACT):
        after = moved(position, fill.quantity * side.sign, fill.price)
        if fee_in_base:
            after = moved(after, -fee_in_base, fill.price)
        return replace(
            after,
            fees=position.fees + fee_in_quote,
            bought=position.bought + (fill.quantity if side is Side.BUY else ZERO),
            sold=position.sold + (fill.quantity if side is Side.SELL else ZERO),
            updated_ns=max(position.updated_ns, fill.ts),
        )


def adopted(position: Position, quantity: Decimal, average_entry: Decimal, realized: Decimal, ts: int) -> Position:
    """The position after it was set to what the venue holds; fees, funding and what was traded stay as they were."""
    updated_ns = max(position.updated_ns, ts)
    return replace(position, quantity=quantity, average_entry=average_entry, realized=realized, updated_ns=updated_ns)


def moved(position: Position, change: Decimal, price: Decimal) -> Position:
    """``position`` with ``change`` base units (signed) more at ``price``, no fee; call it in the exact context."""
    quantity = position.quantity + change
    if position.quantity * change >= ZERO:
        cost = position.average_entry * position.quantity + price * change
        average = (cost / quantity).quantize(PRICE_PLACES) if quantity else ZERO
        realized = position.realized + (average * quantity - cost)
    else:
        closed = -change if abs(change) <= abs(position.quantity) else position.quantity
        realized = position.realized + (price - position.average_entry) * closed
        reversed_side = quantity * position.quantity < ZERO
        average = price if reversed_side else position.average_entry if quantity else ZERO
    return replace(position, quantity=quantity, average_entry=average, realized=realized)


def apply_funding(position: Position, amount: Decimal, ts: int) -> Position:
    """The position after a funding settlement of ``amount`` quote currency (positive = received)."""
    return replace(position, funding=EXACT.add(position.funding, amount), updated_ns=max(position.updated_ns, ts))


def funding_amount(quantity: Decimal, mark: Decimal, rate: Decimal) -> Decimal:
    """Funding that a position of signed ``quantity`` receives (negative: pays) at ``rate``, a fraction of its value."""
    with localcontext(EXACT):
        return -quantity * mark * rate


def net_realized(position: Position) -> Decimal:
    """Closed profit after fees and funding, in quote currency."""
    with localcontext(EXACT):
        return position.realized - position.fees + position.funding


def unrealized(position: Position, mark: Decimal) -> Decimal:
    """Profit, before fees, of closing everything at ``mark``; quote currency."""
    with localcontext(EXACT):
        return (mark - position.average_entry) * position.quantity


def break_even(position: Position, taker_fee: Decimal) -> Decimal:
    """Price at which closing at ``taker_fee`` (fraction) loses nothing on what is open now; 0 when flat.

    The fee of the entry is taken as ``taker_fee`` as well: what was really paid is not kept apart per open quantity,
    and this way the figure never flatters a maker. Profit of earlier trades and funding are not mixed in.
    """
    if not position.quantity:
        return ZERO
    paid, kept = (ONE + taker_fee, ONE - taker_fee) if position.quantity > ZERO else (ONE - taker_fee, ONE + taker_fee)
    return position.average_entry * paid / kept
