"""MEXC's signed pages of contracts: orders, trigger orders, deals, assets, positions, leverage. No HTTP.

``private`` mounts them; replies are wrapped there. Shapes: ../shared/exchanges/mexc.md §8b. The account is in one-way
mode: ``side`` 2 and 4 close, whatever ``reduceOnly`` says. An order names its margin mode, which becomes the contract's
as long as nothing is open. Amending (``change_limit_order``), batches and stops on positions are not played.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.margin import settled
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.mexc import order_texts as texts
from jackbot_tui.sim.mexc.private_records import Records, within
from jackbot_tui.sim.mexc.private_rest import CONTRACT_REFUSALS, CodeError, PrivatePage, Signed, code_error
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refused, TriggerPrice

BASE = "/api/v1/private"
LONGEST_ID = 32
SIDES = {1: (Side.BUY, False), 2: (Side.BUY, True), 3: (Side.SELL, False), 4: (Side.SELL, True)}
"""A number's side, and whether it closes."""

POST_ONLY, MARKET, MARKET_AT_CURRENT = 2, 5, 6
TIMES = {3: TimeInForce.IOC, 4: TimeInForce.FOK}
FIRST_PAGE, LARGEST_PAGE = 20, 100
UNKNOWN_ORDER = CodeError(2040, "order not exist")
PARAMETER_ERROR = CodeError(600, "Param error!")


