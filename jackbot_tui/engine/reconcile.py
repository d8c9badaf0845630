"""Ours against the venue's: which orders, positions and holdings differ, said once and journaled, never acted upon.

The live line hands in both sides after every look at the account; a difference that appears or goes is journaled and
told. Only a person changes anything because of one: an engine that starts places and cancels nothing by itself.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from jackbot_tui.execution.live.account import LiveAccount
from jackbot_tui.execution.live.tracker import Tracker
from jackbot_tui.model.accounting import currencies_of
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import MarketKind, OrderStatus
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.orders import Order, Position


class DifferenceKind(StrEnum):
    """What differs. Foreign orders are somebody else's on the same account: shown, never touched."""

    FOREIGN_ORDER = "foreign order"
    REVIVED_ORDER = "order over here, working there"
    UNKNOWN_ORDER = "order of unknown fate"
    POSITION = "position"
    HOLDING = "holding"


class Difference(Struct, frozen=True, kw_only=True):
    """``subject`` names it and stays the same while it lasts; ``ours`` and ``venue`` are in words."""

    kind: DifferenceKind
    subject: str
    ours: str
    venue: str

    @property
    def words(self) -> str:
        return f"{self.kind.value} {self.subject}: ours {self.ours}, venue {self.venue}"


def differences(
    orders: Iterable[Order], positions: Mapping[str, Position], tracker: Tracker, account: LiveAccount
) -> list[Difference]:
    """Everything in which our books and the venue's last word differ, in a steady order. Positions need an account
    that has been heard of; a fill may be known on one side a moment earlier, so a difference counts when it stays.
    """
    found = [*_of_orders(orders, tracker)]
    if account.heard_ns:
        found += _of_positions(positions, account)
    return sorted(found, key=lambda each: (each.kind, each.subject))


def _of_orders(orders: Iterable[Order], tracker: Tracker) -> Iterable[Difference]:
    for order in orders:
        if order.status is OrderStatus.PENDING_UNKNOWN:
            yield Difference(
                kind=DifferenceKind.UNKNOWN_ORDER, subject=f"#{order.number}", ours="unknown", venue="being asked"
            )
    for client_id, said in tracker.revived.items():
        yield Difference(kind=DifferenceKind.REVIVED_ORDER, subject=client_id, ours="over", venue=f"open {said.symbol}")
    for said in tracker.foreign.values():
        side = "" if said.side is None else said.side.value
        what = f"{side} {_text(said.quantity)} at {_text(said.price)}"
        yield Difference(
            kind=DifferenceKind.FOREIGN_ORDER, subject=f"{said.symbol} {said.venue_id}", ours="none", venue=what
        )


def _of_positions(positions: Mapping[str, Position], account: LiveAccount) -> Iterable[Difference]:
    perpetuals = {key for key in positions if currencies_of(key).is_perpetual} | set(account.positions)
    for key in perpetuals:
        ours = positions[key].quantity if key in positions else ZERO
        said = account.positions.get(key)
        theirs = ZERO if said is None else said.quantity
        if ours != theirs:
            yield Difference(kind=DifferenceKind.POSITION, subject=key, ours=text_of(ours), venue=text_of(theirs))
    wallet = account.balances(MarketKind.SPOT)
    for key, position in positions.items():
        currencies = currencies_of(key)
        if currencies.is_perpetual or position.quantity <= ZERO or not wallet:
            continue
        held = wallet[currencies.base].total if currencies.base in wallet else ZERO
        if held < position.quantity:  # more than ours is no difference: the account may have been used before
            yield Difference(
                kind=DifferenceKind.HOLDING, subject=key, ours=text_of(position.quantity), venue=text_of(held)
            )


def _text(value: Decimal | None) -> str:
    return "?" if value is None else text_of(value)


class ReconcilePort(Protocol):
    """What saying differences needs of the engine."""

    @property
    def clock(self) -> Clock: ...

    def note(self, topic: str, text: str) -> int: ...

    def publish_durable(
        self, seq: int, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> None: ...


class Reconciliation:
    """Remembers which differences there are; ``look`` is told all of them each time."""

    def __init__(self, engine: ReconcilePort) -> None:
        self.current: list[Difference] = []
        self.looked_ns = 0
        self._engine = engine
        self._seen_once: set[Difference] = set()

    def look(self, found: list[Difference]) -> None:
        """Journal and tell what is new since the last looks, and what has gone. New means: seen twice in a row."""
        lasting = [each for each in found if each in self._seen_once]
        self._seen_once = set(found)
        before, now = set(self.current), set(lasting)
        for each in lasting:
            if each not in before:
                self._say("warn", f"difference: {each.words}")
        for each in self.current:
            if each not in now:
                self._say("good", f"no longer different: {each.kind.value} {each.subject}")
        self.current = lasting
        self.looked_ns = self._engine.clock.now_ns()

    def _say(self, level: str, text: str) -> None:
        engine = self._engine
        engine.publish_durable(engine.note("reconcile", text), engine.clock.now_ns(), "note", level, text)
