"""The engine core on a hand-made market: order of journal, executor and notices; flatten, kill, funding, restart."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.core import LONGEST_WAIT_NS, Engine
from jackbot_tui.engine.flatten import ATTEMPTS
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.journal.base import Recovered
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, ManualClock
from jackbot_tui.model.enums import Mode, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.market import MarkPrice
from jackbot_tui.model.orders import Order, OrderRequest, Position
from jackbot_tui.model.records import (
    FundingApplied,
    KillSwitch,
    OrderRefused,
    OrderSubmitted,
    Record,
    SessionEnded,
    SessionStarted,
)
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.refusal import RefusalCode
from tests.desk_world import PERP, START_NS, HeldJournal, Markets, instrument

LATENCY = 20 * NS_PER_MS


class World:
    """One engine, one perpetual with a book of 1 @ 100.0 / 1 @ 100.5, time by hand."""

    def __init__(
        self,
        recovered: Recovered | None = None,
        journal: HeldJournal | None = None,
        paper: PaperConfig | None = None,
        follow: bool = True,
    ) -> None:
        self.clock = ManualClock(START_NS)
        self.markets = Markets(self.clock)
        self.journal = HeldJournal() if journal is None else journal
        executor = PaperExecutor(self.markets.markets, paper or PaperConfig(), 1, trade_id_prefix="t-")
        self.engine = Engine(
            clock=self.clock,
            mode=Mode.SIM,
            venue="binance",
            data=self.markets,  # type: ignore[arg-type]
            executor=executor,
            oms=Oms(strict=True),
            portfolio=Portfolio({"USDT": Decimal(100_000)}),
            gate=RiskGate(RiskLimits(max_orders_per_s=100)),
            journal=self.journal,
            seed=1,
            version="test",
        )
        self.engine.start(recovered, ["BTC/USDT:USDT"])
        self.market: InstrumentMarket
        if follow:
            self.follow()

    def follow(self) -> None:
        self.market = self.engine.add_instrument(instrument(PERP))
        self.book([(100.0, 1.0), (99.5, 5.0)], [(100.5, 1.0), (101.0, 5.0)])

    def book(self, bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> None:
        self.markets.book(PERP, bids, asks)

    def wait(self, ns: int = 3 * LATENCY) -> None:
        """Let time go on in steps, as the runtime's timer would."""
        end = self.clock.now_ns() + ns
        while self.clock.now_ns() < end:
            self.clock.set(min(end, self.clock.now_ns() + NS_PER_MS))
            self.engine.advance(self.clock.now_ns())
        self.market.last_book_ns = self.clock.now_ns()

    def records(self, kind: type[Record]) -> list[Record]:
        return [record for _, record in self.journal.records if isinstance(record, kind)]

    def order(self, number: int) -> Order:
        order = self.engine.oms.by_number(number)
        assert order is not None
        return order

    def position(self) -> Decimal:
        return self.engine.portfolio.position(PERP).quantity


def limit(side: Side, quantity: str, price: str, *, post_only: bool = False) -> OrderRequest:
    return OrderRequest(key=PERP, side=side, quantity=Decimal(quantity), price=Decimal(price), post_only=post_only)


def market(side: Side, quantity: str, slip: int = 0) -> OrderRequest:
    return OrderRequest(
        key=PERP,
        side=side,
        quantity=Decimal(quantity),
        type=OrderType.MARKET,
        tif=TimeInForce.IOC,
        limit_slip_ticks=slip,
    )


def test_an_order_leaves_only_when_its_intent_is_durable() -> None:
    world = World()
    world.journal.held = True
    submitted = world.engine.submit(market(Side.BUY, "0.5"))
    world.wait()
    assert submitted.order is not None
    assert world.order(1).status is OrderStatus.PENDING_NEW
    world.journal.release()
    world.wait()
    assert world.order(1).status is OrderStatus.FILLED
    assert world.position() == Decimal("0.5")


def test_a_fill_is_told_only_when_it_is_durable() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.journal.held = True
    world.wait()
    assert not [notice for notice in world.engine.board.ring if notice.kind == "filled"]
    world.journal.release()
    assert [notice.number for notice in world.engine.board.ring if notice.kind == "filled"] == [1]


