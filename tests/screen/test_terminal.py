"""The screen in a real pseudo-terminal: signals, bytes, colours, ASCII, the terminal's answers, private parts."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key

from jackbot_tui.tui import terminal

PROGRAM = """
import sys
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.tui.main import run_screen
from jackbot_tui.tui.options import ScreenOptions
from jackbot_tui.tui.synthetic import busy_link
sys.exit(run_screen(busy_link(SystemClock()), ScreenOptions({options})))
"""
DEADLINE_S = 20.0
CURSOR_ANSWER = b"\x1b[1;1R"


class Terminal:
    """A pseudo-terminal with the screen in it. ``answers``: it answers cursor-position questions like a real one."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]", answers: bool) -> None:
        self.descriptor = descriptor
        self.process = process
        self.answers = answers
        self.output = b""
        self.questions = 0

    def read_until(self, done: "re.Pattern[bytes] | None" = None, seconds: float = DEADLINE_S) -> bytes:
        """Read until ``done`` is found, the program ends, or the time is over; what was read now."""
        begin, until = len(self.output), time.monotonic() + seconds
        while time.monotonic() < until:
            ready, _, _ = select.select([self.descriptor], [], [], 0.05)
            if ready:
                try:
                    data = os.read(self.descriptor, 1 << 16)
                except OSError:
                    break
                if not data:
                    break
                self.output += data
                asked = data.count(terminal.ASK_CURSOR.encode())
                self.questions += asked
                if self.answers and asked:
                    os.write(self.descriptor, CURSOR_ANSWER * asked)
            if done is not None and done.search(self.output[begin:]):
                break
            if self.process.poll() is not None and not ready:
                break
        return self.output[begin:]

    def type(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())


@contextmanager
def screen(
    options: str = "", size: tuple[int, int] = (80, 24), answers: bool = True, **environment: str
) -> Iterator[Terminal]:
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    settings = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TEXTUAL_THEME", "LC_ALL")}
    settings |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(options=options)], stdin=child, stdout=child, stderr=child, env=settings
    )
    os.close(child)
    there = Terminal(parent, process, answers)
    try:
        yield there
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(there.descriptor)


LADDER = re.compile(rb"DISARMED")


@pytest.mark.parametrize(
    ("reads", "keys"),
    [
        (["\x1b?"], ["escape", "question_mark"]),
        (["\x1b", "?"], ["escape", "question_mark"]),
        (["\x1bQb"], ["escape", "Q", "b"]),
        (["\x1b\r"], ["escape", "enter"]),
        (["\x1b\x1b?"], ["escape", "escape", "question_mark"]),
        (["\x1b[A", "\x1b", "[B", "\x1bOP"], ["up", "down", "f1"]),
        (["\x1b[1;5R\x1bx"], ["CursorPosition", "escape", "x"]),
        (["\x1b[200~ab\x1b[20", "1~", "\x1bz"], ["Paste", "escape", "z"]),
    ],
)
def test_escape_is_a_key_that_no_other_key_swallows(reads: list[str], keys: list[str]) -> None:
    parser = terminal.EscapeParser()
    events = [event for read in reads for event in parser.feed(read)]
    assert [event.key if isinstance(event, Key) else type(event).__name__ for event in events] == keys


def test_the_driver_reads_with_our_parser() -> None:
    terminal.escape_is_a_key()
    assert LinuxDriver.run_input_thread.__globals__["XTermParser"] is terminal.EscapeParser


def test_escape_and_the_next_key_at_once_close_the_command_bar_and_open_the_help() -> None:
    with screen() as there:
        there.read_until(LADDER)
        there.type(":buy")
        there.read_until(seconds=0.5)
        there.type("\x1b?")
        assert b"filter:" in there.read_until(re.compile(rb"filter:"))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_the_screen_cleanly(number: signal.Signals) -> None:
    with screen() as there:
        assert LADDER.search(there.read_until(LADDER))
        there.process.send_signal(number)
        there.read_until(seconds=DEADLINE_S)
        assert there.process.wait(DEADLINE_S) == 0
        assert b"\x1b[?1049l" in there.output, "the terminal's own screen must be given back"
        assert b"Traceback" not in there.output


