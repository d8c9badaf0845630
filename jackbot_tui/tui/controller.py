"""Actions carried out: every key ends here, and everything that may move money leaves as a line over the link.

Knows no widget: what it needs of the screen it says through ``Surface``. It decides nothing about risk: the engine asks
lines back while DISARMED and refuses what is not allowed; this end keeps the guards of the keyboard and of stale glass.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import SymbolTable, SyntaxProblem, parse
from jackbot_tui.desk.language.grammar import BY_WORD, Availability
from jackbot_tui.desk.views import Context, Notice, Reply
from jackbot_tui.link.face import Link
from jackbot_tui.model.errors import JackbotError, LinkError
from jackbot_tui.tui.actions import ACTIONS, Act, Action, Kind
from jackbot_tui.tui.calls import Calls
from jackbot_tui.tui.guards import BURST_NS, READ_NS, Chord, PasteGuard, RepeatGuard, Typing
from jackbot_tui.tui.keyboard import bindings_of
from jackbot_tui.tui.keymaps import Keymap, shown_key
from jackbot_tui.tui.trade import Grab, Question, TradeState

NS_PER_S = 1_000_000_000
SCREEN_LINES = 2
"""Longer answers open a page."""


TOLD = ("filled", "kill", "mode", "parent")
"""Kinds of notices that are told whatever their level; of a parent order: start, pause, trouble, end."""

NO_HAND = "two keys within 2 ms are no hand: nothing was sent"
FRESH_VERBS = frozenset({"buy", "sell", "move", "reverse"})


def needs_fresh(line: str) -> bool:
    """Whether confirming ``line`` needs a book that may be believed; the rest is left to the engine's judgement."""
    known = BY_WORD.get(line.partition(" ")[0].lower())
    return known is not None and known.name in FRESH_VERBS


class Surface(Protocol):
    """What the controller needs of the screen."""

    def redraw(self) -> None: ...

    def draw(self, forced: bool = False) -> None: ...

    def open_page(self, name: str) -> None: ...

    def open_answer(self, title: str, answer: Reply) -> None: ...

    def open_ticket(self, price: str, again: bool) -> None: ...

    def open_help(self) -> None: ...

    def open_palette(self) -> None: ...

    def open_command(self, text: str) -> None: ...

    def close_top(self) -> bool: ...

    def copy(self, text: str) -> None: ...

    def bell(self) -> None: ...

    def leave(self) -> None: ...

    def screen_command(self, verb: str, rest: str) -> str: ...

    @property
    def too_small(self) -> bool: ...


