"""The matching with our own refinements taken out, so that an independent engine can check what is left.

For the parity gate and the honesty report, for nothing else: the rules are those of hftbacktest's exchange model
without partial fills, for post-only limit orders. An order is filled whole, every order has a queue of its own, own
orders do not see each other, a trade concerns only the side that its aggressor hit, and money is no object. Queue
models, levels, trades through and best prices that reach an order are the paper venue's own code.
"""

from decimal import Decimal

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.paper.account import PaperAccount
from jackbot_tui.execution.paper.matching import Matching, PaperIds
from jackbot_tui.execution.paper.queue import PriceQueue, SeparateQueue, Share
from jackbot_tui.execution.paper.queue_models import queue_model
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Trade
from jackbot_tui.model.orders import Order, OrderEvent
from jackbot_tui.venues.refusals import Answer


class ComparisonMatching(Matching):
    """See the module's paragraph."""

    def on_trade(self, trade: Trade, ts: int) -> list[OrderEvent]:
        events: list[OrderEvent] = []
        side = trade.side.opposite
        volume = Decimal(trade.size_text)
        for price in list(self._best_first(side)):
            if price == trade.price:
                for resting, size in self._queues[side][price].share(
                    volume, volume, self._instrument.lot, trade.ts_event
                ):
                    self._fill_maker(resting, size, ts, events)
            elif self._reaches(side, price, trade.price):
                self._fill_all(side, price, ts, events)
        return events

    def _fill_reached(self, side: Side, best: float, ts: int, events: list[OrderEvent]) -> None:
        for price in list(self._best_first(side)):
            if not self._reaches(side, price, best):
                break
            self._fill_all(side, price, ts, events)

    def _fill_all(self, side: Side, price: float, ts: int, events: list[OrderEvent]) -> None:
        for resting in list(self._queues[side][price].orders):
            self._fill_maker(resting, resting.remaining, ts, events)

    def _new_queue(self, shown: float) -> PriceQueue:
        return SeparateQueue(self._model, shown)

    def _objection(self, order: Order, ts: int) -> Answer | None:
        return self._rules.post_only_crosses if self._would_take(order.side, order.price) else None

    def _would_take(self, side: Side, price: Decimal | None) -> bool:
        best = self._market.book.best_ask() if side is Side.BUY else self._market.book.best_bid()
        return price is None or (best is not None and self._reaches(side, float(price), best[0]))

    def _expire_own(
        self, side: Side, reach: float | None, ts: int, events: list[OrderEvent], *, stopped: bool = False
    ) -> None:
        """Own orders do not see each other here."""


TOUCH = "touch"
"""Filled by any trade at the price, however many stand ahead: what simple paper trading does."""

THROUGH = "through"
"""Filled only by a trade beyond the price, or when the other side's best reaches it."""


class TouchMatching(ComparisonMatching):
    """There is no queue: whoever is touched is filled."""

    def _new_queue(self, shown: float) -> PriceQueue:
        return _NoQueue(self._model, shown)


class ThroughMatching(ComparisonMatching):
    """The queue never moves: trades at the price fill nobody."""

    def _new_queue(self, shown: float) -> PriceQueue:
        return _StandingQueue(self._model, shown)


class _NoQueue(SeparateQueue):
    __slots__ = ()

    def share(self, volume: Decimal, printed: Decimal, lot: Decimal, event_ns: int) -> list[Share]:
        return [(resting, resting.remaining) for resting in self.orders]


class _StandingQueue(SeparateQueue):
    __slots__ = ()

    def share(self, volume: Decimal, printed: Decimal, lot: Decimal, event_ns: int) -> list[Share]:
        return []


def comparison_matching(
    rule: str, market: InstrumentMarket, account: PaperAccount, ids: PaperIds
) -> ComparisonMatching:
    """The comparing matching of a rule: ``touch``, ``through``, or the name of a queue model."""
    match rule:
        case "touch":
            return TouchMatching(market, account, ids, queue_model("risk_averse"))
        case "through":
            return ThroughMatching(market, account, ids, queue_model("risk_averse"))
        case _:
            return ComparisonMatching(market, account, ids, queue_model(rule))
