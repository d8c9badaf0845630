"""The engine process from outside: a demo without a screen, its log, its signals, its socket, its end, its restart."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackbot_tui.desk.views import Reply
from jackbot_tui.link.client import call
from jackbot_tui.model.errors import LinkError
from jackbot_tui.settings.places import is_listening, places_of
from jackbot_tui.sim.keys import KeyRing

DEADLINE_S = 20.0
DEMO = ("demo", "--no-ui", "--symbols", "BTC/USDT:USDT")


class Engine:
    """A ``jackbot … --no-ui`` process of one user."""

    def __init__(self, home: Path, *words: str, environ: dict[str, str] | None = None) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("JACKBOT_", "XDG_"))}
        self.output = home / "engine.out"
        name = "live-sim-binance" if "--live-sim" in words else "sim-binance"
        self.socket = places_of({}, home).socket_path(name)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jackbot_tui", *words],
            env={**clean, "HOME": str(home), **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=self.output.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def events(self) -> list[str]:
        return [str(line["event"]) for line in self.lines()]

    def ctl(self, line: str) -> Reply:
        return call(self.socket, line)

    def wait_until_trading(self) -> None:
        eventually(lambda: is_listening(self.socket) and self.book_state() == "live", "the book is live")

    def book_state(self) -> object:
        data = self.ctl("book 1").data
        book = data["book"] if data else None
        return book["state"] if isinstance(book, dict) else None

    def wait(self) -> int:
        return self.process.wait(DEADLINE_S)


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        with contextlib.suppress(LinkError):
            if condition():
                return
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


@pytest.fixture
def home() -> Iterator[Path]:
    """A user's home with a short name: the path of a Unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="jackbot-") as directory:
        yield Path(directory)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Engine]]:
    started: list[Engine] = []

    def begin(*words: str, environ: dict[str, str] | None = None) -> Engine:
        started.append(Engine(home, *words, environ=environ))
        return started[-1]

    yield begin
    for engine in started:
        if engine.process.poll() is None:
            engine.process.kill()
            engine.process.wait()


def resting(engine: Engine) -> list[object]:
    """Numbers of the orders that the simulated venue has accepted and that may still fill."""
    data = engine.ctl("orders").data
    assert data is not None
    rows = data["orders"]
    assert isinstance(rows, list)
    return [row["number"] for row in rows if row["status"] == "new"]


def test_a_demo_without_a_screen_ends_by_itself_and_logs_json_lines(start: Callable[..., Engine]) -> None:
    engine = start(*DEMO, "--for", "1s")
    assert engine.wait() == 0
    lines = engine.lines()
    assert (lines[0]["event"], lines[-1]["event"]) == ("started", "ended")
    assert (lines[0]["mode"], lines[0]["session"], lines[-1]["reason"]) == ("sim", 1, "time is up")
    assert [line["ts"] for line in lines] == sorted(str(line["ts"]) for line in lines)
    assert {"ts", "level", "event"} <= set.intersection(*(set(line) for line in lines))
    assert not engine.socket.exists()


def test_orders_left_at_a_sigterm_and_after_a_kill_9_are_there_at_the_next_start(start: Callable[..., Engine]) -> None:
    engine = start(*DEMO)
    engine.wait_until_trading()
    assert engine.socket.stat().st_mode & 0o777 == 0o600
    assert engine.ctl("buy 0.01 @ bid-5000t post").ok
    eventually(lambda: resting(engine) == [1], "the order rests")
    engine.process.send_signal(signal.SIGTERM)
    assert engine.wait() == 0

    engine = start(*DEMO)
    engine.wait_until_trading()
    eventually(lambda: resting(engine) == [1], "the order rests again")
    assert engine.ctl("buy 0.01 @ bid-6000t post").ok
    eventually(lambda: resting(engine) == [1, 2], "the second order rests")
    engine.process.kill()
    engine.wait()
    assert engine.socket.exists() and not is_listening(engine.socket)

    engine = start(*DEMO, "--shutdown", "cancel")
    engine.wait_until_trading()
    eventually(lambda: resting(engine) == [1, 2], "both rest again after kill -9")
    assert engine.ctl("quit").ok
    assert engine.wait() == 0

    engine = start(*DEMO)
    engine.wait_until_trading()
    assert resting(engine) == []


def test_the_kill_signal_cancels_everything_and_locks(start: Callable[..., Engine]) -> None:
    engine = start(*DEMO)
    engine.wait_until_trading()
    assert engine.ctl("buy 0.01 @ bid-5000t post").ok
    eventually(lambda: resting(engine) == [1], "the order rests")
    engine.process.send_signal(signal.SIGUSR1)
    eventually(lambda: resting(engine) == [], "the order is canceled")
    refused = engine.ctl("buy 0.01 @ bid-5000t post")
    assert (refused.ok, refused.code) == (False, "killed")
    engine.process.send_signal(signal.SIGINT)
    assert engine.wait() == 0
    assert "killed" in engine.events()


