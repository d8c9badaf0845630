"""A StreamSession against real sockets on loopback: it comes back from everything, loses nothing, starves no one."""

# ruff: noqa: ASYNC110 - a test polls with a deadline

import asyncio
import contextlib
import datetime
import ipaddress
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed

from jackbot_tui.feeds.backoff import BackoffPolicy, ReconnectPolicy
from jackbot_tui.feeds.failures import FailureKind
from jackbot_tui.feeds.stream import ConnectionState, StreamPolicy, StreamSession
from jackbot_tui.feeds.websocket import WebsocketTransport
from jackbot_tui.model.clock import NS_PER_S, SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.venues.base import ConnectionPlan, MarketSpec
from jackbot_tui.venues.binance.codec import BinanceCodec
from jackbot_tui.venues.binance.spec import SPEC
from tests.binance_world import depth

WAIT_S = 15.0
QUICK = StreamPolicy(
    reconnect=ReconnectPolicy(backoff=BackoffPolicy(first_s=0.02, cap_s=0.05, floor_s=0.01), flaps=1000),
    connect_timeout_s=5.0,
    ack_timeout_s=5.0,
    close_timeout_s=0.5,
    watch_every_s=0.02,
    overlap_s=0.1,
    refused_retry=BackoffPolicy(first_s=0.02, cap_s=0.05, floor_s=0.01),
)

Handler = Callable[[ServerConnection], Awaitable[None]]


class Sink:
    """Keeps everything a session hands on."""

    def __init__(self) -> None:
        self.frames: list[str | bytes] = []
        self.times: list[int] = []
        self.events: list[str] = []
        self.reasons: list[str] = []

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        self.events.append("connect")

    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None:
        self.frames.append(raw)
        self.times.append(ts_recv)

    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        self.events.append("disconnect")
        self.reasons.append(reason)

    def data(self) -> list[str | bytes]:
        """Frames that are no answers to requests."""
        return [raw for raw in self.frames if not str(raw).startswith('{"result"')]


class Tape:
    def __init__(self) -> None:
        self.records: list[tuple[int, str, str, str | bytes]] = []

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None:
        self.records.append((ts_ns, str(kind), url, raw))


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


async def answer(socket: ServerConnection) -> int:
    """Confirm the next request, as Binance does; returns its id."""
    request = msgspec.json.decode(await socket.recv())
    await socket.send(f'{{"result":null,"id":{request["id"]}}}')
    return int(request["id"])


async def confirm_and_stay(socket: ServerConnection) -> None:
    await answer(socket)
    await socket.wait_closed()


