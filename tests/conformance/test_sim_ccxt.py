"""The judge of the gateway: unmodified ccxt and ccxt.pro, pointed at it by URLs alone, see the engine's own book."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jackbot_tui.model.enums import Side
from jackbot_tui.sim.exchange import SimExchange

TIMEOUT_S = 20.0
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"


@asynccontextmanager
async def ccxt_on(sim: SimExchange) -> AsyncIterator[Any]:
    """A ccxt.pro Binance client with nothing changed but its URLs (binance.md §12)."""
    import ccxt.pro

    client = ccxt.pro.binance(
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
    client.urls["api"].update({name: points["spot.rest"] + path for name, path in rest.items()})
    client.urls["api"].update(
        {
            name: points["linear.rest"] + f"/fapi/{version}"
            for name, version in (("fapiPublic", "v1"), ("fapiPublicV2", "v2"), ("fapiPublicV3", "v3"))
        }
    )
    client.urls["api"]["ws"]["spot"] = points["spot.public"] + "/ws"
    client.urls["api"]["ws"]["linear"] = points["linear.public"].removesuffix("/public") + "/ws"
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def judged() -> AsyncIterator[tuple[SimExchange, Any]]:
    sim = SimExchange(["BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"], seed=11, manual=True)
    async with sim, ccxt_on(sim) as client, asyncio.timeout(TIMEOUT_S):
        await sim.step(5)
        await client.load_markets()
        yield sim, client


def truth(sim: SimExchange, symbol: str, side: Side, count: int) -> list[list[float]]:
    instrument = sim.listing(symbol).instrument
    return [
        [float(price * instrument.tick), float(size * instrument.lot)]
        for price, size in sim.engine(symbol).depth(side, count)
    ]


async def test_rest_markets_book_trades_tickers_and_funding(judged: tuple[SimExchange, Any]) -> None:
    sim, client = judged
    for listing in sim.listings:
        instrument = listing.instrument
        market = client.market(instrument.symbol)
        assert (market["id"], market["active"]) == (instrument.native, True)
        assert market["spot"] is not instrument.is_perpetual
        assert market["precision"]["price"] == float(instrument.tick)
        assert market["precision"]["amount"] == float(instrument.lot)
        assert market["limits"]["amount"]["min"] == float(instrument.min_qty)
        assert market["limits"]["cost"]["min"] == float(instrument.min_notional)
        assert market["limits"]["market"]["max"] == float(instrument.market_max_qty)
    assert client.market(LINEAR)["linear"]
    assert client.market(LINEAR)["settle"] == "USDT"
    for symbol in (SPOT, LINEAR):
        book = await client.fetch_order_book(symbol, 100)
        assert book["bids"] == truth(sim, symbol, Side.BUY, 100)
        assert book["asks"] == truth(sim, symbol, Side.SELL, 100)
        assert book["nonce"] == sim.engine(symbol).last_update_id
        trades = await client.fetch_trades(symbol, limit=50)
        assert len(trades) > 3
        assert {trade["side"] for trade in trades} <= {"buy", "sell"}
        ticker = await client.fetch_ticker(symbol)
        assert ticker["last"] == trades[-1]["price"]
        assert ticker["baseVolume"] > 0
        best = (await client.fetch_bids_asks([symbol]))[symbol]
        assert (best["bid"], best["ask"]) == (book["bids"][0][0], book["asks"][0][0])
        candles = await client.fetch_ohlcv(symbol, "1m")
        assert candles[-1][4] == ticker["last"]
    funding = await client.fetch_funding_rate(LINEAR)
    assert funding["fundingRate"] == pytest.approx(0.0001, abs=0.003)
    assert funding["fundingTimestamp"] > sim.timeline.now_ms()


async def test_watched_books_equal_the_engines_books(judged: tuple[SimExchange, Any]) -> None:
    sim, client = judged
    for symbol in (SPOT, LINEAR):
        watching = asyncio.ensure_future(client.watch_order_book(symbol))
        while not watching.done():  # deltas must flow while ccxt asks for its snapshot
            await sim.step(0.1)
            await asyncio.wait([watching], timeout=0.02)
        await watching
        for _ in range(5):
            await sim.step(0.5)
            book = await settled(sim, client, symbol)
            assert [level[:2] for level in book["bids"][:500]] == truth(sim, symbol, Side.BUY, 500)
            assert [level[:2] for level in book["asks"][:500]] == truth(sim, symbol, Side.SELL, 500)


async def settled(sim: SimExchange, client: Any, symbol: str) -> Any:
    """ccxt's book once it has taken in the engine's last update."""
    while client.orderbooks[symbol]["nonce"] != sim.engine(symbol).last_update_id:
        await sim.step(0.01)
        await asyncio.sleep(0)
    return client.orderbooks[symbol]


async def test_watched_trades_are_the_ones_that_happened(judged: tuple[SimExchange, Any]) -> None:
    sim, client = judged
    for symbol in (SPOT, LINEAR):
        watching = asyncio.ensure_future(client.watch_trades(symbol))
        while not watching.done():
            await sim.step(0.5)
            await asyncio.wait([watching], timeout=0.02)
        seen = await watching
        feed_prices = {float(price * sim.listing(symbol).instrument.tick) for price in traded_prices(sim, symbol)}
        assert seen
        assert {trade["price"] for trade in seen} <= feed_prices
        assert all(trade["symbol"] == symbol for trade in seen)


def traded_prices(sim: SimExchange, symbol: str) -> set[int]:
    return {trade.price for trade in sim.market(symbol).history.trades}
