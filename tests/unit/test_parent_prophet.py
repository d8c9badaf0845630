"""Prophetic orders on paper: armed outside what the venue takes, placed the moment it does, refused at the edge."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jackbot_tui.algos.state import Action, Kind, ParentStatus
from jackbot_tui.desk.commands import StartParent
from jackbot_tui.desk.language import SymbolTable, explain, parse
from jackbot_tui.engine.parents import RestartPolicy
from jackbot_tui.execution.base import ExecutorEvent
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.market import MarkPrice
from jackbot_tui.model.orders import Order, OrderRejected
from jackbot_tui.venues import VENUES
from jackbot_tui.venues.bands import is_band_refusal
from jackbot_tui.venues.refusals import refusals_of
from tests.desk_world import PERP, instrument
from tests.parents_world import BUY, SELL, ParentsWorld, restarted, until

D = Decimal
SYMBOLS = SymbolTable([PERP], {PERP: "BTCUSDT"})
TEN = PriceBand("mark", buy_up=D("1.1"), buy_down=D("0.9"), sell_up=D("1.1"), sell_down=D("0.9"))


def armed(band: PriceBand | None = TEN) -> ParentsWorld:
    """The market at 100 with a band of ten percent around its mark, which is the mid where no mark was sent."""
    return ParentsWorld(listed=replace(instrument(PERP), band=band))


def move(world: ParentsWorld, bid: str) -> None:
    world.book(bid, str(D(bid) + D("0.5")))
    world.step(20)


class Venue:
    """In front of paper: a venue whose real edge is another than the instrument's band says. ``low`` is for buys."""

    def __init__(self, world: ParentsWorld, low: str, reason: str = "Limit price can't be lower.", code: str = "-4024"):
        self.world = world
        self.low = D(low)
        self.asked: list[tuple[int, Decimal]] = []
        self._answer = (code, reason)
        self._submit = world.engine.executor.submit
        world.engine.executor.submit = self.submit  # type: ignore[method-assign]

    def submit(self, order: Order, now: int) -> list[ExecutorEvent]:
        mid = D(repr((self.world.market.book.bid_price + self.world.market.book.ask_price) / 2))
        assert order.price is not None
        self.asked.append((now, order.price))
        if order.price < mid * self.low:
            return [OrderRejected(order.client_id, now, *self._answer)]
        return self._submit(order, now)


# ---------------------------------------------------------------------- armed, placed


@pytest.mark.parametrize(
    ("side", "price", "near", "there"), [(BUY, "80", "88.5", "88.0"), (SELL, "120", "109.0", "109.5")]
)
def test_nothing_is_sent_before_the_venue_takes_it_and_then_at_once(
    side: Side, price: str, near: str, there: str
) -> None:
    world = armed()
    world.begin(Kind.PROPHET, side, "0.5", price=price)
    for bid in ("95.0" if side is BUY else "104.0", near):
        move(world, bid)
        assert world.engine.oms.orders == {}
        assert "armed" in world.look().why and price in world.look().why
    asked = world.clock.now_ns()
    world.book(there, str(D(there) + D("0.5")))
    order = world.only_order()
    assert (order.price, order.quantity, order.side, order.created_ns) == (D(price), D("0.5"), side, asked)
    world.step(200)
    assert world.only_order().status is OrderStatus.NEW
    assert any("passes now" in text for text in world.told())


def test_marks_and_trades_wake_it_as_well_as_the_book() -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="80")
    now = world.clock.now_ns()
    mark = MarkPrice(world.key, now, now, 88.0, 88.0, 0.0, 0)
    world.market.mark = mark
    world.engine.on_mark(world.market, mark, now)
    assert world.only_order().price == D(80)
    by_last = armed(replace(TEN, reference="last"))
    by_last.begin(Kind.PROPHET, BUY, "0.5", price="80")
    by_last.trade(SELL, "88.0", "0.1")
    assert by_last.only_order().price == D(80)


def test_the_margin_keeps_it_back_from_the_very_edge() -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="81", margin="100")
    move(world, "89.5")  # mid 89.75, edge 81.0
    assert world.open_orders() == []
    move(world, "88.5")  # edge 79.9
    assert world.only_order().price == D(81)


