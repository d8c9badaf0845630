"""The embedded exchange's Binance front: spot and USD-M, streams and pages.

Feeds write the texts, ``rest`` the pages; this module ties them to paths, requests and limits.

URL map (production on the left; any ``/ws`` also takes a trailing ``/<number>``, which ccxt appends):

==================================  ==========================================================
wss://stream.binance.com:9443       ws://127.0.0.1:PORT/stream-spot  + /ws, /ws/NAMES, /stream
wss://fstream.binance.com/public    ws://127.0.0.1:PORT/fut/public   + the same
wss://fstream.binance.com/market    ws://127.0.0.1:PORT/fut/market   + the same
wss://fstream.binance.com           ws://127.0.0.1:PORT/fut          + the same; delivers ``/public`` streams only
https://api.binance.com             http://127.0.0.1:PORT            + /api/v3/...
https://fapi.binance.com            http://127.0.0.1:PORT            + /fapi/v1/...
==================================  ==========================================================

The spot prefix contains ``/stream`` because ccxt takes a socket for spot when its URL does (binance.md §12). A stream
name that is unknown, or lives on another route, is acknowledged and stays mute: that is what the exchange does.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.binance.feed import AGGREGATE_WINDOW_MS, MarketFeed
from jackbot_tui.sim.binance.limits import LIMITS
from jackbot_tui.sim.binance.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.binance.private import ROLES, BinancePrivate
from jackbot_tui.sim.binance.rest import PageError, RestPages
from jackbot_tui.sim.binance.streams import Route, delivers, parse_stream
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import (
    CLOSE_POLICY,
    Call,
    Door,
    Front,
    Page,
    Reply,
    RequestRefused,
    Socket,
    World,
    json_reply,
)
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.limits import SocketLimits, Verdict, WeightLimiter
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import UpdateIds
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms

PREFIXES = {
    Route.SPOT: "/stream-spot",
    Route.PUBLIC: "/fut/public",
    Route.MARKET: "/fut/market",
    Route.LEGACY: "/fut",
}
OTHER_SYMBOLS = 6  # mean number of ids that other symbols of a USD-M engine take between two of ours
SPOT_FIRST_UPDATE = 9_000_000_000
LINEAR_FIRST_UPDATE = 5_000_000_000_000
API_MESSAGES_PER_S = 1000
"""The WebSocket APIs count request weight and orders, not messages; this only bounds what a client can do to us."""

_METHODS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"


class SharedUpdateIds(UpdateIds):
    """Update ids of a USD-M engine, shared by all its symbols: those not listed here make them jump."""

    __slots__ = ("_random",)

    def __init__(self, start: int, seed: int) -> None:
        super().__init__(start)
        self._random = random.Random(f"{seed}:update-ids")

    def take(self) -> int:
        self.last += 1 + int(self._random.expovariate(1 / OTHER_SYMBOLS))
        return self.last


class RequestError(JackbotError):
    """A frame that Binance would answer with an error; ``code`` is Binance's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BinanceFront(Front):
    """Feeds, pages and streams of all listed markets."""

    VENUE = "binance"
    LIMITS = LIMITS
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    AGGREGATE_WINDOW_MS: ClassVar = {MarketKind.LINEAR: AGGREGATE_WINDOW_MS}
    TERMS: ClassVar[Terms] = Terms(trigger_keeps_id=frozenset({MarketKind.SPOT}))

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._feeds: dict[MarketKind, dict[str, MarketFeed]] = {
            kind: {native: MarketFeed(market, self.hub, self.timeline) for native, market in markets.items()}
            for kind, markets in self.markets.items()
        }
        limits = world.limits
        self._pages = {kind: RestPages(kind, self._feeds[kind], self.timeline, limits) for kind in MarketKind}
        for pages in self._pages.values():
            pages.remember_opening()
        self._weights = {
            kind: WeightLimiter(limits.weight(kind), limits.refusals_before_ban, limits.ban_s, limits.window_ms)
            for kind in MarketKind
        }
        self._private = BinancePrivate(
            self.accounts, self.markets, self.timeline, self.faults, self._admit_weight, self._used, limits, world.seed
        )

    @classmethod
    def update_ids(cls, listings: Sequence[Listing], seed: int) -> dict[str, UpdateIds]:
        """USD-M markets share their update ids, as they do at Binance."""
        shared = SharedUpdateIds(LINEAR_FIRST_UPDATE, seed)
        return {
            listing.key: shared if listing.instrument.kind is MarketKind.LINEAR else UpdateIds(SPOT_FIRST_UPDATE)
            for listing in listings
        }

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        return {
            "spot.public": ws + PREFIXES[Route.SPOT],
            "spot.rest": http,
            "linear.public": ws + PREFIXES[Route.PUBLIC],
            "linear.market": ws + PREFIXES[Route.MARKET],
            "linear.rest": http,
        }

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        spot = dict.fromkeys(("public", "private"), f"{http}/api/v3")
        linear = {
            f"fapi{side}{suffix}": f"{http}/fapi/{version}"
            for side in ("Public", "Private")
            for suffix, version in (("", "v1"), ("V2", "v2"), ("V3", "v3"))
        }
        api = {"spot": f"{ws}/ws-api/v3", "linear": f"{ws}/ws-fapi/v1"}
        streams = {
            "spot": f"{ws}{PREFIXES[Route.SPOT]}/ws",
            "linear": f"{ws}{PREFIXES[Route.LEGACY]}/ws",
            "ws-api": api,
        }
        return {**spot, **linear, "v1": f"{http}/api/v1", "sapi": f"{http}/sapi/v1", "ws": streams}

    def doors(self) -> Sequence[Door]:
        public = [
            Door(prefix + path, route.kind, route.value)
            for route, prefix in PREFIXES.items()
            for path in ("/ws", "/ws/{names:.*}", "/stream")
        ]
        return public + self._private.doors()

    def pages(self) -> Sequence[Page]:
        public = [
            Page("GET", path, self._page(kind, pages)) for kind, pages in self._pages.items() for path in pages.pages
        ]
        return public + self._private.pages()

    def beat(self, elapsed_ms: int) -> None:
        super().beat(elapsed_ms)
        self._private.beat()

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def expire_tokens(self) -> None:
        self._private.expire_tokens()

    def lost_in_between(self) -> Reply:
        text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        return json_reply({"code": -1007, "msg": text}, 503)

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        self._feeds[market.kind][market.native].flush(elapsed_ms)

    def publish_books(self) -> None:
        for feeds in self._feeds.values():
            for feed in feeds.values():
                feed.publish_books()

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def socket_limits(self, door: Door) -> SocketLimits:
        limits = super().socket_limits(door)
        return limits if door.role not in ROLES else replace(limits, messages_per_s=API_MESSAGES_PER_S)

    def admit(self, door: Door, call: Call) -> None:
        if door.role in ROLES:
            self._private.admit(door, call)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def opened(self, socket: Socket) -> None:
        if socket.door.role in ROLES:
            self._private.opened(socket)
            return
        combined = socket.state["combined"] = socket.call.path.endswith("/stream")
        socket.state["streams"] = {}
        text = socket.call.query.get("streams", "") if combined else socket.call.match.get("names", "")
        try:
            for name in text.split("/"):
                if name and not name.isdigit():  # a number alone is only ccxt's mark of the connection
                    self._subscribe(socket, name)
        except RequestError as error:
            socket.end(CLOSE_POLICY, str(error))

    def announce_shutdown(self, socket: Socket) -> bool:
        if socket.door.market is not MarketKind.SPOT:
            return False
        notice = f'{{"e":"serverShutdown","E":{self.timeline.now_ms()}}}'
        combined = socket.state.get("combined", False)
        socket.push(f'{{"stream":"!serverShutdown","data":{notice}}}' if combined else notice)
        return True

    def received(self, socket: Socket, message: str | bytes) -> None:
        if socket.door.role in ROLES:
            self._private.received(socket, message)
            self.publish_accounts()
            return
        request_id: Any = None
        try:
            request = _decode(message)
            request_id = _request_id(request)
            reply: dict[str, Any] = {"result": self._perform(socket, request), "id": request_id}
        except RequestError as error:
            reply = {"code": error.code, "msg": str(error)}
            if request_id is not None:
                reply["id"] = request_id
        if "result" in reply and self.faults.strikes(Chance.NOACK):
            return
        socket.push(msgspec.json.encode(reply).decode())

    def _perform(self, socket: Socket, request: dict[str, Any]) -> Any:
        method = request.get("method")
        if method is None:
            raise RequestError(2, "Invalid request: missing field `method`")
        params = request.get("params")
        match method:
            case "SUBSCRIBE":
                for name in _names(params):
                    self._subscribe(socket, name)
                return None
            case "UNSUBSCRIBE":
                for name in _names(params):
                    socket.state["streams"].pop(name, None)
                    socket.unsubscribe(name)
                return None
            case "LIST_SUBSCRIPTIONS":
                return list(socket.state["streams"])
            case "SET_PROPERTY" | "GET_PROPERTY":
                return _property(socket, method, params)
        raise RequestError(2, f"Invalid request: unknown variant `{method}`, expected one of {_METHODS}")

    def _subscribe(self, socket: Socket, name: str) -> None:
        """Take a stream name; one that is unknown, or lives on another route, is accepted and stays mute."""
        streams: dict[str, None] = socket.state["streams"]
        most = self.socket_limits(socket.door).streams
        if name not in streams and len(streams) >= most:
            raise RequestError(2, f"Invalid request: too many streams, at most {most} per connection")
        route = Route(socket.door.role)
        stream = parse_stream(name, route.kind)
        feed = None if stream is None else self._feeds[route.kind].get(stream.native)
        streams[name] = None
        if feed is not None and self.is_refused(feed.listing.instrument.symbol):
            return  # as one it does not know
        if stream is not None and feed is not None and delivers(route, stream):
            feed.prepare(stream)
            socket.subscribe(Topic(route.kind, name, stream.native, stream.kind.is_depth))

    def dress(self, socket: Socket, topic: Topic, frame: str | bytes) -> str | bytes:
        return f'{{"stream":"{topic.name}","data":{frame!s}}}' if socket.state["combined"] else frame

    # --- REST ----------------------------------------------------------------------------------------------------

    def overloaded(self) -> Reply:
        return json_reply({"code": -1008, "msg": "Server is currently overloaded with other requests."}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return self._too_many(Verdict.TOO_MANY, self._weights[MarketKind.SPOT], retry_after_s, {})

    def stale(self, call: Call) -> Reply | None:
        for pages in self._pages.values():
            if pages.is_depth(call.path) and call.path in pages.pages:
                try:
                    return Reply(pages.stale_depth(call.query))
                except PageError:
                    return None
        return None

    def _page(self, kind: MarketKind, pages: RestPages) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            self._count(kind, pages, call)
            try:
                return Reply(pages.answer(call.path, call.query), headers=self._used(kind))
            except PageError as error:
                return Reply(error.body, error.status, self._used(kind))

        return answer

    def _count(self, kind: MarketKind, pages: RestPages, call: Call) -> None:
        self._admit_weight(kind, pages.pages[call.path].weight(call.query))

    def _admit_weight(self, kind: MarketKind, weight: int) -> None:
        limiter, now_ms = self._weights[kind], self.timeline.now_ms()
        verdict = limiter.admit(weight, now_ms)
        if verdict is not Verdict.ALLOWED:
            raise RequestRefused(self._too_many(verdict, limiter, limiter.retry_after_s(now_ms), self._used(kind)))

    @staticmethod
    def _too_many(verdict: Verdict, limiter: WeightLimiter, retry_after_s: int, headers: dict[str, str]) -> Reply:
        if verdict is Verdict.BANNED:
            message = f"Way too much request weight used; IP banned until {limiter.banned_until_ms}."
        else:
            message = f"Too much request weight used; current limit is {limiter.limit} request weight per 1 MINUTE."
        content = {"code": -1003, "msg": f"{message} Please use WebSocket Streams for live updates to avoid bans."}
        return json_reply(content, int(verdict), headers | {"Retry-After": str(retry_after_s)})

    def _used(self, kind: MarketKind) -> dict[str, str]:
        used = str(self._weights[kind].used)
        headers = {"X-MBX-USED-WEIGHT-1M": used}
        if kind is MarketKind.SPOT:
            headers["X-MBX-USED-WEIGHT"] = used
        return headers


def _property(socket: Socket, method: str, params: Any) -> bool | None:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise RequestError(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise RequestError(0, "Unknown property")
    if method == "GET_PROPERTY":
        combined: bool = socket.state["combined"]
        return combined
    if len(params) != 2 or not isinstance(params[1], bool):
        raise RequestError(1, "Invalid value type: expected Boolean")
    socket.state["combined"] = params[1]
    return None


def _decode(message: str | bytes) -> dict[str, Any]:
    if not isinstance(message, str):
        raise RequestError(3, "Invalid JSON: expected a text frame")
    try:
        request = msgspec.json.decode(message)
    except msgspec.DecodeError as error:
        raise RequestError(3, f"Invalid JSON: {error}") from None
    if not isinstance(request, dict):
        raise RequestError(3, "Invalid JSON: expected an object")
    return request


def _request_id(request: dict[str, Any]) -> int | str | None:
    request_id = request.get("id")
    if request_id is None or (isinstance(request_id, int) and not isinstance(request_id, bool)):
        return request_id
    if isinstance(request_id, str) and len(request_id) <= 36:
        return request_id
    raise RequestError(2, "Invalid request: request ID must be an integer, a string of at most 36 characters, or null")


def _names(params: Any) -> list[str]:
    if not isinstance(params, list) or not params:
        raise RequestError(2, "Invalid request: params must be a list of stream names")
    for name in params:
        if not isinstance(name, str):
            raise RequestError(2, "Invalid request: stream name must be a string")
    return params


VENUE_FRONT = BinanceFront
