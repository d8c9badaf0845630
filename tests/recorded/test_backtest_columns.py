"""Captures as columns: the same fills from the capture, its Parquet and its .npz; strategies from the command line."""

import json
import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from jackbot_tui.backtest.columns import DOWN, FIELDS, LIVE, STATE, read_columns
from jackbot_tui.backtest.convert import convert
from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, BacktestResult, Source
from jackbot_tui.backtest.trader import load_strategy
from jackbot_tui.cli import main
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import ReplayPlayer
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture, write_capture
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import CaptureError, InputError
from jackbot_tui.model.numbers import float_text
from jackbot_tui.model.orders import OrderFilled
from jackbot_tui.model.records import Record
from jackbot_tui.venues import load_venue

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared" / "recorded"
STRATEGY = Path(__file__).with_name("maker.py")
RECORDS = 8_000

pytestmark = pytest.mark.recorded


def capture_of(venue: str, kind: MarketKind, folder: Path) -> Path:
    """The beginning of the venue's largest session."""
    found = sorted((RECORDED / venue / kind.value).glob("*.jsonl.gz"), key=lambda path: path.stat().st_size)
    if not found:
        assert "CI" not in os.environ, f"CI must have a recorded session of {venue} {kind.value}"
        pytest.skip("no recorded session beside the repository")
    path = folder / f"{venue}-{kind.value}.jsonl.gz"
    write_capture(path, islice(read_capture([found[-1]]), RECORDS))
    return path


def played(
    path: Path, venue: str, kind: MarketKind, symbol: str, parameters: Sequence[str] = ()
) -> tuple[BacktestResult, list[Record]]:
    """The result and the journal; fills without what explains them: venues' texts that columns do not keep."""
    source = Source(paths=(path,), venue=venue, kind=kind, symbols=(symbol,))
    backtest = Backtest(BacktestOptions(sources=(source,)), load_strategy(STRATEGY, parameters))
    result = backtest.run()
    records = (record for _, record in backtest.journals[venue].records)
    return result, [replace(each, cause=None) if isinstance(each, OrderFilled) else each for each in records]


def traded(path: Path, venue: str, kind: MarketKind, symbol: str, parameters: Sequence[str] = ()) -> BacktestResult:
    return played(path, venue, kind, symbol, parameters)[0]


@pytest.mark.parametrize(
    ("venue", "kind", "size"),
    [
        ("binance", MarketKind.LINEAR, "0.01"),
        ("binance", MarketKind.SPOT, "0.01"),
        ("bybit", MarketKind.LINEAR, "0.01"),
        ("okx", MarketKind.LINEAR, "1"),
        ("gateio", MarketKind.LINEAR, "100"),
    ],
)
def test_capture_parquet_and_npz_give_the_same_fills(venue: str, kind: MarketKind, size: str, tmp_path: Path) -> None:
    capture = capture_of(venue, kind, tmp_path)
    symbol = first_symbol(capture, venue, kind)
    parameters = [f"size={size}", f"most={size}", "every_s=1.1"]
    runs = [played(capture, venue, kind, symbol, parameters)]
    for suffix in ("parquet", "npz"):
        out = tmp_path / f"columns.{suffix}"
        written = convert([capture], venue, kind, out, [symbol])
        assert (written.symbols, written.rows > 20) == ((symbol,), True)
        runs.append(played(out, venue, kind, symbol, parameters))
    results, journals = zip(*runs, strict=True)
    assert len(journals[0]) > 50
    assert journals[0] == journals[1] == journals[2]
    assert results[0].fills == results[1].fills == results[2].fills
    assert {(result.first_ns, result.last_ns, result.drawdown) for result in results} == {
        (results[0].first_ns, results[0].last_ns, results[0].drawdown)
    }


def first_symbol(capture: Path, venue: str, kind: MarketKind) -> str:
    backtest = Backtest(
        BacktestOptions(sources=(Source(paths=(capture,), venue=venue, kind=kind),)), load_strategy(STRATEGY)
    )
    return next(iter(backtest.engines[venue].data.markets.values())).instrument.symbol


def test_a_gap_of_the_recording_is_a_gap_of_its_columns(tmp_path: Path) -> None:
    """Frames are gone in the middle; some seconds later a snapshot makes the book LIVE again."""
    capture = capture_of("binance", MarketKind.LINEAR, tmp_path)
    records = list(read_capture([capture]))
    third, healed = len(records) // 3, len(records) // 2
    asked = next(each for each in records if each.kind is CaptureKind.HTTP)
    data = MarketData(load_venue("binance"), adopt_unknown=True)
    player = ReplayPlayer(iter(records), data, ManualClock(), data.codec, MarketKind.LINEAR)
    player.play_until(records[healed].ts_ns)
    market = data.markets["binance:BTC/USDT:USDT"]
    sides = {
        name: [[float_text(price, -1), float_text(size, -1)] for price, size in levels.items()]
        for name, levels in (("bids", market.book.bids), ("asks", market.book.asks))
    }
    body = json.dumps({"lastUpdateId": market.sequencer.last_id, **sides})
    snapshot = CaptureRecord(records[healed].ts_ns + 1, CaptureKind.HTTP, asked.conn, asked.url, body)
    broken, out = tmp_path / "broken.jsonl.gz", tmp_path / "broken.parquet"
    write_capture(broken, [*records[:third], *records[third + 50 : healed + 1], snapshot, *records[healed + 1 :]])
    convert([broken], "binance", MarketKind.LINEAR, out)
    results = [traded(each, "binance", MarketKind.LINEAR, "BTC/USDT:USDT", ["every_s=0.5"]) for each in (broken, out)]
    assert results[0].fills == results[1].fills
    assert [row.ival for row in read_columns(out).rows if row.ev & 0xFF == STATE] == [DOWN, LIVE, DOWN, LIVE]


