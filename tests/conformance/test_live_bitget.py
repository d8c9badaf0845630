"""What the live executor's ccxt class for Bitget mends: each test tells plain ccxt from the mended on the gateway."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ccxt
import pytest

from jackbot_tui.execution.live.dialects.bitget import DIALECT, corrected
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.conformance.test_private_ccxt import Trader, until
from tests.gateway_world import relaxed

SPOT, LINEAR, IN_USDC = "BTC/USDT", "BTC/USDT:USDT", "BTC/USDC:USDC"
BOTH = pytest.mark.parametrize("mended", [False, True], ids=["plain", "mended"])
MANY = 120


@asynccontextmanager
async def trading(
    symbol: str, *, mended: bool, secret: str = "", role: KeyRole = KeyRole.TRADER
) -> AsyncIterator[Trader]:
    import ccxt.pro

    sim = SimExchange(
        [SPOT, LINEAR, IN_USDC], venue="bitget", seed=17, manual=True, volatility=0.2, start_ns=time.time_ns(),
        limits=relaxed(front_of("bitget")), accounts=1,
    )  # fmt: skip
    async with sim, asyncio.timeout(25):
        await sim.step(1)
        key = sim.accounts.keys.of(1, role)
        made = (corrected(ccxt.pro.bitget) if mended else ccxt.pro.bitget)(
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
            trader = Trader(sim, made, symbol)
            await trader.call("load_markets")
            yield trader
        finally:
            await made.close()


async def test_loading_markets_signs_nothing() -> None:
    async with trading(SPOT, mended=True, secret="not the key's") as trader:
        assert {SPOT, LINEAR} <= set(trader.client.markets)
        with pytest.raises(ccxt.AuthenticationError):
            await trader.call("fetch_balance")


@BOTH
async def test_fills_of_spot_and_perpetuals_are_told_apart(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        for symbol, quantity in ((SPOT, "0.02"), (LINEAR, "0.01")):
            instrument = trader.sim.listing(symbol).instrument
            lots = OrderSpec(
                key=instrument.key,
                side=Side.BUY,
                quantity=instrument.lot * round(float(quantity) / float(instrument.lot)),
            )
            trader.accounts.submit(1, lots)
        found = await trader.call("fetch_my_trades", LINEAR, None, 500)
        wanted = sum(fill.quantity for fill in trader.accounts.orders.fills(1, trader.key))
        assert (sum(trader.lots(trade["amount"]) for trade in found) == wanted) is mended


@BOTH
async def test_more_than_a_page_of_own_trades_is_found(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        began = int(time.time() * 1000) - 60_000
        lot = trader.listing.instrument.lot
        while len(trader.accounts.orders.fills(1)) < MANY:
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=2_000 * lot))
        found = await trader.call("fetch_my_trades", SPOT, began, 500)
        assert (len({trade["id"] for trade in found}) == len(trader.accounts.orders.fills(1))) is mended


@BOTH
async def test_a_fill_is_found_however_long_ago_the_question_begins(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.call("load_markets")
        await trader.buy(trader.amount(2000))
        long_ago = int(time.time() * 1000) - 40 * 86_400_000
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
        found = await trader.call("fetch_open_orders", SPOT)
        assert len({order["id"] for order in found}) == (MANY if mended else 100)


@BOTH
async def test_fees_of_the_page_are_paid_and_not_received(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        await trader.buy(trader.amount(2000), clientOrderId="ours-1")
        (fill, *_) = trader.accounts.orders.fills(1)
        (trade, *_) = await trader.call("fetch_my_trades", LINEAR)
        assert trade["fee"]["cost"] == pytest.approx(float(fill.fee) * (1 if mended else -1))
        assert trade["fees"][0]["cost"] == pytest.approx(float(fill.fee) * (1 if mended else -1))


@BOTH
async def test_a_streamed_market_sell_has_its_size(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        topics = [asyncio.ensure_future(getattr(trader.client, f"watch_{each}")()) for each in ("my_trades", "balance")]
        watching = asyncio.ensure_future(trader.client.watch_orders(SPOT))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) > 0)
        amount = trader.amount(2000)
        await trader.sell(amount)
        await trader.hear(watching)
        await until(trader, lambda: trader.client.orders[-1]["status"] == "closed")
        assert (trader.client.orders[-1]["amount"] == pytest.approx(amount)) is mended
        for future in topics:
            future.cancel()


@BOTH
async def test_perpetuals_in_usdc_are_heard_of_and_held(mended: bool) -> None:
    async with trading(IN_USDC, mended=mended) as trader:
        trader.client.options |= {"defaultType": "swap", "defaultSubType": "linear"}
        heard: list[str] = []

        async def listen() -> None:
            while True:
                heard.extend(order["symbol"] for order in await trader.client.watch_orders())

        topics = [
            asyncio.ensure_future(getattr(trader.client, f"watch_{each}")())
            for each in ("my_trades", "balance", "positions")
        ]
        topics.append(asyncio.ensure_future(listen()))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.LINEAR) > 0)
        await trader.buy(trader.amount(2000))
        await until(trader, lambda: bool(trader.client.orders))
        positions = await trader.call("fetch_positions")
        assert [position["symbol"] for position in positions] == ([IN_USDC] if mended else [])
        assert (IN_USDC in heard) is mended
        for future in topics:
            future.cancel()


@BOTH
async def test_a_margin_mode_comes_with_the_orders(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        if not mended:
            with pytest.raises(ccxt.PermissionDenied):
                await trader.call("set_margin_mode", "isolated", LINEAR)
            return
        await trader.call("set_margin_mode", "isolated", LINEAR)
        await trader.call("set_leverage", 10, LINEAR)
        await trader.buy(trader.amount(3000))
        (position,) = await trader.call("fetch_positions")
        assert (position["marginMode"], position["leverage"]) == ("isolated", 10)
        assert trader.accounts.positions.setting(1, trader.key).isolated


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
            with pytest.raises(ccxt.BadRequest):
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
        ("25204", "Order does not exist", ErrorKind.RESYNC),
        ("25202", "Insufficient balance", ErrorKind.REJECTED),
        ("25212", "clientOid duplicate", ErrorKind.RESYNC),
        ("25227", "No position to close", ErrorKind.REJECTED),
        ("45001", "unknown error", ErrorKind.UNKNOWN),
        ("40008", "Request timestamp expired", ErrorKind.CLOCK),
        ("40009", "sign signature error", ErrorKind.AUTH),
        ("40084", "You are in Classic Account mode", ErrorKind.FATAL),
        ("45054", "leverage unchanged", ErrorKind.SETTLED),
        ("429", "Too Many Requests", ErrorKind.RETRYABLE),
        ("99999", "Something new.", ErrorKind.UNKNOWN),
    ],
)
def test_codes_are_read_whatever_class_ccxt_gives_them(code: str, message: str, kind: ErrorKind) -> None:
    text = f'bitget {{"code":"{code}","msg":"{message}","requestTime":1,"data":null}}'
    problem = classify(DIALECT.errors, ["ExchangeError", "BaseError"], text)
    assert (problem.kind, problem.code) == (kind, code)
