"""The exchange's back office by hand: what orders lock, what fills cost, margin, triggers, funding, liquidation."""

from decimal import Decimal
from typing import Any

import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.sim.ledger import INSURANCE, Cause
from jackbot_tui.sim.margin import LINEAR_WALLET
from jackbot_tui.sim.orders import Reason, SelfTrade
from jackbot_tui.sim.requests import (
    BalanceEvent,
    MarginCallEvent,
    OrderChange,
    OrderEvent,
    Refusal,
    Refused,
    TriggerPrice,
)
from jackbot_tui.sim.terms import FeeCurrency, Terms, UniqueIds
from tests.accounts_world import LINEAR, SPOT, AccountsWorld

BUY, SELL = Side.BUY, Side.SELL


def open_world(terms: Terms | None = None) -> AccountsWorld:
    """Both markets with a crowd's level at 63990 and 64010."""
    world = AccountsWorld(terms)
    for key in (SPOT, LINEAR):
        world.crowd(key, BUY, "50", "63990")
        world.crowd(key, SELL, "50", "64010")
    return world


def changes(world: AccountsWorld) -> list[str]:
    return [event.change.value for event in world.told() if isinstance(event, OrderEvent)]


def refusal(world: AccountsWorld, *order: Any, **more: Any) -> Refusal:
    with pytest.raises(Refused) as caught:
        world.order(*order, **more)
    return caught.value.refusal


# --- spot ----------------------------------------------------------------------------------------------------------


def test_a_spot_buy_locks_its_value_and_a_cancel_gives_it_back() -> None:
    world = open_world()
    order = world.order(1, SPOT, BUY, "0.5", "60000")
    held = world.accounts.holding(1, "USDT")
    assert (held.free, held.locked) == (Decimal(70_000), Decimal(30_000))
    world.accounts.cancel(order)
    assert world.accounts.holding(1, "USDT").free == Decimal(100_000)
    assert changes(world) == ["new", "canceled"]


def test_a_spot_sell_locks_the_base_currency() -> None:
    world = open_world()
    world.order(1, SPOT, SELL, "0.5", "70000")
    assert world.accounts.holding(1, "BTC").locked == Decimal("0.5")


def test_a_buy_at_a_better_price_than_its_limit_gives_the_difference_back() -> None:
    world = open_world()
    world.order(1, SPOT, BUY, "0.5", "65000")
    held = world.accounts.holding(1, "USDT")
    assert (held.total, held.locked) == (Decimal(100_000) - Decimal(32_005), Decimal(0))
    assert world.accounts.holding(1, "BTC").total == Decimal("2.5") - Decimal("0.0005")


def test_spot_fees_come_from_what_is_received_or_from_the_quote_by_the_terms() -> None:
    world = open_world(Terms(fee_currency=FeeCurrency.QUOTE))
    world.order(1, SPOT, BUY, "0.5")
    (fill,) = world.accounts.orders.fills(1)
    assert (fill.fee, fill.fee_currency) == (Decimal("32.005"), "USDT")
    assert world.accounts.holding(1, "BTC").total == Decimal("2.5")


def test_a_maker_pays_the_makers_fee() -> None:
    world = open_world()
    world.order(1, LINEAR, BUY, "0.5", "64000")
    world.crowd(LINEAR, SELL, "0.2", "64000")
    (fill,) = world.accounts.orders.fills(1)
    assert (fill.is_maker, fill.fee) == (True, Decimal("0.2") * 64_000 * Decimal("0.0002"))


def test_a_market_order_for_a_cost_takes_what_it_pays_for() -> None:
    world = open_world()
    order = world.order(1, SPOT, BUY, "0", cost=Decimal("6401.5"))
    assert order.filled == 10_000
    assert world.accounts.holding(1, "USDT").total == Decimal(100_000) - Decimal(6401)


