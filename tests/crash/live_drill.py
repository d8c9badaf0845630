"""The kill drill on a real account's line: the account is one of the embedded exchange, which goes on all the while.

The engine trades through the live executor; it is killed with SIGKILL, its resting orders are filled and canceled at
the exchange while it is down, and it starts again on the same journal. A restart may place and cancel nothing, and
after it has reconciled, its orders, fills and positions must be the exchange's.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from jackbot_tui.desk.views import Context, Reply, Role
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.link.client import LinkClient
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.errors import LinkError
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.crash.drill import start_engine
from tests.gateway_world import relaxed

PATIENCE_S = 60.0
"""Beyond the time after which a venue can no longer take a request in: an order is proven absent only then."""
S = OrderStatus
NEVER_SENT = (S.REJECTED, S.CANCELED)
"""What an order may be that the exchange never had: refused or proven lost, or canceled here before it left."""

UNSETTLED = (S.PENDING_NEW, S.PENDING_CANCEL, S.PENDING_REPLACE, S.PENDING_UNKNOWN)


class LiveDrill:
    """One account, one journal, any number of engine processes after one another."""

    def __init__(self, directory: Path, exchange: SimExchange, venue: str, seed: int) -> None:
        self.directory, self.exchange, self.venue, self.seed = directory, exchange, venue, seed
        self.rng = random.Random(seed)
        self.kills = 0
        self.placed_by_restarts = 0

    @property
    def orders(self) -> int:
        """Orders that the exchange has ever had from this account."""
        return len(self.exchange.accounts.orders.orders(1))

    @asynccontextmanager
    async def engine(self, die_at: int = 0) -> AsyncIterator[tuple[asyncio.subprocess.Process, LinkClient]]:
        """An engine process and a client of it, until the block ends; the process is killed then if it still runs."""
        front = self.exchange.front
        live = {
            "addresses": self.exchange.ccxt_urls,
            "credentials": front.credentials(self.exchange.accounts.keys.of(1)),
        }
        process = await start_engine(
            self.directory, self.exchange, self.seed, venue=self.venue, live=live, die_at=die_at
        )
        client = LinkClient(self.directory / "engine.sock", Role.CTL, "drill")
        try:
            yield process, client
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await client.close()

    async def say(self, client: LinkClient, line: str, key: str = "") -> Reply:
        return await client.execute(line, Context(key=key or self.keys[0]), confirmed=True)

    @property
    def keys(self) -> list[str]:
        return [listing.key for listing in self.exchange.listings]

    async def reconciled(self, process: asyncio.subprocess.Process, client: LinkClient) -> bool:
        """Until the engine has heard of the account, has no unknown order and no difference; False when it died."""
        with contextlib.suppress(LinkError):
            await until(lambda: self.agrees(client), lambda: process.returncode is not None, self.venue)
        return process.returncode is None

    async def agrees(self, client: LinkClient) -> bool:
        if not client.connected:
            try:
                await client.connect()
            except LinkError:
                return False
        reply = await self.say(client, "reconcile")
        return reply.data == {"live": True, "heard": True, "differences": []} and await self._holds_the_truth(client)

    async def _holds_the_truth(self, client: LinkClient) -> bool:
        """Working orders and positions as the exchange has them."""
        to_wire = load_dialect(self.venue).client_ids.to_wire
        shown = (await self.say(client, "orders")).data or {}
        listed = shown["orders"]
        assert isinstance(listed, list)
        ours = {to_wire(str(order["client_id"])) for order in listed}
        theirs = {order.client_id for order in self.exchange.accounts.orders.open_orders(1)}
        held = (await self.say(client, "positions")).data or {}
        positions = held["positions"]
        assert isinstance(positions, list)
        quantities = {str(each["key"]): Decimal(str(each["quantity"])) for each in positions}
        return ours == theirs and all(
            quantities.get(key, Decimal(0)) == self.exchange.accounts.positions.view(1, key).quantity
            for key in self.keys
            if key.endswith((":USDT", ":USDC", ":USD"))
        )

    def meanwhile(self) -> None:
        """While the engine is down: one of its resting orders is canceled, another filled, as others would."""
        accounts = self.exchange.accounts
        resting = [order for order in accounts.orders.open_orders(1) if not order.waiting]
        self.rng.shuffle(resting)
        if resting:
            accounts.cancel(resting.pop())
        if resting:
            order = resting.pop()
            engine, now = self.exchange.engines[order.key], self.exchange.timeline.elapsed_ns
            engine.submit(order.side.opposite, order.remaining, order.price, now=now)

    async def trade(self, client: LinkClient) -> None:
        """Random lines until the engine is gone."""
        rng, own = self.rng, list[int]()
        while True:
            key = rng.choice(self.keys)
            size = self.size(key)
            side = rng.choice(["buy", "sell"]) if ":" in key.partition(":")[2] else "buy"
            lines = [
                f"{side} {size} @ {'bid' if side == 'buy' else 'ask'} post",
                f"{side} {size} @ {'bid-40t' if side == 'buy' else 'ask+40t'}",
                f"{side} {size} @ {'ask+3t' if side == 'buy' else 'bid-3t'} ioc",
                f"cancel #{rng.choice(own)}" if own else "cancel all",
                "cancel all",
            ]
            reply = await self.say(client, rng.choices(lines, (30, 30, 20, 15, 5))[0], key)
            order = (reply.data or {}).get("order")
            if isinstance(order, dict):
                own.append(int(order["number"]))

    def size(self, key: str) -> str:
        listing = next(each for each in self.exchange.listings if each.key == key)
        instrument = listing.instrument
        price = (self.exchange.engines[key].best_bid or 0) * instrument.tick
        return str((Decimal(300) / price // instrument.lot + 1) * instrument.lot)

    async def lets_orders_through(self, client: LinkClient) -> bool:
        """Every market's stream is open: an order of each is taken."""
        for key in self.keys:
            reply = await self.say(client, f"buy {self.size(key)} @ bid-40t", key)
            if reply.code == "engine_unhealthy":
                return False
        return True

    async def check_the_journal(self) -> list[str]:
        """At rest: every order of the exchange is in the journal with its fills, and the other way round."""
        to_wire = load_dialect(self.venue).client_ids.to_wire
        journal = await SqliteJournal.open(self.directory / "journal.sqlite3", SystemClock())
        try:
            problems = [f"verify: {line}" for line in await journal.verify()]
            ours = {to_wire(order.client_id): order for order in await journal.all_orders()}
            fills = await journal.all_fills()
        finally:
            await journal.close()
        theirs = {order.client_id: order for order in self.exchange.accounts.orders.orders(1)}
        problems += [f"{name} is at the exchange and not in the journal" for name in theirs.keys() - ours.keys()]
        for name, order in ours.items():
            there = theirs.get(name)
            lot = next(each for each in self.exchange.listings if each.key == order.key).instrument.lot
            if order.status in UNSETTLED:
                problems.append(f"{name} is still {order.status.value}")
            elif there is None and (order.status not in NEVER_SENT or order.filled):
                problems.append(f"{name} never reached the exchange and is {order.status.value}")
            elif there is not None and (order.is_open, order.filled) != (there.is_open, there.filled * lot):
                mine = f"ours {order.status.value} {order.filled}"
                problems.append(f"{name}: {mine}, theirs {there.status.value} {there.filled * lot}")
        times = Counter((fill.key, fill.trade_id) for fill in fills)  # trade ids are a market's own
        problems += [f"fill {place} is in the journal {count} times" for place, count in times.items() if count > 1]
        if len(fills) != len(self.exchange.accounts.orders.fills(1)):
            problems.append(f"{len(fills)} fills in the journal, {len(self.exchange.accounts.orders.fills(1))} made")
        return problems

    async def restart_and_check(self) -> None:
        """Start again: nothing may be placed, and everything must come to agree. Then an orderly end."""
        before = self.orders
        async with self.engine() as (process, client):
            assert await self.reconciled(process, client), "the engine ended by itself"
            self.placed_by_restarts += self.orders - before
            await self.say(client, "cancel all")
            await until(lambda: self.agrees(client), lambda: process.returncode is not None, self.venue)
            with contextlib.suppress(LinkError):
                await self.say(client, "quit")
            await process.wait()


