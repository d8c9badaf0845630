"""One engine with everything around it: embedded exchange, runtime, desk, socket, log. Nothing below knows it.

``EngineHost`` is what ``quit``, the signals and the replay keys act on. It owns what it starts and gives it back in
``close`` whatever happened before.
"""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.desk.commands import ReplayAction
from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.ports import HostFigures
from jackbot_tui.desk.views import ConnectionView
from jackbot_tui.engine.notices import EngineNotice
from jackbot_tui.engine.replay import ReplayPlayer
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.keys import KeyParts
from jackbot_tui.execution.paper.config import in_currency_of
from jackbot_tui.headless.figures import (
    RateMeter,
    RateTable,
    capture_figures,
    clock_views,
    connection_view,
    rest_figures,
)
from jackbot_tui.headless.job import EngineJob
from jackbot_tui.headless.log import JsonLog
from jackbot_tui.headless.sim_process import SimProcess
from jackbot_tui.journal.export import export_period
from jackbot_tui.journal.projection import DAY_NS
from jackbot_tui.journal.report import Filter
from jackbot_tui.link.server import LinkServer
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.errors import InputError, JackbotError

TICK_S = 0.25
"""How often arming is looked at and the frame rate is measured."""

_LOG_LEVELS = {"info": "info", "good": "info", "warn": "warning", "bad": "error"}


