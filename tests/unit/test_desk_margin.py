"""Leverage and margin mode from the command line to the account, and what panel and ticket show of them."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.desk.estimate import liquidation_text, next_funding
from jackbot_tui.desk.pictures import position_view
from jackbot_tui.desk.views import Context, Role
from jackbot_tui.execution.paper.account import Outlook
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.market import MarkPrice
from jackbot_tui.model.records import CommandReceived, MarginSet
from tests.desk_world import PERP, SPOT, World, instrument

TEN = PaperConfig(entry_latency_ns=0, response_latency_ns=0, margin=MarginMode.ISOLATED)


def levered() -> World:
    """A world whose perpetual takes up to 100x; 10x isolated to begin with."""
    world = World(paper=TEN)
    market = world.data.markets[PERP]
    market.instrument = replace(instrument(PERP), max_leverage=Decimal(100))
    return world


def view_of(world: World, key: str = PERP):  # type: ignore[no-untyped-def]
    return position_view(world.engine.portfolio.position(key), world.engine)


async def test_leverage_and_mode_are_set_journaled_and_answered() -> None:
    world = levered()
    reply = await world.ctl_line("leverage 20; margin cross btc")
    assert reply.ok and reply.lines == ["BTC/USDT:USDT isolated 20x now", "BTC/USDT:USDT cross 20x now"]
    chosen = [record for _, record in world.journal.records if isinstance(record, MarginSet)]
    assert [(each.mode.value, each.leverage) for each in chosen] == [("isolated", 20), ("cross", 20)]
    lines = [record.line for _, record in world.journal.records if isinstance(record, CommandReceived)]
    assert lines == [f"leverage 20 {PERP}", f"margin cross {PERP}"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("leverage 101", "not within 1 to 100"),
        ("leverage 20 eth", "no perpetual"),
        ("margin isolated eth", "no perpetual"),
        ("leverage", "missing"),
        ("margin both", "isolated"),
    ],
)
async def test_what_cannot_be_set_is_refused_in_one_line(line: str, why: str) -> None:
    world = levered()
    reply = await world.ctl_line(line)
    assert not reply.ok and len(reply.lines) == 1 and why in reply.lines[0]
    assert not any(isinstance(record, MarginSet) for _, record in world.journal.records)


async def test_a_screen_without_the_pen_sets_no_leverage() -> None:
    world = levered()
    second = world.desk.attach(Role.SCREEN, "second")
    reply = await world.desk.execute(second, "leverage 20", Context(key=PERP), True)
    assert not reply.ok
    assert not any(isinstance(record, MarginSet) for _, record in world.journal.records)


async def test_the_position_shows_margin_liquidation_and_the_next_funding() -> None:
    world = levered()
    await world.ctl_line("buy 0.1 mkt")
    market, now = world.data.markets[PERP], world.clock.now_ns()
    market.mark = MarkPrice(PERP, now, now, 61000.0, 61000.0, 0.0001, now + 3600 * NS_PER_S)
    view = view_of(world)
    assert (view.margin_mode, view.leverage, view.margin) == ("isolated", "10", "610.00")
    assert (view.maintenance, view.behind) == ("30.50", "609.96")  # 0.5 % of 6 100; half a dollar a coin is lost
    assert view.liquidation == "55176.5"  # (6100.05 - 610.005) / (0.1 x 0.995) = 55176.33, on the grid above
    assert (view.next_funding, view.next_funding_ns) == ("-0.61", now + 3600 * NS_PER_S)


async def test_spot_has_no_margin_and_no_funding() -> None:
    world = levered()
    await world.ctl_line("buy 0.1 eth mkt")
    view = view_of(world, SPOT)
    assert (view.margin_mode, view.leverage, view.liquidation, view.next_funding) == ("", "", "", "")


async def test_a_preview_tells_margin_liquidation_and_funding_of_the_position_after_it() -> None:
    world = levered()
    market, now = world.data.markets[PERP], world.clock.now_ns()
    market.mark = MarkPrice(PERP, now, now, 61000.0, 61000.0, 0.0001, now + 3600 * NS_PER_S)
    client = world.desk.attach(Role.CTL, "ctl")
    reply = world.desk.preview(client, "buy 0.1 mkt", Context(key=PERP))
    assert "margin ~610.00 of 100 000.00 free (isolated 10x)" in reply.lines[0]
    assert "liq ~55176.5" in reply.lines[0] and "funding ~-0.61 USDT in 1h00 at 0.01%" in reply.lines[0]
    await world.ctl_line("buy 0.1 mkt")
    closing = world.desk.preview(client, "close all", Context(key=PERP))
    assert "margin" not in closing.lines[0] and "liq" not in closing.lines[0] and "funding" not in closing.lines[0]


async def test_a_preview_warns_of_what_is_not_covered() -> None:
    world = levered()
    client = world.desk.attach(Role.CTL, "ctl")
    reply = world.desk.preview(client, "buy 20 @ 61000", Context(key=PERP))
    assert "NOT COVERED: margin ~" in reply.lines[0]


def test_a_liquidation_price_is_shown_on_the_side_that_comes_first() -> None:
    outlook = Outlook(Decimal(0), Decimal(0), Decimal("100.2"))
    perpetual = instrument(PERP)
    assert (liquidation_text(outlook, perpetual, long=True), liquidation_text(outlook, perpetual, long=False)) == (
        "100.5",
        "100.0",
    )


def test_the_next_funding_is_unknown_without_a_fresh_mark_or_a_time_to_come() -> None:
    world = levered()
    market, now = world.data.markets[PERP], world.clock.now_ns()
    assert next_funding(market, Decimal(1), now) is None
    market.mark = MarkPrice(PERP, now, now, 61000.0, 61000.0, 0.0001, now)
    assert next_funding(market, Decimal(1), now) is None
    market.mark = MarkPrice(PERP, now, now, 61000.0, 61000.0, -0.0001, now + NS_PER_S)
    assert next_funding(market, Decimal(1), now + 11 * NS_PER_S) is None
    due = next_funding(market, Decimal(-2), now)
    assert due is not None and (due.amount, due.left_ns) == (Decimal("-12.2"), NS_PER_S)


async def test_a_liquidation_disarms_and_has_the_last_word() -> None:
    world = levered()
    await world.ctl_line("leverage 50; buy 0.1 mkt")
    armed = await world.desk.execute(world.screen, "arm", Context(key=PERP), True)
    assert armed.ok and world.desk.arming.armed
    market, now = world.data.markets[PERP], world.clock.now_ns()
    market.mark = MarkPrice(PERP, now, now, 59000.0, 59000.0, 0.0001, 0)
    world.engine.on_mark(market, market.mark, now)
    assert world.position(PERP) == "0" and not world.desk.arming.armed
    told = world.engine.board.ring[-1]
    assert (told.level, told.text[:11]) == ("bad", "LIQUIDATED ")
