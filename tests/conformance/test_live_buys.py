"""A market buy buys exactly what was asked for, at the venues too that count market buys in money."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.views import Context, Role
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.model.enums import MarketKind, Mode, OrderStatus
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.gateway_world import relaxed, symbols_of

BY_COST = [venue for venue in open_venues() if load_dialect(venue).market_buy_by_cost]


@pytest.mark.parametrize("venue", BY_COST)
async def test_a_market_buy_is_exact_and_says_how_it_is_sent(venue: str, tmp_path: Path) -> None:
    symbol = symbols_of(venue, MarketKind.SPOT)[0]
    async with SimExchange([symbol], venue=venue, accounts=1, limits=relaxed(front_of(venue))) as exchange:
        live = LiveOptions(
            account=venue, addresses=exchange.ccxt_urls, given=exchange.front.credentials(exchange.accounts.keys.of(1)),
            poll_s=0.5, keys=tmp_path,
        )  # fmt: skip
        runtime = EngineRuntime(
            EngineOptions(mode=Mode.LIVE, venue=venue, symbols=[symbol], endpoints=exchange.endpoints, live=live)
        )
        await runtime.open()
        engine, running = runtime.engine, asyncio.create_task(runtime.run())

        async def until(condition: Callable[[], bool]) -> None:
            async with asyncio.timeout(25):
                while not condition():
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.01)

        try:
            key = f"{venue}:{symbol}"
            await until(lambda: not engine.executor.trouble)
            await until(lambda: key in engine.data.markets and engine.data.markets[key].live)
            engine.go_live("test")
            market = engine.data.markets[key]
            lot, ask = market.instrument.lot, market.book.best_ask()
            assert ask is not None
            quantity = (Decimal(300) / Decimal(str(ask[0])) // lot + 1) * lot
            desk = Desk(engine, None)
            person = desk.attach(Role.CTL, "test")
            line = f"buy {text_of(quantity)} mkt"
            shown = desk.preview(person, line, Context(key=key))
            assert "counts market buys in money" in shown.lines[0], shown.lines
            reply = await desk.execute(person, line, Context(key=key), True)
            assert reply.ok, reply
            assert "counts market buys in money" in reply.lines[0], reply.lines
            (order,) = engine.oms.orders.values()
            await until(lambda: not engine.oms.orders[order.client_id].is_open)
            (there,) = exchange.accounts.orders.orders(1)
            assert engine.oms.orders[order.client_id].status is OrderStatus.FILLED
            assert there.filled * exchange.listings[0].instrument.lot == quantity
            assert engine.portfolio.position(key).quantity > 0
        finally:
            runtime.stop("test is over")
            await running
            await runtime.close()
