"""Markets and orders as Gate's requests name them, and the ids by which orders go over the wire. Used by private pages.

Matching engines count orders per market; on Gate an id stands for one order of a whole kind of market. So the wire's id
is the engine's with the market's number in its last digits. A client's ``text`` names an order while it is open; on
perpetuals for another minute (gateio.md §8).
"""

import re
from collections.abc import Sequence
from typing import TypeVar

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.gateio.private_rest import LabelError, Signed, bad_value
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill
from jackbot_tui.sim.timeline import Timeline

MARKETS_NUMBERED = 1000
TEXT = re.compile(r"t-[0-9A-Za-z_.\-]{1,28}")
TEXT_LIFE_MS = {MarketKind.SPOT: -1, MarketKind.LINEAR: 60_000}
"""How long after its end an order is still found by its text."""

NAME_FIELDS = {MarketKind.SPOT: "currency_pair", MarketKind.LINEAR: "contract"}
UNKNOWN_MARKET = {
    MarketKind.SPOT: ("INVALID_CURRENCY_PAIR", "Invalid currency_pair"),
    MarketKind.LINEAR: ("CONTRACT_NOT_FOUND", "contract not found"),
}
_Row = TypeVar("_Row")
FIRST_PAGE = 100
LARGEST_PAGE = 1000


class Records:
    """Of one kind of market."""

    def __init__(
        self, accounts: Accounts, markets: dict[str, SimMarket], numbers: dict[str, int], timeline: Timeline
    ) -> None:
        self.accounts = accounts
        self.markets = markets
        self.by_key = {market.listing.key: market for market in markets.values()}
        self.timeline = timeline
        self.kind = next(iter(markets.values())).kind if markets else MarketKind.SPOT
        self._numbers = numbers
        self._keys = {number: key for key, number in numbers.items()}

    # --- markets -------------------------------------------------------------------------------------------------

    def market(self, signed: Signed, field: str = "") -> SimMarket:
        market = self.markets.get(signed.required(field or NAME_FIELDS[self.kind]))
        if market is None:
            raise LabelError(*UNKNOWN_MARKET[self.kind])
        return market

    def chosen(self, signed: Signed, field: str = "") -> list[SimMarket]:
        """The market that a request names, or all."""
        name = field or NAME_FIELDS[self.kind]
        return [self.market(signed, name)] if signed.text(name) else list(self.markets.values())

    # --- orders --------------------------------------------------------------------------------------------------

    def wire_id(self, key: str, order_id: int) -> int:
        return order_id * MARKETS_NUMBERED + self._numbers[key] if order_id else 0

    def id_of(self, order: AccountOrder) -> int:
        return self.wire_id(order.key, order.order_id)

    def fired(self, order: AccountOrder) -> int:
        return self.wire_id(order.key, order.child_id)

    def fills(self, order: AccountOrder) -> list[Fill]:
        if not order.filled:
            return []
        return self.accounts.orders.fills(order.account, order.key, order.order_id)

    def order(self, signed: Signed, *, waits: bool = False) -> AccountOrder:
        """The order that the path names by id or text; ``waits``: among those with a trigger."""
        name = signed.required("order_id")
        if name.startswith("t-"):
            return self._by_text(signed, name, waits=waits)
        if not name.isascii() or not name.isdigit() or len(name) > 20:
            raise bad_value("order_id")
        order_id, market = divmod(int(name), MARKETS_NUMBERED)
        key = self._keys.get(market, "")
        found = self.accounts.orders.order(signed.account, key, order_id) if key in self.by_key else None
        named = signed.text(NAME_FIELDS[self.kind]) if self.kind is MarketKind.SPOT else ""
        if found is None or (found.trigger is not None) is not waits or named not in ("", self.by_key[key].native):
            raise LabelError("ORDER_NOT_FOUND", "Order not found", 404)
        return found

    def _by_text(self, signed: Signed, text: str, *, waits: bool) -> AccountOrder:
        now_ms = self.timeline.now_ms()
        for market in self.chosen(signed):
            found = self.accounts.orders.by_client_id(signed.account, market.listing.key, text)
            if found is None or (found.trigger is not None) is not waits:
                continue
            if found.is_open or now_ms - found.updated_ms <= TEXT_LIFE_MS[self.kind]:
                return found
        raise LabelError("CLIENT_ID_NOT_FOUND", f"Order with client ID {text} not found", 404)

    def open_orders(self, account: int, market: SimMarket, *, waits: bool = False) -> list[AccountOrder]:
        orders = self.accounts.orders.open_orders(account, market.listing.key)
        return [order for order in orders if order.waiting is waits]

    def listed(self, signed: Signed, *, waits: bool = False, field: str = "") -> list[AccountOrder]:
        """Orders by ``status``, newest first."""
        wanted = {"open": True, "finished": False}.get(signed.required("status"))
        if wanted is None:
            raise bad_value("status")
        chosen = {market.listing.key for market in self.chosen(signed, field)}
        orders = [
            order
            for order in self.accounts.orders.orders(signed.account)
            if order.key in chosen and order.is_open is wanted and (order.trigger is not None) is waits
        ]
        orders.sort(key=lambda order: (order.created_ms, order.order_id), reverse=True)
        return orders

    def cancel(self, order: AccountOrder) -> None:
        """LabelError where it is over."""
        if not order.is_open:
            if self.kind is MarketKind.LINEAR:
                raise LabelError("ORDER_FINISHED", "order finished")
            raise LabelError("ORDER_CLOSED" if not order.remaining else "ORDER_CANCELLED", "Order already finished")
        self.accounts.cancel(order)

    def cancel_side(self, signed: Signed, market: SimMarket, *, waits: bool) -> list[AccountOrder]:
        """Every open order of a market, or of one side of it; those it canceled."""
        side = self.side(signed.text("side"))
        orders = self.open_orders(signed.account, market, waits=waits)
        canceled = []
        for order in orders:
            if order.is_open and side in (None, order.side):
                self.accounts.cancel(order)
                canceled.append(order)
        return canceled

    @staticmethod
    def side(text: str) -> Side | None:
        match text:
            case "":
                return None
            case "buy" | "bid":
                return Side.BUY
            case "sell" | "ask":
                return Side.SELL
        raise bad_value("side")


