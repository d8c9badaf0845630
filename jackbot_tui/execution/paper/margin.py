"""Maintenance margin and leverage by position value, per venue, as data.

The paper account reads it. No venue tells its brackets on a public stream, and our notes on the wire protocols hold
none beyond single examples (Binance's documentation shows a first bracket of 0.4 % up to 300,000), so one table stands
for all of them. It is ours and meant to err on the dear side: the venues' own brackets for large coins ask for less.
"""

from decimal import Decimal
from functools import lru_cache

from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import Bracket, joined
from jackbot_tui.model.numbers import ONE

LOWEST_RATE = Decimal("0.005")
"""Maintenance is never less than this part of a position's value."""

LIQUIDATION_FEE = Decimal("0.0125")
"""Part of a liquidated value that the venue keeps, on top of the taker fee, as far as the margin reaches. Binance calls
it the liquidation clearance fee and lists it per symbol; no stream tells it, so this one stands for all.
"""

CAPS: tuple[tuple[Decimal, Decimal], ...] = (
    (Decimal(50_000), Decimal(125)),
    (Decimal(250_000), Decimal(50)),
    (Decimal(1_000_000), Decimal(20)),
    (Decimal(5_000_000), Decimal(10)),
    (Decimal(20_000_000), Decimal(5)),
    (Decimal(50_000_000), Decimal(2)),
    (Decimal("1E+15"), Decimal(1)),
)
"""``(position value in quote currency, largest leverage)``; never more than the instrument allows."""


def brackets_of(instrument: Instrument) -> tuple[Bracket, ...]:
    """Brackets of one perpetual. Maintenance is half of the initial margin at a bracket's largest leverage, as most
    venues have it, but at least ``LOWEST_RATE``.
    """
    return _brackets(instrument.max_leverage)


@lru_cache(maxsize=256)
def _brackets(most: Decimal) -> tuple[Bracket, ...]:
    steps = []
    for cap, allowed in CAPS:
        leverage = max(ONE, min(allowed, most))
        steps.append((cap, max(LOWEST_RATE, ONE / (2 * leverage)), leverage))
    return joined(steps)
