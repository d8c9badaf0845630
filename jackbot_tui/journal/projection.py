"""The fold: what orders, fills, positions and days follow from the log, record by record.

Pure: no database, no clock. ``store`` feeds it while committing, ``rebuild`` while replaying, tests without either; all
three get the same answer because there is only this one. Orders and positions are changed by ``model.transitions`` and
``model.accounting`` alone. What is not in memory is asked for through ``Stored``, so memory stays bounded by what is
open, however long the log.

A record that cannot be applied (an event of an order the log never saw, an amount no arithmetic can take) stays in the
log and is listed as skipped with the reason; it never stops the journal.
"""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from jackbot_tui.model.accounting import adopted, apply_fill, apply_funding, currencies_of, fee_in_base, fee_in_quote
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import DifferenceRule, Side
from jackbot_tui.model.errors import JackbotError, JournalError
from jackbot_tui.model.margin import MarginSetting
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import Order, OrderEvent, OrderFilled, Position
from jackbot_tui.model.records import (
    CommandReceived,
    DifferenceSettled,
    FillMarkout,
    FundingApplied,
    KillSwitch,
    MarginSet,
    MarkSampled,
    Note,
    OrderRefused,
    OrderSubmitted,
    ParentMoved,
    ParentStarted,
    PositionAdopted,
    Record,
    SessionEnded,
    SessionStarted,
)
from jackbot_tui.model.transitions import EXACT, apply_event

DAY_NS = 86_400 * NS_PER_S
MIDNIGHT_GRACE_NS = 60 * NS_PER_S
"""A mark sampled this soon after UTC midnight is the closing price of the day before."""

_EPOCH = date(1970, 1, 1).toordinal()


class JournalFill(Struct, frozen=True, kw_only=True):
    """One execution with its order and what it did to the position.

    ``seq`` is its record in the log. ``fee_quote`` is the fee in quote currency (0 for a third currency, see ``fee``
    and ``fee_currency``); ``realized`` the price profit it closed, ``position`` the signed quantity after it.
    """

    seq: int
    client_id: str
    trade_id: str
    number: int
    key: str
    side: Side
    ts: int
    price: Decimal
    quantity: Decimal
    liquidity: str
    fee: Decimal
    fee_currency: str
    fee_quote: Decimal
    realized: Decimal
    position: Decimal

    @property
    def value(self) -> Decimal:
        """Traded value in quote currency."""
        return EXACT.multiply(self.price, self.quantity)


class FundingPayment(Struct, frozen=True, kw_only=True):
    """Funding settled on a position; ``amount`` in quote currency, positive = received."""

    seq: int
    ts: int
    key: str
    rate: Decimal
    mark: Decimal
    quantity: Decimal
    amount: Decimal


class DayResult(Struct, frozen=True, kw_only=True):
    """One instrument's UTC day, by the time of the fills. Money in quote currency.

    ``trades`` counts positions closed or turned, ``volume`` is traded value, ``other_fees`` fees in third currencies
    (not in ``fees``). ``quantity`` and ``average_entry`` are the position at the end of the day, ``mark`` the price it
    was valued at (None when none was sampled).
    """

    day: str
    key: str
    fills: int = 0
    trades: int = 0
    volume: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    other_fees: dict[str, Decimal] = {}
    quantity: Decimal = ZERO
    average_entry: Decimal = ZERO
    mark: Decimal | None = None

    @property
    def net(self) -> Decimal:
        """Closed profit after fees and funding."""
        return EXACT.add(EXACT.subtract(self.realized, self.fees), self.funding)


class KnownOrder(Struct):
    """An order with the trade ids already counted in it."""

    order: Order
    trade_ids: set[str]


class Skipped(Struct, frozen=True):
    """A record of the log that could not be applied."""

    seq: int
    reason: str


class Switches(Struct, kw_only=True):
    """What holds for the journal as a whole. ``killed``: the kill switch is on."""

    next_number: int = 1
    session: int = 0
    killed: bool = False


class Stored(Protocol):
    """Where the fold finds what it no longer holds in memory; None = never existed."""

    def order(self, client_id: str) -> KnownOrder | None: ...

    def position(self, key: str) -> Position | None: ...

    def day(self, day: str, key: str) -> DayResult | None: ...

    def last_day(self, key: str) -> str:
        """The newest day that has a result of ``key``, "" when there is none."""
        ...


class NothingStored:
    """Everything is in memory."""

    def order(self, client_id: str) -> KnownOrder | None:
        return None

    def position(self, key: str) -> Position | None:
        return None

    def day(self, day: str, key: str) -> DayResult | None:
        return None

    def last_day(self, key: str) -> str:
        return ""


ADOPTED = "adopted"
"""The kind under which it is kept up to when a position that was taken over is known."""


class Settled(Struct, frozen=True):
    """What is still to be known of a difference that a person settled: the amount of an ignored one, the rule of any
    other, or the time up to which executions are in an adopted position. ``seq`` is its record.
    """

    seq: int
    amount: str


