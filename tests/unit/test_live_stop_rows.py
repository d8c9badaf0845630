"""Rows about orders that wait, merged: woken once, followed to the order that came of them, in whatever order told."""

import itertools
from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.execution.live.statements import OrderStatement, OrderWord
from jackbot_tui.execution.live.tracker import Tracker
from jackbot_tui.execution.oms import Oms
from jackbot_tui.model.enums import OrderStatus, OrderType, Side
from jackbot_tui.model.orders import OrderRequest, OrderTriggered
from tests.unit.test_live_tracker import ID, KEY, W, World, order, trade


class StopWorld(World):
    """A stop at market that waits."""

    def __init__(self) -> None:
        self.oms = Oms()
        self.tracker = Tracker(lambda symbol: f"x:{symbol}")
        request = OrderRequest(
            key=KEY, side=Side.BUY, quantity=Decimal(10), type=OrderType.MARKET, trigger_price=Decimal(110)
        )
        self.tracker.add(self.oms.create(request, 1, ID, 1))

    @property
    def woken(self) -> int:
        return self.oms.orders[ID].triggered_ns


def algo(word: OrderWord, ts: int, waits: bool | None, follower: str = "") -> OrderStatement:
    """A row of the page where waiting orders are."""
    said = replace(order(word, 0, ts), venue_id="a1", waits=waits, follower=follower)
    return replace(said, filled=None) if waits is False else said


waiting = algo(W.OPEN, 10, True)
let_go = algo(W.OPEN, 20, False, "v1")
followed = replace(order(W.OPEN, 0, 21), waits=False)
complete = replace(order(W.CLOSED, 10, 22), waits=False)


def test_a_row_that_it_waits_is_an_order_that_works() -> None:
    world = StopWorld()
    world.order(waiting)
    assert (world.state, world.woken) == ((OrderStatus.NEW, Decimal(0)), 0)
    assert world.tracker.orders[ID].waits


@pytest.mark.parametrize("told", list(itertools.permutations([let_go, followed, complete])))
def test_however_it_is_told_it_is_woken_once_and_filled_whole(told: tuple[OrderStatement, ...]) -> None:
    world = StopWorld()
    world.order(waiting)
    events = [event for said in told for event in world.order(said)]
    events += world.trade(trade(1, 4)) + world.trade(trade(2, 6)) + world.order(waiting)
    assert sum(isinstance(event, OrderTriggered) for event in events) == 1
    assert world.state == (OrderStatus.FILLED, Decimal(10))
    assert not world.tracker.revived


def test_fills_of_an_order_that_bears_no_id_of_ours_wait_until_it_is_named() -> None:
    world = StopWorld()
    world.order(waiting)
    assert world.trade(trade(1, 10)) == []
    assert world.order(replace(followed, client_id="")) == []
    world.order(let_go)
    assert world.state == (OrderStatus.FILLED, Decimal(10))
    assert world.woken == 20


def test_a_waiting_order_that_was_canceled_is_over_and_never_woken() -> None:
    world = StopWorld()
    world.order(waiting)
    world.order(algo(W.CANCELED, 30, None))
    assert (world.state, world.woken) == ((OrderStatus.CANCELED, Decimal(0)), 0)


def test_a_late_row_of_before_does_not_put_it_to_sleep_again() -> None:
    world = StopWorld()
    world.order(waiting)
    world.order(let_go)
    world.order(waiting)
    assert world.tracker.orders[ID].waits is False
    assert world.tracker.orders[ID].venue_id == "v1"
    assert world.woken == 20
