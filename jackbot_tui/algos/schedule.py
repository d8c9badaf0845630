"""When how much of a sliced order should be done: curves over time, made irregular by the order's own seed.

Pure: a schedule follows from terms and seed alone, so a restart finds the same one. Used by ``twap``.
"""

import math
import random
from bisect import bisect_right
from functools import lru_cache

from msgspec import Struct

CURVES = ("even", "front", "back", "s", "u", "walk")
JITTER_OF_TIME = 0.8
"""How far a beginning may move between its neighbours, of half their distance, at 100 % irregularity."""


class Slice(Struct, frozen=True):
    """``begins_ns`` after the start; ``until`` is the share of the whole that should be done when it ends, 0..1."""

    begins_ns: int
    until: float


@lru_cache(maxsize=256)
def schedule(over_ns: int, count: int, curve: str, irregular: float, seed: int) -> tuple[Slice, ...]:
    """``count`` slices over ``over_ns``; ``irregular`` 0..1 moves sizes and beginnings by up to that share."""
    rng = random.Random(seed)
    weights = _weights(count, curve, rng)
    weights = [weight * (1 + irregular * rng.uniform(-1, 1)) for weight in weights]
    step = over_ns / count
    begins = [0] + [
        round(index * step + irregular * JITTER_OF_TIME * rng.uniform(-0.5, 0.5) * step) for index in range(1, count)
    ]
    total, done = sum(weights), 0.0
    slices = []
    for begin, weight in zip(begins, weights, strict=True):
        done += weight
        slices.append(Slice(begin, done / total))
    return (*slices[:-1], Slice(slices[-1].begins_ns, 1.0))


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
