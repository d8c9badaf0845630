"""Runs one engine without a screen for the kill drill; arguments: directory, endpoints as JSON, seed."""

import asyncio
import json
import sys
from pathlib import Path

from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.headless.host import run_engine
from jackbot_tui.model.enums import Mode
from jackbot_tui.risk.limits import RiskLimits
from tests.crash.places import SYMBOLS


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
    return asyncio.run(run_engine(options))


if __name__ == "__main__":
    sys.exit(main())
