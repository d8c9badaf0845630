"""The embedded exchange's Gate front: API v4 of spot and of USDT perpetuals, a socket path each.

Frames and rules: ../shared/exchanges/gateio.md §3 to §6, §9 and §12. Order book V2 brings its own snapshot, the older
update channel joins one of REST; both send a whole book unasked now and then. A request is taken or refused as a whole.
Sizes of perpetuals follow ``X-Gate-Size-Decimal`` of the handshake. Played as unconfirmed: the frame that asks clients
to move (``event`` "upgrade"), and how often the server pings. Not played: candlesticks, ``*.order_book``, liquidations,
statistics; the rule that a request's ``time`` be within a minute, since the exchange may run on a time of its own.

URL map: wss://api.gateio.ws/ws/v4/ is ws://127.0.0.1:PORT/ws/v4/, wss://fx-ws.gateio.ws/v4/ws/usdt is
ws://127.0.0.1:PORT/fx-ws/v4/ws/usdt (ccxt tells the market of a ticker by "fx" in the URL), https://api.gateio.ws/api/v4
is http://127.0.0.1:PORT/api/v4.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Call, Door, Front, Page, Reply, Socket, World
from jackbot_tui.sim.gateio.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.gateio.order_texts import user_id
from jackbot_tui.sim.gateio.pages import BASE_PATH, GateioPages, wants_whole_sizes
from jackbot_tui.sim.gateio.private import ChannelRefused, GateioPrivate, PrivateRequest
from jackbot_tui.sim.gateio.streams import BookStream, streams_of
from jackbot_tui.sim.gateio.texts import (
    PREFIXES,
    best,
    contract_ticker,
    contract_trades,
    spot_ticker,
    spot_trade,
    update,
)
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.keys import ApiKey
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import SelfTrade
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms, UniqueIds

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SOCKET_PATHS = {SPOT: "/ws/v4/", LINEAR: "/fx-ws/v4/ws/usdt"}
NAMED = ("trades", "book_ticker", "tickers")
"""Channels whose payload is a list of markets."""

CUT = "#cut"
"""End of the topic's name for clients that get sizes of perpetuals cut to integers."""

TICKER_PERIOD_MS = 1000
FIRST_SPOT_TRADE = 9_000_000_000
BAD_BODY = 1
BAD_ARGUMENT = 2
UNKNOWN = {SPOT: "unknown currency pair", LINEAR: "unknown contract"}

_SOCKET = SocketLimits(messages_per_s=500, ping_interval_s=20.0, pong_timeout_s=60.0, lifetime_s=365 * 86_400.0)
"""The venue states 300 connections per address and nothing else; the rest stands so high that nobody meets it."""


class _Request(Struct):
    channel: str
    event: str = ""
    time: int = 0
    id: int | None = None
    payload: list[str] = []


class _Refused(Exception):
    """A request's argument that the venue does not take, in its words."""


_REQUEST = msgspec.json.Decoder(_Request, strict=False)
_HEAD = msgspec.json.Decoder(PrivateRequest, strict=False)

PRODUCTS = (
    "wallet", "futures", "margin", "delivery", "spot", "options", "sub_accounts", "earn", "withdrawals", "subAccounts",
    "unified", "rebate", "account", "loan", "otc",
)  # fmt: skip
"""ccxt's names of the parts of Gate's REST API; all have one address."""


