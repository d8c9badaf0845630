"""Hyperliquid's private side where ccxt does not look: signing, modifying, triggers, limits, streams."""

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec import json as mjson
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.ethereum import address_of, sign
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.front import Reply
from jackbot_tui.sim.hyperliquid.actions import Action
from jackbot_tui.sim.hyperliquid.front import HyperliquidFront
from jackbot_tui.sim.hyperliquid.signing import action_digest, connection_id, user_digest
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.orders import CROWD
from tests.conformance.test_private_ccxt import refused, trading
from tests.front_client import Ear, Rest, run

BTC, PAIR = "BTC/USDC:USDC", "BTC/USDC"
KEY = "hyperliquid:BTC/USDC:USDC"
SECRET = "0123456789012345678901234567890123456789012345678901234567890123"
CLOID = "0x00000000000000000000000000000001"
NONCE = 1763683200000
LIMIT = {"limit": {"tif": "Gtc"}}


def placed(price: str, size: str = "0.01", *, buys: bool = True, kind: Any = LIMIT, **more: Any) -> dict[str, Any]:
    order = {"a": 0, "b": buys, "p": price, "s": size, "r": False, "t": kind, **more}
    return {"type": "order", "orders": [order], "grouping": "na"}


def understood(action: dict[str, Any]) -> Action:
    """The action as the venue hashes it."""
    made: Action = mjson.decode(json.dumps(action), type=Action)
    return made


class Wallet:
    """Signs as the page says, for account 1."""

    def __init__(self, role: KeyRole = KeyRole.TRADER, *, sim: SimExchange | None = None) -> None:
        self.sim = sim or SimExchange((BTC, PAIR), venue="hyperliquid", seed=7, manual=True, accounts=2)
        run(self.sim, 1)
        self.rest = Rest(self.sim)
        self.secret = self.sim.accounts.keys.of(1, role).secret
        self.address = self.sim.front.credentials(self.sim.accounts.keys.of(1))["walletAddress"]
        self.nonce = self.sim.timeline.now_ms()

    def envelope(self, action: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.nonce = more.pop("nonce", self.nonce + 1)
        vault = more.get("vaultAddress")
        digest = action_digest(understood(action), self.nonce, vault, more.get("expiresAfter"))
        return {"action": action, "nonce": self.nonce, "signature": sign(digest, self.secret), **more}

    def reply(self, content: Any) -> Reply:
        made = self.rest.reply("/exchange", "POST", json.dumps(content).encode())
        self.sim.front.publish_accounts()
        return made

    def act(self, action: dict[str, Any], **more: Any) -> Any:
        return json.loads(self.reply(self.envelope(action, **more)).body)

    def status(self, action: dict[str, Any]) -> Any:
        """Of the one order in ``action``."""
        (made,) = self.act(action)["response"]["data"]["statuses"]
        return made

    def rest_at(self, factor: float, **more: Any) -> int:
        """The number of an order that rests below the market."""
        number: int = self.status(placed(self.price(factor), **more))["resting"]["oid"]
        return number

    def price(self, factor: float) -> str:
        return str(int((self.sim.engine(BTC).best_bid or 0) * factor))

    def info(self, kind: str, **fields: Any) -> Any:
        return self.rest.post("/info", {"type": kind, "user": self.address, **fields})

    def listening(self, *kinds: str, user: str = "") -> Ear:
        ear = Ear(self.sim, "/ws")
        for kind in kinds:
            ear.say({"method": "subscribe", "subscription": {"type": kind, "user": user or self.address}})
        return ear


def said(ear: Ear, channel: str) -> list[Any]:
    frames = [json.loads(frame) for frame in ear.take() if str(frame).startswith("{")]
    return [frame["data"] for frame in frames if frame["channel"] == channel]


# --- signing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "nonce", "hashed", "source", "r"),
    [
        (
            placed("1670.1", "0.0147", a=4, kind={"limit": {"tif": "Ioc"}}), 1677777606040,
            "0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908", "a", "",
        ),
        (
            placed("100", "100", a=1), 0, "", "a",
            "0xd65369825a9df5d80099e513cce430311d7d26ddf477f5b3a33d2806b100d78e",
        ),
        (
            placed("100", "100", a=1), 0, "", "b",
            "0x82b2ba28e76b3d761093aaded1b1cdad4960b3af30212b343fb2e6cdfa4e3d54",
        ),
        (
            placed("61000", kind={"limit": {"tif": "Alo"}}, c=CLOID), NONCE,
            "81d860ff6ea28bcd7d12a7901c6ef21bd833584e9b3fa3704ef890c0f0e5c65b", "a",
            "0x224b22f1189627dc38900b9b841e8fe32d3faf6d14e24ea186b894bbea2bc4fe",
        ),
        (
            {"type": "cancel", "cancels": [{"a": 0, "o": 77738308}]}, NONCE,
            "b08aa39c474cccd059300d58d54cb469c9f73b1dd0da87302334041cbf819d38", "a",
            "0x982a4c8047cc52b7ca67d58a342f5b32167ffe4d9cd6165a770a6c2a1432ee15",
        ),
    ],
)  # fmt: skip
def test_actions_hash_and_sign_as_the_venues_vectors(
    action: dict[str, Any], nonce: int, hashed: str, source: str, r: str
) -> None:
    if hashed:
        assert connection_id(understood(action), nonce).hex() == hashed
    if r:
        assert sign(action_digest(understood(action), nonce, source=source), SECRET)["r"] == r
    assert address_of(SECRET) == "0x14791697260e4c9a71f18484c9f997b308e59325"


