"""The ticket of limit and market orders: fields, a caret, and the line they amount to. Pure; it sends nothing itself.

The last line of the ticket is the equivalent command, which is the one thing that leaves: what is typed by hand, what
is shown and what is journaled cannot differ.
"""

from enum import Enum

from jackbot_tui.desk.views import BookView, HeaderView, Reply
from jackbot_tui.model.enums import Side
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit
from jackbot_tui.tui.view.market import title
from jackbot_tui.tui.view.text import NO_VALUE, base_of, folded, symbol_of

WIDTH = 76
HEIGHT = 18
PREVIEW_LINES = 5
FIELD_WIDTH = 16
MOST_TYPED = 32


class Kind(Enum):
    LIMIT = "Limit"
    MARKET = "Market"


class Field(Enum):
    """In the order in which Tab goes."""

    KIND = "type"
    SIDE = "side"
    QUANTITY = "qty"
    PRICE = "price"
    POST = "post"
    REDUCE = "reduce"
    TIF = "tif"


HINTED = ": Enter sends, Esc drops"
"""What the engine adds for clients that ask at once; here Enter asks first."""

TIFS = ("gtc", "ioc", "fok")


class Ticket:
    """Keys change it, ``line`` says it, ``rows`` draw it."""

    def __init__(self, side: Side, quantity: str, price: str, post: bool, reduce: bool) -> None:
        self.kind = Kind.LIMIT
        self.side = side
        self.quantity = quantity
        self.price = price
        self.post = post
        self.reduce = reduce
        self.tif = "gtc"
        self.field = Field.QUANTITY
        self._typing = False

    def line(self) -> str:
        """The command this ticket amounts to; "" while a field is empty."""
        if not self.quantity or (self.kind is Kind.LIMIT and not self.price):
            return ""
        words = [self.side.value, self.quantity]
        if self.kind is Kind.MARKET:
            words.append("mkt")
        else:
            words += ["@", self.price]
            if self.post:
                words.append("post")
            if self.tif != "gtc":
                words.append(self.tif)
        if self.reduce:
            words.append("reduce")
        return " ".join(words)

    def fields(self) -> list[Field]:
        """The fields that this kind of order has."""
        limit_only = (Field.PRICE, Field.POST, Field.TIF)
        return [field for field in Field if self.kind is Kind.LIMIT or field not in limit_only]

    def key(self, key: str) -> bool:
        """A key; True when the ticket changed or the caret moved."""
        if key in ("tab", "down"):
            self._go(1)
        elif key in ("up", "shift+tab"):
            self._go(-1)
        elif self.field in (Field.QUANTITY, Field.PRICE):
            return self._type(key)
        elif key in ("left", "right", "space", "h", "l"):
            self._turn(-1 if key in ("left", "h") else 1)
        else:
            return self._letter(key)
        return True

    def _go(self, step: int) -> None:
        fields = self.fields()
        self.field = fields[(fields.index(self.field) + step) % len(fields)]
        self._typing = False

    def _turn(self, step: int) -> None:
        match self.field:
            case Field.KIND:
                self.kind = Kind.MARKET if self.kind is Kind.LIMIT else Kind.LIMIT
            case Field.SIDE:
                self.side = self.side.opposite
            case Field.POST:
                self.post = not self.post
            case Field.REDUCE:
                self.reduce = not self.reduce
            case Field.TIF:
                self.tif = TIFS[(TIFS.index(self.tif) + step) % len(TIFS)]
            case Field.QUANTITY | Field.PRICE:
                return
        if self.post and self.tif != "gtc":
            # Post-only rests by definition: whichever was chosen last wins.
            if self.field is Field.TIF:
                self.post = False
            else:
                self.tif = "gtc"

    def _letter(self, key: str) -> bool:
        match self.field, key:
            case Field.SIDE, "b":
                self.side = Side.BUY
            case Field.SIDE, "s":
                self.side = Side.SELL
            case Field.KIND, "1":
                self.kind = Kind.LIMIT
            case Field.KIND, "2":
                self.kind = Kind.MARKET
            case _:
                return False
        return True

    def _type(self, key: str) -> bool:
        """The first character replaces what stands there, as in a form."""
        text = (self.quantity if self.field is Field.QUANTITY else self.price) if self._typing else ""
        if key == "backspace":
            text = (self.quantity if self.field is Field.QUANTITY else self.price)[:-1]
        elif len(key) == 1 and key.isprintable() and key != " ":
            text = (text + key)[:MOST_TYPED]
        else:
            return False
        self._typing = True
        if self.field is Field.QUANTITY:
            self.quantity = text
        else:
            self.price = text
        return True

    # ------------------------------------------------------------------ drawing

    def rows(self, header: HeaderView, book: BookView | None, shown: Reply | None, selector: list[Row]) -> list[Row]:
        """The ticket; ``selector`` are the two rows that choose among the kinds of tickets."""
        key = book.key if book is not None else ""
        name = f"ORDER TICKET  {symbol_of(key)} {header.venue} ({header.mode.upper()})"
        rows = [title(name, WIDTH), *selector]
        rows.append(self._row(Field.SIDE, f"({self.side.value.upper()})", self._market(book, 0)))
        rows.append(self._row(Field.QUANTITY, self.quantity, f"{base_of(key)}   {self._market(book, 1)}"))
        price = self.price if self.kind is Kind.LIMIT else "market"
        rows.append(self._row(Field.PRICE, price, self._market(book, 2)))
        rows.append(self._row(Field.POST, "[x]" if self.post else "[ ]", "post-only: rests or is not placed"))
        rows.append(
            self._row(Field.REDUCE, "[x]" if self.reduce else "[ ]", "reduce-only: may only shrink the position")
        )
        rows.append(self._row(Field.TIF, f"({self.tif.upper()})", "GTC rests, IOC takes and goes, FOK all or none"))
        rows.append(title("PREVIEW", WIDTH))
        lines = preview_lines(shown)
        rows += preview_rows(shown, lines[:PREVIEW_LINES], PREVIEW_LINES)
        rows.append(title("COMMAND", WIDTH))
        rows.append(fit([("  = ", Ink.DIM), (self.line() or "fill in quantity and price", Ink.STRONG)], WIDTH))
        return [*rows, keys_row()][:HEIGHT]

    def _row(self, field: Field, value: str, note: str) -> Row:
        here = field is self.field
        absent = field not in self.fields()
        ink = Ink.DIM if absent else Ink.SELECTED if here else Ink.STRONG
        caret = "_" if here and self._typing else " "
        return fit(
            [
                (">" if here else " ", Ink.CURSOR if here else Ink.TEXT),
                (f" {field.value:<8}", Ink.DIM),
                (f"{value}{caret}".ljust(FIELD_WIDTH), ink),
                (f"  {note}", Ink.DIM),
            ],
            WIDTH,
        )

    def _market(self, book: BookView | None, line: int) -> str:
        if book is None:
            return ""
        return (
            f"bid {book.best_bid or NO_VALUE}   ask {book.best_ask or NO_VALUE}",
            f"at best {book.best_bid_size} / {book.best_ask_size}",
            f"last {book.last or NO_VALUE}   spread {book.spread_ticks} ticks",
        )[line]


def preview_lines(shown: Reply | None) -> list[str]:
    """What the engine says the line would do, or why it cannot be, in lines that fit."""
    if shown is None:
        return []
    return [part for line in shown.lines for part in folded(line.replace(HINTED, ""), WIDTH - 4)]


def preview_rows(shown: Reply | None, lines: list[str], count: int) -> list[Row]:
    """``lines`` of a preview in ``count`` rows."""
    bad = shown is not None and not shown.ok
    inks = [Ink.BAD if bad else Ink.WARN if line.startswith("note:") else Ink.TEXT for line in lines]
    rows = [fit([(f"  {line}", ink)], WIDTH) for line, ink in zip(lines, inks, strict=True)]
    return [*rows, *[fit([], WIDTH)] * (count - len(rows))]


def keys_row() -> Row:
    """What the keys of every ticket do."""
    keys = (("Enter", "review and send"), ("Tab", "next"), ("space", "turn"), ("Ctrl+Y", "copy"), ("Esc", "leave"))
    cells: list[Cell] = [(" ", Ink.TEXT)]
    for name, what in keys:
        cells += [(f" {name}", Ink.KEY), (f" {what} ", Ink.DIM)]
    return fit(cells, WIDTH)
