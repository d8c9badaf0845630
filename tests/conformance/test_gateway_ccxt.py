"""The judge of the gateways: unmodified ccxt.pro, pointed at each by URLs alone, sees the engine's own book and trades.

Where ccxt has no such stream, or loses it by its own doing, the venue's module in ``tests/ccxt_venues`` says why.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.conformance.test_gateway_books import MARKETS
from tests.gateway_world import relaxed, symbols_of

TIMEOUT_S = 25.0
ROUNDS = 5
LEVELS = 50


@asynccontextmanager
async def judged(venue: str, kind: MarketKind) -> AsyncIterator[tuple[SimExchange, Any, list[str]]]:
    """The gateway after a moment of market, ccxt with its markets loaded, and two symbols."""
    symbols = symbols_of(venue, kind)[:2]
    sim = SimExchange(
        front_of(venue).DEFAULT_SYMBOLS, venue=venue, seed=11, manual=True, rate=3.0, limits=relaxed(front_of(venue))
    )
    async with sim, asyncio.timeout(TIMEOUT_S):
        await sim.step(3)
        client = import_module(f"tests.ccxt_venues.{venue}").client(sim)
        try:
            await client.load_markets()
            yield sim, client, symbols
        finally:
            await client.close()


def reason_without(venue: str, stream: str, kind: MarketKind) -> str:
    reasons: dict[str, str] = import_module(f"tests.ccxt_venues.{venue}").WITHOUT
    return reasons.get(f"{stream}:{kind.value}", "")


def id_of(venue: str, instrument: Instrument) -> str:
    """ccxt's id of an instrument: our native name, but where the venue's REST API has another."""
    ids: dict[str, str] = getattr(import_module(f"tests.ccxt_venues.{venue}"), "IDS", {})
    return ids.get(instrument.symbol, instrument.native)


def truth(sim: SimExchange, symbol: str, side: Side, count: int) -> list[tuple[float, float]]:
    """The engine's book as ccxt shows it: sizes of derivatives in contracts."""
    listing = sim.listing(symbol)
    instrument = listing.instrument
    return [
        (float(price * instrument.tick), float(size * instrument.lot / listing.wire_unit))
        for price, size in sim.engine(symbol).depth(side, count)
    ]


def levels_of(venue: str, kind: MarketKind) -> int:
    """How many levels a side ccxt must have right: fewer where it asks for so few that the market leaves them soon."""
    levels: dict[str, int] = getattr(import_module(f"tests.ccxt_venues.{venue}"), "LEVELS", {})
    return levels.get(kind.value, LEVELS)


def agrees(book: Any, sim: SimExchange, symbol: str) -> bool:
    levels = levels_of(sim.venue, sim.listing(symbol).instrument.kind)
    for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
        shown = [(level[0], level[1]) for level in book[name][:levels]]
        true = truth(sim, symbol, side, len(shown))
        same = len(shown) >= 5 and all(
            a[0] == pytest.approx(b[0]) and a[1] == pytest.approx(b[1]) for a, b in zip(shown, true, strict=True)
        )
        if not same:
            return False
    return True


async def until(sim: SimExchange, condition: Callable[[], bool], *, step_s: float = 0.0) -> None:
    while not condition():
        if step_s:
            await sim.step(step_s)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_markets_have_the_rules_of_the_listings(venue: str, kind: MarketKind) -> None:
    async with judged(venue, kind) as (sim, client, symbols):
        for symbol in symbols:
            listing, market = sim.listing(symbol), client.market(symbol)
            instrument = listing.instrument
            assert (market["id"], bool(market["spot"])) == (id_of(venue, instrument), kind is MarketKind.SPOT)
            assert (bool(market["swap"]), bool(market["linear"])) == (instrument.is_perpetual,) * 2
            assert float(client.price_to_precision(symbol, float(listing.opening))) == pytest.approx(
                float(listing.opening), abs=float(instrument.tick)
            )
            lots = float(instrument.lot / listing.wire_unit)
            assert float(client.amount_to_precision(symbol, 7 * lots)) == pytest.approx(7 * lots)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_ccxt_keeps_the_engines_book(venue: str, kind: MarketKind) -> None:
    if reason := reason_without(venue, "book", kind):
        pytest.skip(reason)
    async with judged(venue, kind) as (sim, client, symbols):
        for symbol in symbols:
            watching = asyncio.ensure_future(client.watch_order_book(symbol))
            await until(sim, watching.done, step_s=0.1)
            await watching
            for _ in range(ROUNDS):
                await sim.step(0.5)
                sim.front.publish_books()
                await sim.gateway.drained()
                await until(sim, lambda symbol=symbol: agrees(client.orderbooks[symbol], sim, symbol))  # type: ignore[misc]


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_ccxt_sees_the_trades_that_happened(venue: str, kind: MarketKind) -> None:
    if reason := reason_without(venue, "trades", kind):
        pytest.skip(reason)
    async with judged(venue, kind) as (sim, client, symbols):
        symbol = symbols[0]
        listing, market = sim.listing(symbol), sim.market(symbol)
        tick, lot = listing.instrument.tick, listing.instrument.lot / listing.wire_unit
        watching = asyncio.ensure_future(client.watch_trades(symbol))
        await until(sim, watching.done, step_s=0.3)
        await watching
        for _ in range(ROUNDS):
            await sim.step(0.5)
        await until(sim, lambda: len(client.trades[symbol]) > 10, step_s=0.2)
        done: dict[tuple[float, str], float] = {}
        for trade in market.history.trades:
            place = (round(float(trade.price * tick), 9), "sell" if trade.buyer_is_maker else "buy")
            done[place] = done.get(place, 0.0) + float(trade.quantity * lot)
        for seen in client.trades[symbol]:
            assert seen["symbol"] == symbol
            assert seen["amount"] <= done[round(seen["price"], 9), seen["side"]] * (1 + 1e-9)
