"""The executor that fills orders on paper: latency on both ways around the matching of each instrument.

The engine hands it orders, cancels and amends, tells it of every book change and trade, and calls ``advance`` when time
has passed; it gets back the order events that have arrived by then. No I/O, no clock of its own; the only randomness is
that of the latency, from the seed. A request reaches the venue ``entry`` later and meets the book of that moment; what
happens there is known here ``response`` later and carries the venue's time. Neither way do messages overtake.

When one call brings both a market event and a request that is due, the market event comes first: an order never profits
from a trade that was made before it arrived, and a cancel may come too late.
"""

import random
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.base import ExecutorEvent, VenueOrder
from jackbot_tui.execution.holdings import Holdings
from jackbot_tui.execution.paper.account import FundingSettled, MarginView, Outlook, PaperAccount
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.fees import percent, with_fees
from jackbot_tui.execution.paper.latency import Latency
from jackbot_tui.execution.paper.liquidation import Liquidator
from jackbot_tui.execution.paper.matching import Matching, PaperIds
from jackbot_tui.execution.paper.queue import QueueView
from jackbot_tui.execution.paper.queue_models import queue_model
from jackbot_tui.execution.paper.shadows import FOLLOWED, HonestyView, Shadows
from jackbot_tui.execution.paper.stops import Stops, as_woken, at_the_book, has_no_place, triggers_of
from jackbot_tui.model.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce, TriggerBy
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginSetting
from jackbot_tui.model.market import Trade
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmendRejected,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRequested,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderTriggered,
    Position,
)

__all__ = ["PaperExecutor", "QueueView"]

_Ask = Order | OrderCancelRequested | OrderAmendRequested


class _Request(Struct, frozen=True):
    due: int
    travel_ns: int
    key: str
    ask: _Ask


class _Answer(Struct, frozen=True):
    due: int
    event: ExecutorEvent


