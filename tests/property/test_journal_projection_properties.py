"""The fold against a naive oracle, and the tables against the fold, for any sequence of records."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jackbot_tui.journal.encoding import checked_text, decode, kind_of, subject_of
from jackbot_tui.journal.projection import Projection
from jackbot_tui.journal.rebuild import differences
from jackbot_tui.journal.schema import LOG_TABLES, PROJECTION_TABLES
from jackbot_tui.journal.store import LogWriter, Pending
from jackbot_tui.journal.tables import (
    DAY_COLUMNS,
    FILL_COLUMNS,
    ORDER_COLUMNS,
    StoredTables,
    day_result_of,
    fill_of,
    order_of,
)
from jackbot_tui.journal.trips import TradedFill, round_trips, statistics
from jackbot_tui.model.enums import Liquidity, OrderType, Side, TimeInForce
from jackbot_tui.model.orders import FillCause, FillReason, Order, OrderFilled, OrderRequest
from jackbot_tui.model.records import (
    CommandReceived,
    FillMarkout,
    FundingApplied,
    KillSwitch,
    Note,
    OrderRefused,
    OrderSubmitted,
    Record,
    SessionStarted,
)
from tests.journal_world import BTC, DAY, ETH, NOON, client_id, order, story

amounts = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(1_000_000), places=8)
fees = st.decimals(min_value=Decimal(-10), max_value=Decimal(10), places=8)
moments = st.integers(NOON, NOON + 3 * DAY)
fills = st.builds(
    OrderFilled,
    client_id=st.integers(1, 6).map(client_id),
    ts=moments,
    trade_id=st.integers(1, 12).map(str),
    price=amounts,
    quantity=amounts,
    liquidity=st.sampled_from(Liquidity),
    fee=fees,
    fee_currency=st.sampled_from(["USDT", "BTC", "ETH", "BNB"]),
)
funding = st.builds(
    FundingApplied,
    ts=moments,
    key=st.sampled_from([BTC, ETH]),
    rate=fees,
    mark=amounts,
    quantity=amounts,
    amount=fees,
)
desks = st.builds(
    lambda sides, events: [
        *(
            OrderSubmitted(NOON, order(n, side, "100000000", key=BTC if n % 2 else ETH))
            for n, side in enumerate(sides, 1)
        ),
        *events,
    ],
    st.lists(st.sampled_from(Side), min_size=4, max_size=4),
    st.lists(st.one_of(fills, fills, fills, funding), max_size=30),
)
stories = st.builds(story, st.integers(0, 10**6), st.integers(0, 120))


def folded(records: list[Record]) -> Projection:
    projection = Projection()
    for seq, record in enumerate(records, 1):
        projection.apply(seq, record)
    return projection


def pending(records: list[Record], first: int = 1) -> list[Pending]:
    return [Pending(seq, record, checked_text(record)) for seq, record in enumerate(records, first)]


class Oracle:
    """Orders, cash and quantities added up in fractions, without averages and without state machines."""

    def __init__(self, records: list[Record]) -> None:
        self.orders: dict[str, Order] = {}
        self.quantity: dict[str, Fraction] = defaultdict(Fraction)
        self.cash: dict[str, Fraction] = defaultdict(Fraction)
        self.fees: dict[str, Fraction] = defaultdict(Fraction)
        self.funding: dict[str, Fraction] = defaultdict(Fraction)
        self.filled: dict[str, Fraction] = defaultdict(Fraction)
        self.fills: list[tuple[str, str]] = []
        self.volume: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        self.killed = False
        for record in records:
            self._add(record)

    def _add(self, record: Record) -> None:
        if isinstance(record, OrderSubmitted):
            self.orders.setdefault(record.order.client_id, record.order)
        elif isinstance(record, KillSwitch):
            self.killed = record.engaged
        elif isinstance(record, FundingApplied):
            self.funding[record.key] += Fraction(record.amount)
        elif isinstance(record, OrderFilled) and record.client_id in self.orders:
            place = (record.client_id, record.trade_id)
            if place in self.fills:
                return
            self.fills.append(place)
            made = self.orders[record.client_id]
            quantity, price = Fraction(record.quantity), Fraction(record.price)
            self.filled[record.client_id] += quantity
            self.quantity[made.key] += quantity * made.side.sign
            self.cash[made.key] -= quantity * price * made.side.sign
            base = made.key.partition(":")[2].partition("/")[0]
            if record.fee_currency == base and made.key == ETH:  # spot: out of the holding, as if sold to pay it
                self.quantity[made.key] -= Fraction(record.fee)
                self.cash[made.key] += Fraction(record.fee) * price
            worth = {"USDT": Fraction(1), base: price}.get(record.fee_currency, Fraction(0))
            self.fees[made.key] += Fraction(record.fee) * worth
            self.volume[f"{(record.ts // DAY)}", made.key] += quantity * price


def check_against_oracle(records: list[Record]) -> None:
    state, oracle = folded(records), Oracle(records)
    assert state.orders.keys() == oracle.orders.keys()
    assert [(fill.client_id, fill.trade_id) for fill in state.changes.fills] == oracle.fills
    for name, known in state.orders.items():
        assert Fraction(known.order.filled) == oracle.filled[name]
    for key, position in state.positions.items():
        worth = Fraction(position.realized) - Fraction(position.average_entry) * Fraction(position.quantity)
        assert Fraction(position.quantity) == oracle.quantity[key]
        assert worth == oracle.cash[key]
        assert Fraction(position.fees) == oracle.fees[key]
        assert Fraction(position.funding) == oracle.funding[key]
        days = [day for (_, of_key), day in state.days.items() if of_key == key]
        assert sum(Fraction(day.realized) for day in days) == Fraction(position.realized)
        assert sum(Fraction(day.fees) for day in days) == Fraction(position.fees)
        assert sum(Fraction(day.funding) for day in days) == Fraction(position.funding)
        assert sum(Fraction(day.volume) for day in days) == sum(v for (_, k), v in oracle.volume.items() if k == key)
    assert state.switches.killed == oracle.killed
    assert state.switches.next_number == max((made.number for made in oracle.orders.values()), default=0) + 1


@settings(max_examples=150, deadline=None)
@given(desks)
def test_fold_equals_the_oracle_for_any_fills_and_funding(records: list[Record]) -> None:
    check_against_oracle(records)


@settings(max_examples=100, deadline=None)
@given(stories)
def test_fold_equals_the_oracle_for_whole_stories(records: list[Record]) -> None:
    check_against_oracle(records)


@settings(max_examples=60, deadline=None)
@given(st.one_of(stories, desks), st.data())
def test_tables_equal_the_fold_however_the_log_is_cut_into_commits(records: list[Record], data: st.DataObject) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        raw.executescript(LOG_TABLES + PROJECTION_TABLES)
        writer, waiting = LogWriter(), pending(records)
        while waiting:
            size = data.draw(st.integers(1, max(1, len(waiting))), "records in this commit")
            match data.draw(st.sampled_from(["commit", "commit", "fail", "restart", "again"]), "what happens"):
                case "fail":
                    raw.execute(
                        "CREATE TEMP TRIGGER fault BEFORE UPDATE ON switches BEGIN SELECT RAISE(ABORT, 'x'); END"
                    )
                    try:
                        writer.commit(raw, waiting[:size])
                        raise AssertionError("the commit did not fail")
                    except sqlite3.IntegrityError:
                        raw.execute("DROP TRIGGER fault")
                    continue
                case "restart":
                    writer = LogWriter()
                    writer.commit(raw, waiting[:size])
                case "again":
                    writer.commit(raw, waiting[:size])
                    LogWriter().commit(raw, waiting[:size])
                    writer = LogWriter()
                case _:
                    writer.commit(raw, waiting[:size])
            del waiting[:size]

        assert differences(raw) == []
        state, tables = folded(records), StoredTables(raw)
        stored = [order_of(row) for row in raw.execute(f"SELECT {ORDER_COLUMNS} FROM orders")]
        assert {made.client_id: made for made in stored} == {name: known.order for name, known in state.orders.items()}
        assert [fill_of(row) for row in raw.execute(f"SELECT {FILL_COLUMNS} FROM fills ORDER BY seq")] == (
            state.changes.fills
        )
        assert {position.key: position for position in tables.positions()} == state.changes.positions
        days = [day_result_of(row) for row in raw.execute(f"SELECT {DAY_COLUMNS} FROM daily")]
        assert {(day.day, day.key): day for day in days} == state.days
        assert tables.switches() == (state.switches, len(records))


def round_trip_events(state: Projection) -> list[TradedFill]:
    return [TradedFill(fill, "limit", "", "manual") for fill in state.changes.fills]


@settings(max_examples=100, deadline=None)
@given(desks)
def test_round_trips_hold_all_fills_and_all_profit(records: list[Record]) -> None:
    in_quote = [replace(r, fee_currency="USDT") if isinstance(r, OrderFilled) else r for r in records]
    state = folded(in_quote)
    trips = list(round_trips(round_trip_events(state)))
    for key, position in state.positions.items():
        mine = [trip for trip in trips if trip.key == key]
        assert sum(Fraction(trip.realized) for trip in mine) == Fraction(position.realized)
        assert sum(Fraction(trip.fees) for trip in mine) == Fraction(position.fees)
        entered = sum(Fraction(trip.quantity) for trip in mine)
        still_open = sum(Fraction(trip.open_quantity) for trip in mine)
        assert still_open == abs(Fraction(position.quantity))
        assert 2 * entered - still_open == Fraction(position.bought) + Fraction(position.sold)
        closed = [trip for trip in mine if trip.closed_ns is not None]
        assert sum(day.trades for (_, of_key), day in state.days.items() if of_key == key) == len(closed)
        assert len(mine) - len(closed) == (position.quantity != 0)
    for row in statistics(trips):
        assert row.net == row.gross_profit - row.gross_loss
        assert row.wins + row.losses <= row.trades
        assert row.max_drawdown >= max(Decimal(0), -row.net)


texts = st.text(max_size=20)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
records_of_text = st.one_of(
    st.builds(CommandReceived, ts=moments, source=texts, line=texts, seen=st.dictionaries(texts, texts, max_size=3)),
    st.builds(Note, ts=moments, topic=texts, text=texts),
    st.builds(OrderRefused, ts=moments, request=st.builds(
        OrderRequest, key=texts, side=st.sampled_from(Side), quantity=decimals, type=st.sampled_from(OrderType),
        price=st.none() | decimals, tif=st.sampled_from(TimeInForce), owner=texts, tag=texts,
    ), code=texts, message=texts),
    st.builds(SessionStarted, ts=moments, session=st.integers(0, 2**60), mode=texts, venue=texts,
              symbols=st.lists(texts, max_size=3), seed=st.integers(-2**62, 2**62), version=texts),
    st.builds(FillMarkout, ts=moments, client_id=texts, trade_id=texts,
              values=st.lists(st.none() | decimals, min_size=4, max_size=4), toxic=texts),
    st.builds(replace, fills, cause=st.builds(
        FillCause, reason=st.sampled_from(FillReason), price=decimals, size=decimals, event_id=texts, ahead=decimals,
    )),
    fills, funding,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(records_of_text)
def test_a_record_reads_back_equal(record: Record) -> None:
    text = checked_text(record)
    again = decode(1, text)
    assert again == record
    assert (kind_of(again), subject_of(again)) == (kind_of(record), subject_of(record))
    assert checked_text(again) == text
