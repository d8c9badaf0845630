"""The recorded Binance sessions: their replay gives exactly the facts that their README states."""

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.book.sequencer import L2Sequencer, SyncAction
from jackbot_tui.engine.replay import replay_totals
from jackbot_tui.feeds.capture import CaptureKind, read_capture
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookTicker
from jackbot_tui.venues import load_venue
from tests.binance_world import POLICIES, recorded, recorded_book

pytestmark = pytest.mark.recorded

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR

FACTS = {
    LINEAR: {
        "frames": 93953, "symbol": "BTC/USDT:USDT", "book_updates": 6547, "trades": 21313, "trade_volume": "2429.366",
        "best_bid": ["61659.70", "1.486"], "best_ask": ["61659.80", "0.981"], "bid_levels": 5018, "ask_levels": 4578,
    },
    SPOT: {
        "frames": 41248, "symbol": "BTC/USDT", "book_updates": 3449, "trades": 9757, "trade_volume": "212.03315000",
        "best_bid": ["61685.99000000", "1.00870000"], "best_ask": ["61686.00000000", "2.29327000"],
        "bid_levels": 1209, "ask_levels": 2196,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", [LINEAR, SPOT])
def test_totals_are_those_of_the_readme(kind: MarketKind) -> None:
    facts = FACTS[kind]
    result = replay_totals([recorded(kind)], "binance", kind)
    books = result["books"]
    assert isinstance(books, dict) and list(books) == [facts["symbol"]]
    book = books[facts["symbol"]]
    assert (result["frames"], result["unknown_frames"]) == (facts["frames"], 0)
    assert book["state"] == "live"
    assert [book[name] for name in ("gaps", "resyncs", "crossed", "checksums_ok", "checksums_bad")] == [0] * 5
    for name, value in facts.items():
        if name not in ("frames", "symbol"):
            assert book[name] == value, name
    assert Decimal(book["buy_volume"]) + Decimal(book["sell_volume"]) == Decimal(book["trade_volume"])


@pytest.mark.parametrize(("kind", "cases"), [(LINEAR, 6547), (SPOT, 3449)])
def test_top_of_book_equals_the_venues_own_ticker_at_every_update_id(kind: MarketKind, cases: int) -> None:
    snapshot, deltas = recorded_book(kind, cases + 1)
    guard = L2Sequencer(snapshot.key, POLICIES[kind], max_levels=20_000)
    guard.on_snapshot(snapshot)
    tops: dict[int, tuple[float, float, float, float]] = {}
    for delta in deltas:
        assert guard.on_delta(delta) in (SyncAction.BECAME_LIVE, SyncAction.APPLIED)
        bid, ask = guard.book.best_bid(), guard.book.best_ask()
        assert bid is not None and ask is not None and bid[0] < ask[0]
        tops[guard.last_id] = (*bid, *ask)
    codec = load_venue("binance")
    codec.adopt_unknown = True
    tickers: dict[int, tuple[float, float, float, float]] = {}
    for record in read_capture([recorded(kind)]):
        if record.kind is CaptureKind.RECV and "bookTicker" in str(record.raw[:60]):
            (event,) = codec.decode(kind, record.raw, record.ts_ns)
            assert isinstance(event, BookTicker)
            tickers[event.update_id] = (event.bid, event.bid_size, event.ask, event.ask_size)
    # Where the ticker did not change at an update, the last one before it still holds.
    ids = sorted(tickers)
    at = compared = 0
    for update_id in sorted(tops):
        while at + 1 < len(ids) and ids[at + 1] <= update_id:
            at += 1
        if ids[at] <= update_id:
            compared += 1
            assert tops[update_id] == tickers[ids[at]], f"update {update_id}"
    assert compared == len(tops) == cases


@pytest.mark.parametrize(
    ("kind", "name", "listed", "tick", "lot", "band", "market_max"),
    [
        (LINEAR, "rest_exchangeinfo_20210722.json.gz", "BTC/USDT:USDT", "0.01", "0.001", "mark", "1000"),
        (SPOT, "rest_exchangeinfo_20211012.json.gz", "BTC/USDT", "0.01", "0.00001", "average", None),
    ],
)
def test_recorded_exchange_info_of_2021(
    kind: MarketKind, name: str, listed: str, tick: str, lot: str, band: str, market_max: str | None
) -> None:
    path: Path = recorded(kind, name)
    instruments = {
        i.symbol: i for i in load_venue("binance").decode_instruments(kind, gzip.decompress(path.read_bytes()))
    }
    assert len(instruments) > 90
    found = instruments[listed]
    assert (str(found.tick), str(found.lot), found.native, found.max_orders) == (tick, lot, "BTCUSDT", 200)
    assert found.band is not None and found.band.reference == band
    assert found.min_notional > 0 and (market_max is None or str(found.market_max_qty) == market_max)
    for instrument in instruments.values():
        assert instrument.tick > 0 and instrument.lot > 0 and instrument.key == f"binance:{instrument.symbol}"
