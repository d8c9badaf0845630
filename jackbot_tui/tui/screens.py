"""The screens: the trade screen and what can lie on top of it. They place panels, pass keys on, ask view code for rows.

No screen talks to the engine by itself but through the controller, and none decides what a key means.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
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
from jackbot_tui.tui.view.pages import ASKED, TABS, Page, help_rows, tab_rows
from jackbot_tui.tui.view.prompt import completion_row, hint_row, lower_row, rest_row, upper_row
from jackbot_tui.tui.view.ticket import HEIGHT, WIDTH, Ticket

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
        self.bar = CommandBar(self._bar_changed, self._bar_entered, self._bar_left, desk.heard, lambda: desk.glass.view)
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
                        else upper_row(state, width)
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
        built = state.ladder.build(book, own, state.axis, width, state.cursor_index, stale, grabbed, now)
        rows += [state.ladder.head(book, state.axis, width), *built]
        rows.append(state.ladder.foot(book, state.axis, own, state.cursor_index, width))
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


class PageScreen(Screen[None]):
    """A full-screen list with tabs, scrolling and a filter; order keys do not work here, kill does."""

    AUTO_FOCUS = ""

    def __init__(self, desk: "JackbotApp", page: Page, heading: str = "", answer: list[str] | None = None) -> None:
        super().__init__()
        self.desk = desk
        self.page = page
        self.heading = heading or page.value.upper()
        self.tab = 0
        self.first = 0
        self.filter = ""
        self.filtering = page is Page.HELP
        self._answer = answer or []
        self._count = 0
        self.panel = LinePanel(desk.inks, "page")

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self._ask()

    def on_resize(self) -> None:
        self.call_after_refresh(self.desk.draw, True)

    def _ask(self) -> None:
        line = ASKED.get((self.page, self.tab))
        if line is not None:
            self._answer = []
            self.desk.ask(line, self._take)

    def _take(self, reply: Reply) -> None:
        self._answer = reply.lines
        self.desk.draw(True)

    def draw(self, now: int, gauge: Gauge, forced: bool) -> None:
        width, height = self.size
        if height < 4:
            return
        view = self.desk.glass.view
        body = height - 3
        if self.page is Page.HELP:
            mode = view.header.mode if view is not None else ""
            rows = help_rows(self.desk.controller.keymap, mode, self.filter, width)
        else:
            moment = view.header.now_ns if view is not None else now
            rows = tab_rows(self.page, self.tab, self.desk.glass, self._answer, width, body, moment)
            if self.filter:
                wanted = self.filter.lower()
                rows = [row for row in rows if wanted in "".join(text for text, _ in row).lower()]
        self._count = len(rows)
        self.first = max(0, min(self.first, len(rows) - body))
        shown = rows[self.first : self.first + body]
        shown += [fit([], width)] * (body - len(shown))
        self.panel.show([self._head(gauge, width), *shown, self._foot(width, body), self._keys(width)])

    def _head(self, gauge: Gauge, width: int) -> Row:
        header = header_rows(self.desk.glass.view, gauge, width, 1)[0]
        names = TABS.get(self.page, ())
        cells = [(f" {self.heading} ", Ink.TITLE)]
        for number, name in enumerate(names):
            cells.append((f" {name} ", Ink.SELECTED if number == self.tab else Ink.DIM))
        used = sum(len(text) for text, _ in cells)
        tail = header[-2:] if len(header) >= 2 else header
        room = width - sum(len(text) for text, _ in tail)
        return fit(fit(cells, max(used, room)) if used < room else cells, room) + tuple(tail)

    def _foot(self, width: int, body: int) -> Row:
        last = min(self._count, self.first + body)
        more = f"{self.first + 1 if self._count else 0}-{last} of {self._count}"
        if self.filter or self.filtering:
            return title(f"filter: {self.filter}_", width, more)
        return title("", width, more)

    def _keys(self, width: int) -> Row:
        state = self.desk.state
        if state.message is not None:
            return fit([(f" {state.message.text}", Ink.WARN)], width)
        tabs = [(" tab", Ink.KEY), (" next", Ink.DIM)] if TABS.get(self.page) else []
        how = (
            [(" type", Ink.KEY), (" to search", Ink.DIM)] if self.filtering else [(" /", Ink.KEY), (" filter", Ink.DIM)]
        )
        rest = [("  j k PgUp PgDn", Ink.KEY), (" scroll ", Ink.DIM), (" Esc", Ink.KEY), (" back ", Ink.DIM)]
        return fit([*tabs, ("  ", Ink.TEXT), *how, *rest, (" F12 F12", Ink.KEY), (" KILL", Ink.BAD)], width)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        key = event.character if event.is_printable and event.character else event.key
        body = max(1, self.size.height - 3)
        match key:
            case "escape" if self.filter:
                self.filter, self.filtering = "", self.page is Page.HELP
            case "escape" | "f1":
                self.dismiss()
            case "?" if self.page is Page.HELP:
                self.dismiss()
            case "up" | "down":
                self.first += 1 if key == "down" else -1
            case "pageup" | "pagedown":
                self.first += body if key == "pagedown" else -body
            case "home":
                self.first = 0
            case "end":
                self.first = self._count
            case "backspace":
                self.filter = self.filter[:-1]
            case "enter":
                self.filtering = self.page is Page.HELP
            case "tab" if TABS.get(self.page):
                self.tab = (self.tab + 1) % len(TABS[self.page])
                self.first = 0
                self._ask()
            case _ if self.filtering and event.is_printable and event.character:
                self.filter += event.character
            case "/":
                self.filtering = True
            case "j" | "k":
                self.first += 1 if key == "j" else -1
            case _:
                self.desk.page_key(key)
        self.desk.draw(True)


def framed(rows: list[Row], width: int) -> list[Row]:
    """Rows in a box."""
    side: Row = (("│", Ink.TITLE),)
    rule = "─" * width
    return [((f"┌{rule}┐", Ink.TITLE),), *((*side, *row, *side) for row in rows), ((f"└{rule}┘", Ink.TITLE),)]


class Dialog(ModalScreen[None]):
    """A box in the middle of the trade screen, which goes on behind it."""

    AUTO_FOCUS = ""
    BOX = (WIDTH, HEIGHT)

    def __init__(self, desk: "JackbotApp") -> None:
        super().__init__()
        self.desk = desk
        self.panel = LinePanel(desk.inks, "box")

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        width, height = self.BOX
        self.panel.styles.width, self.panel.styles.height = width + 2, height + 2
        self.call_after_refresh(self.desk.draw, True)

    def rows(self) -> list[Row]:
        raise NotImplementedError

    def draw(self, now: int, gauge: Gauge, forced: bool) -> None:
        self.desk.trade.draw(now, gauge, forced)
        rows = self.rows()
        width, height = self.BOX
        self.panel.show(framed([*rows, *[fit([], width)] * (height - len(rows))], width))


class TicketDialog(Dialog):
    """The order ticket. Enter turns it into the inline question of its line."""

    def __init__(self, desk: "JackbotApp", ticket: Ticket) -> None:
        super().__init__(desk)
        self.ticket = ticket
        self.shown: Reply | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self._preview()

    def rows(self) -> list[Row]:
        view = self.desk.glass.view
        if view is None:
            return [fit([(" no picture from the engine yet", Ink.DIM)], WIDTH)]
        return self.ticket.rows(view.header, view.book, self.shown)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        key = event.character if event.is_printable and event.character and event.character != " " else event.key
        line = self.ticket.line()
        match key:
            case "escape":
                self.dismiss()
            case "enter" if line:
                self.dismiss()
                self.desk.controller.order(line)
            case "ctrl+y" if line:
                self.desk.copy(line)
            case _:
                if self.ticket.key(key):
                    self._preview()
        self.desk.draw(True)

    def _preview(self) -> None:
        line = self.ticket.line()
        self.shown = None
        if line:
            self.desk.preview(line, self._take)

    def _take(self, line: str, reply: Reply) -> None:
        if self.ticket.line() == line:
            self.shown = reply
            self.desk.draw(True)


class TypedDialog(Dialog):
    """Asks for words typed in full before something that cannot be undone."""

    BOX = (64, 7)

    def __init__(self, desk: "JackbotApp", words: str, why: str, confirmed: Callable[[], Any]) -> None:
        super().__init__(desk)
        self.words = words
        self.why = why
        self.text = ""
        self._confirmed = confirmed

    def rows(self) -> list[Row]:
        width = self.BOX[0]
        good = self.text == self.words
        return [
            title(self.words.upper(), width),
            fit([], width),
            fit([(f"  {self.why}", Ink.WARN)], width),
            fit([("  type ", Ink.DIM), (self.words, Ink.STRONG), (" in full:", Ink.DIM)], width),
            fit([("  > ", Ink.KEY), (f"{self.text}_", Ink.GOOD if good else Ink.TEXT)], width),
            fit([], width),
            fit([(" Enter", Ink.KEY), (" only then ", Ink.DIM), (" Esc", Ink.KEY), (" leave", Ink.DIM)], width),
        ]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key == "escape":
            self.dismiss()
        elif event.key == "enter" and self.text == self.words:
            self.dismiss()
            self._confirmed()
        elif event.key == "backspace":
            self.text = self.text[:-1]
        elif event.is_printable and event.character:
            self.text = (self.text + event.character)[: len(self.words) + 8]
        self.desk.draw(True)
