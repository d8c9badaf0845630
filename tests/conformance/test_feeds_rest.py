"""The REST client against a real server on loopback: replies whole or an error in words, limits and pauses obeyed."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from msgspec.structs import replace

from jackbot_tui.feeds.backoff import BackoffPolicy
from jackbot_tui.feeds.failures import FailureKind
from jackbot_tui.feeds.limiter import Lane
from jackbot_tui.feeds.rest import RestClient, RestError, RestPolicy
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import HttpRequest, RateLimit, VenueSpec
from jackbot_tui.venues.binance.spec import SPEC

POLICY = RestPolicy(connect_s=2.0, read_s=2.0, total_s=5.0, queue_s=0.2, retry=BackoffPolicy(first_s=0.01, cap_s=0.02))
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Tape:
    def __init__(self) -> None:
        self.records: list[tuple[str, str, str, str | bytes]] = []

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None:
        self.records.append((str(kind), conn, url, raw))


def spec(limit: int = 6000) -> VenueSpec:
    market = replace(SPEC.markets[MarketKind.SPOT], rate_limits=(RateLimit("REQUEST_WEIGHT", limit, 60),))
    return replace(SPEC, markets={MarketKind.SPOT: market})


def request(base: str, path: str = "/depth?symbol=BTCUSDT", weight: int = 5) -> HttpRequest:
    return HttpRequest("snapshot", MarketKind.SPOT, "GET", base + path, weight, "binance:BTC/USDT")


@contextlib.asynccontextmanager
async def venue(respond: Respond) -> AsyncIterator[str]:
    server = web.Server(respond)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def raw_venue(answer: bytes, *, hang: bool = False) -> AsyncIterator[str]:
    """Sends these bytes whatever is asked, then hangs up (or does not)."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if hang:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def client(tap: Tape | None = None, policy: RestPolicy = POLICY, limit: int = 6000) -> AsyncIterator[RestClient]:
    subject = RestClient(SystemClock(), spec(limit), tap=tap, policy=policy, rng=random.Random(1))
    try:
        yield subject
    finally:
        await subject.close()


async def failure_of(subject: RestClient, asked: HttpRequest) -> RestError:
    with pytest.raises(RestError) as error:
        await subject.fetch(asked)
    assert "\n" not in str(error.value)
    return error.value


async def test_reply_comes_back_as_bytes_with_times_is_counted_and_captured() -> None:
    body = b'{"lastUpdateId":1,"bids":[],"asks":[]}'

    async def respond(asked: web.Request) -> web.Response:
        assert asked.query_string == "symbol=BTCUSDT"
        return web.Response(body=body, headers={"X-MBX-USED-WEIGHT-1M": "40"})

    tape, clock = Tape(), SystemClock()
    async with venue(respond) as base, client(tape) as subject:
        before = clock.now_ns()
        reply = await subject.fetch(request(base))
        assert (reply.body, reply.status) == (body, 200)
        assert before <= reply.ts_sent <= reply.ts_recv <= clock.now_ns() + 1_000_000
        assert tape.records == [("http", "binance.spot.rest", base + "/depth?symbol=BTCUSDT", body.decode())]
        assert [(b.name, b.used) for b in subject.budgets(MarketKind.SPOT)] == [("REQUEST_WEIGHT", 40)]


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, FailureKind.PROTOCOL, 'the venue answered 400 Bad Request: {"code":-1121,"msg":"Invalid symbol."}'),
        (401, FailureKind.AUTH, "the venue answered 401 Unauthorized: "),
        (403, FailureKind.AUTH, "the venue answered 403 Forbidden: "),
        (404, FailureKind.PROTOCOL, "the venue answered 404 Not Found: "),
        (500, FailureKind.MAINTENANCE, "the venue answered 500 Internal Server Error: "),
        (503, FailureKind.MAINTENANCE, "the venue answered 503 Service Unavailable: "),
        (302, FailureKind.PROTOCOL, "the venue answered 302 Found: "),
        (599, FailureKind.MAINTENANCE, "the venue answered 599: "),
    ],
)
async def test_refusing_status_is_an_error_with_the_words_of_the_venue(
    status: int, kind: FailureKind, words: str
) -> None:
    async def respond(asked: web.Request) -> web.Response:
        body = '{"code":-1121,\n"msg":"Invalid symbol."}'
        return web.Response(status=status, text=body, headers={"Location": "http://127.0.0.1:1/elsewhere"})

    tape = Tape()
    async with venue(respond) as base, client(tape) as subject:
        error = await failure_of(subject, request(base))
        assert str(error).replace('1, "', '1,"').startswith(words)
        assert (error.kind, error.status, error.retry_after_s) == (kind, status, None)
        assert error.body.startswith(b'{"code"')
        assert (tape.records, subject.failures) == ([], 1)


@pytest.mark.parametrize(
    ("status", "header", "low", "high"),
    [
        (429, {"Retry-After": "30"}, 30, 33),
        (429, {}, 5, 5.5),
        (418, {"Retry-After": "600"}, 600, 660),
        (418, {}, 120, 132),
    ],
)
async def test_rate_limit_refusal_silences_the_client_until_the_venue_wants_it(
    status: int, header: dict[str, str], low: float, high: float
) -> None:
    asked_for = 0

    async def respond(asked: web.Request) -> web.Response:
        nonlocal asked_for
        asked_for += 1
        return web.Response(status=status, headers=header)

    async with venue(respond) as base, client() as subject:
        error = await failure_of(subject, request(base))
        assert error.kind is FailureKind.RATE_LIMIT
        assert error.retry_after_s is not None
        assert low <= error.retry_after_s <= high
        for lane in Lane:
            with pytest.raises(RestError) as again:
                await subject.fetch(request(base), lane=lane)
            assert again.value.kind is FailureKind.RATE_LIMIT
            assert again.value.retry_after_s is not None
            assert low - 1 <= again.value.retry_after_s <= high
        assert asked_for == 1
        assert low - 1 <= subject.paused_s(MarketKind.SPOT) <= high


