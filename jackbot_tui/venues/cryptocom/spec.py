"""Facts about Crypto.com Exchange, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: exchange-docs.crypto.com v1 (changelog to 2026-05-21), OpenAPI file of August 2026; fees of the lowest tier as
ccxt 4.5.90 lists them (spot) and as the documents' samples show them (perpetuals). Test hosts (UAT):
``uat-stream.3ona.co`` and ``uat-api.3ona.co``. Spot and perpetuals share one API.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, SequencePolicy, VenueSpec

BOOK_DEPTH = 50
"""Levels a side of the deepest public book."""

BOOK_UPDATE_MS = 10
"""Interval of book updates asked for: 10 or 100."""

FUNDING_INTERVAL_H = 1

MAX_CHANNELS = 400
"""Subscriptions a market connection; beyond it error 40107."""

MESSAGES_PER_S = 10.0
"""The venue allows 100 a second but pro-rates the second in which we connect, so the first burst must be small."""

UNCHANGED_S = 5.0
"""An unchanged book is sent so often, as an empty update."""

_REST_LIMITS = (RateLimit("PUBLIC", 100, 1),)

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://stream.crypto.com/exchange/v1/market"},
    rest_url="https://api.crypto.com/exchange/v1",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.LINKED_ID,
    in_stream_snapshot=True,
    answers_heartbeats=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    silence_s=10.0,
    unchanged_s=UNCHANGED_S,
    ping_timeout_s=60.0,
    max_connection_s=23 * 3600,
    max_streams=MAX_CHANNELS,
    max_messages_per_s=MESSAGES_PER_S,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.0025",
    taker_fee="0.005",
    max_leverage=1,
    source="Crypto.com Exchange v1 docs: websocket subscriptions book, trade, ticker; rate limits",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://stream.crypto.com/exchange/v1/market"},
    rest_url="https://api.crypto.com/exchange/v1",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.LINKED_ID,
    in_stream_snapshot=True,
    answers_heartbeats=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    silence_s=10.0,
    unchanged_s=UNCHANGED_S,
    ping_timeout_s=60.0,
    max_connection_s=23 * 3600,
    max_streams=MAX_CHANNELS,
    max_messages_per_s=MESSAGES_PER_S,
    rate_limits=_REST_LIMITS,
    snapshot_weight=1,
    maker_fee="0.0001",
    taker_fee="0.0004",
    max_leverage=50,
    source="Crypto.com Exchange v1 docs: websocket subscriptions book, trade, ticker, mark, index, funding",
)

SPEC = VenueSpec(name="cryptocom", title="Crypto.com", markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR})
