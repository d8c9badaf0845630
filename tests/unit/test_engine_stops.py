"""Stops through the whole engine on paper: waiting, woken, over a restart, canceled by kill, never amended."""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.journal.base import Recovered
from jackbot_tui.model.enums import OrderStatus, OrderType, Side, TriggerBy
from jackbot_tui.model.orders import OrderRequest, OrderTriggered, Position
from jackbot_tui.model.records import OrderSubmitted
from tests.desk_world import PERP
from tests.unit.test_engine_core import World, market

HELD = Position(key=PERP, quantity=Decimal("0.5"), average_entry=Decimal(100))


def stop(trigger: str, price: str | None = None, **more: object) -> OrderRequest:
    return OrderRequest(
        key=PERP, side=Side.SELL, quantity=Decimal("0.5"), type=OrderType.MARKET if price is None else OrderType.LIMIT,
        price=None if price is None else Decimal(price), trigger_price=Decimal(trigger), reduce_only=True,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def long_world() -> World:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.wait()
    assert world.position() == Decimal("0.5")
    return world


def test_it_waits_is_woken_by_a_trade_and_closes_the_position() -> None:
    world = long_world()
    world.engine.submit(stop("99.0"))
    world.wait()
    assert (world.order(2).status, world.order(2).is_waiting) == (OrderStatus.NEW, True)
    world.markets.trade(PERP, Side.SELL, "99.5", "1")
    world.wait()
    assert world.order(2).is_waiting
    world.markets.trade(PERP, Side.SELL, "99.0", "1")
    world.wait()
    assert world.order(2).status is OrderStatus.FILLED
    assert world.position() == 0
    assert [record.price for record in world.records(OrderTriggered)] == [Decimal("99.0")]  # type: ignore[union-attr]
    (told,) = [notice.text for notice in world.engine.board.ring if notice.kind == "triggered"]
    assert told == "#2 SELL 0.5 stop 99 last TRIGGERED by 99"


def test_a_mark_wakes_what_waits_for_the_mark_and_nothing_else() -> None:
    world = long_world()
    world.markets.mark(PERP, 100.0)
    world.engine.submit(stop("99.0", "98.5", trigger_by=TriggerBy.MARK))
    world.wait()
    world.markets.trade(PERP, Side.SELL, "98.0", "1")
    world.wait()
    assert world.order(2).is_waiting
    assert world.market.mark is not None
    told = replace(world.market.mark, mark=98.9)
    world.market.mark = told
    world.engine.on_mark(world.market, told, world.clock.now_ns())
    world.wait()
    assert world.order(2).status is OrderStatus.FILLED
    assert world.order(2).average_price == 100  # a stop-limit takes what is there, not its limit


def test_a_trigger_passed_while_down_acts_at_the_first_price_after_the_restart() -> None:
    first = long_world()
    first.engine.submit(stop("99.0"))
    first.wait()
    orders = dict(first.engine.oms.orders)
    second = World(recovered=Recovered(orders=orders, positions={PERP: HELD}, next_number=3))
    assert second.records(OrderSubmitted) == []
    second.wait()
    assert second.order(2).is_waiting
    second.book([(90.0, 5.0)], [(90.5, 5.0)])
    second.wait()
    assert second.order(2).is_waiting
    second.markets.trade(PERP, Side.SELL, "90.0", "1")
    second.wait()
    assert (second.order(2).status, second.order(2).average_price) == (OrderStatus.FILLED, Decimal(90))


def test_one_that_was_woken_right_before_the_end_still_closes_the_position() -> None:
    first = long_world()
    first.engine.submit(stop("99.0"))
    first.wait()
    waiting = first.order(2)
    woken = replace(waiting, triggered_ns=waiting.updated_ns + 1)
    second = World(recovered=Recovered(orders={woken.client_id: woken}, positions={PERP: HELD}, next_number=3))
    second.book([(98.0, 5.0)], [(98.5, 5.0)])
    second.wait()
    assert second.order(2).status is OrderStatus.FILLED
    assert second.position() == 0


def test_it_cannot_be_moved_and_says_what_to_do() -> None:
    world = long_world()
    submitted = world.engine.submit(stop("99.0", "98.5"))
    world.wait()
    assert submitted.order is not None
    asked = world.engine.amend(submitted.order.client_id, Decimal(98), None, "test")
    assert asked.problem == "order #2 waits for its trigger: cancel it and place another"


def test_flatten_and_kill_cancel_it() -> None:
    world = long_world()
    world.engine.submit(stop("99.0"))
    world.wait()
    world.engine.flatten(PERP, "test")
    world.wait()
    assert (world.order(2).status, world.position()) == (OrderStatus.CANCELED, Decimal(0))
    world = long_world()
    world.engine.submit(stop("99.0"))
    world.wait()
    world.engine.kill("test")
    world.wait()
    assert world.order(2).status is OrderStatus.CANCELED


def test_a_venue_without_the_trigger_refuses_in_one_line() -> None:
    world = World()
    world.engine.executor.triggers = lambda instrument: ()  # type: ignore[method-assign]
    submitted = world.engine.submit(replace(stop("99.0"), reduce_only=False))
    assert submitted.refusal is not None
    assert submitted.refusal.message == (
        "binance linear takes no orders that wait for a trigger from here: watch the price with 'smart'"
    )
    world.engine.executor.triggers = lambda instrument: (TriggerBy.MARK,)  # type: ignore[method-assign]
    submitted = world.engine.submit(replace(stop("99.0"), reduce_only=False))
    assert submitted.refusal is not None
    assert submitted.refusal.message == "binance linear wakes orders by mark only, not by last: say mark"
