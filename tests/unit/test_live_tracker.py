"""What a venue says about our orders, merged: forward only, each fill once, no end before its fills."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jackbot_tui.execution.live.statements import OrderStatement, OrderWord, TradeStatement
from jackbot_tui.execution.live.tracker import AMEND, CANCEL, NEW, Tracker
from jackbot_tui.execution.oms import Oms
from jackbot_tui.model.enums import Liquidity, OrderStatus, Side
from jackbot_tui.model.orders import (
    OrderAccepted,
    OrderAmendRequested,
    OrderCancelRequested,
    OrderEvent,
    OrderFilled,
    OrderRequest,
)

ID = "jmab1200000001"
SYMBOL = "BTC/USDT"
KEY = f"x:{SYMBOL}"
W = OrderWord


class World:
    """The tracker in front of a real order state machine."""

    def __init__(self) -> None:
        self.oms = Oms()
        self.tracker = Tracker(lambda symbol: f"x:{symbol}")
        request = OrderRequest(key=KEY, side=Side.BUY, quantity=Decimal(10), price=Decimal(100))
        self.tracker.add(self.oms.create(request, 1, ID, 1))

    def take(self, events: list[OrderEvent]) -> list[OrderEvent]:
        for event in events:
            self.oms.apply(event)
        return events

    def order(self, said: OrderStatement) -> list[OrderEvent]:
        return self.take(self.tracker.on_order(said, 1_000))

    def trade(self, said: TradeStatement) -> list[OrderEvent]:
        return self.take(self.tracker.on_trade(said, 1_000))

    @property
    def state(self) -> tuple[OrderStatus, Decimal]:
        order = self.oms.orders[ID]
        return order.status, order.filled


def order(word: OrderWord, filled: int, ts: int, *, client_id: str = ID, quantity: int = 10) -> OrderStatement:
    return OrderStatement(
        venue_id="v1",
        client_id=client_id,
        symbol=SYMBOL,
        word=word,
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(100),
        filled=Decimal(filled),
        ts=ts,
    )


def trade(number: int, quantity: int, *, venue_id: str = "v1", client_id: str = "") -> TradeStatement:
    return TradeStatement(
        trade_id=f"t{number}",
        venue_id=venue_id,
        client_id=client_id,
        symbol=SYMBOL,
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(quantity),
        liquidity=Liquidity.MAKER,
        fee=Decimal("0.1"),
        fee_currency="USDT",
        ts=number,
    )


def test_a_fill_before_the_acknowledgement_waits_for_its_order_and_counts_once() -> None:
    world = World()
    assert world.trade(trade(1, 4)) == []
    told = world.order(order(W.OPEN, 4, 5))
    assert [type(event) for event in told] == [OrderAccepted, OrderFilled]
    assert world.trade(trade(1, 4)) == []
    assert world.state == (OrderStatus.PARTIALLY_FILLED, 4)


def test_both_sides_of_a_trade_with_oneself_are_kept_until_their_orders_are_known() -> None:
    world = World()
    for venue_id in ("v1", "v2"):
        world.trade(trade(1, 4, venue_id=venue_id))
    world.order(order(W.OPEN, 4, 5))
    assert world.state == (OrderStatus.PARTIALLY_FILLED, 4)


def test_a_trade_that_names_our_client_id_needs_no_acknowledgement() -> None:
    world = World()
    world.trade(trade(1, 10, client_id=ID))
    assert world.state == (OrderStatus.FILLED, 10)
    world.order(order(W.OPEN, 0, 0))
    assert world.state == (OrderStatus.FILLED, 10)
    assert not world.tracker.revived


def test_a_cancel_is_not_told_before_the_fills_that_the_venue_counted() -> None:
    world = World()
    world.order(order(W.OPEN, 0, 1))
    assert world.order(order(W.CANCELED, 4, 9)) == []
    assert world.tracker.missing(ID)
    world.trade(trade(1, 4))
    assert world.state == (OrderStatus.CANCELED, 4)
    assert not world.tracker.missing(ID)


def test_a_late_new_revives_nothing_and_a_later_one_is_shown_as_a_difference() -> None:
    world = World()
    world.order(order(W.CANCELED, 0, 9))
    world.order(order(W.OPEN, 0, 3))
    assert world.state == (OrderStatus.CANCELED, 0)
    assert not world.tracker.revived
    world.order(order(W.OPEN, 0, 12))
    assert world.state == (OrderStatus.CANCELED, 0)
    assert list(world.tracker.revived) == [ID]
    world.order(order(W.CANCELED, 0, 15))
    assert not world.tracker.revived


def test_an_order_that_was_never_there_is_a_difference_as_soon_as_it_is_seen() -> None:
    world = World()
    world.take(world.tracker.in_doubt(ID, NEW, "no answer", 2))
    world.take(world.tracker.proven_absent(ID, 9))
    assert world.state == (OrderStatus.REJECTED, 0)
    world.order(order(W.OPEN, 0, 1))
    assert list(world.tracker.revived) == [ID]


def test_anything_that_names_a_doubtful_new_order_proves_it() -> None:
    world = World()
    world.take(world.tracker.in_doubt(ID, NEW, "no answer", 2))
    assert world.state == (OrderStatus.PENDING_UNKNOWN, 0)
    world.order(order(W.OPEN, 0, 3))
    assert world.state == (OrderStatus.NEW, 0)


def test_a_doubtful_cancel_waits_for_an_answer_that_was_asked_for() -> None:
    world = World()
    world.order(order(W.OPEN, 0, 1))
    world.take([OrderCancelRequested(ID, 2)])
    world.take(world.tracker.in_doubt(ID, CANCEL, "no answer", 3))
    world.order(order(W.OPEN, 0, 1))
    assert world.state == (OrderStatus.PENDING_UNKNOWN, 0)
    world.take(world.tracker.settled(order(W.OPEN, 0, 1), 9))
    assert world.state == (OrderStatus.NEW, 0)


def test_a_doubtful_amend_that_was_done_and_filled_ends_filled_with_the_new_total() -> None:
    world = World()
    world.order(order(W.OPEN, 0, 1))
    world.take([OrderAmendRequested(ID, 2, Decimal(100), Decimal(14))])
    world.tracker.orders[ID].amend = (Decimal(100), Decimal(14))
    world.take(world.tracker.in_doubt(ID, AMEND, "no answer", 3))
    world.trade(trade(1, 10))
    assert world.state == (OrderStatus.PENDING_UNKNOWN, 10)
    world.trade(trade(2, 4))
    world.take(world.tracker.settled(order(W.CLOSED, 14, 9, quantity=14), 9))
    assert world.state == (OrderStatus.FILLED, 14)
    assert world.oms.counters.overfills == 0


def test_a_doubtful_amend_that_was_not_done_leaves_the_order_as_it_was() -> None:
    world = World()
    world.order(order(W.OPEN, 0, 1))
    world.take([OrderAmendRequested(ID, 2, Decimal(100), Decimal(14))])
    world.tracker.orders[ID].amend = (Decimal(100), Decimal(14))
    world.take(world.tracker.in_doubt(ID, AMEND, "no answer", 3))
    world.take(world.tracker.settled(order(W.OPEN, 0, 1), 9))
    assert (world.state, world.oms.orders[ID].quantity) == ((OrderStatus.NEW, 0), 10)


def test_a_replacement_has_a_new_venue_id_and_the_old_end_does_not_end_ours() -> None:
    world = World()
    world.order(order(W.OPEN, 0, 1))
    world.order(replace(order(W.OPEN, 0, 5), venue_id="v2", price=Decimal(99)))
    world.order(order(W.CANCELED, 0, 6))
    assert world.state == (OrderStatus.NEW, 0)
    world.trade(trade(1, 3))
    world.trade(trade(2, 7, venue_id="v2"))
    assert world.state == (OrderStatus.FILLED, 10)


def test_foreign_orders_and_trades_change_nothing_and_are_listed_while_open() -> None:
    world = World()
    assert world.order(replace(order(W.OPEN, 0, 1, client_id=""), venue_id="web-7")) == []
    assert world.trade(trade(5, 2, venue_id="web-7")) == []
    assert list(world.tracker.foreign) == ["BTC/USDT web-7"]
    world.order(replace(order(W.CLOSED, 2, 3, client_id=""), venue_id="web-7"))
    assert not world.tracker.foreign
    assert world.state == (OrderStatus.PENDING_NEW, 0)


def test_an_order_closed_with_a_rest_has_expired() -> None:
    world = World()
    world.trade(trade(1, 4, client_id=ID))
    world.order(order(W.CLOSED, 4, 9))
    assert world.state == (OrderStatus.EXPIRED, 4)


@pytest.mark.parametrize("told", [None, Decimal(10)])
def test_closed_without_a_figure_means_filled_and_waits_for_the_fills(told: Decimal | None) -> None:
    world = World()
    world.order(replace(order(W.CLOSED, 0, 9), filled=told))
    assert world.state == (OrderStatus.NEW, 0)
    assert world.tracker.missing(ID)
    world.trade(trade(1, 10))
    assert world.state == (OrderStatus.FILLED, 10)


@st.composite
def true_history(draw: st.DrawFn) -> tuple[list[OrderStatement | TradeStatement], OrderStatus, int]:
    """What a venue did with one order, as the statements that tell of it; its final state and filled quantity."""
    said: list[OrderStatement | TradeStatement] = [order(W.OPEN, 0, 1)]
    filled = 0
    for number in range(2, 2 + draw(st.integers(0, 4))):
        quantity = draw(st.integers(1, 10 - filled)) if filled < 10 else 0
        if quantity:
            filled += quantity
            said += [trade(number, quantity), order(W.OPEN if filled < 10 else W.CLOSED, filled, number)]
    if filled == 10:
        return said, OrderStatus.FILLED, filled
    word, status = draw(st.sampled_from([(W.CANCELED, OrderStatus.CANCELED), (W.EXPIRED, OrderStatus.EXPIRED)]))
    return [*said, order(word, filled, 20)], status, filled


@given(st.data())
@settings(max_examples=600, deadline=None)
def test_however_statements_come_in_the_order_ends_as_it_did_at_the_venue(data: st.DataObject) -> None:
    said, status, filled = data.draw(true_history())
    doubled = said + data.draw(st.lists(st.sampled_from(said), max_size=5))
    world = World()
    doubts = data.draw(st.lists(st.sampled_from([NEW, CANCEL]), max_size=2))
    mixed: list[OrderStatement | TradeStatement | str] = data.draw(st.permutations([*doubled, *doubts]))
    for each in mixed:
        if isinstance(each, OrderStatement):
            world.order(each)
        elif isinstance(each, TradeStatement):
            world.trade(each)
        else:
            world.take(world.tracker.in_doubt(ID, each, "no answer", 5))
    # what an inquiry does for an order in doubt: the venue's newest word, asked for
    final = next(each for each in reversed(said) if isinstance(each, OrderStatement))
    world.take(world.tracker.settled(final, 1_001))
    assert world.state == (status, filled)
    assert world.oms.counters.overfills == 0
    assert not world.tracker.revived
    assert not world.tracker.missing(ID)
