"""Bybit's private side on the wire: signed pages mounted, the private stream and the order-entry socket.

Part of ``front``, which hands it the doors and sockets of its roles and every event of accounts. Facts:
../shared/exchanges/bybit.md §7 to §9.

=====================================  ==============================
wss://stream.bybit.com/v5/private      ws://127.0.0.1:PORT/v5/private
wss://stream.bybit.com/v5/trade        ws://127.0.0.1:PORT/v5/trade
https://api.bybit.com/v5               http://127.0.0.1:PORT/v5
=====================================  ==============================
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.bybit import order_texts as texts
from jackbot_tui.sim.bybit.private_account import AccountPages
from jackbot_tui.sim.bybit.private_orders import OrderPages
from jackbot_tui.sim.bybit.private_rest import AccountLimits, Authority, PrivatePage, Signed, VenueError
from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.front import Call, Door, Page, Reply, Socket, json_reply
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountEvent, BalanceEvent, OrderChange, OrderEvent, SettingEvent
from jackbot_tui.sim.timeline import Timeline

STREAM, ENTRY = "private", "trade"
ROLES = frozenset({STREAM, ENTRY})
CHANNELS = ("order", "execution", "execution.fast", "position", "wallet")
TOPICS = frozenset(CHANNELS) | {
    f"{name}.{category}" for name in CHANNELS[:-1] for category in ("spot", "linear", "inverse", "option")
} | {f"dcp.{product}" for product in ("future", "spot", "option")}  # fmt: skip
NEEDED = {
    MarketKind.SPOT: frozenset({"order", "execution", "wallet"}),
    MarketKind.LINEAR: frozenset({"order", "execution", "wallet", "position"}),
}
"""Topics without which a stream may miss something of a kind of market."""

OPERATIONS = {
    f"order.{name}": f"/v5/order/{name}"
    for name in ("create", "amend", "cancel", "create-batch", "amend-batch", "cancel-batch")
}
"""Operations of the order-entry socket and the pages that do the same."""


class BybitPrivate:
    """``admit`` counts a request of an address and raises RequestRefused."""

    def __init__(
        self,
        accounts: Accounts,
        markets: Mapping[MarketKind, Mapping[str, SimMarket]],
        timeline: Timeline,
        faults: Faults,
        admit: Callable[[], None],
        scale: int,
    ) -> None:
        self._accounts = accounts
        self._markets = {market.listing.key: market for named in markets.values() for market in named.values()}
        self._timeline = timeline
        self._faults = faults
        self._admit = admit
        self._authority = Authority(accounts.keys, timeline)
        self.limits = AccountLimits(timeline, scale)
        self._orders = OrderPages(accounts, markets)
        self._account = AccountPages(accounts, markets, timeline)
        self._pages = {page.path: page for page in (*self._orders.pages(), *self._account.pages())}
        self._sockets: list[Socket] = []
        self._messages = 0

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        return [Page(page.method, page.path, self._answer(page), trades=page.trades) for page in self._pages.values()]

    def _answer(self, page: PrivatePage) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            self._admit()
            headers: dict[str, str] = {}
            try:
                signed = self._authority.read(call, page.permission)
                headers = self._count(page, signed)
                result = page.answer(signed)
            except VenueError as error:
                return json_reply(self._body(error.code, str(error), {}), headers={**headers, **error.headers})
            extra = {"list": result.pop("ext")} if "ext" in result else {}
            return json_reply(self._body(0, "OK", result, extra), headers=headers)

        return answer

    def _count(self, page: PrivatePage, signed: Signed) -> dict[str, str]:
        return self.limits.count(signed.account, page.budget, signed.text("category"), page.cost(signed))

    def _body(
        self, code: int, words: str, result: dict[str, Any], extra: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        now_ms = self._timeline.now_ms()
        return {"retCode": code, "retMsg": words, "result": result, "retExtInfo": extra or {}, "time": now_ms}

    # --- sockets -------------------------------------------------------------------------------------------------

    @staticmethod
    def doors() -> list[Door]:
        return [Door("/v5/private", MarketKind.LINEAR, STREAM), Door("/v5/trade", MarketKind.LINEAR, ENTRY)]

    def opened(self, socket: Socket) -> None:
        socket.state["key"] = None
        socket.state["topics"] = {}
        socket.state["requests"] = set()
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Streams of the account that miss nothing of ``kind``."""
        return sum(self._owner(socket) == account and _covers(socket, kind) for socket in self._sockets)

    @staticmethod
    def _owner(socket: Socket) -> int:
        key: ApiKey | None = socket.state["key"]
        return key.account if key is not None and socket.door.role == STREAM else 0

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = msgspec.json.decode(message, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError):
            self._said(socket, {}, "error:invalid message", success=False)
            return
        arguments = request.get("args")
        if not isinstance(arguments, list):
            arguments = []
        if socket.door.role == ENTRY:
            self._entered(socket, request, arguments)
            return
        match request.get("op"):
            case "ping":
                self._pong(socket, request)
            case "auth":
                self._login(socket, request, arguments)
            case "subscribe":
                problem = self._refusal(socket, arguments)
                if not problem:
                    socket.state["topics"] |= dict.fromkeys(arguments)
                self._said(socket, request, problem, success=not problem)
            case "unsubscribe":
                for topic in arguments:
                    socket.state["topics"].pop(str(topic), None)
                self._said(socket, request, "", success=True)
            case _:
                self._said(socket, request, "error:invalid op", success=False)

    def _pong(self, socket: Socket, request: Mapping[str, Any]) -> None:
        """Private streams answer in another shape than public ones."""
        reply = {"op": "pong", "args": [str(self._timeline.now_ms())], "conn_id": socket.state["conn_id"]}
        socket.push(_text({**_named(request), **reply}))

    def _login(self, socket: Socket, request: Mapping[str, Any], arguments: list[Any]) -> None:
        try:
            socket.state["key"] = self._authority.login(arguments)
        except VenueError as error:
            self._said(socket, request, f"error:{error}", success=False)
            return
        self._said(socket, request, "", success=True)

    def _said(self, socket: Socket, request: Mapping[str, Any], words: str, *, success: bool) -> None:
        answer = {"success": success, "ret_msg": words, "conn_id": socket.state["conn_id"]}
        answer |= {**_named(request), "op": request.get("op", "")}
        if not success and request.get("op") == "auth":
            answer["request"] = {"op": "auth", "args": []}
        socket.push(_text(answer))

    def _refusal(self, socket: Socket, topics: list[Any]) -> str:
        """Why a subscription is not accepted, as a whole; "" when it is. All-in-one topics and their parts exclude each
        other.
        """
        if socket.state["key"] is None:
            return "error:request not authorized"
        held = {**socket.state["topics"], **{topic: None for topic in topics if isinstance(topic, str)}}
        for topic in topics:
            if not isinstance(topic, str) or topic not in TOPICS:
                return f"error:handler not found,topic:{topic}"
            if topic in socket.state["topics"]:
                return f"error:already subscribed,topic:{topic}"
            parts = [other for other in held if other.startswith(f"{topic}.") and other != "execution.fast"]
            if parts and topic in CHANNELS:
                return f"error:topic:{topic} excludes {parts[0]}"
        return ""

    # --- order entry ---------------------------------------------------------------------------------------------

    def _entered(self, socket: Socket, request: Mapping[str, Any], arguments: list[Any]) -> None:
        """A message of the order-entry socket: orders are answered under the id that the client gave."""
        operation = request.get("op")
        if operation == "ping":
            socket.push(_text({"op": "pong", "args": [str(self._timeline.now_ms())], "connId": self._conn(socket)}))
            return
        head: dict[str, str] = {}
        try:
            if operation == "auth":
                if socket.state["key"] is not None:
                    raise VenueError(20001, "Repeat auth")
                socket.state["key"] = self._authority.login(arguments)
                data: dict[str, Any] = {}
            else:
                data, head = self._perform(socket, request, arguments)
        except VenueError as error:
            self._answered(socket, request, error.code, str(error), {}, error.headers)
            return
        if operation == "auth" or not self._faults.strikes(Chance.LOST_ANSWER):
            self._answered(socket, request, 0, "OK", data, head)

    def _perform(
        self, socket: Socket, request: Mapping[str, Any], arguments: list[Any]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        key: ApiKey | None = socket.state["key"]
        if key is None:
            raise VenueError(10003, "Request not authorized.")
        page = self._pages.get(OPERATIONS.get(str(request.get("op")), ""))
        if page is None or len(arguments) != 1 or not isinstance(arguments[0], dict):
            raise VenueError(10404, "op or args invalid")
        request_id = str(request.get("reqId") or "")
        if request_id and request_id in socket.state["requests"]:
            raise VenueError(20006, "Duplicate reqId")
        socket.state["requests"].add(request_id)
        header = request.get("header")
        given = header if isinstance(header, dict) else {}
        stamp, window = str(given.get("X-BAPI-TIMESTAMP", "")), str(given.get("X-BAPI-RECV-WINDOW", "5000"))
        self._authority.check_time(stamp, window)
        self._authority.check_permission(key, Permission.TRADE)
        signed = Signed(key, arguments[0])
        return page.answer(signed), self._count(page, signed)

    def _answered(
        self,
        socket: Socket,
        request: Mapping[str, Any],
        code: int,
        words: str,
        data: Mapping[str, Any],
        head: Mapping[str, str],
    ) -> None:
        reply = {"retCode": code, "retMsg": words, "op": request.get("op", ""), "connId": self._conn(socket)}
        if request.get("op") != "auth":
            extra = {"list": data["ext"]} if "ext" in data else {}
            shown = {name: value for name, value in data.items() if name != "ext"}
            reply |= {"reqId": request.get("reqId", ""), "data": shown, "retExtInfo": extra, "header": dict(head)}
        socket.push(_text(reply))

    @staticmethod
    def _conn(socket: Socket) -> str:
        return str(socket.state["conn_id"])

    # --- events --------------------------------------------------------------------------------------------------

    def event(self, event: AccountEvent) -> None:
        """Say it on the streams of its account. Positions and the wallet follow whatever binds or frees margin."""
        match event:
            case OrderEvent():
                self._order_event(event)
            case BalanceEvent():
                if event.cause is Cause.FUNDING:
                    self._tell_funding(event)
                for view in event.positions:
                    self._tell(event.account, "position", MarketKind.LINEAR, self._account.position(view, pushed=True))
                self._tell_wallet(event.account)
            case SettingEvent():
                self._tell_position(event.account, event.key)

    def _order_event(self, event: OrderEvent) -> None:
        order, market = event.order, self._markets[event.order.key]
        if event.fill is not None:
            told = texts.fill_row(market, order, event.fill, order.remaining)
            self._tell(order.account, "execution", order.kind, told)
            self._tell(order.account, "execution.fast", order.kind, texts.fast_row(market, order, event.fill))
        row = self._orders.row(order)
        if event.change is OrderChange.TRIGGERED:
            row["orderStatus"] = "Triggered"
        self._tell(order.account, "order", order.kind, row)
        if order.kind is MarketKind.LINEAR and event.change is not OrderChange.FILL:
            self._tell_position(order.account, order.key)
            self._tell_wallet(order.account)

    def _tell_funding(self, event: BalanceEvent) -> None:
        """A payment is an execution of its own kind."""
        for view in event.positions:
            for entry in reversed(self._accounts.ledger.entries):
                if entry.ms < event.ms:
                    break
                own = event.account in (entry.source.account, entry.target.account)
                if own and entry.cause is Cause.FUNDING and entry.key == view.key:
                    row = texts.funding_row(self._markets[view.key], view, entry, event.account)
                    self._tell(event.account, "execution", MarketKind.LINEAR, row)
                    break

    def _tell_position(self, account: int, key: str) -> None:
        view = self._accounts.positions.view(account, key)
        self._tell(account, "position", MarketKind.LINEAR, self._account.position(view, pushed=True))

    def _tell_wallet(self, account: int) -> None:
        if any(self._owner(socket) == account for socket in self._sockets):
            self._tell(account, "wallet", None, self._account.wallet(account))

    def _tell(self, account: int, channel: str, kind: MarketKind | None, row: dict[str, Any]) -> None:
        """On the all-in-one topic, and on the one of the category."""
        if kind is not None:
            row = {"category": kind.value, **row}
        for topic in (channel,) if kind is None else (channel, f"{channel}.{kind.value}"):
            frame = ""
            for socket in self._sockets:
                if self._owner(socket) == account and topic in socket.state["topics"]:
                    frame = frame or self._frame(topic, row)
                    socket.deliver_private(frame)

    def _frame(self, topic: str, row: dict[str, Any]) -> str:
        self._messages += 1
        made = self._timeline.now_ms()
        return _text({"id": f"{made:x}-{self._messages:x}", "topic": topic, "creationTime": made, "data": [row]})


def _covers(socket: Socket, kind: MarketKind) -> bool:
    topics: Sequence[str] = list(socket.state["topics"])
    return all(name in topics or f"{name}.{kind.value}" in topics for name in NEEDED[kind])


def _named(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"req_id": request["req_id"]} if request.get("req_id") is not None else {}


def _text(content: Any) -> str:
    return msgspec.json.encode(content).decode()
