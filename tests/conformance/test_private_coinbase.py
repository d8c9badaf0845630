"""Coinbase's private side where ccxt does not look: tokens, repeated ids, edits, stops, limits, the user channel."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, OrderStatus
from jackbot_tui.sim.coinbase.front import CoinbaseFront
from jackbot_tui.sim.coinbase.private_auth import key_name, token
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.front import Call, Reply, RequestRefused
from jackbot_tui.sim.keys import KeyRole
from tests.conformance.test_private_ccxt import trading, until
from tests.front_client import Ear, run

BTC = "BTC/USD"
BASE = "/api/v3/brokerage"


class Desk:
    """Signs as the page says, for account 1."""

    def __init__(self, *, limit: int = 10_000) -> None:
        limits = replace(CoinbaseFront.LIMITS, linear_weight=limit)
        self.sim = SimExchange((BTC,), venue="coinbase", seed=7, manual=True, accounts=2, limits=limits)
        run(self.sim, 1)
        self.key = self.sim.accounts.keys.of(1)

    def claims(self, **more: Any) -> dict[str, Any]:
        now = self.sim.timeline.now_ms() // 1000
        return {"sub": key_name(self.key), "iss": "cdp", "nbf": now, "exp": now + 120, **more}

    def reply(self, method: str, path: str, content: Any = None, *, bearer: str = "", **query: str) -> Reply:
        """``path`` after the base."""
        whole = BASE + path
        bearer = bearer or token(self.key, self.claims(uri=f"{method} api.coinbase.com{whole}"))
        call = Call(method, whole, query, {}, {"Authorization": f"Bearer {bearer}"}, json.dumps(content).encode())
        for page in self.sim.front.pages():
            head, brace, _ = page.path.partition("{")
            if page.method == method and (page.path == whole or (brace and whole.startswith(head))):
                try:
                    match = {"order_id": whole.removeprefix(head)} if brace else {}
                    made = page.answer(replace(call, match=match))
                except RequestRefused as refused:
                    made = refused.reply
                self.sim.front.publish_accounts()
                return made
        raise AssertionError(f"no page {method} {path}")

    def ask(self, method: str, path: str, content: Any = None, **query: str) -> Any:
        return json.loads(self.reply(method, path, content, **query).body)

    def order(self, configuration: dict[str, Any], *, side: str = "BUY", name: str = "own-1") -> Any:
        body = {"client_order_id": name, "product_id": "BTC-USD", "side": side, "order_configuration": configuration}
        return self.ask("POST", "/orders", body)

    def limit(self, factor: float, size: str = "0.01", **more: Any) -> dict[str, Any]:
        return {"limit_limit_gtc": {"base_size": size, "limit_price": self.price(factor), **more}}

    def price(self, factor: float) -> str:
        return f"{int((self.sim.engine(BTC).best_bid or 0) * factor) / 100:.2f}"

    def resting(self, factor: float = 0.97, **named: str) -> str:
        made: str = self.order(self.limit(factor), **named)["success_response"]["order_id"]
        return made

    def listening(self) -> Ear:
        ear = Ear(self.sim, "/")
        wanted = {"type": "subscribe", "channel": "user", "product_ids": ["BTC-USD"]}
        ear.say({**wanted, "jwt": token(self.key, self.claims())})
        return ear


def rows(ear: Ear) -> list[Any]:
    return [
        row
        for frame in ear.news()
        if frame.get("channel") == "user"
        for event in frame["events"]
        for row in event["orders"]
    ]


# --- who asks ------------------------------------------------------------------------------------------------------


def test_a_token_is_for_one_path_and_two_minutes_and_signed_by_its_key() -> None:
    desk = Desk()
    uri = f"GET api.coinbase.com{BASE}/accounts"
    good = desk.claims(uri=uri)
    now = good["nbf"]
    assert desk.reply("GET", "/accounts").status == 200
    assert desk.reply("GET", "/accounts", bearer=token(desk.key, {**desk.claims(), "uris": [uri]})).status == 200
    stranger = replace(desk.key, secret=desk.sim.accounts.keys.of(2).secret)
    parts = token(desk.key, good).split(".")
    wrong = [
        "nothing", token(stranger, good), token(desk.key, desk.claims()),
        token(desk.key, desk.claims(uri=uri.replace("GET", "POST"))),
        token(desk.key, desk.claims(uri=uri.replace("accounts", "orders"))),
        token(desk.key, {**good, "nbf": now - 300, "exp": now - 180}), token(desk.key, {**good, "nbf": now + 60}),
        token(desk.key, {**good, "exp": now + 900}), token(desk.key, {**good, "sub": "somebody"}),
        ".".join([parts[0], parts[1], parts[2][:-8]]),
    ]  # fmt: skip
    for bearer in wrong:
        refusal = desk.reply("GET", "/accounts", bearer=bearer)
        assert (refusal.status, refusal.body) == (401, b"Unauthorized\n"), bearer


@pytest.mark.parametrize(
    ("role", "rights"),
    [(KeyRole.TRADER, (True, False)), (KeyRole.READER, (False, False)), (KeyRole.OWNER, (True, True))],
)
def test_a_key_says_what_it_may_and_cannot_do_more(role: KeyRole, rights: tuple[bool, bool]) -> None:
    desk = Desk()
    desk.key = desk.sim.accounts.keys.of(1, role)
    said = desk.ask("GET", "/key_permissions")
    assert (said["can_trade"], said["can_transfer"]) == rights
    body = {"client_order_id": "a", "product_id": "BTC-USD", "side": "BUY", "order_configuration": desk.limit(0.97)}
    reply = desk.reply("POST", "/orders", body)
    assert reply.status == (200 if rights[0] else 403)
    assert len(desk.sim.accounts.orders.orders(1)) == rights[0]


def test_thirty_requests_a_second_are_an_accounts_limit() -> None:
    desk = Desk(limit=30)
    statuses = [desk.reply("GET", "/accounts").status for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    desk.key = desk.sim.accounts.keys.of(2)
    assert desk.reply("GET", "/accounts").status == 200


# --- orders --------------------------------------------------------------------------------------------------------


def test_a_repeated_client_id_is_answered_with_the_order_that_has_it() -> None:
    desk = Desk()
    first = desk.order(desk.limit(0.97), name="mine")
    again = desk.order(desk.limit(0.95), name="mine")
    assert again["success_response"] == first["success_response"]
    assert len(desk.sim.accounts.orders.orders(1)) == 1


@pytest.mark.parametrize(
    ("configuration", "error", "preview"),
    [
        ({"base_size": "0.01", "limit_price": "up", "post_only": True}, "INVALID_LIMIT_PRICE_POST_ONLY",
         "PREVIEW_INVALID_LIMIT_PRICE_POSTONLY"),
        ({"base_size": "90", "limit_price": "down"}, "INSUFFICIENT_FUND", "PREVIEW_INSUFFICIENT_FUND"),
        ({"base_size": "0.01", "limit_price": "60000.001"}, "INVALID_PRICE_PRECISION",
         "PREVIEW_INVALID_PRICE_PRECISION"),
        ({"base_size": "0.010000001", "limit_price": "down"}, "INVALID_SIZE_PRECISION",
         "PREVIEW_INVALID_SIZE_PRECISION"),
        ({"base_size": "0.00000001", "limit_price": "down"}, "UNKNOWN_FAILURE_REASON",
         "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
    ],
)  # fmt: skip
def test_what_is_refused_is_a_success_of_http(configuration: dict[str, Any], error: str, preview: str) -> None:
    desk = Desk()
    places = {"up": desk.price(1.01), "down": desk.price(0.97)}
    configuration["limit_price"] = places.get(configuration["limit_price"], configuration["limit_price"])
    said = desk.order({"limit_limit_gtc": configuration})
    assert said["success"] is False
    assert (said["error_response"]["error"], said["error_response"]["preview_failure_reason"]) == (error, preview)
    assert desk.sim.accounts.orders.orders(1) == []
    assert desk.order({"trigger_bracket_gtc": {}})["error_response"]["error"] == "UNSUPPORTED_ORDER_CONFIGURATION"
    assert desk.reply("POST", "/orders", {"side": "BUY"}).status == 400


def test_an_edit_names_both_fields_and_never_less_than_is_filled() -> None:
    desk = Desk()
    order_id = desk.resting()

    def edit(**fields: str) -> Any:
        said = desk.ask("POST", "/orders/edit", {"order_id": order_id, **fields})
        return said["success"] or said["errors"][0]["edit_failure_reason"]

    assert edit(price=desk.price(0.96)) == "INVALID_EDITED_SIZE"
    assert edit(size="0.02") == "INVALID_EDITED_PRICE"
    assert edit(size="0.02", price=desk.price(0.96)) is True
    (order,) = desk.sim.accounts.orders.open_orders(1)
    assert order.quantity == 2_000_000
    assert desk.ask("GET", f"/orders/historical/{order_id}")["order"]["order_id"] == order_id
    order.filled = 500_000
    assert edit(size="0.001", price=desk.price(0.96)) == "CANNOT_EDIT_TO_BELOW_FILLED_SIZE"
    order.filled = 0
    (canceled,) = desk.ask("POST", "/orders/batch_cancel", {"order_ids": [order_id]})["results"]
    assert (canceled["success"], canceled["failure_reason"]) == (True, "UNKNOWN_CANCEL_FAILURE_REASON")
    assert edit(size="0.02", price=desk.price(0.96)) == "ORDER_NOT_FOUND"
    (gone,) = desk.ask("POST", "/orders/batch_cancel", {"order_ids": [order_id]})["results"]
    assert (gone["success"], gone["failure_reason"]) == (False, "UNKNOWN_CANCEL_ORDER")
    assert desk.reply("GET", "/orders/historical/nothing").status == 404


def test_a_stop_waits_by_its_direction() -> None:
    desk = Desk()

    def stop(factor: float, direction: str) -> Any:
        prices = {"stop_price": desk.price(factor), "limit_price": desk.price(factor)}
        configuration = {"base_size": "0.01", **prices, "stop_direction": f"STOP_DIRECTION_STOP_{direction}"}
        return desk.order({"stop_limit_stop_limit_gtc": configuration}, side="SELL", name=direction + str(factor))

    assert stop(0.97, "UP")["error_response"]["preview_failure_reason"] == "PREVIEW_INVALID_STOP_PRICE"
    order_id = stop(0.97, "DOWN")["success_response"]["order_id"]
    row = desk.ask("GET", f"/orders/historical/{order_id}")["order"]
    assert (row["status"], row["trigger_status"], row["order_type"]) == ("OPEN", "STOP_PENDING", "STOP_LIMIT")
    assert stop(1.03, "UP")["success"]


def test_pages_of_orders_and_fills_follow_a_cursor() -> None:
    desk = Desk()
    made = [desk.resting(name=f"own-{number}") for number in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        said = desk.ask("GET", "/orders/historical/batch", None, limit="2", cursor=cursor, order_status="OPEN")
        seen += [row["order_id"] for row in said["orders"]]
        cursor = said["cursor"]
        if not said["has_next"]:
            break
    assert seen == made[::-1]
    assert desk.ask("GET", "/orders/historical/batch", None, order_status="FILLED")["orders"] == []
    assert desk.reply("GET", "/orders/historical/batch", None, order_status="NONSENSE").status == 400
    desk.order({"market_market_ioc": {"base_size": "0.01"}}, side="SELL", name="taken")
    (fill, *_) = desk.ask("GET", "/orders/historical/fills", None, product_id="BTC-USD")["fills"]
    assert fill["liquidity_indicator"] == "TAKER"
    assert desk.ask("GET", "/orders/historical/fills", None, order_ids=made[0])["fills"] == []


# --- the user channel ----------------------------------------------------------------------------------------------


def test_the_channel_begins_with_open_orders_and_tells_sums_not_fills() -> None:
    desk = Desk()
    order_id = desk.resting()
    ear = desk.listening()
    (open_order,) = rows(ear)
    assert (open_order["order_id"], open_order["leaves_quantity"]) == (order_id, "0.01")
    assert open_order["status"] == "OPEN"
    taken = desk.order({"market_market_ioc": {"base_size": "0.01"}}, side="SELL", name="taken")
    told = [row for row in rows(ear) if row["order_id"] == taken["success_response"]["order_id"]]
    fills = desk.sim.accounts.orders.fills(1)
    assert told[-1]["status"] == "FILLED"
    assert float(told[-1]["total_fees"]) == pytest.approx(float(sum(fill.fee for fill in fills)))
    assert [float(row["cumulative_quantity"]) for row in told][-1] == 0.01
    assert told[0]["cumulative_quantity"] == "0"
    desk.ask("POST", "/orders/batch_cancel", {"order_ids": [order_id]})
    assert [row["status"] for row in rows(ear)] == ["CANCELLED"]
    numbers = [frame["sequence_num"] for frame in ear.ask({"type": "subscribe", "channel": "heartbeats"})]
    assert numbers
    assert numbers == sorted(numbers)


def test_a_subscription_without_a_good_token_is_refused() -> None:
    desk = Desk()
    ear = Ear(desk.sim, "/")
    bad: dict[str, Any] = {"type": "subscribe", "channel": "user", "product_ids": []}
    for request in (bad, {**bad, "jwt": "x.y.z"}):
        (answer,) = ear.ask(request)
        assert (answer["type"], answer["message"]) == ("error", "authentication failure")
    assert desk.sim.front.listeners(1, MarketKind.SPOT) == 0
    heard = desk.listening()
    assert desk.sim.front.listeners(1, MarketKind.SPOT) == 1
    desk.sim.front.closed(heard)
    assert desk.sim.front.listeners(1, MarketKind.SPOT) == 0


async def test_ccxt_hears_of_its_orders() -> None:
    async with trading("coinbase", MarketKind.SPOT) as trader:
        trader.sync()
        watching = asyncio.ensure_future(trader.client.watch_orders(trader.symbol))
        await until(trader, lambda: trader.sim.front.listeners(1, MarketKind.SPOT) > 0)
        made = await trader.buy(trader.amount(2000), trader.price(0.97), client_order_id="heard-1")
        (heard,) = await trader.hear(watching)
        assert (heard["id"], heard["clientOrderId"], heard["status"]) == (made["id"], "heard-1", "open")
        await trader.call("cancel_order", made["id"], trader.symbol)
        await until(trader, lambda: trader.client.orders[-1]["status"] == "canceled")
        assert trader.orders[0].status is OrderStatus.CANCELED
