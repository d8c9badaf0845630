"""The soak's own arithmetic: what is growth, and what is one step of an allocator."""

import random

import pytest

from tests.soak.measure import Samples, theil_sen

MB = 1_000_000


def samples(sizes_mb: list[float], step_s: float = 10.0) -> Samples:
    at = [step_s * number for number in range(1, len(sizes_mb) + 1)]
    return Samples("engine", at, [round(size * MB) for size in sizes_mb], [0.0] * len(at))


def test_a_steady_growth_is_found_under_noise_and_odd_samples() -> None:
    rng = random.Random(1)
    sizes = [60 + 12 * number * 10 / 3600 + rng.uniform(-0.05, 0.05) for number in range(120)]
    sizes[40] += 30
    assert samples(sizes).course(0).slope == pytest.approx(12, abs=0.5)


def test_a_step_in_the_warm_up_or_at_the_end_is_span_and_not_slope() -> None:
    course = samples([60.0] * 100 + [60.3] * 20).course(0)
    assert course.slope == 0
    assert course.highest - course.lowest == pytest.approx(0.3)
    assert samples([30.0, *[60.0] * 60]).course(15).highest == 60


def test_windows_tell_a_plateau_from_a_slow_start() -> None:
    growing = [60 + number / 20 for number in range(60)]
    whole, first, second = samples([*growing, *[63.0] * 60]).courses(0)
    assert first.slope == pytest.approx(18, abs=0.5)
    assert second.slope == 0 < whole.slope
    assert "minute  0.2..10.0" in str(first)


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 9.0)]])
def test_too_few_points_have_no_slope(points: list[tuple[float, float]]) -> None:
    assert theil_sen(points) == 0
