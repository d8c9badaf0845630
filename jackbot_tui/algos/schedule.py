"""When how much of a sliced order should be done: curves over time, made irregular by the order's own seed.

Pure: a schedule follows from terms and seed alone, so a restart finds the same one. Used by ``slicing``.
"""

import math
import random
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate, pairwise

from msgspec import Struct

CURVES = ("even", "front", "back", "s", "u", "walk")
BURSTS = 1.0
"""Spread of the logarithm of random distances, which are log-normal: their coefficient of variation is 1.3, more than
that of pure chance, for trades come in bursts."""

SPREAD_OF_SIZE = 0.5
"""How far a slice's size may differ from its part of the curve, at 100 % irregularity."""


class Slice(Struct, frozen=True):
    """``begins_ns`` after the start; ``until`` is the share of the whole that should be done when it ends, 0..1."""

    begins_ns: int
    until: float


@lru_cache(maxsize=256)
def schedule(
    over_ns: int, count: int, curve: str, irregular: float, seed: int, weights: tuple[float, ...] = ()
) -> tuple[Slice, ...]:
    """``count`` slices over ``over_ns``; ``weights`` in equal parts of the time take the place of ``curve``.

    ``irregular`` 0..1 is the share of chance in the distances: at 0 they are equal, at 1 they are as spread as
    those of trades, which come in bursts. A slice does what the curve has until the next one begins, so sizes are as
    irregular, and it stays on the curve all the same.
    """
    rng = random.Random(seed)
    shape = list(accumulate(weights or _weights(count, curve, rng), initial=0.0))
    gaps = [1 - irregular + irregular * _burst(rng) for _ in range(count)]
    edges = [edge / sum(gaps) for edge in accumulate(gaps, initial=0.0)]
    parts = [
        (_at(shape, later) - _at(shape, earlier)) * (1 + irregular * SPREAD_OF_SIZE * rng.uniform(-1, 1))
        for earlier, later in pairwise(edges)
    ]
    total = sum(parts)
    slices = [
        Slice(round(edge * over_ns), done / total) for edge, done in zip(edges[:-1], accumulate(parts), strict=True)
    ]
    return (*slices[:-1], Slice(slices[-1].begins_ns, 1.0))


@lru_cache(maxsize=1024)
def drawn_wait(seed: int, number: int) -> float:
    """As ``draw``, a positive number with mean 1 that is as spread as the distances of trades."""
    return _burst(random.Random(seed * 1_000_003 + number))


def _burst(rng: random.Random) -> float:
    return math.exp(rng.gauss(-BURSTS * BURSTS / 2, BURSTS))


@lru_cache(maxsize=1024)
def draw(seed: int, number: int) -> float:
    """A number of 0..1 that follows from a seed and a count, as if drawn."""
    return random.Random(seed * 1_000_003 + number).random()


def _at(shape: list[float], place: float) -> float:
    """Value of a curve that is given at equal distances, ``place`` 0..1 of the way."""
    at = place * (len(shape) - 1)
    below = min(int(at), len(shape) - 2)
    return shape[below] + (shape[below + 1] - shape[below]) * (at - below)


def slice_at(slices: tuple[Slice, ...], elapsed_ns: int) -> int:
    """Place of the slice that runs ``elapsed_ns`` after the start."""
    return max(0, bisect_right(slices, elapsed_ns, key=lambda each: each.begins_ns) - 1)


def _weights(count: int, curve: str, rng: random.Random) -> list[float]:
    """Relative sizes in order of time; none is below a fifth of the mean."""
    places = [(index + 0.5) / count for index in range(count)]
    match curve:
        case "front":
            raw = [2 - 2 * place for place in places]
        case "back":
            raw = [2 * place for place in places]
        case "s":
            raw = [math.sin(math.pi * place) for place in places]
        case "u":
            raw = [abs(2 * place - 1) for place in places]
        case "walk":
            raw, level = [], 1.0
            for _ in places:
                level = min(2.0, max(0.4, level + rng.uniform(-0.4, 0.4)))
                raw.append(level)
        case _:
            raw = [1.0] * count
    least = 0.2 * sum(raw) / count
    return [max(least, each) for each in raw]
