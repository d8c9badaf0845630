"""KuCoin perpetuals' private pages: orders, stop orders, fills, wallet, positions, margin modes. Without HTTP.

``private`` mounts them. Shapes, weights and codes: ../shared/exchanges/kucoin.md §8, §9 and §11. Contracts begin with
isolated margin. An isolated order brings its leverage along: it counts for the contract as long as nothing is open
there. Cross leverage is a setting of its own.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.kucoin import private_texts as texts
from jackbot_tui.sim.kucoin.private_auth import BAD_PARAMETER, KucoinRefusal, Names, Signed
from jackbot_tui.sim.kucoin.private_fields import FUTURES_REFUSALS, client_id_of, number_of, number_or_none, refusal
from jackbot_tui.sim.kucoin.private_spot import PrivatePage
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill, OrderSpec, Refusal, Refused, TriggerPrice
from jackbot_tui.sim.timeline import Timeline

LINEAR = MarketKind.LINEAR
PAGE_SIZE = 50
MOST_ROWS = 1000
TRIGGER_PRICES = {"TP": TriggerPrice.LAST, "MP": TriggerPrice.MARK, "IP": TriggerPrice.MARK}


class FuturesPrivate:
    """``markets`` by native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline, names: Names) -> None:
        self._accounts = accounts
        self._markets = markets
        self._timeline = timeline
        self._names = names
        self.by_key = {market.listing.key: market for market in markets.values()}
        self._cross: dict[tuple[int, str], Decimal] = {}
        for account in accounts.numbers:
            for key in self.by_key:
                accounts.positions.setting(account, key).isolated = True

    def pages(self) -> list[PrivatePage]:
        trade, base, stop = Permission.TRADE, "/api/v1/orders", "/api/v1/stopOrders"
        return [
            PrivatePage("POST", base, 2, self._place, trade, True),
            PrivatePage("POST", f"{base}/test", 2, self._test, trade),
            PrivatePage("GET", base, 2, self._list),
            PrivatePage("DELETE", base, 800, self._cancel_all, trade, True),
            PrivatePage("DELETE", "/api/v3/orders", 10, self._cancel_all, trade, True),
            PrivatePage("GET", f"{base}/byClientOid", 5, self._order),
            PrivatePage("DELETE", f"{base}/client-order/{{clientOid}}", 1, self._cancel, trade, True),
            PrivatePage("GET", f"{base}/{{orderId}}", 5, self._order),
            PrivatePage("DELETE", f"{base}/{{orderId}}", 1, self._cancel, trade, True),
            PrivatePage("GET", stop, 6, self._stops),
            PrivatePage("DELETE", stop, 15, self._cancel_stops, trade, True),
            PrivatePage("GET", "/api/v1/fills", 5, self._fills),
            PrivatePage("GET", "/api/v1/account-overview", 5, self._overview),
            PrivatePage("GET", "/api/v1/positions", 2, self._positions),
            PrivatePage("GET", "/api/v1/position", 2, self._position),
            PrivatePage("POST", "/api/v2/changeCrossUserLeverage", 2, self._set_cross, trade),
            PrivatePage("GET", "/api/v2/getCrossUserLeverage", 2, self._get_cross),
            PrivatePage("POST", "/api/v2/position/changeMarginMode", 2, self._set_mode, trade),
            PrivatePage("GET", "/api/v2/position/getMarginMode", 2, self._get_mode),
            PrivatePage("GET", "/api/v2/position/getPositionMode", 2, lambda signed: {"positionMode": 0}),
        ]

    # --- orders --------------------------------------------------------------------------------------------------

    def _spec(self, signed: Signed) -> OrderSpec:
        market, kind = self._market(signed), signed.text("type") or "limit"
        side, tif = signed.required("side"), signed.text("timeInForce") or "GTC"
        signed.required("clientOid")
        if kind not in ("limit", "market") or side not in ("buy", "sell"):
            raise KucoinRefusal(BAD_PARAMETER, "type or side is not valid")
        if tif not in ("GTC", "IOC"):
            raise KucoinRefusal(BAD_PARAMETER, "timeInForce is not valid")
        if signed.text("positionSide") not in ("", "BOTH"):
            raise KucoinRefusal("330012", "The order's position side does not match the position mode of your account.")
        limited, stop = kind == "limit", signed.text("stop")
        if stop not in ("", "up", "down"):
            raise KucoinRefusal(BAD_PARAMETER, "stop is not valid")
        size = number_of(signed, "size")
        if size != size.to_integral_value():
            raise refusal(FUTURES_REFUSALS, Refused(Refusal.BAD_LOT))
        post_only = signed.text("postOnly") == "true"
        if post_only and (not limited or tif != "GTC"):
            raise KucoinRefusal(BAD_PARAMETER, "postOnly is not allowed for this order")
        self._check_mode(signed, market)
        return OrderSpec(
            key=market.listing.key,
            side=Side(side),
            quantity=size * market.listing.instrument.contract_size,
            price=number_of(signed, "price") if limited else None,
            client_id=client_id_of(signed),
            tif=TimeInForce[tif] if limited else TimeInForce.GTC,
            post_only=post_only,
            reduce_only="true" in (signed.text("reduceOnly"), signed.text("closeOrder")),
            trigger_price=number_of(signed, "stopPrice") if stop else None,
            trigger_by=TRIGGER_PRICES.get(signed.text("stopPriceType"), TriggerPrice.LAST),
            takes_profit=bool(stop) and (stop == "up") is (side == "sell"),
        )

    def _check_mode(self, signed: Signed, market: SimMarket) -> None:
        isolated = self._accounts.positions.setting(signed.account, market.listing.key).isolated
        if (signed.text("marginMode") or "ISOLATED") != ("ISOLATED" if isolated else "CROSS"):
            words = "The order's margin mode does not match the selected one. Please switch and try again."
            raise KucoinRefusal("330005", words)

    def _bring_leverage(self, signed: Signed, spec: OrderSpec) -> None:
        """The order's own leverage, on a contract with isolated margin where nothing is open yet."""
        positions, leverage = self._accounts.positions, number_or_none(signed, "leverage")
        setting = positions.setting(signed.account, spec.key)
        busy = positions.position(signed.account, spec.key).lots or self._accounts.orders.open_orders(
            signed.account, spec.key
        )
        if leverage is None or spec.reduce_only or not setting.isolated or busy or leverage == setting.leverage:
            return
        self._accounts.set_leverage(signed.account, spec.key, leverage)

    def _place(self, signed: Signed) -> dict[str, Any]:
        spec = self._spec(signed)
        try:
            self._bring_leverage(signed, spec)
            order = self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise refusal(FUTURES_REFUSALS, refused) from None
        return {"orderId": texts.name_of(self._names, order), "clientOid": texts.own_client_id(order)}

    def _test(self, signed: Signed) -> dict[str, Any]:
        spec = self._spec(signed)
        try:
            self._accounts.examine(signed.account, spec)
        except Refused as refused:
            raise refusal(FUTURES_REFUSALS, refused) from None
        return {"orderId": "", "clientOid": spec.client_id}

    def _cancel(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed)
        if order is None:
            raise KucoinRefusal("100001", "error.getOrder.orderNotExist")
        if not order.is_open:
            raise refusal(FUTURES_REFUSALS, Refused(Refusal.UNKNOWN_ORDER))
        self._accounts.cancel(order)
        if signed.text("orderId"):
            return {"cancelledOrderIds": [signed.text("orderId")]}
        return {"clientOid": signed.text("clientOid")}

    def _cancel_all(self, signed: Signed) -> dict[str, Any]:
        return self._canceled(signed, waiting=False)

    def _cancel_stops(self, signed: Signed) -> dict[str, Any]:
        return self._canceled(signed, waiting=True)

    def _canceled(self, signed: Signed, *, waiting: bool) -> dict[str, Any]:
        wanted = self._market(signed).listing.key if signed.text("symbol") else None
        done = []
        for order in self._open(signed.account, waiting=waiting):
            if wanted in (None, order.key) and order.is_open:
                self._accounts.cancel(order)
                done.append(texts.name_of(self._names, order))
        return {"cancelledOrderIds": done}

    # --- asking --------------------------------------------------------------------------------------------------

    def _list(self, signed: Signed) -> dict[str, Any]:
        wanted, status = self._wanted(signed), signed.text("status")
        if status not in ("", "active", "done"):
            raise KucoinRefusal(BAD_PARAMETER, "status is not valid")
        orders = [
            order for order in self._accounts.orders.orders(signed.account)
            if order.key in self.by_key and wanted in (None, order.key) and not order.waiting
            and (not status or order.is_open is (status == "active"))
        ]  # fmt: skip
        return _paged([self._row(order) for order in self._within(orders, signed)], signed)

    def _stops(self, signed: Signed) -> dict[str, Any]:
        wanted = self._wanted(signed)
        orders = [order for order in self._open(signed.account, waiting=True) if wanted in (None, order.key)]
        return _paged([self._row(order) for order in self._within(orders, signed)], signed)

    @staticmethod
    def _within(orders: list[AccountOrder], signed: Signed) -> list[AccountOrder]:
        start, end = (number_or_none(signed, name) or Decimal(0) for name in ("startAt", "endAt"))
        return [
            order for order in reversed(orders) if order.created_ms >= start and (not end or order.created_ms <= end)
        ]

    def _order(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed)
        if order is None:
            raise KucoinRefusal("100001", "error.getOrder.orderNotExist")
        return self._row(order)

    def _row(self, order: AccountOrder) -> dict[str, Any]:
        setting = self._accounts.positions.setting(order.account, order.key)
        mode = "ISOLATED" if setting.isolated else "CROSS"
        return texts.contract_row(self.by_key[order.key], order, self._names, setting.leverage, mode)

    def _fills(self, signed: Signed) -> dict[str, Any]:
        wanted, asked = self._wanted(signed), signed.text("orderId")
        found = self._names.find_futures(asked) if asked else None
        start, end = (number_or_none(signed, name) or Decimal(0) for name in ("startAt", "endAt"))
        fills = [
            fill for fill in reversed(self._accounts.orders.fills(signed.account))
            if fill.key in self.by_key and wanted in (None, fill.key)
            and fill.ms >= start and (not end or fill.ms <= end) and (not asked or (fill.key, fill.order_id) == found)
        ]  # fmt: skip
        return _paged([self._fill_row(fill) for fill in fills], signed)

    def _fill_row(self, fill: Fill) -> dict[str, Any]:
        order = self._accounts.orders.order(fill.account, fill.key, fill.order_id)
        kind = texts.order_type(order) if order is not None else "limit"
        mode = "ISOLATED" if self._accounts.positions.setting(fill.account, fill.key).isolated else "CROSS"
        forced = order is not None and order.is_liquidation
        return texts.contract_fill(self.by_key[fill.key], fill, self._names, kind, mode, forced=forced)

    # --- wallet, positions, settings -----------------------------------------------------------------------------

    def _overview(self, signed: Signed) -> dict[str, Any]:
        currency = signed.text("currency") or "XBT"
        if currency not in self._accounts.currencies(LINEAR):
            raise KucoinRefusal(BAD_PARAMETER, "currency is not valid")
        return texts.overview(currency, self._accounts.positions.margin(signed.account, currency))

    def _positions(self, signed: Signed) -> list[dict[str, Any]]:
        views = [self._accounts.positions.view(signed.account, key) for key in self.by_key]
        now_ms = self._timeline.now_ms()
        return [texts.position_row(self.by_key[view.key], view, now_ms) for view in views if view.lots]

    def _position(self, signed: Signed) -> dict[str, Any]:
        market = self._market(signed)
        view = self._accounts.positions.view(signed.account, market.listing.key)
        return texts.position_row(market, view, self._timeline.now_ms())

    def _set_cross(self, signed: Signed) -> bool:
        key, leverage = self._market(signed).listing.key, number_of(signed, "leverage")
        setting = self._accounts.positions.setting(signed.account, key)
        busy = self._accounts.positions.position(signed.account, key).lots
        try:
            if not setting.isolated or not busy:
                self._accounts.set_leverage(signed.account, key, leverage)
        except Refused as refused:
            raise refusal(FUTURES_REFUSALS, refused) from None
        self._cross[signed.account, key] = leverage
        return True

    def _get_cross(self, signed: Signed) -> dict[str, str]:
        market = self._market(signed)
        setting = self._accounts.positions.setting(signed.account, market.listing.key)
        leverage = self._cross.get((signed.account, market.listing.key), setting.leverage)
        return {"symbol": market.native, "leverage": text_of(leverage)}

    def _set_mode(self, signed: Signed) -> dict[str, str]:
        market, mode = self._market(signed), signed.required("marginMode")
        key = market.listing.key
        if mode not in ("ISOLATED", "CROSS"):
            raise KucoinRefusal(BAD_PARAMETER, "marginMode is not valid")
        try:
            self._accounts.set_isolated(signed.account, key, isolated=mode == "ISOLATED")
            if mode == "CROSS" and (signed.account, key) in self._cross:
                self._accounts.set_leverage(signed.account, key, self._cross[signed.account, key])
        except Refused as refused:
            if refused.refusal is not Refusal.MODE_UNCHANGED:
                raise refusal(FUTURES_REFUSALS, refused) from None
        return {"symbol": market.native, "marginMode": mode}

    def _get_mode(self, signed: Signed) -> dict[str, str]:
        market = self._market(signed)
        isolated = self._accounts.positions.setting(signed.account, market.listing.key).isolated
        return {"symbol": market.native, "marginMode": "ISOLATED" if isolated else "CROSS"}

    # --- inside --------------------------------------------------------------------------------------------------

    def _market(self, signed: Signed) -> SimMarket:
        market = self._markets.get(signed.required("symbol"))
        if market is None:
            raise KucoinRefusal(BAD_PARAMETER, "Contract parameter invalid.")
        return market

    def _wanted(self, signed: Signed) -> str | None:
        return self._market(signed).listing.key if signed.text("symbol") else None

    def _open(self, account: int, *, waiting: bool) -> list[AccountOrder]:
        found = self._accounts.orders.open_orders(account)
        return [order for order in found if order.key in self.by_key and order.waiting is waiting]

    def _asked(self, signed: Signed) -> AccountOrder | None:
        text, client_id, orders = signed.text("orderId"), signed.text("clientOid"), self._accounts.orders
        if text:
            found = self._names.find_futures(text)
            known = found is not None and found[0] in self.by_key
            return orders.order(signed.account, *found) if known and found is not None else None
        if not client_id:
            raise KucoinRefusal(BAD_PARAMETER, "clientOid is required")
        named = [orders.by_client_id(signed.account, key, client_id) for key in self.by_key]
        return next((order for order in named if order is not None), None)


def _paged(rows: list[dict[str, Any]], signed: Signed) -> dict[str, Any]:
    size = min(MOST_ROWS, int(number_or_none(signed, "pageSize") or PAGE_SIZE))
    page = max(1, int(number_or_none(signed, "currentPage") or 1))
    pages = max(1, -(-len(rows) // size))
    shown = rows[(page - 1) * size : page * size]
    return {"currentPage": page, "pageSize": size, "totalNum": len(rows), "totalPage": pages, "items": shown}
