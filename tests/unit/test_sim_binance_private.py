"""Binance's private side over loopback: signatures, refusals, order counts, user streams, and the faults of trading."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.keys import ApiKey, KeyRole, signature_hex

TIMEOUT_S = 20.0
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
SPOT_KEY, LINEAR_KEY = "binance:BTC/USDT", "binance:BTC/USDT:USDT"
SYMBOL = {"symbol": "BTCUSDT"}
SMALL = {**SYMBOL, "type": "LIMIT", "timeInForce": "GTC", "side": "BUY", "quantity": "0.01", "price": "60000"}


class Answer:
    def __init__(self, status: int, content: Any, headers: Any) -> None:
        self.status = status
        self.content = content
        self.headers = headers

    @property
    def code(self) -> int:
        found: int = self.content["code"]
        return found


class Client:
    """Signs as Binance's documents say; the time is the exchange's own."""

    def __init__(self, sim: SimExchange, session: aiohttp.ClientSession, role: KeyRole = KeyRole.TRADER) -> None:
        self.sim = sim
        self.session = session
        self.key: ApiKey = sim.accounts.keys.of(1, role)

    def signed(self, fields: dict[str, Any], *, secret: str = "") -> str:
        text = urlencode({"timestamp": self.sim.timeline.now_ms(), **fields})
        return f"{text}&signature={signature_hex(secret or self.key.secret, text)}"

    async def send(self, method: str, path: str, text: str, *, key: str | None = None, in_body: bool = False) -> Answer:
        url = self.sim.endpoints["spot.rest"] + path
        headers = {"X-MBX-APIKEY": self.key.key if key is None else key}
        if in_body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        target = URL(url if in_body or not text else f"{url}?{text}", encoded=True)  # as signed, byte for byte
        async with self.session.request(method, target, headers=headers, data=text if in_body else None) as reply:
            return Answer(reply.status, await reply.json(), reply.headers)

    async def ask(self, method: str, path: str, **fields: Any) -> Answer:
        return await self.send(method, path, self.signed(fields))


class Ears:
    """One WebSocket, read into a list."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self.connection = connection
        self.heard: list[Any] = []

    async def ask(self, request: Any) -> Any:
        await self.connection.send_str(json.dumps(request))
        return await self.next(lambda frame: frame.get("id") == request["id"])

    async def next(self, wanted: Any) -> Any:
        while True:
            for frame in self.heard:
                if wanted(frame):
                    self.heard.remove(frame)
                    return frame
            self.heard.append(json.loads(await self.connection.receive_str()))

    async def event(self, name: str) -> Any:
        frame = await self.next(lambda frame: frame.get("event", frame).get("e") == name)
        return frame.get("event", frame)

    async def told(self) -> list[str]:
        """What was said until now, as ``event:change``."""
        mark = f"mark{len(self.heard)}"
        await self.connection.send_str(json.dumps({"id": mark, "method": "ping"}))
        heard = list(self.heard)
        self.heard.clear()
        while True:
            frame = json.loads(await self.connection.receive_str())
            if frame.get("id") == mark:
                return [named(frame) for frame in heard]
            heard.append(frame)


def named(frame: Any) -> str:
    event = frame.get("event", frame)
    return f"{event.get('e')}:{event.get('x', '')}".rstrip(":")


@asynccontextmanager
async def trading(faults: str = "", role: KeyRole = KeyRole.TRADER) -> AsyncIterator[Client]:
    sim = SimExchange([SPOT, LINEAR], seed=3, manual=True, accounts=2, faults=faults, volatility=0.2)
    async with sim, aiohttp.ClientSession() as session, asyncio.timeout(TIMEOUT_S):
        await sim.step(0.5)
        yield Client(sim, session, role)


async def spot_stream(client: Client) -> Ears:
    connection = await client.session.ws_connect(client.sim.ccxt_urls["ws"]["ws-api"]["spot"])
    ears = Ears(connection)
    reply = await ears.ask({"id": "1", "method": "userDataStream.subscribe.signature", "params": ws_params(client)})
    assert (reply["status"], reply["result"]) == (200, {"subscriptionId": 0})
    return ears


def ws_params(client: Client, **fields: Any) -> dict[str, Any]:
    params = {"apiKey": client.key.key, "timestamp": client.sim.timeline.now_ms(), **fields}
    text = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return params | {"signature": signature_hex(client.key.secret, text)}


