"""Strategies in Python: what they hear and when, and the result of a session small enough to reckon by hand."""

from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, Source
from jackbot_tui.backtest.outcome import outcomes_of
from jackbot_tui.backtest.trader import Coded, Trader
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, write_capture
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, OrderStatus
from jackbot_tui.model.market import Trade
from jackbot_tui.model.orders import Order, OrderFilled
from tests.binance_world import depth, depth_reply, received
from tests.property.test_backtest_merge import KEY, SNAPSHOT_URL, START_NS, trade

SECOND = 1000 * NS_PER_MS


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """99.9 / 100.1 for two seconds, then 98.9 / 99.1 for seven; a trade every second."""
    records = [
        received(START_NS, depth("BTCUSDT", 10, 10, [(99.9, 5.0)], [(100.1, 5.0)], 9)),
        CaptureRecord(
            START_NS + 1, CaptureKind.HTTP, "rest", SNAPSHOT_URL, depth_reply(10, [(99.9, 5.0)], [(100.1, 5.0)])
        ),
        received(START_NS + 2, depth("BTCUSDT", 11, 11, [(99.9, 6.0)], [], 10)),
    ]
    for second in range(1, 10):
        at = START_NS + second * SECOND
        if second == 2:
            fallen = [(99.9, 0.0), (98.9, 5.0)], [(100.1, 0.0), (99.1, 5.0)]
            records.append(received(at, depth("BTCUSDT", 12, 12, *fallen, 11)))
        elif second > 2:
            records.append(received(at, depth("BTCUSDT", 10 + second, 10 + second, [(98.9, 5.0)], [], 9 + second)))
        records.append(received(at + 1, trade(second, 100.1 if second < 2 else 99.1)))
    path = tmp_path / "session.jsonl.gz"
    write_capture(path, records)
    return path


class BuysOnce(Trader):
    def on_start(self) -> None:
        self.heard: list[str] = []
        self.times: list[int] = []
        self.wake_in(0.5)

    def on_timer(self) -> None:
        reply = self.say("buy 1 mkt", KEY)
        self._hear(f"timer {reply.ok}")

    def on_book(self, market: InstrumentMarket) -> None:
        self._hear(f"book {market.book.bid_price}")

    def on_trade(self, market: InstrumentMarket, trade: Trade) -> None:
        self._hear(f"trade {trade.trade_id} at {market.book.bid_price}")

    def on_fill(self, order: Order, fill: OrderFilled) -> None:
        self._hear(f"fill {fill.price} {order.status.value}")

    def on_order(self, order: Order) -> None:
        self._hear(f"order {order.status.value}")

    def _hear(self, text: str) -> None:
        self.heard.append(text)
        self.times.append(self.now)


def run(capture: Path, trader: Trader) -> Backtest:
    source = Source(paths=(capture,), venue="binance", kind=MarketKind.LINEAR)
    return Backtest(BacktestOptions(sources=(source,)), Coded(trader))


def test_a_strategy_hears_of_market_and_orders_in_the_order_of_events(capture: Path) -> None:
    trader = BuysOnce()
    run(capture, trader).run()
    assert trader.times == sorted(trader.times)
    bought = trader.heard.index("timer True")
    assert trader.heard[:bought] == ["book 99.9", "book 99.9"]
    assert trader.times[bought] == START_NS + SECOND // 2
    filled = trader.heard.index("fill 100.1 filled")
    assert trader.times[filled] == START_NS + SECOND // 2 + 40 * NS_PER_MS  # there and back
    assert trader.heard[filled + 1] == "order filled"
    assert trader.heard[-1] == "trade 9 at 98.9"


def test_the_outcome_is_what_one_reckons_by_hand(capture: Path) -> None:
    """Bought 1 at 100.1, fee 0.05 %; the mid falls from 100 to 99 a second and a half later."""
    backtest = run(capture, BuysOnce())
    result = backtest.run()
    (outcome,) = outcomes_of(backtest.engines)
    assert (outcome.key, outcome.submitted, outcome.refused, outcome.fills, outcome.maker_fills) == (KEY, 1, 0, 1, 0)
    assert (outcome.position, outcome.turnover) == (Decimal(1), Decimal("100.1"))
    assert (outcome.gross, outcome.fees) == (Decimal("-1.1"), Decimal("0.05005"))
    assert outcome.profit == Decimal("-1.15005")
    assert result.drawdown == Decimal("1.15005")
    # the fill's venue time is 0.52 s: mids at 1.52 s (100) and 5.52 s (99) against 100.1
    assert outcome.markouts[:2] == pytest.approx([-0.1 / 100.1 * 1e4, -1.1 / 100.1 * 1e4])
    assert outcome.markouts[2:] == [None, None]


class Quotes(BuysOnce):
    def on_timer(self) -> None:
        self.say("buy 1 @ 50", KEY)

    def on_order(self, order: Order) -> None:
        super().on_order(order)
        if order.status is OrderStatus.NEW:
            assert [each.client_id for each in self.orders(KEY)] == [order.client_id]
            self.say("cancel all", KEY)


def test_a_strategy_may_act_on_what_it_hears_of_its_orders(capture: Path) -> None:
    trader = Quotes()
    backtest = run(capture, trader)
    backtest.run()
    assert [each for each in trader.heard if each.startswith("order")] == [
        "order new",
        "order pending_cancel",
        "order canceled",
    ]
    assert backtest.engines["binance"].oms.open_orders() == []
