"""What our own market orders do to the price: the square-root law, as an option of the paper venue.

The recorded or live market does not know of us, so eating its displayed levels is only half of the cost: others would
move away, and the more we took lately, the further. A taker's prices are worsened by

    shift = coefficient * volatility * sqrt(pressure / turnover)

as a fraction of the price, where ``pressure`` is what we took on this side so far (quote currency, this fill included),
``volatility`` the daily one and ``turnover`` the market's of a day. Of each fill the part ``permanent`` stays in the
pressure for the session; the rest decays by half every ``half_life``. The law and its order of magnitude (coefficient
about 1) are those of the market-impact literature (Almgren et al. 2005; Tóth et al. 2011); the figures are the user's.
The matching of an instrument owns one; makers never pay it.
"""

import math
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import decimal_of, round_down, round_up


class ImpactSettings(Struct, frozen=True, kw_only=True):
    """``coefficient`` 0 switches it off. ``turnover`` is quote currency per day, ``volatility`` a fraction per day."""

    coefficient: float = 0.0
    volatility: float = 0.02
    turnover: float = 1e9
    permanent: float = 0.3
    half_life_ns: int = 60 * NS_PER_S


NO_IMPACT = ImpactSettings()


class SquareRootImpact:
    """See the module's paragraph."""

    __slots__ = ("_fading", "_lasting", "_seen_ns", "_settings", "_tick")

    def __init__(self, settings: ImpactSettings, tick: Decimal) -> None:
        self._settings = settings
        self._tick = tick
        self._lasting = {Side.BUY: 0.0, Side.SELL: 0.0}
        self._fading = {Side.BUY: 0.0, Side.SELL: 0.0}
        self._seen_ns = {Side.BUY: 0, Side.SELL: 0}

    def price(self, side: Side, price: float, size: Decimal, now: int) -> Decimal:
        """What a taker of ``side`` pays for ``size`` of a level displayed at ``price``: never better, whole ticks."""
        displayed = decimal_of(price)
        shift = self.shift(side, float(size) * price, now)
        if not shift:
            return displayed
        moved = displayed * decimal_of(1 + side.sign * shift)
        return round_up(moved, self._tick) if side is Side.BUY else max(self._tick, round_down(moved, self._tick))

    def shift(self, side: Side, more: float, now: int) -> float:
        """The fraction by which prices are worse for ``more`` quote currency on this side."""
        settings = self._settings
        pressure = self._lasting[side] + self._faded(side, now) + more
        return settings.coefficient * settings.volatility * math.sqrt(pressure / settings.turnover)

    def took(self, side: Side, notional: float, now: int) -> None:
        """A taker of ``side`` was filled for so much quote currency."""
        lasting = notional * self._settings.permanent
        self._fading[side] = self._faded(side, now) + notional - lasting
        self._lasting[side] += lasting
        self._seen_ns[side] = now

    def _faded(self, side: Side, now: int) -> float:
        if not self._fading[side]:
            return 0.0
        halves = max(0, now - self._seen_ns[side]) / self._settings.half_life_ns
        return float(self._fading[side] * 0.5**halves)
