"""KuCoin's private side where the common judge does not look: signatures, codes, topics, stops, modes, budgets."""

from typing import Any

import aiohttp
import ccxt
import msgspec
import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.kucoin.private_auth import Names, signature
from tests.conformance.test_private_ccxt import Trader, refused, trading, until

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
BOTH = pytest.mark.parametrize("kind", [SPOT, LINEAR])


def test_signatures_are_those_worked_out_by_hand() -> None:
    body = '{"clientOid":"c1","side":"buy","symbol":"BTC-USDT","type":"limit","size":"0.01","price":"50000"}'
    message = f"1700000000000POST/api/v1/hf/orders{body}"
    assert signature("FAKESECRET", message) == "m/Miq0VhPZt4zzCIDmtO9MG6mSmGffETkbw/SCrFPTY="
    assert signature("FAKESECRET", "FAKEPASS") == "cyd7lR9bQ68ZrUbRl4+5syux4kydAM2kQdiL/aQNaeM="


def test_order_ids_lead_back_to_their_orders() -> None:
    names = Names(["kucoin:BTC/USDT", "kucoin:BTC/USDT:USDT"])
    assert names.find_spot(names.spot("kucoin:BTC/USDT", 77)) == ("kucoin:BTC/USDT", 77)
    assert names.find_futures(names.futures("kucoin:BTC/USDT:USDT", 77)) == ("kucoin:BTC/USDT:USDT", 77)
    assert [names.find_spot(text) for text in ("", "77", "x" * 24)] == [None] * 3
    assert [names.find_futures(text) for text in ("", "77", "abc")] == [None] * 3


async def _ask(sim: SimExchange, session: aiohttp.ClientSession, **change: Any) -> tuple[int, str]:
    """HTTP status and code of a signed request for the accounts, with one thing about it changed."""
    key = sim.accounts.keys.of(1)
    stamp = str(sim.timeline.now_ms() + change.get("late_ms", 0))
    secret = change.get("secret", key.secret)
    headers = {
        "KC-API-KEY": change.get("key", key.key),
        "KC-API-TIMESTAMP": stamp,
        "KC-API-KEY-VERSION": "2",
        "KC-API-PASSPHRASE": signature(key.secret, change.get("passphrase", key.passphrase)),
        "KC-API-SIGN": signature(secret, f"{stamp}GET/api/v1/accounts?type=trade_hf"),
    }
    headers = {name: text for name, text in headers.items() if name != change.get("without")}
    async with session.get(f"{sim.ccxt_urls['private']}/api/v1/accounts?type=trade_hf", headers=headers) as reply:
        return reply.status, (await reply.json())["code"]


async def test_keys_passphrases_times_and_signatures_are_checked() -> None:
    sim = SimExchange(("BTC/USDT",), venue="kucoin", manual=True, accounts=1)
    async with sim, aiohttp.ClientSession() as session:
        assert await _ask(sim, session) == (200, "200000")
        assert await _ask(sim, session, without="KC-API-PASSPHRASE") == (401, "400001")
        assert await _ask(sim, session, late_ms=-6000) == (401, "400002")
        assert await _ask(sim, session, key="nobody") == (401, "400003")
        assert await _ask(sim, session, passphrase="wrong") == (401, "400004")
        assert await _ask(sim, session, secret="wrong") == (401, "400005")


async def test_budgets_are_told_and_end() -> None:
    sim = SimExchange(("BTC/USDT",), venue="kucoin", manual=True, accounts=1)
    async with sim, aiohttp.ClientSession() as session:
        answers = [await _ask(sim, session) for _ in range(801)]
        assert set(answers[:800]) == {(200, "200000")}, "4000 points in 30 s, five for each"
        assert answers[800] == (429, "429000")
        await sim.step(30)
        assert await _ask(sim, session) == (200, "200000")


async def codes(trader: Trader, *calls: tuple[str, tuple[Any, ...], dict[str, Any]]) -> list[str]:
    """The code with which each call of ccxt is refused."""
    found = []
    for name, arguments, params in calls:
        with pytest.raises(ccxt.BaseError) as told:
            await trader.call(name, *arguments, params)
        found.append(str(told.value).partition('"code":"')[2].partition('"')[0])
    return found


