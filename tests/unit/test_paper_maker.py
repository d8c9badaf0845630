"""Paper orders that rest: the queue at their price, trades through it, amends, resyncs. Answers computed by hand."""

from decimal import Decimal

import pytest

from jackbot_tui.model.enums import BookState, Liquidity
from jackbot_tui.model.orders import OrderCancelRejected
from tests.paper_world import SPOT, Market, World

BIDS = [(99.9, 3.0), (99.8, 2.0)]
ASKS = [(100.0, 4.0), (100.1, 2.0)]


def a_world(**options: int) -> World:
    world = World(**options)
    world.book(BIDS, ASKS)
    return world


def test_an_order_queues_behind_everything_displayed() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    assert (world.ahead(order), world.fills()) == ("3", [])


def test_trades_at_the_price_eat_the_queue_and_then_fill_lot_by_lot() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.9, "2.5")
    assert (world.ahead(order), world.fills()) == ("0.5", [])
    world.trade("sell", 99.9, "0.8")
    assert world.fills() == [("99.9", "0.3")]
    world.trade("sell", 99.9, "9")
    assert (world.fills(), world.status(order)) == ([("99.9", "0.3"), ("99.9", "0.7")], "filled")


def test_a_trade_by_our_own_sides_aggressor_does_not_move_the_queue() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.trade("buy", 99.9, "9")
    assert (world.ahead(order), world.fills()) == ("3", [])


def test_a_shrinking_level_moves_us_only_as_far_as_it_must() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.book([(99.9, 3.5), (99.8, 2.0)], ASKS)
    assert world.ahead(order) == "3"
    world.book([(99.9, 1.2), (99.8, 2.0)], ASKS)
    assert world.ahead(order) == "1.2"
    world.book([(99.9, 5.0), (99.8, 2.0)], ASKS)
    assert world.ahead(order) == "1.2"


def test_a_trade_seen_in_both_streams_counts_once() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.9, "1")
    world.book([(99.9, 2.0), (99.8, 2.0)], ASKS)
    assert world.ahead(order) == "2"


def test_a_trade_made_before_the_order_came_does_not_fill_it_though_it_is_told_later() -> None:
    world = a_world()
    world.market.book_event_ns = world.now  # 8 of the level were traded before this; the tape tells of it afterwards
    order = world.send("buy", "5", "99.9")
    world.trade("sell", 99.9, "8", made_ns=world.now - 50_000_000)
    world.trade("sell", 99.8, "8", made_ns=world.now)
    assert (world.fills(order), world.ahead(order)) == ([], "3")
    world.trade("sell", 99.9, "8", made_ns=world.now + 1)
    assert world.fills(order) == [("99.9", "5")]


def test_an_older_order_in_the_same_queue_has_its_part_in_a_trade_that_is_told_late() -> None:
    world = a_world()
    old = world.send("buy", "1", "99.9")
    world.market.book_event_ns = world.now + 10
    new = world.send("buy", "1", "99.9")
    world.trade("sell", 99.9, "5", made_ns=world.now + 5)
    assert (world.fills(old), world.fills(new), world.ahead(new)) == ([("99.9", "1")], [], "3")


def test_where_the_venue_tells_no_times_every_trade_counts() -> None:
    world = a_world()
    world.market.book_event_ns = world.now
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.8, "8", made_ns=0)
    assert world.fills(order) == [("99.9", "1")]


def test_an_amended_order_queues_anew_and_hears_only_of_what_comes_after() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.market.book_event_ns = world.now + 10
    world.amend(order, "99.9", "2")
    world.trade("sell", 99.8, "8", made_ns=world.now + 5)
    assert world.fills(order) == []


def test_a_trade_through_the_price_fills_up_to_the_traded_volume_without_queueing() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.8, "0.4")
    assert world.fills() == [("99.9", "0.4")]
    assert world.ahead(order) == "0"


def test_the_opposite_best_reaching_the_price_fills_up_to_its_size() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.book([(99.7, 1.0)], [(99.9, 0.3), (100.0, 4.0)])
    assert world.fills() == [("99.9", "0.3")]
    world.book([(99.7, 1.0)], [(99.9, 0.3), (100.0, 5.0)])
    assert world.fills() == [("99.9", "0.3")]
    world.book([(99.6, 1.0)], [(99.8, 3.0)])
    assert world.fills(order) == [("99.9", "0.3"), ("99.9", "0.7")]


