"""Ours against the venue's: what differs is said once it lasts, said again when it is gone, and never acted upon."""

from decimal import Decimal

from jackbot_tui.engine.options import DifferenceRules
from jackbot_tui.engine.reconcile import Difference, DifferenceKind, Reconciliation, differences
from jackbot_tui.execution.live.account import LiveAccount
from jackbot_tui.execution.live.statements import (
    AccountStatement,
    BalanceStatement,
    OrderStatement,
    OrderWord,
    PositionStatement,
)
from jackbot_tui.execution.live.tracker import Tracker
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import DifferenceRule, MarketKind, Side
from jackbot_tui.model.orders import Position
from jackbot_tui.model.records import Record

PERP, SPOT = "x:BTC/USDT:USDT", "x:BTC/USDT"
K = DifferenceKind


def an_account(position: str = "0", holding: str = "0") -> LiveAccount:
    account = LiveAccount("x")
    said = (
        (PositionStatement(symbol="BTC/USDT:USDT", quantity=Decimal(position), entry=Decimal(1)),)
        if position != "0"
        else ()
    )
    account.take(MarketKind.LINEAR, AccountStatement(positions=said), 5)
    wallet = (
        BalanceStatement("BTC", Decimal(holding), Decimal(holding)),
        BalanceStatement("USDT", Decimal(9), Decimal(9)),
    )
    account.take(MarketKind.SPOT, AccountStatement(balances=wallet), 5)
    return account


def found(perp: str, spot: str, account: LiveAccount) -> list[tuple[DifferenceKind, str, str]]:
    positions = {
        PERP: Position(key=PERP, quantity=Decimal(perp)),
        SPOT: Position(key=SPOT, quantity=Decimal(spot)),
    }
    tracker = Tracker(lambda symbol: f"x:{symbol}")
    return [(each.kind, each.ours, each.venue) for each in differences((), positions, tracker, account)]


def test_equal_books_differ_in_nothing() -> None:
    assert found("0.5", "1", an_account("0.5", "1")) == []


def test_a_position_that_only_one_side_has_is_a_difference() -> None:
    assert found("0.5", "0", an_account()) == [(K.POSITION, "0.5", "0")]
    assert found("0", "0", an_account("-2")) == [(K.POSITION, "0", "-2")]


def test_more_of_a_currency_than_ours_is_no_difference_less_is() -> None:
    assert found("0", "1", an_account(holding="3")) == []
    assert found("0", "1", an_account(holding="0.4")) == [(K.HOLDING, "1", "0.4")]


def test_nothing_is_said_of_positions_before_the_venue_has_spoken() -> None:
    assert found("0.5", "1", LiveAccount("x")) == []


def test_foreign_orders_are_shown_as_foreign() -> None:
    tracker = Tracker(lambda symbol: f"x:{symbol}")
    tracker.on_order(
        OrderStatement(
            venue_id="77", client_id="", symbol="BTC/USDT", word=OrderWord.OPEN, side=Side.SELL,
            quantity=Decimal(2), price=Decimal(100), ts=1,
        ),
        1,
    )  # fmt: skip
    (each,) = differences((), {}, tracker, LiveAccount("x"))
    assert each.words == "foreign order BTC/USDT 77: ours none, venue sell 2 at 100"


class Said:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.notes: list[str] = []
        self.records: list[Record] = []

    def append(self, record: Record) -> int:
        self.records.append(record)
        return len(self.records)

    def note(self, topic: str, text: str) -> int:
        self.notes.append(text)
        return len(self.notes)

    def publish_durable(
        self, seq: int, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> None:
        assert self.notes[seq - 1] == text


def test_a_difference_is_told_once_when_it_lasts_and_once_when_it_is_gone() -> None:
    said = Said()
    reconciliation = Reconciliation(said)
    one = Difference(kind=K.POSITION, subject=PERP, ours="1", venue="2")
    for found_now in ([one], [], [one], [one], [one], [], []):
        reconciliation.look(found_now)
    assert said.notes == [f"difference: position {PERP}: ours 1, venue 2", f"no longer different: position {PERP}"]


def test_numbers_stay_while_a_difference_lasts_and_an_own_trade_does_not_end_it() -> None:
    reconciliation = Reconciliation(said := Said())

    def apart(ours: str, theirs: str) -> Difference:
        gap = str(Decimal(theirs) - Decimal(ours))
        return Difference(kind=K.POSITION, subject=PERP, ours=ours, venue=theirs, apart=gap)

    foreign = Difference(kind=K.FOREIGN_ORDER, subject="BTC/USDT 7", ours="none", venue="buy 1 at 2")
    first, traded, more = apart("0", "2"), apart("1", "3"), apart("1", "4")
    for found_now in ([first], [first, foreign], [traded, foreign], [more, foreign]):
        reconciliation.look(found_now)
    rows = [(row.number, row.kind, row.ours, row.venue) for row in reconciliation.listed()]
    assert rows == [(1, "position", "1", "3"), (2, "foreign order", "none", "buy 1 at 2")]
    assert len(said.notes) == 2, "the own trade in between is no news"
    reconciliation.look([apart("1", "4"), foreign])
    assert [(row.number, row.venue) for row in reconciliation.listed()] == [(1, "4"), (2, "buy 1 at 2")]
    assert said.notes[-1] == f"difference: position {PERP}: ours 1, venue 4"


def test_what_is_ignored_is_told_no_more_until_it_is_another_one() -> None:
    reconciliation = Reconciliation(said := Said())
    one = Difference(kind=K.POSITION, subject=PERP, ours="0", venue="2", apart="2")
    reconciliation.ignored[one.place] = "2"
    for found_now in ([one], [one]):
        reconciliation.look(found_now)
    assert said.notes == [] and [row.ignored for row in reconciliation.listed()] == [True]
    more = Difference(kind=K.POSITION, subject=PERP, ours="0", venue="3", apart="3")
    for found_now in ([more], [more]):
        reconciliation.look(found_now)
    assert [row.ignored for row in reconciliation.listed()] == [False]
    assert said.notes == [f"difference: position {PERP}: ours 0, venue 3"]
    reconciliation.ignore(more)
    reconciliation.look([])
    assert [type(record).__name__ for record in said.records] == ["DifferenceSettled"]
    assert reconciliation.ignored == {}


def test_the_settings_give_each_kind_its_rule() -> None:
    rules = DifferenceRules(foreign_order=DifferenceRule.CLOSE, position=DifferenceRule.IGNORE)
    reconciliation = Reconciliation(Said(), rules)
    assert [reconciliation.rule_of(kind) for kind in K] == ["close", "close", None, "ignore", "adopt"]