async def test_spot_names_what_an_order_breaks() -> None:
    async with trading("kucoin", SPOT) as trader:
        place = "privatePostHfOrders"
        order = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "size": "0.01", "price": str(trader.price(0.97))}
        assert await codes(
            trader,
            (place, (), order | {"price": "60000.05"}),
            (place, (), order | {"size": "0.000001"}),
            (place, (), order | {"size": "900"}),
            (place, (), order | {"size": "0.00001", "price": "1"}),
            (place, (), order | {"clientOid": "no blanks"}),
            (place, (), order | {"symbol": "FOO-USDT"}),
            ("cancel_order", ("000000000000000000000000", trader.symbol), {}),
        ) == ["400100", "600101", "200004", "600100", "400100", "400100", "400100"]
        assert trader.orders == []


async def test_perpetuals_want_the_contracts_margin_mode_and_take_the_orders_leverage() -> None:
    async with trading("kucoin", LINEAR) as trader:
        setting = trader.accounts.positions.setting(1, trader.key)
        amount, price = trader.amount(3000), trader.price(0.97)
        assert (await trader.call("fetch_margin_mode", trader.symbol))["marginMode"] == "isolated"
        await refused(trader.buy(amount, price, marginMode="cross"))
        await trader.buy(amount, price, leverage=7)
        assert setting.leverage == 7
        await refused(trader.call("set_margin_mode", "cross", trader.symbol))
        await trader.call("cancel_all_orders", trader.symbol)
        await trader.call("set_leverage", 9, trader.symbol)
        await trader.call("set_margin_mode", "cross", trader.symbol)
        await refused(trader.buy(amount, price))
        await trader.buy(amount, price, marginMode="cross")
        assert setting.leverage == 9, "a cross order's own leverage counts for nothing"
        assert not setting.isolated
        order = {
            "symbol": "XBTUSDTM",
            "side": "buy",
            "type": "limit",
            "size": 1,
            "price": str(price),
            "marginMode": "CROSS",
        }
        place = "futuresPrivatePostOrders"
        assert await codes(
            trader,
            (place, (), order),
            (place, (), order | {"clientOid": "a1", "timeInForce": "FOK"}),
            (place, (), order | {"clientOid": "a1", "positionSide": "LONG"}),
            (place, (), order | {"clientOid": "a1", "reduceOnly": True}),
            (place, (), order | {"clientOid": "a1", "size": 1_000_000}),
            ("cancel_order", ("300000000000000999", trader.symbol), {}),
        ) == ["400100", "400100", "330012", "300009", "300003", "100001"]


@BOTH
async def test_orders_are_found_and_canceled_by_their_client_id(kind: MarketKind) -> None:
    async with trading("kucoin", kind) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97), clientOrderId="own00001")
        found = await trader.call("fetch_order", None, trader.symbol, {"clientOrderId": "own00001"})
        assert (found["clientOrderId"], found["status"]) == ("own00001", "open")
        await trader.call("cancel_order", None, trader.symbol, {"clientOrderId": "own00001"})
        assert trader.orders[0].status is OrderStatus.CANCELED


@BOTH
async def test_a_post_only_order_that_would_take_is_accepted_and_canceled(kind: MarketKind) -> None:
    async with trading("kucoin", kind) as trader:
        made = await trader.buy(trader.amount(2000), trader.price(1.001), postOnly=True)
        found = await trader.call("fetch_order", made["id"], trader.symbol)
        assert (found["status"], found["filled"]) == ("canceled", 0)


