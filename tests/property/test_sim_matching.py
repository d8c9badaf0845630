"""The matching engine against a naive reference, and its invariants under random orders from several accounts."""

from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.model.enums import OrderStatus, Side, TimeInForce
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import BookOrder, Execution, Reason, SelfTrade

PRICES = st.integers(95, 105)
QUANTITIES = st.integers(1, 12)
LIVES = st.sampled_from([TimeInForce.GTC] * 4 + [TimeInForce.IOC, TimeInForce.FOK])
RARELY = st.sampled_from([False, False, False, True])


class Tape:
    """Records what a listener hears and rebuilds the book from level changes alone."""

    def __init__(self, engine: MatchingEngine) -> None:
        self.executions: list[Execution] = []
        self.update_ids: list[int] = []
        self.book: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}
        self.told: list[tuple[int, OrderStatus]] = []
        engine.listen(self)

    def on_execution(self, execution: Execution) -> None:
        self.executions.append(execution)

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        self.update_ids.append(update_id)
        if quantity:
            self.book[side][price] = quantity
        else:
            del self.book[side][price]  # a level that was never announced must not be taken away

    def on_order(self, order: BookOrder, now: int) -> None:
        self.told.append((order.order_id, order.status))


@dataclass
class Reference:
    """Price-time priority the slow way: one list, sorted anew for every order."""

    resting: list[list[int]] = field(default_factory=list)  # [id, sign, price, remaining, arrival]
    trades: list[tuple[int, int, int, int]] = field(default_factory=list)  # maker, taker, price, quantity
    arrivals: int = 0

    def opposite(self, sign: int, limit: int | None) -> list[list[int]]:
        found = [o for o in self.resting if o[1] == -sign and (limit is None or sign * (limit - o[2]) >= 0)]
        return sorted(found, key=lambda o: (sign * o[2], o[4]))

    def submit(self, order_id: int, sign: int, price: int | None, quantity: int, tif: TimeInForce, post: bool) -> None:
        makers = self.opposite(sign, price)
        if post and (makers or price is None):
            return
        if tif is TimeInForce.FOK and sum(o[3] for o in makers) < quantity:
            return
        for maker in makers:
            traded = min(maker[3], quantity)
            if not traded:
                break
            self.trades.append((maker[0], order_id, maker[2], traded))
            maker[3] -= traded
            quantity -= traded
        self.resting = [o for o in self.resting if o[3]]
        if quantity and price is not None and tif is TimeInForce.GTC:
            self.arrivals += 1
            self.resting.append([order_id, sign, price, quantity, self.arrivals])

    def cancel(self, order_id: int) -> None:
        self.resting = [o for o in self.resting if o[0] != order_id]

    def amend(self, order_id: int, price: int, remaining: int, post: bool) -> None:
        order = next(o for o in self.resting if o[0] == order_id)
        if price == order[2] and remaining <= order[3]:
            order[3] = remaining
            return
        self.cancel(order_id)
        self.submit(order_id, order[1], price, remaining, TimeInForce.GTC, post)

    def levels(self, sign: int) -> list[tuple[int, int]]:
        sizes: dict[int, int] = defaultdict(int)
        for order in self.resting:
            if order[1] == sign:
                sizes[order[2]] += order[3]
        return sorted(sizes.items(), key=lambda level: -sign * level[0])


