"""Hyperliquid's frames and requests: the samples of the wire notes, its quirks, merged pictures, listings, the rest."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
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
from jackbot_tui.venues.hyperliquid.instruments import tick_of

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
HOUR = 3600 * 1000 * MS
NOW = 1_795_219_200_500 * MS
T0 = 1_795_219_200_000
KEY = "hyperliquid:BTC/USDC:USDC"

META = (
    '{"universe":[{"szDecimals":5,"name":"BTC","maxLeverage":40,"marginTableId":56},{"szDecimals":1,"name":"OLD",'
    '"maxLeverage":3,"isDelisted":true},{"szDecimals":0,"name":"kPEPE","maxLeverage":10},{"name":"ODD"}]}'
)
LISTED_LINEAR = (
    f'[{META},[{{"markPx":"61002.0","funding":"0.0000125"}},{{"markPx":null}},{{"markPx":"0.012345"}},{{}}]]'
)
LISTED_SPOT = r"""[{"tokens":[{"name":"USDC","szDecimals":8,"weiDecimals":8,"index":0},
{"name":"PURR","szDecimals":0,"weiDecimals":5,"index":1},{"name":"HYPE","szDecimals":2,"index":150},
{"name":"UBTC","szDecimals":5,"index":197},{"name":"USOL","szDecimals":3,"index":254},
{"name":"SOL","szDecimals":3,"index":9}],
"universe":[{"name":"PURR/USDC","tokens":[1,0],"index":0,"isCanonical":true},
{"name":"@142","tokens":[197,0],"index":142,"isCanonical":false},{"name":"@107","tokens":[150,0],"index":107},
{"name":"@156","tokens":[254,0],"index":156},{"name":"@9","tokens":[9,0],"index":9},{"name":"@8","tokens":[77,0]}]},
[{"coin":"@107","markPx":"35.3"},{"coin":"PURR/USDC","markPx":"0.18"},{"coin":"@142","markPx":"9999.9"}]]"""


def level(text: str) -> str:
    price, size = text.split(" x ")
    return f'{{"px":"{price}","sz":"{size}","n":2}}'


def l2(time_ms: int, bids: list[str], asks: list[str], fast: str = "") -> str:
    sides = ",".join("[" + ",".join(map(level, side)) + "]" for side in (bids, asks))
    return f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{time_ms},"levels":[{sides}]{fast}}}}}'


def fast(time_ms: int, bids: list[str], asks: list[str]) -> str:
    return l2(time_ms, bids, asks, ',"fast":true')


def bbo(time_ms: int, bid: str, ask: str) -> str:
    sides = ",".join(level(text) if text else "null" for text in (bid, ask))
    return f'{{"channel":"bbo","data":{{"coin":"BTC","time":{time_ms},"bbo":[{sides}]}}}}'


def ladder(best: int, step: int, count: int, size: str = "1.0") -> list[str]:
    return [f"{best + step * number}.0 x {size}" for number in range(count)]


DEEP = l2(T0, ["61000.0 x 0.5", "60999.0 x 1.0"], ["61001.0 x 0.25"])
TRADE_ROW = (
    '{"coin":"BTC","side":"A","px":"61000.0","sz":"0.01","time":1795219200000,"hash":"0x0","tid":118906512037719,'
    '"users":["0xb","0xs"]}'
)
TRADE = f'{{"channel":"trades","data":[{TRADE_ROW}]}}'
FIGURES = (
    '{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"funding":"-0.0000125","openInterest":"27000.1",'
    '"oraclePx":"61000.0","markPx":"61002.0","midPx":"61000.5","impactPxs":["60999.0","61002.0"]}}}'
)


def listed(codec: Codec, kind: MarketKind) -> dict[str, Instrument]:
    body = LISTED_SPOT if kind is SPOT else LISTED_LINEAR
    return {instrument.symbol: instrument for instrument in codec.decode_instruments(kind, body)}


def followed() -> Codec:
    made = load_venue("hyperliquid")
    for kind in (SPOT, LINEAR):
        made.register(list(listed(made, kind).values()))
    return made


@pytest.fixture
def codec() -> Codec:
    return followed()


def one(codec: Codec, kind: MarketKind, raw: str | bytes) -> FeedEvent:
    (event,) = codec.decode(kind, raw, NOW)
    return event


def book(codec: Codec, *raws: str) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Bids and asks after the last of ``raws``, which must change the book."""
    for raw in raws[:-1]:
        codec.decode(LINEAR, raw, NOW)
    (snapshot,) = (event for event in codec.decode(LINEAR, raws[-1], NOW) if isinstance(event, BookSnapshot))
    return snapshot.bids, snapshot.asks


