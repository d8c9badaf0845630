"""MEXC spot's socket as the embedded exchange plays it: text requests and answers, binary data.

Part of ``front``, which owns one for all pairs. Names of streams, answers and frames: ../shared/exchanges/mexc.md §3a,
§3c, §4a and §5. A refused name is answered with code 0, its name in brackets and words (as captured on 2026-09-25);
what a frame that cannot be read is answered is not documented: those words are ours.
"""

import re
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.cadence import Cadence
from jackbot_tui.sim.faults import Chance
from jackbot_tui.sim.front import Front, Socket
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hub import Topic
from jackbot_tui.sim.market import BookView, SimMarket
from jackbot_tui.sim.mexc import protobuf

SPOT = MarketKind.SPOT
PERIODS_MS = {"100ms": 100, "10ms": 10}
LIMIT_DEPTH_PERIOD_MS = 100
UNREADABLE = "msg format invalid"

_AGGREGATED = re.compile(r"(spot@public\.aggre\.(depth|deals|bookTicker)\.v3\.api\.pb@(100ms|10ms))@([A-Z0-9]+)")
_LIMITED = re.compile(r"(spot@public\.limit\.depth\.v3\.api\.pb)@([A-Z0-9]+)@(5|10|20)")


class _Request(Struct):
    method: str
    params: list[str] = []
    id: int = 0


_REQUEST = msgspec.json.Decoder(_Request)


class _Frequency:
    """One pair at one of its two frequencies: what its streams have not told yet."""

    def __init__(self, market: SimMarket, period_ms: int) -> None:
        self.view: BookView = market.view(period_ms)
        self.cadence = Cadence(period_ms, market.phase_ms)
        self.trades: list[Print] = []
        self.best: tuple[int, int, int, int] | None = None


