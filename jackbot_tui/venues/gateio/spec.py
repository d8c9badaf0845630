"""Facts about Gate, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: Gate API v4 docs, WebSocket and REST (copies of 2025-11-30), announcements 45317 and 44946 (order book V2),
48788 (fractional contracts). Test hosts: ``ws-testnet.gate.com`` and ``api-testnet.gateapi.io``.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import (
    Channel,
    HeaderFigure,
    MarketSpec,
    RateLimit,
    ResetHeader,
    ResetUnit,
    SequencePolicy,
    UsageHeader,
    VenueSpec,
)

BOOK_DEPTH = 400
"""Levels a side of the order book V2 stream, every 100 ms. It carries its own snapshot."""

MAX_STREAMS = 300
"""Subscriptions a connection. No limit is stated: ours, so that one socket never carries the whole venue."""

FUNDING_INTERVAL_H = 8
"""Hours between fundings where a listing names no other."""

PUBLIC_PAGES = ("instruments", "snapshot", "time", "address")
_REST_LIMITS = (
    RateLimit("REQUESTS", 200, 10, purposes=PUBLIC_PAGES),
    RateLimit("PRIVATE", 200, 10, "account", ("private",)),
)
"""Each page has its own; ours count all public, and all private ones, together."""

SPOT_ORDERS = RateLimit("ORDERS", 10, 1, "account")
"""Orders placed or amended in a second; the venue counts each market for itself."""

LINEAR_ORDERS = RateLimit("ORDERS", 100, 1, "account")

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://api.gateio.ws/ws/v4/"},
    rest_url="https://api.gateio.ws/api/v4",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.UPDATE_ID_RANGE,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    silence_s=20.0,
    ping_timeout_s=60.0,
    max_connection_s=23 * 3600,
    max_streams=MAX_STREAMS,
    max_messages_per_s=10.0,
    rate_limits=(*_REST_LIMITS, SPOT_ORDERS),
    snapshot_weight=1,
    maker_fee="0.001",
    taker_fee="0.001",
    max_leverage=1,
    source="Gate spot WebSocket v4 and REST v4; no limits of frames or lifetime are stated, those are ours",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://fx-ws.gateio.ws/v4/ws/usdt"},
    rest_url="https://api.gateio.ws/api/v4",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.UPDATE_ID_RANGE,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    silence_s=20.0,
    ping_timeout_s=60.0,
    max_connection_s=23 * 3600,
    max_streams=MAX_STREAMS,
    max_messages_per_s=10.0,
    rate_limits=(*_REST_LIMITS, LINEAR_ORDERS),
    snapshot_weight=1,
    maker_fee="0.0002",
    taker_fee="0.0005",
    max_leverage=100,
    source="Gate futures WebSocket v4 and REST v4; no limits of frames or lifetime are stated, those are ours",
)

SPEC = VenueSpec(
    name="gateio",
    title="Gate",
    markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR},
    usage_headers=(UsageHeader("X-Gate-RateLimit-Requests-Remain", "REQUESTS", 10, HeaderFigure.REMAINING),),
    reset_headers=(ResetHeader("X-Gate-RateLimit-Reset-Timestamp", ResetUnit.UNIX_TIME),),
)
