"""Runs one engine without a screen for the kill drills; arguments: directory, seed, and a job as JSON.

The job has ``endpoints`` and ``symbols``; with ``venue`` and ``live`` (ccxt's addresses and the parts of a test key)
the engine trades an account of the embedded exchange through the live executor. ``die_at``: the engine kills itself
with SIGKILL when it has appended so many records to its journal, before they are durable. ``restart``: what parent
orders of an earlier session do.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.parents import ParentOptions, RestartPolicy
from jackbot_tui.headless.job import EngineJob, LogTarget
from jackbot_tui.headless.process import run_job
from jackbot_tui.headless.spawn import ReadyReport
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.enums import Mode
from jackbot_tui.model.records import Record
from jackbot_tui.risk.limits import RiskLimits


def tell(report: ReadyReport) -> None:
    print(report, flush=True)


def die_at(count: int) -> None:
    """From now on: a journal whose ``count``-th record is the last thing that this process does."""
    plain, appended = SqliteJournal.append, 0

    def append(self: SqliteJournal, record: Record) -> int:
        nonlocal appended
        seq = plain(self, record)
        appended += 1
        if appended == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return seq

    SqliteJournal.append = append  # type: ignore[method-assign]


def live_options(directory: Path, venue: str, about: dict[str, Any]) -> LiveOptions:
    return LiveOptions(
        account=venue, keys=directory, addresses=about["addresses"], given=about["credentials"], poll_s=0.5
    )


def main() -> int:
    directory, seed, job = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    venue, live = job.get("venue", "binance"), job.get("live")
    if job.get("die_at"):
        die_at(job["die_at"])
    options = EngineOptions(
        mode=Mode.SIM if live is None else Mode.LIVE,
        venue=venue,
        symbols=job["symbols"],
        endpoints=job["endpoints"],
        journal_path=directory / "journal.sqlite3",
        socket_path=directory / "engine.sock",
        seed=seed,
        limits=RiskLimits(max_orders_per_s=200, max_open_orders=1000),
        parents=ParentOptions(restart=RestartPolicy(job.get("restart", "wait")), children_per_s=100),
        live=None if live is None else live_options(directory, venue, live),
    )
    log = LogTarget(path=directory / "engine.jsonl", to_stdout=False, level="info", max_bytes=10_000_000, keep=1)
    return run_job(EngineJob(name="drill", options=options, log=log), tell=tell)


if __name__ == "__main__":
    sys.exit(main())
