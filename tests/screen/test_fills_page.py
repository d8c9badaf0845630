"""Fills with what they were worth, the choice of one and its explanation, the honesty meter, the place in the queue."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.desk.views import Context, FillView, OwnOrderView, Reply
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.tui.view.account import order_cells
from jackbot_tui.tui.view.ink import Ink, Row, row_width, text_row
from jackbot_tui.tui.view.ladder import OwnAtRow, own_by_row, own_text
from jackbot_tui.tui.view.pages import assumed, fill_row, fills, folded, honesty
from tests.screen.stage import Stage, staged
from tests.screen.test_screens import page_text

FILL_SIZE = Decimal("0.001")

FILL = FillView(
    1_795_269_802_000_000_000, 41, "binance:BTC/USDT:USDT", "buy", "0.5", "61000.0", "maker", "6.1", "USDT", "t1",
    ["+0.4", "-12.6", "?", ""], "the price went on against it",
)  # fmt: skip


def inks_of(row: Row) -> dict[str, Ink]:
    return {text.strip(): ink for text, ink in row}


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_fill_shows_what_it_was_worth_and_whether_it_looks_toxic_at_any_width(width: int) -> None:
    page = fills([FILL, replace(FILL, trade_id="t2", toxic="", markouts=["", "", "", ""])], 1, width)
    assert {row_width(row) for row in page} == {width}
    assert "2 fills   2 maker, 0 taker   fees 12.2 USDT   1 toxic" in text_row(page[0])
    first, second = text_row(page[2]), text_row(page[3])
    assert "61000.0" in first and first.split("61000.0")[1].split()[-1 if width < 110 else -3] == "TOXIC"
    assert "+0.4" in first and "-12.6" in first and "?" in first and first.startswith("  ")
    assert "TOXIC" not in second and second.startswith("> ") and second.count("·") == 4
    ends = [text_row(page[1]).index(name) + len(name) for name in ("1s bp", "5s")]
    assert [first.index("+0.4") + 4, first.index("-12.6") + 5] == ends


def test_markouts_have_the_colour_of_their_sign() -> None:
    inks = inks_of(fill_row(FILL, 120, False))
    assert (inks["+0.4"], inks["-12.6"], inks["?"], inks["·"]) == (Ink.PROFIT, Ink.LOSS, Ink.DIM, Ink.DIM)
    assert inks["TOXIC"] is Ink.WARN


def test_long_prose_goes_on_in_the_next_line_under_its_words() -> None:
    assert folded("  why  " + "word " * 10, 30) == [
        "  why  word word word word",
        "    word word word word word",
        "    word",
    ]
    assert folded("", 30) == [""]


def test_assumptions_are_under_the_positions_and_nowhere_when_a_venue_fills() -> None:
    rows = assumed(["queue risk_averse", "latency 20+20 ms", "fees 0.02/0.05 % (vip0)", "impact off"], 60)
    text = [text_row(row).strip() for row in rows]
    assert " ".join(text).strip().startswith("paper assumes queue risk_averse; latency 20+20 ms; fees")
    assert all(row_width(row) == 60 for row in rows)
    assert assumed([], 60) == []


def told(rows: list[Row]) -> list[str]:
    return [text_row(row).strip() for row in rows]


def test_the_honesty_page_says_what_the_engine_says_or_why_it_cannot() -> None:
    answer = Reply(True, ["3 orders rested", "filled when  filled", "touch  3", "assumed: queue log"])
    assert told(honesty(answer, 100))[1:5] == answer.lines
    assert told(honesty(Reply(False, ["there is nothing to compare them with"]), 100)) == [
        "there is nothing to compare them with"
    ]
    assert told(honesty(None, 100)) == ["asking the engine"]


ORDER = OwnOrderView(
    7, "c7", "k", "buy", "limit", "1", "100", "0", "1", "new", "POST", "manual", 0, 12.0, 30.0, 5
)  # fmt: skip


def test_the_place_in_the_queue_is_on_the_ladder_and_in_the_list_of_orders() -> None:
    own = own_by_row([ORDER], "k")[True, 5]
    assert (own_text(own, "+", 10), own_text(own, "+", 7)) == ("+1 q12/30", "+1 q12")
    assert own_text(OwnAtRow(1.0, 12.0, -1.0, False), "+", 10) == "+1 q12"
    assert own_text(OwnAtRow(1.0, 12.0, 30.0, True), "+", 10) == "+1 ?"
    for width in (80, 120):
        assert "~12/30" in "".join(text for text, _ in order_cells(ORDER, NS_PER_S, width))
    assert "~?" in "".join(text for text, _ in order_cells(replace(ORDER, queue_ahead=-1.0), NS_PER_S, 120))


def test_of_several_orders_at_one_price_the_first_in_line_is_told() -> None:
    later = replace(ORDER, number=8, queue_ahead=40.0, queue_behind=2.0)
    own = own_by_row([later, ORDER], "k")[True, 5]
    assert (own.size, own.ahead, own.behind) == (2.0, 12.0, 30.0)


# ---------------------------------------------------------------------- on the screen


def answering(stage: Stage, lines: list[str]) -> list[str]:
    """Have the engine answer everything with ``lines`` and the fills; returns what it was asked."""
    asked: list[str] = []
    usual = stage.link.execute

    async def execute(line: str, context: Context = Context(), confirmed: bool = False, timeout_s: float = 1) -> Reply:
        asked.append(line)
        return await usual(line, context) if line.startswith("fills") else Reply(True, lines)

    stage.link.execute = execute  # type: ignore[method-assign]
    return asked


def chosen(stage: Stage) -> str:
    return next(line for line in page_text(stage).splitlines() if line.startswith("> "))


async def test_enter_on_a_fill_opens_why_it_came_and_escape_goes_back_to_it() -> None:
    async with staged() as stage:
        asked = answering(stage, ["#38 BUY", "  why      1.5 traded at its price"])
        await stage.press("f4")
        newest = chosen(stage)
        await stage.press("j")
        older = chosen(stage)
        assert older != newest
        await stage.press("enter")
        assert asked == ["fills 500", "why t1"]
        assert "WHY #38" in page_text(stage) and "1.5 traded at its price" in page_text(stage)
        await stage.press("escape")
        assert chosen(stage) == older
        await stage.press("k", "enter")
        assert asked[-1] == "why t2"


async def test_a_chosen_fill_stays_chosen_when_others_come_and_is_kept_in_sight() -> None:
    async with staged(size=(80, 24)) as stage:
        for number in range(40):
            stage.link.fill(stage.link.active, stage.app.state.side, FILL_SIZE, f"{62000 + number}.0", "taker")
        await stage.frame()
        await stage.press("f4", "end")
        last = chosen(stage)
        assert "#38" in last
        stage.link.fill(stage.link.active, stage.app.state.side, FILL_SIZE, "63000.0", "taker")
        await stage.frame()
        assert chosen(stage) == last and "63000.0" not in page_text(stage)
        await stage.press("home")
        assert "63000.0" in chosen(stage)
        stage.link.fill(stage.link.active, stage.app.state.side, FILL_SIZE, "64000.0", "taker")
        await stage.frame()
        assert "64000.0" in chosen(stage)  # the newest is not held on to


async def test_the_filter_on_fills_chooses_among_what_it_leaves() -> None:
    async with staged() as stage:
        stage.link.fill(stage.link.active, stage.app.state.side, FILL_SIZE, "63000.5", "taker")
        await stage.frame()
        asked = answering(stage, ["x", "y", "z"])
        await stage.press("f4", "slash", *"maker")
        assert "63000.5" not in page_text(stage) and "2 fills   2 maker" in page_text(stage)
        await stage.press("enter")
        assert asked == ["fills 500"]  # Enter belongs to what is typed
        await stage.press("enter")
        assert asked[-1].startswith("why t")


async def test_the_honesty_page_opens_by_its_key_and_asks_again_every_second() -> None:
    async with staged() as stage:
        asked = answering(stage, ["2 orders rested; this session filled 1 of them, at least in part"])
        await stage.press("H")
        assert "HONESTY METER" in page_text(stage) and "2 orders rested" in page_text(stage)
        assert asked == ["honesty"]
        await stage.frame(NS_PER_S // 2)
        assert asked == ["honesty"]
        for _ in range(3):
            await stage.frame(NS_PER_S)
            await stage.app.controller.calls.settle()
        assert asked == ["honesty"] * 4
