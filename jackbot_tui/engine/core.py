"""The engine core: every order, cancel and fill goes through this one synchronous object.

It owns the market data pipeline, the order state machine, the portfolio, the risk gate, an executor and the journal,
and knows neither sockets nor timers: the runtime calls ``on_*`` and ``advance``; tests and replay do the same. An
intent is appended to the journal before it leaves, and leaves only when the journal says that it is durable; what
people are told about an order (notices) is published only after the fact is durable.
"""

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.answers import Asked, FillRow, KillReport, Submitted
from jackbot_tui.engine.describe import describe
from jackbot_tui.engine.flatten import OWNER as FLATTEN_OWNER
from jackbot_tui.engine.flatten import Flattener
from jackbot_tui.engine.funding import FundingClock
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.notices import NoticeBoard
from jackbot_tui.engine.permission import Permission
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.execution.slip import with_bounded_slip
from jackbot_tui.journal.base import Journal, Recovered
from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.model.enums import BookState, Mode, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
from jackbot_tui.model.numbers import decimal_of, text_of
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmended,
    OrderAmendRejected,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRequested,
    OrderEvent,
    OrderRequest,
    Position,
)
from jackbot_tui.model.records import (
    CommandReceived,
    FundingApplied,
    KillSwitch,
    MarkSampled,
    Note,
    OrderRefused,
    OrderSubmitted,
    Record,
    SessionEnded,
    SessionStarted,
)
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.refusal import Refusal, RefusalCode

RECENT_FILLS = 500

LONGEST_WAIT_NS = 2 * NS_PER_S
"""An order or amend that waited longer than this for the disk does not leave: the market it was meant for is gone."""

CANCEL_AGAIN_NS = 2 * NS_PER_S
"""A cancel asked for again after this long is sent again."""

DAY_NS = 86_400 * NS_PER_S


