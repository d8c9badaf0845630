"""What the live executor's ccxt class for Crypto.com mends: each test tells plain ccxt from the mended one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ccxt
import pytest

from jackbot_tui.execution.live.dialects.cryptocom import DIALECT, corrected
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.cryptocom.front import CryptocomFront
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.sim.timeline import Timeline
from tests.conformance.test_private_ccxt import Trader, until
from tests.gateway_world import relaxed
from tests.live_gateway import Live

SPOT, LINEAR = "BTC/USDT", "BTC/USD:USD"
BOTH = pytest.mark.parametrize("mended", [False, True], ids=["plain", "mended"])
MANY = 120


@asynccontextmanager
async def trading(symbol: str, *, mended: bool, limited: bool = False) -> AsyncIterator[Trader]:
    import ccxt.pro

    front = front_of("cryptocom")
    sim = SimExchange(
        [symbol], venue="cryptocom", seed=17, manual=True, volatility=0.2, start_ns=time.time_ns(),
        limits=None if limited else relaxed(front), accounts=1,
    )  # fmt: skip
    async with sim, asyncio.timeout(25):
        await sim.step(1)
        key = sim.accounts.keys.of(1)
        made = (corrected(ccxt.pro.cryptocom) if mended else ccxt.pro.cryptocom)(
            {"apiKey": key.key, "secret": key.secret, "enableRateLimit": False, "options": dict(DIALECT.options)}
        )
        made.urls["api"].update(sim.ccxt_urls)
        try:
            trader = Trader(sim, made, symbol)
            await trader.call("load_markets")
            yield trader
        finally:
            await made.close()


@pytest.mark.parametrize("asks", [False, True])
async def test_loading_markets_signs_nothing_with_our_options(asks: bool) -> None:
    async with trading(SPOT, mended=False) as trader:
        trader.client.secret = "not the key's"
        trader.client.options["fetchCurrencies"] = {} if asks else DIALECT.options["fetchCurrencies"]
        if asks:
            with pytest.raises(ccxt.AuthenticationError):
                await trader.call("load_markets", True)
        else:
            assert SPOT in await trader.call("load_markets", True)


@BOTH
async def test_client_ids_arrive(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        await trader.buy(trader.amount(500), trader.price(0.97), clientOrderId="ours1")
        assert (trader.orders[0].client_id == "ours1") is mended


@BOTH
async def test_an_order_is_asked_for_and_canceled_by_our_id(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        made = await trader.buy(trader.amount(500), trader.price(0.97), client_oid="ours1")
        ours = {"client_oid": "ours1"}
        if not mended:
            with pytest.raises(ccxt.AuthenticationError):
                await trader.call("fetch_order", None, SPOT, ours)
            return
        found = await trader.call("fetch_order", None, SPOT, ours)
        assert (found["id"], found["clientOrderId"]) == (made["id"], "ours1")
        await trader.call("cancel_order", None, SPOT, ours)
        assert not trader.orders[0].is_open


@BOTH
async def test_reduce_only_goes_with_post_only(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.buy(trader.amount(3000))
        selling = trader.sell(trader.amount(1000), trader.price(1.02), reduceOnly=True, postOnly=True)
        if not mended:
            with pytest.raises(ccxt.AuthenticationError):
                await selling
            return
        await selling
        assert (trader.orders[-1].reduce_only, trader.orders[-1].post_only) == (True, True)


@BOTH
@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
async def test_stops_go_to_the_method_that_takes_them(symbol: str, mended: bool) -> None:
    async with trading(symbol, mended=mended) as trader:
        await trader.buy(trader.amount(5000))
        selling = trader.sell(trader.amount(2000), stopLossPrice=trader.price(0.9), client_oid="stop1")
        if not mended:
            with pytest.raises(ccxt.ExchangeError):
                await selling
            return
        made = await selling
        assert (trader.orders[-1].waiting, trader.orders[-1].client_id) == (True, "stop1")
        assert await trader.call("fetch_open_orders", symbol) == []
        (shown,) = await trader.call("fetch_open_orders", symbol, None, None, {"trigger": True})
        found = await trader.call("fetch_order", None, symbol, {"client_oid": "stop1", "trigger": True})
        assert (shown["id"], found["id"], found["status"]) == (made["id"], made["id"], "open")
        assert found["triggerPrice"] == pytest.approx(trader.price(0.9), rel=1e-3)
        await trader.call("cancel_order", made["id"], symbol, {"trigger": True})
        assert not trader.orders[-1].is_open


@BOTH
async def test_more_than_a_page_of_own_trades_is_found(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        began = int(time.time() * 1000) - 60_000
        lot = trader.listing.instrument.lot
        while len(trader.accounts.orders.fills(1)) < MANY:
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=10 * lot))
        found = await trader.call("fetch_my_trades", SPOT, began, 500)
        truth = [str(fill.trade_id) for fill in trader.accounts.orders.fills(1)]
        assert ([trade["id"] for trade in found] == truth) is mended


@BOTH
async def test_own_trades_of_the_stream_are_told_once_and_apart_from_public_ones(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        watching = asyncio.ensure_future(trader.client.watch_my_trades(SPOT))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) > 0)
        await trader.buy(trader.amount(300), client_oid="ours1")
        await trader.hear(watching)
        truth = [str(fill.trade_id) for fill in trader.accounts.orders.fills(1)]
        kept = trader.client.myTrades if mended else trader.client.trades[SPOT]
        await until(trader, lambda: {trade["id"] for trade in kept} == set(truth))
        assert ([trade["id"] for trade in kept] == truth) is mended
        assert {trade.get("clientOrderId") for trade in kept} == ({"ours1"} if mended else {None})
        assert (trader.client.trades == {}) is mended


@BOTH
async def test_positions_have_an_entry_price_and_no_invented_margin(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.sell(trader.amount(3000))
        (position,) = await trader.call("fetch_positions")
        view = trader.accounts.positions.view(1, trader.key)
        entry = pytest.approx(float(view.entry), rel=1e-6) if mended else None
        assert position["entryPrice"] == entry
        assert (position["collateral"] is None, position["marginMode"]) == (mended, "cross" if mended else None)


@BOTH
async def test_a_refused_subscription_is_told(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        trader.sync()
        refused = asyncio.ensure_future(trader.client.watch_private_subscribe("user.nothing"))
        await until(trader, lambda: bool(trader.client.clients))
        if mended:
            with pytest.raises(Exception, match="40004"):
                await trader.hear(refused)
            return
        await trader.hear(asyncio.ensure_future(trader.client.watch_balance()))  # answered after it, on the same socket
        assert not refused.done()
        refused.cancel()


@BOTH
async def test_requests_are_spaced_as_the_venue_limits_them(mended: bool) -> None:
    async with trading(SPOT, mended=mended, limited=True) as trader:
        waits: list[float] = []

        async def let_time_pass(milliseconds: float) -> None:
            waits.append(milliseconds)
            await asyncio.sleep(milliseconds / 1000)  # ccxt measures by the wall
            await trader.sim.step(milliseconds / 1000)

        trader.client.sleep = let_time_pass
        await trader.call("fetch_my_trades", SPOT)
        if mended:
            await trader.call("fetch_my_trades", SPOT)
            assert 0 < waits[0] <= 1_200
        else:
            with pytest.raises(ccxt.RateLimitExceeded):
                await trader.call("fetch_my_trades", SPOT)


async def test_leverage_is_set_for_the_account_and_isolated_positions_are_declined() -> None:
    async with trading(LINEAR, mended=True) as trader:
        await trader.call("set_margin_mode", "cross", LINEAR)
        await trader.call("set_leverage", 30, LINEAR)
        assert int(trader.accounts.positions.setting(1, trader.key).leverage) == 30
        with pytest.raises(Exception, match="cross"):
            await trader.call("set_margin_mode", "isolated", LINEAR)


async def test_a_start_a_reconnect_and_a_burst_of_orders_stay_within_the_venues_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with SimExchange([SPOT, LINEAR], venue="cryptocom", accounts=1, seed=5, manual=True) as exchange:
        await exchange.step(1)
        monkeypatch.setattr(Timeline, "now_ms", lambda timeline: time.time_ns() // 1_000_000)  # both by one clock
        live = Live(exchange, venue="cryptocom", poll_s=0.7)
        try:
            await live.ready()
            made = [
                live.submit(symbol, Side.BUY, live.size(symbol), live.far(symbol))
                for symbol in (SPOT, LINEAR)
                for _ in range(10)
            ]
            await live.until(lambda: all(live.status(each) is OrderStatus.NEW for each in made))
            exchange.faults.trigger("close")
            await live.until(lambda: live.executor.trouble != "")
            await live.ready()
            for each in made:
                live.cancel(each)
            await live.until(lambda: not live.oms.open_orders())
            await live.equal_to_the_exchange()
            assert isinstance(exchange.front, CryptocomFront)
            budgets = exchange.front.budgets
            assert (budgets.refused, max(budgets.most_used.values()) > 3) == (0, True)
        finally:
            await live.close()
