"""Chase, iceberg, scale, bracket and OCO on paper, and what the host does for all kinds: budget, restart, mistakes."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Action, Kind, ParentStatus
from jackbot_tui.engine.parents import ParentOptions, RestartPolicy
from jackbot_tui.model.enums import OrderStatus, TimeInForce
from jackbot_tui.model.orders import Order
from jackbot_tui.model.records import OrderSubmitted
from tests.desk_world import PERP, instrument
from tests.parents_world import BUY, SELL, ParentsWorld, restarted, until

D = Decimal


def resting(world: ParentsWorld) -> list[tuple[str, Decimal | None, Decimal]]:
    """Side, price and what is left of every open order, best price of a buyer first."""
    orders = sorted(world.open_orders(), key=lambda order: order.price or D(0), reverse=True)
    return [(order.side.value, order.price, order.remaining) for order in orders]


# ---------------------------------------------------------------------- chase


def test_a_chase_follows_every_move_of_the_touch_but_not_back() -> None:
    world = ParentsWorld()
    world.begin(Kind.CHASE, BUY, "0.5")
    world.step(300)
    world.book("101.0", "101.5")
    world.step(300)
    assert resting(world) == [("buy", D(101), D("0.5"))]
    world.book("100.0", "102.0")
    world.step(500)
    assert resting(world) == [("buy", D(101), D("0.5"))]


def test_a_chase_moves_no_more_often_than_it_may() -> None:
    world = ParentsWorld()
    world.begin(Kind.CHASE, BUY, "0.5", every="2s")
    for bid in ("100.5", "101.0", "101.5", "102.0"):
        world.step(300)
        world.book(bid, str(float(bid) + 0.5))
    assert len(world.engine.oms.orders) == 1
    world.step(1_500)
    assert resting(world) == [("buy", D(102), D("0.5"))]
    assert len(world.engine.oms.orders) == 2


def test_a_chase_takes_the_rest_when_its_patience_has_run_out() -> None:
    world = ParentsWorld()
    world.begin(Kind.CHASE, SELL, "0.5", patience="2s")
    world.step(1_900)
    assert world.position() == 0
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.taken()) == (D("-0.5"), D("0.5"))


def test_a_chase_out_of_patience_still_keeps_its_limit() -> None:
    world = ParentsWorld()
    world.begin(Kind.CHASE, BUY, "0.5", patience="1s", limit="100.0")
    world.step(3_000)
    assert world.position() == 0
    assert "beyond its limit" in world.look().why
    assert sum("beyond its limit" in text for text in world.told()) == 1
    world.book("99.5", "100.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.look().average == D(100)


# ---------------------------------------------------------------------- iceberg


def test_an_iceberg_shows_one_part_at_a_time_and_fills_in_all() -> None:
    world = ParentsWorld()
    world.begin(Kind.ICEBERG, BUY, "1", limit="100", show="0.3", vary="0")
    seen = []
    for _ in range(12):
        world.step(300)
        if world.open_orders():
            seen.append(world.only_order().quantity)
            world.trade(SELL, "100.0", "20")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert seen == [D("0.3"), D("0.3"), D("0.3"), D("0.1")]
    assert world.position() == 1


def test_a_rest_that_could_not_be_sent_is_folded_into_the_part_before() -> None:
    listed = replace(instrument(PERP), min_qty=D("0.2"))
    world = ParentsWorld(listed=listed)
    world.begin(Kind.ICEBERG, BUY, "1", limit="100", show="0.45", vary="0")
    seen = []
    for _ in range(8):
        world.step(300)
        if world.open_orders():
            seen.append(world.only_order().quantity)
            world.trade(SELL, "100.0", "20")
    assert seen == [D("0.45"), D("0.55")]


def test_the_parts_of_an_iceberg_vary_and_follow_from_its_seed() -> None:
    def parts() -> list[Decimal]:
        world = ParentsWorld()
        world.begin(Kind.ICEBERG, BUY, "2", limit="100", show="0.3", vary="30")
        for _ in range(20):
            world.step(200)
            world.trade(SELL, "100.0", "20")
        assert world.position() == 2
        return [order.quantity for order in world.engine.oms.orders.values()]

    first = parts()
    assert len(set(first)) > 3
    assert all(D("0.21") <= part <= D("0.39") for part in first[:-1])
    assert parts() == first


def test_an_iceberg_moves_to_an_edited_limit() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.ICEBERG, BUY, "1", limit="100", show="0.3", vary="0")
    world.step(300)
    assert world.steer(number, Action.EDIT, limit="99.5") == ""
    world.step(300)
    assert resting(world) == [("buy", D("99.5"), D("0.3"))]


# ---------------------------------------------------------------------- scale


@pytest.mark.parametrize(
    ("curve", "sizes"),
    [
        ("even", ["0.333", "0.333", "0.334"]),
        ("near", ["0.501", "0.333", "0.166"]),
        ("far", ["0.166", "0.333", "0.501"]),
    ],
)
def test_a_scale_lays_its_row_by_its_curve_and_to_the_last_lot(curve: str, sizes: list[str]) -> None:
    world = ParentsWorld()
    world.begin(Kind.SCALE, BUY, "1", into="3", to="98", curve=curve, **{"from": "100"})
    world.step(300)
    laid = resting(world)
    assert [price for _, price, _ in laid] == [D(100), D(99), D(98)]
    assert sum(left for _, _, left in laid) == 1
    assert sorted(left for _, _, left in laid) == sorted(map(D, sizes))


def test_a_rung_that_has_filled_is_not_placed_again_and_the_rest_stays_through_a_hold() -> None:
    world = ParentsWorld()
    world.begin(Kind.SCALE, BUY, "0.9", into="3", to="98", **{"from": "100"})
    world.step(300)
    world.trade(SELL, "100.0", "30")
    world.step(300)
    world.lose_book()
    world.step(300)
    assert [price for _, price, _ in resting(world)] == [D(99), D(98)]
    world.find_book("100.0", "100.5")
    world.step(500)
    assert [price for _, price, _ in resting(world)] == [D(99), D(98)]
    assert world.look().filled == D("0.3")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"into": "3", "from": "100", "to": "100.5"}, "do not fit into the range"),
        ({"into": "50", "from": "100", "to": "50"}, "too small"),
        ({"into": "1", "from": "100", "to": "99"}, "outside 2 to 50"),
        ({"from": "100", "to": "99"}, "into is missing"),
    ],
)
def test_a_scale_that_cannot_be_laid_is_not_started(values: dict[str, str], said: str) -> None:
    world = ParentsWorld()
    assert said in world.start(Kind.SCALE, BUY, "0.02", **values).problem
    assert world.open_orders() == []


# ---------------------------------------------------------------------- bracket and OCO


def bracket(world: ParentsWorld, quantity: str = "0.5") -> int:
    return world.begin(Kind.BRACKET, BUY, quantity, entry="100", target="102", stop="98")


def test_a_bracket_protects_what_has_filled_from_the_first_fill_on() -> None:
    world = ParentsWorld()
    bracket(world)
    world.step(300)
    world.trade(SELL, "100.0", "1.2")  # 1.0 stands ahead
    world.step(300)
    assert resting(world) == [("sell", D(102), D("0.2")), ("buy", D(100), D("0.3"))]
    world.trade(SELL, "100.0", "30")
    world.step(300)
    assert [(side, price) for side, price, _ in resting(world)] == [("sell", D(102))] * 2
    assert sum(left for _, _, left in resting(world)) == D("0.5")
    assert all(order.reduce_only for order in world.open_orders())


def test_a_bracket_ends_flat_at_its_target() -> None:
    world = ParentsWorld()
    bracket(world)
    world.step(300)
    world.trade(SELL, "100.0", "30")
    world.step(300)
    world.book("101.5", "102.0")
    world.trade(BUY, "102.0", "90")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0
    assert world.look().why == "out at the target"
    assert world.look().exited == world.look().filled == D("0.5")


def test_the_stop_cancels_the_target_first_and_takes_the_position_off() -> None:
    world = ParentsWorld()
    bracket(world)
    world.step(300)
    world.trade(SELL, "100.0", "30")
    world.step(300)
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])
    assert "stopped at 98" in world.look().why
    assert any("STOP at 98" in text for text in world.told())
    last = list(world.engine.oms.orders.values())[-1]
    assert (last.tif, last.reduce_only, last.price) == (TimeInForce.IOC, True, D(98))


def test_a_stop_that_was_reached_stays_triggered_when_the_price_comes_back() -> None:
    world = ParentsWorld()
    bracket(world)
    world.step(300)
    world.trade(SELL, "100.0", "30")
    world.step(300)
    world.book("98.0", "98.5")
    world.book("100.0", "100.5")
    until(world, lambda: not world.look().status.is_open)
    assert world.position() == 0


def test_a_paused_bracket_pulls_its_entry_and_keeps_its_exits() -> None:
    world = ParentsWorld()
    number = bracket(world)
    world.step(300)
    world.trade(SELL, "100.0", "1.2")
    world.step(300)
    world.steer(number, Action.PAUSE)
    world.step(300)
    assert resting(world) == [("sell", D(102), D("0.2"))]
    world.book("98.0", "98.5")
    world.step(1_000)
    assert world.position() == 0


def test_the_stop_of_a_bracket_may_be_moved_when_all_of_it_is_in() -> None:
    world = ParentsWorld()
    number = bracket(world)
    world.step(300)
    world.trade(SELL, "100.0", "30")
    world.step(300)
    assert world.look().filled == D("0.5")
    assert world.steer(number, Action.EDIT, stop="99") == ""
    world.book("99.0", "99.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_finishing_a_bracket_takes_the_position_off() -> None:
    world = ParentsWorld()
    number = bracket(world)
    world.step(300)
    world.trade(SELL, "100.0", "30")
    world.step(300)
    world.steer(number, Action.FINISH)
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])


def test_the_stop_of_an_oco_acts_on_the_price_it_was_told_to_watch() -> None:
    world = ParentsWorld()
    world.begin(Kind.OCO, SELL, "0.5", target="102", stop="98", trigger="last")
    world.step(300)
    assert resting(world) == [("sell", D(102), D("0.5"))]
    world.book("97.5", "98.0")
    world.step(500)
    assert world.position() == 0  # nobody has traded there yet
    world.trade(SELL, "97.5", "0.1")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == D("-0.5")


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (Kind.BRACKET, {"entry": "100", "target": "99", "stop": "98"}, "target 99 must be above the entry 100"),
        (Kind.BRACKET, {"entry": "100", "target": "102", "stop": "101"}, "stop 101 must be below the entry 100"),
        (Kind.OCO, {"target": "101", "stop": "102"}, "target 101 must be below the market"),
    ],
)
def test_exits_on_the_wrong_side_are_refused(kind: Kind, values: dict[str, str], said: str) -> None:
    world = ParentsWorld()
    assert said in world.start(kind, BUY, "0.5", **values).problem


# ---------------------------------------------------------------------- the host


def test_children_of_all_parents_share_one_rate_budget() -> None:
    world = ParentsWorld(options=ParentOptions(children_per_s=2))
    world.begin(Kind.SCALE, BUY, "1", into="6", to="95", **{"from": "100"})
    for second in range(1, 4):
        assert len(world.open_orders()) == 2 * second
        world.step(1_050)
    sent = [record.ts for record in world.records(OrderSubmitted)]
    assert all(later - earlier >= 1_000_000_000 for earlier, later in zip(sent, sent[2:], strict=False))


def test_a_person_who_waits_for_nothing_sees_nothing_sent_after_a_restart() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    after = restarted(world, len(world.journal.records), RestartPolicy.WAIT)
    after.book("102.0", "102.5")
    after.step(10_000)
    assert after.look().status is ParentStatus.WAITING
    assert [order.number for order in after.open_orders()] == [1]
    assert after.steer(1, Action.RESUME) == ""
    after.step(4_000)
    assert after.only_order().price == D(102)


def test_a_kill_ends_a_parent_that_has_come_back() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    after = restarted(world, len(world.journal.records), RestartPolicy.RESUME)
    after.engine.kill("test")
    after.step(500)
    assert after.look().status is ParentStatus.CANCELED
    assert after.open_orders() == []


def test_numbers_go_on_after_a_restart() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5")
    world.steer(number, Action.CANCEL)
    world.step(500)
    after = restarted(world, len(world.journal.records), RestartPolicy.WAIT)
    assert after.parents.pictures() == []
    assert after.begin(Kind.MAKER, BUY, "0.5") == 2


def test_a_mistake_in_one_parent_stops_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.begin(Kind.SCALE, BUY, "0.9", into="3", to="98", **{"from": "100"})
    world.step(300)

    def broken(*_: object) -> None:
        raise ValueError("a mistake")

    monkeypatch.setattr(ALGORITHMS[Kind.MAKER], "decide", broken)
    world.book("100.5", "101.0")
    world.step(500)
    assert world.look(1).status is ParentStatus.PAUSED
    assert any("a mistake in this program" in text for text in world.told())
    assert all(order.parent_id == "p2" for order in world.open_orders())
    assert len(world.open_orders()) == 3
    monkeypatch.undo()
    assert world.steer(1, Action.CANCEL) == ""
    world.step(300)
    assert world.look(1).status is ParentStatus.CANCELED


def test_an_order_whose_fate_is_unknown_holds_its_parent() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.ICEBERG, BUY, "0.5", limit="100", show="0.2")
    world.step(500)
    order: Order = world.only_order()
    world.engine.oms.orders[order.client_id] = replace(order, status=OrderStatus.PENDING_UNKNOWN)
    world.steer(number, Action.EDIT, limit="99")
    world.step(5_000)
    assert "fate of its order #1 is unknown" in world.look().why
    assert len(world.engine.oms.orders) == 1
    world.engine.oms.orders[order.client_id] = order  # the venue has told
    world.book("100.0", "101.0")
    world.step(500)
    assert world.only_order().price == D(99)


def test_after_a_restart_a_resting_order_is_left_while_the_book_comes_up_but_not_for_ever() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    after = restarted(world, len(world.journal.records), RestartPolicy.RESUME)
    assert [order.number for order in after.open_orders()] == [1]  # its place was kept though the book came later
    after.lose_book()
    after.step(9_000)
    assert [order.number for order in after.open_orders()] == [1]
    after.step(2_000)
    assert after.open_orders() == []
