"""One market's desk for orders of accounts: between what clients ask and what the matching engine does.

Made by ``sim.accounts`` for each market; a ``BookListener`` of its engine. It checks rules and funds, keeps orders that
wait for a trigger, and books every execution. It knows no protocol and no other market.
"""

from collections.abc import Callable
from copy import copy
from decimal import Decimal
from typing import Protocol

from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.model.transitions import EXACT
from jackbot_tui.sim import rules
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.order_store import OrderStore
from jackbot_tui.sim.orders import BookOrder, Execution, Reason, SelfTrade
from jackbot_tui.sim.requests import (
    AccountOrder,
    Fill,
    OrderChange,
    OrderEvent,
    OrderSpec,
    Refusal,
    Refused,
    Trigger,
    TriggerPrice,
)
from jackbot_tui.sim.settlement import Match, Settlement, Wish
from jackbot_tui.sim.terms import Terms
from jackbot_tui.sim.timeline import Timeline

_ENDED = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})
_REFUSALS = {
    Reason.POST_ONLY: Refusal.POST_ONLY,
    Reason.FOK: Refusal.FILL_OR_KILL,
    Reason.REDUCE_ONLY: Refusal.REDUCE_ONLY,
    Reason.BAD_QUANTITY: Refusal.REDUCE_ONLY,
}


class Book(Protocol):
    """What a desk tells its owner."""

    def tell(self, event: OrderEvent) -> None: ...

    def touch(self, order: AccountOrder, cause: Cause) -> None:
        """The account's money changed through this order."""