@pytest.mark.parametrize(
    ("key", "side", "quantity", "price", "more", "expected"),
    [
        (SPOT, BUY, "0.5", "60000.005", {}, Refusal.BAD_TICK),
        (SPOT, BUY, "0.500001", "60000", {}, Refusal.BAD_LOT),
        (SPOT, BUY, "0", "60000", {}, Refusal.QUANTITY_TOO_SMALL),
        (SPOT, BUY, "9001", "60000", {}, Refusal.QUANTITY_TOO_LARGE),
        (SPOT, BUY, "121", None, {}, Refusal.MARKET_QUANTITY_TOO_LARGE),
        (SPOT, BUY, "0.00002", "60000", {}, Refusal.NOTIONAL_TOO_SMALL),
        (SPOT, BUY, "0.5", "400000", {}, Refusal.BAND_TOO_HIGH),
        (SPOT, SELL, "0.5", "10000", {}, Refusal.BAND_TOO_LOW),
        (SPOT, BUY, "0.5", "2000000", {}, Refusal.PRICE_TOO_HIGH),
        (SPOT, BUY, "2", "60000", {}, Refusal.INSUFFICIENT_FUNDS),
        (SPOT, BUY, "2", None, {}, Refusal.INSUFFICIENT_FUNDS),
        (SPOT, SELL, "2.1", "70000", {}, Refusal.INSUFFICIENT_FUNDS),
        (SPOT, BUY, "0.5", "65000", {"post_only": True}, Refusal.POST_ONLY),
        (SPOT, SELL, "0.5", None, {"trigger_price": Decimal(65_000)}, Refusal.WOULD_TRIGGER),
        (LINEAR, BUY, "0.001", "40000", {}, Refusal.NOTIONAL_TOO_SMALL),
        (LINEAR, BUY, "0.5", "67300", {}, Refusal.BAND_TOO_HIGH),
        (LINEAR, SELL, "0.5", "60700", {}, Refusal.BAND_TOO_LOW),
        (LINEAR, BUY, "0.5", None, {"reduce_only": True}, Refusal.REDUCE_ONLY),
        (LINEAR, BUY, "40", "64000", {}, Refusal.INSUFFICIENT_MARGIN),
        (LINEAR, BUY, "200", "64000", {}, Refusal.POSITION_LIMIT),
    ],
)  # fmt: skip
def test_an_order_that_breaks_a_rule_is_refused_and_changes_nothing(
    key: str, side: Side, quantity: str, price: str | None, more: dict[str, Any], expected: Refusal
) -> None:
    world = open_world()
    before = world.accounts.ledger.purses()
    assert refusal(world, 1, key, side, quantity, price, **more) is expected
    assert world.accounts.orders.orders(1) == []
    assert world.told() == []
    assert world.accounts.ledger.purses() == before


def test_more_open_orders_than_allowed_are_refused() -> None:
    world = open_world()
    for _ in range(200):
        world.order(1, SPOT, BUY, "0.001", "20000")
    assert refusal(world, 1, SPOT, BUY, "0.001", "20000") is Refusal.TOO_MANY_ORDERS


@pytest.mark.parametrize(("unique", "taken"), [(UniqueIds.OPEN, False), (UniqueIds.ALL, True)])
def test_a_client_id_is_free_again_as_the_venue_has_it(unique: UniqueIds, taken: bool) -> None:
    world = open_world(Terms(unique_ids=unique))
    first = world.order(1, SPOT, BUY, "0.5", "60000", client_id="mine")
    assert refusal(world, 1, SPOT, BUY, "0.1", "60000", client_id="mine") is Refusal.DUPLICATE_CLIENT_ID
    world.order(2, SPOT, BUY, "0.5", "60000", client_id="mine")
    world.accounts.cancel(first)
    if taken:
        assert refusal(world, 1, SPOT, BUY, "0.1", "60000", client_id="mine") is Refusal.DUPLICATE_CLIENT_ID
    else:
        second = world.order(1, SPOT, BUY, "0.1", "60000", client_id="mine")
        assert world.accounts.orders.by_client_id(1, SPOT, "mine") is second


def test_a_post_only_order_that_would_take_is_canceled_where_the_venue_does_so() -> None:
    world = open_world(Terms(refuses_post_only=False))
    order = world.order(1, SPOT, BUY, "0.5", "65000", post_only=True)
    assert (order.status, order.reason, order.filled) == (OrderStatus.CANCELED, Reason.POST_ONLY, 0)
    assert changes(world) == ["new", "canceled"]
    assert world.accounts.holding(1, "USDT").locked == 0


