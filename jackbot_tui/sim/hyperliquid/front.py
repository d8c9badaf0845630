"""The embedded exchange's Hyperliquid front: one socket for all coins and accounts, queries, and signed actions.

There are no updates of books, only pictures: the deep one (20 levels, every 5 s), the fast one (5 levels, every 0.5 s)
and the best prices with each block that changes them. Everything carries the time of its block, whose length is ours.
Frames and limits: ../shared/exchanges/hyperliquid.md §3 to §6, §8.2, §9. A subscription to trades brings the last
thirty, and one to a book its picture at once, as captured on 2025-01-26. The venue has no notice of a shutdown.

URL map: wss://api.hyperliquid.xyz/ws is ws://127.0.0.1:PORT/ws, https://api.hyperliquid.xyz is http://127.0.0.1:PORT.
"""

import re
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.cadence import Cadence
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import CLOSE_POLICY, Call, Door, Front, Page, Reply, Socket, World
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.hyperliquid.account_texts import Coins
from jackbot_tui.sim.hyperliquid.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.hyperliquid.private import Actions, NotUnderstood
from jackbot_tui.sim.hyperliquid.private_queries import AccountQueries, token_places
from jackbot_tui.sim.hyperliquid.queries import Queries, grid_of
from jackbot_tui.sim.hyperliquid.signing import Signers
from jackbot_tui.sim.hyperliquid.texts import (
    DEEP_LEVELS,
    FAST_LEVELS,
    Grid,
    best_text,
    book_text,
    context_channel,
    figures_of,
    grouped_text,
    mids_of,
    sides_text,
    spot_meta_of,
    trade_text,
)
from jackbot_tui.sim.hyperliquid.user_streams import MOST_USERS, OF_A_DEX, TYPES, UserStreams, subscriptions
from jackbot_tui.sim.keys import ApiKey
from jackbot_tui.sim.limits import Limits, SocketLimits, WeightLimiter
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms

PATH, INFO_PATH, EXCHANGE_PATH = "/ws", "/info", "/exchange"
GREETING = "Websocket connection established."
BLOCK_MS = 100
FAST_MS = 500
DEEP_MS = 5000
FIGURES_MS = 1000
MIDS_MS = 2000
TRADES_REPLAYED = 30
MINUTE_MS = 60_000
MOST_CONNECTIONS = 10
MOST_SUBSCRIPTIONS = 1000
"""Of one address, over all its connections."""

ALL_MIDS = "allMids"
_SOCKET = SocketLimits(
    messages_per_s=33, message_window_s=60.0, idle_s=60.0, pushes_count=True, streams=MOST_SUBSCRIPTIONS,
    connections_per_5min=150,
)  # fmt: skip


class _Wanted(Struct):
    """What is to be subscribed to."""

    type: str
    coin: str = ""
    fast: bool | None = None
    nSigFigs: int | None = None
    mantissa: int | None = None
    dex: str | None = None
    user: str = ""


class _Post(Struct):
    type: str
    payload: msgspec.Raw = msgspec.Raw(b"null")


class _Request(Struct):
    method: str
    subscription: msgspec.Raw = msgspec.Raw(b"null")
    id: int = 0
    request: _Post | None = None


_ADDRESS = re.compile("0x[0-9a-f]{40}")
_REQUEST = msgspec.json.Decoder(_Request)
_WANTED = msgspec.json.Decoder(_Wanted)


class _Chain:
    """One coin: what its streams have not told yet, and the last trades that they have."""

    def __init__(self, market: SimMarket) -> None:
        self.trades: list[Print] = []
        self.recent: deque[str] = deque(maxlen=TRADES_REPLAYED)
        self.best = ""
        self.blocks = Cadence(BLOCK_MS)
        self.fast = Cadence(FAST_MS, market.phase_ms)
        self.deep = Cadence(DEEP_MS, market.phase_ms)
        self.figures = Cadence(FIGURES_MS, market.phase_ms)
        self.grids: dict[str, Grid] = {}
        """Aggregated books that somebody has asked for, by topic."""


