"""The few places where Textual's private parts are touched, so that one test tells when a new version changes them."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.drivers._writer_thread import WriterThread

LAST_WRITES_S = 2.0
"""How long a screen without a terminal may take to end by itself."""

ASK_CURSOR = "\x1b[6n"
"""Device status report 6: the terminal answers with the cursor's position once everything before it has been drawn."""


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
