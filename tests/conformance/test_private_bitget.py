"""Bitget's private side beyond what ccxt asks: signatures, the venue's codes, logins, limits, how orders are told."""

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
from jackbot_tui.sim.keys import ApiKey, KeyRole, signature_base64
from tests.conformance.test_private_ccxt import refused, trading

TIMEOUT_S = 20.0
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
LINEAR_ORDER = {
    "category": "USDT-FUTURES", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "qty": "0.01",
    "price": "62000", "timeInForce": "gtc",
}  # fmt: skip
SPOT_ORDER = {**LINEAR_ORDER, "category": "SPOT"}
SECRET = "demoSecret0123456789"
PLACE, CANCEL = "/api/v3/trade/place-order", "/api/v3/trade/cancel-order"


class Client:
    """Signs as Bitget's documents say; the time is the exchange's own."""

    def __init__(self, sim: SimExchange, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.key: ApiKey = sim.accounts.keys.of(1)

    async def send(
        self,
        method: str,
        path: str,
        body: str = "",
        *,
        key: str = "",
        secret: str = "",
        phrase: str = "",
        late_ms: int = 0,
    ) -> dict[str, Any]:
        """``path`` with its query; the answer with the HTTP status."""
        stamp = str(self.sim.timeline.now_ms() - late_ms)
        headers = {
            "ACCESS-KEY": key or self.key.key, "ACCESS-PASSPHRASE": phrase or self.key.passphrase,
            "ACCESS-TIMESTAMP": stamp, "Content-Type": "application/json",
            "ACCESS-SIGN": signature_base64(secret or self.key.secret, f"{stamp}{method}{path}{body}"),
        }  # fmt: skip
        target = URL(self.sim.endpoints["linear.rest"] + path, encoded=True)
        async with self.session.request(method, target, headers=headers, data=body or None) as reply:
            return {**await reply.json(), "status": reply.status}

    async def post(self, path: str, fields: Any, **more: Any) -> dict[str, Any]:
        return await self.send("POST", path, json.dumps(fields), **more)

    async def place(self, order: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return await self.post(PLACE, {**order, **fields})

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Any]:
        async with self.session.ws_connect(self.sim.endpoints["linear.public"].replace("public", "private")) as socket:
            yield socket

    def login(self, stamp: int, secret: str = "") -> dict[str, Any]:
        signed = signature_base64(secret or self.key.secret, f"{stamp}GET/user/verify")
        fields = {"apiKey": self.key.key, "passphrase": self.key.passphrase, "timestamp": str(stamp), "sign": signed}
        return {"op": "login", "args": [fields]}


@asynccontextmanager
async def opened() -> AsyncIterator[Client]:
    sim = SimExchange((SPOT, LINEAR), venue="bitget", seed=3, manual=True, accounts=2, volatility=0.2)
    async with sim, aiohttp.ClientSession() as session, asyncio.timeout(TIMEOUT_S):
        await sim.step(1)
        yield Client(sim, session)


async def subscribed(socket: Any, *topics: str) -> list[dict[str, Any]]:
    """Subscribe; what was pushed at once."""
    await socket.send_json({"op": "subscribe", "args": [{"instType": "UTA", "topic": topic} for topic in topics]})
    frames: list[dict[str, Any]] = []
    while sum("event" in frame for frame in frames) < len(topics):
        frames.append(await socket.receive_json())
    return frames


def test_signatures_are_those_of_the_documents() -> None:
    asked = "1795000000000GET/api/v2/mix/order/orders-pending?productType=USDT-FUTURES&symbol=BTCUSDT"
    assert signature_base64(SECRET, asked) == "86m0tyyGgo4K4InYLV+9surgm/V3tpLZ7yTBAAgtVOo="
    assert signature_base64(SECRET, "1795000000GET/user/verify") == "HPfkA+1bO1GIZoLa9p1kH+ewWP5KiTuhGy5NPymB/8Q="


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"secret": SECRET}, "40009"),
        ({"key": "nobody"}, "40037"),
        ({"phrase": "wrong"}, "40012"),
        ({"late_ms": 31_000}, "40008"),
    ],
)
async def test_requests_that_cannot_be_believed_are_refused(wrong: dict[str, Any], code: str) -> None:
    async with opened() as client:
        answer = await client.post(PLACE, LINEAR_ORDER, **wrong)
        assert (answer["status"], answer["code"], answer["data"]) == (400, code, None)
        assert client.sim.accounts.orders.orders(1) == []


