"""From the fill to its explanation: causes and markouts in the journal, and ``jackbot journal explain``."""

from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.engine.markouts import WATCHED, Markouts
from jackbot_tui.journal.command import main
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, SystemClock
from jackbot_tui.model.enums import BookState, Liquidity
from jackbot_tui.model.orders import FillCause, FillReason, OrderAccepted, OrderFilled
from jackbot_tui.model.records import MARKOUT_HORIZONS_NS, FillMarkout, OrderSubmitted, SessionStarted
from tests.paper_world import Market, World

D = Decimal


def filled(world: World, side: str = "buy") -> tuple[World, OrderFilled]:
    """One unit joins 8 at 100 (bid) or 101 (ask); a trade of 9 fills it."""
    world.book([(100.0, 8.0)], [(101.0, 8.0)])
    order = world.send(side, "1", "100" if side == "buy" else "101")
    world.trade("sell" if side == "buy" else "buy", 100.0 if side == "buy" else 101.0, "9")
    (fill,) = world.fill_events(order)
    return world, fill


def watching(world: World, fill: OrderFilled) -> tuple[Markouts, MemoryJournal]:
    journal = MemoryJournal()
    markouts = Markouts(world.markets, journal.append)
    markouts.watch(world.order(fill.client_id), fill)
    return markouts, journal


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_markouts_are_the_mid_against_the_price_at_each_horizon(side: str, sign: int) -> None:
    world, fill = filled(World(), side)
    markouts, journal = watching(world, fill)
    for bid, horizon in zip((101.0, 102.0, 99.0, 104.0), MARKOUT_HORIZONS_NS, strict=True):
        world.market.set([(bid, 1.0)], [(bid + 1, 1.0)])
        markouts.advance(fill.ts + horizon - 1)
        markouts.advance(fill.ts + horizon)
    ((_, record),) = journal.records
    assert isinstance(record, FillMarkout)
    mids = [D("101.5"), D("102.5"), D("99.5"), D("104.5")]
    assert record.values == [(mid - fill.price) * sign for mid in mids]
    assert record.trade_id == fill.trade_id
    assert markouts.of(fill.trade_id) == record


def test_a_book_that_is_not_live_gives_no_markout_and_the_end_gives_what_is_known() -> None:
    world, fill = filled(World())
    markouts, journal = watching(world, fill)
    world.market.become(BookState.STALE)
    markouts.advance(fill.ts + NS_PER_S)
    world.market.become(BookState.LIVE)
    markouts.advance(fill.ts + 5 * NS_PER_S)
    markouts.finish(fill.ts + 6 * NS_PER_S)
    ((_, record),) = journal.records
    assert isinstance(record, FillMarkout)
    assert record.values == [None, D("0.5"), None, None]
    markouts.advance(fill.ts + 400 * NS_PER_S)
    assert len(journal.records) == 1


@pytest.mark.parametrize(
    ("role", "ahead", "shown", "mid_after", "toxic"),
    [
        (Liquidity.MAKER, "0", "8", 100.0, ""),
        (Liquidity.MAKER, "5", "8", 100.0, "filled from far back in the queue"),
        (Liquidity.MAKER, "3", "8", 99.98, "the price went on against it"),
        (Liquidity.MAKER, "4", "8", 99.0, "filled from far back in the queue; the price went on against it"),
        (Liquidity.MAKER, "3", "8", 99.995, ""),  # half a basis point
        (Liquidity.TAKER, "0", "0", 99.0, ""),
    ],
)
def test_a_fill_is_toxic_when_it_came_early_or_the_price_went_on(
    role: Liquidity, ahead: str, shown: str, mid_after: float, toxic: str
) -> None:
    world, fill = filled(World())
    cause = FillCause(reason=FillReason.THROUGH, price=D(99), size=D(20), ahead=D(ahead), shown=D(shown))
    changed = OrderFilled(
        fill.client_id, fill.ts, fill.trade_id, D(100), D(1), role, D(0), "USDT", cause
    )  # fmt: skip
    markouts, journal = watching(world, changed)
    world.market.set([(mid_after - 0.01, 1.0)], [(mid_after + 0.01, 1.0)])
    for horizon in MARKOUT_HORIZONS_NS:
        markouts.advance(fill.ts + horizon)
    ((_, record),) = journal.records
    assert isinstance(record, FillMarkout)
    assert record.toxic == toxic


