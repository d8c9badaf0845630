"""A whole live session with an encrypted key, and then every text and file of it is searched for every part of the key.

The engine runs in its own process, the account is the embedded exchange's. Orders, screens, ``ctl``, captures, log,
journal, failures in the middle of signing, bugs of our own, ``doctor`` and ``keys test``: none may show a key.
"""

import asyncio
import contextlib
import gzip
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from jackbot_tui.cli import doctor, main
from jackbot_tui.cli.keys import test_key as judge_key
from jackbot_tui.desk.views import Context, Reply
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.execution.live.keys import PASSPHRASE, KeyParts, KeyPlace, KeyStore
from jackbot_tui.headless.job import EngineJob, LogTarget
from jackbot_tui.headless.spawn import EngineProcess, start_engine
from jackbot_tui.link.client import call
from jackbot_tui.model.enums import Mode
from jackbot_tui.model.errors import LinkError
from jackbot_tui.model.secrets import forms_of
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.tui.shots import Shot, take
from jackbot_tui.venues import VENUES
from tests.gateway_world import relaxed

WORD = "correct horse battery staple"
CHEAP = 2**4
DEADLINE_S = 60.0
ALWAYS = ("binance", "hyperliquid")
"""The others run in soaks: a key is a public and a secret text there, as at Binance and OKX."""

SCREENS = (
    Shot(name="trade"),
    Shot(name="ticket", keys=("t",)),
    Shot(name="journal", keys=("f4",)),
    Shot(name="connections", keys=("i",)),
)
LINES = (
    "orders",
    "positions",
    "paper",
    "reconcile",
    "killed",
    "status",
    "export",
    "buy 0.02 @ bid-900t post",
    "nonsense",
)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's home with a short name: the path of a Unix socket has at most 107 bytes."""
    for name in [name for name in os.environ if name.startswith(("JACKBOT_", "XDG_"))]:
        monkeypatch.delenv(name)
    with tempfile.TemporaryDirectory(prefix="jackbot-") as directory:
        monkeypatch.setenv("HOME", directory)
        yield Path(directory)


class Session:
    """The engine's process with what it was told to do, and every text that came out of it."""

    def __init__(self, exchange: SimExchange, venue: str, home: Path) -> None:
        self.exchange, self.venue, self.home = exchange, venue, home
        self.texts: dict[str, str] = {}
        self.failures = home / "failures"
        self.failures.mkdir()
        listed = [listing.instrument.symbol for listing in exchange.listings]
        self.symbol = next((symbol for symbol in listed if ":" in symbol), listed[0])
        self.dialect = load_dialect(venue)
        parts = exchange.front.credentials(exchange.accounts.keys.of(1))
        self.parts = {name: parts[name] for name in self.dialect.credentials}

    async def begin(self) -> None:
        store = KeyStore(self.home, {PASSPHRASE: WORD}, cost=CHEAP)
        store.add(self.venue, self.parts, KeyPlace.ENCRYPTED)
        found = store.find(self.venue, self.dialect.credentials)
        assert found.place is KeyPlace.ENCRYPTED
        live = LiveOptions(
            account=self.venue, keys=self.home, addresses=self.exchange.ccxt_urls, given=KeyParts(found.fields()),
            poll_s=1.0,
        )  # fmt: skip
        self.socket = self.home / "engine.sock"
        job = EngineJob(
            name=f"live-{self.venue}",
            options=EngineOptions(
                mode=Mode.LIVE, venue=self.venue, symbols=[self.symbol], endpoints=dict(self.exchange.endpoints),
                journal_path=self.home / "journal.sqlite3", socket_path=self.socket,
                capture_dir=self.home / "capture", live=live,
            ),
            log=LogTarget(path=self.home / "engine.log", to_stdout=False, level="debug", max_bytes=10**7, keep=1),
            tied=True,
        )  # fmt: skip
        command = [sys.executable, "-P", "-m", "tests.secrets_child"]
        self.engine: EngineProcess = await asyncio.to_thread(lambda: start_engine(job, command=command, ready_s=60.0))
        self.texts["job"] = f"{job!r} {job}"

    async def ctl(self, line: str) -> Reply:
        reply = await asyncio.to_thread(call, self.socket, line, context=Context(key=f"{self.venue}:{self.symbol}"))
        self.texts[f"ctl {line}"] = f"{self.texts.get(f'ctl {line}', '')}\n{reply}"
        return reply

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    with contextlib.suppress(LinkError):
                        if await condition():
                            return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            log = (self.home / "engine.log").read_text()[-3000:]
            raise AssertionError(f"never: {what}; {log}") from None

    async def done(self, line: str) -> bool:
        return (await self.ctl(line)).ok

    async def logged(self, *words: str) -> bool:
        lines = (self.home / "engine.log").read_text().splitlines()
        return any(all(word in line for word in words) for line in lines)

    async def trade(self) -> None:
        await self.until(lambda: self.done("live"), "the lock is open")
        await self.until(lambda: self.done("buy 0.02 @ ask+20t ioc"), "an order goes out")
        await self.until(lambda: self.logged("notice", "fill"), "the order is filled")
        for line in LINES:
            await self.ctl(line)
        for shot in SCREENS:
            self.texts[f"screen {shot.name}"] = await take(shot, self.socket)

    async def fail(self) -> None:
        (self.failures / "signing").touch()
        await self.until(lambda: self.done("buy 0.02 @ bid-950t post"), "an order is taken while nothing can be signed")
        await self.until(lambda: self.logged("signing with ***"), "the failure is told")
        self.texts["screen failing"] = await take(Shot(name="failing", keys=("f4",)), self.socket)
        (self.failures / "signing").unlink()
        (self.failures / "callback").touch()
        await self.until(lambda: self.logged('"bug"', "provoked callback"), "the bug is logged")
        process = Path("/proc") / str(self.engine.pid)
        for name in ("cmdline", "environ"):
            if (process / name).exists():
                self.texts[name] = (process / name).read_bytes().decode(errors="replace")
        (self.failures / "end").touch()

        async def ended() -> bool:
            return self.engine.exit_code is not None

        await self.until(ended, "the engine has ended of a bug")
        assert self.engine.exit_code == 1
        output = (self.home / "engine.out").read_text()
        assert "Traceback" in output and "provoked end with ***" in output

    def written(self) -> dict[str, str]:
        """Every file that is left, unpacked, but for the encrypted one of the keys."""
        found = {}
        for path in self.home.rglob("*"):
            if path.is_file() and path.name != "keys.enc":
                data = path.read_bytes()
                if path.suffix == ".gz":
                    with contextlib.suppress(EOFError):
                        data = gzip.decompress(data)
                found[str(path.relative_to(self.home))] = data.decode(errors="replace")
        return found