# ---------------------------------------------------------------------- books


def test_every_book_frame_is_the_whole_book(codec: Codec) -> None:
    assert one(codec, LINEAR, DEEP.encode()) == BookSnapshot(
        KEY, T0 * MS, NOW, T0, [(61000.0, 0.5), (60999.0, 1.0)], [(61001.0, 0.25)], 1, -1
    )


def test_a_spread_that_comes_with_a_book_is_left_out(codec: Codec) -> None:
    assert one(codec, LINEAR, DEEP.replace('"levels"', '"spread":"1.0","levels"')) == one(codec, LINEAR, DEEP)


@pytest.mark.parametrize("coin", ["#250", "@107", "PURR/USDC"])
def test_outcomes_and_spot_coins_never_pass_for_perpetuals(coin: str) -> None:
    made = load_venue("hyperliquid")
    made.adopt_unknown = True
    assert isinstance(one(made, LINEAR, DEEP.replace('"BTC"', f'"{coin}"')), UnknownFrame)


def test_a_fast_frame_replaces_the_book_down_to_its_worst_price(codec: Codec) -> None:
    bids, asks = book(
        codec,
        l2(T0, ladder(100, -1, 20), ladder(101, 1, 20)),
        fast(
            T0 + 500, ["99.0 x 7.0", "98.0 x 7.0", "96.0 x 7.0", "95.0 x 7.0", "94.0 x 7.0"], ladder(100, 1, 5, "7.0")
        ),
    )
    assert bids[:6] == [(99.0, 7.0), (98.0, 7.0), (96.0, 7.0), (95.0, 7.0), (94.0, 7.0), (93.0, 1.0)]
    assert len(bids) == 5 + 13
    assert asks[:6] == [(100.0, 7.0), (101.0, 7.0), (102.0, 7.0), (103.0, 7.0), (104.0, 7.0), (105.0, 1.0)]


def test_a_fast_side_of_fewer_than_five_levels_is_all_there_is(codec: Codec) -> None:
    bids, asks = book(codec, l2(T0, ladder(100, -1, 20), ladder(101, 1, 20)), fast(T0 + 500, ["99.0 x 7.0"], []))
    assert (bids, asks) == ([(99.0, 7.0)], [])


def test_newer_best_prices_replace_the_top_and_what_lies_beyond_it(codec: Codec) -> None:
    deep = l2(T0, ladder(100, -1, 3), ladder(101, 1, 3))
    bids, asks = book(codec, deep, bbo(T0 + 71, "99.0 x 0.4", "100.0 x 0.3"))
    assert (bids, asks) == ([(99.0, 0.4), (98.0, 1.0)], [(100.0, 0.3), (101.0, 1.0), (102.0, 1.0), (103.0, 1.0)])
    assert book(codec, bbo(T0 + 80, "", "100.0 x 0.3"))[0] == []


def test_best_prices_older_than_the_book_leave_it_alone(codec: Codec) -> None:
    assert book(codec, bbo(T0 - 1, "90.0 x 1.0", "91.0 x 1.0"), DEEP)[0][0] == (61000.0, 0.5)


def test_best_prices_alone_are_a_ticker_but_no_book(codec: Codec) -> None:
    """One level would pass for the whole depth of the market."""
    assert one(codec, LINEAR, bbo(T0, "99.0 x 0.4", "100.0 x 0.3")) == BookTicker(
        KEY, T0 * MS, NOW, T0, 99.0, 0.4, 100.0, 0.3
    )


def test_a_frame_older_than_the_one_held_of_its_kind_says_nothing(codec: Codec) -> None:
    assert isinstance(one(codec, LINEAR, DEEP), BookSnapshot)
    assert list(codec.decode(LINEAR, DEEP.replace(str(T0), str(T0 - 1)), NOW)) == []
    assert isinstance(one(codec, LINEAR, DEEP), BookSnapshot)  # the same one again is taken again


def test_one_wrong_time_does_not_freeze_the_book(codec: Codec) -> None:
    codec.decode(LINEAR, DEEP.replace(str(T0), str(9 * T0)), NOW)
    assert book(codec, l2(T0 + 5, ["1.0 x 1.0"], ["2.0 x 1.0"])) == ([(1.0, 1.0)], [(2.0, 1.0)])


