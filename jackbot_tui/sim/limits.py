"""A venue's limits as data, and the counters that enforce them. Time comes in with each call; nothing here sleeps.

Fronts state their venue's figures with their source; tests hand in smaller ones.
"""

from collections import deque
from enum import IntEnum

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind

MINUTE_MS = 60_000


class SocketLimits(Struct, frozen=True):
    """Limits of one WebSocket, times in seconds. ``ping_interval_s`` 0: the venue never pings by itself.

    ``messages_per_s`` is the mean of any ``message_window_s``: ten times as many may come at once in a window of 10 s.
    A client that says nothing for ``idle_s`` (no message, no pong) is cut off; 0: silence is allowed. Where
    ``pushes_count``, what is sent to it counts as well. With ``asks_every_s`` the front asks in the venue's own words
    whether the client is alive, at once and then so often; one that does not answer in time is closed.
    """

    messages_per_s: int
    ping_interval_s: float = 0.0
    pong_timeout_s: float = 60.0
    streams: int = 1024
    lifetime_s: float = 86_400.0
    connections_per_5min: int = 300
    idle_s: float = 0.0
    pushes_count: bool = False
    asks_every_s: float = 0.0
    answer_within_s: float = 5.0
    message_window_s: float = 1.0


class Limits(Struct, frozen=True, kw_only=True):
    """All limits of a gateway. Weights count per address and ``window_ms``; ``refusals_before_ban`` 429 come first."""

    spot_socket: SocketLimits
    linear_socket: SocketLimits
    spot_weight: int
    linear_weight: int
    window_ms: int = MINUTE_MS
    refusals_before_ban: int = 10
    ban_s: int = 120

    def socket(self, market: MarketKind) -> SocketLimits:
        return self.spot_socket if market is MarketKind.SPOT else self.linear_socket

    def weight(self, market: MarketKind) -> int:
        return self.spot_weight if market is MarketKind.SPOT else self.linear_weight


class Verdict(IntEnum):
    """HTTP status of the limiter's answer."""

    ALLOWED = 200
    TOO_MANY = 429
    BANNED = 418


class WeightLimiter:
    """Request weight of one address in one market kind, counted per window of the clock."""

    def __init__(self, limit: int, refusals_before_ban: int, ban_s: int, window_ms: int = MINUTE_MS) -> None:
        self.limit = limit
        self._window_ms = window_ms
        self._refusals_before_ban = refusals_before_ban
        self._ban_ms = ban_s * 1000
        self._window = -1
        self._refusals = 0
        self.used = 0
        self.most_used = 0
        """Highest use of any window so far: what a client's own limiter is judged by."""
        self.banned_until_ms = 0

    def admit(self, weight: int, now_ms: int) -> Verdict:
        """Count a request. Requests made while over the limit lead to a ban."""
        if now_ms < self.banned_until_ms:
            return Verdict.BANNED
        if now_ms // self._window_ms != self._window:
            self._window = now_ms // self._window_ms
            self.used = 0
            self._refusals = 0
        self.used += weight
        self.most_used = max(self.most_used, self.used)
        if self.used <= self.limit:
            return Verdict.ALLOWED
        self._refusals += 1
        if self._refusals > self._refusals_before_ban:
            self.banned_until_ms = now_ms + self._ban_ms
            return Verdict.BANNED
        return Verdict.TOO_MANY

    def retry_after_s(self, now_ms: int) -> int:
        """Whole seconds until requests are welcome again, at least 1."""
        until = max(self.banned_until_ms, (self._window + 1) * self._window_ms)
        return max(1, -((now_ms - until) // 1000))


class MessageLimiter:
    """Messages a client may send: ``per_second`` on the mean of any ``window_s``."""

    def __init__(self, per_second: int, window_s: float = 1.0) -> None:
        self._most = int(per_second * window_s)
        self._window_s = window_s
        self._times: deque[float] = deque()

    def admit(self, now_s: float) -> bool:
        while self._times and self._times[0] <= now_s - self._window_s:
            self._times.popleft()
        self._times.append(now_s)
        return len(self._times) <= self._most
