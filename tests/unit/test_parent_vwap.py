"""VWAP: its volume curve, the correction by live volume, the share-of-volume mode, caps, edits and restarts."""

import json
from decimal import Decimal

import pytest

from jackbot_tui.algos.state import Action, Kind, ParentRequest, ParentStatus
from jackbot_tui.algos.vwap import live_share
from jackbot_tui.engine.parents import ParentOptions, RestartPolicy
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import TimeInForce
from jackbot_tui.model.records import ParentMoved
from tests.desk_world import PERP, START_NS
from tests.parents_world import BUY, SELL, ParentsWorld, restarted, until

D = Decimal
DAY_NS = 86_400 * NS_PER_S


def traded(world: ParentsWorld, seconds: float, size: str, every_ms: int = 500) -> None:
    """A market that trades ``size`` at the ask every ``every_ms``, which fills no buyer at the bid."""
    for _ in range(int(seconds * 1000 / every_ms)):
        world.trade(BUY, "100.5", size)
        world.step(every_ms)


def preview(world: ParentsWorld, quantity: str, **values: str) -> str:
    request = ParentRequest(kind=Kind.VWAP, key=world.key, side=BUY, quantity=D(quantity), values=values, source="test")
    shown = world.engine.parents.preview(request)
    return "; ".join((*shown.lines, *shown.warnings, shown.problem))


def test_it_follows_the_profile_of_the_settings() -> None:
    midnight = START_NS - START_NS % DAY_NS
    minutes = tuple(9.0 if minute % 2 == 0 else 1.0 for minute in range(1440))
    options = ParentOptions(children_per_s=1000, profiles={PERP: minutes})
    world = ParentsWorld(options=options, start_ns=midnight + DAY_NS)
    world.begin(Kind.VWAP, BUY, "1", over="2m", slices="12", random="0", style="take", slip="100")
    traded(world, 59, "0.5", every_ms=250)  # as much as the profile has in the minute would be 9
    first = world.look().filled
    traded(world, 62, "0.5", every_ms=250)
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert D("0.75") < first < D("0.95")
    assert "the profile of the settings" in preview(world, "1", over="2m")


def test_without_a_profile_it_says_that_its_curve_is_even_and_at_what_rate() -> None:
    world = ParentsWorld()
    assert "nothing was seen yet: evenly" in preview(world, "1", over="2m")
    traded(world, 20, "1")
    text = preview(world, "1", over="1m")
    assert "evenly, at the rate of the last 20 s" in text
    assert "120 BTC expected to trade in that time, this is 0.83 %" in text


def test_what_was_seen_yesterday_at_this_time_is_its_curve() -> None:
    world = ParentsWorld()
    traded(world, 60, "1")
    traded(world, 60, "0.1")
    world.clock.set(START_NS + DAY_NS + 5 * NS_PER_S)
    world.book("100.0", "100.5")
    assert "what was seen at this time yesterday" in preview(world, "1", over="1m")


@pytest.mark.parametrize("traded_so_far", [0.0, 5.0, 50.0, 500.0])
def test_the_live_share_stays_between_what_is_gone_and_all(traded_so_far: float) -> None:
    shares = [live_share(until / 10, (until - 1) / 10, traded_so_far, 100.0) for until in range(1, 11)]
    assert all(0 <= share <= 1 for share in shares)
    assert shares[-1] == 1.0


def test_more_volume_than_expected_makes_more_due_and_less_makes_less() -> None:
    as_expected = live_share(0.6, 0.5, 50.0, 100.0)
    assert as_expected == pytest.approx(0.6)
    assert live_share(0.6, 0.5, 100.0, 100.0) > 0.62
    assert live_share(0.6, 0.5, 25.0, 100.0) < 0.58
    assert live_share(0.6, 0.5, 100.0, 0.0) == 0.6  # nobody knows what to expect


def test_a_burst_of_volume_is_gone_along_with() -> None:
    def filled(burst: str) -> Decimal:
        world = ParentsWorld()
        traded(world, 30, "1")
        world.begin(Kind.VWAP, BUY, "2", over="60s", slices="12", random="0", style="take", slip="100")
        traded(world, 15, burst)
        return world.look().filled

    assert filled("4") > filled("1") * D("1.3")
    assert filled("0.1") < filled("1")