def test_a_maker_pays_the_maker_fee() -> None:
    world = a_world()
    world.send("buy", "1", "99.9")
    world.trade("sell", 99.8, "2")
    [fill] = world.fill_events()
    assert (fill.liquidity, fill.fee) == (Liquidity.MAKER, Decimal("99.9") * Decimal("0.0002"))


def test_own_orders_at_one_price_share_one_queue_and_every_trade() -> None:
    world = a_world()
    first = world.send("buy", "1", "99.9")
    world.book([(99.9, 5.0), (99.8, 2.0)], ASKS)
    second = world.send("buy", "1", "99.9")
    # In line: 3 strangers, first, 2 strangers, second.
    assert (world.ahead(first), world.ahead(second)) == ("3", "6")
    world.trade("sell", 99.9, "4.5")
    assert (world.fills(first), world.fills(second)) == ([("99.9", "1")], [])
    assert world.ahead(second) == "1.5"
    world.trade("sell", 99.9, "2")
    assert world.fills(second) == [("99.9", "0.5")]


def test_two_own_orders_are_not_filled_by_the_same_traded_quantity() -> None:
    world = a_world()
    first, second = world.send("buy", "1", "99.9"), world.send("buy", "1", "99.9")
    world.trade("sell", 99.9, "4.5")
    assert (world.fills(first), world.fills(second)) == ([("99.9", "1")], [("99.9", "0.5")])


def test_a_trade_through_several_own_prices_is_shared_best_price_first() -> None:
    world = a_world()
    low, high = world.send("buy", "1", "99.8"), world.send("buy", "1", "99.9")
    world.trade("sell", 99.7, "1.4")
    assert (world.fills(high), world.fills(low)) == ([("99.9", "1")], [("99.8", "0.4")])


def test_reaching_levels_are_shared_too() -> None:
    world = a_world()
    first, second = world.send("buy", "1", "99.9"), world.send("buy", "1", "99.9")
    world.book([(99.7, 1.0)], [(99.9, 1.5)])
    assert (world.fills(first), world.fills(second)) == ([("99.9", "1")], [("99.9", "0.5")])


def test_sells_are_the_mirror_image() -> None:
    world = a_world()
    order = world.send("sell", "1", "100.0")
    world.trade("buy", 100.0, "4.2")
    world.trade("sell", 100.0, "4.2")
    world.trade("buy", 100.1, "0.1")
    world.book([(100.0, 0.2)], [(100.2, 1.0)])
    assert world.fills(order) == [("100", "0.2"), ("100", "0.1"), ("100", "0.2")]


def test_no_order_profits_from_less_than_a_lot() -> None:
    world = a_world()
    order = world.send("buy", "0.002", "99.9")
    world.trade("sell", 99.9, "3.0019")
    assert world.fills(order) == [("99.9", "0.001")]


def test_nothing_fills_while_the_book_is_not_live_and_nobody_is_promoted_by_a_resync() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.9, "1")
    world.market.become(BookState.SYNCING)
    world.trade("sell", 99.0, "50")
    assert (world.fills(), world.paper.queue(order)) == ([], None)
    world.market.become(BookState.LIVE)
    world.market.set([(99.9, 7.0)], ASKS)
    world.hear(world.paper.on_resync(world.market, world.now))
    assert world.ahead(order) == "2"
    world.market.set([(99.9, 0.5)], ASKS)
    world.hear(world.paper.on_resync(world.market, world.now))
    assert world.ahead(order) == "0.5"


def test_a_cancel_takes_the_order_out_of_the_line() -> None:
    world = a_world()
    first, second = world.send("buy", "1", "99.9"), world.send("buy", "1", "99.9")
    world.cancel(first)
    assert world.status(first) == "canceled"
    assert world.ahead(second) == "3"
    world.trade("sell", 99.9, "3.5")
    assert world.fills() == [("99.9", "0.5")]


def test_the_market_behind_us_is_what_is_displayed_but_not_ahead() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.book([(99.9, 5.0)], ASKS)
    view = world.paper.queue(order)
    assert view is not None
    assert (view.ahead, view.behind) == (3, 2)


# ---------------------------------------------------------------------------- amends


