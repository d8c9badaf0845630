"""Kraken spot's private requests: orders, history, balances, keys. Without a wire: fields in, results out.

``private`` mounts them as REST pages, ``private_spot_streams`` as methods of the authenticated WebSocket. What is
refused raises KrakenRefusal with the venue's words. Shapes: ../shared/exchanges/kraken.md §8.1.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.kraken.pages import altname, asset_id
from jackbot_tui.sim.kraken.private_auth import TOKEN_LIFETIME_S, Authority, KrakenRefusal
from jackbot_tui.sim.kraken.private_fields import (
    SPOT_REFUSALS,
    client_id_of,
    decimal_of,
    number_of,
    required,
    spot_spec,
    text_of_field,
    userref_of,
)
from jackbot_tui.sim.kraken.private_ids import Names
from jackbot_tui.sim.kraken.private_limits import (
    ADD_COST,
    AMEND_COSTS,
    CANCEL_COSTS,
    HISTORY_COST,
    REST,
    TRADING,
    DecayingCounters,
    cost_at,
)
from jackbot_tui.sim.kraken.private_spot_rows import flags, order_row, order_type, sentence, trade_row
from jackbot_tui.sim.kraken.spot import pair_id
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill, Refusal, Refused
from jackbot_tui.sim.text import instant
from jackbot_tui.sim.timeline import Timeline

SPOT = MarketKind.SPOT
ROWS_A_PAGE = 50
MOST_ASKED = 50
MOST_IN_BATCH = 15
LONGEST_TIMER_S = 86_400
_UNKNOWN = SPOT_REFUSALS[Refusal.UNKNOWN_ORDER]
Fields = Mapping[str, Any]
Work = Callable[[ApiKey, Fields], Any]


class SpotCall(Struct, frozen=True):
    """One private request. ``points`` count for the REST counter; ``trades``: faults of trading requests strike it."""

    work: Work
    permission: Permission | None = None
    points: int = 1
    trades: bool = False


class SpotPrivate:
    """``markets`` by the WebSocket's names; ``scale`` multiplies the limits of requests."""

    def __init__(
        self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline, authority: Authority,
        names: Names, scale: int,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._timeline = timeline
        self._authority = authority
        self.names = names
        self.by_key = {market.listing.key: market for market in markets.values()}
        self._by_pair: dict[str, SimMarket] = {}
        for native, market in markets.items():
            self._by_pair |= dict.fromkeys((native, pair_id(market), altname(market)), market)
        self._rest = DecayingCounters(REST, scale)
        self._trading = DecayingCounters(TRADING, scale)
        self._userrefs: dict[tuple[str, int], int] = {}

    def calls(self) -> dict[str, SpotCall]:
        """By the last part of their path."""
        trade = Permission.TRADE
        return {
            "AddOrder": SpotCall(self.add_order, trade, 0, True),
            "AddOrderBatch": SpotCall(self._add_batch, trade, 0, True),
            "AmendOrder": SpotCall(self.amend_order, trade, 0, True),
            "EditOrder": SpotCall(self._edit_order, trade, 0, True),
            "CancelOrder": SpotCall(self._cancel_order, trade, 0, True),
            "CancelOrderBatch": SpotCall(self._cancel_batch, trade, 0, True),
            "CancelAll": SpotCall(self.cancel_all, trade, 1, True),
            "CancelAllOrdersAfter": SpotCall(self.count_down, trade, 1, True),
            "OpenOrders": SpotCall(self._open_orders),
            "ClosedOrders": SpotCall(self._closed_orders),
            "QueryOrders": SpotCall(self._query_orders),
            "TradesHistory": SpotCall(self._trades_history, points=HISTORY_COST),
            "QueryTrades": SpotCall(self._query_trades, points=HISTORY_COST),
            "OpenPositions": SpotCall(lambda key, fields: {}),
            "Balance": SpotCall(self._balance),
            "BalanceEx": SpotCall(self._balance_ex),
            "GetWebSocketsToken": SpotCall(self._token),
            "GetApiKeyInfo": SpotCall(self._key_info),
        }

    def count(self, key: ApiKey, call: SpotCall) -> None:
        """KrakenRefusal when the key asks too often."""
        if call.points and not self._rest.admit((key.key,), call.points, self._timeline.now_ms()):
            raise KrakenRefusal("EAPI:Rate limit exceeded")

    def userref(self, order: AccountOrder) -> int | None:
        return self._userrefs.get((order.key, order.order_id))

    # --- placing and changing ------------------------------------------------------------------------------------

    def add_order(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        market = self._market(fields)
        spec, userref = spot_spec(fields, market), userref_of(fields)
        if not self._trading.admit((key.account, spec.key), ADD_COST, self._timeline.now_ms()):
            raise KrakenRefusal("EOrder:Rate limit exceeded")
        try:
            if text_of_field(fields, "validate") == "true":
                self._accounts.examine(key.account, spec)
                return {"descr": {"order": ""}}
            order = self._accounts.submit(key.account, spec)
        except Refused as refused:
            raise KrakenRefusal(SPOT_REFUSALS[refused.refusal]) from None
        if userref is not None:
            self._userrefs[order.key, order.order_id] = userref
        return {"descr": {"order": sentence(market, order)}, "txid": [self.names.order(order.key, order.order_id)]}

    def _add_batch(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        wanted = fields.get("orders")
        if not isinstance(wanted, list) or not 1 < len(wanted) <= MOST_IN_BATCH:
            raise KrakenRefusal("EGeneral:Invalid arguments:orders")
        rows = []
        for one in wanted:
            try:
                made = self.add_order(key, {**(one if isinstance(one, dict) else {}), "pair": fields.get("pair")})
                rows.append({"txid": made["txid"][0], "descr": made["descr"]})
            except KrakenRefusal as refusal:
                rows.append({"error": str(refusal)})
        return {"orders": rows}

    def amend_order(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """In place. A limit that would take is refused where the order is post-only, or is asked to be now."""
        order = self._named(key, fields)
        market = self.by_key[order.key]
        price = number_of(fields, "limit_price") if text_of_field(fields, "limit_price") else None
        quantity = number_of(fields, "order_qty") if text_of_field(fields, "order_qty") else None
        if price is None and quantity is None:
            raise KrakenRefusal("EGeneral:Invalid arguments")
        if price is not None and (order.post_only or text_of_field(fields, "post_only") == "true"):
            facing = market.engine.depth(order.side.opposite, 1)
            ticks = price / market.listing.instrument.tick
            if facing and order.side.sign * (ticks - facing[0][0]) >= 0:
                raise KrakenRefusal(SPOT_REFUSALS[Refusal.POST_ONLY])
        now_ms = self._timeline.now_ms()
        self._trading.add((key.account, order.key), cost_at(now_ms - order.created_ms, AMEND_COSTS), now_ms)
        try:
            self._accounts.amend(order, price, quantity)
        except Refused as refused:
            if refused.refusal is not Refusal.NOTHING_CHANGED:
                raise KrakenRefusal(SPOT_REFUSALS[refused.refusal]) from None
        return {"amend_id": self.names.fill(order.key, order.order_id * 1000 + order.amendments)}

    def _edit_order(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """The older way: a new order in place of the old one, which goes first."""
        found = self.names.find(required(fields, "txid"))
        order = None if found is None else self._accounts.orders.order(key.account, *found)
        if order is None or not order.is_open:
            raise KrakenRefusal(_UNKNOWN)
        market = self.by_key[order.key]
        fresh = {
            "ordertype": order_type(order),
            "type": order.side.value,
            "volume": market.text.quantity(order.remaining),
            "price": market.text.price(order.price),
            "oflags": flags(order),
        } | {name: value for name, value in fields.items() if name in ("volume", "price", "price2", "oflags")}
        spec = spot_spec(fresh, market)
        try:
            self._accounts.examine(key.account, spec)
            self._accounts.cancel(order)
            made = self._accounts.submit(key.account, spec)
        except Refused as refused:
            raise KrakenRefusal(SPOT_REFUSALS[refused.refusal]) from None
        txid = self.names.order(made.key, made.order_id)
        return {
            "status": "ok", "txid": txid, "originaltxid": fields["txid"], "orders_cancelled": 1,
            "volume": fresh["volume"], "price": fresh["price"], "descr": {"order": sentence(market, made)},
        }  # fmt: skip

    # --- canceling -----------------------------------------------------------------------------------------------

    def cancel(self, key: ApiKey, order: AccountOrder) -> None:
        now_ms = self._timeline.now_ms()
        self._trading.add((key.account, order.key), cost_at(now_ms - order.created_ms, CANCEL_COSTS), now_ms)
        self._accounts.cancel(order)

    def _cancel_order(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        txid = text_of_field(fields, "txid")
        if txid.isdigit():
            orders = [order for order in self._open(key) if self.userref(order) == int(txid)]
            if not orders:
                raise KrakenRefusal(_UNKNOWN)
        else:
            orders = [self._named(key, fields)]
        for order in orders:
            if order.is_open:
                self.cancel(key, order)
        return {"count": len(orders)}

    def _cancel_batch(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        wanted = [{"txid": _id_of(one)} for one in fields.get("orders") or []]
        wanted += [{"cl_ord_id": _id_of(one)} for one in fields.get("cl_ord_ids") or []]
        if not 0 < len(wanted) <= MOST_ASKED:
            raise KrakenRefusal("EGeneral:Invalid arguments:orders")
        count = 0
        for one in wanted:
            try:
                self.cancel(key, self._named(key, one))
                count += 1
            except KrakenRefusal:
                continue  # the count tells
        return {"count": count}

    def cancel_all(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        orders = self._open(key)
        for order in orders:
            if order.is_open:
                self.cancel(key, order)
        return {"count": len(orders)}

    def count_down(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """All orders of the account, on all pairs."""
        seconds = number_of(fields, "timeout")
        if seconds != seconds.to_integral_value() or not 0 <= seconds <= LONGEST_TIMER_S:
            raise KrakenRefusal("EGeneral:Invalid arguments:timeout")
        for market_key in self.by_key:
            self._accounts.count_down(key.account, market_key, int(seconds) * 1000)
        now_ns = self._timeline.now_ns()
        due = instant(now_ns + int(seconds) * 1_000_000_000, 3) if seconds else "0"
        return {"currentTime": instant(now_ns, 3), "triggerTime": due}

    # --- asking --------------------------------------------------------------------------------------------------

    def open_orders(self, account: int) -> list[AccountOrder]:
        return [order for order in self._accounts.orders.open_orders(account) if order.key in self.by_key]

    def fills(self, account: int) -> list[Fill]:
        return [fill for fill in self._accounts.orders.fills(account) if fill.key in self.by_key]

    def order(self, account: int, key: str, order_id: int) -> AccountOrder | None:
        return self._accounts.orders.order(account, key, order_id)

    def _open_orders(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        userref, client_id = userref_of(fields), client_id_of(fields)
        orders = [order for order in self._open(key) if client_id in ("", order.client_id)]
        orders = [order for order in orders if userref is None or self.userref(order) == userref]
        return {"open": self._rows(orders, fields)}

    def _closed_orders(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        userref, client_id = userref_of(fields), client_id_of(fields)
        orders = [
            order for order in self._accounts.orders.orders(key.account) if order.key in self.by_key
            and not order.is_open and client_id in ("", order.client_id)
            and (userref is None or self.userref(order) == userref)
        ]  # fmt: skip
        chosen, count = _page(orders, fields, lambda order: order.updated_ms)
        return {"closed": self._rows(chosen, fields), "count": count}

    def _query_orders(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """Several at once; one that does not exist fails them all. A client id is no name here, only a filter."""
        userref, orders = userref_of(fields), []
        for text in _asked(required(fields, "txid")):
            found = self.names.find(text)
            order = None if found is None else self._accounts.orders.order(key.account, *found)
            if order is None or order.key not in self.by_key:
                raise KrakenRefusal(_UNKNOWN)
            if userref is None or self.userref(order) == userref:
                orders.append(order)
        return self._rows(orders, fields)

    def _trades_history(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        chosen, count = _page(self.fills(key.account), fields, lambda fill: fill.ms)
        return {"trades": self._trade_rows(chosen), "count": count}

    def _query_trades(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        wanted = _asked(required(fields, "txid"))
        fills = {self.names.fill(fill.key, fill.trade_id): fill for fill in self.fills(key.account)}
        if any(text not in fills for text in wanted):
            raise KrakenRefusal("EQuery:Invalid trade")
        return self._trade_rows([fills[text] for text in wanted])

    def _trade_rows(self, fills: Sequence[Fill]) -> dict[str, Any]:
        rows = {}
        for fill in fills:
            order = self._accounts.orders.order(fill.account, fill.key, fill.order_id)
            kind = "limit" if order is None else order_type(order)
            row = trade_row(self.by_key[fill.key], fill, self.names, kind)
            rows[self.names.fill(fill.key, fill.trade_id)] = row
        return rows

    # --- the account ---------------------------------------------------------------------------------------------

    def _balance(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        return {name: row["balance"] for name, row in self._balance_ex(key, fields).items()}

    def _balance_ex(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        rows = {}
        for currency in self._accounts.currencies(SPOT):
            held = self._accounts.holding(key.account, currency)
            rows[asset_id(currency)] = {"balance": text_of(held.total), "hold_trade": text_of(held.locked)}
        return rows

    def _token(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        return {"token": self._authority.give_token(key), "expires": TOKEN_LIFETIME_S}

    def _key_info(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        permissions = ["query-funds", "query-open-trades", "query-closed-trades", "access-ws"]
        if key.may(Permission.TRADE):
            permissions += ["modify-trades", "close-trades"]
        if key.may(Permission.WITHDRAW):
            permissions.append("withdraw-funds")
        seconds = str(self._timeline.origin_ns // 1_000_000_000)
        return {
            "apiKeyName": f"sim-{key.role}",
            "apiKey": key.key,
            "nonce": str(self._authority.nonce_of(key)),
            "nonceWindow": 0,
            "permissions": permissions,
            "iban": f"AA00 SIM0 0000 {key.account:04d}",
            "validUntil": "0",
            "queryFrom": "0",
            "queryTo": "0",
            "createdTime": seconds,
            "modifiedTime": seconds,
            "ipAllowlist": [],
            "lastUsed": str(self._timeline.now_ms() // 1000),
        }

    # --- inside --------------------------------------------------------------------------------------------------

    def _market(self, fields: Fields) -> SimMarket:
        market = self._by_pair.get(required(fields, "pair"))
        if market is None:
            raise KrakenRefusal("EQuery:Unknown asset pair")
        return market

    def _open(self, key: ApiKey) -> list[AccountOrder]:
        return self.open_orders(key.account)

    def _named(self, key: ApiKey, fields: Fields) -> AccountOrder:
        """The open order that ``txid`` or ``cl_ord_id`` names."""
        txid, client_id = text_of_field(fields, "txid"), text_of_field(fields, "cl_ord_id")
        if not txid and not client_id:
            raise KrakenRefusal("EGeneral:Invalid arguments")
        found = self.names.find(txid) if txid else None
        for order in self._open(key):
            if client_id == order.client_id if not txid else found == (order.key, order.order_id):
                return order
        raise KrakenRefusal(_UNKNOWN)

    def _rows(self, orders: Sequence[AccountOrder], fields: Fields) -> dict[str, Any]:
        with_trades, rows = text_of_field(fields, "trades").lower() == "true", {}
        for order in orders:
            fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
            name = self.names.order(order.key, order.order_id)
            market, userref = self.by_key[order.key], self.userref(order)
            rows[name] = order_row(market, order, fills, self.names, userref, trades=with_trades)
        return rows


def _page(rows: Sequence[Any], fields: Fields, ms_of: Callable[[Any], int]) -> tuple[list[Any], int]:
    """Newest first, fifty from ``ofs`` on, of those between ``start`` (exclusive) and ``end`` in seconds."""
    start, end = (decimal_of(text_of_field(fields, name) or "0") for name in ("start", "end"))
    if start is None or end is None:
        raise KrakenRefusal("EGeneral:Invalid arguments:start")
    within = [row for row in rows if ms_of(row) > start * 1000 and (not end or ms_of(row) <= end * 1000)]
    offset = text_of_field(fields, "ofs")
    first = int(offset) if offset.isdigit() else 0
    return within[::-1][first : first + ROWS_A_PAGE], len(within)


def _asked(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not 0 < len(names) <= MOST_ASKED:
        raise KrakenRefusal("EGeneral:Invalid arguments:txid")
    return names


def _id_of(one: Any) -> str:
    return text_of_field(one, "txid") if isinstance(one, dict) else str(one)
