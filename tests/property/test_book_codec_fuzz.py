"""Anything may come down a socket: decoding never raises, and what it yields is always fit for a book."""

import random
from math import isfinite

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookDelta, BookSnapshot, BookTicker, FeedEvent, MarkPrice, Trade, UnknownFrame
from jackbot_tui.venues import load_venue
from tests.binance_world import depth, depth_reply, frame

KINDS = st.sampled_from(list(MarketKind))
TRADE = {"e": "trade", "E": 3, "s": "BTCUSDT", "t": 1, "p": "101.00", "q": "0.5", "T": 2, "m": True}
GOLDEN = [
    depth("BTCUSDT", 10, 12, [(100.0, 1.5), (99.0, 0.0)], [(101.0, 2.0)]),
    depth("BTCUSDT", 10, 12, [(100.0, 1.5), (99.0, 0.0)], [(101.0, 2.0)], previous=9),
    frame("btcusdt@trade", **TRADE),
    frame("btcusdt@aggTrade", **(TRADE | {"e": "aggTrade", "a": 5})),
    frame("btcusdt@bookTicker", u=5, s="BTCUSDT", b="100", B="1", a="101", A="2"),
    frame("btcusdt@markPrice@1s", e="markPriceUpdate", E=1, s="BTCUSDT", p="100", i="100", r="-0.0001", T=9),
    '{"result":null,"id":3}',
    '{"code":2,"msg":"no","id":3}',
    '{"e":"serverShutdown","E":1}',
]
TOKENS = [
    "NaN",
    "Infinity",
    "-",
    "1e999",
    "null",
    "{}",
    "[]",
    '""',
    "\\u0000",
    "9" * 30,
    "-1",
    "0",
    "true",
    '"',
    ",",
    ":",
]


def damaged(text: str, rng: random.Random, times: int) -> str:
    for _ in range(times):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[at + rng.randint(1, 9) :]
            case 1:
                text = text[:at] + rng.choice(TOKENS) + text[at:]
            case 2:
                text = text[:at] + chr(rng.randrange(32, 0x2000)) + text[at + 1 :]
            case 3:
                text = text[:at] + rng.choice(GOLDEN)[rng.randrange(40) :][: rng.randrange(60)] + text[at:]
    return text


def check(events: list[FeedEvent]) -> None:
    for event in events:
        match event:
            case BookDelta() | BookSnapshot():
                for price, size in (*event.bids, *event.asks):
                    assert isfinite(price) and price > 0 and isfinite(size) and size >= 0
            case Trade():
                assert float(event.price_text) == event.price > 0 and float(event.size_text) == event.size >= 0
                assert isfinite(event.price) and isfinite(event.size)
            case BookTicker():
                assert all(isfinite(x) for x in (event.bid, event.bid_size, event.ask, event.ask_size))
            case MarkPrice():
                assert isfinite(event.mark) and isfinite(event.index) and abs(event.funding_rate) <= 1
            case UnknownFrame():
                assert event.reason and len(event.raw) <= 2000
            case _:
                pass


@settings(max_examples=300, deadline=None)
@given(KINDS, st.one_of(st.binary(max_size=300), st.text(max_size=300)), st.booleans())
def test_random_bytes_and_texts(kind: MarketKind, raw: bytes | str, adopt: bool) -> None:
    codec = load_venue("binance")
    codec.adopt_unknown = adopt
    check(list(codec.decode(kind, raw, 1)))
    codec.recognise_http(kind, "", raw, ("k",))
    codec.infer(kind, [raw])


@settings(max_examples=800, deadline=None)
@given(KINDS, st.sampled_from(GOLDEN), st.integers(0, 2**32), st.integers(1, 6), st.booleans())
def test_damaged_frames(kind: MarketKind, golden: str, seed: int, times: int, as_bytes: bool) -> None:
    codec = load_venue("binance")
    codec.adopt_unknown = True
    raw = damaged(golden, random.Random(seed), times)
    check(list(codec.decode(kind, raw.encode() if as_bytes else raw, 1)))


@settings(max_examples=200, deadline=None)
@given(KINDS, st.integers(0, 2**32), st.integers(1, 6))
def test_damaged_depth_replies(kind: MarketKind, seed: int, times: int) -> None:
    codec = load_venue("binance")
    raw = damaged(depth_reply(7, [(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.0)]), random.Random(seed), times)
    request = codec.recognise_http(kind, "", depth_reply(7, [(1.0, 1.0)], []), ("k",))
    assert request is not None
    check(list(codec.decode_http(request, raw, 1)))


@settings(max_examples=150, deadline=None)
@given(KINDS, st.integers(0, 2**32))
def test_the_pipeline_swallows_a_stream_of_damage_and_its_book_stays_sane(kind: MarketKind, seed: int) -> None:
    rng = random.Random(seed)
    data = MarketData(load_venue("binance"), adopt_unknown=True)
    for number in range(60):
        golden = rng.choice(GOLDEN)
        data.on_frame(kind, golden if rng.random() < 0.5 else damaged(golden, rng, 2), number)
        if rng.random() < 0.1 and data.markets:
            request = data.codec.recognise_http(
                kind, "", depth_reply(11, [(1.0, 1.0)], []), (next(iter(data.markets)),)
            )
            assert request is not None
            data.on_http(request, depth_reply(rng.randint(8, 13), [(99.5, 1.0)], [(102.0, 1.0)]), number)
        for market in data.markets.values():
            assert not (market.live and market.book.crossed())
            assert all(isfinite(p) and isfinite(q) for p, q in (*market.book.bids.items(), *market.book.asks.items()))
    assert data.frames == 60 and len(data.recent_unknown) == min(data.unknown_frames, 50)
