"""What lies on top of the ladder: command bar, ticket, help, pages, typed confirms; and the engine going away."""

import asyncio
import re
from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.desk.views import Reply
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import Mode, Side
from jackbot_tui.tui.actions import ACTIONS
from jackbot_tui.tui.options import ScreenOptions
from jackbot_tui.tui.overlays import PageScreen, TicketDialog, TypedDialog
from jackbot_tui.tui.view.ink import row_width, text_row
from jackbot_tui.tui.view.layout import Panel
from jackbot_tui.tui.view.market import header_rows
from tests.screen.stage import Stage, staged


async def typed(stage: Stage, text: str) -> None:
    names = {" ": "space", ".": "full_stop", "@": "at", "#": "number_sign", "=": "equals_sign"}
    await stage.press("colon", *(names.get(letter, letter) for letter in text))


async def previewed(stage: Stage) -> None:
    """Wait for the preview that comes when typing rests."""
    task = stage.app._preview_task
    if task is not None:
        await asyncio.wait({task}, timeout=5)
    await stage.pilot.pause()


def page_text(stage: Stage) -> str:
    screen = stage.app.screen
    assert isinstance(screen, PageScreen | TicketDialog | TypedDialog)
    return "\n".join(text_row(row) for row in screen.panel._rows)


async def test_a_typed_line_is_sent_by_enter_only() -> None:
    async with staged() as stage:
        await typed(stage, "cancel 40")
        assert stage.lines() == []
        await stage.press("enter")
        assert stage.lines() == ["cancel 40"]
        assert stage.app.focused is None


async def test_a_typed_order_is_asked_back_while_disarmed() -> None:
    async with staged() as stage:
        await typed(stage, "buy 0.1 @ 61000")
        await stage.press("enter")
        assert "SEND?" in stage.prompt()
        await stage.frame(200 * NS_PER_MS)
        await stage.press("enter")
        assert stage.link.lines == [("buy 0.1 @ 61000", False), ("buy 0.1 @ 61000", True)]


async def test_while_typing_the_preview_shows_what_would_be_sent() -> None:
    async with staged() as stage:
        await typed(stage, "buy 0.1 @ 61000")
        await previewed(stage)
        assert stage.link.previews[-1] == "buy 0.1 @ 61000"
        assert "BUY 0.1 @ 61000" in stage.panel(Panel.PREVIEW)[0]


async def test_a_syntax_error_has_its_caret_under_the_place() -> None:
    async with staged() as stage:
        await typed(stage, "buy 61000x")
        hint = stage.panel(Panel.HINT)[0]
        assert hint.index("^") == 1 + len("buy 61000")


async def test_letters_in_the_bar_are_never_keys() -> None:
    async with staged() as stage:
        await typed(stage, "bsnmfrxXBS")
        assert stage.lines() == []
        await stage.press("escape")
        assert stage.lines() == [] and stage.app.trade.bar.value == ""


async def test_tab_completes_and_goes_round() -> None:
    async with staged() as stage:
        await typed(stage, "buy 0.5 @ ")
        await stage.press("tab")
        assert stage.app.trade.bar.value == "buy 0.5 @ bid "
        await stage.press("tab")
        assert stage.app.trade.bar.value == "buy 0.5 @ ask "
        assert "ask" in stage.panel(Panel.QUANTITY)[0]


async def test_history_goes_up_and_down_through_what_begins_alike() -> None:
    async with staged() as stage:
        for line in ("size 1", "cancel 40", "size 2"):
            await typed(stage, line)
            await stage.press("enter")
        await typed(stage, "si")
        await stage.press("up")
        assert stage.app.trade.bar.value == "size 2"
        await stage.press("up")
        assert stage.app.trade.bar.value == "size 1"
        await stage.press("down", "down")
        assert stage.app.trade.bar.value == "si"


async def test_words_of_the_screen_are_carried_out_here() -> None:
    async with staged() as stage:
        await typed(stage, "theme light")
        await stage.press("enter")
        assert stage.app.palette_name == "light"
        await typed(stage, "keymap cscalp")
        await stage.press("enter")
        assert "keymap cscalp" in stage.prompt()
        await stage.frame()
        await stage.press("a")
        assert stage.lines() == [f"buy 0.5 @ {stage.app.glass.book.best_bid}"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("theme pink", "no theme 'pink'"),
        ("keymap vim", "no keymap 'vim'"),
        ("bind b cancel all", "b is buy_limit already"),
        ("bind", "bind takes a key and a command"),
        ("col +heat", "col takes"),
        ("layout save x", "not available on this screen yet"),
    ],
)
async def test_screen_words_that_make_no_sense_answer_one_line(line: str, words: str) -> None:
    async with staged() as stage:
        stage.app.controller.submit(line)
        stage.app.draw(True)
        await stage.pilot.pause()
        assert words in stage.prompt()
        assert stage.lines() == []


