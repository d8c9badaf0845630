"""Strategies in Python: a class that hears of the market and of its orders and says lines of the command language.

A file given to ``jackbot backtest run`` holds one subclass of ``Trader``. It hears after each record what that record
brought (so it never acts on half of one), and whatever it wants goes the way of a person's line: parsed, priced,
guarded, gated, journaled, delayed by the paper venue's latency. docs/BACKTEST.md has an example. ``Coded`` lets the
kernel play it. Nothing here reads a clock or the network, so a trader that does not either gives the same journal
always.
"""

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.views import ClientInfo, Context, Reply, Role
from jackbot_tui.engine.core import Engine
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.market import MarkPrice, Trade, VenueNotice
from jackbot_tui.model.orders import Order, OrderFilled, Position

RECENT_REPLIES = 1000


class Trader:
    """Override what you want to hear; class attributes of simple types are parameters (``--set NAME=VALUE``)."""

    def on_start(self) -> None:
        """The session begins; instruments are known, their books are not."""

    def on_book(self, market: InstrumentMarket) -> None:
        """A LIVE book is another one now."""

    def on_trade(self, market: InstrumentMarket, trade: Trade) -> None:
        """Somebody traded."""

    def on_fill(self, order: Order, fill: OrderFilled) -> None:
        """An order of ours was filled, wholly or in part; ``order`` as it is now."""

    def on_order(self, order: Order) -> None:
        """Another state of an order of ours: accepted, canceled, rejected, expired, filled."""

    def on_timer(self) -> None:
        """The time asked for with ``wake_in`` has come."""

    # ------------------------------------------------------------------ what it may ask and do

    _player: "Coded"

    @property
    def now(self) -> int:
        """The data's time, nanoseconds since 1970 UTC."""
        return self._player.now

    @property
    def keys(self) -> list[str]:
        """All instruments, as ``binance:BTC/USDT:USDT``."""
        return list(self._player.markets)

    def market(self, key: str) -> InstrumentMarket:
        """Book, tape and mark price of an instrument."""
        return self._player.markets[key]

    def position(self, key: str) -> Position:
        return self._player.engine_of(key).portfolio.position(key)

    def orders(self, key: str) -> list[Order]:
        """Our working orders in an instrument, those on their way included."""
        return self._player.engine_of(key).oms.open_orders(key)

    def say(self, line: str, key: str = "") -> Reply:
        """Carry out a line of the command language, as ``buy 0.01 @ bid post``; ``key``: the active instrument."""
        return self._player.say(line, key)

    def wake_in(self, seconds: float) -> None:
        """Call ``on_timer`` after so many seconds; the last call counts."""
        self._player.wake_in(round(seconds * NS_PER_S))


