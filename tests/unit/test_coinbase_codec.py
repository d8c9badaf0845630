"""Coinbase's frames and requests: the samples of the wire notes, its quirks, listings, and everything else."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.websocket import MAX_MESSAGE
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    FeedEvent,
    SubscriptionAck,
    Trade,
    UnknownFrame,
    VenueNotice,
)
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec
from jackbot_tui.venues.coinbase.codec import MOST_BEATS, CoinbaseCodec

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
NOW = 1_795_219_200_500 * MS
KEY = "coinbase:BTC/USD"


def product(native: str, alias: str = "", **changes: Any) -> str:
    base, quote = native.split("-")
    return msgspec.json.encode(
        {
            "product_id": native, "price": "61000", "base_increment": "0.00000001", "quote_increment": "0.01",
            "quote_min_size": "1", "quote_max_size": "150000000", "base_min_size": "0.0001", "base_max_size": "3400",
            "status": "online", "cancel_only": False, "limit_only": False, "post_only": False, "view_only": False,
            "trading_disabled": False, "is_disabled": False, "auction_mode": False, "product_type": "SPOT",
            "quote_currency_id": quote, "base_currency_id": base, "alias": alias, "price_increment": "0.50", **changes,
        }
    ).decode()  # fmt: skip


PRODUCTS = product("BTC-USD"), product("BTC-USDC", "BTC-USD"), product("ETH-USD")
LISTED = f'{{"products":[{",".join(PRODUCTS)}],"num_products":3}}'


def frame(channel: str, number: int, *events: str) -> str:
    return (
        f'{{"channel":"{channel}","client_id":"","timestamp":"2026-11-21T00:00:00.123456789Z",'
        f'"sequence_num":{number},"events":[{",".join(events)}]}}'
    )


def book(number: int, kind: str, *levels: str, native: str = "BTC-USD") -> str:
    rows = [level.split() for level in levels]
    updates = ",".join(
        f'{{"side":"{side}","event_time":"1970-01-01T00:00:00Z","price_level":"{price}","new_quantity":"{size}"}}'
        for side, price, size in rows
    )
    return frame("l2_data", number, f'{{"type":"{kind}","product_id":"{native}","updates":[{updates}]}}')


def trade_row(number: int, side: str = "BUY", native: str = "BTC-USD") -> str:
    return (
        f'{{"trade_id":"{number}","product_id":"{native}","price":"61000.02","size":"0.010","side":"{side}",'
        '"time":"2026-11-21T00:00:00.254321Z"}'
    )


def trades(number: int, kind: str, *rows: str) -> str:
    return frame("market_trades", number, f'{{"type":"{kind}","trades":[{",".join(rows)}]}}')


def held(number: int, subscriptions: str) -> str:
    return frame("subscriptions", number, f'{{"subscriptions":{{{subscriptions}}}}}')


def beat(number: int) -> str:
    return frame("heartbeats", number, '{"current_time":"2026-11-21 00:00:00 +0000 UTC","heartbeat_counter":"42"}')


SNAPSHOT = book(0, "snapshot", "bid 61000.01 0.5", "bid 60999 1", "offer 61000.02 0.25")
UPDATE = book(1, "update", "bid 61000.01 0", "offer 61000.03 2")
TRADE = trades(2, "update", trade_row(900000001))
TICKER = frame(
    "ticker",
    3,
    '{"type":"update","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"1","best_bid":"61000.01",'
    '"best_ask":"61000.02","best_bid_quantity":"0.5","best_ask_quantity":"0.25"}]}',
)
REFUSED = '{"type":"error","message":"unknown product"}'
AT = 1_795_219_200_123_457_000


def listed(codec: Codec) -> dict[str, Instrument]:
    return {instrument.symbol: instrument for instrument in codec.decode_instruments(SPOT, LISTED)}


def followed(*symbols: str) -> CoinbaseCodec:
    made = load_venue("coinbase")
    assert isinstance(made, CoinbaseCodec)
    known = listed(made)
    made.register([known[symbol] for symbol in symbols or ("BTC/USD", "ETH/USD")])
    return made


@pytest.fixture
def codec() -> CoinbaseCodec:
    return followed()


def one(codec: Codec, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(SPOT, raw, NOW)
    return event


def pipeline(*symbols: str) -> MarketData:
    codec = followed(*symbols)
    data = MarketData(codec)
    for symbol in symbols:
        data.add(listed(codec)[symbol])
    return data


def play(data: MarketData, *frames: str) -> list[BookState]:
    for raw in frames:
        data.on_frame(SPOT, raw, NOW)
    return [market.state for market in data.markets.values()]


# ---------------------------------------------------------------------- books and the count of the connection


def test_snapshot_then_updates_linked_by_the_count(codec: Codec) -> None:
    """The sell side is called offer; the time is that of the frame, as rows of a snapshot may carry the epoch."""
    bids = [(61000.01, 0.5), (60999.0, 1.0)]
    assert one(codec, SNAPSHOT) == BookSnapshot(KEY, AT, NOW, 0, bids, [(61000.02, 0.25)])
    assert one(codec, UPDATE.encode()) == BookDelta(KEY, AT, NOW, 1, 1, 0, [(61000.01, 0.0)], [(61000.03, 2.0)])
    assert isinstance(one(codec, TRADE), Trade)
    event = one(codec, UPDATE.replace('"sequence_num":1', '"sequence_num":3'))
    assert isinstance(event, BookDelta) and (event.prev_id, event.last_id) == (1, 3)


def test_one_frame_may_hold_several_books_and_several_updates_of_one() -> None:
    data = pipeline("BTC/USD", "ETH/USD")
    inner = [
        book(0, "snapshot", "bid 10 1", "offer 11 1"),
        book(0, "snapshot", "bid 5 1", "offer 6 1", native="ETH-USD"),
        book(0, "update", "bid 10.5 2"),
        book(0, "update", "bid 10.5 3"),
    ]
    events = [msgspec.json.encode(msgspec.json.decode(raw)["events"][0]).decode() for raw in inner]
    assert play(data, frame("l2_data", 0, *events), book(1, "update", "offer 11 0", "offer 12 4")) == [
        BookState.LIVE, BookState.LIVE,
    ]  # fmt: skip
    bitcoin = data.markets[KEY]
    assert bitcoin.book.top(1) == ([(10.5, 3.0)], [(12.0, 4.0)])
    assert bitcoin.sequencer.stats.gaps == 0


def test_a_book_is_judged_after_the_whole_frame_and_not_between_its_updates() -> None:
    """The market moves up by more than the spread: bids are told first, the asks that they met are gone at the end."""
    data = pipeline("BTC/USD", "ETH/USD")
    other = book(1, "snapshot", "bid 5 1", "offer 6 1", native="ETH-USD")
    assert play(data, book(0, "snapshot", "bid 10 1", "offer 11 1"), other) == [BookState.LIVE] * 2
    inner = (
        book(2, "update", "bid 11.5 2"),
        book(2, "update", "bid 5 2", native="ETH-USD"),
        book(2, "update", "bid 11.5 3", "offer 11 0", "offer 12 4"),
    )
    events = [msgspec.json.encode(msgspec.json.decode(raw)["events"][0]).decode() for raw in inner]
    assert play(data, frame("l2_data", 2, *events)) == [BookState.LIVE] * 2
    assert [each.sequencer.stats.crossed for each in data.markets.values()] == [0, 0]
    assert data.markets[KEY].book.top(1) == ([(11.5, 3.0)], [(12.0, 4.0)])
    assert data.markets["coinbase:ETH/USD"].book.bids == {5.0: 2.0}
    assert play(data, frame("l2_data", 3, events[0])) == [BookState.LIVE] * 2
    assert play(data, book(4, "update", "bid 12.5 1")) == [BookState.SYNCING, BookState.LIVE], (
        "crossed at a frame's end"
    )


@pytest.mark.parametrize("lost", [2, 3, 4, 5], ids=["a trade", "an update", "a heartbeat", "an answer"])
def test_a_hole_on_any_channel_breaks_every_book_with_the_next_frame_whatever_it_is(lost: int) -> None:
    data = pipeline("BTC/USD", "ETH/USD")
    frames = [
        SNAPSHOT, book(1, "snapshot", "bid 5 1", "offer 6 1", native="ETH-USD"), TRADE, book(3, "update", "bid 1 1"),
        beat(4), held(5, '"level2":["BTC-USD"]'), frame("candles", 6),
    ]  # fmt: skip
    whole = pipeline("BTC/USD", "ETH/USD")
    assert play(whole, *frames) == [BookState.LIVE] * 2
    assert play(data, *frames[:lost]) == [BookState.LIVE] * 2
    assert play(data, frames[lost + 1]) == [BookState.SYNCING] * 2
    assert [each.sequencer.stats.gaps for each in data.markets.values()] == [1, 1]
    assert data.unknown_frames == 0
    assert [each.symbol for each in data.wanted_resubscriptions()] == ["BTC/USD", "ETH/USD"]
    start = lost + 2
    play(data, *(frame("candles", number) for number in range(start, start + 3)), book(start + 3, "update", "bid 2 1"))
    assert play(data, book(start + 4, "snapshot", "bid 9 1", "offer 10 1")) == [BookState.LIVE, BookState.SYNCING]
    assert play(data, book(start + 5, "update", "bid 9 2")) == [BookState.LIVE, BookState.SYNCING]
    assert data.markets[KEY].book.bids == {9.0: 2.0}


@pytest.mark.parametrize("number", [0, 1, 7])
def test_a_count_that_starts_anew_or_repeats_is_a_hole(number: int) -> None:
    data = pipeline("BTC/USD", "ETH/USD")
    play(data, SNAPSHOT, book(1, "snapshot", "bid 5 1", "offer 6 1", native="ETH-USD"))
    assert play(data, beat(number)) == [BookState.SYNCING] * 2


def test_a_frame_that_cannot_be_read_is_a_hole_for_the_next_one() -> None:
    data = pipeline("BTC/USD")
    assert play(data, SNAPSHOT, UPDATE.replace('"bid"', '"ask"')) == [BookState.LIVE]
    assert play(data, TRADE) == [BookState.SYNCING]


def test_a_frame_decoded_twice_in_a_row_counts_once() -> None:
    """While answers are outstanding the session looks at each frame before the pipeline does."""
    data = pipeline("BTC/USD")
    states = []
    for raw in (
        SNAPSHOT,
        UPDATE,
        beat(2),
        trades(3, "snapshot", trade_row(7)),
        trades(4, "update", trade_row(8)),
        beat(6),
    ):
        first = data.codec.decode(SPOT, raw, NOW)
        assert data.codec.decode(SPOT, raw, NOW) == first
        states += play(data, raw)
    assert states == [BookState.LIVE] * 5 + [BookState.SYNCING]
    assert (data.markets[KEY].sequencer.stats.gaps, data.markets[KEY].trades.seq) == (1, 1)


def test_a_heartbeat_proves_a_quiet_book() -> None:
    """Numbers count all channels: when one follows, no update was missed, however long none came."""
    data = pipeline("BTC/USD")
    play(data, SNAPSHOT)
    second = 1_000_000_000
    for number in range(1, 20):
        data.on_frame(SPOT, beat(number), NOW + number * second)
        data.check_silence(NOW + number * second + second)
        assert data.markets[KEY].live
    assert data.markets[KEY].book.bids == {61000.01: 0.5, 60999.0: 1.0}
    data.check_silence(NOW + 25 * second)
    assert data.markets[KEY].state is BookState.STALE
    assert play(data, beat(20)) == [BookState.LIVE]


def test_an_update_before_its_snapshot_asks_for_one() -> None:
    data = pipeline("BTC/USD")
    play(data, book(0, "update", "bid 1 1"))
    assert not data.markets[KEY].live
    assert [each.symbol for each in data.wanted_resubscriptions()] == ["BTC/USD"]


def test_an_unknown_kind_of_book_message_breaks_its_book_alone() -> None:
    data = pipeline("BTC/USD", "ETH/USD")
    play(data, SNAPSHOT, book(1, "snapshot", "bid 5 1", "offer 6 1", native="ETH-USD"))
    assert play(data, book(2, "replace", "bid 1 1")) == [BookState.SYNCING, BookState.LIVE]
    assert data.unknown_frames == 1


def test_a_reconnect_begins_a_new_count() -> None:
    data = pipeline("BTC/USD")
    (plan,) = data.codec.plan([data.markets[KEY].instrument], [Channel.BOOK])
    data.on_connect(plan, NOW)
    play(data, SNAPSHOT, UPDATE)
    data.on_disconnect(plan, "test", NOW)
    data.on_connect(plan, NOW)
    assert play(data, beat(0)) == [BookState.SYNCING]
    assert play(data, book(1, "snapshot", "bid 7 1", "offer 8 1"), beat(2)) == [BookState.LIVE]
    assert (data.markets[KEY].sequencer.stats.gaps, data.wanted_resubscriptions()) == (0, [])


def test_a_usdc_pair_lives_on_the_book_and_trades_of_its_usd_pair() -> None:
    data = pipeline("BTC/USD", "BTC/USDC")
    both = [each.instrument for each in data.markets.values()]
    (plan,) = data.codec.plan(both, [Channel.BOOK, Channel.TRADES])
    assert plan.topics == ("heartbeats", "level2:BTC-USD", "market_trades:BTC-USD")
    assert plan.book_keys == ("coinbase:BTC/USD", "coinbase:BTC/USDC")
    assert play(data, SNAPSHOT, UPDATE, TRADE, beat(3)) == [BookState.LIVE] * 2
    assert {each.book.ask_price for each in data.markets.values()} == {61000.02}
    assert [each.trades.seq for each in data.markets.values()] == [1, 1]
    (_, frame_sent) = data.codec.resubscribe(both[1], 1)[1]
    assert msgspec.json.decode(frame_sent)["product_ids"] == ["BTC-USD"]


def test_the_largest_snapshot_fits_and_no_depth_is_cut(codec: Codec) -> None:
    """BTC-USD's of August 2026 had 46 011 levels in 5 079 379 characters."""
    market = codec.spec.markets[SPOT]
    assert MAX_MESSAGE > 3 * 5_079_379
    assert (market.book_depth, market.max_levels > 4 * 46_011) == (0, True)


