"""What the journal stores: one immutable record per fact, in the order in which the engine learned them.

Order events (``model.orders``) are journal records as they are. The log of records is the truth; every table of orders,
fills, positions and daily results is a projection that can be built again from it.
"""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.orders import Order, OrderEvent, OrderRequest


class SessionStarted(Struct, frozen=True, tag="session_started"):
    """An engine came up. ``session`` counts up within one journal; ``seed`` seeds every generator of the session."""

    ts: int
    session: int
    mode: str
    venue: str
    symbols: list[str]
    seed: int
    version: str


class SessionEnded(Struct, frozen=True, tag="session_ended"):
    ts: int
    session: int
    reason: str


class CommandReceived(Struct, frozen=True, tag="command"):
    """A line of the command language that may change something, and what was on the glass when it was said.

    ``seen`` holds ``bid``, ``ask`` (text), ``book_age_ms``, ``glass_age_ms`` where a screen sent them.
    """

    ts: int
    source: str
    line: str
    seen: dict[str, str] = {}


class OrderSubmitted(Struct, frozen=True, tag="submitted"):
    """The intent, durable before the order leaves."""

    ts: int
    order: Order


class OrderRefused(Struct, frozen=True, tag="refused"):
    """Our own risk gate said no; nothing left the house."""

    ts: int
    request: OrderRequest
    code: str
    message: str


class FundingApplied(Struct, frozen=True, tag="funding"):
    """Funding settled on a position. ``amount`` in quote currency, positive = received."""

    ts: int
    key: str
    rate: Decimal
    mark: Decimal
    quantity: Decimal
    amount: Decimal


class MarginSet(Struct, frozen=True, tag="margin"):
    """A person chose margin mode and leverage of a perpetual; holds until the next one, also after a restart."""

    ts: int
    key: str
    mode: MarginMode
    leverage: Decimal
    source: str


MARKOUT_HORIZONS_NS = (NS_PER_S, 5 * NS_PER_S, 30 * NS_PER_S, 300 * NS_PER_S)
"""How long after a fill its worth is looked at."""


class DifferenceSettled(Struct, frozen=True, kw_only=True, tag="settled"):
    """A person applied ``rule`` (adopt, close, ignore) to a difference between our books and the venue's; ``over``: one
    that was ignored is no more.

    ``kind``, ``subject``, ``ours`` and ``venue`` are as they were shown. ``amount`` is how far they were apart, signed
    base units ("" for orders): a position is ignored for as long as it differs by just that.
    """

    ts: int
    kind: str
    subject: str
    rule: str
    ours: str
    venue: str
    source: str
    amount: str = ""


class PositionAdopted(Struct, frozen=True, kw_only=True, tag="adopted"):
    """Our position is set to what the venue holds, from ``quantity`` (signed base units) and ``average_entry`` on.

    ``realized`` is its price profit from here on: the venue's word on what is open says nothing about what is closed.
    ``until`` is the venue's time up to which all executions of the account in this instrument are in it, 0 = none were
    seen: an order that is taken over later moves the position by its later fills only.
    """

    ts: int
    key: str
    quantity: Decimal
    average_entry: Decimal
    realized: Decimal
    until: int
    source: str


class FillMarkout(Struct, frozen=True, tag="markout"):
    """What a fill was worth afterwards: the mid 1 s, 5 s, 30 s and 5 min after it against its price.

    ``values`` are quote currency per base unit, positive = the market moved our way; None where the book was not LIVE
    then or the session ended before. ``toxic`` says in a few words why the fill looks like adverse selection, "" = no.
    """

    ts: int
    client_id: str
    trade_id: str
    values: list[Decimal | None]
    toxic: str = ""


class MarkSampled(Struct, frozen=True, tag="mark"):
    """Price at which an open position is valued in daily results; written when a session ends and at UTC midnight."""

    ts: int
    key: str
    price: Decimal


class ParentStarted(Struct, frozen=True, kw_only=True, tag="parent_started"):
    """A parent order began: what was asked for, as canonical texts, and the seed of all its randomness."""

    ts: int
    parent_id: str
    number: int
    kind: str
    key: str
    side: Side
    quantity: Decimal
    values: dict[str, str]
    seed: int
    source: str


class ParentMoved(Struct, frozen=True, kw_only=True, tag="parent_moved"):
    """A parent order's whole state after a change; ``state`` is JSON of the version that stands in it.

    ``status`` and ``reason`` say the same for people; ``is_open`` False: it has ended.
    """

    ts: int
    parent_id: str
    status: str
    reason: str
    is_open: bool
    state: str


class KillSwitch(Struct, frozen=True, tag="kill"):
    """The kill switch was thrown (``engaged``) or reset."""

    ts: int
    engaged: bool
    source: str


class Note(Struct, frozen=True, tag="note"):
    """A trader's note or an operational fact worth keeping (gap, resync, reconnect)."""

    ts: int
    topic: str
    text: str


Record = (
    SessionStarted
    | SessionEnded
    | CommandReceived
    | OrderSubmitted
    | OrderRefused
    | FundingApplied
    | MarginSet
    | DifferenceSettled
    | PositionAdopted
    | FillMarkout
    | MarkSampled
    | ParentStarted
    | ParentMoved
    | KillSwitch
    | Note
    | OrderEvent
)
