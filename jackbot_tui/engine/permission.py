"""May this be sent now: the engine's own state, then the risk gate with all it wants to know. Changes nothing."""

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from jackbot_tui.engine.flatten import OWNER as FLATTEN_OWNER
from jackbot_tui.engine.shaping import as_sent
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import Order, OrderRequest, Position
from jackbot_tui.risk.refusal import Refusal, RefusalCode

if TYPE_CHECKING:
    from jackbot_tui.engine.core import Engine


class Permission:
    """Asks on behalf of one engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def as_sent(self, request: OrderRequest) -> OrderRequest:
        """What would be sent for ``request`` now; itself where its instrument is not followed."""
        market = self._engine.data.markets.get(request.key)
        if market is None:
            return request
        by_cost = self._engine.executor.buys_by_cost(market.instrument)
        now = self._engine.clock.now_ns()
        return as_sent(request, market, self._engine.gate.limits, now, by_cost=by_cost)

    def refusal_of(self, request: OrderRequest, confirmed: bool = False, at: Position | None = None) -> Refusal | None:
        """Why ``request`` would be refused now, or if the position were ``at``; None when it may go."""
        unfit = self.unfit()
        if unfit is not None:
            return unfit
        locked = self._engine.executor.locked
        if locked and request.owner != FLATTEN_OWNER:
            return Refusal(RefusalCode.ENGINE_UNHEALTHY, locked)
        market = self._engine.data.markets.get(request.key)
        if market is None:
            return self._not_followed(request.key)
        request = self.as_sent(request)
        unwaitable = self._unwaitable(request, market.instrument)
        if unwaitable is not None:
            return unwaitable
        return self._engine.gate.check(
            request,
            market=market,
            position=at or self._engine.portfolio.position(request.key),
            open_orders=self._orders_at_their_largest(),
            day_pnl=self._engine.portfolio.day_pnl(self._engine.mark_of),
            now=self._engine.clock.now_ns(),
            confirmed=confirmed,
        )

    def amend_refusal(self, order: Order, price: Decimal, quantity: Decimal) -> Refusal | None:
        """Why ``order`` may not get this price and total quantity now; None when it may."""
        if self._engine.executor.locked:
            return Refusal(RefusalCode.ENGINE_UNHEALTHY, self._engine.executor.locked)
        market = self._engine.data.markets.get(order.key)
        if market is None:
            return self._not_followed(order.key)
        return self._engine.gate.check_amend(
            order,
            price,
            quantity,
            market=market,
            position=self._engine.portfolio.position(order.key),
            open_orders=self._orders_at_their_largest(),
            day_pnl=self._engine.portfolio.day_pnl(self._engine.mark_of),
            now=self._engine.clock.now_ns(),
        )

    def go_live(self, source: str) -> int:
        """A person unlocks live trading: journaled and told. Returns the journal record to wait for.

        InputError with the reason where it stays locked (a key that may only read).
        """
        engine = self._engine
        engine.executor.unlock()
        if engine.executor.locked:
            raise InputError(engine.executor.locked)
        seq = engine.note("live", f"live trading unlocked by {source}")
        text = f"LIVE: new orders go to the account {engine.executor.holder} ({source})"
        engine.publish_durable(seq, engine.clock.now_ns(), "mode", "bad", text)
        return seq

    def limits(self) -> list[tuple[str, str, str, float]]:
        """``(name, used, limit, fraction)`` of every limit of the gate that is switched on."""
        return self._engine.gate.limits_view(
            positions=self._engine.portfolio.positions,
            open_orders=self._orders_at_their_largest(),
            mark_of=self._engine.mark_of,
            day_pnl=self._engine.portfolio.day_pnl(self._engine.mark_of),
            now=self._engine.clock.now_ns(),
        )

    def _orders_at_their_largest(self) -> list[Order]:
        """Open orders as the caps must see them: one with an amend under way counts with the larger quantity."""
        orders = self._engine.oms.open_orders()
        amending = self._engine.amending
        if not amending:
            return orders
        return [replace(order, quantity=max(order.quantity, amending.get(order.client_id, ZERO))) for order in orders]

    def unfit(self) -> Refusal | None:
        """Why the engine itself may send nothing new now."""
        if self._engine.stopping:
            return Refusal(RefusalCode.ENGINE_UNHEALTHY, "the engine is stopping: no new orders")
        journal = self._engine.journal
        if not journal.healthy:
            return Refusal(RefusalCode.ENGINE_UNHEALTHY, f"the journal cannot be written: {journal.problem}")
        trouble = self._engine.executor.trouble
        if trouble:
            return Refusal(RefusalCode.ENGINE_UNHEALTHY, f"no new orders: {trouble}")
        return None

    def _unwaitable(self, request: OrderRequest, instrument: Instrument) -> Refusal | None:
        """Why an order cannot wait for this kind of trigger where it would go; None for one without a trigger."""
        if request.trigger_price is None:
            return None
        known = self._engine.executor.triggers(instrument)
        if request.trigger_by in known:
            return None
        where = f"{instrument.venue} {instrument.kind.value}"
        if not known:
            message = f"{where} takes no orders that wait for a trigger from here: watch the price with 'smart'"
        else:
            words = " or ".join(each.value for each in known)
            message = f"{where} wakes orders by {words} only, not by {request.trigger_by.value}: say {words}"
        return Refusal(RefusalCode.TRIGGER, message)

    def _not_followed(self, key: str) -> Refusal:
        followed = ", ".join(self._engine.data.markets) or "no instruments yet"
        return Refusal(RefusalCode.UNKNOWN_INSTRUMENT, f"{key} is not followed by this engine: {followed}")