class Controller:
    """One per screen. Its methods are called in the event loop; whatever waits for the engine runs in ``calls``."""

    def __init__(
        self, link: Link, state: TradeState, keymap: Keymap, bell: bool = False, leaving: str = "no order is touched"
    ) -> None:
        self.link = link
        self.state = state
        self.keymap = keymap
        self.bound: dict[str, str] = {}
        self.calls = Calls(self._internal_error)
        self.last_order = ""
        self.chord = Chord()
        self._bell = bell
        self._leaving = leaving
        self._surface: Surface | None = None
        self._repeat = RepeatGuard()
        self._paste = PasteGuard()
        self._bursts = 0
        self._may_be_pasted = False
        self._bell_due_ns = 0
        self._doing: dict[Act, Callable[[], None]] = bindings_of(self)

    def attach(self, surface: Surface) -> None:
        self._surface = surface

    @property
    def surface(self) -> Surface:
        if self._surface is None:
            raise RuntimeError("the controller was used before a screen was attached")
        return self._surface

    # ------------------------------------------------------------------ keys

    def key(self, key: str, printable: bool, pressed_ns: int) -> bool:
        """A key outside text fields. True when it meant something."""
        state = self.state
        typing = Typing.HAND
        if printable:
            typing = self._paste.key(pressed_ns)
            if typing is not Typing.HAND:
                self._bursts += 1
            if typing is Typing.PASTE:
                self.pasted()
                return True
        elif key == "escape":
            self._paste.key(pressed_ns)  # Alt with a key comes as Escape and the key at once: that is no order key
        if key in self.bound:
            self.submit(self.bound[key])
            return True
        act = self.keymap.by_key.get(key)
        if act is None:
            return False
        action = ACTIONS[act]
        if action.kind is Kind.ORDER and typing is Typing.BURST:
            state.say(NO_HAND, "warn")
            return True
        if action.kind is Kind.ORDER and not self._repeat.allows(key, pressed_ns):
            state.say(f"{shown_key(key)} again within 250 ms: dropped (a held key must not send twice)", "warn")
            return True
        if action.twice and not self._second_press(action, key, pressed_ns):
            return True
        if not action.twice:
            self.chord.break_off()
        self.act(act, may_be_pasted=printable)
        return True

    def act(self, act: Act, may_be_pasted: bool = False) -> None:
        """Carry out an action, from a key, the palette or the mouse."""
        action = ACTIONS[act]
        if action.kind is Kind.ORDER and self.surface.too_small:
            self.state.say("the terminal is too small to trade on: only cancel and kill work", "bad")
            return
        if action.fresh and not self.state.fresh:
            self.state.say(self.state.glass.why_not_fresh(self.state.clock.now_ns()), "bad")
            return
        self._may_be_pasted = may_be_pasted
        try:
            self._doing[act]()
        except JackbotError as error:
            self.state.say(str(error), "warn")

    def _second_press(self, action: Action, key: str, now: int) -> bool:
        header = self.state.glass.view.header if self.state.glass.view is not None else None
        if action.act is Act.ARM and header is not None and header.armed:
            self.chord.break_off()
            self.send("disarm")
            return False
        if self.chord.press(action.act.value, now):
            return True
        words = {
            Act.KILL: ("KILL? cancels everything and locks new orders", "bad"),
            Act.ARM: ("ARM? order keys would send at once for 10 min", "warn"),
            Act.LEAVE: (f"leave this screen? {self._leaving}", "warn"),
        }
        text, level = words[action.act]
        again = f"{shown_key(key)} again"
        self.state.say(f"{text}: {again} within 1.5 s", level)
        return False

    def typed_into_field(self, pressed_ns: int) -> bool:
        """A key in a text field: True when it came too fast for a hand (text pasted without brackets)."""
        return self._paste.key(pressed_ns) is not Typing.HAND

    def pasted(self) -> None:
        """Text was pasted outside a text field: whatever it would have meant is dropped, with what it began."""
        state = self.state
        state.drop_question()
        self._bursts += 1
        state.say(
            "that was pasted, not typed: all of it was dropped and the keys are DISARMED (: opens the bar)", "bad"
        )
        if state.glass.view is not None and state.glass.view.header.armed:
            self._start(self._send("disarm", state.context(), confirmed=False, quiet=True))

    # ------------------------------------------------------------------ lines

    def order(self, line: str) -> None:
        """Say a line that carries risk: the engine sends it when armed and asks it back otherwise."""
        state = self.state
        now = state.clock.now_ns()
        state.grab = None
        question = Question(line, state.context(), now)
        state.question = question
        self.last_order = line
        self._start(self._ask(question, self._may_be_pasted, self._bursts))

    def repeat(self) -> None:
        """The last order line, always asked."""
        if not self.last_order:
            self.state.say("nothing to repeat yet", "warn")
            return
        state = self.state
        question = Question(self.last_order, state.context(), state.clock.now_ns())
        state.question = question
        self._start(self._preview_as_question(question))

    def confirm(self) -> bool:
        """Enter: send what is asked. True when there was a question."""
        state = self.state
        question = state.question
        if question is None:
            return False
        now = state.clock.now_ns()
        if question.reply is None or now - question.asked_ns < READ_NS:
            state.say("read it first: Enter again sends", "warn")
            return True
        if not state.fresh and needs_fresh(question.line):
            state.say(state.glass.why_not_fresh(now), "bad")
            return True
        state.drop_question()
        self._start(self._send(question.line, question.context, confirmed=True))
        return True

    def send(self, line: str) -> None:
        """Say a line that is never asked back (cancels, toggles, quantities)."""
        self._start(self._send(line, self.state.context(), confirmed=False))

    def submit(self, line: str) -> None:
        """A line from the command bar or a bound key: what only a screen can do is done here, the rest is said."""
        text = line.strip()
        if not text:
            return
        verb, _, rest = text.partition(" ")
        known = BY_WORD.get(verb.lower())
        if known is not None and known.availability is Availability.SCREEN:
            try:
                self.state.say(self.surface.screen_command(known.name, rest.strip()), "good")
            except JackbotError as error:
                self.state.say(str(error), "warn")
            return
        if known is not None and (self._kill_typed(text) or self._local(known.name, text)):
            return
        state = self.state
        question = Question(text, state.context(), state.clock.now_ns())
        self._start(self._typed(question))

    def kill(self, flatten: bool = False) -> None:
        """The kill switch: over its own socket, before anything else of the screen moves."""
        self._start(self._kill(flatten))
        self.state.drop_question()
        self.state.say("KILL sent: cancelling everything, locking new orders", "bad")

    def _kill_typed(self, text: str) -> bool:
        words = text.lower().split()
        if words not in (["kill"], ["kill", "flatten"]):
            return False
        self.kill(flatten=len(words) == 2)
        return True

    def preview_grab(self) -> None:
        """Show what the grabbed order would become at the cursor."""
        state = self.state
        grab = state.grab
        if grab is None:
            return
        line = f"move {grab.number} {state.cursor_price}"
        state.grab = Grab(grab.number, grab.side, grab.quantity, grab.price, None, line)
        self._start(self._preview_grab(state.grab, state.context()))

    def amend(self) -> None:
        """Enter with an order in the hand."""
        state = self.state
        grab = state.grab
        if grab is None:
            return
        if not grab.line or grab.shown is None:
            state.say("move it first: j/k, then Enter" if not grab.line else "read it first: Enter again", "warn")
            return
        state.grab = None
        self.last_order = grab.line
        self._start(self._send(grab.line, state.context(), confirmed=grab.shown.ok))

    # ------------------------------------------------------------------ what comes from the engine

    def notice(self, notice: Notice) -> None:
        """A pushed fact."""
        now = self.state.clock.now_ns()
        rings = notice.kind == "filled" or (notice.kind == "parent" and notice.level in ("good", "bad"))
        if rings and self._bell and now >= self._bell_due_ns:
            self._bell_due_ns = now + NS_PER_S
            self.surface.bell()
        elsewhere = notice.kind == "book" and notice.key not in ("", self.state.glass.key)
        if not elsewhere and (notice.level in ("bad", "warn") or notice.kind in TOLD):
            self.state.say(notice.text, notice.level)

    # ------------------------------------------------------------------ inside

    def _start(self, call: Coroutine[object, object, None]) -> None:
        if not self.calls.start(call):
            self.state.say("64 lines wait for the engine: it is not answering, nothing was sent", "bad")

    async def _ask(self, question: Question, may_be_pasted: bool, bursts: int) -> None:
        if may_be_pasted:
            await asyncio.sleep(BURST_NS / NS_PER_S)
            if self._bursts != bursts:
                if self.state.question is question:
                    self.state.drop_question()
                self.state.say(NO_HAND, "warn")
                return
        try:
            reply = await self.link.execute(question.line, question.context)
        except LinkError as error:
            self._lost(question, error)
            return
        self._answered(question, reply)

    async def _typed(self, question: Question) -> None:
        try:
            reply = await self.link.execute(question.line, question.context)
        except LinkError as error:
            self._lost(None, error)
            return
        if reply.confirm:
            self.state.question = question
            self.last_order = question.line
        self._answered(question, reply)

    async def _preview_as_question(self, question: Question) -> None:
        try:
            reply = await self.link.preview(question.line, question.context)
        except LinkError as error:
            self._lost(question, error)
            return
        if reply.ok:
            reply = Reply(ok=False, lines=[*reply.lines, "repeat: Enter sends"], code="confirm", confirm=True)
        self._answered(question, reply)

    async def _send(self, line: str, context: Context, confirmed: bool, quiet: bool = False) -> None:
        try:
            reply = await self.link.execute(line, context, confirmed)
        except LinkError as error:
            self._lost(None, error)
            return
        if reply.confirm:
            # The engine asks (again): the answer came too late, or a guard woke up in between.
            self.state.question = Question(line, context, self.state.clock.now_ns(), reply)
            self.surface.draw(True)
            return
        if not (quiet and reply.ok):
            self._told(line, reply)

    async def _preview_grab(self, grab: Grab, context: Context) -> None:
        try:
            reply = await self.link.preview(grab.line, context)
        except LinkError as error:
            self._lost(None, error)
            return
        if self.state.grab is grab:
            self.state.grab = Grab(grab.number, grab.side, grab.quantity, grab.price, reply, grab.line)
            self.surface.draw(True)

    async def _kill(self, flatten: bool) -> None:
        try:
            reply = await self.link.kill(flatten)
        except LinkError as error:
            self.state.say(str(error), "bad")
            return
        self.state.say(" ".join(reply.lines), "bad")
        self.surface.draw(True)

    def _answered(self, question: Question, reply: Reply) -> None:
        if reply.confirm:
            if self.state.question is question:
                shown = Question(question.line, question.context, self.state.clock.now_ns(), reply)
                self.state.question = shown
                self.state.message = None
                self.surface.draw(True)
            return
        if self.state.question is question:
            self.state.drop_question()
        self._told(question.line, reply)

    def _told(self, line: str, reply: Reply) -> None:
        state = self.state
        if not reply.ok:
            state.forget_quantity()
            state.say(reply.lines[-1] if reply.lines else f"refused: {reply.code}", "bad")
            card = _card_of(reply)
            if card:
                self.surface.open_answer(line, Reply(ok=False, lines=card, code=reply.code))
            self.surface.draw(True)
            return
        if len(reply.lines) > SCREEN_LINES:
            self.surface.open_answer(line, reply)
        elif reply.lines:
            state.say("  ".join(reply.lines), "good")
        self.surface.draw(True)

    def _lost(self, question: Question | None, error: LinkError) -> None:
        if question is not None and self.state.question is question:
            self.state.drop_question()
        self.state.say(str(error), "bad")

    def _local(self, verb: str, text: str) -> bool:
        """Lines that concern this screen as well: ``group`` is ours alone, ``sym`` changes what is pulled."""
        if verb not in ("group", "sym"):
            return False
        view = self.state.glass.view
        symbols = SymbolTable([symbol.key for symbol in view.symbols] if view is not None else [])
        try:
            commands = parse(text, symbols)
        except SyntaxProblem as problem:
            self.state.say(problem.text, "warn")
            return True
        if len(commands) == 1 and isinstance(commands[0], c.Group):
            self.state.set_group(commands[0].ticks)
            self.state.say(f"{commands[0].ticks} ticks a row", "good")
            return True
        if len(commands) == 1 and isinstance(commands[0], c.SelectSymbol):
            self.choose_symbol(commands[0].key)
            return True
        return False

    def choose_symbol(self, key: str) -> None:
        """Make an instrument the active one, here and at the engine."""
        self.state.drop_question()
        self.state.wanted_key = key
        self.send(f"sym {key}")

    def _internal_error(self, error: BaseException) -> None:
        self.state.say(f"internal error, look at orders before going on: {type(error).__name__}: {error}", "bad")


def _card_of(reply: Reply) -> list[str]:
    """What has to be read before a line is typed again: a refusal that brings a whole card, line by line; else none."""
    steps = (reply.data or {}).get("steps")
    if reply.code != "card" or not isinstance(steps, list):
        return []
    found: list[str] = []
    for step in steps:
        found += [str(each) for name in ("lines", "warnings") for each in step.get(name, ())]
    return [*found, "", *reply.lines[-1:]]
