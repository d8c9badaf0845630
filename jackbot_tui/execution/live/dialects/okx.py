"""Okx's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="okx",
    client_ids=ClientIdRule(32, "A-Za-z0-9", "clOrdId, v5 trade page: letters and digits only"),
    errors=VenueErrors("okx", code=r'"sCode"\s*:\s*"(\w+)'),
    exchanges=dict.fromkeys(BOTH_KINDS, "okx"),
    credentials=("apiKey", "secret", "password"),
    dead_man_s=(10.0, 120.0),
    closed=UNPROVEN,
)