# ---------------------------------------------------------------------- trades, ticker, answers


@pytest.mark.parametrize(("maker", "aggressor"), [("BUY", Side.SELL), ("SELL", Side.BUY)])
def test_a_trades_side_is_the_makers(codec: Codec, maker: str, aggressor: Side) -> None:
    assert one(codec, trades(0, "update", trade_row(900000001, maker))) == Trade(
        KEY, 1_795_219_200_254_321_000, NOW, "900000001", aggressor, 61000.02, 0.01, "61000.02", "0.010"
    )


def ids(codec: Codec, raw: str) -> list[str]:
    return [event.trade_id for event in codec.decode(SPOT, raw, NOW) if isinstance(event, Trade)]


def test_trades_come_oldest_first_and_never_twice(codec: Codec) -> None:
    assert ids(codec, trades(0, "snapshot", trade_row(9), trade_row(8))) == []  # of before we looked
    assert ids(codec, trades(1, "update", trade_row(11), trade_row(10), trade_row(9))) == ["10", "11"]
    assert ids(codec, trades(2, "update", trade_row(11))) == []
    assert ids(codec, trades(3, "update", trade_row(5, native="ETH-USD"), trade_row(12))) == ["5", "12"]


def test_history_after_a_reconnect_brings_only_what_was_missed(codec: Codec) -> None:
    ids(codec, trades(0, "snapshot", trade_row(9)))
    assert ids(codec, trades(0, "snapshot", trade_row(12), trade_row(11), trade_row(9))) == ["11", "12"]
    assert ids(codec, trades(1, "snapshot", trade_row(10))) == []  # a history that came late
    assert ids(codec, trades(2, "update", trade_row(13))) == ["13"]


