"""The footprint: what a clock, what equal sizes and what the tape itself amount to; and who keeps the trail."""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from jackbot_tui.algos.footprint import LEAST, Footprint, Mark, Trail, Verdict, of_plan
from jackbot_tui.algos.state import Kind
from jackbot_tui.desk.parent_words import footprint_words
from jackbot_tui.model.clock import NS_PER_S
from tests.parents_world import BUY, SELL, ParentsWorld

Draw = Callable[[random.Random], float]
TAPE_SIZES = (0.001, 0.002, 0.005, 0.01, 0.013, 0.5)


def trail(seed: int, gap: Draw, size: Draw, count: int = 24) -> Trail:
    """Children at those distances (s) and sizes, on a tape of five chance trades a second in popular sizes."""
    rng, made, now = random.Random(seed), Trail(seed, 0.001), 0.0
    for _ in range(count):
        step = gap(rng)
        for at in sorted(rng.uniform(now, now + step) for _ in range(round(step * 5))):
            popular = rng.random() < 0.6
            made.trade(int(at * NS_PER_S), rng.choice(TAPE_SIZES) if popular else rng.randint(1, 300) / 1000)
        now += step
        made.child(int(now * NS_PER_S), size(rng))
    return made


def by_chance(rng: random.Random) -> float:
    return rng.expovariate(0.2) + 0.01


def odd_size(rng: random.Random) -> float:
    return (rng.randint(5, 200) * 2 + 1) / 1000


def caught(gap: Draw, size: Draw) -> list[Footprint]:
    found = [trail(seed, gap, size).footprint() for seed in range(25)]
    return [each for each in found if each.verdict is Verdict.STANDS_OUT]


def test_a_clock_with_equal_sizes_is_always_caught() -> None:
    found = caught(lambda _: 5.0, lambda _: 0.015)
    assert len(found) == 25
    assert all(each.rhythm > 0.99 and each.period_s == pytest.approx(5.0) and each.repeats > 0.9 for each in found)


def test_a_clock_is_caught_whatever_its_sizes() -> None:
    found = caught(lambda rng: 5.0 + rng.uniform(-0.5, 0.5), odd_size)
    assert len(found) == 25
    assert {each.by for each in found} <= {"rhythm", "evenness"}


def test_equal_sizes_are_caught_whatever_their_times() -> None:
    found = caught(by_chance, lambda _: 0.015)
    assert len(found) == 25
    assert {each.by for each in found} == {"repeats"}


def test_round_sizes_are_caught() -> None:
    assert "round" in {each.by for each in caught(by_chance, lambda rng: rng.randint(1, 90) / 100)}


def test_what_is_like_the_tape_is_caught_about_as_often_as_the_test_allows() -> None:
    assert len(caught(by_chance, odd_size)) <= 4


def test_few_children_or_a_silent_tape_tell_nothing() -> None:
    assert trail(1, by_chance, odd_size, LEAST - 1).footprint().verdict is Verdict.FEW
    silent = Trail(1, 0.001)
    for number in range(20):
        silent.child(number * NS_PER_S, 0.1)
    assert silent.footprint().verdict is Verdict.FEW


def test_the_same_trail_gives_the_same_figures() -> None:
    assert trail(3, by_chance, odd_size).footprint() == trail(3, by_chance, odd_size).footprint()


def test_a_plan_tells_its_rhythm_before_it_begins() -> None:
    clock = of_plan([Mark(number * 5 * NS_PER_S, 0.015) for number in range(20)], 0.001)
    assert (clock.verdict, round(clock.rhythm, 3), round(clock.period_s, 2)) == (Verdict.STANDS_OUT, 1.0, 5.0)
    rng = random.Random(5)
    chance = of_plan([Mark(at, 0.015) for at in sorted(rng.randrange(10**11) for _ in range(20))], 0.001)
    assert chance.verdict is Verdict.LIKE_THE_TAPE


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, ""),
        (Footprint(children=3, verdict=Verdict.FEW), "too few to tell"),
        (Footprint(children=9, verdict=Verdict.LIKE_THE_TAPE, p=0.44), "like the tape, p 0.44"),
        (
            Footprint(children=9, verdict=Verdict.STANDS_OUT, p=0.04, by="rhythm", period_s=5.04),
            "stands out by its rhythm of 5.0 s, p 0.04",
        ),
        (
            Footprint(children=9, verdict=Verdict.STANDS_OUT, p=0.04, by="repeats", repeats=0.9),
            "stands out by 90% repeated sizes, p 0.04",
        ),
    ],
)
def test_it_is_told_in_a_few_words(found: Footprint | None, words: str) -> None:
    assert footprint_words(found) == words


def test_the_host_measures_running_and_ended_orders_against_the_tape() -> None:
    world, rng = ParentsWorld(), random.Random(2)
    number = world.begin(Kind.TWAP, BUY, "1", over="60s", slices="20", random="0", style="take", slip="100")
    maker = world.begin(Kind.MAKER, SELL, "50")
    for turn in range(120):
        if turn == 60:
            running = world.engine.parents.pictures()[0].footprint
            assert running is not None and running.verdict is Verdict.STANDS_OUT
        for _ in range(rng.randint(0, 3)):
            world.trade(BUY, "100.5", str(rng.choice(TAPE_SIZES)))
        world.book("100.0", "100.5")
        world.step(rng.choice((100, 400, 600, 900)))
    picture = world.look(number)
    assert not picture.status.is_open
    assert picture.footprint is not None
    assert picture.footprint.verdict is Verdict.STANDS_OUT
    assert picture.footprint.period_s == pytest.approx(3.0, rel=0.1)
    assert world.look(maker).footprint is None


def test_a_screen_that_looks_all_the_time_gets_it_in_steps() -> None:
    world, rng = ParentsWorld(), random.Random(2)
    world.begin(Kind.TWAP, BUY, "1", over="60s", slices="20", random="0", style="take", slip="100")
    for _ in range(80):
        world.trade(BUY, "100.5", str(rng.choice(TAPE_SIZES)))
        world.book("100.0", "100.5")
        world.step(500)
    first = world.engine.parents.pictures()[0].footprint  # a single look is answered at once
    assert first is not None
    looks = [first]
    for _ in range(40):
        world.step(200)
        found = world.engine.parents.pictures()[0].footprint
        assert found is not None
        looks.append(found)
    assert len({each.p for each in looks} | {each.tape_rhythm for each in looks}) > 1
    assert sum(later != earlier for earlier, later in pairwise(looks)) == 1


def test_measuring_in_steps_finds_the_same() -> None:
    made = trail(3, by_chance, odd_size)
    steps, measuring = 0, made.measuring()
    while True:
        try:
            next(measuring)
        except StopIteration as stop:
            found = stop.value
            break
        steps += 1
    assert steps == 11
    assert found == made.footprint()