def test_deep_levels_are_dropped_when_the_deep_stream_stops(codec: Codec) -> None:
    five = ladder(100, -1, 5, "7.0"), ladder(101, 1, 5, "7.0")
    deep = l2(T0, ladder(100, -1, 20), ladder(101, 1, 20))
    assert len(book(codec, deep, fast(T0 + 15_000, *five))[0]) == 20
    assert len(book(codec, fast(T0 + 15_001, *five))[0]) == 5


@pytest.mark.parametrize("later_ms", [15_501, 600_000])
def test_best_prices_never_revive_a_book_whose_pictures_are_old(codec: Codec, later_ms: int) -> None:
    """After an outage best prices may come first: what lay behind them before it is not the market of now."""
    five = ladder(100, -1, 5, "7.0"), ladder(101, 1, 5, "7.0")
    codec.decode(LINEAR, l2(T0, ladder(100, -1, 20), ladder(101, 1, 20)), NOW)
    codec.decode(LINEAR, fast(T0 + 500, *five), NOW)
    assert len(book(codec, bbo(T0 + 15_500, "100.0 x 2.0", "101.0 x 2.0"))[0]) == 5, "the deep levels are too old"
    assert isinstance(one(codec, LINEAR, bbo(T0 + later_ms, "99.0 x 1.0", "101.0 x 1.0")), BookTicker)
    assert book(codec, fast(T0 + later_ms + 1, *five)) == (
        [(100.0 - n, 7.0) for n in range(5)],
        [(101.0 + n, 7.0) for n in range(5)],
    )


levels_of = st.lists(st.integers(1, 60), min_size=0, max_size=20, unique=True)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("deep", "fast", "bbo")), st.integers(0, 20_000), levels_of, levels_of, st.integers(50, 70)
        ),
        max_size=12,
    )
)
def test_merged_books_are_sorted_never_crossed_and_as_true_as_their_newest_picture(
    pictures: list[tuple[str, int, list[int], list[int], int]],
) -> None:
    """Each picture by itself is a sound book; its own levels must show unchanged as long as nothing newer came."""
    made = followed()
    newest = -1
    for kind, offset, below, above, middle in pictures:
        depth = {"deep": 20, "fast": 5, "bbo": 1}[kind]
        bids = [f"{middle + 100 - step}.0 x {step}.0" for step in sorted(below)[:depth]]
        asks = [f"{middle + 100 + step}.0 x {step}.0" for step in sorted(above)[:depth]]
        if kind == "bbo":
            raw = bbo(T0 + offset, *((side or [""])[0] for side in (bids, asks)))
        else:
            raw = (l2 if kind == "deep" else fast)(T0 + offset, bids, asks)
        for event in made.decode(LINEAR, raw, NOW):
            if not isinstance(event, BookSnapshot):
                continue
            held_bids, held_asks = [price for price, _ in event.bids], [price for price, _ in event.asks]
            assert held_bids == sorted(set(held_bids), reverse=True) and held_asks == sorted(set(held_asks))
            assert not held_bids or not held_asks or held_bids[0] < held_asks[0]
            if offset > newest:
                shown = [f"{price:.1f} x {size:.1f}" for price, size in event.bids[: len(bids)]]
                assert shown == bids
        newest = max(newest, offset)


# ---------------------------------------------------------------------- trades, figures, answers


def test_trade_side_is_the_aggressors(codec: Codec) -> None:
    assert one(codec, LINEAR, TRADE) == Trade(
        KEY, T0 * MS, NOW, "118906512037719", Side.SELL, 61000.0, 0.01, "61000.0", "0.01"
    )
    bought = one(codec, LINEAR, TRADE.replace('"side":"A"', '"side":"B"'))
    assert isinstance(bought, Trade) and bought.side is Side.BUY


