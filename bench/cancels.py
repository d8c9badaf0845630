"""Cancels under full load: how long a cancel takes while queries wait in line for the venue's rate limit.

The embedded exchange (a process of its own, over loopback, its venue's published limits counted) is asked through the
live client, ccxt and the rate limiter. First nothing else goes on; then as many questions wait as a desperate
reconciliation would ask, so that the query lane is always full. A cancel must not wait behind them.
"""

import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.report import Options, Report, Table, machine
from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.connection import open_clients
from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.keys import Credentials, KeyPlace
from jackbot_tui.execution.live.statements import OrderStatement
from jackbot_tui.feeds.limiter import LimitGate
from jackbot_tui.feeds.venue_limits import VenueLimits
from jackbot_tui.headless.job import SimJob
from jackbot_tui.headless.sim_process import SimProcess
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, OrderType, Side, TimeInForce
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.orders import Order
from jackbot_tui.sim.exchange import front_of
from jackbot_tui.venues import load_spec

ASKERS = 60
"""Questions that wait or are under way at any time under load."""

LOADED_S = 3.0
"""How long the questions run before the first cancel: by then the query lane's share of the limit is used up."""

BETWEEN_S = 0.1
PER_ROUND = 8


@asynccontextmanager
async def account(venue: str) -> AsyncIterator[tuple[VenueClient, LimitGate, Instrument, float]]:
    """A client of one market of a fresh exchange, its limiter, the instrument and about what it costs."""
    listing = next(each for each in front_of(venue).LISTINGS)
    kind, symbol = listing.instrument.kind, listing.instrument.symbol
    job = SimJob(venue=venue, symbols=[symbol], seed=1, volatility=0.2, rate=0.3, fault="", accounts=1)
    process = SimProcess(job, lambda *said: None, lambda reason: None)
    ready = await process.start()
    try:
        dialect = load_dialect(venue)
        parts = {name: ready.credentials[name] for name in dialect.credentials}
        limits = VenueLimits(SystemClock(), load_spec(venue), random.Random(1))
        clients = await open_clients(
            dialect, [kind], Credentials(venue, KeyPlace.FILE, parts), limits.requests, SystemClock(), ready.ccxt_urls
        )
        client = clients[kind]
        try:
            yield client, limits.requests(kind), listing.instrument, float(listing.opening)
        finally:
            await client.close()
    finally:
        await process.stop()


async def measure(venue: str, rounds: int) -> tuple[list[float], list[float], int, int]:
    """Milliseconds of cancels alone and under load, the most questions that waited, and refusals for a rate limit."""
    async with account(venue) as (client, gate, instrument, price):
        alone = [await cancel_ms(client, instrument, price, number) for number in range(rounds * PER_ROUND)]
        stop, refused, waited = asyncio.Event(), 0, 0

        async def ask() -> None:
            nonlocal refused
            while not stop.is_set():
                try:
                    await client.open_orders(instrument.symbol)
                except VenueFailure as failure:
                    refused += failure.sent and failure.code in ("RateLimitExceeded", "DDoSProtection", "-1003")

        askers = [asyncio.create_task(ask()) for _ in range(ASKERS)]
        await asyncio.sleep(LOADED_S)
        loaded = []
        for number in range(rounds * PER_ROUND):
            waited = max(waited, gate.waiting)
            loaded.append(await cancel_ms(client, instrument, price, 10_000 + number))
            await asyncio.sleep(BETWEEN_S)
        stop.set()
        for each in askers:
            each.cancel()
        await asyncio.gather(*askers, return_exceptions=True)
        return alone, loaded, waited, refused


async def cancel_ms(client: VenueClient, instrument: Instrument, price: float, number: int) -> float:
    """Place an order far away and time its cancel, from the call to the venue's answer."""
    placed = await placed_order(client, instrument, price, number)
    begun = time.perf_counter()
    await client.cancel(placed.client_id, instrument.symbol, placed.venue_id)
    return (time.perf_counter() - begun) * 1000


async def placed_order(client: VenueClient, instrument: Instrument, price: float, number: int) -> OrderStatement:
    ticks = int(price * 0.97 / float(instrument.tick))
    lots = int(200 / price / float(instrument.lot)) + 1
    order = Order(
        number=number, client_id=client_order_id("b", "load", number), key=instrument.key, side=Side.BUY,
        quantity=lots * instrument.lot, type=OrderType.LIMIT, price=ticks * instrument.tick, tif=TimeInForce.GTC,
        post_only=True, reduce_only=False, owner="bench", source="bench", parent_id="", tag="",
        created_ns=0, updated_ns=0,
    )  # fmt: skip
    while True:
        with contextlib.suppress(VenueFailure):  # the order lane may be full for a moment: the cancel is what is timed
            return await client.create(order, instrument.symbol)
        await asyncio.sleep(BETWEEN_S)


def run(options: Options) -> Report:
    rows: list[tuple[str | float, ...]] = []
    for venue in open_venues():
        alone, loaded, waited, refused = asyncio.run(measure(venue, options.rounds))
        kind = next(each for each in front_of(venue).LISTINGS).instrument.kind
        rows.append(
            (
                f"{venue} {'spot' if kind is MarketKind.SPOT else 'perpetual'}",
                round(statistics.median(alone), 1),
                round(percentile(alone, 0.99), 1),
                round(statistics.median(loaded), 1),
                round(percentile(loaded, 0.99), 1),
                waited,
                refused,
            )
        )
    table = Table(
        f"cancel to the venue's answer, ms; {options.rounds * PER_ROUND} cancels alone and under {ASKERS} askers",
        ("venue", "alone p50", "p99", "loaded p50", "p99", "most waiting", "refused by limit"),
        rows,
        ("loaded: the query lane's share of the venue's limit is used up, questions wait for it",),
    )
    return Report("cancels", [table], machine("ccxt", "aiohttp"))


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
