"""The trade screen: places the panels, passes keys on, and asks view code for the rows of each frame.

It talks to the engine only through the controller and does not decide what a key means.
"""

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from jackbot_tui.desk.views import Reply
from jackbot_tui.tui.commandbar import CommandBar, syntax_problem
from jackbot_tui.tui.glass import Freshness
from jackbot_tui.tui.panels import LadderPanel, LinePanel
from jackbot_tui.tui.trade import Focus
from jackbot_tui.tui.view.account import log_rows, lower_rows, side_rows
from jackbot_tui.tui.view.chart import chart_rows
from jackbot_tui.tui.view.ink import Ink, Row, fit
from jackbot_tui.tui.view.layout import Layout, Panel, Size, plan
from jackbot_tui.tui.view.market import Gauge, header_rows, profile_rows, tape_rows, title
from jackbot_tui.tui.view.prompt import completion_row, hint_row, lower_row, rest_row, upper_row

if TYPE_CHECKING:
    from jackbot_tui.tui.app import JackbotApp

NS_PER_MS = 1_000_000
SLOW_PANELS_NS = {
    Panel.TAPE: 100 * NS_PER_MS,
    Panel.HEADER: 200 * NS_PER_MS,
    Panel.SIDE: 200 * NS_PER_MS,
    Panel.ORDERS: 200 * NS_PER_MS,
    Panel.LOG: 200 * NS_PER_MS,
    Panel.PROFILE: 500 * NS_PER_MS,
    Panel.CHART: 500 * NS_PER_MS,
    Panel.HINT: 500 * NS_PER_MS,
}
"""Panels whose figures nobody reads faster than this; the others are compared every frame."""

TOO_SMALL = "terminal too small: 60x15 is the least; order keys are refused, kill works (F12 F12)"


def place(widget: Widget, layout: Layout, panel: Panel) -> None:
    """Put a widget where the layout has its panel, or hide it."""
    box = layout.boxes.get(panel)
    widget.display = box is not None
    if box is not None:
        widget.styles.offset = (box.x, box.y)
        widget.styles.width = box.width
        widget.styles.height = box.height


