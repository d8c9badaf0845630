"""The venue's side of a recorded session on the venue's own clock, for several ways of matching at once.

A live paper session sees the market when it arrives here; this one lets every order meet the market as it was at the
venue when the order got there, while whoever sends orders sees books only once they have arrived: feed latency is the
recorded one, order latency is constant. Used for comparisons with other engines. Changes of the market at one instant
come before requests that arrive at that instant, and changes of equal time keep the order in which they were received.
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.backtest.recorded import MarketChange, RecordedMarket
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.execution.paper.account import PaperAccount
from jackbot_tui.execution.paper.comparison import comparison_matching
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.matching import Matching, PaperIds
from jackbot_tui.model.enums import OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
)
from jackbot_tui.venues.base import SequencePolicy

PLENTY = Decimal(10) ** 15
"""Units of every currency the comparing account starts with: money never decides."""


class VenueMarket(InstrumentMarket):
    """A market whose book is written by the timeline that owns it and is always believed."""

    def __init__(self, instrument: Instrument, max_levels: int) -> None:
        super().__init__(instrument, SequencePolicy.UNSEQUENCED, max_levels=max_levels)

    @property
    def live(self) -> bool:
        return True

    def apply(self, change: MarketChange) -> None:
        if change.trade is not None:
            self.trades.add(change.trade)
        else:
            self.book.apply(change.bids, change.asks)
            self.book_event_ns = change.venue_ns


class OrderState(Struct):
    """What the venue made of an order, and when by its own clock. ``known_ns`` is when that is known here."""

    status: OrderStatus = OrderStatus.PENDING_NEW
    venue_ns: int = 0
    known_ns: int = 0


class _Request(Struct, frozen=True):
    due: int
    order: Order | None
    client_id: str


class _Contender:
    """One way of matching with its own account, requests under way and order states."""

    def __init__(self, matching: Matching, response_ns: int) -> None:
        self.matching = matching
        self.requests: deque[_Request] = deque()
        self.states: dict[str, OrderState] = {}
        self._response_ns = response_ns

    def perform_until(self, before: int) -> None:
        """Let requests arrive that are due before this time."""
        while self.requests and self.requests[0].due < before:
            request = self.requests.popleft()
            if request.order is not None:
                self.hear(self.matching.place(request.order, request.due))
            else:
                self.hear(self.matching.cancel(request.client_id, request.due))

    def hear(self, events: list[OrderEvent]) -> None:
        for event in events:
            status = _STATUS.get(type(event))
            if status is not None:
                state = self.states[event.client_id]
                state.status, state.venue_ns = status, event.ts
                state.known_ns = event.ts + self._response_ns


_STATUS: dict[type[OrderEvent], OrderStatus] = {
    OrderAccepted: OrderStatus.NEW,
    OrderRejected: OrderStatus.EXPIRED,  # a post-only order that would take
    OrderExpired: OrderStatus.EXPIRED,
    OrderFilled: OrderStatus.FILLED,  # whole orders only
    OrderCanceled: OrderStatus.CANCELED,
}


class VenueTimeline:
    """See the module's paragraph. One contender per name of ``queues`` (``comparison_matching``)."""

    def __init__(
        self,
        recorded: RecordedMarket,
        queues: Sequence[str],
        *,
        entry_ns: int,
        response_ns: int,
        max_levels: int = 10**6,
    ) -> None:
        self.market = VenueMarket(recorded.instrument, max_levels)
        self.local_book = OrderBook(max_levels)
        """The book as it is known here."""
        self._entry_ns = entry_ns
        self._shift = recorded.clock_error_ns
        by_venue = sorted(recorded.changes, key=lambda change: change.venue_ns)
        self._venue_side = deque(by_venue)
        self._local_side = deque(recorded.changes)
        self.first_ns = recorded.changes[0].local_ns + self._shift
        self.last_ns = min(by_venue[-1].venue_ns, recorded.changes[-1].local_ns + self._shift)
        config = PaperConfig(
            start_balances={recorded.instrument.settle: PLENTY, recorded.instrument.base: PLENTY},
            leverage=recorded.instrument.max_leverage,
        )
        markets = {self.market.key: self.market}
        self._contenders = {
            name: _Contender(
                comparison_matching(name, self.market, PaperAccount(config, markets), PaperIds(f"{name}-")),
                response_ns,
            )
            for name in queues
        }

    def advance(self, now: int) -> None:
        """Let the market and the requests under way happen until ``now``, here and at the venue."""
        changes = self._venue_side
        while changes and changes[0].venue_ns <= now:
            change = changes.popleft()
            for contender in self._contenders.values():
                contender.perform_until(change.venue_ns)
            self.market.apply(change)
            for contender in self._contenders.values():
                matching = contender.matching
                if change.trade is None:
                    contender.hear(matching.on_book(change.venue_ns))
                else:
                    contender.hear(matching.on_trade(change.trade, change.venue_ns))
        for contender in self._contenders.values():
            contender.perform_until(now + 1)
        arrivals = self._local_side
        while arrivals and arrivals[0].local_ns + self._shift <= now:
            change = arrivals.popleft()
            if change.trade is None:
                self.local_book.apply(change.bids, change.asks)

    def submit(self, client_id: str, side: Side, price: Decimal, quantity: Decimal, now: int) -> None:
        """Send a post-only order, the same to every contender."""
        order = Order(
            number=0, client_id=client_id, key=self.market.key, side=side, quantity=quantity, type=OrderType.LIMIT,
            price=price, tif=TimeInForce.GTC, post_only=True, reduce_only=False, owner="", source="", parent_id="",
            tag="", created_ns=now, updated_ns=now,
        )  # fmt: skip
        for contender in self._contenders.values():
            contender.states[client_id] = OrderState()
            contender.requests.append(_Request(now + self._entry_ns, order, client_id))

    def cancel_if_open(self, client_id: str, now: int) -> None:
        """Send a cancel to every contender whose order is known here to be resting."""
        for contender in self._contenders.values():
            state = contender.states[client_id]
            if state.status is OrderStatus.NEW or state.known_ns > now:
                contender.requests.append(_Request(now + self._entry_ns, None, client_id))

    def states(self, queue: str) -> dict[str, OrderState]:
        """What became of the orders under this queue model."""
        return self._contenders[queue].states
