"""ccxt with keys on the Binance gateway (binance.md §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {}


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.binance(
        {
            "apiKey": key.key,
            "secret": key.secret,
            "enableRateLimit": False,
            "options": {
                "fetchMarkets": {"types": ["spot", "linear"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }
    )
    made.urls["api"].update(sim.ccxt_urls)
    return made
