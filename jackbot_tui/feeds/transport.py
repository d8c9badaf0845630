"""The small face behind which a WebSocket library stands, so that another can take its place.

``stream`` uses nothing else of a transport. ``default_transport`` loads the library on first use.
"""

from collections.abc import Sequence
from typing import Protocol


class Connection(Protocol):
    """One open WebSocket. Every method raises FeedError, with kind and words, once the connection is lost.

    ``wakeups`` counts how often the network brought anything at all (frames, pings, pongs) and ``bytes_received`` how
    much: while ``wakeups`` stands still nothing was received.
    """

    @property
    def wakeups(self) -> int: ...

    @property
    def bytes_received(self) -> int: ...

    async def receive(self) -> str | bytes:
        """The next message, text as ``str``. Returns without yielding to the event loop when one is already there."""
        ...

    async def send(self, text: str) -> None: ...

    async def ping(self) -> float:
        """Send a ping, wait for its pong, return the seconds between them. The caller limits the time."""
        ...

    def abort(self) -> None:
        """Cut the connection now, without a word."""
        ...

    async def close(self) -> None:
        """Close politely within the time given at connecting, then for good. Never raises for a lost connection."""
        ...


class Transport(Protocol):
    async def connect(
        self, url: str, *, timeout_s: float, close_timeout_s: float, headers: Sequence[tuple[str, str]] = ()
    ) -> Connection:
        """Open ``url`` (``ws://`` or ``wss://``, certificates verified), ``headers`` in the opening handshake.

        FeedError when that fails.
        """
        ...


def default_transport() -> Transport:
    """The ``websockets`` library on asyncio, without compression (it costs more CPU than it saves bandwidth)."""
    from jackbot_tui.feeds.websocket import WebsocketTransport

    return WebsocketTransport()
