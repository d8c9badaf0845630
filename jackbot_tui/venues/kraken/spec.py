"""Facts about Kraken, as data: URLs, limits, fees of the lowest tier. No behaviour.

Sources: docs.kraken.com in November 2026. The derivatives API used here ends on 2027-03-01; its successor is the
Unified WebSocket, which speaks the protocol of spot.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Channel, MarketSpec, RateLimit, SequencePolicy, VenueSpec

BOOK_DEPTH = 500
"""Levels a side of a spot book: one of 10, 25, 100, 500, 1000. What falls out of them gets no delete."""

SYMBOLS_PER_FRAME = 100
"""Symbols in one subscribe frame."""

FUNDING_INTERVAL_H = 1
"""Funding accrues continuously, its rate is per hour."""

FUTURES_HEARTBEAT_S = 30.0
"""A derivatives connection wants a ping at least every 60 s."""

PUBLIC_PAGES = ("instruments", "snapshot", "time", "address")
"""Private pages of spot have a counter of their own: 20 points, half of one forgotten a second. Orders have another:
125 points per pair, 2.34 a second; a cancel right after its order counts eight, so one order a second is kept to.
"""

SPOT = MarketSpec(
    kind=MarketKind.SPOT,
    ws_urls={"public": "wss://ws.kraken.com/v2"},
    rest_url="https://api.kraken.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER),
    sequence=SequencePolicy.UNSEQUENCED,
    in_stream_snapshot=True,
    snapshot_depth=0,
    book_depth=BOOK_DEPTH,
    max_levels=BOOK_DEPTH,
    checksum="kraken_crc32",
    silence_s=20.0,
    ping_timeout_s=15.0,
    max_connection_s=23 * 3600,
    max_streams=300,
    max_messages_per_s=2.0,
    rate_limits=(
        RateLimit("REQUESTS", 1, 1, purposes=PUBLIC_PAGES),
        RateLimit("PRIVATE", 20, 40, "account", ("private",)),
        RateLimit("ORDERS", 60, 60, "account"),
        RateLimit("CONNECTIONS", 150, 600),
    ),
    snapshot_weight=1,
    maker_fee="0.0025",
    taker_fee="0.004",
    max_leverage=1,
    source="docs.kraken.com: spot WebSocket v2 book, trade, ticker; AssetPairs; no lifetime is stated, a day is ours",
)

LINEAR = MarketSpec(
    kind=MarketKind.LINEAR,
    ws_urls={"public": "wss://futures.kraken.com/ws/v1"},
    rest_url="https://futures.kraken.com",
    channels=(Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK),
    sequence=SequencePolicy.STRICT_SEQUENCE,
    in_stream_snapshot=True,
    snapshot_depth=0,
    max_levels=20_000,
    silence_s=20.0,
    ping_timeout_s=60.0,
    heartbeat_s=FUTURES_HEARTBEAT_S,
    max_connection_s=23 * 3600,
    max_streams=300,
    max_messages_per_s=20.0,
    rate_limits=(RateLimit("COST", 500, 10), RateLimit("CONNECTIONS", 100, 60)),
    snapshot_weight=1,
    maker_fee="0.0002",
    taker_fee="0.0005",
    max_leverage=50,
    source="docs.kraken.com: futures WebSocket book, trade, ticker; derivatives instruments; off from 2027-03-01",
)

SPEC = VenueSpec(name="kraken", title="Kraken", markets={MarketKind.SPOT: SPOT, MarketKind.LINEAR: LINEAR})
