"""Keys into lines of the command language: what a key press says, with the price and quantity that were on the glass.

Pure. A line holds plain numbers, so it means the same a second later, in the journal and when it is repeated. Raises
``NothingToSay`` with one line for people where a key has no meaning now.
"""

from decimal import Decimal

from jackbot_tui.desk.views import BookView, HeaderView, OwnOrderView
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import text_of

GROUP_STEPS: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""Ticks per row that ``+`` and ``-`` go through; ``group N`` takes any number."""


class NothingToSay(InputError):
    """A key that cannot mean anything at this moment; nothing was sent."""


def limit_line(side: Side, quantity: str, price: str, post: bool = False, reduce: bool = False) -> str:
    flags = (" post" if post else "") + (" reduce" if reduce else "")
    return f"{side.value} {_sized(quantity)} @ {price}{flags}"


def market_line(side: Side, quantity: str, header: HeaderView) -> str:
    slip = f" slip={header.slip_ticks}t" if header.slip_ticks else ""
    reduce = " reduce" if header.reduce_only else ""
    return f"{side.value} {_sized(quantity)} mkt{reduce}{slip}"


def join_line(side: Side, quantity: str, book: BookView, header: HeaderView) -> str:
    """At the best price of the own side, whatever the grouping."""
    return limit_line(side, quantity, _best(side, book), header.post_only, header.reduce_only)


def improve_line(side: Side, quantity: str, book: BookView, header: HeaderView) -> str:
    """One tick better than the best of the own side, post-only; there must be room in the spread."""
    best = Decimal(_best(side, book))
    other = Decimal(_best(side.opposite, book))
    price = best + Decimal(book.tick) * side.sign
    if (other - price) * side.sign <= 0:
        key = "n joins the bid" if side is Side.BUY else "m joins the ask"
        raise NothingToSay(f"the spread is one tick: nothing to improve ({key})")
    return limit_line(side, quantity, f"{price:.{book.price_places}f}", True, header.reduce_only)


def cancel_here_line(orders: list[OwnOrderView]) -> str:
    if not orders:
        raise NothingToSay("no order of yours at the cursor: X cancels all of the instrument, u the newest")
    return "cancel " + " ".join(str(order.number) for order in orders)


def position_line(verb: str, position: Decimal) -> str:
    """``flatten`` cancels orders as well and is said even when flat; the others need a position."""
    if not position and verb != "flatten":
        word = verb.split()[0]
        raise NothingToSay(f"no position: nothing to {'protect' if word == 'be' else word}")
    return verb


def scaled_quantity(quantity: str, factor: Decimal, places: int) -> str:
    """``quantity`` times ``factor``, cut to the lot's decimals."""
    value = (Decimal(_sized(quantity)) * factor).quantize(Decimal(1).scaleb(-places), rounding="ROUND_DOWN")
    if value <= 0:
        raise NothingToSay(f"{quantity} is the smallest quantity here already")
    return text_of(value)


def next_group(group: int, coarser: bool) -> int:
    """The next price group of 1, 2, 5, 10 … ticks."""
    if coarser:
        above = [step for step in GROUP_STEPS if step > group]
        if above:
            return above[0]
    else:
        below = [step for step in GROUP_STEPS if step < group]
        if below:
            return below[-1]
    raise NothingToSay(f"x{group} is the {'coarsest' if coarser else 'finest'} group")


def _sized(quantity: str) -> str:
    if not quantity:
        raise NothingToSay("no quantity yet: 1-5 takes a preset, 0 types one")
    return quantity


def _best(side: Side, book: BookView) -> str:
    price = book.best_bid if side is Side.BUY else book.best_ask
    if not price:
        raise NothingToSay(f"no {'bid' if side is Side.BUY else 'ask'} in the book")
    return price
