"""Guards one order book: only updates in sequence reach it, and it is LIVE only while none can have been missed.

The sequencer owns the book and is its only writer. It is told snapshots, updates, silence and lost connections, and
answers what it did with them; it never asks for anything itself. A book that is not LIVE keeps its old levels for a
dimmed picture, they are not to be believed.

Life of a book: updates are buffered until a snapshot arrives that they bridge; from then on every update must follow
the one before. A hole, or a book that crosses, ends that: the state is SYNCING, updates are buffered again and another
snapshot is wanted.
"""

from collections import deque
from collections.abc import Iterable
from enum import Enum

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.book.rules import APPLY, Verdict, rule_named
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.market import BookDelta, BookSnapshot

UNKNOWN_ID = -1


class SyncAction(Enum):
    """What the sequencer did with an event."""

    APPLIED = "applied"  # the LIVE book changed
    IGNORED = "ignored"  # repeated or old: nothing changed
    BUFFERED = "buffered"  # kept until a snapshot is there
    NEED_SNAPSHOT = "need_snapshot"  # kept or refused, and a new snapshot must be asked for
    BECAME_LIVE = "became_live"


_LIVE = BookState.LIVE
APPLIED = SyncAction.APPLIED
"""As ``book.rules.APPLY``: plain names for the hot path."""


class BookStats:
    """Counts since the start. ``gaps``: holes seen in the stream; ``resyncs``: times the book was LIVE again later."""

    __slots__ = (
        "buffered_dropped",
        "checksums_bad",
        "checksums_ok",
        "crossed",
        "gaps",
        "ignored",
        "resyncs",
        "updates",
    )

    def __init__(self) -> None:
        self.updates = 0
        self.gaps = 0
        self.resyncs = 0
        self.checksums_ok = 0
        self.checksums_bad = 0
        self.crossed = 0
        self.ignored = 0
        self.buffered_dropped = 0


