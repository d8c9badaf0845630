"""The embedded exchange's KuCoin front: the classic API of spot and of perpetuals, a socket path and a prefix each.

Frames and rules: ../shared/exchanges/kucoin.md §3 to §6, §9 and §12. A socket opens with a token that REST gave out for
that market. Books have no snapshot in the stream: all changes of one beat go into one frame on spot, each into its own
on perpetuals. A subscription to many names is taken or refused as a whole. Words of errors: KuCoin's own list of
WebSocket error codes (its skills hub, 2026). Not played: klines, order-by-order books, call auctions, announcements.

URL map: https://api.kucoin.com is http://127.0.0.1:PORT/spot, https://api-futures.kucoin.com is
http://127.0.0.1:PORT/futures; replies to token requests name ws://127.0.0.1:PORT/ws-api-spot/ and …/ws-api-futures/.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import CLOSE_NORMAL, Call, Door, Front, Page, Reply, Socket, World, json_reply
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.kucoin.books import NumberedBook
from jackbot_tui.sim.kucoin.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.kucoin.pages import PREFIXES, SOCKET_PATHS, KucoinPages
from jackbot_tui.sim.kucoin.private import KucoinPrivate
from jackbot_tui.sim.kucoin.texts import (
    contract_ticker,
    contract_update,
    day_row,
    depth_frame,
    funding_frame,
    mark_frame,
    message,
    spot_ticker,
    spot_update,
    trade_row,
)
from jackbot_tui.sim.kucoin.tokens import EXPIRED, Tokens
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import BookView, SimMarket
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import FeeCurrency, Terms

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
BOOKS = {SPOT: "/market/level2", LINEAR: "/contractMarket/level2"}
TRADES = {SPOT: "/market/match", LINEAR: "/contractMarket/execution"}
TICKERS = {SPOT: "/market/ticker", LINEAR: "/contractMarket/tickerV2"}
DEPTHS = {SPOT: "/spotMarket/level2Depth", LINEAR: "/contractMarket/level2Depth"}
DAY = "/market/snapshot"
INSTRUMENT = "/contract/instrument"
ALL_TICKERS = "/market/ticker:all"
DEPTH_LEVELS = (5, 50)
DEPTH_PERIOD_MS = 100
TICKER_PERIODS_MS = {SPOT: 100, LINEAR: 10}
DAY_PERIOD_MS = 2000
FUNDING_BEATS = 60
"""Seconds between two pushes of the funding rate."""

NAMES_PER_FRAME = 100
FAREWELL_MS = 500
"""How long after the word about its token a socket is closed: the word must reach it first."""

LIMITS = Limits(
    spot_socket=SocketLimits(
        messages_per_s=10, message_window_s=10.0, connections_per_5min=150, idle_s=28.0, streams=400
    ),
    linear_socket=SocketLimits(
        messages_per_s=10, message_window_s=10.0, connections_per_5min=150, idle_s=28.0, streams=100_000
    ),
    spot_weight=2000,
    linear_weight=2000,
    window_ms=30_000,
    refusals_before_ban=1_000_000,  # no ban is published
)
"""The pool of public pages is one for both markets."""


class _Request(Struct):
    id: str | int = ""
    type: str = ""
    topic: str = ""
    response: bool = False
    privateChannel: bool = False


_REQUEST = msgspec.json.Decoder(_Request)


class KucoinFront(Front):
    """Feeds of all listed markets; REST is in ``pages``."""

    VENUE = "kucoin"
    LIMITS = LIMITS
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS: ClassVar[Terms] = Terms(
        fee_currency=FeeCurrency.QUOTE, refuses_post_only=False, trigger_keeps_id=frozenset({LINEAR})
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.tokens = Tokens(world.seed)
        markets = [market for kind in (SPOT, LINEAR) for market in self.markets[kind].values()]
        self._books = {
            market.listing.key: NumberedBook(market, world.seed, has_placeholders=market.kind is SPOT)
            for market in markets
        }
        self._depths: dict[str, tuple[SimMarket, BookView]] = {
            f"{DEPTHS[market.kind]}{levels}:{market.native}": (market, market.view(DEPTH_PERIOD_MS, levels))
            for market in markets
            for levels in DEPTH_LEVELS
        }
        self._best: dict[str, tuple[int, int, int, int]] = {}
        self._mark_beats = dict.fromkeys(self._books, 0)
        self._barred: deque[tuple[int, Socket]] = deque()
        self._pages = KucoinPages(self)
        self._private = KucoinPrivate(
            self.accounts, self.markets, self.timeline, world.limits, PREFIXES, self._pages.bullet
        )

    @property
    def elapsed_ms(self) -> int:
        """Milliseconds since the opening."""
        return self.timeline.elapsed_ns // 1_000_000

    def book(self, market: SimMarket) -> NumberedBook:
        return self._books[market.listing.key]

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        sockets = {f"{kind.value}.public": ws + path for kind, path in SOCKET_PATHS.items()}
        return {**sockets, **{f"{kind.value}.rest": http + prefix for kind, prefix in PREFIXES.items()}}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        """Sockets need no entry: replies to token requests name them."""
        spot = ("public", "private", "uta", "utaPrivate", "utaV2")
        futures = ("futuresPublic", "futuresPrivate")
        return dict.fromkeys(spot, http + PREFIXES[SPOT]) | dict.fromkeys(futures, http + PREFIXES[LINEAR])

    def doors(self) -> Sequence[Door]:
        return [Door(path, kind) for kind, path in SOCKET_PATHS.items()]

    def pages(self) -> Sequence[Page]:
        return [*self._pages.all(), *self._private.pages()]

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def expire_tokens(self) -> None:
        """Who uses a private token is told that it has expired, and closed; the token opens nothing any more."""
        self.tokens.end_private()
        for socket in self._private.sockets():
            self._bar(socket, EXPIRED)

    def lost_in_between(self) -> Reply:
        return json_reply({"code": "500000", "msg": "Internal Server Error"}, 500)

    def overloaded(self) -> Reply:
        return self._pages.overloaded()

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return self._pages.too_many_requests(retry_after_s)

    def stale(self, call: Call) -> Reply | None:
        return self._pages.stale(call)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        """Welcome who has a token; who has none is told so, and closed."""
        query = socket.call.query
        token = query.get("token", "")
        problem = self.tokens.problem(token, socket.door.market, self.elapsed_ms)
        if problem:
            self._bar(socket, problem)
            return
        account = self.tokens.account_of(token)
        if account:
            self._private.opened(socket, account)
        _push(socket, {"id": query.get("connectId", ""), "type": "welcome"})

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def _bar(self, socket: Socket, problem: str) -> None:
        socket.state["barred"] = True
        self._barred.append((self.elapsed_ms + FAREWELL_MS, socket))
        _push(socket, {"type": "error", "code": 401, "data": problem})

    def received(self, socket: Socket, message: str | bytes) -> None:
        if socket.state.get("barred"):
            return
        try:
            request = _REQUEST.decode(message)
        except (msgspec.DecodeError, UnicodeError):
            _push(socket, {"type": "error", "code": 400, "data": "command is invalid"})
            return
        request_id = str(request.id)
        match request.type:
            case "ping":
                _push(socket, {"id": request_id, "type": "pong"})
            case "subscribe":
                self._subscribe(socket, request, request_id)
            case "unsubscribe":
                for name in _names(request.topic):
                    socket.unsubscribe(name)
                    self._private.unsubscribe(socket, name)
                if request.response:
                    _push(socket, {"id": request_id, "type": "ack"})
            case _:
                _push(socket, {"id": request_id, "type": "error", "code": 415, "data": "command type is invalid"})

    def too_many_messages(self, socket: Socket) -> None:
        """The message is refused, the connection stays."""
        _push(socket, {"type": "error", "code": 509, "data": "exceed max permits per second"})

    def _subscribe(self, socket: Socket, request: _Request, request_id: str) -> None:
        names = _names(request.topic)
        code, words = self._refusal(socket, request, names)
        if code:
            _push(socket, {"id": request_id, "type": "error", "code": code, "data": words})
            return
        if request.response and not self.faults.strikes(Chance.NOACK):
            _push(socket, {"id": request_id, "type": "ack"})
        if request.privateChannel:
            self._private.subscribe(socket, names)
            return
        for name in names:
            channel, _, native = name.partition(":")
            if name in self._depths:
                self._depths[name][1].start()
            is_book = channel == BOOKS[socket.door.market]
            socket.subscribe(Topic(socket.door.market, name, native, is_book=is_book))

    def _refusal(self, socket: Socket, request: _Request, names: Sequence[str]) -> tuple[int, str]:
        """Code and words of the venue; 0 when the request is taken."""
        kind = socket.door.market
        limit = self.socket_limits(socket.door).streams
        if not request.topic:
            return 406, "topic is required"
        if request.privateChannel:
            return self._private_refusal(socket, names)
        if len(names) > NAMES_PER_FRAME:
            return 509, f"exceed max subscription count limitation of {NAMES_PER_FRAME} per time"
        if len(socket.topics.keys() | set(names)) > limit:
            return 509, f"exceed max subscription count limitation of {limit} per session"
        if not all(self._exists(kind, name) for name in names):
            return 404, "topic does not exist"
        return 0, ""

    def _private_refusal(self, socket: Socket, names: Sequence[str]) -> tuple[int, str]:
        if not socket.state.get("account"):
            return 403, "login is required"
        if not all(self._private.exists(socket.door.market, name) for name in names):
            return 404, "topic does not exist"
        return 0, ""

    def _exists(self, kind: MarketKind, name: str) -> bool:
        channel, _, native = name.partition(":")
        if kind is SPOT and name == ALL_TICKERS:
            return True
        channels = {BOOKS[kind], TRADES[kind], TICKERS[kind], DAY if kind is SPOT else INSTRUMENT}
        channels |= {f"{DEPTHS[kind]}{levels}" for levels in DEPTH_LEVELS}
        market = self.markets[kind].get(native)
        return channel in channels and market is not None and not self.is_refused(market.listing.instrument.symbol)

    # --- what is published ---------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        super().beat(elapsed_ms)
        while self._barred and elapsed_ms >= self._barred[0][0]:
            self._barred.popleft()[1].end(CLOSE_NORMAL, "")

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        kind, native, now_ms = market.kind, market.native, self.timeline.now_ms()
        self._publish_trades(market)
        self._publish_book(market)
        if (elapsed_ms - market.phase_ms) % TICKER_PERIODS_MS[kind] == 0:
            self._publish_ticker(market, now_ms)
        for levels in DEPTH_LEVELS:
            self._publish_depth(f"{DEPTHS[kind]}{levels}:{native}", elapsed_ms)
        if kind is SPOT:
            if (elapsed_ms - market.phase_ms) % DAY_PERIOD_MS == 0:
                self._send(market, f"{DAY}:{native}", lambda: self._day_frame(market, now_ms))
        elif market.mark_beats != self._mark_beats[market.listing.key]:
            self._mark_beats[market.listing.key] = market.mark_beats
            self._send(market, f"{INSTRUMENT}:{native}", lambda: mark_frame(market, now_ms))
            if market.mark_beats % FUNDING_BEATS == 1:
                self._send(market, f"{INSTRUMENT}:{native}", lambda: funding_frame(market, now_ms))

    def publish_books(self) -> None:
        for markets in self.markets.values():
            for market in markets.values():
                self._publish_book(market)

    def _send(self, market: SimMarket, name: str, make: Callable[[], str]) -> None:
        if self.hub.wanted(market.kind, name):
            self.hub.publish(market.kind, name, make())

    def _publish_book(self, market: SimMarket) -> None:
        changes, name = self.book(market).take(), f"{BOOKS[market.kind]}:{market.native}"
        if not changes or not self.hub.wanted(market.kind, name):
            return
        now_ms = self.timeline.now_ms()
        if market.kind is SPOT:
            self.hub.publish(SPOT, name, spot_update(market, changes, now_ms))
            return
        for change in changes:
            self.hub.publish(LINEAR, name, contract_update(market, change, now_ms))

    def _publish_trades(self, market: SimMarket) -> None:
        """One match per frame; perpetuals' repeat its number."""
        name = f"{TRADES[market.kind]}:{market.native}"
        if not self.hub.wanted(market.kind, name):
            return
        spot = market.kind is SPOT
        for trade in market.fresh_trades:
            row = trade_row(market, trade)
            frame = message(name, "trade.l3match", row) if spot else message(name, "match", row, trade.trade_id)
            self.hub.publish(market.kind, name, frame)

    def _publish_ticker(self, market: SimMarket, now_ms: int) -> None:
        """When the best prices or their sizes have changed."""
        best, key = market.best(), market.listing.key
        if best is None or best == self._best.get(key):
            return
        self._best[key] = best
        name, number = f"{TICKERS[market.kind]}:{market.native}", self.book(market).number
        if market.kind is LINEAR:
            row = contract_ticker(market, number, self.timeline.now_ns())
            self._send(market, name, lambda: message(name, "tickerV2", row, number))
            return
        row = spot_ticker(market, number, now_ms)
        self._send(market, name, lambda: message(name, "trade.ticker", row))
        self._send(market, ALL_TICKERS, lambda: message(ALL_TICKERS, market.native, row))

    def _publish_depth(self, name: str, elapsed_ms: int) -> None:
        market, view = self._depths[name]
        if view.is_due(elapsed_ms) and view.take() is not None:
            number, now_ms = self.book(market).number, self.timeline.now_ms()
            self._send(market, name, lambda: depth_frame(market, name, view.levels(), number, now_ms))

    def _day_frame(self, market: SimMarket, now_ms: int) -> str:
        row: dict[str, Any] = day_row(market, now_ms)
        row |= {"lastTradedPrice": row["last"], "datetime": now_ms, "trading": True}
        data = {"sequence": str(self.book(market).number), "data": row}
        return message(f"{DAY}:{market.native}", "trade.snapshot", data)


def _push(socket: Socket, answer: dict[str, Any]) -> None:
    socket.push(msgspec.json.encode(answer).decode())


def _names(topic: str) -> list[str]:
    """``/market/level2:A,B`` as ``/market/level2:A`` and ``/market/level2:B``."""
    channel, _, natives = topic.partition(":")
    return [f"{channel}:{native}" for native in natives.split(",")]


VENUE_FRONT = KucoinFront
