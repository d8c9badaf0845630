"""One public WebSocket of the gateway: subscriptions, limits, pings, and the frames that go out.

Made by ``gateway`` for each connection and served until it ends. Protocol and limits: ../shared/exchanges/binance.md
§3. Frames wait in a bounded queue; a client that reads too slowly is cut off, as the exchange does, and the market
never waits for it. Pings and lifetime run on the loop's clock, since they concern the connection and not the market.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.binance.hub import Hub
from jackbot_tui.sim.binance.limits import MessageLimiter, SocketLimits
from jackbot_tui.sim.binance.streams import Route, Stream, delivers, parse_stream
from jackbot_tui.sim.faults import Chance, Faults

FRAMES_WAITING = 4096
CLOSE_TIMEOUT_S = 1.0
MUTE_CHECK_S = 0.1
CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_POLICY = 1008
CUT_OFF = 1006  # not a code on the wire: the connection is dropped without a close frame
_METHODS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"


class RequestError(JackbotError):
    """A frame that Binance would answer with an error; ``code`` is Binance's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class StreamSocket:
    """``prepare`` is told of each delivered stream before the first frame, so that its feed starts to collect."""

    def __init__(
        self,
        connection: web.WebSocketResponse,
        request: web.Request,
        route: Route,
        hub: Hub,
        limits: SocketLimits,
        faults: Faults,
        prepare: Callable[[Route, Stream], bool],
        *,
        combined: bool,
    ) -> None:
        self.route = route
        self.combined = combined
        self.subscriptions: dict[str, None] = {}
        self.muted = False
        self._connection = connection
        self._request = request
        self._hub = hub
        self._limits = limits
        self._faults = faults
        self._frame_faults = faults.connection()
        self._prepare = prepare
        self._messages = MessageLimiter(limits.messages_per_s)
        self._queue: deque[str] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._ending: tuple[int, str] | None = None
        self._last_pong = 0.0

    async def serve(self) -> None:
        """Run the connection until either side ends it."""
        self._last_pong = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(self._send(), name="sim socket sender")
                watch = group.create_task(self._watch(), name="sim socket watch")
                await self._receive()
                sender.cancel()
                watch.cancel()
        finally:
            self._queue.clear()
            self._idle.set()
            for name in list(self.subscriptions):
                self._hub.remove(self.route.kind, name, self)

    # --- outwards ------------------------------------------------------------------------------------------------

    def deliver(self, stream: Stream, payload: str) -> None:
        """An event of the hub. Faults strike here, on data frames only."""
        text = f'{{"stream":"{stream.name}","data":{payload}}}' if self.combined else payload
        if not self._faults.touches_frames and not self._frame_faults.holds:
            self.push(text)
            return
        for altered in self._frame_faults.alter(stream.name, text, is_depth=stream.kind.is_depth):
            self.push(altered)

    def push(self, text: str) -> None:
        """Queue a frame."""
        if self.muted or self._ending is not None:
            return
        if len(self._queue) >= FRAMES_WAITING:
            self.end(CUT_OFF, "client too slow")  # a close frame would have to wait behind what it does not read
            return
        self._queue.append(text)
        self._idle.clear()
        self._wake.set()

    def end(self, code: int, reason: str) -> None:
        """Close the connection with ``code`` as soon as possible; 1006 drops it at once. Waiting frames are lost."""
        if self._ending is None:
            self._ending = (code, reason)
            self._queue.clear()
            self._idle.set()
            if code == CUT_OFF:
                self._abort()
            self._wake.set()

    def mute(self) -> None:
        """Half-open: stay connected, but say, hear and answer nothing more."""
        self.muted = True
        self._queue.clear()
        self._idle.set()

    async def drained(self) -> None:
        """Wait until every queued frame was handed to the transport."""
        await self._idle.wait()

    def _is_connected(self) -> bool:
        transport = self._request.transport
        return transport is not None and not transport.is_closing()

    def _abort(self) -> None:
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    async def _send(self) -> None:
        """Hand queued frames to the transport, all that one wake-up brings."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._ending is not None:
                code, reason = self._ending
                if code != CUT_OFF:
                    await self._close(code, reason)
                return
            try:
                while self._queue and self._ending is None:
                    await self._connection.send_str(self._queue.popleft())
            except ConnectionError:
                return
            if not self._queue:
                self._idle.set()

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._connection.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError):
            self._abort()

    async def _watch(self) -> None:
        """Ping, cut off a client that does not pong, and end the connection after its lifetime."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._limits.lifetime_s
        next_ping = loop.time() + self._limits.ping_interval_s
        while True:
            await asyncio.sleep(max(0.0, min(next_ping, ends_at) - loop.time()))
            now = loop.time()
            if now >= ends_at:
                self.end(CLOSE_GOING_AWAY, "connection lifetime reached")
                return
            if now < next_ping or self.muted:
                next_ping = max(next_ping, now + self._limits.ping_interval_s)
                continue
            if now - self._last_pong > self._limits.pong_timeout_s:
                self.end(CUT_OFF, "no pong")
                return
            with contextlib.suppress(ConnectionError):  # the receiving side sees the end of it
                await self._connection.ping(str(int(now * 1000)).encode())
            next_ping = now + self._limits.ping_interval_s

    # --- inwards -------------------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await self._connection.receive()
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                await self._farewell(message)
                return
            if self.muted:
                continue
            if not self._messages.admit(loop.time()):
                self.end(CLOSE_POLICY, "Too many requests")
                continue
            if message.type is WSMsgType.PONG:
                self._last_pong = loop.time()
            elif message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):  # the next receive sees the end of it
                    await self._connection.pong(message.data)
            else:
                self._request_frame(message)

    async def _farewell(self, message: WSMessage) -> None:
        """Answer a close frame; a mute socket does not, and stays until the client gives up on it."""
        if message.type is not WSMsgType.CLOSE:
            return
        while self.muted and self._is_connected():  # noqa: ASYNC110 (a transport has no event for its end)
            await asyncio.sleep(MUTE_CHECK_S)
        if not self.muted:
            await self._close(message.data or CLOSE_NORMAL, "")

    def _request_frame(self, message: WSMessage) -> None:
        request_id: Any = None
        try:
            request = _decode(message)
            request_id = _request_id(request)
            reply: dict[str, Any] = {"result": self._perform(request), "id": request_id}
        except RequestError as error:
            reply = {"code": error.code, "msg": str(error)}
            if request_id is not None:
                reply["id"] = request_id
        if "result" in reply and self._faults.strikes(Chance.NOACK):
            return
        self.push(msgspec.json.encode(reply).decode())

    def _perform(self, request: dict[str, Any]) -> Any:
        method = request.get("method")
        if method is None:
            raise RequestError(2, "Invalid request: missing field `method`")
        params = request.get("params")
        match method:
            case "SUBSCRIBE":
                for name in _names(params):
                    self.subscribe(name)
                return None
            case "UNSUBSCRIBE":
                for name in _names(params):
                    self.subscriptions.pop(name, None)
                    self._hub.remove(self.route.kind, name, self)
                return None
            case "LIST_SUBSCRIPTIONS":
                return list(self.subscriptions)
            case "SET_PROPERTY" | "GET_PROPERTY":
                return self._property(method, params)
        raise RequestError(2, f"Invalid request: unknown variant `{method}`, expected one of {_METHODS}")

    def subscribe(self, name: str) -> None:
        """Take a stream name; one that is unknown, or lives on another route, is accepted and stays mute."""
        if name not in self.subscriptions and len(self.subscriptions) >= self._limits.streams:
            raise RequestError(2, f"Invalid request: too many streams, at most {self._limits.streams} per connection")
        self.subscriptions[name] = None
        stream = parse_stream(name, self.route.kind)
        if stream is not None and delivers(self.route, stream) and self._prepare(self.route, stream):
            self._hub.add(self.route.kind, stream, self)

    def _property(self, method: str, params: Any) -> bool | None:
        if not isinstance(params, list) or not params or not isinstance(params[0], str):
            raise RequestError(2, "Invalid request: property name must be a string")
        if params[0] != "combined":
            raise RequestError(0, "Unknown property")
        if method == "GET_PROPERTY":
            return self.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise RequestError(1, "Invalid value type: expected Boolean")
        self.combined = params[1]
        return None


def _decode(message: WSMessage) -> dict[str, Any]:
    if message.type is not WSMsgType.TEXT:
        raise RequestError(3, "Invalid JSON: expected a text frame")
    try:
        request = msgspec.json.decode(message.data)
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
