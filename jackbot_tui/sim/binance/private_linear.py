"""Binance USD-M's signed pages for orders, conditional orders and trades; ``private_margin`` has account and positions.

``private`` mounts them. Conditional orders ("algo" orders) live on pages of their own, and a triggered one goes on as
an order with another id (binance.md §8). Shapes, weights and codes: ../shared/exchanges/binance.md §8, §9 and §11.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.binance import order_texts as texts
from jackbot_tui.sim.binance.exchange_info import LINEAR_TYPES
from jackbot_tui.sim.binance.private_fields import (
    NO_SUCH_ORDER,
    asked_order,
    market_of,
    order_spec,
    shown,
    side_of,
)
from jackbot_tui.sim.binance.private_rest import PrivatePage, Signed, page_error
from jackbot_tui.sim.binance.rest import PageError
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Refusal, Refused

MOST_IN_BATCH = 5
MOST_CANCELED_IN_BATCH = 10
CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
MOST_AMENDMENTS = 10_000
_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


def _weigh(weight: int) -> Any:
    return lambda fields: weight


def _per_symbol(one: int, many: int) -> Any:
    return lambda fields: one if fields.get("symbol") else many


def _one(fields: Mapping[str, str]) -> int:
    return 1


def _batch(fields: Mapping[str, str]) -> int:
    return min(MOST_IN_BATCH, fields.get("batchOrders", "").count("{"))


class LinearPrivate:
    """``markets`` by native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[str, SimMarket]) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for market in markets.values()}

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        order, batch, algo = "/fapi/v1/order", "/fapi/v1/batchOrders", "/fapi/v1/algoOrder"
        return [
            PrivatePage("POST", order, _weigh(0), self._place, trade, _one),
            PrivatePage("POST", f"{order}/test", _weigh(0), self._test, trade),
            PrivatePage("PUT", order, _weigh(1), self._amend, trade, _one),
            PrivatePage("DELETE", order, _weigh(1), self._cancel, trade),
            PrivatePage("GET", order, _weigh(1), self._order),
            PrivatePage("POST", batch, _weigh(5), self._place_batch, trade, _batch),
            PrivatePage("PUT", batch, _weigh(5), self._amend_batch, trade, _batch),
            PrivatePage("DELETE", batch, _weigh(1), self._cancel_batch, trade),
            PrivatePage("DELETE", "/fapi/v1/allOpenOrders", _weigh(1), self._cancel_all, trade),
            PrivatePage("POST", "/fapi/v1/countdownCancelAll", _weigh(10), self._count_down, trade),
            PrivatePage("GET", "/fapi/v1/openOrder", _weigh(1), self._open_order),
            PrivatePage("GET", "/fapi/v1/openOrders", _per_symbol(1, 40), self._open),
            PrivatePage("GET", "/fapi/v1/allOrders", _weigh(5), self._all),
            PrivatePage("GET", "/fapi/v1/userTrades", _weigh(5), self._trades),
            PrivatePage("POST", algo, _weigh(0), self._place_algo, trade, _one),
            PrivatePage("DELETE", algo, _weigh(1), self._cancel_algo, trade),
            PrivatePage("GET", algo, _weigh(1), self._algo),
            PrivatePage("GET", "/fapi/v1/openAlgoOrders", _per_symbol(1, 40), self._open_algos),
            PrivatePage("GET", "/fapi/v1/allAlgoOrders", _weigh(5), self._all_algos),
            PrivatePage("DELETE", "/fapi/v1/algoOpenOrders", _weigh(1), self._cancel_algos, trade),
        ]

    # --- placing -------------------------------------------------------------------------------------------------

    def _place(self, signed: Signed) -> dict[str, Any]:
        order = self._submitted(signed)
        row = texts.linear_row(self._by_key[order.key], order)
        if signed.fields.get("newOrderRespType", "ACK") == "ACK":
            nothing = self._by_key[order.key].text.quantity(0)
            row |= {"status": "NEW", "executedQty": nothing, "cumQty": nothing}
        return row

    def _submitted(self, signed: Signed) -> AccountOrder:
        try:
            return self._accounts.submit(signed.account, self._spec(signed))
        except Refused as refused:
            raise page_error(MarketKind.LINEAR, refused) from None

    def _test(self, signed: Signed) -> dict[str, Any]:
        try:
            self._accounts.examine(signed.account, self._spec(signed))
        except Refused as refused:
            raise page_error(MarketKind.LINEAR, refused) from None
        return {}

    def _spec(self, signed: Signed) -> Any:
        kind = signed.required("type")
        if kind in CONDITIONAL:
            raise PageError(
                -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints."
            )
        if kind not in LINEAR_TYPES:
            raise PageError(-1116, "Invalid orderType.")
        _one_way(signed)
        market = market_of(self._markets, signed)
        return order_spec(signed, market, kind, id_field="newClientOrderId", stop_field="stopPrice")

    def _place_batch(self, signed: Signed) -> list[dict[str, Any]]:
        return [self._tried(self._place, signed, fields) for fields in _orders(signed)]

    def _amend_batch(self, signed: Signed) -> list[dict[str, Any]]:
        return [self._tried(self._amend, signed, fields) for fields in _orders(signed)]

    @staticmethod
    def _tried(act: Any, signed: Signed, fields: Mapping[str, str]) -> dict[str, Any]:
        """One of a batch: its failure is its own."""
        try:
            row: dict[str, Any] = act(Signed(signed.key, fields))
        except PageError as error:
            return {"code": error.code, "msg": str(error)}
        return row

    # --- changing and canceling ----------------------------------------------------------------------------------

    def _amend(self, signed: Signed) -> dict[str, Any]:
        market = market_of(self._markets, signed)
        side = side_of(signed)
        signed.required("quantity")
        signed.required("price")
        order = self._asked(signed)
        try:
            if order is None or not order.is_open:
                raise PageError(-2013, "Order does not exist.")
            if order.side is not side:
                raise PageError(-4138, "Order side cannot be changed.")
            if order.amendments >= MOST_AMENDMENTS:
                raise PageError(-5026, "Exceed maximum modify order limit.")
            self._accounts.amend(order, signed.number("price"), signed.number("quantity"))
        except Refused as refused:
            raise page_error(MarketKind.LINEAR, refused) from None
        return texts.linear_row(market, order)

    def _cancel(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed)
        try:
            if order is None:
                raise Refused(Refusal.UNKNOWN_ORDER)
            self._accounts.cancel(order)
        except Refused as refused:
            raise page_error(MarketKind.LINEAR, refused) from None
        return texts.linear_row(self._by_key[order.key], order)

    def _cancel_batch(self, signed: Signed) -> list[dict[str, Any]]:
        symbol = signed.required("symbol")
        ids = _names(signed, "orderIdList", "orderidlist")
        names = _names(signed, "origClientOrderIdList", "origclientorderidlist")
        if not ids and not names:
            raise PageError(-1102, "Mandatory parameter 'orderIdList' was not sent, was empty/null, or malformed.")
        if len(ids) + len(names) > MOST_CANCELED_IN_BATCH:
            raise PageError(-1130, "Data sent for parameter 'orderIdList' is not valid.")
        wanted = [{"orderId": text} for text in ids] + [{"origClientOrderId": text} for text in names]
        return [self._tried(self._cancel, signed, {"symbol": symbol, **fields}) for fields in wanted]

    def _cancel_all(self, signed: Signed) -> dict[str, Any]:
        for order in self._regular(signed, market_of(self._markets, signed).listing.key):
            if order.is_open:
                self._accounts.cancel(order)
        return _DONE

    def _count_down(self, signed: Signed) -> dict[str, Any]:
        market = market_of(self._markets, signed)
        signed.required("countdownTime")
        ms = signed.whole("countdownTime") or 0
        if ms < 0:
            raise PageError(-1130, "Data sent for parameter 'countdownTime' is not valid.")
        self._accounts.count_down(signed.account, market.listing.key, ms)
        return {"symbol": market.native, "countdownTime": str(ms)}

    # --- asking --------------------------------------------------------------------------------------------------

    def _asked(self, signed: Signed) -> AccountOrder | None:
        key = market_of(self._markets, signed).listing.key
        found = asked_order(self._accounts.orders, signed, key, by_id="orderId", by_client="origClientOrderId")
        return None if found is None or found.trigger is not None else found

    def _order(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed)
        if order is None:
            raise NO_SUCH_ORDER
        return texts.linear_query_row(self._by_key[order.key], order)

    def _open_order(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed)
        if order is None or not order.is_open:
            raise NO_SUCH_ORDER
        return texts.linear_query_row(self._by_key[order.key], order)

    def _regular(self, signed: Signed, key: str | None) -> list[AccountOrder]:
        found = self._accounts.orders.open_orders(signed.account, key)
        return [order for order in found if order.key in self._by_key and order.trigger is None]

    def _key(self, signed: Signed) -> str | None:
        return market_of(self._markets, signed).listing.key if signed.fields.get("symbol") else None

    def _open(self, signed: Signed) -> list[dict[str, Any]]:
        return [
            texts.linear_query_row(self._by_key[order.key], order)
            for order in self._regular(signed, self._key(signed))
        ]  # fmt: skip

    def _all(self, signed: Signed) -> list[dict[str, Any]]:
        market = market_of(self._markets, signed)
        orders = [
            order for order in self._accounts.orders.orders(signed.account, market.listing.key) if order.trigger is None
        ]
        chosen = shown(
            orders, signed, id_of=lambda order: order.order_id, ms_of=lambda order: order.created_ms,
            from_name="orderId",
        )  # fmt: skip
        return [texts.linear_query_row(market, order) for order in chosen]

    def _trades(self, signed: Signed) -> list[dict[str, Any]]:
        market = market_of(self._markets, signed)
        fills = self._accounts.orders.fills(signed.account, market.listing.key, signed.whole("orderId"))
        chosen = shown(fills, signed, id_of=lambda fill: fill.trade_id, ms_of=lambda fill: fill.ms, from_name="fromId")
        return [texts.linear_trade_row(market, fill) for fill in chosen]

    # --- conditional orders --------------------------------------------------------------------------------------

    def _place_algo(self, signed: Signed) -> dict[str, Any]:
        if signed.required("algoType") != "CONDITIONAL":
            raise PageError(-1130, "Data sent for parameter 'algoType' is not valid.")
        kind = signed.required("type")
        if kind not in LINEAR_TYPES or kind not in CONDITIONAL:
            raise PageError(-1116, "Invalid orderType.")
        _one_way(signed)
        market = market_of(self._markets, signed)
        spec = order_spec(signed, market, kind, id_field="clientAlgoId", stop_field="triggerPrice")
        try:
            order = self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise page_error(MarketKind.LINEAR, refused) from None
        return texts.algo_row(market, order)

    def _asked_algo(self, signed: Signed) -> AccountOrder:
        algo_id, client_id = signed.whole("algoId"), signed.fields.get("clientAlgoId", "")
        if algo_id is None and not client_id:
            raise PageError(-1102, "Param 'clientAlgoId' or 'algoId' must be sent, but both were empty/null!")
        for order in reversed(self._accounts.orders.orders(signed.account)):
            named = order.order_id == algo_id if algo_id is not None else order.client_id == client_id
            if named and order.trigger is not None and order.key in self._by_key:
                return order
        raise NO_SUCH_ORDER

    def _cancel_algo(self, signed: Signed) -> dict[str, Any]:
        order = self._asked_algo(signed)
        try:
            self._accounts.cancel(order)
        except Refused as refused:
            raise page_error(MarketKind.LINEAR, refused) from None
        return {"algoId": order.order_id, "clientAlgoId": order.client_id, "code": "200", "msg": "success"}

    def _algo(self, signed: Signed) -> dict[str, Any]:
        order = self._asked_algo(signed)
        return texts.algo_row(self._by_key[order.key], order)

    def _algos(self, signed: Signed) -> list[AccountOrder]:
        found = self._accounts.orders.orders(signed.account, self._key(signed))
        return [order for order in found if order.key in self._by_key and order.trigger is not None]

    def _open_algos(self, signed: Signed) -> list[dict[str, Any]]:
        return [
            texts.algo_row(self._by_key[order.key], order) for order in self._algos(signed) if order.is_open
        ]  # fmt: skip

    def _all_algos(self, signed: Signed) -> list[dict[str, Any]]:
        chosen = shown(
            self._algos(signed), signed, id_of=lambda order: order.order_id, ms_of=lambda order: order.created_ms,
            from_name="algoId",
        )  # fmt: skip
        return [texts.algo_row(self._by_key[order.key], order) for order in chosen]

    def _cancel_algos(self, signed: Signed) -> dict[str, Any]:
        market = market_of(self._markets, signed)
        for order in self._algos(signed):
            if order.is_open and order.key == market.listing.key:
                self._accounts.cancel(order)
        return _DONE


def _one_way(signed: Signed) -> None:
    if signed.fields.get("positionSide", "BOTH") != "BOTH":
        raise PageError(-4061, "Order's position side does not match user's setting.")


def _orders(signed: Signed) -> list[dict[str, str]]:
    """The parameters of each order of a batch."""
    try:
        rows = msgspec.json.decode(signed.required("batchOrders"), type=list[dict[str, Any]])
    except msgspec.MsgspecError:
        raise PageError(-1130, "Data sent for parameter 'batchOrders' is not valid.") from None
    if not 0 < len(rows) <= MOST_IN_BATCH:
        raise PageError(-4082, f"Invalid number of batch place orders, at most {MOST_IN_BATCH}.")
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _names(signed: Signed, *fields: str) -> list[str]:
    text = next((signed.fields[name] for name in fields if signed.fields.get(name)), "[]")
    try:
        return [str(value) for value in msgspec.json.decode(text, type=list[int | str])]
    except msgspec.MsgspecError:
        raise PageError(-1130, f"Data sent for parameter '{fields[0]}' is not valid.") from None


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
