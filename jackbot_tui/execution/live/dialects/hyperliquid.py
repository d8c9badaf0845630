"""Hyperliquid's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, ClientIdRule, Dialect, IdWriting
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="hyperliquid",
    client_ids=ClientIdRule(34, "0-9a-fx", "c: 0x and 32 hexadecimal digits", writing=IdWriting.HEX_128),
    errors=VenueErrors("hyperliquid"),
    exchanges=dict.fromkeys(BOTH_KINDS, "hyperliquid"),
    credentials=("walletAddress", "privateKey"),
    closed="ccxt signs approvals of its own there when it loads markets: refused until that is prevented",
)
