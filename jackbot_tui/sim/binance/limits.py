"""Binance's limits as data, and the counters that enforce them. Time comes in with each call; nothing here sleeps.

Figures: ../shared/exchanges/binance.md §3 (sockets) and §9 (request weight). Tests hand in smaller ones.
"""

from collections import deque
from enum import IntEnum

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind

MINUTE_MS = 60_000


class SocketLimits(Struct, frozen=True):
    """Limits of one WebSocket. Times in seconds."""

    ping_interval_s: float
    pong_timeout_s: float
    messages_per_s: int
    streams: int = 1024
    lifetime_s: float = 86_400.0
    connections_per_5min: int = 300


class Limits(Struct, frozen=True):
    """All limits of the gateway. ``refusals_before_ban``: how many 429 before a ban."""

    spot_socket: SocketLimits = SocketLimits(ping_interval_s=20, pong_timeout_s=60, messages_per_s=5)
    linear_socket: SocketLimits = SocketLimits(ping_interval_s=180, pong_timeout_s=600, messages_per_s=10)
    spot_weight: int = 6000
    linear_weight: int = 2400
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
    """Request weight of one address in one market kind, counted per minute of the clock."""

    def __init__(self, limit: int, refusals_before_ban: int, ban_s: int) -> None:
        self.limit = limit
        self._refusals_before_ban = refusals_before_ban
        self._ban_ms = ban_s * 1000
        self._minute = -1
        self._refusals = 0
        self.used = 0
        self.banned_until_ms = 0

    def admit(self, weight: int, now_ms: int) -> Verdict:
        """Count a request. Requests made while over the limit lead to a ban."""
        if now_ms < self.banned_until_ms:
            return Verdict.BANNED
        if now_ms // MINUTE_MS != self._minute:
            self._minute = now_ms // MINUTE_MS
            self.used = 0
            self._refusals = 0
        self.used += weight
        if self.used <= self.limit:
            return Verdict.ALLOWED
        self._refusals += 1
        if self._refusals > self._refusals_before_ban:
            self.banned_until_ms = now_ms + self._ban_ms
            return Verdict.BANNED
        return Verdict.TOO_MANY

    def retry_after_s(self, now_ms: int) -> int:
        """Whole seconds until requests are welcome again, at least 1."""
        until = max(self.banned_until_ms, (self._minute + 1) * MINUTE_MS)
        return max(1, -((now_ms - until) // 1000))


class MessageLimiter:
    """Messages a client may send within any one second."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._times: deque[float] = deque()

    def admit(self, now_s: float) -> bool:
        while self._times and self._times[0] <= now_s - 1.0:
            self._times.popleft()
        self._times.append(now_s)
        return len(self._times) <= self._per_second
