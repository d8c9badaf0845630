"""Text of the command language in, commands out; one ``SyntaxProblem`` with a column when any part is not understood.

All of a line is read before anything of it may run. Pure, deterministic, linear in the length of the line.
"""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.algos.state import Kind
from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import amounts
from jackbot_tui.desk.language.errors import SyntaxProblem
from jackbot_tui.desk.language.grammar import (
    BY_WORD,
    MAX_GROUP,
    MAX_ROWS,
    MAX_SLIP_TICKS,
    OPTIONS,
    PRESETS,
    REFERENCE_WORDS,
    Availability,
    Verb,
)
from jackbot_tui.desk.language.lexer import Statement, Token, split
from jackbot_tui.desk.language.near import suggestion
from jackbot_tui.desk.language.order_words import OrderWords
from jackbot_tui.desk.language.parents import read_parent, read_task
from jackbot_tui.desk.language.playback import read_replay
from jackbot_tui.desk.language.symbols import SymbolTable
from jackbot_tui.model.enums import DifferenceRule, Side
from jackbot_tui.model.margin import MarginMode

Span = tuple[int, int]
MAX_NUMBERS = 100
MAX_ORDER_NUMBER = 10**12
MAX_TEXT = 500


class Parsed(Struct, frozen=True):
    """A command with its place in the line: ``spans`` holds the columns of ``size``, ``price``, ``symbol``, ``id``…"""

    command: c.Command
    words: str  # the statement as typed, without blanks around it
    start: int
    spans: dict[str, Span]


def parse(line: str, symbols: SymbolTable) -> list[c.Command]:
    """Commands of a line, in order. Raises SyntaxProblem; never anything else."""
    return [parsed.command for parsed in parse_with_spans(line, symbols)]


def parse_with_spans(line: str, symbols: SymbolTable) -> list[Parsed]:
    """As ``parse``, with columns, so that a later objection can point at its word."""
    statements = split(line)
    if not statements:
        raise SyntaxProblem("nothing to do in an empty line", 0, "help")
    return [Reader(line, statement, symbols).read() for statement in statements]


def _lower(token: Token) -> str:
    return token.text.lower() if token.text.isascii() else token.text


