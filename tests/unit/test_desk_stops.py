"""Stops in the command language: what is sent, what is shown of them, what is refused and where the caret stands."""

from decimal import Decimal

import pytest

from jackbot_tui.desk.pictures import order_view
from jackbot_tui.desk.views import ViewRequest
from jackbot_tui.model.enums import OrderType, Side, TriggerBy
from jackbot_tui.tui.view.account import order_cells
from jackbot_tui.tui.view.ladder import own_by_row, own_text
from tests.desk_world import PERP, World
from tests.unit.test_desk_orders import newest


async def held() -> World:
    world = World()
    world.data.trade(PERP, Side.BUY, "61000.5", "1")
    world.data.mark(PERP, 61000.0)
    reply = await world.ctl_line("buy 0.5 mkt")
    assert reply.ok, reply.lines
    return world


@pytest.mark.parametrize(
    ("line", "kind", "trigger", "price", "by", "take"),
    [
        ("sell 0.5 stop 60000 reduce", OrderType.MARKET, "60000", None, TriggerBy.LAST, False),
        ("sell 0.5 stop 60000 mark reduce", OrderType.MARKET, "60000", None, TriggerBy.MARK, False),
        ("sell 0.5 stop 60000 @ 59950 reduce", OrderType.LIMIT, "60000", "59950", TriggerBy.LAST, False),
        ("sell 0.5 @ 59950 stop 60000 reduce", OrderType.LIMIT, "60000", "59950", TriggerBy.LAST, False),
        ("sell 0.5 stop entry-1% reduce", OrderType.MARKET, "60390.5", None, TriggerBy.LAST, False),
        ("sell 0.5 take 62000 last reduce", OrderType.MARKET, "62000", None, TriggerBy.LAST, True),
        ("sell 0.5 stop 60000 slip=20t reduce", OrderType.LIMIT, "60000", "59990", TriggerBy.LAST, False),
        ("buy 0.1 stop 62000", OrderType.MARKET, "62000", None, TriggerBy.LAST, False),
    ],
)
async def test_a_stop_waits_with_what_was_said(
    line: str, kind: OrderType, trigger: str, price: str | None, by: TriggerBy, take: bool
) -> None:
    world = await held()
    reply = await world.ctl_line(line)
    assert reply.ok, reply.lines
    order = newest(world)
    assert order.is_waiting
    assert (order.type, order.trigger_price, order.trigger_by, order.take_profit) == (kind, Decimal(trigger), by, take)
    assert order.price == (None if price is None else Decimal(price))
    assert f"{'TAKE' if take else 'STOP'} " in reply.lines[0]


async def test_what_was_journaled_means_the_same_again() -> None:
    world = await held()
    await world.ctl_line("sell 0.5 stop 60000 mark @ 59950 reduce")
    first = newest(world)
    assert world.commands()[-1] == f"sell 0.5 {PERP} stop 60000 mark @ 59950 reduce"
    again = World()
    again.data.mark(PERP, 61000.0)
    await again.ctl_line("buy 0.5 mkt")
    assert (await again.ctl_line(world.commands()[-1])).ok
    second = newest(again)
    assert (second.trigger_price, second.price, second.reduce_only) == (first.trigger_price, first.price, True)


@pytest.mark.parametrize(
    ("line", "caret", "message"),
    [
        ("sell 0.5 stop", 13, "PRICE is missing"),
        ("sell 0.5 stop 60000 take 62000", 20, "either stop or take, not both"),
        ("sell 0.5 mark", 9, "mark says what triggers: stop PRICE mark"),
        ("sell 0.5 stop 60000 post @ 59000", 20, "an order that waits for a trigger cannot be post"),
        ("sell 0.5 stop 60000 ioc", 20, "an order that waits for a trigger cannot be ioc"),
        ("sell 0.5 stop 60000.3", 14, "not on the 0.5 tick: 60000.0 or 60000.5"),
        ("sell 0.5 stop 61500", 0, "would trigger at once, the last price is 61000.5"),
        ("sell 0.5 stop 60000 @ 50000", 0, "price 50000.0 is 16.67% through the trigger 60000: try 59400.0"),
    ],
)
async def test_what_cannot_be_is_said_in_one_line_and_nothing_is_sent(line: str, caret: int, message: str) -> None:
    world = await held()
    orders = dict(world.engine.oms.orders)
    reply = await world.ctl_line(line)
    assert not reply.ok
    assert message in reply.lines[0]
    assert world.engine.oms.orders == orders
    if caret:
        assert reply.caret == caret


async def test_the_preview_shows_the_trigger_its_cost_and_what_is_left() -> None:
    world = await held()
    preview = world.desk.preview(world.screen, "sell 0.5 stop entry-1% mark reduce", world.seen())
    line = preview.lines[0]
    assert "SELL 0.5 BTC/USDT:USDT STOP 60390.5 mark mkt REDUCE" in line
    assert "~30 195.25 USDT" in line
    assert "after: flat" in line
    assert "entry-1% -> 60390.5" in line


async def test_limit_arming_is_enough_for_an_order_that_waits() -> None:
    world = await held()
    await world.armed()
    reply = await world.type("sell 0.5 stop 60000 reduce", context=world.seen())
    assert reply.ok, reply.lines
    assert newest(world).is_waiting


async def test_ladder_and_panel_show_it_at_its_trigger_with_its_own_mark() -> None:
    world = await held()
    await world.ctl_line("sell 0.5 stop 60990 mark @ 60980 reduce")
    order = newest(world)
    view = order_view(order, world.engine)
    assert (view.price, view.trigger, view.index) == ("60990.0", "stop 60990.0 mark @ 60980", 121980)
    (at,) = own_by_row([view], PERP).values()
    assert own_text(at, "-", 8) == "-.5 stop"
    assert own_text(at, "-", 5) == "-.5 S"
    row = "".join(text for text, _ in order_cells(view, world.clock.now_ns(), 120))
    assert "60990.0  REDUCE" in row
    assert "stop by mark" in row
    assert "then @ 60980" in row
    narrow = "".join(text for text, _ in order_cells(view, world.clock.now_ns(), 60))
    assert "SELL 0.5 stop 60990.0 mark @ 60980" in narrow
    picture = world.desk.picture(world.screen, ViewRequest(key=PERP))
    assert [each.trigger for each in picture.orders] == ["stop 60990.0 mark @ 60980"]


async def test_a_woken_stop_is_an_order_like_any_other() -> None:
    world = await held()
    await world.ctl_line("sell 0.5 take 61001 @ 61004 reduce")
    world.wait(1)
    world.data.trade(PERP, Side.BUY, "61001.5", "1")
    view = order_view(newest(world), world.engine)
    assert (view.status, view.trigger, view.price) == ("new", "", "61004.0")
