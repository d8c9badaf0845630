"""An engine on a hand-made market with parent orders at work, for their tests: paper fills, time by hand, crashes."""

from collections.abc import Callable
from decimal import Decimal

from jackbot_tui.algos.state import Action, Kind, ParentPicture, ParentRequest
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.parents import ParentAnswer, ParentOptions, RestartPolicy
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.journal.base import Recovered
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, ManualClock
from jackbot_tui.model.enums import BookState, Liquidity, Mode, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginSetting
from jackbot_tui.model.orders import Order, OrderEvent, OrderFilled
from jackbot_tui.model.records import FundingApplied, MarginSet, OrderSubmitted, ParentMoved, ParentStarted, Record
from jackbot_tui.model.transitions import apply_event
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.limits import RiskLimits
from tests.desk_world import PERP, START_NS, Markets, instrument

BUY, SELL = Side.BUY, Side.SELL
LIMITS = RiskLimits(max_orders_per_s=0, max_position_notional=Decimal(0), max_order_notional=Decimal(0))


class ParentsWorld:
    """Book of 1 @ 100.0 / 1 @ 100.5 at first. ``step`` moves time; ``fill`` makes the paper venue fill at the touch."""

    def __init__(
        self,
        *,
        listed: Instrument | None = None,
        options: ParentOptions | None = None,
        recovered: Recovered | None = None,
        start_ns: int = START_NS,
        seed: int = 1,
        first: tuple[str, str] = ("100.0", "100.5"),
    ) -> None:
        self.clock = ManualClock(start_ns)
        self.markets = Markets(self.clock)
        self.journal = MemoryJournal(7)
        self.listed = listed or instrument(PERP)
        executor = PaperExecutor(self.markets.markets, PaperConfig(), seed, trade_id_prefix=f"t{start_ns}-")
        self.engine = Engine(
            clock=self.clock,
            mode=Mode.SIM,
            venue="binance",
            data=self.markets,  # type: ignore[arg-type]
            executor=executor,
            oms=Oms(),
            portfolio=Portfolio({"USDT": Decimal(10_000_000)}),
            gate=RiskGate(LIMITS),
            journal=self.journal,
            seed=seed,
            version="test",
            parents=options or ParentOptions(children_per_s=1000),
        )
        self.key = self.listed.key
        self.engine.start(recovered, [self.listed.symbol])
        self.market = self.engine.add_instrument(self.listed)
        self.book(*first)

    @property
    def parents(self):  # type: ignore[no-untyped-def]
        return self.engine.parents

    def book(self, bid: str, ask: str, bid_size: float = 1.0, ask_size: float = 1.0) -> None:
        """Make these the best prices, with depth behind them."""
        tick = float(self.listed.tick)
        bids = [(float(bid) - n * tick, bid_size if n == 0 else 5.0) for n in range(5)]
        asks = [(float(ask) + n * tick, ask_size if n == 0 else 5.0) for n in range(5)]
        self.markets.book(self.key, bids, asks)

    def lose_book(self, reason: str = "connection lost") -> None:
        old = self.market.state
        self.market.sequencer.on_down(reason)
        self.engine.on_book_state(self.market, old, self.market.state, reason, self.clock.now_ns())

    def find_book(self, bid: str, ask: str) -> None:
        """LIVE again, as the pipeline would say it."""
        old = self.market.state
        self.book(bid, ask)
        self.engine.on_book_state(self.market, old, BookState.LIVE, "", self.clock.now_ns())

    def trade(self, side: Side, price: str, size: str) -> None:
        """A trade with aggressor ``side``; enough size gets past any queue."""
        self.markets.trade(self.key, side, price, size)

    def step(self, ms: int = 100) -> None:
        """Time goes on in steps of 10 ms, as the runtime's timer would have it, with a book that stays fresh."""
        end = self.clock.now_ns() + ms * NS_PER_MS
        while self.clock.now_ns() < end:
            self.clock.set(min(end, self.clock.now_ns() + 10 * NS_PER_MS))
            if self.market.live:
                self.market.last_book_ns = self.clock.now_ns()
            self.engine.advance(self.clock.now_ns())

    def start(self, kind: Kind, side: Side, quantity: str, **values: str) -> ParentAnswer:
        request = ParentRequest(
            kind=kind, key=self.key, side=side, quantity=Decimal(quantity), values=values, source="test"
        )
        return self.engine.parents.start(request)

    def begin(self, kind: Kind, side: Side, quantity: str, **values: str) -> int:
        """As ``start``, for one that must begin; its number."""
        answer = self.start(kind, side, quantity, **values)
        assert answer.problem == "", answer.problem
        assert answer.picture is not None
        return answer.picture.number

    def steer(self, number: int, action: Action, quantity: str = "", **changes: str) -> str:
        total = Decimal(quantity) if quantity else None
        return self.engine.parents.steer(number, action, total, changes, "test").problem

    def look(self, number: int = 1) -> ParentPicture:
        picture = self.engine.parents.picture(number)
        assert picture is not None
        return picture

    def open_orders(self) -> list[Order]:
        return self.engine.oms.open_orders()

    def only_order(self) -> Order:
        (order,) = self.open_orders()
        return order

    def records(self, kind: type[Record]) -> list[Record]:
        return [record for _, record in self.journal.records if isinstance(record, kind)]

    def told(self) -> list[str]:
        return [notice.text for notice in self.engine.board.ring if notice.kind == "parent"]

    def position(self) -> Decimal:
        return self.engine.portfolio.position(self.key).quantity

    def fills(self) -> list[OrderFilled]:
        return [record for _, record in self.journal.records if isinstance(record, OrderFilled)]

    def taken(self) -> Decimal:
        """What was filled as taker."""
        return sum((fill.quantity for fill in self.fills() if fill.liquidity is Liquidity.TAKER), Decimal(0))


