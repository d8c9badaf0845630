"""Margin at the paper venue: what positions post and keep, where they are liquidated, what is lost then."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.execution.base import VenueOrder
from jackbot_tui.execution.paper.account import PaperAccount
from jackbot_tui.execution.paper.margin import LIQUIDATION_FEE, brackets_of
from jackbot_tui.model.enums import BookState, OrderStatus, Side
from jackbot_tui.model.margin import MarginMode, MarginSetting, bracket_of, joined, liquidation_price, maintenance
from jackbot_tui.model.orders import OrderCanceled, OrderFilled, OrderRejected
from tests.paper_world import PERP, Market, World

BOOK = ([(99.9, 10.0), (99.8, 100.0)], [(100.0, 10.0), (100.1, 100.0)])
ETH = replace(PERP, symbol="ETH/USDT:USDT", native="ETHUSDT", base="ETH")
FREE = replace(PERP, maker_fee=Decimal(0), taker_fee=Decimal(0))


def world(
    usdt: str = "1000",
    leverage: int = 10,
    margin: MarginMode = MarginMode.ISOLATED,
    perpetuals: tuple[Market, ...] = (),
) -> World:
    made = World(*perpetuals or (Market(FREE),), balances={"USDT": Decimal(usdt)}, leverage=leverage, margin=margin)
    for market in made.markets.values():
        made.book(*BOOK, market=market)
    return made


def mark_all(made: World, price: float) -> None:
    made.book([(price - 0.1, 100.0)], [(price, 100.0)])
    made.mark(price)


def free(made: World) -> Decimal:
    nothing = Decimal(0)
    return made.paper.outlook(PERP.key, Side.BUY, nothing, nothing, nothing, made.now).free


def code_of(made: World, client_id: str) -> str:
    found = (event.code for event in made.log if isinstance(event, OrderRejected) and event.client_id == client_id)
    return next(found, "")


# ---------------------------------------------------------------------------- brackets and formulas


def test_maintenance_of_brackets_meets_where_they_join() -> None:
    brackets = joined(
        [
            (Decimal(100), Decimal("0.01"), Decimal(50)),
            (Decimal(1000), Decimal("0.1"), Decimal(5)),
            (Decimal(9999), Decimal("0.5"), Decimal(1)),
        ]
    )
    assert [bracket.amount for bracket in brackets] == [0, 9, 409]
    assert maintenance(brackets, Decimal(100)) == 1
    assert maintenance(brackets, Decimal(1000)) == 91 == Decimal(1000) * Decimal("0.5") - 409
    assert bracket_of(brackets, Decimal(10**9)) is brackets[-1]


def test_our_brackets_ask_for_half_the_initial_margin_and_never_less_than_half_a_percent() -> None:
    rates = [(bracket.max_leverage, bracket.rate) for bracket in brackets_of(PERP)]
    assert rates[:3] == [(125, Decimal("0.005")), (50, Decimal("0.01")), (20, Decimal("0.025"))]
    ten = brackets_of(replace(PERP, max_leverage=Decimal(10)))
    assert [(bracket.max_leverage, bracket.rate) for bracket in ten[:4]] == [(10, Decimal("0.05"))] * 4


@pytest.mark.parametrize(
    ("quantity", "entry", "balance", "expected"),
    [
        ("1", "100", "10", "90.45226130653266331658291457"),  # (100 - 10) / 0.995
        ("-1", "100", "10", "109.4527363184079601990049751"),  # (-100 - 10) / -1.005
        ("1", "100", "100", None),  # fully funded: no mark above 0 does it
        ("0", "0", "10", None),
        ("1000", "100", "10000", "90.65656565656565656565656566"),  # second bracket: (90 000 - 250) / 990
    ],
)
def test_liquidation_prices_by_hand(quantity: str, entry: str, balance: str, expected: str | None) -> None:
    price = liquidation_price(Decimal(quantity), Decimal(entry), Decimal(balance), brackets_of(PERP))
    assert (None if price is None else f"{price:.26f}"[: len(expected or "")]) == (
        None if expected is None else f"{Decimal(expected):.26f}"[: len(expected)]
    )


# ---------------------------------------------------------------------------- orders


@pytest.mark.parametrize(("quantity", "code"), [("99", ""), ("101", "-2019")])
def test_an_order_needs_its_initial_margin(quantity: str, code: str) -> None:
    made = world("1000", 10)
    assert code_of(made, made.send("buy", quantity, "99.9")) == code


def test_a_position_larger_than_the_leverage_allows_is_refused_with_the_venues_code() -> None:
    made = world("1000000", 100)
    assert code_of(made, made.send("buy", "400", "99.9")) == ""
    assert code_of(made, made.send("buy", "200", "99.9")) == "-2027"  # 60 000 in all: 50x is the most above 50 000


def test_an_order_that_starts_with_a_loss_at_the_mark_needs_that_too() -> None:
    made = world("100", 100)
    made.mark(80.0)
    assert code_of(made, made.send("buy", "5", "100.0")) == "-2019"  # 4 margin, but 100 under water at once
    assert code_of(made, made.send("buy", "4", "100.0")) == ""


def test_losses_of_isolated_positions_do_not_weaken_the_rest() -> None:
    made = world("200", 10)
    made.send("buy", "10", "100.0")
    made.mark(95.0)
    assert free(made) == 100
    crossed = world("200", 10, MarginMode.CROSS)
    crossed.send("buy", "10", "100.0")
    crossed.mark(95.0)
    assert free(crossed) == 200 - 95 - 50


# ---------------------------------------------------------------------------- settings


def test_leverage_can_be_chosen_per_instrument_within_its_brackets() -> None:
    made = world("1000", 10)
    wanted = MarginSetting(MarginMode.ISOLATED, Decimal(125))
    assert made.paper.setting_problem(PERP.key, wanted, made.now) == ""
    made.paper.set_margin(PERP.key, wanted)
    assert code_of(made, made.send("buy", "499", "99.9")) == ""
    assert "not within 1 to 125" in made.paper.setting_problem(PERP.key, replace(wanted, leverage=Decimal(126)), 0)
    assert "not within" in made.paper.setting_problem(PERP.key, replace(wanted, leverage=Decimal("0.5")), 0)


def test_the_margin_mode_changes_only_while_flat_and_without_orders() -> None:
    made = world("1000", 10)
    cross = MarginSetting(MarginMode.CROSS, Decimal(10))
    assert made.paper.setting_problem(PERP.key, cross, made.now) == ""
    resting = made.send("buy", "1", "99.0")
    assert "[-4047]" in made.paper.setting_problem(PERP.key, cross, made.now)
    made.cancel(resting)
    made.send("buy", "1")
    assert "[-4047]" in made.paper.setting_problem(PERP.key, cross, made.now)
    made.send("sell", "1")
    assert made.paper.setting_problem(PERP.key, cross, made.now) == ""


def test_lower_leverage_needs_margin_that_is_free_and_higher_must_not_liquidate() -> None:
    made = world("100", 10)
    made.send("buy", "9", "100.0")
    isolated = MarginSetting(MarginMode.ISOLATED, Decimal(8))
    assert "needs 12.50 USDT more" in made.paper.setting_problem(PERP.key, isolated, made.now)
    made.mark(98.0)
    assert "liquidate" in made.paper.setting_problem(PERP.key, replace(isolated, leverage=Decimal(100)), made.now)
    assert made.paper.setting_problem(PERP.key, replace(isolated, leverage=Decimal(20)), made.now) == ""


# ---------------------------------------------------------------------------- liquidation


@pytest.mark.parametrize(
    ("side", "safe", "crossing"),
    [("buy", 90.46, 90.45), ("sell", 109.3, 109.4)],  # entries 100.0 and 99.9, 10x: 90.4523 and 109.343
)
def test_an_isolated_position_is_liquidated_by_the_mark_that_crosses(side: str, safe: float, crossing: float) -> None:
    made = world("1000", 10)
    made.send(side, "10")
    made.mark(safe)
    assert made.liquidations == [] and made.portfolio.position(PERP.key).quantity
    made.mark(crossing)
    (liquidation,) = made.liquidations
    assert liquidation.order.reduce_only and liquidation.order.tag == "liquidation"
    assert made.portfolio.position(PERP.key).quantity == 0
    assert made.order(liquidation.client_id).status is OrderStatus.FILLED


def test_a_liquidation_walks_the_book_and_pays_its_fee_from_what_is_left() -> None:
    made = world("1000", 10)
    made.send("buy", "10")
    made.book([(90.4, 4.0), (90.3, 100.0)], [(90.5, 1.0)])
    made.mark(90.4)
    fills = made.fill_events(made.liquidations[0].client_id)
    assert [(fill.price, fill.quantity) for fill in fills] == [(Decimal("90.4"), 4), (Decimal("90.3"), 6)]
    # 1.25 % of 361.6 would be 4.52: no more than what is left down to the bankruptcy price of 90 is taken
    assert [fill.fee for fill in fills] == [Decimal("1.6"), Decimal("1.8")]
    assert made.portfolio.balance("USDT") == 900


def test_a_cross_liquidation_far_from_bankruptcy_pays_the_whole_fee() -> None:
    perpetual = Market(replace(FREE, max_leverage=Decimal(5)))
    made = world("30", 5, MarginMode.CROSS, (perpetual,))
    made.send("buy", "1")
    made.book([(78.0, 10.0)], [(78.1, 10.0)])
    made.mark(77.7)  # equity 7.7 against 7.77 to keep
    (fill,) = made.fill_events(made.liquidations[0].client_id)
    assert fill.fee == Decimal("78.0") * LIQUIDATION_FEE
    assert made.portfolio.balance("USDT") == 30 - 22 - fill.fee


def test_the_insurance_fund_takes_what_the_book_does_not_hold_above_the_bankruptcy_price() -> None:
    made = world("1000", 10)
    made.send("buy", "10")
    made.book([(90.2, 1.0), (80.0, 100.0)], [(90.5, 1.0)])
    made.mark(85.0)
    fills = made.fill_events(made.liquidations[0].client_id)
    assert [(fill.price, fill.quantity) for fill in fills] == [(Decimal("90.2"), 1), (Decimal("90.0"), 9)]
    assert made.portfolio.balance("USDT") == 900  # the margin of 100 is gone, not a cent more


def test_without_a_live_book_the_fund_takes_everything_at_once() -> None:
    made = world("1000", 10)
    made.send("buy", "10")
    made.market.become(BookState.DOWN)
    made.mark(90.0)
    (fill,) = made.fill_events(made.liquidations[0].client_id)
    assert (fill.price, fill.quantity, fill.fee) == (Decimal("90.0"), 10, 0)
    assert made.portfolio.balance("USDT") == 900


def test_a_gap_takes_a_cross_account_to_zero_and_not_below() -> None:
    made = world("100", 10, MarginMode.CROSS)
    made.send("buy", "9")
    mark_all(made, 50.0)
    assert made.portfolio.position(PERP.key).quantity == 0
    assert 0 <= made.portfolio.balance("USDT") < 1  # the takeover price is rounded to a tick, in our favour


def test_other_cross_positions_keep_a_position_alive_and_fall_with_it() -> None:
    markets = (Market(FREE), Market(replace(ETH, maker_fee=Decimal(0), taker_fee=Decimal(0))))
    made = world("200", 10, MarginMode.CROSS, markets)
    second = markets[1]
    made.send("buy", "10")
    made.send("sell", "8", market=second)
    made.mark(70.0, second)  # 239.2 in profit
    mark_all(made, 65.0)  # 350 in loss: alone it would be gone
    assert made.liquidations == []
    made.mark(95.0, second)
    assert [event.order.key for event in made.liquidations] == [PERP.key, ETH.key]
    assert all(not made.portfolio.position(market.key).quantity for market in markets)
    assert 0 <= made.portfolio.balance("USDT") < 2


def test_an_isolated_liquidation_leaves_other_positions_and_their_orders_alone() -> None:
    markets = (Market(FREE), Market(replace(ETH, maker_fee=Decimal(0), taker_fee=Decimal(0))))
    made = world("1000", 10, MarginMode.ISOLATED, markets)
    first, second = markets
    mine = made.send("buy", "1", "95.0")
    made.send("buy", "10")
    made.send("buy", "10", market=second)
    other = made.send("buy", "1", "95.0", market=second)
    made.mark(90.0, first)
    canceled = [event for event in made.log if isinstance(event, OrderCanceled)]
    assert [event.client_id for event in canceled] == [mine] and "liquidation" in canceled[0].reason
    assert made.status(other) == "new" and made.portfolio.position(ETH.key).quantity == 10


def test_without_marks_trades_and_their_prices_decide() -> None:
    made = world("1000", 10)
    made.send("buy", "10")
    made.book([(90.0, 10.0)], [(90.2, 10.0)])
    made.trade("sell", 90.0, "1")
    assert len(made.liquidations) == 1


def test_trades_at_an_unchanged_price_compute_no_margin_and_any_change_does(monkeypatch: pytest.MonkeyPatch) -> None:
    made = world("1000", 10)
    checks: list[int] = []
    endangered = PaperAccount.endangered
    monkeypatch.setattr(PaperAccount, "endangered", lambda self, now: (checks.append(now), endangered(self, now))[1])
    made.trade("buy", 100.0, "1")
    assert not checks  # flat
    made.send("buy", "5")
    asked = len(checks)
    for _ in range(3):
        made.trade("buy", 100.0, "1")
    assert len(checks) == asked + 1
    made.book([(95.0, 10.0)], [(95.2, 10.0)])
    made.trade("sell", 95.0, "1")
    assert len(checks) == asked + 2  # the price moved
    made.send("buy", "1")
    made.trade("sell", 95.0, "1")
    assert len(checks) == asked + 4  # the position grew: at the fill, and at the first trade after it
    made.book([(88.0, 10.0)], [(88.2, 10.0)])
    made.trade("sell", 88.0, "1")
    assert len(made.liquidations) == 1


def test_what_is_heard_of_a_liquidation_takes_the_way_home() -> None:
    made = World(Market(FREE), balances={"USDT": Decimal(1000)}, leverage=10, margin=MarginMode.ISOLATED, latency_ms=20)
    made.book(*BOOK)
    made.send("buy", "10")
    made.wait(100)
    made.mark(90.0)
    assert made.liquidations == []
    made.wait(19)
    assert made.liquidations == []
    made.wait(1)
    assert [type(event) for event in made.liquidations] == [VenueOrder]
    assert isinstance(made.log[-1], OrderFilled) and not made.portfolio.position(PERP.key).quantity


def test_orders_that_arrive_after_a_liquidation_meet_an_empty_account() -> None:
    made = World(Market(FREE), balances={"USDT": Decimal(100)}, leverage=10, margin=MarginMode.CROSS, latency_ms=20)
    made.book(*BOOK)
    made.send("buy", "9")
    made.wait(100)
    late = made.send("buy", "1", "40.0")
    mark_all(made, 50.0)
    made.wait(100)
    assert code_of(made, late) == "-2019"


def test_funding_eats_the_margin_of_isolated_positions_once_the_wallet_is_empty() -> None:
    made = world("100", 10)
    made.send("buy", "9.9", "100.0")
    before = made.paper.margin(PERP.key, made.now)
    made.paper.settle_funding(PERP.key, Decimal("0.02"), Decimal(100), made.now, made.now)  # 19.8, 1 is free
    after = made.paper.margin(PERP.key, made.now)
    assert before is not None and after is not None
    assert before.behind - after.behind == Decimal("18.8")
    assert after.liquidation is not None and before.liquidation is not None and after.liquidation > before.liquidation
