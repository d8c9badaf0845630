"""Orders as MEXC's requests name them, and the ids by which they go over the wire. Used by the private pages.

Matching engines count orders per market; at MEXC an id stands for one order. So the wire's id is the engine's with the
market's number in its last digits.
"""

from collections.abc import Sequence
from typing import TypeVar

from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill
from jackbot_tui.sim.timeline import Timeline

MARKETS_NUMBERED = 1000
_Row = TypeVar("_Row")


class Records:
    """Of one kind of market."""

    def __init__(
        self, accounts: Accounts, markets: dict[str, SimMarket], numbers: dict[str, int], timeline: Timeline
    ) -> None:
        self.accounts = accounts
        self.markets = markets
        self.by_key = {market.listing.key: market for market in markets.values()}
        self.timeline = timeline
        self.numbers = numbers
        self._keys = {number: key for key, number in numbers.items()}

    def wire_id(self, key: str, order_id: int) -> int:
        return order_id * MARKETS_NUMBERED + self.numbers[key] if order_id else 0

    def id_of(self, order: AccountOrder) -> int:
        return self.wire_id(order.key, order.order_id)

    def order(self, account: int, text: str, *, waits: bool = False) -> AccountOrder | None:
        """By the wire's number; ``waits``: among those with a trigger."""
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            return None
        order_id, number = divmod(int(text), MARKETS_NUMBERED)
        key = self._keys.get(number, "")
        found = self.accounts.orders.order(account, key, order_id) if key in self.by_key else None
        return found if found is not None and (found.trigger is not None) is waits else None

    def by_client_id(self, account: int, market: SimMarket, text: str) -> AccountOrder | None:
        return self.accounts.orders.by_client_id(account, market.listing.key, text)

    def fills(self, order: AccountOrder) -> list[Fill]:
        if not order.filled:
            return []
        return self.accounts.orders.fills(order.account, order.key, order.order_id)

    def orders(self, account: int, markets: Sequence[SimMarket], *, waits: bool = False) -> list[AccountOrder]:
        """Newest first."""
        keys = {market.listing.key for market in markets}
        found = [
            order
            for order in self.accounts.orders.orders(account)
            if order.key in keys and (order.trigger is not None) is waits
        ]
        return sorted(found, key=lambda order: (order.created_ms, order.order_id), reverse=True)


def within(rows: Sequence[_Row], ms: Sequence[int], start: int | None, end: int | None) -> list[_Row]:
    """Rows whose time lies between the two."""
    return [
        row for row, at in zip(rows, ms, strict=True) if (start is None or at >= start) and (end is None or at <= end)
    ]
