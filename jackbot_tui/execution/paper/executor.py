"""The executor that fills orders on paper: latency on both ways around the matching of each instrument.

The engine hands it orders, cancels and amends, tells it of every book change and trade, and calls ``advance`` when time
has passed; it gets back the order events that have arrived by then. No I/O, no clock of its own; the only randomness is
the latency's jitter, from the seed. A request reaches the venue ``entry`` later and meets the book of that moment; what
happens there is known here ``response`` later and carries the venue's time. Neither way do messages overtake.

When one call brings both a market event and a request that is due, the market event comes first: an order never profits
from a trade that was made before it arrived, and a cancel may come too late.
"""

import random
from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.paper.account import PaperAccount
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.matching import Matching, PaperIds
from jackbot_tui.execution.paper.queue import QueueView
from jackbot_tui.model.accounting import funding_amount
from jackbot_tui.model.enums import OrderStatus, OrderType, TimeInForce
from jackbot_tui.model.market import Trade
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmendRejected,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRequested,
    OrderEvent,
    OrderExpired,
    Position,
)

__all__ = ["PaperExecutor", "QueueView"]

_Ask = Order | OrderCancelRequested | OrderAmendRequested


class _Request(Struct, frozen=True):
    due: int
    key: str
    ask: _Ask


class _Answer(Struct, frozen=True):
    due: int
    event: OrderEvent


