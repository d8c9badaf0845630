"""Crypto.com's frames and requests: the samples of the wire notes, its quirks, listings, and everything else."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
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
from jackbot_tui.venues.cryptocom.codec import CryptocomCodec

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
HOUR = 3600 * 1000 * MS
NOW = 1_795_219_200_500 * MS
KEY = "cryptocom:BTC/USD:USD"

LISTED = r"""{"id":-1,"method":"public/get-instruments","code":0,"result":{"data":[
{"symbol":"BTC_USDT","inst_type":"CCY_PAIR","display_name":"BTC/USDT","base_ccy":"BTC","quote_ccy":"USDT",
"quote_decimals":2,"quantity_decimals":5,"price_tick_size":"0.01","qty_tick_size":"0.00001","max_leverage":"50",
"tradable":true,"expiry_timestamp_ms":0,"contract_size":"1"},
{"symbol":"BTCUSD-PERP","inst_type":"PERPETUAL_SWAP","display_name":"BTCUSD Perpetual","base_ccy":"BTC",
"quote_ccy":"USD","quote_decimals":1,"quantity_decimals":4,"price_tick_size":"0.5","qty_tick_size":"0.0001",
"max_leverage":"50","tradable":true,"expiry_timestamp_ms":0,"contract_size":"1","underlying_symbol":"BTCUSD-INDEX"},
{"symbol":"BTCUSD-261225","inst_type":"FUTURE","base_ccy":"BTC","quote_ccy":"USD","price_tick_size":"0.1",
"qty_tick_size":"0.0001","max_leverage":"50","tradable":true,"contract_size":"1"},
{"symbol":"OLDUSD-PERP","inst_type":"PERPETUAL_SWAP","base_ccy":"OLD","quote_ccy":"USD","price_tick_size":"0.1",
"qty_tick_size":"1","max_leverage":"20","tradable":false,"contract_size":"1"},
{"symbol":"ODD","inst_type":7}]}}"""


def push(channel: str, data: str, native: str = "BTCUSD-PERP", number: int = -1, extra: str = "") -> str:
    return (
        f'{{"id":{number},"method":"subscribe","code":0,"result":{{"instrument_name":"{native}","subscription":"x",'
        f'"channel":"{channel}",{extra}"data":[{data}]}}}}'
    )


SNAPSHOT = push(
    "book",
    '{"asks":[["61001.0","0.2500","1"]],"bids":[["61000.0","0.5000","2"],["60999.0","1.0000","0"]],'
    '"t":1795219200000,"tt":1795219199998,"u":78795598253024}',
    extra='"depth":50,',
)
UPDATE = push(
    "book.update",
    '{"update":{"asks":[],"bids":[["61000.0","0","0"]]},"t":1795219200010,"tt":1795219200008,"u":78795598253100,'
    '"pu":78795598253024,"cs":-807443798}',
    extra='"depth":50,',
)
TRADE_ROW = (
    '{"d":"4611686018439397540","t":1795219200000,"tn":"1795219200000123456","p":"61000.0","q":"0.0100","s":"SELL",'
    '"i":"BTCUSD-PERP","m":"76423"}'
)
TRADE = push("trade", TRADE_ROW)
TICKER = push("ticker", '{"h":"4.7","a":"4.61","b":"4.6121","bs":"25","k":"4.6148","ks":"131","v":"9","oi":"5","t":7}')


def row(number: int, ms: int) -> str:
    return TRADE_ROW.replace("4611686018439397540", str(number)).replace('"t":1795219200000', f'"t":{ms}')


def listed(codec: Codec, kind: MarketKind) -> dict[str, Instrument]:
    return {instrument.symbol: instrument for instrument in codec.decode_instruments(kind, LISTED)}


def followed() -> CryptocomCodec:
    made = load_venue("cryptocom")
    assert isinstance(made, CryptocomCodec)
    for kind in (SPOT, LINEAR):
        made.register(list(listed(made, kind).values()))
    return made


@pytest.fixture
def codec() -> CryptocomCodec:
    return followed()


def one(codec: Codec, kind: MarketKind, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(kind, raw, NOW)
    return event


# ---------------------------------------------------------------------- frames


def test_snapshot_then_linked_updates(codec: Codec) -> None:
    """A level whose order count is 0 is alive: only its size says that it is gone."""
    bids = [(61000.0, 0.5), (60999.0, 1.0)]
    assert one(codec, LINEAR, SNAPSHOT) == BookSnapshot(
        KEY, 1_795_219_199_998 * MS, NOW, 78795598253024, bids, [(61001.0, 0.25)], 1, 4
    )
    assert one(codec, LINEAR, UPDATE.encode()) == BookDelta(
        KEY, 1_795_219_200_008 * MS, NOW, 78795598253100, 78795598253100, 78795598253024, [(61000.0, 0.0)], []
    )


def test_an_empty_update_moves_the_id_on(codec: Codec) -> None:
    event = one(codec, LINEAR, UPDATE.replace('["61000.0","0","0"]', ""))
    assert isinstance(event, BookDelta)
    assert (event.last_id, event.prev_id, event.bids, event.asks) == (78795598253100, 78795598253024, [], [])


def test_update_ids_may_be_texts(codec: Codec) -> None:
    event = one(codec, LINEAR, SNAPSHOT.replace("78795598253024", '"354884821435232"'))
    assert isinstance(event, BookSnapshot) and event.last_id == 354884821435232


def test_a_first_data_frame_with_the_requests_id_confirms_it_too(codec: Codec) -> None:
    events = codec.decode(LINEAR, SNAPSHOT.replace('"id":-1', '"id":12'), NOW)
    assert [type(event) for event in events] == [SubscriptionAck, BookSnapshot]


def test_a_book_of_another_depth_never_mixes_in(codec: Codec) -> None:
    assert isinstance(one(codec, LINEAR, SNAPSHOT), BookSnapshot)
    for raw in (SNAPSHOT, UPDATE):
        assert isinstance(one(codec, LINEAR, raw.replace('"depth":50', '"depth":10')), UnknownFrame)


def test_trade_side_is_the_takers(codec: Codec) -> None:
    number = "4611686018439397540"
    assert one(codec, LINEAR, TRADE) == Trade(
        KEY, 1_795_219_200_000 * MS, NOW, number, Side.SELL, 61000.0, 0.01, "61000.0", "0.0100"
    )


def test_trades_of_one_frame_come_oldest_first(codec: Codec) -> None:
    raw = push("trade", ",".join(row(number, 100 + number) for number in (1003, 1002, 999)))
    assert [event.trade_id for event in codec.decode(LINEAR, raw, NOW) if isinstance(event, Trade)] == [
        "999", "1002", "1003",
    ]  # fmt: skip


def test_history_after_a_reconnect_brings_only_what_was_missed(codec: Codec) -> None:
    """Trades counted twice would fill orders that nobody filled. Ids of a history frame are anything but -1."""

    def ids(raw: str, at: int) -> list[str]:
        return [event.trade_id for event in codec.decode(LINEAR, raw, at) if isinstance(event, Trade)]

    history = push("trade", ",".join(row(number, 1) for number in (12, 11, 10)), number=-9223372036854776000)
    assert ids(history, NOW) == ["10", "11", "12"]
    assert ids(history, NOW) == ["10", "11", "12"]  # the session looks for answers before the pipeline sees the frame
    assert ids(push("trade", row(13, 2)), NOW + 1) == ["13"]
    again = push("trade", ",".join(row(number, 1) for number in (15, 14, 13, 12)), number=4)
    assert ids(again, NOW + 2) == ["14", "15"]
    assert ids(again, NOW + 3) == []


def test_ticker(codec: Codec) -> None:
    assert one(codec, LINEAR, TICKER) == BookTicker(KEY, 7 * MS, NOW, -1, 4.6121, 25.0, 4.6148, 131.0)
    assert list(codec.decode(LINEAR, TICKER.replace('"b":"4.6121"', '"b":null'), NOW)) == []


def test_mark_index_and_funding_come_apart_and_are_merged_at_the_mark(codec: Codec) -> None:
    at = 1_795_219_260_000
    assert list(codec.decode(LINEAR, push("index", '{"v":"60990.5","t":1}', "BTCUSD-INDEX"), NOW)) == []
    assert list(codec.decode(LINEAR, push("funding", '{"v":"-0.0000125","t":1}'), NOW)) == []
    due = (at * MS // HOUR + 1) * HOUR
    assert one(codec, LINEAR, push("mark", f'{{"v":"61002.5","t":{at}}}')) == MarkPrice(
        KEY, at * MS, NOW, 61002.5, 60990.5, -0.0000125, due
    )


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        ('{"id":1,"method":"subscribe","code":0}', [SubscriptionAck(1)]),
        ('{"id":1,"method":"subscribe","code":0,"channel":"book.BTCUSD-PERP.50"}', [SubscriptionAck(1)]),
        ('{"id":1,"method":"subscribe","code":0,"result":{}}', [SubscriptionAck(1)]),
        ('{"id":2,"method":"unsubscribe","code":0}', []),
        ('{"id":1587523073344,"method":"public/heartbeat","code":0}', []),
        (
            '{"id":3,"method":"subscribe","code":40004,"message":"Bad channel","original":"{}"}',
            [VenueNotice("error", "40004", "Bad channel", 3)],
        ),
        ('{"id":-1,"method":"ERROR","code":40001,"message":"x"}', [VenueNotice("error", "40001", "x", -1)]),
        (
            '{"id":4,"method":"subscribe","code":9010001,"message":"SYSTEM_MAINTENANCE"}',
            [VenueNotice("maintenance", "9010001", "SYSTEM_MAINTENANCE", 4)],
        ),
        (push("candlestick", '{"o":1,"h":2,"t":1,"v":3}'), []),
    ],
)
def test_answers_and_service_messages(codec: Codec, raw: str, events: list[FeedEvent]) -> None:
    assert list(codec.decode(LINEAR, raw, NOW)) == events


def test_a_heartbeat_is_answered_with_its_own_id_and_nothing_else_is(codec: CryptocomCodec) -> None:
    answer = codec.answer('{"id":1587523073344,"method":"public/heartbeat","code":0}')
    assert answer is not None
    assert msgspec.json.decode(answer) == {"id": 1587523073344, "method": "public/respond-heartbeat"}
    assert [codec.answer(raw) for raw in (UPDATE, "", b"\xff", '{"id":1,"method":"subscribe","code":0}')] == [None] * 4


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe", "", "[]", "null", "{}", '{"id":1}', "[" * 5000, SNAPSHOT.replace("BTCUSD-PERP", "NONE_USD"),
        SNAPSHOT.replace('"u":78795598253024', '"u":-1'), SNAPSHOT.replace('"asks"', '"other"'),
        UPDATE.replace('"pu"', '"px"'), UPDATE.replace('"update"', '"upd"'), UPDATE.replace('"61000.0"', '"0"'),
        UPDATE.replace('["61000.0","0","0"]', '["61000.0","-1","0"]'), SNAPSHOT.replace('"0.2500"', '"NaN"'),
        TRADE.replace('"SELL"', '"HOLD"'), TRADE.replace('"61000.0"', '"0"'), TRADE.replace('"d":"4', '"d":"x'),
        TRADE.replace('"d":"', '"d":"' + "9" * 5000),
        push("mark", '{"v":"0","t":1}'), push("mark", '{"v":null,"t":1}'), push("funding", '{"v":"-2","t":1}'),
        push("index", '{"v":"1","t":1}', "ETHUSD-INDEX"), push("odd", '{"t":1}'),
    ],
    ids=lambda raw: str(raw)[:60],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [UnknownFrame]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from((SPOT, LINEAR)))
def test_garbage_never_raises(raw: str | bytes, kind: MarketKind) -> None:
    for event in load_venue("cryptocom").decode(kind, raw, NOW):
        assert isinstance(event, UnknownFrame)


@given(st.data())
def test_damaged_frames_never_raise(data: st.DataObject) -> None:
    made = followed()
    raw = data.draw(st.sampled_from((SNAPSHOT, UPDATE, TRADE, TICKER)))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.text(max_size=3)) + raw[at + data.draw(st.integers(0, 6)) :]
    for event in made.decode(LINEAR, damaged, NOW):
        if isinstance(event, BookSnapshot | BookDelta):
            assert all(price > 0 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)


def test_unregistered_instruments_are_adopted_when_told_to() -> None:
    made = load_venue("cryptocom")
    made.adopt_unknown = True
    event = one(made, LINEAR, SNAPSHOT)
    assert isinstance(event, BookSnapshot) and event.key == KEY
    adopted = made.adopted(KEY)
    assert adopted is not None and (adopted.tick, adopted.lot, adopted.contract_size) == (
        Decimal("0.1"), Decimal("0.0001"), Decimal(1),
    )  # fmt: skip
    pair = one(made, SPOT, TRADE.replace("BTCUSD-PERP", "GRT_CRO"))
    assert isinstance(pair, Trade) and pair.key == "cryptocom:GRT/CRO"


# ---------------------------------------------------------------------- requests


def test_plan_and_one_channel_a_frame_with_book_updates_asked_for(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, LINEAR)["BTC/USD:USD"]], list(Channel))
    assert (plan.conn, plan.url) == ("cryptocom.linear.public", "wss://stream.crypto.com/exchange/v1/market")
    assert plan.book_keys == (KEY,)
    assert plan.topics == (
        "book.BTCUSD-PERP.50", "trade.BTCUSD-PERP", "ticker.BTCUSD-PERP", "mark.BTCUSD-PERP", "funding.BTCUSD-PERP",
        "index.BTCUSD-INDEX",
    )  # fmt: skip
    frames = codec.subscribe(plan, 3)
    assert [number for number, _ in frames] == [3, 4, 5, 6, 7, 8]
    book, trades = (msgspec.json.decode(frame) for _, frame in frames[:2])
    assert book == {
        "id": 3, "method": "subscribe", "params": {"channels": ["book.BTCUSD-PERP.50"],
        "book_subscription_type": "SNAPSHOT_AND_UPDATE", "book_update_frequency": 10},
    }  # fmt: skip
    assert trades == {"id": 4, "method": "subscribe", "params": {"channels": ["trade.BTCUSD-PERP"]}}


def test_spot_has_no_mark(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, SPOT)["BTC/USDT"]], list(Channel))
    assert plan.topics == ("book.BTC_USDT.50", "trade.BTC_USDT", "ticker.BTC_USDT")


def test_more_channels_than_a_connection_carries_are_split(codec: Codec) -> None:
    pair = listed(codec, SPOT)["BTC/USDT"]
    many = [msgspec.structs.replace(pair, symbol=f"X{n}/USDT", native=f"X{n}_USDT") for n in range(201)]
    plans = codec.plan(many, [Channel.BOOK, Channel.TRADES])
    assert [len(plan.topics) for plan in plans] == [400, 2]


def test_a_book_is_resynchronised_by_subscribing_again(codec: Codec) -> None:
    ((number, frame),) = codec.resubscribe(listed(codec, LINEAR)["BTC/USD:USD"], 9)
    assert number == 9 and msgspec.json.decode(frame)["params"]["channels"] == ["book.BTCUSD-PERP.50"]
    assert codec.snapshot_request(listed(codec, LINEAR)["BTC/USD:USD"]) is None


# ---------------------------------------------------------------------- listings


def test_instruments_take_the_tick_not_the_decimals(codec: Codec) -> None:
    (perpetual,) = listed(codec, LINEAR).values()
    assert (perpetual.symbol, perpetual.native, perpetual.settle) == ("BTC/USD:USD", "BTCUSD-PERP", "USD")
    assert (perpetual.tick, perpetual.lot, perpetual.contract_size) == (Decimal("0.5"), Decimal("0.0001"), Decimal(1))
    assert (perpetual.max_leverage, perpetual.funding_interval_h) == (Decimal(50), 1)
    (pair,) = listed(codec, SPOT).values()
    assert (pair.symbol, pair.tick, pair.lot, pair.max_leverage, pair.funding_interval_h) == (
        "BTC/USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(1), 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "check the REST URL"),
        (b'{"code":42901,"message":"TOO_MANY_REQUESTS"}', "42901 TOO_MANY_REQUESTS"),
        (b'{"code":0,"result":{"data":[{"symbol":7}]}}', "none can be read"),
    ],
)
def test_a_reply_that_is_no_listing_is_a_wire_error(codec: Codec, body: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        codec.decode_instruments(LINEAR, body)


def test_a_recorded_listing_is_recognised_with_and_without_its_address(codec: Codec) -> None:
    request = codec.instruments_request(SPOT)
    assert request.url == "https://api.crypto.com/exchange/v1/public/get-instruments"
    for url, raw in ((request.url, "{}"), ("", LISTED)):
        found = codec.recognise_http(SPOT, url, raw, ())
        assert found is not None and found.purpose == "instruments"
    assert codec.recognise_http(SPOT, "https://api.crypto.com/exchange/v1/public/get-book", LISTED, ()) is None
    assert [type(event) for event in codec.decode_http(request, b"{}", NOW)] == [UnknownFrame]


# ---------------------------------------------------------------------- the book behind it


def update(number: int, previous: int, bids: str = "") -> str:
    datum = f'{{"update":{{"asks":[],"bids":[{bids}]}},"t":1,"tt":1,"u":{number},"pu":{previous}}}'
    return push("book.update", datum, extra='"depth":50,')


def whole(number: int, bids: str, asks: str) -> str:
    return push("book", f'{{"asks":[{asks}],"bids":[{bids}],"t":1,"tt":1,"u":{number}}}', extra='"depth":50,')


def test_a_broken_link_ends_live_until_the_next_snapshot_and_empty_updates_keep_the_chain(codec: Codec) -> None:
    """Leaving out empty updates is the standard false gap (cryptocom.md §4)."""
    instrument = listed(codec, LINEAR)["BTC/USD:USD"]
    data = MarketData(codec)
    market = data.add(instrument)
    (plan,) = codec.plan([instrument], [Channel.BOOK])
    data.on_connect(plan, NOW)
    sides = '["61000.0","0.5","2"]', '["61001.0","0.25","1"]'
    live, syncing = BookState.LIVE, BookState.SYNCING
    steps = [
        (update(90, 80), syncing),
        (whole(100, *sides), live),
        (update(170, 100), live),
        (update(230, 170, '["60999.5","1","0"]'), live),
        (update(400, 300, '["60999.5","0","0"]'), syncing),
        (update(500, 400, '["60999.5","0","0"]'), syncing),
        (whole(510, *sides), live),
        (update(520, 510), live),
        (whole(9, *sides), live),
    ]
    for number, (raw, state) in enumerate(steps):
        data.on_frame(LINEAR, raw, NOW + number)
        assert market.state is state, raw
        if number == 3:
            assert market.book.bids == {61000.0: 0.5, 60999.5: 1.0}
        if number == 4:
            assert data.wanted_resubscriptions() == [instrument]
    stats = market.sequencer.stats
    assert (stats.gaps, stats.resyncs, market.sequencer.last_id) == (1, 1, 9)


def test_levels_that_linger_beyond_the_depth_are_cut_at_once(codec: Codec) -> None:
    data = MarketData(codec)
    market = data.add(listed(codec, LINEAR)["BTC/USD:USD"])
    bids = ",".join(f'["{61000 - n}.0","1","1"]' for n in range(50))
    data.on_frame(LINEAR, whole(5, bids, '["61001.0","1","1"]'), NOW)
    data.on_frame(LINEAR, update(6, 5, '["61000.5","1","1"]'), NOW)
    assert len(market.book.bids) == 50
    assert (min(market.book.bids), max(market.book.bids)) == (60952.0, 61000.5)