@contextlib.asynccontextmanager
async def venue(handler: Handler, port: int = 0, **options: object) -> AsyncIterator[str]:
    async def guarded(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await handler(socket)

    async with serve(guarded, "127.0.0.1", port, ping_interval=None, close_timeout=0.2, **options) as server:  # type: ignore[arg-type]
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream"


def spec(**changes: object) -> MarketSpec:
    return msgspec.structs.replace(SPEC.markets[MarketKind.SPOT], **{"max_messages_per_s": 1000.0, **changes})


def session(
    url: str,
    sink: Sink,
    *,
    topics: int = 1,
    policy: StreamPolicy = QUICK,
    market: MarketSpec | None = None,
    tap: Tape | None = None,
    transport: WebsocketTransport | None = None,
    tell: Callable[[str, str], None] | None = None,
    codec: BinanceCodec | None = None,
) -> StreamSession:
    plan = ConnectionPlan("binance.spot.public", MarketKind.SPOT, url, tuple(f"s{n}@trade" for n in range(topics)))
    return StreamSession(
        plan,
        market or spec(),
        codec or BinanceCodec(),
        sink,
        SystemClock(),
        tap=tap,
        policy=policy,
        rng=random.Random(1),
        transport=transport,
        tell=tell,
    )


@contextlib.asynccontextmanager
async def running(subject: StreamSession) -> AsyncIterator[StreamSession]:
    before = asyncio.all_tasks()
    task = asyncio.create_task(subject.run())
    try:
        yield subject
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert subject.metrics.state is ConnectionState.CLOSED
        leftover = {t.get_name() for t in asyncio.all_tasks() - before if "binance" in t.get_name()}
        assert not leftover


# ---------------------------------------------------------------------- frames


async def test_frames_pass_untouched_and_in_order_whatever_they_hold() -> None:
    sent: list[str | bytes] = [
        "{}",
        "garbage \x00 \u2028",
        '{"e":"trade"',
        b"\x00\xff binary",
        "",
        "é" * 70_000,
        "[1,2",
    ]

    async def handler(socket: ServerConnection) -> None:
        await answer(socket)
        for frame in sent:
            await socket.send(frame)
        await socket.send(["frag", "men", "ted"])
        await socket.wait_closed()

    sink, tape = Sink(), Tape()
    began = SystemClock().now_ns()
    async with venue(handler) as url, running(session(url, sink, tap=tape)) as subject:
        await eventually(lambda: len(sink.frames) == len(sent) + 2)
        assert sink.data() == [*sent, "fragmented"]
        assert subject.metrics.state is ConnectionState.UP
        await eventually(lambda: subject.metrics.bytes > 140_000 and subject.metrics.rtt_ms >= 0)
    assert sink.times == sorted(sink.times)
    assert began <= sink.times[0] <= sink.times[-1] <= SystemClock().now_ns()
    assert [(kind, raw) for _, kind, _, raw in tape.records[:2]] == [
        ("connect", ""),
        ("send", '{"method":"SUBSCRIBE","params":["s0@trade"],"id":1}'),
    ]
    assert [raw for _, kind, _, raw in tape.records if kind == "recv"] == sink.frames
    assert {address for _, kind, address, _ in tape.records if kind != "recv"} == {url}


async def test_flood_leaves_other_tasks_their_turns() -> None:
    flood = [f'{{"n":{n}}}' for n in range(20_000)]

    async def handler(socket: ServerConnection) -> None:
        await answer(socket)
        for frame in flood:
            await socket.send(frame)
        await socket.wait_closed()

    sink = Sink()
    async with venue(handler) as url, running(session(url, sink)):
        longest = seen = 0
        async with asyncio.timeout(WAIT_S):
            while len(sink.frames) <= len(flood):
                longest, seen = max(longest, len(sink.frames) - seen), len(sink.frames)
                await asyncio.sleep(0)
    assert sink.data() == flood
    assert longest <= 2 * QUICK.burst_frames


# ---------------------------------------------------------------------- coming back


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (1000, FailureKind.PROTOCOL, "1000 normal end"),
        (1001, FailureKind.MAINTENANCE, "1001 going away"),
        (1008, FailureKind.RATE_LIMIT, "1008 policy violation"),
        (1011, FailureKind.MAINTENANCE, "1011 internal error"),
        (1012, FailureKind.MAINTENANCE, "1012 service restart"),
        (1013, FailureKind.MAINTENANCE, "1013 try again later"),
        (3000, FailureKind.AUTH, "3000 unauthorized"),
        (4001, FailureKind.PROTOCOL, "4001 no reason given"),
    ],
)
async def test_session_comes_back_after_any_close_code(code: int, kind: FailureKind, words: str) -> None:
    connections = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await answer(socket)
        await socket.send(f"hello {connections}")
        if connections == 1:
            await socket.close(code)
        await socket.wait_closed()

    sink = Sink()
    async with venue(handler) as url, running(session(url, sink)) as subject:
        await eventually(lambda: sink.data() == ["hello 1", "hello 2"])
        await eventually(lambda: subject.metrics.state is ConnectionState.UP)
        assert sink.events == ["connect", "disconnect", "connect"]
        assert sink.reasons[0].startswith(f"the venue closed it: {words}; next attempt in 0.0 s")
        assert (subject.metrics.last_error_kind, subject.metrics.reconnects) == (kind, 1)


async def test_session_comes_back_when_the_line_is_cut_without_a_word() -> None:
    connections = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await answer(socket)
        if connections == 1:
            socket.transport.abort()
        await socket.send("alive")
        await socket.wait_closed()

    sink = Sink()
    async with venue(handler) as url, running(session(url, sink)) as subject:
        await eventually(lambda: sink.data() == ["alive"])
        assert subject.metrics.last_error_kind is FailureKind.NETWORK
        assert "\n" not in sink.reasons[0]


