"""The command bar: Textual's text field with history, completion and a preview of what the line would do.

It sends nothing before Enter, and on Enter it hands the line on; what the line means is the engine's business.
"""

from collections.abc import Callable, Sequence

from textual import events
from textual.widgets import Input

from jackbot_tui.desk.language import Completion, CompletionContext, SymbolTable, SyntaxProblem, complete, parse
from jackbot_tui.desk.language.completion import OrderHint
from jackbot_tui.desk.views import ScreenView
from jackbot_tui.tui.view.text import symbol_of

HISTORY_KEPT = 200


class History:
    """Lines of this screen, newest last; Up and Down walk through those that begin like what was typed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._place = 0
        self._typed = ""

    def add(self, line: str) -> None:
        if line and (not self.lines or self.lines[-1] != line):
            self.lines = [*self.lines, line][-HISTORY_KEPT:]
        self.reset("")

    def reset(self, typed: str) -> None:
        self._place, self._typed = len(self.lines), typed

    def older(self) -> str | None:
        return self._walk(range(self._place - 1, -1, -1))

    def newer(self) -> str | None:
        found = self._walk(range(self._place + 1, len(self.lines)))
        if found is None and self._place < len(self.lines):
            self._place = len(self.lines)
            return self._typed
        return found

    def containing(self, text: str) -> str | None:
        """The next older line with ``text`` in it."""
        for place in range(self._place - 1, -1, -1):
            if text in self.lines[place]:
                self._place = place
                return self.lines[place]
        return None

    def _walk(self, places: Sequence[int]) -> str | None:
        for place in places:
            if self.lines[place].startswith(self._typed):
                self._place = place
                return self.lines[place]
        return None


def completion_context(view: ScreenView | None) -> CompletionContext:
    """What completion may offer, from the newest picture."""
    if view is None:
        return CompletionContext()
    book = view.book
    prices = {"bid": book.best_bid, "ask": book.best_ask, "last": book.last} if book is not None else {}
    if view.header.mark:
        prices["mark"] = view.header.mark
    orders = tuple(
        OrderHint(order.number, f"{order.side} {order.quantity} {symbol_of(order.key)} {order.price}", order.price)
        for order in view.orders
    )
    return CompletionContext(
        symbols=tuple(symbol.symbol for symbol in view.symbols),
        orders=orders,
        presets=tuple(view.header.presets),
        prices={name: price for name, price in prices.items() if price},
    )


def syntax_problem(line: str, view: ScreenView | None) -> SyntaxProblem | None:
    """What is wrong with the line as it stands, checked here without asking the engine."""
    symbols = SymbolTable([symbol.key for symbol in view.symbols] if view is not None else [])
    try:
        parse(line, symbols)
    except SyntaxProblem as problem:
        return problem
    return None


class CommandBar(Input):
    """``changed`` is called on every change, ``entered`` with the line, ``left`` when it was given up.

    ``pressed`` hears every key and says whether it looks pasted: an Enter that came with a paste sends nothing.
    ``late`` is given keys that were on their way here when the field was left.
    """

    def __init__(
        self,
        changed: Callable[[str], None],
        entered: Callable[[str], None],
        left: Callable[[], None],
        pressed: Callable[[events.Key], bool],
        late: Callable[[events.Key], None],
        view: Callable[[], ScreenView | None],
    ) -> None:
        super().__init__(id="command", compact=True, select_on_focus=False)
        self.cursor_blink = False
        self.history = History()
        self.candidates: list[Completion] = []
        self.chosen = -1
        self._changed_call = changed
        self._entered_call = entered
        self._left_call = left
        self._pressed_call = pressed
        self._late_call = late
        self._view = view
        self._base = ""

    def start(self, text: str) -> None:
        """Open with ``text`` in it."""
        self.value = text
        self.cursor_position = len(text)
        self.history.reset(text)
        self._offer()
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.chosen < 0:
            self._offer()
        self._changed_call(self.value)

    async def on_key(self, event: events.Key) -> None:
        if self.screen.focused is not self:
            event.prevent_default()
            self._late_call(event)
            return
        pasted = self._pressed_call(event)
        match event.key:
            case "enter" if pasted:
                pass
            case "escape":
                self._finish()
                self._left_call()
            case "enter":
                line = self.value.strip()
                self._finish()
                self.history.add(line)
                self._entered_call(line)
            case "up":
                self._recall(self.history.older())
            case "down":
                self._recall(self.history.newer())
            case "ctrl+r":
                self._recall(self.history.containing(self._base or self.value))
            case "tab":
                self._complete()
            case _:
                self.chosen = -1
                if event.is_printable or event.key in ("backspace", "delete"):
                    self.history.reset(self.value + (event.character or ""))
                return
        event.stop()
        event.prevent_default()

    def _finish(self) -> None:
        self.value = ""
        self.candidates = []
        self.chosen = -1

    def _recall(self, line: str | None) -> None:
        if line is not None:
            self.value = line
            self.cursor_position = len(line)

    def _offer(self) -> None:
        self.chosen = -1
        self._base = self.value
        self.candidates = complete(self.value, self.cursor_position, completion_context(self._view()))

    def _complete(self) -> None:
        """Put the next candidate in; the last one goes round to the first."""
        if not self.candidates:
            return
        self.chosen = (self.chosen + 1) % len(self.candidates)
        candidate = self.candidates[self.chosen]
        text = self._base[: candidate.start] + candidate.text
        rest = self._base[candidate.end :]
        self.value = text + (rest or ("" if candidate.text.endswith("=") else " "))
        self.cursor_position = len(text) + (0 if rest or candidate.text.endswith("=") else 1)
