"""All exchanges, two symbols each, in one process, with random faults: memory, processor, and every book comes back.

``JACKBOT_VENUES_SOAK_MINUTES`` (30 under ``make soak``) sets how long is measured, after ten minutes in which faults
come so often that every bounded history is full; the suite runs a short one. The exchanges play in a process of their
own, so that memory and processor time are those of the client alone.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, field

import msgspec
import pytest

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.headless.memory import give_memory_back
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState, Mode
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
from tests.soak.measure import Family

WHOLE_MINUTES = 30.0
SHORT_MINUTES = 0.6
WARM_UP_MINUTES = 10.0
SETTLE_S = 60.0
"""After the warm-up, until memory is judged."""
SAMPLE_S = 5.0
START_S = 60.0
GROWTH_MB_PER_HOUR = 8.0
"""What a whole run may not exceed after its warm-up, over 22 books and 11 engines."""


@dataclass
class Outages:
    """A ``MarketSubscriber`` that measures how long books are out of LIVE."""

    since: dict[str, tuple[int, str]] = field(default_factory=dict)
    lengths_ns: list[int] = field(default_factory=list)
    longest: list[tuple[int, str, str]] = field(default_factory=list)
    """The ten longest: nanoseconds, the book, why it left LIVE."""

    counting: bool = False

    def on_book(self, market: InstrumentMarket, now: int) -> None: ...

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None: ...

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None: ...

    def on_notice(self, notice: VenueNotice, now: int) -> None: ...

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        if new is BookState.LIVE:
            began = self.since.pop(market.key, None)
            if began is not None and self.counting:
                self.lengths_ns.append(now - began[0])
                self.longest = sorted([*self.longest, (now - began[0], market.key, began[1])], reverse=True)[:10]
        elif old is BookState.LIVE:
            self.since[market.key] = now, reason

    def percentile_s(self, share: float) -> float:
        ordered = sorted(self.lengths_ns)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / NS_PER_S if ordered else 0.0


async def soak(minutes: float, seed: int, warm_up: float = 0.0) -> tuple[Outages, Family, list[str]]:
    """Run it; the last are the books that are not LIVE at the end, with their reasons."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.soak.venues_child", str(seed), str(minutes), str(warm_up),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    venues = msgspec.json.decode(await asyncio.wait_for(child.stdout.readline(), START_S))
    outages = Outages()
    runtimes: list[EngineRuntime] = []
    for venue, about in venues.items():
        runtime = EngineRuntime(
            EngineOptions(
                mode=Mode.PAPER, venue=venue, symbols=about["symbols"], endpoints=about["endpoints"], seed=seed
            )
        )
        await runtime.open()
        runtime.data.subscribe(outages)
        runtimes.append(runtime)
    tasks = [asyncio.create_task(runtime.run(), name=runtime.options.venue) for runtime in runtimes]

    def books() -> list[InstrumentMarket]:
        return [market for runtime in runtimes for market in runtime.data.markets.values()]

    def missing() -> list[str]:
        named = [market.key for market in books() if not market.live]
        return named + ["not listed"] * (2 * len(runtimes) - len(books()))

    loop = asyncio.get_running_loop()
    full: list[int] = []
    family = Family({"client": os.getpid()})
    try:
        await wait_until(lambda: not missing(), loop.time() + START_S)
        outages.counting = True
        warm = loop.time() + warm_up * 60
        ends = warm + minutes * 60
        while loop.time() < ends:
            family.sample()
            if loop.time() > warm and not full:
                full = [len(runtime.engine.board.ring) for runtime in runtimes]
            await asyncio.sleep(min(SAMPLE_S, max(0.1, ends - loop.time())))
            for task in tasks:
                assert not task.done(), f"{task.get_name()} ended: {task.exception()}"
        await wait_until(lambda: not missing(), loop.time() + START_S)
        left = [
            f"{market.key}: {market.state.value}, {market.sequencer.reason}" for market in books() if not market.live
        ]
    finally:
        for runtime in runtimes:
            runtime.stop("soak over")
        await asyncio.gather(*tasks, return_exceptions=True)
        for runtime in runtimes:
            await runtime.close()
        child.stdin.close()
        said = await child.stdout.read()
        await child.wait()
    totals = [market.sequencer.stats for market in books()]
    print(f"\nfaults struck: {said.decode().strip()}")
    print(
        f"frames {sum(runtime.data.frames for runtime in runtimes):,}, unknown"
        f" {sum(runtime.data.unknown_frames for runtime in runtimes):,}, gaps {sum(stats.gaps for stats in totals):,},"
        f" bad checksums {sum(stats.checksums_bad for stats in totals):,}, outages {len(outages.lengths_ns):,}"
    )
    print(f"notices kept when the warm-up ended: {full}")
    print(
        f"time to resync: p50 {outages.percentile_s(0.5):.2f} s, p90 {outages.percentile_s(0.9):.2f} s,"
        f" p99 {outages.percentile_s(0.99):.2f} s, longest {outages.percentile_s(1.0):.2f} s"
    )
    for length, key, reason in outages.longest:
        print(f"  {length / NS_PER_S:6.1f} s {key}: {reason}")
    return outages, family, left


async def wait_until(condition, deadline: float) -> None:  # type: ignore[no-untyped-def]
    """Poll until it holds or the deadline of the loop's clock is over."""
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def test_all_venues_recover_from_random_faults_for_a_moment() -> None:
    outages, _, left = await soak(SHORT_MINUTES, seed=3)
    assert left == []
    assert outages.lengths_ns


@pytest.mark.soak
async def test_all_venues_recover_from_random_faults_and_memory_stays_flat() -> None:
    give_memory_back()  # as an engine's process does
    minutes = float(os.environ.get("JACKBOT_VENUES_SOAK_MINUTES", WHOLE_MINUTES))
    outages, family, left = await soak(minutes, seed=7, warm_up=WARM_UP_MINUTES)
    client, settled = family.samples["client"], WARM_UP_MINUTES * 60 + SETTLE_S
    print("\n".join(client.lines(settled)))
    assert left == []
    assert outages.lengths_ns
    if minutes >= WHOLE_MINUTES:
        assert client.course(settled).slope <= GROWTH_MB_PER_HOUR