class Engine:
    """See the module's paragraph. ``data`` must not have other writers; call everything from one thread."""

    def __init__(
        self,
        *,
        clock: Clock,
        mode: Mode,
        venue: str,
        data: MarketData,
        executor: PaperExecutor,
        oms: Oms,
        portfolio: Portfolio,
        gate: RiskGate,
        journal: Journal,
        seed: int,
        version: str,
    ) -> None:
        self.clock = clock
        self.mode = mode
        self.venue = venue
        self.data = data
        self.executor = executor
        self.oms = oms
        self.portfolio = portfolio
        self.gate = gate
        self.journal = journal
        self.seed = seed
        self.version = version
        self.board = NoticeBoard()
        self.fills: deque[FillRow] = deque(maxlen=RECENT_FILLS)
        self.order_round_trip_ms = -1.0
        self.feed_detail = ""
        self.stopping = False
        self._next_number = 1
        self._flattener = Flattener(self)
        self._permission = Permission(self)
        self._unrestored: dict[str, list[str]] = {}  # client ids of an earlier session by key, until it is followed
        self._unsent: set[str] = set()
        self.amending: dict[str, Decimal] = {}  # total quantity asked for by client id, until the amend is answered
        self._funding = FundingClock()
        self._day = clock.now_ns() // DAY_NS
        self._wakeup_listener: Callable[[], None] | None = None
        self.notice_listener: Callable[[VenueNotice], None] | None = None
        """Hears what the venue says about its service; the runtime's."""
        data.subscribe(self)

    # ------------------------------------------------------------------ start and end

    def start(self, recovered: Recovered | None, symbols: list[str]) -> None:
        """Journal the session and take over what the journal knew. Places and cancels nothing."""
        if recovered is not None:
            self._next_number = recovered.next_number
            self.oms.load(recovered.orders.values(), recovered.fill_ids)
            self.portfolio.load(recovered.positions.values(), recovered.opening)
            self.executor.load(recovered.positions.values())
            if recovered.killed:
                self.gate.kill()
            for order in recovered.orders.values():
                if order.is_open:
                    self._unrestored.setdefault(order.key, []).append(order.client_id)
        self.journal.append(
            SessionStarted(
                ts=self.clock.now_ns(),
                session=self.journal.session,
                mode=self.mode.value,
                venue=self.venue,
                symbols=symbols,
                seed=self.seed,
                version=self.version,
            )
        )

    def add_instrument(self, instrument: Instrument) -> InstrumentMarket:
        """Follow an instrument; working orders of an earlier session rest again at the back of its queue."""
        market = self.data.add(instrument)
        orders = [self.oms.orders[client_id] for client_id in self._unrestored.pop(instrument.key, [])]
        if orders:
            now = self.clock.now_ns()
            resting = []
            for order in orders:
                if order.status is OrderStatus.PENDING_NEW:
                    self._apply_all(self.executor.reconcile(order, now))
                elif order.is_open:
                    resting.append(order)
            self._apply_all(self.executor.restore(resting, now))
            self._poke()
        return market

    def end(self, reason: str) -> None:
        """Journal the marks of open positions and the end of the session. The runtime flushes afterwards."""
        now = self.clock.now_ns()
        self._sample_marks(now)
        self._append(SessionEnded(ts=now, session=self.journal.session, reason=reason))

    # ------------------------------------------------------------------ orders in

    def submit(self, request: OrderRequest, confirmed: bool = False) -> Submitted:
        """Gate, journal, and hand to the executor once durable. Never raises for a bad request: it is refused.

        A market order with a bound on its slip becomes an IOC limit first, so that one order is checked and sent.

        ``confirmed``: a person has confirmed this very order (it may then repeat a recent one).
        """
        now = self.clock.now_ns()
        if request.owner != FLATTEN_OWNER:
            self._flattener.drop(request.key)
        market = self.data.markets.get(request.key)
        if market is not None:
            request = with_bounded_slip(request, market)
        refusal = self.refusal_of(request, confirmed)
        if refusal is not None:
            return self._refused(request, refusal, now)
        order = self.oms.create(
            request, self._next_number, client_order_id(request.owner, self.journal.journal_id, self._next_number), now
        )
        try:
            seq = self.journal.append(OrderSubmitted(ts=now, order=order))
        except JournalError as error:
            self.oms.discard(order.client_id)
            return self._refused(request, Refusal(RefusalCode.ENGINE_UNHEALTHY, str(error)), now)
        self._next_number += 1
        self._unsent.add(order.client_id)
        self.gate.on_submitted(request, now)
        self.journal.when_durable(seq, lambda: self._send(order.client_id))
        return Submitted(order, None, seq)

    def cancel(self, client_id: str, source: str) -> Asked:
        """Ask for a cancel. Always allowed, whatever the state of book, gate, journal or arming.

        Unlike an order, a cancel does not wait for the disk: it only ever lowers risk.
        """
        order = self.oms.orders.get(client_id)
        if order is None:
            return Asked(f"no order {client_id}", 0)
        if not order.is_open:
            return Asked(f"order #{order.number} is already {order.status.value}", 0, order)
        now = self.clock.now_ns()
        if order.status is OrderStatus.PENDING_CANCEL:
            if now - order.updated_ns < CANCEL_AGAIN_NS:
                return Asked("", self.journal.durable_seq, order)
            seq = self.journal.durable_seq
        else:
            seq = self._apply(OrderCancelRequested(client_id, now, source))
        if client_id in self._unrestored.get(order.key, ()):
            seq = self._apply(OrderCanceled(client_id, now, "it was not at the venue: canceled here"))
        elif client_id not in self._unsent:  # else ``_send`` meets the request and the order never leaves
            self._apply_all(self.executor.cancel(self.oms.orders[client_id], now))
            self._poke()
        return Asked("", seq, self.oms.orders.get(client_id, order))

    def amend(self, client_id: str, price: Decimal | None, quantity: Decimal | None, source: str) -> Asked:
        """Ask to change price and/or total quantity of a working limit order; None leaves a value as it is."""
        order = self.oms.orders.get(client_id)
        if order is None:
            return Asked(f"no order {client_id}", 0)
        if order.status not in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED):
            return Asked(f"order #{order.number} is {order.status.value}: only a working order can be moved", 0, order)
        if order.price is None:
            return Asked(f"order #{order.number} is a market order: it has no price to move", 0, order)
        new_price = order.price if price is None else price
        new_quantity = order.quantity if quantity is None else quantity
        now = self.clock.now_ns()
        refusal = self.amend_refusal(order, new_price, new_quantity)
        if refusal is not None:
            return Asked(refusal.message, 0, order, refusal)
        unfit = self._permission.unfit()
        if unfit is not None:
            return Asked(unfit.message, 0, order, unfit)
        self.amending[client_id] = new_quantity
        seq = self._apply(OrderAmendRequested(client_id, now, new_price, new_quantity, source))
        if not seq:
            self._apply(OrderAmendRejected(client_id, now, "the journal did not take it"))
            return Asked("the journal did not take the change: nothing was sent", 0, order)
        self.gate.on_amended(now)
        self.journal.when_durable(seq, lambda: self._send_amend(client_id, new_price, new_quantity, now))
        return Asked("", seq, self.oms.orders.get(client_id, order))

    def cancel_all(
        self, *, key: str | None = None, side: Side | None = None, owner: str | None = None, source: str
    ) -> list[Order]:
        """Ask to cancel every working order that matches; returns them (as they were)."""
        chosen = [
            order
            for order in self.oms.open_orders(key)
            if (side is None or order.side is side) and (owner is None or order.owner == owner)
        ]
        for order in chosen:
            self.cancel(order.client_id, source)
        return chosen

    def flatten(self, key: str | None, source: str) -> list[Submitted]:
        """Cancel the instrument's orders and close its position at market; None = every instrument.

        Fills that race with the cancels are noticed and closed as well. While a book is not LIVE the closing order
        waits for it and says so.
        """
        held = {position.key for position in self.portfolio.positions if position.quantity}
        keys = [key] if key is not None else sorted(held | {order.key for order in self.oms.open_orders()})
        sent: list[Submitted] = []
        for each in keys:
            closing = self._flattener.flatten(each, source, self._cancel_for_position(each, source))
            if closing is not None:
                sent.append(closing)
        return sent

    def reverse(self, key: str, source: str) -> Submitted | None:
        """Turn a perpetual's position around, to the same size on the other side; None when flat.

        The instrument's working orders are canceled first and waited for, so that the position cannot overshoot;
        the answer then names no order yet. Refused before anything is canceled when it could not be done.
        """
        position = self.portfolio.position(key)
        if not position.quantity:
            return None
        now = self.clock.now_ns()
        request = OrderRequest(
            key=key,
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            quantity=abs(position.quantity) * 2,
            type=OrderType.MARKET,
            tif=TimeInForce.IOC,
            owner=FLATTEN_OWNER,
            source=source,
            tag="reverse",
        )
        market = self.data.markets.get(key)
        if market is not None and not market.instrument.is_perpetual:
            spot = Refusal(RefusalCode.REDUCE_ONLY, f"{key} is spot: a holding cannot be turned into a short position")
            return self._refused(request, spot, now)
        refusal = self.refusal_of(request)
        if refusal is not None:
            return self._refused(request, refusal, now)
        canceled = self._cancel_for_position(key, source)
        started = self._flattener.reverse(key, source, -position.quantity, canceled)
        return Submitted(None, None, self.journal.durable_seq) if started is None else started

    def _cancel_for_position(self, key: str, source: str) -> list[Order]:
        """Cancel the working orders of ``key`` but for closing orders that are on their way already."""
        working = [order for order in self.oms.open_orders(key) if order.owner != FLATTEN_OWNER]
        for order in working:
            self.cancel(order.client_id, source)
        return working

    def kill(self, source: str, flatten: bool = False) -> KillReport:
        """Lock new orders, cancel everything, optionally flatten. Needs neither arming nor fresh data."""
        now = self.clock.now_ns()
        self.gate.kill()
        seq = self._append(KillSwitch(ts=now, engaged=True, source=source))
        cancels = self.cancel_all(source="kill")
        flattens = self.flatten(None, "kill") if flatten else []
        unknown = [order for order in self.oms.open_orders() if order.status is OrderStatus.PENDING_UNKNOWN]
        text = f"KILL by {source}: {len(cancels)} cancels sent, new orders locked until 'kill reset'"
        self.publish_durable(seq, now, "kill", "bad", text)
        return KillReport(cancels, flattens, unknown, seq)

    def reset_kill(self, source: str) -> int:
        """Allow orders again. Returns the journal record to wait for."""
        now = self.clock.now_ns()
        self.gate.reset()
        seq = self._append(KillSwitch(ts=now, engaged=False, source=source))
        self.publish_durable(seq, now, "kill", "good", f"kill switch reset by {source}")
        return seq

    def note(self, topic: str, text: str) -> int:
        return self._append(Note(ts=self.clock.now_ns(), topic=topic, text=text))

    def log_command(self, source: str, line: str, seen: dict[str, str] | None = None) -> int:
        return self._append(CommandReceived(ts=self.clock.now_ns(), source=source, line=line, seen=seen or {}))

    # ------------------------------------------------------------------ facts in

    def on_order_events(self, events: list[OrderEvent]) -> None:
        """Events that an executor learned by itself (private stream, poll)."""
        self._apply_all(events)

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        self._after_market(self.executor.on_book(market, now))

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        self._after_market(self.executor.on_trade(market, trade, now))

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None:
        due = self._funding.due(market.key, mark)
        if due is not None:
            self._settle_funding(market.key, due, now)

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        if new is BookState.LIVE:
            self._flattener.proceed()
            if old is not BookState.STALE:
                self._apply_all(self.executor.on_resync(market, now))
            text, level = f"{market.instrument.symbol} book LIVE", "good"
        else:
            text, level = f"{market.instrument.symbol} book {new.value.upper()}: {reason}", "warn"
        self.board.publish(now, "book", level, text, key=market.key)

    def on_notice(self, notice: VenueNotice, now: int) -> None:
        code = f" [{notice.code}]" if notice.code else ""
        self.board.publish(now, "feed", "warn", f"{self.venue} says {notice.kind}: {notice.message}{code}")
        if self.notice_listener is not None:
            self.notice_listener(notice)

    def feed_note(self, level: str, text: str) -> None:
        """A fact about connections in words, for the log panel."""
        self.board.publish(self.clock.now_ns(), "feed", level, text)

    def advance(self, now: int) -> None:
        """Time went on: latency queues, silence checks, the UTC day."""
        self._apply_all(self.executor.advance(now))
        day = now // DAY_NS
        if day != self._day:
            self._day = day
            self._sample_marks(now)
            self.portfolio.new_day(now, self.mark_of)

    @property
    def next_wakeup(self) -> int | None:
        """When ``advance`` must be called at the latest, None when nothing is waiting."""
        return self.executor.next_wakeup

    def on_wakeup_changed(self, listener: Callable[[], None]) -> None:
        """The runtime's way to learn that ``next_wakeup`` may be earlier now."""
        self._wakeup_listener = listener

    # ------------------------------------------------------------------ questions

    def mark_of(self, key: str) -> Decimal | None:
        """Price at which a position is valued: a fresh mark, else mid of a believed book, else last trade."""
        market = self.data.markets.get(key)
        return None if market is None else market.value_price(self.clock.now_ns())

    @property
    def killed(self) -> bool:
        """True while the kill switch locks new orders."""
        return self.gate.killed

    def refusal_of(self, request: OrderRequest, confirmed: bool = False) -> Refusal | None:
        """Why ``request`` would be refused now; None when it may go."""
        return self._permission.refusal_of(request, confirmed)

    def amend_refusal(self, order: Order, price: Decimal, quantity: Decimal) -> Refusal | None:
        """Why ``order`` may not get this price and total quantity now; None when it may."""
        return self._permission.amend_refusal(order, price, quantity)

    def limits(self) -> list[tuple[str, str, str, float]]:
        """``(name, used, limit, fraction)`` of every limit of the gate that is switched on."""
        return self._permission.limits()

    # ------------------------------------------------------------------ inside

    def _refused(self, request: OrderRequest, refusal: Refusal, now: int) -> Submitted:
        seq = self._append(OrderRefused(ts=now, request=request, code=refusal.code.value, message=refusal.message))
        self.publish_durable(seq, now, "refused", "bad", f"refused: {refusal.message}", key=request.key)
        return Submitted(None, refusal, seq)

    def _send(self, client_id: str) -> None:
        """The intent is durable: hand it to the executor, unless a cancel overtook it."""
        self._unsent.discard(client_id)
        order = self.oms.orders.get(client_id)
        if order is None or not order.is_open:
            return
        now = self.clock.now_ns()
        if order.status is OrderStatus.PENDING_CANCEL:
            self._apply(OrderCanceled(client_id, now, "canceled before it was sent"))
            return
        late = self._too_late(order.created_ns, now)
        if late:
            self._apply(OrderCanceled(client_id, now, f"not sent: {late}"))
            self._flattener.proceed()
            return
        self._apply_all(self.executor.submit(order, now))
        self._poke()

    def _send_amend(self, client_id: str, price: Decimal, quantity: Decimal, asked_ns: int) -> None:
        """The wish to amend is durable: hand it over, unless the order has moved on or the disk took too long."""
        order = self.oms.orders.get(client_id)
        if order is None or order.status is not OrderStatus.PENDING_REPLACE:
            self.amending.pop(client_id, None)
            return
        now = self.clock.now_ns()
        late = self._too_late(asked_ns, now)
        if late:
            self._apply(OrderAmendRejected(client_id, now, f"not sent: {late}"))
            return
        self._apply_all(self.executor.amend(order, price, quantity, now))
        self._poke()

    def _too_late(self, asked_ns: int, now: int) -> str:
        """Why what was asked at ``asked_ns`` may not leave any more, "" when it may."""
        if self.stopping:
            return "the engine is stopping"
        waited = now - asked_ns
        return f"the journal took {waited / NS_PER_S:.1f} s" if waited > LONGEST_WAIT_NS else ""

    def _apply_all(self, events: list[OrderEvent]) -> None:
        for event in events:
            self._apply(event)
        if events:
            self._flattener.proceed()
            self._poke()

    def _apply(self, event: OrderEvent) -> int:
        """Merge one order event, journal it, publish it once durable. Returns the journal sequence (0 = ignored)."""
        if isinstance(event, OrderAmended | OrderAmendRejected):
            self.amending.pop(event.client_id, None)
        update = self.oms.apply(event)
        if update is None:
            return 0
        order = update.order
        if not order.is_open:
            self.amending.pop(order.client_id, None)
        if update.fill is not None:
            self.portfolio.apply(order, update.fill)
            self.fills.append(FillRow(order, update.fill))
        seq = self._append(event)
        if isinstance(event, OrderAccepted):
            self.order_round_trip_ms = (self.clock.now_ns() - order.created_ns) / 1e6
        kind, level, text = describe(order, event)
        if kind:
            self.publish_durable(seq, event.ts, kind, level, text, key=order.key, number=order.number)
        return seq

    def _append(self, record: Record) -> int:
        """Append a fact that already happened; a journal that cannot take it is unhealthy and blocks new orders."""
        try:
            return self.journal.append(record)
        except JournalError as error:
            self.board.publish(self.clock.now_ns(), "note", "bad", f"journal: {error}")
            return 0

    def publish_durable(
        self, seq: int, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> None:
        def publish() -> None:
            self.board.publish(ts, kind, level, text, key=key, number=number)

        self.journal.when_durable(seq, publish)

    def _after_market(self, events: list[OrderEvent]) -> None:
        """A market event was matched: merge what came of it, and let answers under way be waited for."""
        if events:
            self._apply_all(events)
        elif self.executor.next_wakeup is not None:
            self._poke()

    def _poke(self) -> None:
        if self._wakeup_listener is not None:
            self._wakeup_listener()

    def _settle_funding(self, key: str, mark: MarkPrice, now: int) -> None:
        position = self.portfolio.position(key)
        if not position.quantity:
            return
        rate, price = decimal_of(mark.funding_rate), decimal_of(mark.mark)
        amount = self.executor.apply_funding(key, rate, price, now)
        seq = self._append(
            FundingApplied(ts=now, key=key, rate=rate, mark=price, quantity=position.quantity, amount=amount)
        )
        self.portfolio.apply_funding(key, amount, now)
        text = f"funding {text_of(amount)} on {text_of(position.quantity)} at {text_of(rate * 100)}%"
        self.publish_durable(seq, now, "note", "info", text, key=key)

    def _sample_marks(self, now: int) -> None:
        for position in self.portfolio.positions:
            price = self.mark_of(position.key)
            if position.quantity and price is not None:
                self._append(MarkSampled(ts=now, key=position.key, price=price))

    def positions(self) -> list[Position]:
        return [p for p in self.portfolio.positions if p.quantity or p.bought or p.sold]
