"""Painting a live ladder: CPU and bytes per frame of our line panel against one Static with Text and a DataTable.

Every technique is a small Textual program of its own in a pseudo-terminal, fed the same encoded pictures at the same
rate; the reader counts what arrives. Decoding a picture and building its rows is part of every figure and shown apart.
Pictures are made once and handed to all. ``--rounds`` of 10 or more repeats everything and takes medians.
"""

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from bench.report import Options, Report, Table, machine
from jackbot_tui.desk.views import ScreenView, ViewRequest
from jackbot_tui.model.errors import InputError

SIZES = ((80, 24), (120, 40), (200, 60))
TECHNIQUES = ("pictures and rows", "line panel", "one Static", "DataTable", "whole screen", "whole screen, ansi")
PEERS = ("one Static", "DataTable")
FRAMES = 45
FRAME_S = 1 / 30
WARM_UP = 10
SPAN_S = 3.0
"""A technique that cannot keep the rate is stopped after this long; it is judged by the frames it made."""

ROUNDS_PER_ROUND = 5
"""``--rounds`` counts quick rounds; one here takes the better part of a minute."""

CPU_AIM = (120, 40, 10.0)
"""Columns, lines, per cent of a core at 30 frames a second; the whole screen."""

BYTES_AIM = (80, 24, {"whole screen": 30.0, "whole screen, ansi": 15.0})
"""Columns, lines, KB/s at 20 frames a second."""

MOMENT_NS = 1_795_269_802_000_000_000


class Figures(Struct):
    """What a child says of itself: CPU milliseconds per frame, rows that were different per frame."""

    cpu_ms: float
    frames: int


class Measured(Struct):
    technique: str
    cpu_ms: float
    bytes_per_frame: float