@pytest.mark.parametrize(
    "venue", [*ALWAYS, *(pytest.param(each, marks=pytest.mark.soak) for each in VENUES if each not in ALWAYS)]
)
async def test_no_part_of_the_key_is_in_any_text_or_file_of_a_session(
    venue: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JACKBOT_TEST_FAILURES", str(home / "failures"))
    monkeypatch.setenv(PASSPHRASE, WORD)
    symbols = front_of(venue).DEFAULT_SYMBOLS
    wanted = next((symbol for symbol in symbols if symbol.startswith("BTC/") and ":" in symbol), symbols[0])
    async with SimExchange([wanted], venue=venue, accounts=1, limits=relaxed(front_of(venue))) as exchange:
        session = Session(exchange, venue, home)
        await session.begin()
        try:
            await session.trade()
            await session.fail()
        finally:
            session.engine.stop()
        held = KeyStore(home).find(venue, session.dialect.credentials)
        assert await judge_key(held, session.dialect, addresses=exchange.ccxt_urls) == 0
        session.texts["doctor"] = "\n".join(
            [each.line async for each in doctor.examine(venue, dict(exchange.endpoints))]
        )

    async def breaks(credentials: object, *_: object, **__: object) -> int:
        raise RuntimeError(f"provoked by {held.fields()}")

    monkeypatch.setattr("jackbot_tui.cli.keys.test_key", breaks)
    place = ["--data-dir", str(home)]
    assert await asyncio.to_thread(main, ["keys", "test", venue, *place]) == 1
    assert await asyncio.to_thread(main, ["keys", "list", *place]) == 0
    said = capsys.readouterr()
    session.texts["commands"] = said.out + said.err

    everything = {**session.texts, **session.written()}
    for piece in ("journal.sqlite3", "engine.log", "engine.out", "crash-", "ring-", "screen trade", "cmdline"):
        assert any(piece in name for name in everything), f"nothing was looked for in {piece}"
    assert "may trade" in said.out or "rights unknown" in said.out
    crash = next(text for name, text in everything.items() if "crash-" in name)
    assert "provoked by" in crash and "***" in crash
    forms = {form for part in (*session.parts.values(), WORD) for form in forms_of(part)}
    assert len(forms) >= len(session.parts)
    assert [(name, form[:6]) for name, text in everything.items() for form in forms if form in text] == []
