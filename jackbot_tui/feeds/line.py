"""One open connection from its first subscription to its end: subscribe, read, watch. ``stream`` strings them together.

A line never reconnects and never decides where its frames go; it ends with a Failure that says why.
"""

import asyncio
import random
from collections.abc import Callable

from msgspec import Struct

from jackbot_tui.feeds.backoff import Backoff, BackoffPolicy, ReconnectPolicy
from jackbot_tui.feeds.capture import CaptureKind, Tap
from jackbot_tui.feeds.failures import Failure, FailureKind, FeedError
from jackbot_tui.feeds.ledger import SubscriptionLedger
from jackbot_tui.feeds.limiter import Lane, LimitGate, RateLimiter
from jackbot_tui.feeds.metrics import ConnectionMetrics
from jackbot_tui.feeds.transport import Connection
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, Clock
from jackbot_tui.model.market import SubscriptionAck, VenueNotice
from jackbot_tui.venues.base import Codec, ConnectionPlan, MarketSpec, RateLimit

HEARTBEAT_LENGTH = 200
"""An answer to a heartbeat is shorter: where those are sent, frames below are looked at before they count as data."""

SENDS_HELD = 256
"""Requests that wait to be sent on a connection; more are dropped, and whoever wanted an answer asks again."""

Deliver = Callable[[str | bytes, int], None]
"""Takes a frame and its local receive time (ns)."""


class Request(Struct, frozen=True):
    """Frames to send together, unless ``wanted`` says by then that nobody needs them; ``sent`` is told when (ns)."""

    frames: tuple[str, ...]
    wanted: Callable[[], bool] = lambda: True
    sent: Callable[[int], None] = lambda now: None


class StreamPolicy(Struct, frozen=True, kw_only=True):
    """Every time-out and bound of a session, in seconds unless named otherwise.

    A connection on which nothing at all arrived for ``probe_after_s`` is pinged, and given up when ``probe_timeout_s``
    brings neither pong nor anything else (only if it has ever answered a ping; else the spec's ``ping_timeout_s``
    holds). One that brings pings but no frame for ``mute_s`` is opened anew: Binance acknowledges a subscription on a
    wrong route and stays mute. Each time in a row doubles it, up to ``mute_cap_s``: a market may really be that quiet.
    """

    reconnect: ReconnectPolicy = ReconnectPolicy()
    connect_timeout_s: float = 10.0
    connect_queue_s: float = 120.0  # longest wait for the venue's limit of new sockets
    send_timeout_s: float = 5.0
    ack_timeout_s: float = 10.0
    close_timeout_s: float = 2.0
    watch_every_s: float = 0.5
    probe_after_s: float = 3.0
    probe_every_s: float = 20.0
    probe_timeout_s: float = 5.0
    mute_s: float = 120.0
    mute_cap_s: float = 1800.0
    refused_retry: BackoffPolicy = BackoffPolicy(first_s=5.0, cap_s=60.0, floor_s=2.0)
    rotation_jitter: float = 0.05  # fraction of the lifetime by which a rotation may come early
    rotation_retry_s: float = 60.0
    overlap_s: float = 2.0  # both connections of a rotation run this long after the new one is confirmed
    overlap_frames: int = 20_000  # frames held of the new one; more end the overlap
    burst_frames: int = 64  # frames handled before other tasks get their turn
    burst_ms: float = 2.0


class Context(Struct, frozen=True):
    """What a line shares with its session."""

    plan: ConnectionPlan
    spec: MarketSpec
    codec: Codec
    clock: Clock
    tap: Tap | None
    policy: StreamPolicy
    rng: random.Random
    metrics: ConnectionMetrics