@pytest.mark.parametrize(
    ("price", "quantity", "ahead"),
    [("99.9", "2", "5"), ("99.9", "0.5", "1"), ("99.8", "1", "2"), ("99.9", "1", "1")],
)
def test_only_less_at_the_same_price_keeps_the_place_on_spot(price: str, quantity: str, ahead: str) -> None:
    world = World(Market(SPOT))
    world.book(BIDS, ASKS)
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.9, "2")
    world.book([(99.9, 5.0), (99.8, 2.0)], ASKS)
    world.amend(order, price, quantity)
    assert (world.ahead(order), world.order(order).quantity) == (ahead, Decimal(quantity))


def test_on_the_perpetual_every_amend_loses_the_place() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.9, "2")
    world.amend(order, "99.9", "0.5")
    assert world.ahead(order) == "3"


def test_amending_to_what_is_filled_already_ends_the_order() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.8, "0.4")
    world.amend(order, "99.9", "0.4")
    assert (world.status(order), world.order(order).filled) == ("canceled", Decimal("0.4"))


def test_amending_through_the_touch_takes() -> None:
    world = a_world()
    order = world.send("buy", "5", "99.9")
    world.amend(order, "100.0", "5")
    assert (world.fills(order), world.status(order)) == ([("100", "4")], "partially_filled")


def test_a_post_only_order_amended_through_the_touch_is_canceled() -> None:
    world = a_world()
    order = world.send("buy", "1", "99.9", post_only=True)
    world.amend(order, "100.0", "1")
    assert (world.status(order), world.fills()) == ("canceled", [])


# ---------------------------------------------------------------------------- latency


def test_an_order_meets_the_book_of_its_arrival_and_nothing_before() -> None:
    world = a_world(latency_ms=20)
    order = world.send("buy", "1", "99.9")
    world.trade("sell", 99.0, "9")
    world.wait(10)
    world.book([(99.9, 2.0)], ASKS)
    world.trade("sell", 99.0, "9")
    world.wait(10)
    assert world.ahead(order) == "2"
    assert (world.fills(), world.status(order)) == ([], "pending_new")
    world.wait(20)
    assert world.status(order) == "new"


def test_events_carry_the_venues_time_and_arrive_after_the_response_latency() -> None:
    world = a_world(latency_ms=20)
    start = world.now
    order = world.send("buy", "1")
    assert world.paper.next_wakeup == start + 20_000_000
    world.wait(25)
    assert (world.log, world.paper.next_wakeup) == ([], start + 40_000_000)
    world.wait(15)
    [fill] = world.fill_events(order)
    assert fill.ts == start + 20_000_000
    assert world.paper.next_wakeup is None


def test_a_late_timer_changes_nothing() -> None:
    times = []
    for step in (1, 40):
        world = a_world(latency_ms=20)
        world.send("buy", "1")
        for _ in range(40 // step):
            world.wait(step)
        times.append([event.ts for event in world.log])
    assert times[0] == times[1]
    assert len(times[0]) == 2


def test_a_cancel_may_come_too_late() -> None:
    world = a_world(latency_ms=20)
    order = world.send("buy", "1", "99.9")
    world.wait(40)
    world.cancel(order)
    world.wait(10)
    world.trade("sell", 99.8, "1")
    world.wait(30)
    assert world.status(order) == "filled"
    assert isinstance(world.log[-1], OrderCancelRejected)


def test_a_trade_that_comes_with_the_due_cancel_still_fills() -> None:
    world = a_world(latency_ms=20)
    order = world.send("buy", "1", "99.9")
    world.wait(40)
    world.cancel(order)
    world.now += 20_000_000
    world.trade("sell", 99.8, "1")
    world.wait(20)
    assert world.status(order) == "filled"


def test_jitter_is_drawn_from_the_seed_and_never_reorders() -> None:
    def arrivals(seed: int) -> list[int]:
        world = a_world(latency_ms=20, jitter_ms=15, seed=seed)
        ids = []
        for _ in range(20):
            ids.append(world.send("buy", "0.01", "99.9"))
            world.wait(1)
        world.wait(100)
        assert [event.client_id for event in world.log] == ids
        return [event.ts for event in world.log]

    assert arrivals(1) == arrivals(1)
    assert arrivals(1) != arrivals(2)