class HyperliquidFront(Front):
    """Feeds and queries of all listed coins."""

    VENUE = "hyperliquid"
    LIMITS = Limits(spot_socket=_SOCKET, linear_socket=_SOCKET, spot_weight=1200, linear_weight=1200)
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS = Terms(liquidation_fee=Decimal(0))

    def __init__(self, world: World) -> None:
        super().__init__(world)
        limits = world.limits
        self._by_coin = {native: market for markets in self.markets.values() for native, market in markets.items()}
        self._chains = {native: _Chain(market) for native, market in self._by_coin.items()}
        self._mids = Cadence(MIDS_MS)
        limiter = WeightLimiter(limits.spot_weight, limits.refusals_before_ban, 0, MINUTE_MS)
        self._queries = Queries(self, self._by_coin, lambda market: list(self._chains[market.native].recent), limiter)
        self._sockets: list[Socket] = []
        coins, self._signers = Coins(self.markets), Signers(self.accounts.keys)
        self.actions = Actions(self.accounts, coins, self._signers, self.timeline, limiter, self._replaced)
        places = token_places(spot_meta_of(list(self.markets[MarketKind.SPOT].values())))
        about = AccountQueries(self.accounts, coins, self._signers, self.actions, self.timeline, places)
        self._queries.add(about.answers())
        self._users = UserStreams(self.accounts, coins, self._signers, about, lambda: self._sockets)

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        public = ws + PATH
        return {"spot.public": public, "spot.rest": http, "linear.public": public, "linear.rest": http}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        return {"public": http, "private": http, "ws": {"public": ws + PATH}}

    def credentials(self, key: ApiKey) -> dict[str, str]:
        """The account's address, and the key that signs: its own, its agent's, or one that nobody approved."""
        return {"walletAddress": self._signers.wallet(key.account), "privateKey": f"0x{key.secret}"}

    def doors(self) -> Sequence[Door]:
        return [Door(PATH, MarketKind.SPOT)]

    def pages(self) -> Sequence[Page]:
        return [
            Page("POST", INFO_PATH, self._queries.page),
            Page("POST", EXCHANGE_PATH, self.actions.page, trades=True),
        ]

    # --- accounts ------------------------------------------------------------------------------------------------

    def account_event(self, event: AccountEvent) -> None:
        self._users.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._users.listeners(account, kind)

    def _replaced(self, before: int, after: int) -> None:
        self._users.replaced(before, after)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self._sockets.append(socket)
        if len(self._sockets) > MOST_CONNECTIONS:
            socket.end(CLOSE_POLICY, f"Cannot open more than {MOST_CONNECTIONS} connections")
            return
        socket.push(GREETING)

    def closed(self, socket: Socket) -> None:
        self._sockets.remove(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        text = message if isinstance(message, str) else message.decode(errors="replace")
        try:
            request = _REQUEST.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            _error(socket, f"Error parsing JSON into valid websocket request: {text[:500]}")
            return
        if request.method == "ping":
            socket.push('{"channel":"pong"}')
        elif request.method == "post" and request.request is not None:
            self._answer_post(socket, request.id, request.request)
        elif request.method in ("subscribe", "unsubscribe"):
            self._change(socket, request.method, request.subscription)
        else:
            _error(socket, f"Error parsing JSON into valid websocket request: {text[:500]}")

    def _answer_post(self, socket: Socket, number: int, post: _Post) -> None:
        if post.type == "info":
            response = self._queries.over_socket(post.payload)
        else:
            response = self._acted(post.payload)
            if self.faults.strikes(Chance.LOST_ANSWER):
                return
        _push(socket, "post", {"id": number, "response": response})

    def _acted(self, payload: msgspec.Raw) -> dict[str, Any]:
        try:
            return {"type": "action", "payload": self.actions.perform(bytes(payload))}
        except NotUnderstood as error:
            return {"type": "error", "payload": str(error)}
        except OverflowError:
            return {"type": "error", "payload": "429 Too Many Requests"}

    def _change(self, socket: Socket, method: str, asked: msgspec.Raw) -> None:
        words = bytes(asked).decode(errors="replace")
        try:
            wanted = _WANTED.decode(asked)
            if wanted.type in TYPES:
                self._change_user(socket, method, wanted, words)
                return
            topic = self._topic_of(wanted)
        except (msgspec.DecodeError, UnicodeError, ValueError):
            topic = None
        if topic is None:
            _error(socket, f"Invalid subscription {words}")
        elif method == "unsubscribe":
            if topic.name not in socket.topics:
                _error(socket, f"Already unsubscribed: {words}")
                return
            socket.unsubscribe(topic.name)
            _push(socket, "subscriptionResponse", {"method": method, "subscription": _completed(wanted)})
        elif topic.name in socket.topics:
            _error(socket, f"Already subscribed: {words}")
        elif self._is_full(socket):
            _error(socket, f"Cannot track more than {MOST_SUBSCRIPTIONS} total subscriptions: {words}")
        else:
            if not self.faults.strikes(Chance.NOACK):
                _push(socket, "subscriptionResponse", {"method": method, "subscription": _completed(wanted)})
            socket.subscribe(topic)
            self._greet(socket, wanted, topic)

    def _is_full(self, socket: Socket) -> bool:
        held = sum(len(each.topics) + len(subscriptions(each)) for each in self._sockets)
        return held >= self.socket_limits(socket.door).streams

    def _change_user(self, socket: Socket, method: str, wanted: _Wanted, words: str) -> None:
        """A subscription to what happens to an account."""
        user = wanted.user.lower()
        name, known = f"{wanted.type}:{user}", subscriptions(socket)
        said = {"type": wanted.type, "user": user} | ({"dex": ""} if wanted.type in OF_A_DEX else {})
        if not _ADDRESS.fullmatch(user) or wanted.dex:
            _error(socket, f"Invalid subscription {words}")
        elif method == "unsubscribe":
            if known.pop(name, None) is None:
                _error(socket, f"Already unsubscribed: {words}")
                return
            _push(socket, "subscriptionResponse", {"method": method, "subscription": said})
        elif name in known:
            _error(socket, f"Already subscribed: {words}")
        elif self._is_full(socket):
            _error(socket, f"Cannot track more than {MOST_SUBSCRIPTIONS} total subscriptions: {words}")
        elif self._users.is_full(user):
            _error(socket, f"Cannot track more than {MOST_USERS} total users.")
        else:
            if not self.faults.strikes(Chance.NOACK):
                _push(socket, "subscriptionResponse", {"method": method, "subscription": said})
            self._users.subscribe(socket, wanted.type, user)

    def _topic_of(self, wanted: _Wanted) -> Topic | None:
        """None for what there is not; ValueError for an aggregation that there is not.

        Pictures do not follow one another by sequence, so no topic is one that a ``gap`` would strike.
        """
        if wanted.type == ALL_MIDS:
            return None if wanted.dex else Topic(MarketKind.SPOT, ALL_MIDS)
        market = self._by_coin.get(wanted.coin)
        if market is None or self.is_refused(market.listing.instrument.symbol):
            return None
        name = f"{wanted.type}:{wanted.coin}"
        if wanted.type == "l2Book":
            grid = grid_of(wanted.nSigFigs, wanted.mantissa)
            if wanted.fast and grid is not None:
                raise ValueError("the fast book is not aggregated")
            if wanted.fast:
                name = f"l2Book.fast:{wanted.coin}"
            elif grid is not None:
                name = f"{name}:{grid.figures}:{grid.mantissa}"
                self._chains[market.native].grids[name] = grid
        elif wanted.type not in ("bbo", "trades", "activeAssetCtx"):
            return None
        return Topic(market.kind, name, market.native)

    def _greet(self, socket: Socket, wanted: _Wanted, topic: Topic) -> None:
        """What a new subscriber is told at once: the last trades, or the picture as it is."""
        market = self._by_coin.get(topic.native)
        if market is None:
            socket.push(self._mids_text())
            return
        chain = self._chains[market.native]
        if wanted.type == "trades":
            if chain.recent:
                socket.push(f'{{"channel":"trades","data":[{",".join(chain.recent)}]}}')
        elif wanted.type == "bbo":
            socket.push(self._best_frame(market, best_text(market)))
        elif wanted.type == "activeAssetCtx":
            socket.push(self._figures_frame(market))
        else:
            socket.push(self._book_frame(market, chain.grids.get(topic.name), fast=bool(wanted.fast)))

    # --- what is published ---------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        super().beat(elapsed_ms)
        if self._mids.is_due(elapsed_ms) and self.hub.wanted(MarketKind.SPOT, ALL_MIDS):
            self.hub.publish(MarketKind.SPOT, ALL_MIDS, self._mids_text())

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        chain = self._chains[market.native]
        chain.trades += market.fresh_trades
        if chain.blocks.is_due(elapsed_ms):
            self._publish_trades(market, chain)
            self._publish_best(market, chain)
        if chain.fast.is_due(elapsed_ms):
            self._publish_fast(market)
        if chain.deep.is_due(elapsed_ms):
            self._publish_deep(market, chain)
        name = f"activeAssetCtx:{market.native}"
        if chain.figures.is_due(elapsed_ms) and self.hub.wanted(market.kind, name):
            self.hub.publish(market.kind, name, self._figures_frame(market))

    def publish_books(self) -> None:
        for native, market in self._by_coin.items():
            self._publish_best(market, self._chains[native])
            self._publish_fast(market)
            self._publish_deep(market, self._chains[native])

    def _publish_trades(self, market: SimMarket, chain: _Chain) -> None:
        if not chain.trades:
            return
        now_ms, name = self.timeline.now_ms(), f"trades:{market.native}"
        rows = [trade_text(market, trade, now_ms) for trade in chain.trades]
        chain.trades.clear()
        chain.recent += rows
        if self.hub.wanted(market.kind, name):
            self.hub.publish(market.kind, name, f'{{"channel":"trades","data":[{",".join(rows)}]}}')

    def _publish_best(self, market: SimMarket, chain: _Chain) -> None:
        name = f"bbo:{market.native}"
        if not self.hub.wanted(market.kind, name):
            return
        best = best_text(market)
        if best != chain.best:
            chain.best = best
            self.hub.publish(market.kind, name, self._best_frame(market, best))

    def _publish_fast(self, market: SimMarket) -> None:
        name = f"l2Book.fast:{market.native}"
        if self.hub.wanted(market.kind, name):
            self.hub.publish(market.kind, name, self._book_frame(market, None, fast=True))

    def _publish_deep(self, market: SimMarket, chain: _Chain) -> None:
        name = f"l2Book:{market.native}"
        if self.hub.wanted(market.kind, name):
            self.hub.publish(market.kind, name, self._book_frame(market, None))
        for name, grid in list(chain.grids.items()):
            if self.hub.wanted(market.kind, name):
                self.hub.publish(market.kind, name, self._book_frame(market, grid))
            else:
                del chain.grids[name]

    def _book_frame(self, market: SimMarket, grid: Grid | None, *, fast: bool = False) -> str:
        depth = FAST_LEVELS if fast else DEEP_LEVELS
        sides = sides_text(market, depth) if grid is None else grouped_text(market, grid)
        return f'{{"channel":"l2Book","data":{book_text(market, sides, self.timeline.now_ms(), fast=fast)}}}'

    def _best_frame(self, market: SimMarket, best: str) -> str:
        now_ms = self.timeline.now_ms()
        return f'{{"channel":"bbo","data":{{"coin":"{market.native}","time":{now_ms},"bbo":{best}}}}}'

    def _figures_frame(self, market: SimMarket) -> str:
        data = {"coin": market.native, "ctx": figures_of(market, self.timeline.now_ms())}
        return msgspec.json.encode({"channel": context_channel(market), "data": data}).decode()

    def _mids_text(self) -> str:
        frame = {"channel": ALL_MIDS, "data": {"mids": mids_of(self._by_coin.values())}}
        return msgspec.json.encode(frame).decode()

    # --- faults --------------------------------------------------------------------------------------------------

    def overloaded(self) -> Reply:
        return Reply(b"Service Unavailable", 503, content_type="text/plain")

    def too_many_requests(self, retry_after_s: int) -> Reply:
        """No header says when to come back."""
        return Reply(b"null", 429)

    def stale(self, call: Call) -> Reply | None:
        return self._queries.stale(call)


def _completed(wanted: _Wanted) -> dict[str, Any]:
    """The subscription as it is acknowledged: defaults filled in."""
    if wanted.type == ALL_MIDS:
        return {"type": ALL_MIDS}
    whole: dict[str, Any] = {"type": wanted.type, "coin": wanted.coin}
    if wanted.type == "l2Book":
        whole |= {"nSigFigs": wanted.nSigFigs, "mantissa": wanted.mantissa}
        if wanted.fast is not None:
            whole["fast"] = wanted.fast
    return whole


def _push(socket: Socket, channel: str, data: Any) -> None:
    socket.push(msgspec.json.encode({"channel": channel, "data": data}).decode())


def _error(socket: Socket, words: str) -> None:
    _push(socket, "error", words)


VENUE_FRONT = HyperliquidFront
