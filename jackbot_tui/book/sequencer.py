"""Guards one order book: only updates in sequence reach it, and it is LIVE only while none can have been missed.

The sequencer owns the book and is its only writer. It is told snapshots, updates, silence and lost connections, and
answers what it did with them; it never asks for anything itself. A book that is not LIVE keeps its old levels for a
dimmed picture, they are not to be believed.

Life of a book: updates are buffered until a snapshot arrives that they bridge; from then on every update must follow
the one before. A hole, or a book that crosses, ends that: the state is SYNCING, updates are buffered again and another
snapshot is wanted.

Where snapshots come in the stream (``in_stream``) one makes the book LIVE at once, replaces everything whenever it
comes, and is followed by the updates after it, so nothing is ever buffered: without a snapshot updates are left out. A
checksum that does not fit ends LIVE as a hole does.

Where a snapshot ends at a depth (``seed_depth``) and updates go on beyond it, only what lies inside its prices is
known: levels outside are left out, or kept as far as they were told (``keeps_unseen``). Before the market leaves that
range another snapshot is wanted while the book stays LIVE; what was applied meanwhile is applied again on top of it.
"""

from collections import deque
from collections.abc import Iterable
from enum import Enum
from heapq import nlargest, nsmallest
from math import inf

from jackbot_tui.book.checksums import TextBook
from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.book.rules import APPLY, Verdict, rule_named
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.market import BookDelta, BookSnapshot

UNKNOWN_ID = -1

MOST_OLD = 50
"""Old updates in a row after which the stream is taken to have begun its numbering anew: a LIVE book that leaves out
all it is told would be wrong for ever."""

THIN = 0.3
"""Part of the seeded levels that must be left on a side; with fewer the market comes near the end of what is known."""


