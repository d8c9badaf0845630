"""One instrument's market: how old a mark may be, what a position is worth, which exchange time was seen last."""

from jackbot_tui.book.market import MARK_LIFE_NS
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.market import MarkPrice, Trade
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.venues import load_venue
from tests.binance_world import depth
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
