"""Pictures of the screen, made from a seeded market at fixed moments through Textual's own export (SVG, and PNG).

``python -m jackbot_tui.tui.shots DIR`` writes them. The same seed gives the same pictures, so a difference in them is a
difference in the screen.
"""

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_MS, ManualClock
from jackbot_tui.model.enums import Mode
from jackbot_tui.tui.main import prepare_environment
from jackbot_tui.tui.options import ScreenOptions
from jackbot_tui.tui.synthetic import busy_link

MOMENT_NS = 1_795_269_802_000_000_000  # 2026-11-21 14:03:22 UTC
FRAMES = 12
FRAME_NS = 100 * NS_PER_MS
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""The export asks a web server for its font; a picture must not: any monospaced font of the machine does."""


class Shot(Struct, frozen=True, kw_only=True):
    """One picture: size, theme, mode, keys pressed before it is taken."""

    name: str
    width: int = 120
    height: int = 40
    theme: str = "dark"
    mode: Mode = Mode.PAPER
    replay: str = ""
    ascii: bool = False
    keys: tuple[str, ...] = ()


SHOTS = (
    Shot(name="trade-120x40"),
    Shot(name="trade-80x24", width=80, height=24),
    Shot(name="trade-200x60", width=200, height=60),
    Shot(name="trade-120x40-ask", keys=("j", "b")),
    Shot(name="trade-120x40-light", theme="light", mode=Mode.SIM),
    Shot(name="trade-120x40-cvd", theme="cvd"),
    Shot(name="trade-120x40-ansi", theme="ansi"),
    Shot(name="trade-80x24-ascii-mono", width=80, height=24, theme="mono", ascii=True),
    Shot(name="ticket-120x40", keys=("t",)),
    Shot(name="help-120x40", keys=("question_mark",)),
    Shot(name="command-120x40", keys=("colon", *"buy 0.5 @ b", "tab")),
    Shot(name="journal-120x40", keys=("f4",)),
    Shot(name="replay-120x40", mode=Mode.REPLAY, replay="PLAY x10 12:01:03 41%"),
)


async def take(shot: Shot) -> str:
    """The picture as SVG."""
    from jackbot_tui.tui.app import JackbotApp

    clock = ManualClock(MOMENT_NS)
    link = busy_link(clock, mode=shot.mode, replay=shot.replay)
    options = ScreenOptions(theme=shot.theme, ascii=shot.ascii, pace=False)
    presses = iter(range(1, 1000))
    app = JackbotApp(
        link,
        options,
        clock,
        key_time=lambda event: next(presses) * 1000 * NS_PER_MS,
        ticking=False,
        monotonic=clock.now_ns,
    )
    async with app.run_test(size=(shot.width, shot.height)) as pilot:
        await link.connect()
        for _ in range(FRAMES):
            clock.advance(FRAME_NS)
            await app.frames.frame()
            await pilot.pause()
        for key in shot.keys:
            await pilot.press(key)
            await app.controller.calls.settle()
        if app.trade.typing or shot.keys:
            await asyncio.sleep(0.1)  # the preview waits until typing rests
        app.draw(True)
        await pilot.pause()
        svg = app.export_screenshot(title=f"jackbot {shot.name}")
        return FONT_FACE.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")


def main(arguments: Sequence[str]) -> int:
    """Write every picture into the directory given; PNG too where the converter is installed."""
    if len(arguments) not in (1, 2):
        print("usage: python -m jackbot_tui.tui.shots DIRECTORY [NAME]: writes one SVG and PNG per picture")
        return 2
    prepare_environment(ScreenOptions())
    directory = Path(arguments[0])
    directory.mkdir(parents=True, exist_ok=True)
    try:
        import cairosvg
    except ImportError:
        cairosvg = None
        print("no PNG: the converter is not installed (pip install cairosvg)")
    for shot in SHOTS:
        if len(arguments) == 2 and arguments[1] != shot.name:
            continue
        svg = asyncio.run(take(shot))
        (directory / f"{shot.name}.svg").write_text(svg, encoding="utf-8")
        if cairosvg is not None:
            cairosvg.svg2png(bytestring=svg.encode(), write_to=str(directory / f"{shot.name}.png"))
        print(f"{shot.name}: {shot.width}x{shot.height}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
