"""Facts the engine tells its clients: order events, refusals, the kill switch, trouble with the market data.

A notice about an order is published only after the journal holds the fact. Kept in a bounded ring; a client that asks
for notices older than the ring reads the journal instead.
"""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

RING = 500
"""Notices kept: a minute of the liveliest trading, for a client that was away for a moment; about 200 kB."""


class EngineNotice(Struct, frozen=True):
    """One fact. ``seq`` counts from 1 without holes within one engine process.

    ``kind``: accepted, filled, canceled, rejected, expired, amended, unknown, refused, kill, book, feed, note.
    ``level``: info, good, warn, bad.
    """

    seq: int
    ts: int
    kind: str
    level: str
    text: str
    key: str = ""
    number: int = 0


class NoticeBoard:
    """Numbers notices, keeps the newest ``RING`` of them and calls listeners in the order of publication."""

    def __init__(self) -> None:
        self.ring: deque[EngineNotice] = deque(maxlen=RING)
        self.seq = 0
        self._listeners: list[Callable[[EngineNotice], None]] = []

    def publish(self, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0) -> EngineNotice:
        self.seq += 1
        notice = EngineNotice(self.seq, ts, kind, level, text, key, number)
        self.ring.append(notice)
        for listener in tuple(self._listeners):
            listener(notice)
        return notice

    def after(self, seq: int, limit: int = RING) -> list[EngineNotice]:
        """Notices with a higher sequence than ``seq``, oldest first, the newest ``limit`` of them."""
        missing = min(self.seq - seq, len(self.ring), limit)
        if missing <= 0:
            return []
        return [self.ring[index] for index in range(len(self.ring) - missing, len(self.ring))]

    def listen(self, listener: Callable[[EngineNotice], None]) -> Callable[[], None]:
        """Call ``listener`` for every notice to come; returns the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
