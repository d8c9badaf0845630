"""In-stream snapshots under lost, repeated, swapped and late frames, cuts and silence: exact or not LIVE, and it heals.

A made-up venue publishes a book, whole or to a depth, by each sequence policy and with the checksums of the venues that
have them: every combination of options that a venue's spec has is tried here, or where snapshots come over REST in
``test_book_mutations`` and ``test_partial_snapshots``. Every frame carries the number of the state that a book is in
after it (``ts_event``).
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from jackbot_tui.book.checksums import RECIPES
from jackbot_tui.book.rules import RULES
from jackbot_tui.book.sequencer import MOST_OLD, L2Sequencer, SyncAction
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.market import BookDelta, BookSnapshot
from jackbot_tui.venues import VENUES, load_spec
from jackbot_tui.venues.base import MarketSpec, SequencePolicy

LENGTH, CALM, DEPTH = 120, 40, 10
"""Frames of a session; undamaged ones at its end, in which the book must come back; levels a side."""

Side = dict[float, float]
State = tuple[Side, Side]
Frame = BookSnapshot | BookDelta
Arrival = Frame | str
CUT, SILENCE = "cut", "silence"
"""Instead of a frame: the connection is lost and made anew, or nothing came for too long."""

KINDS = ["drop", "repeat", "swap", "late", CUT, SILENCE]
DAMAGE = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 1)), max_size=20)


class Way(Struct, frozen=True):
    """How a venue tells of its book. ``between``: a snapshot may be numbered between two updates (bitget.md §4)."""

    policy: str
    checksum: str = ""
    depth: int = DEPTH
    between: bool = False

    def __str__(self) -> str:
        return " ".join(
            [self.policy, self.checksum, f"depth {self.depth}" if self.depth else "whole", "between" * self.between]
        )


WAYS = [
    Way(SequencePolicy.LINKED_ID),  # Crypto.com
    Way(SequencePolicy.LINKED_ID, "okx_crc32"),  # OKX
    Way(SequencePolicy.LINKED_ID, "bitget_crc32", depth=0, between=True),  # Bitget
    Way(SequencePolicy.LINKED_ID, depth=0, between=True),  # Bitget without checksums
    Way(SequencePolicy.LINKED_ID, depth=0),  # Coinbase
    Way(SequencePolicy.UPDATE_ID_RANGE),  # Gate
    Way(SequencePolicy.UPDATE_ID_RANGE, between=True),
    Way(SequencePolicy.PREVIOUS_ID),
    Way(SequencePolicy.STRICT_SEQUENCE),  # Bybit
    Way(SequencePolicy.STRICT_SEQUENCE, depth=0),  # Kraken's perpetuals
    Way(SequencePolicy.UNSEQUENCED, "kraken_crc32"),  # Kraken's spot; its checksum proves ten levels, see below
    Way(SequencePolicy.SNAPSHOT_ONLY),  # Hyperliquid
]
TRIED_ELSEWHERE = {
    (SequencePolicy.UPDATE_ID_RANGE, False): "test_book_mutations: KuCoin's and MEXC's perpetuals",
    (SequencePolicy.UPDATE_ID_RANGE, True): "test_partial_snapshots: KuCoin spot, Binance spot, MEXC spot",
    (SequencePolicy.PREVIOUS_ID, True): "test_partial_snapshots: Binance's perpetuals",
}
"""With snapshots over REST, by policy and whether these end at a depth."""


def seen(side: Side, best_high: bool, depth: int) -> Side:
    """The ``depth`` best levels, all for 0."""
    return {price: side[price] for price in sorted(side, reverse=best_high)[: depth or None]}


def texts(levels: list[tuple[float, float]]) -> list[tuple[str, str]]:
    return [(f"{price:.1f}", f"{size:.4f}") for price, size in levels]


class Venue:
    """Its states and the frames between them."""

    def __init__(self, way: Way, seed: int) -> None:
        rng = self._rng = random.Random(seed)
        self.way = way
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
            step = 1 if way.policy == SequencePolicy.STRICT_SEQUENCE else rng.randint(1, 9)
            if way.policy == SequencePolicy.LINKED_ID and not way.between and rng.random() < 0.05:
                step = -number + (number // 2 if number > 600 else 3 * number)  # the venue numbers anew
            number += step
            self._ids.append(number)
            state = seen(bids, True, way.depth), seen(asks, False, way.depth)
            self.states.append(state)
            whole = before is None or way.policy == SequencePolicy.SNAPSHOT_ONLY or rng.random() < 0.03
            self.frames.append(self.snapshot(index) if whole else self._delta(index, before, (bids, asks)))
            before = state
        for at, frame in enumerate(self.frames[:-1]):
            if isinstance(frame, BookSnapshot):
                self.frames[at] = self.snapshot(at)  # now that the number after it is known

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
        recipe = RECIPES.get(self.way.checksum)
        if recipe is None:
            return None
        bids, asks = self.states[index]
        best_bids, best_asks = texts(sorted(bids.items(), reverse=True)), texts(sorted(asks.items()))
        value = recipe.compute(best_bids[: recipe.levels], best_asks[: recipe.levels])
        return value - (1 << 32) if value >= 1 << 31 and "kraken" not in self.way.checksum else value

    def snapshot(self, index: int) -> BookSnapshot:
        bids, asks = (list(side.items()) for side in self.states[index])
        written = (texts(bids), texts(asks)) if self.way.checksum else None
        last_id = self._ids[index]
        if self.way.policy == SequencePolicy.UNSEQUENCED:
            last_id = -1
        elif self.way.between and index + 1 < len(self._ids):
            last_id = self._rng.randint(last_id, self._ids[index + 1] - 1)
        return BookSnapshot("k", index, 0, last_id, bids, asks, checksum=self._proof(index), texts=written)

    def _delta(self, index: int, before: State | None, full: State) -> BookDelta:
        """What changed in view; a level that only fell out of view is not mentioned."""
        assert before is not None
        sides = [
            [(price, size) for price, size in now.items() if old.get(price) != size]
            + [(price, 0.0) for price in old if price not in all_levels]
            for old, now, all_levels in zip(before, self.states[index], full, strict=True)
        ]
        written = (texts(sides[0]), texts(sides[1])) if self.way.checksum else None
        last, previous = self._ids[index], self._ids[index - 1]
        match self.way.policy:
            case SequencePolicy.UNSEQUENCED:
                ids = (-1, -1, -1)
            case SequencePolicy.UPDATE_ID_RANGE:
                ids = (previous + 1, last, previous)
            case SequencePolicy.PREVIOUS_ID:
                ids = (previous, last, previous)
            case _:
                ids = (previous if self.way.between else -1, last, previous)
        return BookDelta("k", index, 0, *ids, sides[0], sides[1], checksum=self._proof(index), texts=written)


def damaged(frames: list[Frame], damage: list[tuple[str, float]]) -> list[Arrival]:
    out: list[Arrival] = list(frames[:-CALM])
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
            case _:
                out.insert(at, kind)
    return [*out, *frames[-CALM:]]


def guard_of(venue: Venue) -> L2Sequencer:
    way = venue.way
    return L2Sequencer("k", way.policy, max_levels=1000, in_stream=True, depth=way.depth, checksum=way.checksum)


def take(guard: L2Sequencer, frame: Frame) -> SyncAction:
    return guard.on_snapshot(frame) if isinstance(frame, BookSnapshot) else guard.on_delta(frame)


def interrupt(guard: L2Sequencer, kind: str) -> None:
    if kind == CUT:
        guard.on_down("lost")
        guard.on_up()
    else:
        guard.on_stale("nothing came")
    assert guard.state is not BookState.LIVE


def play(venue: Venue, arriving: list[Arrival], seed: int) -> L2Sequencer:
    """Feed ``arriving``; a wish for a snapshot is granted some frames later, with the state reached by then."""
    guard, rng = guard_of(venue), random.Random(seed)
    due, state = -1, -1
    for number, frame in enumerate(arriving):
        if isinstance(frame, str):
            interrupt(guard, frame)
            due = -1 if frame == CUT else due  # the wish went with its connection
            continue
        inbox: list[Frame] = [frame]
        if 0 <= due <= number:
            due = -1
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


@pytest.mark.parametrize("way", WAYS, ids=str)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), damage=DAMAGE)
def test_a_damaged_stream_never_shows_a_wrong_live_book_and_heals(
    way: Way, seed: int, damage: list[tuple[str, float]]
) -> None:
    venue = Venue(way, seed)
    guard = play(venue, damaged(venue.frames, damage), seed)
    assert guard.state is BookState.LIVE, f"did not heal: {guard.reason}"
    assert (guard.book.bids, guard.book.asks) == venue.states[-1]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("seed", range(8))
def test_an_undamaged_stream_is_live_from_its_first_frame_to_its_last(way: Way, seed: int) -> None:
    venue = Venue(way, seed)
    guard = guard_of(venue)
    actions = [take(guard, frame) for frame in venue.frames]
    assert actions == [SyncAction.BECAME_LIVE] + [SyncAction.APPLIED] * (LENGTH - 1)
    stats = guard.stats
    assert (stats.gaps, stats.resyncs, stats.crossed, stats.ignored, stats.checksums_bad) == (0, 0, 0, 0, 0)
    assert stats.checksums_ok == (LENGTH if way.checksum else 0)
    assert (guard.book.bids, guard.book.asks) == venue.states[-1]


@pytest.mark.parametrize("way", WAYS[:-1], ids=str)
def test_a_lost_update_is_noticed_at_the_next_one_that_tells(way: Way) -> None:
    noticed = 0
    for seed in range(20):
        venue = Venue(way, seed)
        frames = [frame for number, frame in enumerate(venue.frames) if number != 60]
        if not isinstance(venue.frames[60], BookDelta) or not isinstance(venue.frames[61], BookDelta):
            continue
        if venue.states[59] == venue.states[60] and way.checksum:
            continue  # nothing was lost
        guard = guard_of(venue)
        actions = [take(guard, frame) for frame in frames[:61]]
        noticed += actions[-1] is SyncAction.NEED_SNAPSHOT
        assert actions[-1] is SyncAction.NEED_SNAPSHOT or (guard.book.bids, guard.book.asks) == venue.states[61]
        stats = guard.stats
        assert stats.gaps + stats.checksums_bad + stats.crossed == (actions[-1] is not SyncAction.APPLIED)
    assert noticed > 10


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), damage=DAMAGE)
def test_without_ids_the_levels_that_the_checksum_counts_are_right_whenever_it_is_live(
    seed: int, damage: list[tuple[str, float]]
) -> None:
    """Kraken's spot deeper than its checksum counts: what was lost far from the touch shows when it comes near."""
    counted = RECIPES["kraken_crc32"].levels
    venue = Venue(Way(SequencePolicy.UNSEQUENCED, "kraken_crc32", depth=2 * counted), seed)
    guard = guard_of(venue)
    for frame in damaged(venue.frames, damage):
        if isinstance(frame, str):
            interrupt(guard, frame)
            continue
        action = take(guard, frame)
        if guard.state is BookState.LIVE:
            bids, asks = venue.states[frame.ts_event]
            assert guard.book.top(counted) == (
                sorted(bids.items(), reverse=True)[:counted], sorted(asks.items())[:counted]
            )  # fmt: skip
        elif action is SyncAction.NEED_SNAPSHOT:
            take(guard, venue.snapshot(frame.ts_event))


