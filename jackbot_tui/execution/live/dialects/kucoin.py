"""Kucoin's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, WORD, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="kucoin",
    client_ids=ClientIdRule(40, WORD, "clientOid, spot and futures order pages"),
    errors=VenueErrors("kucoin"),
    exchanges=dict.fromkeys(BOTH_KINDS, "kucoin"),
    cancel_id="clientOrderId",
    credentials=("apiKey", "secret", "password"),
    closed=UNPROVEN,
)
