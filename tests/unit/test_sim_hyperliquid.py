"""The Hyperliquid gateway: frames as hyperliquid.md writes them, pictures by their cadence, subscriptions, queries."""

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.market import BookSnapshot, BookTicker, MarkPrice, Trade
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.hyperliquid.front import GREETING, MOST_CONNECTIONS, HyperliquidFront
from jackbot_tui.sim.hyperliquid.listings import LISTINGS
from jackbot_tui.sim.hyperliquid.texts import Grid, figure, plain, shortest
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Codec
from tests.front_client import Ear, Rest, run, stand_still

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
OPENED_MS = 1_795_000_000_000
BTC, PAIR = "BTC/USDC:USDC", "BTC/USDC"
DEEP = {"type": "l2Book", "coin": "BTC"}
FAST = {**DEEP, "fast": True}
BBO = {"type": "bbo", "coin": "BTC"}
TRADES = {"type": "trades", "coin": "BTC"}


def opened(**options: Any) -> SimExchange:
    options = {"symbols": (BTC, "ETH/USDC:USDC", PAIR), "seed": 7, "manual": True, **options}
    return SimExchange(options.pop("symbols"), venue="hyperliquid", **options)


def asked(method: str, subscription: Any) -> dict[str, Any]:
    return {"method": method, "subscription": subscription}


def ear_of(sim: SimExchange, *subscriptions: dict[str, Any]) -> Ear:
    """A connection that has heard its greeting and what it is told at once."""
    ear = Ear(sim, "/ws")
    for subscription in subscriptions:
        ear.say(asked("subscribe", subscription))
    assert ear.take()[0] == GREETING
    return ear


def answers(ear: Ear, method: str, subscription: Any) -> list[Any]:
    return ear.ask(asked(method, subscription))


def codec_of(sim: SimExchange) -> Codec:
    codec, rest = load_venue("hyperliquid"), Rest(sim)
    for kind in (SPOT, LINEAR):
        request = codec.instruments_request(kind)
        codec.register(codec.decode_instruments(kind, rest.reply("/info", request.method, request.body.encode()).body))
    return codec


def emptied(sim: SimExchange, symbol: str) -> SimMarket:
    """The market with nothing in its book."""
    market = sim.market(symbol)
    for side in (Side.BUY, Side.SELL):
        for price, _ in market.engine.depth(side):
            for order in market.engine.queue_at(side, price):
                market.engine.cancel(order.order_id, now=0)
    return market


# --- texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "written"), [("61000", "61000.0"), ("0.5", "0.5"), ("3100.25", "3100.25")])
def test_figures_have_a_decimal_and_no_zero_too_many(text: str, written: str) -> None:
    assert figure(text) == written
    assert plain(Decimal(text) + Decimal("0.000")) == written
    assert shortest(float(text), 4) == written


@pytest.mark.parametrize(
    ("figures", "mantissa", "bid", "ask"),
    [(5, 1, "61234", "61235"), (5, 2, "61234", "61236"), (5, 5, "61230", "61235"), (3, 1, "61200", "61300")],
)
def test_aggregated_prices_go_away_from_the_touch(figures: int, mantissa: int, bid: str, ask: str) -> None:
    grid = Grid(figures, mantissa)
    assert grid.rounded(Side.BUY, Decimal("61234.5")) == Decimal(bid)
    assert grid.rounded(Side.SELL, Decimal("61234.5")) == Decimal(ask)


def test_a_picture_is_written_as_on_the_page() -> None:
    sim = opened()
    ear = ear_of(sim)
    engine = emptied(sim, BTC).engine
    for side, price, lots in (
        (Side.BUY, 61000, 30_000), (Side.BUY, 61000, 20_000), (Side.BUY, 60999, 100_000), (Side.SELL, 61001, 25_000),
    ):  # fmt: skip
        engine.submit(side, lots, price, now=0, account=1)
    levels = (
        '[[{"px":"61000.0","sz":"0.5","n":2},{"px":"60999.0","sz":"1.0","n":1}],[{"px":"61001.0","sz":"0.25","n":1}]]'
    )
    ear.say(asked("subscribe", DEEP))
    ack, deep = ear.take()
    whole = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None}
    assert json.loads(ack) == {
        "channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": whole},
    }  # fmt: skip
    assert deep == f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{OPENED_MS},"levels":{levels}}}}}'
    ear.say(asked("subscribe", FAST))
    assert (
        ear.take()[1]
        == f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{OPENED_MS},"levels":{levels},"fast":true}}}}'
    )
    ear.say(asked("subscribe", BBO))
    best = '[{"px":"61000.0","sz":"0.5","n":2},{"px":"61001.0","sz":"0.25","n":1}]'
    assert ear.take()[1] == f'{{"channel":"bbo","data":{{"coin":"BTC","time":{OPENED_MS},"bbo":{best}}}}}'
    engine.cancel(engine.oldest_at(Side.SELL, 61001).order_id, now=0)
    stand_still(sim, 100)
    assert [frame["data"]["bbo"][1] for frame in ear.news() if frame["channel"] == "bbo"] == [None]


