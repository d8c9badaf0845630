"""Binance's private side on the wire: signed pages mounted, listen keys, the WebSocket APIs, and user data streams.

Part of ``front``, which hands it the doors and sockets of its roles and every event of accounts. Facts:
../shared/exchanges/binance.md §7 to §9.

=======================================  ====================================================
wss://ws-api.binance.com:443/ws-api/v3   ws://127.0.0.1:PORT/ws-api/v3    spot requests and user data
wss://ws-fapi.binance.com/ws-fapi/v1     ws://127.0.0.1:PORT/ws-fapi/v1   USD-M requests
wss://fstream.binance.com/private        ws://127.0.0.1:PORT/fut/private  + /ws/<listenKey>, /ws?listenKey=<key>
https://api.binance.com/sapi/v1          http://127.0.0.1:PORT/sapi/v1    key permissions only
=======================================  ====================================================
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.binance import order_texts as texts
from jackbot_tui.sim.binance.listen_keys import ListenKeys
from jackbot_tui.sim.binance.private_linear import LinearPrivate
from jackbot_tui.sim.binance.private_margin import LinearAccount
from jackbot_tui.sim.binance.private_rest import Authority, OrderCounts, PrivatePage, Signed
from jackbot_tui.sim.binance.private_spot import SpotPrivate
from jackbot_tui.sim.binance.rest import PageError
from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.front import Call, Door, Page, Reply, RequestRefused, Socket, json_reply
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.limits import Limits
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import (
    AccountEvent,
    BalanceEvent,
    MarginCallEvent,
    OrderChange,
    OrderEvent,
    SettingEvent,
)
from jackbot_tui.sim.timeline import Timeline

SPOT_API = "ws-api"
LINEAR_API = "ws-fapi"
USER_STREAM = "private"
ROLES = frozenset({SPOT_API, LINEAR_API, USER_STREAM})
METHODS: dict[str, dict[str, tuple[str, str]]] = {
    SPOT_API: {
        "order.place": ("POST", "/api/v3/order"),
        "order.test": ("POST", "/api/v3/order/test"),
        "order.cancel": ("DELETE", "/api/v3/order"),
        "order.status": ("GET", "/api/v3/order"),
        "order.cancelReplace": ("POST", "/api/v3/order/cancelReplace"),
        "order.amend.keepPriority": ("PUT", "/api/v3/order/amend/keepPriority"),
        "openOrders.status": ("GET", "/api/v3/openOrders"),
        "openOrders.cancelAll": ("DELETE", "/api/v3/openOrders"),
        "allOrders": ("GET", "/api/v3/allOrders"),
        "myTrades": ("GET", "/api/v3/myTrades"),
        "account.status": ("GET", "/api/v3/account"),
        "account.rateLimits.orders": ("GET", "/api/v3/rateLimit/order"),
    },
    LINEAR_API: {
        "order.place": ("POST", "/fapi/v1/order"),
        "order.modify": ("PUT", "/fapi/v1/order"),
        "order.cancel": ("DELETE", "/fapi/v1/order"),
        "order.status": ("GET", "/fapi/v1/order"),
        "account.balance": ("GET", "/fapi/v2/balance"),
        "account.status": ("GET", "/fapi/v2/account"),
        "account.position": ("GET", "/fapi/v2/positionRisk"),
        "v2/account.balance": ("GET", "/fapi/v3/balance"),
        "v2/account.status": ("GET", "/fapi/v3/account"),
        "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    },
}
"""Methods of the WebSocket APIs and the pages that do the same."""

REASONS = {Cause.FUNDING: "FUNDING_FEE", Cause.MARGIN: "MARGIN_TRANSFER"}
"""Why an account changed, in ``ACCOUNT_UPDATE``; everything else is ``ORDER``."""


class BinancePrivate:
    """``admit`` counts request weight and raises RequestRefused; ``used`` gives the headers that tell it."""

    def __init__(
        self,
        accounts: Accounts,
        markets: dict[MarketKind, dict[str, SimMarket]],
        timeline: Timeline,
        faults: Faults,
        admit: Callable[[MarketKind, int], None],
        used: Callable[[MarketKind], dict[str, str]],
        limits: Limits,
        seed: int,
    ) -> None:
        self._accounts = accounts
        self._timeline = timeline
        self._faults = faults
        self._admit = admit
        self._used = used
        self._limits = limits
        self._markets = {market.listing.key: market for by_native in markets.values() for market in by_native.values()}
        self._authority = Authority(accounts.keys, timeline)
        self._counts = {kind: OrderCounts(kind) for kind in MarketKind}
        self._listen_keys = ListenKeys(timeline, seed)
        linear = markets[MarketKind.LINEAR]
        self._pages: dict[tuple[str, str], tuple[MarketKind, PrivatePage]] = {}
        self._mount(MarketKind.SPOT, SpotPrivate(accounts, markets[MarketKind.SPOT], timeline).pages())
        self._mount(MarketKind.LINEAR, LinearPrivate(accounts, linear).pages())
        self._mount(MarketKind.LINEAR, LinearAccount(accounts, linear, timeline).pages())
        self._mount(MarketKind.LINEAR, self._listen_key_pages())
        self._sockets: list[Socket] = []
        self._reports = 0

    def _mount(self, kind: MarketKind, pages: Sequence[PrivatePage]) -> None:
        for page in pages:
            self._pages[page.method, page.path] = kind, page

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        return [
            Page(page.method, page.path, self._answer(kind, page), trades=page.permission is Permission.TRADE)
            for kind, page in self._pages.values()
        ]

    def _answer(self, kind: MarketKind, page: PrivatePage) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            self._admit(kind, page.weight(call.query))
            try:
                signed = self._authority.read(call, page)
                headers = self._counted(kind, page, signed)
                content = page.answer(signed)
            except PageError as error:
                if not page.weight(call.query):
                    self._admit(kind, 1)  # an order that fails weighs what one that succeeds does not
                return Reply(error.body, error.status, self._used(kind))
            headers |= self._used(kind)
            if isinstance(content, Reply):
                return Reply(content.body, content.status, headers)
            return json_reply(content, headers=headers)

        return answer

    def _counted(self, kind: MarketKind, page: PrivatePage, signed: Signed) -> dict[str, str]:
        if page.orders is None:
            return {}
        counts, now_ms = self._counts[kind], self._timeline.now_ms()
        counts.count(signed.account, page.orders(signed.fields), now_ms)
        return counts.headers(signed.account, now_ms)

    def _listen_key_pages(self) -> list[PrivatePage]:
        path = "/fapi/v1/listenKey"

        def one(fields: Any) -> int:
            return 1

        return [
            PrivatePage("POST", path, one, self._give_listen_key, signed=False),
            PrivatePage("PUT", path, one, self._extend_listen_key, signed=False),
            PrivatePage("DELETE", path, one, self._end_listen_key, signed=False),
        ]

    def _give_listen_key(self, signed: Signed) -> dict[str, str]:
        return {"listenKey": self._listen_keys.give(signed.account)}

    def _extend_listen_key(self, signed: Signed) -> dict[str, str]:
        key = self._listen_keys.extend(signed.account)
        if key is None:
            raise PageError(-1125, "This listenKey does not exist.")
        return {"listenKey": key}

    def _end_listen_key(self, signed: Signed) -> dict[str, str]:
        self._listen_keys.end(signed.account)
        return {}

    # --- sockets -------------------------------------------------------------------------------------------------

    @staticmethod
    def doors() -> list[Door]:
        return [
            Door("/ws-api/v3", MarketKind.SPOT, SPOT_API),
            Door("/ws-fapi/v1", MarketKind.LINEAR, LINEAR_API),
            Door("/fut/private/ws", MarketKind.LINEAR, USER_STREAM),
            Door("/fut/private/ws/{listen_key}", MarketKind.LINEAR, USER_STREAM),
        ]

    def admit(self, door: Door, call: Call) -> None:
        """RequestRefused for a listen key that does not exist."""
        if door.role == USER_STREAM:
            key = call.match.get("listen_key") or call.query.get("listenKey", "")
            if self._listen_keys.account_of(key) is None:
                body = PageError(-1125, "This listenKey does not exist.").body
                raise RequestRefused(Reply(body, 400))
            return
        self._admit(door.market, 2 if door.role == SPOT_API else 5)

    def opened(self, socket: Socket) -> None:
        socket.state["subscriptions"] = {}
        socket.state["next_subscription"] = 0
        if socket.door.role == USER_STREAM:
            socket.state["listen_key"] = socket.call.match.get("listen_key") or socket.call.query.get("listenKey", "")
            socket.state["events"] = frozenset(filter(None, socket.call.query.get("events", "").split("/")))
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        if socket.door.role == USER_STREAM:
            return  # nothing can be asked there
        try:
            request = msgspec.json.decode(message, type=dict[str, Any])
        except msgspec.MsgspecError:
            socket.push(_failure(None, PageError(-1100, "Malformed request: JSON object expected.")))
            return
        request_id = request.get("id")
        method, params = request.get("method"), request.get("params") or {}
        try:
            if not isinstance(method, str) or not isinstance(params, dict):
                raise PageError(-1100, "Malformed request: `method` and `params` expected.")
            result = self._perform(socket, method, params)
        except PageError as error:
            socket.push(_failure(request_id, error))
            return
        except RequestRefused as refused:
            socket.push(_failure(request_id, PageError(-1003, "Too much request weight used.", refused.reply.status)))
            return
        if isinstance(result, Reply):
            content = msgspec.json.decode(result.body)
            socket.push(_text({"id": request_id, "status": result.status, "error": content}))
        elif not (method in METHODS[socket.door.role] and self._faults.strikes(Chance.LOST_ANSWER)):
            reply = {"id": request_id, "status": 200, "result": result}
            if params.get("returnRateLimits") is not False:
                reply["rateLimits"] = [self._weight_used(socket.door.market)]
            socket.push(_text(reply))

    def _weight_used(self, kind: MarketKind) -> dict[str, Any]:
        count = int(self._used(kind)["X-MBX-USED-WEIGHT-1M"])
        limit = self._limits.weight(kind)
        return {
            "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit, "count": count,
        }  # fmt: skip

    def _perform(self, socket: Socket, method: str, params: dict[str, Any]) -> Any:
        match method:
            case "ping":
                return {}
            case "time":
                return {"serverTime": self._timeline.now_ms()}
        if socket.door.role == SPOT_API:
            match method:
                case "userDataStream.subscribe.signature":
                    return self._subscribe(socket, params)
                case "userDataStream.unsubscribe":
                    return self._unsubscribe(socket, params)
                case "session.subscriptions":
                    return [{"subscriptionId": number} for number in socket.state["subscriptions"]]
        place = METHODS[socket.door.role].get(method)
        if place is None:
            raise PageError(-1100, f"Unknown method '{method}'.")
        kind, page = self._pages[place]
        signed = self._authority.read_message(params, page.permission)
        self._admit(kind, page.weight(signed.fields))
        self._counted(kind, page, signed)
        return page.answer(signed)

    def _subscribe(self, socket: Socket, params: dict[str, Any]) -> dict[str, int]:
        account = self._authority.read_message(params, None).account
        subscriptions: dict[int, int] = socket.state["subscriptions"]
        if account in subscriptions.values():
            raise PageError(-2035, "Subscription already active.")
        number: int = socket.state["next_subscription"]
        socket.state["next_subscription"] = number + 1
        subscriptions[number] = account
        return {"subscriptionId": number}

    def _unsubscribe(self, socket: Socket, params: dict[str, Any]) -> dict[str, Any]:
        subscriptions: dict[int, int] = socket.state["subscriptions"]
        asked = params.get("subscriptionId")
        if asked is not None and asked not in subscriptions:
            raise PageError(-1100, "Subscription not found.")
        for number in list(subscriptions) if asked is None else [asked]:
            self._terminate(socket, number)
        return {}

    def _terminate(self, socket: Socket, number: int) -> None:
        del socket.state["subscriptions"][number]
        event = {"e": "eventStreamTerminated", "E": self._timeline.now_ms()}
        socket.push(_text({"subscriptionId": number, "event": event}))

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Open user data streams of the account."""
        if kind is MarketKind.SPOT:
            return sum(account in socket.state["subscriptions"].values() for socket in self._sockets)
        owners = [self._listen_keys.account_of(socket.state.get("listen_key", "")) for socket in self._sockets]
        return owners.count(account)

    # --- events --------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Let listen keys run out."""
        self._announce_expired(self._listen_keys.expired())

    def expire_tokens(self) -> None:
        self._announce_expired(self._listen_keys.expire_all())
        for socket in self._sockets:
            for number in list(socket.state["subscriptions"]):
                self._terminate(socket, number)

    def _announce_expired(self, keys: Sequence[str]) -> None:
        """Their streams are told, stay open, and hear nothing more."""
        for key in keys:
            for socket in self._sockets:
                if socket.state.get("listen_key") == key:
                    event = {"e": "listenKeyExpired", "E": self._timeline.now_ms(), "listenKey": key}
                    socket.push(_text(event))

    def event(self, event: AccountEvent) -> None:
        now_ms = self._timeline.now_ms()
        match event:
            case OrderEvent():
                self._order_event(event, now_ms)
            case BalanceEvent(kind=MarketKind.SPOT):
                self._tell_spot(event.account, texts.account_position(event, now_ms))
            case BalanceEvent():
                reason = REASONS.get(event.cause, "ORDER")
                told = event
                if event.cause is Cause.FUNDING:  # positions come along where they pay from a margin of their own
                    told = msgspec.structs.replace(event, positions=tuple(p for p in event.positions if p.is_isolated))
                natives = [self._markets[view.key].native for view in told.positions]
                self._tell_linear(event.account, texts.account_update(told, natives, reason, now_ms))
            case SettingEvent():
                setting = {"s": self._markets[event.key].native, "l": int(event.leverage)}
                content = {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "T": event.ms, "ac": setting}
                self._tell_linear(event.account, content)
            case MarginCallEvent():
                view = event.position
                self._tell_linear(view.account, texts.margin_call(view, self._markets[view.key].native, now_ms))

    def _order_event(self, event: OrderEvent, now_ms: int) -> None:
        order, market = event.order, self._markets[event.order.key]
        if order.kind is MarketKind.SPOT:
            self._reports += 1
            if event.change is OrderChange.FILL:
                self._counts[MarketKind.SPOT].give_back(order.account, now_ms)
            self._tell_spot(order.account, texts.execution_report(market, event, now_ms, self._reports))
            return
        if order.trigger is not None:
            self._tell_linear(order.account, texts.algo_update(market, event, now_ms))
            return
        if event.fill is not None:
            self._tell_linear(order.account, texts.trade_lite(market, event, now_ms))
        working = self._accounts.working(order.account, order.key)
        content = texts.order_trade_update(market, event, now_ms, (working.buys, working.sells))
        self._tell_linear(order.account, content)

    def _tell_spot(self, account: int, content: dict[str, Any]) -> None:
        for socket in self._sockets:
            for number, owner in socket.state["subscriptions"].items():
                if owner == account:
                    socket.deliver_private(_text({"subscriptionId": number, "event": content}))

    def _tell_linear(self, account: int, content: dict[str, Any]) -> None:
        for socket in self._sockets:
            if self._listen_keys.account_of(socket.state.get("listen_key", "")) != account:
                continue
            events: frozenset[str] = socket.state["events"]
            if not events or content["e"] in events:
                socket.deliver_private(_text(content))


def _failure(request_id: Any, error: PageError) -> str:
    return _text({"id": request_id, "status": error.status, "error": {"code": error.code, "msg": str(error)}})


def _text(content: Any) -> str:
    return msgspec.json.encode(content).decode()