def test_a_closed_terminal_leaves_the_engine_alone(start: Callable[..., Engine]) -> None:
    engine = start(*DEMO)
    engine.wait_until_trading()
    engine.process.send_signal(signal.SIGHUP)
    eventually(lambda: "terminal_closed" in engine.events(), "the hang-up is noted")
    assert engine.ctl("status").ok
    assert engine.ctl("quit").ok
    assert engine.wait() == 0


def test_a_second_engine_of_the_same_name_is_refused_with_what_to_do(start: Callable[..., Engine], home: Path) -> None:
    engine = start(*DEMO)
    eventually(lambda: is_listening(engine.socket), "the first engine listens")
    second = subprocess.run(
        [sys.executable, "-m", "jackbot_tui", *DEMO],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2 and "jackbot attach --socket sim-binance" in second.stderr
    assert engine.ctl("status").ok


def test_a_reader_that_goes_away_moves_the_log_to_its_file(home: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("JACKBOT_", "XDG_"))}
    engine = subprocess.Popen(
        [sys.executable, "-m", "jackbot_tui", *DEMO, "--for", "2s"],
        env={**clean, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert engine.stdout is not None and engine.stderr is not None
    assert b"started" in engine.stdout.readline()
    engine.stdout.close()
    assert engine.wait(DEADLINE_S) == 0
    assert engine.stderr.read() == b""
    kept = [json.loads(line) for line in places_of({}, home).log_path("sim-binance").read_text().splitlines()]
    assert kept[0]["event"] == "log_moved" and kept[-1]["event"] == "ended"


def test_a_symbol_that_the_exchange_does_not_have_is_wrong_input(start: Callable[..., Engine]) -> None:
    engine = start("demo", "--no-ui", "--symbols", "NOPE/USDT")
    assert engine.wait() == 2
    said = engine.output.read_text().splitlines()
    assert "NOPE/USDT" in said[-1] or "NOPE/USDT" in said[0]
    assert not [line for line in said if "Traceback" in line]


@pytest.fixture
def exchange() -> Iterator[dict[str, str]]:
    """An exchange that the engine does not start itself, as environment variables that lead to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jackbot_tui.sim", "--symbols", "BTC/USDT:USDT"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    addresses = json.loads(process.stdout.readline())["endpoints"]
    yield {
        "JACKBOT_VENUES__BINANCE__LINEAR_PUBLIC": addresses["linear.public"],
        "JACKBOT_VENUES__BINANCE__LINEAR_MARKET": addresses["linear.market"],
        "JACKBOT_VENUES__BINANCE__LINEAR_REST": addresses["linear.rest"],
    }
    process.stdin.close()
    process.wait(DEADLINE_S)
    process.stdout.close()


def test_run_follows_the_exchange_at_the_addresses_of_the_environment(
    start: Callable[..., Engine], exchange: dict[str, str], home: Path
) -> None:
    engine = start("run", "--no-ui", "--symbol", "BTC/USDT:USDT", environ=exchange)
    engine.socket = places_of({}, home).socket_path("paper-binance")
    engine.wait_until_trading()
    assert engine.lines()[0]["mode"] == "paper"
    assert engine.ctl("quit").ok
    assert engine.wait() == 0


def test_a_symbol_that_the_venue_does_not_list_ends_the_engine_with_the_nearest(
    start: Callable[..., Engine], exchange: dict[str, str]
) -> None:
    engine = start("run", "--no-ui", "--symbol", "BTC/USTD:USTD", environ=exchange)
    assert engine.wait() == 2
    said = engine.output.read_text().splitlines()
    assert not [line for line in said if "Traceback" in line]
    told = [line for line in said if line.startswith("jackbot: ")]
    assert len(told) == 1 and "BTC/USTD:USTD" in told[0] and "BTC/USDT:USDT" in told[0]
    ended = json.loads(said[-1] if said[-1].startswith("{") else said[-2])
    assert ended["event"] == "ended" and "BTC/USTD:USTD" in ended["reason"]


def test_the_demo_trades_its_test_account_through_the_live_executor_and_no_secret_leaves_it(
    start: Callable[..., Engine], home: Path
) -> None:
    engine = start(*DEMO, "--live-sim")
    engine.wait_until_trading()
    eventually(lambda: "type 'live'" in str(engine.ctl("buy 0.01 mkt")), "the account is there, and locked")
    assert "account test of the embedded exchange" in str(engine.ctl("paper"))
    assert engine.ctl("live").ok
    eventually(lambda: engine.ctl("buy 0.01 mkt").ok, "the private streams are open")
    eventually(lambda: "0.01" in str(engine.ctl("positions").lines), "the fill has come back")
    eventually(lambda: engine.ctl("reconcile").data == {"live": True, "heard": True, "differences": []}, "both agree")
    assert engine.ctl("flatten").ok
    eventually(lambda: "0.01" not in str(engine.ctl("positions").lines), "the position is closed")
    engine.ctl("quit")
    assert engine.wait() == 0
    keys = KeyRing([1], 1)
    written = "".join(path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())
    assert "accepted" in written and "filled" in written
    parts = [part for key in keys.all() for part in (key.key, key.secret, key.passphrase)]
    assert [part for part in parts if part in written] == []
