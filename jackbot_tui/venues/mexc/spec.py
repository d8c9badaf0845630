"""Facts about MEXC, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: mexc.md of the wire notes (api-docs of 2025-11 and 2026, protobuf definitions of 2026-06-17); the page
get-contract-info of the futures docs. There is no test host.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, SequencePolicy, VenueSpec

SPOT_LEVELS = 5000
"""Levels a side of spot's REST book: the most there are, and they cost no more than fewer."""

CONTRACT_LEVELS = 1000
"""Levels a side of the REST book of a perpetual. It is asked for whole; no number is stated, this is ours."""

FREQUENCY = "100ms"
"""How often spot's streams come. The other one, 10ms, merges updates differently: a book takes one of them only."""

BEST_LEVELS = 5
"""Levels of the stream that gives a perpetual's best prices with their sizes: the fewest there are."""

FUNDING_INTERVAL_H = 8
"""Hours between fundings: listings do not tell. The time of the next one comes in the stream."""

HEARTBEAT_S = 15.0
"""Pings are wanted every 10 to 20 s. Without them spot closes after 60 s of quiet, perpetuals after 60 s."""

INSTRUMENTS_WEIGHTS = {MarketKind.SPOT: 10, MarketKind.LINEAR: 1}
"""Weight of a listing. That of perpetuals has a limit of its own."""

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://wbs-api.mexc.com/ws"},
    rest_url="https://api.mexc.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.UPDATE_ID_RANGE,
    snapshot_depth=SPOT_LEVELS,
    partial_snapshot=True,
    keeps_unseen=True,
    max_levels=20_000,
    silence_s=20.0,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=30,
    max_messages_per_s=50.0,
    rate_limits=(
        RateLimit("REQUEST_WEIGHT", 500, 10, purposes=("instruments", "snapshot", "time", "address")),
        RateLimit("PRIVATE", 500, 10, "account", ("private",)),
    ),
    snapshot_weight=1,
    maker_fee="0",
    taker_fee="0.0005",
    max_leverage=1,
    source="MEXC spot v3: websocket-market-streams, market-data-endpoints, general-info",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://contract.mexc.com/edge"},
    rest_url="https://api.mexc.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.UPDATE_ID_RANGE,
    snapshot_depth=CONTRACT_LEVELS,
    max_levels=20_000,
    silence_s=20.0,
    ping_timeout_s=60.0,
    heartbeat_s=HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=5,
    max_messages_per_s=10.0,
    rate_limits=(
        RateLimit("REQUESTS", 20, 2, purposes=("instruments", "snapshot", "time", "address")),
        RateLimit("PRIVATE", 20, 2, "account", ("private",)),
        RateLimit("LISTING", 1, 5, purposes=("instruments",)),
    ),
    snapshot_weight=1,
    maker_fee="0.0001",
    taker_fee="0.0004",
    max_leverage=500,
    source="MEXC futures API: websocket-api, market-endpoints; lifetime, frames a second and streams a socket are ours",
)

SPEC = VenueSpec(name="mexc", title="MEXC", markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR})