class ContractPrivate:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._accounts = records.accounts

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        return [
            PrivatePage("POST", f"{BASE}/order/create", self._place, trade),
            PrivatePage("POST", f"{BASE}/order/cancel", self._cancel, trade),
            PrivatePage("POST", f"{BASE}/order/cancel_with_external", self._cancel_external, trade),
            PrivatePage("POST", f"{BASE}/order/cancel_all", self._cancel_all, trade),
            PrivatePage("GET", f"{BASE}/order/list/open_orders", self._open),
            PrivatePage("GET", f"{BASE}/order/list/open_orders/{{symbol}}", self._open),
            PrivatePage("GET", f"{BASE}/order/list/history_orders", self._history),
            PrivatePage("GET", f"{BASE}/order/get/{{order_id}}", self._order),
            PrivatePage("GET", f"{BASE}/order/external/{{symbol}}/{{external_oid}}", self._external),
            PrivatePage("GET", f"{BASE}/order/list/order_deals", self._deals),
            PrivatePage("POST", f"{BASE}/planorder/place", self._place_plan, trade),
            PrivatePage("POST", f"{BASE}/planorder/cancel", self._cancel_plans, trade),
            PrivatePage("POST", f"{BASE}/planorder/cancel_all", self._cancel_all_plans, trade),
            PrivatePage("GET", f"{BASE}/planorder/list/orders", self._plans),
            PrivatePage("GET", f"{BASE}/account/assets", self._assets),
            PrivatePage("GET", f"{BASE}/account/asset/{{currency}}", self._asset),
            PrivatePage("GET", f"{BASE}/position/open_positions", self._positions),
            PrivatePage("GET", f"{BASE}/position/leverage", self._leverage),
            PrivatePage("POST", f"{BASE}/position/change_leverage", self._set_leverage, trade),
            PrivatePage("POST", f"{BASE}/position/change_margin", self._move_margin, trade),
            PrivatePage("GET", f"{BASE}/position/position_mode", lambda signed: 2),
            PrivatePage("POST", f"{BASE}/position/change_position_mode", self._set_position_mode, trade),
        ]

    # --- orders --------------------------------------------------------------------------------------------------

    def _market(self, signed: Signed) -> SimMarket:
        market = self._records.markets.get(signed.text("symbol"))
        if market is None:
            raise CodeError(1001, "Contract does not exist")
        return market

    def _chosen(self, signed: Signed) -> list[SimMarket]:
        return [self._market(signed)] if signed.text("symbol") else list(self._records.markets.values())

    def _row(self, order: AccountOrder) -> dict[str, Any]:
        setting = self._accounts.positions.setting(order.account, order.key)
        return texts.contract_row(
            self._records.by_key[order.key], order, self._records.id_of(order), self._records.fills(order),
            isolated=setting.isolated, leverage=setting.leverage,
        )  # fmt: skip

    def _place(self, signed: Signed) -> dict[str, Any]:
        order = self._submit(signed, self._spec(signed, "type"))
        return {"orderId": str(self._records.id_of(order)), "ts": self._records.timeline.now_ms()}

    def _spec(self, signed: Signed, kind_field: str, **more: Any) -> OrderSpec:
        market = self._market(signed)
        number, kind, volume = signed.whole("side"), signed.whole(kind_field), signed.number("vol")
        if number not in SIDES or kind is None or not 1 <= kind <= MARKET_AT_CURRENT or volume is None:
            raise PARAMETER_ERROR
        if len(signed.text("externalOid")) > LONGEST_ID:
            raise CodeError(2030, "The external order id is too long")
        side, closes = SIDES[number]
        price = None if kind in (MARKET, MARKET_AT_CURRENT) else signed.number("price")
        if price is None and kind not in (MARKET, MARKET_AT_CURRENT):
            raise CodeError(2007, "Order price error")
        self._settle_mode(signed, market, closes=closes)
        return OrderSpec(
            key=market.listing.key, side=side, quantity=volume * market.listing.instrument.contract_size, price=price,
            client_id=signed.text("externalOid"), tif=TIMES.get(kind, TimeInForce.GTC), post_only=kind == POST_ONLY,
            reduce_only=closes, **more,
        )  # fmt: skip

    def _settle_mode(self, signed: Signed, market: SimMarket, *, closes: bool) -> None:
        """The margin mode that an order names is the contract's from then on, unless something is open in the other."""
        mode, leverage, key = signed.whole("openType"), signed.number("leverage"), market.listing.key
        if mode not in (1, 2) or (mode == 1 and leverage is None):
            raise PARAMETER_ERROR
        setting = self._accounts.positions.setting(signed.account, key)
        if closes:
            return
        try:
            if setting.isolated is not (mode == 1):
                self._accounts.set_isolated(signed.account, key, isolated=mode == 1)
            if leverage is not None and leverage != setting.leverage:
                self._accounts.set_leverage(signed.account, key, leverage)
        except Refused as refused:
            raise code_error(CONTRACT_REFUSALS, refused) from None

    def _submit(self, signed: Signed, spec: OrderSpec) -> AccountOrder:
        try:
            return self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise code_error(CONTRACT_REFUSALS, refused) from None

    def _cancel(self, signed: Signed) -> list[dict[str, Any]]:
        """A list of ids; each has its own outcome, and the reply is one of success."""
        if not signed.items:
            raise PARAMETER_ERROR
        return [self._canceled(self._records.order(signed.account, str(item)), str(item)) for item in signed.items]

    def _canceled(self, order: AccountOrder | None, name: str) -> dict[str, Any]:
        if order is None:
            return {"orderId": name, "errorCode": 2040, "errorMsg": "order not exist"}
        if not order.is_open:
            return {"orderId": name, "errorCode": 2041, "errorMsg": "order state cannot be cancelled"}
        self._accounts.cancel(order)
        return {"orderId": name, "errorCode": 0, "errorMsg": "success"}

    def _cancel_external(self, signed: Signed) -> dict[str, Any]:
        market, name = self._market(signed), signed.text("externalOid")
        order = self._records.by_client_id(signed.account, market, name)
        if order is None or order.trigger is not None:
            raise UNKNOWN_ORDER
        if not order.is_open:
            raise CodeError(2041, "order state cannot be cancelled")
        self._accounts.cancel(order)
        return {"symbol": market.native, "externalOid": name}

    def _cancel_all(self, signed: Signed) -> None:
        self._cancel_open(signed, waits=False)

    def _cancel_open(self, signed: Signed, *, waits: bool) -> None:
        for market in self._chosen(signed):
            for order in self._accounts.orders.open_orders(signed.account, market.listing.key):
                if order.waiting is waits and order.is_open:
                    self._accounts.cancel(order)

    def _open(self, signed: Signed) -> list[dict[str, Any]]:
        orders = self._records.orders(signed.account, self._chosen(signed))
        return [self._row(order) for order in _page([order for order in orders if order.is_open], signed)]

    def _history(self, signed: Signed) -> list[dict[str, Any]]:
        """Orders that are over; ``states`` narrows them."""
        orders = self._records.orders(signed.account, self._chosen(signed))
        wanted = [int(each) for each in signed.text("states").split(",") if each.isdigit()] or [3, 4]
        chosen = [order for order in orders if not order.is_open and texts.contract_state(order) in wanted]
        start, end = signed.whole("start_time"), signed.whole("end_time")
        chosen = within(chosen, [order.created_ms for order in chosen], start, end)
        return [self._row(order) for order in _page(chosen, signed)]

    def _order(self, signed: Signed) -> dict[str, Any]:
        order = self._records.order(signed.account, signed.text("order_id"))
        if order is None:
            raise UNKNOWN_ORDER
        return self._row(order)

    def _external(self, signed: Signed) -> dict[str, Any]:
        order = self._records.by_client_id(signed.account, self._market(signed), signed.text("external_oid"))
        if order is None or order.trigger is not None:
            raise UNKNOWN_ORDER
        return self._row(order)

    def _deals(self, signed: Signed) -> list[dict[str, Any]]:
        """Newest first."""
        market = self._market(signed)
        fills = self._accounts.orders.fills(signed.account, market.listing.key)[::-1]
        fills = within(fills, [fill.ms for fill in fills], signed.whole("start_time"), signed.whole("end_time"))
        rows = []
        for fill in _page(fills, signed):
            order = self._accounts.orders.order(fill.account, fill.key, fill.order_id)
            closes = order is not None and order.reduce_only
            wire_id = self._records.wire_id(fill.key, fill.order_id)
            rows.append(texts.contract_deal_row(market, fill, wire_id, closes=closes))
        return rows

    # --- trigger orders ------------------------------------------------------------------------------------------

    def _place_plan(self, signed: Signed) -> str:
        price, rule = signed.number("triggerPrice"), signed.whole("triggerType")
        if price is None or rule not in (1, 2):
            raise PARAMETER_ERROR
        side, _ = SIDES.get(signed.whole("side") or 0, (Side.BUY, False))
        takes_profit = (rule == 1) is not (side is Side.BUY)
        by = TriggerPrice.MARK if signed.whole("trend") == 2 else TriggerPrice.LAST
        spec = self._spec(signed, "orderType", trigger_price=price, trigger_by=by, takes_profit=takes_profit)
        return str(self._records.id_of(self._submit(signed, spec)))

    def _cancel_plans(self, signed: Signed) -> None:
        for item in signed.items:
            name = str(item.get("orderId", "")) if isinstance(item, dict) else ""
            order = self._records.order(signed.account, name, waits=True)
            if order is None or not order.is_open:
                raise UNKNOWN_ORDER
            self._accounts.cancel(order)

    def _cancel_all_plans(self, signed: Signed) -> None:
        self._cancel_open(signed, waits=True)

    def _plans(self, signed: Signed) -> list[dict[str, Any]]:
        wanted = [int(each) for each in signed.text("states").split(",") if each.isdigit()]
        rows = [self.plan_row(o) for o in self._records.orders(signed.account, self._chosen(signed), waits=True)]
        return [row for row in _page(rows, signed) if not wanted or row["state"] in wanted]

    def plan_row(self, order: AccountOrder) -> dict[str, Any]:
        setting = self._accounts.positions.setting(order.account, order.key)
        return texts.plan_row(
            self._records.by_key[order.key], order, self._records.id_of(order),
            self._records.wire_id(order.key, order.child_id), isolated=setting.isolated, leverage=setting.leverage,
        )  # fmt: skip

    # --- account -------------------------------------------------------------------------------------------------

    def _assets(self, signed: Signed) -> list[dict[str, Any]]:
        return [
            texts.asset_row(currency, self._accounts.positions.margin(signed.account, currency))
            for currency in self._accounts.currencies(MarketKind.LINEAR)
        ]

    def _asset(self, signed: Signed) -> dict[str, Any]:
        currency = signed.text("currency")
        if currency not in self._accounts.currencies(MarketKind.LINEAR):
            raise PARAMETER_ERROR
        return texts.asset_row(currency, self._accounts.positions.margin(signed.account, currency))

    def position_number(self, account: int, key: str) -> int:
        return account * 1000 + self._records.numbers[key]

    def _positions(self, signed: Signed) -> list[dict[str, Any]]:
        views = [self._accounts.positions.view(signed.account, m.listing.key) for m in self._chosen(signed)]
        return [
            texts.position_row(self._records.by_key[view.key], view, self.position_number(signed.account, view.key))
            for view in views
            if view.lots
        ]

    def _leverage(self, signed: Signed) -> list[dict[str, Any]]:
        """One row for longs, one for shorts: here they are the same."""
        setting = self._accounts.positions.setting(signed.account, self._market(signed).listing.key)
        row = {"openType": 1 if setting.isolated else 2, "leverage": int(setting.leverage), "level": 1}
        return [{"positionType": side, **row} for side in (1, 2)]

    def _set_leverage(self, signed: Signed) -> None:
        """By position, or by contract with margin mode and side."""
        leverage, position_id = signed.number("leverage"), signed.whole("positionId")
        if leverage is None:
            raise PARAMETER_ERROR
        if position_id is not None:
            keys = {self.position_number(signed.account, key): key for key in self._records.by_key}
            key = keys.get(position_id)
            if key is None or not self._accounts.positions.position(signed.account, key).lots:
                raise CodeError(2009, "Position is not exists or closed.")
            isolated = self._accounts.positions.setting(signed.account, key).isolated
        else:
            mode, side, key = signed.whole("openType"), signed.whole("positionType"), self._market(signed).listing.key
            if mode not in (1, 2) or side not in (1, 2):
                raise PARAMETER_ERROR
            isolated = mode == 1
        try:
            if self._accounts.positions.setting(signed.account, key).isolated is not isolated:
                self._accounts.set_isolated(signed.account, key, isolated=isolated)
            self._accounts.set_leverage(signed.account, key, leverage)
        except Refused as refused:
            raise code_error(CONTRACT_REFUSALS, refused) from None

    def _move_margin(self, signed: Signed) -> None:
        amount, position_id = signed.number("amount"), signed.whole("positionId")
        keys = {self.position_number(signed.account, key): key for key in self._records.by_key}
        key, direction = keys.get(position_id or 0), signed.text("type")
        if key is None or amount is None or amount <= ZERO or direction not in ("ADD", "SUB"):
            raise PARAMETER_ERROR
        view = self._accounts.positions.view(signed.account, key)
        if not view.lots or not view.is_isolated:
            raise CodeError(2009, "Position is not exists or closed.")
        settle = self._records.by_key[key].listing.instrument.settle
        spare = view.isolated_margin + min(ZERO, view.unrealized) - view.initial_margin
        most = self._accounts.positions.margin(signed.account, settle).available if direction == "ADD" else spare
        if amount > most or amount != settled(amount):
            raise CodeError(2005, "Insufficient balance!")
        change: Decimal = amount if direction == "ADD" else -amount
        self._accounts.positions.add_margin(signed.account, key, change, ms=self._records.timeline.now_ms())
        self._accounts.touch_money(signed.account, key, (settle,), Cause.MARGIN)

    def _set_position_mode(self, signed: Signed) -> None:
        if signed.whole("positionMode") != 2:
            raise CodeError(600, "Hedge mode is not available here: positions are one-way.")


def _page(rows: Sequence[Any], signed: Signed) -> list[Any]:
    size, page = min(signed.whole("page_size") or FIRST_PAGE, LARGEST_PAGE), signed.whole("page_num") or 1
    if size < 1 or page < 1:
        raise PARAMETER_ERROR
    return list(rows[(page - 1) * size : page * size])
