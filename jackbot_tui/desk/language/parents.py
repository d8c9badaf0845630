"""Words of parent orders: what follows ``maker``, ``scale``… and ``task``, read by the tables of ``algos.parameters``.

Called by the parser, which owns the walk over the words. A price may be said as a reference (``bid-5t``); it stays so
until the desk resolves it. Everything else becomes the canonical text of its parameter.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from jackbot_tui.algos.parameters import Parameter, Table, Unit, canonical
from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Action, Kind
from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import amounts
from jackbot_tui.desk.language.explain import price_text
from jackbot_tui.desk.language.near import suggestion
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import InputError

if TYPE_CHECKING:
    from jackbot_tui.desk.language.lexer import Token
    from jackbot_tui.desk.language.parser import Reader

MAX_PARENT = 10**9
_ALL = (parameter for each in ALGORITHMS.values() for parameter in each.table)
EVERY_PARAMETER: Table = tuple(
    {each.name: each for each in sorted(_ALL, key=lambda each: not each.hidden)}.values()  # what can be said wins
)
"""For an edit, which names its parent by number only: the kinds give one name the same unit."""


DIRECTIONS = {"long": Side.BUY, "short": Side.SELL}
"""Words for kinds that size themselves."""

PRICE_NAMES = frozenset(parameter.name for parameter in EVERY_PARAMETER if parameter.unit is Unit.PRICE)
"""Parameters whose value may be a reference: ``limit=bid-5t``."""


def read_parent(reader: "Reader") -> c.Command:
    """``maker buy 0.5 BTC/USDT limit=bid-5t interval=2s``."""
    kind = Kind(reader.verb.name)
    algorithm, table = ALGORITHMS[kind], ALGORITHMS[kind].table
    side: Side | None
    if algorithm.sizes_itself:
        side = DIRECTIONS[reader.choice("a direction", tuple(DIRECTIONS))]
        size = c.Size(c.SizeUnit.BASE)
    else:
        taking_over = any(each.name == "on" for each in table)
        word = reader.choice("a side", ("buy", "sell", "position") if taking_over else ("buy", "sell"))
        side = None if word == "position" else Side(word)
        size = c.Size(c.SizeUnit.POSITION) if side is None and not _is_size(reader, table) else reader.size()
    values: dict[str, str] = {}
    key = ""
    while not reader.done:
        token = reader.tokens[reader.at]
        word = reader.peek()
        named = _named("price" if word == "@" else word, table, bare=word == "@")
        if named is None and _is_leverage(word, table):
            _take_leverage(reader, token, word, values)
        elif named is not None:
            _take_value(reader, named, token, word, values)
        elif not key and (reader.symbols.matches(word) or "/" in word):
            key = reader.symbol()
        else:
            names = suggestion(word.partition("=")[0], tuple(parameter.name for parameter in table))
            raise reader.problem(
                f'"{token.text[:40]}" is neither an instrument nor a parameter of {kind}{names}', token
            )
    for parameter in table:
        if parameter.required and parameter.name not in values:
            raise reader.problem(f"{parameter.name} is missing, {parameter.meaning}: {reader.verb.usage}")
    ordered = tuple((parameter.name, values[parameter.name]) for parameter in table if parameter.name in values)
    return c.StartParent(kind=kind, side=side, size=size, key=key, values=ordered)


def read_task(reader: "Reader") -> c.Command:
    """``task pause 3``, ``task edit 3 qty=2 limit=60400``, ``task cancel all``."""
    word = reader.choice("task", ("list", *Action))
    if word == "list":
        return c.Show(topic=c.Topic.PARENTS)
    action = Action(word)
    number = 0
    if reader.peek() == "all" and action in (Action.PAUSE, Action.CANCEL):
        reader.at += 1
    else:
        token = reader.take("a parent order's number")
        reader.mark("id", token)
        text = token.text.lower().removeprefix("p")
        caret = token.start + len(token.text) - len(text)
        number = amounts.whole_number(text, caret, "a parent order's number", 1, MAX_PARENT, "task pause 3")
    if action in (Action.PAUSE, Action.CANCEL):
        return c.StopParent(action=action, number=number)
    if action is not Action.EDIT:
        return c.SteerParent(action=action, number=number)
    values: dict[str, str] = {}
    quantity: Decimal | None = None
    while not reader.done:
        token = reader.tokens[reader.at]
        word = reader.peek()
        if word.startswith("qty=") and quantity is None:
            reader.at += 1
            reader.mark("size", token)
            quantity = amounts.plain_number(word[4:], token.start + 4, "a quantity", "task edit 3 qty=0.5")
            continue
        named = _named(word, EVERY_PARAMETER)
        if named is None:
            raise reader.problem(f'"{token.text[:40]}" is no qty=NUM and no NAME=VALUE of a parent order', token)
        _take_value(reader, named, token, word, values)
    if quantity is None and not values:
        raise reader.problem("say what changes: qty=NUM or NAME=VALUE")
    return c.SteerParent(action=action, number=number, quantity=quantity, values=tuple(sorted(values.items())))


def _named(word: str, table: Table, *, bare: bool = False) -> Parameter | None:
    """The parameter that a word begins: ``limit=60500``, or ``into`` where it may stand alone, ``@`` for price."""
    name, sign, _ = word.partition("=")
    table = tuple(each for each in table if not each.hidden)
    return next((each for each in table if each.name == name and (sign or bare or each.bare)), None)


def _is_leverage(word: str, table: Table) -> bool:
    """Whether it is ``100x`` and the kind has a leverage."""
    return amounts.starts_number(word) and word.endswith("x") and any(each.unit is Unit.LEVERAGE for each in table)


def _take_leverage(reader: "Reader", token: "Token", word: str, values: dict[str, str]) -> None:
    """``100x`` on its own is the leverage."""
    table = ALGORITHMS[Kind(reader.verb.name)].table
    parameter = next(each for each in table if each.unit is Unit.LEVERAGE)
    if parameter.name in values:
        raise reader.problem(f"{parameter.name} is there twice", token)
    reader.at += 1
    reader.spans[parameter.name] = (token.start, token.end)
    try:
        values[parameter.name] = canonical(parameter, word)
    except InputError as error:
        raise reader.problem(f"{error}; it may be {parameter.range_text}", token) from None


def _is_level(reader: "Reader") -> bool:
    """Whether the next word goes on with a row of levels: it begins with a digit and names no instrument."""
    word = reader.peek()
    return amounts.starts_number(word) and not reader.symbols.matches(word)


def _is_size(reader: "Reader", table: Table) -> bool:
    """Whether the next word is a part of the position: neither an instrument nor a parameter."""
    word = reader.peek()
    names = tuple(parameter.name for parameter in table)
    return bool(word) and word.partition("=")[0] not in names and not reader.symbols.matches(word) and "/" not in word


def _take_value(reader: "Reader", parameter: Parameter, token: "Token", word: str, values: dict[str, str]) -> None:
    reader.at += 1
    _, sign, text = word.partition("=")
    start = token.start + len(parameter.name) + 1
    if not sign:
        value = reader.take(parameter.range_text)
        text, start = value.text.lower(), value.start
        while parameter.unit is Unit.LEVELS and _is_level(reader):
            text += f" {reader.take(parameter.range_text).text.lower()}"
    if parameter.name in values:
        raise reader.problem(f"{parameter.name} is there twice", token)
    reader.spans[parameter.name] = (start, start + len(text))
    if text == "none":
        values[parameter.name] = text
    elif parameter.unit is Unit.PRICE:
        values[parameter.name] = price_text(amounts.price(text, start))
    else:
        try:
            values[parameter.name] = canonical(parameter, text)
        except InputError as error:
            listed = parameter.unit in (Unit.WORD, Unit.SWITCH)  # the error names them already
            may = "" if listed else f"; it may be {parameter.range_text}"
            raise reader.problem(f"{error}{may}", token) from None