def test_what_was_signed_otherwise_belongs_to_an_address_that_does_not_exist() -> None:
    wallet = Wallet()
    price = wallet.price(0.97)
    right = wallet.envelope(placed(price))
    wrong = {**right, "action": placed(f"{price}.0", size="0.02")}  # not what the signature is of
    assert "does not exist" in json.loads(wallet.reply(wrong).body)["response"]
    trap = placed(f"{price}.0")
    digest = action_digest(trap, wallet.nonce + 1)  # signed with the zero, which the venue does not hash
    body = {"action": trap, "nonce": wallet.nonce + 1, "signature": sign(digest, wallet.secret)}
    bodies = (body, {**body, "nonce": wallet.nonce + 2})
    first, second = (json.loads(wallet.reply(each).body)["response"] for each in bodies)
    assert first.startswith("User or API Wallet 0x")
    assert first != second
    wallet.secret = wallet.sim.accounts.keys.of(1, KeyRole.READER).secret
    stranger = address_of(wallet.secret)
    assert wallet.act(placed(price)) == {"status": "err", "response": f"User or API Wallet {stranger} does not exist."}
    assert wallet.sim.accounts.orders.orders(1) == []


def test_an_agent_acts_for_its_account_and_approves_nothing() -> None:
    wallet, owner = Wallet(), KeyRole.OWNER
    assert wallet.info("userRole") == {"role": "user"}
    agent = address_of(wallet.secret)
    assert wallet.rest.post("/info", {"type": "userRole", "user": agent}) == {
        "role": "agent", "data": {"user": wallet.address},
    }  # fmt: skip
    assert wallet.info("extraAgents")[0]["address"] == agent
    approval = {
        "hyperliquidChain": "Mainnet", "signatureChainId": "0x66eee", "maxFeeRate": "0.01%",
        "builder": "0x6530512A6c89C7cfCEbC3BA7fcD9aDa5f30827a6", "nonce": wallet.nonce, "type": "approveBuilderFee",
    }  # fmt: skip

    def approve(role: KeyRole) -> Any:
        secret = wallet.sim.accounts.keys.of(1, role).secret
        body = {"action": approval, "nonce": wallet.nonce, "signature": sign(user_digest(approval), secret)}
        return json.loads(wallet.reply(body).body)

    building = {**placed(wallet.price(0.97)), "builder": {"b": "0x6530512a6c89c7cfcebc3ba7fcd9ada5f30827a6", "f": 10}}
    assert wallet.act(building)["response"] == "Builder fee has not been approved."
    assert approve(KeyRole.TRADER)["response"] == f"Must deposit before performing actions. User: {agent}"
    assert approve(owner) == {"status": "ok", "response": {"type": "default"}}
    assert "resting" in wallet.status(building)


def test_nonces_count_once_and_lie_near_the_present() -> None:
    wallet = Wallet()
    action = placed(wallet.price(0.97))
    day = 86_400_000
    assert wallet.act(action, nonce=wallet.nonce)["status"] == "ok"
    assert "duplicate nonce" in wallet.act(action, nonce=wallet.nonce)["response"]
    for nonce in (wallet.nonce - 2 * day - 1, wallet.nonce + day + 10_000):
        assert "Invalid nonce" in wallet.act(action, nonce=nonce)["response"]
    wallet.nonce = wallet.sim.timeline.now_ms() + 1
    assert "expired" in wallet.act(action, expiresAfter=wallet.nonce - 5_000)["response"]
    assert "Vault" in wallet.act(action, vaultAddress=wallet.address)["response"]
    assert wallet.reply({"action": {"type": "order"}}).status == 422
    assert wallet.reply(wallet.envelope(action) | {"action": {**action, "grouping": "other"}}).status == 422
    assert len(wallet.sim.accounts.orders.orders(1)) == 1


