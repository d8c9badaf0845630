"""Recorded Crypto.com traffic: the v1 samples through the codec, the long v2 session through sequencer, book and tape.

API v2 is gone. It sent whole books of 150 levels with numbers instead of texts, so an adapter here reads them and hands
levels and trades to the parts that v1 uses.
"""

import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jackbot_tui.book.sequencer import L2Sequencer, SyncAction
from jackbot_tui.book.tape import TradeTape
from jackbot_tui.feeds.capture import CaptureKind, read_capture
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.market import BookDelta, BookSnapshot, BookTicker, Trade
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.cryptocom.codec import CryptocomCodec
from jackbot_tui.venues.cryptocom.spec import SPOT

pytestmark = pytest.mark.recorded

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "cryptocom"
SESSION = "spot/v2_5symbols_20211123.jsonl.gz"

BOOKS = {
    "GRT_CRO": ("1.024 x 7.91", "1.025 x 34.46", 29, 95),
    "HOT_USDT": ("0.013858 x 338145", "0.013879 x 125800", 150, 150),
    "LPT_USDC": ("49.955 x 17.180", "50.028 x 17.377", 150, 66),
}
TRADES = {
    "GRT_CRO": (112, "102.57"),
    "HOT_USDT": (119, "765198"),
    "LPT_USDC": (111, "20.964"),
    "MATIC_USDT": (108, "10993.94"),
}
PAIRS = {*TRADES, "ONE_USDT"}


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {name}"
        pytest.skip("no recorded session beside the repository")
    return path


def frames_of_v2() -> Iterator[tuple[int, dict[str, Any]]]:
    """Receive time and result of every data frame; numbers keep their decimals."""
    for record in read_capture([recorded(SESSION)]):
        if record.kind is CaptureKind.RECV:
            result = json.loads(record.raw, parse_float=Decimal).get("result")
            if result is not None:
                yield record.ts_ns, result


def test_every_whole_book_of_v2_makes_the_sequencers_book_live_and_none_is_crossed() -> None:
    guards = {
        pair: L2Sequencer(pair, SPOT.sequence, max_levels=150, in_stream=SPOT.in_stream_snapshot) for pair in PAIRS
    }
    updates = dict.fromkeys(PAIRS, 0)
    for now, result in frames_of_v2():
        if result["channel"] != "book":
            continue
        guard = guards[result["instrument_name"]]
        for entry in result["data"]:
            bids, asks = ([(float(row[0]), float(row[1])) for row in entry[side]] for side in ("bids", "asks"))
            action = guard.on_snapshot(BookSnapshot(guard.key, entry["t"], now, entry["t"], bids, asks))
            assert action is (SyncAction.APPLIED if updates[guard.key] else SyncAction.BECAME_LIVE)
            updates[guard.key] += 1
            (bid, _), (ask, _) = guard.book.best_bid() or (0.0, 0), guard.book.best_ask() or (0.0, 0)
            assert 0 < bid < ask
    assert updates == {"GRT_CRO": 73, "HOT_USDT": 236, "LPT_USDC": 63, "MATIC_USDT": 219, "ONE_USDT": 225}
    for pair, (bid_text, ask_text, bids_held, asks_held) in BOOKS.items():
        book = guards[pair].book
        assert [book.best_bid(), book.best_ask()] == [
            tuple(float(number) for number in text.split(" x ")) for text in (bid_text, ask_text)
        ]
        assert (len(book.bids), len(book.asks)) == (bids_held, asks_held)
    for guard in guards.values():
        assert guard.state is BookState.LIVE
        assert (guard.stats.crossed, guard.stats.gaps, guard.stats.resyncs) == (0, 0, 0)


def test_trades_of_v2_are_counted_as_in_the_readme() -> None:
    tapes = {pair: TradeTape(Decimal("0.000001")) for pair in PAIRS}
    for now, result in frames_of_v2():
        if result["channel"] != "trade":
            continue
        pair = result["instrument_name"]
        for row in sorted(result["data"], key=lambda each: each["d"]):
            price, size = str(row["p"]), str(row["q"])
            side = Side(row["s"].lower())
            tapes[pair].add(Trade(pair, row["t"], now, str(row["d"]), side, float(price), float(size), price, size))
    for pair, (count, volume) in TRADES.items():
        assert (tapes[pair].seq, tapes[pair].volume) == (count, Decimal(volume))
        assert tapes[pair].buy_volume + tapes[pair].sell_volume == Decimal(volume)


def test_the_listing_of_v2_is_refused_in_words() -> None:
    body = gzip.decompress(recorded("spot/rest_instruments_v2_20211123.json.gz").read_bytes())
    listed = {each["instrument_name"] for each in json.loads(body)["result"]["instruments"]}
    assert len(listed) == 250 and listed >= PAIRS
    with pytest.raises(WireError, match="no listing of API v1"):
        load_venue("cryptocom").decode_instruments(MarketKind.SPOT, body)


def test_captured_v1_frames_decode() -> None:
    codec = load_venue("cryptocom")
    assert isinstance(codec, CryptocomCodec)
    codec.adopt_unknown = True
    events: list[object] = []
    answers: list[str] = []
    for record in read_capture([recorded("spot/v1_public_samples_2022_2026.jsonl.gz")]):
        events += codec.decode(MarketKind.SPOT, record.raw, 1)
        answers += filter(None, [codec.answer(record.raw)])
    assert answers == ['{"id":1786562982825,"method":"public/respond-heartbeat"}']
    trades = [event for event in events if isinstance(event, Trade)]
    assert [(trade.key, trade.trade_id[-6:], trade.side.value, trade.size_text) for trade in trades] == [
        ("cryptocom:BTC/USD", "897135", "sell", "0.04437"),
        ("cryptocom:BTC/USD", "063580", "sell", "0.04700"),
        ("cryptocom:BTC/USD", "859757", "buy", "0.01000"),
        ("cryptocom:BTC/USD", "859758", "buy", "0.03699"),
        ("cryptocom:BTC/USD", "864909", "buy", "0.04699"),
        ("cryptocom:BTC/USD", "199800", "buy", "0.02999"),
        ("cryptocom:BTC/USD", "211933", "buy", "0.00949"),
        ("cryptocom:BTC/USDT", "108636", "sell", "0.01163"),
    ]
    (book,) = (event for event in events if isinstance(event, BookSnapshot))
    assert (book.key, book.last_id, len(book.bids), len(book.asks)) == ("cryptocom:BTC/USD", 354884821435232, 10, 10)
    assert (book.bids[0], book.asks[0]) == ((63321.43, 0.00002), (63321.44, 0.62334))
    assert (book.price_decimals, book.size_decimals) == (2, 5)
    (delta,) = (event for event in events if isinstance(event, BookDelta))
    assert (delta.key, delta.prev_id, delta.last_id) == ("cryptocom:DOGE/USDT", 41261671840, 41261686400)
    assert (delta.bids, delta.asks) == ([(0.116116, 0.0)], [(0.136338, 1312.0)])
    assert len(events) == len(trades) + 2


def test_the_captured_perpetual_ticker_decodes() -> None:
    codec = load_venue("cryptocom")
    codec.adopt_unknown = True
    (record,) = read_capture([recorded("linear/v1_public_samples_2022.jsonl.gz")])
    assert codec.decode(MarketKind.LINEAR, record.raw, 1) == [
        BookTicker("cryptocom:APE/USD:USD", 1_667_320_303_754_000_000, 1, -1, 4.6121, 25.0, 4.6148, 131.0)
    ]
