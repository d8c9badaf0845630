"""What the sequencer lets through to a book: worked sequences of the wire notes, gaps, silence, lost connections."""

import pytest

from jackbot_tui.book.rules import RULES, Verdict, rule_named
from jackbot_tui.book.sequencer import L2Sequencer, SyncAction
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.market import BookDelta, BookSnapshot, Level
from jackbot_tui.venues.base import SequencePolicy

SPOT, PERP = SequencePolicy.UPDATE_ID_RANGE, SequencePolicy.PREVIOUS_ID
A = SyncAction


def delta(first: int, last: int, previous: int = -1, bids: list[Level] | None = None) -> BookDelta:
    return BookDelta("k", 0, 0, first, last, previous, [(9.0, float(last))] if bids is None else bids, [])


def snapshot(last_id: int, bid: float = 9.0, ask: float = 11.0) -> BookSnapshot:
    return BookSnapshot("k", 0, 0, last_id, [(bid, 1.0)], [(ask, 1.0)], 2, 3)


def sequencer(policy: str, buffer_limit: int = 5000) -> L2Sequencer:
    return L2Sequencer("k", policy, max_levels=100, buffer_limit=buffer_limit)


def synced(policy: str, last_id: int) -> L2Sequencer:
    """A LIVE book whose stream is at ``last_id``."""
    guard = sequencer(policy)
    assert guard.on_delta(delta(last_id, last_id, last_id - 1)) is A.NEED_SNAPSHOT
    assert guard.on_snapshot(snapshot(last_id)) is A.BECAME_LIVE
    return guard


WORKED = [  # market, U, u, pu, applied before (None: only the snapshot 100 is there), verdict
    (SPOT, 95, 100, -1, None, "drop"),
    (SPOT, 98, 103, -1, None, "apply"),
    (SPOT, 101, 104, -1, None, "apply"),
    (SPOT, 102, 105, -1, None, "gap"),
    (SPOT, 104, 106, -1, 103, "apply"),
    (SPOT, 108, 109, -1, 106, "gap"),
    (PERP, 90, 99, 80, None, "drop"),
    (PERP, 96, 100, 95, None, "apply"),
    (PERP, 101, 120, 99, None, "gap"),
    (PERP, 131, 140, 100, 100, "apply"),
    (PERP, 141, 150, 139, 140, "gap"),
]


@pytest.mark.parametrize(("policy", "first", "last", "previous", "applied", "verdict"), WORKED)
def test_worked_sequences_of_the_wire_notes(
    policy: str, first: int, last: int, previous: int, applied: int | None, verdict: str
) -> None:
    if applied is None:
        guard = sequencer(policy)
        assert guard.on_snapshot(snapshot(100)) is A.BUFFERED
    else:
        guard = synced(policy, applied)
    before = dict(guard.book.bids)
    action = guard.on_delta(delta(first, last, previous))
    if verdict == "apply":
        assert action in (A.APPLIED, A.BECAME_LIVE) and guard.state is BookState.LIVE
        assert guard.last_id == last and guard.book.bids == {9.0: float(last)}
    else:
        assert guard.book.bids == before
        assert (action is A.NEED_SNAPSHOT) is (verdict == "gap")
        assert guard.state is not BookState.LIVE or verdict == "drop"


@pytest.mark.parametrize(
    ("policy", "first", "last", "previous", "verdict"), [(*row[:4], row[5]) for row in WORKED if row[4] is None]
)
def test_worked_sequences_while_the_update_waits_for_its_snapshot(
    policy: str, first: int, last: int, previous: int, verdict: str
) -> None:
    guard = sequencer(policy)
    assert guard.on_delta(delta(first, last, previous)) is A.NEED_SNAPSHOT
    action = guard.on_snapshot(snapshot(100))
    if verdict == "apply":
        assert action is A.BECAME_LIVE and guard.last_id == last
    elif verdict == "gap":
        assert action is A.NEED_SNAPSHOT and guard.state is BookState.SYNCING and "older" in guard.reason
    else:
        assert action in (A.BUFFERED, A.BECAME_LIVE) and guard.book.bids == {9.0: 1.0} and guard.last_id == 100