async def test_request_without_room_in_the_limit_fails_in_words_and_is_not_sent() -> None:
    asked_for = 0

    async def respond(asked: web.Request) -> web.Response:
        nonlocal asked_for
        asked_for += 1
        return web.Response(text="{}")

    async with venue(respond) as base, client(limit=10) as subject:
        await subject.fetch(request(base, weight=8))
        error = await failure_of(subject, request(base))
        assert (str(error), error.kind) == ("no room in the rate limit within 0.2 s", FailureKind.RATE_LIMIT)
        too_heavy = await failure_of(subject, request(base, weight=11))
        assert str(too_heavy) == "a request of weight 11 exceeds REQUEST_WEIGHT 10/60 s"
        assert asked_for == 1


async def test_foreign_use_of_our_address_reported_by_the_venue_holds_us_back() -> None:
    async def respond(asked: web.Request) -> web.Response:
        return web.Response(text="{}", headers={"x-mbx-used-weight-1m": "99"})

    async with venue(respond) as base, client(limit=100) as subject:
        await subject.fetch(request(base))
        assert (await failure_of(subject, request(base))).kind is FailureKind.RATE_LIMIT


HEAD = b"HTTP/1.1 200 OK\r\n"
BROKEN = (FailureKind.NETWORK, "the answer broke off")
LATE = (FailureKind.NETWORK, "no answer in time")


@pytest.mark.parametrize(
    ("answer", "hang", "kind", "words"),
    [
        (HEAD + b'Content-Length: 1000\r\n\r\n{"bids":', False, *BROKEN),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", False, *BROKEN),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", False, *BROKEN),
        (HEAD + b"Content-Length: 1000\r\n\r\n{", True, *LATE),
        (b"", True, *LATE),
        (b"", False, FailureKind.NETWORK, "hung up before answering"),
        (b"\x16\x03\x01 this is no HTTP\r\n\r\n", False, FailureKind.PROTOCOL, "no answer in HTTP: "),
    ],
)
async def test_answer_that_is_late_torn_or_nonsense_is_an_error_in_words(
    answer: bytes, hang: bool, kind: FailureKind, words: str
) -> None:
    policy = replace(POLICY, read_s=0.2)
    async with raw_venue(answer, hang=hang) as base, client(policy=policy) as subject:
        error = await failure_of(subject, request(base))
        assert (error.kind, str(error)[: len(words)]) == (kind, words)


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("http://127.0.0.1:1/x", FailureKind.NETWORK, "connection refused"),
        ("ftp://127.0.0.1/x", FailureKind.PROTOCOL, "is no web address"),
        ("http://", FailureKind.PROTOCOL, "no answer in HTTP: http://"),
    ],
)
async def test_venue_that_cannot_be_reached_is_an_error_in_words(url: str, kind: FailureKind, words: str) -> None:
    async with client() as subject:
        error = await failure_of(subject, request(url, ""))
        assert error.kind is kind
        assert words in str(error)


async def test_answer_larger_than_the_bound_is_not_swallowed() -> None:
    async def respond(asked: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100_000)

    async with venue(respond) as base, client(policy=replace(POLICY, most_body_bytes=50_000)) as subject:
        assert "more than 50000 bytes" in str(await failure_of(subject, request(base)))


async def test_query_is_repeated_until_answered_and_each_failure_told() -> None:
    asked_for = 0

    async def respond(asked: web.Request) -> web.Response:
        nonlocal asked_for
        asked_for += 1
        return web.Response(status=503 if asked_for < 4 else 200, text="{}")

    told: list[tuple[str, float]] = []
    async with venue(respond) as base, client() as subject, asyncio.timeout(10):
        reply = await subject.fetch_with_retry(request(base), lambda error, delay: told.append((str(error), delay)))
    assert reply.body == b"{}"
    assert [words for words, _ in told] == ["the venue answered 503 Service Unavailable: {}"] * 3
    assert all(delay <= 0.02 for _, delay in told)


async def test_repeated_query_waits_as_long_as_the_venue_wants() -> None:
    async def respond(asked: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "77"})

    delays: list[float] = []
    async with venue(respond) as base, client() as subject:
        task = asyncio.create_task(subject.fetch_with_retry(request(base), lambda _, delay: delays.append(delay)))
        async with asyncio.timeout(10):
            while not delays:  # noqa: ASYNC110 - polls with a deadline
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait({task})
    assert delays == [77.0]


async def test_closing_ends_requests_under_way_with_an_error() -> None:
    async with raw_venue(b"", hang=True) as base, client(policy=replace(POLICY, read_s=10.0)) as subject:
        task = asyncio.create_task(subject.fetch(request(base)))
        async with asyncio.timeout(10):
            while not subject.requests:  # noqa: ASYNC110 - polls with a deadline
                await asyncio.sleep(0.005)
            await asyncio.sleep(0)
            await subject.close()
            with pytest.raises(RestError):
                await task


async def test_client_without_a_spec_is_cautious() -> None:
    subject = RestClient(SystemClock())
    assert [(b.name, b.limit, b.interval_s) for b in subject.budgets(MarketKind.LINEAR)] == [
        ("REQUEST_WEIGHT", 600, 60)
    ]
    await subject.close()


def test_requests_use_up_no_limit_that_counts_sockets() -> None:
    client = RestClient(SystemClock(), SPEC)
    assert [budget.name for budget in client.budgets(MarketKind.SPOT)] == ["REQUEST_WEIGHT", "RAW_REQUESTS"]
