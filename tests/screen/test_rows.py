"""Rows of text: exact widths, safe text, the smallest change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from jackbot_tui.tui.ascii import to_ascii
from jackbot_tui.tui.view.ink import Ink, Row, changed_width, clean, fit, left, right, row_width, spread, text_row
from jackbot_tui.tui.view.text import (
    PriceScale,
    age_text,
    clock_text,
    money_text,
    quantity_text,
    short_text,
    signed_money,
    size_text,
    span_text,
)

anything = st.text(max_size=30)
inks = st.sampled_from(list(Ink))
rows = st.lists(st.tuples(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8), inks), max_size=6)


@given(anything, st.integers(0, 40))
def test_fitted_text_has_exactly_its_width_and_nothing_that_controls_a_terminal(text: str, width: int) -> None:
    for fitted in (left(text, width), right(text, width)):
        assert cell_len(fitted) == width
        assert fitted.isprintable() or fitted == ""


@given(st.lists(st.tuples(anything, inks), max_size=5), st.integers(1, 60))
def test_fitted_rows_have_exactly_their_width(cells: list[tuple[str, Ink]], width: int) -> None:
    row = fit(cells, width)
    assert row_width(row) == width
    assert all(text.isprintable() for text, _ in row)


def test_an_escape_sequence_from_outside_is_defused() -> None:
    assert clean("BTC\x1b[2J\n") == "BTC·[2J·"


@given(rows, rows)
def test_spread_keeps_the_end_whole(begin: list[tuple[str, Ink]], end: list[tuple[str, Ink]]) -> None:
    row = spread(begin, end, 60)
    assert row_width(row) == 60
    assert text_row(row).endswith("".join(text for text, _ in end))


def test_a_number_is_shown_whole_or_not_at_all() -> None:
    row = spread([("BTC", Ink.TEXT), (" mark 61000.5", Ink.TEXT), (" x", Ink.TEXT)], [("|PAPER|", Ink.TEXT)], 20)
    assert text_row(row) == "BTC".ljust(13) + "|PAPER|"


@given(rows, rows)
def test_everything_right_of_the_changed_width_is_the_same(old: Row, new: Row) -> None:
    before, after = fit(old, 40), fit(new, 40)
    width = changed_width(before, after)
    assert text_row(before)[width:] == text_row(after)[width:]
    assert (width == 0) == (before == after)


@given(anything)
def test_ascii_text_is_ascii_and_as_wide(text: str) -> None:
    shown = clean(text)
    assert to_ascii(shown).isascii()
    assert len(to_ascii(shown)) == cell_len(shown)


@pytest.mark.parametrize(
    ("size", "places", "width", "text"),
    [
        (0.0, 3, 6, ""),
        (0.5, 3, 6, "0.500"),
        (12.5, 3, 6, "12.500"),
        (1234.5678, 3, 6, "1234.6"),
        (12_345_678.0, 0, 6, "12.35M"),
        (0.00045, 5, 7, "0.00045"),
        (3.0, 0, 6, "3"),
    ],
)
def test_sizes_in_few_columns(size: float, places: int, width: int, text: str) -> None:
    assert size_text(size, places, width) == text


@given(st.floats(-1e15, 1e15, allow_nan=False), st.integers(5, 9))
def test_short_figures_fit(value: float, width: int) -> None:
    assert len(short_text(value, width)) <= width


@pytest.mark.parametrize(
    ("tick", "places", "ticks", "text"),
    [("0.5", 1, 122_001, "61000.5"), ("0.01", 2, 5, "0.05"), ("5", 0, 3, "15"), ("0.00001", 5, 7, "0.00007")],
)
def test_price_scale_is_exact(tick: str, places: int, ticks: int, text: str) -> None:
    scale = PriceScale(tick, places)
    assert scale.text(ticks) == text
    assert scale.ticks(text) == ticks


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (age_text(-1), "-"),
        (age_text(14.2), "14ms"),
        (age_text(3400), "3.4s"),
        (span_text(11_520), "3h12"),
        (span_text(531), "8m51"),
        (clock_text(1_795_269_802_418_000_000, True), "14:03:22.418"),
        (money_text("30499.25"), "30 499.25"),
        (money_text(""), "-"),
        (signed_money("9.25"), "+9.25"),
        (signed_money("-9.25"), "-9.25"),
        (signed_money("0"), "0.00"),
        (signed_money("-0.001"), "0.00"),
        (quantity_text("0.500"), "0.5"),
    ],
)
def test_short_texts(shown: str, text: str) -> None:
    assert shown == text
