"""One instrument's market: how old a mark may be, what a position is worth, which exchange time was seen last."""

from decimal import Decimal

from jackbot_tui.book.market import MARK_LIFE_NS
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.market import MarkPrice, Trade
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.model.orders import OrderFilled, OrderRequest
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel
from tests.binance_world import depth, depth_reply, frame
from tests.paper_world import Market

KEY = "binance:BTC/USDT"
BIDS, ASKS = [(99.0, 1.0)], [(101.0, 1.0)]


def traded(price: float, ts_event: int) -> Trade:
    return Trade(KEY, ts_event, ts_event, "1", Side.BUY, price, 1.0, f"{price}", "1.0")


def test_a_mark_is_believed_for_its_life_and_no_longer() -> None:
    market = Market()
    assert market.fresh_mark(5) is None
    market.mark = MarkPrice(KEY, 1, 1_000, 64000.5, 64000.0, 0.0001, 0)
    assert market.fresh_mark(1_000 + MARK_LIFE_NS - 1) == decimal_of("64000.5")
    assert market.fresh_mark(1_000 + MARK_LIFE_NS) is None


def test_a_position_is_valued_at_the_mark_then_the_mid_then_the_last_trade() -> None:
    market = Market()
    assert market.value_price(0) is None
    market.trades.add(traded(95.0, 1))
    assert market.value_price(0) == 95
    market.set(BIDS, ASKS)
    assert market.value_price(0) == 100
    market.mark = MarkPrice(KEY, 0, 0, 103.0, 103.0, 0.0, 0)
    assert market.value_price(0) == 103
    assert market.value_price(MARK_LIFE_NS) == 100
    market.become(BookState.STALE)
    assert market.value_price(MARK_LIFE_NS) == 95


def test_the_newest_exchange_time_comes_from_book_and_tape_and_never_goes_back() -> None:
    data = MarketData(load_venue("binance"))
    (inferred,) = data.codec.infer(MarketKind.SPOT, [depth("BTCUSDT", 1, 1, BIDS, ASKS)])
    market = data.add(inferred.instrument)
    assert market.newest_event_ns == 0
    data.on_frame(MarketKind.SPOT, depth("BTCUSDT", 1, 1, BIDS, ASKS), 7)
    told = market.newest_event_ns
    assert told == market.book_event_ns == 1_795_000_000_105 * 1_000_000
    data.on_frame(MarketKind.SPOT, depth("BTCUSDT", 2, 2, BIDS, ASKS).replace("000105", "000001"), 8)
    assert market.newest_event_ns == told
    market.trades.add(traded(95.0, told + 1))
    assert market.newest_event_ns == told + 1


def test_a_frame_with_an_older_trade_fills_no_paper_order_that_queued_behind_a_newer_book() -> None:
    data = MarketData(load_venue("binance"))
    (inferred,) = data.codec.infer(MarketKind.SPOT, [depth("BTCUSDT", 1, 1, BIDS, ASKS)])
    market = data.add(inferred.instrument)
    (plan,) = data.codec.plan([inferred.instrument], [Channel.BOOK, Channel.TRADES])
    data.on_connect(plan, 1)
    data.on_frame(MarketKind.SPOT, depth("BTCUSDT", 1, 1, BIDS, ASKS), 2)
    (request,) = data.wanted_snapshots()
    data.on_http(request, depth_reply(1, BIDS, ASKS), 3)
    data.on_frame(MarketKind.SPOT, depth("BTCUSDT", 2, 2, BIDS, ASKS), 4)
    assert market.live
    config = PaperConfig(entry_latency_ns=0, response_latency_ns=0)
    paper = PaperExecutor(data.markets, config, 1, trade_id_prefix="t-")
    wish = OrderRequest(key=KEY, side=Side.BUY, quantity=Decimal(2), price=Decimal(99))
    paper.submit(Oms().create(wish, 1, "o1", 5), 5)
    filled = []
    for number, made_ms in enumerate((-50, 0, 1)):
        told_ms = market.book_event_ns // 1_000_000 + made_ms
        trade = {"e": "trade", "s": "BTCUSDT", "t": number, "p": "98.00", "q": "9.0", "T": told_ms, "m": True}
        data.on_frame(MarketKind.SPOT, frame("btcusdt@trade", E=told_ms, **trade), 6)
        assert market.trades.last is not None and market.trades.last.trade_id == str(number)
        events = paper.on_trade(market, market.trades.last, 6)
        filled.append(sum(event.quantity for event in events if isinstance(event, OrderFilled)))
    assert filled == [0, 0, 2]
