"""Pictures of the screen in front of a real engine, through Textual's own export (SVG, and PNG).

``python -m jackbot_tui.tui.shots DIR`` starts a demo of its own with a fixed seed, trades a little on it over its
socket and takes the pictures. The market is the same each time, the moments are those of the clock: two runs differ in
prices and times. What a screen test compares letter by letter is made from a made-up market instead (``synthetic``).
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct

from jackbot_tui.desk.views import Context, Role
from jackbot_tui.link.client import LinkClient
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.errors import LinkError
from jackbot_tui.tui.main import prepare_environment
from jackbot_tui.tui.options import ScreenOptions

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
ENGINE_LIFE = "300s"
"""The engine ends by itself, whatever becomes of this script."""

START_S = 30.0
MARKET_S = 45.0
"""Market that goes by before the first picture, so that tape, profile and chart have something to show."""

TRADES = (
    (SYMBOLS[0], "buy 0.25 mkt"),
    (SYMBOLS[1], "sell 1.5 mkt"),
    (SYMBOLS[0], "sell 0.1 mkt"),
    (SYMBOLS[0], "buy 0.1 @ bid-150t post"),
    (SYMBOLS[0], "buy 0.2 @ bid-190t post"),
    (SYMBOLS[0], "sell 0.15 @ ask+180t post"),
    (SYMBOLS[2], "buy 0.05 @ bid-5000t post"),
)
FRAMES = 12
FRAME_S = 0.1
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""The export asks a web server for its font; a picture must not: any monospaced font of the machine does."""


class Shot(Struct, frozen=True, kw_only=True):
    """One picture: size, theme, keys pressed before it is taken."""

    name: str
    width: int = 120
    height: int = 40
    theme: str = "dark"
    ascii: bool = False
    keys: tuple[str, ...] = ()


SHOTS = (
    Shot(name="trade-120x40"),
    Shot(name="trade-80x24", width=80, height=24),
    Shot(name="trade-200x60", width=200, height=60),
    Shot(name="trade-120x40-ask", keys=("j", "b")),
    Shot(name="trade-120x40-light", theme="light"),
    Shot(name="trade-120x40-cvd", theme="cvd"),
    Shot(name="trade-120x40-ansi", theme="ansi"),
    Shot(name="trade-80x24-ascii-mono", width=80, height=24, theme="mono", ascii=True),
    Shot(name="ticket-120x40", keys=("t",)),
    Shot(name="help-120x40", keys=("question_mark",)),
    Shot(name="command-120x40", keys=("colon", *"buy 0.5 @ b", "tab")),
    Shot(name="journal-120x40", keys=("f4",)),
    Shot(name="connections-120x40", keys=("i",)),
)


@asynccontextmanager
async def demo() -> AsyncIterator[Path]:
    """An engine on the embedded exchange in a home of its own, with a few orders and fills; the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="jb") as home:
        socket = Path(home) / "engine.sock"
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("XDG_", "JACKBOT_"))}
        words = ["demo", "--no-ui", "--seed", "7", "--for", ENGINE_LIFE, "--socket", str(socket)]
        engine = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jackbot_tui", *words, "--symbols", ",".join(SYMBOLS)),
            env={**kept, "HOME": home},
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            await _trade(socket)
            yield socket
        finally:
            engine.terminate()
            await engine.wait()


async def _trade(socket: Path) -> None:
    trader = LinkClient(socket, Role.CTL, "shots")
    async with asyncio.timeout(START_S):
        while not trader.connected:
            with suppress(LinkError):
                await trader.connect()
            await asyncio.sleep(FRAME_S)
    await asyncio.sleep(MARKET_S)
    for symbol, line in TRADES:
        reply = await trader.execute(line, Context(key=f"binance:{symbol}"))
        if not reply.ok:
            raise LinkError(f"{line}: {' '.join(reply.lines)}")
        await asyncio.sleep(2 * FRAME_S)
    await trader.close()


async def take(shot: Shot, socket: Path) -> str:
    """The picture as SVG."""
    from jackbot_tui.tui.app import JackbotApp

    link = LinkClient(socket, Role.SCREEN, "shot")
    options = ScreenOptions(theme=shot.theme, ascii=shot.ascii, pace=False)
    presses = iter(range(1, 1000))
    app = JackbotApp(link, options, key_time=lambda event: next(presses) * 1000 * NS_PER_MS, ticking=False)
    async with app.run_test(size=(shot.width, shot.height)) as pilot:
        app.glass.client_id = (await link.connect()).client_id
        for _ in range(FRAMES):
            await app.frames.frame()
            await asyncio.sleep(FRAME_S)
            await pilot.pause()
        for key in shot.keys:
            await pilot.press(key)
            await app.controller.calls.settle()
        await asyncio.sleep(2 * FRAME_S)  # the preview waits until typing rests, a page for its answer
        app.draw(True)
        await pilot.pause()
        svg = app.export_screenshot(title=f"jackbot {shot.name}")
        return FONT_FACE.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")


async def take_all(shots: Sequence[Shot]) -> list[tuple[Shot, str]]:
    """Every picture, all of one demo."""
    async with demo() as socket:
        return [(shot, await take(shot, socket)) for shot in shots]


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
    chosen = [shot for shot in SHOTS if len(arguments) == 1 or arguments[1] == shot.name]
    for shot, svg in asyncio.run(take_all(chosen)):
        (directory / f"{shot.name}.svg").write_text(svg, encoding="utf-8")
        if cairosvg is not None:
            cairosvg.svg2png(bytestring=svg.encode(), write_to=str(directory / f"{shot.name}.png"))
        print(f"{shot.name}: {shot.width}x{shot.height}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
