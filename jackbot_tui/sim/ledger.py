"""The exchange's money: purses, and moves between them. Double entry, exact, and nothing else changes a balance.

Written by ``sim.accounts`` and its parts. Money is neither made nor lost here: every move takes from one purse what it
gives to another, so that all purses of a currency always add up to zero. Deposits come from ``OUTSIDE``, trades of the
anonymous crowd and all profit and loss are settled with ``CROWD``, fees go to ``FEES``, and ``INSURANCE`` takes what is
left of liquidated positions and pays what they lack. Only accounts above zero are clients.
"""

from collections import deque
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.transitions import EXACT
from jackbot_tui.sim.orders import CROWD

OUTSIDE = -1
FEES = -2
INSURANCE = -3
HOUSE_ACCOUNTS = (CROWD, OUTSIDE, FEES, INSURANCE)

ENTRIES_KEPT = 100_000


class Cause(StrEnum):
    DEPOSIT = "deposit"
    TRADE = "trade"
    FEE = "fee"
    PROFIT = "profit"
    FUNDING = "funding"
    MARGIN = "margin"
    LIQUIDATION_FEE = "liquidation fee"
    INSURANCE = "insurance"


class Purse(Struct, frozen=True):
    """``wallet`` is ``spot``, ``linear``, or the key of the instrument whose isolated margin it holds."""

    account: int
    wallet: str
    currency: str


class Entry(Struct, frozen=True):
    """One move of ``amount`` from ``source`` to ``target``. ``ms`` since 1970 UTC; ``key`` is the instrument's, or
    empty.
    """

    number: int
    ms: int
    cause: Cause
    source: Purse
    target: Purse
    amount: Decimal
    key: str = ""
    reference: str = ""


class Ledger:
    """Balances of all purses and the newest ``ENTRIES_KEPT`` entries; older ones are dropped, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=ENTRIES_KEPT)
        self._balances: dict[Purse, Decimal] = {}
        self._count = 0

    def balance(self, account: int, wallet: str, currency: str) -> Decimal:
        return self._balances.get(Purse(account, wallet, currency), ZERO)

    def purses(self) -> dict[Purse, Decimal]:
        """A copy of everything."""
        return dict(self._balances)

    def move(
        self,
        cause: Cause,
        source: Purse,
        target: Purse,
        amount: Decimal,
        *,
        ms: int,
        key: str = "",
        reference: str = "",
    ) -> None:
        """Take ``amount`` from ``source`` to ``target``; a negative amount goes the other way, none is not written."""
        if source.currency != target.currency:
            raise ValueError(f"{source.currency} cannot be moved into a purse of {target.currency}")
        if amount == ZERO:
            return
        if amount < ZERO:
            source, target, amount = target, source, -amount
        self._balances[source] = EXACT.subtract(self._balances.get(source, ZERO), amount)
        self._balances[target] = EXACT.add(self._balances.get(target, ZERO), amount)
        self._count += 1
        self.entries.append(Entry(self._count, ms, cause, source, target, amount, key, reference))
