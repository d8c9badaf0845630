"""The compiled fast path answers as the event engine does, order by order and nanosecond by nanosecond."""

import importlib
import os
import sys
from decimal import Decimal
from pathlib import Path

import pytest

if "CI" not in os.environ:
    pytest.importorskip("numba", reason="numba is not installed (extra fast)")

from msgspec.structs import replace

from jackbot_tui.backtest import fast
from jackbot_tui.backtest.honesty import EVERY_NS, LATENCY_NS, LIFE_NS, join_the_touch
from jackbot_tui.backtest.recorded import RecordedMarket, record_market
from jackbot_tui.backtest.venue_time import VenueTimeline
from jackbot_tui.execution.paper.queue_models import SETTINGS
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from tests.unit.test_paper_parity import Session

CAPTURE = Path(__file__).parents[3] / "shared" / "recorded" / "binance" / "linear" / "btcusdt_20240808.jsonl.gz"


def differences(recorded: RecordedMarket) -> dict[str, list[object]]:
    """Orders on which the two engines disagree, by queue model; the event engine's counts must not be empty."""
    timeline = VenueTimeline(recorded, SETTINGS, entry_ns=LATENCY_NS, response_ns=LATENCY_NS)
    join_the_touch(timeline, recorded.instrument.lot)
    session = fast.session_of(recorded)
    plan = fast.touch_plan(session, EVERY_NS, LIFE_NS, 2 * LATENCY_NS)
    found: dict[str, list[object]] = {}
    for queue in SETTINGS:
        events = [(state.status.value, state.venue_ns) for state in timeline.states(queue).values()]
        compiled = fast.run_plan(session, plan, queue, entry_ns=LATENCY_NS).texts()
        assert len(events) == len(compiled) > 0
        assert {"filled", "canceled"} <= {status for status, _ in events}
        found[queue] = [pair for pair in zip(events, compiled, strict=True) if pair[0] != pair[1]]
    return found


@pytest.mark.parametrize("seed", range(100, 108))
def test_random_markets_fill_alike_on_both_paths(seed: int) -> None:
    assert differences(Session(seed).run(40.0)) == {queue: [] for queue in SETTINGS}


@pytest.mark.recorded
def test_a_real_session_fills_alike_on_both_paths() -> None:
    if not CAPTURE.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {CAPTURE.name}"
        pytest.skip("no recorded session beside the repository")
    recorded = record_market([CAPTURE], "binance", MarketKind.LINEAR)
    instrument = replace(recorded.instrument, tick=Decimal("0.1"), lot=Decimal("0.001"))
    until = recorded.changes[0].local_ns + 120 * NS_PER_S
    changes = [change for change in recorded.changes if change.local_ns <= until]
    assert differences(RecordedMarket(instrument, changes)) == {queue: [] for queue in SETTINGS}


def test_any_plan_may_be_asked_and_orders_at_one_price_do_not_disturb_each_other() -> None:
    session = fast.session_of(Session(5).run(20.0))
    one = fast.touch_plan(session, EVERY_NS, LIFE_NS, 2 * LATENCY_NS)
    twice = fast.OrderPlan(*(value.repeat(2) for value in (one.send_ns, one.cancel_ns, one.side, one.tick)))
    single = fast.run_plan(session, one, "power2:3", entry_ns=LATENCY_NS).texts()
    double = fast.run_plan(session, twice, "power2:3", entry_ns=LATENCY_NS).texts()
    assert double == [outcome for outcome in single for _ in range(2)]


def test_what_cannot_be_answered_is_refused() -> None:
    session = fast.session_of(Session(5).run(10.0))
    plan = fast.touch_plan(session, EVERY_NS, LIFE_NS, 2 * LATENCY_NS)
    with pytest.raises(InputError, match="no queue model"):
        fast.run_plan(session, plan, "optimist", entry_ns=LATENCY_NS)
    far = replace(plan, tick=plan.tick + 10 * fast.REACH)
    with pytest.raises(InputError, match="leave it out"):
        fast.run_plan(session, far, "risk_averse", entry_ns=LATENCY_NS)
    with pytest.raises(InputError, match="no bids or no asks"):
        fast.session_of(RecordedMarket(Session(5).run(1.0).instrument, Session(5).run(1.0).changes[:0]))


def test_without_numba_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "jackbot_tui.backtest.fast")
    with pytest.raises(InputError, match="extra 'fast'"):
        importlib.import_module("jackbot_tui.backtest.fast")
