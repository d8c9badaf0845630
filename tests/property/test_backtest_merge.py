"""Streams that were recorded apart are one order of events in the kernel: by time, equal times by their place."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, BacktestResult, Source
from jackbot_tui.backtest.script import Script, ScriptLine
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.core import Engine
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, write_capture
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
from tests.binance_world import depth, depth_reply, frame, received

START_NS = 1_795_000_000 * NS_PER_S
SNAPSHOT_URL = "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
KEY = "binance:BTC/USDT:USDT"


def trade(number: int, price: float = 100.0) -> str:
    when = START_NS // NS_PER_MS
    return frame(
        "btcusdt@aggTrade", e="aggTrade", E=when, s="BTCUSDT", a=number, p=f"{price:.2f}", q="1.000", f=1, l=1, T=when,
        m=number % 2 == 0,
    )  # fmt: skip


class Listener:
    """A strategy that only notes the order of trades."""

    next_ns = None

    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        for engine in engines.values():
            engine.data.subscribe(self)

    def wake(self, now: int) -> None:
        raise AssertionError("nobody asked to be woken")

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        self.heard.append((now, int(trade.trade_id)))

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        raise AssertionError("there is no book here")

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None:
        raise AssertionError("there is no mark price here")

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        raise AssertionError("there is no book here")

    def on_notice(self, notice: VenueNotice, now: int) -> None:
        raise AssertionError("the venue said nothing")


steps = st.lists(st.integers(0, 3), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(steps, st.integers(-4, 4)), min_size=1, max_size=5))
def test_any_streams_merge_into_one_order_that_is_stable_for_equal_times(
    streams: list[tuple[list[int], int]],
) -> None:
    """``streams``: gaps between the records of each, and how far its recorder's clock was off; units of 10 ms."""
    unit = 10 * NS_PER_MS
    expected: list[tuple[int, int]] = []
    sources: list[Source] = []
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        for place, (gaps, off) in enumerate(streams):
            records, at = [], START_NS
            for gap in gaps:
                number += 1
                at += gap * unit
                records.append(received(at + off * unit, trade(number)))
                expected.append((at, number))
            path = Path(folder) / f"{place}.jsonl.gz"
            write_capture(path, records)
            sources.append(Source(paths=(path,), venue="binance", kind=MarketKind.LINEAR, shift_ns=-off * unit))
        listener = Listener()
        result = Backtest(BacktestOptions(sources=tuple(sources)), listener).run()
    assert listener.heard == sorted(expected, key=lambda each: each[0])
    assert result.frames == len(expected)
    assert (result.first_ns, result.last_ns) == (min(expected)[0], max(expected)[0])


def played(sources: Sequence[Sequence[CaptureRecord]]) -> BacktestResult:
    lines = [ScriptLine(n * 50 * NS_PER_MS, line) for n, line in enumerate(("buy 1 @ 99.9", "sell 1 @ 100.1") * 4)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.jsonl.gz" for place in range(len(sources))]
        for path, records in zip(paths, sources, strict=True):
            write_capture(path, records)
        chosen = tuple(Source(paths=(path,), venue="binance", kind=MarketKind.LINEAR) for path in paths)
        return Backtest(BacktestOptions(sources=chosen), Script(lines)).run()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.integers(0, 4)), min_size=5, max_size=60))
def test_book_and_trades_recorded_apart_trade_as_when_recorded_together(
    events: list[tuple[int, bool, int]],
) -> None:
    """Events: ms since the one before, whether it is a trade, a size or price. No two at the same time."""
    at, last = START_NS, 10
    book = [
        received(at, depth("BTCUSDT", 10, 10, [(99.9, 5.0)], [(100.1, 5.0)], 9)),
        CaptureRecord(
            at + 1, CaptureKind.HTTP, "rest", SNAPSHOT_URL, depth_reply(10, [(99.9, 5.0), (99.8, 3.0)], [(100.1, 5.0)])
        ),
    ]
    trades = [received(at + 2, trade(1))]
    for number, (gap, is_trade, what) in enumerate(events, 2):
        at += gap * NS_PER_MS
        if is_trade:
            trades.append(received(at, trade(number, 99.9 if what % 2 else 100.1)))
        else:
            last += 1
            levels = [(99.9, 1.0 + what)], [(100.1, 5.0 - what)]
            book.append(received(at, depth("BTCUSDT", last, last, *levels, last - 1)))
    together = sorted([*book, *trades], key=lambda record: record.ts_ns)
    one, apart, other_way = played([together]), played([book, trades]), played([trades, book])
    assert one.unknown_frames == 0
    assert one.digest == apart.digest == other_way.digest
