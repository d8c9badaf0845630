"""The engine process: takes a job, runs the host on an event loop, answers signals, ends with a meaningful exit code.

``main`` is the child started by ``headless.spawn``; ``run_job`` is also what ``--no-ui`` runs in the foreground.
Exit codes: 0 ended as asked, 1 failed, 2 was told something wrong.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec

from jackbot_tui.headless.host import EngineHost
from jackbot_tui.headless.job import EngineJob
from jackbot_tui.headless.log import JsonLog
from jackbot_tui.headless.memory import give_memory_back
from jackbot_tui.headless.spawn import ReadyReport
from jackbot_tui.model.errors import InputError, JackbotError
from jackbot_tui.model.secrets import conceal

OK, FAILED, USAGE = 0, 1, 2

Tell = Callable[[ReadyReport], None]
"""Hears first that the engine is up, or why not; then, perhaps, why an engine that was up had to end."""


def main(arguments: list[str]) -> int:
    """Entry of the child: ``--ready-fd N``, the job pickled on standard input and, after it, the key it needs."""
    if len(arguments) != 2 or arguments[0] != "--ready-fd" or not arguments[1].isdecimal():
        sys.stderr.write("this is the engine's own entry: use 'jackbot run', 'jackbot demo' or 'jackbot replay'\n")
        return USAGE
    ready_descriptor = int(arguments[1])
    job = pickle.load(sys.stdin.buffer)
    if not isinstance(job, EngineJob):
        sys.stderr.write("no engine job on standard input\n")
        return USAGE
    if job.key_follows:
        job = job.with_key(pickle.load(sys.stdin.buffer))

    waiting = True

    def tell(report: ReadyReport) -> None:
        nonlocal waiting
        if waiting:
            waiting = False
            with contextlib.suppress(BrokenPipeError), os.fdopen(ready_descriptor, "wb") as pipe:
                pipe.write(msgspec.json.encode(report) + b"\n")
        else:
            sys.stderr.write(f"{report.error}\n")

    return run_job(job, tell=tell, tie=sys.stdin.fileno() if job.tied else None)


def run_job(job: EngineJob, *, tell: Tell, tie: int | None = None) -> int:
    """Run one engine to its end; ``tie`` (a descriptor) ends it when its other end is closed."""
    give_memory_back()
    sys.excepthook = _print_concealed
    log = job.log.open()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_host(job, log, tell, tie))
    finally:
        log.close()


def _print_concealed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug's trace as Python prints it, without the secrets that this process holds."""
    sys.stderr.write(conceal("".join(traceback.format_exception(kind, error, trace))))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed (TARGETS: a third less CPU per message), else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _host(job: EngineJob, log: JsonLog, tell: Tell, tie: int | None) -> int:
    host = EngineHost(job, log)
    try:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: _log_bug(log, context))
        await host.open()
        _answer_signals(host, log)
        if tie is not None:
            _stop_with(tie, host)
        tell(ReadyReport())
        await host.run()
        return OK
    except (JackbotError, OSError) as error:
        wrong_input = isinstance(error, InputError)
        log("error", "failed", {"reason": str(error)})
        tell(ReadyReport(error=str(error), usage=wrong_input))
        return USAGE if wrong_input else FAILED
    finally:
        await host.close()


def _log_bug(log: JsonLog, context: dict[str, Any]) -> None:
    """A bug in a callback or a task that nobody awaits: it must not vanish, and it must not end the engine."""
    error = context.get("exception")
    trace = "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""
    log("error", "bug", {"text": str(context.get("message", "")), "trace": trace})


def _answer_signals(host: EngineHost, log: JsonLog) -> None:
    """SIGTERM and SIGINT end in order, SIGUSR1 kills trading, and a closed terminal (SIGHUP) never touches an order."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, host.stop, "SIGTERM")
    loop.add_signal_handler(signal.SIGINT, host.stop, "SIGINT")
    loop.add_signal_handler(signal.SIGUSR1, host.kill, "SIGUSR1")
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(
            signal.SIGHUP, lambda: log("warning", "terminal_closed", {"hint": "the engine goes on"})
        )


def _stop_with(tie: int, host: EngineHost) -> None:
    """Stop the host when the other end of the pipe ``tie`` is closed, however that process ended."""
    loop = asyncio.get_running_loop()

    def look() -> None:
        if not os.read(tie, 4096):
            loop.remove_reader(tie)
            host.stop("the console that started it is gone")

    loop.add_reader(tie, look)