def run(options: Options) -> Report:
    """Every technique at every size, interleaved; medians of the rounds."""
    rounds = max(1, options.rounds // ROUNDS_PER_ROUND)
    tables = []
    with tempfile.TemporaryDirectory() as directory:
        for width, height in SIZES:
            pictures = Path(directory) / f"{height}.msgpack"
            pictures.write_bytes(msgspec.msgpack.encode(asyncio.run(_pictures(height))))
            found: dict[str, list[Measured]] = {name: [] for name in TECHNIQUES}
            for _ in range(rounds):
                for name in TECHNIQUES:
                    found[name].append(measure(name, width, height, pictures))
            tables.append(_table(width, height, found, rounds))
    return Report("ladder_paint", tables, machine("textual", "rich"))


def _table(width: int, height: int, found: dict[str, list[Measured]], rounds: int) -> Table:
    cpu = {name: median(each.cpu_ms for each in listed) for name, listed in found.items()}
    sent = {name: median(each.bytes_per_frame for each in listed) for name, listed in found.items()}
    ours = "line panel"
    rows: list[tuple[str | float, ...]] = [
        (name, cpu[name], sent[name], cpu[name] / FRAME_S / 10, sent[name] * 20 / 1000) for name in TECHNIQUES
    ]
    what = "one round" if rounds == 1 else f"medians of {rounds} rounds"
    notes = [f"{what} of {FRAMES} frames at 30/s; CPU includes decoding pictures and building rows"]
    notes += _aims(width, height, cpu, sent)
    for peer in PEERS:
        ratio = f"{cpu[peer] / cpu[ours]:.1f}x the CPU and {sent[peer] / max(1.0, sent[ours]):.1f}x the bytes"
        notes.append(f"{peer}: {ratio} of the line panel")
    columns = ("technique", "ms CPU/frame", "bytes/frame", "% of a core at 30/s", "KB/s at 20/s")
    return Table(f"ladder at {width}x{height}", columns, rows, tuple(notes))


def _aims(width: int, height: int, cpu: dict[str, float], sent: dict[str, float]) -> Iterator[str]:
    """What is aimed at for this size, and what was measured."""
    if (width, height) == CPU_AIM[:2]:
        share = cpu["whole screen"] / FRAME_S / 10
        yield f"aim: whole screen at most {CPU_AIM[2]:g} % of a core; measured {share:.1f} %"
    if (width, height) == BYTES_AIM[:2]:
        for name, aim in BYTES_AIM[2].items():
            yield f"aim: {name} at most {aim:g} KB/s at 20/s; measured {sent[name] * 20 / 1000:.1f}"


def measure(technique: str, width: int, height: int, pictures: Path) -> Measured:
    """Run one child in a pseudo-terminal and count what it writes while it counts its own CPU."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    report, tell = os.pipe()
    environment = dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_FPS="120")
    environment |= {"TEXTUAL_ANIMATIONS": "none", "LANG": "C.UTF-8"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.ladder_paint", technique, str(width), str(height), str(tell), str(pictures)],
        stdin=child,
        stdout=child,
        stderr=child,
        env=environment,
        pass_fds=(tell,),
    )
    os.close(child)
    os.close(tell)
    try:
        total, figures = _count(parent, report)
    finally:
        process.kill()
        process.wait()
        os.close(parent)
        os.close(report)
    if figures is None:
        raise InputError(f"the {technique} child ended without figures: run python -m bench.ladder_paint by hand")
    return Measured(technique, figures.cpu_ms, total / figures.frames)


def _count(parent: int, report: int) -> tuple[int, Figures | None]:
    """Bytes between the child's start mark and its end mark, and its figures."""
    counting, total = False, 0
    until = time.monotonic() + 60
    while time.monotonic() < until:
        ready, _, _ = select.select([parent, report], [], [], 1.0)
        if parent in ready:
            try:
                data = os.read(parent, 1 << 16)
            except OSError:
                return total, None
            total += len(data) if counting else 0
        if report in ready:
            word = os.read(report, 4096)
            if word == b"start":
                counting = True
            else:
                return total, msgspec.json.decode(word, type=Figures) if word else None
    return total, None


# ---------------------------------------------------------------------- the child


def child(technique: str, width: int, height: int, tell: int, made: Path) -> None:
    """One technique, measured from inside."""
    pictures = iter(msgspec.msgpack.decode(made.read_bytes(), type=list[bytes]))
    if technique.startswith("whole screen"):
        asyncio.run(_whole_screen(tell, "ansi" if technique.endswith("ansi") else "dark", pictures))
    else:
        asyncio.run(_one_widget(technique, width, height, tell, pictures))


async def _paced(tell: int, step: Callable[[], None]) -> None:
    """Call ``step`` FRAMES times at the rate, or for SPAN_S, and tell the CPU it took."""
    for _ in range(WARM_UP):
        step()
        await asyncio.sleep(FRAME_S)
    os.write(tell, b"start")
    begin, due = time.process_time(), time.monotonic()
    until, frames = due + SPAN_S, 0
    while frames < FRAMES and time.monotonic() < until:
        step()
        frames += 1
        due += FRAME_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    spent = time.process_time() - begin
    os.write(tell, msgspec.json.encode(Figures(spent / frames * 1000, frames)))


async def _pictures(levels: int) -> list[bytes]:
    """Encoded pictures as they come over the link, one a frame of a lively market."""
    from jackbot_tui.model.clock import ManualClock
    from jackbot_tui.tui.synthetic import busy_link

    clock = ManualClock(MOMENT_NS)
    link = busy_link(clock)
    await link.connect()
    made, tape_after = [], 0
    for _ in range(FRAMES + WARM_UP + 5):
        clock.advance(int(FRAME_S * 1e9))
        view = await link.pull(ViewRequest(levels=levels, tape_after=tape_after))
        tape_after = view.tape[-1].seq if view.tape else tape_after
        made.append(msgspec.msgpack.encode(view))
    return made


async def _whole_screen(tell: int, theme: str, pictures: Iterator[bytes]) -> None:
    from jackbot_tui.model.clock import ManualClock
    from jackbot_tui.tui.app import JackbotApp
    from jackbot_tui.tui.options import ScreenOptions
    from jackbot_tui.tui.synthetic import busy_link

    clock = ManualClock(MOMENT_NS)
    link = busy_link(clock)

    async def pull(view: ViewRequest, timeout_s: float = 5.0) -> ScreenView:
        return msgspec.msgpack.decode(next(pictures), type=ScreenView)

    link.pull = pull  # type: ignore[method-assign]
    app = JackbotApp(link, ScreenOptions(theme=theme, pace=False, ascii=False), clock, ticking=False)

    async def frames() -> None:
        await link.connect()
        app.state.groups = dict.fromkeys(link.books, 1)
        pending: list[asyncio.Task[None]] = []

        def step() -> None:
            clock.advance(int(FRAME_S * 1e9))
            pending[:] = [asyncio.get_running_loop().create_task(app.frames.frame())]

        await _paced(tell, step)
        app.exit()

    app.call_later(lambda: app.run_worker(frames()))
    await app.run_async(mouse=False)


async def _one_widget(technique: str, width: int, height: int, tell: int, pictures: Iterator[bytes]) -> None:
    from rich.text import Text
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable, Static

    from jackbot_tui.tui.panels import Inks, LinePanel
    from jackbot_tui.tui.themes import PALETTES, ink_styles
    from jackbot_tui.tui.view.axis import LadderAxis
    from jackbot_tui.tui.view.ink import Row
    from jackbot_tui.tui.view.ladder import LadderModel, inside_of

    styles = ink_styles(PALETTES["dark"])
    model, axis = LadderModel(), LadderAxis(height)

    def rows() -> list[Row]:
        view = msgspec.msgpack.decode(next(pictures), type=ScreenView)
        assert view.book is not None
        now = view.header.now_ns
        bid, _ = inside_of(view.book)
        axis.follow(bid or 0, now, pinned=False)
        return model.build(view.book, view.orders, axis, width, None, False, 0, now)

    class Program(App[None]):
        CSS = "Screen { overflow: hidden; } #w { width: 100%; height: 100%; }"

        def __init__(self) -> None:
            super().__init__()
            self.panel = LinePanel(Inks(styles), "w")
            self.text = Static(id="w")
            self.cells: DataTable[Text] = DataTable(id="w", show_header=False, cell_padding=0)

        def compose(self) -> ComposeResult:
            if technique == "one Static":
                yield self.text
            elif technique == "DataTable":
                yield self.cells
            else:
                yield self.panel

        def on_mount(self) -> None:
            self.run_worker(self.work())

        async def work(self) -> None:
            first = rows()
            if technique == "DataTable":
                self.cells.add_columns(*(str(number) for number in range(max(len(row) for row in first) + 6)))
                for _ in first:
                    self.cells.add_row(*[Text()] * len(self.cells.columns))
            paint: dict[str, Callable[[], None]] = {
                "pictures and rows": lambda: _discard(rows()),
                "line panel": lambda: _discard(self.panel.show(rows())),
                "one Static": lambda: self.text.update(_text(rows())),
                "DataTable": self.fill,
            }
            await _paced(tell, paint[technique])
            self.exit()

        def fill(self) -> None:
            """Only cells that changed are updated, as its users are told to."""
            for y, row in enumerate(rows()):
                for x in range(len(self.cells.columns)):
                    cell = Text(row[x][0], styles[row[x][1]]) if x < len(row) else Text()
                    if self.cells.get_cell_at((y, x)) != cell:  # type: ignore[arg-type]
                        self.cells.update_cell_at((y, x), cell)  # type: ignore[arg-type]

    def _text(listed: Iterable[Row]) -> Text:
        text = Text(no_wrap=True)
        for number, row in enumerate(listed):
            if number:
                text.append("\n")
            for part, ink in row:
                text.append(part, styles[ink])
        return text

    def _discard(value: object) -> None:
        del value

    await Program().run_async(mouse=False)


if __name__ == "__main__":
    child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
