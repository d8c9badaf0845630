"""Screens and ctl on a real desk and a real engine over a real socket: one armed, kill in a flood, nothing lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from jackbot_tui.desk.views import Context, Role, Seen, ViewRequest
from jackbot_tui.link.client import LinkClient, call, call_kill
from jackbot_tui.link.server import LinkServer
from tests.desk_world import PERP, World

WAIT_S = 20.0
HERE = Context(key=PERP)


@contextlib.asynccontextmanager
async def served(world: World, directory: Path) -> AsyncIterator[Path]:
    path = directory / "jackbot" / "engine.sock"
    server = LinkServer(world.desk, path)
    await server.start()
    try:
        yield path
    finally:
        await server.close("the test is over")


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - a poll with a deadline
            await asyncio.sleep(0.005)


async def test_one_of_two_screens_is_armed_and_the_other_reads_until_it_takes_the_pen(tmp_path: Path) -> None:
    world = World()
    async with served(world, tmp_path) as path, LinkClient(path, name="second") as early:
        # the desk of this world has a screen of its own: that one holds the pen
        assert "has the pen" in (await early.execute("buy 0.1 @ bid-1t", HERE)).lines[0]
        assert (await early.execute("take")).ok
        assert (await early.execute("arm", HERE)).ok
        assert (await early.execute("buy 0.1 @ bid-1t", HERE)).ok
        async with LinkClient(path, name="third") as late:
            shown = await late.pull(ViewRequest(key=PERP))
            assert not shown.header.armed
            assert shown.header.armed_client.endswith("second")
            assert [order.price for order in shown.orders] == ["60999.5"]
            assert "has the pen" in (await late.execute("buy 0.1 @ bid-2t", HERE)).lines[0]
            assert (await late.execute("cancel all")).ok
            assert world.open_numbers() == []


async def test_closing_a_screen_disarms_and_leaves_its_orders_working(tmp_path: Path) -> None:
    world = World()
    async with served(world, tmp_path) as path:
        async with LinkClient(path) as link:
            await link.execute("take; arm", HERE)
            assert (await link.execute("buy 0.1 @ bid-1t", HERE)).ok
        await eventually(lambda: not world.desk.arming.armed)
        assert world.open_numbers() == [1]


async def test_question_and_confirm_over_the_wire_send_what_was_shown(tmp_path: Path) -> None:
    world = World()
    async with served(world, tmp_path) as path, LinkClient(path) as link:
        await link.execute("take")
        context = Context(PERP, "60995.0", Seen("61000.0", "61000.5", 2, 3.0, 4.0))
        asked = await link.execute("sell 0.1 @ cur+12t post", context)
        assert (asked.code, asked.confirm) == ("confirm", True)
        assert (await link.execute("sell 0.1 @ cur+12t post", context, confirmed=True)).ok
        assert [str(order.price) for order in world.engine.oms.open_orders()] == ["61001.0"]


async def test_every_order_event_arrives_as_a_notice_once_and_in_order(tmp_path: Path) -> None:
    world = World()
    async with served(world, tmp_path) as path, LinkClient(path) as link:
        assert link.welcome is not None
        before = link.welcome.notice_seq
        for number in range(30):
            reply = await asyncio.to_thread(call, path, f"buy 0.01 @ bid-{number + 1}t")
            assert reply.ok, reply.lines
            world.wait(2)
        notices = link.notices()
        got = [await anext(notices) for _ in range(30)]
        assert [notice.seq for notice in got] == list(range(before + 1, before + 31))
        assert [notice.number for notice in got] == list(range(1, 31))
        assert {notice.kind for notice in got} == {"accepted"}


async def test_kill_from_a_shell_works_while_a_screen_floods_the_engine(tmp_path: Path) -> None:
    world = World()
    async with served(world, tmp_path) as path, LinkClient(path, role=Role.CTL) as link:
        await link.execute("buy 0.1 @ bid-5t", HERE)
        flood = [asyncio.ensure_future(link.execute("book 10", HERE, timeout_s=WAIT_S)) for _ in range(1500)]
        reply = await asyncio.to_thread(call_kill, path)
        assert reply.lines[0].startswith("KILLED")
        assert world.engine.gate.killed
        assert world.open_numbers() == []
        assert sum(1 for answer in flood if not answer.done()) > 0
        assert all(answer.ok for answer in await asyncio.gather(*flood))
        assert (await link.execute("buy 0.1 @ bid", HERE)).code == "killed"


async def test_shell_gets_data_and_carets(tmp_path: Path) -> None:
    world = World()
    async with served(world, tmp_path) as path:
        status = await asyncio.to_thread(call, path, "status")
        assert status.data is not None
        assert status.data["mode"] == "paper"
        wrong = await asyncio.to_thread(call, path, "buy 0.1 @ 60998.3")
        assert (wrong.ok, wrong.caret) == (False, 10)