class Line:
    """``run`` once; ``deliver`` may be changed at any time between two frames."""

    def __init__(
        self,
        context: Context,
        connection: Connection,
        first_id: int,
        deliver: Deliver,
        *,
        mute_s: float,
        heartbeat_s: float,
    ) -> None:
        self.deliver = deliver
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.data_frames = 0
        """Frames received after every subscription was confirmed."""
        self.was_mute = False
        self._context = context
        self._connection = connection
        self._mute_s = mute_s
        self._ledger = SubscriptionLedger()
        self._requests = context.codec.subscribe(context.plan, first_id)
        self._unsent = len(self._requests)
        self.sending_s = self._unsent / context.spec.max_messages_per_s
        """How long the venue's limit lets its subscriptions take to leave."""
        self._refused = asyncio.Event()
        self._sends: asyncio.Queue[Request] = asyncio.Queue(SENDS_HELD)
        self._heartbeat_s = heartbeat_s
        self._heartbeat = context.codec.heartbeat(context.plan.kind) if heartbeat_s > 0 else None
        self._answers = context.spec.answers_heartbeats
        self.next_id = max((number for number, _ in self._requests), default=first_id - 1) + 1
        self._gate = LimitGate(RateLimiter([_message_limit(context.spec)], context.rng), context.clock)
        self._bytes_told = 0

    async def run(self) -> Failure:
        """Until the connection is lost; returns why. Cancelling closes it politely."""
        failure = Failure(FailureKind.NETWORK, "lost")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read())
                group.create_task(self._subscribe())
                group.create_task(self._watch())
                group.create_task(self._send_more())
                if self._heartbeat is not None:
                    group.create_task(self._beat(self._heartbeat))
        except* FeedError as lost:
            first = lost.exceptions[0]
            failure = first.failure if isinstance(first, FeedError) else failure
            self._connection.abort()  # a dead peer would only make us wait for its goodbye
        finally:
            self._count_bytes()
            await self._connection.close()
        return failure

    def abort(self) -> None:
        """Cut the connection of a line that will not be run."""
        self._connection.abort()

    def acknowledge(self, request_id: int) -> bool:
        """The venue confirmed a subscription of this line. False when it is not one that waits for an answer."""
        known = self._ledger.acknowledge(request_id)
        if known:
            self._context.metrics.subscriptions += 1
            self._answered()
        return known

    def refuse(self, request_id: int, message: str) -> bool:
        """The venue said no to a subscription of this line; it alone is asked for again later."""
        known = self._ledger.refuse(request_id, message)
        if known:
            context = self._context
            context.metrics.refused += 1
            context.metrics.last_error = f"the venue refused subscription {request_id}: {message}; asking again later"
            context.metrics.last_error_kind = FailureKind.PROTOCOL
            context.metrics.last_error_ns = context.clock.now_ns()
            self._refused.set()
        return known

    def send(self, request: "Request") -> bool:
        """Send it as soon as the venue's limit allows. False, and dropped, when too many wait already."""
        try:
            self._sends.put_nowait(request)
        except asyncio.QueueFull:
            return False
        return True

    def _answered(self) -> None:
        if self._ledger.complete and not self._unsent and not self.confirmed.done():
            self.confirmed.set_result(None)

    # ------------------------------------------------------------------ the tasks

    async def _read(self) -> None:
        """Take every frame that a wake-up brings, in one go, but let others run after a burst."""
        context, connection = self._context, self._connection
        now_ns, receive, most = context.clock.now_ns, connection.receive, context.policy.burst_frames
        longest = int(context.policy.burst_ms * NS_PER_MS)
        pending = self._ledger.pending
        wakeups = began = taken = 0
        while True:
            raw = await receive()
            now = now_ns()
            if connection.wakeups != wakeups:
                wakeups, began, taken = connection.wakeups, now, 0
            if self._answers and len(raw) <= HEARTBEAT_LENGTH:
                reply = context.codec.answer(raw)
                if reply is not None:
                    await self._write(reply, "the answer to a heartbeat")
                    continue
            if pending:
                self._look_for_answers(raw, now)
            elif not self._unsent and (self._heartbeat is None or len(raw) > HEARTBEAT_LENGTH or self._says(raw, now)):
                self.data_frames += 1
            self.deliver(raw, now)
            taken += 1
            if taken >= most or now - began > longest:
                await asyncio.sleep(0)
                began, taken = now_ns(), 0

    def _says(self, raw: str | bytes, now: int) -> bool:
        """Whether a short frame is more than the answer to a heartbeat."""
        return bool(self._context.codec.decode(self._context.plan.kind, raw, now))

    def _look_for_answers(self, raw: str | bytes, now: int) -> None:
        """Only while answers are outstanding is a frame decoded here, and once more by the sink."""
        for event in self._context.codec.decode(self._context.plan.kind, raw, now):
            if isinstance(event, SubscriptionAck):
                self.acknowledge(event.request_id)
            elif isinstance(event, VenueNotice) and event.request_id >= 0:
                self.refuse(event.request_id, event.message)

    async def _subscribe(self) -> None:
        for request_id, frame in self._requests:
            await self._request(request_id, frame)
            self._unsent -= 1
        self._answered()
        backoff = Backoff(self._context.rng, self._context.policy.refused_retry)
        while True:
            await self._refused.wait()
            await asyncio.sleep(backoff.next_delay_s())
            self._refused.clear()
            for refusal in list(self._ledger.refused.values()):
                await self._request(refusal.request_id, refusal.frame)

    async def _request(self, request_id: int, frame: str) -> None:
        await self._gate.enter(1, Lane.QUERY)
        deadline = self._context.clock.now_ns() + int(self._context.policy.ack_timeout_s * NS_PER_S)
        self._ledger.expect(request_id, frame, deadline)
        await self._write(frame, "a subscription")

    async def _send_more(self) -> None:
        """What ``send`` was given, in its order. No answer is waited for.

        Frames of one request leave together: a book must not stay unsubscribed while the limit is waited for.
        """
        while True:
            request = await self._sends.get()
            if not request.wanted():
                continue
            for _ in request.frames:
                await self._gate.enter(1, Lane.QUERY)
            if request.wanted():
                for frame in request.frames:
                    await self._write(frame, "a request")
                request.sent(self._context.clock.now_ns())

    async def _beat(self, frame: str) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await self._gate.enter(1, Lane.QUERY)
            await self._write(frame, "a heartbeat")

    async def _write(self, frame: str, what: str) -> None:
        context, policy = self._context, self._context.policy
        now = context.clock.now_ns()
        if context.tap is not None:
            context.tap.record(now, CaptureKind.SEND, context.plan.conn, context.plan.url, frame)
        try:
            async with asyncio.timeout(policy.send_timeout_s):
                await self._connection.send(frame)
        except TimeoutError:
            words = f"{what} could not be sent within {policy.send_timeout_s:g} s"
            raise FeedError(Failure(FailureKind.NETWORK, words)) from None

    async def _watch(self) -> None:
        """End the line when it is silent, half-open, mute, or owes an answer."""
        loop, context, policy = asyncio.get_running_loop(), self._context, self._context.policy
        began = heard = spoke = loop.time()
        probe_at = began  # a first ping at once tells the round trip, and whether this venue answers pings
        wakeups = data_frames = 0
        trusted = False
        while True:
            await asyncio.sleep(policy.watch_every_s)
            now = loop.time()
            self._count_bytes()
            self._check_answers()
            if self._connection.wakeups != wakeups:
                wakeups, heard = self._connection.wakeups, now
                context.metrics.heard_ns = context.clock.now_ns()
            if self.data_frames != data_frames or not self.confirmed.done():
                data_frames, spoke = self.data_frames, now
            silent = now - heard
            if silent >= context.spec.ping_timeout_s:
                raise FeedError(Failure(FailureKind.NETWORK, f"nothing received for {silent:.0f} s, not even a ping"))
            if now - spoke >= self._mute_s:
                self.was_mute = True
                words = f"connected, but no market data for {now - spoke:.0f} s"
                raise FeedError(Failure(FailureKind.PROTOCOL, words))
            if now >= probe_at or (trusted and silent >= policy.probe_after_s):
                probe_at = now + policy.probe_every_s
                try:
                    async with asyncio.timeout(policy.probe_timeout_s):
                        context.metrics.rtt_ms = round(await self._connection.ping() * 1000, 3)
                    trusted = True
                except TimeoutError:
                    if trusted and self._connection.wakeups == wakeups:
                        silent = loop.time() - heard
                        words = f"half-open: nothing received for {silent:.1f} s and no answer to a ping"
                        raise FeedError(Failure(FailureKind.NETWORK, words)) from None

    def _check_answers(self) -> None:
        overdue = self._ledger.overdue(self._context.clock.now_ns())
        if overdue:
            self._context.metrics.unconfirmed += 1
            numbers = ", ".join(map(str, overdue))
            seconds = self._context.policy.ack_timeout_s
            words = f"subscription {numbers} not confirmed within {seconds:g} s"
            raise FeedError(Failure(FailureKind.PROTOCOL, words))

    def _count_bytes(self) -> None:
        received = self._connection.bytes_received
        self._context.metrics.bytes += received - self._bytes_told
        self._bytes_told = received


def _message_limit(spec: MarketSpec) -> RateLimit:
    """The venue's limit of messages per second and connection, in whole messages per whole seconds."""
    rate = spec.max_messages_per_s
    return RateLimit("MESSAGES", int(rate), 1) if rate >= 1 else RateLimit("MESSAGES", 1, int(1 / rate) + 1)
