"""What people say about differences, in the journal: it comes back after a restart; the tables follow from the log."""

from decimal import Decimal
from pathlib import Path

from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.journal.report import JournalReader
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import Liquidity, OrderType, Side, TimeInForce
from jackbot_tui.model.orders import Order, OrderFilled, Position
from jackbot_tui.model.records import DifferenceSettled, OrderSubmitted, PositionAdopted, Record

PERP, SPOT = "binance:BTC/USDT:USDT", "binance:BTC/USDT"
NOON = 1_728_043_200_000_000_000


def adoption(quantity: str, entry: str, key: str = PERP, realized: str = "0") -> PositionAdopted:
    return PositionAdopted(
        ts=NOON + 5, key=key, quantity=Decimal(quantity), average_entry=Decimal(entry), realized=Decimal(realized),
        until=NOON + 3, source="ui",
    )  # fmt: skip


def settled(rule: str, kind: str = "position", subject: str = PERP, amount: str = "0.5") -> DifferenceSettled:
    return DifferenceSettled(
        ts=NOON + 4, kind=kind, subject=subject, rule=rule, ours="0", venue="0.5", source="ui", amount=amount
    )


def an_order(number: int, side: Side, quantity: str) -> Order:
    return Order(
        number=number, client_id=f"ja0000{number:08}", key=PERP, side=side, quantity=Decimal(quantity),
        type=OrderType.LIMIT, price=Decimal(100), tif=TimeInForce.GTC, post_only=False, reduce_only=False,
        owner="manual", source="ui", parent_id="", tag="", created_ns=NOON, updated_ns=NOON,
    )  # fmt: skip


def a_fill(order: Order, price: str, ts: int = NOON + 9) -> OrderFilled:
    return OrderFilled(
        order.client_id, ts, f"t{order.number}", Decimal(price), order.quantity, Liquidity.TAKER, Decimal(0), "USDT"
    )


async def written(path: Path, *records: Record | Order) -> SqliteJournal:
    """The journal with these records, closed and opened again."""

    journal = await SqliteJournal.open(path, ManualClock(NOON))
    for record in records:
        journal.append(OrderSubmitted(NOON, record) if isinstance(record, Order) else record)
    await journal.close()
    return await SqliteJournal.open(path, ManualClock(NOON + 100))


async def test_an_adopted_position_comes_back_and_the_tables_follow_from_the_log(tmp_path: Path) -> None:
    journal = await written(tmp_path / "j.sqlite3", adoption("0.5", "61000"), adoption("-2", "60000"))
    position = journal.recovered.positions[PERP]
    assert (position.quantity, position.average_entry, position.realized) == (Decimal(-2), Decimal(60000), Decimal(0))
    assert journal.recovered.settled == (("adopted", PERP, str(NOON + 3)),)
    assert await journal.verify() == []
    await journal.close()


async def test_what_is_ignored_is_known_after_a_restart_until_it_is_over(tmp_path: Path) -> None:
    journal = await written(tmp_path / "j.sqlite3", settled("ignore"), settled("ignore", "foreign order", "X 77", ""))
    assert set(journal.recovered.settled) == {("position", PERP, "0.5"), ("foreign order", "X 77", "")}
    journal.append(settled("over", amount=""))
    await journal.close()
    again = await SqliteJournal.open(tmp_path / "j.sqlite3", ManualClock(NOON + 200))
    assert set(again.recovered.settled) == {("position", PERP, "over"), ("foreign order", "X 77", "")}
    assert await again.verify() == []
    await again.close()


async def test_exits_of_an_adopted_position_realize_against_its_entry_and_are_no_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    bought, sold, out = an_order(1, Side.BUY, "1"), an_order(2, Side.SELL, "3"), an_order(3, Side.BUY, "1")
    journal = await written(
        path,
        bought, a_fill(bought, "100"),
        adoption("3", "110"),
        sold, a_fill(sold, "120"),
        out, a_fill(out, "90", NOON + 20),
    )  # fmt: skip
    position = journal.recovered.positions[PERP]
    assert (position.quantity, position.realized) == (Decimal(1), Decimal(30))
    assert await journal.verify() == []
    await journal.close()
    with JournalReader(path) as reader:
        trips = list(reader.round_trips())
        assert [(trip.quantity, trip.closed_ns is None, trip.orders) for trip in trips] == [
            (Decimal(1), False, (1,)),
            (Decimal(1), True, (3,)),
        ]
        assert [day.realized for day in reader.days()] == [Decimal(30)]


def test_adopting_moves_no_currency_and_keeps_what_was_realized() -> None:
    portfolio = Portfolio({"USDT": Decimal(1000), "BTC": Decimal(2)})
    portfolio.load([Position(key=SPOT, quantity=Decimal(1), average_entry=Decimal(100), realized=Decimal(7))])
    before = portfolio.balances()
    portfolio.adopt(adoption("0.4", "100", SPOT, realized="7"))
    assert portfolio.position(SPOT).quantity == Decimal("0.4")
    assert portfolio.position(SPOT).realized == Decimal(7)
    assert {name: held for name, held in portfolio.balances().items() if held} == before