@BOTH
async def test_a_stop_order_waits_is_canceled_and_is_set_off(kind: MarketKind) -> None:
    async with trading("kucoin", kind) as trader:
        await trader.buy(trader.amount(5000))
        params: dict[str, Any] = {"triggerPriceType": "last"} if kind is LINEAR else {}
        made = await trader.sell(trader.amount(2000), stopLossPrice=trader.price(0.95), **params)
        (shown,) = await trader.call("fetch_open_orders", trader.symbol, None, None, {"stop": True})
        assert (shown["id"], shown["triggerPrice"]) == (made["id"], pytest.approx(trader.price(0.95), rel=1e-6))
        assert await trader.call("fetch_open_orders", trader.symbol) == []
        await trader.call("cancel_order", made["id"], trader.symbol, {"stop": True} if kind is SPOT else {})
        amount = trader.amount(2000)
        await trader.sell(amount, stopLossPrice=trader.price(0.9995), **params)
        depth = sum(size for _, size in trader.sim.engine(trader.symbol).depth(Side.BUY))
        trader.crowd_sells(depth, trader.price(0.999))

        def sold() -> int:
            return sum(fill.quantity for fill in trader.accounts.orders.fills(1) if fill.side is Side.SELL)

        await until(trader, lambda: sold() == trader.lots(amount))
        assert await trader.call("fetch_open_orders", trader.symbol, None, None, {"stop": True}) == []


async def test_the_dead_mans_switch_of_spot() -> None:
    async with trading("kucoin", SPOT) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97))
        with pytest.raises(ccxt.BaseError):
            await trader.call("privatePostHfOrdersDeadCancelAll", {"timeout": 4})
        await trader.call("privatePostHfOrdersDeadCancelAll", {"timeout": 5, "symbols": "BTC-USDT"})
        await trader.sim.step(5.1)
        assert trader.orders[0].status is OrderStatus.CANCELED


async def test_a_key_tells_what_it_may() -> None:
    async with trading("kucoin", SPOT) as trader:
        told = await trader.call("privateGetUserApiKey")
        assert told["data"]["permission"] == "General,Spot,Futures"


async def test_private_topics_want_a_token_of_the_account_and_tell_of_orders_and_positions() -> None:
    async with trading("kucoin", LINEAR) as trader, aiohttp.ClientSession() as session:
        public = await trader.call("futuresPublicPostBulletPublic")
        private = await trader.call("futuresPrivatePostBulletPrivate")

        def socket_of(answer: dict[str, Any]) -> Any:
            server = answer["data"]["instanceServers"][0]["endpoint"]
            return session.ws_connect(server, params={"token": answer["data"]["token"], "connectId": "own"})

        topics = ("/contractMarket/tradeOrders", "/contractAccount/wallet", "/contract/positionAll")
        request = {"id": "1", "type": "subscribe", "topic": topics[0], "privateChannel": True, "response": True}
        async with socket_of(public) as nobodys, socket_of(private) as own:
            assert (await nobodys.receive_json())["type"] == "welcome"
            await nobodys.send_json(request)
            assert (await nobodys.receive_json())["code"] == 403
            assert (await own.receive_json())["type"] == "welcome"
            await own.send_json(request | {"topic": "/spotMarket/tradeOrders"})
            assert (await own.receive_json())["code"] == 404
            for topic in topics:
                await own.send_json(request | {"topic": topic})
                assert (await own.receive_json())["type"] == "ack"

            async def heard(topic: str) -> dict[str, Any]:
                while True:
                    frame: dict[str, Any] = msgspec.json.decode((await own.receive_str()).encode())
                    if frame.get("topic") == topic:
                        return dict(frame["data"])

            made = await trader.buy(trader.amount(4000), trader.inside(), clientOrderId="own00001")
            told = await heard(topics[0])
            assert (told["type"], told["orderId"], told["clientOid"]) == ("open", made["id"], "own00001")
            order = trader.orders[0]
            trader.crowd_sells(order.quantity // 4, trader.price(1))
            await trader.sim.step(0.05)
            told = await heard(topics[0])
            assert (told["type"], told["liquidity"], int(told["matchSize"])) == ("match", "maker", order.filled)
            told = await heard(topics[1])
            assert float(told["walletBalance"]) == float(trader.accounts.positions.wallet(1, "USDT").total)
            assert (await heard(topics[2]))["currentQty"] == order.filled
            await trader.call("cancel_order", made["id"], trader.symbol)
            told = await heard(topics[0])
            assert (told["type"], told["status"]) == ("canceled", "done")
            trader.sim.front.expire_tokens()
            assert (await own.receive_json())["data"] == "token is expired"
        async with socket_of(private) as own:
            assert (await own.receive_json())["data"] == "token is expired"
