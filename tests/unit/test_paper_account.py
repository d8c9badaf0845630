"""The paper venue's account: cover for new orders, reduce-only, funding, and taking over an earlier session."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.book.market import MARK_LIFE_NS
from jackbot_tui.execution.paper.config import in_currency_of
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import BookState, OrderStatus, OrderType, TimeInForce
from jackbot_tui.model.orders import OrderEvent, OrderRejected, Position
from tests.paper_world import PERP, SPOT, Market, World

BIDS = [(99.9, 1.0), (99.8, 9.0)]
ASKS = [(100.0, 1.0), (100.1, 9.0)]


def spot_world(**balances: str) -> World:
    world = World(Market(SPOT), balances={name: Decimal(units) for name, units in balances.items()})
    world.book(BIDS, ASKS)
    return world


def perp_world(usdt: str = "1000", leverage: int = 10) -> World:
    world = World(Market(PERP), balances={"USDT": Decimal(usdt)}, leverage=leverage)
    world.book(BIDS, ASKS)
    return world


def code_of(world: World, client_id: str) -> str:
    return next(
        (event.code for event in world.log if isinstance(event, OrderRejected) and event.client_id == client_id), ""
    )


@pytest.mark.parametrize(("quantity", "code"), [("0.99", ""), ("1", "-2010")])
def test_a_spot_buy_needs_its_cost_and_the_fee_in_quote(quantity: str, code: str) -> None:
    world = spot_world(USDT="100")
    assert code_of(world, world.send("buy", quantity, "100.00")) == code


def test_a_spot_market_buy_is_costed_by_the_walk() -> None:
    world = spot_world(USDT="200.2")
    assert code_of(world, world.send("buy", "2")) == "-2010"
    assert world.status(world.send("buy", "1.99")) == "filled"


def test_working_buys_tie_up_what_they_may_cost_until_they_are_gone() -> None:
    world = spot_world(USDT="150")
    first = world.send("buy", "1", "99.00")
    assert code_of(world, world.send("buy", "1", "99.00")) == "-2010"
    world.cancel(first)
    assert code_of(world, world.send("buy", "1", "99.00")) == ""


def test_spot_sells_need_the_base_and_cannot_go_short() -> None:
    world = spot_world(USDT="1000", BTC="2")
    assert code_of(world, world.send("sell", "1.5", "101.00")) == ""
    assert code_of(world, world.send("sell", "0.6")) == "-2010"
    assert world.status(world.send("sell", "0.5")) == "filled"


def test_what_was_bought_can_be_sold() -> None:
    world = spot_world(USDT="1000")
    world.send("buy", "1")
    assert world.status(world.send("sell", "1")) == "filled"
    assert world.portfolio.balance("BTC") == 0


def test_a_perpetual_needs_initial_margin_and_fee() -> None:
    world = perp_world("100", leverage=10)
    assert code_of(world, world.send("buy", "10", "99.9")) == "-2019"
    assert code_of(world, world.send("buy", "9.5", "99.9")) == ""


def test_leverage_is_capped_by_the_instrument() -> None:
    world = World(Market(replace(PERP, max_leverage=Decimal(2))), balances={"USDT": Decimal(100)}, leverage=100)
    world.book(BIDS, ASKS)
    assert code_of(world, world.send("buy", "2", "99.9")) == "-2019"
    assert code_of(world, world.send("buy", "1.9", "99.9")) == ""


def test_working_orders_on_both_sides_need_margin_for_the_larger_side_only() -> None:
    world = perp_world("100", leverage=10)
    assert code_of(world, world.send("buy", "9.5", "99.0")) == ""
    assert code_of(world, world.send("sell", "9.5", "101.0")) == ""
    assert code_of(world, world.send("sell", "1", "101.0")) == "-2019"


def test_closing_needs_no_free_margin_and_open_losses_are_not_free() -> None:
    world = perp_world("100", leverage=10)
    world.send("buy", "9")
    world.market.set_mark(92.0)
    assert code_of(world, world.send("buy", "1", "91.0")) == "-2019"
    assert code_of(world, world.send("sell", "9", "101.0")) == ""


def test_a_mark_that_stopped_coming_does_not_hide_an_open_loss() -> None:
    world = perp_world("100", leverage=10)
    world.send("buy", "9")
    world.market.set_mark(100.0)
    world.book([(92.0, 5.0)], [(92.1, 5.0)])
    for _ in range(3):
        assert code_of(world, world.send("buy", "0.1", "91.0")) == ""
    world.wait(MARK_LIFE_NS / NS_PER_MS)
    assert code_of(world, world.send("buy", "0.1", "91.0")) == "-2019"


def test_an_amend_is_covered_like_a_new_order_in_place_of_the_old_and_keeps_it_when_not() -> None:
    world = spot_world(USDT="150")
    order = world.send("buy", "1", "99.00")
    world.amend(order, "99.50", "2")
    assert (world.status(order), world.order(order).price) == ("new", Decimal("99.00"))
    assert "insufficient balance" in world.order(order).reason
    assert world.paper.queue(order) is not None
    world.amend(order, "99.50", "1.5")
    assert world.order(order).quantity == Decimal("1.5")


def test_asking_for_less_is_always_covered() -> None:
    world = perp_world("100", leverage=10)
    world.send("buy", "5")
    order = world.send("buy", "4", "99.0")
    world.market.set_mark(80.0)
    world.amend(order, "98.0", "4")
    assert world.order(order).price == Decimal("98.0")


def test_reduce_only_without_a_position_on_the_other_side_is_rejected() -> None:
    world = perp_world()
    assert code_of(world, world.send("sell", "1", reduce_only=True)) == "-2022"
    world.send("buy", "1")
    assert code_of(world, world.send("buy", "1", reduce_only=True)) == "-2022"


def test_reduce_only_does_not_exist_on_spot() -> None:
    world = spot_world(USDT="1000")
    assert code_of(world, world.send("sell", "1", "101.00", reduce_only=True)) == "-1106"


def test_a_reduce_only_taker_stops_at_the_position() -> None:
    world = perp_world("100000")
    world.send("buy", "2")
    order = world.send("sell", "5", reduce_only=True)
    assert (world.order(order).filled, world.status(order)) == (2, "expired")
    assert world.portfolio.position(PERP.key).quantity == 0


def test_reduce_only_makers_share_the_position_and_expire_with_it() -> None:
    world = perp_world("100000")
    world.send("buy", "2")
    first, second = (world.send("sell", "1.5", price, reduce_only=True) for price in ("100.2", "100.3"))
    world.trade("buy", 100.4, "9")
    assert world.fills(first) == [("100.2", "1.5")]
    assert (world.fills(second), world.status(second)) == ([("100.3", "0.5")], "expired")


def test_a_closed_position_ends_resting_reduce_only_orders() -> None:
    world = perp_world("100000")
    world.send("buy", "1")
    exit_order = world.send("sell", "1", "101.0", reduce_only=True)
    world.send("sell", "1")
    assert world.status(exit_order) == "expired"


def test_funding_is_paid_on_what_is_held() -> None:
    world = perp_world("100000")

    def settled() -> Decimal:
        return world.paper.settle_funding(PERP.key, Decimal("0.0001"), Decimal(100), world.now, world.now).amount

    assert settled() == 0
    world.send("buy", "2")
    assert settled() == Decimal("-0.02")
    world.send("sell", "5")
    assert settled() == Decimal("0.03")


# ---------------------------------------------------------------------------- after a restart


def survivor(status: OrderStatus = OrderStatus.NEW, **changes: object) -> World:
    """A world whose only order was open when an earlier session ended."""
    world = perp_world("100000")
    client_id = world.send("buy", "1", "99.9")
    old = replace(world.order(client_id), status=status, **changes)
    reborn = perp_world("100000")
    reborn.oms.load([old], [])
    reborn.hear(reborn.paper.restore([old], reborn.now))
    return reborn


def test_a_restored_order_stands_at_the_back_of_the_queue() -> None:
    world = survivor()
    assert (world.status("o1"), world.ahead("o1")) == ("new", "1")
    world.trade("sell", 99.9, "1.5")
    assert world.fills() == [("99.9", "0.5")]


def test_a_restored_order_waits_for_the_book() -> None:
    world = survivor()
    order = world.order("o1")
    later = perp_world("100000")
    later.oms.load([order], [])
    later.market.become(BookState.EMPTY)
    later.hear(later.paper.restore([order], later.now))
    later.trade("sell", 99.0, "5")
    assert (later.fills(), later.paper.queue("o1")) == ([], None)
    later.market.become(BookState.LIVE)
    later.book([(99.9, 4.0)], ASKS)
    assert later.ahead("o1") == "4"


def test_a_restored_order_can_be_canceled_before_the_book_is_live() -> None:
    order = survivor().order("o1")
    world = perp_world("100000")
    world.oms.load([order], [])
    world.market.become(BookState.EMPTY)
    world.hear(world.paper.restore([order], world.now))
    world.cancel("o1")
    assert world.status("o1") == "canceled"


@pytest.mark.parametrize(
    ("status", "changes", "now"),
    [
        (OrderStatus.PARTIALLY_FILLED, {"filled": Decimal("0.4")}, "partially_filled"),
        (OrderStatus.PENDING_CANCEL, {}, "canceled"),
        (OrderStatus.PENDING_REPLACE, {}, "new"),
        (OrderStatus.PENDING_REPLACE, {"filled": Decimal(1)}, "filled"),
        (OrderStatus.PENDING_UNKNOWN, {}, "new"),
        (OrderStatus.NEW, {"tif": TimeInForce.IOC}, "expired"),
        (OrderStatus.NEW, {"type": OrderType.MARKET, "price": None}, "expired"),
    ],
)
def test_what_was_under_way_at_the_end_is_settled(status: OrderStatus, changes: dict[str, object], now: str) -> None:
    world = survivor(status, **changes)
    assert world.status("o1") == now
    assert (world.paper.queue("o1") is not None) is world.order("o1").is_open


def test_only_the_rest_of_a_restored_order_can_fill() -> None:
    world = survivor(OrderStatus.PARTIALLY_FILLED, filled=Decimal("0.4"))
    world.trade("sell", 99.0, "9")
    assert world.fills() == [("99.9", "0.6")]


def test_an_intent_that_never_reached_the_venue_is_canceled() -> None:
    world = perp_world()
    working = world.order(world.send("buy", "1", "99.9"))
    lost = replace(working, client_id="lost", status=OrderStatus.PENDING_NEW)
    [event] = world.paper.reconcile(lost, world.now)
    assert (type(event).__name__, event.client_id) == ("OrderCanceled", "lost")
    nothing: list[OrderEvent] = world.paper.reconcile(working, world.now)
    assert nothing == []


def test_positions_of_an_earlier_session_can_be_reduced() -> None:
    world = perp_world("100000")
    world.paper.load([Position(key=PERP.key, quantity=Decimal(2), average_entry=Decimal(100))])
    order = world.send("sell", "2", reduce_only=True)
    assert world.status(order) == "filled"


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        (["BTC/USDT:USDT", "ETH/USDT"], "USDT"),
        (["BTC/USDC:USDC", "ETH/USDC"], "USDC"),
        (["BTC/USD"], "USD"),
        (["BTC/USD", "ETH/USDT"], "USDT"),
        ([], "USDT"),
    ],
)
def test_the_purse_is_in_the_currency_that_the_venue_trades_in(symbols: list[str], expected: str) -> None:
    assert in_currency_of({"USDT": Decimal(500)}, symbols) == {expected: Decimal(500)}
