"""One market of the exchange as every front sees it: its engine, texts, history, mark price, and book views.

Owned by a front; a ``BookListener`` of its engine. It knows no protocol. A ``BookView`` collects what changed in the
book since it was last taken, for the whole book or for a window of levels around the touch.
"""

from jackbot_tui.model.enums import Side
from jackbot_tui.sim.history import Print, TradeHistory
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.marks import MarkPrices
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import BookOrder, Execution
from jackbot_tui.sim.text import MarketText
from jackbot_tui.sim.timeline import Timeline

MARK_SAMPLE_MS = 1000
PHASES = 7
"""Markets publish on different beats, as an exchange's do."""

PHASE_MS = 10

Levels = list[tuple[int, int]]
"""``(price in ticks, size in lots)``, best first; size 0 says that the level is gone."""


class BookView:
    """What subscribers of one kind of book stream know, and what is new since. Collects once ``active``.

    ``depth`` 0 is the whole book. Else only that many levels a side are shown, and a level that is pushed out of the
    window counts as gone, unless ``trims_itself``: then the client cuts off by itself and is not told.
    """

    def __init__(self, engine: MatchingEngine, period_ms: int, depth: int, due_ms: int, *, trims_itself: bool) -> None:
        self.period_ms = period_ms
        self.depth = depth
        self.active = False
        self.sequence = 0
        """The front's own count of messages, for venues that number them."""

        self.last_id = engine.last_update_id
        """The engine's update id when the view was last taken."""

        self.first_id = 0
        """The id of the first change since then, 0 while there is none."""

        self._engine = engine
        self._due_ms = due_ms
        self._trims_itself = trims_itself
        self._touched: tuple[set[int], set[int]] = (set(), set())
        self._shown: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def start(self) -> None:
        """Begin to collect; the book as it is now counts as known. Does nothing when it already does."""
        if self.active:
            return
        self.active = True
        self.last_id = self._engine.last_update_id
        if self.depth:
            self._shown = (dict(self._window(Side.BUY)), dict(self._window(Side.SELL)))

    def touch(self, side: Side, price: int, update_id: int) -> None:
        if not self.first_id:
            self.first_id = update_id
        self._touched[side is Side.SELL].add(price)

    def is_due(self, elapsed_ms: int) -> bool:
        """Whether a period has gone by; true once per period."""
        if not self.active or elapsed_ms < self._due_ms:
            return False
        if self.period_ms:
            self._due_ms += self.period_ms * (1 + (elapsed_ms - self._due_ms) // self.period_ms)
        return True

    def take(self) -> tuple[Levels, Levels] | None:
        """Changes since the last time, bids and asks best first; None, and nothing counted, when there are none."""
        bids, asks = self._touched
        if not bids and not asks:
            return None
        if self.depth:
            changes = (self._compare(Side.BUY), self._compare(Side.SELL)) if self._concerns_window() else ([], [])
        else:
            size_at = self._engine.size_at
            changes = (
                [(price, size_at(Side.BUY, price)) for price in sorted(bids, reverse=True)],
                [(price, size_at(Side.SELL, price)) for price in sorted(asks)],
            )
        bids.clear()
        asks.clear()
        if not changes[0] and not changes[1]:
            return None
        self.last_id = self._engine.last_update_id
        self.first_id = 0
        return changes

    def levels(self) -> tuple[Levels, Levels]:
        """The whole picture now. Call right after ``take``, so that it and the next changes fit together."""
        return self._window(Side.BUY), self._window(Side.SELL)

    def _window(self, side: Side) -> Levels:
        return self._engine.depth(side, self.depth)

    def _concerns_window(self) -> bool:
        """Whether any touched price lies within what is or was shown."""
        bids, asks = self._touched
        known_bids, known_asks = self._shown
        if len(known_bids) < self.depth or len(known_asks) < self.depth:
            return True
        return any(price >= min(known_bids) for price in bids) or any(price <= max(known_asks) for price in asks)

    def _compare(self, side: Side) -> Levels:
        known = self._shown[side is Side.SELL]
        now = dict(self._window(side))
        changes = [(price, size) for price, size in now.items() if known.get(price) != size]
        for price in known:
            if price not in now and not (self._trims_itself and self._engine.size_at(side, price)):
                changes.append((price, 0))
        known.clear()
        known.update(now)
        changes.sort(reverse=side is Side.BUY)
        return changes


class SimMarket:
    """See the module's text. ``fresh_trades`` are those since the last beat, oldest first."""

    def __init__(
        self, listing: Listing, engine: MatchingEngine, timeline: Timeline, number: int, window_ms: int = 0
    ) -> None:
        instrument = listing.instrument
        self.listing = listing
        self.engine = engine
        self.text = MarketText(listing)
        self.kind = instrument.kind
        self.native = instrument.native
        self.history = TradeHistory(listing.opening_ticks, window_ms)
        self.fresh_trades: list[Print] = []
        self.views: list[BookView] = []
        self.phase_ms = number % PHASES * PHASE_MS
        self.marks: MarkPrices | None = None
        self.mark_beats = 0
        """Samples of the mark price so far, one a second; perpetuals only."""

        if instrument.funding_interval_h:
            self.marks = MarkPrices(timeline.now_ms(), instrument.funding_interval_h, float(listing.opening))
        self._timeline = timeline
        self._tick = float(instrument.tick)
        self._mark_due_ms = 0
        engine.listen(self)

    def view(self, period_ms: int, depth: int = 0, *, trims_itself: bool = False) -> BookView:
        """A view of its own for one kind of book stream: ``period_ms`` 0 publishes at every beat."""
        due_ms = self.phase_ms if period_ms else 0
        made = BookView(self.engine, period_ms, depth, due_ms, trims_itself=trims_itself)
        self.views.append(made)
        return made

    def on_execution(self, execution: Execution) -> None:
        self.fresh_trades.append(self.history.add(execution, self._timeline.ms_of(execution.ts)))

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        for view in self.views:
            if view.active:
                view.touch(side, price, update_id)

    def on_order(self, order: BookOrder, now: int) -> None:
        """Orders of named accounts concern private streams."""

    def mid(self) -> float:
        """Mid price in quote currency; the last price while a side is empty."""
        bid, ask = self.engine.best_bid, self.engine.best_ask
        if bid is None or ask is None:
            return self.history.last_price * self._tick
        return (bid + ask) / 2 * self._tick

    def best(self) -> tuple[int, int, int, int] | None:
        """``(bid, its size, ask, its size)`` in ticks and lots; None while a side is empty."""
        bid, ask = self.engine.best_bid, self.engine.best_ask
        if bid is None or ask is None:
            return None
        return bid, self.engine.size_at(Side.BUY, bid), ask, self.engine.size_at(Side.SELL, ask)

    def sample_mark(self, elapsed_ms: int, index: float) -> None:
        """Once a second of simulated time, on perpetuals: a new mark price. ``index`` is the fair spot price."""
        if self.marks is None or elapsed_ms < self._mark_due_ms:
            return
        self._mark_due_ms = elapsed_ms - elapsed_ms % MARK_SAMPLE_MS + MARK_SAMPLE_MS
        self.marks.sample(self._timeline.now_ms(), index, self.mid(), self.history.last_price * self._tick)
        self.mark_beats += 1
