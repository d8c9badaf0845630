"""ccxt's ``mexc`` with keys on the MEXC gateway (mexc.md §7, §8 and §12). Spot's frames need the package protobuf."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {
    "amend:spot": "spot orders cannot be amended at MEXC",
    "amend:linear": "ccxt has no edit_order at MEXC",
    "answered_client_id:spot": "the venue's answer to an order does not repeat its client id",
    "answered_client_id:linear": "the venue's answer to an order is its id alone",
    "closed_orders:spot": "ccxt has no fetch_closed_orders for MEXC's spot",
    "type:linear": "ccxt reads the type of a contract order from a field that it does not have",
    "times_in_force:linear": "ccxt sends limit orders for contracts as resting ones, whatever timeInForce says",
    "margin_mode:linear": "ccxt's set_margin_mode wants a leverage, which its unified call does not pass",
    "positions:linear": "ccxt does not watch positions at MEXC",
}
BUYS_BY_COST = True
BALANCE_WITHIN = 0.01
"""ccxt leaves the margin of positions out of a wallet's total."""

LEVERAGE_PARAMS = {"openType": 2, "positionType": 1}


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.mexc(
        {
            "apiKey": key.key,
            "secret": key.secret,
            "enableRateLimit": False,
        }
    )
    made.urls["api"] = made.deep_extend(made.urls["api"], sim.ccxt_urls)
    return made
