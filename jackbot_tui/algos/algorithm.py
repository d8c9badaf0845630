"""The face of an algorithm: what a kind of parent order has to answer, and rounding that all kinds share.

An algorithm has no state of its own: its memory is a value that the machine keeps, journals and hands back. It only
says which children it wants; the machine (``machine``) places, cancels, counts and never lets the total be exceeded.
"""

from abc import ABC, abstractmethod
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Generic, TypeVar

from jackbot_tui.algos.parameters import Parameter, Table, Terms, Unit
from jackbot_tui.algos.state import (
    Child,
    Decision,
    Finish,
    Kind,
    Leg,
    MarketView,
    Outcome,
    ParentRequest,
    ParentState,
    Preview,
    Seen,
    Want,
)
from jackbot_tui.model.enums import Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO, round_down, round_up, text_of

Memory = TypeVar("Memory")
BASIS_POINTS = Decimal(10_000)

LIMIT = Parameter(
    name="limit",
    unit=Unit.PRICE,
    meaning="never trade worse than this price: no buy above it, no sell below it",
)
SLIP = Parameter(
    name="slip",
    unit=Unit.BASIS_POINTS,
    meaning="how far through the touch it may reach when it takes, rounded down to the tick",
    default="20",
    low="0",
    high="500",
)
REDUCE = Parameter(
    name="reduce",
    unit=Unit.SWITCH,
    meaning="reduce-only orders (perpetuals)",
    default="off",
    fixed=True,
)


class Holding(Enum):
    """What happens to resting children while the parent may not act."""

    PULL = "pull"  # they are canceled: their price was right only for the market that was seen
    LEAVE = "leave"  # they stay: a person chose their prices


class Algorithm(ABC, Generic[Memory]):
    """One kind of parent order."""

    kind: ClassVar[Kind]
    title: ClassVar[str]
    """What it does, in one line."""
    example: ClassVar[str]
    short: ClassVar[tuple[str, ...]] = ()
    notes: ClassVar[tuple[str, ...]] = ()
    """Rules and edge cases for docs/PARENT_ORDERS.md, a sentence or two each."""
    diagram: ClassVar[tuple[str, ...]] = ()
    """Its states, drawn in text, where it has more of them than every parent."""
    table: ClassVar[Table]
    on_hold: ClassVar[Holding] = Holding.PULL
    """While the book is not LIVE, or the parent is paused."""
    works_paused: ClassVar[bool] = False
    """Whether ``decide`` goes on while paused (exits must); it is told by ``paused``."""
    watches_trades: ClassVar[bool] = False
    """Whether trades and marks are events for it, besides the best prices."""
    watches_reach: ClassVar[bool] = False
    """Whether its view of the market tells which prices may be sent (``MarketView.reach``)."""
    watches_position: ClassVar[bool] = False
    """Whether a change of the account's position is an event for it."""
    finishes_with_exit: ClassVar[bool] = False
    """Whether finishing takes off what was entered instead of entering the rest."""
    leaves_footprint: ClassVar[bool] = False
    """Whether its children are compared with the tape, see ``footprint``."""
    sizes_itself: ClassVar[bool] = False
    """Whether its quantity follows from its parameters and the market (``completed``); said as long or short."""
    isolates: ClassVar[bool] = False
    """Whether it needs isolated margin at the leverage of its ``leverage``, and is told of margin (``stakes``)."""
    memory_type: ClassVar[type]

    @abstractmethod
    def begin(self, seen: Seen, terms: Terms) -> Memory:
        """The first memory."""

    @abstractmethod
    def decide(self, seen: Seen, terms: Terms, memory: Memory, paused: bool) -> Decision[Memory]:
        """What should be there now. Called after every event while the book is LIVE."""

    @abstractmethod
    def preview(self, seen: Seen, terms: Terms) -> Preview:
        """What it would do in the market as it is; ``problem`` when it cannot begin or go on with these terms."""

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: Memory) -> Memory:
        """A child has ended and is counted."""
        return memory

    def expects(self, seen: Seen, child: Child, outcome: Outcome) -> bool:
        """Whether a child that came to nothing is its own business: the machine neither waits nor gives up for it."""
        return False

    def ends_ns(self, seen: Seen, terms: Terms) -> int:
        """When its time is up, be the book LIVE or not; 0 = it has no such time."""
        return 0

    def refused(self, want: Want, message: str, memory: Memory) -> Memory | None:
        """The order of ``want`` may not be sent. None: the machine waits or asks a person, as usual."""
        return None

    def completed(self, request: ParentRequest, instrument: Instrument, view: MarketView) -> ParentRequest:
        """``request`` with what follows from the market and is not said: ``sizes_itself``. InputError."""
        return request

    def goes_on(self, state: ParentState) -> bool:  # type: ignore[type-arg]  # whichever memory
        """Whether it goes on after a restart though a person is to decide: it only guards what is there."""
        return False

    def reach_side(self, request: ParentRequest) -> Side:
        """The side whose prices ``MarketView.reach`` tells."""
        return request.side

    def to_finish(self, seen: Seen, terms: Terms, memory: Memory) -> Finish:
        """What finishing takes at the market."""
        if self.finishes_with_exit:
            return Finish(leg=Leg.EXIT, quantity=seen.entered, reduce_only=seen.instrument.is_perpetual)
        reduce = "reduce" in terms.values and terms.on("reduce")
        return Finish(leg=Leg.ENTRY, quantity=seen.remaining, reduce_only=reduce, limit=self.limit(terms))

    def limit(self, terms: Terms) -> Decimal | None:
        """Price that no child of the entry leg may be worse than."""
        return terms.price("limit")


