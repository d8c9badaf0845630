"""The embedded exchange's Binance front: one loopback port, HTTP and WebSocket, spot and USD-M.

Owned by ``sim.exchange``, which calls ``pump`` after each step of the market. It holds no trading rule: engines
decide, feeds write the texts, ``rest`` the pages, ``sockets`` the streams; this module ties them to paths and applies
the faults.

URL map (production on the left; any ``/ws`` also takes a trailing ``/<number>``, which ccxt appends):

====================================  ====================================================
wss://stream.binance.com:9443         ws://127.0.0.1:PORT/stream-spot    + /ws, /ws/NAMES, /stream?streams=NAMES
wss://fstream.binance.com/public      ws://127.0.0.1:PORT/fut/public     + the same wss://fstream.binance.com/market
ws://127.0.0.1:PORT/fut/market     + the same wss://fstream.binance.com             ws://127.0.0.1:PORT/fut
+ the same; delivers ``/public`` streams only https://api.binance.com               http://127.0.0.1:PORT
+ /api/v3/... https://fapi.binance.com              http://127.0.0.1:PORT              + /fapi/v1/...
====================================  ====================================================

The spot prefix contains ``/stream`` because ccxt takes a socket for spot when its URL does (binance.md §12).
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.binance.feed import MarketFeed
from jackbot_tui.sim.binance.hub import Hub
from jackbot_tui.sim.binance.limits import Limits, Verdict, WeightLimiter
from jackbot_tui.sim.binance.rest import PageError, RestPages
from jackbot_tui.sim.binance.sockets import CLOSE_GOING_AWAY, CUT_OFF, RequestError, StreamSocket
from jackbot_tui.sim.binance.streams import Route, Stream
from jackbot_tui.sim.faults import Chance, EventKind, FaultEvent, Faults
from jackbot_tui.sim.flow import Flow
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.marks import MarkPrices
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import UpdateIds
from jackbot_tui.sim.timeline import Timeline

HOST = "127.0.0.1"
PREFIXES = {
    Route.SPOT: "/stream-spot",
    Route.PUBLIC: "/fut/public",
    Route.MARKET: "/fut/market",
    Route.LEGACY: "/fut",
}
CONNECTION_WINDOW_S = 300.0
OTHER_SYMBOLS = 6  # mean number of ids that other symbols of a USD-M engine take between two of ours
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoints(Struct, frozen=True):
    """Base URLs in place of production's; append ``/ws``, ``/stream``, ``/api/v3/...`` or ``/fapi/v1/...``."""

    spot_ws: str
    linear_public_ws: str
    linear_market_ws: str
    spot_rest: str
    linear_rest: str

    @classmethod
    def at(cls, port: int) -> "Endpoints":
        ws, http = f"ws://{HOST}:{port}", f"http://{HOST}:{port}"
        return cls(ws + PREFIXES[Route.SPOT], ws + PREFIXES[Route.PUBLIC], ws + PREFIXES[Route.MARKET], http, http)

    def overrides(self) -> dict[str, str]:
        """The same by the names under which a venue's codec takes them (``venues.base.with_endpoints``)."""
        return {
            "spot.public": self.spot_ws,
            "spot.rest": self.spot_rest,
            "linear.public": self.linear_public_ws,
            "linear.market": self.linear_market_ws,
            "linear.rest": self.linear_rest,
        }


class SharedUpdateIds(UpdateIds):
    """Update ids of a USD-M engine, shared by all its symbols: those not listed here make them jump."""

    __slots__ = ("_random",)

    def __init__(self, start: int, seed: int) -> None:
        super().__init__(start)
        self._random = random.Random(f"{seed}:update-ids")

    def take(self) -> int:
        self.last += 1 + int(self._random.expovariate(1 / OTHER_SYMBOLS))
        return self.last