def test_trades_numbered_anew_are_not_left_out_for_ever(codec: Codec) -> None:
    assert ids(codec, trades(0, "update", trade_row(900_000))) == ["900000"]
    assert ids(codec, trades(0, "snapshot", trade_row(3))) == []
    assert ids(codec, trades(1, "update", trade_row(4))) == ["4"]


def test_ticker(codec: Codec) -> None:
    assert one(codec, TICKER) == BookTicker(KEY, AT, NOW, -1, 61000.01, 0.5, 61000.02, 0.25)
    assert list(codec.decode(SPOT, TICKER.replace('"best_bid":"61000.01"', '"best_bid":""'), NOW)) == []


def test_the_list_of_subscriptions_confirms_what_it_holds(codec: CoinbaseCodec) -> None:
    """It may come after the first data, in any order, and names what was asked before."""
    (plan,) = codec.plan(list(listed(codec).values())[::2], [Channel.BOOK, Channel.TRADES])
    assert [number for number, _ in codec.subscribe(plan, 7)] == [7, 8, 9, 10, 11]
    assert one(codec, held(0, '"level2":["ETH-USD"]')) == SubscriptionAck(10)
    both = '"level2":["ETH-USD","BTC-USD"],"heartbeats":["heartbeats"],"market_trades":["X-USD"]'
    assert list(codec.decode(SPOT, held(1, both), NOW)) == [SubscriptionAck(n) for n in (7, 8, 10)]
    assert list(codec.decode(SPOT, held(2, ""), NOW)) == []


