"""What a position on isolated margin stands on, as parent orders are told of it: margin, brackets, funding, volatility.

Values; the host of parent orders fills them in. Money is quote currency.
"""

from decimal import Decimal
from math import erfc, log, sqrt

from msgspec import Struct

from jackbot_tui.model.margin import Bracket, MarginMode, MarginSetting
from jackbot_tui.model.numbers import ZERO

LEAST_SEEN_S = 300
"""A shorter look at a market tells no volatility."""

HOUR_S = 3600.0


class Volatility(Struct, frozen=True):
    """Standard deviation of the price's logarithm per square root of a second, over the last ``seen_s`` seconds."""

    per_root_s: float
    seen_s: float

    @property
    def hourly(self) -> float:
        """Standard deviation over an hour, as a share of the price."""
        return self.per_root_s * sqrt(HOUR_S)

    def touches(self, price: float, level: float, within_s: float) -> float:
        """Odds that ``level`` is reached from ``price`` within a time: a random walk without drift, seen all the time.

        By the reflection principle twice the odds of ending beyond it; no jumps, no fat tails.
        """
        if price <= 0 or level <= 0:
            return 1.0
        spread = self.per_root_s * sqrt(within_s)
        away = abs(log(level / price))
        return erfc(away / spread / sqrt(2)) if spread else float(not away)


class Stakes(Struct, frozen=True, kw_only=True):
    """``confirmed``: margin mode and leverage that the venue has confirmed for new orders, None = it has not.

    ``liquidation`` is the venue's own mark for the position as it is (None: flat, or it tells none). ``brackets`` and
    ``liquidation_fee`` are our table. ``funding`` is what the instrument was paid in all (negative: it paid),
    ``funding_rate`` that of the next time, ``next_funding_ns`` away, 0 = unknown. ``free`` is what no order and no
    margin ties up; it and ``volatility`` are told while the account is flat.
    """

    confirmed: MarginSetting | None
    brackets: tuple[Bracket, ...]
    liquidation_fee: Decimal = ZERO
    liquidation: Decimal | None = None
    free: Decimal | None = None
    funding: Decimal = ZERO
    funding_rate: Decimal = ZERO
    next_funding_ns: int = 0
    volatility: Volatility | None = None

    def isolates(self, leverage: Decimal) -> bool:
        """Whether new orders are known to be on isolated margin at this leverage."""
        return self.confirmed == MarginSetting(MarginMode.ISOLATED, leverage)
