"""The ladder's axis: when it stays and when it jumps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.tui.view.axis import CLICK_GUARD_NS, DWELL_NS, EDGE_ROWS, LadderAxis

ROWS = 21


@pytest.fixture
def axis() -> LadderAxis:
    axis = LadderAxis(ROWS)
    axis.follow(1000, 0, pinned=False)
    return axis


def test_first_inside_is_centred(axis: LadderAxis) -> None:
    assert axis.row_of(1000) == ROWS // 2
    assert axis.index_at(0) == axis.top
    assert axis.top - axis.bottom == ROWS - 1


def test_axis_stays_while_the_inside_is_in_the_middle(axis: LadderAxis) -> None:
    assert not any(axis.follow(1000 + step, DWELL_NS * 10 + step, pinned=False) for step in (-5, 5, 0, 3))
    assert axis.centre == 1000


def test_axis_follows_after_the_dwell_and_not_before(axis: LadderAxis) -> None:
    outside = 1000 + 8
    assert not axis.follow(outside, 10, pinned=False)
    assert not axis.follow(outside, 10 + DWELL_NS - 1, pinned=False)
    assert axis.follow(outside, 10 + DWELL_NS, pinned=False)
    assert axis.centre == outside


def test_a_visit_to_the_middle_starts_the_dwell_again(axis: LadderAxis) -> None:
    axis.follow(1008, 0, pinned=False)
    axis.follow(1000, DWELL_NS - 1, pinned=False)
    assert not axis.follow(1008, DWELL_NS + 1, pinned=False)


def test_close_to_an_edge_the_axis_follows_at_once(axis: LadderAxis) -> None:
    assert axis.follow(axis.top - EDGE_ROWS + 1, 5, pinned=False)


@pytest.mark.parametrize("held", [True, False])
def test_axis_never_jumps_while_somebody_is_about_to_act(axis: LadderAxis, held: bool) -> None:
    axis.held = held
    for now in (0, DWELL_NS, 10 * DWELL_NS):
        assert not axis.follow(5000, now, pinned=not held)
    assert axis.centre == 1000


def test_centring_by_hand_releases_the_hold(axis: LadderAxis) -> None:
    axis.scroll(4)
    assert axis.held and axis.centre == 1004
    axis.centre_on(990, 7)
    assert not axis.held and axis.centre == 990


def test_clicks_are_ignored_right_after_a_jump(axis: LadderAxis) -> None:
    axis.centre_on(1200, 1_000_000_000)
    assert not axis.click_allowed(1_000_000_000 + CLICK_GUARD_NS - 1)
    assert axis.click_allowed(1_000_000_000 + CLICK_GUARD_NS)


@given(
    rows=st.integers(5, 60),
    moves=st.lists(st.tuples(st.integers(-40, 40), st.integers(0, DWELL_NS), st.booleans()), max_size=60),
)
def test_an_unpinned_inside_is_always_in_the_window(rows: int, moves: list[tuple[int, int, bool]]) -> None:
    axis = LadderAxis(rows)
    inside, now = 10_000, 0
    axis.follow(inside, now, pinned=False)
    for step, wait, pinned in moves:
        inside, now = inside + step, now + wait
        before = axis.centre
        jumped = axis.follow(inside, now, pinned)
        assert jumped == (axis.centre != before) or axis.centre == inside
        if pinned:
            assert axis.centre == before
        else:
            assert axis.shows(inside)
