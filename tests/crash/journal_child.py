"""Writes a seeded story into a journal until it is killed; runs in a process of its own.

Says ``READY`` before it touches the file, and the number of each record after the journal said that it is durable.
"""

import asyncio
import random
from multiprocessing.connection import Connection
from pathlib import Path

from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.records import Record
from tests.journal_world import NOON, story

STORY_LENGTH = 4_000
READY = 0
"""Said in place of a record's number; those begin at 1."""


def chapter(seed: int, first: int, session: int) -> list[Record]:
    """What the child of ``seed`` appends when the journal's next order number is ``first``."""
    return story(seed, STORY_LENGTH, first, f"s{session}-")


def run(path: Path, seed: int, parent: Connection) -> None:
    """The child's whole life, which only a kill ends."""
    asyncio.run(_write(path, seed, parent))


async def _write(path: Path, seed: int, parent: Connection) -> None:
    rng = random.Random(seed)
    _say(parent, READY)
    journal = await SqliteJournal.open(path, ManualClock(NOON))
    for record in chapter(seed, journal.recovered.next_number, journal.session):
        seq = journal.append(record)
        journal.when_durable(seq, lambda seq=seq: _say(parent, seq))  # type: ignore[misc]
        choice = rng.random()
        if choice < 0.05:
            await journal.flush()
        elif choice < 0.3:
            await asyncio.sleep(0)
    await journal.flush()
    await asyncio.Event().wait()


def _say(parent: Connection, number: int) -> None:
    parent.send_bytes(number.to_bytes(8))
