"""The client's end of the link: what a screen, a watcher or ``jackbot ctl`` holds of a running engine.

Light on purpose (asyncio and msgspec; no Textual, no engine rooms). ``LinkClient`` is for programs with an event loop,
``call`` and ``call_kill`` are plain blocking calls for one line from a shell.
"""

import asyncio
import random
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from jackbot_tui.desk.views import Context, Notice, Reply, Role, ScreenView, ViewRequest
from jackbot_tui.link.face import NO_CONTEXT
from jackbot_tui.link.framing import HEADER, body_length, frame, read_reply
from jackbot_tui.link.messages import (
    MAX_MESSAGE,
    PROTOCOL,
    Answer,
    ClientMessage,
    Execute,
    Goodbye,
    Heartbeat,
    Hello,
    Kill,
    Noticed,
    Picture,
    Preview,
    Pull,
    ServerMessage,
    Welcome,
)
from jackbot_tui.model.errors import LinkError

NOTICES_KEPT = 10_000
"""Notices that wait for a slow consumer; beyond it the oldest go and the consumer is told how many."""

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 2.0
_Value = TypeVar("_Value", Reply, ScreenView)
_Make = Callable[[int], ClientMessage]
GAP = "gap"
"""Kind of the notice that stands for notices which never arrived."""


