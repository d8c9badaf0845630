"""What a plan may ask of a connection: headers, an address asked for before each connecting, its own heartbeat."""

# ruff: noqa: ASYNC110 - a test polls with a deadline

import asyncio
import contextlib
import gzip
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from jackbot_tui.feeds.backoff import BackoffPolicy, ReconnectPolicy
from jackbot_tui.feeds.capture import CaptureKind, CaptureWriter, Tap, read_capture
from jackbot_tui.feeds.failures import FailureKind
from jackbot_tui.feeds.rest import RestClient, RestError, RestPolicy
from jackbot_tui.feeds.stream import ConnectionState, StreamPolicy, StreamSession
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.venues.base import (
    ConnectionPlan,
    HeaderFigure,
    HttpRequest,
    RateLimit,
    ResetHeader,
    ResetUnit,
    UsageHeader,
    VenueSpec,
)
from jackbot_tui.venues.binance.codec import BinanceCodec
from jackbot_tui.venues.binance.spec import SPEC

WAIT_S = 15.0
SECRET = "s3cr3tTokenOfThisConnection"
PLAN = ConnectionPlan("x.spot.public", MarketKind.SPOT, "", ("btcusdt@trade",))
MARKET = replace(SPEC.markets[MarketKind.SPOT], max_messages_per_s=1000.0)
QUICK = StreamPolicy(
    reconnect=ReconnectPolicy(backoff=BackoffPolicy(first_s=0.02, cap_s=0.02, floor_s=0.01)),
    watch_every_s=0.05,
)


class AskingCodec(BinanceCodec):
    """Binance's frames behind KuCoin's way to an address: a token by REST for every connection."""

    base = ""

    def address_request(self, plan: ConnectionPlan) -> HttpRequest | None:
        return HttpRequest("address", plan.kind, "POST", f"{self.base}/bullet", 1)

    def addressed(self, plan: ConnectionPlan, body: str | bytes) -> ConnectionPlan:
        try:
            told = msgspec.json.decode(body, type=dict[str, str])
            url = f"{told['endpoint']}?token={told['token']}"
        except (msgspec.DecodeError, KeyError) as error:
            raise WireError("the address cannot be read: check the REST URL") from error
        return replace(plan, url=url, heartbeat_s=0.05, headers=(("X-Size", "1"),))

    def heartbeat(self, kind: MarketKind) -> str | None:
        return '{"id":1,"type":"ping"}'


class Sink:
    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.plans: list[ConnectionPlan] = []

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        self.plans.append(plan)

    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None: ...
    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        self.reasons.append(reason)


class Tape:
    def __init__(self) -> None:
        self.records: list[tuple[str, str, str | bytes]] = []

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None:
        self.records.append((str(kind), url, raw))


class Venue:
    """One host: an answer to the question for the address, and sockets that confirm what is asked of them."""

    def __init__(self) -> None:
        self.asked = 0
        self.paths: list[str] = []
        self.headers: list[str | None] = []
        self.frames: list[str] = []
        self.answer: Callable[[int], web.Response] = lambda _: web.Response(status=500)
        self.rest_headers: list[str | None] = []
        self.ws = ""
        self.http = ""

    async def on_request(self, request: web.BaseRequest) -> web.Response:
        self.asked += 1
        self.rest_headers.append(request.headers.get("X-Size"))
        return self.answer(self.asked)

    async def on_socket(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.headers.append(socket.request.headers.get("X-Size"))
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                self.frames.append(str(frame))
                if "SUBSCRIBE" in str(frame):
                    await socket.send(f'{{"result":null,"id":{msgspec.json.decode(frame)["id"]}}}')

    def token(self, number: int) -> web.Response:
        return web.json_response({"endpoint": self.ws, "token": f"{SECRET}{number}"})


@contextlib.asynccontextmanager
async def venue() -> AsyncIterator[Venue]:
    there = Venue()
    runner = web.ServerRunner(web.Server(there.on_request), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.http = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with serve(there.on_socket, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2) as server:
        there.ws = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ws"
        try:
            yield there
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def running(there: Venue, sink: Sink, tape: Tap | None = None) -> AsyncIterator[StreamSession]:
    codec = AskingCodec()
    codec.base = there.http
    rest = RestClient(SystemClock(), tap=tape, policy=RestPolicy(queue_s=0.5), rng=random.Random(1))
    session = StreamSession(
        PLAN, MARKET, codec, sink, SystemClock(), tap=tape, policy=QUICK, rng=random.Random(1), rest=rest
    )
    task = asyncio.create_task(session.run())
    try:
        yield session
    finally:
        task.cancel()
        await asyncio.wait({task})
        await rest.close()


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


async def test_each_connection_asks_for_its_own_address_and_the_token_is_seen_nowhere() -> None:
    sink, tape = Sink(), Tape()
    async with venue() as there:
        there.answer = there.token
        async with running(there, sink, tape) as session:
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
            session.request_rotation()
            await eventually(lambda: session.metrics.rotations == 1)
            assert there.paths == [f"/ws?token={SECRET}1", f"/ws?token={SECRET}2"]
            assert there.headers == ["1", "1"]
            await eventually(lambda: '{"id":1,"type":"ping"}' in there.frames)  # the plan's heartbeat, not the spec's
        assert sink.plans == [PLAN]
        assert SECRET not in repr(session.metrics)
        sockets = [record for record in tape.records if record[0] != CaptureKind.HTTP]
        assert sockets
        assert SECRET not in repr(sockets)


async def test_a_recording_holds_the_question_and_the_connection_but_no_token(tmp_path: Path) -> None:
    path, sink = tmp_path / "c.jsonl.gz", Sink()
    writer = CaptureWriter(path)
    async with venue() as there:
        there.answer = there.token
        async with running(there, sink, writer) as session:
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
    writer.close()
    text = gzip.decompress(path.read_bytes()).decode()
    assert SECRET not in text
    kinds = [record.kind for record in read_capture([path])]
    assert kinds[:2] == [CaptureKind.HTTP, CaptureKind.CONNECT]
    assert "TOKEN" in text


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (500, "{}", FailureKind.MAINTENANCE, "asked for the address: the venue answered 500"),
        (401, f'{{"token":"{SECRET}"}}', FailureKind.AUTH, "asked for the address: the venue answered 401"),
        (200, "<html>", FailureKind.PROTOCOL, "the address cannot be read: check the REST URL"),
        (
            200,
            f'{{"endpoint":"https://127.0.0.1/","token":"{SECRET}"}}',
            FailureKind.PROTOCOL,
            "the venue names 'https://127.0.0.1/?token=TOKEN', which is no WebSocket address",
        ),
    ],
)
async def test_a_question_without_a_usable_answer_is_a_failed_attempt_and_is_asked_again(
    status: int, body: str, kind: FailureKind, words: str
) -> None:
    sink = Sink()
    async with venue() as there:
        there.answer = lambda number: web.Response(status=status, text=body) if number < 3 else there.token(number)
        async with running(there, sink) as session:
            await eventually(lambda: session.metrics.failed_attempts == 2)
            assert session.metrics.last_error_kind is kind
            await eventually(lambda: session.metrics.state is ConnectionState.UP)
    assert len(sink.reasons) == 2
    assert all(reason.startswith(words) and "; next attempt in" in reason for reason in sink.reasons)
    assert SECRET not in repr(sink.reasons)


