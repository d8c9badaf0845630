"""The honesty meter: the same orders on the same session under every rule of filling, side by side.

The orders join the touch as a market maker would: every 0.4 s one post-only lot at the best bid and one at the best
ask, canceled after 3 s. What differs is only when they count as filled: when touched, when traded through, or under a
queue model. ``jackbot paper report`` prints it; the parity gate sends the same orders.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.backtest.recorded import RecordedMarket
from jackbot_tui.backtest.venue_time import VenueTimeline
from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.execution.paper.comparison import THROUGH, TOUCH
from jackbot_tui.execution.paper.queue_models import RISK_AVERSE, SETTINGS
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import decimal_of

EVERY_NS = 400 * NS_PER_MS
LIFE_NS = 3 * NS_PER_S
LATENCY_NS = 10 * NS_PER_MS

RULES = (TOUCH, THROUGH, *SETTINGS)


class Step(Struct, frozen=True):
    """At ``at`` (local time, ns) a pair of orders with this number is sent, or canceled."""

    at: int
    number: int
    cancel: bool


class HonestyRow(Struct, frozen=True):
    """One rule. ``over`` is how much more (or less) it fills than the risk-averse queue, as a fraction of that."""

    rule: str
    orders: int
    filled: int
    canceled: int
    expired: int
    over: float

    @property
    def share(self) -> float:
        """Filled, as a fraction of the orders that rested."""
        rested = self.filled + self.canceled
        return self.filled / rested if rested else 0.0


def honesty(recorded: RecordedMarket, rules: Sequence[str] = RULES) -> list[HonestyRow]:
    """A row for every rule; InputError when the session is too short for a single order."""
    names = list(dict.fromkeys((RISK_AVERSE, *rules)))
    timeline = VenueTimeline(recorded, names, entry_ns=LATENCY_NS, response_ns=LATENCY_NS)
    join_the_touch(timeline, recorded.instrument.lot)
    counts = {name: [state.status for state in timeline.states(name).values()] for name in names}
    if not counts[RISK_AVERSE]:
        raise InputError("the session is too short: an order is given 3 s")
    sure = counts[RISK_AVERSE].count(OrderStatus.FILLED)
    return [
        HonestyRow(
            rule=rule,
            orders=len(counts[rule]),
            filled=(filled := counts[rule].count(OrderStatus.FILLED)),
            canceled=counts[rule].count(OrderStatus.CANCELED),
            expired=counts[rule].count(OrderStatus.EXPIRED),
            over=filled / sure - 1.0 if sure else 0.0,
        )
        for rule in rules
    ]


def schedule(first_ns: int, last_ns: int) -> list[Step]:
    """Pairs every 0.4 s, each canceled after 3 s, all of it answered before the session ends."""
    steps: list[Step] = []
    at, number = first_ns, 0
    while at + LIFE_NS + 2 * LATENCY_NS < last_ns:
        steps += (Step(at, number, False), Step(at + LIFE_NS, number, True))
        at, number = at + EVERY_NS, number + 1
    return sorted(steps, key=lambda step: step.at)


def join_the_touch(timeline: VenueTimeline, quantity: Decimal) -> None:
    """Play the whole session with these orders."""
    sent: dict[int, list[str]] = {}
    for step in schedule(timeline.first_ns, timeline.last_ns):
        timeline.advance(step.at)
        if step.cancel:
            for client_id in sent.pop(step.number):
                timeline.cancel_if_open(client_id, step.at)
            continue
        sent[step.number] = []
        for side, price in _touch(timeline.local_book):
            client_id = f"{step.number}-{side.value}"
            sent[step.number].append(client_id)
            timeline.submit(client_id, side, decimal_of(price), quantity, step.at)
    timeline.advance(timeline.last_ns)


def _touch(book: OrderBook) -> Iterator[tuple[Side, float]]:
    if (bid := book.best_bid()) is not None:
        yield Side.BUY, bid[0]
    if (ask := book.best_ask()) is not None:
        yield Side.SELL, ask[0]
