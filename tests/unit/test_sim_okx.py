"""The OKX gateway: text pings, answers by argument, linked books with their keep-alive, contracts, groups of trades."""

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.okx.front import PUBLIC_PATH, UNCHANGED_MS, OkxFront
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec
from tests.front_client import Ear, Rest, run, stand_still

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SWAP, PAIR = "BTC-USDT-SWAP", "BTC-USDT"


def opened(**options: Any) -> SimExchange:
    return SimExchange(("BTC/USDT:USDT", "BTC/USDT"), venue="okx", seed=7, manual=True, **options)


def arg(channel: str, native: str = SWAP) -> dict[str, str]:
    return {"channel": channel, "instId": native}


def request(operation: str, *args: dict[str, str], **more: str) -> dict[str, Any]:
    return {"op": operation, "args": list(args), **more}


def join(ear: Ear, *args: dict[str, str]) -> list[Any]:
    """What comes with a subscription, after its answers."""
    frames = ear.ask(request("subscribe", *args))
    assert [frame["arg"] for frame in frames if "event" in frame] == list(args)
    return [frame for frame in frames if "event" not in frame]


def codec_of(sim: SimExchange) -> Codec:
    codec, rest = load_venue("okx"), Rest(sim)
    for kind, name in ((SPOT, "SPOT"), (LINEAR, "SWAP")):
        codec.register(codec.decode_instruments(kind, rest.reply("/api/v5/public/instruments", instType=name).body))
    return codec


# --- requests ------------------------------------------------------------------------------------------------------


def test_a_ping_is_text_and_so_is_its_answer() -> None:
    ear = Ear(opened(), PUBLIC_PATH)
    ear.say("ping")
    assert ear.take() == ["pong"]
    assert OkxFront.LIMITS.spot_socket.idle_s == 30.0


def test_every_argument_has_its_answer_and_an_error_has_none_but_the_id() -> None:
    ear = Ear(opened(), PUBLIC_PATH)
    answers = ear.ask(request("subscribe", arg("trades"), arg("trades", "NO-USDT"), arg("tickers", PAIR), id="a1"))
    good, bad, other = answers
    assert [(each["event"], each["arg"], each["id"]) for each in (good, other)] == [
        ("subscribe", arg("trades"), "a1"), ("subscribe", arg("tickers", PAIR), "a1"),
    ]  # fmt: skip
    assert (bad["event"], bad["code"], bad["id"]) == ("error", "60018", "a1") and "arg" not in bad
    assert "NO-USDT" in bad["msg"]


@pytest.mark.parametrize(
    "odd", ["no json", "[1]", '{"op":"subscribe"}', '{"op":"dance","args":[{"channel":"trades","instId":"BTC-USDT"}]}']
)
def test_what_cannot_be_understood_is_an_error_and_the_connection_stays(odd: str) -> None:
    ear = Ear(opened(), PUBLIC_PATH)
    ear.say(odd)
    (answer,) = ear.news()
    assert (answer["event"], answer["code"], ear.ended) == ("error", "60012", None)


@pytest.mark.parametrize("channel", ["mark-price", "funding-rate", "books-l2-tbt"])
def test_spot_has_no_mark_and_nobody_here_the_deep_channels(channel: str) -> None:
    (answer,) = Ear(opened(), PUBLIC_PATH).ask(request("subscribe", arg(channel, PAIR)))
    assert answer["code"] == "60018"


# --- books ---------------------------------------------------------------------------------------------------------


def test_a_book_begins_with_its_snapshot_and_links_its_updates_without_a_checksum() -> None:
    sim = opened()
    ear = Ear(sim, PUBLIC_PATH)
    (snapshot,) = join(ear, arg("books"))
    (book,) = snapshot["data"]
    assert (snapshot["action"], book["prevSeqId"], book["checksum"]) == ("snapshot", -1, 0)
    assert all(len(level) == 4 and level[2] == "0" and int(level[3]) > 0 for level in book["asks"] + book["bids"])
    run(sim, 3)
    updates = [frame["data"][0] for frame in ear.news()]
    assert len(updates) > 10 and {update["checksum"] for update in updates} == {0}
    for before, after in pairwise([book, *updates]):
        assert after["prevSeqId"] == before["seqId"] < after["seqId"]
    assert any(level[1:] == ["0", "0", "0"] for update in updates for level in update["asks"] + update["bids"])


