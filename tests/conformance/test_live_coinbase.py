"""What plain ccxt does wrong at Coinbase and the dialect's class does not, held against the exchange's truth."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from jackbot_tui.execution.live.dialect import KeyRights
from jackbot_tui.execution.live.dialects.coinbase import DIALECT, mended
from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.sim.coinbase import private
from jackbot_tui.sim.coinbase.private_auth import Authority
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.gateway_world import relaxed

BTC = "BTC/USD"


def plain(base: type[Any]) -> type[Any]:
    return base


class Desk:
    """Account 1 in manual time, traded by ccxt's class or the one made of it."""

    def __init__(self, sim: SimExchange, client: Any) -> None:
        self.sim, self.client = sim, client

    def price(self, factor: float) -> float:
        return int((self.sim.engine(BTC).best_bid or 0) * factor) / 100

    async def rest(self, name: str, factor: float = 0.97) -> str:
        params = {"client_order_id": name}
        made = await self.client.create_order(BTC, "limit", "buy", 0.001, self.price(factor), params)
        return str(made["id"])

    async def hear(self, watching: "asyncio.Future[Any]") -> Any:
        while not watching.done():
            await self.sim.step(0.02)
            await asyncio.sleep(0.005)
        return await watching

    def kind_of(self, error: Exception) -> ErrorKind:
        """What the failure means to the executor."""
        return classify(DIALECT.errors, [each.__name__ for each in type(error).__mro__], str(error)).kind


@asynccontextmanager
async def trading(make: Any, role: KeyRole = KeyRole.TRADER, **changed: str) -> AsyncIterator[Desk]:
    import ccxt.pro

    sim = SimExchange(
        (BTC,), venue="coinbase", seed=17, manual=True, start_ns=time.time_ns(), accounts=1,
        limits=relaxed(front_of("coinbase")),
    )  # fmt: skip
    async with sim, asyncio.timeout(20):
        await sim.step(1)
        credentials = {**sim.front.credentials(sim.accounts.keys.of(1, role)), **changed}
        client = make(ccxt.pro.coinbase)({**credentials, "enableRateLimit": False, "options": dict(DIALECT.options)})
        client.urls["api"] = client.deep_extend(client.urls["api"], sim.ccxt_urls)
        try:
            yield Desk(sim, client)
        finally:
            await client.close()


async def failure_of(call: Any) -> Exception:
    try:
        await call
    except Exception as error:  # noqa: BLE001 - whatever ccxt makes of it is what is looked at
        return error
    raise AssertionError("it did not fail")