class PaperExecutor:
    """See the module's paragraph. ``markets`` may grow while it works; an order needs its market to be there."""

    def __init__(
        self, markets: Mapping[str, InstrumentMarket], config: PaperConfig, seed: int, *, trade_id_prefix: str
    ) -> None:
        """``trade_id_prefix`` must differ between sessions of one journal, so that trade ids never come twice."""
        self._markets = markets
        self._config = config
        self._rng = random.Random(seed)
        self._ids = PaperIds(trade_id_prefix)
        self._account = PaperAccount(config, markets)
        self._matchings: dict[str, Matching] = {}
        self._inbox: deque[_Request] = deque()
        self._outbox: deque[_Answer] = deque()
        self._market_ns = 0

    # ------------------------------------------------------------------ start

    def load(self, positions: Iterable[Position]) -> None:
        """Take over the positions of earlier sessions, before any order is restored or submitted."""
        self._account.portfolio.load(positions)

    def restore(self, orders: list[Order], now: int) -> list[OrderEvent]:
        """Take over orders that were open when the last session ended; resting ones go to the back of the queue.

        What was under way is settled: a cancel is done, an amend is not, an order that does not rest has expired.
        """
        events: list[OrderEvent] = []
        for order in orders:
            match order.status:
                case OrderStatus.PENDING_CANCEL:
                    events.append(OrderCanceled(order.client_id, now, "the cancel was under way at the restart"))
                    continue
                case OrderStatus.PENDING_REPLACE:
                    events.append(OrderAmendRejected(order.client_id, now, "not answered before the restart"))
                    if order.filled >= order.quantity:
                        continue
                case OrderStatus.PENDING_UNKNOWN:
                    events.append(OrderAccepted(order.client_id, now, order.venue_order_id))
                case _:
                    pass
            if order.type is OrderType.MARKET or order.tif is not TimeInForce.GTC:
                events.append(OrderExpired(order.client_id, now, "it does not rest, and the engine was restarted"))
            else:
                self._matching(order.key).restore(order)
        return events

    def reconcile(self, order: Order, now: int) -> list[OrderEvent]:
        """What became of an intent whose sending is in doubt: an order that is not at the venue never reached it."""
        if order.client_id in self._account.working or any(
            request.ask.client_id == order.client_id for request in self._inbox
        ):
            return []
        return [OrderCanceled(order.client_id, now, "it never reached the venue")]

    # ------------------------------------------------------------------ requests

    def submit(self, order: Order, now: int) -> list[OrderEvent]:
        return self._request(order.key, order, now)

    def cancel(self, order: Order, now: int) -> list[OrderEvent]:
        return self._request(order.key, OrderCancelRequested(order.client_id, now), now)

    def amend(self, order: Order, price: Decimal, quantity: Decimal, now: int) -> list[OrderEvent]:
        return self._request(order.key, OrderAmendRequested(order.client_id, now, price, quantity), now)

    def apply_funding(self, key: str, rate: Decimal, mark: Decimal, now: int) -> Decimal:
        """Settle funding on the venue's position; returns the amount in quote currency, positive when received."""
        amount = funding_amount(self._account.portfolio.position(key).quantity, mark, rate)
        if amount:
            self._account.portfolio.apply_funding(key, amount, now)
        return amount

    # ------------------------------------------------------------------ the market moves

    def on_book(self, market: InstrumentMarket, now: int) -> list[OrderEvent]:
        """The book of ``market`` changed and is LIVE."""
        self._market_ns = now
        matching = self._matchings.get(market.key)
        if matching is not None and market.live:
            self._answer(matching.on_book(now), now)
        return self.advance(now) if self._inbox or self._outbox else []

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> list[OrderEvent]:
        """A public trade. It fills nothing while the book is not LIVE."""
        self._market_ns = now
        matching = self._matchings.get(market.key)
        if matching is not None and market.live:
            self._answer(matching.on_trade(trade, now), now)
        return self.advance(now) if self._inbox or self._outbox else []

    def on_resync(self, market: InstrumentMarket, now: int) -> list[OrderEvent]:
        """The book is LIVE again after a gap: places in the queue are kept as far as the new sizes hold them."""
        return self.on_book(market, now)

    def advance(self, now: int) -> list[OrderEvent]:
        """Let requests reach the venue and answers come home, as far as due by ``now``."""
        while self._inbox and self._inbox[0].due <= now:
            request = self._inbox.popleft()
            # The book has not moved since the last market event, so a timer that fires late changes nothing.
            ts = max(request.due, self._market_ns)
            self._answer(self._perform(request, ts), ts)
        events: list[OrderEvent] = []
        while self._outbox and self._outbox[0].due <= now:
            events.append(self._outbox.popleft().event)
        return events

    @property
    def next_wakeup(self) -> int | None:
        """When ``advance`` has something to do next, None while nothing is under way."""
        dues = [queue[0].due for queue in (self._inbox, self._outbox) if queue]
        return min(dues, default=None)

    # ------------------------------------------------------------------ questions

    def queue(self, client_id: str) -> QueueView | None:
        """Estimated place in the queue; None when the order does not rest or its book is not LIVE."""
        resting = self._account.working.get(client_id)
        return None if resting is None else self._matching(resting.order.key).queue(client_id)

    # ------------------------------------------------------------------ inside

    def _matching(self, key: str) -> Matching:
        matching = self._matchings.get(key)
        if matching is None:
            matching = self._matchings[key] = Matching(self._markets[key], self._account, self._ids)
        return matching

    def _request(self, key: str, ask: _Ask, now: int) -> list[OrderEvent]:
        due = now + self._latency(self._config.entry_latency_ns)
        if self._inbox:
            due = max(due, self._inbox[-1].due)
        self._inbox.append(_Request(due, key, ask))
        return self.advance(now)

    def _perform(self, request: _Request, ts: int) -> list[OrderEvent]:
        matching = self._matching(request.key)
        match request.ask:
            case Order() as order:
                return matching.place(order, ts)
            case OrderCancelRequested() as ask:
                return matching.cancel(ask.client_id, ts)
            case OrderAmendRequested() as ask:
                return matching.amend(ask.client_id, ask.price, ask.quantity, ts)

    def _answer(self, events: list[OrderEvent], ts: int) -> None:
        if not events:
            return
        due = ts + self._latency(self._config.response_latency_ns)
        if self._outbox:
            due = max(due, self._outbox[-1].due)
        self._outbox.extend(_Answer(due, event) for event in events)

    def _latency(self, base: int) -> int:
        jitter = self._config.latency_jitter_ns
        return base + self._rng.randint(0, jitter) if jitter else base
