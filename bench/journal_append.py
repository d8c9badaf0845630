"""Journal appends: group commit beside one transaction per event, on the same disk, in the same run.

Write-ahead log and fsync at every commit everywhere. ``sqlite3 inline`` does all the journal's work, log and tables,
with one transaction per event in the caller's thread; ``aiosqlite`` writes the log alone, one transaction per event.
The journal is driven by 1, 8 and 32 producers, each of which waits until its record is durable before it makes the
next one, and by one that does not wait, as an engine does. A second table adds a pause to every commit, in all rows
alike, as a slow card would.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import aiosqlite
from msgspec import Struct

from bench.report import Options, Report, Table, machine
from jackbot_tui.journal.encoding import checked_text
from jackbot_tui.journal.schema import prepare_database, prepare_file
from jackbot_tui.journal.store import LogWriter, Pending, SqliteJournal
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import Liquidity, OrderType, Side, TimeInForce
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.model.orders import Order, OrderAccepted, OrderFilled
from jackbot_tui.model.records import OrderSubmitted, Record

PRODUCERS = (1, 8, 32)
EVENTS = 20_000
"""Events of the fastest rows; slower ones get fewer, so that all take about a second."""

SLOW_CARD_S = 0.010
SLOW_EVENTS = 1_000


class Measured(Struct, frozen=True):
    """``waits_s``: from append to durable, sorted."""

    name: str
    events_per_s: float
    waits_s: list[float]

    def wait_ms(self, fraction: float) -> float:
        return self.waits_s[min(len(self.waits_s) - 1, int(fraction * len(self.waits_s)))] * 1e3


def life_of_orders() -> Iterator[Record]:
    """Records as paper trading makes them: an order, its acknowledgement, two fills."""
    number, ts = 0, time.time_ns()
    while True:
        number += 1
        name = client_order_id("manual", "test", number)
        side = Side.BUY if number % 2 else Side.SELL
        order = Order(
            number=number, client_id=name, key="binance:BTC/USDT:USDT", side=side, quantity=Decimal("0.5"),
            type=OrderType.LIMIT, price=Decimal("61000.5"), tif=TimeInForce.GTC, post_only=False, reduce_only=False,
            owner="manual", source="ui", parent_id="", tag="", created_ns=ts, updated_ns=ts,
        )  # fmt: skip
        yield OrderSubmitted(ts, order)
        yield OrderAccepted(name, ts, f"v{number}")
        for part, quantity in enumerate(("0.2", "0.3")):
            price, fee = Decimal(61000 + number % 7), Decimal("2.44")
            yield OrderFilled(name, ts, f"t{number}-{part}", price, Decimal(quantity), Liquidity.MAKER, fee, "USDT")


def inline(directory: Path, events: int) -> Measured:
    """One transaction per event, in the caller's thread; one producer, since there is nothing to share."""
    path = prepare_file(directory / "inline.sqlite3")
    waits = []
    with closing(sqlite3.connect(path, isolation_level=None, cached_statements=256)) as connection:
        prepare_database(connection, path)
        connection.execute("PRAGMA wal_autocheckpoint = 1000")
        writer = LogWriter()
        started = time.perf_counter()
        for seq, record in enumerate(islice(life_of_orders(), events), 1):
            begun = time.perf_counter()
            writer.commit(connection, [Pending(seq, record, checked_text(record))])
            waits.append(time.perf_counter() - begun)
        took = time.perf_counter() - started
    return Measured("sqlite3 inline, 1 event a transaction", events / took, sorted(waits))


async def one_by_one(directory: Path, events: int) -> Measured:
    """The log alone through aiosqlite's own calls, one transaction per event."""
    path = prepare_file(directory / "aiosqlite.sqlite3")
    waits = []
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, body TEXT)")
        started = time.perf_counter()
        for seq, record in enumerate(islice(life_of_orders(), events), 1):
            begun = time.perf_counter()
            await connection.execute("INSERT INTO log VALUES (?, ?)", (seq, checked_text(record)))
            waits.append(time.perf_counter() - begun)
        took = time.perf_counter() - started
    return Measured("aiosqlite, 1 event a transaction, log only", events / took, sorted(waits))


