"""A small market for tests of paper, risk and portfolio: a plain book, an instrument, an engine's ears.

``Market`` is a real ``InstrumentMarket`` whose book is set by hand, so that fills can be computed on paper.
"""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.base import ExecutorEvent, VenueOrder
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import BookState, MarketKind, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.market import Level, MarkPrice, Trade
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.orders import (
    Order,
    OrderAmendRequested,
    OrderCancelRequested,
    OrderEvent,
    OrderFilled,
    OrderRequest,
)
from jackbot_tui.venues.base import SequencePolicy

PERP = Instrument(
    venue="x", symbol="BTC/USDT:USDT", native="BTCUSDT", kind=MarketKind.LINEAR, base="BTC", quote="USDT",
    settle="USDT", tick=Decimal("0.1"), lot=Decimal("0.001"), min_qty=Decimal("0.001"), max_qty=Decimal(1000),
    market_max_qty=Decimal(120), min_notional=Decimal(5), maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0005"),
    max_leverage=Decimal(125), max_orders=200, funding_interval_h=8,
)  # fmt: skip
SPOT = Instrument(
    venue="x", symbol="BTC/USDT", native="BTCUSDT", kind=MarketKind.SPOT, base="BTC", quote="USDT", settle="USDT",
    tick=Decimal("0.01"), lot=Decimal("0.00001"), min_qty=Decimal("0.00001"), max_qty=Decimal(9000),
    min_notional=Decimal(5), maker_fee=Decimal("0.001"), taker_fee=Decimal("0.001"),
)  # fmt: skip


class Market(InstrumentMarket):
    """One instrument's market, moved by hand."""

    def __init__(self, instrument: Instrument = PERP) -> None:
        super().__init__(instrument, SequencePolicy.PREVIOUS_ID, max_levels=10_000)
        self.become(BookState.LIVE)

    def become(self, state: BookState) -> None:
        self.sequencer.state = state

    def set(self, bids: list[Level], asks: list[Level]) -> None:
        self.book.replace(bids, asks)

    def set_mark(self, price: float) -> None:
        """A mark price as old as the book."""
        at = self.last_book_ns
        self.mark = MarkPrice(self.key, at, at, price, price, 0.0001, 0)


class World:
    """A paper executor with an order state machine and a portfolio listening, as the engine would."""

    def __init__(
        self,
        *markets: Market,
        latency_ms: int = 0,
        balances: dict[str, Decimal] | None = None,
        leverage: int = 10,
        jitter_ms: int = 0,
        seed: int = 1,
        margin: MarginMode = MarginMode.CROSS,
        config: PaperConfig | None = None,
    ) -> None:
        self.markets = {market.key: market for market in markets or (Market(),)}
        self.market = next(iter(self.markets.values()))
        self.config = config or PaperConfig(
            entry_latency_ns=latency_ms * NS_PER_MS,
            response_latency_ns=latency_ms * NS_PER_MS,
            latency_jitter_ns=jitter_ms * NS_PER_MS,
            start_balances={"USDT": Decimal(1_000_000)} if balances is None else balances,
            leverage=Decimal(leverage),
            margin=margin,
        )
        if config is not None:
            self.config = replace(self.config, start_balances={"USDT": Decimal(1_000_000)})
        self.paper = PaperExecutor(self.markets, self.config, seed, trade_id_prefix="w-1-")
        self.oms = Oms(strict=True)
        self.portfolio = Portfolio(self.config.start_balances)
        self.now = 1_000_000_000
        self.sent: dict[str, Order] = {}
        self.log: list[OrderEvent] = []
        self.liquidations: list[VenueOrder] = []
        self._number = 0
        self._trades = 0

    # ------------------------------------------------------------------ orders

    def send(
        self,
        side: str,
        quantity: str,
        price: str | None = None,
        *,
        tif: str = "gtc",
        post_only: bool = False,
        reduce_only: bool = False,
        market: Market | None = None,
    ) -> str:
        """Submit an order now; returns its client id."""
        self._number += 1
        request = OrderRequest(
            key=(market or self.market).key,
            side=Side(side),
            quantity=Decimal(quantity),
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            price=None if price is None else Decimal(price),
            tif=TimeInForce(tif),
            post_only=post_only,
            reduce_only=reduce_only,
        )
        order = self.oms.create(request, self._number, f"o{self._number}", self.now)
        self.sent[order.client_id] = order
        self.hear(self.paper.submit(order, self.now))
        return order.client_id

    def cancel(self, client_id: str) -> None:
        if self.order(client_id).status is OrderStatus.PENDING_CANCEL:
            return
        self.oms.apply(OrderCancelRequested(client_id, self.now))
        self.hear(self.paper.cancel(self.oms.orders[client_id], self.now))

    def amend(self, client_id: str, price: str, quantity: str) -> None:
        self.oms.apply(OrderAmendRequested(client_id, self.now, Decimal(price), Decimal(quantity)))
        self.hear(self.paper.amend(self.oms.orders[client_id], Decimal(price), Decimal(quantity), self.now))

    # ------------------------------------------------------------------ the market moves

    def book(self, bids: list[Level], asks: list[Level], market: Market | None = None) -> None:
        market = market or self.market
        market.set(bids, asks)
        if market.live:
            self.hear(self.paper.on_book(market, self.now))

    def trade(
        self, side: str, price: float, size: str, market: Market | None = None, made_ns: int | None = None
    ) -> None:
        """A public trade, made at the exchange a moment after everything before it, or at ``made_ns``."""
        market = market or self.market
        self._trades += 1
        made_ns = self.now + self._trades if made_ns is None else made_ns
        trade = Trade(
            market.key, made_ns, self.now, str(self._trades), Side(side), price, float(size), str(price), size
        )
        market.trades.add(trade)
        self.hear(self.paper.on_trade(market, trade, self.now))

    def mark(self, price: float, market: Market | None = None) -> None:
        """A mark price arrives."""
        market = market or self.market
        market.mark = MarkPrice(market.key, self.now, self.now, price, price, 0.0001, 0)
        self.hear(self.paper.on_mark(market, self.now))

    def wait(self, ms: float) -> None:
        self.now += int(ms * NS_PER_MS)
        self.hear(self.paper.advance(self.now))

    # ------------------------------------------------------------------ what came of it

    def hear(self, events: list[ExecutorEvent]) -> None:
        for event in events:
            if isinstance(event, VenueOrder):
                self._number += 1
                self.oms.take_in(replace(event.order, number=self._number))
                self.liquidations.append(event)
                continue
            self.log.append(event)
            update = self.oms.apply(event)
            if update is not None and update.fill is not None:
                self.portfolio.apply(update.order, update.fill)

    def order(self, client_id: str) -> Order:
        return self.oms.orders[client_id]

    def status(self, client_id: str) -> str:
        return self.order(client_id).status.value

    def fills(self, client_id: str | None = None) -> list[tuple[str, str]]:
        """``(price, quantity)`` texts of the fills heard of."""
        return [(text_of(fill.price), text_of(fill.quantity)) for fill in self.fill_events(client_id)]

    def fill_events(self, client_id: str | None = None) -> list[OrderFilled]:
        return [
            event
            for event in self.log
            if isinstance(event, OrderFilled) and (client_id is None or event.client_id == client_id)
        ]

    def ahead(self, client_id: str) -> str:
        view = self.paper.queue(client_id)
        return "none" if view is None else text_of(view.ahead)
