"""Questions to a journal: filters, days, round trips and statistics, against results computed by hand."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.journal.report import Filter, JournalReader
from jackbot_tui.journal.trips import RoundTrip, net_by, statistics
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Liquidity, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.orders import OrderCanceled
from jackbot_tui.model.records import FundingApplied, MarkSampled, Note, Record
from tests.journal_world import (
    BTC,
    DAY,
    ETH,
    NOON,
    accepted,
    client_id,
    filled,
    open_journal,
    submitted,
    traded,
    write_journal,
)

MINUTE = 60 * NS_PER_S
MIDNIGHT = (NOON // DAY + 1) * DAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


async def trips_of(path: Path, records: list[Record], chosen: Filter | None = None) -> list[RoundTrip]:
    await write_journal(path, records)
    with JournalReader(path) as reader:
        return list(reader.round_trips(chosen or Filter()))


@pytest.fixture
async def reader(path: Path) -> "Iterator[JournalReader]":  # type: ignore[misc]
    await write_journal(
        path,
        [
            submitted(1, quantity="2", ts=NOON),
            accepted(1, NOON + 1),
            filled(1, "100", "1", "a", "0.1", ts=NOON + 2),
            *traded(2, Side.SELL, "1", "50", NOON + MINUTE, key=ETH),
            submitted(3, Side.SELL, "4", "120", ts=NOON + 2 * MINUTE),
            OrderCanceled(client_id(3), NOON + 3 * MINUTE, "by trader"),
            submitted(4, ts=MIDNIGHT + MINUTE),
            Note(MIDNIGHT + MINUTE, "note", "calm"),
        ],
    )
    with JournalReader(path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("chosen", "numbers"),
    [
        (Filter(), [1, 2, 3, 4]),
        (Filter(limit=2), [3, 4]),
        (Filter(symbol="BTC/USDT:USDT"), [1, 3, 4]),
        (Filter(symbol="btc"), [1, 3, 4]),
        (Filter(symbol="BINANCE:eth/usdt"), [2]),
        (Filter(symbol="BTC/USDT"), []),
        (Filter(symbol="B_C"), []),
        (Filter(symbol="%"), []),
        (Filter(status="open"), [1, 4]),
        (Filter(status="closed"), [2, 3]),
        (Filter(status="Canceled"), [3]),
        (Filter(number=2), [2]),
        (Filter(since_ns=NOON + MINUTE), [2, 3, 4]),
        (Filter(since_ns=NOON + 1, until_ns=NOON + 2 * MINUTE), [2]),
        (Filter(symbol="btc", status="open", since_ns=MIDNIGHT), [4]),
    ],
)
def test_orders_by_filter(reader: JournalReader, chosen: Filter, numbers: list[int]) -> None:
    assert [order.number for order in reader.orders(chosen)] == numbers


def test_an_unknown_state_is_named_with_the_known_ones(reader: JournalReader) -> None:
    with pytest.raises(InputError, match="'gone' is not a state of an order: use one of open, closed"):
        list(reader.orders(Filter(status="gone")))


@pytest.mark.parametrize(
    ("chosen", "seqs"),
    [
        (Filter(), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Filter(number=1), [1, 2, 3]),
        (Filter(symbol="eth"), [4, 5]),
        (Filter(kind="filled"), [3, 5]),
        (Filter(since_ns=MIDNIGHT), [8, 9]),
        (Filter(limit=3), [7, 8, 9]),
    ],
)
def test_log_by_filter(reader: JournalReader, chosen: Filter, seqs: list[int]) -> None:
    assert [entry.seq for entry in reader.log(chosen)] == seqs


def test_fills_carry_what_their_order_was_meant_for(reader: JournalReader) -> None:
    rows = list(reader.fills())
    assert [(row.fill.trade_id, row.type, row.owner, row.fill.fee) for row in rows] == [
        ("a", "limit", "manual", Decimal("0.1")),
        ("t2", "limit", "manual", Decimal(0)),
    ]


def test_notes(reader: JournalReader) -> None:
    assert [note.text for note in reader.notes()] == ["calm"]
    assert list(reader.notes(Filter(until_ns=MIDNIGHT))) == []


async def test_a_reader_sees_one_state_while_the_engine_goes_on(path: Path) -> None:
    journal = await open_journal(path)
    journal.append(submitted(1))
    await journal.flush()
    with JournalReader(path) as reader:
        assert reader.last_seq() == 1
        journal.append(submitted(2))
        await journal.flush()
        assert len(list(reader.orders())) == 1
        assert reader.verify() == []
    with JournalReader(path) as reader:
        assert len(list(reader.orders())) == 2
    await journal.close()


async def test_days_are_summed_per_quote_currency_and_valued_at_their_mark(path: Path) -> None:
    await write_journal(
        path,
        [
            *traded(1, Side.BUY, "2", "100", NOON, fee="0.5"),
            *traded(2, Side.SELL, "1", "50", NOON, key=ETH),
            *traded(3, Side.BUY, "1", "0.05", NOON, key="binance:ETH/BTC"),
            MarkSampled(NOON + 1, BTC, Decimal(103)),
            MarkSampled(NOON + 1, ETH, Decimal(48)),
        ],
    )
    with JournalReader(path) as reader:
        btc, usdt = reader.day_totals()
    assert (btc.currency, btc.fills, btc.volume, btc.unrealized) == ("BTC", 1, Decimal("0.05"), None)
    assert (usdt.currency, usdt.fills, usdt.volume, usdt.net, usdt.unrealized) == ("USDT", 2, 250, Decimal("-0.5"), 8)


# ---------------------------------------------------------------- round trips


async def test_entries_and_exits_make_one_trade(path: Path) -> None:
    records = [
        *traded(1, Side.BUY, "1", "100", NOON, fee="0.1", tag="pull"),
        *traded(2, Side.BUY, "3", "104", NOON + MINUTE, fee="0.3"),
        Note(NOON + MINUTE, "tag", "ny-open"),
        FundingApplied(NOON + MINUTE, BTC, Decimal("0.0001"), Decimal(100), Decimal(4), Decimal("-0.04")),
        submitted(3, Side.SELL, "4", None, ts=NOON + 2 * MINUTE),
        filled(3, "110", "1", "x", "0.1", ts=NOON + 2 * MINUTE, liquidity=Liquidity.TAKER),
        filled(3, "106", "3", "y", "0.3", ts=NOON + 3 * MINUTE),
        Note(NOON + 4 * MINUTE, "tag", "too late"),
    ]
    (trip,) = await trips_of(path, records)
    assert (trip.key, trip.side, trip.quantity, trip.open_quantity) == (BTC, Side.BUY, 4, 0)
    assert (trip.entry, trip.exit) == (103, 107)
    assert (trip.realized, trip.fees, trip.funding) == (16, Decimal("0.8"), Decimal("-0.04"))
    assert trip.net == Decimal("15.16")
    assert (trip.closed_ns, trip.held_ns(0)) == (NOON + 3 * MINUTE, 3 * MINUTE)
    assert (trip.orders, trip.fills, trip.kind) == ((1, 2, 3), 4, "limit")
    assert (trip.entry_liquidity, trip.exit_liquidity) == ("maker", "mixed")
    assert trip.tags == ("pull", "ny-open")


async def test_a_fill_that_turns_the_position_is_split(path: Path) -> None:
    records = [
        *traded(1, Side.SELL, "1", "100", NOON),
        *traded(2, Side.BUY, "4", "90", NOON + MINUTE, fee="0.4"),
    ]
    short, long = await trips_of(path, records)
    assert (short.side, short.quantity, short.exit, short.realized, short.fees) == (
        Side.SELL,
        1,
        90,
        10,
        Decimal("0.1"),
    )
    assert (long.side, long.quantity, long.entry, long.exit, long.fees) == (Side.BUY, 3, 90, None, Decimal("0.3"))
    assert (long.open_quantity, long.closed_ns, long.held_ns(NOON + 3 * MINUTE)) == (3, None, 2 * MINUTE)


async def test_instruments_do_not_mix(path: Path) -> None:
    records = [
        *traded(1, Side.BUY, "1", "100", NOON),
        *traded(2, Side.BUY, "1", "10", NOON, key=ETH),
        *traded(3, Side.SELL, "1", "11", NOON, key=ETH),
        *traded(4, Side.SELL, "1", "101", NOON),
    ]
    assert [(trip.key, trip.net) for trip in await trips_of(path, records)] == [(ETH, 1), (BTC, 1)]


async def test_a_trade_open_at_the_start_of_the_period_is_seen_whole(path: Path) -> None:
    records = [
        *traded(1, Side.BUY, "1", "100", NOON),
        *traded(2, Side.SELL, "1", "101", NOON + MINUTE),
        *traded(3, Side.BUY, "1", "100", NOON + 2 * MINUTE),
        *traded(4, Side.SELL, "1", "107", MIDNIGHT),
        *traded(5, Side.BUY, "1", "100", MIDNIGHT + MINUTE),
    ]
    trips = await trips_of(path, records, Filter(since_ns=MIDNIGHT - MINUTE))
    assert [(trip.opened_ns, trip.net) for trip in trips] == [(NOON + 2 * MINUTE, 7), (MIDNIGHT + MINUTE, 0)]


async def test_what_comes_after_the_period_is_not_looked_at(path: Path) -> None:
    records = [*traded(1, Side.BUY, "1", "100", NOON), *traded(2, Side.SELL, "1", "101", MIDNIGHT)]
    (trip,) = await trips_of(path, records, Filter(until_ns=MIDNIGHT))
    assert (trip.closed_ns, trip.net) == (None, 0)


async def test_statistics_of_closed_trades(path: Path) -> None:
    prices = ["110", "95", "90", "104", "100"]  # net +10 -5 -10 +4 0
    records: list[Record] = []
    for n, price in enumerate(prices):
        at = NOON + 10 * n * MINUTE
        records += traded(2 * n + 1, Side.BUY, "1", "100", at, tag="pull" if n < 2 else "fomo")
        records += traded(2 * n + 2, Side.SELL, "1", price, at + MINUTE)
    records += traded(99, Side.BUY, "1", "100", NOON + DAY)
    trips = await trips_of(path, records)
    (found,) = statistics(trips)
    assert (found.currency, found.trades, found.wins, found.losses, found.win_rate) == ("USDT", 5, 2, 2, 0.4)
    assert (found.net, found.gross_profit, found.gross_loss) == (-1, 14, 15)
    assert found.profit_factor == Decimal("0.933333333333333333")
    assert (found.average, found.average_win, found.average_loss) == (Decimal("-0.2"), 7, Decimal("-7.5"))
    assert (found.best, found.worst, found.max_drawdown, found.average_held_ns) == (10, -10, 15, MINUTE)
    assert net_by(trips, lambda trip: trip.tags) == {"pull": 5, "fomo": -6}


def test_no_trades_no_statistics() -> None:
    assert statistics([]) == []


async def test_profit_factor_is_unknown_without_a_loss(path: Path) -> None:
    records = [*traded(1, Side.BUY, "1", "100", NOON), *traded(2, Side.SELL, "1", "101", NOON)]
    (found,) = statistics(await trips_of(path, records))
    assert (found.profit_factor, found.win_rate, found.max_drawdown) == (None, 1.0, 0)
