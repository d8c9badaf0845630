"""Crypto.com's private methods: orders, trigger orders, fills, balance, positions, leverage.

The same methods serve REST and the user socket; ``private`` mounts them. Accepting an order says nothing of its fate:
a post-only order that would take, or one that is not filled at once, ends on the stream. An amended order goes on under
another id. Facts: ../shared/exchanges/cryptocom.md §8 and the venue's pages on trading and advanced orders.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.budgets import Budget
from jackbot_tui.sim.cryptocom import private_texts as texts
from jackbot_tui.sim.cryptocom.private_rest import (
    INVALID_INSTRUMENT,
    NOT_FOUND,
    Asked,
    CryptocomError,
    Method,
    bad_argument,
    error_of,
)
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import SelfTrade
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, OrderSpec, Refusal, Refused, TriggerPrice
from jackbot_tui.sim.timeline import Timeline

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
TIMES = {name: tif for tif, name in texts.TIMES.items()}
INSTRUCTIONS = ("POST_ONLY", "SMART_POST_ONLY", "REDUCE_ONLY", "ISOLATED_MARGIN", "MARGIN_ORDER")
SELF_TRADES = {"M": SelfTrade.EXPIRE_MAKER, "T": SelfTrade.EXPIRE_TAKER, "B": SelfTrade.EXPIRE_BOTH}
TRIGGERED = {
    "STOP_LOSS": (True, False),
    "STOP_LIMIT": (False, False),
    "TAKE_PROFIT": (True, True),
    "TAKE_PROFIT_LIMIT": (False, True),
}
"""Types of trigger orders: whether they go to the market as market orders, and whether they take a profit."""

REFERENCES = {"MARK_PRICE": TriggerPrice.MARK, "LAST_PRICE": TriggerPrice.LAST}
MOST_IN_LIST = 10
ROWS = 100
DAY_NS = 86_400_000_000_000
FIRST_ID = 6_530_000_000_000_000_000
MOST_LEVERAGE = 100
QUICK, OFTEN, SELDOM = Budget(15, 100), Budget(30, 100), Budget(1, 1_000)
IDS_KEPT = 20_000
_Row = TypeVar("_Row")


class WireId(Struct):
    """An order under one id. ``last_trade``: the last of its fills under that id, once it was amended and goes on under
    another. ``named``: what it is called where its sender gave no client id.
    """

    text: str
    key: str
    order_id: int
    account: int
    named: str = ""
    last_trade: int = 0


class Methods:
    """``markets`` by native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for market in markets.values()}
        self._timeline = timeline
        self._wires: dict[str, WireId] = {}
        self._of_order: dict[tuple[str, int], list[WireId]] = {}
        self._count = 0

    def all(self) -> list[Method]:
        trade = Permission.TRADE
        return [
            Method("private/create-order", self.create, trade, QUICK),
            Method("private/create-order-list", self._create_list, trade),
            Method("private/cancel-order", self._cancel, trade, QUICK),
            Method("private/cancel-order-list", self._cancel_list, trade),
            Method("private/cancel-all-orders", self._cancel_all, trade, QUICK),
            Method("private/amend-order", self._amend, trade),
            Method("private/close-position", self._close_position, trade),
            Method("private/get-open-orders", self._open_orders),
            Method("private/get-order-detail", self._detail, None, OFTEN),
            Method("private/get-order-history", self._history, None, SELDOM),
            Method("private/get-trades", self._trades, None, SELDOM),
            Method("private/user-balance", lambda asked: {"data": [self.balance(asked.account)]}),
            Method("private/get-positions", self._positions),
            Method("private/get-accounts", self._accounts_page),
            Method("private/change-account-leverage", self._leverage, trade),
            Method("private/get-currency-networks", self._networks),
            Method("private/advanced/create-order", self._create_trigger, trade, QUICK),
            Method("private/advanced/cancel-order", self._cancel_trigger, trade, QUICK),
            Method("private/advanced/cancel-all-orders", self._cancel_triggers, trade, QUICK),
            Method("private/advanced/get-open-orders", self._open_triggers),
            Method("private/advanced/get-order-detail", self._trigger_detail, None, OFTEN),
        ]

    # --- placing -------------------------------------------------------------------------------------------------

    def create(self, asked: Asked) -> dict[str, Any]:
        kind = asked.required("type")
        if kind in TRIGGERED or asked.text("ref_price"):
            raise CryptocomError(218, "INVALID_ORDTYPE", 400)  # since 17 Dec 2025 they have methods of their own
        if kind not in ("LIMIT", "MARKET"):
            raise CryptocomError(218, "INVALID_ORDTYPE", 400)
        market, instructions, tif = self._market(asked), self._instructions(asked), self._tif(asked)
        if "POST_ONLY" in instructions and (tif is not TimeInForce.GTC or kind == "MARKET"):
            raise error_of(Refused(Refusal.POST_ONLY))
        at_market = kind == "MARKET"
        cost = asked.number("notional") if at_market and market.kind is MarketKind.SPOT else None
        if cost is None:
            asked.required("quantity")
        if not at_market:
            asked.required("price")
        return self._submit(
            asked,
            OrderSpec(
                key=market.listing.key,
                side=asked.side(),
                quantity=ZERO if cost is not None else asked.number("quantity") or ZERO,
                price=None if at_market else asked.number("price"),
                client_id=self._client_id(asked),
                tif=TimeInForce.IOC if at_market else tif,
                post_only="POST_ONLY" in instructions,
                reduce_only="REDUCE_ONLY" in instructions and market.kind is MarketKind.LINEAR,
                self_trade=SELF_TRADES.get(asked.text("stp_inst")),
                cost=cost,
            ),
        )

    def _submit(self, asked: Asked, spec: OrderSpec) -> dict[str, Any]:
        try:
            order = self._accounts.submit(asked.account, spec)
        except Refused as refused:
            said = {"client_oid": spec.client_id or asked.nonce, "order_id": self._take_id()}
            raise error_of(refused, said) from None
        wire = self.wire(order)
        wire.named = "" if spec.client_id else asked.nonce
        return {"order_id": wire.text, "client_oid": spec.client_id or asked.nonce}

    def _create_trigger(self, asked: Asked) -> dict[str, Any]:
        at_market, takes_profit = TRIGGERED.get(asked.required("type"), (None, None))
        if at_market is None or takes_profit is None:
            raise CryptocomError(218, "INVALID_ORDTYPE", 400)
        market, instructions = self._market(asked), self._instructions(asked)
        for name in ("quantity", "ref_price", *(() if at_market else ("price",))):
            asked.required(name)
        by = REFERENCES.get(asked.text("ref_price_type") or "MARK_PRICE")
        if by is None:
            raise CryptocomError(230, "INVALID_REF_PRICE_TYPE", 400)
        return self._submit(
            asked,
            OrderSpec(
                key=market.listing.key,
                side=asked.side(),
                quantity=asked.number("quantity") or ZERO,
                price=None if at_market else asked.number("price"),
                client_id=self._client_id(asked),
                tif=self._tif(asked),
                post_only="POST_ONLY" in instructions,
                reduce_only="REDUCE_ONLY" in instructions and market.kind is MarketKind.LINEAR,
                trigger_price=asked.number("ref_price"),
                trigger_by=by,
                takes_profit=takes_profit,
            ),
        )

    def _create_list(self, asked: Asked) -> list[dict[str, Any]]:
        return self._each(asked, self.create)

    def _each(self, asked: Asked, act: Callable[[Asked], dict[str, Any]]) -> list[dict[str, Any]]:
        """One row for each order of a list: its failure is its own."""
        orders = asked.listed("order_list")
        if asked.text("contingency_type") != "LIST" or not 0 < len(orders) <= MOST_IN_LIST:
            raise bad_argument("order_list")
        rows = []
        for index, params in enumerate(orders):
            if not isinstance(params, dict):
                raise bad_argument("order_list")
            one = Asked(asked.sender, params, f"{asked.nonce}{index}")
            try:
                rows.append({"index": index, "code": 0, **act(one)})
            except CryptocomError as error:
                rows.append({"index": index, "code": error.code, "message": str(error), **(error.result or {})})
        return rows

    # --- changing and canceling ----------------------------------------------------------------------------------

    def _cancel(self, asked: Asked) -> dict[str, Any]:
        return self._canceled(asked, triggered=False)

    def _cancel_trigger(self, asked: Asked) -> dict[str, Any]:
        return self._canceled(asked, triggered=True)

    def _canceled(self, asked: Asked, *, triggered: bool) -> dict[str, Any]:
        order = self._found(asked, triggered=triggered)
        if order is None:
            raise CryptocomError(212, "INVALID_ORDERID", 500)
        try:
            self._accounts.cancel(order)
        except Refused as refused:
            raise error_of(refused) from None
        wire = self.wire(order)
        return {"order_id": wire.text, "client_oid": texts.client_id(order, wire.named)}

    def _cancel_list(self, asked: Asked) -> list[dict[str, Any]]:
        return self._each(asked, self._cancel)

    def _cancel_all(self, asked: Asked) -> dict[str, Any]:
        """LIMIT and ALL are the same here: trigger orders are canceled by their own method."""
        self._cancel_each(asked, triggered=False)
        return {}

    def _cancel_triggers(self, asked: Asked) -> dict[str, Any]:
        self._cancel_each(asked, triggered=True)
        return {}

    def _cancel_each(self, asked: Asked, *, triggered: bool) -> None:
        for order in self._accounts.orders.open_orders(asked.account, self._key(asked)):
            if order.is_open and (order.trigger is not None) is triggered:
                self._accounts.cancel(order)

    def _amend(self, asked: Asked) -> dict[str, Any]:
        for name in ("new_price", "new_quantity"):
            asked.required(name)
        named = {"order_id": asked.text("order_id"), "client_oid": asked.text("orig_client_oid")}
        order = self._found(Asked(asked.sender, {name: text for name, text in named.items() if text}), triggered=False)
        if order is None:
            raise CryptocomError(212, "INVALID_ORDERID", 500)
        client_id = self._client_id(asked)
        before, fills = self.wire(order), self._accounts.orders.fills(asked.account, order.key, order.order_id)
        try:
            self._accounts.amend(order, asked.number("new_price"), asked.number("new_quantity"), client_id)
        except Refused as refused:
            if refused.refusal is not Refusal.NOTHING_CHANGED:
                raise error_of(refused) from None
            return {"order_id": before.text, "client_oid": order.client_id}
        before.last_trade = fills[-1].trade_id if fills else 0
        wire = self._give(order)
        return {"order_id": wire.text, "client_oid": texts.client_id(order, wire.named)}

    def _close_position(self, asked: Asked) -> dict[str, Any]:
        market, kind = self._market(asked), asked.required("type")
        held = self._accounts.positions.position(asked.account, market.listing.key).lots if market.marks else 0
        if not held:
            raise CryptocomError(201, "NO_POSITION", 500)
        if kind not in ("LIMIT", "MARKET"):
            raise CryptocomError(218, "INVALID_ORDTYPE", 400)
        return self._submit(
            asked,
            OrderSpec(
                key=market.listing.key,
                side=Side.SELL if held > 0 else Side.BUY,
                quantity=abs(held) * market.listing.instrument.lot,
                price=asked.number("price") if kind == "LIMIT" else None,
                reduce_only=True,
            ),
        )

    # --- what an order says --------------------------------------------------------------------------------------

    def _market(self, asked: Asked) -> SimMarket:
        found = self._markets.get(asked.required("instrument_name"))
        if found is None:
            raise INVALID_INSTRUMENT
        return found

    def _key(self, asked: Asked) -> str | None:
        return self._market(asked).listing.key if asked.text("instrument_name") else None

    @staticmethod
    def _instructions(asked: Asked) -> Sequence[str]:
        """Margin orders and isolated positions are not played here."""
        given = [str(each) for each in asked.listed("exec_inst")]
        known = all(each in INSTRUCTIONS for each in given)
        if not known or ("POST_ONLY" in given and "SMART_POST_ONLY" in given):
            raise CryptocomError(219, "INVALID_EXECINST", 500)
        if "ISOLATED_MARGIN" in given:
            raise CryptocomError(615, "ACCOUNT_DOES_NOT_SUPPORT_ISOLATED_POSITION", 500)
        if "SMART_POST_ONLY" in given or "MARGIN_ORDER" in given or asked.text("spot_margin") == "MARGIN":
            raise CryptocomError(219, "INVALID_EXECINST", 500)
        return given

    @staticmethod
    def _tif(asked: Asked) -> TimeInForce:
        text = asked.text("time_in_force") or "GOOD_TILL_CANCEL"
        if text not in TIMES:
            raise CryptocomError(221, "INVALID_TIF", 400)
        return TIMES[text]

    @staticmethod
    def _client_id(asked: Asked) -> str:
        text = asked.text("client_oid")
        if text and CLIENT_ID.fullmatch(text) is None:
            raise bad_argument("client_oid")
        return text

    # --- ids -----------------------------------------------------------------------------------------------------

    def _take_id(self) -> str:
        self._count += 1
        return str(FIRST_ID + self._count)

    def wire(self, order: AccountOrder) -> WireId:
        """The id under which an order goes now."""
        ids = self._of_order.get((order.key, order.order_id))
        return ids[-1] if ids else self._give(order)

    def _give(self, order: AccountOrder) -> WireId:
        made = WireId(self._take_id(), order.key, order.order_id, order.account)
        self._wires[made.text] = made
        self._of_order.setdefault((order.key, order.order_id), []).append(made)
        if len(self._wires) > IDS_KEPT:
            oldest = self._wires.pop(next(iter(self._wires)))
            self._of_order.pop((oldest.key, oldest.order_id), None)
        return made

    def wires(self, order: AccountOrder) -> list[WireId]:
        """All ids that an order has had, oldest first."""
        self.wire(order)
        return self._of_order[order.key, order.order_id]

    def _wire_of_fill(self, fill: Fill) -> WireId | None:
        ids = self._of_order.get((fill.key, fill.order_id), [])
        for wire in ids[:-1]:
            if fill.trade_id <= wire.last_trade:
                return wire
        return ids[-1] if ids else None

    # --- asking --------------------------------------------------------------------------------------------------

    def _found(self, asked: Asked, *, triggered: bool) -> AccountOrder | None:
        """By id, else by client id; None for one that went on under another id."""
        order_id, client_id = asked.text("order_id"), asked.text("client_oid")
        if not order_id and not client_id:
            raise bad_argument("order_id")
        store, found = self._accounts.orders, None
        if order_id:
            wire = self._wires.get(order_id)
            if wire is not None and wire.account == asked.account:
                found = store.order(wire.account, wire.key, wire.order_id)
                found = found if found is not None and self.wire(found) is wire else None
        else:
            candidates = [store.by_client_id(asked.account, key, client_id) for key in self._by_key]
            there = [order for order in candidates if order is not None]
            found = max(there, key=lambda order: (order.is_open, order.created_ms)) if there else None
        return None if found is None or (found.trigger is not None) is not triggered else found

    def _detail(self, asked: Asked) -> dict[str, Any]:
        return self._told(asked, triggered=False)

    def _trigger_detail(self, asked: Asked) -> dict[str, Any]:
        return self._told(asked, triggered=True)

    def _told(self, asked: Asked, *, triggered: bool) -> dict[str, Any]:
        order = self._found(asked, triggered=triggered)
        if order is not None:
            return self.row(order)
        wire = self._wires.get(asked.text("order_id"))
        former = None if wire is None else self._accounts.orders.order(asked.account, wire.key, wire.order_id)
        if wire is None or former is None or (former.trigger is not None) is not triggered:
            raise NOT_FOUND
        return self.row(former) | {"order_id": wire.text, "status": "CANCELED"}

    def _open_orders(self, asked: Asked) -> dict[str, Any]:
        found = self._accounts.orders.open_orders(asked.account, self._key(asked))
        return {"data": [self.row(order) for order in found if order.trigger is None]}

    def _open_triggers(self, asked: Asked) -> dict[str, Any]:
        found = self._accounts.orders.open_orders(asked.account, self._key(asked))
        return {"data": [self.row(order) for order in found if order.trigger is not None]}

    def _history(self, asked: Asked) -> dict[str, Any]:
        found = [
            order
            for order in self._accounts.orders.orders(asked.account, self._key(asked))
            if not order.is_open and order.trigger is None
        ]
        chosen = self._newest(asked, found, lambda order: order.created_ms * texts.NS_PER_MS)
        return {"data": [self.row(order) for order in chosen]}

    def _trades(self, asked: Asked) -> dict[str, Any]:
        found = self._accounts.orders.fills(asked.account, self._key(asked))
        return {"data": [self.fill_row(fill) for fill in self._newest(asked, found, texts.fill_ns)]}

    def _newest(self, asked: Asked, rows: Sequence[_Row], ns_of: Callable[[_Row], int]) -> list[_Row]:
        """Newest first, at most a hundred before ``end_time``; without ``start_time`` those of one day."""
        end = _ns(asked.whole("end_time")) or self._timeline.now_ns() + texts.NS_PER_MS
        start = _ns(asked.whole("start_time")) or end - DAY_NS
        limit = min(ROWS, asked.whole("limit") or ROWS)
        chosen = sorted((row for row in rows if start <= ns_of(row) < end), key=ns_of, reverse=True)
        return chosen[:limit]

    def row(self, order: AccountOrder) -> dict[str, Any]:
        """As it is now, under its present id."""
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        wire = self.wire(order)
        fees = sum((fill.fee for fill in fills), ZERO)
        row = texts.order_row(self._by_key[order.key], order, wire.text, fees, wire.named)
        return row | self._followed_by(order)

    def _followed_by(self, order: AccountOrder) -> dict[str, str]:
        """Of a trigger order that was set off: the order that goes on. That it counts as filled then is our reading."""
        child = self._accounts.orders.order(order.account, order.key, order.child_id) if order.child_id else None
        return {} if child is None else {"exchange_order_id": self.wire(child).text, "status": "FILLED"}

    def event_rows(self, order: AccountOrder, fill: Fill | None, *, amended: bool) -> list[dict[str, Any]]:
        """An order as it was at an event; one that was amended ends under its former id and begins under the new."""
        fees = ZERO
        for other in self._accounts.orders.fills(order.account, order.key, order.order_id):
            if fill is None or other.trade_id <= fill.trade_id:
                fees += other.fee
        market, ids = self._by_key[order.key], self.wires(order)
        wire = ids[-1] if fill is None else self._wire_of_fill(fill) or ids[-1]
        rows = [texts.order_row(market, order, wire.text, fees, wire.named) | self._followed_by(order)]
        if amended and len(ids) > 1:
            former = texts.order_row(market, order, ids[-2].text, fees, ids[-2].named)
            rows.insert(0, former | {"status": "CANCELED"})
        return rows

    def fill_row(self, fill: Fill) -> dict[str, Any]:
        order = self._accounts.orders.order(fill.account, fill.key, fill.order_id)
        wire = self._wire_of_fill(fill) or (None if order is None else self.wire(order))
        name = fill.client_id
        if order is not None and wire is not None:
            name = texts.client_id(order, wire.named)
        return texts.fill_row(self._by_key[fill.key], fill, "" if wire is None else wire.text, name)

    # --- the account ---------------------------------------------------------------------------------------------

    def balance(self, account: int) -> dict[str, Any]:
        settled_in = self._accounts.currencies(MarketKind.LINEAR)
        names = dict.fromkeys([*settled_in, *self._accounts.currencies(MarketKind.SPOT)])
        holdings, figures = [], dict.fromkeys(FIGURES, ZERO)
        for name in names:
            held = self._accounts.holding(account, name)
            if name in settled_in:
                margin = self._accounts.positions.margin(account, name)
                free = max(ZERO, margin.available)
                held = Holding(name, margin.wallet, margin.wallet - free)
                figures["total_available_balance"] += free
                figures["total_margin_balance"] += margin.wallet + margin.unrealized
                figures["total_cash_balance"] += margin.wallet
                figures["total_initial_margin"] += margin.position_initial + margin.order_initial
                figures["total_position_im"] += margin.position_initial
                figures["total_maintenance_margin"] += margin.maintenance
                figures["total_session_unrealized_pnl"] += margin.unrealized
            holdings.append(held)
        return texts.balance_row(holdings, figures)

    def positions(self, account: int, key: str | None = None) -> list[dict[str, Any]]:
        rows = []
        for market in self._markets.values():
            if market.kind is MarketKind.LINEAR and key in (None, market.listing.key):
                view = self._accounts.positions.view(account, market.listing.key)
                if view.lots:
                    rows.append(texts.position_row(market, view))
        return rows

    def _positions(self, asked: Asked) -> dict[str, Any]:
        return {"data": self.positions(asked.account, self._key(asked))}

    def _leverage(self, asked: Asked) -> dict[str, Any]:
        """The account's own leverage, as far as each instrument allows it."""
        leverage = asked.whole("leverage")
        if asked.required("account_id") != texts.account_id(asked.account):
            raise CryptocomError(203, "ACCOUNTS_DO_NOT_MATCH", 500)
        if leverage is None or not 1 <= leverage <= MOST_LEVERAGE:
            raise CryptocomError(226, "INVALID_LEVERAGE", 400)
        for market in self._markets.values():
            if market.kind is MarketKind.LINEAR:
                allowed = min(Decimal(leverage), market.listing.instrument.max_leverage)
                try:
                    self._accounts.set_leverage(asked.account, market.listing.key, allowed)
                except Refused as refused:
                    raise error_of(refused) from None
        return {}

    @staticmethod
    def _accounts_page(asked: Asked) -> dict[str, Any]:
        return {
            "master_account": {
                "uuid": texts.account_id(asked.account), "enabled": True, "tradable": True, "name": "SIM",
                "margin_access": "DEFAULT", "derivatives_access": "DEFAULT", "suspended": False, "terminated": False,
            },
            "sub_account_list": [],
        }  # fmt: skip

    def _networks(self, asked: Asked) -> dict[str, Any]:
        names = dict.fromkeys(name for kind in MarketKind for name in self._accounts.currencies(kind))
        row: dict[str, Any] = {"default_network": None, "network_list": []}
        return {
            "update_time": self._timeline.now_ms(),
            "currency_map": {name: {"full_name": name, **row} for name in names},
        }


FIGURES = (
    "total_available_balance", "total_margin_balance", "total_cash_balance", "total_initial_margin",
    "total_position_im", "total_maintenance_margin", "total_session_unrealized_pnl", "total_haircut",
)  # fmt: skip


def _ns(moment: int | None) -> int:
    """Moments come in milliseconds or nanoseconds."""
    if moment is None:
        return 0
    return moment * texts.NS_PER_MS if moment < 10**15 else moment
