"""Gives the engine core what it may not have itself: sockets, timers, a journal on disk, recorded sessions.

``EngineRuntime`` is built from ``EngineOptions`` and owns every task it starts. It knows nothing of desks, links or
screens; the headless host puts those on top.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from jackbot_tui import __version__
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.loop_lag import LoopLag
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.options import EngineOptions, ShutdownPolicy
from jackbot_tui.engine.replay import ReplayPlayer, capture_end_ns
from jackbot_tui.engine.snapshots import SnapshotFetcher
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.feeds.backoff import Backoff
from jackbot_tui.feeds.capture import CaptureWriter, RingCapture, Tap, read_capture
from jackbot_tui.feeds.rest import RestClient, RestError
from jackbot_tui.feeds.stream import StreamSession
from jackbot_tui.journal.base import Journal, Recovered
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, Clock, ManualClock, SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError, WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import VenueNotice
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, ConnectionPlan

TICK_NS = 100 * NS_PER_MS
"""Longest pause between two calls of ``Engine.advance``."""

REPLAY_TICK_S = 0.01
DRAIN_S = 3.0
"""How long an orderly end waits for cancels and closing orders to finish."""


class Taps:
    """The recorders of this engine, as one: what goes over the wire is given to each that is open."""

    def __init__(self) -> None:
        self.open: list[Tap] = []

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None:
        for tap in self.open:
            tap.record(ts_ns, kind, conn, url, raw)


class EngineRuntime:
    """See the module's paragraph. ``run`` returns when ``stop`` was called or the time was up."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        self.rng = random.Random(options.seed)
        self._manual = ManualClock() if options.replay is not None else None
        self.clock: Clock = self._manual if self._manual is not None else SystemClock()
        self.codec = load_venue(options.venue, options.endpoints)
        self.data = MarketData(self.codec, adopt_unknown=options.replay is not None)
        self.lag = LoopLag()
        self.sessions: list[StreamSession] = []
        self.rest: RestClient | None = None
        self.ring: RingCapture | None = None
        self.recorder: CaptureWriter | None = None
        self._tap = Taps()
        self._segments_opened = 0
        self.player: ReplayPlayer | None = None
        self.snapshots: SnapshotFetcher | None = None
        self.feed_detail = ""
        self.engine: Engine
        self.journal: Journal
        self._stop = asyncio.Event()
        self._stop_reason = ""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0

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
        paper = PaperExecutor(
            self.data.markets,
            options.paper,
            options.seed,
            trade_id_prefix=f"{self.journal.journal_id}-{self.journal.session}-",
        )
        self.engine = Engine(
            clock=self.clock,
            mode=options.mode,
            venue=options.venue,
            data=self.data,
            executor=paper,
            oms=Oms(),
            portfolio=Portfolio(options.paper.start_balances),
            gate=RiskGate(options.limits),
            journal=self.journal,
            seed=options.seed,
            version=__version__,
        )
        self.engine.start(recovered, list(options.symbols))
        self.engine.on_wakeup_changed(self._reschedule)
        self.engine.notice_listener = self.on_notice

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
            if work.done():
                work.result()
                await stop
            await self._wind_down()
        finally:
            for task in (work, stop):
                task.cancel()
            await asyncio.gather(work, stop, return_exceptions=True)
            self._close()

    def stop(self, reason: str) -> None:
        """Ask for an orderly end; ``run`` returns soon."""
        if not self._stop_reason:
            self._stop_reason = reason
        self._stop.set()

    async def close(self) -> None:
        """Journal the end and make everything durable."""
        self.engine.end(self._stop_reason or "closed")
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
        engine.stopping = self.options.shutdown is ShutdownPolicy.CANCEL
        told = asyncio.Event()
        engine.board.listen(lambda _: told.set())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while engine.oms.open_orders() or self._still_flattening():
                    told.clear()
                    await told.wait()
        engine.stopping = True

    def _still_flattening(self) -> bool:
        held = any(position.quantity for position in self.engine.portfolio.positions)
        return held and self.options.shutdown is ShutdownPolicy.FLATTEN

    def _close(self) -> None:
        self.lag.stop()
        if self._timer is not None:
            self._timer.cancel()
        for closable in (self.ring, self.recorder):
            if closable is not None:
                closable.close()

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
        if self.snapshots is not None:
            self.snapshots.fetch_all()
        return path

    # ------------------------------------------------------------------ timers

    def _tick(self) -> None:
        self._timer = None
        now = self.clock.now_ns()
        try:
            self.engine.advance(now)
            self.data.check_silence(now)
            self._collect()
            self._keep_captures_playable()
        finally:
            self._reschedule()

    def _keep_captures_playable(self) -> None:
        """A new file of the ring begins in the middle of the stream: give it snapshots to start from."""
        opened = 0 if self.ring is None else self.ring.segments_opened
        if opened != self._segments_opened:
            if self._segments_opened and self.snapshots is not None:
                self.snapshots.fetch_all()
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

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        self.data.on_connect(plan, now)
        self.feed_detail = ""
        self.engine.feed_note("good", f"{plan.conn} connected")
        self._collect()

    def on_notice(self, notice: VenueNotice) -> None:
        """The venue announces that it will cut: move to new sockets before it does."""
        if notice.kind == "shutdown":
            for session in self.sessions:
                session.request_rotation()

    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None:
        self.data.on_frame(plan.kind, raw, ts_recv)
        self._collect()

    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        self.data.on_disconnect(plan, reason, now)
        self.feed_detail = f"{plan.conn}: {reason}"
        self.engine.feed_note("warn", f"{plan.conn} lost: {reason}")

    def _collect(self) -> None:
        if self.snapshots is not None:
            self.snapshots.collect()
            for instrument in self.data.wanted_resubscriptions():
                for session in self.sessions:
                    if instrument.key in session.plan.book_keys:
                        session.resubscribe(instrument)

    async def _feed(self) -> None:
        if self.options.replay is not None:
            await self._play()
        else:
            await self._stream()

    async def _stream(self) -> None:
        options = self.options
        if options.capture_dir is not None:
            self.ring = RingCapture(options.capture_dir, max_bytes=options.capture_bytes)
            self._tap.open.append(self.ring)
        if options.record_path is not None:
            self._start_recorder(options.record_path)
        self.rest = RestClient(self.clock, self.codec.spec, tap=self._tap, rng=self.rng)
        try:
            async with asyncio.TaskGroup() as group:
                self.snapshots = SnapshotFetcher(self.data, self.rest, self.clock, self.rng, self.engine.feed_note)
                group.create_task(self.snapshots.run())
                for kind, symbols in _by_kind(options.symbols).items():
                    group.create_task(self._follow(group, kind, symbols))
        finally:
            await self.rest.close()

    async def _follow(self, group: asyncio.TaskGroup, kind: MarketKind, symbols: Sequence[str]) -> None:
        """Learn the instruments of one market kind, then keep its streams open for ever."""
        instruments = await self._instruments(kind, symbols)
        for instrument in instruments:
            self.engine.add_instrument(instrument)
        spec = self.codec.spec.markets[kind]
        channels = [c for c in (Channel.BOOK, Channel.TRADES, Channel.MARK) if c in spec.channels]
        for plan in self.codec.plan(instruments, channels):
            session = StreamSession(plan, spec, self.codec, self, self.clock, tap=self._tap, rng=self.rng)
            self.sessions.append(session)
            group.create_task(session.run(), name=plan.conn)

    async def _instruments(self, kind: MarketKind, symbols: Sequence[str]) -> list[Instrument]:
        """Trading rules from the venue, asked for endlessly and politely; InputError for a symbol it does not have."""
        assert self.rest is not None
        request = self.codec.instruments_request(kind)
        backoff = Backoff(self.rng)
        while True:
            try:
                reply = await self.rest.fetch(request)
                listed = {i.symbol: i for i in self.codec.decode_instruments(kind, reply.body)}
                break
            except (RestError, WireError) as error:
                retry_after = error.retry_after_s if isinstance(error, RestError) else None
                wait = max(backoff.next_delay_s(), retry_after or 0.0)
                self.feed_detail = f"{self.options.venue} {kind.value}: {error}; again in {wait:.0f} s"
                self.engine.feed_note("warn", self.feed_detail)
                await asyncio.sleep(wait)
        self.feed_detail = ""
        missing = [s for s in symbols if s not in listed]
        if missing:
            raise InputError(_unknown_symbol(self.options.venue, kind, missing[0], list(listed)))
        return [listed[s] for s in symbols]

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


def _by_kind(symbols: Sequence[str]) -> dict[MarketKind, list[str]]:
    """Unified symbols sorted into market kinds: ``BASE/QUOTE:SETTLE`` is a perpetual."""
    kinds: dict[MarketKind, list[str]] = {}
    for symbol in symbols:
        kinds.setdefault(MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT, []).append(symbol)
    return kinds


def _unknown_symbol(venue: str, kind: MarketKind, symbol: str, listed: list[str]) -> str:
    near = get_close_matches(symbol, listed, 3, 0.5)
    hint = f"; near: {', '.join(near)}" if near else ""
    return f"{venue} has no {kind.value} instrument {symbol} trading now{hint}"
