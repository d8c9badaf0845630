"""Positions conserve quantity and cash to the last digit, whatever the fills."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.model.accounting import apply_fill, net_realized, unrealized
from jackbot_tui.model.enums import Liquidity, Side
from jackbot_tui.model.orders import OrderFilled, Position

prices = st.decimals(min_value="0.00000001", max_value="2000000", places=8)
quantities = st.decimals(min_value="0.00000001", max_value="900000", places=8)
fees = st.decimals(min_value="-10", max_value="10", places=8)
trades = st.lists(st.tuples(st.sampled_from(Side), prices, quantities, fees), min_size=1, max_size=30)


def apply_all(script: list[tuple[Side, Decimal, Decimal, Decimal]]) -> Position:
    position = Position(key="x:BTC/USDT")
    for number, (side, price, quantity, fee) in enumerate(script):
        fill = OrderFilled("j", number, str(number), price, quantity, Liquidity.TAKER, fee, "USDT")
        position = apply_fill(position, side, fill, fee)
    return position


@given(trades)
@settings(max_examples=300, deadline=None)
def test_quantity_and_cash_are_conserved_exactly(script: list[tuple[Side, Decimal, Decimal, Decimal]]) -> None:
    position = apply_all(script)
    quantity = sum(Fraction(q) * side.sign for side, _, q, _ in script)
    cash = -sum(Fraction(p) * Fraction(q) * side.sign for side, p, q, _ in script)
    assert Fraction(position.quantity) == quantity
    assert Fraction(position.bought) - Fraction(position.sold) == quantity
    assert Fraction(position.realized) - Fraction(position.average_entry) * quantity == cash
    assert Fraction(position.fees) == sum(Fraction(fee) for *_, fee in script)


@given(trades, prices)
@settings(max_examples=200, deadline=None)
def test_the_result_is_cash_plus_what_is_held_at_the_mark(
    script: list[tuple[Side, Decimal, Decimal, Decimal]], mark: Decimal
) -> None:
    position = apply_all(script)
    result = Fraction(net_realized(position)) + Fraction(unrealized(position, mark))
    paid = sum(Fraction(p) * Fraction(q) * side.sign + Fraction(fee) for side, p, q, fee in script)
    assert result == Fraction(mark) * Fraction(position.quantity) - paid


@given(trades)
@settings(max_examples=200, deadline=None)
def test_the_average_entry_is_the_mean_price_of_what_is_open(
    script: list[tuple[Side, Decimal, Decimal, Decimal]],
) -> None:
    quantity, cost = Fraction(0), Fraction(0)
    for side, price, size, _ in script:
        change = Fraction(size) * side.sign
        if quantity * change >= 0:
            cost += change * Fraction(price)
        elif abs(change) <= abs(quantity):
            cost += change * cost / quantity
        else:
            cost = (quantity + change) * Fraction(price)
        quantity += change
    average = Fraction(apply_all(script).average_entry)
    expected = cost / quantity if quantity else Fraction(0)
    assert abs(average - expected) <= Fraction(len(script), 10**18)
