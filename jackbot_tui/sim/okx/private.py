"""OKX's private side: signed pages, the private and the business socket, and the account's events on them.

Owned by the front. Pages are written in ``private_orders`` and ``private_account``; this module checks who asks, counts
budgets, logs sockets in, and tells subscribers. Frames: ../shared/exchanges/okx.md §7; codes: OKX's table of WebSocket
errors. The channel ``orders`` has no snapshot; ``account`` and ``positions`` begin with one and are told again every
five seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.budgets import Budget, Budgets
from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.front import Call, Door, Page, Reply, Socket, json_reply
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.okx.private_account import AccountPages, uid_of
from jackbot_tui.sim.okx.private_modes import TradeModes
from jackbot_tui.sim.okx.private_orders import MOST_IN_BATCH, OrderPages
from jackbot_tui.sim.okx.private_rest import NOT_PERMITTED, TOO_FAST, Authority, Fields, OkxError, PrivatePage, Signed
from jackbot_tui.sim.requests import (
    AccountEvent,
    AccountOrder,
    BalanceEvent,
    OrderChange,
    OrderEvent,
    PositionView,
    SettingEvent,
)
from jackbot_tui.sim.timeline import Timeline

PRIVATE, BUSINESS = "private", "business"
ROLES = (PRIVATE, BUSINESS)
PATHS = {PRIVATE: "/ws/v5/private", BUSINESS: "/ws/v5/business"}
CHANNELS = {
    PRIVATE: ("orders", "account", "positions", "balance_and_position"),
    BUSINESS: ("orders-algo",),
}
KINDS = {"SPOT": MarketKind.SPOT, "SWAP": MarketKind.LINEAR}
OTHER_KINDS = ("MARGIN", "FUTURES", "OPTION", "EVENTS")
"""Kinds of instruments that may be subscribed to and have none here."""

SAID = {"0": "", "1": "All operations failed", "2": "Bulk operation partially succeeded."}
AGAIN_MS = 5_000
LOGIN_FAILED = 4001
KEY_CHANGED = 4007


class Subscription(Struct, frozen=True):
    """One entry of a subscribe request, as it was asked for. ``kind`` None: any."""

    arg: Mapping[str, Any]
    channel: str
    kind: MarketKind | None
    native: str
    events_only: bool = False

    def concerns(self, market: SimMarket) -> bool:
        return self.kind in (None, market.kind) and self.native in ("", market.native)


class OkxPrivate:
    """``markets`` by native symbol, ``codes`` by ``instIdCode``; ``relaxed`` stretches every budget."""

    def __init__(
        self,
        accounts: Accounts,
        markets: Mapping[str, SimMarket],
        codes: Mapping[int, SimMarket],
        timeline: Timeline,
        faults: Faults,
        relaxed: int,
    ) -> None:
        self._accounts = accounts
        self._markets = {market.listing.key: market for market in markets.values()}
        self._timeline = timeline
        self._faults = faults
        self._authority = Authority(accounts.keys, timeline)
        self.budgets = Budgets(relaxed)
        modes = TradeModes(accounts)
        self._orders = OrderPages(accounts, markets, codes, modes, timeline)
        self._account = AccountPages(accounts, markets, modes, timeline)
        self._sockets: list[Socket] = []
        self._told_ms = 0
        orders = self._orders
        self._operations: dict[str, tuple[str, Callable[[Fields], dict[str, Any]], Budget]] = {
            "order": ("/api/v5/trade/order", orders.place, Budget(60)),
            "batch-orders": ("/api/v5/trade/batch-orders", orders.place, Budget(300)),
            "cancel-order": ("/api/v5/trade/cancel-order", orders.cancel, Budget(60)),
            "batch-cancel-orders": ("/api/v5/trade/cancel-batch-orders", orders.cancel, Budget(300)),
            "amend-order": ("/api/v5/trade/amend-order", orders.amend, Budget(60)),
            "batch-amend-orders": ("/api/v5/trade/amend-batch-orders", orders.amend, Budget(300)),
        }
        """Operations on the private socket: the page whose budget they share, what they do, and the budget."""

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        return [
            Page(page.method, page.path, self._answer(page), trades=page.permission is Permission.TRADE)
            for page in [*self._orders.pages(), *self._account.pages()]
        ]

    def _answer(self, page: PrivatePage) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            began = self._micros()
            try:
                signed = self._authority.read(call, page)
                self._count(page, signed)
                content = page.answer(signed)
            except OkxError as error:
                return error.reply()
            code, rows = content if isinstance(content, tuple) else ("0", content)
            answered = {"code": code, "msg": SAID[code], "data": rows}
            return json_reply(answered | {"inTime": began, "outTime": self._micros()})

        return answer

    def _count(self, page: PrivatePage, signed: Signed) -> None:
        """Batches count their orders, a batch of one counts as a single order."""
        path = page.path
        if page.batch and len(signed.items) == 1:
            path = path.replace("/batch-orders", "/order").replace("-batch-orders", "-order")
        budget = page.budget if path == page.path else Budget(60)
        for fields in signed.items:
            native = fields.text("instId") if page.per_instrument else ""
            if not self.budgets.admit((path, signed.account, native), budget, self._timeline.now_ms()):
                raise TOO_FAST

    def _micros(self) -> str:
        return str(self._timeline.now_ns() // 1_000)

    # --- sockets -------------------------------------------------------------------------------------------------

    @staticmethod
    def doors() -> list[Door]:
        return [Door(path, MarketKind.SPOT, role) for role, path in PATHS.items()]

    def opened(self, socket: Socket) -> None:
        socket.state["key"] = None
        socket.state["subscriptions"] = {}
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = msgspec.json.decode(message, type=dict[str, Any])
        except msgspec.MsgspecError:
            self._error(socket, OkxError("60012", "Invalid request"), None)
            return
        operation, args, request_id = request.get("op"), request.get("args"), request.get("id")
        if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
            self._error(socket, OkxError("60012", "Invalid request"), request_id)
            return
        try:
            match operation:
                case "login":
                    self._login(socket, args[0])
                case "subscribe" | "unsubscribe":
                    for arg in args:
                        self._subscribe(socket, operation, arg, request_id)
                case str() if operation in self._operations and socket.door.role == PRIVATE:
                    self._operate(socket, operation, args, request)
                case _:
                    raise OkxError("60019", f"Invalid op: {operation}")
        except OkxError as error:
            self._error(socket, error, request_id)

    def _login(self, socket: Socket, said: Mapping[str, Any]) -> None:
        if socket.state["key"] is not None:
            raise OkxError("60031", "The WebSocket endpoint does not allow multiple or repeated logins.")
        try:
            socket.state["key"] = self._authority.login(said)
        except OkxError as error:
            self._error(socket, error, None)
            self._hang_up(socket, LOGIN_FAILED, "Login Failed")
            return
        socket.push(_text({"event": "login", "code": "0", "msg": "", "connId": socket.state["conn_id"]}))

    @staticmethod
    def _hang_up(socket: Socket, code: int, reason: str) -> None:
        """After what was pushed has gone out: at the next beat."""
        socket.state["hang_up"] = code, reason

    def _subscribe(self, socket: Socket, operation: str, arg: Mapping[str, Any], request_id: Any) -> None:
        key: ApiKey | None = socket.state["key"]
        subscription = self._subscription(socket.door.role, arg)
        if key is None:
            raise OkxError("60011", "Please log in")
        held: dict[str, Subscription] = socket.state["subscriptions"]
        name = _text({name: arg[name] for name in sorted(arg)})
        answer = {"event": operation, "arg": arg, "connId": socket.state["conn_id"]}
        if request_id is not None:
            answer["id"] = request_id
        if not (operation == "subscribe" and self._faults.strikes(Chance.NOACK)):
            socket.push(_text(answer))
        if operation == "unsubscribe":
            held.pop(name, None)
            return
        held[name] = subscription
        count = sum(
            other.channel == subscription.channel
            for one in self._of(key.account)
            for other in one.state["subscriptions"].values()
        )
        counted = {"event": "channel-conn-count", "channel": subscription.channel, "connCount": str(count)}
        socket.push(_text(counted | {"connId": socket.state["conn_id"]}))
        self._greet(socket, subscription, key.account)

    def _subscription(self, role: str, arg: Mapping[str, Any]) -> Subscription:
        channel = str(arg.get("channel", ""))
        if channel not in CHANNELS[role]:
            if channel in CHANNELS[PRIVATE] or channel in CHANNELS[BUSINESS]:
                raise OkxError("60018", f"Wrong URL or channel:{channel} doesn't exist. Please use the correct URL.")
            raise OkxError("60018", f"Wrong URL or channel:{channel} doesn't exist.")
        if channel in ("account", "balance_and_position"):
            events_only = '"updateInterval":"0"' in str(arg.get("extraParams", "")).replace(" ", "")
            return Subscription(arg, channel, None, "", events_only)
        kind, native = str(arg.get("instType", "")), str(arg.get("instId") or "")
        if kind != "ANY" and kind not in KINDS and kind not in OTHER_KINDS:
            raise OkxError("60033", "Parameter instType error.")
        if kind in OTHER_KINDS:
            native = "none of ours"
        elif native and not any(market.native == native for market in self._markets.values()):
            raise OkxError("60018", f"Wrong URL or channel:{channel},instId:{native} doesn't exist.")
        return Subscription(arg, channel, KINDS.get(kind), native)

    def _operate(self, socket: Socket, operation: str, args: Sequence[Mapping[str, Any]], request: Any) -> None:
        key: ApiKey | None = socket.state["key"]
        if key is None:
            raise OkxError("60011", "Please log in")
        began = self._micros()
        path, act, budget = self._operations[operation]
        try:
            if not key.may(Permission.TRADE):
                raise NOT_PERMITTED
            if len(args) > MOST_IN_BATCH or (len(args) > 1 and "batch" not in operation):
                raise OkxError("60013", "Invalid args")
            items = [Fields(key, _by_code(arg)) for arg in args]
            for fields in items:
                fields.required("instIdCode")
                native = self._orders.market(fields).native
                if not self.budgets.admit((path, key.account, native), budget, self._timeline.now_ms()):
                    raise TOO_FAST
            code, rows = self._orders.tried(act, items)
            said = SAID[code]
        except OkxError as error:
            code, rows, said = error.code, [], str(error)
        if self._faults.strikes(Chance.LOST_ANSWER):
            return
        answer = {"id": request.get("id"), "op": operation, "code": code, "msg": said, "data": rows}
        socket.push(_text(answer | {"inTime": began, "outTime": self._micros()}))

    def _error(self, socket: Socket, error: OkxError, request_id: Any) -> None:
        answer = {"event": "error", "code": error.code, "msg": str(error), "connId": socket.state["conn_id"]}
        if request_id is not None:
            answer["id"] = request_id
        socket.push(_text(answer))

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Subscriptions of the account to ``orders`` of a kind of market."""
        return sum(
            subscription.channel == "orders" and subscription.kind in (None, kind)
            for socket in self._of(account)
            for subscription in socket.state["subscriptions"].values()
        )

    def expire_tokens(self) -> None:
        """OKX has no tokens: sockets that are logged in are closed, as when the key was changed."""
        for socket in self._sockets:
            if socket.state["key"] is not None:
                socket.end(KEY_CHANGED, "API key has been updated or deleted. Please reconnect.")

    # --- events --------------------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        for socket in self._sockets:
            if "hang_up" in socket.state:
                socket.end(*socket.state.pop("hang_up"))
        if elapsed_ms - self._told_ms < AGAIN_MS:
            return
        self._told_ms = elapsed_ms
        for socket in self._sockets:
            key: ApiKey | None = socket.state["key"]
            for subscription in socket.state["subscriptions"].values():
                if key is None or subscription.events_only:
                    continue
                if subscription.channel == "account":
                    self._push(socket, subscription, [self._account.balance_row(key.account)], eventType="event_update")
                elif subscription.channel == "positions":
                    views = self._wanted(subscription, self._account.views(key.account))
                    if views:
                        rows = self._account.position_rows(views)
                        self._push(socket, subscription, rows, eventType="event_update")

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent():
                self._order_event(event)
            case BalanceEvent():
                self._balance_event(event)
            case SettingEvent():
                view = self._accounts.positions.view(event.account, event.key)
                if view.lots:
                    self._tell_positions(event.account, [view])

    def _order_event(self, event: OrderEvent) -> None:
        order = event.order
        if order.trigger is not None:
            if event.change is OrderChange.TRIGGERED:
                self._orders.set_off(order)
            if not self._went_on(event):
                self._tell(order, "orders-algo", self._orders.algo_row(order))
            return
        amended = event.change is OrderChange.AMENDED
        self._tell(order, "orders", self._orders.push_row(order, event.fill, amended=amended))

    @staticmethod
    def _went_on(event: OrderEvent) -> bool:
        """An algo order that was set off and could not be placed is told once, as failed."""
        return event.change is OrderChange.TRIGGERED and not event.order.child_id

    def _tell(self, order: AccountOrder, channel: str, row: dict[str, Any]) -> None:
        market = self._markets[order.key]
        for socket in self._of(order.account):
            for subscription in list(socket.state["subscriptions"].values()):
                if subscription.channel == channel and subscription.concerns(market):
                    self._push(socket, subscription, [row])

    def _balance_event(self, event: BalanceEvent) -> None:
        names = [held.currency for held in event.holdings] + [wallet.currency for wallet in event.wallets]
        row = self._account.balance_row(event.account, names)
        for socket in self._of(event.account):
            for subscription in list(socket.state["subscriptions"].values()):
                if subscription.channel == "account":
                    self._push(socket, subscription, [row], eventType="event_update")
                elif subscription.channel == "balance_and_position":
                    rows = self._account.position_rows(event.positions)
                    self._push(socket, subscription, [self._both(row, rows, event.cause.value)])
        if event.positions:
            self._tell_positions(event.account, event.positions)

    def _both(self, balance: Mapping[str, Any], positions: Sequence[dict[str, Any]], cause: str) -> dict[str, Any]:
        moneys = [{name: row[name] for name in ("ccy", "cashBal", "uTime")} for row in balance["details"]]
        return {"pTime": str(self._timeline.now_ms()), "eventType": cause, "balData": moneys, "posData": positions}

    def _tell_positions(self, account: int, views: Sequence[PositionView]) -> None:
        for socket in self._of(account):
            for subscription in list(socket.state["subscriptions"].values()):
                if subscription.channel == "positions":
                    wanted = self._wanted(subscription, views)
                    if wanted:
                        rows = self._account.position_rows(wanted)
                        self._push(socket, subscription, rows, eventType="event_update")

    def _wanted(self, subscription: Subscription, views: Sequence[PositionView]) -> list[PositionView]:
        return [view for view in views if subscription.concerns(self._markets[view.key])]

    def _greet(self, socket: Socket, subscription: Subscription, account: int) -> None:
        if subscription.channel == "account":
            row = self._account.balance_row(account)
            self._push(socket, subscription, [row], eventType="snapshot", curPage=1, lastPage=True)
        elif subscription.channel == "positions":
            rows = self._account.position_rows(self._wanted(subscription, self._account.views(account)))
            self._push(socket, subscription, rows, eventType="snapshot", curPage=1, lastPage=True)

    def _of(self, account: int) -> list[Socket]:
        return [
            socket
            for socket in self._sockets
            if socket.state["key"] is not None and socket.state["key"].account == account
        ]

    def _push(
        self, socket: Socket, subscription: Subscription, rows: Sequence[Mapping[str, Any]], **more: Any
    ) -> None:
        arg = {**subscription.arg, "uid": uid_of(socket.state["key"].account)}
        socket.deliver_private(_text({"arg": arg, **more, "data": rows}))


def _by_code(arg: Mapping[str, Any]) -> dict[str, Any]:
    """Socket operations know instruments by code only."""
    return {name: value for name, value in arg.items() if name != "instId"}


def _text(content: Any) -> str:
    return msgspec.json.encode(content).decode()