def test_an_error_is_taken_for_the_answer_to_the_oldest_open_request(codec: CoinbaseCodec) -> None:
    assert one(codec, REFUSED) == VenueNotice("error", "", "unknown product", -1)
    (plan,) = codec.plan([listed(codec)["BTC/USD"]], [Channel.BOOK])
    codec.subscribe(plan, 4)
    codec.decode(SPOT, held(0, '"heartbeats":["heartbeats"]'), NOW)
    assert one(codec, '{"type":"error","message":"level2: no"}') == VenueNotice("error", "", "level2: no", 5)
    codec.decode(SPOT, held(1, '"heartbeats":["heartbeats"],"level2":["BTC-USD"]'), NOW)
    assert one(codec, '{"type":"error","message":""}') == VenueNotice("error", "", "no reason given", -1)


@pytest.mark.parametrize("channel", ["candles", "status", "ticker_batch", "user", "futures_balance_summary"])
def test_channels_of_others_count_and_say_nothing(codec: Codec, channel: str) -> None:
    assert list(codec.decode(SPOT, frame(channel, 0, '{"type":"snapshot","orders":[]}'), NOW)) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe", "", "[]", "null", "{}", "[" * 5000, frame("odd", 0), SNAPSHOT.replace("BTC-USD", "NONE-USD"),
        SNAPSHOT.replace('"offer"', '"ask"'), SNAPSHOT.replace('"sequence_num":0', '"sequence_num":-1'),
        SNAPSHOT.replace('"sequence_num":0', '"sequence_num":null'), SNAPSHOT.replace('"61000.01"', '"0"'),
        SNAPSHOT.replace('"0.25"', '"NaN"'), SNAPSHOT.replace('"0.25"', '"-1"'), SNAPSHOT.replace('"1"', '"1e400"'),
        TRADE.replace('"BUY"', '"UNKNOWN_ORDER_SIDE"'),
        TRADE.replace('"61000.02"', '"0"'), TRADE.replace('"900000001"', '"x"'),
        TRADE.replace('"900000001"', '"' + "9" * 5000 + '"'), TRADE.replace("BTC-USD", "NONE-USD"),
        TICKER.replace("BTC-USD", "NONE-USD"),
    ],
    ids=lambda raw: str(raw)[:60],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    assert [type(event) for event in codec.decode(SPOT, raw, NOW)] == [UnknownFrame]


