"""Bybit's private side beyond what ccxt asks: signatures, the venue's codes, logins, limits, how orders are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from yarl import URL

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey, KeyRole, signature_hex

TIMEOUT_S = 20.0
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
LINEAR_ORDER = {
    "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000",
}  # fmt: skip
SPOT_ORDER = {**LINEAR_ORDER, "category": "spot"}
SECRET = "demoSecret0123456789"


class Client:
    """Signs as Bybit's documents say; the time is the exchange's own."""

    def __init__(self, sim: SimExchange, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.key: ApiKey = sim.accounts.keys.of(1)

    async def send(
        self, method: str, path: str, payload: str, *, key: str = "", secret: str = "", late_ms: int = 0
    ) -> dict[str, Any]:
        name, stamp = key or self.key.key, str(self.sim.timeline.now_ms() - late_ms)
        headers = {
            "X-BAPI-API-KEY": name, "X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": signature_hex(secret or self.key.secret, f"{stamp}{name}5000{payload}"),
        }  # fmt: skip
        url = self.sim.endpoints["linear.rest"] + path
        body = payload if method == "POST" else None
        target = URL(url if body is not None else f"{url}?{payload}", encoded=True)
        async with self.session.request(method, target, headers=headers, data=body) as reply:
            content: dict[str, Any] = await reply.json()
            assert reply.status == 200
            return {**content, "headers": reply.headers}

    async def post(self, path: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
        return await self.send("POST", path, json.dumps(fields), **more)

    async def create(self, order: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return await self.post("/v5/order/create", {**order, **fields})

    @asynccontextmanager
    async def socket(self, path: str = "/v5/private", *, login: bool = True) -> AsyncIterator[Any]:
        base = self.sim.endpoints["linear.public"].removesuffix("/v5/public/linear")
        async with self.session.ws_connect(base + path) as socket:
            if login:
                expires = self.sim.timeline.now_ms() + 10_000
                signed = signature_hex(self.key.secret, f"GET/realtime{expires}")
                await socket.send_json({"op": "auth", "args": [self.key.key, expires, signed]})
                said = await socket.receive_json()
                assert said.get("success") is True or said["retCode"] == 0
            yield socket


@asynccontextmanager
async def opened() -> AsyncIterator[Client]:
    sim = SimExchange((SPOT, LINEAR), venue="bybit", seed=3, manual=True, accounts=2, volatility=0.2)
    async with sim, aiohttp.ClientSession() as session, asyncio.timeout(TIMEOUT_S):
        await sim.step(1)
        yield Client(sim, session)


async def heard(client: Client, socket: Any, topic: str) -> dict[str, Any]:
    """The next row of a topic."""
    while True:
        frame = await socket.receive_json()
        if frame.get("topic") == topic:
            row: dict[str, Any] = frame["data"][0]
            return row


def test_signatures_are_those_of_the_documents() -> None:
    begin = "1795000000000demoKey5000"
    query = "category=linear&symbol=BTCUSDT&openOnly=0"
    assert signature_hex(SECRET, begin + query) == "6cae9bb762c802cc960b16dd491dcfbcc9118e8ef02096a6f023c944b2421237"
    login = "8ae6cfb3e41ed991a1b6bfe391e5bcc9f7d355506151e68d16c2f8c5345fbec7"
    assert signature_hex(SECRET, "GET/realtime1795000010000") == login


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"secret": SECRET}, 10004), ({"key": "nobody"}, 10003), ({"late_ms": 5100}, 10002), ({"late_ms": -1000}, 10002)],
)
async def test_requests_that_cannot_be_believed_are_refused_with_http_200(wrong: dict[str, Any], code: int) -> None:
    async with opened() as client:
        assert (await client.post("/v5/order/create", LINEAR_ORDER, **wrong))["retCode"] == code
        assert client.sim.accounts.orders.orders(1) == []


async def test_a_reading_key_is_told_that_it_may_not_trade_and_says_so_of_itself() -> None:
    async with opened() as client:
        client.key = client.sim.accounts.keys.of(1, KeyRole.READER)
        assert (await client.create(LINEAR_ORDER))["retCode"] == 10005
        rights = (await client.send("GET", "/v5/user/query-api", ""))["result"]
        assert (rights["readOnly"], rights["permissions"]["Spot"]) == (1, [])


@pytest.mark.parametrize(
    ("order", "fields", "code"),
    [
        (LINEAR_ORDER, {"price": "60000.05"}, 10001),
        (LINEAR_ORDER, {"qty": "0.0001"}, 10001),
        (LINEAR_ORDER, {"qty": "0.001", "price": "4000"}, 110094),
        (LINEAR_ORDER, {"qty": "100"}, 110007),
        (LINEAR_ORDER, {"qty": "1400"}, 110016),
        (LINEAR_ORDER, {"side": "Sell", "reduceOnly": True}, 110017),
        (LINEAR_ORDER, {"triggerPrice": "10000", "triggerDirection": 1}, 110092),
        (LINEAR_ORDER, {"positionIdx": 1}, 10001),
        (LINEAR_ORDER, {"orderLinkId": "has space"}, 10001),
        (LINEAR_ORDER, {"symbol": "NOPEUSDT"}, 10001),
        (SPOT_ORDER, {"price": "60000.05"}, 170134),
        (SPOT_ORDER, {"qty": "0.0000001"}, 170136),
        (SPOT_ORDER, {"qty": "0.00001"}, 170140),
        (SPOT_ORDER, {"qty": "5"}, 170131),
    ],
)
async def test_a_rule_that_is_broken_has_its_code(order: dict[str, Any], fields: dict[str, Any], code: int) -> None:
    async with opened() as client:
        answer = await client.create(order, **fields)
        assert (answer["retCode"], answer["result"]) == (code, {})
        assert client.sim.accounts.orders.orders(1) == []


@pytest.mark.parametrize(("order", "twice", "unknown"), [(LINEAR_ORDER, 110072, 110001), (SPOT_ORDER, 170141, 170213)])
async def test_client_ids_serve_once_for_ever(order: dict[str, Any], twice: int, unknown: int) -> None:
    async with opened() as client:
        named = {"category": order["category"], "symbol": "BTCUSDT", "orderLinkId": "own-1"}
        assert (await client.create(order, orderLinkId="own-1"))["retCode"] == 0
        assert (await client.post("/v5/order/cancel", named))["retCode"] == 0
        assert (await client.post("/v5/order/cancel", named))["retCode"] == unknown
        assert (await client.create(order, orderLinkId="own-1"))["retCode"] == twice
        query = f"category={order['category']}&symbol=BTCUSDT&orderLinkId=own-1"
        (row,) = (await client.send("GET", "/v5/order/realtime", query))["result"]["list"]
        assert (row["orderStatus"], row["cancelType"], "tpslMode" in row) == (
            "Cancelled", "CancelByUser", order["category"] == "linear",
        )  # fmt: skip


async def test_a_market_buy_on_spot_spends_quote_currency_unless_told_otherwise() -> None:
    async with opened() as client:
        market = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "500"}
        assert (await client.create(market))["retCode"] == 0
        (order,) = client.sim.accounts.orders.orders(1)
        spent = order.value * Decimal("0.1") * Decimal("0.000001")
        assert Decimal(499) < spent <= Decimal(500)


async def test_eleven_orders_in_a_second_are_one_too_many() -> None:
    async with opened() as client:
        answers = [await client.create(LINEAR_ORDER) for _ in range(11)]
        assert [answer["retCode"] for answer in answers] == [0] * 10 + [10006]
        assert answers[-1]["headers"]["X-Bapi-Limit-Status"] == "0"
        await client.sim.step(1.1)
        assert (await client.create(LINEAR_ORDER))["retCode"] == 0


async def test_a_login_that_fails_opens_nothing_and_topics_need_one() -> None:
    async with opened() as client, client.socket(login=False) as socket:
        await socket.send_json({"op": "subscribe", "args": ["order"], "req_id": "1"})
        assert (await socket.receive_json())["success"] is False
        expires = client.sim.timeline.now_ms() + 10_000
        await socket.send_json({"op": "auth", "args": [client.key.key, expires, "00"]})
        assert (await socket.receive_json())["success"] is False
        assert client.sim.front.listeners(1, MarketKind.SPOT) == 0
        await socket.send_json({"op": "ping", "req_id": "2"})
        pong = await socket.receive_json()
        assert (pong["op"], pong["req_id"], len(pong["args"])) == ("pong", "2", 1)


async def test_a_whole_topic_and_its_parts_exclude_each_other() -> None:
    async with opened() as client, client.socket() as socket:
        for topics, success in ((["order", "order.linear"], False), (["order"], True), (["orders"], False)):
            await socket.send_json({"op": "subscribe", "args": topics})
            assert (await socket.receive_json())["success"] is success


async def test_a_crossing_post_only_order_is_accepted_and_then_canceled() -> None:
    async with opened() as client, client.socket() as socket:
        await socket.send_json({"op": "subscribe", "args": ["order"]})
        await socket.receive_json()
        answer = await client.create(LINEAR_ORDER, price="64500", timeInForce="PostOnly")
        assert answer["retCode"] == 0
        row = await heard(client, socket, "order")
        while row["orderStatus"] == "New":
            row = await heard(client, socket, "order")
        assert (row["orderStatus"], row["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")


async def test_a_price_beyond_the_band_is_moved_and_told() -> None:
    async with opened() as client, client.socket() as socket:
        await socket.send_json({"op": "subscribe", "args": ["order"]})
        await socket.receive_json()
        await client.create(LINEAR_ORDER, side="Sell", price="40000", qty="0.001")
        row = await heard(client, socket, "order")
        assert Decimal(row["price"]) > Decimal(60_000)


async def test_the_order_entry_socket_answers_under_the_clients_number_once() -> None:
    async with opened() as client, client.socket("/v5/trade") as socket:
        header = {"X-BAPI-TIMESTAMP": str(client.sim.timeline.now_ms()), "X-BAPI-RECV-WINDOW": "5000"}
        request = {"reqId": "7", "header": header, "op": "order.create", "args": [LINEAR_ORDER]}
        await socket.send_json(request)
        answer = await socket.receive_json()
        assert (answer["retCode"], answer["reqId"], answer["header"]["X-Bapi-Limit"]) == (0, "7", "10")
        await socket.send_json(request)
        assert (await socket.receive_json())["retCode"] == 20006
        named = {"category": "linear", "symbol": "BTCUSDT", "orderId": answer["data"]["orderId"]}
        await socket.send_json({**request, "reqId": "8", "op": "order.cancel", "args": [named]})
        assert (await socket.receive_json())["retCode"] == 0
        (order,) = client.sim.accounts.orders.orders(1)
        assert order.status is OrderStatus.CANCELED


async def test_an_answer_that_is_lost_leaves_the_order_alive() -> None:
    async with opened() as client:
        client.sim.faults.set("lost_answer", 1)
        with pytest.raises(aiohttp.ClientError):
            await client.create(LINEAR_ORDER)
        (order,) = client.sim.accounts.orders.orders(1)
        assert order.is_open


async def test_a_conditional_order_waits_and_a_canceled_one_is_deactivated() -> None:
    async with opened() as client:
        await client.create(LINEAR_ORDER, orderType="Market")
        stop = {"side": "Sell", "orderType": "Market", "triggerPrice": "50000", "triggerDirection": 2}
        made = await client.create(LINEAR_ORDER, **stop, reduceOnly=True, orderLinkId="stop")
        query = "category=linear&symbol=BTCUSDT&orderFilter=StopOrder"
        (row,) = (await client.send("GET", "/v5/order/realtime", query))["result"]["list"]
        assert (row["orderId"], row["orderStatus"]) == (made["result"]["orderId"], "Untriggered")
        assert (row["triggerPrice"], row["triggerDirection"]) == ("50000.00", 2)
        await client.post("/v5/order/cancel", {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "stop"})
        (row,) = (await client.send("GET", "/v5/order/history", f"{query}&orderLinkId=stop"))["result"]["list"]
        assert row["orderStatus"] == "Deactivated"


async def test_a_conditional_order_that_is_set_off_keeps_its_id() -> None:
    async with opened() as client, client.socket() as socket:
        await client.create(LINEAR_ORDER, orderType="Market")
        await socket.send_json({"op": "subscribe", "args": ["order"]})
        await socket.receive_json()
        engine = client.sim.engine(LINEAR)
        assert engine.best_bid is not None
        near = str(Decimal(engine.best_bid - 20) * Decimal("0.1"))
        made = await client.create(
            LINEAR_ORDER, side="Sell", orderType="Market", triggerPrice=near, triggerDirection=2, reduceOnly=True
        )
        lots = sum(size for _, size in engine.depth(Side.BUY))
        engine.submit(Side.SELL, lots, engine.best_bid - 100, now=client.sim.timeline.elapsed_ns)
        await client.sim.step(0.1)
        told = [await heard(client, socket, "order")]
        while told[-1]["orderStatus"] not in ("Filled", "Cancelled"):
            told.append(await heard(client, socket, "order"))
        assert {row["orderId"] for row in told} == {made["result"]["orderId"]}
        assert [row["orderStatus"] for row in told][:2] == ["Untriggered", "Triggered"]


async def test_funding_is_an_execution_and_moves_the_wallet() -> None:
    async with opened() as client, client.socket() as socket:
        await client.create(LINEAR_ORDER, side="Sell", orderType="Market")
        await socket.send_json({"op": "subscribe", "args": ["execution", "wallet"]})
        await socket.receive_json()
        marks = client.sim.market(LINEAR).marks
        assert marks is not None
        marks.next_funding_ms = client.sim.timeline.now_ms()
        await client.sim.step(1.1)
        row = await heard(client, socket, "execution")
        value = 0.01 * marks.settlements[-1].mark
        assert (row["execType"], row["symbol"]) == ("Funding", "BTCUSDT")
        assert float(row["execFee"]) == pytest.approx(-value * marks.settlements[-1].rate, rel=1e-3)
        listed = await client.send("GET", "/v5/execution/list", "category=linear&execType=Funding")
        assert [each["execFee"] for each in listed["result"]["list"]] == [row["execFee"]]
        assert (await heard(client, socket, "wallet"))["accountType"] == "UNIFIED"


async def test_a_liquidation_is_told_as_one() -> None:
    async with opened() as client, client.socket() as socket:
        await client.create(LINEAR_ORDER, orderType="Market")
        await socket.send_json({"op": "subscribe", "args": ["order", "execution", "position"]})
        await socket.receive_json()
        desk = client.sim.accounts.desks["bybit:BTC/USDT:USDT"]
        desk.place_liquidation(1, Side.SELL, 10, "liquidation")
        await client.sim.step(0.05)
        assert (await heard(client, socket, "order"))["createType"] == "CreateByLiq"
        assert (await heard(client, socket, "execution"))["execType"] == "BustTrade"
        flat = await heard(client, socket, "position")
        while flat["size"] != "0.000":
            flat = await heard(client, socket, "position")
        assert flat["side"] == ""


LONG = "9" * 5000
UNREADABLE = (
    "", "[]", "null", "{}", '{"op":5,"args":7}', '{"op":"subscribe","args":[{"topic":[]},7,null,["a"]]}',
    '{"op":"unsubscribe","args":[{"a":1},[2]]}', f'{{"op":"auth","args":["key","{LONG}","sign"]}}',
)  # fmt: skip


@pytest.mark.parametrize("frame", UNREADABLE)
async def test_what_cannot_be_read_is_answered_and_not_fallen_over(frame: str) -> None:
    async with opened() as client, client.socket() as socket:
        await socket.send_str(frame)
        await socket.send_json({"op": "ping", "req_id": "last"})
        while (await socket.receive_json()).get("req_id") != "last":
            pass
        assert client.sim.front.listeners(1, MarketKind.SPOT) == 0