def test_wake_places_it_no_sooner_than_that_near_to_the_touch() -> None:
    world = armed(None)
    world.begin(Kind.PROPHET, BUY, "0.5", price="90", wake="2", back="pull")
    move(world, "95.0")
    assert world.open_orders() == [] and "within 2%" in world.look().why
    move(world, "91.5")
    assert world.only_order().price == D(90)
    move(world, "92.0")  # 2.2 percent: not far enough to pull it again
    assert world.only_order().price == D(90)
    world.step(200)
    move(world, "95.0")
    until(world, lambda: not world.open_orders(), most_ms=2_000)
    move(world, "91.0")
    until(world, lambda: len(world.open_orders()) == 1)
    assert len(world.engine.oms.orders) == 2


@pytest.mark.parametrize(("back", "left"), [("stay", 1), ("pull", 0)])
def test_out_of_range_again_it_stays_or_is_pulled_as_was_said(back: str, left: int) -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="85", back=back)
    move(world, "93.5")
    world.step(200)
    assert len(world.open_orders()) == 1
    for _ in range(5):  # trembling at the edge: no coming and going
        move(world, "96.0")
        move(world, "93.5")
    assert len(world.engine.oms.orders) == 1
    move(world, "96.0")
    world.step(1_500)
    assert len(world.open_orders()) == left
    assert world.look().status is ParentStatus.RUNNING


def test_a_partly_filled_order_is_not_pulled_and_fills_to_the_end() -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="85", back="pull")
    move(world, "93.5")
    world.step(200)
    move(world, "85.0")
    world.trade(SELL, "85.0", "0.2")
    world.step(200)
    assert D(0) < world.look().filled < D("0.5")
    move(world, "96.0")
    world.step(200)
    assert len(world.open_orders()) == 1
    move(world, "85.0")
    world.trade(SELL, "84.5", "9")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    assert (world.position(), world.look().filled) == (D("0.5"), D("0.5"))


def test_a_jump_through_the_price_takes_there_within_the_limit_and_never_beyond() -> None:
    world = ParentsWorld(listed=replace(instrument(PERP), band=TEN))
    world.begin(Kind.PROPHET, BUY, "0.5", price="80")
    move(world, "70.0")
    until(world, lambda: world.look().status is ParentStatus.DONE)
    (fill,) = world.fills()
    assert fill.price == D("70.5")
    (order,) = world.engine.oms.orders.values()
    assert order.price == D("71")  # our own collar of one percent through the touch, inside the limit of 80


def test_a_post_only_one_waits_until_it_would_rest() -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="80", post="on")
    move(world, "79.0")
    assert world.open_orders() == [] and "post-only waits" in world.look().why
    move(world, "82.0")
    assert world.only_order().post_only
    assert world.taken() == 0


# ---------------------------------------------------------------------- at the edge


