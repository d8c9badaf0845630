"""Differences to the venue and what a person may do about them, on whole engines at three venues of the embedded kind.

What is adopted is managed like our own and survives a restart; what is closed is over at the exchange; what is ignored
is told no more. Executions made before an adoption count once. No start does any of it by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.views import Context, Reply, Role
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, Mode, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.orders import Order, OrderCanceled, OrderRequest
from jackbot_tui.model.records import PositionAdopted
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.requests import AccountOrder, OrderSpec
from tests.gateway_world import relaxed, symbols_of

S = OrderStatus
VENUES = ("binance", "okx", "bybit")


class Trading:
    """A live engine on a journal on disk, with a desk on top; ``exchange.accounts`` is the truth."""

    def __init__(self, exchange: SimExchange, venue: str, place: Path) -> None:
        self.exchange, self.venue = exchange, venue
        self.placed = 0
        parts = exchange.front.credentials(exchange.accounts.keys.of(1))
        self.runtime = EngineRuntime(
            EngineOptions(
                mode=Mode.LIVE,
                venue=venue,
                symbols=[listing.instrument.symbol for listing in exchange.listings],
                endpoints=exchange.endpoints,
                journal_path=place / "live.sqlite3",
                live=LiveOptions(
                    account=venue,
                    keys=place,
                    addresses=exchange.ccxt_urls,
                    poll_s=0.3,
                    given={name: parts[name] for name in load_dialect(venue).credentials},
                ),
            )
        )

    async def open(self) -> None:
        await self.runtime.open()
        self.engine = self.runtime.engine
        self.task = asyncio.create_task(self.runtime.run())
        self.desk = Desk(self.engine, None)
        self.client = self.desk.attach(Role.CTL, "test")
        markets = self.engine.data.markets
        await self.until(lambda: not self.engine.executor.trouble)
        await self.until(lambda: all(key in markets and markets[key].live for key in self.keys))

    @property
    def keys(self) -> list[str]:
        return [listing.key for listing in self.exchange.listings]

    async def until(self, condition: Callable[[], object], within_s: float = 40.0) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    assert not self.task.done(), self.task.exception()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            said = [notice.text for notice in self.engine.board.after(0)][-12:]
            raise AssertionError(f"{self.engine.executor.trouble} {said} {self.listed}") from None

    async def say(self, line: str) -> Reply:
        return await self.desk.execute(self.client, line, Context(), confirmed=True)

    @property
    def listed(self) -> list[tuple[str, bool]]:
        assert self.engine.settling is not None
        return [(each.kind, each.ignored) for each in self.engine.settling.listed()]

    @property
    def told(self) -> list[str]:
        return [notice.text for notice in self.engine.board.after(0)]

    async def close(self) -> None:
        self.runtime.stop("test is over")
        await self.task
        await self.runtime.close()

    # ------------------------------------------------------------------ what somebody else does

    def size(self, key: str) -> Decimal:
        instrument = self.exchange.listing(key.partition(":")[2]).instrument
        price = (self.exchange.engines[key].best_bid or 0) * instrument.tick
        return (Decimal(600) / price // instrument.lot + 1) * instrument.lot

    def place(self, key: str, side: Side = Side.BUY) -> AccountOrder:
        """Somebody else's order on the account, far from the touch."""
        self.placed += 1
        name = f"web{self.placed}"
        spec = OrderSpec(key=key, side=side, quantity=self.size(key), price=self.far(key), client_id=name)
        return self.exchange.accounts.submit(1, spec)

    def lot(self, key: str) -> Decimal:
        return self.exchange.listing(key.partition(":")[2]).instrument.lot

    def far(self, key: str) -> Decimal:
        """A price that rests."""
        best = self.exchange.engines[key].best_bid
        assert best is not None
        return Decimal(int(best * 0.97)) * self.exchange.listing(key.partition(":")[2]).instrument.tick

    def room(self, key: str) -> int:
        """Take the best levels away; the price, in ticks, of a buy that is alone there."""
        engine, now = self.exchange.engines[key], self.exchange.timeline.elapsed_ns
        for side, best in ((Side.SELL, engine.best_ask), (Side.BUY, engine.best_bid)):
            for order in list(engine.queue_at(side, best or 0)):
                engine.cancel(order.order_id, now=now)
        return (engine.best_bid or 0) + 1

    def trade(self, key: str, side: Side) -> Decimal:
        """Somebody else trades at market on the account."""
        quantity = self.size(key)
        self.exchange.accounts.submit(1, OrderSpec(key=key, side=side, quantity=quantity))
        return quantity

    def fill_part(self, order: AccountOrder, lots: int) -> None:
        """Somebody sells into a resting order, which is brought to the touch for that and away from it again."""
        engine, accounts = self.exchange.engines[order.key], self.exchange.accounts
        tick = self.exchange.listing(order.key.partition(":")[2]).instrument.tick
        away, before = order.price, order.filled
        accounts.amend(order, self.room(order.key) * tick, None)
        engine.submit(Side.SELL, lots, order.price, now=self.exchange.timeline.elapsed_ns, tif=TimeInForce.IOC)
        assert order.filled == before + lots
        accounts.amend(order, away * tick, None)

    def held(self, key: str) -> Decimal:
        return self.exchange.accounts.positions.view(1, key).quantity

    def ours(self, key: str) -> Decimal:
        return self.engine.portfolio.position(key).quantity

    @property
    def adopted(self) -> Order:
        (order,) = [each for each in self.engine.oms.orders.values() if each.owner == "adopted"]
        return order


