"""Binance traffic for tests: the recordings beside the repository, a naive oracle book, seeded synthetic feeds."""

import os
import random
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec
import pytest

from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookDelta, BookSnapshot, Level
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import SequencePolicy

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "recorded" / "binance"
POLICIES = {MarketKind.SPOT: SequencePolicy.UPDATE_ID_RANGE, MarketKind.LINEAR: SequencePolicy.PREVIOUS_ID}


def recorded(kind: MarketKind, name: str = "btcusdt_20240808.jsonl.gz") -> Path:
    """Path of a recording; without it the test is skipped, or fails where CI must have it."""
    path = RECORDED / kind.value / name
    if not path.is_file():
        assert "CI" not in os.environ, f"CI must have the recording {kind.value}/{name}"
        pytest.skip("no recordings beside the repository")
    return path


@cache
def recorded_book(kind: MarketKind, frames: int) -> tuple[BookSnapshot, list[BookDelta]]:
    """The first real snapshot and the ``frames`` updates from the one that joins it."""
    codec = load_venue("binance")
    codec.adopt_unknown = True
    key = ""
    snapshot: BookSnapshot | None = None
    deltas: list[BookDelta] = []
    for record in read_capture([recorded(kind)]):
        if record.kind is CaptureKind.HTTP:
            request = codec.recognise_http(kind, "", record.raw, (key,))
            assert request is not None
            (event,) = codec.decode_http(request, record.raw, record.ts_ns)
            assert isinstance(event, BookSnapshot)
            snapshot = event
        elif "@depth" in str(record.raw[:60]):
            (event,) = codec.decode(kind, record.raw, record.ts_ns)
            assert isinstance(event, BookDelta)
            key = event.key
            deltas.append(event)
        if snapshot is not None and len(deltas) > frames + 20:
            break
    assert snapshot is not None
    joined = [delta for delta in deltas if delta.last_id > snapshot.last_id - (kind is MarketKind.LINEAR)]
    return snapshot, joined[:frames]


class Oracle:
    """A book as anybody would write it: two dictionaries, no cleverness. Moves forward through the true feed."""

    def __init__(self, snapshot: BookSnapshot, deltas: list[BookDelta]) -> None:
        self.bids = dict(snapshot.bids)
        self.asks = dict(snapshot.asks)
        self.last_id = snapshot.last_id
        self.index = 0
        self._deltas = deltas

    def advance(self) -> None:
        delta = self._deltas[self.index]
        for side, levels in ((self.bids, delta.bids), (self.asks, delta.asks)):
            write(side, levels)
        self.last_id = delta.last_id
        self.index += 1

    def advance_to(self, last_id: int) -> None:
        while self.last_id < last_id:
            self.advance()
        assert self.last_id == last_id, f"no true state has id {last_id}"

    def snapshot(self) -> BookSnapshot:
        return BookSnapshot("k", 0, 0, self.last_id, list(self.bids.items()), list(self.asks.items()))


def write(side: dict[float, float], levels: Iterable[Level]) -> None:
    for price, size in levels:
        if size:
            side[price] = size
        else:
            side.pop(price, None)


def synthetic_book(kind: MarketKind, seed: int, frames: int) -> tuple[BookSnapshot, list[BookDelta]]:
    """A small book that wanders, with ids in the manner of ``kind``: spot counts by one, USD-M jumps."""
    rng = random.Random(seed)
    mid = 1000
    bids = {(mid - i) / 10: float(rng.randint(1, 9)) for i in range(1, 12)}
    asks = {(mid + i) / 10: float(rng.randint(1, 9)) for i in range(12)}
    last_id = rng.randint(1, 10_000)
    snapshot = BookSnapshot("k", 0, 0, last_id, list(bids.items()), list(asks.items()))
    deltas = []
    for number in range(frames):
        mid += rng.choice((-2, -1, 0, 0, 1, 2))
        bid_levels = [(price, 0.0) for price in bids if price >= mid / 10]
        ask_levels = [(price, 0.0) for price in asks if price < mid / 10]
        for _ in range(rng.randint(1, 6)):
            bid_levels.append(((mid - rng.randint(1, 15)) / 10, float(rng.randint(0, 9))))
            ask_levels.append(((mid + rng.randint(0, 14)) / 10, float(rng.randint(0, 9))))
        write(bids, bid_levels)
        write(asks, ask_levels)
        first_id = last_id + 1 if kind is MarketKind.SPOT or number == 0 else last_id + rng.randint(1, 50)
        if kind is MarketKind.LINEAR and number == 0:
            first_id = last_id
        previous, last_id = last_id, first_id + rng.randint(1, 9)
        deltas.append(BookDelta("k", 0, 0, first_id, last_id, previous, bid_levels, ask_levels))
    return snapshot, deltas


def frame(stream: str, **data: object) -> str:
    """A combined frame. ``e`` and the like are given as they are on the wire."""
    return msgspec.json.encode({"stream": stream, "data": data}).decode()


def depth(native: str, first: int, last: int, bids: list[Level], asks: list[Level], previous: int = -1) -> str:
    """A depth update of ``native``; ``previous`` makes it a USD-M one."""
    sides = {
        side: [[f"{price:.2f}", f"{size:.3f}"] for price, size in levels]
        for side, levels in (("b", bids), ("a", asks))
    }  # fmt: skip
    ids = {"U": first, "u": last} | ({"pu": previous} if previous >= 0 else {})
    return frame(f"{native.lower()}@depth@100ms", e="depthUpdate", E=1_795_000_000_105, s=native, **ids, **sides)


def depth_reply(last_id: int, bids: list[Level], asks: list[Level]) -> str:
    sides = {
        side: [[f"{price:.2f}", f"{size:.3f}"] for price, size in levels]
        for side, levels in (("bids", bids), ("asks", asks))
    }  # fmt: skip
    return msgspec.json.encode({"lastUpdateId": last_id} | sides).decode()


def received(ts_ns: int, raw: str, conn: str = "ws1") -> CaptureRecord:
    return CaptureRecord(ts_ns, CaptureKind.RECV, conn, "", raw)


def replied(ts_ns: int, raw: str, url: str = "") -> CaptureRecord:
    return CaptureRecord(ts_ns, CaptureKind.HTTP, "ws1", url, raw)
