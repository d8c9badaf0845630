"""What parent orders keep here, as the ladder is told: only at prices that are certain, only while it is watched."""

from decimal import Decimal

import pytest

from jackbot_tui.algos.state import Kind, ParentPicture, ParentStatus
from jackbot_tui.desk.kept import kept_of
from jackbot_tui.desk.views import ScreenView, ViewRequest
from jackbot_tui.model.enums import Side
from tests.desk_world import PERP
from tests.unit.test_desk_parents import Hand


def picture(
    kind: Kind,
    values: dict[str, str],
    *,
    side: Side = Side.BUY,
    filled: str = "0",
    exited: str = "0",
    status: ParentStatus = ParentStatus.RUNNING,
    orders: tuple[int, ...] = (),
) -> ParentPicture:
    return ParentPicture(
        number=3,
        parent_id="p3",
        kind=kind,
        key=PERP,
        side=side,
        quantity=Decimal(1),
        filled=Decimal(filled),
        average=Decimal(0),
        exited=Decimal(exited),
        status=status,
        why="",
        slippage_bp=None,
        saved=Decimal(0),
        maker_share=None,
        races=0,
        orders=orders,
        values=values,
        started_ns=1,
        ended_ns=0,
        wake_ns=0,
    )


STOP = {"stop": "90", "target": "110"}
ENTRY = {"on": "entry"}
TWO = ENTRY | {"sl": "90:50%,88"}


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (picture(Kind.PROPHET, {"price": "60"}), [("buy", "armed", "1", "60")]),
        (picture(Kind.PROPHET, {"price": "60"}, filled="0.4"), [("buy", "armed", "0.6", "60")]),
        (picture(Kind.PROPHET, {"price": "60"}, orders=(41,)), []),
        (picture(Kind.PROPHET, {"price": "60"}, status=ParentStatus.PAUSED), []),
        (picture(Kind.BRACKET, STOP), []),
        (picture(Kind.BRACKET, STOP, filled="0.4"), [("sell", "stop", "0.4", "90")]),
        (picture(Kind.BRACKET, STOP, filled="0.4", status=ParentStatus.PAUSED), [("sell", "stop", "0.4", "90")]),
        (picture(Kind.BRACKET, STOP, filled="0.4", status=ParentStatus.WAITING), []),
        (picture(Kind.OCO, STOP, side=Side.SELL), [("sell", "stop", "1", "90")]),
        (picture(Kind.OCO, STOP, side=Side.SELL, status=ParentStatus.PAUSED), []),
        (picture(Kind.SMART, ENTRY | {"sl": "90"}), []),
        (picture(Kind.SMART, ENTRY | {"sl": "90"}, filled="1"), [("sell", "stop", "1", "90")]),
        (picture(Kind.SMART, TWO, filled="1"), [("sell", "stop", "0", "90"), ("sell", "stop", "0", "88")]),
        (picture(Kind.SMART, TWO, filled="1", exited="0.5"), []),
        (picture(Kind.SMART, ENTRY | {"sl": "2%"}, filled="1"), []),
        (picture(Kind.SMART, ENTRY | {"sl": ""}, filled="1"), []),
        (picture(Kind.SMART, {"on": "position", "sl": "90"}, side=Side.SELL), [("sell", "stop", "1", "90")]),
        (picture(Kind.MAKER, {"limit": "99"}, filled="0.5"), []),
    ],
)  # fmt: skip
def test_only_what_is_certain_and_watched_is_told(what: ParentPicture, told: list[tuple[str, ...]]) -> None:
    found = [(k.side.value, k.what, str(k.quantity), str(k.price)) for k in kept_of([what])]
    assert found == told


def look(hand: Hand) -> ScreenView:
    return hand.desk.picture(hand.client, ViewRequest(key=PERP))


async def test_the_picture_marks_children_with_their_parent_and_what_is_kept_with_its_row() -> None:
    hand = Hand()
    await hand.say("oco sell 0.5 target=110 stop=95")
    hand.world.step(500)
    view = look(hand)
    assert [(order.parent, order.price) for order in view.orders] == [("oco p1", "110.0")]
    (kept,) = view.kept
    assert (kept.number, kept.side, kept.what, kept.quantity, kept.price) == (1, "sell", "stop", "0.5", "95.0")
    assert kept.index == view.orders[0].index - 30  # 15 below, ticks of 0.5
    await hand.say("task cancel 1")
    hand.world.step(500)
    assert look(hand).kept == []
