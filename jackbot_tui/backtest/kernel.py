"""The replay kernel: captures through the very engine of a live session, at full speed, on the time of the data.

One engine per venue (as many accounts as in life), one clock for all. Records of all captures are merged by their own
receive times, never joined by rows; timers of the engines (latency both ways, the UTC day) and of the strategy run in
order with them. Nothing waits or sleeps: same captures, seed, configuration and strategy give the same journal,
byte for byte, on any machine; ``digest`` says so. Captures may come from different recorders: ``shift_ns`` corrects a
clock that was off, before anything is merged.
"""

import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from jackbot_tui import __version__
from jackbot_tui.backtest.columns import ColumnMarketData, ColumnPlayer, is_columns
from jackbot_tui.backtest.outcome import Drawdown
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.parents import ParentOptions
from jackbot_tui.engine.replay import ReplayPlayer
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.feeds.capture import CaptureRecord, read_capture
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.model.clock import NS_PER_MS, ManualClock
from jackbot_tui.model.enums import MarketKind, Mode
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.orders import OrderFilled
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.venues import load_venue

TICK_NS = 100 * NS_PER_MS
"""Longest stretch of the data's time between two calls of ``Engine.advance``, as in a live session."""


class Source(Struct, frozen=True, kw_only=True):
    """Captures, or their columns (.parquet, .npz), of one venue and market kind that continue one another.

    ``symbols`` (unified) empty = all that they hold. ``instruments`` gives trading rules where the capture has none.
    ``shift_ns`` is added to every receive time.
    """

    paths: tuple[Path, ...]
    venue: str
    kind: MarketKind
    symbols: tuple[str, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    shift_ns: int = 0


class BacktestOptions(Struct, frozen=True, kw_only=True):
    """``seed`` seeds every generator; ``paper`` and ``limits`` as in a live session."""

    sources: tuple[Source, ...]
    seed: int = 1
    paper: PaperConfig = field(default_factory=PaperConfig)
    limits: RiskLimits = field(default_factory=RiskLimits)
    parents: ParentOptions = ParentOptions()


class Strategy(Protocol):
    """Who trades. Called between records, with the clock at the moment it asked for.

    It sends orders through the engines' own methods and may subscribe to ``engine.data`` and ``engine.board``.
    """

    @property
    def next_ns(self) -> int | None:
        """When ``wake`` is wanted, nanoseconds of the data's time; None = not again."""
        ...

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        """The session begins at ``now``. ``engines`` by venue; their instruments are known, their books are not."""
        ...

    def wake(self, now: int) -> None: ...


class Player(Protocol):
    """Moves one source on: a ``ReplayPlayer`` or a ``ColumnPlayer``."""

    @property
    def next_ns(self) -> int | None: ...

    @property
    def frames(self) -> int: ...

    def play_until(self, until_ns: int) -> int: ...


class BacktestResult(Struct, frozen=True):
    """``digests`` are the journals' by venue, ``digest`` stands for all of them. Times are the data's.

    ``fills`` stands for the fills alone, without what explains them: the same from a capture and from its columns.
    ``drawdown``: deepest fall of the equity of all accounts from its highest before, dollars.
    """

    digest: str
    digests: dict[str, str]
    fills: str
    frames: int
    unknown_frames: int
    first_ns: int
    last_ns: int
    drawdown: Decimal


class Backtest:
    """One run. Build, ``run``, then look at ``engines`` and ``journals`` as one likes."""

    def __init__(self, options: BacktestOptions, strategy: Strategy) -> None:
        """CaptureError and InputError say what is wrong with captures or symbols."""
        if not options.sources:
            raise InputError("a backtest needs at least one capture")
        self.engines: dict[str, Engine] = {}
        self.journals: dict[str, MemoryJournal] = {}
        self._strategy = strategy
        self._drawdown = Drawdown()
        self._clock = ManualClock()
        self._options = options
        clocks = [ManualClock() for _ in options.sources]
        datas: dict[str, MarketData] = {}
        self._players: list[Player] = []
        for source, clock in zip(options.sources, clocks, strict=True):
            data = datas.get(source.venue)
            if data is None:
                data = datas[source.venue] = _pipeline(source)
            self._players.append(_player(source, data, clock))
        starts = [player.next_ns for player in self._players]
        self.first_ns = min((start for start in starts if start is not None), default=0)
        self._clock.set(self.first_ns)
        for venue, data in datas.items():
            self.engines[venue] = self._engine(venue, data)
        self._next_tick = self.first_ns + TICK_NS

    def run(self) -> BacktestResult:
        """Play everything; at the end answers that are under way are waited for, then the journals are closed."""
        for engine in self.engines.values():
            engine.start(None, [market.instrument.symbol for market in engine.data.markets.values()])
        self._strategy.start(self.engines, self.first_ns)
        at = self.first_ns
        while (player := self._earliest()) is not None:
            at = player.next_ns or at
            self._run_timers(at)
            self._clock.set(at)
            player.play_until(at)
        self._run_timers(at)
        self._settle()
        last_ns = self._clock.now_ns()
        for engine in self.engines.values():
            engine.end("end of the captures")
        digests = {venue: journal.digest() for venue, journal in self.journals.items()}
        whole = hashlib.sha256("".join(f"{venue} {text}\n" for venue, text in sorted(digests.items())).encode())
        return BacktestResult(
            digest=whole.hexdigest(),
            digests=digests,
            fills=_fills_digest(self.journals),
            frames=sum(player.frames for player in self._players),
            unknown_frames=sum(engine.data.unknown_frames for engine in self.engines.values()),
            first_ns=self.first_ns,
            last_ns=last_ns,
            drawdown=self._drawdown.deepest,
        )

    def _engine(self, venue: str, data: MarketData) -> Engine:
        options = self._options
        journal = self.journals[venue] = MemoryJournal(options.seed)
        return Engine(
            clock=self._clock,
            mode=Mode.REPLAY,
            venue=venue,
            data=data,
            executor=PaperExecutor(
                data.markets,
                replace(options.paper, meter=False),  # nobody looks at it here, and it costs a sixth
                options.seed,
                trade_id_prefix=f"{journal.journal_id}-{journal.session}-",
            ),
            oms=Oms(),
            portfolio=Portfolio(options.paper.start_balances),
            gate=RiskGate(options.limits),
            journal=journal,
            seed=options.seed,
            version=__version__,
            parents=options.parents,
        )

    def _earliest(self) -> Player | None:
        """Whose record is next; of equal times the source named first."""
        earliest, its_ns = None, 0
        for player in self._players:
            at = player.next_ns
            if at is not None and (earliest is None or at < its_ns):
                earliest, its_ns = player, at
        return earliest

    def _run_timers(self, until: int) -> None:
        """Everything that engines and strategy want to happen by ``until``, each at its own time.

        A moment's timers come before its records, engines' before the strategy's.
        """
        engines = tuple(self.engines.values())
        while True:
            wanted = self._strategy.next_ns
            due = self._next_tick if wanted is None else min(wanted, self._next_tick)
            for engine in engines:
                wakeup = engine.next_wakeup
                if wakeup is not None and wakeup < due:
                    due = wakeup
            if due > until:
                return
            self._clock.set(due)
            for engine in engines:
                engine.advance(due)
            if due >= self._next_tick:
                self._next_tick = due + TICK_NS
                self._drawdown.sample(self.engines, due)
            if wanted is not None and wanted <= due:
                self._strategy.wake(due)

    def _settle(self) -> None:
        """Let requests and answers under way arrive: the market stands still meanwhile."""
        while True:
            wakeups = [each for engine in self.engines.values() if (each := engine.next_wakeup) is not None]
            if not wakeups:
                return
            self._clock.set(min(wakeups))
            for engine in self.engines.values():
                engine.advance(self._clock.now_ns())


def _shifted(source: Source) -> Iterator[CaptureRecord]:
    records = read_capture(list(source.paths))
    if not source.shift_ns:
        return iter(records)
    return (replace(record, ts_ns=record.ts_ns + source.shift_ns) for record in records)


def _pipeline(source: Source) -> MarketData:
    return ColumnMarketData(source.venue) if _is_columns(source) else MarketData(load_venue(source.venue))


def _player(source: Source, data: MarketData, clock: ManualClock) -> Player:
    """What plays ``source``; InputError when the venue's pipeline is of the other sort."""
    if _is_columns(source) != isinstance(data, ColumnMarketData):
        raise InputError(f"{source.venue}: captures and columns of one venue cannot be played together: convert all")
    if isinstance(data, ColumnMarketData):
        return ColumnPlayer(
            source.paths,
            data,
            clock,
            source.kind,
            symbols=source.symbols,
            instruments=source.instruments,
            shift_ns=source.shift_ns,
        )
    for instrument in source.instruments:
        data.add(instrument)
    return ReplayPlayer(_shifted(source), data, clock, data.codec, source.kind, symbols=source.symbols)


def _is_columns(source: Source) -> bool:
    return any(is_columns(path) for path in source.paths)


def _fills_digest(journals: Mapping[str, MemoryJournal]) -> str:
    digest = hashlib.sha256()
    for _, journal in sorted(journals.items()):
        for _, record in journal.records:
            if isinstance(record, OrderFilled):
                amounts = " ".join(map(text_of, (record.price, record.quantity, record.fee)))
                told = f"{record.client_id} {record.ts} {record.trade_id} {record.liquidity} {record.fee_currency}"
                digest.update(f"{told} {amounts}\n".encode())
    return digest.hexdigest()