def test_a_snapshot_that_ends_where_the_stream_is_makes_the_book_live_at_once() -> None:
    guard = sequencer(SPOT)
    guard.on_delta(delta(95, 100))
    assert guard.on_snapshot(snapshot(100)) is A.BECAME_LIVE
    assert guard.on_delta(delta(101, 102)) is A.APPLIED


def test_the_first_update_asks_for_a_snapshot_and_the_next_ones_wait() -> None:
    guard = sequencer(SPOT)
    assert guard.state is BookState.EMPTY
    actions = [guard.on_delta(delta(at, at)) for at in (101, 102, 103)]
    assert actions == [A.NEED_SNAPSHOT, A.BUFFERED, A.BUFFERED]
    assert guard.state is BookState.SYNCING and guard.needs_snapshot
    assert guard.on_snapshot(snapshot(101)) is A.BECAME_LIVE
    assert (guard.last_id, guard.stats.updates, guard.needs_snapshot) == (103, 2, False)
    assert (guard.price_decimals, guard.size_decimals) == (2, 3)


@pytest.mark.parametrize("policy", [SPOT, PERP])
def test_a_gap_ends_live_and_a_later_snapshot_brings_it_back(policy: str) -> None:
    guard = synced(policy, 100)
    assert guard.on_delta(delta(105, 110, 104)) is A.NEED_SNAPSHOT
    assert guard.state is BookState.SYNCING and "does not follow 100" in guard.reason
    assert guard.on_delta(delta(111, 112, 110)) is A.BUFFERED
    assert guard.on_snapshot(snapshot(103)) is A.NEED_SNAPSHOT, "older than the stream"
    assert guard.on_snapshot(snapshot(111 if policy == PERP else 110)) is A.BECAME_LIVE
    assert (guard.last_id, guard.stats.gaps, guard.stats.resyncs) == (112, 1, 1)


@pytest.mark.parametrize("policy", [SPOT, PERP])
def test_repeated_and_late_updates_change_nothing(policy: str) -> None:
    guard = synced(policy, 100)
    assert guard.on_delta(delta(101, 103, 100)) is A.APPLIED
    for again in (delta(101, 103, 100, [(9.0, 77.0)]), delta(99, 100, 98, [(9.0, 77.0)])):
        assert guard.on_delta(again) is A.IGNORED
    assert guard.state is BookState.LIVE and guard.book.bids == {9.0: 103.0} and guard.stats.ignored == 2


def test_a_hole_between_buffered_updates_is_a_gap_and_restarts_the_buffer() -> None:
    guard = sequencer(SPOT)
    guard.on_delta(delta(101, 102))
    assert guard.on_delta(delta(105, 106)) is A.NEED_SNAPSHOT
    assert guard.on_snapshot(snapshot(101)) is A.NEED_SNAPSHOT
    assert guard.on_snapshot(snapshot(104)) is A.BECAME_LIVE
    assert (guard.last_id, guard.stats.gaps, guard.stats.resyncs) == (106, 1, 0)


def test_swapped_updates_leave_the_book_out_of_live() -> None:
    guard = synced(PERP, 100)
    assert guard.on_delta(delta(111, 120, 110)) is A.NEED_SNAPSHOT
    assert guard.on_delta(delta(101, 110, 100)) is A.IGNORED
    assert guard.state is BookState.SYNCING


def test_a_full_buffer_drops_the_oldest_and_then_wants_a_newer_snapshot() -> None:
    guard = sequencer(SPOT, buffer_limit=3)
    for at in range(101, 107):
        guard.on_delta(delta(at, at))
    assert guard.stats.buffered_dropped == 3
    assert guard.on_snapshot(snapshot(101)) is A.NEED_SNAPSHOT
    assert guard.on_snapshot(snapshot(103)) is A.BECAME_LIVE and guard.last_id == 106


