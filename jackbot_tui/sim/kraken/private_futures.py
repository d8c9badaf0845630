"""Private requests of Kraken's derivatives: orders, positions, margin, history. Without a wire: fields in, results out.

``private`` mounts them. An order that is refused is answered with a success whose status says why; what cannot be read
or does not exist raises KrakenRefusal. Shapes: ../shared/exchanges/kraken.md §8.2; ``size`` of an edit is the open size
unless ``qtyMode`` says ABSOLUTE (nautilus_trader, enum KrakenFuturesQtyMode); market orders are limits 1 % from the
touch (send order page).
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.model.numbers import ONE
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.kraken import private_futures_rows as rows
from jackbot_tui.sim.kraken.private_auth import KrakenRefusal
from jackbot_tui.sim.kraken.private_fields import FUTURES_ID_LENGTH, FUTURES_REFUSALS, decimal_of, text_of_field
from jackbot_tui.sim.kraken.private_ids import Names
from jackbot_tui.sim.kraken.private_spot_rows import own_client_id
from jackbot_tui.sim.margin import DEFAULT_LEVERAGE
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill, OrderSpec, Refusal, Refused, TriggerPrice
from jackbot_tui.sim.text import instant
from jackbot_tui.sim.timeline import Timeline

LINEAR = MarketKind.LINEAR
PROTECTION = Decimal("0.01")
"""How far from the touch a market order trades at most."""

FILLS_SHOWN = 100
EVENTS_SHOWN = 500
STATUS_KEPT_MS = 5_000
"""So long a finished order's status can be asked for."""

MOST_IN_BATCH = 10
LONGEST_TIMER_S = 86_400
TIMES = {"lmt": "GTC", "post": "GTC", "ioc": "IOC", "mkt": "IOC", "fok": "FOK", "stp": "GTC", "take_profit": "GTC"}
Fields = Mapping[str, Any]
Work = Callable[[ApiKey, Fields], dict[str, Any]]


class FuturesCall(Struct, frozen=True):
    """One private request; ``cost`` counts against the budget of the derivatives' API."""

    method: str
    path: str
    work: Work
    cost: int
    permission: Permission | None = None
    trades: bool = False


class Unplaced(KrakenRefusal):
    """An order that was not placed or changed: ``str`` of it is the status inside of the answer."""


