"""No rule fills less often or later than a more cautious one, on any market: through, risk-averse, models, touch."""

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.backtest.honesty import LATENCY_NS, RULES, honesty, join_the_touch
from jackbot_tui.backtest.venue_time import OrderState, VenueTimeline
from jackbot_tui.execution.paper.comparison import THROUGH, TOUCH
from jackbot_tui.execution.paper.queue_models import RISK_AVERSE, SETTINGS
from jackbot_tui.model.enums import OrderStatus
from tests.unit.test_paper_parity import Session

NEVER = 2**63


def filled_ns(state: OrderState) -> int:
    return state.venue_ns if state.status is OrderStatus.FILLED else NEVER


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_more_cautious_rule_never_fills_an_order_earlier(seed: int) -> None:
    recorded = Session(seed).run(12.0)
    timeline = VenueTimeline(recorded, RULES, entry_ns=LATENCY_NS, response_ns=LATENCY_NS)
    join_the_touch(timeline, recorded.instrument.lot)
    states = {rule: timeline.states(rule) for rule in RULES}
    assert states[RISK_AVERSE]
    for client_id in states[RISK_AVERSE]:
        through, sure, touch = (filled_ns(states[rule][client_id]) for rule in (THROUGH, RISK_AVERSE, TOUCH))
        assert touch <= sure <= through
        for model in SETTINGS:
            assert touch <= filled_ns(states[model][client_id]) <= sure


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_report_counts_every_order_once_under_every_rule(seed: int) -> None:
    rows = honesty(Session(seed).run(12.0))
    assert [row.rule for row in rows] == list(RULES)
    assert {row.filled + row.canceled + row.expired for row in rows} == {rows[0].orders}
    sure = next(row for row in rows if row.rule == RISK_AVERSE)
    assert sure.over == 0.0
    assert all(row.over == row.filled / sure.filled - 1.0 for row in rows if sure.filled)
