"""``python -m jackbot_tui.sim`` as a child process: ready line, endings, bad options."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from jackbot_tui.sim.__main__ import main

TIMEOUT_S = 20.0
COMMAND = (sys.executable, "-m", "jackbot_tui.sim", "--symbols", "BTC/USDT,BTC/USDT:USDT")


@asynccontextmanager
async def running(
    *arguments: str, stdin: int = asyncio.subprocess.PIPE
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """The exchange as a child and its ready line; killed when the test has not ended it."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> int | None:
    """Wait for the end, which must be silent; returns the exit code."""
    assert await process.communicate() == (b"", b"")
    return process.returncode


async def test_ready_line_names_where_it_listens_and_the_end_of_input_ends_it() -> None:
    async with running("--seed", "3") as (process, ready), aiohttp.ClientSession() as session:
        assert ready["pid"] == process.pid
        assert ready["symbols"] == ["BTC/USDT", "BTC/USDT:USDT"]
        async with session.get(ready["endpoints"]["linear.rest"] + "/fapi/v1/ping") as reply:
            assert await reply.json() == {}
        async with session.ws_connect(ready["endpoints"]["spot.public"] + "/ws/btcusdt@depth@100ms") as stream:
            assert json.loads(await stream.receive_str(timeout=TIMEOUT_S))["e"] == "depthUpdate"
            process.stdin.close()
            assert await ended(process) == 0


async def test_ready_line_has_the_keys_of_the_accounts_that_were_asked_for() -> None:
    async with running("--accounts", "2", "--seed", "3") as (_, ready), aiohttp.ClientSession() as session:
        assert [(key["account"], key["role"]) for key in ready["accounts"]] == [
            (account, role) for account in (1, 2) for role in ("trader", "reader", "owner")
        ]
        key = ready["accounts"][0]
        headers = {"X-MBX-APIKEY": key["key"]}
        async with session.post(ready["ccxt_urls"]["fapiPrivate"] + "/listenKey", headers=headers) as reply:
            assert len((await reply.json())["listenKey"]) == 64
    async with running() as (_, ready):
        assert "accounts" not in ready


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_cleanly(number: signal.Signals) -> None:
    async with running(stdin=asyncio.subprocess.DEVNULL) as (process, _):
        assert process.returncode is None, "an input that is no pipe is not watched"
        process.send_signal(number)
        assert await ended(process) == 0


async def test_it_ends_when_the_watched_process_is_gone() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    async with running("--parent-pid", str(parent.pid), stdin=asyncio.subprocess.DEVNULL) as (process, _):
        parent.kill()
        await parent.wait()
        assert await ended(process) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--symbols", "BTC/USDX"], "does not list 'BTC/USDX': try BTC/USDT"),
        (["--fault", "drp=1"], "fault 'drp=1' is not known: try drop"),
        (["--rate", "0"], "rate 0 is out of range"),
        (["--volatility", "-1"], "volatility -1 is out of range"),
        (["--port", "70000"], "port 70000 is out of range"),
    ],
)
def test_bad_options_get_one_line_and_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1


def test_a_taken_port_gets_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "cannot be opened on 127.0.0.1" in capsys.readouterr().err
