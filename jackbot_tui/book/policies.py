"""How a venue's book updates follow one another: small pure parts that the sequencer asks about each update.

A policy never touches the book. It answers two questions: may this update be the first one after a snapshot, and does
this update follow the last one applied. Adding a venue with another rule means adding one class here.
"""

from enum import Enum
from typing import Protocol

from jackbot_tui.model.market import BookDelta


class Verdict(Enum):
    """``FOLLOWS``: apply. ``OLD``: already contained, ignore. ``GAP``: something is missing."""

    FOLLOWS = "follows"
    OLD = "old"
    GAP = "gap"


class SequencingRule(Protocol):
    def first(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        """Verdict on the first update applied onto a snapshot with ``snapshot_id``."""
        ...

    def next(self, delta: BookDelta, last_id: int) -> Verdict:
        """Verdict on an update after one that ended at ``last_id``."""
        ...


class UpdateIdRange:
    """Ids of one symbol without holes: each update covers ``first_id..last_id`` (Binance spot, docs corrected 2025-11-12)."""

    def first(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        return self.next(delta, snapshot_id)

    def next(self, delta: BookDelta, last_id: int) -> Verdict:
        if delta.last_id <= last_id:
            return Verdict.OLD
        return Verdict.FOLLOWS if delta.first_id <= last_id + 1 else Verdict.GAP


class PreviousId:
    """Ids shared by all symbols of an engine: each update names the last id of the one before (Binance USD-M ``pu``)."""

    def first(self, delta: BookDelta, snapshot_id: int) -> Verdict:
        if delta.last_id < snapshot_id:
            return Verdict.OLD
        bridges = delta.first_id <= snapshot_id or delta.prev_id == snapshot_id
        return Verdict.FOLLOWS if bridges else Verdict.GAP

    def next(self, delta: BookDelta, last_id: int) -> Verdict:
        if delta.prev_id == last_id:
            return Verdict.FOLLOWS
        return Verdict.OLD if delta.last_id <= last_id else Verdict.GAP


RULES: dict[str, SequencingRule] = {"update_id_range": UpdateIdRange(), "previous_id": PreviousId()}
"""Rules by the value of ``venues.base.SequencePolicy``."""
