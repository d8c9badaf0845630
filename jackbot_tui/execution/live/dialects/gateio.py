"""Gateio's private side. Facts from the venue's documents and from ccxt 4.5.90."""

from jackbot_tui.execution.live.dialect import BOTH_KINDS, UNPROVEN, ClientIdRule, Dialect
from jackbot_tui.venues.errors import VenueErrors

DIALECT = Dialect(
    venue="gateio",
    client_ids=ClientIdRule(30, "0-9A-Za-z_.-", "text: t- and at most 28 bytes", prefix="t-"),
    errors=VenueErrors("gateio", code=r'"label"\s*:\s*"(\w+)'),
    exchanges=dict.fromkeys(BOTH_KINDS, "gate"),
    market_buy_by_cost=True,
    closed=UNPROVEN,
)