@pytest.mark.parametrize(
    ("moment", "ns"),
    [
        ("2026-11-21T00:00:00Z", 1_795_219_200_000_000_000),
        ("2026-11-21T00:00:00.1Z", 1_795_219_200_100_000_000),
        ("2026-11-21T00:00:00.123456Z", 1_795_219_200_123_456_000),
        ("2026-11-21T00:00:00.123456789Z", AT),
        ("2026-11-21T01:00:00.1+01:00", 1_795_219_200_100_000_000),
    ],
)
def test_times_have_any_number_of_digits(codec: Codec, moment: str, ns: int) -> None:
    event = one(codec, SNAPSHOT.replace("2026-11-21T00:00:00.123456789Z", moment))
    assert isinstance(event, BookSnapshot) and event.ts_event == ns


def test_the_counter_of_a_heartbeat_may_be_a_number_or_a_text() -> None:
    """Samples of different years have both: neither may make it unreadable, which would break every book."""
    data = pipeline("BTC/USD")
    for number, counter in enumerate(('"42"', "43", "null"), 1):
        raw = beat(number).replace('"42"', counter)
        assert counter in raw and play(data, *([SNAPSHOT] if number == 1 else []), raw) == [BookState.LIVE]
    assert data.unknown_frames == 0


@pytest.mark.parametrize("moment", ['"1970-01-01T00:00:00"', "null"])
def test_a_frame_without_a_time_has_none(codec: Codec, moment: str) -> None:
    event = one(codec, SNAPSHOT.replace('"2026-11-21T00:00:00.123456789Z"', moment))
    assert isinstance(event, BookSnapshot) and event.ts_event == 0


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from((SPOT, LINEAR)))
def test_garbage_never_raises(raw: str | bytes, kind: MarketKind) -> None:
    for event in load_venue("coinbase").decode(kind, raw, NOW):
        assert isinstance(event, UnknownFrame)


