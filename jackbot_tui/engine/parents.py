"""Hosts the parent orders: feeds their machines, carries their intents out, journals every change, brings them back.

A child order goes the same way as a person's: gate, journal, executor; here it also needs a place in the rate budget.
The engine core owns one host and tells it of markets, orders and time; nothing here waits or sleeps. What a machine
decides follows from its journaled state and the events alone.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos import registry
from jackbot_tui.algos.intents import CancelChild, Place, Tell
from jackbot_tui.algos.machine import Parent
from jackbot_tui.algos.state import OWNER, Action, Arrival, Kind, MarketView, ParentPicture, ParentRequest, Preview
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.footprints import Footprints
from jackbot_tui.engine.parent_market import Prices, arrival_of, prices_of, signed_fill, stirs, view_of, within_reach
from jackbot_tui.engine.parent_port import ParentsPort
from jackbot_tui.engine.stakes import stakes_of
from jackbot_tui.journal.base import Recovered
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.orders import Order, OrderEvent
from jackbot_tui.model.records import ParentMoved, ParentStarted
from jackbot_tui.risk.reach import reach_of
from jackbot_tui.risk.refusal import RefusalCode

MOST_OPEN = 100
"""Parent orders at work at once."""

MOST_ROUNDS = 100
"""Times a machine may act in a row on one event; more is a mistake in it."""

KEPT_ENDED = 50
"""Ended parent orders kept for the panel; the journal has them all."""

PASSING = frozenset(
    {
        RefusalCode.RATE,
        RefusalCode.BOOK_NOT_LIVE,
        RefusalCode.BOOK_OLD,
        RefusalCode.BAND,
        RefusalCode.COLLAR,
        RefusalCode.MARK_COLLAR,
        RefusalCode.FAR,
        RefusalCode.OPEN_ORDERS,
    }
)
"""Refusals that pass by themselves as the market or the other orders move: asked again later."""


class RestartPolicy(StrEnum):
    """What parent orders of an earlier session do when the engine comes up again."""

    RESUME = "resume"
    WAIT = "wait"  # for a person; what rests at the venue stays
    CANCEL = "cancel"


class ParentOptions(Struct, frozen=True, kw_only=True):
    """``children_per_s``: orders that all parents together may send within any second.

    ``profiles``: a usual day's volume by instrument key, from 00:00 UTC in equal parts (see ``book.flow``). ``bands``:
    price bands that a probe found, by instrument key; they take the place of the instruments' own.
    """

    restart: RestartPolicy = RestartPolicy.WAIT
    children_per_s: int = 5
    profiles: dict[str, tuple[float, ...]] = {}
    bands: dict[str, PriceBand] = {}


class ParentAnswer(Struct, frozen=True):
    """What became of a wish to start one: its picture, or the ``problem`` in one line. ``seq``: record to wait for."""

    problem: str
    seq: int
    picture: ParentPicture | None = None


class Parents:
    """See the module's paragraph."""

    def __init__(self, engine: ParentsPort, options: ParentOptions, poke: Callable[[], None]) -> None:
        """``poke`` is called when ``next_wakeup`` may have become earlier."""
        self._engine = engine
        self._poke = poke
        self._options = options
        self._open: dict[str, Parent] = {}
        self._ended: deque[Parent] = deque(maxlen=KEPT_ENDED)
        self._next_number = 1
        self._unrestored: list[tuple[ParentStarted, ParentMoved | None]] = []
        self._touches: dict[str, Prices] = {}  # what a parent decided on last
        self._events: deque[tuple[Parent, Order, OrderEvent]] = deque()
        self._draining = False
        self._held: dict[str, Decimal] = {}  # position that one which watches it decided on last
        self._sent: deque[int] = deque()
        self._broken: set[str] = set()
        self._stop_unrestored = ""
        self._footprints = Footprints()

    # ------------------------------------------------------------------ questions

    def pictures(self) -> list[ParentPicture]:
        """All that are at work, then the newest that have ended; by number."""
        self._footprints.look(self._engine.clock.now_ns())
        return [self._picture_of(parent) for parent in (*self._open.values(), *sorted(self._ended, key=_number))]

    def picture(self, number: int) -> ParentPicture | None:
        parent = self._by_number(number)
        return None if parent is None else self._picture_of(parent)

    def _picture_of(self, parent: Parent) -> ParentPicture:
        return replace(parent.picture(), footprint=self._footprints.of(parent.parent_id))

    @property
    def waiting(self) -> list[tuple[ParentStarted, ParentMoved | None]]:
        """Of an earlier session, whose instrument is not followed yet."""
        return list(self._unrestored)

    def terms(self, instrument: Instrument) -> Instrument:
        """``instrument`` with the price band that a probe found, where one did."""
        band = self._options.bands.get(instrument.key)
        return instrument if band is None else replace(instrument, band=band)

    def completed(self, request: ParentRequest) -> ParentRequest:
        """``request`` with a size that follows from its parameters, for kinds that size themselves. InputError."""
        algorithm, market = registry.ALGORITHMS[request.kind], self._engine.data.markets[request.key]
        if not algorithm.sizes_itself:
            return request
        return algorithm.completed(
            request, market.instrument, self._view_at(request, market, self._engine.clock.now_ns())
        )

    def preview(self, request: ParentRequest) -> Preview:
        """What a parent would do. Changes nothing."""
        market = self._engine.data.markets.get(request.key)
        if market is None:
            return Preview(lines=(), problem=f"{request.key} is not followed by this engine")
        now = self._engine.clock.now_ns()
        arrival = arrival_of(market, request.side, request.quantity)
        return registry.preview(request, market.instrument, self._view_at(request, market, now), arrival)

    @property
    def next_wakeup(self) -> int | None:
        """When ``advance`` must be called at the latest."""
        return min((parent.wake_ns for parent in self._open.values() if parent.wake_ns), default=None)

    # ------------------------------------------------------------------ commands

    def start(self, request: ParentRequest) -> ParentAnswer:
        """Journal and begin a parent order; refused in one line when it, or its first order, could not be sent."""
        engine = self._engine
        if len(self._open) >= MOST_OPEN:
            return ParentAnswer(f"{MOST_OPEN} parent orders are at work already: cancel one", 0)
        problem = self.preview(request).problem or self._set_margin(request)
        if problem:
            return ParentAnswer(problem, 0)
        now, number = engine.clock.now_ns(), self._next_number
        parent_id = f"p{number}"
        market = engine.data.markets[request.key]
        view = self._view_at(request, market, now)
        parent = registry.begin(
            request,
            market.instrument,
            parent_id=parent_id,
            number=number,
            seed=zlib.crc32(f"{engine.seed}:{parent_id}".encode()),
            view=view,
            arrival=arrival_of(market, request.side, request.quantity),
        )
        for intent in parent.act(view):
            refusal = engine.refusal_of(intent.request) if isinstance(intent, Place) else None
            if refusal is not None:
                return ParentAnswer(refusal.message, 0)
        started = ParentStarted(
            ts=now,
            parent_id=parent_id,
            number=number,
            kind=request.kind.value,
            key=request.key,
            side=request.side,
            quantity=request.quantity,
            values=parent.state.values,
            seed=parent.seed,
            source=request.source,
        )
        seq = engine.append(started)
        if not seq:
            return ParentAnswer("the journal did not take it: nothing was started", 0)
        self._next_number += 1
        self._open[parent_id] = parent
        what = f"{request.kind.value} {parent_id} {request.side.value.upper()} {text_of(request.quantity)}"
        text = f"{what} {request.key.partition(':')[2]} started by {request.source}"
        engine.publish_durable(seq, now, "parent", "info", text, key=request.key)
        self._drive(parent)
        self.proceed()
        return ParentAnswer("", seq, parent.picture())

    def steer(
        self, number: int, action: Action, quantity: Decimal | None, changes: Mapping[str, str], source: str
    ) -> ParentAnswer:
        """Pause, resume, edit, cancel or finish one; the problem in one line when that cannot be."""
        parent = self._by_number(number)
        if parent is None:
            waits = any(started.number == number for started, _ in self._unrestored)
            why = "its instrument is not followed yet" if waits else "parents lists them"
            return ParentAnswer(f"no parent order p{number} here: {why}", 0)
        match action:
            case Action.PAUSE:
                problem = parent.pause(source)
            case Action.RESUME:
                problem = parent.resume(source)
            case Action.CANCEL:
                problem = parent.cancel(source)
            case Action.FINISH:
                problem = parent.finish(source)
            case Action.EDIT:
                problem = parent.edit(quantity, changes, self._view_of(parent), source)
        if problem:
            return ParentAnswer(f"p{number}: {problem}", 0, parent.picture())
        self._broken.discard(parent.parent_id)
        seq = self._journal(parent)
        self._drive(parent)
        self.proceed()
        return ParentAnswer("", seq, parent.picture())

    def stop_matching(self, key: str | None, side: Side | None, source: str) -> list[int]:
        """Cancel every parent order of an instrument (None: of all) and side; returns their numbers.

        Called before the engine cancels orders in bulk, so that nothing is placed again.
        """
        if side is None and key is None:
            self._stop_unrestored = source
        stopped = []
        for parent in list(self._open.values()):
            if (key is None or parent.key == key) and (side is None or parent.side is side):
                if not parent.cancel(source):
                    stopped.append(parent.number)
                self._broken.discard(parent.parent_id)
                self._drive(parent)
        self.proceed()
        return stopped

    # ------------------------------------------------------------------ restart

    def load(self, recovered: Recovered) -> None:
        """Parents of earlier sessions; each comes back when its instrument is followed and its orders are restored."""
        self._unrestored = list(recovered.parents)
        self._next_number = recovered.next_parent

    def restore(self, key: str) -> None:
        """The working orders of ``key`` have been taken up again: bring its parents back, as the policy says."""
        mine = [each for each in self._unrestored if each[0].key == key]
        self._unrestored = [each for each in self._unrestored if each[0].key != key]
        for started, moved in mine:
            parent = self._restored(started, moved)
            if parent is None:
                continue
            self._open[parent.parent_id] = parent
            parent.restore(self._children_of(parent), self._view_of(parent))
            if self._stop_unrestored:
                parent.cancel(self._stop_unrestored)
            elif self._options.restart is RestartPolicy.CANCEL:
                parent.cancel("the restart")
            elif parent.algorithm.goes_on(parent.state):
                parent.go_on("the engine was restarted: its position is watched again")
            elif self._options.restart is RestartPolicy.WAIT:
                parent.wait_for_person("the engine was restarted: resume, finish or cancel it")
            self._drive(parent)
        self.proceed()

    def _restored(self, started: ParentStarted, moved: ParentMoved | None) -> Parent | None:
        """The machine as it was journaled; one that cannot be read is told and left to a person."""
        engine = self._engine
        market = engine.data.markets[started.key]
        try:
            request = ParentRequest(
                kind=Kind(started.kind),
                key=started.key,
                side=started.side,
                quantity=started.quantity,
                values=started.values,
                source=started.source,
            )
            if moved is not None:
                return registry.restore(
                    request,
                    market.instrument,
                    parent_id=started.parent_id,
                    number=started.number,
                    seed=started.seed,
                    text=moved.state,
                )
            return registry.begin(
                request,
                market.instrument,
                parent_id=started.parent_id,
                number=started.number,
                seed=started.seed,
                view=self._view_at(request, market, started.ts),
                arrival=Arrival(),
            )
        except (JackbotError, ValueError) as error:
            text = f"parent order {started.parent_id} cannot be brought back: {error}; look after its orders by hand"
            engine.publish_durable(0, engine.clock.now_ns(), "parent", "bad", text, key=started.key)
            return None

    def _children_of(self, parent: Parent) -> Iterable[Order]:
        return [order for order in self._engine.oms.orders.values() if order.parent_id == parent.parent_id]

    # ------------------------------------------------------------------ events

    def on_order(self, order: Order, event: OrderEvent) -> None:
        """A child order has changed; dealt with by the next ``proceed``."""
        parent = self._open.get(order.parent_id)
        if parent is None:
            parent = next((each for each in self._ended if each.parent_id == order.parent_id), None)
        if parent is not None:
            self._events.append((parent, order, event))

    def proceed(self) -> None:
        """Deal with everything that has happened to child orders and positions. Never inside itself."""
        if self._draining:
            return
        self._draining = True
        try:
            while self._events or self._notice_positions():
                if self._events:
                    parent, order, event = self._events.popleft()
                    parent.on_order(order, event, self._view_of(parent))
                    self._drive(parent)
        finally:
            self._draining = False

    def _notice_positions(self) -> bool:
        """Drive those that watch a position which is another than they decided on; whether there were any."""
        driven = False
        for parent in list(self._open.values()):
            if parent.algorithm.watches_position and parent.parent_id not in self._broken:
                held = self._engine.portfolio.position(parent.key).quantity
                if self._held.get(parent.parent_id) != held:
                    self._drive(parent)
                    driven = True
        return driven

    def on_book(self, market: InstrumentMarket) -> None:
        """The book has changed: parents are asked when the best prices are others than they decided on."""
        if not self._open:
            return
        prices = prices_of(market)
        for parent in self._of(market.key):
            before = self._touches.get(parent.parent_id)
            if before is None or (before[:2] != prices[:2] and stirs(parent.quiet, before, prices)):
                self._drive(parent)
        self.proceed()

    def on_price(self, market: InstrumentMarket) -> None:
        """A trade or a mark price came."""
        if not self._open:
            return
        self._footprints.traded(market)
        prices = prices_of(market)
        for parent in self._of(market.key):
            if parent.algorithm.watches_trades and (
                not parent.quiet or stirs(parent.quiet, self._touches[parent.parent_id], prices)
            ):
                self._drive(parent)
        self.proceed()

    def on_book_state(self, market: InstrumentMarket) -> None:
        for parent in self._of(market.key):
            self._drive(parent)
        self.proceed()

    def advance(self, now: int) -> None:
        """Time went on."""
        for parent in list(self._open.values()):
            if parent.wake_ns and parent.wake_ns <= now:
                self._drive(parent)
        self.proceed()

    # ------------------------------------------------------------------ inside

    def _of(self, key: str) -> list[Parent]:
        return [parent for parent in self._open.values() if parent.key == key]

    def _by_number(self, number: int) -> Parent | None:
        return next((each for each in (*self._open.values(), *self._ended) if each.number == number), None)

    def _view_of(self, parent: Parent) -> MarketView:
        engine = self._engine
        now = engine.clock.now_ns()
        ahead: dict[str, Decimal] = {}
        for child in parent.state.children:
            if not child.open:
                continue
            order = engine.oms.orders.get(child.client_id)
            if order is not None and order.status is OrderStatus.PENDING_UNKNOWN:
                trouble = f"the fate of its order #{child.number} is unknown"
                return MarketView(now=now, live=False, trouble=trouble)
            queue = engine.executor.queue(child.client_id)
            if queue is not None:
                ahead[child.client_id] = queue.ahead
        return self._view_at(parent.request, engine.data.markets[parent.key], now, ahead)

    def _view_at(
        self, request: ParentRequest, market: InstrumentMarket, now: int, ahead: dict[str, Decimal] | None = None
    ) -> MarketView:
        view = view_of(market, now, ahead, self._options.profiles.get(market.key, ()))
        view = replace(view, triggers=self._engine.executor.triggers(market.instrument))
        algorithm = registry.ALGORITHMS[request.kind]
        if algorithm.watches_position:
            position = self._engine.portfolio.position(request.key)
            untold = sum(
                (signed_fill(order, event) for _, order, event in self._events if order.key == request.key), ZERO
            )
            view = replace(view, position=position.quantity - untold, entry=position.average_entry)
        if algorithm.isolates:
            view = replace(view, stakes=stakes_of(self._engine.executor, self._engine.portfolio, market, now))
        if not view.live or not algorithm.watches_reach:
            return view
        return replace(view, reach=reach_of(algorithm.reach_side(request), market, self._engine.gate.limits, now))

    def _set_margin(self, request: ParentRequest) -> str:
        """Isolated margin at the leverage that a kind needs, where it is not so already; the problem in words."""
        engine, algorithm = self._engine, registry.ALGORITHMS[request.kind]
        if not algorithm.isolates:
            return ""
        wanted = MarginSetting(MarginMode.ISOLATED, Decimal(request.values["leverage"]))
        if engine.executor.confirmed_setting(request.key) == wanted:
            return ""
        return engine.set_margin(request.key, wanted.mode, wanted.leverage, OWNER).problem

    def _drive(self, parent: Parent) -> None:
        """Let it act until it wants nothing more; a mistake in it stops it and nothing else."""
        if parent.parent_id in self._broken:
            return
        self._touches[parent.parent_id] = prices_of(self._engine.data.markets[parent.key])
        self._held[parent.parent_id] = self._engine.portfolio.position(parent.key).quantity
        before, self._draining = self._draining, True  # what its own intents cause waits until it has finished
        try:
            self._act(parent)
        except Exception as error:  # noqa: BLE001 - told to the person, who has to decide; the others go on
            self._broken.add(parent.parent_id)
            parent.on_bug(f"{type(error).__name__}: {error}")
            for child in parent.state.children:
                if child.open:
                    self._engine.cancel(child.client_id, OWNER)
            seq = self._journal(parent)
            text = f"{parent.request.kind.value} {parent.parent_id}: {parent.state.reason}; its orders are canceled"
            self._engine.publish_durable(seq, self._engine.clock.now_ns(), "parent", "bad", text, key=parent.key)
        finally:
            self._draining = before
        self._poke()

    def _act(self, parent: Parent) -> None:
        for _ in range(MOST_ROUNDS):
            intents = parent.act(self._view_of(parent))
            seq = self._journal(parent)
            for intent in intents:
                match intent:
                    case Place():
                        self._place(parent, intent)
                    case CancelChild(client_id=client_id):
                        self._engine.cancel(client_id, OWNER)
                    case Tell(level=level, text=text):
                        now = self._engine.clock.now_ns()
                        self._engine.publish_durable(seq, now, "parent", level, text, key=parent.key)
            self._journal(parent)
            if not any(isinstance(intent, Place | CancelChild) for intent in intents):
                break
        else:
            raise RuntimeError(f"it acted {MOST_ROUNDS} times on one event")
        if not parent.is_open and parent.parent_id in self._open:
            del self._open[parent.parent_id]
            self._touches.pop(parent.parent_id, None)
            self._held.pop(parent.parent_id, None)
            self._ended.append(parent)
            self._footprints.ended(parent.parent_id, KEPT_ENDED)

    def _place(self, parent: Parent, place: Place) -> None:
        engine = self._engine
        now = engine.clock.now_ns()
        while self._sent and now - self._sent[0] >= NS_PER_S:
            self._sent.popleft()
        if len(self._sent) >= self._options.children_per_s and not place.want.urgent:
            parent.on_deferred(self._sent[0] + NS_PER_S, f"{self._options.children_per_s} orders a second are the most")
            return
        refusal = engine.refusal_of(place.request)
        while (nearer := within_reach(place, refusal)) is not None:
            place = nearer
            refusal = engine.refusal_of(place.request)
        if refusal is None:
            submitted = engine.submit(place.request)
            if submitted.order is not None:
                self._sent.append(now)
                parent.on_placed(place.want, submitted.order, now)
                market = engine.data.markets[parent.key]
                self._footprints.placed(parent, market, submitted.order.quantity, now)
                return
            refusal = submitted.refusal
        assert refusal is not None
        passing = refusal.code in PASSING
        if refusal.code is RefusalCode.ENGINE_UNHEALTHY:  # the journal or the venue may recover
            passing = True
        parent.on_refused(refusal.message, not passing, now, place.want)

    def _journal(self, parent: Parent) -> int:
        """Append the state when it has changed; returns its record, 0 when there was nothing to write."""
        if not parent.changed:
            return 0
        parent.changed = False
        return self._engine.append(
            ParentMoved(
                ts=self._engine.clock.now_ns(),
                parent_id=parent.parent_id,
                status=parent.state.status.value,
                reason=parent.state.reason,
                is_open=parent.is_open,
                state=parent.state_text,
            )
        )


def _number(parent: Parent) -> int:
    return parent.number
