"""The embedded exchange's Crypto.com front: spot and perpetuals over one market socket, and the public pages.

Frames and rules: ../shared/exchanges/cryptocom.md §3 to §6 and §8. Books are 10 or 50 levels deep: whole every 500 ms,
or one snapshot and linked updates, as the subscription says; an update without levels comes after 5 s without a change.
ccxt subscribes under a name that the documents do not know, and is served whole books.

What needs a key is in ``private``; this module ties it to paths and sockets.

URL map: wss://stream.crypto.com/exchange/v1/market is ws://127.0.0.1:PORT/exchange/v1/market (``/user`` alike),
https://api.crypto.com/exchange/v1 is http://127.0.0.1:PORT/exchange/v1.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.budgets import Budget
from jackbot_tui.sim.cadence import Cadence
from jackbot_tui.sim.cryptocom.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.cryptocom.pages import CryptocomPages, refusal, row_of_trade, ticker_of
from jackbot_tui.sim.cryptocom.private import USER, CryptocomPrivate
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Call, Door, Front, Page, Reply, Socket, World
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import BookView, Levels, SimMarket
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms, UniqueIds
from jackbot_tui.sim.text import decimals

MARKET_PATH = "/exchange/v1/market"
DEPTHS = (10, 50)
WHOLE_PERIOD_MS = 500
UPDATE_PERIODS_MS = (10, 100)
UNCHANGED_MS = 5000
TRADES_AT_FIRST = 50
MAX_CHANNELS = 400
HOUR_MS = 3_600_000
PUBLIC_BUDGET = Budget(100, 1_000)
FIRST_HEARTBEAT_ID = 1_587_523_073_344
_SOCKET = SocketLimits(messages_per_s=100, asks_every_s=30.0, answer_within_s=5.0, streams=MAX_CHANNELS)


class _Wanted(Struct, frozen=True):
    """A channel of a subscription. ``period_ms`` 0: whole books. ``depth`` 0: no book."""

    name: str
    channel: str
    native: str
    depth: int = 0
    period_ms: int = 0

    @property
    def topic(self) -> str:
        """Books of one channel differ by what else was asked for."""
        return f"{self.name}#{self.period_ms}" if self.depth else self.name


class _Linked(Struct):
    """One chain of updates: its view and when it last said anything."""

    market: SimMarket
    wanted: _Wanted
    view: BookView
    sent_ms: int = 0


class CryptocomFront(Front):
    """Feeds and pages of all listed markets."""

    VENUE = "cryptocom"
    LIMITS = Limits(spot_socket=_SOCKET, linear_socket=_SOCKET, spot_weight=100, linear_weight=100, window_ms=1000)
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS: ClassVar[Terms] = Terms(
        refuses_post_only=False, unique_ids=UniqueIds.ALL, trigger_keeps_id=frozenset(), one_wallet=True
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._by_native = {native: market for markets in self.markets.values() for native, market in markets.items()}
        self._pages = CryptocomPages(self._by_native, self.timeline)
        self._linked: dict[str, dict[str, _Linked]] = {native: {} for native in self._by_native}
        self._whole = {native: Cadence(WHOLE_PERIOD_MS, m.phase_ms) for native, m in self._by_native.items()}
        self._mark_beats = dict.fromkeys(self._by_native, 0)
        self._tickers: dict[str, tuple[int, int, int, int]] = {}
        self._heartbeats = FIRST_HEARTBEAT_ID
        relaxed = world.limits.spot_weight // self.LIMITS.spot_weight
        self._private = CryptocomPrivate(self.accounts, self._by_native, self.timeline, self.faults, relaxed)
        self.budgets = self._private.budgets
        """What pages were asked for of their limits, public ones included."""

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        public, rest = ws + MARKET_PATH, f"{http}/exchange/v1"
        return {"spot.public": public, "spot.rest": rest, "linear.public": public, "linear.rest": rest}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        sockets = {"public": f"{ws}/exchange/v1/market", "private": f"{ws}/exchange/v1/user"}
        return {"v1": f"{http}/exchange/v1", "ws": sockets}

    def doors(self) -> Sequence[Door]:
        return [Door(MARKET_PATH, MarketKind.SPOT), *self._private.doors()]

    def pages(self) -> Sequence[Page]:
        public = [Page(page.method, page.path, self._counted(page.answer)) for page in self._pages.pages()]
        return [*public, *self._private.pages()]

    def _counted(self, answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """``answer``, at most 100 times a second and page (cryptocom.md §9)."""

        def counted(call: Call) -> Reply:
            if not self._private.budgets.admit(call.path, PUBLIC_BUDGET, self.timeline.now_ms()):
                return self.too_many_requests(1)
            return answer(call)

        return counted

    # --- accounts ------------------------------------------------------------------------------------------------

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def expire_tokens(self) -> None:
        self._private.end_sessions()

    def lost_in_between(self) -> Reply:
        return refusal("", 40801, "REQUEST_TIMEOUT", 503)

    # --- faults --------------------------------------------------------------------------------------------------

    def overloaded(self) -> Reply:
        return refusal("", 50001, "ERR_INTERNAL", 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return refusal("", 42901, "RATE_LIMIT_EXCEEDED", 429)

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def ask_alive(self, socket: Socket) -> None:
        self._heartbeats += 1
        socket.state["asked"] = self._heartbeats
        socket.push(f'{{"id":{self._heartbeats},"method":"public/heartbeat","code":0}}')

    def opened(self, socket: Socket) -> None:
        if socket.door.role == USER:
            self._private.opened(socket)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = msgspec.json.decode(message)
            method, request_id = request["method"], request.get("id", -1)
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            _refuse(socket, -1, "ERROR", 40003, "INVALID_REQUEST", message)
            return
        if method == "public/respond-heartbeat":
            if request_id == socket.state.get("asked"):
                socket.answered()
            return
        if socket.door.role == USER:
            self._private.received(socket, request)
            self.publish_accounts()
            return
        try:
            params = request["params"]
            wanted = [_wanted(name, params) for name in params["channels"]]
        except (KeyError, TypeError, AttributeError, ValueError):
            _refuse(socket, request_id, method, 40004, "MISSING_OR_INVALID_ARGUMENT", message)
            return
        if method == "unsubscribe":
            for each in wanted:
                for name in [topic for topic in socket.topics if topic.partition("#")[0] == each.name]:
                    socket.unsubscribe(name)
            socket.push(msgspec.json.encode({"id": request_id, "method": method, "code": 0}).decode())
        elif method == "subscribe":
            self._subscribe(socket, request_id, wanted, message)
        else:
            _refuse(socket, request_id, method, 40003, "INVALID_REQUEST", message)

    def _subscribe(self, socket: Socket, request_id: Any, wanted: list[_Wanted], message: str | bytes) -> None:
        """All channels of a frame or none."""
        markets = [self._market_of(each) for each in wanted]
        if any(market is None or self.is_refused(market.listing.instrument.symbol) for market in markets):
            _refuse(socket, request_id, "subscribe", 40003, "INVALID_REQUEST: unknown channel", message)
            return
        if len({*socket.topics, *(each.topic for each in wanted)}) > self.socket_limits(socket.door).streams:
            _refuse(socket, request_id, "subscribe", 40107, "EXCEED_MAX_SUBSCRIPTIONS", message)
            return
        if not self.faults.strikes(Chance.NOACK):
            socket.push(msgspec.json.encode({"id": request_id, "method": "subscribe", "code": 0}).decode())
        for each, market in zip(wanted, markets, strict=True):
            assert market is not None
            topic = Topic(market.kind, each.topic, market.native, is_book=each.depth > 0)
            if each.depth:
                self._greet_with_book(socket, topic, market, each)
            else:
                socket.subscribe(topic)
                self._greet(socket, market, each)

    def _market_of(self, wanted: _Wanted) -> SimMarket | None:
        native = wanted.native
        if wanted.channel == "index":
            native = f"{native.removesuffix('-INDEX')}-PERP"
        market = self._by_native.get(native)
        needs_mark = wanted.channel in ("mark", "index", "funding", "estimatedfunding")
        return None if market is None or (needs_mark and market.marks is None) else market

    def _greet_with_book(self, socket: Socket, topic: Topic, market: SimMarket, wanted: _Wanted) -> None:
        """The snapshot, at the point where the chain of updates stands: pending changes are published first."""
        if not wanted.period_ms:
            bids, asks = (market.engine.depth(side, wanted.depth) for side in (Side.BUY, Side.SELL))
            socket.push(self._whole_text(market, wanted, bids, asks, market.engine.last_update_id))
        else:
            linked = self._linked[market.native].get(topic.name)
            if linked is None:
                view = market.view(wanted.period_ms, wanted.depth, trims_itself=True)
                linked = self._linked[market.native][topic.name] = _Linked(market, wanted, view)
            linked.view.start()
            self._publish_linked(linked)
            bids, asks = linked.view.levels()
            socket.push(self._whole_text(market, wanted, bids, asks, linked.view.last_id))
        socket.subscribe(topic)

    def _greet(self, socket: Socket, market: SimMarket, wanted: _Wanted) -> None:
        """What a channel sends at once: the last trades, the values as they are."""
        match wanted.channel:
            case "trade":
                latest = list(market.history.trades)[-TRADES_AT_FIRST:]
                rows = [row_of_trade(market, trade) for trade in reversed(latest)]
                if rows:
                    socket.push(_frame(wanted, market.native, rows))
            case "mark" | "index" | "funding" | "estimatedfunding":
                socket.push(self._value_text(market, wanted))

    # --- what is published ---------------------------------------------------------------------------------------

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        native, hub, kind = market.native, self.hub, market.kind
        name = f"trade.{native}"
        if market.fresh_trades and hub.wanted(kind, name):
            rows = [row_of_trade(market, trade) for trade in reversed(market.fresh_trades)]
            hub.publish(kind, name, _frame(_Wanted(name, "trade", native), native, rows))
        for linked in self._linked[native].values():
            if linked.view.is_due(elapsed_ms):
                self._publish_linked(linked)
                if elapsed_ms - linked.sent_ms >= UNCHANGED_MS:
                    self._send_linked(linked, [], [], linked.view.last_id)
        if self._whole[native].is_due(elapsed_ms):
            self._publish_whole(market)
        self._publish_ticker(market)
        if market.marks is not None and market.mark_beats != self._mark_beats[native]:
            self._mark_beats[native] = market.mark_beats
            for channel, of in _value_channels(native):
                if hub.wanted(kind, f"{channel}.{of}"):
                    wanted = _Wanted(f"{channel}.{of}", channel, of)
                    hub.publish(kind, wanted.name, self._value_text(market, wanted))

    def publish_books(self) -> None:
        for native, chains in self._linked.items():
            for linked in chains.values():
                self._publish_linked(linked)
            self._publish_whole(self._by_native[native])

    def _publish_linked(self, linked: _Linked) -> None:
        previous = linked.view.last_id
        changes = linked.view.take()
        if changes is not None:
            self._send_linked(linked, *changes, previous)

    def _send_linked(self, linked: _Linked, bids: Levels, asks: Levels, previous: int) -> None:
        linked.sent_ms = self.timeline.elapsed_ns // 1_000_000
        market, wanted, now_ms = linked.market, linked.wanted, self.timeline.now_ms()
        if self.hub.wanted(market.kind, wanted.topic):
            update = f'{{"asks":{_levels(market, Side.SELL, asks)},"bids":{_levels(market, Side.BUY, bids)}}}'
            ids = f'"t":{now_ms},"tt":{now_ms},"u":{linked.view.last_id},"pu":{previous}'
            data = f'{{"update":{update},{ids}}}'
            self.hub.publish(market.kind, wanted.topic, _book_frame(market.native, wanted, "book.update", data))

    def _publish_whole(self, market: SimMarket) -> None:
        for depth in DEPTHS:
            name = f"book.{market.native}.{depth}"
            wanted = _Wanted(name, "book", market.native, depth)
            if self.hub.wanted(market.kind, wanted.topic):
                bids, asks = (market.engine.depth(side, depth) for side in (Side.BUY, Side.SELL))
                text = self._whole_text(market, wanted, bids, asks, market.engine.last_update_id)
                self.hub.publish(market.kind, wanted.topic, text)

    def _whole_text(self, market: SimMarket, wanted: _Wanted, bids: Levels, asks: Levels, last_id: int) -> str:
        now_ms = self.timeline.now_ms()
        sides = f'"asks":{_levels(market, Side.SELL, asks)},"bids":{_levels(market, Side.BUY, bids)}'
        return _book_frame(market.native, wanted, "book", f'{{{sides},"t":{now_ms},"tt":{now_ms},"u":{last_id}}}')

    def _publish_ticker(self, market: SimMarket) -> None:
        name, best = f"ticker.{market.native}", market.best()
        if best is None or not self.hub.wanted(market.kind, name) or best == self._tickers.get(market.native):
            return
        self._tickers[market.native] = best
        row = ticker_of(market, self.timeline.now_ms())
        self.hub.publish(market.kind, name, _frame(_Wanted(name, "ticker", market.native), market.native, [row]))

    def _value_text(self, market: SimMarket, wanted: _Wanted) -> str:
        marks = market.marks
        assert marks is not None
        places = market.listing.instrument.price_places + 2
        match wanted.channel:
            case "mark":
                value = decimals(marks.mark, places)
            case "index":
                value = decimals(marks.index, places)
            case _:
                value = decimals(marks.rate, 9)
        return _frame(wanted, wanted.native, [{"v": value, "t": self.timeline.now_ms()}])


def _wanted(name: str, params: Mapping[str, Any]) -> _Wanted:
    """A channel name, read; ValueError when there is none of that form. Without a known type a book comes whole."""
    channel, _, rest = name.partition(".")
    if channel != "book":
        if channel not in ("trade", "ticker", "mark", "index", "funding", "estimatedfunding"):
            raise ValueError(name)
        return _Wanted(name, channel, rest)
    native, _, depth = rest.rpartition(".")
    if not depth.isdigit() or int(depth) not in DEPTHS:
        raise ValueError(name)
    if params.get("book_subscription_type", "SNAPSHOT") == "SNAPSHOT":
        return _Wanted(name, channel, native, int(depth))
    period_ms = params.get("book_update_frequency", UPDATE_PERIODS_MS[0])
    if params["book_subscription_type"] != "SNAPSHOT_AND_UPDATE" or period_ms not in UPDATE_PERIODS_MS:
        raise ValueError(name)
    return _Wanted(name, channel, native, int(depth), period_ms)


def _value_channels(native: str) -> list[tuple[str, str]]:
    index = f"{native.removesuffix('-PERP')}-INDEX"
    return [("mark", native), ("index", index), ("funding", native), ("estimatedfunding", native)]


def _frame(wanted: _Wanted, native: str, rows: list[dict[str, Any]]) -> str:
    result = {"instrument_name": native, "subscription": wanted.name, "channel": wanted.channel, "data": rows}
    return msgspec.json.encode({"id": -1, "method": "subscribe", "code": 0, "result": result}).decode()


def _book_frame(native: str, wanted: _Wanted, channel: str, data: str) -> str:
    return (
        f'{{"id":-1,"method":"subscribe","code":0,"result":{{"instrument_name":"{native}","subscription":"{wanted.name}",'
        f'"channel":"{channel}","depth":{wanted.depth},"data":[{data}]}}}}'
    )


def _levels(market: SimMarket, side: Side, levels: Levels) -> str:
    """``["61000.0","0.5000","2"]``: the last is the number of orders, a size of 0 deletes."""
    text, orders = market.text, market.engine.queue_length
    rows = [
        f'["{text.price(price)}","{text.quantity(size)}","{orders(side, price)}"]'
        if size
        else f'["{text.price(price)}","0","0"]'
        for price, size in levels
    ]
    return f"[{','.join(rows)}]"


def _refuse(socket: Socket, request_id: Any, method: str, code: int, words: str, original: str | bytes) -> None:
    text = original if isinstance(original, str) else original.decode(errors="replace")
    answer = {"id": request_id, "method": method, "code": code, "message": words, "original": text[:500]}
    socket.push(msgspec.json.encode(answer).decode())


VENUE_FRONT = CryptocomFront
