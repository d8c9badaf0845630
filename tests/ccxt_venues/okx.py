"""ccxt on the OKX gateway (okx.md §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.okx({"enableRateLimit": False})
    made.urls["api"]["rest"] = sim.endpoints["spot.rest"]
    made.urls["api"]["ws"] = sim.endpoints["spot.public"].removesuffix("/public")
    return made