def test_a_cancel_overtakes_an_order_that_has_not_left() -> None:
    world = World()
    world.journal.held = True
    submitted = world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    assert submitted.order is not None
    assert world.engine.cancel(submitted.order.client_id, "test").problem == ""
    world.journal.release()
    world.wait()
    assert world.order(1).status is OrderStatus.CANCELED
    assert world.engine.executor.queue(submitted.order.client_id) is None


def test_a_cancel_does_not_wait_for_the_disk() -> None:
    world = World()
    submitted = world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    assert submitted.order is not None
    world.wait()
    assert world.order(1).status is OrderStatus.NEW
    world.journal.held = True
    world.engine.cancel(submitted.order.client_id, "test")
    world.wait()
    assert world.order(1).status is OrderStatus.CANCELED


def test_a_refusal_is_journaled_and_nothing_else_happens() -> None:
    world = World()
    submitted = world.engine.submit(limit(Side.BUY, "0.0005", "99.0"))
    assert submitted.order is None and submitted.refusal is not None
    assert len(world.records(OrderRefused)) == 1
    assert not world.records(OrderSubmitted)
    assert not world.engine.oms.orders


def test_a_journal_that_takes_nothing_refuses_the_order() -> None:
    class Full(HeldJournal):
        def append(self, record: Record) -> int:
            if isinstance(record, OrderSubmitted):
                raise JournalError("no space")
            return super().append(record)

    world = World(journal=Full())
    submitted = world.engine.submit(market(Side.BUY, "0.5"))
    assert submitted.refusal is not None and submitted.refusal.code is RefusalCode.ENGINE_UNHEALTHY
    assert not world.engine.oms.open_orders()
    world.wait()
    assert world.position() == 0


def test_a_bounded_market_order_is_checked_and_sent_as_an_ioc_limit() -> None:
    world = World()
    submitted = world.engine.submit(market(Side.BUY, "3", slip=0))
    assert submitted.order is not None and submitted.order.price is None
    bounded = world.engine.submit(market(Side.SELL, "2", slip=1))
    assert bounded.order is not None
    assert (bounded.order.price, bounded.order.tif) == (Decimal("99.5"), TimeInForce.IOC)


def test_numbers_are_never_used_twice_across_sessions() -> None:
    world = World(recovered=Recovered(next_number=42))
    submitted = world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    assert submitted.order is not None and submitted.order.number == 42


def test_flatten_cancels_and_closes_at_market() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    world.wait()
    world.engine.flatten(PERP, "test")
    world.wait()
    assert world.position() == 0
    assert not world.engine.oms.open_orders()


def test_flatten_also_closes_a_fill_that_raced_with_its_cancel() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.engine.submit(limit(Side.BUY, "0.25", "100.0"))
    world.wait()
    world.engine.flatten(PERP, "test")
    world.markets.trade(PERP, Side.SELL, "100.0", "2.0")  # fills the resting bid before the cancel arrives
    for _ in range(4):
        world.wait()
    assert world.order(2).status is OrderStatus.FILLED
    assert world.position() == 0
    assert not world.engine.oms.open_orders()


def test_flatten_gives_up_aloud_when_nothing_can_be_closed() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.wait()
    world.book([], [(100.5, 1.0)])
    world.engine.flatten(PERP, "test")
    for _ in range(3 * ATTEMPTS):
        world.wait()
    closing = [record for record in world.records(OrderSubmitted) if record.order.tag == "flatten"]  # type: ignore[union-attr]
    assert 1 <= len(closing) <= ATTEMPTS
    assert any("left" in notice.text and notice.level == "bad" for notice in world.engine.board.ring)


def test_flatten_splits_what_is_larger_than_one_market_order_may_be() -> None:
    world = World()
    world.market.instrument = replace(world.market.instrument, market_max_qty=Decimal("0.2"))
    for size in ("0.15", "0.16", "0.17"):
        world.engine.submit(market(Side.BUY, size))
        world.wait()
    world.engine.flatten(PERP, "test")
    for _ in range(6):
        world.wait()
    assert world.position() == 0


def test_reverse_turns_the_position_around() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.wait()
    assert world.engine.reverse(PERP, "test") is not None
    world.wait()
    assert world.position() == Decimal("-0.5")


