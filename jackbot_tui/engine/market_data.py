"""The market data pipeline: raw frames in, guarded books and tapes kept, subscribers told. Sans-I/O and synchronous.

The runtime (or a replay, or a test) calls it with frames, replies, connects and disconnects and asks it what snapshots
it wants; engine and views read ``markets``. It opens nothing, waits for nothing, has no clock of its own, and no input
makes it raise: what cannot be understood is counted and kept for a look.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.book.sequencer import APPLIED, SyncAction
from jackbot_tui.engine.silence import SilenceWatch
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    FeedEvent,
    MarkPrice,
    SubscriptionAck,
    Trade,
    UnknownFrame,
    VenueNotice,
)
from jackbot_tui.venues.base import Codec, ConnectionPlan, HttpRequest

KEPT_UNKNOWN = 50
"""Unknown frames kept for inspection, newest last."""

SNAPSHOT_BURST = 8
SNAPSHOT_WINDOW_NS = 10 * NS_PER_S
"""At most ``SNAPSHOT_BURST`` snapshots of one book are asked for within this time: a book that breaks over and over
must not eat the venue's request weight."""

RESUBSCRIBE_BURST = 4
RESUBSCRIBE_EVERY_NS = 10 * NS_PER_S
"""The same for snapshots that come in the stream: so many of one book at once, and then one in so long a time. A book
never waits longer than that for its turn."""

LINE_BURST = 60
LINE_WINDOW_NS = 3600 * NS_PER_S
"""Venues count subscriptions by the hour and connection (Bitget 240, OKX 480, proofs of quiet books included): a
connection whose books broke more often is replaced by another one, which has a count of its own."""

AWAITED_NS = 10 * NS_PER_S
"""A snapshot in the stream that has not come so long after it was asked for is asked for again."""

CONTRADICTED_NS = 3 * NS_PER_S
"""An update that the venue's snapshot was ahead of should have come within this time."""

RECONNECT_EVERY_NS = 120 * NS_PER_S
"""A connection whose books stay cut off is replaced so often."""


MUTE_BOOK_NS = 15 * NS_PER_S
"""A book that has its snapshot and hears of no update for so long is compared with a fresh one: when the venue's own
book went on meanwhile, the subscription is dead, though the venue confirmed it."""

QUEUED_NS = 60 * NS_PER_S
"""A request that has not left after so long was lost with its connection, and is made again."""


class MarketSubscriber(Protocol):
    """Who wants to know. Called synchronously, the market being up to date; ``now`` is local receive time in ns."""

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        """A LIVE book changed."""
        ...

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None: ...

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None: ...

    def on_book_state(
        self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int
    ) -> None: ...

    def on_notice(self, notice: VenueNotice, now: int) -> None: ...


StateListener = Callable[[InstrumentMarket, BookState, BookState, int], None]
"""Takes a market, its book's old and new state, and the local time (ns)."""