async def listen_key(client: Client) -> str:
    reply = await client.send("POST", "/fapi/v1/listenKey", "")
    key: str = reply.content["listenKey"]
    return key


async def linear_stream(client: Client, more: str = "") -> Ears:
    url = client.sim.ccxt_urls["ws"]["linear"].removesuffix("/ws") + "/private/ws?listenKey="
    return Ears(await client.session.ws_connect(url + await listen_key(client) + more))


# --- who asks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "payload", "signature"),
    [
        (
            "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
            "&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            "demoSecret0123456789",
            "symbol=BTCUSDT&newClientOrderId=a%3Ab%2Fc&timestamp=1795000000000",
            "4b3d3d08075e2936ff4dc4e2913b26c7037171c5b4cbfcdc83557e22cf0c754f",
        ),
        (
            "demoSecret0123456789",
            "apiKey=demoKey&recvWindow=5000&timestamp=1795000000000",
            "ef8cd20c16295e25a2afeef800e8b45dc00236899e6a9e34eef7cc934648f515",
        ),
    ],
)
def test_signatures_are_those_of_the_documents(secret: str, payload: str, signature: str) -> None:
    assert signature_hex(secret, payload) == signature


async def test_requests_of_unclear_origin_are_refused_with_the_venues_codes() -> None:
    async with trading() as client:
        account, now = "/api/v3/account", client.sim.timeline.now_ms()
        good = client.signed({})
        assert (await client.send("GET", account, good)).status == 200
        bad = await client.send("GET", account, good, key="")
        assert (bad.status, bad.code) == (401, -2014)
        assert (await client.send("GET", account, good, key="f" * 64)).code == -2015
        assert (await client.send("GET", account, "recvWindow=5000&signature=00")).code == -1102
        assert (await client.send("GET", account, client.signed({"timestamp": now - 5001}))).code == -1021
        assert (
            await client.send("GET", account, client.signed({"timestamp": now - 5001, "recvWindow": 6000}))
        ).status == 200
        assert (await client.send("GET", account, client.signed({"timestamp": now + 1000}))).code == -1021
        assert (await client.send("GET", account, client.signed({}, secret="0" * 64))).code == -1022
        assert (await client.send("GET", account, good.partition("&signature")[0])).code == -1022
        assert (await client.send("GET", account, good.replace("timestamp", "recvWindow=9&timestamp"))).code == -1022


async def test_parameters_are_taken_from_query_and_body() -> None:
    async with trading() as client:
        text = client.signed(SMALL)
        assert (await client.send("POST", "/api/v3/order", text, in_body=True)).status == 200
        assert (await client.send("POST", "/api/v3/order", client.signed(SMALL))).status == 200
        query, body = urlencode({"timestamp": client.sim.timeline.now_ms()}), urlencode(SMALL)
        signature = signature_hex(client.key.secret, query + body)
        url = f"{client.sim.endpoints['spot.rest']}/api/v3/order?{query}&signature={signature}"
        headers = {"X-MBX-APIKEY": client.key.key, "Content-Type": "application/x-www-form-urlencoded"}
        async with client.session.post(url, data=body, headers=headers) as reply:
            assert reply.status == 200


async def test_a_skewed_clock_is_told_from_a_wrong_one() -> None:
    async with trading(faults="skew=30s") as client:
        now = client.sim.timeline.now_ms()
        assert (await client.ask("GET", "/api/v3/account", timestamp=now - 30_000)).code == -1021
        assert (await client.ask("GET", "/api/v3/account", timestamp=now)).status == 200


async def test_a_reading_key_reads_and_an_owners_key_tells_that_it_withdraws() -> None:
    async with trading(role=KeyRole.READER) as client:
        assert (await client.ask("GET", "/fapi/v3/account")).status == 200
        assert (await client.ask("POST", "/fapi/v1/order", **SMALL)).code == -2015
        for role, trades, withdraws in (
            (KeyRole.READER, False, False),
            (KeyRole.TRADER, True, False),
            (KeyRole.OWNER, True, True),
        ):
            client.key = client.sim.accounts.keys.of(1, role)
            told = (await client.ask("GET", "/sapi/v1/account/apiRestrictions")).content
            assert (told["enableSpotAndMarginTrading"], told["enableWithdrawals"]) == (trades, withdraws)


