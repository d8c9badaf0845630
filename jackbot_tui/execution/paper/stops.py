"""Orders that wait at the paper venue for their trigger, outside the book, until a trade or a mark reaches it.

The executor owns it: it hands in orders that have arrived, trades and marks, and gets back the orders that were woken,
which then travel to the book as any other does. A trade that the exchange made before an order arrived never wakes it.
A waiting order ties up nothing: what it needs is looked at when it is woken, and an order that the venue refuses then
has expired. One that was woken while its book is not LIVE is held until the book is.
"""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.enums import MarketKind, OrderType, TriggerBy
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderEvent,
    OrderExpired,
    OrderRejected,
    trigger_reached,
)
from jackbot_tui.venues.refusals import refusals_of


class _Waiting(Struct):
    """``seen_ns``: the exchange's time of the newest thing that its market had shown when it arrived, 0 = unknown."""

    order: Order
    seen_ns: int


def triggers_of(instrument: Instrument) -> tuple[TriggerBy, ...]:
    """The prices that may wake an order at the instrument's venue, the usual one first; empty: none can wait there."""
    told = refusals_of(instrument.venue, instrument.kind).triggers
    if told is not None:
        return told
    return (TriggerBy.LAST,) if instrument.kind is MarketKind.SPOT else (TriggerBy.LAST, TriggerBy.MARK)


def trigger_source(market: InstrumentMarket, by: TriggerBy, now: int) -> Decimal | None:
    """The price that ``by`` names, as it stands now; None while it is not known."""
    if by is TriggerBy.MARK:
        return market.fresh_mark(now)
    last = market.trades.last
    return None if last is None else Decimal(last.price_text)


class Stops:
    """See the module's paragraph. ``held`` are woken orders whose book is not LIVE, oldest first; ``keys`` the
    instruments in which orders wait.
    """

    def __init__(self) -> None:
        self.held: dict[str, Order] = {}
        self._waiting: dict[str, dict[str, _Waiting]] = {}
        self.keys = self._waiting.keys()

    def place(self, order: Order, market: InstrumentMarket, venue_id: str, ts: int) -> list[OrderEvent]:
        """A waiting order arrives. One whose trigger is reached already is refused, as the venues do."""
        rules = refusals_of(market.instrument.venue, market.instrument.kind)
        answer = rules.trigger_kind if order.trigger_by not in triggers_of(market.instrument) else None
        price = trigger_source(market, order.trigger_by, ts)
        if answer is None and price is not None and _reached(order, price):
            answer = rules.would_trigger
        if answer is not None:
            return [OrderRejected(order.client_id, ts, answer.code, answer.reason)]
        self._keep(order, market.newest_event_ns)
        return [OrderAccepted(order.client_id, ts, venue_id)]

    def restore(self, order: Order) -> None:
        """An order of an earlier session: it waits again, or goes to the book as soon as that is LIVE."""
        if order.is_waiting:
            self._keep(order, 0)
        else:
            self.held[order.client_id] = order

    def woken(self, key: str, by: TriggerBy, price: Decimal, made_ns: int) -> list[Order]:
        """The orders that ``price`` of the exchange's time ``made_ns`` (0 = unknown) wakes; they wait no longer."""
        waiting = self._waiting.get(key)
        if not waiting:
            return []
        woken = [
            each.order
            for each in waiting.values()
            if each.order.trigger_by is by and not 0 < made_ns <= each.seen_ns and _reached(each.order, price)
        ]
        for order in woken:
            self._drop(order)
        return woken

    def hold(self, order: Order) -> None:
        """It was woken, and its book is not LIVE."""
        self.held[order.client_id] = order

    def release(self, key: str) -> list[Order]:
        """The held orders of an instrument whose book is LIVE; they are held no longer."""
        ready = [order for order in self.held.values() if order.key == key]
        for order in ready:
            del self.held[order.client_id]
        return ready

    def waits(self, client_id: str) -> bool:
        """True while the order is here: waiting, or held."""
        return client_id in self.held or any(client_id in waiting for waiting in self._waiting.values())

    def remove(self, client_id: str) -> bool:
        """Forget an order; False when it is not here."""
        if self.held.pop(client_id, None) is not None:
            return True
        for waiting in self._waiting.values():
            if client_id in waiting:
                self._drop(waiting[client_id].order)
                return True
        return False

    def of(self, key: str) -> list[str]:
        """Client ids of the orders of an instrument that are here."""
        held = [order.client_id for order in self.held.values() if order.key == key]
        return [*self._waiting.get(key, ()), *held]

    def _keep(self, order: Order, seen_ns: int) -> None:
        self._waiting.setdefault(order.key, {})[order.client_id] = _Waiting(order, seen_ns)

    def _drop(self, order: Order) -> None:
        waiting = self._waiting[order.key]
        del waiting[order.client_id]
        if not waiting:
            del self._waiting[order.key]


def at_the_book(events: list[OrderEvent]) -> list[OrderEvent]:
    """What a woken order met at the book: it is accepted already, and one that is refused there has expired."""
    told: list[OrderEvent] = []
    for event in events:
        if isinstance(event, OrderRejected):
            code = f" [{event.code}]" if event.code else ""
            told.append(OrderExpired(event.client_id, event.ts, f"refused when triggered: {event.reason}{code}"))
        elif not isinstance(event, OrderAccepted):
            told.append(event)
    return told


def has_no_place(order: Order) -> bool:
    """Whether a triggered order of an earlier session did not rest in the book when that ended."""
    return order.trigger_price is not None and order.type is OrderType.MARKET


def as_woken(order: Order, ts: int) -> Order:
    """The order as it travels to the book."""
    return replace(order, triggered_ns=max(1, ts))


def _reached(order: Order, price: Decimal) -> bool:
    trigger = order.trigger_price
    return trigger is not None and trigger_reached(order.side, order.take_profit, trigger, price)
