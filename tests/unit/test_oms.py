"""The order state machine's keeper: idempotent fills, counted oddities, bounded history."""

from decimal import Decimal

import pytest

from jackbot_tui.execution.oms import Oms, OmsCounters
from jackbot_tui.model.enums import Liquidity, OrderStatus, OrderType, Side
from jackbot_tui.model.errors import IllegalTransition
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRequested,
    OrderFilled,
    OrderRejected,
    OrderRequest,
    OrderUnknown,
)

REQUEST = OrderRequest(key="x:BTC/USDT", side=Side.BUY, quantity=Decimal(10), price=Decimal(100), tag="scalp")


def fill(client_id: str, trade_id: str, quantity: str) -> OrderFilled:
    return OrderFilled(client_id, 5, trade_id, Decimal(100), Decimal(quantity), Liquidity.MAKER, Decimal("0.1"), "USDT")


def an_oms(count: int = 1, **options: int) -> Oms:
    oms = Oms(**options)  # type: ignore[arg-type]
    for number in range(1, count + 1):
        oms.create(REQUEST, number, f"o{number}", number)
    return oms


def test_a_new_order_carries_the_request() -> None:
    order = an_oms().orders["o1"]
    assert (order.status, order.type, order.tag, order.created_ns) == (
        OrderStatus.PENDING_NEW,
        OrderType.LIMIT,
        "scalp",
        1,
    )


def test_an_update_tells_before_after_and_the_fill() -> None:
    oms = an_oms()
    oms.apply(OrderAccepted("o1", 2, "v"))
    update = oms.apply(fill("o1", "t1", "4"))
    assert update is not None
    assert (update.previous.filled, update.order.filled, update.overfill) == (0, 4, 0)
    assert update.fill is not None
    assert oms.orders["o1"] is update.order


def test_a_fill_counts_once_however_often_it_comes() -> None:
    oms = an_oms()
    results = [oms.apply(fill("o1", "t1", "4")) for _ in range(3)]
    assert [result is not None for result in results] == [True, False, False]
    assert (oms.orders["o1"].filled, oms.counters.duplicates) == (4, 2)


def test_two_own_orders_may_share_a_trade_id() -> None:
    oms = an_oms(2)
    oms.apply(fill("o1", "t1", "4"))
    assert oms.apply(fill("o2", "t1", "4")) is not None


def test_events_of_orders_we_do_not_hold_are_counted_and_ignored() -> None:
    oms = an_oms()
    assert oms.apply(fill("foreign", "t1", "4")) is None
    assert oms.counters == OmsCounters(unknown=1)


def test_an_event_that_tells_nothing_new_is_not_an_update() -> None:
    oms = an_oms()
    oms.apply(OrderAccepted("o1", 2, "v"))
    assert oms.apply(OrderAccepted("o1", 3, "v")) is None
    assert oms.apply(OrderCanceled("o1", 4)) is not None
    assert oms.apply(OrderAccepted("o1", 5, "v")) is None
    assert oms.counters == OmsCounters(unchanged=2)


def test_a_fill_beyond_the_quantity_is_counted_as_money_and_as_an_oddity() -> None:
    oms = an_oms()
    oms.apply(fill("o1", "t1", "8"))
    update = oms.apply(fill("o1", "t2", "5"))
    assert update is not None
    assert (update.overfill, update.order.status) == (3, OrderStatus.FILLED)
    late = oms.apply(fill("o1", "t3", "1"))
    assert late is not None
    assert (late.overfill, late.order.filled) == (1, 14)
    assert (oms.counters.overfills, oms.counters.unexpected) == (2, 2)


def test_a_fill_larger_than_the_old_total_while_an_amend_is_under_way_is_no_overfill() -> None:
    oms = an_oms()
    oms.apply(OrderAccepted("o1", 2, "v"))
    oms.apply(OrderAmendRequested("o1", 3, Decimal(100), Decimal(20)))
    update = oms.apply(fill("o1", "t1", "15"))
    assert update is not None
    assert (update.overfill, oms.counters.overfills, update.order.is_open) == (0, 0, True)


def test_a_fill_of_nothing_changes_nothing() -> None:
    oms = an_oms()
    assert oms.apply(fill("o1", "t1", "0")) is None
    assert oms.apply(fill("o1", "t2", "-3")) is None
    assert oms.orders["o1"].filled == 0


