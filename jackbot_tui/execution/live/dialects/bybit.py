"""Bybit's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, WORD, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="bybit",
    client_ids=ClientIdRule(36, WORD, "orderLinkId, v5 order page"),
    errors=VenueErrors("bybit", code=r'"retCode"\s*:\s*"?(-?\w+)'),
    exchanges=dict.fromkeys(BOTH_KINDS, "bybit"),
    query_id="orderLinkId",
    query_extra={"acknowledged": True},
    cancel_id="orderLinkId",
    closed=UNPROVEN,
)
