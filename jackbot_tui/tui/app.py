"""The Textual application: wires link, glass, frame clock, controller and screens, and keeps the terminal in order.

The only part that knows Textual's App. Signals end it cleanly, the kill keys are its own priority bindings and reach
through every dialog and field; everything else is passed to the controller.
"""

import asyncio
import shlex
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from jackbot_tui.desk.language.forms import FIRST
from jackbot_tui.desk.views import Reply
from jackbot_tui.link.face import Link
from jackbot_tui.model.clock import Clock, SystemClock
from jackbot_tui.model.errors import InputError, LinkError
from jackbot_tui.tui import terminal
from jackbot_tui.tui.actions import ACTIONS, Act
from jackbot_tui.tui.ascii import AsciiFilter
from jackbot_tui.tui.controller import Controller
from jackbot_tui.tui.frame import NS_PER_S, FrameClock, Pacer
from jackbot_tui.tui.glass import Glass
from jackbot_tui.tui.keymaps import NAMED_KEYS, SHIPPED, load, shown_key
from jackbot_tui.tui.options import ScreenOptions, wanted_theme, wants_ascii
from jackbot_tui.tui.overlays import Dialog, PageScreen, TicketDialog, TypedDialog
from jackbot_tui.tui.panels import Inks
from jackbot_tui.tui.screens import TradeScreen
from jackbot_tui.tui.themes import PALETTES, frame_style, ink_styles, palette_named, textual_name, textual_theme
from jackbot_tui.tui.trade import TradeState
from jackbot_tui.tui.view.ink import Ink
from jackbot_tui.tui.view.layout import Size
from jackbot_tui.tui.view.market import Gauge
from jackbot_tui.tui.view.pages import Page
from jackbot_tui.tui.view.tickets import PLAIN, Tickets

PREVIEW_REST_S = 0.06
QUIET_S = 0.25
"""Without a frame for so long, the ages on the glass are brought up to date."""

DRAW_AFTER_KEY_S = 0.003
"""Longer than an order key waits for a burst: the line is on the socket before the screen is painted."""

HEADINGS = {
    Page.CONNECTIONS: "FEEDS",
    Page.JOURNAL: "JOURNAL",
    Page.HONESTY: "HONESTY METER",
    Page.PARENTS: "PARENT ORDERS",
    Page.ACCOUNT: "ACCOUNT",
}
TYPED = {
    "flatten all": "closes every position of every instrument at market",
    "kill reset": "unlocks new orders after the kill switch",
}


def pressed_at(event: events.Key) -> int:
    """When the key was read from the terminal, nanoseconds of the monotonic clock."""
    return int(event.time * NS_PER_S)


