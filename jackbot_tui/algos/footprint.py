"""How far the children of a sliced order stand out from the tape: a test, its figures, and what they would be at worst.

``Trail`` collects children and, between them, a fair sample of the trades that others made, and compares them. Pure:
random only by a seed, no clock. The engine's host keeps a trail per order; panels show the ``Footprint``.

The test. Four figures are taken of the newest children: *rhythm*, the largest Rayleigh power
|sum exp(2 pi i t / P)|^2 / n^2 over candidate periods P (1 for a clock, about ln(n) / n for chance); *evenness*, how
little their distances differ (1 minus their coefficient of variation); *repeats*, the share of sizes used before;
*round*, the share at multiples of ten lots. The same figures are taken of ``DRAWS`` sets of as many trades, drawn from
the tape in the same time. The p-value of a figure is the share of these sets, the own one counted with them, that have
at least as much of it (a Monte Carlo test, Barnard 1963); the smallest of the four times four (Bonferroni) is that of
the order. At ``LEVEL`` or below it stands out. Less rhythm, or fewer repeats, than the tape has is no trace.
"""

import cmath
import math
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Generator, Sequence
from enum import StrEnum
from itertools import accumulate, pairwise
from operator import mul
from statistics import fmean

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S

LEVEL = 0.05
DRAWS = 99
NEWEST = 24
"""Children that are looked at: the newest."""

LEAST = 8
"""Fewer tell nothing."""

KEPT_BETWEEN = 24
"""Trades kept of those between two children; the count of all is kept beside them."""

ONE_EVENT_NS = 250 * NS_PER_MS
"""Children closer than this are one event in time: a cancel and what follows it."""

DRAWS_AT_ONCE = 9
DRAWN_FOR_ONE = 3
"""Trades drawn for each child, for there are some too close to others."""

LONGEST_PERIODS = 4
"""A period must fit so often into the time, else a slow change would look like one."""

ROUND_LOTS = 10
FIGURES = ("rhythm", "evenness", "repeats", "round")


class Mark(Struct, frozen=True, gc=False, eq=False):
    """Something that could be seen: when (ns) and how large (base units)."""

    ns: int
    size: float


class Verdict(StrEnum):
    FEW = "few"  # too few children or trades to tell
    LIKE_THE_TAPE = "like the tape"
    STANDS_OUT = "stands out"


class Footprint(Struct, frozen=True, kw_only=True):
    """Figures 0..1 of ``children`` (see the module), beside the mean of the tape's. The naive TWAP has 1 nearly.

    ``period_s`` is where the rhythm is strongest. ``p``: how likely the tape looks like this, ``by``: the figure that
    stands out most.
    """

    children: int
    verdict: Verdict
    p: float = 1.0
    by: str = ""
    rhythm: float = 0.0
    period_s: float = 0.0
    evenness: float = 0.0
    repeats: float = 0.0
    round: float = 0.0
    tape_rhythm: float = 0.0
    tape_evenness: float = 0.0
    tape_repeats: float = 0.0
    tape_round: float = 0.0


Measuring = Generator[None, None, Footprint]
"""A test under way; what it returns is the footprint."""


class Between(Struct):
    """Trades of others between two children: how many, and a sample in which each is as likely."""

    count: int
    kept: list[Mark]


class Trail:
    """Own children and the tape around them, the newest only. ``seed`` decides which trades are kept."""

    def __init__(self, seed: int, lot: float) -> None:
        self.lot = lot
        self.children: deque[Mark] = deque(maxlen=NEWEST)
        self.placed = 0
        """Children altogether."""
        self._between: deque[Between] = deque(maxlen=NEWEST - 1)
        self._now = Between(0, [])
        self._rng = random.Random(seed)

    def child(self, ns: int, size: float) -> None:
        """One was placed."""
        if self.children:
            self._between.append(self._now)
        self._now = Between(0, [])
        self.children.append(Mark(ns, size))
        self.placed += 1

    def trade(self, ns: int, size: float) -> None:
        """Somebody traded. Algorithm R: after n trades each of them is kept with the same chance."""
        now = self._now
        now.count += 1
        if len(now.kept) < KEPT_BETWEEN:
            now.kept.append(Mark(ns, size))
            return
        place = int(self._rng.random() * now.count)
        if place < KEPT_BETWEEN:
            now.kept[place] = Mark(ns, size)

    def footprint(self) -> Footprint:
        """The children as they are now against the tape between them."""
        return finished(self.measuring())

    def measuring(self) -> Measuring:
        """The same in steps of a millisecond or two, for whoever must not be kept waiting."""
        return _measured(list(self.children), list(self._between), self.lot, self.placed)


def finished(measuring: Measuring) -> Footprint:
    """All its steps at once."""
    while True:
        try:
            next(measuring)
        except StopIteration as stop:
            found: Footprint = stop.value
            return found