async def test_a_unified_account_is_told_from_a_classic_one_and_a_reading_key_from_a_trading_one() -> None:
    async with opened() as client:
        assert (await client.send("GET", "/api/v3/account/settings"))["code"] == "00000"
        assert (await client.send("GET", "/api/v2/spot/account/assets"))["code"] == "40085"
        client.key = client.sim.accounts.keys.of(1, KeyRole.READER)
        assert (await client.place(LINEAR_ORDER))["code"] == "40014"
        rights = (await client.send("GET", "/api/v3/account/info"))["data"]
        assert (rights["permType"], "withdraw" in rights["permissions"]) == ("read-only", False)


@pytest.mark.parametrize(
    ("order", "fields", "code"),
    [
        (LINEAR_ORDER, {"price": "62000.05"}, "01002"),
        (LINEAR_ORDER, {"qty": "0.00005"}, "25207"),
        (LINEAR_ORDER, {"qty": "0.01005"}, "25244"),
        (LINEAR_ORDER, {"qty": "0.0001", "price": "4000"}, "45110"),
        (LINEAR_ORDER, {"qty": "100"}, "25202"),
        (LINEAR_ORDER, {"qty": "1000"}, "25203"),
        (LINEAR_ORDER, {"price": "90000"}, "25205"),
        (LINEAR_ORDER, {"side": "sell", "reduceOnly": "yes"}, "25227"),
        (LINEAR_ORDER, {"posSide": "long"}, "25236"),
        (LINEAR_ORDER, {"clientOid": "has space"}, "400172"),
        (SPOT_ORDER, {"qty": "5"}, "25202"),
        (SPOT_ORDER, {"symbol": "NOPEUSDT"}, "400172"),
    ],
)
async def test_a_rule_that_is_broken_has_its_code(order: dict[str, Any], fields: dict[str, Any], code: str) -> None:
    async with opened() as client:
        assert (await client.place(order, **fields))["code"] == code
        assert client.sim.accounts.orders.orders(1) == []


async def test_an_order_is_named_by_its_client_id_alone_and_the_id_serves_again_afterwards() -> None:
    async with opened() as client:
        assert (await client.place(SPOT_ORDER, clientOid="own-1"))["code"] == "00000"
        assert (await client.place(SPOT_ORDER, clientOid="own-1"))["code"] == "25212"
        (order,) = client.sim.accounts.orders.orders(1)
        shown = (await client.send("GET", "/api/v3/trade/order-info?clientOid=own-1"))["data"]
        assert (shown["category"], shown["orderStatus"], shown["reduceOnly"]) == ("SPOT", "live", "NO")
        changed = await client.post("/api/v3/trade/modify-order", {"clientOid": "own-1", "price": "62001"})
        assert changed["data"]["orderId"] == shown["orderId"]
        assert order.price == 6_200_100
        assert (await client.post(CANCEL, {"clientOid": "own-1"}))["code"] == "00000"
        assert (await client.post(CANCEL, {"clientOid": "own-1"}))["code"] == "25204"
        assert (await client.place(SPOT_ORDER, clientOid="own-1"))["code"] == "00000"


async def test_fills_of_all_markets_are_one_list_unless_a_category_is_named() -> None:
    async with opened() as client:
        await client.place({**LINEAR_ORDER, "orderType": "market"})
        await client.place({**SPOT_ORDER, "orderType": "market", "qty": "500"})
        (linear, spot) = client.sim.accounts.orders.orders(1)
        assert spot.value * Decimal("0.01") * Decimal("0.000001") <= Decimal(500)
        rows = (await client.send("GET", "/api/v3/trade/fills"))["data"]["list"]
        assert {row["category"] for row in rows} == {"SPOT", "USDT-FUTURES"}
        assert len({row["execId"] for row in rows}) == len(rows)
        named = (await client.send("GET", "/api/v3/trade/fills?category=SPOT"))["data"]["list"]
        assert {row["feeDetail"][0]["feeCoin"] for row in named} == {"BTC"}
        assert linear.filled == 100