def order_text(text: str) -> str:
    """A client's id as Gate takes one. Empty: none."""
    if text and TEXT.fullmatch(text) is None:
        raise LabelError("INVALID_PARAM_VALUE", "Invalid text: it begins with t-, then 1 to 28 of 0-9 A-Z a-z _ - .")
    return text


def paged(rows: Sequence[AccountOrder], signed: Signed) -> list[AccountOrder]:
    """One page, by ``page`` or ``offset``; ``from`` and ``to`` are seconds."""
    return _cut([row for row in rows if _within(row.updated_ms, signed)], signed)


def paged_fills(fills: Sequence[Fill], signed: Signed) -> list[Fill]:
    """One page of fills, newest first."""
    chosen = [fill for fill in fills if _within(fill.ms, signed)]
    chosen.sort(key=lambda fill: fill.ms)
    return _cut(chosen[::-1], signed)


def _within(ms: int, signed: Signed) -> bool:
    first, last = signed.whole("from"), signed.whole("to")
    return (first is None or ms // 1000 >= first) and (last is None or ms // 1000 <= last)


def _cut(rows: list[_Row], signed: Signed) -> list[_Row]:
    limit = min(signed.whole("limit") or FIRST_PAGE, LARGEST_PAGE)
    page = signed.whole("page")
    start = (page - 1) * limit if page is not None else signed.whole("offset") or 0
    if limit < 1 or start < 0:
        raise bad_value("limit")
    return rows[start : start + limit]
