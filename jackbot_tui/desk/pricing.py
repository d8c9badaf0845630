"""Turns what was said (``bid+1t``, ``1000$``, ``half``) into the exact price and quantity of an order.

A number as typed is never changed: off the tick it is refused with its neighbours. What is computed is rounded to the
tick away from the market and down to the lot, and the preview shows the result. Money and quantities are Decimal.
"""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.book.market import MARK_LIFE_NS
from jackbot_tui.desk.commands import OffsetUnit, Price, PriceRef, Size, SizeUnit
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO, is_multiple, round_down, round_nearest, round_up, text_of
from jackbot_tui.risk.venue_filters import LARGEST

SMALLEST = Decimal("1e-15")
"""Prices from a screen below this are none; together with ``LARGEST`` it bounds the digits of what is computed."""

_HUNDRED = Decimal(100)
_BASIS_POINTS = Decimal(10_000)


class Objection(InputError):
    """A word that was understood cannot be carried out. ``word`` names its span (``price``, ``size``, ``id``…)."""

    def __init__(self, message: str, word: str, example: str = "", code: str = "refused") -> None:
        super().__init__(message)
        self.message = message
        self.word = word
        self.example = example
        self.code = code


class Touch(Struct, frozen=True):
    """Prices of one instrument now; None = unknown. ``bid`` and ``ask`` are None unless the book is LIVE.

    ``mark`` is None when it is too old to be believed.
    """

    state: BookState
    reason: str = ""
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    mark: Decimal | None = None

    def near(self, side: Side) -> Decimal | None:
        return self.bid if side is Side.BUY else self.ask

    def far(self, side: Side) -> Decimal | None:
        return self.ask if side is Side.BUY else self.bid


class Where(Struct, frozen=True):
    """What a price may refer to besides the market: entry of the position, ladder cursor, the order's own price."""

    entry: Decimal = ZERO
    cursor: str = ""
    own: Decimal | None = None


def resolve_price(price: Price, side: Side, instrument: Instrument, touch: Touch, where: Where) -> Decimal:
    """The exact price on the tick. Objection when it cannot be known or is off the tick."""
    tick = instrument.tick
    if price.ref is PriceRef.NONE:
        if not is_multiple(price.value, tick):
            raise Objection(f"not on the {text_of(tick)} tick: {_neighbours(price.value, instrument)}", "price")
        return price.value
    base = _reference(price.ref, side, instrument, touch, where)
    moved = _moved(base, price, tick)
    if price.ref is PriceRef.CUR and not price.value and not is_multiple(moved, tick):
        raise Objection(f"the cursor is not on the {text_of(tick)} tick: {_neighbours(moved, instrument)}", "price")
    rounded = round_down(moved, tick) if side is Side.BUY else round_up(moved, tick)
    if rounded <= 0:
        raise Objection(f"that is {text_of(rounded)}: a price is above 0", "price")
    return rounded


def _neighbours(value: Decimal, instrument: Instrument) -> str:
    below, above = round_down(value, instrument.tick), round_up(value, instrument.tick)
    places = instrument.price_places
    return f"{above:.{places}f}" if below <= 0 else f"{below:.{places}f} or {above:.{places}f}"


def _moved(base: Decimal, price: Price, tick: Decimal) -> Decimal:
    match price.unit:
        case OffsetUnit.TICKS:
            return base + price.value * tick
        case OffsetUnit.PERCENT:
            return base + base * price.value / _HUNDRED
        case OffsetUnit.BASIS_POINTS:
            return base + base * price.value / _BASIS_POINTS
        case OffsetUnit.PRICE:
            return base + price.value


