"""Answers to pings reach the paper venue, each once."""

from jackbot_tui.engine.round_trips import RoundTrips
from jackbot_tui.feeds.metrics import ConnectionMetrics
from jackbot_tui.model.clock import NS_PER_MS


def test_every_new_round_trip_is_told_once_and_none_before_it_is_measured() -> None:
    told: list[int] = []
    trips = RoundTrips(told.append)
    spot, linear = ConnectionMetrics("binance.spot.1", ""), ConnectionMetrics("binance.linear.1", "")
    trips.look([spot, linear])
    assert told == []
    spot.rtt_ms = 12.5
    trips.look([spot, linear])
    trips.look([spot, linear])
    assert told == [12.5 * NS_PER_MS]
    spot.rtt_ms, linear.rtt_ms = 14.0, 12.5
    trips.look([spot, linear])
    assert told[1:] == [14 * NS_PER_MS, 12.5 * NS_PER_MS]
