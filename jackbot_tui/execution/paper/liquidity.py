"""What own orders took from the displayed book: the market does not know of them, so somebody must remember.

One object per instrument, owned by its matching. What was eaten of a level stays eaten while the exchange goes on
showing it: only what the level gains is new, and what it loses is taken to be what we ate first. Two market orders in a
row do not take the same coins twice, and a level that twitches is not whole again.
"""

from collections.abc import Iterator
from decimal import Decimal

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO, decimal_of


class DisplayedLiquidity:
    """Displayed levels of one book minus what was taken from them."""

    __slots__ = ("_book", "_taken")

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._taken: dict[tuple[Side, float], tuple[float, Decimal]] = {}

    def refresh(self) -> None:
        """The book changed: of a level is left what was left before and what it gained, up to what it shows."""
        if self._taken:
            self._taken = {
                (side, price): (shown, taken)
                for (side, price), (before, eaten) in self._taken.items()
                if (shown := self._book.size_at(side, price))
                and (taken := eaten - max(ZERO, decimal_of(before) - decimal_of(shown))) > ZERO
            }

    def walk(self, side: Side, limit: float | None) -> Iterator[tuple[float, Decimal]]:
        """``(price, what is left)`` of the levels of ``side`` from the best to ``limit`` (None: to the last)."""
        for price, shown in self._book.iter_from_best(side):
            if limit is not None and (price < limit if side is Side.BUY else price > limit):
                return
            left = decimal_of(shown) - self.taken(side, price)
            if left > ZERO:
                yield price, left

    def taken(self, side: Side, price: float) -> Decimal:
        """What was taken from this level and is displayed all the same."""
        memory = self._taken.get((side, price))
        return memory[1] if memory is not None else ZERO

    def take(self, side: Side, price: float, quantity: Decimal) -> None:
        """Remember that ``quantity`` of this level is gone."""
        shown, taken = self._taken.get((side, price), (self._book.size_at(side, price), ZERO))
        self._taken[(side, price)] = (shown, taken + quantity)