def test_history_after_a_reconnect_brings_only_what_was_missed(codec: Codec) -> None:
    """Trade ids are hashes and do not count up; a frame of several block times is history."""

    def times(at: int, *offsets: int) -> list[int]:
        rows = ",".join(TRADE_ROW.replace(str(T0), str(T0 + offset)) for offset in offsets)
        events = codec.decode(LINEAR, f'{{"channel":"trades","data":[{rows}]}}', at)
        return [event.ts_event // MS - T0 for event in events if isinstance(event, Trade)]

    assert times(NOW, 1, 1, 5) == [1, 1, 5]
    assert times(NOW, 1, 1, 5) == [1, 1, 5]  # the session looks for answers before the pipeline sees the frame
    assert times(NOW + 1, 9, 9) == [9, 9]
    assert times(NOW + 2, 5, 9, 9, 12) == [12]
    assert times(NOW + 3, 9, 12) == []


def test_events_of_one_block_keep_the_order_they_came_in(codec: Codec) -> None:
    """Times are those of blocks: several trades share one, and their ids do not count up."""
    rows = ",".join(TRADE_ROW.replace("118906512037719", str(number)) for number in (900, 5, 77))
    raw = f'{{"channel":"trades","data":[{rows}]}}'
    trades = [event for event in codec.decode(LINEAR, raw, NOW) if isinstance(event, Trade)]
    assert [trade.trade_id for trade in trades] == ["900", "5", "77"]
    assert {trade.ts_event for trade in trades} == {T0 * MS}


def test_figures_of_a_perpetual(codec: Codec) -> None:
    due = (NOW // HOUR + 1) * HOUR
    assert one(codec, LINEAR, FIGURES) == MarkPrice(KEY, 0, NOW, 61002.0, 61000.0, -0.0000125, due)


def test_figures_of_a_spot_coin_come_on_a_channel_of_their_own(codec: Codec) -> None:
    raw = '{"channel":"activeSpotAssetCtx","data":{"coin":"@107","ctx":{"markPx":"35.3","coin":"@107"}}}'
    assert list(codec.decode(SPOT, raw, NOW)) == []


def test_acknowledgements_are_matched_by_type_coin_and_speed_not_by_equality(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, LINEAR)["BTC/USDC:USDC"]], list(Channel))
    frames = dict(codec.subscribe(plan, 10))
    assert [msgspec.json.decode(frame)["subscription"] for frame in frames.values()][:2] == [
        {"type": "l2Book", "coin": "BTC"}, {"type": "l2Book", "coin": "BTC", "fast": True},
    ]  # fmt: skip

    def answered(subscription: str) -> list[FeedEvent]:
        raw = f'{{"channel":"subscriptionResponse","data":{{"method":"subscribe","subscription":{subscription}}}}}'
        return list(codec.decode(LINEAR, raw, NOW))

    plain = '{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null,"fast":null}'
    assert answered(plain) == [SubscriptionAck(10)] == answered(plain)
    assert answered('{"type":"l2Book","coin":"BTC","nSigFigs":null,"fast":true}') == [SubscriptionAck(11)]
    assert answered('{"type":"trades","coin":"BTC"}') == [SubscriptionAck(13)]
    assert answered('{"type":"trades","coin":"ETH"}') == []
    codec.resubscribe(listed(codec, LINEAR)["BTC/USDC:USDC"], 90)
    assert answered(plain) == [SubscriptionAck(10)]


def test_errors_are_text_and_being_subscribed_already_is_as_good_as_an_acknowledgement(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, LINEAR)["BTC/USDC:USDC"]], [Channel.TRADES])
    codec.subscribe(plan, 4)
    about = r"{\"type\":\"trades\",\"coin\":\"BTC\"}"
    assert one(codec, LINEAR, f'{{"channel":"error","data":"Already subscribed: {about}"}}') == SubscriptionAck(4)
    refused = one(codec, LINEAR, f'{{"channel":"error","data":"Invalid subscription {about}"}}')
    assert isinstance(refused, VenueNotice) and (refused.kind, refused.request_id) == ("error", 4)
    other = one(codec, LINEAR, '{"channel":"error","data":"Too many {"}')
    assert other == VenueNotice("error", "", "Too many {", -1)


