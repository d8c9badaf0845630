"""The recorded MEXC samples: single frames (there is no long recording), each gives its event or says why not."""

import os
from pathlib import Path
from typing import Any

import pytest

from jackbot_tui.engine.replay import replay_totals
from jackbot_tui.feeds.capture import CaptureRecord, read_capture
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.market import BookTicker, FeedEvent, MarkPrice, SubscriptionAck, Trade, UnknownFrame
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, Codec

pytestmark = pytest.mark.recorded

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
MS = 1_000_000
RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "mexc"
KEY = "mexc:BTC/USDT:USDT"


def samples(kind: MarketKind, name: str) -> list[CaptureRecord]:
    return list(read_capture([recorded(kind, name)]))


def recorded(kind: MarketKind, name: str) -> Path:
    path = RECORDED / kind.value / f"{name}.jsonl.gz"
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded samples {name}"
        pytest.skip("no recorded samples beside the repository")
    return path


def adopting(kind: MarketKind, records: list[CaptureRecord]) -> tuple[Codec, list[list[FeedEvent]]]:
    codec = load_venue("mexc")
    codec.adopt_unknown = True
    return codec, [list(codec.decode(kind, record.raw, 1)) for record in records]


def test_the_captured_binary_frame_gives_the_best_prices_that_it_holds() -> None:
    codec, events = adopting(SPOT, samples(SPOT, "protobuf_sample_20260923"))
    best = BookTicker(
        "mexc:BTC/USDT", 1_790_145_447_239 * MS, 1, 81_999_275_445, 86503.92, 14.91335308, 86503.93, 0.004965
    )
    assert events == [[best], [], []]
    instrument = codec.adopted("mexc:BTC/USDT")
    assert instrument is not None and (str(instrument.tick), instrument.native) == ("0.01", "BTCUSDT")


def test_captured_answers_of_spot_confirm_what_was_asked() -> None:
    codec = load_venue("mexc")
    _, acknowledged, _ = samples(SPOT, "protobuf_sample_20260923")
    (found,) = codec.infer(SPOT, [samples(SPOT, "protobuf_sample_20260923")[0].raw])
    (plan,) = codec.plan([found.instrument], [Channel.TICKER])
    codec.subscribe(plan, 4)
    ours = str(acknowledged.raw).replace("@10ms@", "@100ms@")
    assert list(codec.decode(SPOT, ours, 1)) == [SubscriptionAck(4)]


def test_captured_frames_of_perpetuals_give_their_events() -> None:
    _, events = adopting(LINEAR, samples(LINEAR, "depth_full_sample_20260923"))
    best = BookTicker(KEY, 1_790_145_447_838 * MS, 1, 42_029_847_745, 86469.4, 48926.0, 86469.5, 398.0)
    assert events == [[best], [], []]  # the acknowledgement answers nothing that we asked, the pong is none
    _, events = adopting(LINEAR, samples(LINEAR, "public_samples_2021_2022"))
    ts = 1_646_999_591_755
    trade = Trade(KEY, ts * MS, 1, f"{ts}:39766.5:32:0", Side.SELL, 39766.5, 32.0, "39766.5", "32")
    old = BookTicker(KEY, 1_653_995_843_510 * MS, 1, 5_194_972_869, 31708.0, 3210.0, 31708.5, 74950.0)
    mark = MarkPrice(KEY, 1_654_165_943_014 * MS, 1, 29911.1, 29926.9, 0.000072, 0)
    assert events == [[trade], [old], [mark]]


def test_spot_frames_of_the_retired_protocol_are_told_as_unknown() -> None:
    _, events = adopting(SPOT, samples(SPOT, "public_samples_2021_2022"))
    assert [[type(event) for event in each] for each in events] == [[UnknownFrame]] * 3


@pytest.mark.parametrize(("kind", "name", "frames"), [(LINEAR, "private_samples", 8), (SPOT, "private_samples", 6)])
def test_frames_of_accounts_are_no_market_event(kind: MarketKind, name: str, frames: int) -> None:
    received = [record for record in samples(kind, name) if record.kind.startswith("recv")]
    _, events = adopting(kind, received)
    assert len(received) >= frames
    assert {type(event) for each in events for event in each} <= {UnknownFrame}


def test_a_capture_with_binary_frames_replays() -> None:
    totals: dict[str, Any] = replay_totals([recorded(SPOT, "protobuf_sample_20260923")], "mexc", SPOT)
    assert (totals["frames"], totals["unknown_frames"], list(totals["books"])) == (3, 0, ["BTC/USDT"])
