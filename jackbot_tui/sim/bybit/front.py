"""The embedded exchange's Bybit front: the public streams of spot and of perpetuals, a socket path each.

Frames and rules: ../shared/exchanges/bybit.md §3 to §6 and §12. Every depth of a book is a topic of its own with its
own snapshot and its own count of updates. Of one request all topics are accepted, or none: the answer names the first
that is not. Not played: kline, liquidation, price limit and insurance topics, ``orderbook.full`` and ``orderbook.rpi``.

URL map: wss://stream.bybit.com/v5/public/spot is ws://127.0.0.1:PORT/v5/public/spot, …/linear likewise;
https://api.bybit.com is http://127.0.0.1:PORT. The private side is in ``private``.
"""

import random
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.bybit.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.bybit.pages import BybitPages, WholeBook
from jackbot_tui.sim.bybit.private import ROLES, BybitPrivate
from jackbot_tui.sim.bybit.texts import (
    book_text,
    changed_fields,
    direction_text,
    ticker_of,
    trades_text,
)
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Call, Door, Front, Page, Reply, Socket, World
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import BookView, SimMarket
from jackbot_tui.sim.orders import UpdateIds
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms, UniqueIds

PATHS = {MarketKind.SPOT: "/v5/public/spot", MarketKind.LINEAR: "/v5/public/linear"}
BOOK_PERIODS_MS = {1: 10, 50: 20, 200: 100, 1000: 200}
"""How often each depth of the book is pushed."""

KEEP_ALIVE_MS = 3000
"""Level 1 is sent again, under the same number, when nothing has changed for so long."""

TICKER_PERIODS_MS = {MarketKind.SPOT: 50, MarketKind.LINEAR: 100}
TRADES_PER_PUSH = 1024
SPOT_ARGS = 10
"""Topics in one request on spot; other markets state no limit."""

ARGS_LENGTH = 21_000
"""Characters of all topics of a connection, each with its quotes and comma."""

FIRST_NUMBERS = (10_000_000, 200_000_000)
FIRST_SEQUENCES = (100_000_000_000, 900_000_000_000)
"""Where update ids of topics and cross sequences begin: anywhere, but never at 1, which means a restart."""

_SOCKET = SocketLimits(
    messages_per_s=500, idle_s=600.0, streams=10_000, connections_per_5min=500, lifetime_s=365 * 86_400.0
)
"""The venue states no limit of messages and no lifetime; these stand so high that only a runaway client meets them."""


class _Request(Struct):
    """A client's message. ``args`` of a ping may be anything."""

    op: str
    args: list[str] = []
    req_id: str | int | None = None


class _Depth(Struct):
    """One book topic and what was last sent of it."""

    market: SimMarket
    topic: str
    levels: int
    view: BookView
    sent_ms: int = 0

    @property
    def numbers(self) -> tuple[int, int]:
        """Update id and cross sequence of the newest change."""
        return self.view.sequence, self.view.last_id


_REQUEST = msgspec.json.Decoder(_Request)


