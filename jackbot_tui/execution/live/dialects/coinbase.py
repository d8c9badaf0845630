"""Coinbase's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, WORD, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="coinbase",
    client_ids=ClientIdRule(36, WORD, "client_order_id (length unconfirmed)"),
    errors=VenueErrors("coinbase", code=r'"(?:error|failure_reason)"\s*:\s*"(\w+)'),
    exchanges=dict.fromkeys(BOTH_KINDS, "coinbase"),
    create_id="client_order_id",  # ccxt drops clientOrderId and sends one of its own
    query_id="",
    cancel_id="",
    market_buy_by_cost=True,
    closed=UNPROVEN,
)