class FreezingProxy:
    """Forwards bytes both ways until ``frozen``; then it swallows them and keeps every socket open."""

    def __init__(self, target_port: int) -> None:
        self.frozen = False
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.frozen = False
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        both = (self._pump(reader, far_writer), self._pump(far_reader, writer))
        try:
            await asyncio.gather(*both)
        finally:
            writer.close()
            far_writer.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if not self.frozen:
                target.write(data)


async def test_half_open_connection_is_noticed_and_replaced() -> None:
    async def handler(socket: ServerConnection) -> None:
        await answer(socket)
        await socket.send("data")
        await socket.wait_closed()

    policy = msgspec.structs.replace(QUICK, probe_after_s=0.1, probe_timeout_s=0.2, probe_every_s=0.1)
    sink = Sink()
    async with venue(handler) as url:
        proxy = FreezingProxy(int(url.rsplit(":")[-1].split("/")[0]))
        server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, running(session(f"ws://127.0.0.1:{port}/stream", sink, policy=policy)) as subject:
            await eventually(lambda: subject.metrics.rtt_ms >= 0 and sink.data() == ["data"])
            proxy.frozen = True
            await eventually(lambda: len(sink.data()) > 1)
            assert sink.reasons[0].startswith("half-open: nothing received for")
            assert subject.metrics.last_error_kind is FailureKind.NETWORK


async def test_mute_connection_is_opened_anew() -> None:
    connections = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await answer(socket)
        if connections > 2:
            await socket.send("data at last")
        while True:
            await (await socket.ping())
            await asyncio.sleep(0.02)

    policy = msgspec.structs.replace(QUICK, mute_s=0.1)
    sink = Sink()
    async with venue(handler) as url, running(session(url, sink, policy=policy)):
        await eventually(lambda: sink.data() == ["data at last"])
        assert [reason.partition(" for ")[0] for reason in sink.reasons[:2]] == ["connected, but no market data"] * 2


async def test_unreachable_venue_is_tried_until_it_is_there() -> None:
    async with venue(confirm_and_stay) as url:
        port = int(url.rsplit(":")[-1].split("/")[0])
    sink = Sink()
    async with running(session(f"ws://127.0.0.1:{port}/stream", sink)) as subject:
        await eventually(lambda: subject.metrics.failed_attempts >= 3)
        assert sink.reasons[0].startswith("connection refused; next attempt in")
        assert subject.metrics.last_error_kind is FailureKind.NETWORK
        assert "connect" not in sink.events
        async with venue(confirm_and_stay, port):
            await eventually(lambda: subject.metrics.state is ConnectionState.UP)
            assert subject.metrics.connected_ns > 0


@pytest.mark.parametrize(
    ("status", "headers", "kind", "delay_s"),
    [
        (503, {}, FailureKind.MAINTENANCE, 0),
        (403, {}, FailureKind.AUTH, 0),
        (404, {}, FailureKind.PROTOCOL, 0),
        (429, {"Retry-After": "7"}, FailureKind.RATE_LIMIT, 7),
        (418, {"Retry-After": "120"}, FailureKind.RATE_LIMIT, 120),
    ],
)
async def test_refused_handshake_is_classified_and_its_wish_to_wait_is_granted(
    status: int, headers: dict[str, str], kind: FailureKind, delay_s: int
) -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return Response(status, "No", Headers({**headers, "Content-Length": "0", "Connection": "close"}), b"")

    sink = Sink()
    async with venue(confirm_and_stay, process_request=refuse) as url, running(session(url, sink)) as subject:
        await eventually(lambda: sink.reasons)
        assert sink.reasons[0].startswith(f"the venue answered {status} ")
        assert subject.metrics.last_error_kind is kind
        waiting = subject.metrics.next_attempt_ns - subject.metrics.last_error_ns
        assert delay_s * NS_PER_S <= waiting <= (delay_s + 1) * NS_PER_S


