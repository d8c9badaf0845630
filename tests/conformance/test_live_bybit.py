"""What the live executor's ccxt class for Bybit mends: each test tells plain ccxt from the mended on the gateway."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ccxt
import pytest

from jackbot_tui.execution.live.dialects.bybit import DIALECT, corrected
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.conformance.test_private_ccxt import Trader, until
from tests.gateway_world import relaxed
from tests.live_gateway import Live

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
BOTH = pytest.mark.parametrize("mended", [False, True], ids=["plain", "mended"])
MANY = 120


@asynccontextmanager
async def trading(
    symbol: str, *, mended: bool, secret: str = "", role: KeyRole = KeyRole.TRADER
) -> AsyncIterator[Trader]:
    import ccxt.pro

    sim = SimExchange(
        [SPOT, LINEAR], venue="bybit", seed=17, manual=True, volatility=0.2, start_ns=time.time_ns(),
        limits=relaxed(front_of("bybit")), accounts=1,
    )  # fmt: skip
    async with sim, asyncio.timeout(25):
        await sim.step(1)
        key = sim.accounts.keys.of(1, role)
        made = (corrected(ccxt.pro.bybit) if mended else ccxt.pro.bybit)(
            {
                "apiKey": key.key,
                "secret": secret or key.secret,
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
async def test_an_order_is_found_by_its_client_id_alone_open_or_ended(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        made = await trader.buy(trader.amount(2000), trader.price(0.97), clientOrderId="ours-1")
        asked = {"acknowledged": True, "orderLinkId": "ours-1"}
        if not mended:
            with pytest.raises(ccxt.OrderNotFound):
                await trader.call("fetch_order", None, LINEAR, asked)
            return
        assert (await trader.call("fetch_order", None, LINEAR, asked))["status"] == "open"
        await trader.call("cancel_order", made["id"], LINEAR)
        assert (await trader.call("fetch_order", None, LINEAR, asked))["status"] == "canceled"


@BOTH
async def test_more_than_a_page_of_own_trades_is_found(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        began = int(time.time() * 1000) - 60_000
        lot = trader.listing.instrument.lot
        while len(trader.accounts.orders.fills(1)) < MANY:
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=2_000 * lot))
        await trader.call("load_markets")
        found = await trader.call("fetch_my_trades", SPOT, began, 500)
        assert (len({trade["id"] for trade in found}) == len(trader.accounts.orders.fills(1))) is mended


@BOTH
async def test_a_fill_is_found_however_long_ago_the_question_begins(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        await trader.buy(trader.amount(2000))
        long_ago = int(time.time() * 1000) - 10 * 86_400_000
        found = await trader.call("fetch_my_trades", LINEAR, long_ago)
        assert bool(found) is mended


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
        assert len({order["id"] for order in found}) == (MANY if mended else 20)


@BOTH
async def test_trades_of_a_liquidation_are_own_trades(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        amount = trader.amount(3000)
        await trader.buy(amount)
        bought = len(trader.accounts.orders.fills(1))
        trader.accounts.desks[trader.key].place_liquidation(1, Side.SELL, trader.lots(amount), "liquidation")
        found = await trader.call("fetch_my_trades", LINEAR)
        assert len(found) == (len(trader.accounts.orders.fills(1)) if mended else bought)


@BOTH
async def test_a_streamed_order_is_of_the_market_that_its_category_names(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        told = trader.client.parse_order({"category": "linear", "symbol": "BTCUSDT", "orderId": "1", "side": "Buy"})
        assert (told["symbol"] == LINEAR) is mended


@BOTH
async def test_streamed_money_is_what_the_page_says(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        watching = asyncio.ensure_future(trader.client.watch_balance())
        heard = [asyncio.ensure_future(getattr(trader.client, f"watch_{name}")()) for name in ("orders", "my_trades")]
        heard.append(asyncio.ensure_future(trader.client.watch_positions()))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.LINEAR) > 0)
        await trader.buy(trader.amount(40_000))
        told = (await trader.hear(watching))["USDT"]
        asked = (await trader.call("fetch_balance"))["USDT"]
        assert (told["used"] == pytest.approx(asked["used"], rel=0.01)) is mended
        assert (told["total"] == asked["total"]) is mended
        for future in heard:
            future.cancel()


@BOTH
async def test_positions_are_asked_for_whatever_they_settle_in(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        plain, asked = trader.client.privateGetV5PositionList, []

        async def listening(request: dict[str, str]) -> object:
            asked.append(request["settleCoin"])
            return await plain(request)

        trader.client.privateGetV5PositionList = listening
        await trader.call("fetch_positions", None, {"type": "swap", "subType": "linear"})
        assert asked == (["USDT", "USDC"] if mended else ["USDT"])


@BOTH
async def test_a_position_has_the_margin_mode_of_the_account(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        await trader.call("set_margin_mode", "isolated", LINEAR)
        await trader.buy(trader.amount(3000))
        (position,) = await trader.call("fetch_positions")
        assert position["marginMode"] == ("isolated" if mended else None)


@BOTH
async def test_a_stream_is_signed_in_to_by_the_venues_clock(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        await trader.call("load_markets")
        trader.sim.faults.set("skew", "40s")
        await trader.sim.step(0.02)
        await trader.client.load_time_difference()
        names = ("orders", "my_trades", "balance")
        watching = [asyncio.ensure_future(getattr(trader.client, f"watch_{name}")()) for name in names]
        if mended:
            await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) > 0)
        else:
            with pytest.raises(ccxt.AuthenticationError):
                await trader.hear(watching[0])
        for future in watching:
            future.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


@pytest.mark.parametrize(
    ("role", "rights"), [("reader", (False, False)), ("trader", (True, False)), ("owner", (True, True))]
)
async def test_a_keys_rights_are_read(role: str, rights: tuple[bool, bool]) -> None:
    async with trading(SPOT, mended=True, role=KeyRole(role)) as trader:
        rule = DIALECT.rights
        assert rule is not None
        said = await trader.call(rule.call)
        for kind in MarketKind:
            read = rule.read(said, kind)
            assert (read.may_trade, read.may_withdraw) == rights


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (110001, "order not exists or too late to cancel", ErrorKind.RESYNC),
        (110007, "ab not enough for new order", ErrorKind.REJECTED),
        (110072, "OrderLinkedID is duplicate", ErrorKind.RESYNC),
        (110043, "leverage not modified", ErrorKind.SETTLED),
        (10001, "The order remains unchanged as the parameters entered match the existing ones.", ErrorKind.SETTLED),
        (10001, "position idx not match position mode", ErrorKind.FATAL),
        (10002, "invalid request, please check your server timestamp", ErrorKind.CLOCK),
        (10006, "Too many visits!", ErrorKind.RETRYABLE),
        (10016, "Internal server error", ErrorKind.UNKNOWN),
        (10004, "error sign!", ErrorKind.AUTH),
        (999999, "Something new.", ErrorKind.UNKNOWN),
    ],
)
def test_codes_are_read_whatever_class_ccxt_gives_them(code: int, message: str, kind: ErrorKind) -> None:
    text = f'bybit {{"retCode":{code},"retMsg":"{message}","result":{{}}}}'
    problem = classify(DIALECT.errors, ["ExchangeError", "BaseError"], text)
    assert (problem.kind, problem.code) == (kind, str(code))


async def test_a_price_that_is_moved_to_the_edge_of_the_band_is_the_one_that_is_shown() -> None:
    exchange = SimExchange(
        [SPOT, LINEAR], venue="bybit", accounts=1, seed=5, manual=True, start_ns=time.time_ns(),
        limits=relaxed(front_of("bybit")),
    )  # fmt: skip
    async with exchange:
        await exchange.step(1)
        live = Live(exchange, venue="bybit")
        try:
            await live.ready()
            engine, asked = exchange.engine(LINEAR), live.far(LINEAR, part="0.9")
            for price, _ in engine.depth(Side.BUY):
                for order in engine.queue_at(Side.BUY, price):
                    engine.cancel(order.order_id, now=exchange.timeline.elapsed_ns)
            made = live.submit(LINEAR, Side.SELL, "0.005", asked)
            await live.until(lambda: live.oms.orders[made].price != asked)
            (there,) = exchange.accounts.orders.open_orders(1)
            assert live.oms.orders[made].price == there.price * exchange.listing(LINEAR).instrument.tick > asked
        finally:
            await live.close()
