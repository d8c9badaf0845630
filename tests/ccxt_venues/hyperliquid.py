"""ccxt on the Hyperliquid gateway (hyperliquid.md §8.4, §12). It has no keys, hence sends and approves nothing."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}
IDS = {"BTC/USDC:USDC": "0", "ETH/USDC:USDC": "1"}
"""The place of a perpetual in the universe: what orders name; the streams name the coin."""


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.hyperliquid({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot", "swap"]}}})
    made.urls["api"]["public"] = sim.endpoints["spot.rest"]
    made.urls["api"]["ws"]["public"] = sim.endpoints["spot.public"]
    return made
