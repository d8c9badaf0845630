"""Crypto.com's private side: signed requests over HTTP, the user socket, and the account's events on its channels.

Owned by the front. Methods are written in ``private_methods``; this module checks who asks, counts budgets, keeps
sessions and subscriptions, and tells subscribers. A session is signed in once and lasts as long as its socket. Frames:
../shared/exchanges/cryptocom.md §7 and §8.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.budgets import Budgets
from jackbot_tui.sim.cryptocom import private_texts as texts
from jackbot_tui.sim.cryptocom.private_methods import Methods
from jackbot_tui.sim.cryptocom.private_rest import (
    NO_METHOD,
    TOO_MANY,
    UNAUTHORIZED,
    Authority,
    CryptocomError,
    Method,
    bad_argument,
)
from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.front import Call, Door, Page, Reply, Socket, json_reply
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountEvent, AccountOrder, BalanceEvent, OrderChange, OrderEvent
from jackbot_tui.sim.timeline import Timeline

USER_PATH = "/exchange/v1/user"
USER = "user"
ORDERS, TRADES, TRIGGERS = "user.order", "user.trade", "user.advanced.order"
BALANCE, POSITIONS, BOTH = "user.balance", "user.positions", "user.position_balance"
OF_INSTRUMENTS = (ORDERS, TRADES, TRIGGERS)
CHANNELS = (*OF_INSTRUMENTS, BALANCE, POSITIONS, BOTH)
RESTARTING = 1013


class CryptocomPrivate:
    """``markets`` by native symbol; ``relaxed`` stretches every budget."""

    def __init__(
        self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline, faults: Faults, relaxed: int
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for market in markets.values()}
        self._timeline = timeline
        self._faults = faults
        self._authority = Authority(accounts.keys, timeline)
        self.budgets = Budgets(relaxed)
        self._orders = Methods(accounts, markets, timeline)
        self._methods = {method.name: method for method in self._orders.all()}
        self._sockets: list[Socket] = []

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        return [
            Page("POST", method.path, self._answer(method), trades=method.permission is Permission.TRADE)
            for method in self._methods.values()
        ]

    def _answer(self, method: Method) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            request_id = _id_of(call.body)
            try:
                asked = self._authority.read(call, method)
                self._count(method, asked.sender)
                result = method.answer(asked)
            except CryptocomError as error:
                return json_reply(_failure(request_id, method.name, error), error.status)
            return json_reply({"id": request_id, "method": method.name, "code": 0, "result": result})

        return answer

    def _count(self, method: Method, sender: ApiKey) -> None:
        if not self.budgets.admit((method.name, sender.account, sender.role), method.budget, self._timeline.now_ms()):
            raise TOO_MANY

    # --- the user socket -----------------------------------------------------------------------------------------

    @staticmethod
    def doors() -> list[Door]:
        return [Door(USER_PATH, MarketKind.SPOT, USER)]

    def opened(self, socket: Socket) -> None:
        socket.state["key"] = None
        socket.state["channels"] = {}
        socket.state["cancels"] = False
        socket.state["made"] = []
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)
            self._cancel_what_was_made(socket)

    def received(self, socket: Socket, request: Mapping[str, Any]) -> None:
        """Any message but an answer to a heartbeat."""
        method, request_id = str(request.get("method", "")), request.get("id", -1)
        try:
            match method:
                case "public/auth":
                    self._sign_in(socket, request)
                    result: Any = None
                case "subscribe" | "unsubscribe":
                    self._subscribe(socket, method, request)
                    return
                case "private/set-cancel-on-disconnect" | "private/get-cancel-on-disconnect":
                    result = self._cancel_on_disconnect(socket, request, sets="set" in method)
                case _:
                    result = self._perform(socket, method, request)
                    if self._faults.strikes(Chance.LOST_ANSWER):
                        return
        except CryptocomError as error:
            socket.push(_text(_failure(request_id, method, error)))
            return
        answer = {"id": request_id, "method": method, "code": 0}
        socket.push(_text(answer if result is None else answer | {"result": result}))

    def _sign_in(self, socket: Socket, request: Mapping[str, Any]) -> None:
        socket.state["key"] = self._authority.sender(request)

    @staticmethod
    def _key_of(socket: Socket) -> ApiKey:
        key: ApiKey | None = socket.state["key"]
        if key is None:
            raise UNAUTHORIZED
        return key

    def _perform(self, socket: Socket, name: str, request: Mapping[str, Any]) -> Any:
        method = self._methods.get(name)
        if method is None:
            raise NO_METHOD
        sender = self._key_of(socket)
        asked = self._authority.asked(sender, request, method)
        self._count(method, sender)
        result = method.answer(asked)
        if name == "private/create-order":
            socket.state["made"].append(result["order_id"])
        return result

    def _cancel_on_disconnect(self, socket: Socket, request: Mapping[str, Any], *, sets: bool) -> dict[str, str]:
        """Cannot be undone once set."""
        self._key_of(socket)
        if sets:
            if (request.get("params") or {}).get("scope") != "CONNECTION":
                raise bad_argument("scope")
            socket.state["cancels"] = True
        return {"scope": "CONNECTION" if socket.state["cancels"] else "NONE"}

    def _cancel_what_was_made(self, socket: Socket) -> None:
        if not socket.state["cancels"]:
            return
        made = set(socket.state["made"])
        for order in self._accounts.orders.open_orders(socket.state["key"].account):
            if order.is_open and self._orders.wires(order)[0].text in made:
                self._accounts.cancel(order)

    def _subscribe(self, socket: Socket, method: str, request: Mapping[str, Any]) -> None:
        """All channels of a frame or none."""
        key, request_id = self._key_of(socket), request.get("id", -1)
        names = (request.get("params") or {}).get("channels")
        if not isinstance(names, list) or not names or not all(self._is_channel(str(name)) for name in names):
            raise bad_argument("channels")
        channels: dict[str, None] = socket.state["channels"]
        if not (method == "subscribe" and self._faults.strikes(Chance.NOACK)):
            socket.push(_text({"id": request_id, "method": method, "code": 0}))
        for name in map(str, names):
            if method == "unsubscribe":
                channels.pop(name, None)
            else:
                channels[name] = None
                self._greet(socket, name, key.account, request_id)
        if method == "unsubscribe":
            self._cancel_what_was_made(socket)

    def _is_channel(self, name: str) -> bool:
        return name in CHANNELS or any(
            name.startswith(f"{channel}.") and name.removeprefix(f"{channel}.") in self._markets
            for channel in OF_INSTRUMENTS
        )

    def _greet(self, socket: Socket, name: str, account: int, request_id: Any) -> None:
        """What a channel begins with: working orders, the wallet, positions."""
        if name.startswith((ORDERS, TRIGGERS)):
            channel = ORDERS if name.startswith(ORDERS) else TRIGGERS
            for market in self._markets.values():
                if name in (channel, f"{channel}.{market.native}"):
                    found = self._accounts.orders.open_orders(account, market.listing.key)
                    rows = [self._orders.row(each) for each in found if (each.trigger is None) is (channel == ORDERS)]
                    if rows:
                        self._push(socket, name, channel, rows, market.native, request_id)
        elif name == BALANCE:
            self._push(socket, name, BALANCE, [self._orders.balance(account)], "", request_id)
        elif name == POSITIONS:
            self._push(socket, name, POSITIONS, self._orders.positions(account), "", request_id)
        elif name == BOTH:
            self._push(socket, name, BOTH, [self._both(account)], "", request_id)

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Subscriptions of the account to orders and to own trades of a kind of market."""
        natives = {market.native for market in self._markets.values() if market.kind is kind}
        wanted = {ORDERS, TRADES} | {f"{channel}.{native}" for channel in (ORDERS, TRADES) for native in natives}
        return sum(name in wanted for socket in self._of(account) for name in socket.state["channels"])

    def end_sessions(self) -> None:
        """There are no tokens: user sockets are closed, as at a restart of the server."""
        for socket in list(self._sockets):
            socket.end(RESTARTING, "server restarting")

    # --- events --------------------------------------------------------------------------------------------------

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent():
                self._order_event(event)
            case BalanceEvent():
                self._tell_wallet(event)

    def _order_event(self, event: OrderEvent) -> None:
        order = event.order
        if order.trigger is not None:
            if event.change is not OrderChange.TRIGGERED or order.child_id:
                self._tell(order, TRIGGERS, self._orders.event_rows(order, None, amended=False))
            return
        amended = event.change is OrderChange.AMENDED
        self._tell(order, ORDERS, self._orders.event_rows(order, event.fill, amended=amended))
        if event.fill is not None:
            self._tell(order, TRADES, [self._orders.fill_row(event.fill)])

    def _tell(self, order: AccountOrder, channel: str, rows: Sequence[Mapping[str, Any]]) -> None:
        native = self._by_key[order.key].native
        for socket in self._of(order.account):
            for name in (channel, f"{channel}.{native}"):
                if name in socket.state["channels"]:
                    self._push(socket, name, channel, rows, native)

    def _tell_wallet(self, event: BalanceEvent) -> None:
        for socket in self._of(event.account):
            for name in list(socket.state["channels"]):
                if name == BALANCE:
                    self._push(socket, name, BALANCE, [self._orders.balance(event.account)], "")
                elif name == BOTH:
                    self._push(socket, name, BOTH, [self._both(event.account, event)], "")
                elif name == POSITIONS and event.positions:
                    self._push(socket, name, POSITIONS, self._rows(event), "")

    def _both(self, account: int, event: BalanceEvent | None = None) -> dict[str, Any]:
        balances = self._orders.balance(account)["position_balances"]
        positions = self._orders.positions(account) if event is None else self._rows(event)
        return {"balances": balances, "positions": positions}

    def _rows(self, event: BalanceEvent) -> list[dict[str, Any]]:
        """What positions became, those that are flat now as well."""
        return [texts.position_row(self._by_key[view.key], view) for view in event.positions]

    def _of(self, account: int) -> list[Socket]:
        return [
            socket
            for socket in self._sockets
            if socket.state["key"] is not None and socket.state["key"].account == account
        ]

    @staticmethod
    def _push(
        socket: Socket,
        name: str,
        channel: str,
        rows: Sequence[Mapping[str, Any]],
        native: str,
        request_id: Any = -1,
    ) -> None:
        result: dict[str, Any] = {"subscription": name, "channel": channel, "data": rows}
        if native:
            result["instrument_name"] = native
        socket.deliver_private(_text({"id": request_id, "method": "subscribe", "code": 0, "result": result}))


def _failure(request_id: Any, method: str, error: CryptocomError) -> dict[str, Any]:
    answer = {"id": request_id, "method": method, "code": error.code, "message": str(error)}
    return answer if error.result is None else answer | {"result": error.result}


def _id_of(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body, type=dict[str, Any]).get("id", -1)
    except msgspec.MsgspecError:
        return -1


def _text(content: Any) -> str:
    return msgspec.json.encode(content).decode()
