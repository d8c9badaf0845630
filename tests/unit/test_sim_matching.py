"""Single rules of the matching engine, one by one."""

import pytest

from jackbot_tui.model.enums import OrderStatus, Side, TimeInForce
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import BookOrder, Execution, Reason, SelfTrade

BUY, SELL = Side.BUY, Side.SELL


class Log:
    def __init__(self, engine: MatchingEngine) -> None:
        self.lines: list[str] = []
        engine.listen(self)

    def on_execution(self, execution: Execution) -> None:
        self.lines.append(f"trade {execution.price}x{execution.quantity}")

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        self.lines.append(f"{update_id} {side} {price}={quantity}")

    def on_order(self, order: BookOrder, now: int) -> None:
        self.lines.append(f"order {order.order_id} {order.status} {order.remaining}")


def book(*orders: tuple[Side, int, int]) -> MatchingEngine:
    """An engine with resting orders (side, price, quantity), ids from 1 on."""
    engine = MatchingEngine()
    for side, price, quantity in orders:
        engine.submit(side, quantity, price, now=0)
    return engine


def test_better_price_first_then_earlier_arrival() -> None:
    engine = book((SELL, 102, 5), (SELL, 101, 5), (SELL, 101, 5), (SELL, 100, 5))
    log = Log(engine)
    taker = engine.submit(BUY, 12, 101, now=1)
    assert taker.status is OrderStatus.FILLED
    assert log.lines == ["trade 100x5", "5 sell 100=0", "trade 101x5", "trade 101x2", "6 sell 101=3"]
    assert [order.order_id for order in engine.queue_at(SELL, 101)] == [3]


@pytest.mark.parametrize(
    ("quantity", "price", "options", "status", "reason", "filled"),
    [
        (5, 100, {}, OrderStatus.PARTIALLY_FILLED, Reason.NONE, 3),
        (5, None, {}, OrderStatus.EXPIRED, Reason.NO_LIQUIDITY, 3),
        (3, None, {}, OrderStatus.FILLED, Reason.NONE, 3),
        (5, 100, {"tif": TimeInForce.IOC}, OrderStatus.EXPIRED, Reason.IOC, 3),
        (5, 100, {"tif": TimeInForce.FOK}, OrderStatus.EXPIRED, Reason.FOK, 0),
        (3, 100, {"tif": TimeInForce.FOK}, OrderStatus.FILLED, Reason.NONE, 3),
        (5, 100, {"post_only": True}, OrderStatus.REJECTED, Reason.POST_ONLY, 0),
        (5, 99, {"post_only": True}, OrderStatus.NEW, Reason.NONE, 0),
        (5, None, {"post_only": True}, OrderStatus.REJECTED, Reason.POST_ONLY, 0),
        (0, 100, {}, OrderStatus.REJECTED, Reason.BAD_QUANTITY, 0),
        (5, 0, {}, OrderStatus.REJECTED, Reason.BAD_PRICE, 0),
        (5, -1, {}, OrderStatus.REJECTED, Reason.BAD_PRICE, 0),
        (5, 100, {"reduce_only": True, "account": 1}, OrderStatus.REJECTED, Reason.REDUCE_ONLY, 0),
    ],
)
def test_fate_of_a_buy_against_three_lots_at_100(
    quantity: int, price: int | None, options: dict, status: OrderStatus, reason: Reason, filled: int
) -> None:
    engine = book((SELL, 100, 3))
    order = engine.submit(BUY, quantity, price, now=1, **options)
    assert (order.status, order.reason, order.filled) == (status, reason, filled)
    assert (engine.order(order.order_id) is order) == (status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED))


@pytest.mark.parametrize(
    ("price", "quantity", "line"),
    [
        (100, 4, [1, 2]),  # less at the same price: keeps its place
        (100, 5, [1, 2]),  # the same: nothing happens
        (100, 6, [2, 1]),  # more: back of the line
        (99, 4, [2]),  # another price
    ],
)
def test_amend_keeps_the_place_in_line_only_when_quantity_goes_down(price: int, quantity: int, line: list[int]) -> None:
    engine = book((BUY, 100, 5), (BUY, 100, 5))
    engine.amend(1, now=1, price=price, quantity=quantity)
    assert [order.order_id for order in engine.queue_at(BUY, 100)] == line
    assert engine.size_at(BUY, price) == quantity + (5 if price == 100 else 0)


def test_amend_may_take_but_a_post_only_order_is_canceled_instead() -> None:
    engine = book((SELL, 101, 5))
    plain = engine.submit(BUY, 2, 99, now=1)
    careful = engine.submit(BUY, 2, 99, now=1, post_only=True)
    assert engine.amend(plain.order_id, now=2, price=101) is plain
    assert (plain.status, engine.size_at(SELL, 101)) == (OrderStatus.FILLED, 3)
    engine.amend(careful.order_id, now=3, price=101)
    assert (careful.status, careful.reason) == (OrderStatus.CANCELED, Reason.POST_ONLY)
    assert engine.size_at(SELL, 101) == 3
    assert engine.size_at(BUY, 99) == 0


