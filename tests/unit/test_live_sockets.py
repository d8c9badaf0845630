"""What tells a dead private socket from a quiet one, and that no socket holds up an end."""

import asyncio
from typing import Any

from jackbot_tui.execution.live.sockets import Pulse, drop

ALIVE = ""


class Socket:
    """As much of ccxt's as is looked at. Times are the test's own."""

    def __init__(self, *, takes: bool = True, says_goodbye: bool = True) -> None:
        self.connectionEstablished = 1
        self.error = None
        self.last_message_at: int | None = None
        self.ping = lambda socket: "ping"
        self.pings = 0
        self.ended = False
        self._takes = takes
        self._says_goodbye = says_goodbye

    async def send(self, message: str) -> None:
        if not self._takes:
            raise ConnectionResetError
        self.pings += 1

    async def close(self) -> None:
        try:
            await asyncio.sleep(0 if self._says_goodbye else 3600)
        finally:
            self.ended = True


class Exchange:
    def __init__(self, *sockets: Socket) -> None:
        self.clients: dict[str, Any] = {str(number): socket for number, socket in enumerate(sockets)}

    async def close_ws_clients(self) -> None:
        assert not self.clients


async def seen(pulse: Pulse, exchange: Exchange, start: float, seconds: float) -> str:
    """Look four times a second."""
    for quarter in range(int(seconds * 4)):
        reason = await pulse.look(exchange, start + quarter / 4)
        if reason:
            return reason
    return ALIVE


async def test_a_quiet_socket_that_answers_pings_is_alive() -> None:
    socket, pulse = Socket(), Pulse(5, 2)
    for minute in range(3):
        start = minute * 6.0
        assert await seen(pulse, Exchange(socket), start, 6) == ALIVE
        socket.last_message_at = minute
    assert socket.pings >= 2


async def test_one_that_answers_nothing_is_dead_and_one_more_that_does_cannot_hide_it() -> None:
    dead, pulse = Socket(), Pulse(5, 2)
    lively = Socket()
    exchange = Exchange(lively, dead)
    reason = ALIVE
    for quarter in range(60):
        lively.last_message_at = quarter
        reason = reason or await pulse.look(exchange, quarter / 4)
    assert "nothing was heard for 7 s" in reason
    assert dead.pings == 1
    assert lively.pings == 0


async def test_one_that_takes_no_ping_is_dead_at_once() -> None:
    assert "takes no ping" in await seen(Pulse(5, 2), Exchange(Socket(takes=False)), 0, 6)


async def test_a_machine_that_slept_gives_its_sockets_time_to_be_heard() -> None:
    socket, pulse = Socket(), Pulse(5, 2)
    assert await seen(pulse, Exchange(socket), 0, 6) == ALIVE
    assert await seen(pulse, Exchange(socket), 3600, 6) == ALIVE
    assert await seen(pulse, Exchange(socket), 3606, 6) != ALIVE


async def test_a_socket_without_a_goodbye_is_cut() -> None:
    polite, mute = Socket(), Socket(says_goodbye=False)
    exchange = Exchange(polite, mute)
    await drop(exchange, within_s=0.01)
    assert polite.ended
    assert mute.ended
    assert not exchange.clients