def recovered_from(records: list[Record]) -> Recovered:
    """What a journal with these records gives back, by the same functions that the journal uses."""
    orders: dict[str, Order] = {}
    fill_ids: set[tuple[str, str]] = set()
    started: dict[str, ParentStarted] = {}
    moved: dict[str, ParentMoved] = {}
    margins: dict[str, MarginSetting] = {}
    portfolio = Portfolio({"USDT": Decimal(10_000_000)})
    for record in records:
        match record:
            case OrderSubmitted(order=order):
                orders[order.client_id] = order
            case ParentStarted():
                started[record.parent_id] = record
            case ParentMoved():
                moved[record.parent_id] = record
            case MarginSet():
                margins[record.key] = MarginSetting(record.mode, record.leverage)
            case FundingApplied():
                portfolio.apply_funding(record.key, record.amount, record.ts)
            case _ if isinstance(record, OrderEvent):
                order = orders[record.client_id] = apply_event(orders[record.client_id], record)
                if isinstance(record, OrderFilled):
                    fill_ids.add((record.client_id, record.trade_id))
                    portfolio.apply(order, record)
    open_parents = tuple(
        (each, moved.get(parent_id))
        for parent_id, each in started.items()
        if parent_id not in moved or moved[parent_id].is_open
    )
    return Recovered(
        orders=orders,
        positions={position.key: position for position in portfolio.positions},
        fill_ids=frozenset(fill_ids),
        parents=open_parents,
        margins=margins,
        next_number=max((order.number for order in orders.values()), default=0) + 1,
        next_parent=max((each.number for each in started.values()), default=0) + 1,
        last_session=1,
    )


def restarted(world: ParentsWorld, upto: int, policy: RestartPolicy) -> ParentsWorld:
    """An engine that comes up on the first ``upto`` records of ``world``, as after a power cut."""
    records = [record for _, record in world.journal.records[:upto]]
    return ParentsWorld(
        listed=world.listed,
        options=ParentOptions(restart=policy, children_per_s=1000),
        recovered=recovered_from(records),
        start_ns=world.clock.now_ns() + NS_PER_S,
        seed=2,
    )


def until(world: ParentsWorld, done: Callable[[], bool], most_ms: int = 60_000, step_ms: int = 50) -> None:
    """Let time go on until ``done``; fails when it does not come."""
    for _ in range(most_ms // step_ms):
        if done():
            return
        world.step(step_ms)
    raise AssertionError(f"did not come within {most_ms} ms")
