"""Ours against the venue's: which orders, positions and holdings differ, said once and journaled, never acted upon.

The live line hands in both sides after every look at the account; a difference that appears or goes is journaled and
told. Only a person changes anything because of one (``settling``): an engine that starts places and cancels nothing by
itself.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from jackbot_tui.engine.answers import ListedDifference
from jackbot_tui.engine.options import DifferenceRules
from jackbot_tui.execution.live.account import LiveAccount
from jackbot_tui.execution.live.tracker import Tracker
from jackbot_tui.model.accounting import currencies_of
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import DifferenceRule, MarketKind, OrderStatus
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.orders import Order, Position
from jackbot_tui.model.records import DifferenceSettled, Record


class DifferenceKind(StrEnum):
    """What differs. Foreign orders are somebody else's on the same account: never touched without being told."""

    FOREIGN_ORDER = "foreign order"
    REVIVED_ORDER = "order over here, working there"
    UNKNOWN_ORDER = "order of unknown fate"
    POSITION = "position"
    HOLDING = "holding"


K = DifferenceKind
R = DifferenceRule

POSSIBLE: Mapping[DifferenceKind, tuple[DifferenceRule, ...]] = {
    K.FOREIGN_ORDER: (R.ADOPT, R.CLOSE, R.IGNORE),
    K.REVIVED_ORDER: (R.CLOSE, R.IGNORE),
    K.UNKNOWN_ORDER: (),  # the venue is being asked: that settles it
    K.POSITION: (R.ADOPT, R.CLOSE, R.IGNORE),
    K.HOLDING: (R.ADOPT, R.IGNORE),  # it differs only where the venue has less: there is nothing foreign to sell
}

OVER = "over"
"""In place of a rule: what was ignored is no more, and would be another one if it came again."""


class Difference(Struct, frozen=True, kw_only=True):
    """``subject`` names it and stays the same while it lasts; ``ours`` and ``venue`` are in words.

    ``apart`` is how far, signed base units of the venue's less ours ("" for orders). ``symbol`` and ``venue_id`` name
    an order at the venue, ``waits``: for its trigger.
    """

    kind: DifferenceKind
    subject: str
    ours: str
    venue: str
    apart: str = ""
    symbol: str = ""
    venue_id: str = ""
    waits: bool = False

    @property
    def words(self) -> str:
        return f"{self.kind.value} {self.subject}: ours {self.ours}, venue {self.venue}"

    @property
    def place(self) -> tuple[str, str]:
        return self.kind.value, self.subject


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
            yield Difference(kind=K.UNKNOWN_ORDER, subject=f"#{order.number}", ours="unknown", venue="being asked")
    for client_id, said in tracker.revived.items():
        yield Difference(
            kind=K.REVIVED_ORDER, subject=client_id, ours="over", venue=f"open {said.symbol}",
            symbol=said.symbol, venue_id=said.venue_id, waits=bool(said.waits),
        )  # fmt: skip
    for said in tracker.foreign.values():
        side = "" if said.side is None else said.side.value
        waits = ", waits for its trigger" if said.waits else ""
        what = f"{side} {_text(said.quantity)} at {_text(said.price)}{waits}"
        yield Difference(
            kind=K.FOREIGN_ORDER, subject=f"{said.symbol} {said.venue_id}", ours="none", venue=what,
            symbol=said.symbol, venue_id=said.venue_id, waits=bool(said.waits),
        )  # fmt: skip


def _of_positions(positions: Mapping[str, Position], account: LiveAccount) -> Iterable[Difference]:
    perpetuals = {key for key in positions if currencies_of(key).is_perpetual} | set(account.positions)
    for key in perpetuals:
        ours = positions[key].quantity if key in positions else ZERO
        said = account.positions.get(key)
        theirs = ZERO if said is None else said.quantity
        if ours != theirs:
            yield _apart(K.POSITION, key, ours, theirs)
    wallet = account.balances(MarketKind.SPOT)
    for key, position in positions.items():
        currencies = currencies_of(key)
        if currencies.is_perpetual or position.quantity <= ZERO or not wallet:
            continue
        held = wallet[currencies.base].total if currencies.base in wallet else ZERO
        if held < position.quantity:  # more than ours is no difference: the account may have been used before
            yield _apart(K.HOLDING, key, position.quantity, held)