class BybitFront(Front):
    """Feeds of all listed markets; REST is in ``pages``."""

    VENUE = "bybit"
    LIMITS = Limits(
        spot_socket=_SOCKET, linear_socket=_SOCKET, spot_weight=600, linear_weight=600,
        window_ms=5000, refusals_before_ban=0, ban_s=600,
    )  # fmt: skip
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS: ClassVar[Terms] = Terms(
        unique_ids=UniqueIds.ALL,
        refuses_post_only=False,
        one_wallet=True,
        moves_to_band=frozenset({MarketKind.LINEAR}),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        rng = random.Random(f"{world.seed}:bybit topics")
        self._depths: dict[MarketKind, dict[str, _Depth]] = {kind: {} for kind in self.markets}
        for kind, markets in self.markets.items():
            for native, market in markets.items():
                for levels, period_ms in BOOK_PERIODS_MS.items():
                    view = market.view(period_ms, levels)
                    view.sequence = rng.randrange(*FIRST_NUMBERS)
                    topic = f"orderbook.{levels}.{native}"
                    self._depths[kind][topic] = _Depth(market, topic, levels, view)
        self._tickers: dict[str, dict[str, str]] = {}
        self._directions = dict.fromkeys(world.engines, ("ZeroPlusTick", 0))
        self._connections = 0
        self._pages = BybitPages(self)
        self._private = BybitPrivate(
            self.accounts, self.markets, self.timeline, self.faults, self._pages.count,
            max(1, world.limits.linear_weight // self.LIMITS.linear_weight),
        )  # fmt: skip

        self.budgets = self._private.limits.budgets
        """What accounts used of their limits."""

    @classmethod
    def update_ids(cls, listings: Sequence[Listing], seed: int) -> dict[str, UpdateIds]:
        """The cross sequence: each symbol has its own, shared by all its topics."""
        rng = random.Random(f"{seed}:bybit sequences")
        return {listing.key: UpdateIds(rng.randrange(*FIRST_SEQUENCES)) for listing in listings}

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        sockets = {f"{kind.value}.public": ws + path for kind, path in PATHS.items()}
        return {**sockets, **{f"{kind.value}.rest": http for kind in PATHS}}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        rest = dict.fromkeys(("spot", "futures", "v2", "public", "private"), http)
        public = {name: f"{ws}/v5/public/{name}" for name in ("spot", "linear", "inverse", "option")}
        stream = f"{ws}/v5/private"
        spot = {"unified": stream, "nonUnified": stream}
        private = {"spot": spot, "contract": stream, "usdc": stream, "trade": f"{ws}/v5/trade"}
        return {**rest, "ws": {"public": public, "private": private}}

    def doors(self) -> Sequence[Door]:
        return [Door(path, kind) for kind, path in PATHS.items()] + self._private.doors()

    def pages(self) -> Sequence[Page]:
        return self._pages.pages() + self._private.pages()

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def overloaded(self) -> Reply:
        return self._pages.overloaded()

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return self._pages.too_many_requests(retry_after_s)

    def stale(self, call: Call) -> Reply | None:
        return self._pages.stale(call)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self._connections += 1
        socket.state["conn_id"] = f"d9avt8shteepr{self._connections:07x}"
        if socket.door.role in ROLES:
            self._private.opened(socket)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        if socket.door.role in ROLES:
            self._private.received(socket, message)
            return
        try:
            request = _REQUEST.decode(message)
        except (msgspec.DecodeError, UnicodeError) as error:
            self._answer(socket, _Request(""), f"Failed to decode incoming data:{error}", success=False)
            return
        match request.op:
            case "ping":
                self._answer(socket, request, "pong")
            case "subscribe":
                if problem := self._refusal(socket, request.args):
                    self._answer(socket, request, problem, success=False)
                    return
                if not self.faults.strikes(Chance.NOACK):
                    self._answer(socket, request)
                for topic in request.args:
                    self._join(socket, topic)
            case "unsubscribe":
                for topic in request.args:
                    socket.unsubscribe(topic)
                self._answer(socket, request)
            case _:
                self._answer(socket, request, "error:invalid op", success=False)

    def _answer(self, socket: Socket, request: _Request, words: str | None = None, *, success: bool = True) -> None:
        """Spot repeats the operation where others say nothing, and names no ``req_id`` when it was given none."""
        spot = socket.door.market is MarketKind.SPOT
        if words is None:
            words = request.op if spot else ""
        answer: dict[str, Any] = {"success": success, "ret_msg": words, "conn_id": socket.state["conn_id"]}
        if request.req_id is not None or not spot:
            answer["req_id"] = "" if request.req_id is None else request.req_id
        answer["op"] = request.op
        socket.push(msgspec.json.encode(answer).decode())

    def _refusal(self, socket: Socket, topics: Sequence[str]) -> str:
        """Why a request is not accepted, as a whole; "" when it is."""
        kind = socket.door.market
        if kind is MarketKind.SPOT and len(topics) > SPOT_ARGS:
            return f"args size >{SPOT_ARGS}"
        if sum(len(topic) + 3 for topic in (*socket.topics, *topics)) > ARGS_LENGTH:
            return f"error:args length >{ARGS_LENGTH}"
        for number, topic in enumerate(topics):
            market = self._market_of(kind, topic)
            if market is None or self.is_refused(market.listing.instrument.symbol):
                return f"error:handler not found,topic:{topic}"
            if topic in socket.topics or topic in topics[:number]:
                return f"error:already subscribed,topic:{topic}"
        return ""

    def _market_of(self, kind: MarketKind, topic: str) -> SimMarket | None:
        depth = self._depths[kind].get(topic)
        if depth is not None:
            return depth.market
        channel, _, native = topic.partition(".")
        return self.markets[kind].get(native) if channel in ("publicTrade", "tickers") else None

    def _join(self, socket: Socket, topic: str) -> None:
        """Subscribe, with the snapshot where the topic has one: what is pending is published first, to the others."""
        kind = socket.door.market
        depth = self._depths[kind].get(topic)
        if depth is not None:
            depth.view.start()
            self._publish_book(depth)
            socket.push(self._snapshot(depth))
            socket.subscribe(Topic(kind, topic, depth.market.native, is_book=depth.levels > 1))
            return
        channel, _, native = topic.partition(".")
        market = self.markets[kind][native]
        if channel == "tickers":
            self._publish_ticker(market)
            socket.push(self._ticker_text(market, "snapshot", self._tickers[market.listing.key]))
        socket.subscribe(Topic(kind, topic, native))

    # --- what is published ---------------------------------------------------------------------------------------

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        kind, native = market.kind, market.native
        if market.fresh_trades:
            self._publish_trades(market)
        for levels in BOOK_PERIODS_MS:
            depth = self._depths[kind][f"orderbook.{levels}.{native}"]
            if depth.view.is_due(elapsed_ms):
                self._publish_book(depth)
        due = (elapsed_ms - market.phase_ms) % TICKER_PERIODS_MS[kind] == 0
        if due and self.hub.wanted(kind, f"tickers.{native}"):
            self._publish_ticker(market)

    def publish_books(self) -> None:
        for depths in self._depths.values():
            for depth in depths.values():
                self._publish_book(depth)

    def _publish_book(self, depth: _Depth) -> None:
        changes = depth.view.take()
        now_ms, kind = self.timeline.now_ms(), depth.market.kind
        if changes is None:
            quiet = now_ms - depth.sent_ms >= KEEP_ALIVE_MS
            if depth.levels == 1 and quiet and self.hub.wanted(kind, depth.topic):
                self.hub.publish(kind, depth.topic, self._snapshot(depth))
            return
        depth.view.sequence += 1
        if not self.hub.wanted(kind, depth.topic):
            return
        text = (
            self._snapshot(depth)
            if depth.levels == 1
            else book_text(depth.market, depth.topic, "delta", changes, depth.numbers, now_ms)
        )
        self.hub.publish(kind, depth.topic, text)

    def _snapshot(self, depth: _Depth) -> str:
        """The whole topic as its updates have left it."""
        now_ms = depth.sent_ms = self.timeline.now_ms()
        return book_text(depth.market, depth.topic, "snapshot", depth.view.levels(), depth.numbers, now_ms)

    def publish_whole_book(self, market: SimMarket) -> None:
        """Publish what is pending at 1000 levels: a REST snapshot bears the number of that topic."""
        depth = self._depths[market.kind][f"orderbook.1000.{market.native}"]
        depth.view.start()
        self._publish_book(depth)

    def book_now(self, market: SimMarket) -> WholeBook:
        depth = self._depths[market.kind][f"orderbook.1000.{market.native}"]
        return WholeBook(depth.view.levels(), depth.numbers)

    def _publish_trades(self, market: SimMarket) -> None:
        key, prints, directions = market.listing.key, market.fresh_trades, []
        direction, previous = self._directions[key]
        for trade in prints:
            direction = direction_text(previous or trade.price, trade.price, direction)
            previous = trade.price
            directions.append(direction)
        self._directions[key] = direction, previous
        topic, now_ms = f"publicTrade.{market.native}", self.timeline.now_ms()
        if not self.hub.wanted(market.kind, topic):
            return
        for at in range(0, len(prints), TRADES_PER_PUSH):
            part = slice(at, at + TRADES_PER_PUSH)
            self.hub.publish(market.kind, topic, trades_text(market, prints[part], directions[part], now_ms))

    def _publish_ticker(self, market: SimMarket) -> None:
        """What has changed; the whole ticker every time on spot."""
        key = market.listing.key
        now = self.ticker(market)
        changed = changed_fields(self._tickers.get(key, {}), now)
        if not changed:
            return
        self._tickers[key] = now
        spot = market.kind is MarketKind.SPOT
        text = self._ticker_text(
            market, *(("snapshot", now) if spot else ("delta", {"symbol": market.native} | changed))
        )
        self.hub.publish(market.kind, f"tickers.{market.native}", text)

    def ticker(self, market: SimMarket) -> dict[str, str]:
        """All fields of the ticker now."""
        listing = market.listing
        index = self.world.flow.prices.spot(listing.instrument.base) * float(listing.opening)
        return ticker_of(market, index, self._directions[listing.key][0], self.timeline.now_ms())

    def _ticker_text(self, market: SimMarket, kind: str, fields: dict[str, str]) -> str:
        topic, now_ms, sequence = f"tickers.{market.native}", self.timeline.now_ms(), market.engine.last_update_id
        frame: dict[str, Any] = (
            {"topic": topic, "ts": now_ms, "type": kind, "cs": sequence, "data": fields}
            if market.kind is MarketKind.SPOT
            else {"topic": topic, "type": kind, "data": fields, "cs": sequence, "ts": now_ms}
        )
        return msgspec.json.encode(frame).decode()


VENUE_FRONT = BybitFront
