"""A venue that says "too many requests" is left alone for a while, in whatever words it says so."""

import pytest

from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.venues.errors import ErrorKind
from tests.live_gateway import LINEAR, SPOT, Live

LONGEST_S = {"bitget": 1.2, "bybit": 1.2}
"""Where pages count by the second, cancels must not wait for longer."""


@pytest.mark.parametrize("kind", [MarketKind.SPOT, MarketKind.LINEAR])
@pytest.mark.parametrize("venue", ["binance", "bitget", "bybit", "gateio", "mexc"])
async def test_a_refusal_for_too_many_requests_pauses_our_own(venue: str, kind: MarketKind) -> None:
    symbol = SPOT if kind is MarketKind.SPOT else LINEAR
    async with SimExchange([symbol], venue=venue, accounts=1) as exchange:
        live = Live(exchange, venue=venue, poll_s=600.0)
        try:
            await live.ready()
            client = live.executor.client_of(f"{venue}:{symbol}")
            limiter = client._gate.limiter
            assert limiter.paused_s(live.clock.now_ns()) == 0
            exchange.faults.set("rest429", 1)
            before = live.clock.now_ns()
            with pytest.raises(VenueFailure) as failed:
                await client.open_orders(symbol)
            assert failed.value.kind is ErrorKind.RETRYABLE
            assert limiter.paused_s(before) > 0
            assert limiter.paused_s(live.clock.now_ns()) <= LONGEST_S.get(venue, 10.0)
        finally:
            await live.close()