@pytest.mark.parametrize(
    ("path", "changed", "code"),
    [
        ("/api/v3/order", {"symbol": "XXXUSDT"}, -1121),
        ("/api/v3/order", {"side": "HOLD"}, -1117),
        ("/api/v3/order", {"type": "ICEBERG"}, -1116),
        ("/api/v3/order", {"timeInForce": "FOREVER"}, -1115),
        ("/api/v3/order", {"quantity": ""}, -1102),
        ("/api/v3/order", {"price": "6e400000x"}, -1100),
        ("/api/v3/order", {"price": "NaN"}, -1100),
        ("/api/v3/order", {"price": "1e999999"}, -1100),
        ("/api/v3/order", {"type": "MARKET", "quantity": "", "price": "", "quoteOrderQty": "1e19"}, -1013),
        ("/api/v3/order", {"type": "MARKET", "quantity": "", "price": "", "quoteOrderQty": "-50"}, -1013),
        ("/api/v3/order", {"newClientOrderId": "no spaces"}, -1100),
        ("/api/v3/order", {"price": "60000.001"}, -1013),
        ("/api/v3/order", {"quantity": "9"}, -2010),
        ("/fapi/v1/order", {"type": "STOP_MARKET", "stopPrice": "60000", "price": ""}, -4120),
        ("/fapi/v1/order", {"positionSide": "LONG"}, -4061),
        ("/fapi/v1/order", {"price": "60000.05"}, -4014),
        ("/fapi/v1/order", {"quantity": "0.0005"}, -4003),
        ("/fapi/v1/order", {"quantity": "0.001", "price": "40000"}, -4164),
        ("/fapi/v1/order", {"quantity": "80"}, -2019),
        ("/fapi/v1/order", {"price": "70000"}, -4016),
        ("/fapi/v1/order", {"side": "SELL", "price": "50000"}, -4024),
        ("/fapi/v1/order", {"timeInForce": "GTX", "price": "65000"}, -5022),
        ("/fapi/v1/order", {"reduceOnly": "true"}, -2022),
        ("/fapi/v1/leverage", {"leverage": "126"}, -4028),
        ("/fapi/v1/marginType", {"marginType": "CROSSED"}, -4046),
        ("/fapi/v1/positionSide/dual", {"dualSidePosition": "true"}, -1000),
        ("/fapi/v1/positionSide/dual", {"dualSidePosition": "false"}, -4059),
    ],
)
async def test_refusals_have_the_venues_codes(path: str, changed: dict[str, str], code: int) -> None:
    async with trading() as client:
        fields = {name: value for name, value in {**SMALL, **changed}.items() if value}
        answer = await client.ask("POST", path, **fields)
        assert (answer.status, answer.code) == (400, code)
        assert client.sim.accounts.orders.orders(1) == []


async def test_unknown_orders_cannot_be_asked_for_or_canceled() -> None:
    async with trading() as client:
        for path in ("/api/v3/order", "/fapi/v1/order"):
            assert (await client.ask("GET", path, **SYMBOL, orderId=5)).code == -2013
            assert (await client.ask("DELETE", path, **SYMBOL, origClientOrderId="none")).code == -2011
            assert (await client.ask("DELETE", path, **SYMBOL)).code == -1102


async def test_orders_are_counted_and_too_many_refused() -> None:
    async with trading() as client:
        for number in range(1, 4):
            answer = await client.ask("POST", "/fapi/v1/order", **SMALL)
            assert answer.headers["X-MBX-ORDER-COUNT-10S"] == str(number)
            assert answer.headers["X-MBX-ORDER-COUNT-1M"] == str(number)
            assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) == 0
        answers = [await client.ask("POST", "/api/v3/order", **SMALL) for _ in range(101)]
        assert [answer.status for answer in answers] == [200] * 100 + [429]
        assert answers[-1].code == -1015
        await client.sim.step(10)
        assert (await client.ask("POST", "/api/v3/order", **SMALL)).status == 200


# --- changing orders -----------------------------------------------------------------------------------------------


async def test_an_amend_that_keeps_priority_keeps_the_place_in_line_and_renames_the_order() -> None:
    async with trading() as client:
        first = (await client.ask("POST", "/api/v3/order", **SMALL, newClientOrderId="first")).content["orderId"]
        await client.ask("POST", "/api/v3/order", **SMALL)
        path = "/api/v3/order/amend/keepPriority"
        more = await client.ask("PUT", path, **SYMBOL, orderId=first, newQty="0.02")
        assert more.code == -2038
        amended = await client.ask("PUT", path, **SYMBOL, orderId=first, newQty="0.005", newClientOrderId="again")
        assert amended.content["amendedOrder"]["origQty"] == "0.00500000"
        queue = client.sim.engine(SPOT).queue_at(Side.BUY, 6_000_000)
        assert next(order.order_id for order in queue if order.account == 1) == first
        assert (await client.ask("GET", "/api/v3/order", **SYMBOL, origClientOrderId="again")).status == 200
        assert (await client.ask("GET", "/api/v3/order", **SYMBOL, origClientOrderId="first")).code == -2013


