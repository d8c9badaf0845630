"""Sliced parent orders started all along a recorded session, and the tape they are judged by."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from jackbot_tui.algos.state import Kind, ParentPicture, ParentRequest
from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, Source
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.parents import ParentOptions
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
from jackbot_tui.risk.limits import RiskLimits

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "binance"
NAME = "btcusdt_20240808.jsonl.gz"
UNBOUND = RiskLimits(
    max_orders_per_s=0,
    max_position_notional=Decimal(0),
    max_order_notional=Decimal(0),
    max_day_loss=Decimal(0),
    max_open_orders=0,
)
SYMBOLS = {MarketKind.LINEAR: "BTC/USDT:USDT", MarketKind.SPOT: "BTC/USDT"}
INSTRUMENTS = {
    kind: Instrument(
        venue="binance",
        symbol=symbol,
        native="BTCUSDT",
        kind=kind,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        min_notional=Decimal(notional),
        maker_fee=Decimal(maker),
        taker_fee=Decimal(taker),
    )
    for kind, symbol, tick, lot, notional, maker, taker in (
        (MarketKind.LINEAR, "BTC/USDT:USDT", "0.1", "0.001", "100", "0.0002", "0.0005"),
        (MarketKind.SPOT, "BTC/USDT", "0.01", "0.00001", "5", "0.001", "0.001"),
    )
}
"""Rules of that day (docs of the venue); a capture has none of them, and a finer lot would be a trace of its own."""


class Order(Struct, frozen=True):
    """What is started at each turn; ``name`` is how the results are filed."""

    name: str
    kind: Kind
    values: dict[str, str]
    quantity: str


class Tape:
    """Every trade of one instrument: times, and values and sizes summed up before each."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.times: list[int] = []
        self.values: list[float] = [0.0]
        self.sizes: list[float] = [0.0]

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        if market.key == self.key:
            self.times.append(now)
            self.values.append(self.values[-1] + trade.price * trade.size)
            self.sizes.append(self.sizes[-1] + trade.size)

    def on_book(self, market: InstrumentMarket, now: int) -> None: ...

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None: ...

    def on_book_state(
        self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int
    ) -> None: ...

    def on_notice(self, notice: VenueNotice, now: int) -> None: ...

    def volume(self, first_ns: int, last_ns: int) -> float:
        """Traded between two times, base units."""
        return self.sizes[bisect_left(self.times, last_ns)] - self.sizes[bisect_left(self.times, first_ns)]

    def average(self, first_ns: int, last_ns: int) -> float:
        """Volume-weighted mean price between two times."""
        begin, end = bisect_left(self.times, first_ns), bisect_left(self.times, last_ns)
        return (self.values[end] - self.values[begin]) / (self.sizes[end] - self.sizes[begin])


class Starts:
    """A ``kernel.Strategy``: the orders in turn, buying and selling, one every ``every_ns``; none after ``until_s``."""

    def __init__(self, key: str, orders: Sequence[Order], every_ns: int, until_s: int) -> None:
        self.tape = Tape(key)
        self.next_ns: int | None = None
        self.names: dict[int, str] = {}
        self.problems: list[str] = []
        self._key = key
        self._orders = orders
        self._every_ns = every_ns
        self._last_ns = until_s * NS_PER_S
        self._ended: dict[int, ParentPicture] = {}
        self._engine: Engine
        self._turn = 0

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        (self._engine,) = engines.values()
        self._engine.data.subscribe(self.tape)
        self._last_ns += now
        self.next_ns = now + 2 * NS_PER_S

    def wake(self, now: int) -> None:
        self.collect()
        order = self._orders[self._turn % len(self._orders)]
        side = Side.BUY if self._turn // len(self._orders) % 2 else Side.SELL
        self._turn += 1
        request = ParentRequest(
            kind=order.kind,
            key=self._key,
            side=side,
            quantity=Decimal(order.quantity),
            values=order.values,
            source="test",
        )
        answer = self._engine.parents.start(request)
        if answer.picture is None:
            self.problems.append(answer.problem)
        else:
            self.names[answer.picture.number] = order.name
        self.next_ns = now + self._every_ns if now + self._every_ns < self._last_ns else self._last_ns + 10**15

    def collect(self) -> None:
        for picture in self._engine.parents.pictures():
            if not picture.status.is_open:
                self._ended[picture.number] = picture

    def ended(self, name: str) -> list[ParentPicture]:
        return [picture for number, picture in sorted(self._ended.items()) if self.names[number] == name]


def played(kind: MarketKind, orders: Sequence[Order], every_ns: int, until_s: int = 10**6) -> Starts:
    """The session of ``kind`` with those orders at work."""
    symbol = SYMBOLS[kind]
    starts = Starts(f"binance:{symbol}", orders, every_ns, until_s)
    source = Source(
        paths=(RECORDED / kind.value / NAME,),
        venue="binance",
        kind=kind,
        symbols=(symbol,),
        instruments=(INSTRUMENTS[kind],),
    )
    paper = PaperConfig(start_balances={"USDT": Decimal(10**8), "BTC": Decimal(1000)})
    parents = ParentOptions(children_per_s=1000)
    options = BacktestOptions(sources=(source,), limits=UNBOUND, paper=paper, parents=parents)
    Backtest(options, starts).run()
    starts.collect()
    assert starts.problems == [], starts.problems[0]
    return starts
