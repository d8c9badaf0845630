"""Every change of a book under a number of its own, as KuCoin counts them (kucoin.md §4). A ``BookListener``.

Spot also numbers what is no level: hidden orders show as changes at price 0, about every third of all in recordings.
"""

import random

from msgspec import Struct

from jackbot_tui.model.enums import Side
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import BookOrder, Execution

FIRST_NUMBERS = (1_000_000_000_000, 2_000_000_000_000)
PLACEHOLDERS_PER_CHANGE = 0.5
"""Chance that a placeholder comes before a change: then every third number is one."""


class Change(Struct, frozen=True, gc=False):
    """The whole size at ``price`` is now ``quantity``, in ticks and lots; both are 0 in a placeholder."""

    number: int
    side: Side
    price: int
    quantity: int


class NumberedBook:
    """``number`` is the newest change's. What has changed waits until it is taken."""

    def __init__(self, market: SimMarket, seed: int, *, has_placeholders: bool) -> None:
        self._random = random.Random(f"{seed}:{market.listing.key}:kucoin numbers")
        self._has_placeholders = has_placeholders
        self._waiting: list[Change] = []
        self.number = self._random.randrange(*FIRST_NUMBERS)
        market.engine.listen(self)

    def take(self) -> list[Change]:
        """Changes since the last time, in the order of their numbers."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        if self._has_placeholders and self._random.random() < PLACEHOLDERS_PER_CHANGE:
            self._add(side, 0, 0)
        self._add(side, price, quantity)

    def on_execution(self, execution: Execution) -> None:
        """Trades are counted apart."""

    def on_order(self, order: BookOrder, now: int) -> None:
        """Orders of named accounts concern private streams."""

    def _add(self, side: Side, price: int, quantity: int) -> None:
        self.number += 1
        self._waiting.append(Change(self.number, side, price, quantity))
