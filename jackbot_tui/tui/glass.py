"""What is on the glass: the newest picture, what came before it, and how old it is. Pure; time comes in as an argument.

The frame clock feeds it, panels and keys read it. It never asks the engine for anything and never decides anything;
its ``seen`` is what an order carries as proof of what the trader was looking at.
"""

from collections import deque
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from jackbot_tui.desk.views import BookView, LogLine, OwnOrderView, ScreenView, Seen, TapeLine, ViewRequest
from jackbot_tui.model.enums import BookState
from jackbot_tui.tui.view.chart import MinuteBars

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
TAPE_KEPT = 1000
LOG_KEPT = 500
FILLS_KNOWN = 1000
YELLOW_MS = 1000.0
STALE_MS = 3000.0


class Freshness(Enum):
    """Whether the book on the glass may be acted on (UI.md 2.4)."""

    FRESH = "fresh"
    YELLOW = "yellow"
    STALE = "stale"


class GapMark(Struct, frozen=True):
    """A line of the tape that says that something is missing there."""

    text: str


class Glass:
    """Holds one instrument's tape and bars and everything else of the newest picture."""

    def __init__(self) -> None:
        self.view: ScreenView | None = None
        self.received_ns = 0
        self.connected = False
        self.client_id = 0
        self.trouble = ""
        self.glass_age_ms = -1.0
        self.tape: deque[TapeLine | GapMark] = deque(maxlen=TAPE_KEPT)
        self.tape_changes = 0
        self.log: deque[LogLine] = deque(maxlen=LOG_KEPT)
        self.bars = MinuteBars()
        self.new_fills: list[tuple[str, str]] = []
        self._tape_after = 0
        self._log_after = 0
        self._key = ""
        self._book_was_live = False
        self._fills: deque[str] = deque(maxlen=FILLS_KNOWN)
        self._fills_known = False

    # ------------------------------------------------------------------ pictures

    def request(self, key: str, levels: int, group: int, anchor: str, parents: bool = False) -> ViewRequest:
        """What to ask for next."""
        same = not key or key == self._key
        return ViewRequest(
            key=key,
            levels=levels,
            group=group,
            tape_after=self._tape_after if same else 0,
            log_after=self._log_after,
            anchor=anchor,
            parents=parents,
        )

    def accept(self, view: ScreenView, now: int) -> None:
        """Take a picture."""
        self.view = view
        self.received_ns = now
        book = view.book
        if book is not None and book.key != self._key:
            self._key = book.key
            self._forget_instrument()
        self._take_tape(view.tape)
        if view.log:
            fresh = [line for line in view.log if line.seq > self._log_after]
            self.log.extend(fresh)
            if fresh:
                self._log_after = fresh[-1].seq
        if book is not None:
            live = book.state == BookState.LIVE
            if self._book_was_live and not live:
                self._mark_gap(f"book {book.state}: {book.reason}" if book.reason else f"book {book.state}")
            self._book_was_live = live
        self._take_fills(view)

    def restart(self) -> None:
        """Another engine process: its sequence numbers are new."""
        self._tape_after = self._log_after = 0
        self._fills.clear()
        self._fills_known = False
        if self.tape:
            self._mark_gap("reconnected")

    def _forget_instrument(self) -> None:
        self.tape.clear()
        self.tape_changes += 1
        self.bars.clear()
        self._tape_after = 0
        self._book_was_live = False

    def _take_tape(self, lines: list[TapeLine]) -> None:
        fresh = [line for line in lines if line.seq > self._tape_after]
        if not fresh:
            return
        missed = fresh[0].seq - self._tape_after - 1
        if self._tape_after and missed > 0:
            self._mark_gap(f"{missed} trades not shown")
        self.tape.extend(fresh)
        self._tape_after = fresh[-1].seq
        self.bars.add(fresh)
        self.tape_changes += 1

    def _mark_gap(self, text: str) -> None:
        self.tape.append(GapMark(text))
        self.tape_changes += 1

    def _take_fills(self, view: ScreenView) -> None:
        """Fills of the active instrument that were not in the picture before, as (price, trade id)."""
        self.new_fills = []
        known = set(self._fills)
        for fill in reversed(view.fills):
            place = f"{fill.key}/{fill.trade_id}"
            if place in known:
                continue
            self._fills.append(place)
            if self._fills_known and fill.key == self._key:
                self.new_fills.append((fill.price, fill.trade_id))
        self._fills_known = True

    # ------------------------------------------------------------------ reading

    @property
    def book(self) -> BookView | None:
        return self.view.book if self.view is not None else None

    @property
    def key(self) -> str:
        """The instrument on the glass."""
        return self.book.key if self.book is not None else ""

    @property
    def has_pen(self) -> bool:
        """Whether this screen is the one that may place orders; the header names who is."""
        holder = self.view.header.armed_client if self.view is not None else ""
        return not holder or f"{holder} ".startswith(f"screen {self.client_id} ")

    def book_age_ms(self, now: int) -> float:
        """Age of the book: at the picture's time plus the picture's own age."""
        book = self.book
        if book is None or book.age_ms < 0:
            return -1.0
        return book.age_ms + (now - self.received_ns) / NS_PER_MS

    def freshness(self, now: int) -> Freshness:
        book = self.book
        age = self.book_age_ms(now)
        if not self.connected or book is None or book.state != BookState.LIVE or age < 0 or age > STALE_MS:
            return Freshness.STALE
        return Freshness.YELLOW if age > YELLOW_MS else Freshness.FRESH

    def why_not_fresh(self, now: int) -> str:
        """One line that answers an order key while the book is stale."""
        rest = "only cancel, flatten and kill work"
        if not self.connected:
            return f"no engine: {self.trouble or 'connecting'}"
        book = self.book
        if book is None:
            return f"no book yet: {rest}"
        if book.state != BookState.LIVE:
            return f"book is {book.state}{': ' + book.reason if book.reason else ''}: {rest}"
        return f"book is {self.book_age_ms(now) / 1000:.1f} s old: {rest}"

    def seen(self, now: int) -> Seen:
        """What the trader sees at this moment."""
        book = self.book
        if book is None:
            return Seen(glass_age_ms=self.glass_age_ms)
        return Seen(
            bid=book.best_bid,
            ask=book.best_ask,
            update_id=book.update_id,
            book_age_ms=self.book_age_ms(now),
            glass_age_ms=self.glass_age_ms,
        )

    def own_orders(self) -> list[OwnOrderView]:
        """Working orders of the instrument on the glass."""
        if self.view is None:
            return []
        return [order for order in self.view.orders if order.key == self.key]

    def position(self) -> Decimal:
        """Signed position of the instrument on the glass."""
        if self.view is None:
            return Decimal(0)
        for position in self.view.positions:
            if position.key == self.key:
                return Decimal(position.quantity)
        return Decimal(0)
