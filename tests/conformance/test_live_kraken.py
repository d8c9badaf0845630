"""What the live executor's ccxt classes for Kraken mend: each test tells plain ccxt from the mended on the gateway."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import ccxt
import pytest

from jackbot_tui.execution.live.dialect import KeyRights
from jackbot_tui.execution.live.dialects.kraken import DIALECT, corrected
from jackbot_tui.feeds.limiter import Lane, RateLimiter
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.sim.kraken.private_limits import HISTORY_COST, REST, TRADING, DecayingCounters
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.venues import load_spec
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.conformance.test_private_ccxt import Trader, until
from tests.gateway_world import relaxed

SPOT, LINEAR = "BTC/USD", "BTC/USD:USD"
BOTH = pytest.mark.parametrize("mended", [False, True], ids=["plain", "mended"])
KINDS = pytest.mark.parametrize("symbol", [SPOT, LINEAR], ids=["spot", "linear"])


@asynccontextmanager
async def trading(symbol: str, *, mended: bool, role: KeyRole = KeyRole.TRADER) -> AsyncIterator[Trader]:
    import ccxt.pro

    sim = SimExchange(
        [SPOT, LINEAR], venue="kraken", seed=17, manual=True, volatility=0.2, start_ns=time.time_ns(),
        limits=relaxed(front_of("kraken")), accounts=1,
    )  # fmt: skip
    name = "krakenfutures" if ":" in symbol else "kraken"
    async with sim, asyncio.timeout(25):
        await sim.step(1)
        key = sim.accounts.keys.of(1, role)
        plain = getattr(ccxt.pro, name)
        made = (corrected(plain) if mended else plain)(
            {"apiKey": key.key, "secret": key.secret, "enableRateLimit": False}
        )
        made.urls["api"] = made.deep_extend(made.urls["api"], sim.ccxt_urls[name])
        try:
            trader = Trader(sim, made, symbol)
            await trader.call("load_markets")
            yield trader
        finally:
            await made.close()


@KINDS
@BOTH
async def test_an_order_is_found_by_its_client_id_open_or_ended(mended: bool, symbol: str) -> None:
    async with trading(symbol, mended=mended) as trader:
        made = await trader.buy(trader.amount(2000), trader.price(0.97), clientOrderId="ours-1")
        asked = {"clientOrderId": "ours-1"}
        if not mended:
            with pytest.raises((ccxt.BaseError, TypeError)):
                await trader.call("fetch_order", None, symbol, asked)
            return
        found = await trader.call("fetch_order", None, symbol, asked)
        assert (found["id"], found["status"]) == (made["id"], "open")
        await trader.call("cancel_order", None, symbol, asked)
        found = await trader.call("fetch_order", None, symbol, asked)
        assert (found["id"], found["status"]) == (made["id"], "canceled")
        await trader.buy(trader.amount(2000), clientOrderId="ours-2")
        found = await trader.call("fetch_order", None, symbol, {"clientOrderId": "ours-2"})
        assert (found["status"], trader.lots(found["filled"])) == ("closed", trader.orders[-1].quantity)
        with pytest.raises(ccxt.BaseError) as failed:
            await trader.call("fetch_order", None, symbol, {"clientOrderId": "ours-3"})
        names = [each.__name__ for each in type(failed.value).__mro__]
        assert classify(DIALECT.errors, names, str(failed.value)).kind is ErrorKind.RESYNC


@BOTH
async def test_an_amend_is_answered_with_the_orders_own_id(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        made = await trader.buy(trader.amount(2000), trader.price(0.97))
        amount, price = trader.amount(3000), trader.price(0.96)
        told = await trader.call("edit_order", made["id"], SPOT, "limit", "buy", amount, price)
        assert (told["id"] == made["id"]) is mended


@BOTH
async def test_a_request_whose_nonce_was_overtaken_is_signed_again(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        await trader.call("fetch_balance")
        count, client = trader.client.incrementing_nonce, trader.client
        nonces = iter([1, *[None] * 9])
        client.incrementing_nonce = lambda: next(nonces) or count()
        if mended:
            await trader.buy(trader.amount(2000), trader.price(0.97))
            assert len(trader.orders) == 1
        else:
            with pytest.raises(ccxt.InvalidNonce):
                await trader.buy(trader.amount(2000), trader.price(0.97))


@KINDS
@BOTH
async def test_more_than_a_page_of_own_trades_is_found(mended: bool, symbol: str) -> None:
    async with trading(symbol, mended=mended) as trader:
        lot, since = trader.listing.instrument.lot, trader.sim.timeline.now_ms() - 5_000
        quantity = trader.listing.instrument.min_qty or lot
        while len(trader.accounts.orders.fills(1)) < 130:
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=quantity))
            await trader.sim.step(0.01)
        found = await trader.call("fetch_my_trades", symbol, since, 500)
        fills = trader.accounts.orders.fills(1)
        assert (len(found) == len(fills)) is mended
        assert len({trade["id"] for trade in found}) == len(found)


async def test_reading_own_trades_goes_on_where_it_was_refused() -> None:
    async with trading(SPOT, mended=True) as trader:
        client, since = trader.client, trader.sim.timeline.now_ms() - 9_000
        quantity = trader.listing.instrument.min_qty or trader.listing.instrument.lot
        ask, asked = client.privatePostTradesHistory, []

        async def trade(many: int) -> None:
            trader.sync()
            trader.sim.timeline.slip(-many * 20 * NS_PER_MS)  # so that it has caught up with the wall in the end
            for _ in range(many):
                trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=quantity))
                await trader.sim.step(0.02)

        async def sparing(params: Any) -> Any:
            asked.append(params)
            if len(asked) % 4 == 0:
                raise ccxt.RateLimitExceeded("EAPI:Rate limit exceeded")
            return await ask(params)

        async def found() -> int:
            for _ in range(8):
                with suppress(ccxt.RateLimitExceeded):
                    shown = await trader.call("fetch_my_trades", SPOT, since, 500)
                    return len({each["id"] for each in shown})
            raise AssertionError("it never ends")

        client.privatePostTradesHistory = sparing
        await trade(260)
        assert await found() == len(trader.accounts.orders.fills(1))
        asked.clear()
        await asyncio.sleep(0.1)
        await trade(3)
        assert await found() == len(trader.accounts.orders.fills(1))
        assert len(asked) <= 2, "a page or two tell what is new"


@BOTH
async def test_streamed_orders_of_spot_keep_their_market_their_id_and_what_is_filled(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        client = trader.client
        trader.sync()
        watching = asyncio.ensure_future(client.watch_orders(SPOT))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) > 0)
        made = await trader.buy(trader.amount(4000), trader.inside(), clientOrderId="ours-1")
        await trader.hear(watching)
        trader.crowd_sells(trader.orders[0].quantity // 4, trader.price(1))
        await trader.sim.step(0.05)
        await trader.call("cancel_order", made["id"], SPOT)
        await until(trader, lambda: any(order["status"] == "canceled" for order in client.orders))
        shown = [order for order in client.orders if order["id"] == made["id"]]
        if not mended:
            assert {order["symbol"] for order in shown} == {SPOT, None}
            assert {order["clientOrderId"] for order in shown} == {"0"}
            return
        (order,) = shown
        assert (order["symbol"], order["clientOrderId"], order["status"]) == (SPOT, "ours-1", "canceled")
        assert trader.lots(order["filled"]) == trader.orders[0].filled > 0


@BOTH
async def test_immediate_orders_of_derivatives_do_not_rest_and_what_is_left_is_over(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        price = trader.price(0.99)
        if not mended:
            for tif in ("IOC", "FOK"):
                await trader.buy(trader.amount(2000), price, timeInForce=tif)
                assert trader.orders[-1].is_open
            return
        for tif in ("IOC", "FOK"):
            with pytest.raises(ccxt.OrderNotFillable):
                await trader.buy(trader.amount(2000), price, timeInForce=tif)
        assert not any(order.is_open for order in trader.orders)
        engine, now = trader.sim.engine(LINEAR), trader.sim.timeline.elapsed_ns
        best = engine.best_ask
        assert best is not None
        for order in engine.queue_at(Side.SELL, best):
            engine.cancel(order.order_id, now=now)
        engine.submit(Side.SELL, 2, best, now=now)
        touch = float(best * trader.listing.instrument.tick)
        told = await trader.buy(trader.amount(2000), touch, timeInForce="IOC")
        assert (told["status"], trader.lots(told["filled"])) == ("canceled", 2)
        assert trader.orders[-1].status is OrderStatus.EXPIRED


@BOTH
async def test_an_edit_of_derivatives_names_the_whole_quantity(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        amount, price = trader.amount(4000), trader.inside()
        made = await trader.buy(amount, price)
        trader.crowd_sells(trader.lots(amount) // 4, price)
        await trader.call("edit_order", made["id"], LINEAR, "limit", "buy", amount, price)
        assert (trader.orders[0].quantity == trader.lots(amount)) is mended


@BOTH
async def test_streamed_orders_of_derivatives_count_each_fill_once_and_end(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        client = trader.client
        trader.sync()
        watching = asyncio.ensure_future(client.watch_orders(LINEAR))
        trades = asyncio.ensure_future(client.watch_my_trades(LINEAR))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.LINEAR) > 0)
        made = await trader.buy(trader.amount(4000), trader.inside(), clientOrderId="ours-1")
        await trader.hear(watching)
        part = trader.orders[0].quantity // 4
        for _ in range(2):
            trader.crowd_sells(part, trader.price(1))
            await trader.sim.step(0.05)
        await trader.hear(trades)
        await until(trader, lambda: len(client.myTrades) == 2)
        (order,) = [order for order in client.orders if order["id"] == made["id"]]
        wrong = None if order["filled"] is None else trader.lots(float(order["filled"])) != 2 * part
        assert bool(wrong) is not mended
        assert (order["clientOrderId"] == "ours-1") is mended
        if mended:
            assert client.myTrades[0]["clientOrderId"] == "ours-1"
            await trader.call("cancel_order", made["id"], LINEAR)
            await until(trader, lambda: client.orders[-1]["status"] == "canceled")


async def test_a_position_that_is_gone_is_told_flat() -> None:
    async with trading(LINEAR, mended=True) as trader:
        trader.sync()

        async def told() -> list[Any]:
            return list(await trader.hear(asyncio.ensure_future(trader.client.watch_positions())))

        assert await told() == []
        await trader.buy(trader.amount(3000))
        (held,) = [row for row in await told() if row["contracts"]]
        assert held["side"] == "long"
        await trader.sell(trader.amount(3000), reduceOnly=True)
        shown = await told()
        while any(row["contracts"] for row in shown):
            shown = await told()
        assert [(row["symbol"], row["contracts"]) for row in shown] == [(LINEAR, 0)]


async def test_margin_modes_of_derivatives_follow_from_leverage() -> None:
    async with trading(LINEAR, mended=True) as trader:
        setting = trader.accounts.positions.setting(1, trader.key)
        await trader.call("set_leverage", 7, LINEAR)
        assert not setting.isolated, "a leverage alone does not make a cross product isolated"
        await trader.call("set_margin_mode", "isolated", LINEAR)
        await trader.call("set_leverage", 7, LINEAR)
        assert (setting.isolated, int(setting.leverage)) == (True, 7)
        await trader.call("set_margin_mode", "cross", LINEAR)
        assert not setting.isolated


def test_private_requests_of_spot_stay_within_krakens_counters() -> None:
    rng, spec = random.Random(7), load_spec("kraken").markets[MarketKind.SPOT]
    limiter, weights = RateLimiter(spec.rate_limits, rng), DIALECT.weights_of(MarketKind.SPOT)
    rest, trading_engine = DecayingCounters(REST), DecayingCounters(TRADING)
    sent = 0
    for ms in range(0, 600_000, 40):
        name = rng.choice(["order", "open_orders", "trades", "balance", "create"])
        making = name == "create"
        if limiter.reserve(getattr(weights, name), Lane.URGENT, ms * NS_PER_MS, orders=making, purpose="private"):
            continue
        points = {"order": 2, "trades": HISTORY_COST}.get(name, 1)
        assert (trading_engine if making else rest).admit(("key",), points, ms), name
        sent += 1
    assert sent > 600


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (KeyRole.READER, KeyRights(may_trade=False, may_withdraw=False)),
        (KeyRole.TRADER, KeyRights(may_trade=True, may_withdraw=False)),
        (KeyRole.OWNER, KeyRights(may_trade=True, may_withdraw=True)),
    ],
)
async def test_a_keys_rights_are_read(role: KeyRole, rights: KeyRights) -> None:
    async with trading(SPOT, mended=True, role=role) as trader:
        rule = DIALECT.rights
        assert rule is not None
        assert rule.read(await trader.call(rule.call), MarketKind.SPOT) == rights


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('kraken {"error":["EOrder:Post only order"]}', ErrorKind.REJECTED),
        ('kraken {"error":["EGeneral:Invalid arguments:volume"]}', ErrorKind.REJECTED),
        ('kraken {"error":["EAPI:Invalid nonce"]}', ErrorKind.RETRYABLE),
        ('kraken {"error":["EService:Deadline elapsed"]}', ErrorKind.UNKNOWN),
        ('kraken {"error":["EService:Market in cancel_only mode"]}', ErrorKind.RETRYABLE),
        ("krakenfutures: createOrder failed due to insufficientAvailableFunds", ErrorKind.REJECTED),
        ("krakenfutures: cancelOrder failed due to filled", ErrorKind.RESYNC),
        ('krakenfutures {"result":"error","error":"apiLimitExceeded"}', ErrorKind.RETRYABLE),
        ('krakenfutures {"result":"error","error":"Server Error"}', ErrorKind.UNKNOWN),
        ("krakenfutures something else", ErrorKind.UNKNOWN),
    ],
)
def test_errors_are_read_whatever_class_ccxt_gives_them(text: str, kind: ErrorKind) -> None:
    assert classify(DIALECT.errors, ["ExchangeError", "BaseError"], text).kind is kind