def test_kill_cancels_everything_and_locks_until_reset() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    world.wait()
    report = world.engine.kill("test", flatten=True)
    assert [order.number for order in report.cancels] == [2]
    told = [notice.text for notice in world.engine.board.ring if notice.kind == "kill"]
    assert told == ["KILL by test: 1 cancels sent, new orders locked until 'kill reset'"]
    world.wait()
    world.wait()
    assert world.position() == 0 and not world.engine.oms.open_orders()
    refused = world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    assert refused.refusal is not None and refused.refusal.code is RefusalCode.KILLED
    world.engine.reset_kill("test")
    world.clock.advance(NS_PER_S)
    world.market.last_book_ns = world.clock.now_ns()
    assert world.engine.submit(limit(Side.BUY, "0.75", "99.0")).order is not None
    assert [record.engaged for record in world.records(KillSwitch)] == [True, False]  # type: ignore[union-attr]


def test_the_kill_key_is_not_named_after_itself() -> None:
    world = World()
    world.engine.kill("kill")
    world.wait()
    assert world.engine.board.ring[-1].text.startswith("KILL: 0 cancels sent")


def test_the_kill_switch_survives_a_restart() -> None:
    world = World(recovered=Recovered(killed=True))
    refused = world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    assert refused.refusal is not None and refused.refusal.code is RefusalCode.KILLED


def test_funding_is_settled_once_when_its_time_passes() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.wait()
    now = world.clock.now_ns()
    due = now + NS_PER_S
    before = MarkPrice(PERP, now, now, 100.0, 100.0, 0.0001, due)
    after = MarkPrice(PERP, due + 1, due + 1, 100.0, 100.0, 0.0002, due + 8 * 3600 * NS_PER_S)
    for mark in (before, before, after, after):
        world.engine.on_mark(world.market, mark, mark.ts_recv)
    [settled] = world.records(FundingApplied)
    assert isinstance(settled, FundingApplied)
    assert settled.amount == Decimal("-0.005")  # a long pays 0.5 x 100 x 0.0001
    assert world.engine.portfolio.position(PERP).funding == Decimal("-0.005")


def test_a_restart_rests_working_orders_again_and_ends_those_that_never_left() -> None:
    first = World()
    first.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    first.wait()
    first.journal.held = True
    first.engine.submit(limit(Side.BUY, "0.25", "98.5"))
    orders = dict(first.engine.oms.orders)
    held = Position(key=PERP, quantity=Decimal("0.125"), average_entry=Decimal(100))
    second = World(recovered=Recovered(orders=orders, positions={PERP: held}, next_number=3))
    second.wait()
    assert second.order(1).status is OrderStatus.NEW
    assert second.order(2).status is OrderStatus.CANCELED
    assert second.position() == Decimal("0.125")
    second.book([(99.0, 1.0)], [(99.5, 1.0)])
    second.markets.trade(PERP, Side.SELL, "98.5", "1.0")
    second.wait()
    assert second.order(1).status is OrderStatus.FILLED
    assert not second.records(OrderSubmitted), "a restart places nothing by itself"


@pytest.mark.parametrize("reason", ["quit", "SIGTERM"])
def test_a_session_begins_and_ends_in_the_journal(reason: str) -> None:
    world = World()
    world.engine.end(reason)
    assert isinstance(world.journal.records[0][1], SessionStarted)
    ended = world.journal.records[-1][1]
    assert isinstance(ended, SessionEnded) and ended.reason == reason


def test_the_same_events_give_the_same_journal() -> None:
    def play() -> str:
        world = World()
        world.engine.submit(market(Side.BUY, "0.5"))
        world.engine.submit(limit(Side.SELL, "0.25", "101.0", post_only=True))
        world.wait()
        world.markets.trade(PERP, Side.BUY, "101.0", "9.0")
        world.wait()
        world.engine.flatten(None, "test")
        world.wait()
        world.engine.end("done")
        return world.journal.digest()

    assert play() == play()


def test_an_order_that_waited_too_long_for_the_disk_never_leaves() -> None:
    world = World()
    world.journal.held = True
    world.engine.submit(market(Side.BUY, "0.5"))
    world.clock.advance(LONGEST_WAIT_NS + 1)
    world.journal.release()
    world.wait()
    assert world.order(1).status is OrderStatus.CANCELED
    assert world.position() == 0


