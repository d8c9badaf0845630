"""What orders and accounts may do at each open venue, tried through the live executor and told to the feature matrix.

Each kind of order is one that should succeed. What a venue does not have must be refused here with one clear line, and
must never have been seen by the exchange.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.numbers import text_of
from jackbot_tui.venues.conformance import NO, YES, Feature
from tests.conformance.test_live_venues import MARKETS, PERPETUALS, in_one_line, take, trading
from tests.live_gateway import Live

S = OrderStatus
LEVERAGE = 3
Record = Callable[[str, object], None]


async def fills_or_is_refused_here(live: Live, symbol: str, side: Side, price: Decimal | None, **more: Any) -> str:
    """YES when the order was filled at once; NO when it was refused in one line and the exchange never saw it."""
    await live.ready()
    client_id = live.submit(symbol, side, live.size(symbol), price, **more)
    await live.until(lambda: not live.oms.orders[client_id].is_open)
    order = live.oms.orders[client_id]
    if order.status is S.FILLED:
        return YES
    assert order.status is S.REJECTED, order
    assert in_one_line(order.reason), order.reason
    wire_id = live.dialect.client_ids.to_wire(client_id)
    assert wire_id not in {each.client_id for each in live.exchange.accounts.orders.orders(1)}
    return NO


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_which_orders_there_are(venue: str, kind: MarketKind, record_property: Record) -> None:
    async with trading(venue, kind) as (live, symbol):
        size, far, farther = live.size(symbol), live.far(symbol), live.far(symbol, part="0.96")
        resting = live.submit(symbol, Side.BUY, size, far)
        maker = live.submit(symbol, Side.BUY, size, far, post_only=True)
        await live.until(lambda: live.status(resting) is S.NEW and live.status(maker) is S.NEW)
        there = {order.client_id: order for order in live.exchange.accounts.orders.open_orders(1)}
        to_wire = live.dialect.client_ids.to_wire
        assert there[to_wire(maker)].post_only and not there[to_wire(resting)].post_only
        for feature in (Feature.LIMIT, Feature.POST_ONLY, Feature.CLIENT_ID):
            record_property(feature.value, YES)
        if kind in live.dialect.amends:
            await live.ready()
            live.amend(resting, farther, size)
            await live.until(lambda: live.oms.orders[resting].price == farther)
        record_property(Feature.AMEND.value, YES if kind in live.dialect.amends else NO)
        for order in (resting, maker):
            live.cancel(order)
        await live.until(lambda: not live.oms.open_orders(), why=live.differences)
        over = live.far(symbol, part="1.01")
        assert await fills_or_is_refused_here(live, symbol, Side.BUY, over, tif=TimeInForce.IOC) == YES
        record_property(Feature.IOC.value, YES)
        whole = await fills_or_is_refused_here(live, symbol, Side.BUY, over, tif=TimeInForce.FOK)
        record_property(Feature.FOK.value, whole)
        assert await fills_or_is_refused_here(live, symbol, Side.SELL, None) == YES
        by_cost = live.dialect.market_buy_by_cost and kind is MarketKind.SPOT
        record_property(Feature.MARKET.value, "buys as IOC" if by_cost else YES)
        await live.equal_to_the_exchange()
        rights = await live.executor.client_of(f"{venue}:{symbol}").rights()
        assert rights.may_trade is not False and not rights.may_withdraw
        told = {"trade": rights.may_trade, "withdraw": rights.may_withdraw}
        names = [name for name, said in told.items() if said is not None]
        record_property(Feature.KEY_RIGHTS.value, ", ".join(names) or "not told")


@pytest.mark.parametrize(("venue", "kind"), PERPETUALS)
async def test_which_margin_there_is(venue: str, kind: MarketKind, record_property: Record) -> None:
    """A position is opened under each mode that can be set, and must be what was set when the exchange is asked."""
    async with trading(venue, kind) as (live, symbol):
        key = f"{venue}:{symbol}"
        modes, levered = [], []
        for mode in (MarginMode.ISOLATED, MarginMode.CROSS):
            live.told.clear()
            live.executor.set_margin(key, MarginSetting(mode, Decimal(LEVERAGE)))
            await live.until(lambda: not live.executor.busy)
            refusals = [text for _, text in live.told if "stay as they were" in text]
            if refusals:
                assert all(in_one_line(text) for text in refusals), refusals
                continue
            await live.ready()
            opened = take(live, symbol)
            await live.until(lambda opened=opened: live.status(opened) is S.FILLED)  # type: ignore[misc]
            setting = live.exchange.accounts.positions.setting(1, key)
            assert setting.isolated is (mode is MarginMode.ISOLATED), setting
            modes.append(mode.value)
            if setting.leverage == LEVERAGE:
                levered.append(mode.value)
            await live.ready()
            closed = live.submit(symbol, Side.SELL, text_of(live.oms.orders[opened].filled), None, reduce_only=True)
            await live.until(lambda closed=closed: live.status(closed) is S.FILLED)  # type: ignore[misc]
        assert modes, live.told
        assert levered, "a leverage that is set is the exchange's"
        assert live.exchange.accounts.positions.view(1, key).lots == 0
        record_property(Feature.REDUCE_ONLY.value, YES)
        record_property(Feature.MARGIN_MODE.value, ", ".join(sorted(modes)))
        record_property(Feature.LEVERAGE.value, YES if levered == modes else f"{levered[0]} only")
        await live.equal_to_the_exchange()
