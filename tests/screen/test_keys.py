"""Keys on the trade screen: which lines reach the engine, and which never do."""

from decimal import Decimal

import pytest

from jackbot_tui.desk.views import Notice
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import Mode
from jackbot_tui.tui.lines import NothingToSay, position_line
from jackbot_tui.tui.view.layout import Panel
from jackbot_tui.tui.view.text import PriceScale
from tests.screen.stage import Stage, staged

READ_MS = 200


async def read(stage: Stage) -> None:
    """Give a question the time that a person needs to read it."""
    await stage.frame(READ_MS * NS_PER_MS)


def book_price(stage: Stage, which: str, ticks: int = 0) -> str:
    book = stage.app.glass.book
    assert book is not None
    scale = PriceScale(book.tick, book.price_places)
    return scale.text(scale.ticks(getattr(book, f"best_{which}")) + ticks)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("b", "buy 0.5 @ {bid}"),
        ("s", "sell 0.5 @ {bid}"),
        ("B", "buy 0.5 mkt slip=10t"),
        ("S", "sell 0.5 mkt slip=10t"),
        ("n", "buy 0.5 @ {bid}"),
        ("m", "sell 0.5 @ {ask}"),
        ("d", "close half"),
        ("f", "flatten"),
        ("r", "reverse"),
        ("E", "be +2t"),
        ("X", "cancel all binance:BTC/USDT:USDT"),
        ("u", "cancel last"),
        ("p", "post"),
        ("o", "reduce"),
        ("1", "preset 1"),
        ("less_than_sign", "size 0.25"),
        ("greater_than_sign", "size 1"),
        ("equals_sign", "size 0.5"),
        ("f6", "sym binance:ETH/USDT:USDT"),
    ],
)
async def test_a_key_says_its_line_once(key: str, line: str) -> None:
    async with staged() as stage:
        await stage.press("home", key)
        wanted = line.format(bid=book_price(stage, "bid"), ask=book_price(stage, "ask"))
        assert stage.link.lines == [(wanted, False)]


async def test_disarmed_an_order_key_asks_and_enter_sends_what_was_asked() -> None:
    async with staged() as stage:
        await stage.press("home", "n")
        assert "SEND?" in stage.prompt() and "DISARMED" in stage.prompt() and "[Enter] send" in stage.prompt()
        assert len(stage.link.orders) == 3
        await read(stage)
        await stage.press("enter")
        line = f"buy 0.5 @ {book_price(stage, 'bid')}"
        assert stage.link.lines == [(line, False), (line, True)]
        assert len(stage.link.orders) == 4
        assert "SEND?" not in stage.prompt()


async def test_the_asked_price_is_frozen_while_the_market_moves() -> None:
    async with staged() as stage:
        asked = book_price(stage, "bid")
        await stage.press("n")
        stage.link.frozen = False
        for _ in range(20):
            await stage.frame(500 * NS_PER_MS)
        assert book_price(stage, "bid") != asked
        await stage.press("enter")
        assert stage.link.lines[-1] == (f"buy 0.5 @ {asked}", True)


async def test_escape_drops_the_question() -> None:
    async with staged() as stage:
        await stage.press("n", "escape")
        await read(stage)
        await stage.press("enter")
        assert [confirmed for _, confirmed in stage.link.lines] == [False]


async def test_a_question_dies_after_fifteen_seconds() -> None:
    async with staged() as stage:
        await stage.press("n")
        await stage.frame(15 * NS_PER_S)
        await stage.press("enter")
        assert [confirmed for _, confirmed in stage.link.lines] == [False]
        assert stage.app.state.question is None


async def test_another_order_key_replaces_the_question() -> None:
    async with staged() as stage:
        await stage.press("n", "m")
        await read(stage)
        await stage.press("enter")
        assert stage.link.lines[-1] == (f"sell 0.5 @ {book_price(stage, 'ask')}", True)
        assert len(stage.link.orders) == 4


async def test_enter_before_the_question_could_be_read_sends_nothing() -> None:
    async with staged() as stage:
        stage.key_gap_ns = 50 * NS_PER_MS
        await stage.press("n", "enter")
        assert [confirmed for _, confirmed in stage.link.lines] == [False]
        assert "read it first" in stage.prompt()


async def test_armed_an_order_key_sends_at_once() -> None:
    async with staged() as stage:
        await stage.press("f2", "f2")
        await stage.frame()
        await stage.press("n")
        assert stage.lines() == ["arm 10m", f"buy 0.5 @ {book_price(stage, 'bid')}"]
        assert len(stage.link.orders) == 4


