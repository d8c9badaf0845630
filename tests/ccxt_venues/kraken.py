"""ccxt on the Kraken gateway (kraken.md §8.3): its classes ``kraken`` and ``krakenfutures`` behind one face."""

from collections import ChainMap
from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}
IDS = {"BTC/USD": "XXBTZUSD", "ETH/USD": "XETHZUSD"}
"""ccxt knows spot pairs by their names in REST; ours are those of the WebSocket, which it calls by symbol."""


class Both:
    """Hands each call to the class that knows the symbol's market."""

    def __init__(self, spot: Any, futures: Any) -> None:
        self.spot, self.futures = spot, futures

    def _of(self, symbol: str) -> Any:
        return self.futures if ":" in symbol else self.spot

    async def load_markets(self) -> None:
        await self.spot.load_markets()
        await self.futures.load_markets()

    async def close(self) -> None:
        await self.spot.close()
        await self.futures.close()

    def market(self, symbol: str) -> Any:
        return self._of(symbol).market(symbol)

    def price_to_precision(self, symbol: str, price: float) -> Any:
        return self._of(symbol).price_to_precision(symbol, price)

    def amount_to_precision(self, symbol: str, amount: float) -> Any:
        return self._of(symbol).amount_to_precision(symbol, amount)

    async def watch_order_book(self, symbol: str) -> Any:
        return await self._of(symbol).watch_order_book(symbol)

    async def watch_trades(self, symbol: str) -> Any:
        return await self._of(symbol).watch_trades(symbol)

    @property
    def orderbooks(self) -> ChainMap[str, Any]:
        return ChainMap(self.spot.orderbooks, self.futures.orderbooks)

    @property
    def trades(self) -> ChainMap[str, Any]:
        return ChainMap(self.spot.trades, self.futures.trades)


def client(sim: SimExchange) -> Both:
    import ccxt.pro

    spot = ccxt.pro.kraken({"enableRateLimit": False})
    rest = sim.endpoints["spot.rest"]
    spot.urls["api"]["public"] = rest
    spot.urls["api"]["ws"]["publicV2"] = sim.endpoints["spot.public"]
    futures = ccxt.pro.krakenfutures({"enableRateLimit": False})
    futures.urls["api"].update(dict.fromkeys(("public", "private"), f"{rest}/derivatives/api/"))
    futures.urls["api"]["ws"] = sim.endpoints["linear.public"]
    return Both(spot, futures)