async def test_connection_that_flaps_is_slowed_down() -> None:
    async def handler(socket: ServerConnection) -> None:
        await socket.close(1011)

    policy = msgspec.structs.replace(QUICK, reconnect=ReconnectPolicy(backoff=QUICK.reconnect.backoff, flaps=3))
    sink, told = Sink(), list[tuple[str, str]]()
    async with venue(handler) as url:
        subject = session(url, sink, policy=policy, tell=lambda level, text: told.append((level, text)))
        async with running(subject):
            await eventually(lambda: subject.metrics.slowed)
        assert subject.metrics.connects == 3
        words = "binance.spot.public keeps failing: from now on tried every half to two minutes"
        assert [text for level, text in told if level == "bad"] == [words]
        assert subject.metrics.next_attempt_ns - subject.metrics.last_error_ns >= 29 * NS_PER_S


# ---------------------------------------------------------------------- subscriptions


async def test_unanswered_subscription_ends_in_a_counted_reconnect() -> None:
    connections = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await answer(socket)
        if connections > 1:
            await answer(socket)
        while True:
            await socket.send("data flows all the same")
            await asyncio.sleep(0.01)

    policy = msgspec.structs.replace(QUICK, ack_timeout_s=0.2)
    sink = Sink()
    async with venue(handler) as url, running(session(url, sink, topics=201, policy=policy)) as subject:
        await eventually(lambda: sink.reasons)
        assert subject.metrics.unconfirmed == 1
        assert sink.reasons[0].startswith("subscription 2 not confirmed within 0.2 s; next attempt in")
        await eventually(lambda: subject.metrics.state is ConnectionState.UP)


async def test_refused_subscription_is_asked_for_again_without_disturbing_the_others() -> None:
    refusals = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal refusals
        await answer(socket)
        while refusals < 3:
            request = msgspec.json.decode(await socket.recv())
            await socket.send(f'{{"code":2,"msg":"Invalid request: no such stream","id":{request["id"]}}}')
            refusals += 1
            await socket.send(f"data {refusals}")
        assert await answer(socket) == 2
        await socket.wait_closed()

    sink = Sink()
    async with venue(handler) as url, running(session(url, sink, topics=201)) as subject:
        await eventually(lambda: refusals)
        await eventually(lambda: "Invalid request: no such stream" in subject.metrics.last_error)
        await eventually(lambda: subject.metrics.state is ConnectionState.UP)
        assert subject.metrics.refused == 3
        assert sink.events == ["connect"]
        assert [raw for raw in sink.data() if "data" in str(raw)] == ["data 1", "data 2", "data 3"]


async def test_owner_may_pass_answers_on() -> None:
    async def handler(socket: ServerConnection) -> None:
        await socket.wait_closed()

    sink = Sink()
    async with venue(handler) as url, running(session(url, sink)) as subject:
        await eventually(lambda: subject.acknowledge(1))
        await eventually(lambda: subject.metrics.state is ConnectionState.UP)
        assert not subject.acknowledge(1)
        assert not subject.refuse(99, "unknown")


class Resubscribing(BinanceCodec):
    """Two frames ask for a fresh snapshot of a book."""

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        name = instrument.native
        return [(first_id, f'{{"leave":"{name}","id":{first_id}}}'), (first_id + 1, f'{{"join":"{name}"}}')]


async def test_frames_of_a_resubscription_leave_together_and_not_when_nobody_needs_them_any_more() -> None:
    heard: list[str] = []
    times: list[float] = []

    async def listen(socket: ServerConnection) -> None:
        await answer(socket)
        async for frame in socket:
            heard.append(str(frame))
            times.append(asyncio.get_running_loop().time())

    codec = Resubscribing()
    (found,) = codec.infer(MarketKind.SPOT, [depth("BTCUSDT", 1, 1, [(99.0, 1.0)], [(101.0, 1.0)])])
    sent: list[int] = []
    async with venue(listen) as url:
        subject = session(url, Sink(), codec=codec, market=spec(max_messages_per_s=4.0))
        async with running(subject):
            await eventually(lambda: subject.metrics.subscriptions == 1)
            assert subject.resubscribe(found.instrument, lambda: True, sent.append)
            assert subject.resubscribe(found.instrument, lambda: not sent, sent.append)
            assert subject.resubscribe(found.instrument, lambda: True, sent.append)
            await eventually(lambda: len(sent) == 2)
    assert len(heard) == 4 and all("BTCUSDT" in frame for frame in heard)
    assert ["leave" in frame for frame in heard] == [True, False, True, False]
    assert max(times[1] - times[0], times[3] - times[2]) < times[2] - times[1]


