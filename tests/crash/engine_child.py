"""Runs one engine without a screen for the kill drill; arguments: directory, endpoints as JSON, seed."""

import json
import sys
from pathlib import Path

from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.headless.job import EngineJob, LogTarget
from jackbot_tui.headless.process import run_job
from jackbot_tui.headless.spawn import ReadyReport
from jackbot_tui.model.enums import Mode
from jackbot_tui.risk.limits import RiskLimits
from tests.crash.places import SYMBOLS


def tell(report: ReadyReport) -> None:
    print(report, flush=True)


def main() -> int:
    directory, endpoints, seed = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
    options = EngineOptions(
        mode=Mode.SIM,
        venue="binance",
        symbols=SYMBOLS,
        endpoints=endpoints,
        journal_path=directory / "journal.sqlite3",
        socket_path=directory / "engine.sock",
        seed=seed,
        limits=RiskLimits(max_orders_per_s=200),
    )
    log = LogTarget(path=directory / "engine.jsonl", to_stdout=False, level="info", max_bytes=10_000_000, keep=1)
    return run_job(EngineJob(name="drill", options=options, log=log), tell=tell)


if __name__ == "__main__":
    sys.exit(main())
