"""Figures of the process for people: rates from counters, views of connections. Pure; time comes in."""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Protocol

from jackbot_tui.desk.ports import CaptureFigures, RequestBudget, RestFigures
from jackbot_tui.desk.views import ClockView, ConnectionView
from jackbot_tui.engine.clock_watch import ClockFigure
from jackbot_tui.engine.health import ConnectionHealth, quantiles_of
from jackbot_tui.feeds.limiter import Budget
from jackbot_tui.feeds.metrics import ConnectionMetrics
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import MarketKind

WINDOW_S = 1.0

NO_BOOKS = ConnectionHealth(0, 0, 0, 0, quantiles_of(()), quantiles_of(()))


class RateMeter:
    """Events per second over the last ``WINDOW_S``, from a counter that only grows."""

    def __init__(self) -> None:
        self.per_second = 0.0
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, now_s: float, count: int) -> None:
        """Note the counter at ``now_s`` (seconds of any steady clock)."""
        samples = self._samples
        if samples and count < samples[-1][1]:  # a new connection counts from zero again
            samples.clear()
        samples.append((now_s, count))
        while len(samples) > 2 and samples[1][0] <= now_s - WINDOW_S:
            samples.popleft()
        first_s, first = samples[0]
        elapsed = now_s - first_s
        self.per_second = (count - first) / elapsed if elapsed > 0 else 0.0


class RateTable:
    """One meter per name; names that are no longer sampled are forgotten."""

    def __init__(self) -> None:
        self._meters: dict[str, RateMeter] = {}

    def sample(self, now_s: float, counts: dict[str, int]) -> None:
        """Note every counter at ``now_s``."""
        self._meters = {name: self._meters.get(name) or RateMeter() for name in counts}
        for name, count in counts.items():
            self._meters[name].sample(now_s, count)

    def per_second(self, name: str) -> float:
        """Rate of ``name``, 0 when it is unknown."""
        meter = self._meters.get(name)
        return 0.0 if meter is None else meter.per_second


class RestPort(Protocol):
    """What is read of a REST client."""

    def budgets(self, kind: MarketKind) -> list[Budget]: ...

    def paused_s(self, kind: MarketKind) -> float: ...


class RecorderPort(Protocol):
    """What is read of a capture being written."""

    @property
    def written(self) -> int: ...

    @property
    def dropped(self) -> int: ...

    problem: str


def rest_figures(
    client: RestPort | None, kinds: Iterable[MarketKind], followed: Collection[MarketKind]
) -> list[RestFigures]:
    """Limits and pauses of the market ``kinds`` that are ``followed`` or were asked for something lately."""
    if client is None:
        return []
    figures = []
    for kind in kinds:
        budgets, paused_s = client.budgets(kind), client.paused_s(kind)
        if kind in followed or paused_s or any(budget.used for budget in budgets):
            rows = [RequestBudget(b.name, b.scope, b.used, b.limit, b.interval_s) for b in budgets]
            figures.append(RestFigures(kind.value, paused_s, rows))
    return figures


def capture_figures(ring: RecorderPort | None, recording: RecorderPort | None) -> list[CaptureFigures]:
    """The captures that are open."""
    return [
        CaptureFigures(name, recorder.written, recorder.dropped, recorder.problem)
        for name, recorder in (("ring", ring), ("recording", recording))
        if recorder is not None
    ]


def connection_view(
    metrics: ConnectionMetrics, frames_per_s: float, now: int, health: ConnectionHealth | None = None
) -> ConnectionView:
    """One connection as a screen shows it at ``now`` (nanoseconds). Its detail is the trouble it is in, else "" ."""
    detail = ""
    if not metrics.connected_ns:
        wait_s = max(0, metrics.next_attempt_ns - now) / NS_PER_S
        again = f"; again in {wait_s:.0f} s" if metrics.next_attempt_ns else ""
        detail = f"{metrics.last_error}{again}" if metrics.last_error else ""
    health = health or NO_BOOKS
    return ConnectionView(
        conn=metrics.conn,
        state=metrics.state.value,
        uptime_s=metrics.uptime_s(now),
        reconnects=metrics.reconnects,
        frames=metrics.frames,
        frames_per_s=frames_per_s,
        rtt_ms=metrics.rtt_ms,
        age_ms=max(0, now - metrics.last_frame_ns) / NS_PER_MS if metrics.last_frame_ns else -1.0,
        detail=detail,
        slowed=metrics.slowed,
        error=metrics.last_error,
        error_kind="" if metrics.last_error_kind is None else metrics.last_error_kind.value,
        error_age_s=max(0, now - metrics.last_error_ns) / NS_PER_S if metrics.last_error_ns else -1.0,
        rotations=metrics.rotations,
        books=health.books,
        live_books=health.live,
        gaps=health.gaps,
        resyncs=health.resyncs,
        latency_ms=health.latency.half,
        latency_p99_ms=health.latency.p99,
        resync_ms=health.resync.half,
        resync_p99_ms=health.resync.p99,
    )


def clock_views(figures: Iterable[ClockFigure]) -> list[ClockView]:
    """The venue's clocks as screens show them."""
    return [ClockView(each.kind.value, each.known, each.offset_ms, each.error_ms, each.problem) for each in figures]
