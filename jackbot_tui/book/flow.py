"""What a tape tells of the trades to come: their usual sizes, and how much will trade when.

Read by sliced parent orders when they begin and when they place; it looks at the tape only when it is asked, and keeps
nothing. Volumes are floats in base units: they weigh, they are no money.
"""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise

from msgspec import Struct

from jackbot_tui.book.tape import MINUTE_NS, TradeTape
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.numbers import ZERO

DAY_NS = 24 * 60 * MINUTE_NS
RATE_OVER_NS = 60 * MINUTE_NS
"""How far back the rate of a market is taken from."""

LEAST_SEEN_NS = NS_PER_S
"""A shorter look at a market tells no rate."""

MOST_WEIGHTS = 48


class Forecast(Struct, frozen=True):
    """Volume that is expected in equal parts of a time, as shares that add up to 1, and altogether.

    ``volume`` is base units, 0 where nobody can tell; ``source`` says in words where it comes from.
    """

    weights: tuple[float, ...]
    volume: float
    source: str


class Flow:
    """See the module's paragraph. ``day``: a usual day's volume from 00:00 UTC in equal parts, empty = not known."""

    __slots__ = ("_day", "_tape")

    def __init__(self, tape: TradeTape, day: Sequence[float] = ()) -> None:
        self._tape = tape
        self._day = day

    def size_at(self, share: float) -> Decimal:
        """The size that ``share`` (0..1) of the recent trades do not exceed; 0 before the first trade."""
        sizes = sorted(trade.size for trade in self._tape.recent)
        if not sizes:
            return ZERO
        return Decimal(repr(sizes[min(len(sizes) - 1, int(share * len(sizes)))]))

    def forecast(self, now: int, begin_ns: int, over_ns: int) -> Forecast:
        """What is expected to trade from ``begin_ns`` on: by the given day, else as yesterday, else evenly."""
        parts = max(1, min(MOST_WEIGHTS, over_ns // MINUTE_NS))
        edges = [begin_ns + over_ns * part // parts for part in range(parts + 1)]
        if self._day:
            cumulative = list(accumulate(self._day, initial=0.0))
            midnight = begin_ns - begin_ns % DAY_NS
            known = self._shaped([_of_day(cumulative, at - midnight) for at in edges], "the profile of the settings")
            if known is not None:
                return known
        times, volumes = self._seen(now)
        if times and times[0] <= begin_ns - DAY_NS and begin_ns + over_ns - DAY_NS <= now:
            as_before = [_between(times, volumes, at - DAY_NS) for at in edges]
            known = self._shaped(as_before, "what was seen at this time yesterday")
            if known is not None:
                return known
        even = tuple(1 / parts for _ in range(parts))
        seen_ns = min(now - times[0], RATE_OVER_NS) if times else 0
        if seen_ns < LEAST_SEEN_NS:
            return Forecast(even, 0.0, "nothing was seen yet: evenly")
        rate = (volumes[-1] - _between(times, volumes, now - seen_ns)) / seen_ns
        return Forecast(even, rate * over_ns, f"evenly, at the rate of the last {_span_text(seen_ns)}")

    def _seen(self, now: int) -> tuple[list[int], list[float]]:
        marks = [(at, float(volume)) for at, volume in self._tape.marks]
        if not marks:
            return [], []
        return [at for at, _ in marks] + [max(now, marks[-1][0])], [each for _, each in marks] + [
            float(self._tape.volume)
        ]

    def _shaped(self, cumulative: list[float], source: str) -> Forecast | None:
        steps = [later - earlier for earlier, later in pairwise(cumulative)]
        total = sum(steps)
        return Forecast(tuple(step / total for step in steps), total, source) if total > 0 else None


def _between(times: Sequence[int], volumes: Sequence[float], at: int) -> float:
    """Cumulative volume at ``at``, straight between the marks."""
    place = bisect_right(times, at)
    if place == 0:
        return volumes[0]
    if place == len(times):
        return volumes[-1]
    span = times[place] - times[place - 1]
    part = (at - times[place - 1]) / span if span else 0.0
    return volumes[place - 1] + (volumes[place] - volumes[place - 1]) * part


def _of_day(cumulative: Sequence[float], at: int) -> float:
    """Cumulative volume ``at`` nanoseconds after a midnight, of a market whose every day is the same."""
    days, rest = divmod(at, DAY_NS)
    place, part = divmod(rest * (len(cumulative) - 1), DAY_NS)
    step = cumulative[place + 1] - cumulative[place]
    return days * cumulative[-1] + cumulative[place] + step * part / DAY_NS


def _span_text(span_ns: int) -> str:
    seconds = span_ns // NS_PER_S
    return f"{seconds // 60} min" if seconds >= 120 else f"{seconds} s"
