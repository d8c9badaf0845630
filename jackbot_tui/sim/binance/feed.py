"""One market's public data as Binance publishes it: JSON texts of depth, trades, tickers and mark prices.

Listens to the matching engine and, at each flush, hands finished events to the hub. It knows no socket and no REST
page; ``gateway`` owns it and calls ``flush`` every 10 ms of simulated time. Field names and order follow the recorded
frames and ../shared/exchanges/binance.md §4 to §6. A stream is only prepared while somebody is subscribed to it.
"""

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.binance.hub import Hub
from jackbot_tui.sim.binance.streams import Stream, parse_stream
from jackbot_tui.sim.binance.text import MarketText, fixed
from jackbot_tui.sim.history import Aggregate, Print, TradeHistory
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.marks import MarkPrices
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import BookOrder, Execution
from jackbot_tui.sim.timeline import Timeline

FLUSH_MS = 10
AGGREGATE_WINDOW_MS = 100  # USD-M; spot aggregates per taker order
MARK_SAMPLE_MS = 1000
PARTIAL_LEVELS = (5, 10, 20)
_PHASES = 7  # feeds publish on different beats, as the exchange's do


class _Cadence(Struct):
    """All depth that goes out once a period: changes since the last time, and the id chain of the diff stream."""

    period_ms: int
    due_ms: int
    names: tuple[str, ...]  # diff streams
    partial: tuple[tuple[str, int], ...]  # partial streams and their levels
    bids: set[int]
    asks: set[int]
    active: bool = False
    first_id: int = 0
    previous_id: int = 0


def _cadences(native: str, market: MarketKind, phase_ms: int) -> list[_Cadence]:
    """The cadences of a market, from the stream names it understands."""
    symbol = native.lower()
    found: dict[int, _Cadence] = {}
    for suffix in ("", "@0ms", "@100ms", "@250ms", "@500ms", "@1000ms"):
        stream = parse_stream(f"{symbol}@depth{suffix}", market)
        if stream is None:
            continue
        cadence = found.setdefault(
            stream.period_ms, _Cadence(stream.period_ms, phase_ms if stream.period_ms else 0, (), (), set(), set())
        )
        cadence.names += (stream.name,)
        cadence.partial += tuple((f"{symbol}@depth{levels}{suffix}", levels) for levels in PARTIAL_LEVELS)
    return list(found.values())


