"""The ``websockets`` library as a ``Transport``, and its many exceptions as kinds and words.

Loaded by ``transport.default_transport`` on first use. Knows nothing of sessions or venues.
"""

import ssl
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)

from jackbot_tui.feeds.failures import (
    Failure,
    FailureKind,
    FeedError,
    kind_of_status,
    seconds_of_retry_after,
    words_of_network_error,
)
from jackbot_tui.feeds.redaction import redact_url

MAX_MESSAGE = 16 * 1024 * 1024
"""A larger message ends the connection; the largest seen from any venue is Coinbase's book snapshot, about 5 MB."""

QUEUED_FRAMES = 1024
"""Frames held before reading from the network pauses, which lets TCP slow the sender down."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_CLOSE_KINDS = {
    1001: FailureKind.MAINTENANCE,
    1008: FailureKind.RATE_LIMIT,  # policy violation: Binance's answer to too many messages
    1011: FailureKind.MAINTENANCE,
    1012: FailureKind.MAINTENANCE,
    1013: FailureKind.MAINTENANCE,
    1014: FailureKind.MAINTENANCE,
    3000: FailureKind.AUTH,
    3003: FailureKind.AUTH,
}
_CLOSE_WORDS = {
    1000: "normal end",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1007: "invalid data",
    1008: "policy violation",
    1009: "message too big",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
    3000: "unauthorized",
    3003: "forbidden",
}


class WebsocketTransport:
    """``compression`` offers permessage-deflate; ``tls`` replaces the default verified context (tests only)."""

    def __init__(self, *, compression: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self._compression = compression
        self._tls = tls

    async def connect(
        self, url: str, *, timeout_s: float, close_timeout_s: float, headers: Sequence[tuple[str, str]] = ()
    ) -> "WebsocketConnection":
        options: dict[str, Any] = {}
        if self._tls is not None:
            options["ssl"] = self._tls
        try:
            socket = await connect(
                url,
                open_timeout=timeout_s,
                close_timeout=close_timeout_s,
                ping_interval=None,  # the session pings by its own rule
                compression="deflate" if self._compression else None,
                max_size=MAX_MESSAGE,
                max_queue=QUEUED_FRAMES,
                proxy=None if urlsplit(url).hostname in LOOPBACK else True,
                create_connection=_CountingConnection,
                additional_headers=list(headers) or None,
                **options,
            )
        except TimeoutError as error:
            raise FeedError(Failure(FailureKind.NETWORK, f"no answer within {timeout_s:g} s")) from error
        except (WebSocketException, OSError, EOFError) as error:
            raise FeedError(failure_to_connect(error)) from error
        assert isinstance(socket, _CountingConnection)
        return WebsocketConnection(socket)


class _CountingConnection(ClientConnection):
    """Counts what the network brings, before anything is made of it."""

    wakeups = 0
    bytes_received = 0

    def data_received(self, data: bytes) -> None:
        self.wakeups += 1
        self.bytes_received += len(data)
        super().data_received(data)


class WebsocketConnection:
    """See ``transport.Connection``."""

    def __init__(self, socket: _CountingConnection) -> None:
        self._socket = socket
        self._recv = socket.recv

    @property
    def wakeups(self) -> int:
        return self._socket.wakeups

    @property
    def bytes_received(self) -> int:
        return self._socket.bytes_received

    async def receive(self) -> str | bytes:
        try:
            return await self._recv()
        except ConnectionClosed as error:
            raise FeedError(failure_of_close(error)) from error

    async def send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise FeedError(failure_of_close(error)) from error

    async def ping(self) -> float:
        try:
            return await (await self._socket.ping())
        except ConnectionClosed as error:
            raise FeedError(failure_of_close(error)) from error

    def abort(self) -> None:
        self._socket.transport.abort()

    async def close(self) -> None:
        try:
            await self._socket.close()
        finally:
            self.abort()


def failure_to_connect(error: Exception) -> Failure:
    """Why a connection could not be opened."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        try:
            phrase = f"{status} {HTTPStatus(status).phrase}"
        except ValueError:
            phrase = str(status)
        wait = seconds_of_retry_after(error.response.headers.get("Retry-After"))
        return Failure(kind_of_status(status), f"the venue answered {phrase}", wait)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(FailureKind.PROTOCOL, f"certificate not accepted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Failure(FailureKind.PROTOCOL, f"TLS handshake failed: {(error.reason or 'no reason').lower()}")
    if isinstance(error, OSError | EOFError | ProxyError):
        return Failure(FailureKind.NETWORK, words_of_network_error(error))
    if isinstance(error, InvalidMessage):
        return Failure(FailureKind.NETWORK, "hung up before answering, or did not answer in HTTP")
    what = "handshake" if isinstance(error, InvalidHandshake) else "address"
    return Failure(FailureKind.PROTOCOL, f"WebSocket {what} failed: {redact_url(' '.join(str(error).split()))}")


def failure_of_close(error: ConnectionClosed) -> Failure:
    """Why an open connection ended."""
    frame = error.rcvd
    if frame is None:
        if error.sent is not None and error.sent.code in (1002, 1007, 1009):
            words = _CLOSE_WORDS[error.sent.code]
            return Failure(FailureKind.PROTOCOL, f"closed by us for what the venue sent: {words}")
        cause = error.__cause__
        words = words_of_network_error(cause) if isinstance(cause, OSError) else "hung up without a word"
        return Failure(FailureKind.NETWORK, words)
    words = " ".join(frame.reason.split())[:200] or _CLOSE_WORDS.get(frame.code, "no reason given")
    return Failure(_CLOSE_KINDS.get(frame.code, FailureKind.PROTOCOL), f"the venue closed it: {frame.code} {words}")
