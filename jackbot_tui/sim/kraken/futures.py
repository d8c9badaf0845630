"""Kraken's derivatives streams: WebSocket v1, which the venue ends on 2027-03-01 (kraken.md §3.2, §4.2, §5, §6).

Owned by the front. Full books, one changed level a frame, numbered per product without a hole; a product asked for a
second time is sent its snapshot again. Numbers are JSON numbers with a point, as in frames recorded in August 2026.
There are no request ids. While the ``silence`` fault lasts, what changes is kept and told afterwards.
"""

from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Front, Socket
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.kraken.listings import own_code
from jackbot_tui.sim.market import BookView, Levels, SimMarket
from jackbot_tui.sim.marks import INTEREST

FEEDS = ("book", "trade", "ticker", "ticker_lite")
SNAPSHOT_TRADES = 100
TICKER_MS = 1000
"""Tickers of a product come once a second; so do heartbeats, to whoever asked for them."""

HOURS_OF_INTEREST = 8
"""``MarkPrices`` counts its rates per 8 hours, this venue per hour."""

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


class Request(Struct):
    """What a client asks; the last three are of private feeds."""

    event: str
    feed: str = ""
    product_ids: list[str] = []
    api_key: str = ""
    original_challenge: str = ""
    signed_challenge: str = ""


_REQUEST = msgspec.json.Decoder(Request)


