"""Funding, liquidation and margin settings in the engine: what is journaled, told, and known again after a restart."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.engine.funding import HOUR_NS, MOST_MISSED, FundingClock
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.journal.base import Recovered
from jackbot_tui.journal.projection import Projection
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.market import MarkPrice
from jackbot_tui.model.records import FundingApplied, MarginSet, Note, OrderSubmitted
from tests.desk_world import PERP, START_NS, instrument
from tests.unit.test_engine_core import World, market

T = START_NS + NS_PER_S
LEVERED = PaperConfig(margin=MarginMode.ISOLATED, leverage=Decimal(5))


def mark(price: float, event_ns: int, next_ns: int, rate: float = 0.0001, recv_ns: int = 0) -> MarkPrice:
    return MarkPrice(PERP, event_ns, recv_ns or event_ns, price, price, rate, next_ns)


def levered() -> World:
    """A world whose perpetual takes up to 10x."""
    world = World(paper=LEVERED, follow=False)
    world.market = world.engine.add_instrument(replace(instrument(PERP), max_leverage=Decimal(10)))
    world.book([(100.0, 50.0), (99.5, 50.0)], [(100.5, 50.0), (101.0, 50.0)])
    return world


def hear(world: World, heard: MarkPrice) -> None:
    world.market.mark = heard
    world.engine.on_mark(world.market, heard, world.clock.now_ns())


# ---------------------------------------------------------------------------- when funding falls due


@pytest.mark.parametrize(
    ("marks", "due"),
    [
        ([(T - 1, T), (T, T + HOUR_NS)], [T]),
        ([(T - 1, T), (T + 1, T), (T + 2, T + HOUR_NS)], [T]),  # the venue moves on a little late
        ([(T - 1, T), (T + 1, T), (T + 2, T)], []),  # and has not yet
        ([(T - 9, T), (T - 5, T + HOUR_NS)], [T]),  # or a moment early
        ([(T - HOUR_NS, T), (T - HOUR_NS // 2, T + HOUR_NS)], []),  # the next time was moved long before it came
        ([(T, T + HOUR_NS)], []),  # nothing known before
        ([(T - 1, T), (T, T + HOUR_NS), (T - 2, T), (T + 1, T + HOUR_NS)], [T]),  # a late old one settles nothing twice
        ([(T - 1, T), (T + 3 * HOUR_NS, T + 4 * HOUR_NS)], [T, T + HOUR_NS, T + 2 * HOUR_NS, T + 3 * HOUR_NS]),
        ([(T - 1, 0), (T, 0)], []),
    ],
)
def test_funding_falls_due_once_per_time(marks: list[tuple[int, int]], due: list[int]) -> None:
    clock = FundingClock()
    assert [each.at_ns for event, next_ns in marks for each in clock.due(mark(100.0, event, next_ns), 1)] == due


def test_a_mark_without_exchange_time_counts_by_its_arrival() -> None:
    clock = FundingClock()
    assert clock.due(mark(100.0, 0, T, recv_ns=T - 1), 1) == []
    assert [due.at_ns for due in clock.due(mark(100.0, 0, T + HOUR_NS, recv_ns=T + 1), 1)] == [T]


def test_only_so_many_missed_times_are_made_up_for() -> None:
    clock = FundingClock()
    clock.due(mark(100.0, T - 1, T), 1)
    due = clock.due(mark(100.0, T + 200 * HOUR_NS, T + 201 * HOUR_NS), 1)
    assert len(due) == MOST_MISSED and due[-1].at_ns == T + 200 * HOUR_NS


# ---------------------------------------------------------------------------- on what it is settled


def test_funding_counts_a_fill_that_the_engine_has_not_heard_of() -> None:
    world = World()
    hear(world, mark(100.0, T - 2, T))
    world.engine.submit(market(Side.BUY, "0.5"))
    world.wait(25 * NS_PER_MS)  # filled at the venue, the answer is on its way
    assert world.position() == 0
    world.market.book_event_ns = 0
    hear(world, mark(100.0, T, T + HOUR_NS))
    [settled] = world.records(FundingApplied)
    assert isinstance(settled, FundingApplied)
    assert (settled.quantity, settled.amount) == (Decimal("0.5"), Decimal("-0.005"))
    world.wait()
    assert world.engine.portfolio.position(PERP).funding == Decimal("-0.005")


def test_funding_does_not_count_a_fill_made_after_its_time() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.wait()
    funding_at = world.clock.now_ns() + NS_PER_MS
    hear(world, mark(100.0, funding_at - 1, funding_at))
    world.engine.submit(market(Side.SELL, "0.5"))
    world.wait()  # sold after the funding time, before the venue says that it has passed
    assert world.position() == 0
    hear(world, mark(100.0, funding_at + 1, funding_at + HOUR_NS))
    [settled] = world.records(FundingApplied)
    assert isinstance(settled, FundingApplied) and settled.quantity == Decimal("0.5")


# ---------------------------------------------------------------------------- liquidation


def test_a_liquidation_is_an_order_of_the_venue_journaled_and_told() -> None:
    world = levered()
    world.engine.submit(market(Side.BUY, "10"))
    world.wait()
    world.book([(82.0, 50.0)], [(82.5, 50.0)])
    hear(world, mark(82.0, world.clock.now_ns(), 0))
    world.wait()
    assert world.position() == 0
    order = world.order(2)
    assert (order.owner, order.tag, order.status) == ("venue", "liquidation", OrderStatus.FILLED)
    assert any(isinstance(each, Note) and each.topic == "liquidation" for each in world.records(Note))
    [told] = [notice for notice in world.engine.board.ring if notice.kind == "liquidation"]
    assert told.level == "bad" and told.number == 2 and "LIQUIDATION BTC/USDT:USDT long 10 isolated" in told.text
    projection = Projection()
    for seq, record in world.journal.records:
        projection.apply(seq, record)
    assert projection.changes.skipped == []
    assert projection.position(PERP) == world.engine.portfolio.position(PERP)
    submitted = world.engine.submit(market(Side.BUY, "1"))
    assert submitted.order is not None and submitted.order.number == 3


def test_the_same_story_gives_the_same_journal() -> None:
    digests = []
    for _ in range(2):
        world = levered()
        world.engine.set_margin(PERP, None, Decimal(8), "test")
        world.engine.submit(market(Side.BUY, "10"))
        world.wait()
        hear(world, mark(85.0, world.clock.now_ns(), 0))
        world.wait()
        digests.append(world.journal.digest())
        assert len(world.records(OrderSubmitted)) == 2
    assert digests[0] == digests[1]


# ---------------------------------------------------------------------------- settings


def test_margin_settings_are_journaled_and_known_again() -> None:
    world = levered()
    assert world.engine.set_margin(PERP, MarginMode.CROSS, Decimal(8), "test").problem == ""
    [chosen] = world.records(MarginSet)
    assert isinstance(chosen, MarginSet)
    assert (chosen.mode, chosen.leverage, chosen.source) == (MarginMode.CROSS, Decimal(8), "test")
    later = World(recovered=Recovered(margins={PERP: MarginSetting(MarginMode.CROSS, Decimal(8))}))
    view = later.engine.executor.margin(PERP, later.clock.now_ns())
    assert view is not None and view.setting == MarginSetting(MarginMode.CROSS, Decimal(8))


def test_a_refused_setting_changes_and_journals_nothing() -> None:
    world = levered()
    assert "not within 1 to 10" in world.engine.set_margin(PERP, None, Decimal(11), "test").problem
    assert "no perpetual" in world.engine.set_margin("binance:ETH/USDT", None, Decimal(2), "test").problem
    assert world.records(MarginSet) == []
    view = world.engine.executor.margin(PERP, world.clock.now_ns())
    assert view is not None and view.setting == MarginSetting(MarginMode.ISOLATED, Decimal(5))
