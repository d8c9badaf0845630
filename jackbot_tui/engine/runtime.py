"""Gives the engine core what it may not have itself: sockets, timers, a journal on disk, recorded sessions.

``EngineRuntime`` is built from ``EngineOptions`` and owns every task it starts. It knows nothing of desks, links or
screens; the headless host puts those on top.
"""

import asyncio
import contextlib
import random
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jackbot_tui import __version__
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.feed import VenueFeed, innermost
from jackbot_tui.engine.inputs import FORMAT, Measured, SessionBegan, SessionClosed
from jackbot_tui.engine.live import LiveLine
from jackbot_tui.engine.loop_lag import LoopLag
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.options import EngineOptions, LiveOptions, ShutdownPolicy
from jackbot_tui.engine.recorded import RecordedEngine, RecordedMarketData
from jackbot_tui.engine.replay import ReplayPlayer, capture_end_ns
from jackbot_tui.engine.round_trips import RoundTrips
from jackbot_tui.engine.turns import TurnJournal, Turns
from jackbot_tui.execution.base import VenueExecutor
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.feeds.capture import CaptureWriter, RingCapture, read_capture
from jackbot_tui.journal.base import Journal, Recovered
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, Clock, ManualClock, SystemClock
from jackbot_tui.model.errors import InputError, JackbotError
from jackbot_tui.model.market import VenueNotice
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.venues import load_venue

TICK_NS = 100 * NS_PER_MS
"""Longest pause between two calls of ``Engine.advance``."""

REPLAY_TICK_S = 0.01
DRAIN_S = 3.0
"""How long an orderly end waits for cancels and closing orders to finish."""


