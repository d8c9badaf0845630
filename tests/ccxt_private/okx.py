"""ccxt with keys on the OKX gateway (okx.md §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {
    "cancel_all:spot": "ccxt has no cancelAllOrders for OKX: the venue cancels all of an option market maker's only",
    "cancel_all:linear": "ccxt has no cancelAllOrders for OKX: the venue cancels all of an option market maker's only",
    "margin_mode:linear": "OKX has no margin mode of an instrument: each order names its own (tdMode)",
}
BALANCE_WITHIN = 1e-5
"""OKX tells equity, with unrealised profit."""

STREAMS = 2
"""ccxt subscribes to orders twice, for orders and for own trades."""


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.okx(
        {
            "apiKey": key.key,
            "secret": key.secret,
            "password": key.passphrase,
            "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["spot", "swap"]}},
        }
    )
    made.urls["api"].update(sim.ccxt_urls)
    return made
