"""``ctl``, ``watch`` and the search for a running engine, against a real socket server whose desk only answers."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from jackbot_tui.cli.clients import send_lines, watch
from jackbot_tui.desk.views import ClientInfo, Context, Notice, Reply, Role, ScreenView, ViewRequest
from jackbot_tui.link.server import LinkServer
from jackbot_tui.model.errors import LinkError
from jackbot_tui.settings.places import Places, choose_engine, places_of, running_engines


class AnsweringDesk:
    """Answers ``good`` with ok, ``syntax`` with a caret, everything else with a refusal; publishes notices."""

    mode, version, instance, notice_seq = "sim", "0", "test-1", 0

    def __init__(self) -> None:
        self.lines: list[tuple[Role, str]] = []
        self.listeners: list[Callable[[Notice], None]] = []
        self.attached: list[Role] = []
        self.somebody = asyncio.Event()

    def attach(self, role: Role, name: str) -> ClientInfo:
        self.attached.append(role)
        self.somebody.set()
        return ClientInfo(len(self.attached), role, name)

    def detach(self, client: ClientInfo) -> None:
        return

    def heartbeat(self, client: ClientInfo, glass_age_ms: float) -> None:
        return

    async def execute(self, client: ClientInfo, line: str, context: Context, confirmed: bool) -> Reply:
        self.lines.append((client.role, line))
        if line == "good":
            return Reply(True, ["done", "well"], data={"price": "61000.5"})
        if line == "bad syntax":
            return Reply(False, ["no such word   e.g. buy 1"], code="syntax", caret=4)
        return Reply(False, ["too large"], code="order_notional")

    def preview(self, client: ClientInfo, line: str, context: Context) -> Reply:
        raise AssertionError("ctl never previews")

    def picture(self, client: ClientInfo, request: ViewRequest) -> ScreenView:
        raise AssertionError("ctl never pulls")

    async def kill(self, client: ClientInfo, flatten: bool) -> Reply:
        return Reply(True, ["killed"])

    def notices_after(self, seq: int) -> list[Notice]:
        return []

    def subscribe(self, callback: Callable[[Notice], None]) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def publish(self, notice: Notice) -> None:
        for listener in self.listeners:
            listener(notice)


class Output(io.StringIO):
    """Remembers that a line was flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = asyncio.Event()

    def flush(self) -> None:
        self.flushed.set()


@pytest.fixture
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return places_of({}, tmp_path_factory.mktemp("u"))


@pytest.fixture
async def desk(places: Places) -> AsyncIterator[AnsweringDesk]:
    answering = AnsweringDesk()
    server = LinkServer(answering, places.socket_path("sim-binance"))
    await server.start()
    yield answering
    await server.close("over")


async def send(places: Places, lines: list[str], *, as_json: bool = False) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    path = places.socket_path("sim-binance")
    code = await asyncio.to_thread(send_lines, path, lines, as_json=as_json, timeout_s=10.0, out=out, err=err)
    return code, out.getvalue(), err.getvalue()


async def test_a_line_that_is_carried_out_ends_with_0_and_its_words_on_stdout(
    desk: AnsweringDesk, places: Places
) -> None:
    assert await send(places, ["good"]) == (0, "done\nwell\n", "")
    assert desk.lines == [(Role.CTL, "good")]


async def test_a_refused_line_ends_with_1_and_its_words_on_stderr(desk: AnsweringDesk, places: Places) -> None:
    assert await send(places, ["buy 1000"]) == (1, "", "too large\n")


async def test_a_line_that_is_no_command_ends_with_2_and_points_at_the_word(
    desk: AnsweringDesk, places: Places
) -> None:
    assert await send(places, ["bad syntax"]) == (2, "", "bad syntax\n    ^\nno such word   e.g. buy 1\n")


async def test_json_answers_are_one_object_a_line_with_data(desk: AnsweringDesk, places: Places) -> None:
    code, out, _ = await send(places, ["good", "good"], as_json=True)
    assert code == 0
    assert [json.loads(line)["data"] for line in out.splitlines()] == [{"price": "61000.5"}] * 2
    assert json.loads(out.splitlines()[0])["ok"] is True
    code, out, _ = await send(places, ["buy 1000"], as_json=True)
    assert (code, json.loads(out)["code"]) == (1, "order_notional")


async def test_lines_stop_at_the_first_that_is_not_carried_out(desk: AnsweringDesk, places: Places) -> None:
    code, _, _ = await send(places, ["good", "buy 1000", "good"])
    assert code == 1
    assert [line for _, line in desk.lines] == ["good", "buy 1000"]


@pytest.mark.parametrize("as_json", [False, True])
async def test_watch_prints_each_notice_as_a_line(desk: AnsweringDesk, places: Places, as_json: bool) -> None:
    out = Output()
    watching = asyncio.create_task(watch(places.socket_path("sim-binance"), 0, as_json, out, io.StringIO()))
    async with asyncio.timeout(10):
        await desk.somebody.wait()
        desk.publish(Notice(1, 1_700_000_000_250_000_000, "filled", "good", "FILL BUY 0.5 @ 61000", "k", 41))
        await out.flushed.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    if as_json:
        assert json.loads(out.getvalue())["number"] == 41
    else:
        assert out.getvalue() == "22:13:20.250 GOOD FILL BUY 0.5 @ 61000\n"


async def test_watch_ends_by_itself_after_the_time_given(desk: AnsweringDesk, places: Places) -> None:
    assert await watch(places.socket_path("sim-binance"), 50_000_000, False, io.StringIO(), io.StringIO()) == 0


async def test_watch_says_when_the_engine_goes_and_when_it_is_back(places: Places) -> None:
    path, err = places.socket_path("sim-binance"), Output()
    first, second = LinkServer(AnsweringDesk(), path), LinkServer(AnsweringDesk(), path)
    await first.start()
    watching = asyncio.create_task(watch(path, 0, False, io.StringIO(), err))
    async with asyncio.timeout(10):
        while not first.clients:  # noqa: ASYNC110 - the server has no event for a client that came
            await asyncio.sleep(0.005)
        await first.close("going down")
        await err.flushed.wait()
        assert err.getvalue().startswith("waiting for the engine: ")
        err.flushed.clear()
        await second.start()
        await err.flushed.wait()
    assert err.getvalue().endswith("the engine is back\n")
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await second.close("over")


async def test_the_only_engine_is_found_without_being_named(desk: AnsweringDesk, places: Places) -> None:
    assert choose_engine(places, None) == places.socket_path("sim-binance")
    assert choose_engine(places, "sim-binance") == places.socket_path("sim-binance")
    assert choose_engine(places, "/some/where.sock") == Path("/some/where.sock")


async def test_several_engines_are_listed_to_choose_from(desk: AnsweringDesk, places: Places) -> None:
    second = LinkServer(AnsweringDesk(), places.socket_path("paper-binance"))
    await second.start()
    try:
        with pytest.raises(LinkError, match=r"2 engines .*--socket NAME \(paper-binance, sim-binance\)"):
            choose_engine(places, None)
        with pytest.raises(LinkError, match="no engine called live is running; running: paper-binance, sim-binance"):
            choose_engine(places, "live")
    finally:
        await second.close("over")


def test_sockets_left_by_a_killed_engine_are_not_taken_for_engines(places: Places) -> None:
    import socket

    places.run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(places.socket_path("dead")))
    assert places.socket_path("dead").exists() and running_engines(places) == []
    with pytest.raises(LinkError, match="no engine is running"):
        choose_engine(places, None)
