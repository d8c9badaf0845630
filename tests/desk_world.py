"""A desk on a real engine with a hand-made market, for the tests of desk and views: no sockets, time by hand."""

from collections.abc import Callable
from decimal import Decimal

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.desk.commands import ReplayAction
from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.ports import HostFigures
from jackbot_tui.desk.views import ClientInfo, ConnectionView, Context, Reply, Role, Seen
from jackbot_tui.engine.core import Engine
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, ManualClock
from jackbot_tui.model.enums import MarketKind, Mode, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookDelta, BookSnapshot, MarkPrice, Trade
from jackbot_tui.model.records import CommandReceived, Record
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.limits import RiskLimits

START_NS = 1_700_000_000 * NS_PER_S
PERP = "binance:BTC/USDT:USDT"
SPOT = "binance:ETH/USDT"


def instrument(key: str, tick: str = "0.5", lot: str = "0.001") -> Instrument:
    venue, _, symbol = key.partition(":")
    base, _, quote = symbol.partition(":")[0].partition("/")
    return Instrument(
        venue=venue,
        symbol=symbol,
        native=base + quote,
        kind=MarketKind.LINEAR if symbol.count(":") else MarketKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
    )


class HeldJournal(MemoryJournal):
    """A journal whose records become durable when the test says so."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.held = False
        self._durable = 0
        self._waiting: list[tuple[int, Callable[[], None]]] = []

    @property
    def durable_seq(self) -> int:
        return self._durable if self.held else len(self.records)

    def append(self, record: Record) -> int:
        if not self.held:
            self._durable = len(self.records) + 1
        return super().append(record)

    def when_durable(self, seq: int, callback: Callable[[], None]) -> None:
        if seq <= self.durable_seq:
            callback()
        else:
            self._waiting.append((seq, callback))

    def release(self) -> None:
        self.held = False
        waiting, self._waiting = self._waiting, []
        for _, callback in sorted(waiting, key=lambda each: each[0]):
            callback()


class Markets:
    """Stands in for the market data pipeline: books are set by hand."""

    def __init__(self, clock: ManualClock) -> None:
        self.markets: dict[str, InstrumentMarket] = {}
        self._clock = clock
        self._subscriber: Engine | None = None

    def subscribe(self, subscriber: Engine) -> None:
        self._subscriber = subscriber

    def add(self, added: Instrument) -> InstrumentMarket:
        market = self.markets[added.key] = InstrumentMarket(added, "update_id_range", max_levels=10_000)
        return market

    def book(self, key: str, bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> None:
        """Make this the whole book, LIVE and fresh."""
        assert self._subscriber is not None
        market, now = self.markets[key], self._clock.now_ns()
        sequencer = market.sequencer
        if not market.live:
            sequencer.on_up()
            sequencer.on_snapshot(BookSnapshot(key, now, now, 1, bids, asks, 1, 3))
            sequencer.on_delta(BookDelta(key, now, now, 2, 2, 1, [], []))
        else:
            gone_bids = [(price, 0.0) for price in market.book.bids if price not in dict(bids)]
            gone_asks = [(price, 0.0) for price in market.book.asks if price not in dict(asks)]
            number = sequencer.last_id + 1
            sequencer.on_delta(BookDelta(key, now, now, number, number, number - 1, gone_bids + bids, gone_asks + asks))
        assert market.live
        market.last_book_ns = market.last_frame_ns = now
        self._subscriber.on_book(market, now)

    def trade(self, key: str, side: Side, price: str, size: str) -> None:
        assert self._subscriber is not None
        market, now = self.markets[key], self._clock.now_ns()
        trade = Trade(key, now, now, str(market.trades.seq + 1), side, float(price), float(size), price, size)
        market.trades.add(trade)
        self._subscriber.on_trade(market, trade, now)

    def mark(self, key: str, price: float) -> None:
        now = self._clock.now_ns()
        self.markets[key].mark = MarkPrice(key, now, now, price, price, 0.0001, now + 3600 * NS_PER_S)


class FakeHost:
    """Records what the desk asks of the process."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.measured = HostFigures(loop_lag_ms=0.4, frames_per_s=100.0, unknown_frames=2, detail="")

    def stop(self, reason: str) -> None:
        self.asked.append(f"stop: {reason}")

    def replay(self, action: ReplayAction, value: Decimal) -> str:
        raise InputError("this is no replay: replay works after jackbot replay CAPTURE")

    def record(self, start: bool) -> str:
        self.asked.append(f"record: {start}")
        return "recording"

    async def export_today(self) -> str:
        self.asked.append("export")
        return "wrote 2 files"

    def connections(self) -> list[ConnectionView]:
        return [ConnectionView("binance.linear.public", "up", 60.0, 0, 6000, 100.0, 3.0, 12.0)]

    def figures(self) -> HostFigures:
        return self.measured


