"""Prophetic orders: from the event that makes the price acceptable to the order handed to the executor.

A whole engine follows the embedded exchange (a process of its own, over loopback), its journal on this disk. A buy lies
one tick outside a narrow band around the best ask; the move that lets it pass also sends it. Measured from the receipt
of that frame to the executor's ``submit``, gate and durable journal included; with many others asleep, and with the
journal on a memory disk as well, which leaves our own share.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.journal_append import bare_commit_ms
from bench.report import Options, Report, Table, machine
from jackbot_tui.algos.state import Action, Kind, ParentRequest
from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.engine.parents import ParentOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.headless.job import SimJob
from jackbot_tui.headless.sim_process import SimProcess
from jackbot_tui.model.enums import Mode, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.numbers import text_of
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.reach import reach_of

VENUE, SYMBOL = "binance", "BTC/USDT:USDT"
KEY = f"{VENUE}:{SYMBOL}"
SAMPLES = 100
ASLEEP = 60
MEMORY = Path("/dev/shm")
PATIENCE_S = 1.0
LOOK_S = 0.005
READY_S = 30.0
NARROW = PriceBand("best", buy_down=Decimal("0.9999"))
LIMITS = RiskLimits(max_orders_per_s=0, max_open_orders=0)


class Stopwatch:
    """Times orders between the frame that set them off and the executor."""

    def __init__(self, runtime: EngineRuntime) -> None:
        self.frame_ns: dict[str, tuple[int, int]] = {}
        self.decided_ms: list[float] = []
        self.own_ms: list[float] = []
        """Processor time from the parents being told to the order being appended: decision, gate, records."""
        self.durable_ms: list[float] = []
        self.sent_ms: list[float] = []
        engine: Any = runtime.engine
        submit, hand_over = engine.submit, engine.executor.submit

        told = engine.parents.on_book, engine.parents.on_price
        begun_ns = 0

        def heard(tell: Any) -> Any:
            def hear(market: Any) -> None:
                nonlocal begun_ns
                begun_ns = time.thread_time_ns()
                tell(market)

            return hear

        engine.parents.on_book, engine.parents.on_price = map(heard, told)

        def submitted(request: Any, confirmed: bool = False) -> Any:
            received = runtime.data.markets[request.key].last_frame_ns
            self.decided_ms.append((time.time_ns() - received) / 1e6)
            answer = submit(request, confirmed)
            self.own_ms.append((time.thread_time_ns() - begun_ns) / 1e6)
            if answer.order is not None:
                self.frame_ns[answer.order.client_id] = received, time.time_ns()
            return answer

        def handed_over(order: Any, now: int) -> Any:
            received, appended = self.frame_ns.pop(order.client_id, (0, 0))
            if received:
                now_ns = time.time_ns()
                self.durable_ms.append((now_ns - appended) / 1e6)
                self.sent_ms.append((now_ns - received) / 1e6)
            return hand_over(order, now)

        engine.submit, engine.executor.submit = submitted, handed_over


@asynccontextmanager
async def following(directory: Path) -> AsyncIterator[EngineRuntime]:
    job = SimJob(venue=VENUE, symbols=[SYMBOL], seed=3, volatility=8.0, rate=2.0, fault="")
    sim = SimProcess(job, lambda *_: None, lambda _: None)
    ready = await sim.start()
    runtime = EngineRuntime(
        EngineOptions(
            mode=Mode.SIM,
            venue=VENUE,
            symbols=[SYMBOL],
            endpoints=ready.endpoints,
            journal_path=directory / "prophetic.sqlite3",
            limits=LIMITS,
            parents=ParentOptions(children_per_s=1000, bands={KEY: NARROW}),
        )
    )
    await runtime.open()
    work = asyncio.create_task(runtime.run())
    try:
        async with asyncio.timeout(READY_S):
            while not (KEY in runtime.data.markets and runtime.data.markets[KEY].live):  # noqa: ASYNC110 - until it is there
                await asyncio.sleep(0.02)
        yield runtime
    finally:
        runtime.stop("measured")
        await asyncio.gather(work, return_exceptions=True)
        await runtime.close()
        await sim.stop()


def prophet(runtime: EngineRuntime, price: Decimal) -> int:
    """Begin one; its number, 0 when the market has moved meanwhile."""
    answer = runtime.engine.parents.start(
        ParentRequest(
            kind=Kind.PROPHET,
            key=KEY,
            side=Side.BUY,
            quantity=Decimal("0.002"),
            values={"price": text_of(price), "margin": "0"},
        )
    )
    return answer.picture.number if answer.picture is not None else 0


async def sample(runtime: EngineRuntime, samples: int, asleep: int) -> Stopwatch:
    """So many orders that came within range by a move of the market."""
    market = runtime.data.markets[KEY]
    tick = market.instrument.tick
    for number in range(asleep):
        prophet(runtime, (market.instrument.tick * int(market.book.bid_price * 0.8 / float(tick))) - number * tick)
    watch = Stopwatch(runtime)
    while len(watch.sent_ms) < samples:
        reach = reach_of(Side.BUY, market, LIMITS, runtime.clock.now_ns())
        before = len(watch.sent_ms)
        number = prophet(runtime, reach.low - tick)
        for _ in range(int(PATIENCE_S / LOOK_S)):
            if len(watch.sent_ms) > before:
                break
            await asyncio.sleep(LOOK_S)
        if number:
            runtime.engine.parents.steer(number, Action.CANCEL, None, {}, "bench")
        await asyncio.sleep(0.01)
    return watch


async def measure(samples: int, asleep: int, place: Path | None) -> Stopwatch:
    with tempfile.TemporaryDirectory(dir=place) as directory:
        async with following(Path(directory)) as runtime:
            return await sample(runtime, samples, asleep)


def row(name: str, values: list[float]) -> tuple[str | float, ...]:
    ordered = sorted(values)
    if not ordered:
        raise InputError("nothing came within range")
    return name, *(ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.9, 0.99)), ordered[-1]


def loop_factory() -> Any:
    """As in the engine's own process: uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def run(options: Options) -> Report:
    """``options.frames`` > 0 replaces the number of orders."""
    samples = options.frames or SAMPLES
    places = [("a memory disk", MEMORY)] if MEMORY.is_dir() else []
    tables = []
    for name, place in (*places, ("this disk", None)):
        for asleep in (0, ASLEEP):
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                watch = runner.run(measure(samples, asleep, place))
            with tempfile.TemporaryDirectory(dir=place) as directory:
                commit_ms = bare_commit_ms(Path(directory))
            rows = [
                row("decided, before gate and journal", watch.decided_ms),
                row("handed to the executor", watch.sent_ms),
                row("of that, until the journal is durable", watch.durable_ms),
                row("processor time, decision to append", watch.own_ms),
            ]
            title = f"journal on {name}, {asleep} others asleep, {samples} orders: ms since the frame was received"
            note = f"a bare commit there takes {commit_ms:.2f} ms (median)"
            tables.append(Table(title, ("", "p50", "p90", "p99", "max"), rows, (note,)))
    return Report("prophetic", tables, machine("msgspec", "uvloop"))