async def test_an_address_that_cannot_be_connected_is_told_without_its_token() -> None:
    sink = Sink()
    async with venue() as there:
        there.answer = lambda number: web.json_response({"endpoint": "ws://127.0.0.1:1/ws#x", "token": SECRET})
        async with running(there, sink):
            await eventually(lambda: sink.reasons)
    assert SECRET not in repr(sink.reasons)


async def test_a_request_carries_its_headers() -> None:
    async with venue() as there:
        there.answer = lambda _: web.Response(text="{}")
        client = RestClient(SystemClock(), rng=random.Random(1))
        try:
            await client.fetch(HttpRequest("instruments", MarketKind.LINEAR, "GET", there.http, 1))
            asked = HttpRequest("instruments", MarketKind.LINEAR, "GET", there.http, 1, headers=(("X-Size", "1"),))
            await client.fetch(asked)
        finally:
            await client.close()
        assert there.rest_headers == [None, "1"]


def spec_with(usage: UsageHeader, reset: ResetHeader) -> VenueSpec:
    market = replace(MARKET, rate_limits=(RateLimit("REQUESTS", 200, 10),))
    return replace(SPEC, markets={MarketKind.SPOT: market}, usage_headers=(usage,), reset_headers=(reset,))


@pytest.mark.parametrize(
    ("unit", "told", "least", "most"),
    [
        (ResetUnit.SECONDS_LEFT, lambda _: "20", 20, 23),
        (ResetUnit.MILLISECONDS_LEFT, lambda _: "20000", 20, 23),
        (ResetUnit.UNIX_TIME, lambda now: str(now // 10**9 + 20), 18, 23),
        (ResetUnit.UNIX_TIME, lambda now: str(now // 10**6 + 20_000), 18, 23),
        (ResetUnit.SECONDS_LEFT, lambda _: "99999", 5, 6),  # not believed: our own first pause
        (ResetUnit.SECONDS_LEFT, lambda _: "soon", 5, 6),
    ],
)
async def test_a_refusal_is_waited_out_as_the_reset_header_says(
    unit: ResetUnit, told: Callable[[int], str], least: float, most: float
) -> None:
    clock = SystemClock()
    spec = spec_with(UsageHeader("X-Left", "REQUESTS", 10, HeaderFigure.REMAINING), ResetHeader("X-Reset", unit))
    async with venue() as there:
        there.answer = lambda _: web.Response(
            status=429, headers={"X-Reset": told(clock.now_ns()), "X-Left": "7"}, text="{}"
        )
        client = RestClient(clock, spec, rng=random.Random(1))
        try:
            with pytest.raises(RestError) as refused:
                await client.fetch(HttpRequest("time", MarketKind.SPOT, "GET", there.http, 1))
            assert refused.value.kind is FailureKind.RATE_LIMIT
            assert least <= client.paused_s(MarketKind.SPOT) <= most
            assert [budget.remaining for budget in client.budgets(MarketKind.SPOT)] == [7]
        finally:
            await client.close()


async def test_sockets_wait_for_the_limit_of_new_connections_that_they_share() -> None:
    spec = replace(SPEC, markets={MarketKind.SPOT: replace(MARKET, rate_limits=(RateLimit("CONNECTIONS", 2, 300),))})
    codec, sink, clock = BinanceCodec(), Sink(), SystemClock()
    async with venue() as there:
        rest = RestClient(clock, spec, rng=random.Random(1))
        plans = [ConnectionPlan(f"x.{n}", MarketKind.SPOT, there.ws, ("btcusdt@trade",)) for n in range(2)]
        sessions = [StreamSession(plan, MARKET, codec, sink, clock, policy=QUICK, rest=rest) for plan in plans]
        tasks = [asyncio.create_task(session.run()) for session in sessions]
        try:  # four fifths of two are one: the second session waits
            await eventually(lambda: sessions[0].metrics.state is ConnectionState.UP)
            gate = rest.limits.connections(MarketKind.SPOT)
            assert gate is not None
            await eventually(lambda: gate.waiting == 1)
            assert sessions[1].metrics.state is ConnectionState.CONNECTING
            assert len(there.paths) == 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await rest.close()
