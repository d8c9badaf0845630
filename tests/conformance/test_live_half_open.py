"""Private sockets that stay open and are dead: noticed without any news, replaced, and no obstacle to an end."""

import asyncio

import pytest

from jackbot_tui.execution.live.dialects import open_venues
from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.gateway_world import relaxed, symbols_of
from tests.live_gateway import Live
from tests.turns import in_turns

S = OrderStatus
NEVER_S = 3600.0


def world(venue: str) -> SimExchange:
    kinds = dict.fromkeys(listing.instrument.kind for listing in front_of(venue).LISTINGS)
    symbols = [symbols_of(venue, kind)[0] for kind in kinds]
    return SimExchange(symbols, venue=venue, accounts=1, limits=relaxed(front_of(venue)))


@pytest.mark.parametrize("venue", in_turns(open_venues(), 3))
async def test_a_half_open_stream_is_noticed_replaced_and_what_was_missed_is_merged(venue: str) -> None:
    async with world(venue) as exchange:
        live = Live(exchange, venue=venue, poll_s=NEVER_S, quiet_s=0.4)
        try:
            await live.ready()
            symbol = exchange.listings[0].instrument.symbol
            resting = live.submit(symbol, Side.BUY, live.size(symbol), live.far(symbol))
            await live.until(lambda: live.status(resting) is S.NEW)
            exchange.faults.trigger("halfopen")
            exchange.accounts.cancel(next(iter(exchange.accounts.orders.open_orders(1))))
            await live.until(lambda: live.executor.trouble != "")
            refused = live.submit(symbol, Side.BUY, live.size(symbol), live.far(symbol))
            assert live.status(refused) is S.REJECTED
            await live.ready()
            await live.until(lambda: live.status(resting) is S.CANCELED)
            assert live.session.silences == 0
            await live.equal_to_the_exchange()
        finally:
            await live.close()


@pytest.mark.parametrize("venue", in_turns(open_venues(), 3, 1))
async def test_a_session_ends_though_the_other_side_never_says_goodbye(venue: str) -> None:
    async with SimExchange([front_of(venue).LISTINGS[0].instrument.symbol], venue=venue, accounts=1) as exchange:
        live = Live(exchange, venue=venue, poll_s=NEVER_S, quiet_s=NEVER_S)
        await live.ready()
        assert exchange.gateway.sockets
        exchange.faults.trigger("halfopen")
        await live.close()
        async with asyncio.timeout(20):
            while exchange.gateway.sockets:  # noqa: ASYNC110 - the exchange has no event for it
                await asyncio.sleep(0.01)
