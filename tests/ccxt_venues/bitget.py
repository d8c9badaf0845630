"""ccxt on the Bitget gateway (bitget.md §12): as a unified account, which speaks version 3 as the gateway does."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.bitget({"enableRateLimit": False, "options": {"uta": True}})
    points = sim.endpoints
    made.urls["api"].update(
        {name: points["spot.rest"] for name, url in made.urls["api"].items() if isinstance(url, str)}
    )
    made.urls["api"]["ws"]["utaPublic"] = points["spot.public"]
    return made
