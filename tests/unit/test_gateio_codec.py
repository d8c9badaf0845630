"""Gate's frames and requests: the samples of the wire notes, its quirks, listings, and everything that is no event."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import ConfigError, WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    FeedEvent,
    MarkPrice,
    SubscriptionAck,
    Trade,
    UnknownFrame,
    VenueNotice,
)
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec
from jackbot_tui.venues.gateio.codec import GateioCodec

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
S = 1_000_000_000
NOW = 1_795_000_000_500 * MS
KEY = "gateio:BTC/USDT:USDT"

LISTED_SPOT = r"""[{"id":"BTC_USDT","base":"BTC","base_name":"Bitcoin","quote":"USDT","fee":"0.2","min_base_amount":
"0.00001","min_quote_amount":"3","max_quote_amount":"5000000","amount_precision":6,"precision":1,"trade_status":
"tradable","sell_start":0,"buy_start":0,"type":"normal"},
{"id":"OLD_USDT","base":"OLD","quote":"USDT","amount_precision":3,"precision":4,"trade_status":"untradable"},
{"id":"OUT_USDT","base":"OUT","quote":"USDT","amount_precision":3,"precision":4,"trade_status":"sellable"},
{"id":"ODD_USDT","base":"ODD","quote":"USDT","amount_precision":"x","precision":4,"trade_status":"tradable"},
{"id":"HAI_ETH","base":"HAI","quote":"ETH","min_quote_amount":"0.001","amount_precision":3,"precision":8,
"trade_status":"tradable"}]"""

LISTED_LINEAR = r"""[{"name":"BTC_USDT","type":"direct","status":"trading","quanto_multiplier":"0.0001",
"order_price_round":"0.1","mark_price_round":"0.01","order_size_min":1,"order_size_max":1000000,
"market_order_size_max":"120000","order_price_deviate":"0.2","orders_limit":100,"leverage_min":"1","leverage_max":"125",
"maker_fee_rate":"-0.0001","taker_fee_rate":"0.00075","in_delisting":false,"enable_decimal":false,"funding_interval":
28800,"funding_rate":"0.000086","funding_next_apply":1795017600},
{"name":"LOT_USDT","type":"direct","quanto_multiplier":"9.6","order_price_round":"0.0001","order_size_min":"2",
"order_size_max":"100","leverage_max":"20","funding_interval":14400},
{"name":"CUT_USDT","quanto_multiplier":"1","order_price_round":"0.1","enable_decimal":true,"order_size_min":"0.1"},
{"name":"END_USDT","quanto_multiplier":"1","order_price_round":"0.1","in_delisting":true},
{"name":"PRE_USDT","quanto_multiplier":"1","order_price_round":"0.1","is_pre_market":true},
{"name":"OFF_USDT","quanto_multiplier":"1","order_price_round":"0.1","status":"circuit_breaker"},
{"name":"BTC_USD","type":"inverse","quanto_multiplier":"0","order_price_round":"0.1"},
{"name":"BTC_USDT_20261225","quanto_multiplier":"0.0001","order_price_round":"0.1"},
{"name":"ODD_USDT","quanto_multiplier":"x","order_price_round":"0.1"}]"""

SNAPSHOT = (
    '{"channel":"futures.obu","result":{"t":1795000000100,"full":true,"s":"ob.BTC_USDT.400","u":5000,"b":[["64000.5",'
    '"1200"],["64000","35000"]],"a":[["64000.6","300"]]},"time_ms":1795000000101,"event":"update"}'
)
DELTA = (
    '{"channel":"futures.obu","time_ms":1795000000201,"event":"update","result":{"t":1795000000200,'
    '"s":"ob.BTC_USDT.400","U":5001,"u":5004,"b":[["64000.5","0"]],"a":[["64000.6","450"]]}}'
)
TRADE = (
    '{"time":1795000000,"time_ms":1795000000123,"channel":"futures.trades","event":"update","result":[{"size":"-108",'
    '"id":27753479,"create_time":1795000000,"create_time_ms":1795000000120,"price":"64000.5","contract":"BTC_USDT"}]}'
)
SPOT_TRADE = (
    '{"time":1795000000,"time_ms":1795000000231,"channel":"spot.trades","event":"update","result":{"id":309143071,'
    '"id_market":2390902,"create_time":1795000000,"create_time_ms":"1795000000213.4578","side":"sell",'
    '"currency_pair":"BTC_USDT","amount":"0.0116","price":"64000.1","range":"2390902-2390902"}}'
)
TICKER = (
    '{"time":1795000000,"time_ms":1795000000060,"channel":"futures.tickers","event":"update","result":[{"contract":'
    '"BTC_USDT","last":"64000.6","mark_price":"64005.51","index_price":"64001.02","funding_rate":"-0.000086",'
    '"funding_rate_indicative":"0.0001","total_size":"73648","quanto_base_rate":""}]}'
)
BEST = (
    '{"time":1795000000,"time_ms":1795000000070,"channel":"futures.book_ticker","event":"update","result":{"t":'
    '1795000000069,"u":5002,"s":"BTC_USDT","b":"64000.5","B":1200,"a":"64000.6","A":"300"}}'
)
UPDATE = (
    '{"time":1795000000,"time_ms":1795000000201,"channel":"futures.order_book_update","event":"update","result":{"t":'
    '1795000000200,"s":"BTC_USDT","U":5001,"u":5004,"b":[{"p":"64000.5","s":0}],"a":[{"p":"64000.6","s":"120"}],'
    '"l":"100"}}'
)
ACK = '{"time":1795000000,"time_ms":1,"id":7,"channel":"futures.obu","event":"subscribe","result":{"status":"success"}}'
REFUSED = (
    '{"time":1795000000,"id":8,"channel":"spot.obu","event":"subscribe","error":{"code":2,"message":'
    '"unknown currency pair: X_USDT"},"result":{"status":"fail"}}'
)


def to_spot(raw: str) -> str:
    return raw.replace("futures.", "spot.")


def listed(codec: Codec, kind: MarketKind) -> dict[str, Instrument]:
    body = LISTED_SPOT if kind is SPOT else LISTED_LINEAR
    return {instrument.symbol: instrument for instrument in codec.decode_instruments(kind, body.encode())}


def load_registered() -> Codec:
    made = load_venue("gateio")
    made.register(list(listed(made, LINEAR).values()))
    return made


@pytest.fixture
def codec() -> Codec:
    made = GateioCodec(clock=ManualClock(1_795_000_000 * S + 999))
    for kind in (SPOT, LINEAR):
        made.register(list(listed(made, kind).values()))
    return made


def one(codec: Codec, kind: MarketKind, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(kind, raw, NOW)
    return event


# ---------------------------------------------------------------------- frames


def test_a_full_message_is_a_snapshot_in_base_units_whatever_the_order_of_its_fields(codec: Codec) -> None:
    assert one(codec, LINEAR, SNAPSHOT) == BookSnapshot(
        KEY, 1_795_000_000_100 * MS, NOW, 5000, [(64000.5, 0.12), (64000.0, 3.5)], [(64000.6, 0.03)]
    )
    assert one(codec, LINEAR, DELTA.encode()) == BookDelta(
        KEY, 1_795_000_000_200 * MS, NOW, 5001, 5004, 5000, [(64000.5, 0.0)], [(64000.6, 0.045)]
    )


def test_spot_and_perpetual_share_a_name_and_the_channel_alone_tells_them_apart(codec: Codec) -> None:
    event = one(codec, SPOT, to_spot(SNAPSHOT))
    assert isinstance(event, BookSnapshot)
    assert (event.key, event.bids) == ("gateio:BTC/USDT", [(64000.5, 1200.0), (64000.0, 35000.0)])
    assert isinstance(one(codec, SPOT, SNAPSHOT), UnknownFrame)
    assert isinstance(one(codec, LINEAR, to_spot(SNAPSHOT)), UnknownFrame)


@pytest.mark.parametrize(("contract", "size", "base"), [("BTC_USDT", "3", 0.0003), ("LOT_USDT", "3", 28.8)])
def test_contracts_become_base_units_without_binary_dust(codec: Codec, contract: str, size: str, base: float) -> None:
    event = one(codec, LINEAR, DELTA.replace("BTC_USDT", contract).replace('"450"', f'"{size}"'))
    assert isinstance(event, BookDelta) and event.asks == [(64000.6, base)]


def test_empty_or_missing_sides_still_advance_the_id() -> None:
    for sides in ('"b":[],"a":[]', '"b":null,"a":null', '"l":"400"'):
        raw = DELTA[: DELTA.index('"b":')] + sides + "}}"
        event = one(load_registered(), LINEAR, raw)
        assert isinstance(event, BookDelta) and (event.first_id, event.last_id, event.bids) == (5001, 5004, [])


def test_the_older_update_channel_has_levels_as_objects_and_sizes_of_both_types(codec: Codec) -> None:
    delta = BookDelta(KEY, 1_795_000_000_200 * MS, NOW, 5001, 5004, 5000, [(64000.5, 0.0)], [(64000.6, 0.012)])
    assert one(codec, LINEAR, UPDATE) == delta
    spot = (
        '{"time":1,"channel":"spot.order_book_update","event":"update","result":{"t":5,"e":"depthUpdate","E":1,'
        '"s":"BTC_USDT","U":48,"u":50,"b":[["64000","0.002"]],"a":[]}}'
    )
    assert one(codec, SPOT, spot) == BookDelta("gateio:BTC/USDT", 5 * MS, NOW, 48, 50, 47, [(64000.0, 0.002)], [])


def test_an_occasional_whole_book_of_the_older_channel_replaces(codec: Codec) -> None:
    event = one(codec, LINEAR, UPDATE.replace('"l":"100"', '"l":"100","full":true').replace('"s":0', '"s":5'))
    assert isinstance(event, BookSnapshot) and (event.last_id, event.bids) == (5004, [(64000.5, 0.0005)])


@pytest.mark.parametrize(
    "other",
    [DELTA.replace(".400", ".50"), UPDATE, UPDATE.replace('"100"', '"20"')],
    ids=["depth 50", "update channel", "level 20"],
)
def test_another_depth_of_the_same_market_never_mixes_into_its_book(codec: Codec, other: str) -> None:
    assert isinstance(one(codec, LINEAR, SNAPSHOT), BookSnapshot)
    assert isinstance(one(codec, LINEAR, other), UnknownFrame)
    assert isinstance(one(codec, LINEAR, DELTA), BookDelta)


@pytest.mark.parametrize("size", ['"-108"', "-108"])
def test_the_sign_of_a_perpetuals_trade_is_the_takers_side(codec: Codec, size: str) -> None:
    event = one(codec, LINEAR, TRADE.replace('"-108"', size))
    ts = 1_795_000_000_120 * MS
    assert event == Trade(KEY, ts, NOW, "27753479", Side.SELL, 64000.5, 0.0108, "64000.5", "0.0108")
    bought = one(codec, LINEAR, TRADE.replace('"-108"', "5"))
    assert isinstance(bought, Trade) and (bought.side, bought.size_text) == (Side.BUY, "0.0005")


@pytest.mark.parametrize(
    ("given_ms", "ns"),
    [("1795000000120.5", 1_795_000_000_120_500_000), ('"x"', 1_795_000_000 * S), ("0", 1_795_000_000 * S)],
)
def test_older_trade_times_have_a_fraction_or_only_seconds(codec: Codec, given_ms: str, ns: int) -> None:
    event = one(codec, LINEAR, TRADE.replace("1795000000120", given_ms))
    assert isinstance(event, Trade) and event.ts_event == ns


def test_an_older_price_is_a_json_number(codec: Codec) -> None:
    event = one(codec, LINEAR, TRADE.replace('"64000.5"', "0.836"))
    assert isinstance(event, Trade) and event.price_text == "0.836"


def test_a_takeover_by_the_insurance_fund_did_not_go_through_the_book(codec: Codec) -> None:
    assert list(codec.decode(LINEAR, TRADE.replace('"price"', '"is_internal":true,"price"'), NOW)) == []


def test_a_spot_trade_is_one_object_and_its_time_a_text_with_a_fraction(codec: Codec) -> None:
    trade = Trade(
        "gateio:BTC/USDT", 1_795_000_000_213_457_800, NOW, "309143071", Side.SELL, 64000.1, 0.0116, "64000.1", "0.0116"
    )
    assert one(codec, SPOT, SPOT_TRADE) == trade
    row = SPOT_TRADE[SPOT_TRADE.index('"result":') + 9 : -1]
    assert codec.decode(SPOT, SPOT_TRADE.replace(row, f"[{row},{row}]"), NOW) == [trade, trade]


def test_one_odd_trade_takes_no_other_along(codec: Codec) -> None:
    row = TRADE[TRADE.index("[") + 1 : -2]
    raw = TRADE.replace(row, row.replace('"64000.5"', '"0"') + "," + row)
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [UnknownFrame, Trade]


def test_a_mark_price_brings_the_next_whole_multiple_of_the_funding_interval(codec: Codec) -> None:
    ts = 1_795_000_000_060 * MS
    due = 1_795_017_600 * S  # the listing's funding_next_apply
    assert one(codec, LINEAR, TICKER) == MarkPrice(KEY, ts, NOW, 64005.51, 64001.02, -0.000086, due)
    at_once = one(codec, LINEAR, TICKER.replace("1795000000060", "1795017600000"))
    assert isinstance(at_once, MarkPrice) and at_once.next_funding_ns == due + 8 * 3600 * S
    every_four = one(codec, LINEAR, TICKER.replace("BTC_USDT", "LOT_USDT").replace("1795000000060", "1795017600000"))
    assert isinstance(every_four, MarkPrice) and every_four.next_funding_ns == due + 4 * 3600 * S


def test_best_prices_and_a_side_that_is_empty(codec: Codec) -> None:
    best = BookTicker(KEY, 1_795_000_000_069 * MS, NOW, 5002, 64000.5, 0.12, 64000.6, 0.03)
    assert one(codec, LINEAR, BEST) == best
    assert codec.decode(LINEAR, BEST.replace('"64000.5"', '""').replace("1200", "0"), NOW) == ()


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (ACK, [SubscriptionAck(7)]),
        (ACK.replace('"subscribe"', '"unsubscribe"'), [SubscriptionAck(7)]),
        (ACK.replace('"id":7,', ""), []),
        (REFUSED, [VenueNotice("error", "2", "unknown currency pair: X_USDT", 8)]),
        (REFUSED.replace("unknown currency pair: X_USDT", "Alert sub ob.BTC_USDT.400"), [SubscriptionAck(8)]),
        (ACK.replace('"success"', '"fail"'), [VenueNotice("error", "fail", "futures.obu was refused", 7)]),
        ('{"time":1,"channel":"futures.pong","event":"","error":null,"result":null}', []),
        (
            '{"time":1,"channel":"futures.obu","event":"upgrade"}',
            [VenueNotice("shutdown", "upgrade", "the venue asks for a new connection")],
        ),
        ('{"time":1,"channel":"futures.candlesticks","event":"update","result":[{"t":1,"n":"1m_BTC_USDT"}]}', []),
        ('{"time":1,"channel":"futures.order_book","event":"all","result":{"contract":"BTC_USDT","asks":[]}}', []),
    ],
)
def test_answers_notices_and_channels_of_others(codec: Codec, raw: str, events: list[FeedEvent]) -> None:
    assert list(codec.decode(LINEAR, raw, NOW)) == events


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe", "", "[]", "null", "{}", '{"event":"update"}', '{"channel":7}', "[" * 5000,
        '{"time":1,"channel":"futures.obu","event":"subscribe"}', ACK.replace('{"status":"success"}', "[]"),
        DELTA.replace("BTC_USDT", "NONE_USDT"), DELTA.replace('"U":5001', '"U":-5'), DELTA.replace('"U":5001,', ""),
        DELTA.replace('"U":5001', '"U":5009'), DELTA.replace('"64000.6"', '"-1"'), DELTA.replace('"450"', '"NaN"'),
        DELTA.replace('"64000.6"', '"0"'), DELTA.replace('"450"', '"1e400"'), DELTA.replace("futures.obu", "futures.x"),
        SNAPSHOT.replace('"u":5000', '"u":-1'), UPDATE.replace('{"p":"64000.5","s":0}', "[1,2]"),
        TRADE.replace('"-108"', '"0"'), TRADE.replace('"-108"', '"--1"'), TRADE.replace('"64000.5"', '"1e999"'),
        TRADE.replace("BTC_USDT", "NONE_USDT"), SPOT_TRADE, TICKER.replace('"64005.51"', '"x"'),
        TICKER.replace('"-0.000086"', '"--1"'), TICKER.replace("BTC_USDT", "X"), BEST.replace("1200", '""'),
        BEST.replace("BTC_USDT", "NONE_USDT"),
    ],
    ids=lambda raw: str(raw)[:60],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [UnknownFrame]


@pytest.mark.parametrize(("field", "bad"), [('"sell"', '"left"'), ('"0.0116"', '"-1"'), ("BTC_USDT", "NONE_USDT")])
def test_a_damaged_spot_trade_is_unknown(codec: Codec, field: str, bad: str) -> None:
    assert isinstance(one(codec, SPOT, SPOT_TRADE.replace(field, bad)), UnknownFrame)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from((SPOT, LINEAR)))
def test_garbage_never_raises(raw: str | bytes, kind: MarketKind) -> None:
    for event in load_venue("gateio").decode(kind, raw, NOW):
        assert isinstance(event, UnknownFrame)


@given(st.data())
def test_damaged_frames_never_raise(data: st.DataObject) -> None:
    made = load_registered()
    raw = data.draw(st.sampled_from((SNAPSHOT, DELTA, TRADE, TICKER, BEST, UPDATE, ACK, REFUSED)))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.text(max_size=3)) + raw[at + data.draw(st.integers(0, 6)) :]
    for event in made.decode(LINEAR, damaged, NOW):
        if isinstance(event, BookSnapshot | BookDelta):
            assert all(price > 0 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)


def test_unregistered_markets_are_adopted_when_told_to_and_count_contracts() -> None:
    made = load_venue("gateio")
    made.adopt_unknown = True
    event = one(made, LINEAR, SNAPSHOT.replace("BTC_USDT", "DOGE_USDT"))
    assert isinstance(event, BookSnapshot) and event.key == "gateio:DOGE/USDT:USDT"
    assert event.asks == [(64000.6, 300.0)]
    adopted = made.adopted(event.key)
    assert adopted is not None and (adopted.tick, adopted.lot) == (Decimal("0.1"), Decimal(1))
    assert isinstance(one(made, LINEAR, SNAPSHOT.replace("BTC_USDT", "BTC_USDT_20261225")), UnknownFrame)


# ---------------------------------------------------------------------- requests


def test_plan_is_one_socket_a_market(codec: Codec) -> None:
    perpetual, pair = listed(codec, LINEAR)["BTC/USDT:USDT"], listed(codec, SPOT)["BTC/USDT"]
    linear, spot = codec.plan([perpetual, pair], list(Channel))
    assert (linear.conn, linear.url) == ("gateio.linear.public", "wss://fx-ws.gateio.ws/v4/ws/usdt")
    assert linear.topics == (
        "futures.obu:ob.BTC_USDT.400", "futures.trades:BTC_USDT", "futures.book_ticker:BTC_USDT",
        "futures.tickers:BTC_USDT",
    )  # fmt: skip
    assert linear.book_keys == (KEY,)
    assert (spot.conn, spot.url) == ("gateio.spot.public", "wss://api.gateio.ws/ws/v4/")
    assert spot.topics == ("spot.obu:ob.BTC_USDT.400", "spot.trades:BTC_USDT", "spot.book_ticker:BTC_USDT")


def test_many_subscriptions_are_spread_over_sockets(codec: Codec) -> None:
    many = [
        msgspec.structs.replace(listed(codec, SPOT)["BTC/USDT"], symbol=f"X{n}/USDT", native=f"X{n}_USDT")
        for n in range(250)
    ]
    plans = codec.plan(many, [Channel.BOOK, Channel.TRADES])
    assert [(plan.conn, len(plan.topics)) for plan in plans] == [
        ("gateio.spot.public", 300),
        ("gateio.spot.public.2", 200),
    ]


def test_every_name_is_asked_for_alone_and_dated_by_the_clock_since_a_frame_is_refused_as_a_whole(codec: Codec) -> None:
    plan = codec.plan(list(listed(codec, LINEAR).values())[:2], [Channel.BOOK, Channel.TRADES])[0]
    frames = [(number, msgspec.json.decode(frame)) for number, frame in codec.subscribe(plan, 5)]
    asked = {"time": 1_795_000_000, "event": "subscribe"}
    assert frames == [
        (5, {**asked, "id": 5, "channel": "futures.obu", "payload": ["ob.BTC_USDT.400"]}),
        (6, {**asked, "id": 6, "channel": "futures.trades", "payload": ["BTC_USDT"]}),
        (7, {**asked, "id": 7, "channel": "futures.obu", "payload": ["ob.LOT_USDT.400"]}),
        (8, {**asked, "id": 8, "channel": "futures.trades", "payload": ["LOT_USDT"]}),
    ]


def test_a_book_is_resynchronised_by_leaving_its_stream_before_joining_again(codec: Codec) -> None:
    instrument = listed(codec, SPOT)["BTC/USDT"]
    asked = {"time": 1_795_000_000, "channel": "spot.obu", "payload": ["ob.BTC_USDT.400"]}
    assert [(number, msgspec.json.decode(frame)) for number, frame in codec.resubscribe(instrument, 40)] == [
        (40, {**asked, "id": 40, "event": "unsubscribe"}),
        (41, {**asked, "id": 41, "event": "subscribe"}),
    ]
    assert codec.snapshot_request(instrument) is None


def test_endpoints_can_be_overridden_and_a_wrong_name_is_told() -> None:
    made = load_venue("gateio", {"linear.rest": "http://127.0.0.1:9/api/v4", "linear.public": "ws://127.0.0.1:9/l"})
    assert made.instruments_request(LINEAR).url == "http://127.0.0.1:9/api/v4/futures/usdt/contracts"
    with pytest.raises(ConfigError, match=r"linear\.public"):
        load_venue("gateio", {"linear.pubic": "x"})


# ---------------------------------------------------------------------- listings and replies


def test_perpetuals_count_contracts_and_what_cannot_be_traded_is_left_out(codec: Codec) -> None:
    found = listed(codec, LINEAR)
    assert list(found) == ["BTC/USDT:USDT", "LOT/USDT:USDT", "CUT/USDT:USDT"]
    fractional = found["CUT/USDT:USDT"]
    assert (fractional.lot, fractional.min_qty, fractional.contract_size) == (Decimal("0.1"), Decimal("0.1"), 1)
    assert found["BTC/USDT:USDT"] == Instrument(
        venue="gateio", symbol="BTC/USDT:USDT", native="BTC_USDT", kind=LINEAR, base="BTC", quote="USDT",
        settle="USDT", tick=Decimal("0.1"), lot=Decimal("0.0001"), min_qty=Decimal("0.0001"), max_qty=Decimal(100),
        market_max_qty=Decimal(12), contract_size=Decimal("0.0001"), maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"), max_leverage=Decimal(125), max_orders=100,
        band=PriceBand("mark", buy_up=Decimal("1.2"), sell_down=Decimal("0.8")), funding_interval_h=8,
    )  # fmt: skip
    odd = found["LOT/USDT:USDT"]
    assert (odd.lot, odd.min_qty, odd.max_qty) == (Decimal("9.6"), Decimal("19.2"), Decimal(960))
    assert (odd.band, odd.funding_interval_h) == (None, 4)


def test_spot_pairs_name_decimals_not_steps(codec: Codec) -> None:
    found = listed(codec, SPOT)
    assert list(found) == ["BTC/USDT", "HAI/ETH"]
    bitcoin = found["BTC/USDT"]
    assert (bitcoin.tick, bitcoin.lot, bitcoin.min_qty) == (Decimal("0.1"), Decimal("0.000001"), Decimal("0.00001"))
    assert (bitcoin.min_notional, bitcoin.max_notional, bitcoin.max_leverage) == (
        Decimal(3),
        Decimal(5_000_000),
        Decimal(1),
    )
    assert (found["HAI/ETH"].min_qty, found["HAI/ETH"].tick) == (Decimal("0.001"), Decimal("0.00000001"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "check the REST URL"),
        (b'{"label":"TOO_MANY_REQUESTS","message":"x"}', "check the REST URL"),
        (b"[]", "holds no listing"),
        (b'[{"name":7}]', "none can be read"),
    ],
)
def test_a_reply_that_is_no_listing_is_a_wire_error(codec: Codec, body: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        codec.decode_instruments(LINEAR, body)


def test_rest_books_have_pairs_and_milliseconds_on_spot_objects_and_seconds_on_perpetuals(codec: Codec) -> None:
    spot = (
        '{"id":5000,"current":1795000000100,"update":1795000000099,"asks":[["64000.2","0.7"]],"bids":[["64000","1"]]}'
    )
    linear = (
        '{"id":5000,"current":1795000000.123,"update":1795000000.099,"asks":[{"s":80,"p":"64000.2"}],'
        '"bids":[{"s":"90","p":"64000"}]}'
    )
    for kind, url, raw, key, ts_ms, bids, asks in (
        (SPOT, "/spot/order_book?currency_pair=BTC_USDT&with_id=true", spot, "gateio:BTC/USDT", 1_795_000_000_100,
         [(64000.0, 1.0)], [(64000.2, 0.7)]),
        (LINEAR, "/futures/usdt/order_book?contract=BTC_USDT&with_id=true", linear, KEY, 1_795_000_000_123,
         [(64000.0, 0.009)], [(64000.2, 0.008)]),
    ):  # fmt: skip
        request = codec.recognise_http(kind, f"https://api.gateio.ws/api/v4{url}", raw, ())
        assert request is not None and (request.purpose, request.key) == ("snapshot", key)
        assert codec.recognise_http(kind, "", raw, [key]) == msgspec.structs.replace(request, url="")
        assert codec.recognise_http(kind, "", raw, [key, "gateio:X/USDT"]) is None
        snapshot = BookSnapshot(key, ts_ms * MS, NOW, 5000, bids, asks)
        assert list(codec.decode_http(request, raw, NOW)) == [snapshot]
        for damaged in (raw.replace('"id":5000,', ""), raw.replace('"64000"', '"-1"'), "[]"):
            assert [type(event) for event in codec.decode_http(request, damaged, NOW)] == [UnknownFrame]


def test_a_recorded_listing_is_recognised_with_and_without_its_address(codec: Codec) -> None:
    for kind, raw in ((SPOT, LISTED_SPOT), (LINEAR, LISTED_LINEAR)):
        for url, body in ((codec.instruments_request(kind).url, "[]"), ("", raw)):
            request = codec.recognise_http(kind, url, body, ())
            assert request is not None and request.purpose == "instruments"
            assert [type(event) for event in codec.decode_http(request, body, NOW)] == [UnknownFrame]
    assert codec.recognise_http(SPOT, "", LISTED_LINEAR, ()) is None
    assert codec.recognise_http(LINEAR, codec.instruments_request(SPOT).url, "[]", ()) is None
    unknown = "https://api.gateio.ws/api/v4/spot/order_book?currency_pair=NONE_USDT"
    assert codec.recognise_http(SPOT, unknown, "{}", ()) is None


# ---------------------------------------------------------------------- the book behind it


def message(first: int, last: int, bids: str = "", asks: str = "", full: bool = False) -> str:
    ids = f'"full":true,"u":{last}' if full else f'"U":{first},"u":{last}'
    result = f'{{"t":1,"s":"ob.BTC_USDT.400",{ids},"b":[{bids}],"a":[{asks}]}}'
    return f'{{"channel":"spot.obu","time_ms":1,"event":"update","result":{result}}}'


def test_worked_sequence_of_the_wire_notes(codec: Codec) -> None:
    """No snapshot yet, snapshot, update, empty, repeat, gap, snapshot, unasked snapshot, update (gateio.md §4)."""
    instrument = listed(codec, SPOT)["BTC/USDT"]
    data = MarketData(codec)
    market = data.add(instrument)
    (plan,) = codec.plan([instrument], [Channel.BOOK])
    data.on_connect(plan, NOW)
    whole = '["64000.5","0.12"],["64000.1","3.5"]', '["64000.6","0.03"]'
    live, syncing = BookState.LIVE, BookState.SYNCING
    steps = [
        (message(4998, 5000, '["64000.5","9"]'), syncing, -1),
        (message(0, 5000, *whole, full=True), live, 5000),
        (message(5001, 5004, '["64000.5","0"]'), live, 5004),
        (message(5005, 5006), live, 5006),
        (message(5001, 5004, '["64000.1","9"]'), live, 5006),
        (message(5008, 5009), syncing, 5006),
        (message(0, 5020, *whole, full=True), live, 5020),
        (message(0, 5030, '["64001","1"]', '["64002","2"]', full=True), live, 5030),
        (message(5031, 5031, '["64000","5"]'), live, 5031),
    ]
    for number, (raw, state, last_id) in enumerate(steps):
        data.on_frame(SPOT, raw, NOW + number)
        assert (market.state, market.sequencer.last_id) == (state, last_id), raw
        if number == 4:
            assert market.book.bids == {64000.1: 3.5}
        if number == 5:
            assert data.wanted_resubscriptions() == [instrument]
    assert (market.book.bids, market.book.asks) == ({64001.0: 1.0, 64000.0: 5.0}, {64002.0: 2.0})
    stats = market.sequencer.stats
    assert (stats.gaps, stats.resyncs, stats.crossed, data.unknown_frames) == (1, 1, 0, 0)
