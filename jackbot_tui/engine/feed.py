"""Follows one venue: learns its instruments, keeps its sockets open, fetches snapshots, watches clocks and health.

``EngineRuntime`` owns it and its task. Whatever fails of a connection is mended here for ever and told in words; a part
that dies of a bug of ours is told loudly, takes its books DOWN and is started again. Nothing here moves money.
"""

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

from jackbot_tui.engine.clock_watch import ClockWatch
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.health import FeedHealth
from jackbot_tui.engine.listing import instruments_of
from jackbot_tui.engine.options import LogSink
from jackbot_tui.engine.snapshots import SnapshotFetcher
from jackbot_tui.feeds.backoff import Backoff
from jackbot_tui.feeds.capture import Tap
from jackbot_tui.feeds.line import StreamPolicy
from jackbot_tui.feeds.rest import RestClient
from jackbot_tui.feeds.stream import StreamSession
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import VenueNotice
from jackbot_tui.venues.base import Channel, ConnectionPlan

FOLLOWED = (Channel.BOOK, Channel.TRADES, Channel.MARK)


class VenueFeed:
    """See the module's paragraph. It is the ``FrameSink`` of its sessions.

    ``log`` gets what a person need not read: subscriptions confirmed, the trace of a bug.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        rng: random.Random,
        tap: Tap,
        symbols: Sequence[str],
        log: LogSink | None = None,
        policy: StreamPolicy | None = None,
    ) -> None:
        data = engine.data
        self.sessions: list[StreamSession] = []
        self.rest = RestClient(clock, data.codec.spec, tap=tap, rng=rng)
        self.snapshots = SnapshotFetcher(data, self.rest, clock, rng, engine.feed_note, self._rank)
        self.clocks = ClockWatch(data.codec, self.rest, clock, rng, engine.feed_note)
        self.health = FeedHealth(data, self.clocks.offset_ns)
        self.crashes = 0
        self.detail = ""
        """What is wrong now, one line; "" when nothing is."""
        self.looked_at: Collection[str] = ()
        """Keys of the books that people look at."""
        self._engine = engine
        self._data = data
        self._codec = data.codec
        self._clock = clock
        self._rng = rng
        self._tap = tap
        self._symbols = symbols
        self._log = log
        self._policy = policy
        self._open: dict[str, ConnectionPlan] = {}

    async def run(self) -> None:
        """Until cancelled; leaves no task and no socket. InputError for a symbol that the venue does not have."""
        kinds = _by_kind(self._symbols)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep("snapshots", self.snapshots.run))
                group.create_task(self._keep("clock", lambda: self.clocks.run(kinds)))
                for kind, symbols in kinds.items():
                    group.create_task(self._follow(group, kind, symbols))
        finally:
            await self.rest.close()

    def tick(self, now: int) -> None:
        """Call a few times a second."""
        for session in self.sessions:
            self._data.on_heard(session.plan.conn, session.metrics.heard_ns)
        self._data.check_silence(now)
        self.health.sample()
        for conn in self._data.cut_off_connections():
            why = "a book is cut off while the venue's own goes on, or broke too often"
            self._engine.feed_note("warn", f"{conn}: {why}; connecting anew")
            for session in self.sessions:
                if session.plan.conn == conn:
                    session.request_rotation()
        self._collect()

    def on_venue_notice(self, notice: VenueNotice) -> None:
        """The venue announces that it will cut: move to new sockets before it does."""
        if notice.kind == "shutdown":
            for session in self.sessions:
                session.request_rotation()

    # ------------------------------------------------------------------ frames

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        self._open[plan.conn] = plan
        self._data.on_connect(plan, now)
        self.detail = ""
        self._engine.feed_note("good", f"{plan.conn} connected")
        self._collect()

    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None:
        self._data.on_frame(plan.kind, raw, ts_recv)
        self._collect()

    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        self._open.pop(plan.conn, None)
        self._data.on_disconnect(plan, reason, now)
        self.detail = f"{plan.conn}: {reason}"
        self._engine.feed_note("warn", f"{plan.conn} lost: {reason}")

    def _collect(self) -> None:
        self.snapshots.collect()
        for instrument in self._data.wanted_resubscriptions():
            key = instrument.key
            for session in self.sessions:
                if key in session.plan.book_keys:
                    queued = session.resubscribe(
                        instrument, partial(self._data.awaits, key), partial(self._data.on_resubscribed, key)
                    )
                    if not queued:
                        self._data.on_resubscribed(key, self._clock.now_ns())

    # ------------------------------------------------------------------ tasks

    async def _follow(self, group: asyncio.TaskGroup, kind: MarketKind, symbols: Sequence[str]) -> None:
        """Learn the instruments of one market kind, then keep its streams open for ever."""
        instruments = await instruments_of(self._codec, self.rest, kind, symbols, self._rng, self._tell_detail)
        self.detail = ""
        for instrument in instruments:
            self._engine.add_instrument(instrument)
        spec = self._codec.spec.markets[kind]
        channels = [channel for channel in FOLLOWED if channel in spec.channels]
        for plan in self._codec.plan(instruments, channels):
            session = StreamSession(
                plan,
                spec,
                self._codec,
                self,
                self._clock,
                tap=self._tap,
                policy=self._policy,
                rng=self._rng,
                rest=self.rest,
                tell=self._engine.feed_note,
            )
            self.sessions.append(session)
            group.create_task(self._keep(plan.conn, session.run), name=plan.conn)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` again, with backoff and for ever, when it dies of an error of ours."""
        backoff = Backoff(self._rng)
        while True:
            try:
                await work()
                return
            except Exception as error:  # noqa: BLE001 - told, counted and logged: without this part we would trade blind
                self.crashes += 1
                wait = backoff.next_delay_s()
                cause = innermost(error)
                words = f"an error of ours stopped it ({type(cause).__name__}: {cause})"[:300]
                self._engine.feed_note("bad", f"{name}: {words}; started again in {wait:.1f} s")
                if self._log is not None:
                    self._log("error", "feed part crashed", {"part": name, "trace": traceback.format_exc()})
                plan = self._open.pop(name, None)
                if plan is not None:
                    self._data.on_disconnect(plan, words, self._clock.now_ns())
                await asyncio.sleep(wait)

    def _tell_detail(self, text: str) -> None:
        self.detail = text
        self._engine.feed_note("warn", text)

    def _rank(self, key: str) -> int:
        """How urgent the snapshot of a book is: on the glass, with money at stake, any other."""
        if key in self.looked_at:
            return 0
        return 1 if self._engine.oms.open_orders(key) or self._engine.portfolio.position(key).quantity else 2


def innermost(error: BaseException) -> BaseException:
    """The first error inside nested groups of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _by_kind(symbols: Sequence[str]) -> dict[MarketKind, list[str]]:
    """Unified symbols sorted into market kinds: ``BASE/QUOTE:SETTLE`` is a perpetual."""
    kinds: dict[MarketKind, list[str]] = {}
    for symbol in symbols:
        kinds.setdefault(MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT, []).append(symbol)
    return kinds