def test_a_fill_or_kill_order_that_misses_is_told_new_then_expired() -> None:
    world = open_world()
    order = world.order(1, SPOT, BUY, "0.5", "64000", tif=TimeInForce.FOK)
    assert (order.status, order.reason) == (OrderStatus.EXPIRED, Reason.FOK)
    assert changes(world) == ["new", "expired"]


def test_self_trade_prevention_takes_the_own_order_out_of_the_way() -> None:
    world = open_world()
    resting = world.order(1, SPOT, SELL, "0.5", "64000")
    world.order(1, SPOT, BUY, "0.5", "64010")
    assert (resting.status, resting.reason) == (OrderStatus.EXPIRED, Reason.SELF_TRADE)
    assert [fill.price for fill in world.accounts.orders.fills(1)] == [6_401_000]


def test_two_accounts_trade_with_each_other() -> None:
    world = open_world()
    world.order(1, SPOT, SELL, "0.5", "64000")
    world.order(2, SPOT, BUY, "0.5", "64000", self_trade=SelfTrade.EXPIRE_BOTH)
    assert world.accounts.holding(1, "BTC").total == Decimal("1.5")
    assert world.accounts.holding(2, "BTC").total == Decimal("2.5") - Decimal("0.0005")
    assert world.accounts.holding(1, "USDT").total == Decimal(132_000) - 32


# --- amends --------------------------------------------------------------------------------------------------------


def test_an_amend_changes_what_is_locked_and_is_told() -> None:
    world = open_world()
    order = world.order(1, SPOT, BUY, "0.5", "60000")
    world.told()
    world.accounts.amend(order, Decimal(61_000), Decimal("0.6"))
    assert world.accounts.holding(1, "USDT").locked == Decimal(36_600)
    told = world.told()
    assert [event.change for event in told if isinstance(event, OrderEvent)] == [OrderChange.AMENDED]
    assert any(isinstance(event, BalanceEvent) for event in told)


def test_an_amend_beyond_the_funds_leaves_the_order_as_it_was() -> None:
    world = open_world()
    order = world.order(1, SPOT, BUY, "0.5", "60000")
    with pytest.raises(Refused, match="balance"):
        world.accounts.amend(order, None, Decimal(2))
    assert (order.price, order.quantity) == (6_000_000, 50_000)
    assert world.accounts.holding(1, "USDT").locked == Decimal(30_000)


def test_an_amend_to_less_than_is_filled_ends_the_order() -> None:
    world = open_world()
    order = world.order(1, SPOT, BUY, "0.5", "64000")
    world.crowd(SPOT, SELL, "0.3", "64000")
    world.accounts.amend(order, None, Decimal("0.2"))
    assert (order.status, order.filled) == (OrderStatus.CANCELED, 30_000)
    assert world.accounts.holding(1, "USDT").locked == 0


# --- perpetuals ----------------------------------------------------------------------------------------------------


def test_an_order_binds_margin_by_the_leverage() -> None:
    world = open_world()
    world.accounts.set_leverage(1, LINEAR, Decimal(10))
    world.order(1, LINEAR, BUY, "0.5", "63000")
    margin = world.accounts.positions.margin(1, "USDT")
    assert (margin.order_initial, margin.available) == (Decimal(3150), Decimal(96_850))


def test_a_position_is_entered_closed_and_its_profit_paid() -> None:
    world = open_world()
    world.order(1, LINEAR, BUY, "1")
    view = world.accounts.positions.view(1, LINEAR)
    assert (view.quantity, view.entry) == (Decimal(1), Decimal(64_010))
    world.crowd(LINEAR, BUY, "5", "64100")
    world.order(1, LINEAR, SELL, "1")
    (opened, closed) = world.accounts.orders.fills(1)
    assert (opened.profit, closed.profit) == (0, Decimal(-20))
    fees = (Decimal(64_010) + Decimal(63_990)) * Decimal("0.0005")
    assert world.accounts.positions.wallet(1, "USDT").total == Decimal(100_000) - 20 - fees


