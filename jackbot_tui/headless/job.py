"""What one engine process has to do, as plain values: made by the command line, carried out by ``headless.host``.

A job is complete: the process that gets it reads no configuration and parses no arguments, so the engine loads neither
pydantic nor argparse. It travels pickled over the standard input of a child that we start ourselves; the parts of a key
follow it there on their own and are in no pickled job.
"""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.execution.live.keys import KeyParts
from jackbot_tui.headless.log import JsonLog, LogOutput, RotatingFile, StreamOutput


class LogTarget(Struct, frozen=True, kw_only=True):
    """Where the log goes. ``to_stdout`` is for ``--no-ui``: ``path`` is then where it goes on when stdout breaks."""

    path: Path
    to_stdout: bool
    level: str
    max_bytes: int
    keep: int

    def open(self) -> JsonLog:
        file = RotatingFile(self.path, self.max_bytes, self.keep)
        output: LogOutput = StreamOutput(1) if self.to_stdout else file
        return JsonLog(output, fallback=file if self.to_stdout else None, level=self.level)


class SimJob(Struct, frozen=True, kw_only=True):
    """The embedded exchange to start beside the engine. Without ``symbols`` it runs the venue's usual ones, and
    without ``accounts`` it takes no signed requests."""

    venue: str
    symbols: list[str]
    seed: int
    volatility: float
    rate: float
    fault: str
    accounts: int = 0


class EngineJob(Struct, frozen=True, kw_only=True):
    """One engine. ``name`` names its socket, journal and log; ``options.log`` is left to the process that runs it.

    ``tied``: the engine ends when the process that started it does (a demo must not go on in secret). ``key_follows``:
    the parts of the account's key are not in it and come after it.
    """

    name: str
    options: EngineOptions
    log: LogTarget
    sim: SimJob | None = None
    tied: bool = False
    key_follows: bool = False

    def without_key(self) -> tuple["EngineJob", dict[str, str]]:
        """The job as it may be pickled, and the parts of the key that it held."""
        live = self.options.live
        if live is None or not live.given:
            return self, {}
        bare = replace(self.options, live=replace(live, given={}))
        return replace(self, options=bare, key_follows=True), {**live.given}

    def with_key(self, parts: dict[str, str]) -> "EngineJob":
        """The other way."""
        live = self.options.live
        if live is None:
            return self
        whole = replace(self.options, live=replace(live, given=KeyParts(parts)))
        return replace(self, options=whole, key_follows=False)