async def test_arming_needs_two_presses_in_time_and_one_disarms() -> None:
    async with staged() as stage:
        await stage.press("f2")
        stage.clock.advance(2 * NS_PER_S)
        await stage.press("f2")
        assert stage.lines() == []
        await stage.press("f2")
        await stage.frame()
        await stage.press("f2")
        assert stage.lines() == ["arm 10m", "disarm"]


async def test_a_repeated_order_key_is_dropped_and_said() -> None:
    async with staged() as stage:
        stage.link.change_header(armed=True)
        await stage.frame()
        stage.key_gap_ns = 40 * NS_PER_MS
        await stage.press("n", "n", "n", "n")
        assert len(stage.lines()) == 1
        assert "again within 250 ms: dropped" in stage.prompt()


async def test_pasted_text_sends_nothing_more_and_disarms() -> None:
    async with staged() as stage:
        stage.link.change_header(armed=True)
        await stage.frame()
        stage.key_gap_ns = 1 * NS_PER_MS
        await stage.press(*"xbubsbubsbu")
        orders = [line for line in stage.lines() if line.startswith("buy")]
        assert orders == []
        assert "disarm" in stage.lines()
        assert "pasted" in stage.prompt()


async def test_after_a_paste_keys_work_again() -> None:
    from textual import events

    async with staged() as stage:
        stage.app.post_message(events.Paste("buy 5 mkt"))
        await stage.pilot.pause()
        await stage.frame()
        await stage.press("n")
        assert len(stage.lines()) == 1 and "SEND?" in stage.prompt()


async def test_two_keys_at_once_send_neither() -> None:
    async with staged() as stage:
        stage.key_gap_ns = 1 * NS_PER_MS
        stage.clock.advance(NS_PER_S)
        controller = stage.app.controller
        now = stage.clock.now_ns()
        controller.key("n", True, now)
        controller.key("m", True, now + 1)
        await controller.calls.settle()
        assert stage.lines() == [] and stage.app.state.question is None


async def test_kill_typed_goes_over_its_own_socket() -> None:
    async with staged() as stage:
        for line in ("kill", "KILL  flatten"):
            stage.app.controller.submit(line)
            await stage.app.controller.calls.settle()
        assert stage.link.kills == [False, True] and stage.lines() == []


async def test_a_question_that_is_no_order_can_be_answered_on_a_stale_book() -> None:
    async with staged() as stage:
        stage.link.state = "down"
        await stage.frame()
        await stage.press("f")
        await stage.frame(READ_MS * NS_PER_MS)
        await stage.press("enter")
        assert stage.link.lines == [("flatten", False), ("flatten", True)]


async def test_the_bell_rings_once_a_second_at_most() -> None:
    async with staged() as stage:
        rung: list[int] = []
        stage.app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
        stage.app.controller._bell = True
        notice = Notice(1, 0, "filled", "good", "FILL", "", 1)
        for _ in range(5):
            stage.app.controller.notice(notice)
        stage.clock.advance(NS_PER_S)
        stage.app.controller.notice(notice)
        assert len(rung) == 2


@pytest.mark.parametrize(("level", "rings"), [("info", 0), ("good", 1), ("warn", 0), ("bad", 1)])
async def test_start_pause_trouble_and_end_of_a_parent_order_are_told_and_the_last_two_ring(
    level: str, rings: int
) -> None:
    async with staged() as stage:
        rung: list[int] = []
        stage.app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
        stage.app.controller._bell = True
        stage.app.controller.notice(Notice(1, 0, "parent", level, "maker p3 BUY: something", "another", 0))
        stage.app.draw(True)
        assert "maker p3 BUY: something" in stage.prompt() and len(rung) == rings


async def test_shrinking_below_the_least_size_disarms() -> None:
    async with staged() as stage:
        stage.link.change_header(armed=True)
        await stage.frame()
        await stage.pilot.resize_terminal(50, 10)
        await stage.pilot.pause()
        await stage.app.controller.calls.settle()
        assert set(stage.lines()) == {"disarm"}


