"""Starting an engine process: the job arrives whole, ready or not is told, a dying child is explained, ties hold."""

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.engine.options import EngineOptions, ReplayOptions, ShutdownPolicy
from jackbot_tui.headless.job import EngineJob, LogTarget, SimJob
from jackbot_tui.headless.spawn import StartError, UsageStartError, start_engine
from jackbot_tui.model.enums import MarketKind, Mode
from jackbot_tui.risk.limits import RiskLimits

ECHO = """
import os, pickle, sys
descriptor = int(sys.argv[2])
job = pickle.load(sys.stdin.buffer)
"""
READY = ECHO + 'os.write(descriptor, b\'{"error": ""}\\n\'); os.close(descriptor)\n'


def job_in(directory: Path, *, tied: bool = False) -> EngineJob:
    log = LogTarget(path=directory / "log" / "x.log", to_stdout=False, level="info", max_bytes=1000, keep=1)
    options = EngineOptions(mode=Mode.SIM, venue="binance", symbols=["BTC/USDT"], socket_path=directory / "x.sock")
    return EngineJob(name="x", options=options, log=log, tied=tied)


def child(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def test_a_job_arrives_in_the_child_exactly_as_it_was_made(tmp_path: Path) -> None:
    job = EngineJob(
        name="replay-binance-1",
        options=EngineOptions(
            mode=Mode.REPLAY,
            venue="binance",
            symbols=["BTC/USDT:USDT"],
            endpoints={"spot.rest": "http://127.0.0.1:1"},
            journal_path=tmp_path / "j.sqlite3",
            limits=RiskLimits(max_order_notional=Decimal("0.1")),
            shutdown=ShutdownPolicy.FLATTEN,
            run_for_ns=5,
            replay=ReplayOptions(paths=[tmp_path / "a.gz"], kind=MarketKind.LINEAR, speed=0.0),
        ),
        log=job_in(tmp_path).log,
        sim=SimJob(venue="binance", symbols=["BTC/USDT"], seed=3, volatility=1.5, rate=2.0, fault="drop=0.1"),
        tied=True,
    )
    seen = tmp_path / "seen.pickle"
    engine = start_engine(job, command=child(READY + f"open({str(seen)!r}, 'wb').write(pickle.dumps(job))\n"))
    eventually(lambda: engine.exit_code is not None, "the child ends")
    assert pickle.loads(seen.read_bytes()) == job
    assert engine.stop() == 0


def test_bad_input_found_by_the_child_is_told_as_such(tmp_path: Path) -> None:
    text = ECHO + 'os.write(descriptor, b\'{"error": "no such symbol", "usage": true}\\n\'); sys.exit(2)\n'
    with pytest.raises(UsageStartError, match=r"^no such symbol$"):
        start_engine(job_in(tmp_path), command=child(text))


def test_an_engine_that_fails_says_why_in_one_message(tmp_path: Path) -> None:
    text = ECHO + 'os.write(descriptor, b\'{"error": "journal is locked by pid 7"}\\n\'); sys.exit(1)\n'
    with pytest.raises(StartError, match=r"^journal is locked by pid 7$") as caught:
        start_engine(job_in(tmp_path), command=child(text))
    assert not isinstance(caught.value, UsageStartError)


def test_the_last_lines_of_an_engine_that_dies_are_shown(tmp_path: Path) -> None:
    with pytest.raises(StartError) as caught:
        start_engine(job_in(tmp_path), command=child(ECHO + "print('far away'); sys.exit('out of matter')"))
    assert "out of matter" in str(caught.value) and "ended" in str(caught.value)


def test_an_engine_that_is_killed_before_reading_its_job_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="ended"):
        start_engine(job_in(tmp_path), command=child("import os; os.kill(os.getpid(), 9)"))


def test_an_engine_that_never_answers_is_ended_at_the_deadline(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    text = ECHO + f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\nimport signal; signal.pause()\n"
    with pytest.raises(StartError, match="gave no answer within 1 s"):
        start_engine(job_in(tmp_path), command=child(text), ready_s=1.0)
    assert not pid_file.exists() or not alive(int(pid_file.read_text()))


def test_the_engine_has_a_session_of_its_own(tmp_path: Path) -> None:
    engine = start_engine(job_in(tmp_path, tied=True), command=child(READY + "sys.stdin.buffer.read()\n"))
    try:
        assert os.getsid(engine.pid) == engine.pid != os.getsid(0)
    finally:
        assert engine.stop() in (0, -signal.SIGTERM)


def test_a_tied_engine_sees_the_end_of_its_starter_and_a_free_one_reads_the_end_at_once(tmp_path: Path) -> None:
    text = READY + "sys.stdin.buffer.read()\nsys.exit(7)\n"
    free = start_engine(job_in(tmp_path), command=child(text))
    eventually(lambda: free.exit_code == 7, "the free child reads the end of its input")
    tied = start_engine(job_in(tmp_path, tied=True), command=child(text))
    assert tied.exit_code is None
    tied.close_tie()
    eventually(lambda: tied.exit_code == 7, "the tied child reads the end of its input")


def test_stop_kills_what_does_not_end_by_itself(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "signal.pause()\n"
    engine = start_engine(job_in(tmp_path, tied=True), command=child(deaf))
    assert engine.stop(timeout_s=0.2) == -signal.SIGKILL


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