class LinkClient:
    """One client of the engine at ``path``. Use ``async with``, or ``connect`` and ``close``.

    With ``stay_connected`` running as a task of the owner, a lost connection is made again by itself and the notices
    that were missed are asked for.
    """

    def __init__(self, path: Path | str, role: Role = Role.SCREEN, name: str = "") -> None:
        self.path = str(path)
        self.role = role
        self.name = name
        self.welcome: Welcome | None = None
        self.reconnects = 0
        self._picture: ScreenView | None = None
        self._trouble = "not connected yet"
        self._reader_task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._pulls: dict[int, asyncio.Future[ScreenView]] = {}
        self._next_id = 0
        self._notices: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self._arrived = asyncio.Event()
        self._lost = asyncio.Event()
        self._last_notice = -1
        self._delivered = -1
        self._closed = False

    # ------------------------------------------------------------------ state

    @property
    def connected(self) -> bool:
        return self._writer is not None

    @property
    def trouble(self) -> str:
        return self._trouble

    @property
    def picture(self) -> ScreenView | None:
        return self._picture

    # ------------------------------------------------------------------ connection

    async def connect(self, timeout_s: float = 5.0) -> Welcome:
        """Connect and shake hands; LinkError in one line when that fails."""
        if self._writer is not None:
            raise LinkError("this link is connected already")
        known = self.welcome.instance if self.welcome is not None else ""
        hello = Hello(PROTOCOL, self.role, self.name, known, self._last_notice if known else -1)
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await _open(self.path)
                try:
                    writer.write(frame(hello))
                    welcome = _welcome(await _receive(reader))
                except BaseException:
                    writer.transport.abort()
                    raise
        except TimeoutError:
            raise self._failed(f"no answer from {self.path} within {timeout_s:g} s: is the engine stuck?") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            raise self._failed(_unreachable(self.path, error)) from None
        except LinkError as error:
            raise self._failed(str(error)) from None
        if welcome.instance != known:
            self._last_notice = self._delivered = welcome.notice_seq
        self.welcome = welcome
        self._writer = writer
        self._trouble = ""
        self._lost.clear()
        self._reader_task = asyncio.create_task(self._read(reader), name="link reader")
        return welcome

    async def stay_connected(self) -> None:
        """Reconnect for ever, with growing pauses of at most ``LONGEST_RETRY_S``. Runs as a task of the owner."""
        pause = FIRST_RETRY_S
        while not self._closed:
            if self._writer is None:
                first = self.welcome is None
                try:
                    await self.connect()
                except LinkError:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                    pause = min(pause * 2, LONGEST_RETRY_S)
                    continue
                pause = FIRST_RETRY_S
                self.reconnects += not first
            await self._lost.wait()

    async def close(self) -> None:
        """Let go of the engine; running calls end with LinkError and iterators of notices end."""
        self._closed = True
        task, self._reader_task = self._reader_task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._drop("closed here")
        self._arrived.set()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ------------------------------------------------------------------ calls

    async def pull(self, view: ViewRequest, timeout_s: float = 5.0) -> ScreenView:
        """Ask for the newest picture and wait for it. Pulls that overtake one another all get the newest."""
        return await self._ask(lambda number: Pull(number, view), self._pulls, timeout_s, "picture")

    async def execute(
        self, line: str, context: Context = NO_CONTEXT, confirmed: bool = False, timeout_s: float = 10.0
    ) -> Reply:
        """Have a line carried out. After a LinkError its fate is unknown: look at the orders, do not repeat blindly."""
        return await self._line(lambda number: Execute(number, line, context, confirmed), timeout_s)

    async def preview(self, line: str, context: Context = NO_CONTEXT, timeout_s: float = 5.0) -> Reply:
        """Ask what a line would do."""
        return await self._line(lambda number: Preview(number, line, context), timeout_s)

    async def kill(self, flatten: bool = False, timeout_s: float = 10.0) -> Reply:
        """Throw the kill switch over a socket of its own, whatever the state of this link."""
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await _open(self.path)
                try:
                    writer.write(frame(Hello(PROTOCOL, Role.KILL, self.name)) + frame(Kill(1, flatten)))
                    _welcome(await _receive(reader))
                    return _answer(await _receive(reader))
                finally:
                    writer.close()
        except TimeoutError:
            raise LinkError(f"KILL not confirmed within {timeout_s:g} s: send SIGUSR1 to the engine") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            raise LinkError(f"KILL not sent: {_unreachable(self.path, error)}") from None

    async def heartbeat(self, glass_age_ms: float = -1.0) -> None:
        """Say that the screen lives. Does nothing without a connection: silence is what the engine notes then."""
        if self._writer is not None:
            self._writer.write(frame(Heartbeat(glass_age_ms)))

    async def notices(self) -> AsyncIterator[Notice]:
        """Notices in order, each once, until ``close``. A hole in their numbers comes as a notice of kind ``gap``."""
        while True:
            while self._notices:
                notice = self._notices.popleft()
                missing = notice.seq - self._delivered - 1
                if self._delivered >= 0 and missing > 0:
                    yield _gap(missing, notice)
                self._delivered = notice.seq
                yield notice
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()

    # ------------------------------------------------------------------ inside

    async def _line(self, make: _Make, timeout_s: float) -> Reply:
        return await self._ask(make, self._waiting, timeout_s, "answer")

    async def _ask(
        self, make: _Make, waiting: dict[int, asyncio.Future[_Value]], timeout_s: float, what: str
    ) -> _Value:
        writer = self._writer
        if writer is None:
            raise LinkError(f"no connection to the engine: {self._trouble}")
        self._next_id += 1
        number = self._next_id
        future: asyncio.Future[_Value] = asyncio.get_running_loop().create_future()
        waiting[number] = future
        try:
            async with asyncio.timeout(timeout_s):
                writer.write(frame(make(number)))
                await writer.drain()
                return await future
        except TimeoutError:
            raise LinkError(
                f"no {what} from the engine within {timeout_s:g} s: look at orders before repeating"
            ) from None
        except ConnectionError as error:
            raise LinkError(_unreachable(self.path, error)) from None
        finally:
            waiting.pop(number, None)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                message = await _receive(reader)
                if isinstance(message, Goodbye):
                    self._drop(f"the engine said goodbye: {message.reason}")
                    return
                self._take(message)
        except asyncio.IncompleteReadError:
            self._drop("the engine closed the connection")
        except (OSError, LinkError) as error:
            self._drop(f"connection lost: {error}")

    def _take(self, message: ServerMessage) -> None:
        match message:
            case Noticed():
                self._last_notice = message.notice.seq
                self._notices.append(message.notice)
                self._arrived.set()
            case Picture():
                self._picture = message.view
                for number in [number for number in self._pulls if number <= message.request_id]:
                    _settle(self._pulls.pop(number), message.view)
            case Answer():
                answered = self._waiting.pop(message.request_id, None)
                if answered is not None:
                    _settle(answered, message.reply)
            case Welcome() | Goodbye():
                raise LinkError("the engine sent a greeting in the middle of a talk")

    def _failed(self, text: str) -> LinkError:
        self._trouble = text
        return LinkError(text)

    def _drop(self, reason: str) -> None:
        """The connection is over: every call that waits learns why."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()
        self._trouble = reason
        error = LinkError(f"{reason}: look at orders before repeating")
        futures: list[asyncio.Future[Reply] | asyncio.Future[ScreenView]]
        futures = [*self._waiting.values(), *self._pulls.values()]
        for future in futures:
            if not future.done():
                future.set_exception(error)
        self._lost.set()


def _settle(future: asyncio.Future[_Value], value: _Value) -> None:
    if not future.done():
        future.set_result(value)


async def _open(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(path)


async def _receive(reader: asyncio.StreamReader) -> ServerMessage:
    length = body_length(await reader.readexactly(HEADER), MAX_MESSAGE)
    return read_reply(await reader.readexactly(length))


def _welcome(message: ServerMessage) -> Welcome:
    if isinstance(message, Goodbye):
        raise LinkError(f"the engine refused: {message.reason}")
    if not isinstance(message, Welcome) or message.protocol != PROTOCOL:
        raise LinkError("the engine speaks another version of the link: use the same version of jackbot")
    return message


def _answer(message: ServerMessage) -> Reply:
    if isinstance(message, Goodbye):
        raise LinkError(f"the engine refused: {message.reason}")
    if not isinstance(message, Answer):
        raise LinkError(f"an answer was expected, not {type(message).__name__}")
    return message.reply


def _gap(missing: int, after: Notice) -> Notice:
    text = f"{missing} notices did not arrive: look at orders, fills and the journal"
    return Notice(after.seq - 1, after.ts, GAP, "warn", text)


def _unreachable(path: str, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return f"no engine at {path}: start one with 'jackbot run' or 'jackbot demo'"
        case ConnectionRefusedError():
            return f"nobody listens at {path}: the engine has ended, start it again"
        case PermissionError():
            return f"{path} belongs to another user"
        case asyncio.IncompleteReadError():
            return f"the engine at {path} closed the connection"
        case _:
            return f"cannot reach the engine at {path}: {error}"


# ---------------------------------------------------------------------- blocking, for a shell


def call(
    path: Path | str,
    line: str,
    *,
    context: Context = NO_CONTEXT,
    role: Role = Role.CTL,
    name: str = "ctl",
    timeout_s: float = 15.0,
) -> Reply:
    """Have one line carried out and wait for the answer. Raises LinkError; see ``LinkClient.execute``."""
    return _blocking(str(path), Hello(PROTOCOL, role, name), Execute(1, line, context), timeout_s)


def call_kill(path: Path | str, *, flatten: bool = False, name: str = "ctl", timeout_s: float = 15.0) -> Reply:
    """Throw the kill switch from a shell."""
    return _blocking(str(path), Hello(PROTOCOL, Role.KILL, name), Kill(1, flatten), timeout_s)


def _blocking(path: str, hello: Hello, request: Execute | Kill, timeout_s: float) -> Reply:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout_s)
            link.connect(path)
            link.sendall(frame(hello) + frame(request))
            _welcome(_read_blocking(link))
            return _answer(_read_blocking(link))
    except TimeoutError:
        raise LinkError(f"no answer from {path} within {timeout_s:g} s: look at orders before repeating") from None
    except OSError as error:
        raise LinkError(_unreachable(path, error)) from None


def _read_blocking(link: socket.socket) -> ServerMessage:
    length = body_length(_exactly(link, HEADER), MAX_MESSAGE)
    return read_reply(_exactly(link, length))


def _exactly(link: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = link.recv(count - len(parts))
        if not part:
            raise LinkError("the engine closed the connection before it answered: look at orders before repeating")
        parts += part
    return bytes(parts)