async def test_unmodified_ccxt_signs_approvals_when_it_loads_markets() -> None:
    async with trading("hyperliquid", MarketKind.LINEAR, KeyRole.OWNER) as trader:
        front = trader.sim.front
        assert isinstance(front, HyperliquidFront)
        assert front.actions.signed == {"approveBuilderFee": 1, "setReferrer": 1}
        await trader.buy(trader.amount(2000), trader.price(0.97))
        await refused(trader.call("fetch_order", CLOID, trader.symbol))


# --- orders --------------------------------------------------------------------------------------------------------


def test_an_order_is_found_and_canceled_by_either_id() -> None:
    wallet = Wallet()
    number = wallet.rest_at(0.97, c=CLOID.upper().replace("X", "x"))
    assert wallet.status(placed(wallet.price(0.96), c=CLOID)) == {"error": "Duplicate cloid. asset=0"}
    for name in (number, CLOID):
        assert wallet.info("orderStatus", oid=name)["order"]["order"]["oid"] == number
    assert wallet.info("orderStatus", oid=number + 100) == {"status": "unknownOid"}
    assert [row["oid"] for row in wallet.info("openOrders")] == [number]
    by_cloid = {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]}
    assert wallet.status(by_cloid) == "success"
    missed = {"error": "Order was never placed, already canceled, or filled. asset=0"}
    assert wallet.status(by_cloid) == missed
    assert wallet.status({"type": "cancel", "cancels": [{"a": 0, "o": number}]}) == missed
    assert wallet.info("orderStatus", oid=number)["order"]["status"] == "canceled"


def test_a_modified_order_has_a_new_number_and_its_successor_is_told_first() -> None:
    wallet = Wallet()
    ear = wallet.listening("orderUpdates")
    before = wallet.rest_at(0.97, c=CLOID)
    ear.take()
    wanted = placed(wallet.price(0.96), size="0.02", c=CLOID)["orders"][0]
    after = wallet.status({"type": "batchModify", "modifies": [{"oid": before, "order": wanted}]})["resting"]["oid"]
    assert after != before
    rows = [(row["order"]["oid"], row["order"]["cloid"], row["status"]) for (row,) in said(ear, "orderUpdates")]
    assert rows == [(after, CLOID, "open"), (before, CLOID, "canceled")]
    (open_order,) = wallet.sim.accounts.orders.open_orders(1)
    assert (open_order.quantity, open_order.client_id) == (2000, CLOID)
    gone = {"type": "modify", "oid": before, "order": wanted}
    assert wallet.act(gone) == {"status": "err", "response": "Cannot modify canceled or filled order"}


def test_a_stop_waits_for_the_mark_and_is_told_when_it_is_set_off() -> None:
    wallet = Wallet()
    mark = wallet.sim.accounts.mark(KEY)
    ear = wallet.listening("orderUpdates")
    stop = {"trigger": {"isMarket": True, "triggerPx": str(int(mark) + 3), "tpsl": "sl"}}
    number = wallet.status(placed(wallet.price(1.05), kind=stop))["resting"]["oid"]
    (row,) = wallet.info("frontendOpenOrders")
    assert (row["oid"], row["isTrigger"], row["orderType"]) == (number, True, "Stop Market")
    under = {"trigger": {"isMarket": True, "triggerPx": str(int(mark) - 50), "tpsl": "sl"}}
    assert wallet.status(placed(wallet.price(1.05), kind=under)) == {"error": "Invalid TP/SL price. asset=0"}
    spot = placed(wallet.price(1.05), kind=stop)
    spot["orders"][0]["a"] = 10142
    assert "not enabled on spot" in wallet.status(spot)["error"]
    engine = wallet.sim.engine(BTC)
    for _ in range(400):
        if not wallet.sim.accounts.orders.open_orders(1):
            break
        best, now = engine.best_ask or 0, wallet.sim.timeline.elapsed_ns
        engine.submit(Side.BUY, engine.size_at(Side.SELL, best), best, now=now, account=CROWD)
        run(wallet.sim, 0.5)
    statuses = [row["status"] for rows in said(ear, "orderUpdates") for row in rows]
    assert statuses[:2] == ["open", "triggered"]
    assert statuses[-1] == "filled"
    assert wallet.info("clearinghouseState")["assetPositions"][0]["position"]["szi"] == "0.01"