@pytest.mark.parametrize(
    "raw",
    [
        "Websocket connection established.", b"Websocket connection established.", '{"channel":"pong"}',
        '{"channel":"candle","data":{"t":1,"s":"BTC"}}', '{"channel":"allMids","data":{"mids":{"BTC":"1"}}}',
    ],
)  # fmt: skip
def test_what_is_known_and_of_no_use_is_swallowed(codec: Codec, raw: str | bytes) -> None:
    assert list(codec.decode(LINEAR, raw, NOW)) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe", "", "[]", "null", "{}", "[" * 5000, '{"channel":"l2Book"}', '{"channel":"odd","data":null}',
        DEEP.replace('"BTC"', '"NONE"'), DEEP.replace('"levels"', '"lvls"'), DEEP.replace('"61001.0"', '"0"'),
        DEEP.replace('"0.25"', '"NaN"'), DEEP.replace('"0.25"', '"-1"'), DEEP.replace('"levels":[', '"levels":[[],'),
        TRADE.replace('"side":"A"', '"side":"C"'), TRADE.replace('"61000.0"', '"0"'), TRADE.replace("BTC", "NONE"),
        FIGURES.replace('"61002.0","midPx"', 'null,"midPx"'), FIGURES.replace("-0.0000125", "-2"),
    ],
    ids=lambda raw: str(raw)[:60],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_unknown_frame(codec: Codec, raw: str | bytes) -> None:
    assert [type(event) for event in codec.decode(LINEAR, raw, NOW)] == [UnknownFrame]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from((SPOT, LINEAR)))
def test_garbage_never_raises(raw: str | bytes, kind: MarketKind) -> None:
    for event in load_venue("hyperliquid").decode(kind, raw, NOW):
        assert isinstance(event, UnknownFrame)


@given(st.data())
def test_damaged_frames_never_raise(data: st.DataObject) -> None:
    made = followed()
    raw = data.draw(st.sampled_from((DEEP, TRADE, FIGURES, bbo(T0, "99.0 x 0.4", "100.0 x 0.3"))))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.text(max_size=3)) + raw[at + data.draw(st.integers(0, 6)) :]
    for event in made.decode(LINEAR, damaged, NOW):
        if isinstance(event, BookSnapshot):
            assert all(price > 0 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)


def test_unregistered_coins_are_adopted_by_the_market_they_belong_to() -> None:
    made = load_venue("hyperliquid")
    made.adopt_unknown = True
    assert one(made, LINEAR, DEEP).key == KEY  # type: ignore[union-attr]
    adopted = made.adopted(KEY)
    assert adopted is not None and (adopted.tick, adopted.lot) == (Decimal("0.1"), Decimal("0.01"))
    assert isinstance(one(made, SPOT, TRADE), UnknownFrame)
    pair = one(made, SPOT, TRADE.replace('"BTC"', '"@107"'))
    assert isinstance(pair, Trade) and pair.key == "hyperliquid:@107/USDC"


# ---------------------------------------------------------------------- requests


def test_plan_has_all_three_pictures_of_a_book(codec: Codec) -> None:
    (plan,) = codec.plan([listed(codec, LINEAR)["BTC/USDC:USDC"]], list(Channel))
    assert (plan.conn, plan.url) == ("hyperliquid.linear.public", "wss://api.hyperliquid.xyz/ws")
    assert plan.topics == ("l2Book:BTC", "l2Book.fast:BTC", "bbo:BTC", "trades:BTC", "activeAssetCtx:BTC")
    assert plan.book_keys == (KEY,)
    (spot,) = codec.plan([listed(codec, SPOT)["HYPE/USDC"]], [Channel.TICKER, Channel.MARK])
    assert (spot.topics, spot.book_keys) == (("bbo:@107",), ())


def test_a_book_is_resynchronised_by_the_very_object_it_was_subscribed_with(codec: Codec) -> None:
    instrument = listed(codec, LINEAR)["BTC/USDC:USDC"]
    frames = [msgspec.json.decode(frame) for _, frame in codec.resubscribe(instrument, 7)]
    assert frames == [
        {"method": method, "subscription": {"type": "l2Book", "coin": "BTC"}} for method in ("unsubscribe", "subscribe")
    ]
    assert codec.heartbeat(SPOT) == '{"method":"ping"}'
    assert codec.snapshot_request(instrument) is None


@pytest.mark.parametrize(("kind", "query"), [(SPOT, "spotMetaAndAssetCtxs"), (LINEAR, "metaAndAssetCtxs")])
def test_listings_are_asked_for_with_a_body(codec: Codec, kind: MarketKind, query: str) -> None:
    request = codec.instruments_request(kind)
    assert (request.method, request.url, request.weight) == ("POST", "https://api.hyperliquid.xyz/info", 20)
    assert msgspec.json.decode(request.body) == {"type": query}


# ---------------------------------------------------------------------- listings


