"""What is on the glass: tape, gaps, freshness, fills."""

from msgspec.structs import replace

from jackbot_tui.desk.views import FillView, LogLine, ScreenView, TapeLine
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.tui.glass import NS_PER_MS, TAPE_KEPT, Freshness, GapMark, Glass
from jackbot_tui.tui.synthetic import busy_link
from tests.screen.stage import MOMENT_NS


async def picture() -> ScreenView:
    link = busy_link(ManualClock(MOMENT_NS))
    await link.connect()
    view = await link.pull(Glass().request("", 20, 1, ""))
    return replace(view, tape=[], log=[], fills=[])


def tape(*numbers: int) -> list[TapeLine]:
    return [TapeLine(number, number, "61000.0", "0.1", "buy", 0.1) for number in numbers]


async def test_tape_lines_come_once_and_in_order() -> None:
    view, glass = await picture(), Glass()
    glass.accept(replace(view, tape=tape(1, 2)), 0)
    assert glass.request("", 20, 1, "").tape_after == 2
    glass.accept(replace(view, tape=tape(2, 3)), 0)
    assert [line.seq for line in glass.tape if isinstance(line, TapeLine)] == [1, 2, 3]


async def test_missing_trades_leave_a_mark() -> None:
    view, glass = await picture(), Glass()
    glass.accept(replace(view, tape=tape(1)), 0)
    glass.accept(replace(view, tape=tape(9)), 0)
    assert GapMark("7 trades not shown") in glass.tape


async def test_a_book_that_stops_being_live_leaves_a_mark_on_the_tape() -> None:
    view, glass = await picture(), Glass()
    assert view.book is not None
    glass.accept(view, 0)
    glass.accept(replace(view, book=replace(view.book, state="syncing", reason="gap at 88123")), 0)
    assert GapMark("book syncing: gap at 88123") in glass.tape


async def test_the_tape_is_bounded() -> None:
    view, glass = await picture(), Glass()
    glass.accept(replace(view, tape=tape(*range(1, TAPE_KEPT + 50))), 0)
    assert len(glass.tape) == TAPE_KEPT


async def test_another_instrument_starts_a_new_tape() -> None:
    view, glass = await picture(), Glass()
    assert view.book is not None
    glass.accept(replace(view, tape=tape(1, 2)), 0)
    glass.accept(replace(view, book=replace(view.book, key="binance:ETH/USDT"), tape=tape(5)), 0)
    assert [line.seq for line in glass.tape if isinstance(line, TapeLine)] == [5]
    assert glass.request("binance:BTC/USDT:USDT", 20, 1, "").tape_after == 0


async def test_freshness_counts_the_age_of_the_picture_as_well() -> None:
    view, glass = await picture(), Glass()
    glass.connected = True
    glass.accept(view, 0)
    assert glass.freshness(100 * NS_PER_MS) is Freshness.FRESH
    assert glass.freshness(1500 * NS_PER_MS) is Freshness.YELLOW
    assert glass.freshness(3500 * NS_PER_MS) is Freshness.STALE
    assert "3.5 s old: only cancel, flatten and kill work" in glass.why_not_fresh(3500 * NS_PER_MS)


async def test_a_book_that_is_not_live_or_an_engine_that_is_gone_is_stale() -> None:
    view, glass = await picture(), Glass()
    assert view.book is not None
    glass.connected = True
    glass.accept(replace(view, book=replace(view.book, state="syncing", reason="gap")), 0)
    assert glass.freshness(0) is Freshness.STALE
    assert "book is syncing: gap" in glass.why_not_fresh(0)
    glass.accept(view, 0)
    glass.connected, glass.trouble = False, "nobody listens"
    assert glass.freshness(0) is Freshness.STALE
    assert "nobody listens" in glass.why_not_fresh(0)


async def test_what_was_seen_is_what_the_picture_said() -> None:
    view, glass = await picture(), Glass()
    assert view.book is not None
    glass.accept(view, 0)
    glass.glass_age_ms = 12.0
    seen = glass.seen(50 * NS_PER_MS)
    assert (seen.bid, seen.ask, seen.update_id) == (view.book.best_bid, view.book.best_ask, view.book.update_id)
    assert seen.book_age_ms == view.book.age_ms + 50
    assert seen.glass_age_ms == 12.0


async def test_a_fill_is_new_once_and_the_first_picture_has_none() -> None:
    view, glass = await picture(), Glass()
    fill = FillView(1, 38, glass.key, "buy", "0.5", "61000.0", "maker", "3", "USDT", "t1")
    old = replace(fill, key="binance:BTC/USDT:USDT")
    new = replace(old, trade_id="t2")
    glass.accept(replace(view, fills=[old]), 0)
    assert glass.new_fills == []
    glass.accept(replace(view, fills=[new, old]), 0)
    assert glass.new_fills == [("61000.0", "t2")]
    glass.accept(replace(view, fills=[new, old]), 0)
    assert glass.new_fills == []


async def test_log_lines_come_once_and_start_anew_with_another_engine() -> None:
    view, glass = await picture(), Glass()
    glass.accept(replace(view, log=[LogLine(1, 0, "info", "a"), LogLine(2, 0, "info", "b")]), 0)
    glass.accept(replace(view, log=[LogLine(2, 0, "info", "b"), LogLine(3, 0, "info", "c")]), 0)
    assert [line.text for line in glass.log] == ["a", "b", "c"]
    glass.restart()
    assert glass.request("", 20, 1, "").log_after == 0
