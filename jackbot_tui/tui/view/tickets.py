"""The tickets of all kinds of orders behind one selector. Pure; what leaves is the one line that is shown.

Limit and market orders have the form of ``ticket``, every kind of parent order one made from its table
(``parent_form``). Side and quantity go along from one form to the other.
"""

from jackbot_tui.desk.language.forms import FIRST, form_kinds, form_title
from jackbot_tui.desk.views import BookView, HeaderView, Reply
from jackbot_tui.model.enums import Side
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit
from jackbot_tui.tui.view.market import title
from jackbot_tui.tui.view.parent_form import HELP_LINES, ParentForm
from jackbot_tui.tui.view.text import NO_VALUE, folded, symbol_of
from jackbot_tui.tui.view.ticket import HEIGHT, WIDTH, Field, Kind, Ticket, keys_row, preview_lines, preview_rows

PLAIN = {"limit": Kind.LIMIT, "market": Kind.MARKET}
TURNED = 3
"""Lines of the preview that PgUp and PgDn turn."""

TALLEST = 26
SELECTOR_ROWS = 2
PLAIN_END = 3
"""Last rows of a limit ticket, which stay on any terminal: the command and the keys."""

KEYS = "1234567890"
PLACES = (*PLAIN, *FIRST)
"""Kinds whose digit stays what it is, whichever kinds there are."""


