"""The order book against a naive dictionary under random operations."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.model.enums import Side
from tests.binance_world import write

PRICE = st.integers(1, 400).map(lambda tick: tick / 10)
LEVELS = st.lists(st.tuples(PRICE, st.sampled_from([0.0, 0.0, 1.0, 2.5])), max_size=25)


def same(book: OrderBook, bids: dict[float, float], asks: dict[float, float], depths: list[int]) -> None:
    best_bids, best_asks = sorted(bids.items(), reverse=True), sorted(asks.items())
    assert (book.bids, book.asks) == (bids, asks)
    assert book.best_bid() == (best_bids[0] if bids else None)
    assert book.best_ask() == (best_asks[0] if asks else None)
    assert book.crossed() is bool(bids and asks and best_bids[0][0] >= best_asks[0][0])
    for depth in depths:
        assert book.top(depth) == (best_bids[:depth], best_asks[:depth])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LEVELS, LEVELS, st.lists(st.integers(0, 120), max_size=2)), max_size=40))
def test_best_and_top_equal_those_of_a_sorted_dictionary(
    updates: list[tuple[list[tuple[float, float]], list[tuple[float, float]], list[int]]],
) -> None:
    book, bids, asks = OrderBook(), dict[float, float](), dict[float, float]()
    for bid_levels, ask_levels, depths in updates:
        book.apply(bid_levels, ask_levels)
        write(bids, bid_levels)
        write(asks, ask_levels)
        same(book, bids, asks, depths)
    assert list(book.iter_from_best(Side.BUY)) == sorted(bids.items(), reverse=True)
    assert list(book.iter_from_best(Side.SELL)) == sorted(asks.items())


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_a_deep_book_on_the_move_stays_right(seed: int) -> None:
    rng = random.Random(seed)
    mid = 50_000
    bids = {(mid - i) / 100: 1.0 for i in range(1, 3000, 2)}
    asks = {(mid + i) / 100: 1.0 for i in range(1, 3000, 2)}
    book = OrderBook()
    book.replace(bids.items(), asks.items())
    for _ in range(150):
        mid += rng.randint(-40, 40)
        bid_levels = [(price, 0.0) for price in bids if price >= mid / 100]
        ask_levels = [(price, 0.0) for price in asks if price <= mid / 100]
        bid_levels += [((mid - rng.randint(1, 300)) / 100, float(rng.randint(0, 3))) for _ in range(rng.randint(0, 60))]
        ask_levels += [((mid + rng.randint(1, 300)) / 100, float(rng.randint(0, 3))) for _ in range(rng.randint(0, 60))]
        book.apply(bid_levels, ask_levels)
        write(bids, bid_levels)
        write(asks, ask_levels)
        assert book.bid_price == max(bids) and book.ask_price == min(asks)
        if rng.random() < 0.1:
            same(book, bids, asks, [rng.choice((1, 5, 40, 400, 5000))])
    same(book, bids, asks, [10, 3000])
