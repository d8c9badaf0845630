"""Kraken's private side on the wire: signed pages mounted, the authenticated WebSocket, the derivatives' private feeds.

Part of ``front``, which hands it sockets and every event of accounts. Facts: ../shared/exchanges/kraken.md §7 to §9.

===================================  =============================================================
wss://ws-auth.kraken.com/v2          ws://127.0.0.1:PORT/auth/v2
wss://futures.kraken.com/ws/v1       ws://127.0.0.1:PORT/ws/v1    (the public feeds' sockets)
https://api.kraken.com/0/private     http://127.0.0.1:PORT/0/private
https://futures.kraken.com           http://127.0.0.1:PORT       /derivatives/api/v3, /api/history/v2
===================================  =============================================================
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.faults import Faults
from jackbot_tui.sim.front import Call, Door, Page, Reply, Socket, json_reply
from jackbot_tui.sim.kraken.futures import Request
from jackbot_tui.sim.kraken.private_auth import Authority, KrakenRefusal
from jackbot_tui.sim.kraken.private_futures import FuturesCall, FuturesPrivate
from jackbot_tui.sim.kraken.private_futures_feeds import FuturesAccountFeeds
from jackbot_tui.sim.kraken.private_ids import Names
from jackbot_tui.sim.kraken.private_spot import SpotCall, SpotPrivate
from jackbot_tui.sim.kraken.private_spot_streams import SpotAccountStreams
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountEvent, BalanceEvent, OrderEvent
from jackbot_tui.sim.text import instant
from jackbot_tui.sim.timeline import Timeline

SPOT = MarketKind.SPOT
AUTH_PATH = "/auth/v2"
AUTH_ROLE = "auth"
PRIVATE_BASE = "/0/private"


class KrakenPrivate:
    """``admit`` counts the cost of a request to derivatives and says whether there is room for it; ``greet`` is what
    spot's connections hear first; ``scale`` multiplies spot's limits of private requests.
    """

    def __init__(
        self,
        accounts: Accounts,
        markets: Mapping[MarketKind, Mapping[str, SimMarket]],
        timeline: Timeline,
        faults: Faults,
        admit: Callable[[int], bool],
        greet: Callable[[Socket], None],
        scale: int,
        seed: int,
    ) -> None:
        self._timeline = timeline
        self._admit = admit
        keys = [market.listing.key for by_native in markets.values() for market in by_native.values()]
        names, self._authority = Names(keys), Authority(accounts.keys, timeline, seed)
        self._spot = SpotPrivate(accounts, markets[SPOT], timeline, self._authority, names, scale)
        self._streams = SpotAccountStreams(self._spot, accounts, self._authority, timeline, faults, greet)
        self._futures = FuturesPrivate(accounts, markets[MarketKind.LINEAR], timeline, names)
        self._feeds = FuturesAccountFeeds(self._futures, accounts, self._authority, timeline, faults)

    def doors(self) -> Sequence[Door]:
        return [Door(AUTH_PATH, SPOT, AUTH_ROLE)]

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        spot = [
            Page("POST", f"{PRIVATE_BASE}/{name}", self._spot_page(call), trades=call.trades)
            for name, call in self._spot.calls().items()
        ]
        futures = [
            Page(call.method, call.path, self._futures_page(call), trades=call.trades)
            for call in self._futures.calls()
        ]  # fmt: skip
        return spot + futures

    def _spot_page(self, call: SpotCall) -> Callable[[Call], Reply]:
        def answer(sent: Call) -> Reply:
            try:
                key, fields = self._authority.spot(sent, call.permission)
                self._spot.count(key, call)
                return json_reply({"error": [], "result": call.work(key, fields)})
            except KrakenRefusal as refusal:
                return json_reply({"error": [str(refusal)]}, refusal.status)

        return answer

    def _futures_page(self, call: FuturesCall) -> Callable[[Call], Reply]:
        def answer(sent: Call) -> Reply:
            try:
                if not self._admit(call.cost):
                    raise KrakenRefusal("apiLimitExceeded", 429)
                key, fields = self._authority.futures(sent, call.permission)
                return self._succeeded(call.work(key, fields))
            except KrakenRefusal as refusal:
                content = {"result": "error", "error": str(refusal), "serverTime": self._now()}
                return json_reply(content, refusal.status)

        return answer

    def _succeeded(self, content: dict[str, Any]) -> Reply:
        return json_reply({"result": "success", **content, "serverTime": self._now()})

    def _now(self) -> str:
        return instant(self._timeline.now_ns(), 3)

    # --- sockets and events --------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        (self._streams if socket.door.role == AUTH_ROLE else self._feeds).opened(socket)

    def closed(self, socket: Socket) -> None:
        self._streams.closed(socket)
        self._feeds.closed(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        """A message on spot's authenticated socket."""
        self._streams.received(socket, message)

    def takes(self, socket: Socket, request: Request) -> bool:
        """Whether a request on the derivatives' socket was for a private feed, and is answered."""
        if not self._feeds.concerns(request):
            return False
        self._feeds.received(socket, request)
        return True

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent():
                (self._streams if event.order.kind is SPOT else self._feeds).order_event(event)
            case BalanceEvent():
                (self._streams if event.kind is SPOT else self._feeds).balance_event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return (self._streams if kind is SPOT else self._feeds).listeners(account)

    def expire_tokens(self) -> None:
        self._authority.expire_tokens()
        self._streams.expire_tokens()
        self._feeds.expire_tokens()
