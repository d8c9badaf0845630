"""What ccxt does at Binance beyond what every venue is judged by: stop orders, batches, settings, margin, ledger."""

import asyncio

import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from tests.conformance.test_private_ccxt import refused, trading, until

BOTH = pytest.mark.parametrize("kind", [MarketKind.SPOT, MarketKind.LINEAR])


@BOTH
async def test_orders_are_found_and_canceled_by_their_client_id(kind: MarketKind) -> None:
    async with trading("binance", kind) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97), clientOrderId="own00001")
        found = await trader.call("fetch_order", None, trader.symbol, {"clientOrderId": "own00001"})
        assert found["id"] == str(trader.orders[0].order_id)
        await trader.call("cancel_order", None, trader.symbol, {"clientOrderId": "own00001"})
        assert trader.orders[0].status is OrderStatus.CANCELED


@BOTH
async def test_a_stop_order_waits_and_is_canceled(kind: MarketKind) -> None:
    async with trading("binance", kind) as trader:
        await trader.buy(trader.amount(5000))
        made = await trader.sell(trader.amount(2000), stopLossPrice=trader.price(0.95))
        await refused(trader.sell(trader.amount(2000), stopLossPrice=trader.price(1.05)))
        assert trader.orders[-1].waiting
        params = {"trigger": True} if kind is MarketKind.LINEAR else {}
        (shown,) = await trader.call("fetch_open_orders", trader.symbol, None, None, params)
        assert (shown["id"], shown["triggerPrice"]) == (made["id"], pytest.approx(trader.price(0.95), rel=1e-6))
        await trader.call("cancel_order", made["id"], trader.symbol, params)
        assert trader.orders[-1].status is OrderStatus.CANCELED


@BOTH
async def test_a_stop_order_is_set_off_and_told(kind: MarketKind) -> None:
    async with trading("binance", kind) as trader:
        await trader.buy(trader.amount(5000))
        trader.sync()
        watching = asyncio.ensure_future(trader.client.watch_my_trades(trader.symbol))
        await until(trader, lambda: trader.sim.front.listeners(1, kind) > 0)
        amount = trader.amount(2000)
        await trader.sell(amount, stopLossPrice=trader.price(0.9995))
        depth = sum(size for _, size in trader.sim.engine(trader.symbol).depth(Side.BUY))
        trader.crowd_sells(depth, trader.price(0.999))
        await trader.hear(watching)
        sold = [fill.quantity for fill in trader.accounts.orders.fills(1) if fill.side is Side.SELL]
        await until(trader, lambda: len(trader.client.myTrades) == len(sold))
        assert {(trade["side"], trade["takerOrMaker"]) for trade in trader.client.myTrades} == {("sell", "taker")}
        assert [trader.lots(trade["amount"]) for trade in trader.client.myTrades] == sold
        assert sum(sold) == trader.lots(amount)


async def test_settings_batches_margin_and_ledger_of_usdm() -> None:
    async with trading("binance", MarketKind.LINEAR) as trader:
        symbol = trader.symbol
        await trader.call("set_leverage", 7, symbol)
        await trader.call("set_margin_mode", "isolated", symbol)
        leverage = await trader.call("fetch_leverage", symbol)
        assert (leverage["marginMode"], leverage["longLeverage"]) == ("isolated", 7)
        assert (await trader.call("fetch_position_mode", symbol))["hedged"] is False
        tiers = (await trader.call("fetch_leverage_tiers", [symbol]))[symbol]
        assert [tier["maxLeverage"] for tier in tiers] == [125, 100, 50, 20, 10, 4, 1]
        wanted = {"symbol": symbol, "type": "limit", "side": "buy", "amount": trader.amount(2000)}
        batch = [wanted | {"price": trader.price(factor)} for factor in (0.97, 0.96)]
        made = await trader.call("create_orders", batch)
        await trader.call("cancel_orders", [order["id"] for order in made], symbol)
        assert {order.status for order in trader.orders} == {OrderStatus.CANCELED}
        await trader.buy(trader.amount(5000))
        before = trader.accounts.positions.isolated_margin(1, trader.key)
        await trader.call("add_margin", symbol, 20)
        assert trader.accounts.positions.isolated_margin(1, trader.key) == before + 20
        rows = await trader.call("fetch_ledger", "USDT", None, None, {"type": "swap"})
        fee = trader.accounts.orders.fills(1)[-1].fee
        assert [row["amount"] for row in rows if row["type"] == "commission"][-1] == pytest.approx(float(fee))


async def test_the_dead_mans_switch_of_usdm() -> None:
    async with trading("binance", MarketKind.LINEAR) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97))
        params = {"symbol": trader.listing.instrument.native, "countdownTime": 1000}
        await trader.call("fapiPrivatePostCountdownCancelAll", params)
        await trader.sim.step(1.1)
        assert trader.orders[0].status is OrderStatus.CANCELED