class EngineHost:
    """See the module's paragraph. Use: ``open``, ``run`` (returns when stopped), ``close``."""

    def __init__(self, job: EngineJob, log: JsonLog) -> None:
        self.job = job
        self.reason = ""
        self._log = log
        self._sim: SimProcess | None = None
        self._runtime: EngineRuntime | None = None
        self._desk: Desk | None = None
        self._server: LinkServer | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._frames = RateMeter()
        self._connection_frames = RateTable()
        self._opened = False

    @property
    def runtime(self) -> EngineRuntime:
        assert self._runtime is not None, "the host is not open"
        return self._runtime

    @property
    def desk(self) -> Desk:
        """The front door; there after ``open``."""
        assert self._desk is not None, "the host is not open"
        return self._desk

    # ------------------------------------------------------------------ life

    async def open(self) -> None:
        """Bring everything up to the point where clients are served; JackbotError in one line when that fails."""
        job = self.job
        options = replace(job.options, log=self._log, run_for_ns=0)
        if job.sim is not None:
            self._sim = SimProcess(job.sim, self._log, self.stop)
            ready = await self._sim.start()
            options = replace(options, endpoints=ready.endpoints, symbols=ready.symbols)
            if options.live is not None:
                account = replace(options.live, addresses=ready.ccxt_urls, given=KeyParts(ready.credentials))
                options = replace(options, live=account)
        balances = in_currency_of(options.paper.start_balances, options.symbols)
        options = replace(options, paper=replace(options.paper, start_balances=balances))
        self._runtime = runtime = EngineRuntime(options)
        await runtime.open()
        self._opened = True
        engine = runtime.engine
        self._desk = Desk(engine, self)
        engine.board.listen(self._log_notice)
        if options.socket_path is not None:
            self._server = LinkServer(self._desk, options.socket_path, report=self._report)
            await self._server.start()
        self._log("info", "started", self._identity())

    async def run(self) -> None:
        """Run until ``stop``, the time that was given, or an error that cannot be mended (raised)."""
        self._tick()
        if self.job.options.run_for_ns:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(self.job.options.run_for_ns / NS_PER_S, self.stop, "time is up")
        try:
            await self.runtime.run()
        except ExceptionGroup as group:
            error = cause_of(group)
            if error is None:
                raise
            self.reason = str(error)
            raise error from None
        except JackbotError as error:
            self.reason = str(error)
            raise

    async def close(self) -> None:
        """Give back everything that was started; safe after a failed ``open``."""
        for timer in (self._ticking, self._ending):
            if timer is not None:
                timer.cancel()
        if self._server is not None:
            await self._server.close(self.reason or "the engine has ended")
        if self._opened:
            await self.runtime.close()
        if self._sim is not None:
            await self._sim.stop()
        self._log("info", "ended", {"reason": self.reason})

    # ------------------------------------------------------------------ what the desk asks of the host

    def stop(self, reason: str) -> None:
        """Begin an orderly end; the first reason counts."""
        if not self.reason:
            self.reason = reason
            self._log("info", "stopping", {"reason": reason})
        if self._runtime is not None:
            self._runtime.stop(reason)

    def kill(self, source: str) -> None:
        """The kill switch, thrown from outside (SIGUSR1)."""
        self.desk.arming.disarm("KILL")
        report = self.runtime.engine.kill(source)
        self._log("error", "killed", {"source": source, "cancels": len(report.cancels)})

    def replay(self, action: ReplayAction, value: Decimal) -> str:
        """Pause, resume, step or pace a replay; InputError when this is none."""
        player = self.runtime.player
        if player is None:
            raise InputError("nothing is being replayed: start with jackbot replay CAPTURE")
        match action:
            case ReplayAction.PAUSE:
                player.pause()
            case ReplayAction.RESUME:
                player.resume()
            case ReplayAction.STEP:
                for _ in range(int(value) or 1):
                    if not player.step():
                        break
            case ReplayAction.SPEED:
                player.speed = float(value)
        return replay_text(player)

    def record(self, start: bool) -> str:
        """Start or stop writing a capture file of its own."""
        return self.runtime.record(start)

    async def export_today(self) -> str:
        """Write today's orders and fills beside the journal."""
        journal = self.job.options.journal_path
        if journal is None:
            raise InputError("this journal is in memory only: there is nothing to export")
        await self.runtime.journal.flush()
        day_ns = self.runtime.clock.now_ns() // DAY_NS * DAY_NS
        today = Filter(since_ns=day_ns, until_ns=day_ns + DAY_NS)
        stem = f"{journal.stem}-{datetime.fromtimestamp(day_ns // NS_PER_S, UTC):%Y-%m-%d}"
        paths = await asyncio.to_thread(export_period, journal, today, journal.parent, stem)
        return f"written: {', '.join(str(path) for path in paths)}"

    def connections(self) -> list[ConnectionView]:
        """One view per market data socket."""
        feed, now = self.runtime.feed, self.runtime.clock.now_ns()
        if feed is None:
            return []
        rates = self._connection_frames
        return [
            connection_view(
                session.metrics,
                rates.per_second(session.metrics.conn),
                now,
                feed.health.of(session.plan.book_keys),
            )
            for session in feed.sessions
        ]

    def figures(self) -> HostFigures:
        """What the runtime measures, for the header."""
        runtime, feed = self.runtime, self.runtime.feed
        followed = {market.instrument.kind for market in runtime.data.markets.values()}
        captures = capture_figures(runtime.ring, runtime.recorder)
        return HostFigures(
            loop_lag_ms=runtime.lag.last_ms,
            loop_lag_p99_ms=runtime.lag.p99_ms,
            loop_lag_max_ms=runtime.lag.worst_ms,
            frames_per_s=self._frames.per_second,
            dropped_frames=sum(capture.dropped for capture in captures),
            unknown_frames=runtime.data.unknown_frames,
            detail=runtime.feed_detail,
            replay="" if runtime.player is None else replay_text(runtime.player),
            rest=rest_figures(None if feed is None else feed.rest, runtime.codec.spec.markets, followed),
            clocks=[] if feed is None else clock_views(feed.clocks.figures()),
            captures=captures,
        )

    # ------------------------------------------------------------------ inside

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._frames.sample(now, self.runtime.data.frames)
        feed = self.runtime.feed
        if feed is not None:
            counts = {session.metrics.conn: session.metrics.frames for session in feed.sessions}
            self._connection_frames.sample(now, counts)
            feed.looked_at = self.desk.looked_at(self.runtime.clock.now_ns())
        self.desk.advance(self.runtime.clock.now_ns())
        self._ticking = loop.call_later(TICK_S, self._tick)

    def _report(self, text: str) -> None:
        self._log("warning", "client", {"text": text})

    def _log_notice(self, notice: EngineNotice) -> None:
        fields: dict[str, object] = {"seq": notice.seq, "kind": notice.kind, "text": notice.text}
        if notice.key:
            fields["key"] = notice.key
        if notice.number:
            fields["order"] = notice.number
        self._log(_LOG_LEVELS.get(notice.level, "warning"), "notice", fields)

    def _identity(self) -> dict[str, object]:
        engine, options = self.runtime.engine, self.runtime.options
        return {
            "name": self.job.name,
            "mode": engine.mode.value,
            "venue": engine.venue,
            "version": engine.version,
            "symbols": list(options.symbols),
            "session": engine.journal.session,
            "journal": str(options.journal_path or "in memory"),
            "socket": str(options.socket_path or ""),
            "seed": options.seed,
        }


def cause_of(group: ExceptionGroup[Exception]) -> JackbotError | None:
    """The error in words inside a group of tasks that failed together; None when it is a bug."""
    for error in group.exceptions:
        found = cause_of(error) if isinstance(error, ExceptionGroup) else error
        if isinstance(found, JackbotError):
            return found
    return None


def replay_text(player: ReplayPlayer) -> str:
    """``PLAY x10 12:01:03 41%``: state, speed, the data's UTC time, how much has been played."""
    state = "END" if player.done else "PAUSE" if player.paused else "PLAY"
    speed = f"x{player.speed:g}" if player.speed else "max"
    moment = time.strftime("%H:%M:%S", time.gmtime(player.position_ns // NS_PER_S))
    share = "" if player.fraction < 0 else f" {player.fraction:.0%}"
    return f"{state} {speed} {moment}{share}"
