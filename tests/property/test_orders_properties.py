"""The order state machine under late, repeated and swapped events."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.enums import Liquidity, OrderStatus, Side
from jackbot_tui.model.errors import IllegalTransition
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmended,
    OrderAmendRejected,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderRequest,
    OrderUnknown,
)
from jackbot_tui.model.transitions import apply_event

ID = "o1"
UNDECIDED = (OrderStatus.PENDING_REPLACE, OrderStatus.PENDING_UNKNOWN)
REQUEST = OrderRequest(key="x:BTC/USDT:USDT", side=Side.SELL, quantity=Decimal(10), price=Decimal(100))


def fill(number: int, quantity: int, price: int = 100) -> OrderFilled:
    return OrderFilled(
        ID, number, f"t{number}", Decimal(price), Decimal(quantity), Liquidity.MAKER, Decimal("0.01"), "USDT"
    )


def any_event() -> st.SearchStrategy[OrderEvent]:
    ts = st.integers(0, 50)
    return st.one_of(
        st.builds(OrderAccepted, st.just(ID), ts, st.sampled_from(["", "v"])),
        st.builds(OrderRejected, st.just(ID), ts, st.just("-1"), st.just("no")),
        st.builds(fill, st.integers(0, 6), st.integers(1, 7)),
        st.builds(OrderCanceled, st.just(ID), ts),
        st.builds(OrderExpired, st.just(ID), ts),
        st.builds(OrderCancelRequested, st.just(ID), ts),
        st.builds(OrderCancelRejected, st.just(ID), ts, st.just("late")),
        st.builds(OrderAmendRequested, st.just(ID), ts, st.just(Decimal(99)), st.just(Decimal(12))),
        st.builds(OrderAmended, st.just(ID), ts, st.just(Decimal(99)), st.integers(1, 14).map(Decimal)),
        st.builds(OrderAmendRejected, st.just(ID), ts, st.just("no")),
        st.builds(OrderUnknown, st.just(ID), ts, st.just("time-out")),
    )


@st.composite
def venue_history(draw: st.DrawFn) -> list[OrderEvent]:
    """What a venue really did with one order, in its own order."""
    if draw(st.booleans()) and draw(st.booleans()):
        return [OrderRejected(ID, 1, "-2010", "no funds")]
    history: list[OrderEvent] = [OrderAccepted(ID, 1, "v")]
    left = 10
    for number in range(draw(st.integers(0, 5))):
        quantity = draw(st.integers(1, left)) if left else 0
        if quantity:
            history.append(fill(number, quantity, draw(st.integers(90, 110))))
            left -= quantity
    if left:
        history += draw(st.sampled_from([[], [OrderCanceled(ID, 9, "asked")], [OrderExpired(ID, 9, "ioc")]]))
    return history


def an_oms(strict: bool = False) -> Oms:
    oms = Oms(strict=strict)
    oms.create(REQUEST, 1, ID, 0)
    return oms


def told(oms: Oms, events: list[OrderEvent]) -> Order:
    for event in events:
        oms.apply(event)
    return oms.orders[ID]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_repeated_and_swapped_facts_converge(data: st.DataObject) -> None:
    history = data.draw(venue_history())
    straight = told(an_oms(strict=True), history)
    noise = data.draw(st.lists(st.sampled_from(history), max_size=4))
    shuffled = told(an_oms(), data.draw(st.permutations(history + noise)))
    assert (shuffled.status, shuffled.filled, shuffled.fees, shuffled.venue_order_id) == (
        straight.status,
        straight.filled,
        straight.fees,
        straight.venue_order_id,
    )
    assert abs(shuffled.average_price - straight.average_price) < Decimal("1e-15")


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_our_own_requests_in_between_do_not_change_the_end(data: st.DataObject) -> None:
    history = data.draw(venue_history())
    straight = told(an_oms(), history)
    requests: list[OrderEvent] = [OrderCancelRequested(ID, 2), OrderUnknown(ID, 3, "time-out")]
    events = list(history)
    for request in requests:
        events.insert(data.draw(st.integers(0, len(events))), request)
    # A late answer to the request settles what it left pending.
    mixed = told(an_oms(), [*events, OrderCancelRejected(ID, 9, "late"), history[0]])
    if straight.is_open:
        assert mixed.status in (straight.status, OrderStatus.PENDING_CANCEL)
    else:
        assert mixed.status is straight.status
    assert mixed.filled == straight.filled


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_restart_in_the_middle_and_everything_told_again_ends_the_same(data: st.DataObject) -> None:
    history = data.draw(venue_history())
    straight = told(an_oms(strict=True), history)
    before = an_oms()
    heard = data.draw(st.lists(st.sampled_from(history), max_size=6))
    told(before, heard)
    after = Oms()
    after.load(before.orders.values(), {(ID, trade_id) for trade_id in before.trade_ids(ID)})
    after.apply(OrderUnknown(ID, 20, "restart"))
    again = told(after, [*data.draw(st.permutations(history)), history[0]])  # the last word: what a query answers
    assert (again.status, again.filled, again.fees) == (straight.status, straight.filled, straight.fees)


@given(st.lists(any_event(), max_size=20))
@settings(max_examples=500, deadline=None)
def test_any_sequence_of_events_leaves_a_sane_order(events: list[OrderEvent]) -> None:
    oms, portfolio = an_oms(), Portfolio()
    before = oms.orders[ID]
    counted: dict[str, Decimal] = {}
    for event in events:
        update = oms.apply(event)
        after = oms.orders[ID]
        assert before.is_open or not after.is_open
        assert after.filled >= before.filled
        assert after.updated_ns >= before.updated_ns
        if update is not None:
            assert update.previous == before
            if update.fill is not None:
                assert update.fill.trade_id not in counted
                counted[update.fill.trade_id] = update.fill.quantity
                portfolio.apply(update.order, update.fill)
        before = after
    total = sum(counted.values(), Decimal(0))
    assert before.filled == total
    assert portfolio.position(REQUEST.key).quantity == -total
    assert (ID in {order.client_id for order in oms.open_orders()}) is before.is_open
    if before.status is OrderStatus.FILLED:
        assert before.filled >= before.quantity
    if before.status is OrderStatus.REJECTED:
        assert not before.filled


@given(st.lists(any_event(), max_size=12))
@settings(max_examples=300, deadline=None)
def test_strict_and_merging_agree_on_every_legal_move(events: list[OrderEvent]) -> None:
    order = an_oms().orders[ID]
    for event in events:
        merged = apply_event(order, event)
        try:
            strict = apply_event(order, event, strict=True)
        except IllegalTransition:
            pass
        else:
            assert strict == merged
            if not isinstance(event, OrderFilled) or order.status not in UNDECIDED:
                assert strict.filled <= max(strict.quantity, order.filled)
        order = merged
