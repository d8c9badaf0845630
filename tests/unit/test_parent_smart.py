"""Smart trades on paper: every exit alone and combined, gaps, hands from outside, pauses, edits and restarts."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.algos.state import Action, Kind, ParentRequest, ParentStatus
from jackbot_tui.engine.parents import ParentOptions, RestartPolicy
from jackbot_tui.execution.base import VenueOrder
from jackbot_tui.model.enums import Liquidity, OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.market import MarkPrice
from jackbot_tui.model.numbers import round_down
from jackbot_tui.model.orders import Order, OrderFilled, OrderRequest
from jackbot_tui.model.records import ParentMoved
from jackbot_tui.risk.refusal import Refusal, RefusalCode
from tests.desk_world import PERP, SPOT, instrument
from tests.parents_world import BUY, SELL, ParentsWorld, restarted, until

D = Decimal


def hand(world: ParentsWorld, side: Side, quantity: str) -> None:
    """Somebody trades at the market, through the same account."""
    sent = world.engine.submit(
        OrderRequest(key=world.key, side=side, quantity=D(quantity), type=OrderType.MARKET, tif=TimeInForce.IOC)
    )
    assert sent.order is not None, sent.refusal
    client_id = sent.order.client_id
    until(world, lambda: not world.engine.oms.orders[client_id].is_open)


def long_world(quantity: str = "0.5", **more: object) -> ParentsWorld:
    """A long position bought at 100.5; the market is 100.0 / 100.5."""
    world = ParentsWorld(**more)  # type: ignore[arg-type]
    hand(world, BUY, quantity)
    return world


def over(world: ParentsWorld, quantity: str = "0.5", side: Side = SELL, **values: str) -> int:
    """Take the position over."""
    return world.begin(Kind.SMART, side, quantity, on="position", **values)


def resting(world: ParentsWorld) -> list[tuple[str, Decimal | None, Decimal]]:
    orders = sorted(world.open_orders(), key=lambda order: order.price or D(0), reverse=True)
    return [(order.side.value, order.price, order.remaining) for order in orders]


def mark(world: ParentsWorld, price: float, index: float = 0.0) -> None:
    now = world.clock.now_ns()
    tick = MarkPrice(world.key, now, now, price, index or price, 0.0, now + 10**12)
    world.market.mark = tick
    world.engine.on_mark(world.market, tick, now)


# ---------------------------------------------------------------------- entries and targets


def test_an_entry_rests_and_its_targets_follow_what_has_filled() -> None:
    world = ParentsWorld()
    world.begin(Kind.SMART, BUY, "0.4", price="100", tp="102:50%,104:50%", sl="98")
    world.step(300)
    assert resting(world) == [("buy", D(100), D("0.4"))]
    assert "waits to enter at 100" in world.look().why
    world.trade(SELL, "100.0", "1.2")  # 1.0 stands ahead
    world.step(500)
    assert resting(world) == [("sell", D(104), D("0.1")), ("sell", D(102), D("0.1")), ("buy", D(100), D("0.2"))]
    world.trade(SELL, "100.0", "30")
    world.step(800)
    assert resting(world) == [("sell", D(104), D("0.2")), ("sell", D(102), D("0.2"))]
    assert all(order.reduce_only for order in world.open_orders())
    world.book("104.0", "104.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.look().exited, world.look().why) == (D(0), D("0.4"), "out")


def test_an_entry_without_a_price_takes_the_market_and_relative_levels_count_from_its_touch() -> None:
    world = ParentsWorld()
    world.begin(Kind.SMART, BUY, "0.4", tp="2%", sl="2%")
    until(world, lambda: world.position() == D("0.4"))
    world.step(300)
    assert resting(world) == [("sell", D("103.0"), D("0.4"))]  # 100.5 and 2 %, up to the tick
    assert "stop 98;" in world.look().why  # 98.49, down to the tick


def test_a_short_entry_exits_by_buying() -> None:
    world = ParentsWorld()
    world.begin(Kind.SMART, SELL, "0.4", tp="98:50%,96", sl="103", trail="2%")
    until(world, lambda: world.position() == D("-0.4"))
    world.step(300)
    assert resting(world) == [("buy", D(98), D("0.2")), ("buy", D(96), D("0.2"))]
    world.book("102.0", "102.5")  # 2 % behind the best ask of 100.5 is 102.51, and 103 on the tick: not yet
    world.step(300)
    assert world.look().status is ParentStatus.RUNNING
    world.book("102.5", "103.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])
    assert "the trailing stop at 103" in world.look().why


def test_a_position_is_taken_over_and_left_at_its_levels() -> None:
    world = long_world()
    over(world, tp="102:0.1,103:50%,104", sl="98")
    world.step(300)
    assert resting(world) == [
        ("sell", D(104), D("0.15")), ("sell", D(103), D("0.25")), ("sell", D(102), D("0.1"))
    ]  # fmt: skip
    assert all(order.reduce_only for order in world.open_orders())
    world.book("104.5", "105.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.look().filled, world.look().why) == (D(0), D("0.5"), "out")


def test_what_rounding_leaves_is_in_the_last_level() -> None:
    world = long_world("0.1")
    over(world, "0.1", tp="102,103,104")
    world.step(300)
    assert [left for _, _, left in resting(world)] == [D("0.034"), D("0.033"), D("0.033")]


def test_levels_that_leave_a_rest_leave_it_to_the_stop() -> None:
    world = long_world()
    over(world, tp="102:40%", sl="98")
    world.step(300)
    world.book("102.5", "103.0")
    until(world, lambda: world.position() == D("0.3"))
    world.step(300)
    assert world.open_orders() == []
    assert world.look().why.startswith("0.3 in; stop 98;")
    world.book("97.5", "98.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_it_ends_and_says_so_when_no_exit_is_left() -> None:
    world = long_world()
    over(world, tp="102:40%")
    world.step(300)
    world.book("102.5", "103.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == D("0.3")
    assert world.look().why == "no exit is left for 0.3: it stays open"


def test_a_target_beyond_the_venues_band_is_kept_here_until_the_market_is_near() -> None:
    band = PriceBand("last", buy_up=D("1.05"), buy_down=D("0.95"), sell_up=D("1.05"), sell_down=D("0.95"))
    world = long_world(listed=replace(instrument(PERP), band=band))
    world.trade(BUY, "100.5", "0.1")
    over(world, tp="102:40%,108", sl="98")
    world.step(2_000)
    assert resting(world) == [("sell", D(102), D("0.2"))]
    assert "108 for 0.3 kept here" in world.look().why
    world.book("103.0", "103.5")
    world.trade(BUY, "103.5", "0.1")
    world.step(500)
    assert resting(world) == [("sell", D(108), D("0.3"))]
    assert world.look().status is ParentStatus.RUNNING


def test_a_target_that_the_market_has_gone_through_takes_at_once() -> None:
    world = long_world()
    world.lose_book()
    world.find_book("104.0", "104.5")  # beyond the collar of 1 % for a sell at 102
    number = over(world, tp="106", sl="98")
    world.step(200)
    world.lose_book()
    world.step(100)
    world.engine.cancel(world.only_order().client_id, "hand")
    world.step(100)
    world.steer(number, Action.RESUME)
    world.find_book("109.0", "109.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0
    assert world.fills()[-1].price == D(109)


def test_watched_targets_take_when_they_are_reached() -> None:
    world = long_world()
    over(world, tp="102:50%,103", sl="98", take="cross")
    world.step(300)
    assert world.open_orders() == []
    world.book("102.0", "102.5")
    until(world, lambda: world.position() == D("0.25"))
    assert any("TARGET: 102 reached 102" in text for text in world.told())
    world.book("103.0", "103.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


# ---------------------------------------------------------------------- stops


def test_a_stop_cancels_the_targets_first_and_then_takes_everything_off() -> None:
    world = long_world()
    over(world, tp="102", sl="98")
    world.step(300)
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])
    last = list(world.engine.oms.orders.values())[-1]
    assert (last.tif, last.reduce_only, last.tag, last.price) == (TimeInForce.IOC, True, "eout", D(98))
    assert world.look().why == "out: STOP: 98 reached 98"


def test_stop_levels_reduce_step_by_step_and_shrink_the_targets() -> None:
    world = long_world("0.4")
    over(world, "0.4", tp="103:50%,104", sl="99:50%,98")
    world.step(300)
    world.book("99.0", "99.5")
    until(world, lambda: world.position() == D("0.2") and len(world.open_orders()) == 2)
    assert resting(world) == [("sell", D(104), D("0.1")), ("sell", D(103), D("0.1"))]
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_after_a_target_has_taken_half_a_stop_level_takes_its_part_of_the_rest() -> None:
    world = long_world("0.4")
    over(world, "0.4", tp="102:50%", sl="99:50%,98")
    world.step(300)
    world.book("102.5", "103.0")
    until(world, lambda: world.position() == D("0.2"))
    world.book("99.0", "99.5")
    until(world, lambda: world.position() == D("0.1"))
    world.step(300)
    assert world.look().status is ParentStatus.RUNNING


def test_a_gap_through_several_levels_is_one_exit() -> None:
    world = long_world("0.4")
    over(world, "0.4", sl="99:25%,98:25%,97:25%,96")
    world.step(300)
    before = len(world.engine.oms.orders)
    world.book("97.0", "97.5")
    until(world, lambda: world.position() == D("0.1"))
    assert len(world.engine.oms.orders) == before + 1
    assert any("reached 99 and 98 and 97" in text for text in world.told())
    world.step(500)
    assert world.look().status is ParentStatus.RUNNING


def test_moves_that_can_trigger_nothing_are_not_looked_at_and_the_stop_is_hit_to_the_tick() -> None:
    world = long_world(listed=replace(instrument(PERP), tick=D("0.001")))
    number = over(world, sl="99.98", trail="5")
    world.step(300)
    shown = world.look(number).why
    for bid in ("100.001", "99.999", "100.005", "99.995"):
        world.book(bid, "100.500")
    assert world.look(number).why == shown  # half a basis point: nothing to see
    world.book("99.981", "100.500")
    assert "touch 99.981" in world.look(number).why
    assert world.look(number).status is ParentStatus.RUNNING
    world.book("99.980", "100.500")
    until(world, lambda: world.look(number).status is ParentStatus.DONE)
    assert world.position() == 0


def test_a_stop_that_was_reached_stays_triggered_when_the_price_comes_back() -> None:
    world = long_world()
    over(world, sl="98")
    world.step(300)
    world.book("98.0", "98.5")
    world.book("100.0", "100.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_a_thin_market_is_followed_until_nothing_is_left() -> None:
    world = long_world("3")
    over(world, "3", sl="98", slip="0")
    world.step(300)
    for bid in ("98.0", "97.5", "97.0", "96.5", "96.0"):
        world.book(bid, str(float(bid) + 0.5), bid_size=0.7)
        world.step(1_000)
    assert (world.position(), world.look().status) == (D(0), ParentStatus.DONE)


def test_a_limit_exit_waits_where_the_market_is_beyond_its_slip() -> None:
    world = long_world()
    over(world, sl="98", exit="limit", slip="100")
    world.step(300)
    world.book("95.0", "95.5")
    world.step(1_000)
    assert resting(world) == [("sell", D("97.5"), D("0.5"))]  # 98 less 1 %, up to the tick: never worse
    assert world.position() == D("0.5")
    world.book("97.5", "98.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_a_limit_exit_that_rests_follows_later_levels_and_hands_from_outside() -> None:
    world = long_world("0.4")
    over(world, "0.4", sl="99:25%,98:25%,96", exit="limit", slip="50")
    world.step(300)
    world.book("98.0", "98.1")
    world.book("97.0", "97.5")
    until(world, lambda: resting(world) == [("sell", D("98"), D("0.2"))])  # both levels, within 98 less 0.5 %
    hand(world, SELL, "0.15")
    until(world, lambda: resting(world) == [("sell", D("98"), D("0.05"))])
    world.book("98.0", "98.5")
    until(world, lambda: world.position() == D("0.2"))
    world.step(500)
    assert world.look().status is ParentStatus.RUNNING


def test_an_exit_that_would_reach_beyond_the_collar_is_sent_at_the_collar() -> None:
    world = long_world()
    over(world, sl="98", slip="300")
    world.step(300)
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    last = list(world.engine.oms.orders.values())[-1]
    assert (last.price, world.position()) == (D("97.5"), D(0))  # 1 % through the touch, not 3 %


@pytest.mark.parametrize("trigger", ["last", "mark", "index"])
def test_a_stop_acts_on_the_price_it_was_told_to_watch(trigger: str) -> None:
    world = long_world()
    world.trade(BUY, "100.5", "0.1")
    mark(world, 100.2, 100.3)
    over(world, sl="98", trigger=trigger)
    world.step(300)
    world.book("97.0", "97.5")
    mark(world, 98.5, 98.5)
    world.step(500)
    assert world.position() == D("0.5")
    if trigger == "last":
        world.trade(SELL, "97.0", "0.1")
    else:
        mark(world, *((98.0, 99.0) if trigger == "mark" else (99.0, 98.0)))
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_a_price_that_is_not_known_any_more_is_said() -> None:
    world = long_world()
    mark(world, 100.2)
    over(world, sl="98", trigger="mark")
    world.step(300)
    world.step(11_000)
    world.book("99.5", "100.0")
    world.step(100)
    assert any("no mark price now: the stops are not watched" in text for text in world.told())


# ---------------------------------------------------------------------- trailing, break-even, time


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back() -> None:
    world = long_world()
    over(world, trail="2")
    for bid in ("101.0", "103.0", "102.0", "101.5"):
        world.book(bid, str(float(bid) + 0.5))
        world.step(200)
    assert "stop trailing 101;" in world.look().why
    assert world.position() == D("0.5")
    world.book("101.0", "101.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_a_trailing_stop_writes_no_record_for_every_tick() -> None:
    listed = replace(instrument(PERP), tick=D("0.01"))
    world = long_world(listed=listed)
    over(world, trail="10")
    world.step(300)
    before = len(world.records(ParentMoved))
    for n in range(100):
        bid = 100 + n * 0.01
        world.book(f"{bid:.2f}", f"{bid + 0.01:.2f}")
    assert 3 <= len(world.records(ParentMoved)) - before <= 6  # a step is a fiftieth of 10


def test_a_trailing_take_profit_begins_at_its_price_and_gives_back_no_more() -> None:
    world = long_world()
    over(world, trailtp="103:1", sl="98")
    world.book("102.5", "103.0")
    world.book("101.0", "101.5")
    world.step(300)
    assert "trails its profit from 103" in world.look().why
    assert world.position() == D("0.5")
    world.book("104.5", "105.0")
    world.step(300)
    assert "give-back 103.5" in world.look().why
    world.book("103.5", "104.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert "the trailing take-profit at 103.5" in world.look().why


def test_after_its_level_the_stop_moves_to_break_even_with_fees() -> None:
    world = long_world()
    over(world, tp="102:50%,110", sl="95", be="1")
    world.step(300)
    world.book("102.5", "103.0")
    until(world, lambda: world.position() == D("0.25"))
    world.step(300)
    assert "break-even 101" in world.look().why  # 100.5 bought and sold at 0.05 % each: 100.6, up to the tick
    world.book("101.5", "102.0")
    world.step(500)
    assert world.position() == D("0.25")
    world.book("101.0", "101.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert "break-even at 101" in world.look().why


def test_break_even_waits_until_the_market_is_beyond_it() -> None:
    world = long_world()
    over(world, tp="101:50%,110", be="1", sl="95")
    world.step(300)
    world.trade(BUY, "101.0", "30")
    until(world, lambda: world.position() == D("0.25"))
    world.step(500)
    assert "break-even" not in world.look().why  # the bid is at 100 still
    world.book("101.5", "102.0")
    world.step(200)
    assert "break-even 101" in world.look().why


def test_the_time_stop_takes_off_what_is_left_and_cancels_an_entry() -> None:
    world = long_world()
    over(world, tp="110", time="2s")
    waiting = world.begin(Kind.SMART, BUY, "0.3", price="90", sl="80", time="1s")
    world.step(1_900)
    assert world.position() == D("0.5")
    assert world.look(waiting).status is ParentStatus.DONE
    until(world, lambda: world.look(1).status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])
    assert world.look(1).why == "out: the time of 2s is up"


# ---------------------------------------------------------------------- hands from outside


def test_a_position_made_smaller_by_hand_shrinks_the_exits() -> None:
    world = long_world("0.4")
    over(world, "0.4", tp="102:50%,103", sl="98")
    world.step(300)
    hand(world, SELL, "0.2")
    until(world, lambda: [left for _, _, left in resting(world)] == [D("0.1"), D("0.1")])
    assert any("made smaller from outside by 0.2: 0.2 is left to exit" in text for text in world.told())
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.look().filled) == (D(0), D("0.2"))


def test_a_position_closed_by_hand_ends_it_and_its_orders() -> None:
    world = long_world()
    over(world, tp="102", sl="98")
    world.step(300)
    hand(world, SELL, "0.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.open_orders() == []
    assert world.look().why == "the position was closed from outside"


def test_an_entry_stops_when_what_it_bought_is_sold_by_hand() -> None:
    world = ParentsWorld()
    world.begin(Kind.SMART, BUY, "0.5", price="100", tp="105", sl="90")
    world.step(300)
    world.trade(SELL, "100.0", "1.2")
    until(world, lambda: world.position() == D("0.2"))
    hand(world, SELL, "0.15")
    world.step(500)
    assert resting(world) == [("sell", D(105), D("0.05"))]
    hand(world, SELL, "0.05")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.open_orders() == []


def test_a_position_that_grew_is_said_and_may_be_taken_in() -> None:
    world = long_world()
    number = over(world, tp="103", sl="98")
    world.step(300)
    hand(world, BUY, "0.2")
    world.step(300)
    assert any("grew from outside by 0.2: 0.5 is covered, qty=0.7 covers all" in text for text in world.told())
    hand(world, BUY, "0.01")
    world.step(300)
    assert sum("grew from outside" in text for text in world.told()) == 1
    assert "0.5 in, 0.21 beside it not covered" in world.look().why
    hand(world, SELL, "0.01")
    assert world.steer(number, Action.EDIT, "0.7") == ""
    until(world, lambda: resting(world) == [("sell", D(103), D("0.7"))])
    assert world.steer(number, Action.EDIT, "0.8") == "p1: the position is only 0.7, not 0.8"


def test_a_liquidation_is_noticed_and_ends_it() -> None:
    world = long_world()
    over(world, tp="102", sl="98")
    world.step(300)
    now = world.clock.now_ns()
    order = Order(
        number=0,
        client_id="venue-1",
        key=world.key,
        side=SELL,
        quantity=D("0.5"),
        type=OrderType.MARKET,
        price=None,
        tif=TimeInForce.IOC,
        post_only=False,
        reduce_only=True,
        owner="venue",
        source="venue",
        parent_id="",
        tag="liquidation",
        created_ns=now,
        updated_ns=now,
    )
    fill = OrderFilled("venue-1", now, "liq-1", D(99), D("0.5"), Liquidity.TAKER, D(0), "USDT")
    world.engine.apply_all([VenueOrder("venue-1", now, order, "LIQUIDATED"), fill])
    assert any("made smaller from outside by 0.5: 0 is left" in text for text in world.told())
    world.step(300)
    assert (world.look().status, world.open_orders(), world.position()) == (ParentStatus.DONE, [], D(0))
    assert world.look().why == "the position was closed from outside"


def test_a_stop_that_may_not_be_sent_is_said_once_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = long_world()
    over(world, sl="98")
    world.step(300)
    refusal = Refusal(RefusalCode.KILLED, "new orders are locked")
    monkeypatch.setattr(world.engine, "refusal_of", lambda *_: refusal)
    world.book("98.0", "98.5")
    world.step(8_000)
    assert world.look().status is ParentStatus.PAUSED
    assert sum("PAUSED: refused: new orders are locked" in text for text in world.told()) == 1
    assert not any("mistake" in text for text in world.told())
    monkeypatch.undo()
    until(world, lambda: world.look().status is ParentStatus.DONE, most_ms=6_000)
    assert world.position() == 0


def test_own_exits_are_never_taken_for_somebody_elses() -> None:
    world = long_world("2")
    over(world, "2", tp="101.5:10%,102:10%,102.5:10%,103:10%,103.5:10%,104", sl="98")
    world.step(300)
    for ask in ("101.5", "102.0", "103.0", "104.0", "105.0"):
        world.trade(BUY, ask, "30")
        world.book(str(float(ask) - 0.5), ask)
        world.step(200)
    assert world.position() == 0
    assert not any("outside" in text for text in world.told())


# ---------------------------------------------------------------------- steering


def test_while_paused_the_entry_is_pulled_and_the_stop_goes_on() -> None:
    world = ParentsWorld()
    number = world.begin(Kind.SMART, BUY, "0.5", price="100", tp="105", sl="98")
    world.step(300)
    world.trade(SELL, "100.0", "1.2")
    world.step(500)
    world.steer(number, Action.PAUSE)
    world.step(300)
    assert resting(world) == [("sell", D(105), D("0.2"))]
    world.engine.cancel(world.only_order().client_id, "hand")
    world.step(500)
    assert world.open_orders() == []  # not placed again before somebody says so
    assert world.look().status is ParentStatus.PAUSED
    world.steer(number, Action.RESUME)
    world.step(300)
    assert resting(world) == [("sell", D(105), D("0.2")), ("buy", D(100), D("0.3"))]
    world.steer(number, Action.PAUSE)
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.open_orders()) == (D(0), [])


def test_levels_are_edited_on_the_fly_for_what_is_left() -> None:
    world = long_world("0.4")
    number = over(world, "0.4", tp="102:50%,110", sl="95")
    world.step(300)
    world.book("102.5", "103.0")
    until(world, lambda: world.position() == D("0.2"))
    assert world.steer(number, Action.EDIT, tp="104:50%,105:0.1", sl="101") == ""
    until(world, lambda: resting(world) == [("sell", D(105), D("0.1")), ("sell", D(104), D("0.1"))])
    assert world.steer(number, Action.EDIT, tp="none", trail="1") == ""
    world.step(500)
    assert world.open_orders() == []
    assert "stop 101, trailing 101.5" in world.look().why
    world.book("101.5", "102.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sl": "101"}, "sl 101 must be below the touch price 100"),
        ({"tp": "99"}, "tp 99 must be above the touch price 100"),
        ({"tp": "102:0.4,103:0.2"}, "are more than 0.5"),
        ({"tp": "102:x"}, "tp: 'x' is not a number"),
        ({"take": "cross"}, "take cannot be changed while it runs"),
        ({"on": "entry"}, "on cannot be changed"),
        ({"time": "1s"}, "time 1s is up already: task finish exits now"),
    ],
)
def test_an_edit_that_would_trigger_at_once_is_refused(changes: dict[str, str], said: str) -> None:
    world = long_world()
    number = over(world, tp="102", sl="98", time="1h")
    world.step(2_000)
    assert said in world.steer(number, Action.EDIT, **changes)
    assert world.look().values["sl"] == "98"
    world.step(300)
    assert resting(world) == [("sell", D(102), D("0.5"))]


def test_a_trailing_stop_may_not_be_tightened_past_the_market() -> None:
    world = long_world()
    number = over(world, trail="3")
    world.book("104.0", "104.5")
    world.book("102.0", "102.5")
    world.step(100)
    assert "trail would stand at 103 and exit at once" in world.steer(number, Action.EDIT, trail="1")


def test_finishing_takes_off_what_is_left_and_cancelling_leaves_it() -> None:
    world = long_world()
    number = over(world, "0.3", tp="102", sl="98")
    world.step(300)
    world.steer(number, Action.FINISH)
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == D("0.2")
    number = over(world, "0.2", tp="102", sl="98")
    world.step(300)
    world.steer(number, Action.CANCEL)
    until(world, lambda: world.look(number).status is ParentStatus.CANCELED)
    assert (world.position(), world.open_orders()) == (D("0.2"), [])
    entering = world.begin(Kind.SMART, BUY, "0.3", tp="120", sl="90")
    until(world, lambda: world.position() == D("0.5"))
    world.steer(entering, Action.FINISH)
    until(world, lambda: world.look(entering).status is ParentStatus.DONE)
    assert world.position() == D("0.2")


def test_a_stop_does_not_wait_for_the_rate_budget() -> None:
    world = long_world(options=ParentOptions(children_per_s=1))
    over(world, sl="98")
    world.begin(Kind.ICEBERG, BUY, "0.5", limit="97", show="0.1")
    world.step(10)
    world.book("98.0", "98.5")
    world.step(300)
    assert world.position() == 0


def test_a_killed_desk_still_lets_the_stop_out_and_refusals_do_not_break_it() -> None:
    world = long_world()
    over(world, tp="102", sl="98")
    world.step(300)
    world.engine.gate.kill()
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


# ---------------------------------------------------------------------- holds and restarts


def test_a_hold_keeps_the_targets_and_the_stop_is_watched_again_afterwards() -> None:
    world = long_world()
    over(world, tp="102", sl="98")
    world.step(300)
    world.lose_book()
    world.step(500)
    assert resting(world) == [("sell", D(102), D("0.5"))]
    world.find_book("97.0", "97.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert world.position() == 0


def test_a_pending_exit_goes_on_after_a_restart_though_the_price_came_back() -> None:
    world = long_world()
    over(world, tp="102", sl="98")
    world.step(300)
    world.book("98.0", "98.5")  # triggered; the cancel of the target is on its way
    after = restarted(world, len(world.journal.records), RestartPolicy.WAIT)
    after.step(1_000)
    assert after.look().status is ParentStatus.WAITING
    assert after.position() == D("0.5")
    after.steer(1, Action.RESUME)
    until(after, lambda: after.look().status is ParentStatus.DONE)
    assert (after.position(), after.open_orders()) == (D(0), [])
    assert "STOP: 98 reached 98" in after.look().why


def test_the_best_price_of_a_trailing_stop_survives_a_restart() -> None:
    world = long_world()
    over(world, trail="2")
    world.book("104.0", "104.5")
    world.step(100)
    after = restarted(world, len(world.journal.records), RestartPolicy.RESUME)
    after.find_book("103.0", "103.5") if not after.market.live else after.book("103.0", "103.5")
    after.step(100)
    assert after.look().status in (ParentStatus.RUNNING, ParentStatus.STOPPING, ParentStatus.DONE)
    until(after, lambda: after.look().status is ParentStatus.DONE)  # it came up at 100: the stop stood at 102
    assert "the trailing stop at 102" in after.look().why


def test_ten_trades_on_parts_of_one_position_come_back_and_each_takes_its_part_off() -> None:
    world = long_world("1")
    for n in range(10):
        over(world, "0.1", tp=f"{102 + n}", sl=f"{99 - n}", trail="20")
    world.step(500)
    world.book("96.0", "96.5")  # four of them are under way when the power goes
    world.step(30)
    after = restarted(world, len(world.journal.records), RestartPolicy.RESUME)
    after.book("96.0", "96.5")
    until(after, lambda: after.position() == D("0.6"))
    after.step(500)
    open_now = [picture for picture in after.parents.pictures() if picture.status.is_open]
    assert len(open_now) == len(after.open_orders()) == 6
    after.book("90.0", "90.5", bid_size=5.0)
    until(after, lambda: not any(picture.status.is_open for picture in after.parents.pictures()))
    assert (after.position(), after.open_orders()) == (D(0), [])
    assert not any("outside" in text for text in (*world.told(), *after.told()))


# ---------------------------------------------------------------------- what cannot begin


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "no exit was given"),
        ({"tp": "100"}, "tp 100 must be above the entry 100.5"),
        ({"sl": "100"}, "sl 100 must be below the touch price 100"),
        ({"tp": "102.3"}, "tp 102.3 is not a multiple of the tick 0.5"),
        ({"tp": "102,102"}, "tp: two levels are at 102"),
        ({"tp": "102:0.1%,103"}, "tp 102 would be 0: the venue takes at least 0.001"),
        ({"sl": "99:0.1%,98"}, "sl 99 would be 0: the venue takes at least 0.001"),
        ({"tp": "102", "be": "2"}, "be 2: there is 1 take-profit level"),
        ({"sl": "98", "be": "1"}, "be 1: there is no take-profit level"),
        ({"sl": "98", "trigger": "mark"}, "no mark price of BTC/USDT:USDT is known now"),
        ({"trailtp": "99:1"}, "trailtp 99 must be above the entry 100.5"),
        ({"price": "100", "sl": "100"}, "sl 100 must be below the touch price 100"),
        ({"price": "99", "sl": "99.5"}, "sl 99.5 must be below the entry 99"),
        ({"tp": "200%"}, "neither a price like 62000"),
        ({"trail": "x"}, "trail: 'x' is not a number"),
        ({"on": "position", "sl": "98"}, "no short position in BTC/USDT:USDT to exit"),
    ],
)
def test_a_trade_that_makes_no_sense_is_refused_in_one_line(values: dict[str, str], said: str) -> None:
    world = ParentsWorld()
    problem = world.start(Kind.SMART, BUY, "0.1", **values).problem
    assert said in problem
    assert "\n" not in problem
    assert world.open_orders() == []


def test_an_entry_against_a_position_is_refused() -> None:
    world = long_world()
    assert "a long position of 0.5 is there" in world.start(Kind.SMART, SELL, "0.3", sl="103").problem
    assert "only 0.5, not 0.6" in world.start(Kind.SMART, SELL, "0.6", on="position", sl="98").problem
    said = world.start(Kind.SMART, SELL, "0.5", on="position", sl="98", price="101").problem
    assert "smart position has none" in said


def test_spot_has_no_short_position() -> None:
    world = ParentsWorld(listed=instrument(SPOT))
    assert "spot, which has no short position" in world.start(Kind.SMART, SELL, "0.3", sl="103").problem


def test_on_spot_the_holding_is_taken_off_without_reduce_only() -> None:
    world = long_world(listed=instrument(SPOT))
    held = round_down(world.position(), world.listed.lot)
    over(world, str(held), tp="102:50%,103", sl="98")
    world.step(300)
    assert [order.reduce_only for order in world.open_orders()] == [False, False]
    world.book("98.0", "98.5")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert 0 <= world.position() < world.listed.lot  # the venue took its fee in base units
    assert not any("outside" in text for text in world.told())


def test_a_fee_in_base_units_is_nobody_elses_hand() -> None:
    world = ParentsWorld(listed=instrument(SPOT))
    world.begin(Kind.SMART, BUY, "0.4", tp="102:50%,103", sl="98")
    until(world, lambda: len(world.open_orders()) == 2)
    assert sum(left for _, _, left in resting(world)) == D("0.399")
    assert not any("outside" in text for text in world.told())


# ---------------------------------------------------------------------- preview


def test_the_preview_says_what_it_may_cost_and_earn() -> None:
    world = ParentsWorld()
    values = {"price": "100", "tp": "102:50%,104", "sl": "99:50%,98", "slip": "0"}
    request = ParentRequest(kind=Kind.SMART, key=world.key, side=BUY, quantity=D(2), values=values)
    shown = world.parents.preview(request)
    assert shown.problem == ""
    text = "; ".join(shown.lines)
    assert "enters 2 at 100" in text
    assert "target 102: 1, 2.00 before fees" in text
    # price: 1 at 99 and 1 at 98 lose 3; fees: 200 in, 197 out, at 0.05 %
    assert "worst case -3.20 USDT at the stop, with slip and fees of 0.1985" in text
    # gain: 2 and 4; fees: 200 in at 0.05 %, 206 out at 0.02 %
    assert "targets make 5.86 after fees, reward to risk 1.83" in text
    assert "break-even 100.5 with fees" in text
    assert any("nothing watches them" in warning for warning in shown.warnings)


def test_the_preview_warns_of_what_has_no_stop() -> None:
    world = long_world()
    values = {"on": "position", "tp": "102", "sl": "98:40%"}
    request = ParentRequest(kind=Kind.SMART, key=world.key, side=SELL, quantity=D("0.5"), values=values)
    shown = world.parents.preview(request)
    assert shown.warnings[0] == "0.3 has no stop: what it may lose has no bound here"
    assert any("takes over 0.5 of the position from 100.5" in line for line in shown.lines)
