"""The live executor trading on Binance's gateway through unmodified ccxt: what we hold is what the exchange did."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange
from tests.live_gateway import LINEAR, SPOT, Live

S = OrderStatus


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with SimExchange([SPOT, LINEAR], accounts=1) as exchange:
        made = Live(exchange, dead_man_s=0.6)
        await made.ready()
        yield made
        await made.close()


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
async def test_orders_rest_end_and_fill_as_the_exchange_has_it(live: Live, symbol: str) -> None:
    resting = live.submit(symbol, Side.BUY, "0.01", live.far(symbol), post_only=True)
    await live.until(lambda: live.status(resting) is S.NEW)
    live.cancel(resting)
    await live.until(lambda: live.status(resting) is S.CANCELED)
    taking = live.submit(symbol, Side.BUY, "0.01", None)
    await live.until(lambda: live.status(taking) is S.FILLED)
    truth = live.exchange.accounts.orders.fills(1)
    lot = live.exchange.listing(symbol).instrument.lot
    assert sum(fill.quantity for fill in truth) * lot == live.oms.orders[taking].filled == Decimal("0.01")
    assert len(truth) == len(live.oms.trade_ids(taking))
    assert not live.exchange.accounts.orders.open_orders(1)


async def test_what_the_exchange_refuses_is_rejected_with_a_reason(live: Live) -> None:
    crossing = live.submit(LINEAR, Side.BUY, "0.01", live.far(LINEAR, part="1.02"), post_only=True)
    await live.until(lambda: live.status(crossing) is S.REJECTED)
    assert "post-only" in live.oms.orders[crossing].reason
    huge = live.submit(SPOT, Side.BUY, "90", live.far(SPOT))
    await live.until(lambda: live.status(huge) is S.REJECTED)
    assert "balance" in live.oms.orders[huge].reason
    nothing_to_reduce = live.submit(LINEAR, Side.SELL, "0.01", None, reduce_only=True)
    await live.until(lambda: not live.oms.orders[nothing_to_reduce].is_open)
    assert live.status(nothing_to_reduce) is S.REJECTED


async def test_a_perpetuals_order_is_amended_in_place(live: Live) -> None:
    made = live.submit(LINEAR, Side.BUY, "0.01", live.far(LINEAR))
    await live.until(lambda: live.status(made) is S.NEW)
    price = live.far(LINEAR, part="0.96")
    live.amend(made, price, "0.02")
    await live.until(lambda: live.oms.orders[made].quantity == Decimal("0.02"))
    assert (live.status(made), live.oms.orders[made].price) == (S.NEW, price)
    (truth,) = live.exchange.accounts.orders.open_orders(1)
    assert truth.client_id == made


async def test_the_dead_man_switch_strikes_when_the_venue_hears_no_more(live: Live) -> None:
    made = await under_a_dead_man_switch(live)
    live.exchange.faults.set("rest5xx", 1)  # from here on we are as good as gone
    orders = live.exchange.accounts.orders
    await live.until(lambda: not orders.open_orders(1))
    live.exchange.faults.clear()
    await live.until(lambda: live.status(made) is S.CANCELED)


async def test_an_orderly_end_takes_the_dead_man_switch_back(live: Live) -> None:
    made = await under_a_dead_man_switch(live)
    await live.close()
    before = live.exchange.timeline.elapsed_ns
    async with asyncio.timeout(10):
        while live.exchange.timeline.elapsed_ns < before + 1_500_000_000:  # noqa: ASYNC110 - the exchange's own time
            await asyncio.sleep(0.02)
    assert [order.client_id for order in live.exchange.accounts.orders.open_orders(1)] == [made]


async def under_a_dead_man_switch(live: Live) -> str:
    """A resting order of ours; the exchange ends it 0.6 s after it has heard the last of us."""
    made = live.submit(LINEAR, Side.BUY, "0.01", live.far(LINEAR))
    await live.until(lambda: live.status(made) is S.NEW)
    await live.until(lambda: any("dead-man switch" in text for _, text in live.told))
    return made