async def test_eleven_orders_in_a_second_are_one_too_many() -> None:
    async with opened() as client:
        answers = [await client.place(LINEAR_ORDER) for _ in range(11)]
        assert [(answer["code"], answer["status"]) for answer in answers] == [("00000", 200)] * 10 + [("429", 429)]
        await client.sim.step(1.1)
        assert (await client.place(LINEAR_ORDER))["code"] == "00000"


@pytest.mark.parametrize("unit", [1, 1000])
async def test_a_login_in_seconds_or_milliseconds_opens_topics_that_begin_with_a_picture(unit: int) -> None:
    async with opened() as client, client.socket() as socket:
        stamp = client.sim.timeline.now_ms() * unit // 1000
        await socket.send_json({"op": "subscribe", "args": [{"instType": "UTA", "topic": "order"}]})
        assert (await socket.receive_json())["code"] == 30004
        await socket.send_json(client.login(stamp))
        assert (await socket.receive_json())["event"] == "login"
        frames = await subscribed(socket, "order", "fill", "account", "position")
        assert client.sim.front.listeners(1, MarketKind.LINEAR) == 1
        frames.append(await socket.receive_json())
        pushed = {frame["arg"]["topic"]: frame["data"] for frame in frames if "data" in frame}
        assert pushed["position"] == []
        assert {coin["coin"]: coin["balance"] for coin in pushed["account"][0]["coin"]}["USDT"] == "100000"


async def test_a_login_that_fails_closes_the_socket() -> None:
    async with opened() as client, client.socket() as socket:
        await socket.send_json(client.login(client.sim.timeline.now_ms(), SECRET))
        assert (await socket.receive_json())["code"] == 30015
        await client.sim.step(0.05)
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_a_crossing_post_only_order_is_accepted_and_then_canceled() -> None:
    async with opened() as client, client.socket() as socket:
        await socket.send_json(client.login(client.sim.timeline.now_ms()))
        await socket.receive_json()
        await subscribed(socket, "order")
        assert (await client.place(LINEAR_ORDER, price="64500", timeInForce="post_only"))["code"] == "00000"
        row = (await socket.receive_json())["data"][0]
        while row["orderStatus"] == "live":
            row = (await socket.receive_json())["data"][0]
        assert (row["orderStatus"], row["cancelReason"], row["category"]) == (
            "cancelled", "post_only_cancel", "usdt-futures",
        )  # fmt: skip


async def test_an_answer_that_is_lost_leaves_the_order_alive() -> None:
    async with opened() as client:
        client.sim.faults.set("lost_answer", 1)
        with pytest.raises(aiohttp.ClientError):
            await client.place(LINEAR_ORDER)
        (order,) = client.sim.accounts.orders.orders(1)
        assert order.is_open


async def test_a_stop_of_ccxt_waits_apart_from_other_orders_and_is_canceled() -> None:
    async with trading("bitget", MarketKind.LINEAR) as trader:
        await trader.buy(trader.amount(5000))
        made = await trader.sell(trader.amount(2000), stopLossPrice=trader.price(0.95), reduceOnly=True)
        await refused(trader.sell(trader.amount(2000), stopLossPrice=trader.price(1.05)))
        assert trader.orders[-1].waiting
        assert await trader.call("fetch_open_orders", trader.symbol) == []
        (shown,) = await trader.call("fetch_open_orders", trader.symbol, None, None, {"trigger": True})
        assert (shown["id"], shown["stopLossPrice"]) == (made["id"], pytest.approx(trader.price(0.95), rel=1e-6))
        await trader.call("cancel_order", made["id"], trader.symbol, {"trigger": True})
        assert trader.orders[-1].status is OrderStatus.CANCELED