def test_a_share_of_the_volume_is_followed_and_never_exceeded() -> None:
    world = ParentsWorld()
    world.begin(Kind.VWAP, SELL, "3", over="5m", slices="30", pov="10", slip="100")
    shares = []
    for _ in range(60):
        world.book("100.0", "100.5")
        world.trade(SELL, "100.0", "0.4")
        world.step(500)
        total = world.market.trades.volume
        assert world.look().filled <= total * D("0.1")
        shares.append(world.look().filled / total)
    assert shares[-1] > D("0.06")
    world.step(20_000)
    still = world.look().filled
    world.step(20_000)
    assert world.look().filled == still  # nothing trades, nothing is due


def test_the_end_is_completed_only_up_to_the_cap() -> None:
    world = ParentsWorld()
    world.begin(Kind.VWAP, BUY, "2", over="20s", slices="10", pov="5", cap="20", slip="100")
    traded(world, 20, "0.1", every_ms=250)  # 8 altogether: 0.4 are due, 1.6 allowed
    assert world.look().filled <= D("0.4")
    until(world, lambda: not world.look().status.is_open)
    picture = world.look()
    assert picture.status is ParentStatus.FAILED
    assert D("1.2") < picture.filled <= D("1.6")


def test_a_cap_below_the_share_is_refused_in_one_line() -> None:
    world = ParentsWorld()
    answer = world.start(Kind.VWAP, BUY, "1", over="1m", pov="10", cap="5")
    assert answer.problem == "cap 5 is below pov 10: make it at least as large, or leave it out"


def test_a_large_part_of_the_expected_volume_is_warned_of() -> None:
    world = ParentsWorld()
    traded(world, 20, "0.1")
    assert "of the expected volume moves the price" in preview(world, "5", over="1m")
    assert "it will not be complete in that time" in preview(world, "5", over="1m", pov="10")


def test_a_longer_time_makes_a_new_curve_and_less_due() -> None:
    world = ParentsWorld()
    traded(world, 10, "1")
    number = world.begin(Kind.VWAP, BUY, "1", over="20s", slices="10", random="0", style="take", slip="100")
    traded(world, 10, "1")
    before = world.look().filled
    assert before >= D("0.4")
    assert world.steer(number, Action.EDIT, over="10m") == ""
    traded(world, 5, "1")
    assert world.look().filled == before
    assert "of 10," in world.look().why


def test_a_restart_finds_curve_and_volume_again() -> None:
    world = ParentsWorld()
    traded(world, 10, "1")
    world.begin(Kind.VWAP, BUY, "1", over="40s", slices="10", random="0", style="take", slip="100")
    traded(world, 10, "1")
    filled = world.look().filled
    after = restarted(world, len(world.journal.records), RestartPolicy.RESUME)
    moved = after.records(ParentMoved)[-1]
    assert isinstance(moved, ParentMoved)
    memory = json.loads(moved.state)["memory"]
    assert (memory["expected"], memory["weights"]) == (80.0, [1.0])
    assert 15 <= D(memory["volume"]) <= 20  # as far as it was journaled
    traded(after, 60, "1")
    until(after, lambda: not after.look().status.is_open)
    assert after.look().status is ParentStatus.DONE
    assert after.position() == 1 > filled > 0


def test_no_two_orders_of_a_hidden_schedule_are_alike() -> None:
    world = ParentsWorld()
    for size in ("0.011", "0.4", "0.087", "1.3"):
        world.trade(BUY, "100.5", size)
    world.begin(Kind.VWAP, BUY, "3", over="2m", slices="20", style="take", slip="100")
    traded(world, 125, "0.3")
    until(world, lambda: not world.look().status.is_open)
    takes = [order for order in world.engine.oms.orders.values() if order.tif is TimeInForce.IOC]
    assert len({order.quantity for order in takes}) > 0.8 * len(takes) > 10
    assert not [order for order in takes[:-1] if order.quantity > D("0.1") and order.quantity % D("0.01") == 0]


def test_a_share_below_the_venues_minimum_waits_instead_of_failing() -> None:
    world = ParentsWorld()
    world.begin(Kind.VWAP, BUY, "0.01", over="30s", pov="0.1")
    traded(world, 5, "0.01")
    assert world.look().filled == 0
    assert world.open_orders() == []
    assert world.look().status is ParentStatus.RUNNING