async def test_a_key_can_be_bound_to_a_command_until_the_screen_ends() -> None:
    async with staged() as stage:
        stage.app.controller.submit('bind f11 "cancel buys"')
        await stage.press("f11")
        stage.app.controller.submit("unbind f11")
        await stage.press("f11")
        assert stage.lines() == ["cancel buys"]


async def test_grouping_is_the_screens_own() -> None:
    async with staged() as stage:
        await stage.press("minus", "minus")
        await stage.frame()
        assert stage.app.glass.book is not None and stage.app.glass.book.group == 5
        stage.app.controller.submit("group 20")
        await stage.frame()
        assert stage.app.glass.book.group == 20
        assert stage.lines() == []


async def test_a_long_answer_opens_a_page() -> None:
    async with staged() as stage:
        await typed(stage, "positions")
        await stage.press("enter")
        assert isinstance(stage.app.screen, PageScreen)
        assert "positions line 12" in page_text(stage)
        await stage.press("escape")
        assert stage.app.screen is stage.app.trade


async def test_the_ticket_says_its_line_and_enter_asks_it() -> None:
    async with staged() as stage:
        await stage.press("t")
        assert isinstance(stage.app.screen, TicketDialog)
        await stage.press("1", "tab", *"61000")
        await previewed(stage)
        assert "= buy 1 @ 61000" in page_text(stage)
        assert stage.link.previews[-1] == "buy 1 @ 61000"
        assert stage.lines() == []
        await stage.press("enter")
        assert stage.app.screen is stage.app.trade
        assert stage.link.lines == [("buy 1 @ 61000", False)]
        assert "SEND?" in stage.prompt()


async def test_the_ladder_goes_on_behind_the_ticket() -> None:
    async with staged() as stage:
        await stage.press("t")
        stage.link.frozen = False
        before = stage.panel(Panel.LADDER)
        for _ in range(5):
            await stage.frame(500 * NS_PER_MS)
        assert stage.panel(Panel.LADDER) != before


async def test_the_last_ticket_comes_back_with_the_price_at_the_cursor() -> None:
    async with staged() as stage:
        await stage.press("t", "tab", "tab", "space", "escape", "j", "T")
        assert f"@ {stage.app.state.cursor_price} post" in page_text(stage)


async def test_help_lists_every_action_and_finds_by_typing() -> None:
    async with staged(size=(120, 80)) as stage:
        await stage.press("question_mark")
        text = page_text(stage)
        missing = [action.text for action in ACTIONS.values() if action.text not in text]
        assert missing == []
        await stage.press(*"post")
        found = page_text(stage)
        assert "post-only on/off" in found and "reverse the position" not in found
        await stage.press("escape", "escape")
        assert stage.app.screen is stage.app.trade


async def test_the_journal_shows_fills_orders_and_positions() -> None:
    async with staged() as stage:
        await stage.press("f4")
        assert stage.lines() == ["fills 500"]
        assert "JOURNAL" in page_text(stage)
        assert "2 fills   2 maker, 0 taker   fees 6.1 USDT" in page_text(stage)
        await stage.press("tab")
        assert "#40" in page_text(stage)
        await stage.press("tab")
        assert "BTC/USDT:USDT" in page_text(stage) and "60994" in page_text(stage)


async def test_fills_beyond_the_picture_come_from_the_engines_answer() -> None:
    async with staged(size=(120, 90)) as stage:
        for number in range(60):
            stage.link.fill(stage.link.active, Side.SELL, Decimal("0.001"), f"{61000 + number}.0", "taker")
        await stage.frame()
        await stage.press("f4")
        assert len(stage.app.glass.view.fills) == 50  # type: ignore[union-attr]
        assert "62 fills   2 maker, 60 taker" in page_text(stage)
        assert "61000.0" in page_text(stage)


async def test_an_answer_that_cannot_be_read_says_so() -> None:
    async with staged() as stage:

        async def nonsense(line: str, context: object, confirmed: bool = False, timeout_s: float = 1.0) -> Reply:
            return Reply(True, ["x"], data={"fills": [{"price": 5}]})

        stage.link.execute = nonsense  # type: ignore[method-assign, assignment]
        await stage.press("f4")
        assert "cannot be read" in page_text(stage)


async def test_a_page_filters_and_scrolls() -> None:
    async with staged() as stage:
        await stage.press("f9", "slash", *"sell")
        assert "#40" in page_text(stage) and "#39" not in page_text(stage)


