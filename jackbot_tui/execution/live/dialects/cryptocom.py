"""Cryptocom's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, WORD, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="cryptocom",
    client_ids=ClientIdRule(36, WORD, "client_oid (charset unconfirmed)"),
    errors=VenueErrors("cryptocom"),
    exchanges=dict.fromkeys(BOTH_KINDS, "cryptocom"),
    query_id="",
    cancel_id="",
    closed=UNPROVEN,
)
