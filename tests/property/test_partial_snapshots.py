"""Snapshots that end at a depth while updates do not: a LIVE book is the best part of the true one, without holes.

The market walks far beyond every snapshot. Replies come late, from the past or ahead of the stream; frames are lost.
"""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.book.sequencer import THIN, L2Sequencer, SyncAction
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.market import BookDelta, BookSnapshot

DEPTH, LENGTH, CALM = 10, 240, 80
"""Levels a side of a snapshot; frames of a session; frames at its end in which none is lost and replies are prompt."""

Side = dict[float, float]


class Venue:
    """A market of 40 levels a side that drifts: all its states, and the updates between them."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        middle, bids, asks = 1000, dict[float, float](), dict[float, float]()
        self.states: list[tuple[Side, Side]] = []
        self.updates: list[BookDelta] = []
        for number in range(LENGTH):
            middle += rng.choice((-2, -1, 0, 0, 1, 1, 2))
            new_bids = {float(middle - n): bids.get(float(middle - n), rng.randint(1, 9)) for n in range(1, 41)}
            new_asks = {float(middle + n): asks.get(float(middle + n), rng.randint(1, 9)) for n in range(1, 41)}
            far = rng.randint(1, 40)
            new_bids[float(middle - far)] = rng.randint(1, 9)
            changed = [_changes(bids, new_bids), _changes(asks, new_asks)]
            self.updates.append(BookDelta("k", 0, 0, number, number, number - 1, *changed))
            bids, asks = new_bids, new_asks
            self.states.append((bids, asks))

    def snapshot(self, number: int) -> BookSnapshot:
        bids, asks = self.states[number]
        best_bids = sorted(bids.items(), reverse=True)[:DEPTH]
        return BookSnapshot("k", 0, 0, number, best_bids, sorted(asks.items())[:DEPTH])


def _changes(old: Side, new: Side) -> list[tuple[float, float]]:
    gone = [(price, 0.0) for price in old if price not in new]
    return gone + [(price, size) for price, size in new.items() if old.get(price) != size]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, LENGTH), max_size=5), st.integers(0, 30), st.integers(-3, 3))
def test_a_live_book_is_the_best_part_of_the_true_one(seed: int, lost: list[int], wait: int, ahead: int) -> None:
    venue = Venue(seed)
    sequencer = L2Sequencer("k", "update_id_range", max_levels=1000, seed_depth=DEPTH)
    due = -1
    for number, update in enumerate(venue.updates):
        calm = number >= LENGTH - CALM
        action = SyncAction.IGNORED if number in lost and not calm else sequencer.on_delta(update)
        if due < 0 and (action in (SyncAction.NEED_SNAPSHOT, SyncAction.NEAR_EDGE) or sequencer.needs_snapshot):
            due = number + (0 if calm else wait)
        if 0 <= due <= number:
            due = -1
            taken = number if calm else min(LENGTH - 1, max(0, number + ahead))
            if sequencer.on_snapshot(venue.snapshot(taken)) is SyncAction.NEED_SNAPSHOT:
                due = number + 1
        if sequencer.state is BookState.LIVE:
            book, (bids, asks) = sequencer.book, venue.states[sequencer.last_id]
            assert sorted(book.bids.items(), reverse=True) == sorted(bids.items(), reverse=True)[: len(book.bids)]
            assert sorted(book.asks.items()) == sorted(asks.items())[: len(book.asks)]
        if number >= LENGTH - CALM // 2:
            assert sequencer.state is BookState.LIVE
            assert min(len(sequencer.book.bids), len(sequencer.book.asks)) >= DEPTH * THIN


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(("update_id_range", "previous_id")),
    st.integers(0, 10**6),
    st.lists(st.integers(0, LENGTH), max_size=5),
    st.integers(0, 30),
    st.integers(-3, 3),
)
def test_a_live_book_that_keeps_what_it_was_told_beyond_its_edges_is_true_within_them(
    policy: str, seed: int, lost: list[int], wait: int, ahead: int
) -> None:
    venue = Venue(seed)
    sequencer = L2Sequencer("k", policy, max_levels=1000, seed_depth=DEPTH, keeps_unseen=True)
    due, edges = -1, (0.0, 0.0)
    for number, update in enumerate(venue.updates):
        calm = number >= LENGTH - CALM
        action = SyncAction.IGNORED if number in lost and not calm else sequencer.on_delta(update)
        if due < 0 and (action in (SyncAction.NEED_SNAPSHOT, SyncAction.NEAR_EDGE) or sequencer.needs_snapshot):
            due = number + (0 if calm else wait)
        if 0 <= due <= number:
            due = -1
            taken = number if calm else min(LENGTH - 1, max(0, number + ahead))
            if sequencer.on_snapshot(venue.snapshot(taken)) is SyncAction.NEED_SNAPSHOT:
                due = number + 1
        edges = sequencer.known_range
        if sequencer.state is BookState.LIVE:
            book, truth = sequencer.book, venue.states[sequencer.last_id]
            for found, true in zip((book.bids, book.asks), truth, strict=True):
                assert _within(found, edges) == _within(true, edges)
                assert found.items() <= true.items(), "a level that is shown is the venue's"
        if number >= LENGTH - CALM // 2:
            assert sequencer.state is BookState.LIVE
            assert edges[0] <= sequencer.book.bid_price and sequencer.book.ask_price <= edges[1]
            assert (sequencer.book.bid_price, sequencer.book.ask_price) == (
                max(venue.states[number][0]),
                min(venue.states[number][1]),
            )


def _within(side: Side, edges: tuple[float, float]) -> Side:
    return {price: size for price, size in side.items() if edges[0] <= price <= edges[1]}