class Coded:
    """A ``kernel.Strategy`` around one ``Trader``."""

    def __init__(self, trader: Trader) -> None:
        self.now = 0
        self.markets: dict[str, InstrumentMarket] = {}
        self.lines = 0
        self.refused: list[tuple[int, str, str]] = []
        """Time, line and answer of the first ``RECENT_REPLIES`` lines that were not carried out."""
        self._trader = trader
        trader._player = self
        self._engines: Mapping[str, Engine] = {}
        self._desks: dict[str, tuple[Desk, ClientInfo]] = {}
        self._read: dict[str, int] = {}  # journal records heard of, by venue
        self._heard: list[InstrumentMarket | tuple[InstrumentMarket, Trade]] = []
        self._news_ns: int | None = None
        self._timer_ns: int | None = None

    @property
    def next_ns(self) -> int | None:
        if self._news_ns is None or self._timer_ns is None:
            return self._timer_ns if self._news_ns is None else self._news_ns
        return min(self._news_ns, self._timer_ns)

    def start(self, engines: Mapping[str, Engine], now: int) -> None:
        self.now = now
        self._engines = engines
        for venue, engine in engines.items():
            desk = Desk(engine)
            self._desks[venue] = (desk, desk.attach(Role.CTL, type(self._trader).__name__))
            self._read[venue] = 0
            self.markets.update(engine.data.markets)
            engine.data.subscribe(self)
            engine.board.listen(lambda notice: self._note())
        self._trader.on_start()

    def wake(self, now: int) -> None:
        """Tell the trader what happened up to now, oldest first, then that its time has come."""
        self.now = now
        self._news_ns = None
        heard, self._heard = self._heard, []
        for each in heard:
            if isinstance(each, InstrumentMarket):
                if each.live:
                    self._trader.on_book(each)
            else:
                self._trader.on_trade(*each)
        for venue, engine in self._engines.items():
            self._tell_orders(venue, engine)
        if self._timer_ns is not None and self._timer_ns <= now:
            self._timer_ns = None
            self._trader.on_timer()

    def engine_of(self, key: str) -> Engine:
        engine = self._engines.get(key.partition(":")[0])
        if engine is None:
            raise InputError(f"{key}: no capture of this venue is played, only of {', '.join(self._engines)}")
        return engine

    def say(self, line: str, key: str) -> Reply:
        key = key or next(iter(self.markets), "")
        self.engine_of(key)
        desk, client = self._desks[key.partition(":")[0]]
        reply = asyncio.run(desk.execute(client, line, Context(key=key), confirmed=True))
        self.lines += 1
        if not reply.ok and len(self.refused) < RECENT_REPLIES:
            self.refused.append((self.now, line, reply.lines[0] if reply.lines else reply.code))
        return reply

    def wake_in(self, ns: int) -> None:
        self._timer_ns = self.now + max(1, ns)

    # ------------------------------------------------------------------ a subscriber of market data

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        if not self._heard or self._heard[-1] is not market:
            self._heard.append(market)
        self._news_ns = now

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None:
        self._heard.append((market, trade))
        self._news_ns = now

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None:
        """Traders look at ``market.mark`` when they need it."""

    def on_book_state(self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int) -> None:
        self.markets[market.key] = market

    def on_notice(self, notice: VenueNotice, now: int) -> None:
        """The venue's service messages are for people."""

    # ------------------------------------------------------------------ orders

    def _note(self) -> None:
        if self._news_ns is None:
            self._news_ns = next(iter(self._engines.values())).clock.now_ns()

    def _tell_orders(self, venue: str, engine: Engine) -> None:
        """What the journal learned since the last time; it grows while the trader answers."""
        journal = engine.journal
        assert isinstance(journal, MemoryJournal)
        while self._read[venue] < len(journal.records):
            record = journal.records[self._read[venue]][1]
            self._read[venue] += 1
            order = engine.oms.orders.get(getattr(record, "client_id", ""))
            if order is None or not type(record).__name__.startswith("Order"):
                continue
            if isinstance(record, OrderFilled):
                self._trader.on_fill(order, record)
            self._trader.on_order(order)


def load_strategy(path: Path, parameters: Sequence[str] = ()) -> Coded:
    """The trader in a Python file, with its parameters set; InputError says what is wrong with either."""
    name = f"jackbot_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path}: no such strategy file: write a Python file with a class derived from Trader")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Trader) and each.__module__ == name
    ]
    if len(found) != 1:
        there = ", ".join(each.__name__ for each in found) or "none"
        raise InputError(f"{path}: one class derived from Trader is wanted, this file has {there}")
    trader = found[0]()
    for text in parameters:
        _set(trader, text)
    return Coded(trader)


def _set(trader: Trader, text: str) -> None:
    """``NAME=VALUE`` by the type of what is there."""
    name, separator, value = text.partition("=")
    known = {each: value for each, value in vars(type(trader)).items() if type(value) in _KINDS}
    if not separator or name not in known or name.startswith("_"):
        there = ", ".join(sorted(each for each in known if not each.startswith("_"))) or "none"
        raise InputError(f"--set {text}: write NAME=VALUE; parameters of {type(trader).__name__}: {there}")
    try:
        setattr(trader, name, _KINDS[type(known[name])](value))
    except (ValueError, ArithmeticError):
        raise InputError(f"--set {text}: {value!r} is not a value for {name}, which is {known[name]!r} now") from None


def _flag(text: str) -> bool:
    if text not in ("on", "off", "true", "false"):
        raise ValueError(text)
    return text in ("on", "true")


_KINDS: dict[type, Callable[[str], object]] = {bool: _flag, int: int, float: float, str: str, Decimal: Decimal}
"""Types that a parameter may have, and how each is read."""
