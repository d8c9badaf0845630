"""Always maker on paper: rests at the top, moves when it lies behind, never takes, counts races, keeps its bounds."""

from decimal import Decimal

import pytest

from jackbot_tui.algos.state import Action, Kind, ParentStatus
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.records import ParentMoved, ParentStarted
from tests.parents_world import BUY, SELL, ParentsWorld, until

D = Decimal


def test_it_posts_the_whole_quantity_at_the_best_price_of_its_side() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step()
    order = world.only_order()
    assert (order.price, order.quantity, order.post_only, order.status) == (D(100), D("0.5"), True, OrderStatus.NEW)
    assert order.parent_id == "p1"
    assert "rests at 100 at the top" in world.look().why


def test_a_seller_posts_at_the_best_ask() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, SELL, "0.5")
    world.step()
    assert world.only_order().price == D("100.5")


def test_it_keeps_its_place_while_it_is_at_the_top() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(10_000)
    assert world.only_order().number == 1
    assert "keeps its place" in world.look().why


def test_requeue_always_gives_the_place_up_after_the_interval() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5", requeue="always")
    world.step(3_500)
    order = world.only_order()
    assert (order.number, order.price) == (2, D(100))


def test_outbid_it_moves_after_the_interval_and_not_before() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5", interval="3s")
    world.step(500)
    world.book("100.5", "101.0")
    world.step(2_000)
    assert world.only_order().price == D(100)
    assert "1 ticks behind" in world.look().why
    world.step(1_500)
    assert world.only_order().price == D("100.5")


def test_it_never_has_two_orders_and_ends_when_all_is_filled() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    for bid in ("100.5", "101.0", "101.5", "101.0"):
        world.step(3_300)
        world.book(bid, str(float(bid) + 0.5))
        assert len(world.open_orders()) <= 1
    world.step(3_300)
    world.trade(SELL, "101.0", "50")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == D("0.5")
    assert world.look().maker_share == 1
    assert world.taken() == 0
    assert world.look().saved == world.look().average * D("0.5") * D("0.0003")


def test_the_limit_is_never_passed() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5", limit="100.5")
    world.step(500)
    world.book("102.0", "102.5")
    world.step(4_000)
    assert world.only_order().price == D("100.5")
    assert "its limit" in world.look().why
    world.book("103.0", "103.5")
    world.step(10_000)
    assert world.only_order().price == D("100.5")


def test_improve_steps_inside_a_wide_spread_but_never_crosses() -> None:
    world = ParentsWorld()
    world.book("100.0", "102.0")
    world.begin(Kind.MAKER, BUY, "0.5", improve="2")
    world.step()
    assert world.only_order().price == D(101)
    narrow = ParentsWorld()
    narrow.begin(Kind.MAKER, BUY, "0.5", improve="2")
    narrow.step()
    assert narrow.only_order().price == D(100)


def test_a_refused_post_only_is_posted_again_and_nothing_is_taken() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.book("99.0", "100.0")  # the order is on its way: it would cross when it arrives
    world.step(2_000)
    rejected = [order for order in world.engine.oms.orders.values() if not order.is_open]
    assert [order.status for order in rejected] == [OrderStatus.REJECTED]
    assert world.only_order().price == D(99)
    assert world.taken() == 0


def test_a_fill_that_races_with_a_cancel_is_counted_and_the_rest_is_posted() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5", interval="1s")
    world.step(500)
    world.book("100.5", "101.0")
    world.step(500)
    until(world, lambda: world.only_order().status is OrderStatus.PENDING_CANCEL, step_ms=10)
    world.trade(SELL, "100.0", "1.2")  # past the 1.0 ahead: 0.2 of ours
    world.trade(SELL, "100.0", "0")
    until(world, lambda: bool(world.open_orders()) and world.only_order().price == D("100.5"))
    picture = world.look()
    assert picture.filled + world.only_order().quantity == D("0.5")
    assert picture.races == (1 if picture.filled else 0)
    assert picture.filled == D("0.2")


def test_after_the_most_reposts_it_ends_and_says_what_is_left() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5", reposts="2", interval="100ms", requeue="always")
    until(world, lambda: not world.look().status.is_open)
    picture = world.look()
    assert picture.status is ParentStatus.FAILED
    assert picture.why == "2 reposts are used up, 0.5 left"
    assert world.open_orders() == []


def test_the_saving_asked_for_bounds_the_price() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5", profit="50")  # 0.5 % below taking at 100.5
    world.step(200)
    price = world.only_order().price
    assert price is not None
    assert price * D("1.0002") <= D("100.5") * D("1.0005") * D("0.995") < (price + D("0.5")) * D("1.0002")


