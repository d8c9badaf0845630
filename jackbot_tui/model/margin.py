"""The arithmetic of margin on linear perpetuals: what a position must keep, where it is liquidated, where bankrupt.

Pure and exact in Decimal; paper venue, desk and journal call it. It knows no orders, no balances and no prices of its
own. Money is quote currency, quantities are signed base units.

With entry ``e``, quantity ``q``, mark ``P``, and a bracket of maintenance rate ``r`` and amount ``a``:

* profit ``(P - e) q``; maintenance ``|q| P r - a``;
* liquidated as soon as ``balance + (P - e) q <= |q| P r - a``, hence at ``P = (e q - balance - a) / (q - |q| r)``;
* bankrupt at ``P = e - balance / q``, where the balance is used up.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.model.transitions import EXACT


class MarginMode(StrEnum):
    """``ISOLATED``: a position answers with its own margin. ``CROSS``: with all that its currency's wallet holds."""

    CROSS = "cross"
    ISOLATED = "isolated"


class MarginSetting(Struct, frozen=True):
    """How an instrument is traded: ``leverage`` 10 posts a tenth of a position's value as initial margin."""

    mode: MarginMode
    leverage: Decimal


class Bracket(Struct, frozen=True):
    """Positions worth up to ``cap`` quote currency: maintenance is value times ``rate`` less ``amount``.

    ``amount`` makes the maintenance of brackets meet where they join. ``max_leverage`` is the most that may be set for
    a position of that value.
    """

    cap: Decimal
    rate: Decimal
    amount: Decimal
    max_leverage: Decimal


def joined(steps: Sequence[tuple[Decimal, Decimal, Decimal]]) -> tuple[Bracket, ...]:
    """Brackets of ``(cap, maintenance rate, maximum leverage)`` with rising caps and rates, amounts filled in."""
    brackets: list[Bracket] = []
    for cap, rate, leverage in steps:
        before = brackets[-1] if brackets else Bracket(ZERO, rate, ZERO, leverage)
        amount = before.amount + before.cap * (rate - before.rate)
        brackets.append(Bracket(cap, rate, amount, leverage))
    return tuple(brackets)


def bracket_of(brackets: Sequence[Bracket], value: Decimal) -> Bracket:
    """The bracket of a position worth ``value``; the last one for everything above."""
    return next((bracket for bracket in brackets if value <= bracket.cap), brackets[-1])


def maintenance(brackets: Sequence[Bracket], value: Decimal) -> Decimal:
    """What a position worth ``value`` (at mark) must keep to stay open."""
    with localcontext(EXACT):
        bracket = bracket_of(brackets, value)
        return value * bracket.rate - bracket.amount


def initial_margin(quantity: Decimal, price: Decimal, leverage: Decimal) -> Decimal:
    """What ``quantity`` at ``price`` posts; a quotient, rounded to 76 digits."""
    with localcontext(EXACT):
        return abs(quantity) * price / max(ONE, leverage)


def liquidation_price(
    quantity: Decimal, entry: Decimal, balance: Decimal, brackets: Sequence[Bracket]
) -> Decimal | None:
    """Mark at which a position with ``balance`` behind it is liquidated; None when flat or when no price does it.

    For a cross position ``balance`` is all that stands behind it: the wallet, plus the open profit and less the
    maintenance of the other positions at their marks.
    """
    if not quantity:
        return None
    with localcontext(EXACT):
        floor = ZERO
        for place, bracket in enumerate(brackets):
            price = (entry * quantity - balance - bracket.amount) / (quantity - abs(quantity) * bracket.rate)
            value = abs(quantity) * price
            last = place == len(brackets) - 1
            if value > ZERO and floor <= value and (last or value <= bracket.cap):
                return price
            floor = bracket.cap
        return None


def bankruptcy_price(quantity: Decimal, entry: Decimal, balance: Decimal) -> Decimal:
    """Price at which closing uses up ``balance`` exactly; below 0 for what cannot go bankrupt. ``quantity`` not 0."""
    with localcontext(EXACT):
        return entry - balance / quantity
