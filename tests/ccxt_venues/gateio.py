"""ccxt's ``gate`` on the Gate gateway (gateio.md §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.gate({"enableRateLimit": False})
    points = sim.endpoints
    made.urls["api"]["public"] = dict.fromkeys(made.urls["api"]["public"], points["spot.rest"])
    made.urls["api"]["spot"] = points["spot.public"]
    made.urls["api"]["swap"]["usdt"] = points["linear.public"]
    return made
