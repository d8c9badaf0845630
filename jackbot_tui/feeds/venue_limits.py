"""The rate limits of one venue as gates: which requests and which new sockets wait for one another.

``rest`` passes every request through here and ``stream`` every attempt to connect. A venue counts per address, so
market kinds of one host and the same limits share one count: what spot uses is gone for perpetuals. Sends nothing.
"""

import random
from urllib.parse import urlsplit

from jackbot_tui.feeds.limiter import LimitGate, PausePolicy, RateLimiter
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import RateLimit, VenueSpec

CAUTIOUS_LIMITS = (RateLimit("REQUEST_WEIGHT", 600, 60),)
"""For a market whose limits nobody told: a quarter of the tightest that Binance states."""

OF_SOCKETS = frozenset({"CONNECTIONS"})
"""Limits of a spec that count sockets: no REST request uses them up."""

_Shared = tuple[str, tuple[RateLimit, ...]]


class VenueLimits:
    """``spec`` brings the limits of each market kind; without it a cautious limit of requests holds."""

    def __init__(
        self, clock: Clock, spec: VenueSpec | None, rng: random.Random, policy: PausePolicy | None = None
    ) -> None:
        self._clock = clock
        self._spec = spec
        self._rng = rng
        self._policy = policy
        self._gates: dict[_Shared, LimitGate] = {}

    def requests(self, kind: MarketKind) -> LimitGate:
        """The gate of the REST requests of one market kind."""
        market = None if self._spec is None else self._spec.markets.get(kind)
        if market is None:
            return self._gate(kind.value, CAUTIOUS_LIMITS)
        known = tuple(limit for limit in market.rate_limits if limit.name not in OF_SOCKETS)
        return self._gate(urlsplit(market.rest_url).netloc, known or CAUTIOUS_LIMITS)

    def connections(self, kind: MarketKind) -> LimitGate | None:
        """The gate of new sockets, None where the venue states no limit."""
        market = None if self._spec is None else self._spec.markets.get(kind)
        if market is None:
            return None
        known = tuple(limit for limit in market.rate_limits if limit.name in OF_SOCKETS)
        hosts = ",".join(sorted({urlsplit(url).netloc for url in market.ws_urls.values()}))
        return self._gate(f"sockets {hosts}", known) if known else None

    def _gate(self, where: str, limits: tuple[RateLimit, ...]) -> LimitGate:
        gate = self._gates.get((where, limits))
        if gate is None:
            gate = LimitGate(RateLimiter(limits, self._rng, self._policy), self._clock)
            self._gates[where, limits] = gate
        return gate
