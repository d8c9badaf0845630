"""Which cases of a long table the suite tries, and which only ``make soak``: by turns, all of them by some test."""

from collections.abc import Iterable
from typing import Any

import pytest


def in_turns(cases: Iterable[Any], every: int, first: int = 0) -> list[Any]:
    """For ``parametrize``: each ``every``-th case from ``first`` on as it is, the others marked for the soak."""
    return [
        case if number % every == first else pytest.param(*_values(case), id=_name(case), marks=pytest.mark.soak)
        for number, case in enumerate(cases)
    ]


def _values(case: Any) -> tuple[Any, ...]:
    if hasattr(case, "values"):
        return tuple(case.values)
    return case if isinstance(case, tuple) else (case,)


def _name(case: Any) -> str | None:
    name = getattr(case, "id", None)
    return str(name) if name else "-".join(map(str, _values(case)))
