"""A gateway: one loopback port, HTTP and WebSocket, in front of the embedded exchange. One server for all venues.

Owned by ``sim.exchange``, which calls ``pump`` after each step of the market. It knows no protocol: the venue's front
says which paths there are and what is answered; this module moves bytes, counts handshakes and applies the faults.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from jackbot_tui.sim.faults import Chance, EventKind, FaultEvent, Faults
from jackbot_tui.sim.front import CLOSE_GOING_AWAY, CUT_OFF, Call, Door, Front, Page, Reply, RequestRefused
from jackbot_tui.sim.sockets import ClientSocket
from jackbot_tui.sim.timeline import Timeline

HOST = "127.0.0.1"
CONNECTION_WINDOW_S = 300.0
LATE_ANSWER_S = 0.4
_LOG = logging.getLogger("aiohttp.server")
LIMIT_STATUSES = (418, 429)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gateway:
    """Serves ``front``. ``sockets`` are the open connections."""

    def __init__(self, front: Front, timeline: Timeline, faults: Faults) -> None:
        self.front = front
        self.sockets: list[ClientSocket] = []
        self._timeline = timeline
        self._faults = faults
        self._runner: web.AppRunner | None = None
        self._shutdown_at_ns: list[int] = []
        self._handshakes: dict[str, deque[float]] = {}
        faults.on_event = self._on_fault

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self, port: int) -> int:
        """Listen on loopback; returns the port bound. OSError when it is taken."""
        _LOG.addFilter(_concerns_us)
        app = web.Application()
        for door in self.front.doors():
            app.router.add_get(door.path, self._socket(door))
        for page in self.front.pages():
            app.router.add_route(page.method, page.path, self._page(page))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Cut all connections and stop listening."""
        for socket in list(self.sockets):
            socket.end(CUT_OFF, "exchange stops")
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def endpoints(self, port: int) -> dict[str, str]:
        """URLs in place of production's, by the names under which a venue's codec takes them."""
        return self.front.endpoints(f"ws://{HOST}:{port}", f"http://{HOST}:{port}")

    def ccxt_urls(self, port: int) -> dict[str, Any]:
        """The same for ccxt, which names them otherwise."""
        return self.front.ccxt_urls(f"ws://{HOST}:{port}", f"http://{HOST}:{port}")

    # --- the market's beat ---------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Publish what happened until now on the simulated timeline. Steps must not be longer than ``FLUSH_MS``."""
        elapsed_ns = self._timeline.elapsed_ns
        self._faults.advance(elapsed_ns)
        self._timeline.skew_ns = self._faults.skew_ns
        while self._shutdown_at_ns and self._shutdown_at_ns[0] <= elapsed_ns:
            self._shutdown_at_ns.pop(0)
            for socket in list(self.sockets):
                if socket.state.pop("shutting_down", False):
                    socket.end(CLOSE_GOING_AWAY, "server shutdown")
        self.front.beat(elapsed_ns // 1_000_000)
        self.front.publish_accounts()

    async def drained(self) -> None:
        """Wait until all frames published so far were handed to the transport."""
        for socket in list(self.sockets):
            await socket.drained()

    # --- faults --------------------------------------------------------------------------------------------------

    def _on_fault(self, event: FaultEvent) -> None:
        match event.kind:
            case EventKind.CLOSE:
                for socket in list(self.sockets):
                    socket.end(event.argument, "closed by fault")
            case EventKind.HALF_OPEN:
                for socket in self.sockets:
                    socket.mute()
            case EventKind.SHUTDOWN:
                for socket in self.sockets:
                    socket.state["shutting_down"] = self.front.announce_shutdown(socket)
                self._shutdown_at_ns.append(self._timeline.elapsed_ns + event.argument)
                self._shutdown_at_ns.sort()
            case EventKind.MAINTENANCE:
                for socket in list(self.sockets):
                    socket.end(CLOSE_GOING_AWAY, "maintenance")
            case EventKind.EXPIRE_TOKENS:
                self.front.expire_tokens()
            case EventKind.GAP | EventKind.SILENCE | EventKind.PRIVATE_SILENCE:
                pass  # strikes frame by frame

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def _socket(self, door: Door) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if self._faults.strikes(Chance.REFUSE) or self._faults.under_maintenance:
                return web.Response(status=503, text="Service Unavailable")
            if not self._admit_handshake(door):
                self.front.over_limit["handshakes"] += 1
                return web.Response(status=429, text="Too Many Requests", headers={"Retry-After": "60"})
            call = await _call(request)
            try:
                self.front.admit(door, call)
            except RequestRefused as refused:
                return _response(refused.reply)
            connection = web.WebSocketResponse(autoping=False, autoclose=False, compress=False, max_msg_size=0)
            await connection.prepare(request)
            socket = ClientSocket(connection, request, door, call, self.front, self._faults)
            self.sockets.append(socket)
            try:
                self.front.opened(socket)
                await socket.serve()
            finally:
                self.sockets.remove(socket)
                self.front.closed(socket)
            return connection

        return serve

    def _admit_handshake(self, door: Door) -> bool:
        now = asyncio.get_running_loop().time()
        times = self._handshakes.setdefault(door.market, deque())
        while times and times[0] < now - CONNECTION_WINDOW_S:
            times.popleft()
        if len(times) >= self.front.socket_limits(door).connections_per_5min:
            return False
        times.append(now)
        return True

    # --- REST ----------------------------------------------------------------------------------------------------

    def _page(self, page: Page) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            faults, front = self._faults, self.front
            if faults.slow_rest_ns:
                await asyncio.sleep(faults.slow_rest_ns / 1e9)
            if faults.strikes(Chance.REST_5XX) or faults.under_maintenance:
                return _response(front.overloaded())
            if faults.strikes(Chance.REST_429):
                return _response(front.too_many_requests(1))
            call = await _call(request)
            try:
                stale = front.stale(call) if faults.chance(Chance.STALE_SNAPSHOT) else None
                if stale is not None and faults.strikes(Chance.STALE_SNAPSHOT):
                    return _response(stale)
                reply = page.answer(call)
            except RequestRefused as refused:
                front.over_limit["requests"] += refused.reply.status in LIMIT_STATUSES
                return _response(refused.reply)
            front.over_limit["requests"] += reply.status in LIMIT_STATUSES
            front.publish_accounts()
            if page.trades:
                reply = await self._returned(request, reply)
            return _response(reply)

        return serve

    async def _returned(self, request: web.Request, reply: Reply) -> Reply:
        """The answer to a trading request that has taken effect, as it reaches the client."""
        if self._faults.strikes(Chance.LOST_ANSWER) and request.transport is not None:
            request.transport.abort()
        if self._faults.strikes(Chance.LATE_ANSWER):
            await asyncio.sleep(LATE_ANSWER_S)
        return self.front.lost_in_between() if self._faults.strikes(Chance.ACCEPTED_5XX) else reply


def _concerns_us(record: logging.LogRecord) -> bool:
    """A client that left before its answer is no fault of the server's, and no news."""
    return record.exc_info is None or not isinstance(record.exc_info[1], ConnectionError)


async def _call(request: web.Request) -> Call:
    body = await request.read() if request.can_read_body else b""
    raw_query = request.raw_path.partition("?")[2]
    return Call(request.method, request.path, request.query, request.match_info, request.headers, body, raw_query)


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers=dict(reply.headers), content_type=reply.content_type
    )