class FuturesStreams:
    """Feeds of all listed perpetuals, by product (``PF_XBTUSD``). ``private`` takes the requests that are for private
    feeds and says so.
    """

    def __init__(self, front: Front, markets: dict[str, SimMarket], private: Callable[[Socket, Request], bool]) -> None:
        self._private = private
        self._front = front
        self._hub, self._faults, self._timeline = front.hub, front.faults, front.timeline
        self._markets = markets
        self._books: dict[str, BookView] = {native: market.view(0) for native, market in markets.items()}
        self._beating: list[Socket] = []
        self._due_ms = 0

    # --- requests ------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        _push(socket, {"event": "info", "version": 1})

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = _REQUEST.decode(message)
        except UNREADABLE:
            _push(socket, {"event": "alert", "message": "Bad request"})
            return
        if self._private(socket, request):
            return
        match request:
            case Request(event="ping"):
                _push(socket, {"event": "pong"})
            case Request(event="subscribe" | "unsubscribe", feed="heartbeat"):
                self._change_heartbeat(socket, request.event)
            case Request(event="subscribe" | "unsubscribe") if request.feed not in FEEDS:
                _push(socket, {"event": "error", "message": "Invalid feed"})
            case Request(event="subscribe" | "unsubscribe") if request.product_ids:
                for product in request.product_ids:
                    self._change(socket, request, product.upper())
            case _:
                _push(socket, {"event": "alert", "message": "Bad request"})

    def _change_heartbeat(self, socket: Socket, event: str) -> None:
        if event == "unsubscribe":
            socket.unsubscribe("heartbeat")
        else:
            socket.subscribe(Topic(MarketKind.LINEAR, "heartbeat"))
            if socket not in self._beating:
                self._beating.append(socket)
        self._acknowledge(socket, {"event": f"{event}d", "feed": "heartbeat"})

    def _change(self, socket: Socket, request: Request, native: str) -> None:
        """One product of a request: each is answered for itself."""
        market = self._markets.get(native)
        if market is None or self._front.is_refused(market.listing.instrument.symbol):
            _push(socket, {"event": "error", "message": "Invalid product id"})
            return
        name = f"{request.feed}:{native}"
        again = name in socket.topics
        if request.event == "subscribe" and again:
            _push(socket, {"event": "alert", "message": "Already subscribed to feed, re-requesting"})
        else:
            self._acknowledge(socket, {"event": f"{request.event}d", "feed": request.feed, "product_ids": [native]})
        if request.event == "unsubscribe":
            socket.unsubscribe(name)
        else:
            self._greet(socket, market, request.feed)
            if not again:
                socket.subscribe(Topic(market.kind, name, native, is_book=request.feed == "book"))

    def _acknowledge(self, socket: Socket, answer: dict[str, Any]) -> None:
        if answer["event"] != "subscribed" or not self._faults.strikes(Chance.NOACK):
            _push(socket, answer)

    def _greet(self, socket: Socket, market: SimMarket, feed: str) -> None:
        """What a subscription begins with. Levels are absolute, so that updates kept by silence do a snapshot no harm,
        but their numbers must follow its own."""
        match feed:
            case "book":
                view = self._books[market.native]
                view.start()
                self._publish_book(market, view)
                socket.push(self._snapshot_text(market, view))
            case "trade":
                trades = list(market.history.trades)[: -SNAPSHOT_TRADES - 1 : -1]
                rows = ",".join(self._trade_text(market, trade) for trade in trades)
                socket.push(f'{{"feed":"trade_snapshot","product_id":"{market.native}","trades":[{rows}]}}')
            case "ticker":
                socket.push(self._ticker_text(market))
            case _:
                socket.push(self._ticker_lite_text(market))

    # --- what is published ---------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        """Once a second: heartbeats. Connections that ended have no topics left."""
        if elapsed_ms < self._due_ms:
            return
        self._due_ms = elapsed_ms - elapsed_ms % TICKER_MS + TICKER_MS
        self._beating = [socket for socket in self._beating if "heartbeat" in socket.topics]
        for socket in self._beating:
            socket.push(f'{{"feed":"heartbeat","time":{self._timeline.now_ms()}}}')

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        if self._faults.silent:
            return
        native, hub, kind = market.native, self._hub, market.kind
        if market.fresh_trades and hub.wanted(kind, f"trade:{native}"):
            for trade in market.fresh_trades:
                hub.publish(kind, f"trade:{native}", self._trade_text(market, trade))
        view = self._books[native]
        if view.is_due(elapsed_ms):
            self._publish_book(market, view)
        if elapsed_ms >= self._due_ms:
            if hub.wanted(kind, f"ticker:{native}"):
                hub.publish(kind, f"ticker:{native}", self._ticker_text(market))
            if hub.wanted(kind, f"ticker_lite:{native}"):
                hub.publish(kind, f"ticker_lite:{native}", self._ticker_lite_text(market))

    def publish_books(self) -> None:
        for native, view in self._books.items():
            self._publish_book(self._markets[native], view)

    def _publish_book(self, market: SimMarket, view: BookView) -> None:
        """Levels that are gone go first: the book that a client has must never look crossed between two frames."""
        changes = None if self._faults.silent else view.take()
        if changes is None:
            return
        sides = [("buy", price, size) for price, size in changes[0]] + [
            ("sell", price, size) for price, size in changes[1]
        ]
        name = f"book:{market.native}"
        for side, price, size in sorted(sides, key=lambda change: change[2] > 0):
            view.sequence += 1
            self._hub.publish(market.kind, name, self._level_text(market, view, side, price, size))

    def _level_text(self, market: SimMarket, view: BookView, side: str, price: int, size: int) -> str:
        return (
            f'{{"feed":"book","product_id":"{market.native}","side":"{side}","seq":{view.sequence},'
            f'"price":{number(market.text.price(price))},"qty":{number(market.text.quantity(size))},'
            f'"timestamp":{self._timeline.now_ms()}}}'
        )

    def _snapshot_text(self, market: SimMarket, view: BookView) -> str:
        bids, asks = (_levels(market, side) for side in view.levels())
        return (
            f'{{"feed":"book_snapshot","product_id":"{market.native}","timestamp":{self._timeline.now_ms()},'
            f'"seq":{view.sequence},"tickSize":null,"bids":{bids},"asks":{asks}}}'
        )

    def _trade_text(self, market: SimMarket, trade: Print) -> str:
        side = "sell" if trade.buyer_is_maker else "buy"
        return (
            f'{{"product_id":"{market.native}","feed":"trade","uid":"{uid_of(market, trade)}","side":"{side}",'
            f'"type":"fill","time":{trade.ms},"qty":{number(market.text.quantity(trade.quantity))},'
            f'"price":{number(market.text.price(trade.price))},"seq":{trade.trade_id}}}'
        )

    def _ticker_text(self, market: SimMarket) -> str:
        facts = self.facts(market)
        return msgspec.json.encode(
            {
                "time": self._timeline.now_ms(),
                "product_id": market.native,
                "funding_rate": facts["fundingRate"],
                "funding_rate_prediction": facts["fundingRatePrediction"],
                "relative_funding_rate": facts["relativeFundingRate"],
                "relative_funding_rate_prediction": facts["relativeFundingRatePrediction"],
                "next_funding_rate_time": facts["nextFundingRateTime"],
                "leverage": f"{market.listing.instrument.max_leverage}x",
                "premium": facts["premium"],
                "feed": "ticker",
                "bid": facts["bid"],
                "ask": facts["ask"],
                "bid_size": facts["bidSize"],
                "ask_size": facts["askSize"],
                "volume": facts["vol24h"],
                "dtm": 0,
                "index": facts["indexPrice"],
                "last": facts["last"],
                "change": facts["change24h"],
                "suspended": False,
                "tag": "perpetual",
                "pair": pair_of(market),
                "openInterest": facts["openInterest"],
                "markPrice": facts["markPrice"],
                "maturityTime": 0,
                "post_only": False,
                "volumeQuote": facts["volumeQuote"],
                "open": facts["open24h"],
                "high": facts["high24h"],
                "low": facts["low24h"],
            }
        ).decode()

    def _ticker_lite_text(self, market: SimMarket) -> str:
        facts = self.facts(market)
        return msgspec.json.encode(
            {
                "premium": facts["premium"],
                "product_id": market.native,
                "feed": "ticker_lite",
                "bid": facts["bid"],
                "ask": facts["ask"],
                "change": facts["change24h"],
                "volume": facts["vol24h"],
                "tag": "perpetual",
                "pair": pair_of(market),
                "dtm": 0,
                "maturityTime": 0,
                "volumeQuote": facts["volumeQuote"],
            }
        ).decode()

    def facts(self, market: SimMarket) -> dict[str, Any]:
        """Figures of tickers, by REST's names. ``fundingRate`` is quote per base and hour, ``relative…`` a fraction per
        hour. Open interest counts named accounts: the crowd has no positions."""
        text, marks = market.text, market.marks
        assert marks is not None
        bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
        day = market.history.day(self._timeline.now_ms())
        now = marks.settlements[-1].rate if marks.settlements else INTEREST
        relative, prediction = (rate / HOURS_OF_INTEREST for rate in (now, marks.rate))
        positions = market.engine.positions.values()
        return {
            "bid": float(text.price(bid)),
            "bidSize": float(text.quantity(bid_size)),
            "ask": float(text.price(ask)),
            "askSize": float(text.quantity(ask_size)),
            "vol24h": float(text.quantity(day.quantity)),
            "volumeQuote": float(text.value(day.value)),
            "openInterest": float(text.quantity(sum(position for position in positions if position > 0))),
            "open24h": float(text.price(day.open)),
            "high24h": float(text.price(day.high)),
            "low24h": float(text.price(day.low)),
            "last": float(text.price(day.close)),
            "change24h": round((day.close - day.open) / day.open * 100, 2),
            "indexPrice": round(marks.index, 2 + market.listing.instrument.price_places),
            "markPrice": marks.mark,
            "premium": round(marks.premium * 100, 1),
            "fundingRate": relative * marks.index,
            "fundingRatePrediction": prediction * marks.index,
            "relativeFundingRate": relative,
            "relativeFundingRatePrediction": prediction,
            "nextFundingRateTime": marks.next_funding_ms,
        }


def number(text: str) -> str:
    """A decimal text as the venue writes numbers: always with a point."""
    return text if "." in text else f"{text}.0"


def uid_of(market: SimMarket, trade: Print) -> str:
    return str(uuid5(NAMESPACE_OID, f"{market.native}:{trade.trade_id}"))


def pair_of(market: SimMarket) -> str:
    instrument = market.listing.instrument
    return f"{own_code(instrument.base)}:{instrument.quote}"


def _levels(market: SimMarket, levels: Levels) -> str:
    text = market.text
    rows = [f'{{"price":{number(text.price(price))},"qty":{number(text.quantity(size))}}}' for price, size in levels]
    return f"[{','.join(rows)}]"


def _push(socket: Socket, content: dict[str, Any]) -> None:
    socket.push(msgspec.json.encode(content).decode())
