"""Fetches the REST book snapshots that the market data pipeline wants, a few at a time and politely.

One request per book at a time; the limiter inside the REST client paces them. After a mass loss the book on the glass
is served first, then those with orders or a position, then the rest in the order of wanting. A failure is told in
words, and the pipeline wants the snapshot again when it was waited out (full-jitter backoff, or the venue's
Retry-After); meanwhile other books are served.
"""

import asyncio
import random
from collections.abc import Callable

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.backoff import Backoff
from jackbot_tui.feeds.rest import RestClient, RestError
from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.venues.base import HttpRequest

CONCURRENT = 3


class SnapshotFetcher:
    """``collect`` is called after frames and by a timer; ``run`` works off what was wanted until cancelled.

    ``rank_of`` says how urgent a book is: 0 goes before 1, and so on.
    """

    def __init__(
        self,
        data: MarketData,
        rest: RestClient,
        clock: Clock,
        rng: random.Random,
        tell: Callable[[str, str], None],
        rank_of: Callable[[str], int],
    ) -> None:
        self._data = data
        self._rest = rest
        self._clock = clock
        self._rng = rng
        self._tell = tell
        self._rank_of = rank_of
        self._waiting: dict[str, HttpRequest] = {}
        self._failed: dict[str, tuple[int, HttpRequest, str]] = {}  # when the pipeline may want it again, and why not
        self._arrived = asyncio.Event()
        self._backoffs: dict[str, Backoff] = {}

    @property
    def waiting(self) -> int:
        """Snapshots that are wanted and not yet asked for."""
        return len(self._waiting)

    def collect(self) -> None:
        """Take over what the pipeline wants now; cheap when it wants nothing."""
        if self._failed:
            self._give_back()
        for request in self._data.wanted_snapshots():
            self._want(request)

    def fetch_all(self) -> None:
        """Fetch a snapshot of every book though none is needed: a capture that begins now can then be replayed."""
        for market in self._data.markets.values():
            request = self._data.codec.snapshot_request(market.instrument)
            if request is not None and market.key not in self._waiting:
                self._want(request)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENT):
                group.create_task(self._work())

    def _want(self, request: HttpRequest) -> None:
        self._waiting[request.key] = request
        self._arrived.set()

    def _give_back(self) -> None:
        """Failures that were waited out: the pipeline asks again if it still needs to."""
        now = self._clock.now_ns()
        for key, (due_ns, request, reason) in list(self._failed.items()):
            if now >= due_ns:
                del self._failed[key]
                self._data.on_http_failed(request, reason, now)

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            await self._fetch(self._waiting.pop(min(self._waiting, key=self._rank_of)))

    async def _fetch(self, request: HttpRequest) -> None:
        backoff = self._backoffs.setdefault(request.key, Backoff(self._rng))
        try:
            reply = await self._rest.fetch(request)
        except RestError as error:
            wait = max(backoff.next_delay_s(), error.retry_after_s or 0.0)
            self._tell("warn", f"snapshot of {request.key}: {error}; again in {wait:.1f} s")
            self._failed[request.key] = (self._clock.now_ns() + int(wait * NS_PER_S), request, str(error))
        else:
            backoff.reset()
            self._data.on_http(request, reply.body, reply.ts_recv)
        self.collect()