async def test_subscriptions_are_sent_no_faster_than_the_venue_allows() -> None:
    async def handler(socket: ServerConnection) -> None:
        for _ in range(7):
            await answer(socket)
        await socket.wait_closed()

    sink, tape = Sink(), Tape()
    async with venue(handler) as url:
        subject = session(url, sink, topics=1201, market=spec(max_messages_per_s=5.0), tap=tape)
        async with running(subject):
            await eventually(lambda: subject.metrics.state is ConnectionState.UP)
    sent = [ts for ts, kind, _, _ in tape.records if kind == "send"]
    assert len(sent) == 7
    assert all(later - sooner >= NS_PER_S * 0.99 for sooner, later in zip(sent, sent[4:], strict=False))


# ---------------------------------------------------------------------- rotation


class Broadcast:
    """A venue that sends the same numbered frames to every subscriber; new ones start at the next number."""

    def __init__(self) -> None:
        self.sockets: set[ServerConnection] = set()
        self.connections = 0
        self.number = 0
        self.refuse_from = 1_000_000

    async def handler(self, socket: ServerConnection) -> None:
        self.connections += 1
        if self.connections >= self.refuse_from:
            await socket.close(1013)
            return
        await answer(socket)
        self.sockets.add(socket)
        try:
            await socket.wait_closed()
        finally:
            self.sockets.discard(socket)

    async def publish(self) -> None:
        while True:
            self.number += 1
            for socket in list(self.sockets):
                with contextlib.suppress(ConnectionClosed):
                    await socket.send(f"number {self.number}")
            await asyncio.sleep(0.001)


async def test_rotation_loses_no_frame_and_repeats_none() -> None:
    source, sink, tape = Broadcast(), Sink(), Tape()
    async with venue(source.handler) as url:
        publisher = asyncio.create_task(source.publish())
        subject = session(url, sink, tap=tape, market=spec(max_connection_s=0.3))
        async with running(subject):
            await eventually(lambda: subject.metrics.rotations >= 4)
            await eventually(lambda: subject.metrics.state is ConnectionState.UP)
        publisher.cancel()
        await asyncio.wait({publisher})
    numbers = [int(str(frame).split()[1]) for frame in sink.data()]
    assert len(numbers) > 300
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert sink.events == ["connect"]
    assert subject.metrics.repeated > 50
    assert sink.times == sorted(sink.times)
    assert [raw for _, kind, _, raw in tape.records if kind == "recv"] == sink.frames


async def test_owner_can_ask_for_a_rotation() -> None:
    source, sink = Broadcast(), Sink()
    async with venue(source.handler) as url, running(session(url, sink)) as subject:
        await eventually(lambda: subject.metrics.state is ConnectionState.UP)
        subject.request_rotation()
        await eventually(lambda: subject.metrics.rotations == 1 and len(source.sockets) == 1)
        assert (source.connections, sink.events) == (2, ["connect"])


