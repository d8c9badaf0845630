"""The order book by itself."""

import random

import pytest

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.model.enums import Side


def book_of(bids: list[tuple[float, float]], asks: list[tuple[float, float]], max_levels: int = 20_000) -> OrderBook:
    book = OrderBook(max_levels)
    book.replace(bids, asks)
    return book


def test_an_empty_book_has_no_best_and_does_not_cross() -> None:
    book = OrderBook()
    assert (book.best_bid(), book.best_ask(), book.top(5), book.crossed()) == (None, None, ([], []), False)
    assert list(book.iter_from_best(Side.BUY)) == []


def test_a_snapshot_replaces_everything_and_leaves_zero_sizes_out() -> None:
    book = book_of([(1.0, 1.0)], [(2.0, 1.0)])
    book.replace([(10.0, 3.0), (9.0, 0.0)], [(11.0, 4.0)])
    assert (book.bids, book.asks) == ({10.0: 3.0}, {11.0: 4.0})
    assert (book.best_bid(), book.best_ask()) == ((10.0, 3.0), (11.0, 4.0))


def test_updates_are_absolute_and_zero_deletes_even_what_is_unknown() -> None:
    book = book_of([(10.0, 3.0), (9.0, 2.0)], [(11.0, 4.0)])
    book.apply([(10.0, 1.5), (8.0, 0.0)], [(12.0, 1.0)])
    assert (book.best_bid(), book.size_at(Side.BUY, 9.0), book.size_at(Side.BUY, 8.0)) == ((10.0, 1.5), 2.0, 0.0)
    assert book.top(3) == ([(10.0, 1.5), (9.0, 2.0)], [(11.0, 4.0), (12.0, 1.0)])


@pytest.mark.parametrize("deletions", [1, 31, 33, 500])
def test_the_next_best_is_found_however_many_bests_are_deleted(deletions: int) -> None:
    levels = 600
    book = book_of([(1000.0 - i, 1.0) for i in range(levels)], [(1001.0 + i, 1.0) for i in range(levels)])
    for i in range(deletions):
        book.apply([(1000.0 - i, 0.0)], [(1001.0 + i, 0.0)])
    assert book.best_bid() == (1000.0 - deletions, 1.0)
    assert book.best_ask() == (1001.0 + deletions, 1.0)


def test_a_level_added_below_the_best_is_the_next_best() -> None:
    book = book_of([(100.0 - i, 1.0) for i in range(100)], [(101.0 + i, 1.0) for i in range(100)])
    book.apply([(99.5, 7.0)], [(101.5, 8.0)])
    book.apply([(100.0, 0.0)], [(101.0, 0.0)])
    assert (book.best_bid(), book.best_ask()) == ((99.5, 7.0), (101.5, 8.0))


def test_deleting_and_adding_the_best_again_in_one_update_keeps_it() -> None:
    book = book_of([(10.0, 1.0), (9.0, 1.0)], [(11.0, 1.0)])
    book.apply([(10.0, 0.0), (10.0, 5.0)], [])
    assert book.best_bid() == (10.0, 5.0)


def test_a_side_that_is_emptied_and_filled_again_knows_its_best() -> None:
    book = book_of([(10.0, 1.0)], [(11.0, 1.0)])
    book.apply([(10.0, 0.0)], [])
    assert (book.best_bid(), book.best_ask()) == (None, (11.0, 1.0))
    book.apply([(7.0, 2.0), (8.0, 3.0)], [])
    assert book.best_bid() == (8.0, 3.0)


@pytest.mark.parametrize(("bid", "ask", "crossed"), [(10.0, 11.0, False), (11.0, 11.0, True), (12.0, 11.0, True)])
def test_a_bid_at_or_above_the_ask_is_crossed(bid: float, ask: float, crossed: bool) -> None:
    assert book_of([(bid, 1.0)], [(ask, 1.0)]).crossed() is crossed


def test_a_side_never_outgrows_its_bound_and_loses_the_far_levels_first() -> None:
    book = book_of([(1000.0, 1.0)], [(2000.0, 1.0)], max_levels=80)
    rng = random.Random(1)
    for _ in range(3000):
        book.apply([(float(rng.randint(1, 999)), 1.0)], [(float(rng.randint(2001, 4000)), 1.0)])
        assert len(book.bids) <= 90 and len(book.asks) <= 90
    assert (book.best_bid(), book.best_ask()) == ((1000.0, 1.0), (2000.0, 1.0))
    assert book.top(70)[0][-1][0] > 900 and book.top(70)[1][-1][0] < 2200


def test_a_snapshot_beyond_the_bound_is_cut_to_its_nearest_levels() -> None:
    book = book_of([(float(i), 1.0) for i in range(1, 200)], [(float(i), 1.0) for i in range(300, 500)], max_levels=10)
    assert book.top(20) == ([(float(199 - i), 1.0) for i in range(10)], [(300.0 + i, 1.0) for i in range(10)])


def test_reading_deep_once_does_not_change_what_is_read_later() -> None:
    book = book_of([(1000.0 - i, 1.0) for i in range(900)], [(1001.0 + i, 1.0) for i in range(900)])
    assert len(book.top(900)[0]) == 900
    book.apply([(1000.0, 0.0), (999.5, 2.0)], [])
    assert book.top(2)[0] == [(999.5, 2.0), (999.0, 1.0)]
    assert book.top(900)[0][:2] == [(999.5, 2.0), (999.0, 1.0)]
