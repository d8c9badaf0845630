"""Lost, repeated and swapped updates, cuts and silence: a LIVE book is the true one of its update id, and it heals.

Real and synthetic feeds go through the sequencer with random damage; a simulated venue answers its wish for snapshots
late, sometimes with one from before the stream. The truth is a naive book that saw every update once, in order.
"""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jackbot_tui.book.sequencer import L2Sequencer, SyncAction
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.market import BookDelta, BookSnapshot
from tests.binance_world import POLICIES, Oracle, recorded_book, synthetic_book

KINDS = [MarketKind.SPOT, MarketKind.LINEAR]
CALM = 40
"""Undamaged updates at the end, in which the book must come back."""

CUT, SILENCE = "cut", "silence"
"""Instead of an update: the connection is lost and made anew, or nothing came for too long."""

DAMAGES = ["drop", "repeat", "swap", "late", CUT, SILENCE]
DAMAGE = st.lists(st.tuples(st.sampled_from(DAMAGES), st.floats(0, 1)), max_size=25)


def damaged(deltas: list[BookDelta], damage: list[tuple[str, float]]) -> list[BookDelta | str]:
    """``deltas`` with each ``(kind, place)`` done to them, except the calm end."""
    out: list[BookDelta | str] = list(deltas[:-CALM])
    for kind, place in damage:
        at = int(place * (len(out) - 2))
        match kind:
            case "drop":
                del out[at]
            case "repeat":
                out.insert(at, out[at])
            case "swap":
                out[at], out[at + 1] = out[at + 1], out[at]
            case "late":
                out.insert(min(len(out), at + 7), out.pop(at))
            case _:
                out.insert(at, kind)
    return [*out, *deltas[-CALM:]]


class Venue:
    """Answers wishes for snapshots some updates later, with the truth at, before or after the stream's place."""

    def __init__(self, snapshot: BookSnapshot, deltas: list[BookDelta], seed: int) -> None:
        self._truth = Oracle(snapshot, deltas)
        self._states = [self._truth.snapshot()]
        self._rng = random.Random(seed)
        self._place = {delta.last_id: index + 1 for index, delta in enumerate(deltas)}
        self._due: int | None = None

    def wish(self) -> None:
        if self._due is None:
            self._due = self._rng.randint(0, 5)

    def reply(self, seen: BookDelta, last: bool) -> BookSnapshot | None:
        """The snapshot that arrives after the update ``seen``, if one is due."""
        if self._due is None:
            return None
        self._due -= 1
        if self._due >= 0 and not last:
            return None
        self._due = None
        place = max(0, self._place[seen.last_id] + (0 if last else self._rng.randint(-4, 2)))
        while len(self._states) <= place and self._truth.index < len(self._place):
            self._truth.advance()
            self._states.append(self._truth.snapshot())
        return self._states[min(place, len(self._states) - 1)]


def play(
    kind: MarketKind, snapshot: BookSnapshot, deltas: list[BookDelta], arriving: list[BookDelta | str], seed: int
) -> int:
    """Feed ``arriving`` to a sequencer, hold every LIVE book against the truth, and return how often it was LIVE.

    A snapshot that was asked for before a cut arrives after it.
    """
    guard = L2Sequencer("k", POLICIES[kind], max_levels=100_000)
    venue, truth, live = Venue(snapshot, deltas, seed), Oracle(snapshot, deltas), 0
    newest = over = -1
    for number, delta in enumerate(arriving):
        if isinstance(delta, str):
            if delta == CUT:
                guard.on_down("lost")
                guard.on_up()
                over = newest
            else:
                guard.on_stale("nothing came")
            assert guard.state is not BookState.LIVE
            continue
        if delta.last_id <= over:
            continue  # a late one of the connection that was cut: the next connection never sends it
        newest = max(newest, delta.last_id)
        if guard.on_delta(delta) is SyncAction.NEED_SNAPSHOT:
            venue.wish()
        reply = venue.reply(delta, number == len(arriving) - CALM)
        if reply is not None and guard.on_snapshot(reply) is SyncAction.NEED_SNAPSHOT:
            venue.wish()
        if guard.state is BookState.LIVE:
            live += 1
            truth.advance_to(guard.last_id)
            assert guard.book.bids == truth.bids and guard.book.asks == truth.asks
            assert guard.book.bid_price == max(truth.bids) and guard.book.ask_price == min(truth.asks)
    assert guard.state is BookState.LIVE, f"did not heal: {guard.reason}"
    assert guard.last_id == deltas[-1].last_id
    return live


@settings(max_examples=400, deadline=None)
@example(MarketKind.SPOT, 1, [("late", 0.0), ("cut", 0.0), ("late", 0.0)])
@given(st.sampled_from(KINDS), st.integers(0, 2**32), DAMAGE)
def test_a_damaged_synthetic_feed_never_shows_a_wrong_live_book(
    kind: MarketKind, seed: int, damage: list[tuple[str, float]]
) -> None:
    snapshot, deltas = synthetic_book(kind, seed, 160)
    play(kind, snapshot, deltas, damaged(deltas, damage), seed)


@pytest.mark.recorded
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), damage=DAMAGE)
def test_a_damaged_real_feed_never_shows_a_wrong_live_book(
    kind: MarketKind, seed: int, damage: list[tuple[str, float]]
) -> None:
    snapshot, deltas = recorded_book(kind, 220)
    play(kind, snapshot, deltas, damaged(deltas, damage), seed)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_seen_as_gaps_and_an_undamaged_feed_has_none(kind: MarketKind) -> None:
    snapshot, deltas = synthetic_book(kind, 7, 160)
    guard = L2Sequencer("k", POLICIES[kind], max_levels=1000)
    guard.on_snapshot(snapshot)
    for delta in deltas:
        guard.on_delta(delta)
    assert (guard.state, guard.stats.gaps, guard.stats.updates) == (BookState.LIVE, 0, 160)
    guard = L2Sequencer("k", POLICIES[kind], max_levels=1000)
    guard.on_snapshot(snapshot)
    for delta in deltas[:50] + deltas[51:]:
        guard.on_delta(delta)
    assert (guard.state, guard.stats.gaps) == (BookState.SYNCING, 1)
