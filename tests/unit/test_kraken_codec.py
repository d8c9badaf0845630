"""Kraken's codec: spot v2 with the worked checksum, derivatives v1, instruments, garbage, traps of the wire notes."""

import json
import random
from decimal import Decimal

import pytest

from jackbot_tui.book.checksums import RECIPES, TextBook, kraken_crc32, okx_crc32
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import InputError, WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    MarkPrice,
    SubscriptionAck,
    Trade,
    UnknownFrame,
    VenueNotice,
)
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
ASKS = (
    "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660 "
    "45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827"
)
BIDS = (
    "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586 "
    "45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238"
)
WHEN = 1_795_219_200_000_001_000
PAIR = {
    "altname": "XBTUSD", "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD", "pair_decimals": 1, "lot_decimals": 8,
    "ordermin": "0.00005", "costmin": "0.5", "tick_size": "0.1", "status": "online", "leverage_buy": [2, 3],
    "fees": [[0, 0.4], [10000, 0.35]], "fees_maker": [[0, 0.25], [10000, 0.2]],
}  # fmt: skip
PRODUCT = {
    "symbol": "PF_XBTUSD", "type": "flexible_futures", "tickSize": 1, "contractSize": 1, "tradeable": True,
    "contractValueTradePrecision": 4, "base": "BTC", "quote": "USD", "fundingRateCoefficient": 24,
    "marginLevels": [{"numNonContractUnits": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01}],
}  # fmt: skip


def pairs(*rows: dict[str, object]) -> str:
    return json.dumps({"error": [], "result": {f"P{n}": row for n, row in enumerate(rows)}})


def products(*rows: dict[str, object]) -> str:
    return json.dumps({"result": "success", "instruments": rows})


def codec_with(kind: MarketKind) -> tuple[Codec, Instrument]:
    codec = load_venue("kraken")
    (instrument,) = codec.decode_instruments(kind, pairs(PAIR) if kind is SPOT else products(PRODUCT))
    codec.register([instrument])
    return codec, instrument


def rows(levels: str) -> str:
    """Level objects as the venue writes them: numbers with fixed decimals."""
    pairs_of = (level.split("/") for level in levels.split())
    return ",".join(f'{{"price":{price},"qty":{size}}}' for price, size in pairs_of)


def book(kind: str, bids: str, asks: str, checksum: int) -> str:
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{rows(bids)}],"asks":[{rows(asks)}],'
        f'"checksum":{checksum},"timestamp":"2026-11-21T00:00:00.000001Z"}}]}}'
    )


SNAPSHOT = book("snapshot", BIDS, ASKS, 3310070434)
UPDATE = book("update", "45283.5/0.00000000 45275.0/2.00000000", "", 2616427980)


def levels(text: str) -> list[tuple[str, str]]:
    return [(price, size) for price, _, size in (level.partition("/") for level in text.split())]


def test_the_worked_checksums_of_the_wire_notes() -> None:
    assert kraken_crc32(levels(BIDS), levels(ASKS)) == 3310070434
    floats = [[(repr(float(p)), repr(float(s))) for p, s in levels(side)] for side in (BIDS, ASKS)]
    assert kraken_crc32(*floats) == 1604409348, "what lost zeros look like"
    bids, asks = levels("64000.5/12 64000.1/3.5"), levels("64000.6/7 64000.9/0.2 64001/40")
    assert okx_crc32(bids, asks) == 941615297
    bids, asks = levels("64000.50/0.1200 64000.00/1.5000"), levels("64000.60/0.0300")
    assert RECIPES["bitget_crc32"].compute(bids, asks) == -308886911 & 0xFFFFFFFF
    with pytest.raises(InputError, match="no recipe"):
        TextBook("guesswork")


