"""One market's public data as Binance publishes it: JSON texts of depth, trades, tickers and mark prices.

The front calls ``flush`` every beat; finished events go to the hub. It knows no socket and no REST page. Field names
and order follow the recorded frames and ../shared/exchanges/binance.md §4 to §6. A depth stream is only prepared while
somebody is subscribed to it.
"""

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.binance.streams import Stream, parse_stream
from jackbot_tui.sim.history import Aggregate, Print
from jackbot_tui.sim.hub import Hub
from jackbot_tui.sim.market import BookView, Levels, SimMarket
from jackbot_tui.sim.marks import MarkPrices
from jackbot_tui.sim.text import decimals
from jackbot_tui.sim.timeline import Timeline

AGGREGATE_WINDOW_MS = 100  # USD-M; spot aggregates per taker order
PARTIAL_LEVELS = (5, 10, 20)


class _Cadence(Struct):
    """All depth that goes out once a period: one view of the book, and the streams that show it."""

    view: BookView
    names: tuple[str, ...]  # diff streams
    partial: tuple[tuple[str, int], ...]  # partial streams and their levels


def _cadences(market: SimMarket) -> list[_Cadence]:
    """The cadences of a market, from the stream names it understands."""
    symbol = market.native.lower()
    found: dict[int, _Cadence] = {}
    for suffix in ("", "@0ms", "@100ms", "@250ms", "@500ms", "@1000ms"):
        stream = parse_stream(f"{symbol}@depth{suffix}", market.kind)
        if stream is None:
            continue
        if stream.period_ms not in found:
            found[stream.period_ms] = _Cadence(market.view(stream.period_ms), (), ())
        cadence = found[stream.period_ms]
        cadence.names += (stream.name,)
        cadence.partial += tuple((f"{symbol}@depth{levels}{suffix}", levels) for levels in PARTIAL_LEVELS)
    return list(found.values())


class MarketFeed:
    """The texts of one market."""

    def __init__(self, market: SimMarket, hub: Hub, timeline: Timeline) -> None:
        self.source = market
        self.listing = market.listing
        self.engine = market.engine
        self.text = market.text
        self.market = market.kind
        self.history = market.history
        self.marks = market.marks
        self._hub = hub
        self._timeline = timeline
        self._native = market.native
        self._symbol = market.native.lower()
        self._cadences = _cadences(market)
        self._sent_aggregate = 0
        self._aggregates_due_ms = market.phase_ms
        self._sent_ticker = (0, 0, 0, 0)
        self._sent_mark_beats = 0

    def prepare(self, stream: Stream) -> None:
        """Somebody subscribed to a stream of this market: start to collect for it if nobody did before."""
        for cadence in self._cadences:
            if stream.kind.is_depth and cadence.view.period_ms == stream.period_ms:
                cadence.view.start()

    def flush(self, elapsed_ms: int) -> None:
        """Publish what is due ``elapsed_ms`` after the opening."""
        now_ms = self._timeline.now_ms()
        if self.source.fresh_trades:
            self._publish_trades(now_ms)
        if self.history.aggregates and (self.market is MarketKind.SPOT or elapsed_ms >= self._aggregates_due_ms):
            self._aggregates_due_ms = elapsed_ms - elapsed_ms % AGGREGATE_WINDOW_MS + AGGREGATE_WINDOW_MS
            self._publish_aggregates(now_ms)
        self._publish_ticker(now_ms)
        for cadence in self._cadences:
            if cadence.view.is_due(elapsed_ms):
                self._publish_depth(cadence, now_ms)
        if self.marks is not None and self.source.mark_beats != self._sent_mark_beats:
            self._publish_mark(self.marks, now_ms)

    def publish_books(self) -> None:
        """All depth changes at once, whatever their beat."""
        for cadence in self._cadences:
            self._publish_depth(cadence, self._timeline.now_ms())

    def _publish_trades(self, now_ms: int) -> None:
        name = f"{self._symbol}@trade"
        if not self._hub.wanted(self.market, name):
            return
        for trade in self.source.fresh_trades:
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
        name = f"{self._symbol}@bookTicker"
        ticker = self.source.best() if self._hub.wanted(self.market, name) else None
        if ticker is None or ticker == self._sent_ticker:
            return
        self._sent_ticker = ticker
        text = self.text
        body = (
            f'"u":{self.engine.last_update_id},"s":"{self._native}",'
            f'"b":"{text.price(ticker[0])}","B":"{text.quantity(ticker[1])}",'
            f'"a":"{text.price(ticker[2])}","A":"{text.quantity(ticker[3])}"'
        )
        if self.market is MarketKind.SPOT:
            payload = f"{{{body}}}"
        else:
            payload = f'{{"e":"bookTicker",{body},"T":{now_ms},"E":{now_ms},"st":1}}'
        self._hub.publish(self.market, name, payload)

    def _publish_depth(self, cadence: _Cadence, now_ms: int) -> None:
        view = cadence.view
        first, previous = view.first_id, view.last_id
        changes = view.take()
        if changes is None:
            return
        last = view.last_id
        bids, asks = changes
        if self.market is MarketKind.SPOT:
            first = previous + 1
        else:
            bids.reverse()
        names = [name for name in cadence.names if self._hub.wanted(self.market, name)]
        if names:
            payload = self._depth_text(now_ms, (first, last, previous), bids, asks)
            for name in names:
                self._hub.publish(self.market, name, payload)
        for name, levels in cadence.partial:
            if self._hub.wanted(self.market, name):
                self._hub.publish(self.market, name, self._partial_text(now_ms, (first, last, previous), levels))

    def _depth_text(self, now_ms: int, ids: tuple[int, int, int], bids: Levels, asks: Levels) -> str:
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

    def _publish_mark(self, marks: MarkPrices, now_ms: int) -> None:
        beats = self._sent_mark_beats = self.source.mark_beats
        payload = ""
        for suffix, every in (("@1s", 1), ("", 3), ("@3s", 3)):
            name = f"{self._symbol}@markPrice{suffix}"
            if beats % every == 0 and self._hub.wanted(self.market, name):
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
    return decimals(value, 8)
