"""Every kind of parent order on a real account's line at every open venue: exact by the exchange's own books."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.algos.state import Kind
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.model.enums import Mode, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.gateway_world import relaxed
from tests.parent_runs import KINDS, Run, all_over, places, problems, rotation
from tests.turns import in_turns

AT_ONCE = 3
PATIENCE_S = 90.0


class LiveRun:
    """An engine on account 1 of an embedded exchange, ready to trade."""

    def __init__(self, exchange: SimExchange, runtime: EngineRuntime, task: "asyncio.Task[None]") -> None:
        self.exchange, self.runtime, self.task = exchange, runtime, task

    @property
    def engine(self) -> Engine:
        return self.runtime.engine

    async def until(self, condition: Callable[[], bool], why: Callable[[], object] = str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    assert not self.task.done(), self.task.exception()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            said = [notice.text for notice in self.engine.board.after(0)][-8:]
            raise AssertionError(f"{why()} {self.engine.executor.trouble} {said}") from None

    def agrees(self) -> bool:
        """Every fill of the exchange has been heard of, and nothing is open anywhere."""
        theirs, oms = self.exchange.accounts.orders, self.engine.oms
        heard = sum(len(oms.trade_ids(client_id)) for client_id in oms.orders)
        return not theirs.open_orders(1) and not oms.open_orders() and heard == len(theirs.fills(1))


@asynccontextmanager
async def trading(venue: str, symbols: Sequence[str], directory: Path, seed: int = 5) -> AsyncIterator[LiveRun]:
    """An engine that may trade ``symbols`` of ``venue`` through unmodified ccxt."""
    dialect = load_dialect(venue)
    exchange = SimExchange(
        symbols, venue=venue, accounts=1, seed=seed, rate=10.0, volatility=1.0, limits=relaxed(front_of(venue))
    )
    async with exchange:
        parts = exchange.front.credentials(exchange.accounts.keys.of(1))
        given = {name: parts[name] for name in dialect.credentials}
        runtime = EngineRuntime(
            EngineOptions(
                mode=Mode.LIVE,
                venue=venue,
                symbols=list(symbols),
                endpoints=exchange.endpoints,
                journal_path=directory / "live.sqlite3",
                live=LiveOptions(account=venue, keys=directory, addresses=exchange.ccxt_urls, given=given, poll_s=0.5),
            )
        )
        await runtime.open()
        run = LiveRun(exchange, runtime, asyncio.create_task(runtime.run()))
        try:
            markets = runtime.engine.data.markets
            await run.until(
                lambda: (
                    not runtime.engine.executor.trouble
                    and len(markets) == len(symbols)
                    and all(market.live for market in markets.values())
                )
            )
            runtime.engine.go_live("test")
            yield run
        finally:
            runtime.stop("test over")
            await asyncio.gather(run.task, return_exceptions=True)
            await runtime.close()


async def run_them(venue: str, wanted: Sequence[tuple[Kind, str, Side]], directory: Path) -> list[str]:
    """Run all of them side by side, each on its own symbol; what was wrong."""
    async with trading(venue, [symbol for _, symbol, _ in wanted], directory) as live:
        engine = live.engine
        runs = [Run(engine, kind, f"{venue}:{symbol}", side) for kind, symbol, side in wanted]
        for run in runs:
            run.start()
        await live.until(lambda: all_over(runs), lambda: [str(run) for run in runs])
        await live.until(live.agrees, lambda: [str(run) for run in runs])
        pictures = [run.picture for run in runs]
        found = theirs_differ(live, runs)
        assert engine.oms.counters.overfills == 0
    return found + await problems(directory / "live.sqlite3", runs, pictures)


def theirs_differ(live: LiveRun, runs: Sequence[Run]) -> list[str]:
    """Each parent's counts against what the exchange itself executed for its children."""
    to_wire = load_dialect(live.exchange.venue).client_ids.to_wire
    parent_of = {to_wire(order.client_id): order.parent_id for order in live.engine.oms.orders.values()}
    done: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for fill in live.exchange.accounts.orders.fills(1):
        done[parent_of[fill.client_id]] += fill.quantity
        taken[parent_of[fill.client_id]] += 0 if fill.is_maker else fill.quantity
    found = []
    for run in runs:
        picture, lot = run.picture, live.exchange.listing(run.key.partition(":")[2]).instrument.lot
        there = Decimal(done[picture.parent_id]) * lot
        if there != picture.filled + picture.exited:
            found.append(f"{run}: the exchange executed {there}")
        if run.kind is Kind.MAKER and taken[picture.parent_id]:
            found.append(f"{run}: the exchange says that it took")
    return found


@pytest.mark.parametrize("venue", in_turns(open_venues(), 3))
async def test_short_parents_end_exactly(venue: str, tmp_path: Path) -> None:
    turn = open_venues().index(venue)
    wanted = places(venue, rotation(turn, len(KINDS) // 2, AT_ONCE), turn + 1)
    assert await run_them(venue, wanted, tmp_path) == []


@pytest.mark.soak
@pytest.mark.parametrize("venue", open_venues())
async def test_short_parents_of_every_kind_end_exactly_on_spot_and_perpetuals(venue: str, tmp_path: Path) -> None:
    ended = 0
    for turn in range(4):
        for first in range(0, len(KINDS), AT_ONCE):
            (place := tmp_path / f"{turn}-{first}").mkdir()
            wanted = places(venue, KINDS[first : first + AT_ONCE], turn)
            if wanted:
                assert await run_them(venue, wanted, place) == [], (turn, wanted)
            ended += len(wanted)
    print(f"\n{venue}: {ended} parent orders through ccxt, all exact")
