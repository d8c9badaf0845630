"""Checksums of order books: the venue's own texts of the levels kept beside the floats, and the recipes over them.

Used by the sequencer only, for venues whose spec names one. Nothing here decides what a mismatch means.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from zlib import crc32

from msgspec import Struct

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.market import LevelTexts

Texts = Sequence[tuple[str, str]]
"""``(price, size)`` of one side's levels, best first."""


def okx_crc32(bids: Texts, asks: Texts) -> int:
    """``bid1:ask1:bid2:ask2…``, each ``price:size``, a missing level left out (okx.md §4)."""
    parts: list[str] = []
    for pair in zip_longest(bids, asks):
        for level in pair:
            if level is not None:
                parts += level
    return crc32(":".join(parts).encode())


def kraken_crc32(bids: Texts, asks: Texts) -> int:
    """Asks, then bids: the digits of price and size without point and leading zeros, all in one (kraken.md §4.1)."""
    digits = [text.replace(".", "").lstrip("0") for side in (asks, bids) for level in side for text in level]
    return crc32("".join(digits).encode())


class Recipe(Struct, frozen=True):
    """``levels`` a side go into ``compute``, which gives an unsigned 32-bit number."""

    levels: int
    compute: Callable[[Texts, Texts], int]


RECIPES: dict[str, Recipe] = {
    "okx_crc32": Recipe(25, okx_crc32),
    "bitget_crc32": Recipe(25, okx_crc32),
    "kraken_crc32": Recipe(10, kraken_crc32),
}
"""By the name that a venue's spec gives. Bitget's recipe is OKX's (bitget.md §4)."""


class TextBook:
    """The texts of one book's levels, written as the book is. InputError for a recipe that does not exist."""

    def __init__(self, name: str) -> None:
        recipe = RECIPES.get(name)
        if recipe is None:
            raise InputError(f"checksum {name!r} has no recipe in book/checksums.py: use one of {', '.join(RECIPES)}")
        self._recipe = recipe
        self._bids: dict[float, tuple[str, str]] = {}
        self._asks: dict[float, tuple[str, str]] = {}

    def replace(self, texts: LevelTexts | None) -> None:
        """A new snapshot's; None: the venue sends no checksums now, nothing is kept."""
        self._bids.clear()
        self._asks.clear()
        if texts is not None:
            self.apply(texts)

    def apply(self, texts: LevelTexts) -> None:
        """Changed levels: a size of 0 deletes."""
        for side, levels in zip((self._bids, self._asks), texts, strict=True):
            for level in levels:
                price = float(level[0])
                if float(level[1]):
                    side[price] = level
                else:
                    side.pop(price, None)

    def drop_far(self, book: OrderBook) -> None:
        """Forget texts of levels that ``book`` no longer holds, once they are many."""
        for texts, levels in ((self._bids, book.bids), (self._asks, book.asks)):
            if len(texts) > 2 * len(levels) + 2 * self._recipe.levels:
                for price in [price for price in texts if price not in levels]:
                    del texts[price]

    def proves(self, book: OrderBook, checksum: int) -> bool:
        """Whether ``checksum`` (signed or not) is that of ``book``'s best levels; False where a text is missing."""
        bids, asks = book.top(self._recipe.levels)
        try:
            bid_texts = [self._bids[price] for price, _ in bids]
            ask_texts = [self._asks[price] for price, _ in asks]
        except KeyError:
            return False
        return self._recipe.compute(bid_texts, ask_texts) == checksum & 0xFFFFFFFF