class JackbotApp(App[int], inherit_bindings=False):
    """One screen on one engine."""

    CSS_PATH = "jackbot.tcss"
    TITLE = "jackbot"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f12", "kill_key('f12')", "KILL", show=False, priority=True),
        Binding("ctrl+k", "kill_key('ctrl+k')", "KILL", show=False, priority=True),
        Binding("ctrl+c", "how_to_leave", "Leave", show=False, system=True),
    ]

    def __init__(
        self,
        link: Link,
        options: ScreenOptions | None = None,
        clock: Clock | None = None,
        key_time: Callable[[events.Key], int] = pressed_at,
        ticking: bool = True,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """``ticking`` False: no frame clock of its own, whoever calls ``frames.frame`` makes the frames (pictures)."""
        self.options = options or ScreenOptions()
        self.palette_name = wanted_theme(self.options)
        palette = palette_named(self.palette_name)
        self.inks = Inks(ink_styles(palette))
        self._ascii = AsciiFilter()
        self._plain = wants_ascii(self.options)
        super().__init__()
        for each in PALETTES.values():
            self.register_theme(textual_theme(each))
        self.theme = textual_name(self.palette_name)
        self.clock: Clock = clock or SystemClock()
        self.link = link
        self.glass = Glass()
        self.state = TradeState(self.glass, self.clock)
        self._show_bars()
        keymap = load(self.options.keymap, self.options.keys)
        self.controller = Controller(link, self.state, keymap, self.options.bell, self.options.leaving)
        self.controller.attach(self)
        self.pacer = Pacer(NS_PER_S // self.options.frame_rate, answers=self.options.pace)
        self.frames = FrameClock(link, self.glass, self.state, self, self.clock, self.pacer, monotonic)
        self._monotonic = monotonic
        self.trade = TradeScreen(self)
        self._key_time = key_time
        self._ticking = ticking
        self._mode = ""
        self._probe_waiting = False
        self._drawing_soon = False
        self._last_ticket: Tickets | None = None
        self._preview_task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------ life

    def get_default_screen(self) -> Screen[None]:
        return self.trade

    def on_load(self) -> None:
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self.exit, 0)
        terminal.leave_when_gone(lambda: loop.call_soon_threadsafe(self.exit, 0))

    def on_mount(self) -> None:
        if self.pacer.wants_to_ask and terminal.ask_cursor(self):
            self.pacer.asked(self._monotonic())
        if self._ticking:
            self.run_worker(self.frames.run(), name="frames", exclusive=True, group="frames")
            self.run_worker(self._notices(), name="notices", exclusive=True, group="notices")
            self.set_interval(QUIET_S, self._keep_ages_true)

    def _keep_ages_true(self) -> None:
        """An engine that does not answer must not leave an old picture looking fresh."""
        if self.pacer.quiet_ns(self._monotonic()) >= QUIET_S * NS_PER_S:
            self.state.tick(self.clock.now_ns())
            self.draw()

    async def on_unmount(self) -> None:
        if self._preview_task is not None:
            self._preview_task.cancel()
        await self.controller.calls.close()
        await self.link.close()

    async def _notices(self) -> None:
        async for notice in self.link.notices():
            self.controller.notice(notice)

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """The terminal has drawn up to our question."""
        self.pacer.answered(self._monotonic())

    def on_app_blur(self) -> None:
        """The window lost the keyboard: keys that come now may be meant for something else."""
        self.disarm()

    def disarm(self) -> None:
        """Back to asking, when the person may not be looking."""
        if self.glass.connected and self.glass.view is not None and self.glass.view.header.armed:
            self.controller.send("disarm")

    def get_line_filters(self) -> list[LineFilter]:
        filters = list(super().get_line_filters())
        return [*filters, self._ascii] if self._plain else filters

    def _print_error_renderables(self) -> None:
        """Textual would print a traceback: a bug is raised to the caller instead, who writes it to a file."""
        self._exit_renderables.clear()

    # ------------------------------------------------------------------ drawing

    def draw(self, forced: bool = False) -> None:
        """Bring the screen on top up to the glass."""
        if not self.is_running or not self.screen_stack:
            return
        view = self.glass.view
        if view is not None and view.header.mode != self._mode:
            self._mode = view.header.mode
            self._take_theme(self.palette_name)
        top = self.screen
        if isinstance(top, TradeScreen | PageScreen | Dialog):
            top.draw(self.clock.now_ns(), self.gauge(), forced)
        if not forced and not self._probe_waiting and self.pacer.wants_to_ask and not self.is_headless:
            self._probe_waiting = True
            top.call_after_refresh(self._probe)

    def draw_soon(self) -> None:
        """After a key: what it says to the engine goes first, the picture follows."""
        if not self._drawing_soon:
            self._drawing_soon = True
            asyncio.get_running_loop().call_later(DRAW_AFTER_KEY_S, self._draw_after_key)

    def _draw_after_key(self) -> None:
        self._drawing_soon = False
        self.draw(True)

    def _probe(self) -> None:
        self._probe_waiting = False
        if terminal.ask_cursor(self):
            self.pacer.asked(self._monotonic())

    def gauge(self) -> Gauge:
        """What the screen knows of itself."""
        now, moment = self.clock.now_ns(), self._monotonic()
        return Gauge(
            frames_per_s=self.pacer.frames_per_s(moment),
            dropped=self.pacer.dropped,
            tty_ms=self.pacer.glass_age_ms(moment),
            freshness=self.glass.freshness(now),
            book_age_ms=self.glass.book_age_ms(now),
            connected=self.glass.connected,
            has_pen=self.glass.has_pen,
        )

    def writes_waiting(self) -> int:
        return terminal.writes_waiting(self)

    @property
    def shows_parents(self) -> bool:
        """Whether a page that shows parent orders is open, below others or on top."""
        return any(isinstance(each, PageScreen) and each.page is Page.PARENTS for each in self.screen_stack)

    def reconnected(self) -> None:
        self.state.say("the engine is back: look at orders and positions; DISARMED", "warn")

    def _take_theme(self, name: str) -> None:
        palette = palette_named(name)
        self.palette_name = name
        self.inks.change(ink_styles(palette) | {Ink.FRAME: frame_style(palette, self._mode or "paper")})
        self._show_bars()
        self.theme = textual_name(name)
        for panel in self.trade.panels.values():
            panel.refresh()

    def _show_bars(self) -> None:
        look = self.state.ladder.look
        bars = PALETTES[self.palette_name].bars
        self.state.ladder.look = type(look)(look.cumulative, look.volume, bars, look.flash, look.large_times)
        self.state.ladder.forget()

    # ------------------------------------------------------------------ keys

    def press(self, event: events.Key) -> None:
        """A key on the trade screen."""
        printable = event.is_printable and bool(event.character)
        key = event.character if printable and event.character != " " else event.key
        if key and self.controller.key(key, printable, self._key_time(event)):
            event.stop()
            self.draw_soon()

    def heard(self, event: events.Key) -> bool:
        """A key in the command bar: whether it came with a paste."""
        pasted = self.controller.typed_into_field(self._key_time(event))
        if pasted and event.key == "enter":
            self.state.say("a pasted line is not sent by the Enter in it: read it, then press Enter", "warn")
        return pasted

    def page_key(self, key: str) -> None:
        """A key on a page that the page has no use for: other pages, symbols, kill; never an order."""
        act = self.controller.keymap.by_key.get(key)
        if act is not None and (act is Act.KILL or ACTIONS[act].group.value == "view"):
            self.controller.key(key, len(key) == 1, self._monotonic())
        elif act is not None:
            self.state.say(f"{shown_key(key)} works on the trade screen: Esc goes back", "warn")

    def action_kill_key(self, key: str) -> None:
        """F12 and Ctrl+K, wherever the focus is."""
        self.controller.key(key, False, self._monotonic())
        self.draw_soon()

    def action_how_to_leave(self) -> None:
        self.state.say("Q Q leaves this screen (no order is touched); F12 F12 is the kill switch", "warn")
        self.draw(True)

    # ------------------------------------------------------------------ what the controller needs

    @property
    def too_small(self) -> bool:
        return self.trade.plan.size is Size.TOO_SMALL

    def redraw(self) -> None:
        self.refresh(layout=True)

    def open_page(self, name: str) -> None:
        self.close_top()
        if name != "trade":
            page = Page(name)
            self.push_screen(PageScreen(self, page, HEADINGS.get(page, "")))

    def open_answer(self, title: str, answer: Reply) -> None:
        self.push_screen(PageScreen(self, Page.ANSWER, title, answer))

    def open_help(self) -> None:
        self.push_screen(PageScreen(self, Page.HELP, "HELP"))

    def open_palette(self) -> None:
        self.action_command_palette()

    def open_command(self, text: str) -> None:
        self.trade.open_bar(text)

    def open_ticket(self, price: str, again: bool, chosen: str = "limit") -> None:
        view = self.glass.view
        if view is None:
            raise InputError("no picture from the engine yet")
        if not again or self._last_ticket is None:
            header = view.header
            self._last_ticket = Tickets(
                self.state.side, self.state.quantity, price, header.post_only, header.reduce_only, chosen
            )
        else:
            self._last_ticket.put_price(price)
        self.push_screen(TicketDialog(self, self._last_ticket))

    def open_parent_ticket(self) -> None:
        """A ticket of the kind of parent order that was used last."""
        last = self._last_ticket
        chosen = last.chosen if last is not None and last.chosen not in PLAIN else FIRST[0]
        self.open_ticket(self.state.cursor_price, again=False, chosen=chosen)

    def open_typed(self, words: str) -> None:
        """Ask for words that must be typed in full."""
        self.push_screen(TypedDialog(self, words, TYPED[words], lambda: self.controller.submit(words)))

    def close_top(self) -> bool:
        if len(self.screen_stack) > 1:
            self.pop_screen()
            return True
        return False

    def copy(self, text: str) -> None:
        self.copy_to_clipboard(text)
        self.state.say(f"copied: {text}")

    def leave(self) -> None:
        self.exit(0)

    def screen_command(self, verb: str, rest: str) -> str:
        """The words of the language that only a screen can carry out."""
        match verb:
            case "theme":
                self._take_theme(palette_named(rest).name)
                return f"theme {rest}"
            case "keymap":
                keymap = load(rest)
                taken = [key for key in self.controller.bound if key in keymap.by_key]
                if taken:
                    raise InputError(
                        f"{shown_key(taken[0])} is bound to a command and keymap {rest} needs it: unbind it"
                    )
                self.controller.keymap = keymap
                return f"keymap {rest}"
            case "keys":
                self.open_help()
                return f"keymap {self.controller.keymap.name}"
            case "center":
                self.state.centre()
                return "centred"
            case "col":
                return self._column(rest)
            case "bind":
                return self._bind(rest)
            case "unbind":
                if self.controller.bound.pop(rest, None) is None:
                    raise InputError(f"{rest[:20]!r} is not bound to a command: only :bind keys can be freed")
                return f"{rest} is free"
            case _:
                raise InputError(f"{verb} is not available on this screen yet; nothing was done")

    def _column(self, rest: str) -> str:
        names = {"+cum": (True, Act.CUMULATIVE), "-cum": (False, Act.CUMULATIVE)}
        if rest not in names:
            raise InputError("col takes +cum or -cum; v goes through volume, delta and none")
        wanted, act = names[rest]
        if self.state.ladder.look.cumulative is not wanted:
            self.controller.act(act)
        return f"col {rest}"

    def _bind(self, rest: str) -> str:
        try:
            words = shlex.split(rest)
        except ValueError:
            words = []
        if len(words) < 2:
            raise InputError('bind takes a key and a command: bind f11 "cancel buys"')
        key = words[0].lower() if words[0].lower() in NAMED_KEYS else words[0]
        if key not in NAMED_KEYS and len(key) != 1:
            raise InputError(f"{key[:20]!r} is not a key: one character, f1..f12, ctrl+l, pageup, tab…")
        owner = self.controller.keymap.by_key.get(key)
        if owner is not None:
            raise InputError(f"{shown_key(key)} is {owner.value} already: choose another key")
        self.controller.bound[key] = " ".join(words[1:])
        return f"{shown_key(key)} says: {self.controller.bound[key]}"

    # ------------------------------------------------------------------ lines that only look

    def preview(self, line: str, take: Callable[[str, Reply], None]) -> None:
        """Ask what ``line`` would do once typing rests; an older question is given up."""
        if self._preview_task is not None:
            self._preview_task.cancel()
        self._preview_task = asyncio.get_running_loop().create_task(self._preview(line, take))

    async def _preview(self, line: str, take: Callable[[str, Reply], None]) -> None:
        await asyncio.sleep(PREVIEW_REST_S)
        with suppress(LinkError):  # the banner says that the engine is gone
            take(line, await self.link.preview(line, self.state.context()))

    def ask(self, line: str, take: Callable[[Reply], None]) -> None:
        """Have a line answered that only looks."""
        self.controller.calls.start(self._ask(line, take))

    async def _ask(self, line: str, take: Callable[[Reply], None]) -> None:
        try:
            take(await self.link.execute(line, self.state.context()))
        except LinkError as error:
            self.state.say(str(error), "bad")

    # ------------------------------------------------------------------ palette

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the registry, the themes and keymaps, and what must be typed in full."""
        keymap = self.controller.keymap

        def carry_out(act: Act) -> Callable[[], None]:
            return lambda: self._from_palette(act)

        def say(line: str) -> Callable[[], None]:
            return lambda: self.controller.submit(line)

        def typed(words: str) -> Callable[[], None]:
            return lambda: self.open_typed(words)

        for action in ACTIONS.values():
            if action.act is not Act.PALETTE:
                yield SystemCommand(
                    action.text, f"{keymap.shown(action.act) or 'no key'}  {action.kind.value}", carry_out(action.act)
                )
        for name in PALETTES:
            yield SystemCommand(f"theme {name}", "colours", say(f"theme {name}"))
        for name in SHIPPED:
            yield SystemCommand(f"keymap {name}", "keys", say(f"keymap {name}"))
        for words, why in TYPED.items():
            yield SystemCommand(words, f"{why}; asks for the words in full", typed(words))

    def _from_palette(self, act: Act) -> None:
        self.controller.act(act)
        self.draw(True)
