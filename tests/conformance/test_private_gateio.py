"""Gate's private side beyond what every venue is judged by: signatures, labels, limits, channels, stops, modes."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

import ccxt
import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.gateio.order_texts import user_id
from jackbot_tui.sim.gateio.private_rest import UserLimits
from jackbot_tui.sim.keys import KeyRole, signature_hex
from jackbot_tui.sim.margin import Setting
from jackbot_tui.sim.marks import Settlement
from tests.conformance.test_private_ccxt import refused, trading, until
from tests.front_client import Ear, Rest, run

BOTH = pytest.mark.parametrize("kind", [MarketKind.SPOT, MarketKind.LINEAR])
API = "/api/v4"
SPOT, LINEAR = "gateio:BTC/USDT", "gateio:BTC/USDT:USDT"
SMALL = {"currency_pair": "BTC_USDT", "side": "buy", "amount": "0.01", "price": "60000", "account": "spot"}
PERP = {"contract": "BTC_USDT", "size": 10, "price": "60000"}


class Desk:
    """Signs as Gate's documents say; the time is the exchange's own. No sockets."""

    def __init__(self, sim: SimExchange) -> None:
        self.sim = sim
        self.rest = Rest(sim)
        self.orders = sim.accounts.orders

    def ask(
        self, method: str, path: str, body: Any = None, *, role: KeyRole = KeyRole.TRADER, late_s: int = 0,
        headers: dict[str, str] | None = None, secret: str = "", **query: str,
    ) -> tuple[int, Any]:  # fmt: skip
        key, raw = self.sim.accounts.keys.of(1, role), b"" if body is None else json.dumps(body).encode()
        stamp = str(self.sim.timeline.now_ms() // 1000 - late_s)
        text = "&".join(f"{name}={value}" for name, value in query.items())
        payload = "\n".join((method, API + path, text, hashlib.sha512(raw).hexdigest(), stamp))
        sent = {
            "KEY": key.key, "Timestamp": stamp, "SIGN": signature_hex(secret or key.secret, payload, "sha512"),
            "X-Gate-Size-Decimal": "1", **(headers or {}),
        }  # fmt: skip
        for known, pattern, page in self.rest._pages:
            found = pattern.fullmatch(API + path)
            if known == method and found:
                call = Call(method, API + path, query, found.groupdict(), sent, raw, text)
                reply = page.answer(call)
                self.sim.front.publish_accounts()
                return reply.status, json.loads(reply.body)
        raise AssertionError(f"no page {method} {path}")

    def label(self, *request: Any, **more: Any) -> tuple[int, str]:
        status, content = self.ask(*request, **more)
        return status, content["label"]


@pytest.fixture
def desk() -> Iterator[Desk]:
    sim = SimExchange(["BTC/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"], venue="gateio", seed=3, manual=True, accounts=2)
    run(sim, 1)
    yield Desk(sim)


def test_requests_are_signed_as_the_documents_work_it_out() -> None:
    body = '{"contract":"BTC_USDT","size":-3,"price":"90000","reduce_only":true}'
    hashed = hashlib.sha512(body.encode()).hexdigest()
    text = "\n".join(("POST", "/api/v4/futures/usdt/orders", "", hashed, "1700000000"))
    assert signature_hex("FAKESECRET", text, "sha512").startswith("5540d2d84182efc641d971bb87c9f4b4")


def test_who_may_not_is_refused_with_gates_labels(desk: Desk) -> None:
    def label(**more: Any) -> tuple[int, str]:
        return desk.label("POST", "/spot/orders", SMALL, **more)

    assert label(headers={"KEY": "unknown"}) == (401, "INVALID_KEY")
    assert label(secret="not the secret") == (401, "INVALID_SIGNATURE")
    assert label(late_s=62) == label(late_s=-62) == (403, "REQUEST_EXPIRED")
    assert label(headers={"KEY": ""}) == (400, "MISSING_REQUIRED_HEADER")
    assert label(role=KeyRole.READER) == (403, "READ_ONLY")
    before = str(desk.sim.timeline.now_ms() - 1)
    assert label(headers={"x-gate-exptime": before}) == (403, "REQUEST_EXPIRED")
    assert desk.orders.orders(1) == []
    assert desk.ask("GET", "/spot/accounts", role=KeyRole.READER)[0] == 200


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"amount": "5"}, "BALANCE_NOT_ENOUGH"),
        ({"amount": "0.00001"}, "INVALID_PARAM_VALUE"),  # below 3 USDT
        ({"amount": "0.0000001"}, "AMOUNT_TOO_LITTLE"),
        ({"price": "60000.01"}, "INVALID_PRECISION"),
        ({"price": "70000", "time_in_force": "poc"}, "POC_FILL_IMMEDIATELY"),
        ({"time_in_force": "fok"}, "FOK_NOT_FILL"),
        ({"text": "test1"}, "INVALID_PARAM_VALUE"),
        ({"text": "t-" + 29 * "x"}, "INVALID_PARAM_VALUE"),
        ({"currency_pair": "NO_USDT"}, "INVALID_CURRENCY_PAIR"),
        ({"price": None}, "MISSING_REQUIRED_PARAM"),
    ],
)
def test_a_spot_order_that_breaks_a_rule_has_its_label(desk: Desk, change: dict[str, Any], label: str) -> None:
    assert desk.label("POST", "/spot/orders", {**SMALL, **change}) == (400, label)
    assert desk.orders.orders(1) == []


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"size": 900_000}, "INSUFFICIENT_AVAILABLE"),
        ({"size": 2_000_000}, "SIZE_TOO_LARGE"),
        ({"size": 0}, "INVALID_PARAM_VALUE"),
        ({"price": "130000"}, "PRICE_TOO_DEVIATED"),
        ({"price": "70000", "tif": "poc"}, "ORDER_POC_IMMEDIATE"),
        ({"tif": "fok"}, "ORDER_FOK"),
        ({"price": "0", "tif": "ioc", "reduce_only": True}, "INCREASE_POSITION"),
        ({"size": 0, "close": True}, "POSITION_EMPTY"),
        ({"contract": "NO_USDT"}, "CONTRACT_NOT_FOUND"),
    ],
)
def test_an_order_for_a_perpetual_that_breaks_a_rule_has_its_label(
    desk: Desk, change: dict[str, Any], label: str
) -> None:
    assert desk.label("POST", "/futures/usdt/orders", {**PERP, **change}) == (400, label)
    assert desk.orders.orders(1) == []


def test_a_text_names_a_spot_order_only_while_it_is_open(desk: Desk) -> None:
    path, pair = "/spot/orders/t-mine", "BTC_USDT"
    _, made = desk.ask("POST", "/spot/orders", {**SMALL, "text": "t-mine"})
    assert desk.ask("GET", path, currency_pair=pair)[1]["id"] == made["id"]
    assert desk.ask("DELETE", path, currency_pair=pair)[1]["finish_as"] == "cancelled"
    assert desk.label("GET", path, currency_pair=pair) == (404, "CLIENT_ID_NOT_FOUND")
    assert desk.ask("GET", f"/spot/orders/{made['id']}", currency_pair=pair)[1]["status"] == "cancelled"
    assert desk.label("DELETE", f"/spot/orders/{made['id']}", currency_pair=pair) == (400, "ORDER_CANCELLED")


def test_a_text_names_a_perpetuals_order_for_a_minute_after_its_end(desk: Desk) -> None:
    _, made = desk.ask("POST", "/futures/usdt/orders", {**PERP, "text": "t-mine"})
    path = "/futures/usdt/orders/t-mine"
    desk.ask("DELETE", f"/futures/usdt/orders/{made['id']}")
    assert desk.ask("GET", path)[1]["finish_as"] == "cancelled"
    desk.sim.timeline.slip(61_000_000_000)
    assert desk.label("GET", path) == (404, "CLIENT_ID_NOT_FOUND")


def test_ids_stand_for_one_order_of_all_markets(desk: Desk) -> None:
    desk.ask("POST", "/futures/usdt/orders", PERP)
    eth = {**PERP, "contract": "ETH_USDT", "size": "1.5", "price": "2900"}
    _, made = desk.ask("POST", "/futures/usdt/orders", eth)
    assert (made["contract"], made["size"]) == ("ETH_USDT", "1.5")
    desk.ask("DELETE", f"/futures/usdt/orders/{made['id']}")
    assert [order.key for order in desk.orders.open_orders(1)] == [LINEAR]


def test_sizes_are_cut_to_integers_for_who_does_not_ask_for_decimals(desk: Desk) -> None:
    eth = {**PERP, "contract": "ETH_USDT", "size": "1.5", "price": "2900"}
    _, made = desk.ask("POST", "/futures/usdt/orders", eth, headers={"X-Gate-Size-Decimal": ""})
    assert made["size"] == 1


def test_orders_above_the_limit_of_a_market_are_refused(desk: Desk) -> None:
    most = UserLimits.ORDERS[MarketKind.SPOT]
    answers = [desk.ask("POST", "/spot/orders", SMALL)[0] for _ in range(most + 1)]
    assert answers == [201] * most + [429]
    assert len(desk.orders.open_orders(1)) == most
    assert desk.ask("DELETE", "/spot/orders", currency_pair="BTC_USDT")[0] == 200
    desk.sim.timeline.slip(1_000_000_000)
    assert desk.ask("POST", "/spot/orders", SMALL)[0] == 201


def test_an_order_is_amended_in_place_and_not_for_nothing(desk: Desk) -> None:
    _, made = desk.ask("POST", "/spot/orders", SMALL)
    path = f"/spot/orders/{made['id']}"
    assert desk.label("PATCH", path, {"amount": "0.01"}, currency_pair="BTC_USDT") == (400, "NO_CHANGE")
    _, amended = desk.ask("PATCH", path, {"amount": "0.02", "price": "59000"}, currency_pair="BTC_USDT")
    assert (amended["id"], amended["amount"], amended["price"]) == (made["id"], "0.02", "59000")


def test_the_dead_mans_switch_cancels_what_it_was_set_for(desk: Desk) -> None:
    desk.ask("POST", "/spot/orders", SMALL)
    desk.ask("POST", "/futures/usdt/orders", PERP)
    path = "/spot/countdown_cancel_all"
    assert desk.label("POST", path, {"timeout": 3}) == (400, "INVALID_PARAM_VALUE")
    desk.ask("POST", path, {"timeout": 5, "currency_pair": "BTC_USDT"})
    run(desk.sim, 5.1)
    assert [order.key for order in desk.orders.open_orders(1)] == [LINEAR]


def test_the_key_list_tells_which_key_may_withdraw(desk: Desk) -> None:
    _, rows = desk.ask("GET", "/account/main_keys")
    owner = desk.sim.accounts.keys.of(1, KeyRole.OWNER)
    withdrawing = [row["key"] for row in rows if any(perm["name"] == "withdraw" for perm in row["perms"])]
    assert len(rows) == 3
    assert [name.rstrip("*") for name in withdrawing] == [owner.key[: len(withdrawing[0].rstrip("*"))]]
    assert desk.ask("GET", "/account/detail")[1]["user_id"] == user_id(1)


# --- channels ------------------------------------------------------------------------------------------------------


def subscribe(sim: SimExchange, ear: Ear, channel: str, payload: list[str], *, secret: str = "") -> Any:
    key, stamp = sim.accounts.keys.of(1), sim.timeline.now_ms() // 1000
    sign = signature_hex(secret or key.secret, f"channel={channel}&event=subscribe&time={stamp}", "sha512")
    auth = {"method": "api_key", "KEY": key.key, "SIGN": sign}
    request = {"time": stamp, "id": 5, "channel": channel, "event": "subscribe", "payload": payload, "auth": auth}
    (answer,) = ear.ask(request)
    return answer


def test_a_private_channel_wants_a_signature_and_the_uid(desk: Desk) -> None:
    ear = Ear(desk.sim, "/fx-ws/v4/ws/usdt")
    uid = str(user_id(1))
    wrong = subscribe(desk.sim, ear, "futures.orders", [uid, "!all"], secret="wrong")
    assert wrong["error"]["code"] == 4
    assert json.loads(wrong["error"]["message"])["label"] == "INVALID_SIGNATURE"
    assert subscribe(desk.sim, ear, "futures.orders", ["1", "!all"])["error"]["code"] == 2
    desk.ask("POST", "/futures/usdt/orders", PERP)
    assert ear.news() == []
    assert subscribe(desk.sim, ear, "futures.orders", [uid, "!all"])["result"] == {"status": "success"}
    desk.ask("POST", "/futures/usdt/orders", {**PERP, "text": "t-heard"})
    (frame,) = ear.news()
    (row,) = frame["result"]
    assert (frame["channel"], row["text"], row["finish_as"], row["price"]) == (
        "futures.orders",
        "t-heard",
        "_new",
        60000,
    )
    desk.sim.front.closed(cast("Any", ear))
    desk.ask("POST", "/futures/usdt/orders", PERP)
    assert ear.news() == []


def test_spot_balances_tell_what_an_order_freezes(desk: Desk) -> None:
    ear = Ear(desk.sim, "/ws/v4/")
    subscribe(desk.sim, ear, "spot.balances", [])
    desk.ask("POST", "/spot/orders", SMALL)
    (frame,) = ear.news()
    usdt = next(row for row in frame["result"] if row["currency"] == "USDT")
    assert (usdt["available"], usdt["freeze"], usdt["total"]) == ("99400", "600", "100000")


def test_funding_and_liquidation_are_told(desk: Desk) -> None:
    ear, sim = Ear(desk.sim, "/fx-ws/v4/ws/usdt"), desk.sim
    for channel in ("futures.orders", "futures.positions", "futures.balances"):
        subscribe(sim, ear, channel, [str(user_id(1)), "!all"])
    desk.ask("POST", "/futures/usdt/positions/BTC_USDT/leverage", leverage="100")
    desk.ask("POST", "/futures/usdt/orders", {**PERP, "size": 1000, "price": "0", "tif": "ioc"})
    marks = sim.market("BTC/USDT:USDT").marks
    assert marks is not None
    marks.settlements.append(Settlement(sim.timeline.now_ms(), 0.0001, marks.mark))
    ear.take()
    run(sim, 1.5)
    heard = [(frame["channel"], row) for frame in ear.news() for row in frame["result"]]
    (paid,) = [row for channel, row in heard if channel == "futures.balances" and row["type"] == "fund"]
    assert paid["change"] == pytest.approx(-0.0001 * marks.mark * 0.1, rel=0.01)
    sim.accounts.positions.add_margin(1, LINEAR, Decimal(-64), ms=sim.timeline.now_ms())
    run(sim, 2.5)
    rows = [(frame["channel"], row) for frame in ear.news() for row in frame["result"]]
    liquidation = [row for channel, row in rows if channel == "futures.orders"][-1]
    assert liquidation["text"].startswith("liq-")
    assert (liquidation["is_liq"], liquidation["finish_as"]) == (True, "filled")
    assert [row for channel, row in rows if channel == "futures.positions"][-1]["size"] == 0


# --- ccxt ----------------------------------------------------------------------------------------------------------


@BOTH
async def test_ccxt_is_told_that_its_channel_was_refused(kind: MarketKind) -> None:
    async with trading("gateio", kind) as trader:
        trader.client.secret = "0" * 64
        await refused(trader.call("watch_orders", trader.symbol), ccxt.AuthenticationError)


@BOTH
async def test_a_stop_waits_is_found_and_canceled(kind: MarketKind) -> None:
    async with trading("gateio", kind) as trader:
        await trader.buy(trader.amount(5000))
        stop = {"stopLossPrice": trader.price(0.95)}
        made = await trader.sell(trader.amount(2000), trader.price(0.94), **stop)
        await refused(trader.sell(trader.amount(2000), trader.price(0.94), stopLossPrice=trader.price(1.05)))
        assert trader.orders[-1].waiting
        (shown,) = await trader.call("fetch_open_orders", trader.symbol, None, None, {"trigger": True})
        assert (shown["id"], shown["triggerPrice"]) == (made["id"], pytest.approx(trader.price(0.95), rel=1e-6))
        assert await trader.call("fetch_open_orders", trader.symbol) == []
        await trader.call("cancel_order", made["id"], trader.symbol, {"trigger": True})
        assert trader.orders[-1].status is OrderStatus.CANCELED


@BOTH
async def test_a_stop_that_is_set_off_fires_an_order_of_its_own(kind: MarketKind) -> None:
    async with trading("gateio", kind) as trader:
        await trader.buy(trader.amount(5000))
        trader.sync()
        watching = asyncio.ensure_future(trader.client.watch_orders(trader.symbol, None, None, {"trigger": True}))
        hearing = asyncio.ensure_future(trader.client.watch_my_trades(trader.symbol))
        await until(trader, lambda: any("usertrades" in s.state.get("private", {}) for s in trader.sim.gateway.sockets))
        amount = trader.amount(2000)
        made = await trader.sell(amount, trader.price(0.98), stopLossPrice=trader.price(0.9995))
        depth = sum(size for _, size in trader.sim.engine(trader.symbol).depth(Side.BUY))
        trader.crowd_sells(depth, trader.price(0.999))
        await trader.hear(hearing)
        await trader.hear(watching)
        trigger, fired = trader.orders[-2:]
        assert (trigger.child_id, trigger.status) == (fired.order_id, OrderStatus.EXPIRED)
        found = await trader.call("fetch_order", made["id"], trader.symbol, {"trigger": True})
        assert found["status"] == "closed"
        assert fired.filled == trader.lots(amount)


async def test_leverage_says_the_margin_mode() -> None:
    async with trading("gateio", MarketKind.LINEAR) as trader:
        setting = trader.accounts.positions.setting(1, trader.key)
        await trader.call("set_leverage", 7, trader.symbol)
        assert setting == Setting(Decimal(7), True)
        await trader.call("set_leverage", 5, trader.symbol, {"marginMode": "cross"})
        assert setting == Setting(Decimal(5), False)
        await trader.buy(trader.amount(2000), trader.price(0.97))
        await refused(trader.call("set_leverage", 7, trader.symbol), ccxt.ExchangeError)
        assert not setting.isolated