class World:
    """One desk with two instruments: a BTC perpetual at 61000.0/61000.5 and ETH spot at 3000.0/3000.5."""

    def __init__(self, limits: RiskLimits | None = None, paper: PaperConfig | None = None) -> None:
        self.clock = ManualClock(START_NS)
        self.data = Markets(self.clock)
        self.journal = HeldJournal(7)
        paper = paper or PaperConfig(entry_latency_ns=0, response_latency_ns=0)
        self.engine = Engine(
            clock=self.clock,
            mode=Mode.PAPER,
            venue="binance",
            data=self.data,  # type: ignore[arg-type]
            executor=PaperExecutor(self.data.markets, paper, 7, trade_id_prefix="t"),
            oms=Oms(strict=True),
            portfolio=Portfolio(paper.start_balances),
            gate=RiskGate(limits or RiskLimits()),
            journal=self.journal,
            seed=7,
            version="0",
        )
        self.engine.start(None, [])
        for key in (PERP, SPOT):
            self.engine.add_instrument(instrument(key))
        self.fresh()
        self.host = FakeHost()
        self.desk = Desk(self.engine, self.host)
        self.screen = self.desk.attach(Role.SCREEN, "glass")
        self.ctl = self.desk.attach(Role.CTL, "")

    def fresh(self, mid_ticks: int = 0) -> None:
        """Both books LIVE now, the perpetual ``mid_ticks`` away from where it began, ten levels a side."""
        at = 61000.0 + mid_ticks * 0.5
        bids = [(at - n * 0.5, 1.0 + n) for n in range(10)]
        asks = [(at + 0.5 + n * 0.5, 1.0 + n) for n in range(10)]
        self.data.book(PERP, bids, asks)
        spot_bids = [(3000.0 - n * 0.5, 10.0) for n in range(10)]
        self.data.book(SPOT, spot_bids, [(3000.5 + n * 0.5, 10.0) for n in range(10)])

    def wait(self, seconds: float) -> None:
        """Time goes by; books stay fresh."""
        self.clock.advance(int(seconds * NS_PER_S))
        for market in self.data.markets.values():
            market.last_book_ns = self.clock.now_ns()
        self.engine.advance(self.clock.now_ns())

    async def ctl_line(self, line: str) -> Reply:
        """A line of ``jackbot ctl``."""
        return await self.desk.execute(self.ctl, line, Context(), False)

    async def type(
        self, line: str, *, confirmed: bool = False, context: Context | None = None, client: ClientInfo | None = None
    ) -> Reply:
        """A line of the screen (or ``client``)."""
        return await self.desk.execute(client or self.screen, line, context or Context(key=PERP), confirmed)

    async def armed(self, words: str = "arm") -> None:
        reply = await self.type(words)
        assert reply.ok, reply.lines

    def seen(self, *, bid: str = "61000.0", ask: str = "61000.5", glass_age_ms: float = 5.0) -> Context:
        """A context with what was on the glass."""
        return Context(PERP, "", Seen(bid, ask, 2, 5.0, glass_age_ms))

    def commands(self) -> list[str]:
        """Lines in the journal."""
        return [record.line for _, record in self.journal.records if isinstance(record, CommandReceived)]

    def position(self, key: str = PERP) -> str:
        return str(self.engine.portfolio.position(key).quantity.normalize())

    def open_numbers(self) -> list[int]:
        return [order.number for order in self.engine.oms.open_orders()]


MS = NS_PER_MS