def test_a_reduce_only_order_never_opens_a_position() -> None:
    world = open_world()
    world.order(1, LINEAR, BUY, "1")
    order = world.order(1, LINEAR, SELL, "3", reduce_only=True)
    assert (order.quantity, order.filled) == (1000, 1000)
    assert world.accounts.positions.position(1, LINEAR).lots == 0


def test_an_isolated_position_has_a_margin_of_its_own() -> None:
    world = open_world()
    world.accounts.set_leverage(1, LINEAR, Decimal(10))
    world.accounts.set_isolated(1, LINEAR, isolated=True)
    world.order(1, LINEAR, BUY, "1")
    assert world.accounts.positions.isolated_margin(1, LINEAR) == Decimal(6401)
    wallet = world.accounts.positions.wallet(1, "USDT")
    assert wallet.total - wallet.cross == Decimal(6401)
    world.order(1, LINEAR, SELL, "0.4", reduce_only=True)
    assert world.accounts.positions.isolated_margin(1, LINEAR) == Decimal("3840.6")


def test_margin_mode_stays_while_orders_or_a_position_are_there() -> None:
    world = open_world()
    order = world.order(1, LINEAR, BUY, "1", "63000")
    with pytest.raises(Refused, match="orders are open"):
        world.accounts.set_isolated(1, LINEAR, isolated=True)
    world.accounts.cancel(order)
    world.order(1, LINEAR, BUY, "1")
    with pytest.raises(Refused, match="position is open"):
        world.accounts.set_isolated(1, LINEAR, isolated=True)
    with pytest.raises(Refused, match="already so"):
        world.accounts.set_isolated(1, LINEAR, isolated=False)


@pytest.mark.parametrize("leverage", ["0", "126", "2.5"])
def test_a_leverage_out_of_range_is_refused(leverage: str) -> None:
    with pytest.raises(Refused, match="out of range"):
        open_world().accounts.set_leverage(1, LINEAR, Decimal(leverage))


@pytest.mark.parametrize(("side", "received"), [(BUY, Decimal("-6.4")), (SELL, Decimal("6.4"))])
def test_longs_pay_funding_to_shorts_once(side: Side, received: Decimal) -> None:
    world = open_world()
    world.order(1, LINEAR, side, "1")
    before = world.accounts.positions.wallet(1, "USDT").total
    world.told()
    world.move_mark(64_000.0, funding=0.0001)
    world.move_mark(64_000.0)
    assert world.accounts.positions.wallet(1, "USDT").total - before == received
    (event,) = (event for event in world.told() if isinstance(event, BalanceEvent))
    assert (event.cause, event.wallets[0].change) == (Cause.FUNDING, received)


def test_an_isolated_position_is_liquidated_through_the_book_and_costs_no_more_than_its_margin() -> None:
    world = open_world()
    world.accounts.set_leverage(1, LINEAR, Decimal(50))
    world.accounts.set_isolated(1, LINEAR, isolated=True)
    world.order(1, LINEAR, BUY, "1")
    far = world.order(1, LINEAR, SELL, "0.5", "66000", reduce_only=True)
    margin = world.accounts.positions.isolated_margin(1, LINEAR)
    cross = world.accounts.positions.wallet(1, "USDT").cross
    price = world.accounts.positions.view(1, LINEAR).liquidation
    assert price is not None
    world.told()
    world.move_mark(float(price) + 1)
    assert world.accounts.positions.position(1, LINEAR).lots == 1000
    world.move_mark(float(price) - 1)
    assert world.accounts.positions.position(1, LINEAR).lots == 0
    assert (far.status, far.reason) == (OrderStatus.CANCELED, Reason.LIQUIDATION)
    last = world.accounts.orders.orders(1, LINEAR)[-1]
    assert last.is_liquidation
    assert last.client_id.startswith("autoclose-")
    assert any(isinstance(event, MarginCallEvent) for event in world.told())
    after = world.accounts.positions.wallet(1, "USDT")
    assert cross <= after.total <= cross + margin
    assert world.accounts.ledger.balance(INSURANCE, LINEAR_WALLET, "USDT") > 0


