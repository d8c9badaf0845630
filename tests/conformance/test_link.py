"""The link: socket client and in-process twin behave alike; nothing that one client does hurts engine or others."""

# ruff: noqa: ASYNC110, ASYNC240 - a test polls with a deadline and may look at a file

import asyncio
import contextlib
import random
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from jackbot_tui.desk.views import (
    ClientInfo,
    Context,
    HeaderView,
    Notice,
    Reply,
    Role,
    ScreenView,
    Seen,
    ViewRequest,
)
from jackbot_tui.link import client as client_module
from jackbot_tui.link.client import GAP, LinkClient, call, call_kill
from jackbot_tui.link.face import Link
from jackbot_tui.link.framing import frame
from jackbot_tui.link.local import InProcessLink
from jackbot_tui.link.messages import MAX_MESSAGE, MAX_REQUEST, PROTOCOL, Execute, Goodbye, Hello, Welcome
from jackbot_tui.link.server import LinkServer, ServerLimits
from jackbot_tui.model.errors import InputError, LinkError

WAIT_S = 10.0


class FakeDesk:
    """Records what reaches it; ``gate`` holds ``execute`` back where a test wants it."""

    mode = "paper"
    version = "0"

    def __init__(self, instance: str = "engine-1") -> None:
        self.instance = instance
        self.attached: list[ClientInfo] = []
        self.lines: list[tuple[str, Context, bool]] = []
        self.beats: list[float] = []
        self.kills: list[bool] = []
        self.pictures = 0
        self.ring: list[Notice] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._next = 0
        self._callbacks: list[Callable[[Notice], None]] = []

    @property
    def notice_seq(self) -> int:
        return self.ring[-1].seq if self.ring else 0

    def attach(self, role: Role, name: str) -> ClientInfo:
        self._next += 1
        self.attached.append(ClientInfo(self._next, role, name))
        return self.attached[-1]

    def detach(self, client: ClientInfo) -> None:
        self.attached.remove(client)

    def heartbeat(self, client: ClientInfo, glass_age_ms: float) -> None:
        self.beats.append(glass_age_ms)

    async def execute(self, client: ClientInfo, line: str, context: Context, confirmed: bool) -> Reply:
        self.lines.append((line, context, confirmed))
        if line == "bad":
            raise InputError("that is bad")
        if line == "bug":
            raise RuntimeError("a bug")
        if line == "unsendable":
            return Reply(ok=True, lines=[], data={"engine": self})
        if line == "huge":
            return Reply(ok=True, lines=["x" * MAX_MESSAGE])
        await self.gate.wait()
        return Reply(ok=True, lines=[line.upper()], data={"client": client.client_id, "qty": "0.5"})

    def preview(self, client: ClientInfo, line: str, context: Context) -> Reply:
        return Reply(ok=True, lines=[f"would {line}"])

    def picture(self, client: ClientInfo, request: ViewRequest) -> ScreenView:
        self.pictures += 1
        return picture(self.pictures, request.key)

    async def kill(self, client: ClientInfo, flatten: bool) -> Reply:
        self.kills.append(flatten)
        return Reply(ok=True, lines=["KILLED"])

    def notices_after(self, seq: int) -> list[Notice]:
        return [notice for notice in self.ring if notice.seq > seq]

    def subscribe(self, callback: Callable[[Notice], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def tell(self, text: str, count: int = 1) -> None:
        for _ in range(count):
            notice = Notice(self.notice_seq + 1, 0, "filled", "good", text)
            self.ring.append(notice)
            for callback in tuple(self._callbacks):
                callback(notice)


def picture(seq: int, key: str) -> ScreenView:
    header = HeaderView(
        mode="paper", venue="binance", session=1, now_ns=0, md_ms=-1, ord_ms=-1, loop_lag_ms=0, frames_per_s=0,
        dropped_frames=0, unknown_frames=0, equity="0", day_pnl="0", armed=False, armed_market=False, armed_until_ns=0,
        armed_client="", killed=False, market_detail=key,
    )  # fmt: skip
    return ScreenView(seq, header, [], None, [], 0.0, [], [], [], [], [], [])


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def serving(desk: FakeDesk, path: Path, **limits: float) -> AsyncIterator[LinkServer]:
    server = LinkServer(desk, path, limits=ServerLimits(**limits))  # type: ignore[arg-type]
    await server.start()
    try:
        yield server
    finally:
        await server.close("the test is over")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jackbot" / "engine.sock"


@pytest.fixture(params=["socket", "in-process"])
async def linked(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[tuple[FakeDesk, Link]]:
    desk = FakeDesk()
    if request.param == "in-process":
        local = InProcessLink(desk, name="glass")
        await local.connect()
        yield desk, local
        await local.close()
        return
    async with serving(desk, path), LinkClient(path, name="glass") as link:
        yield desk, link


Linked = tuple[FakeDesk, Link]


async def test_both_links_carry_lines_previews_pictures_heartbeats_and_kill(linked: Linked) -> None:
    desk, link = linked
    context = Context("binance:BTC/USDT", "61000", Seen(bid="61000.0", ask="61000.5", glass_age_ms=3.0))
    reply = await link.execute("buy 1 mkt", context, confirmed=True)
    assert reply == Reply(ok=True, lines=["BUY 1 MKT"], data={"client": 1, "qty": "0.5"})
    assert desk.lines == [("buy 1 mkt", context, True)]
    assert (await link.preview("buy 1 mkt")).lines == ["would buy 1 mkt"]
    assert link.picture is None
    shown = await link.pull(ViewRequest(key="eth"))
    assert shown.header.market_detail == "eth"
    assert link.picture == shown
    await link.heartbeat(17.0)
    await eventually(lambda: desk.beats == [17.0])
    assert (await link.kill(flatten=True)).lines == ["KILLED"]
    assert desk.kills == [True]
    assert link.connected
    assert link.trouble == ""


async def test_both_links_answer_errors_and_bugs_with_a_code_and_stay_up(linked: Linked) -> None:
    _, link = linked
    refused, bug = await link.execute("bad"), await link.execute("bug")
    assert (refused.ok, refused.code, refused.lines) == (False, "error", ["that is bad"])
    assert (bug.ok, bug.code) == (False, "internal") and "look at orders" in bug.lines[0]
    assert (await link.execute("status")).ok and link.connected


async def test_a_bug_met_in_process_is_counted_and_told() -> None:
    told: list[str] = []
    link = InProcessLink(FakeDesk(), report=told.append)
    await link.connect()
    await link.execute("bug")
    await link.execute("bad")
    assert link.bugs == len(told) == 1
    assert "RuntimeError('a bug') at test_link.py" in told[0]
    await link.close()


async def test_both_links_deliver_every_notice_once_and_in_order(linked: Linked) -> None:
    desk, link = linked
    notices = link.notices()
    desk.tell("fill", 500)
    assert [(await anext(notices)).seq for _ in range(500)] == list(range(1, 501))
    waiting = asyncio.ensure_future(anext(notices))
    desk.tell("late")
    assert (await waiting).text == "late"
    await link.close()
    assert [notice async for notice in notices] == []
    await eventually(lambda: desk.attached == [])


async def test_both_links_refuse_calls_without_a_connection(linked: Linked) -> None:
    _, link = linked
    await link.close()
    for ask in (link.execute("status"), link.pull(ViewRequest())):
        with pytest.raises(LinkError, match="no connection"):
            await ask


# ---------------------------------------------------------------------- the socket in the file system


async def test_socket_and_its_directory_are_private_and_vanish_at_the_end(path: Path) -> None:
    async with serving(FakeDesk(), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


async def test_second_engine_on_the_same_path_is_refused_and_the_first_goes_on(path: Path) -> None:
    desk = FakeDesk()
    async with serving(desk, path):
        with pytest.raises(LinkError, match="another engine listens"):
            await LinkServer(FakeDesk(), path).start()
        async with LinkClient(path) as link:
            assert (await link.execute("status")).ok


async def test_socket_left_by_a_dead_engine_is_replaced(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    code = f"import socket, os; s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r}); s.listen(); os._exit(9)"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=False, timeout=30)
    assert path.is_socket()
    async with serving(FakeDesk(), path), LinkClient(path) as link:
        assert (await link.execute("status")).ok


async def test_path_with_a_file_on_it_is_refused_and_the_file_kept(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text("precious")
    with pytest.raises(LinkError, match="not a socket"):
        await LinkServer(FakeDesk(), path).start()
    assert path.read_text() == "precious"


async def test_path_too_long_for_a_socket_is_refused(path: Path) -> None:
    with pytest.raises(LinkError, match="longer than"):
        await LinkServer(FakeDesk(), path.parent / ("x" * 120)).start()


async def test_directory_that_others_may_write_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(LinkError, match="written by others"):
        await LinkServer(FakeDesk(), shared / "engine.sock").start()
    assert list(shared.iterdir()) == []


async def test_nobody_there_is_one_clear_line(path: Path) -> None:
    with pytest.raises(LinkError, match="no engine at"):
        await LinkClient(path).connect()
    with pytest.raises(LinkError, match="no engine at"):
        await asyncio.to_thread(call, path, "status")


# ---------------------------------------------------------------------- bad clients


def raw(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


HELLO = frame(Hello(PROTOCOL, Role.SCREEN, "bad"))


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "announced"),
        (raw(b"\xc1\xc1\xc1"), "unreadable"),
        (raw(b"\x80"), "unreadable"),
        (raw(b"\x91" * 5000), "unreadable"),
        (frame(Execute(1, "buy 1 mkt", Context())), "must be a hello"),
        (frame(Hello(PROTOCOL + 1, Role.SCREEN)), "same version"),
        (HELLO + HELLO, "second hello"),
        (HELLO + (MAX_REQUEST + 1).to_bytes(4, "big"), "announced"),
        (HELLO + b"\x00\x00\x00\x00", "announced"),
        (HELLO + raw(random.Random(1).randbytes(64)), "unreadable"),
        (HELLO + frame(Welcome(PROTOCOL, 1, "", "", "", 0)), "unreadable"),
        (frame(Hello(PROTOCOL, Role.KILL)) + frame(Execute(1, "buy 1 mkt", Context())), "kill and nothing else"),
    ],
)
async def test_garbage_closes_only_the_client_it_comes_from(path: Path, sent: bytes, word: str) -> None:
    desk = FakeDesk()
    async with serving(desk, path) as server, LinkClient(path) as good:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(sent)
        async with asyncio.timeout(WAIT_S):
            answer = await reader.read()
        writer.close()
        assert word.encode() in answer
        await eventually(lambda: server.clients == 1)
        assert "buy 1 mkt" not in [line for line, _, _ in desk.lines]
        assert (await good.execute("status")).ok


async def test_a_line_that_meets_a_bug_is_answered_reported_and_ends_no_link(path: Path) -> None:
    reports: list[str] = []
    server = LinkServer(FakeDesk(), path, report=reports.append)
    await server.start()
    try:
        async with LinkClient(path) as client:
            for line in ("bug", "unsendable"):
                reply = await client.execute(line)
                assert (reply.ok, reply.code) == (False, "internal")
                assert "look at orders" in reply.lines[0]
            assert (await client.execute("huge")).code == "error"
            assert (await client.execute("status")).ok
            assert client.reconnects == 0
            assert server.bugs == 2
            assert "RuntimeError('a bug') at test_link.py" in reports[0]
            assert len(reports) == 2
    finally:
        await server.close("the test is over")


async def test_silent_client_is_sent_away_after_the_handshake_time(path: Path) -> None:
    async with serving(FakeDesk(), path, handshake_s=0.05):
        reader, writer = await asyncio.open_unix_connection(str(path))
        async with asyncio.timeout(WAIT_S):
            assert b"no hello" in await reader.read()
        writer.close()


async def test_one_client_too_many_is_told_so_while_kill_still_finds_room(path: Path) -> None:
    desk = FakeDesk()
    async with serving(desk, path, clients=1), LinkClient(path):
        with pytest.raises(LinkError, match="attached already"):
            await LinkClient(path).connect()
        assert (await asyncio.to_thread(call_kill, path)).lines == ["KILLED"]
    assert desk.kills == [False]


async def test_error_of_the_desk_is_an_answer_and_keeps_the_client(path: Path) -> None:
    async with serving(FakeDesk(), path), LinkClient(path) as link:
        reply = await link.execute("bad")
        assert (reply.ok, reply.lines) == (False, ["that is bad"])
        assert (await link.execute("status")).ok


async def test_client_that_does_not_read_notices_is_dropped_and_the_others_miss_nothing(path: Path) -> None:
    desk = FakeDesk()
    async with serving(desk, path, notices=200, linger_s=0.05) as server, LinkClient(path) as good:
        stuck = socket.socket(socket.AF_UNIX)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(str(path))
        stuck.sendall(HELLO)
        await eventually(lambda: server.clients == 2)
        got = []

        async def consume() -> None:
            async for notice in good.notices():
                got.append(notice.seq)

        consumer = asyncio.create_task(consume())
        sent = 0
        async with asyncio.timeout(WAIT_S):
            while server.dropped_clients == 0:
                desk.tell("x" * 1000, 20)
                sent += 20
                await asyncio.sleep(0)
        await eventually(lambda: len(got) == sent)
        assert got == list(range(1, sent + 1))
        assert server.clients == 1
        assert (await good.execute("status")).ok
        await good.close()
        await consumer
        stuck.close()


async def test_pictures_never_queue_for_a_client_that_does_not_read(path: Path) -> None:
    desk = FakeDesk()
    async with serving(desk, path) as server, LinkClient(path) as good:
        greedy = socket.socket(socket.AF_UNIX)
        greedy.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(greedy, str(path))
        pull = frame(client_module.Pull(1, ViewRequest(key="k" * 30_000)))
        await loop.sock_sendall(greedy, HELLO + pull * 50)
        for _ in range(20):
            assert (await good.execute("status")).ok
        assert server.clients == 2
        assert desk.pictures < 50
        greedy.close()


# ---------------------------------------------------------------------- load, kill, reconnect


async def test_kill_gets_through_while_the_normal_socket_is_flooded(path: Path) -> None:
    desk = FakeDesk()
    desk.gate.clear()
    async with serving(desk, path, in_flight=8), LinkClient(path) as link:
        flood = [asyncio.ensure_future(link.execute(f"line {n}", timeout_s=WAIT_S)) for n in range(2_000)]
        await eventually(lambda: len(desk.lines) == 8)
        assert (await link.kill()).lines == ["KILLED"]
        assert len(desk.lines) == 8
        desk.gate.set()
        replies = await asyncio.gather(*flood)
        assert [reply.lines[0] for reply in replies] == [f"LINE {n}" for n in range(2_000)]
    assert [line for line, _, _ in desk.lines] == [f"line {n}" for n in range(2_000)]


async def test_many_clients_at_once_get_their_own_answers(path: Path) -> None:
    desk = FakeDesk()
    async with serving(desk, path) as server:
        async with contextlib.AsyncExitStack() as stack:
            links = [await stack.enter_async_context(LinkClient(path, name=str(n))) for n in range(16)]

            async def work(link: LinkClient) -> None:
                assert link.welcome is not None
                for n in range(50):
                    reply = await link.execute(f"line {n}")
                    assert reply.data is not None
                    assert reply.data["client"] == link.welcome.client_id
                    assert (await link.pull(ViewRequest(key=str(n)))).header.market_detail == str(n)

            await asyncio.gather(*(work(link) for link in links))
        await eventually(lambda: server.clients == 0)
    assert desk.attached == []


async def test_overtaken_pulls_all_get_the_newest_picture(path: Path) -> None:
    async with serving(FakeDesk(), path), LinkClient(path) as link:
        shown = await asyncio.gather(*(link.pull(ViewRequest(key=str(n))) for n in range(20)))
        assert shown[-1].header.market_detail == "19"


async def test_client_comes_back_by_itself_and_gets_the_notices_it_missed(path: Path) -> None:
    desk = FakeDesk()
    link = LinkClient(path)
    staying = asyncio.create_task(link.stay_connected())
    async with serving(desk, path):
        await eventually(lambda: link.connected)
        desk.tell("before")
        notices = link.notices()
        assert (await anext(notices)).text == "before"
    await eventually(lambda: not link.connected)
    assert link.trouble
    desk.tell("while away", 3)
    async with serving(desk, path):
        await eventually(lambda: link.connected)
        assert [(await anext(notices)).seq for _ in range(3)] == [2, 3, 4]
        assert link.reconnects == 1
        await link.close()
    await staying


async def test_notices_that_the_engine_no_longer_holds_are_announced_as_a_gap(path: Path) -> None:
    desk = FakeDesk()
    link = LinkClient(path)
    async with serving(desk, path):
        await link.connect()
        notices = link.notices()
        desk.tell("first")
        assert (await anext(notices)).seq == 1
    await eventually(lambda: not link.connected)
    desk.tell("lost", 5)
    del desk.ring[:4]
    async with serving(desk, path):
        await link.connect()
        gap, after = await anext(notices), await anext(notices)
        assert (gap.kind, gap.text.split()[0], after.seq) == (GAP, "3", 5)
        await link.close()


async def test_new_engine_on_the_old_path_starts_its_notices_afresh(path: Path) -> None:
    link = LinkClient(path)
    old = FakeDesk("one")
    async with serving(old, path):
        await link.connect()
        old.tell("old", 50)
        notices = link.notices()
        for _ in range(50):
            await anext(notices)
    await eventually(lambda: not link.connected)
    new = FakeDesk("two")
    async with serving(new, path):
        await link.connect()
        new.tell("new")
        assert [(notice.kind, notice.text) for notice in [await anext(notices)]] == [("filled", "new")]
        await link.close()


async def test_calls_in_flight_learn_that_the_engine_went_away(path: Path) -> None:
    desk = FakeDesk()
    desk.gate.clear()
    link = LinkClient(path)
    async with serving(desk, path, linger_s=0.05):
        await link.connect()
        asked = asyncio.ensure_future(link.execute("buy 1 mkt"))
        await eventually(lambda: bool(desk.lines))
    with pytest.raises(LinkError, match="look at orders"):
        await asked
    await link.close()


async def test_engine_that_does_not_answer_is_a_time_out_and_not_a_hang(path: Path) -> None:
    desk = FakeDesk()
    desk.gate.clear()
    async with serving(desk, path), LinkClient(path) as link:
        with pytest.raises(LinkError, match="no answer"):
            await link.execute("buy 1 mkt", timeout_s=0.05)
        desk.gate.set()
        assert (await link.execute("status")).lines == ["STATUS"]


async def test_line_in_flight_is_answered_before_the_goodbye(path: Path) -> None:
    desk = FakeDesk()
    desk.gate.clear()
    server = LinkServer(desk, path)
    await server.start()
    async with LinkClient(path) as link:
        asked = asyncio.ensure_future(link.execute("quit"))
        await eventually(lambda: bool(desk.lines))
        closing = asyncio.ensure_future(server.close("the engine ends"))
        await asyncio.sleep(0)
        desk.gate.set()
        assert (await asked).lines == ["QUIT"]
        await closing
        await eventually(lambda: "the engine ends" in link.trouble)


async def test_shell_call_needs_no_loop_and_gets_the_answer(path: Path) -> None:
    async with serving(FakeDesk(), path):
        reply = await asyncio.to_thread(call, path, "status")
    assert reply.lines == ["STATUS"]


async def test_goodbye_reaches_the_client_in_words(path: Path) -> None:
    async with serving(FakeDesk(), path):
        link = LinkClient(path)
        await link.connect()
    await eventually(lambda: not link.connected)
    assert "the test is over" in link.trouble
    assert frame(Goodbye("x"))[:4] == (len(frame(Goodbye("x"))) - 4).to_bytes(4, "big")
    await link.close()


def test_client_is_light_to_import() -> None:
    code = (
        "import sys, jackbot_tui.link.client;"
        "heavy = ('aiohttp', 'textual', 'rich', 'pydantic', 'numpy', 'websockets', 'aiosqlite', 'jackbot_tui.engine',"
        " 'jackbot_tui.book', 'jackbot_tui.risk', 'jackbot_tui.journal', 'jackbot_tui.desk.desk');"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
