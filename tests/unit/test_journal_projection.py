"""The fold from log to orders, positions and days, by hand-made records with results a person can check."""

from decimal import Decimal

import pytest

from jackbot_tui.journal.projection import DayResult, Projection
from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.model.orders import OrderCanceled
from jackbot_tui.model.records import FundingApplied, KillSwitch, MarkSampled, OrderSubmitted, Record
from tests.journal_world import BTC, DAY, ETH, NOON, accepted, client_id, filled, order, submitted, traded

MIDNIGHT = (NOON // DAY + 1) * DAY
TODAY, TOMORROW = "2024-10-04", "2024-10-05"


def folded(*records: Record) -> Projection:
    projection = Projection()
    for seq, record in enumerate(records, 1):
        projection.apply(seq, record)
    return projection


def reasons(projection: Projection) -> dict[int, str]:
    return {skipped.seq: skipped.reason for skipped in projection.changes.skipped}


def test_a_fill_moves_order_position_and_day() -> None:
    state = folded(submitted(1, quantity="2"), accepted(1), filled(1, "100", "0.5", fee="0.02"))
    assert state.orders[client_id(1)].order.status is OrderStatus.PARTIALLY_FILLED
    assert state.positions[BTC].quantity == Decimal("0.5")
    day = state.days[TODAY, BTC]
    assert (day.fills, day.trades, day.volume, day.fees, day.net) == (1, 0, 50, Decimal("0.02"), Decimal("-0.02"))
    (fill,) = state.changes.fills
    assert (fill.seq, fill.number, fill.side, fill.position, fill.value) == (3, 1, Side.BUY, Decimal("0.5"), 50)


def test_profit_belongs_to_the_utc_day_of_the_closing_fill() -> None:
    state = folded(
        *traded(1, Side.BUY, "2", "100", NOON),
        *traded(2, Side.SELL, "1", "110", MIDNIGHT - 1),
        *traded(3, Side.SELL, "1", "95", MIDNIGHT),
    )
    days = {day: (row.realized, row.trades, row.quantity) for (day, _), row in state.days.items()}
    assert days == {TODAY: (10, 0, 1), TOMORROW: (-5, 1, 0)}


def test_turning_a_position_counts_as_a_trade() -> None:
    state = folded(*traded(1, Side.BUY, "1", "100", NOON), *traded(2, Side.SELL, "3", "104", NOON))
    assert state.days[TODAY, BTC].trades == 1
    assert state.days[TODAY, BTC].realized == 4
    assert state.positions[BTC].quantity == -2


@pytest.mark.parametrize(
    ("after_midnight", "closes"),
    [(0, TODAY), (59, TODAY), (60, TOMORROW), (3_600, TOMORROW)],
)
def test_a_mark_right_after_midnight_closes_the_day_before(after_midnight: int, closes: str) -> None:
    state = folded(
        *traded(1, Side.BUY, "2", "100", NOON), MarkSampled(MIDNIGHT + after_midnight * 10**9, BTC, Decimal(120))
    )
    row = state.days[closes, BTC]
    assert (row.mark, row.quantity, row.average_entry) == (120, 2, 100)
    assert [day for (day, _), row in state.days.items() if row.mark is not None] == [closes]


def test_a_fill_told_late_counts_for_its_day_but_does_not_move_that_days_end() -> None:
    state = folded(
        *traded(1, Side.BUY, "1", "100", NOON),
        *traded(2, Side.BUY, "5", "100", MIDNIGHT + 1),
        submitted(3, Side.SELL),
        filled(3, "103", ts=MIDNIGHT - 1),
    )
    today, tomorrow = state.days[TODAY, BTC], state.days[TOMORROW, BTC]
    assert (today.fills, today.realized, today.quantity) == (2, 3, 1)
    assert (tomorrow.fills, tomorrow.realized, tomorrow.quantity) == (1, 0, 6)


@pytest.mark.parametrize(
    ("currency", "in_quote", "apart"),
    [
        ("USDT", Decimal("0.1"), {}),
        ("BTC", Decimal("10"), {}),
        ("BNB", Decimal(0), {"BNB": Decimal("0.1")}),
    ],
)
def test_fees_in_any_currency(currency: str, in_quote: Decimal, apart: dict[str, Decimal]) -> None:
    state = folded(submitted(1), filled(1, "100", "1", fee="0.1", currency=currency))
    assert state.positions[BTC].fees == in_quote
    assert state.days[TODAY, BTC].fees == in_quote
    assert state.days[TODAY, BTC].other_fees == apart
    assert state.orders[client_id(1)].order.fees == {currency: Decimal("0.1")}


def test_funding_counts_for_position_and_day() -> None:
    funding = FundingApplied(NOON, BTC, Decimal("0.0001"), Decimal(100), Decimal(2), Decimal("-0.02"))
    state = folded(*traded(1, Side.BUY, "2", "100", NOON), funding)
    assert state.positions[BTC].funding == Decimal("-0.02")
    assert state.days[TODAY, BTC].net == Decimal("-0.02")
    assert [payment.amount for payment in state.changes.funding] == [Decimal("-0.02")]


def test_kill_switch_is_the_last_word() -> None:
    assert folded(KillSwitch(NOON, True, "ui")).switches.killed
    assert not folded(KillSwitch(NOON, True, "ui"), KillSwitch(NOON, False, "ui")).switches.killed


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (filled(1), "was counted before"),
        (filled(1, quantity="0", trade="t2"), "no positive quantity"),
        (filled(1, quantity="-1", trade="t2"), "no positive quantity"),
        (filled(1, price="NaN", trade="t2"), "not an amount"),
        (filled(1, fee="Infinity", trade="t2"), "not an amount"),
        (filled(1, price="1E+500000", quantity="1E+500000", trade="t2"), "impossible amount"),
        (filled(9), "no order"),
        (OrderCanceled(client_id(9), NOON), "no order"),
        (submitted(1), "submitted before"),
        (MarkSampled(NOON, BTC, Decimal("NaN")), "not an amount"),
        (MarkSampled(NOON, "nonsense", Decimal(1)), "nonsense"),
        (FundingApplied(NOON, BTC, Decimal(0), Decimal(0), Decimal(0), Decimal("-Infinity")), "not an amount"),
        (FundingApplied(NOON, "x", Decimal(0), Decimal(0), Decimal(0), Decimal(1)), "instrument key"),
    ],
)
def test_a_record_that_cannot_be_applied_is_named_and_changes_nothing(record: Record, reason: str) -> None:
    state = folded(submitted(1, quantity="2"), filled(1))
    before = (state.orders[client_id(1)].order, dict(state.positions), dict(state.days), state.switches)
    state.apply(3, record)
    assert reason in reasons(state)[3]
    assert (state.orders[client_id(1)].order, dict(state.positions), dict(state.days), state.switches) == before
    assert [fill.seq for fill in state.changes.fills] == [2]


