"""One rate limiter for REST requests and WebSocket messages: weights per window, lanes by urgency, the venue's word.

``RateLimiter`` is sans-I/O: ``now`` in, waiting time out. ``LimitGate`` lets coroutines of one event loop wait for it.
The venue knows best: its usage headers raise what we believe to have used, and when it says no, everything waits, since
going on turns a refusal into a ban that would stop cancels as well.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from enum import IntEnum

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.model.errors import InputError
from jackbot_tui.venues.base import RateLimit

PER_REQUEST = frozenset({"RAW_REQUESTS", "MESSAGES"})
"""Limits of these names count each request as one, whatever its weight."""

PER_ORDER = frozenset({"ORDERS"})
"""Limits of these names count orders only. All other limits count weight."""

BUCKETS = 100
"""Usage is remembered in this many slices per window; a slice leaves the window as late as its last request would."""


class Lane(IntEnum):
    """Who goes first. A later lane never uses up a limit (``SHARES``) nor overtakes a waiting earlier one."""

    URGENT = 0  # cancels and orders that reduce a position
    ORDER = 1  # new orders and amendments
    QUERY = 2  # book snapshots, instruments, history


SHARES: dict[Lane, float] = {Lane.URGENT: 1.0, Lane.ORDER: 0.95, Lane.QUERY: 0.8}
"""Fraction of each limit up to which a lane may fill it."""


class PausePolicy(Struct, frozen=True, kw_only=True):
    """Pauses after the venue said no. Without a ``Retry-After`` of a second or more: ``first_s`` (``ban_s`` for 418),
    doubled with each further no until ``calm_s`` have passed without one, at most ``cap_s``. Jitter adds up to
    ``jitter`` of the pause. Source: Binance bans from 2 minutes up to 3 days when 429 is ignored.
    """

    first_s: float = 5.0
    ban_s: float = 120.0
    cap_s: float = 3 * 24 * 3600.0
    calm_s: float = 300.0
    jitter: float = 0.1


class Budget(Struct, frozen=True):
    """What is left of one limit, for gauges. ``used`` counts the last ``interval_s`` seconds, foreign use included."""

    name: str
    scope: str
    used: int
    limit: int
    interval_s: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


class _Window:
    """Sliding sum of one limit: an upper bound of the venue's own count, however its windows are aligned."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.length = limit.interval_s * NS_PER_S
        self.used = 0
        self._slices: deque[tuple[int, int]] = deque()  # (time of the last request in it, cost)

    def cost(self, weight: int, orders: int, purpose: str) -> int:
        if self.limit.purposes and purpose not in self.limit.purposes:
            return 0
        if self.limit.name in PER_REQUEST:
            return 1
        return orders if self.limit.name in PER_ORDER else weight

    def capacity(self, lane: Lane) -> int:
        return max(1, int(self.limit.limit * SHARES[lane]))

    def forget(self, now: int) -> None:
        while self._slices and now - self._slices[0][0] >= self.length:
            self.used -= self._slices.popleft()[1]

    def add(self, cost: int, now: int) -> None:
        if not cost:
            return
        self.used += cost
        if self._slices and now - self._slices[-1][0] < self.length // BUCKETS:
            cost += self._slices.pop()[1]
        self._slices.append((now, cost))

    def wait(self, cost: int, capacity: int, now: int) -> int:
        """Nanoseconds until ``cost`` fits under ``capacity``. A cost above it fits an empty window."""
        over = self.used + cost - max(capacity, cost)
        freed, last = 0, now
        for at, spent in self._slices:
            if freed >= over:
                break
            freed, last = freed + spent, at
        return last + self.length - now if over > 0 else 0