class FuturesPrivate:
    """``markets`` by product."""

    def __init__(self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline, names: Names) -> None:
        self._accounts = accounts
        self._markets = markets
        self._timeline = timeline
        self.names = names
        self.by_key = {market.listing.key: market for market in markets.values()}

    def calls(self) -> list[FuturesCall]:
        trade, base = Permission.TRADE, "/derivatives/api/v3"
        return [
            FuturesCall("POST", f"{base}/sendorder", self._send, 10, trade, True),
            FuturesCall("POST", f"{base}/editorder", self._edit, 10, trade, True),
            FuturesCall("POST", f"{base}/cancelorder", self._cancel, 10, trade, True),
            FuturesCall("POST", f"{base}/batchorder", self._batch, 19, trade, True),
            FuturesCall("POST", f"{base}/cancelallorders", self._cancel_all, 25, trade, True),
            FuturesCall("POST", f"{base}/cancelallordersafter", self._count_down, 25, trade, True),
            FuturesCall("GET", f"{base}/openorders", self._open_orders, 2),
            FuturesCall("GET", f"{base}/orders/status", self._statuses, 1),
            FuturesCall("POST", f"{base}/orders/status", self._statuses, 1),
            FuturesCall("GET", f"{base}/fills", self._fills, 2),
            FuturesCall("GET", f"{base}/openpositions", self._positions, 2),
            FuturesCall("GET", f"{base}/accounts", self._wallets, 2),
            FuturesCall("GET", f"{base}/leveragepreferences", self._leverages, 2),
            FuturesCall("PUT", f"{base}/leveragepreferences", self._set_leverage, 10, trade),
            FuturesCall("GET", "/api/history/v2/orders", self._history, 1),
        ]

    # --- placing -------------------------------------------------------------------------------------------------

    def _send(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        return {"sendStatus": self._sent(key, fields)}

    def _sent(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        market = self._market(fields)
        received = {"receivedTime": self._now()}
        try:
            spec = self._spec(key, fields, market)
            order = self._accounts.submit(key.account, spec)
        except Refused as refused:
            return {"status": FUTURES_REFUSALS[refused.refusal], "orderEvents": [], **received}
        except Unplaced as unplaced:
            return {"status": str(unplaced), "orderEvents": [], **received}
        order_id = self.names.uuid(order.key, order.order_id)
        if not order.is_open and not order.filled:
            gone = {
                "type": "REJECT", "uid": order_id, "reason": "IOC_WOULD_NOT_EXECUTE",
                "order": rows.event_order(market, order, self.names),
            }  # fmt: skip
            return {"status": "iocWouldNotExecute", "order_id": order_id, "orderEvents": [gone], **received}
        return {"status": "placed", "order_id": order_id, "orderEvents": self._placed(market, order), **received}

    def _placed(self, market: SimMarket, order: AccountOrder) -> list[dict[str, Any]]:
        """What became of an order at once: its executions, and what rests of it."""
        if order.waiting:
            trigger = rows.trigger_order(market, order, self.names)
            return [{"type": "PLACE", "orderTrigger": trigger}]
        events, before = [], 0
        for fill in self._accounts.orders.fills(order.account, order.key, order.order_id):
            events.append(rows.execution(market, order, fill, before, self.names))
            before += fill.quantity
        if order.is_open:
            shown = rows.event_order(market, order, self.names)
            events.append({"type": "PLACE", "order": shown, "reducedQuantity": None})
        return events

    def _spec(self, key: ApiKey, fields: Fields, market: SimMarket) -> OrderSpec:
        kind, client_id = _required(fields, "orderType"), text_of_field(fields, "cliOrdId")
        side = _required(fields, "side")
        if kind not in TIMES:
            raise Unplaced("invalidOrderType")
        if side not in ("buy", "sell"):
            raise Unplaced("invalidSide")
        if len(client_id) > FUTURES_ID_LENGTH:
            raise Unplaced("clientOrderIdTooLong")
        if client_id and any(self._accounts.orders.by_client_id(key.account, one, client_id) for one in self.by_key):
            raise Unplaced("clientOrderIdAlreadyExist")
        waits, limit = kind in ("stp", "take_profit"), text_of_field(fields, "limitPrice")
        if not limit and not waits and kind != "mkt":
            raise KrakenRefusal("requiredArgumentMissing", 400)
        price = _number(fields, "limitPrice", "invalidPrice") if limit and kind != "mkt" else None
        return OrderSpec(
            key=market.listing.key,
            side=Side(side),
            quantity=_number(fields, "size", "invalidSize"),
            price=self._protected(market, Side(side)) if kind == "mkt" else price,
            client_id=client_id,
            tif=TimeInForce[TIMES[kind]],
            post_only=kind == "post",
            reduce_only=text_of_field(fields, "reduceOnly").lower() == "true",
            trigger_price=_number(fields, "stopPrice", "invalidPrice") if waits else None,
            trigger_by=TriggerPrice.MARK if text_of_field(fields, "triggerSignal") == "mark" else TriggerPrice.LAST,
            takes_profit=kind == "take_profit",
        )

    def _protected(self, market: SimMarket, side: Side) -> Decimal:
        """The worst price of a market order: 1 % beyond the best facing one."""
        tick, facing = market.listing.instrument.tick, market.engine.depth(side.opposite, 1)
        best = (facing[0][0] if facing else market.history.last_price) * tick
        bound = best * (ONE + side.sign * PROTECTION) / tick
        return bound.to_integral_value(ROUND_FLOOR if side is Side.BUY else ROUND_CEILING) * tick

    def _batch(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(text_of_field(fields, "json"), type=dict[str, list[dict[str, Any]]])
        except msgspec.MsgspecError:
            raise KrakenRefusal("invalidArgument", 400) from None
        wanted = asked.get("batchOrder", [])
        if not 0 < len(wanted) <= MOST_IN_BATCH:
            raise KrakenRefusal("invalidArgument", 400)
        acts = {"send": self._sent, "cancel": self._canceled, "edit": self._edited}
        done = []
        for one in wanted:
            act = acts.get(str(one.get("order")))
            if act is None:
                raise KrakenRefusal("invalidArgument", 400)
            tag = {"order_tag": one["order_tag"]} if "order_tag" in one else {}
            done.append(act(key, one) | tag)
        return {"batchStatus": done}

    # --- changing and canceling ----------------------------------------------------------------------------------

    def _edit(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        return {"editStatus": self._edited(key, fields)}

    def _edited(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        order, received = self._asked(key, fields, "orderId"), {"receivedTime": self._now()}
        if order is None or not order.is_open:
            status = "filled" if order is not None and order.status is OrderStatus.FILLED else "orderForEditNotFound"
            return {"status": status, "orderEvents": [], **received}
        market = self.by_key[order.key]
        old = rows.event_order(market, order, self.names)
        lot = market.listing.instrument.lot
        try:
            limit, size = text_of_field(fields, "limitPrice"), text_of_field(fields, "size")
            price = _number(fields, "limitPrice", "invalidPrice") if limit else None
            quantity = _number(fields, "size", "invalidSize") if size else None
            if quantity is not None and text_of_field(fields, "qtyMode").upper() != "ABSOLUTE":
                quantity += order.filled * lot
            if price is not None and order.post_only and self._crosses(market, order.side, price):
                raise Unplaced(FUTURES_REFUSALS[Refusal.POST_ONLY])
            self._accounts.amend(order, price, quantity)
        except Refused as refused:
            if refused.refusal is not Refusal.NOTHING_CHANGED:
                return {"status": FUTURES_REFUSALS[refused.refusal], "orderEvents": [], **received}
        except Unplaced as unplaced:
            return {"status": str(unplaced), "orderEvents": [], **received}
        event = {
            "type": "EDIT", "old": old, "new": rows.event_order(market, order, self.names), "reducedQuantity": None,
        }  # fmt: skip
        order_id = self.names.uuid(order.key, order.order_id)
        return {"status": "edited", "orderId": order_id, "orderEvents": [event], **received}

    @staticmethod
    def _crosses(market: SimMarket, side: Side, price: Decimal) -> bool:
        facing = market.engine.depth(side.opposite, 1)
        return bool(facing) and side.sign * (price / market.listing.instrument.tick - facing[0][0]) >= 0

    def _cancel(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        return {"cancelStatus": self._canceled(key, fields)}

    def _canceled(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        order, received = self._asked(key, fields, "order_id"), {"receivedTime": self._now()}
        if order is None or not order.is_open:
            status = "filled" if order is not None and order.status is OrderStatus.FILLED else "notFound"
            return {"status": status, **received}
        self._accounts.cancel(order)
        event, order_id = self._cancel_event(order), self.names.uuid(order.key, order.order_id)
        return {"status": "cancelled", "order_id": order_id, "orderEvents": [event], **received}

    def _cancel_event(self, order: AccountOrder) -> dict[str, Any]:
        shown = rows.event_order(self.by_key[order.key], order, self.names)
        return {"type": "CANCEL", "uid": self.names.uuid(order.key, order.order_id), "order": shown}

    def _cancel_all(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        wanted = self._market(fields).listing.key if text_of_field(fields, "symbol") else None
        canceled = []
        for order in self.open_orders(key.account):
            if wanted in (None, order.key) and order.is_open:
                self._accounts.cancel(order)
                canceled.append(order)
        return {
            "cancelStatus": {
                "receivedTime": self._now(),
                "cancelOnly": text_of_field(fields, "symbol") or "all",
                "status": "cancelled" if canceled else "noOrdersToCancel",
                "cancelledOrders": [{"order_id": self.names.uuid(one.key, one.order_id)} for one in canceled],
                "orderEvents": [self._cancel_event(order) for order in canceled],
            }
        }

    def _count_down(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """All orders of the account, on all products."""
        seconds = _number(fields, "timeout", "invalidArgument")
        if seconds != seconds.to_integral_value() or not 0 <= seconds <= LONGEST_TIMER_S:
            raise KrakenRefusal("invalidArgument", 400)
        for market_key in self.by_key:
            self._accounts.count_down(key.account, market_key, int(seconds) * 1000)
        due = instant(self._timeline.now_ns() + int(seconds) * 1_000_000_000, 3) if seconds else "0"
        return {"status": {"currentTime": self._now(), "triggerTime": due}}

    # --- asking --------------------------------------------------------------------------------------------------

    def open_orders(self, account: int) -> list[AccountOrder]:
        return [order for order in self._accounts.orders.open_orders(account) if order.key in self.by_key]

    def fills(self, account: int) -> list[Fill]:
        return [fill for fill in self._accounts.orders.fills(account) if fill.key in self.by_key]

    def order(self, account: int, key: str, order_id: int) -> AccountOrder | None:
        return self._accounts.orders.order(account, key, order_id)

    def _open_orders(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        orders = self.open_orders(key.account)
        return {"openOrders": [rows.open_row(self.by_key[order.key], order, self.names) for order in orders]}

    def _statuses(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """Orders that are open or ended a moment ago; others are left out."""
        newest, found = self._timeline.now_ms() - STATUS_KEPT_MS, []
        for text in _list(fields, "orderIds"):
            found.append(self._asked(key, {"order_id": text}, "order_id"))
        for text in _list(fields, "cliOrdIds"):
            found.append(self._asked(key, {"cliOrdId": text}, "order_id"))
        known = [order for order in found if order is not None and (order.is_open or order.updated_ms >= newest)]
        return {"orders": [rows.status_row(self.by_key[order.key], order, self.names) for order in known]}

    def _fills(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """The newest hundred, or those before ``lastFillTime``, newest first."""
        until = text_of_field(fields, "lastFillTime")
        fills = [fill for fill in self.fills(key.account) if not until or rows.moment(fill.ms) < until]
        shown = []
        for fill in fills[: -FILLS_SHOWN - 1 : -1]:
            order = self.order(key.account, fill.key, fill.order_id)
            client_id = own_client_id(order) if order is not None else ""
            forced = order is not None and order.is_liquidation
            shown.append(rows.fill_row(self.by_key[fill.key], fill, self.names, client_id, liquidation=forced))
        return {"fills": shown}

    def _positions(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        views = [self._accounts.positions.view(key.account, one) for one in self.by_key]
        return {"openPositions": [rows.open_position(self.by_key[view.key], view) for view in views if view.lots]}

    def _wallets(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        (currency,) = self._accounts.currencies(LINEAR)
        flex = rows.flex_account(currency, self._accounts.positions.margin(key.account, currency))
        cash = {"type": "cashAccount", "balances": {currency.lower(): 0.0}}
        return {"accounts": {"cash": cash, "flex": flex}}

    def _history(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """Events of orders, newest first, made from what became of them."""
        since, count = text_of_field(fields, "since"), text_of_field(fields, "count")
        events: list[tuple[int, str, dict[str, Any]]] = []
        for order in self._accounts.orders.orders(key.account):
            if order.key in self.by_key:
                events += self._order_history(order)
        chosen = [event for event in events if not since.isdigit() or event[0] >= int(since)]
        chosen.sort(key=lambda event: event[0])
        most = min(int(count), EVENTS_SHOWN) if count.isdigit() else EVENTS_SHOWN
        return {
            "accountUid": f"sim-{key.account}",
            "len": len(chosen[-most:]),
            "elements": [
                {"uid": uid, "timestamp": str(ms), "event": event} for ms, uid, event in reversed(chosen[-most:])
            ],
        }

    def _order_history(self, order: AccountOrder) -> list[tuple[int, str, dict[str, Any]]]:
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        took = sum(fill.quantity for fill in fills if not fill.is_maker)
        uid = self.names.uuid(order.key, order.order_id)
        placed = {"order": self._historic(order, took), "reason": "new_user_order", "reducedQuantity": "", "algoId": ""}
        events: list[tuple[int, str, dict[str, Any]]] = [(order.created_ms, f"{uid}-1", {"OrderPlaced": placed})]
        if order.status is OrderStatus.FILLED and order.filled > took:
            updated = {"newOrder": self._historic(order, order.filled), "reason": "full_fill", "reducedQuantity": ""}
            events.append((order.updated_ms, f"{uid}-2", {"OrderUpdated": updated}))
        elif not order.is_open and order.remaining:
            gone = {"order": self._historic(order, order.filled), "reason": rows.REMOVALS.get(order.reason, "")}
            events.append((order.updated_ms, f"{uid}-2", {"OrderCancelled": gone}))
        return events

    def _historic(self, order: AccountOrder, filled: int) -> dict[str, Any]:
        text = self.by_key[order.key].text
        kind = {"ioc": "IoC", "fok": "FoK", "post": "PostOnly"}.get(rows.order_type(order), "Limit")
        return {
            "uid": self.names.uuid(order.key, order.order_id),
            "accountUid": f"sim-{order.account}",
            "tradeable": self.by_key[order.key].native,
            "direction": order.side.value.capitalize(),
            "quantity": text.quantity(order.quantity - filled),
            "filled": text.quantity(filled),
            "timestamp": str(order.created_ms),
            "limitPrice": text.price(order.price),
            "orderType": kind,
            "clientId": own_client_id(order),
            "reduceOnly": order.reduce_only,
            "lastUpdateTimestamp": str(order.updated_ms),
        }

    # --- settings ------------------------------------------------------------------------------------------------

    def _leverages(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """Products with isolated margin only: the others have no leverage of their own."""
        wanted = [self._market(fields)] if text_of_field(fields, "symbol") else list(self._markets.values())
        shown = []
        for market in wanted:
            setting = self._accounts.positions.setting(key.account, market.listing.key)
            if setting.isolated:
                shown.append({"symbol": market.native, "maxLeverage": float(setting.leverage)})
        return {"leveragePreferences": shown}

    def _set_leverage(self, key: ApiKey, fields: Fields) -> dict[str, Any]:
        """A leverage makes the product isolated, none makes it cross."""
        market_key, isolated = self._market(fields).listing.key, bool(text_of_field(fields, "maxLeverage"))
        most = self._accounts.listings[market_key].instrument.max_leverage
        asked = _number(fields, "maxLeverage", "invalidArgument") if isolated else min(DEFAULT_LEVERAGE, most)
        setting = self._accounts.positions.setting(key.account, market_key)
        try:
            if setting.isolated is not isolated:
                self._accounts.set_isolated(key.account, market_key, isolated=isolated)
            self._accounts.set_leverage(key.account, market_key, asked)
        except Refused:
            raise KrakenRefusal("invalidArgument", 400) from None
        return {}

    # --- inside --------------------------------------------------------------------------------------------------

    def _market(self, fields: Fields) -> SimMarket:
        symbol = _required(fields, "symbol")
        market = self._markets.get(symbol.upper())
        if market is None:
            raise KrakenRefusal("contractNotFound", 404)
        return market

    def _asked(self, key: ApiKey, fields: Fields, by_id: str) -> AccountOrder | None:
        """The order that an id or a client id names; the id counts where both are there."""
        text, client_id = text_of_field(fields, by_id), text_of_field(fields, "cliOrdId")
        if not text and not client_id:
            raise KrakenRefusal("requiredArgumentMissing", 400)
        if text:
            found = self.names.find(text)
            return self.order(key.account, *found) if found is not None and found[0] in self.by_key else None
        orders = self._accounts.orders
        named = [orders.by_client_id(key.account, market_key, client_id) for market_key in self.by_key]
        return next((order for order in named if order is not None), None)

    def _now(self) -> str:
        return instant(self._timeline.now_ns(), 3)


def _required(fields: Fields, name: str) -> str:
    text = text_of_field(fields, name)
    if not text:
        raise KrakenRefusal("requiredArgumentMissing", 400)
    return text


def _number(fields: Fields, name: str, wrong: str) -> Decimal:
    value = decimal_of(_required(fields, name))
    if value is None:
        raise Unplaced(wrong)
    return value


def _list(fields: Fields, name: str) -> list[str]:
    value = fields.get(name)
    return [str(one) for one in value] if isinstance(value, list) else [value] if isinstance(value, str) else []