@pytest.mark.parametrize(
    ("mode", "cancels", "quantity", "status", "code", "left_open"),
    [
        ("STOP_ON_FAILURE", True, "0.02", 200, None, 1),
        ("STOP_ON_FAILURE", False, "0.02", 400, -2022, 1),
        ("ALLOW_FAILURE", False, "0.02", 409, -2021, 2),
        ("STOP_ON_FAILURE", True, "3", 409, -2021, 0),
        ("STOP_ON_FAILURE", True, "0.000001", 400, -1013, 1),
    ],
)
async def test_cancel_and_replace_tells_what_was_done(
    mode: str, cancels: bool, quantity: str, status: int, code: int | None, left_open: int
) -> None:
    async with trading() as client:
        made = (await client.ask("POST", "/api/v3/order", **SMALL)).content["orderId"]
        fields = {**SMALL, "quantity": quantity, "cancelReplaceMode": mode}
        answer = await client.ask(
            "POST", "/api/v3/order/cancelReplace", **fields, cancelOrderId=made if cancels else 999_999
        )
        assert (answer.status, answer.content.get("code")) == (status, code)
        assert len(client.sim.accounts.orders.open_orders(1)) == left_open


async def test_each_of_a_batch_stands_alone() -> None:
    async with trading() as client:
        batch = json.dumps([SMALL, {**SMALL, "price": "60000.05"}, {**SMALL, "quantity": "0.02"}])
        text = f"timestamp={client.sim.timeline.now_ms()}&batchOrders={batch}"
        text += f"&signature={signature_hex(client.key.secret, text)}"
        rows = (await client.send("POST", "/fapi/v1/batchOrders", text, in_body=True)).content
        assert [row.get("code") for row in rows] == [None, -4014, None]
        ids = [row["orderId"] for row in rows if "orderId" in row]
        answer = await client.ask("DELETE", "/fapi/v1/batchOrders", **SYMBOL, orderIdList=json.dumps([*ids, 1]))
        assert [row.get("status", row.get("code")) for row in answer.content] == ["CANCELED", "CANCELED", -2011]


async def test_a_countdown_cancels_the_orders_of_its_symbol() -> None:
    async with trading() as client:
        await client.ask("POST", "/fapi/v1/order", **SMALL)
        answer = await client.ask("POST", "/fapi/v1/countdownCancelAll", **SYMBOL, countdownTime=1000)
        assert answer.content == {"symbol": "BTCUSDT", "countdownTime": "1000"}
        await client.sim.step(0.9)
        assert len((await client.ask("GET", "/fapi/v1/openOrders", **SYMBOL)).content) == 1
        await client.sim.step(0.2)
        assert (await client.ask("GET", "/fapi/v1/openOrders", **SYMBOL)).content == []


# --- user streams --------------------------------------------------------------------------------------------------


async def test_the_spot_stream_tells_orders_fills_and_balances() -> None:
    async with trading() as client:
        ears = await spot_stream(client)
        await client.ask("POST", "/api/v3/order", **SMALL, newClientOrderId="mine")
        assert await ears.told() == ["executionReport:NEW", "outboundAccountPosition"]
        await client.ask("DELETE", "/api/v3/order", **SYMBOL, origClientOrderId="mine", newClientOrderId="bye")
        report = await ears.event("executionReport")
        assert (report["x"], report["c"], report["C"], report["N"]) == ("CANCELED", "bye", "mine", None)
        await ears.told()
        await client.ask("POST", "/api/v3/order", **{**SMALL, "price": "65000", "timeInForce": "IOC"})
        told = await ears.told()
        assert told[0] == "executionReport:NEW"
        assert told[-2:] == ["executionReport:TRADE", "outboundAccountPosition"]


