"""The embedded exchange as a child of the engine: started before it, ended with it.

The child prints one JSON line with its addresses when it listens, and ends by itself when its standard input closes, so
it cannot outlive the engine, not even one that was killed.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.engine.options import LogSink
from jackbot_tui.headless.child import child_environment, module_command
from jackbot_tui.headless.job import SimJob
from jackbot_tui.model.errors import InputError, JackbotError

SIM_MODULE = "jackbot_tui.sim"
READY_S = 15.0
STOP_S = 3.0
USAGE_EXIT = 2
LONGEST_LINE = 1024 * 1024


class SimReady(Struct, frozen=True):
    """What the child says when it listens; with accounts also the key of the first, and ccxt's addresses."""

    port: int
    symbols: list[str]
    endpoints: dict[str, str]
    credentials: dict[str, str] = {}
    ccxt_urls: dict[str, Any] = {}


class SimProcess:
    """One embedded exchange. ``ended`` is called with a reason when it ends without having been told to."""

    def __init__(self, job: SimJob, log: LogSink, ended: Callable[[str], None]) -> None:
        self._job, self._log, self._ended = job, log, ended
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self, command: Sequence[str] | None = None) -> SimReady:
        """Start it and wait until it says where it listens and what it runs.

        InputError for bad options, JackbotError when it does not come up.
        """
        job = self._job
        arguments = ["--port", "0", "--venue", job.venue, "--seed", str(job.seed)]
        arguments += ["--symbols", ",".join(job.symbols)] if job.symbols else []
        arguments += ["--volatility", repr(job.volatility), "--rate", repr(job.rate)]
        arguments += ["--fault", job.fault] if job.fault else []
        arguments += ["--accounts", str(job.accounts)] if job.accounts else []
        self._process = process = await asyncio.create_subprocess_exec(
            *(command or module_command(SIM_MODULE)),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(),
            limit=LONGEST_LINE,
        )
        assert process.stdout is not None and process.stderr is not None
        try:
            async with asyncio.timeout(READY_S):
                line = await process.stdout.readline()
        except TimeoutError:
            await self.stop()
            raise JackbotError(f"the embedded exchange was not ready within {READY_S:g} s") from None
        if not line:
            raise await self._failed(process)
        try:
            ready = msgspec.json.decode(line, type=SimReady)
        except msgspec.DecodeError as error:
            await self.stop()
            raise JackbotError(f"the embedded exchange answered with something unreadable: {error}") from None
        reports = [
            asyncio.create_task(self._report(process.stdout), name="sim stdout"),
            asyncio.create_task(self._report(process.stderr), name="sim stderr"),
        ]
        self._tasks = [*reports, asyncio.create_task(self._watch(process, reports), name="sim watch")]
        return ready

    async def stop(self) -> None:
        """End it: close its input, then ask, then kill; returns when it is gone."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
            await self._wait_or(process, process.terminate)
            await self._wait_or(process, process.kill)
            await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    async def _wait_or(process: asyncio.subprocess.Process, otherwise: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                otherwise()

    async def _failed(self, process: asyncio.subprocess.Process) -> JackbotError:
        assert process.stderr is not None
        said = (await process.stderr.read(LONGEST_LINE)).decode(errors="replace").strip().splitlines()
        code = await process.wait()
        last = said[-1].removeprefix("sim: ") if said else f"exit code {code}"
        return InputError(last) if code == USAGE_EXIT else JackbotError(f"the embedded exchange did not start: {last}")

    async def _report(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self._log("warning", "sim_says", {"text": line.decode(errors="replace").rstrip()})

    async def _watch(self, process: asyncio.subprocess.Process, reports: list[asyncio.Task[None]]) -> None:
        """Wait for its end and for its last words, then tell."""
        code = await process.wait()
        await asyncio.wait(reports, timeout=STOP_S)
        if not self._stopping:
            self._ended(f"the embedded exchange ended by itself (exit code {code})")
