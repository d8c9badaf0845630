"""The embedded exchange's Coinbase front: Advanced Trade's WebSocket and pages, spot only.

Frames and rules: ../shared/exchanges/coinbase.md §3 to §5, §8.3 and §9, and the session recorded on 9 August 2026 (no
``client_id``, times in the rows of snapshots). One counter per connection numbers all frames, answers included: it is
the only proof of a book. A USDC product shares the book of its USD twin, whose name is the only one in frames. While
the ``silence`` fault lasts nothing is taken from the books, since no number would betray what was left out; nor are
there heartbeats, since one in sequence proves every book. Channels ``candles`` and ``status`` are not played.

URL map: wss://advanced-trade-ws.coinbase.com and wss://advanced-trade-ws-user.coinbase.com are ws://127.0.0.1:PORT,
https://api.coinbase.com is http://127.0.0.1:PORT.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.coinbase.listings import DEFAULT_SYMBOLS, LISTINGS
from jackbot_tui.sim.coinbase.pages import BASE_PATH, Pages, trade_text, twin_of
from jackbot_tui.sim.coinbase.private import PRIVATE_LIMIT, USER, CoinbasePrivate, UserChannel
from jackbot_tui.sim.coinbase.private_auth import Unauthorized, key_name, pem_of
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import CLOSE_POLICY, Call, Door, Front, Page, Reply, Socket, World, json_reply
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.keys import ApiKey
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import BookView, Levels, SimMarket
from jackbot_tui.sim.past import PastBooks
from jackbot_tui.sim.requests import AccountEvent, OrderEvent
from jackbot_tui.sim.terms import FeeCurrency, Terms, UniqueIds
from jackbot_tui.sim.text import decimals, instant

SPOT = MarketKind.SPOT
BOOK_PERIOD_MS = 50
TRADES_PERIOD_MS = 250
BATCH_PERIOD_MS = 5000
HEARTBEAT_MS = 1000
WAITING_NS = 5_000_000_000
"""A connection that subscribes to nothing for so long is closed."""

SNAPSHOT_TRADES = 100
HEARTBEATS = "heartbeats"
CHANNELS = ("level2", "market_trades", "ticker", "ticker_batch")
NUMBER = "#"
"""Where a frame's number goes: each client has its own."""

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)

_SOCKET = SocketLimits(
    messages_per_s=8,
    connections_per_5min=8 * 300,
    idle_s=75.0,  # "within 60 to 90 s" without a frame
    pushes_count=True,
)


class Request(Struct):
    type: str
    channel: str
    product_ids: list[str] = []
    jwt: str = ""


_REQUEST = msgspec.json.Decoder(Request)


