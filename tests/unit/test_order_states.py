"""The state diagram of the live page: what it draws is what the state machine does, all of it."""

import pytest

from jackbot_tui.execution.states import WORDS, moves, state_diagram
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.transitions import LEGAL

S = OrderStatus
MOVES = moves()


def test_every_event_has_a_word_and_every_state_is_drawn() -> None:
    assert set(WORDS) == set(LEGAL)
    drawn = {status for place in MOVES for status in place}
    assert drawn == set(OrderStatus)


def test_what_is_over_moves_to_filled_alone_and_only_by_a_fill() -> None:
    ends = {place: words for place, words in MOVES.items() if not place[0].is_open}
    assert ends == {(S.CANCELED, S.FILLED): ["last fill"], (S.EXPIRED, S.FILLED): ["last fill"]}


@pytest.mark.parametrize("status", [status for status in OrderStatus if status.is_open])
def test_an_open_order_may_always_end_as_canceled_and_its_fate_may_always_be_lost(status: OrderStatus) -> None:
    assert "canceled" in MOVES[status, S.CANCELED]
    assert status is S.PENDING_UNKNOWN or MOVES[status, S.PENDING_UNKNOWN] == ["answer lost"]


def test_an_unknown_fate_ends_with_the_venues_word_and_never_with_a_wish_of_ours() -> None:
    words = {word for (before, _), said in MOVES.items() if before is S.PENDING_UNKNOWN for word in said}
    assert not words & {"cancel asked", "amend asked", "answer lost"}
    assert (S.PENDING_UNKNOWN, S.PENDING_NEW) not in MOVES


def test_the_diagram_has_one_line_a_move() -> None:
    lines = state_diagram().splitlines()
    assert sum("-->" in line and "[*]" not in line for line in lines) == len(MOVES)
    assert "    PARTIALLY_FILLED --> FILLED: amended, last fill" in lines
