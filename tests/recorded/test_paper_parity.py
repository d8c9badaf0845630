"""The parity gate: final status and exchange time of every order, ours against hftbacktest, on a real session.

A gate that cannot fail proves nothing: the same comparison is run with one rule of ours broken at a time.
"""

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bench.parity import Outcome, beginning, compare, our_outcomes, their_outcomes, with_steps
from jackbot_tui.backtest.recorded import RecordedMarket, record_market
from jackbot_tui.backtest.venue_time import VenueTimeline
from jackbot_tui.execution.paper.comparison import ComparisonMatching
from jackbot_tui.execution.paper.queue import SeparateQueue, Share
from jackbot_tui.execution.paper.queue_models import SETTINGS, Probabilistic, RiskAverse
from jackbot_tui.model.enums import MarketKind

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
CAPTURE = RECORDED / "binance" / "linear" / "btcusdt_20240808.jsonl.gz"
FURTHER = RECORDED / "bybit" / "linear" / "btcusdt_solusdt_20260809.jsonl.gz"

pytestmark = pytest.mark.recorded


def session(path: Path, venue: str, symbol: str | None, tick: str, lot: str) -> RecordedMarket:
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {path.name}"
        pytest.skip("no recorded session beside the repository")
    pytest.importorskip("hftbacktest", reason="hftbacktest is not installed (development extra)")
    return with_steps(record_market([path], venue, MarketKind.LINEAR, symbol), Decimal(tick), Decimal(lot))


@pytest.fixture(scope="module")
def btcusdt() -> RecordedMarket:
    return session(CAPTURE, "binance", None, "0.1", "0.001")


def test_every_order_ends_as_in_hftbacktest_under_nine_queue_models(btcusdt: RecordedMarket) -> None:
    comparisons = compare(btcusdt)
    assert [each.queue for each in comparisons] == list(SETTINGS)
    filled = {each.queue: sum(status == "filled" for status, _ in each.ours) for each in comparisons}
    assert [each.differences for each in comparisons] == [[]] * len(SETTINGS)
    assert {len(each.ours) for each in comparisons} == {1708}
    assert len(set(filled.values())) == len(SETTINGS)  # no two settings are the same by mistake
    assert min(filled, key=lambda queue: filled[queue]) == "risk_averse"


def test_the_gate_is_general_in_venue_and_symbol() -> None:
    solusdt = session(FURTHER, "bybit", "SOL/USDT:USDT", "0.01", "0.1")
    comparisons = compare(solusdt, ("risk_averse", "power2:3"))
    assert all(each.ours for each in comparisons)
    assert [each.differences for each in comparisons] == [[], []]


# ---------------------------------------------------------------------- one rule broken at a time

Break = Callable[[pytest.MonkeyPatch], None]


def shrinking_levels_move_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RiskAverse, "ahead_after", lambda self, ahead, before, shown, traded: ahead)


def a_cancel_is_always_ahead(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Probabilistic, "ahead_after", lambda self, ahead, before, shown, traded: min(ahead - (before - shown), shown)
    )


def trades_are_counted_again_as_cancels(patch: pytest.MonkeyPatch) -> None:
    true = Probabilistic.ahead_after
    patch.setattr(
        Probabilistic, "ahead_after", lambda self, ahead, before, shown, traded: true(self, ahead, before, shown, 0)
    )


def trades_beyond_the_price_fill_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ComparisonMatching, "_fill_all", lambda self, side, price, ts, events: None)


def the_front_of_the_queue_is_enough(patch: pytest.MonkeyPatch) -> None:
    true = SeparateQueue.share

    def eager(self: SeparateQueue, volume: Decimal, printed: Decimal, lot: Decimal, event_ns: int) -> list[Share]:
        return true(self, volume, printed + lot / 2, lot, event_ns)

    patch.setattr(SeparateQueue, "share", eager)


def requests_come_before_the_market_of_their_instant(patch: pytest.MonkeyPatch) -> None:
    true = VenueTimeline.__init__

    def early(self: VenueTimeline, *args: object, entry_ns: int, **more: object) -> None:
        true(self, *args, entry_ns=entry_ns - 1_000_000, **more)  # type: ignore[arg-type]

    patch.setattr(VenueTimeline, "__init__", early)


@pytest.fixture(scope="module")
def a_minute(btcusdt: RecordedMarket) -> tuple[RecordedMarket, dict[str, list[Outcome]]]:
    part = beginning(btcusdt, 60.0)
    return part, their_outcomes(part, ("risk_averse", "power2:3"))


@pytest.mark.parametrize(
    ("queue", "broken"),
    [
        ("risk_averse", shrinking_levels_move_nobody),
        ("power2:3", a_cancel_is_always_ahead),
        ("power2:3", trades_are_counted_again_as_cancels),
        ("risk_averse", trades_beyond_the_price_fill_nobody),
        ("risk_averse", the_front_of_the_queue_is_enough),
        ("risk_averse", requests_come_before_the_market_of_their_instant),
    ],
)
def test_the_gate_fails_when_one_rule_is_broken(
    a_minute: tuple[RecordedMarket, dict[str, list[Outcome]]],
    monkeypatch: pytest.MonkeyPatch,
    queue: str,
    broken: Break,
) -> None:
    part, theirs = a_minute
    assert our_outcomes(part, (queue,))[queue] == theirs[queue]
    broken(monkeypatch)
    assert our_outcomes(part, (queue,))[queue] != theirs[queue]