def test_a_quiet_book_repeats_its_number_once_a_minute_and_the_product_stays_live_by_it() -> None:
    sim = opened()
    codec = codec_of(sim)
    ear = Ear(sim, PUBLIC_PATH)
    (snapshot,) = join(ear, arg("books"))
    stand_still(sim, 2 * UNCHANGED_MS + 1000)
    frames = ear.news()
    number = snapshot["data"][0]["seqId"]
    assert [(f["action"], *(f["data"][0][n] for n in ("prevSeqId", "seqId", "bids", "asks"))) for f in frames] == [
        ("update", number, number, [], []),
    ] * 2  # fmt: skip
    data = MarketData(codec)
    (instrument,) = (each.instrument for each in sim.listings if each.instrument.native == SWAP)
    market = data.add(instrument)
    (plan,) = codec.plan([instrument], [Channel.BOOK])
    data.on_connect(plan, 0)
    for minute, frame in enumerate([snapshot, *frames]):
        data.on_frame(LINEAR, json.dumps(frame), minute * UNCHANGED_MS * 1_000_000)
        assert market.state is BookState.LIVE
    assert market.sequencer.stats.gaps == 0


# --- trades and figures --------------------------------------------------------------------------------------------


def test_trades_of_one_taker_at_one_price_are_one_group_in_contracts() -> None:
    sim = opened()
    ear = Ear(sim, PUBLIC_PATH)
    join(ear, arg("trades"))
    run(sim, 20)
    stand_still(sim, 100)
    rows = [row for frame in ear.news() for row in frame["data"]]
    history = list(sim.market("BTC/USDT:USDT").history.trades)
    assert sum(int(row["count"]) for row in rows) == len(history) > len(rows) > 10
    place = 0
    for row in rows:
        group = history[place : place + int(row["count"])]
        place += len(group)
        assert row["tradeId"] == str(group[-1].trade_id)
        assert {each.price for each in group} == {group[0].price} and {each.taker for each in group} == {group[0].taker}
        assert {each.buyer_is_maker for each in group} == {row["side"] == "sell"}
        lots = sum(each.quantity for each in group)
        assert Decimal(row["sz"]) == lots * Decimal("0.01"), "a lot is a hundredth of a contract"


def test_mark_index_and_funding_come_apart_and_the_product_joins_them() -> None:
    sim = opened()
    codec = codec_of(sim)
    ear = Ear(sim, PUBLIC_PATH)
    (funding,) = join(ear, arg("mark-price"), arg("index-tickers", PAIR), arg("funding-rate"))
    row = funding["data"][0]
    assert int(row["nextFundingTime"]) - int(row["fundingTime"]) == 8 * 3600 * 1000
    run(sim, 3)
    channels: set[str] = set()
    marks: list[Any] = []
    for frame in [funding, *ear.news()]:
        channels.add(frame["arg"]["channel"])
        marks += codec.decode(LINEAR, json.dumps(frame), 1)
    assert channels == {"mark-price", "index-tickers", "funding-rate"}
    newest = marks[-1]
    assert newest.next_funding_ns == int(row["fundingTime"]) * 1_000_000
    assert newest.mark > 0 and abs(newest.mark / newest.index - 1) < 0.01


# --- pages ---------------------------------------------------------------------------------------------------------


def test_the_book_page_gives_one_level_unless_asked_for_more() -> None:
    sim = opened()
    rest = Rest(sim)
    for query, levels in (({}, 1), ({"sz": "5"}, 5), ({"sz": "x"}, 1), ({"sz": "9999"}, 400)):
        (book,) = rest.get("/api/v5/market/books", instId=SWAP, **query)["data"]
        truth = sim.engine("BTC/USDT:USDT").depth(Side.BUY, levels)
        assert len(book["bids"]) == len(truth) <= levels and book["seqId"] == sim.engine("BTC/USDT:USDT").last_update_id
    assert rest.get("/api/v5/market/books", instId="NO-USDT")["code"] == "51001"


def test_the_product_reads_the_rules_of_the_listings() -> None:
    sim = opened()
    rest, codec = Rest(sim), load_venue("okx")
    for kind, name in ((SPOT, "SPOT"), (LINEAR, "SWAP")):
        body = rest.reply("/api/v5/public/instruments", instType=name).body
        (read,) = codec.decode_instruments(kind, body)
        (listed,) = (each.instrument for each in sim.listings if each.instrument.kind is kind)
        assert (read.key, read.native, read.tick, read.lot, read.contract_size) == (
            listed.key, listed.native, listed.tick, listed.lot, listed.contract_size,
        )  # fmt: skip
    assert rest.get("/api/v5/public/instruments", instType="FUTURES")["data"] == []