@pytest.mark.parametrize(("make", "asked"), [(plain, 1), (mended, 0)])
async def test_loading_markets_asks_for_nothing_signed(
    make: Any, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trading(make) as desk:
        seen: list[str] = []
        read = Authority.read

        def noted(self: Authority, text: str, method: str = "", path: str = "") -> Any:
            seen.append(path)
            return read(self, text, method, path)

        monkeypatch.setattr(Authority, "read", noted)
        await desk.client.load_markets()
        assert len(seen) == asked


async def test_an_order_is_found_and_canceled_by_our_own_id_and_proven_absent() -> None:
    async with trading(mended) as desk:
        order_id = await desk.rest("ours-1")
        await desk.rest("ours-2")
        assert (await desk.client.fetch_order(None, BTC, {"clientOrderId": "ours-1"}))["id"] == order_id
        await desk.client.cancel_order(None, BTC, {"clientOrderId": "ours-1"})
        assert [order.client_id for order in desk.sim.accounts.orders.open_orders(1)] == ["ours-2"]
        absent = await failure_of(desk.client.fetch_order(None, BTC, {"clientOrderId": "ours-3"}))
        assert desk.kind_of(absent) is ErrorKind.RESYNC


@pytest.mark.parametrize(("make", "kind"), [(plain, ErrorKind.REJECTED), (mended, ErrorKind.RESYNC)])
async def test_a_cancel_that_came_too_late_asks_for_the_order(make: Any, kind: ErrorKind) -> None:
    async with trading(make) as desk:
        order_id = await desk.rest("ours-1")
        await desk.client.cancel_order(order_id, BTC)
        assert desk.kind_of(await failure_of(desk.client.cancel_order(order_id, BTC))) is kind


async def test_a_refused_change_is_not_taken_for_one_that_was_made() -> None:
    async with trading(plain) as desk:
        order_id = await desk.rest("ours-1")
        await desk.client.cancel_order(order_id, BTC)
        made = await desk.client.edit_order(order_id, BTC, "limit", "buy", 0.002, desk.price(0.96))
        assert made["info"]["success"] is False, "ccxt says nothing"
    async with trading(mended) as desk:
        order_id = await desk.rest("ours-1")
        made = await desk.client.edit_order(order_id, BTC, "limit", "buy", 0.002, desk.price(0.96))
        assert (made["id"], made["amount"]) == (order_id, 0.002)
        await desk.client.cancel_order(order_id, BTC)
        failure = await failure_of(desk.client.edit_order(order_id, BTC, "limit", "buy", 0.003, desk.price(0.96)))
        assert desk.kind_of(failure) is ErrorKind.RESYNC


@pytest.mark.parametrize(("make", "whole"), [(plain, False), (mended, True)])
async def test_orders_and_fills_are_read_to_the_last_page(
    make: Any, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private, "MOST_ROWS", 3)  # the venue's pages, small enough for a test
    async with trading(make) as desk:
        key = f"coinbase:{BTC}"
        for number in range(7):
            price = Decimal(str(desk.price(0.97)))
            desk.sim.accounts.submit(
                1, OrderSpec(key=key, side=Side.BUY, quantity=Decimal("0.001"), price=price, client_id=f"o{number}")
            )
            desk.sim.accounts.submit(1, OrderSpec(key=key, side=Side.SELL, quantity=Decimal("0.001")))
        since = desk.sim.timeline.now_ms() - 1_000
        fills = len(desk.sim.accounts.orders.fills(1))
        assert (len(await desk.client.fetch_open_orders(BTC)) == 7) is whole
        assert (len(await desk.client.fetch_my_trades(BTC, since, 500)) == fills) is whole


@pytest.mark.parametrize("make", [plain, mended])
async def test_the_stream_says_how_large_an_order_is_and_is_kept_alive(make: Any) -> None:
    async with trading(make) as desk:
        watching = asyncio.ensure_future(desk.client.watch_orders())
        while not desk.sim.front.listeners(1, MarketKind.SPOT):  # noqa: ASYNC110 - the exchange has no event for it
            await asyncio.sleep(0.005)
        await desk.hear(watching)
        engine, now = desk.sim.engine(BTC), desk.sim.timeline.elapsed_ns
        best = engine.best_bid or 0
        for order in engine.queue_at(Side.BUY, best):
            engine.cancel(order.order_id, now=now)
        await desk.client.create_order(BTC, "limit", "buy", 0.001, best / 100, {"client_order_id": "ours-1"})
        engine.submit(Side.SELL, 40_000, best, now=now, tif=TimeInForce.IOC)
        rows: list[Any] = []
        while not rows or not rows[-1]["filled"]:
            rows = await desk.hear(asyncio.ensure_future(desk.client.watch_orders()))
        filled = rows[-1]["filled"]
        assert 0.0004 <= filled < 0.001, "the crowd may sell some more"
        assert rows[-1]["amount"] == (0.001 if make is mended else filled)
        assert [bool(socket.topics) for socket in desk.sim.gateway.sockets] == [make is mended], "heartbeats"


async def test_a_lost_frame_ends_the_stream() -> None:
    async with trading(mended) as desk:
        watching = asyncio.ensure_future(desk.client.watch_orders())
        await desk.hear(watching)
        desk.sim.faults.set("drop", 1)  # heartbeats too: their numbers are gone
        (socket,) = desk.sim.gateway.sockets
        socket.state["number"] += 1
        await desk.rest("ours-1")
        failure = await failure_of(desk.hear(asyncio.ensure_future(desk.client.watch_orders())))
        assert "lost" in str(failure)
        assert desk.kind_of(failure) is ErrorKind.UNKNOWN


async def test_a_key_pasted_with_written_newlines_works_and_an_ed25519_key_is_refused_in_words() -> None:
    async with trading(plain) as desk:
        pem = desk.client.secret
    async with trading(mended, secret=pem.replace("\n", "\\n")) as desk:
        assert (await desk.client.fetch_balance({"type": "spot"}))["USD"]["total"] == 100_000
    async with trading(mended, secret="A" * 86 + "==") as desk:
        failure = await failure_of(desk.client.watch_orders())
        assert "ECDSA" in str(failure)
        assert desk.kind_of(failure) is ErrorKind.AUTH


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
        assert DIALECT.rights.read(said, MarketKind.SPOT) == rights


async def test_tokens_are_signed_by_the_venues_clock() -> None:
    for make, works in ((plain, False), (mended, True)):
        async with trading(make) as desk:
            desk.sim.timeline.slip(-600_000_000_000)  # ours is ten minutes ahead
            await desk.client.load_time_difference()
            asked = desk.client.fetch_balance({"type": "spot"})
            assert ("USD" in await asked) if works else desk.kind_of(await failure_of(asked)) is ErrorKind.AUTH
