"""Crypto.com's private side beyond what every venue is judged by: signatures, codes, sessions, amends, triggers."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.cryptocom.private_rest import signed_text
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import ApiKey, signature_hex
from jackbot_tui.sim.ledger import Cause
from tests.conformance.test_private_ccxt import Trader, refused, trading, until

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
ORDER = {
    "instrument_name": "BTCUSD-PERP", "side": "BUY", "quantity": "0.0100", "price": "61000.0", "type": "LIMIT",
    "client_oid": "sim-0001", "exec_inst": ["POST_ONLY"], "time_in_force": "GOOD_TILL_CANCEL",
}  # fmt: skip


def test_parameters_are_signed_as_the_vectors_say() -> None:
    text = signed_text(ORDER)
    assert text.startswith("client_oidsim-0001exec_instPOST_ONLYinstrument_nameBTCUSD-PERPprice61000.0quantity0.0100")
    payload = f"private/create-order1763683200000token{text}1763683200000"
    sig = "5e0bfc8833b384eff1bab31af9c453882ae5a99592059ce05f11a4477727677b"
    assert signature_hex("secretKey", payload) == sig
    one = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "LIMIT", "price": "60000.0", "quantity": "0.0100"}
    orders = {"contingency_type": "LIST", "order_list": [one, one | {"side": "SELL", "price": "62000.0"}]}
    payload = f"private/create-order-list1763683200000token{signed_text(orders)}1763683200000"
    sig = "84f2f0fc20eb39e65df07914c301f88111994805ce7c5dba8dd86fb55741afac"
    assert signature_hex("secretKey", payload) == sig
    nested = {"order_list": [ORDER]}
    assert "exec_instPOST_ONLYinstr" in signed_text(nested)
    assert "exec_inst[POST_ONLY]instr" in signed_text(nested, as_java=True)


def exchange() -> SimExchange:
    return SimExchange(
        front_of("cryptocom").DEFAULT_SYMBOLS, venue="cryptocom", seed=3, manual=True, start_ns=time.time_ns(),
        accounts=1,
    )  # fmt: skip


def request(
    key: ApiKey, method: str, params: Mapping[str, Any] | None = None, changed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    nonce = str(int(time.time() * 1000))
    made = {"id": nonce, "method": method, "api_key": key.key, "nonce": nonce, "params": params or {}}
    made |= changed or {}
    signed = f"{made['method']}{made['id']}{made['api_key']}{signed_text(made['params'])}{made['nonce']}"
    return {"sig": signature_hex(key.secret, signed)} | made


@pytest.mark.parametrize(
    ("changed", "code", "status"),
    [
        ({}, 0, 200),
        ({"sig": "00"}, 40101, 401),
        ({"api_key": "unknown"}, 40101, 401),
        ({"nonce": "1500000000000"}, 40102, 400),
        ({"method": "private/get-trades"}, 40003, 400),
    ],
)
async def test_a_request_is_signed_in_the_venues_way_or_refused(
    changed: dict[str, str], code: int, status: int
) -> None:
    async with exchange() as sim, aiohttp.ClientSession() as http, asyncio.timeout(20):
        asked = request(sim.accounts.keys.of(1), "private/user-balance", {}, changed)
        async with http.post(sim.ccxt_urls["v1"] + "/private/user-balance", json=asked) as reply:
            assert (reply.status, (await reply.json())["code"]) == (status, code)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[SimExchange, aiohttp.ClientWebSocketResponse]]:
    async with (
        exchange() as sim,
        aiohttp.ClientSession() as http,
        http.ws_connect(sim.ccxt_urls["ws"]["private"]) as socket,
        asyncio.timeout(20),
    ):
        yield sim, socket


async def ask(socket: aiohttp.ClientWebSocketResponse, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request, whatever is told in between."""
    await socket.send_json(asked)
    while True:
        said: dict[str, Any] = await socket.receive_json()
        if said["id"] == asked["id"]:
            return said


async def test_a_session_is_signed_in_once_and_orders_go_over_its_socket() -> None:
    async with connected() as (sim, socket):
        key = sim.accounts.keys.of(1)
        order = {name: value for name, value in ORDER.items() if name != "exec_inst"} | {"price": "30000.0"}
        placing = {"id": 5, "method": "private/create-order", "params": order}
        assert (await ask(socket, placing))["code"] == 40101
        assert (await ask(socket, request(key, "public/auth", {}, {"sig": "00"})))["code"] == 40101
        assert (await ask(socket, request(key, "public/auth")))["code"] == 0
        watching = {"id": 6, "method": "subscribe", "params": {"channels": ["user.nothing"]}}
        assert (await ask(socket, watching))["code"] == 40004
        made = await ask(socket, placing)
        assert (made["code"], made["result"]["client_oid"]) == (0, "sim-0001")
        again = await ask(socket, placing | {"id": 7})
        assert (again["code"], again["message"]) == (204, "DUPLICATE_CLORDID")
        assert (await ask(socket, {"id": 8, "method": "private/dance", "params": {}}))["code"] == 40002


