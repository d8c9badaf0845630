"""The widgets that draw rows of text: one Line API widget for everything, refreshed line by line where rows changed.

Rows come from the view code already fitted to the panel; a row that equals what is on the glass costs a comparison, one
that comes back costs a look into the strip cache. Nothing here ever causes a layout.
"""

from collections.abc import Callable, Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from jackbot_tui.tui.view.ink import EMPTY, Ink, Row, changed_width

STRIPS_KEPT = 512
"""Beyond it the oldest go. A plain dict on purpose: the links of an LRU list would be garbage with cycles."""


class LineStrip(Strip):
    """A strip that does not remember itself as its own only part.

    Textual keeps in each strip how it was divided. Where nothing is cut off that is the strip itself: a cycle, and
    thousands of strips a minute would be left to the collector, whose pauses are felt at the keys (measured: 100 ms).
    """

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        length = self.cell_length
        inside = [cut for cut in cuts if cut <= length]
        return (self,) if inside == [length] else super().divide(inside)


class Inks:
    """How inks look now, and the strips made with them, line filters applied. Shared by all panels of a screen."""

    def __init__(self, styles: dict[Ink, Style]) -> None:
        self.generation = 0
        self.strips: dict[tuple[Row, int], Strip] = {}
        self.change(styles)

    def change(self, styles: dict[Ink, Style]) -> None:
        """Other colours: every strip is made anew."""
        self.styles = styles
        ground = styles[Ink.TEXT].bgcolor
        # Inks whose blanks look alike: each segment costs some forty bytes, so blanks get none of their own.
        self._plain = {ink for ink, style in styles.items() if style.bgcolor == ground and not style.reverse}
        self.generation += 1
        self.strips.clear()

    def strip(self, row: Row, width: int, filters: Sequence[LineFilter], background: Color) -> Strip:
        """The row as a strip. Neighbours of one ink are one segment, and blanks join whatever stands beside them."""
        key = (row, width)
        strip = self.strips.get(key)
        if strip is None:
            segments: list[Segment] = []
            run, run_ink = "", Ink.TEXT
            for text, ink in row:
                blank = ink in self._plain and text.isspace()
                if ink is run_ink or (blank and run_ink in self._plain):
                    run += text
                elif run_ink in self._plain and ink in self._plain and (not run or run.isspace()):
                    run, run_ink = run + text, ink
                else:
                    if run:
                        segments.append(Segment(run, self.styles[run_ink]))
                    run, run_ink = text, ink
            if run:
                segments.append(Segment(run, self.styles[run_ink]))
            strip = Strip(segments).adjust_cell_length(width, self.styles[Ink.TEXT])
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strip = LineStrip(strip, width)
            if len(self.strips) >= STRIPS_KEPT:
                del self.strips[next(iter(self.strips))]
            self.strips[key] = strip
        return strip


class LinePanel(Widget):
    """A rectangle of rows, without border and padding: what Textual asks for is handed out as it is kept."""

    ALLOW_SELECT = False
    can_focus = False

    def __init__(self, inks: Inks, name: str) -> None:
        super().__init__(id=name)
        self.inks = inks
        self._rows: list[Row] = []
        self._strips: dict[int, Strip] = {}
        self._strips_of = (-1, -1)

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
                self._strips.pop(y, None)
                regions.append(Region(0, y, width, 1))
        self._rows = new
        if regions:
            self.refresh(*regions)
        return len(regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines for the compositor, which asks every panel between the outermost changes in each frame."""
        width = self.size.width
        if self._strips_of != (self.inks.generation, width):
            self._strips_of = (self.inks.generation, width)
            self._strips.clear()
        strips = [self._strips.get(y) or self._strip(y, width) for y in crop.line_range]
        if crop.column_span != (0, width):
            begin, end = crop.column_span
            return [LineStrip(strip.crop(begin, end), end - begin) for strip in strips]
        return strips

    def _strip(self, y: int, width: int) -> Strip:
        row = self._rows[y] if y < len(self._rows) else EMPTY
        strip = self.inks.strip(row, width, self.app.get_line_filters(), self.background_colors[1])
        self._strips[y] = strip
        return strip


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