class MarketFeed:
    """The feed of one market; a ``BookListener`` of its engine."""

    def __init__(
        self,
        listing: Listing,
        engine: MatchingEngine,
        hub: Hub,
        timeline: Timeline,
        marks: MarkPrices | None,
        number: int,
    ) -> None:
        self.listing = listing
        self.engine = engine
        self.text = MarketText(listing)
        self.market = listing.instrument.kind
        self.history = TradeHistory(
            listing.opening_ticks, 0 if self.market is MarketKind.SPOT else AGGREGATE_WINDOW_MS
        )
        self.marks = marks
        self._hub = hub
        self._timeline = timeline
        self._native = listing.instrument.native
        self._symbol = self._native.lower()
        self._tick = float(listing.instrument.tick)
        self._cadences = _cadences(self._native, self.market, number % _PHASES * FLUSH_MS)
        self._active: list[_Cadence] = []
        self._fresh_trades: list[Print] = []
        self._sent_aggregate = 0
        self._aggregates_due_ms = number % _PHASES * FLUSH_MS
        self._sent_ticker = (0, 0, 0, 0)
        self._ticker_stale = True
        self._mark_due_ms = 0
        self._mark_beats = 0
        engine.listen(self)

    # --- what the engine tells -----------------------------------------------------------------------------------

    def on_execution(self, execution: Execution) -> None:
        self._fresh_trades.append(self.history.add(execution, self._timeline.ms_of(execution.ts)))

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        self._ticker_stale = True
        for cadence in self._active:
            if not cadence.first_id:
                cadence.first_id = update_id
            (cadence.bids if side is Side.BUY else cadence.asks).add(price)

    def on_order(self, order: BookOrder, now: int) -> None:
        """Orders of named accounts concern private streams, not this feed."""

    # --- what subscribers get ------------------------------------------------------------------------------------

    def prepare(self, stream: Stream) -> None:
        """Somebody subscribed to a stream of this market: start to collect for it if nobody did before."""
        for cadence in self._cadences:
            if stream.kind.is_depth and cadence.period_ms == stream.period_ms and not cadence.active:
                cadence.active = True
                cadence.previous_id = self.engine.last_update_id
                self._active.append(cadence)

    def flush(self, elapsed_ms: int, index: float) -> None:
        """Publish what is due ``elapsed_ms`` after the opening. ``index`` is the fair spot price, for mark prices."""
        now_ms = self._timeline.now_ms()
        if self._fresh_trades:
            self._publish_trades(now_ms)
        if self.history.aggregates and (self.market is MarketKind.SPOT or elapsed_ms >= self._aggregates_due_ms):
            self._aggregates_due_ms = elapsed_ms - elapsed_ms % AGGREGATE_WINDOW_MS + AGGREGATE_WINDOW_MS
            self._publish_aggregates(now_ms)
        if self._ticker_stale:
            self._publish_ticker(now_ms)
        for cadence in self._active:
            if elapsed_ms >= cadence.due_ms:
                if cadence.period_ms:
                    cadence.due_ms += cadence.period_ms * (1 + (elapsed_ms - cadence.due_ms) // cadence.period_ms)
                self._publish_depth(cadence, now_ms)
        if self.marks is not None and elapsed_ms >= self._mark_due_ms:
            self._mark_due_ms = elapsed_ms - elapsed_ms % MARK_SAMPLE_MS + MARK_SAMPLE_MS
            self._sample_mark(self.marks, now_ms, index)

    def mid(self) -> float:
        """Mid price in quote currency; the last price while a side is empty."""
        bid, ask = self.engine.best_bid, self.engine.best_ask
        if bid is None or ask is None:
            return self.history.last_price * self._tick
        return (bid + ask) / 2 * self._tick

    def _publish_trades(self, now_ms: int) -> None:
        trades, self._fresh_trades = self._fresh_trades, []
        name = f"{self._symbol}@trade"
        if not self._hub.wanted(self.market, name):
            return
        for trade in trades:
            self._hub.publish(self.market, name, self._trade_text(trade, now_ms))

    def _trade_text(self, trade: Print, now_ms: int) -> str:
        price, quantity = self.text.price(trade.price), self.text.quantity(trade.quantity)
        maker = "true" if trade.buyer_is_maker else "false"
        if self.market is MarketKind.SPOT:
            return (
                f'{{"e":"trade","E":{now_ms},"s":"{self._native}","t":{trade.trade_id},"p":"{price}","q":"{quantity}",'
                f'"T":{trade.ms},"m":{maker},"M":true}}'
            )
        return (
            f'{{"e":"trade","E":{now_ms},"T":{trade.ms},"s":"{self._native}","t":{trade.trade_id},"p":"{price}",'
            f'"q":"{quantity}","X":"MARKET","m":{maker},"st":1}}'
        )

    def _publish_aggregates(self, now_ms: int) -> None:
        """Send the aggregates that are complete: all on spot, those of past windows on USD-M."""
        name = f"{self._symbol}@aggTrade"
        complete: list[Aggregate] = []
        for aggregate in reversed(self.history.aggregates):
            if aggregate.aggregate_id <= self._sent_aggregate:
                break
            window = aggregate.ms // AGGREGATE_WINDOW_MS
            if self.market is MarketKind.SPOT or window < now_ms // AGGREGATE_WINDOW_MS:
                complete.append(aggregate)
        if not complete:
            return
        self._sent_aggregate = complete[0].aggregate_id
        if self._hub.wanted(self.market, name):
            for aggregate in reversed(complete):
                self._hub.publish(self.market, name, self._aggregate_text(aggregate, now_ms))

    def _aggregate_text(self, aggregate: Aggregate, now_ms: int) -> str:
        price, quantity = self.text.price(aggregate.price), self.text.quantity(aggregate.quantity)
        maker = "true" if aggregate.buyer_is_maker else "false"
        head = f'{{"e":"aggTrade","E":{now_ms},"s":"{self._native}","a":{aggregate.aggregate_id},"p":"{price}"'
        tail = f'"f":{aggregate.first_trade},"l":{aggregate.last_trade},"T":{aggregate.ms},"m":{maker}'
        if self.market is MarketKind.SPOT:
            return f'{head},"q":"{quantity}",{tail},"M":true}}'
        return f'{head},"q":"{quantity}","nq":"{quantity}",{tail},"st":1}}'

    def _publish_ticker(self, now_ms: int) -> None:
        self._ticker_stale = False
        name = f"{self._symbol}@bookTicker"
        engine = self.engine
        bid, ask = engine.best_bid, engine.best_ask
        if bid is None or ask is None or not self._hub.wanted(self.market, name):
            return
        ticker = (bid, engine.size_at(Side.BUY, bid), ask, engine.size_at(Side.SELL, ask))
        if ticker == self._sent_ticker:
            return
        self._sent_ticker = ticker
        text = self.text
        body = (
            f'"u":{engine.last_update_id},"s":"{self._native}","b":"{text.price(bid)}","B":"{text.quantity(ticker[1])}",'
            f'"a":"{text.price(ask)}","A":"{text.quantity(ticker[3])}"'
        )
        if self.market is MarketKind.SPOT:
            payload = f"{{{body}}}"
        else:
            payload = f'{{"e":"bookTicker",{body},"T":{now_ms},"E":{now_ms},"st":1}}'
        self._hub.publish(self.market, name, payload)

    def _publish_depth(self, cadence: _Cadence, now_ms: int) -> None:
        if not cadence.first_id:
            return
        first, last, previous = cadence.first_id, self.engine.last_update_id, cadence.previous_id
        bids = [(price, self.engine.size_at(Side.BUY, price)) for price in sorted(cadence.bids)]
        asks = [(price, self.engine.size_at(Side.SELL, price)) for price in sorted(cadence.asks)]
        cadence.bids.clear()
        cadence.asks.clear()
        cadence.first_id = 0
        cadence.previous_id = last
        if self.market is MarketKind.SPOT:
            first = previous + 1
            bids.reverse()
        names = [name for name in cadence.names if self._hub.wanted(self.market, name)]
        if names:
            payload = self._depth_text(now_ms, (first, last, previous), bids, asks)
            for name in names:
                self._hub.publish(self.market, name, payload)
        for name, levels in cadence.partial:
            if self._hub.wanted(self.market, name):
                self._hub.publish(self.market, name, self._partial_text(now_ms, (first, last, previous), levels))

    def _depth_text(
        self, now_ms: int, ids: tuple[int, int, int], bids: list[tuple[int, int]], asks: list[tuple[int, int]]
    ) -> str:
        sides = f'"b":{self.text.levels(bids)},"a":{self.text.levels(asks)}'
        if self.market is MarketKind.SPOT:
            return f'{{"e":"depthUpdate","E":{now_ms},"s":"{self._native}","U":{ids[0]},"u":{ids[1]},{sides}}}'
        return (
            f'{{"e":"depthUpdate","E":{now_ms},"T":{now_ms},"s":"{self._native}","U":{ids[0]},"u":{ids[1]},"pu":{ids[2]},'
            f'{sides},"ps":"{self._native}","st":1}}'
        )

    def _partial_text(self, now_ms: int, ids: tuple[int, int, int], levels: int) -> str:
        bids, asks = self.engine.depth(Side.BUY, levels), self.engine.depth(Side.SELL, levels)
        if self.market is MarketKind.LINEAR:
            return self._depth_text(now_ms, ids, bids, asks)
        return f'{{"lastUpdateId":{ids[1]},"bids":{self.text.levels(bids)},"asks":{self.text.levels(asks)}}}'

    def _sample_mark(self, marks: MarkPrices, now_ms: int, index: float) -> None:
        marks.sample(now_ms, index, self.mid(), self.history.last_price * self._tick)
        self._mark_beats += 1
        payload = ""
        for suffix, beats in (("@1s", 1), ("", 3), ("@3s", 3)):
            name = f"{self._symbol}@markPrice{suffix}"
            if self._mark_beats % beats == 0 and self._hub.wanted(self.market, name):
                payload = payload or self._mark_text(marks, now_ms)
                self._hub.publish(self.market, name, payload)

    def _mark_text(self, marks: MarkPrices, now_ms: int) -> str:
        mark, index = eight(marks.mark), eight(marks.index)
        return (
            f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{self._native}","p":"{mark}","ap":"{mark}","i":"{index}",'
            f'"P":"{index}","r":"{eight(marks.rate)}","T":{marks.next_funding_ms},"st":1}}'
        )


def eight(value: float) -> str:
    """A float with the 8 decimals of Binance's mark prices and funding rates."""
    return fixed(round(value * 1e8), 8)