def test_an_amend_that_waited_too_long_for_the_disk_never_leaves() -> None:
    world = World()
    submitted = world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    assert submitted.order is not None
    world.wait()
    world.journal.held = True
    assert world.engine.amend(submitted.order.client_id, Decimal("98.5"), None, "test").problem == ""
    world.clock.advance(LONGEST_WAIT_NS + 1)
    world.journal.release()
    world.wait()
    assert (world.order(1).status, world.order(1).price) == (OrderStatus.NEW, Decimal("99.0"))


def test_nothing_is_amended_while_the_engine_stops() -> None:
    world = World()
    submitted = world.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    assert submitted.order is not None
    world.wait()
    world.engine.stopping = True
    asked = world.engine.amend(submitted.order.client_id, Decimal("98.5"), None, "test")
    assert asked.refusal is not None and asked.refusal.code is RefusalCode.ENGINE_UNHEALTHY
    assert world.order(1).status is OrderStatus.NEW


def test_an_order_of_an_instrument_not_yet_followed_is_canceled_here_and_never_rests_again() -> None:
    first = World()
    first.engine.submit(limit(Side.BUY, "0.5", "99.0"))
    first.wait()
    second = World(recovered=Recovered(orders=dict(first.engine.oms.orders), next_number=2), follow=False)
    assert [order.number for order in second.engine.kill("test").cancels] == [1]
    second.follow()
    second.wait()
    assert second.order(1).status is OrderStatus.CANCELED
    second.book([(98.0, 1.0)], [(98.5, 1.0)])
    second.markets.trade(PERP, Side.SELL, "98.0", "5.0")
    second.wait()
    assert second.position() == 0


def test_a_flatten_ends_with_the_orders_it_canceled() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.engine.submit(limit(Side.BUY, "0.25", "99.0"))
    world.wait()
    world.engine.flatten(PERP, "test")
    world.clock.advance(NS_PER_MS)
    world.engine.submit(limit(Side.BUY, "0.125", "98.5"))
    world.wait()
    world.book([(98.0, 1.0)], [(98.5, 1.0)])
    world.markets.trade(PERP, Side.SELL, "98.0", "5.0")
    world.wait()
    world.wait()
    assert world.position() == Decimal("0.125"), "what was ordered after the flatten is kept"


def test_flatten_waits_for_the_book_and_closes_when_it_is_live_again() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.wait()
    old = world.market.state
    world.market.sequencer.on_down("connection lost")
    world.engine.on_book_state(world.market, old, world.market.state, "connection lost", world.clock.now_ns())
    assert world.engine.flatten(PERP, "test") == []
    world.wait()
    assert world.position() == Decimal("0.5")
    assert any("waits for the book" in notice.text for notice in world.engine.board.ring)
    old = world.market.state
    world.book([(100.0, 1.0)], [(100.5, 1.0)])
    world.engine.on_book_state(world.market, old, world.market.state, "", world.clock.now_ns())
    world.wait()
    assert world.position() == 0


def test_reverse_waits_for_its_cancels_and_does_not_overshoot() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.engine.submit(limit(Side.SELL, "0.5", "100.5"))
    world.wait()
    started = world.engine.reverse(PERP, "test")
    assert started is not None and started.order is None and started.refusal is None
    world.markets.trade(PERP, Side.BUY, "100.5", "9.0")  # the exit fills while its cancel travels
    for _ in range(3):
        world.wait()
    assert world.position() == Decimal("-0.5")


def test_a_reverse_that_would_be_refused_cancels_nothing() -> None:
    world = World()
    world.engine.submit(market(Side.BUY, "0.5"))
    world.engine.submit(limit(Side.BUY, "0.25", "99.0"))
    world.wait()
    world.engine.kill("test")
    world.engine.reset_kill("test")
    world.engine.submit(limit(Side.BUY, "0.125", "99.0"))
    world.wait()
    world.engine.stopping = True
    refused = world.engine.reverse(PERP, "test")
    assert refused is not None and refused.refusal is not None
    assert world.order(3).status is OrderStatus.NEW


def test_flatten_ends_at_once_without_latency() -> None:
    world = World(paper=PaperConfig(entry_latency_ns=0, response_latency_ns=0))
    world.market.instrument = replace(world.market.instrument, market_max_qty=Decimal("0.2"))
    world.book([(100.0, 9.0)], [(100.5, 9.0)])
    for size in ("0.15", "0.16", "0.17"):
        world.engine.submit(market(Side.BUY, size))
    world.engine.flatten(PERP, "test")
    assert world.position() == 0
