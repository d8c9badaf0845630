"""The embedded exchange's Kraken front: spot's WebSocket v2, the derivatives' v1, and the public pages of both.

Frames and rules: ../shared/exchanges/kraken.md §3 to §6 and §8.3. ``spot`` and ``futures`` hold the two protocols,
``pages`` the REST API, ``private`` what needs keys. Channels ``ohlc`` and ``level3`` are not played.

URL map: wss://ws.kraken.com/v2 is ws://127.0.0.1:PORT/v2, wss://futures.kraken.com/ws/v1 is ws://127.0.0.1:PORT/ws/v1,
https://api.kraken.com and https://futures.kraken.com are http://127.0.0.1:PORT.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Call, Door, Front, Page, Reply, Socket, World, json_reply
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.kraken.futures import FuturesStreams
from jackbot_tui.sim.kraken.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.kraken.pages import FUTURES_BASE, Pages
from jackbot_tui.sim.kraken.private import AUTH_PATH, AUTH_ROLE, KrakenPrivate
from jackbot_tui.sim.kraken.spot import SpotStreams
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.past import PastBooks
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import FeeCurrency, Terms

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SPOT_PATH = "/v2"
FUTURES_PATH = "/ws/v1"

LIMITS = Limits(
    # 150 connections in 10 minutes; silence is ended after a minute; the rate of messages is not published: ours
    spot_socket=SocketLimits(messages_per_s=50, connections_per_5min=75, idle_s=60.0, pushes_count=True),
    # 100 requests a second; a ping at least every 60 s
    linear_socket=SocketLimits(messages_per_s=100, idle_s=60.0),
    spot_weight=10,  # about one request a second
    linear_weight=500,
    window_ms=10_000,
    refusals_before_ban=1_000_000,  # lock-outs are not published
)


class KrakenFront(Front):
    """Feeds and pages of all listed markets."""

    VENUE = "kraken"
    LIMITS = LIMITS
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS: ClassVar[Terms] = Terms(fee_currency=FeeCurrency.QUOTE)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._spot = SpotStreams(self, self.markets[SPOT])
        self._private = KrakenPrivate(
            self.accounts, self.markets, self.timeline, self.faults, self._admit_futures, self._spot.opened,
            max(1, world.limits.spot_weight // LIMITS.spot_weight), world.seed,
        )  # fmt: skip
        self._futures = FuturesStreams(self, self.markets[LINEAR], self._private.takes)
        self._past = PastBooks()
        self._pages = Pages(self, self._futures, self._past)

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        return {
            "spot.public": ws + SPOT_PATH,
            "spot.rest": http,
            "linear.public": ws + FUTURES_PATH,
            "linear.rest": http,
        }

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        """By ccxt's name of the exchange: spot and derivatives are two of them, whose URLs have the same names."""
        futures = f"{http}{FUTURES_BASE.removesuffix('v3')}"
        sockets = {"private": f"{ws}/auth", "privateV2": ws + AUTH_PATH, "publicV2": ws + SPOT_PATH, "public": ws}
        return {
            "kraken": {"public": http, "private": http, "ws": sockets},
            "krakenfutures": {
                "public": futures, "private": futures, "history": f"{http}/api/history/", "ws": ws + FUTURES_PATH,
            },
        }  # fmt: skip

    def doors(self) -> Sequence[Door]:
        return [Door(SPOT_PATH, SPOT), Door(FUTURES_PATH, LINEAR), *self._private.doors()]

    def pages(self) -> Sequence[Page]:
        return [*self._pages.all(), *self._private.pages()]

    def _admit_futures(self, cost: int) -> bool:
        return self._pages.admit(LINEAR, cost)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        if socket.door.role == AUTH_ROLE:
            self._private.opened(socket)
        elif socket.door.market is SPOT:
            self._spot.opened(socket)
        else:
            self._private.opened(socket)
            self._futures.opened(socket)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        if socket.door.role == AUTH_ROLE:
            self._private.received(socket, message)
            self.publish_accounts()
        else:
            (self._spot if socket.door.market is SPOT else self._futures).received(socket, message)

    def dress(self, socket: Socket, topic: Topic, frame: str | bytes) -> str | bytes:
        if topic.market is SPOT:
            self._spot.note_sent(socket)
        return frame

    def too_many_messages(self, socket: Socket) -> None:
        """Told on spot, where clients are to wait and not to repeat all; cut off on derivatives."""
        if socket.door.market is SPOT:
            self._spot.refuse_rate(socket)
        else:
            super().too_many_messages(socket)

    def announce_shutdown(self, socket: Socket) -> bool:
        """Spot's status channel tells of maintenance; derivatives have no such word."""
        if socket.door.market is not SPOT:
            return False
        self._spot.tell_status(socket, "maintenance")
        return True

    # --- the market's beat ---------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        super().beat(elapsed_ms)
        self._spot.beat(elapsed_ms)
        self._futures.beat(elapsed_ms)
        if self.faults.chance(Chance.STALE_SNAPSHOT):
            self._past.remember((*self.markets[SPOT].values(), *self.markets[LINEAR].values()), elapsed_ms)

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        (self._spot if market.kind is SPOT else self._futures).publish(market, elapsed_ms)

    def publish_books(self) -> None:
        self._spot.publish_books()
        self._futures.publish_books()

    # --- accounts ------------------------------------------------------------------------------------------------

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def expire_tokens(self) -> None:
        self._private.expire_tokens()

    def lost_in_between(self) -> Reply:
        """What stands in front of both APIs answers when they are too slow to."""
        return Reply(b"<html><title>504 Gateway Time-out</title></html>", 504, content_type="text/html")

    # --- REST ----------------------------------------------------------------------------------------------------

    def overloaded(self) -> Reply:
        return json_reply({"error": ["EService:Unavailable"]}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return json_reply({"error": ["EAPI:Rate limit exceeded"]}, 429, {"Retry-After": str(retry_after_s)})

    def stale(self, call: Call) -> Reply | None:
        return self._pages.stale(call)


VENUE_FRONT = KrakenFront
