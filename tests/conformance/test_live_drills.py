"""Random orders under random faults, at every venue that is open for live trading: at rest we hold the venue's truth.

The suite plays one seed a venue. ``JACKBOT_DRILLS`` (1,000 under ``make soak``) is how many seeds are played over all
of them; each prints nothing but its failure.
"""

import asyncio
import os
import random
from decimal import Decimal

import pytest

from jackbot_tui.execution.live.dialects import open_venues
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.gateway_world import relaxed, symbols_of
from tests.live_gateway import Live

S = OrderStatus
STEPS = 40
CHANCES = {
    "lost_answer": 0.15, "accepted5xx": 0.1, "late_answer": 0.1, "repeat_fill": 0.3, "late_new": 0.3, "rest5xx": 0.05,
}  # fmt: skip
EVENTS = ("close", "expire_tokens", "private_silence")
AT_ONCE = 4
"""Drills that run side by side in the long run: they wait more than they work."""


async def drill(venue: str, seed: int) -> None:
    """Forty random requests on all the venue's kinds of market while answers get lost; then everything must agree."""
    kinds = dict.fromkeys(listing.instrument.kind for listing in front_of(venue).LISTINGS)
    symbols = [symbols_of(venue, kind)[0] for kind in kinds]
    rng = random.Random(f"{venue} {seed}")
    exchange = SimExchange(symbols, venue=venue, accounts=1, seed=seed, limits=relaxed(front_of(venue)))
    async with exchange:
        live = Live(exchange, venue=venue, poll_s=0.7)
        try:
            await live.ready()
            await play(live, symbols, rng)
            await hold_against_the_truth(live, symbols)
        finally:
            await live.close()


async def play(live: Live, symbols: list[str], rng: random.Random) -> None:
    faults = live.exchange.faults
    for name, chance in CHANCES.items():
        faults.set(name, chance)
    for step in range(STEPS):
        symbol, side = rng.choice(symbols), rng.choice((Side.BUY, Side.SELL))
        working = [order for order in live.oms.orders.values() if order.status in (S.NEW, S.PARTIALLY_FILLED)]
        draw = rng.random()
        if draw < 0.3:
            price = live.far(symbol, part="0.999" if side is Side.BUY else "1.001")
            live.submit(symbol, side, live.size(symbol), price)
        elif draw < 0.5:
            by_cost = live.dialect.market_buy_by_cost and ":" not in symbol and side is Side.BUY
            price, tif = (live.far(symbol, part="1.01"), TimeInForce.IOC) if by_cost else (None, TimeInForce.GTC)
            live.submit(symbol, side, live.size(symbol, 600), price, tif=tif)
        elif draw < 0.6:
            live.submit(symbol, side, live.size(symbol, 600), live.far(symbol, part="1.0"), tif=TimeInForce.IOC)
        elif draw < 0.8 and working:
            live.cancel(rng.choice(working).client_id)
        elif working:
            order = rng.choice(working)
            symbol = order.key.partition(":")[2]
            if (MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT) in live.dialect.amends:
                price = live.far(symbol, part="0.98" if order.side is Side.BUY else "1.02")
                live.amend(order.client_id, price, live.size(symbol, 900))
        if step in (12, 25):
            faults.trigger(rng.choice(EVENTS))
        await asyncio.sleep(rng.random() * 0.08)
    faults.clear()


async def hold_against_the_truth(live: Live, symbols: list[str]) -> None:
    await live.ready()
    await live.until(lambda: not canceled_as_they_settle(live), within_s=60, why=live.differences)
    await live.equal_to_the_exchange()
    accounts = live.exchange.accounts
    assert not accounts.orders.open_orders(1)
    for symbol in symbols:
        key = f"{live.venue}:{symbol}"
        ours = sum((o.filled * o.side.sign for o in live.oms.orders.values() if o.key == key), Decimal(0))
        if ":" in symbol:
            held = accounts.positions.view(1, key)
            assert ours == (held.quantity if held is not None else 0), key


def canceled_as_they_settle(live: Live) -> bool:
    """Cancel every order that is working; True while any is open."""
    for order in live.oms.open_orders():
        if order.status in (S.NEW, S.PARTIALLY_FILLED):
            live.cancel(order.client_id)
    return bool(live.oms.open_orders())


@pytest.mark.parametrize("venue", open_venues())
async def test_random_orders_under_random_faults_end_in_the_truth(venue: str) -> None:
    await drill(venue, 1)


@pytest.mark.soak
async def test_a_thousand_seeds_end_in_the_truth() -> None:
    venues, seeds = open_venues(), int(os.environ.get("JACKBOT_DRILLS", "1000"))
    wanted = iter([(venues[number % len(venues)], 100 + number) for number in range(seeds)])
    failures: list[str] = []
    played = 0

    async def player() -> None:
        nonlocal played
        for venue, seed in wanted:
            try:
                await drill(venue, seed)
            except Exception as error:  # noqa: BLE001 - every seed that fails is named
                failures.append(f"{venue} {seed}: {type(error).__name__} {error}")
            played += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(player())
    print(f"\n{played} seeds over {len(venues)} venues, {len(failures)} failures", *failures, sep="\n")
    assert played == seeds
    assert not failures
