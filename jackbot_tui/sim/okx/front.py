"""The embedded exchange's OKX front: spot and swaps over one public socket, and the public pages a client starts with.

What needs a key is in ``private``; this module ties it to paths and sockets.

Frames and rules: ../shared/exchanges/okx.md §3 to §6 and §12. ``checksum`` is 0 as it is today; books come with their
own snapshot and link their updates by ``prevSeqId``. Sizes of swaps count contracts.

URL map: wss://ws.okx.com/ws/v5/public is ws://127.0.0.1:PORT/ws/v5/public (``/private`` and ``/business`` alike),
https://openapi.okx.com is http://127.0.0.1:PORT.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, ClassVar

import msgspec

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.budgets import Budget
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Call, Door, Front, Page, Reply, Socket, World, json_reply
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import BookView, Levels, SimMarket
from jackbot_tui.sim.okx.listings import DEFAULT_SYMBOLS, FUNDING_INTERVAL_H, LISTINGS
from jackbot_tui.sim.okx.private import ROLES, OkxPrivate
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms
from jackbot_tui.sim.text import decimals

PUBLIC_PATH = "/ws/v5/public"
BOOK_PERIOD_MS = 100
BOOK_DEPTH = 400
UNCHANGED_MS = 60_000
"""A book that does not change is told so often, by an empty update that repeats its number."""

FUNDING_BEATS = 30
"""Seconds between two pushes of the funding rate."""

HOUR_MS = 3_600_000
CHANNELS = ("books", "trades", "tickers", "mark-price", "index-tickers", "funding-rate")
_TYPES = {"SPOT": MarketKind.SPOT, "SWAP": MarketKind.LINEAR}
_SOCKET = SocketLimits(messages_per_s=100, idle_s=30.0, pushes_count=True, streams=10_000)


class OkxFront(Front):
    """Feeds and pages of all listed markets."""

    VENUE = "okx"
    LIMITS = Limits(spot_socket=_SOCKET, linear_socket=_SOCKET, spot_weight=20, linear_weight=20, window_ms=2000)
    LISTINGS = LISTINGS
    DEFAULT_SYMBOLS = DEFAULT_SYMBOLS
    TERMS: ClassVar[Terms] = Terms(refuses_post_only=False, trigger_keeps_id=frozenset(), one_wallet=True)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._by_native = {native: market for markets in self.markets.values() for native, market in markets.items()}
        self._books: dict[str, BookView] = {
            native: market.view(BOOK_PERIOD_MS, BOOK_DEPTH) for native, market in self._by_native.items()
        }
        self._told_ms = dict.fromkeys(self._by_native, 0)
        self._tickers: dict[str, tuple[int, int, int, int]] = {}
        self._mark_beats = dict.fromkeys(self._by_native, 0)
        self._connections = 0
        self._codes = {
            native: 10_000 + 500 * (kind is MarketKind.LINEAR) + number
            for kind, markets in self.markets.items()
            for number, native in enumerate(markets)
        }
        codes = {code: self._by_native[native] for native, code in self._codes.items()}
        relaxed = world.limits.spot_weight // self.LIMITS.spot_weight
        self._private = OkxPrivate(self.accounts, self._by_native, codes, self.timeline, self.faults, relaxed)
        self.budgets = self._private.budgets
        """What pages were asked for of their limits, public ones included."""

    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        public = ws + PUBLIC_PATH
        return {"spot.public": public, "spot.rest": http, "linear.public": public, "linear.rest": http}

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        return {"rest": http, "ws": f"{ws}/ws/v5"}

    def doors(self) -> Sequence[Door]:
        return [Door(PUBLIC_PATH, MarketKind.SPOT), *self._private.doors()]

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self._connections += 1
        socket.state["conn_id"] = f"{self._connections:08x}"
        if socket.door.role in ROLES:
            self._private.opened(socket)

    def closed(self, socket: Socket) -> None:
        self._private.closed(socket)

    def received(self, socket: Socket, message: str | bytes) -> None:
        if message == "ping":
            socket.push("pong")
            return
        if socket.door.role in ROLES:
            self._private.received(socket, message)
            self.publish_accounts()
            return
        try:
            request = msgspec.json.decode(message)
            args = [(arg["channel"], arg["instId"]) for arg in request["args"]]
            operation = request["op"]
        except (msgspec.DecodeError, KeyError, TypeError):
            self._error(socket, "60012", "Illegal request: the frame cannot be read", None)
            return
        request_id = request.get("id")
        for channel, native in args:
            market = self._market_of(channel, native)
            if operation not in ("subscribe", "unsubscribe"):
                self._error(socket, "60012", f"Illegal request: {operation}", request_id)
            elif market is None or self.is_refused(market.listing.instrument.symbol):
                words = f"Wrong URL or channel:{channel},instId:{native} doesn't exist."
                self._error(socket, "60018", words, request_id)
            else:
                self._change(socket, operation, channel, native, market, request_id)

    def announce_shutdown(self, socket: Socket) -> bool:
        words = "The connection will soon be closed for a service upgrade. Please reconnect."
        notice = {"event": "notice", "code": "64008", "msg": words, "connId": socket.state["conn_id"]}
        socket.push(msgspec.json.encode(notice).decode())
        return True

    def _market_of(self, channel: str, native: str) -> SimMarket | None:
        """The index is named like the spot pair but told with its swap."""
        if channel not in CHANNELS:
            return None
        market = self._by_native.get(f"{native}-SWAP" if channel == "index-tickers" else native)
        needs_swap = channel in ("mark-price", "funding-rate")
        return None if market is None or (needs_swap and market.marks is None) else market

    def _change(
        self, socket: Socket, operation: str, channel: str, native: str, market: SimMarket, request_id: Any
    ) -> None:
        name = f"{channel}:{native}"
        arg = {"channel": channel, "instId": native}
        answer = {"event": operation, "arg": arg, "connId": socket.state["conn_id"]}
        if request_id is not None:
            answer["id"] = request_id
        if not (operation == "subscribe" and self.faults.strikes(Chance.NOACK)):
            socket.push(msgspec.json.encode(answer).decode())
        if operation == "unsubscribe":
            socket.unsubscribe(name)
        elif channel == "books":
            self._greet_with_book(socket, Topic(market.kind, name, native, is_book=True), market)
        else:
            socket.subscribe(Topic(market.kind, name, native))
            if channel == "funding-rate":
                socket.push(self._funding_text(market))

    def _error(self, socket: Socket, code: str, words: str, request_id: Any) -> None:
        answer = {"event": "error", "code": code, "msg": words, "connId": socket.state["conn_id"]}
        if request_id is not None:
            answer["id"] = request_id
        socket.push(msgspec.json.encode(answer).decode())

    def _greet_with_book(self, socket: Socket, topic: Topic, market: SimMarket) -> None:
        """The snapshot, at the point where the stream of updates stands: pending changes are published first."""
        view = self._books[market.native]
        view.start()
        self._publish_book(market, view)
        bids, asks = view.levels()
        socket.push(self._book_text(market, "snapshot", bids, asks, -1, view.last_id))
        socket.subscribe(topic)
        self._told_ms[market.native] = self._elapsed_ms()

    # --- accounts ------------------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        super().beat(elapsed_ms)
        self._private.beat(elapsed_ms)

    def account_event(self, event: AccountEvent) -> None:
        self._private.event(event)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return self._private.listeners(account, kind)

    def expire_tokens(self) -> None:
        self._private.expire_tokens()

    def lost_in_between(self) -> Reply:
        words = "API endpoint request timeout. (does not mean that the request was successful or failed, please check "
        return json_reply({"code": "50004", "msg": f"{words}the request result).", "data": []}, 503)

    # --- what is published ---------------------------------------------------------------------------------------

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        native, hub = market.native, self.hub
        if market.fresh_trades and hub.wanted(market.kind, f"trades:{native}"):
            for _, prints in groupby(market.fresh_trades, key=lambda trade: (trade.taker, trade.price)):
                hub.publish(market.kind, f"trades:{native}", self._trade_text(market, list(prints)))
        view = self._books[native]
        unchanged = view.is_due(elapsed_ms) and not self._publish_book(market, view)
        if unchanged and elapsed_ms - self._told_ms[native] >= UNCHANGED_MS:
            self._tell_book(market, [], [], view.last_id, view.last_id)
        if hub.wanted(market.kind, f"tickers:{native}"):
            self._publish_ticker(market)
        if market.marks is not None and market.mark_beats != self._mark_beats[native]:
            self._mark_beats[native] = market.mark_beats
            self._publish_mark(market)

    def publish_books(self) -> None:
        for native, view in self._books.items():
            self._publish_book(self._by_native[native], view)

    def _publish_book(self, market: SimMarket, view: BookView) -> bool:
        """Whether it had changed."""
        previous = view.last_id
        changes = view.take()
        if changes is None:
            return False
        self._tell_book(market, *changes, previous, view.last_id)
        return True

    def _tell_book(self, market: SimMarket, bids: Levels, asks: Levels, previous_id: int, last_id: int) -> None:
        name = f"books:{market.native}"
        self._told_ms[market.native] = self._elapsed_ms()
        if self.hub.wanted(market.kind, name):
            self.hub.publish(market.kind, name, self._book_text(market, "update", bids, asks, previous_id, last_id))

    def _elapsed_ms(self) -> int:
        return self.timeline.elapsed_ns // NS_PER_MS

    def _book_text(
        self, market: SimMarket, action: str, bids: Levels, asks: Levels, previous_id: int, last_id: int
    ) -> str:
        sides = f'"asks":{self._levels(market, Side.SELL, asks)},"bids":{self._levels(market, Side.BUY, bids)}'
        return (
            f'{{"arg":{{"channel":"books","instId":"{market.native}"}},"action":"{action}","data":[{{{sides},'
            f'"ts":"{self.timeline.now_ms()}","checksum":0,"prevSeqId":{previous_id},"seqId":{last_id}}}]}}'
        )

    @staticmethod
    def _levels(market: SimMarket, side: Side, levels: Levels) -> str:
        """``["64000.5","12","0","3"]``: the last is the number of orders."""
        text, orders = market.text, market.engine.queue_length
        rows = [
            f'["{text.price(price)}","{text.quantity(size)}","0","{orders(side, price) if size else 0}"]'
            for price, size in levels
        ]
        return f"[{','.join(rows)}]"

    def _trade_text(self, market: SimMarket, prints: Sequence[Print]) -> str:
        last, text = prints[-1], market.text
        side = "sell" if last.buyer_is_maker else "buy"
        size = text.quantity(sum(trade.quantity for trade in prints))
        return (
            f'{{"arg":{{"channel":"trades","instId":"{market.native}"}},"data":[{{"instId":"{market.native}",'
            f'"tradeId":"{last.trade_id}","px":"{text.price(last.price)}","sz":"{size}","side":"{side}",'
            f'"ts":"{last.ms}","count":"{len(prints)}","source":"0","seqId":{market.engine.last_update_id}}}]}}'
        )

    def _publish_ticker(self, market: SimMarket) -> None:
        best = market.best()
        if best is None or best == self._tickers.get(market.native):
            return
        self._tickers[market.native] = best
        frame = {"arg": {"channel": "tickers", "instId": market.native}, "data": [self._ticker(market)]}
        self.hub.publish(market.kind, f"tickers:{market.native}", msgspec.json.encode(frame).decode())

    def _ticker(self, market: SimMarket) -> dict[str, str]:
        now_ms, text, trades = self.timeline.now_ms(), market.text, market.history.trades
        day = market.history.day(now_ms)
        bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
        return {
            "instType": "SPOT" if market.kind is MarketKind.SPOT else "SWAP",
            "instId": market.native,
            "last": text.price(day.close),
            "lastSz": text.quantity(trades[-1].quantity if trades else 0),
            "bidPx": text.price(bid) if bid else "",
            "bidSz": text.quantity(bid_size),
            "askPx": text.price(ask) if ask else "",
            "askSz": text.quantity(ask_size),
            "open24h": text.price(day.open),
            "high24h": text.price(day.high),
            "low24h": text.price(day.low),
            "vol24h": text.quantity(day.quantity),
            "volCcy24h": text.value(day.value) if market.kind is MarketKind.SPOT else text.base(day.quantity),
            "ts": str(now_ms),
        }

    def _publish_mark(self, market: SimMarket) -> None:
        native, kind, marks, now_ms = market.native, market.kind, market.marks, self.timeline.now_ms()
        if marks is None:
            return
        places = market.listing.instrument.price_places + 1
        self.hub.publish(
            kind,
            f"mark-price:{native}",
            f'{{"arg":{{"channel":"mark-price","instId":"{native}"}},"data":[{{"instType":"SWAP","instId":"{native}",'
            f'"markPx":"{decimals(marks.mark, places)}","ts":"{now_ms}"}}]}}',
        )
        index = native.removesuffix("-SWAP")
        self.hub.publish(
            kind,
            f"index-tickers:{index}",
            f'{{"arg":{{"channel":"index-tickers","instId":"{index}"}},"data":[{{"instId":"{index}",'
            f'"idxPx":"{decimals(marks.index, places)}","ts":"{now_ms}"}}]}}',
        )
        if market.mark_beats % FUNDING_BEATS == 0 and self.hub.wanted(kind, f"funding-rate:{native}"):
            self.hub.publish(kind, f"funding-rate:{native}", self._funding_text(market))

    def _funding_text(self, market: SimMarket) -> str:
        arg = {"channel": "funding-rate", "instId": market.native}
        return msgspec.json.encode({"arg": arg, "data": [self._funding(market)]}).decode()

    def _funding(self, market: SimMarket) -> dict[str, str]:
        marks = market.marks
        assert marks is not None
        return {
            "instType": "SWAP",
            "instId": market.native,
            "fundingRate": decimals(marks.rate, 16),
            "fundingTime": str(marks.next_funding_ms),
            "nextFundingTime": str(marks.next_funding_ms + FUNDING_INTERVAL_H * HOUR_MS),
            "minFundingRate": "-0.003",
            "maxFundingRate": "0.003",
            "premium": decimals(marks.premium, 16),
            "method": "current_period",
            "settState": "settled",
            "ts": str(self.timeline.now_ms()),
        }

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> Sequence[Page]:
        return [
            Page("GET", "/api/v5/public/time", lambda call: _data([{"ts": str(self.timeline.now_ms())}])),
            Page("GET", "/api/v5/public/instruments", self._counted(20, self._instruments)),
            Page("GET", "/api/v5/public/funding-rate", lambda call: self._of_one(call, self._funding, swap=True)),
            Page("GET", "/api/v5/market/ticker", lambda call: self._of_one(call, self._ticker)),
            Page("GET", "/api/v5/market/books", self._counted(40, self._books_page)),
            Page("GET", "/api/v5/market/trades", self._counted(100, self._trades)),
            *self._private.pages(),
        ]

    def _counted(self, limit: int, answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """``answer``, at most so often in two seconds (okx.md §9)."""

        def counted(call: Call) -> Reply:
            if not self._private.budgets.admit(call.path, Budget(limit), self.timeline.now_ms()):
                return self.too_many_requests(1)
            return answer(call)

        return counted

    def _books_page(self, call: Call) -> Reply:
        return self._of_one(call, lambda market: self._depth(market, call))

    def overloaded(self) -> Reply:
        return json_reply({"code": "50001", "msg": "Service temporarily unavailable. Try again later", "data": []}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        return json_reply({"code": "50011", "msg": "Too Many Requests", "data": []}, 429)

    def _of_one(self, call: Call, row: Any, *, swap: bool = False) -> Reply:
        market = self._by_native.get(call.query.get("instId", ""))
        if market is None or (swap and market.marks is None):
            return _refusal("51001", "Instrument ID does not exist.")
        return _data([row(market)])

    def _instruments(self, call: Call) -> Reply:
        kind = _TYPES.get(call.query.get("instType", ""))
        if kind is None:
            return _data([])  # futures and options are not listed here
        wanted = call.query.get("instId")
        found = [market for market in self.markets[kind].values() if wanted in (None, market.native)]
        return _data([_rules(market, self._codes[market.native]) for market in found])

    def _depth(self, market: SimMarket, call: Call) -> dict[str, Any]:
        size = call.query.get("sz", "1")
        limit = min(400, int(size)) if size.isdigit() and int(size) > 0 else 1
        sides = {
            name: msgspec.json.decode(self._levels(market, side, market.engine.depth(side, limit)))
            for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
        }
        return {**sides, "ts": str(self.timeline.now_ms()), "seqId": market.engine.last_update_id}

    def _trades(self, call: Call) -> Reply:
        market = self._by_native.get(call.query.get("instId", ""))
        if market is None:
            return _refusal("51001", "Instrument ID does not exist.")
        limit = call.query.get("limit", "100")
        count = min(500, int(limit)) if limit.isdigit() else 100
        return _data(
            [
                {
                    "instId": market.native,
                    "side": "sell" if trade.buyer_is_maker else "buy",
                    "sz": market.text.quantity(trade.quantity),
                    "px": market.text.price(trade.price),
                    "source": "0",
                    "tradeId": str(trade.trade_id),
                    "ts": str(trade.ms),
                }
                for trade in reversed(list(market.history.trades)[-count:])
            ]
        )


def _rules(market: SimMarket, code: int) -> dict[str, Any]:
    """One row of public/instruments."""
    instrument, spot = market.listing.instrument, market.kind is MarketKind.SPOT
    contract = instrument.contract_size
    family = "" if spot else f"{instrument.base}-{instrument.quote}"
    return {
        "instType": "SPOT" if spot else "SWAP",
        "instId": instrument.native,
        "instIdCode": code,
        "baseCcy": instrument.base if spot else "",
        "quoteCcy": instrument.quote if spot else "",
        "settleCcy": "" if spot else instrument.settle,
        "uly": family,
        "instFamily": family,
        "ctVal": "" if spot else format(contract, "f"),
        "ctMult": "" if spot else "1",
        "ctType": "" if spot else "linear",
        "ctValCcy": "" if spot else instrument.base,
        "tickSz": format(instrument.tick, "f"),
        "lotSz": format((instrument.lot / contract).normalize(), "f"),
        "minSz": format((instrument.min_qty / contract).normalize(), "f"),
        "maxLmtSz": format((instrument.max_qty / contract).normalize(), "f"),
        "maxMktSz": "1000000" if spot else format((instrument.market_max_qty / contract).normalize(), "f"),
        "lever": "10" if spot else str(instrument.max_leverage),
        "state": "live",
        "listTime": "1548133413000",
        "expTime": "",
        "ruleType": "normal",
        "tradeQuoteCcyList": [instrument.quote] if spot else [],
        "instCategory": "1",
        "upcChg": [],
    }


def _data(rows: list[Any]) -> Reply:
    return json_reply({"code": "0", "msg": "", "data": rows})


def _refusal(code: str, words: str) -> Reply:
    return json_reply({"code": code, "msg": words, "data": []})


VENUE_FRONT = OkxFront
