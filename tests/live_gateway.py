"""An account of the embedded exchange, traded through unmodified ccxt by the live executor."""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from jackbot_tui.execution.live.connection import open_clients
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.execution.live.executor import LiveExecutor, LivePolicy
from jackbot_tui.execution.live.keys import Credentials, KeyPlace
from jackbot_tui.execution.live.session import LiveSession, SessionPolicy
from jackbot_tui.execution.oms import Oms
from jackbot_tui.feeds.backoff import BackoffPolicy
from jackbot_tui.feeds.venue_limits import VenueLimits
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, OrderStatus, OrderType, Side
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.orders import OrderAmendRequested, OrderCancelRequested, OrderRequest
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.venues import load_spec
from jackbot_tui.venues.base import MarketSpec, VenueSpec

S = OrderStatus
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
SILENT_S = 2.0
"""On a busy machine half a second of silence says nothing."""

QUICK = LivePolicy(follow_up_s=0.3, pauses_s=(0.1, 0.2, 0.4, 0.8))


def roomy(spec: VenueSpec) -> VenueSpec:
    """``spec`` with a hundred times the requests: these tests ask in seconds what consoles ask in minutes."""

    def widened(market: MarketSpec) -> MarketSpec:
        return replace(market, rate_limits=tuple(replace(each, limit=each.limit * 100) for each in market.rate_limits))

    return replace(spec, markets={kind: widened(market) for kind, market in spec.markets.items()})