def test_a_trade_is_written_as_on_the_page_and_told_again_to_newcomers() -> None:
    sim = opened()
    ear = ear_of(sim, TRADES)
    engine = emptied(sim, BTC).engine
    engine.submit(Side.BUY, 3000, 61000, now=0, account=1)
    for lots in (1000, 2000):
        engine.submit(Side.SELL, lots, 61000, now=0, account=2)
    stand_still(sim, 10)
    (frame,) = ear.news()
    first, second = frame["data"]
    assert {name: first[name] for name in ("coin", "side", "px", "sz", "time")} == {
        "coin": "BTC", "side": "A", "px": "61000.0", "sz": "0.01", "time": OPENED_MS + 10,
    }  # fmt: skip
    assert (second["sz"], second["time"]) == ("0.02", OPENED_MS + 10)
    assert first["hash"] != second["hash"] and len(first["hash"]) == 66
    assert first["tid"] != second["tid"] and 0 <= first["tid"] < 2**50
    assert all(len(each) == 42 for row in frame["data"] for each in row["users"])
    late = Ear(sim, "/ws")
    late.take()
    assert answers(late, "subscribe", TRADES)[1] == frame
    assert Rest(sim).post("/info", {"type": "recentTrades", "coin": "BTC"}) == [second, first]


def test_trades_of_one_taker_are_of_one_transaction_and_all_of_a_block_at_one_time() -> None:
    sim = opened()
    ear = ear_of(sim, TRADES)
    run(sim, 10)
    stand_still(sim, 100)
    frames = ear.news()
    rows = [row for frame in frames for row in frame["data"]]
    history = sim.market(BTC).history.trades
    assert len(rows) == len(history) > 20
    assert all(len({row["time"] for row in frame["data"]}) == 1 for frame in frames)
    by_taker: dict[int, set[str]] = {}
    for row, trade in zip(rows, history, strict=True):
        assert row["side"] == ("A" if trade.buyer_is_maker else "B")
        assert 0 <= row["time"] - trade.ms <= 100
        by_taker.setdefault(trade.taker, set()).add(row["hash"])
    assert all(len(hashes) == 1 for hashes in by_taker.values())
    assert len({row["tid"] for row in rows}) == len(rows)


# --- cadence -------------------------------------------------------------------------------------------------------


def test_deep_pictures_come_every_five_seconds_fast_ones_every_half_best_prices_when_they_change() -> None:
    sim = opened()
    ear = ear_of(sim, DEEP, FAST, BBO)
    stand_still(sim, 1000)
    ear.take()
    stand_still(sim, 10_000)
    frames = ear.news()
    books = [frame["data"] for frame in frames if frame["channel"] == "l2Book"]
    fast = [book for book in books if book.get("fast")]
    assert (len(books) - len(fast), len(fast)) == (2, 20)
    assert not [frame for frame in frames if frame["channel"] == "bbo"], "nothing has changed"
    assert {len(book["levels"][0]) for book in fast} == {5}
    engine = sim.engine(BTC)
    best = engine.best_bid
    assert best is not None
    engine.submit(Side.BUY, 7, best, now=0, account=1)
    stand_still(sim, 100)
    assert [frame["channel"] for frame in ear.news() if frame["channel"] == "bbo"] == ["bbo"]


def test_the_products_book_is_the_engines_after_all_pictures() -> None:
    sim = opened()
    ear, codec = ear_of(sim, DEEP, FAST, BBO), codec_of(sim)
    run(sim, 12)
    sim.front.publish_books()
    events = [event for frame in ear.take() for event in codec.decode(LINEAR, frame, 1)]
    book = [event for event in events if isinstance(event, BookSnapshot)][-1]
    engine = sim.engine(BTC)
    for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
        true = [(float(price), lots / 1e5) for price, lots in engine.depth(side, 20)]
        assert [(price, pytest.approx(size)) for price, size in levels] == true
    assert any(isinstance(event, BookTicker) for event in events)


