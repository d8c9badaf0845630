"""The form of one kind of parent order: fields from its table, a caret, the line they amount to. Pure; sends nothing.

Two columns of fields, then what the field at the caret means and may be, then the engine's preview and the command.
"""

from jackbot_tui.desk.language.forms import (
    QUANTITY,
    SIDE,
    TAKE_OVER,
    FormField,
    field_problem,
    form_fields,
    form_line,
    form_problem,
)
from jackbot_tui.model.enums import Side
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left
from jackbot_tui.tui.view.text import folded

COLUMNS = 2
NAME_WIDTH = 10
MOST_TYPED = 24
MOST_TYPED_ROW = 120
HELP_LINES = 2
SELLING = {"sell": "sell", "short": "sell"}
BUYING = {"buy": "buy", "long": "buy"}


class ParentForm:
    """Keys change it, ``line`` says it, ``field_rows`` and ``help_rows`` draw it."""

    def __init__(self, kind: str, side: Side, quantity: str, price: str) -> None:
        """``price`` goes into the first price that must be given."""
        self.kind = kind
        self.fields = form_fields(kind)
        self.place = 1
        self.values: dict[str, str] = {field.name: field.default if field.words else "" for field in self.fields}
        self.values[QUANTITY] = quantity
        self.turn_to(side)
        first = next((field for field in self.fields if field.price and field.required), None)
        if first is not None:
            self.values[first.name] = price
        self._typing = False
        self._own_quantity = False

    @property
    def field(self) -> FormField:
        """The one at the caret."""
        return self.fields[self.place]

    @property
    def side(self) -> Side | None:
        """None where it takes over what is held."""
        word = self.values[SIDE]
        return Side.SELL if word in SELLING else Side.BUY if word in BUYING else None

    def turn_to(self, side: Side) -> None:
        words = self.fields[0].words
        self.values[SIDE] = words[0] if side is Side.BUY else words[1]

    def said(self) -> dict[str, str]:
        """What stands in the fields. A quantity that was not typed here is not taken for a part of the position."""
        if self.values[SIDE] == TAKE_OVER and not self._own_quantity:
            return {**self.values, QUANTITY: ""}
        return self.values

    def line(self) -> str:
        """The command this form amounts to; "" while a field has a problem."""
        return form_line(self.kind, self.said())

    def problem(self) -> str:
        return form_problem(self.kind, self.said())

    # ------------------------------------------------------------------ keys

    def go(self, step: int) -> bool:
        """Move the caret; False when it would leave the form at its top or end."""
        if not 0 <= self.place + step < len(self.fields):
            return False
        self.place += step
        self._typing = False
        return True

    def key(self, key: str) -> bool:
        """A key for the field at the caret; True when something changed."""
        return self._turn(key) if self.field.words else self._type(key)

    def _turn(self, key: str) -> bool:
        words, name = self.field.words, self.field.name
        at = words.index(self.values[name])
        if key in ("left", "right", "space"):
            self.values[name] = words[(at + (-1 if key == "left" else 1)) % len(words)]
            return True
        following = [*words[at + 1 :], *words[: at + 1]]
        found = next((word for word in following if len(key) == 1 and word.startswith(key.lower())), None)
        if found:
            self.values[name] = found
        return bool(found)

    def _type(self, key: str) -> bool:
        """The first character replaces what stands there, as in a form."""
        field = self.field
        text = self.values[field.name] if self._typing else ""
        if key == "backspace":
            text = self.values[field.name][:-1]
        elif key == "delete":
            text = ""
        elif key == "space" and field.several and text:
            text += "" if text.endswith(",") else ","
        elif len(key) == 1 and key.isprintable() and key != " ":
            text = (text + key)[: MOST_TYPED_ROW if field.several else MOST_TYPED]
        else:
            return False
        self._typing = True
        self._own_quantity |= field.name == QUANTITY
        self.values[field.name] = text
        return True

    # ------------------------------------------------------------------ drawing

    @property
    def depth(self) -> int:
        """Rows of fields."""
        return -(-len(self.fields) // COLUMNS)

    def field_rows(self, width: int, here: bool) -> list[Row]:
        """The fields, downwards first; ``here``: the caret is in the form."""
        depth, half = self.depth, width // COLUMNS
        rows: list[Row] = []
        for line in range(depth):
            cells: list[Cell] = []
            for place in range(line, len(self.fields), depth):
                cells += fit(self._cells(place, half, here), half)
            rows.append(fit(cells, width))
        return rows

    def _cells(self, place: int, width: int, here: bool) -> list[Cell]:
        field = self.fields[place]
        at = here and place == self.place
        text, ink = self.said().get(field.name, ""), Ink.STRONG
        if not text:
            empty = "all" if field.name == QUANTITY and self.values[SIDE] == TAKE_OVER else field.default
            text, ink = ("..." if field.required and not empty else empty or "-"), Ink.DIM
        if field.words:
            text = f"({text})"
        if field_problem(self.kind, field.name, self.said()):
            ink = Ink.BAD if self.said().get(field.name) else Ink.WARN
        room = width - NAME_WIDTH - 3
        caret = "_" if at and self._typing and not field.words else " "
        if len(text) >= room:
            text = f"…{text[len(text) - room + 2 :]}"
        changed = bool(field.words) and self.values[field.name] == field.default and field.name != SIDE
        return [
            (">" if at else " ", Ink.CURSOR if at else Ink.TEXT),
            (f" {left(field.name, NAME_WIDTH - 1)}", Ink.DIM),
            (f"{text}{caret}".ljust(room), Ink.SELECTED if at else Ink.DIM if changed else ink),
        ]

    def help_rows(self, width: int) -> list[Row]:
        """What the field at the caret means and may be, or what is wrong with it."""
        field = self.field
        why = field_problem(self.kind, field.name, self.said())
        may = "" if field.words and "" not in field.words else f"  {field.range}" if field.range else ""
        default = f"  default {field.default}" if field.default and field.name != SIDE else ""
        if field.words:
            may = f"  {', '.join(word or 'none' for word in field.words)}"
        wrong = bool(why and self.said().get(field.name))
        text = f"{why}  {field.meaning}{may}" if wrong else f"{field.name}: {field.meaning}{may}{default}"
        lines = folded(text, width - 4)[:HELP_LINES]
        lines += [""] * (HELP_LINES - len(lines))
        return [
            fit([(f"  {line}", Ink.BAD if wrong and number == 0 else Ink.DIM)], width)
            for number, line in enumerate(lines)
        ]
