"""What ccxt gets wrong at MEXC, and that our dialect mends it: each test shows the shortfall of plain ccxt first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.margin import Setting
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.conformance.test_private_ccxt import Trader, refused, trading, until

DIALECT = load_dialect("mexc")
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
BOTH = pytest.mark.parametrize("kind", [SPOT, LINEAR])
NAME = "jmlive00000001"


def mend(client: Any) -> None:
    """From here on ``client`` is what the live executor uses."""
    assert DIALECT.override is not None
    client.__class__ = DIALECT.override(type(client))
    client.margin_modes = {}


@asynccontextmanager
async def mended(kind: MarketKind) -> AsyncIterator[Trader]:
    async with trading("mexc", kind) as trader:
        mend(trader.client)
        yield trader


async def test_the_four_sides_of_contracts_are_buys_and_sells() -> None:
    async with trading("mexc", LINEAR) as trader:
        amount = trader.amount(3000)
        await trader.sell(2 * amount)
        await trader.buy(amount, reduceOnly=True)

        async def sides() -> list[list[str]]:
            trades = await trader.call("fetch_my_trades", trader.symbol)
            orders = await trader.call("fetch_orders", trader.symbol)
            return [list(dict.fromkeys(each["side"] for each in rows)) for rows in (trades, orders)]

        assert await sides() == [["3", "sell"], ["3", "sell"]], "plain ccxt reads a buy that closes a short as a sell"
        mend(trader.client)
        assert await sides() == [["sell", "buy"], ["sell", "buy"]]


async def test_contracts_take_ioc_fok_and_market_orders_as_what_they_are() -> None:
    async with trading("mexc", LINEAR) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.99), timeInForce="IOC")
        assert trader.orders[-1].is_open, "plain ccxt lets an IOC order rest"
        mend(trader.client)
        for time in (TimeInForce.IOC, TimeInForce.FOK):
            await trader.buy(trader.amount(2000), trader.price(0.99), timeInForce=time.value.upper())
            assert (trader.orders[-1].tif, trader.orders[-1].is_open) == (time, False)
        sent: list[Any] = []
        place = trader.client.contractPrivatePostOrderCreate

        async def placed(request: Any) -> Any:
            sent.append(request["type"])
            return await place(request)

        trader.client.contractPrivatePostOrderCreate = placed
        await trader.buy(trader.amount(2000))
        assert sent == [5]


async def test_an_order_keeps_to_the_margin_mode_that_was_set() -> None:
    async with trading("mexc", LINEAR) as trader:
        setting = trader.accounts.positions.setting(1, trader.key)
        with pytest.raises(ccxt.ArgumentsRequired):
            await trader.call("set_leverage", 7, trader.symbol)
        with pytest.raises(ccxt.ArgumentsRequired):
            await trader.call("set_margin_mode", "isolated", trader.symbol)
        mend(trader.client)
        await trader.call("set_leverage", 7, trader.symbol)
        assert setting == Setting(Decimal(7), False)
        await trader.call("set_margin_mode", "isolated", trader.symbol)
        assert setting == Setting(Decimal(7), True)
        trader.client.margin_modes.clear()  # as after a restart: the venue is asked
        await trader.buy(trader.amount(2000), trader.price(0.97))
        assert setting == Setting(Decimal(7), True)


async def test_contract_orders_are_found_and_canceled_by_our_id() -> None:
    async with trading("mexc", LINEAR) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97), clientOrderId=NAME)
        (plain,) = await trader.call("fetch_open_orders", trader.symbol)
        assert plain["clientOrderId"] is None
        ours = {"clientOrderId": NAME}
        await refused(trader.call("fetch_order", None, trader.symbol, ours), ccxt.BaseError)
        with pytest.raises(TypeError):
            await trader.call("cancel_order", None, trader.symbol, ours)
        mend(trader.client)
        found = await trader.call("fetch_order", None, trader.symbol, ours)
        assert (found["clientOrderId"], found["status"]) == (NAME, "open")
        await trader.call("cancel_order", None, trader.symbol, ours)
        assert trader.orders[0].status is OrderStatus.CANCELED
        with pytest.raises(ccxt.ExchangeError) as caught:
            await trader.call("cancel_order", found["id"], trader.symbol)
        assert classify(DIALECT.errors, ["InvalidOrder"], str(caught.value)).kind is ErrorKind.RESYNC


async def test_spots_stream_tells_our_id_makers_and_orders_canceled_in_part() -> None:
    async with mended(SPOT) as trader:
        client, symbol = trader.client, trader.symbol
        trader.sync()
        watches = [asyncio.ensure_future(watch(symbol)) for watch in (client.watch_orders, client.watch_my_trades)]
        watches.append(asyncio.ensure_future(client.watch_balance({"type": "spot"})))
        await until(trader, lambda: trader.sim.front.listeners(1, SPOT) == 1)
        amount, price = trader.amount(4000), trader.inside()
        made = await trader.buy(amount, price, clientOrderId=NAME)
        trader.crowd_sells(trader.lots(amount) // 4, price)
        await asyncio.gather(*(trader.hear(watch) for watch in watches))
        await until(trader, lambda: bool(client.myTrades))
        (trade,) = client.myTrades
        assert (trade["takerOrMaker"], trade["clientOrderId"], trade["order"]) == ("maker", NAME, made["id"])
        await trader.call("cancel_order", made["id"], symbol)
        await until(trader, lambda: client.orders[-1]["status"] == "canceled")
        plain: Any = type(client).__mro__[1]
        assert plain.parse_ws_order_status(client, "5") == "closed", "plain ccxt tells it as filled"
        row = {"tradeId": "1", "isMaker": True, "price": "1", "quantity": "1", "time": 1}
        assert plain.parse_ws_trade(client, row, client.market(symbol))["takerOrMaker"] == "taker"
        (found,) = await trader.call("fetch_my_trades", symbol)
        assert found["clientOrderId"] == NAME


@BOTH
async def test_every_page_of_own_trades_and_open_orders_is_read(kind: MarketKind) -> None:
    async with trading("mexc", kind) as trader:
        price, amount = trader.inside(), trader.amount(40_000)
        await trader.buy(amount, price)
        for _ in range(130):
            trader.crowd_sells(trader.lots(amount) // 200, price)
        lot = trader.listing.instrument.lot
        for number in range(120 if kind is LINEAR else 0):
            far = Decimal(str(trader.price(0.95))) - number * trader.listing.instrument.tick
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=lot, price=far))
        first_page = await trader.call("fetch_my_trades", trader.symbol)
        assert len(first_page) == (100 if kind is SPOT else 20)
        mend(trader.client)
        trades = await trader.call("fetch_my_trades", trader.symbol)
        assert len({trade["id"] for trade in trades}) == 130
        shown = await trader.call("fetch_open_orders", trader.symbol)
        assert len(shown) == (121 if kind is LINEAR else 1)


async def test_a_wallet_is_told_with_the_margin_of_its_positions() -> None:
    async with trading("mexc", LINEAR) as trader:
        await trader.buy(trader.amount(60_000))
        wallet = float(trader.accounts.positions.wallet(1, "USDT").total)
        plain = await trader.call("fetch_balance", trader.balance_type)
        assert plain["USDT"]["total"] < 0.98 * wallet
        mend(trader.client)
        balance = await trader.call("fetch_balance", trader.balance_type)
        assert balance["USDT"]["total"] == pytest.approx(wallet)
        assert balance["USDT"]["free"] == pytest.approx(trader.free())


async def test_markets_are_loaded_without_a_key_and_only_of_ones_own_kind() -> None:
    import ccxt.pro

    assert DIALECT.override is not None
    async with SimExchange(["BTC/USDT", "BTC/USDT:USDT"], venue="mexc", accounts=1, manual=True) as sim:
        kinds = []
        for name in ("spot", "swap"):
            made = DIALECT.override(ccxt.pro.mexc)({"apiKey": "k", "secret": "s", "options": {"defaultType": name}})
            made.urls["api"] = made.deep_extend(made.urls["api"], sim.ccxt_urls)
            try:
                await made.load_markets()  # a signed call, or a second one for the listing, would be refused
                kinds.append(list(made.markets))
            finally:
                await made.close()
        assert kinds == [["BTC/USDT"], ["BTC/USDT:USDT"]]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (2005, ErrorKind.REJECTED),
        (-2011, ErrorKind.RESYNC),
        (510, ErrorKind.RETRYABLE),
        (500, ErrorKind.UNKNOWN),
        (700003, ErrorKind.CLOCK),
        (700002, ErrorKind.AUTH),
    ],
)
def test_a_code_means_the_same_on_spot_and_contracts(code: int, kind: ErrorKind) -> None:
    for text in (f'mexc {{"code":{code},"msg":"words"}}', f'mexc {{"success":false,"code":{code},"message":"words"}}'):
        assert classify(DIALECT.errors, ["ExchangeError"], text).kind is kind
