"""A journal that lives in memory: for replays, demonstrations without a disk, and tests.

Everything is durable the moment it is appended, as far as this process is concerned. ``digest`` is how two runs are
compared: same events and same seed must give the same log, byte for byte.
"""

import hashlib
from collections.abc import Callable

from jackbot_tui.journal.encoding import checked_text
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.ids import base36
from jackbot_tui.model.records import Record

ID_SPACE = 36**4


class MemoryJournal:
    """See the module's paragraph. ``journal_id`` follows from ``seed``, so client order ids are reproducible."""

    def __init__(self, seed: int = 0) -> None:
        self.journal_id = base36(seed % ID_SPACE, 4)
        self.session = 1
        self.records: list[tuple[int, Record]] = []
        self._digest = hashlib.sha256()
        self._closed = False

    @property
    def durable_seq(self) -> int:
        return len(self.records)

    @property
    def healthy(self) -> bool:
        return not self._closed

    @property
    def problem(self) -> str:
        return "the journal is closed" if self._closed else ""

    def append(self, record: Record) -> int:
        if self._closed:
            raise JournalError("the journal is closed: nothing can be added")
        text = checked_text(record)
        seq = len(self.records) + 1
        self.records.append((seq, record))
        self._digest.update(f"{seq} {text}\n".encode())
        return seq

    def when_durable(self, seq: int, callback: Callable[[], None]) -> None:
        if seq > len(self.records):
            raise JournalError(f"record {seq} was never appended: the last one is {len(self.records)}")
        callback()

    async def flush(self) -> None:
        """Nothing to wait for."""

    async def close(self) -> None:
        self._closed = True

    def digest(self) -> str:
        """SHA-256 (hex) over the text of all records, times included: equal logs, equal digests."""
        return self._digest.hexdigest()
