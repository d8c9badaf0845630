"""Kraken's spot streams: WebSocket v2, books proved by checksum, trades, tickers, instruments (kraken.md §3.1, §4.1).

Owned by the front. Numbers are JSON numbers written with the pair's own decimals, as the checksum counts them. While
the ``silence`` fault lasts nothing is taken from the books: what changed meanwhile is told afterwards, since no number
would betray a lost update.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import Side
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Front, Socket
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.kraken.listings import SPOT_QTY_PLACES, own_code
from jackbot_tui.sim.market import BookView, Levels, SimMarket
from jackbot_tui.sim.text import decimals, instant

DEPTHS = (10, 25, 100, 500, 1000)
DEFAULT_DEPTH = 10
CHECKED_LEVELS = 10
"""Levels a side that the checksum runs over, whatever the depth."""

SNAPSHOT_TRADES = 50
HEARTBEAT_MS = 1000
"""A heartbeat goes to whoever has been told nothing for so long."""

VERSION = "2.0.10"
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


class Params(Struct):
    channel: str
    symbol: list[str] = []
    depth: int = DEFAULT_DEPTH
    snapshot: bool | None = None
    event_trigger: str = "trades"


class Request(Struct):
    method: str
    params: Params | None = None
    req_id: int | None = None


_REQUEST = msgspec.json.Decoder(Request)


class SpotStreams:
    """Feeds of all listed pairs, by the WebSocket's own names (``BTC/USD``)."""

    def __init__(self, front: Front, markets: dict[str, SimMarket]) -> None:
        self._front = front
        self._hub, self._faults, self._timeline = front.hub, front.faults, front.timeline
        self._markets = markets
        self._books: dict[str, dict[int, BookView]] = {
            native: {depth: market.view(0, depth, trims_itself=True) for depth in DEPTHS}
            for native, market in markets.items()
        }
        self._best: dict[str, tuple[int, int, int, int]] = {}
        self._listening: list[Socket] = []
        self._owed: list[tuple[Socket, Topic, int]] = []
        self._connections = 0

    # --- requests ------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self._connections += 1
        socket.state["connection_id"] = 13_834_774_380_200_032_000 + self._connections
        self.tell_status(socket, "online")

    def tell_status(self, socket: Socket, system: str) -> None:
        """The mode of the trading engine: ``online``, ``maintenance`` …"""
        row = {
            "version": VERSION,
            "system": system,
            "api_version": "v2",
            "connection_id": socket.state["connection_id"],
        }
        _push(socket, {"channel": "status", "type": "update", "data": [row]})

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = _REQUEST.decode(message)
        except UNREADABLE:
            self._refuse(socket, Request("error"), "Malformed request")
            return
        match request:
            case Request(method="ping"):
                self._answer(socket, request, {})
            case Request(method="subscribe" | "unsubscribe", params=Params(channel="instrument") as params):
                self._instruments(socket, request, params)
            case Request(method="subscribe" | "unsubscribe", params=Params() as params):
                for native in params.symbol:
                    self._change(socket, request, params, native)
            case _:
                self._refuse(socket, request, "Malformed request")

    def refuse_rate(self, socket: Socket) -> None:
        """The client sends too fast; its message is left unread."""
        self._refuse(socket, Request("error"), "Exceeded msg rate")

    def _change(self, socket: Socket, request: Request, params: Params, native: str) -> None:
        """One symbol of a request: each is answered for itself."""
        market = self._markets.get(native)
        if market is None or self._front.is_refused(market.listing.instrument.symbol):
            self._refuse(socket, request, f"Currency pair not supported {native}", native)
            return
        name, shown = _topic_and_result(params, native)
        if not name:
            self._refuse(socket, request, shown["error"], native)
        elif request.method == "unsubscribe":
            if name not in socket.topics:
                self._refuse(socket, request, "Subscription Not Found", native)
                return
            socket.unsubscribe(name)
            self._answer(socket, request, {"result": {key: shown[key] for key in shown if key != "snapshot"}})
        elif name in socket.topics:
            self._refuse(socket, request, "Already subscribed", native)
        else:
            if not self._faults.strikes(Chance.NOACK):
                self._answer(socket, request, {"result": shown})
            self._subscribe(socket, market, params, Topic(market.kind, name, native, params.channel == "book"))

    def _subscribe(self, socket: Socket, market: SimMarket, params: Params, topic: Topic) -> None:
        self._listen(socket)
        match params.channel:
            case "book" if params.snapshot is False:
                self._books[market.native][params.depth].start()
                socket.subscribe(topic)
            case "book" if self._faults.silent:
                socket.subscribe(topic)
                self._owed.append((socket, topic, params.depth))
            case "book":
                self._greet_with_book(socket, market, topic, params.depth)
            case "trade":
                if params.snapshot:
                    socket.push(self._trades_text(market, "snapshot", list(market.history.trades)[-SNAPSHOT_TRADES:]))
                socket.subscribe(topic)
            case _:
                if params.snapshot is not False and market.best() is not None:
                    socket.push(self._ticker_text(market, "snapshot"))
                socket.subscribe(topic)

    def _listen(self, socket: Socket) -> None:
        self.note_sent(socket)
        if socket not in self._listening:
            self._listening.append(socket)

    def _greet_with_book(self, socket: Socket, market: SimMarket, topic: Topic, depth: int) -> None:
        """The snapshot at the point where the stream of updates stands: pending changes are published first."""
        view = self._books[market.native][depth]
        view.start()
        self._publish_book(market, depth, view)
        socket.push(self._book_text(market, "snapshot", *view.levels()))
        socket.subscribe(topic)

    def _instruments(self, socket: Socket, request: Request, params: Params) -> None:
        """Reference data of all pairs: they never change here, so that there is nothing but the snapshot."""
        name = "instrument"
        if request.method == "unsubscribe":
            socket.unsubscribe(name)
            self._answer(socket, request, {"result": {"channel": name}})
            return
        if not self._faults.strikes(Chance.NOACK):
            self._answer(socket, request, {"result": {"channel": name, "snapshot": params.snapshot is not False}})
        socket.subscribe(Topic(socket.door.market, name))
        self._listen(socket)
        if params.snapshot is not False:
            data = {"assets": _assets(self._markets), "pairs": [_pair(market) for market in self._markets.values()]}
            _push(socket, {"channel": name, "type": "snapshot", "data": data})

    def _answer(self, socket: Socket, request: Request, content: dict[str, Any]) -> None:
        now = instant(self._timeline.now_ns())
        answer: dict[str, Any] = {"method": "pong" if request.method == "ping" else request.method}
        if request.req_id is not None:
            answer["req_id"] = request.req_id
        answer |= content
        if "result" in content:
            answer["success"] = True
        _push(socket, answer | {"time_in": now, "time_out": now})

    def _refuse(self, socket: Socket, request: Request, words: str, native: str = "") -> None:
        now = instant(self._timeline.now_ns())
        answer: dict[str, Any] = {"error": words, "method": request.method}
        if request.req_id is not None:
            answer["req_id"] = request.req_id
        answer["success"] = False
        if native:
            answer["symbol"] = native
        _push(socket, answer | {"time_in": now, "time_out": now})

    # --- what is published ---------------------------------------------------------------------------------------

    def note_sent(self, socket: Socket) -> None:
        """Something goes to this client now: no heartbeat is due for a while."""
        socket.state["told_ns"] = self._timeline.elapsed_ns

    def beat(self, elapsed_ms: int) -> None:
        """Heartbeats, and the snapshots that silence held back. Connections that ended have no topics left."""
        if self._owed and not self._faults.silent:
            owed, self._owed = self._owed, []
            for socket, topic, depth in owed:
                if topic.name in socket.topics:
                    socket.unsubscribe(topic.name)
                    self._greet_with_book(socket, self._markets[topic.native], topic, depth)
        self._listening = [socket for socket in self._listening if socket.topics]
        for socket in self._listening:
            if elapsed_ms - socket.state["told_ns"] // 1_000_000 >= HEARTBEAT_MS:
                self.note_sent(socket)
                socket.push('{"channel":"heartbeat"}')

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        if self._faults.silent or self._owed:
            return
        native, hub = market.native, self._hub
        trades = market.fresh_trades
        if trades and hub.wanted(market.kind, f"trade:{native}"):
            for _, prints in groupby(trades, key=lambda trade: trade.taker):
                hub.publish(market.kind, f"trade:{native}", self._trades_text(market, "update", list(prints)))
        for depth, view in self._books[native].items():
            if view.is_due(elapsed_ms):
                self._publish_book(market, depth, view)
        best = market.best()
        if best is None:
            return
        if trades and hub.wanted(market.kind, f"ticker-trades:{native}"):
            hub.publish(market.kind, f"ticker-trades:{native}", self._ticker_text(market, "update"))
        if best != self._best.get(native) and hub.wanted(market.kind, f"ticker-bbo:{native}"):
            self._best[native] = best
            hub.publish(market.kind, f"ticker-bbo:{native}", self._ticker_text(market, "update"))

    def publish_books(self) -> None:
        if self._faults.silent:
            return
        for native, views in self._books.items():
            for depth, view in views.items():
                if view.active:
                    self._publish_book(self._markets[native], depth, view)

    def _publish_book(self, market: SimMarket, depth: int, view: BookView) -> None:
        changes = view.take()
        name = f"book-{depth}:{market.native}"
        if changes is not None and self._hub.wanted(market.kind, name):
            self._hub.publish(market.kind, name, self._book_text(market, "update", *changes))

    def _book_text(self, market: SimMarket, kind: str, bids: Levels, asks: Levels) -> str:
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{market.native}",'
            f'"bids":{_levels(market, bids)},"asks":{_levels(market, asks)},'
            f'"checksum":{self._checksum(market)},"timestamp":"{instant(self._timeline.now_ns())}"}}]}}'
        )

    def _checksum(self, market: SimMarket) -> int:
        engine = market.engine
        true = checksum(market, engine.depth(Side.BUY, CHECKED_LEVELS), engine.depth(Side.SELL, CHECKED_LEVELS))
        return true ^ 1 if self._faults.strikes(Chance.CHECKSUM) else true

    def _trades_text(self, market: SimMarket, kind: str, prints: Sequence[Print]) -> str:
        text, rows = market.text, list[str]()
        for trade in prints:
            side = "sell" if trade.buyer_is_maker else "buy"
            rows.append(
                f'{{"symbol":"{market.native}","side":"{side}","price":{text.price(trade.price)},'
                f'"qty":{text.quantity(trade.quantity)},"ord_type":"limit","trade_id":{trade.trade_id},'
                f'"timestamp":"{instant(trade.ms * 1_000_000)}"}}'
            )
        return f'{{"channel":"trade","type":"{kind}","data":[{",".join(rows)}]}}'

    def _ticker_text(self, market: SimMarket, kind: str) -> str:
        text, places = market.text, market.listing.price_places
        tick = float(market.listing.instrument.tick)
        bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
        day = market.history.day(self._timeline.now_ms())
        vwap = day.value / day.quantity * tick if day.quantity else day.close * tick
        change = decimals((day.close - day.open) * tick, places)
        percent = decimals((day.close - day.open) / day.open * 100, 2)
        return (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{market.native}",'
            f'"bid":{text.price(bid)},"bid_qty":{text.quantity(bid_size)},'
            f'"ask":{text.price(ask)},"ask_qty":{text.quantity(ask_size)},"last":{text.price(day.close)},'
            f'"volume":{text.quantity(day.quantity)},"vwap":{decimals(vwap, places)},'
            f'"low":{text.price(day.low)},"high":{text.price(day.high)},"change":{change},"change_pct":{percent}}}]}}'
        )


