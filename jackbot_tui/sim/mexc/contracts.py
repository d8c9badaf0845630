"""MEXC's perpetuals' socket as the embedded exchange plays it: JSON, one contract a request, sizes in contracts.

Part of ``front``, which owns one for all contracts. Commands, answers and frames: ../shared/exchanges/mexc.md §3b, §4b,
§5, §6; ``push.depth.full`` and ``ts`` of the pong as captured on 2026-09-23. How often merged frames, tickers and
funding come is not documented: those figures are ours. Frames are plain whatever ``gzip`` says.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.cadence import Cadence
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Front, Socket
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.market import BookView, Levels, SimMarket
from jackbot_tui.sim.orders import BookOrder, Execution
from jackbot_tui.sim.text import decimals

LINEAR = MarketKind.LINEAR
MERGED_PERIOD_MS = 100
FULL_PERIOD_MS = 100
FULL_LIMITS = (5, 10, 20)
FUNDING_BEATS = 30
"""Seconds between two pushes of the funding rate."""

COMMITS_KEPT = 1000
FIRST_CONTRACT_ID = 10
MERGED, EACH = "depth", "depth.each"
"""Names of the two forms of the book stream: several versions a frame, and one."""

UNKNOWN_CONTRACT = "Contract doesn't exist!"
SUBSCRIBE, UNSUBSCRIBE = ("sub.",), ("unsub.", "usub.")


class _Param(Struct):
    symbol: str = ""
    limit: int = 20
    compress: bool = True


class _Request(Struct):
    method: str
    param: _Param = msgspec.field(default_factory=_Param)


_REQUEST = msgspec.json.Decoder(_Request)


class Commit(Struct, frozen=True, gc=False):
    """One version of a book: the level that changed, with the orders on it."""

    version: int
    side: Side
    price: int
    size: int
    orders: int


class ChangeLog:
    """The newest versions of one book, one by one. A ``BookListener``."""

    def __init__(self, market: SimMarket) -> None:
        self.commits: deque[Commit] = deque(maxlen=COMMITS_KEPT)
        self.fresh: list[Commit] = []
        """Those since the last beat, while ``active``."""

        self.active = False
        self._engine = market.engine
        market.engine.listen(self)

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        orders = self._engine.queue_length(side, price) if quantity else 0
        commit = Commit(update_id, side, price, quantity, orders)
        self.commits.append(commit)
        if self.active:
            self.fresh.append(commit)

    def on_execution(self, execution: Execution) -> None:
        """Trades are no levels."""

    def on_order(self, order: BookOrder, now: int) -> None:
        """Orders of accounts are no levels."""


class ContractStreams:
    """See the module's text. ``front`` is asked for faults only."""

    def __init__(self, front: Front, markets: Mapping[str, SimMarket]) -> None:
        self._front = front
        self._markets = markets
        self.ids = {native: number for number, native in enumerate(markets, FIRST_CONTRACT_ID)}
        self.logs = {native: ChangeLog(market) for native, market in markets.items()}
        self._merged: dict[str, BookView] = {
            native: market.view(MERGED_PERIOD_MS) for native, market in markets.items()
        }
        self._full = {native: Cadence(FULL_PERIOD_MS, each.phase_ms) for native, each in markets.items()}
        self._shown: dict[str, int] = {}
        self._mark_beats = dict.fromkeys(markets, 0)
        self._pushed_on_mark: dict[str, Callable[[SimMarket], str]] = {
            "ticker": lambda market: msgspec.json.encode(self.ticker(market)).decode(),
            "fair.price": lambda market: f'{{"price":{fair_price(market)},"symbol":"{market.native}"}}',
            "index.price": lambda market: f'{{"price":{index_price(market)},"symbol":"{market.native}"}}',
        }

    # --- requests ------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, message: str | bytes) -> None:
        now_ms = self._front.timeline.now_ms()
        try:
            request = _REQUEST.decode(message)
        except (msgspec.DecodeError, UnicodeError):
            _answer(socket, "rs.error", "Illegal request", now_ms)
            return
        method, param = request.method, request.param
        if method == "ping":
            socket.push(f'{{"channel":"pong","data":{now_ms},"ts":{now_ms}}}')
            return
        begins = next((each for each in SUBSCRIBE + UNSUBSCRIBE if method.startswith(each)), "")
        channel, market = method.removeprefix(begins), self._markets.get(param.symbol)
        names = self._names_of(channel, param.symbol)
        if not begins or not names or param.limit not in FULL_LIMITS:
            _answer(socket, "rs.error", "Illegal request", now_ms)
        elif market is None or self._front.is_refused(market.listing.instrument.symbol):
            _answer(socket, "rs.error", UNKNOWN_CONTRACT, now_ms)
        else:
            for name in names:
                socket.unsubscribe(name)
            if begins in UNSUBSCRIBE:
                _answer(socket, f"rs.{method}", "success", now_ms)
                return
            if not self._front.faults.strikes(Chance.NOACK):
                _answer(socket, f"rs.{method}", "success", now_ms)
            self._subscribe(socket, channel, market, param)

    def _names_of(self, channel: str, native: str) -> list[str]:
        """All topics that one subscription to a channel may stand for: a new one replaces them."""
        if channel == MERGED:
            return [f"{MERGED}:{native}", f"{EACH}:{native}"]
        if channel == "depth.full":
            return [f"depth.full.{limit}:{native}" for limit in FULL_LIMITS]
        known = channel in ("deal", "funding.rate") or channel in self._pushed_on_mark
        return [f"{channel}:{native}"] if known else []

    def _subscribe(self, socket: Socket, channel: str, market: SimMarket, param: _Param) -> None:
        native = market.native
        if channel == MERGED and param.compress:
            self._merged[native].start()
        elif channel == MERGED:
            channel, self.logs[native].active = EACH, True
        elif channel == "depth.full":
            channel = f"depth.full.{param.limit}"
        is_book = channel in (MERGED, EACH)
        socket.subscribe(Topic(LINEAR, f"{channel}:{native}", native, is_book=is_book))
        if channel == "funding.rate":
            socket.push(self._frame("funding.rate", market, self._funding(market)))

    # --- what is published ---------------------------------------------------------------------------------------

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        native, hub = market.native, self._front.hub
        if market.fresh_trades and hub.wanted(LINEAR, f"deal:{native}"):
            deals = ",".join(_deal(market, trade) for trade in market.fresh_trades)
            hub.publish(LINEAR, f"deal:{native}", self._frame("deal", market, f"[{deals}]"))
        self._publish_each(market)
        if self._merged[native].is_due(elapsed_ms):
            self._publish_merged(market)
        if self._full[native].is_due(elapsed_ms):
            self._publish_full(market)
        if market.mark_beats != self._mark_beats[native]:
            self._mark_beats[native] = market.mark_beats
            self._publish_mark(market)

    def publish_book(self, market: SimMarket) -> None:
        """Every change of one contract's book, in both forms, whatever their beats."""
        self._publish_each(market)
        self._publish_merged(market)

    def _publish_each(self, market: SimMarket) -> None:
        log, topic = self.logs[market.native], f"{EACH}:{market.native}"
        if not log.active:
            return
        for commit in log.fresh:
            self._front.hub.publish(LINEAR, topic, self._frame("depth", market, self._commit_text(market, commit)))
        log.fresh.clear()
        log.active = self._front.hub.wanted(LINEAR, topic)

    def _commit_text(self, market: SimMarket, commit: Commit) -> str:
        level = _row(market, commit.price, commit.size, commit.orders)
        bids, asks = (f"[{level}]", "[]") if commit.side is Side.BUY else ("[]", f"[{level}]")
        version = commit.version
        return f'{{"asks":{asks},"bids":{bids},"begin":{version},"end":{version},"version":{version}}}'

    def _publish_merged(self, market: SimMarket) -> None:
        view, topic = self._merged[market.native], f"{MERGED}:{market.native}"
        first = view.last_id + 1
        changes = view.take()
        if changes is None or not self._front.hub.wanted(LINEAR, topic):
            return
        bids, asks = (rows_of(market, side, rows) for side, rows in zip((Side.BUY, Side.SELL), changes, strict=True))
        last = view.last_id
        data = f'{{"asks":{asks},"bids":{bids},"begin":{first},"end":{last},"version":{last}}}'
        self._front.hub.publish(LINEAR, topic, self._frame("depth", market, data))

    def _publish_full(self, market: SimMarket) -> None:
        """The best levels, once for every book that is another one than last time."""
        version = market.engine.last_update_id
        for limit in FULL_LIMITS:
            topic = f"depth.full.{limit}:{market.native}"
            if self._shown.get(topic) != version and self._front.hub.wanted(LINEAR, topic):
                self._shown[topic] = version
                data = f'{{"cts":{self._front.timeline.now_ms()},{book_of(market, limit)}}}'
                self._front.hub.publish(LINEAR, topic, self._frame("depth.full", market, data))

    def _publish_mark(self, market: SimMarket) -> None:
        native, hub = market.native, self._front.hub
        for channel, write in self._pushed_on_mark.items():
            if hub.wanted(LINEAR, f"{channel}:{native}"):
                hub.publish(LINEAR, f"{channel}:{native}", self._frame(channel, market, write(market)))
        if market.mark_beats % FUNDING_BEATS == 0 and hub.wanted(LINEAR, f"funding.rate:{native}"):
            hub.publish(LINEAR, f"funding.rate:{native}", self._frame("funding.rate", market, self._funding(market)))

    def _frame(self, channel: str, market: SimMarket, data: str) -> str:
        now_ms = self._front.timeline.now_ms()
        return f'{{"channel":"push.{channel}","data":{data},"symbol":"{market.native}","ts":{now_ms}}}'

    def _funding(self, market: SimMarket) -> str:
        marks = market.marks
        assert marks is not None
        rate = decimals(marks.rate, 6)
        return f'{{"rate":{rate},"symbol":"{market.native}","nextSettleTime":{marks.next_funding_ms}}}'

    def ticker(self, market: SimMarket) -> dict[str, Any]:
        """Of the stream and of the page alike. Open interest is that of named accounts: the crowd holds none."""
        instrument, marks, text = market.listing.instrument, market.marks, market.text
        assert marks is not None
        now_ms = self._front.timeline.now_ms()
        day = market.history.day(now_ms)
        bid, _, ask, _ = market.best() or (0, 0, 0, 0)
        rise = day.close - day.open
        band = instrument.band
        assert band is not None
        figures = {
            "lastPrice": text.price(day.close),
            "bid1": text.price(bid),
            "ask1": text.price(ask),
            "volume24": text.quantity(day.quantity),
            "amount24": text.value(day.value),
            "holdVol": text.quantity(sum(max(0, held) for held in market.engine.positions.values())),
            "lower24Price": text.price(day.low),
            "high24Price": text.price(day.high),
            "riseFallRate": decimals(rise / day.open, 4),
            "riseFallValue": text.price(rise),
            "indexPrice": index_price(market),
            "fairPrice": fair_price(market),
            "fundingRate": decimals(marks.rate, 6),
            "maxBidPrice": decimals(marks.mark * float(band.buy_up), instrument.price_places),
            "minAskPrice": decimals(marks.mark * float(band.sell_down), instrument.price_places),
        }
        numbers = {name: msgspec.Raw(figure.encode()) for name, figure in figures.items()}
        return {"contractId": self.ids[market.native], "symbol": market.native, **numbers, "timestamp": now_ms}


