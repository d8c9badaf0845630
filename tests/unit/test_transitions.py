"""The order state machine: legal moves, late and swapped facts, amends with fills in flight."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from jackbot_tui.model.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce
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
    OrderUnknown,
)
from jackbot_tui.model.transitions import LEGAL, apply_event

S = OrderStatus
ID = "jmabcd00000001"


def an_order() -> Order:
    return Order(
        number=1, client_id=ID, key="x:BTC/USDT", side=Side.BUY, quantity=Decimal(10), type=OrderType.LIMIT,
        price=Decimal(100), tif=TimeInForce.GTC, post_only=False, reduce_only=False, owner="manual", source="ui",
        parent_id="", tag="", created_ns=1, updated_ns=1,
    )  # fmt: skip


def fill(quantity: str, price: str = "100", trade_id: str = "t", ts: int = 5) -> OrderFilled:
    return OrderFilled(ID, ts, trade_id, Decimal(price), Decimal(quantity), Liquidity.MAKER, Decimal("0.1"), "USDT")


accepted = OrderAccepted(ID, 2, "v1")
rejected = OrderRejected(ID, 2, "-2010", "no funds")
canceled = OrderCanceled(ID, 9, "asked")
expired = OrderExpired(ID, 9, "ioc")
cancel_requested = OrderCancelRequested(ID, 3)
cancel_rejected = OrderCancelRejected(ID, 4, "too late")
amend_requested = OrderAmendRequested(ID, 3, Decimal(99), Decimal(12))
amended = OrderAmended(ID, 4, Decimal(99), Decimal(12))
amend_rejected = OrderAmendRejected(ID, 4, "no change")
unknown = OrderUnknown(ID, 4, "time-out")


def after(*events: OrderEvent, strict: bool = True) -> Order:
    order = an_order()
    for event in events:
        order = apply_event(order, event, strict=strict)
    return order


@pytest.mark.parametrize(
    ("events", "status", "filled"),
    [
        ([accepted], S.NEW, "0"),
        ([rejected], S.REJECTED, "0"),
        ([accepted, fill("4")], S.PARTIALLY_FILLED, "4"),
        ([accepted, fill("4"), fill("6")], S.FILLED, "10"),
        ([fill("4"), accepted], S.PARTIALLY_FILLED, "4"),
        ([fill("10"), accepted], S.FILLED, "10"),
        ([canceled, accepted], S.CANCELED, "0"),
        ([canceled, fill("4")], S.CANCELED, "4"),
        ([canceled, fill("10")], S.FILLED, "10"),
        ([expired, fill("4")], S.EXPIRED, "4"),
        ([accepted, cancel_requested], S.PENDING_CANCEL, "0"),
        ([accepted, cancel_requested, fill("4")], S.PENDING_CANCEL, "4"),
        ([accepted, cancel_requested, fill("10")], S.FILLED, "10"),
        ([accepted, cancel_requested, fill("10"), cancel_rejected], S.FILLED, "10"),
        ([accepted, cancel_requested, fill("4"), canceled], S.CANCELED, "4"),
        ([accepted, cancel_requested, cancel_rejected], S.NEW, "0"),
        ([accepted, cancel_requested, fill("4"), cancel_rejected], S.PARTIALLY_FILLED, "4"),
        ([cancel_requested, cancel_rejected], S.PENDING_NEW, "0"),
        ([cancel_requested, accepted], S.PENDING_CANCEL, "0"),
        ([cancel_requested, rejected], S.REJECTED, "0"),
        ([accepted, amend_requested], S.PENDING_REPLACE, "0"),
        ([accepted, amend_requested, amended], S.NEW, "0"),
        ([accepted, amend_requested, fill("4"), amended], S.PARTIALLY_FILLED, "4"),
        ([accepted, amend_requested, amend_rejected], S.NEW, "0"),
        ([accepted, fill("4"), amend_requested, amend_rejected], S.PARTIALLY_FILLED, "4"),
        ([accepted, amend_requested, fill("10")], S.PENDING_REPLACE, "10"),
        ([accepted, amend_requested, fill("10"), amended], S.PARTIALLY_FILLED, "10"),
        ([accepted, amend_requested, fill("10"), amend_rejected], S.FILLED, "10"),
        ([accepted, amend_requested, fill("12"), amended], S.FILLED, "12"),
        ([accepted, amend_requested, cancel_requested, amended], S.PENDING_CANCEL, "0"),
        ([accepted, amend_requested, cancel_requested, amend_rejected, canceled], S.CANCELED, "0"),
        ([unknown, accepted], S.NEW, "0"),
        ([unknown, fill("4")], S.PENDING_UNKNOWN, "4"),
        ([unknown, fill("4"), accepted], S.PARTIALLY_FILLED, "4"),
        ([accepted, amend_requested, unknown, fill("10"), amended], S.PARTIALLY_FILLED, "10"),
        ([unknown, rejected], S.REJECTED, "0"),
        ([unknown, canceled], S.CANCELED, "0"),
        ([unknown, cancel_requested], S.PENDING_UNKNOWN, "0"),
        ([unknown, cancel_rejected], S.PENDING_UNKNOWN, "0"),
        ([accepted, cancel_requested, unknown, cancel_rejected], S.NEW, "0"),
        ([accepted, amend_requested, unknown, amended], S.NEW, "0"),
    ],
)
def test_a_life_ends_in_the_right_state(events: Sequence[OrderEvent], status: OrderStatus, filled: str) -> None:
    order = after(*events)
    assert (order.status, order.filled) == (status, Decimal(filled))


@pytest.mark.parametrize(
    ("filled", "total", "status"),
    [("4", "5", S.PARTIALLY_FILLED), ("5", "5", S.FILLED), ("7", "5", S.FILLED)],
)
def test_an_amended_total_at_or_below_what_is_filled_completes_the_order(
    filled: str, total: str, status: OrderStatus
) -> None:
    down = OrderAmended(ID, 6, Decimal(99), Decimal(total))
    order = after(accepted, amend_requested, fill(filled), down)
    assert (order.status, order.filled, order.quantity) == (status, Decimal(filled), Decimal(total))


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ([rejected], accepted),
        ([rejected], fill("1")),
        ([accepted], rejected),
        ([accepted], cancel_rejected),
        ([accepted], amend_rejected),
        ([], amend_requested),
        ([], amended),
        ([canceled], cancel_requested),
        ([canceled], amended),
        ([canceled], unknown),
        ([fill("10")], canceled),
        ([fill("10")], fill("1")),
        ([accepted, fill("4")], fill("7")),
        ([accepted], fill("0")),
        ([accepted], fill("-1")),
    ],
)
def test_strict_mode_raises_on_what_the_state_does_not_expect(before: Sequence[OrderEvent], event: OrderEvent) -> None:
    order = after(*before)
    with pytest.raises(IllegalTransition, match="order #1"):
        apply_event(order, event, strict=True)


@pytest.mark.parametrize("closing", [rejected, canceled, expired, fill("10")], ids=lambda event: type(event).__name__)
@pytest.mark.parametrize(
    "late",
    [accepted, rejected, canceled, expired, cancel_requested, amended, amend_requested, unknown],
    ids=lambda event: type(event).__name__,
)
def test_nothing_changes_the_end_of_a_closed_order(closing: OrderEvent, late: OrderEvent) -> None:
    order = after(closing)
    merged = apply_event(order, late)
    assert (merged.status, merged.quantity, merged.price) == (order.status, order.quantity, order.price)


@pytest.mark.parametrize("events", [[fill("4"), rejected], [rejected, fill("4")]])
def test_an_order_rejected_with_a_fill_is_closed_and_keeps_the_fill(events: Sequence[OrderEvent]) -> None:
    order = after(*events, strict=False)
    assert (order.status, order.filled) == (S.CANCELED, Decimal(4))


def test_a_fill_beyond_the_quantity_is_counted_when_merging_since_the_money_moved() -> None:
    order = after(accepted, fill("6"), fill("6"), strict=False)
    assert (order.status, order.filled, order.remaining) == (S.FILLED, Decimal(12), Decimal(-2))


def test_average_price_and_fees_add_up_over_fills() -> None:
    other_fee = OrderFilled(ID, 6, "u", Decimal(103), Decimal(1), Liquidity.TAKER, Decimal("0.002"), "BNB")
    order = after(accepted, fill("2", "100"), fill("1", "101"), other_fee)
    assert order.average_price == Decimal(404) / 4
    assert order.fees == {"USDT": Decimal("0.2"), "BNB": Decimal("0.002")}


def test_an_order_does_not_share_its_fees_with_its_successor() -> None:
    first = after(accepted, fill("1"))
    second = apply_event(first, fill("1"))
    assert (first.fees["USDT"], second.fees["USDT"]) == (Decimal("0.1"), Decimal("0.2"))


def test_the_accept_is_remembered_where_the_venue_gives_no_id() -> None:
    order = after(OrderAccepted(ID, 2), cancel_requested, cancel_rejected)
    assert (order.status, order.venue_order_id) == (S.NEW, ID)


def test_the_reason_of_the_end_is_kept_against_late_refusals() -> None:
    order = after(accepted, cancel_requested, canceled, cancel_rejected)
    assert order.reason == "asked"


def test_time_of_an_order_never_runs_backwards() -> None:
    assert after(accepted, fill("1", ts=50), fill("1", ts=20)).updated_ns == 50


def test_the_table_knows_every_event() -> None:
    assert set(LEGAL) == set(OrderEvent.__args__)
