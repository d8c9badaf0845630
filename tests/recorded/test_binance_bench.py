"""The book benchmark runs and its paths agree; how fast they are is not tested."""

import pytest

from bench.__main__ import main, names
from bench.book_path import FLOOR, OURS, run
from bench.report import Options, text_of
from jackbot_tui.model.enums import MarketKind
from tests.binance_world import recorded

pytestmark = pytest.mark.recorded


def test_the_book_benchmark_measures_every_path_it_names() -> None:
    folder = recorded(MarketKind.LINEAR).parents[2]
    report = run(Options(folder, rounds=1, frames=60))
    linear, linear_reads, spot, _ = report.tables
    for table in (linear, spot):
        rows = {str(row[0]): row[1:] for row in table.rows}
        assert {FLOOR, OURS, "ccxt pro, its message path"} <= rows.keys()
        assert all(isinstance(figure, float) and figure > 0 for row in rows.values() for figure in row)
        assert rows[FLOOR][3] == 1.0 and rows[OURS][4] == 1.0
    assert [row[0] for row in linear_reads.rows][:2] == ["top(1), both sides", "top(10), both sides"]
    assert OURS in text_of(report)


def test_a_benchmark_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "book_path" in names()
    assert main(["bok_path"]) == 2
    assert "no benchmark 'bok_path': there are" in capsys.readouterr().err
    assert main(["book_path", "--recorded", "nowhere"]) == 2
    assert "nowhere/binance/linear/btcusdt_20240808.jsonl.gz is not there" in capsys.readouterr().err
