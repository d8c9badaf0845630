"""``jackbot paper report CAPTURE``: how much the rule of filling flatters, on a recorded session. Nothing is traded."""

import argparse
import sys
from pathlib import Path

import msgspec

from jackbot_tui.backtest.honesty import HonestyRow, honesty
from jackbot_tui.backtest.recorded import RecordedMarket, record_market
from jackbot_tui.execution.paper.queue_models import RISK_AVERSE
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError


def run(options: argparse.Namespace) -> int:
    """Print the table, or one JSON object; exit code 0. InputError and CaptureError say what is wrong."""
    for path in options.captures:
        if not Path(path).is_file():
            raise InputError(f"{path}: no such capture file")
    recorded = record_market(options.captures, options.venue, MarketKind(options.market), options.symbol)
    rows = honesty(recorded)
    if options.json:
        report = {"instrument": recorded.instrument.key, "rules": [msgspec.structs.asdict(row) for row in rows]}
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        sys.stdout.write(text_of(recorded, rows))
    return 0


def text_of(recorded: RecordedMarket, rows: list[HonestyRow]) -> str:
    """The table for people."""
    seconds = (recorded.changes[-1].local_ns - recorded.changes[0].local_ns) / 1e9
    lines = [
        f"{recorded.instrument.key}: {seconds:.0f} s, {rows[0].orders} post-only orders, one at each touch every 0.4 s,"
        " canceled after 3 s",
        f"{'filled when':<14}{'filled':>8}{'canceled':>10}{'expired':>9}"
        f"{'filled of rested':>18}{'against risk-averse':>21}",
    ]
    known = any(row.filled for row in rows if row.rule == RISK_AVERSE)
    for row in rows:
        over = f"{row.over:+.1%}" if known else "-"
        lines.append(f"{row.rule:<14}{row.filled:>8}{row.canceled:>10}{row.expired:>9}{row.share:>18.1%}{over:>21}")
    return "\n".join(line.rstrip() for line in lines) + "\n"
