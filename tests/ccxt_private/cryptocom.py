"""ccxt with keys on the Crypto.com gateway (cryptocom.md §8.4 and §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {
    "leverage:linear": "ccxt has no setLeverage for Crypto.com: leverage is the account's there",
    "margin_mode:linear": "ccxt has no setMarginMode for Crypto.com: isolated positions are opened by orders",
    "entry:linear": "ccxt reads no entry price from Crypto.com's positions",
}
CLIENT_ID_FIELD = "client_oid"
"""ccxt drops ``clientOrderId``."""

REDUCE_ONLY = {"exec_inst": ["REDUCE_ONLY"]}
"""ccxt sends ``reduceOnly`` as a parameter of its own, a boolean that it signs otherwise than it writes it."""

STREAMS = 2
"""Orders and own trades are channels of their own."""


def own_trades(client: Any, symbol: str) -> list[Any]:
    """ccxt keeps them among the public trades, each twice."""
    return list({trade["id"]: trade for trade in client.trades.get(symbol, [])}.values())


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.cryptocom({"apiKey": key.key, "secret": key.secret, "enableRateLimit": False})
    made.urls["api"].update(sim.ccxt_urls)
    return made
