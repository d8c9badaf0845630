"""Stops at every venue whose dialect knows them: they rest, are canceled, are woken and filled, seen or unseen."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TriggerBy
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
    """Sell what is held when the price comes to ``part`` of the touch."""
    rule = live.dialect.stops[MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT]
    return live.submit(
        symbol, Side.SELL, live.size(symbol), price, reduce_only=":" in symbol,
        trigger_price=live.far(symbol, part=part), trigger_by=by or next(iter(rule.triggers)),
    )  # fmt: skip


async def held(live: Live, symbol: str) -> None:
    bought = take(live, symbol, quantity=live.size(symbol, 330))
    await live.until(lambda: live.status(bought) is S.FILLED)


def fall(live: Live, symbol: str, part: str) -> None:
    """Let somebody else sell the book down below ``part`` of the touch, and buyers come back there."""
    engine, elapsed = live.exchange.engine(symbol), live.exchange.timeline
    best = engine.best_bid
    assert best is not None
    goal = int(best * Decimal(part))
    while (bid := engine.best_bid) is not None and bid > goal:
        lots = sum(order.remaining for order in engine.queue_at(Side.BUY, bid))
        engine.submit(Side.SELL, lots, bid, now=elapsed.elapsed_ns)
    engine.submit(Side.BUY, 10**9, goal - 1, now=elapsed.elapsed_ns)
    engine.submit(Side.SELL, 1, goal - 1, now=elapsed.elapsed_ns)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_stop_rests_apart_from_the_book_and_is_canceled(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        for by in live.dialect.stops[kind].triggers:
            plain = stop(live, symbol, "0.95", by=by)
            limited = stop(live, symbol, "0.95", live.far(symbol, part="0.945"), by)
            await live.until(lambda one=plain, two=limited: (live.status(one), live.status(two)) == (S.NEW, S.NEW))
            waiting = live.exchange.accounts.orders.open_orders(1)
            assert {(order.trigger is not None, order.waiting) for order in waiting} == {(True, True)}
            assert all(live.oms.orders[each].is_waiting for each in (plain, limited))
            await live.until(lambda: not live.differences(), why=live.differences)
            for each in (plain, limited):
                live.cancel(each)
            await live.until(
                lambda one=plain, two=limited: (live.status(one), live.status(two)) == (S.CANCELED, S.CANCELED)
            )
            assert not live.exchange.accounts.orders.open_orders(1)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_stop_that_is_woken_fills_and_is_told(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        waiting = stop(live, symbol, "0.995", by=stirred_by(live, kind))
        await live.until(lambda: live.status(waiting) is S.NEW)
        fall(live, symbol, "0.994")
        await live.until(lambda: live.status(waiting) is S.FILLED, why=live.differences)
        assert live.oms.orders[waiting].triggered_ns
        assert filled_there(live, symbol) == live.oms.orders[waiting].filled


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_stop_woken_while_our_streams_are_down_is_found(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        waiting = stop(live, symbol, "0.995", by=stirred_by(live, kind))
        await live.until(lambda: live.status(waiting) is S.NEW)
        live.exchange.faults.trigger("private_silence", 60 * SECOND)
        fall(live, symbol, "0.994")
        await live.until(lambda: live.status(waiting) is S.FILLED, why=live.differences)
        assert live.oms.orders[waiting].triggered_ns
        assert filled_there(live, symbol) == live.oms.orders[waiting].filled


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_cancel_that_comes_too_late_finds_the_order_that_followed(venue: str, kind: MarketKind) -> None:
    """A stop-limit is woken unseen and rests in the book; the cancel of what we hold to be waiting must reach it."""
    async with trading(venue, kind) as (live, symbol):
        await held(live, symbol)
        waiting = stop(live, symbol, "0.995", live.far(symbol, part="1.02"), stirred_by(live, kind))
        await live.until(lambda: live.status(waiting) is S.NEW)
        live.exchange.faults.trigger("private_silence", 60 * SECOND)
        fall(live, symbol, "0.994")
        await live.until(lambda: not live.exchange.accounts.orders.open_orders(1)[0].waiting)
        live.cancel(waiting)
        await live.until(lambda: live.status(waiting) is S.CANCELED, why=live.differences)
        assert not live.exchange.accounts.orders.open_orders(1)


def stirred_by(live: Live, kind: MarketKind) -> TriggerBy:
    triggers = live.dialect.stops[kind].triggers
    return TriggerBy.LAST if TriggerBy.LAST in triggers else next(iter(triggers))


def filled_there(live: Live, symbol: str) -> Decimal:
    lot = live.exchange.listing(symbol).instrument.lot
    return sum(
        (fill.quantity * lot for fill in live.exchange.accounts.orders.fills(1) if fill.side is Side.SELL), Decimal(0)
    )