def test_a_spot_book_is_proved_by_its_checksums() -> None:
    codec, instrument = codec_with(SPOT)
    data = MarketData(codec)
    market = data.add(instrument)
    data.on_frame(SPOT, SNAPSHOT, 1)
    data.on_frame(SPOT, UPDATE, 2)
    stats = market.sequencer.stats
    assert (market.state, stats.checksums_ok, stats.checksums_bad) == (BookState.LIVE, 2, 0)
    assert market.book.bid_price == 45283.4 and 45275.0 in market.book.bids
    data.on_frame(SPOT, book("update", "45283.4/1.00000000", "", 1), 3)
    assert (market.state, stats.checksums_bad) == (BookState.SYNCING, 1) and "checksum 1" in market.sequencer.reason
    data.on_frame(SPOT, UPDATE, 4)
    assert stats.updates == 2 and data.wanted_resubscriptions() == [instrument]
    data.on_frame(SPOT, SNAPSHOT, 5)
    assert (market.state, stats.resyncs) == (BookState.LIVE, 1) and market.book.bid_price == 45283.5


def test_a_book_written_with_lost_zeros_and_exponents_is_read_with_the_pairs_decimals() -> None:
    codec, instrument = codec_with(SPOT)
    data = MarketData(codec)
    market = data.add(instrument)
    data.on_frame(SPOT, json.dumps(json.loads(SNAPSHOT)), 1)
    assert market.live and market.sequencer.stats.checksums_ok == 1
    tiny = book("update", "45283.5/5e-07", "", 0)
    (delta,) = codec.decode(SPOT, tiny, 2)
    assert isinstance(delta, BookDelta) and delta.texts == ([("45283.5", "0.00000050")], [])
    assert delta.bids == [(45283.5, 5e-07)]


def test_what_falls_out_of_the_depth_is_cut_without_a_word_of_the_venue() -> None:
    codec, instrument = codec_with(SPOT)
    data = MarketData(codec)
    market = data.add(instrument)
    bids = [(f"{1000 - n}.0", "1.00000000") for n in range(500)]
    text = " ".join(f"{price}/{size}" for price, size in bids)
    data.on_frame(
        SPOT, book("snapshot", text, "2000.0/1.00000000", kraken_crc32(bids[:10], [("2000.0", "1.00000000")])), 1
    )
    best = [("1000.5", "1.00000000"), *bids[:9]]
    data.on_frame(SPOT, book("update", "1000.5/1.00000000", "", kraken_crc32(best, [("2000.0", "1.00000000")])), 2)
    assert market.live and len(market.book.bids) == 500 and min(market.book.bids) == 502.0


def test_a_pair_without_decimals_sends_integers_and_rows_count_in_their_order() -> None:
    """A price may stand twice in a frame, the later row counts; a delete of an unknown price is nothing (§4.1)."""
    codec = load_venue("kraken")
    yen: dict[str, object] = PAIR | {"wsname": "XBT/JPY", "quote": "ZJPY", "pair_decimals": 0, "tick_size": "1"}
    (instrument,) = codec.decode_instruments(SPOT, pairs(yen))
    data = MarketData(codec)
    market = data.add(instrument)

    def play(kind: str, bids: str, whole: str) -> dict[float, float]:
        """``whole``: the bids that the venue has then."""
        asks = "45282/0.50000000"
        raw = book(kind, bids, asks, kraken_crc32(levels(whole), levels(asks))).replace("BTC/USD", "BTC/JPY")
        data.on_frame(SPOT, raw, 1)
        assert market.live, market.sequencer.reason
        return market.book.bids

    both = "45281/0.10000000 45280/1.00000000"
    assert instrument.tick == 1 and play("snapshot", both, both) == {45281.0: 0.1, 45280.0: 1.0}
    twice = "45281/0.00000000 45281/0.30000000"
    assert play("update", twice, "45281/0.30000000 45280/1.00000000") == {45281.0: 0.3, 45280.0: 1.0}
    assert play("update", "45281/0.90000000 45281/0.00000000", "45280/1.00000000") == {45280.0: 1.0}
    assert play("update", "40000/0.00000000", "45280/1.00000000") == {45280.0: 1.0}
    assert (market.sequencer.stats.checksums_ok, market.sequencer.stats.checksums_bad) == (4, 0)