class BinanceGateway:
    """Feeds, pages and sockets of all listed markets."""

    def __init__(
        self,
        listings: Sequence[Listing],
        engines: dict[str, MatchingEngine],
        flow: Flow,
        timeline: Timeline,
        faults: Faults,
        limits: Limits,
    ) -> None:
        self.limits = limits
        self.sockets: list[StreamSocket] = []
        self._flow = flow
        self._timeline = timeline
        self._faults = faults
        self._hub = Hub()
        self._runner: web.AppRunner | None = None
        self._shutdown_at_ns: list[int] = []
        self._feeds: dict[MarketKind, dict[str, MarketFeed]] = {kind: {} for kind in MarketKind}
        self._by_key: dict[str, MarketFeed] = {}
        for number, listing in enumerate(listings):
            instrument = listing.instrument
            marks = None
            if instrument.funding_interval_h:
                marks = MarkPrices(timeline.now_ms(), instrument.funding_interval_h, float(listing.opening))
            feed = MarketFeed(listing, engines[listing.key], self._hub, timeline, marks, number)
            self._feeds[instrument.kind][instrument.native] = self._by_key[listing.key] = feed
        self._pages = {kind: RestPages(kind, self._feeds[kind], timeline, limits) for kind in MarketKind}
        for pages in self._pages.values():
            pages.remember_opening()
        self._weights: dict[MarketKind, WeightLimiter] = {
            kind: WeightLimiter(limits.weight(kind), limits.refusals_before_ban, limits.ban_s) for kind in MarketKind
        }
        self._handshakes: dict[MarketKind, deque[float]] = {kind: deque() for kind in MarketKind}
        faults.on_event = self._on_fault

    def feed(self, key: str) -> MarketFeed:
        """The feed of an instrument by its key; KeyError when it is not listed."""
        return self._by_key[key]

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self, port: int) -> int:
        """Listen on loopback; returns the port bound. OSError when it is taken."""
        app = web.Application()
        for route, prefix in PREFIXES.items():
            app.router.add_get(f"{prefix}/ws", self._socket(route, combined=False))
            app.router.add_get(f"{prefix}/ws/{{names:.*}}", self._socket(route, combined=False))
            app.router.add_get(f"{prefix}/stream", self._socket(route, combined=True))
        for kind, pages in self._pages.items():
            for path in pages.pages:
                app.router.add_get(path, self._page(kind, pages))
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

    # --- the market's beat ---------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Publish what happened until now on the simulated timeline. Steps must not be longer than ``FLUSH_MS``."""
        elapsed_ns = self._timeline.elapsed_ns
        self._faults.advance(elapsed_ns)
        self._timeline.skew_ns = self._faults.skew_ns
        while self._shutdown_at_ns and self._shutdown_at_ns[0] <= elapsed_ns:
            self._shutdown_at_ns.pop(0)
            self._end(CLOSE_GOING_AWAY, "server shutdown", Route.SPOT)
        elapsed_ms = elapsed_ns // 1_000_000
        prices = self._flow.prices
        for feeds in self._feeds.values():
            for feed in feeds.values():
                index = prices.spot(feed.listing.instrument.base) * float(feed.listing.opening)
                feed.flush(elapsed_ms, index)

    async def drained(self) -> None:
        """Wait until all frames published so far were handed to the transport."""
        for socket in list(self.sockets):
            await socket.drained()

    # --- faults --------------------------------------------------------------------------------------------------

    def _on_fault(self, event: FaultEvent) -> None:
        match event.kind:
            case EventKind.CLOSE:
                self._end(event.argument, "closed by fault")
            case EventKind.HALF_OPEN:
                for socket in self.sockets:
                    socket.mute()
            case EventKind.SHUTDOWN:
                now_ms = self._timeline.now_ms()
                for socket in self.sockets:
                    if socket.route is Route.SPOT:
                        notice = f'{{"e":"serverShutdown","E":{now_ms}}}'
                        socket.push(f'{{"stream":"!serverShutdown","data":{notice}}}' if socket.combined else notice)
                self._shutdown_at_ns.append(self._timeline.elapsed_ns + event.argument)
                self._shutdown_at_ns.sort()
            case EventKind.GAP:
                pass  # strikes frame by frame, in FrameFaults

    def _end(self, code: int, reason: str, route: Route | None = None) -> None:
        for socket in list(self.sockets):
            if route is None or socket.route is route:
                socket.end(code, reason)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def _prepare(self, route: Route, stream: Stream) -> bool:
        feed = self._feeds[route.kind].get(stream.native)
        if feed is not None:
            feed.prepare(stream)
        return feed is not None

    def _socket(self, route: Route, *, combined: bool) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if self._faults.strikes(Chance.REFUSE):
                return web.Response(status=503, text="Service Unavailable")
            if not self._admit_handshake(route):
                return web.Response(status=429, text="Too Many Requests", headers={"Retry-After": "60"})
            connection = web.WebSocketResponse(autoping=False, autoclose=False, compress=False)
            await connection.prepare(request)
            limits = self.limits.socket(route.kind)
            socket = StreamSocket(
                connection, request, route, self._hub, limits, self._faults, self._prepare, combined=combined
            )
            self.sockets.append(socket)
            try:
                for name in _names_in(request, combined=combined):
                    socket.subscribe(name)
                await socket.serve()
            except RequestError as error:
                await connection.close(code=1008, message=str(error).encode())
            finally:
                self.sockets.remove(socket)
            return connection

        return serve

    def _admit_handshake(self, route: Route) -> bool:
        now = asyncio.get_running_loop().time()
        times = self._handshakes[route.kind]
        while times and times[0] < now - CONNECTION_WINDOW_S:
            times.popleft()
        if len(times) >= self.limits.socket(route.kind).connections_per_5min:
            return False
        times.append(now)
        return True

    # --- REST ----------------------------------------------------------------------------------------------------

    def _page(self, kind: MarketKind, pages: RestPages) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if self._faults.slow_rest_ns:
                await asyncio.sleep(self._faults.slow_rest_ns / 1e9)
            if self._faults.strikes(Chance.REST_5XX):
                return _reply(503, b'{"code":-1008,"msg":"Server is currently overloaded with other requests."}', {})
            refusal = self._refusal(kind, pages, request)
            if refusal is not None:
                return refusal
            headers = self._used(kind)
            try:
                if pages.is_depth(request.path) and self._faults.strikes(Chance.STALE_SNAPSHOT):
                    return _reply(200, pages.stale_depth(request.query), headers)
                return _reply(200, pages.answer(request.path, request.query), headers)
            except PageError as error:
                return _reply(error.status, error.body, headers)

        return serve

    def _refusal(self, kind: MarketKind, pages: RestPages, request: web.Request) -> web.Response | None:
        limiter = self._weights[kind]
        now_ms = self._timeline.now_ms()
        if self._faults.strikes(Chance.REST_429):
            return _too_many(Verdict.TOO_MANY, limiter, retry_after_s=1, headers=self._used(kind))
        verdict = limiter.admit(pages.pages[request.path].weight(request.query), now_ms)
        if verdict is Verdict.ALLOWED:
            return None
        return _too_many(verdict, limiter, limiter.retry_after_s(now_ms), self._used(kind))

    def _used(self, kind: MarketKind) -> dict[str, str]:
        used = str(self._weights[kind].used)
        headers = {"X-MBX-USED-WEIGHT-1M": used}
        if kind is MarketKind.SPOT:
            headers["X-MBX-USED-WEIGHT"] = used
        return headers


def _names_in(request: web.Request, *, combined: bool) -> list[str]:
    """Stream names in the URL; a number alone is only ccxt's mark of the connection."""
    text = request.query.get("streams", "") if combined else request.match_info.get("names", "")
    return [name for name in text.split("/") if name and not name.isdigit()]


def _too_many(verdict: Verdict, limiter: WeightLimiter, retry_after_s: int, headers: dict[str, str]) -> web.Response:
    if verdict is Verdict.BANNED:
        message = f"Way too much request weight used; IP banned until {limiter.banned_until_ms}."
    else:
        message = f"Too much request weight used; current limit is {limiter.limit} request weight per 1 MINUTE."
    body = f'{{"code":-1003,"msg":"{message} Please use WebSocket Streams for live updates to avoid bans."}}'
    return _reply(int(verdict), body.encode(), headers | {"Retry-After": str(retry_after_s)})


def _reply(status: int, body: bytes, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, body=body, headers=headers, content_type="application/json")
