"""Bitget's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, WORD, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="bitget",
    client_ids=ClientIdRule(32, WORD, "clientOid, v2 and v3"),
    errors=VenueErrors("bitget"),
    exchanges=dict.fromkeys(BOTH_KINDS, "bitget"),
    market_buy_by_cost=True,
    credentials=("apiKey", "secret", "password"),
    closed=UNPROVEN,
)
