"""A venue small enough to see through, with ccxt's unified methods, and the live executor in front of it.

``FakeExchange`` keeps orders and trades as a venue would; a test breaks its answers with ``faults``. The executor, the
client, the tracker and the order state machine are the real ones.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import ccxt
from msgspec.structs import replace

from jackbot_tui.execution.live.client import CallPolicy, VenueClient
from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.execution.live.executor import LiveExecutor, LivePolicy
from jackbot_tui.execution.live.failures import Redactor
from jackbot_tui.execution.oms import Oms
from jackbot_tui.feeds.limiter import LimitGate, RateLimiter
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.model.orders import Order, OrderAmendRequested, OrderCancelRequested, OrderRequest
from jackbot_tui.venues.base import RateLimit

SYMBOL = "BTC/USDT:USDT"
KEY = f"binance:{SYMBOL}"
FAST = LivePolicy(follow_up_s=0.02, pauses_s=(0.005, 0.01, 0.02), cancel_pauses_s=(0.005,) * 5, wait_for_order_s=1.0)

LOST = "lost"  # done, and the answer never comes
DROPPED = "dropped"  # not done, and nobody says so


class FakeExchange:
    """The venue. ``faults[method]`` is a queue: LOST, DROPPED, or an exception to raise instead of doing it."""

    def __init__(self) -> None:
        self.markets = {SYMBOL: {"contractSize": 1}, "BTC/USDT": {}}
        self.orders: dict[str, dict[str, Any]] = {}
        self.trades: list[dict[str, Any]] = []
        self.faults: dict[str, deque[Any]] = {}
        self.calls: list[str] = []
        self.answer_fills = False
        self._ids = count(1)
        self._time = count(1_000)

    # ---- the market

    def fill(self, client_id: str, quantity: float) -> dict[str, Any]:
        order = self._by_client(client_id)
        order["filled"] += quantity
        order["lastUpdateTimestamp"] = next(self._time)
        if order["filled"] >= order["amount"]:
            order["status"] = "closed"
        trade = {
            "id": f"t{next(self._ids)}", "order": order["id"], "symbol": order["symbol"], "side": order["side"],
            "price": order["price"], "amount": quantity, "takerOrMaker": "maker", "timestamp": next(self._time),
            "fee": {"cost": 0.01, "currency": "USDT"},
        }  # fmt: skip
        self.trades.append(trade)
        return trade

    def fault(self, method: str, *what: Any) -> None:
        self.faults.setdefault(method, deque()).extend(what)

    # ---- ccxt's face

    async def create_order(
        self, symbol: str, type: str, side: str, amount: float, price: float | None, params: dict[str, Any]
    ) -> dict[str, Any]:
        return await self._do("create_order", lambda: self._create(symbol, type, side, amount, price, params))

    async def edit_order(self, id: str, symbol: str, type: str, side: str, amount: float, price: float) -> Any:
        def edit() -> dict[str, Any]:
            order = self._working(id)
            if amount <= order["filled"]:
                raise ccxt.InvalidOrder("binance: the quantity is filled already")
            order.update(amount=amount, price=price, lastUpdateTimestamp=next(self._time))
            return dict(order)

        return await self._do("edit_order", edit)

    async def cancel_order(self, id: str | None, symbol: str, params: dict[str, Any]) -> Any:
        def cancel() -> dict[str, Any]:
            order = self._working(id or self._by_client(params["clientOrderId"])["id"])
            order.update(status="canceled", lastUpdateTimestamp=next(self._time))
            return dict(order)

        return await self._do("cancel_order", cancel)

    async def fetch_order(self, id: str | None, symbol: str, params: dict[str, Any]) -> Any:
        return await self._do(
            "fetch_order", lambda: dict(self.orders[id] if id else self._by_client(params["clientOrderId"]))
        )

    async def fetch_open_orders(
        self, symbol: str, since: int | None = None, limit: int | None = None, params: dict[str, Any] | None = None
    ) -> Any:
        if params:  # orders that wait for a trigger have a page of their own, and there are none
            return []
        return await self._do(
            "fetch_open_orders",
            lambda: [dict(o) for o in self.orders.values() if o["status"] == "open" and o["symbol"] == symbol],
        )

    async def fetch_my_trades(self, symbol: str, since: int | None, limit: int, params: dict[str, Any]) -> Any:
        wanted = params.get("orderId")
        return await self._do("fetch_my_trades", lambda: [dict(t) for t in self.trades if wanted in (None, t["order"])])

    async def load_time_difference(self) -> int:
        return await self._do("load_time_difference", lambda: 0)

    # ---- inside

    async def _do(self, method: str, act: Callable[[], Any]) -> Any:
        self.calls.append(method)
        await asyncio.sleep(0)
        queue = self.faults.get(method)
        fault = queue.popleft() if queue else None
        if isinstance(fault, BaseException):
            raise fault
        if fault == DROPPED:
            raise ccxt.RequestTimeout(f"binance {method}")
        answer = act()
        if fault == LOST:
            raise ccxt.RequestTimeout(f"binance {method}")
        return answer

    def _create(
        self, symbol: str, type: str, side: str, amount: float, price: float | None, params: dict[str, Any]
    ) -> dict[str, Any]:
        wire = params["clientOrderId"]
        assert all(order["clientOrderId"] != wire for order in self.orders.values()), "an order was sent twice"
        made = {
            "id": str(next(self._ids)), "clientOrderId": wire, "symbol": symbol, "type": type, "side": side,
            "amount": amount, "price": price, "filled": 0.0, "status": "open", "params": params,
            "lastUpdateTimestamp": next(self._time),
        }  # fmt: skip
        self.orders[made["id"]] = made
        return dict(made)

    def _by_client(self, wire: str) -> dict[str, Any]:
        for order in self.orders.values():
            if order["clientOrderId"] == wire:
                return order
        raise ccxt.OrderNotFound('binance {"code":-2013,"msg":"Order does not exist."}')

    def _working(self, id: str) -> dict[str, Any]:
        order = self.orders.get(id)
        if order is None or order["status"] != "open":
            raise ccxt.OrderNotFound('binance {"code":-2011,"msg":"Unknown order sent."}')
        return order


class LiveWorld:
    """Executor, order state machine and venue; ``settle`` lets everything under way come to rest."""

    def __init__(self, *, dialect: Dialect | None = None, policy: LivePolicy = FAST, ready: bool = True) -> None:
        self.clock = SystemClock()
        self.venue = FakeExchange()
        self.oms = Oms()
        self.told: list[tuple[str, str]] = []
        self.seen: dict[str, list[OrderStatus]] = {}
        self.dialect = dialect or replace(load_dialect("binance"), settle_s=0.03)
        self.executor = LiveExecutor(
            self.dialect, self.clock, self.oms.trade_ids, lambda level, text: self.told.append((level, text)), policy
        )
        self.executor.on_events(self.pump)
        self.numbers: Iterator[int] = count(1)
        if ready:
            self.connect()

    def connect(self) -> None:
        gate = LimitGate(RateLimiter((RateLimit("W", 100_000, 60),), random.Random(1)), self.clock)
        client = VenueClient(
            self.venue, self.dialect, MarketKind.LINEAR, gate, self.clock, Redactor(), CallPolicy(answer_s=1.0)
        )
        self.executor.connect({MarketKind.LINEAR: client})
        self.executor.trouble = ""

    def pump(self) -> None:
        for event in self.executor.advance(self.clock.now_ns()):
            assert not hasattr(event, "order")
            update = self.oms.apply(event)  # type: ignore[arg-type]
            if update is not None:
                self.seen.setdefault(update.order.client_id, []).append(update.order.status)

    def submit(self, quantity: str = "1", price: str | None = "100", **more: Any) -> str:
        number = next(self.numbers)
        request = OrderRequest(
            key=KEY,
            side=more.pop("side", Side.BUY),
            quantity=Decimal(quantity),
            price=None if price is None else Decimal(price),
            type=OrderType.LIMIT if price is not None else OrderType.MARKET,
            tif=more.pop("tif", TimeInForce.GTC),
            **more,
        )
        order = self.oms.create(request, number, client_order_id("manual", "test", number), self.clock.now_ns())
        for event in self.executor.submit(order, self.clock.now_ns()):
            self.oms.apply(event)  # type: ignore[arg-type]
        return order.client_id

    def cancel(self, client_id: str) -> None:
        self.oms.apply(OrderCancelRequested(client_id, self.clock.now_ns()))
        self.executor.cancel(self.oms.orders[client_id], self.clock.now_ns())

    def amend(self, client_id: str, price: str, quantity: str) -> None:
        now = self.clock.now_ns()
        self.oms.apply(OrderAmendRequested(client_id, now, Decimal(price), Decimal(quantity)))
        for event in self.executor.amend(self.oms.orders[client_id], Decimal(price), Decimal(quantity), now):
            self.oms.apply(event)  # type: ignore[arg-type]

    def order(self, client_id: str) -> Order:
        return self.oms.orders[client_id]

    def status(self, client_id: str) -> OrderStatus:
        return self.oms.orders[client_id].status

    async def settle(self, *, within_s: float = 5.0) -> None:
        """Return when nothing is under way any more."""
        async with asyncio.timeout(within_s):
            while self.executor.busy:  # noqa: ASYNC110 - a poll with a deadline
                await asyncio.sleep(0.002)
        self.pump()

    async def until(self, condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - a poll with a deadline
                await asyncio.sleep(0.002)
