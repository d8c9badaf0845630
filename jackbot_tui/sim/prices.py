"""Where the crowd thinks each coin should trade: seeded random walks of log prices, on a fixed 100 ms grid.

Used by ``sim.flow`` (which turns opinions into orders) and ``sim.marks`` (the index of a perpetual). Pure arithmetic:
no clock, no book. All coins share the driver BTC, so ETH and the rest follow it with a short lag plus a path of their
own; a perpetual is its coin's price plus a small basis. Every path is pulled back to its opening price hard enough
that its long-run spread is a few percent whatever the volatility, so no price collapses or runs away in a session of
days.

Calibration: the recorded BTCUSDT sessions of 2024-08-08 moved 1.1 to 1.2 basis points per square root of a second.
"""

import math
import random
from collections.abc import Iterable

GRID_NS = 100_000_000
GRID_S = GRID_NS / 1e9
DRIVER = "BTC"
SIGMA = 1.15e-4  # log price per square root of a second, BTC at volatility 1
STATIONARY = 0.05  # standard deviation of a path far from its start, as a fraction of the price
JUMPS_PER_S = 1 / 240
JUMP = 6e-4  # scale of one jump, log price at volatility 1
FOLLOW_S = 0.3  # time constant with which other coins follow the driver
BASIS_MEAN = 2.0e-4
BASIS_SPREAD = 1.5e-4
BASIS_S = 600.0
MOOD_S = 120.0  # time constant of the slow change between calm and nervous phases
MOOD_SPREAD = 0.45  # standard deviation of the log of volatility around its mean
COINS: dict[str, tuple[float, float]] = {"BTC": (1.0, 0.0), "ETH": (1.15, 0.75), "SOL": (1.4, 1.3), "DOGE": (1.5, 1.6)}
"""Coin -> (share of the driver's path it follows, own volatility as a multiple of SIGMA)."""


class _Path:
    """A mean-reverting log price with jumps and slowly changing volatility; 0 is its opening price."""

    __slots__ = ("_jump", "_mood", "_pull", "_random", "_step", "value")

    def __init__(self, rng: random.Random, sigma: float, jump: float) -> None:
        self._random = rng
        self._step = sigma * math.sqrt(GRID_S)
        self._pull = (sigma / STATIONARY) ** 2 / 2 * GRID_S
        self._jump = jump
        self._mood = 0.0
        self.value = 0.0

    def advance(self) -> None:
        rng = self._random
        share = GRID_S / MOOD_S
        self._mood += -share * self._mood + MOOD_SPREAD * math.sqrt(2 * share) * rng.gauss(0.0, 1.0)
        self.value += -self._pull * self.value + self._step * math.exp(self._mood) * rng.gauss(0.0, 1.0)
        if self._jump and rng.random() < JUMPS_PER_S * GRID_S:
            self.value += rng.choice((-1.0, 1.0)) * self._jump * rng.expovariate(1.0)


class FairPrices:
    """The fair price of every coin and its perpetual, relative to the opening: factors around 1.

    ``advance`` moves everything one grid step (100 ms). Coins draw from generators of their own, so that the path of
    one does not depend on which others are listed.
    """

    def __init__(self, coins: Iterable[str], seed: int, volatility: float) -> None:
        self._driver = self._path(seed, DRIVER, SIGMA * volatility, JUMP * volatility)
        self._followed = 0.0
        self._own: dict[str, _Path] = {}
        self._basis: dict[str, float] = {}
        self._basis_random: dict[str, random.Random] = {}
        for coin in dict.fromkeys(coins):
            _, own = COINS[coin]
            self._own[coin] = self._path(seed, f"{coin}:own", SIGMA * own * volatility, JUMP * own * volatility * 0.5)
            self._basis[coin] = BASIS_MEAN
            self._basis_random[coin] = random.Random(f"{seed}:{coin}:basis")

    @staticmethod
    def _path(seed: int, name: str, sigma: float, jump: float) -> _Path:
        return _Path(random.Random(f"{seed}:{name}:path"), sigma, jump)

    def advance(self) -> None:
        self._driver.advance()
        self._followed += (self._driver.value - self._followed) * (1 - math.exp(-GRID_S / FOLLOW_S))
        share = GRID_S / BASIS_S
        for coin, path in self._own.items():
            if COINS[coin][1]:
                path.advance()
            noise = BASIS_SPREAD * math.sqrt(2 * share) * self._basis_random[coin].gauss(0.0, 1.0)
            self._basis[coin] += share * (BASIS_MEAN - self._basis[coin]) + noise

    def spot(self, coin: str) -> float:
        driver = self._driver.value if coin == DRIVER else self._followed
        return math.exp(COINS[coin][0] * driver + self._own[coin].value)

    def linear(self, coin: str) -> float:
        return self.spot(coin) * (1.0 + self._basis[coin])