class EngineRuntime:
    """See the module's paragraph. ``run`` returns when ``stop`` was called or the time was up."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        self.rng = random.Random(options.seed)
        self._manual = ManualClock() if options.replay is not None else None
        self._turns = Turns(SystemClock())
        self.clock: Clock = self._manual if self._manual is not None else self._turns
        self.codec = load_venue(options.venue, options.endpoints)
        self.data: MarketData = (
            RecordedMarketData(self.codec, self._turns)
            if self._manual is None
            else MarketData(self.codec, adopt_unknown=True)
        )
        self.lag = LoopLag()
        self.feed: VenueFeed | None = None
        """The sockets and requests; None in a replay and before ``run``."""
        self.ring: RingCapture | None = None
        self.recorder: CaptureWriter | None = None
        self._tap = self._turns.taps
        self._segments_opened = 0
        self.player: ReplayPlayer | None = None
        self.live: LiveLine | None = None
        """The line to a real account; None on paper, on the embedded exchange and in a replay."""
        self.engine: Engine
        self.journal: Journal
        self._stop = asyncio.Event()
        self._stop_reason = ""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0
        self._failures: dict[str, str] = {}
        self._live_tasks: list[asyncio.Task[None]] = []
        self._round_trips = RoundTrips(lambda round_trip_ns: None)  # a replay measures none
        self._stop_orders: Callable[[bool], None] = lambda stopping: setattr(self.engine, "stopping", stopping)

    # ------------------------------------------------------------------ life

    async def open(self) -> None:
        """Open the journal and build the engine core; raises JackbotError in one line when that cannot be done."""
        options = self.options
        recovered: Recovered | None = None
        if options.journal_path is None:
            self.journal = MemoryJournal(options.seed)
        else:
            journal = await SqliteJournal.open(options.journal_path, self.clock)
            recovered = journal.recovered
            self.journal = journal
        if self._manual is not None:
            self.engine = Engine(clock=self._manual, **self._parts(self.journal, self._paper()))
            self.engine.start(recovered, list(options.symbols))
        elif options.live is not None:
            await self._begin_live(options.live, recovered)
        else:
            try:
                self._open_captures()
            except InputError:
                await self.journal.close()
                raise
            self._begin_session(recovered)
        self.engine.on_wakeup_changed(self._reschedule)
        self.engine.notice_listener = self._on_notice

    def _paper(self) -> PaperExecutor:
        options, journal = self.options, self.journal
        return PaperExecutor(
            self.data.markets,
            options.paper,
            options.seed,
            trade_id_prefix=f"{journal.journal_id}-{journal.session}-",
        )

    def _parts(self, journal: Journal, executor: VenueExecutor) -> dict[str, Any]:
        """What the engine core is made of, but for its clock."""
        options = self.options
        return {
            "mode": options.mode,
            "venue": options.venue,
            "data": self.data,
            "executor": executor,
            "oms": Oms(),
            "portfolio": Portfolio(options.paper.start_balances),
            "gate": RiskGate(options.limits),
            "journal": journal,
            "seed": options.seed,
            "version": __version__,
            "parents": options.parents,
        }

    def _begin_session(self, recovered: Recovered | None) -> None:
        """Everything that the engine will decide follows from what is written here and from what enters later."""
        options, journal = self.options, self.journal
        instant = options.journal_path is None
        turn_journal = TurnJournal(journal, journal.durable_seq, instant=instant, live=(journal, self._turns))
        began = SessionBegan(
            format=FORMAT,
            mode=options.mode.value,
            venue=options.venue,
            symbols=list(options.symbols),
            seed=options.seed,
            version=__version__,
            limits=options.limits,
            paper=options.paper,
            journal_id=journal.journal_id,
            journal_session=journal.session,
            last_seq=journal.durable_seq,
            instant=instant,
            recovered=recovered,
            parents=options.parents,
        )
        with self._turns.of(began):
            paper = self._paper()
            engine = RecordedEngine(self._turns, **self._parts(turn_journal, paper))
            engine.start(recovered, list(options.symbols))
        self._turns.journal = turn_journal
        self._round_trips = RoundTrips(lambda round_trip_ns: self._measured(paper, round_trip_ns))
        self._stop_orders = engine.stop_orders
        self.engine = engine

    async def _begin_live(self, live: LiveOptions, recovered: Recovered | None) -> None:
        """An engine on a real account. What the venue answers is not in the captures: they replay its market only."""
        try:
            oms = Oms()
            line = await asyncio.to_thread(
                LiveLine, live, self.options.venue, list(self.options.symbols), oms, self.options.seed
            )
            self._open_captures()
        except JackbotError:
            await self.journal.close()
            raise
        parts = self._parts(self.journal, line.executor) | {"oms": oms, "portfolio": Portfolio()}
        self.engine = Engine(clock=self._turns, **parts)
        line.attach(self.engine, self._reschedule)
        line.recall(recovered)
        self.engine.start(recovered, list(self.options.symbols))
        self.live = line

    def _measured(self, paper: PaperExecutor, round_trip_ns: int) -> None:
        with self._turns.of(Measured(round_trip_ns)):
            paper.measure_latency(round_trip_ns)

    def _open_captures(self) -> None:
        """Before anything enters the engine: a capture that is there from the first moment holds the whole session."""
        options = self.options
        if options.capture_dir is not None:
            self.ring = RingCapture(options.capture_dir, max_bytes=options.capture_bytes)
            self._tap.open.append(self.ring)
        if options.record_path is not None:
            try:
                self._start_recorder(options.record_path)
            except InputError:
                self._close_captures()
                raise

    def _close_captures(self) -> None:
        self._tap.open.clear()
        for closable in (self.ring, self.recorder):
            if closable is not None:
                closable.close()

    async def run(self) -> None:
        """Feed the engine until stopped. Owns and cancels everything it starts."""
        if self.options.replay is None:
            await asyncio.to_thread(_load_network)
        self.lag.start()
        work = asyncio.create_task(self._feed(), name="feed")
        stop = asyncio.create_task(self._stop.wait(), name="stop")
        if self.options.replay is None:
            self._tick()
        if self.options.run_for_ns:
            asyncio.get_running_loop().call_later(self.options.run_for_ns / NS_PER_S, self.stop, "time is up")
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() and (failed := work.exception()) is not None:
                self.stop(f"the feed failed: {innermost(failed)}")
            await stop
            await self._wind_down()
            if work.done():
                work.result()
        finally:
            for task in (work, stop, *self._live_tasks):
                task.cancel()
            await asyncio.gather(work, stop, *self._live_tasks, return_exceptions=True)
            self._close()

    def stop(self, reason: str) -> None:
        """Ask for an orderly end; ``run`` returns soon."""
        if not self._stop_reason:
            self._stop_reason = reason
        self._stop.set()

    async def close(self) -> None:
        """Journal the end, write into the captures what the journal came to, and make everything durable."""
        self.engine.end(self._stop_reason or "closed")
        journal = self._turns.journal
        if journal is not None:
            lost = max((each.dropped for each in (self.ring, self.recorder) if each is not None), default=0)
            self._turns.write(SessionClosed(journal.digest(), journal.records, lost, journal.flaw))
        self._close_captures()
        await self.journal.close()

    async def _wind_down(self) -> None:
        """Handle working orders as configured, waiting a bounded time for the answers."""
        engine = self.engine
        engine.feed_note("info", f"stopping: {self._stop_reason}")
        match self.options.shutdown:
            case ShutdownPolicy.LEAVE:
                return
            case ShutdownPolicy.CANCEL:
                engine.cancel_all(source="shutdown")
            case ShutdownPolicy.FLATTEN:
                engine.flatten(None, "shutdown")
        self._stop_orders(self.options.shutdown is ShutdownPolicy.CANCEL)
        told = asyncio.Event()
        engine.board.listen(lambda _: told.set())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while engine.oms.open_orders() or self._still_flattening():
                    told.clear()
                    await told.wait()
        self._stop_orders(True)

    def _still_flattening(self) -> bool:
        held = any(position.quantity for position in self.engine.portfolio.positions)
        return held and self.options.shutdown is ShutdownPolicy.FLATTEN

    def _close(self) -> None:
        self.lag.stop()
        if self._timer is not None:
            self._timer.cancel()

    def record(self, start: bool) -> str:
        """Start or stop a capture file of its own; returns what was done, in words. InputError when it cannot be."""
        if not start:
            if self.recorder is None:
                raise InputError("nothing is being recorded: say 'record start' first")
            path = self.recorder.path
            self._tap.open.remove(self.recorder)
            self.recorder.close()
            self.recorder = None
            return f"recorded {path}"
        if self.recorder is not None:
            raise InputError(f"already recording {self.recorder.path}: say 'record stop' first")
        if self.options.capture_dir is None:
            raise InputError("captures are switched off for this engine: set a capture directory")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.clock.now_ns() / NS_PER_S))
        return f"recording {self._start_recorder(self.options.capture_dir / f'{self.options.venue}-{stamp}.jsonl.gz')}"

    def _start_recorder(self, path: Path) -> Path:
        self.recorder = CaptureWriter(path)
        self._tap.open.append(self.recorder)
        if self.feed is not None:
            self.feed.snapshots.fetch_all()
        return path

    # ------------------------------------------------------------------ timers

    def _tick(self) -> None:
        self._timer = None
        now = self.clock.now_ns()
        self._do("the clock of orders", lambda: self.engine.advance(now))
        if self.feed is not None:
            feed = self.feed
            self._do("the watch over books", lambda: feed.tick(now))
            self._do("measured latency", lambda: self._round_trips.look(each.metrics for each in feed.sessions))
        self._do("captures", self._keep_captures_playable)
        self._reschedule()

    def _do(self, what: str, work: Callable[[], None]) -> None:
        """One duty of the timer: a bug in it is told, and takes neither the other duties nor the next turn along."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told as often as it changes; the trace goes to the log
            words = f"{what} failed: {type(error).__name__}: {error}"[:300]
            if words != self._failures.get(what):
                self._failures[what] = words
                self.engine.feed_note("bad", words)
                if self.options.log is not None:
                    self.options.log("error", "timer failed", {"part": what, "trace": traceback.format_exc()})

    def _keep_captures_playable(self) -> None:
        """A new file of the ring begins in the middle of the stream: give it snapshots to start from."""
        opened = 0 if self.ring is None else self.ring.segments_opened
        if opened != self._segments_opened:
            if self._segments_opened and self.feed is not None:
                self.feed.snapshots.fetch_all()
            self._segments_opened = opened

    def _reschedule(self) -> None:
        """See to it that ``advance`` is called when the executor wants it; a replay's time is its data's."""
        if self.options.replay is not None:
            return
        now = self.clock.now_ns()
        wanted = self.engine.next_wakeup
        due = now + TICK_NS if wanted is None else max(now, min(wanted, now + TICK_NS))
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = asyncio.get_running_loop().call_later((due - now) / NS_PER_S, self._tick)

    # ------------------------------------------------------------------ market data

    @property
    def feed_detail(self) -> str:
        """What is wrong with the market data now, one line; "" when nothing is."""
        return "" if self.feed is None else self.feed.detail

    def _on_notice(self, notice: VenueNotice) -> None:
        if self.feed is not None:
            self.feed.on_venue_notice(notice)

    async def _feed(self) -> None:
        if self.options.replay is not None:
            await self._play()
        else:
            await self._stream()

    async def _stream(self) -> None:
        options = self.options
        self.feed = VenueFeed(
            self.engine, self.clock, self.rng, self._tap, options.symbols, options.log, options.stream
        )
        if self.live is not None:
            self._live_tasks.append(asyncio.create_task(self.live.run(self.feed.rest.limits), name="live"))
        await self.feed.run()

    async def _play(self) -> None:
        """Play the capture at the chosen speed; at its end the engine stays up for a look around."""
        replay, manual = self.options.replay, self._manual
        assert replay is not None and manual is not None
        loop = asyncio.get_running_loop()
        end_ns = await asyncio.to_thread(capture_end_ns, replay.paths)
        player = self.player = ReplayPlayer(
            read_capture(replay.paths),
            self.data,
            manual,
            self.codec,
            replay.kind,
            symbols=self.options.symbols,
            end_ns=end_ns,
            on_time=self.engine.advance,
        )
        player.speed = replay.speed
        player.paused = replay.paused
        before = loop.time()
        ended = False
        while True:
            await asyncio.sleep(REPLAY_TICK_S)
            after = loop.time()
            elapsed, before = int((after - before) * NS_PER_S), after
            if not player.done:
                player.advance(elapsed)
            elif not ended:
                ended = True
                self.engine.feed_note("info", "end of the capture: the last picture stands")
            else:  # orders entered after the end still get their answers
                manual.advance(elapsed)
                self.engine.advance(manual.now_ns())


def _load_network() -> None:
    """Import the network stack, which takes a quarter of a second, where it does not hold up the event loop."""
    import aiohttp  # noqa: F401
    import websockets.asyncio.client  # noqa: F401
