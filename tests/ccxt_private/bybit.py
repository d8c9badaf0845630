"""ccxt with keys on the Bybit gateway (bybit.md §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {}
BALANCE_WITHIN = 1e-3
"""The wallet stream's total is equity."""


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.bybit(
        {
            "apiKey": key.key,
            "secret": key.secret,
            "enableRateLimit": False,
            "options": {"fetchOrder": {"acknowledged": True}},
        }
    )
    made.urls["api"].update(sim.ccxt_urls)
    return made
