"""A trader's script: lines of the command language, each at its time, carried out by the desk as if they were typed.

One line is ``SECONDS LINE`` (seconds since the session began, in the data's time), ``#`` begins a comment. Lines go the
same way as those of ``jackbot ctl``: parsed, priced, guarded, gated, journaled. Not for use inside an event loop.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.views import ClientInfo, Context, Reply, Role
from jackbot_tui.engine.core import Engine
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.errors import InputError


class ScriptLine(Struct, frozen=True):
    """``after_ns`` since the session began; ``key`` is the active instrument, "" = the venue's first."""

    after_ns: int
    line: str
    key: str = ""


class Script:
    """A ``kernel.Strategy``. ``replies`` holds each line's answer, in the order in which they were said."""

    def __init__(self, lines: Sequence[ScriptLine]) -> None:
        self._lines = sorted(lines, key=lambda each: each.after_ns)
        self._said = 0
        self._began = 0
        self._desks: dict[str, tuple[Desk, ClientInfo]] = {}
        self.replies: list[tuple[ScriptLine, Reply]] = []

    @property
    def next_ns(self) -> int | None:
        return self._began + self._lines[self._said].after_ns if self._said < len(self._lines) else None

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        self._began = now
        for venue, engine in engines.items():
            desk = Desk(engine)
            self._desks[venue] = (desk, desk.attach(Role.CTL, "script"))

    def wake(self, now: int) -> None:
        said = self._lines[self._said]
        self._said += 1
        venue = said.key.partition(":")[0] or next(iter(self._desks))
        if venue not in self._desks:
            raise InputError(f"{said.key}: no capture of {venue} is played")
        desk, client = self._desks[venue]
        key = said.key or next(iter(desk.engine.data.markets), "")
        reply = asyncio.run(desk.execute(client, said.line, Context(key=key), confirmed=True))
        self.replies.append((said, reply))


def read_script(path: Path) -> list[ScriptLine]:
    """The lines of a script file; InputError names the first that cannot be read.

    ``SECONDS [KEY] LINE``: a key in square brackets before the line chooses the
    instrument: ``12.5 [binance:BTC/USDT:USDT] buy 0.1 @ bid post``.
    """
    lines: list[ScriptLine] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        said = text.partition("#")[0].strip()
        if not said:
            continue
        moment, _, rest = said.partition(" ")
        key, rest = "", rest.strip()
        if rest.startswith("["):
            key, _, rest = rest[1:].partition("]")
        try:
            after_ns = round(float(moment) * NS_PER_S)
        except (ValueError, OverflowError):
            after_ns = -1
        if after_ns < 0 or not rest.strip():
            raise InputError(f"{path}, line {number}: write SECONDS and a command, as in '12.5 buy 0.1 @ bid post'")
        lines.append(ScriptLine(after_ns, rest.strip(), key.strip()))
    return lines