class PaperExecutor:
    """See the module's paragraph. ``markets`` may grow while it works; an order needs its market to be there."""

    remote = False
    holder = ""
    locked = ""
    trouble = ""
    """Paper takes orders always: what a book that is not LIVE means, the risk gate decides."""

    def __init__(
        self, markets: Mapping[str, InstrumentMarket], config: PaperConfig, seed: int, *, trade_id_prefix: str
    ) -> None:
        """``trade_id_prefix`` must differ between sessions of one journal, so that trade ids never come twice."""
        self._markets = markets
        self._config = config
        self._rng = random.Random(seed)
        self._ids = PaperIds(trade_id_prefix)
        self._account = PaperAccount(config, markets)
        self._liquidator = Liquidator(self._account, markets, self._matching, self._ids)
        self._model = queue_model(config.queue)
        self._matchings: dict[str, Matching] = {}
        self._stops = Stops()
        self._shadows = Shadows(FOLLOWED if config.meter else 0)
        self._inbox: deque[_Request] = deque()
        self._outbox: deque[_Answer] = deque()
        self._market_ns = 0

    # ------------------------------------------------------------------ start

    def terms(self, instrument: Instrument) -> Instrument:
        """``instrument`` with the fees that this account pays."""
        return with_fees(instrument, self._config.spot_fees, self._config.perpetual_fees)

    def load(self, positions: Iterable[Position], settings: Mapping[str, MarginSetting] | None = None) -> None:
        """Take over positions and margin settings of earlier sessions, before any order is restored or submitted."""
        self._account.portfolio.load(positions)
        self._account.settings.update(settings or {})

    account_heard_ns = 0

    def holdings(self, now: int) -> Holdings:
        """The account as it is played: one wallet of every currency, and the perpetual positions."""
        return self._account.holdings(now)

    def differences(self) -> list[tuple[str, str, str, str]]:
        """There is no other side."""
        return []

    def unlock(self) -> None:
        """Paper is never locked."""

    def remember(self, orders: Iterable[Order]) -> None:
        """Nothing comes late on paper: what is over is over."""

    def restore(self, orders: list[Order], now: int) -> list[OrderEvent]:
        """Take over orders that were open when the last session ended; resting ones go to the back of the queue.

        What was under way is settled: a cancel is done, an amend is not, an order that does not rest has expired.
        A stop waits on, and the first price beyond its trigger wakes it; one that was woken goes to the book.
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
            if order.is_waiting or has_no_place(order):
                self._stops.restore(order)
            elif order.type is OrderType.MARKET or order.tif is not TimeInForce.GTC:
                events.append(OrderExpired(order.client_id, now, "it does not rest, and the engine was restarted"))
            else:
                self._matching(order.key).restore(order)
        return events

    def reconcile(self, order: Order, now: int) -> list[OrderEvent]:
        """What became of an intent whose sending is in doubt: an order that is not at the venue never reached it."""
        if (
            order.client_id in self._account.working
            or self._stops.waits(order.client_id)
            or any(request.ask.client_id == order.client_id for request in self._inbox)
        ):
            return []
        return [OrderCanceled(order.client_id, now, "it never reached the venue")]

    # ------------------------------------------------------------------ requests

    def submit(self, order: Order, now: int) -> list[ExecutorEvent]:
        return self._request(order.key, order, now)

    def cancel(self, order: Order, now: int) -> list[ExecutorEvent]:
        return self._request(order.key, OrderCancelRequested(order.client_id, now), now)

    def amend(self, order: Order, price: Decimal, quantity: Decimal, now: int) -> list[ExecutorEvent]:
        return self._request(order.key, OrderAmendRequested(order.client_id, now, price, quantity), now)

    def settle_funding(self, key: str, rate: Decimal, mark: Decimal, at_ns: int, now: int) -> FundingSettled:
        """Settle the funding of exchange time ``at_ns``, on the position that was held at the venue then."""
        return self._account.settle_funding(key, rate, mark, at_ns, now)

    def setting_problem(self, key: str, wanted: MarginSetting, now: int) -> str:
        """Why the venue refuses this margin mode and leverage now, "" when it does not."""
        return self._account.setting_problem(key, wanted, now)

    def set_margin(self, key: str, wanted: MarginSetting) -> None:
        """Trade an instrument with this margin mode and leverage, at once: the request takes no time on paper."""
        self._account.settings[key] = wanted

    def confirmed_setting(self, key: str) -> MarginSetting | None:
        """The margin mode and leverage in force: what is set on paper is so at once."""
        return self._account.setting(key) if key in self._markets else None

    # ------------------------------------------------------------------ the market moves

    def on_book(self, market: InstrumentMarket, now: int) -> list[ExecutorEvent]:
        """The book of ``market`` changed and is LIVE."""
        self._market_ns = now
        if self._stops.held and market.live:
            self._release(market.key, now)
        matching = self._matchings.get(market.key)
        if matching is not None and market.live:
            self._answer(matching.on_book(now), now)
            self._shadows.on_book(market, now)
        return self.advance(now) if self._inbox or self._outbox else []

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> list[ExecutorEvent]:
        """A public trade. It fills nothing while the book is not LIVE."""
        self._market_ns = now
        matching = self._matchings.get(market.key)
        if matching is not None and market.live:
            self._answer(matching.on_trade(trade, now), now)
            self._shadows.on_trade(market, trade, now)
        if market.instrument.is_perpetual and market.fresh_mark(now) is None:
            self._answer(self._without_stops(self._liquidator.check_without_mark(market, now), now), now)
        if market.key in self._stops.keys:
            self._wake(market.key, TriggerBy.LAST, Decimal(trade.price_text), trade.ts_event, now)
        return self.advance(now) if self._inbox or self._outbox else []

    def on_mark(self, market: InstrumentMarket, now: int) -> list[ExecutorEvent]:
        """The mark price of ``market`` is another one: positions that it ends are liquidated in this moment.

        A mark that gaps through liquidation price and trigger liquidates: a stop still has its way to the book.
        """
        self._answer(self._without_stops(self._liquidator.check(now), now), now)
        if market.mark is not None and market.key in self._stops.keys:
            self._wake(market.key, TriggerBy.MARK, decimal_of(market.mark.mark), 0, now)
        return self.advance(now) if self._inbox or self._outbox else []

    def on_resync(self, market: InstrumentMarket, now: int) -> list[ExecutorEvent]:
        """The book is LIVE again after a gap: places in the queue are kept as far as the new sizes hold them."""
        self._market_ns = now
        if self._stops.held and market.live:
            self._release(market.key, now)
        matching = self._matchings.get(market.key)
        if matching is not None and market.live:
            self._answer(matching.on_resync(now), now)
            self._shadows.on_resync(market, now)
        return self.advance(now) if self._inbox or self._outbox else []

    def advance(self, now: int) -> list[ExecutorEvent]:
        """Let requests reach the venue and answers come home, as far as due by ``now``."""
        while self._inbox and self._inbox[0].due <= now:
            request = self._inbox.popleft()
            # The book has not moved since the last market event, so a timer that fires late changes nothing.
            ts = max(request.due, self._market_ns)
            self._answer(self._perform(request, ts), ts)
        events: list[ExecutorEvent] = []
        while self._outbox and self._outbox[0].due <= now:
            events.append(self._outbox.popleft().event)
        return events

    def measure_latency(self, round_trip_ns: int) -> None:
        """An answer of the real venue took so long, for sessions whose latency is the measured one."""
        if self._markets:
            self._latency.measure(round_trip_ns)

    @property
    def next_wakeup(self) -> int | None:
        """When ``advance`` has something to do next, None while nothing is under way."""
        inbox, outbox = self._inbox, self._outbox
        if not inbox:
            return outbox[0].due if outbox else None
        return min(inbox[0].due, outbox[0].due) if outbox else inbox[0].due

    # ------------------------------------------------------------------ questions

    def margin(self, key: str, now: int) -> MarginView | None:
        """Margin of a perpetual at the venue, None for what is not followed or is none."""
        market = self._markets.get(key)
        return self._account.margin(key, now) if market is not None and market.instrument.is_perpetual else None

    def outlook(self, key: str, side: Side, quantity: Decimal, cost: Decimal, fee: Decimal, now: int) -> Outlook:
        """What an order on a perpetual would mean for margin and liquidation, if it were filled now."""
        return self._account.outlook(key, side, quantity, cost, fee, now)

    def honesty(self) -> HonestyView | None:
        """What every rule of filling would have made of this session's resting orders; None without a meter."""
        return self._shadows.view() if self._config.meter else None

    def buys_by_cost(self, instrument: Instrument) -> bool:
        """Never: what is matched here is counted in base units."""
        return False

    def triggers(self, instrument: Instrument) -> tuple[TriggerBy, ...]:
        """The prices that may wake a waiting order of ``instrument``, the usual one first; empty: none can wait."""
        return triggers_of(instrument)

    def assumptions(self, instrument: Instrument) -> list[str]:
        """What fills of ``instrument`` rest on, each in a few words: queue, latency, fees, impact."""
        config = self._config
        tier = (config.perpetual_fees if instrument.is_perpetual else config.spot_fees) or "lowest tier"
        impact = config.impact.coefficient
        return [
            f"queue {self._model.name}",
            f"latency {self._latency.words}",
            f"fees {percent(instrument.maker_fee)}/{percent(instrument.taker_fee)} % ({tier})",
            f"impact square root x{impact:g}" if impact else "impact off",
        ]

    def queue(self, client_id: str) -> QueueView | None:
        """Estimated place in the queue; None when the order does not rest or its book is not LIVE."""
        resting = self._account.working.get(client_id)
        return None if resting is None else self._matching(resting.order.key).queue(client_id)

    # ------------------------------------------------------------------ inside

    def _matching(self, key: str) -> Matching:
        matching = self._matchings.get(key)
        if matching is None:
            matching = self._matchings[key] = Matching(
                self._markets[key], self._account, self._ids, self._model, self._config.impact
            )
        return matching

    def _request(self, key: str, ask: _Ask, now: int) -> list[ExecutorEvent]:
        self._travel(key, ask, now)
        return self.advance(now)

    def _travel(self, key: str, ask: _Ask, now: int) -> None:
        due = now + self._latency.request_ns()
        if self._inbox:
            due = max(due, self._inbox[-1].due)
        self._inbox.append(_Request(due, due - now, key, ask))

    def _perform(self, request: _Request, ts: int) -> list[OrderEvent]:
        matching = self._matching(request.key)
        match request.ask:
            case Order(is_waiting=True) as order:
                return self._stops.place(order, self._markets[order.key], self._ids.next("o"), ts)
            case Order(trigger_price=Decimal()) as order:
                if not self._markets[order.key].live:
                    self._stops.hold(order)
                    return []
                events = at_the_book(matching.place(order, ts, request.travel_ns))
            case Order() as order:
                events = matching.place(order, ts, request.travel_ns)
            case OrderCancelRequested() as ask:
                if self._stops.remove(ask.client_id):
                    return [OrderCanceled(ask.client_id, ts)]
                return matching.cancel(ask.client_id, ts)
            case OrderAmendRequested() as ask:
                if self._stops.waits(ask.client_id):
                    return [OrderAmendRejected(ask.client_id, ts, "it waits for its trigger")]
                events = matching.amend(ask.client_id, ask.price, ask.quantity, ts)
        resting = self._account.working.get(request.ask.client_id)
        if resting is not None and resting.since_ns == ts:
            self._shadows.begin(self._markets[request.key], resting)
        return events

    def _wake(self, key: str, by: TriggerBy, price: Decimal, made_ns: int, now: int) -> None:
        """Send the orders that this price wakes on their way to the book."""
        for order in self._stops.woken(key, by, price, made_ns):
            self._answer([OrderTriggered(order.client_id, now, price)], now)
            self._travel(key, as_woken(order, now), now)

    def _release(self, key: str, now: int) -> None:
        """The book of an instrument is LIVE: what was held for it goes there."""
        for order in self._stops.release(key):
            self._travel(key, order, now)

    def _without_stops(self, events: list[ExecutorEvent], ts: int) -> list[ExecutorEvent]:
        """A liquidation ends the orders of its instrument that wait, too."""
        ended: list[ExecutorEvent] = []
        for event in events:
            if not isinstance(event, VenueOrder):
                continue
            for client_id in self._stops.of(event.order.key):
                self._stops.remove(client_id)
                symbol = self._markets[event.order.key].instrument.symbol
                ended.append(OrderCanceled(client_id, ts, f"canceled by the venue: liquidation of {symbol}"))
        return [*ended, *events]

    def _answer(self, happened: Sequence[ExecutorEvent], ts: int) -> None:
        if not happened:
            return
        events = list(happened)
        if any(isinstance(event, OrderFilled) for event in happened):
            events += self._without_stops(self._liquidator.check(ts), ts)
        self._tell_shadows(events, ts)
        due = ts + self._latency.answer_ns()
        if self._outbox:
            due = max(due, self._outbox[-1].due)
        self._outbox.extend(_Answer(due, _with_answer_time(event, due - ts)) for event in events)

    def _tell_shadows(self, events: Sequence[ExecutorEvent], ts: int) -> None:
        for event in events:
            if isinstance(event, OrderFilled):
                if event.liquidity is Liquidity.MAKER:
                    self._shadows.on_real_fill(event.client_id, event.client_id not in self._account.working, ts)
            elif isinstance(event, OrderCanceled | OrderExpired):
                self._shadows.end(event.client_id)

    @cached_property
    def _latency(self) -> Latency:
        """The line to the venue; which venue is known once an instrument is followed."""
        venue = next(iter(self._markets), "").partition(":")[0]
        return Latency(self._config.latencies, venue, self._rng)


def _with_answer_time(event: ExecutorEvent, answer_ns: int) -> ExecutorEvent:
    if isinstance(event, OrderFilled) and event.cause is not None:
        return replace(event, cause=replace(event.cause, answer_ns=answer_ns))
    return event