def test_at_most_so_many_fills_are_watched_and_none_is_lost() -> None:
    world, fill = filled(World())
    journal = MemoryJournal()
    markouts = Markouts(world.markets, journal.append)
    order = world.order(fill.client_id)
    for number in range(WATCHED + 3):
        markouts.watch(
            order, OrderFilled(order.client_id, number, f"t{number}", D(100), D(1), Liquidity.MAKER, D(0), "USDT")
        )
    assert [r.trade_id for _, r in journal.records if isinstance(r, FillMarkout)] == ["t0", "t1", "t2"]
    markouts.finish(0)
    assert len(journal.records) == WATCHED + 3


# ---------------------------------------------------------------------- jackbot journal explain


async def journal_of(path: Path, world: World, *extra: FillMarkout) -> list[OrderFilled]:
    journal = await SqliteJournal.open(path, SystemClock())
    journal.append(SessionStarted(1, 1, "paper", "x", [], 1, "0"))
    fills: list[OrderFilled] = []
    for order in world.oms.orders.values():
        journal.append(OrderSubmitted(ts=order.created_ns, order=world.sent[order.client_id]))
    for event in world.log:
        if isinstance(event, OrderAccepted | OrderFilled):
            journal.append(event)
        if isinstance(event, OrderFilled):
            fills.append(event)
    for record in extra:
        journal.append(record)
    await journal.close()
    return fills


async def test_explain_tells_queue_event_latency_and_what_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(latency_ms=20)
    world.book([(100.0, 8.0)], [(101.0, 8.0)])
    world.send("buy", "1", "100")
    world.wait(20)
    world.book([(100.0, 6.0)], [(101.0, 8.0)])
    world.wait(1480)
    world.trade("sell", 100.0, "7.5")
    world.wait(20)
    (fill,) = world.fill_events()
    markout = FillMarkout(
        fill.ts + 300 * NS_PER_S, fill.client_id, fill.trade_id, [D("0.5"), D(-2), None, D(1)], "the price went on"
    )
    path = tmp_path / "journal"
    await journal_of(path, world, markout)
    capsys.readouterr()
    for wanted in ("#1", "1", fill.trade_id):
        assert main(["explain", wanted, "--journal", str(path)]) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"fill {fill.trade_id} of order #1: BUY 1 x:BTC/USDT:USDT @ 100 as maker, fee 0.02 USDT",
            "  why      7.5 traded at its price 100 and got past the queue (trade 1)",
            "  queue    8 ahead when it began to rest, 1.480 s before",
            "           0 eaten by trades, 2 gone as the level shrank",
            "           6 of 6 displayed still ahead right before the fill",
            "  latency  20.0 ms there, 20.0 ms back, as drawn",
            "  markout  1 s +0.5, 5 s -2, 30 s unknown, 5 min +1 (quote per unit)",
            "  TOXIC    the price went on",
        ]
    assert main(["explain", "nothing", "--journal", str(path)]) == 2
    assert "no fill and no filled order 'nothing'" in capsys.readouterr().err
    assert main(["verify", "--journal", str(path)]) == 0


async def test_a_fill_without_a_cause_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world, fill = filled(World())
    world.log = [
        OrderFilled(**{name: getattr(event, name) for name in event.__struct_fields__ if name != "cause"})
        if isinstance(event, OrderFilled)
        else event
        for event in world.log
    ]
    await journal_of(tmp_path / "journal", world)
    assert main(["explain", fill.trade_id, "--journal", str(tmp_path / "journal")]) == 0
    assert "no cause was written" in capsys.readouterr().out


def test_a_cause_survives_the_journal_text_and_old_texts_still_read() -> None:
    from jackbot_tui.journal.encoding import checked_text, decode

    _, fill = filled(World())
    assert decode(1, checked_text(fill)) == fill
    assert len(checked_text(fill)) < 420  # compact: no names in the cause
    old = checked_text(fill).replace(checked_text(fill)[checked_text(fill).index(',"cause"') : -1], "")
    read = decode(1, old)
    assert isinstance(read, OrderFilled)
    assert read.cause is None


def test_every_kind_of_maker_fill_has_a_cause() -> None:
    world = World(Market(), latency_ms=0)
    world.book([(100.0, 1.0)], [(101.0, 1.0)])
    world.send("buy", "3", "100")
    world.trade("sell", 100.0, "2")
    world.trade("sell", 99.0, "0.5")
    world.book([(98.0, 1.0)], [(100.0, 5.0)])
    assert [e.cause.reason for e in world.fill_events() if e.cause is not None] == [
        FillReason.TRADE,
        FillReason.THROUGH,
        FillReason.REACHED,
    ]
    assert all(event.cause is not None and event.cause.rested_ns < NS_PER_MS for event in world.fill_events())