submits = st.tuples(
    st.just("submit"),
    st.sampled_from(Side),
    st.one_of(PRICES, PRICES, PRICES, st.none()),
    QUANTITIES,
    LIVES,
    RARELY,
)
picks = st.integers(0, 1000)
steps = st.lists(
    st.one_of(
        submits,
        submits,
        submits,
        st.tuples(st.just("cancel"), picks),
        st.tuples(st.just("amend"), picks, st.integers(-2, 2), QUANTITIES),
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=250, deadline=None)
@given(steps)
def test_engine_agrees_with_a_naive_reference_and_its_deltas_rebuild_the_book(script: list[tuple]) -> None:
    engine, reference = MatchingEngine(), Reference()
    tape = Tape(engine)
    next_id = 1
    for now, (verb, *rest) in enumerate(script):
        if verb == "submit":
            side, price, quantity, tif, post = rest
            order = engine.submit(side, quantity, price, now=now, tif=tif, post_only=post)
            reference.submit(next_id, side.sign, price, quantity, tif, post)
            assert order.order_id == next_id
            next_id += 1
            if tif is TimeInForce.FOK:
                assert order.filled in (0, quantity)
            if post:
                assert order.filled == 0
        elif reference.resting:
            order_id = reference.resting[rest[0] % len(reference.resting)][0]
            resting = engine.order(order_id)
            assert resting is not None
            if verb == "cancel":
                engine.cancel(order_id, now=now)
                reference.cancel(order_id)
            else:
                price, post, remaining = resting.price + rest[1], resting.post_only, rest[2]
                engine.amend(order_id, now=now, price=price, quantity=resting.filled + remaining)
                reference.amend(order_id, price, remaining, post)
        assert engine.depth(Side.BUY) == reference.levels(1)
        assert engine.depth(Side.SELL) == reference.levels(-1)
        bid, ask = engine.best_bid, engine.best_ask
        assert bid is None or ask is None or bid < ask
    traded = [(e.maker_order_id, e.taker_order_id, e.price, e.quantity) for e in tape.executions]
    assert traded == reference.trades
    assert [e.trade_id for e in tape.executions] == list(range(1, len(traded) + 1))
    assert tape.update_ids == list(range(1, len(tape.update_ids) + 1))
    assert engine.last_update_id == len(tape.update_ids)
    for side in Side:
        assert tape.book[side] == dict(engine.depth(side))
        assert engine.orders_on(side) == sum(1 for o in reference.resting if o[1] == side.sign)
    assert tape.told == []  # the crowd's orders concern nobody


account_orders = st.tuples(
    st.integers(1, 3),
    st.sampled_from(Side),
    st.one_of(PRICES, PRICES, PRICES, st.none()),
    QUANTITIES,
    LIVES,
    RARELY,
    st.sampled_from(SelfTrade),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(account_orders, min_size=20, max_size=50))
def test_accounts_keep_their_positions_their_self_trade_rules_and_reduce_only(orders: list[tuple]) -> None:
    engine = MatchingEngine()
    tape = Tape(engine)
    modes: dict[int, SelfTrade] = {}
    reducing: dict[int, Side] = {}
    for now, (account, side, price, quantity, tif, reduce_only, mode) in enumerate(orders):
        before = dict(engine.positions)
        seen = len(tape.executions)
        order = engine.submit(
            side, quantity, price, now=now, tif=tif, account=account, reduce_only=reduce_only, self_trade=mode
        )
        modes[order.order_id] = mode
        if reduce_only:
            reducing[order.order_id] = side
        assert not (reduce_only and order.filled > max(0, -side.sign * before.get(account, 0)))
        if tif is TimeInForce.FOK and order.status is not OrderStatus.REJECTED:
            assert order.filled in (0, order.quantity)
        check_fills(tape.executions[seen:], before, reducing, modes)
        assert before == engine.positions
        assert sum(engine.positions.values()) == 0
        for holder in (1, 2, 3):
            for way in Side:
                open_reducing = sum(o.remaining for o in engine.open_orders(holder) if o.reduce_only and o.side is way)
                assert open_reducing <= max(0, -way.sign * engine.positions.get(holder, 0))
        for way in Side:
            for level_price, size in engine.depth(way):
                assert size == sum(o.remaining for o in engine.queue_at(way, level_price)) > 0


def check_fills(
    fills: list[Execution], positions: dict[int, int], reducing: dict[int, Side], modes: dict[int, SelfTrade]
) -> None:
    """Apply fills one by one to ``positions``; a reduce-only order may bring a position to zero but not beyond."""
    for fill in fills:
        assert fill.maker_account != fill.taker_account or modes[fill.taker_order_id] is SelfTrade.NONE
        maker_side = Side.BUY if fill.buyer_is_maker else Side.SELL
        for order_id, account, side in (
            (fill.maker_order_id, fill.maker_account, maker_side),
            (fill.taker_order_id, fill.taker_account, maker_side.opposite),
        ):
            if order_id in reducing and fill.maker_account != fill.taker_account:
                assert fill.quantity <= -side.sign * positions.get(account, 0)
            positions[account] = positions.get(account, 0) + side.sign * fill.quantity


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(PRICES, QUANTITIES), min_size=1, max_size=12), st.integers(1, 80), PRICES)
def test_fill_or_kill_fills_whole_exactly_when_there_is_enough(asks: list[tuple], wanted: int, limit: int) -> None:
    engine = MatchingEngine()
    for price, quantity in asks:
        engine.submit(Side.SELL, quantity, price, now=0)
    there = sum(quantity for price, quantity in asks if price <= limit)
    before = engine.depth(Side.SELL)
    order = engine.submit(Side.BUY, wanted, limit, now=1, tif=TimeInForce.FOK)
    if wanted <= there:
        assert (order.status, order.filled) == (OrderStatus.FILLED, wanted)
    else:
        assert (order.status, order.reason, order.filled) == (OrderStatus.EXPIRED, Reason.FOK, 0)
        assert engine.depth(Side.SELL) == before
