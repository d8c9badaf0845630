"""Puts a screen in front of an engine: beside one that was just started, in one process with it, or on a running one.

The only place outside ``tui`` that loads Textual, and only when a screen is really opened. What happens to the engine
when its screen goes is said in words: a demo ends, a paper session goes on.
"""

import argparse
import asyncio
import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jackbot_tui.headless.job import EngineJob
from jackbot_tui.headless.memory import give_memory_back
from jackbot_tui.headless.spawn import EngineProcess, UsageStartError, start_engine
from jackbot_tui.model.errors import InputError
from jackbot_tui.settings.load import config_files, load_settings
from jackbot_tui.settings.model import ScreenSection
from jackbot_tui.settings.places import choose_engine, is_listening, places_of
from jackbot_tui.tui.options import ScreenOptions

if TYPE_CHECKING:
    from jackbot_tui.headless.host import EngineHost
    from jackbot_tui.link.local import InProcessLink

_SWITCH = {"auto": None, "on": True, "off": False}


def run_beside(job: EngineJob, screen: ScreenSection, *, keep: bool) -> int:
    """Start the engine, open a screen on it, and say or do what is to happen to it afterwards."""
    _prepare()
    socket_path = job.options.socket_path
    assert socket_path is not None
    leaving = "the engine ends with this screen, its journal stays"
    if keep:
        leaving = f"the engine goes on: jackbot attach --socket {socket_path.stem} comes back"
    options = options_of(screen, leaving)
    try:
        engine = start_engine(job, meanwhile=lambda: _load_screen(options))
    except UsageStartError as error:
        raise InputError(str(error)) from None
    try:
        code = open_screen(socket_path, options)
    finally:
        engine_code = _after(engine, job, socket_path, keep=keep)
    return code or engine_code


def run_embedded(job: EngineJob, screen: ScreenSection) -> int:
    """Engine and screen on one event loop: for tests and tiny machines; a slow terminal slows the engine."""
    _prepare()
    return asyncio.run(_embedded(job, options_of(screen, "the engine ends with this screen, its journal stays")))


async def _embedded(job: EngineJob, options: ScreenOptions) -> int:
    from jackbot_tui.headless.host import EngineHost
    from jackbot_tui.link.local import InProcessLink
    from jackbot_tui.tui.main import screen_session

    log = job.log.open()
    host = EngineHost(job, log)
    gone = asyncio.Event()
    try:
        await host.open()
        link = InProcessLink(host.desk, report=lambda text: log("error", "bug", {"text": text}))
        engine = asyncio.create_task(_run_until_gone(host, link, gone), name="engine")
        try:
            code = await screen_session(link, options, gone)
        finally:
            host.stop("the screen was closed")
            await engine
        _say(f"the engine has ended: {host.reason}")
        return code
    finally:
        await host.close()
        log.close()


async def _run_until_gone(host: "EngineHost", link: "InProcessLink", gone: asyncio.Event) -> None:
    """Run the engine; when it ends before the screen, as by ``quit``, the screen is left: nothing can come back."""
    try:
        await host.run()
    finally:
        await link.close()
        gone.set()


def attach(options: argparse.Namespace) -> int:
    """``jackbot attach``: another screen on a running engine."""
    _prepare()
    places = places_of(os.environ)
    path = choose_engine(places, options.socket)
    files = config_files([Path(name) for name in options.config or []], os.environ, places)
    flags: dict[str, object] = {"screen.ascii": "on"} if options.ascii else {}
    settings = load_settings(files, os.environ, flags).settings
    code = open_screen(path, options_of(settings.screen, f"the engine goes on: jackbot attach --socket {path.stem}"))
    _say(_going_on(path) if is_listening(path) else "the engine has ended")
    return code


def open_screen(path: Path, options: ScreenOptions) -> int:
    """Run the screen on the socket at ``path`` until it is left; its exit code."""
    from jackbot_tui.tui.main import run_screen

    return run_screen(path, options)


def _load_screen(options: ScreenOptions) -> None:
    """Load Textual and the console while the engine is coming up: the first picture is there that much sooner."""
    from jackbot_tui.tui.main import prepare_environment

    prepare_environment(options)
    importlib.import_module("jackbot_tui.tui.app")


def options_of(screen: ScreenSection, leaving: str) -> ScreenOptions:
    """The screen section as the screen takes it."""
    return ScreenOptions(
        theme=screen.theme,
        keymap=screen.keymap,
        keys=screen.keys,
        ascii=_SWITCH[screen.ascii],
        mouse=_SWITCH[screen.mouse],
        frame_rate=screen.frame_rate,
        pace=screen.pace,
        bell=screen.bell,
        leaving=leaving,
    )


def _after(engine: EngineProcess, job: EngineJob, socket_path: Path, *, keep: bool) -> int:
    """Say what becomes of the engine now that its screen is gone, and end it unless it is to be kept; its exit code."""
    if keep and engine.exit_code is None:
        engine.release()
        _say(_going_on(socket_path))
        return 0
    if engine.exit_code is None:
        _say("ending the engine…")
    code = engine.stop()
    if code:
        _say(f"the engine ended with code {code}: {engine.last_words or f'see {job.log.path}'}")
    else:
        kept = f"; its journal is {job.options.journal_path}" if job.options.journal_path is not None else ""
        _say(f"the engine has ended{kept}")
    return code


def _going_on(socket_path: Path) -> str:
    name = socket_path.stem
    return (
        f"the engine goes on: 'jackbot attach --socket {name}' comes back, 'jackbot ctl --socket {name} quit' ends it"
    )


def _prepare() -> None:
    """What every screen needs: a terminal, and memory that is given back. InputError without a terminal."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # Textual draws on stderr
        raise InputError("a screen needs a terminal: use --no-ui here, and 'jackbot ctl' to talk to the engine")
    give_memory_back()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be what has gone
        sys.stdout.write(f"jackbot: {text}\n")
        sys.stdout.flush()
