"""How long to wait before the next attempt: exponential with full jitter, endless; a breaker slows and never stops.

Sans-I/O: time comes in as nanoseconds, chance from the generator handed in. Sessions, REST queries and the engine's
fetchers use it.
"""

import random
from collections import deque

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_S


class BackoffPolicy(Struct, frozen=True, kw_only=True):
    """Ceilings grow ``first_s``, ``first_s * factor``, … up to ``cap_s``; a delay is drawn between ``floor_s`` and the
    ceiling (full jitter, so that many clients do not come back as one). Defaults: the project's 1, 2, 4 … 30 s.
    """

    first_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 30.0
    floor_s: float = 0.1


class ReconnectPolicy(Struct, frozen=True, kw_only=True):
    """When to try again, when to call a connection stable, and when to slow down.

    The breaker counts ``flaps`` within ``flap_window_s``: connections opened and lost before ``stable_s``, and attempts
    that the venue itself refused. A venue that cannot be reached at all is no flap: the first attempt after an
    outage should not wait. Binance allows 300 new connections in 5 minutes per address.
    """

    backoff: BackoffPolicy = BackoffPolicy()
    stable_s: float = 60.0
    flaps: int = 8
    flap_window_s: float = 300.0
    slow_floor_s: float = 30.0
    slow_cap_s: float = 120.0


class Backoff:
    """Delays of one series of attempts. ``reset`` after a success."""

    def __init__(self, rng: random.Random, policy: BackoffPolicy | None = None) -> None:
        self._rng = rng
        self._policy = policy or BackoffPolicy()
        self._ceiling = self._policy.first_s
        self.attempts = 0

    def next_delay_s(self) -> float:
        """Seconds to wait before the next attempt."""
        policy = self._policy
        ceiling = min(self._ceiling, policy.cap_s)
        self._ceiling = min(self._ceiling * policy.factor, policy.cap_s)
        self.attempts += 1
        return self._rng.uniform(min(policy.floor_s, ceiling), ceiling)

    def reset(self) -> None:
        self._ceiling = self._policy.first_s
        self.attempts = 0


class ReconnectPacer:
    """Paces one connection's attempts for ever. Tell it ``up`` and ``down``; it answers how long to wait."""

    def __init__(self, rng: random.Random, policy: ReconnectPolicy | None = None) -> None:
        self._policy = policy or ReconnectPolicy()
        self._rng = rng
        self._backoff = Backoff(rng, self._policy.backoff)
        self._flaps: deque[int] = deque(maxlen=self._policy.flaps)
        self._up_since: int | None = None

    def up(self, now: int) -> None:
        """The connection is open."""
        self._up_since = now

    def down(self, now: int, *, refused: bool) -> float:
        """Seconds until the next attempt. ``refused``: the venue was reached and sent us away."""
        policy = self._policy
        up_since, self._up_since = self._up_since, None
        if up_since is not None and now - up_since >= policy.stable_s * NS_PER_S:
            self._backoff.reset()
            self._flaps.clear()
        elif up_since is not None or refused:
            self._flaps.append(now)
        delay = self._backoff.next_delay_s()
        return self._rng.uniform(policy.slow_floor_s, policy.slow_cap_s) if self.slowed(now) else delay

    def slowed(self, now: int) -> bool:
        """True while the breaker holds attempts ``slow_floor_s`` to ``slow_cap_s`` apart."""
        full = len(self._flaps) == self._policy.flaps
        return full and now - self._flaps[0] <= self._policy.flap_window_s * NS_PER_S
