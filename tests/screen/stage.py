"""A screen on a made-up market, driven by hand: no frame clock, no wall time, every key 300 ms after the one before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, ManualClock
from jackbot_tui.model.enums import Mode
from jackbot_tui.tui.app import JackbotApp
from jackbot_tui.tui.options import ScreenOptions
from jackbot_tui.tui.synthetic import SyntheticLink, busy_link
from jackbot_tui.tui.view.ink import text_row
from jackbot_tui.tui.view.layout import Panel

MOMENT_NS = 1_795_269_802_000_000_000
BOOT_NS = MOMENT_NS - 3600 * NS_PER_S
"""Keys carry the time since the machine's start, which has nothing to do with the time of day."""

KEY_NS = 300 * NS_PER_MS


class Stage:
    """What a test drives and looks at."""

    def __init__(self, app: JackbotApp, link: SyntheticLink, clock: ManualClock, pilot: Pilot[int]) -> None:
        self.app = app
        self.link = link
        self.clock = clock
        self.pilot = pilot
        self.key_gap_ns = KEY_NS

    async def frame(self, ns: int = 40 * NS_PER_MS) -> None:
        self.clock.advance(ns)
        await self.app.frames.frame()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.clock.advance(self.key_gap_ns)
            await self.pilot.press(key)
            await self.app.controller.calls.settle()
        self.app.draw(True)
        await self.pilot.pause()

    def lines(self) -> list[str]:
        """Lines the engine was told, those before the keys not counted."""
        return [line for line, _ in self.link.lines]

    def panel(self, panel: Panel) -> list[str]:
        return [text_row(row) for row in self.app.trade.panels[panel]._rows]

    def prompt(self) -> str:
        return "\n".join(self.panel(Panel.QUANTITY) + self.panel(Panel.PREVIEW))


@asynccontextmanager
async def staged(
    size: tuple[int, int] = (120, 40), mode: Mode = Mode.PAPER, options: ScreenOptions | None = None, replay: str = ""
) -> AsyncIterator[Stage]:
    """A stage after its first frames."""
    clock = ManualClock(MOMENT_NS)
    link = busy_link(clock, mode=mode, replay=replay)
    link.frozen = True
    app = JackbotApp(
        link,
        options or ScreenOptions(theme="dark", ascii=False, pace=False),
        clock,
        key_time=lambda event: clock.now_ns() - BOOT_NS,
        ticking=False,
        monotonic=lambda: clock.now_ns() - BOOT_NS,
    )
    async with app.run_test(size=size) as pilot:
        await link.connect()
        stage = Stage(app, link, clock, pilot)
        app.state.groups = dict.fromkeys(link.books, 1)
        for _ in range(3):
            await stage.frame()
        yield stage
