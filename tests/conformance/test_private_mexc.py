"""MEXC's private side beyond what every venue is judged by: signatures, codes, limits, listen keys, logins, modes."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import ccxt
import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.front import Call, Reply
from jackbot_tui.sim.keys import KeyRole, signature_hex
from jackbot_tui.sim.margin import Setting
from jackbot_tui.sim.marks import Settlement
from jackbot_tui.sim.mexc.private import BAD_KEY, SPOT_STREAMS
from tests.conformance.test_private_ccxt import refused, trading, until
from tests.front_client import Ear, Rest, run

LINEAR = "mexc:BTC/USDT:USDT"
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "60000"}
CONTRACT = {"symbol": "BTC_USDT", "vol": 10, "price": 60000, "type": 1, "side": 1, "openType": 2}
PRIVATE = "/api/v1/private"


class Desk:
    """Signs as MEXC's documents say; the time is the exchange's own. No sockets."""

    def __init__(self, sim: SimExchange) -> None:
        self.sim = sim
        self.rest = Rest(sim)
        self.orders = sim.accounts.orders

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes, query: str) -> tuple[int, Any]:
        for known, pattern, page in self.rest._pages:
            found = pattern.fullmatch(path)
            if known == method and found:
                reply: Reply = page.answer(Call(method, path, {}, found.groupdict(), headers, body, query))
                self.sim.front.publish_accounts()
                return reply.status, json.loads(reply.body)
        raise AssertionError(f"no page {method} {path}")

    def spot(
        self, method: str, path: str, fields: dict[str, Any] | None = None, *, role: KeyRole = KeyRole.TRADER,
        late_ms: int = 0, secret: str = "", key: str = "",
    ) -> tuple[int, Any]:  # fmt: skip
        owner = self.sim.accounts.keys.of(1, role)
        query = urlencode({**(fields or {}), "timestamp": self.sim.timeline.now_ms() - late_ms, "recvWindow": 5000})
        query += f"&signature={signature_hex(secret or owner.secret, query)}"
        return self._send(method, f"/api/v3/{path}", {"X-MEXC-APIKEY": key or owner.key}, b"", query)

    def contract(
        self, method: str, path: str, content: Any = None, *, role: KeyRole = KeyRole.TRADER, late_ms: int = 0,
        secret: str = "", key: str = "",
    ) -> tuple[int, Any]:  # fmt: skip
        owner, stamp = self.sim.accounts.keys.of(1, role), str(self.sim.timeline.now_ms() - late_ms)
        body = json.dumps(content) if method == "POST" else ""
        query = urlencode(sorted(content.items())) if method == "GET" and content else ""
        text = (key or owner.key) + stamp + (body or query)
        headers = {
            "ApiKey": key or owner.key, "Request-Time": stamp,
            "Signature": signature_hex(secret or owner.secret, text),
        }  # fmt: skip
        return self._send(method, f"{PRIVATE}/{path}", headers, body.encode(), query)


@pytest.fixture
def desk() -> Iterator[Desk]:
    sim = SimExchange(["BTC/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"], venue="mexc", seed=3, manual=True, accounts=2)
    run(sim, 1)
    yield Desk(sim)


def test_requests_are_signed_as_the_documents_work_it_out() -> None:
    text = (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&price=50000&newClientOrderId=c1&timestamp=1700000000000"
        "&recvWindow=5000"
    )
    assert signature_hex("FAKESECRET", text).startswith("f2b5242c3c7900ce231a715c6644cb86")
    login = signature_hex("FAKESECRET", "FAKEKEY1700000000000")
    assert login == "94762f95674cc53eaef7093df7ee91341b66dc34cc8999262bf9f048f56bd80e"


def test_who_may_not_is_refused_with_the_venues_codes(desk: Desk) -> None:
    def spot(**more: Any) -> int:
        status, content = desk.spot("POST", "order", ORDER, **more)
        assert status in (400, 403)
        return int(content["code"])

    assert [spot(key="unknown"), spot(secret="wrong"), spot(late_ms=5_001), spot(late_ms=-1_000)] == [
        10072, 700002, 700003, 700003,
    ]  # fmt: skip
    assert spot(role=KeyRole.READER) == 700007

    def contract(**more: Any) -> int:
        _, content = desk.contract("POST", "order/create", CONTRACT, **more)
        assert content["success"] is False
        return int(content["code"])

    assert [contract(key="unknown"), contract(secret="wrong"), contract(late_ms=10_001)] == [402, 602, 513]
    assert contract(role=KeyRole.READER) == 704
    assert desk.orders.orders(1) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": "5"}, 30004),
        ({"quantity": "0.00001"}, 30002),  # below 1 USDT
        ({"quantity": "0.0100000001"}, 10096),
        ({"price": "60000.001"}, 30010),
        ({"price": "90000"}, 30087),
        ({"type": "STOP_LIMIT"}, 30041),
        ({"type": "MARKET"}, 700004),  # a market buy names what it spends
        ({"newClientOrderId": "x" * 33}, 700008),
        ({"symbol": "NOUSDT"}, -1121),
    ],
)
def test_a_spot_order_that_breaks_a_rule_has_its_code(desk: Desk, change: dict[str, Any], code: int) -> None:
    status, content = desk.spot("POST", "order", {**ORDER, **change})
    assert (status, content["code"]) == (400, code)
    assert desk.orders.orders(1) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vol": 390_000}, 2005),
        ({"vol": 500_000}, 2028),
        ({"vol": 0.5}, 2011),
        ({"price": 80_000}, 2003),
        ({"price": 50_000, "side": 3}, 2004),
        ({"price": 60000.05}, 2015),
        ({"side": 4}, 2009),
        ({"side": 5}, 600),
        ({"openType": 1}, 600),  # isolated without a leverage
        ({"externalOid": "x" * 33}, 2030),
        ({"symbol": "NO_USDT"}, 1001),
    ],
)
def test_a_contract_order_that_breaks_a_rule_has_its_code(desk: Desk, change: dict[str, Any], code: int) -> None:
    status, content = desk.contract("POST", "order/create", {**CONTRACT, **change})
    assert (status, content["success"], content["code"]) == (200, False, code)
    assert desk.orders.orders(1) == []


def test_a_post_only_order_that_would_take_is_accepted_and_canceled(desk: Desk) -> None:
    status, made = desk.spot("POST", "order", {**ORDER, "type": "LIMIT_MAKER", "price": "70000"})
    assert status == 200
    _, shown = desk.spot("GET", "order", {"symbol": "BTCUSDT", "orderId": made["orderId"]})
    assert (shown["status"], shown["executedQty"]) == ("CANCELED", "0")


def test_an_order_is_found_by_its_client_id_also_when_it_is_over(desk: Desk) -> None:
    desk.spot("POST", "order", {**ORDER, "newClientOrderId": "mine"})
    named = {"symbol": "BTCUSDT", "origClientOrderId": "mine"}
    assert desk.spot("DELETE", "order", named)[1]["status"] == "CANCELED"
    assert desk.spot("GET", "order", named)[1]["clientOrderId"] == "mine"
    assert desk.spot("DELETE", "order", named)[1]["code"] == -2011
    desk.contract("POST", "order/create", {**CONTRACT, "externalOid": "mine"})
    path = "order/external/BTC_USDT/mine"
    assert desk.contract("GET", path)[1]["data"]["state"] == 2
    desk.contract("POST", "order/cancel_with_external", {"symbol": "BTC_USDT", "externalOid": "mine"})
    assert desk.contract("GET", path)[1]["data"]["state"] == 4


def test_a_cancel_of_many_tells_the_outcome_of_each(desk: Desk) -> None:
    made = desk.contract("POST", "order/create", CONTRACT)[1]["data"]["orderId"]
    _, answer = desk.contract("POST", "order/cancel", [made, "99"])
    assert [row["errorMsg"] for row in answer["data"]] == ["success", "order not exist"]


def test_an_order_names_the_margin_mode_and_none_mixes_them(desk: Desk) -> None:
    setting = desk.sim.accounts.positions.setting(1, LINEAR)
    desk.contract("POST", "order/create", {**CONTRACT, "openType": 1, "leverage": 7})
    assert setting == Setting(Decimal(7), True)
    assert desk.contract("POST", "order/create", CONTRACT)[1]["code"] == 2019
    desk.contract("POST", "order/cancel_all", {"symbol": "BTC_USDT"})
    assert desk.contract("POST", "order/create", CONTRACT)[1]["success"]
    assert not setting.isolated


def test_requests_above_the_limit_of_a_page_are_refused(desk: Desk) -> None:
    answers = [desk.contract("GET", "position/open_positions")[1]["code"] for _ in range(21)]
    assert answers == [0] * 20 + [510]
    spot = [desk.spot("GET", "account")[0] for _ in range(51)]
    assert spot == [200] * 50 + [429]


# --- streams -------------------------------------------------------------------------------------------------------


def log_in(desk: Desk, ear: Ear, *, secret: str = "", subscribe: bool = True) -> Any:
    key, stamp = desk.sim.accounts.keys.of(1), str(desk.sim.timeline.now_ms())
    param = {"apiKey": key.key, "reqTime": stamp, "signature": signature_hex(secret or key.secret, key.key + stamp)}
    (answer,) = ear.ask({"method": "login", "subscribe": subscribe, "param": param})
    return answer


def test_a_login_on_the_contracts_socket_is_verified_and_filters_narrow_it(desk: Desk) -> None:
    ear = Ear(desk.sim, "/edge")
    assert log_in(desk, ear, secret="wrong")["channel"] == "rs.error"
    desk.contract("POST", "order/create", CONTRACT)
    assert ear.news() == []
    assert log_in(desk, ear, subscribe=False)["data"] == "success"
    desk.contract("POST", "order/create", CONTRACT)
    assert ear.news() == []
    ear.ask({"method": "personal.filter", "param": {"filters": [{"filter": "order", "rules": ["BTC_USDT"]}]}})
    desk.contract("POST", "order/create", {**CONTRACT, "externalOid": "heard"})
    (frame,) = ear.news()
    row = frame["data"]
    assert (frame["channel"], row["externalOid"], row["side"], row["state"]) == ("push.personal.order", "heard", 1, 2)


def test_funding_and_liquidation_are_told(desk: Desk) -> None:
    sim, ear = desk.sim, Ear(desk.sim, "/edge")
    log_in(desk, ear)
    desk.contract("POST", "order/create", {**CONTRACT, "type": 5, "vol": 1000, "openType": 1, "leverage": 100})
    marks = sim.market("BTC/USDT:USDT").marks
    assert marks is not None
    before = sim.accounts.positions.margin(1, "USDT").wallet
    marks.settlements.append(Settlement(sim.timeline.now_ms(), 0.0001, marks.mark))
    ear.take()
    run(sim, 1.5)
    assert [frame for frame in ear.news() if frame["channel"] == "push.personal.asset"]
    assert sim.accounts.positions.margin(1, "USDT").wallet < before
    sim.accounts.positions.add_margin(1, LINEAR, Decimal(-64), ms=sim.timeline.now_ms())
    run(sim, 2.5)
    rows = [(frame["channel"], frame["data"]) for frame in ear.news()]
    liquidation = [row for channel, row in rows if channel == "push.personal.order"][-1]
    assert (liquidation["category"], liquidation["state"], liquidation["side"]) == (2, 3, 4)
    closed = [row for channel, row in rows if channel == "push.personal.position"][-1]
    assert (closed["state"], closed["holdVol"]) == (3, 0)


async def test_a_listen_key_opens_three_streams_and_a_bad_one_none() -> None:
    async with trading("mexc", MarketKind.SPOT) as trader:
        client = trader.client
        client.options["listenKey"] = "0" * 64
        await refused(trader.call("watch_orders", trader.symbol), ccxt.AuthenticationError)
        client.options["listenKey"] = None
        trader.sync()
        watches = [asyncio.ensure_future(client.watch_orders()), asyncio.ensure_future(client.watch_balance())]
        watches.append(asyncio.ensure_future(client.watch_my_trades()))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) == 1)
        held = [socket.state["private"] for socket in trader.sim.gateway.sockets if "private" in socket.state]
        assert SPOT_STREAMS in held
        await trader.buy(trader.amount(3000))
        assert [order["status"] for order in await watches[0]][-1:] in (["open"], ["closed"])
        for watch in watches[1:]:
            await watch
        trader.sim.faults.trigger("expire_tokens")
        assert trader.sim.front.listeners(1, MarketKind.SPOT) == 0
        assert BAD_KEY == "Invalid listen key"


async def test_a_trigger_order_waits_is_canceled_and_fires() -> None:
    async with trading("mexc", MarketKind.LINEAR) as trader:
        await trader.buy(trader.amount(5000))
        stop = {"triggerPrice": trader.price(0.95), "triggerType": 2, "reduceOnly": True}
        made = await trader.sell(trader.amount(2000), **stop)
        (shown,) = await trader.call("fetch_open_orders", trader.symbol, None, None, {"trigger": True})
        assert (shown["id"], shown["triggerPrice"]) == (made["id"], pytest.approx(trader.price(0.95), rel=1e-6))
        assert await trader.call("fetch_open_orders", trader.symbol) == []
        await trader.call("cancel_order", made["id"], trader.symbol, {"trigger": True})
        assert trader.orders[-1].status is OrderStatus.CANCELED
        near = {"triggerPrice": trader.price(0.9995), "triggerType": 2, "reduceOnly": True}
        await trader.sell(trader.amount(2000), **near)
        depth = sum(size for _, size in trader.sim.engine(trader.symbol).depth(Side.BUY))
        trader.crowd_sells(depth, trader.price(0.999))
        await until(trader, lambda: trader.orders[-1].filled > 0)
        assert trader.orders[-2].child_id == trader.orders[-1].order_id
