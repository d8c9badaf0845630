"""ccxt with keys on the Kraken gateway (kraken.md §8.3): spot and derivatives are two exchanges of ccxt's."""

from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

NAMES = {MarketKind.SPOT: "kraken", MarketKind.LINEAR: "krakenfutures"}
BALANCE_PARAMS: dict[MarketKind, dict[str, str]] = {MarketKind.LINEAR: {"type": "flex"}}
WITHOUT: dict[str, str] = {
    "answered_client_id:spot": "Kraken's answer to AddOrder names no client id",
    "streams:spot": "rows of executions tell only what changed: ccxt keeps those without a symbol as other orders",
    "streams:linear": "orders that take at once never come up among open orders, and ccxt gives the others no status",
    "times_in_force:linear": "ccxt drops IOC (it knows ioc only) and FOK: a limit order rests instead",
    "margin_mode:linear": "ccxt sets no margin mode: at Kraken it follows from the leverage",
    "price:linear": "ccxt leaves out the price of orders on purpose (ccxt#27996)",
}


def client_of(sim: SimExchange, key: ApiKey, kind: MarketKind) -> Any:
    import ccxt.pro

    made = getattr(ccxt.pro, NAMES[kind])({"apiKey": key.key, "secret": key.secret, "enableRateLimit": False})
    made.urls["api"] = made.deep_extend(made.urls["api"], sim.ccxt_urls[NAMES[kind]])
    return made
