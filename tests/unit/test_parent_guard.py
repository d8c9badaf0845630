"""The stop at the venue behind the stops of a smart trade: kept in step, never in the way, gone at the end."""

from decimal import Decimal

import pytest

from jackbot_tui.algos.state import Action, Kind, ParentStatus
from jackbot_tui.engine.parents import RestartPolicy
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.model.enums import OrderType, TimeInForce, TriggerBy
from jackbot_tui.model.orders import Order, OrderRequest
from tests.desk_world import SPOT, instrument
from tests.parents_world import BUY, SELL, ParentsWorld, restarted, until

D = Decimal


def guards(world: ParentsWorld) -> list[Order]:
    return [order for order in world.open_orders() if order.trigger_price is not None]


def guard(world: ParentsWorld) -> Order:
    (only,) = guards(world)
    return only


def entered(world: ParentsWorld, quantity: str = "0.4", **values: str) -> int:
    """Long at 100.5, exits as given."""
    number = world.begin(Kind.SMART, BUY, quantity, **values)
    until(world, lambda: world.position() == D(quantity) and len(guards(world)) == 1)
    return number


def test_it_waits_behind_the_last_stop_for_all_that_is_left_and_reduces_only() -> None:
    world = ParentsWorld()
    entered(world, sl="99:50%,98", safety="1%")
    stop = guard(world)
    assert (stop.side, stop.quantity, stop.trigger_price) == (SELL, D("0.4"), D("97.0"))  # 97.02 on the tick below
    assert (stop.type, stop.reduce_only, stop.trigger_by) == (OrderType.MARKET, True, TriggerBy.LAST)
    world.step(300)
    assert f"#{stop.number} waits at the venue at 97" in world.look().why
    world.trade(SELL, "97.0", "5")  # the last trade reaches it while the book, which is watched here, stands
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.look().exited, world.open_orders()) == (D(0), D("0.4"), [])


def test_a_trade_triggered_on_the_mark_is_guarded_on_the_mark() -> None:
    world = ParentsWorld()
    world.markets.mark(world.key, 100.25)
    entered(world, sl="99", safety="10t", trigger="mark")
    assert (guard(world).trigger_by, guard(world).trigger_price) == (TriggerBy.MARK, D(94))


def test_it_shrinks_with_a_partial_exit_and_is_gone_when_the_trade_is_over() -> None:
    world = ParentsWorld()
    entered(world, tp="102:50%,104:50%", sl="98", safety="1%")
    first = guard(world)
    world.book("102.0", "102.5")
    until(world, lambda: world.position() == D("0.2") and [each.quantity for each in guards(world)] == [D("0.2")])
    assert guard(world).client_id != first.client_id
    world.book("104.0", "104.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])


def test_a_local_stop_takes_the_position_off_beside_it() -> None:
    world = ParentsWorld()
    entered(world, sl="98", safety="1%")
    stop = guard(world)
    world.book("97.5", "98.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.look().exited) == (D(0), D("0.4"))
    assert world.engine.oms.orders[stop.client_id].filled == 0
    assert world.open_orders() == []


def test_it_follows_a_trailing_stop_in_steps() -> None:
    world = ParentsWorld()
    entered(world, trail="2", safety="4")
    assert guard(world).trigger_price == D(94)  # 100 less 2 less 4
    world.book("100.5", "101.0")
    world.step(300)
    assert guard(world).trigger_price == D(94)  # within a fourth of its distance
    world.book("103.0", "103.5")
    until(world, lambda: [each.trigger_price for each in guards(world)] == [D(97)])


def test_one_that_is_refused_is_said_and_the_stops_here_go_on() -> None:
    world = ParentsWorld()
    world.trade(SELL, "96.5", "1")  # the last trade is beyond it already
    world.begin(Kind.SMART, BUY, "0.4", sl="98", safety="1%")
    until(world, lambda: world.position() == D("0.4"))
    world.step(500)
    assert guards(world) == []
    assert world.look().status is ParentStatus.RUNNING
    assert any("no stop at the venue" in text and "would trigger at once" in text for text in world.told())
    world.book("97.5", "98.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_beside_a_larger_position_it_goes_before_an_exit_does() -> None:
    """Reduce-only would let both take off what is not this trade's."""
    world = ParentsWorld()
    entered(world, sl="98", safety="1%")
    world.engine.submit(
        OrderRequest(key=world.key, side=BUY, quantity=D("0.6"), type=OrderType.MARKET, tif=TimeInForce.IOC)
    )
    until(world, lambda: world.position() == D(1))
    world.book("96.0", "96.5", bid_size=5)
    world.trade(SELL, "96.0", "1")  # wakes it as well
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.look().exited) == (D("0.6"), D("0.4"))


def test_it_stays_at_the_venue_while_the_trade_waits_after_a_restart() -> None:
    world = ParentsWorld()
    number = entered(world, sl="98", safety="1%")
    stop = guard(world)
    world.step(300)
    after = restarted(world, len(world.journal.records), RestartPolicy.WAIT)
    after.step(500)
    assert after.look(number).status is ParentStatus.WAITING
    assert [each.client_id for each in guards(after)] == [stop.client_id]
    after.trade(SELL, "97.0", "5")
    after.book("97.0", "97.5", bid_size=5)
    until(after, lambda: after.position() == 0)
    assert after.steer(number, Action.RESUME) == ""
    until(after, lambda: after.look(number).status is ParentStatus.DONE)
    assert after.look(number).exited == D("0.4")


def test_cancel_and_finish_take_it_along() -> None:
    world = ParentsWorld()
    number = entered(world, sl="98", safety="1%")
    world.steer(number, Action.FINISH)
    until(world, lambda: world.look(number).status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])
    again = world.begin(Kind.SMART, BUY, "0.4", sl="98", safety="1%")
    until(world, lambda: len(guards(world)) == 1)
    world.steer(again, Action.CANCEL)
    until(world, lambda: world.look(again).status is ParentStatus.CANCELED)
    assert (world.position(), world.open_orders()) == (D("0.4"), [])


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"tp": "105"}, "safety stands behind a stop: say sl or trail"),
        ({"sl": "98"}, "binance takes no stops from here: leave safety out"),
    ],
)
def test_what_cannot_be_guarded_is_refused(
    values: dict[str, str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sl" in values:
        monkeypatch.setattr(PaperExecutor, "triggers", lambda *_: ())
    world = ParentsWorld()
    assert world.start(Kind.SMART, BUY, "0.4", safety="1%", **values).problem == wanted


def test_spot_has_none() -> None:
    world = ParentsWorld(listed=instrument(SPOT))
    assert "is spot: leave it out" in world.start(Kind.SMART, BUY, "0.4", sl="98", safety="1%").problem
