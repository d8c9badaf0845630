"""What a parent order is and what is known of it: request, children, ledgers, state, picture.

``ParentState`` is what the journal keeps at every change, whole, as JSON with a version; the machine (``machine``) is
its only writer. Money is Decimal, time nanoseconds.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from jackbot_tui.algos.footprint import Footprint
from jackbot_tui.algos.stakes import Stakes
from jackbot_tui.book.flow import Flow
from jackbot_tui.model.enums import Side, TimeInForce, TriggerBy
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.risk.reach import Reach

STATE_VERSION = 1
OWNER = "parent"
"""Who owns child orders."""

GUARD = "guard"
"""Slot of a reduce-only stop that waits at the venue. What it could fill is not counted against the total: it guards
what other exits take off as well, and the venue holds it to what is left of the position."""

Memory = TypeVar("Memory")


class Kind(StrEnum):
    """Kinds of parent orders; the words of the command language."""

    MAKER = "maker"
    CHASE = "chase"
    ICEBERG = "iceberg"
    SCALE = "scale"
    BRACKET = "bracket"
    SMART = "smart"
    JACKPOT = "jackpot"
    OCO = "oco"
    PROPHET = "prophet"
    TWAP = "twap"
    VWAP = "vwap"


class ParentStatus(StrEnum):
    """Where a parent order is in its life; docs/PARENT_ORDERS.md has the diagram."""

    RUNNING = "running"
    PAUSED = "paused"  # by a person, or by itself when a person has to decide
    WAITING = "waiting"  # after a restart: waits for a person, its children stay as they are
    FINISHING = "finishing"  # takes what is left at the market, within its limit
    STOPPING = "stopping"  # its children are being canceled, then it ends
    DONE = "done"
    CANCELED = "canceled"
    FAILED = "failed"  # ended by itself before its total was reached

    @property
    def is_open(self) -> bool:
        return self not in (ParentStatus.DONE, ParentStatus.CANCELED, ParentStatus.FAILED)


class Leg(StrEnum):
    """``ENTRY`` children fill the parent's own side and quantity, ``EXIT`` children take it off again."""

    ENTRY = "e"
    EXIT = "x"


class ParentRequest(Struct, frozen=True, kw_only=True):
    """What somebody wants. ``values`` are canonical texts by parameter name, see ``parameters``."""

    kind: Kind
    key: str
    side: Side
    quantity: Decimal
    values: dict[str, str] = {}
    source: str = "engine"


class Action(StrEnum):
    """What may be done with a running parent order."""

    PAUSE = "pause"
    RESUME = "resume"
    EDIT = "edit"
    CANCEL = "cancel"
    FINISH = "finish"


class Child(Struct, kw_only=True):
    """One order placed for the parent, as the parent counts it.

    ``filled``, ``value``, ``fees`` and ``in_base`` are what has been put into the ledger. ``accepted_ns`` 0: the venue
    has not said that it rests. ``cancel_ns``: when a cancel was asked last, 0 = not. ``reason``: why it ended.
    """

    client_id: str
    number: int
    leg: Leg
    slot: str
    price: Decimal
    quantity: Decimal
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    in_base: Decimal = ZERO
    open: bool = True
    immediate: bool = False
    placed_ns: int = 0
    accepted_ns: int = 0
    cancel_ns: int = 0
    reason: str = ""

    @property
    def remaining(self) -> Decimal:
        return max(ZERO, self.quantity - self.filled)


class Ledger(Struct, kw_only=True):
    """Fills of one leg. ``value`` is price times quantity, ``fees`` quote currency (negative: received).

    ``taker_fees`` is what the same fills would have paid at the taker fee; ``by_maker`` the quantity filled as maker.
    ``in_base``: what fees took out of the base currency itself, as spot buys pay at many venues; part of ``fees`` too.
    """

    filled: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    taker_fees: Decimal = ZERO
    by_maker: Decimal = ZERO
    in_base: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        """Mean price, 0 before the first fill."""
        return self.value / self.filled if self.filled else ZERO


class Arrival(Struct, frozen=True, kw_only=True):
    """The market when the parent began. ``take`` is the mean price that taking everything at once would have had.

    0 where the book did not tell; ``complete``: the displayed book held the whole quantity.
    """

    mid: Decimal = ZERO
    touch: Decimal = ZERO
    take: Decimal = ZERO
    complete: bool = False


class ParentState(Struct, Generic[Memory], kw_only=True):
    """Everything that is not told by the request alone. ``memory`` is the algorithm's own.

    ``children`` are the open ones and the newest closed ones, ``newest`` is the highest order number ever counted;
    ``in_slot`` is what filled in each slot. ``failures`` in a row hold the next placing back until ``not_before_ns``.
    ``races`` are fills that came after a cancel was asked. ``then`` is the status that follows ``STOPPING``.
    """

    version: int = STATE_VERSION
    status: ParentStatus = ParentStatus.RUNNING
    reason: str = ""
    quantity: Decimal
    values: dict[str, str]
    memory: Memory
    entry: Ledger
    exit: Ledger
    children: list[Child]
    in_slot: dict[str, Decimal]
    then: ParentStatus = ParentStatus.DONE
    newest: int = 0
    failures: int = 0
    not_before_ns: int = 0
    races: int = 0
    arrival: Arrival = Arrival()
    started_ns: int = 0
    ended_ns: int = 0


