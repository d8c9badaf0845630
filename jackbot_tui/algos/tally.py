"""Counting: children and their fills in the state of a parent order, and how much of its total is still free.

Used by ``machine`` alone. A child is known by its client id; what it filled enters the ledger of its leg once, from the
fill itself or, after a restart, from what the order has filled beyond what was counted.
"""

from decimal import Decimal
from typing import Any

import msgspec

from jackbot_tui.algos.algorithm import Algorithm
from jackbot_tui.algos.parameters import read
from jackbot_tui.algos.state import GUARD, STATE_VERSION, Arrival, Child, Ledger, Leg, ParentRequest, ParentState
from jackbot_tui.model.accounting import currencies_of, fee_in_base, fee_in_quote
from jackbot_tui.model.enums import Liquidity, TimeInForce
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import Order, OrderFilled

KEPT_CLOSED = 16
"""Closed children kept in the state: what a venue tells late about them is still counted."""


class Tally:
    """The one writer of children and ledgers in a state."""

    def __init__(self, key: str, instrument: Instrument, state: "ParentState[Any]") -> None:
        self._key = key
        self._instrument = instrument
        self._state = state

    def child(self, client_id: str) -> Child | None:
        return next((child for child in self._state.children if child.client_id == client_id), None)

    def add(self, child: Child) -> None:
        """A child is on its way; the oldest closed ones are forgotten."""
        state = self._state
        state.children.append(child)
        state.newest = max(state.newest, child.number)
        closed = [each for each in state.children if not each.open]
        for old in closed[: max(0, len(closed) - KEPT_CLOSED)]:
            state.children.remove(old)

    def free(self, leg: Leg) -> Decimal:
        """How much may still be filled in a leg: an exit takes off no more than was entered."""
        state = self._state
        if leg is Leg.ENTRY:
            return max(ZERO, state.quantity - state.entry.filled)
        return max(ZERO, state.entry.filled - state.exit.filled)

    def open_quantity(self, leg: Leg) -> Decimal:
        """What the open children of a leg may still fill; a guard shares what the others take off."""
        counted = (each for each in self._state.children if each.open and each.leg is leg and each.slot != GUARD)
        return sum((child.remaining for child in counted), ZERO)

    def count(self, child: Child, fill: OrderFilled) -> None:
        """Book one fill."""
        fee = fee_in_quote(self._key, fill)
        in_base = fee_in_base(self._key, fill)
        self._book(child, fill.quantity, fill.price * fill.quantity, fee, in_base, fill.liquidity is Liquidity.MAKER)

    def count_up_to(self, child: Child, order: Order) -> None:
        """Book what ``order`` has filled beyond what was counted; its fills are not at hand any more."""
        quantity = order.filled - child.filled
        if quantity <= ZERO:
            return
        currencies = currencies_of(self._key)
        in_base = order.fees.get(currencies.base, ZERO)
        fees = order.fees.get(currencies.quote, ZERO) + in_base * order.average_price
        value = order.average_price * order.filled
        new_in_base = ZERO if currencies.is_perpetual else in_base - child.in_base
        self._book(child, quantity, value - child.value, fees - child.fees, new_in_base, order.post_only)

    def _book(
        self, child: Child, quantity: Decimal, value: Decimal, fee: Decimal, in_base: Decimal, maker: bool
    ) -> None:
        state = self._state
        ledger: Ledger = state.entry if child.leg is Leg.ENTRY else state.exit
        ledger.filled += quantity
        ledger.value += value
        ledger.fees += fee
        ledger.taker_fees += value * self._instrument.taker_fee
        ledger.by_maker += quantity if maker else ZERO
        ledger.in_base += max(ZERO, in_base)
        child.filled += quantity
        child.value += value
        child.fees += fee
        child.in_base += max(ZERO, in_base)
        state.in_slot[child.slot] = state.in_slot.get(child.slot, ZERO) + quantity
        state.failures = 0


def child_of_order(order: Order) -> Child:
    """A child that the state does not know yet: it was sent right before the process ended."""
    return Child(
        client_id=order.client_id,
        number=order.number,
        leg=Leg(order.tag[:1]),
        slot=order.tag[1:],
        price=order.trigger_price or order.price or ZERO,
        quantity=order.quantity,
        immediate=order.tif is not TimeInForce.GTC,
        placed_ns=order.created_ns,
    )


def first_state(algorithm: Algorithm[Any], request: ParentRequest, arrival: Arrival, now: int) -> "ParentState[Any]":
    """State of a new parent but for its memory; InputError when its terms cannot be taken."""
    terms = read(algorithm.table, request.values)
    return ParentState(
        quantity=request.quantity,
        values=terms.values,
        memory=None,
        entry=Ledger(),
        exit=Ledger(),
        children=[],
        in_slot={},
        arrival=arrival,
        started_ns=now,
    )


def state_from(text: str, algorithm: Algorithm[Any]) -> "ParentState[Any]":
    """The state in the journal's text. JournalError when another version wrote it or it is damaged."""
    try:
        state: ParentState[Any] = msgspec.json.decode(text, type=ParentState[algorithm.memory_type])  # type: ignore[name-defined]
    except msgspec.DecodeError as error:
        raise JournalError(f"the state of a parent order cannot be read ({error})") from error
    if state.version != STATE_VERSION:
        raise JournalError(f"the state of a parent order has version {state.version}, this one reads {STATE_VERSION}")
    return state
