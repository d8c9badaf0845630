"""Facts about OKX, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: OKX API v5 docs (copy of 2026-06-27) and changelog to 2026-10-09: port 443 only, REST host openapi.okx.com.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, SequencePolicy, VenueSpec

BOOK_DEPTH = 400
"""Levels a side of the ``books`` channel; what falls out of them is dropped."""

BOOKS_PER_CONNECTION = 25
"""Order books on one socket: the venue advises at most 30."""

TOPICS_PER_FRAME = 100
"""Arguments in one subscribe frame, far below the venue's 64 KB. Frames count against 480 an hour, arguments do not."""

FUNDING_INTERVAL_H = 8
"""Hours between fundings until the funding stream says otherwise."""

HEARTBEAT_S = 20.0
"""The venue closes a connection on which nothing was said for 30 s."""

UNCHANGED_S = 60.0
"""An unchanged book is sent about so often, as an empty update that repeats its number."""

PUBLIC_PAGES = ("instruments", "snapshot", "time", "address")
_REST_LIMITS = (
    RateLimit("REQUESTS", 20, 2, purposes=PUBLIC_PAGES),
    RateLimit("PRIVATE", 60, 2, "account", ("private",)),
    RateLimit("CONNECTIONS", 3, 1),
)
"""The tightest public page we ask, and the private pages' common limit: those that take less weigh more."""

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://ws.okx.com/ws/v5/public"},
    rest_url="https://openapi.okx.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.LINKED_ID,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    checksum="okx_crc32",
    silence_s=20.0,
    unchanged_s=UNCHANGED_S,
    ping_timeout_s=35.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=5 * BOOKS_PER_CONNECTION,
    max_messages_per_s=3.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.0008",
    taker_fee="0.001",
    max_leverage=1,
    source="OKX API v5: websocket overview, order book channel, public data; no lifetime is stated, a day is ours",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://ws.okx.com/ws/v5/public"},
    rest_url="https://openapi.okx.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.LINKED_ID,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    checksum="okx_crc32",
    silence_s=20.0,
    unchanged_s=UNCHANGED_S,
    ping_timeout_s=35.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=5 * BOOKS_PER_CONNECTION,
    max_messages_per_s=3.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.0002",
    taker_fee="0.0005",
    max_leverage=100,
    source="OKX API v5: websocket overview, order book, mark price, funding rate and index channels, public data",
)

SPEC = VenueSpec(name="okx", title="OKX", markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR})
