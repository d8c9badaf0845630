"""Always maker on recorded sessions, through the backtest kernel: 100 % maker, fill time, reposts, fees saved."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles

import pytest

from jackbot_tui.algos.state import Action, Kind, ParentPicture, ParentRequest, ParentStatus
from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, Source
from jackbot_tui.engine.core import Engine
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Liquidity, MarketKind, Side
from jackbot_tui.model.orders import OrderFilled
from jackbot_tui.risk.limits import RiskLimits

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
BINANCE, BYBIT = "btcusdt_20240808.jsonl.gz", "btcusdt_solusdt_20260809.jsonl.gz"
UNBOUND = RiskLimits(
    max_orders_per_s=0, max_position_notional=Decimal(0), max_order_notional=Decimal(0), max_day_loss=Decimal(0)
)

pytestmark = pytest.mark.recorded


class Starts:
    """A ``kernel.Strategy``: a buying and a selling maker in turn every ``every_s``, canceled after ``life_s``."""

    def __init__(self, key: str, quantity: str, every_s: int, life_s: int) -> None:
        self.key = key
        self.quantity = Decimal(quantity)
        self.every_ns, self.life_ns = every_s * NS_PER_S, life_s * NS_PER_S
        self.next_ns: int | None = None
        self.ended: dict[int, tuple[ParentPicture, int]] = {}
        self.refused: list[str] = []
        self._engine: Engine
        self._turn = 0

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        (self._engine,) = engines.values()
        self.next_ns = now + 2 * NS_PER_S

    def wake(self, now: int) -> None:
        parents = self._engine.parents
        self.collect()
        for picture in parents.pictures():
            if picture.status.is_open and now - picture.started_ns >= self.life_ns:
                parents.steer(picture.number, Action.CANCEL, None, {}, "test")
        self._turn += 1
        request = ParentRequest(
            kind=Kind.MAKER, key=self.key, side=Side.BUY if self._turn % 2 else Side.SELL, quantity=self.quantity
        )
        answer = parents.start(request)
        if answer.problem:
            self.refused.append(answer.problem)
        self.next_ns = now + self.every_ns

    def collect(self) -> None:
        for picture in self._engine.parents.pictures():
            if not picture.status.is_open and picture.number not in self.ended:
                parent = self._engine.parents._by_number(picture.number)
                assert parent is not None
                self.ended[picture.number] = (picture, parent.state.memory.reposts)


@pytest.mark.parametrize(
    ("venue", "kind", "name", "symbol", "quantity", "life_s"),
    [
        ("binance", MarketKind.LINEAR, BINANCE, "BTC/USDT:USDT", "0.01", 60),
        ("binance", MarketKind.SPOT, BINANCE, "BTC/USDT", "0.01", 60),
        ("bybit", MarketKind.LINEAR, BYBIT, "SOL/USDT:USDT", "5", 30),
    ],
    ids=["binance perpetual", "binance spot", "bybit perpetual"],
)
def test_it_is_all_maker_and_what_it_saves_is_told(
    venue: str, kind: MarketKind, name: str, symbol: str, quantity: str, life_s: int
) -> None:
    capture = RECORDED / venue / kind.value / name
    if not capture.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {capture.name}"
        pytest.skip("no recorded session beside the repository")
    starts = Starts(f"{venue}:{symbol}", quantity, every_s=1, life_s=life_s)
    source = Source(paths=(capture,), venue=venue, kind=kind, symbols=(symbol,))
    backtest = Backtest(BacktestOptions(sources=(source,), limits=UNBOUND), starts)
    result = backtest.run()
    starts.collect()
    fills = [record for _, record in backtest.journals[venue].records if isinstance(record, OrderFilled)]
    assert fills
    assert {fill.liquidity for fill in fills} == {Liquidity.MAKER}
    done = [(picture, reposts) for picture, reposts in starts.ended.values() if picture.status is ParentStatus.DONE]
    assert len(done) >= 10
    terms = backtest.engines[venue].data.markets[starts.key].instrument
    for picture, _ in done:
        assert picture.filled == picture.quantity
        value = picture.average * picture.filled
        assert picture.saved == pytest.approx(value * (terms.taker_fee - terms.maker_fee))
    seconds = [(picture.ended_ns - picture.started_ns) / NS_PER_S for picture, _ in done]
    assert starts.refused == []
    slippage = [float(picture.slippage_bp or 0) for picture, _ in done]
    saved = [float(picture.saved / (picture.average * picture.filled)) * 1e4 for picture, _ in done]
    print(
        f"\n{venue} {symbol}: {(result.last_ns - result.first_ns) / NS_PER_S:.0f} s, {len(starts.ended)} makers ended,"
        f" {len(done)} filled; fill time median {median(seconds):.1f} s, p90 {quantiles(seconds, n=10)[-1]:.1f} s;"
        f" reposts {sum(reposts for _, reposts in done) / len(done):.2f} each, at most {max(r for _, r in done)};"
        f" to the mid at the start {median(slippage):+.2f} bp; fees saved {median(saved):.2f} bp"
    )