class Changes(Struct):
    """What a run of records changed, each thing once in its newest state."""

    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[JournalFill] = field(default_factory=list)
    funding: list[FundingPayment] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    days: dict[tuple[str, str], DayResult] = field(default_factory=dict)
    margins: dict[str, MarginSetting] = field(default_factory=dict)
    settled: dict[tuple[str, str], Settled] = field(default_factory=dict)
    parents_started: list[ParentStarted] = field(default_factory=list)
    parents_moved: dict[str, ParentMoved] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


class Projection:
    """State of the log up to the last record applied. See the module's paragraph."""

    def __init__(self, stored: Stored | None = None, switches: Switches | None = None) -> None:
        self.switches = switches or Switches()
        self.orders: dict[str, KnownOrder] = {}
        self.positions: dict[str, Position] = {}
        self.days: dict[tuple[str, str], DayResult] = {}
        self.changes = Changes()
        self._stored: Stored = stored or NothingStored()
        self._last_day: dict[str, str] = {}
        self._touched: set[str] = set()

    def apply(self, seq: int, record: Record) -> None:
        """Take in record ``seq`` of the log. Never raises for what a record says: it is skipped with a reason."""
        try:
            self._apply(seq, record)
        except (ArithmeticError, JackbotError) as error:
            reason = str(error) if isinstance(error, JackbotError) else f"impossible amount ({type(error).__name__})"
            self.changes.skipped.append(Skipped(seq, reason))

    def take_changes(self) -> Changes:
        """What changed since the last call."""
        changes, self.changes = self.changes, Changes()
        return changes

    def forget_history(self) -> None:
        """Drop what ``Stored`` can give back: closed orders and all but the newest day. Call after it was stored."""
        for client_id in self._touched:
            if not self.orders[client_id].order.is_open:
                del self.orders[client_id]
        self._touched.clear()
        for place in [place for place in self.days if place[0] < self._last_day.get(place[1], "")]:
            del self.days[place]

    def position(self, key: str) -> Position:
        """The position of ``key``, a flat one when it was never traded."""
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = self._stored.position(key) or Position(key=key)
        return position

    # ------------------------------------------------------------------ inside

    def _apply(self, seq: int, record: Record) -> None:
        match record:
            case OrderFilled():
                self._fill(seq, record)
            case OrderSubmitted():
                self._submit(record.order)
            case FundingApplied():
                self._funding(seq, record)
            case MarkSampled():
                self._mark(record)
            case MarginSet():
                self._margin(record)
            case PositionAdopted():
                self._adopt(seq, record)
            case DifferenceSettled():
                ignored = record.rule == DifferenceRule.IGNORE
                kept = Settled(seq, record.amount if ignored else record.rule)
                self.changes.settled[record.kind, record.subject] = kept
            case ParentStarted():
                self.changes.parents_started.append(record)
            case ParentMoved():
                self.changes.parents_moved[record.parent_id] = record
            case KillSwitch():
                self.switches.killed = record.engaged
            case SessionStarted():
                self.switches.session = max(self.switches.session, record.session)
            case CommandReceived() | OrderRefused() | Note() | SessionEnded() | FillMarkout():
                pass
            case _:
                self._event(record)

    def _known(self, client_id: str) -> KnownOrder:
        known = self.orders.get(client_id) or self._stored.order(client_id)
        if known is None:
            raise JournalError(f"no order {client_id} in the log before this event")
        self.orders[client_id] = known
        self._touched.add(client_id)
        return known

    def _submit(self, order: Order) -> None:
        # Numbers only count up, so a number never seen before needs no look into the store.
        if order.client_id in self.orders or (
            order.number < self.switches.next_number and self._stored.order(order.client_id) is not None
        ):
            raise JournalError(f"order {order.client_id} was submitted before")
        self.switches.next_number = max(self.switches.next_number, order.number + 1)
        self.orders[order.client_id] = KnownOrder(order, set())
        self._touched.add(order.client_id)
        self.changes.orders[order.client_id] = order

    def _event(self, event: OrderEvent) -> None:
        known = self._known(event.client_id)
        known.order = self.changes.orders[event.client_id] = apply_event(known.order, event)

    def _fill(self, seq: int, fill: OrderFilled) -> None:
        known = self._known(fill.client_id)
        if fill.trade_id in known.trade_ids:
            raise JournalError(f"fill {fill.trade_id} of order {fill.client_id} was counted before")
        _demand_finite(fill.quantity, fill.price, fill.fee)
        if fill.quantity <= ZERO:
            raise JournalError(f"fill {fill.trade_id} of order {fill.client_id} has no positive quantity")
        order = apply_event(known.order, fill)
        before = self.position(order.key)
        fee = fee_in_quote(order.key, fill)
        after = apply_fill(before, order.side, fill, fee, fee_in_base(order.key, fill))
        row = JournalFill(
            seq=seq,
            client_id=order.client_id,
            trade_id=fill.trade_id,
            number=order.number,
            key=order.key,
            side=order.side,
            ts=fill.ts,
            price=fill.price,
            quantity=fill.quantity,
            liquidity=fill.liquidity.value,
            fee=fill.fee,
            fee_currency=fill.fee_currency,
            fee_quote=fee,
            realized=EXACT.subtract(after.realized, before.realized),
            position=after.quantity,
        )
        day = self._day_of_fill(row, before, after)
        known.order = self.changes.orders[order.client_id] = order
        known.trade_ids.add(fill.trade_id)
        self.changes.fills.append(row)
        self._keep_position(after)
        self._keep_day(day)

    def _funding(self, seq: int, record: FundingApplied) -> None:
        currencies_of(record.key)  # a key that names no instrument is refused here
        _demand_finite(record.amount)
        position = apply_funding(self.position(record.key), record.amount, record.ts)
        day = self._day(day_of(record.ts), record.key)
        day = self._closing(replace(day, funding=EXACT.add(day.funding, record.amount)), position)
        payment = FundingPayment(
            seq=seq,
            ts=record.ts,
            key=record.key,
            rate=record.rate,
            mark=record.mark,
            quantity=record.quantity,
            amount=record.amount,
        )
        self.changes.funding.append(payment)
        self._keep_position(position)
        self._keep_day(day)

    def _margin(self, record: MarginSet) -> None:
        currencies_of(record.key)
        _demand_finite(record.leverage)
        self.changes.margins[record.key] = MarginSetting(record.mode, record.leverage)

    def _adopt(self, seq: int, record: PositionAdopted) -> None:
        currencies_of(record.key)
        _demand_finite(record.quantity, record.average_entry, record.realized)
        before = self.position(record.key)
        after = adopted(before, record.quantity, record.average_entry, record.realized, record.ts)
        day = self._day(day_of(record.ts), record.key)
        realized = EXACT.add(day.realized, EXACT.subtract(after.realized, before.realized))
        day = self._closing(replace(day, realized=realized), after)
        self.changes.settled[ADOPTED, record.key] = Settled(seq, str(record.until))
        self._keep_position(after)
        self._keep_day(day)

    def _mark(self, record: MarkSampled) -> None:
        currencies_of(record.key)
        _demand_finite(record.price)
        at_midnight = record.ts >= DAY_NS and record.ts % DAY_NS < MIDNIGHT_GRACE_NS
        day = self._day(day_of(record.ts - DAY_NS if at_midnight else record.ts), record.key)
        self._keep_day(self._closing(replace(day, mark=record.price), self.position(record.key)))

    def _day_of_fill(self, fill: JournalFill, before: Position, after: Position) -> DayResult:
        day = self._day(day_of(fill.ts), fill.key)
        closed = before.quantity != ZERO and before.quantity * after.quantity <= ZERO
        other = day.other_fees
        currencies = currencies_of(fill.key)
        if fill.fee and fill.fee_currency not in (currencies.base, currencies.quote, currencies.settle):
            other = {**other, fill.fee_currency: EXACT.add(other.get(fill.fee_currency, ZERO), fill.fee)}
        return self._closing(
            replace(
                day,
                fills=day.fills + 1,
                trades=day.trades + closed,
                volume=EXACT.add(day.volume, fill.value),
                realized=EXACT.add(day.realized, fill.realized),
                fees=EXACT.add(day.fees, fill.fee_quote),
                other_fees=other,
            ),
            after,
        )

    def _day(self, day: str, key: str) -> DayResult:
        found = self.days.get((day, key)) or self._stored.day(day, key)
        if found is not None:
            return found
        position = self.position(key)
        return DayResult(day=day, key=key, quantity=position.quantity, average_entry=position.average_entry)

    def _closing(self, day: DayResult, position: Position) -> DayResult:
        """``day`` ends with ``position``, unless a later day has begun already."""
        if day.day < self._newest_day(day.key):
            return day
        return replace(day, quantity=position.quantity, average_entry=position.average_entry)

    def _newest_day(self, key: str) -> str:
        day = self._last_day.get(key)
        if day is None:
            day = self._last_day[key] = self._stored.last_day(key)
        return day

    def _keep_position(self, position: Position) -> None:
        self.positions[position.key] = self.changes.positions[position.key] = position

    def _keep_day(self, day: DayResult) -> None:
        self.days[day.day, day.key] = self.changes.days[day.day, day.key] = day
        if day.day > self._newest_day(day.key):
            self._last_day[day.key] = day.day


def _demand_finite(*amounts: Decimal) -> None:
    for amount in amounts:
        if not amount.is_finite():
            raise JournalError(f"{amount} is not an amount")


@lru_cache(maxsize=64)
def _day_text(days: int) -> str:
    return date.fromordinal(_EPOCH + days).isoformat()


def day_of(ts: int) -> str:
    """UTC day of ``ts`` (nanoseconds) as ``YYYY-MM-DD``."""
    return _day_text(ts // DAY_NS)