async def test_orders_over_the_websocket_api_are_orders() -> None:
    async with trading() as client:
        ears = await spot_stream(client)
        reply = await ears.ask({"id": "2", "method": "order.place", "params": ws_params(client, **SMALL)})
        assert (reply["status"], reply["result"]["status"]) == (200, "NEW")
        refused = await ears.ask(
            {"id": "3", "method": "order.place", "params": ws_params(client, **{**SMALL, "price": "60000.001"})}
        )
        assert (refused["status"], refused["error"]["code"]) == (400, -1013)
        again = {"id": "4", "method": "userDataStream.subscribe.signature", "params": ws_params(client)}
        assert (await ears.ask(again))["error"]["code"] == -2035
        unsigned = {"id": "5", "method": "openOrders.status", "params": {"apiKey": client.key.key}}
        assert (await ears.ask(unsigned))["error"]["code"] == -1102
        assert (await ears.ask({"id": "6", "method": "order.forget"}))["error"]["code"] == -1100


async def test_the_usdm_stream_tells_orders_fills_wallet_and_leverage() -> None:
    async with trading() as client:
        ears = await linear_stream(client)
        await client.ask("POST", "/fapi/v1/leverage", **SYMBOL, leverage=10)
        assert (await ears.event("ACCOUNT_CONFIG_UPDATE"))["ac"] == {"s": "BTCUSDT", "l": 10}
        market = {**SYMBOL, "type": "MARKET", "side": "SELL", "quantity": "0.05"}
        await client.ask("POST", "/fapi/v1/order", **market)
        new = (await ears.event("ORDER_TRADE_UPDATE"))["o"]
        assert (new["x"], new["X"], "N" in new) == ("NEW", "NEW", False)
        update = await ears.event("ACCOUNT_UPDATE")
        assert (update["a"]["m"], update["a"]["P"][0]["pa"]) == ("ORDER", "-0.05")
        fill = (await ears.event("ORDER_TRADE_UPDATE"))["o"]
        assert (fill["x"], fill["N"], fill["m"]) == ("TRADE", "USDT", False)


async def test_only_the_events_asked_for_are_told() -> None:
    async with trading() as client:
        ears = await linear_stream(client, "&events=ACCOUNT_UPDATE")
        await client.ask("POST", "/fapi/v1/order", **SYMBOL, type="MARKET", side="SELL", quantity="0.05")
        assert (await ears.event("ACCOUNT_UPDATE"))["a"]["m"] == "ORDER"
        assert ears.heard == []


