"""Stops on paper under random markets: never early, never twice, never lost, the same twice."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.model.enums import BookState, OrderType, Side, TriggerBy
from jackbot_tui.model.orders import OrderFilled, OrderRequest, OrderTriggered, trigger_reached
from tests.paper_world import Market, World

Move = tuple[str, int, int]

moves = st.lists(
    st.tuples(st.sampled_from(["trade", "trade", "mark", "book", "gap", "wait", "cancel", "restart"]),
              st.integers(960, 1040), st.integers(1, 40)),
    min_size=5, max_size=60,
)  # fmt: skip
stops = st.lists(
    st.tuples(st.sampled_from(list(Side)), st.integers(965, 1035), st.sampled_from(list(TriggerBy)), st.booleans(),
              st.sampled_from([None, 0, 4, -4])),
    min_size=1, max_size=6,
)  # fmt: skip


class StopWorld(World):
    """Remembers every price that could have woken an order, with the time at which it was heard."""

    def __init__(self, latency_ms: int) -> None:
        super().__init__(latency_ms=latency_ms, jitter_ms=latency_ms)
        self.market.last_book_ns = self.now
        self.set_book(1000)

    def set_book(self, middle: int) -> None:
        tick = Decimal("0.1")
        bids = [(float((middle - 1 - step) * tick), 500.0) for step in range(5)]
        asks = [(float((middle + 1 + step) * tick), 500.0) for step in range(5)]
        self.book(bids, asks)

    def stop(self, side: Side, trigger: int, by: TriggerBy, take_profit: bool, offset: int | None) -> str:
        self._number += 1
        request = OrderRequest(
            key=self.market.key,
            side=side,
            quantity=Decimal(1),
            type=OrderType.MARKET if offset is None else OrderType.LIMIT,
            price=None if offset is None else Decimal(trigger + offset) / 10,
            trigger_price=Decimal(trigger) / 10,
            trigger_by=by,
            take_profit=take_profit,
        )
        order = self.oms.create(request, self._number, f"o{self._number}", self.now)
        self.sent[order.client_id] = order
        self.hear(self.paper.submit(order, self.now))
        return order.client_id

    def restart(self) -> None:
        """The process dies and comes back: the venue on paper knows what the journal knew."""
        before, other = self.oms, World(self.market, config=None)
        self.paper = other.paper
        orders = before.open_orders()
        new = [order for order in orders if order.status.value == "pending_new"]
        for order in new:
            self.hear(list(self.paper.reconcile(order, self.now)))
        self.hear(list(self.paper.restore([order for order in orders if order not in new], self.now)))
        self.paper.load(self.portfolio.positions)


def play(latency_ms: int, wanted: list[tuple[Side, int, TriggerBy, bool, int | None]], script: list[Move]) -> StopWorld:
    world = StopWorld(latency_ms)
    world.trade("buy", 100.0, "0.001")
    world.mark(100.0)
    for each in wanted:
        world.stop(*each)
    for what, level, number in script:
        act(world, what, level, number)
    world.market.become(BookState.LIVE)
    world.wait(1000)
    world.set_book(1000)
    world.wait(1000)
    return world


def act(world: StopWorld, what: str, level: int, number: int) -> None:
    match what:
        case "trade":
            world.trade("buy", level / 10, "0.001")
        case "mark":
            world.mark(level / 10)
        case "book":
            world.market.become(BookState.LIVE)
            world.set_book(level)
        case "gap":
            world.market.become(BookState.SYNCING)
        case "wait":
            world.wait(number)
        case "restart":
            world.restart()
        case _:
            orders = world.oms.open_orders()
            if orders:
                world.cancel(orders[number % len(orders)].client_id)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0, 7]), stops, moves)
def test_a_stop_is_woken_once_by_a_price_that_reaches_it_and_then_ends_or_rests(
    latency_ms: int, wanted: list[tuple[Side, int, TriggerBy, bool, int | None]], script: list[Move]
) -> None:
    world = play(latency_ms, wanted, script)
    for client_id, sent in world.sent.items():
        order = world.order(client_id)
        assert sent.trigger_price is not None
        woken = [event for event in world.log if isinstance(event, OrderTriggered) and event.client_id == client_id]
        fills = [event for event in world.log if isinstance(event, OrderFilled) and event.client_id == client_id]
        assert sum((fill.quantity for fill in fills), Decimal(0)) <= sent.quantity
        restarts = sum(1 for what, _, _ in script if what == "restart")
        assert len(woken) <= 1 + restarts  # an answer under way dies with the process, and its trigger comes again
        for event in woken:
            assert trigger_reached(sent.side, sent.take_profit, sent.trigger_price, event.price)
        if fills:
            assert order.triggered_ns
        if order.is_open:
            assert order.is_waiting or sent.type is OrderType.LIMIT


@settings(max_examples=60, deadline=None)
@given(stops, moves)
def test_no_reaching_price_is_missed_and_none_acts_early(
    wanted: list[tuple[Side, int, TriggerBy, bool, int | None]], script: list[Move]
) -> None:
    """Without latency what must have happened to each stop follows from the prices alone, gaps and restarts or not."""
    script = [move for move in script if move[0] != "cancel"]
    world = StopWorld(0)
    world.trade("buy", 100.0, "0.001")
    world.mark(100.0)
    ids = [(world.stop(*each), each) for each in wanted]
    waiting = {client_id: each for client_id, each in ids if world.order(client_id).is_open}
    for client_id, (side, trigger, _, take_profit, _) in ids:
        reached = trigger_reached(side, take_profit, Decimal(trigger), Decimal(1000))
        assert (world.status(client_id) == "rejected") is reached
    for what, level, number in script:
        act(world, what, level, number)
        for client_id, (side, trigger, by, take_profit, _) in list(waiting.items()):
            speaks = what == "trade" if by is TriggerBy.LAST else what == "mark"
            if speaks and trigger_reached(side, take_profit, Decimal(trigger), Decimal(level)):
                assert world.order(client_id).triggered_ns
                del waiting[client_id]
            else:
                assert not world.order(client_id).triggered_ns
    world.market.become(BookState.LIVE)
    world.set_book(1000)
    for client_id, (*_, offset) in ids:
        order = world.order(client_id)
        if order.triggered_ns and offset is None:
            assert not order.is_open  # nothing that was woken is left behind


@settings(max_examples=25, deadline=None)
@given(stops, moves)
def test_the_same_seed_tells_the_same_story(
    wanted: list[tuple[Side, int, TriggerBy, bool, int | None]], script: list[Move]
) -> None:
    assert play(7, wanted, script).log == play(7, wanted, script).log


def test_a_trade_of_before_its_arrival_does_not_wake_a_stop() -> None:
    world = StopWorld(0)
    world.trade("buy", 100.0, "1", made_ns=500)
    stop = world.stop(Side.SELL, 990, TriggerBy.LAST, False, None)
    world.trade("sell", 98.0, "1", made_ns=400)
    assert world.order(stop).is_waiting
    world.trade("sell", 98.0, "1", made_ns=600)
    assert world.order(stop).triggered_ns


def test_a_liquidation_ends_the_stops_of_its_instrument() -> None:
    world = World(Market(), leverage=100, balances={"USDT": Decimal(500)})
    world.market.last_book_ns = world.now
    world.book([(99.9, 5000.0)], [(100.0, 5000.0)])
    world.mark(100.0)
    world.send("buy", "300")
    assert world.portfolio.position(world.market.key).quantity == 300
    request = OrderRequest(
        key=world.market.key, side=Side.SELL, quantity=Decimal(300), type=OrderType.MARKET, reduce_only=True,
        trigger_price=Decimal(98), trigger_by=TriggerBy.MARK,
    )  # fmt: skip
    order = world.oms.create(request, 99, "stop", world.now)
    world.hear(world.paper.submit(order, world.now))
    world.book([(96.9, 5000.0)], [(97.0, 5000.0)])
    world.mark(97.0)
    assert world.liquidations
    assert world.status("stop") == "canceled"
    assert "liquidation" in world.order("stop").reason
