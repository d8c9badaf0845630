"""REST requests as data in, replies as bytes out: rate limits obeyed, failures classified, everything timed out.

One ``RestClient`` per venue, owned by the engine, used on one event loop. It does not decode bodies and does not retry,
save for ``fetch_with_retry``, which is for queries that may be repeated without harm. aiohttp is loaded on first use.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from jackbot_tui.feeds.backoff import Backoff, BackoffPolicy
from jackbot_tui.feeds.capture import CaptureKind, Tap
from jackbot_tui.feeds.failures import (
    FailureKind,
    kind_of_status,
    seconds_of_retry_after,
    words_of_network_error,
)
from jackbot_tui.feeds.limiter import Budget, Lane, PausePolicy
from jackbot_tui.feeds.redaction import redact_reply, redact_url
from jackbot_tui.feeds.venue_limits import VenueLimits
from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError, JackbotError
from jackbot_tui.venues.base import HeaderFigure, HttpRequest, ResetHeader, ResetUnit, VenueSpec

if TYPE_CHECKING:
    import aiohttp

SHOWN_BODY = 200
LONGEST_RESET_S = 3600.0
"""No venue's window is longer: a reset header that says so is not understood."""

FIRST_UNIX_MS = 1e11
"""A point in time from here on counts milliseconds: as seconds it would be the year 5138."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class RestPolicy(Struct, frozen=True, kw_only=True):
    """Time-outs in seconds. A request that would wait longer than ``queue_s`` for the rate limit fails at once."""

    connect_s: float = 5.0
    read_s: float = 10.0  # between two pieces of a reply
    total_s: float = 20.0
    queue_s: float = 30.0
    most_body_bytes: int = 64 * 1024 * 1024
    connections: int = 8
    pause: PausePolicy = PausePolicy()
    retry: BackoffPolicy = BackoffPolicy()


class HttpReply(Struct, frozen=True):
    """A 2xx reply. ``ts_sent``/``ts_recv``: local time (ns) when the request left and the last byte had arrived."""

    body: bytes
    ts_recv: int
    ts_sent: int
    status: int


class RestError(JackbotError):
    """A request that brought no reply to use. ``reason`` is one line in words.

    ``retry_after_s`` is how long the venue (or our own limiter) wants us to wait, None when nothing is known.
    ``status`` is 0 when there was no answer; ``body`` is the venue's answer as far as there was one.
    """

    def __init__(
        self,
        reason: str,
        kind: FailureKind,
        *,
        retry_after_s: float | None = None,
        status: int = 0,
        body: bytes = b"",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.status = status
        self.body = body


class RestClient:
    """``spec`` brings the rate limits of each market kind and the usage headers; without it a cautious limit holds."""

    def __init__(
        self,
        clock: Clock,
        spec: VenueSpec | None = None,
        *,
        tap: Tap | None = None,
        policy: RestPolicy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._spec = spec
        self._usage_headers = spec.usage_headers if spec is not None else ()
        self._reset_headers = spec.reset_headers if spec is not None else ()
        self._tap = tap
        self._policy = policy or RestPolicy()
        self._rng = rng or random.Random()
        self.limits = VenueLimits(clock, spec, self._rng, self._policy.pause)
        self._session: aiohttp.ClientSession | None = None
        self.requests = 0
        self.failures = 0

    async def fetch(self, request: HttpRequest, *, lane: Lane = Lane.QUERY) -> HttpReply:
        """Send once and return the reply; RestError for anything but a whole 2xx reply."""
        try:
            await self._enter(request, lane)
            self.requests += 1
            reply, headers = await self._send(request)
            self._learn(request, reply, headers)
        except RestError:
            self.failures += 1
            raise
        if self._tap is not None:
            venue = f"{self._spec.name}." if self._spec is not None else ""
            conn = f"{venue}{request.kind.value}.rest"
            self._tap.record(reply.ts_recv, CaptureKind.HTTP, conn, request.url, _text_or_bytes(reply.body))
        return reply

    async def fetch_with_retry(
        self, request: HttpRequest, tell: Callable[[RestError, float], None], *, lane: Lane = Lane.QUERY
    ) -> HttpReply:
        """Send until a reply comes, for ever; ``tell`` gets each failure and the seconds until the next attempt.

        For queries only: a request that changes something at the venue must never be repeated blindly.
        """
        backoff = Backoff(self._rng, self._policy.retry)
        while True:
            try:
                return await self.fetch(request, lane=lane)
            except RestError as error:
                delay = max(backoff.next_delay_s(), error.retry_after_s or 0.0)
                tell(error, delay)
            await asyncio.sleep(delay)

    def budgets(self, kind: MarketKind) -> list[Budget]:
        """What is left of the limits of one market kind."""
        return self.limits.requests(kind).limiter.budgets(self._clock.now_ns())

    def paused_s(self, kind: MarketKind) -> float:
        """Seconds for which the venue told us to be silent, 0 when it did not."""
        return self.limits.requests(kind).limiter.paused_s(self._clock.now_ns())

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # ------------------------------------------------------------------ parts

    async def _enter(self, request: HttpRequest, lane: Lane) -> None:
        gate, longest = self.limits.requests(request.kind), self._policy.queue_s
        paused = gate.limiter.paused_s(self._clock.now_ns())
        if paused > longest:
            words = f"the venue's rate limit keeps us silent for {paused:.0f} s more"
            raise RestError(words, FailureKind.RATE_LIMIT, retry_after_s=paused)
        try:
            async with asyncio.timeout(longest):
                await gate.enter(request.weight, lane, purpose=request.purpose)
        except TimeoutError:
            words = f"no room in the rate limit within {longest:g} s"
            raise RestError(words, FailureKind.RATE_LIMIT, retry_after_s=longest) from None
        except InputError as error:
            raise RestError(str(error), FailureKind.PROTOCOL) from error

    async def _send(self, request: HttpRequest) -> tuple[HttpReply, Mapping[str, str]]:
        """Any whole reply, whatever its status, and its headers."""
        import aiohttp

        if urlsplit(request.url).scheme not in ("http", "https"):
            raise RestError(f"{redact_url(request.url)!r} is no web address", FailureKind.PROTOCOL)
        policy = self._policy
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=policy.connections),
                timeout=aiohttp.ClientTimeout(total=policy.total_s, connect=policy.connect_s, sock_read=policy.read_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        sent = self._clock.now_ns()
        try:
            async with self._session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers=_headers_of(request),
                allow_redirects=False,
                proxy=_proxy_of(request.url),
            ) as response:
                body = await self._read(response)
                return HttpReply(body, self._clock.now_ns(), sent, response.status), response.headers
        except TimeoutError as error:
            raise RestError("no answer in time", FailureKind.NETWORK) from error
        except aiohttp.ClientSSLError as error:
            raise RestError(f"TLS failed: {words_of_network_error(error)}", FailureKind.PROTOCOL) from error
        except aiohttp.ClientPayloadError as error:
            raise RestError("the answer broke off", FailureKind.NETWORK) from error
        except aiohttp.ServerDisconnectedError as error:
            raise RestError("hung up before answering", FailureKind.NETWORK) from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise RestError(words_of_network_error(error), FailureKind.NETWORK) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise RestError(f"no answer in HTTP: {words_of_network_error(error)}", FailureKind.PROTOCOL) from error

    async def _read(self, response: "aiohttp.ClientResponse") -> bytes:
        pieces = bytearray()
        async for piece in response.content.iter_any():
            pieces += piece
            if len(pieces) > self._policy.most_body_bytes:
                raise RestError(f"an answer of more than {self._policy.most_body_bytes} bytes", FailureKind.PROTOCOL)
        return bytes(pieces)

    def _learn(self, request: HttpRequest, reply: HttpReply, headers: Mapping[str, str]) -> None:
        """Tell the limiter what the venue says; RestError when it says no."""
        limiter, now = self.limits.requests(request.kind).limiter, self._clock.now_ns()
        for usage in self._usage_headers:
            told = headers.get(usage.header, "")
            if not (told.isascii() and told.isdigit()):
                continue
            learn = limiter.observe if usage.tells is HeaderFigure.USED else limiter.observe_remaining
            learn(usage.limit, usage.interval_s, int(told), now)
        status = reply.status
        if 200 <= status < 300:
            return
        kind = kind_of_status(status)
        wait = seconds_of_retry_after(headers.get("Retry-After"))
        if wait is None:
            wait = _seconds_of_reset(self._reset_headers, headers, now)
        if kind is FailureKind.RATE_LIMIT:
            wait = limiter.refuse(now, banned=status == 418, retry_after_s=wait)
        raise RestError(_words(status, reply.body), kind, retry_after_s=wait, status=status, body=reply.body)


def _words(status: int, body: bytes) -> str:
    """Status and the beginning of the venue's explanation, in one line."""
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    said = " ".join(redact_reply(body[: 4 * SHOWN_BODY].decode(errors="replace")).split())
    if said.startswith("<"):  # a proxy's page tells a trader nothing
        said = ""
    return f"the venue answered {phrase}" + (f": {said[:SHOWN_BODY]}" if said else "")


