"""The face of a journal and what a journal gives back after a restart.

The engine appends records and asks to be told when they are durable; it sees no database. Both journals (``store`` on
disk, ``memory`` for replays) have this face.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.margin import MarginSetting
from jackbot_tui.model.orders import Order, Position
from jackbot_tui.model.records import ParentMoved, ParentStarted, Record


class Recovered(Struct, frozen=True, kw_only=True):
    """State rebuilt from the journal when it was opened.

    ``orders`` holds every open order and the newest closed ones, by client id; ``fill_ids`` the ``(client id, trade
    id)`` pairs already counted in them (venues number trades per instrument only). ``opening`` are all positions as the
    last UTC midnight found them, with the price they had then (their entry price where none was sampled): the day's
    result counts from there. ``margins`` are margin mode and leverage by instrument, where somebody chose them.
    ``settled`` says what a person did about differences to the venue, as kind, subject, how far apart it was where
    it is ignored; or ``adopted``, key, until when executions are in a position that was taken over. ``parents`` are
    the open parent orders with their newest state, None where none was written. ``last_session`` is 0 for a new
    journal.
    """

    orders: dict[str, Order] = {}
    positions: dict[str, Position] = {}
    fill_ids: frozenset[tuple[str, str]] = frozenset()
    opening: tuple[tuple[Position, Decimal], ...] = ()
    margins: dict[str, MarginSetting] = {}
    parents: tuple[tuple[ParentStarted, ParentMoved | None], ...] = ()
    settled: tuple[tuple[str, str, str], ...] = ()
    next_number: int = 1
    next_parent: int = 1
    killed: bool = False
    last_session: int = 0

    @property
    def unknown(self) -> list[Order]:
        """Orders whose fate has to be asked for before anything is assumed."""
        return [order for order in self.orders.values() if order.status is OrderStatus.PENDING_UNKNOWN]


class Journal(Protocol):
    """An append-only log. Sequence numbers count up from 1 without a hole."""

    @property
    def journal_id(self) -> str:
        """Four characters (0-9, a-z), made once per journal; part of every client order id."""
        ...

    @property
    def session(self) -> int:
        """Counts up with every opening of the same journal."""
        ...

    @property
    def durable_seq(self) -> int:
        """Everything up to this record survives a power cut."""
        ...

    @property
    def healthy(self) -> bool:
        """False while the journal cannot be written: no new order may be accepted."""
        ...

    @property
    def problem(self) -> str:
        """Why it is not healthy, in words; "" when it is."""
        ...

    def append(self, record: Record) -> int:
        """Queue ``record`` and return its sequence number; never blocks. JournalError: nothing was queued."""
        ...

    def when_durable(self, seq: int, callback: Callable[[], None]) -> None:
        """Call back once record ``seq`` is durable: at once if it is, else after the commit, in order of ``seq``."""
        ...

    async def flush(self) -> None:
        """Return when everything appended so far is durable. JournalError when it cannot be written now."""
        ...

    async def close(self) -> None:
        """Write what is queued and close. JournalError when records could not be written."""
        ...
