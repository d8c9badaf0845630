"""ccxt on the Crypto.com gateway (cryptocom.md §8.4)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.cryptocom({"enableRateLimit": False})
    made.urls["api"]["v1"] = sim.endpoints["spot.rest"]
    made.urls["api"]["ws"] = {"public": sim.endpoints["spot.public"], "private": sim.endpoints["spot.public"]}
    return made
