"""What is known about one connection, for gauges and status lines. Written by ``stream``, read by anyone."""

from enum import StrEnum

from msgspec import Struct

from jackbot_tui.feeds.failures import FailureKind
from jackbot_tui.model.clock import NS_PER_S


class ConnectionState(StrEnum):
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"  # open; not every subscription is confirmed
    UP = "up"  # open, every subscription confirmed
    WAITING = "waiting"  # lost; the next attempt comes at ``next_attempt_ns``
    CLOSED = "closed"  # not running: not begun, or ended by its owner


class ConnectionMetrics(Struct):
    """Times in nanoseconds since 1970 UTC, 0 = never. Counters count since the session began.

    ``bytes`` are those of the network, brought up to date every second. ``rtt_ms`` is the last ping's round trip, -1
    before the first. ``last_error`` stays after a recovery: ``last_error_ns`` says how old it is.
    """

    conn: str
    url: str
    state: ConnectionState = ConnectionState.CLOSED
    connected_ns: int = 0  # begin of the present connection; 0 while there is none
    next_attempt_ns: int = 0
    connects: int = 0
    reconnects: int = 0
    failed_attempts: int = 0
    rotations: int = 0
    failed_rotations: int = 0
    subscriptions: int = 0  # requests confirmed
    unconfirmed: int = 0  # connections given up because a subscription was not answered
    refused: int = 0  # subscriptions that the venue said no to
    repeated: int = 0  # frames that both connections of a rotation brought, delivered once
    frames: int = 0
    bytes: int = 0
    last_frame_ns: int = 0
    heard_ns: int = 0  # anything at all arrived: a frame, a ping, a pong; looked at twice a second
    rtt_ms: float = -1.0
    slowed: bool = False  # the breaker holds attempts apart
    last_error: str = ""
    last_error_kind: FailureKind | None = None
    last_error_ns: int = 0

    def uptime_s(self, now: int) -> float:
        """Seconds since the present connection was opened, 0 without one."""
        return max(0, now - self.connected_ns) / NS_PER_S if self.connected_ns else 0.0
