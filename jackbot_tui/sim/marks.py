"""Mark price, index and funding of one perpetual, by Binance's published formulas.

Sampled once a second of simulated time by a gateway's feed. The index is the coin's fair spot price. Prices are floats
in quote currency: they are only published, nothing here settles money.

Formulas (Binance futures support pages on mark price and on funding rates): mark = median(index x (1 + last funding
rate x time to funding / interval), index + moving average of (mid - index), last trade). Funding rate =
P + clamp(0.01 % - P, -0.05 %, +0.05 %), P being the average premium of the interval; capped at 0.3 %.
"""

from msgspec import Struct

INTEREST = 0.0001  # per 8 hours
CLAMP = 0.0005
CAP = 0.003
BASIS_SAMPLES = 30  # Binance averages the basis over 30 seconds
SETTLEMENTS_KEPT = 1000


class Settlement(Struct, frozen=True):
    """A funding rate that was paid. ``ms`` is the time of payment."""

    ms: int
    rate: float
    mark: float


class MarkPrices:
    """``opened_ms`` is when the market opened, ``interval_h`` the hours between two payments."""

    def __init__(self, opened_ms: int, interval_h: int, opening: float) -> None:
        self._interval_ms = interval_h * 3_600_000
        self._basis = 0.0
        self._premium_sum = 0.0
        self._samples = 0
        self._last_rate = INTEREST
        self.next_funding_ms = (opened_ms // self._interval_ms + 1) * self._interval_ms
        self.index = opening
        self.mark = opening
        self.settlements: list[Settlement] = []

    @property
    def premium(self) -> float:
        """Average premium of the running interval."""
        return self._premium_sum / self._samples if self._samples else 0.0

    @property
    def rate(self) -> float:
        """Funding rate that would be paid now, as a fraction per interval."""
        premium = self.premium
        return max(-CAP, min(CAP, premium + max(-CLAMP, min(CLAMP, INTEREST - premium))))

    def sample(self, now_ms: int, index: float, mid: float, last: float) -> None:
        """Take one second's prices."""
        if now_ms >= self.next_funding_ms:
            self._settle()
        self.index = index
        if self._samples:
            self._basis += (mid - index - self._basis) / BASIS_SAMPLES
        else:
            self._basis = mid - index
        self._premium_sum += (mid - index) / index
        self._samples += 1
        share = (self.next_funding_ms - now_ms) / self._interval_ms
        self.mark = sorted((index * (1 + self._last_rate * share), index + self._basis, last))[1]

    def _settle(self) -> None:
        self.settlements.append(Settlement(self.next_funding_ms, self.rate, self.mark))
        del self.settlements[:-SETTLEMENTS_KEPT]
        self._last_rate = self.rate
        self._premium_sum = 0.0
        self._samples = 0
        self.next_funding_ms += self._interval_ms
