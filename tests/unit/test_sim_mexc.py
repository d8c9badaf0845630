"""The MEXC gateway: frames as mexc.md writes them, answers and refusals name by name, versions, limits, pages."""

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.market import BookDelta, BookTicker, MarkPrice, Trade
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.mexc.front import MexcFront
from jackbot_tui.sim.mexc.listings import LISTINGS
from jackbot_tui.sim.mexc.protobuf import AGGRE_DEPTHS, aggre_depths, varint, wrapper
from jackbot_tui.sim.text import MarketText
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Codec
from jackbot_tui.venues.mexc.messages import read
from tests.front_client import Ear, Rest, run, stand_still
from tests.unit.test_mexc_codec import SPOT_DELTA

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SYMBOLS = ("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT")
OPENED_MS = 1_795_000_000_000
DEPTH = "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"
DEALS = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"
BEST = "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT"


def opened(**options: Any) -> SimExchange:
    return SimExchange(SYMBOLS, venue="mexc", seed=7, manual=True, **options)


def spot_ear(sim: SimExchange, *names: str) -> Ear:
    ear = Ear(sim, "/ws")
    if names:
        answer = {"id": 0, "code": 0, "msg": ",".join(names)}
        assert ear.ask({"method": "SUBSCRIPTION", "params": names}) == [answer]
    return ear


def contract_ear(sim: SimExchange, channel: str = "", **param: Any) -> Ear:
    ear = Ear(sim, "/edge")
    if channel:
        answer = ear.ask({"method": f"sub.{channel}", "param": {"symbol": "BTC_USDT", **param}})[0]
        assert (answer["channel"], answer["data"]) == (f"rs.sub.{channel}", "success")
    return ear


def codec_of(sim: SimExchange) -> Codec:
    """The product's codec, with the instruments as it reads them from the gateway's pages."""
    codec, rest = load_venue("mexc"), Rest(sim)
    for kind, path in ((SPOT, "/api/v3/exchangeInfo"), (LINEAR, "/api/v1/contract/detail")):
        codec.register(codec.decode_instruments(kind, rest.reply(path).body))
    return codec


# --- spot ----------------------------------------------------------------------------------------------------------


def test_an_update_is_the_test_vector_of_the_page_byte_for_byte() -> None:
    text = MarketText(LISTINGS[0])
    event = "spot@public.aggre.depth.v3.api.pb@100ms"
    body = aggre_depths(text, [(8_999_990, 125_000_000)], [(9_000_010, 0)], event, 1001, 1004, 1_700_000_000_123)
    frame = wrapper(DEPTH, "BTCUSDT", 1_700_000_000_125, AGGRE_DEPTHS, body)
    assert frame == SPOT_DELTA


