"""Positions from fills, by hand-computed tables."""

from decimal import Decimal

import pytest

from jackbot_tui.model.accounting import apply_fill, apply_funding, break_even, net_realized, unrealized
from jackbot_tui.model.enums import Liquidity, Side
from jackbot_tui.model.orders import OrderFilled, Position


def fill(price: str, quantity: str, ts: int = 1) -> OrderFilled:
    return OrderFilled("j", ts, "t", Decimal(price), Decimal(quantity), Liquidity.TAKER, Decimal(0), "USDT")


def position_after(*trades: tuple[str, str, str]) -> Position:
    position = Position(key="x:BTC/USDT:USDT")
    for side, price, quantity in trades:
        position = apply_fill(position, Side(side), fill(price, quantity), Decimal("0.01"))
    return position


@pytest.mark.parametrize(
    ("trades", "quantity", "average", "realized"),
    [
        ([("buy", "100", "2")], "2", "100", "0"),
        ([("sell", "100", "2")], "-2", "100", "0"),
        ([("buy", "100", "1"), ("buy", "110", "3")], "4", "107.5", "0"),
        ([("buy", "100", "2"), ("sell", "110", "1")], "1", "100", "10"),
        ([("buy", "100", "2"), ("sell", "90", "2")], "0", "0", "-20"),
        ([("sell", "100", "2"), ("buy", "90", "2")], "0", "0", "20"),
        ([("buy", "100", "2"), ("sell", "110", "5")], "-3", "110", "20"),
        ([("sell", "100", "2"), ("buy", "110", "5")], "3", "110", "-20"),
    ],
)
def test_a_position_follows_its_fills(
    trades: list[tuple[str, str, str]], quantity: str, average: str, realized: str
) -> None:
    position = position_after(*trades)
    assert (position.quantity, position.average_entry, position.realized) == (
        Decimal(quantity),
        Decimal(average),
        Decimal(realized),
    )


def test_a_round_trip_over_a_repeating_average_is_exact_to_the_last_digit() -> None:
    position = position_after(
        ("buy", "100", "0.001"), ("buy", "100.01", "0.002"), ("sell", "100.02", "0.001"), ("sell", "100.03", "0.002")
    )
    paid = Decimal("100") * Decimal("0.001") + Decimal("100.01") * Decimal("0.002")
    got = Decimal("100.02") * Decimal("0.001") + Decimal("100.03") * Decimal("0.002")
    assert (position.quantity, position.realized) == (Decimal(0), got - paid)


def test_fees_volume_and_time_are_kept_apart_from_profit() -> None:
    position = position_after(("buy", "100", "2"), ("sell", "110", "1"))
    assert (position.fees, position.bought, position.sold) == (Decimal("0.02"), Decimal(2), Decimal(1))
    later = apply_fill(position, Side.BUY, fill("1", "1", ts=9), Decimal(0))
    assert later.updated_ns == 9


def test_funding_is_received_with_its_sign() -> None:
    position = apply_funding(position_after(("buy", "100", "2")), Decimal("-0.5"), 7)
    assert (position.funding, position.updated_ns) == (Decimal("-0.5"), 7)
    assert net_realized(position) == Decimal("-0.51")


@pytest.mark.parametrize(("side", "mark", "profit"), [("buy", "103", "6"), ("sell", "103", "-6"), ("buy", "99", "-2")])
def test_unrealized_profit_is_marked_on_the_signed_quantity(side: str, mark: str, profit: str) -> None:
    assert unrealized(position_after((side, "100", "2")), Decimal(mark)) == Decimal(profit)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_closing_at_break_even_pays_both_fees_and_nothing_more(side: str) -> None:
    fee = Decimal("0.001")
    position = position_after((side, "100", "2"))
    price = break_even(position, fee)
    profit = unrealized(position, price) - fee * 2 * (price + position.average_entry)
    assert abs(profit) < Decimal("1e-20")
    assert (price > 100) is (side == "buy")


def test_a_flat_position_has_no_break_even() -> None:
    assert break_even(Position(key="x:BTC/USDT"), Decimal("0.001")) == 0
