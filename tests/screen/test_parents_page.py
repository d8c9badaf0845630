"""The page of parent orders: what is said of each at any width, and the keys that steer the chosen one."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.algos.state import Kind, ParentPicture, ParentStatus
from jackbot_tui.desk.parent_words import parent_view
from jackbot_tui.desk.views import ParentView
from jackbot_tui.model.enums import Side
from jackbot_tui.tui.view.ink import row_width, text_row
from jackbot_tui.tui.view.parents import parent_rows
from tests.screen.stage import staged

SHOWN: ParentView = parent_view(
    ParentPicture(
        number=3,
        parent_id="p3",
        kind=Kind.MAKER,
        key="binance:BTC/USDT:USDT",
        side=Side.BUY,
        quantity=Decimal("0.5"),
        filled=Decimal("0.2"),
        average=Decimal("60998.5"),
        exited=Decimal(0),
        status=ParentStatus.RUNNING,
        why="#41 rests at 60998.5 at the top, keeps its place",
        slippage_bp=Decimal("-0.42"),
        saved=Decimal("3.6599"),
        maker_share=Decimal(1),
        races=1,
        orders=(41,),
        values={},
        started_ns=1,
        ended_ns=0,
        wake_ns=3_000_000_000,
    ),
    1_500_000_000,
)
OTHER = replace(SHOWN, number=4, kind="chase", status="paused", why="paused by ctl", wakes_in_ms=-1)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_row_is_as_wide_as_the_screen(width: int) -> None:
    assert {row_width(row) for block in parent_rows([SHOWN, OTHER], 1, width) for row in block} == {width}


def test_progress_figures_and_reason_are_told() -> None:
    (figures, why), (other, _) = (map(text_row, block) for block in parent_rows([SHOWN, OTHER], 0, 140))
    for part in (
        ">p3",
        "maker",
        "BUY",
        "RUNNING",
        "####......  40%",
        "0.2/0.5",
        "-0.42 bp",
        "100% maker, saved 3.6599",
    ):
        assert part in figures
    assert "keeps its place" in why and "next look in 1.5 s" in why
    assert ">p4" not in other


@pytest.mark.parametrize(
    ("width", "hidden", "seen"),
    [(80, "", "stands out"), (120, "footprint like the tape", "footprint stands out by its rhythm of 5.0 s")],
)
def test_the_footprint_is_told_before_the_reason(width: int, hidden: str, seen: str) -> None:
    quiet = replace(SHOWN, footprint="like the tape, p 0.44")
    loud = replace(SHOWN, footprint="stands out by its rhythm of 5.0 s, p 0.04", traced=True)
    (_, first, *_), (_, second, *_) = (tuple(map(text_row, block)) for block in parent_rows([quiet, loud], 0, width))
    assert first.split("#41")[0].strip() == hidden
    assert second.split("#41")[0].strip() == seen


def test_without_any_the_page_says_how_to_start_one() -> None:
    assert "twap, vwap, maker" in text_row(parent_rows([], 0, 100)[0][0])


def test_a_long_reason_goes_on_in_the_next_lines() -> None:
    long = "armed: " + "42000 is 31.15% below the market and the venue takes no buy below 57950.5 now " * 3
    (block,) = parent_rows([replace(SHOWN, why=long, traced=True)], 0, 80)
    text = " ".join(text_row(row).strip() for row in block[1:])
    assert text.startswith("stands out  armed:") and text.endswith("next look in 1.5 s")
    assert " ".join(text.split()).count("57950.5 now") == 3


async def test_the_chosen_one_stays_in_sight_whatever_the_reasons_take() -> None:
    async with staged((80, 24)) as stage:
        long = "waits: " + "the book is not LIVE because of a gap " * 5
        stage.link.parents = [replace(SHOWN, number=n, why=long) for n in range(1, 13)]
        await stage.press("P")
        await stage.frame()
        for number in (*range(2, 13), *range(11, 0, -1)):
            await stage.press("j" if stage.app.screen._place < number - 1 else "k")  # type: ignore[attr-defined]
            shown = "\n".join(text_row(row) for row in stage.app.screen.panel._rows)  # type: ignore[attr-defined]
            assert f">p{number} " in shown


async def test_parents_are_asked_for_only_while_their_page_is_open() -> None:
    async with staged() as stage:
        stage.link.parents = [SHOWN]
        seen = []
        for keys in ((), ("P",), ("escape",)):
            await stage.press(*keys)
            await stage.frame()
            seen.append(stage.app.glass.view and stage.app.glass.view.parents)
        assert seen == [None, [SHOWN], None]


async def test_keys_steer_the_chosen_one() -> None:
    async with staged() as stage:
        stage.link.parents = [SHOWN, OTHER]
        await stage.frame()
        await stage.press("P")
        await stage.frame()
        before = len(stage.lines())
        await stage.press("p")
        await stage.press("j", "x")
        assert stage.lines()[before:] == ["task pause 3", "task cancel 4"]
        await stage.press("f")
        assert stage.lines()[before:] == ["task pause 3", "task cancel 4"]  # what may trade is asked in the bar
        assert stage.app.trade.bar.value == "task finish 4"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_keys_of_the_page_are_all_told_and_kill_with_them(size: tuple[int, int]) -> None:
    async with staged(size) as stage:
        await stage.press("P")
        await stage.frame()
        keys = text_row(stage.app.screen.panel._rows[-1])  # type: ignore[attr-defined]
        for word in ("t new", "p pause", "r resume", "e edit", "f finish", "x cancel", "Esc back", "F12 F12 KILL"):
            assert word in keys
