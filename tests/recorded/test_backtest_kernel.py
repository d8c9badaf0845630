"""The replay kernel on real sessions: two captures in one engine, a script, the same journal always."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, BacktestResult, Source
from jackbot_tui.backtest.script import Script, ScriptLine, read_script
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.orders import OrderAccepted, OrderFilled
from jackbot_tui.model.records import OrderSubmitted

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "binance"
SECONDS = 12
PERP, SPOT = "binance:BTC/USDT:USDT", "binance:BTC/USDT"
LINES = [
    f"{second} [{key}] {line}"
    for second in range(2, SECONDS - 2)
    for key, line in (
        (PERP, "buy 0.01 @ bid post"),
        (SPOT, "buy 0.001 @ ask"),
        (PERP, "sell 0.02 @ mkt" if second % 3 == 0 else "sell 0.01 @ ask post"),
        (SPOT, "cancel all" if second % 4 == 0 else "sell 0.0005 @ ask"),
    )
]
LATENCY_NS = 20 * NS_PER_MS

pytestmark = pytest.mark.recorded


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[MarketKind, Path]:
    """The first seconds of both recorded sessions of one evening."""
    folder = tmp_path_factory.mktemp("captures")
    cut: dict[MarketKind, Path] = {}
    for kind in (MarketKind.LINEAR, MarketKind.SPOT):
        whole = RECORDED / kind.value / "btcusdt_20240808.jsonl.gz"
        if not whole.exists():
            assert "CI" not in os.environ, f"CI must have the recorded session {whole.name}"
            pytest.skip("no recorded session beside the repository")
        cut[kind] = folder / f"{kind.value}.jsonl.gz"
        with gzip.open(cut[kind], "wt", encoding="utf-8") as out:
            out.writelines(_beginning(whole))
    return cut


def _beginning(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        first = 0
        for line in lines:
            at = json.loads(line)["ts_ns"]
            first = first or at
            if at - first > SECONDS * NS_PER_S:
                return
            yield line


def play(
    captures: dict[MarketKind, Path], *, seed: int = 1, jitter_ms: int = 5
) -> tuple[Backtest, Script, BacktestResult]:
    script = Script([_line(text) for text in LINES])
    options = BacktestOptions(
        sources=tuple(Source(paths=(path,), venue="binance", kind=kind) for kind, path in captures.items()),
        seed=seed,
        paper=PaperConfig(
            latency_jitter_ns=jitter_ms * NS_PER_MS, start_balances={"USDT": Decimal(10**6), "BTC": Decimal(1)}
        ),
    )
    backtest = Backtest(options, script)
    return backtest, script, backtest.run()


def _line(text: str) -> ScriptLine:
    second, _, rest = text.partition(" ")
    key, _, line = rest[1:].partition("] ")
    return ScriptLine(int(second) * NS_PER_S, line, key)


def test_two_captures_are_one_session_of_one_engine(captures: dict[MarketKind, Path]) -> None:
    backtest, script, result = play(captures)
    engine = backtest.engines["binance"]
    assert set(engine.data.markets) == {PERP, SPOT}
    assert all(market.live for market in engine.data.markets.values())
    assert result.unknown_frames == 0
    assert {fill.order.key for fill in engine.fills} == {PERP, SPOT}
    assert len(script.replies) == len(LINES)
    assert sum(reply.ok for _, reply in script.replies) > len(LINES) * 0.8


def test_every_order_meets_the_market_after_its_latency_and_not_before(captures: dict[MarketKind, Path]) -> None:
    backtest, _, _ = play(captures, jitter_ms=0)
    records = [record for _, record in backtest.journals["binance"].records]
    sent = {record.order.client_id: record.ts for record in records if isinstance(record, OrderSubmitted)}
    accepted = [record for record in records if isinstance(record, OrderAccepted)]
    assert accepted
    assert all(record.ts >= sent[record.client_id] + LATENCY_NS for record in accepted)
    assert min(record.ts - sent[record.client_id] for record in accepted) == LATENCY_NS  # timers run between frames
    assert all(record.ts >= sent[record.client_id] for record in records if isinstance(record, OrderFilled))


def test_the_same_captures_seed_and_script_give_the_same_journal_in_other_processes(
    captures: dict[MarketKind, Path],
) -> None:
    _, _, here = play(captures)
    code = (
        "import sys; from pathlib import Path; from jackbot_tui.model.enums import MarketKind\n"
        "from tests.recorded.test_backtest_kernel import play\n"
        "captures = {MarketKind.LINEAR: Path(sys.argv[1]), MarketKind.SPOT: Path(sys.argv[2])}\n"
        "print(play(captures)[2].digest)"
    )
    for hash_seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(captures[MarketKind.LINEAR]), str(captures[MarketKind.SPOT])],
            capture_output=True, text=True, timeout=120, check=True, cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Pacific/Auckland"},
        )  # fmt: skip
        assert done.stdout.split() == [here.digest]


def test_another_seed_gives_another_journal(captures: dict[MarketKind, Path]) -> None:
    assert play(captures, seed=1)[2].digest != play(captures, seed=2)[2].digest


def test_a_shift_moves_a_whole_capture(captures: dict[MarketKind, Path]) -> None:
    sources = tuple(
        Source(paths=(path,), venue="binance", kind=kind, shift_ns=(kind is MarketKind.SPOT) * -NS_PER_S)
        for kind, path in captures.items()
    )
    shifted = Backtest(BacktestOptions(sources=sources), Script([]))
    assert play(captures)[0].first_ns - shifted.first_ns == NS_PER_S


def test_a_script_file_names_the_line_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(f"# opening\n1.5 buy 1 @ bid\n2 [{PERP}] cancel all # done\n")
    assert read_script(path) == [
        ScriptLine(1_500_000_000, "buy 1 @ bid"),
        ScriptLine(2 * NS_PER_S, "cancel all", PERP),
    ]
    path.write_text("soon buy 1\n")
    with pytest.raises(InputError, match="line 1"):
        read_script(path)
