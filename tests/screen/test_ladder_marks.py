"""The ladder's own columns: whose child an order is, and what parent orders keep here at a price."""

import pytest
from msgspec.structs import replace

from jackbot_tui.desk.views import KeptView
from jackbot_tui.tui.view.ink import Ink
from jackbot_tui.tui.view.ladder import OwnAtRow, own_by_row, own_text
from jackbot_tui.tui.view.layout import Panel
from tests.screen.stage import staged
from tests.screen.test_fills_page import ORDER

CHILD = replace(ORDER, parent="maker p3")
STOP = KeptView(4, "k", "sell", "stop", "0.5", "60000", 7)


@pytest.mark.parametrize(
    ("at", "width", "text"),
    [
        (OwnAtRow(0.5, 12.0, 30.0, False, parent="p3"), 14, "+.5 p3 q12/30"),
        (OwnAtRow(0.5, 12.0, 30.0, False, parent="p3"), 10, "+.5 p3 q12"),
        (OwnAtRow(0.5, 12.0, -1.0, False, parent="p3"), 8, "+.5 p3q12"[:8]),
        (OwnAtRow(0.5, -1.0, -1.0, False, parent="p3", kept="stop"), 16, "(+.5 stop p3)"),
        (OwnAtRow(0.5, -1.0, -1.0, False, parent="p3", kept="stop"), 10, "(+.5 Sp3)"),
        (OwnAtRow(0.25, -1.0, -1.0, False, parent="p12", kept="armed"), 10, "(+.25Ap12)"),
        (OwnAtRow(0.25, -1.0, -1.0, False, parent="p3", kept="armed"), 8, "(.25Ap3)"),
        (OwnAtRow(12.5, -1.0, -1.0, False, parent="p3", kept="armed"), 7, "(Ap3)"),
        (OwnAtRow(0.0, -1.0, -1.0, False, parent="p3", kept="stop"), 10, "(+ Sp3)"),
    ],
)
def test_the_parent_is_named_beside_the_size(at: OwnAtRow, width: int, text: str) -> None:
    assert own_text(at, "+", width) == text


def test_an_order_at_the_venue_hides_what_is_kept_at_its_row() -> None:
    found = own_by_row([replace(CHILD, side="sell", index=7)], "k", [STOP])
    assert found[False, 7].parent == "p3" and not found[False, 7].kept
    assert own_by_row([CHILD], "k", [STOP])[False, 7].kept == "stop"
    assert own_by_row([], "other", [STOP]) == {}


def test_a_row_of_several_parents_says_so_and_one_with_a_persons_order_is_the_persons() -> None:
    other = replace(CHILD, number=2, parent="twap p4")
    assert own_by_row([CHILD, other], "k")[True, ORDER.index].parent == "p+"
    assert own_by_row([CHILD, ORDER], "k")[True, ORDER.index].parent == ""


def test_children_and_what_is_kept_have_inks_of_their_own() -> None:
    child, kept = own_by_row([CHILD], "k", [STOP]).values().__reversed__()
    assert (child.ink, kept.ink) == (Ink.OWN_PARENT, Ink.OWN_KEPT)


async def test_the_ladder_shows_both_and_counts_what_is_out_of_sight() -> None:
    async with staged() as stage:
        state = stage.app.state
        book = stage.app.glass.book
        assert book is not None
        low, far = state.axis.bottom + 2, state.axis.bottom - 50
        stage.link.kept = [
            KeptView(4, book.key, "sell", "stop", "0.5", "1", low),
            KeptView(5, book.key, "buy", "armed", "0.2", "1", far),
        ]
        before = "\n".join(stage.panel(Panel.LADDER))
        await stage.frame()
        stage.app.draw(True)
        shown = "\n".join(stage.panel(Panel.LADDER))
        assert "p4)" in shown and "p4)" not in before
        assert "below" in shown.splitlines()[-1]