def test_spot_trades_tell_the_takers_side_and_exact_texts() -> None:
    codec, instrument = codec_with(SPOT)
    row = '{"symbol":"BTC/USD","side":"SIDE","price":45285.20,"qty":2.5e-05,"ord_type":"limit","trade_id":71234567,'
    row += '"timestamp":"2026-11-21T00:00:00.000001Z"}'
    both = f"{row.replace('SIDE', 'buy')},{row.replace('SIDE', 'sell')}"
    buy, sell = codec.decode(SPOT, f'{{"channel":"trade","type":"update","data":[{both}]}}', 9)
    assert buy == Trade(instrument.key, WHEN, 9, "71234567", Side.BUY, 45285.2, 2.5e-05, "45285.20", "0.000025")
    assert isinstance(sell, Trade) and sell.side is Side.SELL
    assert codec.decode(SPOT, f'{{"channel":"trade","type":"snapshot","data":[{both}]}}', 9) == ()
    for bad in ("1e999", "1e999999999", "-1", '"NaN"', "0"):
        raw = f'{{"channel":"trade","type":"update","data":[{row.replace("SIDE", "buy").replace("45285.20", bad)}]}}'
        (unknown,) = codec.decode(SPOT, raw, 0)
        assert isinstance(unknown, UnknownFrame), bad


CONTROL = [
    (SPOT, '{"channel":"heartbeat"}', []),
    (SPOT, '{"method":"pong","req_id":9,"time_in":"x","time_out":"y"}', []),
    (
        SPOT,
        '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2"}]}',
        [],
    ),
    (
        SPOT,
        '{"channel":"status","type":"update","data":[{"system":"maintenance"}]}',
        [VenueNotice("maintenance", "maintenance", "Kraken's trading engine is in mode maintenance")],
    ),
    (
        SPOT,
        '{"method":"subscribe","req_id":1,"result":{"channel":"book","symbol":"BTC/USD","depth":500},"success":true}',
        [SubscriptionAck(1)],
    ),
    (SPOT, '{"method":"unsubscribe","req_id":2,"result":{},"success":true}', []),
    (
        SPOT,
        '{"method":"subscribe","req_id":3,"symbol":"FOO/BAR","success":false,'
        '"error":"Currency pair not supported FOO/BAR"}',
        [VenueNotice("error", "subscribe", "Currency pair not supported FOO/BAR", 3)],
    ),
    (
        SPOT,
        '{"method":"subscribe","req_id":4,"success":false,"error":"Exceeded msg rate"}',
        [VenueNotice("error", "subscribe", "Exceeded msg rate", 4)],
    ),
    (LINEAR, '{"event":"info","version":1}', []),
    (LINEAR, '{"event":"pong"}', []),
    (LINEAR, '{"feed":"heartbeat","time":1}', []),
    (LINEAR, '{"event":"alert","message":"Already subscribed to feed, re-requesting"}', []),
    (LINEAR, '{"event":"alert","message":"Bad request"}', [VenueNotice("error", "alert", "Bad request")]),
    (LINEAR, '{"event":"error","message":"Invalid product id"}', [VenueNotice("error", "error", "Invalid product id")]),
    (LINEAR, '{"feed":"trade_snapshot","product_id":"PF_XBTUSD","trades":[]}', []),
    (LINEAR, '{"feed":"ticker_lite","product_id":"PF_XBTUSD","bid":1,"ask":2}', []),
]


@pytest.mark.parametrize(("kind", "raw", "events"), CONTROL)
def test_answers_notices_and_heartbeats(kind: MarketKind, raw: str, events: list[object]) -> None:
    codec, _ = codec_with(kind)
    for _ in range(2):
        assert list(codec.decode(kind, raw, 0)) == events


