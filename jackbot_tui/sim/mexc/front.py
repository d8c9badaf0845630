"""The embedded exchange's MEXC front: a spot socket, a perpetuals' socket, and the public pages a client starts with.

``spot`` and ``contracts`` play the sockets, ``pages`` the REST API; this module puts them together. Limits:
../shared/exchanges/mexc.md §3 and §9; messages a second on the perpetuals' socket are not documented, the figure is
ours. The venue has no notice of a shutdown.

URL map: wss://wbs-api.mexc.com/ws is ws://127.0.0.1:PORT/ws, wss://contract.mexc.com/edge is ws://127.0.0.1:PORT/edge,
https://api.mexc.com is http://127.0.0.1:PORT.
"""

import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.front import CLOSE_NORMAL, Call, Door, Front, Page, Reply, Socket, World, json_reply
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.mexc.contracts import ContractStreams
from jackbot_tui.sim.mexc.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.mexc.pages import SPOT_WINDOW_MS, ContractPages, SpotPages
from jackbot_tui.sim.mexc.private import MexcPrivate
from jackbot_tui.sim.mexc.spot import SpotStreams
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms

SPOT_PATH, LINEAR_PATH = "/ws", "/edge"
UNSUBSCRIBED_LIFE_MS = 30_000
"""A spot connection that has no subscription by then is closed."""

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR


class MexcFront(Front):
    """Feeds and pages of all listed markets."""

    VENUE = "mexc"
    LIMITS = Limits(
        spot_socket=SocketLimits(messages_per_s=100, idle_s=60.0, pushes_count=True, streams=30),
        linear_socket=SocketLimits(messages_per_s=100, idle_s=60.0),
        spot_weight=500,
        linear_weight=20,
        window_ms=SPOT_WINDOW_MS,
    )
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS = Terms(refuses_post_only=False, trigger_keeps_id=frozenset())

    def __init__(self, world: World) -> None:
        super().__init__(world)
        spot, linear = self.markets[SPOT], self.markets[LINEAR]
        self._private = MexcPrivate(self)
        self._spot = SpotStreams(self, spot, self._private.join, self._private.leave)
        self._contracts = ContractStreams(self, linear)
        self._spot_pages = SpotPages(self, spot, self._spot.publish_book)
        self._contract_pages = ContractPages(self, linear, self._contracts)
        self._newcomers: deque[tuple[int, weakref.ref[Socket]]] = deque()

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        return {
            "spot.public": ws + SPOT_PATH,
            "spot.rest": http,
            "linear.public": ws + LINEAR_PATH,
            "linear.rest": http,
        }

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        contract = {"public": f"{http}/api/v1/contract", "private": f"{http}/api/v1/private"}
        return {
            "spot": dict.fromkeys(("public", "private"), http),
            "contract": contract,
            "ws": {"spot": ws + SPOT_PATH, "swap": ws + LINEAR_PATH},
        }

    def doors(self) -> Sequence[Door]:
        return [Door(SPOT_PATH, SPOT), Door(LINEAR_PATH, LINEAR)]

    def pages(self) -> Sequence[Page]:
        return [*self._spot_pages.pages(), *self._contract_pages.pages(), *self._private.pages()]

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def expire_tokens(self) -> None:
        self._private.expire_tokens()

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        if socket.door.market is SPOT:
            due_ms = self.timeline.elapsed_ns // 1_000_000 + UNSUBSCRIBED_LIFE_MS
            self._newcomers.append((due_ms, weakref.ref(socket)))
        self._private.opened(socket)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        if socket.door.market is SPOT:
            self._spot.received(socket, message)
        elif not self._private.received(socket, message):
            self._contracts.received(socket, message)

    # --- what is published ---------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        super().beat(elapsed_ms)
        while self._newcomers and self._newcomers[0][0] <= elapsed_ms:
            socket = self._newcomers.popleft()[1]()
            if socket is not None and not socket.topics and not socket.state.get("private"):
                socket.end(CLOSE_NORMAL, "no subscription")

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        if market.kind is SPOT:
            self._spot.publish(market, elapsed_ms)
        else:
            self._contracts.publish(market, elapsed_ms)

    def publish_books(self) -> None:
        for market in self.markets[SPOT].values():
            self._spot.publish_book(market)
        for market in self.markets[LINEAR].values():
            self._contracts.publish_book(market)

    # --- faults --------------------------------------------------------------------------------------------------

    def overloaded(self) -> Reply:
        return json_reply({"code": 500, "msg": "Internal error", "success": False, "message": "Internal error"}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        words = "Too many requests"
        body = {"code": 429, "msg": words, "success": False, "message": words}
        return json_reply(body, 429, {"Retry-After": str(retry_after_s)})

    def stale(self, call: Call) -> Reply | None:
        return self._spot_pages.stale(call) or self._contract_pages.stale(call)


VENUE_FRONT = MexcFront
