"""Pictures: everything one screen may see, put together from the state of the engine at the moment it is asked for.

The cost is bounded by what is on the glass (rows, working orders, new tape lines), not by the size of book or history.
Figures that need a walk over the account (equity, limits, sockets) are made anew at most ten times a second.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from jackbot_tui.book.analytics import row_of
from jackbot_tui.desk.arming import Arming
from jackbot_tui.desk.clients import ClientState, Ticket
from jackbot_tui.desk.estimate import liquidation_text, next_funding
from jackbot_tui.desk.kept import Kept, kept_of, kept_view
from jackbot_tui.desk.ladder import MAX_GROUP, ladder_rows
from jackbot_tui.desk.parent_words import parent_view
from jackbot_tui.desk.ports import EnginePort, HostFigures, HostPort
from jackbot_tui.desk.pricing import number_seen
from jackbot_tui.desk.views import (
    BookView,
    BudgetView,
    ConnectionView,
    FillView,
    HeaderView,
    KeptView,
    LadderLevel,
    LimitView,
    LogLine,
    OwnOrderView,
    PositionView,
    ScreenView,
    SymbolView,
    TapeLine,
    ViewRequest,
)
from jackbot_tui.desk.why import assumptions, fill_view
from jackbot_tui.desk.words import at_precision, average_text, flags_of, trigger_words
from jackbot_tui.model.accounting import break_even, net_realized, unrealized
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.numbers import ZERO, float_text, text_of
from jackbot_tui.model.orders import Order, Position

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket
    from jackbot_tui.engine.answers import FillRow
    from jackbot_tui.execution.paper.queue import QueueView

SLOW_NS = 100 * NS_PER_MS
TAPE_LINES = 200
LOG_LINES = 200
FILLS_SHOWN = 50
KEPT_PER_ORDER = 4
SPARE_ORDERS = 64
"""Views kept per working order (each screen's grouping has its own), and beyond; then all are made anew."""

KEPT_NS = 250 * NS_PER_MS
"""What parent orders keep here is looked at so often: it moves when a person or a fill moves it."""

MAX_ORDERS = 500
"""Working orders in one picture, the newest of them; the risk gate allows fewer."""


class _Slow(Struct, frozen=True):
    """Parts that are good for ``SLOW_NS``."""

    made_ns: int
    equity: str
    day_pnl: str
    limits: list[LimitView]
    connections: list[ConnectionView]
    figures: HostFigures


class PictureMaker:
    """One per desk; keeps between pictures what need not be made again."""

    def __init__(self, engine: EnginePort, host: HostPort | None, arming: Arming) -> None:
        self._engine = engine
        self._host = host
        self._arming = arming
        self._slow: _Slow | None = None
        self._fills: list[FillView] = []
        self._newest_fill: tuple[FillRow | None, int] = (None, 0)
        self._orders: dict[tuple[str, int], tuple[Order, QueueView | None, OwnOrderView]] = {}
        self._kept: list[Kept] = []
        self._kept_ns = -KEPT_NS

    def make(self, state: ClientState, request: ViewRequest, now: int, pen: ClientState | None) -> ScreenView:
        """The picture for one client. ``pen`` is who may arm."""
        markets = self._engine.data.markets
        market = markets.get(request.key) or markets.get(state.ticket.key) or next(iter(markets.values()), None)
        slow = self._slow_parts(now)
        state.pictures += 1
        key = "" if market is None else market.key
        working = self._engine.oms.open_orders()
        if len(self._orders) > KEPT_PER_ORDER * len(working) + SPARE_ORDERS:
            self._orders.clear()
        return ScreenView(
            seq=state.pictures,
            header=self._header(state.ticket, slow, market, pen, now),
            symbols=[self._symbol(each, working) for each in markets.values()],
            book=None if market is None else self._book(market, request, now),
            tape=[] if market is None else _tape(market, request.tape_after),
            cvd=0.0 if market is None else market.trades.cvd,
            orders=[self._order(order, request.group if order.key == key else 1) for order in working[-MAX_ORDERS:]],
            positions=[position_view(p, self._engine) for p in self._engine.portfolio.positions if _worth_showing(p)],
            fills=self._newest_fills(),
            log=[
                LogLine(n.seq, n.ts, n.level, n.text) for n in self._engine.board.after(request.log_after)[-LOG_LINES:]
            ],
            limits=slow.limits,
            connections=slow.connections,
            budgets=budget_views(slow.figures),
            clocks=slow.figures.clocks,
            parents=[parent_view(each, now) for each in self._engine.parents.pictures()] if request.parents else None,
            kept=[] if market is None else self._kept_views(market, request.group, now),
        )

    def _slow_parts(self, now: int) -> _Slow:
        slow = self._slow
        if slow is None or not 0 <= now - slow.made_ns < SLOW_NS:
            portfolio, mark_of = self._engine.portfolio, self._engine.mark_of
            slow = self._slow = _Slow(
                made_ns=now,
                equity=f"{portfolio.equity(mark_of):.2f}",
                day_pnl=f"{portfolio.day_pnl(mark_of):.2f}",
                limits=limit_views(self._engine),
                connections=[] if self._host is None else self._host.connections(),
                figures=HostFigures() if self._host is None else self._host.figures(),
            )
        return slow

    def _header(
        self, ticket: Ticket, slow: _Slow, market: "InstrumentMarket | None", pen: ClientState | None, now: int
    ) -> HeaderView:
        engine, arming, figures = self._engine, self._arming, slow.figures
        mark = None if market is None else market.mark
        believed = mark is not None and market is not None and market.fresh_mark(now) is not None
        places = 0 if market is None else market.instrument.price_places
        return HeaderView(
            mode=engine.mode.value,
            venue=engine.venue,
            session=engine.journal.session,
            now_ns=now,
            md_ms=-1.0 if market is None else _age_ms(market.last_frame_ns, now),
            ord_ms=engine.order_round_trip_ms,
            loop_lag_ms=figures.loop_lag_ms,
            frames_per_s=figures.frames_per_s,
            dropped_frames=figures.dropped_frames,
            unknown_frames=figures.unknown_frames,
            equity=slow.equity,
            day_pnl=slow.day_pnl,
            armed=arming.armed,
            armed_market=arming.market,
            armed_until_ns=arming.until_ns,
            armed_client="" if pen is None else pen.label,
            killed=engine.killed,
            market_detail=figures.detail,
            mark=f"{mark.mark:.{places}f}" if mark is not None and believed else "",
            index=f"{mark.index:.{places}f}" if mark is not None and believed else "",
            funding_rate="" if mark is None else float_text(mark.funding_rate),
            next_funding_ns=0 if mark is None else mark.next_funding_ns,
            replay=figures.replay,
            quantity=text_of(ticket.quantity),
            presets=[text_of(preset) for preset in ticket.presets],
            preset=ticket.preset,
            assumptions=[] if market is None else assumptions(engine, market.key),
            post_only=ticket.post,
            reduce_only=ticket.reduce,
            slip_ticks=ticket.slip_ticks,
            account=engine.executor.holder,
            locked=bool(engine.executor.locked),
        )

    def _symbol(self, market: "InstrumentMarket", working: list[Order]) -> SymbolView:
        last, first = market.trades.last_price, market.trades.first_price
        instrument = market.instrument
        return SymbolView(
            key=market.key,
            symbol=instrument.symbol,
            venue=instrument.venue,
            state=market.state.value,
            last="" if last is None else f"{last:.{instrument.price_places}f}",
            change_pct=(last - first) / first * 100.0 if last and first else 0.0,
            position=text_of(self._engine.portfolio.position(market.key).quantity),
            working=sum(1 for order in working if order.key == market.key),
        )

    def _book(self, market: "InstrumentMarket", request: ViewRequest, now: int) -> BookView:
        instrument, sequencer = market.instrument, market.sequencer
        group = max(1, min(request.group, MAX_GROUP))
        bid, ask = market.book.best_bid(), market.book.best_ask()
        bids, asks = ladder_rows(market, request.levels, group, _anchor(request.anchor))
        sum_bid, sum_ask = _sum(bids), _sum(asks)
        last = market.trades.last
        places = instrument.price_places
        size_decimals = sequencer.size_decimals
        gap = (ask[0] - bid[0]) / float(instrument.tick) if bid is not None and ask is not None else 0.0
        return BookView(
            key=market.key,
            state=market.state.value,
            age_ms=_age_ms(market.last_book_ns, now),
            update_id=sequencer.last_id,
            tick=text_of(instrument.tick),
            group=group,
            price_places=places,
            qty_places=instrument.qty_places,
            best_bid="" if bid is None else f"{bid[0]:.{places}f}",
            best_bid_size="" if bid is None else float_text(bid[1], size_decimals),
            best_ask="" if ask is None else f"{ask[0]:.{places}f}",
            best_ask_size="" if ask is None else float_text(ask[1], size_decimals),
            last="" if last is None else f"{last.price:.{places}f}",
            last_side="" if last is None else last.side.value,
            spread_ticks=round(gap),
            bids=bids,
            asks=asks,
            sum_bid=sum_bid,
            sum_ask=sum_ask,
            imbalance=(sum_bid - sum_ask) / (sum_bid + sum_ask) if sum_bid + sum_ask else 0.0,
            gaps=sequencer.stats.gaps,
            resyncs=sequencer.stats.resyncs,
            reason="" if market.live else sequencer.reason,
        )

    def _order(self, order: Order, group: int) -> OwnOrderView:
        """A working order; the view is made again only when the order or its place in the queue is another one."""
        place = self._engine.executor.queue(order.client_id)
        kept = self._orders.get((order.client_id, group))
        if kept is not None and kept[0] is order and kept[1] == place:
            return kept[2]
        view = order_view(order, self._engine, group)
        self._orders[order.client_id, group] = (order, place, view)
        return view

    def _kept_views(self, market: "InstrumentMarket", group: int, now: int) -> list[KeptView]:
        if not 0 <= now - self._kept_ns < KEPT_NS:
            self._kept, self._kept_ns = kept_of(self._engine.parents.pictures()), now
        instrument, group = market.instrument, max(1, group)
        tick = float(instrument.tick)
        return [
            kept_view(each, instrument, row_of(float(each.price), tick, group, each.side))
            for each in self._kept
            if each.key == market.key
        ]

    def _newest_fills(self) -> list[FillView]:
        """Newest first; made again only when there is a new one, or more is known of what they were worth."""
        fills = self._engine.fills
        newest = fills[-1] if fills else None, self._engine.markouts.changes
        if newest != self._newest_fill:
            self._newest_fill = newest
            count = min(FILLS_SHOWN, len(fills))
            self._fills = [fill_view(fills[-place], self._engine) for place in range(1, count + 1)]
        return self._fills


def budget_views(figures: HostFigures) -> list[BudgetView]:
    """Every request limit of the venue with what is left of it."""
    return [
        BudgetView(rest.kind, b.name, b.scope, max(0, b.limit - b.used), b.limit, b.interval_s, rest.paused_s)
        for rest in figures.rest
        for b in rest.budgets
    ]


def _worth_showing(position: Position) -> bool:
    return bool(position.quantity or position.bought or position.sold)


def _age_ms(then: int, now: int) -> float:
    return (now - then) / NS_PER_MS if then else -1.0


def _sum(rows: list[LadderLevel]) -> float:
    return sum(row.size for row in rows)


def _anchor(text: str) -> float | None:
    """The price a scrolled ladder hangs on; None for the inside or for what is no price."""
    anchor = number_seen(text)
    return None if anchor is None else float(anchor)


def _tape(market: "InstrumentMarket", after: int) -> list[TapeLine]:
    places = market.instrument.price_places
    return [
        TapeLine(
            seq,
            trade.ts_event or trade.ts_recv,
            f"{trade.price:.{places}f}",
            trade.size_text,
            trade.side.value,
            trade.size,
        )
        for seq, trade in market.trades.after(after, TAPE_LINES)
    ]


def limit_views(engine: EnginePort) -> list[LimitView]:
    """Every limit of the risk gate with what is used of it."""
    return [LimitView(*use) for use in engine.limits()]


def order_view(order: Order, engine: EnginePort, group: int = 1) -> OwnOrderView:
    """A working order with its place on the ladder and in the queue."""
    market = engine.data.markets.get(order.key)
    index, price = 0, ""
    stands, trigger = order.price, ""
    if order.is_waiting:
        instrument = None if market is None else market.instrument
        later = "mkt" if order.price is None else f"@ {text_of(order.price)}"
        stands, trigger = order.trigger_price, f"{trigger_words(order, instrument).lower()} {later}"
    if stands is not None:
        price = text_of(stands) if market is None else at_precision(stands, market.instrument.price_places)
        if market is not None:
            index = row_of(float(stands), float(market.instrument.tick), max(1, group), order.side)
    place = None if market is None else engine.executor.queue(order.client_id)
    return OwnOrderView(
        number=order.number,
        client_id=order.client_id,
        key=order.key,
        side=order.side.value,
        type=order.type.value,
        quantity=text_of(order.quantity),
        price=price,
        filled=text_of(order.filled),
        remaining=text_of(order.remaining),
        status=order.status.value,
        flags=flags_of(order),
        owner=order.owner,
        created_ns=order.created_ns,
        queue_ahead=-1.0 if place is None else float(place.ahead),
        queue_behind=-1.0 if place is None else float(place.behind),
        index=index,
        reason=order.reason,
        trigger=trigger,
        parent=_parent_of(order, engine),
    )


def _parent_of(order: Order, engine: EnginePort) -> str:
    """``maker p3``, "" for an order of a person."""
    number = order.parent_id[1:]
    picture = engine.parents.picture(int(number)) if number.isdigit() else None
    return order.parent_id if picture is None else f"{picture.kind.value} {order.parent_id}"


def position_view(position: Position, engine: EnginePort) -> PositionView:
    """A position valued at its mark; prices at the instrument's precision, money to the cent."""
    market = engine.data.markets.get(position.key)
    mark = engine.mark_of(position.key)
    open_profit = ZERO if mark is None else unrealized(position, mark)
    places, ticks, even = 2, "", ZERO
    margin, funding, liquidation = None, None, ""
    if market is not None:
        instrument = market.instrument
        places = instrument.price_places
        even = break_even(position, instrument.taker_fee)
        if mark is not None and position.quantity:
            sign = 1 if position.quantity > 0 else -1
            ticks = f"{(mark - position.average_entry) * sign / instrument.tick:+.1f}"
        if position.quantity:
            now = engine.clock.now_ns()
            margin, funding = engine.executor.margin(position.key, now), next_funding(market, position.quantity, now)
            liquidation = "" if margin is None else liquidation_text(margin, instrument, long=position.quantity > 0)
    return PositionView(
        key=position.key,
        quantity=text_of(position.quantity),
        average_entry=_average(position.average_entry, places),
        mark="" if mark is None else f"{mark:.{places}f}",
        unrealized=_cents(open_profit),
        realized=_cents(position.realized),
        fees=_cents(position.fees),
        funding=_cents(position.funding),
        net=_cents(net_realized(position) + open_profit),
        ticks=ticks,
        break_even=_average(even, places),
        liquidation=liquidation,
        margin_mode="" if margin is None else margin.setting.mode.value,
        leverage="" if margin is None else text_of(margin.setting.leverage),
        margin="" if margin is None else _cents(margin.initial),
        maintenance="" if margin is None else _cents(margin.kept),
        behind="" if margin is None else _cents(margin.behind),
        next_funding="" if funding is None else _cents(funding.amount),
        next_funding_ns=0 if funding is None else funding.at_ns,
    )


def _average(value: Decimal, places: int) -> str:
    return average_text(value, places) if value else ""


def _cents(value: Decimal) -> str:
    return f"{value:.2f}"
