"""Orders that wait for a trigger: their life in the state machine, their text, and journals from before they were."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.engine.describe import describe
from jackbot_tui.journal.encoding import checked_text, decode
from jackbot_tui.journal.report import JournalReader
from jackbot_tui.journal.schema import LATER_COLUMNS
from jackbot_tui.model.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce, TriggerBy
from jackbot_tui.model.errors import IllegalTransition
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderFilled,
    OrderTriggered,
    OrderUnknown,
    trigger_reached,
)
from jackbot_tui.model.records import OrderSubmitted
from jackbot_tui.model.transitions import apply_event
from tests.journal_world import NOON, accepted, client_id, open_journal, order, submitted, write_journal

S = OrderStatus
ID = "jmabcd00000001"


def a_stop(side: Side = Side.SELL, price: Decimal | None = None) -> Order:
    return Order(
        number=7, client_id=ID, key="x:BTC/USDT:USDT", side=side, quantity=Decimal(10),
        type=OrderType.MARKET if price is None else OrderType.LIMIT, price=price, tif=TimeInForce.GTC, post_only=False,
        reduce_only=True, owner="manual", source="ui", parent_id="", tag="", created_ns=1, updated_ns=1,
        trigger_price=Decimal("61000.0"), trigger_by=TriggerBy.MARK,
    )  # fmt: skip


def fill(quantity: str) -> OrderFilled:
    return OrderFilled(ID, 7, "t", Decimal(100), Decimal(quantity), Liquidity.TAKER, Decimal(0), "USDT")


def after(*events: OrderEvent) -> Order:
    order = a_stop()
    for event in events:
        order = apply_event(order, event, strict=True)
    return order


@pytest.mark.parametrize(
    ("events", "status", "triggered"),
    [
        ([OrderAccepted(ID, 2, "v")], S.NEW, 0),
        ([OrderAccepted(ID, 2, "v"), OrderTriggered(ID, 5)], S.NEW, 5),
        ([OrderAccepted(ID, 2, "v"), OrderTriggered(ID, 5), OrderTriggered(ID, 6)], S.NEW, 5),
        ([OrderTriggered(ID, 5)], S.NEW, 5),
        ([OrderUnknown(ID, 3, "time-out"), OrderTriggered(ID, 5)], S.NEW, 5),
        ([OrderAccepted(ID, 2, "v"), fill("4")], S.PARTIALLY_FILLED, 7),
        ([OrderAccepted(ID, 2, "v"), fill("10"), OrderTriggered(ID, 5)], S.FILLED, 7),
        ([OrderAccepted(ID, 2, "v"), OrderCanceled(ID, 4)], S.CANCELED, 0),
        ([OrderAccepted(ID, 2, "v"), OrderCanceled(ID, 6), OrderTriggered(ID, 5)], S.CANCELED, 5),
    ],
)
def test_a_waiting_order_works_and_tells_when_it_was_triggered(
    events: list[OrderEvent], status: OrderStatus, triggered: int
) -> None:
    order = after(*events)
    assert (order.status, order.triggered_ns, order.is_waiting) == (status, triggered, not triggered)


def test_an_order_without_a_trigger_is_not_triggered() -> None:
    plain = order(1)
    event = OrderTriggered(plain.client_id, 5)
    assert apply_event(plain, event) == plain
    with pytest.raises(IllegalTransition, match="waits for no trigger"):
        apply_event(plain, event, strict=True)


@pytest.mark.parametrize(
    ("side", "take_profit", "wakes", "leaves"),
    [
        (Side.SELL, False, "60999", "61001"),
        (Side.BUY, False, "61001", "60999"),
        (Side.SELL, True, "61001", "60999"),
        (Side.BUY, True, "60999", "61001"),
    ],
)
def test_the_side_and_the_kind_say_from_where_the_price_comes(
    side: Side, take_profit: bool, wakes: str, leaves: str
) -> None:
    trigger = Decimal(61000)
    assert trigger_reached(side, take_profit, trigger, Decimal(wakes))
    assert trigger_reached(side, take_profit, trigger, trigger)
    assert not trigger_reached(side, take_profit, trigger, Decimal(leaves))


def test_notices_name_the_trigger() -> None:
    stop = a_stop()
    assert stop.trigger_text == "stop 61000 mark"
    assert describe(stop, OrderAccepted(ID, 1))[2] == "#7 SELL 10 stop 61000 mark, market accepted in 0 ms"
    kind, level, text = describe(stop, OrderTriggered(ID, 5, Decimal("60990.5")))
    assert (kind, level, text) == ("triggered", "warn", "#7 SELL 10 stop 61000 mark TRIGGERED by 60990.5")


def test_records_of_before_are_read_and_new_ones_come_back_equal() -> None:
    record = OrderSubmitted(1, a_stop(price=Decimal(60950)))
    assert decode(1, checked_text(record)) == record
    triggered = OrderTriggered(ID, 5, Decimal(61000))
    assert decode(1, checked_text(triggered)) == triggered
    text = checked_text(OrderSubmitted(1, order(1)))
    for gone in (',"trigger_price":null', ',"trigger_by":"last"', ',"take_profit":false', ',"triggered_ns":0'):
        assert gone in text
        text = text.replace(gone, "")
    assert decode(1, text) == OrderSubmitted(1, order(1))


async def test_a_journal_of_before_is_read_untouched_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    await write_journal(path, [submitted(1), accepted(1)])
    with sqlite3.connect(path) as connection:
        for name in LATER_COLUMNS:
            connection.execute(f"ALTER TABLE orders DROP COLUMN {name}")
    with JournalReader(path) as reader:
        (old,) = reader.orders()
        assert old.trigger_price is None
        assert reader.verify() == []
    journal = await open_journal(path)
    assert journal.recovered.orders[client_id(1)] == old
    stop = a_stop()
    journal.append(OrderSubmitted(NOON, stop))
    journal.append(OrderTriggered(ID, NOON, Decimal(60_999)))
    await journal.close()
    journal = await open_journal(path)
    assert journal.recovered.orders[ID] == apply_event(stop, OrderTriggered(ID, NOON))
    assert await journal.verify() == []
    await journal.close()