@pytest.mark.parametrize(("number", "encoded"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02")])
def test_numbers_are_written_seven_bits_a_byte(number: int, encoded: str) -> None:
    assert varint(number).hex() == encoded


def test_spot_answers_name_by_name_and_refuses_with_code_zero() -> None:
    ear = spot_ear(opened())
    unknown, odd = DEPTH.replace("BTCUSDT", "NOPEUSDT"), "spot@public.deals.v3.api@BTCUSDT"
    good, bad = ear.ask({"method": "SUBSCRIPTION", "params": [DEPTH, unknown, DEALS, odd]})
    assert good == {"id": 0, "code": 0, "msg": f"{DEPTH},{DEALS}"}
    assert bad == {"id": 0, "code": 0, "msg": f"Not Subscribed successfully! [{unknown},{odd}].  Reason： Blocked!"}
    assert set(ear.topics) == {DEPTH, DEALS}
    assert ear.ask({"method": "UNSUBSCRIPTION", "params": [DEALS], "id": 9}) == [{"id": 9, "code": 0, "msg": DEALS}]
    assert set(ear.topics) == {DEPTH}


@pytest.mark.parametrize("ping", ["PING", "ping"])
def test_spot_pings_are_answered_however_they_are_written(ping: str) -> None:
    assert spot_ear(opened()).ask({"method": ping}) == [{"id": 0, "code": 0, "msg": "PONG"}]


@pytest.mark.parametrize("text", ["{", "7", '{"method":"LIST"}', '{"method":"SUBSCRIPTION","params":"x"}'])
def test_requests_that_cannot_be_understood_are_answered_and_change_nothing(text: str) -> None:
    sim = opened()
    for ear in (spot_ear(sim), contract_ear(sim)):
        assert len(ear.ask(text)) == 1
        assert not ear.topics


def test_the_thirty_first_stream_of_a_spot_connection_is_refused() -> None:
    sim = opened()
    ear = spot_ear(sim)
    names = [
        f"spot@public.aggre.{purpose}.v3.api.pb@{frequency}@{native}"
        for native in ("BTCUSDT", "ETHUSDT")
        for purpose in ("depth", "deals", "bookTicker")
        for frequency in ("100ms", "10ms")
    ] + [f"spot@public.limit.depth.v3.api.pb@{native}@{n}" for native in ("BTCUSDT", "ETHUSDT") for n in (5, 10, 20)]
    few = opened(limits=replace(MexcFront.LIMITS, spot_socket=replace(MexcFront.LIMITS.spot_socket, streams=17)))
    for exchange, most in ((sim, 30), (few, 17)):
        assert exchange.front.socket_limits(ear.door).streams == most
    ear = spot_ear(few)
    taken, refused = ear.ask({"method": "SUBSCRIPTION", "params": names})
    assert taken["msg"].split(",") == names[:17]
    assert names[17] in refused["msg"] and len(ear.topics) == 17
    assert ear.ask({"method": "SUBSCRIPTION", "params": names[:1]})[0]["msg"] == names[0], "one it has already"


def test_a_refused_symbol_leaves_the_others_alone_on_both_sockets() -> None:
    sim = opened(faults="reject=ETH/USDT,reject=ETH/USDT:USDT")
    eth = DEPTH.replace("BTC", "ETH")
    good, bad = spot_ear(sim).ask({"method": "SUBSCRIPTION", "params": [eth, DEPTH]})
    assert good["msg"] == DEPTH and bad["msg"] == f"Not Subscribed successfully! [{eth}].  Reason： Blocked!"
    ear = contract_ear(sim, "depth")
    refusal = ear.ask({"method": "sub.depth", "param": {"symbol": "ETH_USDT"}})
    assert refusal == [{"channel": "rs.error", "data": "Contract doesn't exist!", "ts": OPENED_MS}]
    assert set(ear.topics) == {"depth:BTC_USDT"}


def test_lost_acknowledgements_do_not_keep_the_data_back() -> None:
    sim = opened(faults="noack=1")
    spot, linear = spot_ear(sim), contract_ear(sim)
    spot.say({"method": "SUBSCRIPTION", "params": [DEPTH]})
    linear.say({"method": "sub.depth", "param": {"symbol": "BTC_USDT"}})
    assert spot.take() == linear.take() == []
    run(sim, 0.3)
    assert spot.take() and linear.take()


def test_spot_updates_follow_one_another_and_a_snapshot_ends_where_the_stream_stands() -> None:
    sim = opened()
    run(sim, 1)
    ear, rest = spot_ear(sim, DEPTH, DEPTH.replace("100ms", "10ms")), Rest(sim)
    run(sim, 1.035)
    book = rest.get("/api/v3/depth", symbol="BTCUSDT", limit="5000")
    run(sim, 0.5)
    frames = [read(frame) for frame in ear.take() if isinstance(frame, bytes)]
    for frequency, least in (("100ms", 14), ("10ms", 40)):
        chosen = [each for each in frames if f"@{frequency}@" in each.channel]
        versions = [(int(each.publicAggreDepths.fromVersion), int(each.publicAggreDepths.toVersion)) for each in chosen]
        assert len(versions) >= least
        assert all(before[1] + 1 == after[0] and after[0] <= after[1] for before, after in pairwise(versions))
        assert book["lastUpdateId"] in [last for _, last in versions]
        assert all(each.symbol == "BTCUSDT" and each.sendTime >= OPENED_MS for each in chosen)
    engine = sim.engine("BTC/USDT")
    assert min(len(book["bids"]), len(book["asks"])) > 100
    assert versions[-1][1] <= engine.last_update_id


def test_spot_trades_are_the_engines_with_takers_sides() -> None:
    sim = opened()
    ear, codec = spot_ear(sim, DEALS), codec_of(sim)
    run(sim, 5)
    stand_still(sim, 100)
    events = [event for frame in ear.take() for event in codec.decode(SPOT, frame, 1)]
    seen = [(each.trade_id, each.side is Side.BUY) for each in events if isinstance(each, Trade)]
    done = [(str(each.trade_id), not each.buyer_is_maker) for each in sim.market("BTC/USDT").history.trades]
    assert len(seen) > 5 and seen == done


def test_spot_best_prices_come_when_they_change_and_not_else() -> None:
    sim = opened()
    ear, codec, engine = spot_ear(sim, BEST), codec_of(sim), sim.engine("BTC/USDT")
    stand_still(sim, 200)
    assert len(ear.take()) == 1
    best = engine.best_ask
    assert best is not None
    size = engine.size_at(Side.SELL, best) + 300_000_000
    engine.submit(Side.SELL, 300_000_000, best, now=sim.timeline.elapsed_ns, account=1)
    stand_still(sim, 300)
    (event,) = [event for frame in ear.take() for event in codec.decode(SPOT, frame, 1)]
    assert isinstance(event, BookTicker)
    assert (event.ask, event.ask_size) == (pytest.approx(best / 100), pytest.approx(size / 1e8))


def test_whole_top_levels_have_their_own_stream() -> None:
    sim = opened()
    name = "spot@public.limit.depth.v3.api.pb@BTCUSDT@5"
    ear = spot_ear(sim, name)
    stand_still(sim, 300)
    (frame,) = ear.take()
    assert isinstance(frame, bytes)
    assert read(frame).channel == name
    body = frame[frame.index(bytes.fromhex("fa12")) :]
    assert body.count(b"\x0a") >= 5 and str(sim.engine("BTC/USDT").last_update_id).encode() in body


def test_a_spot_connection_without_a_subscription_is_closed_after_thirty_seconds() -> None:
    sim = opened()
    idle, busy, linear = spot_ear(sim), spot_ear(sim, DEPTH), contract_ear(sim)
    stand_still(sim, 29_900)
    assert idle.ended is None
    stand_still(sim, 200)
    assert idle.ended == (1000, "no subscription")
    assert busy.ended is None and linear.ended is None


# --- perpetuals ----------------------------------------------------------------------------------------------------


def test_contracts_acknowledge_each_command_by_its_name() -> None:
    sim = opened()
    ear = contract_ear(sim)
    for method in ("sub.depth", "sub.deal", "sub.depth.full", "sub.ticker", "unsub.deal", "usub.depth.full"):
        answer = ear.ask({"method": method, "param": {"symbol": "BTC_USDT"}, "gzip": False})
        assert answer == [{"channel": f"rs.{method}", "data": "success", "ts": OPENED_MS}]
    assert set(ear.topics) == {"depth:BTC_USDT", "ticker:BTC_USDT"}
    assert ear.ask({"method": "ping"}) == [{"channel": "pong", "data": OPENED_MS, "ts": OPENED_MS}]
    ear.ask({"method": "sub.depth", "param": {"symbol": "BTC_USDT", "compress": False}})
    assert set(ear.topics) == {"depth.each:BTC_USDT", "ticker:BTC_USDT"}, "one form of the book replaces the other"


def test_an_update_of_a_contract_is_written_as_on_the_page() -> None:
    sim = opened()
    each, merged = contract_ear(sim, "depth", compress=False), contract_ear(sim, "depth")
    engine = sim.engine("BTC/USDT:USDT")
    stand_still(sim, 100)
    assert each.take() == merged.take() == []
    at = sim.timeline.elapsed_ns
    engine.submit(Side.BUY, 7, 100_001, now=at, account=1)
    engine.submit(Side.BUY, 5, 100_001, now=at, account=1)
    last = engine.last_update_id
    stand_still(sim, 100)
    now_ms = OPENED_MS + 110
    versions = [
        f'{{"channel":"push.depth","data":{{"asks":[],"bids":[[10000.1,{size},{orders}]],"begin":{version},'
        f'"end":{version},"version":{version}}},"symbol":"BTC_USDT","ts":{now_ms}}}'
        for version, size, orders in ((last - 1, 7, 1), (last, 12, 2))
    ]
    assert each.take() == versions
    (whole,) = merged.news()
    assert whole["data"] == {"asks": [], "bids": [[10000.1, 12, 2]], "begin": last - 1, "end": last, "version": last}


def test_versions_of_contracts_follow_one_another_in_both_forms() -> None:
    sim = opened()
    each, merged = contract_ear(sim, "depth", compress=False), contract_ear(sim, "depth")
    run(sim, 2)
    for ear, least in ((each, 200), (merged, 15)):
        spans = [(frame["data"]["begin"], frame["data"]["end"]) for frame in ear.news()]
        assert len(spans) >= least
        assert all(before[1] + 1 == after[0] for before, after in pairwise(spans))


def test_trades_tickers_and_funding_of_contracts_are_read_by_the_product() -> None:
    sim = opened()
    ear, codec = contract_ear(sim), codec_of(sim)
    for channel in ("deal", "ticker", "funding.rate", "depth.full"):
        ear.say({"method": f"sub.{channel}", "param": {"symbol": "BTC_USDT", "limit": 5}})
    run(sim, 5)
    frames = ear.take()
    events = [event for frame in frames for event in codec.decode(LINEAR, frame, 1)]
    market = sim.market("BTC/USDT:USDT")
    assert market.marks is not None
    sizes = [Decimal(each.size_text) for each in events if isinstance(each, Trade)]
    assert sizes == [trade.quantity * Decimal("0.0001") for trade in market.history.trades] and len(sizes) > 5
    mark = [each for each in events if isinstance(each, MarkPrice)][-1]
    assert mark.mark == pytest.approx(market.marks.mark, abs=0.05)
    assert mark.funding_rate == pytest.approx(market.marks.rate, abs=1e-6)
    assert mark.next_funding_ns == market.marks.next_funding_ms * 1_000_000
    assert any(isinstance(each, BookTicker) for each in events)
    top = json.loads(next(frame for frame in frames if '"push.depth.full"' in str(frame)))
    assert [len(top["data"][side]) for side in ("asks", "bids")] == [5, 5]


def test_funding_is_told_at_once_and_again_every_thirty_seconds() -> None:
    sim = opened()
    ear, codec = contract_ear(sim), codec_of(sim)
    ear.say({"method": "sub.ticker", "param": {"symbol": "BTC_USDT"}})
    run(sim, 2)
    ear.ask({"method": "unsub.ticker", "param": {"symbol": "BTC_USDT"}})
    ack, first = ear.ask({"method": "sub.funding.rate", "param": {"symbol": "BTC_USDT"}})
    assert ack["channel"] == "rs.sub.funding.rate"
    due_ms = first["data"]["nextSettleTime"]
    assert due_ms % (8 * 3_600_000) == 0 and OPENED_MS < due_ms <= OPENED_MS + 8 * 3_600_000
    stand_still(sim, 60_000)
    assert [frame["channel"] for frame in ear.news()] == ["push.funding.rate"] * 2
    assert codec.decode(LINEAR, json.dumps(first), 1) == (), "without a price there is no mark"


# --- pages ---------------------------------------------------------------------------------------------------------


def test_instruments_are_read_as_they_are_listed() -> None:
    sim = SimExchange([listing.instrument.symbol for listing in LISTINGS], venue="mexc", manual=True)
    codec, rest = load_venue("mexc"), Rest(sim)
    for kind, path in ((SPOT, "/api/v3/exchangeInfo"), (LINEAR, "/api/v1/contract/detail")):
        found = codec.decode_instruments(kind, rest.reply(path).body)
        assert found == [each.instrument for each in LISTINGS if each.instrument.kind is kind]


def test_clocks_are_read_by_the_product() -> None:
    sim = opened(faults="skew=5s")
    stand_still(sim, 10)
    codec, rest = load_venue("mexc"), Rest(sim)
    for kind, path in ((SPOT, "/api/v3/time"), (LINEAR, "/api/v1/contract/ping")):
        assert codec.decode_time(kind, rest.reply(path).body) == (OPENED_MS + 5010) * 1_000_000


def test_the_listing_of_contracts_may_be_asked_for_once_in_five_seconds() -> None:
    sim = opened()
    rest = Rest(sim)
    replies = []
    for wait_ms in (0, 4000, 1000):
        stand_still(sim, wait_ms)
        replies.append(rest.get("/api/v1/contract/detail"))
    assert [reply["code"] for reply in replies] == [0, 510, 0]
    ids = {row["symbol"]: row["id"] for row in replies[0]["data"]}
    tickers = {row["symbol"]: row["contractId"] for row in rest.get("/api/v1/contract/ticker")["data"]}
    assert ids == tickers == {"BTC_USDT": 10, "ETH_USDT": 11}
    assert not replies[1]["success"]


def test_each_page_has_its_own_budget() -> None:
    sim = opened(limits=replace(MexcFront.LIMITS, spot_weight=20, linear_weight=2, refusals_before_ban=1))
    rest = Rest(sim)
    statuses = [rest.reply("/api/v3/exchangeInfo").status for _ in range(4)]
    assert statuses == [200, 200, 429, 418]
    assert rest.reply("/api/v3/exchangeInfo").headers["Retry-After"] == "120"
    assert rest.reply("/api/v3/time").status == 200
    codes = [rest.get("/api/v1/contract/depth/BTC_USDT", limit="5")["code"] for _ in range(3)]
    assert codes == [0, 0, 510]
    stand_still(sim, 2000)
    assert rest.get("/api/v1/contract/depth/BTC_USDT", limit="5")["code"] == 0


def test_books_trades_and_tickers_agree_with_the_engine() -> None:
    sim = opened()
    run(sim, 5)
    rest, engine, history = Rest(sim), sim.engine("BTC/USDT"), sim.market("BTC/USDT").history
    book = rest.get("/api/v3/depth", symbol="BTCUSDT")
    assert [len(book["bids"]), len(book["asks"])] == [100, 100], "the default"
    assert book["lastUpdateId"] == engine.last_update_id
    assert book["bids"][0][0] == f"{engine.best_bid / 100:.2f}"  # type: ignore[operator]
    trades = rest.get("/api/v3/trades", symbol="BTCUSDT", limit="3")
    assert [row["time"] for row in trades] == [each.ms for each in list(history.trades)[:-4:-1]]
    assert rest.get("/api/v3/ticker/price", symbol="BTCUSDT")["price"] == trades[0]["price"]
    contracts = sim.engine("BTC/USDT:USDT")
    whole = rest.get("/api/v1/contract/depth/BTC_USDT")["data"]
    assert whole["version"] == contracts.last_update_id
    assert [len(whole["bids"]), len(whole["asks"])] == [
        contracts.level_count(Side.BUY),
        contracts.level_count(Side.SELL),
    ]
    commits = rest.get("/api/v1/contract/depth_commits/BTC_USDT/10")["data"]
    assert [row["version"] for row in commits] == list(range(whole["version"] - 9, whole["version"] + 1))
    deals = rest.get("/api/v1/contract/deals/BTC_USDT", limit="2")["data"]
    assert len(deals) == 2 and deals[0]["t"] >= deals[1]["t"]
    assert rest.get("/api/v1/contract/ticker", symbol="BTC_USDT")["data"]["bid1"] == whole["bids"][0][0]
    assert rest.get("/api/v1/contract/funding_rate/BTC_USDT")["data"]["collectCycle"] == 8


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/api/v3/depth", {}, 400, 700004),
        ("/api/v3/depth", {"symbol": "NOPE"}, 400, -1121),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "x"}, 400, 700008),
        ("/api/v3/exchangeInfo", {"symbols": "BTCUSDT,NOPE"}, 400, -1121),
        ("/api/v1/contract/depth/NOPE_USDT", {}, 200, 1001),
        ("/api/v1/contract/depth_commits/BTC_USDT/1001", {}, 200, 600),
    ],
)
def test_pages_refuse_as_the_venue_does(path: str, query: dict[str, str], status: int, code: int) -> None:
    reply = Rest(opened()).reply(path, **query)
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)


