"""A market order with a bound on its slippage becomes an IOC limit at the touch plus that many ticks."""

from decimal import Decimal

import pytest

from jackbot_tui.execution.slip import with_bounded_slip
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.orders import OrderRequest
from tests.paper_world import Market


def a_request(side: str, slip: int) -> OrderRequest:
    return OrderRequest(
        key="x:BTC/USDT:USDT", side=Side(side), quantity=Decimal(1), type=OrderType.MARKET, limit_slip_ticks=slip
    )


@pytest.mark.parametrize(("side", "price"), [("buy", "100.5"), ("sell", "99.4")])
def test_the_bound_is_counted_from_the_opposite_touch(side: str, price: str) -> None:
    market = Market()
    market.set([(99.9, 1.0)], [(100.0, 1.0)])
    bounded = with_bounded_slip(a_request(side, 5), market)
    assert (bounded.type, bounded.tif, bounded.price) == (OrderType.LIMIT, TimeInForce.IOC, Decimal(price))


def test_no_bound_and_no_touch_leave_the_request_alone() -> None:
    market = Market()
    assert with_bounded_slip(a_request("buy", 5), market) == a_request("buy", 5)
    market.set([(99.9, 1.0)], [(100.0, 1.0)])
    assert with_bounded_slip(a_request("buy", 0), market) == a_request("buy", 0)


def test_the_price_never_falls_to_zero() -> None:
    market = Market()
    market.set([(0.2, 1.0)], [(0.3, 1.0)])
    assert with_bounded_slip(a_request("sell", 50), market).price == Decimal("0.1")
