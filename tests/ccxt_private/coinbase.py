"""ccxt with keys on the Coinbase gateway (coinbase.md §8.3, §12)."""

from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {
    "cancel_all:spot": "the venue has no such request, and ccxt does not put one together",
    "client_id:spot": (
        "a repeated id is answered with the first order, neither refused nor placed: judged in test_private_coinbase"
    ),
    "streams:spot": (
        "ccxt has no watch_my_trades or watch_balance here, and takes what is filled in part for an order's amount: "
        "what the channel tells is judged in test_private_coinbase"
    ),
}
BUYS_BY_COST = True
BALANCE_PARAMS = {MarketKind.SPOT: {"type": "spot", "v3": True}}
"""Without it ccxt asks the wallet pages, which know totals only."""


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.coinbase({**sim.front.credentials(key), "enableRateLimit": False})
    made.urls["api"].update(sim.ccxt_urls)
    return made