def test_the_npz_is_a_list_of_events_as_hftbacktest_has_it(tmp_path: Path) -> None:
    from hftbacktest.types import event_dtype

    out = tmp_path / "btc.npz"
    written = convert([capture_of("binance", MarketKind.LINEAR, tmp_path)], "binance", MarketKind.LINEAR, out)
    with np.load(out) as archive:
        events = archive["data"]
    assert events.dtype == event_dtype == np.dtype(list(FIELDS), align=True)
    assert len(events) == written.rows
    assert (np.diff(events["local_ts"]) >= 0).all()
    known = events[events["ev"] & np.uint64(1 << 31) > 0]
    assert set(known["ev"] & np.uint64(0xFF)) == {1, 2, 4}


def test_events_of_another_recorder_need_to_be_told_what_they_are(tmp_path: Path) -> None:
    out, bare = tmp_path / "btc.npz", tmp_path / "bare.npz"
    capture = capture_of("binance", MarketKind.LINEAR, tmp_path)
    convert([capture], "binance", MarketKind.LINEAR, out)
    with np.load(out) as archive:
        events = archive["data"]
    theirs = events[(events["ev"] & np.uint64(1 << 31) > 0)]
    theirs["ival"] = 0
    np.savez_compressed(bare, data=theirs)
    source = Source(paths=(bare,), venue="binance", kind=MarketKind.LINEAR)
    with pytest.raises(InputError, match="names no instrument"):
        Backtest(BacktestOptions(sources=(source,)), load_strategy(STRATEGY))
    heading = read_columns(out).heading
    assert heading is not None
    known = Source(paths=(bare,), venue="binance", kind=MarketKind.LINEAR, instruments=heading.instruments)
    result = Backtest(BacktestOptions(sources=(known,)), load_strategy(STRATEGY)).run()
    assert result.frames > 1000
    assert result.fills != traded(bare_start(tmp_path), "binance", MarketKind.LINEAR, "BTC/USDT:USDT").fills


def bare_start(folder: Path) -> Path:
    """A session too short for any fill."""
    path = folder / "short.jsonl.gz"
    write_capture(path, islice(read_capture([folder / "binance-linear.jsonl.gz"]), 300))
    return path


def test_a_file_that_exists_or_is_cut_short_is_told_in_one_line(tmp_path: Path) -> None:
    capture = capture_of("binance", MarketKind.LINEAR, tmp_path)
    out = tmp_path / "btc.npz"
    with pytest.raises(InputError, match="ending"):
        convert([capture], "binance", MarketKind.LINEAR, tmp_path / "btc.csv")
    convert([capture], "binance", MarketKind.LINEAR, out)
    with pytest.raises(InputError, match="exists already"):
        convert([capture], "binance", MarketKind.LINEAR, out)
    (tmp_path / "cut.npz").write_bytes(out.read_bytes()[:20_000])
    with pytest.raises(CaptureError, match="cannot be read as columns"):
        read_columns(tmp_path / "cut.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["binance-linear.jsonl.gz", "btc.npz", "cut.npz"]


def test_a_strategy_runs_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = capture_of("binance", MarketKind.LINEAR, tmp_path)
    words = ["backtest", "run", str(STRATEGY), str(capture), "--venue", "binance", "--market", "linear"]
    assert main([*words, "--set", "every_s=1.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (instrument,) = told["instruments"]
    assert instrument["fills"] == instrument["maker_fills"] > 0
    assert told["lines"] > 10
    assert main([*words, "--set", "every_s=1.5"]) == 0
    text = capsys.readouterr().out
    assert f"journal {told['result']['digest']}" in text
    assert re.search(r"profit after fees -?[\d,.]+ USDT\n  markouts 1s [+-][\d.]+ bp", text)
    assert "deepest drawdown" in text


@pytest.mark.parametrize(
    ("content", "parameters", "words"),
    [
        ("x = 1", [], "one class derived from Trader is wanted, this file has none"),
        ("import nowhere_at_all", [], "cannot be loaded: ModuleNotFoundError"),
        (STRATEGY.read_text(), ["every_s"], "write NAME=VALUE; parameters of JoinTheTouch: every_s, most, size"),
        (STRATEGY.read_text(), ["evry_s=1"], "parameters of JoinTheTouch: every_s, most, size"),
        (STRATEGY.read_text(), ["size=much"], "'much' is not a value for size"),
    ],
)
def test_a_strategy_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, content: str, parameters: list[str], words: str
) -> None:
    path = tmp_path / "strategy.py"
    path.write_text(content)
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        load_strategy(path, parameters)
    assert "\n" not in str(caught.value)
