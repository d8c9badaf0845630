"""Starts an engine as a process of its own and makes sure that it is up before anybody relies on it.

The child gets its job pickled on standard input, its key after it, and answers with one JSON line on a pipe: ready, or
why not. It lives in a session of its own, so closing the terminal that started it does not reach it. Only the command
line calls this.
"""

import contextlib
import os
import pickle
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from jackbot_tui.headless.child import child_environment, module_command
from jackbot_tui.headless.job import EngineJob
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.settings.places import private_directory

READY_S = 20.0
"""Longest time from the start of the process to its answer; a journal of a million records opens well within it."""

STOP_S = 10.0
"""Longest time an engine may take to end in order (its own drain is 3 s) before it is killed."""

LAST_LINES = 8
ENGINE_MODULE = "jackbot_tui.headless"


class ReadyReport(Struct, frozen=True):
    """The child's answer: ``error`` is "" when it is up. ``usage`` says that the person's input was wrong."""

    error: str = ""
    usage: bool = False


class StartError(JackbotError):
    """The engine did not come up."""


class UsageStartError(StartError):
    """The engine did not come up because of what it was told (exit code 2)."""


class EngineProcess:
    """A running engine that this process started. ``release`` lets it live on, ``stop`` ends it in order."""

    def __init__(self, process: "subprocess.Popen[bytes]", job: EngineJob) -> None:
        self.job = job
        self.pid = process.pid
        self._process = process

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def close_tie(self) -> None:
        """Cut the tie: an engine that is tied to us ends in order."""
        _close(self._process.stdin)

    @property
    def last_words(self) -> str:
        """The last thing it wrote outside its log: why it had to end; "" when it ended as asked."""
        return "".join(_tail(_output_of(self.job))[-1:])

    def release(self) -> None:
        """Let the engine go on alone: nobody waits for its end any more."""
        self._process.returncode = self._process.poll() or 0

    def stop(self, timeout_s: float = STOP_S) -> int:
        """Ask it to end in order, kill it when it does not; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(timeout_s)
        finally:
            self.close_tie()


def start_engine(
    job: EngineJob,
    *,
    meanwhile: Callable[[], None] = lambda: None,
    command: Sequence[str] | None = None,
    ready_s: float = READY_S,
) -> EngineProcess:
    """Start the engine and wait until it is ready; StartError in one message when it does not come up.

    ``meanwhile`` is called while the engine comes up. ``command`` replaces the engine's own command line (tests).
    """
    private_directory(job.log.path.parent)
    read_end, write_end = os.pipe()
    with contextlib.closing(_Descriptor(read_end)):
        with contextlib.closing(_Descriptor(write_end)), _output_of(job).open("wb") as output:
            process = subprocess.Popen(
                [*(command or module_command(ENGINE_MODULE)), "--ready-fd", str(write_end)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(write_end,),
                start_new_session=True,
                env=child_environment(),
            )
        engine = EngineProcess(process, job)
        try:
            _hand_over(process, job)
            meanwhile()
            report = _await_report(read_end, ready_s)
        except BaseException:
            engine.stop(1.0)
            raise
    if report is None or report.error:
        engine.stop(1.0)
        raise _failure(report, job)
    return engine


class _Descriptor:
    def __init__(self, number: int) -> None:
        self._number = number

    def close(self) -> None:
        os.close(self._number)


def _hand_over(process: "subprocess.Popen[bytes]", job: EngineJob) -> None:
    """Send the job, then the key that it is to use.

    The pipe stays open while the engine is tied to us: its end is how the engine learns of ours.
    """
    assert process.stdin is not None
    bare, parts = job.without_key()
    try:
        process.stdin.write(pickle.dumps(bare))
        if bare.key_follows:
            process.stdin.write(pickle.dumps(parts))
        process.stdin.flush()
    except BrokenPipeError:
        return  # it died at once: the report says so
    if not job.tied:
        _close(process.stdin)


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with contextlib.suppress(BrokenPipeError):
            stream.close()


def _await_report(descriptor: int, ready_s: float) -> ReadyReport | None:
    """The child's line; None when it ended without one."""
    deadline = time.monotonic() + ready_s
    received = b""
    while not received.endswith(b"\n"):
        rest = deadline - time.monotonic()
        if rest <= 0 or not select.select([descriptor], [], [], rest)[0]:
            return ReadyReport(f"the engine gave no answer within {ready_s:g} s and was ended")
        part = os.read(descriptor, 65536)
        if not part:
            return None
        received += part
    return msgspec.json.decode(received, type=ReadyReport)


def _failure(report: ReadyReport | None, job: EngineJob) -> StartError:
    if report is not None:
        return UsageStartError(report.error) if report.usage else StartError(report.error)
    last = _tail(_output_of(job)) or _tail(job.log.path)
    said = "; its last lines:\n" + "\n".join(f"  {line}" for line in last) if last else ""
    return StartError(f"the engine ended before it was up (log: {job.log.path}){said}")


def _output_of(job: EngineJob) -> Path:
    """Where the child's own standard output and error go: nothing, unless something is wrong."""
    return job.log.path.with_suffix(".out")


def _tail(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()[-LAST_LINES:]
    except OSError:
        return []