async def test_orders_made_on_a_connection_are_canceled_with_it_once_that_is_set() -> None:
    async with connected() as (sim, socket):
        key, orders = sim.accounts.keys.of(1), sim.accounts.orders
        await ask(socket, request(key, "public/auth"))
        order = {"instrument_name": "BTCUSD-PERP", "side": "BUY", "type": "LIMIT", "price": "30000.0"}
        await ask(socket, {"id": 1, "method": "private/create-order", "params": order | {"quantity": "0.01"}})
        setting = {"id": 2, "method": "private/set-cancel-on-disconnect", "params": {"scope": "CONNECTION"}}
        assert (await ask(socket, setting))["result"] == {"scope": "CONNECTION"}
        assert len(orders.open_orders(1)) == 1
        await socket.close()
        while orders.open_orders(1):
            await sim.step(0.01)
            await asyncio.sleep(0)


async def placed(trader: Trader, **order: Any) -> str:
    """The code of a raw order's answer."""
    wanted = {"instrument_name": trader.listing.instrument.native, "side": "BUY", "type": "LIMIT"} | order
    try:
        await trader.call("v1PrivatePostPrivateCreateOrder", {name: each for name, each in wanted.items() if each})
    except ccxt.BaseError as error:
        return str(error).partition('"code":')[2].partition(",")[0]
    return "0"


@pytest.mark.parametrize(
    ("kind", "order", "code"),
    [
        (SPOT, {"price": "60000.001"}, "308"),
        (SPOT, {"quantity": "0.0100001"}, "213"),
        (SPOT, {"quantity": "100"}, "306"),
        (SPOT, {"instrument_name": "BTC_DOGE"}, "209"),
        (SPOT, {"client_oid": "no spaces"}, "40004"),
        (SPOT, {"side": "buy"}, "220"),
        (SPOT, {"type": "STOP_LOSS", "ref_price": "50000"}, "218"),
        (SPOT, {"price": ""}, "40004"),
        (LINEAR, {"exec_inst": ["POST_ONLY"], "time_in_force": "FILL_OR_KILL"}, "43005"),
        (LINEAR, {"exec_inst": ["REDUCE_ONLY"]}, "1110"),
        (LINEAR, {"exec_inst": ["ISOLATED_MARGIN"]}, "615"),
        (LINEAR, {"time_in_force": "FOREVER"}, "221"),
    ],
)
async def test_orders_are_refused_with_the_venues_codes(kind: MarketKind, order: dict[str, Any], code: str) -> None:
    async with trading("cryptocom", kind) as trader:
        assert await placed(trader, **{"quantity": "0.01", "price": "60000"} | order) == code
        assert trader.orders == []


async def test_what_is_not_filled_at_once_is_accepted_and_ends_with_a_reason() -> None:
    async with trading("cryptocom", LINEAR) as trader:
        for params, factor, reason in (
            ({"postOnly": True}, 1.001, "43005"),
            ({"timeInForce": "IOC"}, 0.99, "43004"),
            ({"timeInForce": "FOK"}, 0.99, "43003"),
        ):
            made = await trader.buy(trader.amount(2000), trader.price(factor), **params)
            found = await trader.call("fetch_order", made["id"], trader.symbol)
            assert (found["status"], found["info"]["reason"]) == ("canceled", reason)


async def test_ccxts_reduce_only_flag_is_not_signed_as_it_is_sent() -> None:
    async with trading("cryptocom", LINEAR) as trader:
        await trader.buy(trader.amount(2000))
        await refused(trader.sell(trader.amount(2000), reduceOnly=True), ccxt.AuthenticationError)


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
async def test_an_amended_order_goes_on_under_another_id(kind: MarketKind) -> None:
    async with trading("cryptocom", kind) as trader:
        price = trader.inside()
        made = await trader.buy(trader.amount(4000), price, client_oid="mine1")
        part = trader.lots(trader.amount(1000))
        trader.crowd_sells(part, price)
        amended = await trader.call(
            "edit_order", made["id"], trader.symbol, "limit", "buy", trader.amount(5000), price
        )
        assert (amended["id"] != made["id"], amended["clientOrderId"]) == (True, "mine1")
        trader.crowd_sells(part, price)
        trades = await trader.call("fetch_my_trades", trader.symbol)
        assert [trade["order"] for trade in trades] == [made["id"], amended["id"]]
        former = await trader.call("fetch_order", made["id"], trader.symbol)
        assert former["status"] == "canceled"
        await refused(trader.call("cancel_order", made["id"], trader.symbol))
        await trader.call("cancel_order", amended["id"], trader.symbol)
        assert trader.orders[0].status is OrderStatus.CANCELED


