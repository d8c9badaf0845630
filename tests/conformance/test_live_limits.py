"""A burst of orders, and the cancel of all of them, within the limits that a venue counts by page and account."""

import pytest

from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.sim.bitget.front import BitgetFront
from jackbot_tui.sim.bybit.front import BybitFront
from jackbot_tui.sim.exchange import SimExchange
from tests.live_gateway import LINEAR, SPOT, Live

S = OrderStatus


@pytest.mark.parametrize("venue", ["bybit", "bitget"])
async def test_a_burst_of_orders_and_cancels_is_never_one_too_many(venue: str) -> None:
    async with SimExchange([SPOT, LINEAR], venue=venue, accounts=1, seed=5, volatility=0.2) as exchange:
        live = Live(exchange, venue=venue, poll_s=5.0, within_limits=True)
        try:
            await live.ready()
            made = [
                live.submit(symbol, Side.BUY, live.size(symbol), live.far(symbol))
                for symbol in (*[LINEAR] * 11, *[SPOT] * 2)
            ]
            await live.until(lambda: all(live.status(each) is S.NEW for each in made))
            for each in made:
                live.cancel(each)
            await live.until(lambda: all(live.status(each) is S.CANCELED for each in made))
            front = exchange.front
            assert isinstance(front, BybitFront | BitgetFront)
            assert front.budgets.refused == 0
            assert max(front.budgets.most_used.values()) > 5
        finally:
            await live.close()