class SyncAction(Enum):
    """What the sequencer did with an event."""

    APPLIED = "applied"  # the LIVE book changed
    IGNORED = "ignored"  # repeated or old: nothing changed
    BUFFERED = "buffered"  # kept until a snapshot is there
    NEED_SNAPSHOT = "need_snapshot"  # kept or refused, and a new snapshot must be asked for
    BECAME_LIVE = "became_live"
    NEAR_EDGE = "near_edge"  # applied, and another snapshot must be asked for before the market leaves this one


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
    ``depth`` cuts each side after every update (0: not), ``checksum`` names a recipe of ``book.checksums`` ("": none).
    ``seed_depth``: levels a side at which REST snapshots end (0: they are whole).
    """

    __slots__ = (
        "_alert_high",
        "_alert_low",
        "_awaiting_bridge",
        "_buffer",
        "_depth",
        "_early",
        "_follows",
        "_high",
        "_keeps_unseen",
        "_low",
        "_near_edge",
        "_old",
        "_rule",
        "_seed_depth",
        "_snapshot_id",
        "_stream_id",
        "_texts",
        "_wanting",
        "_was_live",
        "_watched",
        "book",
        "in_stream",
        "key",
        "last_id",
        "price_decimals",
        "reason",
        "size_decimals",
        "state",
        "stats",
    )

    def __init__(
        self,
        key: str,
        policy: str,
        *,
        max_levels: int,
        buffer_limit: int = 5000,
        in_stream: bool = False,
        depth: int = 0,
        checksum: str = "",
        seed_depth: int = 0,
        keeps_unseen: bool = False,
    ) -> None:
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
        self.in_stream = in_stream
        self._snapshot_id = UNKNOWN_ID  # of the last snapshot in the stream
        self._wanting = False  # a snapshot in the stream is missing
        self._depth = depth
        self._texts = TextBook(checksum) if checksum else None
        self._watched = bool(depth or checksum or (seed_depth and not keeps_unseen))
        self._seed_depth = seed_depth
        self._keeps_unseen = keeps_unseen
        self._alert_low, self._alert_high = -inf, inf  # best prices beyond these are near the end of what is known
        self._low, self._high = 0.0, inf  # prices between which all levels are known
        self._early: BookSnapshot | None = None  # came for a reseeding, and is ahead of the stream, which joins it soon
        self._near_edge = False  # a snapshot is wanted while LIVE or STALE; updates since then are in the buffer
        self._old = (0, 0)  # old updates in a row, and ``stats.updates`` meanwhile

    @property
    def needs_snapshot(self) -> bool:
        """True while updates wait for a snapshot: one must be on its way."""
        if self._near_edge:
            return self._early is None
        return self.state is BookState.SYNCING and (self._wanting or bool(self._buffer))

    @property
    def buffered(self) -> Iterable[BookDelta]:
        """Updates waiting for a snapshot, oldest first."""
        return self._buffer

    @property
    def known_range(self) -> tuple[float, float]:
        """Lowest and highest price between which every level is known; 0 and infinity where nothing bounds it."""
        return self._low, self._high

    # ------------------------------------------------------------------ events

    def on_delta(self, delta: BookDelta) -> SyncAction:
        if self.state is _LIVE:
            last_id = self.last_id
            if delta.prev_id == last_id < delta.last_id or self._follows(delta, last_id) is APPLY:
                book = self.book
                book.apply(delta.bids, delta.asks)
                self.last_id = delta.last_id
                self.stats.updates += 1
                if self._watched:
                    self._stream_id = delta.last_id
                    return self._judge(delta) or (self._look_at_edges() if self._seed_depth else APPLIED)
                if book.bid_price < book.ask_price:
                    if book.bid_price < self._alert_low or book.ask_price > self._alert_high:
                        return self._at_the_edge(delta)
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
        is older than the stream or crossed in itself. In the stream: see the module's paragraph.
        """
        if self.in_stream:
            return self._on_snapshot_in_stream(snapshot)
        if self._near_edge and snapshot.last_id <= self.last_id:
            return self._reseed(snapshot)
        if self._near_edge:
            self._early = snapshot
            return SyncAction.IGNORED
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
        self._learn_edges(snapshot)
        if self.book.crossed():
            return self._on_crossed()
        self._buffer.clear()
        if not waiting:
            self._awaiting_bridge = True
            self._go(BookState.SYNCING, f"snapshot {snapshot.last_id} is here, waiting for an update that joins it")
            return SyncAction.BUFFERED
        for delta in waiting if verdict is Verdict.APPLY else waiting[1:]:
            broken = self._apply(delta)
            if broken is not None:
                return broken
        return self._become_live()

    def _on_snapshot_in_stream(self, snapshot: BookSnapshot) -> SyncAction:
        if self.state is BookState.DOWN:
            self.stats.ignored += 1
            return SyncAction.IGNORED
        self.book.replace(snapshot.bids, snapshot.asks)
        self.last_id = self._snapshot_id = snapshot.last_id
        self.price_decimals = snapshot.price_decimals
        self.size_decimals = snapshot.size_decimals
        self._wanting = False
        if self._texts is not None:
            self._texts.replace(snapshot.texts)
        broken = self._judge(snapshot)
        if broken is not None:
            return broken
        if not self._in_sequence:
            return self._become_live()
        self.stats.updates += 1
        if self.state is _LIVE:
            return APPLIED
        self._go(_LIVE, "")
        return SyncAction.BECAME_LIVE

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

    def on_confirmed(self) -> SyncAction:
        """The venue's book was seen to stand at our number, so nothing was missed: a STALE one is LIVE again."""
        if self.state is not BookState.STALE:
            return SyncAction.IGNORED
        self._go(_LIVE, "")
        return SyncAction.BECAME_LIVE

    # ------------------------------------------------------------------ cold paths

    @property
    def _in_sequence(self) -> bool:
        return self.state is BookState.LIVE or self.state is BookState.STALE

    def _on_delta_while_stale(self, delta: BookDelta) -> SyncAction:
        if self._follows(delta, self.last_id) is not Verdict.APPLY:
            return self._out_of_sequence(delta)
        return self._wake(delta)

    def _wake(self, delta: BookDelta) -> SyncAction:
        """Apply an update that follows, outside the hot path."""
        broken = self._apply(delta)
        if broken is not None:
            self._stream_id = delta.last_id
            return broken
        if self.state is _LIVE:
            return APPLIED
        self._go(_LIVE, "")
        return SyncAction.BECAME_LIVE

    def _out_of_sequence(self, delta: BookDelta) -> SyncAction:
        """A LIVE or STALE book met an update that does not follow."""
        verdict = self._follows(delta, self.last_id)
        if self.in_stream and verdict is Verdict.GAP and 0 <= delta.first_id <= self.last_id == self._snapshot_id:
            verdict = self._rule.after_snapshot(delta, self.last_id)  # the first one may begin before the snapshot
            if verdict is Verdict.APPLY:
                return self._wake(delta)
        if verdict is Verdict.OLD and not self._numbered_anew():
            self.stats.ignored += 1
            return SyncAction.IGNORED
        self.stats.gaps += 1
        self._stream_id = delta.last_id
        self._end_reseeding()
        self._keep(delta)
        self._go(BookState.SYNCING, f"gap: update {delta.first_id}-{delta.last_id} does not follow {self.last_id}")
        return SyncAction.NEED_SNAPSHOT

    def _numbered_anew(self) -> bool:
        """Count an old update; True when too many came without one that follows."""
        updates = self.stats.updates
        count = self._old[0] + 1 if self._old[1] == updates else 1
        self._old = (count, updates)
        return count > MOST_OLD

    def _on_delta_while_syncing(self, delta: BookDelta) -> SyncAction:
        if self.in_stream:
            return self._on_delta_before_snapshot()
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
                return self._apply(delta) or self._become_live()

    def _on_delta_before_snapshot(self) -> SyncAction:
        """Nothing to join it to: the venue sends a snapshot first, so it is missing or on its way."""
        self.stats.ignored += 1
        if self._wanting or self.state is BookState.DOWN:
            return SyncAction.IGNORED
        self._wanting = True
        self._go(BookState.SYNCING, "updates are coming, waiting for a snapshot")
        return SyncAction.NEED_SNAPSHOT

    def _apply(self, delta: BookDelta) -> SyncAction | None:
        """Write an update that follows; what had to be done when the book is broken now, None when it is sound."""
        self.book.apply(delta.bids, delta.asks)
        self.last_id = delta.last_id
        self.stats.updates += 1
        return self._judge(delta)

    def _judge(self, event: BookDelta | BookSnapshot) -> SyncAction | None:
        """Cut a book that was just written to its depth and look whether it can be right, as ``_apply``."""
        book, texts = self.book, self._texts
        if self._depth:
            self._cut()
        if self._seed_depth and type(event) is BookDelta:
            self._mind_seed(event)
        if texts is not None and event.texts is not None:
            if type(event) is BookDelta:
                texts.apply(event.texts)
            texts.drop_far(book)
            if event.checksum is not None:
                if not texts.proves(book, event.checksum):
                    self.stats.checksums_bad += 1
                    return self._on_broken(f"checksum {event.checksum} of the venue is not that of our book")
                self.stats.checksums_ok += 1
        return self._on_crossed() if book.crossed() else None

    def _cut(self) -> None:
        """Drop what is deeper than the venue tells us about: it would never be deleted."""
        book, depth = self.book, self._depth
        far_bids = len(book.bids) - depth
        far_asks = len(book.asks) - depth
        if far_bids > 0 or far_asks > 0:
            book.apply(
                [(price, 0.0) for price in nsmallest(far_bids, book.bids)],
                [(price, 0.0) for price in nlargest(far_asks, book.asks)],
            )

    # ------------------------------------------------------------------ snapshots that end at a depth

    def _learn_edges(self, snapshot: BookSnapshot) -> None:
        """A side that has as many levels as there may be goes on unseen; one with fewer is whole."""
        depth = self._seed_depth
        if depth:
            self._low = min(snapshot.bids)[0] if len(snapshot.bids) == depth else 0.0
            self._high = max(snapshot.asks)[0] if len(snapshot.asks) == depth else inf
        if self._keeps_unseen:
            low, high = self._low, self._high
            self._alert_low = low + THIN * (max(snapshot.bids)[0] - low) if low > 0.0 else -inf
            self._alert_high = high - THIN * (high - min(snapshot.asks)[0]) if high < inf else inf

    def _mind_seed(self, delta: BookDelta) -> None:
        """Leave out what lies beyond the edges, and keep the update while another snapshot is on its way."""
        low, high = self._low, self._high
        if not self._keeps_unseen:
            bids = [(price, 0.0) for price, _ in delta.bids if price < low]
            asks = [(price, 0.0) for price, _ in delta.asks if price > high]
            if bids or asks:
                self.book.apply(bids, asks)
        if self._near_edge:
            self._keep(delta)

    def _at_the_edge(self, delta: BookDelta) -> SyncAction:
        """After an update of a LIVE book that keeps what lies beyond its edges, the best price being near one."""
        if not self._near_edge:
            self._near_edge = True
            self._alert_low = inf  # every update comes here until there is another snapshot
            return SyncAction.NEAR_EDGE
        self._keep(delta)
        early = self._early
        if early is None or self.last_id < early.last_id:
            return APPLIED
        self._early = None
        self._stream_id = self.last_id
        return self._reseed(early)

    def _look_at_edges(self) -> SyncAction:
        """After an update of the LIVE book."""
        early = self._early
        if early is not None and self.last_id >= early.last_id:
            self._early = None
            return self._reseed(early)
        book, fewest = self.book, self._seed_depth * THIN
        thin = (self._low > 0.0 and len(book.bids) < fewest) or (self._high < inf and len(book.asks) < fewest)
        if not thin or self._near_edge:
            return APPLIED
        self._near_edge = True
        return SyncAction.NEAR_EDGE

    def _reseed(self, snapshot: BookSnapshot) -> SyncAction:
        """Put a snapshot under what has been applied since; one that is too old for that leaves all as it is."""
        waiting = [delta for delta in self._buffer if delta.last_id >= snapshot.last_id]
        verdict = self._rule.after_snapshot(waiting[0], snapshot.last_id) if waiting else Verdict.GAP
        if verdict is Verdict.GAP and snapshot.last_id != self.last_id:
            return SyncAction.NEED_SNAPSHOT
        self._end_reseeding()
        self._learn_edges(snapshot)
        bids, asks = snapshot.bids, snapshot.asks
        if self._keeps_unseen:
            bids = bids + [level for level in self.book.bids.items() if level[0] < self._low]
            asks = asks + [level for level in self.book.asks.items() if level[0] > self._high]
        self.book.replace(bids, asks)
        for delta in waiting[1:] if verdict is Verdict.SAME else waiting:
            self.book.apply(delta.bids, delta.asks)
            self._mind_seed(delta)
        if self.book.crossed():
            return self._on_crossed()
        return APPLIED if self.state is _LIVE else SyncAction.IGNORED

    def _end_reseeding(self) -> None:
        if self._near_edge:
            self._near_edge = False
            self._early = None
            self._buffer.clear()

    # ------------------------------------------------------------------ steps

    def _keep(self, delta: BookDelta) -> None:
        if self.in_stream:
            self._wanting = True
            return
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
        book = self.book
        return self._on_broken(f"crossed at update {self.last_id}: bid {book.bid_price:g}, ask {book.ask_price:g}")

    def _on_broken(self, reason: str) -> SyncAction:
        self._awaiting_bridge = False
        self._near_edge = False
        self._early = None
        self._buffer.clear()
        self._wanting = self.in_stream
        self._go(BookState.SYNCING, reason)
        return SyncAction.NEED_SNAPSHOT

    def _forget_stream(self) -> None:
        self._buffer.clear()
        self._near_edge = False
        self._early = None
        self._stream_id = UNKNOWN_ID
        self._awaiting_bridge = False
        self._wanting = False

    def _go(self, state: BookState, reason: str) -> None:
        self.state = state
        self.reason = reason
