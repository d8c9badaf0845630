"""The door of the screen: sets Textual's environment, then loads Textual and runs.

Called by the command line with the engine's socket, or with a link of any kind (``--embed``, tests).
"""

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path

from jackbot_tui.link.client import LinkClient
from jackbot_tui.link.face import Link
from jackbot_tui.tui.options import ScreenOptions, wanted_theme, wants_mouse

TEXTUAL_ENVIRONMENT = {
    "TEXTUAL_FPS": "120",  # our own frame clock paces; a key is painted at once (TARGETS.md 3)
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
}


def prepare_environment(options: ScreenOptions) -> None:
    """Must run before Textual is imported: these are read at its import."""
    for name, value in TEXTUAL_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Textual decides about its filters while the App is built, before our theme could be set (UI.md 2.3).
    os.environ["TEXTUAL_THEME"] = "ansi-dark" if wanted_theme(options) in ("ansi", "mono") else "textual-dark"
    if not any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")):
        os.environ.setdefault("ESCDELAY", "25")


async def screen_session(link: Link, options: ScreenOptions, gone: asyncio.Event | None = None) -> int:
    """The screen on a link that the caller made, inside the caller's event loop (``--embed``). Closes the link.

    ``gone``: when it is set there is nothing to look at any more, and the screen is left. A bug that ended the screen
    is raised here, once the terminal is as it was.
    """
    prepare_environment(options)
    from jackbot_tui.tui import terminal
    from jackbot_tui.tui.app import JackbotApp

    terminal.escape_is_a_key()
    app = JackbotApp(link, options)
    # What was imported stays for good: kept out of every later collection, whose pauses would be felt at the keys.
    gc.collect()
    gc.freeze()
    watching = asyncio.create_task(_leave_when(gone, app.leave), name="watch for the end") if gone is not None else None
    try:
        code = await app.run_async(mouse=wants_mouse(options))
    finally:
        if watching is not None:
            watching.cancel()
    crash = terminal.crash_of(app)
    if crash is not None:
        raise crash
    return code if isinstance(code, int) else app.return_code or 0


async def _leave_when(gone: asyncio.Event, leave: Callable[[], None]) -> None:
    await gone.wait()
    leave()


def run_screen(link: Link | Path | str, options: ScreenOptions | None = None) -> int:
    """Run the screen until it is left; the exit code. ``link`` is a socket's path or a link."""
    options = options or ScreenOptions()
    connected = LinkClient(link, name=options.name) if isinstance(link, Path | str) else link
    return asyncio.run(screen_session(connected, options))
