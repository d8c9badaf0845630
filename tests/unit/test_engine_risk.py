"""What the gate is told by the engine: orders on their way, amends not yet answered, marks that stopped coming."""

from decimal import Decimal

import pytest

from jackbot_tui.book.market import MARK_LIFE_NS
from jackbot_tui.engine.core import Engine
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import NS_PER_MS, ManualClock
from jackbot_tui.model.enums import Mode, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.refusal import RefusalCode
from tests.desk_world import PERP, SPOT, START_NS, HeldJournal, Markets, instrument

FLAGS = {"owner": "test", "source": "test"}


class World:
    """An engine with a perpetual and a spot instrument at 100.0 / 100.5 and 20 ms each way; owns 10 ETH of its own."""

    def __init__(self, **limits: object) -> None:
        self.clock = ManualClock(START_NS)
        self.markets = Markets(self.clock)
        self.journal = HeldJournal()
        coins = {"USDT": Decimal(1_000_000), "ETH": Decimal(10)}
        paper = PaperConfig(start_balances=coins, spot_fees="0/0")  # fees in base units would leave dust everywhere
        self.engine = Engine(
            clock=self.clock,
            mode=Mode.PAPER,
            venue="binance",
            data=self.markets,  # type: ignore[arg-type]
            executor=PaperExecutor(self.markets.markets, paper, 1, trade_id_prefix="t-"),
            oms=Oms(strict=True),
            portfolio=Portfolio(paper.start_balances),
            gate=RiskGate(RiskLimits(**{"max_orders_per_s": 0, **limits})),  # type: ignore[arg-type]
            journal=self.journal,
            seed=1,
            version="test",
        )
        self.engine.start(None, [])
        for key in (PERP, SPOT):
            self.engine.add_instrument(self.engine.executor.terms(instrument(key)))
            self.book(key, 100.0)

    def book(self, key: str, bid: float) -> None:
        self.markets.book(key, [(bid, 10.0), (bid - 0.5, 10.0)], [(bid + 0.5, 10.0), (bid + 1, 10.0)])

    def wait(self, ms: int = 100) -> None:
        end = self.clock.now_ns() + ms * NS_PER_MS
        while self.clock.now_ns() < end:
            self.clock.advance(NS_PER_MS)
            self.engine.advance(self.clock.now_ns())
        for market in self.markets.markets.values():
            market.last_book_ns = self.clock.now_ns()

    def limit(self, side: Side, quantity: str, price: str, key: str = PERP) -> str:
        """A working order; its client id."""
        submitted = self.engine.submit(
            OrderRequest(key=key, side=side, quantity=Decimal(quantity), price=Decimal(price), **FLAGS)
        )
        assert submitted.order is not None, submitted.refusal
        return submitted.order.client_id

    def market(self, side: Side, quantity: str, key: str = PERP, tag: str = "") -> str:
        """Send a market order; the refusal's code, "" when it went."""
        request = OrderRequest(
            key=key,
            side=side,
            quantity=Decimal(quantity),
            type=OrderType.MARKET,
            tif=TimeInForce.IOC,
            tag=tag,
            **FLAGS,
        )
        refusal = self.engine.submit(request).refusal
        return "" if refusal is None else refusal.code.value

    def amend(self, client_id: str, *, price: str | None = None, quantity: str | None = None) -> str:
        asked = self.engine.amend(
            client_id,
            None if price is None else Decimal(price),
            None if quantity is None else Decimal(quantity),
            "test",
        )
        return "" if asked.refusal is None else asked.refusal.code.value

    def held(self, key: str = PERP) -> Decimal:
        return self.engine.portfolio.position(key).quantity


# ---------------------------------------------------------------------------- spot is not sold twice


def test_closing_a_spot_position_twice_in_a_row_sells_it_once() -> None:
    world = World()
    world.market(Side.BUY, "2", SPOT)
    world.wait()
    assert world.market(Side.SELL, "2", SPOT, tag="close") == ""
    assert world.market(Side.SELL, "2", SPOT, tag="close") == RefusalCode.REDUCE_ONLY
    world.wait()
    assert world.held(SPOT) == 0


def test_spot_sells_under_the_kill_switch_never_exceed_the_position() -> None:
    world = World()
    world.market(Side.BUY, "2", SPOT)
    world.wait()
    world.engine.kill("test")
    codes = [world.market(Side.SELL, "0.5", SPOT) for _ in range(8)]
    world.wait()
    assert codes == [""] * 4 + [RefusalCode.KILLED] * 4
    assert world.held(SPOT) == 0


def test_a_spot_position_with_its_exit_working_is_flattened_once() -> None:
    world = World()
    world.market(Side.BUY, "2", SPOT)
    world.wait()
    world.limit(Side.SELL, "2", "101", SPOT)
    world.wait()
    world.engine.flatten(SPOT, "test")
    world.wait(10)
    world.engine.kill("test", flatten=True)
    world.wait(300)
    assert world.held(SPOT) == 0
    assert not world.engine.oms.open_orders()


