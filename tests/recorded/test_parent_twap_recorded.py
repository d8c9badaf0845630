"""TWAP on recorded sessions, through the backtest kernel: its price against the market's own in the same time."""

import os
from bisect import bisect_left
from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from statistics import fmean, median, quantiles

import pytest

from jackbot_tui.algos.state import Kind, ParentPicture, ParentRequest, ParentStatus
from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, Source
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.parents import ParentOptions
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
from jackbot_tui.risk.limits import RiskLimits

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "binance"
NAME = "btcusdt_20240808.jsonl.gz"
UNBOUND = RiskLimits(
    max_orders_per_s=0, max_position_notional=Decimal(0), max_order_notional=Decimal(0), max_day_loss=Decimal(0)
)
OVER_S = 20

pytestmark = pytest.mark.recorded


class Tape:
    """Every trade of one instrument: times, and values and sizes summed up to each."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.times: list[int] = []
        self.trades: list[tuple[float, float]] = []

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        if market.key == self.key:
            self.times.append(now)
            self.trades.append((trade.price * trade.size, trade.size))

    def on_book(self, market: InstrumentMarket, now: int) -> None: ...

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None: ...

    def on_book_state(
        self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int
    ) -> None: ...

    def on_notice(self, notice: VenueNotice, now: int) -> None: ...

    def average(self, first_ns: int, last_ns: int) -> float:
        """Volume-weighted mean price between two times."""
        begin, end = bisect_left(self.times, first_ns), bisect_left(self.times, last_ns)
        values = list(accumulate(value for value, _ in self.trades[begin:end]))
        sizes = list(accumulate(size for _, size in self.trades[begin:end]))
        return values[-1] / sizes[-1]


class Starts:
    """A ``kernel.Strategy``: a buying and a selling TWAP in turn, one every 1.4 s."""

    def __init__(self, key: str, values: dict[str, str]) -> None:
        self.key = key
        self.values = values
        self.tape = Tape(key)
        self.next_ns: int | None = None
        self.ended: dict[int, ParentPicture] = {}
        self.problems: list[str] = []
        self._engine: Engine
        self._turn = 0

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        (self._engine,) = engines.values()
        self._engine.data.subscribe(self.tape)
        self.next_ns = now + 2 * NS_PER_S

    def wake(self, now: int) -> None:
        self.collect()
        self._turn += 1
        side = Side.BUY if self._turn % 2 else Side.SELL
        request = ParentRequest(
            kind=Kind.TWAP, key=self.key, side=side, quantity=Decimal("0.06"), values=self.values, source="test"
        )
        problem = self._engine.parents.start(request).problem
        if problem:
            self.problems.append(problem)
        self.next_ns = now + NS_PER_S * 14 // 10

    def collect(self) -> None:
        for picture in self._engine.parents.pictures():
            if not picture.status.is_open:
                self.ended[picture.number] = picture


@pytest.mark.parametrize("kind", [MarketKind.LINEAR, MarketKind.SPOT], ids=["perpetual", "spot"])
def test_the_price_stays_near_the_markets_own(kind: MarketKind) -> None:
    capture = RECORDED / kind.value / NAME
    if not capture.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {capture.name}"
        pytest.skip("no recorded session beside the repository")
    symbol = "BTC/USDT:USDT" if kind is MarketKind.LINEAR else "BTC/USDT"
    starts = Starts(f"binance:{symbol}", {"over": f"{OVER_S}s", "slices": "4"})
    source = Source(paths=(capture,), venue="binance", kind=kind, symbols=(symbol,))
    options = BacktestOptions(sources=(source,), limits=UNBOUND, parents=ParentOptions(children_per_s=100))
    Backtest(options, starts).run()
    starts.collect()
    assert starts.problems == []
    done = [picture for picture in starts.ended.values() if picture.status is ParentStatus.DONE]
    assert len(done) >= 200
    assert all(picture.filled == picture.quantity for picture in done)
    against = []
    for picture in done:
        own = starts.tape.average(picture.started_ns, picture.started_ns + OVER_S * NS_PER_S)
        against.append((float(picture.average) - own) / own * 1e4 * picture.side.sign)
    tenths = quantiles(against, n=10)
    makers = fmean(float(picture.maker_share or 0) for picture in done)
    print(
        f"\n{symbol}: {len(done)} of {len(starts.ended)} done, {makers * 100:.0f} % maker; against the"
        f" interval's VWAP median {median(against):+.2f} bp, p10 {tenths[0]:+.2f}, p90 {tenths[-1]:+.2f},"
        f" worst {max(against):+.2f}"
    )
    assert abs(median(against)) < 3.0
