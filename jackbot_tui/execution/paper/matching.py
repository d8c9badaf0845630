"""The paper venue's matching of one instrument: own orders against the real book and the real trades.

The executor calls it at the venue's time, latency already spent; it answers with order events and keeps no clock. It
never changes the book. The rules, in short:

* A taker walks the displayed levels and eats them (``liquidity``). A market order's rest is canceled, an IOC's expires,
  a FOK is filled whole or expires, a limit's rest stays.
* A maker waits in a ``queue`` under the session's model of it. A trade at its price by the other side's aggressor
  fills what gets past the queue; a trade beyond its price fills up to the traded volume, best own price first; when the
  opposite best reaches its price, it fills up to what the reaching levels display. A maker fills at its own price, and
  never by a trade that is no newer, by the exchange's own time, than what the market had shown when it began to rest.
* Own orders never trade with each other: the resting one expires (Binance's EXPIRE_MAKER).
* A reduce-only order never fills beyond the position and expires when there is nothing left to reduce.
* A book that is not LIVE fills nothing and takes no new orders; cancels work.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count

from msgspec.structs import replace

from jackbot_tui.book.bands import band_limits
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.paper.account import Lack, PaperAccount
from jackbot_tui.execution.paper.impact import NO_IMPACT, ImpactSettings, SquareRootImpact
from jackbot_tui.execution.paper.liquidity import DisplayedLiquidity
from jackbot_tui.execution.paper.queue import PriceQueue, QueueView, RestingOrder
from jackbot_tui.execution.paper.queue_models import QueueModel
from jackbot_tui.execution.paper.rules import BOOK_NOT_LIVE
from jackbot_tui.model.enums import Liquidity, OrderType, Side, TimeInForce
from jackbot_tui.model.market import Trade
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down, text_of
from jackbot_tui.model.orders import (
    FillCause,
    FillReason,
    Order,
    OrderAccepted,
    OrderAmended,
    OrderAmendRejected,
    OrderCanceled,
    OrderCancelRejected,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
)
from jackbot_tui.venues.refusals import Answer, refusals_of

SELF_TRADE = "self-trade prevention: an own order on the other side would have traded with it"


class PaperIds:
    """Ids that never come twice: ``prefix`` names journal and session, the counter does the rest."""

    __slots__ = ("_numbers", "_prefix")

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = count(1)

    def next(self, letter: str) -> str:
        return f"{self._prefix}{letter}{next(self._numbers)}"


class Matching:
    """See the module's paragraph."""

    def __init__(
        self,
        market: InstrumentMarket,
        account: PaperAccount,
        ids: PaperIds,
        model: QueueModel,
        impact: ImpactSettings = NO_IMPACT,
    ) -> None:
        self._market = market
        self._instrument = market.instrument
        self._rules = refusals_of(market.instrument.venue, market.instrument.kind)
        self._account = account
        self._ids = ids
        self._model = model
        self._impact = SquareRootImpact(impact, market.instrument.tick)
        self._liquidity = DisplayedLiquidity(market.book)
        self._queues: dict[Side, dict[float, PriceQueue]] = {Side.BUY: {}, Side.SELL: {}}
        self._unplaced: list[RestingOrder] = []
        self._reduce_only = 0

    # ------------------------------------------------------------------ requests

    def place(self, order: Order, ts: int, request_ns: int = 0) -> list[OrderEvent]:
        """A new order arrives at the venue, having travelled for ``request_ns``."""
        answer = self._objection(order, ts)
        if answer is not None and not (answer is self._rules.post_only_crosses and self._rules.post_only_accepted):
            return [OrderRejected(order.client_id, ts, answer.code, answer.reason)]
        events: list[OrderEvent] = [OrderAccepted(order.client_id, ts, self._ids.next("o"))]
        if answer is not None:
            events.append(OrderExpired(order.client_id, ts, answer.words))
            return events
        if order.tif is TimeInForce.FOK and self._within_reach(order) < order.quantity:
            events.append(
                OrderExpired(order.client_id, ts, f"FOK: less than {text_of(order.quantity)} within the limit")
            )
            return events
        self._work(RestingOrder(order, request_ns), ts, events)
        return events

    def force(self, order: Order, limit: Decimal, ts: int) -> list[OrderEvent]:
        """A liquidation: take the displayed book down to ``limit``; the insurance fund takes the rest at ``limit``.

        All of it goes to the fund while the book is not LIVE.
        """
        resting = RestingOrder(order)
        events: list[OrderEvent] = [OrderAccepted(order.client_id, ts, self._ids.next("o"))]
        if self._market.live:
            self._take(resting, float(limit), ts, events)
        if resting.remaining:
            events.append(self._fill(resting, limit, resting.remaining, Liquidity.TAKER, ts))
        self._end_reduce_only(ts, events)
        return events

    def cancel(self, client_id: str, ts: int) -> list[OrderEvent]:
        resting = self._account.working.get(client_id)
        if resting is None:
            return [OrderCancelRejected(client_id, ts, self._rules.unknown_order.words)]
        self._remove(resting)
        return [OrderCanceled(client_id, ts)]

    def amend(self, client_id: str, price: Decimal, quantity: Decimal, ts: int) -> list[OrderEvent]:
        """A new price and total quantity. Less at the same price keeps the place; anything else goes to the back."""
        resting = self._account.working.get(client_id)
        if resting is None:
            return [OrderAmendRejected(client_id, ts, self._rules.unknown_order.words)]
        if quantity <= resting.filled:
            self._remove(resting)
            reason = f"amended to {text_of(quantity)} with {text_of(resting.filled)} filled already"
            return [OrderCanceled(client_id, ts, reason)]
        less = price == resting.price and quantity <= resting.quantity
        if less and self._rules.amend_down_keeps_place:
            resting.quantity = quantity
            return [OrderAmended(client_id, ts, price, quantity)]
        return self._replace(resting, price, quantity, ts)

    def restore(self, order: Order) -> None:
        """An order of an earlier session rests again, at the back of the queue, as soon as the book is LIVE."""
        resting = RestingOrder(order)
        self._account.working[order.client_id] = resting
        self._reduce_only += order.reduce_only
        self._unplaced.append(resting)
        if self._market.live:
            self._place_restored()

    def queue(self, client_id: str) -> QueueView | None:
        resting = self._account.working.get(client_id)
        if resting is None or not self._market.live:
            return None
        queue = self._queues[resting.order.side].get(float(resting.price or ZERO))
        return None if queue is None or resting not in queue.orders else queue.view(resting)

    # ------------------------------------------------------------------ the market moves

    def on_book(self, ts: int) -> list[OrderEvent]:
        """The LIVE book changed."""
        events: list[OrderEvent] = []
        self._liquidity.refresh()
        if self._unplaced:
            self._place_restored()
        book = self._market.book
        for side, queues in self._queues.items():
            if not queues:
                continue
            for price, queue in queues.items():
                shown = book.size_at(side, price)
                if shown != queue.shown or (queue.traded and book.was_sent(side, price)):
                    queue.resize(shown, self._market.book_event_ns)
            best = book.best_ask() if side is Side.BUY else book.best_bid()
            if best is not None:
                self._fill_reached(side, best[0], ts, events)
        return events

    def on_resync(self, ts: int) -> list[OrderEvent]:
        """The book is LIVE again after a gap."""
        for side, queues in self._queues.items():
            for price, queue in queues.items():
                queue.resync(self._market.book.size_at(side, price))
        return self.on_book(ts)

    def on_trade(self, trade: Trade, ts: int) -> list[OrderEvent]:
        """A public trade, while the book is LIVE."""
        events: list[OrderEvent] = []
        left = volume = Decimal(trade.size_text)
        for side in (Side.BUY, Side.SELL):
            for price in self._best_first(side):
                queue = self._queues[side][price]
                through = price != trade.price and self._reaches(side, price, trade.price)
                if not through and (price != trade.price or trade.side is side):
                    continue
                event = _event_of(trade, through)
                causes = {resting.order.client_id: self._cause(resting, event, ts) for resting in queue.orders}
                if through:
                    queue.clear_ahead(trade.ts_event)
                printed = ZERO if through else volume
                for resting, size in queue.share(left, printed, self._instrument.lot, trade.ts_event):
                    cause = causes[resting.order.client_id]
                    left -= self._fill_maker(resting, size, ts, events, cause)
        self._end_reduce_only(ts, events)
        return events

    # ------------------------------------------------------------------ arrivals

    def _objection(self, order: Order, ts: int) -> Answer | None:
        if not self._market.live:
            return BOOK_NOT_LIVE
        beyond = None if order.price is None else self._beyond_band(order.side, order.price, ts)
        if beyond is not None:
            return beyond
        if order.reduce_only and not self._account.reducible(order.key, order.side):
            return self._rules.reduce_only
        if order.post_only and self._would_take(order.side, order.price):
            return self._rules.post_only_crosses
        if not order.reduce_only:
            return self._not_covered(order.side, order.quantity, self._cost(order), ts)
        return None

    def _beyond_band(self, side: Side, price: Decimal, ts: int) -> Answer | None:
        low, high, _ = band_limits(self._market, side, ts)
        if price < low:
            return self._rules.price_too_low
        return self._rules.price_too_high if high and price > high else None

    def _not_covered(self, side: Side, quantity: Decimal, cost: Decimal, ts: int) -> Answer | None:
        match self._account.lack(self._instrument, side, quantity, cost, ts):
            case None:
                return None
            case Lack.FUNDS:
                return self._rules.no_funds
            case Lack.POSITION:
                return self._rules.position_too_large

    def _would_take(self, side: Side, price: Decimal | None) -> bool:
        """Whether an order would trade on arrival, with the market or with an own order."""
        if price is None:
            return True
        level = float(price)
        best = self._market.book.best_ask() if side is Side.BUY else self._market.book.best_bid()
        own = next(self._best_first(side.opposite), None)
        return (best is not None and self._reaches(side, level, best[0])) or (
            own is not None and self._reaches(side, level, own)
        )

    def _cost(self, order: Order) -> Decimal:
        """Quote currency an order may need: at its limit, or what a market order meets on its walk."""
        if order.price is not None:
            return order.quantity * order.price
        left, cost = order.quantity, ZERO
        for price, size in self._liquidity.walk(order.side.opposite, None):
            step = min(left, size)
            cost += step * decimal_of(price)
            left -= step
            if not left:
                break
        return cost

    def _within_reach(self, order: Order) -> Decimal:
        limit = None if order.price is None else float(order.price)
        reach = ZERO
        for _, size in self._liquidity.walk(order.side.opposite, limit):
            reach += round_down(size, self._instrument.lot)
            if reach >= order.quantity:
                break
        return min(reach, self._allowed(RestingOrder(order)))

    def _work(self, resting: RestingOrder, ts: int, events: list[OrderEvent]) -> None:
        """Take what can be taken, then rest, expire or cancel the rest."""
        order = resting.order
        limit = None if resting.price is None else float(resting.price)
        last = self._take(resting, limit, ts, events)
        if self._allowed(resting):
            self._expire_own(order.side, limit, ts, events)
        elif last is not None:
            self._expire_own(order.side, last, ts, events, stopped=True)
        self._end_reduce_only(ts, events)
        if not resting.remaining:
            return
        rest = f"{text_of(resting.remaining)} of {text_of(resting.quantity)} not filled"
        if order.reduce_only and not self._account.reducible(order.key, order.side):
            events.append(OrderExpired(order.client_id, ts, f"reduce-only: the position is closed, {rest}"))
        elif order.type is OrderType.MARKET:
            events.append(OrderCanceled(order.client_id, ts, f"no more displayed liquidity, {rest}"))
        elif order.tif is not TimeInForce.GTC:
            events.append(OrderExpired(order.client_id, ts, f"{order.tif.value.upper()}: {rest}"))
        else:
            self._account.working[order.client_id] = resting
            self._reduce_only += order.reduce_only
            resting.since_ns = ts
            self._rest(resting)

    def _take(self, resting: RestingOrder, limit: float | None, ts: int, events: list[OrderEvent]) -> float | None:
        """Walk the displayed book up to ``limit``. Returns the last price traded at, None when nothing traded."""
        side = resting.order.side.opposite
        last: float | None = None
        for price, left in self._liquidity.walk(side, limit):
            size = round_down(min(left, self._allowed(resting)), self._instrument.lot)
            if size > ZERO:
                paid = self._impact.price(resting.order.side, price, size, ts)
                if limit is not None and not self._reaches(resting.order.side, limit, float(paid)):
                    break
                cause = FillCause(
                    reason=FillReason.TOOK,
                    price=decimal_of(price),
                    size=left,
                    event_ns=self._market.book_event_ns,
                    request_ns=resting.request_ns,
                )
                self._liquidity.take(side, price, size)
                self._impact.took(resting.order.side, float(size) * price, ts)
                events.append(self._fill(resting, paid, size, Liquidity.TAKER, ts, cause))
                last = price
            if not self._allowed(resting):
                break
        return last

    def _expire_own(
        self, side: Side, reach: float | None, ts: int, events: list[OrderEvent], *, stopped: bool = False
    ) -> None:
        """Own orders that an order of ``side`` reaching to ``reach`` (None: any price) would have traded with expire.

        ``stopped``: it was complete at ``reach``, and met there only orders with less ahead than it took.
        """
        for price in list(self._best_first(side.opposite)):
            if reach is not None and not self._reaches(side, reach, price):
                return
            taken = self._liquidity.taken(side.opposite, price) if stopped and price == reach else None
            for resting in list(self._queues[side.opposite][price].orders):
                if taken is not None and resting.ahead >= taken:
                    break
                self._remove(resting)
                events.append(OrderExpired(resting.order.client_id, ts, SELF_TRADE))

    def _replace(self, resting: RestingOrder, price: Decimal, quantity: Decimal, ts: int) -> list[OrderEvent]:
        order = resting.order
        client_id = order.client_id
        if not self._market.live:
            return [OrderAmendRejected(client_id, ts, BOOK_NOT_LIVE.reason)]
        lack = None if price == resting.price else self._beyond_band(order.side, price, ts)
        if lack is None and not order.reduce_only:
            lack = self._not_covered_instead(resting, price, quantity - resting.filled, ts)
        if lack is not None:
            return [OrderAmendRejected(client_id, ts, lack.words)]
        self._remove(resting)
        if order.post_only and self._would_take(order.side, price):
            return [OrderCanceled(client_id, ts, self._rules.post_only_crosses.words)]
        resting.price, resting.quantity = price, quantity
        events: list[OrderEvent] = [OrderAmended(client_id, ts, price, quantity)]
        self._work(resting, ts, events)
        return events

    def _not_covered_instead(self, resting: RestingOrder, price: Decimal, quantity: Decimal, ts: int) -> Answer | None:
        """Why the account does not cover this in place of what ``resting`` asks for now; less is always covered."""
        if quantity <= resting.remaining and quantity * price <= resting.remaining * (resting.price or ZERO):
            return None
        client_id = resting.order.client_id
        del self._account.working[client_id]
        lack = self._not_covered(resting.order.side, quantity, quantity * price, ts)
        self._account.working[client_id] = resting
        return lack

    # ------------------------------------------------------------------ resting orders

    def _rest(self, resting: RestingOrder) -> None:
        side, price = resting.order.side, float(resting.price or ZERO)
        shown = self._market.book.size_at(side, price)
        queue = self._queues[side].get(price)
        if queue is None:
            queue = self._queues[side][price] = self._new_queue(shown)
        queue.join(resting, shown, self._market.newest_event_ns)

    def _new_queue(self, shown: float) -> PriceQueue:
        return PriceQueue(self._model, shown)

    def _place_restored(self) -> None:
        for resting in self._unplaced:
            self._rest(resting)
        self._unplaced.clear()

    def _remove(self, resting: RestingOrder) -> None:
        if self._account.working.pop(resting.order.client_id, None) is None:
            return
        self._reduce_only -= resting.order.reduce_only
        if resting in self._unplaced:
            self._unplaced.remove(resting)
            return
        side, price = resting.order.side, float(resting.price or ZERO)
        self._queues[side][price].orders.remove(resting)
        self._tidy(side, price)

    def _tidy(self, side: Side, price: float) -> None:
        if not self._queues[side][price].orders:
            del self._queues[side][price]

    def _best_first(self, side: Side) -> Iterator[float]:
        return iter(sorted(self._queues[side], reverse=side is Side.BUY))

    @staticmethod
    def _reaches(side: Side, price: float, other: float) -> bool:
        """Whether an order of ``side`` at ``price`` would trade with one of the other side at ``other``."""
        return price >= other if side is Side.BUY else price <= other

    def _fill_reached(self, side: Side, best: float, ts: int, events: list[OrderEvent]) -> None:
        """Fill makers whose price the opposite best has reached, up to what the reaching levels display."""
        for price in list(self._best_first(side)):
            if not self._reaches(side, price, best):
                break
            for resting in list(self._queues[side][price].orders):
                for level, left in self._liquidity.walk(side.opposite, price):
                    size = round_down(min(left, self._allowed(resting)), self._instrument.lot)
                    if size > ZERO:
                        event = FillCause(
                            reason=FillReason.REACHED,
                            price=decimal_of(level),
                            size=left,
                            event_ns=self._market.book_event_ns,
                        )
                        cause = self._cause(resting, event, ts)
                        self._liquidity.take(side.opposite, level, size)
                        self._fill_maker(resting, size, ts, events, cause)
                    if not self._allowed(resting):
                        break
        self._end_reduce_only(ts, events)

    def _fill_maker(
        self, resting: RestingOrder, size: Decimal, ts: int, events: list[OrderEvent], cause: FillCause | None = None
    ) -> Decimal:
        """Fill at the order's own price, as far as reduce-only allows; returns what was filled."""
        allowed = round_down(min(size, self._allowed(resting)), self._instrument.lot)
        if allowed > ZERO and resting.price is not None:
            events.append(self._fill(resting, resting.price, allowed, Liquidity.MAKER, ts, cause))
            if not resting.remaining:
                self._remove(resting)
            return allowed
        return ZERO

    def _cause(self, resting: RestingOrder, event: FillCause, ts: int) -> FillCause:
        """``event`` with what is known of the order right before it."""
        price = float(resting.price or ZERO)
        return replace(
            event,
            rested_ns=ts - resting.since_ns if resting.since_ns else 0,
            first_ahead=resting.first_ahead,
            eaten=resting.eaten,
            vanished=resting.vanished,
            ahead=resting.ahead,
            shown=decimal_of(self._queues[resting.order.side][price].shown),
            request_ns=resting.request_ns,
        )

    def _allowed(self, resting: RestingOrder) -> Decimal:
        if not resting.order.reduce_only:
            return resting.remaining
        return min(resting.remaining, self._account.reducible(resting.order.key, resting.order.side))

    def _fill(
        self,
        resting: RestingOrder,
        price: Decimal,
        size: Decimal,
        role: Liquidity,
        ts: int,
        cause: FillCause | None = None,
    ) -> OrderFilled:
        fee, currency = self._account.fee(resting.order, price, size, role)
        fill = OrderFilled(
            client_id=resting.order.client_id,
            ts=ts,
            trade_id=self._ids.next("t"),
            price=price,
            quantity=size,
            liquidity=role,
            fee=fee,
            fee_currency=currency,
            cause=cause,
        )
        resting.filled += size
        self._account.apply(resting.order, fill)
        return fill

    def _end_reduce_only(self, ts: int, events: list[OrderEvent]) -> None:
        """Reduce-only orders with nothing left to reduce expire, as at the venue."""
        if not self._reduce_only:
            return
        key = self._instrument.key
        for resting in list(self._account.working.values()):
            order = resting.order
            if order.reduce_only and order.key == key and not self._account.reducible(key, order.side):
                self._remove(resting)
                events.append(OrderExpired(order.client_id, ts, "reduce-only: the position is closed"))


def _event_of(trade: Trade, through: bool) -> FillCause:
    return FillCause(
        reason=FillReason.THROUGH if through else FillReason.TRADE,
        price=Decimal(trade.price_text),
        size=Decimal(trade.size_text),
        event_ns=trade.ts_event,
        event_id=trade.trade_id,
    )
