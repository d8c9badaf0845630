"""Facts about Bybit, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: Bybit API v5 docs (repository copy of 2026-07-24), changelog to 2026-10-09. Test hosts:
``stream-testnet.bybit.com`` and ``api-testnet.bybit.com``.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, ResetHeader, ResetUnit, SequencePolicy, VenueSpec

BOOK_DEPTH = 200
"""Levels a side of the book topic: 100 ms on both markets. The stream carries its own snapshot."""

TOPICS_PER_FRAME = 10
"""Topics in one subscribe frame: spot's limit, kept on both markets."""

MAX_TOPICS = 500
"""Topics a connection: all names together may be 21,000 characters, 42 each."""

FUNDING_INTERVAL_H = 8
"""Hours between fundings where instruments-info names no other."""

INSTRUMENTS_LIMIT = 1000
"""Listings in one reply, the most there are; linear had 800 in August 2026."""

HEARTBEAT_S = 20.0

_REST_LIMITS = (
    RateLimit("REQUESTS", 600, 5),
    RateLimit("CONNECTIONS", 500, 300),
    RateLimit("ORDERS", 10, 1, "account"),
    RateLimit("PRIVATE", 50, 1, "account", ("private",)),
)
"""Orders: of perpetuals and of amends, kept on spot too, where 20 may be placed. Every private page has its own count
at the venue, 50 for queries and 10 for cancels, which weigh five here.
"""

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://stream.bybit.com/v5/public/spot"},
    rest_url="https://api.bybit.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.STRICT_SEQUENCE,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    silence_s=10.0,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_TOPICS,
    max_messages_per_s=10.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.001",
    taker_fee="0.001",
    max_leverage=1,
    source="Bybit v5 docs: websocket/public/orderbook, trade; market/instrument; rate-limit",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://stream.bybit.com/v5/public/linear"},
    rest_url="https://api.bybit.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.STRICT_SEQUENCE,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    silence_s=10.0,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_TOPICS,
    max_messages_per_s=10.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.0002",
    taker_fee="0.00055",
    max_leverage=100,
    source="Bybit v5 docs: websocket/public/orderbook, trade, ticker; market/instrument; rate-limit",
)

SPEC = VenueSpec(
    name="bybit",
    title="Bybit",
    markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR},
    reset_headers=(ResetHeader("X-Bapi-Limit-Reset-Timestamp", ResetUnit.UNIX_TIME),),
)
"""The usage headers count one endpoint of one account, so they say nothing about the limit of an address."""
