"""What plain ccxt does wrong at Hyperliquid and the dialect's class does not, held against the exchange's truth."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import pytest

from jackbot_tui.execution.live.dialect import KeyRights
from jackbot_tui.execution.live.dialects.hyperliquid import DIALECT, Mended, mended
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.hyperliquid.front import HyperliquidFront
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.gateway_world import relaxed

SPOT, LINEAR = "BTC/USDC", "BTC/USDC:USDC"
KEY = f"hyperliquid:{LINEAR}"


def plain(base: type[Any]) -> type[Any]:
    return base


class Desk:
    """Account 1 in manual time, traded by ccxt's class or the one made of it."""

    def __init__(self, sim: SimExchange, client: Any) -> None:
        assert isinstance(sim.front, HyperliquidFront)
        self.sim, self.client, self.actions = sim, client, sim.front.actions

    def price(self, factor: float) -> float:
        return float(int((self.sim.engine(LINEAR).best_bid or 0) * factor))

    async def hear(self, watching: "asyncio.Future[Any]") -> Any:
        while not watching.done():
            await self.sim.step(0.02)
            await asyncio.sleep(0.005)
        return await watching


@asynccontextmanager
async def trading(make: Any, role: KeyRole = KeyRole.TRADER, kind: str = "swap") -> AsyncIterator[Desk]:
    import ccxt.pro

    sim = SimExchange(
        (SPOT, LINEAR), venue="hyperliquid", seed=17, manual=True, start_ns=time.time_ns(), accounts=1,
        limits=relaxed(front_of("hyperliquid")),
    )  # fmt: skip
    async with sim, asyncio.timeout(20):
        await sim.step(1)
        options = {**DIALECT.options, "defaultType": kind}
        credentials = sim.front.credentials(sim.accounts.keys.of(1, role))
        client = make(ccxt.pro.hyperliquid)({**credentials, "enableRateLimit": False, "options": options})
        client.urls["api"] = client.deep_extend(client.urls["api"], sim.ccxt_urls)
        try:
            await client.load_markets()
            yield Desk(sim, client)
        finally:
            await client.close()


@pytest.mark.parametrize(
    ("make", "signed"), [(plain, {"approveBuilderFee": 1, "setReferrer": 1, "order": 1}), (mended, {"order": 1})]
)
async def test_nothing_is_signed_that_was_not_asked_for(make: Any, signed: dict[str, int]) -> None:
    async with trading(make, KeyRole.OWNER) as desk:
        await desk.client.fetch_balance()
        await desk.client.create_order(LINEAR, "limit", "buy", 0.01, desk.price(0.97))
        assert dict(desk.actions.signed) == signed


@pytest.mark.parametrize(("make", "kept"), [(plain, False), (mended, True)])
async def test_leverage_leaves_an_isolated_position_isolated(make: Any, kept: bool) -> None:
    async with trading(make) as desk:
        await desk.client.set_margin_mode("isolated", LINEAR, {} if make is mended else {"leverage": 20})
        await desk.client.set_leverage(7, LINEAR)
        setting = desk.sim.accounts.positions.setting(1, KEY)
        assert int(setting.leverage) == 7
        assert setting.isolated is kept


@pytest.mark.parametrize(("make", "told"), [(plain, (None, "USDC", None)), (mended, ("taker", "BTC", "0x" + 32 * "a"))])
async def test_a_fill_of_the_stream_says_who_took_it_what_it_cost_and_whose_it_is(make: Any, told: Any) -> None:
    async with trading(make, kind="spot") as desk:
        watching = asyncio.ensure_future(desk.client.watch_my_trades())
        while not desk.sim.front.listeners(1, MarketKind.SPOT):  # noqa: ASYNC110 - the exchange has no event for it
            await asyncio.sleep(0.005)
        await desk.client.create_order(
            SPOT, "market", "buy", 0.01, desk.price(1.01), {"clientOrderId": "0x" + 32 * "a"}
        )
        trade = (await desk.hear(watching))[0]
        assert (trade["takerOrMaker"], trade["fee"]["currency"], trade.get("clientOrderId")) == told
        balance = await desk.client.watch_balance()
        assert ("BTC" in balance) is (make is mended)


