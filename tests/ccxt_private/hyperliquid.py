"""ccxt with a wallet on the Hyperliquid gateway (hyperliquid.md §8.4, §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

_NO_CANCEL_ALL = "the venue has no such action, and ccxt does not put one together"
_NO_SECRET = "reading is not signed here; keys that are not the account's are judged in test_private_hyperliquid"
_NO_FOK = "the venue knows Gtc, Ioc and Alo only"
WITHOUT: dict[str, str] = {
    "cancel_all:spot": _NO_CANCEL_ALL,
    "cancel_all:linear": _NO_CANCEL_ALL,
    "wrong_secret:spot": _NO_SECRET,
    "wrong_secret:linear": _NO_SECRET,
    "fok:spot": _NO_FOK,
    "fok:linear": _NO_FOK,
    "margin_mode:linear": "ccxt wants the leverage with it: the venue sets both in one action",
}
CLIENT_ID = "0x0000000000000000000000000a11ce01"
PRICED_MARKET_ORDERS = True
REFUSES_MISSES = True
BALANCE_WITHIN = 1e-3
STREAM_CURRENCIES = {"BTC": "UBTC", "ETH": "UETH", "SOL": "USOL"}
"""ccxt maps the chain's names to its own in answers, not on the stream."""


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.hyperliquid(
        {
            **sim.front.credentials(key),
            "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["spot", "swap"]}},
        }
    )
    made.urls["api"].update(sim.ccxt_urls)
    return made