def test_figures_of_perpetuals_are_read_by_the_product_and_funding_is_an_hours() -> None:
    sim = opened()
    ear, codec = ear_of(sim, {"type": "activeAssetCtx", "coin": "BTC"}), codec_of(sim)
    run(sim, 1)
    ear.take()
    run(sim, 3)
    marks, engine = sim.market(BTC).marks, sim.engine(BTC)
    assert marks is not None
    frames = ear.take()
    (event,) = codec.decode(LINEAR, frames[-1], 1)
    assert isinstance(event, MarkPrice)
    assert event.mark == pytest.approx(marks.mark, abs=0.5)
    assert event.funding_rate == pytest.approx(marks.rate / 8, abs=1e-10)
    assert len(frames) == 3
    context = json.loads(frames[-1])["data"]["ctx"]
    below, above = (float(price) for price in context["impactPxs"])
    assert engine.best_bid and engine.best_ask
    assert below <= engine.best_bid + 1 and above >= engine.best_ask - 1 and below < above


def test_spot_coins_have_figures_and_mids_too() -> None:
    sim = opened()
    ear = ear_of(sim)
    _, frame = answers(ear, "subscribe", {"type": "activeAssetCtx", "coin": "@142"})
    assert frame["channel"] == "activeSpotAssetCtx" and frame["data"]["ctx"]["coin"] == "@142"
    ack, mids = answers(ear, "subscribe", {"type": "allMids"})
    assert ack["data"]["subscription"] == {"type": "allMids"}
    assert list(mids["data"]["mids"]) == ["@142", "BTC", "ETH"]
    stand_still(sim, 10)
    ear.take()
    stand_still(sim, 4000)
    assert len([frame for frame in ear.news() if frame["channel"] == "allMids"]) == 2


# --- subscriptions -------------------------------------------------------------------------------------------------


def test_subscriptions_are_told_apart_by_all_their_arguments() -> None:
    sim = opened()
    ear = ear_of(sim, DEEP, FAST)
    grouped = {**DEEP, "nSigFigs": 3}
    _, picture = answers(ear, "subscribe", grouped)
    assert all(float(level["px"]) % 100 == 0 for side in picture["data"]["levels"] for level in side)
    assert set(ear.topics) == {"l2Book:BTC", "l2Book.fast:BTC", "l2Book:BTC:3:1"}
    (twice,) = answers(ear, "subscribe", FAST)
    assert twice["channel"] == "error" and twice["data"].startswith("Already subscribed: {")
    (gone,) = answers(ear, "unsubscribe", FAST)
    assert gone["data"]["subscription"]["fast"] is True
    (again,) = answers(ear, "unsubscribe", FAST)
    assert again["data"].startswith("Already unsubscribed: {")
    stand_still(sim, 5000)
    assert {bool(frame["data"].get("fast")) for frame in ear.news()} == {False}


