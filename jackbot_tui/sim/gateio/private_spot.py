"""Gate spot's signed pages: orders, triggered orders, trades, balances. No HTTP: a signed request in, Gate's shape out.

``private`` mounts them. Shapes: ../shared/exchanges/gateio.md §8. A market buy names how much quote currency it spends.
Batches, margin and unified accounts are not played.
"""

from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.gateio import order_texts as texts
from jackbot_tui.sim.gateio.private_records import Records, order_text, paged, paged_fills
from jackbot_tui.sim.gateio.private_rest import LabelError, PrivatePage, Signed, bad_value, label_error
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refusal, Refused

TIMES = {"": TimeInForce.GTC, "gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK,
         "poc": TimeInForce.GTC}  # fmt: skip
ACCOUNTS = ("", "spot", "normal")
SHORTEST_COUNTDOWN_S = 5


class SpotPrivate:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._accounts = records.accounts

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        order, trigger = "/spot/orders/{order_id}", "/spot/price_orders/{order_id}"
        return [
            PrivatePage("POST", "/spot/orders", self._place, trade, orders=True, status=201),
            PrivatePage("PATCH", order, self._amend, trade, orders=True),
            PrivatePage("GET", order, lambda signed: self._row(self._records.order(signed))),
            PrivatePage("DELETE", order, self._cancel, trade),
            PrivatePage("DELETE", "/spot/orders", self._cancel_all, trade),
            PrivatePage("GET", "/spot/orders", self._orders),
            PrivatePage("GET", "/spot/open_orders", self._open),
            PrivatePage("GET", "/spot/my_trades", self._trades),
            PrivatePage("GET", "/spot/accounts", self._balances),
            PrivatePage("GET", "/spot/fee", self._fee),
            PrivatePage("POST", "/spot/price_orders", self._place_trigger, trade, orders=True, status=201),
            PrivatePage("GET", "/spot/price_orders", self._triggers),
            PrivatePage("DELETE", "/spot/price_orders", self._cancel_triggers, trade),
            PrivatePage("GET", trigger, lambda signed: self._trigger_row(self._records.order(signed, waits=True))),
            PrivatePage("DELETE", trigger, self._cancel_trigger, trade),
            PrivatePage("POST", "/spot/countdown_cancel_all", self._count_down, trade),
        ]

    # --- orders --------------------------------------------------------------------------------------------------

    def _row(self, order: AccountOrder) -> dict[str, Any]:
        market = self._records.by_key[order.key]
        return texts.spot_row(market, order, self._records.id_of(order), self._records.fills(order))

    def _place(self, signed: Signed) -> dict[str, Any]:
        return self._row(self._submit(signed, self._spec(signed, self._records.market(signed))))

    def _spec(self, signed: Signed, market: SimMarket, **more: Any) -> OrderSpec:
        if signed.text("account") not in ACCOUNTS:
            raise LabelError("MARGIN_NOT_SUPPORTED", "Only account spot is available here")
        side, time = self._records.side(signed.required("side")), signed.text("time_in_force")
        kind = signed.text("type") or "limit"
        if kind not in ("limit", "market") or time not in TIMES or side is None:
            raise bad_value("type, side or time_in_force")
        is_market = kind == "market"
        if is_market and time not in ("ioc", "fok", ""):
            raise bad_value("time_in_force")
        signed.required("amount")
        amount, price = signed.number("amount"), signed.number("price")
        if not is_market and price is None:
            raise LabelError("MISSING_REQUIRED_PARAM", "Missing required parameter: price")
        by_cost = is_market and side.sign > 0
        return OrderSpec(
            key=market.listing.key, side=side, price=None if is_market else price,
            quantity=ZERO if by_cost or amount is None else amount, cost=amount if by_cost else None,
            client_id=order_text(signed.text("text")), tif=TIMES[time], post_only=time == "poc", **more,
        )  # fmt: skip

    def _submit(self, signed: Signed, spec: OrderSpec) -> AccountOrder:
        try:
            return self._accounts.submit(signed.account, spec)
        except Refused as refused:
            if refused.refusal is Refusal.WOULD_TRIGGER:
                raise would_trigger(spec) from None
            raise label_error(MarketKind.SPOT, refused) from None

    def _amend(self, signed: Signed) -> dict[str, Any]:
        order = self._records.order(signed)
        if not order.is_open:
            self._records.cancel(order)  # says in the venue's words that it is over
        try:
            self._accounts.amend(order, signed.number("price"), signed.number("amount"))
        except Refused as refused:
            raise label_error(MarketKind.SPOT, refused) from None
        return self._row(order)

    def _cancel(self, signed: Signed) -> dict[str, Any]:
        order = self._records.order(signed)
        self._records.cancel(order)
        return self._row(order)

    def _cancel_all(self, signed: Signed) -> list[dict[str, Any]]:
        done = {"succeeded": True, "label": "", "message": ""}
        return [
            self._row(order) | done
            for market in self._records.chosen(signed)
            for order in self._records.cancel_side(signed, market, waits=False)
        ]

    def _orders(self, signed: Signed) -> list[dict[str, Any]]:
        if signed.text("status") == "open":
            self._records.market(signed)
        return [self._row(order) for order in paged(self._records.listed(signed), signed)]

    def _open(self, signed: Signed) -> list[dict[str, Any]]:
        """By market, as Gate groups them; the market named in the query is not asked for."""
        groups = []
        for market in self._records.markets.values():
            orders = self._records.open_orders(signed.account, market)
            if orders:
                rows = [self._row(order) for order in orders]
                groups.append({"currency_pair": market.native, "total": len(rows), "orders": rows})
        return groups

    def _trades(self, signed: Signed) -> list[dict[str, Any]]:
        keys = {market.listing.key for market in self._records.chosen(signed)}
        wanted = signed.text("order_id")
        fills = [
            fill
            for fill in self._accounts.orders.fills(signed.account)
            if fill.key in keys and wanted in ("", str(self._records.wire_id(fill.key, fill.order_id)))
        ]
        return [
            texts.spot_trade_row(self._records.by_key[fill.key], fill, self._records.wire_id(fill.key, fill.order_id))
            for fill in paged_fills(fills, signed)
        ]

    # --- triggered orders ----------------------------------------------------------------------------------------

    def _place_trigger(self, signed: Signed) -> dict[str, Any]:
        put, trigger = signed.part("put"), signed.part("trigger")
        market = self._records.market(signed, "market")
        price, rule = trigger.number("price"), trigger.required("rule")
        if price is None or rule not in (">=", "<="):
            raise bad_value("trigger")
        text = order_text(put.text("text") or trigger.text("text"))
        side = self._records.side(put.required("side"))
        rises = rule == ">="
        more = {"trigger_price": price, "takes_profit": side is not None and rises is not (side.sign > 0)}
        named = Signed(put.key, put.call, {**put.fields, "text": text})
        order = self._submit(signed, self._spec(named, market, **more))
        return {"id": self._records.id_of(order)}

    def _trigger_row(self, order: AccountOrder) -> dict[str, Any]:
        market = self._records.by_key[order.key]
        return texts.spot_trigger_row(market, order, self._records.id_of(order), self._records.fired(order))

    def _triggers(self, signed: Signed) -> list[dict[str, Any]]:
        orders = self._records.listed(signed, waits=True, field="market")
        return [self._trigger_row(order) for order in paged(orders, signed)]

    def _cancel_trigger(self, signed: Signed) -> dict[str, Any]:
        order = self._records.order(signed, waits=True)
        self._records.cancel(order)
        return self._trigger_row(order)

    def _cancel_triggers(self, signed: Signed) -> list[dict[str, Any]]:
        return [
            self._trigger_row(order)
            for market in self._records.chosen(signed, "market")
            for order in self._records.cancel_side(signed, market, waits=True)
        ]

    # --- account -------------------------------------------------------------------------------------------------

    def _balances(self, signed: Signed) -> list[dict[str, Any]]:
        wanted = signed.text("currency")
        return [
            texts.account_row(self._accounts.holding(signed.account, currency))
            for currency in self._accounts.currencies(MarketKind.SPOT)
            if wanted in ("", currency)
        ]

    def _fee(self, signed: Signed) -> dict[str, Any]:
        instrument = self._records.chosen(signed)[0].listing.instrument
        taker, maker = text_of(instrument.taker_fee), text_of(instrument.maker_fee)
        return {
            "user_id": texts.user_id(signed.account), "taker_fee": taker, "maker_fee": maker, "gt_discount": False,
            "gt_taker_fee": "0", "gt_maker_fee": "0", "loan_fee": "0.18", "point_type": "1",
            "currency_pair": instrument.native, "debit_fee": 3,
        }  # fmt: skip

    def _count_down(self, signed: Signed) -> dict[str, Any]:
        return count_down(self._records, signed)


def would_trigger(spec: OrderSpec) -> LabelError:
    """The trigger's price has been reached already."""
    rises = (spec.side.sign > 0) is not spec.takes_profit
    sign, label = (">", "AUTO_TRIGGER_PRICE_GREATE_LAST") if rises else ("<", "AUTO_TRIGGER_PRICE_LESS_LAST")
    return LabelError(label, f"invalid argument: Trigger.Price must {sign} last_price")


def count_down(records: Records, signed: Signed) -> dict[str, Any]:
    """Dead-man switch of one market, or of all: seconds, 0 stops it."""
    signed.required("timeout")
    timeout = signed.number("timeout") or Decimal(0)
    if timeout != int(timeout) or 0 < timeout < SHORTEST_COUNTDOWN_S or timeout < 0:
        raise bad_value("timeout")
    for market in records.chosen(signed):
        records.accounts.count_down(signed.account, market.listing.key, int(timeout) * 1000)
    return {"triggerTime": records.timeline.now_ms() + int(timeout) * 1000 if timeout else 0}
