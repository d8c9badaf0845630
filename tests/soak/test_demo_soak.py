"""The demo with its screen on, for twenty minutes: memory, processor, loop lag, and no order notice lost.

``make soak`` runs it whole. ``JACKBOT_SOAK_MINUTES`` shortens or lengthens it, ``JACKBOT_SOAK_RATE`` multiplies the
order flow of the embedded exchange, so that bounded histories are full sooner. Figures are printed; judged is what may
never happen: a lost notice, an engine that ended, a journal that does not verify, and in a whole run memory that grows.
"""

import asyncio
import contextlib
import os
import pty
import random
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import AsyncIterator
from fcntl import ioctl
from pathlib import Path

import pytest

from jackbot_tui.desk.views import Context, Reply, Role
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.link.client import GAP, LinkClient
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.errors import LinkError
from tests.soak.measure import Family, Samples, descendants

SYMBOLS = ["BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT"]
WARM_UP_S = 600.0
"""Until then bounded histories fill: tapes, 1,000 closed orders, 2,000 notices."""

WHOLE_MINUTES = 20.0
GROWTH_MB_PER_HOUR = 6.0
"""What no run may exceed after its warm-up: 1 MB in ten minutes, a few steps of an allocator. 1 MB/h is the aim."""

SAMPLE_S = 5.0
QUESTION = b"\x1b[6n"


class Screen:
    """``jackbot demo`` in a pseudo-terminal of 120x40 whose output is read and counted."""

    def __init__(self, home: Path) -> None:
        self.bytes = 0
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {**os.environ, "HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "SSH_CONNECTION"):
            environment.pop(name, None)
        self.socket = home / "engine.sock"
        options = ["--symbols", ",".join(SYMBOLS), "--socket", str(self.socket)]
        options += ["--rate", os.environ.get("JACKBOT_SOAK_RATE", "1")]
        command = [sys.executable, "-m", "jackbot_tui", "demo", *options]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self._tail = bytearray()

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while chunk := os.read(self.master, 65536):
                self.bytes += len(chunk)
                # A terminal says where its cursor is each time it is asked: no answer would hold the frames back. A
                # question may be split between two reads.
                self._tail += chunk
                asked = self._tail.count(QUESTION)
                del self._tail[: -(len(QUESTION) - 1)]
                os.write(self.master, b"\x1b[1;2R" * asked)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.process.kill()


@pytest.fixture
async def screen() -> AsyncIterator[Screen]:
    with tempfile.TemporaryDirectory(prefix="jb") as home:
        started = Screen(Path(home))
        asyncio.get_running_loop().add_reader(started.master, started.read)
        try:
            yield started
        finally:
            asyncio.get_running_loop().remove_reader(started.master)
            started.end()
            os.close(started.master)


async def connect(path: Path, role: Role) -> LinkClient:
    client = LinkClient(path, role, "soak")
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(LinkError):
                await client.connect()
                return client
            await asyncio.sleep(0.1)


async def trade(client: LinkClient, rng: random.Random) -> None:
    """A few orders a second, for ever; refusals (stale moments, limits) are part of life."""
    while True:
        symbol = rng.choice(SYMBOLS)
        size = rng.choice(["0.011", "0.02", "0.05"])
        choices = [f"buy {size} @ bid post", f"buy {size} mkt", f"sell {size} @ ask post", "flatten", "cancel all"]
        line = rng.choice(choices)
        await client.execute(line, Context(key=f"binance:{symbol}"))
        await asyncio.sleep(rng.uniform(0.1, 0.5))


async def count_notices(watcher: LinkClient, seen: list[str]) -> None:
    async for notice in watcher.notices():
        seen.append(notice.kind)


def processes(screen_pid: int, socket: Path) -> dict[str, int]:
    """The three processes of a demo: the screen, its engine and the embedded exchange."""
    found = {"screen": screen_pid}
    for pid, command in descendants(screen_pid):
        if "jackbot_tui.sim" in command:
            found["exchange"] = pid
        elif "jackbot_tui" in command:
            found["engine"] = pid
    return found


async def soak(screen: Screen, minutes: float) -> tuple[list[str], dict[str, Samples]]:
    """Run, print the figures; the kinds of notices that came, and the samples of each process."""
    client, watcher = await connect(screen.socket, Role.CTL), await connect(screen.socket, Role.WATCH)
    seen: list[str] = []
    family = Family(processes(screen.process.pid, screen.socket))
    tasks = [
        asyncio.create_task(trade(client, random.Random(3))),
        asyncio.create_task(count_notices(watcher, seen)),
    ]
    status: Reply | None = None
    try:
        for _ in range(max(2, int(minutes * 60 / SAMPLE_S))):
            await asyncio.sleep(SAMPLE_S)
            family.sample()
            status = await client.execute("status")
            for task in tasks:
                if task.done():
                    task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()
        await watcher.close()
    assert status is not None and status.data is not None
    warm_up = min(WARM_UP_S, minutes * 60 / 2)
    for samples in family.samples.values():
        print(*samples.lines(warm_up), sep="\n")
    print(f"terminal {screen.bytes / (minutes * 60) / 1000:.1f} KB/s")
    print(f"runtime {status.data['runtime']}")
    print(f"notices {len(seen)}, orders and fills: { {kind: seen.count(kind) for kind in sorted(set(seen))} }")
    return seen, family.samples


async def check(screen: Screen, minutes: float) -> None:
    notices, samples = await soak(screen, minutes)
    assert set(samples) == {"screen", "engine", "exchange"}
    assert GAP not in notices
    if minutes >= WHOLE_MINUTES:
        grown = {name: samples[name].course(WARM_UP_S).slope for name in ("screen", "engine")}
        assert max(grown.values()) <= GROWTH_MB_PER_HOUR, f"memory grows, MB/h: {grown}"
    assert {"accepted", "filled", "canceled"} <= set(notices)
    assert screen.process.poll() is None
    screen.end()
    home = screen.socket.parent
    [path] = home.glob("**/*.sqlite3")
    journal = await SqliteJournal.open(path, SystemClock())
    try:
        assert await journal.verify() == []
    finally:
        await journal.close()


async def test_a_demo_with_its_screen_loses_no_notice(screen: Screen) -> None:
    await check(screen, 0.4)


@pytest.mark.soak
async def test_a_long_demo_with_its_screen_stays_flat(screen: Screen) -> None:
    await check(screen, float(os.environ.get("JACKBOT_SOAK_MINUTES", "20")))