def test_frames_of_a_market_that_the_venue_lacks_are_unknown(codec: Codec) -> None:
    assert [type(event) for event in codec.decode(LINEAR, SNAPSHOT, NOW)] == [UnknownFrame]
    assert "Deribit" in codec.spec.unsupported[LINEAR]


@given(st.data())
def test_damaged_frames_never_raise(data: st.DataObject) -> None:
    made = followed()
    raw = data.draw(st.sampled_from((SNAPSHOT, UPDATE, TRADE, TICKER)))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.text(max_size=3)) + raw[at + data.draw(st.integers(0, 6)) :]
    for event in made.decode(SPOT, damaged, NOW):
        if isinstance(event, BookSnapshot | BookDelta):
            assert all(price > 0 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)


@given(st.lists(st.tuples(st.sampled_from(("BTC-USD", "ETH-USD")), st.booleans()), max_size=30), st.data())
def test_whichever_frames_are_lost_no_book_stays_live_with_a_hole(
    steps: list[tuple[str, bool]], data: st.DataObject
) -> None:
    """Each step is an update of a book or a heartbeat; after the last one every LIVE book is the venue's."""
    truth = {"BTC-USD": {1.0: 1.0}, "ETH-USD": {1.0: 1.0}}
    frames = [book(n, "snapshot", "bid 1 1", "offer 9 1", native=native) for n, native in enumerate(truth)]
    for number, (native, is_beat) in enumerate(steps, 2):
        if is_beat:
            frames.append(beat(number))
        else:
            truth[native][1.0] = float(number)
            frames.append(book(number, "update", f"bid 1 {number}", native=native))
    lost = data.draw(st.sets(st.integers(2, len(frames) + 1), max_size=4))
    client = pipeline("BTC/USD", "ETH/USD")
    states = play(client, *(raw for number, raw in enumerate(frames) if number not in lost), beat(len(frames)))
    assert states == [BookState.SYNCING if lost & set(range(len(frames))) else BookState.LIVE] * 2
    for market in client.markets.values():
        assert not market.live or market.book.bids == truth[market.instrument.native]


def test_unregistered_instruments_are_adopted_when_told_to() -> None:
    made = load_venue("coinbase")
    made.adopt_unknown = True
    event = one(made, SNAPSHOT)
    assert isinstance(event, BookSnapshot) and event.key == KEY
    adopted = made.adopted(KEY)
    assert adopted is not None and (adopted.tick, adopted.lot) == (Decimal("0.01"), Decimal("0.01"))
    other = one(made, trades(1, "update", trade_row(1, native="SOL-EUR")))
    assert isinstance(other, Trade) and other.key == "coinbase:SOL/EUR"
    future = book(2, "snapshot", "bid 1 1", native="BIT-24APR26-CDE")
    assert isinstance(one(made, future), UnknownFrame)


