"""``jackbot paper report`` on real sessions: the published proportions come out again."""

import json
import os
from pathlib import Path

import pytest

from jackbot_tui import cli

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "bybit" / "linear"
CAPTURE = RECORDED / "btcusdt_solusdt_20260809.jsonl.gz"

pytestmark = pytest.mark.recorded


@pytest.fixture
def capture() -> str:
    if not CAPTURE.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {CAPTURE.name}"
        pytest.skip("no recorded session beside the repository")
    return str(CAPTURE)


def report(capture: str, *more: str) -> int:
    return cli.main(["paper", "report", capture, "--venue", "bybit", "--market", "linear", *more])


def test_touching_flatters_and_the_table_says_by_how_much(capture: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(capture, "--symbol", "SOL/USDT:USDT", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    filled = {row["rule"]: row["filled"] for row in told["rules"]}
    assert told["instrument"] == "bybit:SOL/USDT:USDT"
    assert filled["through"] <= filled["risk_averse"] <= filled["log"] <= filled["touch"]
    assert filled["touch"] > 1.4 * filled["risk_averse"] > 0
    assert report(capture, "--symbol", "SOL/USDT:USDT") == 0
    table = capsys.readouterr().out.splitlines()
    assert table[1].startswith("filled when") and table[1].endswith("against risk-averse")
    assert [line.split()[0] for line in table[2:4]] == ["touch", "through"]


@pytest.mark.parametrize(
    ("more", "says"),
    [((), "name one symbol of the capture"), (("--symbol", "ETH/USDT:USDT"), "ETH/USDT:USDT is not in the capture")],
)
def test_what_cannot_be_reported_is_said_in_one_line(
    capture: str, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], says: str
) -> None:
    assert report(capture, *more) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert says in said[0]


def test_a_capture_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("/nowhere.jsonl.gz") == 2
    assert capsys.readouterr().err == "jackbot: /nowhere.jsonl.gz: no such capture file\n"