class Live:
    """An account of the embedded exchange, traded by the live executor; ``exchange.accounts`` is the truth."""

    def __init__(
        self,
        exchange: SimExchange,
        *,
        venue: str = "binance",
        poll_s: float = 1.0,
        dead_man_s: float = 0.0,
        quiet_s: float = 5.0,
    ) -> None:
        self.exchange = exchange
        self.venue = venue
        self.clock = SystemClock()
        self.oms = Oms()
        self.told: list[tuple[str, str]] = []
        self.dialect = dialect = replace(load_dialect(venue), settle_s=1.0)
        self.executor = LiveExecutor(
            dialect, self.clock, self.oms.trade_ids, lambda *said: self.told.append(said), QUICK
        )
        self.executor.on_events(self.pump)
        parts = exchange.front.credentials(exchange.accounts.keys.of(1))
        credentials = Credentials(venue, KeyPlace.FILE, {name: parts[name] for name in dialect.credentials})
        rng = random.Random(1)
        limits = VenueLimits(self.clock, roomy(load_spec(venue)), rng)
        symbols = [listing.instrument.symbol for listing in exchange.listings]
        linear = [symbol for symbol in symbols if ":" in symbol]
        by_kind = {MarketKind.SPOT: [each for each in symbols if each not in linear], MarketKind.LINEAR: linear}
        self.session = LiveSession(
            self.executor,
            lambda: open_clients(
                dialect, [kind for kind, some in by_kind.items() if some], credentials, limits.requests, self.clock,
                exchange.ccxt_urls,
            ),
            by_kind,
            self.clock,
            lambda *said: self.told.append(said),
            rng,
            policy=SessionPolicy(
                poll_s=poll_s, silent_s=SILENT_S, retry=BackoffPolicy(first_s=0.1, cap_s=0.2), dead_man_s=dead_man_s,
                quiet_s=quiet_s, answer_s=quiet_s,
            ),
        )  # fmt: skip
        self.task = asyncio.create_task(self.session.run())
        self.number = 0

    def pump(self) -> None:
        for event in self.executor.advance(self.clock.now_ns()):
            self.oms.apply(event)  # type: ignore[arg-type]

    async def until(
        self, condition: Callable[[], bool], within_s: float = 20.0, why: Callable[[], object] | None = None
    ) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    assert not self.task.done(), self.task.exception()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            orders = (
                why()
                if why is not None
                else [(o.client_id, o.status.value, str(o.filled), o.reason) for o in self.oms.orders.values()]
            )
            raise AssertionError(f"{self.executor.trouble} {self.told[-6:]} {orders}") from None

    async def ready(self) -> None:
        await self.until(lambda: not self.executor.trouble)

    def submit(self, symbol: str, side: Side, quantity: str, price: Decimal | None, **more: Any) -> str:
        self.number += 1
        request = OrderRequest(
            key=f"{self.venue}:{symbol}",
            side=side,
            quantity=Decimal(quantity),
            price=price,
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            **more,
        )
        order = self.oms.create(request, self.number, client_order_id("t", "live", self.number), self.clock.now_ns())
        for event in self.executor.submit(order, self.clock.now_ns()):
            self.oms.apply(event)  # type: ignore[arg-type]
        return order.client_id

    def cancel(self, client_id: str) -> None:
        self.oms.apply(OrderCancelRequested(client_id, self.clock.now_ns()))
        self.executor.cancel(self.oms.orders[client_id], self.clock.now_ns())

    def amend(self, client_id: str, price: Decimal, quantity: str) -> None:
        now = self.clock.now_ns()
        self.oms.apply(OrderAmendRequested(client_id, now, price, Decimal(quantity)))
        for event in self.executor.amend(self.oms.orders[client_id], price, Decimal(quantity), now):
            self.oms.apply(event)  # type: ignore[arg-type]

    def status(self, client_id: str) -> OrderStatus:
        return self.oms.orders[client_id].status

    def far(self, symbol: str, part: str = "0.97") -> Decimal:
        """A price on the tick that rests: some percent away from the touch."""
        instrument = self.exchange.listing(symbol).instrument
        best = self.exchange.engine(symbol).best_bid
        assert best is not None
        return Decimal(int(best * Decimal(part))) * instrument.tick

    def size(self, symbol: str, value: int = 300) -> str:
        """A quantity on the lot, worth about ``value`` in quote currency."""
        instrument = self.exchange.listing(symbol).instrument
        price = (self.exchange.engine(symbol).best_bid or 0) * instrument.tick
        return text_of((Decimal(value) / price // instrument.lot + 1) * instrument.lot)

    def differences(self) -> list[str]:
        """Every order of ours that is not as the exchange has it, or not settled yet."""
        truth = {order.client_id: order for order in self.exchange.accounts.orders.orders(1)}
        found = []
        for client_id, ours in self.oms.orders.items():
            theirs = truth.get(self.dialect.client_ids.to_wire(client_id))
            if theirs is None:
                if ours.status is not S.REJECTED:
                    found.append(f"{client_id} is {ours.status} and was never there: {ours.reason}")
                continue
            lot = self.exchange.listing(ours.key.partition(":")[2]).instrument.lot
            open_there = theirs.status in (S.NEW, S.PARTIALLY_FILLED)
            unsettled = ours.status in (S.PENDING_NEW, S.PENDING_CANCEL, S.PENDING_REPLACE, S.PENDING_UNKNOWN)
            if unsettled or ours.is_open is not open_there or ours.filled != theirs.filled * lot:
                tracked = self.executor.tracker.orders[client_id]
                found.append(f"ours {ours.status} {ours.filled} theirs {theirs.status} {theirs.filled * lot} {tracked}")
        return found

    async def equal_to_the_exchange(self) -> None:
        """Wait until every order is at rest, and hold all of them against the exchange's own books."""
        accounts = self.exchange.accounts
        await self.until(lambda: not self.differences(), within_s=30, why=self.differences)
        to_wire = self.dialect.client_ids.to_wire
        truth = {order.client_id for order in accounts.orders.orders(1)}
        fills = accounts.orders.fills(1)
        assert len(fills) == sum(len(self.oms.trade_ids(client_id)) for client_id in self.oms.orders)
        assert self.oms.counters.overfills == 0
        assert truth <= {to_wire(client_id) for client_id in self.oms.orders}

    async def close(self) -> None:
        """End the session; a session that cannot be ended is a bug, shown with the place where it waits."""
        self.task.cancel()
        await asyncio.wait({self.task}, timeout=20)
        waiting = [task.get_coro() for task in asyncio.all_tasks() if "Session" in str(task.get_coro())]
        assert self.task.done(), f"the live session does not end: {waiting}"
        await self.executor.close()
