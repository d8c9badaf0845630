"""What lies on top of the trade screen: full-screen pages, the order ticket, the demand for typed words.

They show and collect; what leaves for the engine leaves through the controller, as a line. Order keys mean nothing
here, the kill keys reach through.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen

from jackbot_tui.desk.views import FillView, ParentView, Reply
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.errors import LinkError
from jackbot_tui.tui.panels import LinePanel
from jackbot_tui.tui.view.ink import Ink, Row, fit
from jackbot_tui.tui.view.market import Gauge, header_rows, title
from jackbot_tui.tui.view.pages import (
    ASKED,
    FILLS_TAB,
    HEAD_ROWS,
    MOVING,
    TABS,
    Page,
    fills,
    help_rows,
    listed_fills,
    tab_rows,
)
from jackbot_tui.tui.view.parents import parent_rows
from jackbot_tui.tui.view.ticket import HEIGHT, WIDTH
from jackbot_tui.tui.view.tickets import Tickets

if TYPE_CHECKING:
    from jackbot_tui.tui.app import JackbotApp


AGAIN_NS = NS_PER_S
"""How often a page that moves is asked for."""


ROOMY = 110
"""From this width on all keys of the page of parent orders fit in one row."""


class PageScreen(Screen[None]):
    """A full-screen list with tabs, scrolling and a filter; order keys do not work here, kill does."""

    AUTO_FOCUS = ""

    def __init__(self, desk: "JackbotApp", page: Page, heading: str = "", answer: Reply | None = None) -> None:
        super().__init__()
        self.desk = desk
        self.page = page
        self.heading = heading or page.value.upper()
        self.tab = 0
        self.first = 0
        self.filter = ""
        self.filtering = page is Page.HELP
        self._answer = answer
        self._asked_ns = 0
        self._count = 0
        self._fills: list[FillView] = []
        self._chosen = ""
        self._parents: list[ParentView] = []
        self._place = 0
        self.panel = LinePanel(desk.inks, "page")

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self._ask()

    def on_resize(self) -> None:
        self.call_after_refresh(self.desk.draw, True)

    def _ask(self) -> None:
        self._answer = None if (self.page, self.tab) in ASKED else self._answer
        self._ask_again()

    def _ask_again(self) -> None:
        line = ASKED.get((self.page, self.tab))
        if line is not None:
            self._asked_ns = self.desk.clock.now_ns()
            self.desk.ask(line, self._take)

    def _take(self, reply: Reply) -> None:
        self._answer = reply
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
        elif (self.page, self.tab) == FILLS_TAB and view is not None:
            rows = self._fill_rows(width, body)
        elif self.page is Page.PARENTS and view is not None:
            rows = self._parent_rows(view.parents, width, body)
        else:
            if (self.page, self.tab) in MOVING and 0 < self._asked_ns <= now - AGAIN_NS:
                self._ask_again()
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

    def _fill_rows(self, width: int, body: int) -> list[Row]:
        """The fills, scrolled so far that the chosen one is in sight; it stays chosen when newer ones come."""
        try:
            self._fills = listed_fills(self.desk.glass, self._answer, self.filter)
        except LinkError as error:
            self._fills = []
            return [fit([(f"  {error}", Ink.BAD)], width)]
        chosen = self._chosen_place()
        row = chosen + HEAD_ROWS
        if chosen == 0:
            self.first = 0
        elif not self.first <= row < self.first + body:
            self.first = row if row < self.first else row - body + 1
        return fills(self._fills, chosen, width)

    def _parent_rows(self, listed: list[ParentView] | None, width: int, body: int) -> list[Row]:
        """The parent orders, scrolled so far that the chosen one is in sight."""
        self._parents = [
            each for each in listed or () if self.filter.lower() in f"p{each.number} {each.kind} {each.key}".lower()
        ]
        self._place = max(0, min(self._place, len(self._parents) - 1))
        blocks = parent_rows(None if listed is None else self._parents, self._place, width)
        row = sum(map(len, blocks[: self._place]))
        own = len(blocks[self._place])
        if not self.first <= row <= self.first + body - own:
            self.first = row if row < self.first else row - body + own
        return [row for block in blocks for row in block]

    def _parent_key(self, key: str) -> bool:
        """A key on the list of parent orders that chooses one or steers it; what may send orders goes into the bar."""
        if self.filtering:
            return False
        if key in ("up", "k", "down", "j"):
            self._place += 1 if key in ("down", "j") else -1
            return True
        if key == "t":
            self.dismiss()
            self.desk.open_parent_ticket()
            return True
        if not self._parents or key not in ("p", "r", "f", "e", "x"):
            return False
        number = self._parents[self._place].number
        match key:
            case "p":
                self.desk.controller.send(f"task pause {number}")
            case "x":
                self.desk.controller.send(f"task cancel {number}")
            case _:
                self.dismiss()
                self.desk.open_command({"r": "task resume ", "f": "task finish ", "e": "task edit "}[key] + str(number))
        return True

    def _chosen_place(self) -> int:
        return next((place for place, fill in enumerate(self._fills) if fill_id(fill) == self._chosen), 0)

    def _choose(self, step: int) -> None:
        """Move the choice by so many fills; the newest is not held on to, so that newer ones come into it."""
        place = max(0, min(len(self._fills) - 1, self._chosen_place() + step))
        self._chosen = fill_id(self._fills[place]) if place > 0 else ""

    def _explain(self) -> None:
        """Ask why the chosen fill came; the answer lies on top of this page."""
        if self._fills:
            fill = self._fills[self._chosen_place()]
            self.desk.ask(f"why {fill.trade_id}", lambda reply: self.desk.open_answer(f"WHY #{fill.number}", reply))

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
        moving = " scroll "
        if (self.page, self.tab) == FILLS_TAB:
            tabs += [("  Enter", Ink.KEY), (" why", Ink.DIM)]
            moving = " choose "
        if self.page is Page.ACCOUNT:
            tabs += [(" r", Ink.KEY), (" reconcile", Ink.DIM)]
        if self.page is Page.PARENTS:
            for letter, word in (
                ("t", "new"),
                ("p", "pause"),
                ("r", "resume"),
                ("e", "edit"),
                ("f", "finish"),
                ("x", "cancel"),
            ):
                tabs += [(f" {letter}", Ink.KEY), (f" {word}", Ink.DIM)]
            moving = " choose "
        scroll = "  PgUp PgDn" if self.filtering else "  j k PgUp PgDn"
        if self.page is Page.PARENTS and width < ROOMY and not self.filtering:  # the kill switch comes first
            how, scroll, moving = [], "j k", " "
        rest = [(scroll, Ink.KEY), (moving, Ink.DIM), (" Esc", Ink.KEY), (" back ", Ink.DIM)]
        return fit([*tabs, ("  ", Ink.TEXT), *how, *rest, (" F12 F12", Ink.KEY), (" KILL", Ink.BAD)], width)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        key = event.character if event.is_printable and event.character else event.key
        body = max(1, self.size.height - 3)
        if (self.page, self.tab) == FILLS_TAB and self._fill_key(key, body):
            self.desk.draw(True)
            return
        if self.page is Page.ACCOUNT and key == "r" and not self.filtering:
            self.dismiss()
            self.desk.open_command("reconcile ")
            return
        if self.page is Page.PARENTS and self._parent_key(key):
            self.desk.draw(True)
            return
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

    def _fill_key(self, key: str, body: int) -> bool:
        """A key on the list of fills that chooses one or explains it."""
        count = len(self._fills)
        steps = {"up": -1, "down": 1, "pageup": -body, "pagedown": body, "home": -count, "end": count}
        if not self.filtering:
            steps |= {"k": -1, "j": 1}
        if key == "enter" and not self.filtering:
            self._explain()
        elif key in steps:
            self._choose(steps[key])
        else:
            return False
        return True


def fill_id(fill: FillView) -> str:
    return f"{fill.key} {fill.trade_id}"


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
        self.set_out()
        self.call_after_refresh(self.desk.draw, True)

    def box(self) -> tuple[int, int]:
        """Columns and rows inside the frame."""
        return self.BOX

    def set_out(self) -> None:
        """Make the box as large as it is now."""
        width, height = self.box()
        self.panel.styles.width, self.panel.styles.height = width + 2, height + 2

    def rows(self) -> list[Row]:
        raise NotImplementedError

    def draw(self, now: int, gauge: Gauge, forced: bool) -> None:
        self.desk.trade.draw(now, gauge, forced)
        rows = self.rows()
        width, height = self.box()
        self.panel.show(framed([*rows, *[fit([], width)] * (height - len(rows))], width))


class TicketDialog(Dialog):
    """The ticket of any kind of order. Enter turns it into the inline question of its line."""

    def __init__(self, desk: "JackbotApp", ticket: Tickets) -> None:
        super().__init__(desk)
        self.ticket = ticket
        self.shown: Reply | None = None
        self._previewed = ""
        self._previewed_ns = 0

    def on_mount(self) -> None:
        super().on_mount()
        self._preview()

    def on_resize(self) -> None:
        self.set_out()
        self.call_after_refresh(self.desk.draw, True)

    @property
    def room(self) -> int:
        """Rows that the terminal has for it."""
        return max(1, self.size.height - 2)

    def box(self) -> tuple[int, int]:
        return WIDTH, self.ticket.height(self.room)

    def draw(self, now: int, gauge: Gauge, forced: bool) -> None:
        if self._previewed and now - self._previewed_ns >= AGAIN_NS:
            self._ask(now)
        super().draw(now, gauge, forced)

    def rows(self) -> list[Row]:
        view = self.desk.glass.view
        if view is None:
            return [fit([(" no picture from the engine yet", Ink.DIM)], WIDTH)]
        return self.ticket.rows(view.header, view.book, self.shown, self.room)

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
                chosen = self.ticket.chosen
                if self.ticket.key(key):
                    self._preview()
                if self.ticket.chosen != chosen:
                    self.set_out()
                    self.call_after_refresh(self.desk.draw, True)
        self.desk.draw(True)

    def _preview(self) -> None:
        line = self.ticket.line()
        if line == self._previewed:
            return
        self._previewed, self.shown, self.ticket.first = line, None, 0
        if line:
            self._ask(self.desk.clock.now_ns())

    def _ask(self, now: int) -> None:
        """The market moves: what the line would do is asked again while the ticket is open."""
        self._previewed_ns = now
        self.desk.preview(self._previewed, self._take)

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
