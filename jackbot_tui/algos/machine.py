"""A running parent order: counts its children, holds, pauses, finishes and ends; never lets its total be exceeded.

Events are told by ``on_placed``, ``on_refused``, ``on_order`` and the commands; ``act`` then gives the intents for the
market as it is, until there are none. Sans-I/O and deterministic: time comes in with the market view. The host carries
intents out, journals ``state_text`` whenever ``changed`` says so, and feeds what became of them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import Algorithm, Holding, is_worse, smallest, taking_price
from jackbot_tui.algos.intents import CancelChild, Intent, Place, Tell
from jackbot_tui.algos.parameters import Terms, changed
from jackbot_tui.algos.picture import picture_of, sum_text
from jackbot_tui.algos.state import (
    GUARD,
    OWNER,
    Child,
    Decision,
    Leg,
    MarketView,
    Outcome,
    ParentPicture,
    ParentRequest,
    ParentState,
    ParentStatus,
    Seen,
    Want,
)
from jackbot_tui.algos.tally import Tally, child_of_order
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO, is_multiple, round_down, text_of
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmended,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderEvent,
    OrderFilled,
    OrderRejected,
    OrderRequest,
)

FIRST_BACKOFF_NS = 100 * NS_PER_MS
LONGEST_BACKOFF_NS = 5 * NS_PER_S
MOST_FAILURES = 20
"""Orders in a row that the venue did not take, or that came to nothing, before a person has to decide."""

CANCEL_AGAIN_NS = 3 * NS_PER_S
"""A cancel that was not answered for so long is asked again."""

SOONEST_WAKE_NS = 5 * NS_PER_MS
"""No parent is looked at again sooner without an event: one that wants that could keep the engine busy."""
BOOK_GRACE_NS = 10 * NS_PER_S
"""After a restart the book may take so long to become LIVE before resting children are pulled for it."""
FINISH_SLOT = "finish"
FINISH_SLIP_BP = Decimal(20)
"""How far finishing reaches through the touch where the kind has no slip of its own."""


class Parent:
    """See the module's paragraph. Built by ``registry.begin`` and ``registry.restore``."""

    def __init__(
        self,
        algorithm: Algorithm[Any],
        request: ParentRequest,
        instrument: Instrument,
        *,
        parent_id: str,
        number: int,
        seed: int,
        state: "ParentState[Any]",
    ) -> None:
        self.algorithm = algorithm
        self.request = request
        self.instrument = instrument
        self.parent_id = parent_id
        self.number = number
        self.seed = seed
        self.state = state
        self.terms = Terms(state.values)
        self._tally = Tally(request.key, instrument, state)
        self.changed = True
        """Whether the state differs from what was journaled; the host sets it back."""
        self.why = "starting"
        self.wake_ns = 0
        """When ``act`` is wanted at the latest, 0 = at the next event."""
        self.quiet = 0.0
        """Share of itself that a price must move before ``act`` could do anything (``Decision.quiet``)."""
        self._told: list[Tell] = []
        self._held = ""
        self._pull_from_ns = 0
        self._waits_for = ""
        self._alert = ""

    # ------------------------------------------------------------------ what is known

    @property
    def key(self) -> str:
        return self.request.key

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def is_open(self) -> bool:
        return self.state.status.is_open

    @property
    def state_text(self) -> str:
        """The state as the journal keeps it."""
        return msgspec.json.encode(self.state).decode()

    def seen(self, view: MarketView) -> Seen:
        return Seen(
            side=self.side,
            quantity=self.state.quantity,
            instrument=self.instrument,
            view=view,
            state=self.state,
            seed=self.seed,
        )

    def picture(self) -> ParentPicture:
        """The parent for panels and programs."""
        return picture_of(self)

    # ------------------------------------------------------------------ events

    def on_placed(self, want: Want, order: Order, now: int) -> None:
        """The order of a ``Place`` is on its way."""
        child = Child(
            client_id=order.client_id,
            number=order.number,
            leg=want.leg,
            slot=want.slot,
            price=want.trigger_price or want.price,
            quantity=order.quantity,
            immediate=want.tif is not TimeInForce.GTC,
            placed_ns=now,
        )
        self._tally.add(child)
        self.changed = True

    def on_refused(self, message: str, needs_person: bool, now: int, want: Want | None = None) -> None:
        """The order of a ``Place`` may not be sent: again later, or not before a person has decided."""
        memory = None if want is None else self.algorithm.refused(want, message, self.state.memory)
        if memory is not None:
            self.state.memory, self.changed = memory, True
            self._wake(now)
            return
        self._fail(now)
        self._waits_for = message
        if needs_person:
            reason = f"refused: {message}"
            if self.state.status is not ParentStatus.PAUSED or self.state.reason != reason:
                self._pause(reason, "bad")
        else:
            self._give_up(message)

    def on_deferred(self, until: int, why: str) -> None:
        """The order of a ``Place`` has to wait for no fault of its own: the rate budget."""
        self.state.not_before_ns = max(self.state.not_before_ns, until)
        self._wake(self.state.not_before_ns)
        self._waits_for = why

    def on_bug(self, text: str) -> None:
        """It could not be carried on because of a mistake in this program: a person has to decide."""
        self._pause(f"a mistake in this program stopped it ({text})", "bad")

    def on_order(self, order: Order, event: OrderEvent, view: MarketView) -> None:
        """Something happened to one of its children; ``order`` is as it is after ``event``."""
        child = self._tally.child(order.client_id)
        if child is None:
            return
        now = view.now
        match event:
            case OrderFilled():
                if child.cancel_ns:
                    self.state.races += 1
                self._tally.count(child, event)
                self.changed = True
            case OrderAccepted():
                child.accepted_ns = child.accepted_ns or now
                self.state.failures = 0
                self.changed = True
            case OrderAmended():
                child.quantity, child.price = event.quantity, event.price
                self.changed = True
                if self.state.status is ParentStatus.RUNNING:
                    self._pause(f"its order #{order.number} was moved by somebody: resume or cancel", "warn")
            case OrderCancelRequested() if event.source != OWNER:
                child.cancel_ns = now
                if self.state.status in (ParentStatus.RUNNING, ParentStatus.FINISHING):
                    self._pause(f"its order #{order.number} was canceled by {event.source}: resume or cancel", "warn")
            case OrderRejected():
                child.reason = f"{event.reason} [{event.code}]"
            case OrderCancelRejected():
                child.cancel_ns = 0
                self.changed = True
        if child.open and not order.is_open:
            self._close(child, order, view)

    def restore(self, orders: Iterable[Order], view: MarketView) -> None:
        """After a restart: count what happened to its children since the state was journaled."""
        self._pull_from_ns = view.now + BOOK_GRACE_NS
        for order in sorted(orders, key=lambda each: each.number):
            child = self._tally.child(order.client_id)
            if child is None:
                if order.number <= self.state.newest:
                    continue  # counted and forgotten before
                child = child_of_order(order)
                self._tally.add(child)
            child.quantity = order.quantity
            if order.venue_order_id and not child.accepted_ns:
                child.accepted_ns = order.updated_ns
            self._tally.count_up_to(child, order)
            if child.open and not order.is_open:
                self._close(child, order, view)
        self.changed = True

    # ------------------------------------------------------------------ commands

    def pause(self, source: str) -> str:
        """Stop acting. Returns why not, "" when it was done; so do the other commands."""
        if self.state.status not in (ParentStatus.RUNNING, ParentStatus.FINISHING, ParentStatus.WAITING):
            return f"it is {self.state.status.value}"
        self._pause(f"paused by {source}", "info")
        return ""

    def resume(self, source: str) -> str:
        if self.state.status not in (ParentStatus.PAUSED, ParentStatus.WAITING):
            return f"it is {self.state.status.value}"
        self.state.failures, self.state.not_before_ns = 0, 0
        self._move(ParentStatus.RUNNING, "", "info", f"resumed by {source}")
        return ""

    def cancel(self, source: str) -> str:
        """Cancel its children, then end."""
        if not self.is_open:
            return f"it is {self.state.status.value} already"
        self._stop(ParentStatus.CANCELED, f"canceled by {source}")
        return ""

    def finish(self, source: str) -> str:
        """Take what is left at the market now, within its limit."""
        if self.state.status in (ParentStatus.FINISHING, ParentStatus.STOPPING) or not self.is_open:
            return f"it is {self.state.status.value}"
        self.state.failures, self.state.not_before_ns = 0, 0
        self._move(ParentStatus.FINISHING, "", "info", f"finishing at the market, asked by {source}")
        return ""

    def edit(self, quantity: Decimal | None, changes: Mapping[str, str], view: MarketView, source: str) -> str:
        """Change total and terms; nothing changes when any of it cannot be."""
        if self.state.status is ParentStatus.STOPPING or not self.is_open:
            return f"it is {self.state.status.value}"
        total = self.state.quantity if quantity is None else quantity
        if not is_multiple(total, self.instrument.lot):
            near = text_of(round_down(total, self.instrument.lot))
            return f"quantity {text_of(total)} is not a multiple of lot {text_of(self.instrument.lot)}: try {near}"
        filled = self.state.entry.filled
        if total < filled or (total == filled and not self.algorithm.finishes_with_exit):
            return f"{text_of(filled)} is filled already: cancel it, or ask for more"
        try:
            terms = changed(self.algorithm.table, self.terms, changes)
        except InputError as error:
            return str(error)
        seen = replace(self.seen(view), quantity=total)
        problem = self.algorithm.preview(seen, terms).problem
        if problem:
            return problem
        self.state.quantity, self.state.values, self.terms = total, terms.values, terms
        said = [f"quantity={text_of(total)}"] if quantity is not None else []
        said += [f"{name}={text or 'none'}" for name, text in changes.items()]
        self._tell("info", f"changed by {source}: {' '.join(said)}")
        self.changed = True
        return ""

    def go_on(self, why: str) -> None:
        """After a restart: it only guards what is there, and does so at once."""
        if self.state.status is ParentStatus.WAITING:
            self._move(ParentStatus.RUNNING, "", "warn", why)
        else:
            self._tell("warn", why)

    def wait_for_person(self, why: str) -> None:
        """After a restart: do nothing until somebody resumes or cancels."""
        if self.state.status in (ParentStatus.RUNNING, ParentStatus.FINISHING):
            self._move(ParentStatus.WAITING, why, "warn", why)

    # ------------------------------------------------------------------ acting

    def act(self, view: MarketView) -> list[Intent]:
        """What to do now. Call again after carrying out what it gave, until it gives nothing."""
        intents: list[Intent] = []
        if self.is_open:
            self.wake_ns, self.quiet = 0, 0.0
            intents = self._act(view)
            if self.wake_ns:
                self.wake_ns = max(self.wake_ns, view.now + SOONEST_WAKE_NS)
        told, self._told = self._told, []
        return [*told, *intents]

    def _act(self, view: MarketView) -> list[Intent]:
        status = self.state.status
        if status is ParentStatus.STOPPING:
            return self._act_stopping(view)
        if status is ParentStatus.WAITING:
            self.why = f"waiting: {self.state.reason}"
            return []
        if not view.live:
            return self._act_held(view)
        if self._held:
            self._tell("good", f"goes on, no more: {self._held}")
            self._held = ""
        if status is ParentStatus.FINISHING:
            return self._act_finishing(view)
        paused = status is ParentStatus.PAUSED
        if paused and not self.algorithm.works_paused:
            self.why = f"paused: {self.state.reason}"
            return self._pulled(view)
        decision: Decision[Any] = self.algorithm.decide(self.seen(view), self.terms, self.state.memory, paused)
        if decision.afresh:
            self.state.failures, self.state.not_before_ns = 0, 0
        if decision.memory != self.state.memory:
            self.state.memory = decision.memory
            self.changed = True
        if decision.alert and decision.alert != self._alert:
            self._tell("warn", decision.alert)
        self._alert = decision.alert
        self.wake_ns, self.quiet = decision.wake_ns, decision.quiet
        if decision.ended:
            self._stop(ParentStatus.FAILED if decision.failed else ParentStatus.DONE, decision.ended)
            return self._act_stopping(view)
        self.why = f"paused: {self.state.reason}; {decision.why}" if paused else decision.why
        return self._steer(decision.wants, view)

    def _act_held(self, view: MarketView) -> list[Intent]:
        """The book may not price an order: nothing new; children whose price followed the market are pulled."""
        if not self._held:
            self._tell("warn", f"holds by itself: {view.trouble}")
        self._held = view.trouble or "the book is not LIVE"
        self.why = f"holds: {self._held}"
        ends = self.algorithm.ends_ns(self.seen(view), self.terms)
        if ends and self.state.status is not ParentStatus.FINISHING:
            if view.now >= ends:
                self._stop(ParentStatus.FAILED, "its time is up")
                return self._act_stopping(view)
            self._wake(ends)
        if view.now < self._pull_from_ns:
            self._wake(self._pull_from_ns)
            return []
        return self._pulled(view)

    def _pulled(self, view: MarketView) -> list[Intent]:
        if self.algorithm.on_hold is Holding.PULL:
            return self._cancel(self.seen(view).open_children, view.now)
        return []

    def _act_stopping(self, view: MarketView) -> list[Intent]:
        still = self.seen(view).open_children
        if still:
            self.why = f"{self.state.reason}: waits for {len(still)} cancels"
            return self._cancel(still, view.now)
        self._end(view.now)
        return []

    def _act_finishing(self, view: MarketView) -> list[Intent]:
        """Cancel what rests, then take the rest with bounded IOC orders until nothing that can be sent is left."""
        seen = self.seen(view)
        finish = self.algorithm.to_finish(seen, self.terms, self.state.memory)
        side, left, limit = self._side_of(finish.leg), finish.quantity, finish.limit
        resting = [child for child in seen.open_children if child.slot not in (FINISH_SLOT, GUARD)]
        if resting:
            self.why = "finishing: cancels what rests first"
            return self._cancel(resting, view.now)
        if left < smallest(self.instrument, view.far(side), finish.reduce_only):
            self._stop(ParentStatus.DONE, self._rest_text("finished at the market", left))
            return self._act_stopping(view)
        slip = self.terms.number("slip") if "slip" in self.terms.values else FINISH_SLIP_BP
        price = taking_price(seen, slip, limit, side)
        if price is None:
            self.why = f"finishing: waits, {text_of(view.far(side))} is beyond the limit {text_of(limit or ZERO)}"
            return []
        self.why = f"finishing: takes {text_of(left)} up to {text_of(price)}"
        want = Want(
            slot=FINISH_SLOT,
            quantity=left,
            price=price,
            leg=finish.leg,
            tif=TimeInForce.IOC,
            reduce_only=finish.reduce_only,
        )
        return self._steer((want,), view)

    # ------------------------------------------------------------------ steering

    def _steer(self, wants: tuple[Want, ...], view: MarketView) -> list[Intent]:
        """From what should be there to what must be sent. Nothing is sent beyond what is still free of the total."""
        wanted = {want.slot for want in wants}
        seen = self.seen(view)
        open_now = seen.open_children
        drop = [child for child in open_now if child.slot not in wanted]
        excess = {leg: self._tally.open_quantity(leg) - self._tally.free(leg) for leg in Leg}
        for child in reversed(open_now):  # the total was made smaller
            if child.slot == GUARD:
                continue
            if excess[child.leg] > ZERO and child not in drop:
                drop.append(child)
            excess[child.leg] -= child.remaining if child in drop else ZERO
        intents: list[Intent] = self._cancel(drop, view.now)
        busy = {child.slot for child in open_now}
        room = {leg: self._tally.free(leg) - self._tally.open_quantity(leg) for leg in Leg}
        for want in wants:
            if want.slot in busy:
                continue
            most = want.quantity if want.slot == GUARD else min(want.quantity, room[want.leg])
            quantity = round_down(most, self.instrument.lot)
            if quantity < smallest(self.instrument, want.price, want.reduce_only):
                continue
            if view.now < self.state.not_before_ns:
                self._wake(self.state.not_before_ns)
                if self._waits_for and self._waits_for not in self.why:
                    self.why += f"; waits: {self._waits_for}"
                continue
            room[want.leg] -= ZERO if want.slot == GUARD else quantity
            intents.append(Place(want, self._request(want, quantity)))
            if self.state.failures:
                break  # after trouble one at a time
        for child in open_now:
            if child.cancel_ns:
                self._wake(child.cancel_ns + CANCEL_AGAIN_NS)
        return intents

    def _side_of(self, leg: Leg) -> Side:
        return self.side if leg is Leg.ENTRY else self.side.opposite

    def _request(self, want: Want, quantity: Decimal) -> OrderRequest:
        side = self._side_of(want.leg)
        limit = self.algorithm.limit(self.terms)
        if want.leg is Leg.ENTRY and limit is not None and is_worse(want.price, limit, side):
            raise InputError(f"{self.parent_id} wanted {want.price}, worse than its limit {limit}: a bug, not sent")
        request = OrderRequest(
            key=self.key,
            side=side,
            quantity=quantity,
            price=want.price,
            tif=want.tif,
            post_only=want.post_only,
            reduce_only=want.reduce_only,
            owner=OWNER,
            source=OWNER,
            parent_id=self.parent_id,
            tag=f"{want.leg.value}{want.slot}",
        )
        if want.trigger_price is None:
            return request
        request = replace(request, trigger_price=want.trigger_price, trigger_by=want.trigger_by)
        return request if want.price != want.trigger_price else replace(request, type=OrderType.MARKET, price=None)

    def _cancel(self, children: list[Child], now: int) -> list[Intent]:
        """Ask for the cancels that were not asked for, or not answered for long."""
        asked: list[Intent] = []
        for child in children:
            if not child.cancel_ns or now - child.cancel_ns >= CANCEL_AGAIN_NS:
                child.cancel_ns = now
                self.changed = True
                asked.append(CancelChild(child.client_id))
            self._wake(child.cancel_ns + CANCEL_AGAIN_NS)
        return asked

    def _wake(self, at: int) -> None:
        self.wake_ns = at if not self.wake_ns else min(self.wake_ns, at)

    # ------------------------------------------------------------------ counting

    def _close(self, child: Child, order: Order, view: MarketView) -> None:
        child.open, child.reason = False, child.reason or order.reason
        self.changed = True
        rejected = order.status is OrderStatus.REJECTED or (
            order.status is OrderStatus.EXPIRED and not child.immediate and not child.filled
        )
        if order.status is OrderStatus.FILLED:
            outcome = Outcome.FILLED
        else:
            outcome = Outcome.REJECTED if rejected else Outcome.CANCELED
        in_vain = rejected or (not child.cancel_ns and not child.filled)
        if in_vain and not self.algorithm.expects(self.seen(view), child, outcome):
            self._fail(view.now)
            self._waits_for = order.reason or "its order came to nothing"
            self._give_up(self._waits_for)
        self.state.memory = self.algorithm.ended(self.seen(view), child, outcome, self.state.memory)

    def _give_up(self, why: str) -> None:
        """Too many failures in a row: a person has to decide."""
        if self.state.failures >= MOST_FAILURES and self.state.status is not ParentStatus.STOPPING:
            self._pause(f"{self.state.failures} orders in a row came to nothing, the last: {why}", "bad")

    def _fail(self, now: int) -> None:
        self.state.failures += 1
        wait = min(FIRST_BACKOFF_NS << min(self.state.failures - 1, 10), LONGEST_BACKOFF_NS)
        self.state.not_before_ns = now + wait
        self._wake(self.state.not_before_ns)
        self.changed = True

    # ------------------------------------------------------------------ moving on

    def _move(self, status: ParentStatus, reason: str, level: str, text: str) -> None:
        self.state.status, self.state.reason = status, reason
        self.changed = True
        self._tell(level, text)

    def _pause(self, reason: str, level: str) -> None:
        if self.state.status is not ParentStatus.STOPPING:
            self.why = f"paused: {reason}"
            self._move(ParentStatus.PAUSED, reason, level, f"PAUSED: {reason}" if level != "info" else reason)

    def _stop(self, then: ParentStatus, reason: str) -> None:
        self.state.status, self.state.then, self.state.reason = ParentStatus.STOPPING, then, reason
        self.changed = True

    def _end(self, now: int) -> None:
        state = self.state
        state.status, state.ended_ns = state.then, now
        self.wake_ns = 0
        self.changed = True
        level = {ParentStatus.DONE: "good", ParentStatus.CANCELED: "info"}.get(state.then, "bad")
        self._tell(level, f"{state.then.value.upper()}: {state.reason}; {sum_text(self)}")

    def _rest_text(self, done: str, left: Decimal) -> str:
        return f"{done}, {text_of(left)} left is below the venue's minimum" if left else done

    def _tell(self, level: str, text: str) -> None:
        short = f"{self.request.kind.value} {self.parent_id}"
        self._told.append(Tell(level, f"{short} {self.side.value.upper()} {self.key.partition(':')[2]}: {text}"))