def test_an_ioc_order_that_finds_nothing_is_an_error_and_rejected_in_the_history() -> None:
    wallet = Wallet()
    missed = wallet.status(placed(wallet.price(0.97), kind={"limit": {"tif": "Ioc"}}))
    assert missed == {"error": "Order could not immediately match against any resting orders. asset=0"}
    assert wallet.info("historicalOrders")[0]["status"] == "iocCancelRejected"
    crossing = wallet.status(placed(wallet.price(1.01), kind={"limit": {"tif": "Alo"}}))["error"]
    engine = wallet.sim.engine(BTC)
    assert crossing == (
        "Post only order would have immediately matched, "
        f"bbo was {engine.best_bid}@{engine.best_ask}. asset=0"
    )  # fmt: skip


def test_the_dead_mans_switch_wants_volume_and_five_seconds_and_counts_for_the_account() -> None:
    wallet = Wallet()
    number = wallet.rest_at(0.97)
    ear = wallet.listening("orderUpdates", "userEvents")

    def schedule(ms: int) -> Any:
        return wallet.act({"type": "scheduleCancel", "time": wallet.sim.timeline.now_ms() + ms})

    assert schedule(6_000)["response"].startswith("Cannot set scheduled cancel time until enough volume traded.")
    front = wallet.sim.front
    assert isinstance(front, HyperliquidFront)
    front.actions.schedule_volume = ZERO
    assert "at least 5 seconds" in schedule(1_000)["response"]
    assert schedule(6_000)["status"] == "ok"
    assert wallet.act({"type": "scheduleCancel"})["status"] == "ok"  # taken back
    run(wallet.sim, 6.5)
    assert len(wallet.info("openOrders")) == 1
    assert schedule(6_000)["status"] == "ok"
    ear.take()
    run(wallet.sim, 6.5)
    assert wallet.info("orderStatus", oid=number)["order"]["status"] == "scheduledCancel"
    frames = ear.news()
    assert [frame["data"][0]["status"] for frame in frames if frame["channel"] == "orderUpdates"] == ["scheduledCancel"]
    assert {"nonUserCancel": [{"coin": "BTC", "oid": number}]} in [frame["data"] for frame in frames]


# --- account -------------------------------------------------------------------------------------------------------


def test_leverage_and_mode_are_one_action_and_margin_moves_only_where_it_is_isolated() -> None:
    wallet = Wallet()
    more = {"type": "updateIsolatedMargin", "asset": 0, "isBuy": True, "ntli": 25_000_000}
    assert "no isolated position" in wallet.act(more)["response"]
    setting = {"type": "updateLeverage", "asset": 0, "isCross": False, "leverage": 5}
    assert wallet.act(setting)["status"] == "ok"
    assert wallet.info("activeAssetData", coin="BTC")["leverage"] == {"type": "isolated", "value": 5}
    assert wallet.act({**setting, "leverage": 400})["response"] == "Invalid leverage value"
    wallet.status(placed(wallet.price(1.02), kind={"limit": {"tif": "Ioc"}}))
    before = wallet.sim.accounts.positions.isolated_margin(1, KEY)
    assert wallet.act(more)["status"] == "ok"
    assert wallet.sim.accounts.positions.isolated_margin(1, KEY) == before + 25
    assert "Cannot switch leverage type" in wallet.act({**setting, "isCross": True})["response"]
    (held,) = wallet.info("clearinghouseState")["assetPositions"]
    assert (held["position"]["leverage"]["type"], held["position"]["maxLeverage"]) == ("isolated", 40)


def test_limits_of_the_address_and_of_the_account_are_counted() -> None:
    limits = replace(HyperliquidFront.LIMITS, spot_weight=60)
    sim = SimExchange((BTC, PAIR), venue="hyperliquid", seed=7, manual=True, accounts=2, limits=limits)
    wallet = Wallet(sim=sim)
    replies = [wallet.reply(wallet.envelope({"type": "noop"})).status for _ in range(61)]
    assert replies == [200] * 60 + [429]
    assert wallet.info("userRateLimit") is None  # its weight is beyond the minute's, too
    sim.timeline.advance_to(60_000_000_000)
    assert wallet.info("userRateLimit") == {"cumVlm": "0.0", "nRequestsUsed": 60, "nRequestsCap": 10_000}
    assert isinstance(sim.front, HyperliquidFront)
    sim.front.actions.free_actions = 65
    many = {**placed("1000"), "orders": placed("1000")["orders"] * 6}
    assert wallet.act(many)["response"].startswith("Too many cumulative requests sent (66 > 65)")
    assert wallet.act({"type": "cancel", "cancels": [{"a": 0, "o": 1}] * 6})["status"] == "ok"  # cancels may more


# --- streams -------------------------------------------------------------------------------------------------------


