"""Mexc's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, WORD, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="mexc",
    client_ids=ClientIdRule(32, WORD, "newClientOrderId; externalOid, error 2030"),
    errors=VenueErrors("mexc"),
    exchanges=dict.fromkeys(BOTH_KINDS, "mexc"),
    market_buy_by_cost=True,
    closed=UNPROVEN,
)
