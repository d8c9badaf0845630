"""ccxt on the Bybit gateway (bybit.md §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.bybit({"enableRateLimit": False})
    points = sim.endpoints
    made.urls["api"].update(
        {name: points["spot.rest"] for name, url in made.urls["api"].items() if isinstance(url, str)}
    )
    made.urls["api"]["ws"]["public"].update({"spot": points["spot.public"], "linear": points["linear.public"]})
    return made