def checksum(market: SimMarket, bids: Levels, asks: Levels) -> int:
    """CRC-32 over the digits of asks, then bids, best first: price and size without point and leading zeros."""
    text = market.text
    digits = [
        written.replace(".", "").lstrip("0")
        for price, size in (*asks, *bids)
        for written in (text.price(price), text.quantity(size))
    ]
    return crc32("".join(digits).encode())


def _levels(market: SimMarket, levels: Levels) -> str:
    text = market.text
    rows = [f'{{"price":{text.price(price)},"qty":{text.quantity(size)}}}' for price, size in levels]
    return f"[{','.join(rows)}]"


def _topic_and_result(params: Params, native: str) -> tuple[str, dict[str, Any]]:
    """The topic's name and what an acknowledgement says of it; no name, and the error, for what the venue lacks."""
    match params.channel:
        case "book" if params.depth not in DEPTHS:
            return "", {"error": "Subscription depth not supported"}
        case "book":
            shown = {"channel": "book", "depth": params.depth, "snapshot": params.snapshot is not False}
            return f"book-{params.depth}:{native}", shown | {"symbol": native}
        case "trade":
            return f"trade:{native}", {"channel": "trade", "snapshot": bool(params.snapshot), "symbol": native}
        case "ticker" if params.event_trigger in ("bbo", "trades"):
            shown = {"channel": "ticker", "event_trigger": params.event_trigger}
            shown["snapshot"] = params.snapshot is not False
            return f"ticker-{params.event_trigger}:{native}", shown | {"symbol": native}
    return "", {"error": "Malformed request"}


