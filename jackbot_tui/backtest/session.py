"""A recorded session played again, input by input: the same journal must come of it, byte for byte.

A capture that was open from the first moment (``jackbot demo --record FILE``, or the ring) holds everything that
entered the engine, in the order and at the times at which it took effect (``engine.turns``), and at its end the hash of
the journal that was written. Here all of it goes into the plain engine core once more, with nothing else: no sockets,
no disk, no clock but that of the records. Reads captures; writes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from jackbot_tui.engine import inputs
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.turns import CountingLog, TurnJournal
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import Mode
from jackbot_tui.model.errors import CaptureError
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import ConnectionPlan

_SUBMITTED, _FILLED = '{"type":"submitted"', '{"type":"filled"'

Show = Callable[[int, str], None]
"""Takes number and text of a journal record."""


class Verdict(StrEnum):
    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"  # the capture does not hold enough to say


class SessionReport(Struct, frozen=True, kw_only=True):
    """One session of a capture, replayed. ``recorded`` is the hash that the session itself came to, "" when it never
    ended in order; ``digest`` that of the replay; ``why`` says in words what speaks against an answer."""

    venue: str
    mode: str
    version: str
    journal_id: str
    journal_session: int
    first_ns: int
    last_ns: int
    frames: int
    orders: int
    fills: int
    records: int
    digest: str
    recorded: str
    verdict: Verdict
    why: str = ""


def replay_sessions(paths: Sequence[Path], show: Show | None = None) -> list[SessionReport]:
    """Replay every session that the captures hold from its beginning.

    What lies before the first one (a ring whose oldest files are gone) is left out. CaptureError when there is none, or
    when the captures are damaged. ``show`` gets every journal record that the replay writes.
    """
    reader = read_capture(paths)
    reports: list[SessionReport] = []
    session: SessionReplay | None = None
    for record in reader:
        if record.kind is CaptureKind.INPUT:
            entered = inputs.input_of(record.raw)
            if isinstance(entered, inputs.SessionBegan):
                if session is not None:
                    reports.append(session.report(None))
                session = SessionReplay(entered, record.ts_ns, show or _ignore)
            elif session is not None and isinstance(entered, inputs.SessionClosed):
                reports.append(session.report(entered))
                session = None
            elif session is not None:
                session.take(entered, record.ts_ns)
        elif session is not None:
            session.hear(record)
    if session is not None:
        reports.append(session.report(None))
    if not reports:
        raise CaptureError(
            f"{paths[0]}: no session begins in this capture: it can be replayed as market data only "
            "(start an engine with --record FILE to record a session)"
        )
    return reports


class SessionReplay:
    """One session: built from its beginning, then given everything that follows, in order."""

    def __init__(self, began: inputs.SessionBegan, ts_ns: int, show: Show) -> None:
        if began.format != inputs.FORMAT:
            raise CaptureError(
                f"the session was recorded in format {began.format}, this version replays {inputs.FORMAT}: "
                f"replay it with jackbot {began.version}"
            )
        mode = Mode(began.mode)
        if mode not in (Mode.SIM, Mode.PAPER):
            raise CaptureError(
                f"a {mode.value} session cannot be replayed to its journal: captures hold no news of an account"
            )
        self._began = began
        self._first_ns = ts_ns
        self._clock = ManualClock(ts_ns)
        self._data = MarketData(load_venue(began.venue))
        self._plans: dict[str, ConnectionPlan] = {}
        self._reply: str | bytes = ""
        self._frames = 0
        self._orders = self._fills = 0
        self._show = show
        log = CountingLog(began.journal_id, began.journal_session, began.last_seq, self._on_record)
        self._journal = TurnJournal(log, began.last_seq, instant=began.instant)
        self._paper = PaperExecutor(
            self._data.markets,
            began.paper,
            began.seed,
            trade_id_prefix=f"{began.journal_id}-{began.journal_session}-",
        )
        self.engine = Engine(
            clock=self._clock,
            mode=mode,
            venue=began.venue,
            data=self._data,
            executor=self._paper,
            oms=Oms(),
            portfolio=Portfolio(began.paper.start_balances),
            gate=RiskGate(began.limits),
            journal=self._journal,
            seed=began.seed,
            version=began.version,
            parents=began.parents,
        )
        self.engine.start(began.recovered, began.symbols)

    def hear(self, record: CaptureRecord) -> None:
        """A frame, or a reply that the next input may speak of; what was sent is no input."""
        match record.kind:
            case CaptureKind.RECV:
                plan = self._plans.get(record.conn)
                if plan is None:
                    raise CaptureError(f"a frame of {record.conn} before it connected: records are missing here")
                self._frames += 1
                self._data.on_frame(plan.kind, record.raw, self._turn(record.ts_ns))
            case CaptureKind.HTTP:
                self._reply = record.raw
            case _:
                pass

    def take(self, entered: inputs.Input, ts_ns: int) -> None:
        """One input at its time."""
        now = self._turn(ts_ns)
        engine, data = self.engine, self._data
        match entered:
            case inputs.Advanced():
                engine.advance(now)
            case inputs.Looked(heard):
                for conn, at in heard.items():
                    data.on_heard(conn, at)
                data.check_silence(now)
            case inputs.Committed(seq):
                self._journal.commit(seq)
            case inputs.JournalProblem(text):
                self._journal.set_problem(text)
            case inputs.Followed(instrument):
                engine.add_instrument(instrument)
            case inputs.Connected(conn, kind, book_keys):
                plan = self._plans[conn] = ConnectionPlan(conn, kind, "", (), book_keys)
                data.on_connect(plan, now)
            case inputs.Disconnected(conn, reason):
                data.on_disconnect(self._plan(conn), reason, now)
            case inputs.Answered(key):
                request = data.codec.snapshot_request(data.markets[key].instrument)
                if request is None:
                    raise CaptureError(f"a snapshot of {key}, which this version never asks for")
                data.on_http(request, self._reply, now)
            case inputs.AnswerFailed(key, reason):
                request = data.codec.snapshot_request(data.markets[key].instrument)
                if request is not None:
                    data.on_http_failed(request, reason, now)
            case inputs.Resubscribed(key):
                data.on_resubscribed(key, now)
            case inputs.Measured(round_trip_ns):
                self._paper.measure_latency(round_trip_ns)
            case inputs.SessionBegan() | inputs.SessionClosed():
                raise CaptureError("a session inside a session: were two engines recording into one file?")
            case _:
                ask(engine, entered)

    def report(self, closed: inputs.SessionClosed | None) -> SessionReport:
        """What came of it; ``closed`` is what the session itself came to, None when it never ended in order."""
        began = self._began
        digest = self._journal.digest()
        verdict, why = _verdict(digest, self._journal.records, closed)
        return SessionReport(
            venue=began.venue,
            mode=began.mode,
            version=began.version,
            journal_id=began.journal_id,
            journal_session=began.journal_session,
            first_ns=self._first_ns,
            last_ns=self._clock.now_ns(),
            frames=self._frames,
            orders=self._orders,
            fills=self._fills,
            records=self._journal.records,
            digest=digest,
            recorded="" if closed is None else closed.digest,
            verdict=verdict,
            why=why,
        )

    def _on_record(self, seq: int, text: str) -> None:
        self._orders += text.startswith(_SUBMITTED)
        self._fills += text.startswith(_FILLED)
        self._show(seq, text)

    def _turn(self, ts_ns: int) -> int:
        self._clock.set(ts_ns)
        return self._clock.now_ns()

    def _plan(self, conn: str) -> ConnectionPlan:
        plan = self._plans.get(conn)
        if plan is None:
            raise CaptureError(f"{conn} was lost before it connected: records are missing here")
        return plan


def ask(engine: Engine, wanted: inputs.Input) -> None:
    """Carry out what a person, or the end of a session, asked of the engine."""
    match wanted:
        case inputs.Submit(request, confirmed):
            engine.submit(request, confirmed)
        case inputs.Cancel(client_id, source):
            engine.cancel(client_id, source)
        case inputs.Amend(client_id, price, quantity, source):
            engine.amend(client_id, price, quantity, source)
        case inputs.CancelAll(key, side, owner, source):
            engine.cancel_all(key=key, side=side, owner=owner, source=source)
        case inputs.Flatten(key, source):
            engine.flatten(key, source)
        case inputs.Reverse(key, source):
            engine.reverse(key, source)
        case inputs.Kill(source, flatten):
            engine.kill(source, flatten)
        case inputs.ResetKill(source):
            engine.reset_kill(source)
        case inputs.ChooseMargin(key, mode, leverage, source):
            engine.set_margin(key, mode, leverage, source)
        case inputs.BeginParent(request):
            engine.parents.start(request)
        case inputs.SteerParent(number, action, quantity, changes, source):
            engine.parents.steer(number, action, quantity, changes, source)
        case inputs.StopParents(key, side, source):
            engine.parents.stop_matching(key, side, source)
        case inputs.Noted(topic, text):
            engine.note(topic, text)
        case inputs.CommandLine(source, line, seen):
            engine.log_command(source, line, seen)
        case inputs.Stopping(stopping):
            engine.stopping = stopping
        case inputs.Ended(reason):
            engine.end(reason)
        case _:
            raise CaptureError(f"{type(wanted).__name__} cannot be asked of an engine")


def _verdict(digest: str, records: int, closed: inputs.SessionClosed | None) -> tuple[Verdict, str]:
    if closed is None:
        return Verdict.UNKNOWN, "the session did not end in order: it left no hash to compare with"
    if digest == closed.digest:
        return Verdict.EQUAL, ""
    if closed.lost:
        return Verdict.UNKNOWN, f"{closed.lost} records of the capture were lost while it was written"
    if closed.flaw:
        return Verdict.UNKNOWN, closed.flaw
    return Verdict.DIFFERENT, f"{records} journal records, the session itself wrote {closed.records}"


def _ignore(seq: int, text: str) -> None:
    """Nobody wants to see the records."""


class Comparison:
    """A ``Show`` that holds a replay against the log of a journal on disk, ``rows`` of number and text in order.

    ``difference``: number, the journal's text and the replay's, of the first record that differs; None while none does.
    """

    def __init__(self, rows: Iterator[tuple[int, str]]) -> None:
        self.difference: tuple[int, str, str] | None = None
        self.compared = 0
        self._rows = rows

    def __call__(self, seq: int, text: str) -> None:
        written = next((row_text for row_seq, row_text in self._rows if row_seq == seq), "")
        self.compared += 1
        if written != text and self.difference is None:
            self.difference = (seq, written, text)
