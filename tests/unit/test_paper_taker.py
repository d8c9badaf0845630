"""Paper orders that take: they walk the displayed book, eat it, and end as the venue ends them."""

from decimal import Decimal

import pytest

from jackbot_tui.model.enums import BookState, Liquidity
from jackbot_tui.model.orders import OrderAccepted, OrderRejected
from tests.paper_world import PERP, SPOT, Market, World

BIDS = [(99.9, 1.0), (99.8, 2.0), (99.7, 5.0)]
ASKS = [(100.0, 1.0), (100.1, 2.0), (100.2, 5.0)]


def a_world(**options: int) -> World:
    world = World(**options)
    world.book(BIDS, ASKS)
    return world


def test_a_market_buy_walks_the_asks_level_by_level() -> None:
    world = a_world()
    order = world.send("buy", "2.5")
    assert world.fills(order) == [("100", "1"), ("100.1", "1.5")]
    assert world.status(order) == "filled"
    assert {fill.liquidity for fill in world.fill_events()} == {Liquidity.TAKER}


def test_a_market_sell_walks_the_bids_downwards() -> None:
    world = a_world()
    assert world.fills(world.send("sell", "4")) == [("99.9", "1"), ("99.8", "2"), ("99.7", "1")]


def test_two_market_orders_do_not_eat_the_same_size_twice() -> None:
    world = a_world()
    world.send("buy", "1.5")
    assert world.fills(world.send("buy", "1.5")) == [("100.1", "1.5")]
    assert world.fills(world.send("buy", "1")) == [("100.2", "1")]


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        ([1.0], "0.25"),
        ([1.5], "0.75"),
        ([0.9], "0.25"),
        ([0.1], "0.1"),
        ([1.001, 1.0], "0.251"),
        ([0.9, 1.0], "0.35"),
        ([0.5, 0.1, 2.0], "2"),
    ],
)
def test_of_an_eaten_level_is_left_what_was_left_and_what_it_gained(sizes: list[float], left: str) -> None:
    world = a_world()
    world.send("buy", "0.75")
    for size in sizes:
        world.book(BIDS, [(100.0, size), *ASKS[1:]])
    assert world.fills(world.send("buy", "5", "100.0", tif="ioc")) == [("100", left)]


def test_a_level_that_was_gone_is_whole_when_it_comes_back() -> None:
    world = a_world()
    world.send("buy", "1")
    world.book(BIDS, ASKS[1:])
    world.book(BIDS, ASKS)
    assert world.fills(world.send("buy", "1")) == [("100", "1")]


def test_the_rest_of_a_market_order_is_canceled_with_the_reason() -> None:
    world = a_world()
    order = world.send("buy", "10")
    assert (world.status(order), world.order(order).filled) == ("canceled", 8)
    assert world.order(order).reason == "no more displayed liquidity, 2 of 10 not filled"


def test_a_limit_takes_up_to_its_price_and_rests_with_the_remainder() -> None:
    world = a_world()
    order = world.send("buy", "5", "100.1")
    assert world.fills(order) == [("100", "1"), ("100.1", "2")]
    assert (world.status(order), world.ahead(order)) == ("partially_filled", "0")


def test_eaten_levels_do_not_fill_the_resting_remainder_again() -> None:
    world = a_world()
    order = world.send("buy", "5", "100.1")
    world.book(BIDS, ASKS)
    assert world.order(order).filled == 3
    world.book(BIDS, [(100.1, 0.5), (100.2, 5.0)])
    assert world.order(order).filled == 3
    world.book(BIDS, [(100.1, 1.0), (100.2, 5.0)])
    assert world.fills(order)[2:] == [("100.1", "0.5")]


def test_a_level_that_twitches_does_not_fill_the_resting_remainder() -> None:
    world = a_world()
    order = world.send("buy", "30", "100.0")
    for size in (1.001, 1.0) * 5:
        world.book(BIDS, [(100.0, size), *ASKS[1:]])
    assert world.order(order).filled == Decimal("1.005"), "the first 1, and 0.001 whenever the level gained that"


