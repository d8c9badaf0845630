"""Panels never overlap and never leave the terminal, whatever its size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.tui.view.layout import Panel, Size, plan


@given(st.integers(1, 400), st.integers(1, 150))
def test_panels_cover_no_cell_twice_and_stay_on_the_terminal(width: int, height: int) -> None:
    taken: set[tuple[int, int]] = set()
    for box in plan(width, height).boxes.values():
        assert box.width > 0 and box.height > 0
        assert box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height
        # Corners and edges are enough: boxes are rectangles of at most the terminal's size.
        cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (59, 40, Size.TOO_SMALL),
        (200, 14, Size.TOO_SMALL),
        (60, 15, Size.MINIMAL),
        (79, 24, Size.MINIMAL),
        (80, 23, Size.MINIMAL),
        (80, 24, Size.SMALL),
        (119, 50, Size.SMALL),
        (120, 40, Size.MEDIUM),
        (200, 60, Size.LARGE),
    ],
)
def test_designs_change_at_the_sizes_of_the_specification(width: int, height: int, size: Size) -> None:
    assert plan(width, height).size is size


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)])
def test_what_never_collapses_is_there(size: tuple[int, int]) -> None:
    boxes = plan(*size).boxes
    assert {Panel.HEADER, Panel.LADDER, Panel.PREVIEW, Panel.COMMAND} <= set(boxes)


def test_80x24_has_thirteen_price_rows() -> None:
    assert plan(80, 24).boxes[Panel.LADDER].height - 2 == 13
    assert plan(80, 24).boxes[Panel.LADDER].width == 50


def test_120x40_has_twenty_price_rows() -> None:
    assert plan(120, 40).boxes[Panel.LADDER].height - 3 >= 20
    assert plan(120, 40).boxes[Panel.LADDER].width == 64
