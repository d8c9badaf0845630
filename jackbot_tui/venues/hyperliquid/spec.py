"""Facts about Hyperliquid, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: hyperliquid.gitbook.io developer docs (copies of 2025-2026), nktkas/hyperliquid v0.33.3 (2026-08-02) for the
cadence of 2026; fees of the lowest tier as ccxt 4.5.90 lists them. Test host: ``api.hyperliquid-testnet.xyz``.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, SequencePolicy, VenueSpec

DEEP_LEVELS = 20
"""Levels a side of the whole book, sent about every 5 s."""

FAST_LEVELS = 5
"""Levels a side of the fast book, sent about every 0.5 s."""

PICTURE_LIFE_MS = 15_000
"""Levels of a deep or fast book this much older than the newest picture are no longer shown: three intervals of the
deep one."""

FUNDING_INTERVAL_H = 1

HEARTBEAT_S = 25.0
"""The venue closes a connection to which it has sent nothing for 60 s; an answered ping counts."""

INSTRUMENTS_WEIGHT = 20
"""Weight of ``metaAndAssetCtxs`` and ``spotMetaAndAssetCtxs``."""

TIME_WEIGHT = 2
"""Weight of ``exchangeStatus``."""

MIN_NOTIONAL = "10"
"""Smallest value of an order, USDC."""

MAX_ORDERS = 1000
"""Open orders before volume raises the limit."""

SIGNIFICANT_FIGURES = 5
"""A price has at most so many, unless it is an integer."""

PRICE_DECIMALS = {MarketKind.SPOT: 8, MarketKind.LINEAR: 6}
"""Decimals of a price: at most this minus the decimals of the size."""

BAND = "0.95"
"""A limit price is at most this fraction away from the reference price."""

MAX_SUBSCRIPTIONS = 900
"""Of the 1,000 that one address may have over all its connections."""

UNCHANGED_S = 5.0
"""Every book is sent at least so often, changed or not."""

_LIMITS = (RateLimit("WEIGHT", 1200, 60), RateLimit("CONNECTIONS", 30, 60))

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://api.hyperliquid.xyz/ws"},
    rest_url="https://api.hyperliquid.xyz",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.SNAPSHOT_ONLY,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=DEEP_LEVELS,
    max_levels=2 * DEEP_LEVELS,
    silence_s=12.0,
    unchanged_s=UNCHANGED_S,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_SUBSCRIPTIONS,
    max_messages_per_s=10.0,
    rate_limits=_LIMITS,
    snapshot_weight=2,
    maker_fee="0.0004",
    taker_fee="0.0007",
    max_leverage=1,
    source="Hyperliquid docs: websocket/subscriptions, tick-and-lot-size, rate-limits",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://api.hyperliquid.xyz/ws"},
    rest_url="https://api.hyperliquid.xyz",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.SNAPSHOT_ONLY,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=DEEP_LEVELS,
    max_levels=2 * DEEP_LEVELS,
    silence_s=12.0,
    unchanged_s=UNCHANGED_S,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=MAX_SUBSCRIPTIONS,
    max_messages_per_s=10.0,
    rate_limits=_LIMITS,
    snapshot_weight=2,
    maker_fee="0.00015",
    taker_fee="0.00045",
    max_leverage=50,
    source="Hyperliquid docs: websocket/subscriptions, tick-and-lot-size, rate-limits; cadence as of 2026-07-25",
)

SPEC = VenueSpec(name="hyperliquid", title="Hyperliquid", markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR})
