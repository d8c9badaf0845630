"""Driving a position to a target, flat or turned around: fills that race with the cancels are made good."""

from decimal import Decimal
from typing import Protocol

from jackbot_tui.engine.answers import Submitted
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, round_down, text_of
from jackbot_tui.model.orders import Order, OrderRequest

ATTEMPTS = 5
"""Orders in a row that may bring the position no nearer to its target before the job gives up and says so."""


OWNER = "engine"
"""Who owns the orders that are sent here: they are neither a person's nor a strategy's."""

TAG_FLATTEN = "flatten"
TAG_REVERSE = "reverse"


class FlattenPort(Protocol):
    """What the flattener needs of the engine."""

    @property
    def clock(self) -> Clock: ...

    @property
    def data(self) -> MarketData: ...

    @property
    def oms(self) -> Oms: ...

    @property
    def portfolio(self) -> Portfolio: ...

    def submit(self, request: OrderRequest) -> Submitted: ...

    def note(self, topic: str, text: str) -> int: ...

    def publish_durable(
        self, seq: int, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> None: ...


class _Job:
    """An unfinished flatten or reverse of one instrument.

    ``blockers`` are the working orders that were canceled for it: until they have ended they may still fill. A reverse
    and a flatten on spot wait for them (neither may overshoot, and there is no reduce-only on spot); a flatten of a
    perpetual does not (every moment counts), but is not done before them.
    """

    __slots__ = ("attempts", "blockers", "distance", "sending", "source", "tag", "target", "told", "waiting_for")

    def __init__(self, source: str, tag: str, target: Decimal, blockers: set[str]) -> None:
        self.source = source
        self.tag = tag
        self.target = target
        self.blockers = blockers
        self.attempts = 0
        self.distance = Decimal("Infinity")
        self.sending = False
        self.told = False
        self.waiting_for = ""


class Flattener:
    """Holds the jobs under way; ``proceed`` is called after every order event and when a book is LIVE again."""

    def __init__(self, engine: FlattenPort) -> None:
        self._engine = engine
        self._jobs: dict[str, _Job] = {}

    @property
    def busy(self) -> bool:
        """True while some position is not yet where it was told to go."""
        return bool(self._jobs)

    def flatten(self, key: str, source: str, canceled: list[Order]) -> Submitted | None:
        """Close ``key``; None when nothing is sent right now (flat, a book that is not LIVE, an order on its way)."""
        blockers = {order.client_id for order in canceled}
        job = self._jobs.get(key)
        if job is not None and job.tag == TAG_FLATTEN and self._is_open(job.waiting_for):
            job.blockers |= blockers - {job.waiting_for}
            return None
        return self._begin(key, _Job(source, TAG_FLATTEN, ZERO, blockers))

    def reverse(self, key: str, source: str, target: Decimal, canceled: list[Order]) -> Submitted | None:
        """Bring ``key`` to ``target`` once the canceled orders have ended; None when that has to be waited for."""
        return self._begin(key, _Job(source, TAG_REVERSE, target, {order.client_id for order in canceled}))

    def drop(self, key: str) -> None:
        """Somebody ordered anew: what they want now counts, not what was under way."""
        self._jobs.pop(key, None)

    def proceed(self) -> None:
        """Go on with every job that is not waiting for an order of its own."""
        for key, job in list(self._jobs.items()):
            if not job.sending:
                self._drive(key, job)

    # ------------------------------------------------------------------ inside

    def _begin(self, key: str, job: _Job) -> Submitted | None:
        self._jobs[key] = job
        return self._drive(key, job)

    def _drive(self, key: str, job: _Job) -> Submitted | None:
        """Send until an order is on its way or nothing is left to do; returns the first order sent."""
        first: Submitted | None = None
        while self._jobs.get(key) is job and not self._is_open(job.waiting_for):
            submitted = self._step(key, job)
            first = first or submitted
            if submitted is None or submitted.order is None:
                break
        return first

    def _is_open(self, client_id: str) -> bool:
        order = self._engine.oms.orders.get(client_id)
        return order is not None and order.is_open

    def _step(self, key: str, job: _Job) -> Submitted | None:
        engine = self._engine
        market = engine.data.markets.get(key)
        spot = market is not None and not market.instrument.is_perpetual
        racing = any(self._is_open(client_id) for client_id in job.blockers)
        if racing and (spot or job.tag == TAG_REVERSE):
            self._tell(key, job, "waits for the working orders to end")
            return None
        missing = job.target - engine.portfolio.position(key).quantity
        quantity = abs(missing)
        if market is not None:
            instrument = market.instrument
            largest = instrument.market_max_qty or instrument.max_qty or quantity
            quantity = round_down(min(quantity, largest), instrument.lot)
        if not quantity:
            if not racing:
                del self._jobs[key]
            return None
        if market is not None and not market.live:
            self._tell(key, job, f"waits for the book: {market.sequencer.reason}")
            return None
        if abs(missing) < job.distance:
            job.distance, job.attempts = abs(missing), 0
        if job.attempts >= ATTEMPTS:
            self._give_up(key, job, missing, f"{job.attempts} orders in a row changed nothing")
            return None
        job.attempts += 1
        job.sending = True
        reducing = job.tag == TAG_FLATTEN and market is not None and not spot
        submitted = engine.submit(
            OrderRequest(
                key=key,
                side=Side.BUY if missing > 0 else Side.SELL,
                quantity=quantity,
                type=OrderType.MARKET,
                tif=TimeInForce.IOC,
                reduce_only=reducing,
                owner=OWNER,
                source=job.source,
                tag=job.tag,
            )
        )
        job.sending = False
        if submitted.order is None:
            self._give_up(key, job, missing, submitted.refusal.message if submitted.refusal else "refused")
        else:
            job.waiting_for = submitted.order.client_id
        return submitted

    def _tell(self, key: str, job: _Job, why: str) -> None:
        if not job.told:
            job.told = True
            self._say(f"{job.tag} {key} {why}", "warn", key)

    def _give_up(self, key: str, job: _Job, missing: Decimal, why: str) -> None:
        self._jobs.pop(key, None)
        self._say(f"{job.tag} {key}: {text_of(abs(missing))} left, {why}: decide by hand", "bad", key)

    def _say(self, text: str, level: str, key: str) -> None:
        engine = self._engine
        engine.publish_durable(engine.note("position", text), engine.clock.now_ns(), "note", level, text, key=key)
