"""The engine's end of the link: a Unix socket for screens, ``ctl``, watchers and the kill switch.

Nothing a client does can slow or stop the engine: pictures are made when the socket takes them, lines in flight and
notices waiting are bounded, garbage and silence close only the client they come from.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from jackbot_tui.desk.views import ClientInfo, Notice, Role
from jackbot_tui.link.bugs import answer_to, told
from jackbot_tui.link.face import DeskFace
from jackbot_tui.link.framing import HEADER, body_length, frame, read_request
from jackbot_tui.link.messages import (
    MAX_REQUEST,
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
    Welcome,
)
from jackbot_tui.link.socket_file import SocketFile
from jackbot_tui.model.errors import JackbotError, LinkError

NOTICED_ROLES = (Role.SCREEN, Role.WATCH)


class ServerLimits(Struct, frozen=True, kw_only=True):
    """Bounds of the server and what happens there.

    ``sockets`` open at once, also such that have not said hello; one more is closed unheard. ``clients`` attached at
    once, one more is sent away (the kill switch has ``kill_clients`` places of its own). ``in_flight`` lines of one
    client being carried out, then its socket is not read. ``notices`` waiting for one client, then it is dropped.
    ``handshake_s`` until the first message. ``linger_s`` for the last words to leave.
    """

    sockets: int = 256
    clients: int = 32
    kill_clients: int = 8
    in_flight: int = 64
    notices: int = 10_000
    handshake_s: float = 5.0
    linger_s: float = 1.0


class LinkServer:
    """Serves ``desk`` on the socket at ``path``. ``report`` takes one line about a client that had to be closed."""

    def __init__(
        self,
        desk: DeskFace,
        path: Path,
        *,
        limits: ServerLimits | None = None,
        report: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path = path
        self.limits = limits or ServerLimits()
        self.dropped_clients = 0
        self.bugs = 0
        self._desk = desk
        self._report = report
        self._file = SocketFile(path)
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self) -> None:
        """Listen. LinkError when another engine does already, or the place is not fit for a socket."""
        listener = self._file.bind()
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)
        self._unsubscribe = self._desk.subscribe(self._broadcast)

    async def close(self, reason: str) -> None:
        """Answer what is in flight, say goodbye to every client, stop listening, remove the socket."""
        if self._server is None:
            return
        self._server.close()
        if self._unsubscribe is not None:
            self._unsubscribe()
        lines = [line for connection in self._connections for line in connection.lines]
        if lines:
            await asyncio.wait(lines, timeout=self.limits.linger_s)
        for connection in tuple(self._connections):
            connection.end(reason)
        tasks = [connection.task for connection in self._connections]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self.limits.linger_s * 2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._file.remove()
        self._server = None

    @property
    def clients(self) -> int:
        """Clients attached now."""
        return sum(1 for connection in self._connections if connection.client is not None)

    def _broadcast(self, notice: Notice) -> None:
        encoded = b""
        for connection in tuple(self._connections):
            if connection.client is not None and connection.client.role in NOTICED_ROLES:
                encoded = encoded or frame(Noticed(notice))
                connection.notify(encoded)

    def _room_for(self, role: Role) -> bool:
        kills = sum(1 for c in self._connections if c.client is not None and c.client.role is Role.KILL)
        if role is Role.KILL:
            return kills < self.limits.kill_clients
        return self.clients - kills < self.limits.clients

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self.limits.sockets:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(self._desk, reader, writer, self.limits, task, self._bug_in_line)
        self._connections.add(connection)
        try:
            await self._attend(connection)
        except LinkError as error:
            connection.end(str(error))
            self._report(f"client closed: {error}")
        except (ConnectionError, asyncio.IncompleteReadError):
            connection.trouble = connection.trouble or "the client went away"
        except Exception as error:  # noqa: BLE001 - the one place where a bug met by one client must not reach the engine
            connection.end("internal error, see the engine's log")
            self._report(f"client closed: internal error {error!r} {_causes(error)}")
        finally:
            if connection.dropped:
                self.dropped_clients += 1
                self._report(f"client dropped: {connection.trouble}")
            if connection.client is not None:
                self._desk.detach(connection.client)
            self._connections.discard(connection)
            await connection.close()

    def _bug_in_line(self, error: Exception) -> None:
        self.bugs += 1
        self._report(told(error))

    async def _attend(self, connection: "_Connection") -> None:
        """Handshake, then read and write until either end is done."""
        try:
            async with asyncio.timeout(self.limits.handshake_s):
                hello = await connection.receive()
        except TimeoutError:
            raise LinkError(f"no hello within {self.limits.handshake_s:g} s") from None
        if not isinstance(hello, Hello):
            raise LinkError(f"the first message must be a hello, not {type(hello).__name__}")
        if hello.protocol != PROTOCOL:
            message = f"this engine speaks link protocol {PROTOCOL}, you speak {hello.protocol}: use the same version"
            raise LinkError(message)
        if not self._room_for(hello.role):
            raise LinkError(f"{self.clients} clients are attached already: close one")
        connection.welcome(hello)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(connection.write())
            reading = group.create_task(connection.read(group))
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            writing.cancel()
            reading.cancel()
            connection.cancel_lines()


def _causes(error: Exception) -> str:
    return "; ".join(repr(inner) for inner in error.exceptions) if isinstance(error, ExceptionGroup) else ""


class _Connection:
    """One client: what waits to be sent to it and the lines it has in flight."""

    def __init__(
        self,
        desk: DeskFace,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: ServerLimits,
        task: "asyncio.Task[None]",
        on_bug: Callable[[Exception], None],
    ) -> None:
        self.client: ClientInfo | None = None
        self.task = task
        self.trouble = ""
        self.dropped = False
        self._desk = desk
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._on_bug = on_bug
        self._answers: deque[bytes] = deque()
        self._notices: deque[bytes] = deque()
        self._pull: Pull | None = None
        self._wake = asyncio.Event()
        self._ended = False
        self._slots = asyncio.Semaphore(limits.in_flight)
        self.lines: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------ in

    async def receive(self) -> ClientMessage:
        length = body_length(await self._reader.readexactly(HEADER), MAX_REQUEST)
        return read_request(await self._reader.readexactly(length))

    def welcome(self, hello: Hello) -> None:
        """Attach the client and put the welcome, then the notices it missed, before everything else."""
        desk = self._desk
        self.client = desk.attach(hello.role, hello.name)
        seq = desk.notice_seq
        missed: list[Notice] = []
        if hello.role in NOTICED_ROLES and hello.instance == desk.instance and 0 <= hello.notices_after < seq:
            missed = desk.notices_after(hello.notices_after)[-self._limits.notices :]
            seq = missed[0].seq - 1 if missed else seq
        hello_back = Welcome(PROTOCOL, self.client.client_id, desk.mode, desk.version, desk.instance, seq)
        self._writer.write(frame(hello_back))
        self._notices.extend(frame(Noticed(notice)) for notice in missed)
        self._wake.set()

    async def read(self, group: asyncio.TaskGroup) -> None:
        """Take messages until the client closes its end."""
        assert self.client is not None
        while not self._ended:
            try:
                message = await self.receive()
            except (asyncio.IncompleteReadError, ConnectionError):
                self.trouble = "the client went away"
                return
            except LinkError as error:
                self.end(str(error))
                return
            await self._take(message, self.client, group)

    async def _take(self, message: ClientMessage, client: ClientInfo, group: asyncio.TaskGroup) -> None:
        if client.role is Role.KILL and not isinstance(message, Kill):
            self.end("a kill client sends kill and nothing else")
            return
        match message:
            case Pull():
                self._pull = message
                self._wake.set()
            case Heartbeat():
                self._desk.heartbeat(client, message.glass_age_ms)
            case Execute() | Preview() | Kill():
                await self._slots.acquire()
                line = group.create_task(self._carry_out(message, client))
                self.lines.add(line)
                line.add_done_callback(self.lines.discard)
            case Hello():
                self.end("a second hello")

    async def _carry_out(self, message: Execute | Preview | Kill, client: ClientInfo) -> None:
        number = message.request_id
        try:
            match message:
                case Execute():
                    reply = await self._desk.execute(client, message.line, message.context, message.confirmed)
                case Preview():
                    reply = self._desk.preview(client, message.line, message.context)
                case Kill():
                    reply = await self._desk.kill(client, message.flatten)
            encoded = frame(Answer(number, reply))
        except JackbotError as error:
            encoded = frame(Answer(number, answer_to(error)))
        except Exception as error:  # noqa: BLE001 - a bug met by one line, reported and counted, must not end the link
            self._on_bug(error)
            encoded = frame(Answer(number, answer_to(error)))
        self._answer(encoded)

    def cancel_lines(self) -> None:
        """The client is gone: nobody waits for the answers. What was handed to the engine stays handed."""
        for line in self.lines:
            line.cancel()

    # ------------------------------------------------------------------ out

    def notify(self, encoded: bytes) -> None:
        if self._ended:
            return
        if len(self._notices) >= self._limits.notices:
            self.dropped = True
            self.end(f"too slow: {len(self._notices)} notices waited unread; attach again")
            return
        self._notices.append(encoded)
        self._wake.set()

    def end(self, reason: str) -> None:
        """Send ``reason`` as the last words and close; a client that does not read is cut off after ``linger_s``."""
        if self._ended:
            return
        self._ended = True
        self.trouble = reason
        self._notices.clear()
        self._pull = None
        self._answers.append(frame(Goodbye(reason)))
        self._wake.set()
        asyncio.get_running_loop().call_later(self._limits.linger_s, self._writer.transport.abort)

    def _answer(self, encoded: bytes) -> None:
        if not self._ended:
            self._answers.append(encoded)
            self._wake.set()

    async def write(self) -> None:
        """Send answers first, then notices, then the picture, made at the moment the socket takes it."""
        try:
            await self._write()
        except ConnectionError:
            self.trouble = self.trouble or "the client went away"

    async def _write(self) -> None:
        assert self.client is not None
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._answers or self._notices or self._pull is not None:
                if self._answers:
                    self._writer.write(self._answers.popleft())
                    self._slots.release()
                elif self._notices:
                    self._writer.write(self._notices.popleft())
                else:
                    pull, self._pull = self._pull, None
                    assert pull is not None
                    self._writer.write(frame(Picture(pull.request_id, self._desk.picture(self.client, pull.view))))
                await self._writer.drain()
            if self._ended:
                return

    async def close(self) -> None:
        """Flush last words that no writer took (refused before the handshake was done) and close."""
        while self._answers:
            self._writer.write(self._answers.popleft())
        self._writer.close()
        try:
            async with asyncio.timeout(self._limits.linger_s):
                await self._writer.wait_closed()
        except (TimeoutError, ConnectionError):
            self._writer.transport.abort()