class L2Sequencer:
    """See the module's paragraph.

    ``policy`` names a rule of ``book.rules``. ``max_levels`` bounds each side of the book. The buffer holds at most
    ``buffer_limit`` updates; when full the oldest is dropped and counted, and a snapshot must then be newer than it.
    """

    __slots__ = (
        "_awaiting_bridge",
        "_buffer",
        "_follows",
        "_rule",
        "_stream_id",
        "_was_live",
        "book",
        "key",
        "last_id",
        "price_decimals",
        "reason",
        "size_decimals",
        "state",
        "stats",
    )

    def __init__(self, key: str, policy: str, *, max_levels: int, buffer_limit: int = 5000) -> None:
        self.key = key
        self.book = OrderBook(max_levels)
        self.state = BookState.EMPTY
        self.reason = "nothing received yet"
        """Why the book is in its state, in words."""
        self.last_id = UNKNOWN_ID
        """Venue's id of the newest update in the book (of the snapshot before the first), -1 if none."""
        self.price_decimals = -1
        self.size_decimals = -1
        self.stats = BookStats()
        self._rule = rule_named(policy)
        self._follows = self._rule.after_update
        self._stream_id = UNKNOWN_ID  # last id seen in the stream of this connection
        self._buffer: deque[BookDelta] = deque(maxlen=buffer_limit)
        self._awaiting_bridge = False  # the book holds a snapshot that no update has been applied to
        self._was_live = False

    @property
    def needs_snapshot(self) -> bool:
        """True while updates wait for a snapshot: one must be on its way."""
        return self.state is BookState.SYNCING and bool(self._buffer)

    @property
    def buffered(self) -> Iterable[BookDelta]:
        """Updates waiting for a snapshot, oldest first."""
        return self._buffer

    # ------------------------------------------------------------------ events

    def on_delta(self, delta: BookDelta) -> SyncAction:
        if self.state is _LIVE:
            last_id = self.last_id
            if delta.prev_id == last_id < delta.last_id or self._follows(delta, last_id) is APPLY:
                book = self.book
                book.apply(delta.bids, delta.asks)
                self.last_id = delta.last_id
                self.stats.updates += 1
                if book.bid_price < book.ask_price:
                    return APPLIED
                self._stream_id = delta.last_id
                return self._on_crossed()
            return self._out_of_sequence(delta)
        if self.state is BookState.STALE:
            return self._on_delta_while_stale(delta)
        return self._on_delta_while_syncing(delta)

    def on_snapshot(self, snapshot: BookSnapshot) -> SyncAction:
        """Take over a snapshot if the updates at hand bridge it.

        Ignored while LIVE or STALE (the stream is ahead or will be) and while DOWN. Refused, wanting another, when it
        is older than the stream or crossed in itself.
        """
        if self.state is BookState.DOWN or self._in_sequence:
            self.stats.ignored += 1
            return SyncAction.IGNORED
        waiting = [delta for delta in self._buffer if delta.last_id >= snapshot.last_id]
        verdict = self._rule.after_snapshot(waiting[0], snapshot.last_id) if waiting else Verdict.OLD
        if verdict is Verdict.GAP:
            self._go(
                BookState.SYNCING,
                f"snapshot {snapshot.last_id} is older than the stream, which starts at {waiting[0].first_id}",
            )
            return SyncAction.NEED_SNAPSHOT
        self.book.replace(snapshot.bids, snapshot.asks)
        self.last_id = snapshot.last_id
        self.price_decimals = snapshot.price_decimals
        self.size_decimals = snapshot.size_decimals
        if self.book.crossed():
            return self._on_crossed()
        self._buffer.clear()
        if not waiting:
            self._awaiting_bridge = True
            self._go(BookState.SYNCING, f"snapshot {snapshot.last_id} is here, waiting for an update that joins it")
            return SyncAction.BUFFERED
        for delta in waiting if verdict is Verdict.APPLY else waiting[1:]:
            self._apply(delta)
            if self.book.crossed():
                return self._on_crossed()
        return self._become_live()

    def on_up(self) -> None:
        """A connection was made: a new stream begins, nothing of the old one continues."""
        self._forget_stream()
        self._go(
            BookState.SYNCING if self.state is not BookState.EMPTY else BookState.EMPTY,
            "connected, waiting for updates",
        )

    def on_down(self, reason: str) -> None:
        """The connection was lost: updates are being missed from now on."""
        self._forget_stream()
        self._go(BookState.DOWN, reason)

    def on_stale(self, reason: str) -> None:
        """Silence for too long: not to be priced from until the next update in sequence."""
        if self.state is BookState.LIVE:
            self._go(BookState.STALE, reason)

    # ------------------------------------------------------------------ cold paths

    @property
    def _in_sequence(self) -> bool:
        return self.state is BookState.LIVE or self.state is BookState.STALE

    def _on_delta_while_stale(self, delta: BookDelta) -> SyncAction:
        if self._follows(delta, self.last_id) is not Verdict.APPLY:
            return self._out_of_sequence(delta)
        self._apply(delta)
        if self.book.crossed():
            self._stream_id = delta.last_id
            return self._on_crossed()
        self._go(BookState.LIVE, "")
        return SyncAction.BECAME_LIVE

    def _out_of_sequence(self, delta: BookDelta) -> SyncAction:
        """A LIVE or STALE book met an update that does not follow."""
        if self._follows(delta, self.last_id) is Verdict.OLD:
            self.stats.ignored += 1
            return SyncAction.IGNORED
        self.stats.gaps += 1
        self._stream_id = delta.last_id
        self._keep(delta)
        self._go(BookState.SYNCING, f"gap: update {delta.first_id}-{delta.last_id} does not follow {self.last_id}")
        return SyncAction.NEED_SNAPSHOT

    def _on_delta_while_syncing(self, delta: BookDelta) -> SyncAction:
        if self._stream_id != UNKNOWN_ID:
            followed = self._follows(delta, self._stream_id)
            if followed is Verdict.OLD:
                self.stats.ignored += 1
                return SyncAction.IGNORED
            if followed is Verdict.GAP:
                self.stats.gaps += 1
                self._buffer.clear()
        self._stream_id = delta.last_id
        if self._awaiting_bridge:
            return self._bridge(delta)
        first = not self._buffer
        self._keep(delta)
        if first:
            self._go(BookState.SYNCING, "updates are coming, waiting for a snapshot")
            return SyncAction.NEED_SNAPSHOT
        return SyncAction.BUFFERED

    def _bridge(self, delta: BookDelta) -> SyncAction:
        """``delta`` is the next of the stream while the book holds a bare snapshot."""
        match self._rule.after_snapshot(delta, self.last_id):
            case Verdict.OLD:
                self.stats.ignored += 1
                return SyncAction.IGNORED
            case Verdict.GAP:
                self._awaiting_bridge = False
                self._keep(delta)
                self._go(
                    BookState.SYNCING, f"snapshot {self.last_id} is older than the stream, which is at {delta.first_id}"
                )
                return SyncAction.NEED_SNAPSHOT
            case Verdict.SAME:
                return self._become_live()
            case Verdict.APPLY:
                self._apply(delta)
                return self._on_crossed() if self.book.crossed() else self._become_live()

    def _apply(self, delta: BookDelta) -> None:
        self.book.apply(delta.bids, delta.asks)
        self.last_id = delta.last_id
        self.stats.updates += 1

    def _keep(self, delta: BookDelta) -> None:
        if len(self._buffer) == self._buffer.maxlen:
            self.stats.buffered_dropped += 1
        self._buffer.append(delta)

    def _become_live(self) -> SyncAction:
        self._awaiting_bridge = False
        self._buffer.clear()
        if self._was_live:
            self.stats.resyncs += 1
        self._was_live = True
        self._go(BookState.LIVE, "")
        return SyncAction.BECAME_LIVE

    def _on_crossed(self) -> SyncAction:
        """The best bid is not below the best ask. The stream itself goes on, so only the book starts anew."""
        self.stats.crossed += 1
        self._awaiting_bridge = False
        self._buffer.clear()
        book = self.book
        self._go(BookState.SYNCING, f"crossed at update {self.last_id}: bid {book.bid_price:g}, ask {book.ask_price:g}")
        return SyncAction.NEED_SNAPSHOT

    def _forget_stream(self) -> None:
        self._buffer.clear()
        self._stream_id = UNKNOWN_ID
        self._awaiting_bridge = False

    def _go(self, state: BookState, reason: str) -> None:
        self.state = state
        self.reason = reason
