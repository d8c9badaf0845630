"""The system's clock: follows the wall, and never goes backwards."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.model.clock import CATCH_UP, CLEAN_READ_NS, LOOK_NS, NS_PER_S, SystemClock

WALL = 1_700_000_000 * NS_PER_S


class Hardware:
    """A wall clock and a monotonic clock that the test moves; ``reading_ns`` passes while the wall is read."""

    def __init__(self) -> None:
        self.passed = 7 * NS_PER_S
        self.put = WALL
        self.reading_ns = 0

    def wall(self) -> int:
        self.passed += self.reading_ns
        return self.put + self.passed

    def monotonic(self) -> int:
        return self.passed

    def clock(self) -> SystemClock:
        return SystemClock(self.wall, self.monotonic)


def test_a_wall_clock_put_forward_and_a_machine_that_slept_are_followed() -> None:
    hardware = Hardware()
    clock = hardware.clock()
    hardware.passed += 10 * NS_PER_S
    assert clock.now_ns() == hardware.wall()
    hardware.put += 3600 * NS_PER_S
    hardware.passed += LOOK_NS
    assert clock.now_ns() == hardware.wall()


def test_a_wall_clock_put_back_is_waited_for_without_standing_still() -> None:
    hardware = Hardware()
    clock = hardware.clock()
    hardware.put -= 2 * NS_PER_S
    seen = [clock.now_ns()]
    for _ in range(2 * CATCH_UP + 2):
        hardware.passed += NS_PER_S
        seen.append(clock.now_ns())
    steps = {later - earlier for earlier, later in pairwise(seen)}
    assert min(steps) == NS_PER_S - NS_PER_S // CATCH_UP
    assert clock.now_ns() == hardware.wall()


def test_a_reading_that_was_held_up_is_not_believed() -> None:
    hardware = Hardware()
    clock = hardware.clock()
    hardware.passed += LOOK_NS
    before = hardware.wall()
    hardware.reading_ns = CLEAN_READ_NS + 1
    assert clock.now_ns() == before
    hardware.reading_ns = 0
    assert clock.now_ns() == hardware.wall()


@given(st.lists(st.tuples(st.integers(0, 3 * NS_PER_S), st.integers(-5 * NS_PER_S, 5 * NS_PER_S)), max_size=40))
def test_it_never_runs_backwards(moves: list[tuple[int, int]]) -> None:
    hardware = Hardware()
    clock = hardware.clock()
    last = clock.now_ns()
    for passed, step in moves:
        hardware.passed += passed
        hardware.put += step
        now = clock.now_ns()
        assert now >= last
        last = now
