"""Which requests and sockets wait for one another, and what the limiter learns from a venue's headers."""

import random

import pytest
from msgspec.structs import replace

from jackbot_tui.feeds.limiter import Lane, RateLimiter
from jackbot_tui.feeds.venue_limits import VenueLimits
from jackbot_tui.model.clock import NS_PER_S, ManualClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import RateLimit
from jackbot_tui.venues.binance.spec import SPEC as BINANCE
from jackbot_tui.venues.hyperliquid.spec import SPEC as HYPERLIQUID

START = 1_000 * NS_PER_S
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR


def limits_of(spec: object) -> VenueLimits:
    return VenueLimits(ManualClock(START), spec, random.Random(1))  # type: ignore[arg-type]


def test_market_kinds_of_one_host_share_one_count_and_others_do_not() -> None:
    shared, apart = limits_of(HYPERLIQUID), limits_of(BINANCE)
    assert shared.requests(SPOT) is shared.requests(LINEAR)
    assert shared.connections(SPOT) is shared.connections(LINEAR)
    assert apart.requests(SPOT) is not apart.requests(LINEAR)
    assert apart.connections(SPOT) is not apart.connections(LINEAR)


def test_sockets_are_no_requests_and_requests_are_no_sockets() -> None:
    limits = limits_of(HYPERLIQUID)
    sockets = limits.connections(SPOT)
    assert sockets is not None
    assert [budget.name for budget in sockets.limiter.budgets(START)] == ["CONNECTIONS"]
    assert [budget.name for budget in limits.requests(SPOT).limiter.budgets(START)] == ["WEIGHT"]


def test_a_venue_without_stated_limits_has_a_cautious_one_and_no_gate_of_sockets() -> None:
    bare = replace(HYPERLIQUID, markets={SPOT: replace(HYPERLIQUID.markets[SPOT], rate_limits=())})
    for limits in (limits_of(None), limits_of(bare)):
        assert limits.connections(SPOT) is None
        assert [budget.limit for budget in limits.requests(SPOT).limiter.budgets(START)] == [600]


def test_a_limit_of_a_class_counts_requests_of_that_class_only() -> None:
    limiter = RateLimiter([RateLimit("TIME", 2, 10, purposes=("time",)), RateLimit("ALL", 100, 10)], random.Random(1))
    assert limiter.reserve(1, Lane.URGENT, START, purpose="time") == 0
    assert limiter.reserve(1, Lane.URGENT, START, purpose="time") == 0
    assert limiter.reserve(1, Lane.URGENT, START, purpose="time") == 10 * NS_PER_S
    assert limiter.reserve(50, Lane.URGENT, START, purpose="snapshot") == 0
    assert [budget.used for budget in limiter.budgets(START)] == [2, 52]


@pytest.mark.parametrize(("remaining", "used"), [(150, 50), (0, 200), (200, 3), (5_000, 3)])
def test_what_a_venue_says_remains_counts_as_the_rest_used_and_never_frees_our_own(remaining: int, used: int) -> None:
    limiter = RateLimiter([RateLimit("REQUESTS", 200, 10)], random.Random(1))
    assert limiter.reserve(3, Lane.QUERY, START) == 0
    limiter.observe_remaining("REQUESTS", 10, remaining, START)
    assert limiter.budgets(START)[0].used == used