def test_a_flatten_makes_good_an_exit_that_filled_while_its_cancel_travelled() -> None:
    world = World()
    world.market(Side.BUY, "2", SPOT)
    world.wait()
    world.limit(Side.SELL, "2", "101", SPOT)
    world.wait()
    world.engine.kill("test", flatten=True)
    world.wait(10)
    world.markets.trade(SPOT, Side.BUY, "102", "9")
    world.wait(400)
    assert world.held(SPOT) == 0


def test_what_was_sold_of_own_coins_is_bought_back_by_a_kill_with_flatten() -> None:
    world = World()
    world.market(Side.SELL, "1", SPOT)
    world.wait()
    assert world.held(SPOT) == -1
    world.engine.kill("test", flatten=True)
    world.wait()
    assert world.held(SPOT) == 0


# ---------------------------------------------------------------------------- amends under way


def test_amends_under_way_count_for_the_position_cap() -> None:
    world = World(max_position_notional=Decimal(1000))
    orders = [world.limit(Side.BUY, "0.1", "99") for _ in range(5)]
    world.wait()
    codes = [world.amend(client_id, quantity="5") for client_id in orders]
    assert codes == ["", *[RefusalCode.POSITION] * 4], "0.3 and twice 5 at 99 is more than 1000"
    assert world.market(Side.BUY, "5") == RefusalCode.POSITION
    world.wait()
    exposed = sum(order.remaining * (order.price or 0) for order in world.engine.oms.open_orders())
    assert exposed <= 1000


@pytest.mark.parametrize("answer", ["amended", "rejected", "late", "canceled"])
def test_an_amend_counts_until_it_is_answered(answer: str) -> None:
    world = World(max_position_notional=Decimal(1000))
    order = world.limit(Side.BUY, "1", "99")
    world.wait()
    world.journal.held = answer == "late"
    assert world.amend(order, quantity="9") == ""
    assert world.market(Side.BUY, "1") == RefusalCode.POSITION
    if answer == "rejected":
        world.markets.markets[PERP].sequencer.on_down("connection lost")
        world.wait()
        world.book(PERP, 100.0)
    elif answer == "late":
        world.clock.advance(3_000 * NS_PER_MS)
        world.journal.release()
        world.wait()
    else:
        world.wait()
    if answer == "canceled":
        world.engine.cancel(order, "test")
        world.wait()
    size = {"amended": "9", "canceled": "9"}.get(answer, "1")
    assert world.engine.oms.orders[order].quantity == Decimal(size)
    assert world.market(Side.BUY, "1") == (RefusalCode.POSITION if answer == "amended" else "")


def test_an_amend_overtaken_by_a_cancel_no_longer_counts() -> None:
    world = World(max_position_notional=Decimal(1000))
    order = world.limit(Side.BUY, "1", "99")
    world.wait()
    world.journal.held = True
    assert world.amend(order, quantity="9") == ""
    world.engine.cancel(order, "test")
    world.journal.release()
    world.wait()
    assert world.engine.oms.orders[order].status is OrderStatus.CANCELED
    assert world.market(Side.BUY, "1") == ""


def test_an_amend_that_adds_risk_is_refused_after_the_days_loss() -> None:
    world = World(max_day_loss=Decimal(1))
    order = world.limit(Side.BUY, "0.1", "95")
    world.market(Side.BUY, "1")
    world.wait()
    world.book(PERP, 98.0)
    assert world.amend(order, quantity="0.2") == RefusalCode.DAY_LOSS
    assert world.amend(order, quantity="0.05") == ""


# ---------------------------------------------------------------------------- marks that stopped coming


def test_a_mark_that_stopped_coming_does_not_put_the_days_loss_to_sleep() -> None:
    world = World(max_day_loss=Decimal(10))
    world.markets.mark(PERP, 100.0)
    world.market(Side.BUY, "1")
    world.wait()
    world.clock.advance(MARK_LIFE_NS)
    world.book(PERP, 80.0)
    assert world.engine.mark_of(PERP) == Decimal("80.25")
    assert world.market(Side.BUY, "0.1") == RefusalCode.DAY_LOSS
    world.markets.mark(PERP, 100.0)
    assert world.engine.mark_of(PERP) == 100


def test_without_a_fresh_mark_and_a_live_book_the_last_trade_counts() -> None:
    world = World()
    assert world.engine.mark_of(PERP) == Decimal("100.25")
    world.markets.trade(PERP, Side.BUY, "101", "1")
    world.markets.markets[PERP].sequencer.on_down("connection lost")
    assert world.engine.mark_of(PERP) == 101
    assert world.engine.mark_of("binance:NO/USDT") is None
