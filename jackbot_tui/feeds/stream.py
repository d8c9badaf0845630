"""One WebSocket kept open for ever: connect, subscribe, confirm, watch, rotate, reconnect.

The engine builds a ``StreamSession`` per ConnectionPlan, owns the task that awaits ``run`` and is its ``FrameSink``.
A session hands on every frame untouched and in order; it decodes only while answers to its own subscriptions are
outstanding, and never looks at market data.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from msgspec.structs import replace

from jackbot_tui.feeds.backoff import ReconnectPacer, ReconnectPolicy
from jackbot_tui.feeds.capture import CaptureKind, Tap
from jackbot_tui.feeds.failures import Failure, FailureKind, FeedError
from jackbot_tui.feeds.limiter import Lane, LimitGate
from jackbot_tui.feeds.line import Context, Deliver, Line, Request, StreamPolicy
from jackbot_tui.feeds.metrics import ConnectionMetrics, ConnectionState
from jackbot_tui.feeds.redaction import redact_url
from jackbot_tui.feeds.rest import RestClient, RestError
from jackbot_tui.feeds.rotation import Overlap
from jackbot_tui.feeds.transport import Transport, default_transport
from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.model.errors import InputError, WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookSnapshot
from jackbot_tui.venues.base import Codec, ConnectionPlan, MarketSpec, SequencePolicy

__all__ = [
    "ConnectionMetrics",
    "ConnectionState",
    "FrameSink",
    "ReconnectPolicy",
    "StreamPolicy",
    "StreamSession",
]

Tell = Callable[[str, str], None]
"""Takes a level (info, good, warn, bad) and one line for people."""


class FrameSink(Protocol):
    """Whoever takes the frames. Called on the event loop's thread; must not raise.

    ``on_disconnect`` also comes for each attempt to connect that failed, so it may come several times in a row; its
    reason is one line and says when the next attempt follows. A planned rotation calls neither: the stream goes on.
    """

    def on_connect(self, plan: ConnectionPlan, now: int) -> None: ...
    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None: ...
    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None: ...


class StreamSession:
    """See the module's paragraph. ``metrics`` is live and may be read at any time.

    Answers to subscriptions are recognised by the session itself through ``codec.decode``, which must therefore take a
    control frame twice without harm; an owner that meets them in its own pipeline may pass them on with ``acknowledge``
    and ``refuse``. InputError when the plan's URL is not ``ws://`` or ``wss://`` (it may be empty where the venue is
    asked for one). ``rest`` asks for that address and holds the venue's limit of new sockets; ``tell`` hears of
    rotations and of the breaker that slows attempts down.
    """

    def __init__(
        self,
        plan: ConnectionPlan,
        spec: MarketSpec,
        codec: Codec,
        sink: FrameSink,
        clock: Clock,
        *,
        tap: Tap | None = None,
        policy: StreamPolicy | None = None,
        rng: random.Random | None = None,
        transport: Transport | None = None,
        rest: RestClient | None = None,
        tell: Tell | None = None,
    ) -> None:
        if not _is_address(plan.url) and (plan.url or codec.address_request(plan) is None):
            raise InputError(
                f"{plan.conn}: {redact_url(plan.url)!r} is no WebSocket address: it starts ws:// or wss://"
            )
        self.plan = plan
        self.metrics = ConnectionMetrics(plan.conn, redact_url(plan.url))
        self._policy = policy or StreamPolicy()
        self._rng = rng or random.Random()
        self._context = Context(plan, spec, codec, clock, tap, self._policy, self._rng, self.metrics)
        self._sink = sink
        self._clock = clock
        self._transport = transport
        self._rest = rest
        self._tell = tell or _tell_nobody
        self._pacer = ReconnectPacer(self._rng, self._policy.reconnect)
        self._next_id = 1
        self._lines: list[Line] = []
        self._tasks: set[asyncio.Task[Failure]] = set()
        self._mutes = 0
        self._rotation_wanted: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Serve until cancelled; every connection is closed then and no task is left."""
        if self._transport is None:
            self._transport = default_transport()
        try:
            while True:
                failure = await self._until_lost()
                await self._wait_after(failure)
        finally:
            self.metrics.state = ConnectionState.CLOSED
            self.metrics.connected_ns = 0

    def acknowledge(self, request_id: int) -> bool:
        """The venue confirmed request ``request_id``. False when no connection of this session waits for it."""
        return any(line.acknowledge(request_id) for line in self._lines)

    def refuse(self, request_id: int, message: str) -> bool:
        """The venue refused request ``request_id``: it alone is asked for again, with backoff."""
        return any(line.refuse(request_id, message) for line in self._lines)

    def request_rotation(self) -> None:
        """Move to a new connection now and without a gap, e.g. when the venue announces that it closes this one."""
        if self._rotation_wanted is not None and not self._rotation_wanted.done():
            self._rotation_wanted.set_result(None)

    def resubscribe(
        self,
        instrument: Instrument,
        wanted: Callable[[], bool] = lambda: True,
        sent: Callable[[int], None] = lambda now: None,
    ) -> bool:
        """Ask the venue for a fresh snapshot of one book that this session carries; other books go on.

        The request may have to wait for the venue's limit: ``wanted`` is asked again before it leaves, ``sent`` is told
        when it has left (ns). No answer is waited for: the snapshot is the answer. False when nothing could be sent:
        not connected, no frames for it at this venue, or too much waits to be sent.
        """
        numbered = self._context.codec.resubscribe(instrument, self._next_id)
        self._next_id = max((number + 1 for number, _ in numbered), default=self._next_id)
        request = Request(tuple(frame for _, frame in numbered), wanted, sent)
        return bool(numbered and self._lines) and all(line.send(request) for line in self._lines)

    # ------------------------------------------------------------------ one connection after the other

    async def _until_lost(self) -> Failure:
        metrics = self.metrics
        metrics.state = ConnectionState.CONNECTING
        try:
            line = await self._open(self._to_sink)
        except FeedError as error:
            metrics.failed_attempts += 1
            return error.failure
        now = self._clock.now_ns()
        self._pacer.up(now)
        metrics.connects += 1
        metrics.reconnects = metrics.connects - 1
        self._sink.on_connect(self.plan, now)
        try:
            return await self._serve(line)
        finally:
            metrics.connected_ns = 0

    async def _wait_after(self, failure: Failure) -> None:
        metrics, now = self.metrics, self._clock.now_ns()
        delay = self._pacer.down(now, refused=failure.kind is not FailureKind.NETWORK)
        delay = max(delay, failure.retry_after_s or 0.0)
        metrics.state = ConnectionState.WAITING
        slowed, metrics.slowed = metrics.slowed, self._pacer.slowed(now)
        if metrics.slowed and not slowed:
            self._tell("bad", f"{self.plan.conn} keeps failing: from now on tried every half to two minutes")
        metrics.next_attempt_ns = now + int(delay * NS_PER_S)
        self._note(failure, now)
        self._sink.on_disconnect(self.plan, f"{failure.reason}; next attempt in {delay:.1f} s", now)
        await asyncio.sleep(delay)

    async def _open(self, deliver: Deliver) -> Line:
        """Connect; FeedError when that fails. The line's ``run`` must follow: it closes the connection."""
        assert self._transport is not None
        policy = self._policy
        plan = await self._addressed()
        gate = None if self._rest is None else self._rest.limits.connections(plan.kind)
        await self._enter(gate)
        try:
            connection = await self._transport.connect(
                plan.url,
                timeout_s=policy.connect_timeout_s,
                close_timeout_s=policy.close_timeout_s,
                headers=plan.headers,
            )
        except FeedError as error:
            failure = error.failure
            if gate is not None and failure.kind is FailureKind.RATE_LIMIT:
                wait = gate.limiter.refuse(self._clock.now_ns(), banned=False, retry_after_s=failure.retry_after_s)
                raise FeedError(replace(failure, retry_after_s=wait)) from error
            raise
        if self._context.tap is not None:
            self._context.tap.record(self._clock.now_ns(), CaptureKind.CONNECT, plan.conn, redact_url(plan.url), "")
        mute_s = min(policy.mute_s * 2.0**self._mutes, policy.mute_cap_s)
        heartbeat_s = plan.heartbeat_s or self._context.spec.heartbeat_s
        line = Line(self._context, connection, self._next_id, deliver, mute_s=mute_s, heartbeat_s=heartbeat_s)
        self._next_id = line.next_id
        return line

    async def _addressed(self) -> ConnectionPlan:
        """The plan as the venue completes it for this one connection. Its address may hold a token: show it nowhere."""
        plan, codec = self.plan, self._context.codec
        request = codec.address_request(plan)
        if request is None:
            return plan
        if self._rest is None:
            raise FeedError(Failure(FailureKind.PROTOCOL, "the venue must be asked for the address, and nobody may"))
        try:
            reply = await self._rest.fetch(request)
            addressed = codec.addressed(plan, reply.body)
        except RestError as error:
            raise FeedError(Failure(error.kind, f"asked for the address: {error}", error.retry_after_s)) from error
        except WireError as error:
            raise FeedError(Failure(FailureKind.PROTOCOL, redact_url(str(error)))) from error
        if not _is_address(addressed.url):
            words = f"the venue names {redact_url(addressed.url)!r}, which is no WebSocket address"
            raise FeedError(Failure(FailureKind.PROTOCOL, words))
        return addressed

    async def _enter(self, gate: LimitGate | None) -> None:
        """Wait for the venue's limit of new sockets, which all sessions share."""
        if gate is None:
            return
        seconds = self._policy.connect_queue_s
        try:
            async with asyncio.timeout(seconds):
                await gate.enter(1, Lane.QUERY)
        except TimeoutError:
            words = f"no room in the venue's limit of new connections within {seconds:g} s"
            raise FeedError(Failure(FailureKind.RATE_LIMIT, words)) from None

    def _start(self, line: Line) -> "asyncio.Task[Failure]":
        task = asyncio.create_task(self._run_line(line), name=f"{self.plan.conn} connection")
        self._tasks.add(task)
        return task

    async def _end(self, *tasks: "asyncio.Task[Failure]") -> None:
        """Cancel lines and wait until they have closed what they hold."""
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._tasks.difference_update(tasks)

    async def _run_line(self, line: Line) -> Failure:
        self._lines.append(line)
        try:
            return await line.run()
        finally:
            self._lines.remove(line)
            if line.was_mute:
                self._mutes += 1
            elif line.data_frames:
                self._mutes = 0

    async def _serve(self, line: Line) -> Failure:
        """Run ``line`` and the successors of its planned rotations until one is lost."""
        loop, spec = asyncio.get_running_loop(), self._context.spec
        task = self._start(line)
        self._took_over(line)
        lifetime = self._lifetime_s(spec.max_connection_s)
        try:
            while True:
                wanted = self._rotation_wanted = loop.create_future()
                timer = loop.call_later(lifetime, self.request_rotation)
                try:
                    await asyncio.wait({task, wanted}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    timer.cancel()
                if task.done():
                    return task.result()
                successor = await self._rotate(line, task)
                if successor is None:
                    lifetime = self._policy.rotation_retry_s
                else:
                    line, task = successor
                    lifetime = self._lifetime_s(spec.max_connection_s)
        finally:
            await self._end(*self._tasks)

    def _lifetime_s(self, longest: float) -> float:
        """Rotations of several sessions are spread out."""
        return longest * (1 - self._rng.uniform(0, self._policy.rotation_jitter))

    # ------------------------------------------------------------------ rotation

    async def _rotate(
        self, old: Line, old_task: "asyncio.Task[Failure]"
    ) -> "tuple[Line, asyncio.Task[Failure]] | None":
        """Open a second connection, let both run until the new one has caught up, hand over, close the old one.

        None, and the old one goes on, when the new one cannot be opened and confirmed.
        """
        policy = self._policy
        stale = self._is_snapshot if self._context.spec.in_stream_snapshot else None
        overlap = Overlap(self._to_sink, policy.overlap_frames, stale)
        old.deliver = overlap.from_old
        task: asyncio.Task[Failure] | None = None
        handed_over = False
        try:
            new = await self._open_beside(old_task, overlap.hold)
            task = self._start(new)
            await _first({old_task, task, overlap.full, new.confirmed}, policy.ack_timeout_s + new.sending_s)
            if new.confirmed.done():
                await _first({old_task, task, overlap.full}, policy.overlap_s)
            if task.done():
                raise FeedError(task.result())
            if not new.confirmed.done():
                raise FeedError(Failure(FailureKind.PROTOCOL, "subscriptions not confirmed in time"))
            old.deliver = _drop
            new.deliver = overlap.from_new
            overlap.hand_over()
            handed_over = True
            self.metrics.rotations += 1
            self._took_over(new)
            self._tell("info", f"{self.plan.conn} moved to a new connection")
            await self._end(old_task)
            await _first({task}, policy.overlap_s)
            new.deliver = self._to_sink
            return new, task
        except FeedError as error:
            self.metrics.failed_rotations += 1
            put_off = replace(error.failure, reason=f"planned rotation put off: {error.failure.reason}")
            self._note(put_off, self._clock.now_ns())
            self._tell("warn", f"{self.plan.conn}: {put_off.reason}")
            return None
        finally:
            self.metrics.repeated += overlap.repeated
            if not handed_over:
                old.deliver = self._to_sink
                if task is not None:
                    await self._end(task)

    async def _open_beside(self, old_task: "asyncio.Task[Failure]", deliver: Deliver) -> Line:
        """Open a second connection, but do not go on waiting for it when the old one is lost meanwhile."""
        opening = asyncio.create_task(self._open(deliver), name=f"{self.plan.conn} opening")
        wanted = False
        try:
            await asyncio.wait({old_task, opening}, return_when=asyncio.FIRST_COMPLETED)
            wanted = opening.done()
            if wanted:
                return opening.result()
            raise FeedError(Failure(FailureKind.NETWORK, "the old connection was lost first"))
        finally:
            opening.cancel()
            await asyncio.wait({opening})
            if not wanted and not opening.cancelled() and opening.exception() is None:
                opening.result().abort()

    # ------------------------------------------------------------------ small parts

    def _is_snapshot(self, raw: str | bytes) -> bool:
        """A book that a new connection begins with is older than what the old one has brought meanwhile.

        Where every message is a whole book none is: the next one replaces it.
        """
        context = self._context
        if context.spec.sequence is SequencePolicy.SNAPSHOT_ONLY:
            return False
        events = context.codec.decode(context.plan.kind, raw, self._clock.now_ns())
        return any(isinstance(event, BookSnapshot) for event in events)

    def _to_sink(self, raw: str | bytes, now: int) -> None:
        metrics, context = self.metrics, self._context
        if now < metrics.last_frame_ns:  # held back during a rotation: time must not run backwards for the sink
            now = metrics.last_frame_ns
        metrics.frames += 1
        metrics.last_frame_ns = now
        if context.tap is not None:
            context.tap.record(now, CaptureKind.RECV, context.plan.conn, "", raw)
        self._sink.on_frame(context.plan, raw, now)

    def _took_over(self, line: Line) -> None:
        """``line`` is now the session's connection."""
        self.metrics.connected_ns = self._clock.now_ns()
        self.metrics.state = ConnectionState.SUBSCRIBING
        line.confirmed.add_done_callback(self._confirmed)

    def _confirmed(self, future: "asyncio.Future[None]") -> None:
        if not future.cancelled() and self.metrics.connected_ns:
            self.metrics.state = ConnectionState.UP
            self._tell("info", f"{self.plan.conn}: all subscriptions confirmed")

    def _note(self, failure: Failure, now: int) -> None:
        self.metrics.last_error = failure.reason
        self.metrics.last_error_kind = failure.kind
        self.metrics.last_error_ns = now


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("ws", "wss") and bool(parts.hostname)


def _tell_nobody(level: str, text: str) -> None:
    """For sessions whose owner wants no lines."""


def _drop(raw: str | bytes, now: int) -> None:
    """The old connection's frames after the new one has taken over."""


async def _first(futures: "set[asyncio.Future[Any]]", timeout_s: float) -> None:
    await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