class OrderDesk:
    """See the module's text. All calls happen at the timeline's present."""

    def __init__(
        self,
        market: SimMarket,
        settlement: Settlement,
        store: OrderStore,
        terms: Terms,
        timeline: Timeline,
        book: Book,
        held_lots: Callable[[int], int],
    ) -> None:
        self.market = market
        self.listing = market.listing
        self.instrument = market.listing.instrument
        self._engine = market.engine
        self._settlement = settlement
        self._store = store
        self._terms = terms
        self._timeline = timeline
        self._book = book
        self._held_lots = held_lots
        self._working: dict[int, AccountOrder] = {}
        self._waiting: dict[int, AccountOrder] = {}
        self._request_id = ""
        self._traded: dict[int, tuple[int, int]] = {}  # waiting order -> lowest and highest price since the last sweep
        market.engine.listen(self)

    # --- what clients ask ----------------------------------------------------------------------------------------

    def submit(self, account: int, spec: OrderSpec) -> AccountOrder:
        """The order as it stands after matching. Refused with nothing done."""
        price, lots, trigger = self.examine(account, spec)
        order = self._order(account, spec, price, lots, trigger)
        if trigger is None or price is not None:
            self._admit(order, replaces=None)
        if trigger is None:
            self._place(order)
            return order
        self._store.add(order)
        self._waiting[order.order_id] = order
        self._traded[order.order_id] = self._last_ticks(), self._last_ticks()
        self._reserve(order)
        self._announce(order)
        return order

    def examine(self, account: int, spec: OrderSpec) -> tuple[int | None, int, Trigger | None]:
        """Price in ticks (None at market), lots and trigger of an order that breaks no rule. Refused for one that does;
        funds are not looked at.
        """
        if spec.client_id and self._store.is_taken(account, spec.key, spec.client_id, self._terms.unique_ids):
            raise Refused(Refusal.DUPLICATE_CLIENT_ID)
        trigger = self._trigger(spec)
        price = None if spec.price is None else rules.check_price(self.listing, spec.price)
        lots = self._lots(account, spec)
        reference = self._price_by(TriggerPrice.LAST) if trigger is None else trigger.price * self.instrument.tick
        if price is not None and spec.price is not None and trigger is None:
            price = self._within_band(spec.side, spec.price)
        reduces = self.instrument.is_perpetual and (spec.reduce_only or spec.close_position)
        if lots:
            value = EXACT.multiply(lots * self.instrument.lot, spec.price or reference)
            rules.check_value(self.listing, value, reduces=reduces)
        if self.instrument.max_orders and len(self._store.open_orders(account, spec.key)) >= self.instrument.max_orders:
            raise Refused(Refusal.TOO_MANY_ORDERS, Decimal(self.instrument.max_orders))
        return price, lots, trigger

    def cancel(self, order: AccountOrder, request_id: str = "", reason: Reason = Reason.CANCELED) -> None:
        """Refused when it is not open."""
        if not order.is_open:
            raise Refused(Refusal.UNKNOWN_ORDER)
        self._request_id = request_id
        if order.waiting:
            del self._waiting[order.order_id], self._traded[order.order_id]
            self._close(order, OrderStatus.CANCELED, reason)
        else:
            self._engine.cancel(order.order_id, now=self._timeline.elapsed_ns, reason=reason)
        self._request_id = ""

    def amend(self, order: AccountOrder, price: Decimal | None, quantity: Decimal | None, client_id: str = "") -> None:
        """New price or total quantity, and a new client id where one is given. Refused with the order as it was."""
        if not order.is_open:
            raise Refused(Refusal.UNKNOWN_ORDER)
        if order.waiting or order.is_market:
            raise Refused(Refusal.AMEND_NOT_ALLOWED)
        ticks = order.price if price is None else rules.check_price(self.listing, price)
        lots = order.quantity if quantity is None else rules.check_quantity(self.listing, quantity, at_market=False)
        if (ticks, lots) == (order.price, order.quantity):
            raise Refused(Refusal.NOTHING_CHANGED)
        if price is not None and ticks != order.price:
            ticks = self._within_band(order.side, price)
        value = EXACT.multiply(lots * self.instrument.lot, ticks * self.instrument.tick)
        rules.check_value(self.listing, value, reduces=order.reduce_only)
        wanted = copy(order)
        wanted.price, wanted.quantity = ticks, max(lots, order.filled)
        self._admit(wanted, replaces=order)
        order.amendments += 1
        if client_id:
            self._request_id = order.client_id
            self._store.rename(order, client_id)
        self._engine.amend(order.order_id, now=self._timeline.elapsed_ns, price=ticks, quantity=lots)
        self._request_id = ""

    def place_liquidation(self, account: int, side: Side, lots: int, client_id: str) -> AccountOrder:
        """Close a position at market, whatever the account can afford."""
        spec = OrderSpec(key=self.instrument.key, side=side, client_id=client_id, reduce_only=True)
        order = self._order(account, spec, None, lots, None)
        order.is_liquidation = True
        self._place(order)
        return order

    def sweep(self) -> None:
        """Set off waiting orders whose price was reached since the last sweep."""
        if not self._waiting:
            return
        mark_ticks = self._price_by(TriggerPrice.MARK) / self.instrument.tick
        for order in list(self._waiting.values()):
            trigger, traded = order.trigger, self._traded[order.order_id]
            self._traded[order.order_id] = self._last_ticks(), self._last_ticks()
            if trigger is None:
                continue
            lowest, highest = traded if trigger.by is TriggerPrice.LAST else (mark_ticks, mark_ticks)
            if highest >= trigger.price if trigger.rises else lowest <= trigger.price:
                self._set_off(order)

    def band_reference(self, side: Side) -> Decimal:
        """The price around which the band of an order of ``side`` lies."""
        band, tick = self.instrument.band, self.instrument.tick
        match "" if band is None else band.reference:
            case "average":
                value, quantity = self.market.history.average(self._timeline.now_ms())
                return Decimal(value) / quantity * tick
            case "index" if self.market.marks is not None:
                return Decimal(f"{self.market.marks.index:.8f}")
            case "best":
                best = self._engine.best_ask if side is Side.BUY else self._engine.best_bid
                return (best or self._last_ticks()) * tick
            case "mark":
                return self._price_by(TriggerPrice.MARK)
            case _:
                return self._price_by(TriggerPrice.LAST)

    # --- the engine tells ----------------------------------------------------------------------------------------

    def on_execution(self, execution: Execution) -> None:
        for order_id, (low, high) in self._traded.items():
            self._traded[order_id] = min(low, execution.price), max(high, execution.price)
        for order_id, is_maker in ((execution.maker_order_id, True), (execution.taker_order_id, False)):
            order = self._working.get(order_id)
            if order is not None:
                self._fill(execution, order, is_maker=is_maker)

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        """Public news."""

    def on_order(self, order: BookOrder, now: int) -> None:
        ours = self._working.get(order.order_id)
        if ours is None:
            return
        changed = (order.price or ours.price, order.quantity) != (ours.price, ours.quantity)
        ours.price, ours.quantity = order.price or ours.price, order.quantity
        if changed and ours.announced and order.status not in _ENDED:
            ours.updated_ms = self._timeline.now_ms()
            self._reserve(ours)
            self._tell(ours, OrderChange.AMENDED)
        if order.status is OrderStatus.REJECTED or self._is_refused_fok(ours, order.reason):
            return  # ``_place`` sees to it
        if order.status in _ENDED:
            self._announce(ours)
            del self._working[order.order_id]
            self._close(ours, order.status, order.reason)
        elif order.status is OrderStatus.NEW:
            self._announce(ours)

    # --- inside --------------------------------------------------------------------------------------------------

    def _order(
        self, account: int, spec: OrderSpec, price: int | None, lots: int, trigger: Trigger | None
    ) -> AccountOrder:
        order_id, now_ms = self._engine.take_order_id(), self._timeline.now_ms()
        return AccountOrder(
            order_id, account, spec.key, self.instrument.kind, spec.client_id or f"auto{order_id}", spec.side,
            price or 0, lots, spec.tif, spec.post_only, spec.reduce_only or spec.close_position,
            spec.self_trade or self._terms.self_trade, now_ms, now_ms, is_market=price is None, trigger=trigger,
            waiting=trigger is not None, close_position=spec.close_position, cost=spec.cost,
        )  # fmt: skip

    def _lots(self, account: int, spec: OrderSpec) -> int:
        if spec.close_position:
            return 0
        if spec.cost is None:
            return rules.check_quantity(self.listing, spec.quantity, at_market=spec.price is None)
        rules.check_value(self.listing, spec.cost, reduces=False)
        lots = self._affordable(account, spec.side, spec.cost, spec.self_trade or self._terms.self_trade)
        quantity = lots * self.instrument.lot
        return rules.check_quantity(self.listing, quantity, at_market=True)

    def _trigger(self, spec: OrderSpec) -> Trigger | None:
        if spec.trigger_price is None:
            return None
        ticks = rules.check_price(self.listing, spec.trigger_price)
        rises = (spec.side is Side.BUY) is not spec.takes_profit
        now = self._price_by(spec.trigger_by) / self.instrument.tick
        if now >= ticks if rises else now <= ticks:
            raise Refused(Refusal.WOULD_TRIGGER)
        return Trigger(ticks, spec.trigger_by, rises, spec.takes_profit)

    def _price_by(self, by: TriggerPrice) -> Decimal:
        """Mark price, or the last one where there is none or it is not asked for."""
        if by is TriggerPrice.MARK and self.market.marks is not None:
            return Decimal(f"{self.market.marks.mark:.8f}")
        return self._last_ticks() * self.instrument.tick

    def _last_ticks(self) -> int:
        return self._engine.last_price or self.listing.opening_ticks

    def _admit(self, order: AccountOrder, replaces: AccountOrder | None) -> None:
        quantity = order.remaining * self.instrument.lot
        if order.is_market:
            ticks_lots = self._walk(order.account, order.side, order.remaining, order.self_trade)[0]
            value = ticks_lots * self.instrument.tick * self.instrument.lot
        else:
            value = EXACT.multiply(quantity, self._worst_ticks(order) * self.instrument.tick)
        self._settlement.admit(
            self.instrument, Wish(order.account, order.side, quantity, value, order.reduce_only, replaces)
        )

    def _worst_ticks(self, order: AccountOrder) -> int:
        """A sell on perpetuals is valued at what it would fetch now, when that is more than its limit."""
        best_bid = self._engine.best_bid
        if order.side is Side.SELL and best_bid is not None:
            return max(order.price, best_bid)
        return order.price

    def _walk(self, account: int, side: Side, lots: int, self_trade: SelfTrade) -> tuple[int, int]:
        """``(ticks times lots, lots)`` that a market order would take now, up to ``lots``."""
        value = found = 0
        for price, quantity in self._others(account, side, self_trade):
            take = min(quantity, lots - found)
            value += take * price
            found += take
            if found == lots:
                break
        return value, found

    def _within_band(self, side: Side, price: Decimal) -> int:
        """``price`` in ticks, moved into its band where the venue does that. Refused where it lies beyond elsewhere."""
        reference = self.band_reference(side)
        if self.instrument.kind in self._terms.moves_to_band:
            price = rules.moved_to_band(self.listing, side, price, reference)
        rules.check_band(self.listing, side, price, reference)
        return int(price / self.instrument.tick)

    def _affordable(self, account: int, side: Side, cost: Decimal, self_trade: SelfTrade) -> int:
        """Lots a market order gets for ``cost`` quote units."""
        left, lots = int(cost / (self.instrument.tick * self.instrument.lot)), 0
        for price, quantity in self._others(account, side, self_trade):
            take = min(quantity, left // price)
            lots += take
            left -= take * price
            if take < quantity:
                break
        return lots

    def _others(self, account: int, side: Side, self_trade: SelfTrade) -> list[tuple[int, int]]:
        """Levels a taker meets, without the own orders that self-trade prevention takes out of its way."""
        facing = side.opposite
        own: dict[int, int] = {}
        if self_trade is not SelfTrade.NONE:
            for order in self._store.open_orders(account, self.instrument.key):
                if order.side is facing and not order.waiting:
                    own[order.price] = own.get(order.price, 0) + order.remaining
        return [(price, quantity - own.get(price, 0)) for price, quantity in self._engine.depth(facing)]

    def _place(self, order: AccountOrder) -> None:
        """Hand an order to the engine. Refused where the venue refuses it there; then it leaves no trace."""
        self._store.add(order)
        self._working[order.order_id] = order
        self._reserve(order)
        done = self._engine.submit(
            order.side, order.quantity, None if order.is_market else order.price,
            now=self._timeline.elapsed_ns, tif=order.tif, post_only=order.post_only, reduce_only=order.reduce_only,
            self_trade=order.self_trade, account=order.account, client_id=order.client_id, order_id=order.order_id,
        )  # fmt: skip
        if done.status is not OrderStatus.REJECTED and not self._is_refused_fok(order, done.reason):
            return
        del self._working[order.order_id]
        if order.trigger is None and self._refuses(done.reason):
            order.status = OrderStatus.REJECTED
            self._reserve(order)
            self._store.forget(order)
            raise Refused(_REFUSALS[done.reason])
        self._announce(order)
        post_only = done.reason is Reason.POST_ONLY
        self._close(order, OrderStatus.CANCELED if post_only else OrderStatus.EXPIRED, done.reason)

    def _refuses(self, reason: Reason) -> bool:
        """Whether the venue refuses what the engine ended at once, instead of taking and ending it."""
        match reason:
            case Reason.POST_ONLY:
                return self._terms.refuses_post_only
            case Reason.FOK:
                return self._terms.refuses_fok
        return self._terms.refuses_reduce_only

    def _is_refused_fok(self, order: AccountOrder, reason: Reason) -> bool:
        return reason is Reason.FOK and order.trigger is None and self._terms.refuses_fok

    def _set_off(self, order: AccountOrder) -> None:
        """A waiting order's price was reached: it goes to the book, as itself or as an order of its own."""
        del self._waiting[order.order_id], self._traded[order.order_id]
        now_ms = self._timeline.now_ms()
        order.waiting, order.updated_ms = False, now_ms
        if order.close_position:
            order.quantity = max(0, -order.side.sign * self._held_lots(order.account))
        placed = order
        if self.instrument.kind not in self._terms.trigger_keeps_id:
            placed = copy(order)
            placed.order_id, placed.created_ms, placed.announced = self._engine.take_order_id(), now_ms, False
            placed.trigger = None
            order.child_id, order.status = placed.order_id, OrderStatus.EXPIRED
            self._store.close(order)
        self._tell(order, OrderChange.TRIGGERED)
        try:
            if not placed.quantity:
                raise Refused(Refusal.REDUCE_ONLY)
            self._admit(placed, replaces=order if placed is order else None)
            self._place(placed)
        except Refused:
            if placed is order:
                self._close(order, OrderStatus.EXPIRED, Reason.UNAFFORDABLE)
            else:
                order.child_id = 0
                self._tell(order, OrderChange.EXPIRED)

    def _announce(self, order: AccountOrder) -> None:
        if not order.announced:
            order.announced = True
            self._tell(order, OrderChange.NEW)
            if order.reserved:
                self._book.touch(order, Cause.TRADE)

    def _fill(self, execution: Execution, order: AccountOrder, *, is_maker: bool) -> None:
        self._announce(order)
        now_ms = self._timeline.now_ms()
        order.filled += execution.quantity
        order.value += execution.price * execution.quantity
        order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
        order.updated_ms = now_ms
        quantity, price = execution.quantity * self.instrument.lot, execution.price * self.instrument.tick
        match = Match(order, quantity, price, execution.quantity, is_maker, execution.trade_id, now_ms)
        charge = self._settlement.fill(self.instrument, match)
        self._reserve(order)
        fill = Fill(
            execution.trade_id, order.order_id, order.client_id, order.account, order.key, order.side,
            execution.price, execution.quantity, now_ms, is_maker, charge.fee, charge.currency, charge.profit,
        )  # fmt: skip
        self._store.add_fill(fill)
        self._book.touch(order, Cause.TRADE)
        if order.status is OrderStatus.FILLED:
            del self._working[order.order_id]
            self._store.close(order)
        self._tell(order, OrderChange.FILL, fill)

    def _close(self, order: AccountOrder, status: OrderStatus, reason: Reason) -> None:
        order.status, order.reason, order.updated_ms = status, reason, self._timeline.now_ms()
        self._reserve(order)
        self._store.close(order)
        self._tell(order, OrderChange.CANCELED if status is OrderStatus.CANCELED else OrderChange.EXPIRED)

    def _reserve(self, order: AccountOrder) -> None:
        bound = order.reserved
        self._settlement.reserve(self.instrument, order)
        if order.announced and order.reserved != bound:
            self._book.touch(order, Cause.TRADE)

    def _tell(self, order: AccountOrder, change: OrderChange, fill: Fill | None = None) -> None:
        self._book.tell(OrderEvent(self._timeline.now_ms(), change, copy(order), fill, self._request_id))