async def until(condition: Callable[[], Awaitable[bool]], over: Callable[[], bool], venue: str) -> None:
    """Ask again and again until it holds, or until ``over``."""
    async with asyncio.timeout(PATIENCE_S + load_dialect(venue).settle_s):
        while not over() and not await condition():  # noqa: ASYNC110 - another process can only be asked
            await asyncio.sleep(0.05)


def exchange(venue: str, seed: int) -> SimExchange:
    """Spot and a perpetual of one venue where it has both, one account."""
    front = front_of(venue)
    by_kind = {listing.instrument.kind: listing.instrument.symbol for listing in reversed(front.LISTINGS)}
    return SimExchange(
        sorted(by_kind.values()), venue=venue, seed=seed, volatility=0.5, accounts=1, limits=relaxed(front)
    )


async def random_kills(directory: Path, venue: str, kills: int, seed: int) -> LiveDrill:
    """Kill a trading engine at random moments; each time restart, reconcile, and hold all against the truth."""
    async with exchange(venue, seed) as world:
        drill = LiveDrill(directory, world, venue, seed)
        for _ in range(kills):
            async with drill.engine() as (process, client):
                assert await drill.reconciled(process, client)
                await drill.say(client, "live")
                await until(lambda: drill.lets_orders_through(client), lambda: process.returncode is not None, venue)
                trading = asyncio.create_task(drill.trade(client))
                await asyncio.sleep(drill.rng.uniform(0.05, 0.8))
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
                trading.cancel()
                await asyncio.gather(trading, return_exceptions=True)
            drill.kills += 1
            drill.meanwhile()
            await drill.restart_and_check()
            problems = await drill.check_the_journal()
            assert not problems, f"after kill {drill.kills}: {problems}"
        return drill


SCRIPT = (
    "buy {size} @ bid-40t",
    "sell {size} @ ask+40t",
    "buy {size} @ ask+3t ioc",
    "cancel #1",
    "flatten",
    "cancel all",
)


async def kill_at_record(directory: Path, venue: str, record: int, seed: int) -> bool:
    """Run a fixed script that dies when it has appended ``record`` records; False when the script ended before."""
    async with exchange(venue, seed) as world:
        drill = LiveDrill(directory, world, venue, seed)
        finished = False
        async with drill.engine(die_at=record) as (process, client):
            with contextlib.suppress(LinkError):
                if await drill.reconciled(process, client):
                    await drill.say(client, "live")
                    for line in SCRIPT:
                        await drill.say(client, line.format(size=drill.size(drill.keys[0])))
                    await until(lambda: drill.agrees(client), lambda: process.returncode is not None, venue)
                    finished = process.returncode is None
        drill.meanwhile()
        await drill.restart_and_check()
        assert drill.placed_by_restarts == 0
        problems = await drill.check_the_journal()
        assert not problems, f"killed at record {record}: {problems}"
        return not finished
