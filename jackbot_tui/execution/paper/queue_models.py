"""What a shrinking level means for an order in its queue: the published models, as pure functions of four figures.

Nobody outside sees which orders of a level were canceled, so a model must say how much of what vanished stood ahead.
The rules and names are those published with hftbacktest (its ``queue.rs``, after Erik Rigtorp's note of 2013 on
estimating queue position): risk-averse, power 1 to 3 with an exponent, logarithmic 1 and 2. Queues call them; they keep
no state, and they compute alike in float and in Decimal (the probability itself is always a float).
"""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, TypeVar

from jackbot_tui.model.errors import InputError

Quantity = TypeVar("Quantity", float, Decimal)

LARGEST_EXPONENT = 10.0

RISK_AVERSE = "risk_averse"

SETTINGS = (RISK_AVERSE, "power:2", "power:3", "power2:2", "power2:3", "power3:2", "power3:3", "log", "log2")
"""The nine settings that are compared side by side."""


class QueueModel(Protocol):
    """One way to estimate what stands ahead."""

    @property
    def name(self) -> str:
        """As written in the settings: ``queue_model(name)`` makes it again."""
        ...

    def ahead_after(self, ahead: Quantity, before: Quantity, shown: Quantity, traded: Quantity) -> Quantity:
        """What stands ahead once the level displays ``shown`` where it displayed ``before``.

        ``traded`` is what traded at the price since the level's last update: it has left ``ahead`` already, and only
        the rest of the change is guessed at. All in one unit.
        """
        ...


class RiskAverse:
    """Every cancel was behind us; only a level too small to hold what was ahead moves us forward."""

    name = RISK_AVERSE

    def ahead_after(self, ahead: Quantity, before: Quantity, shown: Quantity, traded: Quantity) -> Quantity:
        return min(ahead, shown)


class Probabilistic:
    """Cancels are spread over the queue: ``behind(front, back)`` is the part of them that stood behind us."""

    def __init__(self, name: str, behind: Callable[[float, float], float]) -> None:
        self.name = name
        self._behind = behind

    def ahead_after(self, ahead: Quantity, before: Quantity, shown: Quantity, traded: Quantity) -> Quantity:
        vanished = before - shown - traded
        if vanished < 0:
            return min(ahead, shown)
        back = before - ahead
        share = self._behind(float(ahead), float(back))
        if math.isnan(share):  # nobody ahead and nobody behind
            return shown
        number = type(ahead)
        behind = number(repr(1.0 if math.isinf(share) else share))
        beyond = min(back - behind * vanished, number(0))  # more than there was behind must have been ahead
        return min(ahead - (1 - behind) * vanished + beyond, shown)


def queue_model(name: str) -> QueueModel:
    """The model that a setting names: ``risk_averse``, ``power:N``, ``power2:N``, ``power3:N``, ``log``, ``log2``.

    InputError names what there is; ``N`` is the exponent, above 0 and at most 10.
    """
    family, colon, text = name.partition(":")
    match family:
        case "risk_averse" if not colon:
            return RiskAverse()
        case "log" if not colon:
            return Probabilistic(name, lambda front, back: _ratio(_log(back), _log(back) + _log(front)))
        case "log2" if not colon:
            return Probabilistic(name, lambda front, back: _ratio(_log(back), _log(back + front)))
        case "power" | "power2" | "power3":
            return Probabilistic(name, _power_of(family, _exponent(name, text)))
    raise InputError(
        f"{name!r} is no queue model: use risk_averse, power:N, power2:N, power3:N, log or log2 (N is the exponent)"
    )


def _exponent(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LARGEST_EXPONENT:
        raise InputError(
            f"queue model {name!r}: write the exponent after a colon, above 0 and at most 10, as in power2:3"
        )
    return value


def _power_of(family: str, n: float) -> Callable[[float, float], float]:
    match family:
        case "power":
            return lambda front, back: _ratio(_power(back, n), _power(back, n) + _power(front, n))
        case "power2":
            return lambda front, back: _ratio(_power(back, n), _power(back + front, n))
        case _:
            return lambda front, back: 1.0 - _power(_ratio(front, front + back), n)


def _power(x: float, n: float) -> float:
    return math.nan if x < 0 and not n.is_integer() else x**n


def _log(x: float) -> float:
    return math.log(1.0 + x) if x > -1.0 else math.nan


def _ratio(part: float, whole: float) -> float:
    """Division as processors do it: by zero it gives infinity, and zero by zero is no number."""
    if whole:
        return part / whole
    return math.copysign(math.inf, part) if part else math.nan
