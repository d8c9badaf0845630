"""Bitget's private side on the wire, that of a unified account: signed v3 pages mounted, and the private v3 stream.

Part of ``front``, which hands it the door, its sockets and every event of accounts. Accounts here are unified only, as
new ones are at the venue: the classic v2 pages tell a key so. Facts: ../shared/exchanges/bitget.md §1, §7 to §9.

=====================================  ====================================
wss://ws.bitget.com/v3/ws/private      ws://127.0.0.1:PORT/v3/ws/private
https://api.bitget.com/api/v3          http://127.0.0.1:PORT/api/v3
=====================================  ====================================
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.bitget import order_texts as texts
from jackbot_tui.sim.bitget.private_account import AccountPages
from jackbot_tui.sim.bitget.private_orders import OrderPages
from jackbot_tui.sim.bitget.private_rest import (
    AccountLimits,
    Authority,
    LoginError,
    PrivatePage,
    Signed,
    VenueError,
)
from jackbot_tui.sim.bitget.private_strategy import StrategyPages
from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.front import CLOSE_POLICY, Call, Door, Page, Reply, Socket, json_reply
from jackbot_tui.sim.keys import ApiKey
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountEvent, BalanceEvent, OrderEvent
from jackbot_tui.sim.timeline import Timeline

STREAM = "private"
TOPICS = ("order", "fill", "account", "position")
NEEDED = {
    MarketKind.SPOT: frozenset({"order", "fill", "account"}),
    MarketKind.LINEAR: frozenset(TOPICS),
}
"""Topics without which a stream may miss something of a kind of market."""

REPEAT_MS = 5000
"""Wallet and positions are told again so often, changed or not."""

NO_CHANNEL, BAD_OPERATION, LOGIN_FIRST, LOGIN_FAILED = 30001, 30003, 30004, 30005
CLASSIC = ("GET", "POST")


class BitgetPrivate:
    """``admit`` counts a request of an address and raises RequestRefused."""

    def __init__(
        self,
        accounts: Accounts,
        markets: Mapping[tuple[str, str], SimMarket],
        timeline: Timeline,
        faults: Faults,
        admit: Callable[[], None],
        scale: int,
    ) -> None:
        self._accounts = accounts
        self._markets = {market.listing.key: market for market in markets.values()}
        self._timeline = timeline
        self._faults = faults
        self._admit = admit
        self._authority = Authority(accounts.keys, timeline)
        self.limits = AccountLimits(timeline, scale)
        self._numbers = texts.Numbers(list(self._markets))
        self._orders = OrderPages(accounts, markets, self._numbers)
        self._strategy = StrategyPages(accounts, markets, self._numbers)
        self._account = AccountPages(accounts, markets)
        self._sockets: list[Socket] = []
        self._repeat_ms = REPEAT_MS

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        own = [*self._orders.pages(), *self._strategy.pages(), *self._account.pages()]
        classic = [
            PrivatePage(method, f"/api/v2/{part}/{{tail:.*}}", self._classic)
            for method in CLASSIC
            for part in ("spot/trade", "spot/account", "mix/order", "mix/account", "mix/position")
        ]
        return [Page(page.method, page.path, self._answer(page), trades=page.trades) for page in (*own, *classic)]

    def _answer(self, page: PrivatePage) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            self._admit()
            try:
                signed = self._authority.read(call, page.permission)
                self.limits.count(signed.account, page)
                return json_reply(self._body("00000", "success", page.answer(signed)))
            except VenueError as error:
                return json_reply(self._body(error.code, str(error), None), error.status)

        return answer

    @staticmethod
    def _classic(signed: Signed) -> Any:
        raise VenueError(
            "40085", "You are in Unified Account mode, and the Classic Account API is not supported at this time"
        )

    def _body(self, code: str, words: str, data: Any) -> dict[str, Any]:
        return {"code": code, "msg": words, "requestTime": self._timeline.now_ms(), "data": data}

    # --- sockets -------------------------------------------------------------------------------------------------

    @staticmethod
    def doors() -> list[Door]:
        return [Door("/v3/ws/private", MarketKind.LINEAR, STREAM)]

    def opened(self, socket: Socket) -> None:
        socket.state["key"] = None
        socket.state["topics"] = {}
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Streams of the account that miss nothing of ``kind``."""
        return sum(
            _owner(socket) == account and NEEDED[kind].issubset(socket.state["topics"]) for socket in self._sockets
        )

    def received(self, socket: Socket, message: str | bytes) -> None:
        if message == "ping":
            socket.push("pong")
            return
        try:
            request = msgspec.json.decode(message, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError):
            self._error(socket, None, 30002, "Illegal request", "")
            return
        operation, arguments = str(request.get("op", "")), request.get("args")
        rows = [row for row in arguments if isinstance(row, dict)] if isinstance(arguments, list) else []
        match operation:
            case "login":
                self._login(socket, rows[0] if rows else {})
            case "subscribe" | "unsubscribe":
                for arg in rows:
                    self._change(socket, operation, arg)
            case _:
                self._error(socket, None, BAD_OPERATION, "INVALID op", operation)

    def _login(self, socket: Socket, fields: Mapping[str, Any]) -> None:
        """A login that fails closes the socket."""
        try:
            socket.state["key"] = self._authority.login(fields)
        except LoginError as error:
            self._error(socket, None, error.code, str(error), "login")
            socket.state["login_failed"] = True
            return
        socket.push(_text({"event": "login", "code": 0, "msg": ""}))

    def _change(self, socket: Socket, operation: str, arg: Mapping[str, Any]) -> None:
        topic = str(arg.get("topic", ""))
        if socket.state["key"] is None:
            self._error(socket, arg, LOGIN_FIRST, "User needs to log in", operation)
            return
        if str(arg.get("instType", "")).upper() != "UTA" or topic not in TOPICS:
            words = f"instType:{arg.get('instType')},topic:{topic} doesn't exist"
            self._error(socket, arg, NO_CHANNEL, words, operation)
            return
        if operation == "unsubscribe":
            socket.state["topics"].pop(topic, None)
            socket.push(_text({"event": "unsubscribe", "arg": arg}))
            return
        if not self._faults.strikes(Chance.NOACK):
            socket.push(_text({"event": "subscribe", "arg": arg}))
        socket.state["topics"][topic] = None
        account = _owner(socket)
        if topic == "account":
            socket.push(self._frame(topic, self._wallets(account)))
        elif topic == "position":
            socket.push(self._frame(topic, self._positions(account)))

    @staticmethod
    def _error(socket: Socket, arg: Mapping[str, Any] | None, code: int, words: str, operation: str) -> None:
        named = {} if arg is None else {"arg": arg}
        socket.push(_text({"event": "error", **named, "code": code, "msg": words, "op": operation}))

    # --- events --------------------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        """Close sockets whose login failed, once they were told; tell wallets and positions again."""
        for socket in self._sockets:
            if socket.state.get("login_failed"):
                socket.end(CLOSE_POLICY, "login failed")
        if elapsed_ms < self._repeat_ms:
            return
        self._repeat_ms = elapsed_ms - elapsed_ms % REPEAT_MS + REPEAT_MS
        for account in {_owner(socket) for socket in self._sockets} - {0}:
            self._tell(account, "account", partial(self._wallets, account))
            self._tell(account, "position", partial(self._positions, account))

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent(order=order) if order.trigger is not None:
                pass  # what waits for its price is told by its page only
            case OrderEvent(order=order, fill=fill):
                if fill is not None:
                    market = self._markets[order.key]
                    row = texts.fill_row(market, fill, order, self._numbers, pushed=True)
                    self._tell(order.account, "fill", lambda: [row])
                self._tell(order.account, "order", lambda: [self._orders.row(order, pushed=True)])
            case BalanceEvent(account=account):
                if event.positions:
                    rows = [texts.position_row(self._markets[view.key], view, pushed=True) for view in event.positions]
                    told = {row["symbol"] + row["category"] for row in rows}
                    others = self._positions(account)
                    rows += [row for row in others if row["symbol"] + row["category"] not in told]
                    self._tell(account, "position", lambda: rows)
                self._tell(account, "account", partial(self._wallets, account))

    def _tell(self, account: int, topic: str, rows: Callable[[], list[dict[str, Any]]]) -> None:
        frame = ""
        for socket in self._sockets:
            if _owner(socket) == account and topic in socket.state["topics"]:
                frame = frame or self._frame(topic, rows())
                socket.deliver_private(frame)

    def _wallets(self, account: int) -> list[dict[str, Any]]:
        return [self._account.wallet(account, "coin")]

    def _positions(self, account: int) -> list[dict[str, Any]]:
        """Every push names all that are open, for it counts as the whole picture."""
        return [texts.position_row(self._markets[view.key], view, pushed=True) for view in self._account.views(account)]

    def _frame(self, topic: str, rows: list[dict[str, Any]]) -> str:
        arg = {"instType": "UTA", "topic": topic}
        return _text({"action": "snapshot", "arg": arg, "data": rows, "ts": self._timeline.now_ms()})


def _owner(socket: Socket) -> int:
    key: ApiKey | None = socket.state["key"]
    return 0 if key is None else key.account


def _text(content: Any) -> str:
    return msgspec.json.encode(content).decode()
