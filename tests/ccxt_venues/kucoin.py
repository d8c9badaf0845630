"""ccxt on the KuCoin gateway (kucoin.md §12). The reply to a token request names the socket.

Without keys ccxt begins a spot book with 100 levels a side and never asks again, so that it has holes beyond the prices
of that beginning once the market moves (kucoin.md §4, "Key-less spot book"). Its books are judged inside of them.
"""

from typing import Any

from jackbot_tui.sim.exchange import SimExchange

WITHOUT: dict[str, str] = {}
SEED_DEPTH = 100


class Seeded:
    """ccxt, but that ``orderbooks`` shows spot books as far as they are known."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._fetch = client.fetch_order_book
        self._edges: dict[str, tuple[float, float]] = {}
        client.fetch_order_book = self._note_edges

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @property
    def orderbooks(self) -> dict[str, Any]:
        return {symbol: self._known(symbol, book) for symbol, book in self._client.orderbooks.items()}

    async def _note_edges(self, symbol: str, *arguments: Any) -> Any:
        book = await self._fetch(symbol, *arguments)
        if ":" not in symbol:
            assert (len(book["bids"]), len(book["asks"])) == (SEED_DEPTH, SEED_DEPTH)
            self._edges[symbol] = book["bids"][-1][0], book["asks"][-1][0]
        return book

    def _known(self, symbol: str, book: Any) -> Any:
        if symbol not in self._edges:
            return book
        low, high = self._edges[symbol]
        return {
            "bids": [level for level in book["bids"] if level[0] >= low],
            "asks": [level for level in book["asks"] if level[0] <= high],
        }


def client(sim: SimExchange) -> Any:
    import ccxt.pro

    made = ccxt.pro.kucoin({"enableRateLimit": False})
    made.urls["api"]["public"] = sim.endpoints["spot.rest"]
    made.urls["api"]["futuresPublic"] = sim.endpoints["linear.rest"]
    return Seeded(made)