class GateioFront(Front):
    """Feeds of all listed markets; REST is in ``pages``."""

    VENUE = "gateio"
    LIMITS = Limits(
        spot_socket=_SOCKET,
        linear_socket=_SOCKET,
        spot_weight=200,
        linear_weight=200,
        window_ms=10_000,
        refusals_before_ban=1_000_000,  # no ban is published
    )
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS = Terms(
        refuses_fok=True,  # FOK_NOT_FILL and ORDER_FOK in the venue's list of labels
        unique_ids=UniqueIds.NONE,  # github.com/gateio/gateapi-go/issues/41: the latter of two orders is found
        trigger_keeps_id=frozenset(),  # a triggered order fires another one
        self_trade=SelfTrade.EXPIRE_TAKER,  # the account is in a group with stp_act cn: cancel newest
        liquidation_id="liq-",
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        markets = [market for kind in (SPOT, LINEAR) for market in self.markets[kind].values()]
        self._streams = {market.listing.key: streams_of(market) for market in markets}
        self._by_topic = {stream.topic: stream for streams in self._streams.values() for stream in streams}
        self._best: dict[str, tuple[int, int, int, int]] = {}
        self._mark_beats = dict.fromkeys(self._streams, 0)
        self._spot_trades = FIRST_SPOT_TRADE
        self._connections = 0
        self._pages = GateioPages(self)
        self._private = GateioPrivate(self)

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        sockets = {f"{kind.value}.public": ws + path for kind, path in SOCKET_PATHS.items()}
        return {**sockets, **{f"{kind.value}.rest": http + BASE_PATH for kind in SOCKET_PATHS}}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        rest = dict.fromkeys(PRODUCTS, http + BASE_PATH)
        swap = {"usdt": ws + SOCKET_PATHS[LINEAR]}
        return {"public": rest, "private": rest, "spot": ws + SOCKET_PATHS[SPOT], "swap": swap}

    def credentials(self, key: ApiKey) -> dict[str, str]:
        return {"apiKey": key.key, "secret": key.secret, "uid": str(user_id(key.account))}

    def doors(self) -> Sequence[Door]:
        return [Door(path, kind) for kind, path in SOCKET_PATHS.items()]

    def pages(self) -> Sequence[Page]:
        return [*self._pages.all(), *self._private.pages()]

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def overloaded(self) -> Reply:
        return self._pages.overloaded()

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return self._pages.too_many_requests(retry_after_s)

    def stale(self, call: Call) -> Reply | None:
        return self._pages.stale(call)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self._connections += 1
        socket.state["conn_id"] = f"{self._connections:016x}"
        socket.state["whole"] = socket.door.market is SPOT or wants_whole_sizes(socket.call)

    def received(self, socket: Socket, message: str | bytes) -> None:
        prefix = PREFIXES[socket.door.market]
        try:
            head = _HEAD.decode(message)
            if self._private.is_private(socket.door.market, head.channel):
                self._received_private(socket, head)
                return
            request = _REQUEST.decode(message)
        except (msgspec.DecodeError, UnicodeError):
            self._answer(socket, _Request(""), BAD_BODY, "invalid request body")
            return
        if request.channel == f"{prefix}.ping":
            now_ms = self.timeline.now_ms()
            pong = {"time": now_ms // 1000, "time_ms": now_ms, "channel": f"{prefix}.pong", "event": ""}
            _push(socket, {**pong, "error": None, "result": None})
            return
        try:
            names = self._names(socket, request)
        except _Refused as refused:
            self._answer(socket, request, BAD_ARGUMENT, str(refused))
            return
        if request.event == "unsubscribe":
            for name in names:
                socket.unsubscribe(name)
            self._answer(socket, request)
        else:
            if not self.faults.strikes(Chance.NOACK):
                self._answer(socket, request)
            for name in names:
                self._join(socket, name)

    def _received_private(self, socket: Socket, request: PrivateRequest) -> None:
        try:
            self._private.perform(socket, request)
        except ChannelRefused as refused:
            self._answer(socket, request, refused.code, refused.words)
            return
        if request.event != "subscribe" or not self.faults.strikes(Chance.NOACK):
            self._answer(socket, request)

    def announce_shutdown(self, socket: Socket) -> bool:
        now_ms = self.timeline.now_ms()
        move = {"time": now_ms // 1000, "time_ms": now_ms, "conn_id": socket.state["conn_id"], "channel": ""}
        _push(socket, {**move, "event": "upgrade", "result": None})
        return True

    def _answer(self, socket: Socket, request: _Request | PrivateRequest, code: int = 0, words: str = "") -> None:
        """Success when there is no ``code``."""
        now_ms, trace = self.timeline.now_ms(), f"{self.timeline.now_ns():032x}"
        answer: dict[str, Any] = {"time": now_ms // 1000, "time_ms": now_ms}
        if request.id is not None:
            answer["id"] = request.id
        answer |= {"conn_id": socket.state["conn_id"], "trace_id": trace, "channel": request.channel}
        answer |= {"event": request.event, "payload": request.payload}
        if code:
            answer["error"] = {"code": code, "message": words}
        answer |= {"result": {"status": "fail" if code else "success"}, "requestId": trace}
        _push(socket, answer)

    def _names(self, socket: Socket, request: _Request) -> list[str]:
        """The topics that a request is about."""
        kind, payload = socket.door.market, request.payload
        prefix, _, channel = request.channel.partition(".")
        if request.event not in ("subscribe", "unsubscribe"):
            raise _Refused(f"unknown event: {request.event}")
        if prefix != PREFIXES[kind] or channel not in (*NAMED, "obu", "order_book_update"):
            raise _Refused(f"unknown channel: {request.channel}")
        if not payload:
            raise _Refused("invalid argument: payload is empty")
        end = "" if socket.state["whole"] else CUT
        if channel == "order_book_update":
            return [self._update_name(kind, request) + end]
        for name in payload:
            native = name.removeprefix("ob.").rpartition(".")[0] if channel == "obu" else name
            self._check_listed(kind, native)
            if channel == "obu":
                if f"{request.channel}:{name}" not in self._by_topic:
                    raise _Refused(f"invalid argument: {name}")
                if request.event == "subscribe" and f"{request.channel}:{name}{end}" in socket.topics:
                    raise _Refused(f"Alert sub {name}")
        return [f"{request.channel}:{name}{end}" for name in dict.fromkeys(payload)]

    def _update_name(self, kind: MarketKind, request: _Request) -> str:
        """Payload: market, cadence, and on perpetuals the number of levels (spot's follows from the cadence)."""
        native, *others = request.payload
        self._check_listed(kind, native)
        cadence = others[0] if others else "100ms"
        levels = others[1] if len(others) > 1 else "20" if cadence == "20ms" else "100"
        name = f"{request.channel}:{native}:{cadence}:{levels}"
        if name not in self._by_topic:
            raise _Refused(f"invalid argument: {' '.join(others)}")
        return name

    def _check_listed(self, kind: MarketKind, native: str) -> None:
        market = self.markets[kind].get(native)
        if market is None or self.is_refused(market.listing.instrument.symbol):
            raise _Refused(f"{UNKNOWN[kind]}: {native}")

    def _join(self, socket: Socket, name: str) -> None:
        """Subscribe; order book V2 begins with the whole book, what is pending going to the others first."""
        kind = socket.door.market
        stream = self._by_topic.get(name.removesuffix(CUT))
        if stream is None:
            socket.subscribe(Topic(kind, name, name.partition(":")[2].removesuffix(CUT)))
            return
        stream.view.start()
        if stream.is_v2:
            self._publish_stream(stream)
            socket.push(stream.whole(self.timeline.now_ms()).text(whole=socket.state["whole"]))
        socket.subscribe(Topic(kind, name, stream.market.native, is_book=True))

    # --- what is published ---------------------------------------------------------------------------------------

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        self._publish_trades(market)
        for stream in self._streams[market.listing.key]:
            if stream.view.is_due(elapsed_ms):
                self._publish_stream(stream)
        self._publish_best(market)
        now_ms = self.timeline.now_ms()
        if market.kind is SPOT:
            if (elapsed_ms - market.phase_ms) % TICKER_PERIOD_MS == 0:
                self._send(market, "tickers", lambda whole: msgspec.json.encode(spot_ticker(market, now_ms)).decode())
        elif market.mark_beats != self._mark_beats[market.listing.key]:
            self._mark_beats[market.listing.key] = market.mark_beats
            self._send(
                market,
                "tickers",
                lambda whole: msgspec.json.encode([contract_ticker(market, now_ms, whole=whole)]).decode(),
            )

    def publish_books(self) -> None:
        for stream in self._by_topic.values():
            self._publish_stream(stream)

    def publish_updates(self, market: SimMarket) -> None:
        """Publish what is pending: a REST book joins streams at the levels that they have told."""
        for stream in self._streams[market.listing.key]:
            self._publish_stream(stream)

    def _publish_stream(self, stream: BookStream) -> None:
        kind, elapsed_ms = stream.market.kind, self.timeline.elapsed_ns // 1_000_000
        change = stream.take(self.timeline.now_ms(), elapsed_ms)
        if change is None:
            return
        for whole, name in ((True, stream.topic), (False, stream.topic + CUT)):
            if self.hub.wanted(kind, name):
                self.hub.publish(kind, name, change.text(whole=whole))

    def _send(self, market: SimMarket, channel: str, result: Callable[[bool], str]) -> None:
        """An update of a channel whose payload is markets; ``result`` is given whether sizes keep their fractions."""
        full_channel, now_ms = f"{PREFIXES[market.kind]}.{channel}", self.timeline.now_ms()
        for whole, end in ((True, ""), (False, CUT)):
            name = f"{full_channel}:{market.native}{end}"
            if self.hub.wanted(market.kind, name):
                self.hub.publish(market.kind, name, update(full_channel, now_ms, result(whole)))

    def _publish_trades(self, market: SimMarket) -> None:
        """One trade per frame on spot, all of a beat in one on perpetuals."""
        trades = market.fresh_trades
        if market.kind is LINEAR:
            if trades:
                self._send(market, "trades", lambda whole: contract_trades(market, trades, whole=whole))
            return
        for trade in trades:
            self._spot_trades += 1
            row = spot_trade(market, trade, self._spot_trades)
            self._send(market, "trades", lambda whole, row=row: msgspec.json.encode(row).decode())  # type: ignore[misc]

    def _publish_best(self, market: SimMarket) -> None:
        """When the best prices or their sizes have changed."""
        now, key = market.best(), market.listing.key
        if now is not None and now != self._best.get(key):
            self._best[key] = now
            self._send(market, "book_ticker", lambda whole: best(market, self.timeline.now_ms(), whole=whole))


def _push(socket: Socket, answer: dict[str, Any]) -> None:
    socket.push(msgspec.json.encode(answer).decode())


VENUE_FRONT = GateioFront
