"""The recorded Gate sessions: their replay gives exactly the facts that their README states.

They hold the update channel that starts from a REST book, which the venue still serves beside the one that we subscribe
to. The spec is changed to that way of starting: updates that come before the reply are then kept for it.
"""

import gzip
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import ReplayPlayer, replay_totals, totals_of
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.market import BookTicker, UnknownFrame
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.gateio.codec import GateioCodec
from jackbot_tui.venues.gateio.spec import SPEC

pytestmark = pytest.mark.recorded

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "gateio"
FROM_REST = replace(
    SPEC,
    markets={kind: replace(each, in_stream_snapshot=False, book_depth=0) for kind, each in SPEC.markets.items()},
)

SESSIONS = {LINEAR: "5symbols_20230524.jsonl.gz", SPOT: "5symbols_20210422.jsonl.gz"}
FRAMES = {LINEAR: 245, SPOT: 130}
FACTS: dict[MarketKind, dict[str, tuple[list[str], list[str], int, int, int]]] = {
    LINEAR: {
        "LIT/USDT:USDT": (["0.8323", "479"], ["0.8361", "479"], 51, 50, 2),
        "OMG/USDT:USDT": (["0.7703", "42"], ["0.7711", "129"], 68, 100, 101),
        "QUICK/USDT:USDT": (["56.91", "100"], ["57", "46"], 36, 62, 13),
        "RDNT/USDT:USDT": (["0.297", "500"], ["0.2974", "63"], 66, 81, 61),
        "SFP/USDT:USDT": (["0.4071", "981"], ["0.4081", "3527"], 42, 46, 7),
    },
    SPOT: {
        "DIS/USDT": (["121.5", "0.148"], ["122.23", "0.00896999"], 100, 100, 17),
        "HAI/ETH": (["0.00010324", "5997.415"], ["0.00010397", "5885.172"], 35, 38, 5),
        "INK/USDT": (["0.0028144", "64918.872"], ["0.0029543", "70737.25"], 48, 100, 0),
        "OMG/USDT": (["7.899", "288"], ["7.927", "316.6"], 100, 100, 50),
        "QTUM3S/USDT": (["0.22759", "1860.2968"], ["0.228407", "7344.33"], 75, 60, 16),
    },
}


def recorded(kind: MarketKind, name: str) -> Path:
    path = RECORDED / kind.value / name
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {name}"
        pytest.skip("no recorded session beside the repository")
    return path


def check(kind: MarketKind, result: dict[str, Any], symbols: list[str]) -> None:
    """Contracts are counted as base units: the sessions hold no listing."""
    assert (result["frames"], result["unknown_frames"]) == (FRAMES[kind], 0)
    assert sorted(result["books"]) == sorted(FACTS[kind])
    for symbol in symbols:
        book, (bid, ask, bids, asks, updates) = result["books"][symbol], FACTS[kind][symbol]
        assert (book["best_bid"], book["best_ask"]) == (bid, ask), symbol
        assert (book["bid_levels"], book["ask_levels"], book["book_updates"]) == (bids, asks, updates), symbol
        assert [book[name] for name in ("gaps", "resyncs", "crossed", "checksums_bad")] == [0] * 4, symbol
        # the one update of INK_USDT is as old as its REST book: nothing moved for the rest of the session
        assert book["state"] == ("stale" if symbol == "INK/USDT" else "live")
        expected = (1, "0.2010000000") if symbol == "DIS/USDT" else (0, "0")
        assert (book["trades"], book["trade_volume"]) == expected


@pytest.mark.parametrize("kind", [LINEAR, SPOT])
def test_totals_are_those_of_the_readme(kind: MarketKind) -> None:
    records = read_capture([recorded(kind, SESSIONS[kind])])
    check(kind, totals_of(records, GateioCodec(FROM_REST), kind), list(FACTS[kind]))


def test_perpetuals_replay_as_well_with_the_spec_of_the_live_stream() -> None:
    check(LINEAR, replay_totals([recorded(LINEAR, SESSIONS[LINEAR])], "gateio", LINEAR), list(FACTS[LINEAR]))


def test_without_keeping_early_updates_a_rest_book_older_than_the_stream_is_never_live() -> None:
    """What the live spec cannot do: DIS_USDT's reply came after an update newer than it. The hole is told."""
    result: dict[str, Any] = replay_totals([recorded(SPOT, SESSIONS[SPOT])], "gateio", SPOT)
    book = result["books"]["DIS/USDT"]
    assert (book["state"], book["gaps"], book["book_updates"]) == ("syncing", 1, 0)
    check(SPOT, result, ["HAI/ETH", "INK/USDT", "OMG/USDT", "QTUM3S/USDT"])


