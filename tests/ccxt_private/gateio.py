"""ccxt's ``gate`` with keys on the Gate gateway (gateio.md §7, §8 and §12).

ccxt has no ``set_margin_mode`` at Gate: leverage says the mode, above 0 isolated, 0 cross. It waits for a snapshot of
positions before it subscribes to their stream, and returns without having done so: it is told not to.
"""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {
    "margin_mode:linear": "ccxt has no set_margin_mode at Gate: the leverage of set_leverage says the mode",
}
BUYS_BY_COST = True
CLIENT_ID = "t-judge00001"


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.gate(
        {
            **sim.front.credentials(key),
            "enableRateLimit": False,
            "options": {
                "fetchMarkets": {"types": ["spot", "swap"]},
                "swap": {"fetchMarkets": {"settlementCurrencies": ["usdt"]}},
                "watchPositions": {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False},
            },
        }
    )
    made.urls["api"].update(sim.ccxt_urls)
    return made
