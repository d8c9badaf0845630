"""Kraken's private side where the common judge does not look: signatures, nonces, codes, rows of its streams, stops."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt
import msgspec
import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.kraken.private_auth import futures_signature, spot_signature
from jackbot_tui.sim.kraken.private_ids import Names
from tests.conformance.test_private_ccxt import Trader, refused, trading, until

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
BOTH = pytest.mark.parametrize("kind", [SPOT, LINEAR])
OFFICIAL = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
CHALLENGED = "7zxMEF5p/Z8l2p2U7Ghv6x14Af+Fx+92tPgUdVQ748FOIrEoT9bgT+bTRfXc5pz8na+hL/QdrCVG7bh9KpT0eMTm"


def test_signatures_are_those_of_the_documentation() -> None:
    body = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    signed = spot_signature(OFFICIAL, "/0/private/AddOrder", "1616492376594", body)
    assert signed == "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    signed = futures_signature(CHALLENGED, "c100b894-1729-464d-ace1-52dbce11db42")
    assert signed == "4JEpF3ix66GA2B+ooK128Ift4XQVtc137N9yeg4Kqsn9PI0Kpzbysl9M1IeCEdjg0zl00wkVqcsnG4bmnlMb3A=="


def test_names_lead_back_to_what_they_name() -> None:
    names = Names(["kraken:BTC/USD", "kraken:ETH/USD", "kraken:BTC/USD:USD"])
    made = {
        name(key, number)
        for key in ("kraken:BTC/USD", "kraken:BTC/USD:USD")
        for number in (1, 2, 70_000)
        for name in (names.order, names.fill, names.uuid, names.fill_uuid)
    }
    assert len(made) == 24
    assert names.find(names.order("kraken:ETH/USD", 4711)) == ("kraken:ETH/USD", 4711)
    assert names.find(names.uuid("kraken:BTC/USD:USD", 12)) == ("kraken:BTC/USD:USD", 12)
    for foreign in (
        "",
        "999999999",
        "OXXXXX-XXXXX-XXXXX1",
        "OAAAAA-AAAAB-AAAAAA",
        "b0a1c2d3-0000-4000-8000-000000000000",
    ):
        found = names.find(foreign)
        assert found is None or found[1] > 1_000_000_000


class Raw:
    """Spot's REST without ccxt, with one key."""

    def __init__(self, sim: SimExchange, session: aiohttp.ClientSession) -> None:
        self.base = sim.ccxt_urls["kraken"]["private"]
        self.key = sim.accounts.keys.of(1)
        self.session = session
        self.nonce = 0

    async def ask(
        self, name: str, nonce: int | None = None, secret: str = "", key: str = "", **fields: Any
    ) -> list[str]:
        """The errors of an answer; its result is in ``self.result``."""
        self.nonce += 1
        path, count = f"/0/private/{name}", str(self.nonce if nonce is None else nonce)
        body = urlencode({"nonce": count, **fields}).encode()
        headers = {
            "API-Key": key or self.key.key,
            "API-Sign": spot_signature(secret or self.key.secret, path, count, body),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with self.session.post(self.base + path, data=body, headers=headers) as reply:
            assert reply.status == 200
            answer = await reply.json()
        self.result = answer.get("result")
        errors: list[str] = answer["error"]
        return errors


@asynccontextmanager
async def raw(kind: MarketKind = SPOT) -> AsyncIterator[tuple[Trader, Raw]]:
    async with trading("kraken", kind) as trader, aiohttp.ClientSession() as session:
        yield trader, Raw(trader.sim, session)


async def test_spot_refuses_keys_signatures_and_nonces() -> None:
    async with raw() as (_, client):
        assert await client.ask("Balance") == []
        assert await client.ask("Balance", key="nobody") == ["EAPI:Invalid key"]
        assert await client.ask("Balance", secret=OFFICIAL) == ["EAPI:Invalid signature"]
        assert await client.ask("Balance", nonce=1) == ["EAPI:Invalid nonce"]
        assert await client.ask("Balance", nonce=-7) == ["EAPI:Invalid nonce"]
        assert await client.ask("AddOrder", pair="FOOUSD") == ["EQuery:Unknown asset pair"]
        assert await client.ask("AddOrder", pair="XBTUSD") == ["EGeneral:Invalid arguments:ordertype"]
        assert await client.ask("CancelOrder", txid="OAAAAA-AAAAA-AAAAAA") == ["EOrder:Unknown order"]


async def test_spot_names_what_an_order_breaks() -> None:
    async with raw() as (trader, client):
        order: dict[str, Any] = {
            "pair": "XBTUSD",
            "type": "buy",
            "ordertype": "limit",
            "volume": "0.01",
            "price": str(trader.price(0.97)),
        }
        assert await client.ask("AddOrder", **order | {"price": "60000.05"}) == ["EOrder:Tick size check failed"]
        assert await client.ask("AddOrder", **order | {"volume": "0.00001"}) == ["EOrder:Order minimum not met"]
        assert await client.ask("AddOrder", **order | {"volume": "900"}) == ["EOrder:Insufficient funds"]
        assert await client.ask("AddOrder", **order | {"leverage": "2"}) == ["EOrder:Cannot open position"]
        crossing = order | {"price": str(trader.price(1.001)), "oflags": "post"}
        assert await client.ask("AddOrder", **crossing) == ["EOrder:Post only order"]
        assert await client.ask("AddOrder", **order | {"cl_ord_id": "x" * 19}) == [
            "EGeneral:Invalid arguments:cl_ord_id"
        ]
        assert await client.ask("AddOrder", **order | {"cl_ord_id": "a", "userref": "1"}) == [
            "EGeneral:Invalid arguments"
        ]
        assert await client.ask("AddOrder", **order | {"validate": "true"}) == []
        assert trader.orders == []
        assert await client.ask("AddOrder", **order | {"userref": "77"}) == []
        assert await client.ask("CancelOrder", txid="77") == []
        assert client.result == {"count": 1}


async def test_limits_of_requests_are_counted_and_forgotten() -> None:
    sim = SimExchange(("BTC/USD",), venue="kraken", manual=True, accounts=1)
    async with sim, aiohttp.ClientSession() as session:
        client = Raw(sim, session)
        for _ in range(10):
            assert await client.ask("TradesHistory") == []
        assert await client.ask("TradesHistory") == ["EAPI:Rate limit exceeded"], "two points each, twenty at most"
        await sim.step(4)
        assert await client.ask("TradesHistory") == [], "half a point a second is forgotten"
        assert await client.ask("CancelOrder", txid="OAAAAA-AAAAA-AAAAAA") == ["EOrder:Unknown order"]


async def test_a_key_tells_what_it_may() -> None:
    async with raw() as (_, client):
        assert await client.ask("GetApiKeyInfo") == []
        assert "modify-trades" in client.result["permissions"]
        assert "withdraw-funds" not in client.result["permissions"]


@BOTH
async def test_a_stop_order_waits_is_set_off_and_canceled(kind: MarketKind) -> None:
    async with trading("kraken", kind) as trader:
        await trader.buy(trader.amount(5000))
        made = await trader.sell(trader.amount(2000), stopLossPrice=trader.price(0.95))
        (shown,) = await trader.call("fetch_open_orders", trader.symbol)
        assert shown["id"] == made["id"]
        assert shown["triggerPrice" if kind is LINEAR else "stopLossPrice"] == pytest.approx(
            trader.price(0.95), rel=1e-6
        )
        await trader.call("cancel_order", made["id"], trader.symbol)
        amount = trader.amount(2000)
        await trader.sell(amount, stopLossPrice=trader.price(0.9995))
        depth = sum(size for _, size in trader.sim.engine(trader.symbol).depth(Side.BUY))
        trader.crowd_sells(depth, trader.price(0.999))
        await until(trader, lambda: trader.orders[-1].status is OrderStatus.FILLED)
        assert trader.orders[-1].filled == trader.lots(amount)


@BOTH
async def test_the_dead_mans_switch_counts_for_the_whole_account(kind: MarketKind) -> None:
    async with trading("kraken", kind) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97))
        await trader.call("cancel_all_orders_after", 1000)
        await trader.sim.step(1.1)
        assert trader.orders[0].status is OrderStatus.CANCELED


