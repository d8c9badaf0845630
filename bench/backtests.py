"""Backtest engines over one recorded USD-M session: ours event by event, ours compiled, hftbacktest, nautilus_trader.

Every engine has a process of its own for its memory, and is sent the orders of the parity gate: one post-only lot at
each side of the touch every 0.4 s, canceled after 3 s. Preparation (reading, decoding, columns, compiling) is told
apart from the passes. An engine that did other work than the rest is an error, not a row: see ``_checked``.

nautilus_trader cannot share our environment; it is looked for at ``NAUTILUS`` and left out with a word where it is not
(``bench.nautilus`` says how to install it).
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bench.parity import outcomes_of_rows, rows_of_session, with_steps
from bench.report import Options, Report, Table, machine
from jackbot_tui.backtest.honesty import EVERY_NS, LATENCY_NS, LIFE_NS, Step, join_the_touch, schedule
from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, Source
from jackbot_tui.backtest.recorded import RecordedMarket, record_market
from jackbot_tui.backtest.script import Script
from jackbot_tui.backtest.venue_time import VenueTimeline
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.replay import capture_end_ns
from jackbot_tui.execution.paper.comparison import THROUGH
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.model.orders import OrderFilled, OrderRequest
from jackbot_tui.risk.limits import RiskLimits

QUEUE = "power2:3"
CAPTURE = Path("binance") / "linear" / "btcusdt_20240808.jsonl.gz"
TICK, LOT = Decimal("0.1"), Decimal("0.001")
NAUTILUS = Path("var") / "nautilus" / "bin" / "python"

LOOSE = 0.1
"""Fills of an engine with rules of its own may differ from ours by this fraction before it counts as other work."""


def run(options: Options) -> Report:
    capture = options.recorded / CAPTURE
    if not capture.is_file():
        raise InputError(f"{capture}: no such recording; say where they are with --recorded")
    chosen = {name: each for name, each in ENGINES.items() if Path(each.python).is_file()}
    rounds = [{name: _measure(name, each, capture) for name, each in chosen.items()} for _ in range(options.rounds)]
    told = {name: min((turn[name] for turn in rounds), key=lambda each: float(each["pass_s"])) for name in chosen}
    events = told["ours, venue's clock"]["events"]
    through = _played(capture, THROUGH)
    for name, each in told.items():
        _checked(name, each, told["ours, venue's clock"], through)
    rows: list[tuple[str | float, ...]] = [
        (
            name,
            f"{events / each['pass_s'] / 1e6:.2f}",
            f"{each['pass_s']:.3f}",
            f"{each['prepare_s']:.2f}",
            f"{each['whole_s']:.2f}",
            f"{each['memory_mb']:.0f}",
            f"{each['orders']:,}",
            f"{each['filled']:,}",
            ENGINES[name].note,
        )
        for name, each in told.items()
    ]
    missing = [f"{name}: not installed, see bench/nautilus.py" for name in ENGINES if name not in chosen]
    table = Table(
        "one session of 345 s, straight from the capture; interleaved rounds, the best of each engine",
        ("engine", "M events/s", "pass s", "prepare s", "process s", "MB", "orders", "filled", ""),
        rows,
        notes=(
            f"an event is one of {events:,} changed levels and trades; processor time of one pass, wall time of the"
            " whole process",
            f"under the rule 'traded through', which is nautilus_trader's, ours fill {through:,}",
            *missing,
        ),
    )
    return Report("backtests", [table], machine("hftbacktest", "numba"))


def _checked(name: str, told: dict[str, Any], ours: dict[str, Any], through: int) -> None:
    """RuntimeError when an engine did other work than ours on the venue's clock."""
    engine = ENGINES[name]
    if not engine.trades:
        return
    expected = through if engine.rule == THROUGH else ours["filled"]
    allowed = 0.0 if engine.exact else LOOSE * expected
    if abs(told["orders"] - ours["orders"]) > (0 if engine.exact or engine.rule == THROUGH else LOOSE * ours["orders"]):
        raise RuntimeError(f"{name} took {told['orders']} orders, ours {ours['orders']}: not the same work")
    if abs(told["filled"] - expected) > allowed:
        raise RuntimeError(f"{name} filled {told['filled']} orders where {expected} were expected: not the same work")


