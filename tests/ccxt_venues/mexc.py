"""ccxt on the MEXC gateway (mexc.md §12, "Simulator notes"). It reads spot's frames with the package protobuf."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}
LEVELS = {"spot": 15}
"""ccxt asks for spot's book without a limit (mexc.py, fetch_order_book), gets the page's default of 100 levels, and
never asks again: what the market comes to afterwards is missing."""


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.mexc({"enableRateLimit": False})
    points = sim.endpoints
    made.urls["api"]["spot"]["public"] = points["spot.rest"]
    made.urls["api"]["contract"]["public"] = points["linear.rest"] + "/api/v1/contract"
    made.urls["api"]["ws"] = {"spot": points["spot.public"], "swap": points["linear.public"]}
    return made