def test_perpetuals_leave_out_the_delisted_and_keep_places_of_figures(codec: Codec) -> None:
    found = listed(codec, LINEAR)
    assert list(found) == ["BTC/USDC:USDC", "KPEPE/USDC:USDC"]
    bitcoin = found["BTC/USDC:USDC"]
    assert (bitcoin.native, bitcoin.tick, bitcoin.lot) == ("BTC", Decimal(1), Decimal("0.00001"))
    assert (bitcoin.min_notional, bitcoin.max_leverage, bitcoin.funding_interval_h) == (Decimal(10), Decimal(40), 1)
    assert bitcoin.band is not None and (bitcoin.band.buy_up, bitcoin.band.sell_down) == (
        Decimal("1.95"), Decimal("0.05"),
    )  # fmt: skip
    assert (found["KPEPE/USDC:USDC"].native, found["KPEPE/USDC:USDC"].tick) == ("kPEPE", Decimal("0.000001"))


def test_without_figures_the_tick_is_the_finest_there_is(codec: Codec) -> None:
    assert [each.tick for each in codec.decode_instruments(LINEAR, META)] == [Decimal("0.1"), Decimal("0.000001")]


@pytest.mark.parametrize(
    ("decimals", "price", "tick"),
    [(1, "61000", "1"), (1, "9999.9", "0.1"), (1, "10000", "1"), (6, "0.012345", "0.000001"), (6, "35.3", "0.001"),
     (0, "5", "1"), (6, "0", "0.000001"), (1, "123456", "1"), (-1, "5", "1")],
)  # fmt: skip
def test_the_tick_follows_the_price(decimals: int, price: str, tick: str) -> None:
    """At most five significant figures and so many decimals; an integer is always allowed."""
    assert tick_of(decimals, Decimal(price)) == Decimal(tick)


def test_spot_coins_are_named_by_their_tokens_and_bridged_ones_as_everywhere(codec: Codec) -> None:
    """A common name that another token bears is not given twice."""
    found = listed(codec, SPOT)
    assert {symbol: each.native for symbol, each in found.items()} == {
        "PURR/USDC": "PURR/USDC", "BTC/USDC": "@142", "HYPE/USDC": "@107", "USOL/USDC": "@156", "SOL/USDC": "@9",
    }  # fmt: skip
    assert (found["HYPE/USDC"].tick, found["HYPE/USDC"].lot) == (Decimal("0.001"), Decimal("0.01"))
    assert found["BTC/USDC"].tick == Decimal("0.1")


@pytest.mark.parametrize("body", [b"<html>", b"null", b'{"universe":[{"name":7}]}', b'{"levels":[]}'])
def test_a_reply_that_is_no_listing_is_a_wire_error(codec: Codec, body: bytes) -> None:
    with pytest.raises(WireError, match="hyperliquid linear instruments"):
        codec.decode_instruments(LINEAR, body)


def test_replies_are_recognised_by_their_shape(codec: Codec) -> None:
    """Every query goes to one address."""
    url = "https://api.hyperliquid.xyz/info"
    reply = DEEP[DEEP.index('"data":') + 7 : -1]
    for raw, purpose in ((LISTED_LINEAR, "instruments"), (META, "instruments"), (reply, "snapshot")):
        request = codec.recognise_http(LINEAR, url, raw, ())
        assert request is not None and request.purpose == purpose
    for raw in (LISTED_SPOT, '{"BTC":"1"}', "<html>", "[]", reply.replace("BTC", "NONE")):
        assert codec.recognise_http(LINEAR, url, raw, ()) is None
    request = codec.recognise_http(LINEAR, url, reply, ())
    assert request is not None
    assert [type(event) for event in codec.decode_http(request, reply, NOW)] == [BookSnapshot]
    assert [type(event) for event in codec.decode_http(request, "{}", NOW)] == [UnknownFrame]
    assert [type(e) for e in codec.decode_http(codec.instruments_request(SPOT), "{}", NOW)] == [UnknownFrame]


def test_the_rule_of_five_figures_travels_with_the_instrument(codec: Codec) -> None:
    """BTC begins at 61000 with a tick of 1; had it begun below 10000, a price of 10000.5 would be none (docs, tick)."""
    btc = listed(codec, LINEAR)["BTC/USDC:USDC"]
    assert btc.price_figures == 5
    assert btc.tick_at(Decimal("100001")) == Decimal(1)
    below = msgspec.structs.replace(btc, tick=Decimal("0.1"))
    assert (below.tick_at(Decimal("9999.9")), below.tick_at(Decimal("10000.5"))) == (Decimal("0.1"), Decimal(1))
