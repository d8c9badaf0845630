"""The recorded KuCoin session and single frames: their replay gives exactly the facts that their README states."""

import gzip
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import replay_totals
from jackbot_tui.feeds.capture import CaptureKind, read_capture
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.market import BookTicker, UnknownFrame
from jackbot_tui.venues import load_venue

pytestmark = pytest.mark.recorded

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "kucoin"
SESSION = "spot/5symbols_20210425.jsonl.gz"
FACTS: dict[str, tuple[list[str], list[str], int, int, int, str]] = {
    "ANKR/BTC": (["0.0000026019", "5007.0112"], ["0.0000026208", "14696.646"], 191, 439, 0, "0"),
    "BSV/USDT": (["243.216", "4.51280965"], ["243.457", "4.51280965"], 179, 392, 5, "9.65605903"),
    "CAPP/BTC": (["0.0000002181", "83.07"], ["0.0000002195", "270.17"], 260, 1421, 0, "0"),
    "COV/BTC": (["0.00001121", "49.6422"], ["0.00001127", "4331.68226035"], 131, 962, 0, "0"),
    "DAPPT/BTC": (["0.000000112", "5148.7223"], ["0.000000113", "1208.0878"], 233, 844, 12, "3799.1984"),
}
"""Best bid and ask, levels a side, trades, their volume. Of COV and DAPPT the README says "likewise"."""


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {name}"
        pytest.skip("no recorded session beside the repository")
    return path


def test_totals_are_those_of_the_readme() -> None:
    result: dict[str, Any] = replay_totals([recorded(SESSION)], "kucoin", SPOT)
    assert (result["frames"], result["unknown_frames"]) == (3453, 0)
    assert sorted(result["books"]) == sorted(FACTS)
    for symbol, (bid, ask, bids, asks, trades, volume) in FACTS.items():
        book = result["books"][symbol]
        assert (book["best_bid"], book["best_ask"], book["bid_levels"], book["ask_levels"]) == (bid, ask, bids, asks)
        assert (book["trades"], book["trade_volume"], book["state"]) == (trades, volume, "live")
        assert [book[name] for name in ("gaps", "resyncs", "crossed")] == [0] * 3


def play(lost: int = -1) -> tuple[MarketData, list[bool]]:
    """The session without update number ``lost`` of BCHSV-USDT; whether each ticker equals the book at its number."""
    codec = load_venue("kucoin")
    data = MarketData(codec, adopt_unknown=True)
    tops: dict[tuple[str, int], tuple[float, ...]] = {}
    tickers: list[BookTicker] = []
    seen = 0
    for record in read_capture([recorded(SESSION)]):
        if record.kind is CaptureKind.HTTP:
            request = codec.recognise_http(SPOT, record.url, record.raw, ())
            assert request is not None
            data.on_http(request, record.raw, record.ts_ns)
        elif record.kind is CaptureKind.RECV:
            if "/market/level2:BCHSV-USDT" in str(record.raw):
                seen += 1
                if seen == lost:
                    continue
            data.on_frame(SPOT, record.raw, record.ts_ns)
            tickers += [e for e in codec.decode(SPOT, record.raw, record.ts_ns) if isinstance(e, BookTicker)]
        for key, market in data.markets.items():
            book = market.book
            if market.live:
                top = book.bid_price, book.bid_size, book.ask_price, book.ask_size
                tops[key, market.sequencer.last_id] = top
    same = [
        tops[each.key, each.update_id] == (each.bid, each.bid_size, each.ask, each.ask_size)
        for each in tickers
        if (each.key, each.update_id) in tops
    ]
    return data, same


def test_the_top_of_every_book_is_that_of_the_ticker_at_the_same_number() -> None:
    """The README counts 485: tickers that came before their number was in the book are compared here too."""
    _, same = play()
    assert (len(same), all(same)) == (490, True)


@pytest.mark.parametrize("lost", [100, 1500])
def test_a_lost_update_ends_the_live_state_of_its_book_alone(lost: int) -> None:
    data, _ = play(lost)
    broken = data.markets["kucoin:BSV/USDT"]
    assert (broken.state, broken.sequencer.stats.gaps) == (BookState.SYNCING, 1)
    assert {market.state for market in data.markets.values() if market is not broken} == {BookState.LIVE}


def test_recorded_listing_of_2021() -> None:
    body = gzip.decompress(recorded("spot/rest_symbols_20210425.json.gz").read_bytes())
    found = {each.symbol: each for each in load_venue("kucoin").decode_instruments(SPOT, body)}
    assert body.count(b'"baseIncrement"') == 634
    assert found.keys() >= FACTS.keys()
    assert all(each.tick > 0 and each.lot > 0 and each.min_qty > 0 for each in found.values())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("spot/public_samples_2021_2022.jsonl.gz", SPOT),
        ("linear/public_samples_2021_2022.jsonl.gz", LINEAR),
        ("linear/public_samples_2024_2026.jsonl.gz", LINEAR),
    ],
)
def test_no_captured_single_frame_is_unknown_but_the_one_its_author_made_up(name: str, kind: MarketKind) -> None:
    codec = load_venue("kucoin")
    codec.adopt_unknown = True
    unknown = []
    for line in gzip.decompress(recorded(name).read_bytes()).splitlines():
        raw = msgspec.json.decode(line)["raw"]
        unknown += [e for e in codec.decode(kind, raw, 1) if isinstance(e, UnknownFrame) and "generated" not in raw]
    assert unknown == []
