"""The risk gate: every refusal with its figure, its limit and the nearest allowed value; and the way out stays open."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.book.market import MARK_LIFE_NS
from jackbot_tui.execution.oms import Oms
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import BookState, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.market import Trade
from jackbot_tui.model.orders import Order, OrderRequest, Position
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.refusal import Refusal, RefusalCode
from tests.paper_world import PERP, SPOT, Market

NOW = 1_000 * NS_PER_S
C = RefusalCode


class Desk:
    """A gate in front of one market at 61,000, with everything it is asked about."""

    def __init__(self, instrument: Instrument = PERP, **limits: object) -> None:
        defaults: dict[str, object] = {"max_order_notional": Decimal(10**9), "max_position_notional": Decimal(10**9)}
        self.gate = RiskGate(RiskLimits(**{**defaults, **limits}))  # type: ignore[arg-type]
        self.market = Market(instrument)
        self.market.set([(60999.9, 2.0), (60999.0, 100.0)], [(61000.0, 2.0), (61001.0, 100.0), (62000.0, 900.0)])
        self.market.last_book_ns = NOW
        self.held = Decimal(0)
        self.open: list[Order] = []
        self.day_pnl = Decimal(0)
        self.now = NOW

    def request(self, side: str, quantity: str, price: str | None = None, **more: object) -> OrderRequest:
        return OrderRequest(
            key=self.market.key,
            side=Side(side),
            quantity=Decimal(quantity),
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            price=None if price is None else Decimal(price),
            **more,  # type: ignore[arg-type]
        )

    def ask(self, side: str, quantity: str, price: str | None = None, **more: object) -> Refusal | None:
        return self.check(self.request(side, quantity, price, **more))

    def check(self, request: OrderRequest, confirmed: bool = False) -> Refusal | None:
        position = Position(key=self.market.key, quantity=self.held)
        return self.gate.check(
            request,
            market=self.market,
            position=position,
            open_orders=self.open,
            day_pnl=self.day_pnl,
            now=self.now,
            confirmed=confirmed,
        )

    def working(self, side: str, quantity: str, price: str, status: OrderStatus = OrderStatus.NEW) -> Order:
        request = self.request(side, quantity, price)
        number = len(self.open) + 1
        order = replace(Oms().create(request, number, f"o{number}", NOW), status=status)
        self.open.append(order)
        return order

    def amend(self, order: Order, price: str, quantity: str) -> Refusal | None:
        return self.gate.check_amend(
            order,
            Decimal(price),
            Decimal(quantity),
            market=self.market,
            position=Position(key=self.market.key, quantity=self.held),
            open_orders=self.open,
            day_pnl=self.day_pnl,
            now=self.now,
        )


def code_of(refusal: Refusal | None) -> str:
    return "" if refusal is None else refusal.code.value


def test_an_ordinary_order_passes() -> None:
    assert Desk().ask("buy", "0.1", "60999.9") is None
    assert Desk().ask("sell", "0.1") is None


BAND = replace(PERP, band=PriceBand("mark", buy_up=Decimal("1.005"), sell_down=Decimal("0.995")))
RANGE = replace(PERP, min_price=Decimal("40000"), max_price=Decimal("70000"))
FIGURES = replace(PERP, price_figures=5)
CAPPED = replace(PERP, max_notional=Decimal(100_000))


@pytest.mark.parametrize(
    ("instrument", "order", "code", "message"),
    [
        (PERP, ("buy", "0.1", "61000.05"), C.TICK,
         "price 61000.05 is not a multiple of tick 0.1: try 61000.0 or 61000.1"),
        (PERP, ("buy", "0.1", "0.05"), C.TICK, "price 0.05 is not a multiple of tick 0.1: try 0.1"),
        (FIGURES, ("buy", "0.1", "61000.1"), C.TICK,
         "price 61000.1 is not a multiple of tick 1.0 (5 significant figures): try 61000.0 or 61001.0"),
        (PERP, ("buy", "0.0004", "61000"), C.MIN_QTY, "quantity 0.0004 is below the minimum 0.001"),
        (PERP, ("buy", "0.0104", "61000"), C.LOT,
         "quantity 0.0104 is not a multiple of lot 0.001: try 0.01 or 0.011"),
        (PERP, ("buy", "1001", "61000"), C.MAX_QTY,
         "quantity 1001 is above the venue's maximum 1000 for a limit order"),
        (PERP, ("buy", "121", None), C.MAX_QTY, "quantity 121 is above the venue's maximum 120 for a market order"),
        (replace(PERP, min_notional=Decimal(100)), ("buy", "0.001", "60999"), C.MIN_NOTIONAL,
         "value 61.00 USDT is below the venue's minimum 100: try quantity 0.002"),
        (CAPPED, ("buy", "2", "60000"), C.MAX_NOTIONAL,
         "value 120000.00 USDT is above the maximum 100000: try quantity 1.666"),
        (RANGE, ("buy", "1", "39999"), C.PRICE_RANGE,
         "price 39999.0 is below the venue's lowest price 40000.0: try 40000.0"),
        (RANGE, ("sell", "1", "70001"), C.PRICE_RANGE,
         "price 70001.0 is above the venue's highest price 70000.0: try 70000.0"),
        (BAND, ("buy", "1", "61400"), C.BAND,
         "price 61400.0 is above the venue's band around the mark price 61000.0: try 61305.0"),
        (BAND, ("sell", "1", "60600"), C.BAND,
         "price 60600.0 is below the venue's band around the mark price 61000.0: try 60695.0"),
    ],
)  # fmt: skip
def test_the_venues_filters_are_refused_with_the_nearest_value(
    instrument: Instrument, order: tuple[str, str, str | None], code: RefusalCode, message: str
) -> None:
    desk = Desk(instrument)
    desk.market.set_mark(61000.0)
    refusal = desk.ask(*order)
    assert refusal is not None
    assert (refusal.code, refusal.message) == (code, message)


def test_what_the_gate_suggests_it_accepts() -> None:
    desk = Desk(max_order_notional=Decimal(5000), collar_pct=Decimal("0.1"))
    for order in [("buy", "0.0104", "61000"), ("buy", "0.01", "61000.05"), ("buy", "1", "61000"), ("sell", "1", "99")]:
        side, quantity, price = order
        for _ in range(4):
            refusal = desk.ask(side, quantity, price)
            if refusal is None:
                break
            near = refusal.nearest.split(" or ")[0]
            if refusal.code in (C.LOT, C.ORDER_NOTIONAL):
                quantity = near
            else:
                price = near
        assert refusal is None, order


@pytest.mark.parametrize(
    ("order", "more"),
    [
        (("buy", "0"), {}),
        (("buy", "-1", "61000"), {}),
        (("buy", "NaN", "61000"), {}),
        (("buy", "1", "Infinity"), {}),
        (("buy", "1", "-5"), {}),
        (("buy", "1e30", "61000"), {}),
        (("buy", "1", "1e30"), {}),
        (("buy", "1"), {"post_only": True}),
        (("buy", "1", "61000"), {"post_only": True, "tif": TimeInForce.IOC}),
        (("buy", "1"), {"type": OrderType.LIMIT}),
        (("buy", "1", "61000"), {"type": OrderType.MARKET}),
    ],
)
def test_an_order_that_contradicts_itself_is_refused(order: tuple[str, ...], more: dict[str, object]) -> None:
    desk = Desk()
    request = replace(desk.request(*order), **more)
    refusal = desk.check(request)
    assert refusal is not None
    assert refusal.code is C.MALFORMED
    assert "\n" not in refusal.message


def test_post_only_market_band_uses_the_last_trade_where_the_venue_averages() -> None:
    band = PriceBand("average", buy_up=Decimal("1.01"), buy_down=Decimal("0.99"))
    desk = Desk(replace(SPOT, band=band))
    desk.market.trades.add(Trade(desk.market.key, 0, 0, "1", Side.BUY, 50000.0, 1.0, "50000.0", "1"))
    assert code_of(desk.ask("buy", "1", "50600")) == C.BAND
    assert code_of(desk.ask("buy", "1", "49400")) == C.BAND
    assert desk.ask("buy", "1", "50500") is None


# ---------------------------------------------------------------------------- the book


@pytest.mark.parametrize("state", [state for state in BookState if state is not BookState.LIVE])
def test_a_book_that_is_not_live_prices_nothing(state: BookState) -> None:
    desk = Desk()
    desk.market.become(state)
    refusal = desk.ask("buy", "1", "60000")
    assert refusal is not None
    assert (refusal.code, refusal.figure) == (C.BOOK_NOT_LIVE, state.value)


def test_an_old_book_prices_nothing() -> None:
    desk = Desk()
    desk.now += 3_000 * NS_PER_MS
    assert desk.ask("buy", "1", "60000") is None
    desk.now += 400 * NS_PER_MS
    refusal = desk.ask("buy", "1", "60000")
    assert refusal is not None
    assert refusal.message == "the book of BTC/USDT:USDT is 3.4 s old: only cancel, flatten and kill work"


@pytest.mark.parametrize(
    ("order", "limits", "nearest"),
    [
        (("buy", "1", "61610.1"), {}, "61610.0"),
        (("sell", "1", "60389.8"), {}, "60390.0"),
        (("buy", "1", "61000.6"), {"collar_ticks": 5}, "61000.5"),
        (("sell", "1", "60999.3"), {"collar_ticks": 5, "collar_pct": Decimal(0)}, "60999.4"),
    ],
)
def test_the_collar_bounds_the_aggressive_side(
    order: tuple[str, str, str], limits: dict[str, object], nearest: str
) -> None:
    desk = Desk(**limits)
    refusal = desk.ask(*order)
    assert refusal is not None
    assert (refusal.code, refusal.nearest) == (C.COLLAR, nearest)
    assert desk.ask(order[0], "1", nearest) is None


def test_a_market_order_must_fit_into_the_collar() -> None:
    desk = Desk()
    assert desk.ask("buy", "102") is None
    refusal = desk.ask("buy", "103")
    assert refusal is not None
    assert (refusal.code, refusal.nearest) == (C.COLLAR, "102")
    assert refusal.message == (
        "a market order for 103 finds only 102 up to 61610.0: send at most 102, or a limit order"
    )


def test_without_a_collar_a_market_order_must_still_fit_on_display() -> None:
    desk = Desk(replace(PERP, market_max_qty=Decimal(5000), max_qty=Decimal(5000)), collar_pct=Decimal(0))
    assert desk.ask("buy", "1002") is None
    assert code_of(desk.ask("buy", "1003")) == C.COLLAR


@pytest.mark.parametrize(("side", "price", "bound"), [("buy", "60000.1", "60000.0"), ("sell", "63000", "63240.0")])
def test_the_mark_bounds_what_the_touch_would_allow(side: str, price: str, bound: str) -> None:
    desk = Desk(collar_pct=Decimal(10), mark_collar_pct=Decimal("2"))
    desk.market.set_mark(float(60000 / Decimal("1.02")) if side == "buy" else 64530.6)
    refusal = desk.ask(side, "1", price)
    assert refusal is not None
    assert (refusal.code, refusal.nearest) == (C.MARK_COLLAR, bound)


def test_a_mark_that_stopped_coming_bounds_nothing() -> None:
    desk = Desk(BAND, max_book_age_ms=0)
    desk.market.set_mark(50000.0)
    assert code_of(desk.ask("buy", "1", "61000")) == C.BAND
    desk.now += MARK_LIFE_NS - 1
    assert code_of(desk.ask("buy", "1", "61000")) == C.BAND
    desk.now += 1
    assert desk.ask("buy", "1", "61000") is None
    unbanded = Desk(max_book_age_ms=0)
    unbanded.market.set_mark(50000.0)
    assert code_of(unbanded.ask("buy", "1", "61000")) == C.MARK_COLLAR
    unbanded.now += MARK_LIFE_NS
    assert unbanded.ask("buy", "1", "61000") is None


@pytest.mark.parametrize(("side", "price", "nearest"), [("buy", "30000", "30500.0"), ("sell", "92000", "91500.0")])
def test_a_resting_order_may_not_be_absurdly_far_away(side: str, price: str, nearest: str) -> None:
    refusal = Desk().ask(side, "1", price)
    assert refusal is not None
    assert (refusal.code, refusal.nearest) == (C.FAR, nearest)
    assert Desk(far_limit_pct=Decimal(0)).ask(side, "1", price) is None


# ---------------------------------------------------------------------------- our caps


def test_caps_on_one_order() -> None:
    desk = Desk(max_order_qty=Decimal("1.5"), max_order_notional=Decimal(61_000))
    quantity, notional = desk.ask("buy", "1.6", "30500"), desk.ask("buy", "1.5", "60000")
    assert quantity is not None
    assert notional is not None
    assert (quantity.code, quantity.nearest) == (C.ORDER_QTY, "1.5")
    assert (notional.code, notional.nearest) == (C.ORDER_NOTIONAL, "1.016")
    assert desk.ask("buy", "1.016", "60000") is None


@pytest.mark.parametrize(
    ("held", "side", "price", "nearest"),
    [
        ("1", "buy", "60999", "0.467"),
        ("-1", "buy", "60999", "2.467"),
        ("2", "buy", "60999", "0"),
        ("1", "sell", "60999.9", "2.967"),
    ],
)
def test_the_position_cap_counts_working_orders_of_the_same_side(
    held: str, side: str, price: str, nearest: str
) -> None:
    desk = Desk(max_position_notional=Decimal(120_000))
    desk.held = Decimal(held)
    desk.working("buy", "0.5", "60000")
    refusal = desk.ask(side, "3.001", price)
    assert refusal is not None
    assert (refusal.code, refusal.nearest) == (C.POSITION, nearest)
    assert nearest == "0" or desk.ask(side, nearest, price) is None


def test_the_position_cap_counts_cheap_orders_at_the_markets_value() -> None:
    desk = Desk(max_position_notional=Decimal(120_000))
    desk.working("buy", "1", "58000")
    refusal = desk.ask("buy", "1", "58000")
    assert refusal is not None, "2 at 58,000 are below the cap, but worth more than it at the market's 60,999.95"
    assert (refusal.code, refusal.figure, refusal.nearest) == (C.POSITION, "121999.90", "0.967")
    assert desk.ask("buy", "0.967", "58000") is None


def test_open_orders_are_bounded_by_us_and_by_the_venue() -> None:
    desk = Desk(replace(PERP, max_orders=3), max_open_orders=2)
    desk.working("buy", "1", "60000")
    desk.working("buy", "1", "60001", OrderStatus.PENDING_CANCEL)
    assert desk.ask("buy", "1", "60002") is None
    desk.working("buy", "1", "60003")
    assert code_of(desk.ask("buy", "1", "60002")) == C.OPEN_ORDERS
    assert desk.ask("buy", "1") is None
    venue = Desk(replace(PERP, max_orders=1))
    venue.working("buy", "1", "60000")
    assert code_of(venue.ask("buy", "1", "60002")) == C.OPEN_ORDERS


def test_the_order_rate_is_bounded_over_any_second() -> None:
    desk = Desk(max_orders_per_s=3)
    for index in range(3):
        request = desk.request("buy", "1", str(60000 + index))
        assert desk.check(request) is None
        desk.gate.on_submitted(request, desk.now)
        desk.now += 100 * NS_PER_MS
    refusal = desk.ask("buy", "1", "60100")
    assert refusal is not None
    assert (refusal.code, refusal.nearest) == (C.RATE, "701 ms")
    desk.now += 700 * NS_PER_MS
    assert desk.ask("buy", "1", "60100") is None
    desk.gate.on_amended(desk.now)
    assert code_of(desk.ask("buy", "1", "60100")) == C.RATE


def test_asking_changes_nothing() -> None:
    desk = Desk(max_orders_per_s=1)
    assert [desk.ask("buy", "1", "60000") for _ in range(5)] == [None] * 5


@pytest.mark.parametrize(
    ("age_ms", "confirmed", "code"),
    [(999, True, C.DUPLICATE), (1000, False, C.DUPLICATE_RECENT), (1000, True, ""), (10_000, False, "")],
)
def test_the_same_manual_order_again(age_ms: int, confirmed: bool, code: str) -> None:
    desk = Desk(max_book_age_ms=0)
    request = desk.request("buy", "1", "60000", source="ui")
    desk.gate.on_submitted(request, desk.now)
    desk.now += age_ms * NS_PER_MS
    assert code_of(desk.check(replace(request, source="ctl"), confirmed)) == code
    assert desk.check(replace(request, quantity=Decimal(2))) is None
    assert desk.check(replace(request, owner="grid")) is None


def test_a_bounded_market_order_is_the_same_order_though_the_touch_moved() -> None:
    desk = Desk()
    first = desk.request("buy", "1", "61000.5", tif=TimeInForce.IOC, limit_slip_ticks=5)
    desk.gate.on_submitted(first, desk.now)
    assert code_of(desk.check(replace(first, price=Decimal("61001.5")))) == C.DUPLICATE
    assert desk.check(replace(first, limit_slip_ticks=0)) is None


def test_a_days_loss_stops_new_risk() -> None:
    desk = Desk(max_day_loss=Decimal(500))
    desk.day_pnl = Decimal("-499.99")
    assert desk.ask("buy", "1", "60000") is None
    desk.day_pnl = Decimal(-500)
    refusal = desk.ask("buy", "1", "60000")
    assert refusal is not None
    assert (refusal.code, refusal.figure, refusal.limit) == (C.DAY_LOSS, "500.00", "500")


def test_the_kill_switch_locks_new_risk_until_reset() -> None:
    desk = Desk()
    desk.gate.kill()
    assert code_of(desk.ask("buy", "1", "60000")) == C.KILLED
    desk.gate.reset()
    assert desk.ask("buy", "1", "60000") is None


# ---------------------------------------------------------------------------- the way out


def cornered(instrument: Instrument) -> Desk:
    """Everything forbids new risk: killed, book down, over every cap."""
    desk = Desk(
        instrument,
        max_order_qty=Decimal("0.1"),
        max_order_notional=Decimal(1),
        max_position_notional=Decimal(1),
        max_day_loss=Decimal(1),
        max_orders_per_s=1,
        max_open_orders=1,
    )
    desk.held = Decimal(2)
    desk.day_pnl = Decimal(-100)
    desk.working("buy", "1", "60000")
    desk.gate.on_submitted(desk.request("sell", "2", tag="flatten"), desk.now)
    desk.gate.kill()
    desk.market.become(BookState.DOWN)
    return desk


def test_a_reduce_only_market_order_always_passes() -> None:
    desk = cornered(PERP)
    assert desk.ask("sell", "2", reduce_only=True) is None
    assert code_of(desk.ask("sell", "2")) == C.KILLED


def test_selling_what_is_held_on_spot_always_passes() -> None:
    desk = cornered(SPOT)
    assert desk.ask("sell", "2") is None
    assert code_of(desk.ask("sell", "2.1")) == C.KILLED


def test_a_reduce_only_limit_still_needs_a_book() -> None:
    desk = cornered(PERP)
    desk.open.clear()
    assert code_of(desk.ask("sell", "2", "61000", reduce_only=True)) == C.BOOK_NOT_LIVE
    desk.market.become(BookState.LIVE)
    assert desk.ask("sell", "2", "61000", reduce_only=True) is None


def test_reduce_only_limits_do_not_rest_without_number() -> None:
    ours, venues = Desk(max_open_orders=2), Desk(replace(PERP, max_orders=2))
    for desk in (ours, venues):
        desk.held = Decimal(2)
        for price in ("61010", "61020"):
            assert desk.ask("sell", "1", price, reduce_only=True) is None
            desk.working("sell", "1", price)
        assert code_of(desk.ask("sell", "1", "61030", reduce_only=True)) == C.OPEN_ORDERS
        assert desk.ask("sell", "1", "61000", reduce_only=True, tif=TimeInForce.IOC) is None
        assert desk.ask("sell", "2", reduce_only=True) is None


@pytest.mark.parametrize("tag", ["", "close", "flatten"])
@pytest.mark.parametrize(
    ("held", "side", "working", "quantity", "passes"),
    [
        ("2", "sell", ("sell", "0.5"), "1.5", True),
        ("2", "sell", ("sell", "0.5"), "1.6", False),
        ("2", "sell", ("buy", "0.5"), "2", True),
        ("2", "sell", ("sell", "2"), "0.001", False),
        ("-2", "buy", ("sell", "1"), "2", True),
        ("-2", "buy", ("buy", "1"), "1", True),
        ("-2", "buy", ("buy", "1"), "1.1", False),
        ("-2", "sell", ("buy", "1"), "1", False),
        ("2", "buy", ("buy", "1"), "1", False),
    ],
)
def test_what_working_orders_take_off_a_spot_position_is_not_taken_off_twice(
    held: str, side: str, working: tuple[str, str], quantity: str, passes: bool, tag: str
) -> None:
    desk = Desk(SPOT)
    desk.held = Decimal(held)
    desk.working(*working, "61000")
    desk.gate.kill()
    refused = C.REDUCE_ONLY if tag else C.KILLED
    assert code_of(desk.ask(side, quantity, tag=tag)) == ("" if passes else refused)


def test_closing_more_than_is_left_names_what_is_left() -> None:
    desk = Desk(SPOT)
    desk.held = Decimal(2)
    desk.working("sell", "0.5", "61000")
    refusal = desk.ask("sell", "2", tag="close")
    assert refusal is not None
    assert (refusal.code, refusal.figure, refusal.nearest) == (C.REDUCE_ONLY, "2", "1.5")
    assert desk.ask("sell", "1.5", tag="close") is None


def test_a_flatten_on_spot_does_not_wait_for_its_cancels_but_never_sells_twice() -> None:
    desk = Desk(SPOT)
    desk.held = Decimal(2)
    desk.working("sell", "2", "61000", OrderStatus.PENDING_CANCEL)
    assert desk.ask("sell", "2", tag="flatten") is None
    assert code_of(desk.ask("sell", "2", tag="close")) == C.REDUCE_ONLY
    desk.working("sell", "2", "61000", OrderStatus.PENDING_NEW)
    assert code_of(desk.ask("sell", "2", tag="flatten")) == C.REDUCE_ONLY


def test_closing_a_perpetual_is_held_to_reducing_by_the_venue() -> None:
    desk = Desk()
    desk.held = Decimal(2)
    desk.working("sell", "2", "61000")
    assert desk.ask("sell", "2", reduce_only=True, tag="close") is None


@pytest.mark.parametrize(("held", "side"), [("0", "sell"), ("2", "buy"), ("-2", "sell")])
def test_reduce_only_with_nothing_to_reduce_is_refused(held: str, side: str) -> None:
    desk = Desk()
    desk.held = Decimal(held)
    refusal = desk.ask(side, "1", reduce_only=True)
    assert refusal is not None
    assert (refusal.code, refusal.figure) == (C.REDUCE_ONLY, held)


def test_reduce_only_does_not_exist_on_spot() -> None:
    desk = Desk(SPOT)
    desk.held = Decimal(2)
    assert code_of(desk.ask("sell", "1", reduce_only=True)) == C.REDUCE_ONLY


def test_reduce_only_is_exempt_from_the_minimum_value_as_at_the_venue() -> None:
    desk = Desk(replace(PERP, min_notional=Decimal(1000)))
    desk.held = Decimal("0.001")
    assert desk.ask("sell", "0.001", reduce_only=True) is None
    assert code_of(desk.ask("sell", "0.001")) == C.MIN_NOTIONAL


# ---------------------------------------------------------------------------- amends


@pytest.mark.parametrize(
    ("price", "quantity", "code"),
    [
        ("60001", "1", ""),
        ("60000", "2", ""),
        ("60000.05", "1", C.TICK),
        ("60000", "0.0005", C.MIN_QTY),
        ("62000", "1", C.COLLAR),
        ("60000", "4", C.POSITION),
        ("0", "1", C.MALFORMED),
    ],
)
def test_an_amend_is_checked_like_a_new_order(price: str, quantity: str, code: str) -> None:
    desk = Desk(max_position_notional=Decimal(200_000))
    order = desk.working("buy", "1", "60000")
    assert code_of(desk.amend(order, price, quantity)) == code


def test_making_an_order_smaller_is_always_allowed() -> None:
    desk = cornered(PERP)
    order = desk.open[0]
    assert desk.amend(order, "60000", "0.5") is None
    assert code_of(desk.amend(order, "60000", "1.5")) == C.KILLED


def test_an_amend_that_adds_risk_meets_the_days_loss_stop() -> None:
    desk = Desk(max_day_loss=Decimal(500))
    desk.day_pnl = Decimal(-500)
    order = desk.working("buy", "1", "60000")
    assert code_of(desk.amend(order, "60000", "1.1")) == C.DAY_LOSS
    assert code_of(desk.amend(order, "60001", "1")) == C.DAY_LOSS
    assert desk.amend(order, "60000", "0.9") is None


@pytest.mark.parametrize(("quantity", "code"), [("2", ""), ("2.1", C.KILLED)])
def test_an_amend_of_a_spot_sell_that_only_reduces_stays_open(quantity: str, code: str) -> None:
    desk = Desk(SPOT, max_day_loss=Decimal(500))
    desk.held, desk.day_pnl = Decimal(2), Decimal(-500)
    order = desk.working("sell", "1", "61000")
    desk.gate.kill()
    assert code_of(desk.amend(order, "61001", quantity)) == code


# ---------------------------------------------------------------------------- views and words


def test_the_limits_view_shows_what_is_used() -> None:
    desk = Desk(max_position_notional=Decimal(200_000), max_day_loss=Decimal(500), max_open_orders=10)
    desk.working("buy", "1", "60000")
    desk.gate.on_submitted(desk.request("buy", "1", "60000"), desk.now)
    view = desk.gate.limits_view(
        positions=[Position(key=desk.market.key, quantity=Decimal("0.5"))],
        open_orders=desk.open,
        mark_of=lambda key: Decimal(60_000),
        day_pnl=Decimal("-125.5"),
        now=desk.now,
    )
    assert view == [
        ("position value", "90000", "200000", 0.45),
        ("open orders", "1", "10", 0.1),
        ("orders per second", "1", "10", 0.1),
        ("day loss", "125.50", "500", 0.251),
    ]


def test_limits_that_are_off_are_not_shown_and_not_checked() -> None:
    off = {name: type(value)(0) for name, value in zip(RiskLimits.__struct_fields__, _defaults(), strict=True)}
    desk = Desk(**off)
    desk.day_pnl = Decimal(-(10**9))
    desk.now += 3600 * NS_PER_S
    request = desk.request("buy", "900", "69999")
    desk.gate.on_submitted(request, desk.now)
    assert desk.check(request) is None
    assert desk.gate.limits_view(positions=[], open_orders=[], mark_of=lambda _: None, day_pnl=Decimal(0), now=0) == []


def _defaults() -> tuple[Decimal | int, ...]:
    limits = RiskLimits()
    return tuple(getattr(limits, name) for name in RiskLimits.__struct_fields__)


@pytest.mark.parametrize(
    ("tick", "figures", "price", "expected"),
    [
        ("0.1", 0, "61000", "0.1"),
        ("0.1", 5, "9999.9", "0.1"),
        ("0.1", 5, "10000", "1"),
        ("0.1", 5, "123456", "1"),  # whole numbers are always valid
        ("0.0001", 5, "1.2345", "0.0001"),
        ("0.0001", 5, "12.345", "0.001"),
        ("10", 5, "61000", "10"),
    ],
)
def test_a_tick_never_becomes_finer_and_whole_prices_stay_valid(
    tick: str, figures: int, price: str, expected: str
) -> None:
    instrument = replace(PERP, tick=Decimal(tick), price_figures=figures)
    assert instrument.tick_at(Decimal(price)) == Decimal(expected)
