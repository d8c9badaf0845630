"""Pictures of the trade screen on a frozen, seeded market. Few on purpose: rows are tested as text elsewhere.

They are drawn with one version of Python and of Textual; elsewhere they would differ without anything being wrong.
"""

import sys
from typing import Any

import pytest
from textual.pilot import Pilot

from jackbot_tui.model.clock import NS_PER_MS, ManualClock
from jackbot_tui.tui.app import JackbotApp
from jackbot_tui.tui.options import ScreenOptions
from jackbot_tui.tui.synthetic import busy_link
from tests.screen.stage import KEY_NS, MOMENT_NS

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="snapshots are drawn with Python 3.11")


def frozen_app(theme: str, ascii: bool) -> JackbotApp:
    clock = ManualClock(MOMENT_NS)
    link = busy_link(clock)
    link.frozen = True
    options = ScreenOptions(theme=theme, ascii=ascii, pace=False)
    return JackbotApp(
        link, options, clock, key_time=lambda event: clock.now_ns(), ticking=False, monotonic=clock.now_ns
    )


@pytest.mark.parametrize(
    ("size", "theme", "ascii", "keys"),
    [
        ((80, 24), "dark", False, ()),
        ((120, 40), "dark", False, ()),
        ((80, 24), "mono", True, ()),
        ((120, 40), "ansi", False, ("j", "b")),
    ],
    ids=["small", "medium", "ascii", "asked"],
)
def test_trade_screen(snap_compare: Any, size: tuple[int, int], theme: str, ascii: bool, keys: tuple[str, ...]) -> None:
    app = frozen_app(theme, ascii)
    clock = app.clock
    assert isinstance(clock, ManualClock)

    async def before(pilot: Pilot[int]) -> None:
        await app.link.connect()
        for _ in range(4):
            clock.advance(40 * NS_PER_MS)
            await app.frames.frame()
            await pilot.pause()
        for key in keys:
            clock.advance(KEY_NS)
            await pilot.press(key)
            await app.controller.calls.settle()
        app.draw(True)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)
