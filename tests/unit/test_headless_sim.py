"""The embedded exchange as a child of the engine: its addresses, its errors, its end."""

import asyncio
import sys
from pathlib import Path

import pytest

from jackbot_tui.headless.job import SimJob
from jackbot_tui.headless.sim_process import SimProcess
from jackbot_tui.model.errors import InputError, JackbotError


class Told:
    """What the exchange process told its owner."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ended = asyncio.Event()
        self.reason = ""

    def log(self, level: str, event: str, fields: dict[str, object]) -> None:
        self.lines.append(str(fields.get("text")))

    def end(self, reason: str) -> None:
        self.reason = reason
        self.ended.set()


def sim_job(*, symbol: str = "BTC/USDT:USDT", fault: str = "") -> SimJob:
    return SimJob(venue="binance", symbols=[symbol], seed=1, volatility=1.0, rate=1.0, fault=fault)


def child(text: str) -> list[str]:
    return [sys.executable, "-c", f"import sys, os, time\n{text}"]


READY = 'print(\'{"port": 1, "symbols": ["BTC/USDT"], "endpoints": {"spot.rest": "b"}}\', flush=True)\n'


async def test_the_exchange_tells_the_engine_where_it_listens_and_ends_with_it() -> None:
    told = Told()
    exchange = SimProcess(sim_job(), told.log, told.end)
    ready = await exchange.start()
    endpoints = ready.endpoints
    assert ready.symbols == ["BTC/USDT:USDT"]
    assert set(endpoints) == {"spot.public", "spot.rest", "linear.public", "linear.market", "linear.rest"}
    host, _, port = endpoints["linear.rest"].removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    await exchange.stop()
    assert not await answers(host, int(port))
    assert not told.ended.is_set()


@pytest.mark.parametrize(
    ("job", "must_say"),
    [(sim_job(symbol="XXX/USDT"), "XXX/USDT"), (sim_job(fault="dorp=0.1"), "try drop")],
)
async def test_wrong_options_come_back_as_the_persons_mistake(job: SimJob, must_say: str) -> None:
    told = Told()
    with pytest.raises(InputError, match=must_say):
        await SimProcess(job, told.log, told.end).start()


async def test_an_exchange_that_cannot_start_is_explained_by_its_last_words() -> None:
    told = Told()
    exchange = SimProcess(sim_job(), told.log, told.end)
    with pytest.raises(JackbotError, match="did not start: no such memory"):
        await exchange.start(child("sys.exit('no such memory')"))
    with pytest.raises(JackbotError, match="unreadable"):
        await SimProcess(sim_job(), told.log, told.end).start(child("print('hello', flush=True); sys.stdin.read()"))


async def test_an_exchange_that_ends_by_itself_is_reported_with_what_it_said() -> None:
    told = Told()
    exchange = SimProcess(sim_job(), told.log, told.end)
    await exchange.start(child(READY + "print('ouch', file=sys.stderr, flush=True); sys.exit(4)"))
    async with asyncio.timeout(20):
        await told.ended.wait()
    await exchange.stop()
    assert "exit code 4" in told.reason
    assert told.lines == ["ouch"]


async def test_an_exchange_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jackbot_tui.headless.sim_process.STOP_S", 0.1)
    told = Told()
    exchange = SimProcess(sim_job(), told.log, told.end)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "time.sleep(60)"
    await exchange.start(child(deaf))
    async with asyncio.timeout(20):
        await exchange.stop()
    assert not told.ended.is_set()


async def test_the_exchange_does_not_outlive_an_engine_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from jackbot_tui.headless.job import SimJob\n"
        "from jackbot_tui.headless.sim_process import SimProcess\n"
        "async def main():\n"
        "    job = SimJob(venue='binance', symbols=['BTC/USDT'], seed=1, volatility=1.0, rate=1.0, fault='')\n"
        "    exchange = SimProcess(job, print, print)\n"
        "    ready = await exchange.start()\n"
        "    print(ready.endpoints['spot.rest'], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    engine = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert engine.stdout is not None
    address = (await engine.stdout.readline()).decode().strip().removeprefix("http://")
    assert await engine.wait() == -9
    host, _, port = address.partition(":")
    for _ in range(1000):
        if not await answers(host, int(port)):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the exchange still listens long after its engine was killed")


async def answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionError:  # refused, or reset by the kernel while the listener was closing
        return False
    writer.close()
    return True
