"""The embedded exchange's Bitget front: spot and perpetuals over one public v3 socket, and the pages around it.

Frames and rules: ../shared/exchanges/bitget.md §3 to §6, §9 and §12. Every argument of a request has an answer of its
own. A book's snapshot is of the moment at which it is asked for, between two updates: the first of them may begin
before it. Not played: the older v2 sockets, klines, liquidations.

URL map: wss://ws.bitget.com/v3/ws/public is ws://127.0.0.1:PORT/v3/ws/public, https://api.bitget.com is
http://127.0.0.1:PORT. The private side is in ``private``.
"""

import random
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.bitget.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.bitget.pages import BitgetPages
from jackbot_tui.sim.bitget.private import STREAM, BitgetPrivate
from jackbot_tui.sim.bitget.texts import (
    snapshot_text,
    ticker_of,
    ticker_text,
    trades_text,
    type_of,
    update_text,
)
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import CLOSE_POLICY, Call, Door, Front, Page, Reply, Socket, World
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import BookView, SimMarket
from jackbot_tui.sim.orders import UpdateIds
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms

PUBLIC_PATH = "/v3/ws/public"
BOOK_PERIODS_MS = {MarketKind.SPOT: 200, MarketKind.LINEAR: 150}
LEVEL_1_PERIOD_MS = 10
PARTIAL_BOOKS = {"books1": 1, "books5": 5, "books50": 50}
"""Topics of so many levels a side, whole in every push."""

TICKER_PERIODS_MS = {MarketKind.SPOT: 200, MarketKind.LINEAR: 300}
HISTORY = 50
"""Trades in the first push after a subscription."""

ARGS_BYTES = 4096
SUBSCRIBES_PER_HOUR = 240
HOUR_MS = 3_600_000
NO_CHANNEL, ILLEGAL, BAD_OPERATION = 30001, 30002, 30003
FIRST_SEQUENCES = (1_300_000_000_000_000_000, 1_400_000_000_000_000_000)
"""Where the 64-bit ids of books begin."""

_SOCKET = SocketLimits(messages_per_s=10, idle_s=120.0, streams=1000, connections_per_5min=300)


class _Arg(Struct, frozen=True):
    instType: str
    topic: str
    symbol: str

    @property
    def name(self) -> str:
        return f"{self.instType}:{self.topic}:{self.symbol}"


class _Request(Struct):
    """A client's message; whatever else is in it is ignored."""

    op: str
    args: list[_Arg]


_REQUEST = msgspec.json.Decoder(_Request)