def test_strict_raises_where_the_state_does_not_expect_the_event() -> None:
    oms = Oms(strict=True)
    oms.create(REQUEST, 1, "o1", 1)
    oms.apply(OrderRejected("o1", 2, "-1", "no"))
    with pytest.raises(IllegalTransition, match="rejected"):
        oms.apply(fill("o1", "t1", "1"))
    assert oms.orders["o1"].filled == 0


@pytest.mark.parametrize(("number", "client_id"), [(1, "new"), (9, "o1")])
def test_numbers_and_ids_are_never_used_twice(number: int, client_id: str) -> None:
    with pytest.raises(IllegalTransition, match="new number"):
        an_oms().create(REQUEST, number, client_id, 5)


def test_open_orders_are_listed_oldest_first_and_by_instrument() -> None:
    oms = an_oms(3)
    oms.create(OrderRequest(key="x:ETH/USDT", side=Side.SELL, quantity=Decimal(1)), 4, "o4", 4)
    oms.apply(OrderCanceled("o2", 9))
    oms.apply(OrderCancelRequested("o1", 9))
    assert [order.number for order in oms.open_orders()] == [1, 3, 4]
    assert [order.number for order in oms.open_orders("x:ETH/USDT")] == [4]


def test_closed_history_is_bounded_and_open_orders_are_never_forgotten() -> None:
    oms = an_oms(6, closed_history=2)
    for number in (5, 1, 3):
        oms.apply(fill(f"o{number}", "t", "10"))
    assert set(oms.orders) == {"o1", "o2", "o3", "o4", "o6"}
    assert (oms.by_number(5), oms.by_number(1) is not None) == (None, True)
    assert oms.apply(fill("o5", "t", "10")) is None
    assert oms.counters.unknown == 1


def test_an_intent_that_could_not_be_journaled_leaves_no_trace() -> None:
    oms = an_oms()
    oms.discard("o1")
    assert (oms.orders, oms.open_orders(), oms.by_number(1)) == ({}, [], None)
    assert oms.create(REQUEST, 1, "o1", 2).number == 1


def recovered_orders() -> list[Order]:
    oms = an_oms(3)
    oms.apply(fill("o3", "t9", "1"))
    oms.apply(fill("o1", "t1", "10"))
    return list(oms.orders.values())


def test_a_restart_keeps_orders_and_knows_the_fills_of_the_log() -> None:
    oms = Oms()
    oms.load(recovered_orders(), {("o1", "t1"), ("o3", "t9")})
    assert [order.number for order in oms.open_orders()] == [2, 3]
    assert oms.by_number(1) is oms.orders["o1"]
    assert oms.apply(fill("o3", "t9", "1")) is None
    assert oms.apply(fill("o3", "t10", "1")) is not None


def test_two_orders_of_the_log_may_share_a_trade_id() -> None:
    """Binance numbers trades per symbol: the same id on two symbols is two fills, before and after a restart."""
    oms = Oms()
    oms.load(recovered_orders(), {("o1", "t1"), ("o3", "t9")})
    assert oms.apply(fill("o2", "t9", "1")) is not None
    assert oms.apply(fill("o3", "t1", "1")) is not None
    assert oms.trade_ids("o3") == {"t9", "t1"}


def test_a_complete_fill_does_not_close_an_order_whose_fate_is_unknown() -> None:
    """The lost answer may have been that of an amend to a larger quantity: the venue's word on the order closes it."""
    oms = an_oms()
    oms.apply(OrderAccepted("o1", 2, "v"))
    oms.apply(OrderUnknown("o1", 3, "time-out"))
    oms.apply(fill("o1", "t1", "10"))
    assert oms.orders["o1"].status is OrderStatus.PENDING_UNKNOWN
    oms.apply(OrderAccepted("o1", 4, "v"))
    assert oms.orders["o1"].status is OrderStatus.FILLED


def test_a_new_order_may_reuse_a_trade_id_of_the_log() -> None:
    oms = Oms()
    oms.load(recovered_orders(), {("o1", "t1"), ("o3", "t9")})
    oms.create(REQUEST, 4, "o4", 9)
    assert oms.apply(fill("o4", "t9", "1")) is not None
