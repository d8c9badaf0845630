"""ccxt with keys on the Bitget gateway (bitget.md §12): a unified account, which ccxt is told and need not probe."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {
    "margin_mode:linear": "ccxt sets margin modes through the classic API, which a unified account refuses",
    "used:linear": "what margin binds is missing in available, but not in locked, which ccxt takes for used",
}
BUYS_BY_COST = "amount"
"""A unified account's market buy has its quantity in quote currency, and ccxt sends the amount as it is."""

FEE_SIGN = -1
"""ccxt takes a fee on the page of fills for a rebate."""


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.bitget(
        {
            "apiKey": key.key,
            "secret": key.secret,
            "password": key.passphrase,
            "enableRateLimit": False,
            "options": {"uta": True},
        }
    )
    made.urls["api"].update(sim.ccxt_urls)
    return made