@pytest.mark.parametrize(
    "subscription",
    [
        {"type": "l2Book", "coin": "NOPE"},
        {"type": "candles", "coin": "BTC"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": 2},
        {"type": "l2Book", "coin": 7},
    ],
)
def test_what_cannot_be_subscribed_to_is_named_in_the_error(subscription: dict[str, Any]) -> None:
    ear = ear_of(opened())
    (refusal,) = answers(ear, "subscribe", subscription)
    assert refusal["channel"] == "error" and refusal["data"].startswith("Invalid subscription {")
    assert json.loads(refusal["data"].removeprefix("Invalid subscription ")) == subscription
    assert not ear.topics


@pytest.mark.parametrize("text", ["{", "[]", '{"method":"list"}', '{"type":"allMids"}'])
def test_requests_that_cannot_be_parsed_are_quoted(text: str) -> None:
    expected = f"Error parsing JSON into valid websocket request: {text}"
    assert ear_of(opened()).ask(text) == [{"channel": "error", "data": expected}]


def test_a_refused_symbol_leaves_the_others_alone() -> None:
    sim = opened(faults=f"reject={BTC}")
    ear = ear_of(sim)
    assert answers(ear, "subscribe", DEEP)[0]["channel"] == "error"
    assert len(answers(ear, "subscribe", {"type": "l2Book", "coin": "@142"})) == 2, "spot of the same coin"


def test_lost_acknowledgements_do_not_keep_the_data_back() -> None:
    ear = ear_of(opened(faults="noack=1"))
    assert [frame["channel"] for frame in answers(ear, "subscribe", DEEP)] == ["l2Book"]


def test_pings_are_answered() -> None:
    assert ear_of(opened()).ask({"method": "ping"}) == [{"channel": "pong"}]


def test_connections_and_subscriptions_of_one_address_are_limited() -> None:
    few = replace(HyperliquidFront.LIMITS.spot_socket, streams=2)
    sim = opened(limits=replace(HyperliquidFront.LIMITS, spot_socket=few))
    ears = [Ear(sim, "/ws") for _ in range(MOST_CONNECTIONS + 1)]
    assert [ear.ended for ear in ears[:-1]] == [None] * MOST_CONNECTIONS
    assert ears[-1].ended == (1008, "Cannot open more than 10 connections")
    sim.front.closed(ears[-1])
    sim.front.closed(ears[-2])
    assert Ear(sim, "/ws").ended is None
    answers(ears[0], "subscribe", DEEP)
    answers(ears[1], "subscribe", DEEP)
    (refusal,) = answers(ears[2], "subscribe", DEEP)
    assert refusal["data"].startswith("Cannot track more than")


# --- queries -------------------------------------------------------------------------------------------------------


def test_instruments_are_read_as_they_are_listed() -> None:
    sim = opened(symbols=[listing.instrument.symbol for listing in LISTINGS])
    codec, rest = load_venue("hyperliquid"), Rest(sim)
    for kind in (SPOT, LINEAR):
        body = rest.reply("/info", "POST", codec.instruments_request(kind).body.encode()).body
        assert codec.decode_instruments(kind, body) == [
            each.instrument for each in LISTINGS if each.instrument.kind is kind
        ]


def test_the_clock_is_read_by_the_product() -> None:
    sim = opened(faults="skew=-5s")
    stand_still(sim, 10)
    codec = load_venue("hyperliquid")
    request = codec.time_request(LINEAR)
    assert request is not None
    body = Rest(sim).reply("/info", request.method, request.body.encode()).body
    assert codec.decode_time(LINEAR, body) == (OPENED_MS - 4990) * 1_000_000


def test_books_come_by_query_and_over_the_socket_alike() -> None:
    sim = opened()
    run(sim, 1)
    query = {"type": "l2Book", "coin": "BTC"}
    book = Rest(sim).post("/info", query)
    assert [float(level["px"]) for level in book["levels"][0]] == [
        float(price) for price, _ in sim.engine(BTC).depth(Side.BUY, 20)
    ]
    posted = {"method": "post", "id": 7, "request": {"type": "info", "payload": query}}
    assert ear_of(sim).ask(posted) == [
        {
            "channel": "post",
            "data": {"id": 7, "response": {"type": "info", "payload": {"type": "l2Book", "data": book}}},
        }
    ]
    action = {"method": "post", "id": 8, "request": {"type": "action", "payload": {}}}
    assert ear_of(sim).ask(action)[0]["data"]["response"]["type"] == "error"
    assert Rest(sim).post("/info", {"type": "l2Book", "coin": "NOPE"}) is None
    assert Rest(sim).post("/info", {"type": "perpDexs"}) == [None]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"type":"nope"}', b'{"type":"l2Book","coin":"BTC","nSigFigs":9}'])
def test_queries_that_cannot_be_understood_are_answered_422(body: bytes) -> None:
    assert Rest(opened()).reply("/info", "POST", body).status == 422


def test_weight_is_counted_for_the_address_over_all_queries() -> None:
    sim = opened(limits=replace(HyperliquidFront.LIMITS, spot_weight=44))
    rest = Rest(sim)
    statuses = [
        rest.reply("/info", "POST", json.dumps({"type": kind}).encode()).status
        for kind in ("meta", "allMids", "spotMeta", "allMids", "allMids")
    ]
    assert statuses == [200, 200, 200, 200, 429]
    stand_still(sim, 60_000)
    assert rest.reply("/info", "POST", b'{"type":"allMids"}').status == 200


def test_a_stale_book_is_that_of_the_opening() -> None:
    sim = opened()
    query = json.dumps({"type": "l2Book", "coin": "BTC"}).encode()
    before = Rest(sim).post("/info", json.loads(query))
    run(sim, 2)
    stale = sim.front.stale(Call("POST", "/info", body=query))
    assert stale is not None
    book = json.loads(stale.body)
    assert book["time"] == OPENED_MS
    assert [[row["px"] for row in side] for side in book["levels"]] == [
        [row["px"] for row in side] for side in before["levels"]
    ]
    assert sim.front.stale(Call("POST", "/info", body=b'{"type":"meta"}')) is None


def test_history_that_is_told_again_is_not_traded_again() -> None:
    """What a client hears after a reconnect: the last thirty, of which it knows the older ones."""
    sim = opened()
    first, codec = ear_of(sim, TRADES), codec_of(sim)
    run(sim, 5)
    stand_still(sim, 100)
    seen = [event for frame in first.take() for event in codec.decode(LINEAR, frame, 1)]
    late = Ear(sim, "/ws")
    late.say(asked("subscribe", TRADES))
    again = [event for frame in late.take() for event in codec.decode(LINEAR, frame, 2)]
    assert len([event for event in seen if isinstance(event, Trade)]) > 5
    assert not [event for event in again if isinstance(event, Trade)]
