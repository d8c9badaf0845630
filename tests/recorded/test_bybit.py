"""The recorded Bybit sessions: their replay gives exactly the facts that their README states."""

import gzip
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import replay_totals
from jackbot_tui.feeds.capture import CaptureKind, read_capture
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.market import MarkPrice, UnknownFrame
from jackbot_tui.venues import load_venue

pytestmark = pytest.mark.recorded

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "bybit"

FACTS: dict[MarketKind, tuple[str, int, dict[str, dict[str, object]]]] = {
    LINEAR: ("btcusdt_solusdt_20260809.jsonl.gz", 1312, {
        "BTC/USDT:USDT": {
            "best_bid": ["65114.20", "5.974"], "best_ask": ["65114.30", "9.060"], "bid_levels": 200, "ask_levels": 200,
            "trades": 56, "trade_volume": "7.039", "book_updates": 413,
        },
        "SOL/USDT:USDT": {
            "best_bid": ["77.260", "1041.8"], "best_ask": ["77.270", "356.1"], "bid_levels": 200, "ask_levels": 200,
            "trades": 165, "trade_volume": "5697.4", "book_updates": 382,
        },
    }),
    SPOT: ("btcusdt_20260809.jsonl.gz", 374, {
        "BTC/USDT": {
            "best_bid": ["65140.4", "0.622237"], "best_ask": ["65140.5", "0.606831"], "bid_levels": 200,
            "ask_levels": 200, "trades": 11, "trade_volume": "0.013138", "book_updates": 299,
        },
    }),
}  # fmt: skip


def recorded(kind: MarketKind, name: str) -> Path:
    path = RECORDED / kind.value / name
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {name}"
        pytest.skip("no recorded session beside the repository")
    return path


@pytest.mark.parametrize("kind", [LINEAR, SPOT])
def test_totals_are_those_of_the_readme(kind: MarketKind) -> None:
    name, frames, facts = FACTS[kind]
    result: dict[str, Any] = replay_totals([recorded(kind, name)], "bybit", kind)
    assert (result["frames"], result["unknown_frames"]) == (frames, 0)
    assert sorted(result["books"]) == sorted(facts)
    for symbol, expected in facts.items():
        book = result["books"][symbol]
        assert {name: book[name] for name in expected} == expected
        assert book["state"] == "live"
        assert [book[name] for name in ("gaps", "resyncs", "crossed", "checksums_bad")] == [0] * 4
        assert Decimal(book["buy_volume"]) + Decimal(book["sell_volume"]) == Decimal(book["trade_volume"])


def test_every_ticker_of_a_perpetual_is_merged_into_whole_marks() -> None:
    codec = load_venue("bybit")
    codec.adopt_unknown = True
    marks: dict[str, list[MarkPrice]] = {}
    for record in read_capture([recorded(LINEAR, FACTS[LINEAR][0])]):
        if record.kind is CaptureKind.RECV and '"tickers.' in str(record.raw):
            for event in codec.decode(LINEAR, record.raw, record.ts_ns):
                assert not isinstance(event, UnknownFrame)
                if isinstance(event, MarkPrice):
                    marks.setdefault(event.key, []).append(event)
    assert sorted(marks) == ["bybit:BTC/USDT:USDT", "bybit:SOL/USDT:USDT"]
    first = marks["bybit:BTC/USDT:USDT"][0]
    assert (first.mark, first.index) == (65117.44, 65137.76)
    for key, events in marks.items():
        assert len(events) > 20, key
        assert all(abs(event.mark / event.index - 1) < 0.01 and event.next_funding_ns for event in events)


@pytest.mark.parametrize(
    ("kind", "listings", "perpetuals", "symbols"),
    [(LINEAR, 800, 760, ("BTC/USDT:USDT", "SOL/USDT:USDT", "BTC/USDC:USDC")), (SPOT, 557, 557, ("BTC/USDT",))],
)
def test_recorded_listings(kind: MarketKind, listings: int, perpetuals: int, symbols: tuple[str, ...]) -> None:
    """Of the 800 linear ones 40 are dated futures."""
    body = gzip.decompress(recorded(kind, "rest_instruments_20260809.json.gz").read_bytes())
    assert body.count(b'"lotSizeFilter"') == listings
    found = {instrument.symbol: instrument for instrument in load_venue("bybit").decode_instruments(kind, body)}
    assert len(found) == perpetuals
    assert set(symbols) <= found.keys()
    assert all(each.tick > 0 and each.lot > 0 and each.min_notional > 0 for each in found.values())
    intervals = {each.funding_interval_h for each in found.values()}
    assert intervals == ({1, 4, 8} if kind is LINEAR else {0})


@pytest.mark.parametrize("lost", [1, 57, 412])
def test_a_lost_update_of_one_book_ends_its_live_state_and_leaves_the_other_alone(lost: int) -> None:
    codec = load_venue("bybit")
    data = MarketData(codec, adopt_unknown=True)
    seen = 0
    for record in read_capture([recorded(LINEAR, FACTS[LINEAR][0])]):
        if record.kind is not CaptureKind.RECV:
            continue
        if '"orderbook.200.BTCUSDT","type":"delta"' in str(record.raw):
            seen += 1
            if seen == lost:
                continue
        data.on_frame(LINEAR, record.raw, record.ts_ns)
    broken, whole = data.markets["bybit:BTC/USDT:USDT"], data.markets["bybit:SOL/USDT:USDT"]
    assert (broken.state, broken.sequencer.stats.gaps) == (BookState.SYNCING, 1)
    assert (whole.state, whole.sequencer.stats.gaps) == (BookState.LIVE, 0)
    assert data.wanted_resubscriptions() == [broken.instrument]