def test_spot_requests_batch_symbols_and_repeat_the_depth() -> None:
    codec, instrument = codec_with(SPOT)
    second = {"wsname": "XDG/USD", "base": "XXDG"}
    (doge,) = codec.decode_instruments(SPOT, pairs(PAIR | second))
    assert (doge.symbol, doge.native) == ("DOGE/USD", "DOGE/USD")
    (plan,) = codec.plan([instrument, doge], [Channel.BOOK, Channel.TRADES, Channel.MARK])
    assert (plan.conn, plan.book_keys) == ("kraken.spot.public", ("kraken:BTC/USD", "kraken:DOGE/USD"))
    sent = [(number, json.loads(frame)) for number, frame in codec.subscribe(plan, 5)]
    natives = ["BTC/USD", "DOGE/USD"]
    assert sent == [
        (5, {"method": "subscribe", "req_id": 5,
             "params": {"channel": "book", "symbol": natives, "depth": 500, "snapshot": True}}),
        (6, {"method": "subscribe", "req_id": 6, "params": {"channel": "trade", "symbol": natives, "snapshot": False}}),
    ]  # fmt: skip
    off, on = (json.loads(frame) for _, frame in codec.resubscribe(instrument, 9))
    assert (off["method"], off["params"]["depth"], off["req_id"]) == ("unsubscribe", 500, 9)
    assert (on["method"], on["params"]["symbol"], on["req_id"]) == ("subscribe", ["BTC/USD"], 10)
    assert codec.spec.markets[SPOT].heartbeat_s == 0 and codec.snapshot_request(instrument) is None


def test_derivatives_answers_without_ids_find_their_requests() -> None:
    codec, instrument = codec_with(LINEAR)
    (plan,) = codec.plan([instrument], [Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK])
    sent = codec.subscribe(plan, 3)
    assert [json.loads(frame)["feed"] for _, frame in sent] == ["book", "trade", "ticker"]
    assert codec.decode(LINEAR, '{"event":"subscribed","feed":"trade","product_ids":["PF_XBTUSD"]}', 0) == [
        SubscriptionAck(4)
    ]
    assert codec.decode(LINEAR, '{"event":"subscribed","feed":"book","product_ids":["pf_xbtusd"]}', 0) == [
        SubscriptionAck(3)
    ]
    assert codec.decode(LINEAR, '{"event":"subscribed","feed":"book","product_ids":["PF_ETHUSD"]}', 0) == []
    ((_, again),) = codec.resubscribe(instrument, 7)
    assert json.loads(again) == {"event": "subscribe", "feed": "book", "product_ids": ["PF_XBTUSD"]}
    assert codec.heartbeat(LINEAR) == '{"event":"ping"}' and codec.spec.markets[LINEAR].heartbeat_s == 30.0


def futures_level(seq: int, side: str, price: float, qty: float) -> str:
    body = {"feed": "book", "product_id": "PF_XBTUSD", "side": side, "seq": seq, "price": price, "qty": qty}
    return json.dumps(body | {"timestamp": 1795219200100})


FUTURES_SNAPSHOT = (
    '{"feed":"book_snapshot","product_id":"PF_XBTUSD","timestamp":1795219200000,"seq":100,"tickSize":null,'
    '"bids":[{"price":61000,"qty":0.5},{"price":60990,"qty":0.0}],"asks":[{"price":61001,"qty":0.25}]}'
)