class Reader:
    """Walks the words of one statement."""

    def __init__(self, line: str, statement: Statement, symbols: SymbolTable) -> None:
        self.line = line
        self.tokens = statement.tokens
        self.symbols = symbols
        self.at = 0
        self.end = self.tokens[-1].end
        self.spans: dict[str, Span] = {}
        self.verb: Verb

    def read(self) -> Parsed:
        first = self.tokens[0]
        word = _lower(first)
        verb = None if first.quoted else BY_WORD.get(word)
        if verb is None:
            names = suggestion(word, BY_WORD)
            raise SyntaxProblem(f'no command "{first.text[:40]}"{names}: nothing was done', first.start, "help")
        self.verb = verb
        self.at = 1
        self.spans["verb"] = (first.start, first.end)
        command: c.Command
        if verb.availability is Availability.LATER:
            command = c.Unavailable(verb=verb.name, rest=self.rest())
        elif verb.availability is Availability.SCREEN:
            command = c.ScreenOnly(verb=verb.name, rest=self.rest())
        else:
            command = _READERS[verb.name](self)
        if not self.done:
            token = self.tokens[self.at]
            raise self.problem(f'"{token.text[:40]}" is too much here: {verb.usage}', token)
        return Parsed(command, self.line[first.start : self.end], first.start, self.spans)

    # ------------------------------------------------------------------ words

    @property
    def done(self) -> bool:
        return self.at >= len(self.tokens)

    def problem(self, message: str, token: Token | None = None, code: str = "syntax") -> SyntaxProblem:
        """At ``token``, or behind the last word when something is missing."""
        return SyntaxProblem(message, self.end if token is None else token.start, self.verb.example, code)

    def peek(self) -> str:
        """The next word in lower case, "" at the end. A quoted word equals no keyword."""
        if self.done:
            return ""
        token = self.tokens[self.at]
        return '"' if token.quoted else _lower(token)

    def take(self, what: str) -> Token:
        if self.done:
            raise self.problem(f"{what} is missing: {self.verb.usage}")
        token = self.tokens[self.at]
        if token.quoted:
            raise self.problem(f"{what} expected, not a quoted text", token)
        self.at += 1
        return token

    def choice(self, what: str, allowed: tuple[str, ...]) -> str:
        token = self.take(what)
        word = _lower(token)
        if word not in allowed:
            raise self.problem(f'{what}: {", ".join(allowed)}, not "{token.text[:40]}"', token)
        return word

    def mark(self, name: str, first: Token, last: Token | None = None) -> None:
        self.spans[name] = (first.start, (last or first).end)

    def rest(self) -> str:
        """What is left of the statement as it stands in the line."""
        if self.done:
            return ""
        first = self.tokens[self.at]
        text = self.line[first.start : self.end]
        self.check_length(text, first)
        self.at = len(self.tokens)
        return text

    def check_length(self, text: str, token: Token) -> None:
        if len(text) > MAX_TEXT:
            raise self.problem(f"the text has {len(text)} characters, {MAX_TEXT} is the most", token)

    def text(self, what: str) -> str:
        """The rest as a text: one quoted word, or everything as it stands."""
        if self.done:
            raise self.problem(f"{what} is missing: {self.verb.usage}")
        token = self.tokens[self.at]
        if token.quoted and self.at == len(self.tokens) - 1:
            self.at += 1
            if not token.text.strip():
                raise self.problem(f"{what} is empty", token)
            self.check_length(token.text, token)
            return token.text
        return self.rest()

    def symbol(self) -> str:
        token = self.take("an instrument")
        self.mark("symbol", token)
        return self.symbols.resolve(token.text, token.start)

    def optional_symbol(self) -> str:
        return "" if self.done else self.symbol()

    def size(self, what: str = "SIZE") -> c.Size:
        token = self.take(what)
        self.mark("size", token)
        return amounts.size(_lower(token), token.start, self.verb.example)

    def quantity(self, what: str = "a quantity") -> Decimal:
        token = self.take(what)
        self.mark("size", token)
        return amounts.plain_number(token.text, token.start, what, self.verb.example)

    def price(self, bare: c.PriceRef = c.PriceRef.NEAR) -> c.Price:
        """``61000``, ``bid+1t``, ``bid +1t``, ``bid + 1t``, ``-0.5%``, ``+ 2t``."""
        first = last = self.take("PRICE")
        word = _lower(first)
        if word in REFERENCE_WORDS and self.peek()[:1] in ("+", "-"):
            last = self.take("an offset")
            word += _lower(last)
        if word[-1:] in ("+", "-"):
            number = self.take("an offset")
            if not amounts.starts_number(number.text):
                raise self.problem(f'a number expected after "{word}", not "{number.text[:40]}"', number)
            last = number
            word += _lower(number)
        self.mark("price", first, last)
        try:
            return amounts.price(word, first.start, bare)
        except SyntaxProblem as problem:
            inside = min(problem.caret, last.end) if first is last else first.start
            raise SyntaxProblem(problem.message, inside, problem.example) from None

    def order_number(self) -> int:
        """``41`` or ``#41``."""
        token = self.take("an order number")
        self.mark("id", token)
        hashed = token.text.startswith("#")
        return amounts.whole_number(
            token.text[hashed:], token.start + hashed, "an order number", 1, MAX_ORDER_NUMBER, self.verb.example
        )


# ---------------------------------------------------------------------- orders


def _place(reader: Reader, side: Side) -> c.Command:
    return OrderWords(reader, side).read()


def _cancel(reader: Reader) -> c.Command:
    word = reader.peek()
    if word.startswith("tag="):
        raise reader.problem("cancel by tag is not available yet", reader.tokens[reader.at], "unavailable")
    if word in ("all", "buys", "sells", "last"):
        reader.at += 1
        return c.Cancel(scope=c.CancelScope(word), key=reader.optional_symbol())
    numbers = [reader.order_number()]
    while not reader.done:
        if len(numbers) == MAX_NUMBERS:
            raise reader.problem(f"at most {MAX_NUMBERS} numbers", reader.tokens[reader.at])
        number = reader.order_number()
        if number not in numbers:
            numbers.append(number)
    return c.Cancel(scope=c.CancelScope.NUMBERS, numbers=tuple(numbers))


