"""One WebSocket of a gateway: limits, pings, faults, and the frames that go out.

Made by ``server`` for each connection and served until it ends. Frames wait in a bounded queue; a client that reads too
slowly is cut off, as an exchange does, and the market never waits for it. Pings and lifetime run on the loop's clock,
since they concern the connection and not the market. What messages mean is the front's business.
"""

import asyncio
import contextlib
from collections import deque
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from jackbot_tui.sim.faults import Faults
from jackbot_tui.sim.front import CLOSE_GOING_AWAY, CLOSE_NORMAL, CUT_OFF, Call, Door, Front
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.limits import MessageLimiter

FRAMES_WAITING = 4096
CLOSE_TIMEOUT_S = 1.0
MUTE_CHECK_S = 0.1


class ClientSocket:
    """Implements ``front.Socket``. ``front`` is told of every message."""

    def __init__(
        self,
        connection: web.WebSocketResponse,
        request: web.Request,
        door: Door,
        call: Call,
        front: Front,
        faults: Faults,
    ) -> None:
        self.door = door
        self.call = call
        self.state: dict[str, Any] = {}
        self.topics: dict[str, Topic] = {}
        self.muted = False
        self._connection = connection
        self._request = request
        self._front = front
        self._limits = front.socket_limits(door)
        self._faults = faults
        self._frame_faults = faults.connection()
        self._messages = MessageLimiter(self._limits.messages_per_s, self._limits.message_window_s)
        self._queue: deque[str | bytes] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._alive = asyncio.Event()
        self._ending: tuple[int, str] | None = None
        self._last_pong = self._last_heard = 0.0

    async def serve(self) -> None:
        """Run the connection until either side ends it."""
        self._last_pong = self._last_heard = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(self._send(), name="sim socket sender")
                watch = group.create_task(self._watch(), name="sim socket watch")
                asker = group.create_task(self._ask(), name="sim socket asker")
                await self._receive()
                for task in (sender, watch, asker):
                    task.cancel()
        finally:
            self._queue.clear()
            self._idle.set()
            for name in list(self.topics):
                self.unsubscribe(name)

    def subscribe(self, topic: Topic) -> None:
        self.topics[topic.name] = topic
        self._front.hub.add(topic, self)

    def unsubscribe(self, name: str) -> None:
        topic = self.topics.pop(name, None)
        if topic is not None:
            self._front.hub.remove(topic.market, name, self)

    # --- outwards ------------------------------------------------------------------------------------------------

    def deliver(self, topic: Topic, frame: str | bytes) -> None:
        """An event of the hub. Faults strike here, on data frames only."""
        if self._faults.silent:
            return
        frame = self._front.dress(self, topic, frame)
        if not self._faults.touches_frames and not self._frame_faults.holds:
            self.push(frame)
            return
        for altered in self._frame_faults.alter(topic.name, frame, is_depth=topic.is_book):
            self.push(altered)

    def deliver_private(self, frame: str | bytes) -> None:
        """An event of the client's own account. Lost for good while private streams are silent."""
        if not self._faults.private_silent:
            self.push(frame)

    def push(self, frame: str | bytes) -> None:
        if self.muted or self._ending is not None:
            return
        if len(self._queue) >= FRAMES_WAITING:
            self.end(CUT_OFF, "client too slow")  # a close frame would have to wait behind what it does not read
            return
        if self._limits.pushes_count:
            self._last_heard = asyncio.get_running_loop().time()
        self._queue.append(frame)
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

    def answered(self) -> None:
        self._alive.set()

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
                    frame = self._queue.popleft()
                    if isinstance(frame, str):
                        await self._connection.send_str(frame)
                    else:
                        await self._connection.send_bytes(frame)
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
        """Ping, cut off a client that does not pong or says nothing, and end the connection after its lifetime."""
        loop, limits = asyncio.get_running_loop(), self._limits
        ends_at = loop.time() + limits.lifetime_s
        next_ping = loop.time() + limits.ping_interval_s if limits.ping_interval_s else ends_at
        while True:
            idle_at = self._last_heard + limits.idle_s if limits.idle_s else ends_at
            await asyncio.sleep(max(0.0, min(next_ping, ends_at, idle_at) - loop.time()))
            now = loop.time()
            if now >= ends_at:
                self.end(CLOSE_GOING_AWAY, "connection lifetime reached")
                return
            if self.muted:
                await asyncio.sleep(ends_at - now)
                continue
            if limits.idle_s and now >= self._last_heard + limits.idle_s:
                self.end(CUT_OFF, "nothing heard from the client")
                return
            if now < next_ping:
                continue
            if now - self._last_pong > limits.pong_timeout_s:
                self.end(CUT_OFF, "no pong")
                return
            with contextlib.suppress(ConnectionError):  # the receiving side sees the end of it
                await self._connection.ping(str(int(now * 1000)).encode())
            next_ping = now + limits.ping_interval_s

    async def _ask(self) -> None:
        """Ask again and again whether the client is alive, where the venue does."""
        limits = self._limits
        while limits.asks_every_s and self._ending is None:
            self._alive.clear()
            self._front.ask_alive(self)
            try:
                async with asyncio.timeout(limits.answer_within_s):
                    await self._alive.wait()
            except TimeoutError:
                self.end(CLOSE_NORMAL, "no answer to the heartbeat")
                return
            await asyncio.sleep(limits.asks_every_s)

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
            self._last_heard = loop.time()
            if not self._messages.admit(loop.time()):
                self._front.over_limit["messages"] += 1
                self._front.too_many_messages(self)
                continue
            if message.type is WSMsgType.PONG:
                self._last_pong = loop.time()
            elif message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):  # the next receive sees the end of it
                    await self._connection.pong(message.data)
            else:
                self._front.received(self, message.data)

    async def _farewell(self, message: WSMessage) -> None:
        """Answer a close frame; a mute socket does not, and stays until the client gives up on it."""
        if message.type is not WSMsgType.CLOSE:
            return
        while self.muted and self._is_connected():  # noqa: ASYNC110 (a transport has no event for its end)
            await asyncio.sleep(MUTE_CHECK_S)
        if not self.muted:
            await self._close(message.data or CLOSE_NORMAL, "")
