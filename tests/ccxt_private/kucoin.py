"""ccxt with keys on the KuCoin gateway (kucoin.md §8): one exchange of ccxt's for spot and perpetuals."""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey

WITHOUT: dict[str, str] = {
    "amend:linear": "KuCoin's classic API has no amend of perpetuals",
    "fok:linear": "KuCoin's perpetuals know GTC and IOC only",
    "streams:linear": "ccxt hears of positions on unified accounts only, and misses what cross positions bind",
}


def client(sim: SimExchange, key: ApiKey) -> Any:
    import ccxt.pro

    made = ccxt.pro.kucoin(
        {"apiKey": key.key, "secret": key.secret, "password": key.passphrase, "enableRateLimit": False}
    )
    made.urls["api"].update(sim.ccxt_urls)
    return made
