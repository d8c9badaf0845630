"""Binance spot's signed pages: orders, trades, account. Without HTTP: a signed request in, Binance's shape out.

``private`` mounts them. Shapes, weights and codes: ../shared/exchanges/binance.md §8, §9 and §11.
"""

from collections.abc import Mapping
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.binance import order_texts as texts
from jackbot_tui.sim.binance.exchange_info import SPOT_TYPES
from jackbot_tui.sim.binance.private_fields import (
    NO_SUCH_ORDER,
    asked_order,
    client_id_of,
    market_of,
    order_spec,
    shown,
)
from jackbot_tui.sim.binance.private_rest import ORDER_WINDOWS, PrivatePage, Signed, page_error
from jackbot_tui.sim.binance.rest import PageError
from jackbot_tui.sim.front import json_reply
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refusal, Refused
from jackbot_tui.sim.timeline import Timeline


def _weigh(weight: int) -> Any:
    return lambda fields: weight


def _one(fields: Mapping[str, str]) -> int:
    return 1


class SpotPrivate:
    """``markets`` by native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for market in markets.values()}
        self._timeline = timeline

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        order, free = "/api/v3/order", _weigh(0)
        return [
            PrivatePage("POST", order, free, self._place, trade, _one),
            PrivatePage("POST", f"{order}/test", _weigh(1), self._test, trade),
            PrivatePage("DELETE", order, free, self._cancel, trade),
            PrivatePage("GET", order, _weigh(4), self._order),
            PrivatePage("POST", f"{order}/cancelReplace", free, self._replace, trade, _one),
            PrivatePage("PUT", f"{order}/amend/keepPriority", _weigh(4), self._amend, trade),
            PrivatePage("GET", "/api/v3/openOrders", lambda fields: 6 if "symbol" in fields else 80, self._open),
            PrivatePage("DELETE", "/api/v3/openOrders", free, self._cancel_all, trade),
            PrivatePage("GET", "/api/v3/allOrders", _weigh(20), self._all),
            PrivatePage("GET", "/api/v3/myTrades", lambda fields: 5 if "orderId" in fields else 20, self._trades),
            PrivatePage("GET", "/api/v3/account", _weigh(20), self._account),
            PrivatePage("GET", "/api/v3/account/commission", _weigh(20), self._commission),
            PrivatePage("GET", "/api/v3/rateLimit/order", _weigh(40), self._counts),
            PrivatePage("GET", "/sapi/v1/asset/tradeFee", _weigh(1), self._trade_fees),
            PrivatePage("GET", "/sapi/v1/account/apiRestrictions", _weigh(1), self._restrictions),
        ]

    # --- orders --------------------------------------------------------------------------------------------------

    def _spec(self, signed: Signed) -> OrderSpec:
        kind = signed.required("type")
        if kind not in SPOT_TYPES:
            raise PageError(-1116, "Invalid orderType.")
        market = market_of(self._markets, signed)
        return order_spec(signed, market, kind, id_field="newClientOrderId", stop_field="stopPrice")

    def _place(self, signed: Signed) -> dict[str, Any]:
        return self._placed(signed, self._spec(signed))

    def _test(self, signed: Signed) -> dict[str, Any]:
        try:
            self._accounts.examine(signed.account, self._spec(signed))
        except Refused as refused:
            raise page_error(MarketKind.SPOT, refused) from None
        return {}

    def _placed(self, signed: Signed, spec: OrderSpec) -> dict[str, Any]:
        try:
            order = self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise page_error(MarketKind.SPOT, refused) from None
        market = self._by_key[spec.key]
        default = "FULL" if signed.fields.get("type") in ("MARKET", "LIMIT") else "ACK"
        detail = signed.fields.get("newOrderRespType") or default
        row = texts.spot_row(market, order) | {"transactTime": order.updated_ms, "workingTime": order.created_ms}
        if detail == "ACK":
            return {name: row[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")}
        if detail == "FULL":
            fills = self._accounts.orders.fills(signed.account, spec.key, order.order_id)
            row["fills"] = [texts.spot_fill_row(market, fill) for fill in fills]
        return row

    def _cancel(self, signed: Signed) -> dict[str, Any]:
        market = market_of(self._markets, signed)
        found = self._asked(signed, "orderId", "origClientOrderId")
        request_id = client_id_of(signed, "newClientOrderId")
        try:
            if found is None:
                raise Refused(Refusal.UNKNOWN_ORDER)
            self._accounts.cancel(found, request_id)
        except Refused as refused:
            raise page_error(MarketKind.SPOT, refused) from None
        return self._canceled(market, found, request_id)

    @staticmethod
    def _canceled(market: SimMarket, order: AccountOrder, request_id: str) -> dict[str, Any]:
        row = texts.spot_row(market, order)
        own = request_id or f"web_{order.order_id}_{order.updated_ms}"
        return row | {
            "origClientOrderId": order.client_id, "clientOrderId": own, "transactTime": order.updated_ms,
        }  # fmt: skip

    def _cancel_all(self, signed: Signed) -> list[dict[str, Any]]:
        market = market_of(self._markets, signed)
        canceled = self._accounts.cancel_all(signed.account, market.listing.key)
        if not canceled:
            raise PageError(-2011, "Unknown order sent.")
        return [self._canceled(market, order, "") for order in canceled]

    def _replace(self, signed: Signed) -> Any:
        """Cancel, then place; the new order's filters are looked at before anything is done."""
        market, spec = market_of(self._markets, signed), self._spec(signed)
        mode = signed.required("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise PageError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        found = self._asked(signed, "cancelOrderId", "cancelOrigClientOrderId")
        try:
            self._accounts.examine(signed.account, spec)
        except Refused as refused:
            if refused.refusal is not Refusal.DUPLICATE_CLIENT_ID:
                raise page_error(MarketKind.SPOT, refused) from None
        result: dict[str, Any] = {
            "cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "newOrderResponse": None,
        }  # fmt: skip
        try:
            if found is None:
                raise Refused(Refusal.UNKNOWN_ORDER)
            request_id = client_id_of(signed, "cancelNewClientOrderId")
            self._accounts.cancel(found, request_id)
            result["cancelResult"] = "SUCCESS"
            result["cancelResponse"] = self._canceled(market, found, request_id)
        except Refused as refused:
            result["cancelResponse"] = _error(page_error(MarketKind.SPOT, refused))
        if result["cancelResult"] == "SUCCESS" or mode == "ALLOW_FAILURE":
            try:
                result["newOrderResponse"] = self._placed(signed, spec)
                result["newOrderResult"] = "SUCCESS"
            except PageError as error:
                result["newOrderResponse"] = _error(error)
                result["newOrderResult"] = "FAILURE"
        outcomes = {result["cancelResult"], result["newOrderResult"]}
        if outcomes == {"SUCCESS"}:
            return result
        if "SUCCESS" in outcomes:
            return json_reply({"code": -2021, "msg": "Order cancel-replace partially failed.", "data": result}, 409)
        return json_reply({"code": -2022, "msg": "Order cancel-replace failed.", "data": result}, 400)

    def _amend(self, signed: Signed) -> dict[str, Any]:
        """Less quantity at the same price: the order keeps its place and gets a new client id unless one is given."""
        market = market_of(self._markets, signed)
        found = self._asked(signed, "orderId", "origClientOrderId")
        signed.required("newQty")
        quantity = signed.number("newQty")
        try:
            if found is None:
                raise Refused(Refusal.UNKNOWN_ORDER)
            if quantity is None or quantity > found.quantity * market.listing.instrument.lot:
                raise PageError(-2038, "The requested order amend must reduce the order's quantity.")
            former = found.client_id
            fresh = client_id_of(signed, "newClientOrderId") or f"am{found.order_id}x{found.amendments + 1}"
            self._accounts.amend(found, None, quantity, fresh)
        except Refused as refused:
            raise page_error(MarketKind.SPOT, refused) from None
        row = texts.spot_query_row(market, found)
        return {
            "transactTime": found.updated_ms, "executionId": found.order_id,
            "amendedOrder": row | {"origClientOrderId": former, "workingFloor": "EXCHANGE"},
        }  # fmt: skip

    def _asked(self, signed: Signed, by_id: str, by_client: str) -> AccountOrder | None:
        key = market_of(self._markets, signed).listing.key
        return asked_order(self._accounts.orders, signed, key, by_id=by_id, by_client=by_client)

    def _order(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed, "orderId", "origClientOrderId")
        if order is None:
            raise NO_SUCH_ORDER
        return texts.spot_query_row(self._by_key[order.key], order)

    def _open(self, signed: Signed) -> list[dict[str, Any]]:
        key = market_of(self._markets, signed).listing.key if signed.fields.get("symbol") else None
        orders = self._accounts.orders.open_orders(signed.account, key)
        return [texts.spot_query_row(self._by_key[order.key], order) for order in orders if order.key in self._by_key]

    def _all(self, signed: Signed) -> list[dict[str, Any]]:
        market = market_of(self._markets, signed)
        orders = self._accounts.orders.orders(signed.account, market.listing.key)
        chosen = shown(
            orders, signed, id_of=lambda order: order.order_id, ms_of=lambda order: order.created_ms,
            from_name="orderId",
        )  # fmt: skip
        return [texts.spot_query_row(market, order) for order in chosen]

    def _trades(self, signed: Signed) -> list[dict[str, Any]]:
        market = market_of(self._markets, signed)
        fills = self._accounts.orders.fills(signed.account, market.listing.key, signed.whole("orderId"))
        chosen = shown(fills, signed, id_of=lambda fill: fill.trade_id, ms_of=lambda fill: fill.ms, from_name="fromId")
        return [texts.spot_trade_row(market, fill) for fill in chosen]

    # --- account -------------------------------------------------------------------------------------------------

    def _account(self, signed: Signed) -> dict[str, Any]:
        currencies = self._accounts.currencies(MarketKind.SPOT)
        held = [self._accounts.holding(signed.account, currency) for currency in currencies]
        if signed.flag("omitZeroBalances"):
            held = [holding for holding in held if holding.total]
        fees = [market.listing.instrument for market in self._markets.values()][:1]
        maker, taker = (int(fees[0].maker_fee * 10_000), int(fees[0].taker_fee * 10_000)) if fees else (0, 0)
        return {
            "makerCommission": maker,
            "takerCommission": taker,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self._timeline.now_ms(),
            "accountType": "SPOT",
            "balances": [texts.balance_row(holding) for holding in held],
            "permissions": ["SPOT"],
            "uid": signed.account,
        }

    def _commission(self, signed: Signed) -> dict[str, Any]:
        instrument = market_of(self._markets, signed).listing.instrument
        none = {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"}
        own = none | {"maker": texts.eight(instrument.maker_fee), "taker": texts.eight(instrument.taker_fee)}
        return {
            "symbol": instrument.native, "standardCommission": own, "specialCommission": none, "taxCommission": none,
            "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB",
                         "discount": "0.00000000"},
        }  # fmt: skip

    def _trade_fees(self, signed: Signed) -> list[dict[str, Any]]:
        chosen = [market_of(self._markets, signed)] if signed.fields.get("symbol") else list(self._markets.values())
        return [
            {
                "symbol": market.native,
                "makerCommission": text_of(market.listing.instrument.maker_fee),
                "takerCommission": text_of(market.listing.instrument.taker_fee),
            }
            for market in chosen
        ]

    def _counts(self, signed: Signed) -> list[dict[str, Any]]:
        names = {"10S": ("SECOND", 10), "1D": ("DAY", 1)}
        return [
            {"rateLimitType": "ORDERS", "interval": names[window.name][0], "intervalNum": names[window.name][1],
             "limit": window.limit}
            for window in ORDER_WINDOWS[MarketKind.SPOT]
        ]  # fmt: skip

    def _restrictions(self, signed: Signed) -> dict[str, Any]:
        trades, withdraws = signed.key.may(Permission.TRADE), signed.key.may(Permission.WITHDRAW)
        return {
            "ipRestrict": False,
            "createTime": self._timeline.origin_ns // 1_000_000,
            "enableReading": True,
            "enableWithdrawals": withdraws,
            "enableInternalTransfer": withdraws,
            "enableMargin": False,
            "enableFutures": trades,
            "permitsUniversalTransfer": withdraws,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": trades,
            "enablePortfolioMarginTrading": False,
        }


def _error(error: PageError) -> dict[str, Any]:
    return {"code": error.code, "msg": str(error)}