def capped(price: Decimal, limit: Decimal | None, side: Side) -> Decimal:
    """``price`` or the limit where that is more passive."""
    if limit is None:
        return price
    return min(price, limit) if side is Side.BUY else max(price, limit)


def is_worse(price: Decimal, than: Decimal, side: Side) -> bool:
    """Whether paying (or receiving) ``price`` is worse than ``than``."""
    return (price - than) * side.sign > ZERO


def passive_price(price: Decimal, instrument: Instrument, side: Side) -> Decimal:
    """On the tick, rounded away from the market."""
    tick = instrument.tick_at(price)
    return round_down(price, tick) if side is Side.BUY else round_up(price, tick)


def taking_price(seen: Seen, slip_bp: Decimal, limit: Decimal | None, side: Side) -> Decimal | None:
    """Bounded price that takes the other side's touch; None when nothing may be taken within ``limit``."""
    far = seen.view.far(side)
    if not far or (limit is not None and is_worse(far, limit, side)):
        return None
    price = capped(far + far * side.sign * slip_bp / BASIS_POINTS, limit, side)
    return passive_price(price, seen.instrument, side)


def smallest(instrument: Instrument, price: Decimal, reduce_only: bool = False) -> Decimal:
    """The smallest quantity that the venue takes at ``price``; a reducing order has no smallest value."""
    least = max(round_up(instrument.min_qty, instrument.lot), instrument.lot)
    if instrument.min_notional and price > ZERO and not reduce_only:
        least = max(least, round_up(instrument.min_notional / price, instrument.lot))
    return least


def folded(slice_: Decimal, remaining: Decimal, instrument: Instrument, price: Decimal) -> Decimal:
    """``slice_`` made sendable: at least the venue's minimum, all of ``remaining`` where a rest could not follow."""
    least = smallest(instrument, price)
    quantity = min(max(round_down(slice_, instrument.lot), least), remaining)
    return remaining if remaining - quantity < least else quantity


def money_text(value: Decimal) -> str:
    """Quote currency for a line of text."""
    return f"{value:.2f}" if abs(value) >= 1 or not value else text_of(value.quantize(Decimal("0.0001")))


def size_problem(seen: Seen, price: Decimal, pieces: int = 1, reduce_only: bool = False) -> str:
    """Why the quantity cannot be sent in ``pieces``, in one line; "" when it can."""
    instrument = seen.instrument
    if seen.quantity % instrument.lot:
        near = round_down(seen.quantity, instrument.lot)
        return f"quantity {text_of(seen.quantity)} is not a multiple of lot {text_of(instrument.lot)}: {text_of(near)}"
    least = smallest(instrument, price, reduce_only) * pieces
    if seen.quantity < least:
        what = f"{pieces} orders need" if pieces > 1 else "the venue takes"
        return f"quantity {text_of(seen.quantity)} is too small: {what} at least {text_of(least)}"
    return ""