def test_a_gap_beyond_bankruptcy_is_paid_by_the_insurance_fund() -> None:
    world = open_world()
    world.accounts.set_leverage(1, LINEAR, Decimal(50))
    world.accounts.set_isolated(1, LINEAR, isolated=True)
    world.order(1, LINEAR, BUY, "1")
    cross = world.accounts.positions.wallet(1, "USDT").cross
    for order in list(world.markets[LINEAR].engine.queue_at(BUY, 639_900)):
        world.markets[LINEAR].engine.cancel(order.order_id, now=0)
    world.crowd(LINEAR, BUY, "50", "60000")
    world.move_mark(60_000.0)
    assert world.accounts.positions.wallet(1, "USDT").total == cross
    assert world.accounts.ledger.balance(INSURANCE, LINEAR_WALLET, "USDT") < 0


def test_a_cross_position_falls_with_the_whole_wallet() -> None:
    world = open_world()
    world.accounts.set_leverage(1, LINEAR, Decimal(20))
    world.order(1, LINEAR, BUY, "25")
    price = world.accounts.positions.view(1, LINEAR).liquidation
    assert price is not None
    world.move_mark(float(price) + 5)
    assert world.accounts.positions.position(1, LINEAR).lots == 25_000
    world.move_mark(float(price) - 5)
    assert world.accounts.positions.position(1, LINEAR).lots == 0
    assert world.accounts.positions.wallet(1, "USDT").total >= 0


# --- time ----------------------------------------------------------------------------------------------------------


def test_the_dead_mans_switch_cancels_unless_told_again() -> None:
    world = open_world()
    order = world.order(1, LINEAR, BUY, "1", "63000")
    other = world.order(1, SPOT, BUY, "0.5", "63000")
    world.accounts.count_down(1, LINEAR, 5000)
    world.advance(4)
    world.accounts.count_down(1, LINEAR, 5000)
    world.advance(4)
    assert order.is_open
    world.advance(2)
    assert (order.status, order.reason) == (OrderStatus.CANCELED, Reason.COUNTDOWN)
    assert other.is_open


@pytest.mark.parametrize(
    ("side", "takes_profit", "trigger", "price"),
    [(SELL, False, "63900", "63890"), (BUY, False, "64100", "64110"), (SELL, True, "64100", "64110"),
     (BUY, True, "63900", "63890")],
)  # fmt: skip
def test_a_waiting_order_goes_to_the_book_when_the_last_price_reaches_it(
    side: Side, takes_profit: bool, trigger: str, price: str
) -> None:
    world = open_world()
    order = world.order(1, SPOT, side, "0.5", trigger_price=Decimal(trigger), takes_profit=takes_profit)
    world.advance(1)
    assert order.waiting
    rises = Decimal(trigger) > 64_000
    world.crowd(SPOT, BUY if rises else SELL, "50", "70000" if rises else "50000", TimeInForce.IOC)
    world.crowd(SPOT, SELL if rises else BUY, "0.1", price)
    world.crowd(SPOT, BUY if rises else SELL, "0.1", price, TimeInForce.IOC)
    world.crowd(SPOT, side.opposite, "5", price)
    world.advance(1)
    assert (order.waiting, order.status) == (False, OrderStatus.FILLED)
    assert changes(world)[:2] == ["new", "triggered"]


def test_a_triggered_order_of_a_venue_that_splits_them_goes_on_under_another_id() -> None:
    world = open_world(Terms(trigger_keeps_id=frozenset()))
    world.order(1, LINEAR, BUY, "1")
    stop = world.order(
        1, LINEAR, SELL, "0", trigger_price=Decimal(63_500), trigger_by=TriggerPrice.MARK, close_position=True
    )
    world.move_mark(63_400.0)
    assert stop.child_id
    child = world.accounts.orders.order(1, LINEAR, stop.child_id)
    assert child is not None
    assert (child.status, child.filled) == (OrderStatus.FILLED, 1000)
    assert world.accounts.positions.position(1, LINEAR).lots == 0


