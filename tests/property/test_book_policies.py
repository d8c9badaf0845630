"""In-stream snapshots under lost, repeated, swapped and late frames: a book is exact or not LIVE, and it heals.

A made-up venue publishes a book of which it keeps its subscribers told to a depth, by each sequence policy, with
checksums where there are no ids. Every frame carries the number of the state that a book is in after it (``ts_event``).
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.book.checksums import kraken_crc32, okx_crc32
from jackbot_tui.book.sequencer import MOST_OLD, L2Sequencer, SyncAction
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.market import BookDelta, BookSnapshot
from jackbot_tui.venues.base import SequencePolicy

LENGTH, CALM, DEPTH = 120, 40, 10
"""Frames of a session; undamaged ones at its end, in which the book must come back; levels a side."""

Side = dict[float, float]
State = tuple[Side, Side]
Frame = BookSnapshot | BookDelta
DAMAGE = st.lists(st.tuples(st.sampled_from(["drop", "repeat", "swap", "late"]), st.floats(0, 1)), max_size=20)
POLICIES = [
    (SequencePolicy.LINKED_ID, ""),
    (SequencePolicy.LINKED_ID, "okx_crc32"),
    (SequencePolicy.PREVIOUS_ID, ""),
    (SequencePolicy.STRICT_SEQUENCE, ""),
    (SequencePolicy.UNSEQUENCED, "kraken_crc32"),
    (SequencePolicy.SNAPSHOT_ONLY, ""),
]


def seen(side: Side, best_high: bool) -> Side:
    """The ``DEPTH`` best levels."""
    return {price: side[price] for price in sorted(side, reverse=best_high)[:DEPTH]}


def texts(levels: list[tuple[float, float]]) -> list[tuple[str, str]]:
    return [(f"{price:.1f}", f"{size:.4f}") for price, size in levels]


class Venue:
    """Its states and the frames between them."""

    def __init__(self, policy: str, checksum: str, seed: int) -> None:
        rng = random.Random(seed)
        self.policy, self.checksum = policy, checksum
        self.states: list[State] = []
        self.frames: list[Frame] = []
        self._ids: list[int] = []
        bids = {(1000 - n) / 10: 1.0 + n for n in range(25)}
        asks = {(1010 + n) / 10: 1.0 + n for n in range(25)}
        number = 1000
        before: State | None = None
        for index in range(LENGTH):
            if before is not None:
                self._change(rng, bids, asks)
            step = {SequencePolicy.STRICT_SEQUENCE: 1}.get(SequencePolicy(policy), rng.randint(1, 9))
            if policy == SequencePolicy.LINKED_ID and rng.random() < 0.05:
                step = -number + (number // 2 if number > 600 else 3 * number)  # the venue numbers anew
            number += step
            self._ids.append(number)
            state = seen(bids, True), seen(asks, False)
            self.states.append(state)
            whole = before is None or policy == SequencePolicy.SNAPSHOT_ONLY or rng.random() < 0.03
            self.frames.append(self.snapshot(index) if whole else self._delta(index, before, (bids, asks)))
            before = state

    @staticmethod
    def _change(rng: random.Random, bids: Side, asks: Side) -> None:
        """Orders come and go, also at the inside; the sides stay apart and deep."""
        for side, best in ((bids, max), (asks, min)):
            for _ in range(rng.randint(0, 3)):
                if len(side) > 15 and rng.random() < 0.5:
                    side.pop(best(side) if rng.random() < 0.3 else rng.choice(sorted(side)))
                else:
                    low, high = (900, int(min(asks) * 10) - 1) if side is bids else (int(max(bids) * 10) + 1, 1200)
                    side[rng.randint(low, high) / 10] = rng.randint(1, 99) / 4

    def _proof(self, index: int) -> int | None:
        bids, asks = self.states[index]
        best_bids, best_asks = texts(sorted(bids.items(), reverse=True)), texts(sorted(asks.items()))
        match self.checksum:
            case "okx_crc32":
                value = okx_crc32(best_bids, best_asks)
                return value - (1 << 32) if value >= 1 << 31 else value
            case "kraken_crc32":
                return kraken_crc32(best_bids, best_asks)
        return None

    def snapshot(self, index: int) -> BookSnapshot:
        bids, asks = (list(side.items()) for side in self.states[index])
        written = (texts(bids), texts(asks)) if self.checksum else None
        last_id = -1 if self.policy == SequencePolicy.UNSEQUENCED else self._ids[index]
        return BookSnapshot("k", index, 0, last_id, bids, asks, checksum=self._proof(index), texts=written)

    def _delta(self, index: int, before: State | None, full: State) -> BookDelta:
        """What changed in view; a level that only fell out of view is not mentioned."""
        assert before is not None
        sides = [
            [(price, size) for price, size in now.items() if old.get(price) != size]
            + [(price, 0.0) for price in old if price not in all_levels]
            for old, now, all_levels in zip(before, self.states[index], full, strict=True)
        ]
        written = (texts(sides[0]), texts(sides[1])) if self.checksum else None
        last, previous = self._ids[index], self._ids[index - 1]
        ids = (previous if self.policy == SequencePolicy.PREVIOUS_ID else -1, last, previous)
        if self.policy == SequencePolicy.UNSEQUENCED:
            ids = (-1, -1, -1)
        return BookDelta("k", index, 0, *ids, sides[0], sides[1], checksum=self._proof(index), texts=written)


def damaged(frames: list[Frame], damage: list[tuple[str, float]]) -> list[Frame]:
    out = list(frames[:-CALM])
    for kind, place in damage:
        at = int(place * (len(out) - 2))
        match kind:
            case "drop":
                del out[at]
            case "repeat":
                out.insert(min(len(out), at + 3), out[at])
            case "swap":
                out[at], out[at + 1] = out[at + 1], out[at]
            case "late":
                out.insert(min(len(out), at + 7), out.pop(at))
    return out + frames[-CALM:]


def guard_of(venue: Venue) -> L2Sequencer:
    return L2Sequencer("k", venue.policy, max_levels=1000, in_stream=True, depth=DEPTH, checksum=venue.checksum)


def take(guard: L2Sequencer, frame: Frame) -> SyncAction:
    return guard.on_snapshot(frame) if isinstance(frame, BookSnapshot) else guard.on_delta(frame)


def play(venue: Venue, arriving: list[Frame], seed: int) -> L2Sequencer:
    """Feed ``arriving``; a wish for a snapshot is granted some frames later, with the state reached by then."""
    guard, rng = guard_of(venue), random.Random(seed)
    due, state = -1, -1
    for number, frame in enumerate(arriving):
        inbox: list[Frame] = [frame]
        if due == number:
            inbox.append(venue.snapshot(frame.ts_event))
        for each in inbox:
            action = take(guard, each)
            if action in (SyncAction.APPLIED, SyncAction.BECAME_LIVE):
                state = each.ts_event
            elif action is SyncAction.NEED_SNAPSHOT:
                due = min(number + rng.randint(1, 5), len(arriving) - 2)
            if guard.state is BookState.LIVE:
                assert (guard.book.bids, guard.book.asks) == venue.states[state]
                assert guard.book.bid_price == max(venue.states[state][0])
                assert guard.book.ask_price == min(venue.states[state][1])
    return guard


@pytest.mark.parametrize(("policy", "checksum"), POLICIES)
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), damage=DAMAGE)
def test_a_damaged_stream_never_shows_a_wrong_live_book_and_heals(
    policy: str, checksum: str, seed: int, damage: list[tuple[str, float]]
) -> None:
    venue = Venue(policy, checksum, seed)
    guard = play(venue, damaged(venue.frames, damage), seed)
    assert guard.state is BookState.LIVE, f"did not heal: {guard.reason}"
    assert (guard.book.bids, guard.book.asks) == venue.states[-1]


@pytest.mark.parametrize(("policy", "checksum"), POLICIES)
@pytest.mark.parametrize("seed", range(20))
def test_an_undamaged_stream_is_live_from_its_first_frame_to_its_last(policy: str, checksum: str, seed: int) -> None:
    venue = Venue(policy, checksum, seed)
    guard = guard_of(venue)
    actions = [take(guard, frame) for frame in venue.frames]
    assert actions == [SyncAction.BECAME_LIVE] + [SyncAction.APPLIED] * (LENGTH - 1)
    stats = guard.stats
    assert (stats.gaps, stats.resyncs, stats.crossed, stats.ignored, stats.checksums_bad) == (0, 0, 0, 0, 0)
    assert stats.checksums_ok == (LENGTH if checksum else 0)
    assert (guard.book.bids, guard.book.asks) == venue.states[-1]


@pytest.mark.parametrize(("policy", "checksum"), POLICIES[:-1])
def test_a_lost_update_is_noticed_at_the_next_one_that_tells(policy: str, checksum: str) -> None:
    noticed = 0
    for seed in range(20):
        venue = Venue(policy, checksum, seed)
        frames = [frame for number, frame in enumerate(venue.frames) if number != 60]
        if not isinstance(venue.frames[60], BookDelta) or not isinstance(venue.frames[61], BookDelta):
            continue
        if venue.states[59] == venue.states[60] and checksum:
            continue  # nothing was lost
        guard = guard_of(venue)
        actions = [take(guard, frame) for frame in frames[:61]]
        noticed += actions[-1] is SyncAction.NEED_SNAPSHOT
        assert actions[-1] is SyncAction.NEED_SNAPSHOT or (guard.book.bids, guard.book.asks) == venue.states[61]
        stats = guard.stats
        assert stats.gaps + stats.checksums_bad + stats.crossed == (actions[-1] is not SyncAction.APPLIED)
    assert noticed > 10


def test_a_stream_that_numbers_anew_without_a_word_does_not_stay_live_on_an_old_book() -> None:
    guard = L2Sequencer("k", SequencePolicy.STRICT_SEQUENCE, max_levels=100, in_stream=True)
    guard.on_snapshot(BookSnapshot("k", 0, 0, 10**6, [(99.0, 1.0)], [(101.0, 1.0)]))
    actions = [guard.on_delta(BookDelta("k", 0, 0, n, n, n - 1, [(98.0, 1.0)], [])) for n in range(1, MOST_OLD + 3)]
    assert actions == [SyncAction.IGNORED] * MOST_OLD + [SyncAction.NEED_SNAPSHOT, SyncAction.IGNORED]
    assert (guard.state, guard.stats.gaps, guard.book.bids) == (BookState.SYNCING, 1, {99.0: 1.0})