def test_refused_at_the_edge_it_learns_backs_off_and_is_placed_in_the_end() -> None:
    world = armed()
    venue = Venue(world, "0.95")  # the venue takes less than its rule says
    world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    move(world, "93.5")
    assert len(venue.asked) == 1
    assert "refused at the edge 1 times" in world.look().why
    world.step(10_000)
    in_ten_seconds = len(venue.asked)
    assert 2 <= in_ten_seconds <= 7  # 250 ms, doubled each time
    for tenths in range(939, 890, -1):
        move(world, str(D(tenths // 5 * 5) / 10 // D("0.5") * D("0.5")))
    world.step(2_000)
    assert world.only_order().status is OrderStatus.NEW
    assert world.look().status is ParentStatus.RUNNING
    assert len(venue.asked) - in_ten_seconds < 15


def test_refusals_at_the_edge_never_end_it_however_many() -> None:
    world = armed(None)
    venue = Venue(world, "0.95")
    world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    world.step(1_200_000)
    assert world.look().status is ParentStatus.RUNNING
    assert 15 < len(venue.asked) < 40
    later = [after[0] - before[0] for before, after in zip(venue.asked[-3:], venue.asked[-2:], strict=False)]
    assert all(gap <= 61 * 10**9 for gap in later)


def test_other_refusals_count_as_for_every_parent() -> None:
    world = armed(None)
    venue = Venue(world, "2", "Margin is insufficient.", "-2019")
    world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    until(world, lambda: world.look().status is ParentStatus.PAUSED, most_ms=200_000)
    assert len(venue.asked) == 20
    assert "Margin is insufficient" in world.look().why


@given(
    steps=st.lists(st.integers(-4, 4), min_size=5, max_size=40),
    edge=st.integers(90, 99),
    side=st.sampled_from(Side),
    rule=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_at_any_edge_it_asks_rarely_keeps_its_limit_and_stands_when_it_may(
    steps: list[int], edge: int, side: Side, rule: bool
) -> None:
    world = armed(TEN if rule else None)
    share = D(edge) / 100
    venue = Venue(world, str(share) if side is BUY else "0")
    price = D("92") if side is BUY else D("108.5")
    world.begin(Kind.PROPHET, side, "0.3", price=str(price))
    bid = D(100)
    for step in steps:
        bid = max(D(93), min(D(107), bid + D(step) / 2))
        move(world, str(bid))
        assert len(world.open_orders()) <= 1
    per_second: dict[int, int] = {}
    for at, asked in venue.asked:
        per_second[at // 10**9] = per_second.get(at // 10**9, 0) + 1
        assert (asked - price) * side.sign <= 0
    assert all(count <= 10 for count in per_second.values())
    move(world, "92.5" if side is BUY else "107.5")
    world.step(61_000)
    assert len(world.open_orders()) == 1 or world.look().filled == D("0.3")


@pytest.mark.parametrize("kind", MarketKind)
@pytest.mark.parametrize("venue", VENUES)
def test_every_venues_refusals_at_its_band_are_understood_and_no_others(venue: str, kind: MarketKind) -> None:
    table = refusals_of(venue, kind)
    for answer in (table.price_too_high, table.price_too_low):
        assert is_band_refusal(venue, f"{answer.reason} [{answer.code}]")
    for answer in (table.post_only_crosses, table.no_funds, table.reduce_only, table.position_too_large):
        assert not is_band_refusal(venue, f"{answer.reason} [{answer.code}]"), answer


# ---------------------------------------------------------------------- steering, ends, restart


def test_its_time_ends_it_whether_armed_placed_paused_or_without_a_book() -> None:
    for state in ("armed", "placed", "paused", "lost"):
        world = armed()
        number = world.begin(Kind.PROPHET, BUY, "0.5", price="85", ttl="30s")
        if state != "armed":
            move(world, "93.5")
            world.step(200)
        if state == "paused":
            world.steer(number, Action.PAUSE)
        if state == "lost":
            world.lose_book()
        world.step(20_000)
        assert world.look().status.is_open, state
        world.step(11_000)
        assert world.look().status is ParentStatus.FAILED, state
        assert world.open_orders() == [], state
        assert "is up" in world.told()[-1]


def test_paused_it_places_nothing_and_leaves_what_is_placed() -> None:
    world = armed()
    number = world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    world.steer(number, Action.PAUSE)
    move(world, "93.5")
    assert world.open_orders() == []
    world.steer(number, Action.RESUME)
    assert len(world.open_orders()) == 1
    world.step(200)
    world.steer(number, Action.PAUSE)
    move(world, "99.0")
    world.step(500)
    assert len(world.open_orders()) == 1


def test_without_a_believed_book_nothing_is_placed_and_it_goes_on_after() -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    world.lose_book()
    world.step(500)
    world.find_book("93.5", "94.0")
    world.step(100)
    assert world.only_order().price == D(85)
    world.step(200)
    world.lose_book()
    world.step(500)
    assert len(world.open_orders()) == 1


def test_an_edited_price_moves_a_placed_order_or_arms_it_again() -> None:
    world = armed()
    number = world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    move(world, "93.5")
    world.step(200)
    assert world.steer(number, Action.EDIT, price="90") == ""
    until(world, lambda: [order.price for order in world.open_orders()] == [D(90)])
    world.step(200)
    assert world.steer(number, Action.EDIT, price="60") == ""
    until(world, lambda: world.open_orders() == [])
    assert "armed" in world.look().why
    assert "is through the market" in world.steer(number, Action.EDIT, price="97")


def test_a_cancel_that_races_with_a_fill_counts_the_fill() -> None:
    world = armed()
    number = world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    move(world, "93.5")
    world.step(200)
    world.steer(number, Action.CANCEL)
    world.book("84.0", "84.5")
    world.step(200)
    picture = world.look()
    assert not picture.status.is_open
    assert picture.filled == world.position() == sum((fill.quantity for fill in world.fills()), D(0))


def test_several_on_one_instrument_wait_each_for_its_own_price() -> None:
    world = armed()
    for price in ("85", "80", "75"):
        world.begin(Kind.PROPHET, BUY, "0.1", price=price)
    world.begin(Kind.PROPHET, SELL, "0.1", price="115")
    move(world, "93.5")
    move(world, "88.0")
    world.step(200)
    assert sorted(order.price or D(0) for order in world.open_orders()) == [D(80), D(85)]
    move(world, "105.0")
    world.step(200)
    assert [order.price for order in world.open_orders() if order.side is SELL] == [D(115)]


@pytest.mark.parametrize("placed", [False, True])
def test_after_a_restart_it_waits_armed_or_placed_as_it_was(placed: bool) -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="85")
    if placed:
        move(world, "93.5")
        world.step(300)
    after = restarted(world, len(world.journal.records), RestartPolicy.RESUME)
    after.step(300)
    assert len(after.open_orders()) == int(placed)
    after.book("93.5", "94.0")
    after.step(300)
    assert [order.price for order in after.open_orders()] == [D(85)]
    assert len(after.engine.oms.orders) == 1


# ---------------------------------------------------------------------- before it is sent


@pytest.mark.parametrize(
    ("side", "quantity", "values", "words"),
    [
        (BUY, "0.5", {"price": "101"}, "is through the market (100.5)"),
        (SELL, "0.5", {"price": "99"}, "is through the market (100)"),
        (BUY, "0.5", {"price": "80.3"}, "is not a multiple of the tick"),
        (BUY, "0.5", {}, "price is missing"),
        (BUY, "0.0005", {"price": "80"}, "is not a multiple of lot"),
        (BUY, "0.5", {"price": "80", "ttl": "100d"}, "ttl"),
        (BUY, "2000", {"price": "80"}, "above the venue's maximum"),
    ],
)
def test_what_cannot_be_started_is_said_in_one_line(
    side: Side, quantity: str, values: dict[str, str], words: str
) -> None:
    world = ParentsWorld(listed=replace(instrument(PERP), band=TEN, max_qty=D(1000)))
    problem = world.start(Kind.PROPHET, side, quantity, **values).problem
    assert words in problem and "\n" not in problem
    assert world.parents.pictures() == []


def test_asleep_it_costs_no_look_until_prices_have_come_near() -> None:
    world = armed()
    world.begin(Kind.PROPHET, BUY, "0.5", price="50")
    parent = next(iter(world.parents._open.values()))
    looks: list[int] = []
    decide = parent.algorithm.decide

    def counted(*given: object) -> object:
        looks.append(1)
        return decide(*given)

    parent.algorithm.decide = counted
    try:
        for tick in range(200):
            world.book(str(D(100) - D(tick % 3) / 2), str(D("100.5") - D(tick % 3) / 2))
        assert looks == []
        move(world, "60.0")
        assert looks
        assert world.open_orders() == []
        move(world, "54.0")
        assert world.only_order().price == D(50)
    finally:
        del parent.algorithm.decide


@pytest.mark.parametrize("line", ["prophet buy 0.2 @ 42000", "pr buy 0.2 @42000", "prophet buy 0.2 price=42000"])
def test_its_price_is_said_as_in_any_order(line: str) -> None:
    (command,) = parse(line, SYMBOLS)
    assert isinstance(command, StartParent)
    assert (command.kind, command.values) == (Kind.PROPHET, (("price", "42000"),))
    assert parse(explain(command), SYMBOLS) == [command]
