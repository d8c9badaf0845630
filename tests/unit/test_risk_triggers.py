"""The gate before orders that wait: the side of the trigger, the price around it, caps, and the way out."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.execution.paper.stops import triggers_of
from jackbot_tui.execution.slip import with_bounded_slip
from jackbot_tui.model.enums import BookState, MarketKind, OrderStatus, OrderType, Side, TimeInForce, TriggerBy
from jackbot_tui.model.market import Trade
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.risk.refusal import RefusalCode
from tests.paper_world import PERP, SPOT
from tests.unit.test_risk_gate import NOW, Desk, code_of

C = RefusalCode
LAST, MARK = TriggerBy.LAST, TriggerBy.MARK


def a_desk(**limits: object) -> Desk:
    """Last trade 61000.0, mark 61010."""
    desk = Desk(PERP, **limits)
    desk.market.trades.add(
        Trade(desk.market.key, NOW, NOW, "1", Side.BUY, 61000.0, 1.0, "61000.0", "1")
    )  # fmt: skip
    desk.market.set_mark(61010.0)
    return desk


def a_stop(desk: Desk, side: str, trigger: str, price: str | None = None, **more: object) -> OrderRequest:
    return replace(desk.request(side, "0.1", price), trigger_price=Decimal(trigger), **more)


@pytest.mark.parametrize(
    ("side", "trigger", "by", "take", "near"),
    [
        ("sell", "60000", LAST, False, ""),
        ("buy", "62000", LAST, False, ""),
        ("sell", "62000", LAST, True, ""),
        ("buy", "60000", LAST, True, ""),
        ("sell", "61000", LAST, False, "60999.9"),
        ("sell", "61005", LAST, False, "60999.9"),
        ("sell", "61005", MARK, False, ""),
        ("buy", "61005", MARK, False, "61010.1"),
        ("buy", "61005", LAST, False, ""),
        ("buy", "60000", LAST, False, "61000.1"),
        ("sell", "60000", LAST, True, "61000.1"),
        ("buy", "62000", MARK, True, "61009.9"),
    ],
)
def test_a_trigger_lies_where_its_price_can_still_come_from(
    side: str, trigger: str, by: TriggerBy, take: bool, near: str
) -> None:
    desk = a_desk()
    refusal = desk.check(a_stop(desk, side, trigger, trigger_by=by, take_profit=take))
    assert (code_of(refusal), refusal.nearest if refusal else "") == ("trigger" if near else "", near)
    if refusal is not None:
        again = a_stop(desk, side, refusal.nearest, trigger_by=by, take_profit=take)
        assert desk.check(again) is None


@pytest.mark.parametrize(
    ("trigger", "price", "more", "code", "message"),
    [
        ("60000", "59950", {}, "", ""),
        ("60000", "60100", {}, "", ""),
        ("60000", "50000", {}, "collar", "price 50000.0 is 16.67% through the trigger 60000: try 58800.0"),
        ("60000", "99000", {}, "far", "price 99000.0 is 65.00% behind the trigger 60000: try 90000.0"),
        ("60000", "59950.05", {}, "tick",
         "price 59950.05 is not a multiple of tick 0.1: try 59950.0 or 59950.1"),
        ("60000.05", None, {}, "tick", "trigger 60000.05 is not a multiple of tick 0.1: try 60000.0 or 60000.1"),
        ("0", None, {}, "malformed", "trigger 0 is not above zero"),
        ("60000", "59950", {"post_only": True}, "malformed",
         "an order that waits for a trigger cannot be post-only: leave it out"),
        ("60000", "59950", {"tif": TimeInForce.IOC}, "malformed",
         "an order that waits for a trigger cannot be IOC: leave it out"),
    ],
)  # fmt: skip
def test_its_price_is_held_to_the_trigger(
    trigger: str, price: str | None, more: dict[str, object], code: str, message: str
) -> None:
    desk = a_desk(collar_pct=Decimal(2), far_limit_pct=Decimal(50))
    refusal = desk.check(a_stop(desk, "sell", trigger, price, **more))
    assert (code_of(refusal), refusal.message if refusal else "") == (code, message)


def test_a_trigger_whose_price_is_not_known_is_refused() -> None:
    desk = a_desk()
    desk.market.mark = None
    refusal = desk.check(a_stop(desk, "sell", "60000", trigger_by=MARK))
    assert refusal is not None
    assert refusal.message.startswith("no mark price of BTC/USDT:USDT is known now")


def test_its_value_counts_at_its_price_else_at_the_trigger() -> None:
    desk = a_desk(max_order_notional=Decimal(6100))
    assert code_of(desk.check(a_stop(desk, "buy", "61100"))) == "order_notional"
    assert desk.check(a_stop(desk, "sell", "60900")) is None
    assert code_of(desk.check(a_stop(desk, "buy", "60990.0", "61010.0", take_profit=True))) == "order_notional"


def test_it_rests_and_counts_as_resting() -> None:
    desk = a_desk(max_open_orders=1)
    desk.working("buy", "0.1", "60000")
    assert code_of(desk.check(a_stop(desk, "sell", "60000"))) == "open_orders"
    desk = a_desk(max_position_notional=Decimal(10_000))
    waiting = a_stop(desk, "buy", "62000")
    order = replace(desk.working("buy", "0.1", "60000"), trigger_price=Decimal(62000), price=None)
    desk.open = [order]
    assert code_of(desk.check(waiting)) == "position"


def test_a_stop_that_reduces_passes_without_a_book_and_with_the_switch_thrown() -> None:
    desk = a_desk()
    desk.held = Decimal("0.1")
    stop = a_stop(desk, "sell", "60000", reduce_only=True, trigger_by=MARK)
    desk.market.become(BookState.STALE)
    assert desk.check(stop) is None
    desk.gate.kill()
    assert desk.check(stop) is None
    assert code_of(desk.check(replace(stop, side=Side.BUY))) == "reduce_only"
    assert code_of(desk.check(replace(stop, reduce_only=False))) == "killed"
    desk.gate.reset()
    assert code_of(desk.check(replace(stop, reduce_only=False))) == "book_not_live"
    # it is not let through where it would act at once: that would be a market order by mistake
    assert code_of(desk.check(replace(stop, trigger_price=Decimal(62000)))) == "trigger"


def test_a_spot_stop_and_a_working_sell_do_not_reduce_twice() -> None:
    desk = Desk(SPOT)
    desk.market.trades.add(Trade(desk.market.key, NOW, NOW, "1", Side.BUY, 61000.0, 1.0, "61000", "1"))
    desk.held = Decimal("0.1")
    desk.gate.kill()
    stop = a_stop(desk, "sell", "60000")
    assert desk.check(stop) is None
    desk.working("sell", "0.1", "62000", OrderStatus.NEW)
    assert code_of(desk.check(stop)) == "killed"


def test_a_bounded_slip_makes_it_a_stop_limit_around_its_trigger() -> None:
    desk = a_desk()
    stop = a_stop(desk, "sell", "60000", limit_slip_ticks=25)
    bounded = with_bounded_slip(stop, desk.market)
    assert (bounded.type, bounded.tif, bounded.price) == (OrderType.LIMIT, TimeInForce.GTC, Decimal("59997.5"))
    assert with_bounded_slip(replace(stop, limit_slip_ticks=0), desk.market).price is None


def test_what_a_venue_wakes_orders_by() -> None:
    assert triggers_of(SPOT) == (LAST,)
    assert triggers_of(PERP) == (LAST, MARK)
    assert triggers_of(replace(PERP, venue="hyperliquid")) == (MARK,)
    assert triggers_of(replace(SPOT, venue="mexc", kind=MarketKind.SPOT)) == ()
