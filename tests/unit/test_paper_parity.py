"""Parity with hftbacktest on made-up sessions: rules that one recorded hour never needs are needed here.

Books of few prices and few lots, levels that are sent again unchanged, trades that eat a level to the last lot, trades
beyond the best price. Nothing recorded is needed, so this part of the gate runs everywhere.
"""

import os
import random

import pytest

from bench.parity import compare, our_outcomes
from jackbot_tui.backtest.recorded import MarketChange, RecordedMarket
from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.execution.paper.queue_models import SETTINGS
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Level, Trade
from jackbot_tui.model.numbers import text_of
from tests.paper_world import PERP

DEPTH = 4


class Session:
    """A random market on a grid of ticks, never crossed: ``bid`` is the best bid's tick, the best ask is one above."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.bid = 1000
        self.sizes: dict[tuple[Side, int], int] = {}
        self.changes: list[MarketChange] = []
        self.now = 1_700_000_000 * NS_PER_S
        self.arrived = 0
        self._send(*self._fresh())

    def run(self, seconds: float) -> RecordedMarket:
        end = self.now + int(seconds * NS_PER_S)
        while self.now < end:
            self.now += self.rng.choice((0, 1, 1, 2, 5, 20)) * NS_PER_MS
            match self.rng.randrange(12):
                case 0:
                    self._move(self.rng.choice((-1, 1)))
                case 1 | 2 | 3:
                    self._trade()
                case _:
                    self._twitch()
        return RecordedMarket(PERP, self.changes)

    def _fresh(self) -> tuple[list[Level], list[Level]]:
        bids = [self._set(Side.BUY, self.bid - i, self.rng.randint(1, 9)) for i in range(DEPTH)]
        asks = [self._set(Side.SELL, self.bid + 1 + i, self.rng.randint(1, 9)) for i in range(DEPTH)]
        return bids, asks

    def _move(self, ticks: int) -> None:
        """The touch moves: the levels it passes vanish, new ones come up on the other side."""
        old = list(self.sizes)
        self.bid += ticks
        bids, asks = self._fresh()
        for side, tick in old:
            gone = tick > self.bid if side is Side.BUY else tick <= self.bid
            if gone:
                (bids if side is Side.BUY else asks).append(self._set(side, tick, 0))
        self._send(bids, asks)

    def _twitch(self) -> None:
        """Some levels change, some are sent again as they were."""
        named = {
            (side, self.bid - depth if side is Side.BUY else self.bid + 1 + depth)
            for side, depth in ((self.rng.choice(list(Side)), self.rng.randrange(DEPTH)) for _ in range(3))
        }
        bids: list[Level] = []
        asks: list[Level] = []
        for side, tick in sorted(named):
            now = self.sizes.get((side, tick), 0)
            size = max(1, self.rng.choice((now, now, now - 1, now + 1, self.rng.randint(1, 9))))
            (bids if side is Side.BUY else asks).append(self._set(side, tick, size))
        self._send(bids, asks)

    def _trade(self) -> None:
        """A trade at the touch, now and then one tick beyond; the level may be told before, after or not at all."""
        side = self.rng.choice((Side.BUY, Side.SELL))
        hit = self.bid + 1 if side is Side.BUY else self.bid
        tick = hit + side.sign * (self.rng.random() < 0.1)
        shown = self.sizes.get((side.opposite, hit), 1)
        lots = min(shown, self.rng.randint(1, 4))
        size = text_of(lots * PERP.lot)
        price = text_of(tick * PERP.tick)
        number = str(len(self.changes))
        trade = Trade(PERP.key, self.now, self.now, number, side, float(price), float(size), price, size)
        self.changes.append(MarketChange(self.now, self._local(), [], [], trade))
        if shown > lots and self.rng.random() < 0.7:
            level = self._set(side.opposite, hit, shown - lots + self.rng.choice((0, 0, lots)))
            self._send([level] if side is Side.SELL else [], [level] if side is Side.BUY else [])

    def _set(self, side: Side, tick: int, lots: int) -> Level:
        if lots:
            self.sizes[(side, tick)] = lots
        else:
            self.sizes.pop((side, tick), None)
        return float(text_of(tick * PERP.tick)), float(text_of(lots * PERP.lot))

    def _send(self, bids: list[Level], asks: list[Level]) -> None:
        self.changes.append(MarketChange(self.now, self._local(), bids, asks))

    def _local(self) -> int:
        self.arrived = max(self.arrived, self.now + self.rng.randint(1, 15) * NS_PER_MS)
        return self.arrived


def needs_hftbacktest() -> None:
    if "CI" in os.environ:
        import hftbacktest  # noqa: F401  # CI installs the development extra: missing is an error there
    else:
        pytest.importorskip("hftbacktest", reason="hftbacktest is not installed (development extra)")


@pytest.mark.parametrize("seed", range(8))
def test_random_markets_fill_alike_under_all_queue_models(seed: int) -> None:
    needs_hftbacktest()
    comparisons = compare(Session(seed).run(40.0))
    assert [(each.queue, each.differences) for each in comparisons] == [(queue, []) for queue in SETTINGS]
    assert all({"filled", "canceled"} <= {status for status, _ in each.ours} for each in comparisons)


def test_an_update_to_the_same_size_is_news_after_a_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent again unchanged after a trade was refilled behind us: forgetting it changes later estimates."""
    needs_hftbacktest()
    sessions = [Session(seed).run(40.0) for seed in range(4)]
    true = [our_outcomes(session, ("power2:3",)) for session in sessions]
    monkeypatch.setattr(OrderBook, "was_sent", lambda self, side, price: False)
    assert [our_outcomes(session, ("power2:3",)) for session in sessions] != true
