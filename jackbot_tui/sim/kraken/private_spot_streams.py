"""Kraken spot's authenticated WebSocket: executions, balances, and orders by message (kraken.md §7.1 and §8.1).

Owned by ``private``. Each request carries a token of GetWebSocketsToken; a subscription lives on after its token, until
tokens are ended by the ``expire_tokens`` fault. Rows of executions tell only what changed.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.front import CLOSE_POLICY, Socket
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.kraken.private_auth import Authority, KrakenRefusal, check_permission
from jackbot_tui.sim.kraken.private_fields import text_of_field
from jackbot_tui.sim.kraken.private_spot import SpotPrivate
from jackbot_tui.sim.kraken.private_spot_rows import changed_rows, number, trade_snapshot_row, whole_row
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.requests import BalanceEvent, OrderEvent
from jackbot_tui.sim.text import instant
from jackbot_tui.sim.timeline import Timeline

SNAPSHOT_TRADES = 50
MOST_RATE = 125
_TRANSITIONS = frozenset({"new", "filled", "canceled", "expired", "trade"})
"""What a subscription with ``order_status`` false is told of."""

Params = Mapping[str, Any]
Method = Callable[[ApiKey, Params], Any]


class SpotAccountStreams:
    """``greet`` says what every connection hears first."""

    def __init__(
        self, requests: SpotPrivate, accounts: Accounts, authority: Authority, timeline: Timeline, faults: Faults,
        greet: Callable[[Socket], None],
    ) -> None:  # fmt: skip
        self._requests = requests
        self._accounts = accounts
        self._authority = authority
        self._timeline = timeline
        self._faults = faults
        self._greet = greet
        self._sockets: list[Socket] = []
        self._told: dict[tuple[int, str], Decimal] = {}
        self._entries = 0
        self._methods: dict[str, Method] = {
            "add_order": self._add_order,
            "amend_order": self._amend_order,
            "cancel_order": self._cancel_order,
            "cancel_all": lambda key, params: requests.cancel_all(key, {}),
            "cancel_all_orders_after": lambda key, params: requests.count_down(key, params),
        }

    def opened(self, socket: Socket) -> None:
        socket.state["channels"] = {}
        self._sockets.append(socket)
        self._greet(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def listeners(self, account: int) -> int:
        return sum(self._owns(socket, "executions", account) for socket in self._sockets)

    def expire_tokens(self) -> None:
        """Who still uses a token that has ended is put out."""
        for socket in list(self._sockets):
            if socket.state["channels"]:
                socket.end(CLOSE_POLICY, "Session expired")

    # --- requests ------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = msgspec.json.decode(message, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            self._refuse(socket, {}, "Malformed request")
            return
        method, params = request.get("method"), request.get("params")
        params = params if isinstance(params, dict) else {}
        try:
            match method:
                case "ping":
                    self._answer(socket, request, {"method": "pong"})
                case "subscribe":
                    self._subscribe(socket, request, params)
                case "unsubscribe":
                    self._unsubscribe(socket, request, params)
                case str() if method in self._methods:
                    self._perform(socket, request, method, params)
                case _:
                    raise KrakenRefusal("Malformed request")
        except KrakenRefusal as refusal:
            self._refuse(socket, request, str(refusal))

    def _perform(self, socket: Socket, request: dict[str, Any], method: str, params: Params) -> None:
        key = self._authority.by_token(params.get("token"))
        check_permission(key, Permission.TRADE, "EGeneral:Permission denied")
        result = self._methods[method](key, params)
        if not self._faults.strikes(Chance.LOST_ANSWER):
            self._answer(socket, request, {"method": method, "result": result, "success": True})

    def _subscribe(self, socket: Socket, request: dict[str, Any], params: Params) -> None:
        channel = params.get("channel")
        if channel not in ("executions", "balances"):
            raise KrakenRefusal("Malformed request")
        key = self._authority.by_token(params.get("token"))
        channels: dict[str, dict[str, Any]] = socket.state["channels"]
        if channel in channels:
            raise KrakenRefusal("Already subscribed")
        wanted = {
            "account": key.account,
            "sequence": 0,
            "snap_orders": params.get("snap_orders") is not False,
            "snap_trades": params.get("snap_trades") is True,
            "order_status": params.get("order_status") is not False,
        }
        shown = {"channel": channel, "snapshot": True}
        if channel == "executions":
            names = ("snap_orders", "snap_trades", "order_status")
            shown = {"channel": channel, "maxratecount": MOST_RATE} | {name: wanted[name] for name in names}
        if not self._faults.strikes(Chance.NOACK):
            self._answer(socket, request, {"method": "subscribe", "result": shown, "success": True})
        channels[channel] = wanted
        if channel == "balances":
            self._tell(socket, channel, "snapshot", self._balance_rows(key.account))
        else:
            self._tell(socket, channel, "snapshot", self._execution_rows(key.account, wanted))

    def _unsubscribe(self, socket: Socket, request: dict[str, Any], params: Params) -> None:
        channel = params.get("channel")
        self._authority.by_token(params.get("token"))
        if socket.state["channels"].pop(channel, None) is None:
            raise KrakenRefusal("Subscription Not Found")
        self._answer(socket, request, {"method": "unsubscribe", "result": {"channel": channel}, "success": True})

    def _add_order(self, key: ApiKey, params: Params) -> dict[str, Any]:
        triggers = params.get("triggers")
        triggers = triggers if isinstance(triggers, dict) else {}
        waits = str(params.get("order_type", "")).startswith(("stop", "take"))
        limit = text_of_field(params, "limit_price")
        by_cost = text_of_field(params, "cash_order_qty")
        flags = [name for name, wanted in (("post", params.get("post_only") is True), ("viqc", by_cost)) if wanted]
        fields = {
            "pair": params.get("symbol"),
            "type": params.get("side"),
            "ordertype": params.get("order_type"),
            "volume": by_cost or text_of_field(params, "order_qty"),
            "price": text_of_field(triggers, "price") if waits else limit,
            "price2": limit if waits else "",
            "oflags": ",".join(flags),
            "timeinforce": text_of_field(params, "time_in_force").upper(),
            "cl_ord_id": params.get("cl_ord_id"),
            "userref": params.get("order_userref"),
            "reduce_only": params.get("reduce_only"),
            "validate": params.get("validate"),
        }
        made = self._requests.add_order(key, fields)
        result: dict[str, Any] = {"order_id": made["txid"][0]} if "txid" in made else {}
        named = {"cl_ord_id": params.get("cl_ord_id"), "order_userref": params.get("order_userref")}
        return result | {name: value for name, value in named.items() if value is not None}

    def _amend_order(self, key: ApiKey, params: Params) -> dict[str, Any]:
        made = self._requests.amend_order(key, {**params, "txid": params.get("order_id")})
        names = {name: params[name] for name in ("order_id", "cl_ord_id") if name in params}
        return {"amend_id": made["amend_id"], **names}

    def _cancel_order(self, key: ApiKey, params: Params) -> dict[str, Any]:
        """Several ids are several answers at the venue; here the first decides, as for one."""
        ids = [{"txid": text} for text in params.get("order_id") or []]
        ids += [{"cl_ord_id": text} for text in params.get("cl_ord_id") or []]
        if not ids:
            raise KrakenRefusal("EGeneral:Invalid arguments")
        for one in ids:
            self._requests.calls()["CancelOrder"].work(key, one)
        first = ids[0]
        return {"order_id": first["txid"]} if "txid" in first else {"cl_ord_id": first["cl_ord_id"]}

    def _answer(self, socket: Socket, request: Mapping[str, Any], content: dict[str, Any]) -> None:
        now = instant(self._timeline.now_ns())
        named = {"req_id": request["req_id"]} if isinstance(request.get("req_id"), int) else {}
        socket.push(msgspec.json.encode({**content, **named, "time_in": now, "time_out": now}).decode())

    def _refuse(self, socket: Socket, request: Mapping[str, Any], words: str) -> None:
        self._answer(socket, request, {"error": words, "method": request.get("method", "error"), "success": False})

    # --- events --------------------------------------------------------------------------------------------------

    def order_event(self, event: OrderEvent) -> None:
        order = event.order
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        fee = sum((fill.fee for fill in fills), ZERO)
        market, userref = self._requests.by_key[order.key], self._requests.userref(order)
        rows = changed_rows(market, event, fee, self._requests.names, userref)
        for socket in list(self._sockets):
            if not self._owns(socket, "executions", order.account):
                continue
            everything = socket.state["channels"]["executions"]["order_status"]
            for row in rows:
                if everything or row["exec_type"] in _TRANSITIONS:
                    self._tell(socket, "executions", "update", [row])

    def balance_event(self, event: BalanceEvent) -> None:
        """Totals only: what orders hold is not told, so that a hold alone is no news."""
        for held in event.holdings:
            before = self._told.get((event.account, held.currency))
            if before == held.total:
                continue
            self._told[event.account, held.currency] = held.total
            self._entries += 1
            kind = "trade" if event.cause in (Cause.TRADE, Cause.FEE) else "transfer"
            row = {
                "ledger_id": f"L{self._entries:05d}-{event.account:05d}-{event.ms % 1_000_000:06d}",
                "ref_id": f"T{self._entries:05d}-{event.account:05d}-{event.ms % 1_000_000:06d}",
                "timestamp": instant(event.ms * 1_000_000),
                "type": kind,
                "asset": held.currency,
                "asset_class": "currency",
                "category": kind,
                "wallet_type": "spot",
                "wallet_id": "main",
                "amount": number(text_of(held.total - (ZERO if before is None else before))),
                "fee": 0,
                "balance": number(text_of(held.total)),
            }
            for socket in list(self._sockets):
                if self._owns(socket, "balances", event.account):
                    self._tell(socket, "balances", "update", [row])

    def _balance_rows(self, account: int) -> list[dict[str, Any]]:
        rows = []
        for currency in self._accounts.currencies(MarketKind.SPOT):
            total = self._accounts.holding(account, currency).total
            self._told[account, currency] = total
            text = number(text_of(total))
            wallets = [{"type": "spot", "id": "main", "balance": text}]
            rows.append({"asset": currency, "asset_class": "currency", "balance": text, "wallets": wallets})
        return rows

    def _execution_rows(self, account: int, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        requests, rows = self._requests, []
        if wanted["snap_orders"]:
            for order in requests.open_orders(account):
                status = "partially_filled" if order.filled else "new"
                market, userref = requests.by_key[order.key], requests.userref(order)
                rows.append(whole_row(market, order, requests.names, userref, status) | {"exec_type": "new"})
        if wanted["snap_trades"]:
            for fill in requests.fills(account)[-SNAPSHOT_TRADES:]:
                of = requests.order(account, fill.key, fill.order_id)
                if of is not None:
                    rows.append(trade_snapshot_row(requests.by_key[fill.key], of, fill, requests.names))
        return rows

    @staticmethod
    def _owns(socket: Socket, channel: str, account: int) -> bool:
        subscription = socket.state["channels"].get(channel)
        return subscription is not None and subscription["account"] == account

    @staticmethod
    def _tell(socket: Socket, channel: str, kind: str, rows: list[dict[str, Any]]) -> None:
        subscription = socket.state["channels"][channel]
        subscription["sequence"] += 1
        content = {"channel": channel, "type": kind, "data": rows, "sequence": subscription["sequence"]}
        frame = msgspec.json.encode(content).decode()
        if kind == "snapshot":
            socket.push(frame)
        else:
            socket.deliver_private(frame)