async def test_a_line_pasted_behind_a_colon_waits_for_a_real_enter() -> None:
    async with staged() as stage:
        stage.link.change_header(armed=True)
        await stage.frame()
        stage.key_gap_ns = 1 * NS_PER_MS
        await stage.press("colon", *"buy", "space", "5", "space", *"mkt", "enter")
        assert stage.lines() == [] and stage.app.trade.bar.value == "buy 5 mkt"
        stage.key_gap_ns = 500 * NS_PER_MS
        await stage.press("enter")
        assert stage.lines() == ["buy 5 mkt"]


async def test_pasted_in_brackets_outside_a_field_is_dropped() -> None:
    from textual import events

    async with staged() as stage:
        stage.app.post_message(events.Paste("buy 5 mkt\n"))
        await stage.pilot.pause()
        assert stage.lines() == []
        assert "pasted" in stage.prompt()


@pytest.mark.parametrize("keys", [("f12", "f12"), ("ctrl+k", "ctrl+k"), ("exclamation_mark", "exclamation_mark")])
async def test_kill_keys(keys: tuple[str, str]) -> None:
    async with staged() as stage:
        await stage.press(keys[0])
        assert stage.link.kills == [] and "KILL?" in stage.prompt()
        await stage.press(keys[1])
        assert stage.link.kills == [False]
        assert stage.lines() == []


@pytest.mark.parametrize("first", ["colon", "t", "question_mark", "f4", "i", "f9", "n"])
@pytest.mark.parametrize("key", ["f12", "ctrl+k"])
async def test_kill_reaches_through_everything(first: str, key: str) -> None:
    async with staged() as stage:
        await stage.press(first, key, key)
        assert stage.link.kills == [False]


async def test_exclamation_marks_in_a_text_field_are_text() -> None:
    async with staged() as stage:
        await stage.press("colon", "exclamation_mark", "exclamation_mark")
        assert stage.link.kills == []
        assert stage.app.trade.bar.value == "!!"


async def test_kill_too_slow_is_no_kill() -> None:
    async with staged() as stage:
        await stage.press("f12")
        stage.clock.advance(2 * NS_PER_S)
        await stage.press("f12")
        assert stage.link.kills == []


@pytest.mark.parametrize("key", ["b", "s", "B", "S", "n", "m", "r", "d", "full_stop", "e"])
async def test_a_stale_book_refuses_order_keys(key: str) -> None:
    async with staged() as stage:
        stage.app.controller.last_order = "buy 0.5 mkt"
        stage.link.age_ms = 3400.0
        await stage.frame()
        await stage.press(key)
        assert stage.lines() == []
        assert "only cancel, flatten and kill work" in stage.prompt()


@pytest.mark.parametrize(("key", "line"), [("X", "cancel all"), ("u", "cancel last"), ("f", "flatten")])
async def test_a_stale_book_does_not_stop_getting_out(key: str, line: str) -> None:
    async with staged() as stage:
        stage.link.state = "syncing"
        await stage.frame()
        await stage.press(key)
        assert stage.lines()[0].startswith(line)


async def test_a_question_is_not_sent_once_the_book_went_stale() -> None:
    async with staged() as stage:
        await stage.press("n")
        stage.link.state = "down"
        await stage.frame(READ_MS * NS_PER_MS)
        await stage.press("enter")
        assert [confirmed for _, confirmed in stage.link.lines] == [False]


async def test_cancel_at_the_cursor_names_the_orders_there() -> None:
    async with staged() as stage:
        await stage.press("x")
        assert stage.lines() == [] and "no order of yours at the cursor" in stage.prompt()
        own = next(order for order in stage.app.glass.own_orders() if order.number == 40)
        stage.app.state.put_cursor(own.index)
        await stage.press("x")
        assert stage.lines() == ["cancel 40"]


async def test_a_grabbed_order_is_amended_by_enter_at_the_shown_price() -> None:
    async with staged() as stage:
        own = next(order for order in stage.app.glass.own_orders() if order.number == 40)
        stage.app.state.put_cursor(own.index)
        await stage.press("e", "k", "k")
        assert "GRABBED" in stage.prompt()
        price = f"{float(own.price) + 1.0:.1f}"
        assert stage.link.previews[-1] == f"move 40 {price}"
        await stage.press("enter")
        assert stage.link.lines == [(f"move 40 {price}", True)]
        assert next(order for order in stage.link.orders if order.number == 40).price == price.removesuffix(".0")


async def test_escape_lets_a_grabbed_order_go() -> None:
    async with staged() as stage:
        own = next(order for order in stage.app.glass.own_orders() if order.number == 40)
        stage.app.state.put_cursor(own.index)
        await stage.press("e", "k", "escape", "enter")
        assert stage.lines() == []