async def test_ccxt_drops_the_time_in_force_of_derivatives_but_takes_the_venues_own_types() -> None:
    async with trading("kraken", LINEAR) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.99), timeInForce="IOC")
        assert (trader.orders[-1].tif, trader.orders[-1].is_open) == (TimeInForce.GTC, True), "ccxt is repaired: use it"
        await trader.call("cancel_all_orders", trader.symbol)
        for kind, tif in (("ioc", TimeInForce.IOC), ("fok", TimeInForce.FOK)):
            await refused(trader.buy(trader.amount(2000), trader.price(0.99), orderType=kind))
            assert (trader.orders[-1].tif, trader.orders[-1].is_open, trader.orders[-1].filled) == (tif, False, 0)
            await trader.buy(trader.amount(2000), trader.price(1.001), orderType=kind)
            assert trader.orders[-1].status is OrderStatus.FILLED
        await trader.buy(trader.amount(2000), trader.price(0.99), postOnly=True)
        assert trader.orders[-1].post_only
        await refused(
            trader.buy(trader.amount(2000), trader.price(1.001), postOnly=True), ccxt.OrderImmediatelyFillable
        )


async def test_an_edit_of_derivatives_counts_what_is_open_unless_told() -> None:
    async with trading("kraken", LINEAR) as trader:
        amount, price = trader.amount(4000), trader.inside()
        made = await trader.buy(amount, price)
        trader.crowd_sells(trader.lots(amount) // 4, price)
        filled = trader.orders[0].filled
        await trader.call(
            "edit_order", made["id"], trader.symbol, "limit", "buy", amount, price, {"qtyMode": "ABSOLUTE"}
        )
        assert trader.orders[0].quantity == trader.lots(amount)
        await trader.call("edit_order", made["id"], trader.symbol, "limit", "buy", amount, price)
        assert trader.orders[0].quantity == trader.lots(amount) + filled


async def test_derivatives_refuse_keys_and_name_what_is_missing() -> None:
    async with trading("kraken", LINEAR) as trader:
        client = trader.client
        with pytest.raises(ccxt.ExchangeError, match="requiredArgumentMissing"):
            await trader.call("privatePostSendorder", {"symbol": "PF_XBTUSD", "side": "buy", "orderType": "lmt"})
        with pytest.raises(ccxt.ExchangeError, match="contractNotFound"):
            await trader.call("privatePostSendorder", {"symbol": "PF_FOOUSD", "side": "buy", "orderType": "mkt"})
        params = {"symbol": "PF_XBTUSD", "side": "buy", "orderType": "lmt", "size": "0.00001", "limitPrice": "60000"}
        answer = await trader.call("privatePostSendorder", params)
        assert answer["sendStatus"]["status"] == "invalidSize"
        answer = await trader.call("privatePostSendorder", params | {"size": "0.01", "cliOrdId": "x" * 101})
        assert answer["sendStatus"]["status"] == "clientOrderIdTooLong"
        answer = await trader.call("privatePostCancelorder", {"cliOrdId": "nobody"})
        assert answer["cancelStatus"]["status"] == "notFound"
        client.apiKey = "nobody"
        with pytest.raises(ccxt.ExchangeError, match="authenticationError"):
            await trader.call("fetch_positions")


# --- streams -----------------------------------------------------------------------------------------------------


class Stream:
    """A raw private socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **content: Any) -> None:
        await self.socket.send_str(msgspec.json.encode(content).decode())

    async def next(self, **wanted: Any) -> dict[str, Any]:
        """The next frame that has these fields."""
        while True:
            frame: dict[str, Any] = msgspec.json.decode((await self.socket.receive_str()).encode())
            if all(frame.get(name) == value for name, value in wanted.items()):
                return frame


async def test_rows_of_executions_tell_only_what_changed() -> None:
    async with (
        raw() as (trader, client),
        client.session.ws_connect(trader.sim.ccxt_urls["kraken"]["ws"]["privateV2"]) as ws,
    ):
        stream = Stream(ws)
        await stream.send(method="subscribe", params={"channel": "executions", "token": "stale"}, req_id=1)
        answer = await stream.next(req_id=1)
        assert (answer["success"], answer["error"]) == (False, "ESession:Invalid session")
        assert await client.ask("GetWebSocketsToken") == []
        token = client.result["token"]
        await stream.send(method="subscribe", params={"channel": "executions", "token": token}, req_id=2)
        assert (await stream.next(req_id=2))["success"] is True
        assert await stream.next(channel="executions", type="snapshot") == {
            "channel": "executions", "type": "snapshot", "data": [], "sequence": 1,
        }  # fmt: skip
        await stream.send(method="subscribe", params={"channel": "balances", "token": token}, req_id=3)
        totals = {row["asset"]: row["balance"] for row in (await stream.next(channel="balances"))["data"]}
        assert totals["USD"] == 100_000
        order: dict[str, Any] = {
            "order_type": "limit", "side": "buy", "order_qty": 0.01, "symbol": trader.symbol, "cl_ord_id": "own-1",
            "limit_price": trader.price(1.001), "token": token,
        }  # fmt: skip
        await stream.send(method="add_order", params=order, req_id=4)
        made = await stream.next(req_id=4)
        assert made["success"] and made["result"]["cl_ord_id"] == "own-1"
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1]["exec_type"] != "filled":
            (row,) = (await stream.next(channel="executions"))["data"]
            seen.append(row)
            assert row["order_id"] == made["result"]["order_id"]
        assert [row["exec_type"] for row in seen][:2] == ["pending_new", "new"]
        assert "symbol" in seen[0] and "symbol" not in seen[1] and "symbol" not in seen[-1]
        trades = [row for row in seen if row["exec_type"] == "trade"]
        assert sum(row["last_qty"] for row in trades) == pytest.approx(0.01)
        assert {row["exec_id"] for row in trades} == set(
            (await trader.call("privatePostTradesHistory"))["result"]["trades"]
        )
        held = {
            row["asset"]: row["balance"]
            for row in [(await stream.next(channel="balances"))["data"][0] for _ in range(2)]
        }
        assert held["BTC"] == pytest.approx(float(trader.accounts.holding(1, "BTC").total))
        await stream.send(method="cancel_order", params={"order_id": ["OAAAAA-AAAAA-AAAAAA"], "token": token}, req_id=5)
        assert (await stream.next(req_id=5))["error"] == "EOrder:Unknown order"
        trader.sim.front.expire_tokens()
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_feeds_of_derivatives_want_a_signed_challenge_and_tell_what_rests() -> None:
    async with (
        raw(LINEAR) as (trader, client),
        client.session.ws_connect(trader.sim.ccxt_urls["krakenfutures"]["ws"]) as ws,
    ):
        stream, key = Stream(ws), client.key
        await stream.send(event="challenge", api_key=key.key)
        challenge = (await stream.next(event="challenge"))["message"]
        digest = hashlib.sha256(challenge.encode()).digest()
        signed = base64.b64encode(hmac.new(base64.b64decode(key.secret), digest, "sha512").digest()).decode()
        proof = {"api_key": key.key, "original_challenge": challenge}
        await stream.send(event="subscribe", feed="fills", signed_challenge="bm8=", **proof)
        assert (await stream.next(event="alert"))["message"] == "Failed to subscribe to authenticated feed"
        for feed in ("fills", "open_orders", "balances", "open_positions"):
            await stream.send(event="subscribe", feed=feed, signed_challenge=signed, **proof)
            assert (await stream.next(event="subscribed"))["feed"] == feed
        made = await trader.buy(trader.amount(4000), trader.inside(), clientOrderId="own-1")
        placed = await stream.next(feed="open_orders")
        assert (placed["order"]["order_id"], placed["order"]["cli_ord_id"]) == (made["id"], "own-1")
        assert (placed["reason"], placed["is_cancel"]) == ("new_placed_order_by_user", False)
        order = trader.orders[0]
        trader.crowd_sells(order.quantity // 4, trader.price(1))
        await trader.sim.step(0.05)
        (fill,) = (await stream.next(feed="fills"))["fills"]
        assert (fill["order_id"], fill["buy"], fill["fill_type"]) == (made["id"], True, "maker")
        assert (await stream.next(feed="open_orders"))["reason"] == "partial_fill"
        assert (await stream.next(feed="balances"))["flex_futures"]["currencies"]["USD"]["available"] > 0
        (position,) = (await stream.next(feed="open_positions"))["positions"]
        assert trader.lots(position["balance"]) == order.quantity // 4
        await trader.call("cancel_order", made["id"], trader.symbol)
        gone = await stream.next(feed="open_orders")
        assert (gone["order_id"], gone["is_cancel"], gone["reason"]) == (made["id"], True, "cancelled_by_user")
        assert "order" not in gone


async def test_ccxt_hears_fills_positions_and_the_margin_of_derivatives() -> None:
    async with trading("kraken", LINEAR) as trader:
        client, symbol = trader.client, trader.symbol
        trader.sync()
        trades = asyncio.ensure_future(client.watch_my_trades(symbol))
        await until(trader, lambda: trader.sim.front.listeners(1, LINEAR) > 0)
        balance = asyncio.ensure_future(client.watch_balance({"account": "flex_futures"}))
        positions = asyncio.ensure_future(client.watch_positions())
        assert await trader.hear(positions) == []
        amount = trader.amount(5000)
        await trader.buy(amount)
        await trader.hear(trades)
        fills = trader.accounts.orders.fills(1, trader.key)
        await until(trader, lambda: len(client.myTrades) == len(fills))
        assert sum(trade["fee"]["cost"] for trade in client.myTrades) == pytest.approx(float(sum(f.fee for f in fills)))
        assert (await trader.hear(balance))["USD"]["total"] > 0
        await until(trader, lambda: bool(client.positions) and any(row["contracts"] for row in client.positions))
        assert trader.lots(client.positions[-1]["contracts"]) == trader.lots(amount)