def _measure(name: str, engine: "_Engine", capture: Path) -> dict[str, Any]:
    started = time.perf_counter()
    done = subprocess.run(
        [engine.python, "-m", "bench.backtests", name, str(capture)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    told["whole_s"] = time.perf_counter() - started
    return told


class JoinTheTouch:
    """The orders of the parity gate as a strategy of the kernel."""

    def __init__(self, last_ns: int) -> None:
        self._last_ns = last_ns
        self._steps: list[Step] = []
        self._next = 0
        self._open: dict[int, list[str]] = {}
        self.orders = 0

    @property
    def next_ns(self) -> int | None:
        return self._steps[self._next].at if self._next < len(self._steps) else None

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        (self._engine,) = engines.values()
        self._steps = schedule(now, self._last_ns)

    def wake(self, now: int) -> None:
        step = self._steps[self._next]
        self._next += 1
        engine = self._engine
        if step.cancel:
            for client_id in self._open.pop(step.number):
                if engine.oms.orders[client_id].is_open:
                    engine.cancel(client_id, "bench")
            return
        (market,) = engine.data.markets.values()
        self._open[step.number] = []
        for side, best in ((Side.BUY, market.book.best_bid()), (Side.SELL, market.book.best_ask())):
            if best is not None and market.live:
                request = OrderRequest(
                    key=market.key, side=side, quantity=LOT, price=decimal_of(best[0]), post_only=True
                )
                submitted = engine.submit(request, confirmed=True)
                if submitted.order is not None:
                    self._open[step.number].append(submitted.order.client_id)
                    self.orders += 1


def _kernel(capture: Path) -> dict[str, Any]:
    source = Source(paths=(capture,), venue="binance", kind=MarketKind.LINEAR)
    backtest = Backtest(BacktestOptions(sources=(source,)), Script([]))
    return _told(0, 0.0, lambda: (backtest.run() and 0, 0))


def _kernel_orders(capture: Path) -> dict[str, Any]:
    source = Source(paths=(capture,), venue="binance", kind=MarketKind.LINEAR)
    (found,) = Backtest(BacktestOptions(sources=(source,)), Script([])).engines.values()
    (market,) = found.data.markets.values()
    rules = replace(market.instrument, tick=TICK, lot=LOT, min_qty=LOT, min_notional=Decimal(0))
    strategy = JoinTheTouch(capture_end_ns([capture]))
    options = BacktestOptions(
        sources=(replace(source, instruments=(rules,)),),
        paper=PaperConfig(queue=QUEUE, entry_latency_ns=LATENCY_NS, response_latency_ns=LATENCY_NS),
        limits=RiskLimits(**dict.fromkeys(RiskLimits.__struct_fields__, 0)),
    )
    backtest = Backtest(options, strategy)

    def play() -> tuple[int, int]:
        backtest.run()
        (journal,) = backtest.journals.values()
        filled = {record.client_id for _, record in journal.records if isinstance(record, OrderFilled)}
        return strategy.orders, len(filled)

    return _told(0, 0.0, play)


def _timeline(capture: Path) -> dict[str, Any]:
    before = time.process_time()
    recorded = _session(capture)
    timeline = VenueTimeline(recorded, (QUEUE,), entry_ns=LATENCY_NS, response_ns=LATENCY_NS)

    def play() -> tuple[int, int]:
        join_the_touch(timeline, recorded.instrument.lot)
        states = timeline.states(QUEUE).values()
        return len(states), sum(state.status.value == "filled" for state in states)

    return _told(recorded.events, time.process_time() - before, play)


def _played(capture: Path, rule: str) -> int:
    """How many of the orders are filled under a rule."""
    recorded = _session(capture)
    timeline = VenueTimeline(recorded, (rule,), entry_ns=LATENCY_NS, response_ns=LATENCY_NS)
    join_the_touch(timeline, recorded.instrument.lot)
    return sum(state.status.value == "filled" for state in timeline.states(rule).values())


def _compiled(capture: Path) -> dict[str, Any]:
    from jackbot_tui.backtest import fast

    before = time.process_time()
    session = fast.session_of(_session(capture))
    plan = fast.touch_plan(session, EVERY_NS, LIFE_NS, 2 * LATENCY_NS)
    fast.run_plan(session, plan, QUEUE, entry_ns=LATENCY_NS)  # compiled or loaded from its cache
    prepared = time.process_time() - before

    def play() -> tuple[int, int]:
        status = fast.run_plan(session, plan, QUEUE, entry_ns=LATENCY_NS).status
        return len(status), int((status == 2).sum())

    return _told(session.events, prepared, play)


def _hftbacktest(capture: Path) -> dict[str, Any]:
    before = time.process_time()
    recorded = _session(capture)
    session = rows_of_session(recorded)
    outcomes_of_rows(recorded.instrument, *session, QUEUE)  # everything of its library is loaded after this
    prepared = time.process_time() - before

    def play() -> tuple[int, int]:
        outcomes = outcomes_of_rows(recorded.instrument, *session, QUEUE)
        return len(outcomes), sum(status == "filled" for status, _ in outcomes)

    return _told(recorded.events, prepared, play)


def _nautilus(capture: Path) -> dict[str, Any]:
    from bench.nautilus import Session

    before = time.process_time()
    recorded = _session(capture)
    session = Session(recorded)
    prepared = time.process_time() - before
    return _told(recorded.events, prepared, session.run)


def _session(capture: Path) -> RecordedMarket:
    return with_steps(record_market([capture], "binance", MarketKind.LINEAR), TICK, LOT)


def _told(events: int, prepared: float, play: Callable[[], tuple[int, int]]) -> dict[str, Any]:
    before = time.process_time()
    orders, filled = play()
    return {
        "events": events,
        "prepare_s": prepared,
        "pass_s": time.process_time() - before,
        "orders": orders,
        "filled": filled,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


class _Engine(Struct, frozen=True):
    """``rule``: when it fills. ``exact``: every figure must be ours; else an engine with rules of its own."""

    play: Callable[[Path], dict[str, Any]]
    note: str
    trades: bool = True
    rule: str = QUEUE
    exact: bool = True
    python: str = sys.executable


ENGINES: dict[str, _Engine] = {
    "ours, replay kernel": _Engine(_kernel, "the live engine whole, decoding included, no orders", trades=False),
    "ours, kernel with orders": _Engine(
        _kernel_orders, "the same with risk gate and journal; clock of arrivals, own orders share a queue", exact=False
    ),
    "ours, venue's clock": _Engine(_timeline, "the paper matching alone"),
    "ours, compiled": _Engine(_compiled, ""),
    "hftbacktest": _Engine(_hftbacktest, "stepped from Python"),
    "nautilus_trader": _Engine(
        _nautilus, "its own rule: traded through", rule=THROUGH, exact=False, python=str(NAUTILUS)
    ),
}

if __name__ == "__main__":
    print(json.dumps(ENGINES[sys.argv[1]].play(Path(sys.argv[2]))))