def test_streams_are_of_accounts_and_an_agents_address_hears_nothing() -> None:
    wallet = Wallet()
    kinds = ("orderUpdates", "userFills", "userEvents", "clearinghouseState", "openOrders")
    ear = wallet.listening(*kinds)
    deaf = wallet.listening(*kinds, user=address_of(wallet.secret))
    assert said(ear, "userFills") == [{"isSnapshot": True, "user": wallet.address, "fills": []}]
    deaf.take()
    wallet.status(placed(wallet.price(1.02), kind={"limit": {"tif": "Ioc"}}))
    frames = ear.news()
    rows = [row for frame in frames if frame["channel"] == "userFills" for row in frame["data"]["fills"]]
    fills = wallet.sim.accounts.orders.fills(1)
    assert [row["tid"] for row in rows] == [row["tid"] for row in reversed(wallet.info("userFills"))]
    assert (rows[0]["dir"], rows[0]["startPosition"], rows[0]["crossed"]) == ("Open Long", "0.0", True)
    assert sum(Decimal(row["sz"]) for row in rows) == sum(fill.quantity for fill in fills) * Decimal("0.00001")
    states = [frame["data"] for frame in frames if frame["channel"] == "clearinghouseState"]
    assert states[-1]["clearinghouseState"]["assetPositions"][0]["position"]["szi"] == "0.01"
    assert {frame["channel"] for frame in frames} >= {"user", "openOrders", "orderUpdates"}
    assert deaf.news() == []
    again = ear.ask({"method": "subscribe", "subscription": {"type": "userFills", "user": wallet.address}})
    assert again[0]["data"].startswith("Already subscribed")
    ear.ask({"method": "unsubscribe", "subscription": {"type": "userFills", "user": wallet.address}})
    wallet.status(placed(wallet.price(1.02), kind={"limit": {"tif": "Ioc"}}))
    assert said(ear, "userFills") == []


def test_no_more_than_ten_users_are_followed() -> None:
    wallet = Wallet()
    ear = Ear(wallet.sim, "/ws")
    answers = [
        ear.ask({"method": "subscribe", "subscription": {"type": "orderUpdates", "user": f"0x{number:040x}"}})[0]
        for number in range(11)
    ]
    assert [answer["channel"] for answer in answers] == ["subscriptionResponse"] * 10 + ["error"]
    odd = ear.ask({"method": "subscribe", "subscription": {"type": "orderUpdates", "user": "me"}})
    assert odd[0]["data"].startswith("Invalid subscription")


def test_actions_go_over_the_socket_too() -> None:
    wallet = Wallet()
    ear = Ear(wallet.sim, "/ws")
    request = {"type": "action", "payload": wallet.envelope(placed(wallet.price(0.97), c=CLOID))}
    (answer,) = ear.ask({"method": "post", "id": 5, "request": request})
    assert answer["data"]["id"] == 5
    (status,) = answer["data"]["response"]["payload"]["response"]["data"]["statuses"]
    assert status["resting"]["cloid"] == CLOID
    (failed,) = ear.ask({"method": "post", "id": 6, "request": {"type": "action", "payload": {}}})
    assert failed["data"]["response"]["type"] == "error"


def test_funding_and_liquidation_are_told() -> None:
    wallet = Wallet()
    wallet.act({"type": "updateLeverage", "asset": 0, "isCross": False, "leverage": 40})
    wallet.status(placed(wallet.price(1.02), kind={"limit": {"tif": "Ioc"}}))
    ear = wallet.listening("userFundings", "userEvents")
    ear.take()
    accounts = wallet.sim.accounts
    amount = accounts.positions.fund(1, KEY, Decimal("0.0001"), accounts.mark(KEY), ms=wallet.sim.timeline.now_ms())
    accounts.touch_money(1, KEY, ("USDC",), Cause.FUNDING, amount)
    wallet.sim.front.publish_accounts()
    (frame,) = said(ear, "userFundings")
    assert Decimal(frame["fundings"][0]["usdc"]) == amount < 0
    assert wallet.info("userFunding", startTime=0)[0]["delta"]["coin"] == "BTC"
    accounts.positions.add_margin(1, KEY, 1 - accounts.positions.isolated_margin(1, KEY), ms=0)
    run(wallet.sim, 2)
    events = said(ear, "user")
    assert any("liquidation" in event for event in events)
    fills = [row for event in events for row in event.get("fills", ())]
    assert fills[-1]["dir"] == "Close Long"
    assert fills[-1]["liquidation"]["liquidatedUser"] == wallet.address
    assert accounts.orders.orders(1)[-1].status is OrderStatus.FILLED
