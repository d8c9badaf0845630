"""Console and engine as two processes, in a real pseudo-terminal: what ends with the screen and what goes on."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackbot_tui.link.client import call
from jackbot_tui.model.errors import LinkError
from jackbot_tui.settings.places import is_listening, places_of

DEADLINE_S = 20.0
HAND_S = 0.06
DEMO = ("demo", "--symbols", "BTC/USDT:USDT")
LEAVE = b"Q"
FEED_AGE = re.compile(rb"md \d+ms")
"""In the header as soon as market data comes."""


class Console:
    """``jackbot …`` in a terminal of 80 by 24."""

    def __init__(self, home: Path, *words: str, program: str = "") -> None:
        """``program`` is run with the words in place of the command itself."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("JACKBOT_", "XDG_", "SSH_"))}
        self.terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, *(("-c", program) if program else ("-m", "jackbot_tui")), *words],
            env={**clean, "HOME": str(home), "TERM": "xterm-256color"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self.socket = places_of({}, home).socket_path("sim-binance")
        self.seen = b""

    def read(self, seconds: float) -> None:
        if select.select([self.terminal], [], [], seconds)[0]:
            with contextlib.suppress(OSError):  # the other end is closed when the program has ended
                self.seen += os.read(self.terminal, 65536)

    def eventually(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"never: {what}\n{self.seen[-2000:]!r}"
            self.read(0.02)

    def type(self, text: str) -> None:
        """Keys as a hand types them: what comes faster is taken for a paste."""
        for key in text:
            os.write(self.terminal, key.encode())
            pressed = time.monotonic()
            self.eventually(lambda since=pressed: time.monotonic() - since > HAND_S, "time goes by")  # type: ignore[misc]

    def leave(self) -> int:
        """Press the leave key twice and wait for the end of the program."""
        os.write(self.terminal, LEAVE)
        self.read(0.05)
        os.write(self.terminal, LEAVE)
        self.eventually(lambda: self.process.poll() is not None, "the program ends")
        self.read(0.2)
        return self.process.returncode

    def wait_for_screen(self) -> None:
        self.eventually(lambda: b" SIM " in self.seen and FEED_AGE.search(self.seen) is not None, "a live picture")


@pytest.fixture
def home() -> Iterator[Path]:
    """A user's home with a short name: the path of a Unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="jackbot-") as directory:
        yield Path(directory)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Console]]:
    consoles: list[Console] = []

    def begin(*words: str, program: str = "") -> Console:
        consoles.append(Console(home, *words, program=program))
        return consoles[-1]

    yield begin
    for console in consoles:
        with contextlib.suppress(LinkError):
            call(console.socket, "quit", timeout_s=2.0)
        if console.process.poll() is None:
            console.process.kill()
            console.process.wait()
        os.close(console.terminal)


def test_a_demo_ends_with_its_screen_and_says_so(start: Callable[..., Console]) -> None:
    console = start(*DEMO)
    console.wait_for_screen()
    assert is_listening(console.socket)
    assert console.leave() == 0
    assert b"the engine has ended" in console.seen
    assert not console.socket.exists()


def test_an_engine_that_is_kept_goes_on_and_can_be_attached_to(start: Callable[..., Console]) -> None:
    console = start(*DEMO, "--keep")
    console.wait_for_screen()
    assert console.leave() == 0
    assert b"jackbot attach --socket sim-binance" in console.seen
    assert call(console.socket, "status").ok

    second = start("attach")
    second.wait_for_screen()
    assert second.leave() == 0
    assert b"the engine goes on" in second.seen

    assert call(console.socket, "quit").ok
    second.eventually(lambda: not console.socket.exists(), "the engine ends")


def test_the_engine_of_a_demo_ends_even_when_its_console_is_killed(start: Callable[..., Console]) -> None:
    console = start(*DEMO)
    console.wait_for_screen()
    console.process.send_signal(signal.SIGKILL)
    console.eventually(lambda: not console.socket.exists(), "the engine ends by itself")


def test_engine_and_screen_in_one_process(start: Callable[..., Console]) -> None:
    console = start(*DEMO, "--embed")
    console.wait_for_screen()
    assert is_listening(console.socket)
    assert console.leave() == 0
    assert not console.socket.exists()


def test_an_engine_that_cannot_start_is_explained_without_a_screen(start: Callable[..., Console]) -> None:
    console = start("demo", "--symbols", "NOPE/USDT")
    console.eventually(lambda: console.process.poll() is not None, "the program ends")
    console.read(0.2)
    assert console.process.returncode == 2
    assert b"NOPE/USDT" in console.seen and b"Traceback" not in console.seen
    assert len(console.seen.splitlines()) == 1


BROKEN = """
import sys
from jackbot_tui.cli import main
from jackbot_tui.tui import screens

def broken(*_):
    raise RuntimeError("a bug of the screen")

screens.header_rows = broken
sys.exit(main())
"""


def test_a_bug_of_the_screen_gives_one_line_and_a_file_and_ends_the_demo(
    start: Callable[..., Console], home: Path
) -> None:
    console = start(*DEMO, program=BROKEN)
    console.eventually(lambda: console.process.poll() is not None, "the program ends")
    console.read(0.2)
    assert console.process.returncode == 1
    after = console.seen.rpartition(b"\x1b[?1049l")[2]
    assert b"Traceback" not in after
    assert after.count(b"internal error (RuntimeError); please report it with the file") == 1
    [written] = home.glob("**/log/crash-*.txt")
    assert "a bug of the screen" in written.read_text()
    assert not console.socket.exists()


def test_quit_ends_an_embedded_engine_and_its_screen(start: Callable[..., Console]) -> None:
    console = start(*DEMO, "--embed")
    console.wait_for_screen()
    console.type(":quit\r")
    console.eventually(lambda: b"ends the engine" in console.seen, "the question")
    console.type("hhh\r")  # it must have been on the glass for a moment
    console.eventually(lambda: console.process.poll() is not None, "the program ends")
    console.read(0.2)
    assert console.process.returncode == 0
    assert b"the engine has ended" in console.seen
