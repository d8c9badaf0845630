"""The widgets that draw rows of text: one Line API widget for everything, refreshed line by line where rows changed.

Rows come from the view code already fitted to the panel; a row that equals what is on the glass costs a comparison, one
that comes back costs a look into the strip cache. Nothing here ever causes a layout.
"""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from jackbot_tui.tui.view.ink import EMPTY, Ink, Row, changed_width

STRIPS_KEPT = 4096


class Inks:
    """How inks look now, and the strips made with them. Shared by all panels of a screen."""

    def __init__(self, styles: dict[Ink, Style]) -> None:
        self.styles = styles
        self.strips: LRUCache[tuple[Row, int], Strip] = LRUCache(STRIPS_KEPT)

    def change(self, styles: dict[Ink, Style]) -> None:
        self.styles = styles
        self.strips.clear()

    def strip(self, row: Row, width: int) -> Strip:
        """The row as a strip, neighbours of one ink in one segment."""
        key = (row, width)
        strip = self.strips.get(key)
        if strip is None:
            segments: list[Segment] = []
            run: list[str] = []
            last: Ink | None = None
            for text, ink in row:
                if ink is not last and run and last is not None:
                    segments.append(Segment("".join(run), self.styles[last]))
                    run = []
                run.append(text)
                last = ink
            if run and last is not None:
                segments.append(Segment("".join(run), self.styles[last]))
            strip = Strip(segments).adjust_cell_length(width, self.styles[Ink.TEXT])
            self.strips[key] = strip
        return strip


class LinePanel(Widget):
    """A rectangle of rows."""

    ALLOW_SELECT = False
    can_focus = False

    def __init__(self, inks: Inks, name: str) -> None:
        super().__init__(id=name)
        self.inks = inks
        self._rows: list[Row] = []

    def show(self, rows: Sequence[Row]) -> int:
        """Put rows on the glass; returns how many lines had to be redrawn."""
        height = self.size.height
        old, new = self._rows, list(rows[:height])
        regions: list[Region] = []
        for y in range(height):
            before = old[y] if y < len(old) else EMPTY
            after = new[y] if y < len(new) else EMPTY
            if before is after:
                continue
            width = changed_width(before, after)
            if width:
                regions.append(Region(0, y, width, 1))
        self._rows = new
        if regions:
            self.refresh(*regions)
        return len(regions)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        row = self._rows[y] if y < len(self._rows) else EMPTY
        return self.inks.strip(row, width)


class LadderPanel(LinePanel):
    """The ladder: a click puts the cursor, the wheel moves the axis. Neither ever sends anything."""

    def __init__(self, inks: Inks, name: str, clicked: Callable[[int], None], scrolled: Callable[[int], None]) -> None:
        super().__init__(inks, name)
        self._clicked = clicked
        self._scrolled = scrolled

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self._clicked(event.y)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scrolled(3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scrolled(-3)