# ---------------------------------------------------------------------- requests


def test_one_connection_with_heartbeats_first_and_one_channel_and_product_a_frame(codec: Codec) -> None:
    known = listed(codec)
    (plan,) = codec.plan([known["BTC/USD"], known["ETH/USD"]], list(Channel))
    assert (plan.conn, plan.url) == ("coinbase.spot.public", "wss://advanced-trade-ws.coinbase.com")
    assert plan.book_keys == (KEY, "coinbase:ETH/USD")
    frames = [msgspec.json.decode(raw) for _, raw in codec.subscribe(plan, 1)]
    assert frames[0] == {"type": "subscribe", "channel": "heartbeats"}
    assert frames[1:] == [
        {"type": "subscribe", "channel": channel, "product_ids": [native]}
        for native in ("BTC-USD", "ETH-USD")
        for channel in ("level2", "market_trades", "ticker")
    ]


def test_however_many_books_share_the_one_connection(codec: Codec) -> None:
    """The codec cannot tell connections of one market apart, and numbers count per connection."""
    pair = listed(codec)["ETH/USD"]
    many = [msgspec.structs.replace(pair, symbol=f"X{n}/USD", native=f"X{n}-USD") for n in range(2000)]
    (plan,) = codec.plan(many, [Channel.BOOK, Channel.TRADES])
    assert (len(plan.topics), len(plan.book_keys)) == (4001, 2000)


def test_no_channel_no_connection(codec: Codec) -> None:
    assert codec.plan([listed(codec)["BTC/USD"]], [Channel.MARK]) == []


def test_a_book_is_resynchronised_by_leaving_and_subscribing_again(codec: Codec) -> None:
    frames = codec.resubscribe(listed(codec)["ETH/USD"], 9)
    assert [(number, msgspec.json.decode(raw)) for number, raw in frames] == [
        (9 + n, {"type": action, "channel": "level2", "product_ids": ["ETH-USD"]})
        for n, action in enumerate(("unsubscribe", "subscribe"))
    ]
    assert codec.snapshot_request(listed(codec)["ETH/USD"]) is None


def test_a_book_whose_subscription_ended_is_not_live_whatever_the_count_proves() -> None:
    data = pipeline("BTC/USD", "ETH/USD")
    both, one_left = '"level2":["BTC-USD","ETH-USD"]', '"level2":["ETH-USD"]'
    live, gone = BookState.LIVE, BookState.SYNCING
    assert play(data, SNAPSHOT, book(1, "snapshot", "bid 1 1", "offer 2 1", native="ETH-USD")) == [live, live]
    assert play(data, held(2, '"level2":["BTC-USD"]'), held(3, both)) == [live, live], "a list may lag behind"
    assert play(data, held(4, one_left)) == [gone, live]
    assert play(data, beat(5)) == [gone, live]
    assert play(data, book(6, "snapshot", "bid 1 1", "offer 2 1"), held(7, both), beat(8)) == [live, live]


def test_a_resubscription_on_its_way_is_not_asked_for_again_unless_it_brings_nothing(codec: Codec) -> None:
    instrument = listed(codec)["BTC/USD"]
    codec.decode(SPOT, SNAPSHOT, NOW)
    assert len(codec.resubscribe(instrument, 1)) == 2
    assert codec.resubscribe(instrument, 3) == []
    codec.decode(SPOT, book(1, "snapshot", "bid 1 1", "offer 2 1"), NOW)
    assert len(codec.resubscribe(instrument, 3)) == 2
    for number in range(2, 2 + MOST_BEATS):
        codec.decode(SPOT, beat(number), NOW)
    assert codec.resubscribe(instrument, 5) == []
    codec.decode(SPOT, beat(2 + MOST_BEATS), NOW)
    assert len(codec.resubscribe(instrument, 5)) == 2


