"""Forms of parent orders: the fields of a kind, whether a text may stand in one, and the one line they amount to.

Made from the tables of ``algos.parameters``, so that a form, the language and the docs cannot differ. Pure; a screen
draws what is here and sends nothing but the line.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from jackbot_tui.algos.parameters import Parameter, Unit, canonical
from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Kind
from jackbot_tui.desk.language import amounts
from jackbot_tui.desk.language.errors import SyntaxProblem
from jackbot_tui.model.errors import InputError

SIDE = "side"
QUANTITY = "qty"
TAKE_OVER = "position"
"""The side of a kind that may take over what is held."""

BETS = ("long", "short")
"""The sides of a kind that sizes itself."""

FIRST = ("twap", "vwap", "maker", "prophet", "jackpot", "smart")
"""Kinds in the order in which they are offered; the others follow."""


class FormField(Struct, frozen=True, kw_only=True):
    """One field. ``words`` are the choices, empty = text is typed. ``default`` stands where it is left empty.

    ``range``: what may stand there, for people. ``price``: it may be a reference (``bid-5t``). ``several``: it may be a
    row of values with commas between them.
    """

    name: str
    meaning: str
    range: str
    words: tuple[str, ...] = ()
    default: str = ""
    required: bool = False
    price: bool = False
    several: bool = False


def form_kinds() -> list[str]:
    """The kinds of parent orders there are, the usual ones first."""
    names = [kind.value for kind in ALGORITHMS]
    return [*(name for name in FIRST if name in names), *(name for name in names if name not in FIRST)]


def form_title(kind: str) -> str:
    """What the kind does, in one line."""
    return ALGORITHMS[Kind(kind)].title


def form_fields(kind: str) -> tuple[FormField, ...]:
    """Side, quantity where the kind does not size itself, then its parameters, those that it must have first."""
    algorithm = ALGORITHMS[Kind(kind)]
    table = [parameter for parameter in algorithm.table if not parameter.hidden]
    takes_over = any(parameter.name == "on" for parameter in algorithm.table) and not algorithm.sizes_itself
    sides = ("buy", "sell", TAKE_OVER) if takes_over else ("buy", "sell")
    head = [FormField(name=SIDE, meaning="what it does", range="", words=sides, default="buy", required=True)]
    if algorithm.sizes_itself:
        head = [FormField(name=SIDE, meaning="the bet", range="", words=BETS, default=BETS[0], required=True)]
    else:
        meaning = "how much altogether; empty with position: all that is held" if takes_over else "how much altogether"
        size = "0.5, 1000$, 10% of equity, half, $pos"
        head.append(FormField(name=QUANTITY, meaning=meaning, range=size, required=True))
    must = [_field(parameter) for parameter in table if parameter.required]
    return (*head, *must, *(_field(parameter) for parameter in table if not parameter.required))


def _field(parameter: Parameter) -> FormField:
    words = ("off", "on") if parameter.unit is Unit.SWITCH else parameter.words
    if words and not parameter.default:
        words = ("", *words)
    return FormField(
        name=parameter.name,
        meaning=parameter.meaning,
        range=parameter.range_text if parameter.unit is not Unit.PRICE else "a price, or bid-5t, ask+1%, mid, cur",
        words=words,
        default=parameter.default,
        required=parameter.required,
        price=parameter.unit is Unit.PRICE,
        several=parameter.unit is Unit.LEVELS,
    )


def field_problem(kind: str, name: str, values: Mapping[str, str]) -> str:
    """Why the line could not be taken with what stands in the field, in one line; "" when it could."""
    text = values.get(name, "").strip().lower()
    if name == SIDE:
        return ""
    if name == QUANTITY:
        if not text:
            return "" if values.get(SIDE) == TAKE_OVER else "qty is missing"
        return _said(lambda: amounts.size(text, 0))
    parameter = next(each for each in ALGORITHMS[Kind(kind)].table if each.name == name)
    if not text:
        return f"{name} is missing" if parameter.required else ""
    if parameter.unit is Unit.PRICE:
        return _said(lambda: amounts.price(text, 0))
    return _said(lambda: canonical(parameter, text))


def form_problem(kind: str, values: Mapping[str, str]) -> str:
    """The problem of the first field that has one."""
    return next((why for field in form_fields(kind) if (why := field_problem(kind, field.name, values))), "")


def form_line(kind: str, values: Mapping[str, str]) -> str:
    """The command that the fields amount to; "" while one of them has a problem."""
    if form_problem(kind, values):
        return ""
    words = [kind, values[SIDE]]
    table = {parameter.name: parameter for parameter in ALGORITHMS[Kind(kind)].table}
    for field in form_fields(kind)[1:]:
        text = "".join(values.get(field.name, "").lower().split())
        parameter = table.get(field.name)
        if not text or (parameter is not None and text == parameter.default):
            continue
        if parameter is None:
            words.append(text)
        elif parameter.name == "price":
            words += ["@", text]
        else:
            words.append(f"{parameter.name}={text}")
    return " ".join(words)


def _said(check: Callable[[], object]) -> str:
    try:
        check()
    except SyntaxProblem as problem:
        return problem.message
    except InputError as problem:
        return str(problem)
    return ""
