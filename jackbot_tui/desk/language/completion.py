"""What may follow the cursor in a line of the command language. Verbs match loosely, everything else by its beginning;
numbers are never completed. Pure: a screen calls it on every key.
"""

from collections.abc import Iterable

from msgspec import Struct

from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Action, Kind
from jackbot_tui.desk.language.amounts import starts_number
from jackbot_tui.desk.language.errors import SyntaxProblem
from jackbot_tui.desk.language.grammar import (
    BY_WORD,
    FLAGS,
    OPTIONS,
    REFERENCES,
    SIZES,
    VERBS,
    Availability,
)
from jackbot_tui.desk.language.lexer import Statement, Token, split
from jackbot_tui.desk.language.parser import HELP_TOPICS

MAX_COMPLETIONS = 100
_SIZE_WORDS = {"$pos": SIZES["$pos"], "half": SIZES["half"]}
_STEPS = {"+1t": "one tick up", "-1t": "one tick down", "+5t": "five ticks up", "-5t": "five ticks down"}


class Completion(Struct, frozen=True):
    """Replace columns ``start`` to ``end`` of the line by ``text``. ``detail`` says what it is."""

    text: str
    start: int
    end: int
    detail: str = ""


class OrderHint(Struct, frozen=True):
    """A working order as completion shows it: its number, one line of text and its price text ("" for none)."""

    number: int
    text: str
    price: str = ""


class CompletionContext(Struct, frozen=True):
    """What the client knows. ``prices`` gives the present price text per reference word (``bid``…), where known."""

    symbols: tuple[str, ...] = ()
    orders: tuple[OrderHint, ...] = ()
    presets: tuple[str, ...] = ()
    prices: dict[str, str] = {}


Candidate = tuple[str, str]


def complete(line: str, cursor: int, context: CompletionContext) -> list[Completion]:
    """At most ``MAX_COMPLETIONS`` candidates for the word at ``cursor``, best first; [] = nothing to offer."""
    cursor = max(0, min(cursor, len(line)))
    try:
        statements = split(line[:cursor])
    except SyntaxProblem:
        return []
    before, word, start = _cut(line, cursor, statements)
    if word[:1] == '"' or starts_number(word):
        return []
    typed = word.lower()
    if not before:
        found = _verbs(typed)
    else:
        verb = BY_WORD.get(before[0].text.lower())
        if verb is None or verb.availability is not Availability.NOW:
            return []
        found = [
            candidate
            for candidate in _arguments(verb.name, [token.text.lower() for token in before[1:]], context)
            if candidate[0].lower().startswith(typed) and candidate[0].lower() != typed
        ]
    return [Completion(text, start, cursor, detail) for text, detail in found[:MAX_COMPLETIONS]]


def _cut(line: str, cursor: int, statements: list[Statement]) -> tuple[list[Token], str, int]:
    """Complete words before the cursor in its statement, the unfinished word, and the column where that starts."""
    tail = line[:cursor].rstrip(" \t")
    if not statements or tail.endswith(";"):
        return [], "", cursor
    tokens = list(statements[-1].tokens)
    last = tokens[-1]
    if last.end == cursor and last.text != "@":
        return tokens[:-1], line[last.start : cursor], last.start
    return tokens, "", cursor


def _verbs(typed: str) -> list[Candidate]:
    scored = []
    for order, verb in enumerate(VERBS):
        if verb.availability is Availability.LATER:
            continue
        rank = _rank(typed, verb.name)
        if typed in verb.short:
            rank = 0
        if rank is not None:
            scored.append((rank, order, (verb.name, verb.meaning)))
    return [candidate for _, _, candidate in sorted(scored)]


def _rank(typed: str, name: str) -> int | None:
    """0 beginning, 1 inside, 2 letters in order with gaps, None no match."""
    if name.startswith(typed):
        return 0
    if typed in name:
        return 1
    letters = iter(name)
    return 2 if all(letter in letters for letter in typed) else None


def _arguments(verb: str, words: list[str], context: CompletionContext) -> Iterable[Candidate]:
    match verb:
        case "buy" | "sell":
            return _order(words, context)
        case "cancel":
            return _cancel(words, context)
        case "task":
            return _task(words)
        case kind if kind in tuple(Kind):
            return _parent(Kind(kind), words, context)
        case "move":
            return _move(words, context)
        case "close":
            return [("all", "the whole position"), *_SIZE_WORDS.items()] if not words else _symbols(context)
        case "flatten":
            return [] if words else [("all", "every instrument"), *_symbols(context)]
        case "margin":
            return _symbols(context) if words else [("isolated", "its own margin"), ("cross", "the whole wallet")]
        case "leverage":
            return _symbols(context) if words else []
        case "reverse" | "sym":
            return [] if words else _symbols(context)
        case "book":
            return _symbols(context)
        case "arm":
            return [] if "market" in words else [("market", "market keys too")]
        case "help":
            names = [(name.name, name.meaning) for name in VERBS]
            return [] if words else [*names, *((topic, "") for topic in HELP_TOPICS)]
        case "set":
            return [] if words else [(option.name, f"{option.meaning} ({option.unit})") for option in OPTIONS.values()]
        case _:
            return [(word, "") for word in _FIRST_WORDS.get(verb, ())] if not words else []


