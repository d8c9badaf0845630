"""The live executor: takes requests from the engine, asks the venue, and gives back what became of them.

One for every venue; ``dialect`` says how they differ. The engine calls it synchronously and never waits: each request
becomes a task here, and what the venue answers (or the session hears on private streams and polls) comes out of
``advance`` as order events. A request is sent once. When its answer is lost the order is in doubt, and an inquiry asks
for it by our id, in the open orders and in the trades, with growing pauses and for as long as it takes; only a cancel,
which can do no harm twice, is ever sent again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.base import ExecutorEvent
from jackbot_tui.execution.holdings import Holdings
from jackbot_tui.execution.live.account import LiveAccount
from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.execution.live.failures import VenueFailure, place_of
from jackbot_tui.execution.live.inquiry import Inquiries
from jackbot_tui.execution.live.statements import OrderStatement, TradeStatement
from jackbot_tui.execution.live.tracker import AMEND, CANCEL, NEW, Tracked, Tracker
from jackbot_tui.execution.paper.account import FundingSettled, MarginView, Outlook
from jackbot_tui.execution.paper.queue import QueueView
from jackbot_tui.execution.paper.shadows import HonestyView
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import MarketKind, OrderStatus, OrderType, Side, TimeInForce, TriggerBy
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.market import Trade
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import (
    Order,
    OrderAmendRejected,
    OrderCancelRejected,
    OrderEvent,
    OrderRejected,
    OrderUnknown,
    Position,
)
from jackbot_tui.venues.errors import ErrorKind

Tell = Callable[[str, str], None]
"""``(level, text)``: one line for the log panel."""

ASKING = "the engine was restarted: asking the venue"
UNREADABLE = "the answer could not be read"
AT_ONCE = 1
"""A moment that has passed, and not 0, which may stand for none."""
MOST_TOLD = 500
LOCKED = "live trading is locked: type 'live' to let orders go to the real account"
NOT_CONNECTED = "the venue's private side is not connected yet"


class LivePolicy(Struct, frozen=True, kw_only=True):
    """Seconds, and bounds. ``most_requests``: under way at once; one more is refused, cancels excepted."""

    follow_up_s: float = 2.0  # a cancel that was taken but whose end is not heard of is asked about
    pauses_s: tuple[float, ...] = (0.3, 0.7, 1.5, 3.0, 5.0, 10.0, 15.0)  # between two questions of an inquiry
    cancel_pauses_s: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0)  # between two attempts at a cancel
    wait_for_order_s: float = 12.0  # a cancel waits so long for the answer to its order
    most_requests: int = 200


class LiveExecutor:
    """See the module's paragraph. ``counted`` gives the trade ids already counted in an order."""

    remote = True
    """Its orders live at a venue that goes on without us."""

    def __init__(
        self,
        dialect: Dialect,
        clock: Clock,
        counted: Callable[[str], Iterable[str]],
        tell: Tell,
        policy: LivePolicy | None = None,
        holder: str = "",
    ) -> None:
        self.holder = holder or dialect.venue
        self.dialect = dialect
        self.policy = policy or LivePolicy()
        self.tracker = Tracker(lambda symbol: f"{dialect.venue}:{symbol}")
        self.account = LiveAccount(dialect.venue, one_wallet=dialect.one_wallet, floating=dialect.floating)
        self.trouble = NOT_CONNECTED
        self.locked = LOCKED
        self.compare: Callable[[], list[tuple[str, str, str, str]]] = list
        """Holds our books against the venue's; whoever has both sets it."""
        self.read_only = ""
        """Why the key cannot trade, "" when it can: such a console shows the account and stays locked."""
        self.news_ns: dict[MarketKind, int] = {}
        """Since when something is known, by answers or polls, that the private stream of a kind has not told."""
        self._clock = clock
        self._counted = counted
        self._tell = tell
        self._clients: Mapping[MarketKind, VenueClient] = {}
        self._connected = asyncio.Event()
        self._out: deque[ExecutorEvent] = deque()
        self._listener: Callable[[], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._inquiries = Inquiries(self)
        self._told: dict[str, str] = {}

    # ------------------------------------------------------------------ life

    def connect(self, clients: Mapping[MarketKind, VenueClient]) -> None:
        """The venue can be asked from now on; inquiries that waited for it begin."""
        self._clients = clients
        self._connected.set()

    def on_events(self, listener: Callable[[], None]) -> None:
        """The runtime's way to learn that ``advance`` has something to give."""
        self._listener = listener

    async def close(self) -> None:
        """Stop waiting for answers. What is under way may have been done: the next start asks for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def busy(self) -> int:
        """Requests and inquiries under way."""
        return len(self._tasks)

    def client_of(self, key: str) -> VenueClient:
        """The client of an instrument's kind; VenueFailure when live trading there was not opened."""
        kind = _kind(_symbol(key))
        client = self._clients.get(kind)
        if client is None:
            reason = f"{kind.value} is not connected at {self.dialect.venue}"
            raise VenueFailure(ErrorKind.REJECTED, "not_connected", reason, sent=False)
        return client

    # ------------------------------------------------------------------ requests

    def submit(self, order: Order, now: int) -> list[ExecutorEvent]:
        if self.trouble or len(self._tasks) >= self.policy.most_requests:
            reason = self.trouble or f"{len(self._tasks)} requests are under way already"
            return [OrderRejected(order.client_id, now, "not_sent", f"not sent: {reason}")]
        tracked = self.tracker.add(order)
        tracked.sent_ns = now
        self._sending[order.client_id] = self.spawn(self._submit(order, tracked), f"submit {order.client_id}")
        return []

    def cancel(self, order: Order, now: int) -> list[ExecutorEvent]:
        tracked = self._tracked(order)
        tracked.canceling = True
        self.spawn(self._cancel(order, tracked), f"cancel {order.client_id}")
        return []

    def amend(self, order: Order, price: Decimal, quantity: Decimal, now: int) -> list[ExecutorEvent]:
        tracked = self._tracked(order)
        kind = _kind(_symbol(order.key))
        problem = self.trouble
        if kind not in self.dialect.amends:
            problem = f"{self.dialect.venue} {kind.value} cannot change an order: cancel it and place another"
        elif not tracked.venue_id:
            problem = "the venue's id of the order is not known yet"
        elif tracked.adopted:
            problem = "it was placed elsewhere and taken over: cancel it and place another"
        if problem:
            return [OrderAmendRejected(order.client_id, now, problem)]
        tracked.amend = (price, quantity)
        self.spawn(self._amend(order, tracked, price, quantity), f"amend {order.client_id}")
        return []

    # ------------------------------------------------------------------ start

    def load(self, positions: Iterable[Position], settings: Mapping[str, MarginSetting] | None = None) -> None:
        self.account.settings.update(settings or {})

    @property
    def account_heard_ns(self) -> int:
        return self.account.heard_ns

    def holdings(self, now: int) -> Holdings:
        return self.account.holdings()

    def differences(self) -> list[tuple[str, str, str, str]]:
        return self.compare()

    def unlock(self) -> None:
        self.locked = self.read_only

    def remember(self, orders: Iterable[Order]) -> None:
        for order in orders:
            self._tracked(order)

    def restore(self, orders: list[Order], now: int) -> list[OrderEvent]:
        """Working orders are asked about; those with a request under way are in doubt until the venue has spoken."""
        events: list[OrderEvent] = []
        for order in orders:
            tracked = self._tracked(order)
            match order.status:
                case OrderStatus.PENDING_CANCEL:
                    tracked.doubt = CANCEL
                case OrderStatus.PENDING_REPLACE:
                    tracked.doubt = AMEND
                case OrderStatus.PENDING_UNKNOWN:  # of which request is not kept: only an answer we ask for will do
                    tracked.doubt = CANCEL if tracked.accepted else NEW
                case _:
                    pass
            if tracked.doubt:
                events.append(OrderUnknown(order.client_id, now, ASKING))
            self.inquire(order.client_id)
        return events

    def reconcile(self, order: Order, now: int) -> list[OrderEvent]:
        """It may have been sent and it may not: the venue is asked."""
        tracked = self._tracked(order)
        events = self.tracker.in_doubt(tracked.client_id, NEW, ASKING, now)
        self.inquire(order.client_id)
        return events

    # ------------------------------------------------------------------ what the venue says

    def hear_order(self, said: OrderStatement, *, streamed: bool = False) -> None:
        """An order on a private stream, in an answer or in a poll."""
        now = self._clock.now_ns()
        events = self.tracker.on_order(said, now)
        self._emit(events)
        if events and not streamed:
            self.news_ns.setdefault(_kind(said.symbol), now)
        named = self.tracker.name_of(said)
        if self.tracker.missing(named):
            self.inquire(named)

    def hear_trade(self, said: TradeStatement) -> None:
        """An execution on a private stream or in a poll."""
        self._emit(self.tracker.on_trade(said, self._clock.now_ns()))

    def hear_answer(self, said: OrderStatement) -> None:
        """The answer to a question about one order, asked after the doubt about it began."""
        self._emit(self.tracker.settled(said, self._clock.now_ns()))

    def hear_absence(self, client_id: str) -> None:
        """The venue has no such order, by every way of asking and late enough."""
        self._emit(self.tracker.proven_absent(client_id, self._clock.now_ns()))

    def now_ns(self) -> int:
        return self._clock.now_ns()

    def tell_once(self, tracked: Tracked, failure: VenueFailure) -> None:
        """Say why an order cannot be asked about, as often as the reason changes."""
        if self._told.get(tracked.client_id) != failure.reason:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            self._told[tracked.client_id] = failure.reason
            self._tell("warn", f"order {tracked.client_id} cannot be asked about now: {failure.reason}")

    def inquire(self, client_id: str) -> None:
        """Ask for this order until everything about it is known."""
        self._inquiries.begin(client_id)

    # ------------------------------------------------------------------ the engine's clock

    def advance(self, now: int) -> list[ExecutorEvent]:
        events = list(self._out)
        self._out.clear()
        return events

    @property
    def next_wakeup(self) -> int | None:
        return AT_ONCE if self._out else None

    def terms(self, instrument: Instrument) -> Instrument:
        return instrument

    def on_book(self, market: InstrumentMarket, now: int) -> list[ExecutorEvent]:
        return []

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> list[ExecutorEvent]:
        return []

    def on_mark(self, market: InstrumentMarket, now: int) -> list[ExecutorEvent]:
        return []

    def on_resync(self, market: InstrumentMarket, now: int) -> list[ExecutorEvent]:
        return []

    def measure_latency(self, round_trip_ns: int) -> None:
        """Real orders take what they take."""

    # ------------------------------------------------------------------ the account

    def settle_funding(self, key: str, rate: Decimal, mark: Decimal, at_ns: int, now: int) -> FundingSettled:
        """The venue settles, and its balances tell."""
        return FundingSettled(ZERO, ZERO)

    def setting_problem(self, key: str, wanted: MarginSetting, now: int) -> str:
        if self.trouble:
            return self.trouble
        if wanted.leverage != int(wanted.leverage):
            return f"{self.dialect.venue} takes whole leverages only"
        return ""

    def set_margin(self, key: str, wanted: MarginSetting) -> None:
        """Ask the venue; a refusal is told, and the setting shown is the venue's."""
        before = self.account.setting(key)
        sure = self.account.confirmed.pop(key, None)
        self.account.settings[key] = wanted
        mode = before.mode is not wanted.mode or (wanted.mode is MarginMode.ISOLATED and sure is None)
        self.spawn(self._set_margin(key, before, wanted, mode=mode), f"margin {key}")

    def confirmed_setting(self, key: str) -> MarginSetting | None:
        """What the venue says of the position, else what it has taken from us since we began."""
        return self.account.confirmed_setting(key)

    def margin(self, key: str, now: int) -> MarginView | None:
        return self.account.margin(key) if ":" in key.partition(":")[2] else None

    def outlook(self, key: str, side: Side, quantity: Decimal, cost: Decimal, fee: Decimal, now: int) -> Outlook:
        return self.account.outlook(key, cost, fee)

    def queue(self, client_id: str) -> QueueView | None:
        """No venue tells an order's place in the queue."""
        return None

    def honesty(self) -> HonestyView | None:
        """The venue fills, and no other rule of filling is played beside it."""
        return None

    def buys_by_cost(self, instrument: Instrument) -> bool:
        """True where the venue counts market buys in money: none of an exact quantity can be sent there."""
        return self.dialect.market_buy_by_cost and instrument.kind is MarketKind.SPOT

    def triggers(self, instrument: Instrument) -> tuple[TriggerBy, ...]:
        """What wakes an order there; nothing where our dialect of the venue has no word for it."""
        rule = self.dialect.stops.get(instrument.kind)
        return () if rule is None else tuple(rule.triggers)

    def assumptions(self, instrument: Instrument) -> list[str]:
        """Nothing is assumed of real fills."""
        return []

    # ------------------------------------------------------------------ inside

    def spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        """A task that this executor owns; a bug in it is told."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The text of an error may hold anything, a key too: its name and place must do.
            self._tell("bad", f"{task.get_name()} failed: {place_of(error)}")

    async def connected(self) -> None:
        """Return when the venue can be asked."""
        await self._connected.wait()

    def _tracked(self, order: Order) -> Tracked:
        tracked = self.tracker.orders.get(order.client_id)
        return tracked if tracked is not None else self.tracker.add(order, self._counted(order.client_id))

    async def _submit(self, order: Order, tracked: Tracked) -> None:
        try:
            if self._buys_by_cost(order):
                reason = f"{self.dialect.venue} takes market buys by cost only: send a limit order, or bound the slip"
                raise VenueFailure(ErrorKind.REJECTED, "by_cost", reason, sent=False)
            client = self.client_of(order.key)
            try:
                said = await client.create(order, _symbol(order.key))
            except VenueFailure as failure:
                if failure.kind is not ErrorKind.CLOCK:
                    raise
                await client.adjust_clock()  # it was refused for its time: nothing was placed, so it may go once more
                said = await client.create(order, _symbol(order.key))
        except VenueFailure as failure:
            now = self._clock.now_ns()
            if failure.done is None:
                self._emit(self.tracker.in_doubt(order.client_id, NEW, failure.reason, now))
                self.inquire(order.client_id)
            else:
                self._emit(self.tracker.refused(order.client_id, failure.code, failure.reason, now))
        except Exception:
            self._emit(self.tracker.in_doubt(order.client_id, NEW, UNREADABLE, self._clock.now_ns()))
            self.inquire(order.client_id)
            raise
        else:
            self.hear_order(said)
        finally:
            self._sending.pop(order.client_id, None)
        if not tracked.waits and (order.type is OrderType.MARKET or order.tif is not TimeInForce.GTC):
            await asyncio.sleep(self.policy.follow_up_s)
            if not tracked.ended:
                self.inquire(order.client_id)

    def _buys_by_cost(self, order: Order) -> bool:
        spot = _kind(_symbol(order.key)) is MarketKind.SPOT
        return spot and self.dialect.market_buy_by_cost and order.type is OrderType.MARKET and order.side is Side.BUY

    async def _cancel(self, order: Order, tracked: Tracked) -> None:
        sending = self._sending.get(order.client_id)
        if sending is not None:
            await asyncio.wait({sending}, timeout=self.policy.wait_for_order_s)
        if tracked.ended:
            return
        failure: VenueFailure | None = None
        for pause in (*self.policy.cancel_pauses_s, None):
            try:
                self.hear_order(await self._ask_cancel(tracked))
            except VenueFailure as caught:
                failure = caught
            else:
                failure = None
            if failure is None or failure.kind not in (ErrorKind.RETRYABLE, ErrorKind.CLOCK) or pause is None:
                break
            if failure.kind is ErrorKind.CLOCK:
                await self._adjust_clock(order.key)
            await asyncio.sleep(pause)
        now = self._clock.now_ns()
        if failure is None:
            await asyncio.sleep(self.policy.follow_up_s)
            if not tracked.ended:
                self.inquire(order.client_id)
        elif failure.done is None:
            self._emit(self.tracker.in_doubt(order.client_id, CANCEL, failure.reason, now))
            self.inquire(order.client_id)
        elif not tracked.ended:
            tracked.canceling = False
            self._emit([OrderCancelRejected(order.client_id, now, failure.reason)])

    async def cancel_again(self, tracked: Tracked) -> None:
        """The order was asked about and is still there, and somebody wants it gone. VenueFailure when it fails."""
        self.hear_order(await self._ask_cancel(tracked))

    async def _ask_cancel(self, tracked: Tracked) -> OrderStatement:
        client, symbol = self.client_of(tracked.key), _symbol(tracked.key)
        return await client.cancel(tracked.client_id, symbol, tracked.venue_id, waits=tracked.waits)

    async def _adjust_clock(self, key: str) -> None:
        try:
            await self.client_of(key).adjust_clock()
        except VenueFailure as failure:
            self._tell("warn", f"the venue's clock could not be read: {failure.reason}")

    async def _amend(self, order: Order, tracked: Tracked, price: Decimal, quantity: Decimal) -> None:
        try:
            client = self.client_of(order.key)
            said = await client.amend(order, _symbol(order.key), tracked.venue_id, price, quantity)
        except VenueFailure as failure:
            if tracked.ended or tracked.amend is None:
                return
            now = self._clock.now_ns()
            if failure.done is None or failure.kind is ErrorKind.SETTLED:
                self._emit(self.tracker.in_doubt(order.client_id, AMEND, failure.reason, now))
                self.inquire(order.client_id)
            else:
                tracked.amend = None
                self._emit([OrderAmendRejected(order.client_id, now, failure.reason)])
            return
        except Exception:
            self._emit(self.tracker.in_doubt(order.client_id, AMEND, UNREADABLE, self._clock.now_ns()))
            self.inquire(order.client_id)
            raise
        self.hear_order(said)
        if tracked.amend is not None and not tracked.ended:  # the answer did not say that it was done
            now = self._clock.now_ns()
            self._emit(self.tracker.in_doubt(order.client_id, AMEND, "the amend's answer says nothing", now))
            self.inquire(order.client_id)

    async def _set_margin(self, key: str, before: MarginSetting, wanted: MarginSetting, *, mode: bool) -> None:
        try:
            await self.client_of(key).set_margin(_symbol(key), wanted, mode=mode)
            if self.account.settings.get(key) == wanted:
                self.account.confirmed[key] = wanted
        except VenueFailure as failure:
            self.account.settings[key] = before
            self._tell("bad", f"{key}: margin and leverage stay as they were: {failure.reason}")

    def _emit(self, events: Iterable[OrderEvent]) -> None:
        before = len(self._out)
        self._out.extend(events)
        if len(self._out) > before and self._listener is not None:
            self._listener()


def _symbol(key: str) -> str:
    return key.partition(":")[2]


def _kind(symbol: str) -> MarketKind:
    return MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT
