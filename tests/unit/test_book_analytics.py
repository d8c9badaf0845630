"""Figures read off a book: against sums done by hand and the definition."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.book.analytics import (
    FillEstimate,
    depth_to_fill,
    grouped,
    imbalance,
    levels_between,
    microprice,
    mid,
    row_of,
    spread,
)
from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.model.enums import Side


def book() -> OrderBook:
    made = OrderBook()
    made.replace([(100.0, 2.0), (99.5, 1.0), (98.0, 5.0)], [(100.5, 1.0), (101.0, 3.0), (103.0, 6.0)])
    return made


def test_mid_spread_and_microprice() -> None:
    assert (mid(book()), spread(book())) == (100.25, 0.5)
    assert microprice(book()) == pytest.approx((100.0 * 1.0 + 100.5 * 2.0) / 3.0), "leans towards the thinner ask"


def test_a_one_sided_book_has_neither() -> None:
    made = OrderBook()
    made.replace([(100.0, 2.0)], [])
    assert (mid(made), spread(made), microprice(made), imbalance(made, 5)) == (None, None, None, 1.0)
    assert imbalance(OrderBook(), 5) == 0.0


@pytest.mark.parametrize(("n", "value"), [(1, (2 - 1) / 3), (2, (3 - 4) / 7), (50, (8 - 10) / 18)])
def test_imbalance_of_the_best_levels(n: int, value: float) -> None:
    assert imbalance(book(), n) == pytest.approx(value)


@pytest.mark.parametrize(
    ("side", "quantity", "expected"),
    [
        (Side.BUY, 0.5, FillEstimate(0.5, 50.25, 100.5, 100.5, 1, True)),
        (Side.BUY, 1.0, FillEstimate(1.0, 100.5, 100.5, 100.5, 1, True)),
        (Side.BUY, 3.0, FillEstimate(3.0, 100.5 + 202.0, 302.5 / 3, 101.0, 2, True)),
        (Side.SELL, 3.0, FillEstimate(3.0, 200.0 + 99.5, 299.5 / 3, 99.5, 2, True)),
        (Side.SELL, 9.0, FillEstimate(8.0, 200.0 + 99.5 + 490.0, 789.5 / 8, 98.0, 3, False)),
        (Side.BUY, 0.0, FillEstimate(0.0, 0.0, 0.0, 0.0, 0, True)),
    ],
)
def test_what_an_order_would_take_from_the_book(side: Side, quantity: float, expected: FillEstimate) -> None:
    assert depth_to_fill(book(), side, quantity) == expected


def test_levels_of_a_price_range() -> None:
    assert levels_between(book(), Side.BUY, 98.5, 99.9) == [(99.5, 1.0)]
    assert levels_between(book(), Side.SELL, 100.5, 101.0) == [(100.5, 1.0), (101.0, 3.0)]


def test_grouped_rows_round_away_from_the_inside_and_sum() -> None:
    assert grouped(book(), Side.BUY, 0.5, 1, 10) == [(200, 2.0), (199, 1.0), (196, 5.0)]
    assert grouped(book(), Side.BUY, 0.5, 2, 10) == [(100, 2.0), (99, 1.0), (98, 5.0)]
    assert grouped(book(), Side.SELL, 0.5, 4, 10) == [(51, 4.0), (52, 6.0)]
    assert grouped(book(), Side.BUY, 0.5, 1, 2) == [(200, 2.0), (199, 1.0)]


def test_grouped_rows_may_start_at_an_anchor() -> None:
    assert grouped(book(), Side.BUY, 0.5, 1, 10, anchor=99.5) == [(199, 1.0), (196, 5.0)]
    assert grouped(book(), Side.SELL, 0.5, 1, 1, anchor=102.0) == [(206, 6.0)]
    assert grouped(OrderBook(), Side.SELL, 0.5, 1, 5) == []


@given(
    st.sampled_from(["0.01", "0.1", "0.5", "0.00000001", "1", "10", "0.0000025"]),
    st.integers(1, 10**9),
    st.sampled_from([1, 2, 5, 10, 1000]),
)
def test_the_row_of_a_price_is_exact_for_every_multiple_of_a_tick(tick: str, ticks: int, group: int) -> None:
    price = float(str(Decimal(tick) * ticks))
    assert row_of(price, float(tick), group, Side.BUY) == ticks // group
    assert row_of(price, float(tick), group, Side.SELL) == -(-ticks // group)