@asynccontextmanager
async def trading(venue: str, place: Path, *kinds: MarketKind) -> AsyncIterator[Trading]:
    symbols = [symbols_of(venue, kind)[0] for kind in kinds]
    exchange = SimExchange(symbols, venue=venue, accounts=1, seed=5, volatility=0.2, limits=relaxed(front_of(venue)))
    async with exchange:
        world = Trading(exchange, venue, place)
        await world.open()
        try:
            yield world
        finally:
            if not world.task.done():
                await world.close()


async def verified(place: Path) -> None:
    journal = await SqliteJournal.open(place / "live.sqlite3", SystemClock())
    try:
        assert await journal.verify() == []
    finally:
        await journal.close()


@pytest.mark.parametrize("venue", VENUES)
async def test_a_foreign_order_is_adopted_with_its_fills_managed_and_survives_a_restart(
    venue: str, tmp_path: Path
) -> None:
    async with trading(venue, tmp_path, MarketKind.LINEAR) as world:
        (key,) = world.keys
        order = world.place(key)
        lot = world.exchange.listing(key.partition(":")[2]).instrument.lot
        world.fill_part(order, order.quantity // 2)
        early = order.filled * lot
        await world.until(lambda: sorted(world.listed) == [("foreign order", False), ("position", False)])
        before = len(world.exchange.accounts.orders.orders(1))
        assert world.ours(key) == 0, "nothing is adopted before somebody says so"
        (number,) = [each.number for each in world.engine.settling.listed() if each.kind == "foreign order"]  # type: ignore[union-attr]
        assert (await world.say(f"reconcile adopt {number}")).ok
        await world.until(lambda: not world.listed)
        assert (world.adopted.filled, world.ours(key), world.held(key)) == (early, early, early)
        assert world.adopted.status is S.PARTIALLY_FILLED
        await world.close()

        again = Trading(world.exchange, venue, tmp_path)
        await again.open()
        try:
            await again.until(lambda: again.adopted.status is S.PARTIALLY_FILLED)
            again.fill_part(order, 1)
            await again.until(lambda: again.adopted.filled == early + lot)
            assert again.ours(key) == again.held(key) == early + lot
            assert (await again.say(f"cancel {again.adopted.number}")).ok
            await again.until(lambda: again.adopted.status is S.CANCELED)
            assert not again.exchange.accounts.orders.open_orders(1)
            await again.until(lambda: not again.listed)
            assert len(again.exchange.accounts.orders.orders(1)) == before
        finally:
            await again.close()
    await verified(tmp_path)


@pytest.mark.parametrize("venue", VENUES)
async def test_orders_of_others_are_closed_or_ignored_and_a_revived_one_is_canceled_again(
    venue: str, tmp_path: Path
) -> None:
    async with trading(venue, tmp_path, MarketKind.LINEAR) as world:
        (key,) = world.keys
        closed = world.place(key)
        await world.until(lambda: world.listed == [("foreign order", False)])
        assert (await world.say("reconcile close 1")).ok
        await world.until(lambda: not closed.is_open and not world.listed)
        await world.until(lambda: any("at the venue: foreign order" in text for text in world.told))

        world.engine.go_live("test")
        sent = world.engine.submit(
            OrderRequest(key=key, side=Side.BUY, quantity=world.size(key), price=world.far(key), type=OrderType.LIMIT)
        )
        assert sent.order is not None, sent.refusal
        mine = sent.order.client_id
        await world.until(lambda: world.engine.oms.orders[mine].status is S.NEW)
        (there,) = world.exchange.accounts.orders.open_orders(1)
        tracked = world.engine.executor.tracker.orders[mine]  # type: ignore[attr-defined]
        tracked.ended, tracked.end_ns = True, 1
        world.engine.apply_all([OrderCanceled(mine, world.engine.clock.now_ns(), "a false word")])
        await world.until(lambda: world.listed == [("order over here, working there", False)])
        assert (await world.say("reconcile adopt 2")).code == "not_allowed"
        shown = world.desk.preview(world.client, "reconcile apply", Context())
        assert shown.ok and "2 CLOSE order over here" in shown.lines[0], "the settings' rule"
        assert there.is_open, "showing is not doing"
        assert (await world.say("reconcile apply")).ok
        await world.until(lambda: not there.is_open and not world.listed)

        kept = world.place(key)
        await world.until(lambda: world.listed == [("foreign order", False)])
        assert (await world.say("reconcile ignore 3")).ok
        assert world.listed == [("foreign order", True)]
        assert (await world.say("reconcile apply")).code == "no_difference"
        await world.close()

        again = Trading(world.exchange, venue, tmp_path)
        await again.open()
        try:
            await again.until(lambda: again.listed == [("foreign order", True)])
            assert not any(text.startswith("difference:") for text in again.told), "ignored is told no more"
            assert kept.is_open
        finally:
            await again.close()
    await verified(tmp_path)


@pytest.mark.parametrize("venue", VENUES)
async def test_positions_are_ignored_adopted_or_closed_to_what_was_ours(venue: str, tmp_path: Path) -> None:
    async with trading(venue, tmp_path, MarketKind.LINEAR) as world:
        (key,) = world.keys
        first = world.trade(key, Side.BUY)
        await world.until(lambda: world.listed == [("position", False)])
        assert (await world.say("reconcile ignore 1")).ok and world.listed == [("position", True)]
        second = world.trade(key, Side.BUY)
        await world.until(lambda: world.listed == [("position", False)])  # apart by more: another one
        assert (await world.say("reconcile apply")).ok
        await world.until(lambda: world.ours(key) == first + second == world.held(key))
        await world.until(lambda: not world.listed)
        entry = world.exchange.accounts.positions.view(1, key).entry
        ours = world.engine.portfolio.position(key).average_entry
        assert abs(ours - entry) <= entry / 1_000_000, "the entry price is the venue's"

        third = world.trade(key, Side.BUY)
        await world.until(lambda: world.listed == [("position", False)])
        (number,) = [each.number for each in world.engine.settling.listed()]  # type: ignore[union-attr]
        locked = await world.say(f"reconcile close {number}")
        assert locked.ok
        await world.until(lambda: any("not closed, live trading is locked" in text for text in world.told))
        assert world.held(key) == first + second + third and world.ours(key) == first + second
        world.engine.go_live("test")
        assert (await world.say(f"reconcile close {number}")).ok
        await world.until(lambda: world.held(key) == first + second == world.ours(key))
        await world.until(lambda: not world.listed)
        assert [order.reduce_only for order in world.engine.oms.orders.values()] == [True]

        gone = world.trade(key, Side.SELL)
        await world.until(lambda: world.listed == [("position", False)])
        (number,) = [each.number for each in world.engine.settling.listed()]  # type: ignore[union-attr]
        refused = await world.say(f"reconcile close {number}")
        assert not refused.ok and "holds less than our books" in refused.lines[0]
        assert (await world.say(f"reconcile adopt {number}")).ok
        await world.until(lambda: world.ours(key) == first + second - gone == world.held(key))
        panel = await world.say("account")
        assert panel.ok and panel.data is not None
        (row,) = list(panel.data["positions"])  # type: ignore[call-overload]
        assert Decimal(row["quantity"]) == world.held(key)
        margin = world.exchange.accounts.positions.margin(1, world.exchange.listings[0].instrument.settle)
        wallet, profit = Decimal(str(panel.data["equity"])), Decimal(str(panel.data["open_profit"]))
        assert abs(wallet - profit - margin.wallet) <= 5, "open profit is counted once"
        await world.close()

        again = Trading(world.exchange, venue, tmp_path)
        await again.open()
        try:
            assert again.ours(key) == again.held(key)
            await again.until(lambda: again.engine.executor.account_heard_ns)
            assert not again.listed
        finally:
            await again.close()
    await verified(tmp_path)


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_adopted_after_the_position_counts_its_earlier_fills_once(venue: str, tmp_path: Path) -> None:
    async with trading(venue, tmp_path, MarketKind.LINEAR) as world:
        (key,) = world.keys
        order = world.place(key)
        world.fill_part(order, order.quantity // 2)
        early = order.filled * world.lot(key)
        await world.until(lambda: sorted(world.listed) == [("foreign order", False), ("position", False)])
        numbers = {each.kind: each.number for each in world.engine.settling.listed()}  # type: ignore[union-attr]
        assert (await world.say(f"reconcile adopt {numbers['position']}")).ok
        await world.until(lambda: world.ours(key) == early)
        assert (await world.say(f"reconcile adopt {numbers['foreign order']}")).ok
        await world.until(lambda: not world.listed)
        assert (world.adopted.filled, world.ours(key)) == (early, early)
        world.fill_part(order, 1)
        await world.until(lambda: world.adopted.filled == early + world.lot(key))
        assert world.ours(key) == world.held(key)
    await verified(tmp_path)


@pytest.mark.parametrize("venue", VENUES)
async def test_a_holding_that_shrank_elsewhere_is_ignored_or_taken_as_it_is(venue: str, tmp_path: Path) -> None:
    async with trading(venue, tmp_path, MarketKind.SPOT) as world:
        (key,) = world.keys
        base = world.exchange.listings[0].instrument.base
        have = world.exchange.accounts.holding(1, base).total
        world.engine.portfolio.adopt(
            PositionAdopted(
                ts=1,
                key=key,
                quantity=have + 1,
                average_entry=Decimal(100),
                realized=Decimal(0),
                until=0,
                source="test",
            )
        )
        await world.until(lambda: world.listed == [("holding", False)])
        refused = await world.say("reconcile close 1")
        assert not refused.ok and "say adopt or ignore" in refused.lines[0]
        assert (await world.say("reconcile ignore 1")).ok and world.listed == [("holding", True)]
        assert (await world.say("reconcile adopt 1")).ok
        await world.until(lambda: world.ours(key) == have)
        await world.until(lambda: not world.listed)
        assert not world.exchange.accounts.orders.orders(1)
