"""The limiter never exceeds a window, lets urgent work pass, believes the venue, and pauses when told to."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.feeds.limiter import Lane, LimitGate, PausePolicy, RateLimiter
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, ManualClock, SystemClock
from jackbot_tui.model.errors import InputError
from jackbot_tui.venues.base import RateLimit

WEIGHT = RateLimit("REQUEST_WEIGHT", 100, 60)
START = 1_700_000_000 * NS_PER_S


def limiter(*limits: RateLimit, policy: PausePolicy | None = None) -> RateLimiter:
    return RateLimiter(limits or (WEIGHT,), random.Random(1), policy)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(5, 60),
    st.integers(1, 10),
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3 * NS_PER_S), st.sampled_from(Lane)), max_size=120),
)
def test_no_window_of_any_alignment_is_ever_exceeded(
    limit: int, interval: int, asks: list[tuple[int, int, Lane]]
) -> None:
    subject = limiter(RateLimit("REQUEST_WEIGHT", limit, interval))
    now, sent = START, []
    for weight, pause, lane in asks:
        now += pause
        weight = min(weight, limit)
        if not subject.reserve(weight, lane, now):
            sent.append((now, weight))
    for start, _ in sent:
        assert sum(weight for at, weight in sent if start <= at < start + interval * NS_PER_S) <= limit


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 20 * NS_PER_S), st.sampled_from(Lane)), max_size=60))
def test_waiting_as_long_as_told_is_enough(asks: list[tuple[int, int, Lane]]) -> None:
    subject = limiter()
    now = START
    for weight, pause, lane in asks:
        now += pause
        wait = subject.reserve(weight, lane, now)
        if wait:
            assert 0 < wait <= 60 * NS_PER_S
            now += wait
            assert subject.reserve(weight, lane, now) == 0


def test_cancels_find_room_that_orders_and_queries_may_not_use() -> None:
    subject = limiter()
    sent = dict.fromkeys(Lane, 0)
    for lane in (Lane.QUERY, Lane.ORDER, Lane.URGENT):
        while not subject.reserve(1, lane, START):
            sent[lane] += 1
    assert sent == {Lane.QUERY: 80, Lane.ORDER: 15, Lane.URGENT: 5}


def test_request_heavier_than_its_lane_waits_for_an_empty_window_and_then_goes() -> None:
    subject = limiter()
    assert subject.reserve(1, Lane.QUERY, START) == 0
    assert subject.reserve(90, Lane.QUERY, START) == 60 * NS_PER_S
    assert subject.reserve(90, Lane.QUERY, START + 60 * NS_PER_S) == 0


def test_request_heavier_than_the_limit_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="weight 101 exceeds REQUEST_WEIGHT 100/60 s"):
        limiter().reserve(101, Lane.URGENT, START)


def test_every_limit_counts_in_its_own_unit() -> None:
    limits = [WEIGHT, RateLimit("RAW_REQUESTS", 50, 300), RateLimit("ORDERS", 20, 10, "account")]
    subject = limiter(*limits)
    subject.reserve(7, Lane.QUERY, START)
    subject.reserve(3, Lane.ORDER, START, orders=1)
    assert [(b.name, b.scope, b.used, b.remaining) for b in subject.budgets(START)] == [
        ("REQUEST_WEIGHT", "ip", 10, 90),
        ("RAW_REQUESTS", "ip", 2, 48),
        ("ORDERS", "account", 1, 19),
    ]
    assert [b.used for b in subject.budgets(START + 60 * NS_PER_S)] == [0, 2, 0]


def test_what_the_venue_says_is_used_counts_and_expires() -> None:
    subject = limiter()
    subject.reserve(10, Lane.QUERY, START)
    subject.observe("REQUEST_WEIGHT", 60, 70, START)
    assert subject.budgets(START)[0].used == 70
    assert subject.reserve(20, Lane.QUERY, START) > 0
    subject.observe("REQUEST_WEIGHT", 60, 5, START + NS_PER_S)  # the venue's minute began anew: ours did not
    assert subject.budgets(START + NS_PER_S)[0].used == 70
    assert subject.budgets(START + 60 * NS_PER_S)[0].used == 0


@pytest.mark.parametrize(
    ("banned", "retry_after", "low", "high"),
    [
        (False, None, 5, 5.5),
        (False, 30.0, 30, 33),
        (True, None, 120, 132),
        (True, 600.0, 600, 660),
        (False, 0.0, 5, 5.5),
    ],
)
def test_refusal_pauses_every_lane(banned: bool, retry_after: float | None, low: float, high: float) -> None:
    subject = limiter()
    pause = subject.refuse(START, banned=banned, retry_after_s=retry_after)
    assert low <= pause <= high
    assert [subject.reserve(1, lane, START) for lane in Lane] == [int(pause * NS_PER_S)] * 3
    assert subject.reserve(1, Lane.QUERY, START + int(pause * NS_PER_S) + 1) == 0


def test_repeated_refusals_double_the_pause_until_it_was_calm() -> None:
    subject = limiter(policy=PausePolicy(jitter=0.0))
    now, pauses = START, []
    for _ in range(4):
        pauses.append(subject.refuse(now, banned=False, retry_after_s=None))
        now += int(pauses[-1] * NS_PER_S)
    assert pauses == [5, 10, 20, 40]
    assert subject.refuse(now + 301 * NS_PER_S, banned=False, retry_after_s=None) == 5


def test_answers_of_requests_already_under_way_do_not_lengthen_the_pause() -> None:
    subject = limiter(policy=PausePolicy(jitter=0.0))
    for _ in range(5):
        subject.refuse(START, banned=False, retry_after_s=None)
    assert subject.paused_s(START) == 5
    assert subject.refused == 5


async def test_urgent_waiter_goes_before_those_who_came_earlier() -> None:
    clock = ManualClock(START)
    gate = LimitGate(limiter(RateLimit("REQUEST_WEIGHT", 1, 1)), clock)
    order: list[str] = []

    async def go(name: str, lane: Lane) -> None:
        await gate.enter(1, lane)
        order.append(name)

    await gate.enter(1, Lane.QUERY)
    async with asyncio.TaskGroup() as group:
        for name, lane in (
            ("query", Lane.QUERY),
            ("order", Lane.ORDER),
            ("second", Lane.QUERY),
            ("cancel", Lane.URGENT),
        ):
            group.create_task(go(name, lane))
        while gate.waiting < 4:  # noqa: ASYNC110 - bounded by the test's own four tasks
            await asyncio.sleep(0)
        for _ in range(4):
            clock.advance(NS_PER_S)
            gate._serve()
            await asyncio.sleep(0)
    assert order == ["cancel", "order", "query", "second"]


async def test_gate_opens_by_itself_when_the_window_has_passed() -> None:
    clock = SystemClock()
    gate = LimitGate(limiter(RateLimit("MESSAGES", 5, 1)), clock)
    async with asyncio.timeout(10):
        started = clock.now_ns()
        for _ in range(5):
            await gate.enter(1, Lane.QUERY)
        assert clock.now_ns() - started >= 980 * NS_PER_MS


async def test_cancelled_waiter_neither_blocks_nor_spends() -> None:
    clock = ManualClock(START)
    gate = LimitGate(limiter(RateLimit("REQUEST_WEIGHT", 2, 1)), clock)
    await gate.enter(2, Lane.URGENT)
    tasks = [asyncio.create_task(gate.enter(2, Lane.URGENT)), asyncio.create_task(gate.enter(1, Lane.QUERY))]
    await asyncio.sleep(0)
    assert gate.waiting == 2
    tasks[0].cancel()
    clock.advance(NS_PER_S)
    gate._serve()  # before the cancelled coroutine has run
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] is None
    assert (gate.waiting, gate.limiter.budgets(clock.now_ns())[0].used) == (0, 1)


async def test_queue_of_waiters_is_bounded() -> None:
    gate = LimitGate(limiter(RateLimit("REQUEST_WEIGHT", 1, 1)), ManualClock(START), most_waiting=1)
    await gate.enter(1, Lane.URGENT)
    waiting = asyncio.create_task(gate.enter(1, Lane.URGENT))
    await asyncio.sleep(0)
    with pytest.raises(InputError, match="wait for the rate limit already"):
        await gate.enter(1, Lane.URGENT)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    gate._serve()