async def test_rotation_that_fails_leaves_the_old_connection_at_work() -> None:
    source, sink = Broadcast(), Sink()
    source.refuse_from = 2
    async with venue(source.handler) as url:
        publisher = asyncio.create_task(source.publish())
        async with running(session(url, sink)) as subject:
            await eventually(lambda: subject.metrics.state is ConnectionState.UP)
            subject.request_rotation()
            await eventually(lambda: subject.metrics.failed_rotations)
            assert subject.metrics.last_error.startswith("planned rotation put off: the venue closed it: 1013")
            had = len(sink.frames)
            await eventually(lambda: len(sink.frames) > had + 20)
        publisher.cancel()
        await asyncio.wait({publisher})
    numbers = [int(str(frame).split()[1]) for frame in sink.data()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert sink.events == ["connect"]


async def test_old_connection_lost_during_a_rotation_hands_over_at_once() -> None:
    source, sink = Broadcast(), Sink()
    policy = msgspec.structs.replace(QUICK, overlap_s=WAIT_S)
    async with venue(source.handler) as url, running(session(url, sink, policy=policy)) as subject:
        await eventually(lambda: subject.metrics.state is ConnectionState.UP)
        old = next(iter(source.sockets))
        subject.request_rotation()
        await eventually(lambda: len(source.sockets) == 2)
        await eventually(lambda: subject.metrics.subscriptions == 2)
        old.transport.abort()
        await eventually(lambda: subject.metrics.rotations == 1)
        await next(iter(source.sockets - {old})).send("after")
        await eventually(lambda: sink.data() == ["after"])
        assert sink.events == ["connect"]


async def test_old_connection_lost_while_the_new_one_hangs_is_told_without_waiting_for_it() -> None:
    hanging, release = asyncio.Event(), asyncio.Event()

    async def hang_the_second(socket: ServerConnection, request: Request) -> None:
        if source.connections:
            hanging.set()
            await release.wait()

    source, sink = Broadcast(), Sink()
    policy = msgspec.structs.replace(QUICK, connect_timeout_s=10 * WAIT_S)
    async with (
        venue(source.handler, process_request=hang_the_second) as url,
        running(session(url, sink, policy=policy)) as subject,
    ):
        await eventually(lambda: subject.metrics.state is ConnectionState.UP)
        subject.request_rotation()
        await eventually(hanging.is_set)
        next(iter(source.sockets)).transport.abort()
        await eventually(lambda: sink.reasons)
        release.set()
        await eventually(lambda: sink.events == ["connect", "disconnect", "connect"])
        assert subject.metrics.failed_rotations == 1


# ---------------------------------------------------------------------- ends


@pytest.mark.parametrize("moment", ["connecting", "subscribing", "up", "waiting", "rotating"])
async def test_cancelling_at_any_moment_leaves_no_task_and_no_socket(moment: str) -> None:
    open_sockets: set[ServerConnection] = set()

    async def handler(socket: ServerConnection) -> None:
        open_sockets.add(socket)
        try:
            if moment != "subscribing":
                await answer(socket)
            await socket.wait_closed()
        finally:
            open_sockets.discard(socket)

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    sink = Sink()
    async with contextlib.AsyncExitStack() as stack:
        if moment == "connecting":
            server = await stack.enter_async_context(await asyncio.start_server(never, "127.0.0.1", 0))
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream"
        elif moment == "waiting":
            url = "ws://127.0.0.1:1/stream"
        else:
            url = await stack.enter_async_context(venue(handler))
        slow = BackoffPolicy(first_s=WAIT_S, cap_s=WAIT_S, floor_s=WAIT_S)
        policy = msgspec.structs.replace(QUICK, overlap_s=WAIT_S, reconnect=ReconnectPolicy(backoff=slow))
        async with running(session(url, sink, policy=policy)) as subject:
            if moment == "rotating":
                await eventually(lambda: subject.metrics.state is ConnectionState.UP)
                subject.request_rotation()
                await eventually(lambda: len(open_sockets) == 2)
            else:
                await eventually(lambda: subject.metrics.state.value == moment)
        await eventually(lambda: not open_sockets)


@pytest.mark.parametrize("url", ["http://127.0.0.1/ws", "127.0.0.1:80", "ftp://x", "", "ws://", "wss:///stream"])
def test_address_that_is_no_websocket_is_refused_at_once(url: str) -> None:
    with pytest.raises(InputError, match="is no WebSocket address"):
        session(url, Sink())


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "venue.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_certificate_nobody_vouches_for_is_refused_and_a_known_one_accepted(tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)
    async with venue(confirm_and_stay, ssl=server_side) as url:
        secure = url.replace("ws://", "wss://")
        sink = Sink()
        async with running(session(secure, sink)) as subject:
            await eventually(lambda: sink.reasons)
            assert sink.reasons[0].startswith("certificate not accepted: self")
            assert subject.metrics.last_error_kind is FailureKind.PROTOCOL
        trusting = WebsocketTransport(tls=ssl.create_default_context(cafile=str(pem)))
        async with running(session(secure, Sink(), transport=trusting)) as subject:
            await eventually(lambda: subject.metrics.state is ConnectionState.UP)