def _headers_of(request: HttpRequest) -> dict[str, str]:
    """What the request itself brings, and what its body is where it has one."""
    return {"Content-Type": "application/json", **dict(request.headers)} if request.body else dict(request.headers)


def _seconds_of_reset(known: Sequence[ResetHeader], headers: Mapping[str, str], now: int) -> float | None:
    """Seconds until the venue takes requests again by its own headers, None where it sends none that can be read.

    A point in time is read by our own clock, which may be off: an hour or more is not believed.
    """
    for reset in known:
        told = seconds_of_retry_after(headers.get(reset.header))
        if told is None:
            continue
        match reset.unit:
            case ResetUnit.SECONDS_LEFT:
                wait = told
            case ResetUnit.MILLISECONDS_LEFT:
                wait = told / 1000
            case ResetUnit.UNIX_TIME:
                wait = (told / 1000 if told >= FIRST_UNIX_MS else told) - now / NS_PER_S
        if 0 <= wait < LONGEST_RESET_S:
            return wait
    return None


def _text_or_bytes(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _proxy_of(url: str) -> str | None:
    """The proxy that the environment names for ``url``, as the WebSocket library would choose it."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or proxy_bypass(host):
        return None
    proxy = getproxies().get(parts.scheme)
    return proxy if proxy and proxy.startswith("http") else None
