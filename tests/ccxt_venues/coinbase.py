"""ccxt on the Coinbase gateway (coinbase.md §8.3)."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT = {
    "trades:spot": (
        "ccxt 4.5.90 gives a trade's maker side as if it were the aggressor's (coinbase.py parse_trade, "
        "pro/coinbase.py handle_trade): tests/unit/test_sim_coinbase.py compares its trades with sides exchanged"
    )
}


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.coinbase({"enableRateLimit": False})
    made.urls["api"]["rest"] = sim.endpoints["spot.rest"].removesuffix("/api/v3/brokerage")
    made.urls["api"]["ws"] = sim.endpoints["spot.public"]
    return made