class MarketView(Struct, frozen=True, kw_only=True):
    """What a parent may know of its market at ``now``. Prices and sizes are 0 where unknown.

    ``live``: the book may price an order; ``trouble`` says why not. ``volume`` is traded since the session began.
    ``position`` is what the account holds, signed, as far as fills were told to parents; ``entry`` its mean price.
    ``ahead`` estimates the queue before own orders by client id, where the venue model tells. ``flow`` answers what the
    tape tells of sizes and of volume to come; None where there is no tape. ``reach``: which prices the own side may
    have now, for kinds that ask for it (``Algorithm.watches_reach``). ``triggers``: what may wake a stop that waits at
    the venue, empty = none may wait there. ``stakes``: margin and funding, for kinds that ask for them
    (``Algorithm.isolates``).
    """

    now: int
    live: bool = False
    trouble: str = ""
    bid: Decimal = ZERO
    ask: Decimal = ZERO
    bid_size: Decimal = ZERO
    ask_size: Decimal = ZERO
    last: Decimal = ZERO
    mark: Decimal = ZERO
    index: Decimal = ZERO
    position: Decimal = ZERO
    entry: Decimal = ZERO
    volume: Decimal = ZERO
    ahead: dict[str, Decimal] = {}
    flow: Flow | None = None
    reach: Reach | None = None
    triggers: tuple[TriggerBy, ...] = ()
    stakes: Stakes | None = None

    def near(self, side: Side) -> Decimal:
        """Best price of the own side."""
        return self.bid if side is Side.BUY else self.ask

    def far(self, side: Side) -> Decimal:
        """Best price of the other side."""
        return self.ask if side is Side.BUY else self.bid

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2 if self.bid and self.ask else ZERO


class Want(Struct, frozen=True, kw_only=True):
    """A child that should be there. A slot has one open child at most.

    Price and size count when it is placed; a child that is there already stays as it is, and one whose slot is not
    wanted is canceled. ``urgent``: it protects a position and does not wait for a place in the rate budget.
    With a ``trigger_price`` it waits at the venue until the price that ``trigger_by`` names has reached it, and is a
    limit order at ``price`` then, or a market order where both are the same.
    """

    slot: str
    quantity: Decimal
    price: Decimal
    leg: Leg = Leg.ENTRY
    post_only: bool = False
    tif: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    urgent: bool = False
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST


class Finish(Struct, frozen=True, kw_only=True):
    """What finishing at the market takes: ``quantity`` of a leg, nothing worse than ``limit``."""

    leg: Leg
    quantity: Decimal
    reduce_only: bool = False
    limit: Decimal | None = None


class Decision(Struct, Generic[Memory], frozen=True, kw_only=True):
    """What an algorithm wants now: its children, its memory, when to be asked again (0 = at the next event), and why.

    ``ended`` not "": everything is to be canceled and the parent ends with these words; ``failed`` says how. ``alert``
    is told once. ``afresh``: it wants something new at once, whatever trouble its earlier orders had. ``quiet``:
    nothing can change before bid, ask, last or mark has moved by this share of itself, so the host need not ask until
    then (or until ``wake_ns``); 0 = ask at every event.
    """

    memory: Memory
    why: str
    wants: tuple[Want, ...] = ()
    wake_ns: int = 0
    ended: str = ""
    failed: bool = False
    alert: str = ""
    afresh: bool = False
    quiet: float = 0.0


class Outcome(StrEnum):
    """How a child ended."""

    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"  # the venue did not take it (a post-only that would have crossed, too)


class Seen(Struct, frozen=True, kw_only=True):
    """What an algorithm decides from, besides its memory."""

    side: Side
    quantity: Decimal
    instrument: Instrument
    view: MarketView
    state: ParentState  # type: ignore[type-arg]  # for reading: whichever memory it has
    seed: int

    def child(self, slot: str) -> Child | None:
        """The open child in ``slot``."""
        return next((child for child in self.state.children if child.open and child.slot == slot), None)

    @property
    def open_children(self) -> list[Child]:
        return [child for child in self.state.children if child.open]

    @property
    def remaining(self) -> Decimal:
        """What is still to be filled of the parent's own side."""
        return max(ZERO, self.quantity - self.state.entry.filled)

    @property
    def entered(self) -> Decimal:
        """What is there of what has been filled: not taken off again, and not taken by fees in the base currency."""
        return max(ZERO, self.state.entry.filled - self.state.entry.in_base - self.state.exit.filled)


class Preview(Struct, frozen=True, kw_only=True):
    """What a parent would do, before it is sent. ``problem`` not "": it cannot be started.

    ``card``: nothing but a person's having read all its lines stands in its way, and ``problem`` says what to type.
    """

    lines: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    problem: str = ""
    card: bool = False


class ParentPicture(Struct, frozen=True, kw_only=True):
    """A parent as panels and programs show it. ``slippage_bp`` against the mid at the start, positive = paid more.

    ``saved`` is taker fees minus fees of its fills, quote currency; ``footprint`` None: nothing was measured.
    """

    number: int
    parent_id: str
    kind: Kind
    key: str
    side: Side
    quantity: Decimal
    filled: Decimal
    average: Decimal
    exited: Decimal
    status: ParentStatus
    why: str
    slippage_bp: Decimal | None
    saved: Decimal
    maker_share: Decimal | None
    races: int
    orders: tuple[int, ...]
    values: dict[str, str]
    started_ns: int
    ended_ns: int
    wake_ns: int
    footprint: Footprint | None = None
