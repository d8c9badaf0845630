"""What the live executor's ccxt class for KuCoin mends: each test tells plain ccxt from the mended on the gateway."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from jackbot_tui.execution.live.dialect import KeyRights
from jackbot_tui.execution.live.dialects.kucoin import DIALECT, corrected
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.sim.requests import OrderSpec
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.conformance.test_private_ccxt import Trader, until
from tests.gateway_world import relaxed

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
BOTH = pytest.mark.parametrize("mended", [False, True], ids=["plain", "mended"])
KINDS = pytest.mark.parametrize("symbol", [SPOT, LINEAR], ids=["spot", "linear"])


@asynccontextmanager
async def trading(symbol: str, *, mended: bool, role: KeyRole = KeyRole.TRADER) -> AsyncIterator[Trader]:
    import ccxt.pro

    sim = SimExchange(
        [SPOT, LINEAR], venue="kucoin", seed=17, manual=True, volatility=0.2, start_ns=time.time_ns(),
        limits=relaxed(front_of("kucoin")), accounts=1,
    )  # fmt: skip
    async with sim, asyncio.timeout(25):
        await sim.step(1)
        key = sim.accounts.keys.of(1, role)
        options = {**DIALECT.options, "defaultType": "swap" if ":" in symbol else "spot"}
        made = (corrected(ccxt.pro.kucoin) if mended else ccxt.pro.kucoin)(
            {
                "apiKey": key.key, "secret": key.secret, "password": key.passphrase, "enableRateLimit": False,
                "options": options,
            }
        )  # fmt: skip
        made.urls["api"] = made.deep_extend(made.urls["api"], sim.ccxt_urls)
        made.signed = record_signed(made)
        try:
            trader = Trader(sim, made, symbol)
            await trader.call("load_markets")
            yield trader
        finally:
            await made.close()


def record_signed(client: Any) -> list[str]:
    """Addresses that are asked with the key from now on."""
    signed: list[str] = []
    fetch = client.fetch

    async def fetched(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        if "KC-API-KEY" in (headers or {}):
            signed.append(url)
        return await fetch(url, method, headers, body)

    client.fetch = fetched
    return signed


@BOTH
async def test_markets_are_read_without_the_key(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        assert (not trader.client.signed) is mended
        assert (LINEAR not in trader.client.markets) is mended, "and those of one kind only"


@BOTH
async def test_an_order_names_the_margin_mode_that_is_set_and_no_leverage_of_its_own(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        setting = trader.accounts.positions.setting(1, trader.key)
        before = setting.leverage
        assert setting.isolated
        await trader.buy(trader.amount(3000))
        assert (setting.leverage == before) is mended, "ccxt sends the leverage 1"
        await trader.sell(trader.amount(3000), reduceOnly=True)
        trader.accounts.set_isolated(1, trader.key, isolated=False)
        trader.client.margin_modes = {}
        if mended:
            await trader.buy(trader.amount(3000))
            assert trader.orders[-1].status is OrderStatus.FILLED
        else:
            with pytest.raises(ccxt.InvalidOrder, match="330005"):
                await trader.buy(trader.amount(3000))


@BOTH
async def test_isolated_orders_bring_their_leverage(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        setting = trader.accounts.positions.setting(1, trader.key)
        await trader.call("set_margin_mode", "isolated", LINEAR)
        await trader.call("set_leverage", 7, LINEAR)
        await trader.buy(trader.amount(3000))
        assert (int(setting.leverage) == 7) is mended
        await trader.sell(trader.amount(3000), reduceOnly=True)
        await trader.call("set_margin_mode", "cross", LINEAR)
        await trader.call("set_leverage", 5, LINEAR)
        assert (setting.isolated, int(setting.leverage)) == (False, 5)


@BOTH
async def test_fill_or_kill_is_not_sent_where_it_does_not_exist(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        before = len(trader.client.signed)
        with pytest.raises(ccxt.NotSupported if mended else ccxt.BadRequest):
            await trader.buy(trader.amount(3000), trader.price(0.97), timeInForce="FOK")
        assert (len(trader.client.signed) == before) is mended


@KINDS
@BOTH
async def test_more_than_a_page_of_own_trades_is_found(mended: bool, symbol: str) -> None:
    async with trading(symbol, mended=mended) as trader:
        since = trader.sim.timeline.now_ms() - 5_000
        quantity = trader.listing.instrument.min_qty or trader.listing.instrument.lot
        quantity = max(quantity, trader.listing.instrument.lot * trader.lots(trader.amount(200)))
        while len(trader.accounts.orders.fills(1)) < 130:
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=quantity))
            await trader.sim.step(0.01)
        limit = 500 if mended or symbol == SPOT else None
        found = await trader.call("fetch_my_trades", symbol, since, limit)
        fills = trader.accounts.orders.fills(1)
        assert (len(found) == len(fills)) is mended
        assert len({trade["id"] for trade in found}) == len(found)
        one = await trader.call("fetch_my_trades", symbol, None, 500, {"orderId": found[0]["order"]})
        assert {trade["order"] for trade in one} == {found[0]["order"]}


@BOTH
async def test_more_than_a_page_of_open_orders_is_found(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        lot, far = trader.listing.instrument.lot, Decimal(str(trader.price(0.97)))
        for _ in range(60):
            trader.accounts.submit(1, OrderSpec(key=trader.key, side=Side.BUY, quantity=lot, price=far))
        assert (len(await trader.call("fetch_open_orders", LINEAR)) == 60) is mended


@BOTH
async def test_an_order_of_which_a_part_was_taken_back_still_works(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        row = {"id": "a", "symbol": "BTC-USDT", "active": True, "cancelExist": True, "size": "2", "dealSize": "1"}
        assert trader.client.parse_order(row)["status"] == ("open" if mended else "canceled")


@BOTH
async def test_a_wallet_of_perpetuals_does_not_count_profit_that_is_not_realised(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        client = trader.client
        trader.sync()
        watching = asyncio.ensure_future(client.watch_balance({"type": "swap"}))
        await until(trader, lambda: any(each.connectionEstablished for each in client.clients.values()))
        await asyncio.sleep(0.2)
        await trader.call("set_margin_mode", "cross", LINEAR)
        await trader.buy(trader.amount(30_000), marginMode="cross")
        streamed = await trader.hear(watching)
        await trader.sim.step(5)
        margin = trader.accounts.positions.margin(1, "USDT")
        assert margin.unrealized
        paged = await trader.call("fetch_balance", {"type": "swap"})
        assert (abs(paged["total"]["USDT"] - float(margin.wallet)) < 1e-6) is mended
        assert (abs((streamed["total"].get("USDT") or 0) - float(margin.wallet)) < 1e-6) is mended


async def unified() -> str:
    raise ccxt.NotSupported("the socket of a unified account")


@BOTH
async def test_positions_of_a_classic_account_are_heard_of_until_they_are_flat(mended: bool) -> None:
    async with trading(LINEAR, mended=mended) as trader:
        trader.sync()

        async def told() -> Any:
            return (await trader.hear(asyncio.ensure_future(trader.client.watch_positions())))[-1]

        if not mended:
            trader.client.get_uta_url = unified
            with pytest.raises(ccxt.NotSupported, match="unified"):
                await told()
            return
        hearing = asyncio.ensure_future(told())
        await until(trader, lambda: any(each.connectionEstablished for each in trader.client.clients.values()))
        await asyncio.sleep(0.2)
        await trader.buy(trader.amount(3000))
        shown = await hearing
        assert (shown["symbol"], shown["side"], shown["marginMode"]) == (LINEAR, "long", "isolated")
        await trader.sell(trader.amount(3000), reduceOnly=True)
        while shown["contracts"]:
            shown = await told()
        (socket,) = [each for each in trader.client.clients.values() if "rivate" in each.url]
        moved = {"markPrice": 5, "symbol": "XBTUSDTM"}
        trader.client.handle_position(socket, {"topic": "/contract/position:XBTUSDTM", "data": moved})
        assert [(each["markPrice"], each["contracts"]) for each in await trader.client.watch_positions()] == [(5, 0)]


@KINDS
@BOTH
async def test_a_fill_that_is_told_late_does_not_open_an_order_again(mended: bool, symbol: str) -> None:
    async with trading(symbol, mended=mended) as trader:
        client = trader.client
        trader.sync()
        watching = asyncio.ensure_future(client.watch_orders(symbol))
        await until(
            trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT if symbol == SPOT else MarketKind.LINEAR) > 0
        )
        made = await trader.buy(trader.amount(4000), trader.price(0.97))
        await trader.hear(watching)
        (socket,) = [each for each in client.clients.values() if "rivate" in each.url]
        frame = {
            "symbol": client.market(symbol)["id"], "orderType": "limit", "side": "buy", "orderId": made["id"],
            "price": "1", "size": "3", "orderTime": 1, "ts": 1_000_000,
        }  # fmt: skip
        topic = "/spotMarket/tradeOrders" if symbol == SPOT else "/contractMarket/tradeOrders"
        over = {**frame, "type": "canceled", "status": "done", "filledSize": "2"}
        late = {**frame, "type": "match", "status": "match", "filledSize": "1", "matchPrice": "1", "matchSize": "1"}
        for data in (over, late):
            client.handle_order(socket, {"topic": topic, "data": data})
        (shown,) = [each for each in client.orders if each["id"] == made["id"]]
        assert (shown["status"], shown["filled"]) == (("canceled", 2) if mended else ("open", 1))


@BOTH
async def test_a_token_that_has_expired_ends_the_watches_and_the_next_one_is_new(mended: bool) -> None:
    async with trading(SPOT, mended=mended) as trader:
        client = trader.client
        trader.sync()
        watching = asyncio.ensure_future(client.watch_orders(SPOT))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) > 0)
        (socket,) = [each for each in client.clients.values() if "rivate" in each.url]
        error = {"id": "1", "type": "error", "code": 401, "data": "token is expired"}
        if not mended:
            with pytest.raises(ccxt.AuthenticationError):
                client.handle_message(socket, error)
            assert not watching.done()
            watching.cancel()
            return
        client.handle_message(socket, error)
        with pytest.raises(ccxt.AuthenticationError) as told:
            await watching
        names = [each.__name__ for each in type(told.value).__mro__]
        assert classify(DIALECT.errors, names, str(told.value)).kind is ErrorKind.RETRYABLE
        await client.close_ws_clients()
        assert "urls" not in client.options


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (KeyRole.READER, KeyRights(may_trade=False, may_withdraw=False)),
        (KeyRole.TRADER, KeyRights(may_trade=True, may_withdraw=False)),
        (KeyRole.OWNER, KeyRights(may_trade=True, may_withdraw=True)),
    ],
)
async def test_a_keys_rights_are_read(role: KeyRole, rights: KeyRights) -> None:
    async with trading(SPOT, mended=True, role=role) as trader:
        rule = DIALECT.rights
        assert rule is not None
        said = await trader.call(rule.call)
        assert [rule.read(said, kind) for kind in MarketKind] == [rights, rights]
        assert rule.read({"data": {"permission": "General,Spot"}}, MarketKind.LINEAR).may_trade is False
        assert rule.read({}, MarketKind.SPOT) == KeyRights()


async def test_the_dead_mans_switch_is_wound_up_and_taken_back() -> None:
    async with trading(SPOT, mended=True) as trader:
        rule = DIALECT.dead_man[MarketKind.SPOT]
        await trader.buy(trader.amount(2000), trader.price(0.97))
        await trader.call(rule.call, rule.request("BTC-USDT", 5_000))
        await trader.call(rule.call, rule.request("BTC-USDT", 0))
        await trader.sim.step(6)
        assert trader.orders[-1].is_open
        await trader.call(rule.call, rule.request("BTC-USDT", 5_000))
        await trader.sim.step(6)
        assert trader.orders[-1].status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"code":"400100","msg":"order_not_exist_or_not_allow_to_cancel"}', ErrorKind.RESYNC),
        ('{"code":"400100","msg":"validation.createOrder.clientOidDuplicated"}', ErrorKind.RESYNC),
        ('{"code":"400100","msg":"Price increment invalid."}', ErrorKind.REJECTED),
        ('{"code":"400100","msg":"Unsupported trading pair."}', ErrorKind.FATAL),
        ('{"code":"600100","msg":"Order funds should more then 0.1"}', ErrorKind.REJECTED),
        ('{"code":"100004","msg":"Order is in not cancelable state"}', ErrorKind.RESYNC),
        ('{"code":"408000","msg":"Network timeout, please try again later"}', ErrorKind.UNKNOWN),
        ('{"code":"429000","msg":"Too Many Requests"}', ErrorKind.RETRYABLE),
        ('{"code":"400002","msg":"KC-API-TIMESTAMP Invalid"}', ErrorKind.CLOCK),
        ('{"code":"400200","msg":"Forbidden to place an order"}', ErrorKind.AUTH),
        ("something else", ErrorKind.UNKNOWN),
    ],
)
def test_errors_are_read_whatever_class_ccxt_gives_them(text: str, kind: ErrorKind) -> None:
    assert classify(DIALECT.errors, ["ExchangeError", "BaseError"], f"kucoin {text}").kind is kind
