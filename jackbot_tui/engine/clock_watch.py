"""Asks venues for their time every few minutes: how far their clock is from ours, and a warning when that is far.

The engine owns its task. Latency figures and, one day, signed requests read what it knows; it sets no clock.
"""

import asyncio
import random
from collections.abc import Callable, Iterable

from msgspec import Struct

from jackbot_tui.feeds.clock_skew import ClockSkew
from jackbot_tui.feeds.rest import RestClient, RestError
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, Clock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.venues.base import Codec, HttpRequest

FIRST_SAMPLES = 4
FIRST_PAUSE_S = 1.0
"""A few samples soon after the start: the best of them bounds the error well."""

PAUSE_S = 180.0
"""Seconds between samples from then on, less up to a fifth by chance."""

WARN_NS = 500 * NS_PER_MS
CALM_NS = 250 * NS_PER_MS
"""A clock that is off by more than the first is warned about, once, until it is off by less than the second. Venues
refuse signed requests from about a second on."""


class ClockFigure(Struct, frozen=True):
    """``offset_ms``: the venue's clock minus ours, true within ``error_ms``; ``problem`` says why nothing is known."""

    kind: MarketKind
    known: bool
    offset_ms: float
    error_ms: float
    problem: str


class ClockWatch:
    """``tell(level, text)`` gets one line when a clock is far off, and when it is right again."""

    def __init__(
        self, codec: Codec, rest: RestClient, clock: Clock, rng: random.Random, tell: Callable[[str, str], None]
    ) -> None:
        self._codec = codec
        self._rest = rest
        self._clock = clock
        self._rng = rng
        self._tell = tell
        self._skews: dict[MarketKind, ClockSkew] = {}
        self._problems: dict[MarketKind, str] = {}
        self._warned: set[MarketKind] = set()

    async def run(self, kinds: Iterable[MarketKind]) -> None:
        """Ask for the clocks of these market kinds until cancelled; one question where they share an address."""
        asked: dict[str, tuple[HttpRequest, list[MarketKind]]] = {}
        for kind in kinds:
            request = self._codec.time_request(kind)
            if request is None:
                self._problems[kind] = "the venue has no page for its time"
            else:
                asked.setdefault(request.url, (request, []))[1].append(kind)
        taken = 0
        while asked:
            for request, sharing in asked.values():
                await self._sample(request, sharing)
            taken += 1
            pause = FIRST_PAUSE_S if taken < FIRST_SAMPLES else PAUSE_S
            await asyncio.sleep(pause * self._rng.uniform(0.8, 1.0))

    def offset_ns(self, kind: MarketKind) -> int:
        """The venue's clock minus ours; 0 while it is unknown or no more than the measurement may be wrong by.

        Kraken tells whole seconds: half a second either way would make nonsense of every latency.
        """
        skew = self._skews.get(kind)
        best = None if skew is None else skew.best(self._clock.now_ns())
        return 0 if best is None or abs(best.offset_ns) <= best.error_ns else best.offset_ns

    def figures(self) -> list[ClockFigure]:
        """What is known of each clock that is asked for."""
        now, figures = self._clock.now_ns(), []
        for kind in {**self._skews, **self._problems}:
            skew = self._skews.get(kind)
            best = None if skew is None else skew.best(now)
            problem = self._problems.get(kind, "")
            if best is None:
                figures.append(ClockFigure(kind, False, 0.0, 0.0, problem or "no sample is fresh"))
            else:
                figures.append(ClockFigure(kind, True, best.offset_ns / NS_PER_MS, best.error_ns / NS_PER_MS, problem))
        return figures

    async def _sample(self, request: HttpRequest, kinds: list[MarketKind]) -> None:
        try:
            reply = await self._rest.fetch(request)
            venue_ns = self._codec.decode_time(request.kind, reply.body)
        except (RestError, WireError) as error:
            self._problems.update(dict.fromkeys(kinds, str(error)))
            return
        for kind in kinds:
            self._problems.pop(kind, None)
            skew = self._skews.setdefault(kind, ClockSkew())
            skew.sample(reply.ts_sent, reply.ts_recv, venue_ns, resolution_ns=_resolution_ns(venue_ns))
        self._judge(kinds)

    def _judge(self, kinds: list[MarketKind]) -> None:
        """Warn of what is certain: the offset less what the measurement may be wrong by."""
        kind = kinds[0]
        best = self._skews[kind].best(self._clock.now_ns())
        if best is None:
            return
        certain = abs(best.offset_ns) - best.error_ns
        where = f"{self._codec.spec.name} {' and '.join(each.value for each in kinds)}"
        if certain > WARN_NS and kind not in self._warned:
            self._warned.add(kind)
            side = "behind" if best.offset_ns > 0 else "ahead of"
            off_s = abs(best.offset_ns) / NS_PER_S
            self._tell("bad", f"our clock is {off_s:.1f} s {side} that of {where}: synchronise it (NTP)")
        elif certain < CALM_NS and kind in self._warned:
            self._warned.discard(kind)
            self._tell("good", f"our clock agrees with that of {where} again")


def _resolution_ns(venue_ns: int) -> int:
    """What the venue's figure was cut down to, as its zeros tell: seconds, milliseconds or finer."""
    return next(unit for unit in (NS_PER_S, NS_PER_MS, 1_000, 1) if venue_ns % unit == 0)