@pytest.mark.parametrize("policy", [SPOT, PERP])
def test_a_crossed_book_is_taken_out_of_live_and_resynced(policy: str) -> None:
    guard = synced(policy, 100)
    assert guard.on_delta(delta(101, 101, 100, [(11.0, 1.0)])) is A.NEED_SNAPSHOT
    assert guard.state is BookState.SYNCING and guard.stats.crossed == 1 and "crossed" in guard.reason
    assert guard.on_delta(delta(102, 103, 101)) is A.NEED_SNAPSHOT
    assert guard.on_snapshot(snapshot(102)) is A.BECAME_LIVE
    assert (guard.stats.gaps, guard.stats.resyncs, guard.last_id) == (0, 1, 103)


def test_a_crossed_snapshot_is_refused() -> None:
    guard = sequencer(SPOT)
    guard.on_delta(delta(101, 101))
    assert guard.on_snapshot(snapshot(100, bid=12.0)) is A.NEED_SNAPSHOT
    assert guard.state is BookState.SYNCING and guard.stats.crossed == 1
    assert guard.on_delta(delta(102, 102)) is A.NEED_SNAPSHOT
    assert guard.on_snapshot(snapshot(101)) is A.BECAME_LIVE


def test_a_silent_book_is_stale_until_the_next_update_in_sequence() -> None:
    guard = synced(PERP, 100)
    guard.on_stale("no update for 11 s")
    assert (guard.state, guard.reason) == (BookState.STALE, "no update for 11 s")
    assert guard.on_delta(delta(99, 100, 98)) is A.IGNORED and guard.state is BookState.STALE
    assert guard.on_delta(delta(101, 105, 100)) is A.BECAME_LIVE
    assert guard.stats.resyncs == 0
    guard.on_stale("again")
    assert guard.on_delta(delta(120, 130, 119)) is A.NEED_SNAPSHOT and guard.state is BookState.SYNCING


def test_only_a_live_book_turns_stale() -> None:
    guard = sequencer(SPOT)
    guard.on_stale("silence")
    assert guard.state is BookState.EMPTY


def test_a_lost_connection_takes_the_book_down_and_the_next_stream_starts_anew() -> None:
    guard = synced(SPOT, 100)
    guard.on_down("connection lost: reset")
    assert (guard.state, guard.reason) == (BookState.DOWN, "connection lost: reset")
    assert guard.on_snapshot(snapshot(100)) is A.IGNORED, "a reply of before is of no use without a stream"
    guard.on_up()
    assert guard.state is BookState.SYNCING
    assert guard.on_delta(delta(500, 501)) is A.NEED_SNAPSHOT
    assert guard.stats.gaps == 0, "a new stream is not a gap of the old one"
    assert guard.on_snapshot(snapshot(120)) is A.NEED_SNAPSHOT
    assert guard.on_snapshot(snapshot(500)) is A.BECAME_LIVE and guard.stats.resyncs == 1


def test_a_snapshot_is_ignored_while_the_stream_is_in_sequence() -> None:
    guard = synced(SPOT, 100)
    assert guard.on_snapshot(snapshot(200, bid=5.0)) is A.IGNORED
    assert guard.last_id == 100 and guard.book.bids == {9.0: 1.0}


def test_every_policy_a_spec_can_name_has_a_rule() -> None:
    assert set(RULES) == {policy.value for policy in SequencePolicy}
    with pytest.raises(InputError, match="no rule"):
        rule_named("guesswork")


def test_a_perp_update_with_the_right_predecessor_but_an_old_id_is_not_applied() -> None:
    guard = synced(PERP, 100)
    assert guard.on_delta(delta(90, 95, 100)) is A.IGNORED
    assert guard.last_id == 100 and rule_named(PERP).after_update(delta(90, 95, 100), 100) is Verdict.OLD


def test_updates_after_a_loss_begin_a_new_stream_even_if_nobody_announced_it() -> None:
    guard = synced(PERP, 100)
    guard.on_delta(delta(103, 110, 102))
    guard.on_down("connection lost")
    assert not guard.needs_snapshot and guard.stats.gaps == 1
    assert guard.on_delta(delta(300, 310, 299)) is A.NEED_SNAPSHOT
    assert (guard.state, guard.stats.gaps) == (BookState.SYNCING, 1)