def _apart(kind: DifferenceKind, key: str, ours: Decimal, theirs: Decimal) -> Difference:
    return Difference(
        kind=kind, subject=key, ours=text_of(ours), venue=text_of(theirs), apart=text_of(theirs - ours),
        symbol=key.partition(":")[2],
    )  # fmt: skip


def _text(value: Decimal | None) -> str:
    return "?" if value is None else text_of(value)


class ReconcilePort(Protocol):
    """What saying differences needs of the engine."""

    @property
    def clock(self) -> Clock: ...

    def note(self, topic: str, text: str) -> int: ...

    def append(self, record: Record) -> int: ...

    def publish_durable(
        self, seq: int, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> None: ...


class Reconciliation:
    """Remembers which differences there are, their numbers, and which are ignored; ``look`` is told all each time."""

    def __init__(self, engine: ReconcilePort, rules: DifferenceRules | None = None) -> None:
        self.looked_ns = 0
        self.ignored: dict[tuple[str, str], str] = {}
        """How far they were apart when a person said to ignore them, by kind and subject."""
        self._engine = engine
        self._rules = rules or DifferenceRules()
        self._shown: dict[tuple[str, str], Difference] = {}
        self._numbers: dict[tuple[str, str], tuple[int, int]] = {}
        self._next_number = 1
        self._seen_once: set[tuple[str, str, str]] = set()

    @property
    def current(self) -> list[Difference]:
        """What lasts, in a steady order."""
        return list(self._shown.values())

    def listed(self, busy: Iterable[tuple[str, str]] = ()) -> list[ListedDifference]:
        """What lasts, as people see it, by number."""
        under_way = set(busy)
        rows = [
            ListedDifference(
                number=self._numbers[place][0],
                kind=each.kind.value,
                subject=each.subject,
                ours=each.ours,
                venue=each.venue,
                apart=each.apart,
                rule=self.rule_of(each.kind),
                since_ns=self._numbers[place][1],
                ignored=self.is_ignored(each),
                busy=place in under_way,
            )
            for place, each in self._shown.items()
        ]
        return sorted(rows, key=lambda row: row.number)

    def shown(self, place: tuple[str, str]) -> Difference | None:
        return self._shown.get(place)

    def rule_of(self, kind: DifferenceKind) -> DifferenceRule | None:
        """What the settings say about this kind; None where there is nothing to decide."""
        rules = self._rules
        match kind:
            case DifferenceKind.FOREIGN_ORDER:
                return rules.foreign_order
            case DifferenceKind.REVIVED_ORDER:
                return rules.revived_order
            case DifferenceKind.POSITION:
                return rules.position
            case DifferenceKind.HOLDING:
                return rules.holding
            case DifferenceKind.UNKNOWN_ORDER:
                return None

    def is_ignored(self, each: Difference) -> bool:
        return self.ignored.get(each.place) == each.apart

    def look(self, found: list[Difference]) -> None:
        """Journal and tell what is new since the last looks, and what has gone. New means: seen twice in a row."""
        marks = {(*each.place, each.apart) for each in found}
        lasting = {each.place: each for each in found if (*each.place, each.apart) in self._seen_once}
        self._seen_once = marks
        there = {each.place for each in found}
        now = {
            place: lasting.get(place) or self._shown[place]
            for place in sorted(there)
            if place in lasting or place in self._shown
        }
        for place, each in now.items():
            before = self._shown.get(place)
            if before is None:
                self._numbers[place] = (self._next_number, self._engine.clock.now_ns())
                self._next_number += 1
            if (before is None or before.apart != each.apart) and not self.is_ignored(each):
                self._say("warn", f"difference: {each.words}")
        for place, each in self._shown.items():
            if place not in now:
                self._gone(each)
        self._shown = now
        self.looked_ns = self._engine.clock.now_ns()

    def ignore(self, each: Difference) -> None:
        """A person said that this one is to stay; it counts again once it is another one."""
        self.ignored[each.place] = each.apart

    def _gone(self, each: Difference) -> None:
        self._numbers.pop(each.place)
        if self.ignored.pop(each.place, None) is not None:
            self._engine.append(
                DifferenceSettled(
                    ts=self._engine.clock.now_ns(), kind=each.kind.value, subject=each.subject, rule=OVER,
                    ours=each.ours, venue=each.venue, source="engine",
                )
            )  # fmt: skip
        self._say("good", f"no longer different: {each.kind.value} {each.subject}")

    def _say(self, level: str, text: str) -> None:
        engine = self._engine
        engine.publish_durable(engine.note("reconcile", text), engine.clock.now_ns(), "note", level, text)
