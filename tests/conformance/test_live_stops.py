"""Stops at every venue whose dialect knows them: they rest, are canceled, are woken and filled, seen or unseen."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

import pytest

from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TriggerBy
from jackbot_tui.model.orders import trigger_rises
from tests.conformance.test_live_venues import take, trading
from tests.live_gateway import Live

S = OrderStatus
SECOND = NS_PER_S


def markets() -> Iterator[object]:
    for venue in open_venues():
        for kind in load_dialect(venue).stops:
            yield pytest.param(venue, kind, id=f"{venue}-{kind.value}")


MARKETS = list(markets())


def stop(live: Live, symbol: str, part: str, price: Decimal | None = None, by: TriggerBy | None = None) -> str:
    """Sell what is held when the price comes to ``part`` of what it is now."""
    rule = live.dialect.stops[MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT]
    by = by or next(iter(rule.triggers))
    trigger = live.far(symbol, part=part)
    if by is TriggerBy.MARK:
        tick = live.exchange.listing(symbol).instrument.tick
        trigger = live.exchange.accounts.mark(f"{live.venue}:{symbol}") * Decimal(part) // tick * tick
    return live.submit(
        symbol, Side.SELL, live.size(symbol), price, reduce_only=":" in symbol, trigger_price=trigger, trigger_by=by
    )


async def held(live: Live, symbol: str) -> None:
    bought = take(live, symbol, quantity=live.size(symbol, 330))
    await live.until(lambda: live.status(bought) is S.FILLED)


async def wake(live: Live, symbol: str, client_id: str) -> None:
    """Push the market until the exchange has let the order go."""

    def woken() -> bool:
        push(live, symbol, client_id)
        return not any(each.waiting for each in live.exchange.accounts.orders.open_orders(1))

    await live.until(woken)


def push(live: Live, symbol: str, client_id: str) -> None:
    """Somebody sells the book down below the trigger of an order, where buyers stand.

    A mark follows the market slowly: the book falls further for it.
    """
    engine, order, now = live.exchange.engine(symbol), live.oms.orders[client_id], live.exchange.timeline.elapsed_ns
    tick = live.exchange.listing(symbol).instrument.tick
    assert order.trigger_price is not None
    goal = int(order.trigger_price / tick * (Decimal("0.96") if order.trigger_by is TriggerBy.MARK else 1)) - 5
    while (bid := engine.best_bid) is not None and bid > goal:
        engine.submit(Side.SELL, sum(each.remaining for each in engine.queue_at(Side.BUY, bid)), bid, now=now)
    engine.submit(Side.BUY, 10**7, goal, now=now)
    engine.submit(Side.SELL, 1, goal, now=now)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_stop_rests_apart_from_the_book_and_is_canceled(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        for by in live.dialect.stops[kind].triggers:
            both = (stop(live, symbol, "0.95", by=by), stop(live, symbol, "0.95", live.far(symbol, part="0.945"), by))
            await live.until(partial(all_are, live, both, S.NEW))
            waiting = live.exchange.accounts.orders.open_orders(1)
            assert {(order.trigger is not None, order.waiting) for order in waiting} == {(True, True)}
            assert all(live.oms.orders[each].is_waiting for each in both)
            await live.until(lambda: not live.differences(), why=live.differences)
            for each in both:
                live.cancel(each)
            await live.until(partial(all_are, live, both, S.CANCELED))
            assert not live.exchange.accounts.orders.open_orders(1)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_stops_and_take_profits_of_both_sides_reach_the_exchange_as_they_are_meant(
    venue: str, kind: MarketKind
) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        rule = live.dialect.stops[kind]
        instrument = live.exchange.listing(symbol).instrument
        for side in Side:
            for takes_profit in (False, True):
                rises = trigger_rises(side, takes_profit)
                trigger, by = live.far(symbol, part="1.03" if rises else "0.97"), list(rule.triggers)[-1]
                price = live.far(symbol, part="1.032" if side is Side.BUY and rises else "0.968")
                made = live.submit(
                    symbol, side, live.size(symbol), price, trigger_price=trigger, trigger_by=by,
                    take_profit=takes_profit,
                )  # fmt: skip
                await live.until(partial(all_are, live, (made,), S.NEW))
                (there,) = [order for order in live.exchange.accounts.orders.open_orders(1) if order.waiting]
                assert there.trigger is not None
                assert (there.side, there.trigger.rises, there.reduce_only) == (side, rises, False)
                assert (there.trigger.price * instrument.tick, there.price * instrument.tick) == (trigger, price)
                assert there.trigger.by.value == by.value
                live.cancel(made)
                await live.until(partial(all_are, live, (made,), S.CANCELED))


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_stop_that_is_woken_fills_and_is_told(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        waiting = stop(live, symbol, near(live, kind), by=stirred_by(live, kind))
        await live.until(lambda: live.status(waiting) is S.NEW)
        await wake(live, symbol, waiting)
        await live.until(lambda: live.status(waiting) is S.FILLED, why=live.differences)
        assert live.oms.orders[waiting].triggered_ns
        assert filled_there(live, symbol) == live.oms.orders[waiting].filled


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_stop_woken_while_our_streams_are_down_is_found(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        waiting = stop(live, symbol, near(live, kind), by=stirred_by(live, kind))
        await live.until(lambda: live.status(waiting) is S.NEW)
        live.exchange.faults.trigger("private_silence", 60 * SECOND)
        await wake(live, symbol, waiting)
        await live.until(lambda: live.status(waiting) is S.FILLED, why=live.differences)
        assert live.oms.orders[waiting].triggered_ns
        assert filled_there(live, symbol) == live.oms.orders[waiting].filled


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_cancel_that_comes_too_late_finds_the_order_that_followed(venue: str, kind: MarketKind) -> None:
    """A stop-limit is woken unseen and rests in the book; the cancel of what we hold to be waiting must reach it."""
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        waiting = stop(live, symbol, near(live, kind), live.far(symbol, part="1.02"), stirred_by(live, kind))
        await live.until(lambda: live.status(waiting) is S.NEW)
        live.exchange.faults.trigger("private_silence", 60 * SECOND)
        await wake(live, symbol, waiting)
        live.cancel(waiting)
        await live.until(lambda: live.status(waiting) is S.CANCELED, why=live.differences)
        assert not live.exchange.accounts.orders.open_orders(1)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_stop_woken_while_we_were_not_there_is_found_at_the_restart(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        waiting = stop(live, symbol, near(live, kind), by=stirred_by(live, kind))
        await live.until(lambda: live.status(waiting) is S.NEW)
        known = live.oms.orders[waiting]
        await live.close()
        while live.exchange.accounts.orders.open_orders(1):
            push(live, symbol, waiting)
            await asyncio.sleep(0.01)
        again = Live(live.exchange, venue=venue)
        try:
            again.oms.load([known], [])
            again.executor.remember([known])
            for event in again.executor.restore([known], again.clock.now_ns()):
                again.oms.apply(event)
            await again.until(lambda: again.status(waiting) is S.FILLED, why=again.differences)
            assert again.oms.orders[waiting].triggered_ns
            assert filled_there(again, symbol) == again.oms.orders[waiting].filled
        finally:
            await again.close()


def all_are(live: Live, orders: tuple[str, ...], status: OrderStatus) -> bool:
    return all(live.status(each) is status for each in orders)


def stirred_by(live: Live, kind: MarketKind) -> TriggerBy:
    triggers = live.dialect.stops[kind].triggers
    return TriggerBy.LAST if TriggerBy.LAST in triggers else next(iter(triggers))


def near(live: Live, kind: MarketKind) -> str:
    return "0.995" if stirred_by(live, kind) is TriggerBy.LAST else "0.9995"


def filled_there(live: Live, symbol: str) -> Decimal:
    lot = live.exchange.listing(symbol).instrument.lot
    return sum(
        (fill.quantity * lot for fill in live.exchange.accounts.orders.fills(1) if fill.side is Side.SELL), Decimal(0)
    )