def test_a_fill_of_an_order_of_a_malformed_instrument_changes_nothing() -> None:
    state = folded(OrderSubmitted(NOON, order(1, key="nowhere")), filled(1))
    assert "nowhere" in reasons(state)[2]
    assert state.orders[client_id(1)].order.filled == 0


def test_the_same_trade_id_in_two_orders_is_two_fills() -> None:
    """Venues number trades per symbol, and both sides of a self-trade share one."""
    state = folded(submitted(1), submitted(2, key=ETH), filled(1, trade="7"), filled(2, trade="7"))
    assert reasons(state) == {}
    assert len(state.changes.fills) == 2


def test_history_is_forgotten_and_asked_for_again() -> None:
    asked: list[str] = []
    full = folded(*traded(1, Side.BUY, "1", "100", NOON), submitted(2))

    class Store:
        def order(self, client_id: str):  # type: ignore[no-untyped-def]
            asked.append(client_id)
            return full.orders.get(client_id)

        def position(self, key: str) -> None:
            return None

        def day(self, day: str, key: str) -> DayResult | None:
            return None

        def last_day(self, key: str) -> str:
            return ""

    state = Projection(Store())
    for seq, record in enumerate([*traded(1, Side.BUY, "1", "100", NOON), submitted(2)], 1):
        state.apply(seq, record)
    state.take_changes()
    state.forget_history()
    assert list(state.orders) == [client_id(2)]
    assert asked == []
    state.apply(4, filled(1, trade="t1"))
    assert asked == [client_id(1)]
    assert "counted before" in reasons(state)[4]
