"""All orders and fills of the exchange's accounts, and how they are found again. Bounded; no rules, no money.

Owned by ``sim.accounts``. Open orders are kept whatever their number; of closed ones and of fills each account keeps
the newest, older ones are forgotten.
"""

from collections import deque
from collections.abc import Iterable

from jackbot_tui.sim.requests import AccountOrder, Fill
from jackbot_tui.sim.terms import UniqueIds

CLOSED_KEPT = 5_000
FILLS_KEPT = 10_000


class OrderStore:
    def __init__(self, accounts: Iterable[int]) -> None:
        self._orders: dict[int, dict[tuple[str, int], AccountOrder]] = {account: {} for account in accounts}
        self._open: dict[tuple[int, str], dict[int, AccountOrder]] = {}
        self._by_client: dict[tuple[int, str, str], AccountOrder] = {}
        self._closed: dict[int, deque[AccountOrder]] = {account: deque() for account in self._orders}
        self._fills: dict[int, deque[Fill]] = {account: deque(maxlen=FILLS_KEPT) for account in self._orders}

    def add(self, order: AccountOrder) -> None:
        self._orders[order.account][order.key, order.order_id] = order
        self._open.setdefault((order.account, order.key), {})[order.order_id] = order
        self._by_client[order.account, order.key, order.client_id] = order

    def forget(self, order: AccountOrder) -> None:
        """An order that was refused after all: as if it had never been."""
        del self._orders[order.account][order.key, order.order_id]
        self._open[order.account, order.key].pop(order.order_id, None)
        self._forget_client_id(order)

    def close(self, order: AccountOrder) -> None:
        if self._open[order.account, order.key].pop(order.order_id, None) is None:
            return
        closed = self._closed[order.account]
        closed.append(order)
        if len(closed) > CLOSED_KEPT:
            oldest = closed.popleft()
            del self._orders[oldest.account][oldest.key, oldest.order_id]
            self._forget_client_id(oldest)

    def rename(self, order: AccountOrder, client_id: str) -> None:
        """Give an order another client id; the former one finds nothing any more."""
        self._forget_client_id(order)
        order.client_id = client_id
        self._by_client[order.account, order.key, client_id] = order

    def _forget_client_id(self, order: AccountOrder) -> None:
        place = order.account, order.key, order.client_id
        if self._by_client.get(place) is order:
            del self._by_client[place]

    def is_taken(self, account: int, key: str, client_id: str, unique: UniqueIds) -> bool:
        if unique is UniqueIds.NONE:
            return False
        found = self._by_client.get((account, key, client_id))
        return found is not None and (unique is UniqueIds.ALL or found.is_open)

    def order(self, account: int, key: str, order_id: int) -> AccountOrder | None:
        return self._orders[account].get((key, order_id))

    def by_client_id(self, account: int, key: str, client_id: str) -> AccountOrder | None:
        """The newest order with this id."""
        return self._by_client.get((account, key, client_id))

    def orders(self, account: int, key: str | None = None) -> list[AccountOrder]:
        """Open and closed, in the order in which they came."""
        return [order for order in self._orders[account].values() if key is None or order.key == key]

    def open_orders(self, account: int, key: str | None = None) -> list[AccountOrder]:
        if key is not None:
            return list(self._open.get((account, key), {}).values())
        return [order for (owner, _), orders in self._open.items() if owner == account for order in orders.values()]

    def add_fill(self, fill: Fill) -> None:
        self._fills[fill.account].append(fill)

    def fills(self, account: int, key: str | None = None, order_id: int | None = None) -> list[Fill]:
        return [
            fill
            for fill in self._fills[account]
            if (key is None or fill.key == key) and (order_id is None or fill.order_id == order_id)
        ]