def test_a_stale_book_is_older_than_the_stream() -> None:
    sim = opened()
    opening = {symbol: sim.engine(symbol).last_update_id for symbol in ("BTC/USDT", "BTC/USDT:USDT")}
    run(sim, 1)
    spot = sim.front.stale(Call("GET", "/api/v3/depth", {"symbol": "BTCUSDT"}))
    linear = sim.front.stale(Call("GET", "/api/v1/contract/depth/BTC_USDT"))
    assert spot is not None and linear is not None
    assert json.loads(spot.body)["lastUpdateId"] == opening["BTC/USDT"]
    assert json.loads(linear.body)["data"]["version"] == opening["BTC/USDT:USDT"]
    assert sim.front.stale(Call("GET", "/api/v3/time")) is None


def test_overload_and_throttling_are_told_in_both_apis_words() -> None:
    front = opened().front
    assert (front.overloaded().status, front.too_many_requests(3).headers) == (503, {"Retry-After": "3"})
    for reply in (front.overloaded(), front.too_many_requests(3)):
        assert {"code", "msg", "success", "message"} <= set(json.loads(reply.body))


def test_the_products_book_bridges_a_snapshot_that_lies_within_an_update() -> None:
    """A client that does not wait gets a book whose version is inside the next frame of the merged stream."""
    sim = opened()
    merged = contract_ear(sim, "depth")
    run(sim, 0.95)
    merged.take()
    codec, rest = codec_of(sim), Rest(sim)
    version = rest.get("/api/v1/contract/depth/BTC_USDT")["data"]["version"]
    run(sim, 0.2)
    deltas = [event for frame in merged.take() for event in codec.decode(LINEAR, frame, 1)]
    first = deltas[0]
    assert isinstance(first, BookDelta)
    assert first.first_id <= version + 1 <= first.last_id + 1
