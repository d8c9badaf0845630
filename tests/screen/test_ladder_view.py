"""The ladder's rows: what stands where, and that nothing is drawn twice."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackbot_tui.desk.views import BookView, LadderLevel, OwnOrderView
from jackbot_tui.tui.trade import fitting_group
from jackbot_tui.tui.view.axis import LadderAxis
from jackbot_tui.tui.view.ink import Ink, Row, row_width, text_row
from jackbot_tui.tui.view.ladder import (
    FLASH_NS,
    SLOW_FIGURES_NS,
    LadderLook,
    LadderModel,
    VolumeMode,
    plan_columns,
    round_figure,
)

KEY = "binance:BTC/USDT:USDT"
BID, ASK = 122_000, 122_001  # 61000.0 and 61000.5 at tick 0.5


def book(**changes: object) -> BookView:
    plain = BookView(
        key=KEY,
        state="live",
        age_ms=5.0,
        update_id=1,
        tick="0.5",
        group=1,
        price_places=1,
        qty_places=3,
        best_bid="61000.0",
        best_bid_size="2.431",
        best_ask="61000.5",
        best_ask_size="0.350",
        last="61000.5",
        last_side="buy",
        spread_ticks=1,
        bids=[LadderLevel(BID - step, 1.0 + step, 10.0 * step, -step) for step in range(12)],
        asks=[LadderLevel(ASK + step, 0.5 + step) for step in range(12)],
        sum_bid=78.0,
        sum_ask=72.0,
        imbalance=0.04,
    )
    return replace(plain, **changes)


def order(number: int, side: str, index: int, **changes: object) -> OwnOrderView:
    plain = OwnOrderView(
        number=number,
        client_id=f"j{number}",
        key=KEY,
        side=side,
        type="limit",
        quantity="0.5",
        price=f"{Decimal(index) / 2:.1f}",
        filled="0",
        remaining="0.5",
        status="new",
        flags="",
        owner="manual",
        created_ns=0,
        queue_ahead=12.0,
        index=index,
    )
    return replace(plain, **changes)


class Drawn:
    """A ladder that can be drawn again and again."""

    def __init__(self, rows: int = 13, width: int = 64, look: LadderLook | None = None) -> None:
        self.model = LadderModel()
        if look is not None:
            self.model.look = look
        self.axis = LadderAxis(rows)
        self.axis.follow(BID, 0, pinned=False)
        self.width = width

    def rows(
        self,
        view: BookView,
        orders: tuple[OwnOrderView, ...] = (),
        cursor: int | None = None,
        stale: bool = False,
        grabbed: int = 0,
        now: int = 0,
    ) -> list[Row]:
        return self.model.build(view, orders, self.axis, self.width, cursor, stale, grabbed, now)

    def row(self, rows: list[Row], index: int) -> str:
        return text_row(rows[self.axis.row_of(index)])


@pytest.mark.parametrize("width", [48, 50, 64, 76, 120])
def test_rows_head_and_foot_have_the_panel_width(width: int) -> None:
    drawn = Drawn(width=width)
    view = book()
    rows = drawn.rows(view, (order(41, "sell", ASK + 1), order(39, "buy", BID - 2)))
    rows += [
        drawn.model.head(view, drawn.axis, width),
        drawn.model.foot(view, drawn.axis, (order(1, "buy", BID - 900),), BID + 500, width),
    ]
    assert {row_width(row) for row in rows} == {width}


def test_prices_fall_from_top_to_bottom_one_group_a_row() -> None:
    drawn = Drawn()
    rows = drawn.rows(book())
    assert "61003.0" in text_row(rows[0])
    assert "61000.0" in text_row(rows[6])
    assert "60997.0" in text_row(rows[12])


def test_bids_stand_left_and_asks_right_of_the_price() -> None:
    drawn = Drawn(look=LadderLook(cumulative=False))
    rows = drawn.rows(book())
    bid, ask = drawn.row(rows, BID - 1), drawn.row(rows, ASK + 1)
    assert bid.index("2.000") < bid.index("60999.5")
    assert ask.index("61001.0") < ask.index("1.500")


def test_the_last_trade_and_the_cursor_are_marked_without_colour() -> None:
    drawn = Drawn()
    rows = drawn.rows(book(), cursor=BID - 2)
    assert "*61000.5" in drawn.row(rows, ASK)
    line = drawn.row(rows, BID - 2)
    assert line.startswith(">") and "[60999.0]" in line


def test_own_orders_show_size_and_queue_on_their_side() -> None:
    drawn = Drawn()
    rows = drawn.rows(book(), (order(39, "buy", BID - 2), order(41, "sell", ASK + 1, queue_ahead=3.1)))
    buy, sell = drawn.row(rows, BID - 2), drawn.row(rows, ASK + 1)
    assert "+.5" in buy and "q12" in buy and buy.index("+.5") < buy.index("60999.0")
    assert "-.5" in sell and "q3.1" in sell and sell.index("-.5") > sell.index("61001.0")


def test_two_orders_at_one_price_are_one_figure_with_the_shorter_queue() -> None:
    drawn = Drawn()
    rows = drawn.rows(book(), (order(1, "buy", BID), order(2, "buy", BID, queue_ahead=4.0)))
    assert "+1" in drawn.row(rows, BID) and "q4" in drawn.row(rows, BID)


def test_an_order_of_unknown_fate_says_so() -> None:
    drawn = Drawn()
    rows = drawn.rows(book(), (order(1, "buy", BID, status="pending_unknown"),))
    assert "?" in drawn.row(rows, BID)


def test_orders_of_another_instrument_are_not_on_this_ladder() -> None:
    drawn = Drawn()
    rows = drawn.rows(book(), (order(1, "buy", BID, key="binance:ETH/USDT"),))
    assert "+" not in drawn.row(rows, BID)


def test_a_large_size_carries_a_sign() -> None:
    drawn = Drawn()
    big = [LadderLevel(BID - step, 40.0 if step == 3 else 1.0) for step in range(12)]
    rows = drawn.rows(book(bids=big, asks=[LadderLevel(ASK + step, 1.0) for step in range(12)]))
    assert "#" in drawn.row(rows, BID - 3)
    assert "#" not in drawn.row(rows, BID - 2)


def test_a_stale_book_is_dim_and_its_sizes_carry_a_tilde() -> None:
    drawn = Drawn()
    rows = drawn.rows(book(), stale=True)
    line = rows[drawn.axis.row_of(BID)]
    assert "~1.000" in text_row(line)
    assert {ink for _, ink in line} <= {Ink.STALE, Ink.OWN_BUY, Ink.OWN_SELL, Ink.CURSOR}


def test_a_change_flashes_for_its_time_and_no_longer() -> None:
    drawn = Drawn()
    drawn.rows(book(), now=0)
    changed = book(bids=[LadderLevel(BID, 9.0), *book().bids[1:]])
    inks = {ink for _, ink in drawn.rows(changed, now=1)[drawn.axis.row_of(BID)]}
    assert inks & {Ink.BID_FLASH, Ink.BID_BAR_FLASH}
    after = {ink for _, ink in drawn.rows(changed, now=1 + FLASH_NS)[drawn.axis.row_of(BID)]}
    assert not after & {Ink.BID_FLASH, Ink.BID_BAR_FLASH} or drawn.model._large_from <= 9.0


def test_a_fill_shows_its_row_in_reverse_for_its_time() -> None:
    drawn = Drawn()
    drawn.rows(book(), now=0)
    drawn.model.mark_fill(BID - 1, 0)
    row = drawn.axis.row_of(BID - 1)
    assert {ink for text, ink in drawn.rows(book(), now=1)[row] if text.strip()} == {Ink.FLASH}
    assert Ink.FLASH not in {ink for _, ink in drawn.rows(book(), now=FLASH_NS)[row]}


def test_cumulative_depth_is_the_sum_from_the_inside() -> None:
    drawn = Drawn(look=LadderLook(bars=False))
    rows = drawn.rows(book())
    assert f"{1.0 + 2.0 + 3.0:.2f}" in drawn.row(rows, BID - 2)
    assert f"{0.5 + 1.5:.2f}" in drawn.row(rows, ASK + 1)


def test_slow_figures_wait_their_time() -> None:
    drawn = Drawn(look=LadderLook(bars=False))
    drawn.rows(book(), now=0)
    more = book(bids=[LadderLevel(BID, 101.0), *book().bids[1:]])
    assert "1.00 " in drawn.row(drawn.rows(more, now=SLOW_FIGURES_NS - 1), BID)
    assert "101.0 " in drawn.row(drawn.rows(more, now=SLOW_FIGURES_NS), BID)


def test_the_last_column_goes_through_volume_delta_and_nothing() -> None:
    drawn = Drawn(look=LadderLook(cumulative=False))
    assert drawn.row(drawn.rows(book()), BID - 2).rstrip().endswith("20.00")
    drawn.model.look = LadderLook(cumulative=False, volume=VolumeMode.DELTA)
    drawn.model.forget()
    assert drawn.row(drawn.rows(book()), BID - 2).rstrip().endswith("-2.00")
    drawn.model.look = LadderLook(cumulative=False, volume=VolumeMode.OFF)
    drawn.model.forget()
    assert drawn.row(drawn.rows(book()), BID - 2).rstrip().endswith("60999.0")


def test_rows_that_did_not_change_are_the_same_objects() -> None:
    drawn = Drawn(look=LadderLook(flash=False))
    first = drawn.rows(book(), now=0)
    changed = book(bids=[LadderLevel(BID, 9.0), *book().bids[1:]], update_id=2)
    second = drawn.rows(changed, now=1)
    different = [place for place, (one, other) in enumerate(zip(first, second, strict=True)) if one is not other]
    assert different == [drawn.axis.row_of(BID)]


def test_the_foot_points_to_orders_and_a_cursor_out_of_the_window() -> None:
    drawn = Drawn()
    view = book()
    drawn.rows(view)
    orders = (order(1, "buy", BID - 400), order(2, "sell", ASK + 300), order(3, "sell", ASK + 301))
    drawn.axis.held = True
    foot = text_row(drawn.model.foot(view, drawn.axis, orders, BID - 100, 76))
    assert "v 1 below" in foot and "^ 2 above" in foot and "cur v 60 950.0" in foot and "HOLD" in foot and "x1" in foot


def test_a_grouped_ladder_prints_its_label_prices() -> None:
    drawn = Drawn()
    group = 10
    view = book(
        group=group,
        bids=[LadderLevel(12_200 - step, 5.0) for step in range(6)],
        asks=[LadderLevel(12_201 + step, 5.0) for step in range(6)],
    )
    drawn.axis.reset()
    drawn.axis.follow(12_200, 0, pinned=False)
    rows = drawn.rows(view)
    assert "61000.0" in drawn.row(rows, 12_200)
    assert "60995.0" in drawn.row(rows, 12_199)


@given(st.integers(40, 200), st.integers(1, 12), st.booleans(), st.sampled_from(list(VolumeMode)))
def test_columns_never_exceed_the_width(width: int, digits: int, cumulative: bool, volume: VolumeMode) -> None:
    columns = plan_columns(width, digits, LadderLook(cumulative=cumulative, volume=volume))
    total = sum(getattr(columns, name) for name in columns.__struct_fields__)
    assert all(getattr(columns, name) >= 0 for name in columns.__struct_fields__)
    assert total <= width or width < 46


@given(st.floats(1e-8, 1e9))
def test_round_figures_are_not_below_and_at_most_two_and_a_half_times_as_large(value: float) -> None:
    assert value <= round_figure(value) * (1 + 1e-9)
    assert round_figure(value) <= value * 2.5 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("indices", "rows", "group"),
    [
        ([122_000 - step for step in range(40)], 20, 2),  # dense, 61 000 at 0.5: a row of 1.0 spans one basis point
        ([6_100_000 - 7 * step for step in range(60)], 20, 100),  # sparse, 61 000 at 0.01
        ([1_000 - step for step in range(40)], 20, 1),  # a coarse tick needs no groups
        ([5], 20, 1),
        ([], 20, 1),
    ],
)
def test_a_new_book_is_grouped_so_that_it_can_be_read(indices: list[int], rows: int, group: int) -> None:
    assert fitting_group(1, indices, rows) == group
