"""Recorded Hyperliquid traffic: the session's replay gives the facts of its README, the replies parse."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jackbot_tui.engine.replay import replay_totals
from jackbot_tui.feeds.capture import CaptureRecord, read_capture
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookSnapshot, BookTicker
from jackbot_tui.venues import load_venue

pytestmark = pytest.mark.recorded

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "hyperliquid"


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {name}"
        pytest.skip("no recorded session beside the repository")
    return path


@pytest.fixture(scope="module")
def replies() -> list[CaptureRecord]:
    return list(read_capture([recorded("linear/rest_info_20230327_20230717.jsonl.gz")]))


def test_totals_are_those_of_the_readme() -> None:
    """Books only, each a whole one: of 28 frames 25 are books, the first makes it live."""
    result: dict[str, Any] = replay_totals([recorded("linear/btc_20250126_first28.jsonl.gz")], "hyperliquid", LINEAR)
    assert (result["frames"], result["unknown_frames"]) == (28, 0)
    assert list(result["books"]) == ["BTC/USDC:USDC"]
    book = result["books"]["BTC/USDC:USDC"]
    assert (book["best_bid"], book["best_ask"]) == (["105055.0", "0.12468"], ["105056.0", "6.82153"])
    assert (book["bid_levels"], book["ask_levels"]) == (20, 20)
    assert (book["trades"], book["trade_volume"]) == (32, "0.28523")
    assert (book["state"], book["book_updates"]) == ("live", 24)
    assert [book[name] for name in ("gaps", "resyncs", "crossed", "checksums_bad")] == [0] * 4


def test_recorded_listings_of_perpetuals(replies: list[CaptureRecord]) -> None:
    codec = load_venue("hyperliquid")
    bodies = [each for each in replies if str(each.raw).startswith('{"universe"')]
    assert len(bodies) == 3
    for body in bodies:
        request = codec.recognise_http(LINEAR, body.url, body.raw, ())
        assert request is not None and request.purpose == "instruments"
        found = {instrument.symbol: instrument for instrument in codec.decode_instruments(LINEAR, body.raw)}
        assert len(found) == str(body.raw).count('"szDecimals"') > 20
        assert (found["BTC/USDC:USDC"].max_leverage, str(found["BTC/USDC:USDC"].lot)) == (Decimal(50), "0.00001")
        assert found["KPEPE/USDC:USDC"].native == "kPEPE"


def test_a_recorded_book_reply_is_a_whole_book_and_other_replies_are_none_of_ours(replies: list[CaptureRecord]) -> None:
    codec = load_venue("hyperliquid")
    codec.adopt_unknown = True
    requests = [(each, codec.recognise_http(LINEAR, each.url, each.raw, ())) for each in replies]
    books = [(record, request) for record, request in requests if request and request.purpose == "snapshot"]
    ((record, request),) = books
    (book,) = codec.decode_http(request, record.raw, 1)
    assert isinstance(book, BookSnapshot) and book.key == "hyperliquid:DYDX/USDC:USDC"
    assert (len(book.bids), len(book.asks)) == (20, 20)
    assert (book.bids[0], book.bids[-1], book.asks[0]) == ((2.111, 134.4), (1.81, 2397.0), (2.1124, 352.3))
    assert sum(request is None for _, request in requests) == len(replies) - 4


def test_captured_spot_frames_decode() -> None:
    codec = load_venue("hyperliquid")
    codec.adopt_unknown = True
    events = [
        event
        for record in read_capture([recorded("spot/public_samples_2024_2025.jsonl.gz")])
        for event in codec.decode(SPOT, record.raw, 1)
    ]
    ts = 1_750_948_919_838
    assert events[-1] == BookTicker(
        "hyperliquid:@162/USDC", ts * 1_000_000, 1, ts, 0.97925, 4144.6, 0.97934, 50.0
    )  # fmt: skip
    assert len(events) == 1