class MarketData:
    """See the module's paragraph.

    With ``adopt_unknown`` (replay) instruments that nobody added are followed as soon as a frame of theirs comes by.
    """

    def __init__(self, codec: Codec, *, adopt_unknown: bool = False) -> None:
        self.codec = codec
        self.markets: dict[str, InstrumentMarket] = {}
        self.frames = 0
        self.unknown_frames = 0
        """Frames and replies, or parts of them, that no codec understood."""
        self.recent_unknown: deque[UnknownFrame] = deque(maxlen=KEPT_UNKNOWN)
        self.adopt_unknown = adopt_unknown
        self.terms: Callable[[Instrument], Instrument] = lambda instrument: instrument
        """What our account changes about an instrument before it is followed: its fees."""
        self._subscribers: list[MarketSubscriber] = []
        self._state_listeners: list[StateListener] = []
        self._decode = codec.decode
        self._now = 0
        self._wanted: dict[str, None] = {}  # keys of books, in the order of wanting
        self._in_flight: set[str] = set()
        self._unsent: dict[str, None] = {}  # keys of books whose snapshot in the stream is wanted
        self._awaited: dict[str, int] = {}  # since when a snapshot in the stream is due, ns
        self._line_asked: dict[str, deque[int]] = {}  # resubscriptions by connection
        self._unjoined: dict[str, tuple[int, int]] = {}  # since when no update came, and the last snapshot's id or -1
        self._queued: set[str] = set()  # those of them whose request waits to be sent
        self._asked: dict[str, deque[int]] = {}
        self._resubscribed: dict[str, int] = {}  # when the resubscriptions of a book will have been paid for
        self._contradicted: dict[str, int] = {}  # since when the venue's book is ahead of a silent one, ns
        self._replaced: dict[str, int] = {}  # when a connection was last told to be cut off, ns
        self._cut_off: dict[str, None] = {}  # connections on which a stream died while the venue's book went on
        self.silence = SilenceWatch(lambda market: codec.spec.markets[market.instrument.kind])
        self._sockets: dict[str, int] = {}  # open sockets by plan: two while one is being replaced
        if adopt_unknown:
            codec.adopt_unknown = True

    def add(self, instrument: Instrument) -> InstrumentMarket:
        """Follow ``instrument``; adding it again returns the market that is there."""
        market = self.markets.get(instrument.key)
        if market is None:
            spec = self.codec.spec.markets[instrument.kind]
            market = InstrumentMarket(
                self.terms(instrument),
                spec.sequence,
                max_levels=spec.max_levels,
                in_stream=spec.in_stream_snapshot,
                depth=spec.book_depth,
                checksum=spec.checksum,
                seed_depth=spec.snapshot_depth if spec.partial_snapshot else 0,
                keeps_unseen=spec.keeps_unseen,
            )
            self.markets[instrument.key] = market
            self.codec.register([instrument])
        return market

    def subscribe(self, subscriber: MarketSubscriber) -> None:
        self._subscribers.append(subscriber)

    def on_state_change(self, listener: StateListener) -> None:
        """``listener`` hears of the states of books and of nothing else, after the subscribers."""
        self._state_listeners.append(listener)

    # ------------------------------------------------------------------ connections

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        """A socket of ``plan`` is open. A second one beside the first continues its books."""
        self._now = max(self._now, now)
        sockets = self._sockets[plan.conn] = self._sockets.get(plan.conn, 0) + 1
        if sockets == 1:
            self.silence.on_connect(plan.conn, plan.book_keys, now)
            for market in self._carried(plan):
                old = market.state
                market.sequencer.on_up()
                if market.sequencer.in_stream:
                    self._awaited[market.key] = now
                else:
                    self._unjoined[market.key] = (now, -1)
                self._tell_state(market, old, now)

    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        """A socket of ``plan`` is gone; with the last one its books are DOWN."""
        self._now = max(self._now, now)
        sockets = self._sockets[plan.conn] = max(0, self._sockets.get(plan.conn, 0) - 1)
        if sockets == 0:
            for market in self._carried(plan):
                old = market.state
                market.sequencer.on_down(f"connection lost: {reason}")
                for waiting in (self._wanted, self._unsent, self._awaited, self._unjoined):
                    waiting.pop(market.key, None)
                self._tell_state(market, old, now)

    def _carried(self, plan: ConnectionPlan) -> list[InstrumentMarket]:
        return [self.markets[key] for key in plan.book_keys if key in self.markets]

    # ------------------------------------------------------------------ frames

    def on_frame(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> None:
        self.frames += 1
        for event in self._decode(kind, raw, ts_recv):
            if type(event) is BookDelta:
                self._on_delta(event, ts_recv)
            else:
                self._on_event(event, ts_recv)

    def on_unknown(self, frame: UnknownFrame) -> None:
        """Count something that nobody understood and keep it for a look."""
        self.unknown_frames += 1
        self.recent_unknown.append(frame)

    def _on_delta(self, delta: BookDelta, now: int) -> None:
        market = self.markets.get(delta.key) or self._adopted(delta.key)
        if market is None:
            return
        market.last_frame_ns = now
        if delta.ts_event > market.book_event_ns:
            market.book_event_ns = delta.ts_event
        sequencer = market.sequencer
        old = sequencer.state
        action = sequencer.on_delta(delta)
        if action is APPLIED:
            market.last_book_ns = now
            for subscriber in self._subscribers:
                subscriber.on_book(market, now)
        else:
            self._after(market, old, action, now)

    def _on_event(self, event: FeedEvent, now: int) -> None:
        match event:
            case UnknownFrame():
                self.on_unknown(event)
                return
            case VenueNotice():
                for subscriber in self._subscribers:
                    subscriber.on_notice(event, now)
                return
            case SubscriptionAck():
                return
        market = self.markets.get(event.key) or self._adopted(event.key)
        if market is None:
            return
        market.last_frame_ns = now
        match event:
            case Trade():
                market.trades.add(event)
                for subscriber in self._subscribers:
                    subscriber.on_trade(market, event, now)
            case BookTicker():
                market.ticker = event
            case MarkPrice():
                market.mark = event
                for subscriber in self._subscribers:
                    subscriber.on_mark(market, event, now)
            case BookSnapshot():
                self._on_snapshot(market, event, now)
            case BookDelta():
                self._on_delta(event, now)

    def _on_snapshot(self, market: InstrumentMarket, snapshot: BookSnapshot, now: int) -> None:
        """In the stream it is news; by REST it may only prove, or disprove, a book that is followed already."""
        sequencer, old = market.sequencer, market.state
        followed = old is BookState.LIVE or old is BookState.STALE
        self._awaited.pop(market.key, None)
        if sequencer.in_stream or not followed:
            if not sequencer.in_stream and self._is_mute(market, snapshot, now):
                return
            market.last_book_ns = now
            market.book_event_ns = max(market.book_event_ns, snapshot.ts_event)
        elif snapshot.last_id == sequencer.last_id:
            market.last_book_ns = now
            self._after(market, old, sequencer.on_confirmed(), now)
            old = market.state
        elif snapshot.last_id > sequencer.last_id:
            self._contradicted.setdefault(market.key, now)
        self._after(market, old, sequencer.on_snapshot(snapshot), now)

    def _is_mute(self, market: InstrumentMarket, snapshot: BookSnapshot, now: int) -> bool:
        """Whether the venue's book went on since the last snapshot while not one update came: its line is replaced."""
        key = market.key
        _, known_id = self._unjoined.get(key, (now, -1))
        self._unjoined[key] = (now, snapshot.last_id)
        if market.sequencer.buffered or not 0 <= known_id < snapshot.last_id:
            return False
        self._cut(market, now)
        return True

    def _adopted(self, key: str) -> InstrumentMarket | None:
        """The market of an instrument that the codec adopted, followed from now on; None for one nobody follows."""
        instrument = self.codec.adopted(key) if self.adopt_unknown else None
        return None if instrument is None else self.add(instrument)

    def _after(self, market: InstrumentMarket, old: BookState, action: SyncAction, now: int) -> None:
        """Consequences of a book event other than a plain update."""
        self._now = max(self._now, now)
        if action is SyncAction.NEED_SNAPSHOT or action is SyncAction.NEAR_EDGE:
            if not market.sequencer.in_stream:
                self._wanted[market.key] = None
            elif market.key not in self._awaited:
                self._unsent[market.key] = None
        if market.state is not old or action is SyncAction.BECAME_LIVE:
            self._tell_state(market, old, now)
        if action in (SyncAction.BECAME_LIVE, SyncAction.NEAR_EDGE, APPLIED):
            market.last_book_ns = now
            self._unjoined.pop(market.key, None)
            if not market.sequencer.needs_snapshot:
                self._wanted.pop(market.key, None)
            self._unsent.pop(market.key, None)
            for subscriber in self._subscribers:
                subscriber.on_book(market, now)

    def _tell_state(self, market: InstrumentMarket, old: BookState, now: int) -> None:
        if market.state is not old:
            for subscriber in self._subscribers:
                subscriber.on_book_state(market, old, market.state, market.sequencer.reason, now)
            for listener in self._state_listeners:
                listener(market, old, market.state, now)

    # ------------------------------------------------------------------ snapshots

    def wanted_snapshots(self) -> list[HttpRequest]:
        """Requests to send now: each book at most one at a time, and not too many in a short while."""
        if not self._wanted:
            return []
        requests: list[HttpRequest] = []
        for key in list(self._wanted):
            if key in self._in_flight or not self._may_ask(key):
                continue
            del self._wanted[key]
            request = self.codec.snapshot_request(self.markets[key].instrument)
            if request is not None:
                self._in_flight.add(key)
                self._asked[key].append(self._now)
                requests.append(request)
        return requests

    def wanted_resubscriptions(self) -> list[Instrument]:
        """Instruments whose book topic must be subscribed anew now, for a fresh snapshot in the stream.

        Paced like ``wanted_snapshots``. Whoever sends them says so with ``on_resubscribed``: one that brings no
        snapshot within ``AWAITED_NS`` after that is wanted again.
        """
        if not self._unsent:
            return []
        due = [key for key in self._unsent if self._may_resubscribe(key) and self._line_may(key)]
        for key in due:
            del self._unsent[key]
            self._awaited[key] = self._now
            self._queued.add(key)
            self._resubscribed[key] = max(self._now, self._resubscribed.get(key, 0)) + RESUBSCRIBE_EVERY_NS
        return [self.markets[key].instrument for key in due]

    def awaits(self, key: str) -> bool:
        """Whether a book still needs the snapshot that a resubscription would bring."""
        return key in self._awaited

    def on_resubscribed(self, key: str, now: int) -> None:
        """The request has left, or could not be made: from now on its snapshot is due."""
        self._queued.discard(key)
        if key in self._awaited:
            self._awaited[key] = now

    def _may_resubscribe(self, key: str) -> bool:
        return self._resubscribed.get(key, 0) - self._now <= (RESUBSCRIBE_BURST - 1) * RESUBSCRIBE_EVERY_NS

    def _line_may(self, key: str) -> bool:
        """Whether the book's connection has subscriptions left; one that has none is to be replaced."""
        conn = self.silence.connection_of(key)
        asked = self._line_asked.setdefault(conn, deque(maxlen=LINE_BURST))
        if len(asked) == LINE_BURST and self._now - asked[0] < LINE_WINDOW_NS:
            if self._replace_line(conn, self._now):
                asked.clear()
            return False
        asked.append(self._now)
        return True

    def _may_ask(self, key: str) -> bool:
        asked = self._asked.setdefault(key, deque(maxlen=SNAPSHOT_BURST))
        return len(asked) < SNAPSHOT_BURST or self._now - asked[0] >= SNAPSHOT_WINDOW_NS

    def on_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> None:
        """A reply, asked for or recorded."""
        self._now = max(self._now, ts_recv)
        self._in_flight.discard(request.key)
        for event in self.codec.decode_http(request, body, ts_recv):
            self._on_event(event, ts_recv)
        self._want_if_needed(request.key)

    def on_http_failed(self, request: HttpRequest, reason: str, now: int) -> None:
        """The request was given up for ``reason``; its book wants another one if it still needs it."""
        self._now = max(self._now, now)
        self._in_flight.discard(request.key)
        market = self.markets.get(request.key)
        if market is not None and market.sequencer.needs_snapshot:
            market.sequencer.reason = f"snapshot failed: {reason}"
        self._want_if_needed(request.key)

    def _want_if_needed(self, key: str) -> None:
        market = self.markets.get(key)
        if market is None or market.sequencer.in_stream:
            return
        if market.sequencer.needs_snapshot and key not in self._in_flight:
            self._wanted[key] = None

    # ------------------------------------------------------------------ time

    def on_heard(self, conn: str, at: int) -> None:
        """Anything at all, a ping or pong too, came over a connection at ``at`` (ns)."""
        self.silence.on_heard(conn, at)

    def check_silence(self, now: int) -> None:
        """Call a few times a second: books that are silent against their habit are to be proven, or become STALE."""
        self._now = max(self._now, now)
        for key, since in list(self._awaited.items()):
            if now - since > (QUEUED_NS if key in self._queued else AWAITED_NS):
                del self._awaited[key]
                self._queued.discard(key)
                self._unsent[key] = None
        for key, (since, known_id) in self._unjoined.items():
            if now - since > MUTE_BOOK_NS and self.markets[key].state in (BookState.EMPTY, BookState.SYNCING):
                self._unjoined[key] = (now, known_id)
                self._wanted[key] = None
        stale, unproven = self.silence.look(self.markets.values(), now)
        for each in stale:
            why = f", {each.why}" if each.why else ""
            each.market.sequencer.on_stale(f"no update for {each.silent_s:.1f} s{why}")
            self._tell_state(each.market, BookState.LIVE, now)
        for market in unproven:
            if not market.sequencer.in_stream:
                self._wanted[market.key] = None
            elif market.key not in self._awaited:
                self._unsent[market.key] = None
        for key, since in list(self._contradicted.items()):
            market = self.markets[key]
            if market.last_book_ns > since or market.state not in (BookState.LIVE, BookState.STALE):
                del self._contradicted[key]
            elif now - since > CONTRADICTED_NS:
                del self._contradicted[key]
                self._cut(market, now)

    def _cut(self, market: InstrumentMarket, now: int) -> None:
        """The venue's own book went on and we were not told: the stream of this one is dead."""
        if market.live:
            market.sequencer.on_stale("the venue's own book is ahead, and no update came")
            self._tell_state(market, BookState.LIVE, now)
        self._replace_line(self.silence.connection_of(market.key), now)

    def _replace_line(self, conn: str, now: int) -> bool:
        """Have a connection replaced; False when that has been done a short while ago."""
        if conn in self._replaced and now - self._replaced[conn] <= RECONNECT_EVERY_NS:
            return False
        self._replaced[conn] = now
        self._cut_off[conn] = None
        return True

    def cut_off_connections(self) -> list[str]:
        """Connections to be replaced: a book of theirs is silent though the venue's own goes on, or broke too often."""
        found, self._cut_off = list(self._cut_off), {}
        return found
