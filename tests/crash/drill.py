"""The kill drill: an engine on the embedded exchange is killed with SIGKILL at random moments while orders flow.

The embedded exchange goes on all the while, in the process of the drill. A driver talks to the engine over its socket
like any client and keeps a ledger of everything it was told: answers to order lines and pushed notices. After each
kill the journal is opened and compared with the ledger; then the engine starts again on the same journal.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from jackbot_tui.desk.views import Context, Notice, Reply, Role, ViewRequest
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.link.client import LinkClient
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import BookState, OrderStatus
from jackbot_tui.model.errors import LinkError
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.limits import Limits, SocketLimits
from tests.crash.places import KEYS, SYMBOLS

START_TIMEOUT_S = 30.0
ENDS = {
    "canceled": {OrderStatus.CANCELED},
    "rejected": {OrderStatus.REJECTED},
    "expired": {OrderStatus.EXPIRED},
}


@dataclass
class Ledger:
    """What the engine told us, so what may never be lost."""

    answered: set[int] = field(default_factory=set)  # order numbers named in answers
    fills: Counter[str] = field(default_factory=Counter)  # text of each fill notice -> times told
    ends: dict[int, str] = field(default_factory=dict)  # order number -> kind of its last notice
    lines: int = 0
    kills: int = 0
    problems: list[str] = field(default_factory=list)


def exchange(seed: int) -> SimExchange:
    """The embedded exchange without its limits on connections and weight: a drill restarts more often than a trader."""
    often = SocketLimits(ping_interval_s=20, pong_timeout_s=60, messages_per_s=50, connections_per_5min=1_000_000)
    limits = Limits(spot_socket=often, linear_socket=often, spot_weight=10_000_000, linear_weight=10_000_000)
    return SimExchange(SYMBOLS, seed=seed, volatility=3.0, limits=limits)


async def start_engine(directory: Path, world: SimExchange, seed: int, **more: object) -> asyncio.subprocess.Process:
    """``more`` goes into the child's job (see ``engine_child``)."""
    symbols = [listing.instrument.symbol for listing in world.listings]
    job = json.dumps({"endpoints": world.endpoints, "symbols": symbols, **more})
    child = [sys.executable, "-m", "tests.crash.engine_child", str(directory), str(seed), job]
    with (directory / "engine.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(*child, stdout=log, stderr=log)


async def wait_until_live(client: LinkClient) -> None:
    """Until both books may price an order."""
    async with asyncio.timeout(START_TIMEOUT_S):
        while True:
            with contextlib.suppress(LinkError):
                if not client.connected:
                    await client.connect()
                picture = await client.pull(ViewRequest(key=KEYS[0], levels=1))
                if len(picture.symbols) == len(KEYS) and all(s.state == BookState.LIVE for s in picture.symbols):
                    return
            await asyncio.sleep(0.02)


class Driver:
    """A busy, clumsy trader: random lines, and a ledger of what was answered."""

    def __init__(self, client: LinkClient, watcher: LinkClient, ledger: Ledger, rng: random.Random) -> None:
        self._client = client
        self._watcher = watcher
        self._ledger = ledger
        self._rng = rng
        self._numbers: list[int] = []

    async def trade(self) -> None:
        """Send lines until the engine is gone."""
        while True:
            await asyncio.gather(*(self._say(self._line()) for _ in range(self._rng.randint(1, 8))))

    async def listen(self) -> None:
        async for notice in self._watcher.notices():
            self._note(notice)

    def _note(self, notice: Notice) -> None:
        if notice.kind == "filled":
            self._ledger.fills[f"{notice.text}|{notice.ts}"] += 1
        if notice.kind in ("filled", "canceled", "rejected", "expired", "accepted") and notice.number:
            self._ledger.ends[notice.number] = notice.kind

    def _line(self) -> tuple[str, str]:
        rng = self._rng
        key = rng.choice(KEYS)
        size = rng.choice(["0.002", "0.01", "0.05"])
        side = rng.choice(["buy", "sell"]) if key == KEYS[0] else "buy"
        choice = rng.random()
        if choice < 0.35:
            return key, f"{side} {size} mkt"
        if choice < 0.6:
            return key, f"{side} {size} @ {'bid' if side == 'buy' else 'ask'} post"
        if choice < 0.75:
            return key, f"{side} {size} @ {'bid-9t' if side == 'buy' else 'ask+9t'}"
        if choice < 0.9 and self._numbers:
            return key, f"cancel #{rng.choice(self._numbers[-20:])}"
        return key, rng.choice(["cancel all", "flatten", "cancel buys"])

    async def _say(self, what: tuple[str, str]) -> None:
        key, line = what
        reply = await self._client.execute(line, Context(key=key), confirmed=True)
        self._ledger.lines += 1
        for number in numbers_in(reply):
            self._ledger.answered.add(number)
            self._numbers.append(number)


def numbers_in(reply: Reply) -> list[int]:
    """Order numbers that an answer to an order line acknowledges."""
    if not reply.ok or not reply.data:
        return []
    return [int(number) for number in re.findall(r'"number": ?(\d+)', json.dumps(reply.data))]


async def check_journal(path: Path, ledger: Ledger) -> None:
    """Everything told is in the journal, once; the projections equal a replay of the log."""
    journal = await SqliteJournal.open(path, SystemClock())
    try:
        problems = [f"verify: {line}" for line in await journal.verify()]
        orders = {order.number: order for order in await journal.all_orders()}
        fills = await journal.all_fills()
    finally:
        await journal.close()
    problems += [f"order #{n} was acknowledged and is not in the journal" for n in ledger.answered - orders.keys()]
    for number, kind in ledger.ends.items():
        order = orders.get(number)
        if order is None:
            problems.append(f"order #{number} was told as {kind} and is not in the journal")
        elif kind in ENDS and order.status not in ENDS[kind]:
            problems.append(f"order #{number} was told as {kind} and is {order.status.value}")
    doubled = [trade_id for trade_id, times in Counter(fill.trade_id for fill in fills).items() if times > 1]
    problems += [f"fill {trade_id} is in the journal twice" for trade_id in doubled]
    told = sum(ledger.fills.values())
    if told > len(fills):
        problems.append(f"{told} fills were told, the journal holds {len(fills)}")
    problems += [f"fill told {times} times: {text}" for text, times in ledger.fills.items() if times > 1]
    ledger.problems += [f"after kill {ledger.kills}: {problem}" for problem in problems]


async def run_drill(directory: Path, kills: int, seed: int) -> Ledger:
    """Kill the engine ``kills`` times while orders flow; returns the ledger with every problem found."""
    rng = random.Random(seed)
    ledger = Ledger()
    async with exchange(seed) as venue:
        for _ in range(kills):
            engine = await start_engine(directory, venue, seed)
            client = LinkClient(directory / "engine.sock", Role.CTL, "drill")
            watcher = LinkClient(directory / "engine.sock", Role.WATCH, "drill")
            driver = Driver(client, watcher, ledger, rng)
            try:
                await wait_until_live(client)
                await watcher.connect()
                tasks = [asyncio.create_task(driver.trade()), asyncio.create_task(driver.listen())]
                await asyncio.sleep(rng.uniform(0.0, 0.6))
                os.kill(engine.pid, signal.SIGKILL)
                await engine.wait()
                for task in tasks:
                    task.cancel()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
                ledger.problems += [
                    f"driver: {outcome!r}"
                    for outcome in outcomes
                    if not isinstance(outcome, LinkError | asyncio.CancelledError | ExceptionGroup | type(None))
                ]
            finally:
                if engine.returncode is None:
                    engine.kill()
                    await engine.wait()
                await client.close()
                await watcher.close()
            ledger.kills += 1
            await check_journal(directory / "journal.sqlite3", ledger)
    return ledger
