"""What the live executor's ccxt class for OKX mends: each test tells plain ccxt from the mended one on the gateway."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import pytest

from jackbot_tui.execution.live.dialects.okx import DIALECT, corrected
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.sim.okx.front import OkxFront
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.sim.timeline import Timeline
from tests.conformance.test_private_ccxt import Trader, until
from tests.gateway_world import relaxed
from tests.live_gateway import Live

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
BOTH = pytest.mark.parametrize("mended", [False, True], ids=["plain", "mended"])
MANY = 120


@asynccontextmanager
async def trading(symbol: str, *, mended: bool, secret: str = "") -> AsyncIterator[Trader]:
    import ccxt.pro

    sim = SimExchange(
        [symbol], venue="okx", seed=17, manual=True, volatility=0.2, start_ns=time.time_ns(),
        limits=relaxed(front_of("okx")), accounts=1,
    )  # fmt: skip
    async with sim, asyncio.timeout(25):
        await sim.step(1)
        key = sim.accounts.keys.of(1)
        made = (corrected(ccxt.pro.okx) if mended else ccxt.pro.okx)(
            {
                "apiKey": key.key,
                "secret": secret or key.secret,
                "password": key.passphrase,
                "enableRateLimit": False,
                "options": dict(DIALECT.options),
            }
        )
        made.urls["api"].update(sim.ccxt_urls)
        try:
            yield Trader(sim, made, symbol)
        finally:
            await made.close()


@BOTH
async def test_loading_markets_signs_nothing(mended: bool) -> None:
    async with trading(SPOT, mended=mended, secret="not the key's") as trader:
        if mended:
            assert SPOT in await trader.call("load_markets")
        else:
            with pytest.raises(ccxt.AuthenticationError):
                await trader.call("load_markets")


@BOTH
async def test_more_than_a_page_of_own_trades_is_found(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        began = int(time.time() * 1000) - 60_000
        lot = trader.listing.instrument.lot
        while len(trader.accounts.orders.fills(1)) < MANY:
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=2_000 * lot))
        await trader.call("load_markets")
        found = await trader.call("fetch_my_trades", SPOT, began, 500)
        truth = [str(fill.trade_id) for fill in trader.accounts.orders.fills(1)]
        assert (sorted(trade["id"] for trade in found) == sorted(truth)) is mended
        order = trader.orders[0]
        mine = await trader.call("fetch_my_trades", SPOT, None, 500, {"ordId": str(order.order_id)})
        fills = trader.accounts.orders.fills(1, trader.key, order.order_id)
        assert sorted(trade["id"] for trade in mine) == sorted(str(fill.trade_id) for fill in fills)


@BOTH
async def test_sockets_are_signed_in_by_the_venues_clock(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        await trader.call("load_markets")
        trader.sim.timeline.slip(45_000_000_000)  # our clock is 45 s behind
        await trader.client.load_time_difference()
        watching = asyncio.ensure_future(trader.client.watch_balance())
        if mended:
            assert (await trader.hear(watching))["USDT"]["total"] == 100_000
        else:
            with pytest.raises(ccxt.InvalidNonce):
                await trader.hear(watching)


@BOTH
async def test_more_than_a_page_of_open_orders_is_found(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        instrument = trader.listing.instrument
        for number in range(MANY):
            price = 30_000 + number * instrument.tick
            trader.accounts.submit(
                1, OrderSpec(key=trader.key, side=Side.BUY, quantity=2_000 * instrument.lot, price=price)
            )
        await trader.call("load_markets")
        found = await trader.call("fetch_open_orders", SPOT)
        assert len({order["id"] for order in found}) == (MANY if mended else 100)


@BOTH
async def test_fees_of_streamed_trades_are_paid_and_not_received(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        await trader.call("load_markets")
        watching = asyncio.ensure_future(trader.client.watch_my_trades(SPOT))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) > 0)
        await trader.buy(trader.amount(500), clientOrderId="ours1")
        (trade, *_) = await trader.hear(watching)
        (fill, *_) = trader.accounts.orders.fills(1)
        assert trade["fee"]["cost"] == pytest.approx(float(fill.fee) * (1 if mended else -1))
        assert trade.get("clientOrderId") == ("ours1" if mended else None)


@BOTH
async def test_what_follows_from_a_stop_is_told_under_its_own_id(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        await trader.buy(trader.amount(5000))
        stop = await trader.sell(trader.amount(2000), stopLossPrice=trader.price(0.9995), reduceOnly=True)
        watching = asyncio.ensure_future(trader.client.watch_orders(LINEAR))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.LINEAR) > 0)
        depth = sum(size for _, size in trader.sim.engine(LINEAR).depth(Side.BUY))
        trader.crowd_sells(depth, trader.price(0.999))
        (told, *_) = await trader.hear(watching)
        followed = trader.accounts.orders.order(1, trader.key, int(stop["id"]))
        assert followed is not None
        assert told["id"] == (str(followed.child_id) if mended else stop["id"])


@BOTH
@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
async def test_stops_keep_our_id_and_are_no_margin_orders(symbol: str, mended: bool) -> None:
    async with trading(symbol, mended=mended) as trader:
        await trader.call("load_markets")
        await trader.buy(trader.amount(5000))
        stop: dict[str, Any] = {"stopLossPrice": trader.price(0.9), "clientOrderId": "ours1"}
        if symbol == SPOT and not mended:
            with pytest.raises(ccxt.AccountNotEnabled):
                await trader.sell(trader.amount(2000), **stop)
            return
        made = await trader.sell(trader.amount(2000), **stop)
        waiting = trader.orders[-1]
        assert (waiting.waiting, made["id"]) == (True, str(waiting.order_id))
        assert (waiting.client_id == "ours1") is mended


@BOTH
async def test_a_spot_market_order_beyond_the_balance_is_refused_and_not_cut_to_it(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        await trader.call("load_markets")
        if mended:
            with pytest.raises(ccxt.InsufficientFunds):
                await trader.sell(3.0)
            assert trader.orders == []
        else:
            await trader.sell(3.0)
            assert trader.orders[0].quantity * trader.listing.instrument.lot == 2


async def test_orders_keep_to_the_margin_mode_that_was_set_or_that_the_position_has() -> None:
    async with trading(LINEAR, mended=True) as trader:
        await trader.call("load_markets")
        await trader.call("set_margin_mode", "isolated", LINEAR)
        await trader.call("set_leverage", 4, LINEAR)
        await trader.buy(trader.amount(2000))
        setting = trader.accounts.positions.setting(1, trader.key)
        assert (setting.isolated, int(setting.leverage)) == (True, 4)
        trader.client.margin_modes.clear()  # as after a restart
        await trader.call("fetch_positions")
        await trader.sell(trader.amount(2000), reduceOnly=True)
        assert trader.accounts.positions.position(1, trader.key).lots == 0


async def test_the_accounts_dead_man_switch_is_wound_once_for_both_kinds_and_taken_back_by_the_last() -> None:
    import ccxt.pro

    async with trading(SPOT, mended=True) as trader:
        key, kinds = trader.sim.accounts.keys.of(1), ("spot", "swap")
        clients = {
            kind: corrected(ccxt.pro.okx)(
                {
                    "apiKey": key.key, "secret": key.secret, "password": key.passphrase, "enableRateLimit": False,
                    "options": {**DIALECT.options, "defaultType": kind},
                }
            )
            for kind in kinds
        }  # fmt: skip
        dead_man = DIALECT.dead_man[MarketKind.SPOT]

        async def wind(kind: str, seconds: int) -> None:
            trader.sync()
            await getattr(clients[kind], dead_man.call)(dead_man.request("BTC-USDT", seconds * 1000))

        try:
            for client in clients.values():
                client.urls["api"].update(trader.sim.ccxt_urls)
                client.open()
            await trader.call("load_markets")
            await trader.buy(trader.amount(500), trader.price(0.9))
            for kind in kinds:
                await wind(kind, 10)
            await wind("spot", 0)
            await trader.sim.step(9.9)
            assert len(trader.accounts.orders.open_orders(1)) == 1
            await trader.sim.step(0.2)
            assert trader.accounts.orders.open_orders(1) == []
            await wind("swap", 0)
            await trader.buy(trader.amount(500), trader.price(0.9))
            await wind("spot", 10)
            await wind("spot", 0)
            await trader.sim.step(11)
            assert len(trader.accounts.orders.open_orders(1)) == 1
        finally:
            for client in clients.values():
                await client.close()


@pytest.mark.parametrize(
    ("role", "rights"),
    [(KeyRole.READER, (False, False)), (KeyRole.TRADER, (True, False)), (KeyRole.OWNER, (True, True))],
)
async def test_what_a_key_may_do_is_read(role: KeyRole, rights: tuple[bool, bool]) -> None:
    async with trading(SPOT, mended=True) as trader:
        key = trader.sim.accounts.keys.of(1, role)
        client = trader.client
        client.apiKey, client.secret, client.password = key.key, key.secret, key.passphrase
        assert DIALECT.rights is not None
        said = DIALECT.rights.read(await trader.call(DIALECT.rights.call), MarketKind.SPOT)
        assert (said.may_trade, said.may_withdraw) == rights


async def test_a_start_a_reconnect_and_a_burst_of_orders_stay_within_the_venues_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with SimExchange([SPOT, LINEAR], venue="okx", accounts=1, seed=5, manual=True) as exchange:
        await exchange.step(1)
        monkeypatch.setattr(Timeline, "now_ms", lambda timeline: time.time_ns() // 1_000_000)  # both by one clock
        live = Live(exchange, venue="okx", poll_s=0.7)
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
            assert isinstance(exchange.front, OkxFront)
            budgets = exchange.front.budgets
            assert (budgets.refused, max(budgets.most_used.values()) > 3) == (0, True)
        finally:
            await live.close()