class SpotStreams:
    """See the module's text. ``front`` is asked for faults and limits only. ``join`` and ``leave`` know the private
    streams: ``join`` is False for a name that is none of them.
    """

    def __init__(
        self,
        front: Front,
        markets: Mapping[str, SimMarket],
        join: Callable[[Socket, str], bool] = lambda socket, name: False,
        leave: Callable[[Socket, str], None] = lambda socket, name: None,
    ) -> None:
        self._front = front
        self._join = join
        self._leave = leave
        self._markets = markets
        self._frequencies = {
            native: {name: _Frequency(market, period_ms) for name, period_ms in PERIODS_MS.items()}
            for native, market in markets.items()
        }
        self._limited = {native: Cadence(LIMIT_DEPTH_PERIOD_MS, each.phase_ms) for native, each in markets.items()}
        self._shown: dict[str, int] = {}

    # --- requests ------------------------------------------------------------------------------------------------

    def received(self, socket: Socket, message: str | bytes) -> None:
        try:
            request = _REQUEST.decode(message)
        except (msgspec.DecodeError, UnicodeError):
            _answer(socket, 0, UNREADABLE, code=1)
            return
        method = request.method.upper()
        if method == "PING":
            _answer(socket, request.id, "PONG")
        elif method == "UNSUBSCRIPTION":
            for name in request.params:
                socket.unsubscribe(name)
                self._leave(socket, name)
            _answer(socket, request.id, ",".join(request.params))
        elif method == "SUBSCRIPTION":
            self._subscribe(socket, request)
        else:
            _answer(socket, request.id, UNREADABLE, code=1)

    def _subscribe(self, socket: Socket, request: _Request) -> None:
        taken, refused = list[str](), list[str]()
        most = self._front.socket_limits(socket.door).streams
        for name in request.params:
            if self._join(socket, name):
                taken.append(name)
                continue
            topic = self._topic_of(name)
            if topic is None or (name not in socket.topics and len(socket.topics) >= most):
                refused.append(name)
                continue
            taken.append(name)
            socket.subscribe(topic)
        if taken and not self._front.faults.strikes(Chance.NOACK):
            _answer(socket, request.id, ",".join(taken))
        if refused or not taken:
            _answer(socket, request.id, f"Not Subscribed successfully! [{','.join(refused)}].  Reason： Blocked!")

    def _topic_of(self, name: str) -> Topic | None:
        """None for a name that is not known, or whose pair is not listed or refused."""
        found = _AGGREGATED.fullmatch(name)
        limited = None if found else _LIMITED.fullmatch(name)
        native = found[4] if found else limited[2] if limited else ""
        market = self._markets.get(native)
        if market is None or self._front.is_refused(market.listing.instrument.symbol):
            return None
        is_book = found is not None and found[2] == "depth"
        if found and is_book:
            self._frequencies[native][found[3]].view.start()
        return Topic(SPOT, name, native, is_book=is_book)

    # --- what is published ---------------------------------------------------------------------------------------

    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        for name, frequency in self._frequencies[market.native].items():
            frequency.trades += market.fresh_trades
            if frequency.view.is_due(elapsed_ms):
                self._publish_book(market, name, frequency.view)
            if frequency.cadence.is_due(elapsed_ms):
                self._publish_deals(market, name, frequency)
                self._publish_best(market, name, frequency)
        if self._limited[market.native].is_due(elapsed_ms):
            self._publish_limited(market)

    def publish_book(self, market: SimMarket) -> None:
        """Every change of one pair's book, at both frequencies, whatever their beats."""
        for name, frequency in self._frequencies[market.native].items():
            self._publish_book(market, name, frequency.view)

    def _publish_book(self, market: SimMarket, frequency: str, view: BookView) -> None:
        first = view.last_id + 1
        changes = view.take()
        event = f"spot@public.aggre.depth.v3.api.pb@{frequency}"
        if changes is not None and self._wanted(event, market):
            now_ms = self._front.timeline.now_ms()
            body = protobuf.aggre_depths(market.text, *changes, event, first, view.last_id, now_ms)
            self._push(market, event, protobuf.AGGRE_DEPTHS, body)

    def _publish_deals(self, market: SimMarket, name: str, frequency: _Frequency) -> None:
        event = f"spot@public.aggre.deals.v3.api.pb@{name}"
        if frequency.trades and self._wanted(event, market):
            body = protobuf.aggre_deals(market.text, frequency.trades, event)
            self._push(market, event, protobuf.AGGRE_DEALS, body)
        frequency.trades.clear()

    def _publish_best(self, market: SimMarket, name: str, frequency: _Frequency) -> None:
        event = f"spot@public.aggre.bookTicker.v3.api.pb@{name}"
        best = market.best()
        if best is None or best == frequency.best or not self._wanted(event, market):
            return
        frequency.best = best
        now_ms = self._front.timeline.now_ms()
        body = protobuf.aggre_book_ticker(market.text, best, market.engine.last_update_id, now_ms)
        self._push(market, event, protobuf.AGGRE_BOOK_TICKER, body)

    def _publish_limited(self, market: SimMarket) -> None:
        """The best levels, once for every book that is another one than last time."""
        event, native, version = "spot@public.limit.depth.v3.api.pb", market.native, market.engine.last_update_id
        for depth in (5, 10, 20):
            channel = f"{event}@{native}@{depth}"
            if self._shown.get(channel) == version or not self._front.hub.wanted(SPOT, channel):
                continue
            self._shown[channel] = version
            sides = market.engine.depth(Side.BUY, depth), market.engine.depth(Side.SELL, depth)
            now_ms = self._front.timeline.now_ms()
            body = protobuf.limit_depths(market.text, *sides, event, version, now_ms)
            frame = protobuf.wrapper(channel, native, now_ms, protobuf.LIMIT_DEPTHS, body)
            self._front.hub.publish(SPOT, channel, frame)

    def _wanted(self, event: str, market: SimMarket) -> bool:
        return self._front.hub.wanted(SPOT, f"{event}@{market.native}")

    def _push(self, market: SimMarket, event: str, field: int, body: bytes) -> None:
        channel = f"{event}@{market.native}"
        frame = protobuf.wrapper(channel, market.native, self._front.timeline.now_ms(), field, body)
        self._front.hub.publish(SPOT, channel, frame)


def _answer(socket: Socket, request_id: int, words: str, code: int = 0) -> None:
    socket.push(msgspec.json.encode({"id": request_id, "code": code, "msg": words}).decode())