def test_amend_below_what_is_filled_ends_the_order() -> None:
    engine = book((BUY, 100, 5))
    engine.submit(SELL, 3, 100, now=1)
    order = engine.amend(1, now=2, quantity=3)
    assert order is not None
    assert (order.status, order.reason, order.filled) == (OrderStatus.CANCELED, Reason.AMENDED_AWAY, 3)
    assert engine.best_bid is None


@pytest.mark.parametrize("change", [{"price": 0}, {"quantity": 0}, {"price": -5}, {"quantity": -5}])
def test_amend_to_nonsense_changes_nothing(change: dict) -> None:
    engine = book((BUY, 100, 5))
    log = Log(engine)
    engine.amend(1, now=1, **change)
    assert engine.depth(BUY) == [(100, 5)]
    assert log.lines == []


def test_unknown_orders_cannot_be_canceled_or_amended() -> None:
    engine = book((BUY, 100, 5))
    assert engine.cancel(9, now=1) is None
    assert engine.amend(9, now=1, price=99) is None
    assert engine.cancel(1, now=1) is not None
    assert engine.cancel(1, now=1) is None


@pytest.mark.parametrize(
    ("mode", "taker_status", "filled", "left"),
    [
        (SelfTrade.NONE, OrderStatus.FILLED, 6, [(100, 4)]),
        (SelfTrade.EXPIRE_TAKER, OrderStatus.EXPIRED, 2, [(100, 8)]),
        (SelfTrade.EXPIRE_MAKER, OrderStatus.FILLED, 6, [(100, 1)]),
        (SelfTrade.EXPIRE_BOTH, OrderStatus.EXPIRED, 2, [(100, 5)]),
    ],
)
def test_self_trade_prevention(
    mode: SelfTrade, taker_status: OrderStatus, filled: int, left: list[tuple[int, int]]
) -> None:
    engine = MatchingEngine()
    for account, quantity in ((2, 2), (1, 3), (2, 5)):
        engine.submit(SELL, quantity, 100, now=0, account=account)
    taker = engine.submit(BUY, 6, 100, now=1, account=1, self_trade=mode)
    assert (taker.status, taker.filled, engine.depth(SELL)) == (taker_status, filled, left)


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        (SelfTrade.EXPIRE_MAKER, OrderStatus.FILLED),  # the own order steps aside and the rest suffices
        (SelfTrade.EXPIRE_TAKER, OrderStatus.EXPIRED),
        (SelfTrade.EXPIRE_BOTH, OrderStatus.EXPIRED),
    ],
)
def test_fill_or_kill_counts_only_what_self_trade_prevention_leaves(mode: SelfTrade, status: OrderStatus) -> None:
    engine = MatchingEngine()
    for account, quantity in ((1, 3), (2, 5)):
        engine.submit(SELL, quantity, 100, now=0, account=account)
    taker = engine.submit(BUY, 5, 100, now=1, account=1, self_trade=mode, tif=TimeInForce.FOK)
    assert (taker.status, taker.filled) == (status, 5 if status is OrderStatus.FILLED else 0)


def test_reduce_only_is_clipped_to_the_position_and_trimmed_when_it_shrinks() -> None:
    engine = book((SELL, 100, 10))
    engine.submit(BUY, 10, 100, now=1, account=1)
    closing = engine.submit(SELL, 15, 105, now=2, account=1, reduce_only=True)
    second = engine.submit(SELL, 10, 106, now=3, account=1, reduce_only=True)
    assert closing.quantity == 10
    assert (second.status, second.reason) == (OrderStatus.EXPIRED, Reason.REDUCE_ONLY)
    engine.submit(BUY, 4, 99, now=4)
    engine.submit(SELL, 4, 99, now=5, account=1)  # closes 4 of 10 by another order
    assert (engine.positions[1], closing.remaining) == (6, 6)
    engine.submit(BUY, 20, 105, now=6)
    assert (engine.positions[1], closing.status) == (0, OrderStatus.FILLED)


def test_an_account_hears_of_its_own_orders_and_the_book_of_every_level_once_per_sweep() -> None:
    engine = book((SELL, 100, 3), (SELL, 100, 3))
    log = Log(engine)
    engine.submit(BUY, 8, 100, now=1, account=7)
    assert log.lines == [
        "order 3 new 8",
        "trade 100x3",
        "order 3 partially_filled 5",
        "trade 100x3",
        "order 3 partially_filled 2",
        "3 sell 100=0",
        "4 buy 100=2",
    ]
