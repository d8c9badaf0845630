"""A seeded demo session with everything real: exchange and engine over loopback, journal on disk, a capture, a desk.

Used by the determinism gate, short in the suite and long in the soak. ``traded`` runs one session and returns where its
capture and its journal are.
"""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.views import ClientInfo, Context, Reply, Role
from jackbot_tui.engine.options import EngineOptions, ShutdownPolicy
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.engine.turns import TurnJournal
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.latency import LatencyKind
from jackbot_tui.feeds.line import StreamPolicy
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import Mode
from jackbot_tui.sim.exchange import SimExchange

SYMBOLS = ["BTC/USDT:USDT", "BTC/USDT"]
PERP, SPOT = "binance:BTC/USDT:USDT", "binance:BTC/USDT"

LINES = (
    (PERP, "buy 0.02 mkt"),
    (PERP, "buy 0.01 @ bid post"),
    (PERP, "sell 0.01 @ ask post"),
    (SPOT, "buy 0.01 @ ask"),
    (PERP, "buy 0.05 @ bid-50t"),
    (SPOT, "buy 0.5 @ 1"),  # refused
    (PERP, "sell 0.03 mkt"),
    (SPOT, "sell 0.005 @ bid"),
    (PERP, "cancel all"),
    (PERP, "buy 0.01 @ ask"),
    (SPOT, "maker buy 0.01 interval=100ms"),
    (PERP, "chase sell 0.02 every=100ms patience=1s"),
    (SPOT, "iceberg sell 0.02 limit=ask show=0.005"),
    (PERP, "task finish 2"),
    (PERP, "reverse"),
    (SPOT, "journal note why not"),
    (PERP, "leverage 5"),
    (PERP, "flatten"),
)

PAPER = PaperConfig(
    latency=LatencyKind.MEASURED,
    latency_jitter_ns=5 * NS_PER_MS,
    spike_chance=0.1,
    spike_ns=40 * NS_PER_MS,
    queue="power2:3",
)


class Session(Struct, frozen=True):
    """``digest`` is the journal's own, ``replies`` what the desk said."""

    capture: Path
    journal: Path
    digest: str
    fills: int
    replies: list[Reply]


async def traded(
    folder: Path,
    seconds: float,
    *,
    seed: int = 7,
    faults: Sequence[str] = (),
    capture: Path | None = None,
    journal: Path | None = None,
) -> Session:
    """Trade for so long: all of ``LINES`` over and over, a kill and its reset, and ``faults`` of the exchange."""
    capture = capture or folder / "session.jsonl.gz"
    journal = journal or folder / "session.db"
    replies: list[Reply] = []
    async with SimExchange(SYMBOLS, seed=seed, rate=3.0, volatility=4.0) as exchange:
        runtime = EngineRuntime(
            EngineOptions(
                mode=Mode.SIM,
                venue="binance",
                symbols=SYMBOLS,
                endpoints=exchange.endpoints,
                journal_path=journal,
                record_path=capture,
                seed=seed,
                paper=PAPER,
                shutdown=ShutdownPolicy.CANCEL,
                stream=StreamPolicy(watch_every_s=0.02, probe_every_s=0.3),  # enough round trips to draw from
            )
        )
        await runtime.open()
        desk = Desk(runtime.engine)
        client = desk.attach(Role.CTL, "trader")
        task = asyncio.create_task(runtime.run(), name="session")
        try:
            await asyncio.wait_for(_all_live(runtime), 20.0)
            await _trade(desk, client, seconds, random.Random(seed), exchange, list(faults), replies)
        finally:
            runtime.stop("time is up")
            await asyncio.gather(task, return_exceptions=True)
            await runtime.close()
        task.result()
    written = runtime.engine.journal
    assert isinstance(written, TurnJournal)
    return Session(capture, journal, written.digest(), len(runtime.engine.fills), replies)


async def _all_live(runtime: EngineRuntime) -> None:
    markets = runtime.data.markets
    while len(markets) < len(SYMBOLS) or not all(each.live for each in markets.values()):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def _trade(
    desk: Desk,
    client: ClientInfo,
    seconds: float,
    rng: random.Random,
    exchange: SimExchange,
    faults: list[str],
    replies: list[Reply],
) -> None:
    """Lines at random intervals; the faults spread over the time, a kill in its middle."""
    loop = asyncio.get_running_loop()
    began, said, killed = loop.time(), 0, False
    while (gone := loop.time() - began) < seconds:
        if faults and gone > seconds * (1 - len(faults) / 4):
            exchange.faults.trigger(faults.pop(0))
        if not killed and gone > seconds / 2:
            killed = True
            replies.append(await desk.execute(client, "kill", Context(key=PERP), True))
            replies.append(await desk.execute(client, "kill reset", Context(key=PERP), True))
        key, line = LINES[said % len(LINES)]
        said += 1
        replies.append(await desk.execute(client, line, Context(key=key), True))
        await asyncio.sleep(rng.uniform(0.02, 0.15))