class CoinbaseFront(Front):
    """Feeds and pages of all listed products."""

    VENUE = "coinbase"
    LIMITS = Limits(
        spot_socket=_SOCKET,
        linear_socket=_SOCKET,
        spot_weight=10,
        linear_weight=PRIVATE_LIMIT,  # there are no perpetuals: it counts what an account asks
        window_ms=1000,
        refusals_before_ban=1_000_000,  # no ban is documented
    )
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS = Terms(fee_currency=FeeCurrency.QUOTE, unique_ids=UniqueIds.NONE)
    """A repeated client id is no mistake there: see ``private``."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._products = self.markets[SPOT]
        self._books: dict[str, BookView] = {
            native: market.view(BOOK_PERIOD_MS) for native, market in self._products.items()
        }
        self._trades: dict[str, list[Print]] = {native: [] for native in self._products}
        self._waiting: dict[Socket, int] = {}  # connections that have asked for nothing yet, and when they opened
        self._beating: list[Socket] = []
        self._due = dict.fromkeys((TRADES_PERIOD_MS, BATCH_PERIOD_MS, HEARTBEAT_MS), 0)
        self._heartbeats = 0
        self._past = PastBooks()
        self._pages = Pages(self, self._past)
        limit = world.limits.weight(MarketKind.LINEAR)
        self._private = CoinbasePrivate(self, limit, self._pages.too_many_requests)
        self._users = UserChannel(self._private, self._say_private)

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        return {"spot.public": ws, "spot.rest": http + BASE_PATH}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        return {"rest": http, "ws": ws}

    def credentials(self, key: ApiKey) -> dict[str, str]:
        return {"apiKey": key_name(key), "secret": pem_of(key)}

    def doors(self) -> Sequence[Door]:
        return [Door("/", SPOT)]

    def pages(self) -> Sequence[Page]:
        return [*self._pages.all(), *self._private.pages()]

    # --- accounts ------------------------------------------------------------------------------------------------

    def account_event(self, event: AccountEvent) -> None:
        """Of orders only: no channel tells of spot balances."""
        if isinstance(event, OrderEvent):
            self._users.tell(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._users.listeners(account)

    def _say_private(self, socket: Socket, channel: str, event: str) -> None:
        """What private silence swallows leaves no hole in the numbers: nothing betrays it."""
        if not self.faults.private_silent:
            socket.deliver_private(self._numbered(socket, self._frame(channel, event)))

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        socket.state["number"] = 0
        socket.state["subscriptions"] = {}
        self._waiting[socket] = self.timeline.elapsed_ns

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = _REQUEST.decode(message)
        except UNREADABLE:
            _refuse(socket, "Malformed JSON")
            return
        self._waiting.pop(socket, None)
        if request.type not in ("subscribe", "unsubscribe"):
            _refuse(socket, f"Type has to be either subscribe or unsubscribe, not {request.type}")
        elif request.channel == HEARTBEATS:
            self._change(socket, request.type, HEARTBEATS, HEARTBEATS)
            self._list_subscriptions(socket, request.type)
        elif request.channel == USER:
            self._change_user(socket, request)
        elif request.channel not in CHANNELS:
            _refuse(socket, f"{request.channel} is not a valid channel")
        elif not request.product_ids:
            _refuse(socket, f"no product_ids for channel {request.channel}")
        else:
            granted = [self._change_product(socket, request, product) for product in request.product_ids]
            if any(granted):
                self._list_subscriptions(socket, request.type)

    def closed(self, socket: Socket) -> None:
        self._users.unsubscribe(socket)

    def _change_user(self, socket: Socket, request: Request) -> None:
        """Every request about an account bears a token of its own."""
        try:
            if request.type == "subscribe":
                self._users.subscribe(socket, request.jwt, request.product_ids)
            else:
                self._users.unsubscribe(socket)
        except Unauthorized:
            _refuse(socket, "authentication failure")
            return
        self._list_subscriptions(socket, request.type)

    def too_many_messages(self, socket: Socket) -> None:
        _refuse(socket, "rate limit exceeded")

    def dress(self, socket: Socket, topic: Topic, frame: str | bytes) -> str | bytes:
        """Each frame bears the next number of its connection: what a fault loses leaves a hole."""
        return self._numbered(socket, str(frame))

    def _numbered(self, socket: Socket, frame: str) -> str:
        number = socket.state["number"]
        socket.state["number"] = number + 1
        return frame.replace(NUMBER, str(number), 1)

    def _change_product(self, socket: Socket, request: Request, product: str) -> bool:
        """Whether the request is granted for this product."""
        native = product if product in self._products else twin_of(product)
        market = self._products.get(native)
        if market is None or self.is_refused(market.listing.instrument.symbol):
            _refuse(socket, f"Failed to subscribe: {product} is not a valid product")
            return False
        if self._change(socket, request.type, request.channel, native) and request.type == "subscribe":
            self._greet(socket, market, request.channel)
        return True

    def _change(self, socket: Socket, action: str, channel: str, native: str) -> bool:
        """Note a subscription or its end; whether that is news."""
        held: dict[str, list[str]] = socket.state["subscriptions"]
        names = held.setdefault(channel, [])
        is_new = (native in names) == (action == "unsubscribe")
        if is_new and action == "subscribe":
            names.append(native)
            if channel == HEARTBEATS:
                socket.subscribe(Topic(SPOT, HEARTBEATS))
                self._beating.append(socket)
        elif is_new:
            names.remove(native)
            socket.unsubscribe(HEARTBEATS if channel == HEARTBEATS else f"{channel}:{native}")
        if not names:
            del held[channel]
        return is_new

    def _greet(self, socket: Socket, market: SimMarket, channel: str) -> None:
        """The snapshot that every subscription begins with, at the point where the stream of updates stands."""
        native = market.native
        match channel:
            case "level2":
                view = self._books[native]
                view.start()
                self._publish_book(market, view)
                self._say(socket, "l2_data", self._book_event(market, "snapshot", *view.levels()))
            case "market_trades":
                self._publish_trades(market)
                history = list(market.history.trades)[-SNAPSHOT_TRADES:]
                self._say(socket, channel, self._trades_event(market, "snapshot", history))
            case _:
                self._say(socket, channel, self._ticker_event(market, "snapshot", channel))
        socket.subscribe(Topic(SPOT, f"{channel}:{native}", native, is_book=channel == "level2"))

    def _list_subscriptions(self, socket: Socket, action: str) -> None:
        """The answer to whatever was asked: all that this connection has now."""
        if action == "subscribe" and self.faults.strikes(Chance.NOACK):
            return
        held = dict(socket.state["subscriptions"])
        if names := self._users.names(socket):
            held[USER] = names
        held = dict(sorted(held.items()))
        self._say(socket, "subscriptions", msgspec.json.encode({"subscriptions": held}).decode())

    def _say(self, socket: Socket, channel: str, event: str) -> None:
        """A frame for one client that faults leave alone."""
        socket.push(self._numbered(socket, self._frame(channel, event)))

    def _frame(self, channel: str, event: str) -> str:
        when = instant(self.timeline.now_ns(), 9)
        return f'{{"channel":"{channel}","timestamp":"{when}","sequence_num":{NUMBER},"events":[{event}]}}'

    # --- the market's beat ---------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        due = {period for period, at in self._due.items() if elapsed_ms >= at}
        self._due.update({period: elapsed_ms - elapsed_ms % period + period for period in due})
        super().beat(elapsed_ms)
        if not self.faults.silent:
            for market in self._products.values() if TRADES_PERIOD_MS in due else ():
                self._publish_trades(market)
            for market in self._products.values() if BATCH_PERIOD_MS in due else ():
                self._publish_ticker(market, "ticker_batch")
            if HEARTBEAT_MS in due:
                self._send_heartbeats()
        if HEARTBEAT_MS in due:
            self._close_waiting()
        if self.faults.chance(Chance.STALE_SNAPSHOT):
            self._past.remember(self._products.values(), elapsed_ms)

    def _send_heartbeats(self) -> None:
        """A connection that ended has no topics left."""
        self._heartbeats += 1
        moment = instant(self.timeline.now_ns(), 9).replace("T", " ").removesuffix("Z")
        clock = f"{moment} +0000 UTC m=+{self.timeline.elapsed_ns / 1e9:.9f}"
        self._beating = [socket for socket in self._beating if HEARTBEATS in socket.topics]
        for socket in self._beating:
            self._say(socket, HEARTBEATS, f'{{"current_time":"{clock}","heartbeat_counter":{self._heartbeats}}}')

    def _close_waiting(self) -> None:
        for socket, opened_ns in list(self._waiting.items()):
            if self.timeline.elapsed_ns - opened_ns >= WAITING_NS:
                del self._waiting[socket]
                socket.end(CLOSE_POLICY, "no subscription within 5 seconds")

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        self._trades[market.native].extend(market.fresh_trades)
        if self.faults.silent:
            return
        view = self._books[market.native]
        if view.is_due(elapsed_ms):
            self._publish_book(market, view)
        if market.fresh_trades:
            self._publish_ticker(market, "ticker")

    def publish_books(self) -> None:
        for native, view in self._books.items():
            self._publish_book(self._products[native], view)

    def _publish_book(self, market: SimMarket, view: BookView) -> None:
        changes = None if self.faults.silent else view.take()
        name = f"level2:{market.native}"
        if changes is not None and self.hub.wanted(SPOT, name):
            self.hub.publish(SPOT, name, self._frame("l2_data", self._book_event(market, "update", *changes)))

    def _publish_trades(self, market: SimMarket) -> None:
        prints = self._trades[market.native]
        if self.faults.silent or not prints:
            return
        name = f"market_trades:{market.native}"
        if self.hub.wanted(SPOT, name):
            self.hub.publish(SPOT, name, self._frame("market_trades", self._trades_event(market, "update", prints)))
        prints.clear()

    def _publish_ticker(self, market: SimMarket, channel: str) -> None:
        name = f"{channel}:{market.native}"
        if self.hub.wanted(SPOT, name):
            self.hub.publish(SPOT, name, self._frame(channel, self._ticker_event(market, "update", channel)))

    # --- texts ---------------------------------------------------------------------------------------------------

    def _book_event(self, market: SimMarket, kind: str, bids: Levels, asks: Levels) -> str:
        price_text, size_text, when = market.text.price, market.text.quantity, instant(self.timeline.now_ns())
        rows = [
            f'{{"side":"{side}","event_time":"{when}","price_level":"{price_text(price)}",'
            f'"new_quantity":"{size_text(size)}"}}'
            for side, levels in (("bid", bids), ("offer", asks))
            for price, size in levels
        ]
        return f'{{"type":"{kind}","product_id":"{market.native}","updates":[{",".join(rows)}]}}'

    def _trades_event(self, market: SimMarket, kind: str, prints: Sequence[Print]) -> str:
        return f'{{"type":"{kind}","trades":[{",".join(trade_text(market, trade) for trade in reversed(prints))}]}}'

    def _ticker_event(self, market: SimMarket, kind: str, channel: str) -> str:
        text, day = market.text, market.history.day(self.timeline.now_ms())
        row: dict[str, Any] = {
            "type": channel,
            "product_id": market.native,
            "price": text.price(day.close),
            "volume_24_h": text.quantity(day.quantity),
            "low_24_h": text.price(day.low),
            "high_24_h": text.price(day.high),
            "low_52_w": text.price(day.low),
            "high_52_w": text.price(day.high),
            "price_percent_chg_24_h": decimals((day.close - day.open) / day.open * 100, 14),
        }
        if channel == "ticker":
            bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
            row["best_bid"], row["best_ask"] = text.price(bid), text.price(ask)
            row["best_bid_quantity"], row["best_ask_quantity"] = text.quantity(bid_size), text.quantity(ask_size)
        return msgspec.json.encode({"type": kind, "tickers": [row]}).decode()

    # --- REST ----------------------------------------------------------------------------------------------------

    def overloaded(self) -> Reply:
        words = "The service is unavailable"
        return json_reply({"error": "UNAVAILABLE", "error_details": words, "message": words}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return self._pages.too_many_requests(retry_after_s)

    def stale(self, call: Call) -> Reply | None:
        return self._pages.stale(call)


def _refuse(socket: Socket, words: str) -> None:
    """An error bears no number and names no request."""
    socket.push(msgspec.json.encode({"type": "error", "message": words}).decode())


VENUE_FRONT = CoinbaseFront