async def test_order_keys_do_not_work_on_a_page() -> None:
    async with staged() as stage:
        await stage.press("i", "b", "n", "B", "f", "x")
        assert stage.lines() == []
        assert "works on the trade screen" in page_text(stage)


async def test_connections_and_limits_have_a_page() -> None:
    async with staged() as stage:
        await stage.press("i")
        assert "binance.linear.public" in page_text(stage)
        await stage.press("tab")
        assert "10 per s" in page_text(stage)


@pytest.mark.parametrize(("text", "sent"), [("flatten all", True), ("flatten al", False), ("FLATTEN ALL", False)])
async def test_what_cannot_be_undone_must_be_typed_in_full(text: str, sent: bool) -> None:
    async with staged() as stage:
        stage.app.open_typed("flatten all")
        await stage.pilot.pause()
        await stage.press(*("space" if letter == " " else letter for letter in text), "enter")
        assert (stage.lines() == ["flatten all"]) is sent


async def test_the_palette_offers_every_action() -> None:
    async with staged() as stage:
        titles = {command.title for command in stage.app.get_system_commands(stage.app.trade)}
        assert {action.text for action in ACTIONS.values() if action.act.value != "palette"} <= titles
        assert {"flatten all", "kill reset", "theme cvd", "keymap left"} <= titles


async def test_a_click_moves_the_cursor_and_never_sends() -> None:
    async with staged() as stage:
        stage.link.change_header(armed=True, armed_market=True)
        await stage.frame(1 * NS_PER_S)
        await stage.pilot.click("#ladder", offset=(30, 5))
        assert stage.app.state.cursor_index == stage.app.state.axis.index_at(3)
        assert stage.lines() == []


async def test_the_wheel_holds_the_axis_and_space_releases_it() -> None:
    async with staged() as stage:
        stage.app.trade._scrolled(3)
        assert stage.app.state.axis.held
        assert "HOLD" in stage.panel(Panel.LADDER)[0]
        await stage.press("space")
        assert not stage.app.state.axis.held


async def test_when_the_engine_goes_the_banner_says_so_and_order_keys_are_refused() -> None:
    async with staged() as stage:
        stage.link.lose("nobody listens")
        await stage.frame()
        assert "engine gone: reconnecting, orders are safe in the journal" in stage.prompt()
        await stage.press("n")
        assert stage.lines() == []
        ladder = stage.panel(Panel.LADDER)
        assert any("~" in line for line in ladder)


async def test_after_the_engine_is_back_the_screen_goes_on() -> None:
    async with staged() as stage:
        stage.link.lose("nobody listens")
        await stage.frame()
        stage.link.come_back()
        assert await stage.app.frames._connect()
        await stage.frame()
        assert stage.app.glass.connected
        await stage.press("n")
        assert len(stage.lines()) == 1


async def test_a_question_does_not_outlive_the_engine() -> None:
    async with staged() as stage:
        await stage.press("n")
        stage.link.lose("gone")
        await stage.frame()
        assert stage.app.state.question is None


async def test_an_answer_that_comes_late_for_a_dropped_question_shows_nothing() -> None:
    async with staged() as stage:
        held: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        async def slow(line: str, context: object, confirmed: bool = False, timeout_s: float = 1.0) -> Reply:
            return await held

        stage.link.execute = slow  # type: ignore[method-assign, assignment]
        await stage.pilot.press("n")
        await stage.pilot.press("escape")
        held.set_result(Reply(False, ["BUY", "DISARMED"], "confirm", confirm=True))
        await stage.app.controller.calls.settle()
        assert stage.app.state.question is None


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)])
async def test_the_mode_and_the_arming_are_on_every_size(mode: Mode, size: tuple[int, int]) -> None:
    async with staged(size=size, mode=mode) as stage:
        text = "\n".join(stage.panel(Panel.HEADER) + stage.panel(Panel.QUANTITY))
        assert f" {mode.value.upper()} " in text
        assert "DISARMED" in text or size == (60, 15)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (97, 31), (120, 40), (163, 50), (200, 60)])
async def test_every_row_of_every_panel_has_the_panels_width(size: tuple[int, int]) -> None:
    async with staged(size=size) as stage:
        for panel, box in stage.app.trade.plan.boxes.items():
            if panel is not Panel.COMMAND:
                assert {len(line) for line in stage.panel(panel)} <= {box.width}, panel