async def test_a_listen_key_is_kept_renewed_and_runs_out_after_an_hour() -> None:
    async with trading() as client:
        ears = await linear_stream(client)
        key = await listen_key(client)
        timeline, front = client.sim.timeline, client.sim.front
        for minutes in (30, 59):
            timeline.advance_to(timeline.elapsed_ns + minutes * 60_000_000_000)
            assert (await client.send("PUT", "/fapi/v1/listenKey", "")).content == {"listenKey": key}
        timeline.advance_to(timeline.elapsed_ns + 61 * 60_000_000_000)
        front.beat(timeline.elapsed_ns // 1_000_000)
        assert (await ears.event("listenKeyExpired"))["listenKey"] == key
        assert (await client.send("PUT", "/fapi/v1/listenKey", "")).code == -1125
        await client.ask("POST", "/fapi/v1/order", **SMALL)
        assert front.listeners(1, client.sim.listing(LINEAR).instrument.kind) == 0
        assert await listen_key(client) != key
        url = client.sim.ccxt_urls["ws"]["linear"].removesuffix("/ws") + f"/private/ws/{key}"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.session.ws_connect(url)


async def test_a_deleted_listen_key_is_dead_for_everybody() -> None:
    async with trading() as client:
        ears = await linear_stream(client)
        await client.send("DELETE", "/fapi/v1/listenKey", "")
        await client.ask("POST", "/fapi/v1/order", **SMALL)
        fresh = await linear_stream(client)
        await client.ask("POST", "/fapi/v1/order", **SMALL)
        assert (await fresh.event("ORDER_TRADE_UPDATE"))["o"]["x"] == "NEW"
        assert ears.heard == []


async def test_funding_is_told_and_listed_as_income() -> None:
    async with trading() as client:
        await client.ask("POST", "/fapi/v1/order", **SYMBOL, type="MARKET", side="SELL", quantity="0.05")
        ears = await linear_stream(client)
        marks = client.sim.market(LINEAR).marks
        assert marks is not None
        marks.next_funding_ms = client.sim.timeline.now_ms()
        await client.sim.step(1.1)
        update = await ears.event("ACCOUNT_UPDATE")
        assert (update["a"]["m"], update["a"]["P"]) == ("FUNDING_FEE", [])
        (row,) = (await client.ask("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")).content
        assert float(row["income"]) == pytest.approx(float(update["a"]["B"][0]["bc"]))
        assert float(row["income"]) == pytest.approx(
            float(0.05 * marks.settlements[-1].mark) * marks.settlements[-1].rate, rel=1e-3
        )


# --- faults --------------------------------------------------------------------------------------------------------


async def test_a_lost_answer_leaves_the_order_at_the_exchange() -> None:
    async with trading() as client:
        client.sim.faults.set("lost_answer", 1.0)
        with pytest.raises(aiohttp.ClientError):
            await client.ask("POST", "/api/v3/order", **SMALL, newClientOrderId="lost")
        client.sim.faults.set("lost_answer", 0.0)
        found = await client.ask("GET", "/api/v3/order", **SYMBOL, origClientOrderId="lost")
        assert found.content["status"] == "NEW"
        assert len(client.sim.accounts.orders.orders(1)) == 1


async def test_a_5xx_may_hide_an_order_that_was_taken() -> None:
    async with trading(faults="accepted5xx=1") as client:
        answer = await client.ask("POST", "/fapi/v1/order", **SMALL, newClientOrderId="hidden")
        assert (answer.status, answer.code) == (503, -1007)
        assert (await client.ask("GET", "/fapi/v1/order", **SYMBOL, origClientOrderId="hidden")).status == 200


async def test_a_fill_may_be_told_before_its_order_is_acknowledged() -> None:
    async with trading(faults="late_answer=1") as client:
        ears = await linear_stream(client)
        market = {**SYMBOL, "type": "MARKET", "side": "SELL", "quantity": "0.05"}
        asking = asyncio.ensure_future(client.ask("POST", "/fapi/v1/order", **market))
        await ears.event("ACCOUNT_UPDATE")
        assert not asking.done()
        assert (await asking).content["status"] == "NEW"


async def test_fills_may_be_told_twice_and_a_new_after_its_fill() -> None:
    async with trading(faults="repeat_fill=1,late_new=1") as client:
        ears = await spot_stream(client)
        sold = client.sim.engine(SPOT).best_bid or 0
        for order in client.sim.engine(SPOT).queue_at(Side.BUY, sold)[1:]:
            client.sim.engine(SPOT).cancel(order.order_id, now=client.sim.timeline.elapsed_ns)
        await client.ask("POST", "/api/v3/order", **{**SMALL, "side": "SELL", "price": "100000"})
        assert "executionReport:NEW" not in await ears.told()
        await client.sim.step(2.1)
        assert "executionReport:NEW" in await ears.told()
        order = {**SYMBOL, "type": "MARKET", "side": "SELL", "quantity": "0.00020"}
        await client.ask("POST", "/api/v3/order", **order)
        told = await ears.told()
        assert told == [
            "executionReport:TRADE",
            "executionReport:TRADE",
            "executionReport:NEW",
            "outboundAccountPosition",
        ]


async def test_a_silent_private_stream_loses_what_happened() -> None:
    async with trading() as client:
        ears = await spot_stream(client)
        client.sim.faults.trigger("private_silence", 5_000_000_000)
        await client.ask("POST", "/api/v3/order", **SMALL)
        assert await ears.told() == []
        await client.sim.step(5.1)
        await client.ask("POST", "/api/v3/order", **SMALL)
        assert await ears.told() == ["executionReport:NEW", "outboundAccountPosition"]


async def test_expired_tokens_end_the_streams() -> None:
    async with trading() as client:
        spot, linear = await spot_stream(client), await linear_stream(client)
        client.sim.faults.trigger("expire_tokens")
        assert (await spot.event("eventStreamTerminated"))["e"] == "eventStreamTerminated"
        assert (await linear.event("listenKeyExpired"))["e"] == "listenKeyExpired"
        await client.ask("POST", "/api/v3/order", **SMALL)
        assert await spot.told() == []
        assert (await client.send("PUT", "/fapi/v1/listenKey", "")).code == -1125


async def test_the_crowd_never_cancels_a_clients_order() -> None:
    """Not even one that lies farther out than anything of its own."""
    async with trading() as client:
        for price in ("20000", "30000", "63000"):
            await client.ask("POST", "/api/v3/order", **{**SMALL, "price": price})
        for _ in range(20):
            await client.sim.step(1)
        assert {order.status for order in client.sim.accounts.orders.orders(1)} == {OrderStatus.NEW}
        assert client.sim.engine(SPOT).orders_on(Side.BUY) < 2_000
