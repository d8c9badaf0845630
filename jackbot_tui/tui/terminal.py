"""The few places where Textual's private parts are touched, so that one test tells when a new version changes them."""

import os
import select
from typing import Any

from textual.app import App
from textual.drivers._writer_thread import WriterThread

ASK_CURSOR = "\x1b[6n"
"""Device status report 6: the terminal answers with the cursor's position once everything before it has been drawn."""


def ask_cursor(app: App[Any]) -> bool:
    """Write the question behind what was just painted; False where there is no terminal to ask."""
    driver = app._driver
    if driver is None or app.is_headless or getattr(driver, "_writer_thread", None) is None:
        return False
    driver.write(ASK_CURSOR)
    return True


def is_gone() -> bool:
    """True when nobody holds the other end of our terminal any more (a lost connection that sent no SIGHUP)."""
    gone = select.POLLHUP | select.POLLERR | select.POLLNVAL
    poll = select.poll()
    for descriptor in (0, 2):
        if os.isatty(descriptor):
            poll.register(descriptor, gone)
    return any(event & gone for _, event in poll.poll(0))


def writes_waiting(app: App[Any]) -> int:
    """Writes that the terminal has not taken yet. The queue holds 30 and then blocks the whole event loop."""
    writer = getattr(app._driver, "_writer_thread", None)
    return writer._queue.qsize() if isinstance(writer, WriterThread) else 0
