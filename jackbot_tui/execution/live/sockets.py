"""The private sockets that ccxt keeps: whether one stands, whether it still hears, and how they are ended.

The session and the client are the callers. A connection may die without a word (a router forgets it, a machine sleeps):
ccxt notices that late, and then waits for a goodbye that does not come. Here a socket on which nothing was heard is
asked, with the ping that ccxt keeps it alive with, and every end is bounded.
"""

import asyncio
from typing import Any

from msgspec import Struct

CLOSE_S = 1.0
"""So long a socket may take to say goodbye; then it is dropped."""

PAUSE_S = 3.0
"""Two looks further apart: this process or its machine stood still, and what has arrived is not read yet."""


def stands(exchange: Any) -> bool:
    """True when a socket of the exchange is open."""
    return bool(_open_sockets(exchange))


def _open_sockets(exchange: Any) -> list[Any]:
    sockets = list((exchange.clients or {}).values())
    return [each for each in sockets if each.connectionEstablished and each.error is None]


class _Heard(Struct):
    """``mark``: ccxt's time of the last frame; ``since`` when that was first seen, ``asked`` when a ping was sent."""

    mark: int | None
    since: float
    asked: float | None = None


class Pulse:
    """Finds the socket that hears nothing more. ``look`` often, a few times a second; times are in seconds.

    One on which no frame has come for ``quiet_s`` is pinged; when ``answer_s`` later still nothing came, it is dead.
    Anything counts as an answer. A pause of our own starts the count anew.
    """

    def __init__(self, quiet_s: float, answer_s: float) -> None:
        self._quiet_s = quiet_s
        self._answer_s = answer_s
        self._heard: dict[Any, _Heard] = {}
        self._looked: float | None = None

    async def look(self, exchange: Any, now: float) -> str:
        """Why the sockets must be replaced, "" when all is well. ``now`` is on any clock that never jumps."""
        paused = self._looked is not None and now - self._looked > PAUSE_S
        self._looked = now
        known, self._heard = self._heard, {}
        for socket in _open_sockets(exchange):
            heard = known.get(socket)
            if heard is None or heard.mark != socket.last_message_at or paused:
                heard = _Heard(socket.last_message_at, now)
            elif heard.asked is None and now - heard.since >= self._quiet_s:
                heard.asked = now
                if not await self._ask(socket):
                    return "it takes no ping any more"
            elif heard.asked is not None and now - heard.asked >= self._answer_s:
                return f"it is dead: nothing was heard for {now - heard.since:.0f} s, and a ping was not answered"
            self._heard[socket] = heard
        return ""

    async def _ask(self, socket: Any) -> bool:
        """Send the venue's own ping where ccxt knows one, else the protocol's; False when it cannot be sent."""
        try:
            async with asyncio.timeout(self._answer_s):
                if socket.ping:
                    await socket.send(socket.ping(socket))
                else:
                    await socket.connection.ping()
        except (TimeoutError, OSError):
            return False
        return True


async def drop(exchange: Any, within_s: float = CLOSE_S) -> None:
    """Close every socket, for ``within_s`` at most, and forget them; those that do not answer the goodbye are cut."""
    sockets = list((exchange.clients or {}).values())
    exchange.clients = {}
    goodbyes = [asyncio.create_task(socket.close(), name="close private socket") for socket in sockets]
    try:
        if goodbyes:
            await asyncio.wait(goodbyes, timeout=within_s)
    finally:
        for task in goodbyes:
            task.cancel()  # aiohttp closes the transport then
        await asyncio.gather(*goodbyes, return_exceptions=True)  # whatever a dead socket says about its closing
    await exchange.close_ws_clients()  # no socket is left: only what a venue's own class keeps beside them
