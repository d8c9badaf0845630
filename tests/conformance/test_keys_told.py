"""``jackbot keys test`` against every gateway: which key is taken, which refused, what a mute venue is said to be."""

import pytest

from jackbot_tui.cli.keys import OK, REFUSED
from jackbot_tui.cli.keys import test_key as judge_key
from jackbot_tui.execution.live.dialects import all_dialects, load_dialect
from jackbot_tui.execution.live.keys import Credentials, KeyPlace
from jackbot_tui.model.enums import MarketKind
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
