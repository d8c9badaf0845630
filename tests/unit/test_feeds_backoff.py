"""Delays grow, are jittered, end never; the breaker slows what flaps and forgets after a stable time."""

import random

from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.feeds.backoff import Backoff, BackoffPolicy, ReconnectPacer, ReconnectPolicy
from jackbot_tui.model.clock import NS_PER_S

CEILINGS = [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@given(st.integers())
def test_delay_lies_between_floor_and_doubling_ceiling_for_ever(seed: int) -> None:
    backoff = Backoff(random.Random(seed))
    for ceiling in CEILINGS + [30.0] * 50:
        assert 0.1 <= backoff.next_delay_s() <= ceiling


def test_jitter_uses_the_whole_range_below_the_ceiling() -> None:
    delays = []
    for seed in range(400):
        backoff = Backoff(random.Random(seed))
        delays.append([backoff.next_delay_s() for _ in CEILINGS])
    for at, ceiling in enumerate(CEILINGS):
        column = [row[at] for row in delays]
        assert min(column) < 0.1 + ceiling * 0.05
        assert max(column) > ceiling * 0.95


def test_same_seed_gives_the_same_delays_and_reset_starts_over() -> None:
    one, other = Backoff(random.Random(7)), Backoff(random.Random(7))
    assert [one.next_delay_s() for _ in range(9)] == [other.next_delay_s() for _ in range(9)]
    one.reset()
    assert one.attempts == 0
    assert one.next_delay_s() <= 1.0


def test_outage_is_no_flap_and_never_slows_beyond_the_cap() -> None:
    pacer = ReconnectPacer(random.Random(1))
    for n in range(200):
        assert pacer.down(n * NS_PER_S, refused=False) <= 30.0


def test_connections_that_flap_are_slowed_and_never_given_up() -> None:
    policy = ReconnectPolicy(flaps=4)
    pacer = ReconnectPacer(random.Random(1), policy)
    delays = []
    for n in range(20):
        pacer.up(n * NS_PER_S)
        delays.append(pacer.down(n * NS_PER_S + 1, refused=False))
    assert all(delay <= 30 for delay in delays[:3])
    assert all(30 <= delay <= 120 for delay in delays[3:])


def test_refusals_of_the_venue_trip_the_breaker_too() -> None:
    pacer = ReconnectPacer(random.Random(1), ReconnectPolicy(flaps=3))
    assert [pacer.down(n, refused=True) >= 30 for n in range(5)][2:] == [True, True, True]


def test_stable_connection_forgives_what_was_before() -> None:
    pacer = ReconnectPacer(random.Random(1), ReconnectPolicy(flaps=3))
    for n in range(5):
        pacer.down(n, refused=True)
    pacer.up(10)
    assert pacer.down(10 + 60 * NS_PER_S, refused=False) <= 1.0
    assert not pacer.slowed(11 + 60 * NS_PER_S)


def test_breaker_opens_its_window_again_when_flaps_are_long_ago() -> None:
    pacer = ReconnectPacer(random.Random(1), ReconnectPolicy(flaps=3, backoff=BackoffPolicy(cap_s=2.0)))
    for n in range(3):
        pacer.down(n, refused=True)
    assert pacer.slowed(3)
    assert pacer.down(301 * NS_PER_S, refused=False) <= 2.0