async def test_resizing_lays_out_anew() -> None:
    async with staged() as stage:
        await stage.pilot.resize_terminal(80, 24)
        await stage.frame()
        assert stage.app.trade.plan.boxes[Panel.LADDER].width == 50
        assert stage.app.state.axis.rows == 13
        await stage.pilot.resize_terminal(50, 10)
        await stage.pilot.pause()
        assert "too small" in stage.panel(Panel.MESSAGE)[0]


async def test_a_frame_refreshes_only_lines_that_changed() -> None:
    async with staged() as stage:
        ladder = stage.app.trade.ladder
        assert ladder.show(ladder._rows) == 0
        changed = list(ladder._rows)
        changed[5] = changed[6]
        assert ladder.show(changed) == 1


async def test_text_from_a_venue_cannot_control_the_terminal() -> None:
    async with staged(options=ScreenOptions(theme="dark", ascii=False, pace=False)) as stage:
        stage.link._say("bad", "rejected: \x1b[2J\x07 nasty")
        await stage.frame(300 * NS_PER_MS)
        assert all("\x1b" not in line and "\x07" not in line for line in stage.panel(Panel.LOG))


LONG_QUESTION = Reply(
    False,
    [
        "BUY 0.01 BTC/USDT:USDT mkt  ~640.39 USDT  fee ~0.32 taker  takes 0.01 avg ~64039.3 worst 64039.4  after: flat",
        "moved 7 ticks since you looked: Enter sends, Esc drops",
        "DISARMED: Enter sends, Esc drops",
    ],
    "confirm",
    confirm=True,
    data={"asks": ["moved", "DISARMED"]},
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_long_question_is_whole_on_the_glass(size: tuple[int, int]) -> None:
    async with staged(size=size) as stage:

        async def ask(line: str, context: object, confirmed: bool = False, timeout_s: float = 1.0) -> Reply:
            return LONG_QUESTION

        stage.link.execute = ask  # type: ignore[method-assign, assignment]
        await stage.press("B")
        shown = "\n".join(stage.panel(Panel.QUANTITY) + stage.panel(Panel.PREVIEW) + stage.panel(Panel.HINT))
        for words in LONG_QUESTION.lines[0].split("  "):
            assert words in shown
        assert "moved 7 ticks since you looked" in shown and "DISARMED" in shown
        assert "[Enter] send" in shown and "[Esc] drop" in shown


async def test_on_the_smallest_screen_the_question_is_in_its_one_line() -> None:
    async with staged(size=(60, 15)) as stage:
        await stage.press("n")
        line = stage.panel(Panel.PREVIEW)[0]
        assert line.startswith(" ? ") and "BUY 0.5 @ 61012.5" in line and line.endswith("Enter Esc 15s")


async def test_a_screen_without_the_pen_says_read_only_whoever_is_armed() -> None:
    async with staged() as stage:
        stage.app.glass.client_id = 2
        stage.link.change_header(
            armed=True, armed_client="screen 1 other", armed_until_ns=stage.clock.now_ns() + NS_PER_S
        )
        await stage.frame(300 * NS_PER_MS)
        assert "READ-ONLY" in stage.panel(Panel.HEADER)[0] and "ARMED " not in stage.panel(Panel.HEADER)[0]
        stage.link.change_header(armed_client="screen 2 mine")
        await stage.frame(300 * NS_PER_MS)
        assert "ARMED" in stage.panel(Panel.HEADER)[0]


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)])
async def test_armed_and_killed_are_on_every_size(size: tuple[int, int]) -> None:
    async with staged(size=size) as stage:
        stage.link.change_header(armed=True, armed_until_ns=stage.clock.now_ns() + 60 * NS_PER_S, post_only=True)
        await stage.frame(300 * NS_PER_MS)
        assert " ARMED 59s " in "".join(stage.panel(Panel.HEADER))
        stage.link.change_header(killed=True)
        await stage.frame(300 * NS_PER_MS)
        assert " KILLED " in "".join(stage.panel(Panel.HEADER))


@pytest.mark.parametrize("width", [120, 160])
async def test_the_status_bar_leaves_out_the_least_important_whole_and_keeps_the_state_of_the_book(width: int) -> None:
    async with staged((width, 40)) as stage:
        view = stage.app.glass.view
        assert view is not None
        busy = [replace(symbol, position="0.125") for symbol in view.symbols]
        gauge = stage.app.gauge()
        _, second = header_rows(replace(view, symbols=[*busy, busy[0]]), gauge, width, 2)
        text = text_row(second)
        assert "  book live" in text
        for label, value in (("md", r"\S+"), ("ord", r"\S+"), ("tty", r"\S+"), ("fps", r"\d+")):
            assert not re.search(rf" {label} ", text) or re.search(rf" {label} {value}", text)
        assert "eq " in text and row_width(second) == width