def test_the_venues_clock(codec: Codec) -> None:
    request = codec.time_request(SPOT)
    assert request is not None and request.url == "https://api.coinbase.com/api/v3/brokerage/time"
    for body in (
        '{"iso":"x","epochSeconds":"1795219200","epochMillis":"1795219200500"}',
        '{"epochMillis":1795219200500}',
    ):
        assert codec.decode_time(SPOT, body) == NOW
    for wrong in ("<html>", "{}", '{"epochMillis":"0"}', '{"epochMillis":"9999999999999999"}'):
        with pytest.raises(WireError, match=r"coinbase spot time: .*check the REST URL"):
            codec.decode_time(SPOT, wrong)


# ---------------------------------------------------------------------- listings


def test_instruments_take_the_price_step_and_the_smallest_value(codec: Codec) -> None:
    known = listed(codec)
    assert list(known) == ["BTC/USD", "BTC/USDC", "ETH/USD"]
    pair = known["BTC/USDC"]
    assert (pair.native, pair.base, pair.quote, pair.settle) == ("BTC-USDC", "BTC", "USDC", "USDC")
    assert (pair.tick, pair.lot, pair.min_qty, pair.max_qty) == (
        Decimal("0.5"), Decimal("0.00000001"), Decimal("0.0001"), Decimal(3400),
    )  # fmt: skip
    assert (pair.min_notional, pair.max_notional) == (Decimal(1), Decimal(150_000_000))
    assert (pair.contract_size, pair.max_leverage) == (Decimal(1), Decimal(1))
    assert (pair.maker_fee, pair.taker_fee, pair.funding_interval_h) == (Decimal("0.006"), Decimal("0.012"), 0)


@pytest.mark.parametrize(
    ("changes", "is_there"),
    [
        ({}, True), ({"limit_only": True}, True), ({"status": "delisted"}, False), ({"trading_disabled": True}, False),
        ({"is_disabled": True}, False), ({"view_only": True}, False), ({"cancel_only": True}, False),
        ({"post_only": True}, False), ({"auction_mode": True}, False), ({"product_type": "FUTURE"}, False),
        ({"price_increment": "0"}, False), ({"base_increment": ""}, False), ({"quote_min_size": "-1"}, False),
    ],
)  # fmt: skip
def test_only_what_can_be_traded_is_listed(codec: Codec, changes: dict[str, Any], is_there: bool) -> None:
    body = f'{{"products":[{product("BTC-USD")},{product("SOL-USD", **changes)}]}}'
    symbols = [each.symbol for each in codec.decode_instruments(SPOT, body)]
    assert symbols == (["BTC/USD", "SOL/USD"] if is_there else ["BTC/USD"])


def test_a_listing_of_several_pages_is_asked_for_to_its_end(codec: Codec) -> None:
    request = codec.instruments_request(SPOT)
    assert request.url == "https://api.coinbase.com/api/v3/brokerage/market/products?product_type=SPOT"
    page = '{"products":[],"pagination":{"prev_cursor":"","next_cursor":"abc","has_next":true,"has_prev":false}}'
    second = codec.next_page(request, page)
    assert second is not None and second.url == request.url + "&cursor=abc"
    third = codec.next_page(second, page.replace("abc", "def"))
    assert third is not None and third.url == request.url + "&cursor=def"
    for last in (page.replace("true", "false"), page.replace("abc", "def"), page.replace("abc", ""), LISTED, "<html>"):
        assert codec.next_page(third, last) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "check the REST URL"),
        (b'{"error":"rate_limit","message":"slow down"}', "holds no listing: rate_limit slow down"),
        (b'{"products":[]}', "holds no listing: check"),
        (b'{"products":[{"product_id":7}]}', "none can be read"),
    ],
)
def test_a_reply_that_is_no_listing_is_a_wire_error(codec: Codec, body: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        codec.decode_instruments(SPOT, body)


def test_recorded_replies_are_recognised(codec: Codec) -> None:
    for url in ("https://api.coinbase.com/api/v3/brokerage/market/products?limit=5", ""):
        request = codec.recognise_http(SPOT, url, LISTED, ())
        assert request is not None and request.purpose == "instruments"
    product_book = "https://api.coinbase.com/api/v3/brokerage/market/product_book?product_id=BTC-USD"
    assert codec.recognise_http(SPOT, product_book, LISTED, ()) is None
    assert codec.recognise_http(SPOT, "", '{"pricebook":{}}', ()) is None
