"""The bench of backtest engines refuses figures of an engine that did other work than the rest."""

import pytest

from bench.backtests import ENGINES, _checked

OURS = {"orders": 1708, "filled": 1050}
THROUGH = 857


@pytest.mark.parametrize(
    ("name", "orders", "filled", "same"),
    [
        ("hftbacktest", 1708, 1050, True),
        ("hftbacktest", 1708, 1049, False),
        ("ours, compiled", 1707, 1050, False),
        ("nautilus_trader", 1708, 822, True),
        ("nautilus_trader", 1708, 0, False),
        ("nautilus_trader", 1708, 1563, False),
        ("nautilus_trader", 1700, 822, False),
        ("ours, kernel with orders", 1708, 1066, True),
        ("ours, kernel with orders", 803, 1066, False),
        ("ours, kernel with orders", 1708, 622, False),
        ("ours, replay kernel", 0, 0, True),
    ],
)
def test_an_engine_that_did_other_work_is_no_row_of_the_table(name: str, orders: int, filled: int, same: bool) -> None:
    assert name in ENGINES
    told = {"orders": orders, "filled": filled}
    if same:
        _checked(name, told, OURS, THROUGH)
    else:
        with pytest.raises(RuntimeError, match="not the same work"):
            _checked(name, told, OURS, THROUGH)
