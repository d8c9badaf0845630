"""TWAP: its schedule, its maker-first slices, what it takes when behind, cap, limit, pause and end."""

from decimal import Decimal
from itertools import pairwise
from statistics import fmean, pstdev

import pytest

from jackbot_tui.algos.schedule import CURVES, schedule, slice_at
from jackbot_tui.algos.state import Action, Kind, ParentStatus
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import TimeInForce
from tests.parents_world import BUY, SELL, ParentsWorld, until

D = Decimal
MINUTE = 60 * NS_PER_S


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("irregular", [0.0, 0.4, 0.9])
def test_a_schedule_rises_to_the_whole_within_its_time(curve: str, irregular: float) -> None:
    slices = schedule(10 * MINUTE, 20, curve, irregular, 7)
    begins = [each.begins_ns for each in slices]
    shares = [each.until for each in slices]
    assert begins == sorted(begins) and begins[0] == 0 and begins[-1] < 10 * MINUTE
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1.0
    assert schedule(10 * MINUTE, 20, curve, irregular, 7) == slices


def test_curves_put_the_size_where_they_say() -> None:
    halves = {curve: schedule(10 * MINUTE, 20, curve, 0.0, 1)[9].until for curve in CURVES}
    assert halves["even"] == pytest.approx(0.5)
    assert halves["s"] == pytest.approx(0.5)
    assert halves["front"] > 0.65 and halves["back"] < 0.35
    quarter = {curve: schedule(10 * MINUTE, 20, curve, 0.0, 1)[4].until for curve in ("s", "u")}
    assert quarter["s"] < 0.2 < 0.3 < quarter["u"]


def test_without_irregularity_all_slices_are_equal_and_with_it_none_are() -> None:
    def steps(irregular: float) -> set[int]:
        begins = [each.begins_ns for each in schedule(10 * MINUTE, 20, "even", irregular, 3)]
        return {later - earlier for earlier, later in pairwise(begins)}

    assert steps(0.0) == {30 * NS_PER_S}
    assert len(steps(0.4)) == 19


def test_fully_irregular_distances_are_as_spread_as_those_of_trades() -> None:
    spreads = []
    for seed in range(20):
        begins = [each.begins_ns for each in schedule(60 * MINUTE, 100, "even", 1.0, seed)]
        gaps = [later - earlier for earlier, later in pairwise(begins)]
        spreads.append(pstdev(gaps) / fmean(gaps))
    assert 1.0 < fmean(spreads) < 1.6


def test_an_irregular_schedule_stays_on_its_curve() -> None:
    for curve in ("even", "front", "s"):
        straight = schedule(60 * MINUTE, 360, curve, 0.0, 1)
        for seed in range(5):
            for each in schedule(60 * MINUTE, 60, curve, 1.0, seed)[1:]:
                wanted = straight[slice_at(straight, each.begins_ns)].until
                before = [one.until for one in schedule(60 * MINUTE, 60, curve, 1.0, seed) if one.until < each.until]
                assert before[-1] == pytest.approx(wanted, abs=0.1)


def test_given_weights_take_the_place_of_a_curve() -> None:
    slices = schedule(10 * MINUTE, 10, "even", 0.0, 1, (3.0, 1.0))
    assert slices[4].until == pytest.approx(0.75)


def test_the_slice_that_runs_is_found() -> None:
    slices = schedule(10 * NS_PER_S, 5, "even", 0.0, 1)
    assert [slice_at(slices, at * NS_PER_S) for at in (0, 1, 2, 9, 30)] == [0, 0, 1, 4, 4]


def run(world: ParentsWorld, seconds: float, every_ms: int = 500, low: float = 99.5) -> None:
    """A market that goes up and down a tick above ``low``."""
    for turn in range(int(seconds * 1000 / every_ms)):
        bid = low + 0.5 if turn % 2 else low
        world.book(str(bid), str(bid + 0.5), bid_size=0.5, ask_size=0.5)
        world.step(every_ms)


def test_what_is_due_rests_first_and_is_taken_when_overdue() -> None:
    world = ParentsWorld()
    world.begin(Kind.TWAP, BUY, "0.5", over="10s", slices="5", random="0")
    world.step(500)
    order = world.only_order()
    assert (order.post_only, order.price) == (True, D(100))
    assert D("0.09") <= order.quantity <= D("0.1")
    assert world.taken() == 0
    run(world, 3, low=100.0)
    assert world.taken() >= D("0.09")
    run(world, 10, low=100.0)
    assert world.look().status is ParentStatus.DONE
    assert world.position() == D("0.5")


def test_resting_slices_that_fill_in_time_take_nothing() -> None:
    world = ParentsWorld()
    world.begin(Kind.TWAP, BUY, "0.5", over="10s", slices="5", random="0")
    for _ in range(40):
        world.step(250)
        world.trade(SELL, "100.0", "20")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.taken()) == (D("0.5"), D(0))


def test_it_is_never_ahead_of_its_schedule() -> None:
    world = ParentsWorld()
    world.begin(Kind.TWAP, BUY, "1", over="20s", slices="10", random="0")
    for second in range(1, 20):
        for _ in range(4):
            world.step(250)
            world.trade(SELL, "100.0", "20")
        assert world.look().filled <= D("0.1") * (second // 2 + 1)
    assert world.look().filled >= D("0.8")


def test_the_cap_binds_it_to_what_the_market_trades() -> None:
    world = ParentsWorld()
    world.begin(Kind.TWAP, BUY, "1", over="10s", slices="5", cap="10")
    run(world, 8)
    assert world.look().filled == 0  # nothing has traded
    world.trade(BUY, "100.5", "3")
    run(world, 2)
    assert 0 < world.look().filled <= D("0.3")


def test_beyond_its_limit_it_waits_and_ends_with_what_is_left() -> None:
    world = ParentsWorld()
    world.begin(Kind.TWAP, BUY, "0.5", over="10s", slices="5", limit="99")
    until(world, lambda: not world.look().status.is_open)
    picture = world.look()
    assert picture.status is ParentStatus.FAILED
    assert picture.why == "the time is up, 0.5 left"
    assert (picture.filled, world.open_orders()) == (D(0), [])
    assert any("behind its schedule" in text for text in world.told())


def test_after_a_pause_it_catches_up_in_steps() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.TWAP, SELL, "1", over="40s", slices="20", random="0", slip="100")
    world.step(200)
    world.steer(number, Action.PAUSE)
    run(world, 25)
    assert world.position() == 0
    world.steer(number, Action.RESUME)
    run(world, 20)
    assert world.look().status is ParentStatus.DONE
    assert world.position() == -1
    takes = [order for order in world.engine.oms.orders.values() if order.tif is TimeInForce.IOC]
    assert max(order.quantity for order in takes) <= D("0.15")


def test_children_avoid_round_numbers_and_stay_below_what_is_displayed() -> None:
    world = ParentsWorld()
    world.begin(Kind.TWAP, BUY, "20", over="20s", slices="2", random="0", style="rest")
    world.step(300)
    order = world.only_order()
    assert order.quantity <= 1  # displayed at the touch
    assert order.quantity % D("0.01") != 0