def way_of(market: MarketSpec) -> tuple[str, str, bool]:
    return market.sequence, market.checksum, bool(market.book_depth)


def test_every_combination_of_options_that_a_venue_has_is_tried() -> None:
    assert {way.policy for way in WAYS} == set(SequencePolicy) == set(RULES)
    tried = {(way.policy, way.checksum, bool(way.depth)) for way in WAYS}
    for name in VENUES:
        for market in load_spec(name).markets.values():
            if market.in_stream_snapshot:
                assert way_of(market) in tried, f"{name} {market.kind}: add {way_of(market)} to WAYS"
            else:
                assert (market.sequence, market.partial_snapshot) in TRIED_ELSEWHERE, f"{name} {market.kind}"
                assert way_of(market) == (market.sequence, "", False)


def test_a_stream_that_numbers_anew_without_a_word_does_not_stay_live_on_an_old_book() -> None:
    guard = L2Sequencer("k", SequencePolicy.STRICT_SEQUENCE, max_levels=100, in_stream=True)
    guard.on_snapshot(BookSnapshot("k", 0, 0, 10**6, [(99.0, 1.0)], [(101.0, 1.0)]))
    actions = [guard.on_delta(BookDelta("k", 0, 0, n, n, n - 1, [(98.0, 1.0)], [])) for n in range(1, MOST_OLD + 3)]
    assert actions == [SyncAction.IGNORED] * MOST_OLD + [SyncAction.NEED_SNAPSHOT, SyncAction.IGNORED]
    assert (guard.state, guard.stats.gaps, guard.book.bids) == (BookState.SYNCING, 1, {99.0: 1.0})
