"""The journal in memory: durable at once, and one digest per log."""

import pytest

from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.records import CommandReceived, Note
from tests.journal_world import NOON, story


def journal_of(seed: int, length: int = 50) -> MemoryJournal:
    journal = MemoryJournal(7)
    for record in story(seed, length):
        journal.append(record)
    return journal


def test_equal_logs_have_equal_digests() -> None:
    assert journal_of(1).digest() == journal_of(1).digest()


def test_any_difference_changes_the_digest() -> None:
    one, other = MemoryJournal(), MemoryJournal()
    one.append(Note(NOON, "a", "b"))
    other.append(Note(NOON + 1, "a", "b"))
    digests = {one.digest(), other.digest(), MemoryJournal().digest(), journal_of(1).digest(), journal_of(2).digest()}
    digests.add(journal_of(1, 49).digest())
    assert len(digests) == 6


async def test_everything_is_durable_at_once() -> None:
    journal = MemoryJournal()
    told: list[int] = []
    seq = journal.append(Note(NOON, "a", "b"))
    journal.when_durable(seq, lambda: told.append(seq))
    await journal.flush()
    assert told == [1] == [journal.durable_seq]
    assert journal.records == [(1, Note(NOON, "a", "b"))]


async def test_nothing_is_taken_after_closing_or_when_it_is_no_text() -> None:
    journal = MemoryJournal()
    with pytest.raises(JournalError, match="cannot be written"):
        journal.append(CommandReceived(NOON, "ui", "\ud800"))
    with pytest.raises(JournalError, match="never appended"):
        journal.when_durable(1, lambda: None)
    assert journal.healthy
    await journal.close()
    assert (journal.healthy, journal.problem) == (False, "the journal is closed")
    with pytest.raises(JournalError, match="closed"):
        journal.append(Note(NOON, "a", "b"))
    assert journal.durable_seq == 0


def test_the_id_follows_from_the_seed() -> None:
    assert [MemoryJournal(seed).journal_id for seed in (0, 35, 36**4 + 1, -1)] == ["0000", "000z", "0001", "zzzz"]
