"""Facts about every setting, read from the model: key, default, valid values in words, description.

The loader's errors, the commented default file and the tables of docs/CONFIGURATION.md all come from here.
"""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from msgspec import Struct
from pydantic import BaseModel
from pydantic.fields import FieldInfo


class FieldFacts(Struct, frozen=True):
    """``key`` is dotted; ``valid`` says in words what is accepted; ``choices`` are the words of a closed set."""

    key: str
    section: str
    name: str
    default: object
    valid: str
    choices: tuple[str, ...]
    description: str


@cache
def fields_of(model: type[BaseModel]) -> tuple[FieldFacts, ...]:
    """Every setting of ``model``, sections walked in the order of definition."""
    return tuple(_walk(model, ""))


def section_notes(model: type[BaseModel]) -> dict[str, str]:
    """First paragraph of each section's docstring by dotted section name."""
    notes: dict[str, str] = {}

    def visit(kind: type[BaseModel], prefix: str) -> None:
        for name, field in kind.model_fields.items():
            if (inner := _section_type(field)) is not None:
                notes[f"{prefix}{name}"] = " ".join((inner.__doc__ or "").split("\n\n")[0].split())
                visit(inner, f"{prefix}{name}.")

    visit(model, "")
    return notes


def _walk(model: type[BaseModel], prefix: str) -> Iterator[FieldFacts]:
    for name, field in model.model_fields.items():
        if (inner := _section_type(field)) is not None:
            yield from _walk(inner, f"{prefix}{name}.")
        else:
            yield FieldFacts(
                key=f"{prefix}{name}",
                section=prefix.rstrip("."),
                name=name,
                default=field.get_default(call_default_factory=True),
                valid=_valid(name, field),
                choices=_choices(field.annotation),
                description=" ".join((field.description or "").split()),
            )


def _section_type(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _choices(kind: object) -> tuple[str, ...]:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return tuple(member.value for member in kind)
    if get_origin(kind) is Literal:
        return tuple(str(choice) for choice in get_args(kind))
    return ()


def _valid(name: str, field: FieldInfo) -> str:
    kind = field.annotation
    if choices := _choices(kind):
        return " | ".join(choices)
    if kind is bool:
        return "true | false"
    if kind is int or kind is float or kind is Decimal:
        return " ".join(filter(None, ("whole number" if kind is int else "number", _range(field))))
    if get_origin(kind) is list:
        return "list of unified symbols, as BTC/USDT or BTC/USDT:USDT" if name == "symbols" else "list of texts"
    if get_origin(kind) is dict:
        return "table of currency = amount" if name == "start_balances" else "table of action = list of keys"
    if kind is Path or kind == Path | None:
        return "path"
    return "text"


def _range(field: FieldInfo) -> str:
    low = high = ""
    for rule in field.metadata:
        match rule:
            case Ge():
                low = f"{rule.ge} or more"
            case Gt():
                low = f"more than {rule.gt}"
            case Le():
                high = f"{rule.le} or less"
            case Lt():
                high = f"less than {rule.lt}"
    if low and high and low.endswith("or more") and high.endswith("or less"):
        return f"from {low.removesuffix(' or more')} to {high.removesuffix(' or less')}"
    return ", ".join(filter(None, (low, high)))
