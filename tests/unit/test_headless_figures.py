"""Rates from counters that only grow."""

import pytest

from jackbot_tui.headless.figures import RateMeter, RateTable


def test_a_rate_is_that_of_the_last_second() -> None:
    meter = RateMeter()
    assert meter.per_second == 0.0
    for step in range(9):
        meter.sample(step * 0.25, step * 10)
    assert meter.per_second == pytest.approx(40.0)
    for step in range(9, 14):
        meter.sample(step * 0.25, 80)
    assert meter.per_second == 0.0


def test_a_counter_that_starts_anew_gives_no_negative_rate() -> None:
    meter = RateMeter()
    for now, count in ((0.0, 1000), (0.25, 1010), (0.5, 3), (0.75, 8)):
        meter.sample(now, count)
        assert meter.per_second >= 0.0
    assert meter.per_second == pytest.approx(20.0)


def test_meters_of_names_that_are_gone_are_forgotten() -> None:
    table = RateTable()
    table.sample(0.0, {"a": 0, "b": 0})
    table.sample(0.5, {"a": 10, "b": 20})
    assert (table.per_second("a"), table.per_second("b")) == (20.0, 40.0)
    table.sample(1.0, {"a": 20})
    assert (table.per_second("a"), table.per_second("b"), table.per_second("c")) == (20.0, 0.0, 0.0)
