"""Turns: the one way into a running engine, so that a capture of a session holds all that its journal follows from.

Whatever enters (a frame, a reply, a timer, a commit, an order) begins a turn: the clock stands still until it ends, and
what entered is written to the captures before it takes effect. What the engine does in a turn follows from its state,
that input and that time alone, so the same inputs give the same journal again (``backtest.session``). Used by the
runtime; synchronous, on one thread; a turn never spans an ``await``.
"""

import hashlib
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol, Self

from jackbot_tui.engine.inputs import INPUT_CONN, Committed, Input, JournalProblem, text_of_input
from jackbot_tui.feeds.capture import CaptureKind, Tap
from jackbot_tui.journal.base import Journal
from jackbot_tui.journal.encoding import checked_text
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.records import OrderSubmitted, Record


class Taps:
    """The recorders of this engine, as one: what goes over the wire is given to each that is open."""

    def __init__(self) -> None:
        self.open: list[Tap] = []

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None:
        for tap in self.open:
            tap.record(ts_ns, kind, conn, url, raw)


class Turns:
    """The engine's clock and the record of what enters it; see the module's paragraph.

    ``with turns.of(entered):`` is a turn. Inside another one it is a part of that: an engine's own act is no input.
    """

    def __init__(self, source: Clock) -> None:
        self.taps = Taps()
        self.journal: TurnJournal | None = None
        self._source = source
        self._now = 0
        self._depth = 0

    def now_ns(self) -> int:
        """The time of the turn; between turns the time it is, never before the last turn."""
        return self._now if self._depth else max(self._now, self._source.now_ns())

    def of(self, entered: Input) -> Self:
        """Begin a turn now because of ``entered``; ``with`` ends it."""
        outermost = not self._depth
        self.begin()
        if outermost:
            try:
                self._write(entered)
            except BaseException:
                self._depth = 0
                raise
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1

    def begin(self, at: int = 0) -> int:
        """Begin a turn that a recorded frame causes, at its time (0: now); returns the time. ``end`` must follow."""
        if not self._depth:
            self._now = max(self._now, at or self._source.now_ns())
            journal = self.journal
            if journal is not None and journal.has_news:
                self._hear_from(journal)
        self._depth += 1
        return self._now

    def end(self) -> None:
        self._depth -= 1

    def write(self, entered: Input) -> None:
        """Write what entered and changes nothing before the next turn: the beginning and the end of a session."""
        self._now = max(self._now, self._source.now_ns())
        self._write(entered)

    def hear_from(self, journal: "TurnJournal") -> None:
        """A commit, between turns: what waited for it goes on in a turn of its own. In a turn it waits for its end."""
        if not self._depth and journal.has_news:
            self._now = max(self._now, self._source.now_ns())
            self._hear_from(journal)

    def _hear_from(self, journal: "TurnJournal") -> None:
        self._depth = 1
        try:
            if journal.new_problem is not None:
                self._write(JournalProblem(journal.new_problem))
                journal.set_problem(journal.new_problem)
            committed = journal.newly_durable
            if committed:
                self._write(Committed(committed))
                journal.commit(committed)
        finally:
            self._depth = 0

    def _write(self, entered: Input) -> None:
        if self.taps.open:
            self.taps.record(self._now, CaptureKind.INPUT, INPUT_CONN, "", text_of_input(entered))


class Log(Protocol):
    """What ``TurnJournal`` needs of the journal below it; a replay has one that only counts."""

    @property
    def journal_id(self) -> str: ...

    @property
    def session(self) -> int: ...

    def append(self, record: Record) -> int: ...


class TurnJournal:
    """The journal as the engine sees it: what is durable, and whether it is healthy, change only between its acts.

    ``instant``: the journal below has records durable at once. ``digest`` is over all records appended through it.
    The same class serves a live session (over a ``Journal``) and its replay, told by ``commit`` and ``set_problem``.
    """

    def __init__(self, log: Log, last_seq: int, *, instant: bool, live: "tuple[Journal, Turns] | None" = None) -> None:
        self.records = 0
        self.flaw = ""
        """What happened that a replay cannot know, "" when nothing did."""
        self._log = log
        self._instant = instant
        self._live = live
        self._durable_seq = self._last_seq = last_seq
        self._problem = ""
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._tickets = 0
        self._digest = hashlib.sha256()

    @property
    def journal_id(self) -> str:
        return self._log.journal_id

    @property
    def session(self) -> int:
        return self._log.session

    @property
    def durable_seq(self) -> int:
        return self._durable_seq

    @property
    def healthy(self) -> bool:
        return not self._problem

    @property
    def problem(self) -> str:
        return self._problem

    def digest(self) -> str:
        """SHA-256 (hex) over number and text of every record of this session, times included."""
        return self._digest.hexdigest()

    def append(self, record: Record) -> int:
        if self._problem and isinstance(record, OrderSubmitted):
            raise JournalError(f"the order was not journaled: {self._problem}")
        try:
            seq = self._log.append(record)
        except JournalError as error:
            self.flaw = self.flaw or f"a record was not journaled: {error}"
            raise
        self._digest.update(f"{seq} {checked_text(record)}\n".encode())
        self._last_seq = seq
        self.records += 1
        if self._instant:
            self._durable_seq = seq
        return seq

    def when_durable(self, seq: int, callback: Callable[[], None]) -> None:
        if seq > self._last_seq:
            raise JournalError(f"record {seq} was never appended: the last one is {self._last_seq}")
        if seq <= self._durable_seq and not self._is_due():
            callback()
            return
        self._tickets += 1
        heappush(self._waiting, (seq, self._tickets, callback))
        if self._live is not None:
            journal, turns = self._live
            journal.when_durable(seq, lambda: turns.hear_from(self))

    async def flush(self) -> None:
        if self._live is not None:
            journal, turns = self._live
            await journal.flush()
            turns.hear_from(self)

    async def close(self) -> None:
        """Of the journal below; whoever owns it closes it there."""
        if self._live is not None:
            await self._live[0].close()

    # ------------------------------------------------------------------ news from below

    @property
    def has_news(self) -> bool:
        return bool(self.newly_durable) or self.new_problem is not None

    @property
    def newly_durable(self) -> int:
        """The last record that has become durable since the last commit, 0 when none has."""
        if self._live is None or self._instant:
            return 0
        durable = self._live[0].durable_seq
        return durable if durable > self._durable_seq or self._is_due() else 0

    @property
    def new_problem(self) -> str | None:
        """The problem of the journal below where it is another one than is known, else None."""
        if self._live is None:
            return None
        problem = self._live[0].problem
        return problem if problem != self._problem else None

    def set_problem(self, text: str) -> None:
        self._problem = text

    def commit(self, seq: int) -> None:
        """Everything up to ``seq`` is durable: run what waited for it, in order."""
        self._durable_seq = max(self._durable_seq, seq)
        while self._is_due():
            heappop(self._waiting)[2]()

    def _is_due(self) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= self._durable_seq


class CountingLog:
    """The log below a replayed session: it keeps nothing, numbers on from ``last_seq`` and shows each record's text."""

    def __init__(self, journal_id: str, session: int, last_seq: int, show: Callable[[int, str], None]) -> None:
        self.journal_id = journal_id
        self.session = session
        self._seq = last_seq
        self._show = show

    def append(self, record: Record) -> int:
        self._seq += 1
        self._show(self._seq, checked_text(record))
        return self._seq