def test_an_ioc_takes_what_is_there_and_expires() -> None:
    world = a_world()
    order = world.send("buy", "5", "100.0", tif="ioc")
    assert (world.status(order), world.fills(order)) == ("expired", [("100", "1")])
    assert world.order(order).reason == "IOC: 4 of 5 not filled"


@pytest.mark.parametrize(("quantity", "status", "filled"), [("3", "filled", 3), ("3.001", "expired", 0)])
def test_a_fok_is_filled_whole_or_not_at_all(quantity: str, status: str, filled: int) -> None:
    world = a_world()
    order = world.send("buy", quantity, "100.1", tif="fok")
    assert (world.status(order), world.order(order).filled) == (status, filled)


def test_a_fok_does_not_count_what_was_eaten_before() -> None:
    world = a_world()
    world.send("buy", "1")
    assert world.status(world.send("buy", "3", "100.1", tif="fok")) == "expired"


@pytest.mark.parametrize(
    ("instrument", "code"), [(SPOT, "-2010"), (PERP, "-5022")], ids=lambda value: getattr(value, "kind", value)
)
def test_post_only_that_would_take_is_rejected_in_the_venues_words(instrument: object, code: str) -> None:
    world = World(Market(instrument))
    world.book(BIDS, ASKS)
    crossing = world.send("buy", "1", "100.0", post_only=True)
    resting = world.send("buy", "1", "99.9", post_only=True)
    [rejection] = [event for event in world.log if isinstance(event, OrderRejected)]
    assert (rejection.client_id, rejection.code) == (crossing, code)
    assert world.status(resting) == "new"


def test_taker_fees_are_charged_in_the_quote_currency_at_the_instruments_rate() -> None:
    world = a_world()
    world.send("buy", "1")
    [fill] = world.fill_events()
    assert (str(fill.fee.normalize()), fill.fee_currency) == ("0.05", "USDT")


def test_a_book_that_is_not_live_takes_no_orders_but_cancels_work() -> None:
    world = a_world()
    resting = world.send("buy", "1", "99.0")
    world.market.become(BookState.SYNCING)
    refused = world.send("buy", "1")
    world.cancel(resting)
    assert (world.status(refused), world.status(resting)) == ("rejected", "canceled")
    assert "not in sync" in world.order(refused).reason


def test_an_order_that_would_meet_an_own_resting_order_expires_the_resting_one() -> None:
    world = a_world()
    ask = world.send("sell", "1", "100.0")
    bid = world.send("buy", "4", "100.1")
    assert world.status(ask) == "expired"
    assert world.fills(bid) == [("100", "1"), ("100.1", "2")]


def test_an_own_resting_order_between_the_touches_expires_too() -> None:
    world = World()
    world.book([(99.0, 1.0)], [(101.0, 1.0)])
    ask = world.send("sell", "1", "100.0")
    bid = world.send("buy", "1", "100.5")
    assert (world.status(ask), world.status(bid), world.fills()) == ("expired", "new", [])


def test_an_own_order_behind_others_survives_a_small_own_taker_at_its_price() -> None:
    world = a_world()
    bid = world.send("buy", "1", "99.9")
    world.send("sell", "0.5")
    assert world.status(bid) == "new"
    world.send("sell", "1")
    assert world.status(bid) == "expired"


def test_post_only_against_an_own_order_is_rejected_as_well() -> None:
    world = a_world()
    world.book([(99.0, 1.0)], [(101.0, 1.0)])
    world.send("sell", "1", "100.0", post_only=True)
    assert world.status(world.send("buy", "1", "100.0", post_only=True)) == "rejected"


def test_trade_and_order_ids_carry_the_session_and_never_repeat() -> None:
    world = a_world()
    world.send("buy", "2.5")
    world.send("buy", "2.5")
    ids = [fill.trade_id for fill in world.fill_events()]
    ids += [event.venue_order_id for event in world.log if isinstance(event, OrderAccepted)]
    assert len(set(ids)) == len(ids) == 6
    assert all(each.startswith("w-1-") for each in ids)