async def grouped(directory: Path, events: int, producers: int) -> Measured:
    """``producers`` tasks, each waiting for its record before the next."""
    journal = await SqliteJournal.open(directory / f"grouped-{producers}.sqlite3", SystemClock())
    records = islice(life_of_orders(), events)
    waits: list[float] = []
    loop = asyncio.get_running_loop()

    async def produce() -> None:
        for record in records:
            durable = loop.create_future()
            begun = time.perf_counter()
            journal.when_durable(journal.append(record), lambda durable=durable: durable.set_result(None))  # type: ignore[misc]
            await durable
            waits.append(time.perf_counter() - begun)

    started = time.perf_counter()
    await asyncio.gather(*(produce() for _ in range(producers)))
    took = time.perf_counter() - started
    await journal.close()
    return Measured(
        f"journal, {producers} waiting producer{'s' if producers > 1 else ''}", events / took, sorted(waits)
    )


async def burst(directory: Path, events: int) -> Measured:
    """Records as fast as they can be made, a thousand in flight: an engine does not wait for its facts."""
    journal = await SqliteJournal.open(directory / "burst.sqlite3", SystemClock())
    waits: list[float] = []
    started = time.perf_counter()
    for made, record in enumerate(islice(life_of_orders(), events), 1):
        begun = time.perf_counter()
        journal.when_durable(
            journal.append(record),
            lambda begun=begun: waits.append(time.perf_counter() - begun),  # type: ignore[misc]
        )
        if made % 1_000 == 0:
            await journal.flush()
    await journal.flush()
    took = time.perf_counter() - started
    await journal.close()
    return Measured("journal, 1 producer that does not wait", events / took, sorted(waits))


def bare_commit_ms(directory: Path) -> float:
    """Median time of a commit of one row into a table without anything else: the disk's share."""
    with closing(sqlite3.connect(directory / "probe.sqlite3", isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (v TEXT)")
        times = []
        for _ in range(200):
            begun = time.perf_counter()
            connection.execute("INSERT INTO t VALUES ('x')")
            times.append(time.perf_counter() - begun)
    return sorted(times)[len(times) // 2] * 1e3


def measure(events: int, rounds: int, *, with_peer: bool = True) -> tuple[list[Measured], float]:
    """All rows, each the best of ``rounds`` interleaved ones, and the milliseconds of a bare commit."""
    best: dict[str, Measured] = {}
    commit_ms = float("inf")
    few = max(200, events // 8)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place)
            commit_ms = min(commit_ms, bare_commit_ms(directory))
            rows = [inline(directory, few)]
            rows += [asyncio.run(one_by_one(directory, few))] if with_peer else []
            rows += [asyncio.run(grouped(directory, few * min(count, 8), count)) for count in PRODUCERS]
            rows += [asyncio.run(burst(directory, few * 8))]
        for row in rows:
            if row.name not in best or row.events_per_s > best[row.name].events_per_s:
                best[row.name] = row
    return list(best.values()), commit_ms


def on_a_slow_card(work: Callable[[], tuple[list[Measured], float]]) -> tuple[list[Measured], float]:
    """``work`` on a disk whose every commit takes ``SLOW_CARD_S`` longer."""
    commit = LogWriter.commit

    def slow(self: LogWriter, connection: sqlite3.Connection, batch: list[Pending]) -> None:
        commit(self, connection, batch)
        time.sleep(SLOW_CARD_S)

    with patch.object(LogWriter, "commit", slow):
        return work()


def table_of(title: str, rows: list[Measured], *notes: str) -> Table:
    return Table(
        title=title,
        columns=("", "events/s", "x inline", "wait p50 ms", "wait p99 ms"),
        rows=[
            (row.name, row.events_per_s, row.events_per_s / rows[0].events_per_s, row.wait_ms(0.5), row.wait_ms(0.99))
            for row in rows
        ],
        notes=notes,
    )


def run(options: Options) -> Report:
    """Writes to the temporary directory; ``options.frames`` > 0 replaces the number of events."""
    rows, commit_ms = measure(options.frames or EVENTS, options.rounds)
    slow, _ = on_a_slow_card(lambda: measure(min(SLOW_EVENTS, options.frames or EVENTS), 1, with_peer=False))
    return Report(
        "journal_append",
        [
            table_of("This disk as it is", rows, f"a bare commit takes {commit_ms:.2f} ms"),
            table_of(f"Every commit {SLOW_CARD_S * 1e3:g} ms slower", slow),
        ],
        machine("aiosqlite", "msgspec") | {"sqlite": sqlite3.sqlite_version},
    )
