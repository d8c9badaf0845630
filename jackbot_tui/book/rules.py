"""Sequence rules: how one venue's book updates follow its snapshot and one another.

A rule is two pure questions about update ids; it keeps nothing and touches no book. A venue with another protocol gets
another small class here and an entry in ``RULES``; the sequencer stays as it is.
"""

from enum import Enum
from typing import Protocol

from jackbot_tui.model.errors import InputError
from jackbot_tui.model.market import BookDelta


class Verdict(Enum):
    """What an update is, seen from a known state of the book."""

    APPLY = "apply"  # the next one: apply it
    OLD = "old"  # contained in the state already: leave it out
    SAME = "same"  # contained in the state and ends exactly there: leave it out, but it proves that both agree
    GAP = "gap"  # something between the state and this update is missing


APPLY, OLD, SAME, GAP = Verdict.APPLY, Verdict.OLD, Verdict.SAME, Verdict.GAP
"""The members as plain names: looking one up on its enum costs as much as writing a level, and this is the hot path."""


class SequenceRule(Protocol):
    def after_snapshot(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        """``delta`` against a snapshot with ``snapshot_id`` to which nothing has been applied yet."""
        ...

    def after_update(self, delta: BookDelta, last_id: int) -> Verdict:
        """``delta`` against the stream's previous update, which ended at ``last_id``."""
        ...


class UpdateIdRange:
    """Binance spot: ids count by one per instrument, an update spans ``first_id..last_id`` (binance.md §4)."""

    def after_snapshot(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        if delta.last_id < snapshot_id:
            return OLD
        if delta.last_id == snapshot_id:
            return SAME
        return APPLY if delta.first_id <= snapshot_id + 1 else GAP

    def after_update(self, delta: BookDelta, last_id: int) -> Verdict:
        if delta.last_id <= last_id:
            return OLD
        return APPLY if delta.first_id <= last_id + 1 else GAP


class PreviousId:
    """Binance USD-M: an update names the id of the one before it; ids jump, being shared by all symbols (§4)."""

    def after_snapshot(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        if delta.last_id < snapshot_id:
            return OLD
        return APPLY if delta.first_id <= snapshot_id else GAP

    def after_update(self, delta: BookDelta, last_id: int) -> Verdict:
        if delta.last_id <= last_id:
            return OLD
        return APPLY if delta.prev_id == last_id else GAP


class LinkedId:
    """OKX: an update names the id of the one before it (okx.md §4). Nothing else is known of ids.

    They may fall when the venue restarts its numbering and stay the same in a keep-alive, so an id alone never tells
    that an update is old: whatever does not link is a gap. Where the first update after a snapshot may begin before it
    (bitget.md), its ``first_id`` says from where; else that is -1.
    """

    def after_snapshot(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        return APPLY if 0 <= delta.first_id <= snapshot_id <= delta.last_id else self.after_update(delta, snapshot_id)

    def after_update(self, delta: BookDelta, last_id: int) -> Verdict:
        return APPLY if delta.prev_id == last_id else GAP


class StrictSequence:
    """Bybit, Kraken futures: updates are numbered one by one from the snapshot on."""

    def after_snapshot(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        return SAME if delta.last_id == snapshot_id else self.after_update(delta, snapshot_id)

    def after_update(self, delta: BookDelta, last_id: int) -> Verdict:
        if delta.last_id <= last_id:
            return OLD
        return APPLY if delta.last_id == last_id + 1 else GAP


class SnapshotOnly:
    """Hyperliquid: every message is the whole book. An update is nothing that could be joined to it."""

    def after_snapshot(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        return GAP

    def after_update(self, delta: BookDelta, last_id: int) -> Verdict:
        return GAP


class Unsequenced:
    """Kraken spot: no ids. Every update is taken for the next; what proves it is its checksum."""

    def after_snapshot(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        return APPLY

    def after_update(self, delta: BookDelta, last_id: int) -> Verdict:
        return APPLY


RULES: dict[str, SequenceRule] = {
    "update_id_range": UpdateIdRange(),
    "previous_id": PreviousId(),
    "linked_id": LinkedId(),
    "strict_sequence": StrictSequence(),
    "snapshot_only": SnapshotOnly(),
    "unsequenced": Unsequenced(),
}
"""Rules by the name that a venue's spec gives (``venues.base.SequencePolicy``)."""


def rule_named(name: str) -> SequenceRule:
    try:
        return RULES[name]
    except KeyError:
        raise InputError(
            f"sequence policy {name!r} has no rule in book/rules.py: use one of {', '.join(RULES)}"
        ) from None