def test_a_derivatives_book_is_numbered_without_a_hole() -> None:
    codec, instrument = codec_with(LINEAR)
    data = MarketData(codec)
    market = data.add(instrument)
    data.on_frame(LINEAR, futures_level(100, "buy", 60999, 1), 0)
    assert market.state is BookState.SYNCING
    data.on_frame(LINEAR, FUTURES_SNAPSHOT, 1)
    assert market.live and market.book.bids == {61000.0: 0.5}, "a size of 0 in a snapshot is no level"
    data.on_frame(LINEAR, futures_level(101, "buy", 61000, 0), 2)
    data.on_frame(LINEAR, futures_level(102, "sell", 61000.5, 2), 3)
    assert (market.book.bids, market.book.ask_price) == ({}, 61000.5)
    data.on_frame(LINEAR, futures_level(101, "buy", 61000, 9), 4)
    assert market.live and market.book.bids == {}, "an old update changes nothing"
    data.on_frame(LINEAR, futures_level(104, "buy", 60000, 1), 5)
    assert market.state is BookState.SYNCING and market.sequencer.stats.gaps == 1


def test_derivatives_trades_and_marks() -> None:
    codec, instrument = codec_with(LINEAR)
    trade = (
        '{"feed":"trade","product_id":"PF_XBTUSD","uid":"05af","side":"sell","type":"fill","seq":6,'
        '"time":1795219200000,"qty":0.0100,"price":61000.0}'
    )
    expected = Trade(
        instrument.key, 1_795_219_200_000_000_000, 1, "05af", Side.SELL, 61000.0, 0.01, "61000.0", "0.0100"
    )
    assert codec.decode(LINEAR, trade, 1) == (expected,)
    (liquidation,) = codec.decode(LINEAR, trade.replace("fill", "liquidation"), 1)
    assert isinstance(liquidation, Trade)
    for elsewhere in ("block", "assignment", "termination"):
        assert codec.decode(LINEAR, trade.replace("fill", elsewhere), 1) == (), "it did not go through the book"
    ticker = {
        "feed": "ticker", "product_id": "PF_XBTUSD", "time": 1795219200000, "markPrice": 61001.5, "index": 61000.0,
        "funding_rate": 0.7, "relative_funding_rate": -0.0000125, "next_funding_rate_time": 1795222800000,
        "bid": 61000, "bid_size": 0.5, "ask": 61001, "ask_size": 0.25, "tag": "perpetual",
    }  # fmt: skip
    mark, best = codec.decode(LINEAR, json.dumps(ticker), 2)
    now, due = 1_795_219_200_000_000_000, 1_795_222_800_000_000_000
    assert mark == MarkPrice(instrument.key, now, 2, 61001.5, 61000.0, -0.0000125, due)
    assert best == BookTicker(instrument.key, now, 2, -1, 61000.0, 0.5, 61001.0, 0.25)


def test_spot_tickers() -> None:
    codec, instrument = codec_with(SPOT)
    row = '{"symbol":"BTC/USD","bid":45283.5,"bid_qty":0.1,"ask":45285.2,"ask_qty":0.001,"last":45283.5}'
    (ticker,) = codec.decode(SPOT, f'{{"channel":"ticker","type":"update","data":[{row}]}}', 4)
    assert ticker == BookTicker(instrument.key, 0, 4, -1, 45283.5, 0.1, 45285.2, 0.001)


def test_instruments_have_the_venues_rules() -> None:
    _, spot = codec_with(SPOT)
    assert (spot.symbol, spot.native, spot.key) == ("BTC/USD", "BTC/USD", "kraken:BTC/USD")
    assert (spot.tick, spot.lot, spot.min_qty) == (Decimal("0.1"), Decimal("1E-8"), Decimal("0.00005"))
    assert (spot.min_notional, spot.maker_fee, spot.taker_fee) == (Decimal("0.5"), Decimal("0.0025"), Decimal("0.004"))
    _, perp = codec_with(LINEAR)
    assert (perp.symbol, perp.native) == ("BTC/USD:USD", "PF_XBTUSD")
    assert (perp.tick, perp.lot, perp.contract_size) == (Decimal(1), Decimal("0.0001"), 1)
    assert (perp.max_leverage, perp.funding_interval_h) == (50, 1)


