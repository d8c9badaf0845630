"""Facts about KuCoin, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: KuCoin classic API docs (docs-new, November 2025 to July 2026), OpenAPI files of the universal SDK (November
2025), ccxt 4.5.90. There is no test host. WebSocket addresses are examples: the venue names one, with a token, for each
connection.
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

MAX_STREAMS = 400
"""Topics a connection: spot's limit. Perpetuals have none; ours, so that one socket never carries the whole venue."""

SEED_DEPTH = 100
"""Levels a side of spot's deepest public book; the whole one wants an API key."""

FUNDING_INTERVAL_H = 8
"""Hours between fundings where a listing names no other."""

HEARTBEAT_S = 18.0
"""Until the reply to the token request says otherwise."""

ADDRESS_WEIGHT = 10
TIME_WEIGHTS = {MarketKind.SPOT: 3, MarketKind.LINEAR: 2}
LISTING_WEIGHTS = {MarketKind.SPOT: 4, MarketKind.LINEAR: 3}

_REST_LIMITS = (RateLimit("REQUESTS", 2000, 30), RateLimit("CONNECTIONS", 30, 60))

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://ws-api-spot.kucoin.com/"},
    rest_url="https://api.kucoin.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.UPDATE_ID_RANGE,
    snapshot_depth=SEED_DEPTH,
    partial_snapshot=True,
    max_levels=5000,
    silence_s=20.0,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_STREAMS,
    max_messages_per_s=10.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=2,
    maker_fee="0.001",
    taker_fee="0.001",
    max_leverage=1,
    source="KuCoin docs-new 3470068w0 (level2), 3470133w0, rate-limit, websocket base-info; silence limits are ours",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://ws-api-futures.kucoin.com/"},
    rest_url="https://api-futures.kucoin.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.UPDATE_ID_RANGE,
    snapshot_depth=5000,
    max_levels=5000,
    silence_s=20.0,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_STREAMS,
    max_messages_per_s=10.0,
    rate_limits=_REST_LIMITS,
    snapshot_weight=3,
    maker_fee="0.0002",
    taker_fee="0.0006",
    max_leverage=125,
    source="KuCoin docs-new 3470082w0 (level2), rate-limit, websocket base-info; silence limits are ours",
)

SPEC = VenueSpec(
    name="kucoin",
    title="KuCoin",
    markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR},
    usage_headers=(UsageHeader("gw-ratelimit-remaining", "REQUESTS", 30, HeaderFigure.REMAINING),),
    reset_headers=(ResetHeader("gw-ratelimit-reset", ResetUnit.MILLISECONDS_LEFT),),
)