_FIRST_WORDS = {
    "kill": ("flatten", "reset"),
    "reconcile": ("apply", "adopt", "close", "ignore"),
    "post": ("on", "off"),
    "reduce": ("on", "off"),
    "journal": ("note", "tag"),
    "export": ("today",),
    "record": ("start", "stop"),
    "replay": ("pause", "resume", "step", "speed"),
}


def _order(words: list[str], context: CompletionContext) -> list[Candidate]:
    if not words:
        presets = [(f"#{number}", f"preset {text}") for number, text in enumerate(context.presets, 1)]
        return [*presets, *_SIZE_WORDS.items()]
    if words[-1] in ("@", "stop", "take"):
        return _prices(context)
    if "stop" in words or "take" in words:
        rest = ("last", "mark", "reduce", *(() if "@" in words else ("slip=",)))
        asked = [(flag, FLAGS[flag]) for flag in rest if not any(word.startswith(flag) for word in words)]
        return asked if "@" in words else [("@", "limit price once triggered"), *asked]
    flags = [(flag, meaning) for flag, meaning in FLAGS.items() if not any(word.startswith(flag) for word in words)]
    flags = [flag for flag in flags if flag[0] not in ("last", "mark")]
    if "@" in words:
        return [flag for flag in flags if flag[0] != "slip="]
    if "mkt" in words or "market" in words:
        return [flag for flag in flags if flag[0] in ("reduce", "slip=")]
    return [("@", "limit price"), ("mkt", "market order"), *(flags if len(words) > 1 else []), *_symbols(context)]


def _parent(kind: Kind, words: list[str], context: CompletionContext) -> list[Candidate]:
    table = tuple(each for each in ALGORITHMS[kind].table if not each.hidden)
    if not words:
        over = [("position", "take the position over")] if len(table) < len(ALGORITHMS[kind].table) else []
        if ALGORITHMS[kind].sizes_itself:
            return [("long", "the price shall rise"), ("short", "the price shall fall")]
        return [("buy", ""), ("sell", ""), *over]
    if len(words) == 1 and ALGORITHMS[kind].sizes_itself:
        return [(f"{times}x", "leverage") for times in (10, 25, 50, 100)]
    if len(words) == 1 and words[0] != "position":
        return _order([], context)
    if words[-1] in (parameter.name for parameter in table if parameter.bare):
        return []
    said = {word.partition("=")[0] for word in words}
    return [
        *((f"{each.name}=", f"{each.meaning} ({each.range_text})") for each in table if each.name not in said),
        *_symbols(context),
    ]


def _task(words: list[str]) -> list[Candidate]:
    if not words:
        return [("list", "all parent orders"), *((action.value, "") for action in Action)]
    return [("all", "every parent order")] if len(words) == 1 and words[0] in ("pause", "cancel") else []


def _prices(context: CompletionContext) -> list[Candidate]:
    refs = [
        (ref.value, f"{meaning} {context.prices.get(ref.value, '')}".rstrip()) for ref, meaning in REFERENCES.items()
    ]
    return [*refs, *((order.price, order.text) for order in context.orders if order.price)]


def _cancel(words: list[str], context: CompletionContext) -> list[Candidate]:
    orders = [(str(order.number), order.text) for order in context.orders if str(order.number) not in words]
    if not words:
        scopes = [("all", "every order"), ("buys", "every buy"), ("sells", "every sell"), ("last", "the newest order")]
        return [*scopes, *orders]
    return _symbols(context) if words[0] in ("all", "buys", "sells", "last") else orders


def _move(words: list[str], context: CompletionContext) -> list[Candidate]:
    if not words:
        return [("last", "the newest order"), *((str(order.number), order.text) for order in context.orders)]
    if words[-1] in ("@", words[0]):
        return [*_STEPS.items(), *_prices(context), ("qty=", "new total quantity")]
    return []


def _symbols(context: CompletionContext) -> list[Candidate]:
    return [(symbol, "") for symbol in context.symbols]
