"""What the journal stores: one immutable record per fact, in the order in which the engine learned them.

Order events (``model.orders``) are journal records as they are. The log of records is the truth; every table of orders,
fills, positions and daily results is a projection that can be built again from it.
"""

from decimal import Decimal

from msgspec import Struct

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


class MarkSampled(Struct, frozen=True, tag="mark"):
    """Price at which an open position is valued in daily results; written when a session ends and at UTC midnight."""

    ts: int
    key: str
    price: Decimal


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
    | MarkSampled
    | KillSwitch
    | Note
    | OrderEvent
)