def test_the_book_agrees_with_the_best_prices_at_the_same_id() -> None:
    codec = GateioCodec(FROM_REST)
    data = MarketData(codec, adopt_unknown=True)
    records = list(read_capture([recorded(LINEAR, SESSIONS[LINEAR])]))
    player = ReplayPlayer(records, data, ManualClock(), codec, LINEAR)
    told: dict[tuple[str, int], tuple[float, float, float, float]] = {}
    for record in records:
        if record.kind is CaptureKind.RECV and ".book_ticker" in str(record.raw):
            for event in codec.decode(LINEAR, record.raw, 1):
                if isinstance(event, BookTicker):
                    told[event.key, event.update_id] = (event.bid, event.bid_size, event.ask, event.ask_size)
    agreed: set[tuple[str, int]] = set()
    while player.step():
        for key, market in data.markets.items():
            at = (key, market.sequencer.last_id)
            if market.live and at in told:
                bid, ask = market.book.best_bid(), market.book.best_ask()
                assert bid is not None and ask is not None
                assert (*bid, *ask) == told[at], at
                agreed.add(at)
    assert len(agreed) == 2


@pytest.mark.parametrize(("kind", "symbol"), [(LINEAR, "OMG/USDT:USDT"), (SPOT, "OMG/USDT")])
@pytest.mark.parametrize("lost", [9, 23, 41])
def test_a_lost_update_is_a_gap_and_the_book_is_not_live_afterwards(kind: MarketKind, symbol: str, lost: int) -> None:
    codec = GateioCodec(FROM_REST)
    data = MarketData(codec, adopt_unknown=True)
    kept: list[CaptureRecord] = []
    seen = 0
    for record in read_capture([recorded(kind, SESSIONS[kind])]):
        raw = str(record.raw)
        if record.kind is CaptureKind.RECV and '"OMG_USDT"' in raw and '"U":' in raw:
            seen += 1
            if seen == lost:
                continue
        kept.append(record)
    player = ReplayPlayer(kept, data, ManualClock(), codec, kind)
    while player.step():
        pass
    states = {market.instrument.symbol: market for market in data.markets.values()}
    broken = states.pop(symbol)
    assert (broken.state, broken.sequencer.stats.gaps) == (BookState.SYNCING, 1)
    assert [market.sequencer.stats.gaps for market in states.values()] == [0] * 4
    assert data.wanted_resubscriptions() == []


@pytest.mark.parametrize(
    ("kind", "name", "listings", "open_listings", "symbols"),
    [
        (LINEAR, "rest_contracts_20230524.json.gz", 302, 301, FACTS[LINEAR]),
        (SPOT, "rest_currency_pairs_20210422.json.gz", 1458, 1408, FACTS[SPOT]),
    ],
)
def test_recorded_listings(
    kind: MarketKind, name: str, listings: int, open_listings: int, symbols: dict[str, object]
) -> None:
    """One contract is being delisted; 44 pairs are closed and 6 can only be sold."""
    body = gzip.decompress(recorded(kind, name).read_bytes())
    rows = msgspec.json.decode(body)
    assert len(rows) == listings
    found = {instrument.symbol: instrument for instrument in load_venue("gateio").decode_instruments(kind, body)}
    assert len(found) == open_listings
    assert set(symbols) <= found.keys()
    assert all(each.tick > 0 and each.lot > 0 and each.min_qty > 0 for each in found.values())
    if kind is LINEAR:
        assert {str(each.contract_size) for each in found.values()} >= {"0.0001", "9.6", "11", "100000000"}
        # why the codec may tell the next funding time by the interval alone
        assert {row["funding_next_apply"] % row["funding_interval"] for row in rows} == {0}


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
def test_captured_samples_give_events_or_say_why_not(kind: MarketKind) -> None:
    """The rest of the spot samples is of the protocol before version 4; those of dated futures are not ours."""
    codec = load_venue("gateio")
    codec.adopt_unknown = True
    lines = gzip.decompress(recorded(kind, "public_samples_2021_2022.jsonl.gz").read_bytes()).splitlines()
    outcome: dict[str, list[str]] = {}
    for line in lines:
        sample = msgspec.json.decode(line)
        events = codec.decode(kind, sample["raw"], 1)
        outcome[sample["channel"]] = [type(event).__name__ for event in events]
    unknown = UnknownFrame.__name__
    expected = {
        SPOT: {
            "trade.spot_20210916": [unknown], "l2_event.spot_snapshot_20200916": [unknown], "ticker.spot": [],
            "l2_event.spot_update": ["BookDelta"], "bbo.spot": ["BookTicker"], "l2_snapshot.spot": [unknown],
        },
        LINEAR: {
            "trade.linear_future": [unknown], "trade.linear_swap_2": ["Trade"], "candlestick.linear_future": [],
            "l2_event.linear_future_snapshot": [], "l2_topk.linear_swap": [], "ticker.linear_future": [unknown],
            "l2_snapshot.linear_future": [unknown], "open_interest.linear_swap": [unknown],
        },
    }  # fmt: skip
    assert outcome == expected[kind]
