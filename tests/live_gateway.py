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
from jackbot_tui.model.orders import OrderAmendRequested, OrderCancelRequested, OrderRequest
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.venues import load_spec

S = OrderStatus
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
QUICK = LivePolicy(follow_up_s=0.3, pauses_s=(0.1, 0.2, 0.4, 0.8))


class Live:
    """An account of the embedded exchange, traded by the live executor; ``exchange.accounts`` is the truth."""

    def __init__(self, exchange: SimExchange, *, poll_s: float = 1.0, dead_man_s: float = 0.0) -> None:
        self.exchange = exchange
        self.clock = SystemClock()
        self.oms = Oms()
        self.told: list[tuple[str, str]] = []
        dialect = replace(load_dialect("binance"), settle_s=1.0)
        self.executor = LiveExecutor(
            dialect, self.clock, self.oms.trade_ids, lambda *said: self.told.append(said), QUICK
        )
        self.executor.on_events(self.pump)
        key = exchange.accounts.keys.of(1)
        credentials = Credentials("binance", KeyPlace.FILE, {"apiKey": key.key, "secret": key.secret})
        rng = random.Random(1)
        limits = VenueLimits(self.clock, load_spec("binance"), rng)
        self.session = LiveSession(
            self.executor,
            lambda: open_clients(
                dialect, [MarketKind.SPOT, MarketKind.LINEAR], credentials, limits.requests, self.clock,
                exchange.ccxt_urls,
            ),
            {MarketKind.SPOT: [SPOT], MarketKind.LINEAR: [LINEAR]},
            self.clock,
            lambda *said: self.told.append(said),
            rng,
            policy=SessionPolicy(
                poll_s=poll_s, silent_s=0.5, retry=BackoffPolicy(first_s=0.1, cap_s=0.2), dead_man_s=dead_man_s
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
            key=f"binance:{symbol}",
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

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.executor.close()
