"""Closing a position until it is closed: fills that race with the cancels are noticed and closed as well."""

from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.numbers import round_down, text_of
from jackbot_tui.model.orders import Order, OrderRequest
from jackbot_tui.risk.refusal import Refusal

ATTEMPTS = 5
"""Closing orders in a row that may leave the position as large as it was before a flatten gives up and says so."""


class Submitted(Struct, frozen=True):
    """What became of a request: an order on its way, or a refusal. ``seq`` is the journal record to wait for."""

    order: Order | None
    refusal: Refusal | None
    seq: int


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
    """An unfinished flatten of one instrument."""

    __slots__ = ("attempts", "left", "sending", "source", "waiting_for")

    def __init__(self, source: str) -> None:
        self.source = source
        self.attempts = 0
        self.left = Decimal("Infinity")
        self.sending = False
        self.waiting_for = ""


class Flattener:
    """Holds the flattens under way; ``proceed`` is called after every order event."""

    def __init__(self, engine: FlattenPort) -> None:
        self._engine = engine
        self._jobs: dict[str, _Job] = {}

    def begin(self, key: str, source: str) -> Submitted | None:
        """Start closing ``key``; None when there is nothing to close right now (working orders may still fill)."""
        job = self._jobs[key] = _Job(source)
        return self._step(key, job)

    def proceed(self) -> None:
        """Go on with every job whose last closing order has ended."""
        for key, job in list(self._jobs.items()):
            if job.sending:
                continue
            order = self._engine.oms.orders.get(job.waiting_for)
            if order is None or not order.is_open:
                self._step(key, job)

    def _step(self, key: str, job: _Job) -> Submitted | None:
        engine = self._engine
        quantity = engine.portfolio.position(key).quantity
        market = engine.data.markets.get(key)
        closable = abs(quantity)
        if market is not None:
            instrument = market.instrument
            largest = instrument.market_max_qty or instrument.max_qty or closable
            closable = round_down(min(closable, largest), instrument.lot)
        if not closable:
            if not engine.oms.open_orders(key):
                self._jobs.pop(key, None)
            return None
        if abs(quantity) < job.left:
            job.left, job.attempts = abs(quantity), 0
        if job.attempts >= ATTEMPTS:
            self._give_up(key, quantity, f"{job.attempts} closing orders in a row closed nothing")
            return None
        job.attempts += 1
        job.sending = True
        submitted = engine.submit(
            OrderRequest(
                key=key,
                side=Side.SELL if quantity > 0 else Side.BUY,
                quantity=closable,
                type=OrderType.MARKET,
                tif=TimeInForce.IOC,
                reduce_only=market is not None and market.instrument.is_perpetual,
                source=job.source,
                tag="flatten",
            )
        )
        job.sending = False
        if submitted.order is None:
            self._give_up(key, quantity, submitted.refusal.message if submitted.refusal else "refused")
        else:
            job.waiting_for = submitted.order.client_id
        return submitted

    def _give_up(self, key: str, quantity: Decimal, why: str) -> None:
        self._jobs.pop(key, None)
        text = f"flatten {key}: {text_of(quantity)} left, {why}: decide by hand"
        engine = self._engine
        engine.publish_durable(engine.note("flatten", text), engine.clock.now_ns(), "note", "bad", text, key=key)
