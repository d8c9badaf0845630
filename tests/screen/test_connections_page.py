"""The connections page: what is said of each socket, the venue's limits and clock, at any width."""

import pytest

from jackbot_tui.desk.views import BudgetView, ClockView, ConnectionView, ScreenView
from jackbot_tui.tui.view.ink import Ink, Row, row_width, text_row
from jackbot_tui.tui.view.pages import connections

UP = ConnectionView(
    "binance.linear.public", "up", 3725.0, 2, 120_000, 96.4, 12.0, 14.0,
    error="the venue closed it: 1001 going away", error_kind="maintenance", error_age_s=3726.0, rotations=1,
    books=3, live_books=3, gaps=1, resyncs=3, latency_ms=31.0, latency_p99_ms=88.0, resync_ms=420.0,
    resync_p99_ms=2300.0,
)  # fmt: skip
WAITING = ConnectionView(
    "binance.spot.public", "waiting", 0.0, 9, 50, 0.0, -1.0, -1.0, "connection refused; again in 64 s", slowed=True,
    error="connection refused", error_kind="network", error_age_s=3.0, books=1,
)  # fmt: skip
BUDGETS = [
    BudgetView("linear", "REQUEST_WEIGHT", "ip", 2300, 2400, 60, 0.0),
    BudgetView("spot", "REQUEST_WEIGHT", "ip", 300, 6000, 60, 12.4),
]
CLOCKS = [
    ClockView("linear", True, 3.2, 11.5, ""),
    ClockView("spot", True, -912.0, 11.5, ""),
    ClockView("inverse", False, 0.0, 0.0, "no answer in time"),
]


def rows(width: int, *listed: ConnectionView) -> list[Row]:
    header = None  # no part of this page
    view = ScreenView(1, header, [], None, [], 0.0, [], [], [], [], [], list(listed), BUDGETS, CLOCKS)  # type: ignore[arg-type]
    return connections(view, width)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_everything_that_matters_is_on_the_page_from_eighty_columns_on(width: int) -> None:
    page = rows(width, UP, WAITING)
    assert {row_width(row) for row in page} == {width}
    text = [text_row(row).rstrip() for row in page]
    assert text[1].split() == ["binance.linear.public", "up", "1h02", "2", "96", "31ms", "12ms", "14ms"]
    moved = "  moved 1" if width > 80 else ""
    assert text[2].strip() == f"books 3/3 LIVE  gaps 1  resyncs 3  resync p50 420ms p99 2.3s  late p99 88ms{moved}"
    assert text[3].strip() == "maintenance 1h02 ago: the venue closed it: 1001 going away"
    assert text[4].split()[:4] == ["binance.spot.public", "slowed", "0s", "9"]
    assert text[6].strip() == "network: connection refused; again in 64 s"
    assert any("300 left of 6000 in 60 s, ip  silent 12 s" in line for line in text)
    assert any("-912.0 ms, within 11.5 ms  synchronise" in line for line in text)
    assert any("unknown  no answer in time" in line for line in text)


def test_trouble_has_the_colour_of_trouble() -> None:
    inks = {cell[0].strip(): cell[1] for row in rows(120, UP, WAITING) for cell in row}
    assert (inks["up"], inks["slowed"]) == (Ink.GOOD, Ink.BAD)
    assert (inks["3/3 LIVE"], inks["0/1 LIVE"]) == (Ink.GOOD, Ink.WARN)
    assert (inks["+3.2 ms"], inks["-912.0 ms"]) == (Ink.GOOD, Ink.BAD)
    assert (inks["2300 left"], inks["300 left"]) == (Ink.GOOD, Ink.BAD)


def test_a_connection_that_carries_no_book_takes_one_line() -> None:
    marks = ConnectionView("binance.linear.market", "up", 9.0, 0, 9, 5.0, 1.0, 400.0)
    text = [text_row(row).strip() for row in rows(80, marks)]
    assert text[1].startswith("binance.linear.market")
    assert text[2] == ""


def test_without_connections_the_page_says_so() -> None:
    assert "no connection to a venue" in text_row(rows(80)[1])