class RateLimiter:
    """Counts of one address at one venue and market. Every request is asked for with ``reserve`` before it is sent."""

    def __init__(self, limits: Sequence[RateLimit], rng: random.Random, policy: PausePolicy | None = None) -> None:
        self._windows = [_Window(limit) for limit in limits]
        self._rng = rng
        self._policy = policy or PausePolicy()
        self._paused_until = 0
        self._refusals = 0
        self._last_refusal = 0
        self.refused = 0

    def reserve(self, weight: int, lane: Lane, now: int, *, orders: int = 0, purpose: str = "") -> int:
        """0: go, it is counted. Otherwise nanoseconds to wait before asking again; nothing was counted.

        Limits of a class count requests of its purposes only. InputError when the request is heavier than a whole
        limit, so that it could never be sent.
        """
        wait = max(0, self._paused_until - now)
        costs = [window.cost(weight, orders, purpose) for window in self._windows]
        for window, cost in zip(self._windows, costs, strict=True):
            limit = window.limit
            if not cost:
                continue
            if cost > limit.limit:
                raise InputError(f"a request of weight {cost} exceeds {limit.name} {limit.limit}/{limit.interval_s} s")
            window.forget(now)
            wait = max(wait, window.wait(cost, window.capacity(lane), now))
        if not wait:
            for window, cost in zip(self._windows, costs, strict=True):
                window.add(cost, now)
        return wait

    def observe(self, name: str, interval_s: int, used: int, now: int) -> None:
        """The venue says that ``used`` of limit ``name`` are gone; what others spent of it is counted as well."""
        for window in self._windows:
            if window.limit.name == name and window.limit.interval_s == interval_s:
                window.forget(now)
                window.add(max(0, used - window.used), now)

    def observe_remaining(self, name: str, interval_s: int, remaining: int, now: int) -> None:
        """The venue says that ``remaining`` of limit ``name`` are left: the rest of it, as we know it, is gone."""
        for window in self._windows:
            if window.limit.name == name and window.limit.interval_s == interval_s:
                self.observe(name, interval_s, window.limit.limit - remaining, now)

    def refuse(self, now: int, *, banned: bool, retry_after_s: float | None) -> float:
        """The venue said no (429, or 418 = ``banned``): pause everything. Returns the pause in seconds.

        Answers to requests that were under way when the pause began do not lengthen it.
        """
        policy = self._policy
        self.refused += 1
        if now - self._last_refusal > policy.calm_s * NS_PER_S:
            self._refusals = 0
        if now >= self._paused_until:
            self._refusals += 1
        self._last_refusal = now
        first = policy.ban_s if banned else policy.first_s
        own = min(first * 2.0 ** min(self._refusals - 1, 30), policy.cap_s)
        pause = retry_after_s if retry_after_s is not None and retry_after_s >= 1 else own
        pause *= 1 + self._rng.uniform(0, policy.jitter)
        self._paused_until = max(self._paused_until, now + int(pause * NS_PER_S))
        return (self._paused_until - now) / NS_PER_S

    def paused_s(self, now: int) -> float:
        """Seconds until requests are sent again, 0 when not paused."""
        return max(0, self._paused_until - now) / NS_PER_S

    def budgets(self, now: int) -> list[Budget]:
        """What is left of each limit."""
        for window in self._windows:
            window.forget(now)
        return [Budget(w.limit.name, w.limit.scope, w.used, w.limit.limit, w.limit.interval_s) for w in self._windows]


class _Waiter(Struct):
    lane: Lane
    weight: int
    orders: int
    purpose: str
    future: asyncio.Future[None]


class LimitGate:
    """Coroutines of one event loop wait here for the limiter: by lane, in a lane by age; a cancelled one leaves.

    The caller puts its own time-out around ``enter``; there are at most ``most_waiting`` in the queue.
    """

    def __init__(self, limiter: RateLimiter, clock: Clock, *, most_waiting: int = 1000) -> None:
        self.limiter = limiter
        self._clock = clock
        self._most_waiting = most_waiting
        self._lanes: dict[Lane, deque[_Waiter]] = {lane: deque() for lane in Lane}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lanes.values()))

    async def enter(self, weight: int, lane: Lane, *, orders: int = 0, purpose: str = "") -> None:
        """Return when the request may be sent; it is counted then. InputError when it never may or too many wait."""
        ahead = any(waiters for other, waiters in self._lanes.items() if other <= lane)
        now = self._clock.now_ns()
        if not ahead and not self.limiter.reserve(weight, lane, now, orders=orders, purpose=purpose):
            return
        if self.waiting >= self._most_waiting:
            raise InputError(f"{self._most_waiting} requests wait for the rate limit already: this one was not sent")
        waiter = _Waiter(lane, weight, orders, purpose, asyncio.get_running_loop().create_future())
        waiters = self._lanes[lane]
        waiters.append(waiter)
        self._serve()
        try:
            await waiter.future
        except asyncio.CancelledError:
            if waiter in waiters:
                waiters.remove(waiter)
                self._serve()
            raise

    def _serve(self) -> None:
        """Let in whoever may go now, most urgent first; come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiters in self._lanes.values():
            while waiters:
                waiter = waiters[0]
                if waiter.future.done():  # cancelled; its coroutine has not run yet
                    waiters.popleft()
                    continue
                try:
                    wait = self.limiter.reserve(
                        waiter.weight,
                        waiter.lane,
                        self._clock.now_ns(),
                        orders=waiter.orders,
                        purpose=waiter.purpose,
                    )
                except InputError as error:
                    wait = 0
                    waiter.future.set_exception(error)
                else:
                    if wait:
                        self._timer = asyncio.get_running_loop().call_later(wait / NS_PER_S, self._serve)
                        return
                    waiter.future.set_result(None)
                waiters.popleft()