@pytest.mark.parametrize(("make", "told"), [(plain, []), (mended, [(LINEAR, 0.0)])])
async def test_the_stream_tells_of_a_position_that_goes_flat(make: Any, told: Any) -> None:
    async with trading(make) as desk:
        await desk.client.create_order(LINEAR, "market", "buy", 0.01, desk.price(1))
        client = desk.client
        shown: list[Any] = []
        while not shown:
            shown = await desk.hear(asyncio.ensure_future(client.watch_positions()))
        watching = asyncio.ensure_future(client.watch_positions())
        await client.create_order(LINEAR, "market", "sell", 0.01, desk.price(1), {"reduceOnly": True})
        rows = await desk.hear(watching)
        while [row for row in rows if row["contracts"]]:
            rows = await desk.hear(asyncio.ensure_future(client.watch_positions()))
        assert [(row["symbol"], row["contracts"]) for row in rows] == told


async def test_orders_of_two_clients_never_share_a_nonce() -> None:
    async with trading(mended) as desk:
        twin = mended(ccxt.pro.hyperliquid)({"options": {}})
        numbers = [each.incrementing_nonce() for _ in range(50) for each in (desk.client, twin)]
        assert len(set(numbers)) == len(numbers)
        assert numbers == sorted(numbers)
        await twin.close()
        ours = [plain(ccxt.pro.hyperliquid)({"options": {}}) for _ in range(2)]
        for each in ours:
            each.milliseconds = lambda: 1_795_000_000_000  # at the same moment
        assert ours[0].incrementing_nonce() == ours[1].incrementing_nonce(), "ccxt counts by client"
        for each in ours:
            await each.close()


@pytest.mark.parametrize(("make", "taken"), [(plain, True), (mended, False)])
async def test_an_order_that_arrives_too_late_is_refused(make: Any, taken: bool) -> None:
    async with trading(make) as desk:
        desk.sim.timeline.slip(60_000_000_000)  # it was under way for a minute
        try:
            await desk.client.create_order(LINEAR, "limit", "buy", 0.01, desk.price(0.97))
        except ccxt.ExchangeError as error:
            names = [each.__name__ for each in type(error).__mro__]
            assert classify(DIALECT.errors, names, str(error)).kind is ErrorKind.CLOCK
        assert bool(desk.sim.accounts.orders.open_orders(1)) is taken


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (KeyRole.OWNER, KeyRights(may_trade=True, may_withdraw=True)),
        (KeyRole.TRADER, KeyRights(may_trade=True, may_withdraw=False)),
        (KeyRole.READER, KeyRights(may_trade=False, may_withdraw=False)),
    ],
)
async def test_a_keys_rights_are_known_before_it_is_used(role: KeyRole, rights: KeyRights) -> None:
    async with trading(mended, role) as desk:
        assert DIALECT.rights is not None
        said = await getattr(desk.client, DIALECT.rights.call)()
        assert DIALECT.rights.read(said, MarketKind.LINEAR) == rights
        assert not desk.actions.signed


async def test_the_dead_mans_switch_is_taken_back_when_no_client_wants_it() -> None:
    async with trading(mended) as desk:
        desk.actions.schedule_volume = ZERO
        await desk.client.load_time_difference()
        await desk.client.create_order(LINEAR, "limit", "buy", 0.01, desk.price(0.97))
        rule = DIALECT.dead_man[MarketKind.LINEAR]
        wind, wallet = getattr(desk.client, rule.call), desk.client.walletAddress.lower()
        await wind(rule.request("BTC", 6_000))
        Mended.wound[wallet].add(-1)  # another client has orders there, too
        assert await wind(rule.request("BTC", 0)) is None
        Mended.wound[wallet].discard(-1)
        await wind(rule.request("BTC", 0))
        await desk.sim.step(6.5)
        assert len(desk.sim.accounts.orders.open_orders(1)) == 1
        await desk.client.load_time_difference()
        await wind(rule.request("BTC", 6_000))
        await desk.sim.step(6.5)
        assert desk.sim.accounts.orders.open_orders(1) == []
        (order,) = await desk.client.fetch_canceled_orders(LINEAR)
        assert order["status"] == "canceled"
        Mended.wound.pop(wallet)