class BitgetFront(Front):
    """Feeds of all listed markets; REST is in ``pages``."""

    VENUE = "bitget"
    LIMITS = Limits(
        spot_socket=_SOCKET, linear_socket=_SOCKET, spot_weight=20, linear_weight=20,
        window_ms=1000, refusals_before_ban=1_000_000_000,
    )  # fmt: skip
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS: ClassVar[Terms] = Terms(refuses_post_only=False, one_wallet=True, trigger_keeps_id=frozenset())

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._markets = {
            (type_of(market), native): market for markets in self.markets.values() for native, market in markets.items()
        }
        self._books: dict[str, BookView] = {}
        self._partial: dict[tuple[str, str], BookView] = {}
        for market in self._markets.values():
            key, period_ms = market.listing.key, BOOK_PERIODS_MS[market.kind]
            self._books[key] = market.view(period_ms)
            for topic, levels in PARTIAL_BOOKS.items():
                self._partial[key, topic] = market.view(LEVEL_1_PERIOD_MS if levels == 1 else period_ms, levels)
        self._tickers: dict[str, dict[str, str]] = {}
        self._pages = BitgetPages(self)
        numbered = {(kind.upper(), native): market for (kind, native), market in self._markets.items()}
        scale = max(1, world.limits.spot_weight // self.LIMITS.spot_weight)
        self._private = BitgetPrivate(
            self.accounts, numbered, self.timeline, self.faults, self._pages.count_minute, scale
        )
        self.budgets = self._private.limits.budgets
        """What accounts used of their limits."""

    @classmethod
    def update_ids(cls, listings: Sequence[Listing], seed: int) -> dict[str, UpdateIds]:
        rng = random.Random(f"{seed}:bitget sequences")
        return {listing.key: UpdateIds(rng.randrange(*FIRST_SEQUENCES)) for listing in listings}

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        public = ws + PUBLIC_PATH
        return {"spot.public": public, "spot.rest": http, "linear.public": public, "linear.rest": http}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        rest = dict.fromkeys(("spot", "mix", "user", "p2p", "broker", "margin", "common", "tax", "convert"), http)
        more = dict.fromkeys(("copy", "earn", "uta"), http)
        sockets = {"public": f"{ws}/v2/ws/public", "private": f"{ws}/v2/ws/private"}
        unified = {"utaPublic": ws + PUBLIC_PATH, "utaPrivate": f"{ws}/v3/ws/private"}
        return {**rest, **more, "ws": {**sockets, **unified}}

    def doors(self) -> Sequence[Door]:
        return [Door(PUBLIC_PATH, MarketKind.SPOT), *self._private.doors()]

    def pages(self) -> Sequence[Page]:
        return [*self._pages.pages(), *self._private.pages()]

    def beat(self, elapsed_ms: int) -> None:
        super().beat(elapsed_ms)
        self._private.beat(elapsed_ms)

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def overloaded(self) -> Reply:
        return self._pages.overloaded()

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return self._pages.too_many_requests()

    def stale(self, call: Call) -> Reply | None:
        return self._pages.stale(call)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        socket.state["subscribed_ms"] = list[int]()
        if socket.door.role == STREAM:
            self._private.opened(socket)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        if socket.door.role == STREAM:
            self._private.received(socket, message)
            return
        if message == "ping":
            socket.push("pong")
            return
        try:
            request = _REQUEST.decode(message)
        except (msgspec.DecodeError, UnicodeError):
            self._error(socket, None, ILLEGAL, "Illegal request", "")
            return
        if request.op not in ("subscribe", "unsubscribe"):
            self._error(socket, None, BAD_OPERATION, "INVALID op", request.op)
            return
        if len(msgspec.json.encode(request.args)) > ARGS_BYTES:
            self._error(socket, None, ILLEGAL, "Illegal request", request.op)
            return
        if request.op == "subscribe" and not self._admit(socket, len(request.args)):
            socket.end(CLOSE_POLICY, "request over limit")
            return
        for arg in request.args:
            market = self._market_of(arg)
            if market is None or self.is_refused(market.listing.instrument.symbol):
                words = f"instType:{arg.instType},topic:{arg.topic},symbol:{arg.symbol} doesn't exist"
                self._error(socket, arg, NO_CHANNEL, words, request.op)
            elif request.op == "unsubscribe":
                socket.unsubscribe(arg.name)
                self._acknowledge(socket, "unsubscribe", arg)
            else:
                if not self.faults.strikes(Chance.NOACK):
                    self._acknowledge(socket, "subscribe", arg)
                self._join(socket, arg, market)

    def _admit(self, socket: Socket, count: int) -> bool:
        """Whether a connection may subscribe to ``count`` topics more, and this often."""
        now_ms = self.timeline.now_ms()
        times: list[int] = socket.state["subscribed_ms"]
        times[:] = [*(moment for moment in times if moment > now_ms - HOUR_MS), now_ms]
        return (
            len(times) <= SUBSCRIBES_PER_HOUR and len(socket.topics) + count <= self.socket_limits(socket.door).streams
        )

    def _market_of(self, arg: _Arg) -> SimMarket | None:
        if arg.topic not in ("books", "publicTrade", "ticker", *PARTIAL_BOOKS):
            return None
        return self._markets.get((arg.instType, arg.symbol))

    @staticmethod
    def _acknowledge(socket: Socket, event: str, arg: _Arg) -> None:
        socket.push(msgspec.json.encode({"event": event, "arg": arg}).decode())

    @staticmethod
    def _error(socket: Socket, arg: _Arg | None, code: int, words: str, operation: str) -> None:
        named: dict[str, Any] = {} if arg is None else {"arg": arg}
        answer = {"event": "error", **named, "code": code, "msg": words, "op": operation}
        socket.push(msgspec.json.encode(answer).decode())

    def _join(self, socket: Socket, arg: _Arg, market: SimMarket) -> None:
        """Subscribe, after what the topic begins with."""
        kind, key, now_ms = market.kind, market.listing.key, self.timeline.now_ms()
        view = self._partial.get((key, arg.topic))
        if arg.topic == "books":
            self._books[key].start()
            engine = market.engine
            whole = engine.depth(Side.BUY), engine.depth(Side.SELL)
            socket.push(snapshot_text(market, "books", whole, engine.last_update_id, now_ms))
        elif view is not None:
            view.start()
            socket.push(snapshot_text(market, arg.topic, view.levels(), market.engine.last_update_id, now_ms))
        elif arg.topic == "ticker":
            socket.push(ticker_text(market, ticker_of(market, now_ms), now_ms))
        elif market.history.trades:
            recent = list(market.history.trades)[-HISTORY:]
            socket.push(trades_text(market, "snapshot", recent, now_ms))
        socket.subscribe(Topic(kind, arg.name, market.native, is_book=arg.topic == "books"))

    # --- what is published ---------------------------------------------------------------------------------------

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        kind, key, now_ms = market.kind, market.listing.key, self.timeline.now_ms()
        name = self._name(market, "publicTrade")
        if market.fresh_trades and self.hub.wanted(kind, name):
            self.hub.publish(kind, name, trades_text(market, "update", market.fresh_trades, now_ms))
        if self._books[key].is_due(elapsed_ms):
            self._publish_book(market)
        for topic in PARTIAL_BOOKS:
            if self._partial[key, topic].is_due(elapsed_ms):
                self._publish_partial(market, topic)
        name = self._name(market, "ticker")
        due = (elapsed_ms - market.phase_ms) % TICKER_PERIODS_MS[kind] == 0
        if due and self.hub.wanted(kind, name):
            ticker = ticker_of(market, now_ms)
            if ticker != self._tickers.get(key):
                self._tickers[key] = ticker
                self.hub.publish(kind, name, ticker_text(market, ticker, now_ms))

    def publish_books(self) -> None:
        for market in self._markets.values():
            self._publish_book(market)
            for topic in PARTIAL_BOOKS:
                self._publish_partial(market, topic)

    @staticmethod
    def _name(market: SimMarket, topic: str) -> str:
        return f"{type_of(market)}:{topic}:{market.native}"

    def _publish_book(self, market: SimMarket) -> None:
        view, name = self._books[market.listing.key], self._name(market, "books")
        previous = view.last_id
        changes = view.take()
        if changes is not None and self.hub.wanted(market.kind, name):
            text = update_text(market, changes, previous, view.last_id, self.timeline.now_ms())
            self.hub.publish(market.kind, name, text)

    def _publish_partial(self, market: SimMarket, topic: str) -> None:
        view, name = self._partial[market.listing.key, topic], self._name(market, topic)
        if view.take() is not None and self.hub.wanted(market.kind, name):
            text = snapshot_text(market, topic, view.levels(), view.last_id, self.timeline.now_ms())
            self.hub.publish(market.kind, name, text)


VENUE_FRONT = BitgetFront
