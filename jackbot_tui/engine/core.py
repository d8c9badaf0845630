"""The engine core: every order, cancel and fill goes through this one synchronous object.

It owns the market data pipeline, the order state machine, the portfolio, the risk gate, an executor and the journal,
and knows neither sockets nor timers: the runtime calls ``on_*`` and ``advance``; tests and replay do the same. An
intent is appended to the journal before it leaves, and leaves only when the journal says that it is durable; what
people are told about an order (notices) is published only after the fact is durable.
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.answers import Asked, FillRow, KillReport, Settling, Submitted
from jackbot_tui.engine.daily import TradingDay
from jackbot_tui.engine.describe import describe
from jackbot_tui.engine.flatten import OWNER as FLATTEN_OWNER
from jackbot_tui.engine.flatten import Flattener
from jackbot_tui.engine.funding import Funding
from jackbot_tui.engine.kill import throw
from jackbot_tui.engine.margin import choose_margin
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.markouts import Markouts
from jackbot_tui.engine.notices import NoticeBoard
from jackbot_tui.engine.parents import ParentOptions, Parents
from jackbot_tui.engine.permission import Permission
from jackbot_tui.engine.takeover import Takeover
from jackbot_tui.execution.base import ExecutorEvent, VenueExecutor, VenueOrder
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.journal.base import Journal, Recovered
from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.model.enums import BookState, Mode, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
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
    KillSwitch,
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


class Engine:
    """See the module's paragraph. ``data`` must not have other writers; call everything from one thread."""

    def __init__(
        self,
        *,
        clock: Clock,
        mode: Mode,
        venue: str,
        data: MarketData,
        executor: VenueExecutor,
        oms: Oms,
        portfolio: Portfolio,
        gate: RiskGate,
        journal: Journal,
        seed: int,
        version: str,
        parents: ParentOptions | None = None,
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
        self.stopping = False
        self.last_kill: KillReport | None = None
        self._next_number = 1
        self.markouts = Markouts(data.markets, self.append)
        self._flattener = Flattener(self)
        self._permission = Permission(self)
        self.as_sent = self._permission.as_sent
        self._takeover = Takeover(self)
        self._unsent: set[str] = set()
        self.amending: dict[str, Decimal] = {}  # total quantity asked for by client id, until the amend is answered
        self._funding = Funding(self)
        self.settling: Settling | None = None  # of differences to a real account; None where there is none
        self.parents = Parents(self, parents or ParentOptions(), self._poke)
        self._day = TradingDay(self, clock.now_ns(), self.append)
        self._wakeup_listener: Callable[[], None] | None = None
        self.notice_listener: Callable[[VenueNotice], None] | None = None
        """Hears what the venue says about its service; the runtime's."""
        data.terms = lambda instrument: self.parents.terms(executor.terms(instrument))
        data.subscribe(self)

    # ------------------------------------------------------------------ start and end

    def start(self, recovered: Recovered | None, symbols: list[str]) -> None:
        """Journal the session and take over what the journal knew. Places and cancels nothing."""
        if recovered is not None:
            self._next_number = recovered.next_number
            self.oms.load(recovered.orders.values(), recovered.fill_ids)
            self.parents.load(recovered)
            self.portfolio.load(recovered.positions.values(), recovered.opening)
            self.executor.load(recovered.positions.values(), recovered.margins)
            if recovered.killed:
                self.gate.kill()
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
        self._takeover.begin(() if recovered is None else recovered.orders.values())

    def add_instrument(self, instrument: Instrument) -> InstrumentMarket:
        """Follow an instrument; working orders of an earlier session are taken up again."""
        market = self.data.add(instrument)
        self._takeover.restore(instrument.key)
        self.parents.restore(instrument.key)
        self._poke()
        return market

    def end(self, reason: str) -> None:
        """Journal the marks of open positions and the end of the session. The runtime flushes afterwards."""
        self.markouts.finish(now := self.clock.now_ns())
        self._day.sample_marks(now)
        self.append(SessionEnded(ts=now, session=self.journal.session, reason=reason))

    # ------------------------------------------------------------------ orders in

    def submit(self, request: OrderRequest, confirmed: bool = False) -> Submitted:
        """Gate, journal, and hand to the executor once durable. Never raises for a bad request: it is refused.

        What must go out as a limit order becomes one first (``as_sent``), so that one order is checked and sent.

        ``confirmed``: a person has confirmed this very order (it may then repeat a recent one).
        """
        now = self.clock.now_ns()
        if request.owner != FLATTEN_OWNER:
            self._flattener.drop(request.key)
        request = self.as_sent(request)
        refusal = self.refusal_of(request, confirmed)
        if refusal is not None:
            return self._refused(request, refusal, now)
        number = self._next_number
        client_id = client_order_id(request.owner, self.journal.journal_id, number, request.parent_id)
        order = self.oms.create(request, number, client_id, now)
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
        if self._takeover.waits(order):
            seq = self._apply(OrderCanceled(client_id, now, "it was not at the venue: canceled here"))
        elif client_id not in self._unsent:  # else ``_send`` meets the request and the order never leaves
            self.apply_all(self.executor.cancel(self.oms.orders[client_id], now))
            self._poke()
        self.parents.proceed()
        return Asked("", seq, self.oms.orders.get(client_id, order))

    def amend(self, client_id: str, price: Decimal | None, quantity: Decimal | None, source: str) -> Asked:
        """Ask to change price and/or total quantity of a working limit order; None leaves a value as it is."""
        order = self.oms.orders.get(client_id)
        if order is None:
            return Asked(f"no order {client_id}", 0)
        if order.status not in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED):
            return Asked(f"order #{order.number} is {order.status.value}: only a working order can be moved", 0, order)
        if order.is_waiting:
            return Asked(f"order #{order.number} waits for its trigger: cancel it and place another", 0, order)
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
        """Ask to cancel every working order that matches, parent orders too; returns the orders as they were."""
        if owner is None:
            self.parents.stop_matching(key, side, source)
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
        self.parents.stop_matching(key, None, source)
        working = [order for order in self.oms.open_orders(key) if order.owner != FLATTEN_OWNER]
        for order in working:
            self.cancel(order.client_id, source)
        return working

    def kill(self, source: str, flatten: bool = False) -> KillReport:
        """Lock new orders, cancel everything, optionally flatten. Needs neither arming nor fresh data."""
        self.last_kill = throw(self, source, flatten)
        return self.last_kill

    def reset_kill(self, source: str) -> int:
        """Allow orders again. Returns the journal record to wait for."""
        now = self.clock.now_ns()
        self.gate.reset()
        seq = self.append(KillSwitch(ts=now, engaged=False, source=source))
        self.publish_durable(seq, now, "kill", "good", f"kill switch reset by {source}")
        return seq

    def go_live(self, source: str) -> int:
        """Let new orders go to the real account until this engine ends. Returns the journal record to wait for."""
        return self._permission.go_live(source)

    def set_margin(self, key: str, mode: MarginMode | None, leverage: Decimal | None, source: str) -> Asked:
        """Choose margin mode and/or leverage of a perpetual; None leaves it as it is. Journaled, then done at once."""
        return choose_margin(self, key, mode, leverage, source)

    def note(self, topic: str, text: str) -> int:
        return self.append(Note(ts=self.clock.now_ns(), topic=topic, text=text))

    def log_command(self, source: str, line: str, seen: dict[str, str] | None = None) -> int:
        return self.append(CommandReceived(ts=self.clock.now_ns(), source=source, line=line, seen=seen or {}))

    # ------------------------------------------------------------------ facts in

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        self._after_market(self.executor.on_book(market, now))
        self.parents.on_book(market)

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        self._after_market(self.executor.on_trade(market, trade, now))
        self.parents.on_price(market)

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None:
        self._funding.on_mark(market.instrument, mark, now)
        self._after_market(self.executor.on_mark(market, now))
        self.parents.on_price(market)

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        if new is BookState.LIVE:
            self._flattener.proceed()
            if old is not BookState.STALE:
                self.apply_all(self.executor.on_resync(market, now))
            text, level = f"{market.instrument.symbol} book LIVE", "good"
        else:
            text, level = f"{market.instrument.symbol} book {new.value.upper()}: {reason}", "warn"
        self.board.publish(now, "book", level, text, key=market.key)
        self.parents.on_book_state(market)

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
        self.apply_all(self.executor.advance(now))
        self.markouts.advance(now)
        self.parents.advance(now)
        self._day.advance(now)

    @property
    def next_wakeup(self) -> int | None:
        """When ``advance`` must be called at the latest, None when nothing is waiting."""
        return min(filter(None, (self.executor.next_wakeup, self.parents.next_wakeup)), default=None)

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

    def refusal_of(self, request: OrderRequest, confirmed: bool = False, at: Position | None = None) -> Refusal | None:
        """Why ``request`` would be refused now, or if the position were ``at``; None when it may go."""
        return self._permission.refusal_of(request, confirmed, at)

    def amend_refusal(self, order: Order, price: Decimal, quantity: Decimal) -> Refusal | None:
        """Why ``order`` may not get this price and total quantity now; None when it may."""
        return self._permission.amend_refusal(order, price, quantity)

    def limits(self) -> list[tuple[str, str, str, float]]:
        """``(name, used, limit, fraction)`` of every limit of the gate that is switched on."""
        return self._permission.limits()

    # ------------------------------------------------------------------ inside

    def _refused(self, request: OrderRequest, refusal: Refusal, now: int) -> Submitted:
        seq = self.append(OrderRefused(ts=now, request=request, code=refusal.code.value, message=refusal.message))
        self.publish_durable(seq, now, "refused", "bad", f"refused: {refusal.message}", key=request.key)
        return Submitted(None, refusal, seq)

    def _send(self, client_id: str) -> None:
        """The intent is durable: hand it to the executor, unless a cancel overtook it."""
        self._unsent.discard(client_id)
        order = self.oms.orders.get(client_id)
        if order is None or not order.is_open:
            return
        now = self.clock.now_ns()
        late = self._too_late(order.created_ns, now)
        canceled = order.status is OrderStatus.PENDING_CANCEL
        if canceled or late:
            why = "canceled before it was sent" if canceled else f"not sent: {late}"
            self._apply(OrderCanceled(client_id, now, why))
            self._flattener.proceed()
            self.parents.proceed()
            return
        self.apply_all(self.executor.submit(order, now))
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
        self.apply_all(self.executor.amend(order, price, quantity, now))
        self._poke()

    def _too_late(self, asked_ns: int, now: int) -> str:
        """Why what was asked at ``asked_ns`` may not leave any more, "" when it may."""
        if self.stopping:
            return "the engine is stopping"
        waited = now - asked_ns
        return f"the journal took {waited / NS_PER_S:.1f} s" if waited > LONGEST_WAIT_NS else ""

    def apply_all(self, events: Sequence[ExecutorEvent]) -> None:
        """Merge what the executor gave, in its order."""
        for event in events:
            if isinstance(event, VenueOrder):
                self._take_in(event)
            else:
                self._apply(event)
        if events:
            self._flattener.proceed()
            self.parents.proceed()
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
        if order.parent_id:
            self.parents.on_order(order, event)
        before = self.portfolio.position(order.key)
        if update.fill is not None:
            self.portfolio.apply(order, update.fill)
            self.fills.append(FillRow(order, update.fill))
            self.markouts.watch(order, update.fill)
        seq = self.append(event)
        if update.fill is not None and self.settling is not None:
            self.settling.after_fill(order, update.fill, before)
        if isinstance(event, OrderAccepted):
            self.order_round_trip_ms = (self.clock.now_ns() - order.created_ns) / 1e6
        kind, level, text = describe(order, event)
        if kind:
            self.publish_durable(seq, event.ts, kind, level, text, key=order.key, number=order.number)
        return seq

    def _take_in(self, placed: VenueOrder) -> None:
        """The venue placed an order by itself: give it a number, journal it and say so."""
        order, seq = self.take_in(placed.order, placed.ts)
        self.publish_durable(seq, placed.ts, order.tag, "bad", placed.reason, key=order.key, number=order.number)
        self.note(order.tag, placed.reason)

    def take_in(self, order: Order, ts: int) -> tuple[Order, int]:
        """Hold and journal an order that the venue has already; it gets a number, and a client id where it has none."""
        number = self._next_number
        client_id = order.client_id or client_order_id(order.owner, self.journal.journal_id, number)
        order = replace(order, number=number, client_id=client_id)
        self._next_number += 1
        self.oms.take_in(order)
        return order, self.append(OrderSubmitted(ts=ts, order=order))

    def append(self, record: Record) -> int:
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

    def _after_market(self, events: list[ExecutorEvent]) -> None:
        """A market event was matched: merge what came of it, and let answers under way be waited for."""
        if events:
            self.apply_all(events)
        elif self.executor.next_wakeup is not None:
            self._poke()

    def _poke(self) -> None:
        if self._wakeup_listener is not None:
            self._wakeup_listener()