async def test_tab_gives_the_keys_to_the_orders() -> None:
    async with staged() as stage:
        await stage.press("tab", "j", "x")
        assert stage.lines() == ["cancel 40"]


async def test_the_quantity_on_the_glass_is_the_quantity_that_is_sent() -> None:
    """A preset and an order key in one breath, before the engine's picture can have come back."""
    async with staged() as stage:
        await stage.press("3", "n")
        assert stage.lines()[-1].startswith("buy 1 @")


async def test_improving_needs_room_in_the_spread() -> None:
    async with staged() as stage:
        book = stage.link.books[stage.link.active]
        for ticks in (max(book.bids), max(book.bids) - 1):
            del book.bids[ticks]
        await stage.frame()
        await stage.press("N")
        assert stage.lines() == [f"buy 0.5 @ {book_price(stage, 'bid', 1)} post"]
        book.bids[min(book.asks) - 1] = 1.0
        await stage.frame()
        await stage.press("M")
        assert len(stage.lines()) == 1 and "nothing to improve" in stage.prompt()


async def test_repeat_asks_even_when_armed() -> None:
    async with staged() as stage:
        stage.link.change_header(armed=True)
        await stage.frame()
        await stage.press("n", "full_stop")
        assert len(stage.link.orders) == 4 and "repeat: Enter sends" in stage.prompt()
        await read(stage)
        await stage.press("enter")
        assert len(stage.link.orders) == 5


async def test_yank_puts_the_last_order_into_the_bar() -> None:
    async with staged() as stage:
        await stage.press("n", "y")
        assert stage.app.trade.bar.value == stage.lines()[0]


async def test_what_was_seen_travels_with_the_order() -> None:
    async with staged() as stage:
        await stage.press("n")
        context = stage.link.contexts[0]
        assert context.key == "binance:BTC/USDT:USDT"
        assert context.seen is not None and context.seen.bid == book_price(stage, "bid")
        assert context.seen.book_age_ms >= 14.0
        assert context.cursor == stage.app.state.cursor_price


async def test_keys_of_later_features_answer_one_line() -> None:
    async with staged() as stage:
        await stage.press("f3")
        assert stage.lines() == [] and "comes with strategies" in stage.prompt()


async def test_replay_keys_work_in_replay_only() -> None:
    async with staged() as stage:
        await stage.press("z")
        assert stage.lines() == [] and "controls a replay" in stage.prompt()
    async with staged(mode=Mode.REPLAY, replay="PLAY x10 12:01:03 41%") as stage:
        await stage.press("z", "right_square_bracket", "right_curly_bracket", "left_curly_bracket")
        assert stage.lines() == ["replay pause", "replay step", "replay speed 20", "replay speed 5"]
        assert "pause" in stage.panel(Panel.HINT)[0]


async def test_below_the_least_size_order_keys_are_refused_and_cancel_and_kill_work() -> None:
    async with staged(size=(59, 14)) as stage:
        await stage.press("n", "X", "f12", "f12")
        assert stage.lines() == ["cancel all binance:BTC/USDT:USDT"]
        assert stage.link.kills == [False]


async def test_losing_the_focus_disarms() -> None:
    from textual import events

    async with staged() as stage:
        stage.link.change_header(armed=True)
        await stage.frame()
        stage.app.post_message(events.AppBlur())
        await stage.pilot.pause()
        await stage.app.controller.calls.settle()
        assert set(stage.lines()) == {"disarm"}


async def test_leaving_needs_two_presses() -> None:
    async with staged() as stage:
        await stage.press("Q")
        assert stage.app.is_running and "leave this screen?" in stage.prompt()
        await stage.press("Q")
        assert stage.app.return_code == 0


async def test_no_printable_key_outside_the_keymap_does_anything() -> None:
    async with staged() as stage:
        known = set(stage.app.controller.keymap.by_key)
        for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@#$%^&*_;~":
            if letter not in known:
                await stage.press(letter)
        assert stage.lines() == []


@pytest.mark.parametrize(("verb", "word"), [("close half", "close"), ("reverse", "reverse"), ("be +2t", "protect")])
def test_a_key_for_a_position_says_what_there_is_nothing_to_do_to(verb: str, word: str) -> None:
    with pytest.raises(NothingToSay, match=f"nothing to {word}$"):
        position_line(verb, Decimal(0))