async def test_what_follows_from_a_stop_is_an_order_of_its_own() -> None:
    async with opened() as client, client.socket() as socket:
        await client.place(LINEAR_ORDER, orderType="market")
        await socket.send_json(client.login(client.sim.timeline.now_ms()))
        await socket.receive_json()
        await subscribed(socket, "order")
        engine = client.sim.engine(LINEAR)
        assert engine.best_bid is not None
        stop = {
            "category": "USDT-FUTURES", "symbol": "BTCUSDT", "side": "sell", "qty": "0.01", "slTriggerBy": "market",
            "stopLoss": str(Decimal(engine.best_bid - 20) * Decimal("0.1")), "slOrderType": "market", "posSide": "long",
        }  # fmt: skip
        made = await client.post("/api/v3/trade/place-strategy-order", stop)
        lots = sum(size for _, size in engine.depth(Side.BUY))
        engine.submit(Side.SELL, lots, engine.best_bid - 100, now=client.sim.timeline.elapsed_ns)
        await client.sim.step(0.1)
        row = (await socket.receive_json())["data"][0]
        assert (row["side"], row["reduceOnly"]) == ("sell", "yes")
        assert row["orderId"] != made["data"]["orderId"]
        path = "/api/v3/trade/history-strategy-orders?category=USDT-FUTURES"
        (ended,) = (await client.send("GET", path))["data"]["list"]
        assert ended["orderStatus"] == "executed"


async def test_funding_moves_the_wallet_which_is_told_with_the_positions_every_five_seconds() -> None:
    async with opened() as client, client.socket() as socket:
        await client.place(LINEAR_ORDER, orderType="market", side="sell")
        await socket.send_json(client.login(client.sim.timeline.now_ms()))
        await socket.receive_json()
        await subscribed(socket, "account", "position")
        marks = client.sim.market(LINEAR).marks
        assert marks is not None
        marks.next_funding_ms = client.sim.timeline.now_ms()
        pushed = await told(client, socket, 1.1)
        wallet = client.sim.accounts.positions.wallet(1, "USDT").total
        (fee,) = client.sim.accounts.orders.fills(1)
        paid = wallet - Decimal(100_000) + fee.fee
        assert float(paid) == pytest.approx(0.01 * marks.settlements[-1].mark * marks.settlements[-1].rate, rel=1e-3)
        (usdt,) = [coin for coin in pushed["account"][-1][0]["coin"] if coin["coin"] == "USDT"]
        assert Decimal(usdt["balance"]) == wallet
        again = await told(client, socket, 5.1)
        assert (len(again["account"]), len(again["position"])) == (1, 1)
        assert (again["position"][0][0]["posSide"], again["position"][0][0]["size"]) == ("short", "0.0100")


async def told(client: Client, socket: Any, seconds: float) -> dict[str, list[Any]]:
    """What is pushed while the market runs so long, by topic."""
    await client.sim.step(seconds)
    await socket.send_str("ping")
    pushed: dict[str, list[Any]] = {"account": [], "position": []}
    while (message := await socket.receive_str()) != "pong":
        frame = json.loads(message)
        if "data" in frame:
            pushed[frame["arg"]["topic"]].append(frame["data"])
    return pushed


LONG = "9" * 5000
UNREADABLE = (
    "", "[]", "null", "{}", '{"op":5,"args":7}', '{"op":"subscribe","args":[{"topic":[]},7,null,["a"]]}',
    '{"op":"unsubscribe","args":[{"a":1},[2]]}', f'{{"op":"login","args":[{{"timestamp":"{LONG}"}}]}}',
)  # fmt: skip


@pytest.mark.parametrize("frame", UNREADABLE)
async def test_what_cannot_be_read_is_answered_and_not_fallen_over(frame: str) -> None:
    async with opened() as client, client.socket() as socket:
        await socket.send_str(frame)
        await socket.send_str("ping")
        while await socket.receive_str() != "pong":
            pass
        assert client.sim.front.listeners(1, MarketKind.SPOT) == 0