def test_a_lost_book_pulls_the_order_says_so_and_it_goes_on_by_itself() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    world.lose_book()
    world.step(500)
    assert world.open_orders() == []
    assert world.look().why.startswith("holds:")
    world.find_book("101.0", "101.5")
    world.step(500)
    assert world.only_order().price == D(101)
    assert any("holds by itself" in text for text in world.told())
    assert any("goes on" in text for text in world.told())


def test_pause_pulls_and_resume_posts_again() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    assert world.steer(number, Action.PAUSE) == ""
    world.step(500)
    assert world.open_orders() == []
    assert world.look().status is ParentStatus.PAUSED
    assert world.steer(number, Action.PAUSE) == "p1: it is paused"
    assert world.steer(number, Action.RESUME) == ""
    world.step(500)
    assert world.only_order().quantity == D("0.5")


def test_cancel_takes_its_order_off_and_ends() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    assert world.steer(number, Action.CANCEL) == ""
    world.step(500)
    assert (world.open_orders(), world.look().status) == ([], ParentStatus.CANCELED)
    assert world.steer(number, Action.CANCEL) == "p1: it is canceled already"


def test_finish_takes_what_is_left() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    assert world.steer(number, Action.FINISH) == ""
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == world.taken() == D("0.5")


def test_finish_keeps_the_limit() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5", limit="100.0")
    world.step(500)
    world.steer(number, Action.FINISH)
    world.step(2_000)
    assert world.position() == 0
    assert "beyond the limit" in world.look().why
    world.book("99.0", "100.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.look().average == D(100)


@pytest.mark.parametrize("total", ["0.3", "0.8"])
def test_an_edited_quantity_is_what_gets_filled(total: str) -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    assert world.steer(number, Action.EDIT, total) == ""
    for _ in range(20):
        world.step(1_000)
        world.trade(SELL, "100.0", "50")
        world.step(200)
    assert world.look().status is ParentStatus.DONE
    assert world.position() == D(total)


def test_an_edit_that_cannot_be_changes_nothing() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5")
    assert "not a multiple of lot" in world.steer(number, Action.EDIT, "0.50001")
    assert "cannot be changed" in world.steer(number, Action.EDIT, reduce="on")
    assert "outside" in world.steer(number, Action.EDIT, interval="1ms")
    assert world.look().values["interval"] == "3s"


def test_a_tightened_limit_moves_the_order_at_once() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.MAKER, BUY, "0.5")
    world.step(200)
    assert world.steer(number, Action.EDIT, limit="98.5") == ""
    world.step(300)
    assert world.only_order().price == D("98.5")


def test_a_hand_that_cancels_its_order_pauses_it() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    world.engine.cancel(world.only_order().client_id, "ctl")
    world.step(500)
    assert world.look().status is ParentStatus.PAUSED
    assert world.open_orders() == []
    assert any("was canceled by ctl" in text for text in world.told())


@pytest.mark.parametrize("how", ["cancel_all", "kill", "flatten"])
def test_what_clears_the_desk_ends_it_as_well(how: str) -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    match how:
        case "cancel_all":
            world.engine.cancel_all(source="test")
        case "kill":
            world.engine.kill("test")
        case _:
            world.engine.flatten(None, "test")
    world.step(2_000)
    assert (world.open_orders(), world.look().status) == ([], ParentStatus.CANCELED)


@pytest.mark.parametrize(
    ("quantity", "values", "said"),
    [
        ("0.0005", {}, "not a multiple of lot"),
        ("0", {}, "above 0"),
        ("0.5", {"limit": "100.3"}, "not a multiple of the tick"),
        ("0.5", {"interval": "5"}, "no time unit"),
        ("0.5", {"intervall": "5s"}, "no parameter"),
        ("0.5", {"requeue": "never"}, "none of"),
    ],
)
def test_what_cannot_be_is_not_started(quantity: str, values: dict[str, str], said: str) -> None:
    world = ParentsWorld()
    assert said in world.start(Kind.MAKER, BUY, quantity, **values).problem
    assert world.records(ParentStarted) == []
    assert world.open_orders() == []


def test_the_gate_keeps_a_parent_from_starting() -> None:
    world = ParentsWorld()
    world.engine.kill("test")
    assert "kill switch" in world.start(Kind.MAKER, BUY, "0.5").problem
    assert world.parents.pictures() == []


def test_it_does_not_start_on_a_book_that_is_not_live() -> None:
    world = ParentsWorld()
    world.lose_book()
    assert "LIVE book" in world.start(Kind.MAKER, BUY, "0.5").problem


def test_a_market_that_stands_still_journals_nothing() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    before = len(world.records(ParentMoved))
    for _ in range(50):
        world.book("100.0", "100.5")
        world.step(100)
    assert len(world.records(ParentMoved)) == before
