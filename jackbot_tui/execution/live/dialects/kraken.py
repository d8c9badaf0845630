"""Kraken's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import UNPROVEN, WORD, ClientIdRule, Dialect
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="kraken",
    client_ids=ClientIdRule(18, WORD, "cl_ord_id: free text of at most 18 characters"),
    errors=VenueErrors("kraken", code=r"(E[A-Z]\w+:[A-Za-z ]+)"),
    exchanges={MarketKind.SPOT: "kraken", MarketKind.LINEAR: "krakenfutures"},
    query_id="clientOrderId",
    dead_man_s=(15.0, 86400.0),
    closed=UNPROVEN,
)