def test_a_screen_whose_terminal_is_gone_ends_instead_of_spinning() -> None:
    with screen() as there:
        assert LADDER.search(there.read_until(LADDER))
        os.close(there.descriptor)
        assert there.process.wait(DEADLINE_S) == 0
        there.descriptor = os.open(os.devnull, os.O_RDONLY)


def test_the_screen_is_left_by_its_keys() -> None:
    with screen() as there:
        there.read_until(LADDER)
        there.type("Q")
        there.read_until(re.compile(rb"leave this screen"))
        there.type("Q")
        there.read_until(seconds=DEADLINE_S)
        assert there.process.wait(DEADLINE_S) == 0


def test_an_order_typed_by_key_asks_on_the_terminal() -> None:
    with screen() as there:
        there.read_until(LADDER)
        there.read_until(seconds=0.5)
        there.type("n")
        assert b"SEND?" in there.read_until(re.compile(rb"SEND\?"))


def test_without_colour_no_colour_code_is_written() -> None:
    with screen(NO_COLOR="1") as there:
        there.read_until(LADDER)
        there.type("n")
        there.read_until(re.compile(rb"SEND\?"))
        codes = re.findall(rb"\x1b\[([0-9;]*)m", there.output)
        parts = {part for code in codes for part in code.split(b";")}
        colours = {str(number).encode() for number in (*range(30, 39), *range(40, 49), *range(90, 108))}
        assert codes and not parts & colours


def test_in_ascii_nothing_else_is_written() -> None:
    with screen("ascii=True", LANG="C") as there:
        there.read_until(LADDER)
        there.type("?")
        there.read_until(re.compile(rb"SAFE KEYS"))
        there.type("\x1b")
        there.read_until(seconds=0.5)
        assert there.output.isascii()


def test_sixteen_colours_use_no_bright_and_no_rgb_codes() -> None:
    with screen(TERM="linux", COLORTERM="") as there:
        there.read_until(LADDER)
        there.read_until(seconds=1.0)
        codes = re.findall(rb"\x1b\[([0-9;]*)m", there.output)
        assert codes
        assert not any(b"38;2" in code or b"48;2" in code for code in codes)
        bright = {str(number).encode() for number in range(90, 98)}
        assert not any(set(code.split(b";")) & bright for code in codes)


@pytest.mark.parametrize(("theme", "limit"), [("dark", 30_000), ("ansi", 15_000)])
def test_bytes_per_second_are_within_the_budget(theme: str, limit: int) -> None:
    """UI.md 3.6, at 20 frames a second on 80x24. A slow machine draws fewer frames, so it can only send less."""
    with screen(f"theme={theme!r}, frame_rate=20") as there:
        there.read_until(LADDER)
        there.read_until(seconds=1.0)
        there.questions, begin, started = 0, len(there.output), time.monotonic()
        there.read_until(seconds=3.0)
        sent, passed = len(there.output) - begin, time.monotonic() - started
        rate, frames = sent / passed, there.questions
        print(f"{theme}: {sent / max(1, frames):.0f} bytes a frame, {rate:.0f} bytes/s at {frames / passed:.1f} fps")
        assert frames > 0
        assert rate <= limit


def test_a_terminal_that_never_answers_is_still_drawn() -> None:
    with screen(answers=False) as there:
        there.read_until(LADDER)
        there.read_until(seconds=3.0)
        begin = len(there.output)
        there.read_until(seconds=1.0)
        assert len(there.output) > begin


def test_no_mouse_reports_are_asked_for_over_ssh() -> None:
    with screen(SSH_CONNECTION="10.0.0.1 1 10.0.0.2 22") as there:
        there.read_until(LADDER)
        assert b"\x1b[?1003h" not in there.output


def test_the_private_parts_of_textual_that_are_used_exist() -> None:
    """terminal.py touches these; a new version of Textual that changes them must fail here, not on somebody's glass."""
    app: App[None] = App()
    assert app._driver is None
    assert terminal.writes_waiting(app) == 0
    assert not terminal.ask_cursor(app)
    driver = LinuxDriver.__new__(LinuxDriver)
    driver._writer_thread = WriterThread(sys.stderr)
    driver._writer_thread.write("one")
    app._driver = driver
    assert terminal.writes_waiting(app) == 1
