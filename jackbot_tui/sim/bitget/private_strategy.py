"""Bitget's signed v3 pages for strategy orders: a stop-loss or take-profit that waits, and becomes an order in time.

``private`` mounts them. They live on pages of their own, and what follows from one is an order with another id, without
its client id. Shapes as ccxt 4.5.90 reads them (``bitget.py``, parse_order and its callers). Not played: both prices in
one order, and changing one.
"""

from collections.abc import Mapping
from typing import Any

from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.bitget.order_texts import Numbers, client_id_text
from jackbot_tui.sim.bitget.private_orders import CLIENT_ID
from jackbot_tui.sim.bitget.private_rest import PrivatePage, Signed, VenueError, venue_error, wrong
from jackbot_tui.sim.bitget.texts import category_of
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refusal, Refused, TriggerPrice

KINDS = {"stopLoss": "sl", "takeProfit": "tp"}
"""The field of the price that sets an order off, and how its other fields begin."""


class StrategyPages:
    """``markets`` by category and native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[tuple[str, str], SimMarket], numbers: Numbers) -> None:
        self._accounts = accounts
        self._markets = markets
        self._numbers = numbers
        self._by_key = {market.listing.key: market for market in markets.values()}

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        return [
            PrivatePage("POST", "/api/v3/trade/place-strategy-order", self._place, 10, trade, trades=True),
            PrivatePage("POST", "/api/v3/trade/cancel-strategy-order", self._cancel, 10, trade, trades=True),
            PrivatePage("GET", "/api/v3/trade/unfilled-strategy-orders", self._open),
            PrivatePage("GET", "/api/v3/trade/history-strategy-orders", self._history),
        ]

    def _place(self, signed: Signed) -> dict[str, str]:
        market = self._markets.get((signed.required("category").upper(), signed.required("symbol")))
        if market is None:
            raise wrong("symbol")
        try:
            order = self._accounts.submit(signed.account, self._spec(signed, market))
        except Refused as refused:
            raise venue_error(refused) from None
        return {"orderId": self._numbers.order(order.key, order.order_id), "clientOid": client_id_text(order)}

    @staticmethod
    def _spec(signed: Signed, market: SimMarket) -> OrderSpec:
        """Closes the position when no quantity is given; ``posSide`` names what it reduces."""
        named = [name for name in KINDS if signed.text(name)]
        side = signed.required("side").lower()
        if len(named) != 1 or side not in ("buy", "sell"):
            raise wrong("side, stopLoss or takeProfit")
        begin, client_id = KINDS[named[0]], signed.text("clientOid")
        if client_id and CLIENT_ID.fullmatch(client_id) is None:
            raise wrong("clientOid")
        quantity = signed.number("qty") or ZERO
        limit = signed.text(f"{begin}OrderType").lower() == "limit"
        if limit:
            signed.required(f"{begin}LimitPrice")
        return OrderSpec(
            key=market.listing.key,
            side=Side(side),
            quantity=quantity,
            price=signed.number(f"{begin}LimitPrice") if limit else None,
            client_id=client_id,
            reduce_only=bool(signed.text("posSide")) or signed.flag("reduceOnly"),
            trigger_price=signed.number(named[0]),
            trigger_by=TriggerPrice.LAST if signed.text(f"{begin}TriggerBy") == "market" else TriggerPrice.MARK,
            takes_profit=begin == "tp",
            close_position=not quantity,
        )

    def _cancel(self, signed: Signed) -> None:
        try:
            self._accounts.cancel(self._asked(signed))
        except Refused as refused:
            raise venue_error(refused) from None

    def _asked(self, signed: Signed) -> AccountOrder:
        order_id, client_id = signed.text("orderId"), signed.text("clientOid")
        if not order_id and not client_id:
            raise VenueError("40019", "Parameter orderId cannot be empty")
        for order in reversed(self._accounts.orders.orders(signed.account)):
            number = self._numbers.order(order.key, order.order_id)
            if order.trigger is not None and (number == order_id if order_id else order.client_id == client_id):
                return order
        raise Refused(Refusal.UNKNOWN_ORDER)

    def _open(self, signed: Signed) -> list[dict[str, Any]]:
        return self._rows(signed, waiting=True)

    def _history(self, signed: Signed) -> dict[str, Any]:
        return {"list": self._rows(signed, waiting=False), "cursor": ""}

    def _rows(self, signed: Signed, *, waiting: bool) -> list[dict[str, Any]]:
        category, symbol = signed.text("category").upper(), signed.text("symbol")
        rows = []
        for order in reversed(self._accounts.orders.orders(signed.account)):
            market = self._by_key[order.key]
            of_category = category in ("", category_of(market.listing.instrument))
            if order.trigger is not None and order.is_open is waiting and of_category and symbol in ("", market.native):
                rows.append(self._row(market, order))
        return rows

    def _row(self, market: SimMarket, order: AccountOrder) -> dict[str, Any]:
        trigger = order.trigger
        if trigger is None:
            raise ValueError("an order that waits for nothing is no strategy order")
        name = "takeProfit" if trigger.takes_profit else "stopLoss"
        begin = KINDS[name]
        by = "market" if trigger.by is TriggerPrice.LAST else "mark"
        return {
            "orderId": self._numbers.order(order.key, order.order_id),
            "clientOid": client_id_text(order),
            "category": category_of(market.listing.instrument),
            "symbol": market.native,
            "side": order.side.value,
            "posSide": "" if not order.reduce_only else "long" if order.side is Side.SELL else "short",
            "qty": market.text.quantity(order.quantity),
            name: market.text.price(trigger.price),
            f"{begin}TriggerBy": by,
            f"{begin}OrderType": "market" if order.is_market else "limit",
            f"{begin}LimitPrice": market.text.price(order.price) if order.price else "",
            "orderStatus": _status(order),
            "feeDetail": [],
            "createdTime": str(order.created_ms),
            "updatedTime": str(order.updated_ms),
        }


def _status(order: AccountOrder) -> str:
    if order.is_open:
        return "not_trigger"
    return "executed" if order.child_id else "cancelled"
