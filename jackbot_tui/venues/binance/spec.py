"""Facts about Binance, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: Binance spot API docs (2026-07-21), USD-M futures docs (2026-06-27), futures change log of 2026-04-23 (routes).
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, SequencePolicy, UsageHeader, VenueSpec

SNAPSHOT_LEVELS = 1000
"""Depth asked for a side: all USD-M gives, and on spot a fifth of the weight of the deepest."""

SNAPSHOT_WEIGHTS = {
    MarketKind.SPOT: ((100, 5), (500, 25), (1000, 50), (5000, 250)),
    MarketKind.LINEAR: ((50, 2), (100, 5), (500, 10), (1000, 20)),
}
"""``(levels, weight)`` of the REST depth snapshot: asking for up to so many levels costs so much."""

INSTRUMENTS_WEIGHTS = {MarketKind.SPOT: 20, MarketKind.LINEAR: 1}
"""Weight of exchangeInfo."""

NAMES_PER_FRAME = 200
"""Stream names in one SUBSCRIBE frame."""

FUNDING_INTERVAL_H = 8
"""Hours between fundings where fundingInfo names no other."""


def snapshot_weight(kind: MarketKind, levels: int) -> int:
    """Weight of a depth snapshot of ``levels`` a side."""
    return next(weight for limit, weight in SNAPSHOT_WEIGHTS[kind] if levels <= limit)


SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://stream.binance.com:9443"},
    rest_url="https://api.binance.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.UPDATE_ID_RANGE,
    snapshot_depth=SNAPSHOT_LEVELS,
    partial_snapshot=True,
    keeps_unseen=True,
    max_levels=20_000,
    silence_s=10.0,
    ping_timeout_s=60.0,
    max_connection_s=23 * 3600,
    max_streams=1024,
    max_messages_per_s=5.0,
    rate_limits=(
        RateLimit("REQUEST_WEIGHT", 6000, 60),
        RateLimit("RAW_REQUESTS", 300_000, 300),
        RateLimit("CONNECTIONS", 300, 300),
    ),
    snapshot_weight=snapshot_weight(MarketKind.SPOT, SNAPSHOT_LEVELS),
    maker_fee="0.001",
    taker_fee="0.001",
    max_leverage=1,
    source="Binance spot API docs: web-socket-streams, rest-api, filters",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://fstream.binance.com/public", "market": "wss://fstream.binance.com/market"},
    rest_url="https://fapi.binance.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.PREVIOUS_ID,
    snapshot_depth=SNAPSHOT_LEVELS,
    partial_snapshot=True,
    keeps_unseen=True,
    max_levels=20_000,
    silence_s=10.0,
    ping_timeout_s=300.0,
    max_connection_s=23 * 3600,
    max_streams=1024,
    max_messages_per_s=10.0,
    rate_limits=(RateLimit("REQUEST_WEIGHT", 2400, 60), RateLimit("CONNECTIONS", 300, 300)),
    snapshot_weight=snapshot_weight(MarketKind.LINEAR, SNAPSHOT_LEVELS),
    maker_fee="0.0002",
    taker_fee="0.0005",
    max_leverage=125,
    source="Binance USD-M futures docs; change log 2026-04-23 for the /public and /market routes",
)

SPEC = VenueSpec(
    name="binance",
    title="Binance",
    markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR},
    usage_headers=(UsageHeader("X-MBX-USED-WEIGHT-1M", "REQUEST_WEIGHT", 60),),
)