def _measured(children: Sequence[Mark], between: Sequence[Between], lot: float, seed: int) -> Measuring:
    """The test of the module's paragraph. ``lot`` is the smallest step of sizes."""
    events = _events([mark.ns for mark in children])
    others = sum(each.count for each in between)
    few = Footprint(children=len(children), verdict=Verdict.FEW)
    if len(events) < LEAST or others < 2 * len(children) or events[-1] == events[0]:
        return few
    grid = _Grid(events[0], events[-1], len(events))
    power, period = grid.strongest(events)
    own = (power, _evenness(events), *_of_sizes([mark.size for mark in children], lot))
    rng = random.Random(seed)
    tape = [mark for each in between for mark in each.kept]
    chances_of = list(accumulate(each.count / len(each.kept) for each in between for _ in each.kept))
    draws: list[tuple[float, ...]] = []
    for number in range(DRAWS):
        if number % DRAWS_AT_ONCE == 0:
            yield
        # Each trade of the tape is as likely as any other, and none is there twice.
        drawn = list(dict.fromkeys(rng.choices(tape, cum_weights=chances_of, k=DRAWN_FOR_ONE * len(children))))
        times = _apart([mark.ns for mark in drawn], len(events))
        if len(times) < LEAST:
            return few
        sizes = [mark.size for mark in drawn[: len(children)]]
        draws.append((grid.strongest(times)[0], _evenness(times), *_of_sizes(sizes, lot)))
    chances = [(1 + sum(draw[place] >= own[place] for draw in draws)) / (1 + DRAWS) for place in range(len(FIGURES))]
    p = min(1.0, len(FIGURES) * min(chances))
    means = [fmean(draw[place] for draw in draws) for place in range(len(FIGURES))]
    return Footprint(
        children=len(children),
        verdict=Verdict.STANDS_OUT if p <= LEVEL else Verdict.LIKE_THE_TAPE,
        p=p,
        by=FIGURES[chances.index(min(chances))],
        rhythm=own[0],
        period_s=period,
        evenness=own[1],
        repeats=own[2],
        round=own[3],
        tape_rhythm=means[0],
        tape_evenness=means[1],
        tape_repeats=means[2],
        tape_round=means[3],
    )


class _Grid:
    """Candidate periods of ``count`` events in a time: from a quarter of it down to 0.8 of their mean distance."""

    def __init__(self, first_ns: int, last_ns: int, count: int) -> None:
        self._first = first_ns
        self._span = max(1, last_ns - first_ns)
        self._lowest = LONGEST_PERIODS
        self.independent = max(1, math.ceil(1.25 * count) - LONGEST_PERIODS)
        self._steps = 2 * self.independent  # half a turn over the whole time each

    def strongest(self, times: Sequence[int]) -> tuple[float, float]:
        """The largest Rayleigh power of them (0..1), and its period in seconds."""
        places = [(at - self._first) / self._span * 2 * math.pi for at in times]
        turned = [cmath.rect(1.0, self._lowest * place) for place in places]
        step = [cmath.rect(1.0, place / 2) for place in places]
        best, best_at = 0.0, 0
        for at in range(self._steps + 1):
            total = sum(turned)
            power = total.real * total.real + total.imag * total.imag
            if power > best:
                best, best_at = power, at
            turned = list(map(mul, turned, step))
        period = self._span / (self._lowest + best_at / 2) / NS_PER_S
        return best / len(times) ** 2, period


def of_plan(plan: Sequence[Mark], lot: float) -> Footprint:
    """What a schedule shows before there are children: rhythm against chance, without a tape to compare with.

    The power of n random times at one period is exponential with mean 1/n, the periods are as good as independent: that
    makes the p-value.
    """
    marks = plan[:NEWEST]
    if len(marks) < LEAST:
        return Footprint(children=len(marks), verdict=Verdict.FEW)
    grid = _Grid(marks[0].ns, marks[-1].ns, len(marks))
    power, period = grid.strongest([mark.ns for mark in marks])
    p = 1 - (1 - math.exp(-len(marks) * power)) ** grid.independent
    repeats, at_round = _of_sizes([mark.size for mark in marks], lot)
    return Footprint(
        children=len(marks),
        verdict=Verdict.STANDS_OUT if p <= LEVEL else Verdict.LIKE_THE_TAPE,
        p=p,
        by=FIGURES[0],
        rhythm=power,
        period_s=period,
        evenness=_evenness([mark.ns for mark in marks]),
        repeats=repeats,
        round=at_round,
    )


def _events(times: Sequence[int]) -> list[int]:
    """Times in order, what is close together told once."""
    events: list[int] = []
    for at in sorted(times):
        if not events or at - events[-1] >= ONE_EVENT_NS:
            events.append(at)
    return events


def _apart(times: Sequence[int], most: int) -> list[int]:
    """The first ``most`` of them that are as far from one another as events are, in order of time."""
    taken: list[int] = []
    for at in times:
        place = bisect_left(taken, at)
        before = place == 0 or at - taken[place - 1] >= ONE_EVENT_NS
        if before and (place == len(taken) or taken[place] - at >= ONE_EVENT_NS):
            taken.insert(place, at)
            if len(taken) == most:
                break
    return taken


def _evenness(times: Sequence[int]) -> float:
    """1 for equal distances, 0 for those of a random process, below for bursts."""
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    return 1 - spread / mean if mean else -1.0


def _of_sizes(sizes: Sequence[float], lot: float) -> tuple[float, float]:
    lots = [round(size / lot) for size in sizes]
    repeats = 1 - len(set(lots)) / len(lots)
    return repeats, sum(not each % ROUND_LOTS for each in lots) / len(lots)
