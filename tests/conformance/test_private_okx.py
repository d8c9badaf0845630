"""OKX's private side beyond what every venue is judged by: refusals in its own codes, logins, stops, modes, switch."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import ApiKey, KeyRole, signature_base64
from jackbot_tui.sim.ledger import Cause
from tests.conformance.test_private_ccxt import Trader, refused, trading, until

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
BALANCE = "/api/v5/account/balance"


def exchange() -> SimExchange:
    return SimExchange(
        front_of("okx").DEFAULT_SYMBOLS, venue="okx", seed=3, manual=True, start_ns=time.time_ns(), accounts=1
    )


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[SimExchange, aiohttp.ClientWebSocketResponse]]:
    async with (
        exchange() as sim,
        aiohttp.ClientSession() as http,
        http.ws_connect(sim.ccxt_urls["ws"] + "/private") as socket,
        asyncio.timeout(20),
    ):
        yield sim, socket


def headers(key: ApiKey, method: str, path: str, body: str = "", *, at: str = "", **changed: str) -> dict[str, str]:
    stamp = at or time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    made = {
        "OK-ACCESS-KEY": key.key,
        "OK-ACCESS-PASSPHRASE": key.passphrase,
        "OK-ACCESS-TIMESTAMP": stamp,
        "OK-ACCESS-SIGN": signature_base64(key.secret, f"{stamp}{method}{path}{body}"),
    }
    return {name: value for name, value in (made | changed).items() if value}


def login(key: ApiKey, **changed: str) -> dict[str, Any]:
    stamp = str(int(time.time()))
    sign = signature_base64(key.secret, f"{stamp}GET/users/self/verify")
    said = {"apiKey": key.key, "passphrase": key.passphrase, "timestamp": stamp, "sign": sign}
    return {"op": "login", "args": [said | changed]}


@pytest.mark.parametrize(
    ("changed", "code", "status"),
    [
        ({}, "0", 200),
        ({"OK-ACCESS-SIGN": "AAAA"}, "50113", 401),
        ({"OK-ACCESS-KEY": "unknown"}, "50111", 401),
        ({"OK-ACCESS-PASSPHRASE": "wrong"}, "50105", 401),
        ({"OK-ACCESS-PASSPHRASE": ""}, "50104", 401),
        ({"OK-ACCESS-KEY": ""}, "50103", 401),
        ({"at": "2020-01-01T00:00:00.000Z"}, "50102", 401),
        ({"at": "yesterday"}, "50112", 401),
    ],
)
async def test_a_request_is_signed_in_okx_way_or_refused_with_its_code(
    changed: dict[str, str], code: str, status: int
) -> None:
    async with exchange() as sim, aiohttp.ClientSession() as http, asyncio.timeout(20):
        signed = headers(sim.accounts.keys.of(1), "GET", BALANCE, **changed)
        async with http.get(sim.ccxt_urls["rest"] + BALANCE, headers=signed) as reply:
            assert (reply.status, (await reply.json())["code"]) == (status, code)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sign": "AAAA"}, "60007"),
        ({"apiKey": "unknown"}, "60032"),
        ({"passphrase": "wrong"}, "60024"),
        ({"timestamp": "1500000000"}, "60006"),
        ({"timestamp": "now"}, "60004"),
    ],
)
async def test_a_login_that_fails_is_told_why_and_hung_up(changed: dict[str, str], code: str) -> None:
    async with connected() as (sim, socket):
        await socket.send_json(login(sim.accounts.keys.of(1), **changed))
        said = await socket.receive_json()
        assert (said["event"], said["code"]) == ("error", code)
        await sim.step(0.05)
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4001


async def test_a_socket_knows_its_channels_and_asks_for_a_login_once() -> None:
    async with connected() as (sim, socket):

        async def ask(request: Any) -> dict[str, Any]:
            await socket.send_json(request)
            return dict(await socket.receive_json())

        def subscribe(channel: str) -> dict[str, Any]:
            return {"op": "subscribe", "args": [{"channel": channel, "instType": "SWAP"}]}

        assert (await ask(subscribe("orders")))["code"] == "60011"
        assert (await ask(login(sim.accounts.keys.of(1))))["event"] == "login"
        assert (await ask(login(sim.accounts.keys.of(1))))["code"] == "60031"
        assert (await ask(subscribe("orders-algo")))["code"] == "60018"
        assert (await ask({"op": "order", "id": "1", "args": [{"instId": "BTC-USDT"}]}))["code"] == "50014"
        assert (await ask({"op": "dance", "args": [{}]}))["code"] == "60019"
        await socket.send_str("ping")
        assert (await socket.receive()).data == "pong"
        sim.faults.trigger("expire_tokens")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4007


async def place(trader: Trader, **order: str) -> dict[str, Any]:
    """A raw order; the row that answers it."""
    wanted = {"instId": trader.listing.instrument.native, "side": "buy", "ordType": "limit"} | order
    trader.sync()
    try:
        reply = await trader.client.privatePostTradeOrder(wanted)
    except ccxt.BaseError as error:
        reply = json.loads(str(error).removeprefix("okx "))
    return dict(reply["data"][0])


@pytest.mark.parametrize(
    ("kind", "order", "code"),
    [
        (SPOT, {"tdMode": "cash", "clOrdId": "with-dash"}, "51000"),
        (SPOT, {"tdMode": "cash", "sz": "0.000010001"}, "51121"),
        (SPOT, {"tdMode": "cash", "sz": "0.000001"}, "51020"),
        (SPOT, {"tdMode": "cash", "sz": "1000"}, "51008"),
        (SPOT, {"tdMode": "cross"}, "51010"),
        (SPOT, {"tdMode": "cash", "px": ""}, "51204"),
        (SPOT, {"tdMode": "cash", "instId": "BTC-DOGE"}, "51001"),
        (LINEAR, {"tdMode": "cross", "posSide": "long"}, "51000"),
        (LINEAR, {"tdMode": "cross", "sz": "0.015"}, "51121"),
        (LINEAR, {"tdMode": "isolated", "reduceOnly": "true"}, "51169"),
        (LINEAR, {"tdMode": "cash"}, "51000"),
    ],
)
async def test_orders_are_refused_with_the_venues_codes(kind: MarketKind, order: dict[str, str], code: str) -> None:
    async with trading("okx", kind) as trader:
        row = await place(trader, **{"clOrdId": "ours1", "px": "60000", "sz": "0.01"} | order)
        assert (row["sCode"], row["ordId"], trader.orders) == (code, "", [])


async def test_a_spot_market_buys_size_is_money_unless_it_says_otherwise() -> None:
    async with trading("okx", SPOT) as trader:
        await place(trader, ordType="market", tdMode="cash", sz="1000", clOrdId="money")
        spent = sum(fill.price * fill.quantity for fill in trader.accounts.orders.fills(1))
        instrument = trader.listing.instrument
        assert 995 < spent * instrument.tick * instrument.lot <= 1000
        found = await trader.call("fetch_order", None, trader.symbol, {"clientOrderId": "money"})
        assert (found["status"], found["cost"]) == ("closed", pytest.approx(1000))


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
async def test_orders_are_found_and_canceled_by_their_client_id(kind: MarketKind) -> None:
    async with trading("okx", kind) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97), clientOrderId="own00001")
        found = await trader.call("fetch_order", None, trader.symbol, {"clientOrderId": "own00001"})
        assert found["id"] == str(trader.orders[0].order_id)
        await trader.call("cancel_order", None, trader.symbol, {"clientOrderId": "own00001"})
        assert trader.orders[0].status is OrderStatus.CANCELED


async def test_a_post_only_order_that_would_take_is_accepted_and_canceled_with_source_31() -> None:
    async with trading("okx", LINEAR) as trader:
        made = await trader.buy(trader.amount(2000), trader.price(1.001), postOnly=True)
        found = await trader.call("fetch_order", made["id"], trader.symbol)
        assert (found["status"], found["filled"], found["info"]["cancelSource"]) == ("canceled", 0, "31")


async def test_a_stop_is_an_algo_order_and_what_follows_from_it_has_an_id_of_its_own() -> None:
    async with trading("okx", LINEAR) as trader:
        await trader.buy(trader.amount(5000))
        trader.sync()
        watching = asyncio.ensure_future(trader.client.watch_orders(trader.symbol))
        await until(trader, lambda: trader.sim.front.listeners(1, LINEAR) > 0)
        amount = trader.amount(2000)
        await refused(trader.sell(amount, stopLossPrice=trader.price(1.05)))
        made = await trader.sell(amount, stopLossPrice=trader.price(0.9995), algoClOrdId="stop1", reduceOnly=True)
        params = {"trigger": True, "ordType": "conditional"}
        (shown,) = await trader.call("fetch_open_orders", trader.symbol, None, None, params)
        assert (shown["id"], shown["stopLossPrice"]) == (made["id"], pytest.approx(trader.price(0.9995), rel=1e-6))
        assert await trader.call("fetch_open_orders", trader.symbol) == []
        depth = sum(size for _, size in trader.sim.engine(trader.symbol).depth(Side.BUY))
        trader.crowd_sells(depth, trader.price(0.999))
        await trader.hear(watching)
        await until(trader, lambda: trader.client.orders[-1]["status"] == "closed")
        told = trader.client.orders[-1]
        assert (told["info"]["algoId"], told["info"]["algoClOrdId"]) == (made["id"], "stop1")
        assert (told["clientOrderId"], trader.lots(told["filled"])) == (None, trader.lots(amount))
        stop = await trader.call("fetch_order", made["id"], trader.symbol, {"trigger": True})
        assert (stop["status"], stop["info"]["ordId"]) == ("closed", told["info"]["ordId"])


async def test_an_order_brings_its_margin_mode_and_each_mode_has_its_own_leverage() -> None:
    async with trading("okx", LINEAR) as trader:
        await trader.call("set_leverage", 5, trader.symbol, {"marginMode": "isolated"})
        await trader.call("set_leverage", 9, trader.symbol)
        await trader.buy(trader.amount(2000), marginMode="isolated")
        (position,) = await trader.call("fetch_positions", [trader.symbol])
        assert (position["marginMode"], position["leverage"]) == ("isolated", 5)
        await refused(trader.buy(trader.amount(2000), marginMode="cross"))
        instrument = trader.listing.instrument.native
        more = {"instId": instrument, "posSide": "net", "type": "add", "amt": "20"}
        await trader.call("privatePostAccountPositionMarginBalance", more)
        (fatter,) = await trader.call("fetch_positions", [trader.symbol])
        assert fatter["collateral"] > position["collateral"] + 15
        await trader.call("privatePostTradeClosePosition", {"instId": instrument, "mgnMode": "isolated"})
        assert trader.accounts.positions.position(1, trader.key).lots == 0


async def test_the_dead_mans_switch_counts_for_the_whole_account() -> None:
    async with trading("okx", SPOT) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97))
        await trader.call("create_order", "BTC/USDT:USDT", "limit", "buy", 1, trader.price(0.9))
        await refused(trader.call("cancel_all_orders_after", 5_000))
        await trader.call("cancel_all_orders_after", 10_000)
        await trader.sim.step(10.1)
        assert {order.status for order in trader.accounts.orders.orders(1)} == {OrderStatus.CANCELED}
        found = await trader.call("fetch_order", str(trader.orders[0].order_id), trader.symbol)
        assert found["info"]["cancelSource"] == "20"


async def test_orders_go_over_the_socket_by_the_instruments_code() -> None:
    async with trading("okx", LINEAR) as trader:
        made = await trader.call(
            "create_order_ws", trader.symbol, "limit", "buy", trader.amount(2000), trader.price(0.97)
        )
        assert trader.orders[0].order_id == int(made["id"])
        await trader.call("edit_order_ws", made["id"], trader.symbol, "limit", "buy", None, trader.price(0.96))
        assert trader.orders[0].amendments == 1
        await trader.call("cancel_order_ws", made["id"], trader.symbol)
        assert trader.orders[0].status is OrderStatus.CANCELED


async def test_the_key_says_what_it_may_do() -> None:
    for role, rights in ((KeyRole.READER, "read_only"), (KeyRole.OWNER, "read_only,trade,withdraw")):
        async with trading("okx", SPOT, role) as trader:
            reply = await trader.call("privateGetAccountConfig")
            assert reply["data"][0]["perm"] == rights


async def test_a_page_asked_too_often_is_refused_with_429() -> None:
    async with exchange() as sim, aiohttp.ClientSession() as http, asyncio.timeout(20):
        key, path = sim.accounts.keys.of(1), "/api/v5/account/positions"
        codes = []
        for _ in range(11):
            async with http.get(sim.ccxt_urls["rest"] + path, headers=headers(key, "GET", path)) as reply:
                codes.append((reply.status, (await reply.json())["code"]))
        assert codes == [(200, "0")] * 10 + [(429, "50011")]


async def test_funding_and_liquidation_are_told_on_the_streams() -> None:
    async with trading("okx", LINEAR) as trader:
        await trader.buy(trader.amount(5000))
        trader.sync()
        orders = asyncio.ensure_future(trader.client.watch_orders(trader.symbol))
        await until(trader, lambda: trader.sim.front.listeners(1, LINEAR) > 0)
        accounts, key, now_ms = trader.accounts, trader.key, trader.sim.timeline.now_ms()
        paid = accounts.positions.fund(1, key, Decimal("0.001"), Decimal(64_000), ms=now_ms)
        accounts.touch_money(1, key, ("USDT",), Cause.FUNDING, paid)
        (bill,) = (await trader.call("privateGetAccountBills", {"type": "8"}))["data"]
        assert (Decimal(bill["balChg"]), bill["instId"]) == (paid, "BTC-USDT-SWAP")
        held = accounts.positions.position(1, key).lots
        accounts.desks[key].place_liquidation(1, Side.SELL, held, "autoclose1")
        await trader.hear(orders)
        await until(trader, lambda: trader.client.orders[-1]["status"] == "closed")
        assert trader.client.orders[-1]["info"]["category"] == "full_liquidation"
        assert accounts.positions.position(1, key).lots == 0