def fair_price(market: SimMarket) -> str:
    assert market.marks is not None
    return decimals(market.marks.mark, market.listing.instrument.price_places)


def index_price(market: SimMarket) -> str:
    assert market.marks is not None
    return decimals(market.marks.index, market.listing.instrument.price_places)


def book_of(market: SimMarket, limit: int) -> str:
    """Both sides and the version, without the braces; ``limit`` levels, all of them when 0."""
    engine = market.engine
    asks = rows_of(market, Side.SELL, engine.depth(Side.SELL, limit))
    bids = rows_of(market, Side.BUY, engine.depth(Side.BUY, limit))
    return f'"asks":{asks},"bids":{bids},"version":{engine.last_update_id}'


def rows_of(market: SimMarket, side: Side, levels: Levels) -> str:
    """``[[90000.1,121,4]]``: price, contracts, orders."""
    orders = market.engine.queue_length
    rows = [_row(market, price, size, orders(side, price) if size else 0) for price, size in levels]
    return f"[{','.join(rows)}]"


def commits_of(market: SimMarket, commits: Sequence[Commit]) -> str:
    """A list of single versions, as the page for repairs gives it."""
    rows = []
    for commit in commits:
        level = _row(market, commit.price, commit.size, commit.orders)
        bids, asks = (f"[{level}]", "[]") if commit.side is Side.BUY else ("[]", f"[{level}]")
        rows.append(f'{{"asks":{asks},"bids":{bids},"version":{commit.version}}}')
    return f"[{','.join(rows)}]"


def _row(market: SimMarket, price: int, size: int, orders: int) -> str:
    return f"[{market.text.price(price)},{market.text.quantity(size)},{orders}]"


def _deal(market: SimMarket, trade: Print) -> str:
    """``O`` 3: positions neither opened nor closed on balance; ``M`` 2: nobody traded with himself."""
    side = 2 if trade.buyer_is_maker else 1
    price, size = market.text.price(trade.price), market.text.quantity(trade.quantity)
    return f'{{"p":{price},"v":{size},"T":{side},"O":3,"M":2,"t":{trade.ms}}}'


def _answer(socket: Socket, channel: str, words: str, now_ms: int) -> None:
    socket.push(msgspec.json.encode({"channel": channel, "data": words, "ts": now_ms}).decode())
