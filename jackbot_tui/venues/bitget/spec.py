"""Facts about Bitget, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: Bitget API docs v3 (copy of 2025-12-05, single pages of 2026) and the changelog to July 2026, read with ccxt
4.5.90. Public v3 data is for every account, classic or unified. Demo host: ``wspap.bitget.com``. The venue may drop
sockets at its releases, Tuesday to Thursday 06:00 to 09:00 UTC.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import (
    Channel,
    HeaderFigure,
    MarketSpec,
    RateLimit,
    SequencePolicy,
    UsageHeader,
    VenueSpec,
)

MAX_LEVELS = 2_000
"""Levels a side kept here: ``books`` tells all, and deletes itself what is gone."""

MAX_TOPICS = 50
"""Topics a connection: 1000 are allowed, 50 advised."""

FUNDING_INTERVAL_H = 8
"""Hours between fundings where a listing names no other."""

HEARTBEAT_S = 25.0
"""The venue wants a ``ping`` every 30 s and cuts after two minutes without."""

_REST_LIMITS = (
    RateLimit("REQUESTS", 20, 1),
    RateLimit("REQUESTS_MINUTE", 6000, 60),
    RateLimit("CONNECTIONS", 300, 300),
)

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://ws.bitget.com/v3/ws/public"},
    rest_url="https://api.bitget.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.LINKED_ID,
    in_stream_snapshot=True,
    snapshot_depth=0,
    max_levels=MAX_LEVELS,
    checksum="bitget_crc32",
    silence_s=20.0,
    ping_timeout_s=35.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_TOPICS,
    max_messages_per_s=8.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.001",
    taker_fee="0.001",
    max_leverage=1,
    source="Bitget v3 docs: websocket intro; channels order book, trades, ticker; market/instruments; rate limits",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://ws.bitget.com/v3/ws/public"},
    rest_url="https://api.bitget.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.LINKED_ID,
    in_stream_snapshot=True,
    snapshot_depth=0,
    max_levels=MAX_LEVELS,
    checksum="bitget_crc32",
    silence_s=20.0,
    ping_timeout_s=35.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_TOPICS,
    max_messages_per_s=8.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.0002",
    taker_fee="0.0006",
    max_leverage=150,
    source="Bitget v3 docs: websocket intro; channels order book, trades, ticker; market/instruments; rate limits",
)

SPEC = VenueSpec(
    name="bitget",
    title="Bitget",
    markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR},
    usage_headers=(UsageHeader("x-mbx-used-remain-limit", "REQUESTS", 1, HeaderFigure.REMAINING),),
)
