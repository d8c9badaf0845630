"""The kill drill of parent orders: some of each kind at work, kill -9 at a random moment, every restart policy.

All facts come from the journal, read while no engine runs, and from the engine's own list of parent orders, asked over
its socket. With ``live`` the engine trades an account of the embedded exchange through ccxt; else it is on paper.
"""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Kind
from jackbot_tui.desk.views import Context, Reply, Role
from jackbot_tui.journal.report import JournalReader
from jackbot_tui.link.client import LinkClient
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import LinkError
from jackbot_tui.model.numbers import ZERO, round_down, round_up, text_of
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.crash.drill import start_engine
from tests.gateway_world import relaxed

KINDS = tuple(kind for kind, algorithm in ALGORITHMS.items() if not algorithm.sizes_itself)
SYMBOLS = ["BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BTC/USDT", "ETH/USDT"]
JACKPOT_SYMBOLS = ["BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"]
"""There is one jackpot at most for an instrument: it has the whole position."""

PATIENCE_S = 150.0
RESTED_S = 6.0
"""How long parents go on by themselves after a restart before those that only rest are finished by hand."""

BY_ITSELF = frozenset({"maker", "chase", "twap", "vwap"})


class Told(Struct, frozen=True):
    """One parent order by the journal: its newest state, and what its orders really filled."""

    kind: str
    quantity: Decimal
    status: str
    reason: str
    is_open: bool
    counted: tuple[Decimal, Decimal]
    filled: tuple[Decimal, Decimal]
    """Entry and exit leg."""


class Report(Struct):
    """What a drill came to."""

    started: int = 0
    kills: int = 0
    open_at_kills: int = 0
    orders: int = 0
    fills: int = 0
    ends: Counter[str] = Counter()

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {status}" for status, count in sorted(self.ends.items()))
        return (
            f"{self.kills} kills, {self.started} parents, {self.open_at_kills} of them open at the kills,"
            f" {self.orders} children, {self.fills} fills: {ends}"
        )


