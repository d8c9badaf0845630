"""ccxt on the Binance gateway (binance.md §12)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.binance(
        {
            "enableRateLimit": False,
            "options": {
                "fetchMarkets": {"types": ["spot", "linear"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }
    )
    points = sim.endpoints
    rest = {"public": "/api/v3", "v1": "/api/v1", "private": "/api/v3"}
    made.urls["api"].update({name: points["spot.rest"] + path for name, path in rest.items()})
    made.urls["api"].update(
        {
            name: points["linear.rest"] + f"/fapi/{version}"
            for name, version in (("fapiPublic", "v1"), ("fapiPublicV2", "v2"), ("fapiPublicV3", "v3"))
        }
    )
    made.urls["api"]["ws"]["spot"] = points["spot.public"] + "/ws"
    made.urls["api"]["ws"]["linear"] = points["linear.public"].removesuffix("/public") + "/ws"
    return made
