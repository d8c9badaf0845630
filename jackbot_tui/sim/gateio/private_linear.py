"""Gate's signed pages of USDT perpetuals: orders, triggered orders, trades, wallet, positions, leverage.

``private`` mounts them. Shapes: ../shared/exchanges/gateio.md §8. Sizes are signed contracts. A leverage above 0 makes
a position isolated, 0 with ``cross_leverage_limit`` cross. Hedge mode and batches are refused or not played.
"""

from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.gateio import order_texts as texts
from jackbot_tui.sim.gateio.pages import wants_whole_sizes
from jackbot_tui.sim.gateio.private_records import Records, order_text, paged, paged_fills
from jackbot_tui.sim.gateio.private_rest import LabelError, PrivatePage, Signed, bad_value, label_error
from jackbot_tui.sim.gateio.private_spot import TIMES, count_down, would_trigger
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.margin import settled
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refusal, Refused, TriggerPrice

BASE = "/futures/usdt"
SETTLE = "USDT"
RISING = {1: True, 2: False}
"""A trigger's rule: the price rises to it, or falls to it."""


class LinearPrivate:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._accounts = records.accounts

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        order, trigger = f"{BASE}/orders/{{order_id}}", f"{BASE}/price_orders/{{order_id}}"
        position = f"{BASE}/positions/{{contract}}"
        return [
            PrivatePage("POST", f"{BASE}/orders", self._place, trade, orders=True, status=201),
            PrivatePage("PUT", order, self._amend, trade, orders=True),
            PrivatePage("GET", order, lambda signed: self._row(signed, self._records.order(signed))),
            PrivatePage("DELETE", order, self._cancel, trade),
            PrivatePage("DELETE", f"{BASE}/orders", self._cancel_all, trade),
            PrivatePage("GET", f"{BASE}/orders", self._orders),
            PrivatePage("GET", f"{BASE}/my_trades", lambda signed: self._trades(signed, "id")),
            PrivatePage("GET", f"{BASE}/my_trades_timerange", lambda signed: self._trades(signed, "trade_id")),
            PrivatePage("POST", f"{BASE}/price_orders", self._place_trigger, trade, orders=True, status=201),
            PrivatePage("GET", f"{BASE}/price_orders", self._triggers),
            PrivatePage("DELETE", f"{BASE}/price_orders", self._cancel_triggers, trade),
            PrivatePage("GET", trigger, lambda s: self._trigger_row(s, self._records.order(s, waits=True))),
            PrivatePage("DELETE", trigger, self._cancel_trigger, trade),
            PrivatePage("POST", f"{BASE}/countdown_cancel_all", lambda s: count_down(self._records, s), trade),
            PrivatePage("GET", f"{BASE}/accounts", self._wallet),
            PrivatePage("GET", f"{BASE}/positions", self._positions),
            PrivatePage("GET", position, lambda signed: self._position(signed, self._records.market(signed))),
            PrivatePage("POST", f"{position}/leverage", self._set_leverage, trade),
            PrivatePage("POST", f"{position}/margin", self._move_margin, trade),
            PrivatePage("POST", f"{BASE}/dual_mode", self._set_dual_mode, trade),
        ]

    # --- orders --------------------------------------------------------------------------------------------------

    def _row(self, signed: Signed, order: AccountOrder) -> dict[str, Any]:
        market = self._records.by_key[order.key]
        return texts.linear_row(market, order, self._records.id_of(order), whole=wants_whole_sizes(signed.call))

    def _place(self, signed: Signed) -> dict[str, Any]:
        return self._row(signed, self._submit(signed, self._spec(signed)))

    def _spec(self, signed: Signed, **more: Any) -> OrderSpec:
        market, time = self._records.market(signed), signed.text("tif") or "gtc"
        size = signed.number("amount") if signed.text("amount") else signed.number("size")
        if time not in TIMES:
            raise bad_value("tif")
        reduce_only = signed.flag("reduce_only")
        if size == ZERO and signed.flag("close"):
            size, reduce_only = -self._held(signed, market), True
        if not size:
            raise bad_value("size")
        price = signed.number("price")
        if price is None:
            raise LabelError("MISSING_REQUIRED_PARAM", "Missing required parameter: price")
        if price == ZERO and time not in ("ioc", "fok"):
            raise bad_value("price")
        return OrderSpec(
            key=market.listing.key, side=Side.BUY if size > 0 else Side.SELL, price=price or None,
            quantity=abs(size) * market.listing.instrument.contract_size,
            client_id=order_text(signed.text("text")),
            tif=TimeInForce.GTC if price == ZERO and time == "ioc" else TIMES[time],
            post_only=time == "poc", reduce_only=reduce_only, **more,
        )  # fmt: skip

    def _held(self, signed: Signed, market: SimMarket) -> Decimal:
        """Contracts of the position, signed."""
        view = self._accounts.positions.view(signed.account, market.listing.key)
        if not view.lots:
            raise LabelError("POSITION_EMPTY", "position is empty")
        return view.quantity / market.listing.instrument.contract_size

    def _submit(self, signed: Signed, spec: OrderSpec) -> AccountOrder:
        try:
            return self._accounts.submit(signed.account, spec)
        except Refused as refused:
            if refused.refusal is Refusal.WOULD_TRIGGER:
                raise would_trigger(spec) from None
            raise label_error(MarketKind.LINEAR, refused) from None

    def _amend(self, signed: Signed) -> dict[str, Any]:
        order = self._records.order(signed)
        if not order.is_open:
            self._records.cancel(order)  # says in the venue's words that it is over
        size, contract = signed.number("size"), self._records.by_key[order.key].listing.instrument.contract_size
        quantity = None if size is None else abs(size) * contract
        if size is not None and size * order.side.sign <= 0:
            raise bad_value("size")
        try:
            self._accounts.amend(order, signed.number("price"), quantity)
        except Refused as refused:
            raise label_error(MarketKind.LINEAR, refused) from None
        return self._row(signed, order)

    def _cancel(self, signed: Signed) -> dict[str, Any]:
        order = self._records.order(signed)
        self._records.cancel(order)
        return self._row(signed, order)

    def _cancel_all(self, signed: Signed) -> list[dict[str, Any]]:
        return [
            self._row(signed, order)
            for market in self._records.chosen(signed)
            for order in self._records.cancel_side(signed, market, waits=False)
        ]

    def _orders(self, signed: Signed) -> list[dict[str, Any]]:
        return [self._row(signed, order) for order in paged(self._records.listed(signed), signed)]

    def _trades(self, signed: Signed, named: str) -> list[dict[str, Any]]:
        keys = {market.listing.key for market in self._records.chosen(signed)}
        wanted, whole = signed.text("order") if named == "id" else "", wants_whole_sizes(signed.call)
        fills = [
            fill
            for fill in self._accounts.orders.fills(signed.account)
            if fill.key in keys and wanted in ("", str(self._records.wire_id(fill.key, fill.order_id)))
        ]
        return [
            texts.linear_trade_row(
                self._records.by_key[fill.key], fill, self._records.wire_id(fill.key, fill.order_id),
                whole=whole, named=named,
            )
            for fill in paged_fills(fills, signed)
        ]  # fmt: skip

    # --- triggered orders ----------------------------------------------------------------------------------------

    def _place_trigger(self, signed: Signed) -> dict[str, Any]:
        initial, trigger = signed.part("initial"), signed.part("trigger")
        price, rises = trigger.number("price"), RISING.get(trigger.whole("rule") or 0)
        by = {0: TriggerPrice.LAST, 1: TriggerPrice.MARK}.get(trigger.whole("price_type") or 0)
        if price is None or rises is None or by is None:
            raise bad_value("trigger")
        size = initial.number("amount") if initial.text("amount") else initial.number("size")
        takes_profit = rises is not (size is not None and size > 0)
        spec = self._spec(initial, trigger_price=price, trigger_by=by, takes_profit=takes_profit)
        return {"id": self._records.id_of(self._submit(signed, spec))}

    def _trigger_row(self, signed: Signed, order: AccountOrder) -> dict[str, Any]:
        market, whole = self._records.by_key[order.key], wants_whole_sizes(signed.call)
        return texts.linear_trigger_row(
            market, order, self._records.id_of(order), self._records.fired(order), whole=whole
        )

    def _triggers(self, signed: Signed) -> list[dict[str, Any]]:
        orders = paged(self._records.listed(signed, waits=True), signed)
        return [self._trigger_row(signed, order) for order in orders]

    def _cancel_trigger(self, signed: Signed) -> dict[str, Any]:
        order = self._records.order(signed, waits=True)
        self._records.cancel(order)
        return self._trigger_row(signed, order)

    def _cancel_triggers(self, signed: Signed) -> list[dict[str, Any]]:
        return [
            self._trigger_row(signed, order)
            for market in self._records.chosen(signed)
            for order in self._records.cancel_side(signed, market, waits=True)
        ]

    # --- wallet and positions ------------------------------------------------------------------------------------

    def _wallet(self, signed: Signed) -> dict[str, Any]:
        margin = self._accounts.positions.margin(signed.account, SETTLE)
        figures = {
            "total": margin.wallet,
            "unrealised_pnl": margin.unrealized,
            "position_margin": margin.wallet - margin.cross_wallet,
            "order_margin": margin.order_initial,
            "available": max(ZERO, margin.available),
            "position_initial_margin": margin.position_initial,
            "maintenance_margin": margin.maintenance,
            "cross_order_margin": margin.order_initial,
            "cross_initial_margin": margin.position_initial,
            "cross_maintenance_margin": margin.cross_maintenance,
            "cross_unrealised_pnl": margin.cross_unrealized,
            "cross_available": max(ZERO, margin.available),
        }
        return {
            "user": texts.user_id(signed.account),
            "currency": SETTLE,
            **{name: text_of(Decimal(f"{amount:.8f}")) for name, amount in figures.items()},
            "point": "0",
            "bonus": "0",
            "in_dual_mode": False,
            "enable_credit": False,
            "enable_evolved_classic": True,
        }

    def _position(self, signed: Signed, market: SimMarket) -> dict[str, Any]:
        view = self._accounts.positions.view(signed.account, market.listing.key)
        pending = len(self._records.open_orders(signed.account, market))
        return texts.position_row(market, view, pending, whole=wants_whole_sizes(signed.call))

    def _positions(self, signed: Signed) -> list[dict[str, Any]]:
        """Every contract's, or those held with ``holding``."""
        held_only = signed.flag("holding")
        return [
            self._position(signed, market)
            for market in self._records.markets.values()
            if not held_only or self._accounts.positions.position(signed.account, market.listing.key).lots
        ]

    def _set_leverage(self, signed: Signed) -> dict[str, Any]:
        market = self._records.market(signed)
        signed.required("leverage")
        leverage, limit = signed.number("leverage") or ZERO, signed.number("cross_leverage_limit")
        isolated, key = leverage != ZERO, market.listing.key
        wanted = leverage if isolated else limit
        if not wanted:
            raise bad_value("leverage")
        try:
            if self._accounts.positions.setting(signed.account, key).isolated is not isolated:
                self._accounts.set_isolated(signed.account, key, isolated=isolated)
            self._accounts.set_leverage(signed.account, key, wanted)
        except Refused as refused:
            raise label_error(MarketKind.LINEAR, refused) from None
        return self._position(signed, market)

    def _move_margin(self, signed: Signed) -> dict[str, Any]:
        """``change`` is added to an isolated position's margin, or taken when negative."""
        market = self._records.market(signed)
        signed.required("change")
        change = signed.number("change") or ZERO
        view = self._accounts.positions.view(signed.account, market.listing.key)
        if not view.lots:
            raise LabelError("POSITION_EMPTY", "position is empty")
        if not view.is_isolated:
            raise LabelError("POSITION_CROSS_MARGIN", "margin updating is not allowed in cross margin")
        if change == ZERO or change != settled(change):
            raise bad_value("change")
        if change > self._accounts.positions.margin(signed.account, SETTLE).available:
            raise LabelError("INSUFFICIENT_AVAILABLE", "balance is not enough")
        if -change > view.isolated_margin + min(ZERO, view.unrealized) - view.initial_margin:
            raise LabelError("REMOVE_TOO_MUCH", "changed margin exceeds allowed")
        key = market.listing.key
        self._accounts.positions.add_margin(signed.account, key, change, ms=self._records.timeline.now_ms())
        self._accounts.touch_money(signed.account, key, (SETTLE,), Cause.MARGIN)
        return self._position(signed, market)

    def _set_dual_mode(self, signed: Signed) -> dict[str, Any]:
        if signed.flag("dual_mode"):
            raise LabelError("INVALID_PARAM_VALUE", "Hedge mode is not available here: positions are one-way.")
        raise LabelError("NO_CHANGE", "no change is made")
