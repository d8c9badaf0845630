"""Turns: the clock stands still in one, what entered is written first, and what the engine does itself is no input."""

import pytest

from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.inputs import Advanced, Committed, Input, JournalProblem, Noted, input_of
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.recorded import RecordedEngine, RecordedMarketData
from jackbot_tui.engine.turns import CountingLog, TurnJournal, Turns
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.errors import CaptureError, InputError, JournalError
from jackbot_tui.model.records import Note


class Written:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.inputs: list[tuple[int, Input]] = []

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None:
        assert (kind, conn) == ("input", "engine")
        self.inputs.append((ts_ns, input_of(raw)))


class SlowJournal(MemoryJournal):
    """Durable when told."""

    def __init__(self) -> None:
        super().__init__()
        self.committed = 0
        self.trouble = ""
        self.waiting: list[object] = []

    @property
    def durable_seq(self) -> int:
        return self.committed

    @property
    def problem(self) -> str:
        return self.trouble

    def when_durable(self, seq: int, callback: object) -> None:
        self.waiting.append(callback)

    def commit(self, seq: int) -> None:
        self.committed = seq
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            callback()  # type: ignore[operator]


def note(text: str) -> Note:
    return Note(1, "note", text)


def test_the_clock_stands_still_in_a_turn_and_never_goes_back_between_turns() -> None:
    wall = ManualClock(1_000)
    turns = Turns(wall)
    with turns.of(Advanced()) as turn:
        wall.advance(50)
        assert turn.now_ns() == 1_000
    assert turns.now_ns() == 1_050
    assert turns.begin(1_500) == 1_500
    turns.end()
    assert turns.now_ns() == 1_500
    assert turns.begin(1_200) == 1_500
    turns.end()


def test_what_happens_inside_a_turn_is_no_input_and_shares_its_time() -> None:
    turns, written = Turns(ManualClock(7)), Written()
    turns.taps.open.append(written)
    with turns.of(Noted("note", "outer")), turns.of(Noted("note", "inner")):
        assert turns.now_ns() == 7
    with turns.of(Advanced()):
        pass
    assert written.inputs == [(7, Noted("note", "outer")), (7, Advanced())]


def test_an_input_that_cannot_be_written_is_refused_and_ends_its_turn() -> None:
    wall, written = ManualClock(7), Written()
    turns = Turns(wall)
    turns.taps.open.append(written)
    with pytest.raises(InputError, match="cannot be written as text"):
        turns.of(Noted("note", "\ud800"))
    wall.advance(1)
    assert turns.now_ns() == 8
    assert written.inputs == []


def test_a_commit_is_a_turn_of_its_own_and_never_happens_within_another() -> None:
    turns, written, disk = Turns(ManualClock(7)), Written(), SlowJournal()
    turns.taps.open.append(written)
    journal = turns.journal = TurnJournal(disk, 0, instant=False, live=(disk, turns))
    told: list[str] = []
    first = journal.append(note("first"))
    journal.when_durable(first, lambda: told.append("first"))
    with turns.of(Advanced()):
        disk.commit(first)
        assert (told, journal.durable_seq) == ([], 0)
    with turns.of(Advanced()):
        assert (told, journal.durable_seq) == (["first"], first)
    second = journal.append(note("second"))
    journal.when_durable(second, lambda: told.append("second"))
    disk.commit(second)
    assert told == ["first", "second"]
    assert [entered for _, entered in written.inputs] == [Advanced(), Committed(1), Advanced(), Committed(2)]


def test_an_illness_of_the_journal_begins_and_ends_between_turns() -> None:
    turns, written, disk = Turns(ManualClock(7)), Written(), SlowJournal()
    turns.taps.open.append(written)
    journal = turns.journal = TurnJournal(disk, 0, instant=False, live=(disk, turns))
    with turns.of(Advanced()):
        disk.trouble = "full"
        assert journal.healthy
    with turns.of(Advanced()):
        assert (journal.healthy, journal.problem) == (False, "full")
        disk.trouble = ""
    with turns.of(Advanced()):
        assert journal.healthy
    kinds = [entered for _, entered in written.inputs if isinstance(entered, JournalProblem)]
    assert kinds == [JournalProblem("full"), JournalProblem("")]


async def test_a_record_that_the_journal_refused_is_a_flaw_that_a_replay_cannot_know() -> None:
    disk = MemoryJournal()
    journal = TurnJournal(disk, 0, instant=False)
    await disk.close()
    with pytest.raises(JournalError):
        journal.append(note("late"))
    assert "not journaled" in journal.flaw


def test_the_digest_is_the_same_over_a_journal_and_over_a_log_that_only_counts() -> None:
    shown: list[tuple[int, str]] = []
    live = TurnJournal(MemoryJournal(3), 0, instant=True)
    replayed = TurnJournal(CountingLog("0003", 1, 0, lambda seq, text: shown.append((seq, text))), 0, instant=True)
    for journal in (live, replayed):
        for text in ("a", "b"):
            journal.append(note(text))
    assert live.digest() == replayed.digest() == digest_of("a", "b")
    assert [seq for seq, _ in shown] == [1, 2]
    live.append(note("c"))
    assert live.digest() != replayed.digest()


def digest_of(*texts: str) -> str:
    """What the journal itself says of the same records."""
    journal = MemoryJournal(3)
    for text in texts:
        journal.append(note(text))
    return journal.digest()


def test_an_input_of_another_version_is_told_in_one_line() -> None:
    with pytest.raises(CaptureError, match="another version"):
        input_of('{"type":"telepathy"}')
    with pytest.raises(CaptureError, match="another version"):
        input_of('{"type":"session","format":1}')


READERS = {"amend_refusal", "limits", "mark_of", "positions", "refusal_of"}
INSIDE = {"append", "feed_note", "on_book", "on_book_state", "on_mark", "on_notice", "on_trade", "publish_durable"}
AT_THE_START = {"on_wakeup_changed", "start", "go_live"}
LIVE_ONLY = {"apply_all", "take_in"}
"""Paper and simulated sessions call these within turns only; a live session is not replayed."""


def test_every_way_into_an_engine_is_a_turn_or_known_to_change_nothing() -> None:
    """A new public method of the engine belongs into ``RecordedEngine`` or, with a reason, into one of these sets."""
    ways = {name for name, value in vars(Engine).items() if callable(value) and not name.startswith("_")}
    known = READERS | INSIDE | AT_THE_START | LIVE_ONLY
    assert ways - vars(RecordedEngine).keys() - known == set()
    data = {name for name, value in vars(MarketData).items() if callable(value) and name.startswith(("on_", "check_"))}
    assert data - vars(RecordedMarketData).keys() - {"on_state_change", "on_unknown"} == set()
