"""Rates from counters that only grow, and connections in words."""

import pytest

from jackbot_tui.desk.views import is_far
from jackbot_tui.engine.clock_watch import ClockFigure
from jackbot_tui.engine.health import ConnectionHealth, Quantiles
from jackbot_tui.feeds.failures import FailureKind
from jackbot_tui.feeds.limiter import Budget
from jackbot_tui.feeds.metrics import ConnectionMetrics, ConnectionState
from jackbot_tui.feeds.rest import RestClient
from jackbot_tui.headless.figures import (
    RateMeter,
    RateTable,
    capture_figures,
    clock_views,
    connection_view,
    rest_figures,
)
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import load_venue

S = 1_000_000_000


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


def test_a_connection_that_is_up_shows_its_age_and_no_old_trouble() -> None:
    metrics = ConnectionMetrics(
        "binance.spot.public", "ws://x", ConnectionState.UP, connected_ns=10 * S, frames=7, reconnects=1, rtt_ms=12.5
    )
    metrics.last_frame_ns, metrics.last_error = 13 * S, "reset"
    metrics.last_error_kind, metrics.last_error_ns = FailureKind.NETWORK, 9 * S
    view = connection_view(metrics, 42.0, 13 * S + 250_000_000)
    assert (view.error, view.error_kind, view.error_age_s) == ("reset", "network", 4.25)
    assert (view.state, view.uptime_s, view.age_ms, view.frames_per_s) == ("up", 3.25, 250.0, 42.0)
    assert (view.frames, view.reconnects, view.rtt_ms, view.detail) == (7, 1, 12.5, "")


def test_a_lost_connection_says_why_and_when_it_is_tried_again() -> None:
    metrics = ConnectionMetrics("c", "ws://x", ConnectionState.WAITING, next_attempt_ns=105 * S)
    metrics.last_error = "network: connection refused"
    view = connection_view(metrics, 0.0, 100 * S)
    assert (view.state, view.age_ms) == ("waiting", -1.0)
    assert view.detail == "network: connection refused; again in 5 s"


def test_a_connection_shows_how_its_books_do() -> None:
    metrics = ConnectionMetrics("c", "ws://x", ConnectionState.UP, connected_ns=S, rotations=2, slowed=True)
    health = ConnectionHealth(3, 2, 5, 4, Quantiles(9, 30.0, 80.0, 90.0), Quantiles(4, 400.0, 2000.0, 2500.0))
    view = connection_view(metrics, 0.0, 2 * S, health)
    assert (view.books, view.live_books, view.gaps, view.resyncs, view.rotations) == (3, 2, 5, 4, 2)
    assert (view.latency_ms, view.latency_p99_ms, view.resync_ms, view.resync_p99_ms) == (30.0, 80.0, 400.0, 2000.0)
    assert view.slowed


def test_clocks_are_shown_as_far_off_only_when_that_is_certain() -> None:
    figures = [ClockFigure(MarketKind.SPOT, True, off, 300.0, "") for off in (-900.0, 700.0, 3.0)]
    views = clock_views([*figures, ClockFigure(MarketKind.LINEAR, False, 9000.0, 0.0, "no page")])
    assert [is_far(view) for view in views] == [True, False, False, False]
    assert (views[3].kind, views[3].problem) == ("linear", "no page")


class Requests:
    """A REST client that was asked for spot weight only, and is told to be silent there."""

    def __init__(self, used: int, paused_s: float) -> None:
        self.used = used
        self.paused = paused_s

    def budgets(self, kind: MarketKind) -> list[Budget]:
        return [Budget("REQUEST_WEIGHT", "ip", self.used if kind is MarketKind.SPOT else 0, 6000, 60)]

    def paused_s(self, kind: MarketKind) -> float:
        return self.paused if kind is MarketKind.SPOT else 0.0


@pytest.mark.parametrize(
    ("used", "paused_s", "followed", "told"),
    [
        (0, 0.0, set(), []),
        (20, 0.0, set(), ["spot"]),
        (0, 3.0, set(), ["spot"]),
        (20, 0.0, {MarketKind.LINEAR}, ["spot", "linear"]),
    ],
)
def test_request_limits_are_told_of_markets_that_are_followed_or_were_asked(
    used: int, paused_s: float, followed: set[MarketKind], told: list[str]
) -> None:
    figures = rest_figures(Requests(used, paused_s), [MarketKind.SPOT, MarketKind.LINEAR], followed)
    assert [figure.kind for figure in figures] == told
    if "spot" in told:
        budget = figures[0].budgets[0]
        assert (budget.name, budget.used, budget.limit, budget.interval_s) == ("REQUEST_WEIGHT", used, 6000, 60)
        assert figures[0].paused_s == paused_s


def test_request_limits_come_from_the_real_client_and_there_are_none_without_one() -> None:
    spec = load_venue("binance").spec
    figures = rest_figures(RestClient(ManualClock(S), spec), spec.markets, {MarketKind.LINEAR})
    limits = spec.markets[MarketKind.LINEAR].rate_limits
    wanted = [(limit.name, limit.limit) for limit in limits if limit.name != "CONNECTIONS"]
    assert [(figure.kind, figure.paused_s) for figure in figures] == [("linear", 0.0)]
    assert [(budget.name, budget.limit) for budget in figures[0].budgets] == wanted
    assert wanted
    assert rest_figures(None, spec.markets, {MarketKind.LINEAR}) == []


class Recorder:
    written, dropped, problem = 9, 2, "disk full"


def test_captures_tell_what_they_lost_and_why() -> None:
    assert capture_figures(None, None) == []
    ring, recording = capture_figures(Recorder(), Recorder())
    assert (ring.name, ring.written, ring.dropped, ring.problem) == ("ring", 9, 2, "disk full")
    assert recording.name == "recording"
    assert [figure.name for figure in capture_figures(None, Recorder())] == ["recording"]