def _move(reader: Reader) -> c.Command:
    if reader.peek() == "last":
        reader.mark("id", reader.take("ID"))
        number = 0
    else:
        number = reader.order_number()
    price: c.Price | None = None
    quantity: Decimal | None = None
    while not reader.done:
        token = reader.tokens[reader.at]
        word = reader.peek()
        if word.startswith("qty="):
            if quantity is not None:
                raise reader.problem("qty is there twice", token)
            reader.at += 1
            reader.mark("size", token)
            quantity = amounts.plain_number(word[4:], token.start + 4, "a quantity", "move 41 qty=0.5")
        elif price is not None:
            raise reader.problem(f'"{token.text[:40]}" is too much here: {reader.verb.usage}', token)
        else:
            if word == "@":
                reader.at += 1
            price = reader.price(c.PriceRef.OWN)
    if price is None and quantity is None:
        raise reader.problem("say what changes: PRICE, OFFSET or qty=NUM")
    return c.Move(number=number, price=price, quantity=quantity)


def _close(reader: Reader) -> c.Command:
    if reader.peek() == "all":
        reader.mark("size", reader.take("SIZE"))
        size = c.Size(c.SizeUnit.POSITION)
    else:
        size = reader.size("NUM%, SIZE, half or all")
    if size.unit is c.SizeUnit.PERCENT and size.value > 100:
        start, _ = reader.spans["size"]
        raise SyntaxProblem("at most 100% of a position can be closed", start, "close 100%")
    if reader.peek() == "maker":
        raise reader.problem("close maker comes with execution algorithms: not available yet", None, "unavailable")
    return c.Close(size=size, key=reader.optional_symbol())


def _flatten(reader: Reader) -> c.Command:
    if reader.peek() == "all":
        reader.at += 1
        return c.Flatten(everything=True)
    return c.Flatten(key=reader.optional_symbol())


# ---------------------------------------------------------------------- safety and ticket


def _arm(reader: Reader) -> c.Command:
    duration, market = 0, False
    while not reader.done:
        token = reader.tokens[reader.at]
        word = reader.peek()
        if word == "market" and not market:
            reader.at += 1
            market = True
        elif not duration and word != "market":
            reader.at += 1
            duration = amounts.duration_ns(word, token.start, "arm 10m market")
        else:
            raise reader.problem(f"{token.text[:40]} is there twice: {reader.verb.usage}", token)
    return c.Arm(duration_ns=duration, market=market)


def _kill(reader: Reader) -> c.Command:
    if reader.done:
        return c.Kill()
    return c.KillReset() if reader.choice("kill", ("flatten", "reset")) == "reset" else c.Kill(flatten=True)


def _preset(reader: Reader) -> c.Command:
    token = reader.take("a preset")
    number = amounts.whole_number(token.text, token.start, "a preset", 1, PRESETS, "preset 2 0.5")
    return c.Preset(number, None if reader.done else reader.quantity())


def _group(reader: Reader) -> c.Command:
    token = reader.take("ticks per row")
    return c.Group(amounts.whole_number(token.text, token.start, "ticks per row", 1, MAX_GROUP, "group 5"))


def _slip(reader: Reader) -> c.Command:
    token = reader.take("ticks")
    return c.Slip(amounts.tick_count(_lower(token), token.start, "slip", MAX_SLIP_TICKS, "slip 10t"))


def _toggle(reader: Reader) -> c.Command:
    flag = c.FlagName(reader.verb.name)
    return c.Toggle(flag, None if reader.done else reader.choice(flag.value, ("on", "off")) == "on")


# ---------------------------------------------------------------------- look and records


def _show(reader: Reader) -> c.Command:
    return c.Show(topic=c.Topic(reader.verb.name))


def _reconcile(reader: Reader) -> c.Command:
    if reader.done:
        return c.Show(topic=c.Topic.RECONCILE)
    word = reader.choice("reconcile", ("apply", *DifferenceRule))
    if word == "apply":
        return c.Settle()
    numbers = [reader.order_number()]
    while not reader.done and len(numbers) < MAX_NUMBERS:
        numbers.append(reader.order_number())
    return c.Settle(rule=DifferenceRule(word), numbers=tuple(dict.fromkeys(numbers)))