def _reference(ref: PriceRef, side: Side, instrument: Instrument, touch: Touch, where: Where) -> Decimal:
    match ref:
        case PriceRef.BID:
            return _known(touch.bid, "best bid", instrument, touch)
        case PriceRef.ASK:
            return _known(touch.ask, "best ask", instrument, touch)
        case PriceRef.NEAR:
            return _known(touch.near(side), "best bid" if side is Side.BUY else "best ask", instrument, touch)
        case PriceRef.MID:
            bid = _known(touch.bid, "best bid", instrument, touch)
            return (bid + _known(touch.ask, "best ask", instrument, touch)) / 2
        case PriceRef.LAST:
            if touch.last is None:
                raise Objection(f"no trade of {instrument.symbol} seen yet", "price", "@ bid")
            return touch.last
        case PriceRef.MARK:
            if touch.mark is None:
                life_s = MARK_LIFE_NS // NS_PER_S
                raise Objection(f"{instrument.symbol} has no mark price of the last {life_s} s", "price", "@ mid")
            return touch.mark
        case PriceRef.ENTRY:
            if not where.entry:
                raise Objection(f"no position in {instrument.symbol}, so no entry price", "price", "@ bid")
            return where.entry
        case PriceRef.CUR:
            return _cursor(where.cursor)
        case PriceRef.OWN:
            if where.own is None:
                raise Objection("that order has no price to count from", "price")
            return where.own
        case PriceRef.NONE:
            raise Objection("a reference is missing", "price")


def _known(price: Decimal | None, what: str, instrument: Instrument, touch: Touch) -> Decimal:
    if price is not None:
        return price
    if touch.state is BookState.LIVE:
        raise Objection(f"{instrument.symbol} has no {what} now", "price", "@ last")
    raise Objection(book_trouble(instrument, touch), "price", code="book_not_live")


def book_trouble(instrument: Instrument, touch: Touch) -> str:
    why = f" ({touch.reason})" if touch.reason else ""
    return f"the {instrument.symbol} book is {touch.state.value.upper()}{why}: only cancel, flatten and kill work"


def _cursor(text: str) -> Decimal:
    cursor = number_seen(text)
    if cursor is None:
        raise Objection("no ladder cursor here: cur works on a screen", "price", "@ bid")
    return cursor


def number_seen(text: str) -> Decimal | None:
    """A price that a screen reports, exact; None when there is none or it is no price (0, beyond anything traded)."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    return value if value.is_finite() and SMALLEST <= value <= LARGEST else None


class Holdings(Struct, frozen=True):
    """What a relative size may refer to. ``equity`` in quote currency; ``presets`` in base units."""

    position: Decimal
    equity: Decimal
    presets: tuple[Decimal, ...]


def resolve_size(
    size: Size, instrument: Instrument, price: Decimal | None, holdings: Holdings, *, closing: bool
) -> Decimal:
    """Base units. ``price`` values sizes said in money; ``closing`` makes percent mean the position.

    A number of base units comes back as typed: whether it is a multiple of the lot is for the gate to say.
    """
    match size.unit:
        case SizeUnit.BASE:
            return size.value
        case SizeUnit.PRESET:
            return holdings.presets[int(size.value) - 1]
        case SizeUnit.POSITION:
            return _of_position(Decimal(1), instrument, holdings)
        case SizeUnit.HALF:
            return _of_position(Decimal("0.5"), instrument, holdings)
        case SizeUnit.PERCENT if closing:
            return _of_position(size.value / _HUNDRED, instrument, holdings)
        case SizeUnit.PERCENT:
            return _for_money(holdings.equity * size.value / _HUNDRED, instrument, price)
        case SizeUnit.QUOTE:
            return _for_money(size.value, instrument, price)


def _of_position(part: Decimal, instrument: Instrument, holdings: Holdings) -> Decimal:
    held = abs(holdings.position)
    if not held:
        raise Objection(f"no position in {instrument.symbol}", "size", code="flat")
    quantity = round_down(held * part, instrument.lot)
    if not quantity:
        message = f"{text_of(held * part)} {instrument.base} is less than one lot of {text_of(instrument.lot)}"
        raise Objection(message, "size", "close all")
    return quantity


def _for_money(money: Decimal, instrument: Instrument, price: Decimal | None) -> Decimal:
    if price is None:
        raise Objection(f"no price to turn money into {instrument.base}: say base units", "size", "0.5")
    quantity = round_down(money / price, instrument.lot)
    if quantity <= 0:
        least = round_nearest(instrument.lot * price, Decimal("0.01"))
        message = f"{text_of(round_nearest(money, Decimal('0.01')))} {instrument.quote} buys less than one lot"
        raise Objection(f"{message} ({text_of(instrument.lot)} = {text_of(least)} {instrument.quote})", "size")
    return quantity
