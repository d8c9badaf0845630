"""Answers lost, streams mute, sockets cut, tokens expired, fills told twice: at rest we hold the exchange's truth."""

from collections.abc import AsyncIterator

import pytest

from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange
from tests.live_gateway import LINEAR, SPOT, Live

S = OrderStatus
SECOND = 1_000_000_000


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with SimExchange([SPOT, LINEAR], accounts=1) as exchange:
        made = Live(exchange, poll_s=0.7)
        await made.ready()
        yield made
        await made.close()


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
@pytest.mark.parametrize("fault", ["lost_answer", "accepted5xx", "late_answer", "late_new,repeat_fill"])
async def test_an_order_under_a_fault_is_found_out(live: Live, fault: str, symbol: str) -> None:
    for name in fault.split(","):
        live.exchange.faults.set(name, 1)
    taking = live.submit(symbol, Side.BUY, "0.01", None)
    resting = live.submit(symbol, Side.BUY, "0.01", live.far(symbol))
    await live.until(lambda: live.status(taking) is S.FILLED and live.status(resting) is S.NEW)
    live.cancel(resting)
    await live.until(lambda: live.status(resting) is S.CANCELED)
    await live.equal_to_the_exchange()


async def test_a_mute_private_stream_is_noticed_and_replaced(live: Live) -> None:
    live.exchange.faults.trigger("private_silence", 60 * SECOND)
    taking = live.submit(LINEAR, Side.BUY, "0.01", None)
    await live.until(lambda: live.status(taking) is S.FILLED)
    resting = live.submit(SPOT, Side.BUY, "0.01", live.far(SPOT))
    await live.until(lambda: live.status(resting) is S.NEW)
    await live.until(lambda: live.session.silences > 0)
    await live.ready()
    await live.equal_to_the_exchange()


@pytest.mark.parametrize("event", ["close", "expire_tokens", "maintenance"])
async def test_no_new_order_goes_out_until_what_was_missed_is_merged(live: Live, event: str) -> None:
    resting = [live.submit(symbol, Side.BUY, "0.01", live.far(symbol)) for symbol in (SPOT, LINEAR)]
    await live.until(lambda: all(live.status(each) is S.NEW for each in resting))
    live.exchange.faults.trigger(event, SECOND if event == "maintenance" else None)
    if event == "expire_tokens":  # ccxt keeps that to itself: only news that the stream does not tell show it
        live.submit(SPOT, Side.BUY, "0.01", live.far(SPOT))
        live.submit(LINEAR, Side.BUY, "0.01", live.far(LINEAR))
    await live.until(lambda: live.executor.trouble != "")
    refused = live.submit(LINEAR, Side.BUY, "0.01", None)
    assert live.status(refused) is S.REJECTED
    await live.ready()
    for order in list(live.oms.orders.values()):
        if order.is_open:
            live.cancel(order.client_id)
    await live.until(lambda: all(live.status(each) is S.CANCELED for each in resting))
    await live.equal_to_the_exchange()