def _rows(reader: Reader) -> int:
    if not amounts.starts_number(reader.peek()) or reader.symbols.matches(reader.peek()):
        return 0
    token = reader.take("rows")
    return amounts.whole_number(token.text, token.start, "rows", 1, MAX_ROWS, reader.verb.example)


def _fills(reader: Reader) -> c.Command:
    return c.Show(topic=c.Topic.FILLS, count=_rows(reader))


def _book(reader: Reader) -> c.Command:
    count = _rows(reader)
    return c.Show(topic=c.Topic.BOOK, count=count, key=reader.optional_symbol())


def _journal(reader: Reader) -> c.Command:
    kind = reader.choice("journal", ("note", "tag"))
    text = reader.text("TEXT")
    return c.JournalNote(text) if kind == "note" else c.JournalTag(text)


def _note(reader: Reader) -> c.Command:
    token = reader.take("PRICE")
    reader.mark("price", token)
    price = amounts.plain_number(token.text, token.start, "a price", reader.verb.example)
    return c.PriceNote(price=price, text=reader.text("TEXT"))


def _export(reader: Reader) -> c.Command:
    reader.choice("export", ("today",))
    return c.Export()


def _set(reader: Reader) -> c.Command:
    if reader.done:
        return c.SetOption()
    token = reader.take("an option")
    option = OPTIONS.get(_lower(token))
    if option is None:
        names = suggestion(_lower(token), OPTIONS) or f": {', '.join(OPTIONS)}"
        raise reader.problem(f'no option "{token.text[:40]}"{names}', token)
    value = reader.take("a value")
    what = f"{option.name} in {option.unit}"
    example = f"set {option.name} {option.default}"
    number = amounts.whole_number(value.text, value.start, what, option.low, option.high, example)
    return c.SetOption(name=option.name, value=number)


HELP_TOPICS = ("sizes", "prices", "flags")


def _help(reader: Reader) -> c.Command:
    if reader.done:
        return c.Help()
    token = reader.take("a topic")
    word = _lower(token)
    if word in BY_WORD:
        return c.Help(BY_WORD[word].name)
    if word in HELP_TOPICS:
        return c.Help(word)
    raise reader.problem(f'no help on "{token.text[:40]}"{suggestion(word, (*BY_WORD, *HELP_TOPICS))}', token)


_READERS: dict[str, Callable[[Reader], c.Command]] = {
    "buy": lambda reader: _place(reader, Side.BUY),
    "sell": lambda reader: _place(reader, Side.SELL),
    "cancel": _cancel,
    "move": _move,
    "close": _close,
    "flatten": _flatten,
    "reverse": lambda reader: c.Reverse(key=reader.optional_symbol()),
    **dict.fromkeys(Kind, read_parent),
    "task": read_task,
    "parents": _show,
    "arm": _arm,
    "disarm": lambda _: c.Disarm(),
    "kill": _kill,
    "take": lambda _: c.Take(),
    "sym": lambda reader: c.SelectSymbol(reader.symbol()),
    "size": lambda reader: c.SetQuantity(reader.quantity()),
    "preset": _preset,
    "group": _group,
    "slip": _slip,
    "leverage": lambda reader: c.SetLeverage(reader.quantity("a leverage"), reader.optional_symbol()),
    "margin": lambda reader: c.SetMarginMode(
        MarginMode(reader.choice("margin", tuple(MarginMode))), reader.optional_symbol()
    ),
    "post": _toggle,
    "reduce": _toggle,
    "positions": _show,
    "orders": _show,
    "fills": _fills,
    "status": _show,
    "book": _book,
    "limits": _show,
    "connections": _show,
    "honesty": _show,
    "reconcile": _reconcile,
    "account": _show,
    "killed": _show,
    "why": lambda reader: c.Why("" if reader.done else reader.take("an order or a fill").text.removeprefix("#")),
    "journal": _journal,
    "note": _note,
    "export": _export,
    "record": lambda reader: c.Record(reader.choice("record", ("start", "stop")) == "start"),
    "replay": read_replay,
    "set": _set,
    "paper": lambda _: c.Paper(),
    "live": lambda _: c.GoLive(),
    "help": _help,
    "quit": lambda _: c.Quit(),
}