class TradeScreen(Screen[None]):
    """The screen one trades on."""

    AUTO_FOCUS = ""

    def __init__(self, desk: "JackbotApp") -> None:
        super().__init__(id="trade")
        self.desk = desk
        self.plan = plan(80, 24)
        inks = desk.inks
        self.ladder = LadderPanel(inks, Panel.LADDER.value, self._clicked, self._scrolled)
        self.panels: dict[Panel, LinePanel] = {
            panel: LinePanel(inks, panel.value) for panel in Panel if panel not in (Panel.LADDER, Panel.COMMAND)
        }
        self.panels[Panel.LADDER] = self.ladder
        self.bar = CommandBar(
            self._bar_changed, self._bar_entered, self._bar_left, desk.heard, self._late, lambda: desk.glass.view
        )
        self.typing = False
        self.typed: Reply | None = None
        self._due: dict[Panel, int] = {}
        self._tape_shown = (-1, -1.0)

    def compose(self) -> ComposeResult:
        yield from self.panels.values()
        yield self.bar

    def on_resize(self, event: events.Resize) -> None:
        self.set_out(event.size.width, event.size.height)

    def set_out(self, width: int, height: int) -> None:
        """Lay the panels out for this size; the only place where a layout happens."""
        self.plan = plan(width, height)
        for panel, widget in self.panels.items():
            place(widget, self.plan, panel)
        place(self.bar, self.plan, Panel.COMMAND)
        state = self.desk.state
        box = self.plan.boxes.get(Panel.LADDER)
        if box is not None:
            state.axis.resize(box.height - (3 if self.plan.size.value >= Size.MEDIUM.value else 2))
            state.ladder.forget()
        self._due.clear()
        self._tape_shown = (-1, -1.0)
        if self.plan.size is Size.TOO_SMALL:
            self.desk.disarm()
        self.call_after_refresh(self.desk.draw, True)

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self.desk.draw, True)

    # ------------------------------------------------------------------ drawing

    def draw(self, now: int, gauge: Gauge, forced: bool) -> None:
        """Compare every panel that is due with the glass and refresh the lines that changed."""
        state, glass = self.desk.state, self.desk.glass
        boxes = self.plan.boxes
        if Panel.MESSAGE in boxes:
            box = boxes[Panel.MESSAGE]
            self.panels[Panel.MESSAGE].show([fit([(TOO_SMALL, Ink.BAD)], box.width)])
            return
        view = glass.view
        for panel, box in boxes.items():
            if panel is Panel.COMMAND:
                continue
            wait = SLOW_PANELS_NS.get(panel)
            if wait is not None and not forced:
                if now < self._due.get(panel, 0):
                    continue
                self._due[panel] = now + wait
            width, height = box.width, box.height
            rows: list[Row]
            match panel:
                case Panel.HEADER:
                    rows = header_rows(view, gauge, width, height)
                case Panel.LADDER:
                    rows = self._ladder_rows(now, gauge, width)
                case Panel.TAPE:
                    shown = (glass.tape_changes, state.tape_least)
                    if shown == self._tape_shown and not forced:
                        continue
                    self._tape_shown = shown
                    cvd = view.cvd if view is not None else 0.0
                    rows = tape_rows(glass.tape, width, height, state.tape_least, cvd, glass.key, True)
                    rows += [fit([("│", Ink.FRAME)], width)] * (height - len(rows))
                case Panel.SIDE:
                    rows = side_rows(view, glass.key, width, height, self.plan.size is Size.SMALL)
                case Panel.ORDERS:
                    selected = state.selected if state.focus is Focus.ORDERS else None
                    moment = view.header.now_ns if view is not None else now
                    rows = lower_rows(view, state.tab, width, height, selected, moment)
                case Panel.LOG:
                    rows = log_rows(glass.log, width, height, self.plan.size is not Size.MEDIUM)
                case Panel.CHART:
                    places = view.book.price_places if view is not None and view.book is not None else 2
                    rows = [title("CHART 1m", width, "", "├")]
                    chart = chart_rows(glass.bars.bars, width - 1, height - 1, places)
                    rows += [(("│", Ink.FRAME), *row) for row in chart]
                case Panel.PROFILE:
                    rows = profile_rows(glass.book, state.scale, width, height, True)
                case Panel.QUANTITY:
                    rows = [
                        completion_row(self.bar.candidates, self.bar.chosen, width)
                        if self.typing
                        else upper_row(state, self.desk.controller.keymap, gauge, width)
                    ]
                case Panel.PREVIEW:
                    typed = self.typed if self.typing else None
                    rows = [lower_row(state, typed, gauge, width, now, alone=Panel.QUANTITY not in boxes)]
                case Panel.HINT:
                    rows = [self._hint(gauge, width)]
                case Panel.PROMPT:
                    rows = [((":", Ink.KEY if self.typing else Ink.DIM),)]
                case _:
                    continue
            self.panels[panel].show(rows)

    def _ladder_rows(self, now: int, gauge: Gauge, width: int) -> list[Row]:
        state, glass = self.desk.state, self.desk.glass
        book = glass.book
        height = self.plan.boxes[Panel.LADDER].height
        rows: list[Row] = []
        if self.plan.size.value >= Size.MEDIUM.value:
            tick = f"tick {book.tick}  x{book.group}" if book is not None else ""
            rows.append(title(f"LADDER  {tick}", width, "HOLD: space releases" if state.axis.held else ""))
        if book is None or state.axis.centre is None:
            reason = glass.trouble or (book.reason if book is not None else "") or "waiting for the book"
            return [*rows, fit([(f"  {reason}", Ink.DIM)], width)]
        stale = gauge.freshness is Freshness.STALE
        grabbed = state.grab.number if state.grab is not None else 0
        own = glass.own_orders()
        kept = glass.view.kept if glass.view is not None else []
        built = state.ladder.build(book, own, state.axis, width, state.cursor_index, stale, grabbed, now, kept)
        rows += [state.ladder.head(book, state.axis, width), *built]
        rows.append(state.ladder.foot(book, state.axis, own, state.cursor_index, width, kept))
        return rows[:height]

    def _hint(self, gauge: Gauge, width: int) -> Row:
        """The keys; while typing, the caret under what is wrong."""
        if self.typing:
            problem = syntax_problem(self.bar.value, self.desk.glass.view) if self.bar.value.strip() else None
            if problem is not None:
                return fit([(f" {problem.pointed()}", Ink.BAD)], width)
            return fit([], width)
        rest = rest_row(self.desk.state, width)
        if rest is not None:
            return rest
        view = self.desk.glass.view
        return hint_row(view.header if view is not None else None, self.desk.controller.keymap, gauge, width)

    # ------------------------------------------------------------------ keys, mouse, command bar

    def on_key(self, event: events.Key) -> None:
        if not self.typing:
            self.desk.press(event)

    def _late(self, event: events.Key) -> None:
        event.stop()
        self.desk.press(event)

    def on_paste(self, event: events.Paste) -> None:
        if not self.typing:
            event.stop()
            self.desk.controller.pasted()
            self.desk.draw(True)

    def open_bar(self, text: str) -> None:
        self.desk.state.drop_question()
        self.typing = True
        self.typed = None
        self.bar.start(text)
        self.desk.draw(True)

    def _bar_changed(self, text: str) -> None:
        if not self.typing:
            return
        self.typed = None
        view = self.desk.glass.view
        if text.strip() and syntax_problem(text, view) is None:
            self.desk.preview(text, self._take_preview)
        self.desk.draw(True)

    def _take_preview(self, line: str, reply: Reply) -> None:
        if self.typing and self.bar.value == line:
            self.typed = reply
            self.desk.draw(True)

    def _bar_entered(self, line: str) -> None:
        self._bar_left()
        self.desk.controller.submit(line)
        self.desk.draw(True)

    def _bar_left(self) -> None:
        self.typing = False
        self.typed = None
        self.set_focus(None)
        self.desk.draw(True)

    def _clicked(self, y: int) -> None:
        state = self.desk.state
        first = 2 if self.plan.size.value >= Size.MEDIUM.value else 1
        row = y - first
        if 0 <= row < state.axis.rows and state.axis.click_allowed(self.desk.clock.now_ns()):
            state.put_cursor(state.axis.index_at(row))
            self.desk.controller.preview_grab()
            self.desk.draw(True)

    def _scrolled(self, rows: int) -> None:
        self.desk.state.axis.scroll(rows)
        self.desk.draw(True)
