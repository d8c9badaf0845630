"""Latency of paper messages: kinds, spikes, what was measured, and the order in which messages arrive."""

import random
from decimal import Decimal

import pytest

from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.latency import (
    ELSEWHERE,
    LEAST_MEASURED,
    VENUES,
    Latency,
    LatencyKind,
    LatencySettings,
)
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.orders import OrderAccepted, OrderFilled
from jackbot_tui.venues import VENUES as VENUE_NAMES
from tests.paper_world import World


def line(settings: LatencySettings, venue: str = "binance", seed: int = 1) -> Latency:
    return Latency(settings, venue, random.Random(seed))


def test_constant_latency_is_constant_both_ways() -> None:
    latency = line(LatencySettings(entry_ns=7, response_ns=11))
    assert {(latency.request_ns(), latency.answer_ns()) for _ in range(50)} == {(7, 11)}


@pytest.mark.parametrize("venue", [*VENUES, "elsewhere"])
def test_a_venues_distribution_has_the_median_and_the_tail_it_states(venue: str) -> None:
    latency = line(LatencySettings(kind=LatencyKind.VENUE), venue)
    spread = VENUES.get(venue, ELSEWHERE)
    trips = sorted(2 * latency.request_ns() / NS_PER_MS for _ in range(4000))
    assert trips[2000] == pytest.approx(spread.median_ms, rel=0.1)
    assert trips[3960] == pytest.approx(spread.p99_ms, rel=0.25)
    assert trips[0] > 0


def test_every_venue_has_a_distribution_of_its_own() -> None:
    assert set(VENUE_NAMES) <= set(VENUES)


def test_measured_latency_replays_the_session_once_there_is_enough_of_it() -> None:
    latency = line(LatencySettings(kind=LatencyKind.MEASURED))
    for each in range(LEAST_MEASURED - 1):
        latency.measure(1000 + each)
    assert latency.request_ns() > NS_PER_MS  # still the venue's distribution: milliseconds, not microseconds
    latency.measure(2000)
    assert {latency.request_ns() for _ in range(300)} == {(1000 + e) // 2 for e in range(LEAST_MEASURED - 1)} | {1000}


def test_spikes_come_as_often_and_as_large_as_asked() -> None:
    latency = line(LatencySettings(entry_ns=10, spike_chance=0.1, spike_ns=1000))
    drawn = [latency.request_ns() for _ in range(5000)]
    spikes = [each for each in drawn if each > 10]
    assert 400 < len(spikes) < 600
    assert 900 < max(spikes) <= 1010


def test_a_late_feed_delays_the_request_and_hastens_the_answer_but_never_before_it_happened() -> None:
    late = line(LatencySettings(entry_ns=20, response_ns=20, feed_ns=15))
    assert (late.request_ns(), late.answer_ns()) == (35, 5)
    later = line(LatencySettings(entry_ns=20, response_ns=20, feed_ns=50))
    assert (later.request_ns(), later.answer_ns()) == (70, 0)


def test_a_chance_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        line(LatencySettings(spike_chance=1.5))


def test_messages_of_one_direction_never_overtake_however_wild_the_latency() -> None:
    config = PaperConfig(latency=LatencyKind.VENUE, spike_chance=0.3, spike_ns=500 * NS_PER_MS, leverage=Decimal(100))
    it = World(config=config)
    it.book([(100.0, 5.0)], [(101.0, 5.0)])
    sent = []
    for _ in range(40):
        sent.append(it.send("buy", "0.1", "99"))
        it.wait(1)
    it.wait(5000)
    accepted = [event for event in it.log if isinstance(event, OrderAccepted)]
    assert [event.client_id for event in accepted] == sent
    assert [event.ts for event in accepted] == sorted(event.ts for event in accepted)
    assert len({event.ts - it.order(event.client_id).created_ns for event in accepted}) > 10


def test_a_fill_tells_the_latencies_that_were_drawn() -> None:
    it = World(latency_ms=20)
    it.book([(100.0, 5.0)], [(101.0, 5.0)])
    it.send("buy", "0.1", "101")
    it.wait(20)
    it.wait(20)
    (fill,) = [event for event in it.log if isinstance(event, OrderFilled)]
    assert fill.cause is not None
    assert (fill.cause.request_ns, fill.cause.answer_ns) == (20 * NS_PER_MS, 20 * NS_PER_MS)


def test_measured_round_trips_reach_the_executor() -> None:
    it = World(config=PaperConfig(latency=LatencyKind.MEASURED, leverage=Decimal(100)))
    it.book([(100.0, 5.0)], [(101.0, 5.0)])
    for _ in range(LEAST_MEASURED):
        it.paper.measure_latency(6 * NS_PER_MS)
    order = it.send("buy", "0.1", "99")
    it.wait(6)
    assert it.status(order) == "new"
    (accepted,) = [event for event in it.log if isinstance(event, OrderAccepted)]
    assert accepted.ts == it.order(order).created_ns + 3 * NS_PER_MS