class ParentsDrill:
    """One journal, one exchange, any number of engine processes after one another."""

    def __init__(self, directory: Path, exchange: SimExchange, seed: int, *, live: bool) -> None:
        self.directory, self.exchange, self.seed, self.is_live = directory, exchange, seed, live
        self.rng = random.Random(seed)
        self.report = Report(ends=Counter())

    @property
    def journal(self) -> Path:
        return self.directory / "journal.sqlite3"

    # ------------------------------------------------------------------ the engine

    @asynccontextmanager
    async def engine(self, restart: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, LinkClient]]:
        """An engine process that may trade, and a client of it; killed when the block ends, if it still runs."""
        live = None
        if self.is_live:
            credentials = self.exchange.front.credentials(self.exchange.accounts.keys.of(1))
            live = {"addresses": self.exchange.ccxt_urls, "credentials": credentials}
        more = {} if live is None else {"live": live, "venue": self.exchange.venue}
        process = await start_engine(self.directory, self.exchange, self.seed, restart=restart, **more)
        client = LinkClient(self.directory / "engine.sock", Role.CTL, "drill")
        try:
            await self.until(lambda: self._ready(client), process)
            yield process, client
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await client.close()

    async def _ready(self, client: LinkClient) -> bool:
        try:
            if not client.connected:
                await client.connect()
            shown = await self.say(client, "reconcile") if self.is_live else None
            books = await self.say(client, "status")
        except LinkError:
            return False
        if shown is not None and not (shown.data or {}).get("heard"):
            return False
        return json.dumps(books.data).count('"live"') >= len(self.exchange.listings) if books.data else False

    async def say(self, client: LinkClient, line: str, key: str = "") -> Reply:
        return await client.execute(line, Context(key=key or self.key(SYMBOLS[0])), confirmed=True)

    async def until(
        self,
        condition: Callable[[], Awaitable[bool]],
        process: asyncio.subprocess.Process,
        why: Callable[[], object] = str,
    ) -> None:
        """Ask again and again until it holds."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await condition():
                    assert process.returncode is None, "the engine ended by itself"
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(why()) from None

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        self.report.kills += 1

    async def parents(self, client: LinkClient) -> dict[int, dict[str, object]]:
        """What the engine tells of its parents, by number."""
        reply = await self.say(client, "parents")
        listed = (reply.data or {})["parents"]
        assert isinstance(listed, list)
        return {each["number"]: each for each in listed}

    # ------------------------------------------------------------------ what is started

    def key(self, symbol: str) -> str:
        return f"{self.exchange.venue}:{symbol}"

    def lines(self, each: int) -> list[tuple[str, str]]:
        """``each`` parents of every kind: key and line, over all symbols, in random order. All of them buy."""
        made: list[tuple[str, str]] = []
        for n in range(each):
            for place, kind in enumerate(KINDS):
                symbol = SYMBOLS[(n + place) % len(SYMBOLS)]
                made.append((self.key(symbol), self._line(kind, symbol)))
        self.rng.shuffle(made)
        return made

    def _line(self, kind: Kind, symbol: str) -> str:
        instrument, book = self.exchange.listing(symbol).instrument, self.exchange.engine(symbol)
        assert book.best_bid is not None and book.best_ask is not None
        touches = {Side.BUY: book.best_bid * instrument.tick, Side.SELL: book.best_ask * instrument.tick}

        def at(bp: int) -> str:
            base = touches[Side.BUY if bp < 0 else Side.SELL]
            price = base * (1 + Decimal(bp) / 10_000)
            tick = instrument.tick_at(price)
            return text_of(round_down(price, tick) if bp < 0 else round_up(price, tick))

        least = max(round_up(max(instrument.min_notional, Decimal(30)) / touches[Side.BUY], instrument.lot) * 2,
                    instrument.min_qty, instrument.lot)  # fmt: skip
        one, three = text_of(least), text_of(least * 3)
        match kind:
            case Kind.MAKER:
                return f"maker buy {three} limit={at(60)} interval=300ms"
            case Kind.CHASE:
                return f"chase buy {one} limit={at(60)} patience=4s"
            case Kind.ICEBERG:
                return f"iceberg buy {three} limit={at(-8)} show={one} post=off"
            case Kind.SCALE:
                return f"scale buy {three} into 3 from {at(-4)} to {at(-20)}"
            case Kind.BRACKET:
                return f"bracket buy {one} entry={at(6)} target={at(80)} stop={at(-80)}"
            case Kind.SMART:
                return f"smart buy {three} tp 0.6%:50% 1% sl 0.6%:50% 1%"
            case Kind.OCO:
                return f"oco buy {one} target={at(-60)} stop={at(60)}"
            case Kind.PROPHET:
                return f"prophet buy {one} @ {at(-12)}"
            case Kind.TWAP | Kind.VWAP:
                over = "60s" if self.is_live else "8s"  # a live engine takes longer to come back
                return f"{kind.value} buy {three} over {over} slices=3 limit={at(60)}"
        raise AssertionError(kind)

    async def go_live(self, client: LinkClient) -> None:
        """A live line sends nothing before a person has said so, after every start."""
        if self.is_live:
            assert (await self.say(client, "live")).ok

    async def start_all(self, client: LinkClient, each: int) -> None:
        await self.go_live(client)
        for key, line in self.lines(each):
            async with asyncio.timeout(PATIENCE_S):
                while not (reply := await self.say(client, line, key)).ok:  # the line opens, or is away for a moment
                    assert self.is_live and "no new orders" in reply.lines[0], f"{line} {key}: {reply.lines}"
                    await asyncio.sleep(0.05)
            self.report.started += 1

    # ------------------------------------------------------------------ what the journal knows

    def told(self) -> dict[int, Told]:
        """Every parent of the journal by number. No engine may run."""
        started: dict[str, dict[str, object]] = {}
        moved: dict[str, dict[str, object]] = {}
        executed: dict[tuple[str, str], Decimal] = {}
        with JournalReader(self.journal) as reader:
            assert reader.verify() == []
            for entry in reader.log():
                body = json.loads(entry.body)
                if entry.kind == "parent_started":
                    assert body["parent_id"] not in started, f"{body['parent_id']} was started twice"
                    started[body["parent_id"]] = body
                elif entry.kind == "parent_moved":
                    moved[body["parent_id"]] = body
                elif entry.kind == "filled":
                    trade = (body["client_id"], body["trade_id"])
                    assert trade not in executed, f"fill {trade} is in the journal twice"
                    executed[trade] = Decimal(body["quantity"])
            orders = {order.client_id: order for order in reader.orders()}
        self.report.orders, self.report.fills = len(orders), len(executed)
        done: dict[tuple[str, str], Decimal] = {}
        for (client_id, _), quantity in executed.items():
            order = orders[client_id]
            place = (order.parent_id, order.tag[:1])
            done[place] = done.get(place, ZERO) + quantity
        slots = Counter((order.parent_id, order.tag) for order in orders.values() if order.is_open and order.parent_id)
        assert not [slot for slot, count in slots.items() if count > 1], "two orders in one slot"
        found: dict[int, Told] = {}
        for parent_id, start in started.items():
            move = moved.get(parent_id)
            state = json.loads(str(move["state"])) if move is not None else {}
            legs = [Decimal(str(state[leg]["filled"])) if state else ZERO for leg in ("entry", "exit")]
            real = (done.get((parent_id, "e"), ZERO), done.get((parent_id, "x"), ZERO))
            quantity = Decimal(str(state["quantity"] if state else start["quantity"]))
            told = found[int(str(start["number"]))] = Told(
                kind=str(start["kind"]),
                quantity=quantity,
                status=str(move["status"]) if move is not None else "running",
                reason=str(move["reason"]) if move is not None else "",
                is_open=bool(move["is_open"]) if move is not None else True,
                counted=(legs[0], legs[1]),
                filled=real,
            )
            assert told.filled[0] <= quantity and told.filled[1] <= told.filled[0], f"{parent_id}: {told}"
            assert told.counted[0] <= real[0] and told.counted[1] <= real[1], f"{parent_id} counted twice: {told}"
            if not told.is_open:
                assert told.counted == real, f"{parent_id} ended with other totals: {told}"
                left = [order for order in orders.values() if order.parent_id == parent_id and order.is_open]
                assert not left, f"{parent_id} has ended and #{left[0].number} is {left[0].status.value}"
        return found

    def newest_order(self) -> int:
        with JournalReader(self.journal) as reader:
            return max((order.number for order in reader.orders()), default=0)

    # ------------------------------------------------------------------ acts

    async def all_there(self, client: LinkClient, before: dict[int, Told], policy: str) -> None:
        """Those that were open at the kill are back, each once, with totals that go on from what was filled."""
        shown = await self.parents(client)
        wanted = {number for number, told in before.items() if told.is_open}
        assert wanted <= shown.keys() or policy != "wait", f"not back: {wanted - shown.keys()}"
        assert not [n for n in shown if not before[n].is_open], "one that had ended is back"
        for number in wanted & shown.keys():
            view, told = shown[number], before[number]
            assert (view["kind"], Decimal(str(view["quantity"]))) == (told.kind, told.quantity)
            assert Decimal(str(view["filled"])) >= told.filled[0], f"p{number} {view} {told}"
            if policy == "wait" and told.status not in ("paused", "stopping"):
                assert view["status"] in ("waiting", "done"), f"p{number} {view}"
            if policy == "resume":
                assert view["status"] != "waiting", f"p{number} {view}"

    async def resume_all(self, client: LinkClient) -> None:
        """Resume by hand all that wait."""
        for number, view in (await self.parents(client)).items():
            if view["status"] == "waiting":
                reply = await self.say(client, f"task resume {number}")
                assert reply.ok, f"{view} {reply}"

    async def end_all(self, client: LinkClient, process: asyncio.subprocess.Process) -> None:
        """Let them go on; finish by hand what only rests, cancel what waits for a far price. Until none is open."""
        loop = asyncio.get_running_loop()
        began, helped = loop.time(), set[int]()
        last: dict[int, dict[str, object]] = {}

        async def none_open() -> bool:
            nonlocal last
            last = {number: view for number, view in (await self.parents(client)).items() if view["is_open"]}
            if loop.time() - began > RESTED_S:
                for number, view in last.items():
                    if view["kind"] in BY_ITSELF or number in helped or view["status"] in ("finishing", "stopping"):
                        continue
                    helped.add(number)
                    verb = "cancel" if view["kind"] in ("prophet", "iceberg") else "finish"
                    await self.say(client, f"task {verb} {number}")
            return not last

        await self.until(none_open, process, lambda: list(last.values()))

    async def quit(self, client: LinkClient, process: asyncio.subprocess.Process) -> None:
        with suppress(LinkError):
            await self.say(client, "quit")
        await process.wait()


def exchange(seed: int, symbols: Sequence[str] = SYMBOLS, venue: str = "binance") -> SimExchange:
    return SimExchange(
        symbols, venue=venue, seed=seed, rate=3.0, volatility=1.0, accounts=1, limits=relaxed(front_of(venue))
    )


async def wait_then_resume(directory: Path, each: int, seed: int, *, live: bool = False) -> Report:
    """Killed at work, restarted with ``wait``: nothing is sent, and they stay so through another kill. Then resumed by
    hand, killed at work once more, and restarted with ``resume``: they go on to their end."""
    async with exchange(seed) as world:
        drill = ParentsDrill(directory, world, seed, live=live)
        async with drill.engine("wait") as (process, client):
            await drill.start_all(client, each)
            await asyncio.sleep(drill.rng.uniform(0.0, 1.0))
            await drill.kill(process)
        before, newest = drill.told(), drill.newest_order()
        drill.report.open_at_kills += sum(told.is_open for told in before.values())
        async with drill.engine("wait") as (process, client):
            await drill.all_there(client, before, "wait")
            await drill.kill(process)
        assert drill.newest_order() == newest, "a restart that waits has placed an order"
        before = drill.told()
        async with drill.engine("resume") as (process, client):
            await drill.all_there(client, before, "wait")
            await drill.go_live(client)
            await drill.resume_all(client)
            await asyncio.sleep(drill.rng.uniform(0.0, 1.0))
            await drill.kill(process)
        before = drill.told()
        drill.report.open_at_kills += sum(told.is_open for told in before.values())
        async with drill.engine("resume") as (process, client):
            await drill.all_there(client, before, "resume")
            await drill.go_live(client)
            await drill.end_all(client, process)
            await drill.quit(client, process)
        return settled(drill)


async def canceled(directory: Path, each: int, seed: int, *, live: bool = False) -> Report:
    """Killed at work, restarted with ``cancel``: all of them end by themselves and leave nothing open."""
    async with exchange(seed) as world:
        drill = ParentsDrill(directory, world, seed, live=live)
        async with drill.engine("cancel") as (process, client):
            await drill.start_all(client, each)
            await asyncio.sleep(drill.rng.uniform(0.0, 1.0))
            await drill.kill(process)
        before, newest = drill.told(), drill.newest_order()
        drill.report.open_at_kills += sum(told.is_open for told in before.values())
        async with drill.engine("cancel") as (process, client):
            last: dict[int, dict[str, object]] = {}

            async def none_open() -> bool:
                nonlocal last
                last = await drill.parents(client)
                return not [view for view in last.values() if view["is_open"]]

            await drill.until(none_open, process, lambda: list(last.values()))
            await drill.quit(client, process)
        after = drill.told()
        for number, told in before.items():
            if told.is_open:
                assert after[number].status in ("canceled", "done"), f"p{number}: {after[number]}"
        assert drill.newest_order() == newest, "a restart that cancels has placed an order"
        return settled(drill)


async def jackpots(directory: Path, seed: int) -> Report:
    """One jackpot on each perpetual, killed while they stand: they watch again at once, and can be closed."""
    async with exchange(seed, JACKPOT_SYMBOLS) as world:
        drill = ParentsDrill(directory, world, seed, live=False)
        async with drill.engine("wait") as (process, client):
            for symbol in JACKPOT_SYMBOLS:
                line, key = "jackpot long 20x ticket 100 slip=50 accept 100", drill.key(symbol)
                async with asyncio.timeout(PATIENCE_S):
                    while not (reply := await drill.say(client, line, key)).ok:  # until there is a mark
                        assert "mark" in reply.lines[0], reply.lines
                        await asyncio.sleep(0.05)
                drill.report.started += 1
            last: dict[int, dict[str, object]] = {}

            async def stand() -> bool:
                nonlocal last
                last = await drill.parents(client)
                return all(view["filled"] != "0" and view["orders"] for view in last.values())

            await drill.until(stand, process, lambda: list(last.values()))
            await asyncio.sleep(drill.rng.uniform(0.2, 1.0))
            await drill.kill(process)
        before = drill.told()
        assert any(told.is_open for told in before.values()), before
        drill.report.open_at_kills += sum(told.is_open for told in before.values())
        async with drill.engine("wait") as (process, client):
            shown = await drill.parents(client)
            assert shown.keys() == {number for number, told in before.items() if told.is_open}
            for number, view in shown.items():
                entered = before[number].filled[0] > ZERO  # a fill that was not durable yet never was, on paper
                assert view["status"] == "running" or not entered, f"a jackpot is not watched: {view}"
                assert Decimal(str(view["filled"])) == before[number].filled[0]
                assert (await drill.say(client, f"task finish {number}")).ok
            await drill.end_all(client, process)
            held = (await drill.say(client, "positions")).data or {}
            positions = held["positions"]
            assert isinstance(positions, list)
            assert not [each for each in positions if Decimal(str(each["quantity"]))]
            await drill.quit(client, process)
        return settled(drill)


def settled(drill: ParentsDrill) -> Report:
    """At rest: none is open, nothing is left at the exchange, and on a live account its fills are the journal's.

    A schedule whose time ran out while the engine was down, or waited, ends with what is left and says so.
    """
    after = drill.told()
    assert not [number for number, told in after.items() if told.is_open]
    for number, told in after.items():
        drill.report.ends[told.status] += 1
        late = told.kind in ("twap", "vwap") and told.status == "failed" and "time is up" in told.reason
        assert told.status in ("done", "canceled") or late, f"p{number}: {told}"
    if drill.is_live:
        accounts = drill.exchange.accounts.orders
        assert accounts.open_orders(1) == []
        assert len(accounts.fills(1)) == drill.report.fills
    return drill.report