def test_a_triggered_order_that_cannot_be_paid_expires() -> None:
    world = open_world()
    order = world.order(1, SPOT, BUY, "1.5", trigger_price=Decimal(64_010))
    world.order(1, SPOT, BUY, "1", "60000")
    world.crowd(SPOT, BUY, "0.1", "64010", TimeInForce.IOC)
    world.advance(1)
    assert (order.status, order.reason) == (OrderStatus.EXPIRED, Reason.UNAFFORDABLE)


def test_a_liquidated_wallet_takes_the_orders_in_its_market_and_leaves_spot_alone() -> None:
    world = open_world()
    world.order(1, LINEAR, BUY, "25")
    resting = world.order(1, LINEAR, BUY, "0.1", "50000")
    spot = world.order(1, SPOT, BUY, "0.5", "50000")
    price = world.accounts.positions.view(1, LINEAR).liquidation
    assert price is not None
    world.move_mark(float(price) - 5)
    assert world.accounts.positions.position(1, LINEAR).lots == 0
    assert (resting.status, resting.reason) == (OrderStatus.CANCELED, Reason.LIQUIDATION)
    assert spot.is_open


# --- one wallet for spot and perpetuals ----------------------------------------------------------------------------


def test_one_wallet_binds_for_both_what_either_binds() -> None:
    world = open_world(Terms(one_wallet=True))
    accounts = world.accounts
    world.order(1, LINEAR, BUY, "1", "60000")
    margin = Decimal(60_000) / accounts.positions.setting(1, LINEAR).leverage
    assert accounts.holding(1, "USDT").free == Decimal(100_000) - margin
    world.order(1, SPOT, BUY, "1", "60000")
    assert accounts.holding(1, "USDT").free == Decimal(40_000) - margin
    assert accounts.positions.margin(1, "USDT").available == Decimal(40_000) - margin
    assert refusal(world, 1, SPOT, BUY, "0.7", "60000") is Refusal.INSUFFICIENT_FUNDS
    assert refusal(world, 1, LINEAR, BUY, "15", "60000") is Refusal.INSUFFICIENT_MARGIN


def test_one_wallet_is_paid_in_once_and_spot_fills_move_its_money() -> None:
    world = open_world(Terms(one_wallet=True))
    world.order(1, SPOT, BUY, "1", "65000")
    wallet = world.accounts.positions.wallet(1, "USDT")
    assert wallet.total == Decimal(100_000) - Decimal(64_010) == world.accounts.holding(1, "USDT").total
    assert world.accounts.holding(1, "BTC").total == Decimal(3) - Decimal("0.001")



def test_a_fill_or_kill_order_is_refused_without_a_trace_by_the_terms() -> None:
    world = open_world(Terms(refuses_fok=True))
    assert refusal(world, 1, SPOT, BUY, "0.5", "64000", tif=TimeInForce.FOK) is Refusal.FILL_OR_KILL
    assert world.accounts.orders.orders(1) == []
    assert world.accounts.holding(1, "USDT").locked == 0
    assert changes(world) == []
    assert world.order(1, SPOT, BUY, "0.5", "64010", tif=TimeInForce.FOK).status is OrderStatus.FILLED


def test_a_client_id_may_come_twice_by_the_terms_and_the_newest_is_found() -> None:
    world = open_world(Terms(unique_ids=UniqueIds.NONE))
    world.order(1, SPOT, BUY, "0.1", "60000", client_id="same")
    newest = world.order(1, SPOT, BUY, "0.1", "60000", client_id="same")
    assert world.accounts.orders.by_client_id(1, SPOT, "same") is newest


def test_a_price_beyond_the_band_is_moved_to_its_edge_by_the_terms() -> None:
    world = open_world(Terms(moves_to_band=frozenset({MarketKind.LINEAR})))
    band = world.instrument(LINEAR).instrument.band
    assert band is not None
    edge = Decimal(64_000) * band.buy_up
    world.move_mark(64_000)
    order = world.order(1, LINEAR, BUY, "0.5", "90000", post_only=False)
    assert world.price(LINEAR, order.price) == edge // Decimal("0.1") * Decimal("0.1")
    resting = world.order(1, LINEAR, SELL, "0.5", "70000")
    world.accounts.amend(resting, Decimal("30000"), None)
    assert world.price(LINEAR, resting.price) >= Decimal(64_000) * band.sell_down