async def test_orders_are_found_by_their_client_id() -> None:
    async with trading("cryptocom", SPOT) as trader:
        made = await trader.buy(trader.amount(2000), trader.price(0.97), client_oid="mine1")
        found = await trader.call("v1PrivatePostPrivateGetOrderDetail", {"client_oid": "mine1"})
        assert found["result"]["order_id"] == made["id"]
        await refused(trader.call("v1PrivatePostPrivateGetOrderDetail", {"client_oid": "mine2"}), ccxt.OrderNotFound)
        await trader.call("v1PrivatePostPrivateCancelOrder", {"client_oid": "mine1"})
        assert trader.orders[0].status is OrderStatus.CANCELED


async def test_a_trigger_order_waits_apart_and_what_follows_from_it_has_another_id() -> None:
    async with trading("cryptocom", LINEAR) as trader:
        await trader.buy(trader.amount(5000))
        instrument, key = trader.listing.instrument, trader.sim.accounts.keys.of(1)
        stop = {
            "instrument_name": instrument.native, "side": "SELL", "type": "STOP_LOSS", "quantity": "0.01",
            "ref_price": f"{trader.price(0.9995):.1f}", "ref_price_type": "LAST_PRICE", "exec_inst": ["REDUCE_ONLY"],
        }  # fmt: skip
        async with aiohttp.ClientSession() as http:

            async def advanced(method: str, params: dict[str, Any]) -> dict[str, Any]:
                trader.sync()
                asked = request(key, f"private/advanced/{method}", params)
                url = f"{trader.sim.ccxt_urls['v1']}/private/advanced/{method}"
                async with http.post(url, json=asked) as reply:
                    return dict((await reply.json())["result"])

            made = await advanced("create-order", stop)
            (waiting,) = (await advanced("get-open-orders", {}))["data"]
            assert (waiting["order_id"], waiting["ref_price"]) == (made["order_id"], stop["ref_price"])
            assert await trader.call("fetch_open_orders", trader.symbol) == []
            depth = sum(size for _, size in trader.sim.engine(trader.symbol).depth(Side.BUY))
            trader.crowd_sells(depth, trader.price(0.999))
            await until(trader, lambda: trader.orders[-1].status is OrderStatus.FILLED)
            done = await advanced("get-order-detail", {"order_id": made["order_id"]})
            trades = await trader.call("fetch_my_trades", trader.symbol)
            assert {trade["order"] for trade in trades if trade["side"] == "sell"} == {done["exchange_order_id"]}


async def test_leverage_is_the_accounts() -> None:
    async with trading("cryptocom", LINEAR) as trader:
        (account,) = await trader.call("fetch_accounts")
        await trader.call("v1PrivatePostPrivateChangeAccountLeverage", {"account_id": account["id"], "leverage": "70"})
        chosen = {
            symbol: trader.accounts.positions.setting(1, f"cryptocom:{symbol}").leverage
            for symbol in ("BTC/USD:USD", "ETH/USD:USD")
        }
        assert {symbol: int(leverage) for symbol, leverage in chosen.items()} == {
            "BTC/USD:USD": 70, "ETH/USD:USD": 70,
        }  # fmt: skip


async def test_own_trades_may_be_asked_for_once_a_second() -> None:
    async with exchange() as sim, aiohttp.ClientSession() as http, asyncio.timeout(20):
        key, codes = sim.accounts.keys.of(1), []
        for _ in range(2):
            asked = request(key, "private/get-trades")
            async with http.post(sim.ccxt_urls["v1"] + "/private/get-trades", json=asked) as reply:
                codes.append((reply.status, (await reply.json())["code"]))
        assert codes == [(200, 0), (429, 42901)]


async def test_funding_and_liquidation_are_told_on_the_streams() -> None:
    async with trading("cryptocom", LINEAR) as trader:
        await trader.buy(trader.amount(5000))
        trader.sync()
        balance = asyncio.ensure_future(trader.client.watch_balance())
        orders = asyncio.ensure_future(trader.client.watch_orders(trader.symbol))
        await until(trader, lambda: trader.sim.front.listeners(1, LINEAR) > 0)
        before = (await trader.hear(balance))["USD"]["total"]
        accounts, key = trader.accounts, trader.key
        again = asyncio.ensure_future(trader.client.watch_balance())
        paid = accounts.positions.fund(1, key, Decimal("0.001"), Decimal(64_000), ms=trader.sim.timeline.now_ms())
        accounts.touch_money(1, key, ("USD",), Cause.FUNDING, paid)
        told = await trader.hear(again)
        assert told["USD"]["total"] == pytest.approx(before + float(paid))
        held = accounts.positions.position(1, key).lots
        accounts.desks[key].place_liquidation(1, Side.SELL, held, "autoclose1")
        await trader.hear(orders)
        await until(trader, lambda: trader.client.orders[-1]["status"] == "closed")
        assert trader.client.orders[-1]["info"]["exec_inst"] == ["LIQUIDATION"]
