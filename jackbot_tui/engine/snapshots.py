"""Fetches the REST book snapshots that the market data pipeline wants, a few at a time and politely.

One request per book at a time; the limiter inside the REST client paces them. A failure is told in words, waited out
with full-jitter backoff (or the venue's Retry-After), and the pipeline then wants the snapshot again.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.backoff import Backoff
from jackbot_tui.feeds.rest import RestClient, RestError
from jackbot_tui.model.clock import Clock
from jackbot_tui.venues.base import HttpRequest

CONCURRENT = 3


class SnapshotFetcher:
    """``collect`` is called after frames; ``run`` works off what was wanted until cancelled."""

    def __init__(
        self,
        data: MarketData,
        rest: RestClient,
        clock: Clock,
        rng: random.Random,
        tell: Callable[[str, str], None],
    ) -> None:
        self._data = data
        self._rest = rest
        self._clock = clock
        self._rng = rng
        self._tell = tell
        self._waiting: OrderedDict[str, HttpRequest] = OrderedDict()
        self._arrived = asyncio.Event()
        self._backoffs: dict[str, Backoff] = {}
        self.first_key = ""
        """Key whose book is on the glass: served before the others."""

    def collect(self) -> None:
        """Take over what the pipeline wants now; cheap when it wants nothing."""
        for request in self._data.wanted_snapshots():
            self._waiting[request.key] = request
            self._arrived.set()

    def fetch_all(self) -> None:
        """Fetch a snapshot of every book though none is needed: a capture that begins now can then be replayed."""
        for market in self._data.markets.values():
            request = self._data.codec.snapshot_request(market.instrument)
            if request is not None and market.key not in self._waiting:
                self._waiting[market.key] = request
                self._arrived.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENT):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            key = self.first_key if self.first_key in self._waiting else next(iter(self._waiting))
            await self._fetch(self._waiting.pop(key))

    async def _fetch(self, request: HttpRequest) -> None:
        backoff = self._backoffs.setdefault(request.key, Backoff(self._rng))
        try:
            reply = await self._rest.fetch(request)
        except RestError as error:
            wait = max(backoff.next_delay_s(), error.retry_after_s or 0.0)
            self._tell("warn", f"snapshot of {request.key}: {error}; again in {wait:.1f} s")
            await asyncio.sleep(wait)
            self._data.on_http_failed(request, str(error), self._clock.now_ns())
        else:
            backoff.reset()
            self._data.on_http(request, reply.body, reply.ts_recv)
        self.collect()
