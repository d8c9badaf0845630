"""MEXC spot's signed pages: orders, trades, balances, listen keys. No HTTP: a signed request in, MEXC's shape out.

``private`` mounts them. Shapes: ../shared/exchanges/mexc.md §7a and §8a. There is no amend, no stop by API and no
dead-man's switch; a market buy names how much quote currency it spends. Batches are not played.
"""

import re
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.mexc import order_texts as texts
from jackbot_tui.sim.mexc.private_records import Records, within
from jackbot_tui.sim.mexc.private_rest import SPOT_REFUSALS, CodeError, PrivatePage, Signed, code_error
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refused

CLIENT_ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
TIMES = {
    "LIMIT": TimeInForce.GTC, "LIMIT_MAKER": TimeInForce.GTC, "MARKET": TimeInForce.GTC,
    "IMMEDIATE_OR_CANCEL": TimeInForce.IOC, "FILL_OR_KILL": TimeInForce.FOK,
}  # fmt: skip
MOST_ORDERS, MOST_TRADES = 1000, 1000
UNKNOWN_ORDER = CodeError(-2013, "Order does not exist.")


class SpotPrivate:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._accounts = records.accounts

    def pages(self) -> list[PrivatePage]:
        trade, order = Permission.TRADE, "/api/v3/order"
        return [
            PrivatePage("POST", order, self._place, trade),
            PrivatePage("POST", f"{order}/test", self._test, trade),
            PrivatePage("DELETE", order, self._cancel, trade),
            PrivatePage("GET", order, self._order, weight=2),
            PrivatePage("GET", "/api/v3/openOrders", self._open, weight=3),
            PrivatePage("DELETE", "/api/v3/openOrders", self._cancel_all, trade),
            PrivatePage("GET", "/api/v3/allOrders", self._all, weight=10),
            PrivatePage("GET", "/api/v3/myTrades", self._trades, weight=10),
            PrivatePage("GET", "/api/v3/account", self._account, weight=10),
            PrivatePage("GET", "/api/v3/tradeFee", self._fee, weight=20),
            PrivatePage("GET", "/api/v3/selfSymbols", self._symbols),
            PrivatePage("GET", "/api/v3/capital/config/getall", lambda signed: [], weight=10),
        ]

    # --- orders --------------------------------------------------------------------------------------------------

    def _market(self, signed: Signed) -> SimMarket:
        market = self._records.markets.get(signed.required("symbol"))
        if market is None:
            raise CodeError(-1121, "Invalid symbol.")
        return market

    def _spec(self, signed: Signed, market: SimMarket) -> OrderSpec:
        side, kind = signed.required("side"), signed.required("type")
        if side not in ("BUY", "SELL"):
            raise CodeError(700004, "Mandatory parameter 'side' was not sent, was empty/null, or malformed.")
        if kind not in TIMES:
            raise CodeError(30041, "current order type can not place order")
        client_id = signed.text("newClientOrderId")
        if client_id and CLIENT_ID.fullmatch(client_id) is None:
            raise CodeError(700008, "Illegal characters found in parameter 'newClientOrderId'.")
        is_market, buys = kind == "MARKET", side == "BUY"
        signed.required("quoteOrderQty" if is_market and buys else "quantity")
        if not is_market:
            signed.required("price")
        return OrderSpec(
            key=market.listing.key, side=Side.BUY if buys else Side.SELL,
            quantity=(None if is_market and buys else signed.number("quantity")) or ZERO,
            cost=signed.number("quoteOrderQty") if is_market and buys else None,
            price=None if is_market else signed.number("price"), client_id=client_id, tif=TIMES[kind],
            post_only=kind == "LIMIT_MAKER",
        )  # fmt: skip

    def _place(self, signed: Signed) -> dict[str, Any]:
        market = self._market(signed)
        try:
            order = self._accounts.submit(signed.account, self._spec(signed, market))
        except Refused as refused:
            raise code_error(SPOT_REFUSALS, refused) from None
        return texts.spot_answer(market, order, self._records.id_of(order))

    def _test(self, signed: Signed) -> dict[str, Any]:
        try:
            self._accounts.examine(signed.account, self._spec(signed, self._market(signed)))
        except Refused as refused:
            raise code_error(SPOT_REFUSALS, refused) from None
        return {}

    def _asked(self, signed: Signed) -> AccountOrder | None:
        market, order_id = self._market(signed), signed.text("orderId")
        client_id = signed.text("origClientOrderId")
        if order_id:
            found = self._records.order(signed.account, order_id.removeprefix(texts.SPOT_PREFIX))
            return found if found is not None and found.key == market.listing.key else None
        if not client_id:
            raise CodeError(700004, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        return self._records.by_client_id(signed.account, market, client_id)

    def _cancel(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed)
        if order is None or not order.is_open:
            raise CodeError(-2011, "Unknown order sent.")
        self._accounts.cancel(order)
        return self._row(order)

    def _cancel_all(self, signed: Signed) -> list[dict[str, Any]]:
        """Of up to five markets, named with commas between them."""
        names = signed.required("symbol").split(",")
        markets = [self._records.markets.get(name) for name in names]
        if None in markets:
            raise CodeError(-1121, "Invalid symbol.")
        return [
            self._row(order)
            for market in markets
            if market is not None
            for order in self._accounts.cancel_all(signed.account, market.listing.key)
        ]

    def _row(self, order: AccountOrder) -> dict[str, Any]:
        return texts.spot_row(self._records.by_key[order.key], order, self._records.id_of(order))

    def _order(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed)
        if order is None:
            raise UNKNOWN_ORDER
        return self._row(order)

    def _open(self, signed: Signed) -> list[dict[str, Any]]:
        market = self._market(signed)
        return [self._row(order) for order in self._accounts.orders.open_orders(signed.account, market.listing.key)]

    def _all(self, signed: Signed) -> list[dict[str, Any]]:
        orders = self._records.orders(signed.account, [self._market(signed)])
        chosen = within(
            orders, [order.created_ms for order in orders], signed.whole("startTime"), signed.whole("endTime")
        )
        return [self._row(order) for order in chosen[: min(signed.whole("limit") or 500, MOST_ORDERS)]]

    def _trades(self, signed: Signed) -> list[dict[str, Any]]:
        """Newest first, 100 unless more are asked for."""
        market, order_id = self._market(signed), signed.text("orderId")
        fills = self._accounts.orders.fills(signed.account, market.listing.key)[::-1]
        fills = within(fills, [fill.ms for fill in fills], signed.whole("startTime"), signed.whole("endTime"))
        rows = [texts.spot_trade_row(market, fill, self._records.wire_id(fill.key, fill.order_id)) for fill in fills]
        chosen = [row for row in rows if order_id in ("", row["orderId"])]
        return chosen[: min(signed.whole("limit") or 100, MOST_TRADES)]

    # --- account -------------------------------------------------------------------------------------------------

    def _account(self, signed: Signed) -> dict[str, Any]:
        """What may be done is told of the account, not of the key."""
        held = [
            self._accounts.holding(signed.account, currency) for currency in self._accounts.currencies(MarketKind.SPOT)
        ]
        return {
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "updateTime": None,
            "accountType": "SPOT",
            "balances": [
                {"asset": holding.currency, "free": text_of(holding.free), "locked": text_of(holding.locked),
                 "available": text_of(holding.free)}
                for holding in held
            ],
            "permissions": ["SPOT"],
        }  # fmt: skip

    def _fee(self, signed: Signed) -> dict[str, Any]:
        instrument = self._market(signed).listing.instrument
        fees = {"makerCommission": float(instrument.maker_fee), "takerCommission": float(instrument.taker_fee)}
        return {"data": fees, "code": 0, "msg": "success", "timestamp": self._records.timeline.now_ms()}

    def _symbols(self, signed: Signed) -> dict[str, Any]:
        return {"code": 200, "data": list(self._records.markets), "msg": None}
