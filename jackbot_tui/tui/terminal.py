"""The few places where Textual's private parts are touched, so that one test tells when a new version changes them."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread
from textual.message import Message
from textual.worker import WorkerFailed

LAST_WRITES_S = 2.0
"""How long a screen without a terminal may take to end by itself."""

ASK_CURSOR = "\x1b[6n"
"""Device status report 6: the terminal answers with the cursor's position once everything before it has been drawn."""


ESCAPE = "\x1b"
INTRODUCERS = frozenset("[O]P_^\x1b")
"""What may follow an Escape byte when it begins a sequence (CSI, SS3, OSC, DCS, APC, PM), or is a key of its own."""


class EscapeParser(XTermParser):
    """Textual's parser of what the terminal sends, with Escape as a key that no other key can swallow.

    It takes a key that comes within the escape delay for Alt with that key (and drops the Escape): over a slow line, or
    from tmux, that is Escape and then a key. We bind nothing to Alt.
    """

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._escaped = False

    def feed(self, data: str) -> Iterable[Message]:
        begin = 0
        for place, character in enumerate(data):
            if self._escaped and character not in INTRODUCERS:
                if place > begin:
                    yield from super().feed(data[begin:place])
                begin = place
                yield from self._give_up_waiting()
            self._escaped = character == ESCAPE
        yield from super().feed(data[begin:])

    def _give_up_waiting(self) -> Iterable[Message]:
        """The Escape that is waited on was a key."""
        if self._timeout_time is not None:
            self._timeout_time = 0.0
            yield from self.tick()


def escape_is_a_key() -> None:
    """From now on drivers read the terminal with ``EscapeParser``."""
    vars(linux_driver)["XTermParser"] = EscapeParser


def crash_of(app: App[Any]) -> Exception | None:
    """The bug that ended the app, without the wrapping of the worker it happened in; None when there was none."""
    error = app._exception
    return error.error if isinstance(error, WorkerFailed) and isinstance(error.error, Exception) else error


def ask_cursor(app: App[Any]) -> bool:
    """Write the question behind what was just painted; False where there is no terminal to ask."""
    driver = app._driver
    if driver is None or app.is_headless or getattr(driver, "_writer_thread", None) is None:
        return False
    driver.write(ASK_CURSOR)
    return True


def leave_when_gone(leave: Callable[[], object]) -> None:
    """Ask to ``leave``, and then insist, when nobody holds the other end of our terminal any more.

    That is a lost connection that sent no SIGHUP. Textual's reader would spin on it, and its event loop may already
    be blocked by writes that nobody takes: so a thread of its own waits for it and ends the process.
    """

    def watch() -> None:
        poll = select.poll()
        for descriptor in (0, 2):
            if os.isatty(descriptor):
                poll.register(descriptor, 0)  # hang-up and error are always reported
        poll.poll()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            leave()
        time.sleep(LAST_WRITES_S)
        os._exit(0)

    threading.Thread(target=watch, name="terminal watch", daemon=True).start()


def writes_waiting(app: App[Any]) -> int:
    """Writes that the terminal has not taken yet. The queue holds 30 and then blocks the whole event loop."""
    writer = getattr(app._driver, "_writer_thread", None)
    return writer._queue.qsize() if isinstance(writer, WriterThread) else 0
