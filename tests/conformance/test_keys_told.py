"""``jackbot keys test`` against every gateway: which key is taken, which refused, what a mute venue is said to be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.cli.keys import OK, REFUSED
from jackbot_tui.cli.keys import test_key as judge_key
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.dialects import all_dialects, load_dialect
from jackbot_tui.execution.live.keys import Credentials, KeyParts, KeyPlace
from jackbot_tui.model.enums import MarketKind, Mode, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import KeyRole
from tests.gateway_world import relaxed

MUTE = {
    ("mexc", MarketKind.SPOT),
    ("mexc", MarketKind.LINEAR),
    ("cryptocom", MarketKind.SPOT),
    ("cryptocom", MarketKind.LINEAR),
    ("kraken", MarketKind.LINEAR),
}
"""Venues that do not tell what a key may do."""


async def said_of(
    exchange: SimExchange, venue: str, role: KeyRole, capsys: pytest.CaptureFixture[str], *, allow: bool = False
) -> tuple[int, str, str]:
    dialect = load_dialect(venue)
    parts = exchange.front.credentials(exchange.accounts.keys.of(1, role))
    fields = {name: parts[name] for name in dialect.credentials}
    held = Credentials(venue, KeyPlace.ENCRYPTED, fields)
    code = await judge_key(held, dialect, allow_withdrawals=allow, addresses=exchange.ccxt_urls)
    said = capsys.readouterr()
    assert not [text for text in fields.values() if text in said.out + said.err]
    return code, said.out, said.err


@pytest.mark.parametrize("venue", sorted(all_dialects()))
async def test_each_key_is_judged_by_what_it_may_do(venue: str, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = load_dialect(venue).exchanges
    async with SimExchange(venue=venue, accounts=1, limits=relaxed(front_of(venue))) as exchange:
        code, out, err = await said_of(exchange, venue, KeyRole.TRADER, capsys)
        assert (code, err) == (OK, "")
        assert out.startswith(f"{venue}  encrypted  …")
        for kind in kinds:
            mute = (venue, kind) in MUTE
            assert f"{kind.value}: {'rights unknown' if mute else 'may trade'}" in out
            assert (f"{venue} does not tell whether this key may withdraw ({kind.value})" in out) is mute
        telling = [kind for kind in kinds if (venue, kind) not in MUTE]
        if not telling:
            return
        code, out, err = await said_of(exchange, venue, KeyRole.READER, capsys)
        assert (code, err) == (OK, "")
        assert all(f"{kind.value}: READ-ONLY" in out for kind in telling)
        code, out, err = await said_of(exchange, venue, KeyRole.OWNER, capsys)
        assert (code, out) == (REFUSED, "")
        assert err == f"jackbot: {venue}: this key may withdraw: take that right away at {venue}\n"
        code, out, err = await said_of(exchange, venue, KeyRole.OWNER, capsys, allow=True)
        assert code == OK and "may trade" in out


async def test_a_key_that_is_not_known_there_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    async with SimExchange(venue="okx", accounts=1) as exchange:
        dialect = load_dialect("okx")
        wrong = Credentials("okx", KeyPlace.FILE, {name: f"{name}-nobody-knows" for name in dialect.credentials})
        assert await judge_key(wrong, dialect, addresses=exchange.ccxt_urls) == REFUSED
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "okx" in said.err
    assert "nobody-knows" not in said.err


@asynccontextmanager
async def live_engine(venue: str, role: KeyRole, place: Path) -> AsyncIterator[tuple[EngineRuntime, str]]:
    """An engine that has asked the venue about its key, and the key of its market."""
    symbol = front_of(venue).DEFAULT_SYMBOLS[0]
    async with SimExchange([symbol], venue=venue, accounts=1, limits=relaxed(front_of(venue))) as exchange:
        parts = exchange.front.credentials(exchange.accounts.keys.of(1, role))
        fields = KeyParts({name: parts[name] for name in load_dialect(venue).credentials})
        live = LiveOptions(account=venue, keys=place, addresses=exchange.ccxt_urls, given=fields, poll_s=1.0)
        runtime = EngineRuntime(
            EngineOptions(mode=Mode.LIVE, venue=venue, symbols=[symbol], endpoints=dict(exchange.endpoints), live=live)
        )
        await runtime.open()
        work = asyncio.create_task(runtime.run())
        try:
            async with asyncio.timeout(60):
                while (line := runtime.live) is None or line.executor.trouble:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.02)
            yield runtime, f"{venue}:{symbol}"
            assert not exchange.accounts.orders.orders(1)
        finally:
            runtime.stop("the test is over")
            await work
            await runtime.close()


@pytest.mark.parametrize("venue", ["okx", "coinbase"])
async def test_with_a_key_that_may_only_read_the_console_only_reads(venue: str, tmp_path: Path) -> None:
    async with live_engine(venue, KeyRole.READER, tmp_path) as (runtime, key):
        with pytest.raises(InputError, match=f"the key of {venue} may not trade"):
            runtime.engine.go_live("test")
        told = runtime.engine.submit(OrderRequest(key=key, side=Side.BUY, quantity=Decimal(1), price=Decimal(1)))
        assert told.order is None and told.refusal is not None
        assert f"the key of {venue} may not trade" in told.refusal.message


async def test_a_start_says_where_a_venue_does_not_tell_of_withdrawals(tmp_path: Path) -> None:
    async with live_engine("mexc", KeyRole.TRADER, tmp_path) as (runtime, _):
        said = [notice.text for notice in runtime.engine.board.after(0)]
        assert sum("mexc does not tell whether this key may withdraw" in text for text in said) == 1