def _assets(markets: dict[str, SimMarket]) -> list[dict[str, Any]]:
    names = sorted({name for market in markets.values() for name in market.native.split("/")})
    return [
        {"id": name, "status": "enabled", "precision": 8, "precision_display": 5, "borrowable": False} for name in names
    ]


def _pair(market: SimMarket) -> dict[str, Any]:
    instrument = market.listing.instrument
    return {
        "symbol": market.native,
        "base": instrument.base,
        "quote": instrument.quote,
        "status": "online",
        "qty_precision": SPOT_QTY_PLACES,
        "qty_increment": float(instrument.lot),
        "price_precision": instrument.price_places,
        "cost_precision": 5,
        "marginable": False,
        "has_index": True,
        "cost_min": float(instrument.min_notional),
        "tick_size": float(instrument.tick),
        "price_increment": float(instrument.tick),
        "qty_min": float(instrument.min_qty),
    }


def pair_id(market: SimMarket) -> str:
    """REST's name: ``XXBTZUSD``; newer currencies have no prefix (``SOLUSD``), and one old pair lacks them too."""
    instrument = market.listing.instrument
    base, quote = own_code(instrument.base), own_code(instrument.quote)
    return f"X{base}Z{quote}" if base in ("XBT", "ETH") else f"{base}{quote}"


def _push(socket: Socket, content: dict[str, Any]) -> None:
    socket.push(msgspec.json.encode(content).decode())