@pytest.mark.parametrize(("precision", "lot"), [(0, "1"), (-2, "100"), (3, "0.001")])
def test_lots_of_many_base_units(precision: int, lot: str) -> None:
    (perp,) = load_venue("kraken").decode_instruments(
        LINEAR, products(PRODUCT | {"symbol": "pf_pepeusd", "base": "", "contractValueTradePrecision": precision})
    )
    assert (perp.symbol, perp.lot) == ("PEPE/USD:USD", Decimal(lot))


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        (SPOT, {"status": "cancel_only"}),
        (SPOT, {"wsname": ""}),
        (SPOT, {"lot_decimals": 999999}),
        (SPOT, {"tick_size": "NaN"}),
        (LINEAR, {"symbol": "PI_XBTUSD", "type": "futures_inverse"}),
        (LINEAR, {"symbol": "FF_XBTUSD_261225"}),
        (LINEAR, {"tradeable": False}),
        (LINEAR, {"tickSize": 0}),
    ],
)
def test_what_cannot_be_traded_here_is_left_out(kind: MarketKind, odd: dict[str, object]) -> None:
    good, other = (PAIR, {"wsname": "ETH/USD"}) if kind is SPOT else (PRODUCT, {"symbol": "PF_ETHUSD", "base": "ETH"})
    made = (pairs if kind is SPOT else products)(good | odd, good | other)
    assert [each.base for each in load_venue("kraken").decode_instruments(kind, made)] == ["ETH"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (SPOT, "<html>"),
        (SPOT, '{"error":["EService:Unavailable"]}'),
        (SPOT, pairs({"a": 1})),
        (LINEAR, '{"result":"error","error":"apiLimitExceeded"}'),
        (LINEAR, "[]"),
        (LINEAR, products({"a": 1})),
    ],
)
def test_a_reply_that_lists_nothing_readable_is_refused(kind: MarketKind, body: str) -> None:
    with pytest.raises(WireError, match=f"kraken {kind.value} instruments"):
        load_venue("kraken").decode_instruments(kind, body)


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
def test_requests_and_replies_are_recognised(kind: MarketKind) -> None:
    codec = load_venue("kraken", {f"{kind.value}.rest": "http://127.0.0.1:9"})
    request = codec.instruments_request(kind)
    assert request.url.startswith("http://127.0.0.1:9/")
    body = pairs(PAIR) if kind is SPOT else products(PRODUCT)
    for url, raw in ((request.url, ""), ("", body)):
        found = codec.recognise_http(kind, url, raw, ())
        assert found is not None and found.purpose == "instruments"
    assert codec.recognise_http(kind, "", "{}", ()) is None
    assert isinstance(codec.decode_http(request, body, 0)[0], UnknownFrame)


def test_garbage_never_raises_and_never_becomes_a_level() -> None:
    rng = random.Random(5)
    seeds = [SNAPSHOT, UPDATE, FUTURES_SNAPSHOT, futures_level(1, "buy", 1, 1), *(raw for _, raw, _ in CONTROL)]
    codec, _ = codec_with(SPOT)
    codec.register([codec_with(LINEAR)[1]])
    for _ in range(6000):
        text = list(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randint(0, 3)] = rng.choice(['"', "-", "9", "", "null", "NaN", "1e999", "[", "}", "é"])
        raw = "".join(text)
        for event in codec.decode(rng.choice([SPOT, LINEAR]), raw if rng.random() < 0.5 else raw.encode(), 0):
            if isinstance(event, BookSnapshot | BookDelta):
                assert all(0 < p <= 1e15 and 0 <= s <= 1e18 for p, s in (*event.bids, *event.asks))
    for kind in (SPOT, LINEAR):
        for raw_bytes in (b"\xff\xfe", b"", b"null", b"[]", b'{"data":1}', b"[" * 3000):
            assert isinstance(codec.decode(kind, raw_bytes, 0)[0], UnknownFrame)
