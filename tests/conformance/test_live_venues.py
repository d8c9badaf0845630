"""The live executor at every venue that is open for live trading: what we hold at the end is what the exchange did.

Each venue's own dialect, ccxt pointed at its gateway by URLs alone, spot and perpetual. The scenarios are those in
which terminals lose orders: refused post-only, unfilled rests, reduce-only beyond the position, no money, an id used
twice, an amend and a cancel that race with fills.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.orders import BookOrder
from jackbot_tui.sim.terms import UniqueIds
from jackbot_tui.venues.errors import ErrorKind
from tests.gateway_world import relaxed, symbols_of
from tests.live_gateway import Live

S = OrderStatus
OVER_UNFILLED = (S.CANCELED, S.EXPIRED, S.REJECTED)


def markets() -> Iterator[object]:
    for venue in open_venues():
        for kind in dict.fromkeys(listing.instrument.kind for listing in front_of(venue).LISTINGS):
            yield pytest.param(venue, kind, id=f"{venue}-{kind.value}")


MARKETS = list(markets())
PERPETUALS = [each for each in MARKETS if each.values[1] is MarketKind.LINEAR]  # type: ignore[attr-defined]


@asynccontextmanager
async def trading(venue: str, kind: MarketKind) -> AsyncIterator[tuple[Live, str]]:
    symbol = symbols_of(venue, kind)[0]
    exchange = SimExchange([symbol], venue=venue, accounts=1, seed=5, volatility=0.2, limits=relaxed(front_of(venue)))
    async with exchange:
        live = Live(exchange, venue=venue)
        try:
            await live.ready()
            yield live, symbol
        finally:
            await live.close()


def take(live: Live, symbol: str, side: Side = Side.BUY, quantity: str = "") -> str:
    """An order that fills at once: at market, or up to a price where the venue counts market buys in money."""
    by_cost = live.dialect.market_buy_by_cost and ":" not in symbol and side is Side.BUY
    price = live.far(symbol, part="1.01") if by_cost else None
    tif = TimeInForce.IOC if by_cost else TimeInForce.GTC
    return live.submit(symbol, side, quantity or live.size(symbol), price, tif=tif)


def in_one_line(text: str) -> bool:
    """What a trader can read: no JSON, no markup, not nothing."""
    return bool(text.strip()) and not set("{}<>\n") & set(text)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_orders_rest_end_and_fill_as_the_exchange_has_it(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        resting = live.submit(symbol, Side.BUY, live.size(symbol), live.far(symbol), post_only=True)
        await live.until(lambda: live.status(resting) is S.NEW)
        (there,) = live.exchange.accounts.orders.open_orders(1)
        assert there.client_id == live.dialect.client_ids.to_wire(resting)
        live.cancel(resting)
        await live.until(lambda: live.status(resting) is S.CANCELED)
        taking = take(live, symbol)
        await live.until(lambda: live.status(taking) is S.FILLED)
        back = live.submit(symbol, Side.SELL, live.size(symbol), None)
        await live.until(lambda: live.status(back) is S.FILLED)
        await live.equal_to_the_exchange()
        for order in (live.oms.orders[taking], live.oms.orders[back]):
            fills = live.exchange.accounts.orders.fills(1)
            mine = [fill for fill in fills if fill.client_id == live.dialect.client_ids.to_wire(order.client_id)]
            assert sum(order.fees.values()) == sum(fill.fee for fill in mine), "fees are the exchange's"


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_what_does_not_rest_and_does_not_trade_ends_without_a_fill(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        size = live.size(symbol)
        crossing = live.submit(symbol, Side.BUY, size, live.far(symbol, part="1.003"), post_only=True)
        missing = live.submit(symbol, Side.BUY, size, live.far(symbol, part="0.99"), tif=TimeInForce.IOC)
        killed = live.submit(symbol, Side.BUY, size, live.far(symbol, part="0.99"), tif=TimeInForce.FOK)
        ended = (crossing, missing, killed)
        await live.until(lambda: all(live.status(each) in OVER_UNFILLED for each in ended))
        assert [live.oms.orders[each].filled for each in ended] == [0, 0, 0]
        if live.status(crossing) is S.REJECTED:
            assert "post-only" in live.oms.orders[crossing].reason
        partly = live.submit(symbol, Side.BUY, size, one_lot_at_the_touch(live, symbol), tif=TimeInForce.IOC)
        await live.until(lambda: not live.oms.orders[partly].is_open)
        await live.equal_to_the_exchange()


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_what_the_exchange_refuses_is_rejected_with_one_clear_line(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        instrument = live.exchange.listing(symbol).instrument
        poor = live.submit(symbol, Side.BUY, live.size(symbol, 40_000_000), live.far(symbol))
        tiny = live.submit(symbol, Side.BUY, text_of(instrument.lot), live.far(symbol))
        least = instrument.min_notional or Decimal(0)
        too_small = instrument.lot * live.far(symbol) < least or instrument.lot < (instrument.min_qty or Decimal(0))
        await live.until(lambda: live.status(poor) is S.REJECTED)
        assert in_one_line(live.oms.orders[poor].reason), live.oms.orders[poor].reason
        if too_small:
            await live.until(lambda: live.status(tiny) is S.REJECTED)
            assert in_one_line(live.oms.orders[tiny].reason), live.oms.orders[tiny].reason
        else:
            await live.until(lambda: live.status(tiny) is S.NEW)
            live.cancel(tiny)
        await live.equal_to_the_exchange()
        assert not live.exchange.accounts.orders.fills(1)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_an_id_is_never_used_for_two_orders(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        made = live.submit(symbol, Side.BUY, live.size(symbol), live.far(symbol))
        await live.until(lambda: live.status(made) is S.NEW)
        if live.exchange.accounts.terms.unique_ids is not UniqueIds.NONE:
            client = live.executor.client_of(f"{venue}:{symbol}")
            with pytest.raises(VenueFailure) as failed:
                await client.create(live.oms.orders[made], symbol)
            assert failed.value.kind in (ErrorKind.RESYNC, ErrorKind.REJECTED)
        assert len(live.exchange.accounts.orders.open_orders(1)) == 1
        live.cancel(made)
        await live.until(lambda: live.status(made) is S.CANCELED)
        await live.equal_to_the_exchange()


@pytest.mark.parametrize(("venue", "kind"), PERPETUALS)
async def test_reduce_only_never_turns_a_position_round(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        nothing = live.submit(symbol, Side.SELL, live.size(symbol), None, reduce_only=True)
        await live.until(lambda: live.status(nothing) in OVER_UNFILLED)
        opened = take(live, symbol)
        await live.until(lambda: live.status(opened) is S.FILLED)
        size = live.size(symbol)
        beyond = live.submit(symbol, Side.SELL, text_of(Decimal(size) * 3), None, reduce_only=True)
        await live.until(lambda: not live.oms.orders[beyond].is_open)
        await live.equal_to_the_exchange()
        held = live.exchange.accounts.positions.view(1, f"{venue}:{symbol}")
        ours = live.oms.orders[opened].filled - live.oms.orders[beyond].filled
        assert held.quantity == ours >= 0


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_amends_and_cancels_that_race_with_fills_are_counted_right(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as (live, symbol):
        size = Decimal(live.size(symbol, 1500))
        lot = live.exchange.listing(symbol).instrument.lot
        if kind in load_dialect(venue).amends:
            made = live.submit(symbol, Side.BUY, text_of(size), live.far(symbol))
            await live.until(lambda: live.status(made) is S.NEW)
            price = live.far(symbol, part="0.96")
            live.amend(made, price, text_of(size + lot))
            await live.until(lambda: live.oms.orders[made].quantity == size + lot)
            assert (live.status(made), live.oms.orders[made].price) == (S.NEW, price)
            (there,) = live.exchange.accounts.orders.open_orders(1)
            assert there.quantity * lot == size + lot
            live.amend(made, inside(live, symbol), text_of(size))
            crowd_sells(live, symbol, int(size / lot) // 3)
            await live.until(lambda: not live.differences(), why=live.differences)
            live.cancel(made)
        racing = live.submit(symbol, Side.BUY, text_of(size), inside(live, symbol))
        await live.until(lambda: live.status(racing) not in (S.PENDING_NEW, S.PENDING_UNKNOWN))
        live.cancel(racing)
        crowd_sells(live, symbol, int(size / lot) // 3)
        await live.until(lambda: not live.oms.open_orders(), why=live.differences)
        await live.equal_to_the_exchange()


def one_lot_at_the_touch(live: Live, symbol: str) -> Decimal:
    """Leave one lot as the best ask and give its price: an order there fills in part at most."""
    engine, now = live.exchange.engine(symbol), live.exchange.timeline.elapsed_ns
    best = engine.best_ask
    assert best is not None
    for order in engine.queue_at(Side.SELL, best):
        engine.cancel(order.order_id, now=now)
    engine.submit(Side.SELL, 1, best, now=now)
    return best * live.exchange.listing(symbol).instrument.tick


def inside(live: Live, symbol: str) -> Decimal:
    """Make room at the touch and give the best price for a buy that is alone there."""
    engine, now = live.exchange.engine(symbol), live.exchange.timeline.elapsed_ns
    for side, best in ((Side.SELL, engine.best_ask), (Side.BUY, engine.best_bid)):
        resting: list[BookOrder] = list(engine.queue_at(side, best or 0))
        for order in resting:
            engine.cancel(order.order_id, now=now)
    return ((engine.best_bid or 0) + 1) * live.exchange.listing(symbol).instrument.tick


def crowd_sells(live: Live, symbol: str, lots: int) -> None:
    """Somebody sells into the best bid, whatever rests there."""
    engine, now = live.exchange.engine(symbol), live.exchange.timeline.elapsed_ns
    engine.submit(Side.SELL, max(1, lots), engine.best_bid, now=now, tif=TimeInForce.IOC)
