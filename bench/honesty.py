"""How much each rule of filling flatters, on the recorded sessions: the honesty table of docs/PAPER.md.

The same orders for all, joining both touches every 0.4 s for 3 s (``backtest.honesty``): what ``jackbot paper report``
prints for one capture. The recordings that are not here hold no trades, or too short a stretch for orders to tell.
"""

from pathlib import Path

from bench.report import Options, Report, Table, machine
from jackbot_tui.backtest.honesty import RULES, honesty
from jackbot_tui.backtest.recorded import record_market
from jackbot_tui.execution.paper.queue_models import RISK_AVERSE
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError

SESSIONS = (
    ("binance", MarketKind.LINEAR, "btcusdt_20240808.jsonl.gz", None),
    ("binance", MarketKind.SPOT, "btcusdt_20240808.jsonl.gz", None),
    ("bybit", MarketKind.LINEAR, "btcusdt_solusdt_20260809.jsonl.gz", "BTC/USDT:USDT"),
    ("bybit", MarketKind.LINEAR, "btcusdt_solusdt_20260809.jsonl.gz", "SOL/USDT:USDT"),
)


def run(options: Options) -> Report:
    rows = [
        _row(options.recorded / venue / kind.value / name, venue, kind, symbol)
        for venue, kind, name, symbol in SESSIONS
    ]
    table = Table(
        "filled under the risk-averse queue, and how much more or less under the other rules",
        ("session", "s", "orders", RISK_AVERSE, *(rule for rule in RULES if rule != RISK_AVERSE)),
        rows,
    )
    return Report("honesty", [table], machine())


def _row(path: Path, venue: str, kind: MarketKind, symbol: str | None) -> tuple[str | float, ...]:
    if not path.is_file():
        raise InputError(f"{path}: no such recording; say where they are with --recorded")
    recorded = record_market([path], venue, kind, symbol)
    counts = {row.rule: row for row in honesty(recorded)}
    sure = counts[RISK_AVERSE]
    seconds = (recorded.changes[-1].local_ns - recorded.changes[0].local_ns) / NS_PER_S
    others = (f"{row.over:+.1%}" for rule, row in counts.items() if rule != RISK_AVERSE)
    return (recorded.instrument.key, f"{seconds:.0f}", f"{sure.orders:,}", f"{sure.filled:,}", *others)
