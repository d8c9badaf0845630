"""Prophetic orders on paper over every gateway: asleep until the market is near enough, then at their price."""

from decimal import Decimal

import pytest

from jackbot_tui.algos.state import Kind, ParentRequest
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.numbers import decimal_of, round_down, round_up
from jackbot_tui.venues import VENUES
from tests.gateway_world import followed, symbols_of
from tests.turns import in_turns

NEAR, WAKE = Decimal("0.0012"), Decimal("0.0004")


@pytest.mark.parametrize("venue", in_turns(VENUES, 2))
async def test_the_one_that_the_market_comes_to_is_placed_and_the_other_sleeps_on(venue: str) -> None:
    symbol = (symbols_of(venue, MarketKind.LINEAR) or symbols_of(venue, MarketKind.SPOT))[0]
    key = f"{venue}:{symbol}"
    async with followed(venue, [symbol], volatility=6.0) as follow:
        engine, market = follow.runtime.engine, follow.markets[key]
        tick = market.instrument.tick_at(decimal_of(market.book.bid_price))
        prices = {
            Side.BUY: round_down(decimal_of(market.book.bid_price) * (1 - NEAR), tick),
            Side.SELL: round_up(decimal_of(market.book.ask_price) * (1 + NEAR), tick),
        }
        quantity = round_up(
            max(market.instrument.min_notional * 2, Decimal(50)) / prices[Side.BUY], market.instrument.lot
        )
        for side, price in prices.items():
            if side is Side.SELL and not market.instrument.is_perpetual:
                continue
            values = {"price": str(price), "wake": str(WAKE * 100)}
            request = ParentRequest(kind=Kind.PROPHET, key=key, side=side, quantity=quantity, values=values)
            assert engine.parents.start(request).problem == ""
        assert not engine.oms.orders
        await follow.until(lambda: bool(engine.oms.orders), step_s=0.2)
        order = next(iter(engine.oms.orders.values()))
        assert order.price == prices[order.side] and order.quantity == quantity
        asleep = [picture for picture in engine.parents.pictures() if picture.side is not order.side]
        assert all("armed" in picture.why and not picture.orders for picture in asleep)