class Tickets:
    """Keys change the form at hand, ``line`` says it, ``rows`` draw it."""

    def __init__(self, side: Side, quantity: str, price: str, post: bool, reduce: bool, chosen: str = "limit") -> None:
        self.plain = Ticket(side, quantity, price, post, reduce)
        self.price = price
        self.chosen = "limit"
        self.names = [*PLAIN, *form_kinds()]
        self._forms: dict[str, ParentForm] = {}
        self._choosing = False
        self.first = 0
        """The first line of the preview that is shown, where there are more than there is room for."""
        if chosen != "limit":
            self.choose(chosen)

    @property
    def form(self) -> ParentForm | None:
        """Of the parent order at hand, None for a limit or market order."""
        return self._forms.get(self.chosen)

    @property
    def choosing(self) -> bool:
        """Whether the caret is on the selector."""
        return self._choosing if self.form is not None else self.plain.field is Field.KIND

    def line(self) -> str:
        """The command of the form at hand; "" while it is not whole."""
        return self.form.line() if self.form is not None else self.plain.line()

    def put_price(self, price: str) -> None:
        """The price at the cursor, for the ticket as it was last used."""
        self.price = self.plain.price = price

    def choose(self, name: str) -> None:
        """Another kind of order: side and quantity go along."""
        before = self.form
        side = before.side or self.plain.side if before is not None else self.plain.side
        quantity = before.values["qty"] if before is not None else self.plain.quantity
        self.chosen = name
        if name in PLAIN:
            self.plain.kind, self.plain.side, self.plain.quantity = PLAIN[name], side, quantity
            return
        form = self._forms.get(name)
        if form is None:
            self._forms[name] = ParentForm(name, side, quantity, self.price)
        else:
            form.turn_to(side)
            form.values["qty"] = quantity

    def digit(self, name: str) -> str:
        """The key that chooses a kind, "" where it has none of its own."""
        others = [each for each in self.names if each not in PLACES]
        place = PLACES.index(name) if name in PLACES else len(PLACES) + others.index(name)
        return KEYS[place] if place < len(KEYS) else ""

    # ------------------------------------------------------------------ keys

    def key(self, key: str) -> bool:
        """A key; True when the form changed or the caret moved."""
        if key in ("pageup", "pagedown"):
            self.first += TURNED if key == "pagedown" else -TURNED
            return False
        if self.choosing and self._select(key):
            return True
        form = self.form
        if form is None:
            return self.plain.key(key)
        if key in ("tab", "down", "up", "shift+tab"):
            self._go(form, 1 if key in ("tab", "down") else -1)
            return True
        return not self._choosing and form.key(key)

    def _go(self, form: ParentForm, step: int) -> None:
        if self._choosing:
            self._choosing = False
            form.place = 0 if step > 0 else len(form.fields) - 1
        elif not form.go(step):
            self._choosing = True

    def _select(self, key: str) -> bool:
        at = self.names.index(self.chosen)
        wanted = ""
        if key in ("left", "right", "space"):
            wanted = self.names[(at + (-1 if key == "left" else 1)) % len(self.names)]
        elif len(key) == 1:
            following = [*self.names[at + 1 :], *self.names[: at + 1]]
            wanted = next((name for name in following if self.digit(name) == key or name[0] == key.lower()), "")
        if not wanted:
            return False
        self.choose(wanted)
        self._choosing = True
        self.plain.field = Field.KIND
        return True

    # ------------------------------------------------------------------ drawing

    def height(self, room: int) -> int:
        """Rows of the ticket where there is ``room`` for as many."""
        return min(room, HEIGHT if self.form is None else TALLEST)

    def selector(self) -> list[Row]:
        """All kinds in two rows, the chosen one marked."""
        rows: list[list[Cell]] = [[]]
        used = 0
        for name in self.names:
            shown = name.capitalize() if name not in ("twap", "vwap", "oco") else name.upper()
            word = f"{self.digit(name)} {shown}".strip()
            cell = (f"({word})" if name == self.chosen else f" {word} ", Ink.DIM)
            if name == self.chosen:
                cell = (cell[0], Ink.SELECTED if self.choosing else Ink.STRONG)
            if used + len(cell[0]) > WIDTH - 8 and len(rows) < SELECTOR_ROWS:
                rows.append([])
                used = 0
            rows[-1].append(cell)
            used += len(cell[0])
        rows += [[]] * (SELECTOR_ROWS - len(rows))
        heads = [(">" if self.choosing else " ", Ink.CURSOR if self.choosing else Ink.TEXT), (" type  ", Ink.DIM)]
        return [fit([*heads, *rows[0]], WIDTH), *(fit([(" " * 8, Ink.TEXT), *each], WIDTH) for each in rows[1:])]

    def rows(self, header: HeaderView, book: BookView | None, shown: Reply | None, room: int) -> list[Row]:
        """The ticket in ``height(room)`` rows."""
        form = self.form
        if form is None:
            plain, free = self.plain.rows(header, book, shown, self.selector()), self.height(room) - PLAIN_END
            return [*plain[:free], *plain[-PLAIN_END:]]
        key = book.key if book is not None else ""
        head = f"{self.chosen.upper()} TICKET  {symbol_of(key)} {header.venue} ({header.mode.upper()})"
        market = f"bid {book.best_bid or NO_VALUE}  ask {book.best_ask or NO_VALUE}" if book is not None else ""
        rows = [title(head, WIDTH, market), *self.selector()]
        rows += form.field_rows(WIDTH, not self._choosing)
        if room >= HEIGHT:
            rows += self._about(form)
        line = self.line()
        said = folded(line, WIDTH - 6) if line else [form.problem()]
        ink = Ink.STRONG if line else Ink.WARN
        command = [fit([("  = " if n == 0 else "    ", Ink.DIM), (text, ink)], WIDTH) for n, text in enumerate(said)]
        end = [title("COMMAND", WIDTH), *command, keys_row()]
        free = self.height(room) - len(end)
        count = max(1, free - len(rows) - 1)
        lines = preview_lines(shown)
        self.first = max(0, min(self.first, len(lines) - count))
        more = f"{self.first + 1}-{min(len(lines), self.first + count)} of {len(lines)}  PgUp PgDn"
        rows.append(title("PREVIEW", WIDTH, more if len(lines) > count else ""))
        rows += preview_rows(shown, lines[self.first : self.first + count], count)
        return [*rows[:free], *end]

    def _about(self, form: ParentForm) -> list[Row]:
        """What the kind does, or what the field at the caret means."""
        if not self._choosing:
            return form.help_rows(WIDTH)
        lines = folded(f"{self.chosen}: {form_title(self.chosen)}", WIDTH - 4)[:HELP_LINES]
        return [fit([(f"  {line}", Ink.DIM)], WIDTH) for line in (*lines, *[""] * (HELP_LINES - len(lines)))]
