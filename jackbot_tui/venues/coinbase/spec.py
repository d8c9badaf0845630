"""Facts about Coinbase Advanced Trade, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: docs.cdp.coinbase.com, Advanced Trade WebSocket guide, channels and AsyncAPI file (November 2026); REST limits
as in coinbase.md §9; fees as ccxt 4.5.90 lists them. Sequence numbers count the frames of a connection, over all
channels, so nothing joins two connections: a planned rotation would take every book out of LIVE. The venue names no
longest life of a connection, so none is planned, and one hole resynchronises all books of the connection.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, SequencePolicy, VenueSpec

MESSAGES_PER_S = 5.0
"""The venue allows 8 unauthenticated messages a second and address, which other connections may share."""

NEVER_S = 10 * 365 * 24 * 3600

UNLIMITED_STREAMS = 100_000
"""No number of subscriptions is documented; all share one connection, see above."""

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://advanced-trade-ws.coinbase.com"},
    rest_url="https://api.coinbase.com/api/v3/brokerage",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.LINKED_ID,
    in_stream_snapshot=True,
    snapshot_depth=0,
    max_levels=200_000,  # the whole depth: BTC-USD had 46 000 levels in August 2026, and updates come at any depth
    silence_s=5.0,  # heartbeats come every second and prove that nothing was missed
    ping_timeout_s=10.0,
    max_connection_s=NEVER_S,
    max_streams=UNLIMITED_STREAMS,
    max_messages_per_s=MESSAGES_PER_S,
    rate_limits=(RateLimit("PUBLIC", 10, 1),),
    snapshot_weight=1,
    maker_fee="0.006",
    taker_fee="0.012",
    max_leverage=1,
    source="Advanced Trade WebSocket docs: overview, heartbeats, level2, market_trades, ticker; coinbase.md §3, §4, §9",
)

SPEC = VenueSpec(
    name="coinbase",
    title="Coinbase",
    markets={MarketKind.SPOT: SPOT},
    unsupported={
        MarketKind.LINEAR: (
            "Coinbase's international perpetuals moved to Deribit's protocol on 1 October 2026, and its US ones stream "
            "neither mark price nor funding: choose a spot symbol here, or a perpetual of another venue"
        )
    },
)
